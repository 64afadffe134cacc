/* When the storm is over: everything that must come has come, and what must hold then. */
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "mereau/assert.h"
#include "mereau/audit.h"
#include "mereau/codec.h"
#include "mereau/state.h"
#include "sim/sim.h"
#include "sim/truth.h"
#include "sim/watch.h"
#include "storage/mem.h"

enum { PULSE_MS = 20000 };

bool in_service(const struct sim *s, const struct copy *c)
{
    return c->honest && !c->gone && era_has(&s->eras[s->epoch], c->number) &&
           watch_epoch(c->watch) == s->epoch;
}

/* --- liveness --------------------------------------------------------------------------------- */

/* L1, L6: every order has an outcome that its owner knows. */
static bool owners_know(const struct sim *s, char *ret_why, size_t cap)
{
    for (uint32_t i = 0; i < s->owners_count; i++) {
        const struct owner *w = &s->owners[i];
        if (!w->open)
            continue;
        snprintf(ret_why, cap, "owner %u does not know what became of %llu%s, last told %s", i,
                 (unsigned long long)w->next_seq, w->cancelling ? " (cancelled)" : "",
                 mr_status_name(w->last));
        return false;
    }
    return true;
}

/* L2, L3: no slot hangs, and all nodes have settled the same. */
static bool nodes_agree(struct sim *s, char *ret_why, size_t cap)
{
    for (uint32_t i = 0; i < s->copies_count; i++) {
        struct copy *c = &s->copies[i];
        for (uint32_t k = 0; k < s->owners_count && in_service(s, c); k++) {
            uint64_t settled = 0;
            while (settled < s->truth.chains[k].count && s->truth.chains[k].slots[settled].settled)
                settled++;
            const uint64_t next = watch_reached(c->watch, k)->next_seq;
            if (next == settled + 1)
                continue;
            snprintf(ret_why, cap, "node %u stands at %llu of owner %u's chain, others at %llu",
                     c->number, (unsigned long long)next, k, (unsigned long long)settled + 1);
            return false;
        }
    }
    return true;
}

/* L4: the last epoch that was decided has begun, everywhere. */
static bool epochs_over(const struct sim *s, char *ret_why, size_t cap)
{
    const struct era *e = &s->eras[s->decided];
    for (uint32_t i = 0; i < s->copies_count; i++) {
        const struct copy *c = &s->copies[i];
        if (!c->honest || !era_has(e, c->number) || (c->gone && c->joining == NULL) ||
            (!c->gone && watch_epoch(c->watch) == s->decided))
            continue;
        snprintf(ret_why, cap, "node %u is%s in epoch %u, and %u is decided", c->number,
                 c->gone ? " not" : "", c->gone ? s->decided : watch_epoch(c->watch), s->decided);
        return false;
    }
    return true;
}

static bool stores_full(struct sim *s)
{
    bool full = true;
    for (uint32_t i = 0; i < s->copies_count; i++)
        full = (!s->copies[i].up || node_flush(s, &s->copies[i])) && full;
    return full;
}

bool final_reached(struct sim *s, const char **ret_name, char *ret_why, size_t cap)
{
    *ret_name = "L4";
    if (!epochs_over(s, ret_why, cap))
        return false;
    *ret_name = "L6";
    if (!owners_know(s, ret_why, cap))
        return false;
    *ret_name = "L3";
    if (!nodes_agree(s, ret_why, cap))
        return false;
    *ret_name = "L7";
    if (!rest_reached(s, ret_why, cap))
        return false;
    *ret_name = "L3";
    snprintf(ret_why, cap, "a node does not bring its store up to date");
    return stores_full(s);
}

/* Where two stores differ in what stands in the state root. */
struct difference {
    struct mr_store *stores[2];
    char text[128];
};

static void part(struct mr_store *s, const uint8_t id[16], struct mr_state_account *ret_account,
                 struct mr_state_chain *ret_chain)
{
    uint8_t number[8], value[MR_STORE_VALUE_MAX];
    struct mr_state_hot hot = {0};
    size_t len;
    memset(ret_account, 0, sizeof *ret_account);
    if (s->api->get(s, MR_TABLE_ACCOUNT_NO, id, 16, number, 8, &len) == MR_OK &&
        s->api->get(s, MR_TABLE_ACCOUNT, number, 8, value, sizeof value, &len) == MR_OK &&
        mr_state_account_decode(ret_account, value, len) == MR_OK &&
        s->api->get(s, MR_TABLE_HOT, number, 8, value, sizeof value, &len) == MR_OK &&
        mr_state_hot_decode(&hot, value, len) != MR_OK)
        mr_bug("row");
    *ret_chain = hot.chain;
}

