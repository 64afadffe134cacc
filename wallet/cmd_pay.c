/* pay, redeem, resume, cancel, close: what moves money or ends an order. */
#include <stdlib.h>
#include <string.h>

#include "common/amount_text.h"
#include "common/term.h"
#include "mereau/id.h"
#include "mereau/text.h"
#include "wallet/act.h"
#include "wallet/commands.h"
#include "wallet/node.h"
#include "wallet/payee.h"
#include "wallet/unit.h"
#include "wallet/witnessed.h"

enum { FILE_BYTES_MAX = 65536 };

/* A payment as it is put together from the command line. */
struct payment {
    struct mr_order_body body;
    struct payee first;
    char memo[MR_MEMO_MAX + 1];
    bool has_memo;
};

static enum mr_status begin(struct wallet **ret, struct command *c, struct out *out)
{
    const enum mr_status st = wallet_open(ret, c, out);
    return st == MR_OK ? node_sync_to_sign(*ret, c, out) : st;
}

static enum mr_status add_line(struct wallet *w, struct out *out, struct payment *p,
                               const struct payee *payee, int64_t amount)
{
    struct mr_pay *const pay = &p->body.u.pay;
    for (uint32_t i = 0; i < pay->lines_count; i++)
        if (memcmp(pay->lines[i].payee, payee->account, MR_ACCOUNT_BYTES) == 0)
            return act_refuse(w, out, MR_PAYEE_TWICE, 0, &(struct mr_order){.body = p->body});
    if (pay->lines_count == MR_LINES_MAX)
        return out_fail(out, MR_USAGE, _("one order has at most %d payees: pay in several orders"),
                        MR_LINES_MAX);
    if (pay->lines_count == 0)
        p->first = *payee;
    struct mr_pay_line *const line = &pay->lines[pay->lines_count++];
    *line = (struct mr_pay_line){.amount = amount, .what = MR_LINE_PAYMENT};
    memcpy(line->payee, payee->account, sizeof line->payee);
    return MR_OK;
}

static enum mr_status add_pair(struct wallet *w, struct out *out, struct payment *p,
                               const char *who, const char *amount_typed)
{
    struct payee payee;
    int64_t amount;
    enum mr_status st = unit_amount(w, out, &amount, amount_typed, p->body.u.pay.unit);
    if (st == MR_OK)
        st = payee_find(w, out, &payee, who);
    return st == MR_OK ? add_line(w, out, p, &payee, amount) : st;
}

/* --- payment requests ------------------------------------------------------------------------- */

static enum mr_status bad_request(const struct wallet *w, struct out *out, enum mr_status st,
                                  size_t wrong)
{
    if (st == MR_WRONG_PREFIX)
        return out_fail(out, st,
                        _("this is a payment request of another currency; here one begins "
                          "with \"mereau-pay:%spay1\""),
                        w->charter->prefix);
    if (wrong != SIZE_MAX) {
        out_int(out, "wrong_character", (int64_t)wrong + 1);
        return out_fail(out, MR_BAD_CHECKSUM,
                        _("character %zu of the payment request is wrong: copy or scan it again"),
                        wrong + 1);
    }
    return out_fail(out, st == MR_BAD_TEXT ? MR_BAD_CHECKSUM : st,
                    _("the payment request is not complete or mistyped: copy or scan it again"));
}

static enum mr_status add_request(struct wallet *w, const struct command *c, struct out *out,
                                  struct payment *p)
{
    struct mr_pay_request r;
    struct payee payee;
    size_t wrong = SIZE_MAX;
    int64_t amount = 0;
    enum mr_status st = mr_pay_request_parse(&r, &wrong, w->charter->prefix, c->args[0]);
    if (st != MR_OK)
        return bad_request(w, out, st, wrong);
    if (memcmp(r.ledger, w->keys->stored.sheet.link.ledger, sizeof r.ledger) != 0)
        return out_fail(out, MR_WRONG_LEDGER,
                        _("this payment request belongs to another ledger of the same name"));
    if (r.unit >= w->charter->units_count)
        return act_refuse(w, out, MR_UNIT_UNKNOWN, 0, &(struct mr_order){.body = p->body});
    p->body.u.pay.unit = r.unit;
    if (c->arg_count > 2)
        return out_fail(out, MR_USAGE, _("a payment request is paid by itself"));
    if (c->arg_count == 2)
        st = unit_amount(w, out, &amount, c->args[1], r.unit);
    else if (r.amount == 0)
        st = out_fail(out, MR_USAGE, _("the request leaves the amount to you: add it"));
    if (st == MR_OK && c->arg_count == 2 && r.amount != 0 && amount != r.amount)
        st =
            out_fail(out, MR_USAGE, _("the request asks for another amount: leave the amount out"));
    if (st == MR_OK)
        st = payee_at(w, out, &payee, r.payee, NULL);
    if (st == MR_OK && r.memo_len > 0) {
        memcpy(p->memo, r.memo, r.memo_len + 1);
        p->has_memo = true;
    }
    return st == MR_OK ? add_line(w, out, p, &payee, r.amount != 0 ? r.amount : amount) : st;
}

