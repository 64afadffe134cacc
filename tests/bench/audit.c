/* The statistics on made-up rows: all indicators by size, the circularity by itself, and the six
 * statistics that scripts/bench-duckdb asks a database for. Each run is a process of its own, so
 * that its memory is its own. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/audit.h"
#include "bench/bench.h"
#include "common/heap.h"
#include "mereau/time.h"

enum { DAY_FIRST = 19723, DAYS = 730, WINDOW_DAYS = 89, TOP = 10, EDGES_MAX = 100000000 };

enum what { WHAT_ALL, WHAT_CIRCULARITY, WHAT_SIX };

struct measured {
    enum mr_status status;
    uint64_t ns, cpu_us, made_kib, peak_kib, figures;
    /* what they say, so that two programs can be compared */
    uint64_t edges, payments, reciprocal;
    int64_t volume, top, balances;
    char circularity[MR_STATS_TEXT_MAX], gini[MR_STATS_TEXT_MAX];
};

/* --- jobs on threads -------------------------------------------------------------------------- */

struct work {
    struct mr_stats *stats;
    const struct mr_stats_table *table;
    int64_t *balances, *received; /* of the six: a job more */
    atomic_size_t next;
    atomic_int status;
};

static void balances(const struct work *w)
{
    const struct mr_stats_table *const t = w->table;
    mr_stats_balances(w->balances, t, 0, UINT32_MAX);
    for (size_t i = 0; i < t->rows; i++) {
        if (t->kind[i] == MR_STATS_PAY)
            w->received[t->to[i]] += t->amount[i];
    }
}

static void *work(void *ctx)
{
    struct work *const w = ctx;
    const size_t jobs = mr_stats_jobs(w->stats);
    for (size_t i; (i = atomic_fetch_add(&w->next, 1)) <= jobs;) {
        if (i < jobs && mr_stats_run(w->stats, i) != MR_OK)
            atomic_store(&w->status, MR_NO_MEMORY);
        if (i == jobs && w->balances != NULL)
            balances(w);
    }
    return NULL;
}

static enum mr_status run_jobs(struct work *w, unsigned threads)
{
    pthread_t ids[64];
    unsigned count = 0;
    while (count + 1 < threads && pthread_create(&ids[count], NULL, work, w) == 0)
        count++;
    work(w);
    for (unsigned i = 0; i < count; i++)
        pthread_join(ids[i], NULL);
    return (enum mr_status)atomic_load(&w->status);
}

/* --- one run ---------------------------------------------------------------------------------- */

static void choose(bool only[MR_STATS_IDS], enum what what)
{
    static const enum mr_stats_id six[] = {MR_STATS_TURNOVER, MR_STATS_PAYMENTS, MR_STATS_ACTIVE_IN,
                                           MR_STATS_PAIRS, MR_STATS_GINI};
    for (enum mr_stats_id i = 0; i < MR_STATS_IDS; i++) {
        const bool circular = i >= MR_STATS_CIRCULARITY && i <= MR_STATS_CIRCULARITY_EDGES;
        only[i] = what == WHAT_ALL ? !circular : what == WHAT_CIRCULARITY && circular;
    }
    for (size_t i = 0; what == WHAT_SIX && i < sizeof six / sizeof six[0]; i++)
        only[six[i]] = true;
}

static void read_figures(struct measured *ret, const struct mr_stats_figure *f, size_t count,
                         uint32_t whole)
{
    ret->figures = count;
    for (size_t i = 0; i < count; i++) {
        if (f[i].period != whole)
            continue;
        if (f[i].id == MR_STATS_CIRCULARITY)
            mr_stats_figure_text(ret->circularity, &f[i]);
        else if (f[i].id == MR_STATS_GINI)
            mr_stats_figure_text(ret->gini, &f[i]);
        else if (f[i].id == MR_STATS_CIRCULARITY_EDGES)
            ret->edges = (uint64_t)f[i].num;
        else if (f[i].id == MR_STATS_PAYMENTS)
            ret->payments = (uint64_t)f[i].num;
        else if (f[i].id == MR_STATS_PAIRS)
            ret->reciprocal = (uint64_t)f[i].num;
        else if (f[i].id == MR_STATS_TURNOVER)
            ret->volume = (int64_t)f[i].num;
    }
}

