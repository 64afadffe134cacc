/* The page for elected people: what it holds, what it escapes, that it is the same twice; and the
 * server that shows it. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/page.h"
#include "audit/program.h"
#include "common/file.h"
#include "lib/loopback.h"
#include "lib/procs.h"

/* --- escaping --------------------------------------------------------------------------------- */

START_TEST(text_is_never_markup)
{
    char *text = NULL;
    size_t len = 0;
    FILE *const f = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(f);
    page_text(f, "<script>\"a\" & 'b'\x01\x1b[2J\x7f</script> \xc3\xa9");
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_str_eq(text,
                     "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;[2J&lt;/script&gt; \xc3\xa9");
    free(text);
}
END_TEST

/* --- words and numbers ------------------------------------------------------------------------ */

static struct measure made;

/* A ledger's units, of which the second is the reserve's. */
static struct page made_page(const char *code)
{
    made = (struct measure){.table.units_count = 2};
    made.table.units[0].decimals = made.table.units[1].decimals = 2;
    made.table.units[0].role = MR_UNIT_LOCAL;
    made.table.units[1].role = MR_UNIT_RESERVE;
    snprintf(made.table.units[0].code, sizeof made.table.units[0].code, "%s", code);
    snprintf(made.table.units[1].code, sizeof made.table.units[1].code, "EUR");
    return (struct page){.m = &made};
}

static void check_value(const char *wanted, const struct page *p, enum page_look look, int64_t num)
{
    char text[PAGE_TEXT_MAX];
    page_value(text, p, look, num, 1);
    ck_assert_str_eq(text, wanted);
}

START_TEST(amounts_have_the_unit_they_are_in)
{
    struct page p = made_page("GAL");
    check_value("943.00\u00a0GAL", &p, PAGE_AMOUNT, 94300);
    check_value("943.00\u00a0€", &p, PAGE_RESERVE, 94300);
    check_value("100,000,000\u00a0GAL", &p, PAGE_AMOUNT, 10000000049);
    check_value("\u22121,235\u00a0GAL", &p, PAGE_AMOUNT, -123456);
    p = made_page("");
    check_value("943.00\u00a0units", &p, PAGE_AMOUNT, 94300);
}
END_TEST

START_TEST(numbers_in_french)
{
    char text[PAGE_TEXT_MAX];
    i18n_start("fr");
    const struct page p = made_page("GAL");
    check_value("943,00\u00a0€", &p, PAGE_RESERVE, 94300);
    check_value("100\u202f000\u202f000\u00a0GAL", &p, PAGE_AMOUNT, 10000000049);
    check_value("12\u202f300,0\u202f%", &p, PAGE_PERCENT, 123);
    page_exact(text, &p, PAGE_AMOUNT, 123456789, 1);
    ck_assert_str_eq(text, "1\u202f234\u202f567,89"); /* a table keeps the cents */
    i18n_start("en");
}
END_TEST

static void check_text(const char *wanted, const char *from)
{
    char *text = NULL;
    size_t len = 0;
    FILE *const f = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(f);
    page_text(f, from);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_str_eq(text, wanted);
    free(text);
}

START_TEST(no_french_line_begins_with_a_semicolon)
{
    check_text("a ; b : c", "a ; b : c");
    i18n_start("fr");
    check_text("a\u202f; b\u00a0: c 70\u202f%.", "a ; b : c 70 %.");
    check_text("«\u00a0a\u00a0» b ", "« a » b ");
    i18n_start("en");
}
END_TEST

/* --- the page --------------------------------------------------------------------------------- */

#define BAD "<img src=x onerror=alert(1)>"

