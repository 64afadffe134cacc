/* mereau-audit export of books of several nodes, of nodes that joined later, and of one whose
 * bodies were erased. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/league.h"
#include "audit/lies.h"
#include "audit/program.h"
#include "audit/source.h"
#include "common/file.h"
#include "mereau/codec.h"

static struct ring r;
static struct world w;
static struct book book;

static void league(void)
{
    scratch_make(program_dir);
    league_tell(&r);
    program_nodes(&r);
}

static void joined(void)
{
    scratch_make(program_dir);
    program_joined(&r);
}

static void teardown(void)
{
    ring_done(&r);
    scratch_remove(program_dir);
}

/* Rows of a table but for what a node alone knows, sorted. */
static void export_sorted(const char *source, const char *table, const char *to)
{
    char command[512];
    snprintf(command, sizeof command, "export --format csv --table %s --output - %s >rows", table,
             source);
    ck_assert_int_eq(program_run(command), 0);
    snprintf(command, sizeof command, "cut -d, -f%s rows | sort >%s",
             strcmp(table, "orders") == 0 ? "1-5,7-11" : "1-", to);
    ck_assert_int_eq(program_shell(command), 0);
}

/* --- several nodes ------------------------------------------------------------------------------
 */

START_TEST(every_node_s_book_has_the_same_rows)
{
    static const char *const tables[] = {"orders", "postings", "movements", "balances", "accounts"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        export_sorted("node1", tables[i], "a");
        ck_assert_int_eq(program_shell("test $(wc -l <a) -gt 5"), 0);
        for (unsigned n = 2; n <= 4; n++) {
            char name[16];
            snprintf(name, sizeof name, "node%u", n);
            export_sorted(name, tables[i], "b");
            ck_assert_msg(program_shell("cmp a b") == 0, "%s of %s", tables[i], name);
        }
    }
}
END_TEST

START_TEST(hledger_balances_every_node_s_book)
{
    char command[128];
    snprintf(command, sizeof command, "export --format hledger --output x.journal node%d", _i);
    ck_assert_int_eq(program_run(command), 0);
    ck_assert_int_eq(program_shell("hledger -f x.journal check --strict"), 0);
    ck_assert_int_eq(program_shell("ledger -f x.journal --pedantic bal"), 0);
    ck_assert_int_eq(program_shell("! grep -q unknown: x.journal"), 0);
}
END_TEST

/* A node that broke the rules is no fault of the book. */
START_TEST(a_convicted_node_does_not_stop_it)
{
    static struct book told;
    static struct doctor d;
    book_read(&book, r.nodes[0].journal);
    doctor_load(&d, &r, 1, &book);
    league_lie_named(lies_of_league, "peer votes twice")->tell(&d);
    doctor_write(&d, &told);
    book_done(&book);
    book = told;
    program_directory(&book, &r.w.charter, 1, "liar");
    book_done(&book);
    doctor_done(&d);
    ck_assert_int_eq(program_run("verify liar"), 0);
    json_t *const o = program_json("export --json --format csv --output x liar", 0);
    ck_assert_ptr_nonnull(json_object_get(o, "warning_convictions"));
    json_decref(o);
    ck_assert_int_eq(program_run("export --format csv --output y node1"), 0);
    ck_assert_int_eq(program_shell("cmp x y"), 0);
}
END_TEST

START_TEST(a_book_that_begins_later)
{
    ck_assert_int_eq(program_run("export --format csv --output x node3"), 5);
    ck_assert_int_eq(program_run("export --format csv --output x --base node4 node3"), 5);
    ck_assert_int_eq(program_run("verify --base node1 node3"), 0);
    /* Whoever leaves the other book out is told, and not that this one is not right. */
    ck_assert_int_eq(program_run("verify node3"), 5);
    ck_assert_int_eq(program_shell("grep -e --base stderr && ! grep 'not right' stderr"), 0);
    ck_assert(!file_exists(scratch_path(program_dir, "x")));
    export_sorted("node1", "orders", "a");
    export_sorted("--base node1 node3", "orders", "b");
    ck_assert_int_eq(program_shell("test $(wc -l <a) -gt 8 && cmp a b"), 0);
    export_sorted("node1", "balances", "a");
    export_sorted("--base node1 node4", "balances", "b");
    ck_assert_int_eq(program_shell("cmp a b"), 0);
}
END_TEST

