/* verify: replay everything and compare. */
#include <stdlib.h>
#include <string.h>

#include "audit/base.h"
#include "audit/commands.h"
#include "audit/pool.h"
#include "audit/report.h"
#include "audit/source.h"
#include "common/heap.h"
#include "common/term.h"

enum { FINDINGS_MAX = 100000 };

const struct option_row verify_options[] = {
    SOURCE_OPTIONS,
    {"base", 'b', N_("SOURCE"), N_("book of an earlier node, for one that joined later")},
    {"threads", 't', N_("N"), N_("threads that verify signatures (else one a processor)")},
    {"max", 'm', N_("N"), N_("show at most so many findings (1000)")},
    {NULL, 0, NULL, NULL},
};

struct verify {
    struct mr_audit *audit;
    struct pool *pool;
    struct progress progress;
    const struct source *source;
    uint64_t turn;
};

static enum mr_status on_turn(void *ctx, const struct mr_audit_turn *turn, uint64_t done)
{
    struct verify *const v = ctx;
    const enum mr_status st = pool_feed(v->pool, turn);
    if (st != MR_OK)
        return st;
    v->turn++;
    v->progress.total = v->source->size;
    progress_update(&v->progress, done);
    return MR_OK;
}

static enum mr_status replay(struct verify *v, struct source *s, struct report *r,
                             struct mr_audit_totals *ret)
{
    v->source = s;
    progress_begin(&v->progress, s->c, _("auditing"), 0);
    enum mr_status st = source_walk(s, on_turn, v);
    pool_drain(v->pool);
    progress_end(&v->progress);
    if (st == MR_OK && s->damage[0] != '\0')
        report_damage(r, v->turn + 1, s->damage);
    if (st == MR_OK)
        st = mr_audit_end(v->audit, ret);
    if (st != MR_OK && !s->out->failed)
        out_fail(s->out, st, NULL);
    return st;
}

/* `late`: the epoch that the book begins in and nothing led to; 0: it was read. */
static void conclude(struct report *r, struct source *s, const struct mr_audit_totals *t,
                     const struct mr_audit *a, uint32_t late)
{
    report_rows(r, s->out);
    report_totals(r, s->out, t, s, a);
    if (late != 0) {
        out_fail(
            s->out, MR_CHECK_FAILED,
            _("nothing was checked: this node joined in epoch %u. Name the book of a node that "
              "was there before with --base"),
            (unsigned)late);
        return;
    }
    report_evidence(r, s->out, t, a);
    if (r->wrong.all > 0) {
        report_fail(s->out, r->wrong.all);
        return;
    }
    const int fd = fileno(s->out->results);
    if (r->convictions.all == 0)
        out_print(s->out, _("%sNo finding.%s\n"), term_style(fd, STYLE_GOOD),
                  term_style(fd, STYLE_PLAIN));
}

static void verify(struct source *s, unsigned threads, int64_t max, uint32_t begins)
{
    struct verify v = {0};
    struct report r;
    static struct mr_audit_totals totals;
    enum mr_status st = report_create(&r, s->charter, (size_t)max);
    if (st == MR_OK)
        st = mr_audit_create(&v.audit, &heap, report_add, &r, s->charter_bytes, s->charter_len);
    if (st == MR_OK)
        st = pool_create(&v.pool, v.audit, threads);
    if (st != MR_OK)
        out_fail(s->out, st == MR_NO_MEMORY ? st : MR_CHECK_FAILED,
                 _("the charter cannot be audited: %s"), status_sentence(st));
    else if (base_read_named(v.audit, s, begins, &r.wrong.all) == MR_OK &&
             replay(&v, s, &r, &totals) == MR_OK)
        conclude(&r, s, &totals, v.audit, begins == 0 ? mr_audit_begins(v.audit) : 0);
    pool_destroy(v.pool);
    mr_audit_destroy(v.audit);
    report_done(&r);
}

void cmd_verify(struct command *c, struct out *out)
{
    static struct source s;
    unsigned threads;
    int64_t max = 1000;
    if (pool_threads_given(c, out, &threads) != MR_OK ||
        opt_int(c, out, &max, "max", 0, FINDINGS_MAX) == MR_USAGE)
        return;
    uint32_t begins;
    if (base_asked(&begins, c, out) != MR_OK)
        return;
    if (source_open(&s, c, out) == MR_OK)
        verify(&s, threads, max, begins);
    source_close(&s);
}
