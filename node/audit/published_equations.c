/* The equations between figures that a reader knows (spec/77-publication.md PUB-4). */
#include "audit/published_work.h"

enum { YEAR_DAYS = 365 };

static size_t cell_of(const struct work *w, size_t figure)
{
    return figure == DISCLOSURE_NONE ? DISCLOSURE_NONE : w->cell[figure];
}

/* guard: the figure without which nobody knows the equation. */
static void relation(const struct work *w, size_t guard, bool same_members)
{
    disclosure_relation(w->d, cell_of(w, guard), same_members);
}

static void term(const struct work *w, size_t figure, mr_stats_wide num, mr_stats_wide den)
{
    if (figure != DISCLOSURE_NONE)
        disclosure_term(w->d, w->cell[figure], num, den);
}

/* All cells of an indicator in a period that `wanted` lets pass (NULL: all). */
static void terms(const struct work *w, enum mr_stats_id id, uint32_t period,
                  bool (*wanted)(const struct mr_stats_figure *f), mr_stats_wide num)
{
    for (size_t i = work_first(w, id, period); i < work_end(w, id, period); i++) {
        if (work_figure(w, i)->state == MR_STATS_VALUE &&
            (wanted == NULL || wanted(work_figure(w, i))))
            term(w, i, num, 1);
    }
}

static void over_time(const struct work *w)
{
    for (enum mr_stats_id id = 0; id < MR_STATS_IDS; id++) {
        if (w->whole > 0 && !work_has(w, id, 0))
            continue;
        for (size_t i = work_first(w, id, w->whole); i < work_end(w, id, w->whole); i++) {
            const struct mr_stats_figure *const f = work_figure(w, i);
            const bool sum = published_over_time(id) == SUM || w->whole == 1;
            if (f->state != MR_STATS_VALUE || (!sum && published_over_time(id) != LAST))
                continue;
            relation(w, DISCLOSURE_NONE, true);
            term(w, i, -1, 1);
            for (uint32_t p = sum ? 0 : w->whole - 1; p < w->whole; p++)
                term(w, work_at(w, id, p, f->row, f->column), 1, 1);
        }
    }
}

static bool between_members(const struct mr_stats_figure *f)
{
    return is_member(f->row) && is_member(f->column);
}

static bool circulating(const struct mr_stats_figure *f)
{
    return circulates(f->row) && circulates(f->column);
}

static bool of_member(const struct mr_stats_figure *f)
{
    return is_member(f->row);
}

static bool of_issuers(const struct mr_stats_figure *f)
{
    return f->row == MR_CLASS_ISSUER;
}

static bool in_mass(const struct mr_stats_figure *f)
{
    return f->row != MR_CLASS_ISSUER && f->row != MR_CLASS_WORLD;
}

static bool in_stock(const struct mr_stats_figure *f)
{
    return circulates(f->row);
}

static bool of_local(const struct mr_stats_figure *f)
{
    return f->row == 0;
}

/* Equations of two indicators: what cells of one come to, cells of the other come to. Where no
 * parts are known (no trades, no associations) there is none: the total is not nothing. */
static const struct margin {
    enum mr_stats_id id;
    bool (*wanted)(const struct mr_stats_figure *f); /* NULL: all cells */
    int sign;                                        /* -1: a total of the parts; 1: both cancel */
    enum mr_stats_id parts;
    bool (*wanted_parts)(const struct mr_stats_figure *f);
    bool no_debts; /* the mass is what is above zero: it holds while nobody is below */
} margins[] = {
    {MR_STATS_MASS, of_local, -1, MR_STATS_MASS_CLASS, in_mass, true},
    {MR_STATS_MASS, of_local, 1, MR_STATS_MASS_CLASS, of_issuers, true},
    {MR_STATS_MASS_CLASS, of_issuers, 1, MR_STATS_OUTSTANDING, NULL, false},
    {MR_STATS_MASS_CLASS, of_member, -1, MR_STATS_MASS_HOME, NULL, false},
    {MR_STATS_MASS, of_local, -1, MR_STATS_OUTSTANDING, NULL, true},
    {MR_STATS_TURNOVER, NULL, -1, MR_STATS_FLOW_CLASS, circulating, false},
    {MR_STATS_TURNOVER, NULL, -1, MR_STATS_FLOW_TRADE, NULL, false},
    {MR_STATS_FLOW_CLASS, between_members, -1, MR_STATS_FLOW_HOME, NULL, false},
};

