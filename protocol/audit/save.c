/* Saving an audit and going on with it later: the ledger's state, and the whole. */
#include <string.h>

#include "audit/file.h"

enum {
    ROWS_MAX = 1 << 28, /* of one table */
    KEY_SETS_MAX = 1 << 20,
    LEAST = 8 /* bytes that a row takes, at least */
};

static const uint8_t magic[8] = "MRAS0002";

/* --- accounts --------------------------------------------------------------------------------- */

void mri_aud_file_account(struct mri_aud_file *f, struct mri_aud_account **x)
{
    uint8_t id[MR_ACCOUNT_BYTES] = {0};
    if (!f->loading)
        memcpy(id, (*x)->id, sizeof id);
    BYTES(f, id);
    if (!f->loading)
        return;
    *x = mri_aud_map_get(&f->a->accounts, id);
    if (*x == NULL)
        mri_aud_file_fail(f, MR_DAMAGED);
}

static void hot(struct mri_aud_file *f, struct mri_aud_hot *h)
{
    FIELD(f, h->next_seq);
    BYTES(f, h->head);
    FIELD(f, h->time_ms);
    FIELD(f, h->day);
    FIELD(f, h->month);
    FIELD(f, h->day_spent);
    FIELD(f, h->month_spent);
    for (uint32_t u = 0; u < f->a->charter.units_count; u++)
        FIELD(f, h->balance[u]);
}

/* Key sets that treasuries had, the newest first: the place of one. */
static void past_keys(struct mri_aud_file *f, const struct mri_aud_past_keys **p)
{
    uint32_t place = 0;
    struct mri_aud_past_keys *at = f->a->past_keys;
    if (!f->loading) {
        for (place = 1; at != NULL && at != *p; at = at->made_before)
            place++;
        place = *p == NULL ? 0 : place;
    }
    FIELD(f, place);
    if (!f->loading)
        return;
    for (uint32_t i = 1; i < place && at != NULL; i++)
        at = at->made_before;
    *p = place == 0 ? NULL : at;
    if (place > 0 && at == NULL)
        mri_aud_file_fail(f, MR_DAMAGED);
}

static void keys(struct mri_aud_file *f, struct mri_aud_cold *c)
{
    struct mr_keyset set = {.threshold = c->threshold, .keys_count = c->key_count};
    FIELD(f, set.threshold);
    set.keys_count = (uint32_t)mri_aud_file_count(f, set.keys_count, MR_KEYS_MAX, MR_KEY_BYTES);
    if (!f->loading) {
        mri_aud_file_raw(f, c->keys, c->key_count * sizeof *c->keys);
        return;
    }
    mri_aud_file_raw(f, set.keys, set.keys_count * sizeof *set.keys);
    struct mri_aud_account with = {.cold = *c};
    if (f->st == MR_OK)
        mri_aud_set_keys(f->a, &with, &set);
    c->keys = with.cold.keys;
    c->key_count = with.cold.key_count;
    c->threshold = set.threshold;
}

static void cold(struct mri_aud_file *f, struct mri_aud_cold *c)
{
    keys(f, c);
    FIELD(f, c->generation);
    BYTES(f, c->enc_key);
    BYTES(f, c->reader_key);
    FIELD(f, c->frozen);
    FIELD(f, c->closed);
    FIELD(f, c->credit);
    FIELD(f, c->limit_payment);
    FIELD(f, c->limit_day);
    FIELD(f, c->limit_month);
    FIELD(f, c->is_lowered);
    FIELD(f, c->most.credit);
    FIELD(f, c->most.limit_payment);
    FIELD(f, c->most.limit_day);
    FIELD(f, c->most.limit_month);
    past_keys(f, &c->past);
    FIELD(f, c->issued);
    FIELD(f, c->cleared);
    FIELD(f, c->stopped);
    c->recoveries_count =
        (uint32_t)mri_aud_file_count(f, c->recoveries_count, MR_RECOVERIES_MAX, LEAST);
    for (uint32_t i = 0; i < c->recoveries_count; i++)
        mri_aud_file_recovery(f, &c->recoveries[i]);
}

