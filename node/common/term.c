#include "common/term.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "common/clock.h"

static enum term_color color_when = TERM_COLOR_AUTO;

void term_set_color(enum term_color when)
{
    color_when = when;
}

bool term_has_color(int fd)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (color_when != TERM_COLOR_AUTO)
        return color_when == TERM_COLOR_ALWAYS;
    return (no == NULL || no[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0 &&
           isatty(fd) == 1;
}

const char *term_style(int fd, enum term_style style)
{
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "\033[0m", [STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[31m",
        [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
    };
    return term_has_color(fd) ? sequences[style] : "";
}

bool term_is_utf8(void)
{
    return strcasecmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

size_t term_width(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* --- text --------------------------------------------------------------------------------------
 */

/* The next character of UTF-8 and how many bytes it takes; a byte that is none is 0xfffd. The
 * locale does not matter: our texts are UTF-8 wherever they are shown. */
static uint32_t next_char(const char *text, size_t *ret_bytes)
{
    const unsigned char *s = (const unsigned char *)text;
    const size_t more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : 1;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t c = s[0] & (0x3fu >> more);
    *ret_bytes = 1;
    if (s[0] < 0x80)
        return s[0];
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0xfffd;
    for (size_t i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0xfffd;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0xfffd;
    *ret_bytes = more + 1;
    return c;
}

size_t text_width(const char *text)
{
    size_t width = 0, bytes = 0;
    for (; *text != '\0'; text += bytes) {
        const uint32_t c = next_char(text, &bytes);
        const int columns = wcwidth((wchar_t)c);
        width += columns < 0 ? 1 : (size_t)columns;
    }
    return width;
}

/* Control characters, and those that reorder or hide text round them. */
static bool is_hostile(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfffd;
}

/* Length of a sequence that only sets colours, or 0. */
static size_t style_length(const char *text)
{
    if (text[0] != '\033' || text[1] != '[')
        return 0;
    const size_t len = 2 + strspn(text + 2, "0123456789;");
    return text[len] == 'm' ? len + 1 : 0;
}

static void clean(char *text, bool lines_and_styles)
{
    char *to = text;
    size_t bytes = 0;
    for (const char *at = text; *at != '\0'; at += bytes) {
        const uint32_t c = next_char(at, &bytes);
        const size_t style = lines_and_styles ? style_length(at) : 0;
        if (style > 0)
            bytes = style;
        if (style == 0 && is_hostile(c) && !(lines_and_styles && (c == '\n' || c == '\t'))) {
            *to++ = '?';
            continue;
        }
        memmove(to, at, bytes);
        to += bytes;
    }
    *to = '\0';
}

void text_clean(char *text)
{
    clean(text, false);
}

bool text_is_clean(const char *text)
{
    size_t bytes = 0;
    while (*text != '\0' && !is_hostile(next_char(text, &bytes)))
        text += bytes;
    return *text == '\0';
}

void text_cut(char *ret, size_t size, const char *text)
{
    size_t n = 0, bytes = 0;
    for (; text[n] != '\0'; n += bytes) {
        next_char(text + n, &bytes);
        if (n + bytes >= size)
            break;
    }
    memcpy(ret, text, n);
    ret[n] = '\0';
}

void text_tame(char *text)
{
    clean(text, true);
}

/* --- questions ---------------------------------------------------------------------------------
 */

static enum mr_status can_ask(const struct command *c, struct out *out, const char *question,
                              const char *hint)
{
    if (!c->no_input && isatty(STDIN_FILENO) == 1)
        return MR_OK;
    return out_fail(out, MR_USAGE, _("nobody can be asked \"%s\": %s"), question, hint);
}

enum mr_status term_ask(const struct command *c, struct out *out, char *ret, size_t cap,
                        const char *question)
{
    const enum mr_status st = can_ask(
        c, out, question,
        _("run it at a terminal and without --no-input, or see --help for an option that says it"));
    if (st != MR_OK)
        return st;
    fflush(stdout);
    fprintf(stderr, "%s ", question);
    fflush(stderr);
    char *line = NULL;
    size_t line_cap = 0;
    ssize_t n = getline(&line, &line_cap, stdin);
    if (n > 0 && line[n - 1] == '\n')
        line[--n] = '\0';
    if (n < 0 || (size_t)n >= cap) {
        free(line);
        return out_fail(out, MR_BAD_TEXT, n < 0 ? _("the input ended") : _("that is too long"));
    }
    memcpy(ret, line, (size_t)n + 1);
    free(line);
    return MR_OK;
}

enum mr_status term_confirm(const struct command *c, struct out *out, const char *question)
{
    static const char *const yes[] = {"y", "yes", "o", "oui"};
    char full[1024], answer[64] = "";
    if (c->yes)
        return MR_OK;
    enum mr_status st = can_ask(c, out, question, _("give --yes to agree beforehand"));
    if (st != MR_OK)
        return st;
    snprintf(full, sizeof full, "%s %s", question, _("[y/N]"));
    st = term_ask(c, out, answer, sizeof answer, full);
    if (st != MR_OK)
        return st;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (strcasecmp(answer, yes[i]) == 0)
            return MR_OK;
    return out_fail(out, MR_NOT_AUTHORISED, _("not done, as you wished"));
}

/* --- progress ----------------------------------------------------------------------------------
 */

enum { PROGRESS_QUIET_MS = 500, PROGRESS_DRAW_MS = 100, PROGRESS_BAR = 24 };

void progress_begin(struct progress *p, const struct command *c, const char *what, uint64_t total)
{
    const uint64_t now = clock_ms(CLOCK_MONOTONIC);
    *p = (struct progress){.what = what, .total = total, .start_ms = now, .drawn_ms = now};
    p->enabled = !c->quiet && !c->json && isatty(STDERR_FILENO) == 1;
}

/* "1:05:09", "0:42". */
static void duration_text(char *ret, size_t cap, uint64_t seconds)
{
    const unsigned long long h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;
    if (h > 0)
        snprintf(ret, cap, "%llu:%02llu:%02llu", h, m, s);
    else
        snprintf(ret, cap, "%llu:%02llu", m, s);
}

static void progress_show(struct progress *p, const char *line)
{
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    p->shown = true;
}

static void progress_draw(struct progress *p, uint64_t elapsed_ms)
{
    char bar[PROGRESS_BAR + 1], left[32] = "", line[512];
    const unsigned long long rate = p->done * 1000 / elapsed_ms;
    if (p->total > 0) {
        const uint64_t done = p->done < p->total ? p->done : p->total;
        const size_t full = (size_t)(done * PROGRESS_BAR / p->total);
        memset(bar, '#', full);
        memset(bar + full, '.', PROGRESS_BAR - full);
        bar[PROGRESS_BAR] = '\0';
        if (done > 0)
            duration_text(left, sizeof left, (p->total - done) * elapsed_ms / done / 1000);
        snprintf(line, sizeof line, _("%s [%s] %llu%%, %llu/s, %s left"), p->what, bar,
                 (unsigned long long)(done * 100 / p->total), rate, left[0] ? left : "?");
    } else {
        snprintf(line, sizeof line, _("%s: %llu, %llu/s"), p->what, (unsigned long long)p->done,
                 rate);
    }
    progress_show(p, text_width(line) < term_width(STDERR_FILENO) ? line : p->what);
}

/* Whether it is time to draw. */
static bool progress_due(struct progress *p, uint64_t now)
{
    if (!p->enabled || now - p->start_ms < PROGRESS_QUIET_MS ||
        now - p->drawn_ms < PROGRESS_DRAW_MS)
        return false;
    p->drawn_ms = now;
    return true;
}

void progress_update(struct progress *p, uint64_t done)
{
    const uint64_t now = clock_ms(CLOCK_MONOTONIC);
    p->done = done;
    if (progress_due(p, now))
        progress_draw(p, now - p->start_ms);
}

void progress_say(struct progress *p, const char *text)
{
    if (progress_due(p, clock_ms(CLOCK_MONOTONIC)))
        progress_show(p, text);
}

void progress_hide(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}

void progress_end(struct progress *p)
{
    progress_hide(p);
    p->enabled = false;
}
