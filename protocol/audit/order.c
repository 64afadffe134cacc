/* A settlement: what it rests on (SLOT-5, INV-5), its order (LED-10), its moves, its place. */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

/* --- the checks of LED-10 --------------------------------------------------------------------- */

static void checkpoint_sigs(struct mr_audit *a, struct mri_aud_case *c,
                            const struct mr_signed_order *so, const uint8_t *record, size_t len)
{
    uint8_t digest[32];
    if (so->sigs_count != 1) {
        mri_aud_u64(a, "SLOT-12", MR_SIGNATURES_MISSING, "signatures of a checkpoint", 1,
                    so->sigs_count);
        return;
    }
    if (so->sigs[0].key_index >= a->charter.nodes_count) {
        mri_aud_u64(a, "SLOT-12", MR_BAD_SIGNATURE, "key index of a checkpoint, at most",
                    a->charter.nodes_count - 1, so->sigs[0].key_index);
        return;
    }
    const struct mr_node *const node = &a->charter.nodes[so->sigs[0].key_index];
    c->node = node->number;
    mri_aud_digest(digest, MR_PURPOSE_CHECKPOINT, a->ledger, a->epoch, record, len);
    mri_aud_sign_job(a, "SLOT-12", "signature of a checkpoint", digest, sizeof digest,
                     so->sigs[0].sig, node->log_key.key, so->sigs[0].key_index);
}

static void check_times(struct mr_audit *a, const struct mri_aud_account *x,
                        const struct mr_order *o, const struct mr_entry_settled *s, bool missing)
{
    const uint64_t most = o->time_ms + 31 * MR_DAY_MS;
    if (o->time_ms < x->hot.time_ms)
        mri_aud_u64(a, "LED-10", MR_TIME_BACK, "time, not before the chain's last", x->hot.time_ms,
                    o->time_ms);
    if (o->not_after_ms < o->time_ms || o->not_after_ms > most)
        mri_aud_u64(a, "LED-10", MR_OUT_OF_RANGE, "not_after, at most 31 days behind the time",
                    o->not_after_ms < o->time_ms ? o->time_ms : most, o->not_after_ms);
    /* A single node votes and settles at once, so its time of settling is that of its vote. */
    if (a->charter.quorum != 1 || s->ballot != 0 || missing)
        return;
    if (o->time_ms > s->time_ms + MR_CLOCK_AHEAD_MS)
        mri_aud_u64(a, "LED-10", MR_TIME_AHEAD, "time, at most 5 minutes ahead of the node's",
                    s->time_ms + MR_CLOCK_AHEAD_MS, o->time_ms);
    const bool claim = o->time_ms < a->restart_ms && s->time_ms <= a->claims_until_ms;
    if (s->time_ms > o->not_after_ms && !claim)
        mri_aud_u64(a, "LED-10", MR_EXPIRED, "node's time, not behind not_after", o->not_after_ms,
                    s->time_ms);
}

static void check_policy(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_policy *const due = mri_aud_policy_on(a, c->day);
    c->policy = mri_aud_policy(a, c->order->policy);
    const uint32_t right = due == NULL ? 0 : due->version;
    if (a->incomplete && c->policy != due)
        a->totals.orders_unchecked += c->at_vote ? 0 : 1;
    else if (c->at_vote)
        c->policy = due; /* reported where it settles */
    else if (c->policy == NULL)
        mri_aud_u64(a, "LED-10", MR_POLICY_UNKNOWN, "policy of an order", right, c->order->policy);
    else if (c->policy != due)
        mri_aud_u64(a, "LED-10", MR_POLICY_NOT_IN_FORCE, "policy of an order", right,
                    c->order->policy);
    if (due != NULL)
        c->policy = due; /* what follows is judged by the right one */
}

/* LED-10.8 */
static void check_frozen(struct mr_audit *a, const struct mri_aud_case *c)
{
    const enum mr_order_kind kind = c->order->body.kind;
    if (c->account->cold.frozen && !a->incomplete && kind != MR_KIND_STOP &&
        kind != MR_KIND_TAKEOVER)
        mri_aud_text(a, "LED-10", MR_PAYER_FROZEN, "account of an order", "not frozen", "frozen");
}

