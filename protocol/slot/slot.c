#include "slot/slot.h"

#include <string.h>

#include "base/teeth.h"
#include "mereau/assert.h"
#include "mereau/sign.h"

/* --- memory ----------------------------------------------------------------------------------- */

static size_t votes_cap(uint32_t nodes)
{
    return (size_t)nodes * MRI_VOTES_A_NODE;
}

static size_t acks_cap(uint32_t nodes)
{
    return (size_t)nodes * MRI_ACKS_A_NODE;
}

size_t mri_slot_room(uint32_t nodes)
{
    return votes_cap(nodes) * sizeof(struct mr_said_vote) +
           acks_cap(nodes) * sizeof(struct mr_said_ack) + nodes * sizeof(struct mr_said_report);
}

void mri_slot_init(struct mri_slot *s, void *room, uint32_t nodes, uint32_t quorum,
                   const uint8_t account[16], uint64_t seq, uint64_t now_ms)
{
    *s = (struct mri_slot){.seq = seq,
                           .nodes = nodes,
                           .quorum = quorum,
                           .since_ms = now_ms,
                           .cert_ballot = MR_BALLOT_NONE,
                           .votes = room};
    memcpy(s->account, account, 16);
    s->acks = (struct mr_said_ack *)(s->votes + votes_cap(nodes));
    s->reports = (struct mr_said_report *)(s->acks + acks_cap(nodes));
}

/* --- what was said ---------------------------------------------------------------------------- */

static bool same(const uint8_t a[32], const uint8_t b[32])
{
    return memcmp(a, b, 32) == 0;
}

const struct mr_said_vote *mri_slot_vote_of(const struct mri_slot *s, uint32_t node,
                                            uint32_t ballot)
{
    for (uint32_t i = 0; i < s->votes_count; i++)
        if (s->votes[i].node == node && s->votes[i].ballot == ballot)
            return &s->votes[i];
    return NULL;
}

static struct mr_said_report *report_of(const struct mri_slot *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->reports_count; i++)
        if (s->reports[i].node == node)
            return &s->reports[i];
    return NULL;
}

uint32_t mri_slot_votes_for(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->votes_count; i++)
        n += s->votes[i].ballot == ballot && same(s->votes[i].value, value);
    return n;
}

uint32_t mri_slot_acks_for(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->acks_count; i++)
        n += s->acks[i].ballot == ballot && same(s->acks[i].value, value);
    return n;
}

bool mri_slot_is_certified(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32])
{
    for (uint32_t i = 0; i < s->certified_count; i++)
        if (s->certified[i].ballot == ballot && same(s->certified[i].value, value))
            return true;
    return false;
}

/* Remember a certificate; the lowest makes room. */
void mri_slot_certify(struct mri_slot *s, uint32_t ballot, const uint8_t value[32])
{
    uint32_t at = s->certified_count;
    if (mri_slot_is_certified(s, ballot, value))
        return;
    if (at == MR_CERTIFIED_MAX) {
        at = 0;
        for (uint32_t i = 1; i < MR_CERTIFIED_MAX; i++)
            if (s->certified[i].ballot < s->certified[at].ballot)
                at = i;
        if (s->certified[at].ballot > ballot)
            return;
    } else {
        s->certified_count++;
    }
    s->certified[at].ballot = ballot;
    memcpy(s->certified[at].value, value, 32);
}

/* --- contradictions --------------------------------------------------------------------------- */

static void clash_vote(struct mri_clash *ret, const struct mri_slot *s,
                       const struct mr_said_vote *v, uint64_t index)
{
    *ret = (struct mri_clash){.found = true, .first = v->index, .second = index};
    ret->earlier.kind = MR_LEAF_VOTE;
    ret->earlier.u.vote = (struct mr_leaf_vote){.seq = s->seq, .ballot = v->ballot};
    memcpy(ret->earlier.u.vote.account, s->account, 16);
    memcpy(ret->earlier.u.vote.value, v->value, 32);
}

