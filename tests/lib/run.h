/** The wallet as people run it, in the test's directory: passphrase from the file "pass", outputs
 * in the files "stdout" and "stderr". Usable in Check tests only. */
#ifndef MEREAU_TESTS_RUN_H
#define MEREAU_TESTS_RUN_H

#include <sys/types.h>

enum { RUN_ARGS_MAX = 24 };

/** What the last command printed; never NULL. */
extern const char *run_out, *run_err;

/** Words up to NULL; --timeout=SECONDS is multiplied by PROC_PATIENCE, --timeout SECONDS is not. It
 *  dies with the test. */
pid_t run_start(const char *const *args);

/** Its exit code, or -1 when it was killed; then its output is read. */
int run_finish(pid_t pid);

/** Both. */
int run_mereau(const char *const *args);

/** Run with these words, up to NULL. */
int run_words(const char *first, ...) __attribute__((sentinel));

/** An exit code, with what the command said; a part of a text likewise. For Check tests. */
#define want_code(got, wanted)                                                                     \
    do {                                                                                           \
        const int got_code = (got);                                                                \
        if (got_code != (wanted))                                                                  \
            ck_abort_msg("exit code %d, not %d\nstdout: %s\nstderr: %s", got_code, (wanted),       \
                         run_out, run_err);                                                        \
    } while (0)

#define want_text(text, part)                                                                      \
    ck_assert_msg(strstr((text), (part)) != NULL, "no \"%s\"\nstdout: %s\nstderr: %s", (part),     \
                  run_out, run_err)

/** A field of the JSON object on the last line of run_out, "a.0.b", as text, until the next call;
 *  "" when there is none. */
const char *run_field(const char *path);

/** A file's content; the caller frees it. How often a text contains another. */
char *run_read(const char *name);
unsigned run_count(const char *text, const char *part);

/** Releases the outputs. */
void run_done(void);

#endif
