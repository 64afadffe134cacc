/* mereau-audit export --format postgres against a real server: what is in the database is what the
 * auditor found, whatever happens to either of them on the way. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/database.h"
#include "audit/lies.h"
#include "audit/program.h"
#include "common/file.h"
#include "mereau/id.h"

static struct world w;
static struct book book;

static void setup(void)
{
    program_story(&w, &book);
    database_make();
}

static void teardown(void)
{
    database_remove();
    book_done(&book);
    world_done(&w);
    scratch_remove(program_dir);
}

static int export_to(const char *options)
{
    char command[1024];
    snprintf(command, sizeof command, "export --format postgres --database '%s' %s",
             database_info(), options);
    return program_run(command);
}

/* The same started, and not waited for. */
static pid_t start_export(const char *options)
{
    char command[2048];
    snprintf(command, sizeof command,
             "cd '%s' && LC_ALL=C exec '%s/mereau-audit' export --format postgres --database '%s' "
             "%s >/dev/null 2>stderr",
             program_dir, MEREAU_BIN_DIR, database_info(), options);
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static int wait_export(pid_t pid)
{
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void want(const char *sql, const char *expected)
{
    const char *const got = database_ask(sql);
    ck_assert_msg(strcmp(got, expected) == 0, "%s: %s, not %s", sql, got, expected);
}

static int64_t ask_number(const char *sql)
{
    return strtoll(database_ask(sql), NULL, 10);
}

/* Two schemas hold the same, row by row. */
static void same(const char *a, const char *b)
{
    static const char *const tables[] = {"units",  "kinds",    "associations", "accounts",
                                         "orders", "postings", "movements",    "balances"};
    char sql[512];
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        snprintf(sql, sizeof sql,
                 "SELECT (SELECT count(*) FROM (TABLE %s.%s EXCEPT TABLE %s.%s) x) + "
                 "(SELECT count(*) FROM (TABLE %s.%s EXCEPT TABLE %s.%s) y)",
                 a, tables[i], b, tables[i], b, tables[i], a, tables[i]);
        ck_assert_msg(ask_number(sql) == 0, "%s: %s", tables[i], sql);
    }
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM %s.progress a, %s.progress b WHERE a.settled = b.settled AND "
             "a.hash = b.hash",
             a, b);
    want(sql, "1");
}

/* --- what is in it ------------------------------------------------------------------------------
 */

START_TEST(the_whole_book)
{
    char sql[512], id[2 * MR_ACCOUNT_BYTES + 1], expected[64];
    ck_assert_int_eq(export_to("."), 0);
    json_t *const v = program_json("verify --json .", 0);
    const json_t *const totals = json_object_get(v, "totals");
    const json_t *const coverage = json_object_get(totals, "coverage");
    ck_assert_int_eq(ask_number("SELECT count(*) FROM mereau.orders"),
                     json_number(totals, "settled"));
    ck_assert_int_eq(ask_number("SELECT count(*) FROM mereau.accounts"),
                     json_number(totals, "accounts"));
    ck_assert_int_eq(ask_number("SELECT settled FROM mereau.progress"),
                     json_number(totals, "settled") + json_number(totals, "voided"));
    ck_assert_int_eq(ask_number("SELECT -sum(balance_minor) FROM mereau.balances JOIN "
                                "mereau.accounts USING (account) WHERE class = 'issuer'"),
                     json_number(coverage, "outstanding_minor"));
    want("SELECT count(*) FROM (SELECT unit FROM mereau.postings GROUP BY chain, seq, unit HAVING "
         "sum(delta_minor) <> 0) x",
         "0");
    want("SELECT sum(balance_minor) FROM mereau.balances GROUP BY unit", "0\n0");
    want("SELECT count(*) FROM mereau.kinds", "22");
    want("SELECT class, frozen, closed FROM mereau.accounts WHERE frozen OR closed ORDER BY 1",
         "municipality|t|f\nresident|f|t");
    want("SELECT count(*) FROM mereau.accounts WHERE town IS NOT NULL", "1");
    for (unsigned i = 0; i < w.members_count; i++) {
        mr_hex_format(id, w.members[i].id, MR_ACCOUNT_BYTES);
        snprintf(sql, sizeof sql,
                 "SELECT coalesce(sum(balance_minor), 0) FROM mereau.balances WHERE unit = 0 AND "
                 "account = '%s'",
                 id);
        snprintf(expected, sizeof expected, "%lld",
                 (long long)world_balance(&w, w.members[i].id, 0));
        want(sql, expected);
    }
    /* movements add up to the same balances as postings */
    want("SELECT count(*) FROM (SELECT account, unit, sum(d) FROM (SELECT to_account AS account, "
         "unit, amount_minor AS d FROM mereau.movements UNION ALL SELECT from_account, unit, "
         "-amount_minor FROM mereau.movements) m GROUP BY 1, 2 EXCEPT SELECT account, unit, "
         "balance_minor FROM mereau.balances) x",
         "0");
    json_decref(v);
}
END_TEST

