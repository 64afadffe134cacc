/* What the parts of the engine share. */
#ifndef MEREAU_ENGINE_INTERNAL_H
#define MEREAU_ENGINE_INTERNAL_H

#include "ledger/ledger.h"
#include "log/tree.h"
#include "mereau/engine.h"
#include "slot/slot.h"

enum {
    MRI_TURN_BUFFER = 2 << 20,     /* bytes of one stream of a turn */
    MRI_EVENT_LOG_MAX = 160 << 10, /* what one event can add to the log */
    MRI_EVENT_BODIES_MAX = 96 << 10,
    MRI_ANSWERS_MAX = 4096,       /* replies that wait for one turn */
    MRI_REPLIES_BUFFER = 4 << 20, /* bytes of replies built at step time */
    MRI_PARKED_MAX = 4096,        /* slots whose order waits for more than votes */
    MRI_OPEN_MAX = 1 << 15,       /* slots that are not settled here */
    MRI_OPEN_A_PEER = 1 << 12,    /* of them, opened by one peer: then it is not asked for more */
    MRI_PARKED_A_CHAIN = 4,
    MRI_ASKERS_MAX = 4096, /* callers that wait for a slot */
    MRI_ASKERS_A_SLOT = 4,
    MRI_WAITERS_MAX = 8192,
    MRI_RING = 1 << 14,         /* own leaves kept in memory for peers */
    MRI_RECENT_BYTES = 4 << 20, /* bodies kept in memory */
    MRI_EVIDENCE_A_NODE = 4,
    MRI_ANEW_MAX = 256, /* slots to be acknowledged anew */
    MRI_ANEW_A_SECOND = 64,
};

/* A reply that waits for its turn. Either bytes, or a slot whose receipt is built at release. */
struct mri_answer {
    uint64_t token;
    uint32_t id;
    enum mr_request_kind kind;
    bool slot;
    size_t at, len;       /* bytes in the turn's replies */
    uint64_t number, seq; /* slot */
};

struct mri_buffer {
    uint8_t *bytes;
    size_t used; /* MR_FRAME_HEAD_BYTES when empty */
};

struct mri_turn {
    struct mri_buffer log, bodies;
    uint8_t *replies;
    size_t replies_used;
    struct mri_answer *answers;
    uint32_t answers_count;
    uint64_t number, bodies_at; /* bodies_at: position of the frame's first byte */
    uint64_t first_leaf;        /* tree size at its beginning */
    uint32_t epoch;             /* at its end */
    uint64_t leaves;            /* tree size at its end */
    uint8_t root[32];
    bool said;         /* leaves were appended: a new head is due */
    bool wanted;       /* more than what others said and what settled by it */
    uint64_t since_ms; /* when the first of it was written */
};

struct mri_waiter {
    uint64_t token, number, next_seq, credits, until_ms;
    uint32_t id;
};

/* Somebody who handed in an order or a cancel and waits for what becomes of the slot. */
struct mri_asker {
    uint64_t token, until_ms;
    uint32_t id, next; /* next: index + 1 of the slot's next one, or of the free list */
    enum mr_request_kind kind;
};

/* A slot that is not settled here. */
struct mri_open {
    struct mri_slot s;
    struct mri_open *hash_next, *due_next, *older, *newer;
    bool due;         /* something changed: look at it */
    bool changed;     /* since it was written to the store */
    bool stored;      /* the store has it */
    bool wanted;      /* an order it needs is not known here */
    uint64_t look_ms; /* look at it then */
    uint64_t ballot_ms, asked_ms;
    enum mr_status cause; /* what its first order waits for */
    int64_t missing;
    uint64_t asked;     /* bit i: of peer i, since all were asked */
    uint32_t opened_by; /* node whose leaf opened it; 0: an order was handed in */
    uint32_t askers, askers_count;
};

struct mri_opens {
    struct mri_open **buckets;
    struct mri_open *oldest, *newest, *due_first, **due_last, *free;
    struct mri_open_chunk *chunks;
    uint32_t count, free_count, parked, wanted;
    struct mri_asker *askers;
    uint32_t askers_free, askers_count;
};

/* q ACK leaves for a slot, as another node showed them. */
struct mri_shown {
    uint8_t account[16];
    uint64_t seq;
    struct mr_certified settled;
    uint32_t acks_count;
    struct mr_ack_ref acks[MR_SEATS_MAX];
};

enum { MRI_SHOWN_MAX = 32 };

/* A long poll of a peer for more of this node's log. */
struct mri_poll {
    uint64_t token, from, until_ms;
    uint32_t id;
    bool on;
    bool over; /* of an earlier session: answered without news */
};

/* FOLLOWs under way with one peer: each brings one turn's news and comes back a round trip later,
 * so that they bear 300 turns a second over 40 ms there and back; a few while there is no news.
 * Those of a session that ended may still stand beside the new one's. */