/* Parts and totals of one period. */
static void add_margins(const struct work *w, uint32_t p)
{
    for (size_t i = 0; i < sizeof margins / sizeof margins[0]; i++) {
        const struct margin *const m = &margins[i];
        if ((m->no_debts && w->debts[p]) || work_first(w, m->parts, p) == work_end(w, m->parts, p))
            continue;
        relation(w, DISCLOSURE_NONE, false);
        terms(w, m->id, p, m->wanted, m->sign);
        terms(w, m->parts, p, m->wanted_parts, 1);
    }
    relation(w, DISCLOSURE_NONE, false);
    terms(w, MR_STATS_POSITION, p, NULL, 1);
    if (w->m->periods[p].from_day == w->m->periods[p].to_day) { /* the mean of one day */
        relation(w, DISCLOSURE_NONE, false);
        terms(w, MR_STATS_MASS_CLASS, p, in_stock, 1);
        term(w, work_one(w, MR_STATS_STOCK, p), -1, 1);
    }
    relation(w, DISCLOSURE_NONE, false);
    term(w, work_one(w, MR_STATS_CONVERTED, p), 1, 1);
    term(w, work_one(w, MR_STATS_REDEEMED, p), -1, 1);
    term(w, work_one(w, MR_STATS_NET_ISSUE, p), -1, 1);
}

/* num = rate x den x scale / over. */
static void add_rate(const struct work *w, enum mr_stats_id rate, size_t num, size_t den,
                     uint32_t p, mr_stats_wide scale, mr_stats_wide over)
{
    const size_t guard = work_one(w, rate, p);
    if (guard == DISCLOSURE_NONE || num == DISCLOSURE_NONE || den == DISCLOSURE_NONE)
        return;
    relation(w, guard, false);
    term(w, num, 1, 1);
    if (work_figure(w, guard)->num != 0)
        term(w, den, -work_figure(w, guard)->num * scale, work_figure(w, guard)->den * over);
}

/* Reserve = coverage x outstanding, of each association and of all. */
static void add_coverage(const struct work *w, uint32_t p)
{
    const size_t all = work_one(w, MR_STATS_COVERAGE, p);
    if (all != DISCLOSURE_NONE) {
        relation(w, all, false);
        terms(w, MR_STATS_RESERVE, p, NULL, work_figure(w, all)->den);
        terms(w, MR_STATS_OUTSTANDING, p, NULL, -work_figure(w, all)->num);
    }
    for (size_t i = work_first(w, MR_STATS_COVERAGE_HOME, p);
         i < work_end(w, MR_STATS_COVERAGE_HOME, p); i++) {
        const struct mr_stats_figure *const f = work_figure(w, i);
        if (f->state != MR_STATS_VALUE)
            continue;
        relation(w, i, false);
        term(w, work_at(w, MR_STATS_RESERVE, p, f->row, 0), f->den, 1);
        term(w, work_at(w, MR_STATS_OUTSTANDING, p, f->row, 0), -f->num, 1);
    }
}

/* What pays in goods, and between shops, are cells of the matrix of classes. */
static void add_velocities(const struct work *w, uint32_t p)
{
    const size_t stock = work_one(w, MR_STATS_STOCK, p), goods = work_one(w, MR_STATS_V_GOODS, p);
    const size_t to_shops = work_at(w, MR_STATS_FLOW_CLASS, p, MR_CLASS_RESIDENT, MR_CLASS_SHOP);
    const size_t b2b = work_at(w, MR_STATS_FLOW_CLASS, p, MR_CLASS_SHOP, MR_CLASS_SHOP);
    const mr_stats_wide days =
        (mr_stats_wide)w->m->periods[p].to_day - w->m->periods[p].from_day + 1;
    add_rate(w, MR_STATS_V_ALL, work_one(w, MR_STATS_TURNOVER, p), stock, p, days, YEAR_DAYS);
    add_rate(w, MR_STATS_V_SHOPS, b2b, stock, p, days, YEAR_DAYS);
    add_rate(w, MR_STATS_B2B, b2b, work_one(w, MR_STATS_TURNOVER, p), p, 1, 1);
    if (goods == DISCLOSURE_NONE || stock == DISCLOSURE_NONE)
        return;
    relation(w, goods, false);
    term(w, to_shops, 1, 1);
    term(w, b2b, 1, 1);
    term(w, stock, -work_figure(w, goods)->num * days, work_figure(w, goods)->den * YEAR_DAYS);
}

