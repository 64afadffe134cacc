/** The independent auditor (spec/70-audit.md AUD-n): replays a node's journal from its charter and
 *  checks every row with its own tables, tree and arithmetic.
 *
 *  Pure: no file, no clock. Feed the turns in order; every row that is wrong becomes one finding
 *  through the callback, and the audit goes on with the value it computed itself. Signatures are
 *  handed out in batches, so that the caller can verify them on several threads:
 *
 *      mr_audit_feed(a, &turn) ...             one thread
 *      b = mr_audit_take(a)                    the signatures of the turns fed since
 *      mr_audit_verify(b, i) for every i       any thread, in any order
 *      mr_audit_give(a, b)                     reports the wrong ones, frees the batch
 */
#ifndef MEREAU_AUDIT_H
#define MEREAU_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/evidence.h"
#include "mereau/mem.h"
#include "mereau/record.h"
#include "mereau/status.h"

enum { MR_AUDIT_TEXT_MAX = 160, MR_AUDIT_NO_ENTRY = 0x7fffffff };

/** One wrong row. */
struct mr_audit_finding {
    const char *rule;      /**< id in the spec, "LED-22"; static */
    enum mr_status status; /**< what a node would have refused it with; MR_CHECK_FAILED otherwise */
    const char *what;      /**< English, what was compared; static */
    uint64_t turn;         /**< 0: not in a turn (a receipt, the end of the book) */
    uint32_t entry;        /**< place in the turn, from 0; MR_AUDIT_NO_ENTRY: the turn as a whole */
    uint32_t node;         /**< whom it convicts (EVD-3, EVD-4); 0: nobody */
    bool of_another;       /**< that is another node than the one that keeps the book: the book is
                                right all the same (AUD-7). False: the book is not right */
    bool has_slot;         /**< account and seq are meaningful */
    uint8_t account[MR_ACCOUNT_BYTES];
    uint64_t seq;
    char expected[MR_AUDIT_TEXT_MAX], found[MR_AUDIT_TEXT_MAX]; /**< end with NUL */
};

/** The finding is lent for the call. */
typedef void (*mr_audit_report)(void *ctx, const struct mr_audit_finding *finding);

struct mr_audit;
struct mr_audit_batch;

/** Start with a charter's XDR bytes. `mem` is copied; `report` is called from feed, give, end and
 *  receipt only. MR_OK; MR_NO_MEMORY; what makes the bytes no charter (nothing can be audited
 *  then); MR_BAD_KEY (a key set of the charter breaks LED-6). */
enum mr_status mr_audit_create(struct mr_audit **ret, const struct mr_mem *mem,
                               mr_audit_report report, void *ctx, const uint8_t *charter,
                               size_t len);

/** NULL is fine. Batches taken and not given back must not be used afterwards. */
void mr_audit_destroy(struct mr_audit *a);

/** Hash of the charter. */
const uint8_t *mr_audit_ledger(const struct mr_audit *a);

/** The charter as it stands behind the turns fed: nodes, quorum and associations as NEXT orders
 *  changed them (EPO-2). Lent; it changes with the next turn. */
const struct mr_charter *mr_audit_charter(const struct mr_audit *a);

/** Id of the association that runs a node, or ran it in the last epoch that it had a seat in.
 * False: it never had one in what was fed. */
bool mr_audit_home_of(const struct mr_audit *a, uint32_t node, uint8_t ret[MR_ACCOUNT_BYTES]);

/** An account as it stands behind the turns fed. */
struct mr_audit_account {
    const uint8_t *id;
    bool opened; /**< false: rows name it, its OPEN is not here; class and home are unknown */
    enum mr_account_class class;
    const uint8_t *association; /**< home; NULL: none, or unknown */
    uint64_t opened_ms;         /**< time of its OPEN; 0: it is of the charter */
    bool frozen, closed;
    const struct mr_list *listing; /**< NULL: not listed */
    const int64_t *balances;       /**< by unit */
};

/** What *ret points to is lent until the next turn. False: no row named it so far. */
bool mr_audit_account(const struct mr_audit *a, const uint8_t id[MR_ACCOUNT_BYTES],
                      struct mr_audit_account *ret);

