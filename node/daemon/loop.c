/* The loop: events in, turns out, effects released when a turn is synced. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/exit.h"
#include "common/heap.h"
#include "common/log.h"
#include "daemon/node.h"
#include "daemon/peers.h"
#include "daemon/steady.h"
#include "mereau/assert.h"
#include "storage/snapshot.h"
#include "storage/store_lmdb.h"

enum {
    TICK_MS = 250,
    STOP_MS_MAX = 10000,
    ROOM_MIN = 4 << 20,
    STEPS_MAX = 2048,
    CLOCK_BACK_MS = 1000, /* smaller steps are what keeping clocks right takes */
    PEER_SESSIONS_MAX = 1024,
};

uint64_t wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

/* Workers ask for the time too. */
static pthread_mutex_t time_lock = PTHREAD_MUTEX_INITIALIZER;
static struct steady node_time;

uint64_t now_ms(void)
{
    pthread_mutex_lock(&time_lock);
    const uint64_t now = steady_ms(&node_time, wall_ms(), clock_ms(CLOCK_MONOTONIC));
    pthread_mutex_unlock(&time_lock);
    return now;
}

uint64_t time_behind_ms(void)
{
    pthread_mutex_lock(&time_lock);
    const uint64_t behind = node_time.behind_ms;
    pthread_mutex_unlock(&time_lock);
    return behind;
}

_Noreturn void node_fail(struct node *n, const char *what, enum mr_status st)
{
    log_event(LOG_LEVEL_ERROR, "failed",
              log_with(log_text("what", what), log_text("status", mr_status_name(st)),
                       log_text("reason", mr_status_text(st)), log_text("data", n->dir)));
    /* No destructor, no flush: nothing that is not synced may leave. */
    _exit(EXIT_HOST);
}

static void pump(struct node *n);

/* --- tasks ------------------------------------------------------------------------------------ */

struct append_task {
    struct task task;
    struct mr_turn turn;
    enum mr_status status;
    struct mr_journal *journal;
    uint64_t ns;
};

