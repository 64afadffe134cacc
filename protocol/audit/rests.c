/* What a settlement rests on: ACK leaves of q nodes (SLOT-5, INV-5), and for a void slot a reason
 * (SLOT-8, SLOT-9). */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

static void slot_text(char ret[64], const uint8_t account[16], uint64_t seq)
{
    mr_hex_format(ret, account, 16);
    snprintf(ret + 32, 32, "/%llu", (unsigned long long)seq);
}

static bool is_acked(const struct mr_audit *a, const struct mri_aud_open *o,
                     const uint8_t value[32])
{
    if (mri_aud_alone(a))
        return o->acked && memcmp(o->ack, value, 32) == 0;
    for (size_t i = 0; i < o->said_count; i++) {
        const struct mri_aud_said *const s = &o->said[i];
        if (s->kind == MR_LEAF_ACK && memcmp(s->value, value, 32) == 0)
            return true;
    }
    return false;
}

static bool has_ack(const struct mr_audit *a, const struct mri_aud_open *o)
{
    if (mri_aud_alone(a))
        return o->acked;
    for (size_t i = 0; i < o->said_count; i++)
        if (o->said[i].kind == MR_LEAF_ACK)
            return true;
    return false;
}

/* The slot whose ACK the entry is about. An entry that names another one is judged once, here, and
 * then taken for the one whose value it carries. */
static struct mri_aud_open *acked_slot(struct mr_audit *a, const struct mr_entry_settled *s)
{
    char e[64], f[64];
    struct mri_aud_open *o = mri_aud_slot(a, s->account, s->seq);
    if (o != NULL && has_ack(a, o))
        return o;
    for (o = a->open; o != NULL && !is_acked(a, o, s->value);)
        o = o->next;
    if (o == NULL)
        return NULL;
    slot_text(e, o->account->id, o->seq);
    slot_text(f, s->account, s->seq);
    mri_aud_text(a, "INV-5", MR_CHECK_FAILED, "slot of a settlement, as in its ACK", e, f);
    return o;
}

/* --- one node --------------------------------------------------------------------------------- */

static void check_own(struct mr_audit *a, const struct mri_aud_open *o,
                      const struct mr_entry_settled *s)
{
    const struct mr_ack_ref *const own = &s->acks[0];
    if (s->ballot != o->ack_ballot)
        mri_aud_u64(a, "INV-5", MR_CHECK_FAILED, "ballot of a settlement, as in its ACK",
                    o->ack_ballot, s->ballot);
    if (memcmp(s->value, o->ack, 32) != 0)
        mri_aud_hash(a, "INV-5", MR_CHECK_FAILED, "value of a settlement, as in its ACK", o->ack,
                     s->value);
    if (s->acks_count != 1 || own->node != a->node)
        mri_aud_text(a, "INV-5", MR_CHECK_FAILED, "own ACK among those of a settlement", "one",
                     "none");
    else if (own->index != o->ack_index)
        mri_aud_u64(a, "INV-5", MR_CHECK_FAILED, "index of the ACK leaf", o->ack_index, own->index);
    else if (memcmp(own->certificate, o->certificate, 32) != 0)
        mri_aud_hash(a, "INV-5", MR_CHECK_FAILED, "certificate of the ACK leaf", o->certificate,
                     own->certificate);
}

/* --- several nodes ---------------------------------------------------------------------------- */

/* How much an ACK is the one that a settlement refers to. Two histories of a log may have two ACKs
 * at one index. */
static unsigned likeness(const struct mri_aud_said *k, const struct mr_ack_ref *ref,
                         const struct mr_entry_settled *s)
{
    const bool same = memcmp(k->certificate, ref->certificate, 32) == 0;
    const bool says = k->ballot == s->ballot && memcmp(k->value, s->value, 32) == 0;
    if (k->index != ref->index)
        return k->ballot == s->ballot ? 1 : 0;
    return 2 + (same ? 2U : 0U) + (says ? 1U : 0U);
}

/* The ACK leaf of a node at an index, or its ACK of the ballot for comparison. */
static const struct mri_aud_said *ack_leaf(const struct mri_aud_open *o,
                                           const struct mr_ack_ref *ref,
                                           const struct mr_entry_settled *s)
{
    const struct mri_aud_said *best = NULL;
    unsigned most = 0;
    for (size_t i = 0; i < o->said_count; i++) {
        const struct mri_aud_said *const k = &o->said[i];
        const unsigned like =
            k->kind == MR_LEAF_ACK && k->node == ref->node ? likeness(k, ref, s) : 0;
        if (like <= most)
            continue;
        best = k;
        most = like;
    }
    return best;
}

/* One reference to an ACK leaf. False: it was reported, and *ret is what the leaf says, if there is
 * one. */
