/* A node's directory with a long book, made in this process: the engine on real files that are not
 * synced, fed with orders that another thread signs meanwhile. What it writes is what a node
 * writes; mereaud goes on with it. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bench/bench.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/heap.h"
#include "mereau/codec.h"
#include "mereau/engine.h"
#include "storage/journal_file.h"
#include "storage/lock.h"
#include "storage/store_lmdb.h"
#include "storage/writer.h"

enum {
    TURN_ORDERS = 64,
    DECK_ORDERS = 1 << 15,
    DIRTY_BYTES = 256 << 20,
};

struct writing {
    struct estate *e;
    struct dir_lock *lock;
    struct mr_store *store;
    struct mr_journal *journal;
    struct mr_engine *engine;
    struct mr_request *request;
    struct mr_reply *reply; /* the last one */
    uint64_t in_turn, settled;
    enum mr_status refused; /* the first answer that was not SETTLED */
};

/* --- the node --------------------------------------------------------------------------------- */

static int do_not_sync(int fd)
{
    (void)fd;
    return 0;
}

static enum mr_status open_files(struct writing *w)
{
    static struct mr_journal_report report;
    char store[FILE_PATH_MAX], journal[FILE_PATH_MAX];
    static struct mr_journal_file_ops ops;
    ops = writer_system_ops;
    ops.fdatasync = do_not_sync;
    const struct mr_journal_file_options options = {.ledger = w->e->ledger, .node = 1, .ops = &ops};
    enum mr_status st = lock_take(&w->lock, w->e->dir, NULL);
    if (st == MR_OK)
        st = path_join(store, w->e->dir, "store");
    if (st == MR_OK)
        st = path_join(journal, w->e->dir, "journal");
    if (st == MR_OK && file_exists(store))
        st = store_seal_check(store, NULL, report.text);
    if (st == MR_OK)
        st = mr_store_lmdb_open(&w->store, store, NULL);
    if (st == MR_OK)
        st = mr_journal_file_open(&w->journal, journal, &options, &report);
    return st;
}

static void on_reply(void *ctx, uint64_t token, const uint8_t *bytes, size_t len)
{
    struct writing *const w = ctx;
    (void)token;
    enum mr_status st = mr_reply_decode(w->reply, bytes, len);
    if (st == MR_OK)
        st = mr_status_from_number(w->reply->status);
    if (st == MR_SETTLED)
        w->settled++;
    else if (st != MR_OK && w->refused == MR_OK)
        w->refused = st;
}

static enum mr_status step(struct writing *w, struct mr_event *ev)
{
    struct mr_effects fx = {on_reply, w};
    ev->now_ms = clock_ms(CLOCK_REALTIME);
    return mr_engine_step(w->engine, ev, &fx);
}

static enum mr_status flush(struct writing *w, struct mr_put *puts, size_t count)
{
    mr_puts_sort(puts, count);
    enum mr_status st = w->store->api->commit(w->store, puts, count);
    if (st == MR_OK)
        st = w->store->api->refresh(w->store);
    mr_engine_flushed(w->engine, puts);
    return st;
}

static enum mr_status end_turn(struct writing *w, bool last)
{
    struct mr_effects fx = {on_reply, w};
    struct mr_event tick = {.kind = MR_EV_TICK}, synced = {.kind = MR_EV_SYNCED};
    struct mr_turn t;
    struct mr_put *puts = NULL;
    size_t count = 0;
    enum mr_status st = last ? MR_OK : step(w, &tick);
    w->in_turn = 0;
    if (st != MR_OK || !mr_engine_cut(w->engine, &t, &fx))
        return st;
    const bool flushes = last || mr_engine_dirty(w->engine) > DIRTY_BYTES;
    st = w->journal->api->append(w->journal, t.log, t.log_len, t.bodies, t.bodies_len);
    if (st == MR_OK && flushes)
        st = mr_engine_freeze(w->engine, &puts, &count);
    if (st == MR_OK)
        st = step(w, &synced);
    return st == MR_OK && flushes ? flush(w, puts, count) : st;
}

static enum mr_status ask(struct writing *w, enum mr_status signatures, uint32_t generation)
{
    static const struct mr_principal local = {.local = true};
    struct mr_event ev = {.kind = MR_EV_REQUEST,
                          .u.request = {.token = 1,
                                        .who = &local,
                                        .request = w->request,
                                        .signatures = signatures,
                                        .generation = generation}};
    return step(w, &ev);
}

static enum mr_status start(struct writing *w)
{
    w->request = calloc(1, sizeof *w->request);
    w->reply = calloc(1, sizeof *w->reply);
    if (w->request == NULL || w->reply == NULL)
        return MR_NO_MEMORY;
    enum mr_status st = open_files(w);
    const struct mr_engine_config config = {.charter = &w->e->charter,
                                            .node = 1,
                                            .log_key = &w->e->nodes[0].log_key,
                                            .software = "mereau-bench",
                                            .store = w->store,
                                            .journal = w->journal,
                                            .mem = heap,
                                            .now_ms = clock_ms(CLOCK_REALTIME)};
    if (st == MR_OK)
        st = mr_engine_create(&w->engine, &config);
    return st == MR_OK ? end_turn(w, false) : st;
}

static enum mr_status stop(struct writing *w, enum mr_status st)
{
    char store[FILE_PATH_MAX];
    struct mr_event close = {.kind = MR_EV_CLOSE};
    if (st == MR_OK)
        st = step(w, &close);
    if (st == MR_OK)
        st = end_turn(w, true);
    mr_engine_destroy(w->engine);
    if (w->journal != NULL)
        w->journal->api->close(w->journal);
    if (w->store != NULL)
        w->store->api->close(w->store);
    if (st == MR_OK)
        st = path_join(store, w->e->dir, "store");
    if (st == MR_OK)
        st = store_seal(store);
    lock_release(w->lock);
    free(w->request);
    free(w->reply);
    return st;
}

