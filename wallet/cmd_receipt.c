/* receipt show, save, verify: proof of what was settled, also for others and offline. */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/amount_text.h"
#include "common/ledger_words.h"
#include "common/save.h"
#include "common/term.h"
#include "common/witnesses.h"
#include "mereau/amount.h"
#include "mereau/codec.h"
#include "mereau/handover.h"
#include "mereau/id.h"
#include "mereau/mandate.h"
#include "mereau/order.h"
#include "mereau/receipt.h"
#include "mereau/text.h"
#include "wallet/act.h"
#include "wallet/commands.h"
#include "wallet/entry.h"
#include "wallet/linked.h"
#include "wallet/node.h"
#include "wallet/witnessed.h"

enum {
    RECEIPT_BYTES_MAX = MR_FRAME_MAX + MR_CHAIN_BYTES_MAX,
    HEX_MAX = 2 * MR_HASH_BYTES + 1,
    LINE_SHOWN_MAX = 20,
    WAIT_MS = 300,
    ROUNDS = 8 /* so many at the one node, then the others are asked once */
};

/* --- showing ---------------------------------------------------------------------------------- */

static void print_lines(struct out *out, const struct mr_charter *charter, const struct mr_pay *pay)
{
    for (uint32_t i = 0; i < pay->lines_count && i < LINE_SHOWN_MAX; i++) {
        char amount[AMOUNT_PEOPLE_MAX], address[MR_ADDRESS_TEXT_MAX];
        const struct mr_unit *const u = &charter->units[pay->unit];
        amount_text(amount, pay->lines[i].amount, u->decimals, u->code);
        mr_address_format(address, charter->prefix, pay->lines[i].payee);
        out_print(out,
                  pay->lines[i].what == MR_LINE_FEE ? _("  fee %s to %s\n") : _("  %s to %s\n"),
                  amount, address);
    }
    if (pay->lines_count > LINE_SHOWN_MAX)
        out_print(out, _("  and %u more\n"), pay->lines_count - LINE_SHOWN_MAX);
}

static void print_credits(struct out *out, const struct mr_charter *charter,
                          const struct mr_issue *issue)
{
    const struct mr_unit *const u = &charter->units[0];
    int64_t sum = 0;
    for (uint32_t i = 0; i < issue->lines_count; i++) {
        char amount[AMOUNT_PEOPLE_MAX], address[MR_ADDRESS_TEXT_MAX];
        if (!mr_amount_add(&sum, sum, issue->lines[i].amount))
            return; /* never of an order that settled */
        amount_text(amount, issue->lines[i].amount, u->decimals, u->code);
        mr_address_format(address, charter->prefix, issue->lines[i].member);
        if (i < LINE_SHOWN_MAX)
            out_print(out, _("  %s to %s\n"), amount, address);
    }
    if (issue->lines_count > LINE_SHOWN_MAX)
        out_print(out, _("  and %u more\n"), issue->lines_count - LINE_SHOWN_MAX);
    out_int(out, "amount_minor", sum);
}

static void print_order(struct out *out, const struct mr_charter *charter, const struct mr_order *o)
{
    out_text(out, "kind", mr_order_kind_text(o->body.kind));
    out_int(out, "time_ms", (int64_t)o->time_ms);
    out_print(out, _("Order: %s\n"), order_word(&o->body));
    if (o->body.kind == MR_KIND_PAY && o->body.u.pay.unit < charter->units_count) {
        out_int(out, "amount_minor", mr_order_amount(o));
        out_int(out, "fee_minor", mr_order_fee(o));
        out_text(out, "unit", charter->units[o->body.u.pay.unit].code);
        print_lines(out, charter, &o->body.u.pay);
    }
    if (o->body.kind == MR_KIND_ISSUE)
        print_credits(out, charter, &o->body.u.issue);
    if (o->body.kind == MR_KIND_REDEEM) {
        char amount[AMOUNT_PEOPLE_MAX];
        out_int(out, "amount_minor", mr_order_amount(o));
        out_int(out, "fee_minor", mr_order_fee(o));
        amount_text(amount, mr_order_amount(o), charter->units[0].decimals, charter->units[0].code);
        out_print(out, "  %s\n", amount);
    }
}

