/* What pairs of accounts show: flows as matrices, reciprocity, the connected core, shops a person
 * knows. */
#include <string.h>

#include "audit/stats/stats.h"

struct flows {
    struct mr_stats *s;
    struct mri_stats_list *l;
    uint32_t accounts;
    size_t *index;
    uint8_t *in; /* the core */
    struct deeds {
        int64_t *given, *received; /* by account, zero; NULL: nobody asks who is behind shares */
    } part, rest;
    struct mri_stats_pairs runs[MRI_STATS_RUNS]; /* of the whole */
    /* pairs of shops that ever paid: keys plus 1 in open addresses */
    uint64_t *known;
    size_t known_count, known_cap;
};

/* --- matrices --------------------------------------------------------------------------------- */

struct cell {
    int64_t sum, largest_payer, largest_payee;
    uint32_t payers, payees;
};

/* Accounts by key, and one row of the matrix at a time. */
struct matrix {
    uint32_t keys;
    const uint32_t *key_of; /* by account */
    uint32_t *sorted;       /* accounts by key */
    size_t *first;          /* by key: its first account in sorted */
    struct cell *row;       /* by column */
    int64_t *by_payee;      /* by account */
    uint32_t *payees;       /* touched */
    size_t payees_count;
    int64_t *by_column; /* of one payer */
};

static void sort_accounts(struct matrix *m, uint32_t accounts)
{
    memset(m->first, 0, ((size_t)m->keys + 2) * sizeof *m->first);
    for (uint32_t a = 0; a < accounts; a++)
        m->first[m->key_of[a] + 1]++;
    for (uint32_t k = 0; k <= m->keys; k++)
        m->first[k + 1] += m->first[k];
    for (uint32_t a = 0; a < accounts; a++)
        m->sorted[m->first[m->key_of[a]]++] = a;
    for (uint32_t k = m->keys + 1; k > 0; k--)
        m->first[k] = m->first[k - 1];
    m->first[0] = 0;
}

static void take_payer(const struct flows *w, const struct mri_stats_pairs *p, struct matrix *m,
                       uint32_t payer, enum mr_stats_scope scope)
{
    for (size_t i = w->index[payer]; i < w->index[payer + 1]; i++) {
        const struct mri_stats_pair *const x = &p->pairs[i];
        const uint32_t column = m->key_of[x->to];
        if (!mr_stats_in_scope(scope, w->s->t.accounts[x->to].class))
            continue;
        m->by_column[column] += x->sum;
        if (m->by_payee[x->to] == 0)
            m->payees[m->payees_count++] = x->to;
        m->by_payee[x->to] += x->sum;
    }
    for (size_t i = w->index[payer]; i < w->index[payer + 1]; i++) {
        const uint32_t column = m->key_of[p->pairs[i].to];
        if (m->by_column[column] == 0)
            continue;
        struct cell *const c = &m->row[column];
        const int64_t sum = m->by_column[column];
        m->by_column[column] = 0;
        c->sum += sum;
        c->payers++;
        c->largest_payer = sum > c->largest_payer ? sum : c->largest_payer;
    }
}

static void tell_row(const struct flows *w, struct matrix *m, enum mr_stats_id id, uint32_t period,
                     uint32_t row, const uint32_t *names)
{
    for (size_t i = 0; i < m->payees_count; i++) {
        struct cell *const c = &m->row[m->key_of[m->payees[i]]];
        const int64_t sum = m->by_payee[m->payees[i]];
        c->payees++;
        c->largest_payee = sum > c->largest_payee ? sum : c->largest_payee;
        m->by_payee[m->payees[i]] = 0;
    }
    for (size_t i = 0; i < m->payees_count; i++) {
        const uint32_t column = m->key_of[m->payees[i]];
        struct cell *const c = &m->row[column];
        if (c->sum == 0)
            continue;
        mri_stats_cell(w->l, id, period, names[row], names[column], c->sum, 1);
        mri_stats_behind(w->l, c->payers < c->payees ? c->payers : c->payees,
                         c->largest_payer > c->largest_payee ? c->largest_payer : c->largest_payee);
        *c = (struct cell){0};
    }
    m->payees_count = 0;
}