/* The ten largest receivers, and a sum over all balances that shows that each is there. */
static void read_six(struct measured *ret, const struct work *w)
{
    for (int k = 0; k < TOP; k++) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < w->table->accounts_count; i++)
            best = w->received[i] > w->received[best] ? i : best;
        ret->top += w->received[best];
        w->received[best] = 0;
    }
    for (uint32_t i = 0; i < w->table->accounts_count; i++)
        ret->balances += w->balances[i] > 0 ? w->balances[i] : 0;
}

static uint64_t cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static uint64_t peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)u.ru_maxrss;
}

static void measure(struct measured *ret, struct trade *t, enum what what, unsigned threads)
{
    bool only[MR_STATS_IDS];
    choose(only, what);
    const struct mr_stats_query q = {
        .from_day = what == WHAT_CIRCULARITY ? DAY_FIRST + DAYS - WINDOW_DAYS : DAY_FIRST,
        .to_day = DAY_FIRST + DAYS - 1,
        .by = what == WHAT_CIRCULARITY ? MR_STATS_BY_WEEK : MR_STATS_BY_MONTH,
        .edges_max = EDGES_MAX,
        .only = only};
    struct work w = {.table = &t->table};
    size_t count = 0, periods = 0;
    ret->made_kib = peak_kib();
    const uint64_t ns = bench_ns(), cpu = cpu_us();
    if (what == WHAT_SIX) {
        w.balances = calloc(t->table.accounts_count, sizeof *w.balances);
        w.received = calloc(t->table.accounts_count, sizeof *w.received);
    }
    ret->status = mr_stats_create(&w.stats, &heap, &t->table, &q);
    if (ret->status == MR_OK)
        ret->status = run_jobs(&w, threads);
    if (ret->status == MR_OK) {
        const struct mr_stats_figure *const f = mr_stats_figures(w.stats, &count);
        mr_stats_periods(w.stats, &periods);
        read_figures(ret, f, count, (uint32_t)periods);
        if (what == WHAT_SIX)
            read_six(ret, &w);
    }
    ret->ns = bench_ns() - ns;
    ret->cpu_us = cpu_us() - cpu;
    ret->peak_kib = peak_kib();
    mr_stats_destroy(w.stats);
    free(w.balances);
    free(w.received);
}

