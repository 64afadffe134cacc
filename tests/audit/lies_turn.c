/* Lies about the end of an epoch, in the book of node 1. */
#include <check.h>
#include <string.h>

#include "audit/lies.h"

static void flip(uint8_t *value)
{
    value[0] ^= 1;
}

/* The own leaf of a kind that stands last. */
static struct doc_row *own(struct doctor *d, enum mr_leaf_kind kind, struct doc_turn **ret_turn)
{
    for (uint32_t i = 0;; i++) {
        struct doc_row *const r = doctor_last(d, MR_ENTRY_LEAF, i, ret_turn);
        if (r->e.u.leaf.kind == kind)
            return r;
    }
}

static struct doc_row *epoch(struct doctor *d, struct doc_turn **ret_turn)
{
    return doctor_last(d, MR_ENTRY_EPOCH, 0, ret_turn);
}

/* What follows a turn is left out. */
static void end_behind(struct doctor *d, const struct doc_turn *t)
{
    d->count = (uint32_t)(t - d->turns) + 1;
}

/* --- SEAL ------------------------------------------------------------------------------------- */

/* A vote about a slot that is open all the time: the treasury's next one. */
static struct mr_leaf a_vote(struct doctor *d)
{
    struct mr_leaf l = {.kind = MR_LEAF_VOTE, .u.vote = {.seq = 2}};
    memcpy(l.u.vote.account, d->r->w.treasury, 16);
    mr_void_id(l.u.vote.value, d->r->w.ledger, l.u.vote.account, 2);
    return l;
}

static void vote_behind_seal(struct doctor *d)
{
    struct doc_turn *t = NULL;
    struct doc_row *const seal = own(d, MR_LEAF_SEAL, &t);
    struct doc_row *const r = doctor_insert(t, seal->next);
    r->epoch = seal->epoch;
    r->e.kind = MR_ENTRY_LEAF;
    r->e.u.leaf = a_vote(d);
}

static void peer_votes_behind_seal(struct doctor *d)
{
    const struct mr_leaf vote = a_vote(d);
    for (uint32_t i = 0;; i++) {
        struct doc_row *const r = doctor_last(d, MR_ENTRY_PEER, i, NULL);
        const struct mr_entry_peer *const p = &r->e.u.peer;
        for (uint32_t k = 0; k < p->leaves_count; k++)
            if (p->leaves[k].kind == MR_LEAF_SEAL) {
                doctor_let_say(r, &vote);
                return;
            }
    }
}

static void seal_without_a_next(struct doctor *d)
{
    struct doc_row *const r = doctor_append(d);
    r->e.kind = MR_ENTRY_LEAF;
    r->e.u.leaf = (struct mr_leaf){.kind = MR_LEAF_SEAL, .u.seal = {.epoch = 2}};
}

static void seal_of_another_next(struct doctor *d)
{
    flip(own(d, MR_LEAF_SEAL, NULL)->e.u.leaf.u.seal.next);
}

static void seal_of_another_epoch(struct doctor *d)
{
    own(d, MR_LEAF_SEAL, NULL)->e.u.leaf.u.seal.epoch = 2;
}

static void peer_seals_another_next(struct doctor *d)
{
    for (uint32_t i = 0;; i++) {
        struct mr_entry_peer *const p = &doctor_last(d, MR_ENTRY_PEER, i, NULL)->e.u.peer;
        for (uint32_t k = 0; k < p->leaves_count; k++)
            if (p->leaves[k].kind == MR_LEAF_SEAL) {
                flip(p->leaves[k].u.seal.next);
                return;
            }
    }
}

/* --- CUT -------------------------------------------------------------------------------------- */

static void shorter(struct mr_cut *cut)
{
    cut->logs[1].size--;
}

static void cut_of_an_unsealed_log(struct doctor *d)
{
    d->cut = shorter;
}

static void another_root(struct mr_cut *cut)
{
    flip(cut->logs[0].root);
}

