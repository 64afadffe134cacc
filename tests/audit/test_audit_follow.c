/* mereau-audit follow: a mirror of several nodes that grows, is stopped and killed, and nodes that
 * lie. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/followed.h"
#include "audit/lies.h"
#include "audit/program.h"
#include "common/file.h"
#include "mereau/log.h"

static uint32_t turns_of_first(void)
{
    struct mr_journal_end end;
    followed_ring.nodes[0].journal->api->end(followed_ring.nodes[0].journal, &end);
    return (uint32_t)end.turn;
}

static uint32_t first_epoch; /* so many turns of the first node */

/* Node 4 lost everything, and came back in the second epoch: its book begins there. */
static void setup_joined(void)
{
    ring_init(&followed_ring, FOLLOWED_NODES, 3);
    ck_assert_int_eq(ring_open(&followed_ring, 0, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(ring_open(&followed_ring, 0, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(ring_issue(&followed_ring, 0, 0, 100000), MR_SETTLED);
    ck_assert_int_eq(ring_pay(&followed_ring, 3, 0, 1, 10), MR_SETTLED);
    ring_kill(&followed_ring, 3);
    ring_wait(&followed_ring, 1000);
    first_epoch = turns_of_first();
    ck_assert_int_eq(ring_next(&followed_ring, 0, 0, 3, 3, 1u << 3), MR_SETTLED);
    ring_wait(&followed_ring, 10000);
    ring_join(&followed_ring, 3, 0);
    ring_wait(&followed_ring, 1000);
    for (uint32_t i = 0; i < FOLLOWED_NODES; i++)
        ck_assert_int_eq(ring_pay(&followed_ring, i, 0, 1, 10), MR_SETTLED);
    ring_wait(&followed_ring, 1000);
    followed_show();
}

/* The figures come from the rows of the mirror, and are those of the whole book. */
static void same_figures(const char *dir)
{
    char line[160];
    snprintf(line, sizeof line, "stats --json %s > rows.json", dir);
    ck_assert_int_eq(program_run(line), 0);
    snprintf(line, sizeof line, "stats --json --charter charter.mrc %s > book.json", dir);
    ck_assert_int_eq(program_run(line), 0);
    ck_assert_int_eq(program_shell("cmp rows.json book.json"), 0);
}

static bool has_rows(void)
{
    return file_exists(scratch_path(program_dir, "mirror/rows/head"));
}

START_TEST(four_nodes_are_mirrored)
{
    json_t *o = program_json(followed_words(4, ""), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(o, "nodes")), 4);
    for (size_t i = 0; i < FOLLOWED_NODES; i++)
        ck_assert_int_eq(followed_number(o, i, "turns"), followed_books[i].count);
    followed_as_verified(o, "mirror", 0);
    json_decref(o);
    json_decref(program_json("compare --json mirror mirror/nodes/2 mirror/nodes/4", 0));
    json_decref(program_json("verify --json mirror/nodes/3", 0));
    ck_assert_int_eq(program_run("export mirror --output all.mrx"), 0);
    json_decref(program_json("verify --json all.mrx", 0));
    o = program_json(followed_words(4, ""), 0); /* nothing is new */
    ck_assert_int_eq(followed_number(o, 2, "new_turns"), 0);
    followed_as_verified(o, "mirror", 0);
    json_decref(o);
}
END_TEST

/* A mirror that grows by a few turns a day says each time what verify says of the whole. */
START_TEST(day_by_day)
{
    for (uint32_t turns = 1; turns < followed_books[0].count + 40; turns += 37) {
        shown_until(&followed_nodes[0], &followed_books[0], turns);
        json_t *const o = program_json(followed_words(1, ""), 0);
        const uint32_t all = turns < followed_books[0].count ? turns : followed_books[0].count;
        ck_assert_int_eq(followed_number(o, 0, "turns"), all);
        ck_assert_int_eq(followed_number(o, 0, "new_turns"), turns == 1 ? 1 : all - (turns - 37));
        followed_as_verified(o, "mirror", 0);
        ck_assert(has_rows());
        same_figures("mirror");
        json_decref(o);
    }
}
END_TEST

/* A program in the background that leaves its exit code in a file. */
static void ends_well(int seconds)
{
    for (int i = 0; i < 20 * seconds && !file_exists(scratch_path(program_dir, "code")); i++)
        usleep(50000);
    usleep(100000);
    ck_assert_int_eq(program_shell("cat code"), 0);
    ck_assert_str_eq(program_output, "0\n");
}

/* Without --once it goes on until it is told to stop, and says then what it has. */
START_TEST(goes_on_until_stopped)
{
    char line[1280];
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count / 2);
    snprintf(
        line, sizeof line,
        "(timeout --preserve-status -s TERM 5 '%s/mereau-audit' follow "
        "--json mirror --charter charter.mrc --control ./control0 >out; echo $? >code) >log 2>&1 &",
        MEREAU_BIN_DIR);
    ck_assert_int_eq(program_shell(line), 0);
    usleep(2000000);
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count);
    ends_well(10);
    json_t *const o = json_load_file(scratch_path(program_dir, "out"), 0, NULL);
    ck_assert_ptr_nonnull(o);
    ck_assert_int_eq(followed_number(o, 0, "turns"), followed_books[0].count);
    followed_as_verified(o, "mirror", 0);
    json_decref(o);
}
END_TEST

/* Whether the last program audited the mirror from the beginning. */
static bool began_anew(void)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    ck_assert_int_eq(file_read(&bytes, &len, scratch_path(program_dir, "stderr"), 1 << 16), MR_OK);
    const bool anew = memmem(bytes, len, "thrown away", 11) != NULL;
    free(bytes);
    return anew;
}

