#include "audit/league.h"

#include <check.h>
#include <string.h>

void league_open(struct ring *r)
{
    static const enum mr_account_class classes[LEAGUE_MEMBERS] = {
        MR_CLASS_RESIDENT, MR_CLASS_RESIDENT, MR_CLASS_SHOP,
        MR_CLASS_RESIDENT, MR_CLASS_RESIDENT, MR_CLASS_RESIDENT};
    for (uint32_t i = 0; i < LEAGUE_MEMBERS; i++)
        ck_assert_int_eq(ring_open(r, i % 4, classes[i]), MR_SETTLED);
    for (uint32_t i = 0; i < LEAGUE_MEMBERS; i++)
        ck_assert_int_eq(ring_issue(r, i % 4, i, 100000), MR_SETTLED);
}

void league_payments(struct ring *r)
{
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_int_eq(ring_pay(r, i % 4, i % 2, SHOP, 100 + i), MR_SETTLED);
    ring_wait(r, 1000);
}

void league_catch_up(struct ring *r)
{
    ring_kill(r, 3);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(ring_pay(r, i % 3, ALICE, BOB, 10), MR_SETTLED);
    ring_start(r, 3);
    ring_wait(r, 1000);
    ck_assert_int_eq(ring_pay(r, 3, BOB, ALICE, 5), MR_SETTLED);
}

void league_pay_order(struct ring *r, struct mr_signed_order *o, uint32_t from, uint32_t to,
                      int64_t amount)
{
    ring_order(r, 0, o, r->w.members[from].id, MR_KIND_PAY);
    world_pay_body(&r->w, &o->order.body.u.pay, to, amount);
    world_sign(&r->w, o);
}

/* An order is there before its money. */
void league_wait(struct ring *r)
{
    static struct mr_signed_order o;
    league_pay_order(r, &o, EVE, SHOP, 150000);
    ring_submit(r, 0, &o);
    ring_wait(r, 1000);
    ck_assert_int_eq(ring_issue(r, 1, EVE, 100000), MR_SETTLED);
    ring_wait(r, 1000);
    ck_assert_int_eq(ring_balance(r, 2, EVE), 50000);
}

/* An order that waits for money is cancelled at another node. */
void league_cancel(struct ring *r)
{
    static struct mr_signed_order o;
    struct mr_signed_cancel c = {.cancel.seq = 0};
    league_pay_order(r, &o, CLEO, SHOP, 400000);
    ring_submit(r, 0, &o);
    memcpy(c.cancel.ledger, r->w.ledger, 32);
    memcpy(c.cancel.account, o.order.account, 16);
    c.cancel.seq = o.order.seq;
    mr_cancel_sign(&c, 0, &r->w.members[CLEO].key);
    ring_cancel(r, 2, &c);
    ring_wait(r, 10000);
    ck_assert_int_eq(ring_pay(r, 1, CLEO, SHOP, 1), MR_SETTLED);
}

static void cut_all(struct ring *r, bool cut)
{
    for (uint32_t i = 0; i < r->count; i++)
        for (uint32_t k = 0; k < r->count; k++)
            r->nodes[i].cut[k] = cut;
}

/* Nobody asks anybody any more, and what was asked is answered. */
static void part(struct ring *r)
{
    cut_all(r, true);
    ring_wait(r, 11000);
}

/* Two orders of one slot reach two nodes each, which do not hear of each other. */
void league_conflict(struct ring *r)
{
    static struct mr_signed_order a, b;
    ring_order(r, 0, &a, r->w.members[ALICE].id, MR_KIND_PAY);
    b = a;
    world_pay_body(&r->w, &a.order.body.u.pay, SHOP, 100);
    world_pay_body(&r->w, &b.order.body.u.pay, SHOP, 200);
    world_sign(&r->w, &a);
    world_sign(&r->w, &b);
    part(r);
    ring_submit(r, 0, &a);
    ring_submit(r, 1, &a);
    ring_submit(r, 2, &b);
    ring_submit(r, 3, &b);
    cut_all(r, false);
    ring_settle(r);
    ring_wait(r, 15000);
    ck_assert_int_eq(ring_pay(r, 0, ALICE, SHOP, 7), MR_SETTLED);
}

/* One node alone votes for an order; before the others hear of it the desk freezes the payer. */
void league_freeze(struct ring *r)
{
    static struct mr_signed_order o, flag;
    league_pay_order(r, &o, DAN, SHOP, 300);
    ring_order(r, 1, &flag, r->w.desk, MR_KIND_FLAG);
    memcpy(flag.order.body.u.flag.account, r->w.members[DAN].id, 16);
    flag.order.body.u.flag.frozen = true;
    flag.order.body.u.flag.reason = MR_REASON_OWNER;
    world_sign(&r->w, &flag);
    part(r);
    ring_submit(r, 0, &o);
    for (uint32_t i = 1; i < 4; i++)
        for (uint32_t k = 1; k < 4; k++)
            r->nodes[i].cut[k] = false;
    ring_settle(r);
    ring_submit(r, 1, &flag);
    ring_wait(r, 1000);
    cut_all(r, false);
    ring_wait(r, 15000);
}

/* An order gets the votes of two nodes, and its last day passes. */
void league_lapse(struct ring *r)
{
    static struct mr_signed_order o;
    league_pay_order(r, &o, BOB, SHOP, 300);
    ring_kill(r, 2);
    ring_kill(r, 3);
    ring_submit(r, 0, &o);
    ring_wait(r, 1000);
    r->w.now_ms = o.order.not_after_ms + 1000;
    ring_start(r, 2);
    ring_start(r, 3);
    ring_wait(r, 15000);
    ck_assert_int_eq(ring_pay(r, 0, BOB, SHOP, 7), MR_SETTLED);
}

void league_tell(struct ring *r)
{
    ring_init(r, 4, 3);
    league_open(r);
    league_payments(r);
    league_wait(r);
    league_catch_up(r);
    league_cancel(r);
    league_conflict(r);
    league_freeze(r);
    league_lapse(r);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_int_eq(ring_pay(r, 0, ALICE, SHOP, 3), MR_SETTLED);
    ring_wait(r, 2000);
    ring_check(r);
}
