#include <stdlib.h>
#include <string.h>

#include "common/command_tables.h"
#include "common/term.h"

const struct option_row command_common_options[] = {
    {"json", 0, NULL, N_("print one JSON object instead of text")},
    {"quiet", 'q', NULL, N_("print results and errors only")},
    {"yes", 0, NULL, N_("agree to what would be asked")},
    {"no-input", 0, NULL, N_("never ask; fail instead")},
    {"color", 0, "auto|always|never", N_("colours (NO_COLOR is honoured)")},
    {"lang", 0, "fr|en", N_("language of texts for people")},
    {"timeout", 0, N_("SECONDS"), N_("how long to wait for an answer")},
    {"help", 'h', NULL, N_("show this help")},
    {"version", 0, NULL, N_("show the version")},
    {NULL, 0, NULL, NULL},
};

/* --- looking up --------------------------------------------------------------------------------
 */

const struct option_row *command_option_at(const struct program *p, const struct command_row *row,
                                           size_t i)
{
    const struct option_row *const tables[] = {row != NULL ? row->options : NULL, p->options,
                                               command_common_options};
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (const struct option_row *o = tables[t]; o != NULL && o->name != NULL; o++)
            if (i-- == 0)
                return o;
    return NULL;
}

/* Whether a command's name of two words begins with this word. */
static bool begins_with_word(const char *name, const char *word)
{
    const size_t len = strlen(word);
    return strncmp(name, word, len) == 0 && name[len] == ' ';
}

const struct command_row *command_find(const struct program *p, size_t *ret_words,
                                       const char *const *words, size_t count)
{
    const struct command_row *found = NULL;
    for (const struct command_row *r = p->commands; r->name != NULL; r++) {
        if (count > 1 && begins_with_word(r->name, words[0]) &&
            strcmp(r->name + strlen(words[0]) + 1, words[1]) == 0) {
            *ret_words = 2;
            return r;
        }
        if (r->name[0] != '\0' && strcmp(r->name, words[0]) == 0) {
            *ret_words = 1;
            found = r;
        }
    }
    return found;
}

bool command_has_group(const struct program *p, const char *word)
{
    for (const struct command_row *r = p->commands; r->name != NULL; r++)
        if (begins_with_word(r->name, word))
            return true;
    return false;
}

const struct command_row *command_default(const struct program *p)
{
    for (const struct command_row *r = p->commands; r->name != NULL; r++)
        if (r->name[0] == '\0')
            return r;
    return NULL;
}

void command_arg_bounds(const char *args, size_t *ret_min, size_t *ret_max)
{
    *ret_min = *ret_max = 0;
    for (const char *at = args != NULL ? args : ""; *at != '\0'; at += strspn(at, " ")) {
        const size_t len = strcspn(at, " ");
        *ret_min += at[0] != '[';
        *ret_max = memmem(at, len, "...", 3) != NULL ? SIZE_MAX : *ret_max + 1;
        at += len;
    }
}

/* --- help --------------------------------------------------------------------------------------
 */

void command_usage(FILE *f, const struct program *p, const struct command_row *row)
{
    const char *space = row->name[0] != '\0' ? " " : "";
    fprintf(f, _("usage: %s%s%s [options]"), p->name, space, row->name);
    if (row->args != NULL)
        fprintf(f, " %s", _(row->args));
}

/* Left column padded to `left` columns, as a terminal shows it. */
static void help_line(FILE *f, const char *name, const char *text, size_t left)
{
    const size_t width = text_width(name);
    fprintf(f, "  %s%*s  %s\n", name, width < left ? (int)(left - width) : 0, "", text);
}

