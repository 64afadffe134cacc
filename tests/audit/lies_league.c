/* Lies in a book of several nodes: of the node itself, and of what it writes about others. */
#include <string.h>

#include "audit/lies.h"
#include "mereau/log.h"

/* The story's last PAY is of a slot that settles in ballot 0; the void slot before it lapsed. */
static struct doc_slot paid(struct doctor *d)
{
    return doctor_slot(d, false, 0);
}

/* A void slot that this node promised a ballot in, with what others said in it. */
static struct doc_slot voided(struct doctor *d)
{
    for (uint32_t i = 0;; i++) {
        const struct doc_slot s = doctor_slot(d, true, i);
        if (s.unlock != NULL && s.trigger != NULL && s.vote != NULL && s.ack != NULL)
            return s;
    }
}

static void flip(uint8_t *value)
{
    value[0] ^= 1;
}

/* --- own leaves ------------------------------------------------------------------------------- */

static void ack_of_too_few_votes(struct doctor *d)
{
    const struct doc_slot s = paid(d);
    struct doc_row *row;
    for (uint32_t node = 2; node <= 3; node++) {
        struct mr_leaf *const l = doctor_said(d, &s, node, MR_LEAF_VOTE, &row);
        if (l != NULL)
            doctor_hush(row, l);
    }
}

static void flip_certificate(struct doc_row *r)
{
    flip(r->e.u.leaf.u.ack.certificate);
}

static void another_certificate(struct doctor *d)
{
    paid(d).ack->before = flip_certificate;
}

static void two_votes(struct doctor *d)
{
    const struct doc_slot s = paid(d);
    struct doc_row *const r = doctor_insert(s.ack_turn, s.ack);
    r->e = s.vote->e;
    flip(r->e.u.leaf.u.vote.value);
}

static void ack_below_the_promise(struct doctor *d)
{
    const struct doc_slot s = voided(d);
    struct doc_row *const r = doctor_insert(s.ack_turn, s.ack->next);
    r->e = s.ack->e;
    r->e.u.leaf.u.ack.ballot = 0;
}

static void vote_for_a_place_ahead(struct doctor *d)
{
    const struct doc_slot s = paid(d);
    struct doc_row *const r = doctor_insert(s.settled_turn, s.settled->next);
    r->e = s.vote->e;
    r->e.u.leaf.u.vote.seq += 7;
    mr_void_id(r->e.u.leaf.u.vote.value, d->r->w.ledger, s.account, s.seq + 7);
}

static void vote_without_the_order(struct doctor *d)
{
    const struct doc_slot s = paid(d);
    struct doc_row *const r = doctor_insert(s.settled_turn, s.settled->next);
    r->e = s.vote->e;
    r->e.u.leaf.u.vote.seq++;
}

/* Waits for money, as it says itself, and votes at once. */
static void vote_without_money(struct doctor *d)
{
    for (uint32_t i = 0;; i++) {
        struct doc_slot s = doctor_slot(d, false, i);
        if (s.parked == NULL || s.parked->e.u.parked.cause != MR_FUNDS_SHORT)
            continue;
        struct doc_row *const r = doctor_insert(s.parked_turn, s.parked->next);
        *r = (struct doc_row){.e = s.vote->e, .old = DOCTOR_NEW, .next = r->next};
        s.vote->dropped = true;
        return;
    }
}

static void vote_without_reports(struct doctor *d)
{
    const struct doc_slot s = voided(d);
    struct doc_row *row;
    struct mr_leaf *l;
    while ((l = doctor_said(d, &s, 0, MR_LEAF_UNLOCK, &row)) != NULL)
        doctor_hush(row, l);
}

static void unlock_without_a_trigger(struct doctor *d)
{
    voided(d).trigger->dropped = true;
}

static void trigger_that_is_not_there(struct doctor *d)
{
    const struct doc_slot s = voided(d);
    struct mr_entry_trigger *const t = &s.trigger->e.u.trigger;
    const enum mr_trigger_kind kind =
        t->kind == MR_TRIGGER_CONFLICT ? MR_TRIGGER_FROZEN : MR_TRIGGER_CONFLICT;
    uint8_t text[28] = {0, 0, 0, (uint8_t)kind};
    t->kind = kind;
    memcpy(text + 4, t->account, 16);
    text[27] = (uint8_t)t->seq;
    mr_hash(t->hash, "mereau/trigger", text, sizeof text, NULL, 0);
    memcpy(s.unlock->e.u.leaf.u.unlock.trigger, t->hash, 32);
}

