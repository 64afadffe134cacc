/** A ledger as naive as it can be: arrays, loops, no store, no journal. Written from
 *  protocol/spec/30-ledger.md alone, to disagree with the real one wherever either is wrong. */
#ifndef MEREAU_TESTS_MODEL_H
#define MEREAU_TESTS_MODEL_H

#include "lib/world.h"

enum {
    HOMES = 2, /* associations */
    UNITS = 3,
    KEYS = 48, /* keys that exist, named by their index */
    SIGNERS_MAX = 4,
    PARKED_MAX = 4,       /* SLOT-13 */
    PAST_MAX = 16,        /* LED-32 */
    RECOVERIES_MAX = 256, /* of one account, ever */
    ACCOUNTS_MAX = 48,
    SLOTS_MAX = 2048,
    BANKS_MAX = 2048,
    REDEMPTIONS_MAX = 1024,
    LISTINGS_MAX = 64,
    POLICIES_MAX = 16,
    NO_HOME = HOMES,
};

struct signer {
    uint32_t index, key;
    bool spoilt;
};

/** An order and who really signed it; of a CLEAR, who countersigned. */
struct deed {
    struct mr_signed_order o;
    uint8_t id[32];
    uint32_t signers_count, counter_count;
    struct signer signers[SIGNERS_MAX], counter[SIGNERS_MAX];
};

struct m_keys {
    uint32_t count, threshold, key[SIGNERS_MAX];
};

struct m_slot {
    uint8_t value[32];
    bool voided;
};

struct m_account {
    uint8_t id[16];
    enum mr_account_class class;
    uint32_t home;
    bool chain, frozen, closed;
    struct m_keys keys;
    uint32_t generation;
    uint8_t enc_key[32], reader_key[32];
    int64_t credit, limits[3]; /* as granted: payment, day, month */
    bool lowered;
    int64_t most_credit, most[3]; /* what governance leaves; 0: as granted */
    uint64_t opened_ms;
    uint64_t next, credits; /* credits: payments, issues and returns received */
    uint8_t head[32];
    uint64_t time_ms;
    uint32_t day, month;
    int64_t day_spent, month_spent;
    int64_t balance[UNITS];
    int64_t issued, cleared; /* of a treasury */
    uint64_t stopped;
    uint32_t recoveries_count;
    struct m_recovery {
        uint64_t seq, ready_ms;
        struct mr_setkeys keys;
    } recoveries[RECOVERIES_MAX]; /* all that were ever ordered */
    uint32_t past_count;
    struct {
        struct m_keys keys;
        uint64_t until_ms;
    } past[PAST_MAX]; /* of a treasury, newest first */
    struct m_slot slots[SLOTS_MAX];
    struct deed *parked[PARKED_MAX]; /* owned; NULL: free */
};

struct m_redemption {
    struct mr_redemption_ref ref;
    uint32_t by, done;
    int64_t fee;
    uint64_t time_ms;
};

struct m_listing {
    uint32_t home;
    struct mr_list list;
    struct mr_state_slot_ref slot;
    uint32_t until_day;
};

struct m_bank {
    uint32_t home;
    uint8_t ref[32];
    struct mr_state_slot_ref slot;
};

struct model {
    const struct mr_charter *charter;
    uint8_t ledger[32];
    const struct mr_pubkey *public; /* of each key by its index */
    uint64_t now_ms;
    struct m_account accounts[ACCOUNTS_MAX];
    struct m_bank banks[BANKS_MAX];
    struct m_redemption redemptions[REDEMPTIONS_MAX];
    struct m_listing listings[LISTINGS_MAX];
    struct mr_policy policies[POLICIES_MAX];
    uint32_t accounts_count, banks_count, redemptions_count, listings_count, policies_count;
};

/* --- model.c: the state ------------------------------------------------------------------------
 */

/** LED-52. Keys of the charter's associations and governance by their index. */
void model_genesis(struct model *m, const struct mr_charter *charter, const uint8_t ledger[32],
                   const struct mr_pubkey *public, const struct m_keys desk[HOMES],
                   const struct m_keys treasury[HOMES], const struct m_keys *governance);
