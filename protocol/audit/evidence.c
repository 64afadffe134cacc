/* EVD-2 to EVD-4: evidence against the charter alone. */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

static void text_of_log(char ret[64], const struct mr_head *h)
{
    snprintf(ret, 64, "%u/%u/%u", (unsigned)h->epoch, (unsigned)h->node, (unsigned)h->generation);
}

static void check_head(struct mr_audit *a, const struct mri_aud_roster *r, const struct mr_head *h)
{
    char text[256];
    const struct mr_pubkey *const key = mri_aud_roster_key(r, h);
    if (key == NULL) {
        text_of_log(text, h);
        mri_aud_text(a, "EVD-2", MR_BAD_HEAD, "epoch/node/generation of a head",
                     "a log that charter and handover lead to", text);
        return;
    }
    const size_t n = mri_aud_head_text(text, sizeof text, a->ledger, h);
    mri_aud_sign_job(a, "EVD-2", "signature of a head", (const uint8_t *)text, n, h->sig, key->key,
                     0);
}

/* --- forks ------------------------------------------------------------------------------------ */

static enum mr_status check_fork(struct mr_audit *a, struct mr_evidence_facts *f,
                                 const struct mr_evidence_fork *k)
{
    const uint64_t most = k->newer.size;
    if (k->older.size == 0 || k->older.size > most) {
        mri_aud_u64(a, "EVD-3", MR_BAD_EVIDENCE, "size of the older head, from 1 to the newer's",
                    most, k->older.size);
        return MR_BAD_EVIDENCE;
    }
    if (memcmp(k->root, k->older.root, 32) == 0) {
        mri_aud_text(a, "EVD-3", MR_BAD_EVIDENCE, "root at the older head's size",
                     "another than the older head's", "the same");
        return MR_BAD_EVIDENCE;
    }
    if (!mri_aud_grows(k->root, k->older.size, k->newer.root, most, k->consistency,
                       k->consistency_count)) {
        mri_aud_text(a, "EVD-3", MR_BAD_PROOF, "consistency of that root with the newer head",
                     "a proof", "none");
        return MR_BAD_PROOF;
    }
    f->breach = MR_BREACH_TWO_HISTORIES;
    f->first = k->older.size;
    f->second = most;
    return MR_OK;
}

/* --- leaves ----------------------------------------------------------------------------------- */

static bool check_path(struct mr_audit *a, const struct mr_proof *p, uint8_t ret_hash[32])
{
    uint8_t bytes[sizeof p->leaf], root[32];
    mri_aud_leaf_hash(ret_hash, bytes, mr_leaf_encode(&p->leaf, bytes, sizeof bytes));
    if (!mri_aud_path_root(root, ret_hash, p->index, p->head.size, p->path, p->path_count)) {
        mri_aud_text(a, "EVD-4", MR_BAD_PROOF, "inclusion path",
                     "as long as index and size of the tree say", "another length");
        return false;
    }
    if (memcmp(root, p->head.root, 32) != 0)
        mri_aud_hash(a, "EVD-4", MR_BAD_PROOF, "root an inclusion path leads to", p->head.root,
                     root);
    return memcmp(root, p->head.root, 32) == 0;
}

/* A row of EVD-4's table; 0: none. */
static unsigned leaves_breach(struct mr_evidence_facts *f, const struct mr_leaf *first,
                              const struct mr_leaf *second)
{
    struct mri_aud_said one, other;
    const uint8_t *here = NULL, *there = NULL;
    uint64_t seq = 0, next = 0;
    if (second->kind == MR_LEAF_START)
        return MR_BREACH_TWO_STARTS;
    if (!mri_aud_read_said(&one, &here, &seq, first) ||
        !mri_aud_read_said(&other, &there, &next, second) || seq != next ||
        memcmp(here, there, 16) != 0)
        return 0;
    f->has_slot = true;
    f->seq = seq;
    memcpy(f->account, here, 16);
    return mri_aud_breach(&one, &other);
}

