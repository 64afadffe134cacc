/* The shell of one node: turns, disk, clock, start and end of its process. What node/daemon does
 * with threads and files, in virtual time. */
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/check.h"
#include "mereau/codec.h"
#include "mereau/state.h"
#include "sim/sim.h"
#include "sim/watch.h"
#include "storage/mem.h"

enum {
    TICK_US = 250000,
    BUSY_US = 1000,
    FULL_US = 200000,
    MEMORY_MAX = 256 << 20, /* S26: what one engine may take */
};

static void append_done(struct sim *s, struct event *ev);
static void commit_done(struct sim *s, struct event *ev);
static void pump_now(struct sim *s, struct event *ev);

/* --- memory, journal and store ---------------------------------------------------------------- */

struct piece {
    size_t bytes;
    size_t pad; /* keeps what follows aligned */
};

static void *mem_get(void *ctx, size_t bytes)
{
    struct copy *c = ctx;
    struct piece *p = malloc(sizeof *p + bytes);
    mr_assert(p != NULL);
    p->bytes = bytes;
    c->memory += bytes;
    return p + 1;
}

static void mem_put(void *ctx, void *at)
{
    struct copy *c = ctx;
    if (at == NULL)
        return;
    struct piece *p = (struct piece *)at - 1;
    c->memory -= p->bytes;
    free(p);
}

static struct mr_mem mem_of(struct copy *c)
{
    return (struct mr_mem){mem_get, mem_put, c};
}

static bool journal_fails(void *ctx, const char *call)
{
    const struct copy *c = ctx;
    if (strcmp(call, "append") == 0)
        return c->append_fails;
    return c->disk_full && (strcmp(call, "space") == 0 || strcmp(call, "room") == 0);
}

static bool store_fails(void *ctx, const char *call)
{
    const struct copy *c = ctx;
    return c->disk_full && strcmp(call, "space") == 0;
}

static struct mr_journal *journal_new(struct copy *c)
{
    const struct mr_mem mem = mem_of(c);
    const struct mr_journal_faults faults = {journal_fails, c};
    struct mr_journal *j;
    if (mr_journal_mem_open(&j, &mem, &faults) != MR_OK)
        mr_bug("memory");
    return j;
}

static struct mr_store *store_new(struct copy *c)
{
    const struct mr_mem mem = mem_of(c);
    const struct mr_store_faults faults = {store_fails, c};
    struct mr_store *store;
    if (mr_store_mem_open(&store, &mem, &faults) != MR_OK)
        mr_bug("memory");
    return store;
}

struct mr_journal *node_journal_copy(struct sim *s, struct copy *c, uint64_t turn)
{
    struct mr_journal *to = journal_new(c);
    uint8_t *bytes[2];
    size_t len[2], log = 0, bodies = 0;
    struct mr_frame f;
    (void)s;
    bytes[0] = mr_journal_mem_bytes(c->journal, MR_FAMILY_LOG, &len[0]);
    bytes[1] = mr_journal_mem_bytes(c->journal, MR_FAMILY_BODIES, &len[1]);
    const bool fails = c->append_fails, full = c->disk_full;
    c->append_fails = c->disk_full = false;
    while (log < len[0] && mr_frame_read(&f, bytes[0] + log, len[0] - log, NULL) == MR_OK &&
           f.turn <= turn) {
        const size_t whole = mr_frame_size(f.len);
        if (to->api->append(to, bytes[0] + log, whole, bytes[1] + bodies, (size_t)f.end - bodies) !=
            MR_OK)
            mr_bug("copy of a journal");
        log += whole;
        bodies = (size_t)f.end;
    }
    c->append_fails = fails;
    c->disk_full = full;
    return to;
}

void node_roll_back(struct sim *s, struct copy *c, uint64_t turn)
{
    mr_assert(!c->up);
    mr_journal_mem_reopen(c->journal, NULL);
    struct mr_journal *old = node_journal_copy(s, c, turn);
    c->journal->api->close(c->journal);
    c->journal = old;
    c->store->api->close(c->store);
    c->store = store_new(c);
    c->stored_settled = 0;
    c->stored = false;
    watch_reset(c->watch);
}

