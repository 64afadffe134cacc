/* One reading of the book: verified as a whole, handed to the format slot by slot, published only
 * when it is right. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "audit/base.h"
#include "audit/export.h"
#include "audit/pool.h"
#include "audit/report.h"
#include "common/file.h"
#include "common/heap.h"
#include "common/term.h"
#include "mereau/time.h"

void export_pseudonym(const struct export_run *run, uint8_t *ret, const uint8_t *id, size_t len)
{
    static const char domain[] = "mereau/pseudonym"; /* with its zero byte */
    crypto_generichash_state st;
    if (!run->has_key) {
        memcpy(ret, id, len);
        return;
    }
    crypto_generichash_init(&st, run->key, sizeof run->key, len);
    crypto_generichash_update(&st, (const uint8_t *)domain, sizeof domain);
    crypto_generichash_update(&st, id, len);
    crypto_generichash_final(&st, ret, len);
}

enum mr_status export_cannot_write(struct out *out, const char *path, int error)
{
    return out_cannot_write(out, path, file_status(error));
}

/* --- what the audit says ------------------------------------------------------------------------
 */

static void on_finding(void *ctx, const struct mr_audit_finding *f)
{
    struct export_run *const run = ctx;
    if (f->of_another) {
        run->convictions++; /* it is no fault of the book: AUD-7 */
        return;
    }
    if (run->wrong++ == 0)
        snprintf(run->first, sizeof run->first, "%s, turn %llu", f->rule,
                 (unsigned long long)f->turn);
}

