/* mereau-audit on books that others hold: exports from a running node and from a mirror, and a page
 * that is served while its mirror grows. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/league.h"
#include "audit/program.h"
#include "audit/shown.h"
#include "common/file.h"
#include "lib/loopback.h"
#include "lib/procs.h"

static struct ring r;
static struct book book;
static struct shown node;

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    scratch_make(program_dir);
    league_tell(&r);
    program_nodes(&r);
    program_charter(&r.w.charter, "charter.mrc");
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "pass"), "secret words\n", 13, 0600, true), MR_OK);
    book_read(&book, r.nodes[0].journal);
    shown_start(&node, &r.w.charter, 1, &book, scratch_path(program_dir, "control"));
    ck_assert_int_eq(program_run("keygen auditor.key --passphrase-file pass"), 0);
}

static void teardown(void)
{
    shown_stop(&node);
    book_done(&book);
    ring_done(&r);
    scratch_remove(program_dir);
}

static void follow(void)
{
    json_decref(
        program_json("follow --json --once --charter charter.mrc --control ./control mirror", 0));
}

/* --- exports ---------------------------------------------------------------------------------- */

enum { FROM_NODE, FROM_CONTROL, FROM_MIRROR, SOURCES };

/* What comes of the node's own directory, in file `to`, or of somebody who reads it elsewhere. */
static void export_from(int source, const char *what, const char *to)
{
    char line[512], from[128] = "node1";
    if (source == FROM_NODE)
        snprintf(from, sizeof from, "--node %s --key auditor.key --passphrase-file pass",
                 node.address);
    else if (source == FROM_CONTROL)
        snprintf(from, sizeof from, "--control ./control");
    else if (source == FROM_MIRROR)
        snprintf(from, sizeof from, "mirror");
    snprintf(line, sizeof line, "export --force --output %s %s %s", to, what, from);
    const int got = program_run(line);
    ck_assert_msg(got == 0, "%s: exit %d: %s\n%s", line, got, program_output, program_trouble());
}

START_TEST(exports_are_those_of_the_book)
{
    static const char *const what[] = {"--format csv --table orders",
                                       "--format csv --table postings",
                                       "--format csv --table movements",
                                       "--format csv --table balances",
                                       "--format jsonl --table movements",
                                       "--format hledger",
                                       "--format mrx"};
    follow();
    for (size_t i = 0; i < sizeof what / sizeof what[0]; i++) {
        export_from(SOURCES, what[i], "book");
        ck_assert_int_eq(program_shell("test $(wc -l <book) -gt 5"), 0);
        export_from(_i, what[i], "other");
        ck_assert_msg(program_shell("cmp book other") == 0, "%s", what[i]);
    }
    ck_assert_int_eq(program_run("verify other"), 0);
}
END_TEST

/* It grows while others read it: an export of today begins with that of yesterday. */
START_TEST(an_export_goes_on_where_the_book_does)
{
    shown_until(&node, &book, book.count / 2);
    follow();
    export_from(_i, "--format csv --table orders", "yesterday");
    shown_until(&node, &book, book.count);
    follow();
    export_from(_i, "--format csv --table orders", "today");
    ck_assert_int_eq(program_shell("test $(wc -l <yesterday) -lt $(wc -l <today)"), 0);
    ck_assert_int_eq(program_shell("head -n $(wc -l <yesterday) today | cmp - yesterday"), 0);
    export_from(SOURCES, "--format csv --table orders", "book");
    ck_assert_int_eq(program_shell("cmp book today"), 0);
}
END_TEST

/* Nothing of it stays where it was to be written. */
START_TEST(a_node_that_breaks_off_leaves_no_export)
{
    char line[256];
    node.log_shown -= 5;
    snprintf(line, sizeof line,
             "export --format csv --table orders --output x --node %s --key auditor.key "
             "--passphrase-file pass",
             node.address);
    ck_assert_int_ne(program_run(line), 0);
    ck_assert(!file_exists(scratch_path(program_dir, "x")));
    node.silent = true;
    ck_assert_int_eq(program_run(line), 3);
    ck_assert(!file_exists(scratch_path(program_dir, "x")));
}
END_TEST

/* --- a page that grows ------------------------------------------------------------------------ */

static char answer[1 << 22];
static uint16_t port;

static struct proc *serve(const char *option, const char *what)
{
    char listen[32];
    port = loopback_free_port();
    snprintf(listen, sizeof listen, "127.0.0.1:%u", (unsigned)port);
    const char *const words[] = {
        "LC_ALL=C", MEREAU_BIN_DIR "/mereau-audit", "serve", "--listen", listen, option, what,
        NULL};
    ck_assert_int_eq(chdir(program_dir), 0);
    struct proc *const server = proc_start(words);
    ck_assert_ptr_nonnull(server);
    ck_assert(proc_line(server, NULL, 0, "http://", PROC_DEADLINE_MS));
    return server;
}

/* Whether it shows now what a report of the rows says. */
static bool shows(const char *report)
{
    uint8_t *page = NULL;
    size_t len = 0;
    ck_assert_int_eq(file_read(&page, &len, scratch_path(program_dir, report), 1 << 22), MR_OK);
    loopback_get(answer, sizeof answer, port, "GET / HTTP/1.0\r\n\r\n");
    const bool same = strstr(answer, (const char *)page) != NULL;
    free(page);
    return same;
}

