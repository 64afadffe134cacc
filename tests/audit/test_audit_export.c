/* mereau-audit export into files: CSV and JSON lines that add up to what the auditor found, and
 * plain-text accounting that hledger and ledger balance to the same. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/lies.h"
#include "audit/program.h"
#include "common/file.h"
#include "mereau/id.h"

static struct world w;
static struct book book;

static void setup(void)
{
    program_story(&w, &book);
}

static void teardown(void)
{
    book_done(&book);
    world_done(&w);
    scratch_remove(program_dir);
}

static bool is_there(const char *name)
{
    return file_exists(scratch_path(program_dir, name));
}

static char *content(const char *name)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    ck_assert_int_eq(file_read(&bytes, &n, scratch_path(program_dir, name), 1 << 24), MR_OK);
    return (char *)bytes;
}

static void write_text(const char *name, const char *text)
{
    ck_assert_int_eq(file_write(scratch_path(program_dir, name), text, strlen(text), 0600, true),
                     MR_OK);
}

/* --- JSON lines and CSV ------------------------------------------------------------------------
 */

typedef void (*on_row)(void *ctx, const char *table, const json_t *row);

static unsigned each_row(const char *name, on_row fn, void *ctx)
{
    char *const text = content(name);
    unsigned rows = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), rows++) {
        json_t *const o = json_loads(line, 0, NULL);
        ck_assert_msg(o != NULL, "%s", line);
        fn(ctx, json_words(o, "table"), o);
        json_decref(o);
    }
    free(text);
    return rows;
}

struct sums {
    unsigned rows[16];
    unsigned orders, postings, movements, kinds, accounts, members_found;
    int64_t delta[2], pay, issue, fees, opening;
    const char *wanted; /* id whose balance is added up */
    int64_t of_wanted, balance;
};

static void add(void *ctx, const char *table, const json_t *row)
{
    struct sums *const s = ctx;
    if (strcmp(table, "orders") == 0) {
        s->orders++;
        if (json_is_integer(json_object_get(row, "fee_minor")) &&
            strcmp(json_words(row, "kind"), "redeem") != 0)
            s->fees += json_number(row, "fee_minor");
    } else if (strcmp(table, "postings") == 0) {
        s->postings++;
        s->delta[json_number(row, "unit")] += json_number(row, "delta_minor");
        if (s->wanted != NULL && json_number(row, "unit") == 0 &&
            strcmp(json_words(row, "account"), s->wanted) == 0)
            s->of_wanted += json_number(row, "delta_minor");
    } else if (strcmp(table, "movements") == 0) {
        s->movements++;
        ck_assert_int_gt(json_number(row, "amount_minor"), 0);
        if (strcmp(json_words(row, "kind"), "pay") == 0)
            s->pay += json_number(row, "amount_minor");
        if (strcmp(json_words(row, "kind"), "issue") == 0)
            s->issue += json_number(row, "amount_minor");
    } else if (strcmp(table, "balances") == 0 && json_number(row, "unit") == 0) {
        s->opening += json_number(row, "opening_minor");
        if (s->wanted != NULL && strcmp(json_words(row, "account"), s->wanted) == 0)
            s->balance = json_number(row, "balance_minor");
    } else if (strcmp(table, "accounts") == 0) {
        s->accounts++;
        ck_assert_ptr_null(json_object_get(row, "name"));
        ck_assert_ptr_null(json_object_get(row, "alias"));
    } else if (strcmp(table, "kinds") == 0) {
        s->kinds++;
    }
}

