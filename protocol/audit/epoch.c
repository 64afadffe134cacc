/* The end of an epoch: SEAL, CUT, FINAL, and over to the nodes of the NEXT (EPO-4 to EPO-6). */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

/* --- logs that a CUT names -------------------------------------------------------------------- */

struct view {
    const struct mri_aud_tree *tree;
    uint64_t sealed;
    bool lost; /* nothing can be said about it */
};

/* A log as the journal has it. False: of no node of this epoch. */
static bool view_of(const struct mr_audit *a, struct view *ret, uint32_t node)
{
    static const struct mri_aud_tree none;
    const int seat = mri_aud_seat(a, node);
    const struct mri_aud_mirror *const m = seat < 0 ? NULL : a->mirrors[seat];
    *ret = (struct view){&none, 0, false};
    if (node == a->node && (m == NULL || m->size <= a->tree.size))
        *ret = (struct view){&a->tree, a->end.sealed, false};
    else if (m != NULL) /* of the own one: what was forgotten of it */
        *ret = (struct view){&m->tree, m->sealed, m->lost};
    return seat >= 0;
}

enum look { LOOK_RIGHT, LOOK_UNREAD, LOOK_WRONG };

/* A log of a CUT, against what the journal has of it. */
static enum look look_at_log(struct mr_audit *a, const struct mr_sealed_log *log,
                             char ret_expected[MR_AUDIT_TEXT_MAX],
                             char ret_found[MR_AUDIT_TEXT_MAX])
{
    struct view v;
    uint8_t root[32];
    char hex[65];
    const unsigned node = log->node;
    const unsigned long long size = log->size;
    if (!view_of(a, &v, node)) {
        snprintf(ret_expected, MR_AUDIT_TEXT_MAX, "a node of epoch %u", (unsigned)a->epoch);
        snprintf(ret_found, MR_AUDIT_TEXT_MAX, "node %u", node);
        return LOOK_WRONG;
    }
    if (v.lost) {
        a->totals.heads_unchecked++;
        return LOOK_RIGHT;
    }
    if (v.sealed != log->size && (v.sealed != 0 || log->size <= v.tree->size)) {
        snprintf(ret_expected, MR_AUDIT_TEXT_MAX, v.sealed == 0 ? "sealed" : "sealed at %llu",
                 (unsigned long long)v.sealed);
        snprintf(ret_found, MR_AUDIT_TEXT_MAX, "node %u at %llu", node, size);
        return LOOK_WRONG;
    }
    if (log->size > v.tree->size)
        return LOOK_UNREAD;
    if (!mri_aud_tree_root(v.tree, root, log->size)) {
        a->totals.heads_unchecked++;
        return LOOK_RIGHT;
    }
    mr_hex_format(hex, root, 32);
    snprintf(ret_expected, MR_AUDIT_TEXT_MAX, "root %s", hex);
    mr_hex_format(hex, log->root, 32);
    snprintf(ret_found, MR_AUDIT_TEXT_MAX, "node %u, root %s", node, hex);
    return memcmp(root, log->root, 32) == 0 ? LOOK_RIGHT : LOOK_WRONG;
}

static void check_logs(struct mr_audit *a, struct mri_aud_case *c, const struct mr_cut *cut)
{
    char expected[MR_AUDIT_TEXT_MAX], found[MR_AUDIT_TEXT_MAX];
    for (uint32_t i = 0; i < cut->logs_count && !c->wrong; i++) {
        if (i > 0 && cut->logs[i].node <= cut->logs[i - 1].node) {
            mri_aud_wrong(a, c, MR_STATE_MISMATCH, "node of a log that a CUT names, at least",
                          (int64_t)cut->logs[i - 1].node + 1, cut->logs[i].node);
            return;
        }
        const enum look look = look_at_log(a, &cut->logs[i], expected, found);
        /* Of a node that shows several histories another one may have been read so far. */
        if (look == LOOK_WRONG && (c->at_vote || cut->logs[i].node == a->node))
            mri_aud_wrong_text(a, c, MR_STATE_MISMATCH, "log that a CUT names", expected, found);
        else if (look == LOOK_UNREAD && c->at_vote)
            mri_aud_wrong(a, c, MR_BEHIND, "node whose log a vote for a CUT rests on, read", 0,
                          cut->logs[i].node);
    }
}

