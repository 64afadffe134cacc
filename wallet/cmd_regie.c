/* regie convert: what a municipality's account has collected goes back for euros by itself, as
 * often as it is called (MUN-6). It asks nothing: a timer calls it. */
#include <string.h>

#include "common/amount_text.h"
#include "common/ledger_words.h"
#include "mereau/order.h"
#include "mereau/time.h"
#include "wallet/act.h"
#include "wallet/commands.h"
#include "wallet/node.h"
#include "wallet/unit.h"

enum { ROUNDS_MAX = 4 }; /* what arrived meanwhile is taken along a few times, not for ever */

struct converting {
    int64_t least;       /* --min, or the rules' own minimum when that is more */
    int64_t amount, fee; /* sum of what was given back now */
    json_t *orders;
};

static enum mr_status find_least(const struct wallet *w, const struct command *c, struct out *out,
                                 int64_t *ret)
{
    const uint32_t today = mr_day_of(wallet_now_ms());
    const struct mr_policy *const p = mr_policy_on(w->policies, w->policy_count, today);
    const struct mr_class_rule *const rule =
        p != NULL ? mr_class_rule(p, w->account->account.class) : NULL;
    const char *const min = opt_text(c, "min");
    *ret = 1;
    if (min != NULL && unit_amount(w, out, ret, min, 0) != MR_OK)
        return out->status;
    if (rule != NULL && rule->redeem_min > *ret)
        *ret = rule->redeem_min;
    return MR_OK;
}

static enum mr_status refuse_kind(const struct wallet *w, struct out *out)
{
    const enum mr_account_class class = w->account->account.class;
    if (class == MR_CLASS_MUNICIPALITY)
        return MR_OK;
    out_text(out, "class", mr_account_class_text(class));
    return out_fail(out, MR_CLASS_FORBIDS,
                    _("this is for the account of a municipality, and yours is one of the class "
                      "\"%s\": use \"mereau redeem\""),
                    class_word(class));
}

static void say_one(struct wallet *w, struct out *out, struct converting *v, uint64_t seq)
{
    struct mr_signed_order o;
    uint8_t id[MR_HASH_BYTES];
    char hex[2 * MR_HASH_BYTES + 1], amount[AMOUNT_PEOPLE_MAX], euros[AMOUNT_PEOPLE_MAX];
    wallet_order(&o, wallet_slot(w, seq));
    mr_order_id(id, &o.order);
    mr_hex_format(hex, id, sizeof id);
    const int64_t minor = mr_order_amount(&o.order), fee = mr_order_fee(&o.order);
    v->amount += minor;
    v->fee += fee;
    json_array_append_new(v->orders, json_pack("{s:s, s:I, s:I, s:I}", "order", hex, "seq",
                                               (json_int_t)seq, "amount_minor", (json_int_t)minor,
                                               "fee_minor", (json_int_t)fee));
    wallet_amount(amount, w, minor, 0);
    wallet_amount(euros, w, minor - fee, 1);
    out_print(out, _("converted: %s, to be paid as %s; order %.16s\n"), amount, euros, hex);
}

/* It is told now, and the next order may stand behind it. */
static enum mr_status tell(struct wallet *w, struct out *out, struct converting *v, uint64_t seq)
{
    say_one(w, out, v, seq);
    if (wallet_slot(w, seq)->reported)
        return MR_OK;
    w->note->kind = MR_BOOK_REPORTED;
    w->note->u.reported = (struct mr_book_reported){seq, wallet_now_ms()};
    return wallet_add(w, out);
}

/* An order that an earlier call left, whatever became of that call. */
static enum mr_status finish_open(struct wallet *w, const struct command *c, struct out *out,
                                  struct converting *v)
{
    struct mr_signed_order o;
    char what[DESCRIBE_MAX];
    const uint64_t seq = wallet_open_seq(w);
    if (seq == 0)
        return MR_OK;
    wallet_order(&o, wallet_slot(w, seq));
    if (o.order.body.kind != MR_KIND_REDEEM) {
        act_describe(what, w, &o.order);
        return out_fail(out, MR_ORDER_OPEN,
                        _("another order is still open: %s. \"mereau resume\" brings it to its "
                          "end, \"mereau cancel\" takes it back; then repeat"),
                        what);
    }
    enum mr_status st = act_finish(w, c, out, seq);
    if (st == MR_OK)
        st = tell(w, out, v, seq);
    return st == MR_OK ? node_sync_to_sign(w, c, out) : st;
}

/* The whole balance in one order; credit is not the account's to convert. */
static enum mr_status convert_balance(struct wallet *w, const struct command *c, struct out *out,
                                      struct converting *v)
{
    struct mr_order_body body = {.kind = MR_KIND_REDEEM};
    const struct act act = {.wish.body = &body, .again = true};
    uint64_t seq = 0;
    bool already;
    body.u.redeem.amount = w->account->hot.chain.balances[0].minor;
    memcpy(body.u.redeem.association, w->account->account.association, MR_ACCOUNT_BYTES);
    enum mr_status st = act_do(w, c, out, &act, &seq, &already);
    if (st != MR_OK) {
        if (seq > 0)
            act_fields(out, w, seq, already);
        return st;
    }
    st = tell(w, out, v, seq);
    return st == MR_OK ? node_sync_to_sign(w, c, out) : st;
}

static void say_end(struct wallet *w, struct out *out, struct converting *v)
{
    char balance[AMOUNT_PEOPLE_MAX], least[AMOUNT_PEOPLE_MAX];
    const int64_t left = w->account->hot.chain.balances[0].minor;
    const bool any = v->amount > 0;
    wallet_amount(balance, w, left, 0);
    wallet_amount(least, w, v->least, 0);
    out_int(out, "amount_minor", v->amount);
    out_int(out, "fee_minor", v->fee);
    out_int(out, "balance_minor", left);
    out_int(out, "least_minor", v->least);
    out_status(out, any ? MR_SETTLED : MR_ALREADY_DONE);
    if (left > 0 && left < v->least)
        out_print(out, _("%s stays on the account: less than %s is not converted\n"), balance,
                  least);
    else if (!any)
        out_print(out, _("There is nothing to convert.\n"));
}

void cmd_regie_convert(struct command *c, struct out *out)
{
    struct wallet *w;
    struct converting v = {.least = 1};
    if (wallet_open(&w, c, out) != MR_OK || node_sync_to_sign(w, c, out) != MR_OK ||
        refuse_kind(w, out) != MR_OK || find_least(w, c, out, &v.least) != MR_OK)
        return;
    v.orders = json_array();
    enum mr_status st = finish_open(w, c, out, &v);
    for (unsigned i = 0; st == MR_OK && i < ROUNDS_MAX; i++) {
        if (w->account->hot.chain.balances[0].minor < v.least)
            break;
        st = convert_balance(w, c, out, &v);
    }
    out_json(out, "orders", v.orders);
    if (st == MR_OK)
        say_end(w, out, &v);
}
