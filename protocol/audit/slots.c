/* Slots that nodes spoke of: who said what, and what follows from it (SLOT-3 to SLOT-9). */
#include <sodium.h>
#include <string.h>

#include "audit/state.h"

/* --- the table -------------------------------------------------------------------------------- */

static size_t bucket(const struct mr_audit *a, const uint8_t account[16], uint64_t seq)
{
    uint8_t key[24], h[crypto_shorthash_BYTES];
    uint64_t v;
    memcpy(key, account, 16);
    memcpy(key + 16, &seq, 8);
    crypto_shorthash(h, key, sizeof key, a->ledger);
    memcpy(&v, h, sizeof v);
    return (size_t)v & (MRI_AUD_BUCKETS - 1);
}

struct mri_aud_open *mri_aud_slot(const struct mr_audit *a, const uint8_t account[16], uint64_t seq)
{
    struct mri_aud_open *o = a->slots == NULL ? NULL : a->slots[bucket(a, account, seq)];
    while (o != NULL && (o->seq != seq || memcmp(o->account->id, account, 16) != 0))
        o = o->next_hash;
    return o;
}

static void link_open(struct mr_audit *a, struct mri_aud_open *o)
{
    o->next = a->open;
    o->link = &a->open;
    if (a->open != NULL)
        a->open->link = &o->next;
    a->open = o;
}

static void unlink_open(struct mr_audit *a, struct mri_aud_open *o)
{
    *o->link = o->next;
    if (o->next != NULL)
        o->next->link = o->link;
    else if (a->old_end == &o->next)
        a->old_end = o->link;
}

static void link_old(struct mr_audit *a, struct mri_aud_open *o)
{
    if (a->old == NULL)
        a->old_end = &a->old;
    o->next = NULL;
    o->link = a->old_end;
    *a->old_end = o;
    a->old_end = &o->next;
    a->old_said += 1 + o->said_count;
}

static bool has_buckets(struct mr_audit *a)
{
    if (a->slots == NULL)
        a->slots = mri_aud_get(a, MRI_AUD_BUCKETS * sizeof(struct mri_aud_open *));
    return a->slots != NULL;
}

static void link_bucket(struct mr_audit *a, struct mri_aud_open *o)
{
    struct mri_aud_open **const head = &a->slots[bucket(a, o->account->id, o->seq)];
    o->next_hash = *head;
    *head = o;
}

bool mri_aud_slot_add(struct mr_audit *a, struct mri_aud_open *o, struct mri_aud_open **after)
{
    if (!has_buckets(a))
        return false;
    link_bucket(a, o);
    if (o->settled) {
        link_old(a, o);
        return true;
    }
    o->next = NULL;
    o->link = after;
    *after = o;
    return true;
}

struct mri_aud_open *mri_aud_slot_get(struct mr_audit *a, struct mri_aud_account *account,
                                      uint64_t seq)
{
    struct mri_aud_open *o = mri_aud_slot(a, account->id, seq);
    if (o != NULL)
        return o;
    o = has_buckets(a) ? mri_aud_get(a, sizeof *o) : NULL;
    if (o == NULL)
        return NULL;
    o->account = account;
    o->seq = seq;
    link_bucket(a, o);
    o->settled = seq < account->hot.next_seq;
    if (o->settled)
        link_old(a, o);
    else
        link_open(a, o);
    return o;
}

void mri_aud_slot_done(struct mr_audit *a, struct mri_aud_open *o)
{
    struct mri_aud_open **at = &a->slots[bucket(a, o->account->id, o->seq)];
    while (*at != o)
        at = &(*at)->next_hash;
    *at = o->next_hash;
    unlink_open(a, o);
    if (o->settled)
        a->old_said -= 1 + o->said_count;
    mri_aud_put(a, o->said);
    mri_aud_put(a, o);
}

