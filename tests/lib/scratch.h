/** A directory of a test's own, and small disks. */
#ifndef MEREAU_TESTS_SCRATCH_H
#define MEREAU_TESTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "mereau/mem.h"

enum { SCRATCH_PATH_MAX = 512 };

/** A new empty directory below $TMPDIR or /tmp. Fails the test when it cannot. */
void scratch_make(char ret[SCRATCH_PATH_MAX]);

/** Remove a directory and all below it; it may be gone already. */
void scratch_remove(const char *dir);

/** "dir/name" in one of four static buffers. */
const char *scratch_path(const char *dir, const char *name);

/** Mount a disk of that many bytes on the directory, seen by this process and its children only.
 *  false: this machine does not let us. */
bool scratch_small_disk(const char *dir, size_t bytes);

/** malloc and free. */
extern const struct mr_mem scratch_mem;

#endif
