/* Rows of a ledger: what they sum to, what a directory keeps, what damage does. */
#include <check.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/rows_state.h"
#include "audit/story.h"
#include "common/file.h"
#include "lib/scratch.h"
#include "mereau/codec.h"

static struct world w;
static struct book book;
static char dir[SCRATCH_PATH_MAX];

/* A conversion that a municipality paid for: MUN-3. */
static void assign(int64_t amount)
{
    static struct mr_signed_order o;
    world_order(&w, &o, w.homes[w.members[BEN].home].treasury, MR_KIND_ISSUE);
    world_issue_body(&w, &o.order.body.u.issue, BEN, amount);
    memset(o.order.ref, 7, sizeof o.order.ref);
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
}

static void setup(void)
{
    scratch_make(dir);
    story_tell(&w);
    assign(1234);
    book_read(&book, w.journal);
}

static void teardown(void)
{
    book_done(&book);
    world_done(&w);
    scratch_remove(dir);
}

static struct mr_audit *auditor(void)
{
    static uint8_t bytes[sizeof w.charter];
    struct mr_audit *a = NULL;
    const size_t n = mr_charter_encode(&w.charter, bytes, sizeof bytes);
    ck_assert_int_eq(mr_audit_create(&a, &scratch_mem, NULL, NULL, bytes, n), MR_OK);
    return a;
}

/* Opens the rows of a directory, or new ones for NULL, and commits turns [begin, end) to them. */
static enum mr_status add(struct rows **ret, const char *where, uint32_t begin, uint32_t end,
                          struct mr_audit *a, struct mr_audit_totals *t)
{
    struct mr_stats_point point;
    ck_assert_int_eq(rows_create(ret, where, &w.charter, w.ledger), MR_OK);
    rows_follow(*ret, a);
    for (uint32_t i = begin; i < end; i++) {
        ck_assert_int_eq(mr_audit_feed(a, &book.turns[i]), MR_OK);
        mr_audit_give(a, mr_audit_take(a));
    }
    ck_assert_int_eq(mr_audit_end(a, t), MR_OK);
    rows_point(&point, a, t);
    return rows_commit(*ret, mr_audit_charter(a), &point);
}

/* Rows of all turns, committed `steps` times on the way; steps > 1 opens them anew each time. */
static struct rows *make(const char *where, uint32_t steps, struct mr_audit_totals *ret)
{
    struct mr_audit *const a = auditor();
    struct rows *r = NULL;
    for (uint32_t s = 0; s < steps; s++) {
        rows_destroy(r);
        ck_assert_int_eq(
            add(&r, where, book.count * s / steps, book.count * (s + 1) / steps, a, ret), MR_OK);
    }
    mr_audit_destroy(a);
    return r;
}

static int64_t sum_of(const struct mr_stats_table *t, enum mr_stats_kind kind)
{
    int64_t sum = 0;
    for (size_t i = 0; i < t->rows; i++)
        sum += t->kind[i] == kind ? t->amount[i] : 0;
    return sum;
}

static int64_t total(const struct mr_audit_totals *t, enum mr_order_kind kind)
{
    for (int i = 0; i < MR_AUDIT_KINDS; i++) {
        if (t->kinds[i].kind == kind && t->kinds[i].count > 0)
            return t->kinds[i].sum[0] + t->kinds[i].sum[1] + t->kinds[i].sum[2];
    }
    return 0;
}

