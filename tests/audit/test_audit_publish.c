/* Publications: what is blank cannot be computed, bytes are the same everywhere, checks find every
 * change. The elimination here is its own: dense, over all that is published, on fractions modulo
 * another prime than the program's. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/disclosure.h"
#include "audit/figures_read.h"
#include "audit/league.h"
#include "audit/program.h"
#include "common/file.h"

enum { PRIME = 2147483629, CELLS_MAX = 1024, EQUATIONS_MAX = 600 };

static uint64_t inverse(uint64_t a)
{
    uint64_t r = 1;
    for (uint64_t e = PRIME - 2; e > 0; e >>= 1, a = a * a % PRIME)
        r = (e & 1) != 0 ? r * a % PRIME : r;
    return r;
}

/* --- what a reader can solve ------------------------------------------------------------------ */

static uint64_t matrix[EQUATIONS_MAX][CELLS_MAX];
static size_t equations;
static bool blank[CELLS_MAX];
static bool secret[CELLS_MAX]; /* of these: what may not follow */

static void begin_equations(void)
{
    memset(matrix, 0, sizeof matrix);
    equations = 0;
}

static void add_term(size_t cell, int sign)
{
    ck_assert_uint_lt(cell, CELLS_MAX);
    ck_assert_uint_lt(equations, EQUATIONS_MAX);
    matrix[equations][cell] = sign > 0 ? 1 : PRIME - 1;
}

/* One is left, and it is small. */
static bool tells(size_t row)
{
    size_t n = 0, last = 0;
    for (size_t i = 0; i < CELLS_MAX; i++) {
        if (matrix[row][i] == 0)
            continue;
        last = i;
        n++;
    }
    return n == 1 && secret[last];
}

static void clear_column(size_t pivot, size_t cell)
{
    for (size_t k = 0; k < equations; k++) {
        const uint64_t factor = matrix[k][cell];
        for (size_t i = 0; k != pivot && factor != 0 && i < CELLS_MAX; i++)
            matrix[k][i] = (matrix[k][i] + (PRIME - factor) * matrix[pivot][i]) % PRIME;
    }
}

/* Small cells that follow from shown ones. Uses the equations up. */
static size_t solvable(void)
{
    size_t rank = 0, found = 0;
    for (size_t k = 0; k < equations; k++) {
        for (size_t i = 0; i < CELLS_MAX; i++)
            matrix[k][i] = blank[i] ? matrix[k][i] : 0;
    }
    for (size_t cell = 0; cell < CELLS_MAX && rank < equations; cell++) {
        size_t row = rank;
        while (row < equations && matrix[row][cell] == 0)
            row++;
        if (row == equations)
            continue;
        for (size_t i = 0; i < CELLS_MAX; i++) {
            const uint64_t kept = matrix[rank][i];
            matrix[rank][i] = matrix[row][i];
            matrix[row][i] = kept;
        }
        const uint64_t one = inverse(matrix[rank][cell]);
        for (size_t i = 0; i < CELLS_MAX; i++)
            matrix[rank][i] = matrix[rank][i] * one % PRIME;
        clear_column(rank++, cell);
    }
    for (size_t k = 0; k < rank; k++)
        found += tells(k) ? 1 : 0;
    return found;
}

/* --- tables ----------------------------------------------------------------------------------- */

static uint64_t state;

