/* The engine on journal and store in memory: the main job, repeats, crashes, replay. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/world.h"
#include "mereau/log.h"
#include "mereau/receipt.h"

static struct world w;

static void setup(void)
{
    world_init(&w);
    world_start(&w);
}

static void teardown(void)
{
    world_check(&w);
    world_done(&w);
}

static void open_three(void)
{
    ck_assert_int_eq(world_open(&w, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(world_open(&w, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(world_open(&w, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(world_issue(&w, 0, 10000), MR_SETTLED);
}

START_TEST(a_payment_settles_with_a_receipt)
{
    struct mr_receipt_facts facts;
    open_three();
    ck_assert_int_eq(world_pay(&w, 0, 1, 1250), MR_SETTLED);
    const struct mr_rep_slot *s = &w.reply->body.u.submit;
    ck_assert_uint_eq(s->receipt_count, 1);
    ck_assert_int_eq(mr_receipt_verify(&facts, &w.charter, NULL, &s->receipt[0]), MR_OK);
    ck_assert(!facts.voided);
    ck_assert_int_eq(world_balance(&w, w.members[0].id, 0), 8750);
    ck_assert_int_eq(world_balance(&w, w.members[1].id, 0), 1250);
}
END_TEST

START_TEST(the_same_order_again_gives_the_same_answer)
{
    static struct mr_signed_order o;
    open_three();
    ck_assert_int_eq(world_pay(&w, 0, 1, 1250), MR_SETTLED);
    o = w.request->body.u.submit.order; /* overwritten by other requests: take it from the reply */
    ck_assert_uint_eq(w.reply->body.u.submit.receipt_count, 1);
    o = w.reply->body.u.submit.receipt[0].order[0];
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
    ck_assert_int_eq(world_balance(&w, w.members[0].id, 0), 8750);
}
END_TEST

START_TEST(an_order_short_of_funds_waits_and_settles_when_money_comes)
{
    open_three();
    ck_assert_int_eq(world_pay(&w, 2, 1, 500), MR_PARKED);
    ck_assert_uint_eq(w.reply->body.u.submit.cause, MR_FUNDS_SHORT);
    ck_assert_int_eq(w.reply->body.u.submit.missing, 500);
    ck_assert_int_eq(world_issue(&w, 2, 700), MR_SETTLED);
    ck_assert_int_eq(world_balance(&w, w.members[2].id, 0), 200);
    ck_assert_int_eq(world_balance(&w, w.members[1].id, 0), 500);
}
END_TEST

START_TEST(a_cancel_voids_the_slot_and_another_order_may_follow)
{
    static struct mr_signed_cancel c;
    open_three();
    ck_assert_int_eq(world_pay(&w, 2, 1, 500), MR_PARKED);
    memset(&c, 0, sizeof c);
    memcpy(c.cancel.ledger, w.ledger, 32);
    memcpy(c.cancel.account, w.members[2].id, 16);
    c.cancel.seq = 1;
    mr_cancel_sign(&c, 0, &w.members[2].key);
    w.request->body.kind = MR_REQ_CANCEL;
    w.request->body.u.cancel = c;
    ck_assert_int_eq(world_request(&w, NULL), MR_VOIDED);
    struct mr_receipt_facts facts;
    ck_assert_int_eq(
        mr_receipt_verify(&facts, &w.charter, NULL, &w.reply->body.u.cancel.receipt[0]), MR_OK);
    ck_assert(facts.voided);
    ck_assert_int_eq(world_issue(&w, 2, 700), MR_SETTLED);
    ck_assert_int_eq(world_balance(&w, w.members[2].id, 0), 700);
    ck_assert_int_eq(world_pay(&w, 2, 1, 100), MR_SETTLED);
}
END_TEST