static void option_names(char *ret, size_t cap, const struct option_row *o)
{
    char letter[8] = "    ";
    if (o->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    const bool choice = o->arg != NULL && strchr(o->arg, '|') != NULL;
    snprintf(ret, cap, "%s--%s%s%s", letter, o->name,
             o->arg == NULL ? ""
             : choice       ? "="
                            : " ",
             o->arg == NULL ? ""
             : choice       ? o->arg
                            : _(o->arg));
}

static void options_help(FILE *f, const char *heading, const struct option_row *options)
{
    char names[128];
    size_t left = 0;
    if (options == NULL || options->name == NULL)
        return;
    fprintf(f, "\n%s%s%s\n", term_style(1, STYLE_BOLD), heading, term_style(1, STYLE_PLAIN));
    for (const struct option_row *o = options; o->name != NULL; o++) {
        option_names(names, sizeof names, o);
        const size_t width = text_width(names);
        left = width > left ? width : left;
    }
    for (const struct option_row *o = options; o->name != NULL; o++) {
        option_names(names, sizeof names, o);
        help_line(f, names, _(o->help), left);
    }
}

void command_help(FILE *f, const struct program *p, const struct command_row *row)
{
    command_usage(f, p, row);
    fprintf(f, "\n\n%s\n", _(row->help));
    options_help(f, _("Options"), row->options);
    options_help(f, _("Options of all commands"), p->options);
    options_help(f, p->options != NULL ? _("Common options") : _("Options of all commands"),
                 command_common_options);
    if (row->notes != NULL)
        fprintf(f, "\n%s\n", _(row->notes));
}

static size_t name_column(const struct program *p)
{
    size_t left = 0;
    for (const struct command_row *r = p->commands; r->name != NULL; r++)
        if (r->group != NULL && strlen(r->name) > left)
            left = strlen(r->name);
    return left;
}

void command_group_help(FILE *f, const struct program *p, const char *word)
{
    for (const struct command_row *r = p->commands; r->name != NULL; r++)
        if (r->group != NULL && begins_with_word(r->name, word))
            help_line(f, r->name, _(r->help), name_column(p));
}

/* Commands of one heading stand together, in the order of the first of each. */
static bool is_first_of_group(const struct program *p, const struct command_row *row)
{
    for (const struct command_row *r = p->commands; r != row; r++)
        if (r->group != NULL && strcmp(r->group, row->group) == 0)
            return false;
    return true;
}

static void list_commands(FILE *f, const struct program *p)
{
    const size_t left = name_column(p);
    for (const struct command_row *g = p->commands; g->name != NULL; g++) {
        if (g->group == NULL || g->name[0] == '\0' || !is_first_of_group(p, g))
            continue;
        fprintf(f, "\n%s%s%s\n", term_style(1, STYLE_BOLD), _(g->group),
                term_style(1, STYLE_PLAIN));
        for (const struct command_row *r = g; r->name != NULL; r++)
            if (r->group != NULL && strcmp(r->group, g->group) == 0)
                help_line(f, r->name, _(r->help), left);
    }
}

void command_list_help(FILE *f, const struct program *p)
{
    const struct command_row *only = command_default(p);
    if (only != NULL)
        command_usage(f, p, only);
    else
        fprintf(f, _("usage: %s COMMAND [options]"), p->name);
    fprintf(f, "\n\n%s\n", _(p->summary));
    list_commands(f, p);
    if (only != NULL)
        options_help(f, _("Options"), only->options);
    options_help(f, _("Options of all commands"), p->options);
    options_help(f, p->options != NULL ? _("Common options") : _("Options of all commands"),
                 command_common_options);
    if (only != NULL && only->notes != NULL)
        fprintf(f, "\n%s\n", _(only->notes));
    else if (only == NULL)
        fprintf(f, _("\n\"%s COMMAND --help\" tells more about a command.\n"), p->name);
}

void command_short_help(FILE *f, const struct program *p)
{
    fprintf(f, "%s: %s\n\n", p->name, _(p->summary));
    for (const char *at = p->first != NULL ? p->first : ""; *at != '\0'; at += strspn(at, " ")) {
        const size_t len = strcspn(at, " ");
        for (const struct command_row *r = p->commands; r->name != NULL; r++) {
            char line[256];
            if (strlen(r->name) != len || memcmp(r->name, at, len) != 0)
                continue;
            snprintf(line, sizeof line, "%s %s %s", p->name, r->name,
                     r->args != NULL ? _(r->args) : "");
            help_line(f, line, _(r->help), 36);
        }
        at += len;
    }
    fprintf(f, _("\n\"%s --help\" lists all commands.\n"), p->name);
}

/* --- completion --------------------------------------------------------------------------------
 */

enum { COMPLETE_WORDS_MAX = 64, COMPLETE_LINE_MAX = 4096 };

struct completion {
    FILE *f;
    const struct program *p;
    const struct command_row *row;
    const char *partial; /* the word that is being written */
    const char *group;   /* the first word of a command whose second one is not written yet */
    const char *words[COMPLETE_WORDS_MAX];
    size_t word_count; /* before the partial one */
};

static void offer(struct completion *c, const char *before, const char *word, const char *help)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", before, word);
    if (strncmp(full, c->partial, strlen(c->partial)) == 0)
        fprintf(c->f, "%s\t%s\n", full, help != NULL ? help : "");
}

static void offer_live(struct completion *c, const char *option, size_t position)
{
    char *lines = NULL, *rest = NULL;
    size_t len = 0;
    if (c->p->complete == NULL)
        return;
    FILE *f = open_memstream(&lines, &len);
    if (f == NULL)
        return;
    c->p->complete(c->row, option, position, f);
    if (fclose(f) == 0)
        for (char *l = strtok_r(lines, "\n", &rest); l != NULL; l = strtok_r(NULL, "\n", &rest))
            offer(c, "", l, NULL);
    free(lines);
}