struct flush_task {
    struct task task;
    struct node *node;
    enum mr_status status;
    bool sum, final, cut;  /* final: at the end of an epoch, of which nodes that join have a copy;
                              cut: by a CUT */
    enum mr_status unkept; /* it was final, and that copy could not be written: why; or MR_OK */
    struct mr_checkpoint checkpoint;
    uint64_t turn, settled;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void append_run(struct task *t)
{
    struct append_task *a = (struct append_task *)t;
    const uint64_t start = now_ns();
    a->status = a->journal->api->append(a->journal, a->turn.log, a->turn.log_len, a->turn.bodies,
                                        a->turn.bodies_len);
    /* The turn was made with room known: if it is gone all the same, wait for it here. What was
     * said in the turn has not left the node. */
    while (a->status == MR_DISK_FULL) {
        const struct timespec pause = {.tv_nsec = 200000000};
        nanosleep(&pause, NULL);
        a->status = a->journal->api->append(a->journal, a->turn.log, a->turn.log_len,
                                            a->turn.bodies, a->turn.bodies_len);
    }
    a->ns = now_ns() - start;
}

/* MR_OK: the copy is there. */
static enum mr_status keep_snapshot(struct flush_task *f)
{
    char dir[1024];
    snprintf(dir, sizeof dir, "%s/snapshots", f->node->dir);
    enum mr_status kept =
        snapshot_write(f->node->store, dir, f->checkpoint.turn, f->checkpoint.state_root);
    if (f->final && (kept == MR_OK || kept == MR_FILE_EXISTS))
        kept = snapshot_keep(dir, f->checkpoint.turn, f->checkpoint.state_root);
    if (kept == MR_OK || kept == MR_FILE_EXISTS)
        return MR_OK;
    log_event(LOG_LEVEL_WARN, "snapshot", log_with(log_text("status", mr_status_name(kept))));
    return kept;
}

/* Of a REGROUP only the state that it names is one that nodes join. */
static bool is_last(const struct flush_task *f)
{
    const struct mr_signed_regroup *const g = f->node->regroup;
    return f->final && (f->cut || (g != NULL && memcmp(g->regroup.state_root,
                                                       f->checkpoint.state_root, 32) == 0));
}

static void sum_up(struct flush_task *f)
{
    struct mr_store *snapshot;
    enum mr_status st = mr_store_lmdb_snapshot(&snapshot, f->node->store);
    if (st == MR_OK) {
        st = mr_state_sum(&f->checkpoint, snapshot, &f->node->charter, &heap);
        snapshot->api->close(snapshot);
    }
    f->final = st == MR_OK && is_last(f);
    f->unkept =
        f->final ? keep_snapshot(f) : MR_OK; /* before FINAL tells others that it is there */
    if (f->unkept != MR_OK) {
        f->final = false;
        log_event(LOG_LEVEL_WARN, "epoch_waits",
                  log_with(log_text("why", "the copy of its last state cannot be written"),
                           log_text("do", "make room on the disk, and see that this node may write "
                                          "to DATA/snapshots")));
    }
    if (st != MR_OK) {
        log_event(LOG_LEVEL_ERROR, "checkpoint", log_with(log_text("status", mr_status_name(st))));
        f->sum = false;
        f->status = st == MR_DAMAGED ? MR_DAMAGED : f->status;
    }
}

static void flush_run(struct task *t)
{
    struct flush_task *f = (struct flush_task *)t;
    struct mr_store *s = f->node->store;
    mr_puts_sort(f->node->puts, f->node->puts_count);
    f->status = s->api->commit(s, f->node->puts, f->node->puts_count);
    if (f->status == MR_OK && f->sum)
        sum_up(f);
}

static void snapshot_run(struct task *t)
{
    (void)keep_snapshot((struct flush_task *)t); /* the next one replaces it */
}

static void snapshot_done(struct node *n, struct task *t)
{
    n->flushing = false;
    free(t);
    pump(n);
}

/* The state was summed up. Nodes may be waiting for what it is: the copy comes behind. */
static void summed(struct node *n, struct flush_task *f)
{
    struct mr_effects fx = {requests_reply, n};
    const struct mr_event ev = {.kind = MR_EV_CHECKPOINT,
                                .now_ms = now_ms(),
                                .u.checkpoint = {.sum = &f->checkpoint, .kept = f->final}};
    const enum mr_status st = mr_engine_step(n->engine, &ev, &fx);
    if (st != MR_OK && st != MR_NO_MEMORY)
        node_fail(n, "checkpoint", st);
    n->checkpoint_wanted = false;
    if (mr_engine_committee(n->engine)->count == 1) {
        n->checkpoint_ms = now_ms();
        n->checkpoint_settled = f->settled;
    }
    log_event(LOG_LEVEL_INFO, "checkpoint",
              log_with(log_uint("turn", f->checkpoint.turn),
                       log_hex("state_root", f->checkpoint.state_root, 8)));
    n->unkept = f->unkept;
    n->unkept_ms = now_ms();
    n->unkept_count = f->unkept != MR_OK ? n->unkept_count + 1 : 0;
    if (f->final || f->unkept != MR_OK)
        return;
    f->task.run = snapshot_run;
    f->task.done = snapshot_done;
    n->flushing = true; /* no commit meanwhile: the copy is of the state that was summed up */
    workers_give(n->background, &f->task);
}

static void flush_give(struct node *n, bool sum);

static void flush_done(struct node *n, struct task *t)
{
    struct flush_task *f = (struct flush_task *)t;
    if (f->status == MR_DISK_FULL) {
        log_event(LOG_LEVEL_WARN, "disk_full", log_with(log_text("what", "store")));
        n->flushing = false; /* the tick gives it again */
        n->store_full_ms = now_ms();
        free(f);
        return;
    }
    if (f->status == MR_OK)
        f->status = n->store->api->refresh(n->store);
    if (f->status != MR_OK)
        node_fail(n, "store", f->status);
    mr_engine_flushed(n->engine, n->puts);
    n->puts = NULL;
    n->flushing = false;
    n->store_full_ms = 0;
    n->flushed_ms = now_ms();
    n->flushed_turn = f->turn;
    n->flushed_settled = f->settled;
    n->counters.flushes++;
    epochs_follow(n);
    requests_flushed(n);
    if (f->sum && !n->stopping)
        summed(n, f);
    if (!n->flushing)
        free(f);
    pump(n);
}

static void flush_give(struct node *n, bool sum)
{
    struct flush_task *f = calloc(1, sizeof *f);
    struct mr_engine_facts facts;
    if (f == NULL)
        return; /* the tick gives it again */
    mr_engine_facts(n->engine, &facts);
    f->task.run = flush_run;
    f->task.done = flush_done;
    f->node = n;
    f->sum = sum;
    f->final = sum && facts.sum_kept;
    f->cut = facts.meta.cut != 0;
    f->turn = facts.meta.turn;
    f->settled = facts.meta.settled;
    n->flushing = true;
    workers_give(n->background, &f->task);
}

/* Whether the state is to be summed up with this flush. One node alone does it when it is due,
 * several when they rest (epochs_look) or somebody asks. */
static bool checkpoint_due(const struct node *n)
{
    struct mr_engine_facts facts;
    if (n->stopping)
        return false;
    if (n->checkpoint_wanted)
        return true;
    if (mr_engine_committee(n->engine)->count > 1)
        return false;
    mr_engine_facts(n->engine, &facts);
    return checkpoints_wanted(n, facts.meta.settled);
}

/* --- turns ------------------------------------------------------------------------------------ */

static void append_done(struct node *n, struct task *t)
{
    struct append_task *a = (struct append_task *)t;
    struct mr_effects fx = {requests_reply, n};
    const struct mr_event ev = {.kind = MR_EV_SYNCED, .now_ms = now_ms()};
    if (a->status != MR_OK)
        node_fail(n, "journal", a->status);
    n->syncing = false;
    n->counters.turns++;
    n->counters.syncs_ns += a->ns;
    free(a);
    const enum mr_status st = mr_engine_step(n->engine, &ev, &fx);
    if (st == MR_DAMAGED || st == MR_IO_ERROR)
        node_fail(n, "release", st);
    if (n->freeze_due) {
        n->freeze_due = false;
        flush_give(n, checkpoint_due(n));
    }
    requests_synced(n);
    pump(n);
}

static bool flush_due(const struct node *n)
{
    if (n->flushing || n->freeze_due || n->puts != NULL)
        return false;
    const size_t dirty = mr_engine_dirty(n->engine);
    if (n->flush_wanted || (n->closed && dirty > 0))
        return true;
    return dirty > 0 && (now_ms() - n->flushed_ms >= (uint64_t)n->settings.flush_ms ||
                         dirty >= (size_t)n->settings.flush_bytes);
}

static bool freeze(struct node *n)
{
    if (mr_engine_freeze(n->engine, &n->puts, &n->puts_count) != MR_OK) {
        n->puts = NULL;
        return false;
    }
    n->flush_wanted = false;
    return true;
}

static void append_give(struct node *n, const struct mr_turn *turn)
{
    struct append_task *a = calloc(1, sizeof *a);
    if (a == NULL)
        node_fail(n, "memory", MR_NO_MEMORY);
    a->task.run = append_run;
    a->task.done = append_done;
    a->turn = *turn;
    a->journal = n->journal;
    n->syncing = true;
    workers_give(n->journaler, &a->task);
}

/* Lack of space is known before an order is taken. */
static void look_at_room(struct node *n, struct mr_effects *fx)
{
    const bool full = n->journal->api->room(n->journal) < ROOM_MIN;
    if (full == n->full)
        return;
    n->full = full;
    if (!full)
        n->unkept_count = 0; /* no need to wait longer with the copy of a last state */
    const struct mr_event ev = {.kind = MR_EV_ROOM, .now_ms = now_ms(), .u.room = !full};
    (void)mr_engine_step(n->engine, &ev, fx);
    log_event(full ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, full ? "disk_full" : "disk_has_room",
              log_with(log_text("data", n->dir)));
}

static bool has_ready(const struct node *n)
{
    return n->ready[LANE_WALLET].first != NULL || n->ready[LANE_PEER].first != NULL;
}

/* The lanes take turns. False: nothing is ready, or the turn is full. */
static bool step_one(struct node *n, struct mr_effects *fx)
{
    if (n->ready[n->next_lane].first == NULL)
        n->next_lane = n->next_lane == LANE_WALLET ? LANE_PEER : LANE_WALLET;
    struct queue *const q = &n->ready[n->next_lane];
    struct task *const t = queue_pop(q);
    if (t == NULL)
        return false;
    if (!t->step(n, t, fx)) {
        queue_push_front(q, t);
        return false;
    }
    n->next_lane = n->next_lane == LANE_WALLET ? LANE_PEER : LANE_WALLET;
    return true;
}

static void end_turn(struct node *n, struct mr_effects *fx)
{
    struct mr_turn turn;
    if (mr_engine_cut(n->engine, &turn, fx)) {
        if (flush_due(n))
            n->freeze_due = freeze(n);
        append_give(n, &turn);
    } else if (flush_due(n) && freeze(n)) {
        flush_give(n, checkpoint_due(n));
    }
}

static void pump(struct node *n)
{
    struct mr_effects fx = {requests_reply, n};
    look_at_room(n, &fx);
    for (int i = 0; i < STEPS_MAX && step_one(n, &fx); i++)
        continue;
    peers_ask(n);
    epochs_look(n);
    if (n->syncing)
        return;
    if (flush_due(n) || mr_engine_due(n->engine))
        end_turn(n, &fx);
    if (has_ready(n))
        node_pump_soon(n);
}

static void on_idle(uv_idle_t *h)
{
    struct node *n = h->data;
    uv_idle_stop(h);
    pump(n);
}

void node_pump_soon(struct node *n)
{
    uv_idle_start(&n->idle, on_idle);
}

void node_ready(struct node *n, struct task *t)
{
    queue_push(&n->ready[t->lane], t);
}

/* After sockets and finished work were looked at: everything that is ready makes one turn. */
static void on_check(uv_check_t *h)
{
    struct node *n = h->data;
    if (has_ready(n))
        pump(n);
}

/* --- stopping --------------------------------------------------------------------------------- */

/* A store that met a full disk is left as it is: the journal holds the rest. */
static bool all_done(const struct node *n)
{
    const bool flushed = n->puts == NULL && mr_engine_dirty(n->engine) == 0;
    return !n->syncing && !n->flushing && !n->freeze_due && !has_ready(n) &&
           workers_load(n->verifiers) == 0 && workers_load(n->background) == 0 &&
           (flushed || n->store_full_ms > 0);
}

/* Requests under way are answered; then the closing entry, a last flush, and the loop ends. */
static void stop_on(struct node *n)
{
    struct mr_effects fx = {requests_reply, n};
    const bool quiet = server_is_quiet(n->wallet) && server_is_quiet(n->local) && n->jobs == 0;
    const bool late = now_ms() - n->stop_ms > STOP_MS_MAX;
    if (!n->closed && (quiet || late)) {
        const struct mr_event ev = {.kind = MR_EV_CLOSE, .now_ms = now_ms()};
        if (mr_engine_step(n->engine, &ev, &fx) == MR_OK) {
            n->closed = true;
            pump(n);
        }
    } else if (n->closed && all_done(n)) {
        uv_stop(&n->loop);
    }
}

void node_stop(struct node *n)
{
    if (n->stopping)
        return;
    log_event(LOG_LEVEL_INFO, "stopping", log_with(log_text("data", n->dir)));
    n->stopping = true;
    n->stop_ms = now_ms();
    peers_stop(n);
    server_drain(n->wallet);
    server_drain(n->local);
    requests_synced(n);
    struct mr_effects fx = {requests_reply, n};
    const struct mr_event ev = {.kind = MR_EV_DRAIN, .now_ms = now_ms()};
    const enum mr_status st = mr_engine_step(n->engine, &ev, &fx);
    if (st == MR_DAMAGED || st == MR_IO_ERROR)
        node_fail(n, "stop", st);
    node_pump_soon(n);
}

static void on_signal(uv_signal_t *h, int number)
{
    (void)number;
    node_stop(h->data);
}

static void watch_time(struct node *n)
{
    const uint64_t behind = time_behind_ms();
    if (!n->clock_back && behind >= CLOCK_BACK_MS) {
        n->clock_back = true;
        log_event(
            LOG_LEVEL_WARN, "clock_back",
            log_with(log_uint("behind_ms", behind),
                     log_text("do", "time goes on at half its pace until the clock has caught "
                                    "up; if it was far ahead before, restart the node")));
    } else if (n->clock_back && behind == 0) {
        n->clock_back = false;
        log_event(LOG_LEVEL_INFO, "clock_right", log_with(log_uint("behind_ms", 0)));
    }
}

static void on_tick(uv_timer_t *h)
{
    struct node *n = h->data;
    struct mr_effects fx = {requests_reply, n};
    const struct mr_event ev = {.kind = MR_EV_TICK, .now_ms = now_ms()};
    const enum mr_status st = mr_engine_step(n->engine, &ev, &fx);
    if (st == MR_DAMAGED || st == MR_IO_ERROR)
        node_fail(n, "tick", st);
    if (n->puts != NULL && !n->flushing && !n->freeze_due &&
        ev.now_ms - n->store_full_ms >= STORE_RETRY_MS)
        flush_give(n, false); /* it met a full disk before */
    watch_time(n);
    checkpoints_look(n);
    pump(n);
    requests_tick(n);
    peers_tick(n);
    if (n->http != NULL)
        http_publish(n->http, n);
    if (n->stopping)
        stop_on(n);
}

/* --- running ---------------------------------------------------------------------------------- */

static void take_wallet(void *ctx, struct conn *conn, uint64_t token, const uint8_t *body,
                        size_t len)
{
    requests_take(ctx, PORT_WALLET, conn, token, body, len);
}

static void take_local(void *ctx, struct conn *conn, uint64_t token, const uint8_t *body,
                       size_t len)
{
    requests_take(ctx, PORT_LOCAL, conn, token, body, len);
}

static void take_peer(void *ctx, struct conn *conn, uint64_t token, const uint8_t *body, size_t len)
{
    requests_take(ctx, PORT_PEER, conn, token, body, len);
}

static enum mr_status listen_all(struct node *n)
{
    const struct transport_sink wallet = {.on_request = take_wallet, .ctx = n};
    const struct transport_sink local = {.on_request = take_local, .ctx = n};
    const struct transport_sink peer = {.on_request = take_peer, .ctx = n};
    struct server_config config = server_defaults();
    const struct peer_config peers = peer_defaults();
    char path[1024];
    config.connections_max = (size_t)n->settings.connections_max;
    config.address_max = (size_t)n->settings.address_max;
    snprintf(path, sizeof path, "%s/run/control.sock", n->dir);
    enum mr_status st = server_create(&n->wallet, &n->loop, &config, &wallet);
    if (st == MR_OK)
        st = server_create(&n->local, &n->loop, &config, &local);
    if (st == MR_OK)
        st = server_listen_local(n->local, path);
    if (st == MR_OK)
        st = server_listen_tcp(n->wallet, &n->wallet_port, n->settings.wallet_listen);
    if (st == MR_OK && n->settings.peer_listen[0] != '\0')
        st = peer_create(&n->peer, &n->loop, n->settings.peer_listen, &peers, &peer);
    if (st == MR_OK && n->settings.http_listen[0] != '\0')
        st = http_start(&n->http, n->settings.http_listen, n->settings.http_public);
    if (st != MR_OK)
        log_event(LOG_LEVEL_ERROR, "listen_failed",
                  log_with(log_text("wallet", n->settings.wallet_listen), log_text("local", path),
                           log_text("peer", n->settings.peer_listen),
                           log_text("http", n->settings.http_listen),
                           log_text("status", mr_status_name(st))));
    return st;
}

static unsigned verify_threads(const struct node *n)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (n->settings.threads > 0)
        return (unsigned)n->settings.threads;
    return processors > 0 && processors <= 64 ? (unsigned)processors : 1;
}

