/* From a source to a table, and from a table to figures. */
#include "audit/measure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "audit/base.h"
#include "audit/disclosure.h"
#include "audit/pool.h"
#include "audit/report.h"
#include "common/day.h"
#include "common/file.h"
#include "common/heap.h"
#include "common/ledger_words.h"
#include "common/term.h"
#include "mereau/id.h"
#include "mereau/time.h"

enum { EDGES_MAX = 100000000 };

/* --- a book ----------------------------------------------------------------------------------- */

struct reading {
    struct mr_audit *audit;
    struct pool *pool;
    struct progress progress;
    const struct source *source;
};

static enum mr_status on_turn(void *ctx, const struct mr_audit_turn *turn, uint64_t done)
{
    struct reading *const v = ctx;
    const enum mr_status st = pool_feed(v->pool, turn);
    v->progress.total = v->source->size;
    progress_update(&v->progress, done);
    return st;
}

/* Findings are counted: what they are, verify says. */
static enum mr_status walk(struct measure *m, struct reading *v, struct source *s)
{
    static struct mr_audit_totals totals;
    struct mr_stats_point point;
    progress_begin(&v->progress, s->c, _("auditing"), 0);
    enum mr_status st = source_walk(s, on_turn, v);
    pool_drain(v->pool);
    progress_end(&v->progress);
    if (st == MR_OK && s->damage[0] != '\0')
        return out_fail(s->out, MR_CHECK_FAILED, _("the book is damaged: %s"), s->damage);
    if (st == MR_OK)
        st = mr_audit_end(v->audit, &totals);
    const uint64_t wrong = totals.findings - totals.convictions;
    if (st == MR_OK && wrong > 0)
        return out_fail(s->out, MR_CHECK_FAILED,
                        ngettext("%llu finding: nothing is measured on a book that is not right; "
                                 "mereau-audit verify shows it",
                                 "%llu findings: nothing is measured on a book that is not right; "
                                 "mereau-audit verify shows them",
                                 wrong),
                        (unsigned long long)wrong);
    if (st == MR_OK) {
        rows_point(&point, v->audit, &totals);
        st = rows_commit(m->rows, mr_audit_charter(v->audit), &point);
    }
    if (st == MR_OK && totals.convictions > 0)
        report_warn(s->out);
    return st == MR_OK || s->out->failed ? st : out_fail(s->out, st, NULL);
}

static enum mr_status read_book(struct measure *m, struct source *s, uint32_t begins,
                                unsigned threads)
{
    struct reading v = {.source = s};
    enum mr_status st = rows_create(&m->rows, NULL, s->charter, s->ledger);
    if (st == MR_OK)
        st = mr_audit_create(&v.audit, &heap, NULL, NULL, s->charter_bytes, s->charter_len);
    if (st == MR_OK)
        st = pool_create(&v.pool, v.audit, threads);
    if (st != MR_OK) {
        out_fail(s->out, st == MR_NO_MEMORY ? st : MR_CHECK_FAILED,
                 _("the charter cannot be audited: %s"), status_sentence(st));
    } else {
        rows_follow(m->rows, v.audit);
        st = base_read_named(v.audit, s, begins, NULL);
        if (st == MR_OK)
            st = walk(m, &v, s);
    }
    pool_destroy(v.pool);
    mr_audit_destroy(v.audit);
    return st;
}

static enum mr_status open_book(struct measure *m, struct command *c, struct out *out)
{
    static struct source s;
    uint32_t begins;
    unsigned threads;
    enum mr_status st = pool_threads_given(c, out, &threads);
    if (st == MR_OK)
        st = base_asked(&begins, c, out);
    if (st != MR_OK)
        return st;
    st = source_open(&s, c, out);
    if (st == MR_OK)
        st = read_book(m, &s, begins, threads);
    source_close(&s);
    return st;
}