/** All of them, ascending by id. MR_OK, MR_NO_MEMORY, or what stopped it: the callback's. */
typedef enum mr_status (*mr_audit_account_fn)(void *ctx, const struct mr_audit_account *account);
enum mr_status mr_audit_accounts(const struct mr_audit *a, mr_audit_account_fn fn, void *ctx);

/** One turn: its two frames with headers and padding, as they stand in the journal. Lent for the
 *  call. bodies NULL: the turn has none, or they were erased (then its orders are counted as not
 *  checked and their postings are believed). */
struct mr_audit_turn {
    const uint8_t *log;
    size_t log_len;
    const uint8_t *bodies;
    size_t bodies_len;
};

/** MR_OK, whatever was found; MR_NO_MEMORY: the audit is over, only destroy may follow. */
enum mr_status mr_audit_feed(struct mr_audit *a, const struct mr_audit_turn *turn);

/** Signatures collected and not yet taken. */
size_t mr_audit_pending(const struct mr_audit *a);

/** Take them; NULL when there are none. */
struct mr_audit_batch *mr_audit_take(struct mr_audit *a);
size_t mr_audit_batch_count(const struct mr_audit_batch *b);

/** Verify signature i of a batch. Different i may run on different threads at a time. */
void mr_audit_verify(struct mr_audit_batch *b, size_t i);

/** All were verified: report the wrong ones in order and free the batch. NULL is fine. */
void mr_audit_give(struct mr_audit *a, struct mr_audit_batch *b);

/** Call for every slot that is settled, in the order of the journal; before the first turn. */
typedef void (*mr_audit_settled)(void *ctx, const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq,
                                 const uint8_t value[MR_HASH_BYTES]);
void mr_audit_watch(struct mr_audit *a, mr_audit_settled fn, void *ctx);

/** What a settled order did, as the auditor computed it. Lent for the call. */
struct mr_audit_effect {
    const uint8_t *account; /**< slot: 16 bytes, and its place */
    uint64_t seq;
    const uint8_t *value;         /**< order id, 32 bytes */
    const struct mr_order *order; /**< NULL: its body was erased; its postings are believed */
    uint64_t time_ms;             /**< the order's; of an erased one that of the settlement */
    uint64_t settled_ms;          /**< 0: it settled without an entry (that is a finding) */
    const struct mr_posting *postings;
    uint32_t postings_count;
};

/** Call for every order that is settled, in the order of the journal, void slots left out; before
 *  the first turn. */
typedef void (*mr_audit_effect_fn)(void *ctx, const struct mr_audit_effect *effect);
void mr_audit_effects(struct mr_audit *a, mr_audit_effect_fn fn, void *ctx);

/** The log of a node in an epoch as this book has it: its own, or what it followed of another's. 0:
 *  none of it. */
uint64_t mr_audit_log_size(const struct mr_audit *a, uint32_t epoch, uint32_t node);
/** Root of its first leaves; false: not known (any more). */
bool mr_audit_log_root(const struct mr_audit *a, uint32_t epoch, uint32_t node, uint64_t size,
                       uint8_t ret[MR_HASH_BYTES]);

/** The last checkpoint that settled in the book: once a head over `size` leaves of its own log of
 *  that epoch is cosigned, the checkpoint is witnessed. False: there is none. */
struct mr_audit_checkpoint {
    uint64_t number;
    uint32_t epoch;
    uint64_t size;
    uint64_t time_ms;
};
bool mr_audit_last_checkpoint(const struct mr_audit *a, struct mr_audit_checkpoint *ret);

/** The last head in the book; NULL: none. Lent until the next turn. */
const struct mr_head *mr_audit_head(const struct mr_audit *a);

/** Call for every chain of the state: the place of its next order, and the value settled last (zero
 *  when there is none). In no order. */
typedef void (*mr_audit_chain)(void *ctx, const uint8_t account[MR_ACCOUNT_BYTES],
                               uint64_t next_seq, const uint8_t value[MR_HASH_BYTES]);
