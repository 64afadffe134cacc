/* One slot: what is heard, what contradicts, what is due, what is forgotten first. */
#include <check.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/codec.h"
#include "mereau/sign.h"
#include "slot/slot.h"

enum { NODES = 4, QUORUM = 3, ROOM_MAX = 4096, NONE = MR_BALLOT_NONE };

static const uint8_t ACCOUNT[16] = "the chain's own";
static const uint64_t SEQ = 9;

static struct mri_slot s;
static alignas(8) uint8_t room[ROOM_MAX];
static struct mri_clash clash;
static uint8_t text[32];

static void set_up(void)
{
    ck_assert_uint_le(mri_slot_room(NODES), sizeof room);
    memset(room, 0xee, sizeof room);
    memset(&s, 0xee, sizeof s);
    mri_slot_init(&s, room, NODES, QUORUM, ACCOUNT, SEQ, 1234);
}

/* A value by a letter; good until the next one. */
static const uint8_t *value(char letter)
{
    memset(text, letter, sizeof text);
    return text;
}

static void write_vote(struct mr_leaf *ret, uint32_t ballot, char letter)
{
    *ret = (struct mr_leaf){.kind = MR_LEAF_VOTE};
    memcpy(ret->u.vote.account, ACCOUNT, 16);
    ret->u.vote.seq = SEQ;
    ret->u.vote.ballot = ballot;
    memcpy(ret->u.vote.value, value(letter), 32);
}

static void write_ack(struct mr_leaf *ret, uint32_t ballot, char letter)
{
    *ret = (struct mr_leaf){.kind = MR_LEAF_ACK};
    memcpy(ret->u.ack.account, ACCOUNT, 16);
    ret->u.ack.seq = SEQ;
    ret->u.ack.ballot = ballot;
    memcpy(ret->u.ack.value, value(letter), 32);
    memset(ret->u.ack.certificate, 0xc0 + (int)ballot, 32);
}

static void write_unlock(struct mr_leaf *ret, uint32_t ballot, uint32_t cert, char letter)
{
    *ret = (struct mr_leaf){.kind = MR_LEAF_UNLOCK};
    memcpy(ret->u.unlock.account, ACCOUNT, 16);
    ret->u.unlock.seq = SEQ;
    ret->u.unlock.ballot = ballot;
    ret->u.unlock.cert_ballot = cert;
    if (cert != NONE)
        memcpy(ret->u.unlock.cert_value, value(letter), 32);
    memset(ret->u.unlock.trigger, 0x77, 32);
}

/* Hear a leaf; whether it contradicts. */
static bool hear_vote(uint32_t node, uint64_t index, uint32_t ballot, char letter)
{
    struct mr_leaf leaf;
    write_vote(&leaf, ballot, letter);
    mri_slot_hear(&s, node, index, &leaf, &clash);
    return clash.found;
}

static bool hear_ack(uint32_t node, uint64_t index, uint32_t ballot, char letter)
{
    struct mr_leaf leaf;
    write_ack(&leaf, ballot, letter);
    mri_slot_hear(&s, node, index, &leaf, &clash);
    return clash.found;
}

static bool hear_unlock(uint32_t node, uint64_t index, uint32_t ballot, uint32_t cert, char letter)
{
    struct mr_leaf leaf;
    write_unlock(&leaf, ballot, cert, letter);
    mri_slot_hear(&s, node, index, &leaf, &clash);
    return clash.found;
}

/* Votes of nodes 1 to q for a value. */
static void certify(uint32_t ballot, char letter)
{
    for (uint32_t node = 1; node <= QUORUM; node++)
        ck_assert(!hear_vote(node, 10 * ballot + node, ballot, letter));
}

/* The last clash was with this leaf. */
static void expect_clash(uint64_t first, uint64_t second, const struct mr_leaf *earlier)
{
    uint8_t is[512], must[512];
    ck_assert(clash.found);
    ck_assert_uint_eq(clash.first, first);
    ck_assert_uint_eq(clash.second, second);
    const size_t n = mr_leaf_encode(earlier, must, sizeof must);
    ck_assert_uint_eq(mr_leaf_encode(&clash.earlier, is, sizeof is), n);
    ck_assert_mem_eq(is, must, n);
}

START_TEST(a_new_slot_knows_nothing)
{
    struct mr_certified c;
    uint8_t forced[32];
    ck_assert_mem_eq(s.account, ACCOUNT, 16);
    ck_assert_uint_eq(s.seq, SEQ);
    ck_assert_uint_eq(s.since_ms, 1234);
    ck_assert_uint_eq(s.cert_ballot, NONE);
    ck_assert(!mri_slot_ack_due(&s, &c));
    ck_assert(!mri_slot_settles(&s, &c));
    ck_assert(!mri_slot_forced(&s, 1, forced));
    ck_assert_uint_eq(mri_slot_reports(&s, 1), 0);
    ck_assert_ptr_null(mri_slot_vote_of(&s, 1, 0));
    ck_assert_ptr_null(mri_slot_order(&s, value('a')));
}
END_TEST