static enum mr_status open_rows(struct measure *m, struct out *out, const char *dir)
{
    const enum mr_status st = rows_load(&m->rows, dir);
    if (st != MR_OK)
        return out_fail(out, st == MR_DAMAGED ? MR_CHECK_FAILED : st, "%s",
                        m->rows != NULL ? rows_text(m->rows) : status_sentence(st));
    return MR_OK;
}

/* The rows beside a mirror, when nothing is named that would have the book itself read. False:
 * there are none, or they are just being made anew. */
static bool open_mirror(struct measure *m, const struct command *c, struct out *out)
{
    static const char *const others[] = {"base", "charter", "node", "control"};
    char dir[FILE_PATH_MAX];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (opt_text(c, others[i]) != NULL)
            return false;
    }
    if (c->arg_count == 0 || path_join(dir, c->args[0], "rows") != MR_OK)
        return false;
    const enum mr_status st = rows_load(&m->rows, dir);
    if (st == MR_OK)
        return true;
    if (st == MR_DAMAGED)
        out_note(out,
                 _("%s is damaged, and the book itself is read. Remove it, and follow makes it "
                   "anew."),
                 dir);
    rows_destroy(m->rows);
    m->rows = NULL;
    return false;
}

enum mr_status measure_open(struct measure *ret, struct command *c, struct out *out)
{
    const char *const rows = opt_text(c, "rows"), *const file = opt_text(c, "from-csv");
    enum mr_status st;
    *ret = (struct measure){.by = MR_STATS_BY_MONTH};
    if ((rows != NULL) + (file != NULL) + (c->arg_count > 0) > 1)
        return out_fail(out, MR_USAGE, _("give one of SOURCE, --rows and --from-csv"));
    if (opt_text(c, "accounts") != NULL && file == NULL)
        return out_fail(out, MR_USAGE, _("--accounts goes with --from-csv"));
    if (file != NULL)
        return measure_file_open(ret, c, out, file);
    if (rows != NULL)
        st = open_rows(ret, out, rows);
    else
        st = open_mirror(ret, c, out) ? MR_OK : open_book(ret, c, out);
    if (st != MR_OK)
        return st;
    st = rows_table(ret->rows, &ret->table);
    if (st != MR_OK)
        return out_fail(out, st, NULL);
    snprintf(ret->currency, sizeof ret->currency, "%s", rows_charter(ret->rows)->name);
    return MR_OK;
}

void measure_close(struct measure *m)
{
    mr_stats_destroy(m->stats);
    rows_destroy(m->rows);
    measure_file_close(m->file);
    *m = (struct measure){0};
}

/* --- figures ---------------------------------------------------------------------------------- */

struct work {
    struct mr_stats *stats;
    atomic_size_t next;
    _Atomic int status;
};

static void *work(void *ctx)
{
    struct work *const w = ctx;
    const size_t jobs = mr_stats_jobs(w->stats);
    for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < jobs;) {
        const enum mr_status st = mr_stats_run(w->stats, i);
        if (st != MR_OK)
            atomic_store(&w->status, (int)st);
    }
    return NULL;
}

static enum mr_status run_jobs(struct mr_stats *s, unsigned threads)
{
    struct work w = {.stats = s};
    pthread_t ids[POOL_THREADS_MAX];
    unsigned count = 0;
    if (threads > mr_stats_jobs(s))
        threads = (unsigned)mr_stats_jobs(s);
    while (count + 1 < threads && pthread_create(&ids[count], NULL, work, &w) == 0)
        count++;
    work(&w);
    for (unsigned i = 0; i < count; i++)
        pthread_join(ids[i], NULL);
    return (enum mr_status)atomic_load(&w.status);
}

static enum mr_status too_many_periods(struct out *out, const struct mr_stats_query *q)
{
    char from[16], to[16];
    measure_day(from, q->from_day);
    measure_day(to, q->to_day);
    return out_fail(
        out, MR_USAGE,
        _("from %s to %s there are more than %d periods; give --from and --to, or longer "
          "periods with --by"),
        from, to, MR_STATS_PERIODS_MAX);
}

