/* What a wallet works out without the world: orders from wishes, and what answers mean. */
#include <check.h>
#include <string.h>

#include "mereau/client.h"
#include "mereau/order.h"
#include "mereau/time.h"

static const uint8_t ledger[32] = {9}, own[16] = {8}, salt[16] = {7};
static struct mr_state_account account;
static struct mr_state_chain chain;
static struct mr_policy policies[2];
static struct mr_basis basis;

static void set_up(void)
{
    account = (struct mr_state_account){.id = {1}, .class = MR_CLASS_SHOP};
    chain = (struct mr_state_chain){.next_seq = 5, .head = {4}, .time_ms = 1000};
    policies[0] = (struct mr_policy){.version = 1, .fees_count = 2};
    policies[0].fees[0] = (struct mr_fee_rule){
        .kind = MR_KIND_PAY, .class = MR_CLASS_SHOP, .basis_points = 100, .fee_max = MR_AMOUNT_MAX};
    policies[0].fees[1] = (struct mr_fee_rule){.kind = MR_KIND_REDEEM,
                                               .class = MR_CLASS_SHOP,
                                               .basis_points = 500,
                                               .fee_max = MR_AMOUNT_MAX};
    policies[1] = (struct mr_policy){.version = 2, .start_day = 100};
    basis = (struct mr_basis){ledger, &account, &chain, policies, 2, own, 50 * MR_DAY_MS};
}

static struct mr_order_body pay_body(uint32_t lines, int64_t amount)
{
    struct mr_order_body b = {.kind = MR_KIND_PAY};
    for (uint32_t i = 0; i < lines; i++) {
        b.u.pay.lines[i] = (struct mr_pay_line){.amount = amount, .what = MR_LINE_PAYMENT};
        b.u.pay.lines[i].payee[0] = 2;
        b.u.pay.lines[i].payee[1] = (uint8_t)i;
    }
    b.u.pay.lines_count = lines;
    return b;
}

static struct mr_order planned(const struct mr_wish *wish, int64_t *ret_fee)
{
    struct mr_order o;
    ck_assert_int_eq(mr_plan(&o, ret_fee, &basis, wish, salt), MR_OK);
    return o;
}

START_TEST(order_stands_on_the_chain)
{
    const struct mr_order_body body = pay_body(1, 1000);
    const struct mr_wish wish = {.body = &body};
    int64_t fee = -1;
    const struct mr_order o = planned(&wish, &fee);
    ck_assert_uint_eq(o.seq, 5);
    ck_assert_mem_eq(o.prev, chain.head, 32);
    ck_assert_mem_eq(o.ledger, ledger, 32);
    ck_assert_mem_eq(o.account, account.id, 16);
    ck_assert_mem_eq(o.salt, salt, 16);
    ck_assert_uint_eq(o.time_ms, 50 * MR_DAY_MS);
    ck_assert_uint_eq(o.not_after_ms, 57 * MR_DAY_MS);
    ck_assert_uint_eq(o.policy, 1);
    ck_assert_int_eq(fee, 10);
    ck_assert_uint_eq(o.body.u.pay.lines_count, 2);
    ck_assert_int_eq(o.body.u.pay.lines[1].what, MR_LINE_FEE);
    ck_assert_int_eq(o.body.u.pay.lines[1].amount, 10);
    ck_assert_mem_eq(o.body.u.pay.lines[1].payee, own, 16);
    ck_assert_int_eq(mr_order_amount(&o), 1000);
    ck_assert_int_eq(mr_order_fee(&o), 10);
}
END_TEST

START_TEST(time_never_goes_back)
{
    const struct mr_order_body body = pay_body(1, 1000);
    const struct mr_wish wish = {.body = &body};
    int64_t fee;
    chain.time_ms = 120 * MR_DAY_MS + 1;
    const struct mr_order o = planned(&wish, &fee);
    ck_assert_uint_eq(o.time_ms, chain.time_ms);
    /* The policy is that of the order's own day, and version 2 has no fees. */
    ck_assert_uint_eq(o.policy, 2);
    ck_assert_int_eq(fee, 0);
    ck_assert_uint_eq(o.body.u.pay.lines_count, 1);
}
END_TEST

