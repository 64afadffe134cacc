/* A key file signs one order a slot, whatever happens in between, and says so before it signs. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/signer.h"
#include "lib/scratch.h"
#include "mereau/order.h"

static char dir[SCRATCH_PATH_MAX];
static const char *path;
static struct secret pass;
static struct mr_signer_key key;
static struct mr_pubkey public;
static struct signer *signer;
static struct mr_signed_order *orders; /* a run of four on the treasury */

enum { RUN = 4, NOW = 1000000000, LIFE = 1000000 };

static void reopen(void)
{
    signer_close(signer);
    signer = NULL;
    ck_assert_int_eq(signer_open(&signer, path, &pass), MR_OK);
}

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    scratch_make(dir);
    path = scratch_path(dir, "op.key");
    ck_assert_int_eq(secret_copy(&pass, "words", 5), MR_OK);
    key = (struct mr_signer_key){
        .version = SIGNER_VERSION, .key_index = 1, .name_len = 3, .name = "op2"};
    memset(key.association, 5, sizeof key.association);
    signer_make_seed(&key, &public);
    ck_assert_int_eq(signer_create(path, KEYFILE_MIN, &pass, &key), MR_OK);
    orders = calloc(RUN, sizeof *orders);
    reopen();
}

static void teardown(void)
{
    signer_close(signer);
    signer = NULL;
    secret_free(&pass);
    free(orders);
    scratch_remove(dir);
}

/* A run from `seq` on; `salt` makes it another one. */
static void make_run(uint64_t seq, const uint8_t prev[32], uint8_t salt)
{
    for (size_t i = 0; i < RUN; i++) {
        struct mr_order *o = &orders[i].order;
        orders[i].sigs_count = 0;
        *o = (struct mr_order){
            .version = 1, .seq = seq + i, .time_ms = NOW, .not_after_ms = NOW + LIFE};
        mr_sub_account(o->account, key.association, MR_CLASS_TREASURY);
        o->body.kind = MR_KIND_CAP;
        o->salt[0] = salt;
        if (i == 0)
            memcpy(o->prev, prev, 32);
        else
            mr_order_id(o->prev, &orders[i - 1].order);
    }
}

static enum mr_status sign_at(uint64_t now_ms, const uint8_t *settled)
{
    const struct signer_view view = {.now_ms = now_ms, .settled = settled};
    return signer_sign(signer, orders, RUN, &view);
}

static const uint8_t start[32], other[32] = {1};

START_TEST(test_signs)
{
    struct mr_keyset keys = {.threshold = 1, .keys_count = 2};
    keys.keys[0] = keys.keys[1] = public;
    make_run(1, start, 1);
    ck_assert(!signer_remembers(signer, orders, RUN));
    ck_assert_int_eq(sign_at(NOW, NULL), MR_OK);
    for (size_t i = 0; i < RUN; i++) {
        ck_assert_uint_eq(orders[i].sigs_count, 1);
        ck_assert_uint_eq(orders[i].sigs[0].key_index, 1);
        ck_assert_int_eq(mr_order_verify(&orders[i], &keys, 0), MR_OK);
    }
    reopen();
    ck_assert(signer_remembers(signer, orders, RUN));
    ck_assert_int_eq(sign_at(NOW, NULL), MR_OK); /* the same again is fine */
}
END_TEST

START_TEST(test_refuses_another)
{
    size_t at = 99;
    make_run(1, start, 1);
    ck_assert_int_eq(sign_at(NOW, NULL), MR_OK);
    reopen();
    make_run(1, start, 2);
    ck_assert_int_eq(sign_at(NOW, NULL), MR_SLOT_TAKEN);
    ck_assert_uint_eq(orders[0].sigs_count, 0);
    /* What settled in front of both is what both stand on: nothing is decided. */
    ck_assert_int_eq(sign_at(NOW, start), MR_SLOT_TAKEN);
    /* A run that only overlaps is refused at the place where it does. */
    make_run(4, start, 3);
    const struct signer_view view = {.now_ms = NOW};
    ck_assert_int_eq(signer_allows(signer, &at, orders, RUN, &view), MR_SLOT_TAKEN);
    ck_assert_uint_eq(at, 0);
    make_run(5, start, 3);
    ck_assert_int_eq(signer_allows(signer, &at, orders, RUN, &view), MR_OK);
}
END_TEST

/* The slot in front was closed with something else: the remembered run is dead, all of it. */
START_TEST(test_freed_by_proof)
{
    make_run(2, start, 1);
    ck_assert_int_eq(sign_at(NOW, NULL), MR_OK);
    make_run(2, other, 2);
    ck_assert_int_eq(sign_at(NOW, NULL), MR_SLOT_TAKEN);
    ck_assert_int_eq(sign_at(NOW, other), MR_OK);
    make_run(2, start, 1);
    ck_assert_int_eq(sign_at(NOW, other), MR_SLOT_TAKEN); /* not back */
}
END_TEST

START_TEST(test_freed_by_time)
{
    make_run(1, start, 1);
    ck_assert_int_eq(sign_at(NOW, NULL), MR_OK);
    make_run(1, start, 2);
    ck_assert_int_eq(sign_at(NOW + LIFE, NULL), MR_SLOT_TAKEN);
    ck_assert_int_eq(sign_at(NOW + LIFE + MR_CLOCK_AHEAD_MS, NULL), MR_SLOT_TAKEN);
    ck_assert_int_eq(sign_at(NOW + LIFE + 2 * MR_CLOCK_AHEAD_MS + 1, NULL), MR_OK);
}
END_TEST

