/* LED-31: reserve between associations, and redemptions at another association than one's own. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/world.h"

enum { A, B, C, HOMES };
enum { ANA, BEN_SHOP, CARL, ANNE_SHOP }; /* of A, B, C and A */

static struct world w;
static struct mr_signed_order o;

static void begin(int64_t cap)
{
    static const uint32_t homes[] = {A, B, C, A};
    static const enum mr_account_class classes[] = {MR_CLASS_RESIDENT, MR_CLASS_SHOP,
                                                    MR_CLASS_RESIDENT, MR_CLASS_SHOP};
    world_init_homes(&w, HOMES);
    for (uint32_t i = 0; i < HOMES; i++)
        w.charter.associations[i].cap = cap;
    mr_ledger_id(w.ledger, &w.charter);
    world_start(&w);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(world_open_at(&w, homes[i], classes[i]), MR_SETTLED);
}

static void setup(void)
{
    begin(1000000);
}

static void teardown(void)
{
    world_check(&w);
    world_done(&w);
}

static void expect_money(uint32_t home, int64_t money)
{
    ck_assert_int_eq(world_balance(&w, w.homes[home].reserve, 1), money);
    ck_assert_int_eq(world_balance(&w, w.homes[home].issuer, 0), -money);
}

/* Time passes: what waits is looked at again. */
static void tick(uint64_t ms)
{
    struct mr_effects fx = {NULL, NULL};
    w.now_ms += ms;
    const struct mr_event ev = {.kind = MR_EV_TICK, .now_ms = w.now_ms};
    ck_assert_int_eq(mr_engine_step(w.engine, &ev, &fx), MR_OK);
    world_turn(&w);
}

static void clear_order(uint32_t from, uint32_t to, int64_t amount)
{
    world_order(&w, &o, w.homes[from].treasury, MR_KIND_CLEAR);
    world_clear_body(&w, &o.order.body.u.clear, from, to, amount);
}

static enum mr_status send(void)
{
    world_sign(&w, &o);
    return world_submit(&w, &o);
}

static enum mr_status countersign_and_send(void)
{
    world_countersign(&w, &o.order.body.u.clear);
    return send();
}

static enum mr_status slot(const uint8_t account[16], uint64_t seq)
{
    w.request->body.kind = MR_REQ_SLOT;
    memcpy(w.request->body.u.slot.account, account, 16);
    w.request->body.u.slot.seq = seq;
    return world_request(&w, NULL);
}

/* --- what it moves ---------------------------------------------------------------------------- */

START_TEST(reserve_and_debt_move_together)
{
    ck_assert_int_eq(world_issue(&w, ANA, 10000), MR_SETTLED);
    ck_assert_int_eq(world_clear(&w, A, B, 4000), MR_SETTLED);
    expect_money(A, 6000);
    expect_money(B, 4000);
    ck_assert_int_eq(world_clear(&w, B, A, 4000), MR_SETTLED);
    ck_assert_int_eq(world_clear(&w, A, C, 10000), MR_SETTLED);
    expect_money(A, 0);
    expect_money(C, 10000);
    ck_assert_int_eq(world_balance(&w, w.members[ANA].id, 0), 10000);
}
END_TEST

static struct mr_redemption_ref redeem_at(uint32_t member, uint32_t home, int64_t amount)
{
    struct mr_redemption_ref ref = {.amount = amount};
    world_order(&w, &o, w.members[member].id, MR_KIND_REDEEM);
    memcpy(o.order.body.u.redeem.association, w.charter.associations[home].id, 16);
    o.order.body.u.redeem.amount = amount;
    o.order.body.u.redeem.fee = amount / 20;
    ck_assert_int_eq(send(), MR_SETTLED);
    memcpy(ref.account, w.members[member].id, 16);
    ref.seq = o.order.seq;
    mr_order_id(ref.order, &o.order);
    return ref;
}