/* Votes, acknowledgements and reports of all nodes lie side by side. */
START_TEST(the_room_holds_what_all_nodes_say)
{
    for (uint32_t node = 1; node <= NODES; node++) {
        for (uint32_t b = 0; b < MRI_VOTES_A_NODE; b++)
            hear_vote(node, b, b, (char)('a' + node));
        for (uint32_t b = 0; b < MRI_ACKS_A_NODE; b++)
            hear_ack(node, 10 + b, b, (char)('a' + node));
        hear_unlock(node, 20, 5, 1, (char)('a' + node));
    }
    ck_assert_uint_eq(s.votes_count, NODES * MRI_VOTES_A_NODE);
    ck_assert_uint_eq(s.acks_count, NODES * MRI_ACKS_A_NODE);
    ck_assert_uint_eq(s.reports_count, NODES);
    for (uint32_t node = 1; node <= NODES; node++)
        for (uint32_t b = 0; b < MRI_VOTES_A_NODE; b++) {
            const struct mr_said_vote *const v = mri_slot_vote_of(&s, node, b);
            ck_assert_ptr_nonnull(v);
            ck_assert_mem_eq(v->value, value((char)('a' + node)), 32);
            ck_assert_uint_eq(v->index, b);
        }
    const size_t end = mri_slot_room(NODES);
    ck_assert_ptr_eq(s.reports + NODES, room + end);
    for (size_t i = end; i < sizeof room; i++)
        ck_assert_uint_eq(room[i], 0xee);
    mri_slot_forget(&s, 2);
    ck_assert_ptr_null(mri_slot_vote_of(&s, 2, 0));
    ck_assert_ptr_nonnull(mri_slot_vote_of(&s, NODES, MRI_VOTES_A_NODE - 1));
    ck_assert_uint_eq(s.votes_count, (NODES - 1) * MRI_VOTES_A_NODE);
    ck_assert_uint_eq(s.acks_count, (NODES - 1) * MRI_ACKS_A_NODE);
    ck_assert_uint_eq(s.reports_count, NODES - 1);
}
END_TEST

START_TEST(each_node_counts_once)
{
    for (int twice = 0; twice < 2; twice++) {
        ck_assert(!hear_vote(1, 5, 0, 'a'));
        ck_assert(!hear_ack(1, 6, 0, 'a'));
        ck_assert(!hear_unlock(1, 7, 1, 0, 'a'));
    }
    hear_vote(2, 5, 0, 'b');
    hear_vote(3, 5, 1, 'a');
    hear_ack(2, 6, 0, 'b');
    hear_ack(3, 6, 1, 'a');
    hear_unlock(2, 7, 2, NONE, 0);
    ck_assert_uint_eq(mri_slot_votes_for(&s, 0, value('a')), 1);
    ck_assert_uint_eq(mri_slot_votes_for(&s, 0, value('b')), 1);
    ck_assert_uint_eq(mri_slot_votes_for(&s, 1, value('a')), 1);
    ck_assert_uint_eq(mri_slot_votes_for(&s, 1, value('b')), 0);
    ck_assert_uint_eq(mri_slot_acks_for(&s, 0, value('a')), 1);
    ck_assert_uint_eq(mri_slot_acks_for(&s, 0, value('b')), 1);
    ck_assert_uint_eq(mri_slot_acks_for(&s, 1, value('a')), 1);
    ck_assert_uint_eq(mri_slot_acks_for(&s, 1, value('b')), 0);
    ck_assert_uint_eq(mri_slot_reports(&s, 1), 1);
    ck_assert_uint_eq(mri_slot_reports(&s, 2), 1);
}
END_TEST

START_TEST(leaves_of_other_kinds_say_nothing)
{
    struct mr_leaf leaf = {.kind = MR_LEAF_START};
    clash.found = true;
    mri_slot_hear(&s, 1, 0, &leaf, &clash);
    ck_assert(!clash.found);
    ck_assert_uint_eq(s.votes_count + s.acks_count + s.reports_count, 0);
}
END_TEST

/* --- contradictions --------------------------------------------------------------------------- */

