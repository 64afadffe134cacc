/** A node as a pure object: events in, journal turns and replies out (design: "persist before you
 *  speak" is the shape of the loop).
 *
 *  The shell feeds events with mr_engine_step. What the node says is collected in the current
 * *turn*. mr_engine_cut ends it and hands out the bytes to append and sync; the next turn may run
 * meanwhile. MR_EV_SYNCED releases the replies of that turn: heads are signed then, over synced
 * leaves only. Replies leave strictly in the order of turns; those that wrote nothing wait for
 * earlier turns. One thread. Memory is taken at creation and, in bounded chunks, before a step. */
#ifndef MEREAU_ENGINE_H
#define MEREAU_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/journal.h"
#include "mereau/mem.h"
#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"
#include "mereau/store.h"

struct mr_engine;

/** Who stands behind a session, after REQ_AUTH was verified. */
struct mr_principal {
    bool local; /**< local control: may read everything */
    bool auditor;
    uint32_t peer; /**< number of the node that proved its transport key (AUTH_PEER); 0: none */
    bool proved;   /**< the fields below are valid */
    enum mr_auth_role role;
    uint8_t account[16];
    enum mr_account_class class;
    uint8_t association[16];
    uint32_t generation; /**< of the keys it proved; a rotation ends it */
};

struct mr_engine_config {
    const struct mr_charter *charter; /**< borrowed for the engine's life */
    uint32_t node;                    /**< this node's number */
    const struct mr_seckey *log_key;  /**< borrowed */
    const struct mr_seckey *next_key; /**< for an epoch in which the node's log key changes; or
                                         NULL; borrowed */
    const char *software;             /**< name and version; borrowed */
    struct mr_store *store;           /**< borrowed */
    struct mr_journal *journal;       /**< borrowed; only read from */
    struct mr_mem mem;
    uint64_t now_ms;
    bool read_only;                          /**< tools: nothing is said */
    bool look_only;                          /**< nor is the store written to */
    uint64_t until;                          /**< read_only: replay up to this turn; 0: all */
    const struct mr_signed_restart *restart; /**< governance's RESTART to begin with, or NULL; one
                                                that was taken before is passed over */
    const struct mr_signed_regroup *regroup; /**< governance's REGROUP, or NULL: the node goes over
                                                to its epoch once its state is the one that is
                                                named; borrowed */
    bool abstain; /**< restored from a backup: do not sign (rules of memory), unless the RESTART is
                       taken now */
    bool (*progress)(void *ctx, uint64_t done,
                     uint64_t all); /**< of replay; false stops; or NULL */
    void *progress_ctx;
};

/** Effects: where replies go. Called during step; bytes are borrowed for the call. */
struct mr_effects {
    void (*reply)(void *ctx, uint64_t token, const uint8_t *bytes, size_t len);
    void *ctx;
};

enum mr_event_kind {
    MR_EV_REQUEST,    /**< a request of a session */
    MR_EV_TICK,       /**< time passed; about once a second */
    MR_EV_SYNCED,     /**< the turn handed out by mr_engine_cut is durable */
    MR_EV_SEEN,       /**< a client presented a head of this node's log */
    MR_EV_CHECKPOINT, /**< the state at the last flush was summed up */
    MR_EV_DUE,        /**< a checkpoint is due, by the settings of this node; to be repeated while
                         it is. For nothing with one node: it sums up when it likes */
    MR_EV_ROOM,       /**< the disk has room, or has not */
    MR_EV_DRAIN,      /**< the node will stop: long polls are answered now */
    MR_EV_ANSWER,     /**< a peer answered what mr_engine_ask asked, or never will */
    MR_EV_PEER,       /**< the link to a peer came up or broke: what it was asked is void */
    MR_EV_CLOSE,      /**< good-bye: writes the closing entry; nothing is accepted after it */
};

/** What the shell found out about a signed order or cancel of an answer: mr_order_verify's or
 *  mr_cancel_verify's status under the key set mr_engine_signers or mr_engine_keys gave, and that
 *  set's generation (0: it gave none, nothing was verified). */
struct mr_checked {
    enum mr_status status;
    uint32_t generation;
};

