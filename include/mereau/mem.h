/** The allocator a caller hands in. The library never calls malloc itself. */
#ifndef MEREAU_MEM_H
#define MEREAU_MEM_H

#include <stddef.h>

/** get returns NULL when refused; what it returns is aligned for any object and not zeroed.
 *  put takes NULL. The struct is copied by those that keep it; ctx stays the caller's. */
struct mr_mem {
    void *(*get)(void *ctx, size_t bytes);
    void (*put)(void *ctx, void *p);
    void *ctx;
};

#endif
