/* Every call of store, journal and memory is refused, number 0, 1, 2 and so on, in a run that
 * opens, pays, parks, cancels, lists, changes keys, flushes and starts again: once, or that call
 * and all behind it until somebody mends the machine. After each the books are those of a run
 * without trouble, and all memory is given back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/world.h"
#include "mereau/codec.h"

enum { STEPS_MAX = 64, CALLS_MAX = 100000 };
enum source { FROM_MEMORY, FROM_STORE, FROM_JOURNAL };
enum what { ASK, FLUSH, RESTART };

struct step {
    enum what what;
    struct mr_request_body *ask;
    enum mr_status status; /* of a run without trouble */
};

static struct step script[STEPS_MAX];
static size_t script_len;
static uint64_t good_accounts;
static uint8_t good_root[32];

/* --- refusing -------------------------------------------------------------------------------- */

static struct {
    enum source source;
    uint64_t number, calls; /* the call to refuse; those seen */
    bool for_good;          /* and all behind it, until the machine is mended */
    uint64_t kept;          /* bytes that survive of a turn whose append failed */
    uint64_t alive;         /* pieces of the node's memory not given back */
} trouble;

static bool refused(enum source source)
{
    if (trouble.source != source)
        return false;
    const uint64_t n = trouble.calls++;
    return trouble.for_good ? n >= trouble.number : n == trouble.number;
}

static void mend(void)
{
    if (trouble.for_good)
        trouble.number = UINT64_MAX;
}

/* Nothing was done for lack of room; somebody makes some. */
static bool was_full(enum mr_status st)
{
    if (st == MR_DISK_FULL)
        mend();
    return st == MR_DISK_FULL;
}

static void *get(void *ctx, size_t n)
{
    (void)ctx;
    void *p = refused(FROM_MEMORY) ? NULL : malloc(n);
    trouble.alive += p != NULL ? 1 : 0;
    return p;
}

static void put(void *ctx, void *p)
{
    (void)ctx;
    trouble.alive -= p != NULL ? 1 : 0;
    free(p);
}

static bool store_fails(void *ctx, const char *call)
{
    (void)ctx;
    (void)call;
    return refused(FROM_STORE);
}

static bool journal_fails(void *ctx, const char *call)
{
    (void)ctx;
    (void)call;
    return refused(FROM_JOURNAL);
}

/* --- a node that meets trouble --------------------------------------------------------------- */

static struct world f;
static uint32_t crashes;

static void on_reply(void *ctx, uint64_t token, const uint8_t *bytes, size_t len)
{
    (void)ctx;
    (void)token;
    ck_assert_int_eq(mr_reply_decode(f.reply, bytes, len), MR_OK);
    f.replies++;
}

static bool is_deadly(enum mr_status st)
{
    return st == MR_IO_ERROR || st == MR_DAMAGED;
}

/* All that is to be said is journaled and released. MR_OK, or the process must end. */
static enum mr_status turn(void)
{
    struct mr_effects fx = {on_reply, NULL};
    struct mr_turn t;
    while (mr_engine_cut(f.engine, &t, &fx)) {
        const struct mr_event done = {.kind = MR_EV_SYNCED, .now_ms = f.now_ms};
        enum mr_status st;
        do
            st = f.journal->api->append(f.journal, t.log, t.log_len, t.bodies, t.bodies_len);
        while (was_full(st));
        if (st == MR_OK)
            st = mr_engine_step(f.engine, &done, &fx);
        if (is_deadly(st))
            return st;
    }
    return MR_OK;
}

static enum mr_status create(void)
{
    const struct mr_engine_config config = {.charter = &f.charter,
                                            .node = 1,
                                            .log_key = &f.log_key,
                                            .software = "test",
                                            .store = f.store,
                                            .journal = f.journal,
                                            .mem = f.mem,
                                            .now_ms = f.now_ms};
    const uint64_t before = trouble.alive;
    enum mr_status st = mr_engine_create(&f.engine, &config);
    if (st == MR_NO_MEMORY) {
        ck_assert_uint_eq(trouble.alive, before);
        mend();
        st = mr_engine_create(&f.engine, &config);
    }
    if (st != MR_OK) {
        ck_assert_uint_eq(trouble.alive, before);
        f.engine = NULL;
        return st;
    }
    return turn();
}

/* The process ends and starts again; of a turn that was under way some or all may have stayed. */
static void crash(void)
{
    enum mr_status st;
    crashes++;
    mend();
    mr_engine_destroy(f.engine);
    f.engine = NULL;
    mr_store_mem_crash(f.store);
    mr_journal_mem_crash(f.journal, trouble.kept);
    mr_journal_mem_reopen(f.journal, NULL);
    st = create();
    ck_assert_msg(st == MR_OK, "start after trouble: %s", mr_status_name(st));
}

