/* Primary blanks, then complements until elimination solves no blank cell.
 *
 * A blank cell x can be computed exactly when the unit vector of x lies in the space of the known
 * equations' rows over blank cells, which is when the reduced row echelon form has a row that is x
 * alone (solve.h). */
#include "audit/disclosure.h"

#include <stdlib.h>
#include <string.h>

#include "audit/solve.h"
#include "mereau/assert.h"

struct cell {
    mr_stats_wide size; /* of its value: what a blank costs */
    uint64_t value;     /* modulo the prime */
    uint32_t members;
    int64_t largest;
    uint8_t why;
    uint8_t rank;
    bool known;    /* from elsewhere: it cannot be blank */
    bool lost;     /* its value has none modulo the prime */
    bool hidden;   /* it stands in no table */
    bool harmless; /* hidden, and not small */
};

struct term {
    uint32_t cell;
    bool part;
    uint64_t factor;
};

struct relation {
    size_t first, count, guard;
    size_t blanks; /* when its row was made */
    bool same_members;
    bool guessed; /* it need not hold to the unit */
};

struct disclosure {
    struct cell *cells;
    struct term *terms;
    struct relation *relations;
    struct solver *solver; /* row i is relation i */
    size_t cells_count, cells_cap, terms_count, terms_cap, relations_count, relations_cap;
    size_t told_count;
    bool known_alone; /* what is not known from elsewhere counts as blank */
    bool short_of_memory;
    disclosure_progress on_progress; /* NULL: nobody looks on */
    void *ctx;
};

/* --- numbers modulo the prime ----------------------------------------------------------------- */

static uint64_t reduce(mr_stats_wide n)
{
    const mr_stats_wide rest = n % (mr_stats_wide)SOLVE_PRIME;
    return (uint64_t)(rest < 0 ? rest + (mr_stats_wide)SOLVE_PRIME : rest);
}

static uint64_t quotient(mr_stats_wide num, mr_stats_wide den)
{
    return solve_times(reduce(num), solve_inverse(reduce(den)));
}

/* --- what is put in --------------------------------------------------------------------------- */

enum mr_status disclosure_create(struct disclosure **ret)
{
    *ret = calloc(1, sizeof **ret);
    return *ret == NULL ? MR_NO_MEMORY : MR_OK;
}

void disclosure_destroy(struct disclosure *d)
{
    if (d == NULL)
        return;
    solver_destroy(d->solver);
    free(d->cells);
    free(d->terms);
    free(d->relations);
    free(d);
}

/* The array with room for one more; NULL: none, and that is kept. */
static void *room(struct disclosure *d, void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    const size_t more = 2 * *cap + 64;
    void *const grown = more > UINT32_MAX ? NULL : realloc(array, more * size);
    if (grown == NULL)
        d->short_of_memory = true;
    else
        *cap = more;
    return grown;
}

void disclosure_rank(struct disclosure *d, size_t cell, uint8_t rank)
{
    if (cell < d->cells_count)
        d->cells[cell].rank = rank;
}

void disclosure_hide(struct disclosure *d, size_t cell)
{
    if (cell < d->cells_count && d->cells[cell].why == DISCLOSURE_SHOWN)
        d->cells[cell].why = DISCLOSURE_COMPLEMENT;
}

void disclosure_know(struct disclosure *d, size_t cell)
{
    if (cell >= d->cells_count)
        return;
    d->cells[cell].why = DISCLOSURE_SHOWN;
    d->cells[cell].known = true;
}

void disclosure_unpublish(struct disclosure *d, size_t cell)
{
    if (cell >= d->cells_count || d->cells[cell].hidden)
        return;
    d->cells[cell].hidden = true;
    d->cells[cell].harmless = d->cells[cell].why == DISCLOSURE_SHOWN;
    d->cells[cell].why = DISCLOSURE_FEW;
}

bool disclosure_small(mr_stats_wide value, uint32_t members, int64_t largest)
{
    if (members == MR_STATS_NONE || (members == 0 && value == 0))
        return false;
    const mr_stats_wide size = value < 0 ? -value : value;
    return members < DISCLOSURE_MEMBERS_MIN ||
           (mr_stats_wide)largest * 100 > size * DISCLOSURE_SHARE_MAX;
}

size_t disclosure_cell(struct disclosure *d, mr_stats_wide value, uint32_t members, int64_t largest)
{
    struct cell *const cells = room(d, d->cells, d->cells_count, &d->cells_cap, sizeof *d->cells);
    if (cells == NULL)
        return DISCLOSURE_NONE;
    d->cells = cells;
    d->cells[d->cells_count] = (struct cell){
        .size = value < 0 ? -value : value,
        .value = reduce(value),
        .members = members,
        .largest = largest,
        .why = disclosure_small(value, members, largest) ? DISCLOSURE_FEW : DISCLOSURE_SHOWN};
    return d->cells_count++;
}

