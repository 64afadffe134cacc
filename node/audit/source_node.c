/* A live node: both streams through REQ_STREAM, as an auditor or over the control socket. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "audit/auditor_key.h"
#include "audit/source.h"
#include "audit/turns.h"
#include "mereau/codec.h"

static const char *first_address(const struct source *s)
{
    return opt_count(s->c, "node") > 0 ? opt_nth(s->c, "node", 0) : opt_text(s->c, "control");
}

const char *source_why(const struct source *s, enum mr_status st)
{
    if (st != MR_BAD_SIGNATURE || s->key == NULL)
        return status_sentence(st);
    return _(
        "a signature is wrong. Most often the node does not know this key: what keygen printed "
        "has to stand in its mereaud.conf, or a witness in the charter, and the node has to "
        "be started again. Or the charter is of another ledger");
}

const char *source_why_unread(const struct source *s, enum mr_status st)
{
    if (st != MR_NOT_AUTHORISED || s->key == NULL)
        return source_why(s, st);
    return _("this key may cosign, as a witness, and not read the book: who mirrors it needs a key "
             "whose line from keygen stands below [audit] in the node's mereaud.conf");
}

static enum mr_status fail_node(struct source *s, enum mr_status st)
{
    return out_fail(s->out, st, _("the node %s cannot be read: %s"), first_address(s),
                    source_why_unread(s, st));
}

/* --- opening ------------------------------------------------------------------------------------
 */

static enum mr_status open_link(struct source *s)
{
    const struct link_config config = {
        .address = first_address(s),
        .ledger = s->ledger,
        .timeout_ms = s->c->timeout_ms,
    };
    link_close(s->link);
    s->link = NULL;
    const enum mr_status st = link_open(&s->link, &config);
    return st == MR_OK ? MR_OK : fail_node(s, st);
}