static void clash_ack(struct mri_clash *ret, const struct mri_slot *s, const struct mr_said_ack *a,
                      uint64_t index)
{
    *ret = (struct mri_clash){.found = true, .first = a->index, .second = index};
    ret->earlier.kind = MR_LEAF_ACK;
    ret->earlier.u.ack = (struct mr_leaf_ack){.seq = s->seq, .ballot = a->ballot};
    memcpy(ret->earlier.u.ack.account, s->account, 16);
    memcpy(ret->earlier.u.ack.value, a->value, 32);
    memcpy(ret->earlier.u.ack.certificate, a->certificate, 32);
}

static void clash_report(struct mri_clash *ret, const struct mri_slot *s,
                         const struct mr_said_report *r, uint64_t index)
{
    *ret = (struct mri_clash){.found = true, .first = r->index, .second = index};
    ret->earlier.kind = MR_LEAF_UNLOCK;
    ret->earlier.u.unlock =
        (struct mr_leaf_unlock){.seq = s->seq, .ballot = r->ballot, .cert_ballot = r->cert_ballot};
    memcpy(ret->earlier.u.unlock.account, s->account, 16);
    memcpy(ret->earlier.u.unlock.cert_value, r->cert_value, 32);
    memcpy(ret->earlier.u.unlock.trigger, r->trigger, 32);
}

/* --- hearing ---------------------------------------------------------------------------------- */

/* Whether a vote belongs to the highest certificate: whoever lacks that will have to be shown it.
 */
static bool is_needed(const struct mri_slot *s, const struct mr_said_vote *v)
{
    const struct mr_certified *best = NULL;
    for (uint32_t i = 0; i < s->certified_count; i++)
        if (best == NULL || s->certified[i].ballot > best->ballot)
            best = &s->certified[i];
    return best != NULL && v->ballot == best->ballot && same(v->value, best->value);
}

static void hear_vote(struct mri_slot *s, uint32_t node, uint64_t index,
                      const struct mr_leaf_vote *v, struct mri_clash *ret)
{
    const struct mr_said_report *r = report_of(s, node);
    uint32_t mine = 0, lowest = UINT32_MAX, at = s->votes_count;
    if (r != NULL && r->ballot > v->ballot && r->index < index)
        clash_report(ret, s, r, index);
    for (uint32_t i = 0; i < s->votes_count; i++) {
        const struct mr_said_vote *o = &s->votes[i];
        if (o->node != node)
            continue;
        if (o->ballot == v->ballot) {
            if (!same(o->value, v->value))
                clash_vote(ret, s, o, index);
            return;
        }
        mine++;
        if (!is_needed(s, o) && (lowest == UINT32_MAX || o->ballot < s->votes[lowest].ballot))
            lowest = i;
    }
    if (mine == MRI_VOTES_A_NODE) {
        if (s->votes[lowest].ballot > v->ballot)
            return;
        at = lowest;
    } else {
        s->votes_count++;
    }
    s->votes[at] = (struct mr_said_vote){.node = node, .ballot = v->ballot, .index = index};
    memcpy(s->votes[at].value, v->value, 32);
    if (mri_slot_votes_for(s, v->ballot, v->value) >= (MRI_RULE(votes_of_quorum) ? s->quorum : 1))
        mri_slot_certify(s, v->ballot, v->value);
}

static void hear_ack(struct mri_slot *s, uint32_t node, uint64_t index, const struct mr_leaf_ack *a,
                     struct mri_clash *ret)
{
    const struct mr_said_report *r = report_of(s, node);
    uint32_t mine = 0, lowest = UINT32_MAX, at = s->acks_count;
    if (r != NULL && r->ballot > a->ballot && r->index < index)
        clash_report(ret, s, r, index);
    for (uint32_t i = 0; i < s->acks_count; i++) {
        const struct mr_said_ack *o = &s->acks[i];
        if (o->node != node)
            continue;
        if (o->ballot == a->ballot) {
            if (!same(o->value, a->value))
                clash_ack(ret, s, o, index);
            return;
        }
        mine++;
        if (lowest == UINT32_MAX || o->ballot < s->acks[lowest].ballot)
            lowest = i;
    }
    if (mine == MRI_ACKS_A_NODE) {
        if (s->acks[lowest].ballot > a->ballot)
            return;
        at = lowest;
    } else {
        s->acks_count++;
    }
    s->acks[at] = (struct mr_said_ack){.node = node, .ballot = a->ballot, .index = index};
    memcpy(s->acks[at].value, a->value, 32);
    memcpy(s->acks[at].certificate, a->certificate, 32);
}

