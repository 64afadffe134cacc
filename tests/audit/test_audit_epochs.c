/* Books over several epochs, by the real engines: no finding in any of them, and lies about the
 * end of an epoch. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/hostile.h"
#include "audit/lies.h"
#include "audit/turn.h"
#include "lib/scratch.h"
#include "mereau/codec.h"
#include "mereau/order.h"

static struct ring r;
static struct book book;
static struct found found;
static struct mr_audit_totals totals;

static void begin(uint32_t nodes, uint32_t quorum)
{
    ring_init(&r, nodes, quorum);
    ring_people(&r);
}

static void four(void)
{
    begin(4, 3);
}

static void done(void)
{
    ring_done(&r);
}

static void no_findings(uint32_t node)
{
    char name[16];
    snprintf(name, sizeof name, "node %u", (unsigned)node + 1);
    if (found.count > 0)
        found_print(&found, name);
    ck_assert_uint_eq(found.count, 0);
}

/* A book that begins with the ledger. */
static void audit(uint32_t node, uint32_t epoch)
{
    book_read(&book, r.nodes[node].journal);
    book_audit(&found, &totals, &r.w.charter, &book, true);
    book_done(&book);
    no_findings(node);
    ck_assert_uint_eq(totals.epoch, epoch);
    ck_assert_uint_eq(totals.epochs_count, epoch);
    ck_assert_uint_eq(totals.heads_unchecked, 0);
    ck_assert_uint_eq(totals.checkpoints_unchecked, 0);
    ck_assert(totals.state_known);
}

/* --- honest books ----------------------------------------------------------------------------- */

START_TEST(a_node_leaves)
{
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_eq(ring_pay(&r, i, 0, 1, 1250), MR_SETTLED);
    ring_wait(&r, 3000);
    for (uint32_t i = 0; i < 4; i++) {
        audit(i, 2);
        ck_assert_uint_eq(totals.epochs[0].nodes, 0x1e);
        ck_assert_uint_eq(totals.epochs[1].nodes, 0x0e);
        ck_assert_uint_eq(totals.epochs[1].quorum, 3);
        ck_assert_uint_eq(totals.epochs[1].settled, i < 3 ? 3 : 0);
        ck_assert_uint_gt(totals.epochs[1].turn, 1);
    }
}
END_TEST

/* Checkpoints that nodes rested for, also across epochs. The state in another node's one is not
 * judged. */
START_TEST(nodes_rest_for_checkpoints)
{
    ring_due(&r, 0);
    ring_settle(&r);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_NO_ANSWER);
    ring_wait(&r, 80000);
    ring_due(&r, 1);
    ring_settle(&r);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_NO_ANSWER);
    ring_wait(&r, 80000);
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_due(&r, 2);
    ring_settle(&r);
    ring_wait(&r, 1000);
    for (uint32_t i = 0; i < 4; i++) {
        book_read(&book, r.nodes[i].journal);
        book_audit(&found, &totals, &r.w.charter, &book, true);
        book_done(&book);
        no_findings(i);
        ck_assert_uint_eq(totals.checkpoints, 3);
        ck_assert_uint_eq(totals.checkpoints_unchecked, i < 3 ? 2 : 3);
    }
}
END_TEST

static enum mr_status check_receipt(const struct mr_receipt *receipt)
{
    static uint8_t charter[sizeof r.w.charter], bytes[sizeof *receipt];
    static struct mr_receipt read;
    struct mr_audit *a = NULL;
    const size_t len = mr_charter_encode(&r.w.charter, charter, sizeof charter);
    found.count = 0;
    ck_assert_int_eq(mr_audit_create(&a, &scratch_mem, found_add, &found, charter, len), MR_OK);
    const enum mr_status st =
        mr_audit_receipt(a, &read, bytes, mr_receipt_encode(receipt, bytes, sizeof bytes));
    mr_audit_destroy(a);
    return st;
}

/* A receipt leads to its epoch by its handovers, and by nothing else. */
START_TEST(receipts_of_the_second_epoch)
{
    static struct mr_receipt receipt;
    ck_assert_int_eq(ring_next(&r, 0, 0, 2, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    receipt = r.reply->body.u.submit.receipt[0];
    ck_assert_uint_eq(receipt.handover_count, 1);
    ck_assert_int_eq(check_receipt(&receipt), MR_OK);
    receipt.handover_count = 0;
    ck_assert_int_eq(check_receipt(&receipt), MR_BAD_RECEIPT);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.rows[0].rule, "RCP-1a");
}
END_TEST

START_TEST(a_node_gets_a_new_key)
{
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 1u << 2), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_kill(&r, 0);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    ring_start(&r, 0);
    ring_wait(&r, 3000);
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_SETTLED);
    ring_wait(&r, 3000);
    for (uint32_t i = 0; i < 4; i++)
        audit(i, 2);
}
END_TEST

