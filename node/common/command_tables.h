/** Inside of command.h: looking things up in the tables. */
#ifndef MEREAU_COMMON_COMMAND_TABLES_H
#define MEREAU_COMMON_COMMAND_TABLES_H

#include "common/command.h"

extern const struct option_row command_common_options[];

/** Rows of all options that count for a command (row NULL: those of every command), one after the
 *  other: start with i = 0; NULL at the end. */
const struct option_row *command_option_at(const struct program *p, const struct command_row *row,
                                           size_t i);

/** The command that begins at words[0], and how many words its name takes; NULL when none does. */
const struct command_row *command_find(const struct program *p, size_t *ret_words,
                                       const char *const *words, size_t count);

/** Whether some command's name is `word` and another word. */
bool command_has_group(const struct program *p, const char *word);

/** The row that runs without a subcommand, or NULL. */
const struct command_row *command_default(const struct program *p);

/** How many positional arguments a usage text asks for. */
void command_arg_bounds(const char *args, size_t *ret_min, size_t *ret_max);

/** Help to f: of one command, of the commands that begin with `word`, or of all. */
void command_help(FILE *f, const struct program *p, const struct command_row *row);
void command_group_help(FILE *f, const struct program *p, const char *word);
void command_list_help(FILE *f, const struct program *p);
void command_short_help(FILE *f, const struct program *p);

/** "usage: mereau pay [options] WHO AMOUNT" without the end of the line. */
void command_usage(FILE *f, const struct program *p, const struct command_row *row);

/** Words that can follow a partial command line, one a line, help behind a tab. */
void command_complete(FILE *f, const struct program *p, const char *line);

#endif
