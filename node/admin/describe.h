/** Orders in words, for the person who is asked to sign them. */
#ifndef MEREAU_ADMIN_DESCRIBE_H
#define MEREAU_ADMIN_DESCRIBE_H

#include "admin/context.h"
#include "common/ledger_words.h"

/** What an order does, one line or several, each ended. `notes` are bank lines in clear; one whose
 *  reference does not match the text under the operator's bank secret is shown as such. */
void describe_order(struct admin *a, const struct mr_order *o, const struct mr_bank_note *notes,
                    uint32_t notes_count);

/** What the rules say, without the order round it. */
void describe_policy(struct admin *a, const struct mr_policy *p);

/** The same as a JSON object: kind, seq, order id and the registry's form of the body. */
json_t *order_to_json(const struct mr_order *o);

/** Those of a draft, as an array. */
json_t *orders_to_json(const struct mr_draft *d);

/** The name of a chain ("desk", "treasury", "system"), not translated; NULL for another account. */
const char *describe_chain(const struct admin *a, const uint8_t chain[MR_ACCOUNT_BYTES]);

#endif
