#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/sp.h"

enum { STREAM_MAX = 400000 };

static uint8_t stream[STREAM_MAX];
static size_t stream_len;

static void put(const void *bytes, size_t len)
{
    ck_assert_uint_le(stream_len + len, sizeof stream);
    if (len > 0)
        memcpy(stream + stream_len, bytes, len);
    stream_len += len;
}

static void start(unsigned protocol)
{
    uint8_t greeting[SP_GREETING_BYTES];
    stream_len = 0;
    sp_greeting(greeting, protocol);
    put(greeting, sizeof greeting);
}

/* A message with `ids` ids and a body whose bytes tell its length. */
static void message(size_t ids, size_t body_len)
{
    static uint8_t body[MR_FRAME_MAX + 8];
    uint8_t head[SP_HEAD_MAX] = {0}, front[SP_FRONT_MAX];
    head[4 * ids - 4] = 0x80;
    head[4 * ids - 1] = (uint8_t)body_len;
    memset(body, (int)(body_len % 251), body_len);
    put(front, sp_front(front, head, 4 * ids, body_len));
    put(body, body_len);
}

static size_t check_frame(const struct sp_frame *f)
{
    ck_assert_uint_eq(f->head_len % 4, 0);
    ck_assert_uint_eq(f->head[f->head_len - 1], (uint8_t)f->body_len);
    for (size_t i = 0; i < f->body_len; i++)
        ck_assert_uint_eq(f->body[i], f->body_len % 251);
    return f->body_len;
}

/* Feed bytes, then take what can be taken: how many messages, and the last result. */
static int feed(struct sp_stream *s, const uint8_t *in, size_t len, enum sp_got *ret_last)
{
    int n = 0;
    struct sp_frame f;
    uint8_t *copy = malloc(len + 1); /* exactly as large: a sanitizer sees a byte too far */
    memcpy(copy, in, len);
    ck_assert_int_eq(sp_feed(s, copy, len), MR_OK);
    while ((*ret_last = sp_take(s, &f)) == SP_FRAME) {
        check_frame(&f);
        n++;
    }
    ck_assert_int_eq(sp_keep(s), MR_OK);
    free(copy);
    return n;
}

START_TEST(every_split_gives_the_same)
{
    start(SP_REQ);
    message(1, 0);
    message(3, 5);
    message(16, 1);
    message(1, 70);
    for (size_t a = 0; a <= stream_len; a++) {
        for (size_t b = a; b <= stream_len; b++) {
            struct sp_stream s;
            enum sp_got last;
            sp_init(&s, SP_REQ);
            int n = feed(&s, stream, a, &last);
            n += feed(&s, stream + a, b - a, &last);
            n += feed(&s, stream + b, stream_len - b, &last);
            ck_assert_int_eq(n, 4);
            ck_assert_int_eq(last, SP_MORE);
            ck_assert_uint_eq(sp_waiting(&s), 0);
            sp_done(&s);
        }
    }
}
END_TEST

START_TEST(byte_by_byte)
{
    struct sp_stream s;
    enum sp_got last = SP_MORE;
    int n = 0;
    start(SP_REP);
    message(1, 3000);
    message(2, 9);
    sp_init(&s, SP_REP);
    for (size_t i = 0; i < stream_len; i++) {
        n += feed(&s, stream + i, 1, &last);
        ck_assert_int_eq(last, SP_MORE);
    }
    ck_assert_int_eq(n, 2);
    sp_done(&s);
}
END_TEST

START_TEST(largest_messages_in_large_reads)
{
    struct sp_stream s;
    enum sp_got last = SP_MORE;
    int n = 0;
    start(SP_REQ);
    message(16, MR_FRAME_MAX);
    message(1, MR_FRAME_MAX);
    message(1, 1);
    message(1, MR_FRAME_MAX);
    sp_init(&s, SP_REQ);
    for (size_t i = 0; i < stream_len; i += SP_FEED_MAX)
        n += feed(&s, stream + i, stream_len - i < SP_FEED_MAX ? stream_len - i : SP_FEED_MAX,
                  &last);
    ck_assert_int_eq(n, 4);
    ck_assert_int_eq(last, SP_MORE);
    sp_done(&s);
}
END_TEST

/* A server that stops taking (its budget is used up) goes on later without new bytes. */
START_TEST(kept_messages_are_taken_later)
{
    struct sp_stream s;
    struct sp_frame f;
    start(SP_REQ);
    for (size_t i = 0; i < 50; i++)
        message(1, i);
    sp_init(&s, SP_REQ);
    ck_assert_int_eq(sp_feed(&s, stream, stream_len), MR_OK);
    for (size_t i = 0; i < 50; i++) {
        ck_assert_int_eq(sp_take(&s, &f), SP_FRAME);
        ck_assert_uint_eq(check_frame(&f), i);
        if (i % 7 == 0) {
            ck_assert_int_eq(sp_keep(&s), MR_OK);
            memset(stream, 0xee, sizeof stream);
            ck_assert_int_eq(sp_feed(&s, NULL, 0), MR_OK);
        }
    }
    ck_assert_int_eq(sp_take(&s, &f), SP_MORE);
    sp_done(&s);
}
END_TEST