/* Shops of two trades in two towns, one with a name that wants to be markup. */
static void write_town(void)
{
    FILE *const pay = fopen(scratch_path(program_dir, "pay.csv"), "w");
    FILE *const who = fopen(scratch_path(program_dir, "who.csv"), "w");
    ck_assert(pay != NULL && who != NULL);
    fprintf(who, "account,class,trade,town\n");
    for (int i = 0; i < 40; i++)
        fprintf(who, "m%d,%s,%s,%s\n", i, i < 28 ? "resident" : "shop",
                i < 28   ? ""
                : i < 34 ? "bakery"
                         : BAD,
                i % 2 == 0 ? BAD : "Lower");
    fprintf(pay, "time,kind,payer,payee,amount\n");
    for (int day = 0; day < 90; day++) {
        for (int n = 0; n < 14; n++) {
            const int from = (day * 7 + n * 3) % 40, to = 28 + (day + n * 5) % 12;
            if (n < 3)
                fprintf(pay, "2026-%02d-%02d 09:%02d:00,issue,,m%d,%d\n", day / 30 + 1,
                        day % 28 + 1, n, from, 20 + n);
            else if (from != to)
                fprintf(pay, "2026-%02d-%02d 10:%02d:00,pay,m%d,m%d,%d.50\n", day / 30 + 1,
                        day % 28 + 1, n, from, to, 1 + (day + n) % 17);
        }
    }
    ck_assert_int_eq(fclose(pay), 0);
    ck_assert_int_eq(fclose(who), 0);
}

static void setup(void)
{
    scratch_make(program_dir);
    write_town();
}

static void teardown(void)
{
    scratch_remove(program_dir);
}

#define TOWN "--from-csv pay.csv --accounts who.csv "

static char *read_page(const char *name)
{
    uint8_t *bytes;
    size_t n;
    ck_assert_int_eq(file_read(&bytes, &n, scratch_path(program_dir, name), 1 << 24), MR_OK);
    ck_assert_uint_eq(strlen((char *)bytes), n);
    return (char *)bytes;
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
        n++;
    return n;
}

START_TEST(each_chart_has_sentence_definition_and_table)
{
    ck_assert_int_eq(program_run("report --html a.html " TOWN), 0);
    char *const page = read_page("a.html");
    *strstr(page, "<script>") = '\0';
    const size_t charts = count(page, "<figure class=\"chart\"");
    ck_assert_uint_ge(charts, 8);
    ck_assert_uint_eq(count(page, "<table>"), charts);
    ck_assert_uint_eq(count(page, "<p class=\"say\""), charts);
    ck_assert_uint_eq(count(page, "role=\"img\""), charts);
    ck_assert_uint_ge(count(page, "<p class=\"definition\">"), charts);
    ck_assert_uint_eq(count(page, "<figure"), count(page, "</figure>"));
    ck_assert_uint_eq(count(page, "<tr>"), count(page, "</tr>"));
    ck_assert_uint_ge(count(page, "<li><span class=\"name\">"), 6);
    ck_assert_uint_gt(count(page, "(January 2026: "), 0);
    ck_assert_uint_eq(count(page, "How this is computed"), charts);
    ck_assert_ptr_null(strstr(page, "Not for publication"));
    free(page);
}
END_TEST

START_TEST(nothing_is_loaded_and_no_name_is_markup)
{
    ck_assert_int_eq(program_run("report --html a.html --small-cells " TOWN), 0);
    char *const page = read_page("a.html");
    ck_assert_ptr_null(strstr(page, "<img"));
    ck_assert_ptr_nonnull(strstr(page, "&lt;img src=x onerror=alert(1)&gt;"));
    ck_assert_ptr_nonnull(strstr(page, "default-src 'none'"));
    ck_assert_uint_eq(count(page, "'sha256-"), 2);
    ck_assert_uint_eq(count(page, "<script"), 2);
    ck_assert_uint_eq(count(page, " src=\""), 0);
    ck_assert_uint_eq(count(page, "<link"), 0);
    ck_assert_ptr_nonnull(strstr(page, "Not for publication"));
    free(page);
}
END_TEST

START_TEST(two_runs_make_the_same_page)
{
    ck_assert_int_eq(program_run("report --html a.html -t 1 " TOWN), 0);
    ck_assert_int_eq(program_run("report --html b.html -t 4 " TOWN), 0);
    char *const a = read_page("a.html"), *const b = read_page("b.html");
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
}
END_TEST