/* Whether an UNLOCK says less than the node's own ACK before it. */
static bool hides(const struct mr_leaf_unlock *u, const struct mr_said_ack *a, uint64_t index)
{
    if (a->index > index || a->ballot >= u->ballot)
        return false;
    if (u->cert_ballot == MR_BALLOT_NONE || u->cert_ballot < a->ballot)
        return true;
    return u->cert_ballot == a->ballot && !same(u->cert_value, a->value);
}

static void hear_unlock(struct mri_slot *s, uint32_t node, uint64_t index,
                        const struct mr_leaf_unlock *u, struct mri_clash *ret)
{
    struct mr_said_report *r = report_of(s, node);
    for (uint32_t i = 0; i < s->acks_count; i++)
        if (s->acks[i].node == node && hides(u, &s->acks[i], index))
            clash_ack(ret, s, &s->acks[i], index);
    if (r != NULL && r->ballot >= u->ballot)
        return;
    if (r == NULL)
        r = &s->reports[s->reports_count++];
    *r = (struct mr_said_report){
        .node = node, .ballot = u->ballot, .index = index, .cert_ballot = u->cert_ballot};
    memcpy(r->cert_value, u->cert_value, 32);
    memcpy(r->trigger, u->trigger, 32);
}

void mri_slot_hear(struct mri_slot *s, uint32_t node, uint64_t index, const struct mr_leaf *leaf,
                   struct mri_clash *ret)
{
    mr_assert(node >= 1);
    mr_assert(node <= MR_NODES_MAX);
    ret->found = false;
    if (leaf->kind == MR_LEAF_VOTE)
        hear_vote(s, node, index, &leaf->u.vote, ret);
    else if (leaf->kind == MR_LEAF_ACK)
        hear_ack(s, node, index, &leaf->u.ack, ret);
    else if (leaf->kind == MR_LEAF_UNLOCK)
        hear_unlock(s, node, index, &leaf->u.unlock, ret);
}

/* --- what follows ----------------------------------------------------------------------------- */

void mri_slot_forget(struct mri_slot *s, uint32_t node)
{
    uint32_t votes = 0, acks = 0, reports = 0;
    for (uint32_t i = 0; i < s->votes_count; i++)
        if (s->votes[i].node != node)
            s->votes[votes++] = s->votes[i];
    for (uint32_t i = 0; i < s->acks_count; i++)
        if (s->acks[i].node != node)
            s->acks[acks++] = s->acks[i];
    for (uint32_t i = 0; i < s->reports_count; i++)
        if (s->reports[i].node != node)
            s->reports[reports++] = s->reports[i];
    s->votes_count = votes;
    s->acks_count = acks;
    s->reports_count = reports;
}

bool mri_slot_may_vote(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32])
{
    if (ballot < s->promised && MRI_RULE(keep_promise))
        return false;
    if (ballot == s->promised && s->voted && MRI_RULE(vote_once))
        return same(s->vote, value);
    return true;
}

void mri_slot_vote(struct mri_slot *s, uint32_t ballot, const uint8_t value[32])
{
    mr_assert(mri_slot_may_vote(s, ballot, value));
    s->promised = ballot;
    s->voted = true;
    memcpy(s->vote, value, 32);
}

bool mri_slot_ack_due(const struct mri_slot *s, struct mr_certified *ret)
{
    const struct mr_certified *best = NULL;
    for (uint32_t i = 0; i < s->certified_count; i++) {
        const struct mr_certified *c = &s->certified[i];
        if ((c->ballot < s->promised && MRI_RULE(keep_promise)) ||
            (s->cert_ballot != MR_BALLOT_NONE && c->ballot <= s->cert_ballot))
            continue;
        if (mri_slot_votes_for(s, c->ballot, c->value) < s->quorum && MRI_RULE(votes_of_quorum))
            continue; /* its votes made way for later ones: nobody could check the hash */
        if (best == NULL || c->ballot > best->ballot)
            best = c;
    }
    if (best != NULL)
        *ret = *best;
    return best != NULL;
}

