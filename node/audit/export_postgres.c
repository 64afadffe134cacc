/* Straight into PostgreSQL: rows of what is new are kept in files without a name until the whole
 * book is right, then copied batch by batch, each in one transaction with the position behind it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/export_cells.h"
#include "audit/export_file.h"
#include "audit/export_kinds.h"
#include "audit/export_schema.h"
#include "common/term.h"

enum { BATCH_ORDERS = 10000, BATCH_MAX = 1000000 };

/* In the order in which foreign keys want them. */
static const enum export_table_id copied[] = {EXPORT_ASSOCIATIONS, EXPORT_ACCOUNTS, EXPORT_ORDERS,
                                              EXPORT_POSTINGS, EXPORT_MOVEMENTS};
enum { COPIED = sizeof copied / sizeof copied[0] };

struct batch {
    uint64_t settled; /* behind it */
    uint8_t hash[EXPORT_HASH_BYTES];
    uint64_t end[EXPORT_TABLES]; /* in the files */
};

struct postgres {
    struct export_run *run;
    struct db db;
    struct export_sink sink;
    FILE *spool[EXPORT_TABLES];
    struct batch *batches;
    size_t count, cap;
    uint64_t orders; /* in the batch that is being filled */
    int64_t per_batch;
    uint32_t associations; /* written */
};

static enum mr_status row(void *ctx, enum export_table_id table, const struct export_cell *cells)
{
    struct postgres *const p = ctx;
    export_copy_row(p->spool[table], table, cells);
    return ferror(p->spool[table]) == 0
               ? MR_OK
               : export_cannot_write(p->run->out, _("a scratch file"), errno);
}

/* --- what is new --------------------------------------------------------------------------------
 */

/* Everything so far belongs to the batch. */
static enum mr_status close_batch(struct postgres *p)
{
    if (p->count == p->cap) {
        p->cap = p->cap == 0 ? 64 : 2 * p->cap;
        struct batch *const more = realloc(p->batches, p->cap * sizeof *more);
        if (more == NULL)
            return out_fail(p->run->out, MR_NO_MEMORY, NULL);
        p->batches = more;
    }
    struct batch *const b = &p->batches[p->count++];
    *b = (struct batch){.settled = p->run->settled};
    memcpy(b->hash, p->run->hash, sizeof b->hash);
    for (unsigned i = 0; i < COPIED; i++) {
        const off_t at = ftello(p->spool[copied[i]]);
        if (at < 0)
            return export_cannot_write(p->run->out, _("a scratch file"), errno);
        b->end[copied[i]] = (uint64_t)at;
    }
    p->orders = 0;
    return MR_OK;
}

static enum mr_status write_associations(struct postgres *p)
{
    const struct mr_charter *const charter = mr_audit_charter(p->run->audit);
    enum mr_status st = MR_OK;
    for (; p->associations < charter->associations_count && st == MR_OK; p->associations++)
        st = export_rows_association(p->run, &p->sink, p->associations);
    return st;
}

static enum mr_status write_account(struct postgres *p, struct export_account *x, bool again)
{
    if (x == NULL)
        return out_fail(p->run->out, MR_NO_MEMORY, NULL);
    if (x->written && !again)
        return MR_OK;
    x->written = true;
    return export_rows_account(p->run, &p->sink, x);
}

static bool changes_account(const struct mr_order *o)
{
    return o->body.kind == MR_KIND_OPEN || o->body.kind == MR_KIND_FLAG ||
           o->body.kind == MR_KIND_LIST;
}

static enum mr_status write_accounts(struct postgres *p, const struct export_slot *slot)
{
    const struct mr_order *const o = slot->e->order;
    struct export_facts f = {0};
    if (o != NULL)
        f = export_facts(o);
    enum mr_status st = write_account(p, slot->chain, o != NULL && o->body.kind == MR_KIND_CLOSE);
    for (uint32_t i = 0; i < slot->e->postings_count && st == MR_OK; i++)
        st = write_account(p, slot->accounts[i], false);
    if (st == MR_OK && f.about != NULL)
        st = write_account(p, export_account(p->run, f.about), changes_account(o));
    return st;
}

static enum mr_status slot(struct export_run *run, const struct export_slot *slot)
{
    struct postgres *const p = run->state;
    enum mr_status st = MR_OK;
    if (p->orders >= (uint64_t)p->per_batch)
        st = close_batch(p);
    if (st == MR_OK)
        st = write_associations(p);
    if (st == MR_OK)
        st = write_accounts(p, slot);
    p->orders++;
    return st == MR_OK ? export_rows_order(run, &p->sink, slot) : st;
}

/* Accounts that no new order names, for the first time or as they stand now. */
static enum mr_status write_rest(struct postgres *p)
{
    size_t count = 0;
    enum mr_status st = write_associations(p);
    struct export_account **const all = export_accounts_sorted(p->run, &count);
    if (all == NULL)
        return out_fail(p->run->out, MR_NO_MEMORY, NULL);
    for (size_t i = 0; i < count && st == MR_OK; i++)
        st = write_account(p, all[i], false);
    free(all);
    return st == MR_OK ? close_batch(p) : st;
}

