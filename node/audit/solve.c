/* Rows are reduced one by one by those in front of them. Whether a row gives its unknown shows in a
 * vector that solves all equations and is chosen at random where they leave a choice: there what is
 * given is nothing, and nothing else is, but by chance. Only what a row takes is worked out to the
 * end, when it is asked for. */
#include "audit/solve.h"

#include <stdlib.h>

struct term {
    uint32_t unknown;
    uint64_t factor;
};

struct row {
    size_t terms, terms_count; /* reduced by those in front of it */
    size_t uses, uses_count;   /* which of them that took */
    uint32_t lead;             /* its lowest unknown; SOLVE_NONE: nothing is left of it */
    uint64_t inverse;          /* of the factor of that */
    bool added;
};

struct solver {
    size_t unknowns, rows;
    struct row *row;
    struct term *terms;
    size_t terms_count, terms_cap;
    uint32_t *uses;
    size_t uses_count, uses_cap;
    uint32_t *leader; /* by unknown: the row that leads with it */
    uint64_t *vector; /* by unknown */
    /* the row that is worked on; all of these are empty before and behind */
    uint64_t *factor; /* by unknown */
    bool *named;      /* by unknown: it is in `list` */
    uint32_t *list;
    size_t list_count;
    uint32_t *heap; /* rows whose leading unknowns are in it, the lowest first */
    size_t heap_count;
    uint32_t *found; /* by solver_sources */
    bool *marked;    /* by row */
};

/* --- numbers modulo the prime ----------------------------------------------------------------- */

uint64_t solve_inverse(uint64_t a)
{
    uint64_t result = 1;
    for (uint64_t power = SOLVE_PRIME - 2; power > 0; power >>= 1, a = solve_times(a, a))
        result = (power & 1) != 0 ? solve_times(result, a) : result;
    return result;
}

/* --- room ------------------------------------------------------------------------------------- */

struct solver *solver_create(size_t unknowns, size_t rows)
{
    struct solver *const s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->unknowns = unknowns;
    s->rows = rows;
    s->row = calloc(rows + 1, sizeof *s->row);
    s->leader = calloc(unknowns + 1, sizeof *s->leader);
    s->vector = calloc(unknowns + 1, sizeof *s->vector);
    s->factor = calloc(unknowns + 1, sizeof *s->factor);
    s->named = calloc(unknowns + 1, sizeof *s->named);
    s->list = calloc(unknowns + 1, sizeof *s->list);
    s->heap = calloc(rows + 1, sizeof *s->heap);
    s->found = calloc(rows + 1, sizeof *s->found);
    s->marked = calloc(rows + 1, sizeof *s->marked);
    if (s->row == NULL || s->leader == NULL || s->vector == NULL || s->factor == NULL ||
        s->named == NULL || s->list == NULL || s->heap == NULL || s->found == NULL ||
        s->marked == NULL) {
        solver_destroy(s);
        return NULL;
    }
    for (size_t i = 0; i < rows; i++)
        s->row[i].lead = SOLVE_NONE;
    for (size_t i = 0; i < unknowns; i++)
        s->leader[i] = SOLVE_NONE;
    return s;
}

void solver_destroy(struct solver *s)
{
    if (s == NULL)
        return;
    void *const all[] = {s->row,   s->terms, s->uses, s->leader, s->vector, s->factor,
                         s->named, s->list,  s->heap, s->found,  s->marked};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    free(s);
}

/* What rows keep stands in their order. */
void solver_begin(struct solver *s, uint32_t row)
{
    bool first = true;
    for (size_t i = row; i < s->rows; i++) {
        struct row *const r = &s->row[i];
        if (first && r->added) {
            s->terms_count = r->terms;
            s->uses_count = r->uses;
            first = false;
        }
        if (r->lead != SOLVE_NONE)
            s->leader[r->lead] = SOLVE_NONE;
        *r = (struct row){.lead = SOLVE_NONE};
    }
}

/* The array with room for so many more; NULL: none. */
static void *room(void *array, size_t count, size_t more, size_t *cap, size_t size)
{
    if (count + more <= *cap)
        return array;
    const size_t wanted = 2 * (count + more) + 64;
    void *const grown = realloc(array, wanted * size);
    if (grown != NULL)
        *cap = wanted;
    return grown;
}

/* --- rows by rows ----------------------------------------------------------------------------- */

static void push(struct solver *s, uint32_t row)
{
    size_t at = s->heap_count++;
    for (; at > 0 && s->heap[(at - 1) / 2] > row; at = (at - 1) / 2)
        s->heap[at] = s->heap[(at - 1) / 2];
    s->heap[at] = row;
}