static void listed_as(struct mri_aud_file *f, struct mri_aud_listing **l)
{
    bool has = *l != NULL;
    uint8_t key[sizeof(*l)->key] = {0};
    FIELD(f, has);
    if (!has)
        return;
    if (*l != NULL)
        memcpy(key, (*l)->key, sizeof key);
    BYTES(f, key);
    if (!f->loading)
        return;
    *l = mri_aud_map_get(&f->a->listings, key);
    if (*l == NULL)
        mri_aud_file_fail(f, MR_DAMAGED);
}

static void account(struct mri_aud_file *f, void *entry)
{
    struct mri_aud_account *const x = entry;
    uint32_t class = (uint32_t)x->class;
    BYTES(f, x->id);
    hot(f, &x->hot);
    cold(f, &x->cold);
    FIELD(f, x->hot_turn);
    FIELD(f, x->cold_turn);
    FIELD(f, x->opened_turn);
    FIELD(f, x->unknown);
    FIELD(f, x->partial);
    FIELD(f, x->blurred);
    FIELD(f, class);
    x->class = (enum mr_account_class) class;
    FIELD(f, x->home);
    if (x->home >= (int)f->a->charter.associations_count)
        mri_aud_file_fail(f, MR_DAMAGED);
    FIELD(f, x->opened_ms);
    FIELD(f, x->credit_max);
    listed_as(f, &x->listing);
}

/* --- other tables ----------------------------------------------------------------------------- */

static void bank(struct mri_aud_file *f, void *entry)
{
    struct mri_aud_bank *const b = entry;
    BYTES(f, b->key);
    mri_aud_file_state_slot_ref(f, &b->slot);
    FIELD(f, b->turn);
}

static void redemption(struct mri_aud_file *f, void *entry)
{
    struct mri_aud_redemption *const r = entry;
    BYTES(f, r->key);
    mri_aud_file_state_redemption(f, &r->row);
    FIELD(f, r->turn);
    FIELD(f, r->done_turn);
}

static void listing(struct mri_aud_file *f, void *entry)
{
    struct mri_aud_listing *const l = entry;
    BYTES(f, l->key);
    mri_aud_file_state_alias(f, &l->row);
    FIELD(f, l->turn);
}

typedef void row_fn(struct mri_aud_file *f, void *entry);

static void load_rows(struct mri_aud_file *f, struct mri_aud_map *m, size_t size, row_fn *row,
                      uint64_t count)
{
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++) {
        void *const entry = mri_aud_file_get(f, size);
        if (entry == NULL)
            return;
        row(f, entry);
        enum mr_status st = f->st;
        if (st == MR_OK && mri_aud_map_get(m, entry) != NULL)
            st = MR_DAMAGED;
        if (st == MR_OK)
            st = mri_aud_map_put(m, &f->a->mem, entry);
        if (st != MR_OK) {
            mri_aud_put(f->a, entry);
            mri_aud_file_fail(f, st);
        }
    }
}

/* Ascending by key, so that the same audit is the same bytes. */
static void table(struct mri_aud_file *f, struct mri_aud_map *m, size_t size, row_fn *row)
{
    const uint64_t count = mri_aud_file_count(f, m->count, ROWS_MAX, LEAST);
    if (f->loading) {
        load_rows(f, m, size, row, count);
        return;
    }
    void **const rows = mri_aud_map_sorted(m, &f->a->mem);
    if (rows == NULL) {
        if (count > 0)
            mri_aud_file_fail(f, MR_NO_MEMORY);
        return;
    }
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++)
        row(f, rows[i]);
    mri_aud_put(f->a, rows);
}

static void one_past_key(struct mri_aud_file *f, struct mri_aud_past_keys *p)
{
    FIELD(f, p->generation);
    FIELD(f, p->until_ms);
    BYTES(f, p->hash);
}

/* First all of them, then which follows which. */
static void all_past_keys(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    struct mri_aud_past_keys *p, **next = &a->past_keys;
    uint64_t count = 0;
    for (p = a->past_keys; p != NULL; p = p->made_before)
        count++;
    count = mri_aud_file_count(f, count, KEY_SETS_MAX, LEAST);
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++) {
        if (f->loading)
            *next = mri_aud_file_get(f, sizeof **next);
        p = *next;
        if (p == NULL)
            return;
        next = &p->made_before;
        one_past_key(f, p);
    }
    for (p = a->past_keys; p != NULL && f->st == MR_OK; p = p->made_before)
        past_keys(f, &p->older);
}