void disclosure_value(struct disclosure *d, size_t cell, mr_stats_wide num, mr_stats_wide den)
{
    if (cell >= d->cells_count)
        return;
    d->cells[cell].value = quotient(num, den);
    d->cells[cell].lost = reduce(den) == 0;
}

void disclosure_blank(struct disclosure *d, size_t cell)
{
    if (cell < d->cells_count) {
        d->cells[cell].why = DISCLOSURE_FEW;
        d->cells[cell].harmless = false;
    }
}

void disclosure_relation(struct disclosure *d, size_t guard, bool same_members)
{
    struct relation *const all =
        room(d, d->relations, d->relations_count, &d->relations_cap, sizeof *d->relations);
    if (all == NULL)
        return;
    d->relations = all;
    d->relations[d->relations_count++] =
        (struct relation){.first = d->terms_count, .guard = guard, .same_members = same_members};
}

void disclosure_forget(struct disclosure *d)
{
    if (d->relations_count == 0 || d->short_of_memory)
        return;
    d->terms_count = d->relations[--d->relations_count].first;
}

void disclosure_guess(struct disclosure *d)
{
    if (d->relations_count > 0 && !d->short_of_memory)
        d->relations[d->relations_count - 1].guessed = true;
}

void disclosure_term(struct disclosure *d, size_t cell, mr_stats_wide num, mr_stats_wide den)
{
    if (cell >= d->cells_count || d->relations_count == 0 || num == 0 || den == 0)
        return;
    struct term *const terms = room(d, d->terms, d->terms_count, &d->terms_cap, sizeof *d->terms);
    if (terms == NULL)
        return;
    d->terms = terms;
    d->terms[d->terms_count++] = (struct term){
        .cell = (uint32_t)cell, .part = (num > 0) == (den > 0), .factor = quotient(num, den)};
    struct relation *const r = &d->relations[d->relations_count - 1];
    r->count++;
    /* by chance no number of the prime's */
    r->guessed = r->guessed || d->cells[cell].lost || reduce(num) == 0 || reduce(den) == 0;
}

void disclosure_watch(struct disclosure *d, disclosure_progress on_progress, void *ctx)
{
    d->on_progress = on_progress;
    d->ctx = ctx;
}

size_t disclosure_told(const struct disclosure *d)
{
    return d->told_count;
}

enum disclosure_why disclosure_why(const struct disclosure *d, size_t cell)
{
    return cell < d->cells_count ? (enum disclosure_why)d->cells[cell].why : DISCLOSURE_FEW;
}

/* --- elimination ------------------------------------------------------------------------------ */

static bool is_blank(const struct disclosure *d, size_t cell)
{
    return d->cells[cell].why != DISCLOSURE_SHOWN || (d->known_alone && !d->cells[cell].known);
}

/* What is blank for the sake of another may be computed, unless that gives the other one. */
static bool is_secret(const struct disclosure *d, size_t cell)
{
    return d->cells[cell].why == DISCLOSURE_FEW && !d->cells[cell].harmless;
}

static bool is_known(const struct disclosure *d, const struct relation *r)
{
    return r->guard == DISCLOSURE_NONE || !is_blank(d, r->guard);
}

static size_t blanks(const struct disclosure *d, const struct relation *r)
{
    size_t n = 0;
    for (size_t k = r->first; k < r->first + r->count; k++)
        n += is_blank(d, d->terms[k].cell) ? 1 : 0;
    return n;
}

/* The blank cells that a relation tells of; 0: nobody knows it. */
static size_t told(const struct disclosure *d, const struct relation *r)
{
    return is_known(d, r) ? blanks(d, r) : 0;
}

static void tell_progress(const struct disclosure *d)
{
    size_t n = 0;
    for (size_t i = 0; d->on_progress != NULL && i < d->cells_count; i++)
        n += is_blank(d, i) ? 1 : 0;
    if (d->on_progress != NULL)
        d->on_progress(d->ctx, n);
}

static bool is_as_it_was(const struct disclosure *d, size_t relation)
{
    const struct relation *const r = &d->relations[relation];
    return told(d, r) == r->blanks;
}

/* One row for each relation that is known: its blank cells. Those in front of the first one that
 * has changed are as they were. */
static bool eliminate(struct disclosure *d)
{
    size_t i = 0;
    bool done = true;
    while (i < d->relations_count && d->relations[i].blanks == told(d, &d->relations[i]))
        i++;
    solver_begin(d->solver, (uint32_t)i);
    for (; i < d->relations_count && done; i++) {
        struct relation *const r = &d->relations[i];
        r->blanks = told(d, r);
        if (r->blanks == 0)
            continue;
        for (size_t k = r->first; k < r->first + r->count; k++) {
            if (is_blank(d, d->terms[k].cell))
                solver_term(d->solver, d->terms[k].cell, d->terms[k].factor);
        }
        done = solver_add(d->solver, (uint32_t)i);
    }
    solver_end(d->solver);
    return done;
}

