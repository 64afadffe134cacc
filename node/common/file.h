/** Files: whole-file reads with a bound, atomic durable writes, directories. */
#ifndef MEREAU_COMMON_FILE_H
#define MEREAU_COMMON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mereau/status.h"

enum { FILE_PATH_MAX = 4096 };

/** Status of an errno: MR_NO_SUCH_FILE, MR_FILE_EXISTS, MR_DISK_FULL, MR_NO_MEMORY, MR_IO_ERROR. */
enum mr_status file_status(int error);

/** Write a file as a whole and durably: temporary file beside it, fsync, rename (or link, which
 *  refuses an existing name unless `overwrite`), fsync of the directory. A path of a symbolic link
 *  is replaced by a plain file. MR_OK or as file_status; on failure the old file is untouched and
 *  nothing is left beside it. */
enum mr_status file_write(const char *path, const void *bytes, size_t len, mode_t mode,
                          bool overwrite);

/** A file that is written bit by bit and appears as a whole, or not at all. A process that dies
 *  leaves "path.tmp", which the next draft of the same path takes over; two at a time wait for each
 *  other. */
struct file_draft {
    int fd; /* write to it; -1: none */
    bool overwrite;
    char path[FILE_PATH_MAX], temporary[FILE_PATH_MAX];
};

/** MR_OK; MR_FILE_EXISTS without `overwrite`; MR_IO_ERROR where a device, a pipe or a directory is
 *  in the place of the file; MR_TOO_LARGE; as file_status. */
enum mr_status file_draft_open(struct file_draft *ret, const char *path, mode_t mode,
                               bool overwrite);

/** fsync, put in place, fsync of the directory. Ends the draft, also on failure: then nothing is
 *  left and an old file is untouched. MR_OK or as file_status. */
enum mr_status file_draft_keep(struct file_draft *d);

/** Ends it without a file. One that was not opened or has ended is fine. */
void file_draft_drop(struct file_draft *d);

/** A text as people paste it into a file: without the ends of lines behind it, with a NUL. The
 *  caller frees *ret. As file_read. */
enum mr_status file_read_text(char **ret, const char *path, size_t max);

/** The whole file, at most max bytes, with a NUL behind it that *ret_len does not count. The caller
 *  frees *ret. MR_OK, MR_TOO_LARGE, or as file_status. */
enum mr_status file_read(uint8_t **ret, size_t *ret_len, const char *path, size_t max);

/** As file_read from an open descriptor, up to its end. */
enum mr_status file_read_fd(uint8_t **ret, size_t *ret_len, int fd, size_t max);

bool file_exists(const char *path);

/** All of the bytes, through short writes and interruptions. MR_OK or as file_status. */
enum mr_status file_write_all(int fd, const void *bytes, size_t len);

/** Make a directory and its missing parents, mode 0700, synced. An existing one is fine and keeps
 *  its mode. MR_OK or as file_status. */
enum mr_status dir_make(const char *path);

/** fsync of a directory, so that names in it are durable. */
enum mr_status dir_sync(const char *path);

/** "a/b" into ret (FILE_PATH_MAX bytes); an absolute b alone. MR_OK or MR_TOO_LARGE. */
enum mr_status path_join(char *ret, const char *a, const char *b);

/** Directory part, "." when there is none. ret holds FILE_PATH_MAX bytes. */
enum mr_status path_parent(char *ret, const char *path);

/** Where this user's data of `name` ("mereau") stand: $XDG_DATA_HOME/name, else
 *  ~/.local/share/name. Nothing is made. MR_OK, MR_NO_SUCH_FILE (no home), MR_TOO_LARGE. */
enum mr_status path_data_dir(char *ret, const char *name);

/** The same for configuration: $XDG_CONFIG_HOME/name, else ~/.config/name. */
enum mr_status path_config_dir(char *ret, const char *name);

/** Directory of the running program. ret holds FILE_PATH_MAX bytes. */
enum mr_status path_program_dir(char *ret);

#endif