/* --- copying ------------------------------------------------------------------------------------
 */

static enum mr_status copy_tables(struct postgres *p, const struct batch *b,
                                  const struct batch *before)
{
    enum mr_status st = MR_OK;
    for (unsigned i = 0; i < COPIED && st == MR_OK; i++) {
        const enum export_table_id t = copied[i];
        const uint64_t len = b->end[t] - before->end[t];
        if (len > 0)
            st = export_schema_copy(&p->db, t, p->spool[t], len);
        if (st == MR_OK && len > 0)
            st = export_schema_merge(&p->db, t);
    }
    return st;
}

static enum mr_status copy_batch(struct postgres *p, const struct batch *b,
                                 const struct batch *before)
{
    enum mr_status st = db_do(&p->db, NULL, "BEGIN");
    if (st == MR_OK)
        st = export_schema_advance(&p->db, before->settled, before->hash, b->settled, b->hash);
    if (st == MR_OK)
        st = copy_tables(p, b, before);
    if (st == MR_OK)
        st = db_do(&p->db, NULL, "COMMIT");
    if (st == MR_OK)
        p->db.changed = true;
    return st;
}

static enum mr_status copy_all(struct postgres *p)
{
    struct export_run *const run = p->run;
    struct batch before = {.settled = run->known};
    struct progress progress;
    enum mr_status st = MR_OK;
    memcpy(before.hash, run->known_hash, sizeof before.hash);
    for (unsigned i = 0; i < COPIED; i++) {
        if (fflush(p->spool[copied[i]]) != 0)
            return export_cannot_write(run->out, _("a scratch file"), errno);
        rewind(p->spool[copied[i]]);
    }
    progress_begin(&progress, run->c, _("copying"), run->settled - run->known);
    for (size_t i = 0; i < p->count && st == MR_OK; i++) {
        st = copy_batch(p, &p->batches[i], &before);
        before = p->batches[i];
        progress_update(&progress, before.settled - run->known);
    }
    progress_end(&progress);
    return st;
}

static enum mr_status publish(struct export_run *run)
{
    struct postgres *const p = run->state;
    const uint64_t known = run->known;
    enum mr_status st = run->settled == known && known > 0 ? MR_OK : write_rest(p);
    if (st == MR_OK)
        st = db_open(&p->db, run->c, run->out, opt_text(run->c, "database"));
    if (st == MR_OK)
        st = export_schema_open(&p->db, run, true);
    if (st == MR_OK && run->known != known)
        st = out_fail(run->out, MR_IN_USE,
                      _("another export writes into this schema: wait for its end, then repeat the "
                        "command"));
    if (st == MR_OK)
        st = copy_all(p);
    if (st != MR_OK)
        return st;
    out_int(run->out, "copied", (int64_t)(run->settled - known));
    out_print(run->out, _("%llu settled slots copied, %llu are in the database\n"),
              (unsigned long long)(run->settled - known), (unsigned long long)run->settled);
    return MR_OK;
}

/* --- begin and end ------------------------------------------------------------------------------
 */

/* What the database holds is asked for first; reading the book may take longer than a connection
 * lasts. */
static enum mr_status look(struct postgres *p)
{
    enum mr_status st = db_open(&p->db, p->run->c, p->run->out, opt_text(p->run->c, "database"));
    if (st == MR_OK)
        st = export_schema_open(&p->db, p->run, false);
    db_close(&p->db);
    return st;
}

static enum mr_status begin(struct export_run *run)
{
    struct postgres *const p = calloc(1, sizeof *p);
    run->state = p;
    if (p == NULL)
        return out_fail(run->out, MR_NO_MEMORY, NULL);
    p->run = run;
    p->per_batch = BATCH_ORDERS;
    p->sink.ctx = p;
    p->sink.row = row;
    if (opt_int(run->c, run->out, &p->per_batch, "batch", 1, BATCH_MAX) == MR_USAGE)
        return MR_USAGE;
    enum mr_status st = look(p);
    for (unsigned i = 0; i < COPIED && st == MR_OK; i++) {
        p->sink.wants[copied[i]] = true;
        p->spool[copied[i]] = export_scratch(run);
        if (p->spool[copied[i]] == NULL)
            st = MR_IO_ERROR;
    }
    return st;
}

static void end(struct export_run *run)
{
    struct postgres *const p = run->state;
    if (p == NULL)
        return;
    for (unsigned i = 0; i < COPIED; i++) {
        if (p->spool[copied[i]] != NULL)
            fclose(p->spool[copied[i]]);
    }
    db_close(&p->db);
    free(p->batches);
    free(p);
}

const struct export_format export_postgres = {.name = "postgres",
                                              .has_range = false,
                                              .begin = begin,
                                              .slot = slot,
                                              .publish = publish,
                                              .end = end};