static void add_rates(const struct work *w, uint32_t p)
{
    const size_t c = work_one(w, MR_STATS_CONVERTED, p), r = work_one(w, MR_STATS_REDEEMED, p);
    const size_t stock = work_one(w, MR_STATS_STOCK, p), paid = work_one(w, MR_STATS_TURNOVER, p);
    add_rate(w, MR_STATS_RHO, r, c, p, 1, 1);
    add_rate(w, MR_STATS_C_OVER_M, c, stock, p, 1, 1);
    add_rate(w, MR_STATS_R_OVER_M, r, stock, p, 1, 1);
    add_rate(w, MR_STATS_MULTIPLIER, paid, c, p, 1, 1);
    add_rate(w, MR_STATS_MASS_SHOPS, work_at(w, MR_STATS_MASS_CLASS, p, MR_CLASS_SHOP, 0),
             work_at(w, MR_STATS_MASS, p, 0, 0), p, 1, 1);
    add_rate(w, MR_STATS_SHOPS_RATIO, work_at(w, MR_STATS_MEMBER_COUNT, p, MR_CLASS_SHOP, 0),
             work_at(w, MR_STATS_MEMBER_COUNT, p, MR_CLASS_RESIDENT, 0), p, 1, 1);
    const size_t passed = work_one(w, MR_STATS_PASSED_ON, p);
    if (passed != DISCLOSURE_NONE && r != DISCLOSURE_NONE && paid != DISCLOSURE_NONE) {
        const struct mr_stats_figure *const f = work_figure(w, passed); /* r = (1 - rate) x paid */
        relation(w, passed, false);
        term(w, r, 1, 1);
        term(w, paid, f->num - f->den, f->den);
    }
    add_coverage(w, p);
    add_velocities(w, p);
}

/* Two figures of which each gives the other, but for a zero. */
static void add_pair(const struct work *w, enum mr_stats_id a, enum mr_stats_id b, uint32_t p)
{
    const size_t x = work_one(w, a, p), y = work_one(w, b, p);
    if (x == DISCLOSURE_NONE || y == DISCLOSURE_NONE)
        return;
    const struct mr_stats_figure *const f = work_figure(w, x), *const g = work_figure(w, y);
    const bool zero = f->num == 0;
    if (zero != (g->num == 0))
        return;
    relation(w, DISCLOSURE_NONE, true);
    term(w, x, zero ? 1 : f->den, zero ? 1 : f->num);
    term(w, y, zero ? -1 : -g->den, zero ? 1 : g->num);
}

/* --- what must come from somewhere ------------------------------------------------------------
 *
 * Units do not come and go: what the books hold at the end of a period is what they held before it,
 * and what was moved. Some of these hold when nobody paid a fee, or only residents convert: a
 * reader may guess so. An equation that does hold is one that may be guessed. */

/* An equation that is being written, and what its left side comes to: 0 if it holds. */
struct draft {
    const struct work *w;
    mr_stats_wide left;
    bool broken; /* it names what has no cell */
};

static struct draft draft(const struct work *w)
{
    relation(w, DISCLOSURE_NONE, true);
    return (struct draft){w, 0, false};
}

static void put_of(struct draft *d, const struct work *w, size_t figure, int sign)
{
    if (figure == DISCLOSURE_NONE)
        return;
    d->left += sign * work_figure(w, figure)->num;
    d->broken =
        d->broken || (w->cell[figure] == DISCLOSURE_NONE && work_figure(w, figure)->num != 0);
    term(w, figure, sign, 1);
}

static void put(struct draft *d, size_t figure, int sign)
{
    put_of(d, d->w, figure, sign);
}

/* What stood at the end of a period, less what stood before it: in this view, or in another one
 * that ends where this one begins. */
