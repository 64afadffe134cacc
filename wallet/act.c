#include "wallet/act.h"

#include <poll.h>
#include <sodium.h>
#include <string.h>

#include "common/amount_text.h"
#include "common/day.h"
#include "common/ledger_words.h"
#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/order.h"
#include "wallet/advice.h"
#include "wallet/keys.h"
#include "wallet/memo.h"
#include "wallet/node.h"
#include "wallet/witnessed.h"

enum {
    HEX_MAX = 2 * MR_HASH_BYTES + 1,
    FRESH_MS = 10000,
    LOOK_MS = 200,   /* between two looks at an order on its way */
    STUCK_MS = 3000, /* without a step forward: another node is asked too, */
    MOVE_MS = 5000,  /* if there is time to look for one */
};

/* --- showing ---------------------------------------------------------------------------------- */

static uint32_t unit_of(const struct mr_order *order)
{
    return order->body.kind == MR_KIND_PAY ? order->body.u.pay.unit : 0;
}

static void describe_pay(char *ret, const struct wallet *w, const struct mr_order *order)
{
    char amount[AMOUNT_PEOPLE_MAX], who[NAME_SHOWN_MAX];
    const struct mr_pay *const pay = &order->body.u.pay;
    uint32_t payees = 0;
    for (uint32_t i = 0; i < pay->lines_count; i++)
        payees += pay->lines[i].what == MR_LINE_PAYMENT;
    wallet_amount(amount, w, mr_order_amount(order), pay->unit);
    wallet_call(who, w, pay->lines[0].payee);
    if (payees == 1)
        snprintf(ret, DESCRIBE_MAX, _("%s to %s"), amount, who);
    else
        snprintf(ret, DESCRIBE_MAX, _("%s to %u payees, the first of them %s"), amount, payees,
                 who);
}

void act_describe(char *ret, const struct wallet *w, const struct mr_order *order)
{
    char amount[AMOUNT_PEOPLE_MAX];
    wallet_amount(amount, w, mr_order_amount(order), unit_of(order));
    if (order->body.kind == MR_KIND_PAY)
        describe_pay(ret, w, order);
    else if (order->body.kind == MR_KIND_REDEEM)
        snprintf(ret, DESCRIBE_MAX, _("%s given back for euros"), amount);
    else if (order->body.kind == MR_KIND_SETKEYS)
        snprintf(ret, DESCRIBE_MAX, "%s", _("new keys"));
    else if (order->body.kind == MR_KIND_CLOSE)
        snprintf(ret, DESCRIBE_MAX, "%s", _("closing the account"));
    else
        snprintf(ret, DESCRIBE_MAX, "%s", order_word(&order->body));
}

static json_t *payees_json(const struct wallet *w, const struct mr_pay *pay)
{
    json_t *const list = json_array();
    for (uint32_t i = 0; i < pay->lines_count; i++) {
        char address[MR_ADDRESS_TEXT_MAX], who[NAME_SHOWN_MAX];
        if (pay->lines[i].what != MR_LINE_PAYMENT)
            continue;
        wallet_address(address, w, pay->lines[i].payee);
        wallet_call(who, w, pay->lines[i].payee);
        json_t *const row = json_pack("{s:s, s:s, s:I}", "account", address, "name", who,
                                      "amount_minor", (json_int_t)pay->lines[i].amount);
        json_array_append_new(list, row);
    }
    return list;
}

