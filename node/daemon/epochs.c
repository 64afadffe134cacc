/* What the shell does when an epoch ends and the next one begins: who the nodes are now is written
 * beside the charter, and a new key takes the place of the old one. When a checkpoint of several
 * nodes is due. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/node.h"
#include "mereau/codec.h"

enum {
    META_BYTES = 1024,
    ROW_BYTES = MR_FRAME_MAX,
    CHECKPOINT_LATE_MS = 600000, /* long enough for every node to have had its turn */
    UNKEPT_DOUBLINGS = 5,
};

static bool committed(struct node *n, struct mr_state_meta *ret)
{
    uint8_t bytes[META_BYTES];
    size_t len;
    return n->store->api->get(n->store, MR_TABLE_META, (const uint8_t *)"m", 1, bytes, sizeof bytes,
                              &len) == MR_OK &&
           mr_state_meta_decode(ret, bytes, len) == MR_OK;
}

/* The handover that began an epoch, as the engine keeps it: "r" and the epoch. */
static enum mr_status load(struct node *n, struct mr_handover *ret, uint32_t epoch)
{
    uint8_t key[5] = {'r'};
    size_t len;
    for (int i = 0; i < 4; i++)
        key[1 + i] = (uint8_t)(epoch >> (24 - 8 * i));
    uint8_t *const bytes = malloc(ROW_BYTES);
    if (bytes == NULL)
        return MR_NO_MEMORY;
    enum mr_status st =
        n->store->api->get(n->store, MR_TABLE_META, key, sizeof key, bytes, ROW_BYTES, &len);
    if (st == MR_OK && mr_handover_decode(ret, bytes, len) != MR_OK)
        st = MR_DAMAGED;
    free(bytes);
    return st;
}

static enum mr_status add_missing(struct node *n, uint32_t epoch)
{
    struct mr_handover *const h = malloc(sizeof *h);
    enum mr_status st = h != NULL ? MR_OK : MR_NO_MEMORY;
    while (st == MR_OK && n->epochs.count + 1 < epoch) {
        st = load(n, h, n->epochs.count + 2);
        if (st == MR_OK)
            st = epochs_add(&n->epochs, &n->charter, &n->present, h);
    }
    free(h);
    return st;
}

/* The key that the epoch names is in the store as well: the old one is of no more use. */
static void replace_key(struct node *n, const struct mr_state_meta *meta)
{
    char next[1024], old[1024];
    if (!n->has_next_key || memcmp(meta->log_key.key, n->next_key.bytes + 32, MR_KEY_BYTES) != 0)
        return;
    snprintf(next, sizeof next, "%s/node.next.key", n->dir);
    snprintf(old, sizeof old, "%s/node.key", n->dir);
    if (access(next, F_OK) != 0)
        return;
    /* A directory that was restored abstained under its old key. */
    char abstain[1024];
    snprintf(abstain, sizeof abstain, "%s/abstain", n->dir);
    unlink(abstain);
    if (rename(next, old) == 0)
        log_event(LOG_LEVEL_INFO, "key_replaced", log_with(log_text("path", old)));
    else
        log_event(LOG_LEVEL_WARN, "key_not_replaced",
                  log_with(log_text("path", old),
                           log_text("do", "keep node.next.key: it is the node's key now")));
}

void epochs_follow(struct node *n)
{
    struct mr_state_meta meta;
    if (!committed(n, &meta) || n->epochs.count + 1 >= meta.epoch)
        return;
    enum mr_status st = add_missing(n, meta.epoch);
    if (st == MR_OK)
        st = epochs_write(&n->epochs, n->dir);
    if (st != MR_OK) {
        log_event(LOG_LEVEL_WARN, "epochs_file",
                  log_with(log_uint("epoch", meta.epoch), log_text("status", mr_status_name(st))));
        return;
    }
    replace_key(n, &meta);
    log_event(LOG_LEVEL_INFO, "epoch",
              log_with(log_uint("epoch", meta.epoch), log_uint("nodes", n->present.nodes_count),
                       log_uint("quorum", n->present.quorum)));
}

