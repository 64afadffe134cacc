/* Lies about sums. What an order moves follows from the order: so these are told of orders that
 * were erased, whose postings are believed, and of orders that this node did not vote for. */
#include <string.h>

#include "audit/lies.h"
#include "audit/state.h"

/* --- erased orders ---------------------------------------------------------------------------- */

/* The order is gone, and its postings are what the entry says. */
static void erase(const struct settled_rows *s, row_change postings)
{
    s->turn->erased = true;
    s->settled->before = postings;
}

static struct mr_posting *posting_of(struct row *r, const uint8_t account[16], uint32_t unit)
{
    struct mr_entry_settled *const s = &r->u.e.u.settled;
    for (uint32_t i = 0; i < s->postings_count; i++)
        if (s->postings[i].unit == unit && memcmp(s->postings[i].account, account, 16) == 0)
            return &s->postings[i];
    return NULL;
}

static void one_too_many(struct row *r)
{
    r->u.e.u.settled.postings[0].delta++;
}

static void postings_that_do_not_balance(struct tamper *t)
{
    const struct settled_rows s = tamper_find(t, MR_KIND_PAY, t->w->members[BEN].id, 3);
    erase(&s, one_too_many);
}

static void more_than_fits(struct row *r)
{
    struct mr_entry_settled *const s = &r->u.e.u.settled;
    s->postings_count = 2;
    s->postings[0].delta = MR_AMOUNT_MAX;
    s->postings[1].delta = -MR_AMOUNT_MAX;
    s->postings[1].unit = s->postings[0].unit;
}

/* Who gives so much owes it then; whom it is given to has something already. */
static void a_balance_that_is_too_large(struct tamper *t)
{
    const struct settled_rows s = tamper_find(t, MR_KIND_PAY, t->w->members[BEN].id, 3);
    erase(&s, more_than_fits);
}

static const struct tamper *now;

/* Units against no euros. */
static void without_euros(struct row *r)
{
    r->u.e.u.settled.postings_count -= 2;
}

static void issued_against_nothing(struct tamper *t)
{
    const struct settled_rows s = tamper_find(t, MR_KIND_ISSUE, NULL, 2);
    erase(&s, without_euros);
}

static void with_more_euros(struct row *r)
{
    uint8_t world[16];
    mr_sub_account(world, NULL, MR_CLASS_WORLD);
    posting_of(r, now->w->homes[0].reserve, 1)->delta++;
    posting_of(r, world, 1)->delta--;
}

static void issued_against_too_much(struct tamper *t)
{
    const struct settled_rows s = tamper_find(t, MR_KIND_ISSUE, NULL, 2);
    now = t;
    erase(&s, with_more_euros);
}

const struct lie lies_of_sums[] = {
    {"postings that do not balance", postings_that_do_not_balance, "INV-1", MR_CHECK_FAILED},
    {"a balance that is too large", a_balance_that_is_too_large, "ENC-4", MR_AMOUNT_TOO_LARGE},
    {"issued against nothing", issued_against_nothing, "INV-3", MR_COVERAGE},
    {"issued against too much", issued_against_too_much, "INV-3a", MR_CHECK_FAILED},
    {NULL, NULL, NULL, MR_OK},
};

/* --- orders that this node did not vote for --------------------------------------------------- */

/* The place of a peer's acknowledgement in its log, and the row it came with. */
static uint64_t acknowledged(struct doctor *d, const struct doc_slot *s, uint32_t node,
                             struct doc_row **ret)
{
    const struct mr_leaf *const l = doctor_said(d, s, node, MR_LEAF_ACK, ret);
    return (*ret)->olds[l - (*ret)->e.u.peer.leaves];
}

/* The node only settles what the three others acknowledged, once it has read that. */
static struct mr_entry_settled *abstain(struct doctor *d, const struct doc_slot *s)
{
    static const uint32_t others[] = {1, 2, 4};
    struct mr_entry e = s->settled->e;
    struct doc_row *row;
    for (uint32_t i = 0; i < 3; i++)
        e.u.settled.acks[i] =
            (struct mr_ack_ref){.node = others[i], .index = acknowledged(d, s, others[i], &row)};
    struct doc_row *const r = doctor_append(d);
    s->vote->dropped = s->ack->dropped = s->settled->dropped = true;
    r->e = e;
    return &r->e.u.settled;
}

static void spend(struct doctor *d, int64_t amount)
{
    struct doc_body b;
    const struct doc_slot s = doctor_slot(d, false, 0);
    struct mr_entry_settled *const e = abstain(d, &s);
    doctor_order(d, &b, MR_KIND_PAY, 0);
    b.b.u.order.order.body.u.pay.lines[0].amount = amount;
    world_sign(&d->r->w, &b.b.u.order);
    for (uint32_t i = 0; i < e->postings_count; i++)
        e->postings[i].delta = e->postings[i].delta < 0 ? -amount : amount;
    doctor_put_order(d, &b);
}

static void spent_more_than_there_was(struct doctor *d)
{
    spend(d, 100001);
}

const struct league_lie lies_of_away[] = {
    {"spent more than there was", spent_more_than_there_was, "INV-2", MR_FUNDS_SHORT, false},
    {NULL, NULL, NULL, MR_OK, false},
};

/* --- to the auditor itself -------------------------------------------------------------------- */

static void forgets_a_payout(struct mr_audit *a)
{
    for (size_t i = 0; i < a->redemptions.cap; i++) {
        struct mri_aud_redemption *const r = a->redemptions.slots[i];
        if (r != NULL && r->row.done != 0) {
            r->row.done = 0;
            return;
        }
    }
}

static void loses_a_unit(struct mr_audit *a)
{
    a->world->hot.balance[0]--;
}

static void counts_a_euro_twice(struct mr_audit *a)
{
    a->of[0].reserve->hot.balance[1]++;
    a->world->hot.balance[1]--;
}

const struct own_lie lies_of_auditor[] = {
    {"forgets a payout", forgets_a_payout, "INV-6"},
    {"loses a unit", loses_a_unit, "INV-1"},
    {"counts a euro twice", counts_a_euro_twice, "INV-3a"},
    {NULL, NULL, NULL},
};