static enum mr_status payout(uint32_t home, const struct mr_redemption_ref *ref)
{
    world_order(&w, &o, w.homes[home].treasury, MR_KIND_PAYOUT);
    struct mr_payout *p = &o.order.body.u.payout;
    p->redemption = *ref;
    p->fee = ref->amount / 20;
    memcpy(p->bank_ref, ref->order, 32);
    return send();
}

/* A shop of A gives units back at B, which has no euros of its own: A sends them. */
START_TEST(a_shop_redeems_at_another_association)
{
    ck_assert_int_eq(world_issue(&w, ANA, 10000), MR_SETTLED);
    ck_assert_int_eq(world_pay(&w, ANA, ANNE_SHOP, 8000), MR_SETTLED);
    const struct mr_redemption_ref ref = redeem_at(ANNE_SHOP, B, 8000);
    ck_assert_int_eq(world_balance(&w, w.homes[B].redeemed, 0), 8000);
    ck_assert_int_eq(payout(A, &ref), MR_NOT_YOURS);
    ck_assert_int_eq(payout(B, &ref), MR_PARKED);
    ck_assert_uint_eq(w.reply->body.u.submit.cause, MR_COVERAGE);
    ck_assert_int_eq(w.reply->body.u.submit.missing, 7600);
    ck_assert_int_eq(world_clear(&w, A, B, 8000), MR_SETTLED);
    tick(2000);
    ck_assert_int_eq(slot(w.homes[B].treasury, o.order.seq), MR_SETTLED);
    expect_money(A, 2000);
    expect_money(B, 400);
    ck_assert_int_eq(world_balance(&w, w.homes[B].redeemed, 0), 0);
    ck_assert_int_eq(world_balance(&w, w.homes[B].own, 0), 400);
}
END_TEST

/* What B redeems of a member of A can be given back by B alone. */
START_TEST(another_association_returns_what_it_does_not_pay)
{
    ck_assert_int_eq(world_issue(&w, ANA, 10000), MR_SETTLED);
    ck_assert_int_eq(world_pay(&w, ANA, ANNE_SHOP, 8000), MR_SETTLED);
    const struct mr_redemption_ref ref = redeem_at(ANNE_SHOP, B, 8000);
    for (uint32_t home = A; home <= B; home++) {
        world_order(&w, &o, w.homes[home].treasury, MR_KIND_RETURN);
        o.order.body.u.return_.redemption = ref;
        ck_assert_int_eq(send(), home == A ? MR_NOT_YOURS : MR_SETTLED);
    }
    ck_assert_int_eq(world_balance(&w, w.members[ANNE_SHOP].id, 0), 8000);
}
END_TEST

/* The operators of B see it, those of A do not. */
START_TEST(redemptions_are_listed_where_they_are_to_be_paid)
{
    ck_assert_int_eq(world_issue(&w, ANA, 10000), MR_SETTLED);
    ck_assert_int_eq(world_pay(&w, ANA, ANNE_SHOP, 8000), MR_SETTLED);
    redeem_at(ANNE_SHOP, B, 8000);
    for (uint32_t home = A; home <= B; home++) {
        const struct mr_principal who = world_owner(&w, w.homes[home].treasury);
        w.request->body.kind = MR_REQ_REDEMPTIONS;
        w.request->body.u.redemptions = (struct mr_req_page){.from = 1, .count = MR_PAGE_MAX};
        ck_assert_int_eq(world_request(&w, &who), MR_OK);
        ck_assert_uint_eq(w.reply->body.u.redemptions.items_count, home == A ? 0 : 1);
    }
}
END_TEST

/* --- what is refused -------------------------------------------------------------------------- */

