/* Drafts: a run of orders on one chain that collects signatures in a file. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/draft.h"
#include "lib/scratch.h"
#include "mereau/order.h"
#include "mereau/sign.h"

static char dir[SCRATCH_PATH_MAX];
static struct mr_draft *draft;
static struct mr_order *order;
static const uint8_t ledger[32] = {1}, elsewhere[32] = {2}, prev[32] = {3};
static struct mr_seckey secrets[3];
static struct mr_keyset keys;

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    scratch_make(dir);
    draft = draft_create(1000, "op1");
    order = calloc(1, sizeof *order);
    *order = (struct mr_order){.version = 1, .seq = 7, .time_ms = 5, .not_after_ms = 9};
    memcpy(order->ledger, ledger, 32);
    memcpy(order->prev, prev, 32);
    order->body.kind = MR_KIND_CAP;
    keys = (struct mr_keyset){.threshold = 2, .keys_count = 3};
    for (int i = 0; i < 3; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)};
        mr_seckey_from_seed(&secrets[i], &keys.keys[i], seed);
    }
    for (int i = 0; i < 3; i++) {
        order->salt[0] = (uint8_t)i;
        ck_assert_int_eq(draft_add(draft, order), MR_OK);
    }
}

static void teardown(void)
{
    free(draft);
    free(order);
    scratch_remove(dir);
}

static void sign_all(uint32_t index)
{
    for (uint32_t i = 0; i < draft->orders_count; i++)
        mr_order_sign(&draft->orders[i], index, &secrets[index]);
}

static enum draft_state state(void)
{
    enum draft_state ret = DRAFT_UNSIGNED;
    ck_assert_int_eq(draft_state(draft, &ret, &keys), MR_OK);
    return ret;
}

START_TEST(test_run)
{
    uint8_t id[32];
    ck_assert_int_eq(draft_check(draft, ledger), MR_OK);
    ck_assert_uint_eq(draft->orders[0].order.seq, 7);
    ck_assert_uint_eq(draft->orders[2].order.seq, 9);
    ck_assert_mem_eq(draft->orders[0].order.prev, prev, 32);
    mr_order_id(id, &draft->orders[1].order);
    ck_assert_mem_eq(draft->orders[2].order.prev, id, 32);
    while (draft->orders_count < MR_PAGE_MAX)
        ck_assert_int_eq(draft_add(draft, order), MR_OK);
    ck_assert_int_eq(draft_add(draft, order), MR_FULL);
}
END_TEST

START_TEST(test_not_a_run)
{
    ck_assert_int_eq(draft_check(draft, elsewhere), MR_WRONG_LEDGER);
    draft->orders[1].order.seq = 9;
    ck_assert_int_eq(draft_check(draft, ledger), MR_PREV_MISMATCH);
    draft->orders[1].order.seq = 8;
    draft->orders[1].order.account[0] = 1;
    ck_assert_int_eq(draft_check(draft, ledger), MR_PREV_MISMATCH);
    draft->orders[1].order.account[0] = 0;
    draft->orders[0].order.salt[1] = 1; /* its id is another one now */
    ck_assert_int_eq(draft_check(draft, ledger), MR_PREV_MISMATCH);
    draft->orders_count = 0;
    ck_assert_int_eq(draft_check(draft, ledger), MR_OUT_OF_RANGE);
}
END_TEST

START_TEST(test_cancel_is_for_one_of_the_run)
{
    draft->cancels_count = 1;
    draft->cancels[0].cancel = (struct mr_cancel){.seq = 7};
    memcpy(draft->cancels[0].cancel.ledger, ledger, 32);
    ck_assert_int_eq(draft_check(draft, ledger), MR_OK);
    draft->cancels[0].cancel.seq = 9; /* those before it have settled */
    ck_assert_int_eq(draft_check(draft, ledger), MR_OK);
    draft->cancels[0].cancel.seq = 6;
    ck_assert_int_eq(draft_check(draft, ledger), MR_PREV_MISMATCH);
    draft->cancels[0].cancel.seq = 10;
    ck_assert_int_eq(draft_check(draft, ledger), MR_PREV_MISMATCH);
}
END_TEST

