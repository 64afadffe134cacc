/* Rows as statistics take them: sorted, trades and towns numbered, redemptions put together. */
#include "audit/rows_state.h"

#include <stdlib.h>
#include <string.h>

#include "common/heap.h"

struct rows_made {
    struct mr_stats_association associations[MR_ASSOCIATIONS_MAX];
    const char **labels;
    uint32_t labels_count;
    struct mr_stats_account *accounts;
    struct mr_stats_redemption *redemptions;
    size_t redemptions_count;
    /* NULL when the rows were in order */
    uint64_t *time_ms;
    uint32_t *from, *to;
    int64_t *amount;
    uint8_t *kind, *unit;
};

void rows_unmake(struct rows *r)
{
    struct rows_made *const m = r->made;
    if (m == NULL)
        return;
    void *const all[] = {m->labels, m->accounts, m->redemptions, m->time_ms, m->from,
                         m->to,     m->amount,   m->kind,        m->unit};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    free(m);
    r->made = NULL;
}

/* --- labels ----------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool make_labels(const struct rows *r, struct rows_made *m)
{
    const size_t listings = r->counts[ROWS_LISTINGS];
    m->labels = calloc(listings * 2 + 1, sizeof *m->labels);
    if (m->labels == NULL)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < listings; i++) {
        m->labels[n++] = rows_string(r, (uint32_t)rows_get_u(r, ROWS_LISTINGS_TRADE, i));
        m->labels[n++] = rows_string(r, (uint32_t)rows_get_u(r, ROWS_LISTINGS_TOWN, i));
    }
    if (n > 0)
        qsort(m->labels, n, sizeof *m->labels, by_text);
    for (size_t i = 0; i < n; i++) {
        if (*m->labels[i] != '\0' &&
            (m->labels_count == 0 || strcmp(m->labels[m->labels_count - 1], m->labels[i]) != 0))
            m->labels[m->labels_count++] = m->labels[i];
    }
    return true;
}

static uint32_t label(const struct rows_made *m, const char *text)
{
    if (m->labels_count == 0)
        return MR_STATS_NONE;
    const char **const found =
        bsearch(&text, m->labels, m->labels_count, sizeof *m->labels, by_text);
    return found == NULL ? MR_STATS_NONE : (uint32_t)(found - m->labels);
}

/* --- accounts and redemptions -----------------------------------------------------------------
 */

static bool make_accounts(const struct rows *r, struct rows_made *m)
{
    const size_t n = r->counts[ROWS_ACCOUNTS];
    m->accounts = calloc(n + 1, sizeof *m->accounts);
    if (m->accounts == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct mr_stats_account *const x = &m->accounts[i];
        const uint32_t home = (uint32_t)rows_get_u(r, ROWS_ACCOUNTS_ASSOCIATION, i);
        memcpy(x->id, rows_cell(r, ROWS_ACCOUNTS_ID, i), sizeof x->id);
        x->class = (uint32_t)rows_get_u(r, ROWS_ACCOUNTS_CLASS, i);
        x->association = home < r->charter->associations_count ? home : MR_STATS_NONE;
        x->trade = x->town = MR_STATS_NONE;
        x->opened_ms = rows_get_u(r, ROWS_ACCOUNTS_OPENED, i);
    }
    for (size_t i = 0; i < r->counts[ROWS_LISTINGS]; i++) {
        struct mr_stats_account *const x = &m->accounts[rows_get_u(r, ROWS_LISTINGS_ACCOUNT, i)];
        const uint32_t trade = (uint32_t)rows_get_u(r, ROWS_LISTINGS_TRADE, i);
        const uint32_t town = (uint32_t)rows_get_u(r, ROWS_LISTINGS_TOWN, i);
        x->trade = label(m, rows_string(r, trade));
        x->town = label(m, rows_string(r, town));
    }
    for (size_t i = 0; i < r->counts[ROWS_CLOSINGS]; i++) {
        const size_t order = (size_t)rows_get_u(r, ROWS_CLOSINGS_ORDER, i);
        m->accounts[rows_get_u(r, ROWS_CLOSINGS_ACCOUNT, i)].closed_ms =
            rows_get_u(r, ROWS_ORDERS_TIME, order);
    }
    return true;
}