void mri_aud_check_cut(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_cut *const cut = &c->order->body.u.cut;
    char e[65], f[65];
    if (!a->end.has_next || a->end.has_cut)
        mri_aud_wrong_text(a, c, MR_EPOCH_MISMATCH, "CUT", "one, behind a NEXT",
                           a->end.has_cut ? "a second one" : "no NEXT that waits");
    if (cut->epoch != a->epoch)
        mri_aud_wrong(a, c, MR_EPOCH_MISMATCH, "epoch of a CUT", a->epoch, cut->epoch);
    mr_hex_format(e, a->end.id, 32);
    mr_hex_format(f, cut->next, 32);
    if (memcmp(a->end.id, cut->next, 32) != 0)
        mri_aud_wrong_text(a, c, MR_STATE_MISMATCH, "NEXT that a CUT makes room for", e, f);
    if (cut->logs_count != a->charter.quorum)
        mri_aud_wrong(a, c, MR_STATE_MISMATCH, "logs that a CUT names", a->charter.quorum,
                      cut->logs_count);
    check_logs(a, c, cut);
}

/* The logs that were not read yet where the CUT settled. */
static void check_unread(struct mr_audit *a)
{
    char expected[MR_AUDIT_TEXT_MAX], found[MR_AUDIT_TEXT_MAX];
    for (uint32_t i = 0; i < a->end.cut.logs_count; i++) {
        const struct mr_sealed_log *const log = &a->end.cut.logs[i];
        struct view v;
        if ((a->end.unread >> i & 1) == 0)
            continue;
        const enum look look = look_at_log(a, log, expected, found);
        if (look == LOOK_WRONG) {
            mri_aud_text(a, "EPO-4", MR_STATE_MISMATCH, "log that a CUT names", expected, found);
        } else if (look == LOOK_UNREAD && log->node == a->node && a->abstaining) {
            a->totals.heads_unchecked++; /* it has lost a part of it */
        } else if (look == LOOK_UNREAD) {
            view_of(a, &v, log->node);
            mri_aud_u64(a, "EPO-5", MR_BEHIND, "leaves read of a log that the CUT names", log->size,
                        v.tree->size);
        }
    }
    a->end.unread = 0;
}

/* --- what NEXT and CUT change ----------------------------------------------------------------- */

void mri_aud_apply_next(struct mr_audit *a, const struct mr_next_epoch *next, const uint8_t id[32])
{
    if (a->end.has_next)
        return;
    a->end.has_next = true;
    a->end.next = *next;
    memcpy(a->end.id, id, 32);
}

/* The next epoch's nodes sign on the chain of checkpoints; who joins has its accounts. */
void mri_aud_make_room(struct mr_audit *a, const struct mr_next_epoch *next)
{
    struct mri_aud_account *const x = a->checkpoints;
    struct mr_charter *const c = &a->charter;
    struct mr_keyset keys = {.threshold = x->cold.threshold};
    mri_aud_touch_cold(a, x);
    for (uint32_t i = 0; i < next->seats_count && i < MR_KEYS_MAX; i++)
        keys.keys[keys.keys_count++] = next->seats[i].node.log_key;
    mri_aud_set_keys(a, x, &keys);
    if (x->cold.generation < 1000000)
        x->cold.generation++;
    for (uint32_t i = 0; i < next->associations_count; i++) {
        if (c->associations_count == MR_ASSOCIATIONS_MAX || a->no_memory)
            return;
        c->associations[c->associations_count] = next->associations[i];
        mri_aud_add_association(a, c->associations_count++);
    }
}

void mri_aud_apply_cut(struct mr_audit *a, const struct mr_cut *cut)
{
    char expected[MR_AUDIT_TEXT_MAX], found[MR_AUDIT_TEXT_MAX];
    if (a->end.has_cut)
        return;
    a->end.has_cut = true;
    a->end.cut = *cut;
    for (uint32_t i = 0; i < cut->logs_count; i++) {
        const enum look look = look_at_log(a, &cut->logs[i], expected, found);
        if (look == LOOK_UNREAD || (look == LOOK_WRONG && cut->logs[i].node != a->node))
            a->end.unread |= UINT32_C(1) << i;
    }
    if (a->end.has_next)
        mri_aud_make_room(a, &a->end.next);
}