/* --- complements ------------------------------------------------------------------------------ */

/* Zeros protect little: they go last. */
static bool costs_less(const struct cell *a, const struct cell *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank;
    return a->size == 0 || b->size == 0 ? a->size > b->size : a->size < b->size;
}

/* The shown cell of a relation that costs least. */
static size_t cheapest(const struct disclosure *d, const struct relation *r)
{
    size_t best = DISCLOSURE_NONE;
    if (r->guard != DISCLOSURE_NONE && is_known(d, r) && !d->cells[r->guard].known)
        return r->guard;
    for (size_t k = r->first; k < r->first + r->count; k++) {
        const size_t cell = d->terms[k].cell;
        if (!is_blank(d, cell) && !d->cells[cell].known &&
            (best == DISCLOSURE_NONE || costs_less(&d->cells[cell], &d->cells[best])))
            best = cell;
    }
    return best;
}

/* The cheapest cell without which one of the relations that gave one tells less: its rate, if it
 * needs one, else a shown cell. Of equals that of the first relation. */
static bool hide(struct disclosure *d, const uint32_t *sources, size_t count)
{
    size_t best = DISCLOSURE_NONE;
    uint32_t best_relation = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t other = cheapest(d, &d->relations[sources[i]]);
        if (other == DISCLOSURE_NONE)
            continue;
        if (best == DISCLOSURE_NONE || costs_less(&d->cells[other], &d->cells[best]) ||
            (sources[i] < best_relation && !costs_less(&d->cells[best], &d->cells[other]))) {
            best = other;
            best_relation = sources[i];
        }
    }
    if (best != DISCLOSURE_NONE)
        d->cells[best].why = DISCLOSURE_COMPLEMENT;
    return best != DISCLOSURE_NONE;
}

/* A rate that is blank while all that it is made of is shown. */
static bool gives_rate(const struct disclosure *d, const struct relation *r)
{
    return r->guard != DISCLOSURE_NONE && is_secret(d, r->guard) && blanks(d, r) == 0;
}

/* The blank parts of a shown total add up to a number that all know: that one must not be small
 * either, else who is behind it computes his neighbour. */
static bool is_weak(const struct disclosure *d, const struct relation *r)
{
    mr_stats_wide size = 0;
    int64_t largest = 0;
    uint64_t members = 0;
    size_t parts = 0;
    if (r->guard != DISCLOSURE_NONE)
        return false;
    for (size_t k = r->first; k < r->first + r->count; k++) {
        const struct cell *const c = &d->cells[d->terms[k].cell];
        if (c->why == DISCLOSURE_SHOWN)
            continue;
        if (!d->terms[k].part || c->members == MR_STATS_NONE)
            return false;
        members = !r->same_members       ? members + c->members
                  : c->members > members ? c->members
                                         : members;
        largest = c->largest > largest ? c->largest : largest;
        size += c->size;
        parts++;
    }
    return parts > 0 &&
           disclosure_small(size, members > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)members,
                            largest);
}

/* The cheapest cell of every relation that tells too much. */
static bool hide_in(struct disclosure *d,
                    bool (*tells)(const struct disclosure *d, const struct relation *r))
{
    bool changed = false;
    for (size_t i = 0; i < d->relations_count; i++) {
        const struct relation *const r = &d->relations[i];
        const size_t cell = tells(d, r) ? cheapest(d, r) : DISCLOSURE_NONE;
        if (cell == DISCLOSURE_NONE)
            continue;
        d->cells[cell].why = DISCLOSURE_COMPLEMENT;
        changed = true;
    }
    return changed;
}

/* The secret that a relation gives, with others; SOLVE_NONE: none. */
static uint32_t secret_of(const struct disclosure *d, size_t relation)
{
    const uint32_t cell = solver_gives(d->solver, (uint32_t)relation);
    return cell != SOLVE_NONE && is_secret(d, cell) ? cell : SOLVE_NONE;
}

/* What is solved, one by one; where a cell was hidden meanwhile, it may be solved no more. */
static bool hide_solved(struct disclosure *d)
{
    bool changed = false;
    for (size_t i = 0; i < d->relations_count && !d->short_of_memory; i++) {
        size_t count;
        if (secret_of(d, i) == SOLVE_NONE)
            continue;
        const uint32_t *const sources = solver_sources(d->solver, (uint32_t)i, &count);
        bool holds = count > 0;
        d->short_of_memory = d->short_of_memory || sources == NULL;
        for (size_t k = 0; holds && k < count; k++)
            holds = is_as_it_was(d, sources[k]);
        changed = (holds && hide(d, sources, count)) || changed;
    }
    return changed;
}