void node_empty(struct copy *c)
{
    mr_assert(!c->up);
    c->journal->api->close(c->journal);
    c->store->api->close(c->store);
    c->journal = journal_new(c);
    c->store = store_new(c);
    c->stored_settled = 0;
    c->stored = false;
}

enum mr_status node_adopt(struct copy *c, const struct mr_charter *charter,
                          const struct mr_chain *chain)
{
    const struct mr_mem mem = mem_of(c);
    const enum mr_status st = mr_adopt(c->store, charter, c->number, chain, &mem);
    return st == MR_OK ? c->store->api->refresh(c->store) : st;
}

/* --- turns ------------------------------------------------------------------------------------ */

/* S26: nothing grows without bound. */
static void bounded(struct sim *s, const struct copy *c)
{
    if (c->memory > MEMORY_MAX)
        violated(s, "S26", "node %u holds %zu bytes", c->number, c->memory);
}

static void pump(struct sim *s, struct copy *c)
{
    if (c->pump_due)
        return;
    c->pump_due = true;
    const struct event ev = {.run = pump_now, .a = c->index, .b = c->run};
    clock_set(&s->clock, rng_below(&s->disks, 300), &ev);
}

/* The engine's clock, and what its answer to an event means for the process. */
static void step(struct sim *s, struct copy *c, struct mr_event *ev)
{
    struct mr_effects fx = {.reply = node_reply, .ctx = c};
    ev->now_ms = clock_of(s, c);
    rules_apply(s, c);
    const enum mr_status st = mr_engine_step(c->engine, ev, &fx);
    rules_apply(s, NULL);
    if (st != MR_OK)
        violated(s, "S12", "node %u: event %d ended with %s", c->number, (int)ev->kind,
                 mr_status_name(st));
}

void node_step(struct sim *s, struct copy *c, struct mr_event *ev)
{
    step(s, c, ev);
    bounded(s, c);
    epoch_committee(s, c);
    pump(s, c);
}

static uint64_t disk_time(struct sim *s, const struct copy *c)
{
    const uint64_t usual = rng_between(&s->disks, s->w.disk_us / 2, s->w.disk_us);
    return usual * (c->slow > 0 ? c->slow : 1);
}

static void set(struct sim *s, struct copy *c, uint64_t delay_us, event_fn run)
{
    const struct event ev = {.run = run, .a = c->index, .b = c->run};
    clock_set(&s->clock, delay_us, &ev);
}

/* The copy an event was set for, if that run of it goes on. */
static struct copy *same_run(struct sim *s, const struct event *ev)
{
    struct copy *c = &s->copies[ev->a];
    return c->up && c->run == ev->b ? c : NULL;
}

/* Take what has changed, to be committed once the turn just cut, if there is one, is synced. */
static void freeze(struct sim *s, struct copy *c, bool wait)
{
    struct mr_engine_facts f;
    if (c->puts != NULL || mr_engine_dirty(c->engine) == 0)
        return;
    mr_engine_facts(c->engine, &f);
    c->frozen_settled = f.meta.settled;
    c->frozen_epoch = f.meta.epoch;
    if (mr_engine_freeze(c->engine, &c->puts, &c->puts_count) != MR_OK)
        mr_bug("memory");
    c->commit_waits = wait;
    if (!wait)
        set(s, c, disk_time(s, c), commit_done);
}

static void look_at_room(struct sim *s, struct copy *c)
{
    struct mr_engine_facts f;
    mr_engine_facts(c->engine, &f);
    const bool full = c->journal->api->room(c->journal) == 0;
    if (full == f.disk_full)
        return;
    struct mr_event ev = {.kind = MR_EV_ROOM, .u.room = !full};
    step(s, c, &ev);
}

/* Without the rule to persist first, the engine goes on before the disk has taken the turn. */
static void speak_first(struct sim *s, struct copy *c)
{
    struct mr_event synced = {.kind = MR_EV_SYNCED};
    struct mr_turn *t = &c->turn;
    c->early = malloc(t->log_len + t->bodies_len);
    mr_assert(c->early != NULL);
    memcpy(c->early, t->log, t->log_len);
    if (t->bodies_len > 0)
        memcpy(c->early + t->log_len, t->bodies, t->bodies_len);
    t->log = c->early;
    t->bodies = c->early + t->log_len;
    step(s, c, &synced);
}