/* The order had not lapsed when the node said so. */
static void trigger_before_its_time(struct doctor *d)
{
    for (uint32_t i = 0;; i++) {
        const struct doc_slot s = doctor_slot(d, true, i);
        if (s.trigger == NULL || s.trigger->e.u.trigger.kind != MR_TRIGGER_EXPIRED)
            continue;
        s.trigger->e.u.trigger.time_ms -= 31 * MR_DAY_MS;
        return;
    }
}

static void unlock_that_hides(struct doctor *d)
{
    struct mr_leaf_unlock *const u = &voided(d).unlock->e.u.leaf.u.unlock;
    u->cert_ballot = u->cert_ballot == MR_BALLOT_NONE ? 0 : MR_BALLOT_NONE;
}

/* --- settlements ------------------------------------------------------------------------------ */

static struct mr_entry_settled *settled(struct doctor *d)
{
    return &paid(d).settled->e.u.settled;
}

static void two_acks_only(struct doctor *d)
{
    settled(d)->acks_count--;
}

static void one_ack_twice(struct doctor *d)
{
    settled(d)->acks[1] = settled(d)->acks[0];
}

static void later_index(struct doc_row *r)
{
    r->e.u.settled.acks[1].index++;
}

static void ack_of_another_leaf(struct doctor *d)
{
    paid(d).settled->before = later_index;
}

static void ack_of_nobody(struct doc_row *r)
{
    r->e.u.settled.acks[2].node = 9;
}

static void ack_of_a_stranger(struct doctor *d)
{
    paid(d).settled->before = ack_of_nobody;
}

static void flip_ref(struct doc_row *r)
{
    flip(r->e.u.settled.acks[0].certificate);
}

static void ack_with_another_certificate(struct doctor *d)
{
    paid(d).settled->before = flip_ref;
}

static void another_ballot(struct doctor *d)
{
    settled(d)->ballot = 2;
}

static void another_value(struct doctor *d)
{
    flip(settled(d)->value);
}

static void another_slot(struct doctor *d)
{
    settled(d)->seq++;
}

static void settled_too_early(struct doctor *d)
{
    const struct doc_slot s = paid(d);
    struct doc_row *const r = doctor_insert(s.ack_turn, s.ack->next);
    struct doc_row *const next = r->next;
    *r = *s.settled;
    r->next = next;
    s.settled->dropped = true;
}

/* An order of a chain that goes on: seen at the next own vote there. */
static void settlement_missing(struct doctor *d)
{
    const struct doc_slot last = paid(d);
    for (uint32_t i = 1;; i++) {
        const struct doc_slot s = doctor_slot(d, false, i);
        if (s.seq + 1 != last.seq || memcmp(s.account, last.account, 16) != 0)
            continue;
        s.settled->dropped = true;
        return;
    }
}

/* --- logs of others --------------------------------------------------------------------------- */

static struct doc_row *last_peer(struct doctor *d, uint32_t nth)
{
    return doctor_last(d, MR_ENTRY_PEER, nth, NULL);
}

/* The first entry of a peer, with its START. */
static struct doc_row *first_peer(struct doctor *d)
{
    struct doc_row *r = NULL;
    for (uint32_t i = 0; r == NULL || r->e.u.peer.first != 0; i++)
        r = last_peer(d, i);
    return r;
}

static void flip_start(struct doc_row *r)
{
    flip(r->e.u.peer.leaves[0].u.start.last_root);
}

static void leaf_changed(struct doctor *d)
{
    first_peer(d)->after = flip_start;
}

static void start_of_another_ledger(struct doctor *d)
{
    flip(first_peer(d)->e.u.peer.leaves[0].u.start.ledger);
}

static void further_on(struct doc_row *r)
{
    r->e.u.peer.first += 5;
}

static void leaves_left_out(struct doctor *d)
{
    last_peer(d, 0)->before = further_on;
}

static void leaves_twice(struct doctor *d)
{
    uint32_t i = 0;
    while (last_peer(d, i)->e.u.peer.leaves_count == 0)
        i++;
    last_peer(d, i)->copies = 1;
}

static void of_node_one(struct doc_row *r)
{
    r->e.u.peer.node = 1;
}

static void its_own_log(struct doctor *d)
{
    last_peer(d, 0)->before = of_node_one;
}

static void flip_head(struct doc_row *r)
{
    flip(r->e.u.peer.head.sig);
}

static void head_not_signed(struct doctor *d)
{
    last_peer(d, 0)->after = flip_head;
}

