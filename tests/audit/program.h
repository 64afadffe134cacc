/** mereau-audit as a process: directories as nodes leave them, what it prints, its JSON. */
#ifndef MEREAU_TESTS_AUDIT_PROGRAM_H
#define MEREAU_TESTS_AUDIT_PROGRAM_H

#include <jansson.h>

#include "audit/story.h"
#include "lib/ring.h"
#include "lib/scratch.h"

struct lie;

/** Scratch directory that everything below is about; made and removed by the test. */
extern char program_dir[SCRATCH_PATH_MAX];

/** A charter file; a journal in a data directory that exists. Names within program_dir. */
void program_charter(const struct mr_charter *charter, const char *name);
void program_journal(const struct book *book, const uint8_t ledger[32], uint32_t node,
                     const char *name);

/** Both in a data directory that is made. */
void program_directory(const struct book *book, const struct mr_charter *charter, uint32_t node,
                       const char *name);
/** The same of the book's first turns only. */
void program_part(struct book *book, const struct mr_charter *charter, uint32_t turns,
                  const char *name);
/** The story's ledger and book, with program_dir made and a data directory of them. */
void program_story(struct world *w, struct book *ret);
/** Its journal is now that of this lie of the list, and so is the book. */
void program_lie(struct world *w, struct book *book, const struct lie *lies, const char *name);
/** Directories "node1", ... with the books of a ring's nodes. */
void program_nodes(const struct ring *r);
/** That of node 1 which lets three others in: they join, and each hands in a payment. */
void program_joined(struct ring *r);

/** What the last run printed to stdout; of program_shell: all it printed. */
extern char program_output[1 << 20];

/** Arguments in the shell, in program_dir. The exit code. */
int program_run(const char *arguments);
/** What it wrote to its standard error. */
const char *program_trouble(void);
/** It holds these words. ck_asserts. */
void program_said(const char *words);
/** Another command of the shell there. */
int program_shell(const char *command);
/** As program_run; ck_asserts the exit code and that one object was printed, which the caller puts
 * away.
 */
json_t *program_json(const char *arguments, int code);

/** Fields that must be there. */
json_int_t json_number(const json_t *o, const char *name);
const char *json_words(const json_t *o, const char *name);

#endif
