/* Circularity of three months: what goes round at most of what was paid, and who stands behind. */
#include <string.h>

#include "audit/stats/stats.h"

enum { MONTHS = 3, HUBS = 2 };

/* Pair totals of calendar months, which windows of three of them share. */
struct months {
    struct {
        uint32_t from_day, to_day;
        struct mri_stats_pairs pairs;
    } kept[MONTHS];
    size_t next;
    size_t *index;
    /* where it is asked who stands behind; else NULL. By account: */
    uint32_t *rank;         /* its place by id */
    int64_t *given, *taken; /* scratch, zero */
};

/* One direction of each pair, with what is left of it. Gives what was taken away; each stands
 * behind the whole of what two paid each other (`mutual_by` by account; NULL). */
static wide net_pairs(struct mri_stats_pairs *p, const size_t *index, int64_t *mutual_by)
{
    wide mutual = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct mri_stats_pair *const x = &p->pairs[i];
        struct mri_stats_pair *const back =
            x->from > x->to ? NULL : mri_stats_pairs_find(p, index, x->to, x->from);
        if (back == NULL)
            continue;
        const int64_t both = x->sum < back->sum ? x->sum : back->sum;
        x->sum -= both;
        back->sum -= both;
        mutual += 2 * (wide)both;
        if (mutual_by != NULL) {
            mutual_by[x->from] += 2 * both;
            mutual_by[x->to] += 2 * both;
        }
    }
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->pairs[i].sum > 0)
            p->pairs[n++] = p->pairs[i];
    }
    p->count = n;
    return mutual;
}

/* The pairs of the days from one to another, kept. NULL: no memory. */
static const struct mri_stats_pairs *month(struct mr_stats *s, struct months *m, uint32_t from_day,
                                           uint32_t to_day)
{
    for (size_t i = 0; i < MONTHS; i++) {
        if (m->kept[i].pairs.pairs != NULL && m->kept[i].from_day == from_day &&
            m->kept[i].to_day == to_day)
            return &m->kept[i].pairs;
    }
    const size_t at = m->next++ % MONTHS;
    mri_stats_pairs_done(&m->kept[at].pairs, &s->mem);
    m->kept[at].from_day = from_day;
    m->kept[at].to_day = to_day;
    const enum mr_status st =
        mri_stats_pairs_of(&m->kept[at].pairs, s, mr_stats_row_of(&s->t, from_day),
                           mr_stats_row_of(&s->t, (uint64_t)to_day + 1), true);
    return st == MR_OK ? &m->kept[at].pairs : NULL;
}

static int no_ties(void *ctx, size_t a, size_t b)
{
    (void)ctx;
    return a < b ? -1 : a > b;
}

/* Accounts by their places among the ids: which circulation is found must not depend on the node
 * that the rows come from. */
static enum mr_status by_ids(struct mri_stats_pairs *p, const struct mr_stats *s,
                             const struct months *m)
{
    uint64_t *const keys = mri_stats_raw(&s->mem, p->count, sizeof *keys);
    uint32_t *const places = mri_stats_raw(&s->mem, p->count, sizeof *places);
    struct mri_stats_pair *const pairs = mri_stats_raw(&s->mem, p->count, sizeof *pairs);
    enum mr_status st = keys == NULL || places == NULL || pairs == NULL ? MR_NO_MEMORY : MR_OK;
    for (size_t i = 0; st == MR_OK && i < p->count; i++)
        keys[i] = (uint64_t)m->rank[p->pairs[i].from] << 32 | m->rank[p->pairs[i].to];
    if (st == MR_OK)
        st = mr_stats_sort(places, &s->mem, keys, p->count, no_ties, NULL);
    for (size_t i = 0; st == MR_OK && i < p->count; i++) {
        const uint64_t key = keys[places[i]];
        pairs[i] =
            (struct mri_stats_pair){(uint32_t)(key >> 32), (uint32_t)key, p->pairs[places[i]].sum};
    }
    if (st == MR_OK)
        memcpy(p->pairs, pairs, p->count * sizeof *pairs);
    mri_stats_free(&s->mem, keys);
    mri_stats_free(&s->mem, places);
    mri_stats_free(&s->mem, pairs);
    return st;
}

