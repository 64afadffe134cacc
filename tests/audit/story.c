#include "audit/story.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scratch.h"
#include "mereau/codec.h"
#include "mereau/log.h"

static struct mr_signed_order o;

static void settle(struct world *w)
{
    world_sign(w, &o);
    ck_assert_int_eq(world_submit(w, &o), MR_SETTLED);
}

static void set_text(uint32_t *ret_len, char *ret, const char *text)
{
    *ret_len = (uint32_t)strlen(text);
    memcpy(ret, text, *ret_len + 1);
}

static void flag(struct world *w, uint32_t who, bool frozen)
{
    world_order(w, &o, w->desk, MR_KIND_FLAG);
    memcpy(o.order.body.u.flag.account, w->members[who].id, 16);
    o.order.body.u.flag.frozen = frozen;
    o.order.body.u.flag.reason = MR_REASON_OWNER;
    settle(w);
}

void story_list(struct world *w, uint32_t who, const char *alias, bool listed)
{
    world_order(w, &o, w->desk, MR_KIND_LIST);
    struct mr_list *const l = &o.order.body.u.list;
    memcpy(l->account, w->members[who].id, 16);
    l->listed = listed;
    set_text(&l->alias_len, l->alias, alias);
    set_text(&l->name_len, l->name, "A shop");
    settle(w);
}

static void grant(struct world *w, enum mr_order_kind kind, uint32_t who, int64_t credit)
{
    world_order(w, &o, kind == MR_KIND_GRANT ? w->treasury : w->system, kind);
    struct mr_grant *const g =
        kind == MR_KIND_GRANT ? &o.order.body.u.grant : &o.order.body.u.lower;
    memcpy(g->account, w->members[who].id, 16);
    g->credit = credit;
    g->limit_payment = kind == MR_KIND_GRANT ? 600000 : 1000;
    settle(w);
}

static struct mr_redemption_ref redeem(struct world *w, uint32_t who, int64_t amount)
{
    struct mr_redemption_ref ref = {.amount = amount};
    world_order(w, &o, w->members[who].id, MR_KIND_REDEEM);
    memcpy(o.order.body.u.redeem.association, w->charter.associations[0].id, 16);
    o.order.body.u.redeem.amount = amount;
    o.order.body.u.redeem.fee = amount / 20;
    settle(w);
    memcpy(ref.account, w->members[who].id, 16);
    ref.seq = o.order.seq;
    mr_order_id(ref.order, &o.order);
    return ref;
}

static void payout(struct world *w, const struct mr_redemption_ref *ref, uint8_t bank)
{
    world_order(w, &o, w->treasury, MR_KIND_PAYOUT);
    o.order.body.u.payout.redemption = *ref;
    o.order.body.u.payout.fee = ref->amount / 20;
    memset(o.order.body.u.payout.bank_ref, bank, 32);
    settle(w);
}

/* A shop pays with the fee of the policy: 1 %. */
static void pay_with_fee(struct world *w, uint32_t from, uint32_t to, int64_t amount)
{
    world_order(w, &o, w->members[from].id, MR_KIND_PAY);
    struct mr_pay *const p = &o.order.body.u.pay;
    p->lines_count = 2;
    memcpy(p->lines[0].payee, w->members[to].id, 16);
    p->lines[0].amount = amount;
    p->lines[0].what = MR_LINE_PAYMENT;
    mr_sub_account(p->lines[1].payee, w->charter.associations[0].id, MR_CLASS_OWN);
    p->lines[1].amount = amount / 100;
    p->lines[1].what = MR_LINE_FEE;
    settle(w);
}

static void pay_with_memo(struct world *w, uint32_t from, uint32_t to, int64_t amount)
{
    world_order(w, &o, w->members[from].id, MR_KIND_PAY);
    struct mr_pay *const p = &o.order.body.u.pay;
    p->lines_count = 1;
    memcpy(p->lines[0].payee, w->members[to].id, 16);
    p->lines[0].amount = amount;
    p->lines[0].what = MR_LINE_PAYMENT;
    mr_memo_hash(o.order.memo, o.order.salt, "bread", 5);
    world_sign(w, &o);
    struct mr_memo_box box = {.payer_len = 53, .payee_len = 53};
    mr_order_id(box.order, &o.order);
    w->request->body.kind = MR_REQ_SUBMIT;
    w->request->body.u.submit.order = o;
    w->request->body.u.submit.memo_count = 1;
    w->request->body.u.submit.memo[0] = box;
    ck_assert_int_eq(world_request(w, NULL), MR_SETTLED);
}