START_TEST(both_are_associations_of_the_charter_and_two)
{
    struct mr_clearing *const k = &o.order.body.u.clear.clearing;
    ck_assert_int_eq(world_issue(&w, ANA, 10000), MR_SETTLED);
    clear_order(A, B, 100);
    k->to[0] ^= 1;
    ck_assert_int_eq(countersign_and_send(), MR_NOT_FOUND);
    clear_order(A, A, 100);
    ck_assert_int_eq(countersign_and_send(), MR_PAYEE_SELF);
    clear_order(A, B, 100);
    memcpy(k->from, w.charter.associations[C].id, 16);
    ck_assert_int_eq(countersign_and_send(), MR_NOT_YOURS);
    world_order(&w, &o, w.homes[A].desk, MR_KIND_CLEAR);
    world_clear_body(&w, &o.order.body.u.clear, A, B, 100);
    ck_assert_int_eq(countersign_and_send(), MR_WRONG_CHAIN);
    expect_money(A, 10000);
}
END_TEST

START_TEST(the_other_treasury_has_signed_just_this)
{
    static const uint8_t another_ledger[MR_HASH_BYTES] = {1};
    struct mr_clear *const b = &o.order.body.u.clear;
    ck_assert_int_eq(world_issue(&w, ANA, 10000), MR_SETTLED);
    clear_order(A, B, 100);
    ck_assert_int_eq(send(), MR_SIGNATURES_MISSING);
    clear_order(A, B, 100);
    mr_clear_sign(b, w.ledger, 1, &w.homes[B].operators[1]);
    ck_assert_int_eq(send(), MR_SIGNATURES_MISSING);
    clear_order(A, B, 100);
    world_countersign(&w, b);
    b->clearing.amount = 101;
    ck_assert_int_eq(send(), MR_BAD_SIGNATURE);
    clear_order(A, B, 100);
    world_countersign(&w, b);
    b->clearing.bank_ref[0] ^= 1;
    ck_assert_int_eq(send(), MR_BAD_SIGNATURE);
    clear_order(A, B, 100);
    for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
        mr_clear_sign(b, another_ledger, i, &w.homes[B].operators[i]);
    ck_assert_int_eq(send(), MR_BAD_SIGNATURE);
    clear_order(A, B, 100);
    for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
        mr_clear_sign(b, w.ledger, i, &w.homes[A].operators[i]);
    ck_assert_int_eq(send(), MR_BAD_SIGNATURE);
    clear_order(A, B, 100);
    b->keys = w.charter.associations[A].treasury;
    for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
        mr_clear_sign(b, w.ledger, i, &w.homes[A].operators[i]);
    ck_assert_int_eq(send(), MR_BAD_KEY);
    clear_order(A, B, 100);
    world_countersign(&w, b);
    b->sigs[1] = b->sigs[0];
    ck_assert_int_eq(send(), MR_BAD_SIGNATURE);
    clear_order(A, B, 100);
    b->generation = 0;
    ck_assert_int_eq(countersign_and_send(), MR_KEYS_OLD);
    expect_money(A, 10000);
    clear_order(A, B, 100);
    ck_assert_int_eq(countersign_and_send(), MR_SETTLED);
}
END_TEST

/* The countersignature holds for one place of one chain: its bank reference is used there once. */
START_TEST(a_countersignature_works_once)
{
    static struct mr_clear kept;
    ck_assert_int_eq(world_issue(&w, ANA, 10000), MR_SETTLED);
    ck_assert_int_eq(world_issue(&w, CARL, 10000), MR_SETTLED);
    clear_order(A, B, 100);
    ck_assert_int_eq(countersign_and_send(), MR_SETTLED);
    kept = o.order.body.u.clear;
    world_order(&w, &o, w.homes[A].treasury, MR_KIND_CLEAR);
    o.order.body.u.clear = kept;
    ck_assert_int_eq(send(), MR_BANK_REF_USED);
    world_order(&w, &o, w.homes[C].treasury, MR_KIND_CLEAR);
    o.order.body.u.clear = kept;
    ck_assert_int_eq(send(), MR_NOT_YOURS);
    memcpy(o.order.body.u.clear.clearing.from, w.charter.associations[C].id, 16);
    ck_assert_int_eq(send(), MR_BAD_SIGNATURE);
    world_order(&w, &o, w.homes[A].treasury, MR_KIND_ISSUE);
    world_issue_body(&w, &o.order.body.u.issue, ANA, 5);
    memcpy(o.order.body.u.issue.banks[0].ref, kept.clearing.bank_ref, 32);
    ck_assert_int_eq(send(), MR_BANK_REF_USED);
    expect_money(A, 9900);
    expect_money(B, 100);
}
END_TEST