START_TEST(a_node_comes_back_after_the_change)
{
    ring_kill(&r, 3);
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ck_assert_int_eq(ring_pay(&r, 1, 0, 1, 10), MR_SETTLED);
    ring_start(&r, 3);
    ring_wait(&r, 10000);
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 10), MR_SETTLED);
    ring_wait(&r, 3000);
    for (uint32_t i = 0; i < 4; i++)
        audit(i, 2);
}
END_TEST

static struct mr_signed_regroup regroup;

static void two_of_four_are_lost(void)
{
    ring_kill(&r, 2);
    ring_kill(&r, 3);
    ring_regroup(&r, &regroup, 0, 0, 3, 3, 1u << 2 | 1u << 3);
    ring_take_regroup(&r, 0, &regroup);
    ring_take_regroup(&r, 1, &regroup);
    ring_wait(&r, 3000);
}

/* Too few are left for a NEXT: governance names who goes on, and from what. */
START_TEST(governance_regroups_the_nodes)
{
    two_of_four_are_lost();
    ck_assert_uint_eq(ring_epoch(&r, 0), 2);
    ck_assert_uint_eq(ring_epoch(&r, 1), 2);
    ring_join(&r, 2, 0);
    ring_join(&r, 3, 1);
    ring_wait(&r, 3000);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(ring_pay(&r, i, 0, 1, 10), MR_SETTLED);
    ring_wait(&r, 3000);
    ring_check(&r);
    for (uint32_t i = 0; i < 2; i++) {
        audit(i, 2);
        ck_assert_uint_eq(totals.epochs[1].nodes, 0x1e);
        ck_assert_uint_eq(totals.epochs[1].settled, 4);
    }
    /* And on: the CUT and checkpoints of the new epoch are signed by its nodes. */
    ck_assert_int_eq(ring_next(&r, 3, 0, 2, 3, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_kill(&r, 3); /* it is none of them any more */
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_SETTLED);
    ring_wait(&r, 3000);
    ring_check(&r);
    for (uint32_t i = 0; i < 2; i++)
        audit(i, 3);
}
END_TEST

static void write_regroup(uint8_t *at, const struct mr_signed_regroup *g, bool sign)
{
    static struct mr_entry e;
    e = (struct mr_entry){.kind = MR_ENTRY_REGROUP, .u.regroup = *g};
    if (sign)
        mr_regroup_sign(&e.u.regroup, 0, &r.w.governance);
    mr_entry_encode(&e, at, mr_entry_size(&e));
    book_frame(&book);
    book_audit(&found, NULL, &r.w.charter, &book, true);
}

static uint8_t *find_regroup(void)
{
    static uint8_t bytes[1 << 15];
    static struct mr_entry e;
    e = (struct mr_entry){.kind = MR_ENTRY_REGROUP, .u.regroup = regroup};
    const size_t n = mr_entry_encode(&e, bytes, sizeof bytes);
    for (uint32_t i = 0; i < book.count; i++) {
        uint8_t *const at = memmem(book.turns[i].log, book.turns[i].log_len, bytes, n);
        if (at != NULL)
            return at;
    }
    ck_abort_msg("no REGROUP in the book");
}

START_TEST(a_regroup_that_says_what_is_not)
{
    static struct mr_signed_regroup lie;
    two_of_four_are_lost();
    book_read(&book, r.nodes[0].journal);
    uint8_t *const at = find_regroup();
    for (int what = 0; what < 6; what++) {
        lie = regroup;
        switch (what) {
        case 0:
            lie.sigs[0].sig[7] ^= 1;
            break;
        case 1:
            lie.regroup.state_root[3] ^= 1;
            break;
        case 2:
            lie.regroup.accounts++;
            break;
        case 3:
            lie.regroup.next.quorum = 2;
            break;
        case 4:
            lie.regroup.next.seats[0].generation++;
            break;
        default:
            lie.regroup.ledger[0] ^= 1;
        }
        write_regroup(at, &lie, what > 0);
        ck_assert_uint_ge(found.count, 1);
        ck_assert_msg(strcmp(found.rows[0].rule, "EPO-10") == 0, "%d: %s", what,
                      found.rows[0].rule);
    }
    write_regroup(at, &regroup, false);
    ck_assert_uint_eq(found.count, 0);
    book_done(&book);
}
END_TEST

/* A node whose state is another one stays where it is. */
START_TEST(a_regroup_of_another_state_is_not_taken)
{
    ring_kill(&r, 2);
    ring_kill(&r, 3);
    ring_regroup(&r, &regroup, 0, 0, 1, 2, 0);
    regroup.regroup.state_root[5] ^= 1;
    mr_regroup_sign(&regroup, 0, &r.w.governance);
    ring_take_regroup(&r, 0, &regroup);
    ring_wait(&r, 3000);
    ck_assert_uint_eq(ring_epoch(&r, 0), 1);
    audit(0, 1);
}
END_TEST

static void one_four_one(void)
{
    begin(1, 1);
    ck_assert_int_eq(ring_next(&r, 0, 0, 3, 3, 0), MR_SETTLED);
    ring_wait(&r, 5000);
    for (uint32_t i = 1; i < 4; i++)
        ring_join(&r, i, 0);
    ring_wait(&r, 1000);
    ck_assert_int_eq(ring_pay(&r, 3, 0, 1, 10), MR_SETTLED);
    ring_kill(&r, 2);
    ring_start(&r, 2);
    ring_wait(&r, 1000);
    ck_assert_int_eq(ring_pay(&r, 2, 0, 1, 10), MR_SETTLED);
    ck_assert_int_eq(ring_next(&r, 1, 0, 0, 1, 0), MR_SETTLED);
    ring_wait(&r, 10000);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 10), MR_SETTLED);
}

