/* Lies of the node itself: leaves, certificates, heads, settlements, frames. */
#include <check.h>
#include <string.h>

#include "audit/lies.h"

static struct settled_rows last_pay(struct tamper *t)
{
    return tamper_find(t, MR_KIND_PAY, t->w->members[BEN].id, 3);
}

/* --- leaves ----------------------------------------------------------------------------------- */

static void vote_missing(struct tamper *t)
{
    last_pay(t).vote->dropped = true;
}

static void flip_value(struct row *r)
{
    r->u.e.u.leaf.u.vote.value[0] ^= 1;
}

static void two_votes(struct tamper *t)
{
    struct settled_rows s = last_pay(t);
    struct row *const r = tamper_insert(s.turn, s.vote, 1);
    r->u.e = s.vote->u.e;
    r->before = flip_value;
}

static void same_vote_twice(struct tamper *t)
{
    struct settled_rows s = last_pay(t);
    struct row *const r = tamper_insert(s.turn, s.vote, 1);
    r->u.e = s.vote->u.e;
}

static void vote_for_another(struct tamper *t)
{
    last_pay(t).vote->before = flip_value;
}

static void vote_after_the_settlement(struct tamper *t)
{
    struct settled_rows s = last_pay(t);
    struct row *const r = tamper_insert(s.turn, s.settled, 1);
    r->u.e = s.vote->u.e;
}

static void ack_missing(struct tamper *t)
{
    last_pay(t).ack->dropped = true;
}

static void ack_before_vote(struct tamper *t)
{
    struct settled_rows s = last_pay(t);
    uint32_t i = 0;
    while (s.turn->entries[i] != s.vote)
        i++;
    s.turn->entries[i] = s.ack;
    s.turn->entries[i + 1] = s.vote;
}

static void two_acks(struct tamper *t)
{
    last_pay(t).ack->copies = 1;
}

static void flip_certificate(struct row *r)
{
    r->u.e.u.leaf.u.ack.certificate[5] ^= 1;
}

static void wrong_certificate(struct tamper *t)
{
    last_pay(t).ack->before = flip_certificate;
}

static void ballot_without_unlock(struct tamper *t)
{
    struct settled_rows s = last_pay(t);
    s.vote->u.e.u.leaf.u.vote.ballot = 1;
    s.ack->u.e.u.leaf.u.ack.ballot = 1;
    s.settled->u.e.u.settled.ballot = 1;
}

static void vote_without_order(struct tamper *t)
{
    struct settled_rows s = last_pay(t);
    struct row *const r = tamper_insert(s.turn, s.settled, 1);
    r->u.e = s.vote->u.e;
    r->u.e.u.leaf.u.vote.seq++;
}

static struct row *start_of(struct tamper *t)
{
    struct tamper_turn *turn;
    return tamper_entry(t, MR_ENTRY_LEAF, 0, &turn);
}

static void start_of_another_ledger(struct tamper *t)
{
    start_of(t)->u.e.u.leaf.u.start.ledger[0] ^= 1;
}

static void start_again(struct tamper *t)
{
    struct settled_rows s = last_pay(t);
    struct row *const r = tamper_insert(s.turn, s.settled, 1);
    r->u.e = start_of(t)->u.e;
}

/* --- void slots ------------------------------------------------------------------------------- */

static struct settled_rows voided(struct tamper *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        struct settled_rows s = {.turn = &t->turns[i]};
        for (uint32_t k = 0; k < s.turn->entries_count; k++) {
            struct row *const r = s.turn->entries[k];
            if (r->u.e.kind == MR_ENTRY_LEAF && r->u.e.u.leaf.kind == MR_LEAF_UNLOCK)
                s.vote = r;
            if (r->u.e.kind == MR_ENTRY_SETTLED && r->u.e.u.settled.voided) {
                s.settled = r;
                return s;
            }
        }
    }
    return (struct settled_rows){NULL, NULL, NULL, NULL, NULL};
}

