#include "audit/turn.h"

#include <check.h>
#include <string.h>

/* Nobody asks anybody any more, and what was asked is answered. */
static void part(struct ring *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        for (uint32_t k = 0; k < r->count; k++)
            r->nodes[i].cut[k] = true;
    ring_wait(r, 11000);
}

/* A node asks another one, once, for all it has. */
static void let_read(struct ring *r, uint32_t node, uint32_t of)
{
    r->nodes[node].cut[of] = false;
    ring_settle(r);
    r->nodes[node].cut[of] = true;
    ring_break(r, node, of);
}

static void heal(struct ring *r, uint32_t last)
{
    for (uint32_t i = 0; i <= last; i++)
        for (uint32_t k = 0; k <= last; k++)
            r->nodes[i].cut[k] = false;
}

/* Two orders of member 0 for one slot. */
static void two_orders(struct ring *r, struct mr_signed_order *a, struct mr_signed_order *b)
{
    ring_order(r, 0, a, r->w.members[0].id, MR_KIND_PAY);
    *b = *a;
    world_pay_body(&r->w, &a->order.body.u.pay, 1, 100);
    world_pay_body(&r->w, &b->order.body.u.pay, 1, 200);
    world_sign(&r->w, a);
    world_sign(&r->w, b);
}

/* All rest, and no sum is done in time: no checkpoint comes of it. */
static void rest_in_vain(struct ring *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        r->nodes[i].no_sum = true;
    ring_due(r, 0);
    ring_settle(r);
    ring_wait(r, 4000);
    for (uint32_t i = 0; i < r->count; i++)
        r->nodes[i].no_sum = false;
}

void turn_tell(struct ring *r, struct mr_signed_order *ret_paid)
{
    static struct mr_signed_order a, b;
    ring_init(r, 4, 3);
    ck_assert_int_eq(ring_open(r, 0, MR_CLASS_RESIDENT), MR_SETTLED);
    ck_assert_int_eq(ring_open(r, 0, MR_CLASS_SHOP), MR_SETTLED);
    ck_assert_int_eq(ring_issue(r, 0, 0, 100000), MR_SETTLED);
    ck_assert_int_eq(ring_pay(r, 1, 0, 1, 10), MR_SETTLED);
    rest_in_vain(r);
    two_orders(r, &a, &b);
    *ret_paid = a;
    part(r);
    ring_submit(r, 1, &a);
    ring_submit(r, 3, &b);
    let_read(r, 2, 1);
    let_read(r, 0, 1);
    let_read(r, 0, 2); /* three votes: it acknowledges */
    ring_next(r, 1, 0, 3, 3, 0);
    let_read(r, 2, 1);
    let_read(r, 3, 1);
    let_read(r, 3, 2); /* three votes: it acknowledges, and hears nothing more */
    let_read(r, 1, 2);
    let_read(r, 1, 3);
    let_read(r, 2, 3);
    let_read(r, 2, 1);
    let_read(r, 1, 2);
    ring_kill(r, 3);
    heal(r, 2);
    ring_wait(r, 15000);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(ring_epoch(r, i), 2);
    ck_assert_int_eq(ring_balance(r, 1, 1), 110);
    heal(r, 3);
    ring_start(r, 3);
    ring_wait(r, 15000);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(ring_pay(r, i, i % 2, 1 - i % 2, 7), MR_SETTLED);
    /* Who asks for the receipt of what the CUT settled gets it a moment later. */
    ck_assert_int_eq(ring_submit(r, 0, ret_paid), MR_SETTLED);
    ck_assert_uint_eq(r->reply->body.u.submit.receipt_count, 0);
    ring_wait(r, 3000);
    ring_check(r);
}
