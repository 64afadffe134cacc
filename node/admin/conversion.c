#include "admin/conversion.h"

#include <string.h>

#include "admin/treasury.h"
#include "mereau/amount.h"
#include "mereau/mandate.h"

enum mr_status conversion_order(char ret[CONVERSION_ORDER_MAX + 1], const char *text)
{
    return mr_reference_normalise(ret, CONVERSION_ORDER_MAX + 1, text);
}

bool conversion_is_claimed(const struct mr_order *o)
{
    static const uint8_t none[MR_HASH_BYTES];
    return o->body.kind == MR_KIND_ISSUE && memcmp(o->ref, none, sizeof none) != 0;
}

bool conversion_is_for(const struct mr_conversion *c, const uint8_t municipality[MR_ACCOUNT_BYTES],
                       const char *order)
{
    char own[CONVERSION_ORDER_MAX + 1];
    return memcmp(c->municipality, municipality, MR_ACCOUNT_BYTES) == 0 &&
           conversion_order(own, c->order) == MR_OK && strcmp(own, order) == 0;
}

/* Rows of a bank line stand side by side: the first of them. */
static size_t first_of(const struct conversions *all, const uint8_t ref[MR_HASH_BYTES])
{
    size_t low = 0, high = all->count;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (memcmp(all->rows[mid].conversion.note.ref, ref, MR_HASH_BYTES) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool is_of_bank_line(const struct conversions *all, size_t i,
                            const uint8_t ref[MR_HASH_BYTES])
{
    return i < all->count && memcmp(all->rows[i].conversion.note.ref, ref, MR_HASH_BYTES) == 0;
}

static bool is_of_line(const struct mr_conversion *c, const struct mr_issue_line *line)
{
    return c->amount == line->amount && memcmp(c->payee, line->member, MR_ACCOUNT_BYTES) == 0;
}

/* Whether the order cites this payment order and a mandate of each payee. */
static bool explains(const struct conversions *all, const struct mr_order *o,
                     const struct mr_conversion *of, size_t ret[MR_LINES_MAX])
{
    const struct mr_issue *const issue = &o->body.u.issue;
    const uint8_t *const bank = issue->banks[0].ref;
    uint8_t mandates[MR_LINES_MAX][MR_HASH_BYTES], ref[MR_HASH_BYTES];
    char order[CONVERSION_ORDER_MAX + 1];
    if (conversion_order(order, of->order) != MR_OK)
        return false;
    for (uint32_t k = 0; k < issue->lines_count; k++) {
        size_t i = first_of(all, bank);
        while (is_of_bank_line(all, i, bank) &&
               !(is_of_line(&all->rows[i].conversion, &issue->lines[k]) &&
                 conversion_is_for(&all->rows[i].conversion, of->municipality, order)))
            i++;
        if (!is_of_bank_line(all, i, bank))
            return false;
        memcpy(mandates[k], all->rows[i].conversion.mandate, MR_HASH_BYTES);
        ret[k] = i;
    }
    mr_conversion_ref(ref, o->salt, mandates[0], issue->lines_count, order);
    return memcmp(o->ref, ref, sizeof ref) == 0;
}

size_t conversions_of(const struct conversions *all, const struct mr_order *o,
                      size_t ret[MR_LINES_MAX])
{
    const struct mr_issue *const issue = &o->body.u.issue;
    if (o->body.kind != MR_KIND_ISSUE || issue->banks_count != 1 || issue->lines_count == 0)
        return 0;
    const uint8_t *const bank = issue->banks[0].ref;
    for (size_t i = first_of(all, bank); is_of_bank_line(all, i, bank); i++)
        if (is_of_line(&all->rows[i].conversion, &issue->lines[0]) &&
            explains(all, o, &all->rows[i].conversion, ret))
            return issue->lines_count;
    return 0;
}

enum mr_status conversion_look(struct admin *a, const struct conversions *all,
                               struct conversion_row *row)
{
    size_t of[MR_LINES_MAX], count = 0;
    if (row->looked)
        return MR_OK;
    const uint8_t *const ref = row->conversion.note.ref;
    const enum mr_status st = treasury_ask_bank(a, ref);
    if (st != MR_OK && st != MR_NOT_FOUND)
        return admin_call_failed(a, st);
    const struct mr_rep_bank *const rep = &a->reply->body.u.bank;
    struct conversion_facts facts = {.state = CONVERSION_OPEN};
    if (st == MR_OK) {
        /* What was erased after its retention is what the register says it was. */
        facts = (struct conversion_facts){.state = rep->order_count == 0 ? CONVERSION_SETTLED
                                                                         : CONVERSION_OTHER,
                                          .settled_ms = rep->time_ms,
                                          .slot = rep->slot};
        if (rep->order_count > 0)
            count = conversions_of(all, &rep->order[0].order, of);
    }
    for (size_t i = first_of(all, ref); is_of_bank_line(all, i, ref); i++) {
        all->rows[i].facts = facts;
        all->rows[i].looked = true;
    }
    for (size_t k = 0; k < count; k++)
        all->rows[of[k]].facts.state = CONVERSION_SETTLED;
    return MR_OK;
}

bool conversion_is_alive(const struct conversion_row *row)
{
    return row->facts.state == CONVERSION_SETTLED ||
           (row->facts.state == CONVERSION_OPEN &&
            row->conversion.time_ms + CONVERSION_OPEN_MS > admin_now_ms());
}

enum mr_status conversion_used(struct admin *a, int64_t *ret, const struct conversions *all,
                               const uint8_t mandate[MR_HASH_BYTES],
                               const uint8_t except[MR_ACCOUNT_BYTES])
{
    *ret = 0;
    for (size_t i = 0; i < all->count; i++) {
        struct conversion_row *const row = &all->rows[i];
        if (memcmp(row->conversion.mandate, mandate, MR_HASH_BYTES) != 0 ||
            memcmp(row->key, except, MR_ACCOUNT_BYTES) == 0)
            continue;
        const enum mr_status st = conversion_look(a, all, row);
        if (st != MR_OK)
            return st;
        if (!conversion_is_alive(row))
            continue;
        if (!mr_amount_add(ret, *ret, row->conversion.amount))
            return out_fail(a->out, MR_AMOUNT_TOO_LARGE, NULL);
    }
    return MR_OK;
}

enum mr_status conversion_allowed(const struct admin *a, const struct mandate_row *row,
                                  const struct mr_conversion *c, int64_t used)
{
    const struct mr_mandate_use use = {.ledger = a->ledger,
                                       .payee = c->payee,
                                       .municipality = c->municipality,
                                       .association = a->home->id,
                                       .now_ms = admin_now_ms(),
                                       .amount = c->amount,
                                       .used = used};
    if (row->entry.revoked_ms != 0)
        return MR_MANDATE_REVOKED;
    const enum mr_status st = mr_mandate_verify(&row->entry.mandate, &row->entry.keys);
    return st == MR_OK ? mr_mandate_allows(&row->entry.mandate.mandate, &use) : st;
}

/* --- for the next signer -----------------------------------------------------------------------
 */

static enum mr_status refuse(struct admin *a, const struct mr_conversion *c, enum mr_status st)
{
    return out_fail(
        a->out, st,
        _("payment order \"%s\", %s to %s, is not to be signed: %s. Withdraw the draft"), c->order,
        admin_amount(a, c->amount), admin_address(a, c->payee), status_sentence(st));
}

/* One that counted no more may have been ordered again since, by another bank line. */
static enum mr_status vouch_line(struct admin *a, const struct conversions *all,
                                 const struct mandates *mandates, struct conversion_row *row)
{
    int64_t used;
    const enum mr_status looked = conversion_look(a, all, row);
    if (looked != MR_OK)
        return looked;
    if (!conversion_is_alive(row))
        return refuse(a, &row->conversion,
                      row->facts.state == CONVERSION_OPEN ? MR_EXPIRED : MR_BANK_REF_USED);
    const struct mandate_row *const mandate = mandate_of(mandates, row->conversion.mandate);
    if (mandate == NULL)
        return refuse(a, &row->conversion, MR_MANDATE_UNKNOWN);
    enum mr_status st = conversion_used(a, &used, all, mandate->id, row->key);
    if (st != MR_OK)
        return st;
    st = conversion_allowed(a, mandate, &row->conversion, used);
    return st == MR_OK ? st : refuse(a, &row->conversion, st);
}

static enum mr_status count_from_now(struct admin *a, struct conversion_row *row)
{
    row->conversion.time_ms = admin_now_ms();
    const enum mr_status st = conversion_put(a, row->key, &row->conversion);
    return st == MR_OK ? st : admin_call_failed(a, st);
}

static enum mr_status vouch(struct admin *a, const struct conversions *all,
                            const struct mandates *mandates, const struct mr_order *o, bool first)
{
    size_t of[MR_LINES_MAX];
    const size_t count = conversions_of(all, o, of);
    enum mr_status st = MR_OK;
    if (count == 0)
        return out_fail(a->out, MR_MANDATE_UNKNOWN,
                        _("the draft says that it is an assigned conversion, and the register "
                          "holds none that it is: do not sign, withdraw it"));
    for (size_t k = 0; st == MR_OK && k < count; k++)
        st = vouch_line(a, all, mandates, &all->rows[of[k]]);
    for (size_t k = 0; first && st == MR_OK && k < count; k++)
        st = count_from_now(a, &all->rows[of[k]]);
    return st;
}

enum mr_status conversion_vouch(struct admin *a, const struct mr_order *o, bool first)
{
    struct conversions all = {NULL, 0, 0};
    struct mandates mandates = {NULL, 0, 0};
    if (!conversion_is_claimed(o))
        return MR_OK;
    enum mr_status st = conversions_read(&all, a);
    if (st == MR_OK)
        st = mandates_read(&mandates, a);
    if (st == MR_OK)
        st = vouch(a, &all, &mandates, o, first);
    conversions_free(&all);
    mandates_free(&mandates);
    return st;
}

void conversion_forget(struct admin *a, const struct mr_order *o)
{
    struct conversions all = {NULL, 0, 0};
    size_t of[MR_LINES_MAX], count = 0;
    if (!conversion_is_claimed(o))
        return;
    if (conversions_read(&all, a) == MR_OK)
        count = conversions_of(&all, o, of);
    if (count > 0 && conversion_look(a, &all, &all.rows[of[0]]) == MR_OK &&
        all.rows[of[0]].facts.state == CONVERSION_OPEN)
        for (size_t k = 0; k < count; k++)
            conversion_drop(a, all.rows[of[k]].key);
    conversions_free(&all);
}

void conversion_describe(struct admin *a, const struct mr_order *o)
{
    struct conversions all = {NULL, 0, 0};
    size_t of[MR_LINES_MAX];
    if (!conversion_is_claimed(o))
        return;
    if (a->link == NULL || a->signer == NULL || signer_is_governance(a->signer)) {
        out_print(a->out, _("  assigned conversion: what it cites can be seen with the key of an "
                            "operator\n"));
        return;
    }
    if (conversions_read(&all, a) == MR_OK) {
        const size_t count = conversions_of(&all, o, of);
        if (count == 0)
            out_print(a->out, _("  ASSIGNED CONVERSION THAT THE REGISTER DOES NOT KNOW: do not "
                                "sign\n"));
        for (size_t k = 0; k < count; k++) {
            const struct mr_conversion *const c = &all.rows[of[k]].conversion;
            if (k == 0)
                out_print(a->out, _("  assigned conversion: payment order \"%s\" of %s\n"),
                          c->order, admin_address(a, c->municipality));
            out_print(a->out, _("    to %s by mandate %.*s  %s\n"), admin_address(a, c->payee),
                      CONVERT_ID_DIGITS, admin_hex(c->mandate), c->label);
        }
    }
    conversions_free(&all);
}
