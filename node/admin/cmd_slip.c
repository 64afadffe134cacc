/* municipal slip: papers for a municipality's public accountant (MUN-7). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/mandate.h"
#include "admin/members.h"
#include "admin/municipal.h"
#include "common/amount_text.h"
#include "common/paper.h"
#include "mereau/amount.h"
#include "mereau/id.h"
#include "mereau/text.h"

const struct option_row slip_options[] = {
    {"from", 0, N_("DAY"), N_("first day, like 2025-01-31 (default: first of the month)")},
    {"to", 0, N_("DAY"), N_("last day (default: today)")},
    {"html", 0, N_("FILE"), N_("write the paper, ready to print")},
    {"csv", 0, N_("FILE"), N_("write the lines as comma-separated values")},
    {"receipts", 0, N_("DIR"), N_("save the receipt of each line there")},
    {"summary", 0, NULL, N_("the paper without a sheet for each payment order")},
    {"force", 0, NULL, N_("replace files that are there")},
    {NULL, 0, NULL, NULL},
};

enum {
    HEX_MAX = 2 * MR_HASH_BYTES + 1,
    SHORT_ID = 16,
    NUMBER_MAX = 24,
    COLUMNS = 8,
    PERSON_MAX = MR_ADDRESS_TEXT_MAX + MR_NAME_MAX + 8
};

/* --- words -------------------------------------------------------------------------------------
 */

static void short_id(char ret[SHORT_ID + 1], const uint8_t hash[MR_HASH_BYTES])
{
    char hex[HEX_MAX];
    mr_hex_format(hex, hash, MR_HASH_BYTES);
    snprintf(ret, SHORT_ID + 1, "%.*s", SHORT_ID, hex);
}

static void period_text(char *ret, size_t cap, const struct period *p)
{
    char first[DAY_TEXT_MAX], last[DAY_TEXT_MAX];
    day_text(first, p->begin);
    day_text(last, p->end - 1);
    snprintf(ret, cap, _("%s to %s"), first, last);
}

/* "Name (address)", or the address alone. */
static void person_text(char ret[PERSON_MAX], const struct admin *a, const char *name,
                        const uint8_t account[16])
{
    snprintf(ret, PERSON_MAX, name[0] != '\0' ? "%s (%s)" : "%s%s", name,
             admin_address(a, account));
}

static const char *bank_text(const struct payout_line *line)
{
    return line->bank[0] != '\0' ? line->bank : _("not in the register");
}

/* --- terminal and JSON -------------------------------------------------------------------------
 */

static json_t *conversion_row_json(const struct municipal *m, const struct conversion_line *line)
{
    const struct mr_conversion *const c = &line->conversion;
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:I,s:b,s:b}", "kind", "conversion",
                     "payment_order", c->order, "payee", admin_address(m->a, c->payee), "label",
                     c->label, "mandate", admin_hex(c->mandate), "bank_ref", c->note.entry,
                     "amount_minor", (json_int_t)c->amount, "order", admin_hex(line->order), "seq",
                     (json_int_t)line->seq, "settled_ms", (json_int_t)line->time_ms, "proved",
                     line->proof.st == MR_OK, "mandate_good", line->mandate_good);
}

static json_t *payout_row_json(const struct payout_line *line)
{
    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:I,s:I,s:b}", "kind", "payout", "redemption",
                     admin_hex(line->redemption), "bank_ref", line->bank, "amount_minor",
                     (json_int_t)line->amount, "fee_minor", (json_int_t)line->fee, "order",
                     admin_hex(line->order), "seq", (json_int_t)line->seq, "settled_ms",
                     (json_int_t)line->time_ms, "proved", line->proof.st == MR_OK);
}