enum { MRI_FOLLOWS_MIN = 4, MRI_FOLLOWS_MAX = 24, MRI_POLLS_A_PEER = 2 * MRI_FOLLOWS_MAX };

/* Leaves that a peer was sent and does not ask behind yet. */
struct mri_flight {
    uint64_t end; /* the first leaf that it does not hold */
    size_t bytes; /* of the reply */
};

/* Another node of the committee. */
struct mri_peer {
    const struct mr_seat *seat;
    struct mri_tree tree; /* mirror of its log */
    struct mr_state_peer state;
    struct mr_head head;    /* highest verified one */
    struct mr_head claimed; /* one that another node has seen and this one has not reached */
    bool changed;           /* state differs from the store's */
    bool up, heard;
    /* The CUT names another history of its log than was read: that one is read anew, from the
     * beginning, out of the mirror of one other node, then of another. */
    bool astray, afresh; /* afresh: nothing of it is here yet */
    uint32_t guide;
    bool lied;   /* it acknowledged, in this run, what cannot have been certified */
    bool lost;   /* what it showed last of its log is shorter than what was read: it forgot */
    bool resync; /* what comes next is not what was expected: begin anew */
    uint64_t resync_from;
    uint32_t follows, fetches; /* under way */
    uint32_t more;             /* follows beyond the fewest: as many as brought news lately */
    uint32_t stale;            /* among the follows: asked before it began anew */
    uint32_t relaying;         /* among the fetches: the log of this node; 0: none */
    uint64_t heard_ms, asked_ms, refused, opened;
    uint64_t asked_from; /* what it was asked to go on behind last */
    uint64_t quiet_ms;   /* it had no news: it is asked again then */
    enum mr_status trouble;
    uint64_t spoke;              /* leaves of its log up to the last one that is not SEEN */
    uint64_t seen_ms, seen_size; /* what LEAF_SEEN said last */
    uint64_t rest, rest_ms;      /* number in the last REST it said in this run, and when */
    uint32_t evidence;           /* pieces against it */
    /* Evidence that it announced and this node lacks. Nothing of it outlives the run. */
    uint64_t announced; /* bit n: against node n */
    uint32_t questions; /* that this is still worth */
    uint64_t piece;     /* number of the one asked for next; 0: the first */
    uint64_t piece_ms;  /* it is not asked for before */
    /* the serving side */
    struct mri_poll polls[MRI_POLLS_A_PEER];
    struct mri_flight flights[MRI_POLLS_A_PEER];
    uint32_t flights_count;
    uint32_t polls_count;
    uint64_t sent;
};

/* This node rests, or did: SLOT-16. Nothing of it outlives the run. */
struct mri_rest {
    uint64_t number;         /* of the checkpoint it rests for; 0: it does not */
    uint64_t since_ms;       /* when the last one began; 0: none did in this run */
    uint64_t last, asked;    /* numbers: of the last one; that this node asked for */
    uint64_t tries;          /* rests for that number, the last one included */
    uint64_t due, due_ms;    /* the checkpoint that is due by its own settings, since when */
    uint64_t sum_turn;       /* of the state summed up during it; 0: none yet */
    uint64_t last_turn;      /* cut before it ended */
    uint64_t settled_turn;   /* the last one in which something settled, then */
    bool sum_wanted;         /* the state shall be summed up */
    uint64_t count, held_ms; /* of this run: how many, for how long */
};

/* One own leaf, ready to be sent. */
struct mri_told {
    uint8_t bytes[144];
    uint32_t len, body_len, memo_len;
    uint64_t body_at, memo_at; /* of an order that was handed in here */
};

/* A settled slot that is to be acknowledged anew: record number of its chain, and place. */
struct mri_anew {
    uint64_t number, seq;
};

/* Heads of the own log with who cosigned them; no cosignature: unused. */
enum { MRI_COSIGNED_MAX = 16 };

