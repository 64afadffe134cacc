/* The auditor on a node's journal: orders verified a second, beside the signatures that the same
 * threads check of such orders, in one run; its memory, and what its saved state costs. */
#include <fcntl.h>
#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/pool.h"
#include "bench/bench.h"
#include "common/file.h"
#include "common/heap.h"
#include "mereau/codec.h"
#include "storage/journal_scan.h"

enum { SAMPLE = 4096, SLICE_MS = 200, BETWEEN_MS = 1000 };

/* The limit is measured in slices between pieces of the audit: both have the same machine, however
 * busy it is and whatever its clock does. */
struct auditing {
    struct mr_audit *audit;
    struct pool *pool;
    const struct estate *e;
    struct deck *deck;
    unsigned threads, slices;
    double limit;                       /* signatures a second, of all slices together */
    uint64_t piece_ns, paused_ns;       /* when the present piece began; slices took */
    double paused_all_s, paused_feed_s; /* of the processor */
};

static double seconds_since(uint64_t ns)
{
    return (double)(bench_ns() - ns) / 1e9;
}

/* Time of the processor, of all threads or of the one that asks: other programs on the machine do
 * not count. */
static double cpu_seconds(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure_limit(struct auditing *a)
{
    const uint64_t start = bench_ns();
    const double all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double feed = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    a->limit += limit_verify_for(a->e, a->deck, a->threads, SLICE_MS);
    a->slices++;
    a->paused_all_s += cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all;
    a->paused_feed_s += cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - feed;
    a->paused_ns += bench_ns() - start;
}

static enum mr_status on_turn(void *ctx, const struct mr_frame *log, const uint8_t *log_payload,
                              const struct mr_frame *bodies, const uint8_t *bodies_payload)
{
    struct auditing *const a = ctx;
    struct mr_audit_turn t = {.log = log_payload - MR_FRAME_HEAD_BYTES,
                              .log_len = mr_frame_size(log->len)};
    if (bodies_payload != NULL) {
        t.bodies = bodies_payload - MR_FRAME_HEAD_BYTES;
        t.bodies_len = mr_frame_size(bodies->len);
    }
    if (bench_ns() - a->piece_ns > BETWEEN_MS * UINT64_C(1000000)) {
        pool_drain(a->pool);
        measure_limit(a);
        a->piece_ns = bench_ns();
    }
    return pool_feed(a->pool, &t);
}

static enum mr_status read_all(struct auditing *a, const struct estate *e)
{
    static struct mr_journal_report report;
    char path[BENCH_PATH_MAX + 16];
    const struct journal_scan_options options = {
        .mode = JOURNAL_STOPPED, .ledger = e->ledger, .turn = on_turn, .ctx = a};
    snprintf(path, sizeof path, "%s/journal", e->nodes[0].dir);
    const enum mr_status st = journal_scan(&report, path, &options);
    pool_drain(a->pool);
    return st;
}

static enum mr_status begin(struct auditing *a, const struct estate *e, struct deck *d,
                            unsigned threads)
{
    uint8_t *const charter = malloc(sizeof e->charter);
    enum mr_status st = charter == NULL ? MR_NO_MEMORY : MR_OK;
    *a = (struct auditing){.e = e, .deck = d, .threads = threads};
    if (st == MR_OK)
        st = mr_audit_create(&a->audit, &heap, NULL, NULL, charter,
                             mr_charter_encode(&e->charter, charter, sizeof e->charter));
    if (st == MR_OK)
        st = pool_create(&a->pool, a->audit, threads);
    free(charter);
    return st;
}

static void end(struct auditing *a)
{
    pool_destroy(a->pool);
    mr_audit_destroy(a->audit);
}

static enum mr_status count_bytes(void *ctx, const uint8_t *bytes, size_t len)
{
    (void)bytes;
    *(size_t *)ctx += len;
    return MR_OK;
}

static enum mr_status audit(struct out *out, struct estate *e, struct deck *d, unsigned threads)
{
    static struct mr_audit_totals t;
    struct auditing a;
    size_t saved = 0;
    enum mr_status st = begin(&a, e, d, threads);
    const double all_start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double feed_start = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    const uint64_t start = a.piece_ns = bench_ns();
    if (st == MR_OK)
        st = read_all(&a, e);
    const double took = seconds_since(start) - (double)a.paused_ns / 1e9;
    const double all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all_start - a.paused_all_s;
    const double feed = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - feed_start - a.paused_feed_s;
    const double share = all > 0 ? (all - feed) / all : 0;
    measure_limit(&a);
    const double limit = a.limit / a.slices;
    const uint64_t save = bench_ns();
    if (st == MR_OK)
        st = mr_audit_save(a.audit, count_bytes, &saved);
    const double save_took = seconds_since(save);
    if (st == MR_OK)
        st = mr_audit_end(a.audit, &t);
    if (st == MR_OK && t.findings > 0)
        st = out_fail(out, MR_CHECK_FAILED, "%llu findings", (unsigned long long)t.findings);
    if (st == MR_OK) {
        const double rate = took > 0 ? (double)t.signatures / took : 0;
        out_print(out, "audit        %llu orders, %llu signatures in %.1f s: %.0f a second\n",
                  (unsigned long long)t.settled, (unsigned long long)t.signatures, took, rate);
        out_print(out,
                  "limit        %.0f signatures/s on the same %u threads; ratio %.3f (goal 0.9)\n",
                  limit, threads, limit > 0 ? rate / limit : 0);
        out_print(out, "processor    %.1f us a signature; %.3f of it on the threads that verify\n",
                  all * 1e6 / (double)t.signatures, share);
        put_real(out, "audit_cpu_us_per_signature", all * 1e6 / (double)t.signatures);
        put_real(out, "audit_verify_share", share);
        out_print(out, "saved state  %.1f MiB in %.2f s\n", (double)saved / 1048576, save_took);
        out_int(out, "orders", (int64_t)t.settled);
        out_int(out, "signatures", (int64_t)t.signatures);
        put_real(out, "audit_seconds", took);
        put_real(out, "audit_signatures_per_second", rate);
        put_real(out, "verify_limit_per_second", limit);
        put_real(out, "audit_ratio", limit > 0 ? rate / limit : 0);
        out_int(out, "state_bytes", (int64_t)saved);
        put_real(out, "state_seconds", save_took);
    }
    end(&a);
    return st == MR_OK || out->failed ? st : out_fail(out, st, NULL);
}

/* Memory that was taken from the system at most since forget_peak, or as long as the process is
 * there. */
static void forget_peak(void)
{
    malloc_trim(0);
    const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "5", 1) != 1)
        fprintf(stderr, "the peak of memory includes the writing of the book\n");
    if (fd >= 0)
        close(fd);
}

