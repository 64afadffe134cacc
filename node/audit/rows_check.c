/* Rows that are read from files: every number in them names something, and lies within its bounds.
 * Their hashes find damage; this finds files that were made to look right. */
#include "audit/rows_state.h"
#include "mereau/limits.h"

#include <inttypes.h>

/* Of every cell of a column, and why. */
struct bound {
    enum rows_column column;
    uint64_t least, most;
};

/* The first row that is out of its bounds, or n. All rows stand in the file, one behind the other:
 * there are tens of millions, and each is looked at. */
static size_t first_out(const void *column, size_t n, const struct bound *b)
{
    const uint8_t *const bytes = column;
    const uint32_t *const words = column;
    const uint64_t *const longs = column;
    const unsigned width = rows_width(b->column);
    size_t i = 0;
    if (width == 1) {
        while (i < n && bytes[i] >= b->least && bytes[i] <= b->most)
            i++;
    } else if (width == 4) {
        while (i < n && words[i] >= b->least && words[i] <= b->most)
            i++;
    } else {
        while (i < n && longs[i] >= b->least && longs[i] <= b->most)
            i++;
    }
    return i;
}

/* False, and reported. */
static bool is_bounded(struct rows *r, const struct bound *b)
{
    char name[64];
    const size_t n = r->counts[rows_table_of(b->column)];
    const size_t i = first_out(r->columns[b->column].mapped, n, b);
    if (i == n)
        return true;
    rows_file_name(name, b->column);
    rows_fail(r, MR_DAMAGED, "%s/%s: row %zu is %" PRIu64 ", which cannot be", r->dir, name, i,
              rows_get_u(r, b->column, i));
    return false;
}

static bool are_bounded(struct rows *r, bool extend)
{
    enum { KINDS = MR_STATS_ASSIGNED };
    const uint64_t accounts = r->counts[ROWS_ACCOUNTS], orders = r->counts[ROWS_ORDERS],
                   texts = r->counts[ROWS_TEXTS], units = r->charter->units_count;
    /* Of nothing the last is none: such a table has no row either, or the first is refused. */
    const uint64_t account = accounts - (accounts > 0), order = orders - (orders > 0),
                   text = texts - (texts > 0);
    const struct bound bounds[] = {{ROWS_ACCOUNTS_CLASS, 0, MR_STATS_CLASSES - 1},
                                   {ROWS_ACCOUNTS_OPENED, 0, MR_TIME_MS_MAX},
                                   {ROWS_ORDERS_ACCOUNT, 0, account},
                                   {ROWS_ORDERS_SEQ, 0, MR_SEQ_MAX},
                                   {ROWS_ORDERS_TIME, 0, MR_TIME_MS_MAX},
                                   {ROWS_ORDERS_SETTLED, 0, MR_TIME_MS_MAX},
                                   {ROWS_ORDERS_REFERS, 0, orders},
                                   {ROWS_MOVES_TIME, 0, MR_TIME_MS_MAX},
                                   {ROWS_MOVES_FROM, 0, account},
                                   {ROWS_MOVES_TO, 0, account},
                                   {ROWS_MOVES_AMOUNT, 1, MR_AMOUNT_MAX},
                                   {ROWS_MOVES_KIND, 0, KINDS},
                                   {ROWS_MOVES_UNIT, 0, units - 1},
                                   {ROWS_MOVES_ORDER, 0, order},
                                   {ROWS_LISTINGS_ORDER, 0, order},
                                   {ROWS_LISTINGS_ACCOUNT, 0, account},
                                   {ROWS_LISTINGS_LISTED, 0, 1},
                                   {ROWS_LISTINGS_ALIAS, 0, text},
                                   {ROWS_LISTINGS_NAME, 0, text},
                                   {ROWS_LISTINGS_TRADE, 0, text},
                                   {ROWS_LISTINGS_TOWN, 0, text},
                                   {ROWS_CLOSINGS_ORDER, 0, order},
                                   {ROWS_CLOSINGS_ACCOUNT, 0, account}};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        if (extend && rows_table_of(bounds[i].column) != ROWS_ACCOUNTS)
            continue;
        if (!is_bounded(r, &bounds[i]))
            return false;
    }
    return true;
}

/* Whoever has rows of one table has those they name. */
static bool are_there(struct rows *r)
{
    const size_t *const n = r->counts;
    const bool named = n[ROWS_MOVES] + n[ROWS_LISTINGS] + n[ROWS_CLOSINGS] > 0;
    if ((n[ROWS_ORDERS] > 0 && n[ROWS_ACCOUNTS] == 0) || (named && n[ROWS_ORDERS] == 0) ||
        r->charter->units_count == 0) {
        rows_fail(r, MR_DAMAGED, "%s: rows name others that are not there", r->dir);
        return false;
    }
    return true;
}

/* Texts end; nobody pays himself; what moved can be added up. */
static bool are_sound(struct rows *r)
{
    const size_t texts = r->counts[ROWS_TEXTS];
    const void *const amounts = r->columns[ROWS_MOVES_AMOUNT].mapped;
    const void *const payers = r->columns[ROWS_MOVES_FROM].mapped;
    const void *const payees = r->columns[ROWS_MOVES_TO].mapped;
    const uint64_t *const amount = amounts;
    const uint32_t *const from = payers, *const to = payees;
    uint64_t sum = 0;
    if (texts > 0 && rows_get_u(r, ROWS_TEXTS_BYTES, texts - 1) != 0) {
        rows_fail(r, MR_DAMAGED, "%s/texts.bytes: the last text does not end", r->dir);
        return false;
    }
    for (size_t i = 0; i < r->counts[ROWS_MOVES]; i++) {
        sum += amount[i];
        if (sum <= INT64_MAX && from[i] != to[i])
            continue;
        rows_fail(r, MR_DAMAGED, "%s: row %zu of the movements cannot be", r->dir, i);
        return false;
    }
    return true;
}

bool rows_check(struct rows *r, bool extend)
{
    return are_there(r) && are_bounded(r, extend) && (extend || are_sound(r));
}
