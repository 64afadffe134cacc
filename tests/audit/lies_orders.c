/* Lies about orders and what they moved: LED-10 to LED-30, LED-50. */
#include <string.h>

#include "audit/lies.h"
#include "mereau/codec.h"

static struct tamper *now;

static struct mr_order *order(struct settled_rows s)
{
    return &s.order->u.b.u.order.order;
}

static struct settled_rows find(struct tamper *t, enum mr_order_kind kind, uint32_t nth)
{
    return tamper_find(t, kind, NULL, nth);
}

static struct settled_rows of(struct tamper *t, uint32_t member, enum mr_order_kind kind,
                              uint32_t nth)
{
    return tamper_find(t, kind, t->w->members[member].id, nth);
}

/* The last payment of the book: nothing follows from it. */
static struct settled_rows last_pay(struct tamper *t)
{
    return of(t, BEN, MR_KIND_PAY, 3);
}

/* --- LED-10 ----------------------------------------------------------------------------------- */

static struct mr_order *order_of(struct row *r)
{
    return &r->u.b.u.order.order;
}

static void flip_signature(struct row *r)
{
    r->u.b.u.order.sigs[0].sig[40] ^= 1;
}

static void bad_signature(struct tamper *t)
{
    last_pay(t).order->after = flip_signature;
}

static void flip_second_signature(struct row *r)
{
    r->u.b.u.order.sigs[1].sig[3] ^= 0x80;
}

static void bad_second_signature(struct tamper *t)
{
    find(t, MR_KIND_ISSUE, 2).order->after = flip_second_signature;
}

static void drop_signature(struct row *r)
{
    r->u.b.u.order.sigs_count--;
}

static void one_operator_only(struct tamper *t)
{
    find(t, MR_KIND_ISSUE, 1).order->after = drop_signature;
}

static void move_index(struct row *r)
{
    r->u.b.u.order.sigs[0].key_index = 1;
}

static void signature_of_no_key(struct tamper *t)
{
    last_pay(t).order->after = move_index;
}

static void sign_again(struct row *r)
{
    uint8_t bytes[4096];
    const struct mr_order *const o = order_of(r);
    const size_t n = mr_order_encode(o, bytes, sizeof bytes);
    mr_sign(r->u.b.u.order.sigs[0].sig, MR_PURPOSE_CANCEL, now->w->ledger, 0, bytes, n,
            &now->w->members[BEN].key);
}

static void signature_of_another_purpose(struct tamper *t)
{
    now = t;
    last_pay(t).order->after = sign_again;
}

static void sign_by_dora(struct row *r)
{
    uint8_t bytes[4096];
    const size_t n = mr_order_encode(order_of(r), bytes, sizeof bytes);
    mr_sign(r->u.b.u.order.sigs[0].sig, MR_PURPOSE_ORDER, now->w->ledger, 0, bytes, n,
            &now->w->members[DORA].key);
}

static void signed_by_somebody_else(struct tamper *t)
{
    now = t;
    last_pay(t).order->after = sign_by_dora;
}

static void old_keys(struct row *r)
{
    uint8_t seed[32], bytes[4096];
    const uint32_t zero = 0;
    struct mr_seckey key;
    struct mr_pubkey public;
    mr_hash(seed, "test/key", "member", 6, &zero, sizeof zero);
    mr_seckey_from_seed(&key, &public, seed);
    const size_t n = mr_order_encode(order_of(r), bytes, sizeof bytes);
    mr_sign(r->u.b.u.order.sigs[0].sig, MR_PURPOSE_ORDER, now->w->ledger, 0, bytes, n, &key);
}

static void signed_by_the_keys_before(struct tamper *t)
{
    now = t;
    of(t, ANNA, MR_KIND_PAY, 3).order->after = old_keys;
}

static void flip_prev(struct row *r)
{
    order_of(r)->prev[0] ^= 1;
}

static void wrong_prev(struct tamper *t)
{
    last_pay(t).order->before = flip_prev;
}

static void flip_ledger(struct row *r)
{
    order_of(r)->ledger[9] ^= 1;
}