START_TEST(two_votes_in_one_ballot_contradict)
{
    struct mr_leaf first;
    write_vote(&first, 1, 'a');
    ck_assert(!hear_vote(2, 5, 1, 'a'));
    ck_assert(!hear_vote(3, 6, 1, 'b')); /* another node */
    ck_assert(!hear_vote(2, 7, 2, 'b')); /* another ballot */
    ck_assert(hear_vote(2, 9, 1, 'b'));
    expect_clash(5, 9, &first);
    ck_assert_mem_eq(mri_slot_vote_of(&s, 2, 1)->value, value('a'), 32); /* the first counts */
    ck_assert_uint_eq(mri_slot_votes_for(&s, 1, value('a')), 1);
    ck_assert_uint_eq(mri_slot_votes_for(&s, 1, value('b')), 1); /* the other node's */
}
END_TEST

START_TEST(two_acks_in_one_ballot_contradict)
{
    struct mr_leaf first;
    write_ack(&first, 1, 'a');
    ck_assert(!hear_ack(2, 5, 1, 'a'));
    ck_assert(!hear_ack(3, 6, 1, 'b'));
    ck_assert(!hear_ack(2, 7, 2, 'b'));
    ck_assert(hear_ack(2, 9, 1, 'b'));
    expect_clash(5, 9, &first);
    ck_assert_uint_eq(mri_slot_acks_for(&s, 1, value('a')), 1);
    ck_assert_uint_eq(mri_slot_acks_for(&s, 1, value('b')), 1);
}
END_TEST

START_TEST(a_promise_forbids_lower_ballots)
{
    struct mr_leaf promise;
    write_unlock(&promise, 3, NONE, 0);
    ck_assert(!hear_unlock(2, 5, 3, NONE, 0));
    ck_assert(!hear_vote(1, 6, 2, 'a')); /* not its promise */
    ck_assert(!hear_vote(2, 7, 3, 'a'));
    ck_assert(!hear_ack(2, 8, 3, 'a'));
    ck_assert(!hear_vote(2, 4, 1, 'a')); /* said before */
    ck_assert(!hear_ack(2, 3, 1, 'a'));
    ck_assert(hear_vote(2, 9, 2, 'a'));
    expect_clash(5, 9, &promise);
    ck_assert(hear_ack(2, 10, 2, 'a'));
    expect_clash(5, 10, &promise);
}
END_TEST