static uint32_t chance(uint32_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

START_TEST(few_or_one_that_dominates)
{
    ck_assert(!disclosure_small(0, 0, 0)); /* nobody: nothing to hide */
    ck_assert(disclosure_small(100, 4, 25));
    ck_assert(!disclosure_small(100, 5, 80));
    ck_assert(disclosure_small(100, 5, 81));
    ck_assert(disclosure_small(-100, 5, 81));
    ck_assert(!disclosure_small(100, MR_STATS_NONE, 100));
}
END_TEST

enum { SIDE = 6, WIDE = SIDE + 1 };

/* Rows and columns of a table with totals; the last of each is the total. */
static void relate(struct disclosure *d, bool equation)
{
    for (size_t line = 0; line < 2 * WIDE; line++) {
        if (!equation)
            disclosure_relation(d, DISCLOSURE_NONE, false);
        for (size_t i = 0; i < WIDE; i++) {
            const size_t cell = line < WIDE ? line * WIDE + i : i * WIDE + line - WIDE;
            if (equation)
                add_term(cell, i == SIDE ? -1 : 1);
            else
                disclosure_term(d, cell, i == SIDE ? -1 : 1, 1);
        }
        equations += equation ? 1 : 0;
    }
}

/* _i is the seed. */
START_TEST(totals_do_not_give_blanks_back)
{
    struct disclosure *d;
    int64_t value[WIDE][WIDE] = {{0}}, members[WIDE][WIDE] = {{0}};
    size_t first = 0, shown = 0;
    state = (uint64_t)_i;
    for (size_t r = 0; r < SIDE; r++) {
        for (size_t c = 0; c < SIDE; c++) {
            members[r][c] = chance(40);
            value[r][c] = members[r][c] * (1 + chance(500));
            members[r][SIDE] += members[r][c];
            members[SIDE][c] += members[r][c];
            members[SIDE][SIDE] += members[r][c];
            value[r][SIDE] += value[r][c];
            value[SIDE][c] += value[r][c];
            value[SIDE][SIDE] += value[r][c];
        }
    }
    ck_assert_int_eq(disclosure_create(&d), MR_OK);
    for (size_t i = 0; i < WIDE * WIDE; i++)
        ck_assert_uint_eq(
            disclosure_cell(d, value[i / WIDE][i % WIDE], (uint32_t)members[i / WIDE][i % WIDE], 0),
            i);
    relate(d, false);
    ck_assert_int_eq(disclosure_protect(d), MR_OK);
    memset(blank, 0, sizeof blank);
    for (size_t i = 0; i < WIDE * WIDE; i++) {
        secret[i] = disclosure_why(d, i) == DISCLOSURE_FEW;
        blank[i] = disclosure_why(d, i) != DISCLOSURE_SHOWN;
        first += disclosure_why(d, i) == DISCLOSURE_FEW ? 1 : 0;
        shown += blank[i] ? 0 : 1;
        const int64_t n = members[i / WIDE][i % WIDE];
        ck_assert(blank[i] || n == 0 || n >= 5);
    }
    begin_equations();
    relate(NULL, true);
    ck_assert_uint_eq(solvable(), 0);
    ck_assert_uint_gt(shown, WIDE); /* and not by hiding it all */
    /* the check itself sees: with the small ones alone blank, some are given back */
    for (size_t i = 0; i < WIDE * WIDE; i++)
        blank[i] = disclosure_why(d, i) == DISCLOSURE_FEW;
    begin_equations();
    relate(NULL, true);
    if (first == 1)
        ck_assert_uint_eq(solvable(), 1);
    disclosure_destroy(d);
}
END_TEST

START_TEST(rates_do_not_give_blanks_back)
{
    struct disclosure *d;
    ck_assert_int_eq(disclosure_create(&d), MR_OK);
    const size_t redeemed = disclosure_cell(d, 70, 2, 50);
    const size_t converted = disclosure_cell(d, 140, 30, 9);
    const size_t rate = disclosure_cell(d, 1, MR_STATS_NONE, 0);
    disclosure_relation(d, rate, false);
    disclosure_term(d, redeemed, 1, 1);
    disclosure_term(d, converted, -1, 2);
    ck_assert_int_eq(disclosure_protect(d), MR_OK);
    ck_assert_int_eq(disclosure_why(d, redeemed), DISCLOSURE_FEW);
    ck_assert_int_eq(disclosure_why(d, converted), DISCLOSURE_SHOWN);
    ck_assert_int_eq(disclosure_why(d, rate), DISCLOSURE_COMPLEMENT);
    disclosure_destroy(d);
}
END_TEST

/* A total without its parts: what gives it would not be seen. */
START_TEST(a_relation_that_does_not_hold_is_our_mistake)
{
    struct disclosure *d;
    ck_assert_int_eq(disclosure_create(&d), MR_OK);
    const size_t paid = disclosure_cell(d, 46, 4, 13), other = disclosure_cell(d, 23, 5, 13);
    disclosure_relation(d, DISCLOSURE_NONE, false);
    disclosure_term(d, paid, -1, 1);
    disclosure_term(d, other, 2, 1);
    ck_assert_int_eq(disclosure_protect(d), MR_OK);
    disclosure_relation(d, DISCLOSURE_NONE, false);
    disclosure_term(d, paid, -1, 1);
    disclosure_protect(d);
}
END_TEST

/* Readers take 46 + 1 for 46; that must not hide what they know to the unit. */
START_TEST(a_guess_hides_nothing_that_holds)
{
    struct disclosure *d;
    ck_assert_int_eq(disclosure_create(&d), MR_OK);
    const size_t paid = disclosure_cell(d, 46, 4, 13), part = disclosure_cell(d, 47, 4, 13);
    const size_t other = disclosure_cell(d, 100, 30, 13), all = disclosure_cell(d, 146, 34, 13);
    disclosure_relation(d, DISCLOSURE_NONE, false);
    disclosure_term(d, paid, 1, 1);
    disclosure_term(d, part, -1, 1);
    disclosure_guess(d);
    disclosure_relation(d, DISCLOSURE_NONE, false);
    disclosure_term(d, paid, 1, 1);
    disclosure_term(d, part, -2, 1);
    disclosure_guess(d);
    disclosure_relation(d, DISCLOSURE_NONE, false);
    disclosure_term(d, paid, 1, 1);
    disclosure_term(d, other, 1, 1);
    disclosure_term(d, all, -1, 1);
    ck_assert_int_eq(disclosure_protect(d), MR_OK);
    ck_assert_int_eq(disclosure_why(d, other), DISCLOSURE_COMPLEMENT);
    disclosure_destroy(d);
}
END_TEST

/* Readers know the rest of it from elsewhere, and the total or not. */
START_TEST(what_is_known_is_told_already)
{
    for (int total = 0; total < 2; total++) {
        struct disclosure *d;
        ck_assert_int_eq(disclosure_create(&d), MR_OK);
        const size_t part = disclosure_cell(d, 46, 4, 13), other = disclosure_cell(d, 100, 30, 13);
        const size_t all = disclosure_cell(d, 146, 34, 13);
        disclosure_relation(d, DISCLOSURE_NONE, false);
        disclosure_term(d, part, 1, 1);
        disclosure_term(d, other, 1, 1);
        disclosure_term(d, all, -1, 1);
        disclosure_know(d, other);
        if (total == 1)
            disclosure_know(d, all);
        ck_assert_int_eq(disclosure_protect(d), MR_OK);
        ck_assert_uint_eq(disclosure_told(d), total == 1 ? 1 : 0);
        ck_assert_int_eq(disclosure_why(d, part), DISCLOSURE_FEW);
        ck_assert_int_eq(disclosure_why(d, all),
                         total == 1 ? DISCLOSURE_SHOWN : DISCLOSURE_COMPLEMENT);
        disclosure_destroy(d);
    }
}
END_TEST

/* Two small cells blank beside a shown total: together they are small too. */
START_TEST(a_neighbour_cannot_subtract_himself)
{
    struct disclosure *d;
    ck_assert_int_eq(disclosure_create(&d), MR_OK);
    const size_t a = disclosure_cell(d, 10, 1, 10), b = disclosure_cell(d, 20, 1, 20);
    const size_t c = disclosure_cell(d, 300, 30, 20), e = disclosure_cell(d, 900, 90, 20);
    const size_t total = disclosure_cell(d, 1230, 122, 20);
    disclosure_relation(d, DISCLOSURE_NONE, false);
    disclosure_term(d, a, 1, 1);
    disclosure_term(d, b, 1, 1);
    disclosure_term(d, c, 1, 1);
    disclosure_term(d, e, 1, 1);
    disclosure_term(d, total, -1, 1);
    ck_assert_int_eq(disclosure_protect(d), MR_OK);
    ck_assert_int_eq(disclosure_why(d, c), DISCLOSURE_COMPLEMENT);
    ck_assert_int_eq(disclosure_why(d, e), DISCLOSURE_SHOWN);
    ck_assert_int_eq(disclosure_why(d, total), DISCLOSURE_SHOWN);
    disclosure_destroy(d);
}
END_TEST

/* --- the program ------------------------------------------------------------------------------ */

/* Five months of a town: 60 residents, 14 shops, 2 associations, one town hall. */
static void write_town(void)
{
    FILE *const pay = fopen(scratch_path(program_dir, "pay.csv"), "w");
    FILE *const who = fopen(scratch_path(program_dir, "who.csv"), "w");
    ck_assert(pay != NULL && who != NULL);
    state = 7;
    fprintf(who, "account,class,trade,town\n");
    for (int i = 0; i < 77; i++)
        fprintf(who, "m%d,%s,%s,%s\n", i,
                i < 60   ? "resident"
                : i < 74 ? "shop"
                : i < 76 ? "association"
                         : "municipality",
                i < 60   ? ""
                : i < 66 ? "bakery"
                : i < 72 ? "market"
                         : "press",
                i % 9 == 0 ? "Upper" : "Lower");
    fprintf(pay, "time,kind,payer,payee,amount\n");
    for (int day = 0; day < 150; day++) {
        for (int n = 0; n < 12; n++) {
            const uint32_t from = chance(77), to = n < 7 ? 60 + chance(14) : chance(77);
            const bool issue = n == 0;
            if (from == to)
                continue;
            fprintf(pay, "2026-%02d-%02d 10:00:%02d,%s,%s%.0u,m%u,%u.%02u\n", day / 30 + 1,
                    day % 28 + 1, n, issue ? "issue" : "pay", issue ? "" : "m", issue ? 0 : from,
                    to, 1 + chance(90), chance(100));
        }
    }
    ck_assert_int_eq(fclose(pay), 0);
    ck_assert_int_eq(fclose(who), 0);
}

static void setup(void)
{
    scratch_make(program_dir);
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "pass"), "correct horse\n", 14, 0600, true), MR_OK);
    ck_assert_int_eq(program_run("keygen k.key --passphrase-file pass"), 0);
    write_town();
}