static void put_change(struct draft *d, enum mr_stats_id id, uint32_t p, uint32_t row, int sign)
{
    const struct work *const before = d->w->before;
    put(d, work_at(d->w, id, p, row, 0), sign);
    if (p > 0 && !d->w->between)
        put(d, work_at(d->w, id, p - 1, row, 0), -sign);
    else if (before != NULL)
        put_of(d, before, work_at(before, id, d->w->before_period, row, 0), -sign);
}

/* What stands in no table; DISCLOSURE_NONE: it is nobody's, and known to be nothing. */
static size_t unpublished(const struct work *w, struct behind b)
{
    if (b.members == 0 && b.sum == 0)
        return DISCLOSURE_NONE;
    const size_t cell = disclosure_cell(w->d, b.sum, b.members, b.largest);
    disclosure_unpublish(w->d, cell);
    return cell;
}

static void put_behind(struct draft *d, size_t cell, struct behind b, int sign)
{
    d->left += sign * b.sum;
    disclosure_term(d->w->d, cell, sign, 1);
}

static void keep_if(const struct draft *d, bool keep)
{
    if (!keep || d->broken)
        disclosure_forget(d->w->d);
}

/* Of a matrix: what a row pays to others, and what its column is paid by them. */
static void put_flows(struct draft *d, enum mr_stats_id id, uint32_t p, uint32_t who, int in,
                      int out)
{
    for (size_t i = work_first(d->w, id, p); i < work_end(d->w, id, p); i++) {
        const struct mr_stats_figure *const f = work_figure(d->w, i);
        if (f->state != MR_STATS_VALUE || f->row == f->column)
            continue;
        if (f->row == who && out != 0)
            put(d, i, out);
        if (f->column == who && in != 0)
            put(d, i, in);
    }
}

static void put_payments(struct draft *d, uint32_t p)
{
    for (size_t i = work_first(d->w, MR_STATS_FLOW_CLASS, p);
         i < work_end(d->w, MR_STATS_FLOW_CLASS, p); i++) {
        if (work_figure(d->w, i)->state == MR_STATS_VALUE && between_members(work_figure(d->w, i)))
            put(d, i, 1);
    }
}

/* What is issued is owed; what is given back is not owed once it is paid, but for the fee, which is
 * a small part of it. */
static void put_converted(struct draft *d, uint32_t p)
{
    put(d, work_one(d->w, MR_STATS_CONVERTED, p), 1);
    put(d, work_one(d->w, MR_STATS_REDEEMED, p), -1);
    put_change(d, MR_STATS_MASS_CLASS, p, MR_CLASS_REDEEMED, 1);
    put_change(d, MR_STATS_MASS_CLASS, p, MR_CLASS_ISSUER, 1);
}

static bool is_a_fee(const struct work *w, uint32_t p, mr_stats_wide left)
{
    enum { FEE_SHARE = 10 };
    const size_t r = work_one(w, MR_STATS_REDEEMED, p);
    const mr_stats_wide all = r == DISCLOSURE_NONE ? 0 : work_figure(w, r)->num;
    return (left < 0 ? -left : left) * FEE_SHARE <= (all < 0 ? -all : all);
}

static void put_own(struct draft *d, uint32_t p)
{
    put_change(d, MR_STATS_MASS_CLASS, p, MR_CLASS_OWN, 1);
    put_flows(d, MR_STATS_FLOW_CLASS, p, MR_CLASS_OWN, 0, 1);
    const size_t swept = work_one(d->w, MR_STATS_SWEPT, p);
    put(d, swept != DISCLOSURE_NONE && work_figure(d->w, swept)->num == 0 ? DISCLOSURE_NONE : swept,
        -1);
}

/* What is always so in this ledger: readers come to know it. */
struct habits {
    bool fees, payout_fees;
    uint32_t converts, gives_back; /* classes, a bit each */
};

static struct habits habits_of(const struct mr_stats_table *t)
{
    struct habits h = {false, false, 0, 0};
    for (size_t i = 0; i < t->rows; i++) {
        const uint32_t from = t->accounts[t->from[i]].class, to = t->accounts[t->to[i]].class;
        if (t->unit[i] != 0)
            continue;
        h.fees = h.fees || t->kind[i] == MR_STATS_FEE;
        h.payout_fees = h.payout_fees || t->kind[i] == MR_STATS_PAYOUT_FEE;
        if (t->kind[i] == MR_STATS_ISSUE || t->kind[i] == MR_STATS_ASSIGNED)
            h.converts |= UINT32_C(1) << to;
        if (t->kind[i] == MR_STATS_REDEEM)
            h.gives_back |= UINT32_C(1) << from;
    }
    return h;
}

