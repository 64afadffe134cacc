#include "admin/municipal.h"

#include <stdlib.h>
#include <string.h>

#include "admin/conversion.h"
#include "admin/mandate.h"
#include "admin/treasury.h"
#include "common/heap.h"
#include "common/term.h"
#include "mereau/amount.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/mandate.h"

/* Room for one more row; NULL when memory is short, which is reported. */
static void *more(struct municipal *m, void *rows, size_t count, size_t *cap, size_t size)
{
    void *const room = rows_room(rows, count, cap, size);
    if (room == NULL)
        m->st = out_fail(m->a->out, MR_NO_MEMORY, NULL);
    return room;
}

static void add_to(struct municipal *m, int64_t *sum, int64_t amount)
{
    if (!mr_amount_add(sum, *sum, amount))
        m->st = out_fail(m->a->out, MR_AMOUNT_TOO_LARGE, NULL);
}

/* --- the treasury's chain ----------------------------------------------------------------------
 */

static void take_line(struct municipal *m, const struct mr_history_item *item,
                      const struct conversion_row *row, uint32_t at)
{
    struct conversion_line *const rows =
        more(m, m->conversions, m->conversion_count, &m->conversion_cap, sizeof *m->conversions);
    if (rows == NULL)
        return;
    m->conversions = rows;
    struct conversion_line *const line = &rows[m->conversion_count++];
    *line = (struct conversion_line){
        .conversion = row->conversion, .seq = item->seq, .time_ms = item->time_ms, .at = at};
    mr_order_id(line->order, &item->order[0].order);
    line->mandate = mandate_of(&m->mandates, row->conversion.mandate);
    line->mandate_good =
        line->mandate != NULL &&
        mr_mandate_verify(&line->mandate->entry.mandate, &line->mandate->entry.keys) == MR_OK;
    add_to(m, &m->converted, row->conversion.amount);
}

static void take_issue(struct municipal *m, const struct mr_history_item *item)
{
    const struct mr_order *const o = &item->order[0].order;
    size_t of[MR_LINES_MAX];
    if (!conversion_is_claimed(o))
        return;
    const size_t count = conversions_of(&m->known, o, of);
    if (count == 0) {
        m->unexplained++;
        return;
    }
    const struct mr_conversion *const first = &m->known.rows[of[0]].conversion;
    if (memcmp(first->municipality, m->municipality, MR_ACCOUNT_BYTES) != 0)
        return;
    for (uint32_t k = 0; k < count; k++)
        take_line(m, item, &m->known.rows[of[k]], k);
}

static void take_payout(struct municipal *m, const struct mr_history_item *item)
{
    const struct mr_payout *const p = &item->order[0].order.body.u.payout;
    if (memcmp(p->redemption.account, m->municipality, MR_ACCOUNT_BYTES) != 0)
        return;
    struct payout_line *const rows =
        more(m, m->payouts, m->payout_count, &m->payout_cap, sizeof *m->payouts);
    if (rows == NULL)
        return;
    m->payouts = rows;
    struct payout_line *const line = &rows[m->payout_count++];
    *line = (struct payout_line){
        .amount = p->redemption.amount, .fee = p->fee, .seq = item->seq, .time_ms = item->time_ms};
    mr_order_id(line->order, &item->order[0].order);
    memcpy(line->redemption, p->redemption.order, sizeof line->redemption);
    /* The reference until its text is looked up: the reply at hand is still read. */
    memcpy(line->bank, p->bank_ref, MR_HASH_BYTES);
    add_to(m, &m->paid_out, p->redemption.amount);
    add_to(m, &m->fees, p->fee);
}

static enum mr_status walk_chain(struct municipal *m)
{
    struct admin *const a = m->a;
    struct progress bar;
    uint64_t from = 1, last = 1;
    admin_as(a, a->treasury);
    progress_begin(&bar, a->c, _("reading the treasury's orders"), 0);
    while (m->st == MR_OK && from <= last) {
        a->ask->kind = MR_REQ_HISTORY;
        a->ask->u.history = (struct mr_req_history){.from = from, .count = MR_PAGE_MAX};
        memcpy(a->ask->u.history.account, a->treasury, MR_ACCOUNT_BYTES);
        const enum mr_status st = admin_call(a);
        if (st != MR_OK) {
            progress_end(&bar);
            return admin_call_failed(a, st);
        }
        const struct mr_rep_history *const rep = &a->reply->body.u.history;
        for (uint32_t i = 0; m->st == MR_OK && i < rep->items_count; i++) {
            const struct mr_history_item *const item = &rep->items[i];
            if (item->voided || !period_has(&m->period, item->time_ms))
                continue;
            if (item->order_count == 0)
                m->erased++;
            else if (item->order[0].order.body.kind == MR_KIND_ISSUE)
                take_issue(m, item);
            else if (item->order[0].order.body.kind == MR_KIND_PAYOUT)
                take_payout(m, item);
        }
        last = rep->last;
        if (rep->items_count == 0)
            break;
        from += rep->items_count;
        progress_update(&bar, from - 1);
    }
    progress_end(&bar);
    return m->st;
}