START_TEST(one_node_becomes_four_and_one_again)
{
    one_four_one();
    audit(0, 3);
    ck_assert_uint_eq(totals.epochs[1].nodes, 0x1e);
    ck_assert_uint_eq(totals.epochs[2].nodes, 0x02);
}
END_TEST

/* Of an association that joins the sub-accounts are there from the CUT on. */
START_TEST(an_association_joins)
{
    static struct mr_signed_order o;
    struct mr_checkpoint c;
    ring_init_founders(&r, 4, 3, 2, 1);
    ring_next_order(&r, 0, &o);
    o.order.body.u.next.associations_count = 1;
    o.order.body.u.next.associations[0] = r.w.charter.associations[1];
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    ring_wait(&r, 10000);
    ring_order(&r, 1, &o, r.w.system, MR_KIND_CAP);
    memcpy(o.order.body.u.cap.association, r.w.charter.associations[1].id, 16);
    o.order.body.u.cap.cap = 4242;
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 1, &o), MR_SETTLED);
    ring_wait(&r, 3000);
    ring_check(&r);
    for (uint32_t i = 0; i < 4; i++) {
        audit(i, 2);
        ck_assert_uint_eq(totals.associations, 2);
        ck_assert_int_eq(totals.association[1].cap, 4242);
        ck_assert_int_eq(mr_state_sum(&c, r.nodes[i].store, &r.w.charter, &r.w.mem), MR_OK);
        ck_assert_mem_eq(totals.state_root, c.state_root, 32);
    }
}
END_TEST

START_TEST(a_cut_settles_what_one_node_acknowledged)
{
    static struct mr_signed_order paid;
    uint64_t few = 0;
    turn_tell(&r, &paid);
    for (uint32_t i = 0; i < 4; i++) {
        audit(i, 2);
        ck_assert_uint_eq(totals.epochs[1].settled, 4);
        few += totals.settled_by_cut;
    }
    ck_assert_uint_eq(few, 4);
    ck_assert_int_eq(ring_submit(&r, 0, &paid), MR_SETTLED);
    ck_assert_uint_eq(r.reply->body.u.submit.receipt_count, 1);
    ck_assert_uint_eq(r.reply->body.u.submit.receipt[0].proofs[0].head.epoch, 2);
}
END_TEST

/* --- lies ------------------------------------------------------------------------------------- */

static struct doctor d;
static struct book told;

static void take_apart(void)
{
    static struct mr_signed_order paid;
    turn_tell(&r, &paid);
    book_read(&book, r.nodes[0].journal);
    doctor_load(&d, &r, 1, &book);
}

static void take_joiner_apart(void)
{
    static struct mr_signed_order o;
    ring_init_founders(&r, 4, 3, 2, 1);
    ring_next_order(&r, 0, &o);
    o.order.body.u.next.associations_count = 1;
    o.order.body.u.next.associations[0] = r.w.charter.associations[1];
    o.order.body.u.next.witnesses_count = 1;
    o.order.body.u.next.witnesses[0] = (struct mr_witness_set){.quorum = 1, .members_count = 1};
    struct mr_witness *const witness = &o.order.body.u.next.witnesses[0].members[0];
    static const uint8_t seed[32] = {7};
    struct mr_seckey key;
    mr_seckey_from_seed(&key, &witness->key, seed);
    witness->name_len = (uint32_t)snprintf(witness->name, sizeof witness->name, "mairie");
    world_sign(&r.w, &o);
    ck_assert_int_eq(ring_submit(&r, 0, &o), MR_SETTLED);
    ring_wait(&r, 10000);
    book_read(&book, r.nodes[0].journal);
    doctor_load(&d, &r, 1, &book);
}

