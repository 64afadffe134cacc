/* Orders of a wallet, from what is wanted and what the node said. */
#include <sodium.h>
#include <string.h>

#include "mereau/amount.h"
#include "mereau/assert.h"
#include "mereau/client.h"
#include "mereau/order.h"
#include "mereau/sign.h"
#include "mereau/time.h"

static enum mr_status sum_lines(int64_t *ret, const struct mr_pay *pay, enum mr_line_kind what)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < pay->lines_count; i++)
        if (pay->lines[i].what == what && !mr_amount_add(&sum, sum, pay->lines[i].amount))
            return MR_AMOUNT_TOO_LARGE;
    *ret = sum;
    return MR_OK;
}

int64_t mr_order_amount(const struct mr_order *order)
{
    int64_t sum = 0;
    if (order->body.kind == MR_KIND_REDEEM)
        return order->body.u.redeem.amount;
    if (order->body.kind != MR_KIND_PAY ||
        sum_lines(&sum, &order->body.u.pay, MR_LINE_PAYMENT) != MR_OK)
        return 0;
    return sum;
}

int64_t mr_order_fee(const struct mr_order *order)
{
    int64_t sum = 0;
    if (order->body.kind == MR_KIND_REDEEM)
        return order->body.u.redeem.fee;
    if (order->body.kind != MR_KIND_PAY ||
        sum_lines(&sum, &order->body.u.pay, MR_LINE_FEE) != MR_OK)
        return 0;
    return sum;
}

/* LED-20: in unit 0 the fee is one line behind the payments, and there is none when it is 0. */
static enum mr_status add_fee(struct mr_pay *pay, int64_t *ret_fee, const struct mr_basis *b,
                              const struct mr_policy *policy, uint32_t day)
{
    int64_t sum, total;
    const enum mr_status st = sum_lines(&sum, pay, MR_LINE_PAYMENT);
    if (st != MR_OK)
        return st;
    const int64_t fee =
        pay->unit == 0 ? mr_fee_of(policy, MR_KIND_PAY, b->account->class, sum, day) : 0;
    if (!mr_amount_add(&total, sum, fee))
        return MR_AMOUNT_TOO_LARGE;
    if (fee > 0) {
        if (pay->lines_count >= MR_LINES_MAX)
            return MR_OUT_OF_RANGE;
        struct mr_pay_line *const line = &pay->lines[pay->lines_count++];
        *line = (struct mr_pay_line){.amount = fee, .what = MR_LINE_FEE};
        memcpy(line->payee, b->own, sizeof line->payee);
    }
    *ret_fee = fee;
    return MR_OK;
}

static enum mr_status fill_body(struct mr_order *o, int64_t *ret_fee, const struct mr_basis *b,
                                const struct mr_policy *policy, uint32_t day)
{
    *ret_fee = 0;
    if (o->body.kind == MR_KIND_PAY)
        return add_fee(&o->body.u.pay, ret_fee, b, policy, day);
    if (o->body.kind == MR_KIND_REDEEM) {
        struct mr_redeem *const r = &o->body.u.redeem;
        r->fee = mr_fee_of(policy, MR_KIND_REDEEM, b->account->class, r->amount, day);
        *ret_fee = r->fee;
    }
    return MR_OK;
}

enum mr_status mr_plan(struct mr_order *ret, int64_t *ret_fee, const struct mr_basis *basis,
                       const struct mr_wish *wish, const uint8_t salt[MR_SALT_BYTES])
{
    const struct mr_state_chain *const chain = basis->chain;
    struct mr_order o = {.version = 1, .seq = chain->next_seq};
    o.time_ms = basis->now_ms > chain->time_ms ? basis->now_ms : chain->time_ms;
    o.not_after_ms = o.time_ms + MR_ORDER_DAYS * MR_DAY_MS;
    const uint32_t day = mr_day_of(o.time_ms);
    const struct mr_policy *const policy = mr_policy_on(basis->policies, basis->policy_count, day);
    if (policy == NULL)
        return MR_POLICY_UNKNOWN;
    o.policy = policy->version;
    memcpy(o.ledger, basis->ledger, sizeof o.ledger);
    memcpy(o.account, basis->account->id, sizeof o.account);
    memcpy(o.prev, chain->head, sizeof o.prev);
    memcpy(o.salt, salt, sizeof o.salt);
    if (wish->memo != NULL)
        mr_memo_hash(o.memo, salt, wish->memo, wish->memo_len);
    if (wish->ref != NULL)
        mr_ref_hash(o.ref, salt, wish->ref, wish->ref_len);
    o.body = *wish->body;
    int64_t fee;
    const enum mr_status st = fill_body(&o, &fee, basis, policy, day);
    if (st != MR_OK)
        return st;
    *ret = o;
    *ret_fee = fee;
    return MR_OK;
}

