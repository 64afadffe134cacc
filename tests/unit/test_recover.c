/* LED-33: an association gives a member whose keys are lost new ones, unless the owner objects. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/world.h"

enum { A, B, HOMES };
enum { ANA, BEN, ASA }; /* of A, B and A */

static struct world w;
static struct mr_signed_order o;
static struct mr_recover recover;

static void setup(void)
{
    world_init_homes(&w, HOMES);
    world_start(&w);
    ck_assert_int_eq(world_open_at(&w, A, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(world_open_at(&w, B, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(world_open_at(&w, A, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(world_issue(&w, ANA, 10000), MR_SETTLED);
}

static void teardown(void)
{
    world_check(&w);
    world_done(&w);
}

static const struct mr_state_account *account_of(const uint8_t id[16])
{
    w.request->body.kind = MR_REQ_ACCOUNT;
    memcpy(w.request->body.u.account.account, id, 16);
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    return &w.reply->body.u.account.account;
}

static enum mr_status send(void)
{
    world_sign(&w, &o);
    return world_submit(&w, &o);
}

/* The RECOVER stays in `recover`, its place is returned in *ret_seq. */
static enum mr_status order_recovery(uint32_t home, uint32_t member, uint32_t generation,
                                     uint64_t *ret_seq)
{
    world_recover_body(&w, &recover, member, generation);
    world_order(&w, &o, w.homes[home].treasury, MR_KIND_RECOVER);
    o.order.not_after_ms = o.order.time_ms + MR_DAY_MS;
    o.order.body.u.recover = recover;
    *ret_seq = o.order.seq;
    return send();
}

static uint64_t recovery_of(uint32_t member)
{
    uint64_t seq;
    ck_assert_int_eq(order_recovery(w.members[member].home, member, 2, &seq), MR_SETTLED);
    return seq;
}

static void takeover_order(uint32_t member, uint64_t seq)
{
    world_order(&w, &o, w.members[member].id, MR_KIND_TAKEOVER);
    world_takeover_body(&w, &o.order.body.u.takeover, &recover, seq);
}

static enum mr_status take_over(uint32_t member, uint64_t seq)
{
    takeover_order(member, seq);
    return send();
}

static enum mr_status stop(uint32_t member, uint64_t upto)
{
    world_order(&w, &o, w.members[member].id, MR_KIND_STOP);
    o.order.body.u.stop.upto = upto;
    return send();
}

static enum mr_status freeze(uint32_t member, bool frozen)
{
    world_order(&w, &o, w.homes[w.members[member].home].desk, MR_KIND_FLAG);
    memcpy(o.order.body.u.flag.account, w.members[member].id, 16);
    o.order.body.u.flag.frozen = frozen;
    o.order.body.u.flag.reason = MR_REASON_LOST_KEY;
    return send();
}

static void wait_out(void)
{
    w.now_ms += MR_DAY_MS + MR_RECOVERY_MS;
}

/* --- the whole way ---------------------------------------------------------------------------- */

START_TEST(new_keys_work_after_the_waiting_period)
{
    const uint64_t seq = recovery_of(ANA);
    const struct mr_state_account *a = account_of(w.members[ANA].id);
    ck_assert_uint_eq(a->recoveries_count, 1);
    ck_assert_uint_eq(a->recoveries[0].seq, seq);
    ck_assert_uint_eq(a->recoveries[0].ready_ms, w.now_ms + MR_DAY_MS + MR_RECOVERY_MS);
    ck_assert_uint_eq(a->generation, 1);
    /* Meanwhile nothing has changed for the owner. */
    ck_assert_int_eq(world_pay(&w, ANA, BEN, 100), MR_SETTLED);
    wait_out();
    ck_assert_int_eq(take_over(ANA, seq), MR_SETTLED);
    a = account_of(w.members[ANA].id);
    ck_assert_uint_eq(a->generation, 2);
    ck_assert_uint_eq(a->recoveries_count, 0);
    ck_assert_int_eq(world_pay(&w, ANA, BEN, 100), MR_BAD_SIGNATURE);
    world_taken_over(&w, ANA);
    ck_assert_int_eq(world_pay(&w, ANA, BEN, 100), MR_SETTLED);
    ck_assert_int_eq(world_balance(&w, w.members[ANA].id, 0), 9800);
    ck_assert_int_eq(take_over(ANA, seq), MR_OUT_OF_RANGE);
}
END_TEST

/* Dated to the millisecond, not one earlier; what counts is when nobody could vote for the RECOVER
 * any more, so that one that is dated back gains nothing. */
START_TEST(the_waiting_period_cannot_be_cut_short)
{
    w.now_ms += 60 * MR_DAY_MS;
    world_recover_body(&w, &recover, ANA, 2);
    world_order(&w, &o, w.homes[A].treasury, MR_KIND_RECOVER);
    o.order.body.u.recover = recover;
    o.order.time_ms = w.now_ms - 30 * MR_DAY_MS;
    o.order.not_after_ms = w.now_ms;
    const uint64_t seq = o.order.seq;
    ck_assert_int_eq(send(), MR_SETTLED);
    ck_assert_int_eq(take_over(ANA, seq), MR_RECOVERY_EARLY);
    takeover_order(ANA, seq);
    o.order.time_ms = w.now_ms + MR_RECOVERY_MS;
    o.order.not_after_ms = o.order.time_ms + MR_DAY_MS;
    ck_assert_int_eq(send(), MR_PARKED);
    ck_assert_uint_eq(w.reply->body.u.submit.cause, MR_TIME_AHEAD);
}
END_TEST

START_TEST(a_millisecond_early_is_early)
{
    const uint64_t seq = recovery_of(ANA);
    wait_out();
    w.now_ms--;
    ck_assert_int_eq(take_over(ANA, seq), MR_RECOVERY_EARLY);
    w.now_ms++;
    ck_assert_int_eq(take_over(ANA, seq), MR_SETTLED);
}
END_TEST

/* --- the owner objects ------------------------------------------------------------------------ */

/* What anybody is told of the recovery of Ana that names this key. NULL: nothing. */
static const struct mr_recovery_news *news_of(const uint8_t enc_key[MR_KEY_BYTES])
{
    struct mr_req_lookup *const q = &w.request->body.u.lookup;
    w.request->body.kind = MR_REQ_LOOKUP;
    *q = (struct mr_req_lookup){.alias_len = 0};
    memcpy(q->account, w.members[ANA].id, 16);
    memcpy(q->enc_key, enc_key, MR_KEY_BYTES);
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    const struct mr_rep_lookup *const r = &w.reply->body.u.lookup;
    return r->recovery_count > 0 ? &r->recovery[0] : NULL;
}

/* Who has the new keys is told how it stands, and nobody else. */
START_TEST(the_new_device_hears_of_it)
{
    uint8_t key[MR_KEY_BYTES], other[MR_KEY_BYTES] = {1};
    const uint64_t seq = recovery_of(ANA);
    const uint64_t ready_ms = account_of(w.members[ANA].id)->recoveries[0].ready_ms;
    memcpy(key, recover.keys.enc_key, sizeof key);
    const struct mr_recovery_news *news = news_of(key);
    ck_assert_ptr_nonnull(news);
    ck_assert_uint_eq(news->seq, seq);
    ck_assert(!news->stopped);
    ck_assert_uint_eq(news->time_ms, ready_ms);
    ck_assert_ptr_null(news_of(other));
    memset(other, 0, sizeof other);
    ck_assert_ptr_null(news_of(other)); /* not asked */
    w.now_ms += 5000;
    ck_assert_int_eq(stop(ANA, seq), MR_SETTLED);
    const uint64_t stopped_ms = w.now_ms;
    for (int i = 0; i < 3; i++) { /* it is found behind later orders, too */
        news = news_of(key);
        ck_assert_ptr_nonnull(news);
        ck_assert_uint_eq(news->seq, seq);
        ck_assert(news->stopped);
        ck_assert_uint_eq(news->time_ms, stopped_ms);
        w.now_ms += 1000;
        ck_assert_int_eq(world_pay(&w, ANA, BEN, 1), MR_SETTLED);
    }
    other[0] = 1;
    ck_assert_ptr_null(news_of(other));
    /* Announced anew it waits again; in force, there is nothing to tell. */
    const uint64_t again = recovery_of(ANA);
    news = news_of(recover.keys.enc_key);
    ck_assert_uint_eq(news->seq, again);
    ck_assert(!news->stopped);
}
END_TEST

START_TEST(the_owner_stops_it)
{
    const uint64_t seq = recovery_of(ANA);
    ck_assert_int_eq(stop(ANA, seq), MR_SETTLED);
    ck_assert_uint_eq(account_of(w.members[ANA].id)->recoveries_count, 0);
    wait_out();
    ck_assert_int_eq(take_over(ANA, seq), MR_RECOVERY_STOPPED);
    ck_assert_int_eq(stop(ANA, seq), MR_NO_CHANGE);
    /* A later one is another matter. */
    const uint64_t again = recovery_of(ANA);
    wait_out();
    ck_assert_int_eq(take_over(ANA, again), MR_SETTLED);
}
END_TEST

START_TEST(nobody_stops_what_there_is_not)
{
    ck_assert_int_eq(stop(ANA, 1), MR_PARKED);
    ck_assert_uint_eq(w.reply->body.u.submit.cause, MR_RECOVERY_UNKNOWN);
}
END_TEST

START_TEST(new_keys_of_the_owner_end_it)
{
    const uint64_t seq = recovery_of(ANA);
    world_order(&w, &o, w.members[ANA].id, MR_KIND_SETKEYS);
    o.order.body.u.setkeys.generation = 2;
    o.order.body.u.setkeys.keys.threshold = o.order.body.u.setkeys.keys.keys_count = 1;
    o.order.body.u.setkeys.keys.keys[0] = w.members[BEN].public;
    ck_assert_int_eq(send(), MR_SETTLED);
    ck_assert_uint_eq(account_of(w.members[ANA].id)->recoveries_count, 0);
    wait_out();
    ck_assert_int_eq(take_over(ANA, seq), MR_OUT_OF_RANGE);
    takeover_order(ANA, seq);
    o.order.body.u.takeover.keys.generation = 3;
    ck_assert_int_eq(send(), MR_PARKED);
    ck_assert_uint_eq(w.reply->body.u.submit.cause, MR_RECOVERY_UNKNOWN);
}
END_TEST

/* Freezing is for money: else an association could take the owner's say away first. */
START_TEST(freezing_stops_neither_the_owner_nor_the_association)
{
    uint64_t seq = recovery_of(ANA);
    ck_assert_int_eq(freeze(ANA, true), MR_SETTLED);
    ck_assert_int_eq(world_pay(&w, ANA, BEN, 100), MR_PAYER_FROZEN);
    ck_assert_int_eq(stop(ANA, seq), MR_SETTLED);
    seq = recovery_of(ANA);
    wait_out();
    ck_assert_int_eq(take_over(ANA, seq), MR_SETTLED);
    ck_assert(account_of(w.members[ANA].id)->frozen);
}
END_TEST

/* --- who may what ----------------------------------------------------------------------------- */

START_TEST(only_the_home_treasury_recovers)
{
    uint64_t seq;
    ck_assert_int_eq(order_recovery(B, ANA, 2, &seq), MR_NOT_YOURS);
    world_recover_body(&w, &recover, ANA, 2);
    world_order(&w, &o, w.homes[A].desk, MR_KIND_RECOVER);
    o.order.body.u.recover = recover;
    ck_assert_int_eq(send(), MR_WRONG_CHAIN);
    world_order(&w, &o, w.homes[A].treasury, MR_KIND_RECOVER);
    o.order.body.u.recover = recover;
    mr_order_sign(&o, 0, &w.homes[A].operators[0]);
    ck_assert_int_eq(world_submit(&w, &o), MR_SIGNATURES_MISSING);
    memcpy(o.order.body.u.recover.account, w.homes[B].own, 16);
    ck_assert_int_eq(send(), MR_ACCOUNT_UNKNOWN);
    world_recover_body(&w, &recover, ANA, 2);
    world_order(&w, &o, w.homes[A].treasury, MR_KIND_RECOVER);
    o.order.body.u.recover = recover;
    o.order.body.u.recover.keys.keys.threshold = 2;
    ck_assert_int_eq(send(), MR_BAD_KEY);
    ck_assert_int_eq(order_recovery(A, ANA, 1, &seq), MR_KEYS_OLD);
    ck_assert_int_eq(order_recovery(A, ANA, 3, &seq), MR_PARKED);
    ck_assert_uint_eq(w.reply->body.u.submit.cause, MR_KEYS_UNKNOWN);
}
END_TEST

static void expect_takeover(enum mr_status want)
{
    ck_assert_int_eq(world_submit(&w, &o), want);
}

START_TEST(the_treasury_signs_the_takeover)
{
    struct mr_takeover *const t = &o.order.body.u.takeover;
    const uint64_t seq = recovery_of(ANA);
    wait_out();
    takeover_order(ANA, seq);
    mr_order_sign(&o, 0, &w.members[ANA].key);
    expect_takeover(MR_BAD_SIGNATURE);
    takeover_order(ANA, seq);
    mr_order_sign(&o, 0, &w.members[ANA].next_key);
    expect_takeover(MR_BAD_SIGNATURE);
    takeover_order(ANA, seq);
    mr_order_sign(&o, 1, &w.homes[A].operators[1]);
    expect_takeover(MR_SIGNATURES_MISSING);
    takeover_order(ANA, seq);
    t->treasury = w.charter.associations[B].treasury;
    for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
        mr_order_sign(&o, i, &w.homes[B].operators[i]);
    expect_takeover(MR_BAD_KEY);
    takeover_order(ANA, seq);
    t->generation = 2;
    ck_assert_int_eq(send(), MR_KEYS_UNKNOWN);
    takeover_order(ANA, seq);
    t->generation = 0;
    ck_assert_int_eq(send(), MR_KEYS_OLD);
    takeover_order(ANA, seq);
    t->keys.enc_key[0] ^= 1;
    ck_assert_int_eq(send(), MR_BAD_KEY);
    takeover_order(ANA, seq);
    t->keys.generation = 3;
    ck_assert_int_eq(send(), MR_OUT_OF_RANGE);
    world_order(&w, &o, w.homes[A].desk, MR_KIND_TAKEOVER);
    world_takeover_body(&w, t, &recover, seq);
    for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
        mr_order_sign(&o, i, &w.homes[A].operators[i]);
    expect_takeover(MR_WRONG_CHAIN);
    ck_assert_int_eq(take_over(ANA, seq), MR_SETTLED);
}
END_TEST

/* --- several at a time ------------------------------------------------------------------------ */

/* The keys were noted wrongly, or the new device was lost too: a further one waits beside the
 * first, and the treasury says which it finishes. */
START_TEST(a_further_one_stands_beside_the_first)
{
    static struct mr_recover first;
    const uint64_t one = recovery_of(ANA);
    first = recover;
    w.now_ms += MR_DAY_MS;
    const uint64_t two = recovery_of(ANA);
    ck_assert_uint_eq(account_of(w.members[ANA].id)->recoveries_count, 2);
    w.now_ms += MR_RECOVERY_MS;
    ck_assert_int_eq(take_over(ANA, two), MR_RECOVERY_EARLY);
    ck_assert_int_eq(take_over(ANA, one), MR_BAD_KEY);
    recover = first;
    ck_assert_int_eq(take_over(ANA, one), MR_SETTLED);
    ck_assert_uint_eq(account_of(w.members[ANA].id)->recoveries_count, 0);
}
END_TEST

START_TEST(four_wait_together)
{
    uint64_t seq[5];
    for (int i = 0; i < 4; i++)
        seq[i] = recovery_of(ANA);
    ck_assert_int_eq(order_recovery(A, ANA, 2, &seq[4]), MR_TOO_MANY);
    ck_assert_int_eq(stop(ANA, seq[2]), MR_SETTLED);
    ck_assert_uint_eq(account_of(w.members[ANA].id)->recoveries_count, 1);
    ck_assert_uint_eq(account_of(w.members[ANA].id)->recoveries[0].seq, seq[3]);
    ck_assert_int_eq(order_recovery(A, ANA, 2, &seq[4]), MR_SETTLED);
    ck_assert_uint_eq(account_of(w.members[ANA].id)->recoveries_count, 2);
}
END_TEST

START_TEST(a_closed_account_is_not_recovered)
{
    uint64_t seq = recovery_of(ANA);
    world_order(&w, &o, w.members[ANA].id, MR_KIND_CLOSE);
    ck_assert_int_eq(send(), MR_SETTLED);
    wait_out();
    ck_assert_int_eq(take_over(ANA, seq), MR_PAYER_CLOSED);
    ck_assert_int_eq(order_recovery(A, ANA, 2, &seq), MR_PAYER_CLOSED);
}
END_TEST

/* --- a node that lost its memory ----------------------------------------------------------------
 */

/* What comes back as a claim may have been seen by nobody for seven days. */
START_TEST(a_restart_holds_takeovers_up)
{
    static struct mr_signed_restart x;
    struct mr_engine_facts f;
    const uint8_t seed[32] = {77};
    const uint64_t seq = recovery_of(ANA);
    wait_out();
    mr_engine_facts(w.engine, &f);
    world_stop(&w);
    memset(&x, 0, sizeof x);
    x.restart = (struct mr_restart){.version = 1,
                                    .epoch = 2,
                                    .node = 1,
                                    .generation = 2,
                                    .last_size = f.meta.leaves,
                                    .time_ms = w.now_ms,
                                    .claims_until_ms = w.now_ms + MR_DAY_MS};
    memcpy(x.restart.ledger, w.ledger, 32);
    memcpy(x.restart.last_root, f.log_root, 32);
    mr_seckey_from_seed(&w.log_key, &x.restart.log_key, seed);
    mr_restart_sign(&x, 0, &w.governance);
    w.restart = &x;
    world_start(&w);
    ck_assert_int_eq(take_over(ANA, seq), MR_RECOVERY_EARLY);
    w.now_ms += MR_DAY_MS + MR_RECOVERY_MS - 1;
    ck_assert_int_eq(take_over(ANA, seq), MR_RECOVERY_EARLY);
    w.now_ms++;
    ck_assert_int_eq(take_over(ANA, seq), MR_SETTLED);
}
END_TEST

/* --- restarts --------------------------------------------------------------------------------- */

START_TEST(it_is_still_there_after_a_restart)
{
    const uint64_t seq = recovery_of(ANA);
    world_stop(&w);
    world_start(&w);
    ck_assert_uint_eq(account_of(w.members[ANA].id)->recoveries_count, 1);
    world_flush(&w);
    world_stop(&w);
    world_start(&w);
    wait_out();
    ck_assert_int_eq(take_over(ANA, seq), MR_SETTLED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recover");
    TCase *tc = tcase_create("recover");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, new_keys_work_after_the_waiting_period);
    tcase_add_test(tc, the_waiting_period_cannot_be_cut_short);
    tcase_add_test(tc, a_millisecond_early_is_early);
    tcase_add_test(tc, the_new_device_hears_of_it);
    tcase_add_test(tc, the_owner_stops_it);
    tcase_add_test(tc, nobody_stops_what_there_is_not);
    tcase_add_test(tc, new_keys_of_the_owner_end_it);
    tcase_add_test(tc, freezing_stops_neither_the_owner_nor_the_association);
    tcase_add_test(tc, only_the_home_treasury_recovers);
    tcase_add_test(tc, the_treasury_signs_the_takeover);
    tcase_add_test(tc, a_further_one_stands_beside_the_first);
    tcase_add_test(tc, four_wait_together);
    tcase_add_test(tc, a_closed_account_is_not_recovered);
    tcase_add_test(tc, a_restart_holds_takeovers_up);
    tcase_add_test(tc, it_is_still_there_after_a_restart);
    suite_add_tcase(s, tc);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
