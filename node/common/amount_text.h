/** Amounts and addresses for people: printing in the reader's language, and hints about what was
 *  wrong with one that was typed. Machines always see minor units. */
#ifndef MEREAU_COMMON_AMOUNT_TEXT_H
#define MEREAU_COMMON_AMOUNT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/amount.h"
#include "mereau/id.h"
#include "mereau/status.h"

enum { AMOUNT_PEOPLE_MAX = MR_AMOUNT_TEXT_MAX + MR_CODE_MAX + 2, HINT_MAX = 512 };

/** "12,50 EUSK" in French, "12.50 EUSK" in English; no grouping. `code` NULL: the number alone.
 *  ret holds AMOUNT_PEOPLE_MAX bytes. */
void amount_text(char *ret, int64_t minor, uint32_t decimals, const char *code);

/** What is wrong with an amount, and how to write it, translated. ret holds HINT_MAX bytes. */
void amount_hint(char *ret, enum mr_status st, const char *text, uint32_t decimals,
                 const char *code);

/** What is wrong with an address; `wrong` as from mr_address_parse (index of the character, or
 *  SIZE_MAX). ret holds HINT_MAX bytes. */
void address_hint(char *ret, enum mr_status st, const char *text, size_t wrong, const char *prefix);

#endif