static enum mr_status ask(const struct mr_request_body *body)
{
    static const struct mr_principal local = {.local = true};
    struct mr_effects fx = {on_reply, NULL};
    struct mr_event ev = {.kind = MR_EV_REQUEST, .now_ms = f.now_ms};
    struct mr_keyset keys;
    enum mr_status st = MR_ACCOUNT_UNKNOWN;
    f.request->id = 7;
    f.request->body = *body;
    ev.u.request.who = &local;
    ev.u.request.request = f.request;
    if (body->kind == MR_REQ_SUBMIT)
        st = mr_engine_signers(f.engine, &keys, &ev.u.request.generation,
                               &body->u.submit.order.order);
    if (body->kind == MR_REQ_CANCEL)
        st = mr_engine_keys(f.engine, &keys, &ev.u.request.generation,
                            body->u.cancel.cancel.account);
    if (is_deadly(st))
        return st;
    ev.u.request.signatures = st;
    if (st == MR_OK)
        ev.u.request.signatures = body->kind == MR_REQ_SUBMIT
                                      ? mr_order_verify(&body->u.submit.order, &keys, 1)
                                      : mr_cancel_verify(&body->u.cancel, &keys);
    const uint32_t before = f.replies;
    st = mr_engine_step(f.engine, &ev, &fx);
    if (st == MR_NO_MEMORY) { /* nothing has changed: the same once more */
        ck_assert_uint_eq(f.replies, before);
        st = mr_engine_step(f.engine, &ev, &fx);
        ck_assert(trouble.for_good || st != MR_NO_MEMORY);
    }
    if (st == MR_NO_MEMORY) { /* and again */
        ck_assert_uint_eq(f.replies, before);
        mend();
        st = mr_engine_step(f.engine, &ev, &fx);
    }
    if (st == MR_OK)
        st = turn();
    if (st != MR_OK)
        return st;
    ck_assert_uint_eq(f.replies, before + 1);
    return mr_status_from_number(f.reply->status);
}

static enum mr_status flush(void)
{
    struct mr_put *puts;
    size_t count;
    enum mr_status st = turn();
    if (st == MR_OK)
        st = mr_engine_freeze(f.engine, &puts, &count);
    if (st == MR_NO_MEMORY) {
        mend();
        st = mr_engine_freeze(f.engine, &puts, &count);
    }
    if (st != MR_OK)
        return st;
    mr_puts_sort(puts, count);
    do
        st = f.store->api->commit(f.store, puts, count);
    while (was_full(st));
    if (st == MR_OK)
        st = f.store->api->refresh(f.store);
    mr_engine_flushed(f.engine, puts);
    return st;
}

/* A step as often as it takes, with a new start where the process has to end. */
static enum mr_status persist(const struct step *s)
{
    for (int i = 0; i < 3; i++) {
        enum mr_status st = MR_OK;
        if (s->what == RESTART) {
            mr_engine_destroy(f.engine);
            f.engine = NULL;
            st = create();
        } else {
            st = s->what == FLUSH ? flush() : ask(s->ask);
        }
        if (!is_deadly(st) && st != MR_BUSY)
            return st;
        if (is_deadly(st))
            crash();
    }
    return MR_BUSY;
}

/* --- a run ----------------------------------------------------------------------------------- */

static void run(enum source source, uint64_t number, bool for_good, uint64_t kept, bool first)
{
    const struct mr_store_faults store = {store_fails, NULL};
    const struct mr_journal_faults journal = {journal_fails, NULL};
    struct mr_checkpoint sum;
    memset(&trouble, 0, sizeof trouble);
    trouble.source = source;
    trouble.number = UINT64_MAX;
    trouble.kept = kept;
    world_init_homes(&f, 2);
    f.store->api->close(f.store);
    f.journal->api->close(f.journal);
    /* Store and journal play the disk: theirs is not the node's memory. */
    ck_assert_int_eq(mr_store_mem_open(&f.store, &f.mem, &store), MR_OK);
    ck_assert_int_eq(mr_journal_mem_open(&f.journal, &f.mem, &journal), MR_OK);
    f.mem = (struct mr_mem){get, put, NULL};
    crashes = 0;
    trouble.calls = 0;
    trouble.number = number;
    trouble.for_good = for_good;
    if (is_deadly(create()))
        crash();
    for (size_t i = 0; i < script_len; i++) {
        const enum mr_status st = persist(&script[i]);
        if (first)
            script[i].status = st;
        ck_assert_msg(st == script[i].status, "call %llu refused: step %zu: %s, not %s",
                      (unsigned long long)number, i, mr_status_name(st),
                      mr_status_name(script[i].status));
    }
    const uint64_t calls = trouble.calls;
    trouble.number = UINT64_MAX;
    trouble.for_good = false;
    ck_assert_int_eq(mr_state_sum(&sum, f.store, &f.charter, &f.mem), MR_OK);
    if (first) {
        memcpy(good_root, sum.state_root, 32);
        good_accounts = sum.accounts;
    }
    ck_assert_mem_eq(sum.state_root, good_root, 32);
    ck_assert_uint_eq(sum.accounts, good_accounts);
    ck_assert_uint_le(crashes, 1);
    world_check(&f);
    world_done(&f);
    ck_assert_uint_eq(trouble.alive, 0);
    trouble.calls = calls;
}