/* What a node acknowledged in ballot 2, and what its UNLOCK of ballot 4 then says of it. */
START_TEST(a_report_hides_nothing)
{
    static const struct {
        uint32_t ballot, cert;
        char letter;
        bool hides;
    } cases[] = {
        {4, 2, 'a', false}, {4, 3, 'b', false}, {2, NONE, 0, false}, {1, NONE, 0, false},
        {4, NONE, 0, true}, {4, 1, 'a', true},  {4, 2, 'b', true},   {3, NONE, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mr_leaf acked;
        set_up();
        write_ack(&acked, 2, 'a');
        ck_assert(!hear_ack(2, 5, 2, 'a'));
        ck_assert(!hear_unlock(1, 9, 4, NONE, 0));
        ck_assert_int_eq(hear_unlock(2, 9, cases[i].ballot, cases[i].cert, cases[i].letter),
                         cases[i].hides);
        if (cases[i].hides)
            expect_clash(5, 9, &acked);
    }
    set_up();
    ck_assert(!hear_ack(2, 5, 2, 'a'));
    ck_assert(!hear_unlock(2, 4, 4, NONE, 0)); /* said before the ACK */
}
END_TEST

/* --- own votes -------------------------------------------------------------------------------- */

START_TEST(one_vote_in_a_ballot)
{
    ck_assert(mri_slot_may_vote(&s, 0, value('a')));
    mri_slot_vote(&s, 0, value('a'));
    ck_assert(mri_slot_may_vote(&s, 0, value('a')));
    ck_assert(!mri_slot_may_vote(&s, 0, value('b')));
    ck_assert(mri_slot_may_vote(&s, 2, value('b')));
    mri_slot_vote(&s, 2, value('b'));
    ck_assert_uint_eq(s.promised, 2);
    ck_assert(!mri_slot_may_vote(&s, 2, value('a')));
    ck_assert(!mri_slot_may_vote(&s, 1, value('b')));
    ck_assert(!mri_slot_may_vote(&s, 0, value('a')));
}
END_TEST

START_TEST(a_promise_rises)
{
    mri_slot_vote(&s, 0, value('a'));
    ck_assert(!mri_slot_promise(&s, 0));
    ck_assert(s.voted);
    ck_assert(mri_slot_promise(&s, 3));
    ck_assert(!s.voted);
    ck_assert(!mri_slot_promise(&s, 3));
    ck_assert(!mri_slot_promise(&s, 2));
    ck_assert_uint_eq(s.promised, 3);
    ck_assert(!mri_slot_may_vote(&s, 2, value('a')));
    ck_assert(mri_slot_may_vote(&s, 3, value('b')));
}
END_TEST

/* --- certificates ----------------------------------------------------------------------------- */

START_TEST(q_votes_make_an_ack_due)
{
    struct mr_certified c;
    hear_vote(1, 1, 0, 'a');
    hear_vote(2, 1, 0, 'a');
    hear_vote(3, 1, 0, 'b');
    hear_vote(3, 2, 1, 'a');
    ck_assert(!mri_slot_ack_due(&s, &c));
    hear_vote(4, 1, 0, 'a');
    ck_assert(mri_slot_ack_due(&s, &c));
    ck_assert_uint_eq(c.ballot, 0);
    ck_assert_mem_eq(c.value, value('a'), 32);
    mri_slot_ack(&s, &c);
    ck_assert_uint_eq(s.cert_ballot, 0);
    ck_assert_mem_eq(s.cert_value, value('a'), 32);
    ck_assert(!mri_slot_ack_due(&s, &c)); /* it was taken */
}
END_TEST

START_TEST(an_ack_is_due_for_the_highest_not_below_the_promise)
{
    struct mr_certified c;
    certify(1, 'a');
    certify(2, 'b');
    certify(0, 'c');
    ck_assert(mri_slot_ack_due(&s, &c));
    ck_assert_uint_eq(c.ballot, 2);
    ck_assert(mri_slot_promise(&s, 2));
    ck_assert(mri_slot_ack_due(&s, &c)); /* of the ballot promised */
    ck_assert(mri_slot_promise(&s, 3));
    ck_assert(!mri_slot_ack_due(&s, &c));
}
END_TEST

START_TEST(an_ack_promises_its_ballot)
{
    struct mr_certified c = {.ballot = 0};
    mri_slot_vote(&s, 0, value('b'));
    memcpy(c.value, value('a'), 32);
    mri_slot_ack(&s, &c);
    ck_assert(s.voted); /* of the same ballot, so it stands */
    c.ballot = 2;
    mri_slot_ack(&s, &c);
    ck_assert_uint_eq(s.promised, 2);
    ck_assert(!s.voted);
    ck_assert(!mri_slot_may_vote(&s, 1, value('a')));
    ck_assert(!mri_slot_promise(&s, 2));
}
END_TEST

/* SLOT-6, written down once more. */
START_TEST(a_certificate_names_its_votes)
{
    static const uint8_t names[36] = {
        0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, /* node 1, leaf 7 */
        0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, /* node 2 */
        0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 1, 0, /* node 4, leaf 256 */
    };
    struct mr_certified c = {.ballot = 1};
    uint8_t must[32], is[32];
    memcpy(c.value, value('a'), 32);
    hear_vote(4, 256, 1, 'a');
    hear_vote(2, UINT64_C(0x0102030405060708), 1, 'a');
    hear_vote(3, 9, 1, 'b');
    hear_vote(3, 8, 0, 'a');
    hear_vote(1, 7, 1, 'a');
    mr_hash(must, "mereau/certificate", names, sizeof names, NULL, 0);
    mri_slot_certificate(is, &s, &c);
    ck_assert_mem_eq(is, must, 32);
}
END_TEST

/* --- settling --------------------------------------------------------------------------------- */

START_TEST(q_acks_settle)
{
    struct mr_certified c;
    hear_ack(1, 1, 0, 'a');
    hear_ack(2, 1, 0, 'a');
    hear_ack(3, 1, 0, 'b');
    hear_ack(3, 2, 1, 'a');
    ck_assert(!mri_slot_settles(&s, &c));
    hear_ack(4, 1, 0, 'a');
    ck_assert(mri_slot_settles(&s, &c));
    ck_assert_uint_eq(c.ballot, 0);
    ck_assert_mem_eq(c.value, value('a'), 32);
}
END_TEST

START_TEST(a_settlement_names_q_acks_and_its_own)
{
    static const struct {
        uint32_t own, nodes[QUORUM];
    } cases[] = {{1, {1, 2, 3}}, {2, {1, 2, 3}}, {3, {1, 2, 3}}, {4, {1, 2, 4}}, {0, {1, 2, 3}}};
    struct mr_certified c = {.ballot = 1};
    struct mr_ack_ref acks[QUORUM];
    memcpy(c.value, value('a'), 32);
    for (uint32_t node = NODES; node > 0; node--)
        hear_ack(node, 100 + node, 1, 'a');
    hear_ack(4, 90, 0, 'b');
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_uint_eq(mri_slot_acks(&s, acks, &c, cases[i].own), QUORUM);
        for (uint32_t k = 0; k < QUORUM; k++) {
            ck_assert_uint_eq(acks[k].node, cases[i].nodes[k]);
            ck_assert_uint_eq(acks[k].index, 100 + cases[i].nodes[k]);
            ck_assert_uint_eq(acks[k].certificate[0], 0xc1);
        }
    }
}
END_TEST

