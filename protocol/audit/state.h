/* Private parts of the auditor. Written from protocol/spec alone: it shares base/ and wire/ with
 * the node, never ledger/, log/, slot/ or engine/, so that it cannot share their mistakes. */
#ifndef MEREAU_AUDIT_STATE_H
#define MEREAU_AUDIT_STATE_H

#include "mereau/assert.h"
#include "mereau/audit.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/sign.h"
#include "mereau/time.h"

/* --- a table of pointers; the key stands at the start of what they point at ------------------- */
struct mri_aud_map {
    void **slots;
    size_t cap, count; /* cap: power of two, or 0 */
    size_t key_len;
    uint8_t seed[16];
};

void *mri_aud_map_get(const struct mri_aud_map *m, const void *key);
/* The key must be new. MR_NO_MEMORY changes nothing. */
enum mr_status mri_aud_map_put(struct mri_aud_map *m, const struct mr_mem *mem, void *entry);
/* All entries ascending by key, in an array of m->count that the caller puts back; NULL: no memory
 * (or no entry). */
void **mri_aud_map_sorted(const struct mri_aud_map *m, const struct mr_mem *mem);
void mri_aud_map_done(struct mri_aud_map *m, const struct mr_mem *mem, bool entries_too);

/* --- RFC 6962 tree that knows the roots of its recent sizes ------------------------------------
 */
enum { MRI_AUD_LEVELS = 53, MRI_AUD_WINDOW = 1 << 17, MRI_AUD_WINDOW_OF_PEERS = 1 << 14 };

struct mri_aud_tree {
    uint64_t size;
    uint64_t window;                      /* sizes whose root is known; 0: MRI_AUD_WINDOW */
    uint8_t (*level[MRI_AUD_LEVELS])[32]; /* ring of the last complete subtrees of 2^level leaves */
};

void mri_aud_leaf_hash(uint8_t ret[32], const uint8_t *leaf, size_t len);
void mri_aud_node_hash(uint8_t ret[32], const uint8_t left[32], const uint8_t right[32]);
enum mr_status mri_aud_tree_add(struct mri_aud_tree *t, const struct mr_mem *mem,
                                const uint8_t leaf_hash[32]);
/* Root of the first `size` leaves, at most t->size; false when that is too long ago. */
bool mri_aud_tree_root(const struct mri_aud_tree *t, uint8_t ret[32], uint64_t size);
/* For saving and loading: how many of the last complete subtrees of 2^level leaves are held, and
 * the root of one of them; NULL: no memory. */
uint64_t mri_aud_tree_held(const struct mri_aud_tree *t, unsigned level);
uint8_t *mri_aud_tree_cell(struct mri_aud_tree *t, const struct mr_mem *mem, unsigned level,
                           uint64_t index);
void mri_aud_tree_done(struct mri_aud_tree *t, const struct mr_mem *mem);
/* Root an inclusion path leads to; false when its length does not fit index and size. */
bool mri_aud_path_root(uint8_t ret[32], const uint8_t leaf_hash[32], uint64_t index, uint64_t size,
                       const struct mr_hash *path, uint32_t count);
/* Whether the tree (size, root) begins with the tree (old_size, old_root). */
bool mri_aud_grows(const uint8_t old_root[32], uint64_t old_size, const uint8_t root[32],
                   uint64_t size, const struct mr_hash *proof, uint32_t count);

/* --- rows ----------------------------------------------------------------------------------------
 */
struct mri_aud_listing;

/* The part of an account that payments change. */
struct mri_aud_hot {
    uint64_t next_seq; /* 0: no chain */
    uint8_t head[32];
    uint64_t time_ms;
    uint32_t day, month;
    int64_t day_spent, month_spent;
    int64_t balance[MR_UNITS_MAX];
};

/* The part that few orders change. */
struct mri_aud_cold {
    struct mr_pubkey *keys; /* freed with the audit: the past may need them */
    uint32_t key_count, threshold, generation;
    uint8_t enc_key[MR_KEY_BYTES], reader_key[MR_KEY_BYTES];
    bool frozen, closed;
    int64_t credit, limit_payment, limit_day, limit_month; /* as granted */
    bool is_lowered;
    struct mr_terms most;                 /* what governance leaves, if is_lowered */
    const struct mri_aud_past_keys *past; /* of a treasury, newest first */
    int64_t issued, cleared;              /* of a treasury: LED-21, LED-31 */
    uint64_t stopped;                     /* of a member: LED-33 */
    uint32_t recoveries_count;
    struct mr_recovery recoveries[MR_RECOVERIES_MAX];
};

/* A key set that a treasury had before. Made once, and kept: the past may need it. */
struct mri_aud_past_keys {
    const struct mri_aud_past_keys *older;
    struct mri_aud_past_keys *made_before; /* of any treasury */
    uint32_t generation;
    uint64_t until_ms;
    uint8_t hash[32];
};

