/** The command line of all programs: a table of subcommands, each with a table of options.
 *
 *  Help, errors with the nearest known name, and completion come from the same tables. Options may
 *  stand anywhere, `--` ends them, no abbreviation is accepted. A word of digits behind a minus
 *  ("-5") is an argument, not an option. Names of commands may have two words ("receipt show"). */
#ifndef MEREAU_COMMON_COMMAND_H
#define MEREAU_COMMON_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/i18n.h"
#include "common/output.h"

enum { COMMAND_VALUES_MAX = 512, COMMAND_TIMEOUT_MS = 10000 };

/** One option; a table of them ends with a row whose name is NULL. Texts are marked with N_. */
struct option_row {
    const char *name; /* without the dashes */
    char letter;      /* short form, or 0 */
    const char *arg;  /* name of the argument for help, or NULL for a flag */
    const char *help;
};

struct command;

/** Does the work. Results and failures go through `out`; the exit code follows from them. */
typedef void command_fn(struct command *c, struct out *out);

/** One subcommand; a table of them ends with a row whose name is NULL. */
struct command_row {
    const char *name; /* one or two words; "" runs when the program has no subcommands */
    command_fn *run;
    const char *help;  /* one line, N_ */
    const char *group; /* heading in the list of commands, N_; NULL: not listed, not completed */
    const struct option_row *options; /* NULL: none of its own */
    const char *args;  /* "WHO AMOUNT [NOTE] [FILE...]": how many follows from it; NULL: none */
    const char *notes; /* paragraphs and examples below the options in --help, N_, or NULL */
};

struct program {
    const char *name;    /* as typed */
    const char *summary; /* one line, N_ */
    const struct command_row *commands;
    const struct option_row *options; /* of all its commands, beside the common ones; or NULL */
    const char *first; /* the commands most people want, for short help: "pay balance history" */
    /* Live words for completion, one a line to `f`: of an option's argument (`option` set), or of
     * the next positional argument (`option` NULL, `position` from 0). May be NULL. */
    void (*complete)(const struct command_row *row, const char *option, size_t position, FILE *f);
};

/** A parsed command line. Texts point into argv. */
struct command {
    const struct program *program;
    const struct command_row *row;
    size_t arg_count;
    const char **args; /* positional arguments; args[arg_count] is NULL */
    bool json, quiet, yes, no_input;
    bool timeout_given;
    int timeout_ms; /* --timeout, or COMMAND_TIMEOUT_MS */
    size_t value_count;
    struct option_value {
        const struct option_row *row;
        const char *text; /* NULL for a flag */
    } * values;
};

/** Parse, run, print; returns the process's exit code. Starts languages and process protection
 *  (secret.h) as well, so it is the whole of a main(). */
int command_main(const struct program *program, int argc, char **argv);

/** Whether a flag or an option with argument was given. */
bool opt_flag(const struct command *c, const char *name);

/** The last value given, or NULL. */
const char *opt_text(const struct command *c, const char *name);

/** How often an option was given, and its value number n (from 0, in order). */
size_t opt_count(const struct command *c, const char *name);
const char *opt_nth(const struct command *c, const char *name, size_t n);

/** The option's whole number. MR_OK (*ret set), MR_NOT_FOUND (not given, *ret untouched: preset it
 *  with the default), MR_USAGE after out_fail() when it is not a number within the bounds. */
enum mr_status opt_int(const struct command *c, struct out *out, int64_t *ret, const char *name,
                       int64_t min, int64_t max);

/** A whole number from text: optional minus, digits only, within the bounds. MR_OK, MR_BAD_TEXT
 *  (not a number), MR_OUT_OF_RANGE. *ret is untouched on failure. */
enum mr_status number_parse(int64_t *ret, const char *text, int64_t min, int64_t max);

/** The known name that a mistyped one is nearest to, or NULL when none is near. names[count]. */
const char *nearest_name(const char *word, const char *const *names, size_t count);

#endif
