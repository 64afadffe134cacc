/** The terminal: questions, colours, progress. */
#ifndef MEREAU_COMMON_TERM_H
#define MEREAU_COMMON_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/command.h"
#include "mereau/status.h"

/** --color=auto|always|never, set by command_main(). Auto: a terminal, no NO_COLOR, TERM not
 *  "dumb". */
enum term_color { TERM_COLOR_AUTO, TERM_COLOR_ALWAYS, TERM_COLOR_NEVER };
void term_set_color(enum term_color when);

enum term_style { STYLE_PLAIN, STYLE_GOOD, STYLE_BAD, STYLE_BOLD, STYLE_DIM };

/** Escape sequence that starts a style on this descriptor; "" without colours. Static storage.
 *  STYLE_PLAIN ends any style. */
const char *term_style(int fd, enum term_style style);

bool term_has_color(int fd);

/** Whether the locale shows UTF-8. */
bool term_is_utf8(void);

/** Columns of the terminal on fd, or 80. */
size_t term_width(int fd);

/** Columns that a text takes on a terminal. */
size_t text_width(const char *text);

/** Text from outside made harmless in place: control characters, marks that reorder text, and bytes
 *  that are no UTF-8 become '?'. For single fields: names, memos. */
void text_clean(char *text);

/** Whether text_clean() would leave it as it is. */
bool text_is_clean(const char *text);

/** As much of a text as ret holds (size bytes with the NUL), without a part of a character. */
void text_cut(char *ret, size_t size, const char *text);

/** As text_clean(), but newlines, tabs and styles stay: what out_print() does to all it prints. */
void text_tame(char *text);

/** Ask yes or no on the terminal; the answer "no" is the default. `question` is translated.
 *  MR_OK: yes (or --yes). MR_NOT_AUTHORISED: no, reported. MR_USAGE: nobody can be asked (no
 * terminal or --no-input), reported with the hint to give --yes. */
enum mr_status term_confirm(const struct command *c, struct out *out, const char *question);

/** Ask for a line, without its end; ret holds cap bytes. MR_OK, or reported: MR_USAGE (nobody can
 *  be asked), MR_BAD_TEXT (too long, or the input ended). */
enum mr_status term_ask(const struct command *c, struct out *out, char *ret, size_t cap,
                        const char *question);

/** A progress bar on stderr with rate and time left. Shown only on a terminal, without --quiet and
 *  --json, and only once it has run for half a second. */
struct progress {
    bool shown, enabled;
    const char *what; /* translated; borrowed */
    uint64_t total, done;
    uint64_t start_ms, drawn_ms;
};

/** total 0: not known, a count is shown. */
void progress_begin(struct progress *p, const struct command *c, const char *what, uint64_t total);

/** done so far; redraws at most ten times a second. Cheap enough for every item. */
void progress_update(struct progress *p, uint64_t done);

/** The same with a line of text (translated) in place of a bar. */
void progress_say(struct progress *p, const char *text);

/** Removes the bar until the next update: before something else is printed. */
void progress_hide(struct progress *p);

/** Removes the bar. */
void progress_end(struct progress *p);

#endif
