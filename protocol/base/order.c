#include "mereau/order.h"

#include <string.h>

#include "mereau/amount.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/mandate.h"

bool mr_in_space(const uint8_t account[16], const uint8_t association[16])
{
    return memcmp(account, association, MR_SPACE_BYTES) == 0;
}

void mr_into_space(uint8_t account[16], const uint8_t association[16])
{
    memcpy(account, association, MR_SPACE_BYTES);
}

void mr_sub_account(uint8_t ret[16], const uint8_t association[16], enum mr_account_class class)
{
    static const uint8_t none[16] = {0};
    uint8_t h[32];
    const char *const text = mr_account_class_text(class);
    const uint8_t *const of = association != NULL ? association : none;
    mr_hash(h, "mereau/sub-account", of, 16, text, strlen(text));
    memcpy(ret, h, 16);
    mr_into_space(ret, of);
}

bool mr_is_member_class(enum mr_account_class class)
{
    return class >= MR_CLASS_RESIDENT && class <= MR_CLASS_FUND;
}

const struct mr_policy *mr_policy_on(const struct mr_policy *policies, uint32_t count, uint32_t day)
{
    const struct mr_policy *in_force = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (policies[i].start_day <= day)
            in_force = &policies[i];
    return in_force;
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t limit_of(int64_t granted, int64_t lowered, const int64_t *of_class)
{
    if (granted == 0 && of_class == NULL)
        return lowered;
    const int64_t now = granted != 0 ? granted : *of_class;
    return lowered != 0 ? lesser(now, lowered) : now;
}

const struct mr_terms *mr_terms_left(const struct mr_state_account *a)
{
    static const struct mr_terms none = {.credit = MR_CREDIT_MAX};
    return a->lowered_count > 0 ? &a->lowered[0] : &none;
}

void mr_terms_of(struct mr_terms *ret, const struct mr_state_account *a,
                 const struct mr_class_rule *rule)
{
    const struct mr_terms *const most = mr_terms_left(a);
    ret->credit = lesser(a->credit, most->credit);
    ret->limit_payment =
        limit_of(a->limit_payment, most->limit_payment, rule != NULL ? &rule->limit_payment : NULL);
    ret->limit_day =
        limit_of(a->limit_day, most->limit_day, rule != NULL ? &rule->limit_day : NULL);
    ret->limit_month =
        limit_of(a->limit_month, most->limit_month, rule != NULL ? &rule->limit_month : NULL);
}

const struct mr_class_rule *mr_class_rule(const struct mr_policy *p, enum mr_account_class class)
{
    for (uint32_t i = 0; i < p->classes_count; i++)
        if (p->classes[i].class == class)
            return &p->classes[i];
    return NULL;
}

int64_t mr_fee_of(const struct mr_policy *p, enum mr_order_kind kind, enum mr_account_class class,
                  int64_t amount, uint32_t day)
{
    const struct mr_fee_rule *rule = NULL;
    for (uint32_t i = 0; i < p->fees_count; i++) {
        const struct mr_fee_rule *f = &p->fees[i];
        if (f->kind == kind && f->class == class && f->start_day <= day &&
            (rule == NULL || f->start_day > rule->start_day))
            rule = f;
    }
    if (rule == NULL)
        return 0;
    int64_t fee = mr_amount_part(amount, rule->basis_points);
    if (fee < rule->fee_min)
        fee = rule->fee_min;
    if (fee > rule->fee_max)
        fee = rule->fee_max;
    return fee < amount ? fee : amount;
}

enum mr_status mr_keyset_check(const struct mr_keyset *keys, enum mr_account_class class)
{
    if (keys->keys_count == 0 || keys->threshold == 0 || keys->threshold > keys->keys_count)
        return MR_BAD_KEY;
    const bool majority = class == MR_CLASS_TREASURY || class == MR_CLASS_SYSTEM;
    if (majority && 2 * keys->threshold <= keys->keys_count)
        return MR_BAD_KEY;
    if (class == MR_CLASS_DESK && keys->threshold != 1)
        return MR_BAD_KEY;
    for (uint32_t i = 0; i < keys->keys_count; i++) {
        if (!mr_pubkey_usable(&keys->keys[i]))
            return MR_BAD_KEY;
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(keys->keys[k].key, keys->keys[i].key, MR_KEY_BYTES) == 0)
                return MR_BAD_KEY;
    }
    return MR_OK;
}

/* --- signatures ------------------------------------------------------------------------------- */

