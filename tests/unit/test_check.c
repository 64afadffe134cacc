/* The invariants find what is wrong: one record of an honest store is changed at a time. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/view.h"
#include "lib/world.h"
#include "mereau/check.h"
#include "mereau/codec.h"

static struct world w;
static char rules[256];

static void on_finding(void *ctx, const struct mr_finding *f)
{
    (void)ctx;
    if (strstr(rules, f->rule) == NULL) {
        strcat(rules, f->rule);
        strcat(rules, " ");
    }
}

static void setup(void)
{
    rules[0] = '\0';
    world_init(&w);
    world_start(&w);
    ck_assert_int_eq(world_open(&w, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(world_open(&w, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(world_issue(&w, 0, 10000), MR_SETTLED);
    ck_assert_int_eq(world_pay(&w, 0, 1, 2500), MR_SETTLED);
    ck_assert_int_eq(world_pay(&w, 0, 1, 2500), MR_SETTLED);
    world_flush(&w);
}

static void teardown(void)
{
    world_done(&w);
}

static void put(enum mr_table table, const uint8_t *key, size_t key_len, const uint8_t *value,
                size_t len)
{
    const struct mr_put p = {table, key, value, (uint32_t)key_len, (uint32_t)len};
    ck_assert_int_eq(w.store->api->commit(w.store, &p, 1), MR_OK);
    ck_assert_int_eq(w.store->api->refresh(w.store), MR_OK);
}

static uint64_t number_of(const uint8_t account[16])
{
    uint8_t no[8];
    size_t len;
    ck_assert_int_eq(w.store->api->get(w.store, MR_TABLE_ACCOUNT_NO, account, 16, no, 8, &len),
                     MR_OK);
    return mri_key_read(no);
}

static void get_hot(struct mr_state_hot *ret, const uint8_t account[16])
{
    uint8_t key[8], bytes[1024];
    size_t len;
    mri_key_u64(key, number_of(account));
    ck_assert_int_eq(w.store->api->get(w.store, MR_TABLE_HOT, key, 8, bytes, sizeof bytes, &len),
                     MR_OK);
    ck_assert_int_eq(mr_state_hot_decode(ret, bytes, len), MR_OK);
}

static void put_hot(const struct mr_state_hot *h, const uint8_t account[16])
{
    uint8_t key[8], bytes[1024];
    mri_key_u64(key, number_of(account));
    put(MR_TABLE_HOT, key, 8, bytes, mr_state_hot_encode(h, bytes, sizeof bytes));
}

static void honest(void)
{
}

static void more_money(void)
{
    struct mr_state_hot h;
    get_hot(&h, w.members[1].id);
    h.chain.balances[0].minor += 1;
    put_hot(&h, w.members[1].id);
}

static void below_zero(void)
{
    struct mr_state_hot a, b;
    get_hot(&a, w.members[0].id);
    get_hot(&b, w.members[1].id);
    a.chain.balances[0].minor -= 6000;
    b.chain.balances[0].minor += 6000;
    put_hot(&a, w.members[0].id);
    put_hot(&b, w.members[1].id);
}

static void other_head(void)
{
    struct mr_state_hot h;
    get_hot(&h, w.members[0].id);
    h.chain.head[0] ^= 1;
    put_hot(&h, w.members[0].id);
}

static void missing_credit(void)
{
    uint8_t key[16];
    mri_key_pair(key, number_of(w.members[1].id), 2);
    put(MR_TABLE_CREDIT, key, 16, NULL, 0);
}

static void missing_slot(void)
{
    uint8_t key[16];
    mri_key_pair(key, number_of(w.members[0].id), 2);
    put(MR_TABLE_SLOT, key, 16, NULL, 0);
}

static void reserve_moved(void)
{
    struct mr_state_hot r, o;
    uint8_t reserve[16], world[16];
    mr_sub_account(reserve, w.charter.associations[0].id, MR_CLASS_RESERVE);
    mr_sub_account(world, NULL, MR_CLASS_WORLD);
    get_hot(&r, reserve);
    get_hot(&o, world);
    r.chain.balances[1].minor -= 5;
    o.chain.balances[1].minor += 5;
    put_hot(&r, reserve);
    put_hot(&o, world);
}

static bool first_key(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                      size_t value_len)
{
    (void)value;
    (void)value_len;
    memcpy(ctx, key, key_len);
    return false;
}

static void bank_elsewhere(void)
{
    struct mr_state_slot_ref ref = {.seq = 1};
    uint8_t key[48], bytes[64];
    memcpy(ref.account, w.members[0].id, 16);
    ck_assert_int_eq(w.store->api->walk(w.store, MR_TABLE_BANK, NULL, 0, first_key, key), MR_OK);
    put(MR_TABLE_BANK, key, 48, bytes, mr_state_slot_ref_encode(&ref, bytes, sizeof bytes));
}

/* An account of another association's, under an id of this one's. */
static void another_space(void)
{
    const uint8_t *const id = w.members[1].id;
    struct mr_state_account a;
    uint8_t key[8], bytes[2048];
    size_t len;
    mri_key_u64(key, number_of(id));
    ck_assert_int_eq(
        w.store->api->get(w.store, MR_TABLE_ACCOUNT, key, 8, bytes, sizeof bytes, &len), MR_OK);
    ck_assert_int_eq(mr_state_account_decode(&a, bytes, len), MR_OK);
    a.association[0] ^= 1;
    put(MR_TABLE_ACCOUNT, key, 8, bytes, mr_state_account_encode(&a, bytes, sizeof bytes));
}