static bool same_account(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                         size_t value_len)
{
    static struct mr_state_account a[2];
    static struct mr_state_chain h[2];
    static uint8_t bytes[2][MR_STORE_VALUE_MAX];
    struct difference *d = ctx;
    (void)key_len;
    (void)value;
    (void)value_len;
    for (int i = 0; i < 2; i++)
        part(d->stores[i], key, &a[i], &h[i]);
    size_t len = mr_state_account_encode(&a[0], bytes[0], sizeof bytes[0]);
    if (mr_state_account_encode(&a[1], bytes[1], sizeof bytes[1]) != len ||
        memcmp(bytes[0], bytes[1], len) != 0)
        snprintf(d->text, sizeof d->text, "account %s (%s), generations %u and %u", brief(key),
                 mr_account_class_text(a[0].class), a[0].generation, a[1].generation);
    len = mr_state_chain_encode(&h[0], bytes[0], sizeof bytes[0]);
    if (mr_state_chain_encode(&h[1], bytes[1], sizeof bytes[1]) != len ||
        memcmp(bytes[0], bytes[1], len) != 0)
        snprintf(d->text, sizeof d->text,
                 "chain of %s (%s), next %llu and %llu, time %llu and %llu", brief(key),
                 mr_account_class_text(a[0].class), (unsigned long long)h[0].next_seq,
                 (unsigned long long)h[1].next_seq, (unsigned long long)h[0].time_ms,
                 (unsigned long long)h[1].time_ms);
    return d->text[0] == '\0';
}

static const char *difference(struct mr_store *a, struct mr_store *b)
{
    static struct difference d;
    d = (struct difference){.stores = {a, b}};
    if (a->api->walk(a, MR_TABLE_ACCOUNT_NO, NULL, 0, same_account, &d) != MR_OK)
        mr_bug("store in memory");
    return d.text;
}

/* --- S10 -------------------------------------------------------------------------------------- */

static void *plain_get(void *ctx, size_t bytes)
{
    (void)ctx;
    return malloc(bytes);
}