START_TEST(in_french)
{
    ck_assert_int_eq(program_run("report --lang fr --html a.html " TOWN), 0);
    char *const page = read_page("a.html");
    ck_assert_ptr_nonnull(strstr(page, "<html lang=\"fr\">"));
    ck_assert_ptr_nonnull(strstr(page, "Comment circule la monnaie locale"));
    ck_assert_ptr_nonnull(strstr(page, "janvier 2026"));
    free(page);
}
END_TEST

/* Three members: nothing of theirs is on the page. */
START_TEST(few_are_kept_back)
{
    static const char few[] = "time,kind,payer,payee,amount\n2026-01-05,issue,,a,777\n"
                              "2026-01-06,pay,a,b,333\n2026-01-07,pay,b,c,111\n";
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "few.csv"), few, sizeof few - 1, 0600, true), MR_OK);
    ck_assert_int_eq(program_run("report --html a.html --from-csv few.csv"), 0);
    char *page = read_page("a.html");
    *strstr(page, "<script>") = '\0';
    ck_assert_ptr_null(strstr(page, "777"));
    ck_assert_ptr_null(strstr(page, "444"));
    ck_assert_ptr_nonnull(strstr(page, "this figure is kept back. It tells of few persons, or"));
    free(page);
    ck_assert_int_eq(program_run("report --html b.html --small-cells --from-csv few.csv"), 0);
    page = read_page("b.html");
    ck_assert_ptr_nonnull(strstr(page, "777"));
    free(page);
}
END_TEST

/* The page of a file of these lines, without its scripts. The caller's. */
static char *page_of_lines(const char *lines, const char *options)
{
    char command[256];
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "l.csv"), lines, strlen(lines), 0600, true), MR_OK);
    snprintf(command, sizeof command, "report --html l.html --force --from-csv l.csv %s", options);
    ck_assert_int_eq(program_run(command), 0);
    char *const page = read_page("l.html");
    *strstr(page, "<script>") = '\0';
    return page;
}

static void check_says(const char *page, const char *sentence)
{
    if (strstr(page, sentence) == NULL)
        ck_abort_msg("the page does not say: %s", sentence);
}

#define HEAD "time,kind,payer,payee,amount\n"

START_TEST(one_payment_on_one_day)
{
    char *page = page_of_lines(HEAD "2026-01-05,issue,,a,777\n2026-01-05,pay,a,b,5\n",
                               "--by day --small-cells");
    check_says(page, "<p>5 January 2026. Figures of");
    check_says(page, "in 1 payment;");
    check_says(page, "2 accounts of 2 paid or were paid.");
    ck_assert_ptr_null(strstr(page, "unknown")); /* no matrix of those of whom nothing is known */
    free(page);
    page = page_of_lines(HEAD "2026-01-05,issue,,a,777\n", "--small-cells");
    check_says(page, "nothing was paid, the money rested.");
    check_says(page, "in 0 payments;");
    check_says(page, "0 accounts of 1 paid or were paid.");
    free(page);
    page = page_of_lines(HEAD "2026-01-05,issue,,a,777\n", "--small-cells --lang fr");
    check_says(page, "en 0 paiement\u202f;");
    check_says(page, "0 compte sur 1 a payé ou a été payé.");
    check_says(page, "Chiffres clés\u00a0: janvier 2026");
    check_says(page, "<p class=\"say\" id=\"mass-say\">Janvier 2026");
    free(page);
}
END_TEST

/* Three months that begin and end, alike but for what was issued in each. */
#define MONTH(m, issued)                                                                           \
    "2026-" m "-01,issue,,a," issued "\n2026-" m "-02,pay,a,b,10\n2026-" m "-28,pay,b,a,10\n"