static struct mr_sig *place_for(struct mr_sig *sigs, uint32_t *count, uint32_t key_index)
{
    uint32_t at = 0;
    while (at < *count && sigs[at].key_index < key_index)
        at++;
    if (at == *count || sigs[at].key_index != key_index) {
        memmove(sigs + at + 1, sigs + at, (*count - at) * sizeof *sigs);
        (*count)++;
    }
    sigs[at].key_index = key_index;
    return &sigs[at];
}

void mr_order_sign(struct mr_signed_order *o, uint32_t key_index, const struct mr_seckey *key)
{
    uint8_t bytes[sizeof o->order];
    const size_t n = mr_order_encode(&o->order, bytes, sizeof bytes);
    mr_sign(place_for(o->sigs, &o->sigs_count, key_index)->sig, MR_PURPOSE_ORDER, o->order.ledger,
            0, bytes, n, key);
}

void mr_cancel_sign(struct mr_signed_cancel *c, uint32_t key_index, const struct mr_seckey *key)
{
    uint8_t bytes[sizeof c->cancel];
    const size_t n = mr_cancel_encode(&c->cancel, bytes, sizeof bytes);
    mr_sign(place_for(c->sigs, &c->sigs_count, key_index)->sig, MR_PURPOSE_CANCEL, c->cancel.ledger,
            0, bytes, n, key);
}

struct signed_text {
    enum mr_purpose why;
    const uint8_t *ledger;
    uint32_t epoch;
    const uint8_t *bytes;
    size_t len;
};

static enum mr_status verify_all(const struct mr_sig *sigs, uint32_t count,
                                 const struct mr_keyset *keys, const struct signed_text *text)
{
    for (uint32_t i = 0; i < count; i++) {
        if (sigs[i].key_index >= keys->keys_count)
            return MR_BAD_SIGNATURE;
        if (i > 0 && sigs[i].key_index <= sigs[i - 1].key_index)
            return MR_BAD_SIGNATURE;
        if (!mr_verify(sigs[i].sig, text->why, text->ledger, text->epoch, text->bytes, text->len,
                       &keys->keys[sigs[i].key_index]))
            return MR_BAD_SIGNATURE;
    }
    return count >= keys->threshold && count > 0 ? MR_OK : MR_SIGNATURES_MISSING;
}

enum mr_status mr_order_verify(const struct mr_signed_order *o, const struct mr_keyset *keys,
                               uint32_t epoch)
{
    uint8_t bytes[sizeof o->order];
    const bool by_node =
        o->order.body.kind == MR_KIND_CHECKPOINT || o->order.body.kind == MR_KIND_CUT;
    const struct signed_text text = {by_node ? MR_PURPOSE_CHECKPOINT : MR_PURPOSE_ORDER,
                                     o->order.ledger, by_node ? epoch : 0, bytes,
                                     mr_order_encode(&o->order, bytes, sizeof bytes)};
    return verify_all(o->sigs, o->sigs_count, keys, &text);
}

enum mr_status mr_cancel_verify(const struct mr_signed_cancel *c, const struct mr_keyset *keys)
{
    uint8_t bytes[sizeof c->cancel];
    const struct signed_text text = {MR_PURPOSE_CANCEL, c->cancel.ledger, 0, bytes,
                                     mr_cancel_encode(&c->cancel, bytes, sizeof bytes)};
    return verify_all(c->sigs, c->sigs_count, keys, &text);
}

void mr_keyset_hash(uint8_t ret[32], const struct mr_keyset *keys)
{
    uint8_t bytes[sizeof *keys];
    mr_hash(ret, "mereau/keyset", bytes, mr_keyset_encode(keys, bytes, sizeof bytes), NULL, 0);
}

void mr_recovery_hash(uint8_t ret[32], const struct mr_setkeys *keys)
{
    uint8_t bytes[sizeof *keys];
    mr_hash(ret, "mereau/recovery", bytes, mr_setkeys_encode(keys, bytes, sizeof bytes), NULL, 0);
}

void mr_clear_sign(struct mr_clear *c, const uint8_t ledger[32], uint32_t key_index,
                   const struct mr_seckey *key)
{
    uint8_t bytes[sizeof c->clearing];
    const size_t n = mr_clearing_encode(&c->clearing, bytes, sizeof bytes);
    mr_sign(place_for(c->sigs, &c->sigs_count, key_index)->sig, MR_PURPOSE_CLEAR, ledger, 0, bytes,
            n, key);
}

enum mr_status mr_clear_verify(const struct mr_clear *c, const uint8_t ledger[32])
{
    uint8_t bytes[sizeof c->clearing];
    const struct signed_text text = {MR_PURPOSE_CLEAR, ledger, 0, bytes,
                                     mr_clearing_encode(&c->clearing, bytes, sizeof bytes)};
    return verify_all(c->sigs, c->sigs_count, &c->keys, &text);
}

