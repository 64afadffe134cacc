/** What readers have beside a publication: earlier ones of the same ledger, and the days by which
 *  their periods differ (spec/77-publication.md PUB-6). */
#ifndef MEREAU_AUDIT_BESIDE_H
#define MEREAU_AUDIT_BESIDE_H

#include "audit/published.h"

enum { BESIDE_MAX = 64 };

/** Of all commands that show figures to the public. */
#define BESIDE_OPTION                                                                              \
    {                                                                                              \
        "beside", 0, N_("DIR"),                                                                    \
            N_("an earlier publication that readers have; may be given several times")             \
    }

struct beside {
    struct published_view *views;
    struct measure *measures; /* of the views, in their order */
    size_t count;
    uint8_t (*hashes)[32]; /* SHA-256 of their statements, ascending */
    size_t hashes_count;
};

/** Those that --beside names, and `also` (NULL: none; one that is replaced, or served beside),
 * which is left out, with a warning, when it is no publication of this ledger. They are measured
 * again on the rows of `m`, which was run. MR_OK, or reported. Put it away in any case. */
enum mr_status beside_open(struct beside *ret, const struct measure *m, struct command *c,
                           struct out *out, const char *also);
void beside_done(struct beside *b);
/** Report that published_create found nothing that can be shown beside them (MR_CHECK_FAILED). */
enum mr_status beside_refused(const struct beside *b, struct out *out);

#endif