static void rotate(struct world *w, uint32_t who)
{
    uint8_t seed[32];
    struct world_member *const m = &w->members[who];
    world_order(w, &o, m->id, MR_KIND_SETKEYS);
    world_sign(w, &o);
    memset(seed, 90, sizeof seed);
    struct mr_seckey key;
    mr_seckey_from_seed(&key, &m->public, seed);
    struct mr_setkeys *const s = &o.order.body.u.setkeys;
    s->generation = 2;
    s->keys.threshold = s->keys.keys_count = 1;
    s->keys.keys[0] = m->public;
    settle(w);
    m->key = key;
}

static void cancel(struct world *w, uint32_t who)
{
    static struct mr_signed_cancel c;
    struct world_member *const m = &w->members[who];
    memset(&c, 0, sizeof c);
    world_order(w, &o, m->id, MR_KIND_CLOSE);
    memcpy(c.cancel.ledger, w->ledger, 32);
    memcpy(c.cancel.account, m->id, 16);
    c.cancel.seq = o.order.seq;
    mr_cancel_sign(&c, 0, &m->key);
    w->request->body.kind = MR_REQ_CANCEL;
    w->request->body.u.cancel = c;
    ck_assert_int_eq(world_request(w, NULL), MR_VOIDED);
}

/* The state at the last flush, while payments go on. */
static void checkpoint(struct world *w, const char *alias)
{
    struct mr_checkpoint c;
    struct mr_event ev = {.kind = MR_EV_CHECKPOINT, .now_ms = w->now_ms};
    struct mr_effects fx = {NULL, NULL};
    world_flush(w);
    ck_assert_int_eq(mr_state_sum(&c, w->store, &w->charter, &w->mem), MR_OK);
    ck_assert_int_eq(world_pay(w, BEN, GROCER, 50), MR_SETTLED);
    ck_assert_int_eq(world_open(w, MR_CLASS_RESIDENT), MR_SETTLED);
    story_list(w, GROCER, alias, false);
    ev.u.checkpoint.sum = &c;
    ck_assert_int_eq(mr_engine_step(w->engine, &ev, &fx), MR_OK);
    world_turn(w);
}

static void first_half(struct world *w)
{
    static const enum mr_account_class classes[STORY_MEMBERS] = {
        MR_CLASS_RESIDENT, MR_CLASS_RESIDENT, MR_CLASS_SHOP,        MR_CLASS_SHOP,
        MR_CLASS_RESIDENT, MR_CLASS_RESIDENT, MR_CLASS_MUNICIPALITY};
    for (uint32_t i = 0; i < STORY_MEMBERS; i++)
        ck_assert_int_eq(world_open(w, classes[i]), MR_SETTLED);
    story_list(w, BAKERY, "boulangerie", true);
    story_list(w, GROCER, "legumes", true);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(world_issue(w, i == 2 ? CARLA : i == 3 ? DORA : i, 400000), MR_SETTLED);
    pay_with_memo(w, ANNA, BAKERY, 1250);
    ck_assert_int_eq(world_pay(w, ANNA, BAKERY, 20000), MR_SETTLED);
    ck_assert_int_eq(world_pay(w, BEN, GROCER, 30000), MR_SETTLED);
    ck_assert_int_eq(world_pay(w, DORA, GROCER, 100), MR_SETTLED);
    pay_with_fee(w, BAKERY, GROCER, 5000);
    const struct mr_redemption_ref one = redeem(w, GROCER, 4000), two = redeem(w, GROCER, 4000),
                                   three = redeem(w, BAKERY, 2000);
    payout(w, &one, 1);
    payout(w, &two, 2);
    world_order(w, &o, w->treasury, MR_KIND_RETURN);
    o.order.body.u.return_.redemption = three;
    settle(w);
    checkpoint(w, "legumes");
}

static struct mr_recover recover;

/* Its place. */
static uint64_t order_recovery(struct world *w, uint32_t who)
{
    world_recover_body(w, &recover, who, 2);
    world_order(w, &o, w->treasury, MR_KIND_RECOVER);
    o.order.body.u.recover = recover;
    settle(w);
    return o.order.seq;
}

