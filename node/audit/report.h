/** What an audit says: findings as rows, totals, and what could not be checked. */
#ifndef MEREAU_AUDIT_REPORT_H
#define MEREAU_AUDIT_REPORT_H

#include "audit/source.h"
#include "mereau/audit.h"

struct report_rows {
    struct mr_audit_finding *at;
    size_t count; /* kept */
    uint64_t all;
};

struct report {
    const struct mr_charter *charter;
    size_t cap;                     /* rows kept of each */
    struct report_rows wrong;       /* what is not right about the book */
    struct report_rows convictions; /* of other nodes: mr_audit_finding.of_another */
    bool asks_witnesses; /* who reports also checks what they cosigned, and says it himself */
};

/** Keeps the first `cap` rows of each kind. MR_OK, MR_NO_MEMORY. */
enum mr_status report_create(struct report *ret, const struct mr_charter *charter, size_t cap);
void report_done(struct report *r);

/** mr_audit_report over a struct report. */
void report_add(void *ctx, const struct mr_audit_finding *f);

/** A finding of the program itself: the bytes could not be read further. */
void report_damage(struct report *r, uint64_t turn, const char *text);

/** Rows for people, and "findings" and "convictions" in JSON. Sorted by place. */
void report_rows(struct report *r, struct out *out);

/** Summary for people, and "totals" and "unchecked" in JSON, of an audit that is at the end of the
 *  book. */
void report_totals(const struct report *r, struct out *out, const struct mr_audit_totals *t,
                   const struct source *s, const struct mr_audit *a);

/** Whom the book convicts, in one sentence when the book is right, and "evidence_against" in JSON.
 */
void report_evidence(const struct report *r, struct out *out, const struct mr_audit_totals *t,
                     const struct mr_audit *a);

/** What is not right about a book, or several of them, fails: MR_CHECK_FAILED. wrong > 0. */
void report_fail(struct out *out, uint64_t wrong);

/** For those who only use a book that is right: "warning_convictions", nodes broke the rules. */
void report_warn(struct out *out);

/** Name of an association of the charter, "?" of another one. */
const char *report_association(const struct mr_charter *c, const uint8_t id[MR_ACCOUNT_BYTES]);

#endif