static void void_without_cancel(struct tamper *t)
{
    struct tamper_turn *const turn = voided(t).turn;
    for (uint32_t i = 0; i < turn->bodies_count; i++) {
        if (turn->bodies[i]->u.b.kind != MR_BODY_CANCEL)
            continue;
        turn->bodies[i]->u.b.u.cancel.cancel.seq += 10; /* somebody else's */
    }
}

static void cancel_not_signed(struct tamper *t)
{
    struct tamper_turn *const turn = voided(t).turn;
    for (uint32_t i = 0; i < turn->bodies_count; i++) {
        if (turn->bodies[i]->u.b.kind == MR_BODY_CANCEL)
            turn->bodies[i]->u.b.u.cancel.sigs[0].sig[0] ^= 1;
    }
}

static struct row *trigger(struct tamper *t)
{
    struct tamper_turn *turn;
    return tamper_entry(t, MR_ENTRY_TRIGGER, 0, &turn);
}

static void trigger_missing(struct tamper *t)
{
    trigger(t)->dropped = true;
}

static void trigger_of_nothing(struct tamper *t)
{
    struct mr_entry_trigger *const e = &trigger(t)->u.e.u.trigger;
    uint8_t text[28] = {0, 0, 0, MR_TRIGGER_FROZEN};
    e->kind = MR_TRIGGER_FROZEN;
    memcpy(text + 4, e->account, 16);
    text[27] = (uint8_t)e->seq;
    mr_hash(e->hash, "mereau/trigger", text, sizeof text, NULL, 0);
}

static void flip_trigger(struct row *r)
{
    r->u.e.u.leaf.u.unlock.trigger[4] ^= 1;
}

static void another_trigger(struct tamper *t)
{
    voided(t).vote->before = flip_trigger;
}

static void void_with_postings(struct tamper *t)
{
    struct mr_entry_settled *const s = &voided(t).settled->u.e.u.settled;
    s->postings_count = 1;
    memcpy(s->postings[0].account, t->w->members[ANNA].id, 16);
    s->postings[0].delta = 100;
}

static void void_that_is_called_settled(struct tamper *t)
{
    struct row *const r = voided(t).settled;
    r->u.e.u.settled.voided = false;
    r->u.e.u.settled.body_at = t->turns[1].bodies[0]->old_at;
}

static void promise_of_a_certificate(struct tamper *t)
{
    voided(t).vote->u.e.u.leaf.u.unlock.cert_ballot = 0;
}

/* --- settlements ------------------------------------------------------------------------------ */

static void settlement_missing(struct tamper *t)
{
    last_pay(t).settled->dropped = true;
}

static void settled_twice(struct tamper *t)
{
    last_pay(t).settled->copies = 1;
}

static void flip_settled(struct row *r)
{
    r->u.e.u.settled.value[3] ^= 1;
}

static void settlement_of_another_value(struct tamper *t)
{
    last_pay(t).settled->before = flip_settled;
}

static void next_place(struct row *r)
{
    r->u.e.u.settled.seq++;
}

static void settlement_of_another_slot(struct tamper *t)
{
    last_pay(t).settled->before = next_place;
}

static void next_index(struct row *r)
{
    r->u.e.u.settled.acks[0].index++;
}

static void settlement_with_another_ack(struct tamper *t)
{
    last_pay(t).settled->before = next_index;
}

static void next_ballot(struct row *r)
{
    r->u.e.u.settled.ballot = 2;
}

static void settlement_in_another_ballot(struct tamper *t)
{
    last_pay(t).settled->before = next_ballot;
}

static void wrong_place(struct row *r)
{
    r->u.e.u.settled.body_at += 4;
}

static void body_not_there(struct tamper *t)
{
    last_pay(t).settled->before = wrong_place;
}

static void change_amount(struct row *r)
{
    r->u.b.u.order.order.body.u.pay.lines[0].amount++;
}

static void body_changed_behind(struct tamper *t)
{
    last_pay(t).order->after = change_amount;
}

static void memo_of_another_order(struct tamper *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        for (uint32_t k = 0; k < t->turns[i].bodies_count; k++)
            if (t->turns[i].bodies[k]->u.b.kind == MR_BODY_MEMO)
                t->turns[i].bodies[k]->u.b.u.memo.order[0] ^= 1;
}