START_TEST(changes_name_what_was_before)
{
    char *const page = page_of_lines(HEAD MONTH("01", "100") MONTH("02", "100") MONTH("03", "50"),
                                     "--small-cells --from 2026-01-01 --to 2026-03-31");
    check_says(page, "+25.0% (February 2026: 200.00\u00a0units)");
    check_says(page, "unchanged (February 2026: 20.00\u00a0units)");
    check_says(page, "unchanged (February 2026: 2)");
    free(page);
}
END_TEST

/* Two fractions are compared whose terms fill more bits than their product has. */
START_TEST(changes_of_the_largest_sums)
{
    static const char amount[] = "45035996273704.96"; /* the most that one may be */
    char *lines = NULL;
    size_t len;
    FILE *const f = open_memstream(&lines, &len);
    ck_assert_ptr_nonnull(f);
    fputs(HEAD, f);
    for (int i = 0; i < 20; i++)
        fprintf(f, "2025-12-01,issue,,a%d,%s\n", i, amount);
    for (int i = 0; i < 180; i++)
        fprintf(f, "2026-0%d-%02d,pay,a%d,a%d,%s\n", i < 60 ? 1 : 2, 5 + i % 20, i % 20,
                (i + 1) % 20, amount);
    fclose(f);
    char *const page = page_of_lines(lines, "--small-cells --from 2025-12-01 --to 2026-02-28");
    check_says(page, "78.21");
    check_says(page, "+121.4% (January 2026: 35.32)");
    free(page);
    free(lines);
}
END_TEST

/* The same beside small ones, of which every bit counts: 60 x 365 / 20 / 28 and 3 x 365 / 31. */
START_TEST(changes_to_the_largest_sums)
{
    static const char amount[] = "45035996273704.96";
    char *lines = NULL;
    size_t len;
    FILE *const f = open_memstream(&lines, &len);
    ck_assert_ptr_nonnull(f);
    fputs(HEAD "2026-01-01,issue,,a0,1\n2026-01-02,pay,a0,a1,1\n2026-01-03,pay,a1,a0,1\n"
               "2026-01-04,pay,a0,a1,1\n",
          f);
    for (int i = 0; i < 20; i++)
        fprintf(f, "2026-02-01,issue,,a%d,%s\n", i, amount);
    for (int i = 0; i < 60; i++)
        fprintf(f, "2026-02-%02d,pay,a%d,a%d,%s\n", 5 + i % 20, i % 20, (i + 1) % 20, amount);
    fclose(f);
    char *const page = page_of_lines(lines, "--small-cells --from 2026-01-01 --to 2026-02-28");
    check_says(page, "+10.7% (January 2026: 35.32)");
    free(page);
    free(lines);
}
END_TEST

/* What of a unit followed takes time: the latest month would always look worse than those before.
 */
START_TEST(multipliers_are_of_the_whole)
{
    char *const page = page_of_lines(HEAD "2026-01-01,issue,,a,100\n2026-01-02,pay,a,b,100\n"
                                          "2026-01-03,pay,b,c,100\n2026-02-01,issue,,a,100\n"
                                          "2026-02-02,pay,a,b,100\n",
                                     "--small-cells --from 2026-01-01 --to 2026-02-28");
    check_says(page, "Local multiplier LM3</span><span class=\"value\">1.50</span><span "
                     "class=\"aside\">");
    free(page);
}
END_TEST

/* That there are few of one class keeps nothing of the others back, nor calls them few. */
START_TEST(residents_and_shops_are_told_of)
{
    char lines[8192], who[2048] = "account,class,trade,town\n";
    size_t n = (size_t)snprintf(lines, sizeof lines, HEAD), w = strlen(who);
    for (int i = 0; i < 40; i++) {
        w += (size_t)snprintf(who + w, sizeof who - w, "m%d,%s,,\n", i,
                              i < 2    ? "association"
                              : i < 20 ? "resident"
                                       : "shop");
        n += (size_t)snprintf(lines + n, sizeof lines - n,
                              "2026-01-05,issue,,m%d,50\n2026-01-06,pay,m%d,m%d,%d\n", i, i,
                              (i + 7) % 40, 10 + i % 3);
    }
    ck_assert_int_eq(file_write(scratch_path(program_dir, "who.csv"), who, w, 0600, true), MR_OK);
    char *const page = page_of_lines(lines, "--accounts who.csv");
    check_says(page, "40 accounts paid or were paid.");
    check_says(page, "Residents who take part</span><span class=\"value\">18</span>");
    ck_assert_uint_eq(count(page, "<strong>Members</strong>"), 1);
    check_says(page, "Shops that take part</span><span class=\"value\">20</span>");
    check_says(page, "<td data-kept=\"1\">kept back</td>");
    free(page);
}
END_TEST

