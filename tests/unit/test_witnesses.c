/* The witnesses of a charter (LOG-8), and what a node does with their cosignatures (LOG-9). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ring.h"
#include "mereau/handover.h"
#include "mereau/log.h"
#include "mereau/receipt.h"

enum { WITNESSES = 3 };

static struct world w;
static struct mr_seckey keys[WITNESSES];

static void name_witnesses(uint32_t quorum)
{
    struct mr_witness_set *const set = &w.charter.witnesses;
    set->quorum = quorum;
    set->members_count = WITNESSES;
    for (uint32_t i = 0; i < WITNESSES; i++) {
        uint8_t seed[32];
        memset(seed, 0x40 + (int)i, sizeof seed);
        struct mr_witness *const one = &set->members[i];
        mr_seckey_from_seed(&keys[i], &one->key, seed);
        one->name_len = (uint32_t)snprintf(one->name, sizeof one->name, "w%u", i);
    }
    mr_ledger_id(w.ledger, &w.charter);
}

static void setup(void)
{
    world_init(&w);
    name_witnesses(2);
}

static void teardown(void)
{
    world_done(&w);
}

/* --- the charter ------------------------------------------------------------------------------ */

static const char *fault(void)
{
    const char *what = NULL;
    return mr_charter_check(&w.charter, &what) == MR_OK ? NULL : what;
}

START_TEST(who_can_be_a_witness)
{
    struct mr_witness_set *const set = &w.charter.witnesses;
    const struct mr_witness_set right = *set;
    const struct mr_pubkey used[] = {w.charter.nodes[0].log_key, w.charter.nodes[0].transport_key,
                                     w.governance_public, w.operators_public[1],
                                     w.charter.associations[0].desk.keys[0]};
    ck_assert_ptr_null(fault());
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        set->members[1].key = used[i];
        ck_assert_ptr_nonnull(fault());
        *set = right;
    }
    set->members[2].key = set->members[0].key;
    ck_assert_str_eq(fault(), "two witnesses have the same key or name");
    *set = right;
    memcpy(set->members[2].name, "w0", 3);
    ck_assert_str_eq(fault(), "two witnesses have the same key or name");
    *set = right;
    memset(&set->members[0].key.key, 0, MR_KEY_BYTES);
    ck_assert_str_eq(fault(), "a witness's key is not usable");
    *set = right;
    memcpy(set->members[0].name, "w+", 3);
    ck_assert_str_eq(fault(), "a witness has a name without blanks and +");
    *set = right;
    set->members[0].name_len = 0;
    ck_assert_str_eq(fault(), "a witness has a name without blanks and +");
    *set = right;
    set->quorum = WITNESSES + 1;
    ck_assert_str_eq(fault(), "more witnesses are needed than there are");
    *set = (struct mr_witness_set){.quorum = 0};
    ck_assert_ptr_null(fault());
}
END_TEST

/* EPO-2: a NEXT changes them, or says nothing about them. */
START_TEST(an_epoch_changes_them)
{
    struct mr_next_epoch next = {.epoch = 2, .quorum = 1, .seats_count = 1};
    next.seats[0].node = w.charter.nodes[0];
    ck_assert_int_eq(mr_charter_next(&w.charter, &next), MR_OK);
    ck_assert_uint_eq(w.charter.witnesses.quorum, 2);
    next.witnesses_count = 1;
    next.witnesses[0] = w.charter.witnesses;
    next.witnesses[0].quorum = 1;
    next.witnesses[0].members_count = 1;
    ck_assert_int_eq(mr_charter_next(&w.charter, &next), MR_OK);
    ck_assert_uint_eq(w.charter.witnesses.quorum, 1);
    ck_assert_uint_eq(w.charter.witnesses.members_count, 1);
}
END_TEST

/* Governance alone, without q nodes, changes no witness. */
START_TEST(a_regroup_cannot)
{
    static struct mr_handover h;
    struct mr_roster r;
    h = (struct mr_handover){.kind = MR_HANDOVER_REGROUP};
    struct mr_regroup *const g = &h.u.regroup.regroup;
    g->version = 1;
    memcpy(g->ledger, w.ledger, sizeof w.ledger);
    g->next = (struct mr_next_epoch){.epoch = 2, .quorum = 1, .seats_count = 1};
    g->next.seats[0].node = w.charter.nodes[0];
    g->next.seats[0].generation = 1;
    for (uint32_t i = 0; i < 2; i++) {
        h.u.regroup.sigs_count = 0;
        g->next.witnesses_count = i;
        mr_regroup_sign(&h.u.regroup, 0, &w.governance);
        mr_roster_genesis(&r, &w.charter);
        ck_assert_int_eq(mr_roster_step(&r, &w.charter, &h), i == 0 ? MR_OK : MR_OUT_OF_RANGE);
        ck_assert_uint_eq(r.witnesses.quorum, 2);
    }
}
END_TEST