static void second_half(struct world *w)
{
    grant(w, MR_KIND_GRANT, BEN, 5000);
    flag(w, TOWN, true);
    flag(w, CARLA, true);
    flag(w, CARLA, false);
    rotate(w, ANNA);
    ck_assert_int_eq(world_pay(w, ANNA, CARLA, 700), MR_SETTLED);
    cancel(w, ANNA);
    ck_assert_int_eq(world_pay(w, ANNA, CARLA, 800), MR_SETTLED);
    ck_assert_int_eq(world_pay(w, DORA, GROCER, 200), MR_SETTLED);
    story_list(w, GROCER, "epicerie", true);
    story_list(w, BAKERY, "fournil", true);
    world_order(w, &o, w->system, MR_KIND_CAP);
    memcpy(o.order.body.u.cap.association, w->charter.associations[0].id, 16);
    o.order.body.u.cap.cap = 900000000;
    settle(w);
    grant(w, MR_KIND_LOWER, BEN, 100);
    world_order(w, &o, w->system, MR_KIND_POLICY);
    o.order.body.u.policy = w->charter.policy;
    o.order.body.u.policy.version = 2;
    o.order.body.u.policy.start_day =
        (uint32_t)(o.order.not_after_ms / MR_DAY_MS) + MR_POLICY_NOTICE_DAYS;
    settle(w);
    world_order(w, &o, w->treasury, MR_KIND_PAY);
    o.order.body.u.pay.lines_count = 1;
    memcpy(o.order.body.u.pay.lines[0].payee, w->members[BAKERY].id, 16);
    o.order.body.u.pay.lines[0].amount = 10;
    o.order.body.u.pay.lines[0].what = MR_LINE_PAYMENT;
    settle(w);
    world_order(w, &o, w->members[CARLA].id, MR_KIND_CLOSE);
    settle(w);
    world_order(w, &o, w->treasury, MR_KIND_SWEEP);
    memcpy(o.order.body.u.sweep.account, w->members[CARLA].id, 16);
    o.order.body.u.sweep.amount = 401500;
    settle(w);
    ck_assert_int_eq(world_clear(w, 0, 1, 25000), MR_SETTLED);
    ck_assert_int_eq(world_issue(w, TOWN, 5000), MR_SETTLED);
    ck_assert_int_eq(world_clear(w, 1, 0, 1000), MR_SETTLED);
    const uint64_t first = order_recovery(w, TOWN);
    world_order(w, &o, w->members[TOWN].id, MR_KIND_STOP);
    o.order.body.u.stop.upto = first;
    settle(w);
    order_recovery(w, GROCER);
    const uint64_t place = order_recovery(w, TOWN);
    w->now_ms += 30 * MR_DAY_MS;
    world_order(w, &o, w->members[TOWN].id, MR_KIND_TAKEOVER);
    world_takeover_body(w, &o.order.body.u.takeover, &recover, place);
    settle(w);
    ck_assert_int_eq(world_pay(w, BEN, BAKERY, 900), MR_SETTLED);
    checkpoint(w, "epicerie");
}

void story_tell(struct world *w)
{
    story_tell_under(w, NULL);
}

void story_tell_under(struct world *w, void (*change)(struct mr_charter *charter))
{
    static const struct mr_fee_rule fee = {MR_KIND_PAY, MR_CLASS_SHOP, 100, 0, MR_AMOUNT_MAX, 0};
    world_init_homes(w, 2);
    w->charter.policy.fees[w->charter.policy.fees_count++] = fee;
    if (change != NULL)
        change(&w->charter);
    mr_ledger_id(w->ledger, &w->charter);
    world_start(w);
    first_half(w);
    /* A payment waits for money, over a restart. */
    ck_assert_int_eq(world_pay(w, STORY_MEMBERS, BEN, 300), MR_PARKED);
    world_stop(w);
    world_start(w);
    ck_assert_int_eq(world_issue(w, STORY_MEMBERS, 1000), MR_SETTLED);
    second_half(w);
}

/* --- the journal ------------------------------------------------------------------------------ */

static uint8_t *read_stream(struct mr_journal *j, enum mr_stream_family family, size_t len)
{
    uint8_t *const bytes = malloc(len + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t at = 0; at < len;) {
        size_t n = 0;
        ck_assert_int_eq(j->api->read(j, family, at, bytes + at, len - at, &n), MR_OK);
        ck_assert_uint_gt(n, 0);
        at += n;
    }
    return bytes;
}