START_TEST(every_table_and_column_has_its_comment_and_its_keys)
{
    ck_assert_int_eq(export_to("."), 0);
    want("SELECT count(*) FROM pg_class c WHERE relnamespace = 'mereau'::regnamespace AND relkind "
         "IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NULL",
         "0");
    want("SELECT string_agg(c.relname || '.' || a.attname, ' ' ORDER BY 1) FROM pg_class c JOIN "
         "pg_attribute a ON a.attrelid = c.oid WHERE relnamespace = 'mereau'::regnamespace AND "
         "relkind = 'r' AND relname <> 'progress' AND attnum > 0 AND col_description(c.oid, "
         "attnum) IS NULL",
         "");
    want("SELECT count(*) FROM pg_constraint WHERE connamespace = 'mereau'::regnamespace AND "
         "contype = 'p'",
         "9");
    want("SELECT count(*) FROM pg_constraint WHERE connamespace = 'mereau'::regnamespace AND "
         "contype = 'f'",
         "13");
    want("SELECT count(*) FROM pg_attribute WHERE attrelid = 'mereau.accounts'::regclass AND "
         "attname ~ 'name|alias'",
         "0");
}
END_TEST

START_TEST(again_changes_nothing)
{
    static char before[1 << 12];
    const char *const rows = "SELECT sum(xmin::text::bigint), count(*) FROM mereau.accounts "
                             "UNION ALL SELECT sum(xmin::text::bigint), count(*) FROM mereau.orders"
                             " UNION ALL SELECT sum(xmin::text::bigint), settled FROM "
                             "mereau.progress GROUP BY settled";
    ck_assert_int_eq(export_to("."), 0);
    snprintf(before, sizeof before, "%s", database_ask(rows));
    ck_assert_int_eq(export_to("."), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "0 settled slots copied"));
    want(rows, before);
}
END_TEST

/* _i: orders in a transaction. */
START_TEST(piece_by_piece_is_the_same)
{
    char options[128];
    for (uint32_t part = 1; part <= 5; part++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", (unsigned)part);
        program_part(&book, &w.charter, book.count * part / 6 + 2, name);
        snprintf(options, sizeof options, "--schema parts --batch %d %s", _i == 0 ? 1 : 7, name);
        ck_assert_int_eq(export_to(options), 0);
    }
    ck_assert_int_gt(ask_number("SELECT settled FROM parts.progress"), 40);
    snprintf(options, sizeof options, "--schema parts --batch %d .", _i == 0 ? 1 : 7);
    ck_assert_int_eq(export_to(options), 0);
    ck_assert_int_eq(export_to("--schema whole ."), 0);
    same("parts", "whole");
}
END_TEST