void act_fields(struct out *out, const struct wallet *w, uint64_t seq, bool already)
{
    struct mr_signed_order o;
    uint8_t id[MR_HASH_BYTES];
    char hex[HEX_MAX], address[MR_ADDRESS_TEXT_MAX];
    wallet_order(&o, wallet_slot(w, seq));
    mr_order_id(id, &o.order);
    mr_hex_format(hex, id, sizeof id);
    wallet_address(address, w, wallet_account(w));
    out_text(out, "order", hex);
    out_text(out, "account", address);
    out_int(out, "seq", (int64_t)seq);
    out_text(out, "kind", mr_order_kind_text(o.order.body.kind));
    if (o.order.body.kind == MR_KIND_PAY || o.order.body.kind == MR_KIND_REDEEM) {
        out_int(out, "amount_minor", mr_order_amount(&o.order));
        out_int(out, "fee_minor", mr_order_fee(&o.order));
        out_text(out, "unit", w->charter->units[unit_of(&o.order)].code);
    }
    if (o.order.body.kind == MR_KIND_PAY && out->json)
        out_json(out, "payees", payees_json(w, &o.order.body.u.pay));
    if (wallet_slot(w, seq)->linked > 0)
        out_int(out, "shown_by", (int64_t)wallet_slot(w, seq)->linked);
    out_bool(out, "already", already);
}

/* Which rule it is, and since when. */
static enum mr_status refuse_class(const struct wallet *w, struct out *out,
                                   const struct mr_order *order)
{
    char since[DAY_TEXT_MAX];
    const uint32_t today = mr_day_of(wallet_now_ms());
    const struct mr_policy *const p = mr_policy_on(w->policies, w->policy_count, today);
    const enum mr_account_class class = w->account->account.class;
    const char *const code = w->charter->units[unit_of(order)].code;
    if (p == NULL)
        return out_fail(out, MR_CLASS_FORBIDS, "%s; %s", status_sentence(MR_CLASS_FORBIDS),
                        advice(MR_CLASS_FORBIDS));
    const uint64_t start_ms = p->start_day * MR_DAY_MS;
    day_text(since, start_ms > w->charter->created_ms ? start_ms : w->charter->created_ms);
    out_text(out, "class", mr_account_class_text(class));
    out_int(out, "policy", p->version);
    if (order->body.kind == MR_KIND_REDEEM)
        return out_fail(out, MR_CLASS_FORBIDS,
                        _("the rules of the currency (number %u, in force since %s) do not let an "
                          "account of the class \"%s\" give %s back for euros; %s"),
                        p->version, since, class_word(class), code, advice(MR_CLASS_FORBIDS));
    if (class == MR_CLASS_MUNICIPALITY)
        return out_fail(out, MR_CLASS_FORBIDS,
                        _("a municipality may not pay in %s: the rules of the currency (number %u, "
                          "in force since %s) let its account collect and give back for euros "
                          "only; \"mereau regie convert\" does that, and payees are paid in euros "
                          "through the association"),
                        code, p->version, since);
    return out_fail(out, MR_CLASS_FORBIDS,
                    _("the rules of the currency (number %u, in force since %s) do not let an "
                      "account of the class \"%s\" pay in %s; %s"),
                    p->version, since, class_word(class), code, advice(MR_CLASS_FORBIDS));
}

enum mr_status act_refuse(const struct wallet *w, struct out *out, enum mr_status st,
                          int64_t missing, const struct mr_order *order)
{
    char amount[AMOUNT_PEOPLE_MAX];
    if (missing > 0)
        out_int(out, "missing_minor", missing);
    wallet_amount(amount, w, missing, unit_of(order));
    if (st == MR_CLASS_FORBIDS)
        return refuse_class(w, out, order);
    if (st == MR_FUNDS_SHORT)
        return out_fail(out, st, _("there is not enough on the account: %s is missing"), amount);
    if (st == MR_MINIMUM && missing > 0) {
        wallet_amount(amount, w, mr_order_amount(order) + missing, unit_of(order));
        return out_fail(out, st, _("%s, which is %s; %s"), status_sentence(st), amount, advice(st));
    }
    if (missing > 0)
        return out_fail(out, st, _("%s, by %s; %s"), status_sentence(st), amount, advice(st));
    const enum mr_status shown = st == MR_OK ? MR_UNKNOWN_STATUS : st;
    if (mr_status_fault(st) != MR_FAULT_CALLER || st == MR_NOT_AUTHORISED)
        return node_fail(w, out, shown);
    return out_fail(out, shown, _("%s; %s"), status_sentence(shown), advice(shown));
}

/* --- an order that was signed ----------------------------------------------------------------- */