struct mri_aud_account {
    uint8_t id[MR_ACCOUNT_BYTES]; /* key */
    struct mri_aud_hot hot;
    struct mri_aud_cold cold;
    uint64_t hot_turn, cold_turn; /* of the last change */
    uint64_t opened_turn;         /* 0: from genesis */
    bool unknown;                 /* named by a row, never opened: not part of the state */
    bool partial;                 /* rests on an erased order: its keys are not known */
    bool blurred;                 /* an erased order may have counted for its limits */
    enum mr_account_class class;
    int home; /* index of the association; -1: none */
    uint64_t opened_ms;
    int64_t credit_max;              /* the highest it had */
    struct mri_aud_listing *listing; /* the one that is listed */
};

struct mri_aud_bank {
    uint8_t key[MR_ACCOUNT_BYTES + MR_HASH_BYTES]; /* association, reference */
    struct mr_state_slot_ref slot;
    uint64_t turn;
};

struct mri_aud_redemption {
    uint8_t key[MR_ACCOUNT_BYTES + 8]; /* account, seq */
    struct mr_state_redemption row;
    uint64_t turn, done_turn;
};

struct mri_aud_policy {
    struct mr_policy row;
    uint64_t turn;
};

struct mri_aud_listing {
    uint8_t key[MR_ACCOUNT_BYTES + MR_ALIAS_MAX]; /* association, alias padded with zeros */
    struct mr_state_alias row;
    uint64_t turn;
};

/* --- the past: a checkpoint is of the state some turns ago ------------------------------------ */
struct mri_aud_undo {
    uint64_t turn; /* before which this was so */
    struct mri_aud_account *account;
    struct mri_aud_hot hot;
    struct mri_aud_cold *cold; /* NULL: only the hot part changed */
};

struct mri_aud_undo_listing {
    struct mri_aud_undo_listing *next;
    uint64_t turn;
    struct mri_aud_listing *listing;
    struct mr_state_alias row;
};

enum { MRI_AUD_UNDO_MAX = 1 << 18 };

struct mri_aud_past {
    struct mri_aud_undo *ring;
    size_t cap, first, count;
    uint64_t lost_turn;                    /* states before this turn cannot be made again */
    struct mri_aud_undo_listing *listings; /* newest first */
};

/* What one node said about a slot. */
struct mri_aud_said {
    enum mr_leaf_kind kind; /* VOTE, ACK or UNLOCK */
    uint32_t node, ballot;
    uint32_t cert_ballot; /* of the certificate that an UNLOCK reports */
    uint64_t index;       /* leaf in its log */
    bool shown;           /* by another node, perhaps of another history of its log: SLOT-14 */
    uint8_t value[32];    /* of an UNLOCK: that of the certificate */
    uint8_t certificate[32];
};

/* A slot that nodes spoke of. With more than one node it is kept for a while when it is settled:
 * what is said later may contradict. */
struct mri_aud_open {
    struct mri_aud_open *next, **link; /* of a->open; of a->old, oldest first */
    struct mri_aud_open *next_hash;
    struct mri_aud_account *account;
    uint64_t seq;
    uint32_t entry; /* of the last own leaf */
    /* own leaves */
    bool voted, acked, promised, unlocked;
    uint32_t vote_ballot, ack_ballot, promise;
    uint8_t vote[32], ack[32], certificate[32];
    uint64_t vote_index, ack_index;
    /* what may close it without effect */
    bool triggered;
    enum mr_trigger_kind trigger_kind;
    uint8_t trigger[32];
    bool ordered, conflict; /* a signed order for it stood in the bodies; two different ones */
    uint8_t order[32];
    uint64_t lapse_ms; /* the first not_after of them */
    /* with more than one node: everybody's leaves, in the order they were read */
    struct mri_aud_said *said;
    size_t said_count, said_cap;
    bool settled;
    uint8_t value[32];
};

/* The nodes of one epoch. */
struct mri_aud_roster {
    uint32_t epoch, quorum, count;
    struct mr_witness_set witnesses;
    struct {
        uint32_t node, generation;
        struct mr_pubkey key; /* log key */
        uint8_t association[MR_ACCOUNT_BYTES];
    } seats[MR_NODES_MAX];
};

/* How far the present epoch has got to its end. */
struct mri_aud_end {
    bool has_next, has_cut, has_final;
    uint8_t id[32]; /* of the NEXT that waits */
    struct mr_next_epoch next;
    struct mr_cut cut;
    uint32_t unread;  /* logs of the CUT that were not compared yet, by place in it */
    uint64_t sealed;  /* own leaves up to SEAL; 0: none */
    uint8_t root[32]; /* of the state at the own FINAL */
};

/* A log of an epoch that is over. */
struct mri_aud_past_log {
    struct mri_aud_past_log *next;
    struct mri_aud_tree tree;
    uint32_t epoch, node;
    bool lost;
};

