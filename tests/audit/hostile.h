/** Books that are wrong on purpose, and memory that runs out: the auditor ends in good order. */
#ifndef MEREAU_TESTS_AUDIT_HOSTILE_H
#define MEREAU_TESTS_AUDIT_HOSTILE_H

#include "audit/story.h"

/** Change one byte of some payload, make the frames right round it, audit; 150 times. More than
 *  half of it is found; the rest hits signatures, which are not verified here, and times. The book
 *  is as it was in the end, and without a finding. */
void hostile_payloads(struct book *b, const struct mr_charter *charter, uint32_t seed);

/** Audit with the nth, the (n + step)th ... call for memory refused: a clean end each time. */
void hostile_memory(const struct book *b, const struct mr_charter *charter, long first, long step);

#endif
