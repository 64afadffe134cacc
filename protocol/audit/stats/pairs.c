/* Totals by pair of accounts: sorted in pieces of bounded size, then joined. */
#include <string.h>

#include "audit/stats/stats.h"

/* A piece and its copy stand in the second cache. */
enum { PIECE = 1 << 16, DIGIT_BITS = 10, DIGITS = 1 << DIGIT_BITS };

static unsigned bits_of(uint32_t accounts)
{
    unsigned bits = 1;
    while (bits < 32 && accounts >> bits != 0)
        bits++;
    return bits;
}

static uint64_t key_of(const struct mri_stats_pair *p, unsigned bits)
{
    return (uint64_t)p->from << bits | p->to;
}

/* Radix sort; the result stands in `pairs`. */
static void sort(struct mri_stats_pair *pairs, struct mri_stats_pair *other, size_t count,
                 unsigned bits)
{
    uint32_t place[DIGITS];
    struct mri_stats_pair *in = pairs, *out = other;
    for (unsigned shift = 0; shift < 2 * bits; shift += DIGIT_BITS) {
        uint32_t sum = 0;
        memset(place, 0, sizeof place);
        for (size_t i = 0; i < count; i++)
            place[key_of(&in[i], bits) >> shift & (DIGITS - 1)]++;
        for (size_t d = 0; d < DIGITS; d++) {
            const uint32_t n = place[d];
            place[d] = sum;
            sum += n;
        }
        for (size_t i = 0; i < count; i++)
            out[place[key_of(&in[i], bits) >> shift & (DIGITS - 1)]++] = in[i];
        struct mri_stats_pair *const swap = in;
        in = out;
        out = swap;
    }
    if (in != pairs)
        memcpy(pairs, in, count * sizeof *pairs);
}

/* Neighbours of one key become one pair. */
static size_t add_up(struct mri_stats_pair *pairs, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (n > 0 && pairs[n - 1].from == pairs[i].from && pairs[n - 1].to == pairs[i].to)
            pairs[n - 1].sum += pairs[i].sum;
        else
            pairs[n++] = pairs[i];
    }
    return n;
}

enum mr_status mri_stats_pairs_join(struct mri_stats_pairs *a, struct mri_stats_pairs *b,
                                    const struct mr_mem *mem)
{
    struct mri_stats_pair *const all = mri_stats_raw(mem, a->count + b->count, sizeof *all);
    size_t i = 0, k = 0, n = 0;
    if (all == NULL)
        return MR_NO_MEMORY;
    while (i < a->count || k < b->count) {
        const uint64_t x = i < a->count ? key_of(&a->pairs[i], 32) : UINT64_MAX;
        const uint64_t y = k < b->count ? key_of(&b->pairs[k], 32) : UINT64_MAX;
        all[n] = x <= y ? a->pairs[i] : b->pairs[k];
        if (x == y)
            all[n].sum += b->pairs[k].sum;
        i += x <= y ? 1 : 0;
        k += y <= x ? 1 : 0;
        n++;
    }
    mri_stats_pairs_done(a, mem);
    mri_stats_pairs_done(b, mem);
    a->pairs = all;
    a->count = n;
    return MR_OK;
}

enum mr_status mri_stats_pairs_copy(struct mri_stats_pairs *ret, const struct mri_stats_pairs *p,
                                    const struct mr_mem *mem)
{
    ret->pairs = mri_stats_raw(mem, p->count, sizeof *ret->pairs);
    ret->count = p->count;
    if (ret->pairs == NULL)
        return MR_NO_MEMORY;
    memcpy(ret->pairs, p->pairs, p->count * sizeof *ret->pairs);
    return MR_OK;
}

/* Runs are joined like the digits of a binary counter, so that each pair is copied as often as the
 * counter has digits. */
enum mr_status mri_stats_runs_add(struct mri_stats_pairs runs[MRI_STATS_RUNS],
                                  struct mri_stats_pairs *p, const struct mr_mem *mem)
{
    size_t k = 0;
    for (; runs[k].pairs != NULL; k++) {
        const enum mr_status st = mri_stats_pairs_join(p, &runs[k], mem);
        if (st != MR_OK)
            return st;
    }
    mr_assert(k < MRI_STATS_RUNS - 1);
    runs[k] = *p;
    *p = (struct mri_stats_pairs){NULL, 0};
    return MR_OK;
}

