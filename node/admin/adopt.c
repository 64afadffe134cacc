#include "admin/adopt.h"

#include <stdlib.h>
#include <string.h>

#include "admin/context.h"
#include "common/heap.h"
#include "common/link.h"
#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/engine.h"
#include "mereau/handover.h"
#include "mereau/log.h"
#include "mereau/order.h"
#include "mereau/state.h"
#include "storage/snapshot.h"
#include "storage/store_lmdb.h"

enum { BATCH_ROWS = 2048, MAP_BYTES = 1 << 30, LEAF_MAX = 512, ASK_MS = 4000 };

/* --- life ------------------------------------------------------------------------------------- */

enum mr_status adopt_begin(struct adopting *x, struct command *c)
{
    x->c = c;
    x->genesis = calloc(1, sizeof *x->genesis);
    x->present = calloc(1, sizeof *x->present);
    x->ask = calloc(1, sizeof *x->ask);
    x->reply = calloc(1, sizeof *x->reply);
    return x->genesis != NULL && x->present != NULL && x->ask != NULL && x->reply != NULL
               ? MR_OK
               : MR_NO_MEMORY;
}

void adopt_end(struct adopting *x)
{
    epochs_done(&x->epochs);
    mr_seckey_done(&x->transport_key);
    free(x->genesis);
    free(x->present);
    free(x->ask);
    free(x->reply);
}

/* --- asking ----------------------------------------------------------------------------------- */

static enum mr_status open_link(struct adopting *x, struct link **ret, const char *address,
                                const struct mr_pubkey *key)
{
    const struct link_config config = {.address = address,
                                       .pinned = key,
                                       .ledger = x->first.ledger,
                                       .timeout_ms =
                                           x->c->timeout_given ? x->c->timeout_ms : ASK_MS};
    return link_open(ret, &config);
}

/* x->ask to one node. */
static enum mr_status ask(struct adopting *x, const char *address, const struct mr_pubkey *key)
{
    struct link *l = NULL;
    enum mr_status st = open_link(x, &l, address, key);
    if (st == MR_OK)
        st = link_call(l, x->reply, x->ask);
    link_close(l);
    return st;
}

enum mr_status adopt_charter(struct adopting *x)
{
    uint8_t ledger[32];
    *x->ask = (struct mr_request_body){.kind = MR_REQ_CHARTER};
    const enum mr_status st = ask(x, x->first.address, &x->first.transport_key);
    if (st != MR_OK)
        return st;
    *x->genesis = x->reply->body.u.charter.charter;
    *x->present = *x->genesis;
    mr_ledger_id(ledger, x->genesis);
    return memcmp(ledger, x->first.ledger, sizeof ledger) == 0 ? MR_OK : MR_WRONG_LEDGER;
}

/* --- which epoch it is ------------------------------------------------------------------------ */

static enum mr_status look_at(struct adopting *x, const char *address, const struct mr_pubkey *key)
{
    struct link *l = NULL;
    enum mr_status st = open_link(x, &l, address, key);
    *x->ask = (struct mr_request_body){.kind = MR_REQ_HEAD};
    if (st == MR_OK)
        st = link_call(l, x->reply, x->ask);
    const uint32_t epoch = st == MR_OK ? x->reply->body.u.head.head.epoch : 0;
    /* What does not verify is as if it had not been said. */
    while (st == MR_OK && x->epochs.count + 1 < epoch) {
        const struct mr_handover *h;
        st = epochs_ask(&x->epochs, &h, l, x->reply, x->ask);
        if (st == MR_OK)
            st = epochs_add(&x->epochs, x->genesis, x->present, h);
    }
    link_close(l);
    return st;
}

enum mr_status adopt_epochs(struct adopting *x)
{
    return look_at(x, x->first.address, &x->first.transport_key);
}

static bool is_own(const struct adopting *x, const struct mr_node *n)
{
    return memcmp(n->log_key.key, x->log_key.key, MR_KEY_BYTES) == 0;
}

enum mr_status adopt_look(struct adopting *x)
{
    enum mr_status st = adopt_epochs(x);
    for (uint32_t i = 0; st != MR_OK && i < x->present->nodes_count; i++)
        if (!is_own(x, &x->present->nodes[i]))
            st = look_at(x, x->present->nodes[i].address, &x->present->nodes[i].transport_key);
    x->number = 0;
    for (uint32_t i = 0; i < x->present->nodes_count; i++)
        if (is_own(x, &x->present->nodes[i]))
            x->number = x->present->nodes[i].number;
    return st;
}

/* --- which state it began with ---------------------------------------------------------------- */

static bool is_final(const struct adopting *x, const struct mr_roster *r, uint32_t node,
                     const struct mr_proof *p)
{
    const struct mr_pubkey *const key = mr_roster_key(r, &p->head);
    uint8_t leaf[LEAF_MAX], hash[32];
    if (key == NULL || p->head.node != node || !mr_head_verify(&p->head, x->first.ledger, key) ||
        p->leaf.kind != MR_LEAF_FINAL || p->leaf.u.final.epoch != r->epoch ||
        mr_leaf_size(&p->leaf) > sizeof leaf)
        return false;
    mr_leaf_hash(hash, leaf, mr_leaf_encode(&p->leaf, leaf, sizeof leaf));
    return mr_path_verify(p->head.root, hash, p->index, p->head.size, p->path, p->path_count);
}