static void plain_put(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static const struct mr_mem plain = {plain_get, plain_put, NULL};

/* What one node settled in one epoch, by chain. */
struct settled_set {
    struct mr_entry_settled *entries;
    size_t count, cap;
    bool *done;
};

/* What it settled, by epoch. */
struct settled_sets {
    struct settled_set at[EPOCHS_MAX + 1];
    struct mr_entry *began[EPOCHS_MAX + 1]; /* how; NULL: the first */
    uint32_t last;
};

static void set_add(struct settled_set *set, const struct mr_entry_settled *e)
{
    if (set->count == set->cap) {
        set->cap = set->cap == 0 ? 64 : 2 * set->cap;
        set->entries = realloc(set->entries, set->cap * sizeof *set->entries);
        mr_assert(set->entries != NULL);
    }
    set->entries[set->count++] = *e;
}

static bool begins_epoch(const struct mr_entry *e)
{
    return e->kind == MR_ENTRY_EPOCH || e->kind == MR_ENTRY_RESTART || e->kind == MR_ENTRY_REGROUP;
}

static struct mr_entry *entry_copy(const struct mr_entry *e)
{
    struct mr_entry *ret = malloc(sizeof *ret);
    mr_assert(ret != NULL);
    *ret = *e;
    return ret;
}

static void sets_read(struct sim *s, struct settled_sets *sets, const struct copy *c)
{
    size_t len, at = 0;
    const uint8_t *log = mr_journal_mem_bytes(c->journal, MR_FAMILY_LOG, &len);
    struct mr_frame f;
    sets->last = 1;
    while (at < len && mr_frame_read(&f, log + at, len - at, NULL) == MR_OK) {
        const uint8_t *p = log + at + MR_FRAME_HEAD_BYTES, *end = p + f.len;
        while (p < end) {
            size_t n;
            if (mr_entry_decode_first(&s->entry, &n, p, (size_t)(end - p)) != MR_OK)
                mr_bug("entry");
            if (s->entry.kind == MR_ENTRY_SETTLED)
                set_add(&sets->at[sets->last], &s->entry.u.settled);
            if (begins_epoch(&s->entry))
                sets->began[++sets->last] = entry_copy(&s->entry);
            p += n;
        }
        at += mr_frame_size(f.len);
    }
    for (uint32_t i = 1; i <= sets->last; i++) {
        sets->at[i].done = calloc(sets->at[i].count + 1, sizeof(bool));
        mr_assert(sets->at[i].done != NULL);
    }
}

/* Whether everything the order needs is there: preparing leaves out accounts that do not exist. */
static bool can_apply(const struct mri_ledger *l, const struct mri_plan *plan,
                      const struct mr_order *o, const struct mr_entry_settled *e)
{
    const enum mr_order_kind kind = o->body.kind;
    if (kind == MR_KIND_CUT)
        return l->meta.next != 0;
    if (kind == MR_KIND_FLAG || kind == MR_KIND_LIST || kind == MR_KIND_GRANT)
        return plan->rows_count > 1;
    return plan->postings_count == e->postings_count;
}

static bool apply(struct sim *s, struct mri_ledger *l, struct mri_plan *plan, const struct copy *c,
                  const struct mr_entry_settled *e)
{
    size_t len;
    const uint8_t *bodies = mr_journal_mem_bytes(c->journal, MR_FAMILY_BODIES, &len);
    if (mri_view_reserve(l->view) != MR_OK)
        mr_bug("memory");
    if (e->voided)
        return mri_ledger_void(l, e) == MR_OK;
    if (mr_body_decode(&s->body, bodies + e->body_at, e->body_len) != MR_OK)
        violated(s, "S10", "node %u: the body of an order cannot be read", c->number);
    const struct mr_order *o = &s->body.u.order.order;
    if (mri_ledger_prepare(l, plan, o, e->value) != MR_OK || !can_apply(l, plan, o, e))
        return false;
    mri_ledger_apply(l, plan, e);
    return true;
}

/* Whether nothing of the same chain stands before it that was not applied. */
static bool is_next(const struct settled_set *set, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!set->done[k] && memcmp(set->entries[k].account, set->entries[i].account, 16) == 0)
            return false;
    return true;
}

static void apply_all(struct sim *s, struct mri_ledger *l, struct settled_set *set,
                      const struct copy *c)
{
    static struct mri_plan plan;
    for (size_t left = set->count, stuck = 0; left > 0; stuck++) {
        const size_t i = (size_t)rng_below(&s->chance, set->count);
        if (stuck > 1000 * set->count)
            violated(s, "S10", "%zu orders of node %u cannot be applied", left, c->number);
        if (set->done[i] || !is_next(set, i) || !apply(s, l, &plan, c, &set->entries[i]))
            continue;
        set->done[i] = true;
        left--;
        stuck = 0;
    }
}

/* The chain of checkpoints has the keys of those who sign from now on. */
static void put_checkpoints(struct mri_ledger *l, const struct mr_state_account *a)
{
    uint8_t bytes[MR_STORE_VALUE_MAX], key[8];
    mri_view_put(l->view, MR_TABLE_ACCOUNT, key, mri_key_u64(key, l->checkpoints), bytes,
                 mr_state_account_encode(a, bytes, sizeof bytes));
}

/* JNL-9: the only node has another key. */
static enum mr_status go_on(struct mri_ledger *l, const struct mr_restart *r)
{
    struct mr_state_account a;
    const enum mr_status st = mri_account_get(l, &a, l->checkpoints);
    if (st != MR_OK)
        return st;
    a.keys.keys[0] = l->present.charter.nodes[0].log_key = r->log_key;
    a.generation++;
    l->present.generations[0].number = r->generation;
    l->meta.epoch = r->epoch;
    l->meta.next = l->meta.cut = 0;
    put_checkpoints(l, &a);
    mri_ledger_put_present(l);
    return MR_OK;
}

/* EPO-10 */
static enum mr_status regroup(struct mri_ledger *l, const struct mr_next_epoch *next)
{
    struct mr_state_account a;
    const enum mr_status st = mri_account_get(l, &a, l->checkpoints);
    if (st != MR_OK)
        return st;
    l->next = *next;
    mri_ledger_apply_cut(l, &a);
    put_checkpoints(l, &a);
    return mri_ledger_next_epoch(l);
}