/* Its own that is of another value does not take a place. */
START_TEST(a_settlement_goes_without_its_own)
{
    struct mr_certified c = {.ballot = 1};
    struct mr_ack_ref acks[QUORUM];
    memcpy(c.value, value('a'), 32);
    for (uint32_t node = 1; node <= QUORUM; node++)
        hear_ack(node, node, 1, 'a');
    hear_ack(4, 4, 1, 'b');
    ck_assert_uint_eq(mri_slot_acks(&s, acks, &c, 4), QUORUM);
    ck_assert_uint_eq(acks[QUORUM - 1].node, QUORUM);
}
END_TEST

/* --- ballots above 0 -------------------------------------------------------------------------- */

static void expect_justified(uint32_t ballot, char letter, bool justified, bool is_free)
{
    bool free = !is_free;
    ck_assert_int_eq(mri_slot_justified(&s, ballot, value(letter), &free), justified);
    ck_assert_int_eq(free, is_free);
}

START_TEST(q_reports_of_nothing_free_the_ballot)
{
    uint8_t forced[32];
    hear_unlock(1, 1, 2, NONE, 0);
    hear_unlock(2, 1, 2, NONE, 0);
    hear_unlock(3, 1, 1, NONE, 0); /* of another ballot */
    expect_justified(2, 'a', false, false);
    hear_unlock(3, 2, 2, NONE, 0);
    ck_assert_uint_eq(mri_slot_reports(&s, 2), 3);
    ck_assert_uint_eq(mri_slot_reports(&s, 1), 0); /* of a node its highest */
    expect_justified(2, 'a', true, true);
    expect_justified(1, 'a', false, false);
    ck_assert(!mri_slot_forced(&s, 2, forced));
}
END_TEST

START_TEST(the_highest_certificate_forces_its_value)
{
    uint8_t forced[32];
    certify(0, 'a');
    certify(1, 'b');
    hear_unlock(1, 20, 2, 0, 'a');
    hear_unlock(2, 20, 2, 1, 'b');
    ck_assert(!mri_slot_forced(&s, 2, forced));
    expect_justified(2, 'b', false, false);
    hear_unlock(3, 20, 2, NONE, 0);
    ck_assert(mri_slot_forced(&s, 2, forced));
    ck_assert_mem_eq(forced, value('b'), 32);
    expect_justified(2, 'b', true, false);
    expect_justified(2, 'a', false, false);
    expect_justified(2, 'c', false, false);
}
END_TEST

/* Of n reports some q may justify what others do not. */
START_TEST(any_q_reports_justify)
{
    uint8_t forced[32];
    certify(0, 'a');
    hear_unlock(1, 20, 2, NONE, 0);
    hear_unlock(2, 20, 2, NONE, 0);
    hear_unlock(3, 20, 2, NONE, 0);
    hear_unlock(4, 20, 2, 0, 'a');
    expect_justified(2, 'a', true, false);
    expect_justified(2, 'b', true, true);
    ck_assert(mri_slot_forced(&s, 2, forced)); /* the leader is careful */
    ck_assert_mem_eq(forced, value('a'), 32);
}
END_TEST

START_TEST(a_report_counts_when_its_votes_were_seen)
{
    uint8_t forced[32];
    hear_unlock(1, 20, 2, 1, 'a');
    hear_unlock(2, 20, 2, NONE, 0);
    hear_unlock(3, 20, 2, NONE, 0);
    ck_assert_uint_eq(mri_slot_reports(&s, 2), 3);
    expect_justified(2, 'a', false, false);
    expect_justified(2, 'b', false, false);
    certify(1, 'b'); /* the same ballot, not the same value */
    expect_justified(2, 'a', false, false);
    ck_assert(!mri_slot_forced(&s, 2, forced));
    set_up();
    hear_unlock(1, 20, 2, 1, 'a');
    hear_unlock(2, 20, 2, NONE, 0);
    hear_unlock(3, 20, 2, NONE, 0);
    for (uint32_t node = 1; node < QUORUM; node++)
        hear_vote(node, 10 + node, 1, 'a');
    expect_justified(2, 'a', false, false);
    hear_vote(QUORUM, 10, 1, 'a');
    expect_justified(2, 'a', true, false);
    ck_assert(mri_slot_forced(&s, 2, forced));
}
END_TEST

/* A certificate of the ballot itself, or of a later one, is no reason for a vote in it. */
START_TEST(a_report_names_an_earlier_ballot)
{
    uint8_t forced[32];
    certify(2, 'a');
    for (uint32_t node = 1; node <= QUORUM; node++)
        hear_unlock(node, 50, 2, 2, 'a');
    expect_justified(2, 'a', false, false);
    ck_assert(!mri_slot_forced(&s, 2, forced));
}
END_TEST