enum mr_status measure_query(struct measure *m, struct command *c, struct out *out,
                             const struct mr_stats_query *query)
{
    unsigned threads;
    enum mr_status st = pool_threads_given(c, out, &threads);
    if (st != MR_OK)
        return st;
    mr_stats_destroy(m->stats);
    st = mr_stats_create(&m->stats, &heap, &m->table, query);
    if (st == MR_OUT_OF_RANGE)
        return too_many_periods(out, query);
    if (st == MR_AMOUNT_TOO_LARGE && m->file != NULL)
        return out_fail(out, MR_BAD_TEXT,
                        _("all amounts of the file together are more than can be measured: look at "
                          "the largest ones"));
    if (st == MR_OK && m->few)
        mr_stats_few(m->stats, DISCLOSURE_MEMBERS_MIN, DISCLOSURE_SHARE_MAX);
    if (st == MR_OK)
        st = run_jobs(m->stats, threads);
    if (st == MR_OK)
        m->figures = mr_stats_figures(m->stats, &m->figures_count);
    if (st == MR_OK && m->figures == NULL)
        st = MR_NO_MEMORY;
    if (st != MR_OK)
        return out_fail(out, st, NULL);
    m->periods = mr_stats_periods(m->stats, &m->periods_count);
    m->by = query->by;
    return MR_OK;
}

static enum mr_status option_day(const struct command *c, struct out *out, const char *name,
                                 uint32_t *ret)
{
    const char *const text = opt_text(c, name);
    if (text == NULL || day_parse(ret, text) == MR_OK)
        return MR_OK;
    return out_fail(out, MR_USAGE, _("--%s: \"%s\" is no day; write it as 2026-01-31"), name, text);
}

static enum mr_status option_by(const struct command *c, struct out *out, enum mr_stats_by *ret)
{
    const char *const text = opt_text(c, "by");
    if (text == NULL || measure_by_parse(ret, text))
        return MR_OK;
    return out_fail(out, MR_USAGE, _("--by: \"%s\" is none of day, week, month and year"), text);
}

/* First day of the period that a day is in. */
static uint32_t period_begin(enum mr_stats_by by, uint32_t day)
{
    enum { THURSDAY = 3, WEEK = 7 }; /* 1970-01-01, from Monday on */
    const struct mr_civil c = mr_civil_of(day);
    switch (by) {
    case MR_STATS_BY_DAY:
        break;
    case MR_STATS_BY_WEEK:
        return day + THURSDAY < WEEK ? 0 : day - (day + THURSDAY) % WEEK;
    case MR_STATS_BY_MONTH:
        return mr_day_from_civil((struct mr_civil){c.year, c.month, 1});
    case MR_STATS_BY_YEAR:
        return mr_day_from_civil((struct mr_civil){c.year, 1, 1});
    }
    return day;
}

/* First day behind the period that a day is in. */
static uint32_t period_behind(enum mr_stats_by by, uint32_t day)
{
    uint32_t behind = day;
    while (period_begin(by, behind) <= day)
        behind++;
    return behind;
}

/* What was published cannot be taken back, and nothing can be published beside it that shows what
 * came later: days that an order may still come to are left out unless they are asked for. */
