/* The rest of a saved audit: journal, logs, slots, other nodes, totals. */
#include <string.h>

#include "audit/file.h"

enum { MANY = 1 << 28, LEAST = 8 };

static void tree(struct mri_aud_file *f, struct mri_aud_tree *t)
{
    FIELD(f, t->size);
    FIELD(f, t->window);
    if (t->window > MRI_AUD_WINDOW || (t->window & (t->window - 1)) != 0 ||
        t->size >> (MRI_AUD_LEVELS - 1) != 0)
        mri_aud_file_fail(f, MR_DAMAGED);
    for (unsigned level = 0; f->st == MR_OK && t->size >> level != 0; level++) {
        const uint64_t count = t->size >> level, held = mri_aud_tree_held(t, level);
        for (uint64_t i = count - held; i < count; i++) {
            uint8_t *const cell = mri_aud_tree_cell(t, &f->a->mem, level, i);
            if (cell == NULL)
                mri_aud_file_fail(f, MR_NO_MEMORY);
            if (f->st != MR_OK)
                return;
            mri_aud_file_raw(f, cell, 32);
        }
    }
}

/* --- journal ---------------------------------------------------------------------------------- */

static void kept_body(struct mri_aud_file *f, struct mri_aud_body *b)
{
    uint32_t kind = (uint32_t)b->kind;
    FIELD(f, b->at);
    FIELD(f, kind);
    b->kind = (enum mr_body_kind)kind;
    BYTES(f, b->id);
    BYTES(f, b->account);
    FIELD(f, b->seq);
}

static void kept(struct mri_aud_file *f)
{
    struct mri_aud_kept *k, **end = &f->a->kept;
    uint64_t count = 0;
    for (k = f->a->kept; k != NULL; k = k->next)
        count++;
    count = mri_aud_file_count(f, count, MANY, LEAST);
    k = f->a->kept;
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++, k = k->next) {
        uint32_t len = f->loading ? 0 : k->body.len;
        FIELD(f, len);
        if (f->loading) {
            if (len > f->left)
                mri_aud_file_fail(f, MR_DAMAGED);
            k = *end = mri_aud_file_get(f, sizeof *k + len);
            if (k == NULL)
                return;
            end = &k->next;
            k->body.len = len;
            k->body.bytes = (const uint8_t *)(k + 1);
        }
        kept_body(f, &k->body);
        mri_aud_file_raw(f, k + 1, len);
    }
}

/* The last turns: what is older was written over. */
static void sizes(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    const uint64_t first = a->turn < MRI_AUD_TURNS ? 0 : a->turn - MRI_AUD_TURNS + 1;
    for (uint64_t t = first; t <= a->turn && f->st == MR_OK; t++)
        FIELD(f, a->size_after[t % MRI_AUD_TURNS]);
}

static void journal(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    FIELD(f, a->turn);
    BYTES(f, a->check);
    FIELD(f, a->bodies_end);
    FIELD(f, a->bodies_known);
    FIELD(f, a->erased_until);
    kept(f);
    sizes(f);
}

/* --- logs and epochs -------------------------------------------------------------------------- */

static void end_of_epoch(struct mri_aud_file *f, struct mri_aud_end *e)
{
    FIELD(f, e->has_next);
    FIELD(f, e->has_cut);
    FIELD(f, e->has_final);
    BYTES(f, e->id);
    if (e->has_next)
        mri_aud_file_next_epoch(f, &e->next);
    if (e->has_cut)
        mri_aud_file_cut(f, &e->cut);
    FIELD(f, e->unread);
    FIELD(f, e->sealed);
    BYTES(f, e->root);
}

static void past_logs(struct mri_aud_file *f)
{
    struct mri_aud_past_log *p, **end = &f->a->past_logs;
    uint64_t count = 0;
    for (p = f->a->past_logs; p != NULL; p = p->next)
        count++;
    count = mri_aud_file_count(f, count, MANY, LEAST);
    p = f->a->past_logs;
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++, p = p->next) {
        if (f->loading) {
            p = *end = mri_aud_file_get(f, sizeof *p);
            if (p == NULL)
                return;
            end = &p->next;
        }
        tree(f, &p->tree);
        FIELD(f, p->epoch);
        FIELD(f, p->node);
        FIELD(f, p->lost);
    }
}

static void roster(struct mri_aud_file *f, struct mri_aud_roster *r)
{
    FIELD(f, r->epoch);
    FIELD(f, r->quorum);
    mri_aud_file_witness_set(f, &r->witnesses);
    r->count = (uint32_t)mri_aud_file_count(f, r->count, MR_NODES_MAX, MR_KEY_BYTES);
    for (uint32_t i = 0; i < r->count; i++) {
        FIELD(f, r->seats[i].node);
        FIELD(f, r->seats[i].generation);
        BYTES(f, r->seats[i].key.key);
        BYTES(f, r->seats[i].association);
    }
}

