/** Words of the ledger for people, in the reader's language. JSON has the registry's own words. */
#ifndef MEREAU_COMMON_LEDGER_WORDS_H
#define MEREAU_COMMON_LEDGER_WORDS_H

#include "mereau/order.h"

/** One word for a kind of order; "?" for an unknown one. Static storage. */
const char *kind_word(enum mr_order_kind kind);

/** One word for a class of members; the registry's for the ledger's own accounts, "?" for an
 *  unknown one. Static storage. */
const char *class_word(enum mr_account_class class);

#endif