bool mri_aud_cut_decides(const struct mr_audit *a, const struct mri_aud_open *o,
                         uint32_t *ret_ballot, uint8_t ret_value[32])
{
    const struct mri_aud_said *best = NULL;
    for (size_t i = 0; a->end.has_cut && i < o->said_count; i++) {
        const struct mri_aud_said *const s = &o->said[i];
        const struct mr_sealed_log *log = NULL;
        for (uint32_t k = 0; k < a->end.cut.logs_count; k++) {
            if (a->end.cut.logs[k].node == s->node)
                log = &a->end.cut.logs[k];
        }
        if (s->kind == MR_LEAF_ACK && !s->shown && log != NULL && s->index < log->size &&
            (best == NULL || s->ballot > best->ballot))
            best = s;
    }
    if (best == NULL)
        return false;
    *ret_ballot = best->ballot;
    memcpy(ret_value, best->value, 32);
    return true;
}

/* --- leaves ----------------------------------------------------------------------------------- */

bool mri_aud_silence(struct mr_audit *a, uint32_t node, uint64_t sealed, const uint8_t account[16],
                     uint64_t seq)
{
    char found[64];
    if (sealed == 0 || memcmp(account, a->checkpoints->id, 16) == 0)
        return false;
    mri_aud_at(a, account, seq);
    snprintf(found, sizeof found, "a leaf of node %u, which sealed its log", (unsigned)node);
    mri_aud_text(a, "EPO-4", MR_CHECK_FAILED, "leaf about a slot behind SEAL",
                 "only about the slot of a CUT", found);
    mri_aud_at(a, NULL, 0);
    return true;
}

bool mri_aud_behind_final(struct mr_audit *a, uint32_t node, bool has_final,
                          const struct mr_leaf *leaf)
{
    char found[64];
    if (!has_final)
        return false;
    snprintf(found, sizeof found, "%s of node %u", mr_leaf_kind_text(leaf->kind), (unsigned)node);
    mri_aud_text(a, "EPO-6", MR_CHECK_FAILED, "leaf behind FINAL", "none in this log", found);
    return true;
}

void mri_aud_seal(struct mr_audit *a, const struct mr_leaf_seal *s, uint64_t index)
{
    if (!a->end.has_next)
        mri_aud_text(a, "EPO-4", MR_CHECK_FAILED, "SEAL", "behind a NEXT that settled", "none");
    else if (a->end.sealed != 0)
        mri_aud_text(a, "EPO-4", MR_CHECK_FAILED, "SEAL", "one in an epoch", "another");
    else if (s->epoch != a->epoch)
        mri_aud_u64(a, "EPO-4", MR_WRONG_EPOCH, "epoch of SEAL", a->epoch, s->epoch);
    else if (memcmp(s->next, a->end.id, 32) != 0)
        mri_aud_hash(a, "EPO-4", MR_CHECK_FAILED, "NEXT that SEAL names", a->end.id, s->next);
    if (a->end.sealed == 0)
        a->end.sealed = index + 1;
    a->speaks = true;
}

/* The root of the state now; false: it is not known for sure. */
bool mri_aud_root_now(struct mr_audit *a, uint8_t ret[32], uint64_t *ret_accounts)
{
    if (!a->incomplete && !a->unsure)
        return mri_aud_state_root(a, ret, ret_accounts, UINT64_MAX);
    a->totals.checkpoints_unchecked++;
    return false;
}

void mri_aud_final(struct mr_audit *a, const struct mr_leaf_final *f)
{
    uint64_t accounts;
    if (!a->end.has_cut) {
        mri_aud_text(a, "EPO-6", MR_CHECK_FAILED, "FINAL", "behind the CUT", "no CUT that settled");
        return;
    }
    a->end.has_final = true;
    memcpy(a->end.root, f->state_root, 32);
    check_unread(a);
    if (f->epoch != a->epoch)
        mri_aud_u64(a, "EPO-6", MR_WRONG_EPOCH, "epoch of FINAL", a->epoch, f->epoch);
    if (!mri_aud_root_now(a, a->end.root, &accounts))
        return;
    if (f->accounts != accounts)
        mri_aud_u64(a, "EPO-6", MR_STATE_MISMATCH, "number of accounts in FINAL", accounts,
                    f->accounts);
    if (memcmp(a->end.root, f->state_root, 32) != 0)
        mri_aud_hash(a, "LED-50", MR_STATE_MISMATCH, "state root in FINAL", a->end.root,
                     f->state_root);
}