static const struct {
    const char *what;
    uint8_t bytes[24];
    size_t len;
    enum sp_got expected;
} broken[] = {
    {"other first byte", {1, 'S', 'P', 0, 0, 48, 0, 0}, 8, SP_BROKEN},
    {"other protocol", {0, 'S', 'P', 0, 0, 49, 0, 0}, 8, SP_BROKEN},
    {"other version", {0, 'S', 'P', 1, 0, 48, 0, 0}, 8, SP_BROKEN},
    {"reserved bytes", {0, 'S', 'P', 0, 0, 48, 0, 1}, 8, SP_BROKEN},
    {"http", {'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P'}, 10, SP_BROKEN},
    {"half a greeting", {0, 'S', 'P', 0, 0, 48, 0}, 7, SP_MORE},
    {"length zero", {0, 'S', 'P', 0, 0, 48, 0, 0}, 16, SP_BROKEN},
    {"no id", {0, 'S', 'P', 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0x80, 0, 0}, 19, SP_BROKEN},
    {"no last id",
     {0, 'S', 'P', 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0, 1, 0, 0, 0},
     24,
     SP_BROKEN},
    {"one byte too large", {0, 'S', 'P', 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 1, 0, 65}, 16, SP_BROKEN},
    {"largest announced", {0, 'S', 'P', 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 1, 0, 64}, 16, SP_MORE},
    {"2^40", {0, 'S', 'P', 0, 0, 48, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}, 16, SP_BROKEN},
    {"2^64 - 1",
     {0, 'S', 'P', 0, 0, 48, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255},
     16,
     SP_BROKEN},
};

START_TEST(broken_streams)
{
    struct sp_stream s;
    enum sp_got last;
    sp_init(&s, SP_REQ);
    ck_assert_msg(feed(&s, broken[_i].bytes, broken[_i].len, &last) == 0, "%s", broken[_i].what);
    ck_assert_msg(last == broken[_i].expected, "%s", broken[_i].what);
    if (last == SP_BROKEN) {
        /* It stays so, whatever follows. */
        start(SP_REQ);
        message(1, 4);
        ck_assert_int_eq(feed(&s, stream, stream_len, &last), 0);
        ck_assert_int_eq(last, SP_BROKEN);
    }
    sp_done(&s);
}
END_TEST

START_TEST(seventeen_hops_are_too_many)
{
    struct sp_stream s;
    enum sp_got last;
    uint8_t head[68] = {0}, length[8] = {0, 0, 0, 0, 0, 0, 0, 68};
    head[64] = 0x80;
    start(SP_REQ);
    put(length, sizeof length);
    put(head, sizeof head);
    sp_init(&s, SP_REQ);
    ck_assert_int_eq(feed(&s, stream, stream_len, &last), 0);
    ck_assert_int_eq(last, SP_BROKEN);
    sp_done(&s);
}
END_TEST

/* A body above the frame's size is refused also when a short head leaves room for it. */
START_TEST(body_is_bounded_by_itself)
{
    struct sp_stream s;
    enum sp_got last = SP_MORE;
    start(SP_REQ);
    message(1, MR_FRAME_MAX + 1);
    sp_init(&s, SP_REQ);
    ck_assert_int_eq(feed(&s, stream, SP_FEED_MAX, &last), 0);
    ck_assert_int_eq(feed(&s, stream + SP_FEED_MAX, stream_len - SP_FEED_MAX, &last), 0);
    ck_assert_int_eq(last, SP_BROKEN);
    sp_done(&s);
}
END_TEST

/* An announced length costs nothing until the bytes are there. */
START_TEST(memory_follows_bytes)
{
    struct sp_stream s;
    enum sp_got last;
    start(SP_REQ);
    message(1, MR_FRAME_MAX);
    sp_init(&s, SP_REQ);
    feed(&s, stream, 30, &last);
    ck_assert_uint_le(s.held_cap, 1024);
    feed(&s, stream + 30, 3000, &last);
    ck_assert_uint_le(s.held_cap, 8192);
    feed(&s, stream + 3030, 60000, &last);
    feed(&s, stream + 63030, stream_len - 63030, &last);
    ck_assert_uint_eq(s.held_cap, 0);
    sp_done(&s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sp");
    TCase *c = tcase_create("sp");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, every_split_gives_the_same);
    tcase_add_test(c, byte_by_byte);
    tcase_add_test(c, largest_messages_in_large_reads);
    tcase_add_test(c, kept_messages_are_taken_later);
    tcase_add_loop_test(c, broken_streams, 0, sizeof broken / sizeof broken[0]);
    tcase_add_test(c, seventeen_hops_are_too_many);
    tcase_add_test(c, body_is_bounded_by_itself);
    tcase_add_test(c, memory_follows_bytes);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