/* The first is the charter's; there is always one. */
static void rosters(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    const uint64_t count = mri_aud_file_count(f, a->rosters_count, MANY, LEAST);
    if (f->loading && count == 0)
        mri_aud_file_fail(f, MR_DAMAGED);
    if (f->loading && f->st == MR_OK) {
        mri_aud_put(a, a->rosters);
        a->rosters = mri_aud_file_get(f, (size_t)count * sizeof *a->rosters);
        a->rosters_count = a->rosters_cap = a->rosters != NULL ? (size_t)count : 0;
    }
    for (size_t i = 0; i < a->rosters_count && f->st == MR_OK; i++)
        roster(f, &a->rosters[i]);
}

static void own_log(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    rosters(f);
    for (size_t i = 0; i < MR_NODES_MAX; i++)
        FIELD(f, a->generations[i]);
    tree(f, &a->tree);
    FIELD(f, a->synced);
    FIELD(f, a->head_size);
    FIELD(f, a->shown);
    FIELD(f, a->started);
    FIELD(f, a->abstaining);
    FIELD(f, a->speaks);
    FIELD(f, a->node);
    FIELD(f, a->epoch);
    FIELD(f, a->generation);
    FIELD(f, a->log_turn);
    FIELD(f, a->restart_ms);
    FIELD(f, a->claims_until_ms);
    end_of_epoch(f, &a->end);
    past_logs(f);
    FIELD(f, a->until);
    FIELD(f, a->reached);
    FIELD(f, a->late);
    FIELD(f, a->begins);
    FIELD(f, a->last_checkpoint.number);
    FIELD(f, a->last_checkpoint.epoch);
    FIELD(f, a->last_checkpoint.size);
    FIELD(f, a->last_checkpoint.time_ms);
}

/* --- slots ------------------------------------------------------------------------------------ */

static void said(struct mri_aud_file *f, struct mri_aud_said *s)
{
    uint32_t kind = (uint32_t)s->kind;
    FIELD(f, kind);
    s->kind = (enum mr_leaf_kind)kind;
    FIELD(f, s->node);
    FIELD(f, s->ballot);
    FIELD(f, s->cert_ballot);
    FIELD(f, s->index);
    FIELD(f, s->shown);
    BYTES(f, s->value);
    BYTES(f, s->certificate);
}

static void all_said(struct mri_aud_file *f, struct mri_aud_open *o)
{
    const uint64_t count = mri_aud_file_count(f, o->said_count, MANY, LEAST);
    if (f->loading && count > 0) {
        o->said = mri_aud_file_get(f, (size_t)count * sizeof *o->said);
        if (o->said == NULL)
            return;
        o->said_count = o->said_cap = (size_t)count;
    }
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++)
        said(f, &o->said[i]);
}

static void slot(struct mri_aud_file *f, struct mri_aud_open *o)
{
    uint32_t trigger = (uint32_t)o->trigger_kind;
    mri_aud_file_account(f, &o->account);
    FIELD(f, o->seq);
    FIELD(f, o->entry);
    FIELD(f, o->voted);
    FIELD(f, o->acked);
    FIELD(f, o->promised);
    FIELD(f, o->unlocked);
    FIELD(f, o->vote_ballot);
    FIELD(f, o->ack_ballot);
    FIELD(f, o->promise);
    BYTES(f, o->vote);
    BYTES(f, o->ack);
    BYTES(f, o->certificate);
    FIELD(f, o->vote_index);
    FIELD(f, o->ack_index);
    FIELD(f, o->triggered);
    FIELD(f, trigger);
    o->trigger_kind = (enum mr_trigger_kind)trigger;
    BYTES(f, o->trigger);
    FIELD(f, o->ordered);
    FIELD(f, o->conflict);
    BYTES(f, o->order);
    FIELD(f, o->lapse_ms);
    FIELD(f, o->settled);
    BYTES(f, o->value);
    all_said(f, o);
}

static void load_slots(struct mri_aud_file *f, uint64_t count, bool settled)
{
    struct mr_audit *const a = f->a;
    struct mri_aud_open **end = &a->open;
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++) {
        struct mri_aud_open *const o = mri_aud_file_get(f, sizeof *o);
        if (o == NULL)
            return;
        slot(f, o);
        if (f->st == MR_OK &&
            (o->settled != settled || mri_aud_slot(a, o->account->id, o->seq) != NULL))
            mri_aud_file_fail(f, MR_DAMAGED);
        if (f->st == MR_OK && !mri_aud_slot_add(a, o, end))
            mri_aud_file_fail(f, MR_NO_MEMORY);
        if (f->st != MR_OK) {
            mri_aud_put(a, o->said);
            mri_aud_put(a, o);
            return;
        }
        if (!settled)
            end = &o->next;
    }
}

static void slots(struct mri_aud_file *f, bool settled)
{
    struct mri_aud_open *const first = settled ? f->a->old : f->a->open;
    uint64_t count = 0;
    for (const struct mri_aud_open *o = first; o != NULL; o = o->next)
        count++;
    count = mri_aud_file_count(f, count, MANY, LEAST);
    if (f->loading) {
        load_slots(f, count, settled);
        return;
    }
    for (struct mri_aud_open *o = first; o != NULL; o = o->next)
        slot(f, o);
}