static enum mr_status check_leaves(struct mr_audit *a, struct mr_evidence_facts *f,
                                   const struct mr_evidence_leaves *l)
{
    uint8_t first[32], second[32];
    unsigned breach = 0;
    a->entry = 0;
    bool right = check_path(a, &l->first, first);
    a->entry = 1;
    right = check_path(a, &l->second, second) && right;
    a->entry = MR_AUDIT_NO_ENTRY;
    if (!right)
        return MR_BAD_PROOF;
    f->first = l->first.index;
    f->second = l->second.index;
    if (f->first < f->second)
        breach = leaves_breach(f, &l->first.leaf, &l->second.leaf);
    else if (f->first == f->second && memcmp(first, second, 32) != 0)
        breach = MR_BREACH_TWO_HISTORIES;
    if (breach == 0) {
        mri_aud_text(a, "EVD-4", MR_BAD_EVIDENCE, "two leaves, the second behind the first",
                     "a contradiction", "none");
        return MR_BAD_EVIDENCE;
    }
    f->breach = (enum mr_breach)breach;
    return MR_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Signatures of the turn, in an audit, stay for their own batch. */
static bool heads_right(struct mr_audit *a, struct mri_aud_roster *r, const struct mr_evidence *e,
                        const struct mr_head *x, const struct mr_head *y)
{
    const uint64_t before = a->totals.findings;
    struct mr_audit_batch *const others = mr_audit_take(a);
    if (mri_aud_reach(a, "EVD-2", r, e->handover, e->handover_count, x->epoch)) {
        check_head(a, r, x);
        check_head(a, r, y);
    }
    mri_aud_verify_now(a);
    a->batch = others;
    return a->totals.findings == before;
}

enum mr_status mri_aud_convicts(struct mr_audit *a, struct mr_evidence_facts *ret,
                                const struct mr_evidence *e)
{
    const bool fork = e->body.kind == MR_EVIDENCE_FORK;
    const struct mr_head *const x = fork ? &e->body.u.fork.older : &e->body.u.leaves.first.head;
    const struct mr_head *const y = fork ? &e->body.u.fork.newer : &e->body.u.leaves.second.head;
    struct mri_aud_roster roster;
    char one[64], other[64];
    memset(ret, 0, sizeof *ret);
    if (memcmp(e->ledger, a->ledger, 32) != 0) {
        mri_aud_hash(a, "EVD-2", MR_WRONG_LEDGER, "ledger of evidence", a->ledger, e->ledger);
        return MR_WRONG_LEDGER;
    }
    text_of_log(one, x);
    text_of_log(other, y);
    if (e->version != 1)
        mri_aud_u64(a, "EVD-2", MR_BAD_EVIDENCE, "version of evidence", 1, e->version);
    else if (strcmp(one, other) != 0)
        mri_aud_text(a, "EVD-2", MR_BAD_EVIDENCE, "epoch/node/generation of both heads", one,
                     other);
    if (e->version != 1 || strcmp(one, other) != 0)
        return MR_BAD_EVIDENCE;
    if (!heads_right(a, &roster, e, x, y))
        return MR_BAD_HEAD;
    ret->node = x->node;
    ret->epoch = x->epoch;
    ret->generation = x->generation;
    for (uint32_t i = 0; i < roster.count; i++) {
        if (roster.seats[i].node == x->node)
            memcpy(ret->association, roster.seats[i].association, 16);
    }
    return fork ? check_fork(a, ret, &e->body.u.fork) : check_leaves(a, ret, &e->body.u.leaves);
}

enum mr_status mr_audit_evidence(struct mr_audit *a, struct mr_evidence_facts *ret_facts,
                                 struct mr_evidence *ret, const uint8_t *bytes, size_t len)
{
    size_t used = 0;
    enum mr_status st = mr_evidence_decode_first(ret, &used, bytes, len);
    if (st == MR_OK)
        st = mri_aud_chain(a, bytes + used, len - used);
    if (st != MR_OK)
        return st;
    a->entry = MR_AUDIT_NO_ENTRY;
    mri_aud_at(a, NULL, 0);
    st = mri_aud_convicts(a, ret_facts, ret);
    a->chain_len = 0;
    return a->no_memory ? MR_NO_MEMORY : st;
}