void mr_audit_chains(const struct mr_audit *a, mr_audit_chain fn, void *ctx);
/** One of them; false: the state has no such chain. */
bool mr_audit_chain_of(const struct mr_audit *a, const uint8_t account[MR_ACCOUNT_BYTES],
                       uint64_t *ret_next_seq, uint8_t ret_value[MR_HASH_BYTES]);

/** Of a node that joined later, the book begins in the epoch it joined in (0: with the ledger): it
 *  rests on the state behind the epoch before, which another book leads to. That one is audited
 *  first, until that epoch; then comes the book that begins there:
 *
 *      mr_audit_until(a, epoch); feed ...; mr_audit_go_on(a); feed ...
 *
 *  A book that begins later and comes without that is one finding, and nothing else of it is
 *  looked at. */
uint32_t mr_audit_begins(const struct mr_audit *a);
/** The epoch that the book has come to; 0: it has not begun. */
uint32_t mr_audit_epoch(const struct mr_audit *a);

/** Whether it begins later and what it rests on was not fed (mr_audit_until, mr_audit_go_on). */
bool mr_audit_is_late(const struct mr_audit *a);
void mr_audit_until(struct mr_audit *a, uint32_t epoch);
/** False: the epoch did not begin in what was fed. Batches must have been given back. */
bool mr_audit_go_on(struct mr_audit *a);

/** Where an audit stands: it was fed this turn last, whose log frame has this check (JNL-4), which
 *  stands for all frames up to it. */
struct mr_audit_place {
    uint64_t turn;   /**< 0: none */
    uint64_t bodies; /**< position behind its bodies */
    uint8_t check[MR_HASH_BYTES];
};
void mr_audit_place(const struct mr_audit *a, struct mr_audit_place *ret);

/** Takes the next bytes of a saved audit. MR_OK, or what mr_audit_save shall return. */
typedef enum mr_status (*mr_audit_write)(void *ctx, const uint8_t *bytes, size_t len);

/** Save an audit between two turns, so that it can go on later as if it had not stopped: the same
 *  findings, the same totals. Batches must have been given back; mr_audit_end must not have been
 *  called since the last turn (it reports, and would again). The same audit is the same bytes. They
 *  depend on this version of the library and are not for other programs.
 *  MR_OK; MR_NO_MEMORY; what `write` returned. */
enum mr_status mr_audit_save(struct mr_audit *a, mr_audit_write write, void *ctx);

/** Into an audit just created with the same charter. The bytes carry a hash, which finds damage; it
 *  proves nothing about who wrote them: they are this auditor's own. Compare mr_audit_place with
 *  the book before feeding on.
 *  MR_OK; MR_DAMAGED; MR_BAD_VERSION; MR_WRONG_LEDGER; MR_NO_MEMORY. Unless MR_OK only
 *  mr_audit_destroy may follow. */
enum mr_status mr_audit_load(struct mr_audit *a, const uint8_t *bytes, size_t len);

struct mr_audit_kind {
    enum mr_order_kind kind;
    uint64_t count;
    int64_t sum[MR_UNITS_MAX]; /**< PAY: payment lines; ISSUE, REDEEM, PAYOUT, RETURN, SWEEP, CLEAR:
                                  amount */
};

struct mr_audit_association {
    uint8_t id[MR_ACCOUNT_BYTES];
    int64_t outstanding; /**< unit 0, minus the issuer's balance */
    int64_t reserve;     /**< unit 1 */
    int64_t redeemed;    /**< unit 0, given back and not yet paid */
    int64_t own;         /**< unit 0 */
    int64_t cap;
};

enum { MR_AUDIT_KINDS = 22, MR_AUDIT_EPOCHS = 32 };

struct mr_audit_epoch {
    uint32_t epoch, quorum;
    uint64_t nodes;   /**< bit n: node n votes in it */
    uint64_t turn;    /**< in which it began, in this book; 0: with the ledger */
    uint64_t settled; /**< slots settled in it, void ones too */
};