void mri_slot_ack(struct mri_slot *s, const struct mr_certified *c)
{
    mr_assert(c->ballot >= s->promised || !MRI_RULE(keep_promise));
    if (c->ballot > s->promised) {
        s->voted = false;
        s->promised = c->ballot;
    }
    s->cert_ballot = c->ballot;
    memcpy(s->cert_value, c->value, 32);
}

bool mri_slot_settles(const struct mri_slot *s, struct mr_certified *ret)
{
    for (uint32_t i = 0; i < s->acks_count; i++) {
        if (mri_slot_acks_for(s, s->acks[i].ballot, s->acks[i].value) < s->quorum &&
            MRI_RULE(acks_of_quorum))
            continue;
        ret->ballot = s->acks[i].ballot;
        memcpy(ret->value, s->acks[i].value, 32);
        return true;
    }
    return false;
}

uint32_t mri_slot_acks(const struct mri_slot *s, struct mr_ack_ref *ret,
                       const struct mr_certified *c, uint32_t own)
{
    uint32_t n = 0;
    bool with_own = false;
    for (uint32_t i = 0; i < s->acks_count; i++)
        with_own = with_own || (s->acks[i].node == own && s->acks[i].ballot == c->ballot &&
                                same(s->acks[i].value, c->value));
    for (uint32_t node = 1; node <= MR_NODES_MAX && n < s->quorum; node++) {
        if (with_own && node < own && n + 1 == s->quorum)
            continue; /* the last place is its own */
        for (uint32_t i = 0; i < s->acks_count; i++) {
            const struct mr_said_ack *a = &s->acks[i];
            if (a->node != node || a->ballot != c->ballot || !same(a->value, c->value))
                continue;
            ret[n].node = node;
            ret[n].index = a->index;
            memcpy(ret[n].certificate, a->certificate, 32);
            n++;
        }
    }
    return n;
}

static const char certificate_label[] = "mereau/certificate";

void mri_slot_certificate(uint8_t ret[32], const struct mri_slot *s, const struct mr_certified *c)
{
    uint8_t text[MR_NODES_MAX * 12];
    size_t n = 0;
    for (uint32_t node = 1; node <= MR_NODES_MAX; node++) {
        const struct mr_said_vote *by = mri_slot_vote_of(s, node, c->ballot);
        if (by == NULL || !same(by->value, c->value))
            continue;
        for (int b = 0; b < 4; b++)
            text[n++] = (uint8_t)(node >> (24 - 8 * b));
        for (int b = 0; b < 8; b++)
            text[n++] = (uint8_t)(by->index >> (56 - 8 * b));
    }
    mr_hash(ret, certificate_label, text, n, NULL, 0);
}

void mri_no_certificate(uint8_t ret[32])
{
    mr_hash(ret, certificate_label, "", 0, NULL, 0);
}

/* --- ballots above 0 -------------------------------------------------------------------------- */

bool mri_slot_promise(struct mri_slot *s, uint32_t ballot)
{
    if (ballot <= s->promised)
        return false;
    s->promised = ballot;
    s->voted = false;
    return true;
}

uint32_t mri_slot_reports(const struct mri_slot *s, uint32_t ballot)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->reports_count; i++)
        n += s->reports[i].ballot == ballot;
    return n;
}

/* A report counts when the certificate it names, if any, was seen: nobody can forge one. */
static bool counts(const struct mri_slot *s, const struct mr_said_report *r, uint32_t ballot)
{
    return r->ballot == ballot &&
           (r->cert_ballot == MR_BALLOT_NONE ||
            (r->cert_ballot < ballot && mri_slot_is_certified(s, r->cert_ballot, r->cert_value)));
}

/* Reports for the ballot that name no certificate above this one. */
static uint32_t reports_upto(const struct mri_slot *s, uint32_t ballot, uint32_t cert_ballot)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->reports_count; i++) {
        const struct mr_said_report *r = &s->reports[i];
        n += counts(s, r, ballot) &&
             (r->cert_ballot == MR_BALLOT_NONE ||
              (cert_ballot != MR_BALLOT_NONE && r->cert_ballot <= cert_ballot));
    }
    return n;
}

