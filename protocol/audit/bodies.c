/* Records of the bodies stream: found by place or name, kept until their slot is settled. */
#include <string.h>

#include "audit/state.h"

void mri_aud_cancel_key(uint8_t ret[32], const uint8_t account[16], uint64_t seq)
{
    memset(ret, 0, 32);
    memcpy(ret, account, 16);
    for (unsigned i = 0; i < 8; i++)
        ret[16 + i] = (uint8_t)(seq >> (56 - 8 * i));
}

/* Two different signed orders for one slot allow a ballot (SLOT-8); so does a not_after. */
static void note_order(struct mr_audit *a, const struct mr_order *o, const uint8_t id[32])
{
    struct mri_aud_account *const x = mri_aud_account(a, o->account);
    if (x == NULL || o->seq < x->hot.next_seq)
        return;
    struct mri_aud_open *const slot = mri_aud_slot_get(a, x, o->seq);
    if (slot == NULL)
        return;
    if (!slot->ordered)
        memcpy(slot->order, id, 32);
    else if (memcmp(slot->order, id, 32) != 0)
        slot->conflict = true;
    if (!slot->ordered || o->not_after_ms < slot->lapse_ms)
        slot->lapse_ms = o->not_after_ms;
    slot->ordered = true;
}

/* A memo stands behind its order. */
static void slot_of_memo(const struct mr_audit *a, struct mri_aud_body *memo)
{
    const struct mri_aud_body *const order = mri_aud_body_named(a, MR_BODY_ORDER, memo->id);
    if (order == NULL)
        return;
    memcpy(memo->account, order->account, 16);
    memo->seq = order->seq;
}

static void name_body(struct mr_audit *a, struct mri_aud_body *body)
{
    const struct mr_body *const b = &a->b;
    switch (b->kind) {
    case MR_BODY_ORDER: {
        const size_t behind = 4 + b->u.order.sigs_count * (4 + (size_t)MR_SIG_BYTES);
        mr_hash(body->id, "mereau/order-id", body->bytes + 4, body->len - 4 - behind, NULL, 0);
        memcpy(body->account, b->u.order.order.account, 16);
        body->seq = b->u.order.order.seq;
        note_order(a, &b->u.order.order, body->id);
        return;
    }
    case MR_BODY_MEMO:
        memcpy(body->id, b->u.memo.order, 32);
        slot_of_memo(a, body);
        return;
    case MR_BODY_CANCEL:
        mri_aud_cancel_key(body->id, b->u.cancel.cancel.account, b->u.cancel.cancel.seq);
        memcpy(body->account, b->u.cancel.cancel.account, 16);
        body->seq = b->u.cancel.cancel.seq;
        return;
    }
    mr_bug("body kind");
}

void mri_aud_bodies_open(struct mr_audit *a, uint64_t at, const uint8_t *in, size_t len)
{
    a->bodies_count = 0;
    while (len > 0) {
        size_t used;
        const enum mr_status st = mr_body_decode_first(&a->b, &used, in, len);
        if (st != MR_OK) {
            mri_aud_u64(a, "ENC-2", st, "record in the bodies, at its position", at, at);
            return;
        }
        void *list = a->bodies;
        if (!mri_aud_room(a, &list, &a->bodies_cap, a->bodies_count, sizeof *a->bodies))
            return;
        a->bodies = list;
        struct mri_aud_body *const body = &a->bodies[a->bodies_count++];
        *body =
            (struct mri_aud_body){.at = at, .len = (uint32_t)used, .kind = a->b.kind, .bytes = in};
        name_body(a, body);
        at += used;
        in += used;
        len -= used;
    }
}

struct mri_aud_body *mri_aud_body_here(const struct mr_audit *a, uint64_t at)
{
    size_t low = 0, high = a->bodies_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (a->bodies[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->bodies_count && a->bodies[low].at == at ? &a->bodies[low] : NULL;
}

struct mri_aud_body *mri_aud_body_at(const struct mr_audit *a, uint64_t at, uint32_t len)
{
    struct mri_aud_body *const here = mri_aud_body_here(a, at);
    if (here != NULL)
        return here->len == len ? here : NULL;
    for (struct mri_aud_kept *k = a->kept; k != NULL; k = k->next) {
        if (k->body.at == at)
            return k->body.len == len ? &k->body : NULL;
    }
    return NULL;
}

struct mri_aud_body *mri_aud_body_named(const struct mr_audit *a, enum mr_body_kind kind,
                                        const uint8_t id[32])
{
    for (size_t i = 0; i < a->bodies_count; i++) {
        if (a->bodies[i].kind == kind && memcmp(a->bodies[i].id, id, 32) == 0)
            return &a->bodies[i];
    }
    for (struct mri_aud_kept *k = a->kept; k != NULL; k = k->next) {
        if (k->body.kind == kind && memcmp(k->body.id, id, 32) == 0)
            return &k->body;
    }
    return NULL;
}

/* Whether a slot is settled, so that what stood for it is of no use any more. */
static bool is_past(const struct mr_audit *a, const struct mri_aud_body *body)
{
    const struct mri_aud_account *const x = mri_aud_map_get(&a->accounts, body->account);
    return x != NULL && body->seq < x->hot.next_seq;
}

void mri_aud_bodies_forget(struct mr_audit *a)
{
    a->bodies_count = 0;
    while (a->kept != NULL) {
        struct mri_aud_kept *const next = a->kept->next;
        mri_aud_put(a, a->kept);
        a->kept = next;
    }
}

/* The frame's bytes are lent: copy what a later turn may settle, drop what was settled. */
void mri_aud_bodies_close(struct mr_audit *a)
{
    const bool sweep = a->turn % 16 == 0;
    for (struct mri_aud_kept **link = &a->kept; *link != NULL;) {
        struct mri_aud_kept *const k = *link;
        if (!k->body.used && !(sweep && is_past(a, &k->body))) {
            link = &k->next;
            continue;
        }
        *link = k->next;
        mri_aud_put(a, k);
    }
    for (size_t i = 0; i < a->bodies_count; i++) {
        const struct mri_aud_body *const body = &a->bodies[i];
        if (body->used)
            continue;
        struct mri_aud_kept *const k = mri_aud_get(a, sizeof *k + body->len);
        if (k == NULL)
            return;
        k->body = *body;
        memcpy(k + 1, body->bytes, body->len);
        k->body.bytes = (const uint8_t *)(k + 1);
        k->next = a->kept;
        a->kept = k;
    }
    a->bodies_count = 0;
}