void mri_aud_slot_settled(struct mr_audit *a, struct mri_aud_open *o, const uint8_t value[32])
{
    if (o->settled)
        return;
    if (mri_aud_alone(a)) {
        mri_aud_slot_done(a, o);
        return;
    }
    unlink_open(a, o);
    o->settled = true;
    memcpy(o->value, value, 32);
    link_old(a, o);
}

/* What outlives an epoch of a slot: its orders, its CANCEL, what it settled with. */
static void renew(struct mr_audit *a, struct mri_aud_open *o)
{
    const struct mri_aud_open was = *o;
    *o = (struct mri_aud_open){.next = was.next,
                               .link = was.link,
                               .next_hash = was.next_hash,
                               .account = was.account,
                               .seq = was.seq,
                               .ordered = was.ordered,
                               .conflict = was.conflict,
                               .lapse_ms = was.lapse_ms,
                               .settled = was.settled};
    memcpy(o->order, was.order, 32);
    memcpy(o->value, was.value, 32);
    if (was.triggered && was.trigger_kind == MR_TRIGGER_CANCEL) {
        o->triggered = true;
        o->trigger_kind = was.trigger_kind;
        memcpy(o->trigger, was.trigger, 32);
    }
    if (was.settled)
        a->old_said -= was.said_count;
    mri_aud_put(a, was.said);
}

void mri_aud_slots_renew(struct mr_audit *a)
{
    for (struct mri_aud_open *o = a->old; o != NULL; o = o->next)
        renew(a, o);
    for (struct mri_aud_open *o = a->open, *next; o != NULL; o = next) {
        next = o->next;
        renew(a, o);
        if (!o->ordered && !o->triggered)
            mri_aud_slot_done(a, o);
    }
}

void mri_aud_slots_done(struct mr_audit *a)
{
    while (a->open != NULL)
        mri_aud_slot_done(a, a->open);
    while (a->old != NULL)
        mri_aud_slot_done(a, a->old);
    mri_aud_put(a, a->slots);
}

/* --- statements ------------------------------------------------------------------------------- */

bool mri_aud_read_said(struct mri_aud_said *ret, const uint8_t **ret_account, uint64_t *ret_seq,
                       const struct mr_leaf *leaf)
{
    const struct mr_leaf_vote *const v = &leaf->u.vote;
    const struct mr_leaf_ack *const k = &leaf->u.ack;
    const struct mr_leaf_unlock *const u = &leaf->u.unlock;
    memset(ret, 0, sizeof *ret);
    ret->kind = leaf->kind;
    switch (leaf->kind) {
    case MR_LEAF_VOTE:
        *ret_account = v->account;
        *ret_seq = v->seq;
        ret->ballot = v->ballot;
        memcpy(ret->value, v->value, 32);
        return true;
    case MR_LEAF_ACK:
        *ret_account = k->account;
        *ret_seq = k->seq;
        ret->ballot = k->ballot;
        memcpy(ret->value, k->value, 32);
        memcpy(ret->certificate, k->certificate, 32);
        return true;
    case MR_LEAF_UNLOCK:
        *ret_account = u->account;
        *ret_seq = u->seq;
        ret->ballot = u->ballot;
        ret->cert_ballot = u->cert_ballot;
        memcpy(ret->value, u->cert_value, 32);
        return true;
    case MR_LEAF_SEAL:
    case MR_LEAF_FINAL:
    case MR_LEAF_REST:
    case MR_LEAF_START:
    case MR_LEAF_SEEN:
    case MR_LEAF_EVIDENCE:
        return false;
    }
    return false;
}