START_TEST(json_lines_add_up_to_the_audit)
{
    struct sums s = {0};
    json_t *const v = program_json("verify --json .", 0);
    const json_t *const totals = json_object_get(v, "totals");
    const json_t *const kinds = json_object_get(totals, "kinds");
    json_t *const o = program_json("export --json --format jsonl --output x.jsonl .", 0);
    ck_assert_int_eq(json_number(o, "settled"),
                     json_number(totals, "settled") + json_number(totals, "voided"));
    each_row("x.jsonl", add, &s);
    ck_assert_int_eq((int)s.orders, (int)json_number(totals, "settled"));
    ck_assert_int_eq((int)s.accounts, (int)json_number(totals, "accounts"));
    ck_assert_int_eq((int)s.kinds, 22);
    ck_assert_int_eq(s.delta[0], 0);
    ck_assert_int_eq(s.delta[1], 0);
    ck_assert_int_eq(s.pay, json_integer_value(json_array_get(
                                json_object_get(json_object_get(kinds, "pay"), "sum_minor"), 0)));
    ck_assert_int_eq(s.issue,
                     json_integer_value(json_array_get(
                         json_object_get(json_object_get(kinds, "issue"), "sum_minor"), 0)));
    ck_assert_int_eq(s.fees,
                     json_integer_value(json_array_get(json_object_get(totals, "fees_minor"), 0)));
    json_decref(v);
    json_decref(o);
}
END_TEST

/* _i: a member. */
START_TEST(balances_are_those_of_the_node)
{
    char id[2 * MR_ACCOUNT_BYTES + 1];
    struct sums s = {.wanted = id};
    mr_hex_format(id, w.members[_i].id, MR_ACCOUNT_BYTES);
    ck_assert_int_eq(program_run("export --format jsonl --output x.jsonl ."), 0);
    each_row("x.jsonl", add, &s);
    ck_assert_int_eq(s.of_wanted, world_balance(&w, w.members[_i].id, 0));
    ck_assert_int_eq(s.balance, s.of_wanted);
}
END_TEST

/* The reader of another language says the same of every table as JSON does. */
static const char compare[] =
    "import csv, json, sys\n"
    "rows = {}\n"
    "for line in open('x.jsonl', encoding='utf-8'):\n"
    "    o = json.loads(line)\n"
    "    rows.setdefault(o.pop('table'), []).append(o)\n"
    "for name, wanted in rows.items():\n"
    "    f = open('all/' + name + '.csv', newline='', encoding='utf-8')\n"
    "    got = list(csv.DictReader(f, strict=True))\n"
    "    say = lambda v: '' if v is None else str(v).lower() if isinstance(v, bool) else str(v)\n"
    "    assert got == [{k: say(v) for k, v in o.items()} for o in wanted], name\n"
    "assert len(rows) == 8, rows.keys()\n"
    "for name in rows:\n"
    "    raw = open('all/' + name + '.csv', 'rb').read()\n"
    "    assert raw.endswith(b'\\r\\n') and raw.count(b'\\n') == raw.count(b'\\r\\n')\n";

START_TEST(csv_has_the_same_rows)
{
    write_text("compare.py", compare);
    ck_assert_int_eq(program_run("export --format jsonl --output x.jsonl ."), 0);
    ck_assert_int_eq(program_run("export --format csv --table all --output all/ ."), 0);
    ck_assert_msg(program_shell("python3 compare.py") == 0, "%s", program_output);
    ck_assert_int_eq(program_run("export --format csv --output movements.csv ."), 0);
    ck_assert_int_eq(program_shell("cmp movements.csv all/movements.csv"), 0);
    ck_assert_int_eq(program_run("export --format csv --output - --table orders . >o.csv"), 0);
    ck_assert_int_eq(program_shell("cmp o.csv all/orders.csv"), 0);
}
END_TEST

START_TEST(again_is_the_same_and_a_longer_book_goes_on)
{
    ck_assert_int_eq(program_run("export --format csv --output whole.csv ."), 0);
    ck_assert_int_eq(program_run("export --format csv --output again.csv ."), 0);
    ck_assert_int_eq(program_shell("cmp whole.csv again.csv"), 0);
    program_part(&book, &w.charter, book.count / 2, "part");
    ck_assert_int_eq(program_run("export --format csv --output part.csv part"), 0);
    ck_assert_int_eq(program_shell("test -s part.csv && head -c $(wc -c <part.csv) whole.csv | "
                                   "cmp - part.csv && ! cmp -s part.csv whole.csv"),
                     0);
}
END_TEST