/* --- what is forgotten ------------------------------------------------------------------------ */

START_TEST(the_oldest_vote_of_a_node_makes_way)
{
    hear_vote(1, 40, 0, 'a');
    hear_vote(2, 41, 0, 'a');
    for (uint32_t ballot = 1; ballot <= MRI_VOTES_A_NODE; ballot++)
        hear_vote(1, 50 + ballot, ballot, 'b');
    ck_assert_ptr_null(mri_slot_vote_of(&s, 1, 0));
    for (uint32_t ballot = 1; ballot <= MRI_VOTES_A_NODE; ballot++)
        ck_assert_ptr_nonnull(mri_slot_vote_of(&s, 1, ballot));
    ck_assert_ptr_nonnull(mri_slot_vote_of(&s, 2, 0)); /* of that node only */
    hear_vote(1, 60, 0, 'a');                          /* and no older one comes back */
    ck_assert_ptr_null(mri_slot_vote_of(&s, 1, 0));
    ck_assert_uint_eq(s.votes_count, MRI_VOTES_A_NODE + 1);
}
END_TEST

/* Whoever lacks a certificate must be shown its votes: they stay, others make way. */
START_TEST(the_votes_of_the_highest_certificate_stay)
{
    struct mr_certified c;
    certify(0, 'a');
    for (uint32_t ballot = 1; ballot <= MRI_VOTES_A_NODE; ballot++)
        hear_vote(1, 50 + ballot, ballot, 'b');
    ck_assert_ptr_nonnull(mri_slot_vote_of(&s, 1, 0));
    ck_assert_ptr_null(mri_slot_vote_of(&s, 1, 1));
    ck_assert_ptr_nonnull(mri_slot_vote_of(&s, 1, MRI_VOTES_A_NODE));
    ck_assert_uint_eq(mri_slot_votes_for(&s, 0, value('a')), QUORUM);
    ck_assert(mri_slot_ack_due(&s, &c));
    for (uint32_t node = 1; node <= QUORUM; node++)
        hear_unlock(node, 70, 9, 0, 'a');
    expect_justified(9, 'a', true, false);
}
END_TEST

START_TEST(a_vote_of_any_ballot_takes_the_lowest_place)
{
    hear_vote(1, 1, 7, 'a');
    hear_vote(1, 2, 3, 'a');
    hear_vote(1, 3, 5, 'a');
    hear_vote(1, 4, 4, 'a'); /* between them */
    ck_assert_ptr_null(mri_slot_vote_of(&s, 1, 3));
    ck_assert_ptr_nonnull(mri_slot_vote_of(&s, 1, 4));
    hear_vote(1, 5, 2, 'a'); /* below them */
    ck_assert_ptr_null(mri_slot_vote_of(&s, 1, 2));
    ck_assert_ptr_nonnull(mri_slot_vote_of(&s, 1, 4));
    ck_assert_ptr_nonnull(mri_slot_vote_of(&s, 1, 5));
    ck_assert_ptr_nonnull(mri_slot_vote_of(&s, 1, 7));
}
END_TEST

START_TEST(the_oldest_ack_of_a_node_makes_way)
{
    for (uint32_t ballot = 1; ballot <= MRI_ACKS_A_NODE + 1; ballot++)
        hear_ack(1, ballot, ballot, 'a');
    hear_ack(2, 1, 1, 'a');
    ck_assert_uint_eq(mri_slot_acks_for(&s, 1, value('a')), 1);
    ck_assert_uint_eq(mri_slot_acks_for(&s, 2, value('a')), 1);
    ck_assert_uint_eq(mri_slot_acks_for(&s, 3, value('a')), 1);
    hear_ack(1, 9, 0, 'a'); /* below them */
    ck_assert_uint_eq(mri_slot_acks_for(&s, 0, value('a')), 0);
    ck_assert_uint_eq(s.acks_count, MRI_ACKS_A_NODE + 1);
}
END_TEST

START_TEST(the_oldest_certificate_makes_way)
{
    for (uint32_t ballot = 1; ballot <= MR_CERTIFIED_MAX; ballot++)
        certify(ballot, 'a');
    ck_assert_uint_eq(s.certified_count, MR_CERTIFIED_MAX);
    certify(MR_CERTIFIED_MAX + 1, 'b');
    ck_assert_uint_eq(s.certified_count, MR_CERTIFIED_MAX);
    bool kept[MR_CERTIFIED_MAX + 2] = {false};
    for (uint32_t i = 0; i < s.certified_count; i++)
        kept[s.certified[i].ballot] = true;
    ck_assert(!kept[0]);
    ck_assert(!kept[1]);
    for (uint32_t ballot = 2; ballot <= MR_CERTIFIED_MAX + 1; ballot++)
        ck_assert(kept[ballot]);
}
END_TEST

