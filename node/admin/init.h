/** Founding a ledger: charter, keys, data directory. */
#ifndef MEREAU_ADMIN_INIT_H
#define MEREAU_ADMIN_INIT_H

#include "common/command.h"
#include "mereau/record.h"

/** Everything that is decided when a ledger is founded. */
struct init_plan {
    char name[MR_NAME_MAX + 1]; /* of the currency */
    char prefix[MR_PREFIX_MAX + 1];
    char code[MR_CODE_MAX + 1]; /* of unit 0 */
    char reserve_code[MR_CODE_MAX + 1];
    uint32_t decimals;
    char association[MR_NAME_MAX + 1];
    char alias[MR_ALIAS_MAX + 1];
    char listen[MR_ADDRESS_MAX + 1];       /* where the node takes wallets */
    char address[MR_ADDRESS_MAX + 1];      /* where wallets find it */
    char peer_listen[MR_ADDRESS_MAX + 1];  /* where it takes other nodes; "": it is alone */
    char peer_address[MR_ADDRESS_MAX + 1]; /* where they find it */
    char bank_account[MR_NAME_MAX + 1];
    uint32_t operators, threshold;
    uint32_t governance;           /* own keys */
    uint32_t governance_threshold; /* of all keys, those of offers too */
    uint32_t quorum;
    const char *operator_names[MR_KEYS_MAX]; /* NULL: op1, op2, ... */
    char name_text[MR_KEYS_MAX * (MR_NAME_MAX + 1)];
    int64_t cap, redeem_min;
    uint32_t redeem_fee_bp;
    struct mr_witness_set witnesses; /* an offer: at most one, without a quorum */
    const char *policy_file;         /* NULL: the default policy */
};

/** Take the plan from options, asking at the terminal for what is missing: of a ledger that is
 *  founded with `offers` other associations, of which `offered_keys` bring a governance key.
 *  Failures are reported. */
enum mr_status init_plan_read(struct init_plan *ret, const struct command *c, struct out *out,
                              uint32_t offers, uint32_t offered_keys);

/** The same of an association that offers to take part: the parts of the plan that are its own.
 *  `joins`: charter of the ledger it joins, which has its governance already; NULL: one is founded.
 */
enum mr_status offer_plan_read(struct init_plan *ret, const struct command *c, struct out *out,
                               const struct mr_charter *joins);

/** The default policy: the rules of French local currencies. Minimum and fee are for those who may
 *  redeem. */
void init_policy(struct mr_policy *ret, const struct init_plan *plan);

/** "Eusko du Pays" to "eusko-du-pays": an alias or, with sep 0, a prefix from a name. ret holds cap
 *  bytes; "" when the name has no usable letter. */
void init_slug(char *ret, size_t cap, const char *name, char sep);

/** Ledger, currency, association and address. */
void init_print_ids(struct out *out, const struct mr_charter *charter,
                    const struct mr_association *association, const struct mr_node *node);

/** The join link of a node's association, and its QR code. Reported. */
enum mr_status init_print_link(struct out *out, const struct mr_charter *charter,
                               const struct mr_node *node, const char *address);

command_fn cmd_init, cmd_link, cmd_offer, cmd_found, cmd_join;
extern const struct option_row init_options[], link_options[], offer_options[], found_options[],
    join_options[];

#endif