/* One of its kind, some hundred KiB: fields stand by what they are about, not by their size.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct mr_engine {
    struct mr_engine_config config;
    struct mri_view view;
    struct mri_ledger ledger;
    struct mri_tree tree, past; /* past: scratch for receipts of an ended log */
    struct mri_plan plan;
    const struct mr_signed_order *planned; /* the order e->plan was made for; NULL: none */
    uint64_t planned_at;                   /* slots settled then */
    struct mr_committee committee;
    struct mr_committee past_committee; /* of the epoch before, without addresses */
    bool seated;                        /* this node is one of them */
    const struct mr_seckey *key;        /* of the own log; NULL: the right one is not at hand */
    struct mr_cut cut;                  /* that ended this epoch; logs_count 0: none did */
    uint64_t next_ms;                   /* when a NEXT was first seen to wait; 0: none */
    uint64_t offer_ms;                  /* when a CUT may be proposed again */
    bool sum_wanted;                    /* the state behind the CUT shall be summed up */
    bool regroups;                      /* the state is the one that governance's REGROUP names */
    uint64_t regroup_turn; /* something settled in it, and the state is not that one; 0: not looked
                              at yet */
    struct mri_rest rest;
    bool cut_read;      /* all logs that it names are at hand */
    uint64_t relay_ms;  /* when one of them was last asked for elsewhere */
    bool next_unproven; /* its acknowledgements are to be shown by others */
    uint64_t next_asked_ms;
    uint32_t next_turn;                 /* which of the peers is asked next */
    struct mr_handover_next next_shown; /* the acknowledgements that were shown of a NEXT */
    struct mri_peer *peers;             /* the others, by ascending number */
    uint32_t peers_count;
    /* The own log as others have it, where this node forgot a part that a CUT names: what it said
     * there counts, and is never its own again. */
    struct mri_peer self;
    struct mri_opens opens;
    struct mri_shown shown[MRI_SHOWN_MAX]; /* a ring */
    uint32_t shown_next;
    struct mr_head shown_heads[MR_NODES_MAX + 1]; /* the last verified one by node */
    struct mri_told *told;                        /* ring of own leaves by index; NULL when alone */
    uint64_t told_from;                           /* first one in it */
    uint8_t *recent;                              /* ring of cut bodies by position */
    uint64_t recent_from;                         /* position of the first one in it */
    uint8_t *scan;                                /* a frame of the journal; NULL when alone */
    struct mr_checkpoint sums[4];                 /* states summed up lately, newest first */
    uint32_t sums_count;
    struct mri_turn turns[2], *current, *flying; /* flying: NULL or handed out */
    uint8_t check[32];                           /* of the last log frame cut */
    uint64_t log_at, bodies_at;                  /* positions behind the last frame cut */
    uint64_t synced_turn, synced_leaves;
    uint64_t settled_turn; /* the last one in which something settled */
    struct mr_head head;   /* last signed */
    struct mr_cosigned_head cosigned[MRI_COSIGNED_MAX]; /* a ring */
    size_t cosigned_next;
    bool head_due; /* it is not in the journal yet */
    uint64_t now_ms, started_ms;
    bool disk_full, draining, closing;
    bool replaying; /* the journal is being read: nothing new is found out */
    struct mri_anew anew[MRI_ANEW_MAX];
    uint32_t anew_count, anew_left;
    uint64_t anew_ms; /* since then so many less of MRI_ANEW_A_SECOND may be said */
    struct mri_waiter waiters[MRI_WAITERS_MAX];
    uint32_t waiters_count;
    uint64_t touched[64]; /* bloom of accounts changed since the waiters were looked at */
    uint64_t awaited[64]; /* of those that the waiters wait for */
    bool news;            /* perhaps one of those changed */
    /* scratch, too large for a stack */
    struct mr_entry entry;
    struct mr_signed_order order;
    struct mr_body kept; /* the order that e->plan is of, if a slot keeps it */
    struct mr_state_open open;
    struct mr_leaf heard[MR_LEAVES_MAX]; /* of a peer */
    uint8_t hashes[MR_LEAVES_MAX][32];   /* of them */
    struct mri_joins joins;              /* above them, as far as they were hashed */
    struct mr_evidence evidence;
    struct mr_handover handover;
    uint64_t head_floor_ms; /* others hold a head of this log of that time */
    uint64_t signed_ms;     /* when a head was signed last, by the own clock */
    struct mr_body body;
    struct mr_history_item item;
    struct mr_reply reply;
    uint8_t bytes[MR_FRAME_MAX];
};

/* --- say: append to the current turn ---------------------------------------------------------- */
void mri_say(struct mr_engine *e, const struct mr_entry *entry);
uint64_t mri_say_leaf(struct mr_engine *e, const struct mr_leaf *leaf); /* index of the leaf */
/* A body record; its position and length. */
void mri_say_body(struct mr_engine *e, uint64_t *ret_at, uint32_t *ret_len,
                  const struct mr_body *body);
void mri_say_order(struct mr_engine *e, uint64_t *ret_at, uint32_t *ret_len,
                   const struct mr_signed_order *order);
/* Read a body record back, from the journal or a turn that is not synced yet. */
enum mr_status mri_read_body(struct mr_engine *e, struct mr_body *ret, uint64_t at, uint32_t len);

/* How the recovery of an account stands that names this key (zero: none is asked about), into
 * r->recovery. number: of the account. (recoveries.c) */
void mri_recovery_news(struct mr_engine *e, struct mr_rep_lookup *r,
                       const struct mr_state_account *a, uint64_t number,
                       const uint8_t enc_key[MR_KEY_BYTES]);

