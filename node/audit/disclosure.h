/** Which cells of published tables must stay blank (spec/77-publication.md PUB-3 to PUB-5).
 *
 *  Cells are numbers with those who stand behind them; relations are linear equations that anybody
 *  knows to hold between cells: rows and columns add up to totals, periods to the whole, a rate
 *  times its base is a sum. A cell is blank because few stand behind it or one dominates it, or to
 *  keep such a one from being computed: it cannot be solved from what is not blank. */
#ifndef MEREAU_AUDIT_DISCLOSURE_H
#define MEREAU_AUDIT_DISCLOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/stats.h"

/** PUB-3: a sum is of at least so many members, and no one has more than so many hundredths. */
enum { DISCLOSURE_MEMBERS_MIN = 5, DISCLOSURE_SHARE_MAX = 80 };

#define DISCLOSURE_NONE SIZE_MAX

struct disclosure;

/** MR_OK, MR_NO_MEMORY. NULL is fine to destroy. A failed allocation later is kept: disclosure_
 *  protect tells it. */
enum mr_status disclosure_create(struct disclosure **ret);
void disclosure_destroy(struct disclosure *d);

/** A cell and who stands behind it (members MR_STATS_NONE: no persons). Its number: 0, 1, ... */
size_t disclosure_cell(struct disclosure *d, mr_stats_wide value, uint32_t members,
                       int64_t largest);

/** Its value, if that is not what disclosure_cell was told: num / den (den not 0). */
void disclosure_value(struct disclosure *d, size_t cell, mr_stats_wide num, mr_stats_wide den);

/** Blank, because something else says so (its base is). Before disclosure_protect. */
void disclosure_blank(struct disclosure *d, size_t cell);
/** How much it is worth to readers: complements are taken from the lowest rank (0 at first). */
void disclosure_rank(struct disclosure *d, size_t cell, uint8_t rank);
/** Blank for the sake of others: it may be computed if they may not. */
void disclosure_hide(struct disclosure *d, size_t cell);
/** It stays as it is, whatever follows from it: readers know it from elsewhere. */
void disclosure_know(struct disclosure *d, size_t cell);
/** It stands in no table. It must not be computed either if it is small; else it may. */
void disclosure_unpublish(struct disclosure *d, size_t cell);
/** Whether few stand behind these, or one dominates them. */
bool disclosure_small(mr_stats_wide value, uint32_t members, int64_t largest);

/** A new relation: its terms come to nothing. When the values contradict it, that is our own
 * mistake and disclosure_protect stops the program: a wrong relation would "solve" what nothing
 * gives, and what does give it would not be seen. `guard`: a cell without which nobody knows the
 * relation (a rate); DISCLOSURE_NONE: it holds by definition. `same_members`: the same persons
 * stand behind several of its parts (periods), as against different ones (classes). */
void disclosure_relation(struct disclosure *d, size_t guard, bool same_members);
/** The relation begun last is dropped. */
void disclosure_forget(struct disclosure *d);
/** The relation begun last may hold only nearly: readers take it for granted all the same. It
 *  counts, unless something small followed from it with nothing shown. */
void disclosure_guess(struct disclosure *d);
/** A term of the relation begun last: num / den times the cell; both not 0 (else it is left out).
 *  A part has a coefficient above zero, a total one below. */
void disclosure_term(struct disclosure *d, size_t cell, mr_stats_wide num, mr_stats_wide den);

/** Called now and then while disclosure_protect is at work, with how many cells are blank. */
typedef void (*disclosure_progress)(void *ctx, size_t blank);
void disclosure_watch(struct disclosure *d, disclosure_progress on_progress, void *ctx);

/** Blank what must be; what follows from what is known from elsewhere alone is told already, and is
 *  protected no more. MR_OK; MR_NO_MEMORY; MR_CHECK_FAILED: with all blank that may be, something
 *  small still follows. */
enum mr_status disclosure_protect(struct disclosure *d);

/** Asked after disclosure_protect: small ones, other than zero, that were told already. */
size_t disclosure_told(const struct disclosure *d);
enum disclosure_why {
    DISCLOSURE_SHOWN,
    DISCLOSURE_FEW,        /* fewer members, or one that dominates */
    DISCLOSURE_COMPLEMENT, /* to keep another from being computed */
};
enum disclosure_why disclosure_why(const struct disclosure *d, size_t cell);

#endif