/* A settled SETKEYS puts the next seed in force here as well. */
static enum mr_status take_new_keys(struct wallet *w, struct out *out, const struct mr_order *o)
{
    if (o->body.kind != MR_KIND_SETKEYS || w->keys->stored.next_count == 0)
        return MR_OK;
    keys_advance(w);
    if (memcmp(&w->public, &o->body.u.setkeys.keys.keys[0], sizeof w->public) != 0) {
        keys_go_back(w); /* another device's rotation */
        return MR_OK;
    }
    return wallet_save(w, out, &w->keys->stored);
}

static enum mr_status tell_closed(struct wallet *w, struct out *out, uint64_t seq,
                                  enum mr_status why)
{
    const struct slot *const s = wallet_slot(w, seq);
    struct mr_signed_order o;
    char what[DESCRIBE_MAX];
    wallet_order(&o, s);
    act_describe(what, w, &o.order);
    wallet_tell(w, seq);
    switch (mr_outcome_of(&o.order, s->value)) {
    case MR_OUTCOME_SETTLED:
        return take_new_keys(w, out, &o.order);
    case MR_OUTCOME_OTHER:
        return out_fail(out, MR_SLOT_TAKEN,
                        _("not done: %s. Another order of this account, signed on another device, "
                          "was settled in its place; see \"mereau history\" and repeat"),
                        what);
    case MR_OUTCOME_VOIDED:
        break;
    }
    if (why == MR_OK || exit_code_of(why) != EXIT_REFUSED)
        return out_fail(out, MR_VOIDED, _("not done: %s. The order was cancelled; nothing changed"),
                        what);
    return out_fail(out, why, _("not done: %s. The order was refused (%s) and is void; %s"), what,
                    status_sentence(why), advice(why));
}

/* An outcome that is not known yet is never exit 1, whatever the answer was. */
static enum mr_status tell_unknown(struct wallet *w, struct out *out, enum mr_status st)
{
    if (exit_code_of(st) != EXIT_REFUSED && exit_code_of(st) != EXIT_USAGE)
        return node_fail(w, out, st);
    return out_fail(out, MR_UNSETTLED,
                    _("the order is signed and stored, but the node does not take it now (%s): "
                      "repeat the same command, it is safe, or \"mereau cancel\""),
                    status_sentence(st));
}

static enum mr_status tell_parked(struct wallet *w, struct out *out, const struct mr_rep_slot *slot,
                                  uint32_t unit)
{
    char amount[AMOUNT_PEOPLE_MAX];
    const enum mr_status cause = mr_status_from_number(slot->cause);
    out_text(out, "cause", mr_status_name(cause));
    out_int(out, "missing_minor", slot->missing);
    wallet_amount(amount, w, slot->missing, unit);
    if (slot->missing > 0)
        return out_fail(out, MR_PARKED,
                        _("the order waits at the node: %s (%s is missing). It settles by itself "
                          "when that arrives; \"mereau resume\" looks, \"mereau cancel\" takes it "
                          "back"),
                        status_sentence(cause), amount);
    return out_fail(out, MR_PARKED,
                    _("the order waits at the node: %s. \"mereau resume\" looks again, \"mereau "
                      "cancel\" takes it back"),
                    status_sentence(cause));
}

/* --- an order on its way ---------------------------------------------------------------------- */

struct way {
    uint64_t seq;
    bool cancel; /* the slot shall be closed without effect */
    uint64_t deadline_ms, step_ms;
    enum mr_status stage; /* how it stood when that was last heard; MR_OK: nothing yet */
    uint32_t votes, quorum;
    bool conflict;
    size_t moves_left;
    struct progress line;
};

static void stage_text(char *ret, size_t cap, const struct way *way)
{
    if (way->stage == MR_CERTIFIED)
        snprintf(ret, cap, _("enough nodes voted; %u of %u acknowledged that"), way->votes,
                 way->quorum);
    else
        snprintf(ret, cap, _("%u of %u nodes voted"), way->votes, way->quorum);
}