/* Whose nodes acknowledged it, in the epoch of the receipt. */
static void print_nodes(struct out *out, const struct mr_charter *then,
                        const struct mr_receipt_facts *f)
{
    json_t *const list = out->json ? json_array() : NULL;
    for (uint32_t i = 0; i < then->nodes_count; i++) {
        const struct mr_node *const n = &then->nodes[i];
        const struct mr_association *const a = node_association(then, n->association);
        if ((f->nodes >> n->number & 1) == 0)
            continue;
        if (list != NULL)
            json_array_append_new(list, json_pack("{s:i, s:s, s:s}", "number", (int)n->number,
                                                  "association", a != NULL ? a->alias : "", "name",
                                                  a != NULL ? a->name : ""));
        if (f->committee > 1)
            out_print(out, _("  acknowledged by node %u, of %s\n"), n->number,
                      a != NULL ? a->name : "?");
    }
    if (list != NULL)
        out_json(out, "nodes", list);
}

/* How many of the q nodes would have had to lie: two quorums share 2q - n. */
static void print_strength(struct out *out, const struct mr_receipt_facts *f, uint32_t trusted)
{
    const uint32_t liars = 2 * f->needed - f->committee;
    out_bool(out, "single_node", f->needed == 1);
    out_int(out, "liars_needed", liars);
    if (f->needed == 1 && trusted == 0)
        out_print(out, "%s\n",
                  _("This receipt comes from a single node, without a witness: it proves that this "
                    "node said so, and not that it says the same to everybody else."));
    else if (f->needed > 1)
        out_print(out,
                  ngettext("Another receipt can contradict it only if %u of these nodes lied; its "
                           "own log would convict it.\n",
                           "Another receipt can contradict it only if %u of these nodes lied; "
                           "their own logs would convict them.\n",
                           liars),
                  liars);
}

static void print_proofs(struct out *out, const struct mr_charter *charter,
                         const struct mr_chain *chain, const struct mr_receipt *r,
                         const struct mr_receipt_facts *f, struct witnesses *trusted)
{
    uint32_t by = 0;
    struct mr_charter *const then = malloc(sizeof *then);
    if (then != NULL && mr_charter_reach(then, charter, chain, r->handover, r->handover_count,
                                         r->proofs[0].head.epoch) == MR_OK) {
        print_nodes(out, then, f);
        trusted->charter = then->witnesses;
    }
    free(then);
    witnesses_show(trusted, out, r, &by);
    print_strength(out, f, by);
}

/* Whole JSON of the record, for other programs. */
static void add_record(struct out *out, const struct mr_receipt *r)
{
    const size_t n = mr_receipt_json(r, NULL, 0);
    char *const text = out->json ? malloc(n + 1) : NULL;
    if (text == NULL)
        return;
    mr_receipt_json(r, text, n + 1);
    out_json(out, "receipt", json_loadb(text, n, 0, NULL));
    free(text);
}

/* What became of a place. order: NULL when it was voided, or the order is not known. */
static void print_place(struct out *out, const struct mr_charter *charter,
                        const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq, bool voided,
                        const struct mr_order *order)
{
    char address[MR_ADDRESS_TEXT_MAX];
    mr_address_format(address, charter->prefix, account);
    out_text(out, "outcome", voided ? "VOIDED" : "SETTLED");
    out_text(out, "account", address);
    out_int(out, "seq", (int64_t)seq);
    out_print(out, _("Currency: %s\nAccount: %s, place %" PRIu64 "\n"), charter->name, address,
              seq);
    if (voided)
        out_print(out, _("This place was closed without effect: nothing was paid.\n"));
    else if (order != NULL)
        print_order(out, charter, order);
}

static void print_id(struct out *out, const uint8_t value[MR_HASH_BYTES])
{
    char hex[HEX_MAX];
    mr_hex_format(hex, value, MR_HASH_BYTES);
    out_text(out, "order", hex);
    out_print(out, _("Id: %s\n"), hex);
}

static void print_verified(struct out *out, const struct mr_charter *charter,
                           const struct mr_chain *chain, const struct mr_receipt *r,
                           const struct mr_receipt_facts *f, struct witnesses *trusted)
{
    out_int(out, "proofs", f->quorum);
    out_int(out, "witnesses", f->witnesses);
    out_print(out, _("Verified: %u of %u signed proofs.\n"), f->quorum, f->needed);
    print_proofs(out, charter, chain, r, f, trusted);
}

