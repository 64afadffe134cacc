/* Who votes in which epoch: from the charter on, by every handover (RCP-1a, EPO-7). */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"
#include "mereau/codec.h"

void mri_aud_first_roster(struct mri_aud_roster *ret, const struct mr_charter *charter)
{
    *ret = (struct mri_aud_roster){
        .epoch = 1, .quorum = charter->quorum, .count = charter->nodes_count};
    ret->witnesses = charter->witnesses;
    for (uint32_t i = 0; i < charter->nodes_count; i++) {
        const struct mr_node *const n = &charter->nodes[i];
        ret->seats[i].node = n->number;
        ret->seats[i].generation = 1;
        ret->seats[i].key = n->log_key;
        memcpy(ret->seats[i].association, n->association, MR_ACCOUNT_BYTES);
    }
}

void mri_aud_present(const struct mr_audit *a, struct mri_aud_roster *ret)
{
    mri_aud_first_roster(ret, &a->charter);
    ret->epoch = a->epoch;
    for (uint32_t i = 0; i < ret->count; i++)
        ret->seats[i].generation = a->generations[i];
}

const struct mr_pubkey *mri_aud_roster_key(const struct mri_aud_roster *r, const struct mr_head *h)
{
    for (uint32_t i = 0; h->epoch == r->epoch && i < r->count; i++) {
        if (r->seats[i].node == h->node && r->seats[i].generation == h->generation)
            return &r->seats[i].key;
    }
    return NULL;
}

/* --- the proofs of a NEXT --------------------------------------------------------------------- */

static bool wrong(struct mr_audit *a, const char *rule, enum mr_status st, const char *what,
                  const char *expected, const char *found)
{
    mri_aud_text(a, rule, st, what, expected, found);
    return false;
}

/* The leaf stands under its head. */
static bool leads_to_head(const struct mr_proof *p)
{
    uint8_t bytes[sizeof p->leaf], h[32], root[32];
    mri_aud_leaf_hash(h, bytes, mr_leaf_encode(&p->leaf, bytes, sizeof bytes));
    return mri_aud_path_root(root, h, p->index, p->head.size, p->path, p->path_count) &&
           memcmp(root, p->head.root, 32) == 0;
}

static bool acknowledges(const struct mr_leaf *leaf, const struct mr_order *o, const uint8_t id[32],
                         uint32_t ballot)
{
    const struct mr_leaf_ack *const k = &leaf->u.ack;
    return leaf->kind == MR_LEAF_ACK && memcmp(k->account, o->account, 16) == 0 &&
           k->seq == o->seq && k->ballot == ballot && memcmp(k->value, id, 32) == 0;
}

static bool check_proof(struct mr_audit *a, const char *rule, const struct mri_aud_roster *r,
                        const struct mr_handover_next *h, uint32_t i, const uint8_t id[32])
{
    const struct mr_proof *const p = &h->proofs[i];
    const struct mr_pubkey *const key = mri_aud_roster_key(r, &p->head);
    char text[256];
    snprintf(text, sizeof text, "%u/%u/%u", (unsigned)p->head.epoch, (unsigned)p->head.node,
             (unsigned)p->head.generation);
    if (key == NULL)
        return wrong(a, rule, MR_BAD_HEAD, "epoch/node/generation of a head that proves a NEXT",
                     "a node of the epoch before", text);
    for (uint32_t k = 0; k < i; k++) {
        if (h->proofs[k].head.node == p->head.node)
            return wrong(a, rule, MR_BAD_RECEIPT, "nodes that acknowledged a NEXT", "each once",
                         text);
    }
    if (!acknowledges(&p->leaf, &h->order.order, id, h->proofs[0].leaf.u.ack.ballot))
        return wrong(a, rule, MR_BAD_RECEIPT, "leaf that proves a NEXT", "an ACK for it",
                     mr_leaf_kind_text(p->leaf.kind));
    if (!leads_to_head(p))
        return wrong(a, rule, MR_BAD_PROOF, "inclusion path of a leaf that proves a NEXT",
                     "one that leads to its head", text);
    const size_t n = mri_aud_head_text(text, sizeof text, a->ledger, &p->head);
    mri_aud_sign_job(a, rule, "signature of a head that proves a NEXT", (const uint8_t *)text, n,
                     p->head.sig, key->key, 0);
    return true;
}