void mr_mandate_sign(struct mr_signed_mandate *m, uint32_t key_index, const struct mr_seckey *key)
{
    uint8_t bytes[sizeof m->mandate];
    const size_t n = mr_mandate_encode(&m->mandate, bytes, sizeof bytes);
    mr_assert(m->sigs_count < MR_MANDATE_SIGS_MAX);
    mr_sign(place_for(m->sigs, &m->sigs_count, key_index)->sig, MR_PURPOSE_MANDATE,
            m->mandate.ledger, 0, bytes, n, key);
}

enum mr_status mr_mandate_verify(const struct mr_signed_mandate *m, const struct mr_keyset *keys)
{
    uint8_t bytes[sizeof m->mandate];
    const struct signed_text text = {MR_PURPOSE_MANDATE, m->mandate.ledger, 0, bytes,
                                     mr_mandate_encode(&m->mandate, bytes, sizeof bytes)};
    return verify_all(m->sigs, m->sigs_count, keys, &text);
}

/* By the governance of the charter whose ledger the text names. */
static enum mr_status verify_governance(const struct mr_sig *sigs, uint32_t count,
                                        const struct mr_charter *charter,
                                        const struct signed_text *text)
{
    uint8_t ledger[32];
    mr_ledger_id(ledger, charter);
    if (memcmp(ledger, text->ledger, sizeof ledger) != 0)
        return MR_WRONG_LEDGER;
    return verify_all(sigs, count, &charter->governance, text);
}

void mr_restart_sign(struct mr_signed_restart *r, uint32_t key_index, const struct mr_seckey *key)
{
    uint8_t bytes[sizeof r->restart];
    const size_t n = mr_restart_encode(&r->restart, bytes, sizeof bytes);
    mr_sign(place_for(r->sigs, &r->sigs_count, key_index)->sig, MR_PURPOSE_RESTART,
            r->restart.ledger, 0, bytes, n, key);
}

enum mr_status mr_restart_verify(const struct mr_signed_restart *r,
                                 const struct mr_charter *charter)
{
    uint8_t bytes[sizeof r->restart];
    const struct signed_text text = {MR_PURPOSE_RESTART, r->restart.ledger, 0, bytes,
                                     mr_restart_encode(&r->restart, bytes, sizeof bytes)};
    return verify_governance(r->sigs, r->sigs_count, charter, &text);
}

void mr_regroup_sign(struct mr_signed_regroup *r, uint32_t key_index, const struct mr_seckey *key)
{
    uint8_t bytes[sizeof r->regroup];
    const size_t n = mr_regroup_encode(&r->regroup, bytes, sizeof bytes);
    mr_sign(place_for(r->sigs, &r->sigs_count, key_index)->sig, MR_PURPOSE_REGROUP,
            r->regroup.ledger, 0, bytes, n, key);
}

enum mr_status mr_regroup_verify(const struct mr_signed_regroup *r,
                                 const struct mr_charter *charter)
{
    uint8_t bytes[sizeof r->regroup];
    const struct signed_text text = {MR_PURPOSE_REGROUP, r->regroup.ledger, 0, bytes,
                                     mr_regroup_encode(&r->regroup, bytes, sizeof bytes)};
    return verify_governance(r->sigs, r->sigs_count, charter, &text);
}

/* An offer is older than the ledger it is for. */
static const uint8_t no_ledger[MR_HASH_BYTES];

void mr_offer_sign(struct mr_signed_offer *o, const struct mr_seckey *log_key, uint32_t key_index,
                   const struct mr_seckey *desk_key)
{
    uint8_t bytes[sizeof o->offer];
    const size_t n = mr_offer_encode(&o->offer, bytes, sizeof bytes);
    mr_sign(o->node_sig, MR_PURPOSE_OFFER, no_ledger, 0, bytes, n, log_key);
    mr_sign(place_for(o->sigs, &o->sigs_count, key_index)->sig, MR_PURPOSE_OFFER, no_ledger, 0,
            bytes, n, desk_key);
}

enum mr_status mr_offer_verify(const struct mr_signed_offer *o)
{
    uint8_t bytes[sizeof o->offer];
    const struct signed_text text = {MR_PURPOSE_OFFER, no_ledger, 0, bytes,
                                     mr_offer_encode(&o->offer, bytes, sizeof bytes)};
    if (!mr_verify(o->node_sig, text.why, text.ledger, text.epoch, text.bytes, text.len,
                   &o->offer.node.log_key))
        return MR_BAD_SIGNATURE;
    return verify_all(o->sigs, o->sigs_count, &o->offer.association.desk, &text);
}