static void pump_now(struct sim *s, struct event *ev)
{
    struct copy *c = same_run(s, ev);
    if (c == NULL)
        return;
    struct mr_effects fx = {.reply = node_reply, .ctx = c};
    c->pump_due = false;
    look_at_room(s, c);
    peer_ask(s, c);
    if (c->syncing)
        return;
    const bool flush = rng_chance(&s->disks, s->w.flush);
    const bool cut = (flush || mr_engine_due(c->engine)) && mr_engine_cut(c->engine, &c->turn, &fx);
    if (flush)
        freeze(s, c, cut);
    if (cut) {
        c->syncing = true;
        if (rules_without(s, "persist_first"))
            speak_first(s, c);
        set(s, c, disk_time(s, c), append_done);
    }
}

static enum mr_status append(struct copy *c)
{
    const struct mr_turn *t = &c->turn;
    return c->journal->api->append(c->journal, t->log, t->log_len, t->bodies, t->bodies_len);
}

static void append_done(struct sim *s, struct event *ev)
{
    struct copy *c = same_run(s, ev);
    if (c == NULL)
        return;
    if (c->append_fails) {
        tell(s, "node %u: append fails", c->number);
        node_kill(s, c);
        return;
    }
    const enum mr_status st = append(c);
    if (st == MR_DISK_FULL) {
        set(s, c, FULL_US, append_done);
        return;
    }
    mr_assert(st == MR_OK);
    c->syncing = false;
    watch_read(s, c);
    struct mr_event synced = {.kind = MR_EV_SYNCED};
    if (c->commit_waits) {
        c->commit_waits = false;
        set(s, c, disk_time(s, c), commit_done);
    }
    if (c->early == NULL) {
        node_step(s, c, &synced);
        return;
    }
    free(c->early);
    c->early = NULL;
    pump(s, c);
}

/* --- the store -------------------------------------------------------------------------------- */

static void store_finding(void *ctx, const struct mr_finding *f)
{
    struct copy *c = ctx;
    /* A node that is behind may have settled what an account gave before what it was given: such a
     * debt goes away when it has caught up, and only then is it looked at. */
    if (strcmp(f->rule, "INV-2") == 0 &&
        (c->sim->nodes > 1 || c->sim->epoch > 1 || c->sim->decided > 1) &&
        !(c->sim->final && in_service(c->sim, c)))
        return;
    /* Whose id it is follows from the rule that is switched off; what comes of it is looked for. */
    if (strcmp(f->rule, "INV-10") == 0 && rules_without(c->sim, "own_space"))
        return;
    violated(c->sim, f->rule, "store of node %u, %s: expected %s, found %s", c->number, f->where,
             f->expected, f->found);
}

void node_check_store(struct sim *s, struct copy *c)
{
    struct mr_check_totals t;
    const struct mr_check k = {.charter = &s->charter,
                               .store = c->store,
                               .journal = c->journal,
                               .mem = mem_of(c),
                               .found = store_finding,
                               .found_ctx = c};
    s->counts.checks++;
    const enum mr_status st = mr_check_store(&k, &t);
    if (st != MR_OK)
        violated(s, "S8", "store of node %u: %s", c->number, mr_status_name(st));
}

enum mr_status node_sum(struct sim *s, struct copy *c, struct mr_checkpoint *ret)
{
    const struct mr_mem mem = mem_of(c);
    return mr_state_sum(ret, c->store, &s->charter, &mem);
}

/* With one node, its chain of checkpoints; several agree on theirs (rest.c). Such a sum may be
 * under way when an epoch ends. */
static void checkpoint(struct sim *s, struct copy *c)
{
    struct mr_checkpoint sum;
    if (mr_engine_committee(c->engine)->count > 1 || !rng_chance(&s->disks, 100))
        return;
    if (node_sum(s, c, &sum) != MR_OK)
        violated(s, "S19", "node %u cannot sum up its state", c->number);
    struct mr_event ev = {.kind = MR_EV_CHECKPOINT, .u.checkpoint = {&sum, false}};
    if (mr_engine_ready(c->engine))
        node_step(s, c, &ev);
}

static void note_stored(struct copy *c, uint64_t settled, uint32_t epoch)
{
    c->stored = true;
    c->stored_settled = settled;
    c->stored_epoch = epoch;
}