static void teardown(void)
{
    scratch_remove(program_dir);
}

#define TOWN "--from-csv pay.csv --accounts who.csv --sign k.key --passphrase-file pass "

static bool alike(const struct figure_line *a, const struct figure_line *b)
{
    return strcmp(a->id, b->id) == 0 && strcmp(a->row, b->row) == 0 &&
           strcmp(a->column, b->column) == 0;
}

/* Months add up to the whole: of all that adds up. Balances at the end are the whole's. */
static void add_months(size_t whole)
{
    static const char *const sums[] = {"turnover",   "payments",   "converted", "conversions",
                                       "flow_class", "flow_trade", "opened",    "redeemed"};
    bool adds = false;
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        adds = adds || strcmp(figure_lines[whole].id, sums[i]) == 0;
    if (!adds || strcmp(figure_lines[whole].of, "whole") != 0)
        return;
    add_term(whole, -1);
    for (size_t i = 0; i < figure_lines_count; i++) {
        if (i != whole && alike(&figure_lines[i], &figure_lines[whole]))
            add_term(i, 1);
    }
    equations++;
}

static bool of_month(const struct figure_line *l, const struct figure_line *total, const char *id)
{
    return strcmp(l->id, id) == 0 && strcmp(l->from, total->from) == 0 &&
           strcmp(l->of, total->of) == 0;
}

