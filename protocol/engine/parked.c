/* Orders that wait: kept, looked at again, dropped when their time has passed. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"
#include "mereau/sign.h"

enum { RECORD_MAX = 2048, PARKED_RETRY_MS = 1000 };

/* --- what waits for a chain ------------------------------------------------------------------- */

enum mr_status mri_pending_get(struct mr_engine *e, struct mr_state_pending *ret, uint64_t number)
{
    uint8_t bytes[RECORD_MAX], key[8];
    size_t len;
    const enum mr_status st = mri_view_get(&e->view, MR_TABLE_PENDING, key,
                                           mri_key_u64(key, number), bytes, sizeof bytes, &len);
    if (st == MR_NOT_FOUND) {
        *ret = (struct mr_state_pending){.cert_ballot = MR_BALLOT_NONE};
        return MR_OK;
    }
    if (st != MR_OK)
        return st;
    return mr_state_pending_decode(ret, bytes, len) == MR_OK ? MR_OK : MR_DAMAGED;
}

void mri_pending_put(struct mr_engine *e, uint64_t number, const struct mr_state_pending *p)
{
    uint8_t bytes[RECORD_MAX], key[8];
    mri_key_u64(key, number);
    if (p->parked_count == 0)
        mri_view_put(&e->view, MR_TABLE_PENDING, key, 8, NULL, 0);
    else
        mri_view_put(&e->view, MR_TABLE_PENDING, key, 8, bytes,
                     mr_state_pending_encode(p, bytes, sizeof bytes));
}

static struct mri_parked *parked_find(struct mr_engine *e, uint64_t number)
{
    for (uint32_t i = 0; i < e->parked_count; i++)
        if (e->parked[i].number == number)
            return &e->parked[i];
    return NULL;
}

/* Keep the list in memory in step with the pending record. */
void mri_parked_note(struct mr_engine *e, uint64_t number, const struct mr_state_pending *p)
{
    struct mri_parked *w = parked_find(e, number);
    if (p->parked_count == 0) {
        if (w != NULL)
            *w = e->parked[--e->parked_count];
        return;
    }
    if (w == NULL) {
        mr_assert(e->parked_count < MRI_PARKED_MAX);
        w = &e->parked[e->parked_count++];
        *w = (struct mri_parked){.number = number};
    }
    w->retry_ms = e->now_ms + PARKED_RETRY_MS;
    w->not_after_ms = UINT64_MAX;
    for (uint32_t i = 0; i < p->parked_count; i++)
        if (p->parked[i].not_after_ms < w->not_after_ms)
            w->not_after_ms = p->parked[i].not_after_ms;
}

void mri_pending_remove(struct mr_state_pending *p, uint32_t at)
{
    memmove(p->parked + at, p->parked + at + 1, (p->parked_count - at - 1) * sizeof p->parked[0]);
    p->parked_count--;
}

const struct mr_entry_parked *mri_parked_in(const struct mr_state_pending *p, uint64_t seq)
{
    for (uint32_t i = 0; i < p->parked_count; i++)
        if (p->parked[i].seq == seq)
            return &p->parked[i];
    return NULL;
}

void mri_touch(struct mr_engine *e, uint64_t number)
{
    e->touched[number * 0x9e3779b97f4a7c15u >> 58] |= UINT64_C(1) << (number & 63);
    struct mri_parked *w = e->parked_count > 0 ? parked_find(e, number) : NULL;
    if (w != NULL)
        w->due = true;
}

static bool each_parked(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                        size_t value_len)
{
    struct mr_engine *e = ctx;
    struct mr_state_pending p;
    if (key_len != 8 || e->parked_count == MRI_PARKED_MAX ||
        mr_state_pending_decode(&p, value, value_len) != MR_OK)
        return false;
    mri_parked_note(e, mri_key_read(key), &p);
    return true;
}

/* Replay notes what it parks itself; this adds what the store held before. */
enum mr_status mri_parked_load(struct mr_engine *e)
{
    struct mr_store *s = e->config.store;
    const enum mr_status st = s->api->walk(s, MR_TABLE_PENDING, NULL, 0, each_parked, e);
    for (uint32_t i = 0; st == MR_OK && i < e->parked_count;) {
        struct mr_state_pending p;
        const uint64_t number = e->parked[i].number;
        const enum mr_status got = mri_pending_get(e, &p, number);
        if (got != MR_OK)
            return got;
        mri_parked_note(e, number, &p);
        if (i < e->parked_count && e->parked[i].number == number)
            i++;
    }
    return st;
}

