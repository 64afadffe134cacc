/* RESTART: a node that is alone and lost its memory begins a new log with a new key (JNL-9). And
 * what all handovers share. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/codec.h"
#include "mereau/handover.h"
#include "mereau/order.h"

enum { RECORD_MAX = 4096 };

/* "g" or "r" and a number. */
static size_t meta_key(uint8_t ret[5], char what, uint32_t number)
{
    ret[0] = (uint8_t)what;
    for (int i = 0; i < 4; i++)
        ret[1 + i] = (uint8_t)(number >> (24 - 8 * i));
    return 5;
}

enum mr_status mri_past_head(struct mr_engine *e, struct mr_head *ret, uint32_t epoch)
{
    uint8_t key[5], bytes[RECORD_MAX];
    size_t len;
    const enum mr_status st = mri_view_get(&e->view, MR_TABLE_META, key, meta_key(key, 'g', epoch),
                                           bytes, sizeof bytes, &len);
    if (st != MR_OK)
        return st;
    return mr_head_decode(ret, bytes, len) == MR_OK ? MR_OK : MR_DAMAGED;
}

enum mr_status mri_epoch_bytes(struct mr_engine *e, size_t *ret_len, uint32_t epoch)
{
    uint8_t key[5];
    const enum mr_status st = mri_view_get(&e->view, MR_TABLE_META, key, meta_key(key, 'r', epoch),
                                           e->bytes, sizeof e->bytes, ret_len);
    return st == MR_NOT_FOUND ? MR_DAMAGED : st;
}

enum mr_status mri_epoch_get(struct mr_engine *e, struct mr_handover *ret, uint32_t epoch)
{
    size_t len;
    const enum mr_status st = mri_epoch_bytes(e, &len, epoch);
    if (st != MR_OK)
        return st;
    return mr_handover_decode(ret, e->bytes, len) == MR_OK ? MR_OK : MR_DAMAGED;
}

/* The seats of an epoch that ended, in e->handover. *ret NULL: those of the charter, as there were
 * only RESTARTs since the founding. */
static enum mr_status past_seats(struct mr_engine *e, const struct mr_next_epoch **ret,
                                 uint32_t epoch)
{
    enum mr_status st = MR_OK;
    *ret = NULL;
    for (uint32_t i = epoch; st == MR_OK && *ret == NULL && i > 1; i--) {
        st = mri_epoch_get(e, &e->handover, i);
        *ret = st == MR_OK ? mr_handover_seats(&e->handover) : NULL;
    }
    return st;
}

enum mr_status mri_epoch_quorum(struct mr_engine *e, uint32_t *ret, uint32_t epoch)
{
    const struct mr_next_epoch *next = NULL;
    *ret = e->committee.quorum;
    if (epoch >= e->committee.epoch)
        return MR_OK;
    const enum mr_status st = past_seats(e, &next, epoch);
    if (st == MR_OK)
        *ret = next != NULL ? next->quorum : e->config.charter->quorum;
    return st;
}

enum mr_status mri_past_load(struct mr_engine *e)
{
    const struct mr_charter *const charter = e->config.charter;
    struct mr_committee *const c = &e->past_committee;
    const struct mr_next_epoch *next = NULL;
    *c = (struct mr_committee){.epoch = e->committee.epoch - 1};
    const enum mr_status st = c->epoch > 0 ? past_seats(e, &next, c->epoch) : MR_OK;
    if (st != MR_OK || c->epoch == 0)
        return st;
    c->quorum = next != NULL ? next->quorum : charter->quorum;
    for (uint32_t i = 0; next != NULL && i < next->seats_count; i++)
        mri_seat_add(c, &next->seats[i].node, next->seats[i].generation);
    for (uint32_t i = 0; next == NULL && i < charter->nodes_count; i++)
        mri_seat_add(c, &charter->nodes[i], 1);
    return MR_OK;
}

