/* What the rules of protocol/slot let a node do, given its own log and what it read of others. */
#include <stdalign.h>
#include <string.h>

#include "exhaust.h"
#include "mereau/assert.h"
#include "slot/slot.h"

enum { OWN = 1, ROOM_MAX = 4096 };

/* A slot and its memory, to be copied. */
struct seat {
    struct mri_slot s;
    alignas(8) uint8_t room[ROOM_MAX];
};

static const uint8_t ACCOUNT[16] = "one slot";

static void name_value(uint8_t ret[32], uint32_t value)
{
    memset(ret, 'a' + (int)value, 32);
}

static uint32_t value_named(const uint8_t name[32])
{
    return (uint32_t)(name[0] - 'a');
}

static void seat_init(struct seat *t, const struct world *w)
{
    mr_assert(mri_slot_room(w->nodes) <= sizeof t->room);
    mri_slot_init(&t->s, t->room, w->nodes, w->quorum, ACCOUNT, 7, 0);
}

static void seat_copy(struct seat *ret, const struct seat *from)
{
    memcpy(&ret->s, &from->s, sizeof ret->s);
    memcpy(ret->room, from->room, mri_slot_room(from->s.nodes));
    ret->s.votes = (struct mr_said_vote *)(void *)ret->room;
    ret->s.acks = (void *)(ret->room + ((const uint8_t *)from->s.acks - from->room));
    ret->s.reports = (void *)(ret->room + ((const uint8_t *)from->s.reports - from->room));
}

/* --- leaves ----------------------------------------------------------------------------------- */

static void write_leaf(struct mr_leaf *ret, uint32_t leaf)
{
    const uint32_t pair = leaf < LEAF_ACKS ? leaf : leaf - LEAF_ACKS;
    if (leaf < LEAF_ACKS) {
        ret->kind = MR_LEAF_VOTE;
        ret->u.vote = (struct mr_leaf_vote){.seq = 7, .ballot = pair / VALUES_MAX};
        memcpy(ret->u.vote.account, ACCOUNT, 16);
        name_value(ret->u.vote.value, pair % VALUES_MAX);
    } else if (leaf < LEAF_UNLOCKS) {
        ret->kind = MR_LEAF_ACK;
        ret->u.ack = (struct mr_leaf_ack){.seq = 7, .ballot = pair / VALUES_MAX};
        memcpy(ret->u.ack.account, ACCOUNT, 16);
        name_value(ret->u.ack.value, pair % VALUES_MAX);
    } else {
        const uint32_t report = (leaf - LEAF_UNLOCKS) % REPORTS;
        ret->kind = MR_LEAF_UNLOCK;
        ret->u.unlock = (struct mr_leaf_unlock){
            .seq = 7, .ballot = (leaf - LEAF_UNLOCKS) / REPORTS, .cert_ballot = MR_BALLOT_NONE};
        memcpy(ret->u.unlock.account, ACCOUNT, 16);
        if (report == 0)
            return;
        ret->u.unlock.cert_ballot = (report - 1) / VALUES_MAX;
        name_value(ret->u.unlock.cert_value, (report - 1) % VALUES_MAX);
    }
}

/* Whether the leaf contradicted one of the node's before. */
static bool hear(struct seat *t, uint32_t node, uint64_t index, uint32_t leaf)
{
    struct mr_leaf text;
    struct mri_clash clash;
    write_leaf(&text, leaf);
    mri_slot_hear(&t->s, node, index, &text, &clash);
    return clash.found;
}

/* The certificate that an UNLOCK names counts as seen. */
static void believe(struct seat *t, uint32_t leaf)
{
    const uint32_t report = leaf < LEAF_UNLOCKS ? 0 : (leaf - LEAF_UNLOCKS) % REPORTS;
    if (report == 0)
        return;
    const uint32_t ballot = (report - 1) / VALUES_MAX, value = (report - 1) % VALUES_MAX;
    for (uint32_t i = 0; i < t->s.certified_count; i++)
        if (t->s.certified[i].ballot == ballot && value_named(t->s.certified[i].value) == value)
            return;
    mr_assert(t->s.certified_count < MR_CERTIFIED_MAX);
    struct mr_certified *const c = &t->s.certified[t->s.certified_count++];
    c->ballot = ballot;
    name_value(c->value, value);
}

