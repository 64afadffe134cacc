/* federation found: an association takes up the charter that its offer was made for (FED-5).
 *
 * The charter goes in once somebody agreed to it; then every key file that can be opened takes the
 * ledger id. Cut anywhere, the same command again goes on; so it does for key files whose holders
 * were not there. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "admin/context.h"
#include "admin/describe.h"
#include "admin/founding.h"
#include "admin/offers.h"
#include "admin/taking.h"
#include "common/term.h"
#include "mereau/federation.h"

/* --- what comes, and whether it is what was offered --------------------------------------------
 */

/* The charter that is here already must be the same. */
static enum mr_status look_for_earlier(struct taking *t)
{
    struct mr_charter *earlier = NULL;
    uint8_t ledger[32];
    t->fresh = !file_exists(t->charter);
    if (t->fresh)
        return MR_OK;
    const enum mr_status st = charter_read(&earlier, ledger, t->a.out, t->charter);
    free(earlier);
    if (st == MR_OK && memcmp(ledger, t->a.ledger, sizeof ledger) != 0)
        return out_fail(t->a.out, MR_FILE_EXISTS,
                        _("%s has taken up another charter already: for this one a new offer has "
                          "to be made"),
                        t->a.data);
    return st;
}

static enum mr_status read_charter(struct taking *t)
{
    const char *what = NULL, *path = t->a.c->args[1];
    uint32_t at = 0;
    enum mr_status st = charter_read(&t->a.genesis, t->a.ledger, t->a.out, path);
    if (st != MR_OK)
        return st;
    t->a.charter = calloc(1, sizeof *t->a.charter);
    if (t->a.charter == NULL)
        return out_fail(t->a.out, MR_NO_MEMORY, NULL);
    *t->a.charter = *t->a.genesis;
    st = mr_offer_in_charter(&at, &what, &t->offer->offer, t->a.charter);
    if (st == MR_NOT_FOUND)
        return out_fail(t->a.out, st,
                        _("the charter %s does not have the offer of %s: this association has no "
                          "part in it"),
                        path, t->a.data);
    if (st != MR_OK)
        return out_fail(t->a.out, st,
                        _("the charter %s does not have this association as it was offered; "
                          "changed: %s. Nothing was taken up."),
                        path, _(what));
    st = mr_federation_check(t->a.charter, &what);
    if (st != MR_OK)
        return out_fail(t->a.out, st, _("this cannot found a ledger: %s"), _(what));
    t->node = t->a.own = &t->a.charter->nodes[at];
    return look_for_earlier(t);
}

static enum mr_status agree(struct taking *t)
{
    char code[MR_CONFIRMATION_MAX];
    federation_show(t->a.out, t->a.charter, NULL, t->node->number);
    describe_policy(&t->a, &t->a.charter->policy);
    mr_confirmation(code, t->a.ledger);
    out_text(t->a.out, "code", code);
    out_text(t->a.out, "ledger", admin_hex(t->a.ledger));
    out_int(t->a.out, "node", t->node->number);
    out_print(t->a.out, _("Code of the ledger: %s\n"), code);
    if (!t->fresh)
        return MR_OK;
    return term_confirm(t->a.c, t->a.out,
                        _("Do the other associations see the same code, and shall this ledger "
                          "begin?"));
}

/* --- the command -------------------------------------------------------------------------------
 */

static void print_taken(struct taking *t)
{
    struct out *out = t->a.out;
    out_text(out, "data", t->a.data);
    out_int(out, "keys_taken", t->sealed);
    out_int(out, "keys_ready", t->ready);
    out_json(out, "keys_waiting", json_incref(t->waiting));
    if (!t->fresh && t->sealed == 0 && t->closed == 0)
        out_status(out, MR_ALREADY_DONE);
    out_print(out,
              _("%s is node %u of %s. %u key files belong to it now.\n"
                "\nWhat to do next:\n"
                "  1. Move the governance key, if there is one, off this machine to its holder.\n"
                "  2. Start the node:            mereaud %s\n"
                "  3. See how the others are:    mereau-admin -d %s federation status\n"
                "  4. Give people the join link: mereau join LINK\n\n"
                "Join link of this association's members:\n"),
              t->a.data, t->node->number, t->a.charter->name, t->sealed + t->ready, t->a.data,
              t->a.data);
    init_print_link(out, t->a.genesis, t->node, t->node->address);
    if (t->closed > 0)
        out_fail(out, MR_WRONG_PASSPHRASE,
                 _("key files that were not opened (%u) belong to no ledger yet and sign nothing: "
                   "repeat this command with their passphrases"),
                 t->closed);
}

const struct option_row found_options[] = {
    {"keys", 0, N_("DIR"), N_("where the key files are (default: DATA-keys)")},
    {NULL, 0, NULL, NULL},
};

void cmd_found(struct command *c, struct out *out)
{
    struct taking t = {.a = {.c = c, .out = out, .key_lock = -1}, .waiting = json_array()};
    enum mr_status st =
        sodium_init() < 0 ? out_fail(out, MR_NO_MEMORY, NULL) : taking_places(&t, c->args[0]);
    if (st == MR_OK)
        st = taking_offer(&t);
    if (st == MR_OK)
        st = read_charter(&t);
    if (st == MR_OK)
        st = agree(&t);
    if (st == MR_OK)
        st = taking_put(&t);
    if (st == MR_OK)
        st = taking_keys(&t);
    if (st == MR_OK)
        print_taken(&t);
    taking_done(&t);
}