static void print_conversions(const struct municipal *m)
{
    const struct table_column columns[] = {{_("date"), false},      {_("payment order"), false},
                                           {_("payee"), false},     {_("mandate"), false},
                                           {_("bank line"), false}, {_("amount"), true},
                                           {_("order"), false},     {_("receipt"), false}};
    struct table *const t = table_create(columns, COLUMNS);
    for (size_t i = 0; i < m->conversion_count; i++) {
        const struct conversion_line *const line = &m->conversions[i];
        const struct mr_conversion *const c = &line->conversion;
        char payee[PERSON_MAX], mandate[SHORT_ID + 1];
        char order[SHORT_ID + 1], proof[64];
        out_row(m->a->out, m->a->out->json ? conversion_row_json(m, line) : NULL);
        person_text(payee, m->a, line->payee_name, c->payee);
        short_id(mandate, c->mandate);
        short_id(order, line->order);
        line_proof_text(proof, sizeof proof, &line->proof);
        if (t != NULL)
            table_add(t,
                      (const char *[]){admin_time(line->time_ms), c->order, payee, mandate,
                                       c->note.entry, admin_amount(m->a, c->amount), order, proof});
    }
    table_print(m->a->out, t);
}

static void print_payouts(const struct municipal *m)
{
    const struct table_column columns[] = {
        {_("date"), false}, {_("redemption"), false}, {_("amount"), true}, {_("fee"), true},
        {_("paid"), true},  {_("bank line"), false},  {_("order"), false}, {_("receipt"), false}};
    struct table *const t = table_create(columns, COLUMNS);
    for (size_t i = 0; i < m->payout_count; i++) {
        const struct payout_line *const line = &m->payouts[i];
        char redemption[SHORT_ID + 1], order[SHORT_ID + 1], proof[64];
        out_row(m->a->out, m->a->out->json ? payout_row_json(line) : NULL);
        short_id(redemption, line->redemption);
        short_id(order, line->order);
        line_proof_text(proof, sizeof proof, &line->proof);
        if (t != NULL)
            table_add(t, (const char *[]){admin_time(line->time_ms), redemption,
                                          admin_amount(m->a, line->amount),
                                          admin_amount(m->a, line->fee),
                                          admin_euros(m->a, line->amount - line->fee),
                                          bank_text(line), order, proof});
    }
    table_print(m->a->out, t);
}

static void print_sums(const struct municipal *m)
{
    struct out *const out = m->a->out;
    out_text(out, "municipality", admin_address(m->a, m->municipality));
    out_int(out, "from_ms", (int64_t)m->period.begin);
    out_int(out, "to_ms", (int64_t)m->period.end);
    out_int(out, "converted_minor", m->converted);
    out_int(out, "converted_count", (int64_t)m->conversion_count);
    out_int(out, "payment_orders", (int64_t)m->orders);
    out_int(out, "paid_out_minor", m->paid_out);
    out_int(out, "fees_minor", m->fees);
    out_int(out, "euros_minor", m->paid_out - m->fees);
    out_int(out, "paid_out_count", (int64_t)m->payout_count);
    out_int(out, "waiting_euros_minor", m->waiting_euros);
    out_int(out, "waiting_count", (int64_t)m->waiting_count);
    out_int(out, "unproved", (int64_t)m->unproved);
    out_int(out, "unexplained", (int64_t)m->unexplained);
    out_print(out, _("Conversions ordered by the municipality: %s (%zu)\n"),
              admin_euros(m->a, m->converted), m->conversion_count);
    out_print(out, _("Paid out for what it collected: %s, fee %s, in euros %s (%zu)\n"),
              admin_amount(m->a, m->paid_out), admin_amount(m->a, m->fees),
              admin_euros(m->a, m->paid_out - m->fees), m->payout_count);
    out_print(out, _("Still to be paid out now: %s (%zu)\n"), admin_euros(m->a, m->waiting_euros),
              m->waiting_count);
}

/* --- HTML: the sheet in front ------------------------------------------------------------------
 */

