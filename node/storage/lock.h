/** One process a directory. Taken before anything in it is opened, held until the process ends. */
#ifndef MEREAU_STORAGE_LOCK_H
#define MEREAU_STORAGE_LOCK_H

#include <sys/types.h>

#include "mereau/status.h"

struct dir_lock;

/** Lock `dir`/lock and write our process id into it. The kernel frees it when the process dies,
 *  however it dies. MR_OK; MR_IN_USE (*ret_holder, may be NULL, is the process that has it, 0 when
 *  it has not said yet); MR_NO_SUCH_FILE (the directory), MR_NO_MEMORY, MR_DISK_FULL, MR_IO_ERROR.
 */
enum mr_status lock_take(struct dir_lock **ret, const char *dir, pid_t *ret_holder);

/** NULL is fine. The file stays. */
void lock_release(struct dir_lock *l);

#endif
