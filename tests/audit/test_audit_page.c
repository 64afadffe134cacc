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
    ck_assert_uint_gt(count(page, "compared with January 2026"), 0);
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
    ck_assert_ptr_nonnull(strstr(page, "comment circule la monnaie"));
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
    ck_assert_ptr_nonnull(strstr(page, "kept back"));
    free(page);
    ck_assert_int_eq(program_run("report --html b.html --small-cells --from-csv few.csv"), 0);
    page = read_page("b.html");
    ck_assert_ptr_nonnull(strstr(page, "777"));
    free(page);
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

START_TEST(a_server_shows_the_page_and_the_data)
{
    char *page;
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "pass"), "correct horse\n", 14, 0600, true), MR_OK);
    ck_assert_int_eq(program_run("keygen k.key --passphrase-file pass"), 0);
    ck_assert_int_eq(program_run("publish p " TOWN "--sign k.key --passphrase-file pass"), 0);
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
    tcase_add_test(tc, each_chart_has_sentence_definition_and_table);
    tcase_add_test(tc, nothing_is_loaded_and_no_name_is_markup);
    tcase_add_test(tc, two_runs_make_the_same_page);
    tcase_add_test(tc, in_french);
    tcase_add_test(tc, few_are_kept_back);
    tcase_add_test(tc, nothing_is_replaced_unasked);
    tcase_add_test(tc, a_server_shows_the_page_and_the_data);
    tcase_add_test(tc, a_server_refuses_what_is_not_signed);
    Suite *const s = suite_create("audit page");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