static void add_association(const struct work *w, const struct habits *h, uint32_t p, uint32_t a)
{
    const struct behind issued = work_behind(w, p, ISSUED, a),
                        paid = work_behind(w, p, PAID_OUT, a);
    const size_t issued_cell = unpublished(w, issued), paid_cell = unpublished(w, paid);
    struct draft d = draft(w);
    put_change(&d, MR_STATS_OUTSTANDING, p, a, 1);
    put_behind(&d, issued_cell, issued, -1);
    put_behind(&d, paid_cell, paid, 1);
    keep_if(&d, d.left == 0);
    d = draft(w);
    put(&d, work_at(w, MR_STATS_RESERVE, p, a, 0), 1);
    put(&d, work_at(w, MR_STATS_OUTSTANDING, p, a, 0), -1);
    keep_if(&d, d.left == 0);
    const struct behind back = work_behind(w, p, REDEEMING, a);
    const size_t back_cell = unpublished(w, back);
    d = draft(w);
    put_change(&d, MR_STATS_MASS_HOME, p, a, 1);
    put_flows(&d, MR_STATS_FLOW_HOME, p, a, -1, 1);
    put_behind(&d, issued_cell, issued, -1);
    put_behind(&d, back_cell, back, 1);
    keep_if(&d, !h->fees && d.left == 0);
}

static void add_books(const struct work *w, const struct habits *h, uint32_t p)
{
    struct draft d = draft(w);
    put_converted(&d, p);
    disclosure_guess(w->d);
    keep_if(&d, (p > 0 && !w->between) || w->before != NULL || is_a_fee(w, p, d.left));
    d = draft(w);
    put_own(&d, p);
    keep_if(&d, !h->fees && !h->payout_fees && d.left == 0);
    d = draft(w);
    put_converted(&d, p);
    put_own(&d, p);
    keep_if(&d, !h->fees && d.left == 0);
    d = draft(w);
    put(&d, work_one(w, MR_STATS_OPEN_SUM, p), 1);
    put(&d, work_at(w, MR_STATS_MASS_CLASS, p, MR_CLASS_REDEEMED, 0), -1);
    keep_if(&d, d.left == 0);
    for (uint32_t a = 0; a < w->m->table.associations_count; a++)
        add_association(w, h, p, a);
}

/* What a class holds, by what it was paid and paid. Where one class alone converts, or gives back,
 * all know that it was it. */
static void add_class(const struct work *w, const struct habits *h, uint32_t p, uint32_t class)
{
    const uint32_t bit = UINT32_C(1) << class;
    struct draft d;
    if (((h->converts & bit) != 0 && h->converts != bit) ||
        ((h->gives_back & bit) != 0 && h->gives_back != bit))
        return;
    d = draft(w);
    put_change(&d, MR_STATS_MASS_CLASS, p, class, 1);
    put_flows(&d, MR_STATS_FLOW_CLASS, p, class, -1, 1);
    if (h->converts == bit)
        put(&d, work_one(w, MR_STATS_CONVERTED, p), -1);
    if (h->gives_back == bit)
        put(&d, work_one(w, MR_STATS_REDEEMED, p), 1);
    keep_if(&d, d.left == 0);
}

static void add_classes(const struct work *w, const struct habits *h, uint32_t p)
{
    for (size_t i = work_first(w, MR_STATS_MASS_CLASS, p); i < work_end(w, MR_STATS_MASS_CLASS, p);
         i++) {
        if (of_member(work_figure(w, i)))
            add_class(w, h, p, work_figure(w, i)->row);
    }
}

/* What a municipality spends: its payments, and assigned conversions, which the others are beside.
 */