static int by_asked(const void *a, const void *b)
{
    const struct mr_stats_redemption *const x = a, *const y = b;
    return x->asked_ms < y->asked_ms ? -1 : x->asked_ms > y->asked_ms;
}

/* place[order]: number of its redemption, plus 1. */
static void fill_redemptions(const struct rows *r, struct rows_made *m, uint32_t *place)
{
    for (size_t i = 0; i < r->counts[ROWS_MOVES]; i++) {
        if (rows_get_u(r, ROWS_MOVES_KIND, i) != MR_STATS_REDEEM)
            continue;
        struct mr_stats_redemption *const x = &m->redemptions[m->redemptions_count++];
        x->member = (uint32_t)rows_get_u(r, ROWS_MOVES_FROM, i);
        x->association = m->accounts[rows_get_u(r, ROWS_MOVES_TO, i)].association;
        x->amount = (int64_t)rows_get_u(r, ROWS_MOVES_AMOUNT, i);
        x->asked_ms = rows_get_u(r, ROWS_MOVES_TIME, i);
        place[rows_get_u(r, ROWS_MOVES_ORDER, i)] = (uint32_t)m->redemptions_count;
    }
    for (size_t i = 0; i < r->counts[ROWS_ORDERS]; i++) {
        const size_t refers = (size_t)rows_get_u(r, ROWS_ORDERS_REFERS, i);
        if (refers == 0 || place[refers - 1] == 0)
            continue;
        struct mr_stats_redemption *const x = &m->redemptions[place[refers - 1] - 1];
        x->done_ms = rows_get_u(r, ROWS_ORDERS_TIME, i);
        x->returned = rows_get_u(r, ROWS_ORDERS_KIND, i) == MR_KIND_RETURN;
    }
    if (m->redemptions_count > 0)
        qsort(m->redemptions, m->redemptions_count, sizeof *m->redemptions, by_asked);
}

static bool make_redemptions(const struct rows *r, struct rows_made *m)
{
    size_t n = 0;
    const uint8_t *const kinds = rows_column(r, ROWS_MOVES_KIND);
    for (size_t i = 0; i < r->counts[ROWS_MOVES]; i++)
        n += kinds[i] == MR_STATS_REDEEM ? 1 : 0;
    m->redemptions = calloc(n + 1, sizeof *m->redemptions);
    uint32_t *const place = calloc(r->counts[ROWS_ORDERS] + 1, sizeof *place);
    if (m->redemptions != NULL && place != NULL)
        fill_redemptions(r, m, place);
    free(place);
    return m->redemptions != NULL && place != NULL;
}

/* --- movements --------------------------------------------------------------------------------
 */

/* Rows of one millisecond: by the chain's account and place, then as they stand in their order. */
static int rank(void *ctx, size_t a, size_t b)
{
    const struct rows *const r = ctx;
    const size_t x = (size_t)rows_get_u(r, ROWS_MOVES_ORDER, a);
    const size_t y = (size_t)rows_get_u(r, ROWS_MOVES_ORDER, b);
    if (x == y)
        return a < b ? -1 : a > b;
    const int d =
        memcmp(rows_cell(r, ROWS_ACCOUNTS_ID, (size_t)rows_get_u(r, ROWS_ORDERS_ACCOUNT, x)),
               rows_cell(r, ROWS_ACCOUNTS_ID, (size_t)rows_get_u(r, ROWS_ORDERS_ACCOUNT, y)), 16);
    if (d != 0)
        return d;
    const uint64_t sx = rows_get_u(r, ROWS_ORDERS_SEQ, x), sy = rows_get_u(r, ROWS_ORDERS_SEQ, y);
    return sx < sy ? -1 : sx > sy;
}