START_TEST(a_certificate_below_all_kept_is_not_kept)
{
    struct mr_certified c;
    for (uint32_t i = 0; i < MR_CERTIFIED_MAX; i++)
        s.certified[i].ballot = 2 + i;
    s.certified_count = MR_CERTIFIED_MAX;
    certify(1, 'a');
    for (uint32_t i = 0; i < MR_CERTIFIED_MAX; i++)
        ck_assert_uint_eq(s.certified[i].ballot, 2 + i);
    ck_assert(!mri_slot_ack_due(&s, &c));
}
END_TEST

/* --- orders, the store ------------------------------------------------------------------------ */

START_TEST(orders_are_found_by_id)
{
    for (uint32_t i = 0; i < MR_CANDIDATES_MAX; i++)
        memcpy(s.orders[i].at.order, value((char)('a' + (int)i)), 32);
    s.orders_count = MR_CANDIDATES_MAX - 1;
    for (uint32_t i = 0; i + 1 < MR_CANDIDATES_MAX; i++)
        ck_assert_ptr_eq(mri_slot_order(&s, value((char)('a' + (int)i))), &s.orders[i]);
    ck_assert_ptr_null(mri_slot_order(&s, s.orders[MR_CANDIDATES_MAX - 1].at.order));
}
END_TEST

/* A slot about which everything is known. */
static void fill(void)
{
    struct mr_certified c;
    certify(0, 'a');
    certify(1, 'b');
    mri_slot_vote(&s, 1, value('b'));
    ck_assert(mri_slot_ack_due(&s, &c));
    mri_slot_ack(&s, &c);
    hear_ack(2, 30, 1, 'b');
    hear_ack(3, 31, 0, 'a');
    hear_unlock(2, 40, 2, 1, 'b');
    hear_unlock(4, 41, 2, NONE, 0);
    s.triggered = true;
    memcpy(s.trigger.account, ACCOUNT, 16);
    s.trigger.seq = SEQ;
    s.trigger.kind = MR_TRIGGER_CONFLICT;
    memset(s.trigger.hash, 0x77, 32);
    s.orders_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        s.orders[i] = (struct mri_candidate){.verified = 1, .fresh = true};
        memcpy(s.orders[i].at.account, ACCOUNT, 16);
        s.orders[i].at.seq = SEQ;
        memcpy(s.orders[i].at.order, value((char)('a' + (int)i)), 32);
        s.orders[i].at.body_at = 1000 * (i + 1);
        s.orders[i].at.body_len = 77;
    }
}

static size_t saved(uint8_t *out, size_t cap, const struct mri_slot *from)
{
    static struct mr_state_open open;
    memset(&open, 0, sizeof open);
    mri_slot_save(&open, from);
    return mr_state_open_encode(&open, out, cap);
}

static void expect_the_same_after_restoring(void)
{
    static uint8_t before[65536], after[65536];
    static struct mr_state_open open;
    static alignas(8) uint8_t fresh[ROOM_MAX];
    struct mri_slot t;
    const size_t n = saved(before, sizeof before, &s);
    ck_assert_int_eq(mr_state_open_decode(&open, before, n), MR_OK);
    memset(fresh, 0xdd, sizeof fresh);
    mri_slot_init(&t, fresh, NODES, QUORUM, ACCOUNT, SEQ, 0);
    mri_slot_restore(&t, &open);
    ck_assert_uint_eq(saved(after, sizeof after, &t), n);
    ck_assert_mem_eq(after, before, n);
    /* The restored one is used, and its room is its own. */
    s = t;
    memset(room, 0, sizeof room);
    ck_assert_uint_eq(saved(after, sizeof after, &s), n);
    ck_assert_mem_eq(after, before, n);
}

START_TEST(a_slot_is_restored_as_it_was_saved)
{
    struct mr_certified c;
    fill();
    expect_the_same_after_restoring();
    ck_assert_uint_eq(s.since_ms, 1234);
    ck_assert_uint_eq(s.promised, 1);
    ck_assert_uint_eq(s.cert_ballot, 1);
    ck_assert(!mri_slot_may_vote(&s, 1, value('a')));
    ck_assert(mri_slot_may_vote(&s, 1, value('b')));
    ck_assert(!mri_slot_ack_due(&s, &c));
    ck_assert(s.triggered);
    ck_assert_int_eq(s.trigger.kind, MR_TRIGGER_CONFLICT);
    ck_assert_uint_eq(mri_slot_order(&s, value('b'))->at.body_at, 2000);
    ck_assert_uint_eq(mri_slot_order(&s, value('b'))->verified, 0); /* keys may have changed */
    ck_assert(!mri_slot_order(&s, value('b'))->fresh);
    /* It goes on as if nothing had been. */
    ck_assert(!hear_unlock(3, 50, 2, 0, 'a'));
    expect_justified(2, 'b', true, false);
    ck_assert(hear_vote(2, 60, 1, 'a'));
    ck_assert(!hear_ack(1, 61, 1, 'b'));
    ck_assert(!hear_ack(4, 35, 1, 'b')); /* before its UNLOCK */
    ck_assert(mri_slot_settles(&s, &c));
    ck_assert_uint_eq(c.ballot, 1);
}
END_TEST

