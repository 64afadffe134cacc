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
/** The same for mereau-audit, which asks for no passphrase here. */
int typed_audit(const char *const *words);
/** Forget what the last one printed. */
void typed_done(void);

/** The last line of a text that is a JSON object, for the caller to put away; NULL: none is. */
json_t *typed_object(const char *text);

/** Fields of the last JSON object, which must be there. */
const char *typed_field(const char *name);
long typed_number(const char *name);

#define TYPED_CODE(got, code)                                                                      \
    do {                                                                                           \
        const int got_ = (got);                                                                    \
        ck_assert_msg(got_ == (code), "exit %d, not %d: %s", got_, (code), typed.text);            \
    } while (0)
#define RUN(program, code, ...)                                                                    \
    TYPED_CODE(typed_run(MEREAU_BIN_DIR "/" program, (const char *const[]){__VA_ARGS__, NULL}),    \
               code)
#define AUDIT(code, ...) TYPED_CODE(typed_audit((const char *const[]){__VA_ARGS__, NULL}), code)
#define ADMIN(...)       RUN("mereau-admin", 0, __VA_ARGS__, "--json")
#define WALLET(...)      RUN("mereau", 0, __VA_ARGS__, "--json")

#endif