/* names: what keys are called in figures. */
static enum mr_status tell_matrix(const struct flows *w, const struct mri_stats_pairs *p,
                                  enum mr_stats_id id, uint32_t period, const uint32_t *key_of,
                                  uint32_t keys, const uint32_t *names)
{
    const struct mr_mem *const mem = &w->s->mem;
    const size_t n = w->accounts, k = (size_t)keys + 2;
    const enum mr_stats_scope scope = mr_stats_indicator(id)->scope;
    struct matrix m = {.keys = keys,
                       .key_of = key_of,
                       .sorted = mri_stats_room(mem, n, sizeof *m.sorted),
                       .first = mri_stats_room(mem, k, sizeof *m.first),
                       .row = mri_stats_room(mem, k, sizeof *m.row),
                       .by_payee = mri_stats_room(mem, n, sizeof *m.by_payee),
                       .payees = mri_stats_room(mem, n, sizeof *m.payees),
                       .by_column = mri_stats_room(mem, k, sizeof *m.by_column)};
    const bool all = m.sorted != NULL && m.first != NULL && m.row != NULL && m.by_payee != NULL &&
                     m.payees != NULL && m.by_column != NULL;
    if (all)
        sort_accounts(&m, w->accounts);
    for (uint32_t row = 0; all && row < keys; row++) {
        for (size_t i = m.first[row]; i < m.first[row + 1]; i++) {
            if (mr_stats_in_scope(scope, w->s->t.accounts[m.sorted[i]].class))
                take_payer(w, p, &m, m.sorted[i], scope);
        }
        tell_row(w, &m, id, period, row, names);
    }
    void *const rooms[] = {m.sorted, m.first, m.row, m.by_payee, m.payees, m.by_column};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++)
        mri_stats_free(mem, rooms[i]);
    return all ? MR_OK : MR_NO_MEMORY;
}

static uint32_t axis_value(const struct mr_stats_account *x, enum mr_stats_axis axis)
{
    if (axis == MR_STATS_AXIS_CLASS)
        return x->class;
    return axis == MR_STATS_AXIS_TRADE ? x->trade : x->association;
}

/* Keys number the values that occur, ascending; what has none comes last. */
static enum mr_status tell_flow(const struct flows *w, const struct mri_stats_pairs *p,
                                enum mr_stats_id id, uint32_t period)
{
    const struct mr_stats_table *const t = &w->s->t;
    const enum mr_stats_axis axis = mr_stats_indicator(id)->row;
    if (!w->s->wanted[id])
        return MR_OK;
    const uint32_t values = axis == MR_STATS_AXIS_CLASS   ? MR_STATS_CLASSES
                            : axis == MR_STATS_AXIS_TRADE ? t->labels_count
                                                          : t->associations_count;
    const struct mr_mem *const mem = &w->s->mem;
    uint32_t *const keys = mri_stats_room(mem, w->accounts, sizeof *keys);
    uint32_t *const number = mri_stats_room(mem, (size_t)values + 1, sizeof *number);
    uint32_t *const names = mri_stats_room(mem, (size_t)values + 1, sizeof *names);
    enum mr_status st = keys == NULL || number == NULL || names == NULL ? MR_NO_MEMORY : MR_OK;
    uint32_t count = 0;
    for (uint32_t a = 0; st == MR_OK && a < w->accounts; a++) {
        const uint32_t v = axis_value(&t->accounts[a], axis);
        number[v < values ? v : values] = 1;
    }
    for (uint32_t v = 0; st == MR_OK && v <= values; v++) {
        if (number[v] == 0)
            continue;
        names[count] = v < values ? v : MR_STATS_NONE;
        number[v] = count++;
    }
    for (uint32_t a = 0; st == MR_OK && a < w->accounts; a++) {
        const uint32_t v = axis_value(&t->accounts[a], axis);
        keys[a] = number[v < values ? v : values];
    }
    if (st == MR_OK)
        st = tell_matrix(w, p, id, period, keys, count, names);
    mri_stats_free(mem, keys);
    mri_stats_free(mem, number);
    mri_stats_free(mem, names);
    return st;
}