/* _i: how much of it the store holds. */
START_TEST(a_restart_gives_the_same_state)
{
    struct mr_checkpoint before, after;
    struct mr_head head;
    open_three();
    if (_i == 1)
        world_flush(&w);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(world_pay(&w, 0, 1, 1), MR_SETTLED);
    if (_i == 2)
        world_flush(&w);
    head = w.reply->body.u.submit.receipt[0].proofs[0].head;
    ck_assert_int_eq(world_pay(&w, 2, 1, 500), MR_PARKED);
    world_stop(&w);
    world_start(&w);
    ck_assert_int_eq(world_balance(&w, w.members[0].id, 0), 9700);
    ck_assert_int_eq(world_issue(&w, 2, 700), MR_SETTLED);
    ck_assert_int_eq(world_balance(&w, w.members[2].id, 0), 200);
    w.request->body.kind = MR_REQ_HEAD;
    w.request->body.u.head.from_size = head.size;
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    const struct mr_rep_head *r = &w.reply->body.u.head;
    ck_assert_uint_gt(r->head.size, head.size);
    ck_assert(mr_consistency_verify(head.root, head.size, r->head.root, r->head.size,
                                    r->consistency, r->consistency_count));
    world_flush(&w);
    ck_assert_int_eq(mr_state_sum(&before, w.store, &w.charter, &w.mem), MR_OK);
    /* From the journal alone. */
    world_stop(&w);
    w.store->api->close(w.store);
    ck_assert_int_eq(mr_store_mem_open(&w.store, &w.mem, NULL), MR_OK);
    world_start(&w);
    world_flush(&w);
    ck_assert_int_eq(mr_state_sum(&after, w.store, &w.charter, &w.mem), MR_OK);
    ck_assert_mem_eq(before.state_root, after.state_root, 32);
    ck_assert_int_eq(before.supply[0].issued, 10700);
    ck_assert_int_eq(before.supply[1].issued, 10700);
}
END_TEST

START_TEST(a_redemption_is_paid_out_once)
{
    static struct mr_signed_order o;
    open_three();
    ck_assert_int_eq(world_pay(&w, 0, 1, 6000), MR_SETTLED);
    world_order(&w, &o, w.members[1].id, MR_KIND_REDEEM);
    struct mr_redeem *r = &o.order.body.u.redeem;
    memcpy(r->association, w.charter.associations[0].id, 16);
    r->amount = 4000;
    r->fee = 200;
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
    struct mr_redemption_ref ref = {.seq = o.order.seq, .amount = 4000};
    memcpy(ref.account, w.members[1].id, 16);
    mr_order_id(ref.order, &o.order);
    for (int i = 0; i < 2; i++) {
        world_order(&w, &o, w.treasury, MR_KIND_PAYOUT);
        struct mr_payout *p = &o.order.body.u.payout;
        p->redemption = ref;
        p->fee = 200;
        memset(p->bank_ref, 40 + i, 32);
        world_sign(&w, &o);
        ck_assert_int_eq(world_submit(&w, &o), i == 0 ? MR_SETTLED : MR_REDEMPTION_DONE);
    }
    uint8_t own[16], reserve[16];
    mr_sub_account(own, w.charter.associations[0].id, MR_CLASS_OWN);
    mr_sub_account(reserve, w.charter.associations[0].id, MR_CLASS_RESERVE);
    ck_assert_int_eq(world_balance(&w, own, 0), 200);
    ck_assert_int_eq(world_balance(&w, reserve, 1), 10000 - 3800);
    ck_assert_int_eq(world_balance(&w, w.members[1].id, 0), 2000);
}
END_TEST

START_TEST(a_checkpoint_names_the_state)
{
    struct mr_checkpoint c;
    struct mr_event ev = {.kind = MR_EV_CHECKPOINT, .now_ms = w.now_ms};
    struct mr_effects fx = {NULL, NULL};
    struct mr_engine_facts facts;
    open_three();
    world_flush(&w);
    ck_assert_int_eq(mr_state_sum(&c, w.store, &w.charter, &w.mem), MR_OK);
    ev.u.checkpoint.sum = &c;
    ck_assert_int_eq(mr_engine_step(w.engine, &ev, &fx), MR_OK);
    world_turn(&w);
    mr_engine_facts(w.engine, &facts);
    ck_assert_uint_eq(facts.meta.checkpoints, 1);
}
END_TEST

