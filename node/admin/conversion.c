#include "admin/conversion.h"

#include <string.h>

#include "admin/treasury.h"
#include "mereau/amount.h"
#include "mereau/mandate.h"

enum { SHORT_ID = 16 };

enum mr_status conversion_order(char ret[CONVERSION_ORDER_MAX + 1], const char *text)
{
    return mr_reference_normalise(ret, CONVERSION_ORDER_MAX + 1, text);
}

bool conversion_is_claimed(const struct mr_order *o)
{
    static const uint8_t none[MR_HASH_BYTES];
    return o->body.kind == MR_KIND_ISSUE && memcmp(o->ref, none, sizeof none) != 0;
}

bool conversion_is(const struct mr_order *o, const struct mr_conversion *c)
{
    char order[CONVERSION_ORDER_MAX + 1];
    uint8_t ref[MR_HASH_BYTES];
    const struct mr_issue *const issue = &o->body.u.issue;
    if (o->body.kind != MR_KIND_ISSUE || issue->banks_count != 1 || issue->lines_count != 1 ||
        conversion_order(order, c->order) != MR_OK)
        return false;
    mr_conversion_ref(ref, o->salt, c->mandate, order);
    return memcmp(o->ref, ref, sizeof ref) == 0 &&
           memcmp(issue->banks[0].ref, c->note.ref, MR_HASH_BYTES) == 0 &&
           issue->banks[0].amount == c->amount && issue->lines[0].amount == c->amount &&
           memcmp(issue->lines[0].member, c->payee, MR_ACCOUNT_BYTES) == 0;
}

const struct conversion_row *conversion_of(const struct conversions *all, const struct mr_order *o)
{
    for (size_t i = 0; i < all->count; i++)
        if (conversion_is(o, &all->rows[i].conversion))
            return &all->rows[i];
    return NULL;
}

enum mr_status conversion_look(struct admin *a, struct conversion_facts *ret,
                               const struct mr_conversion *c)
{
    const enum mr_status st = treasury_ask_bank(a, c->note.ref);
    *ret = (struct conversion_facts){.state = CONVERSION_OPEN};
    if (st == MR_NOT_FOUND)
        return MR_OK;
    if (st != MR_OK)
        return admin_call_failed(a, st);
    const struct mr_rep_bank *const rep = &a->reply->body.u.bank;
    ret->settled_ms = rep->time_ms;
    ret->slot = rep->slot;
    /* What was erased after its retention is what the register says it was. */
    ret->state = rep->order_count == 0 || conversion_is(&rep->order[0].order, c)
                     ? CONVERSION_SETTLED
                     : CONVERSION_OTHER;
    return MR_OK;
}

enum mr_status conversion_used(struct admin *a, int64_t *ret, const struct conversions *all,
                               const uint8_t mandate[MR_HASH_BYTES],
                               const uint8_t except[MR_ACCOUNT_BYTES])
{
    *ret = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct conversion_row *const row = &all->rows[i];
        struct conversion_facts facts;
        if (memcmp(row->conversion.mandate, mandate, MR_HASH_BYTES) != 0 ||
            memcmp(row->key, except, MR_ACCOUNT_BYTES) == 0)
            continue;
        const enum mr_status st = conversion_look(a, &facts, &row->conversion);
        if (st != MR_OK)
            return st;
        const bool may_come = facts.state == CONVERSION_OPEN &&
                              row->conversion.time_ms + CONVERSION_OPEN_MS > admin_now_ms();
        if (facts.state != CONVERSION_SETTLED && !may_come)
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
    return out_fail(a->out, st,
                    _("payment order \"%s\" is not to be signed: %s. Withdraw the draft"), c->order,
                    status_sentence(st));
}

static enum mr_status vouch(struct admin *a, const struct conversions *all,
                            const struct mandates *mandates, const struct mr_order *o)
{
    int64_t used;
    const struct conversion_row *const row = conversion_of(all, o);
    if (row == NULL)
        return out_fail(a->out, MR_MANDATE_UNKNOWN,
                        _("the draft says that it is an assigned conversion, and the register "
                          "holds none that it is: do not sign, withdraw it"));
    const struct mandate_row *const mandate = mandate_of(mandates, row->conversion.mandate);
    if (mandate == NULL)
        return refuse(a, &row->conversion, MR_MANDATE_UNKNOWN);
    enum mr_status st = conversion_used(a, &used, all, mandate->id, row->key);
    if (st != MR_OK)
        return st;
    st = conversion_allowed(a, mandate, &row->conversion, used);
    return st == MR_OK ? st : refuse(a, &row->conversion, st);
}

enum mr_status conversion_vouch(struct admin *a, const struct mr_order *o)
{
    struct conversions all = {NULL, 0, 0};
    struct mandates mandates = {NULL, 0, 0};
    if (!conversion_is_claimed(o))
        return MR_OK;
    enum mr_status st = conversions_read(&all, a);
    if (st == MR_OK)
        st = mandates_read(&mandates, a);
    if (st == MR_OK)
        st = vouch(a, &all, &mandates, o);
    conversions_free(&all);
    mandates_free(&mandates);
    return st;
}

void conversion_forget(struct admin *a, const struct mr_order *o)
{
    struct conversions all = {NULL, 0, 0};
    struct conversion_facts facts;
    if (!conversion_is_claimed(o))
        return;
    if (conversions_read(&all, a) == MR_OK) {
        const struct conversion_row *const row = conversion_of(&all, o);
        if (row != NULL && conversion_look(a, &facts, &row->conversion) == MR_OK &&
            facts.state == CONVERSION_OPEN)
            conversion_drop(a, row->key);
    }
    conversions_free(&all);
}

void conversion_describe(struct admin *a, const struct mr_order *o)
{
    struct conversions all = {NULL, 0, 0};
    if (!conversion_is_claimed(o))
        return;
    if (a->link == NULL || a->signer == NULL || signer_is_governance(a->signer)) {
        out_print(a->out, _("  assigned conversion: what it cites can be seen with the key of an "
                            "operator\n"));
        return;
    }
    if (conversions_read(&all, a) == MR_OK) {
        const struct conversion_row *const row = conversion_of(&all, o);
        if (row == NULL)
            out_print(a->out, _("  ASSIGNED CONVERSION THAT THE REGISTER DOES NOT KNOW: do not "
                                "sign\n"));
        else
            out_print(a->out,
                      _("  assigned conversion: payment order \"%s\" of %s, mandate %.*s\n"),
                      row->conversion.order, admin_address(a, row->conversion.municipality),
                      SHORT_ID, admin_hex(row->conversion.mandate));
    }
    conversions_free(&all);
}