void model_done(struct model *m);

struct m_account *model_find(struct model *m, const uint8_t id[16]);
/** A derived account of an association; home NO_HOME: system, checkpoints, world. */
/* Credit line in force. */
int64_t model_credit(const struct m_account *a);
struct m_account *model_sub(struct model *m, uint32_t home, enum mr_account_class class);
/** Index of an association in the charter, or NO_HOME. */
uint32_t model_home(const struct model *m, const uint8_t association[16]);
const struct mr_policy *model_policy_on(const struct model *m, uint32_t day);
bool model_is_member(enum mr_account_class class);
/** LED-7, by counting. */
uint32_t model_day(uint64_t time_ms);
uint32_t model_month(uint32_t day);
/** The last listing of an account or alias, or NULL. */
struct m_listing *model_listing_of(struct model *m, const uint8_t account[16]);
struct m_listing *model_listing(struct model *m, uint32_t home, const char *alias);

/** The keys of a set, by value. */
void model_keyset(const struct model *m, struct mr_keyset *ret, const struct m_keys *k);
/** Settle an order whose checks passed; void a slot. */
void model_apply(struct model *m, const struct deed *d);
void model_void(struct model *m, struct m_account *a);

/* --- rules.c, money.c: what may settle ---------------------------------------------------------
 */

/** LED-10, of a slot that is not settled. `signatures` false: an order that nobody signed. */
enum mr_status model_check(struct model *m, const struct deed *d, bool signatures);
/** LED-14. */
enum mr_status model_check_first(struct model *m, const struct deed *d);
enum mr_status model_signatures(const struct m_keys *k, const struct signer *s, uint32_t count);
/** LED-10.4 for an order. */
enum mr_status model_signed(struct model *m, const struct deed *d);
/** LED-32: a treasury's keys of a generation, as long as they count at a time. */
enum mr_status model_named_keys(const struct m_account *treasury, const struct m_keys **ret,
                                uint32_t generation, uint64_t time_ms);
enum mr_status model_same_keys(const struct model *m, const struct m_keys *k,
                               const struct mr_keyset *named);
enum mr_status model_key_set(const struct mr_keyset *k, enum mr_account_class class);
/** LED-13. */
bool model_parks(enum mr_status st);

/** The kinds that move money. */
enum mr_status model_check_pay(struct model *m, const struct mr_order *o);
enum mr_status model_check_issue(struct model *m, const struct mr_order *o);
enum mr_status model_check_redeem(struct model *m, const struct mr_order *o);
enum mr_status model_check_payout(struct model *m, const struct mr_order *o);
enum mr_status model_check_return(struct model *m, const struct mr_order *o);
enum mr_status model_check_sweep(struct model *m, const struct mr_order *o);
enum mr_status model_check_clear(struct model *m, const struct deed *d);
/** LED-14: what an issuer would owe in all. */
enum mr_status model_check_cap(struct model *m, uint32_t home, int64_t more);
/** LED-12. */
int64_t model_fee(const struct mr_policy *p, enum mr_order_kind kind, enum mr_account_class class,
                  int64_t amount, uint32_t day);
const struct mr_class_rule *model_rule(const struct mr_policy *p, enum mr_account_class class);

/* --- recover.c: LED-33 -------------------------------------------------------------------------
 */

/** The one with that place if it has effect, or any if seq is 0; NULL: none. */
const struct m_recovery *model_recovery(const struct m_account *a, uint64_t seq);
enum mr_status model_check_recover(struct model *m, const struct mr_order *o);
enum mr_status model_check_stop(struct model *m, const struct mr_order *o);
enum mr_status model_check_takeover(struct model *m, const struct mr_order *o);
void model_apply_recover(struct model *m, const struct mr_order *o);

/* --- root.c ------------------------------------------------------------------------------------
 */

/** LED-50. */
void model_root(struct model *m, uint8_t ret[32]);

#endif
