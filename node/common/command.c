#include "common/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/command_tables.h"
#include "common/secret.h"
#include "common/term.h"
#include "mereau/assert.h"

enum { TIMEOUT_SECONDS_MAX = 86400, OPTION_SHOWN_MAX = 127 };

/* --- parsing -----------------------------------------------------------------------------------
 */

struct parser {
    const struct program *program;
    struct command *c;
    struct out *out;
    int argc, at;
    char **argv;
    bool help, version;
};

static enum mr_status wrong_word(struct parser *p, const char *word, const char *nearest)
{
    out_text(p->out, "word", word);
    out_text(p->out, "nearest", nearest);
    return MR_USAGE;
}

static enum mr_status unknown_command(struct parser *p, const char *word)
{
    const char *names[256] = {NULL};
    size_t count = 0;
    for (const struct command_row *r = p->program->commands; r->name != NULL; r++)
        if (r->group != NULL && count < sizeof names / sizeof names[0])
            names[count++] = r->name;
    const char *nearest = nearest_name(word, names, count);
    if (nearest != NULL)
        out_fail(p->out, MR_USAGE, _("there is no command \"%s\"; did you mean \"%s\"?"), word,
                 nearest);
    else
        out_fail(p->out, MR_USAGE, _("there is no command \"%s\"; see \"%s --help\""), word,
                 p->program->name);
    return wrong_word(p, word, nearest);
}

static enum mr_status unknown_option(struct parser *p, const char *word)
{
    const char *names[256] = {NULL}, *nearest = NULL;
    const struct option_row *o;
    size_t count = 0;
    for (size_t i = 0; (o = command_option_at(p->program, p->c->row, i)) != NULL; i++)
        if (count < sizeof names / sizeof names[0])
            names[count++] = o->name;
    char name[OPTION_SHOWN_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    if (strncmp(name, "--", 2) == 0)
        nearest = nearest_name(name + 2, names, count);
    if (nearest != NULL)
        out_fail(p->out, MR_USAGE, _("there is no option %s; did you mean --%s?"), name, nearest);
    else
        out_fail(p->out, MR_USAGE, _("there is no option %s; see \"%s%s%s --help\""), name,
                 p->program->name, p->c->row != NULL && p->c->row->name[0] != '\0' ? " " : "",
                 p->c->row != NULL ? p->c->row->name : "");
    return wrong_word(p, name, nearest);
}

/* One of "auto|always|never"; an argument without bars takes any text. */
static bool choice_allows(const char *arg, const char *text)
{
    const size_t len = strlen(text);
    if (strchr(arg, '|') == NULL)
        return true;
    for (const char *at = arg;; at += strcspn(at, "|") + 1) {
        const size_t n = strcspn(at, "|");
        if (n == len && memcmp(at, text, n) == 0)
            return true;
        if (at[n] == '\0')
            return false;
    }
}

static enum mr_status take_value(struct parser *p, const struct option_row *o, const char *shown,
                                 const char *value)
{
    if (o->arg == NULL && value != NULL) {
        out_fail(p->out, MR_USAGE, _("option %s takes no value"), shown);
        return wrong_word(p, shown, NULL);
    }
    if (o->arg != NULL && value == NULL) {
        if (p->at + 1 >= p->argc) {
            out_fail(p->out, MR_USAGE, _("option %s needs a value: %s"), shown, _(o->arg));
            return wrong_word(p, shown, NULL);
        }
        value = p->argv[++p->at];
    }
    if (o->arg != NULL && !choice_allows(o->arg, value)) {
        out_fail(p->out, MR_USAGE, _("option %s takes one of %s, not \"%s\""), shown, o->arg,
                 value);
        return wrong_word(p, value, NULL);
    }
    p->c->values[p->c->value_count++] = (struct option_value){o, value};
    return MR_OK;
}

static enum mr_status take_option(struct parser *p)
{
    const char *word = p->argv[p->at];
    const bool is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : NULL;
    const size_t typed = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const size_t len = typed < OPTION_SHOWN_MAX ? typed : OPTION_SHOWN_MAX;
    const struct option_row *o;
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        p->help = true;
        return MR_OK;
    }
    if (strcmp(word, "--version") == 0) {
        p->version = true;
        return MR_OK;
    }
    char shown[OPTION_SHOWN_MAX + 1];
    snprintf(shown, sizeof shown, "%.*s", (int)len, word);
    for (size_t i = 0; (o = command_option_at(p->program, p->c->row, i)) != NULL; i++) {
        const bool match = is_long ? strcmp(o->name, shown + 2) == 0
                                   : len == 2 && o->letter != 0 && o->letter == word[1];
        if (match)
            return take_value(p, o, shown, equals != NULL ? equals + 1 : NULL);
    }
    return unknown_option(p, word);
}

