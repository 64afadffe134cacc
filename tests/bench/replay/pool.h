/** Connections to one node: requests with final answers.
 *
 *  A request is repeated until its answer is final: over a new connection and session when the old
 *  one is lost, after a pause when the node is busy or keeps the order waiting. One thread. */
#ifndef MEREAU_REPLAY_POOL_H
#define MEREAU_REPLAY_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"

enum { POOL_CONNS_MAX = 64, POOL_WINDOW = 16, POOL_SILENCE_MS = 30000 };

struct pool;

/** A final answer to what pool_send was given. The reply is lent for the call, which may send. */
typedef void (*pool_answer)(void *ctx, void *job, const struct mr_reply *reply);

/** Connects with the first pool_wait. MR_OK, MR_BAD_TEXT (address), MR_NO_MEMORY. */
enum mr_status pool_open(struct pool **ret, const char *address, const struct mr_pubkey *pinned,
                         unsigned conns, pool_answer answer, void *ctx);

/** Queue a request. Those of one lane go over one connection, in order; the others anywhere.
 *  MR_OK or MR_NO_MEMORY. The job is the caller's. */
enum { POOL_NO_LANE = -1 };
enum mr_status pool_send(struct pool *p, void *job, int lane, const struct mr_request_body *body);

/** Requests without answer. */
size_t pool_open_requests(const struct pool *p);

/** Send and receive once; waits when there is nothing to do. MR_OK; MR_NO_ANSWER: no answer for
 *  POOL_SILENCE_MS; MR_WRONG_NODE and other faults of the node; MR_NO_MEMORY. */
enum mr_status pool_wait(struct pool *p);

/** NULL is fine. */
void pool_close(struct pool *p);

#endif
