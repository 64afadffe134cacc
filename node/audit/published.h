/** Figures as they may be published: which are blank, and why (spec/77-publication.md PUB-3 to
 *  PUB-6). What publish and the public page share. */
#ifndef MEREAU_AUDIT_PUBLISHED_H
#define MEREAU_AUDIT_PUBLISHED_H

#include "audit/disclosure.h"
#include "audit/measure.h"

/** More periods are not published: the finer they are, the less can be shown. */
enum { PUBLISHED_PERIODS_MAX = 600 };

struct published {
    const struct measure *m;
    struct disclosure *disclosure; /* cell i is figure i */
};

/** What readers have beside it: an earlier publication, measured again on the same rows. Or, with
 *  `shown` NULL, days that lie between the edges of periods of several publications: nobody has
 *  their figures, but differences may give them. */
struct published_view {
    const struct measure *m; /* run */
    const bool *shown;       /* by figure */
    const bool *moved;       /* by figure: it showed another; this one is a secret. NULL: none */
};

/** Of all figures of a measure that was run, which must stay blank: what is shown here and in the
 *  others together gives nothing small back. MR_OK; MR_NO_MEMORY; MR_CHECK_FAILED: (beside
 *  the others) it cannot be published, however much is blank. `c`: whose progress is shown; NULL:
 *  none is. Put it away in any case. */
enum mr_status published_create(struct published *ret, const struct measure *m,
                                const struct published_view *others, size_t count,
                                const struct command *c);
void published_done(struct published *p);
/** Figures of few that follow from the others alone: nothing is lost by this one. */
size_t published_told(const struct published *p);

/** The days between edges that no view has: views to be added. MR_OK, MR_NO_MEMORY, MR_OUT_OF_RANGE
 *  (`max` or more). */
enum mr_status published_between(struct mr_stats_period *ret, size_t *ret_count, size_t max,
                                 const struct measure *m, const struct published_view *others,
                                 size_t count);

/** Whether the figures of periods add up to that of all of them. */
bool published_adds_up(enum mr_stats_id id);

/** Why figure i of the measure is blank. */
enum disclosure_why published_why(const struct published *p, size_t i);

#endif