/* --- erased bodies ------------------------------------------------------------------------------
 */

static void put_be(uint8_t *p, unsigned bytes, uint64_t v)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

static void put(FILE *f, crypto_generichash_state *hash, const void *bytes, size_t len)
{
    if (hash != NULL)
        crypto_generichash_update(hash, bytes, len);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
}

/* AUD-20, without the bodies of the turns up to one. */
static void write_erased(const char *name, uint32_t until)
{
    static uint8_t charter[sizeof w.charter];
    uint8_t head[EXPORT_HEAD_BYTES] = EXPORT_MAGIC, end[EXPORT_END_BYTES] = EXPORT_END;
    crypto_generichash_state hash;
    FILE *const f = fopen(scratch_path(program_dir, name), "w");
    ck_assert_ptr_nonnull(f);
    crypto_generichash_init(&hash, NULL, 0, 32);
    const size_t n = mr_charter_encode(&w.charter, charter, sizeof charter);
    put_be(head + 8, 4, n);
    put(f, &hash, head, sizeof head);
    put(f, &hash, charter, n);
    for (uint32_t i = 0; i < book.count; i++) {
        put(f, &hash, book.turns[i].log, book.turns[i].log_len);
        if (i >= until && book.turns[i].bodies != NULL)
            put(f, &hash, book.turns[i].bodies, book.turns[i].bodies_len);
    }
    put_be(end + 4, 8, book.count);
    crypto_generichash_final(&hash, end + 12, 32);
    put(f, NULL, end, sizeof end);
    ck_assert_int_eq(fclose(f), 0);
}

/* _i: how much is erased, in fifths. */
START_TEST(erased_orders_are_believed)
{
    scratch_make(program_dir);
    story_tell(&w);
    book_read(&book, w.journal);
    write_erased("whole.mrx", 0);
    write_erased("x.mrx", book.count * (uint32_t)_i / 5);
    ck_assert_int_eq(program_run("export --format hledger --output x.journal x.mrx"), 0);
    ck_assert_int_eq(program_shell("grep -q 'postings are believed' stderr"), 0);
    ck_assert_int_eq(program_shell("hledger -f x.journal check --strict"), 0);
    ck_assert_int_eq(program_shell("grep -q 'erased order' x.journal"), 0);
    ck_assert_int_eq(program_run("export --format csv --table balances --output a whole.mrx"), 0);
    ck_assert_int_eq(program_run("export --format csv --table balances --output b x.mrx"), 0);
    ck_assert_int_eq(program_shell("cmp a b"), 0);
    ck_assert_int_eq(program_run("export --format csv --table postings --output c whole.mrx"), 0);
    ck_assert_int_eq(program_run("export --format csv --table postings --output d x.mrx"), 0);
    ck_assert_int_eq(program_shell("cmp c d"), 0);
    book_done(&book);
    world_done(&w);
    scratch_remove(program_dir);
}
END_TEST

int main(void)
{
    TCase *const several = tcase_create("several"), *const later = tcase_create("later"),
                 *const erased = tcase_create("erased");
    tcase_set_timeout(several, 120);
    tcase_set_timeout(later, 120);
    tcase_set_timeout(erased, 120);
    tcase_add_checked_fixture(several, league, teardown);
    tcase_add_test(several, every_node_s_book_has_the_same_rows);
    tcase_add_loop_test(several, hledger_balances_every_node_s_book, 1, 5);
    tcase_add_test(several, a_convicted_node_does_not_stop_it);
    tcase_add_checked_fixture(later, joined, teardown);
    tcase_add_test(later, a_book_that_begins_later);
    tcase_add_loop_test(erased, erased_orders_are_believed, 1, 6);
    Suite *const s = suite_create("audit export nodes");
    suite_add_tcase(s, several);
    suite_add_tcase(s, later);
    suite_add_tcase(s, erased);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