static void add_parts(size_t total, const char *of, const char *parts, const char *but)
{
    if (strcmp(figure_lines[total].id, of) != 0)
        return;
    add_term(total, -1);
    for (size_t i = 0; i < figure_lines_count; i++) {
        if (of_month(&figure_lines[i], &figure_lines[total], parts) &&
            strcmp(figure_lines[i].row, but) != 0)
            add_term(i, 1);
    }
    equations++;
}

/* Either gives the other. */
static void add_same(size_t one, const char *of, const char *other, const char *row)
{
    if (strcmp(figure_lines[one].id, of) != 0)
        return;
    add_term(one, -1);
    for (size_t i = 0; i < figure_lines_count; i++) {
        if (of_month(&figure_lines[i], &figure_lines[one], other) &&
            strcmp(figure_lines[i].row, row) == 0)
            add_term(i, 1);
    }
    equations++;
}

/* There are two associations and one town hall. */
static bool is_of_few(size_t i)
{
    static const char *const few[] = {"association", "municipality"};
    for (size_t k = 0; k < 2; k++) {
        if (strcmp(figure_lines[i].row, few[k]) == 0 || strcmp(figure_lines[i].column, few[k]) == 0)
            return true;
    }
    return false;
}

START_TEST(what_is_published_gives_no_blank_back)
{
    size_t blanks = 0;
    ck_assert_int_eq(program_run("publish out " TOWN "--by month"), 0);
    figures_read("out/figures.csv");
    ck_assert_uint_lt(figure_lines_count, CELLS_MAX);
    memset(blank, 0, sizeof blank);
    for (size_t i = 0; i < figure_lines_count; i++) {
        blank[i] = strcmp(figure_lines[i].state, "suppressed") == 0;
        ck_assert(!blank[i] || figure_lines[i].value[0] == '\0');
        blanks += blank[i] ? 1 : 0;
    }
    ck_assert_uint_gt(blanks, 0);
    ck_assert_uint_lt(blanks * 2, figure_lines_count);
    begin_equations();
    for (size_t i = 0; i < figure_lines_count; i++) {
        secret[i] = blank[i] && is_of_few(i);
        add_months(i);
        add_parts(i, "turnover", "flow_class", "");
        add_parts(i, "turnover", "flow_trade", "");
        add_parts(i, "mass", "mass_class", "issuer");
        add_same(i, "mass", "mass_class", "issuer");
        add_same(i, "mass", "law_outstanding_share", "");
        add_same(i, "law_outstanding_share", "law_outstanding_date", "");
        add_same(i, "law_payments_12m", "law_payments_share", "");
    }
    ck_assert_uint_eq(solvable(), 0);
    for (size_t i = 0; i < figure_lines_count; i++) /* the town hall is one */
        ck_assert(strcmp(figure_lines[i].row, "municipality") != 0 || blank[i] ||
                  strcmp(figure_lines[i].value, "0") == 0 || figure_lines[i].value[0] == '\0');
}
END_TEST

