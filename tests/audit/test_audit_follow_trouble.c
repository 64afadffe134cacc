/* mereau-audit follow where nodes go away, stand still or go on, disks are full and mirrors
 * damaged. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/followed.h"
#include "audit/program.h"
#include "common/file.h"
#include "lib/proxy.h"

static void show_the_rest(void)
{
    followed_nodes[1].change = NULL;
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count);
    shown_until(&followed_nodes[1], &followed_books[1], followed_books[1].count);
}

/* Both go on while they are read: node 2 is the last one, and has more of node 1's log by then. */
START_TEST(a_node_that_goes_on_omits_nothing)
{
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count / 2);
    shown_until(&followed_nodes[1], &followed_books[1], followed_books[1].count / 2);
    json_t *o = program_json(followed_words(2, ""), 0);
    json_decref(o);
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count * 3 / 4);
    shown_until(&followed_nodes[1], &followed_books[1], followed_books[1].count * 3 / 4);
    followed_nodes[1].answers = (uint32_t)_i;
    followed_nodes[1].change = show_the_rest;
    json_decref(program_json(followed_words(2, ""), 0));
    ck_assert(followed_nodes[1].change == NULL);
    o = program_json(followed_words(2, ""), 0);
    ck_assert_int_eq(followed_number(o, 0, "turns"), followed_books[0].count);
    json_decref(o);
}
END_TEST

START_TEST(a_node_that_stalls)
{
    followed_nodes[1].silent = true;
    json_t *const o = program_json(followed_words(3, "--timeout 1"), 3);
    const json_t *const row = json_array_get(json_object_get(o, "nodes"), 1);
    ck_assert_str_eq(json_words(row, "status"), "BUSY");
    ck_assert_int_eq(followed_number(o, 2, "turns"), followed_books[2].count);
    followed_as_verified(o, "mirror", 0);
    json_decref(o);
}
END_TEST

static struct proxy *wire;

static void begin_wire(void)
{
    wire = proxy_start(0, &followed_nodes[0].node.at.port, 1);
    ck_assert_ptr_nonnull(wire);
    snprintf(followed_nodes[0].address, sizeof followed_nodes[0].address, "127.0.0.1:%u",
             (unsigned)proxy_port(wire));
}

/* It takes connections and says nothing: the others are followed to their end. */
START_TEST(a_node_that_never_answers)
{
    begin_wire();
    if (_i == 1) { /* there is a mirror of it, of an earlier day */
        shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count / 2);
        shown_until(&followed_nodes[1], &followed_books[1], followed_books[1].count / 2);
        json_decref(program_json(followed_words(2, ""), 0));
        shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count);
        shown_until(&followed_nodes[1], &followed_books[1], followed_books[1].count);
    }
    proxy_hold(wire, true);
    json_t *o = program_json(followed_words(2, "--timeout 1"), 3);
    ck_assert_int_eq(followed_number(o, 1, "turns"), followed_books[1].count);
    json_decref(o);
    proxy_hold(wire, false);
    o = program_json(followed_words(2, ""), 0);
    ck_assert_int_eq(followed_number(o, 0, "turns"), followed_books[0].count);
    json_decref(o);
    proxy_stop(wire);
}
END_TEST

static bool hangs;

static void hang_up(void)
{
    if (hangs)
        proxy_hold(wire, true);
    else
        proxy_close(wire, true);
}

static void come_back(void)
{
    followed_nodes[0].change = NULL;
    proxy_hold(wire, false);
    proxy_close(wire, false);
}

/* In the middle of its book it is gone, or stands still: what came is a book, and it goes on. */
START_TEST(a_node_that_vanishes_midway)
{
    begin_wire();
    hangs = _i % 2 == 1;
    followed_nodes[0].chunk = 3000;
    followed_nodes[0].answers = (uint32_t)_i * 4 + 3;
    followed_nodes[0].change = hang_up;
    json_decref(program_json(followed_words(2, "--timeout 1"), 3));
    come_back();
    json_decref(program_json("verify --json --charter charter.mrc mirror", 0));
    json_t *const o = program_json(followed_words(2, ""), 0);
    ck_assert_int_eq(followed_number(o, 0, "turns"), followed_books[0].count);
    ck_assert_int_lt(followed_number(o, 0, "new_turns"),
                     _i == 0 ? followed_books[0].count + 1 : followed_books[0].count);
    followed_as_verified(o, "mirror", 0);
    json_decref(o);
    proxy_stop(wire);
}
END_TEST

/* Nothing half written: what fits is a book, and with more room it goes on. */
START_TEST(disk_full)
{
    char line[1280];
    snprintf(line, sizeof line, "trap '' XFSZ; (ulimit -f %d; '%s/mereau-audit' %s)", 40 + 60 * _i,
             MEREAU_BIN_DIR, followed_words(1, ""));
    const int code = program_shell(line);
    ck_assert_msg(code == 4, "%d %s", code, program_output);
    ck_assert_ptr_nonnull(strstr(program_output, "the disk is full"));
    json_decref(program_json("verify --json mirror", 0));
    json_t *const o = program_json(followed_words(1, ""), 0);
    ck_assert_int_eq(followed_number(o, 0, "turns"), followed_books[0].count);
    followed_as_verified(o, "mirror", 0);
    json_decref(o);
}
END_TEST

