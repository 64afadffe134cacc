/** Secrets: guarded memory, and passphrases from a terminal, a file or a descriptor.
 *  Never from argv or the environment. */
#ifndef MEREAU_COMMON_SECRET_H
#define MEREAU_COMMON_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "common/command.h"
#include "mereau/status.h"

enum { SECRET_PASSPHRASE_MAX = 1024 };

/** Bytes in sodium_malloc memory, with a NUL behind them. bytes NULL: empty. */
struct secret {
    uint8_t *bytes;
    size_t len;
};

/** len bytes of zero. MR_OK or MR_NO_MEMORY. */
enum mr_status secret_alloc(struct secret *ret, size_t len);

/** A copy of bytes. MR_OK or MR_NO_MEMORY. */
enum mr_status secret_copy(struct secret *ret, const void *bytes, size_t len);

/** Wipes and frees; the struct is empty afterwards. An empty one is fine. */
void secret_free(struct secret *s);

/** No core dumps, not readable by other processes of the user. command_main() calls it. */
void secret_protect_process(void);

/** Rows for the option table of a program that needs a passphrase. */
#define SECRET_OPTIONS                                                                             \
    {"passphrase-file", 0, N_("FILE"), N_("read the passphrase from the first line of a file")},   \
    {                                                                                              \
        "passphrase-fd", 0, N_("N"), N_("read the passphrase from an open file descriptor")        \
    }

/** Ask for a passphrase: --passphrase-fd, else --passphrase-file, else the terminal with echo off
 *  (twice with `twice`, until both agree). One line; its end is not part of it; 1 to
 *  SECRET_PASSPHRASE_MAX bytes. `prompt` is translated, without colon.
 *  MR_OK, or a failure already reported with out_fail(). */
enum mr_status secret_ask(struct secret *ret, const struct command *c, struct out *out,
                          const char *prompt, bool twice);

/** As secret_ask, with other names of options, for a second passphrase ("new-passphrase-file").
 *  Either name may be NULL. */
enum mr_status secret_ask_as(struct secret *ret, const struct command *c, struct out *out,
                             const char *prompt, bool twice, const char *option_file,
                             const char *option_fd);

/** First line of an open descriptor, without its end. MR_OK, MR_BAD_TEXT (empty or too long),
 *  MR_IO_ERROR, MR_NO_MEMORY. Does not close fd. */
enum mr_status secret_read_line(struct secret *ret, int fd);

#endif