START_TEST(a_key_of_pseudonyms)
{
    ck_assert_int_eq(file_write(scratch_path(program_dir, "k"), "0123456789abcdef", 16, 0600, true),
                     MR_OK);
    ck_assert_int_eq(file_write(scratch_path(program_dir, "l"), "0123456789abcdeg", 16, 0600, true),
                     MR_OK);
    ck_assert_int_eq(export_to("--pseudonym-key k ."), 0);
    ck_assert_int_eq(export_to("--pseudonym-key k ."), 0);
    ck_assert_int_eq(export_to("--pseudonym-key l ."), 1);
    ck_assert_int_eq(export_to("."), 1);
    ck_assert_int_eq(export_to("--schema plain ."), 0);
    want("SELECT count(*) FROM plain.accounts JOIN mereau.accounts USING (account)", "0");
    want("SELECT count(*) FROM plain.orders JOIN mereau.orders USING (id)", "0");
    want("SELECT count(*) FROM plain.orders a, mereau.orders b WHERE a.ordered_at = b.ordered_at "
         "HAVING count(*) >= (SELECT count(*) FROM plain.orders)",
         database_ask("SELECT count(*) FROM plain.orders a, plain.orders b WHERE a.ordered_at = "
                      "b.ordered_at"));
}
END_TEST

/* --- other books --------------------------------------------------------------------------------
 */

START_TEST(another_or_a_shorter_book_is_refused)
{
    static struct world other;
    static struct book others;
    ck_assert_int_eq(export_to("."), 0);
    program_part(&book, &w.charter, book.count / 2, "short");
    ck_assert_int_eq(export_to("short"), 5);
    program_said("ends before");
    world_init(&other);
    other.charter.salt[0] ^= 1;
    mr_ledger_id(other.ledger, &other.charter);
    world_start(&other);
    ck_assert_int_eq(world_open(&other, MR_CLASS_SHOP), MR_SETTLED);
    book_read(&others, other.journal);
    program_directory(&others, &other.charter, 1, "other");
    ck_assert_int_eq(export_to("other"), 1);
    program_said("another ledger");
    ck_assert_int_eq(export_to("--schema other other"), 0);
    database_ask("UPDATE mereau.progress SET settled = 30");
    ck_assert_int_eq(export_to("."), 1);
    program_said("not the beginning of this book");
    book_done(&others);
    world_done(&other);
}
END_TEST

START_TEST(a_wrong_book_leaves_no_trace)
{
    program_lie(&w, &book, lies_of_orders, "bad second signature");
    ck_assert_int_eq(export_to("--batch 1 ."), 5);
    want("SELECT count(*) FROM pg_namespace WHERE nspname = 'mereau'", "0");
}
END_TEST

START_TEST(what_others_made_is_left_alone)
{
    database_ask("CREATE SCHEMA mereau; CREATE TABLE mereau.orders (mine int); INSERT INTO "
                 "mereau.orders VALUES (7)");
    ck_assert_int_eq(export_to("."), 2);
    program_said("already exists");
    want("SELECT * FROM mereau.orders", "7");
    want("SELECT count(*) FROM pg_tables WHERE schemaname = 'mereau'", "1");
    ck_assert_int_eq(export_to("--schema 'A \"quoted\" name' ."), 0);
    ck_assert_int_gt(ask_number("SELECT count(*) FROM \"A \"\"quoted\"\" name\".orders"), 50);
    database_ask("CREATE SCHEMA odd; CREATE TABLE odd.progress (x int)");
    ck_assert_int_ne(export_to("--schema odd ."), 0);
}
END_TEST

/* It is said before anything is copied, also when nothing is new. */
START_TEST(a_schema_that_was_changed)
{
    static const char *const changes[] = {"ALTER TABLE mereau.orders DROP COLUMN kind CASCADE",
                                          "ALTER TABLE mereau.orders RENAME COLUMN seq TO number",
                                          "DROP TABLE mereau.movements CASCADE",
                                          "ALTER TABLE mereau.progress DROP COLUMN hash",
                                          "ALTER TABLE mereau.movements ALTER amount_minor TYPE "
                                          "numeric"};
    ck_assert_int_eq(export_to("."), 0);
    database_ask(changes[_i]);
    ck_assert_int_eq(export_to("."), 2);
    program_said("the tables are not as they were made");
    ck_assert_int_eq(export_to("--schema other ."), 0);
}
END_TEST