static enum mr_status leave_unfinished(const struct measure *m, const struct command *c,
                                       struct out *out, struct mr_stats_query *q)
{
    const uint32_t final = mr_stats_final_day(&m->table.point);
    const uint32_t behind = period_begin(q->by, final + 1);
    const uint32_t lag = mr_day_of(m->table.point.time_ms) - final;
    char last[16], to[16], first[16];
    measure_day(last, final);
    measure_day(to, q->to_day);
    if (opt_text(c, "to") != NULL && q->to_day > final)
        out_warn(
            out, "unfinished", "days that are not final are published",
            _("orders dated after %s may still come: if one does, what it changes can never be "
              "published beside this. Without --to such periods are left out"),
            last);
    /* of a ledger that is quiet the last day is final, and its period may not be */
    if (opt_text(c, "to") != NULL || q->to_day < behind || q->from_day > q->to_day)
        return MR_OK;
    if (behind <= q->from_day) {
        measure_day(first, period_behind(q->by, q->from_day) - 1 + lag);
        return out_fail(out, MR_USAGE,
                        _("no whole period of this ledger is final yet: orders dated after %s may "
                          "still come. The first one is when the ledger has come to %s. --to %s "
                          "publishes what there is; then what comes to these days later can never "
                          "be published beside it"),
                        last, first, to);
    }
    q->to_day = behind - 1;
    measure_day(to, behind);
    out_text(out, "left_out_from", to);
    out_note(out,
             _("days from %s on are left out: orders may still come to them, or to others of "
               "their period; --to asks for them"),
             to);
    return MR_OK;
}

enum mr_status measure_run(struct measure *m, struct command *c, struct out *out)
{
    const struct mr_stats_table *const t = &m->table;
    const uint64_t first = t->rows > 0 ? t->time_ms[0] : t->point.time_ms;
    struct mr_stats_query q = {.by = MR_STATS_BY_MONTH};
    int64_t edges = 0;
    q.from_day = mr_day_of(first);
    q.to_day = mr_day_of(t->rows > 0 ? t->time_ms[t->rows - 1] : t->point.time_ms);
    enum mr_status st = option_day(c, out, "from", &q.from_day);
    if (st == MR_OK)
        st = option_day(c, out, "to", &q.to_day);
    if (st == MR_OK)
        st = option_by(c, out, &q.by);
    if (st == MR_OK && opt_int(c, out, &edges, "edges", 1, EDGES_MAX) == MR_USAGE)
        st = MR_USAGE;
    if (st == MR_OK && m->finished && m->file == NULL)
        st = leave_unfinished(m, c, out, &q);
    if (st == MR_OK && q.from_day > q.to_day) {
        char from[16], to[16];
        measure_day(from, q.from_day);
        measure_day(to, q.to_day);
        return out_fail(out, MR_USAGE, _("no day lies from %s to %s; give --from and --to"), from,
                        to);
    }
    q.edges_max = (uint32_t)edges;
    q.only = m->only;
    return st == MR_OK ? measure_query(m, c, out, &q) : st;
}

/* --- words ------------------------------------------------------------------------------------ */

void measure_day(char ret[16], uint32_t day)
{
    const struct mr_civil c = mr_civil_of(day);
    snprintf(ret, 16, "%04u-%02u-%02u", (unsigned)c.year % 10000, (unsigned)c.month % 100,
             (unsigned)c.day % 100);
}

static const char *const by_names[] = {"day", "week", "month", "year"};

const char *measure_by_text(enum mr_stats_by by)
{
    return by_names[by];
}

bool measure_by_parse(enum mr_stats_by *ret, const char *text)
{
    for (size_t i = 0; i < sizeof by_names / sizeof by_names[0]; i++) {
        if (strcmp(text, by_names[i]) == 0) {
            *ret = (enum mr_stats_by)i;
            return true;
        }
    }
    return false;
}

const char *measure_state_text(enum mr_stats_state s)
{
    static const char *const texts[] = {"value", "empty", "too_big", "no_class", "far", "young"};
    return texts[s];
}