static void look_up_banks(struct municipal *m)
{
    for (size_t i = 0; i < m->payout_count; i++) {
        struct mr_bank_note note;
        uint8_t ref[MR_HASH_BYTES];
        char *const bank = m->payouts[i].bank;
        memcpy(ref, bank, sizeof ref);
        memset(bank, 0, sizeof m->payouts[i].bank);
        if (bank_line_of(m->a, &note, ref))
            memcpy(bank, note.entry, note.entry_len);
    }
}

/* Once: each is a question to the node, and tables, sheets and lines of a file all say them. */
static void look_up_names(struct municipal *m)
{
    mandate_called(m->name, sizeof m->name, m->a, m->municipality);
    for (size_t i = 0; i < m->conversion_count; i++) {
        struct conversion_line *const line = &m->conversions[i];
        mandate_called(line->payee_name, sizeof line->payee_name, m->a, line->conversion.payee);
    }
}

/* What stands on one sheet: the lines of one payment order, in however many orders of the ledger.
 */
static void find_sheets(struct municipal *m)
{
    char order[CONVERSION_ORDER_MAX + 1];
    for (size_t i = 0; i < m->conversion_count; i++) {
        struct conversion_line *const line = &m->conversions[i];
        size_t first = 0;
        if (conversion_order(order, line->conversion.order) != MR_OK)
            first = i;
        while (first < i &&
               (m->conversions[first].sheet != first ||
                !conversion_is_for(&m->conversions[first].conversion, m->municipality, order)))
            first++;
        line->sheet = first;
        m->orders += first == i;
    }
}

static void take_waiting(void *ctx, const struct mr_state_redemption *r)
{
    struct municipal *const m = ctx;
    if (r->done != 0 || memcmp(r->ref.account, m->municipality, MR_ACCOUNT_BYTES) != 0 ||
        m->st != MR_OK)
        return;
    struct waiting_line *const rows =
        more(m, m->waiting, m->waiting_count, &m->waiting_cap, sizeof *m->waiting);
    if (rows == NULL)
        return;
    m->waiting = rows;
    struct waiting_line *const line = &rows[m->waiting_count++];
    *line = (struct waiting_line){.amount = r->ref.amount, .fee = r->fee, .time_ms = r->time_ms};
    memcpy(line->redemption, r->ref.order, sizeof line->redemption);
    add_to(m, &m->waiting_euros, r->ref.amount);
    add_to(m, &m->waiting_euros, -r->fee);
}

/* --- receipts ----------------------------------------------------------------------------------
 */

static enum mr_status prove(struct municipal *m, struct line_proof *ret, uint64_t seq,
                            const uint8_t order[MR_HASH_BYTES], const char *dir)
{
    struct admin *const a = m->a;
    struct mr_receipt_facts facts;
    a->ask->kind = MR_REQ_SLOT;
    a->ask->u.slot = (struct mr_req_slot){.seq = seq};
    memcpy(a->ask->u.slot.account, a->treasury, MR_ACCOUNT_BYTES);
    enum mr_status st = admin_call(a);
    if (st == MR_NO_ANSWER || st == MR_UNREACHABLE)
        return admin_call_failed(a, st);
    const struct mr_rep_slot *const rep = &a->reply->body.u.slot;
    if (st == MR_SETTLED || st == MR_OK)
        st = rep->receipt_count == 0 ? MR_BODY_ERASED : admin_receipt(&facts, a, &rep->receipt[0]);
    line_proof_take(ret, st, &facts, order);
    if (ret->st != MR_OK) {
        m->unproved++;
        return MR_OK;
    }
    m->unwitnessed += !ret->witnessed;
    return line_proof_save(&a->epochs, a->out, &rep->receipt[0], dir, order);
}

