#include "common/heap.h"

#include <stdlib.h>

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