START_TEST(an_empty_slot_is_restored_empty)
{
    expect_the_same_after_restoring();
    ck_assert(!s.triggered);
    ck_assert_uint_eq(s.cert_ballot, NONE);
    ck_assert_uint_eq(s.votes_count + s.acks_count + s.reports_count + s.orders_count, 0);
}
END_TEST

/* The store's record holds what a slot of the largest committee can. */
START_TEST(the_store_holds_the_fullest_slot)
{
    static alignas(8) uint8_t large[MR_NODES_MAX * 512];
    static struct mr_state_open open;
    static uint8_t out[65536];
    ck_assert_uint_le(mri_slot_room(MR_NODES_MAX), sizeof large);
    mri_slot_init(&s, large, MR_NODES_MAX, MR_NODES_MAX, ACCOUNT, SEQ, 0);
    for (uint32_t node = 1; node <= MR_NODES_MAX; node++) {
        for (uint32_t b = 0; b <= MRI_VOTES_A_NODE; b++)
            hear_vote(node, b, b, 'a');
        for (uint32_t b = 0; b <= MRI_ACKS_A_NODE; b++)
            hear_ack(node, b, b, 'a');
        hear_unlock(node, 30, 9, MRI_ACKS_A_NODE, 'a');
    }
    ck_assert_uint_eq(s.votes_count, MR_NODES_MAX * MRI_VOTES_A_NODE);
    ck_assert_uint_eq(s.acks_count, MR_NODES_MAX * MRI_ACKS_A_NODE);
    ck_assert_uint_eq(s.reports_count, MR_NODES_MAX);
    const size_t n = saved(out, sizeof out, &s);
    ck_assert_int_eq(mr_state_open_decode(&open, out, n), MR_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slot");
    TCase *c = tcase_create("slot");
    tcase_add_checked_fixture(c, set_up, NULL);
    tcase_add_test(c, a_new_slot_knows_nothing);
    tcase_add_test(c, the_room_holds_what_all_nodes_say);
    tcase_add_test(c, each_node_counts_once);
    tcase_add_test(c, leaves_of_other_kinds_say_nothing);
    tcase_add_test(c, two_votes_in_one_ballot_contradict);
    tcase_add_test(c, two_acks_in_one_ballot_contradict);
    tcase_add_test(c, a_promise_forbids_lower_ballots);
    tcase_add_test(c, a_report_hides_nothing);
    tcase_add_test(c, one_vote_in_a_ballot);
    tcase_add_test(c, a_promise_rises);
    tcase_add_test(c, q_votes_make_an_ack_due);
    tcase_add_test(c, an_ack_is_due_for_the_highest_not_below_the_promise);
    tcase_add_test(c, an_ack_promises_its_ballot);
    tcase_add_test(c, a_certificate_names_its_votes);
    tcase_add_test(c, q_acks_settle);
    tcase_add_test(c, a_settlement_names_q_acks_and_its_own);
    tcase_add_test(c, a_settlement_goes_without_its_own);
    tcase_add_test(c, q_reports_of_nothing_free_the_ballot);
    tcase_add_test(c, the_highest_certificate_forces_its_value);
    tcase_add_test(c, any_q_reports_justify);
    tcase_add_test(c, a_report_counts_when_its_votes_were_seen);
    tcase_add_test(c, a_report_names_an_earlier_ballot);
    tcase_add_test(c, the_oldest_vote_of_a_node_makes_way);
    tcase_add_test(c, the_votes_of_the_highest_certificate_stay);
    tcase_add_test(c, a_vote_of_any_ballot_takes_the_lowest_place);
    tcase_add_test(c, the_oldest_ack_of_a_node_makes_way);
    tcase_add_test(c, the_oldest_certificate_makes_way);
    tcase_add_test(c, a_certificate_below_all_kept_is_not_kept);
    tcase_add_test(c, orders_are_found_by_id);
    tcase_add_test(c, a_slot_is_restored_as_it_was_saved);
    tcase_add_test(c, an_empty_slot_is_restored_empty);
    tcase_add_test(c, the_store_holds_the_fullest_slot);
    suite_add_tcase(suite, c);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