/* Trades say something, their absence does not; a name does not turn the words around it. */
START_TEST(flows_between_trades)
{
    char *page;
    ck_assert_int_eq(program_run("report --html a.html --small-cells " TOWN), 0);
    page = read_page("a.html");
    check_says(page, "The largest flow goes from &quot;\u2068");
    check_says(page, "Without trade: residents, and accounts listed with none.");
    ck_assert_ptr_null(strstr(page, "not listed"));
    free(page);
    page = page_of_lines(HEAD "2026-01-05,issue,,a,777\n2026-01-06,pay,a,b,5\n", "--small-cells");
    ck_assert_ptr_null(strstr(page, "Flows between"));
    free(page);
}
END_TEST

/* No date is told for what has happened already; a large amount may break before its unit. */
START_TEST(a_threshold_that_is_reached)
{
    char *const page = page_of_lines(HEAD "2026-01-05,issue,,a,30000000\n2026-04-05,issue,,a,9\n"
                                          "2026-04-06,pay,a,b,5\n",
                                     "--small-cells");
    check_says(page, "The threshold of units outstanding is reached.");
    ck_assert_ptr_null(strstr(page, "The threshold of payments is reached."));
    ck_assert_ptr_null(strstr(page, "If the units outstanding go on"));
    check_says(page, "<span class=\"value\">30,000,000 units</span>");
    check_says(page, "Computed from 3 rows");
    free(page);
}
END_TEST

/* Of more towns than a sheet holds some are drawn, and all are in the table. */
START_TEST(many_towns)
{
    char lines[4096], who[2048] = "account,class,trade,town\n";
    size_t n = (size_t)snprintf(lines, sizeof lines, HEAD), w = strlen(who);
    for (int i = 0; i < 30; i++) {
        w += (size_t)snprintf(who + w, sizeof who - w, "m%d,shop,,Town %d\n", i, i);
        n += (size_t)snprintf(lines + n, sizeof lines - n,
                              "2026-01-05,issue,,m%d,50\n2026-01-06,pay,m%d,m%d,10\n", i, i,
                              (i + 7) % 30);
    }
    ck_assert_int_eq(file_write(scratch_path(program_dir, "who.csv"), who, w, 0600, true), MR_OK);
    char *const page = page_of_lines(lines, "--small-cells --accounts who.csv");
    check_says(page, "data-most=\"20\"");
    check_says(page, "Drawn are the 20 where most stays; the table has all.");
    check_says(page, "In no town is anything paid to accounts of the same town.");
    ck_assert_uint_eq(count(page, ">Town "), 30);
    free(page);
}
END_TEST

/* A chart says in what it is, and so does its table. */
START_TEST(charts_name_their_units)
{
    ck_assert_int_eq(program_run("report --html a.html --small-cells " TOWN), 0);
    char *const page = read_page("a.html");
    *strstr(page, "<script>") = '\0';
    ck_assert_uint_eq(count(page, "data-unit=\"units\" data-along"), 4);
    ck_assert_uint_eq(count(page, "data-unit=\"\" data-along"), 0);
    check_says(page, "data-unit=\"times a year\"");
    ck_assert_ptr_null(strstr(page, "its reserve")); /* a file knows of none */
    check_says(page, "<caption>Payments, conversions, redemptions, in units</caption>");
    check_says(page, "<code>own</code>");
    free(page);
}
END_TEST

