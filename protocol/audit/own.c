/* The node's own leaves about slots, and what each rests on (SLOT-2 to SLOT-9). */
#include <string.h>

#include "audit/state.h"

/* The slot of an own leaf. NULL: it is settled, and the leaf is not looked at further. */
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
    struct mri_aud_open *const o = mri_aud_slot_get(a, x, seq);
    if (o != NULL)
        o->entry = a->entry;
    return o;
}

static void promise(struct mri_aud_open *o, uint32_t ballot)
{
    if (!o->promised || ballot > o->promise)
        o->promise = ballot;
    o->promised = true;
}

/* --- VOTE ------------------------------------------------------------------------------------- */

/* What a vote among several nodes rests on: place, reports, order. */
static void vote_rests_on(struct mr_audit *a, struct mri_aud_open *o, const struct mr_leaf_vote *v)
{
    uint8_t void_id[32];
    bool is_free = true;
    if (o->seq > o->account->hot.next_seq && !o->account->partial && !o->account->unknown) {
        mri_aud_u64(a, "SLOT-2", MR_SEQ_AHEAD, "place in the chain of a VOTE",
                    o->account->hot.next_seq, v->seq);
        mri_aud_catch_up(a, o->account, v->seq);
        mri_aud_at(a, v->account, v->seq);
    }
    if (v->ballot > 0 && !mri_aud_justified(a, o, v->ballot, v->value, &is_free)) {
        mri_aud_text(a, "SLOT-9", MR_CHECK_FAILED, "what a VOTE above ballot 0 stands on",
                     "UNLOCK reports of q nodes for its value", "none");
        return;
    }
    mr_void_id(void_id, a->ledger, v->account, v->seq);
    if (is_free && memcmp(void_id, v->value, 32) != 0)
        mri_aud_check_vote(a, o, v->value);
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
    else if (!mri_aud_alone(a))
        vote_rests_on(a, o, v);
    o->voted = true;
    o->vote_ballot = v->ballot;
    o->vote_index = index;
    memcpy(o->vote, v->value, 32);
    promise(o, v->ballot);
}

/* --- ACK -------------------------------------------------------------------------------------- */

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

static void ack_alone(struct mr_audit *a, const struct mri_aud_open *o, const struct mr_leaf_ack *k)
{
    if (!o->voted || o->vote_ballot != k->ballot) {
        mri_aud_text(a, "SLOT-4", MR_CHECK_FAILED, "what an ACK stands on",
                     "a VOTE in this ballot before it", "none");
        return;
    }
    if (memcmp(o->vote, k->value, 32) != 0) {
        mri_aud_hash(a, "SLOT-4", MR_CHECK_FAILED, "value of an ACK", o->vote, k->value);
        return;
    }
    uint8_t certificate[32];
    own_certificate(certificate, a->node, o->vote_index);
    if (memcmp(certificate, k->certificate, 32) != 0)
        mri_aud_hash(a, "SLOT-6", MR_CHECK_FAILED, "certificate of an ACK", certificate,
                     k->certificate);
}

static void ack_among_many(struct mr_audit *a, const struct mri_aud_open *o,
                           const struct mr_leaf_ack *k)
{
    const uint32_t votes = mri_aud_count(o, MR_LEAF_VOTE, k->ballot, k->value);
    char found[65];
    bool sure;
    if (votes < a->charter.quorum) {
        mri_aud_u64(a, "SLOT-4", MR_CHECK_FAILED, "votes that an ACK stands on", a->charter.quorum,
                    votes);
        return;
    }
    if (mri_aud_certificate(a, o, k->ballot, k->value, k->certificate, 1 << 20, &sure))
        return;
    mr_hex_format(found, k->certificate, 32);
    if (sure)
        mri_aud_text(a, "SLOT-6", MR_CHECK_FAILED, "certificate of an ACK",
                     "hash of q or more of the votes before it", found);
    else
        a->totals.certificates_unchecked++;
}

/* What a slot settled with, as far as it is known still. Settled in this epoch: q nodes voted for
 * it; what one alone says proves nothing. */