static void print_receipt(struct out *out, const struct mr_charter *charter,
                          const struct mr_chain *chain, const struct mr_receipt *r,
                          const struct mr_receipt_facts *f, struct witnesses *trusted)
{
    print_place(out, charter, r->account, r->seq, f->voided, f->voided ? NULL : &r->order[0].order);
    print_id(out, f->value);
    print_verified(out, charter, chain, r, f, trusted);
}

/* A place of the own chain that the receipt of a later one shows (WAL-20). */
static void print_shown(struct out *out, const struct wallet *w, uint64_t seq,
                        const struct mr_receipt *r, const struct mr_receipt_facts *f,
                        struct witnesses *trusted)
{
    struct mr_signed_order o;
    const struct mr_chain chain = epochs_chain(&w->epochs);
    const struct slot *const s = wallet_slot(w, seq);
    const bool known = !s->voided && wallet_settled_order(&o, s);
    print_place(out, w->charter, wallet_account(w), seq, s->voided, known ? &o.order : NULL);
    print_id(out, s->value);
    out_int(out, "shown_by", (int64_t)r->seq);
    out_print(out,
              _("Nobody has a receipt of this order any more. The order at place %" PRIu64
                " names what the places before it were closed with, and this is its receipt.\n"),
              r->seq);
    print_verified(out, w->charter, &chain, r, f, trusted);
}

/* --- finding ---------------------------------------------------------------------------------- */

static void want_slot(struct wallet *w, const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_SLOT};
    memcpy(w->request->u.slot.account, account, MR_ACCOUNT_BYTES);
    w->request->u.slot.seq = seq;
}

/* The receipt in a node's answer, `st` being its status. MR_OK, MR_BODY_ERASED where there is none,
 * or why there is no answer. */
static enum mr_status take_receipt(const struct wallet *w, enum mr_status st,
                                   struct mr_receipt *ret)
{
    const struct mr_rep_slot *const slot = &w->reply->body.u.slot;
    if (st != MR_SETTLED && st != MR_VOIDED)
        return st == MR_OK ? MR_UNSETTLED : st;
    if (slot->receipt_count == 0)
        return MR_BODY_ERASED;
    *ret = slot->receipt[0];
    return MR_OK;
}

/* The same of the present node, and whether it proves what it says: *ret_good. Forged ones are told
 * of. */
static enum mr_status judge(struct wallet *w, enum mr_status st, struct mr_receipt *ret,
                            bool *ret_good)
{
    struct mr_receipt_facts facts;
    st = take_receipt(w, st, ret);
    const enum mr_status says = st == MR_OK ? wallet_receipt(&facts, w, ret) : MR_OK;
    *ret_good = st == MR_OK && says == MR_OK;
    if (says != MR_OK)
        node_doubt(w, says);
    return st;
}

static bool is_settled(enum mr_status st)
{
    return st == MR_OK || st == MR_BODY_ERASED;
}

/* One node that joined later has no receipts of before, one of several may lie: another may have
 * what the first does not prove. MR_BODY_ERASED: it is settled, and none of them shows a receipt.
 * Not reported. */
static enum mr_status ask_around(struct wallet *w, struct mr_receipt *ret,
                                 const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq,
                                 uint64_t deadline_ms)
{
    bool good;
    want_slot(w, account, seq);
    enum mr_status st = judge(w, node_call_until(w, deadline_ms), ret, &good);
    struct node_round round = node_round(w, deadline_ms);
    while (!good && is_settled(st) && node_next(w, &round)) {
        want_slot(w, account, seq);
        judge(w, node_call_here(w), ret, &good);
        st = good ? MR_OK : st;
    }
    node_back(w, &round);
    return st;
}

static enum mr_status no_receipt(const struct wallet *w, struct out *out, enum mr_status st)
{
    if (st == MR_UNSETTLED || st == MR_PARKED || st == MR_NOT_FOUND || st == MR_VOTING ||
        st == MR_CERTIFIED)
        return out_fail(out, MR_NOT_FOUND,
                        _("nothing is settled at this place yet: there is no receipt"));
    if (st == MR_BODY_ERASED)
        return out_fail(
            out, st,
            _("it is settled, and none of the nodes shows a receipt of it: try again in "
              "a moment"));
    return node_fail(w, out, st);
}