static enum mr_status take_command(struct parser *p)
{
    size_t words = 0;
    const char *word = p->argv[p->at];
    const struct command_row *row = command_find(
        p->program, &words, (const char *const *)(p->argv + p->at), (size_t)(p->argc - p->at));
    if (row != NULL) {
        p->c->row = row;
        p->at += (int)words - 1;
        return MR_OK;
    }
    if (command_default(p->program) != NULL) {
        p->c->row = command_default(p->program);
        p->c->args[p->c->arg_count++] = word;
        return MR_OK;
    }
    if (!command_has_group(p->program, word))
        return unknown_command(p, word);
    const char *second = p->at + 1 < p->argc ? p->argv[p->at + 1] : "";
    if (strcmp(second, "-h") == 0 || strcmp(second, "--help") == 0) {
        command_group_help(p->out->results, p->program, word);
        return MR_ALREADY_DONE;
    }
    if (second[0] == '\0' || second[0] == '-') {
        out_fail(p->out, MR_USAGE, _("\"%s\" needs a second word; see \"%s %s --help\""), word,
                 p->program->name, word);
        return wrong_word(p, word, NULL);
    }
    char both[256];
    snprintf(both, sizeof both, "%s %s", word, second);
    return unknown_command(p, both);
}

static bool is_option(const char *word)
{
    /* "-" alone is a name for standard input, "-5" a (refused) amount. */
    return word[0] == '-' && word[1] != '\0' && !(word[1] >= '0' && word[1] <= '9');
}

static enum mr_status parse_words(struct parser *p)
{
    bool options = true;
    const struct command_row *const only = command_default(p->program);
    if (only == p->program->commands && only[1].name == NULL)
        p->c->row = only; /* its options may stand in front of its arguments */
    for (p->at = 1; p->at < p->argc; p->at++) {
        const char *word = p->argv[p->at];
        enum mr_status st = MR_OK;
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && is_option(word))
            st = take_option(p);
        else if (p->c->row == NULL)
            st = take_command(p);
        else
            p->c->args[p->c->arg_count++] = word;
        if (st != MR_OK)
            return st;
    }
    if (p->c->row == NULL)
        p->c->row = command_default(p->program);
    return MR_OK;
}

static enum mr_status check_count(struct parser *p)
{
    size_t min, max;
    const struct command *c = p->c;
    command_arg_bounds(c->row->args, &min, &max);
    if (c->arg_count >= min && c->arg_count <= max)
        return MR_OK;
    if (c->arg_count > max)
        out_fail(p->out, MR_USAGE, _("\"%s\" is one word too many"), c->args[max]);
    else
        out_fail(p->out, MR_USAGE, _("something is missing behind \"%s\""),
                 c->arg_count > 0          ? c->args[c->arg_count - 1]
                 : c->row->name[0] != '\0' ? c->row->name
                                           : p->program->name);
    command_usage(p->out->notes, p->program, c->row);
    fputc('\n', p->out->notes);
    return wrong_word(p, c->arg_count > max ? c->args[max] : NULL, NULL);
}

static enum mr_status take_common(struct command *c, struct out *out)
{
    int64_t seconds = COMMAND_TIMEOUT_MS / 1000;
    c->json = opt_flag(c, "json");
    c->quiet = opt_flag(c, "quiet");
    c->yes = opt_flag(c, "yes");
    c->no_input = opt_flag(c, "no-input");
    out->quiet = c->quiet;
    const char *color = opt_text(c, "color");
    if (color != NULL)
        term_set_color(strcmp(color, "always") == 0  ? TERM_COLOR_ALWAYS
                       : strcmp(color, "never") == 0 ? TERM_COLOR_NEVER
                                                     : TERM_COLOR_AUTO);
    const enum mr_status st = opt_int(c, out, &seconds, "timeout", 1, TIMEOUT_SECONDS_MAX);
    c->timeout_given = st == MR_OK;
    c->timeout_ms = (int)seconds * 1000;
    return st == MR_NOT_FOUND ? MR_OK : st;
}

/* --- running -----------------------------------------------------------------------------------
 */

/* What decides how errors of parsing are shown has to be known before parsing. */
static bool scan_json(int argc, char **argv, const char **ret_lang)
{
    bool json = false;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strncmp(argv[i], "--lang=", 7) == 0)
            *ret_lang = argv[i] + 7;
        else if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc)
            *ret_lang = argv[i + 1];
    }
    return json;
}

static enum mr_status run_parsed(struct parser *p)
{
    struct command *c = p->c;
    if (p->version) {
        printf("%s %s\n", p->program->name, MEREAU_VERSION);
        return MR_ALREADY_DONE;
    }
    if (p->help) {
        if (c->row != NULL && c->row->name[0] != '\0')
            command_help(stdout, p->program, c->row);
        else
            command_list_help(stdout, p->program);
        return MR_ALREADY_DONE;
    }
    if (c->row == NULL && p->argc == 1) {
        command_short_help(stdout, p->program);
        return MR_ALREADY_DONE;
    }
    if (c->row == NULL)
        return out_fail(p->out, MR_USAGE, _("no command is given; see \"%s --help\""),
                        p->program->name);
    enum mr_status st = check_count(p);
    if (st == MR_OK)
        st = take_common(c, p->out);
    if (st == MR_OK)
        c->row->run(c, p->out);
    return st;
}