#define GATHER(m, member, type, column)                                                            \
    do {                                                                                           \
        const type *const from_ = rows_column(r, column);                                          \
        (m)->member = malloc((n + 1) * sizeof(type));                                              \
        for (size_t i = 0; (m)->member != NULL && i < n; i++)                                      \
            (m)->member[i] = from_[place[i]];                                                      \
    } while (0)

static bool sort_moves(struct rows *r, struct rows_made *m)
{
    const size_t n = r->counts[ROWS_MOVES];
    uint32_t *const place = malloc((n + 1) * sizeof *place);
    if (place == NULL ||
        mr_stats_sort(place, &heap, rows_column(r, ROWS_MOVES_TIME), n, rank, r) != MR_OK) {
        free(place);
        return false;
    }
    size_t sorted = 0;
    while (sorted < n && place[sorted] == sorted)
        sorted++;
    if (sorted < n) {
        GATHER(m, time_ms, uint64_t, ROWS_MOVES_TIME);
        GATHER(m, from, uint32_t, ROWS_MOVES_FROM);
        GATHER(m, to, uint32_t, ROWS_MOVES_TO);
        GATHER(m, amount, int64_t, ROWS_MOVES_AMOUNT);
        GATHER(m, kind, uint8_t, ROWS_MOVES_KIND);
        GATHER(m, unit, uint8_t, ROWS_MOVES_UNIT);
    }
    free(place);
    return sorted == n || (m->time_ms != NULL && m->from != NULL && m->to != NULL &&
                           m->amount != NULL && m->kind != NULL && m->unit != NULL);
}

/* --- the table -------------------------------------------------------------------------------- */

static void fill_units(struct mr_stats_table *t, const struct mr_charter *c)
{
    t->units_count = c->units_count;
    for (uint32_t i = 0; i < c->units_count; i++) {
        memcpy(t->units[i].code, c->units[i].code, sizeof t->units[i].code);
        t->units[i].decimals = c->units[i].decimals;
        t->units[i].role = c->units[i].role;
    }
}

enum mr_status rows_table(struct rows *r, struct mr_stats_table *ret)
{
    rows_unmake(r);
    struct rows_made *const m = r->made = calloc(1, sizeof *m);
    if (m == NULL || !make_labels(r, m) || !make_accounts(r, m) || !make_redemptions(r, m) ||
        !sort_moves(r, m))
        return MR_NO_MEMORY;
    *ret = (struct mr_stats_table){
        .point = r->point,
        .associations = m->associations,
        .associations_count = r->charter->associations_count,
        .labels = m->labels,
        .labels_count = m->labels_count,
        .accounts = m->accounts,
        .accounts_count = (uint32_t)r->counts[ROWS_ACCOUNTS],
        .redemptions = m->redemptions,
        .redemptions_count = m->redemptions_count,
        .rows = r->counts[ROWS_MOVES],
        .time_ms = m->time_ms != NULL ? m->time_ms : rows_column(r, ROWS_MOVES_TIME),
        .from = m->time_ms != NULL ? m->from : rows_column(r, ROWS_MOVES_FROM),
        .to = m->time_ms != NULL ? m->to : rows_column(r, ROWS_MOVES_TO),
        .amount = m->time_ms != NULL ? m->amount : rows_column(r, ROWS_MOVES_AMOUNT),
        .kind = m->time_ms != NULL ? m->kind : rows_column(r, ROWS_MOVES_KIND),
        .unit = m->time_ms != NULL ? m->unit : rows_column(r, ROWS_MOVES_UNIT)};
    fill_units(ret, r->charter);
    for (uint32_t i = 0; i < r->charter->associations_count; i++) {
        memcpy(m->associations[i].id, r->charter->associations[i].id, MR_ACCOUNT_BYTES);
        m->associations[i].name = r->charter->associations[i].name;
    }
    return MR_OK;
}