/* --- reserve ---------------------------------------------------------------------------------- */

START_TEST(it_waits_for_reserve)
{
    ck_assert_int_eq(world_issue(&w, ANA, 1000), MR_SETTLED);
    ck_assert_int_eq(world_issue(&w, CARL, 5000), MR_SETTLED);
    clear_order(A, B, 1500);
    ck_assert_int_eq(countersign_and_send(), MR_PARKED);
    ck_assert_uint_eq(w.reply->body.u.submit.cause, MR_COVERAGE);
    ck_assert_int_eq(w.reply->body.u.submit.missing, 500);
    const uint64_t seq = o.order.seq;
    ck_assert_int_eq(world_clear(&w, C, A, 500), MR_SETTLED);
    tick(2000);
    ck_assert_int_eq(slot(w.homes[A].treasury, seq), MR_SETTLED);
    expect_money(A, 0);
    expect_money(B, 1500);
    expect_money(C, 4500);
}
END_TEST

/* --- caps ------------------------------------------------------------------------------------- */

static const struct mr_state_account *treasury_of(uint32_t home)
{
    w.request->body.kind = MR_REQ_ACCOUNT;
    memcpy(w.request->body.u.account.account, w.homes[home].treasury, 16);
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    return &w.reply->body.u.account.account;
}

/* LED-14: the first node refuses what would lift the other issuer above its cap; it does not keep
 * the order, and another one may take the place. */
START_TEST(the_first_node_looks_at_the_cap_of_the_other)
{
    ck_assert_int_eq(world_issue(&w, ANA, 800000), MR_SETTLED);
    ck_assert_int_eq(world_issue(&w, BEN_SHOP, 600000), MR_SETTLED);
    clear_order(A, B, 400001);
    ck_assert_int_eq(countersign_and_send(), MR_CAP_EXCEEDED);
    ck_assert_int_eq(w.reply->body.u.submit.missing, 1);
    ck_assert_int_eq(slot(w.homes[A].treasury, o.order.seq), MR_UNSETTLED);
    ck_assert_int_eq(world_clear(&w, A, B, 400000), MR_SETTLED);
    /* And at what an association issues itself with that on top. */
    ck_assert_int_eq(world_issue(&w, BEN_SHOP, 1), MR_CAP_EXCEEDED);
    ck_assert_int_eq(world_issue(&w, ANA, 600000), MR_SETTLED);
}
END_TEST

/* What was cleared to B never turns the vote for an ISSUE of B from true to false: it waited for an
 * earlier order of its own chain only. */
START_TEST(an_issue_is_voted_for_by_its_own_chain)
{
    static struct mr_signed_order first, second;
    struct mr_state_chain c = {.next_seq = 1};
    ck_assert_int_eq(world_issue(&w, ANA, 800000), MR_SETTLED);
    world_order_on(&w, &first, w.homes[B].treasury, &c, 1, MR_KIND_ISSUE);
    world_issue_body(&w, &first.order.body.u.issue, BEN_SHOP, 100000);
    world_sign(&w, &first);
    c.next_seq = 2;
    mr_order_id(c.head, &first.order);
    world_order_on(&w, &second, w.homes[B].treasury, &c, 1, MR_KIND_ISSUE);
    world_issue_body(&w, &second.order.body.u.issue, BEN_SHOP, 900000);
    world_sign(&w, &second);
    ck_assert_int_eq(world_submit(&w, &second), MR_PARKED);
    ck_assert_int_eq(world_clear(&w, A, B, 700000), MR_SETTLED);
    ck_assert_int_eq(world_submit(&w, &first), MR_SETTLED);
    tick(2000);
    ck_assert_int_eq(slot(w.homes[B].treasury, 2), MR_SETTLED);
    expect_money(B, 1700000);
    ck_assert_int_eq(treasury_of(B)->issued, 1000000);
    ck_assert_int_eq(treasury_of(A)->issued, 100000);
}
END_TEST