START_TEST(rows_sum_to_what_the_audit_says)
{
    struct mr_audit_totals t;
    struct mr_stats_table table;
    struct rows *const r = make(NULL, 1, &t);
    int64_t balances[64], outstanding = 0, reserve = 0;
    ck_assert_int_eq(rows_table(r, &table), MR_OK);
    ck_assert_uint_eq(table.accounts_count, t.accounts);
    ck_assert_uint_lt(table.accounts_count, 64);
    ck_assert_uint_eq(rows_count(r, ROWS_ORDERS), t.settled);
    ck_assert_int_gt(total(&t, MR_KIND_PAY), 0);
    ck_assert_int_eq(sum_of(&table, MR_STATS_PAY), total(&t, MR_KIND_PAY));
    ck_assert_int_eq(sum_of(&table, MR_STATS_ASSIGNED), 1234);
    ck_assert_int_eq(sum_of(&table, MR_STATS_ISSUE) + 1234, total(&t, MR_KIND_ISSUE));
    ck_assert_int_eq(sum_of(&table, MR_STATS_RESERVE_IN), total(&t, MR_KIND_ISSUE));
    ck_assert_int_eq(sum_of(&table, MR_STATS_REDEEM), total(&t, MR_KIND_REDEEM));
    ck_assert_int_eq(sum_of(&table, MR_STATS_PAYOUT) + sum_of(&table, MR_STATS_PAYOUT_FEE),
                     total(&t, MR_KIND_PAYOUT));
    ck_assert_int_eq(sum_of(&table, MR_STATS_RETURN), total(&t, MR_KIND_RETURN));
    ck_assert_int_eq(sum_of(&table, MR_STATS_SWEEP), total(&t, MR_KIND_SWEEP));
    ck_assert_int_eq(sum_of(&table, MR_STATS_OTHER), 0);
    mr_stats_balances(balances, &table, 0, UINT32_MAX);
    for (uint32_t i = 0; i < table.accounts_count; i++)
        outstanding -= table.accounts[i].class == MR_CLASS_ISSUER ? balances[i] : 0;
    mr_stats_balances(balances, &table, 1, UINT32_MAX);
    for (uint32_t i = 0; i < table.accounts_count; i++)
        reserve += table.accounts[i].class == MR_CLASS_RESERVE ? balances[i] : 0;
    ck_assert_int_eq(outstanding, t.outstanding);
    ck_assert_int_eq(reserve, t.reserve);
    size_t open = 0;
    for (size_t i = 0; i < table.redemptions_count; i++)
        open += table.redemptions[i].done_ms == 0 ? 1 : 0;
    ck_assert_uint_gt(table.redemptions_count, open);
    ck_assert_uint_eq(open, t.redemptions_open);
    ck_assert_mem_eq(table.point.state, t.state_root, 32);
    rows_destroy(r);
}
END_TEST

static void same_rows(const struct rows *a, const struct rows *b)
{
    for (enum rows_table t = 0; t < ROWS_TABLES; t++)
        ck_assert_uint_eq(rows_count(a, t), rows_count(b, t));
    ck_assert_mem_eq(rows_column(a, ROWS_MOVES_AMOUNT), rows_column(b, ROWS_MOVES_AMOUNT),
                     8 * rows_count(a, ROWS_MOVES));
    ck_assert_mem_eq(rows_column(a, ROWS_ORDERS_ID), rows_column(b, ROWS_ORDERS_ID),
                     32 * rows_count(a, ROWS_ORDERS));
    ck_assert_mem_eq(rows_column(a, ROWS_ORDERS_REFERS), rows_column(b, ROWS_ORDERS_REFERS),
                     4 * rows_count(a, ROWS_ORDERS));
    ck_assert_mem_eq(rows_column(a, ROWS_ACCOUNTS_ID), rows_column(b, ROWS_ACCOUNTS_ID),
                     16 * rows_count(a, ROWS_ACCOUNTS));
    ck_assert_mem_eq(rows_column(a, ROWS_TEXTS_BYTES), rows_column(b, ROWS_TEXTS_BYTES),
                     rows_count(a, ROWS_TEXTS));
}

/* _i: how often they were committed and opened again. */
START_TEST(a_directory_holds_the_same)
{
    struct mr_audit_totals t;
    struct rows *const memory = make(NULL, 1, &t), *loaded = NULL;
    rows_destroy(make(dir, (uint32_t)_i + 1, &t));
    ck_assert_int_eq(rows_load(&loaded, dir), MR_OK);
    same_rows(memory, loaded);
    ck_assert_mem_eq(rows_at(memory), rows_at(loaded), sizeof(struct mr_stats_point));
    rows_destroy(loaded);
    rows_destroy(memory);
}
END_TEST

