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

/** Of all figures of a measure that was run, which must stay. MR_OK, MR_NO_MEMORY; put it away in
 *  any case. */
enum mr_status published_create(struct published *ret, const struct measure *m);
void published_done(struct published *p);

/** Why figure i of the measure is blank. */
enum disclosure_why published_why(const struct published *p, size_t i);

#endif