/* What a receipt proves is for the caller to say. */
static enum mr_status fetch(struct wallet *w, struct out *out, struct mr_receipt *ret,
                            const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq)
{
    const uint64_t deadline_ms = wallet_clock_ms() + (uint64_t)w->timeout_ms;
    const enum mr_status st = ask_around(w, ret, account, seq, deadline_ms);
    return st == MR_OK ? MR_OK : no_receipt(w, out, st);
}

/* The receipt of a place of the own chain; else that of a later one, which shows it: its place is
 * in ret->seq. */
static enum mr_status fetch_own(struct wallet *w, struct out *out, struct mr_receipt *ret,
                                uint64_t seq)
{
    const uint64_t deadline_ms = wallet_clock_ms() + (uint64_t)w->timeout_ms;
    enum mr_status st = ask_around(w, ret, wallet_account(w), seq, deadline_ms);
    if (st != MR_BODY_ERASED)
        return st == MR_OK ? MR_OK : no_receipt(w, out, st);
    const struct slot *const s = wallet_slot(w, seq);
    struct linked *const shown = malloc(sizeof *shown);
    st = shown == NULL ? MR_NO_MEMORY : linked_find(shown, w, seq, deadline_ms);
    if (st == MR_OK && (s == NULL || memcmp(s->value, shown->value, sizeof s->value) != 0))
        st = MR_CHECK_FAILED;
    if (st == MR_OK)
        *ret = shown->receipt;
    free(shown);
    return st == MR_OK ? MR_OK : no_receipt(w, out, st == MR_NOT_FOUND ? MR_BODY_ERASED : st);
}

/* The entry whose order id begins with these digits. */
static enum mr_status by_id(struct wallet *w, const struct command *c, struct out *out,
                            uint8_t ret_account[MR_ACCOUNT_BYTES], uint64_t *ret_seq,
                            const char *digits)
{
    struct entries list = {0};
    uint64_t next;
    size_t found = 0;
    enum mr_status st = MR_OK;
    for (uint64_t seq = 1; st == MR_OK && seq < w->account->hot.chain.next_seq; seq++)
        st = entries_add_own(&list, w, seq);
    if (st == MR_OK)
        st = entries_fetch_credits(&list, w, c, out, 1, &next);
    for (size_t i = 0; st == MR_OK && i < list.count; i++) {
        char hex[HEX_MAX];
        const struct entry *const e = &list.list[i];
        mr_hex_format(hex, e->order, sizeof e->order);
        if (!e->has_order || strncmp(hex, digits, strlen(digits)) != 0)
            continue;
        found += found == 0 || *ret_seq != e->seq ||
                 memcmp(ret_account, e->account, MR_ACCOUNT_BYTES) != 0;
        memcpy(ret_account, e->account, MR_ACCOUNT_BYTES);
        *ret_seq = e->seq;
    }
    entries_free(&list);
    if (st != MR_OK)
        return st;
    if (found == 1)
        return MR_OK;
    return out_fail(out, MR_NOT_FOUND,
                    found == 0 ? _("no order of yours has this id; see \"mereau history --json\"")
                               : _("several orders begin with these digits: give more of them"));
}

/* WHICH: a place of the own chain ("3"), or the first digits of an order's id. */
static enum mr_status find(struct wallet *w, const struct command *c, struct out *out,
                           struct mr_receipt *ret, uint64_t *ret_seq, const char *which)
{
    uint8_t account[MR_ACCOUNT_BYTES];
    uint64_t seq = 0;
    int64_t number;
    const size_t len = strlen(which);
    enum mr_status st;
    memcpy(account, wallet_account(w), sizeof account);
    if (len < 8 && number_parse(&number, which, 1, 9999999) == MR_OK) {
        seq = (uint64_t)number;
    } else if (len < 6 || len > 64 || which[strspn(which, "0123456789abcdef")] != '\0') {
        return out_fail(out, MR_USAGE,
                        _("\"%s\" is neither a place of your chain (1, 2, 3 ...) nor the first "
                          "digits of an order's id"),
                        which);
    } else {
        st = by_id(w, c, out, account, &seq, which);
        if (st != MR_OK)
            return st;
    }
    *ret_seq = seq;
    if (memcmp(account, wallet_account(w), sizeof account) != 0)
        return fetch(w, out, ret, account, seq);
    const struct slot *const s = wallet_slot(w, seq);
    if (s != NULL && s->receipt != NULL)
        return mr_receipt_decode(ret, s->receipt, s->receipt_len);
    return fetch_own(w, out, ret, seq);
}

