/** Clearing between associations: what both treasuries sign (LED-31). */
#ifndef MEREAU_ADMIN_CLEARING_H
#define MEREAU_ADMIN_CLEARING_H

#include "admin/context.h"
#include "admin/draft.h"

/** An association of the charter by its id; by its alias or name; NULL: none. */
const struct mr_association *clearing_by_id(const struct mr_charter *c, const uint8_t id[16]);
const struct mr_association *clearing_by_name(const struct mr_charter *c, const char *name);

/** Whether a draft is one order by which another association gives reserve to this one, so that
 *  operators of this one countersign it. */
bool clearing_is_for_us(const struct admin *a, const struct mr_draft *d);

/** Countersign such a draft, read from path, and write it back. Needs an operator's key and the
 *  node. Reported. */
void clearing_countersign(struct admin *a, struct mr_draft *d, const char *path);

/** Report that a draft waits for the other treasury's operators. Returns st. */
enum mr_status clearing_not_countersigned(struct admin *a, enum mr_status st,
                                          const struct mr_clear *k, const char *path);

#endif