/* --- slots that are not settled (open.c) ------------------------------------------------------ */
enum mr_status mri_opens_init(struct mr_engine *e);
void mri_opens_done(struct mr_engine *e);
/* Room for what one event can open. MR_OK or MR_NO_MEMORY. */
enum mr_status mri_opens_reserve(struct mr_engine *e);
struct mri_open *mri_open_find(struct mr_engine *e, const uint8_t account[16], uint64_t seq);
/* Find or open; `by`: the node whose leaf speaks of it, 0 for an order that is handed in. NULL: the
 * table is full, for orders only. */
struct mri_open *mri_open_get(struct mr_engine *e, const uint8_t account[16], uint64_t seq,
                              uint32_t by);
/* An order for it comes from here: peers get it with the vote. */
void mri_open_handed_in(struct mr_engine *e, struct mri_open *o);
/* Settled, or nothing is left of it. Its askers were answered. */
void mri_open_close(struct mr_engine *e, struct mri_open *o);
void mri_open_due(struct mr_engine *e, struct mri_open *o);
/* What its first order waits for: OK for nothing but votes. */
void mri_open_cause(struct mr_engine *e, struct mri_open *o, enum mr_status cause, int64_t missing);
void mri_open_want(struct mr_engine *e, struct mri_open *o, bool wanted);
enum mr_status mri_opens_store(struct mr_engine *e);
enum mr_status mri_opens_load(struct mr_engine *e);
/* A new log begins: what was said in the last one counts no more. The orders stay. */
enum mr_status mri_opens_renew(struct mr_engine *e);
/* Let a caller wait for the slot. False: there is no room. */
bool mri_open_ask(struct mr_engine *e, struct mri_open *o, const struct mr_event *ev);
/* How an order in the slot stands, into a reply; the status. */
enum mr_status mri_open_stage(struct mr_engine *e, const struct mri_open *o,
                              struct mr_rep_slot *ret);

/* --- orders kept for a slot (keep.c) ---------------------------------------------------------- */
/* Keep an order: its body goes into the journal. NULL: there is no room for one more. */
struct mri_candidate *mri_keep(struct mr_engine *e, struct mri_open *o,
                               const struct mr_signed_order *order, const uint8_t id[32],
                               const struct mr_memo_box *memo, uint32_t verified);
/* The same order, signed as it should be: in place of what is kept. */
void mri_keep_instead(struct mr_engine *e, struct mri_open *o, struct mri_candidate *c,
                      const struct mr_signed_order *order, const struct mr_memo_box *memo,
                      uint32_t verified);
void mri_keep_drop(struct mri_open *o, struct mri_candidate *c);
/* What the leader of the ballot that was promised last voted for there; NULL: it did not. Above
 * ballot 0 that is the only order that matters. */
const struct mr_said_vote *mri_leaders_vote(const struct mr_engine *e, const struct mri_open *o);
/* Whether the order in e->plan, kept as c, is signed with the keys of its place: INV-8. An id does
 * not cover the signatures. */
enum mr_status mri_keep_verify(struct mr_engine *e, struct mri_candidate *c);
/* Where more than one is kept: whether the signatures are right is not known any more after a
 * restart. */
enum mr_status mri_keep_verify_all(struct mr_engine *e, struct mri_open *o);
/* Say PARKED for what was kept in this step and still waits. */
void mri_keep_say(struct mr_engine *e, struct mri_open *o);
/* e->plan for a kept order. MR_OK, or what prepare says; trouble. */
enum mr_status mri_keep_plan(struct mr_engine *e, const struct mri_candidate *c);
/* Whether a vote for it is allowed here: LED-10. */
enum mr_status mri_keep_check(struct mr_engine *e, struct mri_open *o, struct mri_candidate *c);
enum mr_status mri_keep_replay(struct mr_engine *e, const struct mr_entry_parked *w);

/* --- what is due (work.c, ballot.c) ----------------------------------------------------------- */
/* Do all that is due, as far as the turn has room. */
enum mr_status mri_work(struct mr_engine *e);
enum mr_status mri_work_on(struct mr_engine *e, struct mri_open *o);
/* Time passed. */
void mri_work_tick(struct mr_engine *e);
/* Say a leaf about the slot, and tell the slot. */
void mri_say_vote(struct mr_engine *e, struct mri_open *o, uint32_t ballot,
                  const uint8_t value[32]);
/* Ballots above 0: promise, propose, vote. *ret_more: something was said. */
enum mr_status mri_ballot(struct mr_engine *e, struct mri_open *o, const struct mr_state_account *a,
                          bool *ret_more);
/* Take a trigger: it is written down. */
void mri_trigger(struct mr_engine *e, struct mri_open *o, enum mr_trigger_kind kind,
                 const struct mr_signed_cancel *cancel);
