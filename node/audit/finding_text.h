/** What a finding says, for people. */
#ifndef MEREAU_AUDIT_FINDING_TEXT_H
#define MEREAU_AUDIT_FINDING_TEXT_H

#include "mereau/audit.h"

enum { FINDING_TEXT_MAX = 3 * MR_AUDIT_TEXT_MAX };

/** `what`, `expected` or `found` in the reader's language: as a whole, or as one of the forms that
 *  have numbers, ids or other texts in them. What is neither (an id, an amount) stays. ret holds
 *  FINDING_TEXT_MAX bytes. */
void finding_text(char *ret, const char *text);

#endif
