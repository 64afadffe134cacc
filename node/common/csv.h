/** Text in comma-separated files that spreadsheets open (decision 23). */
#ifndef MEREAU_COMMON_CSV_H
#define MEREAU_COMMON_CSV_H

#include <stdbool.h>

/** Whether a spreadsheet would take this text for a formula: it is longer than one sign and begins,
 *  behind any apostrophes, with one of = + - @, a tab or a carriage return. Whoever writes it puts
 *  one apostrophe in front, into columns of text only: a number may be negative. */
bool csv_is_formula(const char *text);

/** What was meant by a text that was read: without that apostrophe. */
const char *csv_meant(const char *text);

#endif
