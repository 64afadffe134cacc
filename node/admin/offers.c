#include "admin/offers.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/amount_text.h"
#include "common/file.h"
#include "common/ledger_words.h"
#include "common/witnesses.h"
#include "mereau/codec.h"
#include "mereau/federation.h"
#include "mereau/order.h"

enum { OFFER_BYTES_MAX = 65536 };

/* --- reading -----------------------------------------------------------------------------------
 */

enum mr_status offer_read(struct mr_signed_offer *ret, struct out *out, const char *path)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    const char *what = NULL;
    enum mr_status st = file_read(&bytes, &len, path, OFFER_BYTES_MAX);
    if (st != MR_OK)
        return out_fail(out, st, _("the offer %s cannot be read: %s"), path, status_sentence(st));
    st = mr_signed_offer_decode(ret, bytes, len);
    free(bytes);
    if (st != MR_OK)
        return out_fail(out, MR_DAMAGED, _("%s is no offer, or it is damaged"), path);
    st = mr_offer_verify(ret);
    if (st != MR_OK)
        return out_fail(out, st, _("the offer %s is not as it was signed: ask for it again"), path);
    st = mr_offer_check(&ret->offer, &what);
    return st == MR_OK ? st
                       : out_fail(out, st, _("the offer %s cannot be used: %s"), path, _(what));
}

enum mr_status offers_read(struct offers *ret, const struct command *c, struct out *out)
{
    const size_t count = opt_count(c, "offer");
    enum mr_status st = MR_OK;
    *ret = (struct offers){.count = 0};
    if (count >= MR_ASSOCIATIONS_MAX)
        return out_fail(out, MR_USAGE, _("a ledger has at most %d associations"),
                        MR_ASSOCIATIONS_MAX);
    if (count > 0 && sodium_init() >= 0)
        ret->items = calloc(count, sizeof *ret->items);
    if (count > 0 && ret->items == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    for (size_t i = 0; st == MR_OK && i < count; i++) {
        st = offer_read(&ret->items[i], out, opt_nth(c, "offer", i));
        if (st == MR_OK) {
            ret->count++;
            ret->keys += ret->items[i].offer.governance_count;
        }
    }
    return st;
}

void offers_done(struct offers *o)
{
    free(o->items);
    *o = (struct offers){.count = 0};
}

/* --- into a charter ----------------------------------------------------------------------------
 */

enum mr_status offer_has_space(const struct mr_offer *o, const struct mr_association *there,
                               uint32_t count, struct out *out)
{
    for (uint32_t i = 0; i < count; i++)
        if (mr_in_space(o->association.id, there[i].id))
            return out_fail(out, MR_CONFIG,
                            _("the identifiers of %s and %s begin alike, by chance or by intent, "
                              "and their accounts could be taken for each other: the offer of %s "
                              "has to be made again, in a new directory"),
                            there[i].name, o->association.name, o->association.name);
    return MR_OK;
}

static enum mr_status add_one(const struct mr_offer *o, struct mr_charter *ch, struct out *out)
{
    if (o->decimals != ch->units[0].decimals)
        return out_fail(out, MR_CONFIG,
                        _("the offer of %s is meant for %u decimals, and this currency has %u: it "
                          "has to be made again with --decimals %u"),
                        o->association.name, o->decimals, ch->units[0].decimals,
                        ch->units[0].decimals);
    for (uint32_t i = 0; i < ch->associations_count; i++)
        if (memcmp(ch->associations[i].id, o->association.id, MR_ACCOUNT_BYTES) == 0)
            return out_fail(out, MR_USAGE, _("the offer of %s stands twice"), o->association.name);
    for (uint32_t i = 0; i < ch->associations_count; i++)
        if (strcmp(ch->associations[i].alias, o->association.alias) == 0)
            return out_fail(out, MR_CONFIG,
                            _("%s and %s have the same short name, \"%s\": one of them has to be "
                              "made again with another --alias"),
                            ch->associations[i].name, o->association.name, o->association.alias);
    const enum mr_status st = offer_has_space(o, ch->associations, ch->associations_count, out);
    if (st != MR_OK)
        return st;
    ch->associations[ch->associations_count++] = o->association;
    ch->nodes[ch->nodes_count] = o->node;
    ch->nodes[ch->nodes_count].number = ch->nodes_count + 1;
    ch->nodes_count++;
    for (uint32_t i = 0; i < o->governance_count; i++)
        ch->governance.keys[ch->governance.keys_count++] = o->governance[i];
    return MR_OK;
}

enum mr_status offers_add(const struct offers *o, struct mr_charter *charter, struct out *out)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < o->count; i++)
        st = add_one(&o->items[i].offer, charter, out);
    return st;
}