/* Zero is what everybody takes for granted. */
static bool tells_secret(const struct disclosure *d, size_t relation)
{
    const uint32_t cell = secret_of(d, relation);
    return cell != SOLVE_NONE && d->cells[cell].size != 0;
}

static bool is_given_back(const struct disclosure *d)
{
    for (size_t i = 0; i < d->relations_count; i++) {
        if (tells_secret(d, i))
            return true;
    }
    return false;
}

/* --- whether relations hold ------------------------------------------------------------------- */

static bool holds(const struct disclosure *d, const struct relation *r)
{
    uint64_t sum = 0;
    for (size_t k = r->first; k < r->first + r->count; k++)
        sum = solve_plus(sum, solve_times(d->terms[k].factor, d->cells[d->terms[k].cell].value));
    return sum == 0;
}

static void check_relations(const struct disclosure *d)
{
    for (size_t i = 0; i < d->relations_count; i++) {
        if (!d->relations[i].guessed)
            mr_assert(holds(d, &d->relations[i]));
    }
}

/* Where nothing is left to be hidden, a guess that is a little wrong gave what it does not know;
 * what gives the same by other ways is seen without it. */
static bool drop_guesses(struct disclosure *d)
{
    bool changed = false;
    for (size_t i = 0; i < d->relations_count && !d->short_of_memory; i++) {
        size_t count;
        if (!tells_secret(d, i))
            continue;
        const uint32_t *const sources = solver_sources(d->solver, (uint32_t)i, &count);
        d->short_of_memory = sources == NULL;
        for (size_t k = 0; k < count; k++) {
            struct relation *const r = &d->relations[sources[k]];
            if (!r->guessed || holds(d, r))
                continue;
            r->count = 0;
            changed = true;
        }
    }
    return changed;
}

static bool all_hold(const struct disclosure *d, const uint32_t *relations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!holds(d, &d->relations[relations[i]]))
            return false;
    }
    return true;
}

/* What follows from what is known from elsewhere is told already: nothing can be done for it, and
 * nothing is lost by what is shown now. */
static void give_up_told(struct disclosure *d)
{
    d->known_alone = true;
    if (!eliminate(d))
        d->short_of_memory = true;
    for (size_t i = 0; i < d->relations_count && !d->short_of_memory; i++) {
        size_t count;
        const uint32_t cell = secret_of(d, i);
        if (cell == SOLVE_NONE)
            continue;
        const uint32_t *const sources = solver_sources(d->solver, (uint32_t)i, &count);
        d->short_of_memory = sources == NULL;
        if (count > 0 && all_hold(d, sources, count)) {
            d->cells[cell].harmless = true;
            d->told_count += d->cells[cell].size != 0 ? 1 : 0;
        }
    }
    d->known_alone = false;
    solver_begin(d->solver, 0);
    for (size_t i = 0; i < d->relations_count; i++)
        d->relations[i].blanks = 0;
}

static bool any_known(const struct disclosure *d)
{
    for (size_t i = 0; i < d->cells_count; i++) {
        if (d->cells[i].known)
            return true;
    }
    return false;
}

/* What was hidden and follows from the rest all the same is shown: nothing is lost by it. */
static void show_solved(struct disclosure *d)
{
    for (size_t i = 0; i < d->relations_count; i++) {
        const uint32_t cell = solver_gives(d->solver, (uint32_t)i);
        if (cell != SOLVE_NONE && d->cells[cell].why == DISCLOSURE_COMPLEMENT)
            d->cells[cell].why = DISCLOSURE_SHOWN;
    }
}

/* Each round blanks at least one cell more or drops a guess, so it ends. With everything blank,
 * relations that hold give zeros alone. */
enum mr_status disclosure_protect(struct disclosure *d)
{
    bool changed = true;
    if (!d->short_of_memory) {
        d->solver = solver_create(d->cells_count, d->relations_count);
        d->short_of_memory = d->solver == NULL;
        check_relations(d);
    }
    if (!d->short_of_memory && any_known(d))
        give_up_told(d);
    while (changed && !d->short_of_memory) {
        while (hide_in(d, is_weak) || hide_in(d, gives_rate))
            ;
        tell_progress(d);
        if (!eliminate(d))
            d->short_of_memory = true;
        else
            changed = hide_solved(d) || drop_guesses(d);
    }
    const bool given_back = !d->short_of_memory && is_given_back(d);
    if (!d->short_of_memory && !given_back)
        show_solved(d);
    solver_destroy(d->solver);
    d->solver = NULL;
    return d->short_of_memory ? MR_NO_MEMORY : given_back ? MR_CHECK_FAILED : MR_OK;
}
