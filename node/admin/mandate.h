/** Mandates in words, and finding one: what the commands of municipal money share. */
#ifndef MEREAU_ADMIN_MANDATE_H
#define MEREAU_ADMIN_MANDATE_H

#include "admin/archive.h"
#include "common/amount_text.h"

/** "in force", "revoked", "expired", translated. Static storage. */
const char *mandate_state(const struct mr_mandate_entry *e, uint64_t now_ms);

/** "at most 500.00 GAL in all, until 2025-12-31", translated. */
void mandate_terms(char *ret, size_t cap, struct admin *a, const struct mr_mandate *m);

/** The member's name by the register; "" when it knows none. */
void mandate_called(char *ret, size_t cap, struct admin *a, const uint8_t account[16]);

/** Whether an account is that of a municipality which pays through this association. Reported. */
enum mr_status mandate_municipality(struct admin *a, const uint8_t account[16]);

/** The one whose id begins with these digits. MR_OK; MR_USAGE, MR_MANDATE_UNKNOWN with why[], which
 *  says it for people. */
enum mr_status mandate_named(const struct mandates *all, const struct mandate_row **ret,
                             char why[HINT_MAX], const char *digits);

/** The same, reported. */
enum mr_status mandate_find(struct admin *a, const struct mandates *all,
                            const struct mandate_row **ret, const char *digits);

#endif