static bool check_ref(struct mr_audit *a, const struct mri_aud_open *o,
                      const struct mr_entry_settled *s, uint32_t i, const struct mri_aud_said **ret)
{
    const struct mr_ack_ref *const ref = &s->acks[i];
    const struct mri_aud_said *const k = ack_leaf(o, ref, s);
    if (i > 0 && ref->node <= s->acks[i - 1].node) {
        mri_aud_u64(a, "SLOT-5", MR_CHECK_FAILED, "node of an ACK, ascending, at least",
                    (uint64_t)s->acks[i - 1].node + 1, ref->node);
        return false;
    }
    if (k == NULL) {
        mri_aud_u64(a, "INV-5", MR_CHECK_FAILED, "node of an ACK, one that acknowledged", 0,
                    ref->node);
        return false;
    }
    *ret = k;
    if (k->index != ref->index) {
        mri_aud_u64(a, "INV-5", MR_CHECK_FAILED, "index of the ACK leaf", k->index, ref->index);
    } else if (k->ballot != s->ballot) {
        mri_aud_u64(a, "INV-5", MR_CHECK_FAILED, "ballot of a settlement, as in its ACK", k->ballot,
                    s->ballot);
    } else if (memcmp(k->value, s->value, 32) != 0) {
        mri_aud_hash(a, "INV-5", MR_CHECK_FAILED, "value of a settlement, as in its ACK", k->value,
                     s->value);
    } else if (memcmp(k->certificate, ref->certificate, 32) != 0) {
        mri_aud_hash(a, "INV-5", MR_CHECK_FAILED, "certificate of the ACK leaf", k->certificate,
                     ref->certificate);
    } else {
        return true;
    }
    return false;
}

/* What an ACK of another node stands on is known as far as the votes it saw are. */
static void count_certificate(struct mr_audit *a, const struct mri_aud_open *o,
                              const struct mri_aud_said *k)
{
    bool sure;
    if (k->node != a->node &&
        !mri_aud_certificate(a, o, k->ballot, k->value, k->certificate, 64, &sure))
        a->totals.certificates_unchecked++;
}

/* EPO-5: fewer than q acknowledgements settle what the CUT's logs say. */
static void check_cut(struct mr_audit *a, const struct mri_aud_open *o,
                      const struct mr_entry_settled *s)
{
    uint8_t value[32];
    uint32_t ballot;
    if (!mri_aud_cut_decides(a, o, &ballot, value))
        mri_aud_u64(a, "EPO-5", MR_CHECK_FAILED, "ACKs of a settlement, none in the CUT",
                    a->charter.quorum, s->acks_count);
    else if (ballot != s->ballot)
        mri_aud_u64(a, "EPO-5", MR_CHECK_FAILED, "highest ballot acknowledged in the CUT", ballot,
                    s->ballot);
    else if (memcmp(value, s->value, 32) != 0)
        mri_aud_hash(a, "EPO-5", MR_CHECK_FAILED, "value acknowledged in the CUT", value, s->value);
}

/* The first fault is reported. */
static void check_refs(struct mr_audit *a, const struct mri_aud_open *o,
                       const struct mr_entry_settled *s, uint32_t *ret_ballot,
                       uint8_t ret_value[32])
{
    const bool few = a->end.has_cut && s->acks_count > 0 && s->acks_count < a->charter.quorum;
    bool right = s->acks_count == a->charter.quorum || few;
    if (!right)
        mri_aud_u64(a, "SLOT-5", MR_CHECK_FAILED, "ACKs that a settlement stands on",
                    a->charter.quorum, s->acks_count);
    for (uint32_t i = 0; right && i < s->acks_count; i++) {
        const struct mri_aud_said *k = NULL;
        right = check_ref(a, o, s, i, &k);
        if (k == NULL)
            continue;
        *ret_ballot = k->ballot;
        memcpy(ret_value, k->value, 32);
        if (right)
            count_certificate(a, o, k);
    }
    if (right && few) {
        a->totals.settled_by_cut++;
        check_cut(a, o, s);
    }
}

struct mri_aud_open *mri_aud_rests_on(struct mr_audit *a, const struct mr_entry_settled *s,
                                      uint32_t *ret_ballot, uint8_t ret_value[32])
{
    struct mri_aud_open *const o = acked_slot(a, s);
    *ret_ballot = s->ballot;
    memcpy(ret_value, s->value, 32);
    if (o == NULL || o->settled)
        return o;
    if (!mri_aud_alone(a)) {
        check_refs(a, o, s, ret_ballot, ret_value);
        return o;
    }
    check_own(a, o, s);
    *ret_ballot = o->ack_ballot;
    memcpy(ret_value, o->ack, 32);
    return o;
}

/* --- void slots ------------------------------------------------------------------------------- */

/* A slot is closed without effect only after a promise and for a reason. */
void mri_aud_check_void(struct mr_audit *a, const struct mri_aud_account *x, uint64_t seq,
                        uint32_t ballot, const struct mr_entry_settled *s)
{
    const struct mri_aud_open *const o = mri_aud_slot(a, x->id, seq);
    if (s->postings_count != 0)
        mri_aud_u64(a, "SLOT-5", MR_CHECK_FAILED, "postings of a void slot", 0, s->postings_count);
    if (ballot == 0) {
        mri_aud_text(a, "SLOT-9", MR_CHECK_FAILED, "what a void slot stands on", "a ballot above 0",
                     "ballot 0");
        return;
    }
    if (o == NULL || !o->triggered)
        a->totals.voids_unchecked += o == NULL || !o->unlocked; /* others know why */
}
