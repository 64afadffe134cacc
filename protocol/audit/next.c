/* EPO-3: who may vote in the next epoch, and who may join. */
#include <string.h>

#include "audit/state.h"

static bool same_key(const struct mr_pubkey *x, const struct mr_pubkey *y)
{
    return memcmp(x->key, y->key, MR_KEY_BYTES) == 0;
}

static bool same_id(const uint8_t x[16], const uint8_t y[16])
{
    return memcmp(x, y, MR_ACCOUNT_BYTES) == 0;
}

/* --- who joins -------------------------------------------------------------------------------- */

/* Ids and alias are nobody else's: LED-2a. */
static bool is_new(const struct mr_association *x, const struct mr_association *others,
                   uint32_t count)
{
    static const uint8_t nobody[16];
    if (mri_aud_in_space(x->id, nobody))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (mri_aud_in_space(x->id, others[i].id) || strcmp(x->alias, others[i].alias) == 0)
            return false;
    }
    return true;
}

static void check_joiners(struct mr_audit *a, struct mri_aud_case *c, const struct mr_next_epoch *n)
{
    const struct mr_charter *const now = &a->charter;
    const uint32_t all = now->associations_count + n->associations_count;
    int64_t caps = 0;
    if (all > MR_ASSOCIATIONS_MAX)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "associations, at most", MR_ASSOCIATIONS_MAX, all);
    for (uint32_t i = 0; i < now->associations_count; i++)
        caps += a->of[i].issuer->cold.credit;
    for (uint32_t i = 0; i < n->associations_count; i++) {
        const struct mr_association *const x = &n->associations[i];
        if (!mri_aud_alias_right(x->alias, x->alias_len))
            mri_aud_wrong_text(a, c, MR_OUT_OF_RANGE, "alias of an association that joins",
                               "2 to 32 of a-z, 0-9 and -", x->alias);
        if (!mri_aud_keyset_right(&x->desk, MR_CLASS_DESK) ||
            !mri_aud_keyset_right(&x->treasury, MR_CLASS_TREASURY))
            mri_aud_wrong_text(a, c, MR_OUT_OF_RANGE, "key sets of an association that joins",
                               "as LED-6 says", x->alias);
        if (!is_new(x, now->associations, now->associations_count) ||
            !is_new(x, n->associations, i))
            mri_aud_wrong_text(a, c, MR_OUT_OF_RANGE, "id and alias of an association that joins",
                               "new ones", x->alias);
        caps = mri_aud_sum(caps, x->cap);
    }
    if (n->associations_count > 0 && caps > MR_CAPS_MAX) /* LED-5a */
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "sum of all caps, at most", MR_CAPS_MAX, caps);
}

/* --- who votes -------------------------------------------------------------------------------- */

static bool is_known(const struct mr_audit *a, const struct mr_next_epoch *n, const uint8_t id[16])
{
    for (uint32_t i = 0; i < n->associations_count; i++) {
        if (same_id(n->associations[i].id, id))
            return true;
    }
    return mri_aud_association(a, id) >= 0;
}

/* A key belongs to one generation of one node. */
static uint32_t generation_due(const struct mr_audit *a, const struct mr_node *node)
{
    const int was = mri_aud_seat(a, node->number);
    if (was < 0)
        return 1;
    return a->generations[was] + !same_key(&a->charter.nodes[was].log_key, &node->log_key);
}

static void check_seat(struct mr_audit *a, struct mri_aud_case *c, const struct mr_next_epoch *n,
                       uint32_t at)
{
    const struct mr_epoch_seat *const s = &n->seats[at];
    const struct mr_node *const last = &a->charter.nodes[a->charter.nodes_count - 1];
    const uint32_t least = at == 0 ? 1 : n->seats[at - 1].node.number + 1;
    if (s->node.number < least)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "number of a node, ascending, at least", least,
                      s->node.number);
    if (mri_aud_seat(a, s->node.number) < 0 && s->node.number <= last->number)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "number of a new node, at least",
                      (int64_t)last->number + 1, s->node.number);
    if (s->generation != generation_due(a, &s->node))
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "generation of a node's log key",
                      generation_due(a, &s->node), s->generation);
    if (!is_known(a, n, s->node.association))
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "node of an association that is known", 0,
                      s->node.number);
    bool usable = mr_pubkey_usable(&s->node.log_key) && mr_pubkey_usable(&s->node.transport_key);
    for (uint32_t i = 0; i < at; i++)
        usable = usable && !same_key(&s->node.log_key, &n->seats[i].node.log_key) &&
                 !same_key(&s->node.transport_key, &n->seats[i].node.transport_key);
    if (!usable)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "node whose keys are usable and its own", 0,
                      s->node.number);
}