/* Another node's log, as far as the journal has it. */
struct mri_aud_mirror {
    struct mri_aud_tree tree;
    uint64_t sealed;   /* its leaves up to SEAL; 0: none */
    uint8_t seals[32]; /* the NEXT that its SEAL names */
    uint64_t rest;     /* number in its last REST; 0: it said none */
    bool has_final;
    uint8_t final[32]; /* state root in its FINAL */
    uint64_t size;     /* leaves read: of the tree, unless it is lost */
    bool lost;         /* a leaf is wrong or missing: its tree cannot be followed */
    bool has_head;
    struct mr_head head;       /* the last one */
    struct mr_head pending[8]; /* heads over leaves that are not here yet */
    uint32_t pending_count;
};

/* A record of the bodies stream, by its place. */
struct mri_aud_body {
    uint64_t at;
    uint32_t len;
    enum mr_body_kind kind;
    bool used; /* by a settlement of this turn */
    const uint8_t *bytes;
    uint8_t id[32]; /* order id; of a memo the order it is for; of a CANCEL account and seq */
    uint8_t account[MR_ACCOUNT_BYTES]; /* slot */
    uint64_t seq;
};

/* A body kept for a later turn. */
struct mri_aud_kept {
    struct mri_aud_kept *next;
    struct mri_aud_body body;
};

struct mri_aud_sig {
    uint8_t text[320]; /* a cosigned head is the longest */
    size_t text_len;
    uint8_t sig[MR_SIG_BYTES], key[MR_KEY_BYTES];
    const char *rule, *what;
    uint64_t turn;
    uint32_t entry, key_index;
    bool has_slot;
    uint8_t account[MR_ACCOUNT_BYTES];
    uint64_t seq;
    bool good;
};

struct mr_audit_batch {
    struct mr_audit_batch *next; /* of a->spares */
    struct mri_aud_sig *sigs;
    size_t count, cap;
};

/* --- one order -------------------------------------------------------------------------------- */
struct mri_aud_move {
    struct mri_aud_account *account;
    uint32_t unit;
    int64_t delta;
};

/* What an order should be and do, worked out before anything is applied. */
struct mri_aud_case {
    struct mri_aud_account *account;
    const struct mr_order *order;
    uint64_t seq;
    int home; /* association of the chain; -1 on the system chains */
    uint32_t day;
    const struct mr_policy *policy;
    const struct mr_class_rule *rule; /* of the account's class; NULL: none */
    const char *id;                   /* rule id of its kind */
    bool wrong;                       /* a check of the kind failed and was reported */
    bool planned;                     /* moves are known */
    bool at_vote;  /* judged where the node votes: what depends on other chains */
    bool at_end;   /* judged where others' votes settle: what does not */
    uint32_t node; /* CHECKPOINT, CUT: who signed */
    struct mri_aud_move moves[MR_POSTINGS_MAX];
    uint32_t moves_count;
};

enum { MRI_AUD_TURNS = 1 << 17 }; /* turns whose tree size is remembered */

struct mr_audit {
    struct mr_mem mem;
    mr_audit_report report;
    void *ctx;
    mr_audit_settled watch;
    void *watch_ctx;
    mr_audit_effect_fn effects;
    void *effects_ctx;
    struct mr_charter charter;          /* as it stands: EPO-2 */
    uint32_t generations[MR_NODES_MAX]; /* of its nodes' log keys */
    struct mri_aud_roster *rosters;     /* of all epochs so far, 1 is rosters[0] */
    size_t rosters_count, rosters_cap;
    struct mr_witness_set witnesses; /* of the epoch of the last receipt */
    const uint8_t *chain;            /* handovers from epoch 2 on, behind what is being checked */
    size_t chain_len;
    uint8_t ledger[32];

    /* where we are */
    uint64_t turn;
    uint32_t entry;
    bool no_memory, has_slot;
    uint8_t account[MR_ACCOUNT_BYTES];
    uint64_t seq;
    uint32_t convicted; /* node that the next finding convicts */

    struct mr_audit_checkpoint last_checkpoint; /* number 0: none */

    /* journal */
    uint8_t check[32]; /* of the last log frame */
    bool bodies_known; /* false: the bodies of this turn were erased */
    uint64_t bodies_end;
    uint64_t erased_until; /* position behind the last erased bodies */
    struct mri_aud_body *bodies;
    size_t bodies_count, bodies_cap;
    struct mri_aud_kept *kept;