/* --- circulation alone ------------------------------------------------------------------------ */

static bool circulates(const struct flows *w, const struct mri_stats_pair *p)
{
    return (w->s->is[p->from] & w->s->is[p->to] & IS_CIRCULATING) != 0;
}

static void take_deed(struct deeds *d, const struct mri_stats_pair *p, int64_t amount)
{
    if (d->given == NULL)
        return;
    d->given[p->from] += amount;
    d->received[p->to] += amount;
}

/* Who stands behind what was paid, by what each gave or got, `times` over. All is zero again. */
static bool is_few(const struct flows *w, struct deeds *d, wide sum, int64_t times)
{
    struct mri_stats_group g = {0, 0, 0};
    for (uint32_t a = 0; d->given != NULL && a < w->accounts; a++) {
        const int64_t most = d->given[a] > d->received[a] ? d->given[a] : d->received[a];
        mri_stats_group_add(&g, most * times);
        d->given[a] = d->received[a] = 0;
    }
    g.sum = sum;
    return d->given != NULL && mri_stats_is_few(w->s, &g);
}

/* The share added last, of two parts. */
static void mark_parts(struct flows *w, wide part, int64_t times, wide rest)
{
    const bool few = is_few(w, &w->part, part, times);
    mri_stats_mark(w->l, is_few(w, &w->rest, rest, 1) || few);
}

/* What two paid each other is a part of both, and each stands behind the whole of it. */
static void tell_reciprocity(struct flows *w, const struct mri_stats_pairs *p, uint32_t period)
{
    wide both = 0, all = 0;
    uint64_t pairs = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct mri_stats_pair *const x = &p->pairs[i];
        if (!circulates(w, x))
            continue;
        all += x->sum;
        const struct mri_stats_pair *const back =
            x->from < x->to || w->part.given != NULL
                ? mri_stats_pairs_find(p, w->index, x->to, x->from)
                : NULL;
        const int64_t mutual = back == NULL ? 0 : back->sum < x->sum ? back->sum : x->sum;
        take_deed(&w->part, x, mutual);
        take_deed(&w->rest, x, x->sum - mutual);
        if (x->from > x->to || back == NULL)
            continue;
        pairs++;
        both += mutual;
    }
    mri_stats_add(w->l, MR_STATS_PAIRS, period, (wide)pairs, 1);
    mri_stats_add(w->l, MR_STATS_RECIPROCITY, period, 2 * both, all);
    mark_parts(w, 2 * both, 2, all - 2 * both);
}

/* What is paid inside the core, and what is not. */
static void tell_core_share(struct flows *w, const struct mri_stats_pairs *p, uint32_t period)
{
    wide inside = 0, all = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct mri_stats_pair *const x = &p->pairs[i];
        const bool is = w->in[x->from] != 0 && w->in[x->to] != 0;
        all += x->sum;
        inside += is ? x->sum : 0;
        take_deed(is ? &w->part : &w->rest, x, x->sum);
    }
    mri_stats_add(w->l, MR_STATS_CORE_SHARE, period, inside, all);
    mark_parts(w, inside, 1, all - inside);
}

static enum mr_status tell_core(struct flows *w, const struct mri_stats_pairs *circulating,
                                uint32_t period)
{
    enum mr_status st;
    const uint32_t size =
        mri_stats_core(w->in, circulating, w->index, w->accounts, &w->s->mem, &st);
    if (st != MR_OK)
        return st;
    mri_stats_add(w->l, MR_STATS_CORE, period, size, 1);
    mri_stats_behind(w->l, size, size > 0);
    tell_core_share(w, circulating, period);
    return MR_OK;
}

