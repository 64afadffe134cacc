/* Lost keys: LED-33. */
#include <string.h>

#include "audit/state.h"

static void keys_hash(uint8_t ret[32], const struct mr_setkeys *keys)
{
    uint8_t bytes[sizeof *keys];
    mr_hash(ret, "mereau/recovery", bytes, mr_setkeys_encode(keys, bytes, sizeof bytes), NULL, 0);
}

static void check_recover(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_recover *const r = &c->order->body.u.recover;
    const struct mri_aud_account *const x = mri_aud_own_member(a, c, r->account);
    if (x == NULL)
        return;
    if (!mri_aud_keyset_right(&r->keys.keys, x->class))
        mri_aud_wrong_text(a, c, MR_BAD_KEY, "key set", "as LED-6 says", "another");
    if (r->keys.generation > x->cold.generation + 1)
        mri_aud_wrong(a, c, MR_KEYS_UNKNOWN, "generation of a member's next keys, at most",
                      x->cold.generation + 1, r->keys.generation);
    if (x->cold.recoveries_count == MR_RECOVERIES_MAX)
        mri_aud_wrong(a, c, MR_TOO_MANY, "recoveries that wait already, below", MR_RECOVERIES_MAX,
                      x->cold.recoveries_count);
}

static void check_stop(struct mr_audit *a, struct mri_aud_case *c)
{
    const uint64_t upto = c->order->body.u.stop.upto;
    const struct mri_aud_cold *const x = &c->account->cold;
    const uint64_t last = x->recoveries_count > 0 ? x->recoveries[x->recoveries_count - 1].seq : 0;
    if (upto <= x->stopped)
        mri_aud_wrong(a, c, MR_NO_CHANGE, "place up to which recoveries are stopped, above",
                      (int64_t)x->stopped, (int64_t)upto);
    if (upto > last)
        mri_aud_wrong(a, c, MR_RECOVERY_UNKNOWN, "place of a recovery that is stopped, at most",
                      (int64_t)last, (int64_t)upto);
}

static const struct mr_recovery *find(const struct mri_aud_cold *x, uint64_t seq)
{
    for (uint32_t i = 0; i < x->recoveries_count; i++) {
        if (x->recoveries[i].seq == seq)
            return &x->recoveries[i];
    }
    return NULL;
}

static void check_takeover(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_takeover *const t = &c->order->body.u.takeover;
    const struct mri_aud_cold *const x = &c->account->cold;
    const struct mr_recovery *const r = find(x, t->recover);
    uint8_t hash[32];
    if (t->keys.generation != x->generation + 1)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "generation of the keys", x->generation + 1,
                      t->keys.generation);
    if (t->recover <= x->stopped)
        mri_aud_wrong(a, c, MR_RECOVERY_STOPPED, "place of a recovery, above what was stopped",
                      (int64_t)x->stopped, (int64_t)t->recover);
    if (r == NULL) {
        mri_aud_wrong_text(a, c, MR_RECOVERY_UNKNOWN, "recovery of a TAKEOVER", "one that waits",
                           "none");
        return;
    }
    keys_hash(hash, &t->keys);
    if (memcmp(hash, r->hash, 32) != 0) {
        char e[65], f[65];
        mr_hex_format(e, r->hash, 32);
        mr_hex_format(f, hash, 32);
        mri_aud_wrong_text(a, c, MR_BAD_KEY, "keys of a TAKEOVER", e, f);
    }
    const uint64_t late = a->restart_ms > 0 ? a->claims_until_ms + MR_RECOVERY_MS : 0;
    const uint64_t least = late > r->ready_ms ? late : r->ready_ms;
    if (c->order->time_ms < least)
        mri_aud_wrong(a, c, MR_RECOVERY_EARLY, "time of a TAKEOVER, at least", (int64_t)least,
                      (int64_t)c->order->time_ms);
    mri_aud_keys_named(a, c, a->of[c->home].treasury, t->generation, &t->treasury);
}

void mri_aud_check_recovery(struct mr_audit *a, struct mri_aud_case *c)
{
    if (a->incomplete) /* keys and recoveries may have been others */
        a->totals.orders_unchecked += c->at_vote ? 0 : 1;
    else if (c->order->body.kind == MR_KIND_RECOVER)
        check_recover(a, c);
    else if (c->order->body.kind == MR_KIND_STOP)
        check_stop(a, c);
    else
        check_takeover(a, c);
}

static void apply_recover(struct mr_audit *a, const struct mri_aud_case *c)
{
    const struct mr_recover *const r = &c->order->body.u.recover;
    struct mri_aud_account *const x = mri_aud_account(a, r->account);
    if (x == NULL || r->keys.generation != x->cold.generation + 1 || c->seq <= x->cold.stopped)
        return;
    mri_aud_touch_cold(a, x);
    struct mri_aud_cold *const cold = &x->cold;
    const uint64_t until = c->order->not_after_ms;
    if (cold->recoveries_count == MR_RECOVERIES_MAX) {
        cold->recoveries_count--;
        memmove(cold->recoveries, cold->recoveries + 1,
                cold->recoveries_count * sizeof *cold->recoveries);
    }
    struct mr_recovery *const made = &cold->recoveries[cold->recoveries_count++];
    made->seq = c->seq;
    made->ready_ms =
        until < MR_TIME_MS_MAX - MR_RECOVERY_MS ? until + MR_RECOVERY_MS : MR_TIME_MS_MAX;
    keys_hash(made->hash, &r->keys);
}

static void apply_stop(struct mr_audit *a, const struct mri_aud_case *c)
{
    struct mri_aud_cold *const cold = &c->account->cold;
    uint32_t left = 0;
    mri_aud_touch_cold(a, c->account);
    cold->stopped = c->order->body.u.stop.upto;
    for (uint32_t i = 0; i < cold->recoveries_count; i++) {
        if (cold->recoveries[i].seq > cold->stopped)
            cold->recoveries[left++] = cold->recoveries[i];
    }
    cold->recoveries_count = left;
}

void mri_aud_apply_recovery(struct mr_audit *a, const struct mri_aud_case *c)
{
    if (c->order->body.kind == MR_KIND_RECOVER)
        apply_recover(a, c);
    else if (c->order->body.kind == MR_KIND_STOP)
        apply_stop(a, c);
    else
        mri_aud_apply_setkeys(a, c, &c->order->body.u.takeover.keys);
}
