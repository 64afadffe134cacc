/** Small helpers round files and directories that must survive a power cut. */
#ifndef MEREAU_STORAGE_FILES_H
#define MEREAU_STORAGE_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/status.h"

enum { FILES_PATH_MAX = 4096, FILES_TEXT_MAX = 512 };

/** MR_DISK_FULL (also quota and file size limit), MR_NO_MEMORY, MR_NO_SUCH_FILE, MR_FILE_EXISTS or
 *  MR_IO_ERROR. */
enum mr_status files_status(int error_number);

/** "dir/name" into ret; MR_CONFIG when it is longer than FILES_PATH_MAX. */
enum mr_status files_path(char ret[FILES_PATH_MAX], const char *dir, const char *name);

/** Make a directory (mode 0700) durably when it is missing. */
enum mr_status files_make_dir(const char *dir);

/** Make the names in a directory durable. */
enum mr_status files_sync_dir(const char *dir);

/** Replace or create a small file durably: written beside, synced, renamed. */
enum mr_status files_write(const char *dir, const char *name, const void *bytes, size_t len);

/** A whole small file. MR_OK; MR_NO_SUCH_FILE; MR_TOO_LARGE; MR_IO_ERROR. */
enum mr_status files_read(const char *dir, const char *name, void *ret, size_t cap,
                          size_t *ret_len);

/** Remove a name durably. */
enum mr_status files_remove(const char *dir, const char *name);

/** BLAKE2b-256 of a file's bytes. */
enum mr_status files_hash(uint8_t ret[32], const char *dir, const char *name);

#endif