static enum mr_status begin_epoch(struct mri_ledger *l, const struct mr_entry *e)
{
    const enum mr_status st = mri_view_reserve(l->view);
    if (e == NULL || st != MR_OK)
        return st;
    if (e->kind == MR_ENTRY_RESTART)
        return go_on(l, &e->u.restart.restart);
    return e->kind == MR_ENTRY_EPOCH ? mri_ledger_next_epoch(l)
                                     : regroup(l, &e->u.regroup.regroup.next);
}

/* The settled orders in another order, in a ledger of its own: the same root. */
static void check_permutation(struct sim *s, const struct copy *c, const uint8_t root[32])
{
    static struct mri_ledger ledger;
    struct settled_sets sets = {0};
    struct mri_view view;
    struct mr_store *store;
    struct mr_put *puts;
    size_t count;
    struct mr_checkpoint sum;
    if (mr_store_mem_open(&store, &plain, NULL) != MR_OK)
        mr_bug("memory");
    mri_view_init(&view, store, &plain);
    memset(&ledger, 0, sizeof ledger);
    if (mri_view_reserve(&view) != MR_OK || mri_ledger_load(&ledger, &view, &s->charter) != MR_OK)
        mr_bug("memory");
    sets_read(s, &sets, c);
    for (uint32_t i = 1; i <= sets.last; i++) {
        if (begin_epoch(&ledger, sets.began[i]) != MR_OK)
            violated(s, "S10", "node %u: epoch %u cannot begin", c->number, i);
        apply_all(s, &ledger, &sets.at[i], c);
        free(sets.began[i]);
        free(sets.at[i].entries);
        free(sets.at[i].done);
    }
    mri_ledger_store(&ledger);
    if (mri_view_freeze(&view, &puts, &count) != MR_OK)
        mr_bug("memory");
    mr_puts_sort(puts, count);
    if (store->api->commit(store, puts, count) != MR_OK || store->api->refresh(store) != MR_OK)
        mr_bug("store in memory");
    mri_view_flushed(&view, puts);
    if (mr_state_sum(&sum, store, &s->charter, &plain) != MR_OK)
        mr_bug("sum");
    if (memcmp(sum.state_root, root, 32) != 0)
        violated(s, "S10", "what node %u settled gives another root in another order: %s",
                 c->number, difference(c->store, store));
    mri_view_done(&view);
    store->api->close(store);
}

/* --- the auditor ------------------------------------------------------------------------------ */

struct auditing {
    struct sim *s;
    const struct copy *c;
};

/* A finding that is none against the audited node: what others said is theirs. */
static bool is_of_others(const struct sim *s, const struct mr_audit_finding *f)
{
    /* Evidence in the log of a node that lies. */
    if (strncmp(f->rule, "EVD-", 4) == 0)
        for (uint32_t i = 1; i <= s->nodes; i++) {
            char name[32];
            snprintf(name, sizeof name, "the log of node %u", i);
            if ((s->liar[i] || s->forgot[i] != 0) && strstr(f->expected, name) != NULL)
                return true;
        }
    /* Of a node with several histories the CUT may name another one than the book has. */
    if (strcmp(f->what, "log that a CUT names") == 0)
        for (uint32_t i = 1; i <= s->nodes; i++) {
            char name[32];
            const int n = snprintf(name, sizeof name, "node %u", i);
            if (s->liar[i] && strncmp(f->found, name, (size_t)n) == 0)
                return true;
        }
    return false;
}

static void on_finding(void *ctx, const struct mr_audit_finding *f)
{
    const struct auditing *a = ctx;
    if (is_of_others(a->s, f))
        return;
    violated(a->s, f->rule, "the auditor on node %u, turn %llu: %s: expected %s, found %s",
             a->c->number, (unsigned long long)f->turn, f->what, f->expected, f->found);
}

static void feed(struct mr_audit *audit, const struct copy *c)
{
    size_t log_len, bodies_len, log = 0, bodies = 0;
    const uint8_t *l = mr_journal_mem_bytes(c->journal, MR_FAMILY_LOG, &log_len);
    const uint8_t *b = mr_journal_mem_bytes(c->journal, MR_FAMILY_BODIES, &bodies_len);
    struct mr_frame f;
    while (log < log_len && mr_frame_read(&f, l + log, log_len - log, NULL) == MR_OK) {
        const size_t whole = mr_frame_size(f.len), more = (size_t)f.end - bodies;
        const struct mr_audit_turn turn = {l + log, whole, more > 0 ? b + bodies : NULL, more};
        if (mr_audit_feed(audit, &turn) != MR_OK)
            mr_bug("auditor");
        log += whole;
        bodies = (size_t)f.end;
    }
    struct mr_audit_batch *batch = mr_audit_take(audit);
    for (size_t i = 0; batch != NULL && i < mr_audit_batch_count(batch); i++)
        mr_audit_verify(batch, i);
    mr_audit_give(audit, batch);
}