/* --- other nodes ------------------------------------------------------------------------------ */

static void mirror(struct mri_aud_file *f, struct mri_aud_mirror *m)
{
    const size_t cap = sizeof m->pending / sizeof m->pending[0];
    tree(f, &m->tree);
    FIELD(f, m->sealed);
    BYTES(f, m->seals);
    FIELD(f, m->rest);
    FIELD(f, m->has_final);
    BYTES(f, m->final);
    FIELD(f, m->size);
    FIELD(f, m->lost);
    FIELD(f, m->has_head);
    if (m->has_head)
        mri_aud_file_head(f, &m->head);
    m->pending_count = (uint32_t)mri_aud_file_count(f, m->pending_count, cap, LEAST);
    for (uint32_t i = 0; i < m->pending_count; i++)
        mri_aud_file_head(f, &m->pending[i]);
}

static void mirrors(struct mri_aud_file *f)
{
    for (size_t i = 0; i < MR_NODES_MAX && f->st == MR_OK; i++) {
        struct mri_aud_mirror **const m = &f->a->mirrors[i];
        bool has = *m != NULL;
        FIELD(f, has);
        if (f->loading && has)
            *m = mri_aud_file_get(f, sizeof **m);
        if (*m != NULL)
            mirror(f, *m);
    }
}

static void breaches(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    const uint64_t count = mri_aud_file_count(f, a->breaches_count, MANY, LEAST);
    if (f->loading && count > 0) {
        a->breaches = mri_aud_file_get(f, (size_t)count * sizeof *a->breaches);
        a->breaches_cap = a->breaches_count = a->breaches == NULL ? 0 : (size_t)count;
    }
    for (uint64_t i = 0; i < a->breaches_count && f->st == MR_OK; i++) {
        struct mri_aud_breach *const b = &a->breaches[i];
        uint32_t breach = (uint32_t)b->breach;
        FIELD(f, b->node);
        FIELD(f, breach);
        b->breach = (enum mr_breach)breach;
        BYTES(f, b->account);
        FIELD(f, b->seq);
    }
}

static void evidence(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    const uint64_t count = mri_aud_file_count(f, a->evidence_count, MANY, LEAST);
    if (f->loading && count > 0) {
        a->evidence = mri_aud_file_get(f, (size_t)count * sizeof *a->evidence);
        a->evidence_cap = a->evidence_count = a->evidence == NULL ? 0 : (size_t)count;
    }
    for (uint64_t i = 0; i < a->evidence_count && f->st == MR_OK; i++) {
        FIELD(f, a->evidence[i].node);
        BYTES(f, a->evidence[i].hash);
    }
}

/* --- totals ----------------------------------------------------------------------------------- */

/* The counts: what mr_audit_end works out is worked out again. */
static void counts(struct mri_aud_file *f, struct mr_audit_totals *t)
{
    uint64_t *const all[] = {&t->turns,
                             &t->entries,
                             &t->leaves,
                             &t->heads,
                             &t->settled,
                             &t->voided,
                             &t->parked,
                             &t->checkpoints,
                             &t->signatures,
                             &t->findings,
                             &t->convictions,
                             &t->peer_leaves,
                             &t->settled_by_cut,
                             &t->convicted,
                             &t->orders_unchecked,
                             &t->heads_unchecked,
                             &t->checkpoints_unchecked,
                             &t->certificates_unchecked,
                             &t->voids_unchecked,
                             &t->evidence_unchecked,
                             &t->clocks_back};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        FIELD(f, *all[i]);
}

static void totals(struct mri_aud_file *f, struct mr_audit_totals *t)
{
    counts(f, t);
    for (size_t i = 0; i < MR_AUDIT_KINDS; i++) {
        FIELD(f, t->kinds[i].count);
        for (size_t u = 0; u < MR_UNITS_MAX; u++)
            FIELD(f, t->kinds[i].sum[u]);
    }
    for (size_t u = 0; u < MR_UNITS_MAX; u++)
        FIELD(f, t->fees[u]);
    t->epochs_count = (uint32_t)mri_aud_file_count(f, t->epochs_count, MR_AUDIT_EPOCHS, LEAST);
    for (uint32_t i = 0; i < t->epochs_count; i++) {
        FIELD(f, t->epochs[i].epoch);
        FIELD(f, t->epochs[i].quorum);
        FIELD(f, t->epochs[i].nodes);
        FIELD(f, t->epochs[i].turn);
        FIELD(f, t->epochs[i].settled);
    }
    FIELD(f, t->has_head);
    if (t->has_head)
        mri_aud_file_head(f, &t->head);
}

void mri_aud_file_logs(struct mri_aud_file *f)
{
    journal(f);
    own_log(f);
    slots(f, false);
    slots(f, true);
    mirrors(f);
    breaches(f);
    evidence(f);
    totals(f, &f->a->totals);
}
