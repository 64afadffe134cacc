/* The tree of a log: what was hashed before it is appended, and roots that were asked for. */
#include <check.h>
#include <string.h>

#include "lib/scratch.h"
#include "log/tree.h"
#include "mereau/log.h"
#include "storage/mem.h"

enum { LEAVES = 1400, OF_ONE = 1, OF_TWO = 2 };

static struct mr_store *store;
static struct mri_view view;
static struct mri_tree one, two;
static struct mri_joins joins;
static uint8_t roots[LEAVES + 1][32];

static void set_up(void)
{
    ck_assert_int_eq(mr_store_mem_open(&store, &scratch_mem, NULL), MR_OK);
    mri_view_init(&view, store, &scratch_mem);
    ck_assert_int_eq(mri_view_reserve(&view), MR_OK);
    ck_assert_int_eq(mri_tree_load(&one, &view, OF_ONE, 1, 0), MR_OK);
    ck_assert_int_eq(mri_tree_load(&two, &view, OF_TWO, 1, 0), MR_OK);
}

static void tear_down(void)
{
    mri_view_done(&view);
    store->api->close(store);
}

static void leaf(uint8_t ret[32], uint64_t index)
{
    mr_leaf_hash(ret, (const uint8_t *)&index, sizeof index);
}

/* Look first at what `count` leaves lead to, then append them, to `two`. */
static void look_and_append(uint32_t count)
{
    struct mri_frontier f;
    uint8_t hash[32];
    joins.count = joins.used = 0;
    ck_assert_int_eq(mri_tree_frontier(&two, &f), MR_OK);
    for (uint64_t i = 0; i < count; i++) {
        leaf(hash, two.size + i);
        mri_frontier_append(&f, hash, &joins);
    }
    mri_frontier_root(&f, &joins);
    for (uint32_t i = 0; i < count; i++) {
        leaf(hash, two.size);
        mri_tree_append(&two, hash, &joins);
    }
    ck_assert_uint_eq(joins.used, joins.count);
}

/* Roots of all sizes, each hashed when the tree was so large. */
static void make_roots(void)
{
    uint8_t hash[32];
    for (uint64_t size = 0; size <= LEAVES; size++) {
        ck_assert_int_eq(mri_tree_root(&one, roots[size], size), MR_OK);
        leaf(hash, size);
        mri_tree_append(&one, hash, NULL);
    }
}

static void check_root(uint64_t size)
{
    uint8_t root[32];
    ck_assert_int_eq(mri_tree_root(&two, root, size), MR_OK);
    ck_assert_mem_eq(root, roots[size], 32);
}

/* In pieces of all sizes, over the ends of tiles; roots are asked for again and again. */
START_TEST(what_was_hashed_before_is_appended)
{
    make_roots();
    for (uint32_t piece = 0; two.size < LEAVES; piece = (piece + 37) % (MR_LEAVES_MAX + 1)) {
        look_and_append(piece < LEAVES - two.size ? piece : (uint32_t)(LEAVES - two.size));
        for (uint64_t back = 0; back * back <= two.size; back++) {
            check_root(two.size - back * back);
            check_root(two.size);
        }
    }
    for (uint64_t size = 0; size <= LEAVES; size++)
        check_root(size);
}
END_TEST

/* Another tree in the same place has roots of its own. */
START_TEST(roots_are_forgotten_with_the_tree)
{
    uint8_t hash[32], root[32];
    make_roots();
    look_and_append(9);
    check_root(9);
    ck_assert_int_eq(mri_tree_load(&two, &view, OF_TWO, 2, 0), MR_OK);
    for (uint64_t i = 0; i < 9; i++) {
        leaf(hash, i + 1);
        mri_tree_append(&two, hash, NULL);
    }
    ck_assert_int_eq(mri_tree_root(&two, root, 9), MR_OK);
    ck_assert_mem_ne(root, roots[9], 32);
}
END_TEST

START_TEST(leaves_are_found_again)
{
    uint8_t hash[32], found[32];
    while (two.size < LEAVES)
        look_and_append(100);
    for (uint64_t i = 0; i < two.size; i++) {
        leaf(hash, i);
        ck_assert_int_eq(mri_tree_leaf(&two, found, i), MR_OK);
        ck_assert_mem_eq(hash, found, 32);
    }
}
END_TEST

/* More leaves than two tiles of the second level: proofs of old ones go through tiles that are not
 * at the right edge, of two levels, now here, now there. */
START_TEST(leaves_of_a_large_log_are_proven)
{
    enum { LARGE = 140000, STEP = 40009 };
    struct mr_hash path[MR_PATH_MAX];
    uint8_t hash[32], root[32];
    uint32_t count;
    while (one.size < LARGE) {
        ck_assert_int_eq(mri_view_reserve(&view), MR_OK);
        leaf(hash, one.size);
        mri_tree_append(&one, hash, NULL);
    }
    ck_assert_int_eq(mri_tree_root(&one, root, LARGE), MR_OK);
    for (uint64_t i = 0, index = 0; i < 500; i++, index = (index + STEP) % LARGE) {
        leaf(hash, index);
        ck_assert_int_eq(mri_tree_path(&one, path, &count, index, LARGE), MR_OK);
        ck_assert(mr_path_verify(root, hash, index, LARGE, path, count));
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("tree");
    TCase *const c = tcase_create("tree");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, what_was_hashed_before_is_appended);
    tcase_add_test(c, roots_are_forgotten_with_the_tree);
    tcase_add_test(c, leaves_are_found_again);
    tcase_add_test(c, leaves_of_a_large_log_are_proven);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