/* Where a node of the epoch before can be asked: as it is named now, if it still is. */
static const struct mr_node *place_of(const struct adopting *x, const struct mr_node *was)
{
    const struct mr_node *const now = admin_node_of(x->present, was->number);
    return now != NULL ? now : was;
}

static void count_voice(struct vouched *all, uint32_t *count, const struct mr_leaf_final *f)
{
    uint32_t i = 0;
    while (i < *count &&
           (all[i].accounts != f->accounts || memcmp(all[i].root, f->state_root, 32) != 0))
        i++;
    if (i == *count) {
        all[i] = (struct vouched){.accounts = f->accounts};
        memcpy(all[i].root, f->state_root, 32);
        ++*count;
    }
    all[i].voices++;
}

/* By a REGROUP it is governance that vouches (EPO-10): MR_OK. NOT_FOUND: the nodes of the epoch
 * before do. EPOCH_MISMATCH: it is of the one node that was founded or restarted. */
static enum mr_status by_governance(struct adopting *x)
{
    if (x->epochs.count == 0)
        return MR_EPOCH_MISMATCH;
    struct mr_handover *const h = malloc(sizeof *h);
    if (h == NULL)
        return MR_NO_MEMORY;
    epochs_get(&x->epochs, h, x->epochs.count + 1);
    const struct mr_signed_regroup *const g = &h->u.regroup;
    enum mr_status st = MR_EPOCH_MISMATCH;
    if (h->kind == MR_HANDOVER_NEXT)
        st = MR_NOT_FOUND;
    if (h->kind == MR_HANDOVER_REGROUP) {
        x->state = (struct vouched){.accounts = g->regroup.accounts, .voices = g->sigs_count};
        memcpy(x->state.root, g->regroup.state_root, 32);
        st = MR_OK;
    }
    free(h);
    return st;
}

enum mr_status adopt_finals(struct adopting *x)
{
    const struct mr_chain chain = epochs_chain(&x->epochs);
    const uint32_t epoch = chain.count + 1;
    struct vouched all[MR_NODES_MAX];
    struct mr_roster before;
    uint32_t count = 0;
    enum mr_status st = by_governance(x);
    if (st != MR_NOT_FOUND)
        return st;
    st = mr_roster_reach(&before, x->genesis, &chain, NULL, 0, epoch - 1);
    if (st != MR_OK)
        return st;
    for (uint32_t i = 0; i < before.count; i++) {
        if (before.seats[i].node.number == x->number)
            continue; /* what it was before it lost its memory */
        const struct mr_node *const n = place_of(x, &before.seats[i].node);
        *x->ask = (struct mr_request_body){.kind = MR_REQ_HANDOVER,
                                           .u.handover = {.from = epoch, .count = 1}};
        if (ask(x, n->address, &n->transport_key) != MR_OK)
            continue;
        const struct mr_rep_handover *const r = &x->reply->body.u.handover;
        if (r->final_count == 0 || !is_final(x, &before, before.seats[i].node.number, &r->final[0]))
            continue;
        count_voice(all, &count, &r->final[0].leaf.u.final);
    }
    for (uint32_t i = 0; i < count; i++)
        if (all[i].voices >= before.quorum) {
            x->state = all[i];
            return MR_OK;
        }
    return MR_NO_QUORUM;
}

/* --- its rows --------------------------------------------------------------------------------- */

/* One commit for many rows. */
struct batch {
    struct mr_store base;
    struct mr_store *into;
    struct mr_put puts[BATCH_ROWS];
    uint8_t *bytes[BATCH_ROWS];
    size_t count;
};

static enum mr_status batch_flush(struct batch *b)
{
    if (b->count == 0)
        return MR_OK;
    mr_puts_sort(b->puts, b->count);
    const enum mr_status st = b->into->api->commit(b->into, b->puts, b->count);
    for (size_t i = 0; i < b->count; i++)
        free(b->bytes[i]);
    b->count = 0;
    return st;
}

static enum mr_status batch_commit(struct mr_store *s, const struct mr_put *puts, size_t count)
{
    struct batch *const b = (struct batch *)s;
    for (size_t i = 0; i < count; i++) {
        enum mr_status st = b->count == BATCH_ROWS ? batch_flush(b) : MR_OK;
        uint8_t *const copy = malloc(puts[i].key_len + puts[i].value_len + 1);
        if (st == MR_OK && copy == NULL)
            st = MR_NO_MEMORY;
        if (st != MR_OK) {
            free(copy);
            return st;
        }
        memcpy(copy, puts[i].key, puts[i].key_len);
        memcpy(copy + puts[i].key_len, puts[i].value, puts[i].value_len);
        b->bytes[b->count] = copy;
        b->puts[b->count] = puts[i];
        b->puts[b->count].key = copy;
        b->puts[b->count++].value = copy + puts[i].key_len;
    }
    return MR_OK;
}