struct mr_event {
    enum mr_event_kind kind;
    uint64_t now_ms;
    union {
        struct {
            uint64_t token; /**< handed back with the reply */
            const struct mr_principal *who;
            const struct mr_request *request;
            enum mr_status signatures; /**< SUBMIT, CANCEL: mr_order_verify's answer */
            uint32_t generation;       /**< of the key set it was verified under */
        } request;
        struct {
            uint32_t peer;                /**< node number */
            enum mr_request_kind kind;    /**< FOLLOW, FETCH or EVIDENCE: what was asked */
            const struct mr_reply *reply; /**< NULL: no answer in time, or bytes that are none */
            bool head_good; /**< FOLLOW: mr_head_verify under the peer's log key of its epoch */
            const struct mr_checked *checked; /**< one for each body of the reply; memos: unused */
        } answer;
        struct {
            uint32_t peer;
            bool up;
        } peer;
        const struct mr_head *seen;
        struct {
            const struct mr_checkpoint *sum; /**< number is filled in by the engine */
            bool kept; /**< a copy of that state is kept for nodes that join: facts.sum_kept */
        } checkpoint;
        bool room;
    } u;
};

/** A turn's bytes, whole frames, owned by the engine until MR_EV_SYNCED. */
struct mr_turn {
    uint64_t number;
    const uint8_t *log, *bodies;
    size_t log_len, bodies_len;
};

/** Load state from the store, replay what the journal holds beyond it, and (unless read_only) write
 *  the opening entry into the first turn. The store is brought up to date on the way when replay is
 *  long. MR_OK; MR_WRONG_LEDGER; MR_BAD_KEY (log_key is not the log's); BAD_SIGNATURE,
 *  SIGNATURES_MISSING or WRONG_EPOCH (restart, regroup); MR_DAMAGED; MR_NO_MEMORY; MR_CONFIG
 *  (charter or node number); I/O trouble. */
enum mr_status mr_engine_create(struct mr_engine **ret, const struct mr_engine_config *config);
void mr_engine_destroy(struct mr_engine *e);

/** Whether one more event certainly fits in the current turn. When false: cut, sync, come back. */
bool mr_engine_ready(const struct mr_engine *e);

/** Take one event. MR_OK: taken (its outcome is in the replies). Anything else is this host's
 *  trouble (MR_NO_MEMORY: nothing changed, may be repeated; MR_DAMAGED, MR_IO_ERROR: stop). */
enum mr_status mr_engine_step(struct mr_engine *e, const struct mr_event *ev,
                              struct mr_effects *fx);

/** Whether the current turn is worth a sync now: this node said something in it, somebody waits for
 *  its outcome, it is nearly full, or it has stood open for 0.1 s (looked at with the next event).
 *  What peers said and what settled by it waits for company otherwise: when it is lost in a crash,
 *  the peers say it again. */
bool mr_engine_due(const struct mr_engine *e);

/** End the current turn, due or not. True: *ret must be appended and synced, then MR_EV_SYNCED
 * given; not to be called again before. False: nothing to write (replies, if any, were released
 * into fx). */
bool mr_engine_cut(struct mr_engine *e, struct mr_turn *ret, struct mr_effects *fx);

/** Directly after a cut: take the changes up to and including that turn, to be committed to the
 *  store once it is synced. Free and forget with mr_engine_flushed after commit and refresh. */
enum mr_status mr_engine_freeze(struct mr_engine *e, struct mr_put **ret_puts, size_t *ret_count);
void mr_engine_flushed(struct mr_engine *e, struct mr_put *puts);
bool mr_engine_flushing(const struct mr_engine *e);
size_t mr_engine_dirty(const struct mr_engine *e);

/** The key set that a chain's next cancel must be signed with. ACCOUNT_UNKNOWN. */
enum mr_status mr_engine_keys(struct mr_engine *e, struct mr_keyset *ret, uint32_t *ret_generation,
                              const uint8_t account[16]);

/** The key set that an order must be signed with: its chain's, or of a TAKEOVER the treasury's that
 *  it names. ACCOUNT_UNKNOWN, WRONG_CHAIN, KEYS_UNKNOWN, KEYS_OLD, BAD_KEY. */
enum mr_status mr_engine_signers(struct mr_engine *e, struct mr_keyset *ret,
                                 uint32_t *ret_generation, const struct mr_order *order);