/* --- orders ----------------------------------------------------------------------------------- */

static enum mr_status submit(struct writing *w, const uint8_t *cell)
{
    struct mr_keyset keys;
    uint32_t len, generation = 0;
    memcpy(&len, cell, sizeof len);
    enum mr_status st = mr_request_decode(w->request, cell + sizeof len, len);
    if (st == MR_OK)
        st = mr_engine_signers(w->engine, &keys, &generation,
                               &w->request->body.u.submit.order.order);
    if (st == MR_OK && (w->in_turn >= TURN_ORDERS || !mr_engine_ready(w->engine)))
        st = end_turn(w, false);
    w->in_turn++;
    return st == MR_OK ? ask(w, MR_OK, generation) : st;
}

/* One order of each chain in turn. */
static enum mr_status submit_all(struct writing *w, const struct deck *d, uint64_t most)
{
    enum mr_status st = MR_OK;
    uint64_t sent = 0;
    bool any = true;
    const uint64_t before = w->settled;
    for (uint32_t k = 0; any && st == MR_OK; k++) {
        any = false;
        for (uint32_t i = 0; i < d->chains_count && st == MR_OK && sent < most; i++) {
            const struct chain *const c = &d->chains[i];
            if (k >= c->count)
                continue;
            any = true;
            sent++;
            st = submit(w, d->cells + (c->first + k * c->step) * d->cell_bytes);
        }
    }
    if (st == MR_OK)
        st = end_turn(w, false);
    if (st == MR_OK && w->settled - before != sent)
        st = w->refused != MR_OK ? w->refused : MR_NO_ANSWER;
    return st;
}

static enum mr_status populate_here(struct writing *w)
{
    static enum mr_status (*const make[])(struct estate *, struct deck *) = {estate_opens,
                                                                             estate_issues};
    enum mr_status st = MR_OK;
    for (size_t i = 0; i < 2 && st == MR_OK; i++) {
        struct deck d = {0};
        st = make[i](w->e, &d);
        if (st == MR_OK)
            st = submit_all(w, &d, UINT64_MAX);
        deck_done(&d);
    }
    return st;
}

/* Where the members' chains are. */
static enum mr_status recall(struct writing *w)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; i < w->e->members_count && st == MR_OK; i++) {
        struct member *const m = &w->e->members[i];
        *w->request = (struct mr_request){.id = 1, .body.kind = MR_REQ_ACCOUNT};
        memcpy(w->request->body.u.account.account, m->id, sizeof m->id);
        st = ask(w, MR_OK, 0);
        if (st == MR_OK)
            st = end_turn(w, false);
        if (st == MR_OK && (w->refused != MR_OK || w->reply->body.kind != MR_REQ_ACCOUNT))
            st = w->refused != MR_OK ? w->refused : MR_NO_ANSWER;
        if (st == MR_OK) {
            const struct mr_state_chain *const at = &w->reply->body.u.account.hot.chain;
            m->next_seq = at->next_seq;
            memcpy(m->head, at->head, sizeof m->head);
        }
    }
    return st;
}

struct signing {
    struct estate *e;
    struct deck deck;
    uint32_t rounds;
    enum mr_status status;
};

static void *sign(void *ctx)
{
    struct signing *const s = ctx;
    s->status = estate_payments(s->e, &s->deck, s->rounds, 1);
    return NULL;
}

/* While one deck is taken the next one is signed. */
static enum mr_status pay(struct writing *w, uint64_t payments, struct progress *p)
{
    struct signing s[2] = {{.e = w->e}, {.e = w->e}};
    const uint32_t all = w->e->members_count;
    const uint32_t rounds = all >= DECK_ORDERS ? 1 : DECK_ORDERS / all;
    uint64_t done = 0;
    s[0].rounds = s[1].rounds = rounds;
    sign(&s[0]);
    enum mr_status st = s[0].status;
    for (unsigned now = 0; st == MR_OK && done < payments; now = 1 - now) {
        const uint64_t left = payments - done, deck = (uint64_t)rounds * all;
        pthread_t thread;
        const bool more = left > deck;
        if (more && pthread_create(&thread, NULL, sign, &s[1 - now]) != 0)
            return MR_NO_MEMORY;
        st = submit_all(w, &s[now].deck, left);
        done += left < deck ? left : deck;
        deck_done(&s[now].deck);
        if (more)
            pthread_join(thread, NULL);
        if (more && st == MR_OK)
            st = s[1 - now].status;
        progress_update(p, done);
    }
    deck_done(&s[0].deck);
    deck_done(&s[1].deck);
    return st;
}

enum mr_status book_write(struct out *out, struct command *c, struct estate *e, uint64_t payments)
{
    struct writing w = {.e = e};
    struct mr_engine_facts facts;
    struct progress p;
    progress_begin(&p, c, "writing the book", payments);
    enum mr_status st = start(&w);
    if (st == MR_OK) {
        mr_engine_facts(w.engine, &facts);
        st = facts.meta.settled > 0 ? recall(&w) : populate_here(&w);
    }
    if (st == MR_OK)
        st = pay(&w, payments, &p);
    st = stop(&w, st);
    progress_end(&p);
    return st == MR_OK ? MR_OK
                       : out_fail(out, st, "%s: the book cannot be written: %s", e->dir,
                                  mr_status_text(st));
}