static void sign_for_this_ledger(struct row *r)
{
    uint8_t bytes[4096];
    const size_t n = mr_order_encode(order_of(r), bytes, sizeof bytes);
    mr_sign(r->u.b.u.order.sigs[0].sig, MR_PURPOSE_ORDER, now->w->ledger, 0, bytes, n,
            &now->w->members[BEN].key);
}

/* The signature covers the ledger's id apart, so it is still right. */
static void wrong_ledger(struct tamper *t)
{
    now = t;
    last_pay(t).order->before = flip_ledger;
    last_pay(t).order->after = sign_for_this_ledger;
}

static void gap_in_the_chain(struct tamper *t)
{
    struct settled_rows s = last_pay(t);
    order(s)->seq++;
    s.vote->u.e.u.leaf.u.vote.seq++;
    s.ack->u.e.u.leaf.u.ack.seq++;
    s.settled->u.e.u.settled.seq++;
}

static void earlier_than_the_last(struct tamper *t)
{
    order(last_pay(t))->time_ms -= 1000;
}

static void far_in_the_future(struct tamper *t)
{
    order(last_pay(t))->time_ms += 600000;
}

static void after_its_last_day(struct tamper *t)
{
    last_pay(t).settled->u.e.u.settled.time_ms = order(last_pay(t))->not_after_ms + 1;
}

static void valid_for_too_long(struct tamper *t)
{
    order(last_pay(t))->not_after_ms = order(last_pay(t))->time_ms + 31 * MR_DAY_MS + 1;
}

static void unknown_policy(struct tamper *t)
{
    order(last_pay(t))->policy = 7;
}

static void policy_not_in_force(struct tamper *t)
{
    order(last_pay(t))->policy = order(last_pay(t))->policy == 1 ? 2 : 1;
}

static void payer_is_frozen(struct tamper *t)
{
    struct settled_rows s = find(t, MR_KIND_FLAG, 0); /* TOWN, which never pays */
    memcpy(order(s)->body.u.flag.account, t->w->members[DORA].id, 16);
}

static void payer_is_closed(struct tamper *t)
{
    struct mr_order *const o = order(of(t, DORA, MR_KIND_PAY, 0));
    memset(&o->body, 0, sizeof o->body);
    o->body.kind = MR_KIND_CLOSE;
}

static void wrong_chain(struct tamper *t)
{
    struct mr_order *const o = order(last_pay(t));
    memset(&o->body, 0, sizeof o->body);
    o->body.kind = MR_KIND_CAP;
}

/* --- LED-20 ----------------------------------------------------------------------------------- */

static void over_the_payment_limit(struct tamper *t)
{
    order(last_pay(t))->body.u.pay.lines[0].amount = 1001; /* LOWER has set 1000 */
}

static void over_the_day_limit(struct tamper *t)
{
    /* Ben pays 900 and 50 on the last day. */
    order(find(t, MR_KIND_LOWER, 0))->body.u.lower.limit_day = 920;
}

static void over_the_month_limit(struct tamper *t)
{
    order(find(t, MR_KIND_LOWER, 0))->body.u.lower.limit_month = 920;
}

static void more_than_there_is(struct tamper *t)
{
    order(tamper_find(t, MR_KIND_PAY, t->w->treasury, 0))->body.u.pay.lines[0].amount = 5000000;
}

static void unknown_payee(struct tamper *t)
{
    memset(order(last_pay(t))->body.u.pay.lines[0].payee, 0x55, 16);
}

static void payee_of_a_class_that_cannot_be_paid(struct tamper *t)
{
    memcpy(order(last_pay(t))->body.u.pay.lines[0].payee, t->w->desk, 16);
}

static void payee_is_the_payer(struct tamper *t)
{
    memcpy(order(last_pay(t))->body.u.pay.lines[0].payee, t->w->members[BEN].id, 16);
}

static void payee_twice(struct tamper *t)
{
    struct mr_pay *const p = &order(last_pay(t))->body.u.pay;
    p->lines_count = 2;
    p->lines[1] = p->lines[0];
}

static void no_such_unit(struct tamper *t)
{
    order(last_pay(t))->body.u.pay.unit = 5;
}

static void fee_too_low(struct tamper *t)
{
    order(of(t, BAKERY, MR_KIND_PAY, 0))->body.u.pay.lines[1].amount = 49;
}

static void fee_missing(struct tamper *t)
{
    order(of(t, BAKERY, MR_KIND_PAY, 0))->body.u.pay.lines_count = 1;
}