static uint64_t peak_kib(void)
{
    uint64_t kib = 0;
    proc_number(&kib, getpid(), "status", "VmHWM:");
    return kib;
}

static enum mr_status measure(struct out *out, struct estate *e, const struct plan *p)
{
    struct deck d = {0};
    const uint32_t rounds = SAMPLE / e->members_count + 1;
    enum mr_status st = estate_payments(e, &d, rounds, bench_processors());
    if (st != MR_OK)
        return out_fail(out, st, NULL);
    forget_peak();
    const uint64_t before = peak_kib();
    st = audit(out, e, &d, (unsigned)p->threads);
    if (st == MR_OK) {
        const uint64_t peak = peak_kib();
        out_print(out, "memory       %.1f MiB at most, %.1f of them before the audit\n",
                  (double)peak / 1024, (double)before / 1024);
        out_int(out, "peak_bytes", (int64_t)peak * 1024);
    }
    deck_done(&d);
    return st;
}

static enum mr_status read_plan(struct plan *ret, const struct command *c, struct out *out)
{
    *ret = (struct plan){.accounts = 1000,
                         .payments = 60000,
                         .threads = bench_processors(),
                         .data = opt_text(c, "data")};
    if (opt_int(c, out, &ret->accounts, "accounts", 40, 1000000) == MR_USAGE ||
        opt_int(c, out, &ret->payments, "payments", 100, 20000000) == MR_USAGE ||
        opt_int(c, out, &ret->threads, "threads", 1, 64) == MR_USAGE)
        return MR_USAGE;
    return MR_OK;
}

/* A directory that is there is audited as it is. */
static enum mr_status take_estate(struct estate *e, const struct plan *p, struct command *c,
                                  struct out *out, bool more)
{
    enum mr_status st = p->data == NULL ? MR_NO_SUCH_FILE : estate_take_up(e, p->data);
    const bool there = st == MR_OK;
    if (st == MR_NO_SUCH_FILE)
        st = estate_found(e, p->data, (uint32_t)p->accounts);
    if (st != MR_OK)
        return out_fail(out, st, NULL);
    return there && !more ? MR_OK : book_write(out, c, e, (uint64_t)p->payments);
}

static void run(struct command *c, struct out *out, bool audits)
{
    struct plan p;
    struct estate *const e = calloc(1, sizeof *e);
    if (e == NULL || sodium_init() < 0) {
        out_fail(out, MR_NO_MEMORY, NULL);
    } else if (read_plan(&p, c, out) == MR_OK) {
        if (!audits && p.data == NULL)
            out_fail(out, MR_USAGE, "where to? Give --data DIR");
        else if (take_estate(e, &p, c, out, !audits) == MR_OK && audits) {
            tell_machine(out, e->dir);
            measure(out, e, &p);
        }
        estate_close(e);
    }
    free(e);
}

void run_verify(struct command *c, struct out *out)
{
    run(c, out, true);
}

void run_write(struct command *c, struct out *out)
{
    run(c, out, false);
}
