#include "common/heap.h"

#include <stdlib.h>

enum { ROWS_FIRST = 16 };

static void *get(void *ctx, size_t bytes)
{
    (void)ctx;
    return malloc(bytes);
}

static void put(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

const struct mr_mem heap = {get, put, NULL};

void *rows_room(void *rows, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return rows;
    const size_t more = *cap == 0 ? ROWS_FIRST : *cap * 2;
    void *const room = reallocarray(rows, more, size);
    if (room != NULL)
        *cap = more;
    return room;
}