static void check_common(struct mr_audit *a, struct mri_aud_case *c,
                         const struct mr_signed_order *so, const struct mri_aud_body *body,
                         const struct mr_entry_settled *s, bool missing)
{
    const struct mri_aud_account *const x = c->account;
    const struct mr_order *const o = c->order;
    const size_t len = body->len - 8 - so->sigs_count * (4 + (size_t)MR_SIG_BYTES);
    if (memcmp(o->ledger, a->ledger, 32) != 0)
        mri_aud_hash(a, "LED-10", MR_WRONG_LEDGER, "ledger of an order", a->ledger, o->ledger);
    if (x->class == MR_CLASS_CHECKPOINTS)
        checkpoint_sigs(a, c, so, body->bytes + 4, len);
    else if (o->body.kind == MR_KIND_TAKEOVER)
        mri_aud_named_sigs(a, &o->body.u.takeover.treasury, so, body->bytes + 4, len);
    else
        mri_aud_owner_sigs(a, x, so->sigs, so->sigs_count, MR_PURPOSE_ORDER, body->bytes + 4, len);
    if (memcmp(o->prev, x->hot.head, 32) != 0)
        mri_aud_hash(a, "LED-10", MR_PREV_MISMATCH, "link to the order before", x->hot.head,
                     o->prev);
    if (x->cold.closed)
        mri_aud_text(a, "LED-10", MR_PAYER_CLOSED, "account of an order", "open", "closed");
    if (a->charter.quorum == 1)
        check_frozen(a, c);
    check_times(a, x, o, s, missing);
}

/* --- moves ------------------------------------------------------------------------------------ */

static void move_text(char ret[MR_AUDIT_TEXT_MAX], const uint8_t account[16], uint32_t unit,
                      int64_t delta)
{
    char hex[33];
    mr_hex_format(hex, account, 16);
    snprintf(ret, MR_AUDIT_TEXT_MAX, "%s unit %u %+lld", hex, (unsigned)unit, (long long)delta);
}

static int64_t planned(const struct mri_aud_case *c, const uint8_t account[16], uint32_t unit)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < c->moves_count; i++) {
        if (c->moves[i].unit == unit && memcmp(c->moves[i].account->id, account, 16) == 0)
            sum += c->moves[i].delta;
    }
    return sum;
}

static int64_t posted(const struct mr_entry_settled *s, const uint8_t account[16], uint32_t unit)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < s->postings_count; i++) {
        if (s->postings[i].unit == unit && memcmp(s->postings[i].account, account, 16) == 0)
            sum = mri_aud_sum(sum, s->postings[i].delta);
    }
    return sum;
}

static bool same_rows(const struct mri_aud_case *c, const struct mr_entry_settled *s)
{
    if (c->moves_count != s->postings_count)
        return false;
    for (uint32_t i = 0; i < c->moves_count; i++) {
        if (c->moves[i].unit != s->postings[i].unit || c->moves[i].delta != s->postings[i].delta ||
            memcmp(c->moves[i].account->id, s->postings[i].account, 16) != 0)
            return false;
    }
    return true;
}

/* Postings are exactly the moves of the order; the first row that is not is reported. */
static void compare(struct mr_audit *a, const struct mri_aud_case *c,
                    const struct mr_entry_settled *s)
{
    char e[MR_AUDIT_TEXT_MAX], f[MR_AUDIT_TEXT_MAX];
    if (same_rows(c, s))
        return;
    for (uint32_t i = 0; i < c->moves_count; i++) {
        const struct mri_aud_move *const m = &c->moves[i];
        const int64_t want = planned(c, m->account->id, m->unit);
        const int64_t got = posted(s, m->account->id, m->unit);
        if (want == got)
            continue;
        move_text(e, m->account->id, m->unit, want);
        move_text(f, m->account->id, m->unit, got);
        mri_aud_text(a, c->id, MR_CHECK_FAILED, "posting", e, f);
        return;
    }
    for (uint32_t i = 0; i < s->postings_count; i++) {
        const struct mr_posting *const p = &s->postings[i];
        const int64_t want = planned(c, p->account, p->unit);
        const int64_t got = posted(s, p->account, p->unit);
        if (want == got)
            continue;
        move_text(e, p->account, p->unit, want);
        move_text(f, p->account, p->unit, got);
        mri_aud_text(a, c->id, MR_CHECK_FAILED, "posting", e, f);
        return;
    }
}