static uint32_t pop(struct solver *s)
{
    const uint32_t first = s->heap[0], last = s->heap[--s->heap_count];
    size_t at = 0;
    for (size_t child = 1; child < s->heap_count; child = 2 * at + 1) {
        if (child + 1 < s->heap_count && s->heap[child + 1] < s->heap[child])
            child++;
        if (s->heap[child] >= last)
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = last;
    return first;
}

void solver_term(struct solver *s, uint32_t unknown, uint64_t factor)
{
    if (!s->named[unknown]) {
        s->named[unknown] = true;
        s->list[s->list_count++] = unknown;
        if (s->leader[unknown] != SOLVE_NONE)
            push(s, s->leader[unknown]);
    }
    s->factor[unknown] = solve_plus(s->factor[unknown], factor);
}

/* Takes rows off the one that is worked on, until it has none of their leading unknowns. What one
 * of them brings in is led by later ones alone, so each is looked at once. */
static bool take_off(struct solver *s, size_t *ret_used)
{
    *ret_used = 0;
    while (s->heap_count > 0) {
        const uint32_t by = pop(s);
        const struct row *const r = &s->row[by];
        const uint64_t factor = s->factor[r->lead];
        if (factor == 0)
            continue;
        uint32_t *const uses = room(s->uses, s->uses_count, 1, &s->uses_cap, sizeof *uses);
        if (uses == NULL)
            return false;
        s->uses = uses;
        s->uses[s->uses_count++] = by;
        (*ret_used)++;
        const uint64_t times = solve_minus(0, solve_times(factor, r->inverse));
        for (size_t k = r->terms; k < r->terms + r->terms_count; k++)
            solver_term(s, s->terms[k].unknown, solve_times(times, s->terms[k].factor));
    }
    return true;
}

static void clear(struct solver *s)
{
    for (size_t k = 0; k < s->list_count; k++) {
        s->factor[s->list[k]] = 0;
        s->named[s->list[k]] = false;
    }
    s->list_count = s->heap_count = 0;
}

/* What is left of the row that is worked on. */
static bool keep(struct solver *s, struct row *r)
{
    struct term *const terms =
        room(s->terms, s->terms_count, s->list_count, &s->terms_cap, sizeof *terms);
    if (terms == NULL && s->list_count > 0)
        return false;
    s->terms = terms;
    r->lead = SOLVE_NONE;
    for (size_t k = 0; k < s->list_count; k++) {
        const uint32_t unknown = s->list[k];
        if (s->factor[unknown] == 0)
            continue;
        s->terms[s->terms_count++] = (struct term){unknown, s->factor[unknown]};
        r->lead = unknown < r->lead ? unknown : r->lead;
    }
    r->terms_count = s->terms_count - r->terms;
    return true;
}

bool solver_add(struct solver *s, uint32_t row)
{
    struct row *const r = &s->row[row];
    r->added = true;
    r->uses = s->uses_count;
    r->terms = s->terms_count;
    const bool done = take_off(s, &r->uses_count) && keep(s, r);
    if (done && r->lead != SOLVE_NONE) {
        r->inverse = solve_inverse(s->factor[r->lead]);
        s->leader[r->lead] = row;
    }
    clear(s);
    return done;
}

/* --- what is given ---------------------------------------------------------------------------- */

/* A number below the prime, spread by the finaliser of SplitMix64. */
static uint64_t spread(uint64_t n)
{
    n = (n + 1) * UINT64_C(0x9E3779B97F4A7C15);
    n = (n ^ (n >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    n = (n ^ (n >> 27)) * UINT64_C(0x94D049BB133111EB);
    return solve_fold((n ^ (n >> 31)) & SOLVE_PRIME);
}

void solver_end(struct solver *s)
{
    for (size_t i = 0; i < s->unknowns; i++)
        s->vector[i] = spread(i);
    for (size_t i = s->rows; i-- > 0;) {
        const struct row *const r = &s->row[i];
        uint64_t sum = 0;
        if (r->lead == SOLVE_NONE)
            continue;
        s->vector[r->lead] = 0;
        for (size_t k = r->terms; k < r->terms + r->terms_count; k++)
            sum = solve_plus(sum, solve_times(s->terms[k].factor, s->vector[s->terms[k].unknown]));
        s->vector[r->lead] = solve_minus(0, solve_times(sum, r->inverse));
    }
}

uint32_t solver_gives(const struct solver *s, uint32_t row)
{
    const uint32_t lead = s->row[row].lead;
    return lead != SOLVE_NONE && s->vector[lead] == 0 ? lead : SOLVE_NONE;
}

static void mark(struct solver *s, uint32_t row, size_t *count)
{
    if (s->marked[row])
        return;
    s->marked[row] = true;
    s->found[(*count)++] = row;
}

/* Takes the rows behind off, too. What is left must be the leading unknown. */
static bool finish(struct solver *s, uint32_t row, size_t *ret_used, bool *ret_alone)
{
    const struct row *const r = &s->row[row];
    s->named[r->lead] = true; /* its own leader is not taken off */
    s->list[s->list_count++] = r->lead;
    for (size_t k = r->terms; k < r->terms + r->terms_count; k++)
        solver_term(s, s->terms[k].unknown, s->terms[k].factor);
    const bool done = take_off(s, ret_used);
    *ret_alone = true;
    for (size_t k = 1; k < s->list_count; k++)
        *ret_alone = *ret_alone && s->factor[s->list[k]] == 0;
    clear(s);
    return done;
}

const uint32_t *solver_sources(struct solver *s, uint32_t row, size_t *ret_count)
{
    size_t used, count = 0, next = 0;
    bool alone;
    *ret_count = 0;
    const bool done = finish(s, row, &used, &alone);
    mark(s, row, &count);
    for (size_t k = s->uses_count - used; k < s->uses_count; k++)
        mark(s, s->uses[k], &count);
    s->uses_count -= used;
    while (next < count) {
        const struct row *const r = &s->row[s->found[next++]];
        for (size_t k = r->uses; k < r->uses + r->uses_count; k++)
            mark(s, s->uses[k], &count);
    }
    for (size_t k = 0; k < count; k++)
        s->marked[s->found[k]] = false;
    *ret_count = done && alone ? count : 0;
    return done ? s->found : NULL;
}
