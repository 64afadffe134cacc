/* Earlier publications: what each showed, and its figures measured again. */
#include "audit/beside.h"

#include <stdlib.h>
#include <string.h>

#include "audit/publication.h"
#include "audit/published_work.h"
#include "common/day.h"
#include "common/term.h"

enum { PREFIX_MAX = 1024, BETWEEN_MAX = 200 };

/* --- which ------------------------------------------------------------------------------------ */

static enum mr_status check(struct publication_facts *ret, const struct measure *m, struct out *out,
                            const char *dir)
{
    const enum mr_status st = publication_check(ret, dir);
    text_clean(ret->wrong);
    if (st == MR_CHECK_FAILED)
        return out_fail(out, st, _("%s: %s is not what was signed"), dir, ret->wrong);
    if (st == MR_BAD_SIGNATURE || st == MR_BAD_TEXT)
        return out_fail(out, MR_CHECK_FAILED,
                        _("%s holds no publication with a good signature: %s"), dir,
                        status_sentence(st));
    if (st != MR_OK)
        return out_fail(out, st, _("%s cannot be read: %s"), dir, status_sentence(st));
    if (memcmp(ret->ledger, m->table.point.ledger, sizeof ret->ledger) != 0)
        return out_fail(out, MR_WRONG_LEDGER, _("%s is of another ledger"), dir);
    return MR_OK;
}

/* One that is about to be replaced, or served, may be anything. */
static bool is_ours(struct publication_facts *ret, const struct measure *m, struct out *out,
                    const char *dir)
{
    if (publication_check(ret, dir) == MR_OK &&
        memcmp(ret->ledger, m->table.point.ledger, sizeof ret->ledger) == 0)
        return true;
    out_warn(out, "replaced", "what is replaced or served is no publication of this ledger",
             _("%s is no publication of this ledger: what it showed is not looked at"), dir);
    return false;
}

static int by_hash(const void *a, const void *b)
{
    const struct publication_facts *const x = a, *const y = b;
    return memcmp(x->hash, y->hash, sizeof x->hash);
}

/* Sorted, each once: the order in which they are named changes nothing. */
static size_t sort_facts(struct publication_facts *f, size_t n)
{
    size_t kept = 0;
    qsort(f, n, sizeof *f, by_hash);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || by_hash(&f[kept - 1], &f[i]) != 0)
            f[kept++] = f[i];
    }
    return kept;
}

/* --- what each showed ------------------------------------------------------------------------- */

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines of a text, sorted. NULL: no memory. */
static char **lines_of(size_t *ret_count, char *text)
{
    size_t n = 1, count = 0;
    for (const char *at = text; *at != '\0'; at++)
        n += *at == '\n' ? 1 : 0;
    char **const lines = malloc(n * sizeof *lines);
    for (char *at = text; lines != NULL && at != NULL && *at != '\0';) {
        lines[count++] = at;
        at = strchr(at, '\n');
        if (at != NULL)
            *at++ = '\0';
    }
    if (lines != NULL)
        qsort(lines, count, sizeof *lines, by_line);
    *ret_count = count;
    return lines;
}

/* The first line that begins so; NULL: none does. */
static const char *line_that_begins(char **lines, size_t count, const char *prefix)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(lines[middle], prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && strncmp(lines[low], prefix, strlen(prefix)) == 0 ? lines[low] : NULL;
}

/* Whether the line says that its figure has a value. */
static bool has_value(const char *line)
{
    static const char end[] = ",value";
    const size_t len = line == NULL ? 0 : strlen(line);
    return len >= sizeof end && strcmp(line + len - (sizeof end - 1), end) == 0;
}

/* What the figure is now stands in the line too. */
static bool is_as_shown(const char *line, const char *prefix, const struct mr_stats_figure *f)
{
    char now[MR_STATS_TEXT_MAX] = "";
    mr_stats_figure_text(now, f);
    const char *const was = line + strlen(prefix);
    return f->state == MR_STATS_VALUE && strncmp(was, now, strlen(now)) == 0 &&
           was[strlen(now)] == ',';
}

/* What changes with the listings, whenever the payments were made. */
static bool is_of_listings(enum mr_stats_id id)
{
    return id == MR_STATS_FLOW_TRADE || id == MR_STATS_TOWN_KEPT || id == MR_STATS_TOWNS;
}

/* Whether it tells of what came later, if it is another than it was. First payments may come when
 * the period is over; of days that are not published again, what stands where the new ones begin
 * tells, or where they end. */
static bool is_of_what_was(const struct measure *now, const struct measure *m,
                           const struct mr_stats_figure *f)
{
    const struct mr_stats_period *const all = &now->periods[now->periods_count];
    const struct mr_stats_period *const p = &m->periods[f->period];
    const bool apart = p->to_day < all->from_day || p->from_day > all->to_day;
    const bool touches = p->to_day + 1 == all->from_day || p->from_day == all->to_day + 1;
    return f->id != MR_STATS_FIRST_SHARE && !is_of_listings(f->id) &&
           (!apart || (touches && published_over_time(f->id) == LAST));
}