bool mri_aud_next_proved(struct mr_audit *a, const char *rule, const struct mri_aud_roster *r,
                         const struct mr_handover_next *h)
{
    const struct mr_order *const o = &h->order.order;
    uint8_t id[32];
    if (o->body.kind != MR_KIND_NEXT || memcmp(o->account, a->system->id, 16) != 0)
        return wrong(a, rule, MR_BAD_RECEIPT, "order that an epoch begins by",
                     "a NEXT on the chain of governance", mr_order_kind_text(o->body.kind));
    if (memcmp(o->ledger, a->ledger, 32) != 0) {
        mri_aud_hash(a, rule, MR_WRONG_LEDGER, "ledger of a NEXT", a->ledger, o->ledger);
        return false;
    }
    if (o->body.u.next.epoch != r->epoch + 1) {
        mri_aud_u64(a, rule, MR_WRONG_EPOCH, "epoch that a NEXT begins", (uint64_t)r->epoch + 1,
                    o->body.u.next.epoch);
        return false;
    }
    if (h->proofs_count < r->quorum) {
        mri_aud_u64(a, rule, MR_BAD_RECEIPT, "acknowledgements that prove a NEXT", r->quorum,
                    h->proofs_count);
        return false;
    }
    mr_order_id(id, o);
    for (uint32_t i = 0; i < h->proofs_count; i++) {
        if (!check_proof(a, rule, r, h, i, id))
            return false;
    }
    return true;
}

/* --- handovers -------------------------------------------------------------------------------- */

static bool step_restart(struct mr_audit *a, const char *rule, struct mri_aud_roster *r,
                         const struct mr_signed_restart *s)
{
    const struct mr_restart *const x = &s->restart;
    if (memcmp(x->ledger, a->ledger, 32) != 0) {
        mri_aud_hash(a, rule, MR_WRONG_LEDGER, "ledger of RESTART", a->ledger, x->ledger);
        return false;
    }
    if (x->epoch != r->epoch + 1) {
        mri_aud_u64(a, rule, MR_WRONG_EPOCH, "epoch of RESTART", (uint64_t)r->epoch + 1, x->epoch);
        return false;
    }
    mri_aud_governance(a, rule, s);
    r->epoch = x->epoch;
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->seats[i].node != x->node)
            continue;
        r->seats[i].generation = x->generation;
        r->seats[i].key = x->log_key;
    }
    return true;
}

static void seat(struct mri_aud_roster *r, const struct mr_next_epoch *next)
{
    r->epoch = next->epoch;
    r->quorum = next->quorum;
    r->count = next->seats_count;
    if (next->witnesses_count > 0)
        r->witnesses = next->witnesses[0];
    for (uint32_t i = 0; i < next->seats_count; i++) {
        const struct mr_node *const n = &next->seats[i].node;
        r->seats[i].node = n->number;
        r->seats[i].generation = next->seats[i].generation;
        r->seats[i].key = n->log_key;
        memcpy(r->seats[i].association, n->association, MR_ACCOUNT_BYTES);
    }
}

static bool step_next(struct mr_audit *a, const char *rule, struct mri_aud_roster *r,
                      const struct mr_handover_next *h)
{
    if (!mri_aud_next_proved(a, rule, r, h))
        return false;
    seat(r, &h->order.order.body.u.next);
    return true;
}