static void tell_of_regroup(struct node *n, bool differs)
{
    if (differs && !n->regroup_told)
        log_event(LOG_LEVEL_WARN, "regroup_waits",
                  log_with(log_text("why", "the state here is not the one that governance named"),
                           log_text("do", "wait until the other nodes that go on were read; else "
                                          "set the directory aside, and mereau-admin federation "
                                          "rekey and join")));
    n->regroup_told = differs;
}

uint64_t epochs_began_ms(struct node *n)
{
    const uint32_t epoch = mr_engine_committee(n->engine)->epoch;
    if (epoch != n->epoch_met) {
        n->epoch_ms = n->epoch_met == 0 ? 0 : now_ms();
        n->unkept = MR_OK;
        n->unkept_count = 0;
    }
    n->epoch_met = epoch;
    return n->epoch_ms;
}

/* To sum the state up is much work, and in vain as long as the disk stays as it is: the pause
 * doubles up to half a minute. */
static bool may_sum(const struct node *n)
{
    const unsigned before = n->unkept_count > 0 ? n->unkept_count - 1 : 0;
    const unsigned doublings = before < UNKEPT_DOUBLINGS ? before : UNKEPT_DOUBLINGS;
    if (n->unkept_count == 0)
        return true;
    return now_ms() - n->unkept_ms >= (uint64_t)STORE_RETRY_MS << doublings;
}

void epochs_look(struct node *n)
{
    (void)epochs_began_ms(n);
    if (mr_engine_sum_wanted(n->engine) && !n->flushing && !n->freeze_due && !n->stopping &&
        may_sum(n))
        n->checkpoint_wanted = n->flush_wanted = true;
}

bool checkpoints_wanted(const struct node *n, uint64_t settled)
{
    const uint64_t orders = settled - n->checkpoint_settled;
    return orders > 0 && (now_ms() >= n->checkpoint_ms + (uint64_t)n->settings.checkpoint_ms ||
                          orders >= (uint64_t)n->settings.checkpoint_orders);
}

/* --- checkpoints of several nodes ------------------------------------------------------------- */

static bool is_due(const struct node *n, const struct mr_engine_facts *f)
{
    return !n->stopping && (n->checkpoint_asked || checkpoints_wanted(n, f->meta.settled));
}

static void watch_checkpoints(struct node *n, bool due)
{
    const uint64_t now = now_ms();
    if (!due)
        n->checkpoint_due_ms = 0;
    else if (n->checkpoint_due_ms == 0)
        n->checkpoint_due_ms = now;
    const bool late = due && now > n->checkpoint_due_ms + CHECKPOINT_LATE_MS;
    if (late && !n->checkpoint_late)
        log_event(LOG_LEVEL_WARN, "checkpoint_late",
                  log_with(log_uint("last_ms", n->checkpoint_ms),
                           log_text("do", "payments go on all the same; see whether all nodes "
                                          "answer and none lags: peer_silent, peer_lag")));
    n->checkpoint_late = late;
}

static void take_agreed(struct node *n, const struct mr_engine_facts *f)
{
    n->checkpoint_number = f->meta.checkpoints;
    n->checkpoint_settled = f->meta.settled;
    n->checkpoint_asked = false;
    n->checkpoint_ms = mr_engine_checkpoint_ms(n->engine);
    log_event(
        LOG_LEVEL_INFO, "checkpoint_agreed",
        log_with(log_uint("number", f->meta.checkpoints), log_uint("rested_ms", f->rested_ms)));
}

void checkpoints_look(struct node *n)
{
    struct mr_engine_facts facts;
    struct mr_effects fx = {requests_reply, n};
    mr_engine_facts(n->engine, &facts);
    tell_of_regroup(n, facts.regroup_differs);
    if (mr_engine_committee(n->engine)->count == 1) {
        n->checkpoint_number = facts.meta.checkpoints;
        return;
    }
    if (facts.meta.checkpoints != n->checkpoint_number)
        take_agreed(n, &facts);
    const bool due = is_due(n, &facts);
    watch_checkpoints(n, due);
    if (!due)
        return;
    const struct mr_event ev = {.kind = MR_EV_DUE, .now_ms = now_ms()};
    const enum mr_status st = mr_engine_step(n->engine, &ev, &fx);
    if (st == MR_DAMAGED || st == MR_IO_ERROR)
        node_fail(n, "checkpoint", st);
}