static int end_of_help(struct out *out)
{
    /* Help is text also with --json. */
    out->json = false;
    return out_end(out);
}

static int run(const struct program *program, struct command *c, int argc, char **argv)
{
    struct out out;
    const char *lang = NULL;
    const bool json = scan_json(argc, argv, &lang);
    i18n_start(lang);
    out_begin(&out, program->name, json, false);
    struct parser p = {.program = program, .c = c, .out = &out, .argc = argc, .argv = argv};
    enum mr_status st = parse_words(&p);
    if (st == MR_OK || p.help)
        st = run_parsed(&p);
    return st == MR_ALREADY_DONE ? end_of_help(&out) : out_end(&out);
}

int command_main(const struct program *program, int argc, char **argv)
{
    secret_protect_process();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like others */
    if (argc == 3 && strcmp(argv[1], "--complete") == 0) {
        i18n_start(NULL);
        command_complete(stdout, program, argv[2]);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_HOST;
    }
    struct command c = {.program = program, .timeout_ms = COMMAND_TIMEOUT_MS};
    c.args = calloc((size_t)argc + 1, sizeof *c.args);
    c.values = calloc((size_t)argc + 1, sizeof *c.values);
    int code = EXIT_HOST;
    if (c.args != NULL && c.values != NULL)
        code = run(program, &c, argc, argv);
    free(c.args);
    free(c.values);
    return code;
}

/* --- what was given ----------------------------------------------------------------------------
 */

static bool is_declared(const struct command *c, const char *name)
{
    const struct option_row *o;
    for (size_t i = 0; (o = command_option_at(c->program, c->row, i)) != NULL; i++)
        if (strcmp(o->name, name) == 0)
            return true;
    return false;
}

size_t opt_count(const struct command *c, const char *name)
{
    size_t count = 0;
    mr_assert(is_declared(c, name));
    for (size_t i = 0; i < c->value_count; i++)
        count += strcmp(c->values[i].row->name, name) == 0;
    return count;
}

const char *opt_nth(const struct command *c, const char *name, size_t n)
{
    for (size_t i = 0; i < c->value_count; i++)
        if (strcmp(c->values[i].row->name, name) == 0 && n-- == 0)
            return c->values[i].text;
    return NULL;
}

bool opt_flag(const struct command *c, const char *name)
{
    return opt_count(c, name) > 0;
}

const char *opt_text(const struct command *c, const char *name)
{
    const size_t count = opt_count(c, name);
    return count > 0 ? opt_nth(c, name, count - 1) : NULL;
}

enum mr_status opt_int(const struct command *c, struct out *out, int64_t *ret, const char *name,
                       int64_t min, int64_t max)
{
    const char *text = opt_text(c, name);
    if (text == NULL)
        return MR_NOT_FOUND;
    if (number_parse(ret, text, min, max) == MR_OK)
        return MR_OK;
    out_text(out, "word", text);
    return out_fail(out, MR_USAGE,
                    _("option --%s takes a whole number from %lld to %lld, not \"%s\""), name,
                    (long long)min, (long long)max, text);
}

enum mr_status number_parse(int64_t *ret, const char *text, int64_t min, int64_t max)
{
    const char *digits = text + (text[0] == '-');
    char *end = NULL;
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return MR_BAD_TEXT;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || value < min || value > max)
        return MR_OUT_OF_RANGE;
    *ret = value;
    return MR_OK;
}

/* --- the nearest name --------------------------------------------------------------------------
 */

enum { NEAR_LEN_MAX = 63 };

static size_t least_of(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits between two words (insert, delete, replace, swap neighbours). */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t before[NEAR_LEN_MAX + 1], last[NEAR_LEN_MAX + 1], row[NEAR_LEN_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        before[j] = last[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            const size_t same = a[i - 1] != b[j - 1];
            row[j] = least_of(last[j] + 1, row[j - 1] + 1, last[j - 1] + same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        memcpy(before, last, sizeof before);
        memcpy(last, row, sizeof last);
    }
    return last[b_len];
}

const char *nearest_name(const char *word, const char *const *names, size_t count)
{
    const size_t len = strlen(word);
    const char *nearest = NULL;
    size_t best = len / 3 + 1;
    if (len == 0 || len > NEAR_LEN_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const size_t name_len = strlen(names[i]);
        if (name_len > NEAR_LEN_MAX)
            continue;
        const bool begins = len >= 2 && name_len > len && memcmp(names[i], word, len) == 0;
        const size_t d = begins ? 1 : distance(word, len, names[i], name_len);
        if (d < best || (d == best && nearest == NULL && d < len)) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
