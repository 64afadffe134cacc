#include "common/config.h"

#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/file.h"
#include "common/hostport.h"
#include "common/i18n.h"
#include "common/term.h"
#include "mereau/assert.h"

enum { ROWS_MAX = 128, LINE_MAX_BYTES = 190, SENTENCE_MAX = 512, VALUE_MAX = 64 };

struct reading {
    void *values;
    const struct config_row *rows;
    size_t count;
    const char *file;
    unsigned line; /* of what inih hands over */
    const char *at, *end;
    config_error_fn *report;
    void *user;
    unsigned errors;
    unsigned set_in[ROWS_MAX]; /* line that set a row, or 0 */
};

static void complain(struct reading *r, const char *format, ...) OUT_PRINTF(2, 3);

static void complain(struct reading *r, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    text_clean(sentence);
    if (r->errors++ < CONFIG_ERRORS_MAX)
        r->report(r->user, r->file, r->line, sentence);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool has_control(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)line[i] < ' ' && !is_blank(line[i])) || line[i] == 0x7f)
            return true;
    return false;
}

/* --- values ------------------------------------------------------------------------------------
 */

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first, so that a value is printed with the largest that divides it. */
static const struct unit byte_units[] = {
    {"GiB", INT64_C(1) << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {NULL, 0}};
static const struct unit duration_units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000},
                                             {"s", 1000},     {"ms", 1},      {NULL, 0}};

static const struct unit *units_of(const struct config_row *row)
{
    return row->type == CONFIG_BYTES      ? byte_units
           : row->type == CONFIG_DURATION ? duration_units
                                          : NULL;
}

static void print_number(char ret[VALUE_MAX], const struct config_row *row, int64_t value)
{
    const struct unit *u = units_of(row);
    while (u != NULL && u[1].name != NULL && (value == 0 || value % u->factor != 0))
        u++;
    snprintf(ret, VALUE_MAX, "%lld%s", (long long)(u != NULL ? value / u->factor : value),
             u != NULL ? u->name : "");
}

static bool out_of_range(struct reading *r, const struct config_row *row, const char *text)
{
    char min[VALUE_MAX], max[VALUE_MAX];
    print_number(min, row, row->min);
    print_number(max, row, row->max);
    complain(r, _("\"%s\" is out of range: %s goes from %s to %s"), text, row->key, min, max);
    return false;
}

static bool set_number(struct reading *r, const struct config_row *row, const char *text)
{
    const struct unit *u = units_of(row);
    char digits[VALUE_MAX];
    int64_t value = 0, factor = 1;
    size_t len = strlen(text);
    if (u != NULL) {
        len = strspn(text, "0123456789");
        const char *name = text + len + strspn(text + len, " ");
        while (u->name != NULL && strcmp(u->name, name) != 0)
            u++;
        if (len == 0 || u->name == NULL) {
            complain(r,
                     row->type == CONFIG_BYTES
                         ? _("\"%s\" needs a whole number and a unit: B, KiB, MiB or GiB")
                         : _("\"%s\" needs a whole number and a unit: ms, s, min, h or d"),
                     text);
            return false;
        }
        factor = u->factor;
    }
    if (len >= sizeof digits)
        return out_of_range(r, row, text);
    memcpy(digits, text, len);
    digits[len] = '\0';
    const enum mr_status st = number_parse(&value, digits, INT64_MIN, INT64_MAX / factor);
    if (st == MR_BAD_TEXT) {
        complain(r, _("\"%s\" is not a whole number"), text);
        return false;
    }
    if (st != MR_OK || value * factor < row->min || value * factor > row->max)
        return out_of_range(r, row, text);
    value *= factor;
    memcpy((char *)r->values + row->offset, &value, sizeof value);
    return true;
}

static bool set_bool(struct reading *r, const struct config_row *row, const char *text)
{
    static const char *const words[2][3] = {{"no", "false", "off"}, {"yes", "true", "on"}};
    for (size_t value = 0; value < 2; value++) {
        for (size_t i = 0; i < 3; i++) {
            if (strcmp(words[value][i], text) == 0) {
                *(bool *)((char *)r->values + row->offset) = value == 1;
                return true;
            }
        }
    }
    complain(r, _("\"%s\" is neither yes nor no"), text);
    return false;
}

static bool set_text(struct reading *r, const struct config_row *row, const char *text)
{
    struct hostport parsed;
    const size_t len = strlen(text);
    const size_t max = (uint64_t)row->max < row->size ? (size_t)row->max : row->size - 1;
    if (len < (size_t)row->min || len > max) {
        complain(r, _("%s has %lld to %zu bytes, \"%s\" has %zu"), row->key, (long long)row->min,
                 max, text, len);
        return false;
    }
    if (has_control(text, len)) {
        complain(r, _("%s has control characters"), row->key);
        return false;
    }
    if (text[0] == '"' || text[0] == '\'') {
        complain(r, _("%s is written without quotes"), row->key);
        return false;
    }
    if (row->type == CONFIG_ADDRESS && len > 0 && hostport_parse(&parsed, text) != MR_OK) {
        complain(r, _("\"%s\" is not an address: write host:port or [v6 address]:port"), text);
        return false;
    }
    char *to = (char *)r->values + row->offset;
    memset(to, 0, row->size);
    memcpy(to, text, len);
    return true;
}

