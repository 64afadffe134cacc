#include "slot/slot.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/sign.h"

void mri_slot_init(struct mri_slot *s, uint32_t quorum)
{
    *s = (struct mri_slot){.quorum = quorum, .cert_ballot = MR_BALLOT_NONE};
}

bool mri_slot_may_vote(const struct mri_slot *s, uint32_t ballot, const uint8_t value[32])
{
    if (ballot < s->promised)
        return false;
    if (ballot == s->promised && s->voted)
        return memcmp(s->vote, value, 32) == 0;
    return true;
}

void mri_slot_vote(struct mri_slot *s, uint32_t ballot, const uint8_t value[32])
{
    mr_assert(mri_slot_may_vote(s, ballot, value));
    s->promised = ballot;
    s->voted = true;
    memcpy(s->vote, value, 32);
}

static struct mri_said *said_by(struct mri_slot *s, uint32_t node)
{
    mr_assert(node >= 1);
    mr_assert(node <= MR_NODES_MAX);
    return &s->said[node - 1];
}

bool mri_slot_on_vote(struct mri_slot *s, uint32_t node, uint32_t ballot, const uint8_t value[32],
                      uint64_t leaf_index)
{
    struct mri_said *by = said_by(s, node);
    if (by->voted && by->vote_ballot >= ballot)
        return false;
    by->voted = true;
    by->vote_ballot = ballot;
    by->vote_index = leaf_index;
    memcpy(by->vote, value, 32);
    uint32_t votes = 0;
    for (uint32_t i = 0; i < MR_NODES_MAX; i++)
        votes += s->said[i].voted && s->said[i].vote_ballot == ballot &&
                 memcmp(s->said[i].vote, value, 32) == 0;
    const bool known = s->cert_ballot != MR_BALLOT_NONE && s->cert_ballot >= ballot;
    if (votes < s->quorum || ballot < s->promised || known)
        return false;
    if (ballot > s->promised)
        s->voted = false;
    s->promised = ballot;
    s->cert_ballot = ballot;
    memcpy(s->cert_value, value, 32);
    return true;
}

void mri_slot_certificate(uint8_t ret[32], const struct mri_slot *s)
{
    uint8_t text[MR_NODES_MAX * 12];
    size_t n = 0;
    mr_assert(s->cert_ballot != MR_BALLOT_NONE);
    for (uint32_t i = 0; i < MR_NODES_MAX; i++) {
        const struct mri_said *by = &s->said[i];
        if (!by->voted || by->vote_ballot != s->cert_ballot ||
            memcmp(by->vote, s->cert_value, 32) != 0)
            continue;
        for (int b = 0; b < 4; b++)
            text[n++] = (uint8_t)((i + 1) >> (24 - 8 * b));
        for (int b = 0; b < 8; b++)
            text[n++] = (uint8_t)(by->vote_index >> (56 - 8 * b));
    }
    mr_hash(ret, "mereau/certificate", text, n, NULL, 0);
}

bool mri_slot_on_ack(struct mri_slot *s, uint32_t node, uint32_t ballot, const uint8_t value[32])
{
    struct mri_said *by = said_by(s, node);
    if (by->acked && by->ack_ballot >= ballot)
        return false;
    by->acked = true;
    by->ack_ballot = ballot;
    memcpy(by->ack, value, 32);
    uint32_t acks = 0;
    for (uint32_t i = 0; i < MR_NODES_MAX; i++)
        acks += s->said[i].acked && s->said[i].ack_ballot == ballot &&
                memcmp(s->said[i].ack, value, 32) == 0;
    return acks >= s->quorum;
}

bool mri_slot_unlock(struct mri_slot *s, uint32_t ballot)
{
    if (ballot <= s->promised)
        return false;
    s->promised = ballot;
    s->voted = false;
    return true;
}

bool mri_slot_on_unlock(struct mri_slot *s, uint32_t node, uint32_t ballot, uint32_t cert_ballot,
                        const uint8_t cert_value[32])
{
    struct mri_said *by = said_by(s, node);
    if (by->reported && by->report_ballot >= ballot)
        return false;
    by->reported = true;
    by->report_ballot = ballot;
    by->cert_ballot = cert_ballot;
    memcpy(by->cert_value, cert_value, 32);
    uint32_t reports = 0;
    for (uint32_t i = 0; i < MR_NODES_MAX; i++)
        reports += s->said[i].reported && s->said[i].report_ballot == ballot;
    return reports >= s->quorum;
}

bool mri_slot_must_propose(const struct mri_slot *s, uint8_t ret[32], uint32_t ballot)
{
    const struct mri_said *highest = NULL;
    for (uint32_t i = 0; i < MR_NODES_MAX; i++) {
        const struct mri_said *by = &s->said[i];
        if (by->reported && by->report_ballot == ballot && by->cert_ballot != MR_BALLOT_NONE &&
            (highest == NULL || by->cert_ballot > highest->cert_ballot))
            highest = by;
    }
    if (highest != NULL)
        memcpy(ret, highest->cert_value, 32);
    return highest != NULL;
}
