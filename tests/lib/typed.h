/** Commands as people type them, in one scratch directory: what the last one printed, and the last
 *  JSON object in it. For tests that tell a story through the programs. One thread. */
#ifndef MEREAU_TESTS_TYPED_H
#define MEREAU_TESTS_TYPED_H

#include <check.h>
#include <jansson.h>

#include "lib/procs.h"
#include "lib/scratch.h"

enum { TYPED_PATH = 2 * SCRATCH_PATH_MAX };

extern struct typed {
    char dir[SCRATCH_PATH_MAX]; /**< set by the test; "pass" in it holds the passphrase */
    char *text;                 /**< all that the last command printed */
    json_t *said;
} typed;

/** A path in the directory; valid for sixteen calls. typed_data(i): the data directory d<i + 1>. */
const char *typed_at(const char *name);
const char *typed_data(unsigned i);

/** Run a program to its end; its exit code. */
int typed_run(const char *program, const char *const *words);

/** Fields of the last JSON object; the text must be there. */
const char *typed_field(const char *name);
long typed_number(const char *name);

#define RUN(program, code, ...)                                                                    \
    do {                                                                                           \
        const int got_ =                                                                           \
            typed_run(MEREAU_BIN_DIR "/" program, (const char *const[]){__VA_ARGS__, NULL});       \
        ck_assert_msg(got_ == (code), "exit %d, not %d: %s", got_, (code), typed.text);            \
    } while (0)
#define ADMIN(...)  RUN("mereau-admin", 0, __VA_ARGS__, "--json")
#define WALLET(...) RUN("mereau", 0, __VA_ARGS__, "--json")

#endif