/* Those of the three months that end with a day. */
static enum mr_status window(struct mri_stats_pairs *ret, struct mr_stats *s, struct months *m,
                             uint32_t day)
{
    enum mr_status st = MR_OK;
    *ret = (struct mri_stats_pairs){NULL, 0};
    for (uint32_t back = MONTHS; st == MR_OK && back-- > 0;) {
        const uint32_t from = mri_stats_month_begin(day, back);
        const uint32_t to = back == 0 ? day : mri_stats_month_begin(day, back - 1) - 1;
        const struct mri_stats_pairs *const p = month(s, m, from, to);
        struct mri_stats_pairs copy = {NULL, 0};
        st = p == NULL ? MR_NO_MEMORY : mri_stats_pairs_copy(&copy, p, &s->mem);
        if (st == MR_OK)
            st = mri_stats_pairs_join(ret, &copy, &s->mem);
        mri_stats_pairs_done(&copy, &s->mem);
    }
    return st == MR_OK && m->rank != NULL ? by_ids(ret, s, m) : st;
}

/* --- who stands behind ------------------------------------------------------------------------ */

/* By what each gave or took. All is zero again. */
static bool is_few(const struct mr_stats *s, const struct months *m, wide sum)
{
    struct mri_stats_group g = {0, 0, 0};
    for (uint32_t a = 0; m->rank != NULL && a < s->t.accounts_count; a++) {
        mri_stats_group_add(&g, m->given[a] > m->taken[a] ? m->given[a] : m->taken[a]);
        m->given[a] = m->taken[a] = 0;
    }
    g.sum = sum;
    return m->rank != NULL && mri_stats_is_few(s, &g);
}

static void take_pairs(const struct months *m, const struct mri_stats_pairs *p)
{
    for (size_t i = 0; m->rank != NULL && i < p->count; i++) {
        m->given[p->pairs[i].from] += p->pairs[i].sum;
        m->taken[p->pairs[i].to] += p->pairs[i].sum;
    }
}

/* What does not go round is what some gave and did not get, and others got and did not give. */
static bool uneven_is_few(const struct mr_stats *s, const struct months *m,
                          const struct mri_stats_pairs *p)
{
    wide sum = 0;
    take_pairs(m, p);
    for (uint32_t a = 0; m->rank != NULL && a < s->t.accounts_count; a++) {
        const int64_t more = m->given[a] - m->taken[a];
        m->given[a] = more > 0 ? more : 0;
        m->taken[a] = more < 0 ? -more : 0;
        sum += m->given[a];
    }
    return is_few(s, m, sum);
}

/* What goes round without one account, of what was found to go round. */
static enum mr_status round_without(wide *ret, const struct mr_stats *s,
                                    const struct mri_stats_pairs *p, const int64_t *left,
                                    uint32_t account)
{
    struct mri_stats_pairs others;
    enum mr_status st = mri_stats_pairs_copy(&others, p, &s->mem);
    size_t n = 0;
    if (st != MR_OK)
        return st;
    for (size_t i = 0; i < p->count; i++) {
        const struct mri_stats_pair *const x = &p->pairs[i];
        if (left[i] > 0 && x->from != account && x->to != account)
            others.pairs[n++] = (struct mri_stats_pair){x->from, x->to, left[i]};
    }
    others.count = n;
    st = mri_stats_circulation(ret, NULL, &others, s->t.accounts_count, &s->mem);
    mri_stats_pairs_done(&others, &s->mem);
    return st;
}