static bool settled_value(const struct mr_audit *a, const struct mri_aud_account *x, uint64_t seq,
                          uint8_t ret[32], bool *ret_now)
{
    static const uint8_t none[32];
    const struct mri_aud_open *const o = mri_aud_slot(a, x->id, seq);
    *ret_now = a->epoch == 1;
    for (size_t i = 0; o != NULL && i < o->said_count; i++)
        *ret_now = *ret_now || (o->said[i].kind == MR_LEAF_VOTE &&
                                mri_aud_count(o, MR_LEAF_VOTE, o->said[i].ballot,
                                              o->said[i].value) >= a->charter.quorum);
    if (seq + 1 == x->hot.next_seq)
        memcpy(ret, x->hot.head, 32);
    else if (o != NULL)
        memcpy(ret, o->value, 32);
    return seq + 1 == x->hot.next_seq || (o != NULL && memcmp(o->value, none, 32) != 0);
}

/* SLOT-17: what settled in an epoch before, said again without votes. False: it is none. */
static bool ack_anew(struct mr_audit *a, const struct mr_leaf_ack *k)
{
    const struct mri_aud_account *const x = mri_aud_account(a, k->account);
    uint8_t none[32], value[32];
    bool now;
    mr_hash(none, "mereau/certificate", "", 0, NULL, 0);
    if (x == NULL || k->seq >= x->hot.next_seq || memcmp(k->certificate, none, 32) != 0)
        return false;
    mri_aud_at(a, k->account, k->seq);
    const bool known = settled_value(a, x, k->seq, value, &now);
    if (now)
        mri_aud_text(a, "SLOT-17", MR_SEQ_OLD, "ACK anew", "of a slot of an epoch before",
                     "one of this epoch");
    else if (!known)
        a->totals.certificates_unchecked++;
    else if (memcmp(value, k->value, 32) != 0)
        mri_aud_hash(a, "SLOT-17", MR_CHECK_FAILED, "value of an ACK anew", value, k->value);
    else if (k->ballot != 0)
        mri_aud_u64(a, "SLOT-17", MR_CHECK_FAILED, "ballot of an ACK anew", 0, k->ballot);
    return true;
}

/* SLOT-4 */
static void ack(struct mr_audit *a, const struct mr_leaf_ack *k, uint64_t index)
{
    if (ack_anew(a, k))
        return;
    struct mri_aud_open *const o = slot_of(a, k->account, k->seq, "SLOT-4", "ACK");
    if (o == NULL)
        return;
    if (o->promised && k->ballot < o->promise) {
        mri_aud_u64(a, "SLOT-7", MR_CHECK_FAILED, "ballot of an ACK", o->promise, k->ballot);
        return;
    }
    if (o->acked && o->ack_ballot == k->ballot) {
        mri_aud_hash(a, "SLOT-4", MR_SLOT_TAKEN, "second ACK in a slot and ballot", o->ack,
                     k->value);
        return;
    }
    if (mri_aud_alone(a))
        ack_alone(a, o, k);
    else
        ack_among_many(a, o, k);
    o->acked = true;
    o->ack_ballot = k->ballot;
    o->ack_index = index;
    memcpy(o->ack, k->value, 32);
    memcpy(o->certificate, k->certificate, 32);
    promise(o, k->ballot);
}

/* --- UNLOCK ----------------------------------------------------------------------------------- */

/* SLOT-8: an UNLOCK names what allows its ballot, which stands before it. */
static void unlock_rests_on(struct mr_audit *a, const struct mri_aud_open *o,
                            const struct mr_leaf_unlock *u)
{
    if (!o->triggered)
        mri_aud_text(a, "SLOT-8", MR_CHECK_FAILED, "what allows the ballot of an UNLOCK",
                     "a trigger before it", "none");
    else if (memcmp(o->trigger, u->trigger, 32) != 0)
        mri_aud_hash(a, "SLOT-8", MR_CHECK_FAILED, "trigger that an UNLOCK names", o->trigger,
                     u->trigger);
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
    unlock_rests_on(a, o, u);
    o->unlocked = true;
    promise(o, u->ballot);
}

