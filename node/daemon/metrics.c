/* Figures for machines that watch: those of the node, and those of each peer by its number. */
#include "daemon/metrics.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/peers.h"

struct page {
    char *text;
    size_t len, cap;
    bool full;
};

struct metric {
    const char *name, *type, *help;
    double value;
};

__attribute__((format(printf, 2, 3))) static void add(struct page *p, const char *form, ...)
{
    va_list args;
    if (p->full)
        return;
    va_start(args, form);
    const int n = vsnprintf(p->text + p->len, p->cap - p->len, form, args);
    va_end(args);
    p->full = n < 0 || (size_t)n >= p->cap - p->len;
    if (!p->full)
        p->len += (size_t)n;
}

static void add_head(struct page *p, const char *name, const char *type, const char *help)
{
    add(p, "# HELP mereau_%s %s\n# TYPE mereau_%s %s\n", name, help, name, type);
}

static double seconds_since(uint64_t ms)
{
    const uint64_t now = now_ms();
    return ms == 0 || ms > now ? 0 : (double)(now - ms) / 1000;
}

/* --- the node --------------------------------------------------------------------------------- */

static void add_node(struct page *page, struct node *n, const struct mr_engine_facts *f)
{
    const struct mr_committee *const c = mr_engine_committee(n->engine);
    const struct server_stats w = server_stats(n->wallet);
    struct peer_stats p = {.requests = 0};
    if (n->peer != NULL)
        p = peer_stats(n->peer);
    const struct metric metrics[] = {
        {"up_seconds", "gauge", "since the node started",
         (double)(now_ms() - n->started_ms) / 1000},
        {"turn", "counter", "last turn synced", (double)f->synced_turn},
        {"flushed_turn", "counter", "last turn in the store", (double)n->flushed_turn},
        {"log_leaves", "counter", "leaves of the node's log", (double)f->meta.leaves},
        {"slots_settled", "counter", "slots settled since genesis", (double)f->meta.settled},
        {"accounts", "gauge", "accounts, sub-accounts included", (double)f->meta.accounts},
        {"orders_parked", "gauge", "orders that wait", (double)f->parked},
        {"orders_answered_settled", "counter", "SUBMIT answered settled",
         (double)n->counters.orders_settled},
        {"orders_answered_refused", "counter", "SUBMIT answered with a refusal",
         (double)n->counters.orders_refused},
        {"orders_answered_parked", "counter", "SUBMIT answered parked",
         (double)n->counters.orders_parked},
        {"requests", "counter", "messages received", (double)n->counters.requests},
        {"requests_refused", "counter", "messages refused without a session",
         (double)n->counters.refused},
        {"sessions", "gauge", "sessions open", (double)n->sessions.count},
        {"waiting", "gauge", "long polls open", (double)f->waiting},
        {"wallet_connections", "gauge", "connections of wallets", (double)w.connections},
        {"wallet_broken", "counter", "connections closed for breaking the framing",
         (double)w.broken},
        {"wallet_timed_out", "counter", "connections closed for being too slow",
         (double)w.timed_out},
        {"journal_syncs", "counter", "turns appended and synced", (double)n->counters.turns},
        {"journal_sync_seconds", "counter", "time spent on that",
         (double)n->counters.syncs_ns / 1e9},
        {"store_flushes", "counter", "commits of the store", (double)n->counters.flushes},
        {"store_dirty_bytes", "gauge", "changes not yet in the store", (double)f->dirty_bytes},
        {"join_requests", "gauge", "join requests that wait", (double)n->requests_waiting},
        {"slots_open", "gauge", "slots that are not settled here", (double)f->open},
        {"slots_open_oldest_seconds", "gauge", "how long the oldest of them waits",
         seconds_since(f->oldest_ms)},
        {"nodes", "gauge", "nodes of the committee, this one included", (double)c->count},
        {"quorum", "gauge", "votes that settle", (double)c->quorum},
        {"epoch", "gauge", "present epoch", (double)c->epoch},
        {"checkpoints", "counter", "checkpoints since genesis", (double)f->meta.checkpoints},
        {"checkpoint_seconds", "gauge", "age of the last one; before the first, of the ledger",
         seconds_since(mr_engine_checkpoint_ms(n->engine))},
        {"checkpoint_late", "gauge", "1: one is due and is not agreed", n->checkpoint_late ? 1 : 0},
        {"rests", "counter", "times in this run that orders were held for a checkpoint",
         (double)f->rests},
        {"rest_seconds", "counter", "time spent on that", (double)f->rested_ms / 1000},
        {"evidence", "gauge", "pieces of evidence against nodes", (double)f->evidence},
        {"mode", "gauge", "status number: 0 all is well", (double)f->mode},
        {"peer_port_requests", "counter", "requests of peers", (double)p.requests},
        {"peer_port_dropped", "counter", "requests and replies of peers that were dropped",
         (double)p.dropped},
        {"peer_port_accepted", "counter", "connections taken on the peer port", (double)p.accepted},
        {"peer_port_ended", "counter",
         "connections of it that were closed, by the other side or for breaking the framing",
         (double)p.ended},
        {"peer_port_open", "gauge", "requests of peers under way", (double)p.in_flight},
        {"disk_full", "gauge", "1: new orders are refused", f->disk_full ? 1 : 0},
        {"clock_behind_seconds", "gauge", "how far the machine's clock is behind the node's time",
         (double)time_behind_ms() / 1000},
        {"abstaining", "gauge", "1: the node does not sign", f->abstaining ? 1 : 0},
    };
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        const struct metric *const m = &metrics[i];
        add_head(page, m->name, m->type, m->help);
        add(page, "mereau_%s %.17g\n", m->name, m->value);
    }
}