    /* log */
    struct mri_aud_tree tree;
    uint64_t synced;    /* leaves at the end of the last turn */
    uint64_t head_size; /* of the last head over leaves that were there */
    uint64_t shown; /* leaves under a head of the node that others hold, more than its log has */
    uint64_t size_after[MRI_AUD_TURNS]; /* by turn */
    bool started, abstaining;
    bool speaks; /* it said something about slots since it started: it signs in this run */
    uint32_t node, epoch, generation;
    uint64_t log_turn; /* in which this log began; 0: the first one */
    uint64_t restart_ms, claims_until_ms;
    struct mri_aud_end end;
    struct mri_aud_past_log *past_logs; /* newest first */
    uint32_t until; /* what stands behind the beginning of this epoch is not looked at; 0: all is */
    bool reached;   /* that beginning */
    bool late;      /* the book begins in a later epoch, and what it rests on was not fed */
    uint32_t begins; /* that epoch; 0: with the ledger */

    /* slots */
    struct mri_aud_open *open;           /* not settled */
    struct mri_aud_open *old, **old_end; /* settled lately, oldest first */
    size_t old_said;                     /* statements in them */
    struct mri_aud_open **slots;         /* MRI_AUD_BUCKETS of all of them */

    /* other nodes */
    struct mri_aud_mirror *mirrors[MR_NODES_MAX]; /* by place in the charter */
    struct mri_aud_breach {
        uint32_t node;
        enum mr_breach breach;
        uint8_t account[MR_ACCOUNT_BYTES];
        uint64_t seq;
    } * breaches; /* that were reported */
    size_t breaches_count, breaches_cap;
    struct {
        uint32_t node;
        uint8_t hash[32];
    } * evidence; /* in the journal */
    size_t evidence_count, evidence_cap;

    /* state */
    struct mri_aud_map accounts, banks, redemptions, listings;
    uint64_t account_count, member_count, redemptions_open; /* known ones */
    struct mri_aud_past past;
    struct mr_pubkey **keys; /* every key list ever made */
    size_t keys_count, keys_cap;
    struct mri_aud_past_keys *past_keys; /* all that were made */
    struct mri_aud_policy **policies;
    size_t policies_count, policies_cap;
    struct mri_aud_account *system, *checkpoints, *world;
    struct {
        struct mri_aud_account *desk, *treasury, *issuer, *reserve, *redeemed, *own;
    } of[MR_ASSOCIATIONS_MAX];
    bool incomplete; /* an order without postings was erased: keys, flags, policies may be others */
    bool unsure;     /* an order could not be checked: the state root cannot be compared */
    bool uncovered;  /* INV-3 was reported */

    struct mr_audit_batch *batch;
    struct mr_audit_batch *spares; /* given back, to be filled again */
    struct mr_audit_totals totals;

    /* scratch: these are large */
    struct mri_aud_case c;
    struct mr_entry e;
    struct mr_body b;
    struct mr_audit_finding finding;
    struct mr_evidence_facts facts;
    struct mr_posting postings[MR_POSTINGS_MAX]; /* of the effect that is told */
};

static inline bool mri_aud_alone(const struct mr_audit *a)
{
    return a->charter.quorum == 1;
}

/* --- memory ----------------------------------------------------------------------------------- */
/* Zeroed bytes; NULL sets a->no_memory. */
void *mri_aud_get(struct mr_audit *a, size_t bytes);
void mri_aud_put(struct mr_audit *a, void *p);
/* Room for one more element; the array may move. False sets a->no_memory. */
bool mri_aud_room(struct mr_audit *a, void **array, size_t *cap, size_t count, size_t element);

/* --- findings --------------------------------------------------------------------------------- */
void mri_aud_at(struct mr_audit *a, const uint8_t account[16], uint64_t seq);
void mri_aud_text(struct mr_audit *a, const char *rule, enum mr_status st, const char *what,
                  const char *expected, const char *found);
void mri_aud_u64(struct mr_audit *a, const char *rule, enum mr_status st, const char *what,
                 uint64_t expected, uint64_t found);
void mri_aud_i64(struct mr_audit *a, const char *rule, enum mr_status st, const char *what,
                 int64_t expected, int64_t found);
void mri_aud_hash(struct mr_audit *a, const char *rule, enum mr_status st, const char *what,
                  const uint8_t expected[32], const uint8_t found[32]);

/* --- signatures ------------------------------------------------------------------------------- */
/* The 32 bytes that ENC-9 signs. */
void mri_aud_digest(uint8_t ret[32], enum mr_purpose why, const uint8_t ledger[32], uint32_t epoch,
                    const uint8_t *record, size_t len);
/* The text of a head, LOG-5; returns its length. */
size_t mri_aud_head_text(char *ret, size_t cap, const uint8_t ledger[32], const struct mr_head *h);
void mri_aud_sign_job(struct mr_audit *a, const char *rule, const char *what, const uint8_t *text,
                      size_t len, const uint8_t sig[64], const uint8_t key[32], uint32_t key_index);
/* What was collected and what was given back go. */
void mri_aud_batches_done(struct mr_audit *a);
/* A key set, the rule it signs by, and how findings name a signature and their number. */
struct mri_aud_signers {
    const char *rule, *what, *number;
    const struct mr_pubkey *keys;
    uint32_t keys_count, threshold;
};
/* Signatures over a digest as jobs: indices ascend and exist; their number reaches the threshold.
 */
