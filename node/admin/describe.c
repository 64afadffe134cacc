#include "admin/describe.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "admin/bank.h"
#include "admin/clearing.h"
#include "admin/conversion.h"
#include "admin/members.h"
#include "admin/next.h"
#include "common/amount_text.h"
#include "mereau/codec.h"
#include "mereau/order.h"

json_t *order_to_json(const struct mr_order *o)
{
    uint8_t id[32];
    const size_t len = mr_order_body_json(&o->body, NULL, 0);
    char *text = malloc(len + 1);
    if (text == NULL)
        return NULL;
    mr_order_body_json(&o->body, text, len + 1);
    mr_order_id(id, o);
    json_t *body = json_loads(text, 0, NULL);
    free(text);
    return json_pack("{s:s,s:I,s:s,s:o*}", "kind", mr_order_kind_text(o->body.kind), "seq",
                     (json_int_t)o->seq, "order", admin_hex(id), "body", body);
}

json_t *orders_to_json(const struct mr_draft *d)
{
    json_t *const ret = json_array();
    for (uint32_t i = 0; i < d->orders_count; i++)
        json_array_append_new(ret, order_to_json(&d->orders[i].order));
    return ret;
}

const char *describe_chain(const struct admin *a, const uint8_t chain[MR_ACCOUNT_BYTES])
{
    if (memcmp(chain, a->desk, 16) == 0)
        return N_("desk");
    if (memcmp(chain, a->treasury, 16) == 0)
        return N_("treasury");
    return memcmp(chain, a->system, 16) == 0 ? N_("system") : NULL;
}

/* An address, and whose it is when the register says so. */
static const char *who(struct admin *a, const uint8_t account[16])
{
    static char text[MR_ADDRESS_TEXT_MAX + MR_NAME_MAX + 8];
    struct roll_entry e;
    if (!roll_one(a, &e, account))
        return admin_address(a, account);
    snprintf(text, sizeof text, "%s (%s)", admin_address(a, account), e.member.identity.name);
    sodium_memzero(&e, sizeof e);
    return text;
}

/* The text of a bank line, when the draft has it and it is the one of the reference. */
static const char *bank_text(struct admin *a, const uint8_t ref[32],
                             const struct mr_bank_note *notes, uint32_t count)
{
    uint8_t own[32];
    for (uint32_t i = 0; i < count; i++) {
        if (memcmp(notes[i].ref, ref, sizeof own) != 0)
            continue;
        if (a->signer == NULL)
            return notes[i].entry;
        if (bank_ref(own, a->signer->key->bank_secret, notes[i].account, notes[i].entry) != MR_OK ||
            memcmp(own, ref, sizeof own) != 0)
            return _("A TEXT THAT IS NOT THE ONE OF THE REFERENCE: do not sign");
        return notes[i].entry;
    }
    return _("without text");
}

static void describe_issue(struct admin *a, const struct mr_issue *issue,
                           const struct mr_bank_note *notes, uint32_t notes_count)
{
    for (uint32_t b = 0; b < issue->banks_count; b++) {
        out_print(a->out, _("  bank line of %s: %s\n"), admin_amount(a, issue->banks[b].amount),
                  bank_text(a, issue->banks[b].ref, notes, notes_count));
        for (uint32_t i = 0; i < issue->lines_count; i++)
            if (issue->lines[i].bank == b)
                out_print(a->out, _("    issue %s to %s\n"),
                          admin_amount(a, issue->lines[i].amount), who(a, issue->lines[i].member));
    }
}

static void describe_limits(struct admin *a, const struct mr_grant *g)
{
    out_print(a->out, _("  account %s\n"), who(a, g->account));
    out_print(a->out,
              _("  credit %s, limits: payment %s, day %s, month %s (0: those of the "
                "class)\n"),
              admin_amount(a, g->credit), admin_amount(a, g->limit_payment),
              admin_amount(a, g->limit_day), admin_amount(a, g->limit_month));
}

static void describe_redemption(struct admin *a, const struct mr_redemption_ref *r)
{
    out_print(a->out, _("  redemption %.8s of %s by %s\n"), admin_hex(r->order),
              admin_amount(a, r->amount), who(a, r->account));
}