/* INV-3, reported when it starts to fail. */
static void check_coverage(struct mr_audit *a)
{
    int64_t reserve = 0, outstanding = 0;
    for (uint32_t i = 0; i < a->charter.associations_count; i++) {
        reserve += a->of[i].reserve->hot.balance[1];
        outstanding -= a->of[i].issuer->hot.balance[0];
    }
    const bool uncovered = reserve < outstanding;
    if (uncovered && !a->uncovered)
        mri_aud_i64(a, "INV-3", MR_COVERAGE, "reserves, not below what is outstanding", outstanding,
                    reserve);
    a->uncovered = uncovered;
}

/* Of an order that is not there the postings are believed, as far as they sum to zero (INV-1). */
static void believe(struct mr_audit *a, const struct mr_entry_settled *s, bool quiet)
{
    int64_t sum[MR_UNITS_MAX] = {0};
    for (uint32_t i = 0; i < s->postings_count; i++) {
        const struct mr_posting *const p = &s->postings[i];
        if (p->unit < a->charter.units_count)
            sum[p->unit] = mri_aud_sum(sum[p->unit], p->delta);
        else if (!quiet)
            mri_aud_u64(a, "ENC-2", MR_UNIT_UNKNOWN, "unit of a posting",
                        a->charter.units_count - 1, p->unit);
    }
    for (uint32_t u = 0; u < a->charter.units_count; u++) {
        if (sum[u] != 0 && !quiet)
            mri_aud_i64(a, "INV-1", MR_CHECK_FAILED, "sum of the postings of a unit", 0, sum[u]);
    }
    for (uint32_t i = 0; i < s->postings_count; i++) {
        const struct mr_posting *const p = &s->postings[i];
        struct mri_aud_account *const x = mri_aud_account(a, p->account);
        if (x == NULL)
            return;
        if (p->unit < a->charter.units_count && sum[p->unit] == 0)
            mri_aud_move(a, x, p->unit, p->delta);
    }
    check_coverage(a);
}

static void apply_moves(struct mr_audit *a, const struct mri_aud_case *c)
{
    for (uint32_t i = 0; i < c->moves_count; i++)
        mri_aud_move(a, c->moves[i].account, c->moves[i].unit, c->moves[i].delta);
    check_coverage(a);
}

/* Tells what the moves of a planned order did. */
static void tell_moves(struct mr_audit *a, const struct mri_aud_case *c, const uint8_t value[32],
                       const struct mr_entry_settled *s)
{
    if (a->effects == NULL)
        return;
    for (uint32_t i = 0; i < c->moves_count; i++) {
        memcpy(a->postings[i].account, c->moves[i].account->id, MR_ACCOUNT_BYTES);
        a->postings[i].unit = c->moves[i].unit;
        a->postings[i].delta = c->moves[i].delta;
    }
    const struct mr_audit_effect e = {.account = c->account->id,
                                      .seq = c->seq,
                                      .value = value,
                                      .order = c->order,
                                      .time_ms = c->order->time_ms,
                                      .settled_ms = s->time_ms,
                                      .postings = a->postings,
                                      .postings_count = c->moves_count};
    a->effects(a->effects_ctx, &e);
}

static void tell_believed(struct mr_audit *a, const struct mri_aud_account *x, uint64_t seq,
                          const uint8_t value[32], const struct mr_entry_settled *s)
{
    const struct mr_audit_effect e = {.account = x->id,
                                      .seq = seq,
                                      .value = value,
                                      .time_ms = s->time_ms,
                                      .settled_ms = s->time_ms,
                                      .postings = s->postings,
                                      .postings_count = s->postings_count};
    if (a->effects != NULL)
        a->effects(a->effects_ctx, &e);
}

/* --- one settlement --------------------------------------------------------------------------- */