/* A state that is damaged, or of another moment, or missing. */
START_TEST(a_state_that_does_not_fit)
{
    shown_until(&followed_nodes[0], &followed_books[0], 100);
    json_decref(program_json(followed_words(1, ""), 0));
    ck_assert_int_eq(rename(scratch_path(program_dir, "mirror/audit.state"),
                            scratch_path(program_dir, "old.state")),
                     0);
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count);
    json_decref(program_json(followed_words(1, ""), 0));
    ck_assert(!began_anew());
    if (_i == 0)
        followed_spoil("mirror/audit.state", 40);
    else if (_i == 1)
        followed_spoil("mirror/audit.state", -2000);
    else if (_i == 2)
        ck_assert_int_eq(unlink(scratch_path(program_dir, "mirror/audit.state")), 0);
    else
        ck_assert_int_eq(rename(scratch_path(program_dir, "old.state"),
                                scratch_path(program_dir, "mirror/audit.state")),
                         0);
    json_t *const o = program_json(followed_words(1, ""), 0);
    ck_assert_int_eq(began_anew(), _i < 2);
    followed_as_verified(o, "mirror", 0);
    json_decref(o);
}
END_TEST

/* Killed at any moment, it goes on. */
START_TEST(killed)
{
    char line[1280];
    for (unsigned ms = 1; ms < 120; ms += 4) {
        shown_until(&followed_nodes[0], &followed_books[0], ms * 2);
        snprintf(line, sizeof line,
                 "timeout --foreground -s KILL 0.%03u "
                 "'%s/mereau-audit' %s",
                 ms, MEREAU_BIN_DIR, followed_words(1, ">/dev/null"));
        program_shell(line);
    }
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count);
    json_t *const o = program_json(followed_words(1, ""), 0);
    ck_assert_int_eq(followed_number(o, 0, "turns"), followed_books[0].count);
    followed_as_verified(o, "mirror", 0);
    ck_assert(has_rows());
    same_figures("mirror");
    json_decref(o);
}
END_TEST

static void keep(const char *name, const char *as)
{
    char line[160];
    snprintf(line, sizeof line, "rm -rf %s; cp -a %s %s", as, name, as);
    ck_assert_int_eq(program_shell(line), 0);
}

/* Rows that are ahead of the saved state, behind it, damaged, or missing. */
START_TEST(rows_that_are_elsewhere)
{
    shown_until(&followed_nodes[0], &followed_books[0], 100);
    json_decref(program_json(followed_words(1, ""), 0));
    keep("mirror/rows", "old.rows");
    keep("mirror/audit.state", "old.state");
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count);
    json_decref(program_json(followed_words(1, ""), 0));
    const bool ahead = _i == 0;
    if (ahead)
        keep("old.state", "mirror/audit.state");
    else if (_i == 1)
        keep("old.rows", "mirror/rows");
    else if (_i == 2)
        followed_spoil("mirror/rows/head", 60);
    else if (_i == 3)
        followed_spoil("mirror/rows/moves.amount", 3);
    else
        ck_assert_int_eq(unlink(scratch_path(program_dir, "mirror/rows/head")), 0);
    json_t *const o = program_json(followed_words(1, ""), 0);
    ck_assert_int_eq(began_anew(), !ahead);
    followed_as_verified(o, "mirror", 0);
    ck_assert(has_rows());
    same_figures("mirror");
    json_decref(o);
    json_decref(program_json(followed_words(1, ""), 0));
    ck_assert(!began_anew());
}
END_TEST