/* A head that was signed and not written down before a crash binds the next ones, though the clock
 * was set back (LOG-4). */
START_TEST(a_later_time_that_others_hold_goes_on)
{
    struct mr_event ev = {.kind = MR_EV_SEEN, .now_ms = w.now_ms};
    struct mr_effects fx = {NULL, NULL};
    open_three();
    ck_assert_int_eq(world_pay(&w, 0, 1, 1), MR_SETTLED);
    struct mr_head h = w.reply->body.u.submit.receipt[0].proofs[0].head;
    ev.u.seen = &h;
    h.time_ms += 7000; /* nobody signed this */
    ck_assert_int_eq(mr_engine_step(w.engine, &ev, &fx), MR_OK);
    ck_assert_int_eq(world_pay(&w, 0, 1, 1), MR_SETTLED);
    ck_assert_uint_lt(w.reply->body.u.submit.receipt[0].proofs[0].head.time_ms, h.time_ms);
    mr_head_sign(&h, w.ledger, &w.log_key);
    ck_assert_int_eq(mr_engine_step(w.engine, &ev, &fx), MR_OK);
    ck_assert_int_eq(world_pay(&w, 0, 1, 1), MR_SETTLED);
    ck_assert_uint_ge(w.reply->body.u.submit.receipt[0].proofs[0].head.time_ms, h.time_ms);
    world_check(&w);
}
END_TEST

START_TEST(a_head_from_the_future_stops_the_signing)
{
    struct mr_event ev = {.kind = MR_EV_SEEN, .now_ms = w.now_ms};
    struct mr_effects fx = {NULL, NULL};
    open_three();
    ck_assert_int_eq(world_pay(&w, 0, 1, 1), MR_SETTLED);
    struct mr_head h = w.reply->body.u.submit.receipt[0].proofs[0].head;
    ev.u.seen = &h;
    ck_assert_int_eq(mr_engine_step(w.engine, &ev, &fx), MR_OK);
    ck_assert_int_eq(world_pay(&w, 0, 1, 1), MR_SETTLED); /* its own past is no alarm */
    h.size += 1000;
    mr_head_sign(&h, w.ledger, &w.log_key);
    ck_assert_int_eq(mr_engine_step(w.engine, &ev, &fx), MR_OK);
    ck_assert_int_eq(world_pay(&w, 0, 1, 1), MR_ABSTAINING);
}
END_TEST

static enum mr_status ask_slot(const uint8_t account[16], uint64_t seq)
{
    w.request->body.kind = MR_REQ_SLOT;
    memcpy(w.request->body.u.slot.account, account, 16);
    w.request->body.u.slot.seq = seq;
    return world_request(&w, NULL);
}