static void fee_to_somebody(struct tamper *t)
{
    memcpy(order(of(t, BAKERY, MR_KIND_PAY, 0))->body.u.pay.lines[1].payee, t->w->members[DORA].id,
           16);
}

static void fee_that_is_not_due(struct tamper *t)
{
    struct mr_pay *const p = &order(last_pay(t))->body.u.pay;
    p->lines_count = 2;
    p->lines[1] = p->lines[0];
    p->lines[1].what = MR_LINE_FEE;
    p->lines[1].amount = 1;
}

/* --- LED-21 to LED-24 ------------------------------------------------------------------------- */

static void bank_reference_twice(struct tamper *t)
{
    memcpy(order(find(t, MR_KIND_ISSUE, 2))->body.u.issue.banks[0].ref,
           order(find(t, MR_KIND_ISSUE, 0))->body.u.issue.banks[0].ref, 32);
}

static void bank_reference_of_an_issue_in_a_payout(struct tamper *t)
{
    memcpy(order(find(t, MR_KIND_PAYOUT, 1))->body.u.payout.bank_ref,
           order(find(t, MR_KIND_ISSUE, 0))->body.u.issue.banks[0].ref, 32);
}

static void more_units_than_euros(struct tamper *t)
{
    order(find(t, MR_KIND_ISSUE, 5))->body.u.issue.lines[0].amount += 100;
}

static void over_the_cap(struct tamper *t)
{
    struct mr_issue *const is = &order(find(t, MR_KIND_ISSUE, 5))->body.u.issue;
    is->banks[0].amount = is->lines[0].amount = 1000000001;
}

static void issue_to_nobody(struct tamper *t)
{
    memset(order(find(t, MR_KIND_ISSUE, 5))->body.u.issue.lines[0].member, 0x56, 16);
}

static void bank_line_that_is_not_there(struct tamper *t)
{
    order(find(t, MR_KIND_ISSUE, 5))->body.u.issue.lines[0].bank = 3;
}

static void redeem_below_the_minimum(struct tamper *t)
{
    struct mr_redeem *const r = &order(of(t, BAKERY, MR_KIND_REDEEM, 0))->body.u.redeem;
    r->amount = 1980;
    r->fee = 99;
    order(find(t, MR_KIND_RETURN, 0))->body.u.return_.redemption.amount = 1980;
}

static void redeem_with_another_fee(struct tamper *t)
{
    order(of(t, BAKERY, MR_KIND_REDEEM, 0))->body.u.redeem.fee = 1;
}

static void redeem_by_a_resident(struct tamper *t)
{
    order(find(t, MR_KIND_OPEN, BAKERY))->body.u.open.class = MR_CLASS_RESIDENT;
    order(of(t, BAKERY, MR_KIND_PAY, 0))->body.u.pay.lines_count = 1;
    order(of(t, BAKERY, MR_KIND_REDEEM, 0))->body.u.redeem.fee = 0;
}

static void paid_out_twice(struct tamper *t)
{
    order(find(t, MR_KIND_PAYOUT, 1))->body.u.payout.redemption =
        order(find(t, MR_KIND_PAYOUT, 0))->body.u.payout.redemption;
}

static void paid_out_and_returned(struct tamper *t)
{
    order(find(t, MR_KIND_RETURN, 0))->body.u.return_.redemption =
        order(find(t, MR_KIND_PAYOUT, 0))->body.u.payout.redemption;
}

static void payout_of_nothing(struct tamper *t)
{
    order(find(t, MR_KIND_PAYOUT, 1))->body.u.payout.redemption.seq = 99;
}

static void payout_of_another_amount(struct tamper *t)
{
    struct mr_payout *const p = &order(find(t, MR_KIND_PAYOUT, 1))->body.u.payout;
    p->redemption.amount = 4100;
}

static void payout_with_another_fee(struct tamper *t)
{
    order(find(t, MR_KIND_PAYOUT, 1))->body.u.payout.fee = 0;
}

/* --- LED-31, LED-32 --------------------------------------------------------------------------- */

static struct mr_clear *clear(struct tamper *t, uint32_t nth)
{
    return &order(find(t, MR_KIND_CLEAR, nth))->body.u.clear;
}