/* One row of each table, and one that was not copied; what somebody adds beside is his own. */
START_TEST(rows_that_somebody_changed)
{
    static const struct {
        const char *sql, *why, *back;
    } changes[] = {
        {"UPDATE mereau.postings SET delta_minor = delta_minor + 1 WHERE (chain, seq, line) IN "
         "(SELECT chain, seq, line FROM mereau.postings ORDER BY 1, 2, 3 LIMIT 1)",
         "rows of table postings hold something else",
         "UPDATE mereau.postings SET delta_minor = delta_minor - 1 WHERE (chain, seq, line) IN "
         "(SELECT chain, seq, line FROM mereau.postings ORDER BY 1, 2, 3 LIMIT 1)"},
        {"UPDATE mereau.accounts SET town = 'Elsewhere' WHERE town IS NULL",
         "rows of table accounts hold something else",
         "UPDATE mereau.accounts SET town = NULL WHERE town = 'Elsewhere'"},
        {"UPDATE mereau.units SET name = name || '!'", "rows of table units",
         "UPDATE mereau.units SET name = rtrim(name, '!')"},
        {"CREATE TABLE kept AS SELECT * FROM mereau.movements LIMIT 1; DELETE FROM "
         "mereau.movements WHERE (chain, seq, line) IN (SELECT chain, seq, line FROM kept)",
         "table movements has", "INSERT INTO mereau.movements SELECT * FROM kept"},
        {"INSERT INTO mereau.kinds VALUES ('gift', 9999, 'mine')", "table kinds has",
         "DELETE FROM mereau.kinds WHERE number = 9999"},
    };
    ck_assert_int_eq(export_to("."), 0);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        database_ask(changes[i].sql);
        const int code = export_to(".");
        ck_assert_msg(code == 2, "%s: exit %d", changes[i].sql, code);
        program_said(changes[i].why);
        program_said("DROP SCHEMA \"mereau\" CASCADE");
        database_ask(changes[i].back);
    }
    database_ask("ALTER TABLE mereau.orders ADD note text; UPDATE mereau.orders SET note = 'x'; "
                 "CREATE INDEX ON mereau.orders (note)");
    ck_assert_int_eq(export_to("."), 0);
}
END_TEST

START_TEST(a_database_that_is_not_there)
{
    char words[512], info[256];
    snprintf(info, sizeof info, "%s", database_info());
    char *const name = strstr(info, "dbname=");
    if (name != NULL)
        *name = '\0';
    snprintf(words, sizeof words, "export --format postgres --database '%s dbname=nowhere' .",
             info);
    ck_assert_int_eq(program_run(words), 2);
    program_said("there is no such database");
    program_said("\"nowhere\" does not exist");
    snprintf(words, sizeof words, "export --format postgres --database '%s user=nobody9' .", info);
    ck_assert_int_eq(program_run(words), 1);
    program_said("does not let this user in");
    program_said("role \"nobody9\" does not exist");
    ck_assert_int_eq(
        program_run("export --format postgres --database 'host=no.such.invalid dbname=x' ."), 3);
    program_said("cannot be reached");
    ck_assert_int_eq(program_run("export --format postgres --database service=no-such ."), 2);
    program_said("\"no-such\" not found");
}
END_TEST

/* --- trouble on the way -------------------------------------------------------------------------
 */

/* Makes the schema with a trap in it: what this does when the order of a place is copied. */
static void set_trap(const char *action)
{
    char sql[1024];
    program_part(&book, &w.charter, 3, "first");
    ck_assert_int_eq(export_to("first"), 0);
    snprintf(sql, sizeof sql,
             "CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
             "(SELECT count(*) FROM mereau.orders) BETWEEN 30 AND 33 THEN PERFORM %s; END IF; "
             "RETURN NEW; END $$; CREATE TRIGGER trap BEFORE INSERT ON mereau.orders FOR EACH ROW "
             "EXECUTE FUNCTION trap()",
             action);
    database_ask(sql);
}

static void goes_on(void)
{
    const int64_t there = ask_number("SELECT count(*) FROM mereau.orders");
    ck_assert_int_ge(there, 20);
    ck_assert_int_lt(there, 50);
    database_ask("DROP TRIGGER trap ON mereau.orders");
    ck_assert_int_eq(export_to("--batch 5 ."), 0);
    ck_assert_int_eq(export_to("--schema whole ."), 0);
    same("mereau", "whole");
}