static void offer_choices(struct completion *c, const char *before, const char *choices)
{
    for (const char *at = choices;; at += strcspn(at, "|") + 1) {
        char word[64];
        const size_t n = strcspn(at, "|");
        snprintf(word, sizeof word, "%.*s", (int)n, at);
        offer(c, before, word, NULL);
        if (at[n] == '\0')
            return;
    }
}

static void offer_commands(struct completion *c)
{
    const struct command_row *last = NULL;
    for (const struct command_row *r = c->p->commands; r->name != NULL; r++) {
        const char *space = strchr(r->name, ' ');
        char first[64];
        if (r->group == NULL || r->name[0] == '\0')
            continue;
        if (c->group != NULL) {
            if (begins_with_word(r->name, c->group))
                offer(c, "", space + 1, _(r->help));
            continue;
        }
        snprintf(first, sizeof first, "%.*s", (int)strcspn(r->name, " "), r->name);
        const bool again = last != NULL && space != NULL &&
                           (begins_with_word(last->name, first) || strcmp(last->name, first) == 0);
        if (!again)
            offer(c, "", first, space == NULL ? _(r->help) : NULL);
        last = r;
    }
}

/* A command may begin the name of others: their second words stand beside its own arguments. */
static void offer_arguments(struct completion *c, size_t position)
{
    if (position == 0 && c->row->name[0] != '\0' && command_has_group(c->p, c->row->name)) {
        c->group = c->row->name;
        offer_commands(c);
    }
    offer_live(c, NULL, position);
}

static const struct option_row *option_of(const struct completion *c, const char *word)
{
    const struct option_row *o;
    const size_t len = strcspn(word, "=");
    for (size_t i = 0; (o = command_option_at(c->p, c->row, i)) != NULL; i++) {
        if (strncmp(word, "--", 2) == 0 && strlen(o->name) == len - 2 &&
            memcmp(o->name, word + 2, len - 2) == 0)
            return o;
        if (o->letter != 0 && word[0] == '-' && word[1] == o->letter && word[2] == '\0')
            return o;
    }
    return NULL;
}

static void offer_options(struct completion *c)
{
    const struct option_row *o;
    const char *equals = strchr(c->partial, '=');
    if (equals != NULL) {
        char before[128];
        o = option_of(c, c->partial);
        snprintf(before, sizeof before, "%.*s", (int)(equals + 1 - c->partial), c->partial);
        if (o != NULL && o->arg != NULL && strchr(o->arg, '|') != NULL)
            offer_choices(c, before, o->arg);
        return;
    }
    for (size_t i = 0; (o = command_option_at(c->p, c->row, i)) != NULL; i++)
        offer(c, "--", o->name, _(o->help));
}

/* Counts positional arguments; returns the option whose value is being written, or NULL. */
static const struct option_row *scan_words(struct completion *c, size_t *ret_position)
{
    const struct option_row *waiting = NULL;
    for (size_t i = 0; i < c->word_count; i++) {
        const char *word = c->words[i];
        if (waiting != NULL) {
            waiting = NULL;
        } else if (word[0] == '-' && word[1] != '\0') {
            const struct option_row *o = option_of(c, word);
            waiting = o != NULL && o->arg != NULL && strchr(word, '=') == NULL ? o : NULL;
        } else if (c->row == NULL) {
            size_t taken = 0;
            c->row = command_find(c->p, &taken, c->words + i, c->word_count - i);
            if (c->row != NULL)
                i += taken - 1;
            else
                c->group = word;
        } else {
            ++*ret_position;
        }
    }
    return waiting;
}

void command_complete(FILE *f, const struct program *p, const char *line)
{
    char text[COMPLETE_LINE_MAX], *rest = NULL;
    struct completion c = {.f = f, .p = p, .partial = ""};
    const size_t len = strlen(line);
    size_t position = 0;
    if (len >= sizeof text)
        return;
    memcpy(text, line, len + 1);
    for (char *w = strtok_r(text, " ", &rest); w != NULL && c.word_count < COMPLETE_WORDS_MAX;
         w = strtok_r(NULL, " ", &rest))
        c.words[c.word_count++] = w;
    if (c.word_count > 0 && line[len - 1] != ' ')
        c.partial = c.words[--c.word_count];
    const struct option_row *waiting = scan_words(&c, &position);
    if (c.row == NULL)
        c.row = command_default(p);
    if (waiting != NULL && strchr(waiting->arg, '|') != NULL)
        offer_choices(&c, "", waiting->arg);
    else if (waiting != NULL)
        offer_live(&c, waiting->name, 0);
    else if (c.partial[0] == '-')
        offer_options(&c);
    else if (c.row == NULL || (c.row->name[0] == '\0' && c.word_count == 0))
        offer_commands(&c);
    else
        offer_arguments(&c, position);
}