static void cut_of_another_log(struct doctor *d)
{
    d->cut = another_root;
}

static void another_next(struct mr_cut *cut)
{
    flip(cut->next);
}

static void cut_for_another_next(struct doctor *d)
{
    d->cut = another_next;
}

static void another_epoch(struct mr_cut *cut)
{
    cut->epoch = 3;
}

static void cut_of_another_epoch(struct doctor *d)
{
    d->cut = another_epoch;
}

static void twice(struct mr_cut *cut)
{
    cut->logs[2] = cut->logs[1];
}

static void cut_of_one_log_twice(struct doctor *d)
{
    d->cut = twice;
}

static void stranger(struct mr_cut *cut)
{
    cut->logs[2].node = 9;
}

static void cut_of_a_stranger(struct doctor *d)
{
    d->cut = stranger;
}

/* --- NEXT ------------------------------------------------------------------------------------- */

/* The book ends where it settled: what a wrong one leads to is not the lie. */
static void change_next(struct doctor *d, void (*change)(struct mr_next_epoch *n))
{
    static struct doc_body x;
    struct doc_turn *t = NULL;
    uint8_t id[32];
    doctor_order(d, &x, MR_KIND_NEXT, 0);
    mr_order_id(id, &x.b.u.order.order);
    for (uint32_t i = 0;; i++) {
        const struct doc_row *const r = doctor_last(d, MR_ENTRY_SETTLED, i, &t);
        if (memcmp(r->e.u.settled.value, id, 32) == 0)
            break;
    }
    end_behind(d, t);
    change(&x.b.u.order.order.body.u.next);
    world_sign(&d->r->w, &x.b.u.order);
    doctor_put_order(d, &x);
}

static void half(struct mr_next_epoch *n)
{
    n->quorum = n->seats_count / 2;
}

static void next_with_half_a_quorum(struct doctor *d)
{
    change_next(d, half);
}

static void more(struct mr_next_epoch *n)
{
    n->quorum = n->seats_count + 1;
}

static void next_with_more_than_all(struct doctor *d)
{
    change_next(d, more);
}

static void later(struct mr_next_epoch *n)
{
    n->epoch++;
}

static void next_that_skips_an_epoch(struct doctor *d)
{
    change_next(d, later);
}

static void same_seat(struct mr_next_epoch *n)
{
    n->seats[1].node.number = n->seats[0].node.number;
}

static void next_with_a_number_twice(struct doctor *d)
{
    change_next(d, same_seat);
}

static void generation(struct mr_next_epoch *n)
{
    n->seats[2].generation++;
}

static void next_with_a_generation_too_high(struct doctor *d)
{
    change_next(d, generation);
}

static void same_key(struct mr_next_epoch *n)
{
    n->seats[3].node.transport_key = n->seats[2].node.transport_key;
}

static void next_with_a_key_twice(struct doctor *d)
{
    change_next(d, same_key);
}

static void nobody(struct mr_next_epoch *n)
{
    flip(n->seats[3].node.association);
}

static void next_of_an_unknown_association(struct doctor *d)
{
    change_next(d, nobody);
}

static uint8_t space[MR_SPACE_BYTES];

static void into_space(struct mr_next_epoch *n)
{
    memcpy(n->associations[0].id, space, sizeof space);
}

static void joiner_in_the_space_of_another(struct doctor *d)
{
    memcpy(space, d->r->w.charter.associations[0].id, sizeof space);
    change_next(d, into_space);
}

/* A member of the committee would cosign itself. */
static void own_witness(struct mr_next_epoch *n)
{
    n->witnesses[0].members[0].key = n->seats[1].node.log_key;
}

static void next_with_a_node_as_witness(struct doctor *d)
{
    change_next(d, own_witness);
}

static void no_witness(struct mr_next_epoch *n)
{
    n->witnesses[0].quorum = n->witnesses[0].members_count + 1;
}

static void next_that_wants_more_witnesses_than_there_are(struct doctor *d)
{
    change_next(d, no_witness);
}