/* The figures are there at once: nothing is read but the rows. */
START_TEST(figures_need_no_book)
{
    json_decref(program_json(followed_words(1, ""), 0));
    same_figures("mirror");
    followed_spoil("mirror/rows/moves.amount", 3);
    same_figures("mirror");
    ck_assert_int_eq(program_shell("! grep -q 'is damaged' stderr"), 0); /* of the book */
    ck_assert_int_eq(program_run("stats --json mirror > rows.json"), 0);
    ck_assert_int_eq(program_shell("grep -q 'rows is damaged' stderr"), 0);
    followed_spoil("mirror/rows/moves.amount", 3);
    ck_assert_int_eq(program_shell("mv mirror/journal away"), 0);
    ck_assert_int_eq(program_run("stats --json mirror > rows.json"), 0);
    ck_assert_int_eq(program_shell("cmp rows.json book.json"), 0);
    ck_assert_int_eq(unlink(scratch_path(program_dir, "mirror/rows/head")), 0);
    ck_assert_int_ne(program_run("stats --json mirror"), 0);
}
END_TEST

/* --- lies ------------------------------------------------------------------------------------- */

static void lie_as(uint32_t node, void (*lie)(struct doctor *d))
{
    static struct book told;
    static struct doctor d;
    doctor_load(&d, &followed_ring, node + 1, &followed_books[node]);
    lie(&d);
    doctor_write(&d, &told);
    shown_change(&followed_nodes[node], &told);
    book_done(&told);
    doctor_done(&d);
}

static const json_t *contradiction(const json_t *o, size_t i, const char *kind)
{
    const json_t *const row = json_array_get(json_object_get(o, "contradictions"), i);
    ck_assert_ptr_nonnull(row);
    ck_assert_str_eq(json_words(row, "kind"), kind);
    return row;
}

/* A wrong row: the finding is that of verify, today and tomorrow. */
START_TEST(a_finding_stays)
{
    lie_as(0, league_lie_named(lies_of_league, "evidence that is not there")->tell);
    for (int i = 0; i < 3; i++) {
        json_t *const o = program_json(followed_words(1, ""), 5);
        ck_assert_int_eq(json_number(o, "findings_total"), 1);
        ck_assert_int_eq(json_number(o, "convictions_total"), 0);
        followed_as_verified(o, "mirror", 5);
        json_decref(o);
        ck_assert(!has_rows());
        if (i == 1)
            ck_assert_int_eq(unlink(scratch_path(program_dir, "mirror/audit.state")), 0);
    }
}
END_TEST

/* What convicts another node stays as well, and the book is right: there are rows. */
START_TEST(a_conviction_stays)
{
    lie_as(0, league_lie_named(lies_of_league, "peer votes twice")->tell);
    for (int i = 0; i < 3; i++) {
        json_t *const o = program_json(followed_words(1, ""), 0);
        const json_t *const first = json_array_get(json_object_get(o, "nodes"), 0);
        ck_assert_int_eq(json_number(o, "findings_total"), 0);
        ck_assert_int_eq(json_number(o, "convictions_total"), 1);
        ck_assert_int_eq(json_number(first, "convictions_total"), 1);
        ck_assert_uint_eq(json_array_size(json_object_get(o, "evidence_against")), 1);
        followed_as_verified(o, "mirror", 0);
        json_decref(o);
        ck_assert(has_rows());
        if (i == 1)
            ck_assert_int_eq(unlink(scratch_path(program_dir, "mirror/audit.state")), 0);
    }
}
END_TEST

static void convicts(const json_t *row, uint32_t node)
{
    char line[512];
    ck_assert_int_eq(json_number(row, "node"), node);
    const json_t *const path = json_object_get(row, "evidence");
    ck_assert_msg(json_is_string(path), "no evidence");
    snprintf(line, sizeof line, "evidence --json --charter charter.mrc '%s'",
             json_string_value(path));
    json_t *const e = program_json(line, 0);
    ck_assert_int_eq(json_number(e, "node"), node);
    ck_assert_str_eq(json_words(e, "breach"), "TWO_HISTORIES");
    json_decref(e);
}

