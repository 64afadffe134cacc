#include "mereau/evidence.h"

#include <string.h>

#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/sign.h"

void mr_evidence_hash(uint8_t ret[MR_HASH_BYTES], const struct mr_evidence *e)
{
    uint8_t bytes[sizeof *e];
    mr_hash(ret, "mereau/evidence", bytes, mr_evidence_encode(e, bytes, sizeof bytes), NULL, 0);
}

static bool same_log(const struct mr_head *a, const struct mr_head *b)
{
    return a->epoch == b->epoch && a->node == b->node && a->generation == b->generation;
}

static bool included(const struct mr_proof *p)
{
    uint8_t bytes[sizeof p->leaf], hash[32];
    mr_leaf_hash(hash, bytes, mr_leaf_encode(&p->leaf, bytes, sizeof bytes));
    return mr_path_verify(p->head.root, hash, p->index, p->head.size, p->path, p->path_count);
}

/* EVD-3. Any root "extends" the empty tree, so a head of it shows nothing. */
static enum mr_status check_fork(struct mr_evidence_facts *f, const struct mr_evidence_fork *k)
{
    const struct mr_head *const old = &k->older;
    if (old->size == 0 || old->size > k->newer.size || memcmp(k->root, old->root, 32) == 0)
        return MR_BAD_EVIDENCE;
    if (!mr_consistency_verify(k->root, old->size, k->newer.root, k->newer.size, k->consistency,
                               k->consistency_count))
        return MR_BAD_PROOF;
    f->breach = MR_BREACH_TWO_HISTORIES;
    f->first = old->size;
    f->second = k->newer.size;
    return MR_OK;
}

/* A leaf that is about a slot, seen as what it says of a ballot. */
struct statement {
    const uint8_t *account, *value; /* of an UNLOCK: that of the certificate reported */
    uint64_t seq;
    uint32_t ballot;
};

static bool read_statement(struct statement *ret, const struct mr_leaf *l)
{
    switch (l->kind) {
    case MR_LEAF_VOTE:
        *ret =
            (struct statement){l->u.vote.account, l->u.vote.value, l->u.vote.seq, l->u.vote.ballot};
        return true;
    case MR_LEAF_ACK:
        *ret = (struct statement){l->u.ack.account, l->u.ack.value, l->u.ack.seq, l->u.ack.ballot};
        return true;
    case MR_LEAF_UNLOCK:
        *ret = (struct statement){l->u.unlock.account, l->u.unlock.cert_value, l->u.unlock.seq,
                                  l->u.unlock.ballot};
        return true;
    case MR_LEAF_START:
    case MR_LEAF_SEEN:
    case MR_LEAF_EVIDENCE:
    case MR_LEAF_SEAL:
    case MR_LEAF_FINAL:
    case MR_LEAF_REST:
        return false;
    }
    return false;
}

/* EVD-4: an UNLOCK that reports less than what was acknowledged before. */
static bool false_report(const struct mr_leaf_ack *ack, const struct mr_leaf_unlock *u)
{
    if (u->ballot <= ack->ballot)
        return false;
    if (u->cert_ballot == MR_BALLOT_NONE || u->cert_ballot < ack->ballot)
        return true;
    return u->cert_ballot == ack->ballot && memcmp(u->cert_value, ack->value, 32) != 0;
}

/* EVD-4: what the later of two leaves about one slot breaks. */
static bool find_breach(struct mr_evidence_facts *f, const struct mr_leaf *first,
                        const struct mr_leaf *second)
{
    struct statement a, b;
    if (!read_statement(&a, first) || !read_statement(&b, second) || a.seq != b.seq ||
        memcmp(a.account, b.account, MR_ACCOUNT_BYTES) != 0)
        return false;
    f->has_slot = true;
    f->seq = a.seq;
    memcpy(f->account, a.account, MR_ACCOUNT_BYTES);
    if (second->kind == MR_LEAF_UNLOCK) {
        f->breach = MR_BREACH_FALSE_REPORT;
        return first->kind == MR_LEAF_ACK && false_report(&first->u.ack, &second->u.unlock);
    }
    const bool vote = second->kind == MR_LEAF_VOTE;
    if (first->kind == MR_LEAF_UNLOCK) {
        f->breach = vote ? MR_BREACH_LATE_VOTE : MR_BREACH_LATE_ACK;
        return b.ballot < a.ballot;
    }
    f->breach = vote ? MR_BREACH_TWO_VOTES : MR_BREACH_TWO_ACKS;
    return first->kind == second->kind && a.ballot == b.ballot && memcmp(a.value, b.value, 32) != 0;
}