/* Euros that others sent give no room to issue once they are paid out. */
START_TEST(what_came_by_clearing_gives_no_room)
{
    ck_assert_int_eq(world_issue(&w, ANA, 500000), MR_SETTLED);
    ck_assert_int_eq(world_issue(&w, BEN_SHOP, 100000), MR_SETTLED);
    ck_assert_int_eq(world_clear(&w, A, B, 400000), MR_SETTLED);
    ck_assert_int_eq(treasury_of(A)->issued, 100000);
    ck_assert_int_eq(treasury_of(A)->cleared, 400000);
    ck_assert_int_eq(treasury_of(B)->issued, 100000);
    ck_assert_int_eq(treasury_of(B)->cleared, 0);
    ck_assert_int_eq(world_clear(&w, B, C, 300000), MR_SETTLED);
    ck_assert_int_eq(treasury_of(B)->issued, 0);
    expect_money(B, 200000);
    ck_assert_int_eq(world_pay(&w, ANA, ANNE_SHOP, 400000), MR_SETTLED);
    const struct mr_redemption_ref ref = redeem_at(ANNE_SHOP, C, 100000);
    ck_assert_int_eq(payout(C, &ref), MR_SETTLED);
    ck_assert_int_eq(treasury_of(C)->issued, 0);
    expect_money(C, 205000);
}
END_TEST

/* LED-5a */
START_TEST(a_treasury_clears_no_more_than_a_ledger_can_hold)
{
    teardown();
    begin(INT64_C(1) << 48);
    ck_assert_int_eq(world_issue(&w, ANA, MR_CLEAR_MAX + 10), MR_SETTLED);
    ck_assert_int_eq(world_clear(&w, A, B, MR_CLEAR_MAX - 1), MR_SETTLED);
    ck_assert_int_eq(world_clear(&w, A, B, 2), MR_AMOUNT_TOO_LARGE);
    ck_assert_int_eq(world_clear(&w, A, C, 1), MR_SETTLED);
    ck_assert_int_eq(world_clear(&w, A, C, 1), MR_AMOUNT_TOO_LARGE);
}
END_TEST

/* --- keys of the other treasury --------------------------------------------------------------- */

/* New keys for B: its operators change places with those of C. */
static struct mr_keyset new_keys(uint32_t generation)
{
    return w.charter.associations[generation % 2 == 0 ? C : B].treasury;
}

static void rotate(uint32_t generation, uint64_t time_ms)
{
    world_order(&w, &o, w.homes[B].treasury, MR_KIND_SETKEYS);
    struct mr_setkeys *s = &o.order.body.u.setkeys;
    o.order.time_ms = time_ms;
    o.order.not_after_ms = time_ms + 31 * MR_DAY_MS;
    s->generation = generation;
    s->keys = new_keys(generation);
    for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
        mr_order_sign(&o, i, &w.homes[generation % 2 == 0 ? B : C].operators[i]);
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
}

static void countersign_as(struct mr_clear *b, uint32_t generation)
{
    b->generation = generation;
    b->keys = new_keys(generation);
    for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
        mr_clear_sign(b, w.ledger, i, &w.homes[generation % 2 == 0 ? C : B].operators[i]);
}

/* An order that waits for reserve, countersigned under B's first keys; its place. */
static uint64_t wait_for_reserve(void)
{
    ck_assert_int_eq(world_issue(&w, CARL, 5000), MR_SETTLED);
    clear_order(A, B, 1500);
    ck_assert_int_eq(countersign_and_send(), MR_PARKED);
    return o.order.seq;
}