void mri_aud_peer_end(struct mr_audit *a, struct mri_aud_mirror *m, uint32_t node,
                      const struct mr_leaf *leaf, uint64_t index)
{
    const bool seal = leaf->kind == MR_LEAF_SEAL;
    const uint32_t epoch = seal ? leaf->u.seal.epoch : leaf->u.final.epoch;
    char found[64];
    snprintf(found, sizeof found, "node %u, epoch %u", (unsigned)node, (unsigned)epoch);
    if (epoch != a->epoch || (seal ? m->sealed != 0 : m->sealed == 0)) {
        mri_aud_text(a, seal ? "EPO-4" : "EPO-6", MR_CHECK_FAILED,
                     seal ? "SEAL of a peer" : "FINAL of a peer",
                     seal ? "one, of this epoch" : "of this epoch, behind SEAL", found);
        return;
    }
    if (seal) {
        m->sealed = index + 1;
        memcpy(m->seals, leaf->u.seal.next, 32);
    } else {
        m->has_final = true;
        memcpy(m->final, leaf->u.final.state_root, 32);
    }
}

/* --- over ------------------------------------------------------------------------------------- */

/* What the CUT decides is settled. */
static void check_decided(struct mr_audit *a)
{
    uint8_t value[32];
    uint32_t ballot;
    for (const struct mri_aud_open *o = a->open; o != NULL; o = o->next) {
        if (!mri_aud_cut_decides(a, o, &ballot, value))
            continue;
        mri_aud_at(a, o->account->id, o->seq);
        mri_aud_text(a, "EPO-5", MR_UNSETTLED, "slot that the CUT decides", "settled", "open");
    }
    mri_aud_at(a, NULL, 0);
}

/* What the others said at the end of the epoch is what it was. */
static void check_peers(struct mr_audit *a, bool known)
{
    for (uint32_t i = 0; i < a->charter.nodes_count; i++) {
        const struct mri_aud_mirror *const m = a->mirrors[i];
        if (m == NULL)
            continue;
        if (m->sealed != 0 && memcmp(m->seals, a->end.id, 32) != 0)
            mri_aud_hash(a, "EPO-4", MR_CHECK_FAILED, "NEXT that a peer's SEAL names", a->end.id,
                         m->seals);
        if (known && m->has_final && memcmp(m->final, a->end.root, 32) != 0)
            mri_aud_hash(a, "LED-50", MR_STATE_MISMATCH, "state root in a peer's FINAL",
                         a->end.root, m->final);
    }
}

/* EPO-6: who signs says FINAL first; nothing settles behind it. */
static void check_end(struct mr_audit *a)
{
    uint8_t root[32];
    uint64_t accounts;
    if (!a->end.has_final && a->speaks && !a->abstaining)
        mri_aud_text(a, "EPO-6", MR_CHECK_FAILED, "end of an epoch", "FINAL of a node that signs",
                     "none");
    check_unread(a);
    check_decided(a);
    const bool known = mri_aud_root_now(a, root, &accounts);
    if (known && a->end.has_final && memcmp(root, a->end.root, 32) != 0)
        mri_aud_hash(a, "EPO-6", MR_STATE_MISMATCH, "state root where an epoch begins", a->end.root,
                     root);
    if (known)
        memcpy(a->end.root, root, 32);
    check_peers(a, known);
}

void mri_aud_take_over(struct mr_audit *a, const struct mr_next_epoch *next)
{
    struct mr_charter *const c = &a->charter;
    const int was = mri_aud_seat(a, a->node);
    struct mr_pubkey key = {0};
    if (was >= 0)
        key = c->nodes[was].log_key;
    mri_aud_end_logs(a);
    memset(&a->end, 0, sizeof a->end);
    c->quorum = next->quorum;
    if (next->witnesses_count > 0)
        c->witnesses = next->witnesses[0];
    c->nodes_count = next->seats_count;
    for (uint32_t i = 0; i < next->seats_count; i++) {
        c->nodes[i] = next->seats[i].node;
        a->generations[i] = next->seats[i].generation;
    }
    a->epoch++;
    a->restart_ms = a->claims_until_ms = 0;
    const int seat = mri_aud_seat(a, a->node);
    if (seat < 0)
        return; /* it is none of them */
    a->generation = a->generations[seat];
    if (was < 0 || memcmp(key.key, c->nodes[seat].log_key.key, MR_KEY_BYTES) != 0)
        a->abstaining = false;
}