static void add_public(const struct work *w, uint32_t p)
{
    const struct behind assigned = work_behind(w, p, ASSIGNED, MR_STATS_NONE);
    const struct behind ordinary = work_behind(w, p, ORDINARY, MR_STATS_NONE);
    const size_t cell = unpublished(w, assigned), spent = work_one(w, MR_STATS_PUBLIC_SPENT, p);
    const size_t other = unpublished(w, ordinary);
    struct draft d = draft(w);
    put(&d, work_one(w, MR_STATS_CONVERTED, p), 1);
    put_behind(&d, other, ordinary, -1);
    put_behind(&d, cell, assigned, -1);
    d = draft(w);
    put(&d, spent, 1);
    put_behind(&d, cell, assigned, -1);
    put_flows(&d, MR_STATS_FLOW_CLASS, p, MR_CLASS_MUNICIPALITY, 0, -1);
    keep_if(&d, spent != DISCLOSURE_NONE && d.left == 0);
}

/* What is left beside what shops are paid, pay each other, and hold: rates and cells of classes
 * give it. That of enough stands in no other equation, so that this one tells nothing. */
static void add_rest(const struct work *w, uint32_t p, bool goods)
{
    const struct behind rest = work_rest(w, p, goods);
    if (!is_small(rest))
        return;
    const size_t cell = unpublished(w, rest);
    struct draft d = draft(w);
    put(&d, work_one(w, MR_STATS_TURNOVER, p), 1);
    put(&d, work_at(w, MR_STATS_FLOW_CLASS, p, MR_CLASS_SHOP, MR_CLASS_SHOP), -1);
    if (goods)
        put(&d, work_at(w, MR_STATS_FLOW_CLASS, p, MR_CLASS_RESIDENT, MR_CLASS_SHOP), -1);
    put_behind(&d, cell, rest, -1);
    keep_if(&d, true);
}

static void add_held_rest(const struct work *w, uint32_t p)
{
    const struct behind rest = work_held_rest(w, p);
    if (!is_small(rest))
        return;
    const size_t cell = unpublished(w, rest);
    struct draft d = draft(w);
    for (size_t i = work_first(w, MR_STATS_MASS_CLASS, p); i < work_end(w, MR_STATS_MASS_CLASS, p);
         i++) {
        if (of_member(work_figure(w, i)) && work_figure(w, i)->row != MR_CLASS_SHOP)
            put(&d, i, 1);
    }
    put_behind(&d, cell, rest, -1);
}

static void add_rests(const struct work *w, uint32_t p)
{
    if (work_at(w, MR_STATS_MASS_CLASS, p, MR_CLASS_SHOP, 0) == DISCLOSURE_NONE &&
        work_at(w, MR_STATS_FLOW_CLASS, p, MR_CLASS_RESIDENT, MR_CLASS_SHOP) == DISCLOSURE_NONE)
        return; /* nothing is known of shops */
    add_rest(w, p, false);
    add_rest(w, p, true);
    if (!w->between)
        add_held_rest(w, p);
}

/* What pays each other both ways is taken away by netting: what goes round before it is mostly what
 * goes round behind it, and that. Readers take it so where it is. */
static void add_netting(const struct work *w, uint32_t p)
{
    const size_t gross = work_one(w, MR_STATS_CIRCULARITY_GROSS, p);
    const size_t netted = work_one(w, MR_STATS_CIRCULARITY, p);
    const size_t mutual = work_one(w, MR_STATS_CIRCULARITY_PAIRS, p);
    if (gross == DISCLOSURE_NONE || netted == DISCLOSURE_NONE || mutual == DISCLOSURE_NONE ||
        work_figure(w, gross)->num != work_figure(w, netted)->num + work_figure(w, mutual)->num)
        return;
    relation(w, DISCLOSURE_NONE, true);
    term(w, gross, 1, 1);
    term(w, netted, -1, 1);
    term(w, mutual, -1, 1);
}

/* What was issued and is owed no more, of a payments file: redeemed, and taken back by the
 * operator. Of the whole, too: it begins with nothing. */
static void add_taken(const struct work *w, uint32_t p)
{
    const struct behind taken = work_behind(w, p, TAKEN, MR_STATS_NONE);
    const size_t cell = unpublished(w, taken);
    struct draft d = draft(w);
    put(&d, work_one(w, MR_STATS_CONVERTED, p), 1);
    put_behind(&d, cell, taken, -1);
    put(&d, work_at(w, MR_STATS_MASS_CLASS, p, MR_CLASS_ISSUER, 0), 1);
    if (p > 0 && p < w->whole)
        put(&d, work_at(w, MR_STATS_MASS_CLASS, p - 1, MR_CLASS_ISSUER, 0), -1);
    keep_if(&d, d.left == 0);
}