static enum mr_status tell_stage(struct out *out, const struct way *way)
{
    char text[DESCRIBE_MAX];
    out_int(out, "votes", way->votes);
    out_int(out, "quorum", way->quorum);
    out_bool(out, "conflict", way->conflict);
    stage_text(text, sizeof text, way);
    if (way->cancel)
        return out_fail(out, way->stage,
                        _("the cancellation is under way: %s. It goes on by itself; repeat the "
                          "same command to see how it ends"),
                        text);
    return out_fail(out, way->stage,
                    _("the order is signed and under way: %s. It goes on by itself; \"mereau "
                      "resume\" looks again, \"mereau cancel\" takes it back"),
                    text);
}

static enum mr_status hand_over(struct wallet *w, const struct way *way)
{
    const struct slot *const s = wallet_slot(w, way->seq);
    struct mr_signed_order order;
    if (way->cancel)
        return node_cancel(w, way->seq, way->deadline_ms);
    wallet_order(&order, s);
    return node_submit(w, &order, s->memo, way->deadline_ms);
}

/* A node that another one was just exchanged for, or that comes a little late, lacks what others
 * have: that passes by itself. */
static bool passes(const struct wallet *w)
{
    const enum mr_status cause = mr_status_from_number(w->reply->body.u.slot.cause);
    return wallet_present(w)->nodes_count > 1 &&
           (cause == MR_SEQ_AHEAD || cause == MR_PAYEE_UNKNOWN || cause == MR_POLICY_UNKNOWN ||
            (cause == MR_FUNDS_SHORT && w->moves > 0));
}

static bool under_way(const struct wallet *w, const struct way *way, enum mr_status st)
{
    const bool several = wallet_present(w)->nodes_count > 1;
    return st == MR_VOTING || st == MR_CERTIFIED ||
           (several && (st == MR_UNSETTLED || st == MR_NOT_FOUND)) ||
           (st == MR_PARKED && (way->cancel ? several : passes(w)));
}

static void note_step(struct way *way, const struct mr_rep_slot *slot, enum mr_status st)
{
    char text[DESCRIBE_MAX];
    if (st != MR_VOTING && st != MR_CERTIFIED)
        return;
    if (st != way->stage || slot->votes > way->votes)
        way->step_ms = wallet_clock_ms();
    way->stage = st;
    way->votes = slot->votes;
    way->quorum = slot->quorum;
    way->conflict = slot->conflict;
    stage_text(text, sizeof text, way);
    progress_say(&way->line, text);
}

static bool refuses_session(enum mr_status st)
{
    return st == MR_BAD_SIGNATURE || st == MR_BAD_KEY || st == MR_NOT_AUTHORISED;
}

/* One more look. Without a step forward the same is handed in at another node too: its slot is
 * taken, so that it counts once wherever it stands. */
static enum mr_status look(struct wallet *w, struct way *way)
{
    const uint64_t now = wallet_clock_ms();
    if (way->moves_left > 0 && now - way->step_ms > STUCK_MS && now + MOVE_MS < way->deadline_ms) {
        if (way->moves_left-- == w->seats.count - 1)
            out_note(w->out, _("no further vote came for a while: the same is handed in at other "
                               "nodes too, and counts once"));
        way->step_ms = now;
        if (node_move(w, MR_OK, way->deadline_ms) == MR_OK)
            return hand_over(w, way);
    }
    enum mr_status st = node_slot(w, way->seq, way->deadline_ms);
    if (refuses_session(st)) { /* the order may be a rotation, which has settled just now */
        st = node_prove_again(w);
        if (st == MR_OK)
            st = node_slot(w, way->seq, way->deadline_ms);
        if (refuses_session(st))
            return MR_NOT_AUTHORISED; /* it says nothing about the order */
    }
    return st == MR_UNSETTLED || st == MR_NOT_FOUND ? hand_over(w, way) : st;
}

static struct way begin_way(const struct wallet *w, const struct command *c, uint64_t seq,
                            bool cancel)
{
    const uint64_t now = wallet_clock_ms();
    return (struct way){.seq = seq,
                        .cancel = cancel,
                        .deadline_ms = now + (uint64_t)c->timeout_ms,
                        .step_ms = now,
                        .moves_left = w->seats.count - 1};
}

