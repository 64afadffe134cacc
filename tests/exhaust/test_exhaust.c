/* Every history of one slot: two values never settle; without a rule they do.
 *
 *   test_exhaust                                 the rows below
 *   test_exhaust NODES LIARS QUORUM BALLOTS VALUES [proofs] [reduced] [any-subset]
 *                                                one world, for figures by hand */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exhaust.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOW = 1 };
#else
enum { SLOW = 0 };
#endif

static const char *const RULES[] = {
    [WITHOUT_NOTHING] = "all rules",     [WITHOUT_SECOND_PHASE] = "settled at q votes",
    [WITHOUT_VOTE_ONCE] = "votes again", [WITHOUT_PROMISE] = "acknowledges below a promise",
    [WITHOUT_TRUTH] = "reports less",    [WITHOUT_HIGHEST] = "any reported certificate",
    [WITHOUT_QUORUM] = "q - 1 reports",  [WITHOUT_SEEN_VOTES] = "certificates unseen",
};

/* As far as the nodes tolerate: never two values. */
static const struct world SAFE[] = {
    {.nodes = 1, .liars = 0, .quorum = 1, .ballots = 3, .values = 3},
    {.nodes = 2, .liars = 0, .quorum = 2, .ballots = 3, .values = 3},
    {.nodes = 2, .liars = 1, .quorum = 2, .ballots = 3, .values = 3, .proofs = true},
    {.nodes = 3, .liars = 0, .quorum = 2, .ballots = 2, .values = 3},
    {.nodes = 3, .liars = 0, .quorum = 2, .ballots = 2, .values = 2, .any_subset = true},
    {.nodes = 3, .liars = 0, .quorum = 2, .ballots = 3, .values = 3, .reduced = true},
    {.nodes = 3, .liars = 0, .quorum = 3, .ballots = 3, .values = 3},
    {.nodes = 3, .liars = 1, .quorum = 3, .ballots = 2, .values = 3},
    {.nodes = 3, .liars = 2, .quorum = 3, .ballots = 2, .values = 2},
    {.nodes = 4, .liars = 1, .quorum = 3, .ballots = 2, .values = 3},
    {.nodes = 4, .liars = 1, .quorum = 3, .ballots = 2, .values = 2, .any_subset = true},
    {.nodes = 4, .liars = 1, .quorum = 3, .ballots = 3, .values = 3, .reduced = true},
    {.nodes = 4,
     .liars = 1,
     .quorum = 3,
     .ballots = 3,
     .values = 3,
     .reduced = true,
     .proofs = true},
    {.nodes = 4, .liars = 2, .quorum = 4, .ballots = 2, .values = 2},
    /* A second vote alone does no harm: nobody counts both, nor a certificate it has not seen. */
    {.nodes = 3,
     .liars = 0,
     .quorum = 2,
     .ballots = 2,
     .values = 2,
     .reduced = true,
     .without = WITHOUT_VOTE_ONCE},
};

/* One liar too many, or a rule less: two values. */
static const struct world UNSAFE[] = {
    {.nodes = 3, .liars = 1, .quorum = 2, .ballots = 2, .values = 3},
    {.nodes = 4, .liars = 2, .quorum = 3, .ballots = 2, .values = 2},
    {.nodes = 3,
     .liars = 0,
     .quorum = 2,
     .ballots = 2,
     .values = 2,
     .without = WITHOUT_SECOND_PHASE},
    {.nodes = 4,
     .liars = 1,
     .quorum = 3,
     .ballots = 2,
     .values = 2,
     .without = WITHOUT_SECOND_PHASE},
    {.nodes = 3,
     .liars = 0,
     .quorum = 2,
     .ballots = 2,
     .values = 2,
     .reduced = true,
     .proofs = true,
     .without = WITHOUT_VOTE_ONCE},
    {.nodes = 3, .liars = 0, .quorum = 2, .ballots = 2, .values = 2, .without = WITHOUT_PROMISE},
    {.nodes = 4, .liars = 1, .quorum = 3, .ballots = 2, .values = 2, .without = WITHOUT_PROMISE},
    {.nodes = 3, .liars = 0, .quorum = 2, .ballots = 2, .values = 2, .without = WITHOUT_TRUTH},
    {.nodes = 4, .liars = 1, .quorum = 3, .ballots = 2, .values = 2, .without = WITHOUT_TRUTH},
    {.nodes = 3,
     .liars = 0,
     .quorum = 2,
     .ballots = 3,
     .values = 2,
     .reduced = true,
     .without = WITHOUT_HIGHEST},
    {.nodes = 3, .liars = 0, .quorum = 2, .ballots = 2, .values = 2, .without = WITHOUT_QUORUM},
    {.nodes = 4, .liars = 1, .quorum = 3, .ballots = 2, .values = 2, .without = WITHOUT_QUORUM},
    {.nodes = 4, .liars = 1, .quorum = 3, .ballots = 2, .values = 2, .without = WITHOUT_SEEN_VOTES},
};