START_TEST(what_was_not_committed_is_not_there)
{
    struct mr_audit_totals t;
    struct rows *const r = make(dir, 2, &t), *loaded = NULL;
    const size_t moves = rows_count(r, ROWS_MOVES);
    rows_destroy(r);
    const int fd = open(scratch_path(dir, "moves.amount"), O_WRONLY | O_APPEND);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "torn behind the end", 19), 19);
    close(fd);
    ck_assert_int_eq(rows_load(&loaded, dir), MR_OK);
    ck_assert_uint_eq(rows_count(loaded, ROWS_MOVES), moves);
    rows_destroy(loaded);
}
END_TEST

static void flip(const char *name, off_t at)
{
    uint8_t byte;
    const int fd = open(scratch_path(dir, name), O_RDWR);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* _i: which file, a byte changed or cut off. */
START_TEST(damage_is_found)
{
    static const char *const names[] = {"head", "moves.amount", "accounts.class", "orders.id"};
    struct mr_audit_totals t;
    struct rows *loaded = NULL;
    struct stat file;
    rows_destroy(make(dir, 1, &t));
    const char *const path = scratch_path(dir, names[_i / 2]);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_int_gt(file.st_size, 1);
    if (_i % 2 == 0)
        flip(names[_i / 2], file.st_size / 2);
    else
        ck_assert_int_eq(truncate(path, file.st_size - 1), 0);
    ck_assert_int_eq(rows_load(&loaded, dir), MR_DAMAGED);
    ck_assert_ptr_nonnull(strstr(rows_text(loaded), names[_i / 2]));
    rows_destroy(loaded);
    ck_assert_int_eq(rows_create(&loaded, dir, &w.charter, w.ledger), MR_DAMAGED);
    rows_destroy(loaded);
}
END_TEST

static uint8_t text_byte(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

/* More of the texts' bytes, committed. */
static void add_texts(size_t bytes)
{
    struct rows *r = NULL;
    ck_assert_int_eq(rows_create(&r, dir, &w.charter, w.ledger), MR_OK);
    for (size_t i = 0; i < bytes; i++) {
        const bool last = i + 1 == bytes; /* a text ends */
        const uint8_t byte = last ? 0 : text_byte(rows_count(r, ROWS_TEXTS));
        rows_put(r, ROWS_TEXTS_BYTES, &byte);
        rows_end_row(r, ROWS_TEXTS);
    }
    const struct mr_stats_point point = *rows_at(r);
    ck_assert_int_eq(rows_commit(r, &w.charter, &point), MR_OK);
    rows_destroy(r);
}

/* A column of several blocks that grows in steps of any size. Who goes on from it looks at its end
 * and at the accounts only; who reads it, at all of it. */
START_TEST(a_column_of_many_blocks)
{
    enum { MIB = 1 << 20 };
    static const size_t steps[] = {MIB - 1, 1, MIB / 2, 2 * MIB, 5};
    struct rows *r = NULL;
    size_t all = 1;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        add_texts(steps[i]);
        all += steps[i];
        ck_assert_int_eq(rows_load(&r, dir), MR_OK);
        ck_assert_uint_eq(rows_count(r, ROWS_TEXTS), all);
        const uint8_t *const bytes = rows_column(r, ROWS_TEXTS_BYTES);
        size_t same = 1;
        while (same < all && (bytes[same] == text_byte(same) || bytes[same] == 0))
            same++;
        ck_assert_uint_eq(same, all);
        rows_destroy(r);
    }
    flip("texts.bytes", MIB + 7);
    add_texts(3);
    ck_assert_int_eq(rows_load(&r, dir), MR_DAMAGED);
    rows_destroy(r);
    flip("texts.bytes", MIB + 7);
    ck_assert_int_eq(rows_load(&r, dir), MR_OK);
    rows_destroy(r);
    flip(_i == 0 ? "texts.bytes" : "accounts.id", _i == 0 ? (off_t)all - 1 : 0);
    ck_assert_int_eq(rows_create(&r, dir, &w.charter, w.ledger), MR_DAMAGED);
    rows_destroy(r);
}
END_TEST

/* Turns [begin, end) of the book into rows of the directory. */
static enum mr_status extend(uint32_t begin, uint32_t end, struct mr_audit *a)
{
    struct mr_audit_totals t;
    struct rows *r = NULL;
    const enum mr_status st = add(&r, dir, begin, end, a, &t);
    rows_destroy(r);
    return st;
}

/* --- rows that were made to look right ---------------------------------------------------------
 */

static uint8_t *head;
static size_t head_len;

/* Reads it; where the hash of a column of these bytes stands. */
static uint8_t *find_hash(const uint8_t *bytes, size_t len)
{
    uint8_t hash[32];
    crypto_generichash(hash, 32, bytes, len, NULL, 0);
    ck_assert_int_eq(file_read(&head, &head_len, scratch_path(dir, "head"), 1 << 20), MR_OK);
    uint8_t *const place = memmem(head, head_len, hash, 32);
    ck_assert_ptr_nonnull(place);
    return place;
}

/* With a right hash of its own. */
static void write_head(void)
{
    crypto_generichash(head + head_len - 32, 32, head, head_len - 32, NULL, 0);
    ck_assert_int_eq(file_write(scratch_path(dir, "head"), head, head_len, 0600, true), MR_OK);
    free(head);
}

/* Bytes of a column, and its hash in the head. */
static void forge(const char *column, size_t at, uint64_t value, size_t width)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    ck_assert_int_eq(file_read(&bytes, &len, scratch_path(dir, column), 1 << 20), MR_OK);
    ck_assert_uint_le(at + width, len);
    uint8_t *const place = find_hash(bytes, len);
    memcpy(bytes + at, &value, width);
    crypto_generichash(place, 32, bytes, len, NULL, 0);
    ck_assert_int_eq(file_write(scratch_path(dir, column), bytes, len, 0600, true), MR_OK);
    free(bytes);
    write_head();
}

