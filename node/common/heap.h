/** malloc and free, as the library takes them. Any thread. */
#ifndef MEREAU_COMMON_HEAP_H
#define MEREAU_COMMON_HEAP_H

#include "mereau/mem.h"

extern const struct mr_mem heap;

#endif