static enum mr_status start_handles(struct node *n)
{
    static const int signals[2] = {SIGTERM, SIGINT};
    uv_timer_init(&n->loop, &n->tick);
    uv_check_init(&n->loop, &n->check);
    uv_idle_init(&n->loop, &n->idle);
    n->tick.data = n->check.data = n->idle.data = n;
    uv_timer_start(&n->tick, on_tick, TICK_MS, TICK_MS);
    uv_check_start(&n->check, on_check);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&n->loop, &n->signals[i]);
        n->signals[i].data = n;
        uv_signal_start(&n->signals[i], on_signal, signals[i]);
    }
    enum mr_status st = workers_start(&n->verifiers, n, verify_threads(n));
    if (st == MR_OK)
        st = workers_start(&n->journaler, n, 1);
    return st == MR_OK ? workers_start(&n->background, n, 1) : st;
}

static void close_handles(struct node *n)
{
    http_stop(n->http);
    server_destroy(n->wallet);
    server_destroy(n->local);
    peer_destroy(n->peer);
    peers_free(n);
    workers_stop(n->verifiers);
    workers_stop(n->journaler);
    workers_stop(n->background);
    uv_close((uv_handle_t *)&n->tick, NULL);
    uv_close((uv_handle_t *)&n->check, NULL);
    uv_close((uv_handle_t *)&n->idle, NULL);
    uv_close((uv_handle_t *)&n->signals[0], NULL);
    uv_close((uv_handle_t *)&n->signals[1], NULL);
    uv_run(&n->loop, UV_RUN_DEFAULT);
    mr_assert(uv_loop_close(&n->loop) == 0);
}

