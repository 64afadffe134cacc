/* regie slip: what the account of a municipality collected and converted in a period, with the
 * receipt of each line, for the municipality's accountant (MUN-7). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/amount_text.h"
#include "common/day.h"
#include "common/line_proof.h"
#include "common/paper.h"
#include "common/term.h"
#include "mereau/amount.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "wallet/commands.h"
#include "wallet/entry.h"
#include "wallet/node.h"

enum { HEX_MAX = 2 * MR_HASH_BYTES + 1, TIME_MAX = 24, SHORT_ID = 16, TRIES = 4, COLUMNS = 8 };

struct slip {
    struct wallet *w;
    const struct command *c;
    struct out *out;
    struct period period;
    struct entries all;
    struct line_proof *proofs; /* of all.list; only lines of the period have one */
    int64_t opening, closing, collected, converted, fees, other;
    size_t collected_count, converted_count, unproved, unwitnessed;
    struct mr_receipt *receipt;
    char name[MR_NAME_MAX + 1]; /* as it is listed; "": it is not */
};

/* --- figures -----------------------------------------------------------------------------------
 */

static bool is_collection(const struct entry *e)
{
    return e->unit == 0 && e->amount > 0 && strcmp(e->kind, "pay") == 0;
}

static bool is_conversion(const struct entry *e)
{
    return strcmp(e->kind, "redeem") == 0;
}

/* What a line did to the balance; the fee is not in the amount. */
static int64_t effect_of(const struct entry *e)
{
    return e->unit == 0 ? e->amount - e->fee : 0;
}

static bool is_shown(const struct slip *s, const struct entry *e)
{
    return period_has(&s->period, e->time_ms) && e->unit == 0 && (e->amount != 0 || e->fee != 0);
}

/* What was erased can neither be listed nor left out of a balance that is worked out behind it. */
static size_t erased(const struct slip *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->all.count; i++)
        count +=
            s->all.list[i].time_ms >= s->period.begin && strcmp(s->all.list[i].kind, "erased") == 0;
    return count;
}

/* Backwards from what the node says is there: what was erased long ago is not missed. */
static void sum_up(struct slip *s)
{
    int64_t balance = s->w->account->hot.chain.balances[0].minor;
    for (size_t i = s->all.count; i > 0; i--) {
        const struct entry *const e = &s->all.list[i - 1];
        if (e->time_ms >= s->period.end)
            balance -= effect_of(e);
    }
    s->closing = s->opening = balance;
    for (size_t i = 0; i < s->all.count; i++) {
        const struct entry *const e = &s->all.list[i];
        if (!is_shown(s, e))
            continue;
        s->opening -= effect_of(e);
        if (is_collection(e)) {
            s->collected += e->amount;
            s->collected_count++;
        } else if (is_conversion(e)) {
            s->converted -= effect_of(e);
            s->fees += e->fee;
            s->converted_count++;
        } else {
            s->other += effect_of(e);
        }
    }
}

/* The node may say anything: what no ledger holds is not added up. */
static bool can_be_added(const struct slip *s)
{
    int64_t turned = 0;
    for (size_t i = 0; i < s->all.count && turned <= MR_AMOUNT_MAX; i++) {
        const struct entry *const e = &s->all.list[i];
        turned += (e->amount < 0 ? -e->amount : e->amount) + (e->fee < 0 ? -e->fee : e->fee);
    }
    return turned <= MR_AMOUNT_MAX;
}

/* The lines make the balance, unless some were erased. */
static enum mr_status agree(const struct slip *s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->all.count; i++) {
        if (strcmp(s->all.list[i].kind, "erased") == 0)
            return MR_OK;
        sum += effect_of(&s->all.list[i]);
    }
    return sum == s->w->account->hot.chain.balances[0].minor ? MR_OK : MR_CHECK_FAILED;
}

/* All lines up to one state of the account. */
static enum mr_status gather_once(struct slip *s)
{
    uint64_t next = 0;
    enum mr_status st = MR_OK;
    entries_free(&s->all);
    const uint64_t next_seq = s->w->account->hot.chain.next_seq;
    const uint64_t credits = s->w->account->hot.credits;
    for (uint64_t seq = 1; st == MR_OK && seq < next_seq; seq++)
        if ((st = entries_add_own(&s->all, s->w, seq)) != MR_OK)
            return out_fail(s->out, st, NULL);
    if (st == MR_OK)
        st = entries_fetch_credits(&s->all, s->w, s->c, s->out, 1, &next);
    return st == MR_OK && next != credits + 1 ? MR_BUSY : st;
}