static const uint8_t *copy(const uint8_t *bytes, size_t len)
{
    uint8_t *const c = malloc(len);
    ck_assert_ptr_nonnull(c);
    memcpy(c, bytes, len);
    return c;
}

void book_read(struct book *ret, struct mr_journal *journal)
{
    struct mr_journal_end end;
    struct mr_frame f;
    uint64_t log_at = 0, bodies_at = 0;
    journal->api->end(journal, &end);
    uint8_t *const log = read_stream(journal, MR_FAMILY_LOG, end.log);
    uint8_t *const bodies = read_stream(journal, MR_FAMILY_BODIES, end.bodies);
    memset(ret, 0, sizeof *ret);
    while (log_at < end.log) {
        ck_assert_uint_lt(ret->count, STORY_TURNS_MAX);
        struct mr_audit_turn *const t = &ret->turns[ret->count++];
        ck_assert_int_eq(mr_frame_read(&f, log + log_at, end.log - log_at, NULL), MR_OK);
        t->log_len = mr_frame_size(f.len);
        t->log = copy(log + log_at, t->log_len);
        log_at += t->log_len;
        t->bodies_len = f.end - bodies_at;
        if (t->bodies_len > 0)
            t->bodies = copy(bodies + bodies_at, t->bodies_len);
        bodies_at = f.end;
    }
    free(log);
    free(bodies);
}

void book_done(struct book *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        free((void *)(uintptr_t)b->turns[i].log);
        free((void *)(uintptr_t)b->turns[i].bodies);
    }
    b->count = 0;
}

uint32_t book_payload_len(const uint8_t *frame)
{
    return (uint32_t)frame[4] << 24 | (uint32_t)frame[5] << 16 | (uint32_t)frame[6] << 8 | frame[7];
}

static uint8_t *writable(const uint8_t *p)
{
    return (uint8_t *)(uintptr_t)p;
}

void book_frame(struct book *b)
{
    uint8_t check[32] = {0};
    for (uint32_t i = 0; i < b->count; i++) {
        struct mr_audit_turn *const t = &b->turns[i];
        struct mr_frame log, bodies;
        ck_assert_int_ne(mr_frame_read(&log, t->log, t->log_len, NULL), MR_TRUNCATED);
        log.family = MR_FAMILY_LOG;
        if (t->bodies != NULL) {
            bodies =
                (struct mr_frame){.family = MR_FAMILY_BODIES, .turn = log.turn, .end = log.end};
            bodies.len = book_payload_len(t->bodies);
            mr_frame_write(writable(t->bodies), &bodies, NULL);
            memcpy(log.bodies_check, bodies.check, 32);
        }
        mr_frame_write(writable(t->log), &log, check);
        memcpy(check, log.check, 32);
    }
}

void found_add(void *ctx, const struct mr_audit_finding *f)
{
    struct found *const all = ctx;
    if (all->count < STORY_FINDINGS_MAX)
        all->rows[all->count] = *f;
    all->count++;
}

void found_print(const struct found *all, const char *title)
{
    fprintf(stderr, "%s: %u findings\n", title, (unsigned)all->count);
    for (uint32_t i = 0; i < all->count && i < STORY_FINDINGS_MAX; i++) {
        const struct mr_audit_finding *const f = &all->rows[i];
        fprintf(stderr, "    %s %s turn %llu entry %u: %s: expected %s, found %s\n", f->rule,
                mr_status_name(f->status), (unsigned long long)f->turn, (unsigned)f->entry, f->what,
                f->expected, f->found);
    }
}

void audit_verify(struct mr_audit *a)
{
    struct mr_audit_batch *const batch = mr_audit_take(a);
    for (size_t k = 0; batch != NULL && k < mr_audit_batch_count(batch); k++)
        mr_audit_verify(batch, k);
    mr_audit_give(a, batch);
}

static enum mr_status saved_add(void *ctx, const uint8_t *bytes, size_t len)
{
    struct saved *const s = ctx;
    if (s->len + len > s->cap) {
        s->cap = 2 * (s->len + len);
        s->bytes = realloc(s->bytes, s->cap);
        ck_assert_ptr_nonnull(s->bytes);
    }
    memcpy(s->bytes + s->len, bytes, len);
    s->len += len;
    return MR_OK;
}

void audit_save(struct saved *ret, struct mr_audit *a)
{
    *ret = (struct saved){0};
    ck_assert_int_eq(mr_audit_save(a, saved_add, ret), MR_OK);
}