/* What the present node alone has. MR_OK: a receipt that proves this place. */
static enum mr_status fetch_here(struct wallet *w, struct mr_receipt *ret,
                                 const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq)
{
    struct mr_receipt_facts facts;
    want_slot(w, account, seq);
    const enum mr_status st = take_receipt(w, node_call_here(w), ret);
    return st == MR_OK ? node_proves(w, &facts, ret, account, seq) : st;
}

/* Witnesses may reach other nodes sooner. And a node that had just started did not acknowledge the
 * order: then its receipt stands on others' logs, which witnesses cosign there. */
static enum mr_status ask_others(struct wallet *w, struct mr_receipt *r,
                                 const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq,
                                 uint64_t deadline_ms)
{
    struct node_round round = node_round(w, deadline_ms);
    struct mr_receipt *const other = malloc(sizeof *other);
    if (other == NULL)
        return MR_NO_MEMORY;
    while (!witnessed_receipt(w, r) && node_next(w, &round))
        if (fetch_here(w, other, account, seq) == MR_OK && witnessed_receipt(w, other))
            *r = *other;
    free(other);
    node_back(w, &round);
    return MR_OK;
}

/* The wallet's own copy: the receipt of a place of its chain has cosignatures now. */
static enum mr_status keep(struct wallet *w, struct out *out, const struct mr_receipt *r)
{
    const struct slot *const s = wallet_slot(w, r->seq);
    if (memcmp(r->account, wallet_account(w), MR_ACCOUNT_BYTES) == 0 && s != NULL && s->closed) {
        const enum mr_status st = node_keep_result(w, out, r, r->seq, s->time_ms);
        if (st != MR_OK)
            return st;
    }
    return witnessed_collect(w, out);
}

/* Ask again until charter and owner have what they want, or time is up: it is settled in any case.
 */
static enum mr_status wait_for_witnesses(struct wallet *w, struct out *out, struct mr_receipt *r,
                                         struct mr_receipt_facts *facts, uint64_t deadline)
{
    const uint64_t seq = r->seq;
    uint8_t account[MR_ACCOUNT_BYTES];
    memcpy(account, r->account, sizeof account);
    for (unsigned round = 1; !witnessed_receipt(w, r); round++) {
        if (wallet_clock_ms() + 2 * WAIT_MS >= deadline)
            return out_fail(out, MR_NO_ANSWER,
                            _("settled, and not yet witnessed: the witnesses have not cosigned it "
                              "in this time. Repeat the same command, or ask them"));
        poll(NULL, 0, WAIT_MS);
        enum mr_status st = ask_around(w, r, account, seq, deadline);
        if (st == MR_NO_ANSWER || st == MR_UNREACHABLE)
            continue; /* what was held before stays, until time is up */
        if (st != MR_OK)
            return no_receipt(w, out, st);
        if (round % ROUNDS == 0 && ask_others(w, r, account, seq, deadline) != MR_OK)
            return out_fail(out, MR_NO_MEMORY, NULL);
        st = node_check_receipt(w, out, facts, r, account, seq);
        if (st != MR_OK)
            return st;
    }
    return keep(w, out, r);
}