/* Two members and all that can be told of them: no number of money is left. */
START_TEST(of_few_nothing_of_money_is_left)
{
    static const char few[] = "time,kind,payer,payee,amount\n2026-01-05,issue,,a,777\n"
                              "2026-02-06,pay,a,b,333\n2026-03-07,redeem,b,,111\n";
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "few.csv"), few, sizeof few - 1, 0600, true), MR_OK);
    ck_assert_int_eq(
        program_run("publish out --from-csv few.csv --sign k.key --passphrase-file pass"), 0);
    figures_read("out/figures.csv");
    for (size_t i = 0; i < figure_lines_count; i++)
        ck_assert_msg(strcmp(figure_lines[i].state, "value") != 0 ||
                          strtod(figure_lines[i].value, NULL) == 0.0,
                      "%s %s %s", figure_lines[i].id, figure_lines[i].from, figure_lines[i].value);
}
END_TEST

static const char *const all_files[] = {
    "figures.csv",      "figures.json",   "dictionary.csv", "dictionary.json",
    "datapackage.json", "statement.json", "statement.sig",  NULL};

static void same_files(const char *one, const char *other)
{
    for (const char *const *name = all_files; *name != NULL; name++) {
        char path[64];
        uint8_t *a, *b;
        size_t a_len, b_len;
        snprintf(path, sizeof path, "%s/%s", one, *name);
        ck_assert_int_eq(file_read(&a, &a_len, scratch_path(program_dir, path), 1 << 24), MR_OK);
        snprintf(path, sizeof path, "%s/%s", other, *name);
        ck_assert_int_eq(file_read(&b, &b_len, scratch_path(program_dir, path), 1 << 24), MR_OK);
        ck_assert_uint_eq(a_len, b_len);
        ck_assert_mem_eq(a, b, a_len);
        free(a);
        free(b);
    }
}

START_TEST(two_machines_make_the_same_bytes)
{
    ck_assert_int_eq(program_run("publish a " TOWN "-t 1"), 0);
    ck_assert_int_eq(mkdir(scratch_path(program_dir, "elsewhere"), 0700), 0);
    ck_assert_int_eq(program_run("publish elsewhere/b --lang fr -t 3 " TOWN), 0);
    same_files("a", "elsewhere/b");
}
END_TEST

/* Books of nodes that settled the same in other turns; so few paid that their turnover is blank. */
START_TEST(every_book_makes_the_same_bytes)
{
    static struct ring r;
    char line[256], day[16];
    league_tell(&r);
    program_nodes(&r);
    ring_done(&r);
    /* days that orders may still come to are published when they are asked for alone */
    ck_assert_int_eq(program_run("publish a node1 --sign k.key --passphrase-file pass"), 2);
    program_said("no whole period of this ledger is final yet");
    const char *const to = strstr(program_trouble(), "--to ");
    ck_assert_ptr_nonnull(to);
    snprintf(day, sizeof day, "%.15s", to);
    for (int i = 0; i < 2; i++) {
        snprintf(line, sizeof line, "publish %s node%d %s --sign k.key --passphrase-file pass",
                 i == 0 ? "a" : "b", i + 1, day);
        ck_assert_int_eq(program_run(line), 0);
        program_said("may still come");
    }
    same_files("a", "b");
    figures_read("a/figures.csv");
    for (size_t i = 0; i < figure_lines_count; i++) {
        if (strcmp(figure_lines[i].id, "turnover") == 0)
            ck_assert_str_eq(figure_lines[i].state, "suppressed");
    }
}
END_TEST

