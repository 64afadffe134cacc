/** stats --list: accounts one by one, for those who animate the currency. Not for publication. */
#ifndef MEREAU_AUDIT_STATS_LIST_H
#define MEREAU_AUDIT_STATS_LIST_H

#include "audit/measure.h"

/** Options of stats for it. */
#define STATS_LIST_OPTIONS                                                                         \
    {"list", 0, N_("WHICH"),                                                                       \
     N_("accounts one by one, not for publication: shops, blocked or inactive")},                  \
        {"below", 0, N_("PERCENT"), N_("with --list shops: those that pass on less (100)")},       \
    {                                                                                              \
        "days", 0, N_("N"), N_("with --list inactive: no payment for so long (90)")                \
    }

/** Whether the words of --list, --below and --days are right. MR_OK, or reported. */
enum mr_status stats_list_check(struct command *c, struct out *out);

/** Of all days of a measure that was run. Nothing without --list. MR_OK, or reported. */
enum mr_status stats_list(const struct measure *m, struct command *c, struct out *out);

#endif