START_TEST(the_connection_is_cut)
{
    set_trap("pg_terminate_backend(pg_backend_pid())");
    ck_assert_int_eq(export_to("--batch 5 ."), 3);
    program_said("the database went away");
    program_said("goes on from there");
    goes_on();
}
END_TEST

START_TEST(the_server_dies_and_comes_back)
{
    set_trap("pg_sleep(60)");
    const pid_t pid = start_export("--batch 5 .");
    while (ask_number("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 0)
        usleep(20000);
    database_stop(true);
    ck_assert_int_eq(wait_export(pid), 3);
    program_said("the database went away");
    ck_assert_int_eq(export_to("--batch 5 ."), 3);
    program_said("cannot be reached");
    database_start();
    goes_on();
}
END_TEST

START_TEST(the_server_is_silent)
{
    set_trap("pg_sleep(60)");
    ck_assert_int_eq(export_to("--batch 5 --timeout 1 ."), 3);
    program_said("no answer for 1 s");
    database_ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = "
                 "'PgSleep'");
    goes_on();
}
END_TEST

START_TEST(the_server_stands_still)
{
    database_freeze(true);
    const int code = export_to("--timeout 1 .");
    database_freeze(false);
    ck_assert_int_eq(code, 3);
    program_said("does not answer within 1 s");
}
END_TEST

START_TEST(killed_again_and_again)
{
    int code = 1;
    useconds_t after = 15000;
    set_trap("pg_sleep(0.01)");
    while (code != 0 && after < 10000000) {
        const pid_t pid = start_export("--batch 1 .");
        usleep(after);
        after += after / 8;
        kill(pid, SIGKILL);
        code = wait_export(pid);
        ck_assert(code == 0 || code == 256 + SIGKILL || code == 4);
        /* what is there is whole: each order with its postings and movements, and the position */
        want("SELECT count(*) FROM mereau.postings p LEFT JOIN mereau.orders o USING (chain, seq) "
             "WHERE o.id IS NULL",
             "0");
        want("SELECT count(*) FROM mereau.progress WHERE settled NOT BETWEEN (SELECT count(*) FROM "
             "mereau.orders) AND (SELECT count(*) + 1 FROM mereau.orders)",
             "0");
        want("SELECT sum(delta_minor) FROM mereau.postings HAVING sum(delta_minor) <> 0", "");
    }
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(export_to("--schema whole ."), 0);
    same("mereau", "whole");
}
END_TEST

START_TEST(two_at_a_time)
{
    set_trap("pg_sleep(0.1)");
    const pid_t one = start_export("--batch 3 ."), two = start_export("--batch 4 .");
    const int a = wait_export(one), b = wait_export(two);
    ck_assert_msg((a == 0 || a == 4) && (b == 0 || b == 4) && a + b <= 4, "%d %d", a, b);
    ck_assert_int_eq(export_to("."), 0);
    ck_assert_int_eq(export_to("--schema whole ."), 0);
    same("mereau", "whole");
}
END_TEST

/* --- who may ------------------------------------------------------------------------------------
 */

static int export_as(const char *environment, const char *role, const char *more)
{
    char command[2048];
    snprintf(command, sizeof command,
             "cd '%s' && %s LC_ALL=C '%s/mereau-audit' export --format postgres --database '%s%s' "
             ". 2>stderr",
             program_dir, environment, MEREAU_BIN_DIR, database_info_of(role), more);
    const int status = system(command);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(passwords_come_from_files)
{
    char pass[1024], passfile[SCRATCH_PATH_MAX + 64];
    database_ask("CREATE ROLE town LOGIN PASSWORD 'secret'; GRANT CREATE ON DATABASE postgres TO "
                 "town; CREATE ROLE guest LOGIN");
    database_want_password("town");
    ck_assert_int_eq(export_as("", "town", ""), 1);
    program_said("wants a password");
    ck_assert_int_eq(export_as("", "town", " password=secret"), 2);
    program_said("can be read by others");
    ck_assert_int_eq(export_as("PGPASSWORD=secret", "town", ""), 2);
    program_said("can be read by others");
    snprintf(pass, sizeof pass, "*:*:*:town:wrong\n");
    ck_assert_int_eq(file_write(scratch_path(program_dir, "pass"), pass, strlen(pass), 0600, true),
                     MR_OK);
    snprintf(passfile, sizeof passfile, "PGPASSFILE='%s/pass'", program_dir);
    ck_assert_int_eq(export_as(passfile, "town", ""), 1);
    program_said("does not let this user in");
    snprintf(pass, sizeof pass, "*:*:*:town:secret\n");
    ck_assert_int_eq(file_write(scratch_path(program_dir, "pass"), pass, strlen(pass), 0600, true),
                     MR_OK);
    snprintf(passfile, sizeof passfile, "PGPASSFILE='%s/pass'", program_dir);
    ck_assert_int_eq(export_as(passfile, "town", ""), 0);
    snprintf(passfile, sizeof passfile, " passfile=%s/pass", program_dir);
    ck_assert_int_eq(export_as("", "town", passfile), 0);
    want("SELECT count(*) FROM pg_tables WHERE schemaname = 'mereau' AND tableowner = 'town'", "9");
    ck_assert_int_eq(export_as("", "guest", ""), 1);
    program_said("does not allow it");
    database_ask("DROP SCHEMA mereau CASCADE");
    ck_assert_int_eq(export_as("", "guest", ""), 1);
    program_said("does not allow it");
    database_ask("CREATE SCHEMA mereau AUTHORIZATION guest");
    ck_assert_int_eq(export_as("", "guest", ""), 0);
    want("SELECT count(*) FROM pg_tables WHERE schemaname = 'mereau' AND tableowner = 'guest'",
         "9");
    ck_assert_int_eq(export_as("", "owner", " hostt=x"), 2);
    ck_assert_int_eq(program_run("export --format postgres --database "
                                 "postgresql://u:secret@127.0.0.1/x ."),
                     2);
    ck_assert_int_eq(program_run("export --format postgres --database 'host=127.0.0.1 port=1' ."),
                     3);
}
END_TEST

START_TEST(usage)
{
    ck_assert_int_eq(program_run("export --format postgres ."), 2);
    ck_assert_int_eq(export_to("--from 2026-01-01 ."), 2);
    ck_assert_int_eq(export_to("--output x ."), 2);
    ck_assert_int_eq(export_to("--table orders ."), 2);
    ck_assert_int_eq(export_to("--batch 0 ."), 2);
    ck_assert_int_eq(export_to("--schema '' ."), 2);
    want("SELECT count(*) FROM pg_namespace WHERE nspname = 'mereau'", "0");
    json_t *o;
    char command[512];
    snprintf(command, sizeof command, "export --json --format postgres --database '%s' .",
             database_info());
    o = program_json(command, 0);
    ck_assert_int_eq(json_number(o, "copied"), json_number(o, "settled"));
    ck_assert_int_gt(json_number(o, "copied"), 50);
    json_decref(o);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("postgres");
    tcase_add_unchecked_fixture(tc, database_found, database_forget);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, the_whole_book);
    tcase_add_test(tc, every_table_and_column_has_its_comment_and_its_keys);
    tcase_add_test(tc, again_changes_nothing);
    tcase_add_loop_test(tc, piece_by_piece_is_the_same, 0, 2);
    tcase_add_test(tc, a_key_of_pseudonyms);
    tcase_add_test(tc, another_or_a_shorter_book_is_refused);
    tcase_add_test(tc, a_wrong_book_leaves_no_trace);
    tcase_add_test(tc, what_others_made_is_left_alone);
    tcase_add_loop_test(tc, a_schema_that_was_changed, 0, 5);
    tcase_add_test(tc, rows_that_somebody_changed);
    tcase_add_test(tc, a_database_that_is_not_there);
    tcase_add_test(tc, the_connection_is_cut);
    tcase_add_test(tc, the_server_dies_and_comes_back);
    tcase_add_test(tc, the_server_is_silent);
    tcase_add_test(tc, the_server_stands_still);
    tcase_add_test(tc, killed_again_and_again);
    tcase_add_test(tc, two_at_a_time);
    tcase_add_test(tc, passwords_come_from_files);
    tcase_add_test(tc, usage);
    Suite *const s = suite_create("audit postgres");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