unsigned mri_aud_breach(const struct mri_aud_said *first, const struct mri_aud_said *second)
{
    const bool vote1 = first->kind == MR_LEAF_VOTE, vote2 = second->kind == MR_LEAF_VOTE;
    const bool ack1 = first->kind == MR_LEAF_ACK, ack2 = second->kind == MR_LEAF_ACK;
    const bool same = memcmp(first->value, second->value, 32) == 0;
    if (vote1 && vote2 && first->ballot == second->ballot && !same)
        return MR_BREACH_TWO_VOTES;
    if (ack1 && ack2 && first->ballot == second->ballot && !same)
        return MR_BREACH_TWO_ACKS;
    if (first->kind == MR_LEAF_UNLOCK && vote2 && second->ballot < first->ballot)
        return MR_BREACH_LATE_VOTE;
    if (first->kind == MR_LEAF_UNLOCK && ack2 && second->ballot < first->ballot)
        return MR_BREACH_LATE_ACK;
    if (ack1 && second->kind == MR_LEAF_UNLOCK && second->ballot > first->ballot) {
        const uint32_t cert = second->cert_ballot;
        if (cert == MR_BALLOT_NONE || cert < first->ballot || (cert == first->ballot && !same))
            return MR_BREACH_FALSE_REPORT;
    }
    return 0;
}

/* Slots that settled long ago make room. */
static void forget_oldest(struct mr_audit *a, const struct mri_aud_open *but)
{
    while (a->old_said > MRI_AUD_OLD_SAID && a->old != but)
        mri_aud_slot_done(a, a->old);
}

void mri_aud_say(struct mr_audit *a, struct mri_aud_open *o, const struct mri_aud_said *s)
{
    for (size_t i = 0; i < o->said_count; i++) {
        const struct mri_aud_said *const x = &o->said[i];
        if (x->node == s->node && x->kind == s->kind && x->ballot == s->ballot &&
            x->shown == s->shown &&
            (!s->shown || (x->index == s->index && memcmp(x->value, s->value, 32) == 0 &&
                           memcmp(x->certificate, s->certificate, 32) == 0)))
            return; /* two histories of one log may differ at one index */
    }
    if (o->said_count == o->said_cap) {
        const size_t first = 2 * (size_t)a->charter.nodes_count + 2;
        const size_t cap = o->said_cap == 0 ? first : o->said_cap * 2;
        struct mri_aud_said *const wider = mri_aud_get(a, cap * sizeof *wider);
        if (wider == NULL)
            return;
        if (o->said_count > 0)
            memcpy(wider, o->said, o->said_count * sizeof *wider);
        mri_aud_put(a, o->said);
        o->said = wider;
        o->said_cap = cap;
    }
    o->said[o->said_count++] = *s;
    if (o->settled) {
        a->old_said++;
        forget_oldest(a, o);
    }
}

uint32_t mri_aud_count(const struct mri_aud_open *o, enum mr_leaf_kind kind, uint32_t ballot,
                       const uint8_t value[32])
{
    uint32_t n = 0;
    uint64_t nodes = 0; /* one may have been read and shown */
    for (size_t i = 0; i < o->said_count; i++) {
        const struct mri_aud_said *const s = &o->said[i];
        const uint64_t bit = UINT64_C(1) << (s->node & 63);
        if (s->kind != kind || s->ballot != ballot || memcmp(s->value, value, 32) != 0)
            continue;
        n += (nodes & bit) == 0;
        nodes |= bit;
    }
    return n;
}

bool mri_aud_decided(const struct mr_audit *a, const struct mri_aud_open *o, uint32_t *ret_ballot,
                     uint8_t ret_value[32])
{
    for (size_t i = 0; i < o->said_count; i++) {
        const struct mri_aud_said *const s = &o->said[i];
        if (s->kind != MR_LEAF_ACK ||
            mri_aud_count(o, s->kind, s->ballot, s->value) < a->charter.quorum)
            continue;
        *ret_ballot = s->ballot;
        memcpy(ret_value, s->value, 32);
        return true;
    }
    return false;
}

/* --- SLOT-6 ----------------------------------------------------------------------------------- */

