/* The node's log: leaves and what each rests on (SLOT-2 to SLOT-7), heads (LOG-1 to LOG-5). */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

struct mri_aud_open *mri_aud_open_of(struct mri_aud_account *account, uint64_t seq)
{
    for (struct mri_aud_open *o = account->open; o != NULL; o = o->next_of) {
        if (o->seq == seq)
            return o;
    }
    return NULL;
}

static struct mri_aud_open *open_slot(struct mr_audit *a, struct mri_aud_account *account,
                                      uint64_t seq)
{
    struct mri_aud_open *o = mri_aud_open_of(account, seq);
    if (o != NULL)
        return o;
    o = mri_aud_get(a, sizeof *o);
    if (o == NULL)
        return NULL;
    o->account = account;
    o->seq = seq;
    o->next = a->open;
    o->link = &a->open;
    if (a->open != NULL)
        a->open->link = &o->next;
    a->open = o;
    o->next_of = account->open;
    o->link_of = &account->open;
    if (account->open != NULL)
        account->open->link_of = &o->next_of;
    account->open = o;
    return o;
}

void mri_aud_open_done(struct mr_audit *a, struct mri_aud_open *o)
{
    *o->link = o->next;
    if (o->next != NULL)
        o->next->link = o->link;
    *o->link_of = o->next_of;
    if (o->next_of != NULL)
        o->next_of->link_of = o->link_of;
    mri_aud_put(a, o);
}

/* Slot and bookkeeping that VOTE, ACK and UNLOCK share. NULL: not looked at further. */
static struct mri_aud_open *slot_of(struct mr_audit *a, const uint8_t account[16], uint64_t seq,
                                    const char *rule, const char *what)
{
    struct mri_aud_account *const x = mri_aud_account(a, account);
    mri_aud_at(a, account, seq);
    if (x == NULL)
        return NULL;
    if (seq < x->hot.next_seq) {
        mri_aud_text(a, rule, MR_SEQ_OLD, what, "an open slot", "a slot that is settled");
        return NULL;
    }
    struct mri_aud_open *const o = open_slot(a, x, seq);
    if (o != NULL)
        o->entry = a->entry;
    return o;
}

/* SLOT-2, SLOT-3 */
static void vote(struct mr_audit *a, const struct mr_leaf_vote *v, uint64_t index)
{
    struct mri_aud_open *const o = slot_of(a, v->account, v->seq, "SLOT-3", "VOTE");
    if (o == NULL)
        return;
    if (a->abstaining)
        mri_aud_text(a, "SLOT-2", MR_ABSTAINING, "VOTE", "none while abstaining", "a VOTE");
    if (o->voted && o->vote_ballot == v->ballot) {
        mri_aud_hash(a, "SLOT-3", MR_SLOT_TAKEN, "second VOTE in a slot and ballot", o->vote,
                     v->value);
        return;
    }
    if (o->promised && v->ballot < o->promise)
        mri_aud_u64(a, "SLOT-2", MR_CHECK_FAILED, "ballot of a VOTE", o->promise, v->ballot);
    if (v->ballot > 0 && (!o->promised || v->ballot > o->promise))
        mri_aud_u64(a, "SLOT-7", MR_CHECK_FAILED, "ballot of a VOTE without UNLOCK",
                    o->promised ? o->promise : 0, v->ballot);
    o->voted = true;
    o->vote_ballot = v->ballot;
    o->vote_index = index;
    memcpy(o->vote, v->value, 32);
}

/* SLOT-6 of the one vote that a single node holds. */
static void own_certificate(uint8_t ret[32], uint32_t node, uint64_t index)
{
    uint8_t b[12];
    for (unsigned i = 0; i < 4; i++)
        b[i] = (uint8_t)(node >> (24 - 8 * i));
    for (unsigned i = 0; i < 8; i++)
        b[4 + i] = (uint8_t)(index >> (56 - 8 * i));
    mr_hash(ret, "mereau/certificate", b, sizeof b, NULL, 0);
}