/* --- what the CUT settles --------------------------------------------------------------------- */

static struct doc_row *settled_by_one(struct doctor *d, struct doc_turn **ret_turn)
{
    for (uint32_t i = 0;; i++) {
        struct doc_row *const r = doctor_last(d, MR_ENTRY_SETTLED, i, ret_turn);
        if (r->e.u.settled.acks_count == 1)
            return r;
    }
}

/* The leaf that was put in, in front of the honest log's next one. */
static void one_before(struct doc_row *r)
{
    r->e.u.settled.acks[0].index--;
    memset(r->e.u.settled.acks[0].certificate, 0, 32);
}

/* Of the treasury's next slot, by an acknowledgement in a log that the CUT does not name. */
static void settled_by_no_log(struct doctor *d)
{
    struct doc_turn *t = NULL;
    struct doc_row *const by_cut = settled_by_one(d, &t), *peer = NULL;
    struct mr_leaf ack = {.kind = MR_LEAF_ACK, .u.ack = {.seq = 2, .ballot = 2}};
    memcpy(ack.u.ack.account, d->r->w.treasury, 16);
    mr_void_id(ack.u.ack.value, d->r->w.ledger, ack.u.ack.account, 2);
    for (uint32_t i = 0; peer == NULL; i++) {
        struct doc_row *const r = doctor_last(d, MR_ENTRY_PEER, i, NULL);
        if (r->epoch == 0 && r->e.u.peer.node == 4 && r->e.u.peer.leaves_count > 0)
            peer = r;
    }
    const uint32_t last = peer->olds[peer->e.u.peer.leaves_count - 1];
    doctor_let_say(peer, &ack);
    struct doc_row *const r = doctor_insert(t, by_cut->next);
    struct mr_entry_settled *const s = &r->e.u.settled;
    r->epoch = 0;
    r->e.kind = MR_ENTRY_SETTLED;
    *s = (struct mr_entry_settled){.seq = 2, .ballot = 2, .voided = true, .acks_count = 1};
    memcpy(s->account, ack.u.ack.account, 16);
    memcpy(s->value, ack.u.ack.value, 32);
    s->time_ms = by_cut->e.u.settled.time_ms;
    s->acks[0] = (struct mr_ack_ref){.node = 4, .index = last + 1};
    r->before = one_before;
}

static void cut_leaves_a_slot_open(struct doctor *d)
{
    struct doc_turn *t = NULL;
    settled_by_one(d, NULL)->dropped = true;
    epoch(d, &t);
    end_behind(d, t);
}

/* --- FINAL ------------------------------------------------------------------------------------ */

static void flip_final(struct doc_row *r)
{
    flip(r->e.u.leaf.u.final.state_root);
}

static void final_of_another_state(struct doctor *d)
{
    own(d, MR_LEAF_FINAL, NULL)->before = flip_final;
}

static void one_more(struct doc_row *r)
{
    r->e.u.leaf.u.final.accounts++;
}

static void final_of_more_accounts(struct doctor *d)
{
    own(d, MR_LEAF_FINAL, NULL)->before = one_more;
}

static void next_final(struct doc_row *r)
{
    r->e.u.leaf.u.final.epoch++;
}

static void final_of_another_epoch(struct doctor *d)
{
    own(d, MR_LEAF_FINAL, NULL)->before = next_final;
}

static void no_final(struct doctor *d)
{
    own(d, MR_LEAF_FINAL, NULL)->dropped = true;
}

static void two_finals(struct doctor *d)
{
    own(d, MR_LEAF_FINAL, NULL)->copies = 1;
}

static void vote_behind_final(struct doctor *d)
{
    struct doc_turn *t = NULL;
    struct doc_row *const final = own(d, MR_LEAF_FINAL, &t);
    struct doc_row *const r = doctor_insert(t, final->next);
    r->epoch = final->epoch;
    r->e.kind = MR_ENTRY_LEAF;
    r->e.u.leaf = a_vote(d);
    mr_sub_account(r->e.u.leaf.u.vote.account, NULL, MR_CLASS_CHECKPOINTS);
}