static void cleared_by_another(struct tamper *t)
{
    memcpy(clear(t, 1)->clearing.from, clear(t, 1)->clearing.to, 16);
}

static void bank_reference_cleared_before(struct tamper *t)
{
    memcpy(order(find(t, MR_KIND_ISSUE, 5))->body.u.issue.banks[0].ref,
           clear(t, 0)->clearing.bank_ref, 32);
}

static void bank_reference_of_an_issue_in_a_clear(struct tamper *t)
{
    memcpy(clear(t, 0)->clearing.bank_ref,
           order(find(t, MR_KIND_ISSUE, 0))->body.u.issue.banks[0].ref, 32);
}

static void cleared_more_than_there_is(struct tamper *t)
{
    clear(t, 1)->clearing.amount = 25001;
}

static void drop_countersignature(struct row *r)
{
    order_of(r)->body.u.clear.sigs_count--;
}

static void countersigned_by_one_only(struct tamper *t)
{
    find(t, MR_KIND_CLEAR, 0).order->before = drop_countersignature;
}

static void flip_countersignature(struct row *r)
{
    order_of(r)->body.u.clear.sigs[1].sig[7] ^= 1;
}

static void bad_countersignature(struct tamper *t)
{
    find(t, MR_KIND_CLEAR, 0).order->before = flip_countersignature;
}

static void same_countersigner_twice(struct row *r)
{
    struct mr_clear *const k = &order_of(r)->body.u.clear;
    k->sigs[1] = k->sigs[0];
}

static void countersigned_twice_by_one(struct tamper *t)
{
    find(t, MR_KIND_CLEAR, 0).order->before = same_countersigner_twice;
}

static void one_more_cleared(struct row *r)
{
    struct mr_clear *const k = &order_of(r)->body.u.clear;
    const struct mr_sig kept = k->sigs[0];
    k->clearing.amount++;
    world_countersign(now->w, k);
    k->clearing.amount--;
    k->sigs[0] = kept;
}

static void countersigned_for_more(struct tamper *t)
{
    now = t;
    find(t, MR_KIND_CLEAR, 0).order->before = one_more_cleared;
}

static void own_keys_countersign(struct tamper *t)
{
    clear(t, 0)->keys = t->w->charter.associations[0].treasury;
}

static void keys_to_come_countersign(struct tamper *t)
{
    clear(t, 0)->generation = 2;
}

static void keys_of_no_generation(struct tamper *t)
{
    clear(t, 0)->generation = 0;
}

/* --- LED-25 to LED-30 ------------------------------------------------------------------------- */

static void account_opened_twice(struct tamper *t)
{
    memcpy(order(find(t, MR_KIND_OPEN, STORY_MEMBERS + 1))->body.u.open.account,
           t->w->members[ANNA].id, 16);
}

static void account_of_another_association(struct tamper *t)
{
    memcpy(order(find(t, MR_KIND_OPEN, STORY_MEMBERS + 1))->body.u.open.account,
           t->w->charter.associations[1].id, MR_SPACE_BYTES);
}

static void account_of_an_inner_class(struct tamper *t)
{
    order(find(t, MR_KIND_OPEN, STORY_MEMBERS + 1))->body.u.open.class = MR_CLASS_WORLD;
}

static void key_set_without_threshold(struct tamper *t)
{
    order(find(t, MR_KIND_OPEN, STORY_MEMBERS + 1))->body.u.open.keys.threshold = 0;
}

static void generation_skipped(struct tamper *t)
{
    order(find(t, MR_KIND_SETKEYS, 0))->body.u.setkeys.generation = 3;
}

static void flag_without_change(struct tamper *t)
{
    order(find(t, MR_KIND_FLAG, 0))->body.u.flag.frozen = false;
}

static void alias_of_another(struct tamper *t)
{
    struct mr_list *const l = &order(find(t, MR_KIND_LIST, 1))->body.u.list;
    strcpy(l->alias, "boulangerie");
    l->alias_len = 11;
    struct mr_list *const off = &order(find(t, MR_KIND_LIST, 2))->body.u.list;
    memcpy(off->account, t->w->members[BAKERY].id, 16);
    strcpy(off->alias, "boulangerie");
    off->alias_len = 11;
}