/* Stopped, saved, loaded: the same bytes again. */
static struct mr_audit *resumed(struct mr_audit *a, struct found *found, const uint8_t *charter,
                                size_t len)
{
    struct saved s, again;
    struct mr_audit *b = NULL;
    audit_save(&s, a);
    mr_audit_destroy(a);
    ck_assert_int_eq(mr_audit_create(&b, &scratch_mem, found_add, found, charter, len), MR_OK);
    ck_assert_int_eq(mr_audit_load(b, s.bytes, s.len), MR_OK);
    audit_save(&again, b);
    ck_assert_uint_eq(s.len, again.len);
    ck_assert_mem_eq(s.bytes, again.bytes, s.len);
    free(s.bytes);
    free(again.bytes);
    return b;
}

enum { STOPS = 12 };

/* How often an audit is stopped, saved and loaded. */
enum stops { STOPS_NONE, STOPS_SOME, STOPS_ALL };

static bool is_stop(enum stops stops, const struct book *b, uint32_t turn)
{
    return stops == STOPS_ALL ||
           (stops == STOPS_SOME && turn % (b->count / STOPS + 1) == b->count % 3);
}

static void audit(struct found *ret, struct mr_audit_totals *ret_totals, const uint8_t *charter,
                  size_t len, const struct book *b, bool verify, enum stops stops)
{
    struct mr_audit *a = NULL;
    ret->count = 0;
    ck_assert_int_eq(mr_audit_create(&a, &scratch_mem, found_add, ret, charter, len), MR_OK);
    for (uint32_t i = 0; i < b->count; i++) {
        if (is_stop(stops, b, i))
            a = resumed(a, ret, charter, len);
        ck_assert_int_eq(mr_audit_feed(a, &b->turns[i]), MR_OK);
        if (verify)
            audit_verify(a);
    }
    ck_assert_int_eq(mr_audit_end(a, ret_totals), MR_OK);
    mr_audit_destroy(a);
}

static void same_findings(const struct found *x, const struct found *y)
{
    ck_assert_uint_eq(x->count, y->count);
    for (uint32_t i = 0; i < x->count && i < STORY_FINDINGS_MAX; i++) {
        ck_assert_str_eq(x->rows[i].rule, y->rows[i].rule);
        ck_assert_uint_eq(x->rows[i].turn, y->rows[i].turn);
        ck_assert_uint_eq(x->rows[i].entry, y->rows[i].entry);
        ck_assert_uint_eq(x->rows[i].seq, y->rows[i].seq);
        ck_assert_str_eq(x->rows[i].expected, y->rows[i].expected);
        ck_assert_str_eq(x->rows[i].found, y->rows[i].found);
    }
}

/* All but the last head, whose unused bytes are anything. */
static void same_totals(const struct mr_audit_totals *x, const struct mr_audit_totals *y)
{
    static struct mr_audit_totals all[2];
    all[0] = *x;
    all[1] = *y;
    ck_assert_mem_eq(x->head.root, y->head.root, 32);
    ck_assert_mem_eq(x->head.sig, y->head.sig, MR_SIG_BYTES);
    memset(&all[0].head, 0, sizeof all[0].head);
    memset(&all[1].head, 0, sizeof all[1].head);
    ck_assert_mem_eq(&all[0], &all[1], sizeof all[0]);
}

void book_audit(struct found *ret, struct mr_audit_totals *ret_totals,
                const struct mr_charter *charter, const struct book *b, bool verify)
{
    static uint8_t bytes[sizeof *charter];
    static struct mr_audit_totals totals, again;
    static struct found found;
    const size_t n = mr_charter_encode(charter, bytes, sizeof bytes);
    audit(ret, &totals, bytes, n, b, verify, STOPS_NONE);
    if (verify) {
        audit(&found, &again, bytes, n, b, true, STOPS_SOME);
        same_findings(ret, &found);
        same_totals(&totals, &again);
    }
    if (ret_totals != NULL)
        *ret_totals = totals;
}

void book_audit_by_turns(struct found *ret, const struct mr_charter *charter, const struct book *b)
{
    static uint8_t bytes[sizeof *charter];
    static struct mr_audit_totals totals;
    const size_t n = mr_charter_encode(charter, bytes, sizeof bytes);
    audit(ret, &totals, bytes, n, b, true, STOPS_ALL);
}