static enum mr_status gather(struct slip *s)
{
    enum mr_status st = gather_once(s);
    /* Something arrived while the list was read: read it with the balance of now. */
    for (unsigned i = 1; st == MR_BUSY && i < TRIES; i++) {
        st = node_sync(s->w, s->c, s->out);
        if (st == MR_OK)
            st = gather_once(s);
    }
    if (st == MR_BUSY)
        return out_fail(s->out, st, _("payments arrive faster than they can be listed: repeat"));
    if (st != MR_OK)
        return st;
    entries_sort(&s->all);
    if (!can_be_added(s) || agree(s) != MR_OK)
        return out_fail(s->out, MR_CHECK_FAILED,
                        _("the lines that the node gives do not make the balance that it says: do "
                          "not use this node's figures"));
    if (erased(s) > 0)
        return out_fail(s->out, MR_BODY_ERASED,
                        _("the content of %zu orders of these days or later was erased after its "
                          "retention time: no slip can be made of them"),
                        erased(s));
    sum_up(s);
    return MR_OK;
}

/* Who the account says in public that it is. */
static enum mr_status read_name(struct slip *s)
{
    struct wallet *const w = s->w;
    const enum mr_status st = node_lookup(w, wallet_account(w));
    if (st != MR_OK)
        return node_fail(w, s->out, st);
    const struct mr_rep_lookup *const found = &w->reply->body.u.lookup;
    if (found->listing_count > 0 && found->listing[0].listed)
        memcpy(s->name, found->listing[0].name, found->listing[0].name_len);
    return MR_OK;
}

/* --- proofs ------------------------------------------------------------------------------------
 */

static enum mr_status fetch_receipt(struct slip *s, const struct entry *e)
{
    struct wallet *const w = s->w;
    const struct slot *const own = memcmp(e->account, wallet_account(w), MR_ACCOUNT_BYTES) == 0
                                       ? wallet_slot(w, e->seq)
                                       : NULL;
    if (own != NULL && own->receipt != NULL)
        return mr_receipt_decode(s->receipt, own->receipt, own->receipt_len);
    *w->request = (struct mr_request_body){.kind = MR_REQ_SLOT};
    memcpy(w->request->u.slot.account, e->account, MR_ACCOUNT_BYTES);
    w->request->u.slot.seq = e->seq;
    const enum mr_status st = node_call(w);
    if (st != MR_SETTLED)
        return st == MR_OK ? MR_UNSETTLED : st;
    if (w->reply->body.u.slot.receipt_count == 0)
        return MR_BODY_ERASED;
    *s->receipt = w->reply->body.u.slot.receipt[0];
    return MR_OK;
}

static enum mr_status prove(struct slip *s, size_t at)
{
    const struct entry *const e = &s->all.list[at];
    struct mr_receipt_facts facts;
    enum mr_status st = fetch_receipt(s, e);
    if (st == MR_NO_ANSWER || st == MR_UNREACHABLE)
        return node_fail(s->w, s->out, st);
    if (st == MR_OK)
        st = wallet_receipt(&facts, s->w, s->receipt);
    line_proof_take(&s->proofs[at], st, &facts, e->has_order ? e->order : NULL);
    if (s->proofs[at].st != MR_OK) {
        s->unproved++;
        return MR_OK;
    }
    s->unwitnessed += !s->proofs[at].witnessed;
    return line_proof_save(&s->w->epochs, s->out, s->receipt, opt_text(s->c, "receipts"), e->order);
}