/* In a process of its own. */
static enum mr_status apart(struct measured *ret, size_t rows, uint32_t accounts, enum what what,
                            unsigned threads)
{
    int ends[2];
    *ret = (struct measured){.status = MR_NO_MEMORY};
    if (pipe(ends) != 0)
        return MR_IO_ERROR;
    const pid_t pid = fork();
    if (pid == 0) {
        struct trade t;
        if (trade_make(&t, rows, accounts, 1))
            measure(ret, &t, what, threads);
        trade_done(&t);
        _exit(write(ends[1], ret, sizeof *ret) == (ssize_t)sizeof *ret ? 0 : 1);
    }
    close(ends[1]);
    const bool whole = pid > 0 && read(ends[0], ret, sizeof *ret) == (ssize_t)sizeof *ret;
    close(ends[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return whole ? ret->status : MR_NO_MEMORY;
}

/* --- lines ------------------------------------------------------------------------------------ */

static void tell(struct out *out, const char *name, const char *text, size_t rows,
                 const struct measured *m)
{
    char field[64];
    const double seconds = (double)m->ns / 1e9;
    out_print(out,
              "%-22s %9zu rows  %7.2f s (%6.2f s of processor)  %8.2f million rows/s  %7.1f MiB, "
              "%.1f of them the rows\n",
              text, rows, seconds, (double)m->cpu_us / 1e6, (double)rows / 1e6 / seconds,
              (double)m->peak_kib / 1024, (double)m->made_kib / 1024);
    snprintf(field, sizeof field, "%s_%zu_seconds", name, rows);
    put_real(out, field, seconds);
    snprintf(field, sizeof field, "%s_%zu_cpu_seconds", name, rows);
    put_real(out, field, (double)m->cpu_us / 1e6);
    snprintf(field, sizeof field, "%s_%zu_peak_bytes", name, rows);
    out_int(out, field, (int64_t)m->peak_kib * 1024);
    snprintf(field, sizeof field, "%s_%zu_figures", name, rows);
    out_int(out, field, (int64_t)m->figures);
}

static void tell_six(struct out *out, const struct measured *m)
{
    out_print(out,
              "  payments %" PRIu64 ", volume %" PRId64 ", top ten %" PRId64
              ", reciprocal pairs %" PRIu64 ", balances %" PRId64 ", gini %s\n",
              m->payments, m->volume, m->top, m->reciprocal, m->balances, m->gini);
    out_int(out, "six_payments", (int64_t)m->payments);
    out_int(out, "six_volume_minor", m->volume);
    out_int(out, "six_top_minor", m->top);
    out_int(out, "six_reciprocal_pairs", (int64_t)m->reciprocal);
    out_int(out, "six_balances_minor", m->balances);
    out_text(out, "six_gini", m->gini);
}

/* For others to read: time in seconds, numbers of payer and payee, minor units, kind. */
static enum mr_status write_rows(const char *path, size_t rows, uint32_t accounts)
{
    struct trade t;
    FILE *const f = fopen(path, "we");
    if (f == NULL || !trade_make(&t, rows, accounts, 1))
        return f == NULL ? MR_IO_ERROR : MR_NO_MEMORY;
    fprintf(f, "time_s,from,to,amount,kind\n");
    for (size_t i = 0; i < t.table.rows; i++)
        fprintf(f, "%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%" PRId64 ",%u\n", t.time_ms[i] / 1000,
                t.from[i], t.to[i], t.amount[i], (unsigned)t.kind[i]);
    trade_done(&t);
    return fclose(f) == 0 ? MR_OK : MR_IO_ERROR;
}

static enum mr_status one(struct out *out, const char *name, const char *text, size_t rows,
                          uint32_t accounts, enum what what, unsigned threads)
{
    struct measured m;
    const enum mr_status st = apart(&m, rows, accounts, what, threads);
    if (st != MR_OK)
        return out_fail(out, st, "%s: %s", text, mr_status_text(st));
    tell(out, name, text, rows, &m);
    if (what == WHAT_CIRCULARITY) {
        out_print(out, "  the last three months: %" PRIu64 " edges, K2 %s\n", m.edges,
                  m.circularity);
        out_int(out, "circularity_edges", (int64_t)m.edges);
        out_text(out, "circularity", m.circularity);
    }
    if (what == WHAT_SIX)
        tell_six(out, &m);
    return MR_OK;
}

void run_audit(struct command *c, struct out *out)
{
    static const int64_t sizes[] = {1000000, 5000000, 10000000};
    int64_t rows = 0, accounts = 10000, threads = bench_processors();
    if (opt_int(c, out, &rows, "rows", 1000, 100000000) == MR_USAGE ||
        opt_int(c, out, &accounts, "accounts", 40, 1000000) == MR_USAGE ||
        opt_int(c, out, &threads, "threads", 1, 64) == MR_USAGE)
        return;
    const unsigned n = (unsigned)threads;
    const uint32_t members = (uint32_t)accounts;
    const size_t most = (size_t)(rows > 0 ? rows : sizes[2]);
    enum mr_status st = MR_OK;
    if (opt_text(c, "write") != NULL) {
        st = write_rows(opt_text(c, "write"), most, members);
        if (st != MR_OK)
            out_fail(out, st, "%s: %s", opt_text(c, "write"), mr_status_text(st));
        return;
    }
    for (size_t i = 0; st == MR_OK && !opt_flag(c, "six") && i < (rows > 0 ? 1 : 3); i++)
        st = one(out, "all", "all indicators", (size_t)(rows > 0 ? rows : sizes[i]), members,
                 WHAT_ALL, n);
    if (st == MR_OK && !opt_flag(c, "six"))
        st = one(out, "circularity", "circularity", (size_t)(rows > 0 ? rows : sizes[0]), members,
                 WHAT_CIRCULARITY, 1);
    if (st == MR_OK)
        one(out, "six", "six statistics", most, members, WHAT_SIX, n);
}