enum mr_status mri_trigger_replay(struct mr_engine *e, const struct mr_entry_trigger *t);
/* Whether this node signs votes: no matter what its memory lacks. */
bool mri_votes(const struct mr_engine *e);
/* Whether it does in this epoch, if perhaps not at this moment. */
bool mri_signs(const struct mr_engine *e);
enum mr_status mri_mode(const struct mr_engine *e);

/* --- orders ----------------------------------------------------------------------------------- */
void mri_submit(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble);
void mri_cancel(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble);
enum mr_status mri_check_order(struct mr_engine *e, const struct mr_order *o, int64_t *ret_missing);
enum mr_status mri_checkpoint(struct mr_engine *e, const struct mr_checkpoint *c, bool kept);
/* Whether a CHECKPOINT says what this node computed. */
bool mri_checkpoint_agrees(const struct mr_engine *e, const struct mr_checkpoint *c);
/* Whether that is what it computed last. */
bool mri_checkpoint_is_latest(const struct mr_engine *e, const struct mr_checkpoint *c);
/* Whether this node takes orders at all: MR_OK, or why not. */
enum mr_status mri_open_for_orders(const struct mr_engine *e);
/* What the shell found out about the signatures, if it looked at the present keys. */
enum mr_status mri_signatures(const struct mr_event *ev, uint32_t generation);
/* This host's trouble: not an answer to anybody. */
bool mri_is_trouble(enum mr_status st);
/* LED-13: statuses that let an order wait. */
bool mri_parks(enum mr_status st);
/* A set of account numbers that may hold more than was put in. */
static inline void mri_bloom_add(uint64_t set[64], uint64_t number)
{
    set[number * 0x9e3779b97f4a7c15u >> 58] |= UINT64_C(1) << (number & 63);
}

static inline bool mri_bloom_has(const uint64_t set[64], uint64_t number)
{
    return (set[number * 0x9e3779b97f4a7c15u >> 58] >> (number & 63) & 1) != 0;
}

/* An account changed: what waits for it is due, and so are long polls. */
void mri_touch(struct mr_engine *e, uint64_t number, const uint8_t account[16], uint64_t next_seq);

/* --- peers (peers.c, answers.c, hear.c, follow.c, evidence.c) --------------------------------- */
enum mr_status mri_peers_init(struct mr_engine *e);
void mri_peers_done(struct mr_engine *e);
/* The peers of a new epoch; links that stand go on. */
enum mr_status mri_peers_renew(struct mr_engine *e);
enum mr_status mri_peers_load(struct mr_engine *e);
void mri_peers_store(struct mr_engine *e);
struct mri_peer *mri_peer_of(const struct mr_engine *e, uint32_t node);
/* The same, and of this node itself e->self: what is followed in mirrors. NULL: of no node. */
struct mri_peer *mri_followed(struct mr_engine *e, uint32_t node);
/* Whether it answered in the last seconds; who has not may be gone for good. */
bool mri_heard_lately(const struct mr_engine *e, const struct mri_peer *p);
/* The next one, without addresses. */
struct mr_seat *mri_seat_add(struct mr_committee *c, const struct mr_node *n, uint32_t generation);
const struct mr_seat *mri_seat_of(const struct mr_engine *e, uint32_t node);
enum mr_status mri_peer_answer(struct mr_engine *e, const struct mr_event *ev);
void mri_peer_link(struct mr_engine *e, const struct mr_event *ev);
enum mr_status mri_peers_tick(struct mr_engine *e, struct mr_effects *fx);
/* Into e->hashes; e->joins is empty then. */
void mri_hash_leaves(struct mr_engine *e, const struct mr_leaf *leaves, uint32_t count);
/* Append verified leaves, whose hashes are in e->hashes, to the mirror and tell the slots. */
enum mr_status mri_peer_take(struct mr_engine *e, const struct mr_entry_peer *entry);
/* A leaf of a log was read, the own one included. */
enum mr_status mri_hear(struct mr_engine *e, uint32_t node, uint64_t index,
                        const struct mr_leaf *leaf);
/* Leaves that a peer showed one by one (SLOT-14): certificates and settlements that this node
 * cannot read in the logs it follows. Verified here. */
enum mr_status mri_shown_take(struct mr_engine *e, const struct mr_proof *proofs, uint32_t count);
enum mr_status mri_shown_replay(struct mr_engine *e, const struct mr_entry_shown *entry);
/* The acknowledgements of the NEXT that waits, if others showed them. MR_NOT_FOUND: they did not.
 */
enum mr_status mri_shown_next(struct mr_engine *e, struct mr_handover_next *ret,
                              const struct mr_state_slot *next);
/* Whether q ACK leaves for the slot were shown, and they. */
const struct mri_shown *mri_shown_of(const struct mr_engine *e, const struct mri_open *o);
/* An ACK leaf that a settled slot refers to as others showed it, out of the journal. MR_NOT_FOUND:
 * they did not. */
