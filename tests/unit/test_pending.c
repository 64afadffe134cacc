#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "transport/pending.h"

static struct pending p;
static struct pending_owner a, b;

static void set_up(void)
{
    p = (struct pending){0};
    a = (struct pending_owner){.who = &a};
    b = (struct pending_owner){.who = &b};
}

static void tear_down(void)
{
    pending_done(&p);
}

static uint64_t add(struct pending_owner *o, uint32_t mark)
{
    uint64_t token;
    ck_assert_int_eq(pending_add(&p, &token, o, (const uint8_t *)&mark, sizeof mark), MR_OK);
    return token;
}

/* Whose request the token was; its mark must be the one given. NULL: not in use. */
static struct pending_owner *take(uint64_t token, uint32_t mark)
{
    uint8_t head[SP_NN_HEAD_MAX];
    size_t len = 0;
    struct pending_owner *const o = pending_take(&p, token, head, &len);
    if (o == NULL)
        return NULL;
    ck_assert_uint_eq(len, sizeof mark);
    ck_assert_mem_eq(head, &mark, sizeof mark);
    return o;
}

START_TEST(a_token_is_good_once)
{
    const uint64_t t = add(&a, 1);
    ck_assert_uint_ne(t, 0);
    ck_assert_ptr_eq(take(t, 1), &a);
    ck_assert_ptr_null(take(t, 1));
    ck_assert_uint_eq(a.count, 0);
    ck_assert_uint_eq(p.used, 0);
}
END_TEST

/* The place of a request is used again; its token is not. */
START_TEST(an_old_token_finds_nobody)
{
    uint64_t old[100];
    for (uint32_t i = 0; i < 100; i++) {
        old[i] = add(&a, i);
        ck_assert_ptr_eq(take(old[i], i), &a);
    }
    const uint64_t now = add(&b, 7);
    for (uint32_t i = 0; i < 100; i++)
        ck_assert_ptr_null(take(old[i], i));
    ck_assert_ptr_eq(take(now, 7), &b);
}
END_TEST

START_TEST(invented_tokens_find_nobody)
{
    add(&a, 1);
    ck_assert_ptr_null(take(0, 0));
    ck_assert_ptr_null(take(1, 0));
    ck_assert_ptr_null(take(UINT64_MAX, 0));
    ck_assert_ptr_null(take(UINT64_C(1) << 32 | 100000, 0));
    ck_assert_uint_eq(a.count, 1);
}
END_TEST

START_TEST(dropping_one_asker_leaves_the_other)
{
    uint64_t of_a[10], of_b[10];
    for (uint32_t i = 0; i < 10; i++) {
        of_a[i] = add(&a, i);
        of_b[i] = add(&b, i);
    }
    ck_assert_ptr_eq(take(of_a[4], 4), &a);
    pending_drop(&p, &a);
    ck_assert_uint_eq(a.count, 0);
    ck_assert_uint_eq(b.count, 10);
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_ptr_null(take(of_a[i], i));
        ck_assert_ptr_eq(take(of_b[i], i), &b);
    }
    pending_drop(&p, &b);
}
END_TEST

/* Random adds, takes and drops against a plain list. */
START_TEST(agrees_with_a_list)
{
    enum { MOST = 3000, STEPS = 100000 };
    static uint64_t tokens[MOST];
    static uint32_t marks[MOST];
    static struct pending_owner *owners[MOST];
    uint32_t count = 0;
    srand(3);
    for (uint32_t step = 0; step < STEPS; step++) {
        const int what = rand() % 1000;
        if (what < 550 && count < MOST) {
            owners[count] = rand() % 2 == 0 ? &a : &b;
            marks[count] = step;
            tokens[count] = add(owners[count], step);
            count++;
        } else if (what < 999 && count > 0) {
            const uint32_t i = (uint32_t)rand() % count;
            ck_assert_ptr_eq(take(tokens[i], marks[i]), owners[i]);
            count--;
            tokens[i] = tokens[count];
            marks[i] = marks[count];
            owners[i] = owners[count];
        } else {
            struct pending_owner *const o = rand() % 2 == 0 ? &a : &b;
            pending_drop(&p, o);
            uint32_t kept = 0;
            for (uint32_t i = 0; i < count; i++) {
                if (owners[i] == o)
                    continue;
                tokens[kept] = tokens[i];
                marks[kept] = marks[i];
                owners[kept++] = owners[i];
            }
            count = kept;
        }
        ck_assert_uint_eq(p.used, count);
        ck_assert_uint_eq(a.count + b.count, count);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pending");
    TCase *c = tcase_create("pending");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_token_is_good_once);
    tcase_add_test(c, an_old_token_finds_nobody);
    tcase_add_test(c, invented_tokens_find_nobody);
    tcase_add_test(c, dropping_one_asker_leaves_the_other);
    tcase_add_test(c, agrees_with_a_list);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