/* What an earlier publication showed, by figure of its measure. */
struct earlier {
    bool *shown, *moved;
    size_t changed; /* one that must be what it was, and is not; DISCLOSURE_NONE */
};

static void look_at(struct earlier *e, const struct measure *now, const struct measure *m, size_t i,
                    char **lines, size_t count)
{
    const struct mr_stats_figure *const f = &m->figures[i];
    char prefix[PREFIX_MAX];
    const char *const line = publication_prefix(prefix, sizeof prefix, m, i)
                                 ? line_that_begins(lines, count, prefix)
                                 : NULL;
    e->shown[i] = has_value(line);
    if (!e->shown[i] || is_as_shown(line, prefix, f))
        return;
    if (is_of_what_was(now, m, f) && e->changed == DISCLOSURE_NONE)
        e->changed = i;
    e->moved[i] = f->state == MR_STATS_VALUE && is_of_listings(f->id);
    e->shown[i] = !e->moved[i];
}

static enum mr_status read_shown(struct earlier *ret, const struct measure *now,
                                 const struct measure *m, const char *dir)
{
    char path[FILE_PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0, count = 0;
    enum mr_status st = path_join(path, dir, publication_file(0));
    *ret = (struct earlier){.changed = DISCLOSURE_NONE};
    if (st == MR_OK)
        st = file_read(&bytes, &len, path, PUBLICATION_BYTES_MAX);
    if (st != MR_OK)
        return st;
    char **const lines = lines_of(&count, (char *)bytes);
    ret->shown = calloc(m->figures_count + 1, sizeof *ret->shown);
    ret->moved = calloc(m->figures_count + 1, sizeof *ret->moved);
    if (lines == NULL || ret->shown == NULL || ret->moved == NULL)
        st = MR_NO_MEMORY;
    for (size_t i = 0; st == MR_OK && i < m->figures_count; i++)
        look_at(ret, now, m, i, lines, count);
    free(lines);
    free(bytes);
    return st;
}

/* --- measuring again -------------------------------------------------------------------------- */

static bool add_view(struct beside *b, const struct measure *m)
{
    struct measure *const measures = realloc(b->measures, (b->count + 1) * sizeof *measures);
    if (measures == NULL)
        return false;
    b->measures = measures;
    struct published_view *const views = realloc(b->views, (b->count + 1) * sizeof *views);
    if (views == NULL)
        return false;
    b->views = views;
    b->measures[b->count] = *m;
    b->measures[b->count].stats = NULL;
    b->views[b->count] = (struct published_view){NULL, NULL, NULL};
    b->count++;
    for (size_t i = 0; i < b->count; i++)
        b->views[i].m = &b->measures[i];
    return true;
}

static enum mr_status measure_again(struct beside *b, const struct measure *m, struct command *c,
                                    struct out *out, const struct mr_stats_query *q)
{
    return add_view(b, m) ? measure_query(&b->measures[b->count - 1], c, out, q)
                          : out_fail(out, MR_NO_MEMORY, NULL);
}

/* Members that came in later cannot be counted: of two totals of the same days readers take the
 * difference, and it may be one payment. */
static enum mr_status refuse_changed(struct out *out, const struct measure *m, size_t changed,
                                     const char *dir)
{
    const struct mr_stats_figure *const f = &m->figures[changed];
    char from[16], to[16], last[16];
    measure_day(from, m->periods[f->period].from_day);
    measure_day(to, m->periods[f->period].to_day);
    measure_day(last, m->periods[m->periods_count].to_day);
    return out_fail(out, MR_CHECK_FAILED,
                    _("%s shows %s of %s to %s as it was before these days were over and final; it "
                      "is another now, and the difference would tell of what came later. Either "
                      "show days at least a whole period behind %s alone (--from), or take %s back "
                      "wherever it stands and name it no more"),
                    dir, mr_stats_indicator(f->id)->id, from, to, last, dir);
}

static enum mr_status add_earlier(struct beside *b, const struct measure *m, struct command *c,
                                  struct out *out, const struct publication_facts *f,
                                  const char *dir)
{
    static bool only[MR_STATS_IDS];
    struct mr_stats_query q = {.only = only};
    struct earlier e;
    if (!measure_by_parse(&q.by, f->by) || day_parse(&q.from_day, f->from) != MR_OK ||
        day_parse(&q.to_day, f->to) != MR_OK)
        return out_fail(out, MR_CHECK_FAILED, _("%s: what days it is of cannot be read"), dir);
    for (enum mr_stats_id i = 0; i < MR_STATS_IDS; i++)
        only[i] = i < MR_STATS_CIRCULARITY || i > MR_STATS_CIRCULARITY_EDGES;
    enum mr_status st = measure_again(b, m, c, out, &q);
    if (st != MR_OK)
        return st;
    const struct measure *const then = &b->measures[b->count - 1];
    st = read_shown(&e, m, then, dir);
    b->views[b->count - 1].shown = e.shown;
    b->views[b->count - 1].moved = e.moved;
    if (st != MR_OK)
        return out_fail(out, st, _("%s cannot be read: %s"), dir, status_sentence(st));
    return e.changed == DISCLOSURE_NONE ? MR_OK : refuse_changed(out, then, e.changed, dir);
}

/* What adds up, what stands at an end, and what smallness rests on. */
static void choose_sums(bool only[MR_STATS_IDS])
{
    static const enum mr_stats_id bases[] = {
        MR_STATS_MASS,    MR_STATS_MASS_CLASS, MR_STATS_MASS_HOME, MR_STATS_OUTSTANDING,
        MR_STATS_RESERVE, MR_STATS_OPEN_SUM,   MR_STATS_TURNOVER,  MR_STATS_MEMBER_COUNT,
        MR_STATS_OPENED,  MR_STATS_FLOW_CLASS, MR_STATS_LAW_PAID,  MR_STATS_POSITION};
    for (enum mr_stats_id i = 0; i < MR_STATS_IDS; i++)
        only[i] = published_adds_up(i);
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
        only[bases[i]] = true;
}

static enum mr_status add_between(struct beside *b, const struct measure *m, struct command *c,
                                  struct out *out)
{
    static struct mr_stats_period days[BETWEEN_MAX];
    static bool only[MR_STATS_IDS];
    size_t count;
    enum mr_status st = published_between(days, &count, BETWEEN_MAX, m, b->views, b->count);
    if (st == MR_OUT_OF_RANGE)
        return out_fail(out, MR_USAGE,
                        _("periods of these publications cut each other more than %d times; "
                          "publish by the same ones"),
                        BETWEEN_MAX);
    if (st != MR_OK)
        return out_fail(out, st, NULL);
    choose_sums(only);
    for (size_t i = 0; i < count && st == MR_OK; i++) {
        const struct mr_stats_query q = {.from_day = days[i].from_day,
                                         .to_day = days[i].to_day,
                                         .by = MR_STATS_BY_YEAR,
                                         .only = only};
        st = measure_again(b, m, c, out, &q);
    }
    return st;
}

/* --- outside ---------------------------------------------------------------------------------- */

static enum mr_status name_all(struct publication_facts *facts, size_t *ret_count,
                               const struct measure *m, const struct command *c, struct out *out,
                               const char *also)
{
    const size_t named = opt_count(c, "beside");
    size_t n = 0;
    if (named > BESIDE_MAX)
        return out_fail(out, MR_USAGE, _("--beside: at most %d"), BESIDE_MAX);
    for (size_t i = 0; i < named; i++, n++) {
        const enum mr_status st = check(&facts[n], m, out, opt_nth(c, "beside", i));
        if (st != MR_OK)
            return st;
        snprintf(facts[n].wrong, sizeof facts[n].wrong, "%s", opt_nth(c, "beside", i));
    }
    if (also != NULL && is_ours(&facts[n], m, out, also)) {
        snprintf(facts[n].wrong, sizeof facts[n].wrong, "%s", also);
        n++;
    }
    *ret_count = sort_facts(facts, n);
    return MR_OK;
}

enum mr_status beside_open(struct beside *ret, const struct measure *m, struct command *c,
                           struct out *out, const char *also)
{
    size_t n = 0;
    struct publication_facts *const facts = calloc(BESIDE_MAX + 1, sizeof *facts);
    *ret = (struct beside){.hashes = calloc(BESIDE_MAX + 1, sizeof *ret->hashes)};
    enum mr_status st = MR_OK;
    if (facts == NULL || ret->hashes == NULL)
        st = out_fail(out, MR_NO_MEMORY, NULL);
    if (st == MR_OK)
        st = name_all(facts, &n, m, c, out, also);
    for (size_t i = 0; i < n && st == MR_OK; i++) {
        memcpy(ret->hashes[ret->hashes_count++], facts[i].hash, sizeof ret->hashes[0]);
        st = add_earlier(ret, m, c, out, &facts[i], facts[i].wrong);
    }
    if (st == MR_OK && n > 0)
        st = add_between(ret, m, c, out);
    free(facts);
    return st;
}

enum mr_status beside_refused(const struct beside *b, struct out *out)
{
    return b->count == 0
               ? out_fail(out, MR_CHECK_FAILED,
                          _("figures of few members would follow from others, whatever is kept "
                            "back: nothing is shown"))
               : out_fail(
                     out, MR_CHECK_FAILED,
                     _("beside what was published before, this would tell of few members, whatever "
                       "is kept back: few paid in some days by which the periods differ. Show the "
                       "same periods, whole ones, and whole ones behind them; where an earlier "
                       "publication ends within a period, days behind that period alone (--from)"));
}

void beside_done(struct beside *b)
{
    for (size_t i = 0; i < b->count; i++) {
        mr_stats_destroy(b->measures[i].stats);
        free((void *)(uintptr_t)b->views[i].shown);
        free((void *)(uintptr_t)b->views[i].moved);
    }
    free(b->measures);
    free(b->views);
    free(b->hashes);
    *b = (struct beside){.views = NULL};
}
