/** A ledger written a second time, from spec/30-ledger.md alone: arrays and loops, no store, no
 *  journal, no speed. It says what the real one must answer and hold. */
#ifndef MEREAU_TESTS_MODEL_H
#define MEREAU_TESTS_MODEL_H

#include <stdbool.h>

#include "mereau/record.h"
#include "mereau/status.h"

enum {
    MODEL_ACCOUNTS = 96,
    MODEL_SLOTS = 40000,
    MODEL_WAITING = 512,
    MODEL_BANKS = 8192,
    MODEL_REDEMPTIONS = 4096,
    MODEL_LISTINGS = 1024,
    MODEL_POLICIES = 64,
    NOWHERE = 99, /* home of an account that belongs to no association */
};

struct model_account {
    uint8_t id[16], head[32];
    enum mr_account_class class;
    uint32_t home, generation;
    bool frozen, closed;
    int64_t credit, limits[3], balance[MR_UNITS_MAX];
    uint64_t next, time_ms, credits; /* next 0: no chain */
    uint32_t day, month;
    int64_t day_spent, month_spent;
    uint32_t key; /* number of the test's key that signs now */
};

struct model {
    const struct mr_charter *charter;
    uint8_t ledger[32];
    uint64_t now_ms;
    struct model_account accounts[MODEL_ACCOUNTS];
    uint32_t accounts_count;
    struct {
        uint32_t account;
        uint64_t seq;
        uint8_t value[32];
        bool voided;
    } slots[MODEL_SLOTS];
    uint32_t slots_count;
    struct model_waiting {
        struct mr_order order;
        uint8_t id[32];
    } waiting[MODEL_WAITING];
    uint32_t waiting_count;
    struct {
        uint32_t home;
        uint8_t ref[32];
    } banks[MODEL_BANKS];
    uint32_t banks_count;
    struct model_redemption {
        uint32_t account, home, done;
        uint64_t seq;
        uint8_t order[32];
        int64_t amount, fee;
    } redemptions[MODEL_REDEMPTIONS];
    uint32_t redemptions_count;
    struct {
        uint32_t home, account, until_day;
        char alias[MR_ALIAS_MAX + 1];
        bool listed;
    } listings[MODEL_LISTINGS];
    uint32_t listings_count;
    struct mr_policy policies[MODEL_POLICIES];
    uint32_t policies_count;
};

void model_init(struct model *m, const struct mr_charter *charter);

/** Index, or MODEL_ACCOUNTS. */
uint32_t model_find(const struct model *m, const uint8_t id[16]);
/** Index of a derived account; home NOWHERE for system and so on. */
uint32_t model_derived(const struct model *m, uint32_t home, enum mr_account_class class);

/** What SUBMIT must answer; `signatures`: what they are worth. `key`: of a member that is opened or
 *  changes its keys. *ret_cause: why it is PARKED. */
enum mr_status model_submit(struct model *m, enum mr_status *ret_cause, const struct mr_order *o,
                            enum mr_status signatures);
enum mr_status model_cancel(struct model *m, const struct mr_cancel *c, enum mr_status signatures);
/** Time passed: drop what has lapsed, settle what waits and can. */
void model_tick(struct model *m, uint64_t now_ms);

/** The policy in force, and a fee. */
const struct mr_policy *model_policy(const struct model *m, uint64_t time_ms);
int64_t model_fee(const struct mr_policy *p, enum mr_order_kind kind, enum mr_account_class class,
                  int64_t amount, uint64_t time_ms);

#endif