/* Weeks that are over and final stand in it, and no day behind them. */
START_TEST(weeks_that_are_final)
{
    static struct ring r;
    league_tell(&r);
    r.w.now_ms += 40 * (uint64_t)MR_DAY_MS;
    ring_wait(&r, 15000);
    ck_assert_int_eq(ring_pay(&r, 0, 0, 1, 3), MR_SETTLED);
    ring_wait(&r, 2000);
    program_nodes(&r);
    ring_done(&r);
    json_t *const o =
        program_json("publish w node1 --by week --json --sign k.key --passphrase-file pass", 0);
    const char *const behind = json_string_value(json_object_get(o, "left_out_from"));
    ck_assert_ptr_nonnull(behind);
    figures_read("w/figures.csv");
    ck_assert_uint_gt(figure_lines_count, 50);
    for (size_t i = 0; i < figure_lines_count; i++)
        ck_assert_int_lt(strcmp(figure_lines[i].from, behind), 0);
    json_decref(o);
    /* what is asked for is there */
    ck_assert_int_eq(program_run("publish all node1 --by week --to 2100-01-01 --sign k.key "
                                 "--passphrase-file pass"),
                     2);
    program_said("more than 600 periods");
}
END_TEST

/* Nobody pays any more: a year is not over because its last payment is final. */
START_TEST(a_quiet_ledger)
{
    static struct ring r;
    league_tell(&r);
    r.w.now_ms += 40 * (uint64_t)MR_DAY_MS;
    ring_wait(&r, 15000);
    ck_assert_int_eq(ring_open(&r, 0, MR_CLASS_SHOP), MR_SETTLED);
    ring_wait(&r, 2000);
    program_nodes(&r);
    ring_done(&r);
    ck_assert_int_eq(program_run("publish y node1 --by year --sign k.key --passphrase-file pass"),
                     2);
    program_said("no whole period of this ledger is final yet");
    ck_assert_int_eq(program_run("publish d node1 --by week --sign k.key --passphrase-file pass"),
                     0);
}
END_TEST

/* Any byte of any file. */
START_TEST(a_check_finds_every_change)
{
    static const char *const names[] = {"p/figures.csv",      "p/figures.json",
                                        "p/dictionary.csv",   "p/dictionary.json",
                                        "p/datapackage.json", "p/statement.json"};
    ck_assert_int_eq(program_run("publish p " TOWN), 0);
    ck_assert_int_eq(program_run("publish --check p"), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint8_t *bytes;
        size_t n;
        const char *const path = scratch_path(program_dir, names[i]);
        ck_assert_int_eq(file_read(&bytes, &n, path, 1 << 24), MR_OK);
        bytes[n / 2] ^= 1;
        ck_assert_int_eq(file_write(path, bytes, n, 0644, true), MR_OK);
        ck_assert_int_eq(program_run("publish --check p"), 5);
        bytes[n / 2] ^= 1;
        ck_assert_int_eq(file_write(path, bytes, n, 0644, true), MR_OK);
        free(bytes);
    }
    ck_assert_int_eq(program_run("publish --check p"), 0);
    ck_assert_int_eq(file_write(scratch_path(program_dir, "p/more"), "x", 1, 0644, true), MR_OK);
    ck_assert_int_eq(program_run("publish --check p"), 5);
    ck_assert_int_eq(unlink(scratch_path(program_dir, "p/more")), 0);
    ck_assert_int_eq(unlink(scratch_path(program_dir, "p/figures.csv")), 0);
    ck_assert_int_eq(program_run("publish --check p"), 5);
    program_said("figures.csv was signed and is missing");
    ck_assert_int_eq(mkdir(scratch_path(program_dir, "p/figures.csv"), 0700), 0);
    ck_assert_int_eq(program_run("publish --check p"), 5);
    program_said("figures.csv is not what was signed");
}
END_TEST

/* Not a publication at all, or not all of one. */
START_TEST(a_check_says_what_is_missing)
{
    ck_assert_int_eq(program_run("publish p " TOWN), 0);
    ck_assert_int_eq(unlink(scratch_path(program_dir, "p/statement.sig")), 0);
    ck_assert_int_eq(program_run("publish --check p"), 5);
    program_said("p holds no publication: statement.sig is missing");
    ck_assert_int_eq(mkdir(scratch_path(program_dir, "e"), 0700), 0);
    ck_assert_int_eq(program_run("publish --check e"), 5);
    program_said("e holds no publication: statement.json is missing");
    ck_assert_int_eq(program_run("publish --check nowhere"), 4);
    program_said("there is no directory nowhere");
    ck_assert_int_eq(program_run("publish --check pay.csv"), 2);
    program_said("pay.csv is no directory");
    ck_assert_int_eq(program_run("publish '' " TOWN), 2);
    program_said("give the directory a name");
}
END_TEST

START_TEST(whose_signature_it_is)
{
    char words[256];
    ck_assert_int_eq(program_run("publish p " TOWN), 0);
    json_t *const o = program_json("publish --json --check p", 0);
    snprintf(words, sizeof words, "publish --check p --public-key %s", json_words(o, "public_key"));
    ck_assert_int_eq(program_run(words), 0);
    char *const last = words + strlen(words) - 1;
    *last = *last == '0' ? '1' : '0';
    ck_assert_int_eq(program_run(words), 5);
    json_decref(o);
}
END_TEST