START_TEST(test_signatures)
{
    uint32_t count = 99;
    ck_assert_int_eq(state(), DRAFT_UNSIGNED);
    sign_all(2);
    ck_assert_int_eq(state(), DRAFT_PARTLY);
    ck_assert(draft_is_signed_by(draft, 2));
    ck_assert(!draft_is_signed_by(draft, 0));
    mr_order_sign(&draft->orders[0], 0, &secrets[0]); /* not all of them */
    ck_assert(!draft_is_signed_by(draft, 0));
    ck_assert_int_eq(draft_signatures(draft, &count, &keys), MR_OK);
    ck_assert_uint_eq(count, 1);
    sign_all(0);
    ck_assert_int_eq(state(), DRAFT_READY);
    /* One that is wrong spoils the draft. */
    draft->orders[1].sigs[0].sig[3] ^= 1;
    ck_assert_int_eq(draft_signatures(draft, &count, &keys), MR_BAD_SIGNATURE);
}
END_TEST

START_TEST(test_rebase)
{
    const uint8_t moved[32] = {8};
    ck_assert_int_eq(draft_rebase(draft, 20, moved, 50, 90, 3), MR_OK);
    ck_assert_int_eq(draft_check(draft, ledger), MR_OK);
    ck_assert_uint_eq(draft->orders[0].order.seq, 20);
    ck_assert_uint_eq(draft->orders[2].order.seq, 22);
    ck_assert_mem_eq(draft->orders[0].order.prev, moved, 32);
    ck_assert_uint_eq(draft->orders[1].order.time_ms, 50);
    ck_assert_uint_eq(draft->orders[1].order.not_after_ms, 90);
    ck_assert_uint_eq(draft->orders[1].order.policy, 3);
    mr_order_sign(&draft->orders[0], 1, &secrets[1]);
    ck_assert_int_eq(draft_rebase(draft, 30, moved, 60, 99, 3), MR_NO_CHANGE);
    ck_assert_uint_eq(draft->orders[0].order.seq, 20);
}
END_TEST

START_TEST(test_file)
{
    char name[128], path[SCRATCH_PATH_MAX];
    struct mr_draft *read = NULL;
    draft_name(name, sizeof name, draft, "treasury");
    ck_assert_int_eq(strncmp(name, "treasury-7-", 11), 0);
    snprintf(path, sizeof path, "%s", scratch_path(dir, name));
    ck_assert_int_eq(draft_read(&read, path, ledger), MR_NO_SUCH_FILE);
    sign_all(1);
    ck_assert_int_eq(draft_write(draft, path), MR_OK);
    ck_assert_int_eq(draft_read(&read, path, elsewhere), MR_WRONG_LEDGER);
    ck_assert_int_eq(draft_read(&read, path, ledger), MR_OK);
    ck_assert_uint_eq(read->orders_count, 3);
    ck_assert_str_eq(read->author, "op1");
    ck_assert(draft_is_signed_by(read, 1));
    free(read);
    read = NULL;
    FILE *f = fopen(path, "r+");
    fputc('x', f);
    fclose(f);
    ck_assert_int_eq(draft_read(&read, path, ledger), MR_DAMAGED);
    ck_assert_ptr_null(read);
}
END_TEST

START_TEST(test_names)
{
    char **names = NULL;
    const char *const made[] = {"b.draft", "a.draft", "a.draft.new", ".x.draft", "other"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        fclose(fopen(scratch_path(dir, made[i]), "w"));
    ck_assert_int_eq(names_list(&names, dir, ".draft"), MR_OK);
    ck_assert_str_eq(names[0], "a.draft");
    ck_assert_str_eq(names[1], "b.draft");
    ck_assert_ptr_null(names[2]);
    names_free(names);
    ck_assert_int_eq(names_list(&names, scratch_path(dir, "nowhere"), ".draft"), MR_OK);
    ck_assert_ptr_null(names[0]);
    names_free(names);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("admin_draft");
    TCase *t = tcase_create("draft");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_run);
    tcase_add_test(t, test_not_a_run);
    tcase_add_test(t, test_cancel_is_for_one_of_the_run);
    tcase_add_test(t, test_signatures);
    tcase_add_test(t, test_rebase);
    tcase_add_test(t, test_file);
    tcase_add_test(t, test_names);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