/* Hand in the order (or its cancellation), and look on until that is decided or time is up. The
 * last answer's status; VOTING or CERTIFIED, too, when silence came after that. */
static enum mr_status carry(struct wallet *w, const struct command *c, struct way *way)
{
    progress_begin(&way->line, c, "", 0);
    enum mr_status st = hand_over(w, way);
    note_step(way, &w->reply->body.u.slot, st);
    while (under_way(w, way, st) && wallet_clock_ms() + LOOK_MS < way->deadline_ms) {
        poll(NULL, 0, LOOK_MS);
        st = look(w, way);
        note_step(way, &w->reply->body.u.slot, st);
    }
    progress_end(&way->line);
    if (st == MR_UNSETTLED || st == MR_NOT_FOUND)
        st = MR_NO_ANSWER;
    return way->stage != MR_OK && (st == MR_NO_ANSWER || st == MR_UNREACHABLE) ? way->stage : st;
}

/* A refusal does not free the slot: void it, and only then say no. */
static enum mr_status close_refused(struct wallet *w, const struct command *c, struct out *out,
                                    uint64_t seq, enum mr_status why)
{
    struct way way = begin_way(w, c, seq, true);
    enum mr_status st = carry(w, c, &way);
    if (mr_next_after(st) != MR_NEXT_CLOSED)
        return tell_unknown(w, out, why);
    st = node_keep_answer(w, out, seq, st);
    return st == MR_OK ? tell_closed(w, out, seq, why) : st;
}

enum mr_status act_finish(struct wallet *w, const struct command *c, struct out *out, uint64_t seq)
{
    const struct slot *const s = wallet_slot(w, seq);
    struct mr_signed_order order;
    if (s->closed)
        return tell_closed(w, out, seq, MR_OK);
    wallet_order(&order, s);
    struct way way = begin_way(w, c, seq, false);
    enum mr_status st = carry(w, c, &way);
    if (st == MR_VOTING || st == MR_CERTIFIED)
        return tell_stage(out, &way);
    switch (mr_next_after(st)) {
    case MR_NEXT_CLOSED:
        st = node_keep_answer(w, out, seq, st);
        return st == MR_OK ? tell_closed(w, out, seq, MR_OK) : st;
    case MR_NEXT_WAIT:
        return tell_parked(w, out, &w->reply->body.u.submit, unit_of(&order.order));
    case MR_NEXT_REPEAT:
        return tell_unknown(w, out, st);
    case MR_NEXT_CANCEL:
        return close_refused(w, c, out, seq, st);
    }
    return MR_UNKNOWN_STATUS;
}

enum mr_status act_cancel(struct wallet *w, const struct command *c, struct out *out, uint64_t seq)
{
    const struct slot *const s = wallet_slot(w, seq);
    struct mr_signed_order o;
    enum mr_status st = MR_OK;
    if (!s->closed) {
        struct way way = begin_way(w, c, seq, true);
        st = carry(w, c, &way);
        if (st == MR_VOTING || st == MR_CERTIFIED)
            return tell_stage(out, &way);
        if (mr_next_after(st) != MR_NEXT_CLOSED)
            return tell_unknown(w, out, st);
        st = node_keep_answer(w, out, seq, st);
    }
    if (st != MR_OK)
        return st;
    wallet_tell(w, seq);
    wallet_order(&o, s);
    if (mr_outcome_of(&o.order, s->value) == MR_OUTCOME_SETTLED)
        return out_fail(out, MR_NOTHING_TO_CANCEL,
                        _("too late: the order is settled and cannot be undone; ask the payee to "
                          "pay it back"));
    return MR_OK;
}

/* --- a new order ------------------------------------------------------------------------------ */

