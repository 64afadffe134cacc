/* federation offer: an association's part of a ledger that another one founds (FED-1). */
#include <stdlib.h>
#include <string.h>

#include "admin/context.h"
#include "admin/founding.h"
#include "mereau/codec.h"
#include "mereau/federation.h"

static enum mr_status fill_offer(struct founding *f)
{
    struct mr_offer *o = &f->offer->offer;
    const char *what = NULL;
    o->version = 1;
    o->created_ms = admin_now_ms();
    o->decimals = f->plan.decimals;
    f->association = &o->association;
    f->node = &o->node;
    enum mr_status st = founding_fill(f);
    if (st != MR_OK)
        return st;
    o->governance_count = f->plan.governance;
    memcpy(o->governance, f->governance, f->plan.governance * sizeof o->governance[0]);
    o->witness_count = f->plan.witnesses.members_count;
    if (o->witness_count > 0)
        o->witness[0] = f->plan.witnesses.members[0];
    if (mr_offer_check(o, &what) != MR_OK)
        return out_fail(f->out, MR_CONFIG, _("this cannot be offered: %s"), _(what));
    founding_sign_offer(f);
    return MR_OK;
}

/* A copy to hand on; what is there already is left as it is. */
enum mr_status offer_copy(struct founding *f, const char *path)
{
    uint8_t bytes[sizeof *f->offer];
    const size_t len = mr_signed_offer_encode(f->offer, bytes, sizeof bytes);
    const enum mr_status st = file_write(path, bytes, len, 0644, false);
    if (st == MR_FILE_EXISTS)
        return out_fail(f->out, st, _("%s exists already: it is left as it is"), path);
    return st == MR_OK
               ? st
               : out_fail(f->out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

static void print_offered(struct founding *f, const char *path)
{
    const struct mr_offer *o = &f->offer->offer;
    uint8_t hash[32];
    char code[MR_CONFIRMATION_MAX];
    mr_offer_hash(hash, o);
    mr_confirmation(code, hash);
    out_text(f->out, "data", f->data);
    out_text(f->out, "offer", path);
    out_text(f->out, "code", code);
    out_text(f->out, "association", o->association.name);
    out_text(f->out, "alias", o->association.alias);
    out_text(f->out, "address", o->node.address);
    out_text(f->out, "peer_address", o->node.peer_address);
    out_bool(f->out, "governance", o->governance_count > 0);
    out_print(f->out, _("The offer of %s is made: %s\n"), o->association.name, path);
    founding_print_keys(f);
    out_print(f->out,
              _("\nCode of the offer: %s\n"
                "\nWhat to do next:\n"
                "  1. Send the offer to the association that founds the currency.\n"
                "  2. Read the code to it by telephone or face to face: it has to see the same.\n"
                "  3. When its charter.mrc comes:\n"
                "       mereau-admin federation found %s charter.mrc\n"),
              code, f->data);
}

enum mr_status offer_make(struct founding *f, const struct mr_charter *joins)
{
    enum mr_status st = offer_plan_read(&f->plan, f->c, f->out, joins);
    if (st != MR_OK)
        return st;
    f->offer = calloc(1, sizeof *f->offer);
    if (f->offer == NULL)
        return out_fail(f->out, MR_NO_MEMORY, NULL);
    st = fill_offer(f);
    if (st == MR_OK)
        st = founding_ask(f);
    return st == MR_OK ? founding_put(f) : st;
}

void cmd_offer(struct command *c, struct out *out)
{
    struct founding f;
    const char *copy = opt_text(c, "output");
    char path[FILE_PATH_MAX];
    enum mr_status st = founding_begin(&f, c, out, c->args[0]);
    if (st == MR_OK && path_join(path, f.data, offer_file) != MR_OK)
        st = out_fail(out, MR_USAGE, NULL);
    if (st == MR_OK && copy != NULL && file_exists(copy))
        st = out_fail(out, MR_FILE_EXISTS, _("%s exists already: it is left as it is"), copy);
    if (st == MR_OK)
        st = offer_make(&f, NULL);
    if (st != MR_OK)
        founding_undo(&f);
    else
        print_offered(&f, copy != NULL && offer_copy(&f, copy) == MR_OK ? copy : path);
    founding_end(&f);
}