/* --- REST ------------------------------------------------------------------------------------- */

static void rest_for_another_checkpoint(struct doctor *d)
{
    own(d, MR_LEAF_REST, NULL)->e.u.leaf.u.rest.number++;
}

static void rest_behind_a_next(struct doctor *d)
{
    struct doc_turn *t = NULL;
    struct doc_row *const seal = own(d, MR_LEAF_SEAL, &t);
    struct doc_row *const r = doctor_insert(t, seal);
    r->epoch = seal->epoch;
    r->e.kind = MR_ENTRY_LEAF;
    r->e.u.leaf = own(d, MR_LEAF_REST, NULL)->e.u.leaf;
}

/* --- ACK anew --------------------------------------------------------------------------------- */

static struct mr_leaf_ack *anew(struct doctor *d)
{
    return &own(d, MR_LEAF_ACK, NULL)->e.u.leaf.u.ack;
}

static void another_value_anew(struct doctor *d)
{
    flip(anew(d)->value);
}

static void ballot_of_an_ack_anew(struct doctor *d)
{
    anew(d)->ballot = 2;
}

static void without_votes(struct doc_row *r)
{
    mr_hash(r->e.u.leaf.u.ack.certificate, "mereau/certificate", "", 0, NULL, 0);
}

/* What settled in this epoch has votes. */
static void ack_anew_of_this_epoch(struct doctor *d)
{
    struct mr_leaf_ack *const k = anew(d);
    const struct doc_slot s = doctor_slot(d, false, 0);
    memcpy(k->account, s.account, 16);
    k->seq = s.seq;
    memcpy(k->value, s.settled->e.u.settled.value, 32);
    own(d, MR_LEAF_ACK, NULL)->after = without_votes;
}

static void with_votes(struct doc_row *r)
{
    flip(r->e.u.leaf.u.ack.certificate);
}

static void votes_of_an_ack_anew(struct doctor *d)
{
    own(d, MR_LEAF_ACK, NULL)->after = with_votes;
}

/* --- REST of a peer --------------------------------------------------------------------------- */

/* The last REST of a peer; *ret_nth: of its row among those of peers, from the end. */
static struct mr_leaf_rest *peer_rest(struct doctor *d, uint32_t *ret_nth)
{
    for (*ret_nth = 0;; ++*ret_nth) {
        struct mr_entry_peer *const p = &doctor_last(d, MR_ENTRY_PEER, *ret_nth, NULL)->e.u.peer;
        for (uint32_t k = 0; k < p->leaves_count; k++)
            if (p->leaves[k].kind == MR_LEAF_REST)
                return &p->leaves[k].u.rest;
    }
}

static void peer_rests_for_none(struct doctor *d)
{
    const struct mr_leaf none = {.kind = MR_LEAF_REST, .u.rest = {.number = 0}};
    uint32_t nth;
    peer_rest(d, &nth);
    doctor_let_say(doctor_last(d, MR_ENTRY_PEER, nth, NULL), &none);
}

/* The second checkpoint, and a turn later the first. */
static void peer_rests_for_an_earlier_one(struct doctor *d)
{
    const struct mr_leaf first = {.kind = MR_LEAF_REST, .u.rest = {.number = 1}};
    uint32_t nth;
    peer_rest(d, &nth)->number = 2;
    const struct doc_row *const r = doctor_last(d, MR_ENTRY_PEER, nth, NULL);
    for (;;) {
        struct doc_row *const later = doctor_last(d, MR_ENTRY_PEER, --nth, NULL);
        if (later->epoch == r->epoch && later->e.u.peer.node == r->e.u.peer.node) {
            doctor_let_say(later, &first);
            return;
        }
    }
}

/* --- the beginning ---------------------------------------------------------------------------- */

