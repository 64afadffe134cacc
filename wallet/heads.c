#include "wallet/heads.h"

#include <string.h>

#include "common/witnesses.h"
#include "mereau/assert.h"
#include "mereau/handover.h"
#include "mereau/log.h"
#include "wallet/node.h"

static struct memory *memory_of(struct wallet *w, uint32_t node)
{
    mr_assert(node >= 1);
    mr_assert(node <= MR_NODES_MAX);
    return &w->memory[node - 1];
}

const struct mr_head *heads_seen(const struct wallet *w, uint32_t node)
{
    const struct memory *const m = &w->memory[node - 1];
    if (m->has_receipt_head && (!m->has_head || mr_head_newer(&m->receipt_head, &m->head)))
        return &m->receipt_head;
    return m->has_head ? &m->head : NULL;
}

void heads_learn(struct wallet *w, const struct mr_receipt *receipt)
{
    for (uint32_t i = 0; i < receipt->proofs_count; i++) {
        const struct mr_head *const h = &receipt->proofs[i].head;
        if (h->node == 0)
            continue; /* no charter has it */
        struct memory *const m = memory_of(w, h->node);
        if (m->has_receipt_head && !mr_head_newer(h, &m->receipt_head))
            continue;
        m->has_receipt_head = true;
        m->receipt_head = *h;
    }
}

/* Who votes in an epoch, as far as epochs are known. */
static enum mr_status reach(const struct wallet *w, struct mr_roster *ret, uint32_t epoch)
{
    const struct mr_chain chain = epochs_chain(&w->epochs);
    if (w->epochs.roster == NULL || w->epochs.roster->epoch != epoch)
        return mr_roster_reach(ret, w->charter, &chain, NULL, 0, epoch);
    *ret = *w->epochs.roster;
    return MR_OK;
}

static enum mr_status head_signed(const struct wallet *w, const struct mr_head *now, uint32_t node)
{
    struct mr_roster roster;
    const uint8_t *const ledger = w->keys->stored.sheet.link.ledger;
    const struct mr_pubkey *const key =
        reach(w, &roster, now->epoch) == MR_OK ? mr_roster_key(&roster, now) : NULL;
    return key != NULL && now->node == node && mr_head_verify(now, ledger, key) ? MR_OK
                                                                                : MR_BAD_HEAD;
}

static bool extends(const struct mr_head *held, const struct mr_rep_head *now)
{
    const struct mr_head *const h = &now->head;
    if (h->epoch < held->epoch || h->generation < held->generation || h->size < held->size)
        return false;
    if (h->size == held->size)
        return memcmp(h->root, held->root, sizeof h->root) == 0;
    return mr_consistency_verify(held->root, held->size, h->root, h->size, now->consistency,
                                 now->consistency_count);
}

/* A wallet that only looks on has given its book back. */
static enum mr_status keep(struct wallet *w)
{
    return w->book != NULL ? wallet_add(w, w->out) : wallet_take(w, w->note);
}

/* Whoever could rewrite a ledger would first take its witnesses away: a wallet that knew them says
 * so. */
static void warn_witnesses(const struct wallet *w, const struct mr_handover *h)
{
    const struct mr_next_epoch *const next = mr_handover_seats(h);
    char text[WITNESSES_TEXT_MAX];
    bool knew = false;
    for (size_t i = 0; i < MR_NODES_MAX; i++)
        knew = knew || w->memory[i].has_head;
    if (!knew || next == NULL || next->witnesses_count == 0)
        return;
    witnesses_text(text, &next->witnesses[0]);
    out_warn(w->out, "witnesses", "governance has changed who has to cosign",
             _("governance has CHANGED WHO HAS TO COSIGN, from epoch %u on: %s. Ask the witnesses "
               "that you knew, if one of them is missing"),
             next->epoch, text);
}