/* --- the node --------------------------------------------------------------------------------- */

static struct mr_signed_order paid;

static void start(void)
{
    world_start(&w);
    ck_assert_int_eq(world_open(&w, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(world_open(&w, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(world_issue(&w, 0, 10000), MR_SETTLED);
    ck_assert_int_eq(world_pay(&w, 0, 1, 100), MR_SETTLED);
    paid = w.reply->body.u.submit.receipt[0].order[0];
}

/* The head that this witness is given, and a cosignature over it handed in. It may not say who
 * asks.
 */
static struct mr_head come_by_as(const struct mr_seckey *key, const struct mr_pubkey *public,
                                 bool named)
{
    struct mr_request_body *const b = &w.request->body;
    memset(b, 0, sizeof *b);
    b->kind = MR_REQ_HEAD;
    b->u.head.cosigner_count = named;
    b->u.head.cosigner[0] = *public;
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    const struct mr_head h = w.reply->body.u.head.head;
    memset(b, 0, sizeof *b);
    b->kind = MR_REQ_COSIGN;
    b->u.cosign.head = h;
    mr_cosignature_sign(&b->u.cosign.cosignature, &h, w.ledger, key, public, 1000);
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    return h;
}

static struct mr_head come_by(uint32_t i)
{
    return come_by_as(&keys[i], &w.charter.witnesses.members[i].key, true);
}

static const struct mr_receipt *receipt_again(void)
{
    ck_assert_int_eq(world_submit(&w, &paid), MR_SETTLED);
    return &w.reply->body.u.submit.receipt[0];
}

static void want(uint32_t witnessed)
{
    struct mr_receipt_facts facts;
    ck_assert_int_eq(mr_receipt_verify(&facts, &w.charter, NULL, receipt_again()), MR_OK);
    ck_assert_uint_eq(facts.witnessed, witnessed);
    ck_assert_uint_eq(facts.witness_quorum, 2);
}

static void go_on(void)
{
    w.now_ms += 1000;
    ck_assert_int_eq(world_pay(&w, 0, 1, 1), MR_SETTLED);
}

/* Each comes by when it likes, and the log goes on meanwhile: they meet on one head. */
START_TEST(witnesses_meet_on_one_head)
{
    start();
    want(0);
    const struct mr_head first = come_by(0);
    want(1);
    go_on();
    const struct mr_head second = come_by(1);
    ck_assert_mem_eq(&first.root, &second.root, 32);
    ck_assert_uint_eq(first.time_ms, second.time_ms);
    want(2);
    /* It is complete: who comes next begins anew, and so does who was there. */
    go_on();
    const struct mr_head third = come_by(2);
    ck_assert_uint_gt(third.size, first.size);
    ck_assert_uint_eq(come_by(0).size, third.size);
    go_on();
    ck_assert_uint_gt(come_by(0).size, third.size);
}
END_TEST

/* One that comes by all the time does not push out what two have cosigned, nor a head that waits
 * for the second one. */
START_TEST(a_busy_witness_pushes_nothing_out)
{
    start();
    come_by(0);
    come_by(1);
    const uint64_t complete = receipt_again()->proofs[0].head.size;
    for (int i = 0; i < 40; i++) {
        go_on();
        come_by(0);
    }
    want(2);
    ck_assert_uint_eq(receipt_again()->proofs[0].head.size, complete);
    come_by(1);
    want(2);
    ck_assert_uint_gt(receipt_again()->proofs[0].head.size, complete);
}
END_TEST

/* Nobody is led back behind what he cosigned: he would have to refuse. */
START_TEST(nobody_is_led_back)
{
    const struct mr_witness *const one = &w.charter.witnesses.members[1];
    start();
    come_by(0);
    go_on();
    const struct mr_head newest = come_by_as(&keys[1], &one->key, false);
    go_on();
    ck_assert_uint_gt(come_by(1).size, newest.size);
}
END_TEST

/* A head that only one cosigned is not waited for for ever. */
START_TEST(a_round_ends)
{
    start();
    const struct mr_head first = come_by(0);
    w.now_ms += 121000;
    ck_assert_int_eq(world_pay(&w, 0, 1, 1), MR_SETTLED);
    ck_assert_uint_gt(come_by(1).size, first.size);
}
END_TEST

START_TEST(what_was_cosigned_is_handed_out)
{
    start();
    come_by(0);
    go_on();
    come_by(1);
    go_on();
    come_by(2);
    memset(&w.request->body, 0, sizeof w.request->body);
    w.request->body.kind = MR_REQ_COSIGNED;
    ck_assert_int_eq(world_request(&w, NULL), MR_OK);
    const struct mr_rep_cosigned *const r = &w.reply->body.u.cosigned;
    ck_assert_uint_eq(r->heads_count, 2);
    ck_assert_uint_eq(r->heads[0].cosignatures_count, 2); /* that of receipts comes first */
    ck_assert_uint_eq(r->heads[1].cosignatures_count, 1);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert(mr_cosignature_verify(&r->heads[i].cosignatures[0], &r->heads[i].head, w.ledger));
}
END_TEST

/* In a ledger in which nothing happens a witness says now and then that it still looks. */
START_TEST(the_same_head_again)
{
    start();
    const struct mr_head h = come_by(0);
    for (uint64_t at = 3000; at >= 2000; at -= 1000) {
        memset(&w.request->body, 0, sizeof w.request->body);
        w.request->body.kind = MR_REQ_COSIGN;
        w.request->body.u.cosign.head = h;
        mr_cosignature_sign(&w.request->body.u.cosign.cosignature, &h, w.ledger, &keys[0],
                            &w.charter.witnesses.members[0].key, at);
        ck_assert_int_eq(world_request(&w, NULL), MR_OK);
        const struct mr_receipt *const x = receipt_again();
        ck_assert_uint_eq(x->cosignatures_count, 1);
        ck_assert_uint_eq(x->cosignatures[0].time_s, 3000);
    }
    want(1);
}
END_TEST

/* Who is no witness of the charter is given the newest head and counts for nothing. */
START_TEST(others_begin_no_round)
{
    start();
    const struct mr_head first = come_by(1);
    go_on();
    ck_assert_uint_gt(come_by_as(&w.governance, &w.governance_public, true).size, first.size);
    want(1); /* the charter's witness counts for more than two others */
    ck_assert_uint_eq(receipt_again()->proofs[0].head.size, first.size);
}
END_TEST

/* --- several nodes ---------------------------------------------------------------------------- */

static struct ring r;

/* The first proof is that of the node which gives the receipt: witnesses cosigned its log. */
START_TEST(each_node_has_its_own_cosignatures)
{
    static struct mr_signed_order o;
    struct mr_receipt_facts facts;
    uint8_t seed[32] = {9};
    struct mr_seckey key;
    struct mr_pubkey public;
    mr_seckey_from_seed(&key, &public, seed);
    ring_init(&r, 3, 3);
    ck_assert_int_eq(ring_open(&r, 0, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(ring_open(&r, 0, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(ring_issue(&r, 0, 0, 1000), MR_SETTLED);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    o = r.reply->body.u.submit.receipt[0].order[0];
    struct mr_request_body *const b = &r.request->body;
    memset(b, 0, sizeof *b);
    b->kind = MR_REQ_HEAD;
    ck_assert_int_eq(ring_request(&r, 1, r.request), MR_OK);
    const struct mr_head h = r.reply->body.u.head.head;
    memset(b, 0, sizeof *b);
    b->kind = MR_REQ_COSIGN;
    b->u.cosign.head = h;
    mr_cosignature_sign(&b->u.cosign.cosignature, &h, r.w.ledger, &key, &public, 1000);
    ck_assert_int_eq(ring_request(&r, 1, r.request), MR_OK);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_int_eq(ring_submit(&r, i, &o), MR_SETTLED);
        const struct mr_receipt *const x = &r.reply->body.u.submit.receipt[0];
        ck_assert_int_eq(mr_receipt_verify(&facts, &r.w.charter, NULL, x), MR_OK);
        ck_assert_uint_eq(x->proofs[0].head.node, i + 1);
        ck_assert_uint_eq(facts.witnesses, i == 1);
    }
    ring_done(&r);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("witnesses");
    TCase *const tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, who_can_be_a_witness);
    tcase_add_test(tc, an_epoch_changes_them);
    tcase_add_test(tc, a_regroup_cannot);
    tcase_add_test(tc, witnesses_meet_on_one_head);
    tcase_add_test(tc, a_busy_witness_pushes_nothing_out);
    tcase_add_test(tc, nobody_is_led_back);
    tcase_add_test(tc, a_round_ends);
    tcase_add_test(tc, the_same_head_again);
    tcase_add_test(tc, what_was_cosigned_is_handed_out);
    tcase_add_test(tc, others_begin_no_round);
    TCase *const several = tcase_create("several");
    tcase_add_test(several, each_node_has_its_own_cosignatures);
    suite_add_tcase(s, tc);
    suite_add_tcase(s, several);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