/* Those through whom most goes; the first of equals. */
static void find_hubs(uint32_t ret[HUBS], const struct mr_stats *s, const struct months *m)
{
    for (size_t k = 0; k < HUBS; k++) {
        ret[k] = MR_STATS_NONE;
        for (uint32_t a = 0; a < s->t.accounts_count; a++) {
            if (m->given[a] > 0 && (k == 0 || a != ret[0]) &&
                (ret[k] == MR_STATS_NONE || m->given[a] > m->given[ret[k]]))
                ret[k] = a;
        }
    }
}

/* Few accounts that it goes round among, or one that nearly all of it goes through. */
static enum mr_status round_is_few(bool *ret, const struct mr_stats *s, const struct months *m,
                                   const struct mri_stats_pairs *p, const int64_t *left, wide all)
{
    uint32_t hubs[HUBS], members = 0;
    enum mr_status st = MR_OK;
    for (size_t i = 0; i < p->count; i++)
        m->given[p->pairs[i].from] += left[i];
    find_hubs(hubs, s, m);
    for (uint32_t a = 0; a < s->t.accounts_count; a++) {
        members += m->given[a] > 0 ? 1 : 0;
        m->given[a] = 0;
    }
    *ret = members > 0 && members < s->few_members;
    for (size_t k = 0; st == MR_OK && !*ret && k < HUBS && hubs[k] != MR_STATS_NONE; k++) {
        wide others = 0;
        st = round_without(&others, s, p, left, hubs[k]);
        *ret = (all - others) * 100 > all * s->few_share;
    }
    return st;
}

/* --- figures ---------------------------------------------------------------------------------- */

/* Of pair totals, if there are not too many of them. */
static enum mr_status tell_circulation(struct mr_stats *s, struct mri_stats_list *l,
                                       enum mr_stats_id id, uint32_t period,
                                       const struct mri_stats_pairs *p, wide all,
                                       const struct months *m)
{
    wide value = 0;
    bool few = false;
    if (!s->wanted[id])
        return MR_OK;
    if (p->count > s->q.edges_max) {
        mri_stats_none(l, id, period, MR_STATS_TOO_BIG);
        return MR_OK;
    }
    int64_t *const left = m->rank == NULL ? NULL : mri_stats_room(&s->mem, p->count, sizeof *left);
    enum mr_status st = m->rank != NULL && left == NULL ? MR_NO_MEMORY : MR_OK;
    if (st == MR_OK)
        st = mri_stats_circulation(&value, left, p, s->t.accounts_count, &s->mem);
    if (st == MR_OK && left != NULL)
        st = round_is_few(&few, s, m, p, left, value);
    mri_stats_free(&s->mem, left);
    if (st != MR_OK)
        return st;
    mri_stats_add(l, id, period, value, all);
    mri_stats_mark(l, uneven_is_few(s, m, p) || few);
    return MR_OK;
}

static enum mr_status tell(struct mr_stats *s, struct mri_stats_list *l, uint32_t period,
                           struct months *m)
{
    struct mri_stats_pairs p;
    wide all = 0;
    enum mr_status st = window(&p, s, m, s->periods[period].to_day);
    for (size_t i = 0; i < p.count; i++)
        all += p.pairs[i].sum;
    if (st == MR_OK)
        st = tell_circulation(s, l, MR_STATS_CIRCULARITY_GROSS, period, &p, all, m);
    mri_stats_pairs_index(m->index, &p, s->t.accounts_count);
    const wide mutual = net_pairs(&p, m->index, m->given);
    const bool few = is_few(s, m, mutual);
    take_pairs(m, &p);
    mri_stats_add(l, MR_STATS_CIRCULARITY_PAIRS, period, mutual, all);
    mri_stats_mark(l, is_few(s, m, all - mutual) || few);
    mri_stats_add(l, MR_STATS_CIRCULARITY_EDGES, period, (wide)p.count, 1);
    if (st == MR_OK)
        st = tell_circulation(s, l, MR_STATS_CIRCULARITY, period, &p, all, m);
    mri_stats_pairs_done(&p, &s->mem);
    return st;
}

