/* A receipt of several nodes proves what q distinct ones of the charter acknowledged, or nothing.
 */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fake_ledger.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"
#include "mereau/receipt.h"

static struct fake_ledger *ledger;
static struct mr_receipt receipt;
static struct mr_receipt_facts facts;
static struct mr_rep_slot *slot;
static struct mr_join join;

/* Four nodes, of which three settle; one order of an account without money to spare. */
static void set_up(void)
{
    struct mr_req_submit *const r = calloc(1, sizeof *r);
    struct mr_seckey key;
    uint8_t seed[32] = {1};
    ck_assert_int_ge(sodium_init(), 0);
    ledger = calloc(1, sizeof *ledger);
    slot = calloc(1, sizeof *slot);
    ck_assert(r != NULL && ledger != NULL && slot != NULL);
    fake_ledger_found(ledger, 4, 3);
    fake_ledger_begin(ledger);
    join.open.class = MR_CLASS_RESIDENT;
    join.open.keys = (struct mr_keyset){.threshold = 1, .keys_count = 1};
    mr_seckey_from_seed(&key, &join.open.keys.keys[0], seed);
    memset(join.open.account, 5, sizeof join.open.account);
    fake_account_open(ledger, &join);
    struct mr_order *const o = &r->order.order;
    *o = (struct mr_order){.version = 1, .seq = 1, .policy = 1};
    memcpy(o->ledger, ledger->id, sizeof o->ledger);
    memcpy(o->account, join.open.account, sizeof o->account);
    o->body.kind = MR_KIND_CLOSE;
    mr_order_sign(&r->order, 0, &key);
    ck_assert_int_eq(fake_submit(ledger, 1, r, slot), MR_SETTLED);
    ck_assert_uint_eq(slot->receipt_count, 1);
    receipt = slot->receipt[0];
    free(r);
}

static void tear_down(void)
{
    free(ledger);
    free(slot);
}

static enum mr_status verify(void)
{
    return mr_receipt_verify(&facts, &ledger->charter, NULL, &receipt);
}

START_TEST(q_distinct_nodes_prove_it)
{
    ck_assert_int_eq(verify(), MR_OK);
    ck_assert_uint_eq(facts.quorum, 3);
    ck_assert_uint_eq(facts.nodes, 1 << 1 | 1 << 2 | 1 << 3);
    ck_assert_uint_eq(facts.needed, 3);
    ck_assert_uint_eq(facts.committee, 4);
    ck_assert(!facts.voided);
}
END_TEST

START_TEST(fewer_prove_nothing)
{
    for (receipt.proofs_count = 0; receipt.proofs_count < 3; receipt.proofs_count++)
        ck_assert_int_eq(verify(), MR_BAD_RECEIPT);
}
END_TEST

START_TEST(one_node_counts_once)
{
    receipt.proofs[2] = receipt.proofs[0];
    ck_assert_int_eq(verify(), MR_BAD_RECEIPT);
    receipt.proofs_count = 4;
    receipt.proofs[2] = receipt.proofs[1];
    receipt.proofs[3] = receipt.proofs[1];
    ck_assert_int_eq(verify(), MR_BAD_RECEIPT);
}
END_TEST

START_TEST(strangers_and_forgers_count_for_nothing)
{
    const struct mr_head good = receipt.proofs[2].head;
    struct mr_head *const h = &receipt.proofs[2].head;
    h->node = 5; /* not of the charter */
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
    *h = good;
    h->node = 4; /* signed by another one of it */
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
    *h = good;
    mr_head_sign(h, ledger->id, &ledger->log_keys[3]);
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
    *h = good;
    receipt.proofs[2].index ^= 1;
    ck_assert_int_eq(verify(), MR_BAD_PROOF);
}
END_TEST

/* What each of them says is in its log, but they do not say the same. */
static void say_instead(const struct mr_leaf *leaf, uint32_t epoch)
{
    struct mr_proof *const p = &receipt.proofs[2];
    uint8_t bytes[512];
    p->leaf = *leaf;
    p->index = 0;
    p->path_count = 0;
    p->head.size = 1;
    p->head.epoch = epoch;
    mr_leaf_hash(p->head.root, bytes, mr_leaf_encode(leaf, bytes, sizeof bytes));
    mr_head_sign(&p->head, ledger->id, &ledger->log_keys[2]);
}

START_TEST(all_must_say_the_same)
{
    const struct mr_leaf good = receipt.proofs[2].leaf;
    struct mr_leaf leaf = good;
    say_instead(&leaf, 1);
    ck_assert_int_eq(verify(), MR_OK);
    leaf.u.ack.ballot = 1;
    say_instead(&leaf, 1);
    ck_assert_int_eq(verify(), MR_BAD_RECEIPT);
    leaf = good;
    leaf.u.ack.value[0] ^= 1;
    say_instead(&leaf, 1);
    ck_assert_int_eq(verify(), MR_BAD_RECEIPT);
    leaf = good;
    leaf.u.ack.seq = 2;
    say_instead(&leaf, 1);
    ck_assert_int_eq(verify(), MR_BAD_RECEIPT);
    leaf = (struct mr_leaf){.kind = MR_LEAF_VOTE};
    leaf.u.vote.seq = 1;
    memcpy(leaf.u.vote.account, receipt.account, sizeof leaf.u.vote.account);
    memcpy(leaf.u.vote.value, facts.value, sizeof leaf.u.vote.value);
    say_instead(&leaf, 1);
    ck_assert_int_eq(verify(), MR_BAD_RECEIPT);
}
END_TEST

/* Acknowledgements of two epochs are of two committees: together they decide nothing. */
START_TEST(all_are_of_one_epoch)
{
    const struct mr_leaf leaf = receipt.proofs[2].leaf;
    struct mr_signed_restart *const signed_next = &receipt.handover[0].u.restart;
    struct mr_restart *const next = &signed_next->restart;
    struct mr_seckey governance;
    struct mr_pubkey public;
    uint8_t seed[32];
    mr_hash(seed, "mereau/test-fakes", "governance 0", strlen("governance 0"), NULL, 0);
    mr_seckey_from_seed(&governance, &public, seed);
    *next =
        (struct mr_restart){.version = 1, .epoch = 2, .node = 4, .generation = 2, .last_size = 1};
    next->log_key = ledger->charter.nodes[3].log_key;
    memcpy(next->ledger, ledger->id, sizeof next->ledger);
    mr_restart_sign(signed_next, 0, &governance);
    receipt.handover[0].kind = MR_HANDOVER_RESTART;
    ck_assert_int_eq(verify(), MR_OK);
    receipt.handover_count = 1; /* it tells of more epochs than there were before its heads */
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
    receipt.handover_count = 0;
    say_instead(&leaf, 2);
    ck_assert_int_eq(verify(), MR_BAD_HEAD);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("receipt");
    TCase *const tc = tcase_create("quorum");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, q_distinct_nodes_prove_it);
    tcase_add_test(tc, fewer_prove_nothing);
    tcase_add_test(tc, one_node_counts_once);
    tcase_add_test(tc, strangers_and_forgers_count_for_nothing);
    tcase_add_test(tc, all_must_say_the_same);
    tcase_add_test(tc, all_are_of_one_epoch);
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