bool mri_slot_forced(const struct mri_slot *s, uint32_t ballot, uint8_t ret[32])
{
    const struct mr_said_report *highest = NULL;
    for (uint32_t i = 0; i < s->reports_count; i++) {
        const struct mr_said_report *r = &s->reports[i];
        if (counts(s, r, ballot) && r->cert_ballot != MR_BALLOT_NONE &&
            (highest == NULL || r->cert_ballot > highest->cert_ballot))
            highest = r;
    }
    if (highest == NULL || !MRI_RULE(highest_certificate) ||
        reports_upto(s, ballot, highest->cert_ballot) < s->quorum)
        return false;
    memcpy(ret, highest->cert_value, 32);
    return true;
}

bool mri_slot_justified(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32],
                        bool *ret_free)
{
    *ret_free = false;
    for (uint32_t i = 0; i < s->reports_count; i++) {
        const struct mr_said_report *r = &s->reports[i];
        if (counts(s, r, ballot) && r->cert_ballot != MR_BALLOT_NONE &&
            same(r->cert_value, value) && reports_upto(s, ballot, r->cert_ballot) >= s->quorum)
            return true;
    }
    *ret_free =
        reports_upto(s, ballot, MR_BALLOT_NONE) >= s->quorum || !MRI_RULE(highest_certificate);
    return *ret_free;
}

struct mri_candidate *mri_slot_order(struct mri_slot *s, const uint8_t id[32])
{
    for (uint32_t i = 0; i < s->orders_count; i++)
        if (same(s->orders[i].at.order, id))
            return &s->orders[i];
    return NULL;
}

/* --- the store -------------------------------------------------------------------------------- */

void mri_slot_save(struct mr_state_open *ret, const struct mri_slot *s)
{
    memcpy(ret->account, s->account, 16);
    ret->seq = s->seq;
    ret->since_ms = s->since_ms;
    ret->promised = s->promised;
    ret->voted = s->voted;
    memcpy(ret->vote, s->vote, 32);
    ret->cert_ballot = s->cert_ballot;
    memcpy(ret->cert_value, s->cert_value, 32);
    ret->trigger_count = s->triggered ? 1 : 0;
    ret->trigger[0] = s->trigger;
    ret->orders_count = s->orders_count;
    for (uint32_t i = 0; i < s->orders_count; i++)
        ret->orders[i] = s->orders[i].at;
    ret->certified_count = s->certified_count;
    memcpy(ret->certified, s->certified, sizeof s->certified);
    ret->votes_count = s->votes_count;
    memcpy(ret->votes, s->votes, s->votes_count * sizeof s->votes[0]);
    ret->acks_count = s->acks_count;
    memcpy(ret->acks, s->acks, s->acks_count * sizeof s->acks[0]);
    ret->reports_count = s->reports_count;
    memcpy(ret->reports, s->reports, s->reports_count * sizeof s->reports[0]);
}

void mri_slot_restore(struct mri_slot *s, const struct mr_state_open *from)
{
    mr_assert(from->votes_count <= votes_cap(s->nodes));
    mr_assert(from->acks_count <= acks_cap(s->nodes));
    mr_assert(from->reports_count <= s->nodes);
    s->since_ms = from->since_ms;
    s->promised = from->promised;
    s->voted = from->voted;
    memcpy(s->vote, from->vote, 32);
    s->cert_ballot = from->cert_ballot;
    memcpy(s->cert_value, from->cert_value, 32);
    s->triggered = from->trigger_count > 0;
    s->trigger = from->trigger[0];
    s->orders_count = from->orders_count;
    for (uint32_t i = 0; i < s->orders_count; i++)
        s->orders[i] = (struct mri_candidate){.at = from->orders[i]};
    s->certified_count = from->certified_count;
    memcpy(s->certified, from->certified, sizeof s->certified);
    s->votes_count = from->votes_count;
    memcpy(s->votes, from->votes, s->votes_count * sizeof s->votes[0]);
    s->acks_count = from->acks_count;
    memcpy(s->acks, from->acks, s->acks_count * sizeof s->acks[0]);
    s->reports_count = from->reports_count;
    memcpy(s->reports, from->reports, s->reports_count * sizeof s->reports[0]);
}