static void put_facts(struct paper *p, const struct municipal *m)
{
    struct admin *const a = m->a;
    char town[PERSON_MAX], period[64], ledger[HEX_MAX];
    char converted[AMOUNT_PEOPLE_MAX + NUMBER_MAX], paid[AMOUNT_PEOPLE_MAX + NUMBER_MAX];
    char waiting[AMOUNT_PEOPLE_MAX + NUMBER_MAX];
    person_text(town, a, m->name, m->municipality);
    period_text(period, sizeof period, &m->period);
    mr_hex_format(ledger, a->ledger, sizeof a->ledger);
    snprintf(converted, sizeof converted, "%s (%zu)", admin_euros(a, m->converted),
             m->conversion_count);
    snprintf(paid, sizeof paid, "%s (%zu)", admin_euros(a, m->paid_out - m->fees), m->payout_count);
    snprintf(waiting, sizeof waiting, "%s (%zu)", admin_euros(a, m->waiting_euros),
             m->waiting_count);
    const struct paper_fact facts[] = {
        {_("Municipality"), town, PAPER_PLAIN},
        {_("Period (days in UTC, first and last included)"), period, PAPER_TIME},
        {_("Currency"), a->charter->name, PAPER_PLAIN},
        {_("Ledger"), ledger, PAPER_PLAIN},
        {_("Conversions ordered by the municipality"), converted, PAPER_AMOUNT},
        {_("Euros paid out for what it collected"), paid, PAPER_AMOUNT},
        {_("Still to be paid out on the day of this paper"), waiting, PAPER_AMOUNT},
        {_("Made on (UTC)"), admin_time(admin_now_ms()), PAPER_TIME},
        {_("Made by"), a->signer->key->name, PAPER_PLAIN}};
    paper_facts(p, facts, sizeof facts / sizeof facts[0]);
}

static void put_conversions(struct paper *p, const struct municipal *m)
{
    const struct paper_column columns[COLUMNS] = {
        {_("Credited on (UTC)"), PAPER_TIME}, {_("Payment order"), PAPER_DIGITS},
        {_("Payee"), PAPER_DIGITS},           {_("Mandate"), PAPER_DIGITS},
        {_("Euro reference"), PAPER_DIGITS},  {_("Amount"), PAPER_AMOUNT},
        {_("Order"), PAPER_DIGITS},           {_("Receipt"), PAPER_PLAIN}};
    paper_table(p, _("Conversions ordered by the municipality"), columns, COLUMNS);
    for (size_t i = 0; i < m->conversion_count; i++) {
        const struct conversion_line *const line = &m->conversions[i];
        const struct mr_conversion *const c = &line->conversion;
        char payee[PERSON_MAX], mandate[SHORT_ID + 1];
        char order[SHORT_ID + 1], proof[64], amount[AMOUNT_PEOPLE_MAX];
        person_text(payee, m->a, line->payee_name, c->payee);
        short_id(mandate, c->mandate);
        short_id(order, line->order);
        line_proof_text(proof, sizeof proof, &line->proof);
        amount_text(amount, c->amount, m->a->charter->units[0].decimals, NULL);
        paper_row(p, (const char *[]){admin_time(line->time_ms), c->order, payee, mandate,
                                      c->note.entry, amount, order, proof});
    }
    paper_totals(
        p, (const char *[]){_("Total"), "", "", "", "", admin_euros(m->a, m->converted), "", ""});
    paper_table_end(p);
}

static void put_payouts(struct paper *p, const struct municipal *m)
{
    const struct paper_column columns[COLUMNS] = {
        {_("Paid on (UTC)"), PAPER_TIME}, {_("Redemption"), PAPER_DIGITS},
        {_("Given back"), PAPER_AMOUNT},  {_("Fee"), PAPER_AMOUNT},
        {_("Euros paid"), PAPER_AMOUNT},  {_("Euro reference"), PAPER_DIGITS},
        {_("Order"), PAPER_DIGITS},       {_("Receipt"), PAPER_PLAIN}};
    const uint32_t decimals = m->a->charter->units[0].decimals;
    paper_table(p, _("Euros paid out for what the municipality collected"), columns, COLUMNS);
    for (size_t i = 0; i < m->payout_count; i++) {
        const struct payout_line *const line = &m->payouts[i];
        char redemption[SHORT_ID + 1], order[SHORT_ID + 1], proof[64];
        char gross[AMOUNT_PEOPLE_MAX], fee[AMOUNT_PEOPLE_MAX], net[AMOUNT_PEOPLE_MAX];
        short_id(redemption, line->redemption);
        short_id(order, line->order);
        line_proof_text(proof, sizeof proof, &line->proof);
        amount_text(gross, line->amount, decimals, NULL);
        amount_text(fee, line->fee, decimals, NULL);
        amount_text(net, line->amount - line->fee, decimals, NULL);
        paper_row(p, (const char *[]){admin_time(line->time_ms), redemption, gross, fee, net,
                                      bank_text(line), order, proof});
    }
    paper_totals(p, (const char *[]){_("Total"), "", admin_amount(m->a, m->paid_out),
                                     admin_amount(m->a, m->fees),
                                     admin_euros(m->a, m->paid_out - m->fees), "", "", ""});
    paper_table_end(p);
}

