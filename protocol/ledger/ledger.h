/* The ledger: checks an order against the view, then applies it (spec/30-ledger.md LED-n).
 *
 * prepare loads every row an order touches into a plan; check reads the plan and says yes or why
 * not; apply writes the plan's rows and cannot fail. Replay prepares and applies without checking.
 */
#ifndef MEREAU_LEDGER_LEDGER_H
#define MEREAU_LEDGER_LEDGER_H

#include "ledger/view.h"
#include "mereau/record.h"

enum { MRI_POLICIES_MAX = 128, MRI_ROWS_MAX = MR_LINES_MAX + 8 };

/* Record numbers of an association's sub-accounts (LED-2). */
struct mri_association {
    uint64_t desk, treasury, issuer, reserve, redeemed, own;
};

struct mri_ledger {
    struct mri_view *view;
    const struct mr_charter *charter;
    uint8_t id[32];
    struct mr_state_meta meta;       /* written to the view by mri_ledger_store */
    struct mr_state_present present; /* the charter as it stands: EPO-2 */
    struct mr_next_epoch next; /* that waits for its CUT; meta.next says whether there is one */
    uint64_t system, checkpoints, world;
    struct mri_association associations[MR_ASSOCIATIONS_MAX];
    uint32_t policies_count;
    struct mr_policy policies[MRI_POLICIES_MAX];
};

/* One account a plan touches. */
struct mri_row {
    uint64_t number;
    bool credited; /* gets an entry in its list of credits */
    struct mr_state_account account;
    struct mr_state_hot hot;
};

/* Where the bodies of a slot stand. */
struct mri_body {
    uint64_t at, memo_at;
    uint32_t len, memo_len;
};

struct mri_plan {
    const struct mr_order *order;
    uint8_t order_id[32];
    uint32_t association; /* index in the charter of the chain's home; MR_ASSOCIATIONS_MAX: none */
    uint32_t postings_count, rows_count;
    uint32_t unknown; /* accounts it is to touch that do not exist here: left out */
    struct mr_posting postings[MR_POSTINGS_MAX];
    struct mri_row rows[MRI_ROWS_MAX]; /* rows[0] is the chain */
    uint64_t redemption;               /* number of the redemption paid or returned */
    struct mr_state_redemption redeem; /* it, or the new one */
    uint64_t listing;                  /* LIST: number of the alias's record; 0: a new one */
    uint64_t given_up;                 /* of the one the account gives up for it; 0: none */
    struct mr_state_alias up;          /* that one */
    int64_t missing;                   /* FUNDS_SHORT and limits: by how much */
};

/* Take up what the view holds, or write genesis into an empty one. */
enum mr_status mri_ledger_load(struct mri_ledger *l, struct mri_view *view,
                               const struct mr_charter *charter);

/* Put meta into the view. Room for it was reserved. */
void mri_ledger_store(struct mri_ledger *l);

/* Load what an order touches. MR_OK, ACCOUNT_UNKNOWN (chain), WRONG_CHAIN, or the store's trouble.
 * An account that does not exist is left out and counted. `order` and `id` are borrowed. */
enum mr_status mri_ledger_prepare(const struct mri_ledger *l, struct mri_plan *plan,
                                  const struct mr_order *order, const uint8_t id[32]);

/* LED-10 from 5 on, and the kind's checks. The caller has seen to 1 to 4. */
enum mr_status mri_ledger_check(const struct mri_ledger *l, struct mri_plan *plan, uint64_t now_ms);

/* LED-10.4: under which key set an order is signed, and its generation: that of its chain, of a
 * TAKEOVER the one it names. MR_OK, ACCOUNT_UNKNOWN, WRONG_CHAIN; KEYS_UNKNOWN, KEYS_OLD, BAD_KEY
 * (what it names is not the treasury's); the store's trouble. */
enum mr_status mri_ledger_signers(const struct mri_ledger *l, struct mr_keyset *ret,
                                  uint32_t *ret_generation, const struct mr_order *order);

/* LED-32: whether a treasury has that key set as that generation, for an order of that time. All of
 * it is what that chain once settled, so it stays true. */
enum mr_status mri_keys_named(const struct mr_state_account *treasury, uint32_t generation,
                              const struct mr_keyset *keys, uint64_t time_ms);

