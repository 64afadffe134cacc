/** The wallet as people run it, in the test's directory: passphrase from the file "pass", outputs
 * in the files "stdout" and "stderr". Usable in Check tests only. */
#ifndef MEREAU_TESTS_RUN_H
#define MEREAU_TESTS_RUN_H

#include <sys/types.h>

enum { RUN_ARGS_MAX = 24 };

/** What the last command printed; never NULL. */
extern const char *run_out, *run_err;

/** Words up to NULL. It dies with the test. */
pid_t run_start(const char *const *args);

/** Its exit code, or -1 when it was killed; then its output is read. */
int run_finish(pid_t pid);

/** Both. */
int run_mereau(const char *const *args);

/** A field of the JSON object on the last line of run_out, "a.0.b", as text, until the next call;
 *  "" when there is none. */
const char *run_field(const char *path);

/** A file's content; the caller frees it. How often a text contains another. */
char *run_read(const char *name);
unsigned run_count(const char *text, const char *part);

/** Releases the outputs. */
void run_done(void);

#endif
