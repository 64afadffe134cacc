/** How a node gets into a ledger that runs (spec/47-epochs.md EPO-8): it looks for the epoch that
 *  names its key, and takes the state over that q nodes of the epoch before vouch for.
 *
 *  Nothing that another node says is believed: epochs are verified from the charter, whose hash the
 *  caller knows, and the state against FINAL leaves. */
#ifndef MEREAU_ADMIN_ADOPT_H
#define MEREAU_ADMIN_ADOPT_H

#include "common/command.h"
#include "common/epochs.h"
#include "mereau/record.h"
#include "mereau/sign.h"

/** What is vouched for: a root of the state, and its number of accounts. */
struct vouched {
    uint64_t accounts;
    uint8_t root[32];
    uint32_t voices; /* nodes that said so */
};

struct adopting {
    struct command *c;
    struct mr_join_link first; /* the node that is asked first */
    struct mr_charter *genesis, *present;
    struct epochs epochs;
    struct mr_pubkey log_key;
    struct mr_seckey transport_key;
    uint32_t number; /* of the own node, once an epoch names it; 0: none does */
    struct vouched state;
    struct mr_request_body *ask;
    struct mr_reply *reply;
};

enum mr_status adopt_begin(struct adopting *x, struct command *c);
void adopt_end(struct adopting *x);

/** Fetch the charter from the first node. MR_OK; MR_WRONG_LEDGER: it is another one's; a call's
 *  status. */
enum mr_status adopt_charter(struct adopting *x);

/** Take over from the first node how the epochs began that are not known yet, verified: x->present
 * is the charter as it stands then. As a call. */
enum mr_status adopt_epochs(struct adopting *x);

/** Look once for an epoch that names the own key: sets x->number. MR_OK also when there is none;
 *  else the status of the last node that did not answer. */
enum mr_status adopt_look(struct adopting *x);

/** Ask the nodes of the epoch before which state it ended with. MR_OK: q of them say the same;
 *  MR_NO_QUORUM: not yet; MR_EPOCH_MISMATCH: the present epoch began by a RESTART. */
enum mr_status adopt_finals(struct adopting *x);

/** Fetch that state into an empty store in `dir`, make it this node's, check it, seal it; and keep
 * a snapshot in `snapshots`. MR_STATE_MISMATCH: nobody served what was vouched for. */
enum mr_status adopt_state(struct adopting *x, const char *dir, const char *snapshots);

#endif
