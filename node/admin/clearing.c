#include "admin/clearing.h"

#include <string.h>

#include "admin/describe.h"
#include "admin/work.h"
#include "common/term.h"
#include "mereau/order.h"

const struct mr_association *clearing_by_id(const struct mr_charter *c, const uint8_t id[16])
{
    for (uint32_t i = 0; i < c->associations_count; i++)
        if (memcmp(c->associations[i].id, id, MR_ACCOUNT_BYTES) == 0)
            return &c->associations[i];
    return NULL;
}

const struct mr_association *clearing_by_name(const struct mr_charter *c, const char *name)
{
    for (uint32_t i = 0; i < c->associations_count; i++)
        if (strcmp(c->associations[i].alias, name) == 0 ||
            strcmp(c->associations[i].name, name) == 0)
            return &c->associations[i];
    return NULL;
}

bool clearing_is_for_us(const struct admin *a, const struct mr_draft *d)
{
    const struct mr_order *o = &d->orders[0].order;
    const struct mr_clearing *k = &o->body.u.clear.clearing;
    uint8_t treasury[MR_ACCOUNT_BYTES];
    if (d->orders_count != 1 || o->body.kind != MR_KIND_CLEAR ||
        memcmp(k->to, a->home->id, MR_ACCOUNT_BYTES) != 0 ||
        clearing_by_id(a->charter, k->from) == NULL)
        return false;
    mr_sub_account(treasury, k->from, MR_CLASS_TREASURY);
    return memcmp(treasury, o->account, sizeof treasury) == 0 &&
           memcmp(treasury, a->treasury, sizeof treasury) != 0;
}

enum mr_status clearing_not_countersigned(struct admin *a, enum mr_status st,
                                          const struct mr_clear *k, const char *path)
{
    const struct mr_association *to = clearing_by_id(a->charter, k->clearing.to);
    return out_fail(a->out, st,
                    _("the operators of %s sign first, with their present keys: send them %s, for "
                      "\"mereau-admin draft sign\""),
                    to != NULL ? to->name : "?", path);
}

/* --- countersigning ----------------------------------------------------------------------------
 */

/* LED-14: the node looks at it when the order comes; who takes the debt over looks before. */
static enum mr_status look_at_cap(struct admin *a, const struct mr_clearing *k)
{
    a->ask->kind = MR_REQ_ACCOUNT;
    mr_sub_account(a->ask->u.account.account, a->home->id, MR_CLASS_ISSUER);
    const enum mr_status st = admin_call(a);
    if (st != MR_OK)
        return admin_call_failed(a, st);
    const struct mr_rep_account *rep = &a->reply->body.u.account;
    const int64_t room = rep->account.credit + rep->hot.chain.balances[0].minor;
    if (k->amount <= room)
        return MR_OK;
    out_int(a->out, "missing_minor", k->amount - room);
    return out_fail(a->out, MR_CAP_EXCEEDED,
                    _("this association would have %s more outstanding than its cap"),
                    admin_amount(a, k->amount - room));
}

/* Keys that were rotated since count no more: all countersign anew. */
static void take_present_keys(struct admin *a, const struct work *w, struct mr_clear *k)
{
    uint8_t named[MR_HASH_BYTES], present[MR_HASH_BYTES];
    mr_keyset_hash(named, &k->keys);
    mr_keyset_hash(present, &w->keys);
    if (k->generation == w->generation && memcmp(named, present, sizeof named) == 0)
        return;
    if (k->sigs_count > 0)
        out_note(a->out, _("the keys changed since; what was countersigned with the old ones is "
                           "dropped"));
    k->generation = w->generation;
    k->keys = w->keys;
    k->sigs_count = 0;
}

static bool has_signed(const struct mr_clear *k, uint32_t key_index)
{
    for (uint32_t i = 0; i < k->sigs_count; i++)
        if (k->sigs[i].key_index == key_index)
            return true;
    return false;
}

static void say(struct admin *a, const struct mr_clear *k, const char *path)
{
    const struct mr_association *from = clearing_by_id(a->charter, k->clearing.from);
    const bool whole = k->sigs_count >= k->keys.threshold;
    const unsigned missing = whole ? 0 : k->keys.threshold - k->sigs_count;
    out_text(a->out, "state", whole ? "countersigned" : "countersigning");
    out_text(a->out, "draft", path);
    out_int(a->out, "countersignatures", k->sigs_count);
    out_int(a->out, "countersignatures_needed", k->keys.threshold);
    if (whole)
        out_print(a->out,
                  _("The draft is countersigned:\n  %s\nThe operators of %s sign and send it:\n  "
                    "mereau-admin draft sign DRAFT --key KEYFILE\n"),
                  path, from->name);
    else
        out_print(a->out,
                  ngettext("The draft waits for %u more countersignature:\n  %s\nAnother operator "
                           "signs with:\n  mereau-admin draft sign %s %s --key KEYFILE\n",
                           "The draft waits for %u more countersignatures:\n  %s\nAnother operator "
                           "signs with:\n  mereau-admin draft sign %s %s --key KEYFILE\n",
                           missing),
                  missing, path, path, admin_place(a));
}

static enum mr_status check_draft(struct admin *a, const struct mr_draft *d, const char *path)
{
    const struct mr_clear *k = &d->orders[0].order.body.u.clear;
    if (d->orders[0].sigs_count > 0)
        return out_fail(a->out, MR_NO_CHANGE,
                        _("%s is signed by the other association already: it cannot be "
                          "countersigned any more"),
                        path);
    if (k->sigs_count > 0 && mr_clear_verify(k, a->ledger) == MR_BAD_SIGNATURE)
        return out_fail(a->out, MR_BAD_SIGNATURE, _("a signature in the draft %s is wrong"), path);
    return look_at_cap(a, &k->clearing);
}

void clearing_countersign(struct admin *a, struct mr_draft *d, const char *path)
{
    struct mr_clear *k = &d->orders[0].order.body.u.clear;
    const uint32_t own = a->signer->key->key_index;
    struct work w;
    enum mr_status st = work_begin_about(&w, a, a->treasury, path);
    if (st == MR_OK)
        st = check_draft(a, d, path);
    if (st == MR_OK)
        take_present_keys(a, &w, k);
    if (st == MR_OK && !has_signed(k, own)) {
        if (!a->c->yes)
            describe_order(a, &d->orders[0].order, d->notes, d->notes_count);
        st = term_confirm(a->c, a->out, _("Have the euros come in, and do you countersign?"));
        if (st == MR_OK) {
            mr_clear_sign(k, a->ledger, own, signer_secret(a->signer));
            st = draft_write(d, path);
            if (st != MR_OK)
                out_fail(a->out, st, _("the draft %s cannot be written: %s"), path,
                         status_sentence(st));
        }
    }
    if (st == MR_OK)
        say(a, k, path);
    work_done(&w);
}
