/* GRANT and LOWER stand on two chains and speak of the same account (LED-27): what is in force is a
 * function of what settled, and of nothing else. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/world.h"
#include "mereau/order.h"

enum { GRANTS, LOWERS, ORDERS = 4 };

static struct world one, other;
static struct mr_signed_order open_, orders[2][ORDERS];

static void make(struct mr_signed_order *o, enum mr_order_kind kind, int64_t credit, int64_t limit)
{
    world_order(&one, o, kind == MR_KIND_GRANT ? one.treasury : one.system, kind);
    struct mr_grant *const g =
        kind == MR_KIND_GRANT ? &o->order.body.u.grant : &o->order.body.u.lower;
    memcpy(g->account, one.members[0].id, MR_ACCOUNT_BYTES);
    g->credit = credit;
    g->limit_payment = limit;
    world_sign(&one, o);
    ck_assert_int_eq(world_submit(&one, o), MR_SETTLED);
}

/* Two ledgers that are the same, with a member. */
static void setup(void)
{
    world_init(&one);
    world_start(&one);
    world_order(&one, &open_, one.desk, MR_KIND_OPEN);
    world_open_body(&one, &open_.order.body.u.open, 0, MR_CLASS_RESIDENT);
    world_sign(&one, &open_);
    ck_assert_int_eq(world_submit(&one, &open_), MR_SETTLED);
    world_init(&other);
    world_start(&other);
    ck_assert_int_eq(world_submit(&other, &open_), MR_SETTLED);
}

static void teardown(void)
{
    world_done(&one);
    world_done(&other);
}

static void state_of(struct world *w, uint8_t ret[32])
{
    struct mr_checkpoint c;
    world_flush(w);
    ck_assert_int_eq(mr_state_sum(&c, w->store, &w->charter, &w->mem), MR_OK);
    memcpy(ret, c.state_root, 32);
}

static void expect_terms(struct world *w, int64_t credit, int64_t limit)
{
    struct mr_terms t;
    w->request->body.kind = MR_REQ_ACCOUNT;
    memcpy(w->request->body.u.account.account, one.members[0].id, MR_ACCOUNT_BYTES);
    ck_assert_int_eq(world_request(w, NULL), MR_OK);
    mr_terms_of(&t, &w->reply->body.u.account.account, NULL);
    ck_assert_int_eq(t.credit, credit);
    ck_assert_int_eq(t.limit_payment, limit);
}

/* One settles here first, the other there. */
START_TEST(the_two_chains_commute)
{
    uint8_t a[32], b[32];
    make(&orders[GRANTS][0], MR_KIND_GRANT, 500, 900000);
    make(&orders[LOWERS][0], MR_KIND_LOWER, 100, 0);
    make(&orders[GRANTS][1], MR_KIND_GRANT, 700, 900000);
    make(&orders[LOWERS][1], MR_KIND_LOWER, 300, 4000);
    for (int i = LOWERS; i >= GRANTS; i--) {
        ck_assert_int_eq(world_submit(&other, &orders[i][0]), MR_SETTLED);
        ck_assert_int_eq(world_submit(&other, &orders[i][1]), MR_SETTLED);
    }
    expect_terms(&one, 300, 4000);
    expect_terms(&other, 300, 4000);
    state_of(&one, a);
    state_of(&other, b);
    ck_assert_mem_eq(a, b, 32);
    world_check(&one);
    world_check(&other);
}
END_TEST

/* What governance lowered, a treasury cannot raise; governance can let go. */
START_TEST(governance_holds_what_it_lowered)
{
    make(&orders[GRANTS][0], MR_KIND_GRANT, 500, 0);
    expect_terms(&one, 500, 0);
    make(&orders[LOWERS][0], MR_KIND_LOWER, 100, 2000);
    expect_terms(&one, 100, 2000);
    make(&orders[GRANTS][1], MR_KIND_GRANT, 800, 900000);
    expect_terms(&one, 100, 2000);
    make(&orders[LOWERS][1], MR_KIND_LOWER, MR_CREDIT_MAX, 0);
    expect_terms(&one, 800, 900000);
    world_check(&one);
}
END_TEST

/* Each is compared with what its own chain said. */
START_TEST(what_changes_nothing)
{
    struct mr_signed_order *const o = &orders[GRANTS][0];
    make(o, MR_KIND_GRANT, 500, 0);
    make(&orders[LOWERS][0], MR_KIND_LOWER, 100, 0);
    world_order(&one, o, one.treasury, MR_KIND_GRANT);
    memcpy(o->order.body.u.grant.account, one.members[0].id, MR_ACCOUNT_BYTES);
    o->order.body.u.grant.credit = 300; /* above what is in force, below what was granted */
    world_sign(&one, o);
    ck_assert_int_eq(world_submit(&one, o), MR_LOWERED);
    o->order.body.u.grant.credit = 500;
    world_sign(&one, o);
    ck_assert_int_eq(world_submit(&one, o), MR_NO_CHANGE);
    world_order(&one, o, one.system, MR_KIND_LOWER);
    memcpy(o->order.body.u.lower.account, one.members[0].id, MR_ACCOUNT_BYTES);
    o->order.body.u.lower.credit = 100;
    world_sign(&one, o);
    ck_assert_int_eq(world_submit(&one, o), MR_NO_CHANGE);
}
END_TEST

START_TEST(limits_are_the_least_of_three)
{
    struct mr_state_account a = {.limit_payment = 500};
    struct mr_class_rule rule = {.limit_payment = 300, .limit_day = 1000};
    struct mr_terms t;
    mr_terms_of(&t, &a, &rule);
    ck_assert_int_eq(t.limit_payment, 500); /* an own limit takes the class's place */
    ck_assert_int_eq(t.limit_day, 1000);
    ck_assert_int_eq(t.limit_month, 0);
    a.lowered_count = 1;
    a.lowered[0] = (struct mr_terms){.limit_payment = 600, .limit_day = 50, .limit_month = 70};
    mr_terms_of(&t, &a, &rule);
    ck_assert_int_eq(t.limit_payment, 500);
    ck_assert_int_eq(t.limit_day, 50);
    ck_assert_int_eq(t.limit_month, 0); /* of a class that pays nothing in a month */
    mr_terms_of(&t, &a, NULL);
    ck_assert_int_eq(t.limit_month, 70);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("terms");
    TCase *const tc = tcase_create("terms");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_two_chains_commute);
    tcase_add_test(tc, governance_holds_what_it_lowered);
    tcase_add_test(tc, what_changes_nothing);
    tcase_add_test(tc, limits_are_the_least_of_three);
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
