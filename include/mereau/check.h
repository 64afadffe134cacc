/** Does a node's store hold what it must? Named invariants (spec/30-ledger.md INV-n) over a store
 * and the journal it sums up, and rebuilding a store from the journal alone.
 *
 *  Everything here reads; only mr_rebuild writes, into the store it is given. Runs for as long as
 * the data is large; progress callbacks return false to stop (MR_STOPPING). */
#ifndef MEREAU_CHECK_H
#define MEREAU_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "mereau/journal.h"
#include "mereau/mem.h"
#include "mereau/record.h"
#include "mereau/status.h"
#include "mereau/store.h"

enum { MR_FINDING_TEXT_MAX = 160 };

/** One exact row of what is wrong. Texts are English; rule is an id of the spec. Lent for the call.
 */
struct mr_finding {
    const char *rule;
    char where[MR_FINDING_TEXT_MAX], expected[MR_FINDING_TEXT_MAX], found[MR_FINDING_TEXT_MAX];
};
typedef void (*mr_finding_fn)(void *ctx, const struct mr_finding *f);

struct mr_check {
    const struct mr_charter *charter;
    struct mr_store *store;
    struct mr_journal *journal;
    struct mr_mem mem;
    mr_finding_fn found;
    void *found_ctx;
    bool (*progress)(void *ctx, uint64_t done, uint64_t all); /**< or NULL */
    void *progress_ctx;
    bool moving; /**< the node may not have read all that settled: what it sees in an account may be
                    given before what was received, and INV-2 is no finding */
};

struct mr_check_totals {
    struct mr_state_meta meta; /**< what the store covers */
    uint64_t accounts, slots, credits, findings;
    int64_t issued, reserve; /**< over all associations: coverage is reserve / issued */
    uint8_t state_root[32];
    uint64_t overdrawn; /**< where INV-2 would be one */
    uint64_t inherited; /**< slots that the node took over when it joined: without bodies here */
};

/** INV-1 to INV-7, INV-9 and INV-10 over the store. MR_OK: the walk is complete, findings were
 * reported one by one; MR_DAMAGED: a record cannot be read at all (also reported); I/O trouble,
 * MR_NO_MEMORY. */
enum mr_status mr_check_store(const struct mr_check *c, struct mr_check_totals *ret);

/** Whether two stores hold the same in every table; each difference is a finding of rule JNL-8. */
enum mr_status mr_check_equal(const struct mr_check *c, struct mr_store *other,
                              uint64_t *ret_findings);

/** Fill an empty (or older) store from the journal, up to `until` (a turn; 0: the end). Says
 * nothing, signs nothing. MR_OK, MR_DAMAGED, I/O trouble. `node` is the number in the charter. */
enum mr_status mr_rebuild(const struct mr_check *c, uint32_t node, uint64_t until);

#endif