/* Bodies that the node has erased: believed, counted, and the mirror is a book all the same. */
START_TEST(erased_bodies)
{
    followed_nodes[0].bodies_erased = 0;
    for (uint32_t i = 0; i < followed_books[0].count / 2; i++)
        followed_nodes[0].bodies_erased += followed_books[0].turns[i].bodies_len;
    if (_i == 1) { /* the mirror has the first of them */
        const size_t erased = followed_nodes[0].bodies_erased;
        followed_nodes[0].bodies_erased = 0;
        shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count / 4);
        json_decref(program_json(followed_words(1, ""), 0));
        shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count * 2 / 5);
        followed_nodes[0].bodies_erased = erased;
    }
    program_run(followed_words(1, ""));
    ck_assert_int_eq(program_run("dump mirror >/dev/null"), 0);
    shown_until(&followed_nodes[0], &followed_books[0], followed_books[0].count);
    const int code = program_run(followed_words(1, ""));
    json_t *const o = program_json(followed_words(1, ""), code);
    ck_assert_int_gt(json_number(json_object_get(o, "unchecked"), "orders_erased"), 0);
    followed_as_verified(o, "mirror", code);
    json_decref(o);
}
END_TEST

/* What was on the disk and is not there any more: nobody takes the rest for the book. _i: the log,
 * its bodies, a byte of the log. */
START_TEST(a_mirror_that_lost_its_end)
{
    static const char *const lose[] = {
        "truncate -s $(($(stat -c %s mirror/journal/log-*) / 2)) mirror/journal/log-*",
        "truncate -s $(($(stat -c %s mirror/journal/bodies-*) / 2)) mirror/journal/bodies-*"};
    json_decref(program_json(followed_words(1, ""), 0));
    if (_i < 2)
        ck_assert_int_eq(program_shell(lose[_i]), 0);
    else
        followed_spoil("mirror/journal/log-0000000000000000.seg", 5000);
    ck_assert_int_eq(program_run("verify mirror"), 5);
    ck_assert_int_eq(program_run("export --output x.mrx mirror"), 4);
    ck_assert_int_eq(program_run("export --format csv --output x.csv mirror"), 5);
    ck_assert(!file_exists(scratch_path(program_dir, "x.mrx")));
    ck_assert(!file_exists(scratch_path(program_dir, "x.csv")));
    json_decref(program_json(followed_words(1, ""), 4));
    ck_assert_int_eq(program_shell("mv mirror away"), 0);
    json_t *const o = program_json(followed_words(1, ""), 0);
    followed_as_verified(o, "mirror", 0);
    json_decref(o);
}
END_TEST

/* A node or a backup in whose directory a mirror would grow loses its own end. */
START_TEST(a_directory_that_is_no_mirror)
{
    static const char *const names[] = {"node.key", "mereaud.conf", "manifest.json", "store"};
    program_directory(&followed_books[0], &followed_ring.w.charter, 1, "mirror");
    char path[64];
    snprintf(path, sizeof path, "mirror/%s", names[_i]);
    ck_assert_int_eq(file_write(scratch_path(program_dir, path), "x", 1, 0600, true), MR_OK);
    ck_assert_int_eq(program_shell("find mirror -type f | sort | xargs md5sum >before"), 0);
    json_decref(program_json(followed_words(1, ""), 2));
    ck_assert_int_eq(program_shell("find mirror -type f | sort | xargs md5sum | cmp before -"), 0);
}
END_TEST

START_TEST(asked_wrongly)
{
    ck_assert_int_eq(program_run("follow mirror"), 2);
    ck_assert_int_eq(program_run("follow"), 2);
    ck_assert_int_eq(program_run("follow mirror --node 127.0.0.1:1"), 2);
    json_decref(program_json(followed_words(1, ""), 0));
    followed_ring.w.charter.salt[0] ^= 1;
    program_charter(&followed_ring.w.charter, "charter.mrc");
    json_decref(program_json(followed_words(1, ""), 1));
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("trouble");
    tcase_add_checked_fixture(tc, followed_setup, followed_teardown);
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, a_node_that_goes_on_omits_nothing, 0, 4);
    tcase_add_test(tc, a_node_that_stalls);
    tcase_add_loop_test(tc, a_node_that_never_answers, 0, 2);
    tcase_add_loop_test(tc, a_node_that_vanishes_midway, 0, 6);
    tcase_add_loop_test(tc, disk_full, 0, 3);
    tcase_add_loop_test(tc, erased_bodies, 0, 2);
    tcase_add_loop_test(tc, a_mirror_that_lost_its_end, 0, 3);
    tcase_add_loop_test(tc, a_directory_that_is_no_mirror, 0, 4);
    tcase_add_test(tc, asked_wrongly);
    Suite *const s = suite_create("audit follow trouble");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