static void tell_shops(const struct flows *w, const struct mri_stats_pairs *p, uint32_t period)
{
    uint64_t shops = 0, persons = 0;
    if (!w->s->classes) {
        mri_stats_none(w->l, MR_STATS_SHOPS_PER, period, MR_STATS_NO_CLASS);
        return;
    }
    for (uint32_t a = 0; a < w->accounts; a++) {
        const uint64_t before = shops;
        for (size_t i = w->index[a]; (w->s->is[a] & IS_PERSON) != 0 && i < w->index[a + 1]; i++)
            shops += (w->s->is[p->pairs[i].to] & IS_SHOP) != 0 ? 1 : 0;
        persons += shops > before ? 1 : 0;
    }
    mri_stats_add(w->l, MR_STATS_SHOPS_PER, period, (wide)shops, (wide)persons);
    mri_stats_behind(w->l, (uint32_t)persons, 0);
}

/* --- suppliers -------------------------------------------------------------------------------- */

static uint64_t *place_of(const struct flows *w, uint64_t key)
{
    uint64_t h = key * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(h >> 20) & (w->known_cap - 1);
    while (w->known[at] != 0 && w->known[at] != key)
        at = (at + 1) & (w->known_cap - 1);
    return &w->known[at];
}

static bool widen(struct flows *w)
{
    if (w->known_count + 1 <= w->known_cap / 2)
        return true;
    struct flows wider = *w;
    wider.known_cap = w->known_cap == 0 ? 1024 : w->known_cap * 2;
    wider.known = mri_stats_room(&w->s->mem, wider.known_cap, sizeof *wider.known);
    if (wider.known == NULL)
        return false;
    for (size_t i = 0; i < w->known_cap; i++) {
        if (w->known[i] != 0)
            *place_of(&wider, w->known[i]) = w->known[i];
    }
    mri_stats_free(&w->s->mem, w->known);
    w->known = wider.known;
    w->known_cap = wider.known_cap;
    return true;
}

/* Pairs of shops that were not known; from now on they are. */
static enum mr_status meet(struct flows *w, const struct mri_stats_pairs *p, uint64_t *ret_new)
{
    for (size_t i = 0; w->s->wanted[MR_STATS_SUPPLIERS] && i < p->count; i++) {
        const struct mri_stats_pair *const x = &p->pairs[i];
        if ((w->s->is[x->from] & w->s->is[x->to] & IS_SHOP) == 0)
            continue;
        if (!widen(w))
            return MR_NO_MEMORY;
        uint64_t *const at = place_of(w, ((uint64_t)x->from << 32 | x->to) + 1);
        w->known_count += *at == 0 ? 1 : 0;
        *ret_new += *at == 0 ? 1 : 0;
        *at = ((uint64_t)x->from << 32 | x->to) + 1;
    }
    return MR_OK;
}

static void tell_suppliers(struct flows *w, uint32_t period, uint64_t found)
{
    if (w->s->classes)
        mri_stats_add(w->l, MR_STATS_SUPPLIERS, period, (wide)found, 1);
    else
        mri_stats_none(w->l, MR_STATS_SUPPLIERS, period, MR_STATS_NO_CLASS);
}

/* --- the walk --------------------------------------------------------------------------------- */

static void keep_circulating(const struct flows *w, struct mri_stats_pairs *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (circulates(w, &p->pairs[i]))
            p->pairs[n++] = p->pairs[i];
    }
    p->count = n;
}

/* Pairs that do not circulate are gone from p afterwards. */
static enum mr_status tell(struct flows *w, struct mri_stats_pairs *p, uint32_t period)
{
    mri_stats_pairs_index(w->index, p, w->accounts);
    enum mr_status st = tell_flow(w, p, MR_STATS_FLOW_CLASS, period);
    if (st == MR_OK && w->s->t.associations_count > 0)
        st = tell_flow(w, p, MR_STATS_FLOW_HOME, period);
    if (st == MR_OK && w->s->t.labels_count > 0)
        st = tell_flow(w, p, MR_STATS_FLOW_TRADE, period);
    if (st != MR_OK)
        return st;
    tell_reciprocity(w, p, period);
    tell_shops(w, p, period);
    if (!mri_stats_wants(w->s, MR_STATS_CORE, MR_STATS_CORE_SHARE))
        return MR_OK;
    keep_circulating(w, p);
    mri_stats_pairs_index(w->index, p, w->accounts);
    return tell_core(w, p, period);
}