/* --- the script ------------------------------------------------------------------------------ */

static struct world w;

static void keep(enum what what)
{
    ck_assert_uint_lt(script_len, STEPS_MAX);
    struct step *s = &script[script_len++];
    s->what = what;
    if (what == ASK) {
        s->ask = malloc(sizeof *s->ask);
        *s->ask = w.request->body;
    }
}

static void look_at(enum mr_request_kind kind, uint32_t member)
{
    struct mr_request_body *b = &w.request->body;
    memset(b, 0, sizeof *b);
    b->kind = kind;
    if (kind == MR_REQ_HISTORY) {
        memcpy(b->u.history.account, w.members[member].id, 16);
        b->u.history.credits = member == 1;
        b->u.history.from = 1;
        b->u.history.count = 8;
    } else if (kind == MR_REQ_LOOKUP) {
        memcpy(b->u.lookup.account, w.members[member].id, 16);
    } else {
        memcpy(b->u.account.account, w.members[member].id, 16);
    }
    keep(ASK);
}

static void redeem_and_pay_out(void)
{
    static struct mr_signed_order o;
    world_order(&w, &o, w.members[1].id, MR_KIND_REDEEM);
    struct mr_redeem *r = &o.order.body.u.redeem;
    memcpy(r->association, w.charter.associations[0].id, 16);
    r->amount = 2000;
    r->fee = 100;
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
    keep(ASK);
    const struct mr_redemption_ref ref = {.seq = o.order.seq, .amount = 2000};
    uint8_t id[32];
    mr_order_id(id, &o.order);
    world_order(&w, &o, w.treasury, MR_KIND_PAYOUT);
    struct mr_payout *p = &o.order.body.u.payout;
    p->redemption = ref;
    memcpy(p->redemption.account, w.members[1].id, 16);
    memcpy(p->redemption.order, id, 32);
    p->fee = 100;
    memset(p->bank_ref, 9, 32);
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
    keep(ASK);
}

static void cancel(uint32_t member)
{
    struct mr_signed_cancel *c = &w.request->body.u.cancel;
    const uint8_t *id = w.members[member].id;
    static struct mr_signed_order o;
    world_order(&w, &o, id, MR_KIND_CLOSE); /* for its seq */
    w.request->body.kind = MR_REQ_CANCEL;
    memset(c, 0, sizeof *c);
    memcpy(c->cancel.ledger, w.ledger, 32);
    memcpy(c->cancel.account, id, 16);
    c->cancel.seq = o.order.seq;
    mr_cancel_sign(c, 0, &w.members[member].key);
    const struct mr_request_body body = w.request->body;
    ck_assert_int_eq(world_request(&w, NULL), MR_VOIDED);
    w.request->body = body;
    keep(ASK);
}

static void list_as(uint32_t member, const char *alias)
{
    static struct mr_signed_order o;
    struct mr_list *b = &o.order.body.u.list;
    world_order(&w, &o, w.desk, MR_KIND_LIST);
    memcpy(b->account, w.members[member].id, 16);
    b->listed = true;
    b->alias_len = (uint32_t)strlen(alias);
    memcpy(b->alias, alias, b->alias_len + 1);
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
    keep(ASK);
}

/* An order whose whole content is one account, or nothing. */
static void order_about(const uint8_t chain[16], enum mr_order_kind kind, uint32_t member)
{
    static struct mr_signed_order o;
    struct mr_order_body *b = &o.order.body;
    world_order(&w, &o, chain, kind);
    if (kind == MR_KIND_FLAG) {
        memcpy(b->u.flag.account, w.members[member].id, 16);
        b->u.flag.frozen = true;
        b->u.flag.reason = MR_REASON_OTHER;
    } else if (kind == MR_KIND_GRANT || kind == MR_KIND_LOWER) {
        memcpy(b->u.grant.account, w.members[member].id, 16);
        b->u.grant.credit = kind == MR_KIND_GRANT ? 500 : 100;
    } else if (kind == MR_KIND_CAP) {
        memcpy(b->u.cap.association, w.charter.associations[0].id, 16);
        b->u.cap.cap = 77777777;
    } else if (kind == MR_KIND_SETKEYS) {
        b->u.setkeys.generation = 2;
        b->u.setkeys.keys.threshold = b->u.setkeys.keys.keys_count = 1;
        b->u.setkeys.keys.keys[0] = w.operators_public[0];
    } else if (kind == MR_KIND_SWEEP) {
        memcpy(b->u.sweep.account, w.members[member].id, 16);
        b->u.sweep.amount = 1;
    }
    world_sign(&w, &o);
    ck_assert_int_eq(world_submit(&w, &o), MR_SETTLED);
    keep(ASK);
}