/* *ret_seq: the place that was asked for; the receipt of a later one shows it if it is another. */
static enum mr_status find_checked(struct wallet **ret_w, struct command *c, struct out *out,
                                   struct mr_receipt *ret, uint64_t *ret_seq,
                                   struct mr_receipt_facts *ret_facts)
{
    enum mr_status st = wallet_open(ret_w, c, out);
    const uint64_t deadline = wallet_clock_ms() + (uint64_t)c->timeout_ms;
    if (st == MR_OK)
        st = node_sync(*ret_w, c, out);
    if (st == MR_OK)
        st = find(*ret_w, c, out, ret, ret_seq, c->args[0]);
    if (st == MR_OK)
        st = node_check_receipt(*ret_w, out, ret_facts, ret, ret->account, ret->seq);
    if (st == MR_OK && opt_flag(c, "wait"))
        st = wait_for_witnesses(*ret_w, out, ret, ret_facts, deadline);
    return st;
}

void cmd_receipt_show(struct command *c, struct out *out)
{
    struct wallet *w;
    struct witnesses trusted;
    struct mr_receipt_facts facts;
    uint64_t seq;
    struct mr_receipt *const r = calloc(1, sizeof *r);
    if (r == NULL) {
        out_fail(out, MR_NO_MEMORY, NULL);
    } else if (witnesses_read(&trusted, c, out) == MR_OK &&
               find_checked(&w, c, out, r, &seq, &facts) == MR_OK) {
        const struct mr_chain chain = epochs_chain(&w->epochs);
        trusted.owner = w->witnesses.own;
        if (seq != r->seq)
            print_shown(out, w, seq, r, &facts, &trusted);
        else
            print_receipt(out, w->charter, &chain, r, &facts, &trusted);
        add_record(out, r);
        witnesses_check(&trusted, out, r, false);
    }
    free(r);
}

static enum mr_status write_receipt(const struct command *c, struct out *out,
                                    const struct wallet *w, const struct mr_receipt *r)
{
    const enum mr_status st = epochs_write_receipt(&w->epochs, r, c->args[1], opt_flag(c, "force"));
    return st == MR_OK ? st : save_failed(out, st, c->args[1]);
}

static enum mr_status is_own_receipt(struct out *out, const struct mr_receipt *r, uint64_t seq)
{
    if (r->seq == seq)
        return MR_OK;
    out_int(out, "shown_by", (int64_t)r->seq);
    return out_fail(out, MR_NOT_FOUND,
                    _("nobody has a receipt of the order at place %" PRIu64
                      " any more. A later order shows that it settled: \"mereau receipt save "
                      "%" PRIu64 " FILE\" saves the receipt of that one"),
                    seq, r->seq);
}

void cmd_receipt_save(struct command *c, struct out *out)
{
    struct wallet *w;
    struct mr_receipt_facts facts;
    uint64_t seq;
    struct mr_receipt *const r = calloc(1, sizeof *r);
    if (r == NULL) {
        out_fail(out, MR_NO_MEMORY, NULL);
    } else if (find_checked(&w, c, out, r, &seq, &facts) == MR_OK &&
               is_own_receipt(out, r, seq) == MR_OK && write_receipt(c, out, w, r) == MR_OK) {
        out_text(out, "file", c->args[1]);
        out_print(out,
                  _("saved: %s. Anyone who has the charter can check it with \"mereau receipt "
                    "verify %s --charter FILE\"\n"),
                  c->args[1], c->args[1]);
        if (!witnessed_receipt(w, r))
            out_warn(
                out, "witness", "the receipt is not witnessed yet and will not verify",
                _("the receipt is not witnessed yet: whoever checks it will refuse it. Save it "
                  "with --wait, or again in a few seconds with --force"));
    }
    free(r);
}

/* --- verifying offline ------------------------------------------------------------------------ */