/* The leaves of a log, first to last. Their number. */
static uint32_t unroll(const struct search *x, uint32_t ret[LEAVES_MAX], uint32_t log)
{
    const uint32_t length = x->logs.at[log].length;
    mr_assert(length <= LEAVES_MAX);
    for (uint32_t i = length; i > 0; i--) {
        ret[i - 1] = x->logs.at[log].last;
        log = x->logs.at[log].before;
    }
    return length;
}

/* --- the node itself -------------------------------------------------------------------------- */

static bool may_vote(const struct search *x, const struct mri_slot *s, uint32_t ballot,
                     const uint8_t value[32])
{
    if (x->w.without == WITHOUT_VOTE_ONCE)
        return ballot >= s->promised;
    return mri_slot_may_vote(s, ballot, value);
}

static void vote(const struct search *x, struct mri_slot *s, uint32_t ballot, uint32_t value)
{
    uint8_t name[32];
    name_value(name, value);
    mr_assert(may_vote(x, s, ballot, name));
    if (x->w.without == WITHOUT_VOTE_ONCE && ballot == s->promised)
        s->voted = false;
    mri_slot_vote(s, ballot, name);
}

static void ack(const struct search *x, struct mri_slot *s, uint32_t ballot, uint32_t value)
{
    struct mr_certified c = {.ballot = ballot};
    const uint32_t promised = s->promised;
    name_value(c.value, value);
    if (x->w.without == WITHOUT_PROMISE && ballot < promised)
        s->promised = ballot;
    mri_slot_ack(s, &c);
    if (x->w.without == WITHOUT_PROMISE && ballot < promised)
        s->promised = promised;
}

/* Its own leaves: what it did, and what it reads of itself. */
static void write_own(const struct search *x, struct seat *t, uint32_t node, uint32_t log)
{
    uint32_t leaves[LEAVES_MAX];
    const uint32_t count = unroll(x, leaves, log);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t leaf = leaves[i];
        const uint32_t pair = leaf < LEAF_ACKS ? leaf : leaf - LEAF_ACKS;
        if (leaf < LEAF_ACKS)
            vote(x, &t->s, pair / VALUES_MAX, pair % VALUES_MAX);
        else if (leaf < LEAF_UNLOCKS)
            ack(x, &t->s, pair / VALUES_MAX, pair % VALUES_MAX);
        else
            mr_assert(mri_slot_promise(&t->s, (leaf - LEAF_UNLOCKS) / REPORTS));
        const bool clash = hear(t, node, i, leaf);
        mr_assert(!clash || x->w.without != WITHOUT_NOTHING);
    }
}

static void read_other(const struct search *x, struct seat *t, uint32_t node, uint32_t log)
{
    uint32_t leaves[LEAVES_MAX];
    const uint32_t count = unroll(x, leaves, log);
    for (uint32_t i = 0; i < count; i++) {
        const bool clash = hear(t, node, i, leaves[i]);
        mr_assert(!clash || x->w.without != WITHOUT_NOTHING);
        if (x->w.proofs)
            believe(t, leaves[i]);
    }
}

static uint32_t report_due(const struct mri_slot *s)
{
    if (s->cert_ballot == MR_BALLOT_NONE)
        return 0;
    return 1 + pair_of(s->cert_ballot, value_named(s->cert_value));
}

void view_own(const struct search *x, struct log *log, uint32_t number)
{
    struct seat t;
    if (log->promised != UINT32_MAX)
        return;
    seat_init(&t, &x->w);
    write_own(x, &t, OWN, number);
    log->promised = t.s.promised;
    log->report = report_due(&t.s);
}

/* --- what is due ------------------------------------------------------------------------------ */

/* SLOT-9, or what is left of it. */
static bool justified(const struct search *x, struct mri_slot *s, uint32_t ballot,
                      const uint8_t value[32], bool *ret_free)
{
    if (x->w.without == WITHOUT_QUORUM) {
        s->quorum--;
        const bool fewer = mri_slot_justified(s, ballot, value, ret_free);
        s->quorum++;
        return fewer;
    }
    if (mri_slot_justified(s, ballot, value, ret_free))
        return true;
    if (x->w.without != WITHOUT_HIGHEST || mri_slot_reports(s, ballot) < s->quorum)
        return false;
    for (uint32_t i = 0; i < s->reports_count; i++)
        if (s->reports[i].ballot == ballot && s->reports[i].cert_ballot < ballot &&
            memcmp(s->reports[i].cert_value, value, 32) == 0)
            return true;
    return false;
}

