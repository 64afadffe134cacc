/* Rows of the tables, out of what the audit found. */
#include <string.h>

#include "audit/export_kinds.h"
#include "audit/export_tables.h"

static struct export_cell number(int64_t v)
{
    return (struct export_cell){.number = v};
}

static struct export_cell number_if(bool there, int64_t v)
{
    return (struct export_cell){.lacks = !there, .number = v};
}

static struct export_cell bytes(const uint8_t *b, size_t len)
{
    return (struct export_cell){.lacks = b == NULL, .bytes = b, .len = len};
}

static struct export_cell id(const uint8_t *b)
{
    return bytes(b, MR_ACCOUNT_BYTES);
}

static struct export_cell text(const char *t)
{
    return (struct export_cell){.lacks = t == NULL, .bytes = t, .len = t == NULL ? 0 : strlen(t)};
}

static enum mr_status put(const struct export_sink *sink, enum export_table_id table,
                          const struct export_cell *cells)
{
    return sink->wants[table] ? sink->row(sink->ctx, table, cells) : MR_OK;
}

enum mr_status export_rows_fixed(struct export_run *run, const struct export_sink *sink)
{
    const struct mr_charter *const charter = mr_audit_charter(run->audit);
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; i < charter->units_count && st == MR_OK; i++) {
        const struct mr_unit *const u = &charter->units[i];
        const struct export_cell row[] = {number(i), text(u->code), text(u->name),
                                          number(u->decimals), text(mr_unit_role_text(u->role))};
        st = put(sink, EXPORT_UNITS, row);
    }
    for (unsigned k = 1; k < EXPORT_KINDS_END && st == MR_OK; k++) {
        const enum mr_order_kind kind = (enum mr_order_kind)k;
        const struct export_cell row[] = {text(mr_order_kind_text(kind)), number(k),
                                          text(export_kind_meaning(kind))};
        if (!row[0].lacks)
            st = put(sink, EXPORT_KINDS, row);
    }
    return st;
}

enum mr_status export_rows_association(struct export_run *run, const struct export_sink *sink,
                                       uint32_t place)
{
    const struct mr_association *const a = &mr_audit_charter(run->audit)->associations[place];
    const struct export_cell row[] = {id(a->id), text(a->alias), text(a->name)};
    return put(sink, EXPORT_ASSOCIATIONS, row);
}

enum mr_status export_rows_account(struct export_run *run, const struct export_sink *sink,
                                   const struct export_account *x)
{
    struct mr_audit_account a = {.id = x->id};
    mr_audit_account(run->audit, x->id, &a);
    const struct mr_list *const l = run->has_key ? NULL : a.listing;
    const struct export_cell row[] = {id(x->shown),
                                      text(a.opened ? mr_account_class_text(a.class) : NULL),
                                      id(a.association),
                                      number_if(a.opened_ms != 0, (int64_t)a.opened_ms),
                                      number(a.frozen),
                                      number(a.closed),
                                      text(l == NULL ? NULL : l->trade),
                                      text(l == NULL ? NULL : l->town)};
    return put(sink, EXPORT_ACCOUNTS, row);
}

/* --- an order -----------------------------------------------------------------------------------
 */

static enum mr_status order_row(struct export_run *run, const struct export_sink *sink,
                                const struct export_slot *slot)
{
    const struct mr_audit_effect *const e = slot->e;
    struct export_facts f = {0};
    if (e->order != NULL)
        f = export_facts(e->order);
    uint8_t value[MR_HASH_BYTES], about[MR_ACCOUNT_BYTES];
    export_pseudonym(run, value, e->value, sizeof value);
    if (f.about != NULL)
        export_pseudonym(run, about, f.about, sizeof about);
    const struct export_cell row[] = {
        id(slot->chain->shown),
        number((int64_t)e->seq),
        bytes(value, sizeof value),
        text(e->order == NULL ? NULL : mr_order_kind_text(e->order->body.kind)),
        number((int64_t)e->time_ms),
        number((int64_t)e->settled_ms),
        number_if(f.has_amount, f.unit),
        number_if(f.has_amount, f.amount),
        number_if(f.has_amount, f.fee),
        id(f.about == NULL ? NULL : about),
        number_if(f.about_seq != 0, (int64_t)f.about_seq)};
    return put(sink, EXPORT_ORDERS, row);
}