static bool step_regroup(struct mr_audit *a, const char *rule, struct mri_aud_roster *r,
                         const struct mr_signed_regroup *s)
{
    if (!mri_aud_regroup_right(a, rule, r, s))
        return false;
    seat(r, &s->regroup.next);
    return true;
}

static bool step(struct mr_audit *a, const char *rule, struct mri_aud_roster *r,
                 const struct mr_handover *h)
{
    switch (h->kind) {
    case MR_HANDOVER_RESTART:
        return step_restart(a, rule, r, &h->u.restart);
    case MR_HANDOVER_NEXT:
        return step_next(a, rule, r, &h->u.next);
    case MR_HANDOVER_REGROUP:
        return step_regroup(a, rule, r, &h->u.regroup);
    }
    return false;
}

/* Over the handovers that stand behind a record, as far as they are wanted. What a book already
 * said of an epoch is passed over. */
static bool step_chain(struct mr_audit *a, const char *rule, struct mri_aud_roster *r,
                       uint32_t epoch)
{
    struct mr_handover *const h = mri_aud_get(a, sizeof *h);
    const uint32_t known = r->epoch;
    bool right = h != NULL;
    size_t at = 0, used = 0;
    for (uint32_t begun = 2; right && begun <= epoch && at < a->chain_len; begun++, at += used) {
        right = mr_handover_decode_first(h, &used, a->chain + at, a->chain_len - at) == MR_OK;
        if (right && begun > known)
            right = step(a, rule, r, h);
    }
    mri_aud_put(a, h);
    return right;
}

bool mri_aud_reach(struct mr_audit *a, const char *rule, struct mri_aud_roster *ret,
                   const struct mr_handover *last, uint32_t count, uint32_t epoch)
{
    if (epoch == 0 || count > epoch - 1) {
        mri_aud_u64(a, rule, MR_WRONG_EPOCH, "epoch of a head, behind the epochs that are told of",
                    (uint64_t)count + 1, epoch);
        return false;
    }
    const uint32_t before = epoch - count;
    *ret = a->rosters[(before < a->rosters_count ? before : a->rosters_count) - 1];
    if (ret->epoch < before && !step_chain(a, rule, ret, before))
        return false;
    if (ret->epoch < before) {
        mri_aud_u64(a, rule, MR_WRONG_EPOCH, "epoch of a head, at most",
                    (uint64_t)ret->epoch + count, epoch);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!step(a, rule, ret, &last[i]))
            return false;
    return true;
}

void mri_aud_note_roster(struct mr_audit *a)
{
    void *list = a->rosters;
    if (!mri_aud_room(a, &list, &a->rosters_cap, a->rosters_count, sizeof *a->rosters))
        return;
    a->rosters = list;
    mri_aud_present(a, &a->rosters[a->rosters_count++]);
}

enum mr_status mri_aud_chain(struct mr_audit *a, const uint8_t *bytes, size_t len)
{
    struct mr_handover *const h = mri_aud_get(a, sizeof *h);
    enum mr_status st = h == NULL                  ? MR_NO_MEMORY
                        : len > MR_CHAIN_BYTES_MAX ? MR_OUT_OF_RANGE
                                                   : MR_OK;
    for (size_t at = 0, used = 0; st == MR_OK && at < len; at += used)
        st = mr_handover_decode_first(h, &used, bytes + at, len - at);
    mri_aud_put(a, h);
    a->chain = bytes;
    a->chain_len = st == MR_OK ? len : 0;
    return st;
}

bool mr_audit_home_of(const struct mr_audit *a, uint32_t node, uint8_t ret[MR_ACCOUNT_BYTES])
{
    for (size_t k = a->rosters_count; k-- > 0;) {
        const struct mri_aud_roster *const r = &a->rosters[k];
        for (uint32_t i = 0; i < r->count; i++) {
            if (r->seats[i].node == node) {
                memcpy(ret, r->seats[i].association, MR_ACCOUNT_BYTES);
                return true;
            }
        }
    }
    return false;
}