START_TEST(test_own_chains)
{
    make_run(1, start, 1);
    for (size_t i = 0; i < RUN; i++)
        mr_sub_account(orders[i].order.account, key.association, MR_CLASS_DESK);
    ck_assert_int_eq(sign_at(NOW, NULL), MR_OK);
    memset(orders[0].order.account, 9, 16);
    ck_assert_int_eq(sign_at(NOW, NULL), MR_WRONG_CHAIN);
    mr_sub_account(orders[0].order.account, NULL, MR_CLASS_SYSTEM);
    ck_assert_int_eq(sign_at(NOW, NULL), MR_WRONG_CHAIN);
}
END_TEST

/* The memory is bounded; what fell out of it is refused for ever. */
START_TEST(test_forgets_downwards)
{
    for (uint64_t seq = 1; seq < 3 * SIGNER_KEPT; seq += RUN) {
        make_run(seq, start, 1);
        ck_assert_int_eq(sign_at(NOW, NULL), MR_OK);
    }
    ck_assert_uint_le(signer->key->slots_count, SIGNER_KEPT);
    ck_assert_uint_eq(signer->key->floors_count, 1);
    reopen();
    make_run(1, start, 1);
    ck_assert_int_eq(sign_at(NOW + 100 * LIFE, other), MR_SEQ_OLD);
}
END_TEST

/* Nothing is signed when the memory cannot be written. */
START_TEST(test_unwritable)
{
    make_run(1, start, 1);
    scratch_remove(dir);
    ck_assert_int_ne(sign_at(NOW, NULL), MR_OK);
    for (size_t i = 0; i < RUN; i++)
        ck_assert_uint_eq(orders[i].sigs_count, 0);
    ck_assert(!signer_remembers(signer, orders, RUN));
}
END_TEST

START_TEST(test_rotation)
{
    uint8_t first[32];
    ck_assert(!signer->has_next);
    ck_assert_int_eq(signer_prepare_next(signer), MR_OK);
    memcpy(first, signer->next_public.key, sizeof first);
    reopen();
    ck_assert(signer->has_next);
    ck_assert_int_eq(signer_prepare_next(signer), MR_OK); /* the same one */
    ck_assert_mem_eq(first, signer->next_public.key, sizeof first);
    ck_assert_ptr_eq(signer_secret(signer), &signer->secret);
    signer->use_next = true;
    ck_assert_ptr_eq(signer_secret(signer), &signer->next_secret);
    ck_assert_int_eq(signer_adopt_next(signer), MR_OK);
    reopen();
    ck_assert(!signer->has_next);
    ck_assert_mem_eq(first, signer->public.key, sizeof first);
}
END_TEST

START_TEST(test_restart)
{
    struct mr_signed_restart r = {.restart = {.version = 1, .epoch = 2}};
    ck_assert_int_eq(signer_sign_restart(signer, &r, false), MR_OK);
    ck_assert_uint_eq(r.sigs_count, 1);
    reopen();
    ck_assert_int_eq(signer_sign_restart(signer, &r, false), MR_OK);
    r.restart.last_size = 7;
    r.sigs_count = 0;
    ck_assert_int_eq(signer_sign_restart(signer, &r, false), MR_SLOT_TAKEN);
    ck_assert_uint_eq(r.sigs_count, 0);
    ck_assert_int_eq(signer_sign_restart(signer, &r, true), MR_OK);
    r.restart.epoch = 3;
    ck_assert_int_eq(signer_sign_restart(signer, &r, false), MR_OK);
}
END_TEST

START_TEST(test_kinds)
{
    bool governance = true;
    struct signer *s = NULL;
    ck_assert_int_eq(signer_probe(&governance, path), MR_OK);
    ck_assert(!governance);
    ck_assert(!signer_is_governance(signer));
    memset(key.association, 0, sizeof key.association);
    const char *gov = scratch_path(dir, "governance.key");
    ck_assert_int_eq(signer_create(gov, KEYFILE_MIN, &pass, &key), MR_OK);
    ck_assert_int_eq(signer_create(gov, KEYFILE_MIN, &pass, &key), MR_FILE_EXISTS);
    ck_assert_int_eq(signer_probe(&governance, gov), MR_OK);
    ck_assert(governance);
    ck_assert_int_eq(signer_open(&s, gov, &pass), MR_OK);
    ck_assert(signer_is_governance(s));
    signer_close(s);
    struct secret wrong;
    s = NULL;
    ck_assert_int_eq(secret_copy(&wrong, "word", 4), MR_OK);
    ck_assert_int_eq(signer_open(&s, gov, &wrong), MR_WRONG_PASSPHRASE);
    ck_assert_ptr_null(s);
    secret_free(&wrong);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("admin_signer");
    TCase *t = tcase_create("signer");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_signs);
    tcase_add_test(t, test_refuses_another);
    tcase_add_test(t, test_freed_by_proof);
    tcase_add_test(t, test_freed_by_time);
    tcase_add_test(t, test_own_chains);
    tcase_add_test(t, test_forgets_downwards);
    tcase_add_test(t, test_unwritable);
    tcase_add_test(t, test_rotation);
    tcase_add_test(t, test_restart);
    tcase_add_test(t, test_kinds);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