/* --- showing -----------------------------------------------------------------------------------
 */

/* Index of the offer of an association; count when it made none. */
static uint32_t find_offer(const struct offers *o, const uint8_t id[MR_ACCOUNT_BYTES])
{
    uint32_t i = 0;
    while (i < o->count && memcmp(o->items[i].offer.association.id, id, MR_ACCOUNT_BYTES) != 0)
        i++;
    return i;
}

static const struct mr_association *association_of(const struct mr_charter *c, uint32_t node)
{
    for (uint32_t i = 0; i < c->associations_count; i++)
        if (memcmp(c->associations[i].id, c->nodes[node].association, MR_ACCOUNT_BYTES) == 0)
            return &c->associations[i];
    return &c->associations[0]; /* mr_charter_check: every node's is in the charter */
}

static void show_node(struct out *out, const struct mr_charter *c, const struct offers *offers,
                      uint32_t i, uint32_t own, json_t *rows)
{
    const struct mr_node *n = &c->nodes[i];
    const struct mr_association *a = association_of(c, i);
    const uint32_t at = offers != NULL ? find_offer(offers, a->id) : 0;
    char cap[AMOUNT_PEOPLE_MAX], code[MR_CONFIRMATION_MAX] = "";
    if (offers != NULL && at < offers->count) {
        uint8_t hash[32];
        mr_offer_hash(hash, &offers->items[at].offer);
        mr_confirmation(code, hash);
    }
    amount_text(cap, a->cap, c->units[0].decimals, c->units[0].code);
    out_print(out,
              n->number == own ? _("  node %u: %s (%s), this association\n")
                               : _("  node %u: %s (%s)\n"),
              n->number, a->name, a->alias);
    out_print(out, _("    wallets %s, other nodes %s, at most %s outstanding\n"), n->address,
              n->peer_address, cap);
    out_print(out, _("    money: %u of %u operators sign\n"), a->treasury.threshold,
              a->treasury.keys_count);
    if (code[0] != '\0')
        out_print(out, _("    code of its offer: %s\n"), code);
    json_t *row = json_pack("{s:i,s:s,s:s,s:s,s:s,s:I}", "node", (int)n->number, "association",
                            a->name, "alias", a->alias, "address", n->address, "peer_address",
                            n->peer_address, "cap_minor", (json_int_t)a->cap);
    if (code[0] != '\0')
        json_object_set_new(row, "code", json_string(code));
    json_array_append_new(rows, row);
}

void federation_show(struct out *out, const struct mr_charter *c, const struct offers *offers,
                     uint32_t own)
{
    const uint32_t n = c->nodes_count, q = c->quorum;
    char words[TOLERANCE_MAX], witnesses[WITNESSES_TEXT_MAX];
    json_t *rows = json_array();
    tolerance_words(words, n - q, 2 * q - n - 1, false);
    out_print(out, _("%s (%s): %u associations, %u nodes.\n"), c->name, c->units[0].code,
              c->associations_count, n);
    for (uint32_t i = 0; i < n; i++)
        show_node(out, c, offers, i, own, rows);
    out_print(out, _("%u of %u nodes settle: %s.\n"), q, n, words);
    witnesses_text(witnesses, &c->witnesses);
    if (c->witnesses.members_count > 0)
        out_print(out, _("Witnesses: %s\n"), witnesses);
    out_json(out, "witnesses", witnesses_json(&c->witnesses));
    out_print(out, _("Rules are changed with %u of %u governance keys.\n"), c->governance.threshold,
              c->governance.keys_count);
    out_json(out, "nodes", rows);
    out_int(out, "quorum", q);
    out_int(out, "nodes_may_be_down", n - q);
    out_int(out, "nodes_may_lie", 2 * q - n - 1);
    out_int(out, "governance_keys", c->governance.keys_count);
    out_int(out, "governance_threshold", c->governance.threshold);
}