void mri_aud_check_sigs(struct mr_audit *a, const struct mri_aud_signers *by,
                        const struct mr_sig *sigs, uint32_t count, const uint8_t digest[32]);
/* LED-10.4 for an owner's signatures over a record. */
void mri_aud_owner_sigs(struct mr_audit *a, const struct mri_aud_account *account,
                        const struct mr_sig *sigs, uint32_t count, enum mr_purpose why,
                        const uint8_t *record, size_t len);
/* The same for an order that names the key set. */
void mri_aud_named_sigs(struct mr_audit *a, const struct mr_keyset *keys,
                        const struct mr_signed_order *so, const uint8_t *record, size_t len);
/* JNL-9: take a RESTART over. */
void mri_aud_restart(struct mr_audit *a, const struct mr_signed_restart *r);
/* Governance's signatures of a RESTART, at its threshold, as jobs. */
void mri_aud_governance(struct mr_audit *a, const char *rule, const struct mr_signed_restart *r);
/* Verify what was handed out, here and now. */
void mri_aud_verify_now(struct mr_audit *a);
/* The log key of a node in the present epoch, or NULL. */
const struct mr_pubkey *mri_aud_log_key(const struct mr_audit *a, uint32_t node);
/* LED-6 for a key set of this class of chain. */
bool mri_aud_keyset_right(const struct mr_keyset *keys, enum mr_account_class class);

/* --- who votes in which epoch (roster.c) ------------------------------------------------------ */
void mri_aud_first_roster(struct mri_aud_roster *ret, const struct mr_charter *charter);
/* The nodes of the present epoch. */
void mri_aud_present(const struct mr_audit *a, struct mri_aud_roster *ret);
/* The key that signs such heads; NULL: no node of the epoch does. */
const struct mr_pubkey *mri_aud_roster_key(const struct mri_aud_roster *r, const struct mr_head *h);
/* What stands behind a record in a file must be whole handovers: MR_OK, what they are not, or
 * MR_NO_MEMORY. They are a->chain from now on. */
enum mr_status mri_aud_chain(struct mr_audit *a, const uint8_t *bytes, size_t len);
/* The roster of the present epoch is remembered. */
void mri_aud_note_roster(struct mr_audit *a);
/* RCP-1a: to an epoch, from the epochs known here, by a->chain and by the handovers of the last
 * epochs that a record carries. False: they do not lead there, and it was reported. */
bool mri_aud_reach(struct mr_audit *a, const char *rule, struct mri_aud_roster *ret,
                   const struct mr_handover *last, uint32_t count, uint32_t epoch);
/* EPO-7: q acknowledgements of the roster's nodes for a NEXT that follows their epoch. False: the
 * first fault was reported. Heads' signatures become jobs. */
bool mri_aud_next_proved(struct mr_audit *a, const char *rule, const struct mri_aud_roster *r,
                         const struct mr_handover_next *h);

/* --- the end of an epoch (epoch.c, next.c) ---------------------------------------------------- */
/* EPO-3, EPO-4: checks of the orders NEXT and CUT, and what they change. */
void mri_aud_check_next(struct mr_audit *a, struct mri_aud_case *c);
void mri_aud_check_cut(struct mr_audit *a, struct mri_aud_case *c);
void mri_aud_apply_next(struct mr_audit *a, const struct mr_next_epoch *next, const uint8_t id[32]);
void mri_aud_apply_cut(struct mr_audit *a, const struct mr_cut *cut);
/* EPO-5: whether the CUT's logs decide a slot, and for what. */
bool mri_aud_cut_decides(const struct mr_audit *a, const struct mri_aud_open *o,
                         uint32_t *ret_ballot, uint8_t ret_value[32]);
/* Own leaves SEAL and FINAL; the same of a peer. */
void mri_aud_seal(struct mr_audit *a, const struct mr_leaf_seal *s, uint64_t index);
void mri_aud_final(struct mr_audit *a, const struct mr_leaf_final *f);
void mri_aud_peer_end(struct mr_audit *a, struct mri_aud_mirror *m, uint32_t node,
                      const struct mr_leaf *leaf, uint64_t index);
/* EPO-6: whether a leaf stands behind FINAL and was reported. */
bool mri_aud_behind_final(struct mr_audit *a, uint32_t node, bool has_final,
                          const struct mr_leaf *leaf);
/* S17: whether a leaf about a slot stands behind SEAL and was reported. */
bool mri_aud_silence(struct mr_audit *a, uint32_t node, uint64_t sealed, const uint8_t account[16],
                     uint64_t seq);
