/* LED-2a where operators meet it: two associations whose ids begin alike. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "admin/next.h"
#include "admin/offers.h"
#include "common/output.h"

static struct out out;
static char *notes;
static size_t notes_len;
static struct mr_charter *charter;
static struct mr_signed_offer *offers;

static void name(struct mr_association *a, uint8_t first, char alias)
{
    memset(a->id, 5, sizeof a->id);
    a->id[3] = first; /* the last one that counts */
    a->id[4] = (uint8_t)alias;
    snprintf(a->name, sizeof a->name, "Association %c", alias);
    snprintf(a->alias, sizeof a->alias, "a%c", alias);
}

static void setup(void)
{
    notes = NULL;
    out_begin(&out, "test", false, false);
    out.notes = open_memstream(&notes, &notes_len);
    charter = calloc(1, sizeof *charter);
    offers = calloc(2, sizeof *offers);
    charter->units_count = charter->associations_count = charter->nodes_count = 1;
    charter->nodes[0].number = 1;
    name(&charter->associations[0], 1, 'x');
    for (int i = 0; i < 2; i++) {
        name(&offers[i].offer.association, (uint8_t)(2 + i), (char)('y' + i));
        memset(offers[i].offer.node.log_key.key, 7 + i, MR_KEY_BYTES);
    }
}

static void teardown(void)
{
    fclose(out.notes);
    free(notes);
    free(charter);
    free(offers);
}

/* Both are named, and what to do. */
static void expect_words(const char *one, const char *other)
{
    fflush(out.notes);
    ck_assert_msg(strstr(notes, one) != NULL, "%s", notes);
    ck_assert_msg(strstr(notes, other) != NULL, "%s", notes);
    ck_assert_msg(strstr(notes, "made again") != NULL, "%s", notes);
}

START_TEST(founding_names_the_two)
{
    const struct offers both = {.items = offers, .count = 2};
    if (_i == 0) {
        ck_assert_int_eq(offers_add(&both, charter, &out), MR_OK);
        ck_assert_uint_eq(charter->associations_count, 3);
        return;
    }
    offers[1].offer.association.id[3] = (uint8_t)_i; /* 1: the founder's, 2: the other offer's */
    ck_assert_int_eq(offers_add(&both, charter, &out), MR_CONFIG);
    expect_words("Association z", _i == 1 ? "Association x" : "Association y");
}
END_TEST

START_TEST(a_change_of_nodes_names_the_two)
{
    struct admin a = {.out = &out, .charter = charter, .genesis = charter};
    struct mr_next_epoch *const n = calloc(1, sizeof *n);
    ck_assert_int_eq(next_add(&a, n, &offers[0].offer), MR_OK);
    if (_i > 0)
        offers[1].offer.association.id[3] = (uint8_t)_i;
    ck_assert_int_eq(next_add(&a, n, &offers[1].offer), _i == 0 ? MR_OK : MR_CONFIG);
    ck_assert_uint_eq(n->associations_count, _i == 0 ? 2 : 1);
    ck_assert_uint_eq(n->seats_count, _i == 0 ? 2 : 1);
    if (_i > 0)
        expect_words("Association z", _i == 1 ? "Association x" : "Association y");
    free(n);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("offers");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, founding_names_the_two, 0, 3);
    tcase_add_loop_test(tc, a_change_of_nodes_names_the_two, 0, 3);
    Suite *const s = suite_create("admin offers");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
