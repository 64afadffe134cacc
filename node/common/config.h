/** Configuration files: `key = value` in sections, read by a table of settings.
 *
 *  A setting is a field of the program's own struct. `#` and `;` begin a comment. Units are
 * required where there is one: 64MiB, 250ms. All errors of a file are reported, each with its line.
 */
#ifndef MEREAU_COMMON_CONFIG_H
#define MEREAU_COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "mereau/status.h"

enum { CONFIG_FILE_MAX = 65536, CONFIG_ERRORS_MAX = 100 };

enum config_type {
    CONFIG_TEXT,     /* char[]; min and max count bytes */
    CONFIG_PATH,     /* char[]; as text, not empty unless min is 0 */
    CONFIG_ADDRESS,  /* char[]; host:port, [v6]:port, port 0 to 65535 */
    CONFIG_INT,      /* int64_t */
    CONFIG_BYTES,    /* int64_t; B, KiB, MiB, GiB */
    CONFIG_DURATION, /* int64_t milliseconds; ms, s, min, h, d */
    CONFIG_BOOL,     /* bool; yes, no, true, false, on, off */
};

/** One setting. The value goes to `offset` in the program's struct. */
struct config_row {
    const char *section, *key;
    enum config_type type;
    size_t offset, size; /* of the field */
    int64_t min, max;
    const char *preset; /* the default, as written in a file */
    const char *help;   /* one line, N_ */
};

/** A row for field `field` of `struct type`. */
#define CONFIG_ROW(type, field, section, key, kind, min, max, preset, help)                        \
    {                                                                                              \
        section, key, kind, offsetof(type, field), sizeof(((type *)0)->field), min, max, preset,   \
            help                                                                                   \
    }

/** One error; `sentence` is translated. line 0: of the file as a whole. */
typedef void config_error_fn(void *user, const char *file, unsigned line, const char *sentence);

/** Fill a struct with the defaults, which must be valid (mr_assert). */
void config_defaults(void *ret, const struct config_row *rows, size_t count);

/** Read a file's text over the struct (begin with config_defaults). Fields whose setting is wrong
 *  keep their value. `file` names it in errors. MR_OK or MR_CONFIG. */
enum mr_status config_parse(void *ret, const struct config_row *rows, size_t count,
                            const char *file, const char *text, size_t len, config_error_fn *report,
                            void *user);

/** The same from a file. MR_OK, MR_CONFIG (also when it cannot be read: reported). */
enum mr_status config_read(void *ret, const struct config_row *rows, size_t count, const char *path,
                           config_error_fn *report, void *user);

/** Set one value as a file would, for options of the command line. MR_OK or MR_CONFIG, reported
 * with file "--section-key" and line 0. */
enum mr_status config_set(void *ret, const struct config_row *rows, size_t count,
                          const char *section, const char *key, const char *value,
                          config_error_fn *report, void *user);

/** A commented file with all settings at their defaults. */
void config_example(FILE *f, const struct config_row *rows, size_t count);

/** All settings with the values in force, one "section.key = value" a line. */
void config_list(FILE *f, const void *values, const struct config_row *rows, size_t count);

#endif