static void commit_done(struct sim *s, struct event *ev)
{
    struct copy *c = same_run(s, ev);
    if (c == NULL)
        return;
    mr_puts_sort(c->puts, c->puts_count);
    const enum mr_status st = c->store->api->commit(c->store, c->puts, c->puts_count);
    if (st == MR_DISK_FULL) {
        set(s, c, FULL_US, commit_done);
        return;
    }
    mr_assert(st == MR_OK);
    if (c->store->api->refresh(c->store) != MR_OK)
        mr_bug("refresh");
    mr_engine_flushed(c->engine, c->puts);
    c->puts = NULL;
    note_stored(c, c->frozen_settled, c->frozen_epoch);
    if (c->honest && rng_chance(&s->disks, 50))
        node_check_store(s, c);
    checkpoint(s, c);
}

bool node_flush(struct sim *s, struct copy *c)
{
    struct mr_effects fx = {.reply = node_reply, .ctx = c};
    struct mr_engine_facts f;
    mr_engine_facts(c->engine, &f);
    if (c->puts == NULL && c->stored && c->stored_settled == f.meta.settled &&
        c->stored_epoch == f.meta.epoch)
        return true;
    if (c->puts == NULL && !c->syncing) {
        const bool cut = mr_engine_cut(c->engine, &c->turn, &fx);
        freeze(s, c, cut);
        if (cut) {
            c->syncing = true;
            set(s, c, 0, append_done);
        }
    }
    return false;
}

/* What others take over when they join: the state that an epoch ended with. */
static void keep_snapshot(struct sim *s, struct copy *c, const struct mr_checkpoint *sum)
{
    const struct mr_mem mem = mem_of(c);
    if (c->snapshot != NULL)
        c->snapshot->api->close(c->snapshot);
    if (mr_store_mem_open(&c->snapshot, &mem, NULL) != MR_OK)
        violated(s, "S19", "node %u cannot keep its state", c->number);
    join_copy(s, c->snapshot, c->store, false);
    c->sum = *sum;
}

void node_sum_up(struct sim *s, struct copy *c)
{
    struct mr_engine_facts f;
    struct mr_checkpoint sum;
    struct mr_event ev = {.kind = MR_EV_CHECKPOINT, .u.checkpoint.sum = &sum};
    if (!node_flush(s, c) || !mr_engine_ready(c->engine))
        return;
    if (node_sum(s, c, &sum) != MR_OK)
        violated(s, "S19", "node %u cannot sum up its state", c->number);
    mr_engine_facts(c->engine, &f);
    ev.u.checkpoint.kept = f.sum_kept;
    if (f.sum_kept)
        keep_snapshot(s, c, &sum);
    node_step(s, c, &ev);
}

/* --- requests --------------------------------------------------------------------------------- */

static struct call *call_new(struct sim *s, uint32_t *ret_index)
{
    uint32_t i = 0;
    while (i < s->calls_count && s->calls[i].open)
        i++;
    if (i == s->calls_cap) {
        s->calls_cap = s->calls_cap == 0 ? 64 : 2 * s->calls_cap;
        s->calls = realloc(s->calls, s->calls_cap * sizeof *s->calls);
        mr_assert(s->calls != NULL);
    }
    if (i == s->calls_count)
        s->calls_count++;
    *ret_index = i;
    return &s->calls[i];
}

/* What a worker thread of the node would have found out about signatures. */
static void verify(struct sim *s, struct copy *c, struct mr_event *ev)
{
    const struct mr_request_body *b = &s->request.body;
    struct mr_keyset keys;
    ev->u.request.signatures = MR_ACCOUNT_UNKNOWN;
    if (b->kind == MR_REQ_SUBMIT && mr_engine_signers(c->engine, &keys, &ev->u.request.generation,
                                                      &b->u.submit.order.order) == MR_OK)
        ev->u.request.signatures =
            mr_order_verify(&b->u.submit.order, &keys, mr_engine_committee(c->engine)->epoch);
    if (b->kind == MR_REQ_CANCEL && mr_engine_keys(c->engine, &keys, &ev->u.request.generation,
                                                   b->u.cancel.cancel.account) == MR_OK)
        ev->u.request.signatures = mr_cancel_verify(&b->u.cancel, &keys);
}

