/* How it stands with the other nodes: facts for PEERS and metrics, alarms for the log. */
#include <string.h>

#include "common/log.h"
#include "daemon/peers.h"

enum {
    BUCKET_MS = 30000,
    SILENT_MS = 10000, /* raised above, cleared below the second */
    HEARD_MS = 4000,
    LAG_HIGH = 10000,
    LAG_LOW = 1000,
    CLOCK_HIGH_MS = 1000,
    CLOCK_LOW_MS = 500,
    PROGRESS_MS = 5000,
};

/* --- clocks ----------------------------------------------------------------------------------- */

void clock_take(struct peer_clock *c, uint64_t head_ms, uint64_t now)
{
    if (head_ms <= c->last_head_ms)
        return;
    const bool first = c->last_head_ms == 0;
    c->last_head_ms = head_ms;
    if (first)
        return; /* it may be old */
    c->came_ms = now;
    if (now - c->bucket_since_ms > BUCKET_MS) {
        c->bucket_since_ms = now;
        c->best[1] = c->best[0];
        c->known[1] = c->known[0];
        c->known[0] = false;
    }
    const int64_t offset = (int64_t)head_ms - (int64_t)now;
    if (!c->known[0] || offset > c->best[0])
        c->best[0] = offset;
    c->known[0] = true;
}

bool clock_offset(const struct peer_clock *c, int64_t *ret_ms)
{
    int64_t best = c->best[0];
    if (c->known[1] && (!c->known[0] || c->best[1] > best))
        best = c->best[1];
    /* A clock ahead shows at once; that one is behind may be the age of the few heads seen. */
    const bool known = c->known[1] || (c->known[0] && best >= 0);
    *ret_ms = known ? best : 0;
    return known;
}

/* --- facts ------------------------------------------------------------------------------------ */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When the link heard of it last, on the wall's clock. */
static uint64_t seen_ms(struct node *n, const struct peer_link_facts *link)
{
    if (link->heard_ms == 0)
        return 0;
    const uint64_t ago = uv_now(&n->loop) - link->heard_ms, now = now_ms();
    return now > ago ? now - ago : 0;
}

/* What points at trouble. That a peer is in another epoch does not: nodes go over one after
 * another; nor does silence, which is told as such. The metrics count both. */
static uint64_t refused_sum(const struct peer *p)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof p->refused / sizeof p->refused[0]; i++)
        if (i != MR_WRONG_EPOCH && i != MR_NO_ANSWER && i != MR_UNREACHABLE && i != MR_STOPPING)
            sum += p->refused[i];
    return sum;
}

bool peers_status(struct node *n, uint32_t number, struct mr_peer_status *ret)
{
    const struct peer *const p = &n->peers->all[number];
    const struct mr_seat *const seat = peers_seat(n, number);
    struct mr_peer_facts facts = {.refused = 0};
    struct peer_link_facts link = {.up = false, .trouble = MR_CONFIG};
    if (p->number != number || seat == NULL)
        return false;
    mr_engine_peer(n->engine, number, &facts);
    if (p->link != NULL)
        link = peer_link_facts(p->link);
    *ret = (struct mr_peer_status){
        .node = number,
        .connected = link.up,
        .convicted = facts.state.convicted,
        .trouble = (uint32_t)(link.trouble != MR_OK ? link.trouble : facts.trouble),
        .seen_ms = larger(seen_ms(n, &link), facts.heard_ms),
        .size = facts.state.size,
        .head_size = larger(facts.head.size, facts.state.size),
        /* Behind a change of nodes its log is new: it has a moment to sign something there. */
        .head_ms = larger(facts.head.time_ms, facts.head.size == 0 ? epochs_began_ms(n) : 0),
        .sent = facts.sent,
        .rtt_ms = (link.rtt_us + 999) / 1000,
        .refused = refused_sum(p)};
    if (!clock_offset(&p->clock, &ret->offset_ms)) /* a clock behind does not show at once */
        ret->head_ms = larger(ret->head_ms, p->clock.came_ms);
    memcpy(ret->association, seat->association, MR_ACCOUNT_BYTES);
    return true;
}

/* While an epoch changes, what keeps this node from it (PEERS alone tells that). */
static enum mr_status mode_told(const struct node *n, enum mr_status mode)
{
    if (n->stopping)
        return MR_STOPPING;
    if (mode != MR_CHANGING || (n->unkept == MR_OK && n->store_full_ms == 0))
        return mode;
    return n->store_full_ms != 0 || n->unkept == MR_DISK_FULL ? MR_DISK_FULL : MR_IO_ERROR;
}

void peers_report(struct node *n, struct mr_rep_peers *ret)
{
    const struct mr_committee *const c = mr_engine_committee(n->engine);
    struct mr_engine_facts facts;
    mr_engine_facts(n->engine, &facts);
    *ret = (struct mr_rep_peers){.node = (uint32_t)n->settings.node,
                                 .nodes = c->count,
                                 .quorum = c->quorum,
                                 .epoch = c->epoch,
                                 .mode = (uint32_t)mode_told(n, facts.mode),
                                 .leaves = facts.meta.leaves,
                                 .open = facts.open,
                                 .oldest_ms = facts.oldest_ms,
                                 .evidence = facts.evidence};
    for (uint32_t i = 1; i <= MR_NODES_MAX; i++)
        if (n->peers->all[i].number != 0 && peers_status(n, i, &ret->peers[ret->peers_count]))
            ret->peers_count++;
}