static enum mr_status tell_whole(struct flows *w)
{
    struct mri_stats_pairs all = {NULL, 0};
    enum mr_status st = mri_stats_runs_all(&all, w->runs, &w->s->mem);
    if (st == MR_OK)
        st = tell(w, &all, w->s->count);
    mri_stats_pairs_done(&all, &w->s->mem);
    return st;
}

static enum mr_status walk(struct flows *w)
{
    struct mr_stats *const s = w->s;
    struct mri_stats_pairs p;
    uint64_t old = 0, all = 0;
    enum mr_status st = mri_stats_pairs_of(&p, s, 0, s->first[0], false);
    if (st == MR_OK)
        st = meet(w, &p, &old);
    mri_stats_pairs_done(&p, &s->mem);
    for (uint32_t k = 0; st == MR_OK && k < s->count; k++) {
        uint64_t found = 0;
        st = mri_stats_pairs_of(&p, s, s->first[k], s->first[k + 1], false);
        struct mri_stats_pairs copy = {NULL, 0};
        if (st == MR_OK)
            st = mri_stats_pairs_copy(&copy, &p, &s->mem);
        if (st == MR_OK)
            st = mri_stats_runs_add(w->runs, &copy, &s->mem);
        if (st == MR_OK)
            st = meet(w, &p, &found);
        if (st == MR_OK)
            st = tell(w, &p, k);
        mri_stats_pairs_done(&copy, &s->mem);
        tell_suppliers(w, k, found);
        all += found;
        mri_stats_pairs_done(&p, &s->mem);
    }
    if (st == MR_OK)
        st = tell_whole(w);
    tell_suppliers(w, s->count, all);
    return st;
}

enum mr_status mri_stats_pairs_job(struct mr_stats *s, struct mri_stats_list *l)
{
    if (!mri_stats_wants(s, MR_STATS_SHOPS_PER, MR_STATS_SHOPS_PER) &&
        !mri_stats_wants(s, MR_STATS_SUPPLIERS, MR_STATS_FLOW_HOME) &&
        !mri_stats_wants(s, MR_STATS_PAIRS, MR_STATS_RECIPROCITY) &&
        !mri_stats_wants(s, MR_STATS_CORE, MR_STATS_CORE_SHARE))
        return MR_OK;
    struct flows *const w = mri_stats_room(&s->mem, 1, sizeof *w);
    enum mr_status st = MR_NO_MEMORY;
    if (w == NULL)
        return MR_NO_MEMORY;
    w->s = s;
    w->l = l;
    w->accounts = s->t.accounts_count;
    w->index = mri_stats_room(&s->mem, (size_t)w->accounts + 1, sizeof *w->index);
    w->in = mri_stats_room(&s->mem, w->accounts, sizeof *w->in);
    const bool few = s->few_members > 0;
    int64_t **const parts[] = {&w->part.given, &w->part.received, &w->rest.given,
                               &w->rest.received};
    bool ready = w->index != NULL && w->in != NULL;
    for (size_t i = 0; few && i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i] = mri_stats_room(&s->mem, (size_t)w->accounts + 1, sizeof(int64_t));
        ready = ready && *parts[i] != NULL;
    }
    if (ready)
        st = walk(w);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        mri_stats_free(&s->mem, *parts[i]);
    for (size_t k = 0; k < MRI_STATS_RUNS; k++)
        mri_stats_pairs_done(&w->runs[k], &s->mem);
    mri_stats_free(&s->mem, w->known);
    mri_stats_free(&s->mem, w->index);
    mri_stats_free(&s->mem, w->in);
    mri_stats_free(&s->mem, w);
    return st;
}