static void parked_as_another(struct tamper *t)
{
    struct tamper_turn *turn;
    tamper_entry(t, MR_ENTRY_PARKED, 0, &turn)->u.e.u.parked.order[0] ^= 1;
}

/* --- heads ------------------------------------------------------------------------------------ */

static struct row *head(struct tamper *t, uint32_t nth)
{
    struct tamper_turn *turn;
    return tamper_entry(t, MR_ENTRY_HEAD, nth, &turn);
}

static void flip_root(struct row *r)
{
    r->u.e.u.head.root[0] ^= 1;
}

static void head_root(struct tamper *t)
{
    head(t, 9)->before = flip_root;
}

static void flip_head_signature(struct row *r)
{
    r->u.e.u.head.sig[0] ^= 1;
}

static void head_signature(struct tamper *t)
{
    head(t, 9)->after = flip_head_signature;
}

static void hour_back(struct row *r)
{
    r->u.e.u.head.time_ms -= 3600000;
}

static void head_time(struct tamper *t)
{
    head(t, 9)->before = hour_back;
}

static void one_leaf_more(struct row *r)
{
    r->u.e.u.head.size += 1000;
}

static void head_over_leaves_not_there(struct tamper *t)
{
    head(t, 9)->before = one_leaf_more;
}

/* Head and leaf change places: it is signed over what its own turn says. */
static void head_over_unsynced_leaves(struct tamper *t)
{
    struct tamper_turn *turn;
    struct row *const h = tamper_entry(t, MR_ENTRY_HEAD, 9, &turn);
    h->u.e.u.head.size = turn[-1].old_size;
    struct row *const r = tamper_insert(&turn[-1], turn[-1].entries[turn[-1].entries_count - 1], 1);
    r->u.e = h->u.e;
    h->dropped = true;
}

static void other_node(struct row *r)
{
    r->u.e.u.head.node = 2;
}

static void head_of_another_node(struct tamper *t)
{
    head(t, 9)->before = other_node;
}

static void head_that_shrinks(struct tamper *t)
{
    struct row *const h = head(t, 9);
    h->u.e.u.head.size = head(t, 5)->u.e.u.head.size;
}

/* --- frames ----------------------------------------------------------------------------------- */

static void flip_byte_of_log(struct row *r)
{
    (void)r;
    tamper_log_frame[64] ^= 1; /* of the check itself */
}

static struct tamper_turn *turn_of_last_pay(struct tamper *t)
{
    return last_pay(t).turn;
}

static void log_check(struct tamper *t)
{
    t->turns[t->count - 1].frame = flip_byte_of_log;
}

static void flip_byte_of_bodies(struct row *r)
{
    (void)r;
    tamper_bodies_frame[60] ^= 1;
}

static void bodies_check(struct tamper *t)
{
    turn_of_last_pay(t)->frame = flip_byte_of_bodies;
}

static void no_padding(struct row *r)
{
    (void)r;
    tamper_log_frame[0] = 'X';
}

static void log_magic(struct tamper *t)
{
    t->turns[t->count - 1].frame = no_padding;
}

/* The header once more, with a check that is right. */
static void write_header(uint64_t more_turns)
{
    struct mr_frame f;
    ck_assert_int_eq(mr_frame_read(&f, tamper_log_frame, tamper_log_len, NULL), MR_OK);
    f.turn += more_turns;
    mr_frame_write(tamper_log_frame, &f, tamper_check_before);
}

static void count_one_more(struct row *r)
{
    (void)r;
    write_header(1);
}

static void turn_number(struct tamper *t)
{
    t->turns[t->count - 1].frame = count_one_more;
}

static void unknown_entry(struct row *r)
{
    (void)r;
    tamper_log_frame[MR_FRAME_HEAD_BYTES] = 0x55;
    write_header(0);
}

static void entry_of_no_kind(struct tamper *t)
{
    t->turns[t->count - 1].frame = unknown_entry;
}