static void two_proofs(struct doc_row *r)
{
    r->e.u.epoch.proofs_count--;
}

static void epoch_with_too_few_proofs(struct doctor *d)
{
    epoch(d, NULL)->after = two_proofs;
}

static void same_proof(struct doc_row *r)
{
    r->e.u.epoch.proofs[1] = r->e.u.epoch.proofs[0];
}

static void epoch_with_a_proof_twice(struct doctor *d)
{
    epoch(d, NULL)->after = same_proof;
}

static void flip_sig(struct doc_row *r)
{
    flip(r->e.u.epoch.proofs[1].head.sig);
}

static void epoch_with_an_unsigned_proof(struct doctor *d)
{
    epoch(d, NULL)->after = flip_sig;
}

static void flip_path(struct doc_row *r)
{
    flip(r->e.u.epoch.proofs[1].path[0].h);
}

static void epoch_with_a_wrong_path(struct doctor *d)
{
    epoch(d, NULL)->after = flip_path;
}

static void flip_salt(struct doc_row *r)
{
    flip(r->e.u.epoch.order.order.salt);
}

static void epoch_by_another_next(struct doctor *d)
{
    epoch(d, NULL)->after = flip_salt;
}

/* Once more, in the epoch that it began. */
static void epoch_again(struct doctor *d)
{
    const struct mr_entry e = epoch(d, NULL)->e;
    struct doc_row *const r = doctor_append(d);
    r->epoch = 0;
    r->e = e;
}

static void flip_last(struct doc_row *r)
{
    flip(r->e.u.leaf.u.start.last_root);
}

static void start_behind_another_log(struct doctor *d)
{
    own(d, MR_LEAF_START, NULL)->before = flip_last;
}

static void generation_two(struct doc_row *r)
{
    r->e.u.leaf.u.start.generation++;
}

static void start_of_another_generation(struct doctor *d)
{
    own(d, MR_LEAF_START, NULL)->before = generation_two;
}

static void first_epoch(struct doc_row *r)
{
    r->e.u.peer.head.epoch = 1;
}

static void peer_head_of_the_last_epoch(struct doctor *d)
{
    doctor_last(d, MR_ENTRY_PEER, 0, NULL)->before = first_epoch;
}