void describe_policy(struct admin *a, const struct mr_policy *p)
{
    if (p->start_day == 0)
        out_print(a->out, _("  rules number %u, in force from the beginning\n"), p->version);
    else
        out_print(a->out, _("  rules number %u, in force from %.10s\n"), p->version,
                  admin_time(p->start_day * MR_DAY_MS));
    for (uint32_t i = 0; i < p->classes_count; i++) {
        const struct mr_class_rule *r = &p->classes[i];
        out_print(a->out,
                  _("  %s: pays %s, receives %s, redeems %s; at most %s a payment, %s a day, "
                    "%s a month\n"),
                  class_word(r->class), r->may_pay ? _("yes") : _("no"),
                  r->may_receive ? _("yes") : _("no"), r->may_redeem ? _("yes") : _("no"),
                  admin_amount(a, r->limit_payment), admin_amount(a, r->limit_day),
                  admin_amount(a, r->limit_month));
    }
    for (uint32_t i = 0; i < p->fees_count; i++) {
        const struct mr_fee_rule *f = &p->fees[i];
        if (f->start_day == 0)
            out_print(a->out, _("  fee (%s, %s): %u.%02u %%\n"), kind_word(f->kind),
                      class_word(f->class), f->basis_points / 100, f->basis_points % 100);
        else
            out_print(a->out, _("  fee (%s, %s): %u.%02u %%, from %.10s\n"), kind_word(f->kind),
                      class_word(f->class), f->basis_points / 100, f->basis_points % 100,
                      admin_time(f->start_day * MR_DAY_MS));
    }
}

static void describe_cap(struct admin *a, const struct mr_cap *cap)
{
    const char *name = "?";
    for (uint32_t i = 0; i < a->charter->associations_count; i++)
        if (memcmp(a->charter->associations[i].id, cap->association, 16) == 0)
            name = a->charter->associations[i].name;
    out_print(a->out, _("  %s: at most %s outstanding\n"), name, admin_amount(a, cap->cap));
}

/* A bank line of another association: its reference is keyed with a secret that is not ours. */
static const char *their_text(const struct mr_clearing *k, const struct mr_bank_note *notes,
                              uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(notes[i].ref, k->bank_ref, MR_HASH_BYTES) == 0)
            return notes[i].entry;
    return _("without text");
}

static void describe_clear(struct admin *a, const struct mr_clear *b,
                           const struct mr_bank_note *notes, uint32_t notes_count)
{
    const struct mr_clearing *k = &b->clearing;
    const struct mr_association *from = clearing_by_id(a->charter, k->from);
    const struct mr_association *to = clearing_by_id(a->charter, k->to);
    const bool own = memcmp(k->from, a->home->id, MR_ACCOUNT_BYTES) == 0;
    /* TRANSLATORS: giver, euros, taker; then the taker and units. */
    out_print(a->out, _("  %s gives %s to %s, which owes %s more for it\n"),
              from != NULL ? from->name : "?", admin_euros(a, k->amount),
              to != NULL ? to->name : "?", admin_amount(a, k->amount));
    out_print(a->out, _("  paid with bank line: %s\n"),
              own ? bank_text(a, k->bank_ref, notes, notes_count)
                  : their_text(k, notes, notes_count));
    if (b->sigs_count > 0 && mr_clear_verify(b, a->ledger) == MR_BAD_SIGNATURE)
        out_print(a->out, _("  A COUNTERSIGNATURE IS WRONG: do not sign\n"));
    else if (b->sigs_count > 0)
        out_print(a->out, _("  countersigned by %u of %u operators\n"), b->sigs_count,
                  b->keys.threshold);
    else
        out_print(a->out, _("  not countersigned yet\n"));
}