/* EPO-10: take a REGROUP over. What it says by itself: true, or the fault is reported. */
void mri_aud_regroup(struct mr_audit *a, const struct mr_signed_regroup *s);
bool mri_aud_regroup_right(struct mr_audit *a, const char *rule, const struct mri_aud_roster *r,
                           const struct mr_signed_regroup *s);
/* Signatures of governance over a digest, at its threshold, as jobs. */
void mri_aud_by_governance(struct mr_audit *a, const char *rule, const uint8_t digest[32],
                           const struct mr_sig *sigs, uint32_t count);
/* The state's root and number of accounts, when all of the state is known. */
bool mri_aud_root_now(struct mr_audit *a, uint8_t ret[32], uint64_t *ret_accounts);
/* The nodes of the epoch that begins sign on the chain of checkpoints; who joins has accounts. */
void mri_aud_make_room(struct mr_audit *a, const struct mr_next_epoch *next);
/* The nodes and quorum of the epoch that begins. */
void mri_aud_take_over(struct mr_audit *a, const struct mr_next_epoch *next);
/* ENTRY_EPOCH */
void mri_aud_epoch(struct mr_audit *a, const struct mr_handover_next *h);
/* The logs end; nodes, quorum and keys are others afterwards. */
void mri_aud_end_logs(struct mr_audit *a);
void mri_aud_past_logs_done(struct mr_audit *a);
/* The present epoch, in the totals. */
void mri_aud_note_epoch(struct mr_audit *a);

/* --- accounts --------------------------------------------------------------------------------- */
bool mri_aud_is_member(enum mr_account_class class);
/* Never NULL but for lack of memory: an account nobody opened is made as `unknown`. */
struct mri_aud_account *mri_aud_account(struct mr_audit *a, const uint8_t id[16]);
void mri_aud_set_keys(struct mr_audit *a, struct mri_aud_account *account,
                      const struct mr_keyset *keys);
int mri_aud_association(const struct mr_audit *a, const uint8_t id[16]); /* -1: none */
/* LED-2a: the id begins as those of the association do. */
bool mri_aud_in_space(const uint8_t id[16], const uint8_t association[16]);
/* LED-2: id of a sub-account of an association (zero: of nobody). */
void mri_aud_sub_account(uint8_t ret[16], const uint8_t of[16], enum mr_account_class class);
/* The sub-accounts of an association of the charter. */
void mri_aud_add_association(struct mr_audit *a, uint32_t place);
enum mr_status mri_aud_genesis(struct mr_audit *a);
/* Adds to a balance; what leaves the bounds of ENC-4 is reported and cut. */
void mri_aud_move(struct mr_audit *a, struct mri_aud_account *account, uint32_t unit,
                  int64_t delta);
bool mri_aud_add_policy(struct mr_audit *a, const struct mr_policy *p);
const struct mr_policy *mri_aud_policy(const struct mr_audit *a, uint32_t version);
const struct mr_policy *mri_aud_policy_on(const struct mr_audit *a, uint32_t day);

/* Call before a change: what stood there at the end of the last turn is kept for a while. */
void mri_aud_touch(struct mr_audit *a, struct mri_aud_account *account);
void mri_aud_touch_cold(struct mr_audit *a, struct mri_aud_account *account);
void mri_aud_touch_listing(struct mr_audit *a, struct mri_aud_listing *l);
/* Put the state of the end of a turn in place of the present one; false: too long ago. Calling back
 * brings the present back; nothing else may change anything meanwhile. */
bool mri_aud_past_enter(struct mr_audit *a, uint64_t turn);
void mri_aud_past_leave(struct mr_audit *a, uint64_t turn);
void mri_aud_past_done(struct mr_audit *a);

/* --- the parts of a turn ---------------------------------------------------------------------- */
void mri_aud_leaf(struct mr_audit *a, const struct mr_leaf *leaf, const uint8_t *bytes, size_t len);
void mri_aud_head(struct mr_audit *a, const struct mr_head *head);
/* missing: the entry does not stand in the journal, only its ACK does; there is nothing to compare.
 */
void mri_aud_settled(struct mr_audit *a, const struct mr_entry_settled *s, bool missing);
void mri_aud_parked(struct mr_audit *a, const struct mr_entry_parked *p);
/* At the end of a turn: what a single node must have settled (SLOT-4, SLOT-5). */
void mri_aud_close_turn(struct mr_audit *a);
/* A leaf of the own log about a slot: VOTE, ACK or UNLOCK. */
void mri_aud_own_leaf(struct mr_audit *a, const struct mr_leaf *leaf, uint64_t index);
void mri_aud_own_rest(struct mr_audit *a, const struct mr_leaf_rest *r, uint64_t index);
void mri_aud_trigger(struct mr_audit *a, const struct mr_entry_trigger *t);
void mri_aud_shown(struct mr_audit *a, const struct mr_entry_shown *e);
void mri_aud_peer(struct mr_audit *a, const struct mr_entry_peer *p);
void mri_aud_evidence(struct mr_audit *a, const struct mr_evidence *e, const uint8_t *bytes,
                      size_t len);