/* --- the same wish ---------------------------------------------------------------------------- */

static uint32_t payments_in(const struct mr_pay *pay)
{
    uint32_t n = 0;
    while (n < pay->lines_count && pay->lines[n].what == MR_LINE_PAYMENT)
        n++;
    return n;
}

static bool same_pay(const struct mr_pay *a, const struct mr_pay *b)
{
    const uint32_t n = payments_in(a);
    if (a->unit != b->unit || n != payments_in(b))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (a->lines[i].amount != b->lines[i].amount ||
            memcmp(a->lines[i].payee, b->lines[i].payee, MR_ACCOUNT_BYTES) != 0)
            return false;
    return true;
}

static bool same_body(const struct mr_order_body *a, const struct mr_order_body *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == MR_KIND_PAY)
        return same_pay(&a->u.pay, &b->u.pay);
    if (a->kind == MR_KIND_REDEEM)
        return a->u.redeem.amount == b->u.redeem.amount &&
               memcmp(a->u.redeem.association, b->u.redeem.association, MR_ACCOUNT_BYTES) == 0;
    if (a->kind == MR_KIND_STOP)
        return a->u.stop.upto == b->u.stop.upto;
    return a->kind == MR_KIND_SETKEYS || a->kind == MR_KIND_CLOSE;
}

bool mr_order_is(const struct mr_order *order, const struct mr_wish *wish)
{
    uint8_t memo[MR_HASH_BYTES] = {0};
    if (!same_body(&order->body, wish->body))
        return false;
    /* A SETKEYS carries the memo key it gives up: it belongs to the order, not to the wish. */
    if (order->body.kind == MR_KIND_SETKEYS)
        return true;
    if (wish->memo != NULL)
        mr_memo_hash(memo, order->salt, wish->memo, wish->memo_len);
    return memcmp(memo, order->memo, sizeof memo) == 0;
}

bool mr_order_has_ref(const struct mr_order *order, const char *ref, size_t ref_len)
{
    uint8_t hash[MR_HASH_BYTES];
    mr_ref_hash(hash, order->salt, ref, ref_len);
    return memcmp(hash, order->ref, sizeof hash) == 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

enum mr_next mr_next_after(enum mr_status answer)
{
    if (answer == MR_SETTLED || answer == MR_VOIDED || answer == MR_ALREADY_DONE ||
        answer == MR_SEQ_OLD)
        return MR_NEXT_CLOSED;
    if (answer == MR_PARKED || answer == MR_UNSETTLED)
        return MR_NEXT_WAIT;
    if (answer == MR_VOTING || answer == MR_CERTIFIED)
        return MR_NEXT_REPEAT;
    /* What does not blame the order says nothing about its fate. */
    if (mr_status_fault(answer) != MR_FAULT_CALLER || answer == MR_NOT_AUTHORISED ||
        answer == MR_TOO_MANY)
        return MR_NEXT_REPEAT;
    return MR_NEXT_CANCEL;
}

enum mr_outcome mr_outcome_of(const struct mr_order *order, const uint8_t value[MR_HASH_BYTES])
{
    uint8_t id[MR_HASH_BYTES];
    mr_order_id(id, order);
    if (memcmp(id, value, sizeof id) == 0)
        return MR_OUTCOME_SETTLED;
    mr_void_id(id, order->ledger, order->account, order->seq);
    return memcmp(id, value, sizeof id) == 0 ? MR_OUTCOME_VOIDED : MR_OUTCOME_OTHER;
}

void mr_memo_key(uint8_t ret_secret[MR_KEY_BYTES], uint8_t ret_public[MR_KEY_BYTES],
                 const uint8_t seed[MR_KEY_BYTES])
{
    mr_hash(ret_secret, "mereau/memo-key", seed, MR_KEY_BYTES, NULL, 0);
    const int bad = crypto_scalarmult_curve25519_base(ret_public, ret_secret);
    mr_assert(bad == 0);
}
