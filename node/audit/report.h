/** What an audit says: findings as rows, totals, and what could not be checked. */
#ifndef MEREAU_AUDIT_REPORT_H
#define MEREAU_AUDIT_REPORT_H

#include "audit/source.h"
#include "mereau/audit.h"

struct report {
    const struct mr_charter *charter;
    struct mr_audit_finding *rows;
    size_t count, cap; /* rows kept, at most */
    uint64_t all;
};

/** Keeps the first `cap` findings. MR_OK, MR_NO_MEMORY. */
enum mr_status report_create(struct report *ret, const struct mr_charter *charter, size_t cap);
void report_done(struct report *r);

/** mr_audit_report over a struct report. */
void report_add(void *ctx, const struct mr_audit_finding *f);

/** A finding of the program itself: the bytes could not be read further. */
void report_damage(struct report *r, uint64_t turn, const char *text);

/** Rows for people, and "findings" in JSON. Sorted by place. */
void report_rows(struct report *r, struct out *out);

/** Summary for people, and "totals" and "unchecked" in JSON. `now`: the charter as it stands at
 *  the end of the book. */
void report_totals(const struct report *r, struct out *out, const struct mr_audit_totals *t,
                   const struct source *s, const struct mr_charter *now);

/** Name of an association of the charter, "?" of another one. */
const char *report_association(const struct mr_charter *c, const uint8_t id[MR_ACCOUNT_BYTES]);

#endif