/* SEEN and EVIDENCE leaves in the log of a node. */
void mri_aud_seen(struct mr_audit *a, uint32_t by, const struct mr_head *head);
void mri_aud_announced(struct mr_audit *a, uint32_t by, const struct mr_leaf_evidence *e);
/* LED-10 and the kind's rules at the own vote for an order: what only the voter can tell. */
void mri_aud_check_vote(struct mr_audit *a, struct mri_aud_open *o, const uint8_t value[32]);
/* A settlement is missing: settle what q nodes acknowledged, up to a place of the chain. */
void mri_aud_catch_up(struct mr_audit *a, struct mri_aud_account *x, uint64_t seq);

/* --- slots (slots.c) -------------------------------------------------------------------------- */
enum { MRI_AUD_BUCKETS = 1 << 15, MRI_AUD_OLD_SAID = 1 << 20 };

/* NULL: nobody spoke of it, or it is forgotten. */
struct mri_aud_open *mri_aud_slot(const struct mr_audit *a, const uint8_t account[16],
                                  uint64_t seq);
/* Made when it is not there. NULL: no memory. */
struct mri_aud_open *mri_aud_slot_get(struct mr_audit *a, struct mri_aud_account *account,
                                      uint64_t seq);
void mri_aud_slot_done(struct mr_audit *a, struct mri_aud_open *o);
/* It is settled with this value: forgotten at once, or after a while. */
void mri_aud_slot_settled(struct mr_audit *a, struct mri_aud_open *o, const uint8_t value[32]);
void mri_aud_slots_done(struct mr_audit *a);
/* A new epoch: what was said counts no more; orders, cancels and settled values stay. */
void mri_aud_slots_renew(struct mr_audit *a);
/* A node said this; the first VOTE, ACK and UNLOCK of a node in a ballot count. */
void mri_aud_say(struct mr_audit *a, struct mri_aud_open *o, const struct mri_aud_said *s);
/* What a leaf says about a slot; false: it is about none. The account and seq are the leaf's. */
bool mri_aud_read_said(struct mri_aud_said *ret, const uint8_t **ret_account, uint64_t *ret_seq,
                       const struct mr_leaf *leaf);
/* Of a saved audit: behind the others that are settled, or at `after`, the end of those that are
 * not. The slot is the audit's then; false: no memory, it is the caller's. */
bool mri_aud_slot_add(struct mr_audit *a, struct mri_aud_open *o, struct mri_aud_open **after);
/* Nodes whose statement of a kind is for the value in the ballot. */
uint32_t mri_aud_count(const struct mri_aud_open *o, enum mr_leaf_kind kind, uint32_t ballot,
                       const uint8_t value[32]);
/* The value that q nodes acknowledged in one ballot; false: none. */
bool mri_aud_decided(const struct mr_audit *a, const struct mri_aud_open *o, uint32_t *ret_ballot,
                     uint8_t ret_value[32]);
/* SLOT-6: whether a hash is that of q or more of the votes seen for the value. *ret_sure: false
 * when there are too many to try. */
bool mri_aud_certificate(const struct mr_audit *a, const struct mri_aud_open *o, uint32_t ballot,
                         const uint8_t value[32], const uint8_t hash[32], uint32_t tries,
                         bool *ret_sure);
/* SLOT-9. *ret_free: q reports name no certificate. */
bool mri_aud_justified(const struct mr_audit *a, const struct mri_aud_open *o, uint32_t ballot,
                       const uint8_t value[32], bool *ret_free);
/* EVD-4 of two statements of one node about one slot; 0: none. */
unsigned mri_aud_breach(const struct mri_aud_said *first, const struct mri_aud_said *second);

/* --- other nodes (mirror.c) ------------------------------------------------------------------- */
/* Place of a node in the charter as it stands, or -1. */
int mri_aud_seat(const struct mr_audit *a, uint32_t node);
/* A breach was proved: one finding for a node, breach and slot. */
void mri_aud_convict(struct mr_audit *a, const char *rule, const struct mr_evidence_facts *f);
void mri_aud_mirrors_done(struct mr_audit *a);
/* A head that a proof shows: of the log that the journal has, or its node has forked. */
void mri_aud_look_at(struct mr_audit *a, const struct mr_head *h);

/* --- what a settlement rests on (rests.c) ----------------------------------------------------- */
/* SLOT-5, INV-5. What stands in *s may be replaced by what its leaves say; the slot is theirs, or
 * NULL when there is none. */
struct mri_aud_open *mri_aud_rests_on(struct mr_audit *a, const struct mr_entry_settled *s,
                                      uint32_t *ret_ballot, uint8_t ret_value[32]);
/* SLOT-8, SLOT-9 */
void mri_aud_check_void(struct mr_audit *a, const struct mri_aud_account *x, uint64_t seq,
                        uint32_t ballot, const struct mr_entry_settled *s);

