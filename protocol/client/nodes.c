/* Which node of the charter a wallet asks, and what it remembers of each (WAL-9, WAL-11). */
#include <string.h>

#include "mereau/assert.h"
#include "mereau/client.h"

/* By the end of the id: its beginning is that of all the association's. */
static uint32_t place_of(const uint8_t account[MR_ACCOUNT_BYTES], uint32_t places)
{
    const uint8_t *const end = account + MR_ACCOUNT_BYTES - 4;
    const uint32_t number = (uint32_t)end[0] << 24 | (uint32_t)end[1] << 16 |
                            (uint32_t)end[2] << 8 | (uint32_t)end[3];
    return number % places;
}

void mr_node_order(uint32_t ret[MR_NODES_MAX], uint32_t count, uint32_t preferred, uint32_t home,
                   const uint8_t account[MR_ACCOUNT_BYTES])
{
    uint32_t others[MR_NODES_MAX] = {0}, n = 0, left = 0;
    mr_assert(count <= MR_NODES_MAX);
    if (preferred >= 1 && preferred <= count)
        ret[n++] = preferred;
    if (home >= 1 && home <= count && home != preferred)
        ret[n++] = home;
    for (uint32_t number = 1; number <= count; number++)
        if (number != preferred && number != home)
            others[left++] = number;
    const uint32_t start = left > 0 ? place_of(account, left) : 0;
    for (uint32_t i = 0; i < left; i++)
        ret[n++] = others[(start + i) % left];
    mr_assert(n == count);
}

bool mr_ask_another(enum mr_status answer)
{
    switch ((unsigned)answer) {
    case MR_UNREACHABLE:
    case MR_NO_ANSWER:
    case MR_BUSY:
    case MR_DISK_FULL:
    case MR_STOPPING:
    case MR_STARTING:
    case MR_ABSTAINING:
    case MR_NO_QUORUM:
    case MR_BEHIND:
    case MR_WRONG_NODE:
    case MR_BAD_HEAD:
    case MR_FORKED:
        return true;
    default:
        return false;
    }
}

bool mr_head_newer(const struct mr_head *a, const struct mr_head *b)
{
    if (a->epoch != b->epoch)
        return a->epoch > b->epoch;
    return a->generation != b->generation ? a->generation > b->generation : a->size > b->size;
}
