/** Money: minor units in int64, checked arithmetic, one way to read and print it (ENC-4, ENC-13).
 *  No floating point, no locale of the C library. */
#ifndef MEREAU_AMOUNT_H
#define MEREAU_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/limits.h"
#include "mereau/status.h"

enum { MR_AMOUNT_TEXT_MAX = 32 };

/** *ret = a + b when the result is within ±MR_AMOUNT_MAX; false and *ret untouched otherwise.
 *  a and b are within the bounds. */
bool mr_amount_add(int64_t *ret, int64_t a, int64_t b);

/** Part of an amount in basis points, rounded half up, 0 <= amount, points <= 10000. */
int64_t mr_amount_part(int64_t amount, uint32_t basis_points);

/** Read an amount as people write it: "12", "12,5", "12.50", surrounding blanks, and behind it
 *  optionally the unit's code ("12.50 EUR"; ASCII letter case does not matter). `code` NULL: no
 *  unit text is taken. Comma and point both separate decimals, in every locale.
 *  Returns MR_OK (*ret > 0), MR_AMOUNT_ZERO, _NEGATIVE, _TOO_LARGE, _DECIMALS (more digits than the
 *  unit has, even if zeros), _GROUPED ("1,250.00", "1 250", "1'250"), _UNIT (another unit's text),
 *  _SYNTAX. *ret is untouched on failure. */
enum mr_status mr_amount_parse(int64_t *ret, const char *text, uint32_t decimals, const char *code);

/** Print an amount, or a sum of amounts (anything above INT64_MIN), with exactly `decimals` digits
 *  behind `separator` ('.' or ','); no grouping. ret holds MR_AMOUNT_TEXT_MAX bytes. */
void mr_amount_format(char *ret, int64_t minor, uint32_t decimals, char separator);

#endif