static enum mr_status read_charter(const struct command *c, struct out *out, struct mr_charter *ret)
{
    char dir[FILE_PATH_MAX], path[FILE_PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    const char *given = opt_text(c, "charter"), *what;
    enum mr_status st = MR_OK;
    if (given == NULL) {
        st = wallet_dir(dir, c, out);
        if (st != MR_OK)
            return st;
        st = path_join(path, dir, "charter.mrc");
        given = path;
    }
    if (st == MR_OK)
        st = file_read(&bytes, &len, given, RECEIPT_BYTES_MAX);
    if (st == MR_NO_SUCH_FILE)
        return out_fail(out, MR_NOT_FOUND,
                        _("there is no charter at %s: give the ledger's with --charter FILE"),
                        given);
    if (st != MR_OK)
        return out_fail(out, st, "%s: %s", given, status_sentence(st));
    st = mr_charter_decode(ret, bytes, len);
    free(bytes);
    if (st != MR_OK || mr_charter_check(ret, &what) != MR_OK)
        return out_fail(out, MR_CHECK_FAILED, _("%s is damaged, or no charter"), given);
    return MR_OK;
}

/* *ret_chain points into *ret_bytes, which is the caller's to free in any case. */
static enum mr_status read_receipt(struct out *out, struct mr_receipt *ret,
                                   struct mr_chain *ret_chain, uint8_t **ret_bytes,
                                   const char *path)
{
    size_t len = 0;
    enum mr_status st = file_read(ret_bytes, &len, path, RECEIPT_BYTES_MAX);
    if (st == MR_NO_SUCH_FILE)
        return out_fail(out, MR_NOT_FOUND, _("there is no file %s"), path);
    if (st != MR_OK)
        return out_fail(out, st, "%s: %s", path, status_sentence(st));
    st = mr_receipt_read(ret, ret_chain, *ret_bytes, len);
    return st == MR_OK ? MR_OK
                       : out_fail(out, MR_BAD_RECEIPT, _("%s is damaged, or no receipt"), path);
}

/* What an ISSUE of several payees commits to: the ids of all their mandates, one a line, in a file
 * that "municipal slip" puts beside the receipt. */
struct cited {
    uint8_t ids[MR_LINES_MAX][MR_HASH_BYTES];
    size_t count;
};

static enum mr_status read_cited(struct cited *ret, struct out *out, const char *receipt)
{
    enum { DIGITS = 2 * MR_HASH_BYTES };
    char path[FILE_PATH_MAX], *text = NULL;
    const char *const dot = strrchr(receipt, '.');
    const size_t stem =
        dot != NULL && strchr(dot, '/') == NULL ? (size_t)(dot - receipt) : strlen(receipt);
    snprintf(path, sizeof path, "%.*s.mandates", (int)(stem < 4000 ? stem : 4000), receipt);
    const enum mr_status st = file_read_text(&text, path, sizeof ret->ids * 3);
    if (st != MR_OK)
        return out_fail(out, st == MR_NO_SUCH_FILE ? MR_NOT_FOUND : st,
                        _("the order credits several payees: the ids of all their mandates, which "
                          "came with the receipt, have to lie beside it in %s"),
                        path);
    bool good = true;
    ret->count = 0;
    for (char *at = text; good && *at != '\0'; ret->count++) {
        const size_t n = strcspn(at, "\r\n");
        char *const end = at + n;
        char *const next = end + strspn(end, "\r\n");
        *end = '\0';
        good = n == DIGITS && ret->count < MR_LINES_MAX &&
               mr_hex_parse(ret->ids[ret->count], MR_HASH_BYTES, at) == MR_OK;
        at = next;
    }
    free(text);
    return good ? MR_OK
                : out_fail(out, MR_CHECK_FAILED, _("%s does not hold the ids of mandates"), path);
}

static bool is_cited(const struct mr_order *o, const struct mr_mandate *m, const struct cited *all,
                     const char *order)
{
    uint8_t id[MR_HASH_BYTES], ref[MR_HASH_BYTES];
    const struct mr_issue *const issue = &o->body.u.issue;
    if (o->body.kind != MR_KIND_ISSUE || all->count == 0 || all->count != issue->lines_count)
        return false;
    mr_mandate_id(id, m);
    mr_conversion_ref(ref, o->salt, all->ids[0], all->count, order);
    if (memcmp(o->ref, ref, sizeof ref) != 0)
        return false;
    for (size_t i = 0; i < all->count; i++)
        if (memcmp(all->ids[i], id, sizeof id) == 0 &&
            memcmp(issue->lines[i].member, m->payee, MR_ACCOUNT_BYTES) == 0)
            return true;
    return false;
}

/* A mandate's text, or a file with it, as mereau mandate give makes both. */
static enum mr_status read_mandate(struct out *out, struct mr_signed_mandate *ret,
                                   const char *given)
{
    char *text = NULL;
    enum mr_status st = mr_mandate_parse(ret, NULL, given);
    if (st != MR_OK && file_read_text(&text, given, (size_t)2 * MR_MANDATE_TEXT_MAX) == MR_OK)
        st = mr_mandate_parse(ret, NULL, text);
    free(text);
    return st == MR_OK
               ? st
               : out_fail(out, MR_BAD_CHECKSUM,
                          _("\"%.60s\" is neither a mandate of \"mereau mandate give\" nor a "
                            "file with one: is it complete?"),
                          given);
}

/* MUN-3: whether the order is that of this mandate and payment order. The signature of the mandate
 * is another matter: the payee's keys stand in the ledger, not in the receipt. */
static enum mr_status check_cited(const struct command *c, struct out *out,
                                  const struct mr_receipt *r)
{
    struct mr_signed_mandate m;
    char order[MR_NAME_MAX + 1];
    const char *const mandate = opt_text(c, "mandate"), *const typed = opt_text(c, "payment-order");
    if (mandate == NULL && typed == NULL)
        return MR_OK;
    if (mandate == NULL || typed == NULL)
        return out_fail(out, MR_USAGE, _("--mandate and --payment-order go together"));
    enum mr_status st = read_mandate(out, &m, mandate);
    if (st != MR_OK)
        return st;
    if (mr_reference_normalise(order, sizeof order, typed) != MR_OK)
        return out_fail(out, MR_USAGE,
                        _("the payment order \"%.60s\" has no letter or digit, or is "
                          "too long"),
                        typed);
    struct cited *const all = calloc(1, sizeof *all);
    if (all == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    const struct mr_order *const o = r->order_count > 0 ? &r->order[0].order : NULL;
    const bool several =
        o != NULL && o->body.kind == MR_KIND_ISSUE && o->body.u.issue.lines_count > 1;
    all->count = 1;
    mr_mandate_id(all->ids[0], &m.mandate);
    if (several)
        st = read_cited(all, out, c->args[0]);
    const bool cites = st == MR_OK && o != NULL && is_cited(o, &m.mandate, all, order);
    free(all);
    if (st != MR_OK)
        return st;
    out_bool(out, "cited", cites);
    if (!cites)
        return out_fail(out, MR_CHECK_FAILED,
                        _("the order does not cite this mandate and payment order"));
    out_print(out, _("The order credits the payee of this mandate, for payment order \"%s\".\n"),
              typed);
    return MR_OK;
}

static void print_checked(const struct command *c, struct out *out,
                          const struct mr_charter *charter, const struct mr_chain *chain,
                          const struct mr_receipt *r, const struct mr_receipt_facts *facts,
                          struct witnesses *trusted)
{
    print_receipt(out, charter, chain, r, facts, trusted);
    if (witnesses_check(trusted, out, r, true) == MR_OK)
        check_cited(c, out, r);
}

void cmd_receipt_verify(struct command *c, struct out *out)
{
    struct witnesses trusted;
    struct mr_receipt_facts facts;
    char ledger[HEX_MAX];
    uint8_t id[MR_HASH_BYTES], *bytes = NULL;
    struct mr_chain chain;
    struct mr_charter *const charter = malloc(sizeof *charter);
    struct mr_receipt *const r = calloc(1, sizeof *r);
    if (charter == NULL || r == NULL) {
        out_fail(out, MR_NO_MEMORY, NULL);
    } else if (witnesses_read(&trusted, c, out) == MR_OK &&
               read_charter(c, out, charter) == MR_OK &&
               read_receipt(out, r, &chain, &bytes, c->args[0]) == MR_OK) {
        const enum mr_status st = mr_receipt_verify(&facts, charter, &chain, r);
        mr_ledger_id(id, charter);
        mr_hex_format(ledger, id, sizeof id);
        out_text(out, "ledger", ledger);
        if (st == MR_WRONG_LEDGER)
            out_fail(out, MR_BAD_RECEIPT, _("%s belongs to another ledger than this charter"),
                     c->args[0]);
        else if (st != MR_OK)
            out_fail(out, exit_code_of(st) == EXIT_CHECK ? st : MR_BAD_RECEIPT,
                     _("%s proves nothing: %s. Do not accept it"), c->args[0], status_sentence(st));
        else
            print_checked(c, out, charter, &chain, r, &facts, &trusted);
    }
    free(bytes);
    free(charter);
    free(r);
}