/** Whether the keys a session proved are still the account's (TRA-8). A principal that proved
 * nothing is always current. */
bool mr_engine_current(struct mr_engine *e, const struct mr_principal *who);

/** What REQ_AUTH must verify under, and who it then is. MR_OK, ACCOUNT_UNKNOWN, BAD_KEY. */
enum mr_status mr_engine_identify(struct mr_engine *e, struct mr_pubkey *ret_key,
                                  struct mr_principal *ret, const struct mr_req_auth *auth);

/* --- peers ------------------------------------------------------------------------------------ */

/** One node of the committee. */
struct mr_seat {
    uint32_t number;
    uint8_t association[16];
    struct mr_pubkey log_key, transport_key;
    uint32_t generation;      /**< of its log key */
    const char *address;      /**< wallet port */
    const char *peer_address; /**< peer port; empty: none */
};

/** Who votes in the present epoch, and how many votes settle. */
struct mr_committee {
    uint32_t epoch, quorum, count;
    struct mr_seat seats[MR_NODES_MAX]; /**< by ascending number */
};
/** Valid until the next step. */
const struct mr_committee *mr_engine_committee(const struct mr_engine *e);

/** The next request for a peer whose link is up, if there is one: FOLLOW, FETCH or EVIDENCE. The
 * shell sends it and gives MR_EV_ANSWER for it, in whatever order, unless the link breaks
 * (MR_EV_PEER). To be asked again after every step and answer until it says false. At most
 * MR_ASKS_MAX are under way with one peer. */
enum { MR_ASKS_MAX = 25 };
bool mr_engine_ask(struct mr_engine *e, uint32_t peer, struct mr_request_body *ret);

/** How it stands with a peer. */
struct mr_peer_facts {
    struct mr_state_peer state; /**< how far its log was followed */
    struct mr_head head;        /**< its highest verified head; size 0: none */
    uint64_t sent;              /**< leaves of the own log it was sent */
    uint64_t heard_ms;          /**< when it answered last; 0: never in this run */
    uint64_t refused;           /**< answers that were refused in this run */
    enum mr_status trouble;     /**< of the last answer; OK: none */
};
/** False: no such peer. */
bool mr_engine_peer(const struct mr_engine *e, uint32_t peer, struct mr_peer_facts *ret);

/** Figures for status and metrics. */
struct mr_engine_facts {
    struct mr_state_meta meta;
    uint64_t synced_turn, parked, waiting;
    uint64_t open, oldest_ms;  /**< slots that are not settled here; since when the oldest waits */
    uint64_t evidence;         /**< pieces held */
    enum mr_status mode;       /**< as in rep_node */
    bool sum_wanted;           /**< as mr_engine_sum_wanted */
    bool sum_kept;             /**< a state that is flushed and summed up from now on may be the
                                    last of the epoch: its copy is kept before it is given */
    bool regroup_differs;      /**< a REGROUP waits, and names another state than this one */
    bool resting;              /**< it begins no slot for a moment: a checkpoint is being agreed */
    uint64_t rests, rested_ms; /**< in this run: how often, and for how long in all */
    size_t dirty_bytes;
    bool disk_full, abstaining, closing;
    struct mr_head head;  /**< last signed */
    uint8_t log_root[32]; /**< of all leaves, meta.leaves of them, synced or not */
};
void mr_engine_facts(struct mr_engine *e, struct mr_engine_facts *ret);
/** Whether the state shall be flushed and summed up now, and given as MR_EV_CHECKPOINT: an epoch
 *  ends, or nodes rest for a checkpoint. */
bool mr_engine_sum_wanted(const struct mr_engine *e);
/** Time of the last CHECKPOINT or CUT that settled here; before the first one, of the ledger's
 *  founding. */
uint64_t mr_engine_checkpoint_ms(struct mr_engine *e);

/** LED-50, LED-51 over a store that no commit changes meanwhile: everything of a checkpoint but its
 *  number. Any thread with a store handle of its own. */
enum mr_status mr_state_sum(struct mr_checkpoint *ret, struct mr_store *store,
                            const struct mr_charter *charter, const struct mr_mem *mem);

#endif