static void put_away(void)
{
    doctor_done(&d);
    book_done(&book);
    book_done(&told);
    ring_done(&r);
}

START_TEST(taken_apart_and_put_together)
{
    doctor_write(&d, &told);
    ck_assert_uint_eq(told.count, book.count);
    book_audit(&found, &totals, &r.w.charter, &told, true);
    no_findings(0);
    ck_assert_uint_eq(totals.epoch, 2);
}
END_TEST

static void expect_lie(const struct league_lie *lie)
{
    lie->tell(&d);
    doctor_write(&d, &told);
    book_audit(&found, NULL, &r.w.charter, &told, true);
    const struct mr_audit_finding *const f = &found.rows[0];
    const bool right = found.count == 1 && strcmp(f->rule, lie->rule) == 0 &&
                       f->status == lie->status && (f->node != 0) == lie->convicts;
    if (!right)
        found_print(&found, lie->name);
    ck_assert_msg(right, "%s: one finding %s %s wanted", lie->name, lie->rule,
                  mr_status_name(lie->status));
    lie_is_told_in_french(f);
}

START_TEST(a_lie)
{
    expect_lie(&lies_of_turn[_i]);
}
END_TEST

START_TEST(a_lie_about_who_joins)
{
    expect_lie(&lies_of_joiner[_i]);
}
END_TEST

/* What a peer has said it rests for is kept with a saved audit, behind whatever turn it is. */
START_TEST(a_rest_is_remembered)
{
    const struct league_lie *const lie =
        league_lie_named(lies_of_turn, "peer: rest for an earlier one");
    lie->tell(&d);
    doctor_write(&d, &told);
    book_audit_by_turns(&found, &r.w.charter, &told);
    if (found.count != 1)
        found_print(&found, lie->name);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.rows[0].rule, "SLOT-16");
}
END_TEST

START_TEST(payloads_changed_on_purpose)
{
    hostile_payloads(&book, &r.w.charter, 4711 + (uint32_t)_i);
}
END_TEST

START_TEST(every_allocation_refused_once)
{
    hostile_memory(&book, &r.w.charter, _i, 3);
}
END_TEST

int main(void)
{
    int lies = 0;
    while (lies_of_turn[lies].name != NULL)
        lies++;
    TCase *const honest = tcase_create("honest");
    tcase_add_checked_fixture(honest, four, done);
    tcase_set_timeout(honest, 120);
    tcase_add_test(honest, a_node_leaves);
    tcase_add_test(honest, receipts_of_the_second_epoch);
    tcase_add_test(honest, a_node_gets_a_new_key);
    tcase_add_test(honest, nodes_rest_for_checkpoints);
    tcase_add_test(honest, a_node_comes_back_after_the_change);
    tcase_add_test(honest, governance_regroups_the_nodes);
    tcase_add_test(honest, a_regroup_that_says_what_is_not);
    tcase_add_test(honest, a_regroup_of_another_state_is_not_taken);
    TCase *const single = tcase_create("single");
    tcase_add_checked_fixture(single, NULL, done);
    tcase_set_timeout(single, 120);
    tcase_add_test(single, a_cut_settles_what_one_node_acknowledged);
    tcase_add_test(single, an_association_joins);
    tcase_add_test(single, one_node_becomes_four_and_one_again);
    TCase *const lying = tcase_create("lies");
    tcase_add_checked_fixture(lying, take_apart, put_away);
    tcase_set_timeout(lying, 120);
    tcase_add_test(lying, taken_apart_and_put_together);
    tcase_add_loop_test(lying, a_lie, 0, lies);
    tcase_add_test(lying, a_rest_is_remembered);
    tcase_add_loop_test(lying, payloads_changed_on_purpose, 0, 3);
    tcase_add_loop_test(lying, every_allocation_refused_once, 0, 3);
    TCase *const joining = tcase_create("lies about who joins");
    tcase_add_checked_fixture(joining, take_joiner_apart, put_away);
    tcase_set_timeout(joining, 120);
    tcase_add_loop_test(joining, a_lie_about_who_joins, 0, 3);
    Suite *const s = suite_create("audit epochs");
    suite_add_tcase(s, honest);
    suite_add_tcase(s, single);
    suite_add_tcase(s, lying);
    suite_add_tcase(s, joining);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