static void put_remarks(struct paper *p, const struct municipal *m)
{
    paper_note(p,
               _("Each order of the ledger moves both: the euros enter the reserve and its payees "
                 "are credited in units of the same value, or neither happens. It commits to the "
                 "payment order and to the mandate of each payee."));
    paper_note(p,
               _("Mandate, redemption, order: first digits of their ids. Receipt: signatures of "
                 "the nodes that prove the order, verified when this paper was made; anybody can "
                 "verify them again from the file of the receipt."));
    if (m->unproved > 0)
        paper_note(p, _("SOME LINES ARE NOT PROVED: a receipt is missing or wrong, or a mandate is "
                        "not signed by its payee."));
    if (m->unexplained > 0)
        paper_note(p,
                   _("THE LEDGER HOLDS CONVERSIONS THAT THE REGISTER DOES NOT EXPLAIN: this paper "
                     "may be incomplete."));
    paper_signatures(
        p, (const char *[]){_("For the association"), _("Seen by the public accountant")}, 2);
}

/* --- HTML: one sheet for each payment order ----------------------------------------------------
 */

/* The lines of one payment order: the first, those behind it, and what they sum to. */
struct sheet {
    const struct municipal *m;
    const struct conversion_line *first;
    size_t count;
    int64_t sum;
};

static struct sheet sheet_of(const struct municipal *m, size_t first)
{
    struct sheet s = {.m = m, .first = &m->conversions[first]};
    for (size_t i = first; i < m->conversion_count; i++)
        if (m->conversions[i].sheet == first) {
            s.count++;
            s.sum += m->conversions[i].conversion.amount; /* at most m->converted */
        }
    return s;
}

/* The next line of the sheet behind `line`; NULL: it was the last. */
static const struct conversion_line *next_of(const struct sheet *s,
                                             const struct conversion_line *line)
{
    const struct conversion_line *const end = s->m->conversions + s->m->conversion_count;
    for (line++; line < end; line++)
        if (line->sheet == (size_t)(s->first - s->m->conversions))
            return line;
    return NULL;
}

static void put_payment(struct paper *p, const struct sheet *s)
{
    const struct municipal *const m = s->m;
    const struct mr_conversion *const c = &s->first->conversion;
    char town[PERSON_MAX], amount[AMOUNT_PEOPLE_MAX + 64];
    person_text(town, m->a, m->name, c->municipality);
    if (s->count == 1)
        snprintf(amount, sizeof amount, "%s", admin_euros(m->a, s->sum));
    else
        snprintf(amount, sizeof amount, ngettext("%s (%zu payee)", "%s (%zu payees)", s->count),
                 admin_euros(m->a, s->sum), s->count);
    const struct paper_fact facts[] = {
        {_("Payment order"), c->order, PAPER_PLAIN},
        {_("Paid by"), town, PAPER_PLAIN},
        {_("Paid to the reserve of"), m->a->home->name, PAPER_PLAIN},
        {_("Reserve account"), c->note.account_len > 0 ? c->note.account : "-", PAPER_PLAIN},
        {_("Euro reference"), c->note.entry, PAPER_PLAIN},
        {_("Amount"), amount, PAPER_AMOUNT},
        {_("For"), c->label, PAPER_PLAIN}};
    const bool one_label = s->count == 1 && c->label_len > 0;
    paper_section(p, _("1. Payment order"), false);
    paper_facts(p, facts, sizeof facts / sizeof facts[0] - !one_label);
}

