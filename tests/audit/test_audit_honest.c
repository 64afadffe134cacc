/* The auditor agrees with the real engine: no finding, and the same totals, roots and state. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/story.h"
#include "mereau/codec.h"

static struct world w;
static struct book book;
static struct found found;

static void setup(void)
{
    story_tell(&w);
    book_read(&book, w.journal);
}

static void teardown(void)
{
    book_done(&book);
    world_done(&w);
}

static void no_findings(void)
{
    if (found.count > 0)
        found_print(&found, "an honest story");
    ck_assert_uint_eq(found.count, 0);
}

START_TEST(an_honest_book_has_no_finding)
{
    struct mr_audit_totals t;
    struct mr_checkpoint c;
    struct mr_engine_facts facts;
    book_audit(&found, &t, &w.charter, &book, true);
    no_findings();
    ck_assert(t.has_head);
    ck_assert_uint_le(t.head.size, t.leaves);
    world_flush(&w);
    ck_assert_int_eq(mr_state_sum(&c, w.store, &w.charter, &w.mem), MR_OK);
    mr_engine_facts(w.engine, &facts);
    ck_assert(t.state_known);
    ck_assert_mem_eq(t.state_root, c.state_root, 32);
    ck_assert_uint_eq(t.accounts, c.accounts);
    ck_assert_uint_eq(t.leaves, c.log_size);
    ck_assert_int_eq(t.supply[0], c.supply[0].issued);
    ck_assert_int_eq(t.supply[1], c.supply[1].issued);
    ck_assert_uint_eq(t.checkpoints, 2);
    ck_assert_uint_eq(t.checkpoints_unchecked, 0);
    ck_assert_uint_eq(t.orders_unchecked, 0);
    ck_assert_uint_eq(t.heads_unchecked, 0);
    ck_assert_uint_eq(t.settled + t.voided, facts.meta.settled);
    ck_assert_uint_eq(t.voided, 1);
    ck_assert_uint_eq(t.parked, 1);
    ck_assert_int_eq(t.reserve, t.outstanding);
    ck_assert_uint_gt(t.signatures, t.settled);
}
END_TEST

/* LED-26: who lost an alias for good has no say over its next owner. */
START_TEST(an_alias_goes_to_another_and_the_first_owner_lists_again)
{
    struct mr_audit_totals t;
    struct mr_checkpoint c;
    w.now_ms += 400 * MR_DAY_MS;
    story_list(&w, BAKERY, "epicerie", true);
    w.request->body.kind = MR_REQ_LOOKUP;
    memset(&w.request->body.u.lookup, 0, sizeof w.request->body.u.lookup);
    memcpy(w.request->body.u.lookup.account, w.members[GROCER].id, MR_ACCOUNT_BYTES);
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    ck_assert_uint_eq(w.reply->body.u.lookup.listing_count, 0);
    story_list(&w, GROCER, "primeurs", true);
    world_flush(&w);
    ck_assert_int_eq(mr_state_sum(&c, w.store, &w.charter, &w.mem), MR_OK);
    book_done(&book);
    book_read(&book, w.journal);
    book_audit(&found, &t, &w.charter, &book, true);
    no_findings();
    ck_assert_mem_eq(t.state_root, c.state_root, 32);
}
END_TEST

static void tick(void)
{
    struct mr_effects fx = {NULL, NULL};
    w.now_ms += 2000;
    const struct mr_event ev = {.kind = MR_EV_TICK, .now_ms = w.now_ms};
    ck_assert_int_eq(mr_engine_step(w.engine, &ev, &fx), MR_OK);
    world_turn(&w);
}

/* LED-32: a CLEAR waits for reserve while the treasury that countersigned it changes its keys. */
START_TEST(keys_of_the_time_countersign)
{
    static struct mr_signed_order o;
    struct mr_audit_totals t;
    struct mr_checkpoint c;
    const int64_t all = world_balance(&w, w.homes[0].reserve, 1);
    ck_assert_int_eq(world_clear(&w, 0, 1, all + 500), MR_PARKED);
    for (uint32_t g = 2; g <= 3; g++) {
        world_order(&w, &o, w.homes[1].treasury, MR_KIND_SETKEYS);
        o.order.body.u.setkeys.generation = g;
        o.order.body.u.setkeys.keys = w.charter.associations[g % 2].treasury;
        for (uint32_t i = 0; i < WORLD_OPERATORS; i++)
            mr_order_sign(&o, i, &w.homes[(g - 1) % 2].operators[i]);
        ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
    }
    ck_assert_int_eq(world_clear(&w, 1, 0, 600), MR_SETTLED);
    tick();
    ck_assert_int_eq(world_balance(&w, w.homes[0].reserve, 1), 100);
    world_flush(&w);
    ck_assert_int_eq(mr_state_sum(&c, w.store, &w.charter, &w.mem), MR_OK);
    book_done(&book);
    book_read(&book, w.journal);
    book_audit(&found, &t, &w.charter, &book, true);
    no_findings();
    ck_assert_mem_eq(t.state_root, c.state_root, 32);
}
END_TEST