static void alias_with_capitals(struct tamper *t)
{
    struct mr_list *const l = &order(find(t, MR_KIND_LIST, 4))->body.u.list;
    l->alias[0] = 'F';
}

static void alias_given_too_early(struct tamper *t)
{
    struct mr_list *const l = &order(find(t, MR_KIND_LIST, 4))->body.u.list;
    strcpy(l->alias, "legumes"); /* given up by GROCER in the first half */
    l->alias_len = 7;
}

static void grant_that_lowers(struct tamper *t)
{
    order(find(t, MR_KIND_GRANT, 0))->body.u.grant.limit_payment = 400000;
}

static void lower_without_change(struct tamper *t)
{
    struct mr_grant *const g = &order(find(t, MR_KIND_LOWER, 0))->body.u.lower;
    *g = order(find(t, MR_KIND_GRANT, 0))->body.u.grant;
    g->credit = MR_CREDIT_MAX; /* as before the first one */
    g->limit_payment = g->limit_day = g->limit_month = 0;
}

static void sweep_of_an_open_account(struct tamper *t)
{
    struct mr_sweep *const s = &order(find(t, MR_KIND_SWEEP, 0))->body.u.sweep;
    memcpy(s->account, t->w->members[DORA].id, 16);
    s->amount = 1;
}

static void policy_too_early(struct tamper *t)
{
    order(find(t, MR_KIND_POLICY, 0))->body.u.policy.start_day--;
}

static void policy_number_skipped(struct tamper *t)
{
    order(find(t, MR_KIND_POLICY, 0))->body.u.policy.version = 3;
}

static void cap_without_change(struct tamper *t)
{
    order(find(t, MR_KIND_CAP, 0))->body.u.cap.cap = t->w->charter.associations[0].cap;
}

static void wrong_state_root(struct row *r)
{
    order_of(r)->body.u.checkpoint.state_root[0] ^= 1;
}

static void checkpoint_root(struct tamper *t)
{
    find(t, MR_KIND_CHECKPOINT, 0).order->before = wrong_state_root;
}

static void wrong_log_root(struct row *r)
{
    order_of(r)->body.u.checkpoint.log_root[31] ^= 1;
}

static void checkpoint_log_root(struct tamper *t)
{
    find(t, MR_KIND_CHECKPOINT, 1).order->before = wrong_log_root;
}

static void wrong_supply(struct row *r)
{
    order_of(r)->body.u.checkpoint.supply[0].issued--;
}

static void checkpoint_supply(struct tamper *t)
{
    find(t, MR_KIND_CHECKPOINT, 0).order->before = wrong_supply;
}

static void wrong_number(struct row *r)
{
    order_of(r)->body.u.checkpoint.number = 4;
}

static void checkpoint_number(struct tamper *t)
{
    find(t, MR_KIND_CHECKPOINT, 1).order->before = wrong_number;
}

static void wrong_accounts(struct row *r)
{
    order_of(r)->body.u.checkpoint.accounts++;
}

static void checkpoint_accounts(struct tamper *t)
{
    find(t, MR_KIND_CHECKPOINT, 1).order->before = wrong_accounts;
}

static void checkpoint_signature(struct tamper *t)
{
    find(t, MR_KIND_CHECKPOINT, 1).order->after = flip_signature;
}

/* --- postings --------------------------------------------------------------------------------- */

static void one_more(struct row *r)
{
    r->u.e.u.settled.postings[0].delta++;
}

static void wrong_posting(struct tamper *t)
{
    last_pay(t).settled->before = one_more;
}

static void one_less(struct row *r)
{
    r->u.e.u.settled.postings_count--;
}

static void missing_posting(struct tamper *t)
{
    find(t, MR_KIND_ISSUE, 1).settled->before = one_less;
}

static void other_account(struct row *r)
{
    memcpy(r->u.e.u.settled.postings[0].account, now->w->members[DORA].id, 16);
}

static void posting_to_another(struct tamper *t)
{
    now = t;
    last_pay(t).settled->before = other_account;
}

static void extra(struct row *r)
{
    struct mr_entry_settled *const s = &r->u.e.u.settled;
    s->postings[s->postings_count] = s->postings[0];
    s->postings[s->postings_count++].delta = 5;
}