static const struct {
    const char *column, *named; /* in the message */
    size_t width;
    uint64_t value;
} forgeries[] = {
    {"accounts.class", "accounts.class", 1, 200},
    {"orders.account", "orders.account", 4, 100000},
    {"orders.refers", "orders.refers", 4, UINT32_MAX},
    {"orders.time", "orders.time", 8, UINT64_MAX},
    {"moves.from", "moves.from", 4, 100000},
    {"moves.to", "moves.to", 4, UINT32_MAX},
    {"moves.amount", "moves.amount", 8, 0},
    {"moves.amount", "moves.amount", 8, UINT64_MAX},
    {"moves.kind", "moves.kind", 1, 99},
    {"moves.unit", "moves.unit", 1, 8},
    {"moves.order", "moves.order", 4, 1000000},
    {"listings.order", "listings.order", 4, 1000000},
    {"listings.account", "listings.account", 4, 1000000},
    {"listings.name", "listings.name", 4, 1000000},
    {"closings.account", "closings.account", 4, 1000000},
};

START_TEST(forged_rows_are_refused)
{
    struct mr_audit_totals t;
    struct rows *loaded = NULL;
    rows_destroy(make(dir, 1, &t));
    forge(forgeries[_i].column, 0, forgeries[_i].value, forgeries[_i].width);
    ck_assert_int_eq(rows_load(&loaded, dir), MR_DAMAGED);
    ck_assert_msg(strstr(rows_text(loaded), forgeries[_i].named) != NULL, "%s", rows_text(loaded));
    rows_destroy(loaded);
    /* Who extends them looks at what it goes on from. */
    const bool accounts = strncmp(forgeries[_i].column, "accounts.", 9) == 0;
    ck_assert_int_eq(rows_create(&loaded, dir, &w.charter, w.ledger),
                     accounts ? MR_DAMAGED : MR_OK);
    rows_destroy(loaded);
}
END_TEST

/* The columns of a table are equally long. */
START_TEST(a_head_that_contradicts_itself)
{
    struct mr_audit_totals t;
    struct rows *loaded = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    rows_destroy(make(dir, 1, &t));
    ck_assert_int_eq(file_read(&bytes, &len, scratch_path(dir, "moves.to"), 1 << 20), MR_OK);
    uint8_t *const place = find_hash(bytes, len);
    const uint64_t rows = len / 4 - 1;
    memcpy(place - 8, &rows, 8);
    crypto_generichash(place, 32, bytes, len - 4, NULL, 0);
    free(bytes);
    write_head();
    ck_assert_int_eq(rows_load(&loaded, dir), MR_DAMAGED);
    ck_assert_ptr_nonnull(strstr(rows_text(loaded), "head"));
    rows_destroy(loaded);
}
END_TEST