/* --- alarms ----------------------------------------------------------------------------------- */

bool alarm_moves(bool *is_on, uint64_t value, uint64_t high, uint64_t low)
{
    const bool next = *is_on ? value >= low : value > high;
    const bool changed = next != *is_on;
    *is_on = next;
    return changed;
}

static void watch_silence(struct peer *p, const struct mr_peer_status *s)
{
    const uint64_t now = now_ms(), last = larger(s->seen_ms, p->started_ms);
    const uint64_t silent = now > last ? now - last : 0;
    if (!alarm_moves(&p->alarms.silent, silent, SILENT_MS, HEARD_MS))
        return;
    if (p->alarms.silent)
        log_event(LOG_LEVEL_WARN, "peer_silent",
                  log_with(log_uint("peer", s->node), log_uint("seconds", silent / 1000),
                           log_text("address", p->address),
                           log_text("status", mr_status_name((enum mr_status)s->trouble)),
                           log_text("do", "see whether it runs and can be reached")));
    else
        log_event(LOG_LEVEL_INFO, "peer_heard", log_with(log_uint("peer", s->node)));
}

static void watch_lag(struct peer *p, const struct mr_peer_status *s)
{
    const uint64_t lag = s->head_size - s->size;
    if (!alarm_moves(&p->alarms.lagging, lag, LAG_HIGH, LAG_LOW))
        return;
    if (p->alarms.lagging)
        log_event(LOG_LEVEL_WARN, "peer_lag",
                  log_with(log_uint("peer", s->node), log_uint("leaves", lag),
                           log_text("do", "it catches up by itself; if this stays, see to the "
                                          "load of this machine and the connection")));
    else
        log_event(LOG_LEVEL_INFO, "peer_lag_over",
                  log_with(log_uint("peer", s->node), log_uint("leaves", lag)));
}

static void watch_clock(struct peer *p, const struct mr_peer_status *s)
{
    const uint64_t off = (uint64_t)(s->offset_ms < 0 ? -s->offset_ms : s->offset_ms);
    if (!alarm_moves(&p->alarms.clock, off, CLOCK_HIGH_MS, CLOCK_LOW_MS))
        return;
    if (p->alarms.clock)
        log_event(LOG_LEVEL_WARN, "peer_clock",
                  log_with(log_uint("peer", s->node), log_int("offset_ms", s->offset_ms),
                           log_text("do", "let both machines set their clocks by the network")));
    else
        log_event(LOG_LEVEL_INFO, "peer_clock_right",
                  log_with(log_uint("peer", s->node), log_int("offset_ms", s->offset_ms)));
}

static void watch_peer(struct node *n, struct peer *p)
{
    struct mr_peer_status s;
    if (p->number == 0 || !peers_status(n, p->number, &s))
        return;
    watch_silence(p, &s);
    watch_lag(p, &s);
    watch_clock(p, &s);
    if (s.convicted && !p->alarms.convicted)
        log_event(LOG_LEVEL_ERROR, "convicted",
                  log_with(log_uint("peer", s.node),
                           log_text("do", "its log contradicts itself: keep the evidence, tell "
                                          "the other associations, let governance replace it")));
    p->alarms.convicted = s.convicted;
}

static void watch_mode(struct node *n, const struct mr_engine_facts *f)
{
    struct peers *const all = n->peers;
    if (f->mode == all->mode)
        return;
    if (f->mode == MR_NO_QUORUM)
        log_event(LOG_LEVEL_ERROR, "no_quorum",
                  log_with(log_uint("open", f->open),
                           log_text("do", "orders wait until enough nodes answer; nothing is "
                                          "lost: see peer_silent above")));
    else
        log_event(LOG_LEVEL_INFO, "mode",
                  log_with(log_text("mode", mr_status_name(f->mode)),
                           log_text("before", mr_status_name(all->mode))));
    all->mode = f->mode;
}

/* While it catches up: how much is left, now and then. */
static void watch_progress(struct node *n, const struct mr_engine_facts *f)
{
    struct peers *const all = n->peers;
    struct mr_peer_status s;
    uint64_t left = 0, taken = 0;
    const uint64_t now = now_ms();
    if (f->mode != MR_BEHIND || now - all->progress_ms < PROGRESS_MS)
        return;
    all->progress_ms = now;
    for (uint32_t i = 1; i <= MR_NODES_MAX; i++)
        if (all->all[i].number != 0 && peers_status(n, i, &s)) {
            left += s.head_size - s.size;
            taken += s.size;
        }
    log_event(LOG_LEVEL_INFO, "catching_up",
              log_with(log_uint("leaves", taken), log_uint("left", left),
                       log_uint("settled", f->meta.settled), log_uint("open", f->open)));
}

void peers_watch(struct node *n)
{
    struct mr_engine_facts f;
    mr_engine_facts(n->engine, &f);
    watch_mode(n, &f);
    watch_progress(n, &f);
    if (f.evidence > n->peers->evidence)
        log_event(LOG_LEVEL_ERROR, "evidence",
                  log_with(log_uint("pieces", f.evidence),
                           log_text("do", "mereau-admin federation status names the node; "
                                          "mereau-audit evidence verifies it")));
    n->peers->evidence = f.evidence;
    for (uint32_t i = 1; i <= MR_NODES_MAX; i++)
        watch_peer(n, &n->peers->all[i]);
}