int node_run(struct node *n)
{
    signal(SIGPIPE, SIG_IGN);
    queue_init(&n->ready[LANE_WALLET]);
    queue_init(&n->ready[LANE_PEER]);
    if (uv_loop_init(&n->loop) != 0)
        return EXIT_HOST;
    enum mr_status st = sessions_init(&n->sessions, (size_t)n->settings.sessions_max);
    if (st == MR_OK)
        st = sessions_init(&n->peer_sessions, PEER_SESSIONS_MAX);
    if (st == MR_OK)
        st = start_handles(n);
    if (st != MR_OK)
        return EXIT_HOST;
    st = listen_all(n);
    if (st == MR_OK)
        st = peers_start(n);
    if (st == MR_OK) {
        if (n->http != NULL)
            http_publish(n->http, n);
        log_event(LOG_LEVEL_INFO, "ready",
                  log_with(log_text("wallet", n->settings.wallet_listen),
                           log_uint("wallet_port", n->wallet_port), log_text("data", n->dir),
                           log_int("pid", getpid())));
        pump(n); /* the opening turn */
        uv_run(&n->loop, UV_RUN_DEFAULT);
    }
    close_handles(n);
    sessions_done(&n->sessions);
    sessions_done(&n->peer_sessions);
    log_event(LOG_LEVEL_INFO, "stopped", log_with(log_text("data", n->dir)));
    return st == MR_OK ? EXIT_DONE : st == MR_IO_ERROR ? EXIT_HOST : EXIT_USAGE;
}