static void check_memo(struct mr_audit *a, const struct mr_order *o, const uint8_t value[32],
                       const struct mr_entry_settled *s)
{
    static const uint8_t zero[32];
    if (s->memo_at == 0)
        return;
    struct mri_aud_body *const m = mri_aud_body_at(a, s->memo_at, s->memo_len);
    if (m == NULL || m->kind != MR_BODY_MEMO) {
        if (s->memo_at >= a->erased_until)
            mri_aud_u64(a, "JNL-5", MR_CHECK_FAILED, "memo of a settlement, at its position",
                        s->memo_at, 0);
        return;
    }
    m->used = true;
    if (memcmp(m->id, value, 32) != 0)
        mri_aud_hash(a, "ENC-11", MR_CHECK_FAILED, "order of a memo", value, m->id);
    else if (o != NULL && memcmp(o->memo, zero, 32) == 0)
        mri_aud_text(a, "ENC-11", MR_CHECK_FAILED, "memo of an order that commits to none", "none",
                     "a memo");
}

/* The body of the order, decoded into a->b; NULL when it cannot be checked (reported or counted).
 */
static struct mri_aud_body *order_body(struct mr_audit *a, const struct mr_entry_settled *s,
                                       const uint8_t value[32], bool missing)
{
    struct mri_aud_body *const body = missing ? mri_aud_body_named(a, MR_BODY_ORDER, value)
                                              : mri_aud_body_at(a, s->body_at, s->body_len);
    if (body == NULL || body->kind != MR_BODY_ORDER) {
        if (s->body_at >= a->erased_until && !missing)
            mri_aud_u64(a, "JNL-5", MR_CHECK_FAILED, "order of a settlement, at its position",
                        s->body_at, 0);
        return NULL;
    }
    body->used = true;
    if (memcmp(body->id, value, 32) != 0) {
        mri_aud_hash(a, "ENC-10", MR_CHECK_FAILED, "id of the order that was settled", value,
                     body->id);
        return NULL;
    }
    if (mr_body_decode(&a->b, body->bytes, body->len) != MR_OK)
        mr_bug("a body that decoded before");
    return body;
}

static void plan_order(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_order *const o = c->order;
    const enum mr_order_kind kind = o->body.kind;
    const uint64_t day = o->time_ms / MR_DAY_MS;
    c->day = day > 1000000 ? 1000000 : (uint32_t)day;
    c->id = mri_aud_kind_rule(kind);
    c->home = c->account->home;
    check_policy(a, c);
    for (uint32_t i = 0; c->policy != NULL && i < c->policy->classes_count; i++) {
        if (c->policy->classes[i].class == c->account->class)
            c->rule = &c->policy->classes[i];
    }
    if (!mri_aud_kind_stands_on(kind, c->account->class)) {
        if (!c->at_vote)
            mri_aud_text(a, "LED-10", MR_WRONG_CHAIN, "chain of this kind of order",
                         mr_order_kind_text(kind), mr_account_class_text(c->account->class));
        return;
    }
    if (c->policy != NULL)
        mri_aud_check_kind(a, c);
}

/* Of an erased order its postings are left. Without any it was of a kind that changes keys, flags,
 * names or policies: nothing that rests on those can be judged any more. */
static void note_erased(struct mr_audit *a, struct mri_aud_account *x,
                        const struct mr_entry_settled *s)
{
    a->totals.orders_unchecked++;
    x->blurred = true;
    if (s->postings_count > 0)
        return;
    x->partial = true;
    a->incomplete = true;
}

static struct mri_aud_case *begin_case(struct mr_audit *a, struct mri_aud_account *x,
                                       const struct mr_order *o, uint64_t seq)
{
    struct mri_aud_case *const c = &a->c;
    c->account = x;
    c->order = o;
    c->seq = seq;
    c->policy = NULL;
    c->rule = NULL;
    c->wrong = c->planned = c->at_vote = c->at_end = false;
    c->node = 0;
    c->moves_count = 0;
    return c;
}

/* Among several nodes an order may settle here before what it was voted for with: funds and limits
 * are those of a voter, when it votes. */