/* What is said beside it is French, too, and one row is one row. */
START_TEST(left_out_in_french)
{
    static const char lines[] =
        HEAD "2026-01-05,issue,,a,5\n2026-01-06,pay,a,b,x\n2026-01-07,pay,a,b,1.005\n";
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "l.csv"), lines, sizeof lines - 1, 0600, true), MR_OK);
    ck_assert_int_eq(
        program_shell(MEREAU_BIN_DIR "/mereau-audit stats --lang fr --from-csv l.csv 2>&1"), 0);
    check_says(program_output, "écartée : 1 ligne, le montant n’est pas un nombre (ligne 3)");
    check_says(program_output, "1 ligne sur 3 a été écartée");
    check_says(program_output, "1 montant avait plus de deux décimales");
    check_says(program_output, "de 2 lignes d’un fichier, SHA-256 ");
    check_says(program_output, "inconnu");
}
END_TEST

START_TEST(nothing_is_replaced_unasked)
{
    ck_assert_int_eq(program_run("report " TOWN), 2);
    ck_assert_int_eq(program_run("report --html a.html " TOWN), 0);
    ck_assert_int_eq(program_run("report --html a.html " TOWN), 1);
    ck_assert_int_eq(program_run("report --html a.html --force " TOWN), 0);
    ck_assert_int_eq(program_run("report --html no/such/a.html " TOWN), 4);
}
END_TEST

START_TEST(stdout_takes_the_page)
{
    ck_assert_int_eq(program_run("report --html - " TOWN), 0);
    ck_assert_int_eq(strncmp(program_output, "<!DOCTYPE html>", 15), 0);
    ck_assert_int_eq(program_run("report --html - --json " TOWN), 2);
    ck_assert_int_eq(program_run("report --html p.html pay.csv"), 2);
}
END_TEST

/* --- the server ------------------------------------------------------------------------------- */

static uint16_t server_port;

static struct proc *start_server(void)
{
    char listen[32];
    server_port = loopback_free_port();
    snprintf(listen, sizeof listen, "127.0.0.1:%u", (unsigned)server_port);
    const char *const words[] = {"LC_ALL=C", MEREAU_BIN_DIR "/mereau-audit",
                                 "serve",    "--from-csv",
                                 "pay.csv",  "--accounts",
                                 "who.csv",  "--published",
                                 "p",        "--listen",
                                 listen,     NULL};
    ck_assert_int_eq(chdir(program_dir), 0);
    struct proc *const server = proc_start(words);
    ck_assert_ptr_nonnull(server);
    ck_assert(proc_line(server, NULL, 0, "http://", PROC_DEADLINE_MS));
    return server;
}

static char answer[1 << 21];

static void get(const char *request)
{
    loopback_get(answer, sizeof answer, server_port, request);
}

#define SIGNED "--sign k.key --passphrase-file pass "

static void publish_town(void)
{
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "pass"), "correct horse\n", 14, 0600, true), MR_OK);
    ck_assert_int_eq(program_run("keygen k.key --passphrase-file pass"), 0);
    ck_assert_int_eq(program_run("publish p " TOWN SIGNED), 0);
}