static void hour_back(struct doc_row *r)
{
    r->e.u.peer.head.time_ms -= 3600000;
}

void league_head_of_an_hour_ago(struct doctor *d)
{
    last_peer(d, 0)->before = hour_back;
}

static void fewer(struct doc_row *r)
{
    r->e.u.peer.head.size -= 3;
}

static void head_that_shrinks(struct doctor *d)
{
    last_peer(d, 0)->before = fewer;
}

static void next_epoch(struct doc_row *r)
{
    r->e.u.peer.head.epoch = 2;
}

static void head_of_another_epoch(struct doctor *d)
{
    last_peer(d, 0)->before = next_epoch;
}

static void flip_root(struct doc_row *r)
{
    flip(r->e.u.peer.head.root);
}

static void head_of_another_tree(struct doctor *d)
{
    last_peer(d, 0)->before = flip_root;
}

/* --- contradictions of others -------------------------------------------------------------------
 */

/* In its last entry the node says once more what it said of a slot, changed. */
static struct mr_leaf *say_again(struct doctor *d, const struct doc_slot *s, enum mr_leaf_kind kind)
{
    struct doc_row *row = NULL;
    const uint32_t node = last_peer(d, 0)->e.u.peer.node;
    const struct mr_leaf *const l = doctor_said(d, s, node, kind, &row);
    if (l == NULL)
        return NULL;
    doctor_let_say(last_peer(d, 0), l);
    struct mr_entry_peer *const p = &last_peer(d, 0)->e.u.peer;
    return &p->leaves[p->leaves_count - 1];
}

static void peer_votes_twice(struct doctor *d)
{
    const struct doc_slot s = paid(d);
    flip(say_again(d, &s, MR_LEAF_VOTE)->u.vote.value);
}

static void peer_acknowledges_twice(struct doctor *d)
{
    const struct doc_slot s = paid(d);
    flip(say_again(d, &s, MR_LEAF_ACK)->u.ack.value);
}

static void peer_votes_late(struct doctor *d)
{
    const struct doc_slot s = voided(d);
    struct mr_leaf *const l = say_again(d, &s, MR_LEAF_VOTE);
    l->u.vote.ballot = say_again(d, &s, MR_LEAF_UNLOCK)->u.unlock.ballot - 1;
    doctor_hush(last_peer(d, 0), l + 1);
    mr_hash(l->u.vote.value, "another", "", 0, "", 0);
}

static void peer_acknowledges_late(struct doctor *d)
{
    const struct doc_slot s = voided(d);
    struct mr_leaf *const l = say_again(d, &s, MR_LEAF_ACK);
    l->u.ack.ballot = 1;
}

static void peer_reports_falsely(struct doctor *d)
{
    const struct doc_slot s = paid(d);
    struct mr_leaf leaf = {.kind = MR_LEAF_UNLOCK};
    leaf.u.unlock =
        (struct mr_leaf_unlock){.seq = s.seq, .ballot = 2, .cert_ballot = MR_BALLOT_NONE};
    memcpy(leaf.u.unlock.account, s.account, 16);
    doctor_let_say(last_peer(d, 0), &leaf);
}

static void peer_starts_again(struct doctor *d)
{
    const struct mr_leaf start = first_peer(d)->e.u.peer.leaves[0];
    doctor_let_say(last_peer(d, 0), &start);
}

/* --- heads that were seen --------------------------------------------------------------------- */

static struct mr_head *seen(struct doctor *d, struct mr_leaf *ret, uint32_t node, uint64_t size)
{
    *ret = (struct mr_leaf){.kind = MR_LEAF_SEEN};
    struct mr_head *const h = &ret->u.seen.head;
    *h = (struct mr_head){.epoch = 1, .node = node, .generation = 1, .size = size, .time_ms = 1};
    mr_head_sign(h, d->r->w.ledger, &d->r->nodes[node - 1].log_key);
    return h;
}

static void own_leaf(struct doctor *d, const struct mr_leaf *leaf)
{
    struct doc_row *const r = doctor_append(d);
    r->e.kind = MR_ENTRY_LEAF;
    r->e.u.leaf = *leaf;
}

/* The root is no root of the peer's log. */
static void seen_fork(struct doctor *d)
{
    struct mr_leaf leaf;
    seen(d, &leaf, last_peer(d, 0)->e.u.peer.node, 5);
    own_leaf(d, &leaf);
}

static void seen_fork_by_a_peer(struct doctor *d)
{
    struct mr_leaf leaf;
    seen(d, &leaf, last_peer(d, 0)->e.u.peer.node == 2 ? 3 : 2, 5);
    doctor_let_say(last_peer(d, 0), &leaf);
}