/* SLOT-4 */
static void ack(struct mr_audit *a, const struct mr_leaf_ack *k, uint64_t index)
{
    struct mri_aud_open *const o = slot_of(a, k->account, k->seq, "SLOT-4", "ACK");
    if (o == NULL)
        return;
    if (o->promised && k->ballot < o->promise)
        mri_aud_u64(a, "SLOT-7", MR_CHECK_FAILED, "ballot of an ACK", o->promise, k->ballot);
    if (o->acked && o->ack_ballot == k->ballot) {
        mri_aud_hash(a, "SLOT-4", MR_SLOT_TAKEN, "second ACK in a slot and ballot", o->ack,
                     k->value);
        return;
    }
    if (a->charter.quorum == 1) {
        if (!o->voted || o->vote_ballot != k->ballot) {
            mri_aud_text(a, "SLOT-4", MR_CHECK_FAILED, "what an ACK stands on",
                         "a VOTE in this ballot before it", "none");
        } else if (memcmp(o->vote, k->value, 32) != 0) {
            mri_aud_hash(a, "SLOT-4", MR_CHECK_FAILED, "value of an ACK", o->vote, k->value);
        } else {
            uint8_t certificate[32];
            own_certificate(certificate, a->node, o->vote_index);
            if (memcmp(certificate, k->certificate, 32) != 0)
                mri_aud_hash(a, "SLOT-6", MR_CHECK_FAILED, "certificate of an ACK", certificate,
                             k->certificate);
        }
    } else {
        a->totals.certificates_unchecked++;
    }
    o->acked = true;
    o->ack_ballot = k->ballot;
    o->ack_index = index;
    memcpy(o->ack, k->value, 32);
    memcpy(o->certificate, k->certificate, 32);
}

/* SLOT-7 */
static void unlock(struct mr_audit *a, const struct mr_leaf_unlock *u)
{
    static const uint8_t zero[32];
    struct mri_aud_open *const o = slot_of(a, u->account, u->seq, "SLOT-7", "UNLOCK");
    if (o == NULL)
        return;
    if (u->ballot == 0 || (o->promised && u->ballot <= o->promise))
        mri_aud_u64(a, "SLOT-7", MR_CHECK_FAILED, "ballot of an UNLOCK",
                    o->promised ? (uint64_t)o->promise + 1 : 1, u->ballot);
    const uint32_t ballot = o->acked ? o->ack_ballot : MR_BALLOT_NONE;
    const uint8_t *const value = o->acked ? o->ack : zero;
    if (u->cert_ballot != ballot)
        mri_aud_u64(a, "SLOT-7", MR_CHECK_FAILED, "ballot of the certificate reported", ballot,
                    u->cert_ballot);
    else if (memcmp(u->cert_value, value, 32) != 0)
        mri_aud_hash(a, "SLOT-7", MR_CHECK_FAILED, "certificate reported", value, u->cert_value);
    o->promised = true;
    o->promise = u->ballot;
}

/* LOG-2 */
static void start(struct mr_audit *a, const struct mr_leaf_start *s)
{
    if (a->started)
        mri_aud_text(a, "LOG-2", MR_CHECK_FAILED, "START", "only as the first leaf", "another");
    if (memcmp(s->ledger, a->ledger, 32) != 0)
        mri_aud_hash(a, "LOG-2", MR_WRONG_LEDGER, "ledger of START", a->ledger, s->ledger);
    bool known = false;
    for (uint32_t i = 0; i < a->charter.nodes_count; i++)
        known = known || a->charter.nodes[i].number == s->node;
    if (!known)
        mri_aud_u64(a, "LOG-2", MR_WRONG_NODE, "node of START, in the charter", 1, s->node);
    if (a->epoch > 1 && (s->epoch != a->epoch || s->generation != a->generation))
        mri_aud_u64(a, "LOG-2", MR_WRONG_EPOCH, "epoch of START", a->epoch, s->epoch);
    a->started = true;
    a->node = s->node;
    a->epoch = s->epoch;
    a->generation = s->generation;
}

void mri_aud_leaf(struct mr_audit *a, const struct mr_leaf *leaf, const uint8_t *bytes, size_t len)
{
    const uint64_t index = a->tree.size;
    uint8_t h[32];
    mri_aud_leaf_hash(h, bytes, len);
    if (mri_aud_tree_add(&a->tree, &a->mem, h) != MR_OK) {
        a->no_memory = true;
        return;
    }
    a->totals.leaves = a->tree.size;
    if (index == 0 && leaf->kind != MR_LEAF_START)
        mri_aud_text(a, "LOG-2", MR_CHECK_FAILED, "first leaf", "start",
                     mr_leaf_kind_text(leaf->kind));
    switch (leaf->kind) {
    case MR_LEAF_START:
        start(a, &leaf->u.start);
        return;
    case MR_LEAF_VOTE:
        vote(a, &leaf->u.vote, index);
        return;
    case MR_LEAF_ACK:
        ack(a, &leaf->u.ack, index);
        return;
    case MR_LEAF_UNLOCK:
        unlock(a, &leaf->u.unlock);
        return;
    case MR_LEAF_SEEN:
    case MR_LEAF_EVIDENCE:
        return;
    }
    mr_bug("leaf kind");
}