enum mr_status mri_shown_proof(struct mr_engine *e, struct mr_proof *ret,
                               const struct mr_leaf *leaf, const struct mr_ack_ref *ack);
/* What this node can show of a slot, behind what r holds already; *used counts bytes. */
enum mr_status mri_show_open(struct mr_engine *e, struct mr_rep_fetch *r, size_t *used,
                             const struct mri_open *o);
enum mr_status mri_show_settled(struct mr_engine *e, struct mr_rep_fetch *r, size_t *used,
                                const uint8_t account[16], uint64_t seq,
                                const struct mr_state_slot *slot);
/* The leaf of one of the acknowledgements that a slot settled by. */
void mri_ack_leaf(struct mr_leaf *ret, const uint8_t account[16], uint64_t seq,
                  const struct mr_state_slot *slot, const struct mr_ack_ref *ack);
/* A peer's log of an epoch, as far as it is proven: its head, and the tree. MR_NOT_FOUND: none. */
enum mr_status mri_mirror(struct mr_engine *e, struct mr_head *ret, struct mri_tree **ret_tree,
                          uint32_t epoch, uint32_t node);
/* COSIGN: the signature was verified by the shell. MR_OK; MR_BAD_HEAD: not a head of the own log as
 * it stands; MR_FULL. */
enum mr_status mri_cosign(struct mr_engine *e, const struct mr_req_cosign *q);
/* The cosigned head over a leaf of the present log that receipts are made under: the charter's
 * witnesses first (LOG-9). NULL: none. */
const struct mr_cosigned_head *mri_cosigned_over(const struct mr_engine *e, uint64_t index);
/* What a witness with this key, which holds a head of size `from`, is given to cosign. */
const struct mr_head *mri_to_cosign(const struct mr_engine *e, const uint8_t key[MR_KEY_BYTES],
                                    uint64_t from);
/* COSIGNED */
void mri_read_cosigned(const struct mr_engine *e, struct mr_rep_cosigned *ret);
/* Those of the first proof's head. */
void mri_cosignatures(const struct mr_engine *e, struct mr_receipt *r);
bool mri_same_head(const struct mr_head *a, const struct mr_head *b);
/* A leaf of a log of an epoch under the head that stands over it. MR_NOT_FOUND: none does. */
enum mr_status mri_prove(struct mr_engine *e, struct mr_proof *ret, uint32_t epoch, uint32_t node,
                         uint64_t index, const struct mr_leaf *leaf);
/* A head of a peer that somebody else has: is it of the log that this node follows? */
enum mr_status mri_compare_head(struct mr_engine *e, struct mri_peer *p, const struct mr_head *h);
/* The highest head of a peer's log in an epoch that ended. MR_NOT_FOUND: none is known. */
enum mr_status mri_past_followed(struct mr_engine *e, struct mr_head *ret, uint32_t epoch,
                                 uint32_t node);
/* Of these leaves of a peer's log the journal has the entries from here on. */
void mri_peer_positions(struct mr_engine *e, uint32_t node, uint64_t first, uint32_t count);
/* The log that the CUT names and that is to be asked for elsewhere than at its node; 0: none. */
uint32_t mri_cut_lacks(const struct mr_engine *e, const struct mri_peer *asked);
/* What was read of the log leads nowhere, or the guide does not answer: the next one, afresh. */
void mri_go_astray(struct mr_engine *e, struct mri_peer *p);
/* An ACK of a slot that settled here with another value: no votes can stand behind it. */
void mri_doubt_ack(struct mr_engine *e, uint32_t node, uint32_t ballot, const uint8_t value[32],
                   uint32_t settled_ballot, const uint8_t settled_value[32]);
/* Serving. */
void mri_follow(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble);
enum mr_status mri_fetch(struct mr_engine *e, const struct mr_event *ev);
enum mr_status mri_read_handover(struct mr_engine *e, const struct mr_event *ev);
/* Answer the long polls that have news, or have waited long enough. */
enum mr_status mri_polls(struct mr_engine *e, struct mr_effects *fx);
/* Remember an own leaf for peers, and where an order handed in here stands. */
void mri_tell(struct mr_engine *e, uint64_t index, const uint8_t *bytes, size_t len);
void mri_tell_body(struct mr_engine *e, uint64_t index, const struct mr_entry_parked *at);
/* The log frame at a position, into e->scan. MR_NOT_FOUND: it is not synced yet. */
enum mr_status mri_read_frame(struct mr_engine *e, struct mr_frame *ret, uint64_t position);
/* Note in which frame, at this position of the log stream, leaves from..to-1 stand. */
void mri_leaf_positions(struct mr_engine *e, uint64_t position, uint64_t from, uint64_t to);
/* Evidence. */
enum mr_status mri_convict_fork(struct mr_engine *e, struct mri_peer *p,
                                const struct mr_head *older, const struct mr_head *newer,
                                const uint8_t root[32], const struct mr_hash *proof,
                                uint32_t proof_count);