const struct league_lie lies_of_turn[] = {
    {"vote behind seal", vote_behind_seal, "EPO-4", MR_CHECK_FAILED, false},
    {"peer votes behind seal", peer_votes_behind_seal, "EPO-4", MR_CHECK_FAILED, false},
    {"seal without a next", seal_without_a_next, "EPO-4", MR_CHECK_FAILED, false},
    {"seal of another next", seal_of_another_next, "EPO-4", MR_CHECK_FAILED, false},
    {"seal of another epoch", seal_of_another_epoch, "EPO-4", MR_WRONG_EPOCH, false},
    {"peer seals another next", peer_seals_another_next, "EPO-4", MR_CHECK_FAILED, false},
    {"cut of an unsealed log", cut_of_an_unsealed_log, "EPO-4", MR_STATE_MISMATCH, false},
    {"cut of another log", cut_of_another_log, "EPO-4", MR_STATE_MISMATCH, false},
    {"cut for another next", cut_for_another_next, "EPO-4", MR_STATE_MISMATCH, false},
    {"cut of another epoch", cut_of_another_epoch, "EPO-4", MR_EPOCH_MISMATCH, false},
    {"cut of one log twice", cut_of_one_log_twice, "EPO-4", MR_STATE_MISMATCH, false},
    {"cut of a stranger", cut_of_a_stranger, "EPO-4", MR_STATE_MISMATCH, false},
    {"next with half a quorum", next_with_half_a_quorum, "EPO-3", MR_OUT_OF_RANGE, false},
    {"next with more than all", next_with_more_than_all, "EPO-3", MR_OUT_OF_RANGE, false},
    {"next that skips an epoch", next_that_skips_an_epoch, "EPO-3", MR_EPOCH_MISMATCH, false},
    {"next with a number twice", next_with_a_number_twice, "EPO-3", MR_OUT_OF_RANGE, false},
    {"next with a generation too high", next_with_a_generation_too_high, "EPO-3", MR_OUT_OF_RANGE,
     false},
    {"next with a key twice", next_with_a_key_twice, "EPO-3", MR_OUT_OF_RANGE, false},
    {"next of an unknown association", next_of_an_unknown_association, "EPO-3", MR_OUT_OF_RANGE,
     false},
    {"settled by no log", settled_by_no_log, "EPO-5", MR_CHECK_FAILED, false},
    {"cut leaves a slot open", cut_leaves_a_slot_open, "EPO-5", MR_UNSETTLED, false},
    {"final of another state", final_of_another_state, "LED-50", MR_STATE_MISMATCH, false},
    {"final of more accounts", final_of_more_accounts, "EPO-6", MR_STATE_MISMATCH, false},
    {"final of another epoch", final_of_another_epoch, "EPO-6", MR_WRONG_EPOCH, false},
    {"no final", no_final, "EPO-6", MR_CHECK_FAILED, false},
    {"two finals", two_finals, "EPO-6", MR_CHECK_FAILED, false},
    {"vote behind final", vote_behind_final, "EPO-6", MR_CHECK_FAILED, false},
    {"rest for another checkpoint", rest_for_another_checkpoint, "SLOT-16", MR_CHECK_FAILED, false},
    {"rest behind a next", rest_behind_a_next, "SLOT-16", MR_CHANGING, false},
    {"another value anew", another_value_anew, "SLOT-17", MR_CHECK_FAILED, false},
    {"ballot of an ack anew", ballot_of_an_ack_anew, "SLOT-17", MR_CHECK_FAILED, false},
    {"ack anew of this epoch", ack_anew_of_this_epoch, "SLOT-17", MR_SEQ_OLD, false},
    {"votes of an ack anew", votes_of_an_ack_anew, "SLOT-4", MR_SEQ_OLD, false},
    {"peer: rest for no checkpoint", peer_rests_for_none, "SLOT-16", MR_CHECK_FAILED, false},
    {"peer: rest for an earlier one", peer_rests_for_an_earlier_one, "SLOT-16", MR_CHECK_FAILED,
     false},
    {"epoch with too few proofs", epoch_with_too_few_proofs, "EPO-6", MR_BAD_RECEIPT, false},
    {"epoch with a proof twice", epoch_with_a_proof_twice, "EPO-6", MR_BAD_RECEIPT, false},
    {"epoch with an unsigned proof", epoch_with_an_unsigned_proof, "EPO-6", MR_BAD_SIGNATURE,
     false},
    {"epoch with a wrong path", epoch_with_a_wrong_path, "EPO-6", MR_BAD_PROOF, false},
    {"epoch by another next", epoch_by_another_next, "EPO-6", MR_CHECK_FAILED, false},
    {"epoch again", epoch_again, "EPO-6", MR_CHECK_FAILED, false},
    {"start behind another log", start_behind_another_log, "LOG-2", MR_BAD_HEAD, false},
    {"start of another generation", start_of_another_generation, "LOG-2", MR_WRONG_EPOCH, false},
    {"peer: head of the last epoch", peer_head_of_the_last_epoch, "LOG-5", MR_BAD_HEAD, false},
    {NULL, NULL, NULL, MR_OK, false},
};

const struct league_lie lies_of_joiner[] = {
    {"joiner in the space of another", joiner_in_the_space_of_another, "EPO-3", MR_OUT_OF_RANGE,
     false},
    {"next with a node as witness", next_with_a_node_as_witness, "EPO-3", MR_OUT_OF_RANGE, false},
    {"next that wants more witnesses than there are", next_that_wants_more_witnesses_than_there_are,
     "EPO-3", MR_OUT_OF_RANGE, false},
    {NULL, NULL, NULL, MR_OK, false}};