/* Of this node: a peer was shown another log than the one in the book. */
static void seen_fork_of_this_node(struct doctor *d)
{
    struct mr_leaf leaf;
    seen(d, &leaf, d->node, 5);
    doctor_let_say(last_peer(d, 0), &leaf);
}

/* It signed more than the book has, and goes on. */
static void memory_lost(struct doctor *d)
{
    const struct doc_slot s = paid(d);
    struct mr_leaf leaf;
    struct doc_row *row;
    seen(d, &leaf, d->node, 5000);
    doctor_said(d, &s, 0, MR_LEAF_VOTE, &row);
    doctor_let_say(row, &leaf);
}

static void seen_not_signed(struct doctor *d)
{
    struct mr_leaf leaf;
    seen(d, &leaf, 2, 5);
    handlog_root(d->logs[0][1], leaf.u.seen.head.root, 0);
    own_leaf(d, &leaf);
}

static void seen_itself(struct doctor *d)
{
    struct mr_leaf leaf;
    seen(d, &leaf, d->node, 5);
    own_leaf(d, &leaf);
}

/* --- evidence --------------------------------------------------------------------------------- */

/* Of a log that node 4 keeps beside its own. */
static struct doc_row *evidence(struct doctor *d, uint8_t second)
{
    static struct handlog l;
    static const uint8_t account[16] = {42};
    struct doc_row *const r = doctor_append(d);
    struct mr_evidence *const e = &r->e.u.evidence;
    struct mr_head head;
    r->e.kind = MR_ENTRY_EVIDENCE;
    e->version = 1;
    e->body.kind = MR_EVIDENCE_LEAVES;
    memcpy(e->ledger, d->r->w.ledger, 32);
    handlog_init(&l, d->r->w.ledger, 4, &d->r->nodes[3].log_key);
    handlog_start(&l);
    handlog_vote(&l, account, 1, 0, 1);
    handlog_vote(&l, account, 1, 0, second);
    handlog_head(&l, &head, 3, 1);
    handlog_prove(&l, &e->body.u.leaves.first, 1, &head);
    handlog_prove(&l, &e->body.u.leaves.second, 2, &head);
    return r;
}

static void evidence_that_convicts(struct doctor *d)
{
    evidence(d, 2);
}

static void evidence_of_nothing(struct doctor *d)
{
    evidence(d, 1);
}

static void evidence_that_is_not_there(struct doctor *d)
{
    const struct mr_leaf leaf = {.kind = MR_LEAF_EVIDENCE, .u.evidence = {.node = 4}};
    own_leaf(d, &leaf);
}

static void evidence_of_another_ledger(struct doctor *d)
{
    evidence(d, 2)->e.u.evidence.ledger[0] ^= 1;
}

static void evidence_of_no_version(struct doctor *d)
{
    evidence(d, 2)->e.u.evidence.version = 0;
}

static void evidence_not_signed(struct doctor *d)
{
    evidence(d, 2)->e.u.evidence.body.u.leaves.first.head.sig[0] ^= 1;
}

/* Leaves that were shown one by one, of which one is not in the log that its head signs. */
static void shown_leaf_of_no_log(struct doctor *d)
{
    struct doc_row *const r = evidence(d, 1);
    struct mr_proof p = r->e.u.evidence.body.u.leaves.first;
    p.leaf.u.vote.ballot++;
    r->e.kind = MR_ENTRY_SHOWN;
    r->e.u.shown.proofs_count = 1;
    r->e.u.shown.proofs[0] = p;
}