START_TEST(nothing_is_replaced_unasked)
{
    ck_assert_int_eq(program_run("publish p " TOWN), 0);
    ck_assert_int_eq(program_run("publish p " TOWN), 1);
    ck_assert_int_eq(program_run("publish p --force " TOWN), 0);
    ck_assert_int_eq(program_run("publish --check p"), 0);
    ck_assert_int_eq(mkdir(scratch_path(program_dir, "mine"), 0700), 0);
    ck_assert_int_eq(file_write(scratch_path(program_dir, "mine/a"), "x", 1, 0644, true), MR_OK);
    ck_assert_int_eq(program_run("publish mine --force " TOWN), 1);
    ck_assert(file_exists(scratch_path(program_dir, "mine/a")));
    ck_assert_int_eq(program_run("publish no/such/place " TOWN), 4);
    ck_assert_int_eq(program_run("publish q --from-csv pay.csv"), 2);
    ck_assert_int_eq(program_run("publish q --by day " TOWN), 2);
    ck_assert_int_eq(program_run("publish q --licence 'a b' " TOWN), 2);
    ck_assert(!file_exists(scratch_path(program_dir, "q")));
}
END_TEST

/* Trouble of this host, not of the node; nothing half published. */
START_TEST(no_room)
{
    char line[1280];
    snprintf(line, sizeof line, "(ulimit -f 8; '%s/mereau-audit' publish p " TOWN ")",
             MEREAU_BIN_DIR);
    ck_assert_int_eq(program_shell(line), 4);
    ck_assert_ptr_nonnull(strstr(program_output, "the disk is full"));
    ck_assert(!file_exists(scratch_path(program_dir, "p")));
    snprintf(line, sizeof line, "(ulimit -f 8; '%s/mereau-audit' report --html r.html %s)",
             MEREAU_BIN_DIR, "--from-csv pay.csv --accounts who.csv");
    ck_assert_int_eq(program_shell(line), 4);
    ck_assert(!file_exists(scratch_path(program_dir, "r.html")));
    ck_assert(!file_exists(scratch_path(program_dir, "r.html.tmp")));
    ck_assert_int_eq(program_run("stats --from-csv pay.csv --from 2030-01-01"), 2);
}
END_TEST

/* What readers have is looked at: named, or about to be replaced. The order changes no byte. */
START_TEST(beside_what_was_published_before)
{
    ck_assert_int_eq(program_run("publish w --by week " TOWN), 0);
    ck_assert_int_eq(program_run("publish cut " TOWN "--beside w"), 0); /* weeks cut months */
    ck_assert_int_eq(program_run("publish m --to 2026-04-30 " TOWN "--beside nothing"), 4);
    ck_assert_int_eq(program_run("publish one --to 2026-03-31 " TOWN), 0);
    ck_assert_int_eq(program_run("publish two --to 2026-04-30 " TOWN "--beside one"), 0);
    ck_assert_int_eq(program_run("publish a " TOWN "--beside one --beside two"), 0);
    ck_assert_int_eq(program_run("publish b " TOWN "--beside two --beside one --beside two"), 0);
    same_files("a", "b");
    ck_assert_int_eq(program_run("publish two --force " TOWN "--beside one"), 0);
    same_files("a", "two");
    figures_read("a/figures.csv");
    ck_assert(figures_shown("turnover", "whole", "2026-01-01"));
    ck_assert_int_eq(file_write(scratch_path(program_dir, "one/figures.csv"), "x", 1, 0644, true),
                     MR_OK);
    ck_assert_int_eq(program_run("publish c " TOWN "--beside one"), 5);
}
END_TEST