enum mr_status mri_convict_leaves(struct mr_engine *e, struct mri_peer *p,
                                  const struct mri_clash *clash, const struct mr_leaf *later);
enum mr_status mri_evidence_replay(struct mr_engine *e, const struct mr_evidence *ev);
/* A peer's log announces a piece. */
void mri_evidence_hear(const struct mr_engine *e, struct mri_peer *p,
                       const struct mr_leaf_evidence *leaf);
/* Whether the peer is to be asked for a piece now. */
bool mri_evidence_ask(struct mr_engine *e, struct mri_peer *p, struct mr_request_body *ret);
/* It answered; NULL: with nothing of use. What proves to be true convicts, as if found here. */
enum mr_status mri_evidence_take(struct mr_engine *e, struct mri_peer *p,
                                 const struct mr_rep_evidence *r);
/* Somebody outside holds a head of this node's log. */
enum mr_status mri_seen_head(struct mr_engine *e, const struct mr_head *h);

/* --- answers ---------------------------------------------------------------------------------- */
/* Queue the reply in e->reply (id, kind and status are set here). */
void mri_answer(struct mr_engine *e, const struct mr_event *ev, enum mr_status st);
/* Queue "the state of this slot", receipt included, to be built at release. */
void mri_answer_slot(struct mr_engine *e, const struct mr_event *ev, uint64_t number, uint64_t seq);
/* The same for somebody who waited. */
void mri_answer_asker(struct mr_engine *e, const struct mri_asker *a, uint64_t number,
                      uint64_t seq);
/* Queue the reply in e->reply for somebody who waited. */
void mri_answer_to(struct mr_engine *e, uint64_t token, uint32_t id, enum mr_status st);
/* Release a turn's replies. */
enum mr_status mri_release(struct mr_engine *e, struct mri_turn *t, struct mr_effects *fx);
/* Prepare e->reply with an empty body of the request's kind. */
struct mr_reply *mri_reply(struct mr_engine *e, enum mr_request_kind kind);
/* The receipt of a settled slot under the last head. */
enum mr_status mri_receipt(struct mr_engine *e, struct mr_receipt *ret, uint64_t number,
                           uint64_t seq, const struct mr_state_slot *slot);

/* --- reading requests ------------------------------------------------------------------------- */
void mri_read_request(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble);
enum mr_status mri_waiters(struct mr_engine *e, struct mr_effects *fx);

/* --- the end of an epoch (epoch.c) ------------------------------------------------------------ */
/* After its SEAL a node says nothing about any slot but the CUT's; with a NEXT settled, and while
 * it rests, no slot is begun but those of the nodes' own chain. */
bool mri_may_speak(const struct mr_engine *e, const struct mri_open *o);
bool mri_may_begin(const struct mr_engine *e, const struct mri_open *o);
/* EPO-5: whether the CUT decides the slot, and for what. */
bool mri_cut_settles(const struct mr_engine *e, const struct mri_open *o, struct mr_certified *ret);
/* What a leader that is free to choose proposes for the CUT: one whose logs all can be read still.
 * NULL: the slot is none of a CUT, or there is none. */
enum mr_status mri_cut_choose(struct mr_engine *e, struct mri_open *o, const uint8_t **ret);
/* Whether an account is the territory's one of that class: an id of LED-2 is a hash, so it is asked
 * last. */
bool mri_is_sub_account(const uint8_t account[16], enum mr_account_class class);
/* Whether a CUT names logs that this node holds and that are sealed. */
enum mr_status mri_cut_check(struct mr_engine *e, const struct mr_cut *c, bool *ret);
/* Whether all that this node acknowledged has settled. */
bool mri_is_drained(const struct mr_engine *e);
/* Seal, cut, finish, go over: what is due. */
enum mr_status mri_epoch_work(struct mr_engine *e);
/* Whether it may append to its log: it votes, and has not said FINAL. */
bool mri_speaks(const struct mr_engine *e);
/* The last head, into the turn, if it does not stand in the journal yet. */
void mri_journal_head(struct mr_engine *e);
/* What CUT this epoch ended with, after a start in the middle of it. */
enum mr_status mri_epoch_load(struct mr_engine *e);
/* The state behind the CUT was summed up. FINAL tells others that a copy of it is there. */
void mri_epoch_sum(struct mr_engine *e, const struct mr_checkpoint *c, bool kept);
/* Go over to the epoch of the NEXT. */
enum mr_status mri_epoch_apply(struct mr_engine *e, const struct mr_handover_next *next);