static enum mr_status plan(const struct wallet *w, struct mr_order *ret, int64_t *ret_fee,
                           const struct act *act)
{
    uint8_t salt[MR_SALT_BYTES], own[MR_ACCOUNT_BYTES];
    mr_sub_account(own, w->account->account.association, MR_CLASS_OWN);
    const struct mr_basis basis = {w->keys->stored.sheet.link.ledger,
                                   &w->account->account,
                                   &w->account->hot.chain,
                                   w->policies,
                                   w->policy_count,
                                   own,
                                   wallet_now_ms()};
    randombytes_buf(salt, sizeof salt);
    return mr_plan(ret, ret_fee, &basis, &act->wish, salt);
}

static enum mr_status plan_and_check(struct wallet *w, struct out *out, struct mr_order *ret,
                                     int64_t *ret_fee, const struct act *act)
{
    enum mr_status st = plan(w, ret, ret_fee, act);
    if (st == MR_OUT_OF_RANGE) /* the fee is a line too */
        return out_fail(out, MR_USAGE, _("one order has at most %d payees: pay in several orders"),
                        MR_LINES_MAX - 1);
    if (st != MR_OK)
        return out_fail(out, st, _("%s; %s"), status_sentence(st), advice(st));
    *w->request = (struct mr_request_body){.kind = MR_REQ_CHECK};
    w->request->u.check = *ret;
    st = node_call(w);
    if (st == MR_OK)
        return MR_OK;
    const bool says = st == MR_FUNDS_SHORT || st == MR_LIMIT_PAYMENT || st == MR_LIMIT_DAY ||
                      st == MR_LIMIT_MONTH || st == MR_MINIMUM;
    return act_refuse(w, out, st, says ? w->reply->body.u.check.missing : 0, ret);
}

static enum mr_status ask(const struct wallet *w, const struct command *c, struct out *out,
                          const struct act *act, int64_t fee)
{
    char question[2 * DESCRIBE_MAX], amount[AMOUNT_PEOPLE_MAX];
    if (act->question == NULL)
        return MR_OK;
    const uint32_t unit = act->wish.body->kind == MR_KIND_PAY ? act->wish.body->u.pay.unit : 0;
    wallet_amount(amount, w, fee, unit);
    if (fee == 0)
        return term_confirm(c, out, act->question);
    if (act->wish.body->kind == MR_KIND_REDEEM)
        snprintf(question, sizeof question, _("%s The fee kept from it is %s."), act->question,
                 amount);
    else
        snprintf(question, sizeof question, _("%s A fee of %s comes on top."), act->question,
                 amount);
    return term_confirm(c, out, question);
}

/* Sign, and store durably before anything is sent. */
static enum mr_status sign_and_store(struct wallet *w, struct out *out, const struct act *act,
                                     const struct mr_order *order)
{
    w->note->kind = MR_BOOK_ORDER;
    struct mr_book_order *const note = &w->note->u.order;
    *note = (struct mr_book_order){.order.order = *order};
    mr_order_sign(&note->order, 0, &w->keys->signing);
    if (act->wish.memo != NULL) {
        const uint8_t *const own = order->body.kind == MR_KIND_SETKEYS
                                       ? order->body.u.setkeys.enc_key
                                       : w->keys->memo_public;
        note->memo_count = 1;
        if (memo_seal(&note->memo[0], order, act->wish.memo, act->wish.memo_len, own,
                      act->payee_key) != MR_OK)
            return out_fail(out, MR_BAD_KEY,
                            _("the payee's memo key is not usable: pay without --memo"));
    }
    return wallet_add(w, out);
}

static enum mr_status do_new(struct wallet *w, const struct command *c, struct out *out,
                             const struct act *act, uint64_t *ret_seq)
{
    struct mr_order order;
    int64_t fee, fee_again;
    enum mr_status st = witnessed_patience(w, out);
    if (st == MR_OK)
        st = plan_and_check(w, out, &order, &fee, act);
    const uint64_t asked_ms = wallet_now_ms();
    if (st == MR_OK)
        st = ask(w, c, out, act, fee);
    if (st == MR_OK && wallet_now_ms() - asked_ms > FRESH_MS) {
        st = plan_and_check(w, out, &order, &fee_again, act);
        if (st == MR_OK && fee_again != fee)
            st = out_fail(out, MR_FEE_MISMATCH,
                          _("the fee changed while you were asked: repeat the command"));
    }
    if (st == MR_OK)
        st = sign_and_store(w, out, act, &order);
    if (st != MR_OK)
        return st;
    *ret_seq = order.seq;
    return act_finish(w, c, out, order.seq);
}

