#include "lib/turns.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

uint8_t turn_byte(enum mr_stream_family family, uint64_t turn, size_t i)
{
    return (uint8_t)(turn * 131 + i * 7 + (family == MR_FAMILY_LOG ? 1 : 77));
}

static uint8_t *frame(struct mr_frame *f, const uint8_t *prev, size_t *ret_len)
{
    uint8_t *b = calloc(1, mr_frame_size(f->len));

    ck_assert_ptr_nonnull(b);
    for (size_t i = 0; i < f->len; i++)
        b[MR_FRAME_HEAD_BYTES + i] = turn_byte(f->family, f->turn, i);
    mr_frame_write(b, f, prev);
    *ret_len = mr_frame_size(f->len);
    return b;
}

struct turn turn_make(const struct mr_journal_end *end, size_t log_payload, size_t bodies_payload)
{
    struct mr_frame log = {
        .family = MR_FAMILY_LOG,
        .len = (uint32_t)log_payload,
        .turn = end->turn + 1,
        .end = end->bodies,
    };
    struct turn t = {0};

    if (bodies_payload != SIZE_MAX) {
        struct mr_frame bodies = {
            .family = MR_FAMILY_BODIES,
            .len = (uint32_t)bodies_payload,
            .turn = end->turn + 1,
            .end = end->bodies + mr_frame_size(bodies_payload),
        };

        t.bodies = frame(&bodies, NULL, &t.bodies_len);
        log.end = bodies.end;
        memcpy(log.bodies_check, bodies.check, sizeof bodies.check);
    }
    t.log = frame(&log, end->check, &t.log_len);
    return t;
}

void turn_done(struct turn *t)
{
    free(t->log);
    free(t->bodies);
    *t = (struct turn){0};
}

enum mr_status turn_append(struct mr_journal *j, size_t log_payload, size_t bodies_payload)
{
    struct mr_journal_end end;

    j->api->end(j, &end);
    struct turn t = turn_make(&end, log_payload, bodies_payload);
    const enum mr_status st = j->api->append(j, t.log, t.log_len, t.bodies, t.bodies_len);
    turn_done(&t);
    return st;
}

static uint8_t *read_all(struct mr_journal *j, enum mr_stream_family family, uint64_t from,
                         uint64_t to)
{
    uint8_t *b = malloc((size_t)(to - from) + 1);
    size_t len = 0;

    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(j->api->read(j, family, from, b, (size_t)(to - from) + 1, &len), MR_OK);
    ck_assert_uint_eq(len, to - from);
    return b;
}

static void verify_payload(const struct mr_frame *f, const uint8_t *bytes)
{
    size_t same = 0;

    while (same < f->len &&
           bytes[MR_FRAME_HEAD_BYTES + same] == turn_byte(f->family, f->turn, same))
        same++;
    ck_assert_uint_eq(same, f->len);
}

void turns_verify(struct mr_journal *j, const struct mr_journal_end *from)
{
    struct mr_journal_end end, at = *from;
    struct mr_frame f, b;

    j->api->end(j, &end);
    uint8_t *log = read_all(j, MR_FAMILY_LOG, from->log, end.log);
    uint8_t *bodies = read_all(j, MR_FAMILY_BODIES, from->bodies, end.bodies);
    while (at.log < end.log) {
        const uint8_t *p = log + (at.log - from->log), *q = bodies + (at.bodies - from->bodies);

        ck_assert_int_eq(mr_frame_read(&f, p, (size_t)(end.log - at.log), at.check), MR_OK);
        ck_assert_int_eq(f.family, MR_FAMILY_LOG);
        ck_assert_uint_eq(f.turn, at.turn + 1);
        verify_payload(&f, p);
        if (f.end != at.bodies) {
            ck_assert_int_eq(mr_frame_read(&b, q, (size_t)(end.bodies - at.bodies), NULL), MR_OK);
            ck_assert_uint_eq(b.turn, f.turn);
            ck_assert_mem_eq(b.check, f.bodies_check, 32);
            verify_payload(&b, q);
        }
        at.log += mr_frame_size(f.len);
        at.bodies = f.end;
        at.turn = f.turn;
        memcpy(at.check, f.check, sizeof at.check);
    }
    ck_assert_mem_eq(&at, &end, sizeof at);
    free(log);
    free(bodies);
}
