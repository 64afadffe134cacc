/** Programs under test: start, watch what they print, wait, end. Usable outside of Check too.
 *
 *  A program's two outputs are one stream of text, read by a thread of its own, so that it never
 *  waits for us. It dies with the thread that started it (PR_SET_PDEATHSIG). */
#ifndef MEREAU_TESTS_PROCS_H
#define MEREAU_TESTS_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The thread sanitizer makes the programs some ten times slower. */
#ifdef __SANITIZE_THREAD__
enum { PROC_PATIENCE = 6 };
#else
enum { PROC_PATIENCE = 1 };
#endif
enum { PROC_DEADLINE_MS = 30000 * PROC_PATIENCE };

struct proc;

/** argv[0] is a path; "NAME=value" words in front of it go into its environment. NULL: it could not
 *  be started. */
struct proc *proc_start(const char *const argv[]);

pid_t proc_pid(const struct proc *p);

/** Wait for a line that contains `what` among those printed since the start; the first such line is
 *  copied (ret may be NULL). False: it ended, or the deadline passed, without that line. */
bool proc_line(struct proc *p, char *ret, size_t cap, const char *what, int deadline_ms);

/** The text behind `key` in a line, up to the next blank: "port=" in "ready port=7 x=1" is "7". */
bool proc_field(char *ret, size_t cap, const char *line, const char *key);

/** All it printed so far (NUL-terminated, the caller frees it). */
char *proc_text(struct proc *p);

void proc_signal(struct proc *p, int number);

/** Wait for its end. The exit code; 256 + signal when one ended it; -1: it still runs. */
int proc_wait(struct proc *p, int deadline_ms);

/** Kills it if it runs, and forgets it. NULL is fine. */
void proc_end(struct proc *p);

#endif