static void expect(const char *report)
{
    const struct timespec step = {.tv_nsec = 200000000};
    for (int i = 0; i < 600 && !shows(report); i++)
        nanosleep(&step, NULL);
    ck_assert(shows(report));
}

/* _i: of rows that are named, of a mirror. */
START_TEST(a_page_follows_its_mirror)
{
    shown_until(&node, &book, book.count / 2);
    follow();
    ck_assert_int_eq(program_run("report --html first.html --rows mirror/rows"), 0);
    struct proc *const server =
        _i == 0 ? serve("--rows", "mirror/rows") : serve("--color=never", "mirror");
    ck_assert(shows("first.html"));
    shown_until(&node, &book, book.count);
    follow();
    ck_assert_int_eq(program_run("report --html second.html --rows mirror/rows"), 0);
    ck_assert_int_ne(program_shell("cmp first.html second.html"), 0);
    expect("second.html");
    proc_signal(server, SIGTERM);
    ck_assert_int_eq(proc_wait(server, PROC_DEADLINE_MS), 0);
    proc_end(server);
}
END_TEST

/* --- one that is followed without end ----------------------------------------------------------
 */

static struct proc *keep_following(void)
{
    const char *const words[] = {"LC_ALL=C",    MEREAU_BIN_DIR "/mereau-audit",
                                 "follow",      "--charter",
                                 "charter.mrc", "--control",
                                 "./control",   "mirror",
                                 NULL};
    node.waits = true;
    ck_assert_int_eq(chdir(program_dir), 0);
    struct proc *const p = proc_start(words);
    ck_assert_ptr_nonnull(p);
    return p;
}

static void wait_file(const char *name, int deadline_ms)
{
    for (int ms = 0; ms < deadline_ms && !file_exists(scratch_path(program_dir, name)); ms += 50)
        usleep(50000);
    ck_assert_msg(file_exists(scratch_path(program_dir, name)), "%s", name);
}

/* Its rows are there at once, and those of what came later although nothing comes behind it. */
START_TEST(a_page_follows_a_mirror_that_is_followed)
{
    shown_until(&node, &book, book.count / 2);
    struct proc *const follower = keep_following();
    wait_file("mirror/rows/head", PROC_DEADLINE_MS / 3);
    wait_file("mirror/audit.state", PROC_DEADLINE_MS / 3);
    struct proc *const server = serve("--color=never", "mirror");
    shown_until(&node, &book, book.count);
    ck_assert_int_eq(program_run("report --html second.html node1"), 0);
    ck_assert(!shows("second.html"));
    expect("second.html");
    proc_signal(server, SIGTERM);
    ck_assert_int_eq(proc_wait(server, PROC_DEADLINE_MS), 0);
    proc_end(server);
    proc_signal(follower, SIGTERM);
    ck_assert_int_eq(proc_wait(follower, PROC_DEADLINE_MS), 0);
    proc_end(follower);
}
END_TEST

/* Ten seconds are what it waits for news, and for an answer: a slow machine has half of that. _i:
 * the signal, and behind SIGNALS a node that does not answer. */
enum { SIGNALS = 2, SOON_MS = 5000 };

START_TEST(it_ends_soon_after_a_signal)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT};
    const bool silent = _i >= SIGNALS;
    struct proc *const follower = keep_following();
    wait_file("mirror/mirror.mark", PROC_DEADLINE_MS / 3);
    node.silent = silent;
    sleep(1);
    proc_signal(follower, numbers[_i % SIGNALS]);
    ck_assert_int_eq(proc_wait(follower, SOON_MS), silent ? 3 : 0);
    proc_end(follower);
}
END_TEST

/* The node knows the key as a witness's only. */
START_TEST(a_key_that_may_not_mirror)
{
    char line[256];
    node.shows_nothing = true;
    snprintf(line, sizeof line,
             "follow --once --charter charter.mrc --node %s --key auditor.key --passphrase-file "
             "pass mirror",
             node.address);
    ck_assert_int_eq(program_run(line), 3);
    ck_assert_ptr_nonnull(strstr(program_output, "this key may cosign"));
    ck_assert_ptr_null(strstr(program_output, "orders settled"));
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("live");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, exports_are_those_of_the_book, 0, SOURCES);
    tcase_add_loop_test(tc, an_export_goes_on_where_the_book_does, 0, SOURCES);
    tcase_add_test(tc, a_node_that_breaks_off_leaves_no_export);
    tcase_add_loop_test(tc, a_page_follows_its_mirror, 0, 2);
    TCase *const on = tcase_create("followed");
    tcase_add_checked_fixture(on, setup, teardown);
    tcase_set_timeout(on, 240);
    tcase_add_test(on, a_page_follows_a_mirror_that_is_followed);
    tcase_add_test(on, a_key_that_may_not_mirror);
    tcase_add_loop_test(on, it_ends_soon_after_a_signal, 0, SIGNALS + 1);
    Suite *const s = suite_create("audit live");
    suite_add_tcase(s, tc);
    suite_add_tcase(s, on);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