/* The recovery with that place, or NULL. */
const struct mr_recovery *mri_recovery_of(const struct mr_state_account *a, uint64_t seq);

/* Whether what a RECOVER, STOP or TAKEOVER refers to on the other chain has settled here. */
bool mri_recovery_complete(const struct mri_plan *plan);

/* EPO-3: whether a NEXT may follow the present epoch. MR_OK, EPOCH_MISMATCH, OUT_OF_RANGE;
 * trouble. */
enum mr_status mri_ledger_check_next(const struct mri_ledger *l, const struct mr_next_epoch *next);

/* The same whether or not another NEXT waits: a REGROUP takes its place (EPO-10). */
enum mr_status mri_ledger_check_seats(const struct mri_ledger *l, const struct mr_next_epoch *next);

/* EPO-4. */
void mri_ledger_apply_cut(struct mri_ledger *l, struct mr_state_account *checkpoints);

/* EPO-6: nodes, quorum and associations are those of the NEXT from now on. */
enum mr_status mri_ledger_next_epoch(struct mri_ledger *l);

/* l->present as the charter has it, and as a verified handover changes it. MR_OK, MR_FULL. */
void mri_ledger_founded(struct mri_ledger *l);
enum mr_status mri_ledger_hand_over(struct mri_ledger *l, const struct mr_handover *h);

/* Put the present charter into the view. Room was reserved. */
void mri_ledger_put_present(struct mri_ledger *l);

/* LED-14. What it refuses never waits, whatever the status. */
enum mr_status mri_ledger_check_first(const struct mri_ledger *l, struct mri_plan *plan);

/* Carry out a prepared order: balances, chain, indexes, slot record. Cannot fail. */
void mri_ledger_apply(struct mri_ledger *l, struct mri_plan *plan,
                      const struct mr_entry_settled *settled);

/* Advance a chain over a voided slot. */
enum mr_status mri_ledger_void(struct mri_ledger *l, const struct mr_entry_settled *settled);

/* Look-ups. MR_OK, MR_NOT_FOUND or the store's trouble. */
enum mr_status mri_account_number(const struct mri_ledger *l, uint64_t *ret,
                                  const uint8_t account[16]);
enum mr_status mri_account_get(const struct mri_ledger *l, struct mr_state_account *ret,
                               uint64_t number);
enum mr_status mri_hot_get(const struct mri_ledger *l, struct mr_state_hot *ret, uint64_t number);
/* The same by the account's id, with its record number. */
enum mr_status mri_hot_of(const struct mri_ledger *l, struct mr_state_hot *ret,
                          uint64_t *ret_number, const uint8_t account[16]);
enum mr_status mri_slot_get(const struct mri_ledger *l, struct mr_state_slot *ret, uint64_t number,
                            uint64_t seq);
enum mr_status mri_credit_get(const struct mri_ledger *l, struct mr_state_credit *ret,
                              uint64_t number, uint64_t credit);
enum mr_status mri_bank_get(const struct mri_ledger *l, struct mr_state_slot_ref *ret,
                            const uint8_t association[16], const uint8_t ref[32]);
enum mr_status mri_redemption_get(const struct mri_ledger *l, struct mr_state_redemption *ret,
                                  uint64_t number);
enum mr_status mri_listing_get(const struct mri_ledger *l, struct mr_state_alias *ret,
                               uint64_t number);
enum mr_status mri_listing_of(const struct mri_ledger *l, uint64_t *ret, const uint8_t account[16]);
enum mr_status mri_alias_get(const struct mri_ledger *l, uint64_t *ret,
                             const uint8_t association[16], const char *alias, size_t len);

/* Index of an association in the charter, or MR_ASSOCIATIONS_MAX. */
uint32_t mri_association_index(const struct mri_ledger *l, const uint8_t id[16]);

/* LED-11, among the policies settled so far; and by version. NULL: none. */
const struct mr_policy *mri_policy_on(const struct mri_ledger *l, uint32_t day);
const struct mr_policy *mri_policy_version(const struct mri_ledger *l, uint32_t version);

/* A plan's row of an account, loaded if need be. NULL: *ret_st says why. */
struct mri_row *mri_plan_row(const struct mri_ledger *l, struct mri_plan *plan,
                             enum mr_status *ret_st, const uint8_t account[16]);

#endif