static uint64_t votes_due(const struct search *x, struct mri_slot *s)
{
    uint64_t deeds = 0;
    uint8_t name[32], forced[32];
    for (uint32_t ballot = 0; ballot < x->w.ballots; ballot++) {
        const bool must = ballot > 0 && mri_slot_forced(s, ballot, forced);
        for (uint32_t value = 0; value < x->w.values; value++) {
            bool free = ballot == 0;
            name_value(name, value);
            if (ballot > 0 && !justified(x, s, ballot, name, &free)) {
                mr_assert(!must || memcmp(name, forced, 32) != 0);
                continue;
            }
            if (!may_vote(x, s, ballot, name))
                continue;
            deeds |= DEED(pair_of(ballot, value)) | (free ? 0 : DEED_FORCED);
        }
    }
    return deeds;
}

static uint64_t acks_due(const struct search *x, struct mri_slot *s)
{
    struct mr_certified c;
    const uint32_t promised = s->promised;
    if (x->w.without == WITHOUT_PROMISE)
        s->promised = 0;
    const bool due = mri_slot_ack_due(s, &c);
    s->promised = promised;
    return due ? DEED(LEAF_ACKS + pair_of(c.ballot, value_named(c.value))) : 0;
}

/* One phase: q votes are enough. */
static uint64_t settled_by_votes(const struct search *x, const struct mri_slot *s)
{
    uint64_t deeds = 0;
    uint8_t name[32];
    for (uint32_t ballot = 0; ballot < x->w.ballots; ballot++)
        for (uint32_t value = 0; value < x->w.values; value++) {
            name_value(name, value);
            if (mri_slot_votes_for(s, ballot, name) >= s->quorum)
                deeds |= DEED_SETTLED(pair_of(ballot, value));
        }
    return deeds;
}

/* Two phases. The liars acknowledge everything, for one pair at a time. */
static uint64_t settled_by_acks(const struct search *x, const struct seat *t)
{
    uint64_t deeds = 0;
    struct seat lied;
    uint8_t name[32];
    for (uint32_t ballot = 0; ballot < x->w.ballots; ballot++)
        for (uint32_t value = 0; value < x->w.values; value++) {
            struct mr_certified c;
            seat_copy(&lied, t);
            for (uint32_t i = 0; i < x->w.liars; i++)
                hear(&lied, x->honest + 1 + i, 0, LEAF_ACKS + pair_of(ballot, value));
            name_value(name, value);
            const bool held = mri_slot_acks_for(&lied.s, ballot, name) >= lied.s.quorum;
            const bool settles = mri_slot_settles(&lied.s, &c);
            mr_assert(!held || settles);
            if (held)
                deeds |= DEED_SETTLED(pair_of(ballot, value));
            if (settles)
                deeds |= DEED_SETTLED(pair_of(c.ballot, value_named(c.value)));
        }
    return deeds;
}

static uint64_t promises_due(const struct search *x, const struct mri_slot *s)
{
    uint64_t deeds = 0;
    for (uint32_t ballot = 1; ballot < x->w.ballots; ballot++) {
        struct mri_slot t = *s;
        if (mri_slot_promise(&t, ballot))
            deeds |= DEED_UNLOCK(ballot);
    }
    return deeds;
}

static uint64_t due(const struct search *x, struct mri_slot *s)
{
    uint64_t deeds = votes_due(x, s) | acks_due(x, s);
    if (x->w.without == WITHOUT_SECOND_PHASE)
        deeds |= settled_by_votes(x, s);
    return deeds;
}

/* --- liars ------------------------------------------------------------------------------------ */

/* Whether votes of the liars can make a certificate: without, they are as good as unsaid. */
static bool completes(const struct search *x, const struct seat *t, uint32_t ballot, uint32_t value)
{
    uint8_t name[32];
    name_value(name, value);
    return mri_slot_votes_for(&t->s, ballot, name) + x->w.liars >= x->w.quorum;
}

/* Whether a report names no certificate, or one that was seen: others are as good as unsaid. */
static bool counts(const struct search *x, const struct seat *t, uint32_t report)
{
    if (report == 0 || x->w.without == WITHOUT_SEEN_VOTES)
        return true;
    for (uint32_t i = 0; i < t->s.certified_count; i++) {
        const struct mr_certified *const c = &t->s.certified[i];
        if (report == 1 + pair_of(c->ballot, value_named(c->value)))
            return true;
    }
    return false;
}