static bool same_leaf(const struct mr_leaf *a, const struct mr_leaf *b)
{
    uint8_t x[sizeof *a], y[sizeof *b];
    const size_t n = mr_leaf_encode(a, x, sizeof x);
    return mr_leaf_encode(b, y, sizeof y) == n && memcmp(x, y, n) == 0;
}

static enum mr_status check_leaves(struct mr_evidence_facts *f, const struct mr_evidence_leaves *l)
{
    const struct mr_proof *const first = &l->first, *const second = &l->second;
    if (!included(first) || !included(second))
        return MR_BAD_PROOF;
    f->first = first->index;
    f->second = second->index;
    if (first->index > second->index)
        return MR_BAD_EVIDENCE;
    if (first->index == second->index) {
        f->breach = MR_BREACH_TWO_HISTORIES;
        return same_leaf(&first->leaf, &second->leaf) ? MR_BAD_EVIDENCE : MR_OK;
    }
    if (second->leaf.kind == MR_LEAF_START) {
        f->breach = MR_BREACH_TWO_STARTS;
        return MR_OK;
    }
    return find_breach(f, &first->leaf, &second->leaf) ? MR_OK : MR_BAD_EVIDENCE;
}

const struct mr_head *mr_evidence_head(const struct mr_evidence *e)
{
    return e->body.kind == MR_EVIDENCE_FORK ? &e->body.u.fork.older : &e->body.u.leaves.first.head;
}

static const struct mr_head *other_head(const struct mr_evidence *e)
{
    return e->body.kind == MR_EVIDENCE_FORK ? &e->body.u.fork.newer : &e->body.u.leaves.second.head;
}

/* What can be told before any key is known. */
static enum mr_status look(const uint8_t ledger[32], const struct mr_evidence *e)
{
    if (memcmp(ledger, e->ledger, 32) != 0)
        return MR_WRONG_LEDGER;
    return e->version == 1 && same_log(mr_evidence_head(e), other_head(e)) ? MR_OK
                                                                           : MR_BAD_EVIDENCE;
}

static enum mr_status judge(struct mr_evidence_facts *f, const struct mr_pubkey *log_key,
                            const struct mr_evidence *e)
{
    const struct mr_head *const h = mr_evidence_head(e);
    if (!mr_head_verify(h, e->ledger, log_key) ||
        !mr_head_verify(other_head(e), e->ledger, log_key))
        return MR_BAD_HEAD;
    f->node = h->node;
    f->epoch = h->epoch;
    f->generation = h->generation;
    return e->body.kind == MR_EVIDENCE_FORK ? check_fork(f, &e->body.u.fork)
                                            : check_leaves(f, &e->body.u.leaves);
}

enum mr_status mr_evidence_check(struct mr_evidence_facts *ret, const uint8_t ledger[32],
                                 const struct mr_pubkey *log_key, const struct mr_evidence *e)
{
    struct mr_evidence_facts f = {0};
    enum mr_status st = look(ledger, e);
    if (st == MR_OK)
        st = judge(&f, log_key, e);
    if (st == MR_OK)
        *ret = f;
    return st;
}

enum mr_status mr_evidence_verify(struct mr_evidence_facts *ret, const struct mr_charter *charter,
                                  const struct mr_chain *chain, const struct mr_evidence *e)
{
    struct mr_evidence_facts f = {0};
    struct mr_roster roster;
    uint8_t ledger[32];
    const struct mr_head *const h = mr_evidence_head(e);

    mr_ledger_id(ledger, charter);
    enum mr_status st = look(ledger, e);
    if (st != MR_OK)
        return st;
    if (mr_roster_reach(&roster, charter, chain, e->handover, e->handover_count, h->epoch) != MR_OK)
        return MR_BAD_HEAD;
    const struct mr_pubkey *const key = mr_roster_key(&roster, h); /* of both heads: one log */
    st = key != NULL ? judge(&f, key, e) : MR_BAD_HEAD;
    if (st != MR_OK)
        return st;
    for (uint32_t i = 0; i < roster.count; i++)
        if (roster.seats[i].node.number == h->node)
            memcpy(f.association, roster.seats[i].node.association, MR_ACCOUNT_BYTES);
    *ret = f;
    return MR_OK;
}

enum mr_status mr_evidence_read(struct mr_evidence *ret, struct mr_chain *ret_chain,
                                const uint8_t *bytes, size_t len)
{
    size_t used;
    const enum mr_status st = mr_evidence_decode_first(ret, &used, bytes, len);
    return st == MR_OK ? mr_chain_read(ret_chain, bytes + used, len - used) : st;
}