const struct lie lies_of_log[] = {
    {"vote missing", vote_missing, "SLOT-4", MR_CHECK_FAILED},
    {"two votes", two_votes, "SLOT-3", MR_SLOT_TAKEN},
    {"same vote twice", same_vote_twice, "SLOT-3", MR_SLOT_TAKEN},
    {"vote for another", vote_for_another, "SLOT-4", MR_CHECK_FAILED},
    {"vote after the settlement", vote_after_the_settlement, "SLOT-3", MR_SEQ_OLD},
    {"ack missing", ack_missing, "SLOT-5", MR_CHECK_FAILED},
    {"ack before vote", ack_before_vote, "SLOT-4", MR_CHECK_FAILED},
    {"two acks", two_acks, "SLOT-4", MR_SLOT_TAKEN},
    {"wrong certificate", wrong_certificate, "SLOT-6", MR_CHECK_FAILED},
    {"ballot without unlock", ballot_without_unlock, "SLOT-7", MR_CHECK_FAILED},
    {"vote without order", vote_without_order, "SLOT-4", MR_CHECK_FAILED},
    {"start of another ledger", start_of_another_ledger, "LOG-2", MR_WRONG_LEDGER},
    {"start again", start_again, "LOG-2", MR_CHECK_FAILED},
    {"void without cancel", void_without_cancel, "SLOT-8", MR_CHECK_FAILED},
    {"cancel not signed", cancel_not_signed, "LED-10", MR_BAD_SIGNATURE},
    {"trigger missing", trigger_missing, "SLOT-8", MR_CHECK_FAILED},
    {"trigger of nothing", trigger_of_nothing, "SLOT-8", MR_CHECK_FAILED},
    {"another trigger", another_trigger, "SLOT-8", MR_CHECK_FAILED},
    {"void with postings", void_with_postings, "SLOT-5", MR_CHECK_FAILED},
    {"void that is called settled", void_that_is_called_settled, "SLOT-1", MR_CHECK_FAILED},
    {"promise of a certificate", promise_of_a_certificate, "SLOT-7", MR_CHECK_FAILED},
    {"settlement missing", settlement_missing, "SLOT-5", MR_UNSETTLED},
    {"settled twice", settled_twice, "INV-4", MR_SEQ_OLD},
    {"settlement of another value", settlement_of_another_value, "INV-5", MR_CHECK_FAILED},
    {"settlement of another slot", settlement_of_another_slot, "INV-5", MR_CHECK_FAILED},
    {"settlement with another ack", settlement_with_another_ack, "INV-5", MR_CHECK_FAILED},
    {"settlement in another ballot", settlement_in_another_ballot, "INV-5", MR_CHECK_FAILED},
    {"body not there", body_not_there, "JNL-5", MR_CHECK_FAILED},
    {"body changed behind", body_changed_behind, "ENC-10", MR_CHECK_FAILED},
    {"memo of another order", memo_of_another_order, "ENC-11", MR_CHECK_FAILED},
    {"parked as another", parked_as_another, "ENC-10", MR_CHECK_FAILED},
    {"head: root", head_root, "LOG-1", MR_BAD_HEAD},
    {"head: signature", head_signature, "LOG-5", MR_BAD_SIGNATURE},
    {"head: time", head_time, "LOG-4", MR_BAD_HEAD},
    {"head: leaves not there", head_over_leaves_not_there, "LOG-4", MR_BAD_HEAD},
    {"head: unsynced leaves", head_over_unsynced_leaves, "LOG-4", MR_BAD_HEAD},
    {"head: another node", head_of_another_node, "LOG-5", MR_BAD_HEAD},
    {"head: shrinks", head_that_shrinks, "LOG-4", MR_BAD_HEAD},
    {"frame: check", log_check, "JNL-4", MR_DAMAGED},
    {"frame: check of the bodies", bodies_check, "JNL-4", MR_DAMAGED},
    {"frame: magic", log_magic, "JNL-2", MR_DAMAGED},
    {"frame: number of the turn", turn_number, "JNL-3", MR_DAMAGED},
    {"entry of no kind", entry_of_no_kind, "ENC-2", MR_UNKNOWN_TAG},
    {NULL, NULL, NULL, MR_OK},
};