static void put_be(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* Days of the range; what is before it opens the balances. */
static void add_up(struct export_run *run, const struct export_slot *slot)
{
    const bool before = run->has_from && mr_day_of(slot->e->time_ms) < run->from;
    for (uint32_t i = 0; i < slot->e->postings_count; i++) {
        const struct mr_posting *const p = &slot->e->postings[i];
        struct export_account *const x = slot->accounts[i];
        x->moved = true;
        if (before)
            x->opening[p->unit] += p->delta;
        else if (slot->in_range)
            x->change[p->unit] += p->delta;
    }
}

static bool find_accounts(struct export_run *run, struct export_slot *slot)
{
    slot->chain = export_account(run, slot->e->account);
    bool all = slot->chain != NULL;
    for (uint32_t i = 0; i < slot->e->postings_count && all; i++) {
        slot->accounts[i] = export_account(run, slot->e->postings[i].account);
        all = slot->accounts[i] != NULL;
    }
    return all;
}

static enum mr_status take_order(struct export_run *run, const struct mr_audit_effect *e)
{
    struct export_slot *const slot = &run->slot;
    const uint32_t day = mr_day_of(e->time_ms);
    *slot = (struct export_slot){.e = e};
    slot->in_range = !(run->has_from && day < run->from) && !(run->has_to && day > run->to);
    if (!find_accounts(run, slot))
        return out_fail(run->out, MR_NO_MEMORY, NULL);
    add_up(run, slot);
    return run->settled < run->known ? MR_OK : run->format->slot(run, slot);
}

/* A book that is wrong is not exported: its rows need not even have a form. */
static void on_effect(void *ctx, const struct mr_audit_effect *e)
{
    struct export_run *const run = ctx;
    if (run->st == MR_OK && run->wrong == 0)
        run->st = take_order(run, e);
}

/* Behind its effect. The value names the order, and the order all that is exported of it. */
static void on_settled(void *ctx, const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq,
                       const uint8_t value[MR_HASH_BYTES])
{
    struct export_run *const run = ctx;
    uint8_t place[8];
    crypto_generichash_state st;
    put_be(place, seq);
    crypto_generichash_init(&st, NULL, 0, sizeof run->hash);
    crypto_generichash_update(&st, run->hash, sizeof run->hash);
    crypto_generichash_update(&st, account, MR_ACCOUNT_BYTES);
    crypto_generichash_update(&st, place, sizeof place);
    crypto_generichash_update(&st, value, MR_HASH_BYTES);
    crypto_generichash_final(&st, run->hash, sizeof run->hash);
    run->settled++;
    if (run->settled == run->known && run->st == MR_OK &&
        memcmp(run->hash, run->known_hash, sizeof run->hash) != 0)
        run->st = out_fail(
            run->out, MR_WRONG_LEDGER,
            _("what was exported before is not the beginning of this book: its first %llu slots "
              "are others. Export the book of that node, or into another schema"),
            (unsigned long long)run->known);
}

/* --- reading ------------------------------------------------------------------------------------
 */

struct reading {
    struct export_run *run;
    struct pool *pool;
    struct progress progress;
};

static enum mr_status on_turn(void *ctx, const struct mr_audit_turn *turn, uint64_t done)
{
    struct reading *const r = ctx;
    const enum mr_status st = pool_feed(r->pool, turn);
    if (st != MR_OK)
        return st;
    r->progress.total = r->run->source->size;
    progress_update(&r->progress, done);
    return r->run->st;
}

static enum mr_status refuse(struct export_run *run)
{
    const struct source *const s = run->source;
    if (s->damage[0] != '\0')
        return out_fail(run->out, MR_CHECK_FAILED,
                        _("this book is damaged, and nothing was exported: %s"), s->damage);
    if (run->wrong > 0)
        return out_fail(run->out, MR_CHECK_FAILED,
                        _("this book is not right, and nothing was exported: %llu findings, the "
                          "first of %s. \"mereau-audit verify\" shows them"),
                        (unsigned long long)run->wrong, run->first);
    if (run->settled < run->known)
        return out_fail(run->out, MR_CHECK_FAILED,
                        _("this book ends before what was exported of it: it has %llu slots, and "
                          "%llu are there already"),
                        (unsigned long long)run->settled, (unsigned long long)run->known);
    return MR_OK;
}

static enum mr_status read_book(struct export_run *run, struct pool *pool)
{
    struct reading r = {.run = run, .pool = pool};
    progress_begin(&r.progress, run->c, _("auditing"), 0);
    enum mr_status st = source_walk(run->source, on_turn, &r);
    pool_drain(pool);
    progress_end(&r.progress);
    if (st == MR_OK)
        st = mr_audit_end(run->audit, &run->totals);
    if (st == MR_OK)
        st = run->st;
    if (st != MR_OK)
        return run->out->failed ? st : out_fail(run->out, st, NULL);
    return refuse(run);
}

static void say(struct export_run *run)
{
    if (run->convictions > 0)
        report_warn(run->out);
    if (run->totals.orders_unchecked > 0)
        out_warn(run->out, "erased", "orders were erased: their postings are believed",
                 _("%llu orders were erased or could not be checked: their postings are believed"),
                 (unsigned long long)run->totals.orders_unchecked);
    out_int(run->out, "settled", (int64_t)run->settled);
    out_bool(run->out, "own_charter", run->source->own_charter);
}

void export_run(struct export_run *run)
{
    struct pool *pool = NULL;
    struct source *const s = run->source;
    enum mr_status st =
        mr_audit_create(&run->audit, &heap, on_finding, run, s->charter_bytes, s->charter_len);
    if (st == MR_OK)
        st = pool_create(&pool, run->audit, pool_threads());
    if (st != MR_OK)
        out_fail(run->out, st == MR_NO_MEMORY ? st : MR_CHECK_FAILED,
                 _("the charter cannot be audited: %s"), status_sentence(st));
    else
        st = run->format->begin(run);
    if (st == MR_OK) {
        mr_audit_effects(run->audit, on_effect, run);
        mr_audit_watch(run->audit, on_settled, run);
        uint32_t begins;
        st = base_asked(&begins, run->c, run->out);
        if (st == MR_OK)
            st = base_read_named(run->audit, s, begins, &run->wrong);
    }
    if (st == MR_OK)
        st = read_book(run, pool);
    if (st == MR_OK)
        st = run->format->publish(run);
    if (st == MR_OK)
        say(run);
    run->format->end(run);
    pool_destroy(pool);
    mr_audit_destroy(run->audit);
    export_accounts_done(&run->accounts);
}