/* Whatever stands in them, with right hashes: they are refused, or measured. */
START_TEST(other_cells_are_survived)
{
    static const char *const columns[] = {
        "accounts.class", "accounts.association", "accounts.opened", "orders.refers",
        "orders.time",    "moves.time",           "moves.from",      "moves.amount",
        "moves.kind",     "moves.order",          "listings.trade",  "texts.bytes"};
    struct mr_audit_totals t;
    struct mr_stats_table table;
    uint64_t rnd = 77 + (uint64_t)_i;
    rows_destroy(make(dir, 1, &t));
    for (unsigned n = 0; n < 60; n++) {
        struct rows *loaded = NULL;
        rnd = rnd * UINT64_C(6364136223846793005) + 1442695040888963407U;
        const char *const column = columns[(rnd >> 33) % 12];
        forge(column, (size_t)(rnd >> 40) % 8, rnd >> (n % 2 == 0 ? 20 : 60), 1);
        const enum mr_status st = rows_load(&loaded, dir);
        ck_assert(st == MR_OK || st == MR_DAMAGED);
        if (st == MR_OK)
            ck_assert_int_eq(rows_table(loaded, &table), MR_OK);
        rows_destroy(loaded);
    }
}
END_TEST

START_TEST(a_full_disk_commits_nothing)
{
    static uint8_t block[1024];
    const uint32_t half = book.count / 2;
    struct rows *r = NULL;
    if (!scratch_small_disk(dir, 1 << 20))
        return;
    struct mr_audit *const a = auditor();
    ck_assert_int_eq(extend(0, half, a), MR_OK);
    ck_assert_int_eq(rows_load(&r, dir), MR_OK);
    const size_t orders = rows_count(r, ROWS_ORDERS);
    rows_destroy(r);
    const int fd = open(scratch_path(dir, "filler"), O_WRONLY | O_CREAT, 0600);
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
    ck_assert_int_eq(extend(half, book.count, a), MR_DISK_FULL);
    mr_audit_destroy(a);
    ck_assert_int_eq(unlink(scratch_path(dir, "filler")), 0);
    ck_assert_int_eq(rows_load(&r, dir), MR_OK);
    ck_assert_uint_eq(rows_count(r, ROWS_ORDERS), orders);
    rows_destroy(r);
    struct mr_audit *const again = auditor();
    for (uint32_t i = 0; i < half; i++)
        ck_assert_int_eq(mr_audit_feed(again, &book.turns[i]), MR_OK);
    ck_assert_int_eq(extend(half, book.count, again), MR_OK);
    mr_audit_destroy(again);
    ck_assert_int_eq(rows_load(&r, dir), MR_OK);
    ck_assert_uint_gt(rows_count(r, ROWS_ORDERS), orders);
    rows_destroy(r);
}
END_TEST

START_TEST(another_ledger_is_refused)
{
    struct mr_audit_totals t;
    struct rows *r = NULL;
    uint8_t other[32] = {7};
    ck_assert_int_eq(rows_load(&r, dir), MR_NO_SUCH_FILE);
    rows_destroy(r);
    rows_destroy(make(dir, 1, &t));
    ck_assert_int_eq(rows_create(&r, dir, &w.charter, other), MR_WRONG_LEDGER);
    rows_destroy(r);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("audit_rows");
    TCase *const c = tcase_create("rows");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, rows_sum_to_what_the_audit_says);
    tcase_add_loop_test(c, a_directory_holds_the_same, 0, 4);
    tcase_add_test(c, what_was_not_committed_is_not_there);
    tcase_add_loop_test(c, damage_is_found, 0, 8);
    tcase_add_loop_test(c, a_column_of_many_blocks, 0, 2);
    tcase_add_loop_test(c, forged_rows_are_refused, 0, sizeof forgeries / sizeof *forgeries);
    tcase_add_test(c, a_head_that_contradicts_itself);
    tcase_add_loop_test(c, other_cells_are_survived, 0, 4);
    tcase_add_test(c, a_full_disk_commits_nothing);
    tcase_add_test(c, another_ledger_is_refused);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