struct mr_audit_totals {
    uint32_t node, epoch; /**< whose book; 0 before its START */
    uint64_t turns, entries, leaves, heads, settled, voided, parked, checkpoints;
    uint64_t signatures; /**< verified, wrong ones too */
    uint64_t findings;
    uint64_t convictions; /**< those of the findings that are of_another */
    uint64_t accounts, members, bank_references, redemptions_open, listings, policies;
    struct mr_audit_kind kinds[MR_AUDIT_KINDS]; /**< every kind of the registry, by number */
    int64_t fees[MR_UNITS_MAX];                 /**< FEE lines of PAY and fees of PAYOUT */
    uint32_t units, associations;
    int64_t supply[MR_UNITS_MAX]; /**< LED-51 */
    struct mr_audit_association association[MR_ASSOCIATIONS_MAX];
    int64_t reserve, outstanding; /**< coverage is the first over the second */
    uint32_t epochs_count;
    struct mr_audit_epoch epochs[MR_AUDIT_EPOCHS]; /**< the last so many, ascending */
    uint8_t log_root[MR_HASH_BYTES];               /**< over `leaves` */
    uint8_t state_root[MR_HASH_BYTES];             /**< LED-50; zero when state_known is false */
    bool state_known;                              /**< no body that the state needs was erased */
    bool has_head;
    struct mr_head head; /**< the last one */
    /* with more than one node */
    uint64_t peer_leaves;    /**< of other nodes' logs */
    uint64_t open;           /**< slots that nodes spoke of and that are not settled here */
    uint64_t settled_by_cut; /**< with fewer than q acknowledgements: EPO-5 */
    uint64_t overdrawn;      /**< balances below what they may be: money that is still to settle */
    uint64_t evidence;       /**< pieces that convict */
    uint64_t convicted;      /**< bit n: node n, by evidence or by what is in its log */
    /* what could not be checked */
    uint64_t orders_unchecked;      /**< bodies erased */
    uint64_t heads_unchecked;       /**< over leaves too far back, or of a key not in the charter */
    uint64_t checkpoints_unchecked; /**< their state root */
    uint64_t certificates_unchecked; /**< of other nodes: stand on votes that are not here */
    uint64_t voids_unchecked;        /**< void slots whose reason other nodes know */
    uint64_t evidence_unchecked;     /**< announced by other nodes and not here */
    uint64_t clocks_back; /**< bit i: heads of node i went back in time. No rule was broken: it
                               crashed and its clock was set back (LOG-4) */
};

/** Checks of the end, then the totals. All batches must have been given back. May be called again
 *  after further turns. MR_OK; MR_NO_MEMORY. */
enum mr_status mr_audit_end(struct mr_audit *a, struct mr_audit_totals *ret);

/** The totals between two turns, without the checks of the end: nothing is reported, `overdrawn`
 *  means nothing, and the audit may be saved afterwards. MR_OK; MR_NO_MEMORY. */
enum mr_status mr_audit_so_far(struct mr_audit *a, struct mr_audit_totals *ret);

/** RCP-1: check a receipt's bytes, and the handovers that may stand behind it (RCP-1b), against the
 *  charter alone. `a` needs no turn fed; epochs of turns that were are known. Findings name
 *  rule, expected and found. MR_OK; MR_BAD_RECEIPT: something was found; what makes the bytes no
 *  receipt. *ret is filled unless the bytes do not decode. */
enum mr_status mr_audit_receipt(struct mr_audit *a, struct mr_receipt *ret, const uint8_t *bytes,
                                size_t len);

/** Whose cosignatures the charter wants in the epoch of the last receipt (LOG-8); lent. */
const struct mr_witness_set *mr_audit_witnesses(const struct mr_audit *a);

/** EVD-2: the same for evidence, with none of mr_evidence_verify's code. MR_OK: it convicts,
 * *ret_facts says whom of what. MR_WRONG_LEDGER, MR_BAD_HEAD, MR_BAD_PROOF, MR_BAD_EVIDENCE:
 * findings name rule, expected and found. MR_NO_MEMORY; what makes the bytes no evidence. *ret is
 * filled unless they do not decode. */
enum mr_status mr_audit_evidence(struct mr_audit *a, struct mr_evidence_facts *ret_facts,
                                 struct mr_evidence *ret, const uint8_t *bytes, size_t len);

#endif
