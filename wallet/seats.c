#include "wallet/seats.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/hostport.h"
#include "mereau/client.h"
#include "mereau/handover.h"
#include "wallet/node.h"
#include "wallet/wallet.h"

/* --- the preferred node: a line in the file "node", which is no secret --------------------------
 */

static enum mr_status preference_path(char ret[FILE_PATH_MAX], const struct wallet *w)
{
    return path_join(ret, w->dir, "node");
}

enum mr_status seat_preferred(char *ret, const struct wallet *w)
{
    char path[FILE_PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len;
    if (preference_path(path, w) != MR_OK || file_read(&bytes, &len, path, 1024) != MR_OK)
        return MR_NOT_FOUND;
    const size_t n = strcspn((const char *)bytes, "\r\n");
    const bool fits = n > 0 && n <= MR_ADDRESS_MAX;
    if (fits) {
        memcpy(ret, bytes, n);
        ret[n] = '\0';
    }
    free(bytes);
    return fits ? MR_OK : MR_NOT_FOUND;
}

enum mr_status seat_prefer(const struct wallet *w, struct out *out, const char *text)
{
    char path[FILE_PATH_MAX], line[MR_ADDRESS_MAX + 2];
    enum mr_status st = preference_path(path, w);
    if (st == MR_OK && text == NULL) {
        if (file_exists(path) && unlink(path) != 0)
            st = MR_IO_ERROR;
    } else if (st == MR_OK) {
        const int n = snprintf(line, sizeof line, "%.*s\n", MR_ADDRESS_MAX, text);
        st = file_write(path, (const uint8_t *)line, (size_t)n, 0600, true);
    }
    return st == MR_OK ? MR_OK : out_fail(out, st, "%s: %s", w->dir, status_sentence(st));
}

/* --- who is where ----------------------------------------------------------------------------- */

static bool same_key(const struct mr_pubkey *a, const struct mr_pubkey *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

const struct mr_node *seat_node(const struct wallet *w, uint32_t number)
{
    const struct mr_charter *const c = wallet_present(w);
    for (uint32_t i = 0; c != NULL && i < c->nodes_count; i++)
        if (c->nodes[i].number == number)
            return &c->nodes[i];
    return NULL;
}

/* By the join link's key; by its association, when that runs another node by now. */
uint32_t seat_home(const struct wallet *w)
{
    const struct mr_join_link *const link = &w->keys->stored.sheet.link;
    const struct mr_charter *const c = wallet_present(w);
    uint32_t of_association = 0;
    for (uint32_t i = c != NULL ? c->nodes_count : 0; i > 0; i--) {
        const struct mr_node *const n = &c->nodes[i - 1];
        if (same_key(&n->transport_key, &link->transport_key))
            return n->number;
        if (memcmp(n->association, link->association, MR_ACCOUNT_BYTES) == 0)
            of_association = n->number;
    }
    return of_association;
}

static struct seat of_link(const struct wallet *w)
{
    const struct mr_join_link *const link = &w->keys->stored.sheet.link;
    struct seat s = {.key = link->transport_key};
    memcpy(s.address, link->address, sizeof s.address);
    return s;
}

/* Whether the ledger or an epoch had a node with the link's key: one that is none of the present
 * nodes has left. */
static bool is_known(const struct wallet *w, const struct seat *link)
{
    bool found = false;
    for (uint32_t i = 0; i < w->charter->nodes_count; i++)
        found = found || same_key(&w->charter->nodes[i].transport_key, &link->key);
    struct mr_handover *const h = malloc(sizeof *h);
    for (uint32_t epoch = 2; h != NULL && !found && epoch <= w->epochs.count + 1; epoch++) {
        epochs_get(&w->epochs, h, epoch);
        const struct mr_next_epoch *const next = mr_handover_seats(h);
        for (uint32_t i = 0; next != NULL && i < next->seats_count; i++)
            found = found || same_key(&next->seats[i].node.transport_key, &link->key);
    }
    free(h);
    return found;
}

/* Whether it is found where the ledger, or an epoch, named it first. Where that cannot be looked up
 * its present address is the better one. */
static bool is_where_it_was(const struct wallet *w, const struct mr_node *n)
{
    for (uint32_t i = 0; i < w->charter->nodes_count; i++)
        if (w->charter->nodes[i].number == n->number)
            return strcmp(w->charter->nodes[i].address, n->address) == 0;
    struct mr_handover *const h = malloc(sizeof *h);
    bool found = false, same = false;
    for (uint32_t epoch = 2; h != NULL && !found && epoch <= w->epochs.count + 1; epoch++) {
        epochs_get(&w->epochs, h, epoch);
        const struct mr_next_epoch *const next = mr_handover_seats(h);
        for (uint32_t i = 0; next != NULL && !found && i < next->seats_count; i++) {
            found = next->seats[i].node.number == n->number;
            same = found && strcmp(next->seats[i].node.address, n->address) == 0;
        }
    }
    free(h);
    return same;
}

/* The link knows where a node with its key is, better than the charter that named it first; when
 * governance has moved it since, governance knows better. */
static struct seat of_node(const struct wallet *w, const struct mr_node *n)
{
    struct seat s = of_link(w);
    s.number = n->number;
    if (same_key(&s.key, &n->transport_key) && is_where_it_was(w, n))
        return s;
    s.key = n->transport_key;
    memcpy(s.address, n->address, sizeof s.address);
    return s;
}

static const struct mr_node *node_called(const struct wallet *w, const char *text)
{
    int64_t number;
    const struct mr_charter *const c = wallet_present(w);
    const struct mr_association *const a = node_association_called(c, text);
    if (number_parse(&number, text, 1, MR_NODES_MAX) == MR_OK)
        return seat_node(w, (uint32_t)number);
    for (uint32_t i = 0; i < c->nodes_count; i++)
        if (strcmp(c->nodes[i].address, text) == 0 ||
            (a != NULL && memcmp(c->nodes[i].association, a->id, MR_ACCOUNT_BYTES) == 0))
            return &c->nodes[i];
    return NULL;
}

enum mr_status seat_parse(struct seat *ret, const struct wallet *w, const char *text)
{
    struct hostport to;
    const struct mr_node *const n = w->charter != NULL ? node_called(w, text) : NULL;
    if (n != NULL) {
        *ret = of_node(w, n);
        return MR_OK;
    }
    if (strlen(text) > MR_ADDRESS_MAX || strchr(text, ':') == NULL ||
        hostport_parse(&to, text) != MR_OK || to.port == 0)
        return MR_NOT_FOUND;
    *ret = (struct seat){.any = true};
    memcpy(ret->address, text, strlen(text) + 1);
    return MR_OK;
}

void seat_name(char *ret, const struct wallet *w, const struct seat *s)
{
    const struct mr_node *const n = seat_node(w, s->number);
    const struct mr_charter *const c = wallet_present(w);
    unsigned same = 0;
    snprintf(ret, SEAT_NAME_MAX, "%s", s->address);
    if (n == NULL)
        return;
    const struct mr_association *const a = node_association(c, n->association);
    for (uint32_t i = 0; i < c->nodes_count; i++)
        same += memcmp(c->nodes[i].association, n->association, MR_ACCOUNT_BYTES) == 0;
    if (a != NULL && same > 1)
        snprintf(ret, SEAT_NAME_MAX, "%s (%u)", a->alias, s->number);
    else if (a != NULL)
        snprintf(ret, SEAT_NAME_MAX, "%s", a->alias);
}

/* --- the order -------------------------------------------------------------------------------- */

static void add(struct seats *seats, const struct seat *s)
{
    if (seats->count < sizeof seats->list / sizeof seats->list[0])
        seats->list[seats->count++] = *s;
}

static enum mr_status given(struct seats *ret, const struct wallet *w, struct out *out,
                            const char *text)
{
    struct seat s;
    if (seat_parse(&s, w, text) != MR_OK)
        return out_fail(out, MR_USAGE,
                        w->charter == NULL
                            ? _("\"%s\" is no address of a node: write HOST:PORT")
                            : _("this wallet knows no node \"%s\": \"mereau node list\" shows "
                                "those that it knows, \"mereau balance\" asks for news of them"),
                        text);
    add(ret, &s);
    return MR_OK;
}

/* Where a node stands in the charter's list, from 1; 0: nowhere. */
static uint32_t place_of(const struct mr_charter *c, uint32_t number)
{
    uint32_t i = 0;
    while (i < c->nodes_count && c->nodes[i].number != number)
        i++;
    return i < c->nodes_count ? i + 1 : 0;
}

enum mr_status seats_fill(struct seats *ret, const struct wallet *w, const struct command *c,
                          struct out *out, bool home_only)
{
    const char *const text = opt_text(c, "node");
    const struct mr_charter *const charter = wallet_present(w);
    char preferred[MR_ADDRESS_MAX + 1];
    uint32_t order[MR_NODES_MAX];
    struct seat first = {0};
    const uint32_t home = seat_home(w);
    const struct seat link = home != 0 ? of_node(w, seat_node(w, home)) : of_link(w);
    *ret = (struct seats){0};
    if (text != NULL && !home_only)
        return given(ret, w, out, text);
    if (home_only || charter == NULL) {
        add(ret, &link);
        return MR_OK;
    }
    if (seat_preferred(preferred, w) == MR_OK && seat_parse(&first, w, preferred) != MR_OK)
        out_note(out, _("note: the currency has no node \"%s\"; see \"mereau node use\""),
                 preferred);
    if (first.any)
        add(ret, &first);
    if (home == 0 && !is_known(w, &link))
        add(ret, &link); /* a link that was given after its node came */
    mr_node_order(order, charter->nodes_count, place_of(charter, first.number),
                  place_of(charter, home), wallet_account(w));
    for (uint32_t i = 0; i < charter->nodes_count; i++) {
        const struct seat s = of_node(w, &charter->nodes[order[i] - 1]);
        add(ret, &s);
    }
    return MR_OK;
}