static enum mr_status prove_all(struct slip *s)
{
    const char *const dir = opt_text(s->c, "receipts");
    struct progress bar;
    enum mr_status st = dir != NULL ? dir_make(dir) : MR_OK;
    if (st != MR_OK)
        return out_fail(s->out, st, "%s: %s", dir, status_sentence(st));
    s->proofs = calloc(s->all.count + 1, sizeof *s->proofs);
    s->receipt = malloc(sizeof *s->receipt);
    if (s->proofs == NULL || s->receipt == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    progress_begin(&bar, s->c, _("checking receipts"), s->all.count);
    for (size_t i = 0; st == MR_OK && i < s->all.count; i++) {
        if (is_shown(s, &s->all.list[i]))
            st = prove(s, i);
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    return st;
}

/* --- words -------------------------------------------------------------------------------------
 */

static void time_text(char ret[TIME_MAX], uint64_t time_ms)
{
    char day[DAY_TEXT_MAX];
    const unsigned s = (unsigned)(time_ms / 1000 % 86400);
    day_text(day, time_ms);
    snprintf(ret, TIME_MAX, "%s %02u:%02u", day, s / 3600, s / 60 % 60);
}

static const char *what_text(const struct entry *e)
{
    if (is_collection(e))
        return _("collected");
    if (is_conversion(e))
        return _("converted to euros");
    return strcmp(e->kind, "return") == 0 ? _("conversion given back") : _("other");
}

/* --- forms -------------------------------------------------------------------------------------
 */

struct line {
    char when[TIME_MAX], who[NAME_SHOWN_MAX], in[AMOUNT_PEOPLE_MAX], gone[AMOUNT_PEOPLE_MAX];
    char fee[AMOUNT_PEOPLE_MAX], id[HEX_MAX], proof[64];
};

static void fill_line(struct line *ret, const struct slip *s, size_t at)
{
    const struct entry *const e = &s->all.list[at];
    const uint32_t decimals = s->w->charter->units[0].decimals;
    *ret = (struct line){.who = ""};
    time_text(ret->when, e->time_ms);
    if (e->has_other && memcmp(e->other, wallet_account(s->w), MR_ACCOUNT_BYTES) != 0)
        wallet_call(ret->who, s->w, e->other);
    const int64_t gross = is_conversion(e) ? e->amount - e->fee : e->amount;
    amount_text(gross > 0 ? ret->in : ret->gone, gross > 0 ? gross : -gross, decimals, NULL);
    if (e->fee != 0)
        amount_text(ret->fee, e->fee, decimals, NULL);
    if (e->has_order)
        mr_hex_format(ret->id, e->order, sizeof e->order);
    line_proof_text(ret->proof, sizeof ret->proof, &s->proofs[at]);
}

static void add_row(struct slip *s, size_t at)
{
    const struct entry *const e = &s->all.list[at];
    char when[TIME_MAX], hex[HEX_MAX] = "", address[MR_ADDRESS_TEXT_MAX] = "";
    time_text(when, e->time_ms);
    if (e->has_other)
        wallet_address(address, s->w, e->other);
    if (e->has_order)
        mr_hex_format(hex, e->order, sizeof e->order);
    out_row(s->out, json_pack("{s:s, s:I, s:s, s:s*, s:I, s:I, s:s, s:s, s:I, s:b}", "time", when,
                              "time_ms", (json_int_t)e->time_ms, "kind", e->kind, "other",
                              e->has_other ? address : NULL, "amount_minor", (json_int_t)e->amount,
                              "fee_minor", (json_int_t)e->fee, "memo", e->memo, "order", hex, "seq",
                              (json_int_t)e->seq, "proved", s->proofs[at].st == MR_OK));
}

static void print_people(struct slip *s)
{
    const struct table_column columns[] = {
        {_("WHEN"), false}, {_("WHAT"), false}, {_("WHO"), false},   {_("MEMO"), false},
        {_("IN"), true},    {_("OUT"), true},   {_("ORDER"), false}, {_("RECEIPT"), false}};
    struct table *const t = s->out->json ? NULL : table_create(columns, COLUMNS);
    for (size_t i = 0; i < s->all.count; i++) {
        struct line l;
        const struct entry *const e = &s->all.list[i];
        if (!is_shown(s, e))
            continue;
        if (s->out->json) {
            add_row(s, i);
            continue;
        }
        fill_line(&l, s, i);
        l.id[SHORT_ID] = '\0';
        if (t != NULL)
            table_add(t, (const char *[]){l.when, what_text(e), l.who, e->memo, l.in, l.gone, l.id,
                                          l.proof});
    }
    table_print(s->out, t);
}

static void print_sums(const struct slip *s)
{
    char a[AMOUNT_PEOPLE_MAX], b[AMOUNT_PEOPLE_MAX], c[AMOUNT_PEOPLE_MAX];
    struct out *const out = s->out;
    out_int(out, "from_ms", (int64_t)s->period.begin);
    out_int(out, "to_ms", (int64_t)s->period.end);
    out_int(out, "opening_minor", s->opening);
    out_int(out, "closing_minor", s->closing);
    out_int(out, "collected_minor", s->collected);
    out_int(out, "collected_count", (int64_t)s->collected_count);
    out_int(out, "converted_minor", s->converted);
    out_int(out, "converted_count", (int64_t)s->converted_count);
    out_int(out, "fees_minor", s->fees);
    out_int(out, "euros_minor", s->converted - s->fees);
    out_int(out, "other_minor", s->other);
    out_int(out, "unproved", (int64_t)s->unproved);
    wallet_amount(a, s->w, s->opening, 0);
    wallet_amount(b, s->w, s->collected, 0);
    out_print(out, _("At the beginning: %s\nCollected: %s (%zu)\n"), a, b, s->collected_count);
    wallet_amount(a, s->w, s->converted, 0);
    wallet_amount(b, s->w, s->fees, 0);
    wallet_amount(c, s->w, s->converted - s->fees, 1);
    out_print(out, _("Converted: %s (%zu), fee %s, to be received %s\n"), a, s->converted_count, b,
              c);
    wallet_amount(a, s->w, s->other, 0);
    wallet_amount(b, s->w, s->closing, 0);
    out_print(out, _("Other: %s\nAt the end: %s\n"), a, b);
}

static void period_text(char *ret, size_t cap, const struct period *p)
{
    char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];
    day_text(first, p->begin);
    day_text(last, p->end - 1);
    if (strcmp(first, last) == 0)
        snprintf(ret, cap, "%s", first);
    else
        snprintf(ret, cap, _("%s to %s"), first, last);
}

static void put_facts(struct paper *p, const struct slip *s)
{
    char period[64], now[TIME_MAX], address[MR_ADDRESS_TEXT_MAX], ledger[HEX_MAX];
    char a[5][AMOUNT_PEOPLE_MAX], counted[2][AMOUNT_PEOPLE_MAX + 32];
    const struct mr_association *const home =
        node_association(wallet_present(s->w), s->w->account->account.association);
    period_text(period, sizeof period, &s->period);
    time_text(now, wallet_now_ms());
    wallet_address(address, s->w, wallet_account(s->w));
    mr_hex_format(ledger, s->w->keys->stored.sheet.link.ledger, MR_HASH_BYTES);
    wallet_amount(a[0], s->w, s->opening, 0);
    wallet_amount(a[1], s->w, s->fees, 0);
    wallet_amount(a[2], s->w, s->converted - s->fees, 1);
    wallet_amount(a[3], s->w, s->other, 0);
    wallet_amount(a[4], s->w, s->closing, 0);
    char sum[AMOUNT_PEOPLE_MAX];
    wallet_amount(sum, s->w, s->collected, 0);
    snprintf(counted[0], sizeof counted[0], "%s (%zu)", sum, s->collected_count);
    wallet_amount(sum, s->w, s->converted, 0);
    snprintf(counted[1], sizeof counted[1], "%s (%zu)", sum, s->converted_count);
    const struct paper_fact facts[] = {
        {_("Municipality"), s->name[0] != '\0' ? s->name : "-", PAPER_PLAIN},
        {_("Period (days in UTC, first and last included)"), period, PAPER_TIME},
        {_("Account"), address, PAPER_PLAIN},
        {_("Association that converts"), home != NULL ? home->name : "?", PAPER_PLAIN},
        {_("Currency"), s->w->charter->name, PAPER_PLAIN},
        {_("Ledger"), ledger, PAPER_PLAIN},
        {_("Balance at the beginning"), a[0], PAPER_AMOUNT},
        {_("Collected"), counted[0], PAPER_AMOUNT},
        {_("Converted to euros"), counted[1], PAPER_AMOUNT},
        {_("of which fee"), a[1], PAPER_AMOUNT},
        {_("Euros to be received"), a[2], PAPER_AMOUNT},
        {_("Other movements"), a[3], PAPER_AMOUNT},
        {_("Balance at the end"), a[4], PAPER_AMOUNT},
        {_("Made on"), now, PAPER_TIME}};
    paper_facts(p, facts, sizeof facts / sizeof facts[0]);
}

static void put_table(struct paper *p, const struct slip *s)
{
    const struct paper_column columns[COLUMNS] = {
        {_("Time (UTC)"), PAPER_TIME}, {_("What"), PAPER_PLAIN},   {_("From"), PAPER_DIGITS},
        {_("Note"), PAPER_DIGITS},     {_("In"), PAPER_AMOUNT},    {_("Out"), PAPER_AMOUNT},
        {_("Order"), PAPER_DIGITS},    {_("Receipt"), PAPER_PLAIN}};
    char in[AMOUNT_PEOPLE_MAX], gone[AMOUNT_PEOPLE_MAX];
    const uint32_t decimals = s->w->charter->units[0].decimals;
    int64_t sum_in = 0, sum_gone = 0;
    paper_table(p, _("Movements"), columns, COLUMNS);
    for (size_t i = 0; i < s->all.count; i++) {
        struct line l;
        const struct entry *const e = &s->all.list[i];
        if (!is_shown(s, e))
            continue;
        fill_line(&l, s, i);
        l.id[SHORT_ID] = '\0';
        if (effect_of(e) > 0)
            sum_in += effect_of(e);
        else
            sum_gone -= effect_of(e);
        paper_row(
            p, (const char *[]){l.when, what_text(e), l.who, e->memo, l.in, l.gone, l.id, l.proof});
    }
    amount_text(in, sum_in, decimals, s->w->charter->units[0].code);
    amount_text(gone, sum_gone, decimals, s->w->charter->units[0].code);
    paper_totals(p, (const char *[]){_("Total"), "", "", "", in, gone, "", ""});
    paper_table_end(p);
}

static void fill_html(struct paper *p, const void *ctx)
{
    const struct slip *const s = ctx;
    paper_head(p, i18n_language(), _("Slip of the collecting account"), s->w->charter->name);
    put_facts(p, s);
    put_table(p, s);
    paper_note(p, _("Order: first digits of the order's id in the ledger. Receipt: signatures of "
                    "the nodes that prove it, verified when this paper was made; each can be "
                    "verified again by anybody from the file of the receipt."));
    if (s->unproved > 0)
        paper_note(p, _("SOME LINES ARE NOT PROVED: they are the node's word alone."));
    paper_signatures(
        p,
        (const char *[]){_("The manager of the collecting account"), _("Seen by the accountant")},
        2);
    paper_end(p);
}

static void csv_row(struct paper *p, const struct slip *s, size_t at)
{
    const struct entry *const e = &s->all.list[at];
    const struct mr_unit *const u = &s->w->charter->units[0];
    char when[TIME_MAX], hex[HEX_MAX] = "", address[MR_ADDRESS_TEXT_MAX] = "", seq[24];
    char amount[MR_AMOUNT_TEXT_MAX], minor[24], fee[24];
    const int64_t gross = is_conversion(e) ? e->amount - e->fee : e->amount;
    time_text(when, e->time_ms);
    if (e->has_other)
        wallet_address(address, s->w, e->other);
    if (e->has_order)
        mr_hex_format(hex, e->order, sizeof e->order);
    mr_amount_format(amount, gross, u->decimals, '.');
    snprintf(minor, sizeof minor, "%" PRId64, gross);
    snprintf(fee, sizeof fee, "%" PRId64, e->fee);
    snprintf(seq, sizeof seq, "%" PRIu64, e->seq);
    paper_csv(p,
              (const char *[]){when, e->kind, address, e->memo, amount, minor, fee, u->code, hex,
                               seq, line_proof_word(&s->proofs[at])},
              11);
}

static void fill_csv(struct paper *p, const void *ctx)
{
    static const char *const heading[] = {"time_utc", "kind",         "other",     "memo",
                                          "amount",   "amount_minor", "fee_minor", "unit",
                                          "order",    "seq",          "receipt"};
    const struct slip *const s = ctx;
    paper_csv(p, heading, sizeof heading / sizeof heading[0]);
    for (size_t i = 0; i < s->all.count; i++)
        if (is_shown(s, &s->all.list[i]))
            csv_row(p, s, i);
}

void cmd_regie_slip(struct command *c, struct out *out)
{
    struct slip s = {.c = c, .out = out};
    enum mr_status st = opt_period(c, out, &s.period, wallet_now_ms(), false);
    if (st == MR_OK)
        st = wallet_open(&s.w, c, out);
    if (st == MR_OK)
        st = node_sync(s.w, c, out);
    if (st == MR_OK)
        st = gather(&s);
    if (st == MR_OK)
        st = read_name(&s);
    if (st == MR_OK)
        st = prove_all(&s);
    if (st == MR_OK)
        st = paper_files(c, out, fill_html, fill_csv, &s);
    if (st == MR_OK) {
        print_people(&s);
        print_sums(&s);
        line_proof_note(out, s.unwitnessed);
        if (s.unproved > 0)
            out_fail(out, MR_CHECK_FAILED, _("%zu lines are not proved by a receipt"), s.unproved);
    }
    entries_free(&s.all);
    free(s.proofs);
    free(s.receipt);
}