START_TEST(new_keys_of_the_other_leave_a_vote_true)
{
    const uint64_t seq = wait_for_reserve();
    rotate(2, w.now_ms);
    rotate(3, w.now_ms);
    ck_assert_uint_eq(treasury_of(B)->past_count, 2);
    ck_assert_int_eq(world_clear(&w, C, A, 1500), MR_SETTLED);
    tick(2000);
    ck_assert_int_eq(slot(w.homes[A].treasury, seq), MR_SETTLED);
    expect_money(B, 1500);
}
END_TEST

START_TEST(keys_replaced_long_before_count_no_more)
{
    const uint64_t seq = wait_for_reserve();
    rotate(2, w.now_ms - MR_DAY_MS);
    ck_assert_int_eq(world_clear(&w, C, A, 1500), MR_SETTLED);
    tick(2000);
    ck_assert_int_eq(slot(w.homes[A].treasury, seq), MR_PARKED);
    expect_money(B, 0);
}
END_TEST

START_TEST(only_the_last_key_sets_are_remembered)
{
    const uint64_t seq = wait_for_reserve();
    for (uint32_t g = 2; g <= MR_PAST_KEYS_MAX + 2; g++)
        rotate(g, w.now_ms);
    ck_assert_uint_eq(treasury_of(B)->past_count, MR_PAST_KEYS_MAX);
    ck_assert_int_eq(world_clear(&w, C, A, 1500), MR_SETTLED);
    tick(2000);
    ck_assert_int_eq(slot(w.homes[A].treasury, seq), MR_PARKED);
}
END_TEST

/* LED-14: what nobody voted for yet is countersigned anew. */
START_TEST(the_first_node_wants_present_keys)
{
    ck_assert_int_eq(world_issue(&w, ANA, 1000), MR_SETTLED);
    rotate(2, w.now_ms);
    clear_order(A, B, 100);
    countersign_as(&o.order.body.u.clear, 1);
    ck_assert_int_eq(send(), MR_KEYS_OLD);
    clear_order(A, B, 100);
    countersign_as(&o.order.body.u.clear, 2);
    ck_assert_int_eq(send(), MR_SETTLED);
}
END_TEST

START_TEST(it_waits_for_keys_that_are_not_known_yet)
{
    ck_assert_int_eq(world_issue(&w, ANA, 1000), MR_SETTLED);
    clear_order(A, B, 100);
    countersign_as(&o.order.body.u.clear, 2);
    ck_assert_int_eq(send(), MR_PARKED);
    ck_assert_uint_eq(w.reply->body.u.submit.cause, MR_KEYS_UNKNOWN);
    const uint64_t seq = o.order.seq;
    rotate(2, w.now_ms);
    tick(2000);
    ck_assert_int_eq(slot(w.homes[A].treasury, seq), MR_SETTLED);
    expect_money(B, 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clear");
    TCase *tc = tcase_create("clear");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, reserve_and_debt_move_together);
    tcase_add_test(tc, a_shop_redeems_at_another_association);
    tcase_add_test(tc, another_association_returns_what_it_does_not_pay);
    tcase_add_test(tc, redemptions_are_listed_where_they_are_to_be_paid);
    tcase_add_test(tc, both_are_associations_of_the_charter_and_two);
    tcase_add_test(tc, the_other_treasury_has_signed_just_this);
    tcase_add_test(tc, a_countersignature_works_once);
    tcase_add_test(tc, it_waits_for_reserve);
    tcase_add_test(tc, the_first_node_looks_at_the_cap_of_the_other);
    tcase_add_test(tc, an_issue_is_voted_for_by_its_own_chain);
    tcase_add_test(tc, what_came_by_clearing_gives_no_room);
    tcase_add_test(tc, a_treasury_clears_no_more_than_a_ledger_can_hold);
    tcase_add_test(tc, new_keys_of_the_other_leave_a_vote_true);
    tcase_add_test(tc, keys_replaced_long_before_count_no_more);
    tcase_add_test(tc, only_the_last_key_sets_are_remembered);
    tcase_add_test(tc, the_first_node_wants_present_keys);
    tcase_add_test(tc, it_waits_for_keys_that_are_not_known_yet);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