/* The log of this epoch ends here; the next one begins empty. */
void mri_end_log(struct mr_engine *e, const struct mr_handover *h, uint32_t epoch)
{
    uint8_t key[5];
    mri_tree_store(&e->tree);
    mri_peers_store(e);
    mri_view_put(&e->view, MR_TABLE_META, key, meta_key(key, 'g', e->ledger.meta.epoch), e->bytes,
                 mr_head_encode(&e->head, e->bytes, sizeof e->bytes));
    mri_view_put(&e->view, MR_TABLE_META, key, meta_key(key, 'r', epoch), e->bytes,
                 mr_handover_encode(h, e->bytes, sizeof e->bytes));
    e->ledger.meta.leaves = 0;
    e->synced_leaves = 0;
    e->told_from = 0;
    e->head = (struct mr_head){.time_ms = e->head.time_ms};
    e->head_due = false;
}

/* Which of the keys at hand is the log's. */
void mri_choose_key(struct mr_engine *e)
{
    const struct mr_seckey *const keys[] = {e->config.log_key, e->config.next_key};
    e->key = NULL;
    for (size_t i = 0; i < 2; i++)
        if (keys[i] != NULL &&
            memcmp(keys[i]->bytes + 32, e->ledger.meta.log_key.key, MR_KEY_BYTES) == 0)
            e->key = keys[i];
}

/* --- RESTART ---------------------------------------------------------------------------------- */

/* The node's key is another one from now on: in the present charter and on the chain of
 * checkpoints. */
static enum mr_status change_key(struct mr_engine *e, const struct mr_restart *r)
{
    struct mr_state_present *const p = &e->ledger.present;
    struct mr_state_account a;
    uint8_t bytes[RECORD_MAX], number[8];
    const enum mr_status st = mri_account_get(&e->ledger, &a, e->ledger.checkpoints);
    if (st != MR_OK)
        return st;
    for (uint32_t i = 0; i < p->charter.nodes_count && i < a.keys.keys_count; i++)
        if (p->charter.nodes[i].number == r->node) {
            a.keys.keys[i] = r->log_key;
            p->charter.nodes[i].log_key = r->log_key;
            p->generations[i].number = r->generation;
        }
    a.generation++;
    mri_view_put(&e->view, MR_TABLE_ACCOUNT, number, mri_key_u64(number, e->ledger.checkpoints),
                 bytes, mr_state_account_encode(&a, bytes, sizeof bytes));
    mri_ledger_put_present(&e->ledger);
    return MR_OK;
}

enum mr_status mri_restart_apply(struct mr_engine *e, const struct mr_signed_restart *r)
{
    struct mr_state_meta *m = &e->ledger.meta;
    struct mr_handover *const h = &e->handover;
    const enum mr_status st = change_key(e, &r->restart);
    if (st != MR_OK)
        return st;
    h->kind = MR_HANDOVER_RESTART;
    h->u.restart = *r;
    mri_end_log(e, h, r->restart.epoch);
    m->epoch = r->restart.epoch;
    m->generation = r->restart.generation;
    m->log_key = r->restart.log_key;
    m->next = m->cut = m->sealed = 0; /* a NEXT that waited named this epoch's number */
    m->finished = false;
    m->restart_ms = r->restart.time_ms;
    m->claims_until_ms = r->restart.claims_until_ms;
    m->abstaining = false;
    return mri_begin_epoch(e);
}

/* --- NEXT ------------------------------------------------------------------------------------- */

enum mr_status mri_take_seats(struct mr_engine *e)
{
    struct mr_state_meta *const m = &e->ledger.meta;
    const enum mr_status st = mri_ledger_next_epoch(&e->ledger);
    for (uint32_t i = 0; i < e->ledger.present.charter.nodes_count; i++) {
        const struct mr_node *const n = &e->ledger.present.charter.nodes[i];
        if (n->number != e->config.node)
            continue;
        /* With another key than before nothing contradicts what was forgotten. */
        if (memcmp(m->log_key.key, n->log_key.key, MR_KEY_BYTES) != 0)
            m->abstaining = false;
        m->log_key = n->log_key;
        m->generation = e->ledger.present.generations[i].number;
    }
    return st;
}

