/* The auditor's own tree against the known vectors of RFC 6962 implementations, and against a plain
 * recursion written from the RFC's definition; its paths against the node's. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "audit/state.h"

static void *get(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void put(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static const struct mr_mem mem = {get, put, NULL};

/* The eight leaves of the reference test of Certificate Transparency. */
static const struct {
    const char *leaf, *root;
} reference[] = {
    {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
    {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
    {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
    {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
    {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
    {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
    {"606162636465666768696a6b6c6d6e6f",
     "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

START_TEST(reference_roots)
{
    struct mri_aud_tree t = {0};
    uint8_t root[32], want[32];
    ck_assert(mri_aud_tree_root(&t, root, 0));
    sodium_hex2bin(want, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 64,
                   NULL, NULL, NULL);
    ck_assert_mem_eq(root, want, 32);
    for (size_t i = 0; i < sizeof reference / sizeof *reference; i++) {
        uint8_t leaf[16], h[32];
        size_t n = 0;
        sodium_hex2bin(leaf, sizeof leaf, reference[i].leaf, strlen(reference[i].leaf), NULL, &n,
                       NULL);
        mri_aud_leaf_hash(h, leaf, n);
        ck_assert_int_eq(mri_aud_tree_add(&t, &mem, h), MR_OK);
        ck_assert(mri_aud_tree_root(&t, root, i + 1));
        sodium_hex2bin(want, 32, reference[i].root, 64, NULL, NULL, NULL);
        ck_assert_mem_eq(root, want, 32);
    }
    mri_aud_tree_done(&t, &mem);
}
END_TEST

/* RFC 6962 section 2.1 word by word. */
static void recursion(uint8_t ret[32], uint8_t (*leaves)[32], size_t n)
{
    uint8_t left[32], right[32];
    size_t k = 1;
    if (n == 1) {
        memcpy(ret, leaves[0], 32);
        return;
    }
    while (k * 2 < n)
        k *= 2;
    recursion(left, leaves, k);
    recursion(right, leaves + k, n - k);
    mri_aud_node_hash(ret, left, right);
}

/* Section 2.1.1: the path of leaf m of n. */
static uint32_t path_of(struct mr_hash *ret, size_t m, uint8_t (*leaves)[32], size_t n)
{
    size_t k = 1;
    if (n == 1)
        return 0;
    while (k * 2 < n)
        k *= 2;
    const bool low = m < k;
    const uint32_t count =
        low ? path_of(ret, m, leaves, k) : path_of(ret, m - k, leaves + k, n - k);
    if (low)
        recursion(ret[count].h, leaves + k, n - k);
    else
        recursion(ret[count].h, leaves, k);
    return count + 1;
}

enum { LEAVES = 70 };

START_TEST(every_recent_size_has_its_root)
{
    static uint8_t leaves[LEAVES][32];
    struct mri_aud_tree t = {0};
    uint8_t root[32], want[32];
    for (size_t i = 0; i < LEAVES; i++) {
        mri_aud_leaf_hash(leaves[i], (const uint8_t *)&i, sizeof i);
        ck_assert_int_eq(mri_aud_tree_add(&t, &mem, leaves[i]), MR_OK);
        for (size_t n = 1; n <= i + 1; n++) {
            ck_assert(mri_aud_tree_root(&t, root, n));
            recursion(want, leaves, n);
            ck_assert_mem_eq(root, want, 32);
        }
    }
    mri_aud_tree_done(&t, &mem);
}
END_TEST

START_TEST(sizes_too_long_ago_are_not_known)
{
    struct mri_aud_tree t = {0};
    uint8_t h[32] = {0}, root[32], back[32];
    for (size_t i = 0; i < MRI_AUD_WINDOW; i++)
        ck_assert_int_eq(mri_aud_tree_add(&t, &mem, h), MR_OK);
    ck_assert(mri_aud_tree_root(&t, back, MRI_AUD_WINDOW - 1));
    for (size_t i = 0; i < MRI_AUD_WINDOW - 1; i++)
        ck_assert_int_eq(mri_aud_tree_add(&t, &mem, h), MR_OK);
    ck_assert(mri_aud_tree_root(&t, root, MRI_AUD_WINDOW - 1));
    ck_assert_mem_eq(root, back, 32);
    ck_assert(!mri_aud_tree_root(&t, root, MRI_AUD_WINDOW - 2));
    mri_aud_tree_done(&t, &mem);
}
END_TEST

START_TEST(paths_lead_to_the_root)
{
    static uint8_t leaves[LEAVES][32];
    for (size_t i = 0; i < LEAVES; i++)
        mri_aud_leaf_hash(leaves[i], (const uint8_t *)&i, sizeof i);
    for (size_t n = 1; n <= LEAVES; n++) {
        uint8_t want[32], root[32];
        recursion(want, leaves, n);
        for (size_t m = 0; m < n; m++) {
            struct mr_hash path[MR_PATH_MAX];
            const uint32_t count = path_of(path, m, leaves, n);
            ck_assert(mri_aud_path_root(root, leaves[m], m, n, path, count));
            ck_assert_mem_eq(root, want, 32);
            ck_assert(!mri_aud_path_root(root, leaves[m], m, n, path, count + 1));
            if (count > 0)
                ck_assert(!mri_aud_path_root(root, leaves[m], m, n, path, count - 1));
        }
        ck_assert(!mri_aud_path_root(root, leaves[0], n, n, NULL, 0));
    }
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("tree");
    tcase_add_test(tc, reference_roots);
    tcase_add_test(tc, every_recent_size_has_its_root);
    tcase_add_test(tc, sizes_too_long_ago_are_not_known);
    tcase_add_test(tc, paths_lead_to_the_root);
    Suite *const s = suite_create("audit tree");
    suite_add_tcase(s, tc);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