/* The mirror stands behind the lie: node 1 shows another book than yesterday. */
START_TEST(a_node_that_rewrites)
{
    json_decref(program_json(followed_words(1, ""), 0));
    lie_as(0, league_lie_named(lies_of_league, "two votes")->tell);
    for (int i = 0; i < 2; i++) {
        json_t *const o = program_json(followed_words(1, ""), 5);
        convicts(contradiction(o, 0, "CONTRADICTS_ITSELF"), 1);
        followed_as_verified(o, "mirror", 0); /* what it had mirrored is right, and stays */
        json_decref(o);
    }
    /* It shows the first history again: what convicts it is told all the same. */
    shown_change(&followed_nodes[0], &followed_books[0]);
    for (int i = 0; i < 2; i++) {
        json_t *const o = program_json(followed_words(1, ""), 0);
        const json_t *const row = json_array_get(json_object_get(o, "evidence_on_file"), 0);
        ck_assert_int_eq(json_number(row, "node"), 1);
        ck_assert_str_eq(json_words(row, "breach"), "TWO_HISTORIES");
        ck_assert_str_eq(json_words(row, "file"), "mirror/evidence-node1-epoch1.mre");
        ck_assert_int_eq(json_number(o, "contradictions_total"), 0);
        json_decref(o);
    }
    followed_spoil("mirror/evidence-node1-epoch1.mre", -1);
    json_t *const o = program_json(followed_words(1, ""), 0);
    const json_t *const row = json_array_get(json_object_get(o, "evidence_on_file"), 0);
    ck_assert_str_ne(json_words(row, "status"), "OK");
    json_decref(o);
}
END_TEST

START_TEST(a_node_that_shows_others_another_log)
{
    lie_as(0, league_lie_named(lies_of_league, "two votes")->tell);
    json_t *const o = program_json(followed_words(2, ""), 5);
    convicts(contradiction(o, 0, "TWO_HISTORIES"), 1);
    json_decref(o);
}
END_TEST

START_TEST(a_node_that_goes_back)
{
    json_decref(program_json(followed_words(1, ""), 0));
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count - 20);
    json_t *const o = program_json(followed_words(1, ""), 5);
    ck_assert_ptr_nonnull(
        strstr(json_words(contradiction(o, 0, "CONTRADICTS_ITSELF"), "what"), "showed"));
    json_decref(o);
}
END_TEST

/* Node 1 shows us less of its log than it showed node 2. */
START_TEST(a_node_that_omits)
{
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count / 2);
    json_t *const o = program_json(followed_words(2, ""), 5);
    ck_assert_int_eq(json_number(contradiction(o, 0, "OMITS"), "node"), 1);
    json_decref(o);
}
END_TEST

/* Its last head covers more than it shows, or another tree. */
START_TEST(a_head_over_something_else)
{
    json_t *o = program_json(followed_words(1, ""), 0);
    const json_t *const last = json_object_get(json_object_get(o, "totals"), "head");
    followed_nodes[0].head = (struct mr_head){.epoch = 1, .node = 1, .generation = 1, .time_ms = 1};
    followed_nodes[0].head.size = (uint64_t)json_number(last, "size") + (_i == 0 ? 1000 : 0);
    memset(followed_nodes[0].head.root, 7, sizeof followed_nodes[0].head.root);
    mr_head_sign(&followed_nodes[0].head, followed_ring.w.ledger, &followed_ring.nodes[0].log_key);
    if (_i == 2)
        followed_nodes[0].head.sig[0] ^= 1;
    json_decref(o);
    o = program_json(followed_words(1, ""), 5);
    ck_assert_ptr_nonnull(
        strstr(json_words(contradiction(o, 0, "CONTRADICTS_ITSELF"), "what"), "head"));
    json_decref(o);
}
END_TEST

START_TEST(a_node_that_sends_no_book)
{
    if (_i == 0)
        followed_nodes[0].log[3] ^= 1;
    else if (_i == 1)
        followed_nodes[0].log[followed_nodes[0].log_len / 2] ^= 1;
    else if (_i == 2)
        followed_nodes[0].log_shown -= 5;
    else
        followed_nodes[0].bodies[followed_nodes[0].bodies_len / 2] ^= 1;
    for (int i = 0; i < 2; i++) {
        json_t *const o = program_json(followed_words(1, ""), 5);
        contradiction(o, 0, "CONTRADICTS_ITSELF");
        if (_i > 0)
            followed_as_verified(o, "mirror", 0);
        json_decref(o);
    }
}
END_TEST

/* --- a node that joined ----------------------------------------------------------------------- */

static char command[1024];