static void policies(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    const uint64_t count = mri_aud_file_count(f, a->policies_count, ROWS_MAX, LEAST);
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++) {
        struct mri_aud_policy p = {.turn = 0};
        if (!f->loading)
            p = *a->policies[i];
        mri_aud_file_policy(f, &p.row);
        FIELD(f, p.turn);
        if (!f->loading || f->st != MR_OK)
            continue;
        if (mri_aud_add_policy(a, &p.row))
            a->policies[i]->turn = p.turn;
        else
            mri_aud_file_fail(f, MR_NO_MEMORY);
    }
    if (count == 0)
        mri_aud_file_fail(f, MR_DAMAGED);
}

/* --- the past --------------------------------------------------------------------------------- */

static void undo(struct mri_aud_file *f, struct mri_aud_undo *u)
{
    bool has_cold = u->cold != NULL;
    FIELD(f, u->turn);
    mri_aud_file_account(f, &u->account);
    hot(f, &u->hot);
    FIELD(f, has_cold);
    if (!has_cold)
        return;
    if (f->loading)
        u->cold = mri_aud_file_get(f, sizeof *u->cold);
    if (u->cold != NULL)
        cold(f, u->cold);
}

static void undo_listings(struct mri_aud_file *f)
{
    struct mri_aud_undo_listing *u, **end = &f->a->past.listings;
    uint64_t count = 0;
    for (u = f->a->past.listings; u != NULL; u = u->next)
        count++;
    count = mri_aud_file_count(f, count, ROWS_MAX, LEAST);
    u = f->a->past.listings;
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++, u = u->next) {
        if (f->loading) {
            u = *end = mri_aud_file_get(f, sizeof *u);
            if (u == NULL)
                return;
            end = &u->next;
        }
        FIELD(f, u->turn);
        listed_as(f, &u->listing);
        mri_aud_file_state_alias(f, &u->row);
        if (f->st == MR_OK && u->listing == NULL)
            mri_aud_file_fail(f, MR_DAMAGED);
    }
}

static void past(struct mri_aud_file *f)
{
    struct mri_aud_past *const p = &f->a->past;
    const uint64_t count = mri_aud_file_count(f, p->count, MRI_AUD_UNDO_MAX, LEAST);
    FIELD(f, p->lost_turn);
    if (f->loading && count > 0) {
        for (p->cap = 1024; p->cap < count;)
            p->cap *= 2;
        p->ring = mri_aud_file_get(f, p->cap * sizeof *p->ring);
    }
    for (uint64_t i = 0; i < count && f->st == MR_OK; i++) {
        undo(f, &p->ring[(p->first + i) % p->cap]);
        if (f->loading)
            p->count++;
    }
    undo_listings(f);
}

/* --- the whole -------------------------------------------------------------------------------- */

static struct mri_aud_account *sub_account(struct mri_aud_file *f, const uint8_t of[16],
                                           enum mr_account_class class)
{
    uint8_t id[16];
    mri_aud_sub_account(id, of, class);
    struct mri_aud_account *const x = mri_aud_map_get(&f->a->accounts, id);
    if (x == NULL)
        mri_aud_file_fail(f, MR_DAMAGED);
    return x;
}

/* LED-2: who stands where follows from the charter. */
static void find_accounts(struct mri_aud_file *f)
{
    static const uint8_t nobody[MR_ACCOUNT_BYTES];
    struct mr_audit *const a = f->a;
    a->system = sub_account(f, nobody, MR_CLASS_SYSTEM);
    a->checkpoints = sub_account(f, nobody, MR_CLASS_CHECKPOINTS);
    a->world = sub_account(f, nobody, MR_CLASS_WORLD);
    for (uint32_t i = 0; i < a->charter.associations_count; i++) {
        const uint8_t *const id = a->charter.associations[i].id;
        a->of[i].desk = sub_account(f, id, MR_CLASS_DESK);
        a->of[i].treasury = sub_account(f, id, MR_CLASS_TREASURY);
        a->of[i].issuer = sub_account(f, id, MR_CLASS_ISSUER);
        a->of[i].reserve = sub_account(f, id, MR_CLASS_RESERVE);
        a->of[i].redeemed = sub_account(f, id, MR_CLASS_REDEEMED);
        a->of[i].own = sub_account(f, id, MR_CLASS_OWN);
    }
}