/* --- payees from a file ----------------------------------------------------------------------- */

/* Cut "WHO;AMOUNT" at its first separator; NULL when there is none. */
static char *cut_amount(char *line)
{
    char *const at = strpbrk(line, ";,\t");
    if (at == NULL)
        return NULL;
    *at = '\0';
    char *amount = at + 1 + strspn(at + 1, " \"");
    amount[strcspn(amount, "\"")] = '\0';
    return amount;
}

static enum mr_status add_file(struct wallet *w, struct out *out, struct payment *p,
                               const char *path)
{
    uint8_t *bytes = NULL;
    size_t len, number = 0;
    char *rest = NULL;
    enum mr_status st = file_read(&bytes, &len, path, FILE_BYTES_MAX);
    if (st != MR_OK)
        return out_fail(out, st, "%s: %s", path, status_sentence(st));
    for (char *line = strtok_r((char *)bytes, "\r\n", &rest); line != NULL && st == MR_OK;
         line = strtok_r(NULL, "\r\n", &rest)) {
        number++;
        if (line[0] == '#')
            continue;
        char *const amount = cut_amount(line);
        if (amount == NULL)
            st = out_fail(out, MR_USAGE, _("%s, line %zu: write WHO;AMOUNT"), path, number);
        else if ((st = add_pair(w, out, p, line, amount)) != MR_OK)
            out_note(out, _("(%s, line %zu; nothing was paid)"), path, number);
    }
    free(bytes);
    if (st == MR_OK && p->body.u.pay.lines_count == 0)
        st = out_fail(out, MR_USAGE, _("%s holds no payee"), path);
    return st;
}

/* --- pay -------------------------------------------------------------------------------------- */

static enum mr_status read_arguments(const struct command *c, struct out *out)
{
    const char *const memo = opt_text(c, "memo"), *const id = opt_text(c, "id");
    if (memo != NULL && (strlen(memo) > MR_MEMO_MAX || memo[0] == '\0'))
        return out_fail(out, MR_USAGE, _("a memo has 1 to %d bytes"), MR_MEMO_MAX);
    if (id != NULL && id[0] == '\0')
        return out_fail(out, MR_USAGE, _("an empty --id names nothing"));
    const bool from_file = opt_flag(c, "file");
    if (from_file != (c->arg_count == 0))
        return out_fail(out, MR_USAGE,
                        from_file ? _("give payees or --file, not both")
                                  : _("whom, and how much? mereau pay WHO AMOUNT"));
    if (c->arg_count % 2 != 0 && !mr_is_pay_request(c->args[0]))
        return out_fail(out, MR_USAGE, _("give an amount behind each payee"));
    return MR_OK;
}

static enum mr_status collect(struct wallet *w, const struct command *c, struct out *out,
                              struct payment *p)
{
    const char *const memo = opt_text(c, "memo");
    p->body.kind = MR_KIND_PAY;
    enum mr_status st = unit_option(w, c, out, &p->body.u.pay.unit);
    if (st == MR_OK && opt_text(c, "file") != NULL)
        st = add_file(w, out, p, opt_text(c, "file"));
    else if (st == MR_OK && mr_is_pay_request(c->args[0]))
        st = add_request(w, c, out, p);
    else
        for (size_t i = 0; st == MR_OK && i + 1 < c->arg_count; i += 2)
            st = add_pair(w, out, p, c->args[i], c->args[i + 1]);
    if (st == MR_OK && memo != NULL) {
        if (p->has_memo && strcmp(p->memo, memo) != 0)
            out_note(out, _("note: your memo stands in place of the one of the request"));
        memcpy(p->memo, memo, strlen(memo) + 1);
        p->has_memo = true;
    }
    return st;
}