static const struct {
    void (*change)(void);
    const char *rules;
} lies[] = {
    {honest, ""},
    {more_money, "INV-1 JNL-8 "},
    {below_zero, "INV-2 JNL-8 "},
    {other_head, "INV-4 JNL-8 "},
    {missing_credit, "INV-9 JNL-8 "},
    {missing_slot, "INV-4 INV-9 JNL-8 "},
    {reserve_moved, "INV-3 INV-3a JNL-8 "},
    {bank_elsewhere, "INV-7 JNL-8 "},
    {another_space, "INV-10 JNL-8 "},
};

START_TEST(a_changed_record_gives_its_finding)
{
    struct mr_check_totals totals;
    struct mr_store *again;
    uint64_t differences;
    struct mr_check c = {.charter = &w.charter,
                         .store = w.store,
                         .journal = w.journal,
                         .mem = w.mem,
                         .found = on_finding};
    lies[_i].change();
    ck_assert_int_eq(mr_check_store(&c, &totals), MR_OK);
    ck_assert_int_eq(mr_store_mem_open(&again, &w.mem, NULL), MR_OK);
    struct mr_check r = c;
    r.store = again;
    ck_assert_int_eq(mr_rebuild(&r, 1, totals.meta.turn), MR_OK);
    ck_assert_int_eq(mr_check_equal(&c, again, &differences), MR_OK);
    again->api->close(again);
    ck_assert_str_eq(rules, lies[_i].rules);
}
END_TEST

/* A node that has not read everything yet may see less than nothing in an account. */
START_TEST(below_zero_is_no_finding_on_the_way)
{
    struct mr_check_totals totals;
    const struct mr_check c = {.charter = &w.charter,
                               .store = w.store,
                               .journal = w.journal,
                               .mem = w.mem,
                               .found = on_finding,
                               .moving = true};
    below_zero();
    ck_assert_int_eq(mr_check_store(&c, &totals), MR_OK);
    ck_assert_str_eq(rules, "");
    ck_assert_uint_eq(totals.overdrawn, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("check");
    TCase *tc = tcase_create("check");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_changed_record_gives_its_finding, 0,
                        (int)(sizeof lies / sizeof lies[0]));
    tcase_add_test(tc, below_zero_is_no_finding_on_the_way);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