/* JNL-9: a node that was shown a head its log does not reach says nothing more about slots. */
static void check_memory(struct mr_audit *a, uint64_t index)
{
    if (index >= a->shown || a->abstaining)
        return;
    mri_aud_u64(a, "JNL-9", MR_ABSTAINING, "leaf of a node that others hold more leaves of",
                a->shown, index);
    a->shown = 0;
}

void mri_aud_own_leaf(struct mr_audit *a, const struct mr_leaf *leaf, uint64_t index)
{
    struct mri_aud_said s;
    const uint8_t *account = NULL;
    uint64_t seq = 0;
    check_memory(a, index);
    a->speaks = true;
    const bool about = mri_aud_read_said(&s, &account, &seq, leaf);
    if (!about || mri_aud_silence(a, a->node, a->end.sealed, account, seq))
        return;
    if (leaf->kind == MR_LEAF_VOTE)
        vote(a, &leaf->u.vote, index);
    else if (leaf->kind == MR_LEAF_ACK)
        ack(a, &leaf->u.ack, index);
    else
        unlock(a, &leaf->u.unlock);
    if (mri_aud_alone(a))
        return;
    struct mri_aud_open *const o = mri_aud_slot(a, account, seq);
    if (o == NULL)
        return;
    s.node = a->node;
    s.index = index;
    mri_aud_say(a, o, &s);
}

/* SLOT-16 */
void mri_aud_own_rest(struct mr_audit *a, const struct mr_leaf_rest *r, uint64_t index)
{
    const uint64_t next = a->totals.checkpoints + 1;
    check_memory(a, index);
    a->speaks = true;
    if (a->abstaining)
        mri_aud_text(a, "SLOT-16", MR_ABSTAINING, "REST", "none while abstaining", "a REST");
    else if (a->end.has_next)
        mri_aud_text(a, "SLOT-16", MR_CHANGING, "REST", "none behind a NEXT that settled",
                     "a REST");
    else if (r->number != next)
        mri_aud_u64(a, "SLOT-16", MR_CHECK_FAILED, "number of the checkpoint that REST names", next,
                    r->number);
}

/* --- triggers --------------------------------------------------------------------------------- */

static void trigger_hash(uint8_t ret[32], const struct mr_entry_trigger *t)
{
    uint8_t text[28];
    for (unsigned i = 0; i < 4; i++)
        text[i] = (uint8_t)((uint32_t)t->kind >> (24 - 8 * i));
    memcpy(text + 4, t->account, 16);
    for (unsigned i = 0; i < 8; i++)
        text[20 + i] = (uint8_t)(t->seq >> (56 - 8 * i));
    mr_hash(ret, "mereau/trigger", text, sizeof text, NULL, 0);
}

/* The owner's CANCEL stands in the bodies, for this slot, and is signed. */
static void check_cancel(struct mr_audit *a, const struct mr_entry_trigger *t,
                         const struct mri_aud_account *x, uint8_t ret_hash[32])
{
    uint8_t id[32];
    struct mri_aud_body *const body = mri_aud_body_at(a, t->body_at, t->body_len);
    mri_aud_cancel_key(id, t->account, t->seq);
    memcpy(ret_hash, t->hash, 32);
    if (body == NULL || body->kind != MR_BODY_CANCEL || memcmp(body->id, id, 32) != 0) {
        if (t->body_at >= a->erased_until)
            mri_aud_text(a, "SLOT-8", MR_CHECK_FAILED, "trigger of a ballot",
                         "a CANCEL of the slot, where it says", "none");
        else
            a->totals.orders_unchecked++;
        return;
    }
    body->used = true;
    if (mr_body_decode(&a->b, body->bytes, body->len) != MR_OK)
        mr_bug("a body that decoded before");
    mr_hash(ret_hash, "mereau/trigger", body->bytes + 4, body->len - 4, NULL, 0);
    const struct mr_signed_cancel *const c = &a->b.u.cancel;
    if (memcmp(c->cancel.ledger, a->ledger, 32) != 0)
        mri_aud_hash(a, "SLOT-8", MR_WRONG_LEDGER, "ledger of a CANCEL", a->ledger,
                     c->cancel.ledger);
    if (!x->partial && !x->unknown)
        mri_aud_owner_sigs(a, x, c->sigs, c->sigs_count, MR_PURPOSE_CANCEL, body->bytes + 4,
                           mr_cancel_size(&c->cancel));
}