START_TEST(a_restored_node_abstains_until_governance_restarts_it)
{
    static struct mr_signed_restart r;
    struct mr_receipt_facts facts;
    struct mr_engine_facts f;
    struct mr_seckey key;
    const uint8_t seed[32] = {77};
    open_three();
    ck_assert_int_eq(world_pay(&w, 0, 1, 100), MR_SETTLED);
    ck_assert_int_eq(world_pay(&w, 0, 1, 200), MR_SETTLED);
    world_stop(&w);
    w.abstain = true;
    world_start(&w);
    ck_assert_int_eq(world_pay(&w, 0, 1, 300), MR_ABSTAINING);
    mr_engine_facts(w.engine, &f);
    world_stop(&w);
    memset(&r, 0, sizeof r);
    r.restart = (struct mr_restart){.version = 1,
                                    .epoch = 2,
                                    .node = 1,
                                    .generation = 2,
                                    .last_size = f.meta.leaves,
                                    .time_ms = w.now_ms,
                                    .claims_until_ms = w.now_ms + MR_DAY_MS};
    memcpy(r.restart.ledger, w.ledger, 32);
    memcpy(r.restart.last_root, f.log_root, 32);
    mr_seckey_from_seed(&key, &r.restart.log_key, seed);
    mr_restart_sign(&r, 0, &w.governance);
    w.log_key = key;
    w.abstain = false;
    w.restart = &r;
    world_start(&w);
    /* The old log still proves what it proved; the new one goes on. */
    ck_assert_int_eq(ask_slot(w.members[0].id, 1), MR_SETTLED);
    ck_assert_int_eq(mr_receipt_verify(&facts, &w.charter, NULL, &w.reply->body.u.slot.receipt[0]),
                     MR_OK);
    ck_assert_uint_eq(w.reply->body.u.slot.receipt[0].proofs[0].head.epoch, 1);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(world_pay(&w, 0, 1, 300), MR_SETTLED);
        struct mr_receipt *got = &w.reply->body.u.submit.receipt[0];
        ck_assert_uint_eq(got->proofs[0].head.epoch, 2);
        ck_assert_uint_eq(got->handover_count, 1);
        ck_assert_int_eq(mr_receipt_verify(&facts, &w.charter, NULL, got), MR_OK);
        got->handover[0].u.restart.sigs[0].sig[3] ^= 1;
        ck_assert_int_eq(mr_receipt_verify(&facts, &w.charter, NULL, got), MR_BAD_HEAD);
        world_stop(&w); /* the same RESTART again is passed over */
        world_start(&w);
    }
    ck_assert_int_eq(world_balance(&w, w.members[1].id, 0), 900);
    world_stop(&w);
    w.abstain = true; /* restored once more: the RESTART of the last time does not answer for it */
    world_start(&w);
    ck_assert_int_eq(world_pay(&w, 0, 1, 300), MR_ABSTAINING);
}
END_TEST

START_TEST(a_restart_that_is_not_governances_is_refused)
{
    static struct mr_signed_restart r;
    struct mr_engine *e;
    struct mr_engine_facts f;
    open_three();
    mr_engine_facts(w.engine, &f);
    r.restart = (struct mr_restart){.version = 1,
                                    .epoch = 2,
                                    .node = 1,
                                    .generation = 2,
                                    .log_key = w.operators_public[0],
                                    .last_size = f.head.size};
    memcpy(r.restart.ledger, w.ledger, 32);
    memcpy(r.restart.last_root, f.head.root, 32);
    mr_restart_sign(&r, 0, &w.operators[0]);
    const struct mr_engine_config config = {.charter = &w.charter,
                                            .node = 1,
                                            .log_key = &w.operators[0],
                                            .software = "test",
                                            .store = w.store,
                                            .journal = w.journal,
                                            .mem = w.mem,
                                            .now_ms = w.now_ms,
                                            .restart = &r};
    ck_assert_int_eq(mr_engine_create(&e, &config), MR_BAD_SIGNATURE);
}
END_TEST

/* --- orders that wait ------------------------------------------------------------------------- */

/* INV-8: what waited was signed by a key that is no longer the account's. */
START_TEST(an_order_that_waits_does_not_settle_under_old_keys)
{
    static struct mr_signed_order first, o;
    struct mr_state_chain c = {.next_seq = 1};
    open_three();
    ck_assert_int_eq(world_issue(&w, 2, 700), MR_SETTLED);
    world_order_on(&w, &first, w.members[2].id, &c, 1, MR_KIND_SETKEYS);
    struct mr_setkeys *keys = &first.order.body.u.setkeys;
    keys->generation = 2;
    keys->keys.threshold = keys->keys.keys_count = 1;
    keys->keys.keys[0] = w.operators_public[0];
    world_sign(&w, &first);
    c.next_seq = 2;
    mr_order_id(c.head, &first.order);
    world_order_on(&w, &o, w.members[2].id, &c, 1, MR_KIND_PAY);
    world_pay_body(&w, &o.order.body.u.pay, 1, 300);
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_PARKED);
    ck_assert_int_eq(world_submit(&w, &first), MR_SETTLED);
    ck_assert_int_eq(world_balance(&w, w.members[1].id, 0), 0);
    ck_assert_int_eq(world_submit(&w, &o), MR_BAD_SIGNATURE);
    o.sigs_count = 0;
    mr_order_sign(&o, 0, &w.operators[0]); /* the order's id does not cover the signatures */
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
    ck_assert_int_eq(world_balance(&w, w.members[1].id, 0), 300);
}
END_TEST