static enum mr_status posting_rows(const struct export_sink *sink, const struct export_slot *slot)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; i < slot->e->postings_count && st == MR_OK; i++) {
        const struct mr_posting *const p = &slot->e->postings[i];
        const struct export_cell row[] = {id(slot->chain->shown), number((int64_t)slot->e->seq),
                                          number(i + 1),          id(slot->accounts[i]->shown),
                                          number(p->unit),        number(p->delta)};
        st = put(sink, EXPORT_POSTINGS, row);
    }
    return st;
}

/* Units other than the local one move beside it, in the reserve; a PAY may be in any. */
static const char *movement_kind(const struct export_run *run, const struct export_slot *slot,
                                 uint32_t unit, const struct export_account *to)
{
    const struct mr_order *const o = slot->e->order;
    const bool mirror = mr_audit_charter(run->audit)->units[unit].role == MR_UNIT_RESERVE;
    struct mr_audit_account a = {.opened = false};
    const bool own = mr_audit_account(run->audit, to->id, &a) && a.class == MR_CLASS_OWN;
    const enum mr_order_kind kind = o == NULL ? MR_KIND_CUT : o->body.kind;
    if (kind == MR_KIND_PAY)
        return own ? "fee" : "pay";
    if (kind == MR_KIND_ISSUE)
        return mirror ? "reserve_in" : "issue";
    if (kind == MR_KIND_REDEEM)
        return "redeem";
    if (kind == MR_KIND_PAYOUT)
        return mirror ? "reserve_out" : own ? "payout_fee" : "payout";
    if (kind == MR_KIND_RETURN)
        return "return";
    if (kind == MR_KIND_SWEEP)
        return "sweep";
    if (kind == MR_KIND_CLEAR)
        return mirror ? "reserve_clear" : "clear";
    return "other";
}

/* The next posting of a unit on one side that is not used up, from *at on. */
static bool next_side(const struct mr_posting *p, uint32_t count, uint32_t unit, bool debit,
                      uint32_t *at, int64_t *left)
{
    while (*left == 0) {
        if (*at == count)
            return false;
        const struct mr_posting *const q = &p[(*at)++];
        if (q->unit == unit && (q->delta < 0) == debit)
            *left = debit ? -q->delta : q->delta;
    }
    return true;
}

static enum mr_status movement_rows(struct export_run *run, const struct export_sink *sink,
                                    const struct export_slot *slot, uint32_t unit, uint32_t *line)
{
    const struct mr_posting *const p = slot->e->postings;
    const uint32_t count = slot->e->postings_count;
    uint32_t from = 0, to = 0;
    int64_t debit = 0, credit = 0;
    enum mr_status st = MR_OK;
    while (st == MR_OK && next_side(p, count, unit, true, &from, &debit) &&
           next_side(p, count, unit, false, &to, &credit)) {
        const int64_t amount = debit < credit ? debit : credit;
        const struct export_account *const payee = slot->accounts[to - 1];
        const struct export_cell row[] = {id(slot->chain->shown),
                                          number((int64_t)slot->e->seq),
                                          number(++*line),
                                          number((int64_t)slot->e->time_ms),
                                          text(movement_kind(run, slot, unit, payee)),
                                          id(slot->accounts[from - 1]->shown),
                                          id(payee->shown),
                                          number(unit),
                                          number(amount)};
        st = put(sink, EXPORT_MOVEMENTS, row);
        debit -= amount;
        credit -= amount;
    }
    return st;
}

enum mr_status export_rows_order(struct export_run *run, const struct export_sink *sink,
                                 const struct export_slot *slot)
{
    uint32_t line = 0;
    enum mr_status st = order_row(run, sink, slot);
    if (st == MR_OK)
        st = posting_rows(sink, slot);
    const uint32_t units = mr_audit_charter(run->audit)->units_count;
    for (uint32_t u = 0; u < units && st == MR_OK && sink->wants[EXPORT_MOVEMENTS]; u++)
        st = movement_rows(run, sink, slot, u, &line);
    return st;
}

enum mr_status export_rows_balances(struct export_run *run, const struct export_sink *sink,
                                    const struct export_account *x)
{
    enum mr_status st = MR_OK;
    const uint32_t units = mr_audit_charter(run->audit)->units_count;
    for (uint32_t u = 0; u < units && st == MR_OK && x->moved; u++) {
        const struct export_cell row[] = {id(x->shown), number(u), number(x->opening[u]),
                                          number(x->opening[u] + x->change[u])};
        st = put(sink, EXPORT_BALANCES, row);
    }
    return st;
}