void measure_name(char *ret, const struct measure *m, enum mr_stats_axis axis, uint32_t value)
{
    const char *text = "";
    char number[16];
    const bool none = value == MR_STATS_NONE;
    switch (axis) {
    case MR_STATS_AXIS_NONE:
        break;
    case MR_STATS_AXIS_UNIT:
        text = m->table.units[value].code;
        break;
    case MR_STATS_AXIS_CLASS:
        text = value == MR_STATS_CLASS_UNKNOWN
                   ? "unknown"
                   : mr_account_class_text((enum mr_account_class)value);
        break;
    case MR_STATS_AXIS_ASSOCIATION:
        text = none ? "-" : m->table.associations[value].name;
        break;
    case MR_STATS_AXIS_TRADE:
    case MR_STATS_AXIS_TOWN:
        text = none ? "-" : m->table.labels[value];
        break;
    case MR_STATS_AXIS_NUMBER:
        snprintf(number, sizeof number, "%u", (unsigned)value);
        text = number;
        break;
    }
    text_cut(ret, MEASURE_NAME_MAX, text);
}

void measure_word(char *ret, const struct measure *m, enum mr_stats_axis axis, uint32_t value)
{
    if (axis == MR_STATS_AXIS_CLASS)
        text_cut(ret, MEASURE_NAME_MAX,
                 value == MR_STATS_CLASS_UNKNOWN ? _("unknown")
                                                 : class_word((enum mr_account_class)value));
    else
        measure_name(ret, m, axis, value);
}

void measure_account(char *ret, const struct measure *m, uint32_t account)
{
    if (m->file != NULL)
        text_cut(ret, MEASURE_NAME_MAX, measure_file_name(m->file, account));
    else
        mr_address_format(ret, rows_charter(m->rows)->prefix, m->table.accounts[account].id);
}

const struct mr_stats_figure *measure_figures(const struct measure *m, enum mr_stats_id id,
                                              size_t *ret_count)
{
    size_t low = 0, high = m->figures_count, end;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (m->figures[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < m->figures_count && m->figures[end].id == id; end++)
        ;
    *ret_count = end - low;
    return m->figures + low;
}

/* --- head ------------------------------------------------------------------------------------- */

static json_t *hex(const uint8_t *bytes, size_t n)
{
    char text[2 * MR_HASH_BYTES + 1];
    mr_hex_format(text, bytes, n);
    return json_string(text);
}

static json_t *period_json(const struct mr_stats_period *p)
{
    char from[16], to[16];
    measure_day(from, p->from_day);
    measure_day(to, p->to_day);
    return json_pack("{s:s,s:s}", "from", from, "to", to);
}

void measure_head(const struct measure *m, struct out *out)
{
    const struct mr_stats_point *const p = &m->table.point;
    json_t *const at = json_object(), *const periods = json_array();
    const uint32_t final = mr_stats_final_day(p);
    char day[16];
    json_object_set_new(at, "source", json_string(m->file != NULL ? "file" : "ledger"));
    if (m->file == NULL)
        json_object_set_new(at, "ledger", hex(p->ledger, MR_HASH_BYTES));
    json_object_set_new(at, m->file != NULL ? "rows" : "settled",
                        json_integer((json_int_t)p->settled));
    json_object_set_new(at, m->file != NULL ? "sha256" : "state_root",
                        p->has_state ? hex(p->state, MR_HASH_BYTES) : json_null());
    if (m->file == NULL) {
        json_object_set_new(at, "node", json_integer(p->node));
        json_object_set_new(at, "epoch", json_integer(p->epoch));
        json_object_set_new(at, "turn", json_integer((json_int_t)p->turn));
        json_object_set_new(at, "log_size", json_integer((json_int_t)p->log_size));
        json_object_set_new(at, "log_root", hex(p->log_root, MR_HASH_BYTES));
    }
    for (size_t i = 0; i < m->periods_count; i++)
        json_array_append_new(periods, period_json(&m->periods[i]));
    measure_day(day, final);
    if (m->currency[0] != '\0')
        out_text(out, "currency", m->currency);
    out_json(out, "at", at);
    out_json(out, "final_day", m->file != NULL || final == 0 ? NULL : json_string(day));
    out_json(out, "period", period_json(&m->periods[m->periods_count]));
    out_json(out, "periods", periods);
}