static void print_paid(struct out *out, const struct wallet *w, uint64_t seq, bool already)
{
    struct mr_signed_order o;
    char what[DESCRIBE_MAX], fee[AMOUNT_PEOPLE_MAX];
    wallet_order(&o, wallet_slot(w, seq));
    act_describe(what, w, &o.order);
    act_fields(out, w, seq, already);
    out_status(out, MR_SETTLED);
    const int64_t minor = mr_order_fee(&o.order);
    if (o.order.body.kind == MR_KIND_PAY)
        out_print(out, already ? _("paid before: %s\n") : _("paid: %s\n"), what);
    else
        out_print(out, already ? _("done before: %s\n") : _("done: %s\n"), what);
    if (minor > 0) {
        wallet_amount(fee, w, minor,
                      o.order.body.kind == MR_KIND_PAY ? o.order.body.u.pay.unit : 0);
        out_print(out, _("fee: %s\n"), fee);
    }
    out_print(out, _("receipt: mereau receipt show %llu\n"), (unsigned long long)seq);
    witnessed_result(w, out, seq);
}

/* What a person reads before saying yes. */
static void question_for(char *ret, size_t cap, const struct wallet *w, const struct payment *p)
{
    char amount[AMOUNT_PEOPLE_MAX];
    const struct mr_order order = {.body = p->body};
    wallet_amount(amount, w, mr_order_amount(&order), p->body.u.pay.unit);
    if (p->body.u.pay.lines_count == 1)
        snprintf(ret, cap, _("Pay %s to %s?"), amount, p->first.shown);
    else
        snprintf(ret, cap, _("Pay %s in all to %u payees, the first of them %s?"), amount,
                 p->body.u.pay.lines_count, p->first.shown);
}

void cmd_pay(struct command *c, struct out *out)
{
    struct wallet *w;
    struct payment p = {0};
    char question[2 * DESCRIBE_MAX];
    uint64_t seq = 0;
    bool already = false;
    if (read_arguments(c, out) != MR_OK || begin(&w, c, out) != MR_OK ||
        collect(w, c, out, &p) != MR_OK)
        return;
    question_for(question, sizeof question, w, &p);
    struct act act = {.wish.body = &p.body,
                      .payee_key = p.first.memo_key,
                      .question = question,
                      .again = opt_flag(c, "again")};
    if (p.has_memo) {
        act.wish.memo = p.memo;
        act.wish.memo_len = strlen(p.memo);
    }
    if (opt_text(c, "id") != NULL) {
        act.wish.ref = opt_text(c, "id");
        act.wish.ref_len = strlen(act.wish.ref);
    }
    const enum mr_status st = act_do(w, c, out, &act, &seq, &already);
    if (st == MR_OK)
        print_paid(out, w, seq, already);
    else if (seq > 0 && st != MR_ORDER_OPEN && st != MR_ID_REUSED)
        act_fields(out, w, seq, already);
}

/* --- redeem ----------------------------------------------------------------------------------- */

/* Who shall pay the euros: the home association, or another one of the charter. */
static enum mr_status find_payer(const struct wallet *w, struct command *c, struct out *out,
                                 const struct mr_association **ret)
{
    const char *const at = opt_text(c, "at");
    *ret = at != NULL ? node_association_called(wallet_present(w), at)
                      : node_association(wallet_present(w), w->account->account.association);
    if (*ret != NULL)
        return MR_OK;
    return out_fail(out, MR_NOT_FOUND, _("no association has the short name \"%s\""),
                    at != NULL ? at : "?");
}

