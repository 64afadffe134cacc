/** Requests that wait for their reply: from a token to who asked and the head to answer with. */
#ifndef MEREAU_TRANSPORT_PENDING_H
#define MEREAU_TRANSPORT_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sp_nn.h"

struct pending_slot;

struct pending {
    struct pending_slot *slots;
    uint32_t cap, used, free_first;
};

/** Those of one asker; set `who` and zero the rest. Must not move while it has requests. */
struct pending_owner {
    void *who;
    uint32_t first, count;
};

/** A zeroed struct pending is ready. Tokens end with it. */
void pending_done(struct pending *p);

/** head_len at most SP_NN_HEAD_MAX. MR_OK or MR_NO_MEMORY. */
enum mr_status pending_add(struct pending *p, uint64_t *ret_token, struct pending_owner *owner,
                           const uint8_t *head, size_t head_len);

/** End one request. ret_head holds SP_NN_HEAD_MAX bytes. NULL when the token is not in use. */
struct pending_owner *pending_take(struct pending *p, uint64_t token, uint8_t *ret_head,
                                   size_t *ret_head_len);

/** End all requests of one asker. */
void pending_drop(struct pending *p, struct pending_owner *owner);

#endif