enum mr_status mri_epoch_apply(struct mr_engine *e, const struct mr_handover_next *next)
{
    struct mr_state_meta *const m = &e->ledger.meta;
    struct mr_handover *const h = &e->handover;
    if (m->next == 0 || next->order.order.body.kind != MR_KIND_NEXT)
        return MR_DAMAGED;
    h->kind = MR_HANDOVER_NEXT;
    h->u.next = *next;
    mri_end_log(e, h, e->ledger.next.epoch);
    m->restart_ms = m->claims_until_ms = 0; /* of the epoch that ended */
    const enum mr_status st = mri_take_seats(e);
    return st == MR_OK ? mri_begin_epoch(e) : st;
}

/* With the nodes of the present charter, an empty log, and the orders that waited. */
enum mr_status mri_begin_epoch(struct mr_engine *e)
{
    e->past_committee = e->committee;
    for (uint32_t i = 0; i < e->past_committee.count; i++)
        e->past_committee.seats[i].address = e->past_committee.seats[i].peer_address = NULL;
    memset(e->shown, 0, sizeof e->shown);
    e->cut.logs_count = 0;
    e->sum_wanted = e->regroups = e->cut_read = e->next_unproven = false;
    e->regroup_turn = 0;
    e->next_shown.proofs_count = 0;
    e->next_ms = e->offer_ms = 0;
    e->sums_count = 0; /* keys may have changed, and the state with them */
    e->rest.asked = 0; /* who rested since then is not known of new peers */
    mri_choose_key(e);
    enum mr_status st = mri_peers_renew(e);
    if (st == MR_OK)
        st = mri_opens_renew(e);
    if (st == MR_OK)
        st = mri_tree_load(&e->tree, &e->view, e->config.node, e->committee.epoch, 0);
    if (st == MR_OK)
        st = mri_peers_load(e);
    e->current->first_leaf = 0;
    /* Half way there is no way back: the journal still has the end of the last epoch. */
    return st == MR_NO_MEMORY ? MR_FULL : st;
}

void mri_say_start(struct mr_engine *e)
{
    struct mr_leaf start = {.kind = MR_LEAF_START,
                            .u.start = {.epoch = e->ledger.meta.epoch,
                                        .node = e->config.node,
                                        .generation = e->ledger.meta.generation}};
    struct mr_head last;
    memcpy(start.u.start.ledger, e->ledger.id, 32);
    if (start.u.start.epoch > 1 && mri_past_head(e, &last, start.u.start.epoch - 1) == MR_OK) {
        start.u.start.last_size = last.size;
        memcpy(start.u.start.last_root, last.root, 32);
    }
    mri_say_leaf(e, &start);
}

enum mr_status mri_restart_say(struct mr_engine *e, const struct mr_signed_restart *r)
{
    const struct mr_state_meta *m = &e->ledger.meta;
    uint8_t root[32];
    if (r->restart.epoch <= m->epoch)
        return MR_OK; /* taken before */
    if (r->restart.epoch != m->epoch + 1 || r->restart.generation != m->generation + 1 ||
        r->restart.node != e->config.node || e->committee.count != 1)
        return MR_WRONG_EPOCH; /* of several nodes: a REGROUP */
    enum mr_status st = mr_restart_verify(r, e->config.charter);
    if (st == MR_OK)
        st = mri_tree_root(&e->tree, root, e->tree.size);
    if (st != MR_OK)
        return st;
    if (r->restart.last_size != e->tree.size || memcmp(root, r->restart.last_root, 32) != 0)
        return MR_STATE_MISMATCH;
    e->entry.kind = MR_ENTRY_RESTART;
    e->entry.u.restart = *r;
    mri_say(e, &e->entry);
    st = mri_restart_apply(e, r);
    if (st == MR_OK)
        mri_say_start(e);
    return st;
}
