/* Private parts of the statistics. Like the auditor they share base/ and wire/ only. */
#ifndef MEREAU_AUDIT_STATS_STATS_H
#define MEREAU_AUDIT_STATS_STATS_H

#include "mereau/stats.h"

/* Room for count things, zeroed; NULL: no memory (never for a count of 0). */
void *mri_stats_room(const struct mr_mem *mem, size_t count, size_t size);
void mri_stats_free(const struct mr_mem *mem, void *p);

#endif