static bool set_value(struct reading *r, const struct config_row *row, const char *text)
{
    switch (row->type) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_ADDRESS:
        return set_text(r, row, text);
    case CONFIG_INT:
    case CONFIG_BYTES:
    case CONFIG_DURATION:
        mr_assert(row->size == sizeof(int64_t));
        return set_number(r, row, text);
    case CONFIG_BOOL:
        mr_assert(row->size == sizeof(bool));
        return set_bool(r, row, text);
    }
    mr_bug("config type");
}

/* --- names -------------------------------------------------------------------------------------
 */

static bool has_section(const struct reading *r, const char *section)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->rows[i].section, section) == 0)
            return true;
    return false;
}

static void unknown_section(struct reading *r, const char *section)
{
    const char *names[ROWS_MAX] = {NULL};
    for (size_t i = 0; i < r->count; i++)
        names[i] = r->rows[i].section;
    const char *nearest = nearest_name(section, names, r->count);
    if (section[0] == '\0')
        complain(r, _("a setting stands in front of the first [section]"));
    else if (nearest != NULL)
        complain(r, _("there is no section [%s]; did you mean [%s]?"), section, nearest);
    else
        complain(r, _("there is no section [%s]"), section);
}

static void unknown_key(struct reading *r, const char *section, const char *key)
{
    const char *names[ROWS_MAX] = {NULL}, *elsewhere = NULL;
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->rows[i].section, section) == 0)
            names[count++] = r->rows[i].key;
        else if (strcmp(r->rows[i].key, key) == 0)
            elsewhere = r->rows[i].section;
    }
    const char *nearest = nearest_name(key, names, count);
    if (elsewhere != NULL)
        complain(r, _("\"%s\" belongs to section [%s], not [%s]"), key, elsewhere, section);
    else if (nearest != NULL)
        complain(r, _("there is no setting \"%s\" in [%s]; did you mean \"%s\"?"), key, section,
                 nearest);
    else
        complain(r, _("there is no setting \"%s\" in [%s]"), key, section);
}

static const struct config_row *find_row(const struct reading *r, const char *section,
                                         const char *key)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->rows[i].section, section) == 0 && strcmp(r->rows[i].key, key) == 0)
            return &r->rows[i];
    return NULL;
}

/* What inih calls with each setting. It goes on whatever is returned; errors are counted here. */
static int take_setting(void *user, const char *section, const char *key, const char *value)
{
    struct reading *r = user;
    const struct config_row *row = find_row(r, section, key);
    if (!has_section(r, section)) {
        unknown_section(r, section);
    } else if (row == NULL) {
        unknown_key(r, section, key);
    } else if (r->set_in[row - r->rows] != 0) {
        complain(r, _("\"%s\" was set before, in line %u"), key, r->set_in[row - r->rows]);
    } else {
        r->set_in[row - r->rows] = r->line;
        set_value(r, row, value);
    }
    return 1;
}

/* --- lines -------------------------------------------------------------------------------------
 */

/* Where a line's comment begins: at its start, or behind a blank. */
static size_t comment_at(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((line[i] == '#' || line[i] == ';') && (i == 0 || is_blank(line[i - 1])))
            return i;
    return len;
}

/* inih forgives much that is more likely a mistake; so lines are judged before it sees them. */
static bool is_well_formed(struct reading *r, const char *line, size_t len)
{
    if (len == 0)
        return true;
    if (has_control(line, len)) {
        complain(r, _("the line has control characters"));
        return false;
    }
    if (len > LINE_MAX_BYTES) {
        complain(r, _("the line is longer than %d bytes"), LINE_MAX_BYTES);
        return false;
    }
    if (line[0] == '[') {
        if (line[len - 1] == ']' && len > 2 && memchr(line, ']', len) == line + len - 1)
            return true;
        complain(r, _("a section is written [name], alone in its line"));
        return false;
    }
    size_t name = 0; /* the text need not end with NUL */
    while (name < len && line[name] != '=' && line[name] != ':')
        name++;
    if (line[0] != '=' && name < len && line[name] == '=')
        return true;
    complain(r, _("\"%.*s\" is not of the form key = value"), (int)len, line);
    return false;
}

/* The reader inih asks for each line: without comment and surrounding blanks, or empty when it is
 * wrong. So no line continues another. */