/* --- bodies ----------------------------------------------------------------------------------- */
/* Index the bodies of a turn, whose first byte stands at a position; forget or keep them. */
void mri_aud_bodies_open(struct mr_audit *a, uint64_t at, const uint8_t *in, size_t len);
void mri_aud_bodies_close(struct mr_audit *a);
void mri_aud_bodies_forget(struct mr_audit *a);
struct mri_aud_body *mri_aud_body_here(const struct mr_audit *a, uint64_t at); /* of this turn */
struct mri_aud_body *mri_aud_body_at(const struct mr_audit *a, uint64_t at, uint32_t len);
struct mri_aud_body *mri_aud_body_named(const struct mr_audit *a, enum mr_body_kind kind,
                                        const uint8_t id[32]);
void mri_aud_cancel_key(uint8_t ret[32], const uint8_t account[16], uint64_t seq);

/* EVD-2 to EVD-4, signatures verified at once: MR_OK: it convicts. Else it was reported. */
enum mr_status mri_aud_convicts(struct mr_audit *a, struct mr_evidence_facts *ret,
                                const struct mr_evidence *e);

/* --- kinds ------------------------------------------------------------------------------------ */
const char *mri_aud_kind_rule(enum mr_order_kind kind);
/* 2 to 32 of a-z, 0-9 and -, the last not at an end. */
bool mri_aud_alias_right(const char *alias, uint32_t len);
/* A member of the association whose chain this is; reported, and perhaps NULL, when it is not. */
struct mri_aud_account *mri_aud_own_member(struct mr_audit *a, struct mri_aud_case *c,
                                           const uint8_t id[16]);
bool mri_aud_kind_stands_on(enum mr_order_kind kind, enum mr_account_class class);
/* LED-20 to LED-30: plan the moves, report what is wrong. Changes nothing. */
void mri_aud_check_kind(struct mr_audit *a, struct mri_aud_case *c);
/* Everything an order changes but balances and chain. */
void mri_aud_apply_kind(struct mr_audit *a, struct mri_aud_case *c, const uint8_t id[32]);
void mri_aud_plan(struct mri_aud_case *c, struct mri_aud_account *account, uint32_t unit,
                  int64_t delta);
/* First finding of the kind: what follows from it is not reported again. What an erased order may
 * explain is counted as not checked. */
void mri_aud_wrong(struct mr_audit *a, struct mri_aud_case *c, enum mr_status st, const char *what,
                   int64_t expected, int64_t found);
void mri_aud_wrong_text(struct mr_audit *a, struct mri_aud_case *c, enum mr_status st,
                        const char *what, const char *expected, const char *found);
int64_t mri_aud_fee(const struct mr_policy *p, enum mr_order_kind kind, enum mr_account_class class,
                    int64_t amount, uint32_t day);
void mri_aud_check_money(struct mr_audit *a, struct mri_aud_case *c);
/* Whether the association used a bank reference before. */
void mri_aud_check_ref(struct mr_audit *a, struct mri_aud_case *c, const uint8_t bank_ref[32]);
/* LED-31. */
void mri_aud_check_clear(struct mr_audit *a, struct mri_aud_case *c);
/* LED-32: whether a treasury has that key set as that generation; reported when it has not. */
bool mri_aud_keys_named(struct mr_audit *a, struct mri_aud_case *c,
                        const struct mri_aud_account *treasury, uint32_t generation,
                        const struct mr_keyset *keys);
/* LED-33. */
void mri_aud_check_recovery(struct mr_audit *a, struct mri_aud_case *c);
void mri_aud_apply_recovery(struct mr_audit *a, const struct mri_aud_case *c);
void mri_aud_apply_setkeys(struct mr_audit *a, const struct mri_aud_case *c,
                           const struct mr_setkeys *s);
void mri_aud_keep_past_keys(struct mr_audit *a, struct mri_aud_account *treasury, uint64_t time_ms);
struct mri_aud_listing *mri_aud_listing(struct mr_audit *a, const uint8_t association[16],
                                        const struct mr_list *list);
struct mri_aud_redemption *mri_aud_redemption(struct mr_audit *a, const uint8_t account[16],
                                              uint64_t seq);
struct mri_aud_bank *mri_aud_bank(struct mr_audit *a, int home, const uint8_t ref[32]);

/* --- the state as a whole --------------------------------------------------------------------- */
/* Of the rows that there were at the end of a turn, with their present content. False: no memory.
 */
bool mri_aud_state_root(struct mr_audit *a, uint8_t ret[32], uint64_t *ret_accounts, uint64_t turn);
int64_t mri_aud_supply(const struct mr_audit *a, uint32_t unit);

/* Sum that stops at the ends of int64: turnover of a hostile book must not overflow. */
int64_t mri_aud_sum(int64_t x, int64_t y);

#endif