struct late {
    enum caller who;
    uint32_t from, id, session;
};

/* The turn is full: the request is looked at again a moment later. */
static void request_again(struct sim *s, struct event *ev)
{
    struct copy *c = same_run(s, ev);
    struct late l;
    if (c == NULL)
        return;
    memcpy(&l, ev->bytes, sizeof l);
    node_request(s, c, l.who, l.from, l.id, l.session, ev->bytes + sizeof l, ev->len - sizeof l);
}

static void request_later(struct sim *s, struct copy *c, const struct late *l, const uint8_t *bytes,
                          size_t len)
{
    const struct event ev = {.run = request_again, .a = c->index, .b = c->run};
    uint8_t *both = malloc(sizeof *l + len);
    mr_assert(both != NULL);
    memcpy(both, l, sizeof *l);
    memcpy(both + sizeof *l, bytes, len);
    clock_set_with(&s->clock, BUSY_US, &ev, both, sizeof *l + len);
    free(both);
}

void node_request(struct sim *s, struct copy *c, enum caller who, uint32_t from, uint32_t id,
                  uint32_t session, const uint8_t *bytes, size_t len)
{
    struct mr_event ev = {.kind = MR_EV_REQUEST};
    struct mr_principal principal = {.local = who == CALLER_OWNER};
    uint32_t index;
    if (!c->up)
        return;
    if (!mr_engine_ready(c->engine)) {
        const struct late l = {who, from, id, session};
        request_later(s, c, &l, bytes, len);
        return;
    }
    if (mr_request_decode(&s->request, bytes, len) != MR_OK)
        violated(s, "S26", "a request cannot be read");
    if (who == CALLER_PEER)
        principal = (struct mr_principal){
            .proved = true, .role = MR_AUTH_PEER, .peer = s->copies[from].number};
    struct call *call = call_new(s, &index);
    *call = (struct call){.open = true,
                          .who = who,
                          .copy = c->index,
                          .run = c->run,
                          .from = from,
                          .id = id,
                          .session = session};
    c->who = principal;
    ev.u.request.token = index;
    ev.u.request.who = &c->who;
    ev.u.request.request = &s->request;
    verify(s, c, &ev);
    node_step(s, c, &ev);
}

void node_reply(void *ctx, uint64_t token, const uint8_t *bytes, size_t len)
{
    struct copy *c = ctx;
    struct sim *s = c->sim;
    struct call *call = &s->calls[token];
    if (token >= s->calls_count || !call->open || call->copy != c->index || call->run != c->run)
        violated(s, "S26", "node %u answers what it was not asked", c->number);
    if (len > MR_FRAME_MAX)
        violated(s, "S26", "node %u: a reply of %zu bytes", c->number, len);
    call->open = false;
    watch_reply(s, c, bytes, len);
    if (call->who == CALLER_PEER) {
        peer_reply(s, c, call, bytes, len);
        return;
    }
    if (call->who == CALLER_JOINER) {
        const struct event back = {
            .run = join_reply, .a = call->from, .b = call->id, .c = c->index};
        net_send(s, end_of(c), call->from + 1, &back, bytes, len);
        return;
    }
    const struct event ev = {.run = owner_reply, .a = call->from, .b = call->id, .c = c->index};
    net_send(s, end_of(c), 0, &ev, bytes, len);
}

/* --- life ------------------------------------------------------------------------------------- */

static void tick(struct sim *s, struct event *ev)
{
    struct copy *c = same_run(s, ev);
    if (c == NULL)
        return;
    struct mr_event t = {.kind = MR_EV_TICK};
    node_step(s, c, &t);
    rest_tick(s, c);
    if (mr_engine_sum_wanted(c->engine))
        node_sum_up(s, c);
    set(s, c, TICK_US, tick);
}

void node_make(struct sim *s, struct copy *c, uint32_t number)
{
    *c = (struct copy){.sim = s,
                       .index = s->copies_count++,
                       .number = number,
                       .honest = true,
                       .serves = UINT32_MAX};
    c->journal = journal_new(c);
    c->store = store_new(c);
    c->watch = watch_new();
    epoch_keys(c, 1);
}