void mri_aud_check_vote(struct mr_audit *a, struct mri_aud_open *o, const uint8_t value[32])
{
    struct mri_aud_account *const x = o->account;
    const struct mri_aud_body *const body = mri_aud_body_named(a, MR_BODY_ORDER, value);
    if (body == NULL) {
        if (a->erased_until > 0)
            a->totals.orders_unchecked++;
        else
            mri_aud_text(a, "SLOT-2", MR_CHECK_FAILED, "order of a VOTE", "in the journal", "none");
        return;
    }
    if (memcmp(body->account, x->id, 16) != 0 || body->seq != o->seq) {
        mri_aud_text(a, "SLOT-2", MR_CHECK_FAILED, "order of a VOTE", "for its slot",
                     "for another");
        return;
    }
    if (x->unknown || x->hot.next_seq == 0) {
        mri_aud_text(a, "LED-10", MR_ACCOUNT_UNKNOWN, "account of an order that is voted for",
                     "a chain", x->unknown ? "an account nobody opened" : "one without a chain");
        return;
    }
    if (x->partial || mr_body_decode(&a->b, body->bytes, body->len) != MR_OK)
        return;
    struct mri_aud_case *const c = begin_case(a, x, &a->b.u.order.order, o->seq);
    c->at_vote = true;
    const struct mr_signed_order *const so = &a->b.u.order;
    if (so->sigs_count > 0 && so->sigs[0].key_index < a->charter.nodes_count)
        c->node = a->charter.nodes[so->sigs[0].key_index].number; /* of a CHECKPOINT, a CUT */
    check_frozen(a, c);
    plan_order(a, c);
}

/* True when the order was there and its own moves were applied. */
static bool settle_order(struct mr_audit *a, struct mri_aud_account *x, uint64_t seq,
                         const uint8_t value[32], const struct mr_entry_settled *s, bool missing)
{
    struct mri_aud_body *const body = order_body(a, s, value, missing);
    check_memo(a, body == NULL ? NULL : &a->b.u.order.order, value, s);
    if (body == NULL) {
        if (!missing && s->body_at < a->erased_until)
            note_erased(a, x, s);
        return false;
    }
    const struct mr_signed_order *const so = &a->b.u.order;
    const struct mr_order *const o = &so->order;
    if (memcmp(o->account, x->id, 16) != 0 || o->seq != seq) {
        char e[64], f[64];
        mr_hex_format(e, x->id, 16);
        mr_hex_format(f, o->account, 16);
        snprintf(e + 32, sizeof e - 32, "/%llu", (unsigned long long)seq);
        snprintf(f + 32, sizeof f - 32, "/%llu", (unsigned long long)o->seq);
        mri_aud_text(a, "SLOT-1", MR_CHECK_FAILED, "slot that the order is for", e, f);
        return false;
    }
    if (x->unknown || x->partial || x->hot.next_seq == 0) {
        a->totals.orders_unchecked += x->partial ? 1 : 0;
        return false;
    }
    struct mri_aud_case *const c = begin_case(a, x, o, seq);
    c->at_end = !mri_aud_alone(a);
    check_common(a, c, so, body, s, missing);
    plan_order(a, c);
    x->hot.time_ms = o->time_ms;
    if (!c->planned)
        return false;
    if (!missing)
        compare(a, c, s);
    apply_moves(a, c);
    mri_aud_apply_kind(a, c, value);
    tell_moves(a, c, value, s);
    return true;
}

static void advance(struct mri_aud_account *x, uint64_t seq, const uint8_t value[32])
{
    memcpy(x->hot.head, value, 32);
    if (x->hot.next_seq != 0 && seq < MR_SEQ_MAX)
        x->hot.next_seq = seq + 1;
}

/* INV-4. False: this place is settled already, and the entry has no effect. */
static bool check_place(struct mr_audit *a, struct mri_aud_account *x, uint64_t seq)
{
    if (seq == x->hot.next_seq || x->partial)
        return true;
    if (x->hot.next_seq == 0) {
        mri_aud_text(a, "LED-10", MR_ACCOUNT_UNKNOWN, "account of an order", "a chain",
                     x->unknown ? "an account nobody opened" : "an account without a chain");
        return true;
    }
    const bool ahead = seq > x->hot.next_seq;
    mri_aud_u64(a, "INV-4", ahead ? MR_SEQ_AHEAD : MR_SEQ_OLD, "place in the chain of the account",
                x->hot.next_seq, seq);
    if (ahead && !mri_aud_alone(a)) {
        mri_aud_catch_up(a, x, seq);
        mri_aud_at(a, x->id, seq);
    }
    return ahead;
}