START_TEST(days)
{
    struct sums all = {0}, early = {0}, late = {0}, none = {0};
    ck_assert_int_eq(program_run("export --format jsonl --output a ."), 0);
    ck_assert_int_eq(program_run("export --format jsonl --output b --to 2026-09-30 ."), 0);
    ck_assert_int_eq(program_run("export --format jsonl --output c --from 2026-10-01 ."), 0);
    ck_assert_int_eq(
        program_run("export --format jsonl --output d --from 2026-10-01 --to 2026-10-02 ."), 0);
    each_row("a", add, &all);
    each_row("b", add, &early);
    each_row("c", add, &late);
    each_row("d", add, &none);
    ck_assert_uint_gt(early.orders, 10);
    ck_assert_uint_gt(late.orders, 1);
    ck_assert_uint_eq(early.orders + late.orders, all.orders);
    ck_assert_int_eq(early.pay + late.pay, all.pay);
    ck_assert_uint_eq(none.orders + none.postings + none.movements, 0);
    ck_assert_uint_eq(none.accounts, all.accounts);
    ck_assert_int_eq(program_run("export --format csv --output e --to 2026-02-30 ."), 2);
    ck_assert_int_eq(
        program_run("export --format csv --output e --from 2026-10-02 --to 2026-10-01 ."), 2);
    ck_assert(!is_there("e"));
}
END_TEST

/* --- plain-text accounting ---------------------------------------------------------------------
 */

static void hledger_export(const char *options)
{
    char command[256];
    snprintf(command, sizeof command, "export --format hledger --force --output x.journal %s .",
             options);
    ck_assert_int_eq(program_run(command), 0);
}

START_TEST(hledger_and_ledger_balance_it)
{
    hledger_export("");
    ck_assert_msg(program_shell("hledger -f x.journal check --strict") == 0, "%s", program_output);
    ck_assert_str_eq(program_output, "");
    ck_assert_msg(program_shell("ledger -f x.journal --pedantic bal >l.txt") == 0, "%s",
                  program_output);
    ck_assert_str_eq(program_output, "");
    ck_assert_int_eq(program_shell("hledger -f x.journal stats"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "Commodities"));
}
END_TEST

/* What a program says that an account has; NULL word: of all accounts of a class. */
static int64_t balance_of(const char *program, const char *account, const char *commodity)
{
    char command[512];
    snprintf(command, sizeof command,
             "%s -f x.journal bal '%s' cur:%s --flat --depth 3 -N --layout bare -O csv | "
             "awk -F'\",\"' 'NR > 1 && NF == 3 { gsub(/\"/, \"\", $3); gsub(/\\./, \"\", $3); "
             "n += $3 } END { print n + 0 }'",
             program, account, commodity);
    ck_assert_int_eq(program_shell(command), 0);
    return strtoll(program_output, NULL, 10);
}

START_TEST(hledger_says_what_the_auditor_says)
{
    char name[64];
    hledger_export("");
    json_t *const v = program_json("verify --json .", 0);
    const json_t *const totals = json_object_get(v, "totals");
    const json_t *const coverage = json_object_get(totals, "coverage");
    ck_assert_int_eq(balance_of("hledger", "^issuer", "TST"),
                     -json_number(coverage, "outstanding_minor"));
    ck_assert_int_eq(balance_of("hledger", "^reserve", "EUR"),
                     json_number(coverage, "reserve_minor"));
    ck_assert_int_eq(balance_of("hledger", "^world", "EUR"),
                     -json_number(coverage, "reserve_minor"));
    for (unsigned i = 0; i < w.members_count; i++) {
        char hex[9];
        mr_hex_format(hex, w.members[i].id + MR_SPACE_BYTES, 4);
        snprintf(name, sizeof name, "^[a-z]*:test:%s", hex);
        ck_assert_int_eq(balance_of("hledger", name, "TST"), world_balance(&w, w.members[i].id, 0));
    }
    json_decref(v);
}
END_TEST

START_TEST(a_changed_figure_is_found_by_hledger)
{
    hledger_export("");
    ck_assert_int_eq(program_shell("sed -i '0,/-4000.00 TST/s//-4000.01 TST/' x.journal"), 0);
    ck_assert_int_ne(program_shell("hledger -f x.journal check"), 0);
    hledger_export("");
    ck_assert_int_eq(program_shell("sed -i 's/= 3997.00 TST/= 3997.01 TST/' x.journal"), 0);
    ck_assert_int_ne(program_shell("hledger -f x.journal check"), 0);
    ck_assert_ptr_nonnull(strstr(program_output, "assertion"));
}
END_TEST