/* --- ACK anew (anew.c) ------------------------------------------------------------------------ */
/* Whether the leaf is one: SLOT-17. */
bool mri_is_anew(const struct mr_leaf *leaf);
/* One was read, the own one included, about a slot that is settled here. */
enum mr_status mri_anew_hear(struct mr_engine *e, uint32_t node, uint64_t index,
                             const struct mr_leaf *leaf, uint64_t number);
/* There is no receipt of it here: it is said as soon as it may be. */
void mri_anew_want(struct mr_engine *e, uint64_t number, uint64_t seq);
enum mr_status mri_anew_work(struct mr_engine *e);
/* A settled slot as it was acknowledged anew last. MR_NOT_FOUND: it never was. */
enum mr_status mri_anew_get(struct mr_engine *e, struct mr_state_slot *ret, uint64_t number,
                            uint64_t seq);
/* Whether a slot settled in an epoch before, or is one that was taken over with the state. */
bool mri_is_past(const struct mr_engine *e, const struct mr_state_slot *s);

/* --- rest (rest.c) ---------------------------------------------------------------------------- */
/* A checkpoint is due by the settings of this node. */
void mri_rest_due(struct mr_engine *e);
void mri_rest_hear(struct mr_engine *e, struct mri_peer *p, const struct mr_leaf_rest *leaf);
/* Begin, end, sum up: what is due. True: it is over, and slots that waited for that are due. */
bool mri_rest_work(struct mr_engine *e);
/* Whether this node shall propose a checkpoint of a state that was summed up. */
bool mri_rest_proposes(const struct mr_engine *e, const struct mr_checkpoint *c);

/* An order of the nodes' own chain, dated and placed, into e->order; then its signature. */
void mri_node_order(struct mr_engine *e, const struct mr_state_hot *hot, enum mr_order_kind kind);
void mri_node_order_sign(struct mr_engine *e, uint8_t ret_id[32]);
void mri_choose_key(struct mr_engine *e);
enum mr_status mri_begin_epoch(struct mr_engine *e);

/* --- epochs (JNL-9) --------------------------------------------------------------------------- */
/* Take a RESTART over: a new log begins. Room was reserved. */
enum mr_status mri_restart_apply(struct mr_engine *e, const struct mr_signed_restart *r);
/* Say it, if it is governance's and the next one; then START. */
enum mr_status mri_restart_say(struct mr_engine *e, const struct mr_signed_restart *r);
void mri_say_start(struct mr_engine *e);
/* REGROUP (regroup.c). Whether one waits for this node to go over. */
bool mri_regroup_waits(const struct mr_engine *e);
/* What is due for it; the state was summed up. */
enum mr_status mri_regroup_work(struct mr_engine *e);
void mri_regroup_sum(struct mr_engine *e, const struct mr_checkpoint *c, bool kept);
enum mr_status mri_regroup_apply(struct mr_engine *e, const struct mr_signed_regroup *r);
/* A store that was taken over with the state that a REGROUP names, before its first turn. */
enum mr_status mri_regroup_adopted(struct mr_engine *e);
/* The log of this epoch ends here; the next one begins empty. */
void mri_end_log(struct mr_engine *e, const struct mr_handover *h, uint32_t epoch);
/* The nodes, quorum and associations of e->ledger.next from here on. */
enum mr_status mri_take_seats(struct mr_engine *e);
/* Who the nodes were before, of a store as it is loaded: they may still read the end of that epoch.
 */
enum mr_status mri_past_load(struct mr_engine *e);
/* Last head of an ended log. MR_OK, MR_NOT_FOUND, trouble. */
enum mr_status mri_past_head(struct mr_engine *e, struct mr_head *ret, uint32_t epoch);
/* The last handovers up to an epoch: at most MR_HANDOVERS_MAX, which ret holds, and what
 * MR_HANDOVERS_BYTES_MAX leaves room for. Those before are asked for by HANDOVER. */
enum mr_status mri_handover(struct mr_engine *e, struct mr_handover *ret, uint32_t *ret_count,
                            uint32_t epoch);
/* How many nodes settled an order in an epoch that has begun. */
enum mr_status mri_epoch_quorum(struct mr_engine *e, uint32_t *ret, uint32_t epoch);
/* The handover that began an epoch, from 2 to the present one: its encoding, into e->bytes;
 * decoded.
 */
enum mr_status mri_epoch_bytes(struct mr_engine *e, size_t *ret_len, uint32_t epoch);
enum mr_status mri_epoch_get(struct mr_engine *e, struct mr_handover *ret, uint32_t epoch);

/* --- replay ----------------------------------------------------------------------------------- */
enum mr_status mri_replay(struct mr_engine *e);
/* Bring the store up to date at once. */
enum mr_status mri_flush_now(struct mr_engine *e);

#endif
