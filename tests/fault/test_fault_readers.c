/* What reads a node's books (check, rebuild, state sum, comparison, a new start, the audit) while
 * call number 0, 1, 2 and so on of store, journal or memory is refused, once or for good: it says
 * what happened, or nothing was wrong and the result is right. Nothing is leaked, no finding is
 * made up, and the next try succeeds. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/story.h"
#include "mereau/check.h"
#include "mereau/codec.h"

enum { CALLS_MAX = 200000 };
enum source { FROM_MEMORY, FROM_STORE, FROM_JOURNAL, SOURCES };

static struct {
    enum source source;
    uint64_t number, calls; /* the call to refuse; those seen */
    bool for_good;          /* and all behind it */
    uint64_t alive;         /* pieces of memory not given back */
    uint64_t findings;
} trouble;

static bool refused(enum source source)
{
    if (trouble.source != source)
        return false;
    const uint64_t n = trouble.calls++;
    return trouble.for_good ? n >= trouble.number : n == trouble.number;
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

static const struct mr_mem mem = {get, put, NULL};

/* --- a store and a journal that stand in front of others ------------------------------------- */

struct front_store {
    struct mr_store base;
    struct mr_store *behind;
};

static struct mr_store *behind(struct mr_store *s)
{
    return ((struct front_store *)s)->behind;
}

static enum mr_status store_get(struct mr_store *s, enum mr_table table, const uint8_t *key,
                                size_t key_len, uint8_t *ret, size_t cap, size_t *ret_len)
{
    if (refused(FROM_STORE))
        return MR_IO_ERROR;
    return behind(s)->api->get(behind(s), table, key, key_len, ret, cap, ret_len);
}

static enum mr_status store_walk(struct mr_store *s, enum mr_table table, const uint8_t *from,
                                 size_t from_len, mr_store_each each, void *ctx)
{
    if (refused(FROM_STORE))
        return MR_IO_ERROR;
    return behind(s)->api->walk(behind(s), table, from, from_len, each, ctx);
}

static enum mr_status store_commit(struct mr_store *s, const struct mr_put *puts, size_t count)
{
    if (refused(FROM_STORE))
        return MR_IO_ERROR;
    return behind(s)->api->commit(behind(s), puts, count);
}

static enum mr_status store_refresh(struct mr_store *s)
{
    return refused(FROM_STORE) ? MR_IO_ERROR : behind(s)->api->refresh(behind(s));
}

static void store_close(struct mr_store *s)
{
    behind(s)->api->close(behind(s));
}

static const struct mr_store_api store_api = {store_get, store_walk, store_commit, store_refresh,
                                              store_close};

struct front_journal {
    struct mr_journal base;
    struct mr_journal *behind;
};

static struct mr_journal *beneath(struct mr_journal *j)
{
    return ((struct front_journal *)j)->behind;
}

static enum mr_status journal_append(struct mr_journal *j, const uint8_t *log, size_t log_len,
                                     const uint8_t *bodies, size_t bodies_len)
{
    if (refused(FROM_JOURNAL))
        return MR_IO_ERROR;
    return beneath(j)->api->append(beneath(j), log, log_len, bodies, bodies_len);
}

static size_t journal_room(struct mr_journal *j)
{
    return beneath(j)->api->room(beneath(j));
}

static enum mr_status journal_read(struct mr_journal *j, enum mr_stream_family family,
                                   uint64_t position, uint8_t *ret, size_t cap, size_t *ret_len)
{
    if (refused(FROM_JOURNAL))
        return MR_IO_ERROR;
    return beneath(j)->api->read(beneath(j), family, position, ret, cap, ret_len);
}

static void journal_end(struct mr_journal *j, struct mr_journal_end *ret)
{
    beneath(j)->api->end(beneath(j), ret);
}

static void journal_close(struct mr_journal *j)
{
    beneath(j)->api->close(beneath(j));
}

static const struct mr_journal_api journal_api = {journal_append, journal_room, journal_read,
                                                  journal_end, journal_close};

/* --- the books ------------------------------------------------------------------------------- */

static struct world w;
static struct book book;
static struct front_store store, other;
static struct front_journal journal;
static uint8_t charter[32768], good_root[32];
static size_t charter_len;
static struct mr_audit_totals good_audit;
static struct mr_check_totals good_check;

static void on_finding(void *ctx, const struct mr_finding *f)
{
    (void)ctx;
    trouble.findings++;
    fprintf(stderr, "%s at %s: expected %s, found %s\n", f->rule, f->where, f->expected, f->found);
}

static void on_audit_finding(void *ctx, const struct mr_audit_finding *f)
{
    (void)ctx;
    trouble.findings++;
    fprintf(stderr, "%s %s: expected %s, found %s\n", f->rule, f->what, f->expected, f->found);
}

static struct mr_check checking(struct front_store *s)
{
    return (struct mr_check){.charter = &w.charter,
                             .store = &s->base,
                             .journal = &journal.base,
                             .mem = mem,
                             .found = on_finding};
}

/* An empty store behind `other`, whose memory is the disk's and not the node's. */
static void renew_other(void)
{
    if (other.behind != NULL)
        other.behind->api->close(other.behind);
    ck_assert_int_eq(mr_store_mem_open(&other.behind, &w.mem, NULL), MR_OK);
}

static enum mr_status read_check(void)
{
    struct mr_check_totals t;
    const struct mr_check c = checking(&store);
    const enum mr_status st = mr_check_store(&c, &t);
    if (st != MR_OK)
        return st;
    ck_assert_uint_eq(t.findings, 0);
    ck_assert_uint_eq(t.slots, good_check.slots);
    ck_assert_uint_eq(t.credits, good_check.credits);
    ck_assert_mem_eq(t.state_root, good_root, 32);
    return MR_OK;
}

static enum mr_status read_sum(void)
{
    struct mr_checkpoint sum;
    const enum mr_status st = mr_state_sum(&sum, &store.base, &w.charter, &mem);
    if (st == MR_OK)
        ck_assert_mem_eq(sum.state_root, good_root, 32);
    return st;
}

/* Into whatever the last try left. */
static enum mr_status read_rebuild(void)
{
    struct mr_checkpoint sum;
    const struct mr_check c = checking(&other);
    const enum mr_status st = mr_rebuild(&c, 1, 0);
    if (st != MR_OK)
        return st;
    ck_assert_int_eq(mr_state_sum(&sum, other.behind, &w.charter, &w.mem), MR_OK);
    ck_assert_mem_eq(sum.state_root, good_root, 32);
    return MR_OK;
}

/* `other` is left as it was rebuilt before. */
static enum mr_status read_equal(void)
{
    const struct mr_check c = checking(&store);
    uint64_t differences = 0;
    const enum mr_status st = mr_check_equal(&c, &other.base, &differences);
    if (st == MR_OK)
        ck_assert_uint_eq(differences, 0);
    return st;
}

/* A node starts on an empty store and says nothing yet. */
static enum mr_status read_start(void)
{
    struct mr_engine *e = NULL;
    struct mr_engine_facts facts;
    const struct mr_engine_config config = {.charter = &w.charter,
                                            .node = 1,
                                            .log_key = &w.log_key,
                                            .software = "test",
                                            .store = &other.base,
                                            .journal = &journal.base,
                                            .mem = mem,
                                            .now_ms = w.now_ms};
    const enum mr_status st = mr_engine_create(&e, &config);
    if (st != MR_OK)
        return st;
    mr_engine_facts(e, &facts);
    ck_assert_uint_eq(facts.meta.settled, good_check.slots);
    ck_assert_uint_eq(facts.meta.leaves, good_check.meta.leaves);
    mr_engine_destroy(e);
    return MR_OK;
}

static void on_reply(void *ctx, uint64_t token, const uint8_t *bytes, size_t len)
{
    (void)ctx;
    (void)token;
    ck_assert_int_eq(mr_reply_decode(w.reply, bytes, len), MR_OK);
    w.replies++;
}

static enum mr_status ask(struct mr_engine *e, enum mr_request_kind kind)
{
    static const struct mr_principal local = {.local = true};
    struct mr_effects fx = {on_reply, NULL};
    struct mr_event ev = {.kind = MR_EV_REQUEST, .now_ms = w.now_ms};
    struct mr_request_body *b = &w.request->body;
    struct mr_turn t;
    memset(b, 0, sizeof *b);
    b->kind = kind;
    if (kind == MR_REQ_LOOKUP)
        memcpy(b->u.lookup.account, w.members[BAKERY].id, 16);
    else if (kind == MR_REQ_HISTORY)
        b->u.history = (struct mr_req_history){.credits = true, .from = 1, .count = 8};
    if (kind == MR_REQ_HISTORY || kind == MR_REQ_ACCOUNT)
        memcpy(kind == MR_REQ_HISTORY ? b->u.history.account : b->u.account.account,
               w.members[BAKERY].id, 16);
    ev.u.request.who = &local;
    ev.u.request.request = w.request;
    const enum mr_status st = mr_engine_step(e, &ev, &fx);
    if (st == MR_OK)
        ck_assert(!mr_engine_cut(e, &t, &fx));
    return st;
}

/* Answers that are read from the store: a part that cannot be read is not left out. */
static enum mr_status read_answers(void)
{
    static const enum mr_request_kind kinds[] = {MR_REQ_LOOKUP, MR_REQ_ACCOUNT, MR_REQ_HISTORY};
    struct mr_engine *e = NULL;
    const struct mr_engine_config config = {.charter = &w.charter,
                                            .node = 1,
                                            .log_key = &w.log_key,
                                            .software = "test",
                                            .store = &store.base,
                                            .journal = &journal.base,
                                            .mem = mem,
                                            .now_ms = w.now_ms,
                                            .read_only = true};
    enum mr_status st = mr_engine_create(&e, &config);
    for (size_t i = 0; st == MR_OK && i < 3; i++) {
        const uint32_t before = w.replies;
        st = ask(e, kinds[i]);
        ck_assert_uint_eq(w.replies - before, st == MR_OK ? 1 : 0);
        if (st != MR_OK)
            break;
        ck_assert_uint_eq(w.reply->status, MR_OK);
        if (kinds[i] == MR_REQ_LOOKUP)
            ck_assert_uint_eq(w.reply->body.u.lookup.listing_count, 1);
        if (kinds[i] == MR_REQ_HISTORY)
            ck_assert_uint_eq(w.reply->body.u.history.items_count,
                              w.reply->body.u.history.last < 8 ? w.reply->body.u.history.last : 8);
    }
    mr_engine_destroy(e);
    return st;
}

static enum mr_status audit_book(struct mr_audit *a, struct mr_audit_totals *ret)
{
    for (uint32_t i = 0; i < book.count; i++) {
        const enum mr_status st = mr_audit_feed(a, &book.turns[i]);
        if (st != MR_OK)
            return st;
        struct mr_audit_batch *b = mr_audit_take(a);
        const size_t count = b == NULL ? 0 : mr_audit_batch_count(b);
        for (size_t k = 0; k < count; k++)
            mr_audit_verify(b, k);
        mr_audit_give(a, b);
    }
    return mr_audit_end(a, ret);
}

static enum mr_status read_audit(void)
{
    static struct mr_audit_totals t;
    struct mr_audit *a;
    enum mr_status st = mr_audit_create(&a, &mem, on_audit_finding, NULL, charter, charter_len);
    if (st != MR_OK)
        return st;
    st = audit_book(a, &t);
    mr_audit_destroy(a);
    if (st != MR_OK)
        return st;
    ck_assert_uint_eq(t.findings, 0);
    ck_assert_uint_eq(t.settled, good_audit.settled);
    ck_assert_uint_eq(t.signatures, good_audit.signatures);
    ck_assert_mem_eq(t.state_root, good_root, 32);
    return MR_OK;
}

static void setup(void)
{
    story_tell(&w);
    world_flush(&w);
    world_stop(&w);
    book_read(&book, w.journal);
    store = (struct front_store){{&store_api}, w.store};
    other = (struct front_store){{&store_api}, NULL};
    journal = (struct front_journal){{&journal_api}, w.journal};
    charter_len = mr_charter_encode(&w.charter, charter, sizeof charter);
    memset(&trouble, 0, sizeof trouble);
    trouble.source = SOURCES;
    renew_other();
    const struct mr_check c = checking(&store);
    ck_assert_int_eq(mr_check_store(&c, &good_check), MR_OK);
    memcpy(good_root, good_check.state_root, 32);
    struct mr_audit *a;
    ck_assert_int_eq(mr_audit_create(&a, &mem, on_audit_finding, NULL, charter, charter_len),
                     MR_OK);
    ck_assert_int_eq(audit_book(a, &good_audit), MR_OK);
    mr_audit_destroy(a);
}

static void teardown(void)
{
    book_done(&book);
    other.behind->api->close(other.behind);
    other.behind = NULL;
    world_done(&w);
}

/* --- refusing -------------------------------------------------------------------------------- */

/* Calls of each source that a reader is known to make: fewer would mean that some are no longer
 * tried. 0: none. */
static const struct reader {
    const char *name;
    enum mr_status (*read)(void);
    bool renews;
    uint64_t least[SOURCES];
} readers[] = {
    {"check", read_check, false, {2, 200, 60}},     {"sum", read_sum, false, {1, 49, 0}},
    {"rebuild", read_rebuild, true, {12, 21, 163}}, {"equal", read_equal, false, {1, 191, 0}},
    {"start", read_start, true, {11, 19, 163}},     {"answers", read_answers, false, {11, 43, 8}},
    {"audit", read_audit, false, {180, 0, 0}}};

static enum mr_status try_once(const struct reader *r, enum source source, uint64_t number,
                               bool for_good)
{
    trouble.source = source;
    trouble.number = number;
    trouble.for_good = for_good;
    trouble.calls = 0;
    const enum mr_status st = r->read();
    trouble.source = SOURCES;
    ck_assert_msg(trouble.alive == 0, "%s keeps %llu pieces of memory after call %llu", r->name,
                  (unsigned long long)trouble.alive, (unsigned long long)number);
    ck_assert_msg(trouble.findings == 0, "%s made up a finding after call %llu", r->name,
                  (unsigned long long)number);
    return st;
}

static void refuse_each(const struct reader *r, enum source source, bool for_good)
{
    const enum mr_status says = source == FROM_MEMORY ? MR_NO_MEMORY : MR_IO_ERROR;
    uint64_t n = 0;
    if (!r->renews)
        ck_assert_int_eq(read_rebuild(), MR_OK); /* something to compare with */
    for (; n < CALLS_MAX; n++) {
        if (r->renews)
            renew_other();
        const enum mr_status st = try_once(r, source, n, for_good);
        if (trouble.calls <= n) {
            ck_assert_int_eq(st, MR_OK);
            break;
        }
        ck_assert_msg(st == says, "%s says %s when call %llu is refused", r->name,
                      mr_status_name(st), (unsigned long long)n);
        if (r->renews || n % 16 == 0) {
            trouble.calls = 0;
            ck_assert_int_eq(r->read(), MR_OK); /* what failed may be tried again */
        }
    }
    ck_assert_msg(n >= r->least[source], "%s: only %llu calls of source %d", r->name,
                  (unsigned long long)n, (int)source);
    ck_assert_uint_lt(n, CALLS_MAX);
    printf("%s: source %d, %llu calls refused%s\n", r->name, (int)source, (unsigned long long)n,
           for_good ? " for good" : "");
}

/* _i: reader, source, once or for good. */
START_TEST(a_reader_says_what_failed)
{
    const struct reader *r = &readers[_i / 2 / SOURCES];
    refuse_each(r, (enum source)(_i / 2 % SOURCES), _i % 2 == 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fault_readers");
    TCase *c = tcase_create("readers");
    const int count = (int)(sizeof readers / sizeof readers[0]);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, a_reader_says_what_failed, 0, count * SOURCES * 2);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