const struct mr_pubkey *mri_aud_log_key(const struct mr_audit *a, uint32_t node)
{
    if (a->epoch > 1 && node == a->node)
        return &a->log_key;
    for (uint32_t i = 0; i < a->charter.nodes_count; i++) {
        if (a->charter.nodes[i].number == node)
            return &a->charter.nodes[i].log_key;
    }
    return NULL;
}

static void head_signature(struct mr_audit *a, const struct mr_head *h)
{
    const struct mr_pubkey *const key = mri_aud_log_key(a, h->node);
    if (key == NULL || h->epoch != a->epoch || h->generation != a->generation) {
        a->totals.heads_unchecked++; /* reported as another epoch's */
        return;
    }
    char text[256];
    const size_t n = mri_aud_head_text(text, sizeof text, a->ledger, h);
    mri_aud_sign_job(a, "LOG-5", "signature of a head", (const uint8_t *)text, n, h->sig, key->key,
                     0);
}

void mri_aud_head(struct mr_audit *a, const struct mr_head *h)
{
    const struct mr_head *last = a->totals.has_head ? &a->totals.head : NULL;
    if (last != NULL && last->generation != a->generation)
        last = NULL; /* of the log before */
    uint8_t root[32];
    a->totals.heads++;
    if (h->node != a->node || h->epoch != a->epoch || h->generation != a->generation) {
        char e[64], f[64];
        snprintf(e, sizeof e, "%u/%u/%u", (unsigned)a->epoch, (unsigned)a->node,
                 (unsigned)a->generation);
        snprintf(f, sizeof f, "%u/%u/%u", (unsigned)h->epoch, (unsigned)h->node,
                 (unsigned)h->generation);
        mri_aud_text(a, "LOG-5", MR_BAD_HEAD, "epoch/node/generation of a head", e, f);
    }
    if (h->size > a->synced)
        mri_aud_u64(a, "LOG-4", MR_BAD_HEAD, "leaves under a head, synced", a->synced, h->size);
    else if (!mri_aud_tree_root(&a->tree, root, h->size))
        a->totals.heads_unchecked++;
    else if (memcmp(root, h->root, 32) != 0)
        mri_aud_hash(a, "LOG-1", MR_BAD_HEAD, "root of a head", root, h->root);
    else if (h->size < a->head_size)
        mri_aud_u64(a, "LOG-4", MR_BAD_HEAD, "size of a head, not below the last one's",
                    a->head_size, h->size);
    if (h->size <= a->synced)
        a->head_size = h->size;
    if (last != NULL && h->time_ms < last->time_ms)
        mri_aud_u64(a, "LOG-4", MR_BAD_HEAD, "time of a head, not before the last one's",
                    last->time_ms, h->time_ms);
    head_signature(a, h);
    a->totals.head = *h;
    a->totals.has_head = true;
}

/* With q = 1 a node holds enough of its own votes at once: vote, acknowledgement and settlement
 * fall in one turn. What is missing is settled here, so that later rows are judged by themselves.
 */
void mri_aud_close_turn(struct mr_audit *a)
{
    struct mri_aud_open *o = a->charter.quorum == 1 ? a->open : NULL;
    while (o != NULL && !a->no_memory) {
        struct mri_aud_open *const next = o->next;
        a->entry = o->entry;
        mri_aud_at(a, o->account->id, o->seq);
        if (!o->acked && o->voted) {
            mri_aud_text(a, "SLOT-4", MR_CHECK_FAILED, "a VOTE in this turn", "its ACK", "none");
            mri_aud_open_done(a, o);
        } else if (o->acked) {
            mri_aud_text(a, "SLOT-5", MR_UNSETTLED, "an ACK in this turn", "its settlement",
                         "none");
            struct mr_entry_settled *const s = &a->e.u.settled;
            memset(s, 0, sizeof *s);
            memcpy(s->account, o->account->id, 16);
            s->seq = o->seq;
            s->ballot = o->ack_ballot;
            memcpy(s->value, o->ack, 32);
            s->acks_count = 1;
            s->acks[0].node = a->node;
            s->acks[0].index = o->ack_index;
            memcpy(s->acks[0].certificate, o->certificate, 32);
            mri_aud_settled(a, s, true);
        }
        o = next;
    }
    a->entry = MR_AUDIT_NO_ENTRY;
}