/* What genesis made: the file has it, as it is by now. */
static void forget_genesis(struct mr_audit *a)
{
    mri_aud_map_done(&a->accounts, &a->mem, true);
    for (size_t i = 0; i < a->policies_count; i++)
        mri_aud_put(a, a->policies[i]);
    a->policies_count = 0;
}

void mri_aud_file_state(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    mri_aud_file_charter(f, &a->charter);
    if (f->loading)
        forget_genesis(a);
    all_past_keys(f);
    table(f, &a->listings, sizeof(struct mri_aud_listing), listing);
    table(f, &a->accounts, sizeof(struct mri_aud_account), account);
    table(f, &a->banks, sizeof(struct mri_aud_bank), bank);
    table(f, &a->redemptions, sizeof(struct mri_aud_redemption), redemption);
    policies(f);
    past(f);
    FIELD(f, a->account_count);
    FIELD(f, a->member_count);
    FIELD(f, a->redemptions_open);
    FIELD(f, a->incomplete);
    FIELD(f, a->unsure);
    FIELD(f, a->uncovered);
    if (f->loading && f->st == MR_OK)
        find_accounts(f);
}

static void whole(struct mri_aud_file *f)
{
    uint8_t is[sizeof magic], ledger[32];
    memcpy(is, magic, sizeof is);
    memcpy(ledger, f->a->ledger, sizeof ledger);
    BYTES(f, is);
    BYTES(f, ledger);
    if (memcmp(is, magic, sizeof is) != 0)
        mri_aud_file_fail(f, MR_BAD_VERSION);
    if (memcmp(ledger, f->a->ledger, sizeof ledger) != 0)
        mri_aud_file_fail(f, MR_WRONG_LEDGER);
    mri_aud_file_state(f);
    mri_aud_file_logs(f);
}

static struct mri_aud_file *begin(struct mr_audit *a)
{
    struct mri_aud_file *const f = mri_aud_get(a, sizeof *f);
    if (f == NULL)
        return NULL;
    f->a = a;
    f->record = mri_aud_get(a, sizeof(struct mr_charter));
    if (f->record != NULL)
        return f;
    mri_aud_put(a, f);
    return NULL;
}

static enum mr_status end(struct mri_aud_file *f)
{
    struct mr_audit *const a = f->a;
    const enum mr_status st = a->no_memory ? MR_NO_MEMORY : f->st;
    mri_aud_put(a, f->record);
    mri_aud_put(a, f);
    return st;
}

enum mr_status mr_audit_save(struct mr_audit *a, mr_audit_write write, void *ctx)
{
    uint8_t hash[32];
    mr_assert(a->batch == NULL);
    struct mri_aud_file *const f = begin(a);
    if (f == NULL)
        return MR_NO_MEMORY;
    f->write = write;
    f->ctx = ctx;
    crypto_generichash_init(&f->hash, NULL, 0, sizeof hash);
    whole(f);
    mri_aud_file_flush(f);
    crypto_generichash_final(&f->hash, hash, sizeof hash);
    if (f->st == MR_OK)
        f->st = write(ctx, hash, sizeof hash);
    return end(f);
}

enum mr_status mr_audit_load(struct mr_audit *a, const uint8_t *bytes, size_t len)
{
    uint8_t hash[32];
    if (len < sizeof hash)
        return MR_DAMAGED;
    crypto_generichash(hash, sizeof hash, bytes, len - sizeof hash, NULL, 0);
    if (memcmp(hash, bytes + len - sizeof hash, sizeof hash) != 0)
        return MR_DAMAGED;
    struct mri_aud_file *const f = begin(a);
    if (f == NULL)
        return MR_NO_MEMORY;
    f->loading = true;
    f->in = bytes;
    f->left = len - sizeof hash;
    whole(f);
    if (f->left > 0)
        mri_aud_file_fail(f, MR_DAMAGED);
    return end(f);
}

void mr_audit_place(const struct mr_audit *a, struct mr_audit_place *ret)
{
    ret->turn = a->turn;
    ret->bodies = a->bodies_end;
    memcpy(ret->check, a->check, sizeof ret->check);
}