/* One bakery becomes a press: what the trades paid before is not told anew, all else is. */
START_TEST(a_shop_that_changed_its_trade)
{
    char line[512];
    size_t kept = 0, told = 0;
    ck_assert_int_eq(program_run("publish one --to 2026-03-31 " TOWN), 0);
    snprintf(line, sizeof line, "sed s/m60,shop,bakery/m60,shop,press/ '%s' >'%s'",
             scratch_path(program_dir, "who.csv"), "new.csv");
    ck_assert_int_eq(program_shell(line), 0);
    ck_assert_int_eq(program_run("publish two --from-csv pay.csv --accounts new.csv --sign k.key "
                                 "--passphrase-file pass --beside one"),
                     0);
    figures_read("two/figures.csv");
    ck_assert(figures_shown("turnover", "period", "2026-01-01"));
    for (size_t i = 0; i < figure_lines_count; i++) {
        const bool press = strcmp(figure_lines[i].row, "press") == 0 ||
                           strcmp(figure_lines[i].column, "press") == 0;
        if (strcmp(figure_lines[i].id, "flow_trade") != 0 || !press)
            continue;
        const bool old = strcmp(figure_lines[i].from, "2026-04-01") < 0 &&
                         strcmp(figure_lines[i].of, "period") == 0;
        const bool value = strcmp(figure_lines[i].state, "value") == 0;
        ck_assert(!old || !value || strcmp(figure_lines[i].value, "0") == 0);
        kept += old ? 1 : 0;
        told += !old && value ? 1 : 0;
    }
    ck_assert_uint_gt(kept, 0);
    ck_assert_uint_gt(told, 0);
}
END_TEST

/* Of accounts one by one; m63 pays nobody for three months, and each month more is paid to it. */
START_TEST(accounts_one_by_one)
{
    static const char some[] =
        "time,kind,payer,payee,amount\n2026-01-01,issue,,m1,900\n2026-01-02,pay,m1,m63,10\n"
        "2026-02-02,pay,m1,m63,20\n2026-03-02,pay,m1,m63,30\n2026-03-03,pay,m1,m64,50\n"
        "2026-03-04,pay,m64,m65,40\n2026-03-05,pay,m2,m65,1\n";
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "some.csv"), some, sizeof some - 1, 0600, true),
        MR_OK);
#define SOME "stats --json --from-csv some.csv --accounts who.csv --list "
    static const struct {
        const char *words, *first;
        size_t count;
    } rows[] = {{SOME "shops", "m63", 3},
                {SOME "shops --below 81", "m63", 3},
                {SOME "shops --below 80", "m63", 2},
                {SOME "blocked", "m63", 1},
                {SOME "inactive --days 2", "m1", 2},
                {SOME "inactive", "", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *const o = program_json(rows[i].words, 0);
        const json_t *const all = json_object_get(o, "accounts");
        ck_assert_msg(json_array_size(all) == rows[i].count, "%s: %zu", rows[i].words,
                      json_array_size(all));
        if (rows[i].count > 0)
            ck_assert_str_eq(json_words(json_array_get(all, 0), "account"), rows[i].first);
        json_decref(o);
    }
    ck_assert_int_eq(program_run(SOME "all"), 2);
    ck_assert_int_eq(program_run(SOME "blocked --below 20"), 2);
    ck_assert_int_eq(program_run("stats --from-csv some.csv --days 3"), 2);
    ck_assert_int_eq(program_run("stats --from-csv some.csv --list shops --csv"), 2);
    ck_assert_int_eq(program_run("stats --from-csv some.csv --accounts who.csv --list blocked"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "m63"));
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("tables"), *const program = tcase_create("program");
    tcase_add_test(tc, few_or_one_that_dominates);
    tcase_add_loop_test(tc, totals_do_not_give_blanks_back, 1, 60);
    tcase_add_test(tc, rates_do_not_give_blanks_back);
    tcase_add_test_raise_signal(tc, a_relation_that_does_not_hold_is_our_mistake, SIGABRT);
    tcase_add_test(tc, a_guess_hides_nothing_that_holds);
    tcase_add_test(tc, what_is_known_is_told_already);
    tcase_add_test(tc, a_neighbour_cannot_subtract_himself);
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(program, setup, teardown);
    tcase_set_timeout(program, 180);
    tcase_add_test(program, what_is_published_gives_no_blank_back);
    tcase_add_test(program, of_few_nothing_of_money_is_left);
    tcase_add_test(program, two_machines_make_the_same_bytes);
    tcase_add_test(program, every_book_makes_the_same_bytes);
    tcase_add_test(program, weeks_that_are_final);
    tcase_add_test(program, a_quiet_ledger);
    tcase_add_test(program, a_check_finds_every_change);
    tcase_add_test(program, a_check_says_what_is_missing);
    tcase_add_test(program, whose_signature_it_is);
    tcase_add_test(program, nothing_is_replaced_unasked);
    tcase_add_test(program, beside_what_was_published_before);
    tcase_add_test(program, a_shop_that_changed_its_trade);
    tcase_add_test(program, accounts_one_by_one);
    tcase_add_test(program, no_room);
    Suite *const s = suite_create("audit publish");
    suite_add_tcase(s, tc);
    suite_add_tcase(s, program);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