enum mr_status mri_stats_runs_all(struct mri_stats_pairs *ret,
                                  struct mri_stats_pairs runs[MRI_STATS_RUNS],
                                  const struct mr_mem *mem)
{
    enum mr_status st = MR_OK;
    *ret = (struct mri_stats_pairs){NULL, 0};
    for (size_t k = 0; k < MRI_STATS_RUNS; k++) {
        if (st == MR_OK && runs[k].pairs != NULL && ret->pairs == NULL) {
            *ret = runs[k];
            runs[k] = (struct mri_stats_pairs){NULL, 0};
        } else if (st == MR_OK && runs[k].pairs != NULL) {
            st = mri_stats_pairs_join(ret, &runs[k], mem);
        }
        mri_stats_pairs_done(&runs[k], mem);
    }
    return st;
}

void mri_stats_pairs_done(struct mri_stats_pairs *p, const struct mr_mem *mem)
{
    mri_stats_free(mem, p->pairs);
    p->pairs = NULL;
    p->count = 0;
}

static enum mr_status piece(struct mri_stats_pairs *ret, const struct mr_stats *s, size_t begin,
                            size_t end, bool circulation, struct mri_stats_pair *room[2])
{
    size_t n = 0;
    for (size_t i = begin; i < end; i++) {
        if (circulation ? !mri_stats_circulates(s, i)
                        : s->t.kind[i] != MR_STATS_PAY || s->t.unit[i] != LOCAL)
            continue;
        room[0][n++] = (struct mri_stats_pair){s->t.from[i], s->t.to[i], s->t.amount[i]};
    }
    sort(room[0], room[1], n, bits_of(s->t.accounts_count));
    const struct mri_stats_pairs all = {room[0], add_up(room[0], n)};
    return mri_stats_pairs_copy(ret, &all, &s->mem);
}

enum mr_status mri_stats_pairs_of(struct mri_stats_pairs *ret, const struct mr_stats *s,
                                  size_t begin, size_t end, bool circulation)
{
    const size_t rows = end - begin < PIECE ? end - begin : PIECE;
    struct mri_stats_pair *room[2] = {mri_stats_raw(&s->mem, rows, sizeof *room[0]),
                                      mri_stats_raw(&s->mem, rows, sizeof *room[0])};
    struct mri_stats_pairs runs[MRI_STATS_RUNS] = {{NULL, 0}}, part = {NULL, 0};
    enum mr_status st = room[0] == NULL || room[1] == NULL ? MR_NO_MEMORY : MR_OK;
    size_t at = begin;
    do {
        const size_t behind = end - at < PIECE ? end : at + PIECE;
        if (st == MR_OK)
            st = piece(&part, s, at, behind, circulation, room);
        if (st == MR_OK)
            st = mri_stats_runs_add(runs, &part, &s->mem);
        at = behind;
    } while (st == MR_OK && at < end);
    mri_stats_pairs_done(&part, &s->mem);
    mri_stats_free(&s->mem, room[0]);
    mri_stats_free(&s->mem, room[1]);
    const enum mr_status joined = mri_stats_runs_all(ret, runs, &s->mem);
    if (st == MR_OK)
        st = joined;
    if (st != MR_OK)
        mri_stats_pairs_done(ret, &s->mem);
    return st;
}

void mri_stats_pairs_index(size_t *ret, const struct mri_stats_pairs *p, uint32_t accounts)
{
    size_t at = 0;
    for (uint32_t a = 0; a <= accounts; a++) {
        while (at < p->count && p->pairs[at].from < a)
            at++;
        ret[a] = at;
    }
}

struct mri_stats_pair *mri_stats_pairs_find(const struct mri_stats_pairs *p, const size_t *index,
                                            uint32_t from, uint32_t to)
{
    size_t low = index[from], high = index[from + 1];
    const size_t behind = high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (p->pairs[middle].to < to)
            low = middle + 1;
        else
            high = middle;
    }
    return low < behind && p->pairs[low].to == to ? &p->pairs[low] : NULL;
}