/* --- its peers -------------------------------------------------------------------------------- */

static double is_connected(const struct mr_peer_status *s)
{
    return s->connected ? 1 : 0;
}

static double lag(const struct mr_peer_status *s)
{
    return (double)(s->head_size - s->size);
}

static double size(const struct mr_peer_status *s)
{
    return (double)s->size;
}

static double sent(const struct mr_peer_status *s)
{
    return (double)s->sent;
}

static double silence(const struct mr_peer_status *s)
{
    return seconds_since(s->seen_ms);
}

static double head_age(const struct mr_peer_status *s)
{
    return seconds_since(s->head_ms);
}

static double offset(const struct mr_peer_status *s)
{
    return (double)s->offset_ms / 1000;
}

static double rtt(const struct mr_peer_status *s)
{
    return (double)s->rtt_ms / 1000;
}

static double trouble(const struct mr_peer_status *s)
{
    return (double)s->trouble;
}

static double convicted(const struct mr_peer_status *s)
{
    return s->convicted ? 1 : 0;
}

static const struct {
    const char *name, *type, *help;
    double (*value)(const struct mr_peer_status *s);
} columns[] = {
    {"peer_connected", "gauge", "1: a session with the peer stands", is_connected},
    {"peer_lag_leaves", "gauge", "leaves of its log, by its last head, not taken up", lag},
    {"peer_log_leaves", "counter", "leaves of its log taken up", size},
    {"peer_sent_leaves", "counter", "leaves of the own log sent to it", sent},
    {"peer_silent_seconds", "gauge", "since it answered last; 0: never", silence},
    {"peer_head_seconds", "gauge", "age of its last head", head_age},
    {"peer_clock_offset_seconds", "gauge", "its clock minus the own one", offset},
    {"peer_rtt_seconds", "gauge", "last round trip without waiting", rtt},
    {"peer_trouble", "gauge", "status number of what the link met last; 0: none", trouble},
    {"peer_convicted", "gauge", "1: evidence against it is held", convicted},
};

static void add_column(struct page *page, struct node *n, size_t column)
{
    struct mr_peer_status s;
    add_head(page, columns[column].name, columns[column].type, columns[column].help);
    for (uint32_t i = 1; i <= MR_NODES_MAX; i++)
        if (n->peers->all[i].number != 0 && peers_status(n, i, &s))
            add(page, "mereau_%s{peer=\"%u\"} %.17g\n", columns[column].name, (unsigned)i,
                columns[column].value(&s));
}

static void add_refused(struct page *page, const struct node *n)
{
    add_head(page, "peer_refused", "counter", "answers of the peer that were no use, by reason");
    for (uint32_t i = 1; i <= MR_NODES_MAX; i++) {
        const struct peer *const p = &n->peers->all[i];
        for (unsigned k = 0; k < sizeof p->refused / sizeof p->refused[0]; k++)
            if (p->number != 0 && p->refused[k] > 0)
                add(page, "mereau_peer_refused{peer=\"%u\",reason=\"%s\"} %llu\n", (unsigned)i,
                    mr_status_name(mr_status_from_number(k)), (unsigned long long)p->refused[k]);
    }
}

size_t metrics_page(char *ret, size_t cap, struct node *n)
{
    struct page page = {.text = ret, .cap = cap};
    struct mr_engine_facts f;
    mr_engine_facts(n->engine, &f);
    add_node(&page, n, &f);
    if (mr_engine_committee(n->engine)->count > 1) {
        for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
            add_column(&page, n, i);
        add_refused(&page, n);
    }
    return page.len;
}

bool metrics_healthy(const struct node *n)
{
    struct mr_engine_facts f;
    mr_engine_facts(n->engine, &f);
    return !f.disk_full && !f.abstaining && !n->stopping && f.mode != MR_NO_QUORUM &&
           f.mode != MR_STARTING;
}