/* --- who cosigns ------------------------------------------------------------------------------ */

/* Whether a key signs in the ledger as it would stand. */
static bool signs(const struct mr_audit *a, const struct mr_next_epoch *n,
                  const struct mr_pubkey *key)
{
    const struct mr_charter *const c = &a->charter;
    bool found = false;
    for (uint32_t i = 0; i < n->seats_count; i++)
        found = found || same_key(&n->seats[i].node.log_key, key) ||
                same_key(&n->seats[i].node.transport_key, key);
    for (uint32_t i = 0; i < c->governance.keys_count; i++)
        found = found || same_key(&c->governance.keys[i], key);
    for (uint32_t i = 0; i < c->associations_count + n->associations_count; i++) {
        const struct mr_association *const x = i < c->associations_count
                                                   ? &c->associations[i]
                                                   : &n->associations[i - c->associations_count];
        for (uint32_t k = 0; k < x->desk.keys_count; k++)
            found = found || same_key(&x->desk.keys[k], key);
        for (uint32_t k = 0; k < x->treasury.keys_count; k++)
            found = found || same_key(&x->treasury.keys[k], key);
    }
    return found;
}

static void check_witnesses(struct mr_audit *a, struct mri_aud_case *c,
                            const struct mr_next_epoch *n)
{
    const struct mr_witness_set *const w =
        n->witnesses_count > 0 ? &n->witnesses[0] : &a->charter.witnesses;
    if (w->quorum > w->members_count)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "witnesses that are needed, at most", w->members_count,
                      w->quorum);
    for (uint32_t i = 0; i < w->members_count; i++) {
        const struct mr_witness *const x = &w->members[i];
        bool right = x->name_len > 0 && strpbrk(x->name, " +") == NULL &&
                     mr_pubkey_usable(&x->key) && !signs(a, n, &x->key);
        for (uint32_t k = 0; k < i; k++)
            right = right && !same_key(&x->key, &w->members[k].key) &&
                    strcmp(x->name, w->members[k].name) != 0;
        if (!right)
            mri_aud_wrong_text(a, c, MR_OUT_OF_RANGE, "name and key of a witness",
                               "usable, its own, of nobody who signs here", x->name);
    }
}

/* What every node has to store of it. */
static void check_size(struct mr_audit *a, struct mri_aud_case *c, const struct mr_next_epoch *n)
{
    struct mr_state_present *const p = mri_aud_get(a, sizeof *p);
    if (p == NULL)
        return;
    p->charter = a->charter;
    for (uint32_t i = 0; i < n->associations_count; i++)
        p->charter.associations[p->charter.associations_count++] = n->associations[i];
    p->charter.nodes_count = p->generations_count = n->seats_count;
    if (n->witnesses_count > 0)
        p->charter.witnesses = n->witnesses[0];
    for (uint32_t i = 0; i < n->seats_count; i++) {
        p->charter.nodes[i] = n->seats[i].node;
        p->generations[i].number = n->seats[i].generation;
    }
    const size_t present = mr_state_present_size(p), next = mr_next_epoch_size(n);
    if (present > MR_ROW_VALUE_MAX || next > MR_ROW_VALUE_MAX)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "bytes of the charter as it would stand, at most",
                      MR_ROW_VALUE_MAX, (int64_t)(present > next ? present : next));
    mri_aud_put(a, p);
}

void mri_aud_check_next(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_next_epoch *const n = &c->order->body.u.next;
    if (a->end.has_next)
        mri_aud_wrong_text(a, c, MR_EPOCH_MISMATCH, "NEXT", "one in an epoch", "another one waits");
    if (n->epoch != a->epoch + 1)
        mri_aud_wrong(a, c, MR_EPOCH_MISMATCH, "epoch of a NEXT", (int64_t)a->epoch + 1, n->epoch);
    if (2 * n->quorum <= n->seats_count || n->quorum > n->seats_count)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "quorum of an epoch, more than half and at most",
                      n->seats_count, n->quorum);
    check_joiners(a, c, n);
    for (uint32_t i = 0; i < n->seats_count && !c->wrong; i++)
        check_seat(a, c, n, i);
    check_witnesses(a, c, n);
    if (!c->wrong)
        check_size(a, c, n);
}