/* A book that leads to the epoch in which another one begins; NULL: nobody has it any more. */
static const struct copy *base_of(const struct sim *s, const struct copy *c)
{
    for (uint32_t i = 0; i < s->copies_count; i++) {
        const struct copy *b = &s->copies[i];
        if (b->honest && !b->forgetful && !b->gone && b->joined == 0 &&
            watch_epoch(b->watch) >= c->joined)
            return b;
    }
    return NULL;
}

static void audit(struct sim *s, const struct copy *c)
{
    static uint8_t charter[sizeof(struct mr_charter)];
    const size_t n = mr_charter_encode(&s->charter, charter, sizeof charter);
    struct auditing a = {s, c};
    struct mr_audit *audit;
    struct mr_audit_totals totals;
    const struct copy *base = c->joined != 0 ? base_of(s, c) : NULL;
    if (c->joined != 0 && base == NULL)
        return;
    if (mr_audit_create(&audit, &plain, on_finding, &a, charter, n) != MR_OK)
        mr_bug("auditor");
    if (base != NULL) {
        mr_audit_until(audit, c->joined);
        feed(audit, base);
        if (!mr_audit_go_on(audit))
            violated(s, "EPO-8", "the book of node %u does not lead to epoch %u", base->number,
                     c->joined);
    }
    feed(audit, c);
    if (mr_audit_end(audit, &totals) != MR_OK)
        mr_bug("auditor");
    mr_audit_destroy(audit);
}

/* --- all of it -------------------------------------------------------------------------------- */

/* S20: what a receipt said is what was settled. */
static void check_receipts(struct sim *s)
{
    for (uint32_t i = 0; i < s->owners_count; i++)
        for (uint64_t k = 0; k < s->truth.chains[i].count; k++) {
            const struct slot *at = &s->truth.chains[i].slots[k];
            if (at->receipted && (!at->settled || memcmp(at->value, at->receipt_value, 32) != 0))
                violated(s, "S20", "a receipt for %llu of owner %u, which did not settle so",
                         (unsigned long long)k + 1, i);
        }
}

/* L5: while a node runs, its head does not grow old, whether anything happens or not. */
static void check_pulse(struct sim *s, const struct copy *c)
{
    struct mr_engine_facts f;
    mr_engine_facts(c->engine, &f);
    if (s->final && in_service(s, c) && s->eras[s->epoch].count > 1 && !f.abstaining &&
        f.head.time_ms + PULSE_MS < clock_of(s, c))
        violated(s, "L5", "the head of node %u is %llu ms old", c->number,
                 (unsigned long long)(clock_of(s, c) - f.head.time_ms));
}

/* What every honest node must be able to show, whatever the others did. */
static void check_node(struct sim *s, struct copy *c, struct mr_checkpoint *ret)
{
    check_pulse(s, c);
    node_check_store(s, c);
    if (node_sum(s, c, ret) != MR_OK)
        violated(s, "S19", "node %u cannot sum up its state", c->number);
    if (!c->forgetful)
        audit(s, c);
}

void final_checks(struct sim *s)
{
    struct mr_checkpoint first = {0}, sum;
    const struct copy *one = NULL, *model = NULL;
    if (s->final)
        check_receipts(s);
    for (uint32_t i = 0; i < s->copies_count; i++) {
        struct copy *c = &s->copies[i];
        if (!c->honest || !c->up)
            continue;
        check_node(s, c, &sum);
        if (!in_service(s, c))
            continue;
        if (one == NULL)
            first = sum;
        else if (s->final && memcmp(first.state_root, sum.state_root, 32) != 0)
            violated(s, "L3", "nodes %u and %u have settled the same and differ: %s", one->number,
                     c->number, difference(one->store, c->store));
        one = c;
        if (c->joined == 0 && (model == NULL || !c->forgetful))
            model = c;
    }
    mr_assert(one != NULL || !s->final);
    if (s->final && model != NULL)
        check_permutation(s, model, first.state_root);
}
