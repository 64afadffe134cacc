/** Words of the ledger for people, in the reader's language. JSON has the registry's own words. */
#ifndef MEREAU_COMMON_LEDGER_WORDS_H
#define MEREAU_COMMON_LEDGER_WORDS_H

#include "mereau/order.h"

/** One word for a kind of order; "?" for an unknown one. Static storage. */
const char *kind_word(enum mr_order_kind kind);

/** The same for an order, of a kind that may say two things. */
const char *order_word(const struct mr_order_body *body);

/** One word for a class of members; the registry's for the ledger's own accounts, "?" for an
 *  unknown one. Static storage. */
const char *class_word(enum mr_account_class class);

enum { TOLERANCE_MAX = 256 };

/** "one node may be down, one may lie". `further`: some are down already, and this is about those
 *  that are not. */
void tolerance_words(char ret[TOLERANCE_MAX], uint32_t down, uint32_t lie, bool further);

#endif