void cmd_redeem(struct command *c, struct out *out)
{
    struct wallet *w;
    struct mr_order_body body = {.kind = MR_KIND_REDEEM};
    const struct mr_association *payer = NULL;
    char question[DESCRIBE_MAX], amount[AMOUNT_PEOPLE_MAX];
    uint64_t seq = 0;
    bool already = false;
    if (begin(&w, c, out) != MR_OK ||
        unit_amount(w, out, &body.u.redeem.amount, c->args[0], 0) != MR_OK ||
        find_payer(w, c, out, &payer) != MR_OK)
        return;
    memcpy(body.u.redeem.association, payer->id, MR_ACCOUNT_BYTES);
    wallet_amount(amount, w, body.u.redeem.amount, 0);
    if (opt_text(c, "at") == NULL)
        snprintf(question, sizeof question, _("Give %s back to your association for euros?"),
                 amount);
    else
        snprintf(question, sizeof question, _("Give %s back to %s for euros?"), amount,
                 payer->name);
    struct act act = {.wish.body = &body, .question = question, .again = opt_flag(c, "again")};
    if (opt_text(c, "id") != NULL) {
        act.wish.ref = opt_text(c, "id");
        act.wish.ref_len = strlen(act.wish.ref);
    }
    const enum mr_status st = act_do(w, c, out, &act, &seq, &already);
    if (st == MR_OK) {
        print_paid(out, w, seq, already);
        out_text(out, "association", payer->alias);
        if (opt_text(c, "at") == NULL)
            out_print(out, _("Your association will transfer the euros to your bank account.\n"));
        else
            out_print(out, _("%s will transfer the euros to your bank account.\n"), payer->name);
    } else if (seq > 0 && st != MR_ORDER_OPEN && st != MR_ID_REUSED) {
        act_fields(out, w, seq, already);
    }
}

/* --- resume and cancel ------------------------------------------------------------------------ */

static enum mr_status open_order(struct wallet **ret_w, uint64_t *ret_seq, struct command *c,
                                 struct out *out)
{
    const enum mr_status st = begin(ret_w, c, out);
    if (st != MR_OK)
        return st;
    *ret_seq = wallet_open_seq(*ret_w);
    if (*ret_seq > 0)
        return MR_OK;
    return out_fail(out, MR_NOTHING_TO_CANCEL, _("no order is open: there is nothing to do"));
}

void cmd_resume(struct command *c, struct out *out)
{
    struct wallet *w;
    uint64_t seq;
    if (open_order(&w, &seq, c, out) != MR_OK)
        return;
    const bool already = wallet_slot(w, seq)->closed;
    if (act_finish(w, c, out, seq) == MR_OK)
        print_paid(out, w, seq, already);
    else
        act_fields(out, w, seq, already);
}

void cmd_cancel(struct command *c, struct out *out)
{
    struct wallet *w;
    uint64_t seq;
    struct mr_signed_order o;
    char what[DESCRIBE_MAX];
    if (open_order(&w, &seq, c, out) != MR_OK)
        return;
    wallet_order(&o, wallet_slot(w, seq));
    act_describe(what, w, &o.order);
    const enum mr_status st = act_cancel(w, c, out, seq);
    act_fields(out, w, seq, false);
    if (st != MR_OK)
        return;
    out_text(out, "outcome", "VOIDED");
    out_print(out, _("cancelled: %s. Nothing was paid.\n"), what);
}

/* --- close ------------------------------------------------------------------------------------ */

static enum mr_status refuse_balance(const struct wallet *w, const struct command *c,
                                     struct out *out)
{
    const struct mr_state_chain *const chain = &w->account->hot.chain;
    char amount[AMOUNT_PEOPLE_MAX];
    for (uint32_t i = 0; i < chain->balances_count; i++) {
        if (chain->balances[i].minor == 0 || opt_flag(c, "give-up-balance"))
            continue;
        wallet_amount(amount, w, chain->balances[i].minor, i);
        return out_fail(out, MR_NOT_CLOSED,
                        _("%s is still on the account: pay it to somebody first, or leave it to "
                          "the association with --give-up-balance"),
                        amount);
    }
    return MR_OK;
}

void cmd_close(struct command *c, struct out *out)
{
    struct wallet *w;
    const struct mr_order_body body = {.kind = MR_KIND_CLOSE};
    uint64_t seq = 0;
    bool already = false;
    if (begin(&w, c, out) != MR_OK || refuse_balance(w, c, out) != MR_OK)
        return;
    const struct act act = {.wish.body = &body,
                            .question =
                                _("Close this account for good? It can never be opened again.")};
    if (act_do(w, c, out, &act, &seq, &already) != MR_OK)
        return;
    act_fields(out, w, seq, already);
    out_status(out, MR_SETTLED);
    out_print(out,
              _("The account is closed. Keep the wallet if you want to look at its history.\n"));
}