/* A last day had passed by the node's clock when it said so: the clock may be another one later. */
static void check_lapse(struct mr_audit *a, const struct mri_aud_open *o,
                        const struct mr_entry_trigger *t)
{
    if (o->ordered && t->time_ms <= o->lapse_ms)
        mri_aud_u64(a, "SLOT-8", MR_CHECK_FAILED, "time of a trigger, behind the order's last",
                    o->lapse_ms + 1, t->time_ms);
}

/* SLOT-8 */
void mri_aud_trigger(struct mr_audit *a, const struct mr_entry_trigger *t)
{
    struct mri_aud_open *const o = slot_of(a, t->account, t->seq, "SLOT-8", "trigger");
    uint8_t hash[32];
    if (o == NULL)
        return;
    trigger_hash(hash, t);
    const bool known = a->erased_until == 0;
    const char *lacks = NULL;
    switch (t->kind) {
    case MR_TRIGGER_CANCEL:
        check_cancel(a, t, o->account, hash);
        break;
    case MR_TRIGGER_CONFLICT:
        lacks = o->conflict || !known ? NULL : "two different orders for the slot";
        break;
    case MR_TRIGGER_FROZEN:
        lacks = o->account->cold.frozen || a->incomplete ? NULL : "a frozen account";
        break;
    case MR_TRIGGER_EXPIRED:
        lacks = o->ordered || !known ? NULL : "an order for the slot";
        check_lapse(a, o, t);
        break;
    }
    if (lacks != NULL)
        mri_aud_text(a, "SLOT-8", MR_CHECK_FAILED, "trigger of a ballot", lacks, "none");
    if (memcmp(hash, t->hash, 32) != 0)
        mri_aud_hash(a, "SLOT-8", MR_CHECK_FAILED, "hash of a trigger", hash, t->hash);
    o->triggered = true;
    o->trigger_kind = t->kind;
    memcpy(o->trigger, t->hash, 32);
}

/* --- the end of a turn ------------------------------------------------------------------------ */

/* A settlement that its ACKs demand and that does not stand in the journal. */
static void settle_missing(struct mr_audit *a, const struct mri_aud_open *o, uint32_t ballot,
                           const uint8_t value[32])
{
    struct mr_entry_settled *const s = mri_aud_get(a, sizeof *s);
    if (s == NULL)
        return;
    memcpy(s->account, o->account->id, 16);
    s->seq = o->seq;
    s->ballot = ballot;
    memcpy(s->value, value, 32);
    mri_aud_settled(a, s, true);
    mri_aud_put(a, s);
}

/* With q = 1 a node holds enough of its own votes at once: vote, acknowledgement and settlement
 * fall in one turn. What is missing is settled here, so that later rows are judged by themselves.
 */
void mri_aud_close_turn(struct mr_audit *a)
{
    struct mri_aud_open *o = mri_aud_alone(a) ? a->open : NULL;
    while (o != NULL && !a->no_memory) {
        struct mri_aud_open *const next = o->next;
        a->entry = o->entry;
        mri_aud_at(a, o->account->id, o->seq);
        if (!o->acked && o->voted) {
            mri_aud_text(a, "SLOT-4", MR_CHECK_FAILED, "a VOTE in this turn", "its ACK", "none");
            mri_aud_slot_done(a, o);
        } else if (o->acked) {
            mri_aud_text(a, "SLOT-5", MR_UNSETTLED, "an ACK in this turn", "its settlement",
                         "none");
            settle_missing(a, o, o->ack_ballot, o->ack);
        }
        o = next;
    }
    a->entry = MR_AUDIT_NO_ENTRY;
}

void mri_aud_catch_up(struct mr_audit *a, struct mri_aud_account *x, uint64_t seq)
{
    while (x->hot.next_seq < seq && !a->no_memory) {
        struct mri_aud_open *const o = mri_aud_slot(a, x->id, x->hot.next_seq);
        uint8_t value[32];
        uint32_t ballot;
        if (o == NULL || !mri_aud_decided(a, o, &ballot, value))
            return;
        settle_missing(a, o, ballot, value);
    }
}