enum { SAFE_COUNT = sizeof SAFE / sizeof SAFE[0], UNSAFE_COUNT = sizeof UNSAFE / sizeof UNSAFE[0] };

static void run(struct search *x, const struct world *w)
{
    search_run(x, w);
    printf("n=%u f=%u q=%u, %u ballots, %u values, %s%s%s%s: %zu states, %zu views, %s", w->nodes,
           w->liars, w->quorum, w->ballots, w->values, RULES[w->without],
           w->proofs ? ", proofs" : "", w->reduced ? ", reduced" : "",
           w->any_subset ? ", any subset" : "", x->states_count, x->views.count,
           x->doubled ? "TWO VALUES SETTLE\n" : "never two");
    if (x->doubled)
        search_print(x);
    else if (x->stuck_known)
        printf(", %zu stuck\n", x->stuck);
    else
        printf("\n");
    fflush(stdout);
}

/* Whether some state of the search has one of the deeds for every ballot. */
static bool met_in_every_ballot(const struct search *x)
{
    for (uint32_t ballot = 0; ballot < x->w.ballots; ballot++) {
        bool met = false;
        for (uint32_t value = 0; value < x->w.values; value++)
            met = met || (x->met & DEED_SETTLED(pair_of(ballot, value))) != 0;
        if (!met)
            return false;
    }
    return true;
}

START_TEST(at_most_one_value_settles)
{
    struct search x;
    struct world w = SAFE[_i];
    if (SLOW && w.reduced && w.liars > 0 && w.ballots > 2)
        w.ballots = 2;
    run(&x, &w);
    ck_assert(!x.doubled);
    ck_assert_uint_eq(x.at, x.states_count);
    /* It was not for want of trying. */
    ck_assert(met_in_every_ballot(&x));
    ck_assert((x.met & DEED_FORCED) != 0);
    /* No dead end, once all has been read. What a liar showed to one node only, that node must show
     * on; without, the next ballot may find no quorum of reports that count. */
    if (w.without == WITHOUT_NOTHING && (w.liars == 0 || w.proofs))
        ck_assert_uint_eq(x.stuck, 0);
    ck_assert(x.stuck_known == (w.nodes - w.liars >= w.quorum));
    search_done(&x);
}
END_TEST

START_TEST(two_values_are_found)
{
    struct search x;
    run(&x, &UNSAFE[_i]);
    ck_assert(x.doubled);
    search_done(&x);
}
END_TEST

static uint32_t number(const char *text, uint32_t most)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || n > most) {
        fprintf(stderr, "test_exhaust: %s: at most %u\n", text, most);
        exit(2);
    }
    return (uint32_t)n;
}

static int run_one(int argc, char **argv)
{
    struct world w = {
        .nodes = number(argv[1], NODES_MAX),
        .liars = number(argv[2], NODES_MAX - 1),
        .quorum = number(argv[3], NODES_MAX),
        .ballots = number(argv[4], BALLOTS_MAX),
        .values = number(argv[5], VALUES_MAX),
    };
    struct search x;
    for (int i = 6; i < argc; i++) {
        w.proofs = w.proofs || strcmp(argv[i], "proofs") == 0;
        w.reduced = w.reduced || strcmp(argv[i], "reduced") == 0;
        w.any_subset = w.any_subset || strcmp(argv[i], "any-subset") == 0;
    }
    run(&x, &w);
    const bool doubled = x.doubled;
    search_done(&x);
    return doubled ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc >= 6)
        return run_one(argc, argv);
    Suite *s = suite_create("exhaust");
    TCase *c = tcase_create("exhaust");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, at_most_one_value_settles, 0, SAFE_COUNT);
    tcase_add_loop_test(c, two_values_are_found, 0, UNSAFE_COUNT);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