/* The whole ends with the last period. */
static void again(const struct mr_stats *s, struct mri_stats_list *l)
{
    enum { KINDS = MR_STATS_CIRCULARITY_EDGES - MR_STATS_CIRCULARITY + 1 };
    const size_t n = l->count;
    for (size_t i = n < KINDS ? 0 : n - KINDS; l->status == MR_OK && i < n; i++) {
        struct mr_stats_figure f = l->figures[i];
        if (f.period != s->count - 1)
            continue;
        f.period = s->count;
        *mri_stats_add(l, f.id, s->count, f.num, f.den) = f;
    }
}

static uint64_t id_key(const uint8_t *id)
{
    uint64_t key = 0;
    for (size_t i = 0; i < sizeof key; i++)
        key = key << 8 | id[i];
    return key;
}

static int by_id(void *ctx, size_t a, size_t b)
{
    const struct mr_stats *const s = ctx;
    return memcmp(s->t.accounts[a].id, s->t.accounts[b].id, MR_ACCOUNT_BYTES);
}

static enum mr_status rank_accounts(struct months *m, struct mr_stats *s)
{
    const size_t n = s->t.accounts_count;
    uint64_t *const keys = mri_stats_room(&s->mem, n, sizeof *keys);
    uint32_t *const places = mri_stats_room(&s->mem, n, sizeof *places);
    m->rank = mri_stats_room(&s->mem, n, sizeof *m->rank);
    m->given = mri_stats_room(&s->mem, n, sizeof *m->given);
    m->taken = mri_stats_room(&s->mem, n, sizeof *m->taken);
    enum mr_status st =
        keys == NULL || places == NULL || m->rank == NULL || m->given == NULL || m->taken == NULL
            ? MR_NO_MEMORY
            : MR_OK;
    for (size_t i = 0; st == MR_OK && i < n; i++)
        keys[i] = id_key(s->t.accounts[i].id);
    if (st == MR_OK)
        st = mr_stats_sort(places, &s->mem, keys, n, by_id, s);
    for (size_t i = 0; st == MR_OK && i < n; i++)
        m->rank[places[i]] = (uint32_t)i;
    mri_stats_free(&s->mem, keys);
    mri_stats_free(&s->mem, places);
    return st;
}

static enum mr_status tell_all(struct mr_stats *s, struct mri_stats_list *l, struct months *m)
{
    enum mr_status st = s->few_members > 0 ? rank_accounts(m, s) : MR_OK;
    m->index = mri_stats_room(&s->mem, (size_t)s->t.accounts_count + 1, sizeof *m->index);
    if (m->index == NULL)
        st = MR_NO_MEMORY;
    for (uint32_t p = mri_stats_monthly(s) ? 0 : s->count; st == MR_OK && p < s->count; p++)
        st = tell(s, l, p, m);
    if (st == MR_OK && mri_stats_monthly(s))
        again(s, l);
    else if (st == MR_OK)
        st = tell(s, l, s->count, m);
    return st;
}

enum mr_status mri_stats_circularity_job(struct mr_stats *s, struct mri_stats_list *l)
{
    if (!mri_stats_wants(s, MR_STATS_CIRCULARITY, MR_STATS_CIRCULARITY_EDGES))
        return MR_OK;
    struct months *const m = mri_stats_room(&s->mem, 1, sizeof *m);
    if (m == NULL)
        return MR_NO_MEMORY;
    const enum mr_status st = tell_all(s, l, m);
    for (size_t i = 0; i < MONTHS; i++)
        mri_stats_pairs_done(&m->kept[i].pairs, &s->mem);
    void *const rooms[] = {m->index, m->rank, m->given, m->taken};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++)
        mri_stats_free(&s->mem, rooms[i]);
    mri_stats_free(&s->mem, m);
    return st;
}