static void describe_money(struct admin *a, const struct mr_order_body *b,
                           const struct mr_bank_note *notes, uint32_t notes_count)
{
    if (b->kind == MR_KIND_ISSUE) {
        describe_issue(a, &b->u.issue, notes, notes_count);
    } else if (b->kind == MR_KIND_PAYOUT) {
        describe_redemption(a, &b->u.payout.redemption);
        out_print(a->out, _("  paid with bank line: %s; fee %s\n"),
                  bank_text(a, b->u.payout.bank_ref, notes, notes_count),
                  admin_amount(a, b->u.payout.fee));
    } else if (b->kind == MR_KIND_RETURN) {
        describe_redemption(a, &b->u.return_.redemption);
    } else if (b->kind == MR_KIND_PAY) {
        for (uint32_t i = 0; i < b->u.pay.lines_count; i++)
            out_print(a->out, _("  pay %s to %s\n"), admin_amount(a, b->u.pay.lines[i].amount),
                      who(a, b->u.pay.lines[i].payee));
    } else if (b->kind == MR_KIND_SWEEP) {
        out_print(a->out, _("  move %s from closed account %s to the association\n"),
                  admin_amount(a, b->u.sweep.amount), who(a, b->u.sweep.account));
    } else if (b->kind == MR_KIND_CAP) {
        describe_cap(a, &b->u.cap);
    } else if (b->kind == MR_KIND_CLEAR) {
        describe_clear(a, &b->u.clear, notes, notes_count);
    }
}

static void describe_keys(struct admin *a, const struct mr_setkeys *s)
{
    out_print(a->out, _("  generation %u: %u keys, %u of them sign\n"), s->generation,
              s->keys.keys_count, s->keys.threshold);
    for (uint32_t i = 0; i < s->keys.keys_count; i++)
        out_print(a->out, "    %u: %.16s...\n", i + 1, admin_hex(s->keys.keys[i].key));
}

static void describe_recovery(struct admin *a, const struct mr_order *o)
{
    const struct mr_order_body *const b = &o->body;
    if (b->kind == MR_KIND_RECOVER) {
        out_print(a->out, _("  give %s new keys, unless the owner objects before %s:\n"),
                  who(a, b->u.recover.account), admin_time(o->not_after_ms + MR_RECOVERY_MS));
        describe_keys(a, &b->u.recover.keys);
    } else {
        out_print(a->out, _("  put these keys of %s in force, by recovery %llu:\n"),
                  who(a, o->account), (unsigned long long)b->u.takeover.recover);
        describe_keys(a, &b->u.takeover.keys);
    }
}

void describe_order(struct admin *a, const struct mr_order *o, const struct mr_bank_note *notes,
                    uint32_t notes_count)
{
    const struct mr_order_body *b = &o->body;
    uint8_t id[32];
    mr_order_id(id, o);
    out_print(a->out, _("%s (place %llu, order %.16s, until %s)\n"), order_word(b),
              (unsigned long long)o->seq, admin_hex(id), admin_time(o->not_after_ms));
    if (b->kind == MR_KIND_OPEN)
        out_print(a->out, _("  open %s as %s\n"), who(a, b->u.open.account),
                  class_word(b->u.open.class));
    else if (b->kind == MR_KIND_FLAG)
        out_print(a->out, b->u.flag.frozen ? _("  freeze %s\n") : _("  unfreeze %s\n"),
                  who(a, b->u.flag.account));
    else if (b->kind == MR_KIND_LIST)
        out_print(a->out,
                  b->u.list.listed ? _("  list %s as \"%s\": %s, %s\n")
                                   : _("  take %s, \"%s\", off the list\n"),
                  who(a, b->u.list.account), b->u.list.alias, b->u.list.name, b->u.list.town);
    else if (b->kind == MR_KIND_GRANT)
        describe_limits(a, &b->u.grant);
    else if (b->kind == MR_KIND_LOWER)
        describe_limits(a, &b->u.lower);
    else if (b->kind == MR_KIND_POLICY)
        describe_policy(a, &b->u.policy);
    else if (b->kind == MR_KIND_NEXT)
        next_describe(a, &b->u.next);
    else if (b->kind == MR_KIND_SETKEYS)
        describe_keys(a, &b->u.setkeys);
    else if (b->kind == MR_KIND_RECOVER || b->kind == MR_KIND_TAKEOVER)
        describe_recovery(a, o);
    else
        describe_money(a, b, notes, notes_count);
    conversion_describe(a, o);
}