/* --- what was done before --------------------------------------------------------------------- */

static enum mr_status refuse_other(const struct wallet *w, struct out *out,
                                   const struct mr_order *open, uint64_t seq)
{
    char what[DESCRIBE_MAX];
    act_describe(what, w, open);
    act_fields(out, w, seq, true);
    return out_fail(out, MR_ORDER_OPEN,
                    _("another order is still open: %s. \"mereau resume\" brings it to its end, "
                      "\"mereau cancel\" takes it back; then repeat"),
                    what);
}

/* MR_NOT_FOUND: this id was never used. */
static enum mr_status by_ref(struct wallet *w, const struct command *c, struct out *out,
                             const struct act *act, uint64_t *ret_seq, bool *ret_already)
{
    struct mr_signed_order o;
    char what[DESCRIBE_MAX];
    for (uint64_t seq = w->slot_count; seq >= 1; seq--) {
        const struct slot *const s = wallet_slot(w, seq);
        if (s->order == NULL)
            continue;
        wallet_order(&o, s);
        if (!mr_order_has_ref(&o.order, act->wish.ref, act->wish.ref_len))
            continue;
        *ret_seq = seq;
        *ret_already = s->closed;
        if (mr_order_is(&o.order, &act->wish))
            return act_finish(w, c, out, seq);
        act_describe(what, w, &o.order);
        act_fields(out, w, seq, true);
        return out_fail(out, MR_ID_REUSED,
                        _("this --id was used before for something else: %s; take a new id"), what);
    }
    return MR_NOT_FOUND;
}

static enum mr_status ask_repeat(const struct wallet *w, const struct command *c, struct out *out,
                                 const struct act *act)
{
    struct mr_signed_order o;
    char question[DESCRIBE_MAX];
    const uint64_t now = wallet_now_ms();
    if (act->again || act->wish.ref != NULL)
        return MR_OK;
    for (uint64_t seq = w->slot_count; seq >= 1; seq--) {
        const struct slot *const s = wallet_slot(w, seq);
        /* A clock that went back makes everything recent: ask once too often. */
        if (s->order == NULL || s->reported_ms == 0 ||
            (now >= s->reported_ms && now - s->reported_ms > REPEAT_MS))
            continue;
        wallet_order(&o, s);
        if (mr_outcome_of(&o.order, s->value) != MR_OUTCOME_SETTLED ||
            !mr_order_is(&o.order, &act->wish))
            continue;
        if (c->yes)
            return out_fail(out, MR_REPEATED,
                            _("exactly the same was paid less than a minute ago, and nothing was "
                              "paid now; if you mean it, add --again"));
        snprintf(question, sizeof question, "%s",
                 _("Exactly the same was paid less than a minute ago. Pay it once more?"));
        return term_confirm(c, out, question);
    }
    return MR_OK;
}

enum mr_status act_do(struct wallet *w, const struct command *c, struct out *out,
                      const struct act *act, uint64_t *ret_seq, bool *ret_already)
{
    struct mr_signed_order o;
    *ret_already = false;
    if (act->wish.ref != NULL) {
        const enum mr_status st = by_ref(w, c, out, act, ret_seq, ret_already);
        if (st != MR_NOT_FOUND)
            return st;
    }
    const uint64_t open = wallet_open_seq(w);
    if (open > 0) {
        wallet_order(&o, wallet_slot(w, open));
        *ret_seq = open;
        *ret_already = wallet_slot(w, open)->closed;
        if (act->wish.ref == NULL && mr_order_is(&o.order, &act->wish))
            return act_finish(w, c, out, open);
        return refuse_other(w, out, &o.order, open);
    }
    const enum mr_status st = ask_repeat(w, c, out, act);
    return st == MR_OK ? do_new(w, c, out, act, ret_seq) : st;
}