static void put_mandate(struct paper *p, const struct municipal *m,
                        const struct conversion_line *line)
{
    char text[MR_MANDATE_TEXT_MAX + 1], terms[256], payee[PERSON_MAX];
    char added[160], name[MR_NAME_MAX + 1];
    paper_section(p, _("2. Mandate of the payee"), false);
    if (line->mandate == NULL) {
        paper_note(p, _("THE REGISTER DOES NOT HOLD THE MANDATE ANY MORE."));
        return;
    }
    const struct mr_mandate_entry *const e = &line->mandate->entry;
    const struct mr_mandate *const mandate = &e->mandate.mandate;
    mandate_terms(terms, sizeof terms, m->a, mandate);
    mandate_called(name, sizeof name, m->a, mandate->payee); /* whoever the register says it is */
    person_text(payee, m->a, name, mandate->payee);
    snprintf(added, sizeof added, _("%s, by %s"), admin_time(e->added_ms), e->added_by);
    mr_mandate_format(text, &e->mandate);
    const struct paper_fact facts[] = {
        {_("Given by"), payee, PAPER_PLAIN},
        {_("Given on (UTC)"), admin_time(mandate->from_ms), PAPER_TIME},
        {_("Terms"), terms, PAPER_PLAIN},
        {_("Taken up (UTC)"), added, PAPER_TIME},
        {_("Signature"), line->mandate_good ? _("the payee's, verified") : _("WRONG"), PAPER_PLAIN},
        {_("On the day of this paper"), mandate_state(e, admin_now_ms()), PAPER_PLAIN}};
    paper_facts(p, facts, sizeof facts / sizeof facts[0]);
    paper_code(p, _("Id of the mandate"), admin_hex(line->mandate->id));
    paper_code(p, _("The mandate as the payee signed it"), text);
}

static void put_credit(struct paper *p, const struct municipal *m,
                       const struct conversion_line *line)
{
    const struct mr_conversion *const c = &line->conversion;
    char payee[PERSON_MAX];
    person_text(payee, m->a, line->payee_name, c->payee);
    const struct paper_fact facts[] = {
        {_("Account credited"), payee, PAPER_PLAIN},
        {_("Credited on (UTC)"), admin_time(line->time_ms), PAPER_TIME},
        {_("Amount credited"), admin_amount(m->a, c->amount), PAPER_AMOUNT},
        {_("Issued by"), m->a->home->name, PAPER_PLAIN}};
    paper_section(p, _("3. Account slip"), false);
    paper_facts(p, facts, sizeof facts / sizeof facts[0]);
}

static void put_receipt(struct paper *p, const struct conversion_line *line)
{
    char place[NUMBER_MAX + 64], proof[64];
    snprintf(place, sizeof place, _("place %llu of the treasury's chain"),
             (unsigned long long)line->seq);
    line_proof_text(proof, sizeof proof, &line->proof);
    const struct paper_fact facts[] = {
        {_("Order"), place, PAPER_PLAIN},
        {_("Signatures of nodes"), proof, PAPER_PLAIN},
        {_("Time of the newest of them (UTC)"),
         line->proof.st == MR_OK ? admin_time(line->proof.time_ms) : "-", PAPER_TIME}};
    paper_section(p, _("4. Receipt"), false);
    paper_facts(p, facts, sizeof facts / sizeof facts[0]);
    paper_code(p, _("Id of the order"), admin_hex(line->order));
}

/* --- HTML: a payment order of several payees ---------------------------------------------------
 */

static void put_payees(struct paper *p, const struct sheet *s)
{
    const struct municipal *const m = s->m;
    const struct paper_column columns[COLUMNS] = {
        {_("No."), PAPER_PLAIN},       {_("Account credited"), PAPER_DIGITS},
        {_("For"), PAPER_PLAIN},       {_("Mandate"), PAPER_DIGITS},
        {_("Signature"), PAPER_PLAIN}, {_("Euro reference"), PAPER_DIGITS},
        {_("Order"), PAPER_DIGITS},    {_("Amount credited"), PAPER_AMOUNT}};
    size_t number = 0;
    paper_section(p, _("2. Payees, their mandates and what they were credited"), false);
    paper_table(p, _("Payees"), columns, COLUMNS);
    for (const struct conversion_line *line = s->first; line != NULL; line = next_of(s, line)) {
        const struct mr_conversion *const c = &line->conversion;
        char payee[PERSON_MAX], mandate[SHORT_ID + 1], order[SHORT_ID + 1], at[NUMBER_MAX];
        person_text(payee, m->a, line->payee_name, c->payee);
        short_id(mandate, c->mandate);
        short_id(order, line->order);
        snprintf(at, sizeof at, "%zu", ++number);
        paper_row(p, (const char *[]){at, payee, c->label, mandate,
                                      line->mandate_good ? _("the payee's, verified") : _("WRONG"),
                                      c->note.entry, order, admin_amount(m->a, c->amount)});
    }
    paper_totals(p,
                 (const char *[]){_("Total"), "", "", "", "", "", "", admin_amount(m->a, s->sum)});
    paper_table_end(p);
}