/* The first node and the one that joined, in this order or the other. */
static const char *follow_joined(bool other_order, const char *more)
{
    followed_key();
    snprintf(command, sizeof command,
             "follow --json --once --charter charter.mrc --key auditor.key --passphrase-file pass "
             "mirror --node %.31s --node %.31s %s",
             followed_nodes[other_order ? 3 : 0].address,
             followed_nodes[other_order ? 0 : 3].address, more);
    return command;
}

/* It is read to its end, and judged when the other book has come to its epoch: a later day. */
START_TEST(a_joined_node_is_ahead_of_the_first_book)
{
    const bool other_order = _i == 1;
    const size_t at = other_order ? 0 : 1;
    shown_until(&followed_nodes[0], &followed_books[0], first_epoch);
    for (int day = 0; day < 2; day++) {
        json_t *const o = program_json(follow_joined(other_order, "--timeout 1"), 3);
        ck_assert_int_eq(json_number(o, "findings_total"), 0);
        ck_assert_int_eq(followed_number(o, at, "findings_total"), 0);
        ck_assert_int_eq(followed_number(o, at, "turns"), followed_books[3].count);
        const json_t *const row = json_array_get(json_object_get(o, "nodes"), at);
        ck_assert_str_eq(json_words(row, "status"), "BEHIND");
        json_decref(o);
    }
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count);
    for (int day = 0; day < 2; day++) {
        json_t *const o = program_json(follow_joined(other_order, ""), 0);
        ck_assert_int_eq(followed_number(o, at, "findings_total"), 0);
        ck_assert_int_eq(followed_number(o, 1 - at, "turns"), followed_books[0].count);
        json_decref(o);
    }
    if (!other_order) {
        json_decref(
            program_json("verify --json --base mirror --charter charter.mrc mirror/nodes/4", 0));
    }
}
END_TEST

/* The first node comes to that epoch while it is followed. */
START_TEST(a_joined_node_waits_for_the_first_book)
{
    char line[1280];
    shown_until(&followed_nodes[0], &followed_books[0], first_epoch);
    snprintf(line, sizeof line,
             "('%s/mereau-audit' %s --timeout 60 >out 2>stderr; echo $? >code) >log 2>&1 &",
             MEREAU_BIN_DIR, follow_joined(false, ""));
    ck_assert_int_eq(program_shell(line), 0);
    for (int i = 0;
         i < 600 && !file_exists(scratch_path(program_dir, "mirror/nodes/4/mirror.mark")); i++)
        usleep(50000);
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count);
    ends_well(30);
}
END_TEST

/* Nobody is there whose book it could rest on. */
START_TEST(a_joined_node_alone)
{
    followed_key();
    snprintf(command, sizeof command,
             "follow --json --once --charter charter.mrc --key auditor.key --passphrase-file pass "
             "mirror --node %.31s",
             followed_nodes[3].address);
    json_t *const o = program_json(command, 5);
    ck_assert_int_eq(json_number(o, "findings_total"), 1);
    json_decref(o);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("follow");
    tcase_add_checked_fixture(tc, followed_setup, followed_teardown);
    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, four_nodes_are_mirrored);
    tcase_add_test(tc, day_by_day);
    tcase_add_test(tc, goes_on_until_stopped);
    tcase_add_loop_test(tc, a_state_that_does_not_fit, 0, 4);
    tcase_add_test(tc, killed);
    tcase_add_loop_test(tc, rows_that_are_elsewhere, 0, 5);
    tcase_add_test(tc, figures_need_no_book);
    tcase_add_test(tc, a_finding_stays);
    tcase_add_test(tc, a_conviction_stays);
    tcase_add_test(tc, a_node_that_rewrites);
    tcase_add_test(tc, a_node_that_shows_others_another_log);
    tcase_add_test(tc, a_node_that_goes_back);
    tcase_add_test(tc, a_node_that_omits);
    tcase_add_loop_test(tc, a_head_over_something_else, 0, 3);
    tcase_add_loop_test(tc, a_node_that_sends_no_book, 0, 4);
    TCase *const joined = tcase_create("joined");
    tcase_add_checked_fixture(joined, setup_joined, followed_teardown);
    tcase_set_timeout(joined, 240);
    tcase_add_loop_test(joined, a_joined_node_is_ahead_of_the_first_book, 0, 2);
    tcase_add_test(joined, a_joined_node_waits_for_the_first_book);
    tcase_add_test(joined, a_joined_node_alone);
    Suite *const s = suite_create("audit follow");
    suite_add_tcase(s, tc);
    suite_add_tcase(s, joined);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