static const struct mr_store_api batch_api = {.commit = batch_commit};

static enum mr_status fetch_table(struct adopting *x, struct link *l, struct batch *b,
                                  enum mr_table table, struct progress *bar)
{
    struct mr_req_state *const q = &x->ask->u.state;
    x->ask->kind = MR_REQ_STATE;
    *q = (struct mr_req_state){.table = (uint32_t)table};
    memcpy(q->root, x->state.root, 32);
    for (;;) {
        enum mr_status st = link_call(l, x->reply, x->ask);
        const struct mr_rep_state *const r = &x->reply->body.u.state;
        if (st != MR_OK || r->rows_count == 0)
            return st;
        for (uint32_t i = 0; st == MR_OK && i < r->rows_count; i++)
            st = mr_state_row_put(&b->base, table, &r->rows[i]);
        if (st != MR_OK)
            return st;
        const struct mr_state_row *const last = &r->rows[r->rows_count - 1];
        if (last->key_len == q->after_len && memcmp(last->key, q->after, q->after_len) == 0)
            return MR_STATE_MISMATCH; /* it sends the same again */
        q->after_len = last->key_len;
        memcpy(q->after, last->key, last->key_len);
        progress_update(bar, bar->done + r->rows_count);
    }
}

static enum mr_status fetch(struct adopting *x, struct mr_store *into, const struct mr_node *from)
{
    static const uint8_t nobody[16] = {0};
    struct batch *const b = calloc(1, sizeof *b);
    struct link *l = NULL;
    struct progress bar;
    if (b == NULL)
        return MR_NO_MEMORY;
    b->base.api = &batch_api;
    b->into = into;
    enum mr_status st = open_link(x, &l, from->address, &from->transport_key);
    if (st == MR_OK)
        link_identify(l, MR_AUTH_PEER, nobody, x->number, &x->transport_key, NULL);
    progress_begin(&bar, x->c, _("taking the state over"), 0);
    for (int t = 0; st == MR_OK && t < MR_TABLES; t++)
        if (mr_state_is_shared((enum mr_table)t))
            st = fetch_table(x, l, b, (enum mr_table)t, &bar);
    progress_end(&bar);
    if (st == MR_OK)
        st = batch_flush(b);
    for (size_t i = 0; i < b->count; i++)
        free(b->bytes[i]);
    free(b);
    link_close(l);
    return st == MR_OK ? into->api->refresh(into) : st;
}

/* Make the rows this node's, and see whether they are what was vouched for. */
static enum mr_status make_own(struct adopting *x, struct mr_store *s)
{
    struct mr_checkpoint sum;
    const struct mr_chain chain = epochs_chain(&x->epochs);
    enum mr_status st = mr_adopt(s, x->genesis, x->number, &chain, &heap);
    if (st == MR_OK)
        st = s->api->refresh(s);
    if (st == MR_OK)
        st = mr_state_sum(&sum, s, x->genesis, &heap);
    if (st == MR_OK && (sum.accounts != x->state.accounts ||
                        memcmp(sum.state_root, x->state.root, sizeof x->state.root) != 0))
        st = MR_STATE_MISMATCH;
    return st == MR_DAMAGED ? MR_STATE_MISMATCH : st;
}

static enum mr_status empty_store(struct mr_store **ret, const char *dir)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "seal"};
    const struct mr_store_lmdb_options options = {.map_bytes = MAP_BYTES};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files_remove(dir, files[i]) == MR_IO_ERROR)
            return MR_IO_ERROR;
    return mr_store_lmdb_open(ret, dir, &options);
}

static enum mr_status try_source(struct adopting *x, const struct mr_node *from, const char *dir,
                                 const char *snapshots)
{
    struct mr_store *s = NULL;
    enum mr_status st = empty_store(&s, dir);
    if (st != MR_OK)
        return st;
    st = fetch(x, s, from);
    if (st == MR_OK)
        st = make_own(x, s);
    if (st == MR_OK)
        st = files_make_dir(snapshots);
    if (st == MR_OK)
        st = snapshot_write(s, snapshots, 0, x->state.root);
    s->api->close(s);
    return st == MR_OK || st == MR_FILE_EXISTS ? store_seal(dir) : st;
}

enum mr_status adopt_state(struct adopting *x, const char *dir, const char *snapshots)
{
    enum mr_status st = files_make_dir(dir), last = MR_NO_QUORUM;
    for (uint32_t i = 0; st == MR_OK && i < x->present->nodes_count; i++) {
        if (is_own(x, &x->present->nodes[i]))
            continue;
        last = try_source(x, &x->present->nodes[i], dir, snapshots);
        if (last == MR_OK || last == MR_DISK_FULL || last == MR_NO_MEMORY || last == MR_IO_ERROR)
            break;
    }
    return st == MR_OK ? last : st;
}
