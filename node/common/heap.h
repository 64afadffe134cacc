/** Memory of a process: malloc and free as the library takes them, and rows that grow. Any thread.
 */
#ifndef MEREAU_COMMON_HEAP_H
#define MEREAU_COMMON_HEAP_H

#include <stddef.h>

#include "mereau/mem.h"

extern const struct mr_mem heap;

/** Room for one row of `size` bytes more than the `count` there are: the rows, maybe elsewhere,
 * with *cap as it is then. NULL: no memory; nothing changed. */
void *rows_room(void *rows, size_t count, size_t *cap, size_t size);

#endif
