#include "wallet/heads.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/handover.h"
#include "mereau/log.h"
#include "mereau/receipt.h"
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

static enum mr_status head_signed(const struct wallet *w, const struct mr_rep_head *now,
                                  uint32_t node)
{
    const struct mr_pubkey *const key =
        mr_head_key(&now->head, w->charter, now->handover, now->handover_count);
    const uint8_t *const ledger = w->keys->stored.sheet.link.ledger;
    return key != NULL && now->head.node == node && mr_head_verify(&now->head, ledger, key)
               ? MR_OK
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

/* Epochs that follow those that are known. Each was verified from the charter on: nobody can show
 * others without q nodes of the epoch before. */
static enum mr_status learn_epochs(struct wallet *w, const struct mr_rep_head *now)
{
    struct mr_roster roster;
    enum mr_status st = MR_OK;
    if (now->handover_count <= w->handover_count ||
        mr_roster_reach(&roster, w->charter, now->handover, now->handover_count,
                        now->handover_count + 1) != MR_OK)
        return MR_OK;
    while (st == MR_OK && w->handover_count < now->handover_count &&
           wallet_follows(w, &now->handover[w->handover_count])) {
        w->note->kind = MR_BOOK_HANDOVER;
        w->note->u.handover = now->handover[w->handover_count];
        st = keep(w);
    }
    return st;
}

enum mr_status heads_fetch_epochs(struct wallet *w)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_HEAD};
    const enum mr_status st = node_call_here(w);
    return st == MR_OK ? learn_epochs(w, &w->reply->body.u.head) : st;
}

/* Ask for the newest head and compare it with one that is held; NULL: none is. */
static enum mr_status ask_head(struct wallet *w, uint32_t node, const struct mr_head *held)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_HEAD};
    w->request->u.head.from_size = held != NULL ? held->size : 0;
    enum mr_status st = node_call_here(w);
    const bool shorter = st == MR_OUT_OF_RANGE && held != NULL;
    if (shorter) { /* its log does not reach that far: see how far it does */
        w->request->u.head.from_size = 0;
        st = node_call_here(w);
    }
    if (st != MR_OK)
        return st;
    const struct mr_rep_head *const now = &w->reply->body.u.head;
    st = head_signed(w, now, node);
    if (st == MR_OK)
        st = learn_epochs(w, now);
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
    enum mr_status st = newer_receipt ? ask_head(w, node, &m->receipt_head) : MR_OK;
    if (st == MR_OK && (m->has_head || !newer_receipt))
        st = ask_head(w, node, m->has_head ? &m->head : NULL);
    if (st != MR_OK)
        return st;
    const struct mr_head *const h = &w->reply->body.u.head.head;
    if (m->has_head && !mr_head_newer(h, &m->head))
        return MR_OK;
    w->note->kind = MR_BOOK_HEAD;
    w->note->u.head = *h;
    return keep(w);
}
