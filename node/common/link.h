/** A client's link to a node: connects, keeps an authenticated session, calls with deadlines.
 *
 *  TCP addresses ("host:port", "[v6]:port") go through a raw nanomsg REQ socket; a path (with a
 *  slash) is the node's local control socket, same framing. Requests are idempotent by their
 *  content, so a link repeats them within the deadline: on silence it removes the endpoint and
 *  connects anew (platform note: a 1.1.5 connector can stick for good), on a lost session it shakes
 *  hands and authenticates again. One thread a link; every call blocks up to its time-out. */
#ifndef MEREAU_COMMON_LINK_H
#define MEREAU_COMMON_LINK_H

#include "mereau/record.h"
#include "mereau/session.h"
#include "mereau/sign.h"
#include "mereau/status.h"

struct link;

struct link_config {
    const char *address;            /* host:port, or path of a control socket */
    const struct mr_pubkey *pinned; /* NULL: accept any identity (mereau-admin on its own node) */
    const uint8_t *ledger;          /* 32 bytes; copied */
    int timeout_ms;                 /* of one call, all repeats together; 0: 10 s */
};

/** Nothing is sent yet. MR_OK, MR_NO_MEMORY, MR_BAD_TEXT (address). */
enum mr_status link_open(struct link **ret, const struct link_config *config);

/** Prove a key from now on, in every session of this link. `key` is borrowed until link_close.
 *  `seen`: highest head of this node the caller holds, or NULL. Takes effect with the next call. */
void link_identify(struct link *l, enum mr_auth_role role, const uint8_t account[16],
                   uint32_t key_index, const struct mr_seckey *key, const struct mr_head *seen);

/** One call. *ret is the caller's (allocate it: it is large). The result is the reply's status, or
 *  MR_NO_ANSWER, MR_UNREACHABLE, MR_WRONG_NODE, MR_BAD_SIGNATURE, or what made the bytes invalid.
 *  ret->body is meaningful only when the reply's status is MR_OK, SETTLED, VOIDED, PARKED,
 *  UNSETTLED, VOTING, CERTIFIED, ALREADY_DONE, FUNDS_SHORT or a limit's. */
enum mr_status link_call(struct link *l, struct mr_reply *ret, const struct mr_request_body *body);

/** One call over a link of its own, which proves no key. As link_open and link_call. */
enum mr_status link_once(struct mr_reply *ret, const struct link_config *config,
                         const struct mr_request_body *body);

/** Accept any of these identities (borrowed) in place of the pinned one: for an address that may be
 *  of any node of a charter. Before the first call. */
void link_accept(struct link *l, const struct mr_node *nodes, size_t count);

/** The identity of the present session; NULL: there is none. */
const struct mr_pubkey *link_identity(const struct link *l);

/** Do not ask a node again that says it is stopping: for callers that know another one. */
void link_leave_stopping(struct link *l);

/** Change the time-out of later calls. */
void link_set_timeout(struct link *l, int timeout_ms);

/** NULL is fine. Ends the session's secrets. */
void link_close(struct link *l);

#endif