enum mr_status mri_parked_replay(struct mr_engine *e, const struct mr_entry_parked *w)
{
    struct mr_state_pending p;
    uint64_t number;
    enum mr_status st = mri_account_number(&e->ledger, &number, w->account);
    if (st == MR_OK)
        st = mri_pending_get(e, &p, number);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    /* What had lapsed was dropped without a word: it may still be listed here, in the same slot or
     * as the first to lapse of a full list. */
    uint32_t gone = 0;
    for (uint32_t i = 0; i < p.parked_count; i++)
        if (p.parked[i].not_after_ms < p.parked[gone].not_after_ms)
            gone = i;
    for (uint32_t i = 0; i < p.parked_count; i++)
        if (p.parked[i].seq == w->seq)
            gone = i;
    if (p.parked_count == 4 || (p.parked_count > 0 && p.parked[gone].seq == w->seq))
        mri_pending_remove(&p, gone);
    p.parked[p.parked_count++] = *w;
    mri_pending_put(e, number, &p);
    mri_parked_note(e, number, &p);
    return MR_OK;
}

enum mr_status mri_parked_settled(struct mr_engine *e, uint64_t number, uint64_t seq)
{
    struct mr_state_pending p;
    const enum mr_status st = mri_pending_get(e, &p, number);
    if (st != MR_OK || p.parked_count == 0)
        return st;
    for (uint32_t i = 0; i < p.parked_count;)
        if (p.parked[i].seq <= seq)
            mri_pending_remove(&p, i);
        else
            i++;
    mri_pending_put(e, number, &p);
    mri_parked_note(e, number, &p);
    return MR_OK;
}

/* --- looking again ---------------------------------------------------------------------------- */

/* The next order of a chain that waits: settle it if it has become right, drop it when its time has
 * passed. Sets *ret_more when a later one of the same chain may follow. */
static enum mr_status look(struct mr_engine *e, uint64_t number, bool *ret_more)
{
    struct mr_body *body = &e->body;
    struct mr_state_pending p;
    struct mr_state_hot hot;
    uint8_t id[32];
    *ret_more = false;
    enum mr_status st = mri_pending_get(e, &p, number);
    if (st == MR_OK)
        st = mri_hot_get(&e->ledger, &hot, number);
    for (uint32_t i = 0; st == MR_OK && i < p.parked_count;) {
        const struct mr_entry_parked w = p.parked[i];
        if (w.seq < hot.chain.next_seq || e->now_ms > w.not_after_ms) {
            mri_pending_remove(&p, i);
            mri_pending_put(e, number, &p);
            continue;
        }
        i++;
        if (w.seq != hot.chain.next_seq || *ret_more)
            continue;
        st = mri_read_body(e, body, w.body_at, w.body_len);
        if (st != MR_OK || body->kind != MR_BODY_ORDER)
            return st == MR_OK ? MR_DAMAGED : st;
        mr_order_id(id, &body->u.order.order);
        st = mri_ledger_prepare(&e->ledger, &e->plan, &body->u.order.order, id);
        if (st == MR_OK)
            st = mri_ledger_check(&e->ledger, &e->plan, e->now_ms);
        if (st == MR_OK) /* the keys may have changed since it was handed in: INV-8 */
            st = mr_order_verify(&body->u.order, &e->plan.rows[0].account.keys,
                                 e->ledger.meta.epoch);
        if (st == MR_OK) {
            const struct mri_body at = {w.body_at, w.memo_at, w.body_len, w.memo_len};
            mri_pending_remove(&p, --i);
            mri_pending_put(e, number, &p);
            mri_slot_init(&e->slot, e->config.charter->quorum);
            mri_settle(e, &at);
            *ret_more = true;
        }
        st = mri_is_trouble(st) ? st : MR_OK;
    }
    if (st == MR_OK)
        mri_parked_note(e, number, &p);
    return st;
}

enum mr_status mri_look_again(struct mr_engine *e)
{
    enum mr_status st = MR_OK;
    if (mri_open_for_orders(e) != MR_OK)
        return MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < e->parked_count;) {
        struct mri_parked *w = &e->parked[i];
        const uint64_t number = w->number;
        bool more;
        if (!w->due && e->now_ms <= w->not_after_ms && e->now_ms < w->retry_ms) {
            i++;
            continue;
        }
        if (!mr_engine_ready(e))
            return MR_OK; /* due ones are met again in the next turn */
        w->due = false;
        st = mri_view_reserve(&e->view);
        if (st == MR_OK)
            st = look(e, number, &more);
        if (st == MR_OK && more) {
            w = parked_find(e, number);
            if (w != NULL)
                w->due = true;
            i = 0; /* what it paid may free another one that waits */
            continue;
        }
        if (i < e->parked_count && e->parked[i].number == number)
            i++;
    }
    return st;
}
