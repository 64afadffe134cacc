#include "mereau/handover.h"

#include <string.h>

#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"
#include "mereau/sign.h"

enum mr_status mr_chain_read(struct mr_chain *ret, const uint8_t *bytes, size_t len)
{
    struct mr_handover h;
    size_t used;
    *ret = (struct mr_chain){.bytes = bytes, .len = len};
    if (len > MR_CHAIN_BYTES_MAX)
        return MR_OUT_OF_RANGE;
    for (size_t at = 0; at < len; at += used) {
        const enum mr_status st = mr_handover_decode_first(&h, &used, bytes + at, len - at);
        if (st != MR_OK)
            return st;
        ret->count++;
    }
    return MR_OK;
}

size_t mr_chain_prefix(const struct mr_chain *chain, uint32_t count)
{
    struct mr_handover h;
    size_t at = 0, used;
    for (uint32_t i = 0; i < count && at < chain->len; i++, at += used)
        if (mr_handover_decode_first(&h, &used, chain->bytes + at, chain->len - at) != MR_OK)
            break;
    return at;
}

void mr_roster_genesis(struct mr_roster *ret, const struct mr_charter *charter)
{
    *ret = (struct mr_roster){.epoch = 1,
                              .quorum = charter->quorum,
                              .count = charter->nodes_count,
                              .witnesses = charter->witnesses};
    for (uint32_t i = 0; i < charter->nodes_count; i++) {
        ret->seats[i].generation = 1;
        ret->seats[i].node = charter->nodes[i];
    }
}

const struct mr_pubkey *mr_roster_key(const struct mr_roster *r, const struct mr_head *h)
{
    for (uint32_t i = 0; h->epoch == r->epoch && i < r->count; i++)
        if (r->seats[i].node.number == h->node && r->seats[i].generation == h->generation)
            return &r->seats[i].node.log_key;
    return NULL;
}

static enum mr_status check_proof(const struct mr_roster *r, const uint8_t ledger[32],
                                  const struct mr_proof *p)
{
    uint8_t leaf[512], hash[32];
    const struct mr_pubkey *const key = mr_roster_key(r, &p->head);
    if (key == NULL || !mr_head_verify(&p->head, ledger, key))
        return MR_BAD_HEAD;
    if (mr_leaf_size(&p->leaf) > sizeof leaf)
        return MR_BAD_PROOF;
    mr_leaf_hash(hash, leaf, mr_leaf_encode(&p->leaf, leaf, sizeof leaf));
    if (!mr_path_verify(p->head.root, hash, p->index, p->head.size, p->path, p->path_count))
        return MR_BAD_PROOF;
    return MR_OK;
}

enum mr_status mr_roster_acks(const struct mr_roster *r, uint64_t *ret_time_ms,
                              const uint8_t ledger[32], const struct mr_proof *proofs,
                              uint32_t count, const uint8_t account[16], uint64_t seq,
                              const uint8_t value[32])
{
    uint64_t nodes = 0, time_ms = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_proof *const p = &proofs[i];
        const struct mr_leaf_ack *const a = &p->leaf.u.ack;
        const uint64_t bit = UINT64_C(1) << (p->head.node & 63);
        const enum mr_status st = check_proof(r, ledger, p);
        if (st != MR_OK)
            return st;
        if (p->leaf.kind != MR_LEAF_ACK || memcmp(a->account, account, MR_ACCOUNT_BYTES) != 0 ||
            a->seq != seq || a->ballot != proofs[0].leaf.u.ack.ballot ||
            memcmp(a->value, value, 32) != 0 || (nodes & bit) != 0)
            return MR_BAD_RECEIPT;
        nodes |= bit;
        if (p->head.time_ms > time_ms)
            time_ms = p->head.time_ms;
    }
    *ret_time_ms = time_ms;
    return count >= r->quorum ? MR_OK : MR_BAD_RECEIPT;
}

static enum mr_status step_restart(struct mr_roster *r, const struct mr_charter *charter,
                                   const struct mr_signed_restart *s)
{
    if (s->restart.epoch != r->epoch + 1)
        return MR_WRONG_EPOCH;
    const enum mr_status st = mr_restart_verify(s, charter);
    if (st != MR_OK)
        return st;
    r->epoch = s->restart.epoch;
    for (uint32_t i = 0; i < r->count; i++)
        if (r->seats[i].node.number == s->restart.node) {
            r->seats[i].node.log_key = s->restart.log_key;
            r->seats[i].generation = s->restart.generation;
        }
    return MR_OK;
}

static void seat(struct mr_roster *r, const struct mr_next_epoch *next)
{
    r->epoch = next->epoch;
    r->quorum = next->quorum;
    r->count = next->seats_count;
    if (next->witnesses_count > 0)
        r->witnesses = next->witnesses[0];
    for (uint32_t i = 0; i < next->seats_count; i++) {
        r->seats[i].generation = next->seats[i].generation;
        r->seats[i].node = next->seats[i].node;
    }
}