/* The kinds that the main job does not need, and what is read about them. */
static void the_rest(void)
{
    list_as(1, "bakery");
    list_as(1, "baker");
    keep(FLUSH);
    list_as(0, "reader");
    look_at(MR_REQ_LOOKUP, 1);
    ck_assert_int_eq(world_clear(&w, 0, 1, 700), MR_SETTLED);
    keep(ASK);
    order_about(w.treasury, MR_KIND_GRANT, 0);
    order_about(w.system, MR_KIND_LOWER, 0);
    order_about(w.system, MR_KIND_CAP, 0);
    order_about(w.desk, MR_KIND_FLAG, 0);
    order_about(w.members[1].id, MR_KIND_SETKEYS, 1);
    w.members[1].key = w.operators[0];
    order_about(w.members[1].id, MR_KIND_CLOSE, 1);
    keep(FLUSH);
    order_about(w.treasury, MR_KIND_SWEEP, 1);
    look_at(MR_REQ_ACCOUNT, 1);
}

static void write_script(void)
{
    world_init_homes(&w, 2);
    world_start(&w);
    ck_assert_int_eq(world_open(&w, MR_CLASS_RESIDENT), MR_SETTLED);
    keep(ASK);
    ck_assert_int_eq(world_open(&w, MR_CLASS_SHOP), MR_SETTLED);
    keep(ASK);
    keep(FLUSH);
    ck_assert_int_eq(world_issue(&w, 0, 5000), MR_SETTLED);
    keep(ASK);
    keep(RESTART); /* replays what is not in the store */
    ck_assert_int_eq(world_pay(&w, 0, 1, 3000), MR_SETTLED);
    keep(ASK);
    ck_assert_int_eq(world_pay(&w, 0, 1, 4000), MR_PARKED);
    keep(ASK);
    keep(FLUSH);
    keep(RESTART); /* finds what waits in the store */
    ck_assert_int_eq(world_issue(&w, 0, 4000), MR_SETTLED);
    keep(ASK);
    redeem_and_pay_out();
    cancel(0);
    look_at(MR_REQ_ACCOUNT, 0);
    look_at(MR_REQ_HISTORY, 0);
    look_at(MR_REQ_HISTORY, 1);
    keep(FLUSH);
    look_at(MR_REQ_HISTORY, 0);
    ck_assert_int_eq(world_pay(&w, 0, 1, 7), MR_SETTLED);
    keep(ASK);
    keep(RESTART);
    the_rest();
    keep(RESTART);
    keep(FLUSH);
    world_done(&w);
    run(FROM_MEMORY, UINT64_MAX, false, 0, true);
}

/* `known`: calls that a run is known to make; fewer would mean that some are no longer tried. */
static void refuse_each(enum source source, uint64_t known, bool for_good, uint64_t kept)
{
    uint64_t n = 0;
    write_script();
    for (; n < CALLS_MAX; n++) {
        run(source, n, for_good, kept, false);
        if (trouble.calls <= n)
            break;
    }
    ck_assert_uint_ge(n, known);
    ck_assert_uint_lt(n, CALLS_MAX);
    printf("%llu calls, each refused %s\n", (unsigned long long)n, for_good ? "for good" : "once");
    for (size_t i = 0; i < script_len; i++)
        free(script[i].ask);
    script_len = 0;
}

/* _i: for good or once. */
START_TEST(every_allocation)
{
    refuse_each(FROM_MEMORY, 69, _i == 1, 0);
}
END_TEST

START_TEST(every_store_call)
{
    refuse_each(FROM_STORE, 221, _i == 1, 0);
}
END_TEST

/* And by what survives of a turn that was not durable. */
START_TEST(every_journal_call)
{
    static const uint64_t kept[] = {0, 1, 200, UINT64_MAX};
    refuse_each(FROM_JOURNAL, 74, _i % 2 == 1, kept[_i / 2]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fault");
    TCase *c = tcase_create("refused");
    tcase_set_timeout(c, 500);
    tcase_add_loop_test(c, every_allocation, 0, 2);
    tcase_add_loop_test(c, every_store_call, 0, 2);
    tcase_add_loop_test(c, every_journal_call, 0, 8);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