START_TEST(fees_only_in_the_local_unit)
{
    struct mr_order_body body = pay_body(1, 1000);
    const struct mr_wish wish = {.body = &body};
    int64_t fee;
    body.u.pay.unit = 2;
    planned(&wish, &fee);
    ck_assert_int_eq(fee, 0);
}
END_TEST

START_TEST(redemption_has_its_fee_inside)
{
    struct mr_order_body body = {.kind = MR_KIND_REDEEM};
    const struct mr_wish wish = {.body = &body};
    int64_t fee;
    body.u.redeem.amount = 2000;
    const struct mr_order o = planned(&wish, &fee);
    ck_assert_int_eq(fee, 100);
    ck_assert_int_eq(o.body.u.redeem.fee, 100);
    ck_assert_int_eq(mr_order_amount(&o), 2000);
}
END_TEST

START_TEST(plans_are_refused_untouched)
{
    struct mr_order_body body = pay_body(2, MR_AMOUNT_MAX);
    const struct mr_wish wish = {.body = &body};
    struct mr_order o = {.seq = 77};
    int64_t fee = 33;
    ck_assert_int_eq(mr_plan(&o, &fee, &basis, &wish, salt), MR_AMOUNT_TOO_LARGE);
    body = pay_body(1, MR_AMOUNT_MAX); /* with its fee it is too large */
    ck_assert_int_eq(mr_plan(&o, &fee, &basis, &wish, salt), MR_AMOUNT_TOO_LARGE);
    body = pay_body(MR_LINES_MAX, 100); /* no room for the fee's line */
    ck_assert_int_eq(mr_plan(&o, &fee, &basis, &wish, salt), MR_OUT_OF_RANGE);
    basis.policy_count = 0;
    ck_assert_int_eq(mr_plan(&o, &fee, &basis, &wish, salt), MR_POLICY_UNKNOWN);
    ck_assert_uint_eq(o.seq, 77);
    ck_assert_int_eq(fee, 33);
}
END_TEST

START_TEST(same_wish_is_known_again)
{
    struct mr_order_body body = pay_body(2, 1000), other;
    struct mr_wish wish = {.body = &body, .memo = "bread", .memo_len = 5, .ref = "a", .ref_len = 1};
    int64_t fee;
    const struct mr_order o = planned(&wish, &fee);
    ck_assert(mr_order_is(&o, &wish));
    wish.ref = NULL;
    ck_assert(mr_order_is(&o, &wish));
    wish.memo = "broad";
    ck_assert(!mr_order_is(&o, &wish));
    wish.memo = NULL;
    ck_assert(!mr_order_is(&o, &wish));
    wish.memo = "bread";
    const struct mr_order_body others[] = {pay_body(1, 1000), pay_body(3, 1000), pay_body(2, 1001)};
    for (size_t i = 0; i < 3; i++) {
        wish.body = &others[i];
        ck_assert(!mr_order_is(&o, &wish));
    }
    other = body;
    other.u.pay.lines[1].payee[15] = 1;
    wish.body = &other;
    ck_assert(!mr_order_is(&o, &wish));
    other = body;
    other.u.pay.unit = 2;
    ck_assert(!mr_order_is(&o, &wish));
    other = (struct mr_order_body){.kind = MR_KIND_CLOSE};
    ck_assert(!mr_order_is(&o, &wish));
}
END_TEST

START_TEST(ids_are_salted)
{
    const struct mr_order_body body = pay_body(1, 1000);
    struct mr_wish wish = {.body = &body, .ref = "till-7", .ref_len = 6};
    int64_t fee;
    struct mr_order o = planned(&wish, &fee);
    ck_assert(mr_order_has_ref(&o, "till-7", 6));
    ck_assert(!mr_order_has_ref(&o, "till-8", 6));
    ck_assert(!mr_order_has_ref(&o, "till-", 5));
    o.salt[0] ^= 1;
    ck_assert(!mr_order_has_ref(&o, "till-7", 6));
    wish.ref = NULL;
    o = planned(&wish, &fee);
    ck_assert(!mr_order_has_ref(&o, "", 0));
}
END_TEST