/* The orders of the ledger that it took: one for each first line. */
static void put_receipts(struct paper *p, const struct sheet *s)
{
    enum { RECEIPT_COLUMNS = 6 };
    const struct municipal *const m = s->m;
    const struct paper_column columns[RECEIPT_COLUMNS] = {
        {_("Credited on (UTC)"), PAPER_TIME}, {_("Euro reference"), PAPER_DIGITS},
        {_("Payees"), PAPER_PLAIN},           {_("Id of the order"), PAPER_DIGITS},
        {_("Receipt"), PAPER_PLAIN},          {_("Amount credited"), PAPER_AMOUNT}};
    paper_section(p, _("3. Account slip and receipts"), false);
    paper_table(p, _("Orders of the ledger"), columns, RECEIPT_COLUMNS);
    for (const struct conversion_line *line = s->first; line != NULL;) {
        const struct conversion_line *const order = line;
        char proof[64], count[NUMBER_MAX];
        int64_t sum = 0;
        size_t payees = 0;
        for (; line != NULL && line->seq == order->seq; line = next_of(s, line)) {
            sum += line->conversion.amount; /* at most m->converted */
            payees++;
        }
        line_proof_text(proof, sizeof proof, &order->proof);
        snprintf(count, sizeof count, "%zu", payees);
        paper_row(p,
                  (const char *[]){admin_time(order->time_ms), order->conversion.note.entry, count,
                                   admin_hex(order->order), proof, admin_amount(m->a, sum)});
    }
    paper_table_end(p);
    paper_note(p, _("Each of these orders brought its euros into the reserve and credited all its "
                    "payees, or nothing would have happened. Where an order of the ledger has not "
                    "room for all payees, \"#2\" behind the euro reference is the second part of "
                    "the same bank entry, and so on."));
}

static void put_texts(struct paper *p, const struct sheet *s)
{
    paper_section(p, _("4. The mandates as the payees signed them"), false);
    for (const struct conversion_line *line = s->first; line != NULL; line = next_of(s, line)) {
        char text[MR_MANDATE_TEXT_MAX + 1], payee[PERSON_MAX];
        person_text(payee, s->m->a, line->payee_name, line->conversion.payee);
        if (line->mandate == NULL) {
            paper_code(p, payee, _("THE REGISTER DOES NOT HOLD THE MANDATE ANY MORE."));
            continue;
        }
        mr_mandate_format(text, &line->mandate->entry.mandate);
        paper_code(p, payee, text);
    }
}

static void put_sheet(struct paper *p, const struct municipal *m, size_t first)
{
    char title[MR_NAME_MAX + 64];
    const struct sheet s = sheet_of(m, first);
    snprintf(title, sizeof title, _("Conversion for payment order %s"), s.first->conversion.order);
    paper_section(p, title, true);
    put_payment(p, &s);
    if (s.count > 1) {
        put_payees(p, &s);
        put_receipts(p, &s);
        put_texts(p, &s);
        return;
    }
    put_mandate(p, m, s.first);
    put_credit(p, m, s.first);
    put_receipt(p, s.first);
}

static void fill_html(struct paper *p, const void *ctx)
{
    const struct municipal *const m = ctx;
    paper_head(p, i18n_language(), _("Slip of municipal money"), m->a->home->name);
    put_facts(p, m);
    put_conversions(p, m);
    put_payouts(p, m);
    put_remarks(p, m);
    const bool summary = opt_flag(m->a->c, "summary");
    for (size_t i = 0; !summary && i < m->conversion_count; i++)
        if (m->conversions[i].sheet == i)
            put_sheet(p, m, i);
    paper_end(p);
}

/* --- CSV ---------------------------------------------------------------------------------------
 */

enum { CSV_COLUMNS = 18 };

