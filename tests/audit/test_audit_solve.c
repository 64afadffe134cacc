/* What sparse elimination gives, against the reduced row echelon form worked out cell by cell. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit/solve.h"

enum { UNKNOWNS = 24, ROWS = 30 };

static uint64_t state;

static uint32_t chance(uint32_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

static uint64_t given[ROWS][UNKNOWNS]; /* as it was put in */
static uint64_t matrix[ROWS][UNKNOWNS];
static bool sources[ROWS][ROWS];

static size_t lead_of(size_t row)
{
    size_t i = 0;
    while (i < UNKNOWNS && matrix[row][i] == 0)
        i++;
    return i;
}

static void eliminate(void)
{
    memcpy(matrix, given, sizeof matrix);
    memset(sources, 0, sizeof sources);
    for (size_t i = 0; i < ROWS; i++)
        sources[i][i] = true;
    for (size_t i = 0; i < ROWS; i++) {
        const size_t lead = lead_of(i);
        const uint64_t one = lead < UNKNOWNS ? solve_inverse(matrix[i][lead]) : 0;
        for (size_t k = 0; k < ROWS && lead < UNKNOWNS; k++) {
            const uint64_t factor = solve_times(matrix[k][lead], one);
            if (k == i || factor == 0)
                continue;
            for (size_t u = 0; u < UNKNOWNS; u++)
                matrix[k][u] = solve_minus(matrix[k][u], solve_times(factor, matrix[i][u]));
            for (size_t s = 0; s < ROWS; s++)
                sources[k][s] = sources[k][s] || sources[i][s];
        }
    }
}

static size_t alone_in(size_t row)
{
    size_t n = 0;
    for (size_t u = 0; u < UNKNOWNS; u++)
        n += matrix[row][u] != 0 ? 1 : 0;
    return n == 1 ? lead_of(row) : SOLVE_NONE;
}

static void put(struct solver *s, size_t from)
{
    solver_begin(s, (uint32_t)from);
    for (size_t i = from; i < ROWS; i++) {
        for (size_t u = 0; u < UNKNOWNS; u++) {
            if (given[i][u] != 0)
                solver_term(s, (uint32_t)u, given[i][u]);
        }
        ck_assert(solver_add(s, (uint32_t)i));
    }
    solver_end(s);
}

static size_t compare(struct solver *s)
{
    size_t found = 0;
    eliminate();
    for (size_t i = 0; i < ROWS; i++) {
        size_t count = 0, wanted = 0;
        ck_assert_uint_eq(solver_gives(s, (uint32_t)i), alone_in(i));
        if (alone_in(i) == SOLVE_NONE)
            continue;
        const uint32_t *const all = solver_sources(s, (uint32_t)i, &count);
        ck_assert_ptr_nonnull(all);
        for (size_t k = 0; k < ROWS; k++)
            wanted += sources[i][k] ? 1 : 0;
        ck_assert_uint_eq(count, wanted);
        for (size_t k = 0; k < count; k++) {
            ck_assert(sources[i][all[k]]);
            sources[i][all[k]] = false; /* each once */
        }
        found++;
    }
    return found;
}

/* Few of many unknowns in a row, or many; numbers as tables have them. */
START_TEST(as_worked_out_cell_by_cell)
{
    static const uint64_t numbers[] = {1, 1, 1, SOLVE_PRIME - 1, 365, SOLVE_PRIME - 31};
    struct solver *const s = solver_create(UNKNOWNS, ROWS);
    size_t found = 0;
    ck_assert_ptr_nonnull(s);
    state = (uint64_t)_i + 1;
    for (int round = 0; round < 60; round++) {
        const uint32_t most = 1 + chance(5);
        memset(given, 0, sizeof given);
        for (size_t i = 0; i < ROWS; i++) {
            for (uint32_t k = chance(most + 1); k > 0; k--)
                given[i][chance(UNKNOWNS)] = numbers[chance(6)];
        }
        put(s, 0);
        found += compare(s);
        /* only what comes behind a row that changes is put in again */
        const size_t at = chance(ROWS);
        given[at][chance(UNKNOWNS)] = 1;
        put(s, at);
        found += compare(s);
    }
    ck_assert_uint_gt(found, 200);
    solver_destroy(s);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("audit solve");
    TCase *const c = tcase_create("solve");
    tcase_add_loop_test(c, as_worked_out_cell_by_cell, 0, 8);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