/* One epoch more, verified before it is stored. *ret says whether it follows from those known. */
static enum mr_status learn_epoch(struct wallet *w, const struct mr_handover *h, bool *ret)
{
    const enum mr_status st = epochs_check(&w->epochs, w->charter, wallet_present(w), h);
    *ret = st == MR_OK;
    if (st != MR_OK)
        return st == MR_NO_MEMORY || st == MR_FULL ? st : MR_OK;
    warn_witnesses(w, h);
    w->note->kind = MR_BOOK_HANDOVER;
    w->note->u.handover = *h;
    return keep(w);
}

/* Those that the last HEAD shows, then those before, one by one: the last reply is no HEAD then,
 * and *ret_asked is true. Nobody can show an epoch without q nodes of the one before. */
static enum mr_status learn_epochs(struct wallet *w, bool *ret_asked)
{
    const uint32_t epoch = w->reply->body.u.head.head.epoch;
    enum mr_status st = MR_OK;
    bool follows = true;
    *ret_asked = false;
    while (st == MR_OK && follows && w->epochs.count + 1 < epoch) {
        const struct mr_handover *h =
            *ret_asked ? NULL : epochs_carried(&w->epochs, &w->reply->body.u.head);
        if (h == NULL) {
            *w->request = (struct mr_request_body){.kind = MR_REQ_HANDOVER};
            w->request->u.handover = (struct mr_req_page){.from = w->epochs.count + 2, .count = 1};
            *ret_asked = true;
            st = node_call_here(w);
            if (st != MR_OK || w->reply->body.u.handover.handover_count == 0)
                return st;
            h = &w->reply->body.u.handover.handover[0];
        }
        st = learn_epoch(w, h, &follows);
    }
    return st;
}

enum mr_status heads_fetch_epochs(struct wallet *w)
{
    bool asked;
    *w->request = (struct mr_request_body){.kind = MR_REQ_HEAD};
    const enum mr_status st = node_call_here(w);
    return st == MR_OK ? learn_epochs(w, &asked) : st;
}

/* The newest head, and how it extends one that is held; NULL: none is. */
static enum mr_status call_head(struct wallet *w, const struct mr_head *held)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_HEAD};
    w->request->u.head.from_size = held != NULL ? held->size : 0;
    const enum mr_status st = node_call_here(w);
    if (st != MR_OUT_OF_RANGE || held == NULL)
        return st;
    w->request->u.head.from_size = 0; /* its log does not reach that far: see how far it does */
    return node_call_here(w);
}

enum mr_status heads_compare(struct wallet *w, uint32_t node, const struct mr_head *held)
{
    bool asked = false;
    enum mr_status st = call_head(w, held);
    if (st == MR_OK)
        st = learn_epochs(w, &asked);
    if (st == MR_OK && asked)
        st = call_head(w, held);
    if (st != MR_OK)
        return st;
    const struct mr_rep_head *const now = &w->reply->body.u.head;
    st = head_signed(w, &now->head, node);
    if (st != MR_OK)
        return st;
    /* A later epoch is governance's word that the log before has ended. */
    if (held == NULL || now->head.epoch > held->epoch || extends(held, now))
        return MR_OK;
    w->fork = (struct fork){held->size, now->head.size};
    return MR_FORKED;
}

enum mr_status heads_check(struct wallet *w, uint32_t node)
{
    const struct memory *const m = memory_of(w, node);
    const bool newer_receipt =
        m->has_receipt_head && (!m->has_head || mr_head_newer(&m->receipt_head, &m->head));
    enum mr_status st = newer_receipt ? heads_compare(w, node, &m->receipt_head) : MR_OK;
    if (st == MR_OK && (m->has_head || !newer_receipt))
        st = heads_compare(w, node, m->has_head ? &m->head : NULL);
    if (st != MR_OK)
        return st;
    const struct mr_head *const h = &w->reply->body.u.head.head;
    if (m->has_head && !mr_head_newer(h, &m->head))
        return MR_OK;
    w->note->kind = MR_BOOK_HEAD;
    w->note->u.head = *h;
    return keep(w);
}