static void park_ahead(uint64_t seq, uint64_t valid_ms)
{
    static struct mr_signed_order o;
    const struct mr_state_chain c = {.next_seq = seq};
    world_order_on(&w, &o, w.members[2].id, &c, 1, MR_KIND_PAY);
    o.order.not_after_ms = o.order.time_ms + valid_ms;
    world_pay_body(&w, &o.order.body.u.pay, 1, 1);
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_PARKED);
}

static enum mr_status slot_of(uint64_t seq)
{
    w.request->body.kind = MR_REQ_SLOT;
    memcpy(w.request->body.u.slot.account, w.members[2].id, 16);
    w.request->body.u.slot.seq = seq;
    return world_request(&w, NULL);
}

/* SLOT-13: an order that lapsed makes room; after a restart the others still wait. */
START_TEST(what_waits_is_remembered_though_another_lapsed)
{
    struct mr_effects fx = {NULL, NULL};
    open_three();
    for (uint64_t seq = 1; seq <= 3; seq++)
        park_ahead(seq, MR_DAY_MS);
    park_ahead(4, 1000);
    w.now_ms += 2000;
    const struct mr_event tick = {.kind = MR_EV_TICK, .now_ms = w.now_ms};
    ck_assert_int_eq(mr_engine_step(w.engine, &tick, &fx), MR_OK);
    park_ahead(4, MR_DAY_MS);
    world_stop(&w);
    world_start(&w);
    for (uint64_t seq = 1; seq <= 4; seq++)
        ck_assert_int_eq(slot_of(seq), MR_PARKED);
}
END_TEST

/* SLOT-10, of an account that is closed; LED-10.3 of a place that no chain has. */
START_TEST(slots_that_are_settled_answer_with_the_settlement)
{
    static struct mr_signed_order o;
    static struct mr_signed_cancel c;
    open_three();
    ck_assert_int_eq(world_pay(&w, 0, 1, 100), MR_SETTLED);
    world_order(&w, &o, w.members[0].id, MR_KIND_CLOSE);
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
    for (uint64_t seq = 0; seq <= 3; seq++) {
        memset(&c, 0, sizeof c);
        memcpy(c.cancel.ledger, w.ledger, 32);
        memcpy(c.cancel.account, w.members[0].id, 16);
        c.cancel.seq = seq;
        mr_cancel_sign(&c, 0, &w.members[0].key);
        w.request->body.kind = MR_REQ_CANCEL;
        w.request->body.u.cancel = c;
        ck_assert_int_eq(world_request(&w, NULL),
                         seq == 1 || seq == 2 ? MR_SETTLED : MR_NOTHING_TO_CANCEL);
    }
    o.order.seq = 0;
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_SEQ_OLD);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("engine");
    TCase *tc = tcase_create("engine");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_payment_settles_with_a_receipt);
    tcase_add_test(tc, the_same_order_again_gives_the_same_answer);
    tcase_add_test(tc, an_order_short_of_funds_waits_and_settles_when_money_comes);
    tcase_add_test(tc, a_cancel_voids_the_slot_and_another_order_may_follow);
    tcase_add_loop_test(tc, a_restart_gives_the_same_state, 0, 3);
    tcase_add_test(tc, a_redemption_is_paid_out_once);
    tcase_add_test(tc, a_checkpoint_names_the_state);
    tcase_add_test(tc, a_head_from_the_future_stops_the_signing);
    tcase_add_test(tc, a_later_time_that_others_hold_goes_on);
    tcase_add_test(tc, a_restored_node_abstains_until_governance_restarts_it);
    tcase_add_test(tc, a_restart_that_is_not_governances_is_refused);
    tcase_add_test(tc, an_order_that_waits_does_not_settle_under_old_keys);
    tcase_add_test(tc, what_waits_is_remembered_though_another_lapsed);
    tcase_add_test(tc, slots_that_are_settled_answer_with_the_settlement);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
