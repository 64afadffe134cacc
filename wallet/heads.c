#include "wallet/heads.h"

#include <string.h>

#include "mereau/assert.h"
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
    if (st != MR_OK)
        return st;
    /* A later epoch is governance's word that the log before has ended. */
    if (held == NULL || now->head.epoch > held->epoch || extends(held, now))
        return MR_OK;
    w->fork = (struct fork){held->size, now->head.size};
    return MR_FORKED;
}

/* A wallet that only looks on has given its book back. */
static enum mr_status keep(struct wallet *w, const struct mr_head *h)
{
    w->note->kind = MR_BOOK_HEAD;
    w->note->u.head = *h;
    return w->book != NULL ? wallet_add(w, w->out) : wallet_take(w, w->note);
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
    return m->has_head && !mr_head_newer(h, &m->head) ? MR_OK : keep(w, h);
}