static void csv_conversion(struct paper *p, const struct municipal *m,
                           const struct conversion_line *line)
{
    const struct mr_conversion *const c = &line->conversion;
    const struct mr_unit *const unit = &m->a->charter->units[0];
    char amount[MR_AMOUNT_TEXT_MAX], minor[NUMBER_MAX], seq[NUMBER_MAX];
    mr_amount_format(amount, c->amount, unit->decimals, '.');
    snprintf(minor, sizeof minor, "%" PRId64, c->amount);
    snprintf(seq, sizeof seq, "%" PRIu64, line->seq);
    paper_csv(p,
              (const char *[]){"conversion", admin_time(line->time_ms), c->order,
                               admin_address(m->a, c->payee), line->payee_name,
                               admin_hex(c->mandate), line->mandate_good ? "signed" : "not signed",
                               c->note.account, c->note.entry, amount, minor, "0", minor, "",
                               admin_hex(line->order), seq, line_proof_word(&line->proof),
                               c->label},
              CSV_COLUMNS);
}

static void csv_payout(struct paper *p, const struct municipal *m, const struct payout_line *line)
{
    const struct mr_unit *const unit = &m->a->charter->units[0];
    char amount[MR_AMOUNT_TEXT_MAX], minor[NUMBER_MAX], fee[NUMBER_MAX], net[NUMBER_MAX];
    char seq[NUMBER_MAX];
    mr_amount_format(amount, line->amount, unit->decimals, '.');
    snprintf(minor, sizeof minor, "%" PRId64, line->amount);
    snprintf(fee, sizeof fee, "%" PRId64, line->fee);
    snprintf(net, sizeof net, "%" PRId64, line->amount - line->fee);
    snprintf(seq, sizeof seq, "%" PRIu64, line->seq);
    paper_csv(p,
              (const char *[]){"payout", admin_time(line->time_ms), "", "", "", "", "", "",
                               line->bank, amount, minor, fee, net, admin_hex(line->redemption),
                               admin_hex(line->order), seq, line_proof_word(&line->proof), ""},
              CSV_COLUMNS);
}

static void fill_csv(struct paper *p, const void *ctx)
{
    static const char *const heading[CSV_COLUMNS] = {
        "kind",        "settled_utc",  "payment_order", "payee",  "payee_name",   "mandate",
        "signature",   "bank_account", "bank_ref",      "amount", "amount_minor", "fee_minor",
        "euros_minor", "redemption",   "order",         "seq",    "receipt",      "label"};
    const struct municipal *const m = ctx;
    paper_csv(p, heading, CSV_COLUMNS);
    for (size_t i = 0; i < m->conversion_count; i++)
        csv_conversion(p, m, &m->conversions[i]);
    for (size_t i = 0; i < m->payout_count; i++)
        csv_payout(p, m, &m->payouts[i]);
}

/* --- the command -------------------------------------------------------------------------------
 */

static enum mr_status tell(const struct municipal *m)
{
    struct out *const out = m->a->out;
    print_conversions(m);
    print_payouts(m);
    print_sums(m);
    line_proof_note(out, m->unwitnessed);
    if (m->unproved > 0)
        return out_fail(out, MR_CHECK_FAILED,
                        _("%zu lines lack a receipt or a mandate that is signed"), m->unproved);
    if (m->unexplained > 0)
        return out_fail(out, MR_CHECK_FAILED,
                        _("the ledger holds %zu conversions that the register does not explain"),
                        m->unexplained);
    return MR_OK;
}

void cmd_slip(struct command *c, struct out *out)
{
    struct admin a;
    struct municipal m = {.a = &a};
    struct period period;
    uint8_t account[MR_ACCOUNT_BYTES];
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK)
        st = opt_period(c, out, &period, admin_now_ms(), true);
    if (st == MR_OK)
        st = member_find(&a, account, c->args[0]);
    if (st == MR_OK)
        st = mandate_municipality(&a, account);
    if (st == MR_OK)
        st = municipal_read(&m, &a, account, &period, opt_text(c, "receipts"));
    if (st == MR_OK)
        st = paper_files(c, out, fill_html, fill_csv, &m);
    if (st == MR_OK)
        tell(&m);
    municipal_done(&m);
    admin_end(&a);
}