/* Whether the entry says what settled. The first fault is reported. */
static bool is_next(struct mr_audit *a, const struct mr_handover_next *h)
{
    uint8_t id[32];
    mr_order_id(id, &h->order.order);
    if (!a->end.has_next || !a->end.has_cut)
        mri_aud_text(a, "EPO-6", MR_CHECK_FAILED, "beginning of an epoch",
                     "behind a NEXT and its CUT, settled", a->end.has_next ? "no CUT" : "no NEXT");
    else if (memcmp(id, a->end.id, 32) != 0)
        mri_aud_hash(a, "EPO-6", MR_CHECK_FAILED, "NEXT that an epoch begins by", a->end.id, id);
    else
        return true;
    return false;
}

void mri_aud_epoch(struct mr_audit *a, const struct mr_handover_next *h)
{
    struct mri_aud_roster r;
    uint8_t id[32];
    const struct mr_order_body *const b = &h->order.order.body;
    mri_aud_present(a, &r);
    if (a->incomplete && b->kind == MR_KIND_NEXT) { /* the order may have been erased */
        mr_order_id(id, &h->order.order);
        mri_aud_apply_next(a, &b->u.next, id);
    }
    if (!is_next(a, h)) {
        if (!a->end.has_next)
            return;
    } else if (mri_aud_next_proved(a, "EPO-6", &r, h)) {
        for (uint32_t i = 0; i < h->proofs_count; i++)
            mri_aud_look_at(a, &h->proofs[i].head);
        check_end(a);
    }
    if (!a->end.has_cut)
        mri_aud_make_room(a, &a->end.next);
    struct mr_next_epoch *const next = mri_aud_get(a, sizeof *next);
    if (next == NULL)
        return;
    *next = a->end.next;
    mri_aud_take_over(a, next);
    mri_aud_note_epoch(a);
    mri_aud_put(a, next);
}

void mri_aud_note_epoch(struct mr_audit *a)
{
    struct mr_audit_totals *const t = &a->totals;
    mri_aud_note_roster(a);
    if (t->epochs_count == MR_AUDIT_EPOCHS)
        memmove(t->epochs, t->epochs + 1, --t->epochs_count * sizeof t->epochs[0]);
    struct mr_audit_epoch *const e = &t->epochs[t->epochs_count++];
    *e = (struct mr_audit_epoch){.epoch = a->epoch, .quorum = a->charter.quorum, .turn = a->turn};
    for (uint32_t i = 0; i < a->charter.nodes_count; i++)
        e->nodes |= UINT64_C(1) << (a->charter.nodes[i].number & 63);
}

/* --- logs that end ---------------------------------------------------------------------------- */

static void keep_log(struct mr_audit *a, uint32_t node, const struct mri_aud_tree *tree, bool lost)
{
    struct mri_aud_past_log *const p = mri_aud_get(a, sizeof *p);
    if (p == NULL) {
        struct mri_aud_tree gone = *tree;
        mri_aud_tree_done(&gone, &a->mem);
        return;
    }
    *p = (struct mri_aud_past_log){
        .next = a->past_logs, .tree = *tree, .epoch = a->epoch, .node = node, .lost = lost};
    a->past_logs = p;
}

void mri_aud_end_logs(struct mr_audit *a)
{
    keep_log(a, a->node, &a->tree, false);
    memset(&a->tree, 0, sizeof a->tree);
    for (uint32_t i = 0; i < a->charter.nodes_count; i++) {
        struct mri_aud_mirror *const m = a->mirrors[i];
        if (m == NULL)
            continue;
        keep_log(a, a->charter.nodes[i].number, &m->tree, m->lost);
        mri_aud_put(a, m);
        a->mirrors[i] = NULL;
    }
    a->started = a->speaks = false;
    a->synced = a->head_size = a->shown = 0;
    a->log_turn = a->turn;
    mri_aud_slots_renew(a);
}

void mri_aud_past_logs_done(struct mr_audit *a)
{
    while (a->past_logs != NULL) {
        struct mri_aud_past_log *const next = a->past_logs->next;
        mri_aud_tree_done(&a->past_logs->tree, &a->mem);
        mri_aud_put(a, a->past_logs);
        a->past_logs = next;
    }
}