/* The sum of twelve months slides: two of them give the months that came and went. */
static void add_law(const struct work *w, uint32_t p)
{
    const struct mr_stats_period *const end = &w->m->periods[p];
    struct draft d = draft(w);
    put(&d, work_one(w, MR_STATS_LAW_PAID, p), -1);
    for (uint32_t k = 0; k < w->whole; k++) {
        if (w->m->periods[k].to_day <= end->to_day &&
            w->m->periods[k].to_day + YEAR_DAYS > end->to_day)
            put_payments(&d, k);
    }
    keep_if(&d, d.left == 0);
    d = draft(w);
    put_change(&d, MR_STATS_LAW_PAID, p, 0, -1);
    put_payments(&d, p);
    keep_if(&d, d.left == 0);
}

/* Accounts of a class: those before, and those that came; a position: the one before, and what was
 * paid across. */
static void add_steps(const struct work *w, uint32_t p)
{
    for (size_t i = work_first(w, MR_STATS_MEMBER_COUNT, p);
         i < work_end(w, MR_STATS_MEMBER_COUNT, p); i++) {
        struct draft d = draft(w);
        put_change(&d, MR_STATS_MEMBER_COUNT, p, work_figure(w, i)->row, 1);
        put(&d, work_at(w, MR_STATS_OPENED, p, work_figure(w, i)->row, 0), -1);
        keep_if(&d, d.left == 0);
    }
    for (size_t i = work_first(w, MR_STATS_POSITION, p); i < work_end(w, MR_STATS_POSITION, p);
         i++) {
        struct draft d = draft(w);
        put_change(&d, MR_STATS_POSITION, p, work_figure(w, i)->row, 1);
        put_flows(&d, MR_STATS_FLOW_HOME, p, work_figure(w, i)->row, -1, 1);
        keep_if(&d, d.left == 0);
    }
}

/* Mean stocks times their days add up; one below zero is known rounded alone. */
static void add_stock(const struct work *w)
{
    relation(w, DISCLOSURE_NONE, true);
    for (uint32_t p = 0; p <= w->whole; p++) {
        if (work_one(w, MR_STATS_V_ALL, p) == DISCLOSURE_NONE)
            disclosure_guess(w->d);
        const struct mr_stats_period *const x = &w->m->periods[p];
        const mr_stats_wide days = (mr_stats_wide)x->to_day - x->from_day + 1;
        term(w, work_one(w, MR_STATS_STOCK, p), p == w->whole ? -days : days, 1);
    }
}

/* Those that a figure of this period enters beside what stood before it. */
static void add_changes(const struct work *w, const struct habits *h, uint32_t p)
{
    add_law(w, p);
    add_steps(w, p);
    add_books(w, h, p);
    add_classes(w, h, p);
}

void work_equations_between(const struct work *w)
{
    const struct habits h = habits_of(&w->m->table);
    add_rests(w, w->whole);
    if (w->before != NULL)
        add_changes(w, &h, w->whole);
}

void work_equations(const struct work *w)
{
    const struct habits h = habits_of(&w->m->table);
    over_time(w);
    add_stock(w);
    for (uint32_t p = 0; p <= w->whole; p++) {
        add_margins(w, p);
        add_rates(w, p);
        add_pair(w, MR_STATS_HOLDING, MR_STATS_V_TRANSFER, p);
        add_pair(w, MR_STATS_CORE, MR_STATS_CORE_SHARE, p);
        add_pair(w, MR_STATS_MASS, MR_STATS_LAW_MASS_SHARE, p);
        add_pair(w, MR_STATS_PAYMENTS, MR_STATS_PER_ACTIVE, p);
        add_public(w, p);
        add_taken(w, p);
        add_rests(w, p);
        add_netting(w, p);
        if (p < w->whole) {
            add_pair(w, MR_STATS_LAW_PAID, MR_STATS_LAW_PAID_SHARE, p);
            add_pair(w, MR_STATS_LAW_PAID_SHARE, MR_STATS_LAW_PAID_DATE, p);
            add_pair(w, MR_STATS_LAW_MASS_SHARE, MR_STATS_LAW_MASS_DATE, p);
            add_changes(w, &h, p);
        }
    }
}
