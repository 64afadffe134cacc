/* LED-33: keys that are lost. Every RECOVER is remembered; which of them have effect is asked anew
 * each time. */
#include <check.h>
#include <string.h>

#include "mereau/codec.h"
#include "model/model.h"

enum { WAIT_MS = 7 * 24 * 60 * 60 * 1000, TOGETHER = 4 };

static bool has_effect(const struct m_account *a, const struct m_recovery *r)
{
    return r->seq > a->stopped && r->keys.generation == a->generation + 1;
}

const struct m_recovery *model_recovery(const struct m_account *a, uint64_t seq)
{
    for (uint32_t i = 0; i < a->recoveries_count; i++)
        if (has_effect(a, &a->recoveries[i]) && (seq == 0 || a->recoveries[i].seq == seq))
            return &a->recoveries[i];
    return NULL;
}

enum mr_status model_check_recover(struct model *m, const struct mr_order *o)
{
    const struct mr_recover *b = &o->body.u.recover;
    const struct m_account *a = model_find(m, b->account);
    uint32_t n = 0;
    if (a == NULL || !model_is_member(a->class))
        return MR_ACCOUNT_UNKNOWN;
    if (a->home != model_find(m, o->account)->home)
        return MR_NOT_YOURS;
    if (model_key_set(&b->keys.keys, a->class) != MR_OK)
        return MR_BAD_KEY;
    if (b->keys.generation > a->generation + 1)
        return MR_KEYS_UNKNOWN;
    for (uint32_t i = 0; i < a->recoveries_count; i++)
        n += has_effect(a, &a->recoveries[i]) ? 1 : 0;
    return n < TOGETHER ? MR_OK : MR_TOO_MANY;
}

enum mr_status model_check_stop(struct model *m, const struct mr_order *o)
{
    const struct m_account *a = model_find(m, o->account);
    const uint64_t upto = o->body.u.stop.upto;
    if (upto <= a->stopped)
        return MR_NO_CHANGE;
    for (uint32_t i = 0; i < a->recoveries_count; i++)
        if (has_effect(a, &a->recoveries[i]) && a->recoveries[i].seq >= upto)
            return MR_OK;
    return MR_RECOVERY_UNKNOWN;
}

static bool same(const struct mr_setkeys *a, const struct mr_setkeys *b)
{
    uint8_t x[2048], y[2048];
    const size_t n = mr_setkeys_encode(a, x, sizeof x);
    return n == mr_setkeys_encode(b, y, sizeof y) && memcmp(x, y, n) == 0;
}

enum mr_status model_check_takeover(struct model *m, const struct mr_order *o)
{
    const struct mr_takeover *t = &o->body.u.takeover;
    const struct m_account *a = model_find(m, o->account);
    const struct m_recovery *r = model_recovery(a, t->recover);
    const struct m_keys *k;
    if (t->keys.generation != a->generation + 1)
        return MR_OUT_OF_RANGE;
    if (t->recover <= a->stopped)
        return MR_RECOVERY_STOPPED;
    if (r == NULL || t->recover == 0)
        return MR_RECOVERY_UNKNOWN;
    if (!same(&t->keys, &r->keys))
        return MR_BAD_KEY;
    if (o->time_ms < r->ready_ms)
        return MR_RECOVERY_EARLY;
    const enum mr_status st =
        model_named_keys(model_sub(m, a->home, MR_CLASS_TREASURY), &k, t->generation, o->time_ms);
    return st == MR_OK ? model_same_keys(m, k, &t->treasury) : st;
}

void model_apply_recover(struct model *m, const struct mr_order *o)
{
    struct m_account *a = model_find(m, o->body.u.recover.account);
    ck_assert_uint_lt(a->recoveries_count, RECOVERIES_MAX);
    struct m_recovery *r = &a->recoveries[a->recoveries_count++];
    r->seq = o->seq;
    r->ready_ms = o->not_after_ms + WAIT_MS;
    r->keys = o->body.u.recover.keys;
}