static void posting_too_many(struct tamper *t)
{
    find(t, MR_KIND_PAYOUT, 0).settled->before = extra;
}

const struct lie lies_of_orders[] = {
    {"bad signature", bad_signature, "LED-10", MR_BAD_SIGNATURE},
    {"bad second signature", bad_second_signature, "LED-10", MR_BAD_SIGNATURE},
    {"one operator only", one_operator_only, "LED-10", MR_SIGNATURES_MISSING},
    {"signature of no key", signature_of_no_key, "LED-10", MR_BAD_SIGNATURE},
    {"another purpose", signature_of_another_purpose, "LED-10", MR_BAD_SIGNATURE},
    {"signed by somebody else", signed_by_somebody_else, "LED-10", MR_BAD_SIGNATURE},
    {"signed by the keys before", signed_by_the_keys_before, "LED-10", MR_BAD_SIGNATURE},
    {"wrong prev", wrong_prev, "LED-10", MR_PREV_MISMATCH},
    {"wrong ledger", wrong_ledger, "LED-10", MR_WRONG_LEDGER},
    {"gap in the chain", gap_in_the_chain, "INV-4", MR_SEQ_AHEAD},
    {"earlier than the last", earlier_than_the_last, "LED-10", MR_TIME_BACK},
    {"far in the future", far_in_the_future, "LED-10", MR_TIME_AHEAD},
    {"after its last day", after_its_last_day, "LED-10", MR_EXPIRED},
    {"valid for too long", valid_for_too_long, "LED-10", MR_OUT_OF_RANGE},
    {"unknown policy", unknown_policy, "LED-10", MR_POLICY_UNKNOWN},
    {"policy not in force", policy_not_in_force, "LED-10", MR_POLICY_NOT_IN_FORCE},
    {"payer is frozen", payer_is_frozen, "LED-10", MR_PAYER_FROZEN},
    {"payer is closed", payer_is_closed, "LED-10", MR_PAYER_CLOSED},
    {"wrong chain", wrong_chain, "LED-10", MR_WRONG_CHAIN},
    {"over the payment limit", over_the_payment_limit, "LED-20", MR_LIMIT_PAYMENT},
    {"over the day limit", over_the_day_limit, "LED-20", MR_LIMIT_DAY},
    {"over the month limit", over_the_month_limit, "LED-20", MR_LIMIT_MONTH},
    {"more than there is", more_than_there_is, "LED-20", MR_FUNDS_SHORT},
    {"unknown payee", unknown_payee, "LED-20", MR_PAYEE_UNKNOWN},
    {"payee class", payee_of_a_class_that_cannot_be_paid, "LED-20", MR_PAYEE_CLASS},
    {"payee is the payer", payee_is_the_payer, "LED-20", MR_PAYEE_SELF},
    {"payee twice", payee_twice, "LED-20", MR_PAYEE_TWICE},
    {"no such unit", no_such_unit, "LED-20", MR_UNIT_UNKNOWN},
    {"fee too low", fee_too_low, "LED-20", MR_FEE_MISMATCH},
    {"fee missing", fee_missing, "LED-20", MR_FEE_MISMATCH},
    {"fee to somebody", fee_to_somebody, "LED-20", MR_FEE_MISMATCH},
    {"fee that is not due", fee_that_is_not_due, "LED-20", MR_FEE_MISMATCH},
    {"bank reference twice", bank_reference_twice, "LED-21", MR_BANK_REF_USED},
    {"bank reference of an issue", bank_reference_of_an_issue_in_a_payout, "LED-23",
     MR_BANK_REF_USED},
    {"more units than euros", more_units_than_euros, "LED-21", MR_BANK_SUM},
    {"over the cap", over_the_cap, "LED-21", MR_CAP_EXCEEDED},
    {"issue to nobody", issue_to_nobody, "LED-21", MR_PAYEE_UNKNOWN},
    {"bank line not there", bank_line_that_is_not_there, "LED-21", MR_OUT_OF_RANGE},
    {"redeem below the minimum", redeem_below_the_minimum, "LED-22", MR_MINIMUM},
    {"redeem with another fee", redeem_with_another_fee, "LED-22", MR_FEE_MISMATCH},
    {"redeem by a resident", redeem_by_a_resident, "LED-22", MR_CLASS_FORBIDS},
    {"paid out twice", paid_out_twice, "LED-23", MR_REDEMPTION_DONE},
    {"paid out and returned", paid_out_and_returned, "LED-24", MR_REDEMPTION_DONE},
    {"payout of nothing", payout_of_nothing, "LED-23", MR_REDEMPTION_UNKNOWN},
    {"payout of another amount", payout_of_another_amount, "LED-23", MR_REDEMPTION_MISMATCH},
    {"payout with another fee", payout_with_another_fee, "LED-23", MR_REDEMPTION_MISMATCH},
    {"cleared by another", cleared_by_another, "LED-31", MR_NOT_YOURS},
    {"bank reference cleared before", bank_reference_cleared_before, "LED-21", MR_BANK_REF_USED},
    {"bank reference cleared again", bank_reference_of_an_issue_in_a_clear, "LED-31",
     MR_BANK_REF_USED},
    {"cleared more than there is", cleared_more_than_there_is, "LED-31", MR_COVERAGE},
    {"countersigned by one only", countersigned_by_one_only, "LED-31", MR_SIGNATURES_MISSING},
    {"bad countersignature", bad_countersignature, "LED-31", MR_BAD_SIGNATURE},
    {"countersigned twice by one", countersigned_twice_by_one, "LED-31", MR_BAD_SIGNATURE},
    {"countersigned for more", countersigned_for_more, "LED-31", MR_BAD_SIGNATURE},
    {"own keys countersign", own_keys_countersign, "LED-31", MR_BAD_KEY},
    {"keys to come countersign", keys_to_come_countersign, "LED-31", MR_KEYS_UNKNOWN},
    {"keys of no generation", keys_of_no_generation, "LED-31", MR_KEYS_OLD},
    {"account opened twice", account_opened_twice, "LED-25", MR_ACCOUNT_EXISTS},
    {"account of another association", account_of_another_association, "LED-25", MR_NOT_YOURS},
    {"account of an inner class", account_of_an_inner_class, "LED-25", MR_PAYEE_CLASS},
    {"key set without threshold", key_set_without_threshold, "LED-25", MR_BAD_KEY},
    {"generation skipped", generation_skipped, "LED-25", MR_OUT_OF_RANGE},
    {"flag without change", flag_without_change, "LED-25", MR_NO_CHANGE},
    {"alias of another", alias_of_another, "LED-26", MR_ALIAS_TAKEN},
    {"alias with capitals", alias_with_capitals, "LED-26", MR_ALIAS_SYNTAX},
    {"alias given too early", alias_given_too_early, "LED-26", MR_ALIAS_TAKEN},
    {"grant that lowers", grant_that_lowers, "LED-27", MR_LOWERED},
    {"lower without change", lower_without_change, "LED-27", MR_NO_CHANGE},
    {"sweep of an open account", sweep_of_an_open_account, "LED-28", MR_NOT_CLOSED},
    {"policy too early", policy_too_early, "LED-29", MR_POLICY_NOTICE},
    {"policy number skipped", policy_number_skipped, "LED-29", MR_POLICY_VERSION},
    {"cap without change", cap_without_change, "LED-29", MR_NO_CHANGE},
    {"checkpoint: state root", checkpoint_root, "LED-50", MR_STATE_MISMATCH},
    {"checkpoint: log root", checkpoint_log_root, "LED-30", MR_STATE_MISMATCH},
    {"checkpoint: supply", checkpoint_supply, "LED-51", MR_STATE_MISMATCH},
    {"checkpoint: number", checkpoint_number, "LED-30", MR_STATE_MISMATCH},
    {"checkpoint: accounts", checkpoint_accounts, "LED-30", MR_STATE_MISMATCH},
    {"checkpoint: signature", checkpoint_signature, "SLOT-12", MR_BAD_SIGNATURE},
    {"wrong posting", wrong_posting, "LED-20", MR_CHECK_FAILED},
    {"missing posting", missing_posting, "LED-21", MR_CHECK_FAILED},
    {"posting to another", posting_to_another, "LED-20", MR_CHECK_FAILED},
    {"posting too many", posting_too_many, "LED-23", MR_CHECK_FAILED},
    {NULL, NULL, NULL, MR_OK},
};
