/* Lies about lost keys: LED-33. The first RECOVER of the story is stopped, the second waits, the
 * third is finished. */
#include <string.h>

#include "audit/lies.h"

static struct mr_order *order(struct settled_rows s)
{
    return &s.order->u.b.u.order.order;
}

static struct mr_takeover *takeover(struct tamper *t)
{
    return &order(tamper_find(t, MR_KIND_TAKEOVER, NULL, 0))->body.u.takeover;
}

static void recovery_of_no_member(struct tamper *t)
{
    memcpy(order(tamper_find(t, MR_KIND_RECOVER, NULL, 1))->body.u.recover.account, t->w->treasury,
           16);
}

static void recovery_without_threshold(struct tamper *t)
{
    order(tamper_find(t, MR_KIND_RECOVER, NULL, 1))->body.u.recover.keys.keys.threshold = 0;
}

static void recovery_of_keys_to_come(struct tamper *t)
{
    order(tamper_find(t, MR_KIND_RECOVER, NULL, 1))->body.u.recover.keys.generation = 4;
}

static void stopped_before_it_was_ordered(struct tamper *t)
{
    order(tamper_find(t, MR_KIND_STOP, NULL, 0))->body.u.stop.upto++;
}

static void stopped_nothing(struct tamper *t)
{
    order(tamper_find(t, MR_KIND_STOP, NULL, 0))->body.u.stop.upto = 0;
}

static void taken_over_too_early(struct tamper *t)
{
    struct mr_order *const o = order(tamper_find(t, MR_KIND_TAKEOVER, NULL, 0));
    o->time_ms -= 17 * MR_DAY_MS;
    o->policy = 1;
}

static void taken_over_with_other_keys(struct tamper *t)
{
    takeover(t)->keys.enc_key[5] ^= 1;
}

static void taken_over_without_recovery(struct tamper *t)
{
    takeover(t)->recover--;
}

static void taken_over_although_stopped(struct tamper *t)
{
    takeover(t)->recover -= 2;
}

static void taken_over_a_generation_further(struct tamper *t)
{
    takeover(t)->keys.generation++;
}

static void taken_over_by_keys_to_come(struct tamper *t)
{
    takeover(t)->generation = 2;
}

static void taken_over_by_keys_of_no_generation(struct tamper *t)
{
    takeover(t)->generation = 0;
}

static void drop_signature(struct row *r)
{
    r->u.b.u.order.sigs_count--;
}

static void taken_over_by_one(struct tamper *t)
{
    tamper_find(t, MR_KIND_TAKEOVER, NULL, 0).order->after = drop_signature;
}

const struct lie lies_of_recovery[] = {
    {"recovery of no member", recovery_of_no_member, "LED-33", MR_ACCOUNT_UNKNOWN},
    {"recovery without threshold", recovery_without_threshold, "LED-33", MR_BAD_KEY},
    {"recovery of keys to come", recovery_of_keys_to_come, "LED-33", MR_KEYS_UNKNOWN},
    {"stopped before it was ordered", stopped_before_it_was_ordered, "LED-33", MR_RECOVERY_UNKNOWN},
    {"stopped nothing", stopped_nothing, "LED-33", MR_NO_CHANGE},
    {"taken over too early", taken_over_too_early, "LED-33", MR_RECOVERY_EARLY},
    {"taken over with other keys", taken_over_with_other_keys, "LED-33", MR_BAD_KEY},
    {"taken over without recovery", taken_over_without_recovery, "LED-33", MR_RECOVERY_UNKNOWN},
    {"taken over although stopped", taken_over_although_stopped, "LED-33", MR_RECOVERY_STOPPED},
    {"taken over a generation further", taken_over_a_generation_further, "LED-33", MR_OUT_OF_RANGE},
    {"taken over by keys to come", taken_over_by_keys_to_come, "LED-33", MR_KEYS_UNKNOWN},
    {"taken over by keys of no generation", taken_over_by_keys_of_no_generation, "LED-33",
     MR_KEYS_OLD},
    {"taken over by one", taken_over_by_one, "LED-10", MR_SIGNATURES_MISSING},
    {NULL, NULL, NULL, MR_OK},
};