START_TEST(a_part_of_it_opens_with_what_was_before)
{
    hledger_export("");
    const int64_t whole = balance_of("hledger", "^shop", "TST");
    hledger_export("--from 2026-10-01");
    ck_assert_msg(program_shell("hledger -f x.journal check --strict") == 0, "%s", program_output);
    ck_assert_int_eq(balance_of("hledger", "^shop", "TST"), whole);
    ck_assert_int_eq(program_shell("ledger -f x.journal --pedantic bal >l.txt"), 0);
    ck_assert_int_eq(program_shell("grep -q '^2026-10-01 \\* opening balances' x.journal"), 0);
    hledger_export("--to 2026-09-30");
    ck_assert_msg(program_shell("hledger -f x.journal check --strict") == 0, "%s", program_output);
    ck_assert_int_lt(balance_of("hledger", "^shop", "TST"), whole);
    hledger_export("--from 2030-01-01");
    ck_assert_msg(program_shell("hledger -f x.journal check --strict") == 0, "%s", program_output);
    ck_assert_int_eq(balance_of("hledger", "^shop", "TST"), whole);
    hledger_export("--to 2000-01-01");
    ck_assert_msg(program_shell("hledger -f x.journal check --strict") == 0, "%s", program_output);
}
END_TEST

/* --- pseudonyms --------------------------------------------------------------------------------
 */

START_TEST(pseudonyms_of_a_key)
{
    char hex[2 * MR_ACCOUNT_BYTES + 1], grep[128];
    write_text("a.key", "0123456789abcdef0123456789abcdef");
    write_text("b.key", "0123456789abcdef0123456789abcdeg");
    write_text("short.key", "0123456789");
    ck_assert_int_eq(program_run("export --format jsonl --output plain ."), 0);
    ck_assert_int_eq(program_run("export --format jsonl --output a --pseudonym-key a.key ."), 0);
    ck_assert_int_eq(program_run("export --format jsonl --output a2 --pseudonym-key a.key ."), 0);
    ck_assert_int_eq(program_run("export --format jsonl --output b --pseudonym-key b.key ."), 0);
    ck_assert_int_eq(program_run("export --format csv --output c --pseudonym-key short.key ."), 2);
    ck_assert_int_eq(program_run("export --format csv --output c --pseudonym-key none ."), 4);
    ck_assert_int_eq(program_shell("cmp a a2"), 0);
    ck_assert_int_eq(program_shell("cmp -s a b"), 1);
    for (unsigned i = 0; i < w.members_count; i++) {
        mr_hex_format(hex, w.members[i].id, MR_ACCOUNT_BYTES);
        snprintf(grep, sizeof grep, "grep -q %s plain && ! grep -q %s a", hex, hex);
        ck_assert_int_eq(program_shell(grep), 0);
    }
    /* no order id either, and as many rows */
    ck_assert_int_eq(program_shell("grep -o '\"id\":\"[0-9a-f]*' plain | sort >i; "
                                   "grep -o '\"id\":\"[0-9a-f]*' a | sort >j; "
                                   "test -s i && test -z \"$(comm -12 i j)\" && "
                                   "test $(wc -l <plain) = $(wc -l <a)"),
                     0);
    ck_assert_int_eq(program_run("export --format hledger --output h --pseudonym-key a.key ."), 0);
    ck_assert_msg(program_shell("hledger -f h check --strict") == 0, "%s", program_output);
}
END_TEST

/* --- what goes wrong ---------------------------------------------------------------------------
 */

static const char *const formats[] = {"csv", "jsonl", "hledger"};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static int export_over(const char *format, const char *source)
{
    char command[256];
    snprintf(command, sizeof command, "export --format %s --force --output x %s", format, source);
    return program_run(command);
}

START_TEST(a_wrong_book_is_refused)
{
    program_lie(&w, &book, lies_of_orders, _i % 2 == 0 ? "wrong posting" : "bad second signature");
    write_text("x", "old");
    ck_assert_int_eq(export_over(formats[_i / 2], "."), 5);
    char *const text = content("x");
    ck_assert_str_eq(text, "old");
    ck_assert(!is_there("x.tmp"));
    ck_assert_int_eq(program_run("export --format csv --table all --output all ."), 5);
    ck_assert(!is_there("all") && !is_there("all.tmp"));
    ck_assert_int_eq(program_run("export --format csv --output - ."), 5);
    ck_assert_str_eq(program_output, "");
    free(text);
}
END_TEST