static enum mr_status step_next(struct mr_roster *r, const struct mr_charter *charter,
                                const struct mr_handover_next *h)
{
    const struct mr_order *const o = &h->order.order;
    const struct mr_next_epoch *const next = &o->body.u.next;
    uint8_t ledger[32], id[32], system[16];
    uint64_t time_ms;
    mr_ledger_id(ledger, charter);
    mr_sub_account(system, NULL, MR_CLASS_SYSTEM);
    if (o->body.kind != MR_KIND_NEXT || memcmp(o->account, system, 16) != 0)
        return MR_BAD_RECEIPT;
    if (next->epoch != r->epoch + 1)
        return MR_WRONG_EPOCH;
    mr_order_id(id, o);
    const enum mr_status st =
        mr_roster_acks(r, &time_ms, ledger, h->proofs, h->proofs_count, o->account, o->seq, id);
    if (st != MR_OK)
        return st;
    seat(r, next);
    return MR_OK;
}

static enum mr_status step_regroup(struct mr_roster *r, const struct mr_charter *charter,
                                   const struct mr_signed_regroup *s)
{
    const struct mr_next_epoch *const next = &s->regroup.next;
    if (next->epoch != r->epoch + 1)
        return MR_WRONG_EPOCH;
    if (next->associations_count > 0 || next->witnesses_count > 0 ||
        next->quorum > next->seats_count || 2 * next->quorum <= next->seats_count)
        return MR_OUT_OF_RANGE;
    const enum mr_status st = mr_regroup_verify(s, charter);
    if (st == MR_OK)
        seat(r, next);
    return st;
}

enum mr_status mr_roster_step(struct mr_roster *r, const struct mr_charter *charter,
                              const struct mr_handover *h)
{
    switch (h->kind) {
    case MR_HANDOVER_RESTART:
        return step_restart(r, charter, &h->u.restart);
    case MR_HANDOVER_NEXT:
        return step_next(r, charter, &h->u.next);
    case MR_HANDOVER_REGROUP:
        return step_regroup(r, charter, &h->u.regroup);
    }
    return MR_BAD_RECEIPT;
}

/* A way from epoch to epoch: the chain's handovers first, then those that a record carries. */
struct way {
    const struct mr_chain *chain;
    const struct mr_handover *last;
    uint32_t first_of_last; /* the epoch that last[0] began */
    size_t at;
    struct mr_handover decoded;
};

/* The handover that began `epoch`, for which it is asked one by one from 2 on. */
static enum mr_status way_next(struct way *w, const struct mr_handover **ret, uint32_t epoch)
{
    size_t used;
    if (epoch >= w->first_of_last) {
        *ret = &w->last[epoch - w->first_of_last];
        return MR_OK;
    }
    if (w->chain == NULL || w->at == w->chain->len)
        return MR_WRONG_EPOCH;
    const enum mr_status st = mr_handover_decode_first(&w->decoded, &used, w->chain->bytes + w->at,
                                                       w->chain->len - w->at);
    if (st != MR_OK)
        return st;
    w->at += used;
    *ret = &w->decoded;
    return MR_OK;
}

/* The roster of an epoch and, unless `present` is NULL, the charter in it. */
static enum mr_status go(struct mr_roster *r, struct mr_charter *present,
                         const struct mr_charter *charter, struct way *w, uint32_t last_count,
                         uint32_t epoch)
{
    const struct mr_handover *h;
    mr_roster_genesis(r, charter);
    if (epoch == 0 || last_count > epoch - 1)
        return MR_WRONG_EPOCH;
    w->first_of_last = epoch - last_count + 1;
    while (r->epoch < epoch) {
        enum mr_status st = way_next(w, &h, r->epoch + 1);
        if (st == MR_OK)
            st = mr_roster_step(r, charter, h);
        const struct mr_next_epoch *const next = st == MR_OK ? mr_handover_seats(h) : NULL;
        if (present != NULL && next != NULL)
            st = mr_charter_next(present, next);
        if (st != MR_OK)
            return st;
    }
    return MR_OK;
}

const struct mr_next_epoch *mr_handover_seats(const struct mr_handover *h)
{
    if (h->kind == MR_HANDOVER_NEXT)
        return &h->u.next.order.order.body.u.next;
    return h->kind == MR_HANDOVER_REGROUP ? &h->u.regroup.regroup.next : NULL;
}

enum mr_status mr_roster_reach(struct mr_roster *ret, const struct mr_charter *charter,
                               const struct mr_chain *chain, const struct mr_handover *last,
                               uint32_t last_count, uint32_t epoch)
{
    struct way w = {.chain = chain, .last = last};
    return go(ret, NULL, charter, &w, last_count, epoch);
}

enum mr_status mr_charter_reach(struct mr_charter *ret, const struct mr_charter *charter,
                                const struct mr_chain *chain, const struct mr_handover *last,
                                uint32_t last_count, uint32_t epoch)
{
    struct mr_roster r;
    struct way w = {.chain = chain, .last = last};
    *ret = *charter;
    return go(&r, ret, charter, &w, last_count, epoch);
}
