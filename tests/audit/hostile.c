#include "audit/hostile.h"

#include <check.h>
#include <stdlib.h>

#include "mereau/codec.h"
#include "mereau/journal.h"

void hostile_payloads(struct book *b, const struct mr_charter *charter, uint32_t seed)
{
    enum { ROUNDS = 150 };
    static struct found found;
    uint32_t x = seed, caught = 0;
    for (int round = 0; round < ROUNDS; round++) {
        x = x * 1664525 + 1013904223;
        struct mr_audit_turn *const t = &b->turns[(x >> 8) % b->count];
        x = x * 1664525 + 1013904223;
        uint8_t *const p = (uint8_t *)(uintptr_t)t->log + MR_FRAME_HEAD_BYTES +
                           (x >> 8) % book_payload_len(t->log);
        const uint8_t was = *p;
        *p = (uint8_t)((x & 3) == 0 ? 0xff : was ^ (1 << (x & 7)));
        book_frame(b);
        book_audit(&found, NULL, charter, b, false);
        caught += found.count > 0;
        *p = was;
    }
    book_frame(b);
    ck_assert_uint_gt(caught, ROUNDS / 2);
    book_audit(&found, NULL, charter, b, true);
    ck_assert_uint_eq(found.count, 0);
}

static long left;

static void *get(void *ctx, size_t n)
{
    (void)ctx;
    return left-- == 0 ? NULL : malloc(n);
}

static void put(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

void hostile_memory(const struct book *b, const struct mr_charter *charter, long first, long step)
{
    static uint8_t bytes[sizeof *charter];
    const struct mr_mem mem = {get, put, NULL};
    const size_t n = mr_charter_encode(charter, bytes, sizeof bytes);
    bool refused = true;
    for (long k = first; refused; k += step) {
        struct mr_audit *a = NULL;
        struct mr_audit_totals t;
        left = k;
        enum mr_status st = mr_audit_create(&a, &mem, NULL, NULL, bytes, n);
        for (uint32_t i = 0; i < b->count && st == MR_OK; i++)
            st = mr_audit_feed(a, &b->turns[i]);
        if (st == MR_OK)
            st = mr_audit_end(a, &t);
        refused = left < 0;
        ck_assert_int_eq(st, refused ? MR_NO_MEMORY : MR_OK);
        mr_audit_destroy(a);
    }
}