START_TEST(answers_say_how_to_go_on)
{
    static const struct {
        enum mr_status answer;
        enum mr_next next;
    } rows[] = {
        {MR_SETTLED, MR_NEXT_CLOSED},        {MR_VOIDED, MR_NEXT_CLOSED},
        {MR_ALREADY_DONE, MR_NEXT_CLOSED},   {MR_SEQ_OLD, MR_NEXT_CLOSED},
        {MR_PARKED, MR_NEXT_WAIT},           {MR_UNSETTLED, MR_NEXT_WAIT},
        {MR_NO_ANSWER, MR_NEXT_REPEAT},      {MR_UNREACHABLE, MR_NEXT_REPEAT},
        {MR_BUSY, MR_NEXT_REPEAT},           {MR_DISK_FULL, MR_NEXT_REPEAT},
        {MR_ABSTAINING, MR_NEXT_REPEAT},     {MR_STOPPING, MR_NEXT_REPEAT},
        {MR_TOO_MANY, MR_NEXT_REPEAT},       {MR_NOT_AUTHORISED, MR_NEXT_REPEAT},
        {MR_WRONG_NODE, MR_NEXT_REPEAT},     {MR_TRUNCATED, MR_NEXT_REPEAT},
        {MR_UNKNOWN_STATUS, MR_NEXT_REPEAT}, {MR_FORKED, MR_NEXT_REPEAT},
        {MR_PAYEE_FROZEN, MR_NEXT_CANCEL},   {MR_LIMIT_DAY, MR_NEXT_CANCEL},
        {MR_EXPIRED, MR_NEXT_CANCEL},        {MR_POLICY_NOT_IN_FORCE, MR_NEXT_CANCEL},
        {MR_SLOT_TAKEN, MR_NEXT_CANCEL},     {MR_PREV_MISMATCH, MR_NEXT_CANCEL},
        {MR_VOTING, MR_NEXT_REPEAT},         {MR_CERTIFIED, MR_NEXT_REPEAT},
        {MR_STARTING, MR_NEXT_REPEAT},       {MR_NO_QUORUM, MR_NEXT_REPEAT},
        {MR_BEHIND, MR_NEXT_REPEAT},         {MR_UNSETTLED, MR_NEXT_WAIT},
        {MR_PAYER_FROZEN, MR_NEXT_CANCEL},   {MR_BAD_SIGNATURE, MR_NEXT_CANCEL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(mr_next_after(rows[i].answer) == rows[i].next, "%s",
                      mr_status_name(rows[i].answer));
}
END_TEST

START_TEST(what_is_a_nodes_own_trouble_another_may_do)
{
    static const enum mr_status rows[] = {
        MR_UNREACHABLE, MR_NO_ANSWER, MR_BUSY,   MR_DISK_FULL,  MR_STOPPING, MR_STARTING,
        MR_ABSTAINING,  MR_NO_QUORUM, MR_BEHIND, MR_WRONG_NODE, MR_BAD_HEAD, MR_FORKED};
    unsigned found = 0;
    for (unsigned i = 0; i < 256; i++)
        found += mr_ask_another((enum mr_status)i);
    ck_assert_uint_eq(found, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(mr_ask_another(rows[i]), "%s", mr_status_name(rows[i]));
}
END_TEST

static void check_order(uint32_t count, uint32_t preferred, uint32_t home, uint8_t place,
                        const uint32_t *want)
{
    uint32_t got[MR_NODES_MAX] = {0};
    const uint8_t id[16] = {1, 2, 3, 4, [15] = place};
    mr_node_order(got, count, preferred, home, id);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_uint_eq(got[i], want[i]);
}

START_TEST(nodes_are_asked_home_first_then_around)
{
    check_order(1, 0, 1, 9, (const uint32_t[]){1});
    check_order(1, 0, 0, 9, (const uint32_t[]){1});
    check_order(4, 0, 2, 0, (const uint32_t[]){2, 1, 3, 4});
    check_order(4, 0, 2, 1, (const uint32_t[]){2, 3, 4, 1});
    check_order(4, 0, 2, 5, (const uint32_t[]){2, 4, 1, 3});
    check_order(4, 3, 2, 1, (const uint32_t[]){3, 2, 4, 1});
    check_order(4, 2, 2, 2, (const uint32_t[]){2, 4, 1, 3});
    check_order(4, 0, 0, 3, (const uint32_t[]){4, 1, 2, 3});
    check_order(2, 9, 7, 0, (const uint32_t[]){1, 2}); /* not of this charter */
}
END_TEST

/* When a node dies, its members do not all run to the same other one. */
START_TEST(members_spread_over_the_other_nodes)
{
    unsigned second[5] = {0};
    for (unsigned i = 0; i < 300; i++) {
        uint32_t got[MR_NODES_MAX];
        uint8_t id[32];
        mr_hash(id, "test/spread", &i, sizeof i, NULL, 0);
        memset(id, 7, MR_SPACE_BYTES); /* of one association: LED-2a */
        mr_node_order(got, 4, 0, 1, id);
        second[got[1]]++;
    }
    for (uint32_t node = 2; node <= 4; node++)
        ck_assert_uint_ge(second[node], 60);
}
END_TEST

START_TEST(newer_heads)
{
    const struct mr_head old = {.epoch = 1, .generation = 1, .size = 9};
    struct mr_head now = old;
    ck_assert(!mr_head_newer(&now, &old));
    now.size = 10;
    ck_assert(mr_head_newer(&now, &old));
    ck_assert(!mr_head_newer(&old, &now));
    now = (struct mr_head){.epoch = 2, .generation = 1, .size = 1}; /* a log of a later epoch */
    ck_assert(mr_head_newer(&now, &old));
    now = (struct mr_head){.epoch = 1, .generation = 2, .size = 1};
    ck_assert(mr_head_newer(&now, &old));
}
END_TEST

START_TEST(outcome_is_seen_from_the_order)
{
    const struct mr_order_body body = pay_body(1, 1000);
    const struct mr_wish wish = {.body = &body};
    int64_t fee;
    uint8_t value[32];
    const struct mr_order o = planned(&wish, &fee);
    mr_order_id(value, &o);
    ck_assert_int_eq(mr_outcome_of(&o, value), MR_OUTCOME_SETTLED);
    value[0] ^= 1;
    ck_assert_int_eq(mr_outcome_of(&o, value), MR_OUTCOME_OTHER);
    mr_void_id(value, ledger, account.id, 5);
    ck_assert_int_eq(mr_outcome_of(&o, value), MR_OUTCOME_VOIDED);
    mr_void_id(value, ledger, account.id, 6);
    ck_assert_int_eq(mr_outcome_of(&o, value), MR_OUTCOME_OTHER);
}
END_TEST

START_TEST(memo_keys_follow_the_seed)
{
    uint8_t seed[32] = {5}, secret[32], public[32], again[32], other[32];
    mr_memo_key(secret, public, seed);
    mr_memo_key(secret, again, seed);
    ck_assert_mem_eq(public, again, 32);
    ck_assert_mem_ne(secret, seed, 32);
    seed[31] ^= 1;
    mr_memo_key(secret, other, seed);
    ck_assert_mem_ne(public, other, 32);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("client");
    TCase *const tc = tcase_create("plan");
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, order_stands_on_the_chain);
    tcase_add_test(tc, time_never_goes_back);
    tcase_add_test(tc, fees_only_in_the_local_unit);
    tcase_add_test(tc, redemption_has_its_fee_inside);
    tcase_add_test(tc, plans_are_refused_untouched);
    tcase_add_test(tc, same_wish_is_known_again);
    tcase_add_test(tc, ids_are_salted);
    tcase_add_test(tc, answers_say_how_to_go_on);
    tcase_add_test(tc, what_is_a_nodes_own_trouble_another_may_do);
    tcase_add_test(tc, nodes_are_asked_home_first_then_around);
    tcase_add_test(tc, members_spread_over_the_other_nodes);
    tcase_add_test(tc, newer_heads);
    tcase_add_test(tc, outcome_is_seen_from_the_order);
    tcase_add_test(tc, memo_keys_follow_the_seed);
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