START_TEST(totals_by_kind)
{
    struct mr_audit_totals t;
    book_audit(&found, &t, &w.charter, &book, false);
    for (size_t i = 0; i < MR_AUDIT_KINDS; i++) {
        const bool of_epochs = t.kinds[i].kind == MR_KIND_NEXT || t.kinds[i].kind == MR_KIND_CUT;
        ck_assert_int_eq(t.kinds[i].count == 0, of_epochs); /* see test_audit_epochs.c */
        if (t.kinds[i].kind == MR_KIND_ISSUE)
            ck_assert_int_eq(t.kinds[i].sum[0], 4 * 400000 + 1000 + 5000);
        if (t.kinds[i].kind == MR_KIND_REDEEM)
            ck_assert_int_eq(t.kinds[i].sum[0], 10000);
        if (t.kinds[i].kind == MR_KIND_CLEAR)
            ck_assert_int_eq(t.kinds[i].sum[0], 26000);
        if (t.kinds[i].kind == MR_KIND_PAY)
            ck_assert_int_eq(t.kinds[i].sum[0], 1250 + 20000 + 30000 + 100 + 5000 + 50 + 300 + 700 +
                                                    800 + 200 + 10 + 900 + 50);
    }
    ck_assert_int_eq(t.fees[0], 50 + 200 + 200);
    ck_assert_uint_eq(t.associations, 2);
    ck_assert_int_eq(t.association[1].outstanding, 24000);
    ck_assert_int_eq(t.association[1].reserve, 24000);
    ck_assert_int_eq(t.association[0].redeemed, 0);
    ck_assert_int_eq(t.association[0].cap, 900000000);
}
END_TEST

/* Erased bodies are counted, and what is left still adds up. */
START_TEST(erased_bodies_are_not_findings)
{
    struct mr_audit_totals all, t;
    book_audit(&found, &all, &w.charter, &book, true);
    for (uint32_t i = 0; i < book.count; i++) {
        if (i % 3 != (uint32_t)_i && _i < 3)
            continue;
        free((void *)(uintptr_t)book.turns[i].bodies);
        book.turns[i].bodies = NULL;
        book.turns[i].bodies_len = 0;
    }
    book_audit(&found, &t, &w.charter, &book, true);
    no_findings();
    ck_assert_uint_gt(t.orders_unchecked, 0);
    ck_assert(!t.state_known);
    ck_assert_mem_eq(t.log_root, all.log_root, 32);
    ck_assert_int_eq(t.supply[0], all.supply[0]);
    ck_assert_int_eq(t.reserve, all.reserve);
    ck_assert_uint_eq(t.settled, all.settled);
}
END_TEST

/* Every call for memory refused once: a clean end each time. */
static long left;

static void *get(void *ctx, size_t n)
{
    (void)ctx;
    return left-- == 0 ? NULL : malloc(n);
}

static void put(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

START_TEST(every_allocation_refused_once)
{
    static uint8_t bytes[sizeof w.charter];
    const struct mr_mem mem = {get, put, NULL};
    const size_t n = mr_charter_encode(&w.charter, bytes, sizeof bytes);
    bool refused = true;
    for (long k = 0; refused; k++) {
        struct mr_audit *a = NULL;
        struct mr_audit_totals t;
        left = k;
        enum mr_status st = mr_audit_create(&a, &mem, NULL, NULL, bytes, n);
        for (uint32_t i = 0; i < book.count && st == MR_OK; i++)
            st = mr_audit_feed(a, &book.turns[i]);
        if (st == MR_OK)
            st = mr_audit_end(a, &t);
        refused = left < 0;
        ck_assert_int_eq(st, refused ? MR_NO_MEMORY : MR_OK);
        if (a != NULL)
            mr_audit_destroy(a);
    }
}
END_TEST

/* LED-2a: no two associations of a charter have ids in common. */
START_TEST(a_charter_whose_spaces_meet_is_none)
{
    static uint8_t bytes[sizeof w.charter];
    const struct mr_mem mem = world_mem();
    struct mr_audit *a = NULL;
    struct mr_charter c = w.charter;
    memcpy(c.associations[1].id, _i == 0 ? c.associations[0].id : (const uint8_t[4]){0}, 4);
    const size_t n = mr_charter_encode(&c, bytes, sizeof bytes);
    ck_assert_int_eq(mr_audit_create(&a, &mem, NULL, NULL, bytes, n), MR_OUT_OF_RANGE);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("honest");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, an_honest_book_has_no_finding);
    tcase_add_test(tc, an_alias_goes_to_another_and_the_first_owner_lists_again);
    tcase_add_test(tc, keys_of_the_time_countersign);
    tcase_add_test(tc, totals_by_kind);
    tcase_add_loop_test(tc, erased_bodies_are_not_findings, 0, 4);
    tcase_add_test(tc, every_allocation_refused_once);
    tcase_add_loop_test(tc, a_charter_whose_spaces_meet_is_none, 0, 2);
    Suite *const s = suite_create("audit honest");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