/* Every report of a liar for a ballot, and none; then of the next liars. */
static uint64_t with_reports(const struct search *x, struct seat *t, uint32_t liar)
{
    struct seat lied;
    if (liar == x->w.liars)
        return due(x, &t->s);
    uint64_t deeds = with_reports(x, t, liar + 1);
    for (uint32_t ballot = 1; ballot < x->w.ballots; ballot++)
        for (uint32_t report = 0; report <= ballot * VALUES_MAX; report++) {
            if (report > 0 && (report - 1) % VALUES_MAX >= x->w.values)
                continue;
            if (x->w.reduced && !counts(x, t, report))
                continue;
            seat_copy(&lied, t);
            hear(&lied, x->honest + 1 + liar, BALLOTS_MAX, unlock_of(ballot, report));
            if (x->w.without == WITHOUT_SEEN_VOTES)
                believe(&lied, unlock_of(ballot, report));
            deeds |= with_reports(x, &lied, liar + 1);
        }
    return deeds;
}

/* Every vote of a liar in a ballot, and none; then in the next ballots, and of the next liars. */
static uint64_t with_votes(const struct search *x, struct seat *t, uint32_t liar, uint32_t ballot)
{
    struct seat lied;
    if (liar == x->w.liars)
        return with_reports(x, t, 0);
    const bool last = ballot + 1 == x->w.ballots;
    const uint32_t next = last ? 0 : ballot + 1;
    uint64_t deeds = with_votes(x, t, liar + last, next);
    for (uint32_t value = 0; value < x->w.values; value++) {
        if (x->w.reduced && !completes(x, t, ballot, value))
            continue;
        seat_copy(&lied, t);
        hear(&lied, x->honest + 1 + liar, ballot, pair_of(ballot, value));
        deeds |= with_votes(x, &lied, liar + last, next);
    }
    return deeds;
}

uint64_t view_deeds(const struct search *x, const uint32_t view[KEY_WORDS])
{
    struct seat t;
    seat_init(&t, &x->w);
    write_own(x, &t, OWN, view[0]);
    for (uint32_t i = 1; i < x->honest; i++)
        read_other(x, &t, OWN + i, view[i]);
    return with_votes(x, &t, 0, 0) | settled_by_acks(x, &t) | promises_due(x, &t.s);
}

/* --- one more ballot -------------------------------------------------------------------------- */

static void all_hear(const struct search *x, struct seat seats[HONEST_MAX], uint32_t node,
                     uint32_t leaf)
{
    for (uint32_t i = 0; i < x->honest; i++) {
        hear(&seats[i], node, LEAVES_MAX + leaf, leaf);
        if (x->w.proofs)
            believe(&seats[i], leaf);
    }
}

/* The value that the ballot is for, as a leader finds it. */
static bool leads(const struct mri_slot *s, uint32_t ballot, uint8_t ret[32])
{
    bool free;
    if (mri_slot_forced(s, ballot, ret))
        return true;
    name_value(ret, 0);
    return mri_slot_justified(s, ballot, ret, &free);
}

bool view_finishes(const struct search *x, const uint32_t logs[KEY_WORDS])
{
    const uint32_t ballot = x->w.ballots;
    struct seat seats[HONEST_MAX];
    struct mr_certified c;
    uint8_t name[32];
    bool free;
    for (uint32_t i = 0; i < x->honest; i++) {
        seat_init(&seats[i], &x->w);
        for (uint32_t k = 0; k < x->honest; k++)
            if (k == i)
                write_own(x, &seats[i], OWN + i, logs[i]);
            else
                read_other(x, &seats[i], OWN + k, logs[k]);
        mr_assert(mri_slot_promise(&seats[i].s, ballot));
    }
    for (uint32_t i = 0; i < x->honest; i++)
        all_hear(x, seats, OWN + i, unlock_of(ballot, report_due(&seats[i].s)));
    if (!leads(&seats[0].s, ballot, name))
        return false;
    for (uint32_t i = 0; i < x->honest; i++) {
        if (!mri_slot_justified(&seats[i].s, ballot, name, &free))
            return false;
        mri_slot_vote(&seats[i].s, ballot, name);
    }
    for (uint32_t i = 0; i < x->honest; i++)
        all_hear(x, seats, OWN + i, pair_of(ballot, value_named(name)));
    for (uint32_t i = 0; i < x->honest; i++) {
        if (!mri_slot_ack_due(&seats[i].s, &c) || c.ballot != ballot)
            return false;
        mri_slot_ack(&seats[i].s, &c);
    }
    for (uint32_t i = 0; i < x->honest; i++)
        all_hear(x, seats, OWN + i, LEAF_ACKS + pair_of(ballot, value_named(name)));
    return mri_slot_settles(&seats[0].s, &c);
}
