/** Linear equations modulo a prime: which unknowns they give, and which of the equations it takes.
 *
 *  Each row says that its terms come to nothing. An unknown is given (it is nothing itself) when it
 *  stands alone in a row of the reduced row echelon form; rows are taken in the order in which they
 *  were added, and each leads with its lowest unknown. What holds over the rationals holds modulo
 *  the prime of 61 bits too, so that nothing that is given is missed; a pivot that vanishes by
 *  chance (2^-61) gives one too many. */
#ifndef MEREAU_AUDIT_SOLVE_H
#define MEREAU_AUDIT_SOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOLVE_PRIME ((UINT64_C(1) << 61) - 1)

__extension__ typedef unsigned __int128 solve_wide;

/* Below the prime all of them. */
static inline uint64_t solve_fold(uint64_t n)
{
    return n >= SOLVE_PRIME ? n - SOLVE_PRIME : n;
}

static inline uint64_t solve_times(uint64_t a, uint64_t b)
{
    const solve_wide p = (solve_wide)a * b;
    return solve_fold((uint64_t)(p & SOLVE_PRIME) + (uint64_t)(p >> 61));
}

static inline uint64_t solve_plus(uint64_t a, uint64_t b)
{
    return solve_fold(a + b);
}

static inline uint64_t solve_minus(uint64_t a, uint64_t b)
{
    return solve_fold(a + (SOLVE_PRIME - b));
}

/** Of zero: zero. */
uint64_t solve_inverse(uint64_t a);

struct solver;

/** For unknowns below `unknowns` and rows below `rows`. NULL: no memory. */
struct solver *solver_create(size_t unknowns, size_t rows);
/** NULL is fine. */
void solver_destroy(struct solver *s);

/** Forget the rows from this one on. */
void solver_begin(struct solver *s, uint32_t row);
/** A term of the row that is added next; terms of one unknown add up. */
void solver_term(struct solver *s, uint32_t unknown, uint64_t factor);
/** Adds it as number `row`, which is above all that were added. False: no memory. */
bool solver_add(struct solver *s, uint32_t row);
/** All rows were added. */
void solver_end(struct solver *s);

#define SOLVE_NONE UINT32_MAX
/** The unknown that a row gives; SOLVE_NONE: none, or there is no such row. */
uint32_t solver_gives(const struct solver *s, uint32_t row);
/** What it takes for that: rows, each once, `row` with them; lent until the next call. NULL: no
 *  memory; or, by a chance of 2^-61, the row gives nothing after all (*ret_count 0). */
const uint32_t *solver_sources(struct solver *s, uint32_t row, size_t *ret_count);

#endif