const struct league_lie lies_of_league[] = {
    {"ack of too few votes", ack_of_too_few_votes, "SLOT-4", MR_CHECK_FAILED, false},
    {"another certificate", another_certificate, "SLOT-6", MR_CHECK_FAILED, false},
    {"two votes", two_votes, "SLOT-3", MR_SLOT_TAKEN, false},
    {"vote for a place ahead", vote_for_a_place_ahead, "SLOT-2", MR_SEQ_AHEAD, false},
    {"vote without the order", vote_without_the_order, "SLOT-2", MR_CHECK_FAILED, false},
    {"vote without money", vote_without_money, "LED-20", MR_FUNDS_SHORT, false},
    {"vote without reports", vote_without_reports, "SLOT-9", MR_CHECK_FAILED, false},
    {"unlock without a trigger", unlock_without_a_trigger, "SLOT-8", MR_CHECK_FAILED, false},
    {"trigger before its time", trigger_before_its_time, "SLOT-8", MR_CHECK_FAILED, false},
    {"trigger that is not there", trigger_that_is_not_there, "SLOT-8", MR_CHECK_FAILED, false},
    {"unlock that hides", unlock_that_hides, "SLOT-7", MR_CHECK_FAILED, false},
    {"two acks only", two_acks_only, "SLOT-5", MR_CHECK_FAILED, false},
    {"one ack twice", one_ack_twice, "SLOT-5", MR_CHECK_FAILED, false},
    {"ack of another leaf", ack_of_another_leaf, "INV-5", MR_CHECK_FAILED, false},
    {"ack of a stranger", ack_of_a_stranger, "INV-5", MR_CHECK_FAILED, false},
    {"ack with another certificate", ack_with_another_certificate, "INV-5", MR_CHECK_FAILED, false},
    {"another ballot", another_ballot, "INV-5", MR_CHECK_FAILED, false},
    {"another value", another_value, "INV-5", MR_CHECK_FAILED, false},
    {"another slot", another_slot, "INV-5", MR_CHECK_FAILED, false},
    {"settled too early", settled_too_early, "INV-5", MR_CHECK_FAILED, false},
    {"settlement missing", settlement_missing, "SLOT-2", MR_SEQ_AHEAD, false},
    {"peer: leaf changed", leaf_changed, "LOG-1", MR_BAD_PROOF, false},
    {"peer: start of another ledger", start_of_another_ledger, "LOG-2", MR_WRONG_LEDGER, false},
    {"peer: leaves left out", leaves_left_out, "JNL-10", MR_CHECK_FAILED, false},
    {"peer: leaves twice", leaves_twice, "JNL-10", MR_CHECK_FAILED, false},
    {"peer: its own log", its_own_log, "JNL-10", MR_WRONG_NODE, false},
    {"peer: head not signed", head_not_signed, "LOG-5", MR_BAD_SIGNATURE, false},
    {"peer: head that shrinks", head_that_shrinks, "LOG-4", MR_BAD_HEAD, false},
    {"peer: head of another epoch", head_of_another_epoch, "LOG-5", MR_BAD_HEAD, false},
    {"peer: head of another tree", head_of_another_tree, "LOG-1", MR_BAD_PROOF, false},
    {"peer votes twice", peer_votes_twice, "EVD-4", MR_CHECK_FAILED, true},
    {"peer acknowledges twice", peer_acknowledges_twice, "EVD-4", MR_CHECK_FAILED, true},
    {"peer votes late", peer_votes_late, "EVD-4", MR_CHECK_FAILED, true},
    {"peer acknowledges late", peer_acknowledges_late, "EVD-4", MR_CHECK_FAILED, true},
    {"peer reports falsely", peer_reports_falsely, "EVD-4", MR_CHECK_FAILED, true},
    {"peer starts again", peer_starts_again, "EVD-4", MR_CHECK_FAILED, true},
    {"seen: a fork", seen_fork, "EVD-3", MR_FORKED, true},
    {"seen: a fork, by a peer", seen_fork_by_a_peer, "EVD-3", MR_FORKED, true},
    {"seen: a fork of this node", seen_fork_of_this_node, "EVD-3", MR_FORKED, true},
    {"seen: more than it has", memory_lost, "JNL-9", MR_ABSTAINING, false},
    {"seen: not signed", seen_not_signed, "LOG-5", MR_BAD_SIGNATURE, false},
    {"seen: itself", seen_itself, "LOG-5", MR_BAD_HEAD, false},
    {"evidence that convicts", evidence_that_convicts, "EVD-4", MR_CHECK_FAILED, true},
    {"evidence of another ledger", evidence_of_another_ledger, "EVD-2", MR_WRONG_LEDGER, false},
    {"evidence of no version", evidence_of_no_version, "EVD-2", MR_BAD_EVIDENCE, false},
    {"evidence that is not signed", evidence_not_signed, "EVD-2", MR_BAD_SIGNATURE, false},
    {"shown leaf of no log", shown_leaf_of_no_log, "SLOT-14", MR_BAD_PROOF, false},
    {"evidence of nothing", evidence_of_nothing, "EVD-4", MR_BAD_EVIDENCE, false},
    {"evidence that is not there", evidence_that_is_not_there, "EVD-7", MR_CHECK_FAILED, false},
    {"ack below the promise", ack_below_the_promise, "SLOT-7", MR_CHECK_FAILED, false},
    {NULL, NULL, NULL, MR_OK, false},
};