/* _i: how much is left of the file, in twentieths. */
START_TEST(a_cut_or_altered_export_is_refused)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    ck_assert_int_eq(program_run("export --output all.mrx ."), 0);
    ck_assert_int_eq(file_read(&bytes, &n, scratch_path(program_dir, "all.mrx"), 1 << 24), MR_OK);
    const size_t at = n / 20 * (size_t)_i + 7;
    const char *const cut = scratch_path(program_dir, "cut.mrx");
    ck_assert_int_eq(file_write(cut, bytes, at, 0600, true), MR_OK);
    ck_assert_int_ge(export_over("csv", "cut.mrx --charter charter.mrc"), 1);
    ck_assert(!is_there("x"));
    bytes[at] ^= 4;
    ck_assert_int_eq(file_write(cut, bytes, n, 0600, true), MR_OK);
    const int code = export_over("hledger", "cut.mrx --charter charter.mrc");
    ck_assert_msg(code == 5 || code == 4 || code == 1, "byte %zu: exit %d", at, code);
    ck_assert(!is_there("x") && !is_there("x.tmp"));
    free(bytes);
}
END_TEST

/* It is the file that is not right, and no trouble of this machine, wherever it ends. */
START_TEST(an_export_that_ends_anywhere_is_a_finding)
{
    static const int ends[] = {5, 10, 40, 600, -40, -1};
    char line[128];
    ck_assert_int_eq(program_run("export --output all.mrx ."), 0);
    snprintf(line, sizeof line, "head -c %d all.mrx >cut.mrx", ends[_i]);
    ck_assert_int_eq(program_shell(line), 0);
    ck_assert_int_eq(program_run("verify cut.mrx"), 5);
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_file)
{
    char disk[SCRATCH_PATH_MAX + 8];
    snprintf(disk, sizeof disk, "%s/disk", program_dir);
    ck_assert_int_eq(mkdir(disk, 0700), 0);
    if (!scratch_small_disk(disk, 3 * 4096))
        return;
    write_text("disk/x", "old");
    char command[256];
    snprintf(command, sizeof command, "export --format %s --force --output disk/x .", formats[_i]);
    /* the small disk has no room for the 40 KB of it */
    const int code = program_run(_i == 0 ? "export --format csv --force --table orders "
                                           "--output disk/x ."
                                         : command);
    ck_assert_int_eq(code, 4);
    ck_assert_int_eq(program_shell("grep -q 'disk is full' stderr"), 0);
    char *const text = content("disk/x");
    ck_assert_str_eq(text, "old");
    ck_assert(!is_there("disk/x.tmp"));
    free(text);
    ck_assert_int_eq(program_run("export --format csv --table all --output disk/all ."), 4);
    ck_assert(!is_there("disk/all") && !is_there("disk/all.tmp"));
    ck_assert_int_eq(program_run("export --output disk/y.mrx ."), 4);
    ck_assert(!is_there("disk/y.mrx"));
    ck_assert_int_eq(program_shell("grep -q 'disk is full: disk/y.mrx was not' stderr"), 0);
    ck_assert_int_eq(program_run("dump . >/dev/full"), 4);
    ck_assert_int_eq(program_shell("! grep -q 'cannot be read' stderr"), 0);
    ck_assert_int_eq(program_run("export --format csv --output - . >/dev/full"), 4);
    char tmp[2 * SCRATCH_PATH_MAX + 128];
    snprintf(tmp, sizeof tmp,
             "TMPDIR='%s' '%s/mereau-audit' export --format jsonl --output - . >out", disk,
             MEREAU_BIN_DIR);
    ck_assert_int_eq(program_shell(tmp), 4);
    ck_assert_int_eq(program_shell("test ! -s out"), 0);
    ck_assert_int_eq(program_shell("rm -r disk/*"), 0);
}
END_TEST