static void count_in_epoch(struct mr_audit *a)
{
    if (a->totals.epochs_count > 0)
        a->totals.epochs[a->totals.epochs_count - 1].settled++;
}

/* The value of an order that stands in this turn, as most do, is no VOID. */
static bool is_void_of(const struct mr_audit *a, const struct mri_aud_account *x, uint64_t seq,
                       const uint8_t value[32], const struct mr_entry_settled *s)
{
    const struct mri_aud_body *const body = mri_aud_body_here(a, s->body_at);
    uint8_t void_id[32];
    if (body != NULL && body->kind == MR_BODY_ORDER && memcmp(body->id, value, 32) == 0)
        return false;
    mr_void_id(void_id, a->ledger, x->id, seq);
    return memcmp(void_id, value, 32) == 0;
}

static void settle_value(struct mr_audit *a, struct mri_aud_account *x, uint64_t seq,
                         const uint8_t value[32], uint32_t ballot, const struct mr_entry_settled *s,
                         bool missing)
{
    const bool is_void = is_void_of(a, x, seq, value, s);
    if (s->voided != is_void && !missing)
        mri_aud_text(a, "SLOT-1", MR_CHECK_FAILED, "whether the slot was closed without effect",
                     is_void ? "voided" : "settled", s->voided ? "voided" : "settled");
    if (is_void) {
        a->totals.voided++;
        count_in_epoch(a);
        mri_aud_check_void(a, x, seq, ballot, s);
        return;
    }
    a->totals.settled++;
    count_in_epoch(a);
    const uint64_t findings = a->totals.findings;
    if (!settle_order(a, x, seq, value, s, missing)) {
        a->unsure = true;
        believe(a, s, a->totals.findings > findings);
        tell_believed(a, x, seq, value, s);
    }
}

/* The slot is done with, even without the ACK that was missed. */
static void forget_slot(struct mr_audit *a, const struct mri_aud_account *x, uint64_t seq,
                        const uint8_t value[32])
{
    struct mri_aud_open *const o = mri_aud_slot(a, x->id, seq);
    if (o != NULL)
        mri_aud_slot_settled(a, o, value);
}

void mri_aud_settled(struct mr_audit *a, const struct mr_entry_settled *s, bool missing)
{
    struct mri_aud_account *x = mri_aud_account(a, s->account);
    uint64_t seq = s->seq;
    uint32_t ballot = s->ballot;
    uint8_t value[32];
    mri_aud_at(a, s->account, seq);
    if (x == NULL)
        return;
    memcpy(value, s->value, 32);
    const struct mri_aud_open *const o = missing ? NULL : mri_aud_rests_on(a, s, &ballot, value);
    if (o != NULL) {
        x = o->account;
        seq = o->seq;
        mri_aud_at(a, x->id, seq);
    } else if (!missing && seq >= x->hot.next_seq) {
        mri_aud_text(a, "SLOT-5", MR_CHECK_FAILED, "what a settlement stands on",
                     "an ACK for its slot before it", "none");
    }
    if (check_place(a, x, seq)) {
        mri_aud_touch(a, x);
        settle_value(a, x, seq, value, ballot, s, missing);
        advance(x, seq, value);
        if (a->watch != NULL)
            a->watch(a->watch_ctx, x->id, seq, value);
    }
    forget_slot(a, x, seq, value);
}

void mri_aud_parked(struct mr_audit *a, const struct mr_entry_parked *p)
{
    a->totals.parked++;
    mri_aud_at(a, p->account, p->seq);
    const struct mri_aud_body *const body = mri_aud_body_at(a, p->body_at, p->body_len);
    if (body == NULL || body->kind != MR_BODY_ORDER) {
        if (p->body_at >= a->erased_until)
            mri_aud_u64(a, "JNL-5", MR_CHECK_FAILED, "order that is parked, at its position",
                        p->body_at, 0);
        return;
    }
    if (memcmp(body->id, p->order, 32) != 0)
        mri_aud_hash(a, "ENC-10", MR_CHECK_FAILED, "id of an order that is parked", p->order,
                     body->id);
}
