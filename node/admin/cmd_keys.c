/* Operators' keys: another one in the place of the present one; the auditor's secret. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/describe.h"
#include "admin/treasury.h"
#include "mereau/id.h"

const struct option_row audit_secret_options[] = {
    {"output", 'o', N_("FILE"), N_("file to write, for the auditor alone")},
    {NULL, 0, NULL, NULL},
};

/* --- rotation ----------------------------------------------------------------------------------
 */

struct rotation {
    struct admin *a;
    bool drafted; /* waits for other operators */
};

static bool replaces_key(const struct admin *a, const struct mr_order_body *b)
{
    const uint32_t i = a->signer->key->key_index;
    return b->kind == MR_KIND_SETKEYS && i < b->u.setkeys.keys.keys_count &&
           memcmp(b->u.setkeys.keys.keys[i].key, a->signer->next_public.key, MR_KEY_BYTES) == 0;
}

static enum mr_status look_at_draft(struct work *w, const struct mr_draft *d, const char *path,
                                    bool dead, void *ctx)
{
    struct rotation *r = ctx;
    for (uint32_t i = 0; i < d->orders_count && !dead; i++) {
        if (!replaces_key(w->a, &d->orders[i].order.body))
            continue;
        r->drafted = true;
        out_text(w->a->out, "draft", path);
        out_print(
            w->a->out,
            _("Drafted already; signatures are missing:\n  mereau-admin draft sign %s %s --key "
              "KEYFILE\n"),
            path, admin_place(w->a));
    }
    return MR_OK;
}

static enum mr_status fill_setkeys(struct admin *a, struct mr_order_body *body,
                                   const uint8_t chain[16])
{
    a->ask->kind = MR_REQ_ACCOUNT;
    memcpy(a->ask->u.account.account, chain, 16);
    const enum mr_status st = admin_call(a);
    if (st != MR_OK)
        return admin_call_failed(a, st);
    const struct mr_state_account *s = &a->reply->body.u.account.account;
    struct mr_setkeys *set = &body->u.setkeys;
    body->kind = MR_KIND_SETKEYS;
    set->generation = s->generation + 1;
    set->keys = s->keys;
    set->keys.keys[a->signer->key->key_index] = a->signer->next_public;
    memcpy(set->enc_key, s->enc_key, sizeof set->enc_key);
    memcpy(set->reader_key, s->reader_key, sizeof set->reader_key);
    return MR_OK;
}

/* One chain. MR_OK also when it waits for other operators. */
static enum mr_status rotate_on(struct rotation *r, const uint8_t chain[16],
                                struct mr_order_body *body)
{
    struct work w;
    struct admin *a = r->a;
    const bool drafted = r->drafted;
    r->drafted = false;
    enum mr_status st = work_begin(&w, a, chain);
    if (st == MR_OK && !a->signer->use_next)
        st = treasury_each_draft(&w, look_at_draft, r);
    if (st == MR_OK && !a->signer->use_next && !r->drafted) {
        st = fill_setkeys(a, body, chain);
        if (st == MR_OK)
            st = work_add(&w, body);
        const enum work_end end =
            st == MR_OK ? work_finish(&w, _("Replace the key?")) : WORK_FAILED;
        r->drafted = end == WORK_DRAFTED || end == WORK_DRY;
        if (end == WORK_FAILED)
            st = MR_NO_CHANGE;
    }
    r->drafted = r->drafted || drafted;
    work_done(&w);
    return st;
}

void cmd_operator_rotate(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    struct rotation r = {.a = &a};
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK) {
        st = signer_prepare_next(a.signer);
        if (st != MR_OK)
            out_fail(out, st, _("the key file %s cannot be written: %s"), a.key_path,
                     status_sentence(st));
    }
    if (st == MR_OK)
        st = rotate_on(&r, a.desk, body);
    if (st == MR_OK)
        st = rotate_on(&r, a.treasury, body);
    if (st == MR_OK && !r.drafted) {
        st = signer_adopt_next(a.signer);
        if (st != MR_OK)
            out_fail(out, st, _("the key file %s cannot be written: %s"), a.key_path,
                     status_sentence(st));
    }
    if (st == MR_OK) {
        out_bool(out, "adopted", !r.drafted);
        out_print(out, r.drafted
                           ? _("The key file holds both keys until this is settled; then repeat "
                               "this command.\n")
                           : _("The new key is in force; the old one is wiped from the key file. "
                               "Old copies of the file are worthless.\n"));
    }
    order_end(&a, body);
}

/* --- the auditor's secret ----------------------------------------------------------------------
 */

void cmd_audit_secret(struct command *c, struct out *out)
{
    struct admin a;
    const char *path = opt_text(c, "output");
    char hex[2 * 32 + 2];
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_KEY);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK && path == NULL)
        st = out_fail(out, MR_USAGE, _("--output FILE is needed: secrets are never printed"));
    if (st == MR_OK) {
        mr_hex_format(hex, a.signer->key->bank_secret, 32);
        hex[64] = '\n';
        st = file_write(path, hex, 65, 0600, false);
        sodium_memzero(hex, sizeof hex);
        if (st != MR_OK)
            out_fail(out, st, _("%s cannot be written: %s"), path, status_sentence(st));
    }
    if (st == MR_OK) {
        out_text(out, "file", path);
        out_print(out,
                  _("%s holds the secret of bank references. Who has it and a bank statement can "
                    "find every entry of it in the ledger: hand it to the auditor only.\n"),
                  path);
    }
    admin_end(&a);
}