/* _i: milliseconds until it is killed, more or less. */
START_TEST(a_killed_export_leaves_the_old_file_or_the_new_one)
{
    char command[256];
    struct stat info;
    ck_assert_int_eq(program_run("export --format jsonl --output whole ."), 0);
    write_text("x", "old");
    snprintf(command, sizeof command,
             "timeout -s KILL 0.0%02d '%s/mereau-audit' export --format jsonl --force --output x .",
             _i + 1, MEREAU_BIN_DIR);
    const int code = program_shell(command);
    ck_assert(code == 0 || code == 137);
    ck_assert_int_eq(stat(scratch_path(program_dir, "x"), &info), 0);
    char *const text = content("x"), *const whole = content("whole");
    ck_assert(strcmp(text, "old") == 0 || strcmp(text, whole) == 0);
    free(text);
    ck_assert_int_eq(program_run("export --format jsonl --force --output x ."), 0);
    ck_assert_int_eq(program_shell("cmp x whole"), 0);
    ck_assert(!is_there("x.tmp"));
    free(whole);
}
END_TEST

START_TEST(what_is_there_is_replaced_when_asked)
{
    ck_assert_int_eq(program_run("export --format csv --table all --output all ."), 0);
    ck_assert_int_eq(program_run("export --format csv --table all --output all ."), 1);
    ck_assert_int_eq(program_run("export --format csv --table all --force --output all/ ."), 0);
    write_text("all/mine", "x");
    ck_assert_int_eq(program_run("export --format csv --table all --force --output all ."), 1);
    ck_assert(is_there("all/mine") && is_there("all/orders.csv") && !is_there("all.tmp"));
    ck_assert_int_eq(program_run("export --format csv --output x ."), 0);
    ck_assert_int_eq(program_run("export --format csv --output x ."), 1);
    ck_assert_int_eq(program_shell("mkfifo pipe"), 0);
    ck_assert_int_eq(program_run("export --format csv --force --output pipe ."), 2);
    ck_assert_int_eq(program_run("export --force --output pipe ."), 2);
    ck_assert_int_eq(program_run("export --format csv --force --output all ."), 2);
    ck_assert_int_eq(program_run("export --format csv --output none/x ."), 4);
}
END_TEST

START_TEST(usage)
{
    static const char *const wrong[] = {
        "export --format xml --output x .",
        "export --format csv .",
        "export --format csv --output x --table none .",
        "export --format hledger --output x --table orders .",
        "export --output x --from 2026-01-01 .",
        "export --output x --table orders .",
        "export --format csv --output x --schema s .",
        "export --format csv --output - --json .",
        "export --format csv --table all --output - .",
        "export --output - .",
        "export --format csv --output x",
    };
    ck_assert_int_eq(program_run(wrong[_i]), 2);
    ck_assert(!is_there("x"));
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("export");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, json_lines_add_up_to_the_audit);
    tcase_add_loop_test(tc, balances_are_those_of_the_node, 0, STORY_MEMBERS);
    tcase_add_test(tc, csv_has_the_same_rows);
    tcase_add_test(tc, again_is_the_same_and_a_longer_book_goes_on);
    tcase_add_test(tc, days);
    tcase_add_test(tc, hledger_and_ledger_balance_it);
    tcase_add_test(tc, hledger_says_what_the_auditor_says);
    tcase_add_test(tc, a_changed_figure_is_found_by_hledger);
    tcase_add_test(tc, a_part_of_it_opens_with_what_was_before);
    tcase_add_test(tc, pseudonyms_of_a_key);
    tcase_add_loop_test(tc, a_wrong_book_is_refused, 0, 2 * FORMATS);
    tcase_add_loop_test(tc, a_cut_or_altered_export_is_refused, 0, 20);
    tcase_add_loop_test(tc, an_export_that_ends_anywhere_is_a_finding, 0, 6);
    tcase_add_loop_test(tc, a_full_disk_leaves_the_old_file, 0, FORMATS);
    tcase_add_loop_test(tc, a_killed_export_leaves_the_old_file_or_the_new_one, 0, 20);
    tcase_add_test(tc, what_is_there_is_replaced_when_asked);
    tcase_add_loop_test(tc, usage, 0, 11);
    Suite *const s = suite_create("audit export");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
