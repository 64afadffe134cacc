/* LED-2a: each association has ids of its own, so that two desks never open the same account. */
#include <check.h>
#include <string.h>

#include "lib/ring.h"
#include "mereau/order.h"

enum { A, B, HOMES, NODES = 4, QUORUM = 3 };

static struct ring r;
static struct mr_signed_order first, second;

static void setup(void)
{
    ring_init_homes(&r, NODES, QUORUM, HOMES);
}

static void teardown(void)
{
    ring_check(&r);
    ring_done(&r);
}

/* An OPEN of an association's next member, on the desk of another one perhaps. */
static void make_open(struct mr_signed_order *ret, uint32_t desk, uint32_t home)
{
    ring_order(&r, 0, ret, r.w.homes[desk].desk, MR_KIND_OPEN);
    world_open_body(&r.w, &ret->order.body.u.open, home, MR_CLASS_RESIDENT);
    world_sign(&r.w, ret);
}

static enum mr_status outcome(const struct mr_signed_order *o)
{
    return ring_submit(&r, 0, o);
}

START_TEST(derived_accounts_stand_in_the_space_of_their_association)
{
    static const uint8_t nobody[16];
    uint8_t id[16];
    for (int k = MR_CLASS_DESK; k <= MR_CLASS_OWN; k++) {
        mr_sub_account(id, r.w.charter.associations[B].id, (enum mr_account_class)k);
        ck_assert(mr_in_space(id, r.w.charter.associations[B].id));
        ck_assert(!mr_in_space(id, r.w.charter.associations[A].id));
    }
    mr_sub_account(id, NULL, MR_CLASS_WORLD);
    ck_assert(mr_in_space(id, nobody));
}
END_TEST

START_TEST(a_desk_opens_ids_of_its_association_only)
{
    make_open(&first, A, A);
    ck_assert_int_eq(ring_submit(&r, 1, &first), MR_SETTLED);
    make_open(&second, A, A); /* the same again */
    ck_assert_int_eq(ring_submit(&r, 3, &second), MR_ACCOUNT_EXISTS);
    make_open(&second, A, B);
    ck_assert_int_eq(ring_submit(&r, 2, &second), MR_NOT_YOURS);
    make_open(&second, B, A);
    ck_assert_int_eq(ring_submit(&r, 2, &second), MR_NOT_YOURS);
    make_open(&second, B, B);
    ck_assert_int_eq(ring_submit(&r, 2, &second), MR_SETTLED);
}
END_TEST

/* Every byte of the space counts. */
START_TEST(a_space_is_four_bytes)
{
    make_open(&first, A, A);
    first.order.body.u.open.account[_i] ^= 1;
    world_sign(&r.w, &first);
    ck_assert_int_eq(ring_submit(&r, 0, &first), _i < 4 ? MR_NOT_YOURS : MR_SETTLED);
}
END_TEST

/* A dishonest desk sees another one's OPEN on its way, and opens that id with keys of its own. No
 * node has settled either of them when they are voted for. */
START_TEST(who_races_for_an_id_does_not_get_it)
{
    make_open(&first, A, A);
    ring_order(&r, 0, &second, r.w.homes[B].desk, MR_KIND_OPEN);
    second.order.body.u.open = first.order.body.u.open;
    second.order.body.u.open.keys = r.w.charter.associations[B].desk;
    second.order.body.u.open.keys.keys_count = 1;
    world_sign(&r.w, &second);
    ring_isolate(&r);
    for (uint32_t i = 0; i < NODES; i++) {
        ring_submit(&r, i, i % 2 == 0 ? &first : &second);
        ring_submit(&r, i, i % 2 == 0 ? &second : &first);
    }
    ring_reunite(&r);
    ring_settle(&r);
    ring_wait(&r, 15000);
    ck_assert_int_eq(outcome(&first), MR_SETTLED);
    ck_assert_int_eq(outcome(&second), MR_NOT_YOURS);
}
END_TEST

/* The orders of one desk stand on one chain: the second one is looked at behind the first. */
START_TEST(one_desk_opens_an_id_once)
{
    make_open(&first, A, A);
    second = first;
    second.order.seq++;
    mr_order_id(second.order.prev, &first.order);
    world_sign(&r.w, &second);
    ring_isolate(&r);
    for (uint32_t i = 0; i < NODES; i++) {
        ring_submit(&r, i, &second);
        ring_submit(&r, i, &first);
    }
    ring_reunite(&r);
    ring_settle(&r);
    ring_wait(&r, 15000);
    ck_assert_int_eq(outcome(&first), MR_SETTLED);
    ck_assert_int_ne(outcome(&second), MR_SETTLED);
    ck_assert_int_eq(r.reply->body.u.submit.cause, MR_ACCOUNT_EXISTS);
}
END_TEST

/* EPO-3. */
START_TEST(who_joins_brings_a_space_of_its_own)
{
    ring_done(&r);
    ring_init_founders(&r, NODES, QUORUM, HOMES, 1);
    ring_next_order(&r, 0, &first);
    struct mr_next_epoch *const n = &first.order.body.u.next;
    n->associations_count = 1;
    n->associations[0] = r.w.charter.associations[B];
    memcpy(n->associations[0].id, r.w.charter.associations[A].id, 4);
    world_sign(&r.w, &first);
    ck_assert_int_eq(ring_submit(&r, 0, &first), MR_OUT_OF_RANGE);
    memset(n->associations[0].id, 0, 4);
    world_sign(&r.w, &first);
    ck_assert_int_eq(ring_submit(&r, 0, &first), MR_OUT_OF_RANGE);
    n->associations[0] = r.w.charter.associations[B];
    world_sign(&r.w, &first);
    ck_assert_int_eq(ring_submit(&r, 0, &first), MR_SETTLED);
    ring_wait(&r, 10000);
    ck_assert_uint_eq(ring_epoch(&r, 0), 2);
    make_open(&second, B, B);
    ck_assert_int_eq(ring_submit(&r, 0, &second), MR_SETTLED);
}
END_TEST

/* What an association will have once it has joined, nobody opens before: its own account would be
 * written over. */
START_TEST(nobody_takes_an_account_of_who_will_join)
{
    ring_done(&r);
    ring_init_founders(&r, NODES, QUORUM, HOMES, 1);
    make_open(&first, A, A);
    memcpy(first.order.body.u.open.account, r.w.homes[B].own, 16);
    world_sign(&r.w, &first);
    ck_assert_int_eq(ring_submit(&r, 0, &first), MR_NOT_YOURS);
}
END_TEST

int main(void)
{
    TCase *const c = tcase_create("spaces");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, derived_accounts_stand_in_the_space_of_their_association);
    tcase_add_test(c, a_desk_opens_ids_of_its_association_only);
    tcase_add_loop_test(c, a_space_is_four_bytes, 0, 6);
    tcase_add_test(c, who_races_for_an_id_does_not_get_it);
    tcase_add_test(c, one_desk_opens_an_id_once);
    tcase_add_test(c, who_joins_brings_a_space_of_its_own);
    tcase_add_test(c, nobody_takes_an_account_of_who_will_join);
    Suite *const s = suite_create("ids");
    suite_add_tcase(s, c);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