static char *next_line(char *ret, int cap, void *user)
{
    struct reading *r = user;
    if (r->at == r->end)
        return NULL;
    const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
    const char *line = r->at;
    const char *stop = newline != NULL ? newline : r->end;
    r->at = newline != NULL ? newline + 1 : r->end;
    r->line++;
    while (line < stop && is_blank(*line))
        line++;
    size_t len = comment_at(line, (size_t)(stop - line));
    while (len > 0 && is_blank(line[len - 1]))
        len--;
    mr_assert(cap > LINE_MAX_BYTES + 2);
    if (!is_well_formed(r, line, len))
        len = 0;
    memcpy(ret, line, len);
    memcpy(ret + len, "\n", 2);
    return ret;
}

/* --- files -------------------------------------------------------------------------------------
 */

static struct reading begin(void *values, const struct config_row *rows, size_t count,
                            const char *file, config_error_fn *report, void *user)
{
    mr_assert(count <= ROWS_MAX);
    return (struct reading){.values = values,
                            .rows = rows,
                            .count = count,
                            .file = file,
                            .report = report,
                            .user = user};
}

enum mr_status config_parse(void *ret, const struct config_row *rows, size_t count,
                            const char *file, const char *text, size_t len, config_error_fn *report,
                            void *user)
{
    struct reading r = begin(ret, rows, count, file, report, user);
    /* A mark that some editors put in front of UTF-8. */
    const size_t mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    r.at = text + mark;
    r.end = text + len;
    if (ini_parse_stream(next_line, &r, take_setting, &r) < 0)
        complain(&r, "%s", status_sentence(MR_NO_MEMORY));
    return r.errors == 0 ? MR_OK : MR_CONFIG;
}

enum mr_status config_read(void *ret, const struct config_row *rows, size_t count, const char *path,
                           config_error_fn *report, void *user)
{
    uint8_t *text = NULL;
    size_t len = 0;
    enum mr_status st = file_read(&text, &len, path, CONFIG_FILE_MAX);
    if (st == MR_TOO_LARGE)
        report(user, path, 0, _("this is too large for a configuration file"));
    else if (st != MR_OK)
        report(user, path, 0, status_sentence(st));
    if (st != MR_OK)
        return MR_CONFIG;
    st = config_parse(ret, rows, count, path, (const char *)text, len, report, user);
    free(text);
    return st;
}

enum mr_status config_set(void *ret, const struct config_row *rows, size_t count,
                          const char *section, const char *key, const char *value,
                          config_error_fn *report, void *user)
{
    char option[128];
    snprintf(option, sizeof option, "--%s-%s", section, key);
    struct reading r = begin(ret, rows, count, option, report, user);
    take_setting(&r, section, key, value);
    return r.errors == 0 ? MR_OK : MR_CONFIG;
}

static void preset_is_wrong(void *user, const char *file, unsigned line, const char *sentence)
{
    (void)user, (void)file, (void)line;
    mr_bug(sentence);
}

void config_defaults(void *ret, const struct config_row *rows, size_t count)
{
    struct reading r = begin(ret, rows, count, "default", preset_is_wrong, NULL);
    for (size_t i = 0; i < count; i++)
        set_value(&r, &rows[i], rows[i].preset);
}

/* --- printing ----------------------------------------------------------------------------------
 */

static bool is_number(const struct config_row *row)
{
    return row->type == CONFIG_INT || row->type == CONFIG_BYTES || row->type == CONFIG_DURATION;
}

static void print_value(FILE *f, const void *values, const struct config_row *row)
{
    const char *at = (const char *)values + row->offset;
    char text[VALUE_MAX];
    int64_t number;
    if (is_number(row)) {
        memcpy(&number, at, sizeof number);
        print_number(text, row, number);
        fputs(text, f);
    } else if (row->type == CONFIG_BOOL) {
        fputs(*(const bool *)at ? "yes" : "no", f);
    } else {
        fputs(at, f);
    }
}

void config_example(FILE *f, const struct config_row *rows, size_t count)
{
    const char *section = "";
    for (size_t i = 0; i < count; i++) {
        char min[VALUE_MAX], max[VALUE_MAX];
        if (strcmp(section, rows[i].section) != 0)
            fprintf(f, "%s[%s]\n", i > 0 ? "\n" : "", rows[i].section);
        section = rows[i].section;
        fprintf(f, "# %s", _(rows[i].help));
        if (is_number(&rows[i])) {
            print_number(min, &rows[i], rows[i].min);
            print_number(max, &rows[i], rows[i].max);
            fprintf(f, " (%s - %s)", min, max);
        }
        const bool empty = rows[i].preset[0] == '\0';
        fprintf(f, "\n%s%s =%s%s\n", empty ? "#" : "", rows[i].key, empty ? "" : " ",
                rows[i].preset);
    }
}

void config_list(FILE *f, const void *values, const struct config_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(f, "%s.%s = ", rows[i].section, rows[i].key);
        print_value(f, values, &rows[i]);
        fputc('\n', f);
    }
}