/* It can then show any ledger, but not two. */
enum mr_status source_fetch_charter(struct source *s)
{
    if (s->reply == NULL)
        s->reply = malloc(sizeof *s->reply);
    if (s->reply == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    struct mr_request_body *const q = calloc(1, sizeof *q);
    if (q == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    q->kind = MR_REQ_CHARTER;
    enum mr_status st = open_link(s);
    if (st == MR_OK) {
        st = link_call(s->link, s->reply, q);
        if (st != MR_OK)
            fail_node(s, st);
    }
    free(q);
    if (st != MR_OK)
        return st;
    s->own_charter = true;
    s->charter = malloc(sizeof *s->charter);
    const size_t cap = sizeof *s->charter; /* encoded it is no larger */
    s->charter_bytes = malloc(cap);
    if (s->charter == NULL || s->charter_bytes == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    *s->charter = s->reply->body.u.charter.charter;
    s->charter_len = mr_charter_encode(s->charter, s->charter_bytes, cap);
    mr_hash(s->ledger, "mereau/charter", s->charter_bytes, s->charter_len, NULL, 0);
    return MR_OK;
}

enum mr_status source_read_key(struct source *s)
{
    const char *const path = opt_text(s->c, "key");
    struct mr_pubkey public;
    if (path == NULL)
        return out_fail(s->out, MR_USAGE, _("--node needs --key FILE: make one with %s"),
                        "mereau-audit keygen");
    return auditor_key_open(&s->key, &public, s->c, s->out, path);
}

bool source_is_node(const struct source *s, const struct link *l)
{
    const struct mr_pubkey *const id = link_identity(l);
    const struct mr_charter *const all[] = {s->charter, s->present};
    for (size_t i = 0; i < 2 && id != NULL && all[i] != NULL; i++) {
        for (uint32_t k = 0; k < all[i]->nodes_count; k++) {
            if (memcmp(all[i]->nodes[k].transport_key.key, id->key, MR_KEY_BYTES) == 0)
                return true;
        }
    }
    return id == NULL; /* the control socket has none */
}

/* Of a ledger that was founded with one node: that it is this one, or one that came later. */
static enum mr_status check_node(struct source *s)
{
    struct mr_request_body *const q = calloc(1, sizeof *q);
    if (q == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    q->kind = MR_REQ_HEAD;
    const enum mr_status st = link_call(s->link, s->reply, q);
    free(q);
    if (st == MR_OK && s->reply->body.u.head.head.size > 0)
        source_learn(s, s->link, &s->reply->body.u.head);
    else if (st != MR_OK && st != MR_BUSY && st != MR_NOT_FOUND)
        return fail_node(s, st);
    return source_is_node(s, s->link) ? MR_OK : fail_node(s, MR_WRONG_NODE);
}

enum mr_status source_open_node(struct source *s)
{
    static const uint8_t nobody[MR_ACCOUNT_BYTES];
    enum mr_status st = opt_text(s->c, "node") != NULL ? source_read_key(s) : MR_OK;
    if (st != MR_OK)
        return st;
    s->reply = malloc(sizeof *s->reply);
    if (s->reply == NULL)
        return out_fail(s->out, MR_NO_MEMORY, NULL);
    st = opt_text(s->c, "charter") != NULL ? source_read_charter(s, NULL) : source_fetch_charter(s);
    if (st == MR_OK)
        st = open_link(s);
    if (st == MR_OK && s->charter->nodes_count == 1 && s->key != NULL)
        st = check_node(s);
    if (st == MR_OK && s->key != NULL)
        link_identify(s->link, MR_AUTH_AUDITOR, nobody, 0, s->key, NULL);
    return st;
}

/* --- epochs -------------------------------------------------------------------------------------
 */

static enum mr_status ask_handover(struct mr_reply *reply, struct link *link, uint32_t epoch)
{
    struct mr_request_body *const ask = calloc(1, sizeof *ask);
    if (ask == NULL)
        return MR_NO_MEMORY;
    ask->kind = MR_REQ_HANDOVER;
    ask->u.handover = (struct mr_req_page){.from = epoch, .count = 1};
    const enum mr_status st = link_call(link, reply, ask);
    free(ask);
    if (st != MR_OK)
        return st;
    return reply->body.u.handover.handover_count > 0 ? MR_OK : MR_WRONG_EPOCH;
}

enum mr_status source_learn(struct source *s, struct link *link, const struct mr_rep_head *r)
{
    struct mr_reply *const reply = malloc(sizeof *reply);
    enum mr_status st = reply != NULL ? MR_OK : MR_NO_MEMORY;
    if (s->present == NULL && st == MR_OK) {
        s->present = malloc(sizeof *s->present);
        if (s->present == NULL)
            st = MR_NO_MEMORY;
        else
            *s->present = *s->charter;
    }
    while (st == MR_OK && s->epochs.count + 1 < r->head.epoch) {
        const struct mr_handover *h = epochs_carried(&s->epochs, r);
        if (h == NULL) {
            st = ask_handover(reply, link, s->epochs.count + 2);
            h = &reply->body.u.handover.handover[0];
        }
        if (st == MR_OK)
            st = epochs_add(&s->epochs, s->charter, s->present, h);
    }
    free(reply);
    return st;
}

/* --- reading ------------------------------------------------------------------------------------
 */

enum mr_status source_walk_node(struct source *s, source_turn turn, void *ctx)
{
    struct turns *t = NULL;
    struct mr_audit_turn lent;
    struct mr_frame f;
    enum mr_status st = turns_open(&t, s->link, 0, 0);
    while (st == MR_OK && (st = turns_next(t, &lent, &f, 0)) == MR_OK) {
        s->size = turns_end(t);
        st = turn(ctx, &lent, turns_position(t));
    }
    if (st == MR_DAMAGED)
        snprintf(s->damage, sizeof s->damage, "log, position %llu: no whole turn",
                 (unsigned long long)turns_position(t));
    turns_close(t);
    if (st == MR_NOT_FOUND || s->damage[0] != '\0' || s->out->failed)
        return s->out->failed ? s->out->status : MR_OK;
    return fail_node(s, st);
}