static struct mr_engine_config config_of(struct sim *s, struct copy *c)
{
    return (struct mr_engine_config){.charter = &s->charter,
                                     .node = c->number,
                                     .log_key = &c->keys[0],
                                     .next_key = &c->keys[1],
                                     .software = "mereau-sim",
                                     .store = c->store,
                                     .journal = c->journal,
                                     .mem = mem_of(c),
                                     .now_ms = clock_of(s, c)};
}

/* Its store takes up what its journal holds, as `mereau-admin rebuild` would. */
void node_catch_up(struct sim *s, struct copy *c)
{
    mr_assert(!c->up);
    mr_journal_mem_reopen(c->journal, NULL);
    c->disk_full = false;
    struct mr_engine_config config = config_of(s, c);
    config.read_only = true;
    struct mr_engine_facts f;
    struct mr_put *puts;
    size_t count;
    if (mr_engine_create(&c->engine, &config) != MR_OK ||
        mr_engine_freeze(c->engine, &puts, &count) != MR_OK)
        violated(s, "S12", "node %u does not take up its journal", c->number);
    mr_puts_sort(puts, count);
    if (c->store->api->commit(c->store, puts, count) != MR_OK ||
        c->store->api->refresh(c->store) != MR_OK)
        mr_bug("store in memory");
    mr_engine_flushed(c->engine, puts);
    mr_engine_facts(c->engine, &f);
    note_stored(c, f.meta.settled, f.meta.epoch);
    mr_engine_destroy(c->engine);
    c->engine = NULL;
}

void node_start(struct sim *s, struct copy *c)
{
    mr_assert(!c->up);
    mr_journal_mem_reopen(c->journal, NULL);
    struct mr_engine_config config = config_of(s, c);
    config.restart = c->restarts ? &c->restart : NULL;
    config.regroup = c->regroups ? &s->regroup : NULL;
    config.abstain = c->restored;
    rules_apply(s, c);
    const enum mr_status st = mr_engine_create(&c->engine, &config);
    rules_apply(s, NULL);
    if (st != MR_OK)
        violated(s, "S12", "node %u does not start: %s", c->number, mr_status_name(st));
    c->up = true;
    c->run++;
    c->committee = 0;
    s->counts.starts++;
    tell(s, "node %u starts (copy %u)", c->number, c->index);
    watch_started(s, c);
    set(s, c, rng_below(&s->disks, TICK_US), tick);
    peer_start(s, c);
    epoch_committee(s, c);
    pump(s, c);
}

void node_kill(struct sim *s, struct copy *c)
{
    uint64_t keep = 0;
    mr_assert(c->up);
    tell(s, "node %u dies", c->number);
    if (c->syncing && rng_chance(&s->disks, 700)) {
        /* It was writing: some of the turn, or all of it, is on the disk. */
        c->append_fails = true;
        c->disk_full = false;
        (void)append(c);
        keep = rng_chance(&s->disks, 300)
                   ? UINT64_MAX
                   : rng_below(&s->disks, c->turn.log_len + c->turn.bodies_len);
    }
    free(c->early);
    c->early = NULL;
    mr_journal_mem_crash(c->journal, keep);
    if (c->puts != NULL && !c->commit_waits && !c->disk_full && rng_chance(&s->disks, 500)) {
        mr_puts_sort(c->puts, c->puts_count);
        if (c->store->api->commit(c->store, c->puts, c->puts_count) == MR_OK)
            note_stored(c, c->frozen_settled, c->frozen_epoch);
    }
    if (c->puts != NULL)
        mr_engine_flushed(c->engine, c->puts);
    mr_store_mem_crash(c->store);
    mr_engine_destroy(c->engine);
    c->engine = NULL;
    c->puts = NULL;
    c->up = c->syncing = c->commit_waits = c->pump_due = c->append_fails = false;
    for (uint32_t i = 0; i < s->calls_count; i++)
        if (s->calls[i].copy == c->index)
            s->calls[i].open = false;
    peer_gone(s, c);
}

void node_done(struct copy *c)
{
    if (c->puts != NULL)
        mr_engine_flushed(c->engine, c->puts);
    mr_engine_destroy(c->engine);
    if (c->snapshot != NULL)
        c->snapshot->api->close(c->snapshot);
    join_done(c);
    c->store->api->close(c->store);
    c->journal->api->close(c->journal);
    free(c->early);
    watch_free(c->watch);
    liar_done(c);
}