/* The lines of one order have one receipt. */
static void prove_as(struct municipal *m, struct line_proof *ret, const struct line_proof *first)
{
    *ret = *first;
    m->unproved += ret->st != MR_OK;
    m->unwitnessed += ret->st == MR_OK && !ret->witnessed;
}

/* An order of several payees commits to the ids of all their mandates: who holds the receipt needs
 * them to see that one is among them (MUN-8). */
static enum mr_status save_mandates(struct municipal *m, size_t first, const char *dir)
{
    const struct conversion_line *const lines = &m->conversions[first];
    char name[64], path[FILE_PATH_MAX], hex[2 * MR_HASH_BYTES + 1], *text;
    size_t count = 1;
    if (dir == NULL || lines->proof.st != MR_OK)
        return MR_OK;
    while (first + count < m->conversion_count && lines[count].at == count)
        count++;
    text = malloc(count * sizeof hex + 1);
    if (text == NULL)
        return out_fail(m->a->out, MR_NO_MEMORY, NULL);
    for (size_t i = 0; i < count; i++) {
        mr_hex_format(hex, lines[i].conversion.mandate, MR_HASH_BYTES);
        snprintf(text + i * sizeof hex, sizeof hex + 1, "%s\n", hex);
    }
    mr_hex_format(hex, lines->order, MR_HASH_BYTES);
    snprintf(name, sizeof name, "%.16s.mandates", hex);
    enum mr_status st = path_join(path, dir, name);
    if (st == MR_OK)
        st = file_write(path, text, count * sizeof hex, 0644, true);
    free(text);
    return st == MR_OK ? st : out_cannot_write(m->a->out, dir, st);
}

static enum mr_status prove_all(struct municipal *m, const char *dir)
{
    struct progress bar;
    enum mr_status st = dir != NULL ? dir_make(dir) : MR_OK;
    if (st != MR_OK)
        return out_fail(m->a->out, st, "%s: %s", dir, status_sentence(st));
    admin_as(m->a, m->a->treasury);
    progress_begin(&bar, m->a->c, _("checking receipts"), m->conversion_count + m->payout_count);
    for (size_t i = 0; st == MR_OK && i < m->conversion_count; i++) {
        struct conversion_line *const line = &m->conversions[i];
        m->unproved += !line->mandate_good;
        if (line->at == 0)
            st = prove(m, &line->proof, line->seq, line->order, dir);
        else
            prove_as(m, &line->proof, &line[-1].proof);
        if (st == MR_OK && line->at == 1)
            st = save_mandates(m, i - 1, dir);
        progress_update(&bar, i + 1);
    }
    for (size_t i = 0; st == MR_OK && i < m->payout_count; i++) {
        struct payout_line *const line = &m->payouts[i];
        st = prove(m, &line->proof, line->seq, line->order, dir);
        progress_update(&bar, m->conversion_count + i + 1);
    }
    progress_end(&bar);
    return st;
}

/* -----------------------------------------------------------------------------------------------
 */

enum mr_status municipal_read(struct municipal *ret, struct admin *a,
                              const uint8_t municipality[MR_ACCOUNT_BYTES],
                              const struct period *period, const char *receipts)
{
    *ret = (struct municipal){.a = a, .period = *period, .st = MR_OK};
    memcpy(ret->municipality, municipality, sizeof ret->municipality);
    enum mr_status st = mandates_read(&ret->mandates, a);
    if (st == MR_OK)
        st = conversions_read(&ret->known, a);
    if (st == MR_OK)
        st = walk_chain(ret);
    if (st != MR_OK)
        return st;
    if (ret->erased > 0)
        return out_fail(a->out, MR_BODY_ERASED,
                        _("the content of %zu orders of these days was erased after its retention "
                          "time: no slip can be made of them"),
                        ret->erased);
    look_up_banks(ret);
    look_up_names(ret);
    find_sheets(ret);
    st = treasury_each_redemption(a, take_waiting, ret);
    if (st == MR_OK)
        st = ret->st;
    return st == MR_OK ? prove_all(ret, receipts) : st;
}

void municipal_done(struct municipal *m)
{
    mandates_free(&m->mandates);
    conversions_free(&m->known);
    free(m->conversions);
    free(m->payouts);
    free(m->waiting);
    *m = (struct municipal){.a = m->a};
}