START_TEST(a_server_shows_the_page_and_the_data)
{
    char *page;
    publish_town();
    ck_assert_int_eq(program_run("report --html a.html " TOWN), 0);
    struct proc *const server = start_server();
    get("GET / HTTP/1.0\r\n\r\n");
    page = read_page("a.html");
    ck_assert_ptr_nonnull(strstr(answer, page));
    ck_assert_ptr_nonnull(strstr(answer, "nosniff"));
    free(page);
    get("GET /data/figures.csv HTTP/1.0\r\n\r\n");
    page = read_page("p/figures.csv");
    ck_assert_ptr_nonnull(strstr(answer, page));
    free(page);
    get("GET /data/../k.key HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(answer, " 404 "));
    get("GET /data/%2e%2e/k.key HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(answer, " 404 "));
    get("POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(answer, " 405 "));
    proc_signal(server, SIGTERM);
    ck_assert_int_eq(proc_wait(server, PROC_DEADLINE_MS), 0);
    proc_end(server);
}
END_TEST

static bool serves(const char *path)
{
    char request[64];
    char *const file = read_page(path);
    snprintf(request, sizeof request, "GET /data/%s HTTP/1.0\r\n\r\n", strchr(path, '/') + 1);
    get(request);
    const bool same = strstr(answer, file) != NULL;
    free(file);
    return same;
}

/* What was served stays, of page and data, when the new ones do not fit each other or are not as
 * they were signed. */
START_TEST(a_server_takes_page_and_data_together)
{
    static const char *const lines[] = {"it is another now", "holds no publication"};
    publish_town();
    ck_assert_int_eq(program_shell("sed '$d' pay.csv >less.csv"), 0);
    ck_assert_int_eq(program_run("publish less --accounts who.csv --from-csv less.csv " SIGNED), 0);
    ck_assert_int_eq(program_run("publish new --licence CC0-1.0 " TOWN SIGNED), 0);
    ck_assert_int_eq(program_shell("cp -r p bad && cp less/figures.csv bad/ && cp -r p old"), 0);
    ck_assert_int_eq(program_run("report --html a.html --beside p " TOWN), 0);
    struct proc *const server = start_server();
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(program_shell(i == 0 ? "mv p was && mv less p" : "mv p less && mv bad p"),
                         0);
        ck_assert(proc_line(server, NULL, 0, lines[i], PROC_DEADLINE_MS));
        ck_assert(serves("old/figures.csv"));
        ck_assert(serves("old/statement.json"));
        char *const page = read_page("a.html");
        get("GET / HTTP/1.0\r\n\r\n");
        ck_assert_ptr_nonnull(strstr(answer, page));
        free(page);
    }
    ck_assert_int_eq(program_shell("mv p bad && mv new p"), 0);
    for (int i = 0; i < 300 && !serves("p/statement.json"); i++)
        usleep(100000);
    ck_assert(serves("p/statement.json"));
    proc_signal(server, SIGTERM);
    ck_assert_int_eq(proc_wait(server, PROC_DEADLINE_MS), 0);
    proc_end(server);
}
END_TEST

START_TEST(a_server_refuses_what_is_not_signed)
{
    ck_assert_int_eq(program_run("serve --published . " TOWN), 5);
    ck_assert_int_eq(program_run("serve --listen here " TOWN), 2);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("page");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 180);
    tcase_add_test(tc, text_is_never_markup);
    tcase_add_test(tc, amounts_have_the_unit_they_are_in);
    tcase_add_test(tc, numbers_in_french);
    tcase_add_test(tc, no_french_line_begins_with_a_semicolon);
    tcase_add_test(tc, each_chart_has_sentence_definition_and_table);
    tcase_add_test(tc, nothing_is_loaded_and_no_name_is_markup);
    tcase_add_test(tc, two_runs_make_the_same_page);
    tcase_add_test(tc, in_french);
    tcase_add_test(tc, few_are_kept_back);
    tcase_add_test(tc, one_payment_on_one_day);
    tcase_add_test(tc, changes_name_what_was_before);
    tcase_add_test(tc, changes_of_the_largest_sums);
    tcase_add_test(tc, changes_to_the_largest_sums);
    tcase_add_test(tc, multipliers_are_of_the_whole);
    tcase_add_test(tc, residents_and_shops_are_told_of);
    tcase_add_test(tc, flows_between_trades);
    tcase_add_test(tc, a_threshold_that_is_reached);
    tcase_add_test(tc, many_towns);
    tcase_add_test(tc, charts_name_their_units);
    tcase_add_test(tc, left_out_in_french);
    tcase_add_test(tc, nothing_is_replaced_unasked);
    tcase_add_test(tc, stdout_takes_the_page);
    tcase_add_test(tc, a_server_shows_the_page_and_the_data);
    tcase_add_test(tc, a_server_takes_page_and_data_together);
    tcase_add_test(tc, a_server_refuses_what_is_not_signed);
    Suite *const s = suite_create("audit page");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
