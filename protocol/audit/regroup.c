/* REGROUP: the nodes that go on and the state they go on from, by governance (EPO-10). */
#include <string.h>

#include "audit/state.h"
#include "mereau/codec.h"

enum { RECORD_MAX = 32768 };

/* Governance's signatures, at its threshold, as jobs. */
static void check_signatures(struct mr_audit *a, const char *rule,
                             const struct mr_signed_regroup *s)
{
    uint8_t digest[32], record[RECORD_MAX];
    _Static_assert(sizeof s->regroup <= RECORD_MAX, "a struct is larger than its encoding");
    mri_aud_digest(digest, MR_PURPOSE_REGROUP, s->regroup.ledger, 0, record,
                   mr_regroup_encode(&s->regroup, record, sizeof record));
    mri_aud_by_governance(a, rule, digest, s->sigs, s->sigs_count);
}

bool mri_aud_regroup_right(struct mr_audit *a, const char *rule, const struct mri_aud_roster *r,
                           const struct mr_signed_regroup *s)
{
    const struct mr_next_epoch *const n = &s->regroup.next;
    if (memcmp(s->regroup.ledger, a->ledger, 32) != 0)
        mri_aud_hash(a, rule, MR_WRONG_LEDGER, "ledger of REGROUP", a->ledger, s->regroup.ledger);
    else if (n->epoch != r->epoch + 1)
        mri_aud_u64(a, rule, MR_WRONG_EPOCH, "epoch of REGROUP", (uint64_t)r->epoch + 1, n->epoch);
    else if (2 * n->quorum <= n->seats_count || n->quorum > n->seats_count)
        mri_aud_u64(a, rule, MR_OUT_OF_RANGE, "quorum of REGROUP, more than half and at most",
                    n->seats_count, n->quorum);
    else if (n->associations_count > 0)
        mri_aud_u64(a, rule, MR_OUT_OF_RANGE, "associations that join by REGROUP", 0,
                    n->associations_count);
    else if (n->witnesses_count > 0)
        mri_aud_u64(a, rule, MR_OUT_OF_RANGE, "sets of witnesses in REGROUP", 0,
                    n->witnesses_count);
    else {
        check_signatures(a, rule, s);
        return true;
    }
    return false;
}

/* EPO-3 of one seat: a key belongs to one generation of one node. */
static bool check_seat(struct mr_audit *a, const struct mr_epoch_seat *s)
{
    const struct mr_charter *const c = &a->charter;
    const int was = mri_aud_seat(a, s->node.number);
    const bool same = was >= 0 && memcmp(c->nodes[was].log_key.key, s->node.log_key.key, 32) == 0;
    const uint32_t due = was < 0 ? 1 : a->generations[was] + !same;
    if (was < 0 && s->node.number <= c->nodes[c->nodes_count - 1].number)
        mri_aud_u64(a, "EPO-10", MR_OUT_OF_RANGE, "number of a new node, at least",
                    (uint64_t)c->nodes[c->nodes_count - 1].number + 1, s->node.number);
    else if (s->generation != due)
        mri_aud_u64(a, "EPO-10", MR_OUT_OF_RANGE, "generation of a node's log key", due,
                    s->generation);
    else if (mri_aud_association(a, s->node.association) < 0)
        mri_aud_text(a, "EPO-10", MR_OUT_OF_RANGE, "association of a node", "one of the charter",
                     "another one");
    else
        return true;
    return false;
}

static void check_state(struct mr_audit *a, const struct mr_regroup *r)
{
    uint8_t root[32];
    uint64_t accounts;
    if (!mri_aud_root_now(a, root, &accounts))
        return;
    if (r->accounts != accounts)
        mri_aud_u64(a, "EPO-10", MR_STATE_MISMATCH, "number of accounts in REGROUP", accounts,
                    r->accounts);
    if (memcmp(root, r->state_root, 32) != 0)
        mri_aud_hash(a, "EPO-10", MR_STATE_MISMATCH, "state root in REGROUP", root, r->state_root);
}

void mri_aud_regroup(struct mr_audit *a, const struct mr_signed_regroup *s)
{
    struct mri_aud_roster r;
    mri_aud_present(a, &r);
    if (!mri_aud_regroup_right(a, "EPO-10", &r, s))
        return;
    for (uint32_t i = 0; i < s->regroup.next.seats_count; i++)
        if (!check_seat(a, &s->regroup.next.seats[i]))
            return;
    check_state(a, &s->regroup);
    mri_aud_make_room(a, &s->regroup.next);
    mri_aud_take_over(a, &s->regroup.next);
    a->restart_ms = s->regroup.time_ms;
    a->claims_until_ms = s->regroup.claims_until_ms;
    mri_aud_note_epoch(a);
}