/* The votes for a value, by ascending node, as they are hashed. */
static uint32_t collect_votes(uint8_t ret[MR_NODES_MAX][12], const struct mri_aud_open *o,
                              uint32_t ballot, const uint8_t value[32])
{
    uint32_t n = 0;
    for (size_t i = 0; i < o->said_count; i++) {
        const struct mri_aud_said *const s = &o->said[i];
        if (s->kind != MR_LEAF_VOTE || s->shown || s->ballot != ballot ||
            memcmp(s->value, value, 32) != 0)
            continue;
        uint8_t row[12];
        for (unsigned b = 0; b < 4; b++)
            row[b] = (uint8_t)(s->node >> (24 - 8 * b));
        for (unsigned b = 0; b < 8; b++)
            row[4 + b] = (uint8_t)(s->index >> (56 - 8 * b));
        uint32_t at = n++;
        for (; at > 0 && memcmp(ret[at - 1], row, 4) > 0; at--)
            memcpy(ret[at], ret[at - 1], 12);
        memcpy(ret[at], row, 12);
    }
    return n;
}

/* Sets of votes, the whole one first: `left_out` counts up as a binary number of places. */
bool mri_aud_certificate(const struct mr_audit *a, const struct mri_aud_open *o, uint32_t ballot,
                         const uint8_t value[32], const uint8_t hash[32], uint32_t tries,
                         bool *ret_sure)
{
    uint8_t votes[MR_NODES_MAX][12], text[MR_NODES_MAX * 12], h[32];
    const uint32_t n = collect_votes(votes, o, ballot, value);
    const uint64_t end = n >= 32 ? UINT64_C(1) << 32 : UINT64_C(1) << n;
    *ret_sure = false;
    for (uint64_t left_out = 0; left_out < end; left_out++) {
        uint32_t count = 0;
        if (tries-- == 0)
            return false;
        for (uint32_t i = 0; i < n; i++) {
            if ((left_out >> i & 1) == 0)
                memcpy(text + 12 * (size_t)count++, votes[i], 12);
        }
        if (count < a->charter.quorum)
            continue;
        mr_hash(h, "mereau/certificate", text, 12 * (size_t)count, NULL, 0);
        if (memcmp(h, hash, 32) == 0)
            return true;
    }
    *ret_sure = true;
    return false;
}

/* --- SLOT-9 ----------------------------------------------------------------------------------- */

/* A report counts when q votes for the certificate that it names were seen. */
static bool counts(const struct mr_audit *a, const struct mri_aud_open *o,
                   const struct mri_aud_said *s, uint32_t ballot)
{
    if (s->kind != MR_LEAF_UNLOCK || s->ballot != ballot)
        return false;
    return s->cert_ballot == MR_BALLOT_NONE ||
           (s->cert_ballot < ballot &&
            mri_aud_count(o, MR_LEAF_VOTE, s->cert_ballot, s->value) >= a->charter.quorum);
}

/* Reports that name no certificate above this one; MR_BALLOT_NONE: that name none. */
static uint32_t reports_below(const struct mr_audit *a, const struct mri_aud_open *o,
                              uint32_t ballot, uint32_t highest)
{
    uint32_t n = 0;
    for (size_t i = 0; i < o->said_count; i++) {
        const struct mri_aud_said *const s = &o->said[i];
        if (!counts(a, o, s, ballot))
            continue;
        n += s->cert_ballot == MR_BALLOT_NONE ||
             (highest != MR_BALLOT_NONE && s->cert_ballot <= highest);
    }
    return n;
}

bool mri_aud_justified(const struct mr_audit *a, const struct mri_aud_open *o, uint32_t ballot,
                       const uint8_t value[32], bool *ret_free)
{
    *ret_free = reports_below(a, o, ballot, MR_BALLOT_NONE) >= a->charter.quorum;
    for (size_t i = 0; i < o->said_count; i++) {
        const struct mri_aud_said *const s = &o->said[i];
        if (s->kind == MR_LEAF_UNLOCK && s->cert_ballot != MR_BALLOT_NONE &&
            memcmp(s->value, value, 32) == 0 && counts(a, o, s, ballot) &&
            reports_below(a, o, ballot, s->cert_ballot) >= a->charter.quorum) {
            *ret_free = false; /* it may be voted for whatever else is reported */
            return true;
        }
    }
    return *ret_free;
}
