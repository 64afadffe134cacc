/* Replies: queued with their turn, released when it is synced. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/handover.h"

struct mr_reply *mri_reply(struct mr_engine *e, enum mr_request_kind kind)
{
    struct mr_reply *r = &e->reply;
    r->detail_len = 0;
    r->detail[0] = '\0';
    r->body.kind = kind;
    /* The struct is too large to clear for every reply: what an encoder looks at is reset here. */
    switch (kind) {
    case MR_REQ_AUTH:
    case MR_REQ_JOIN:
    case MR_REQ_JOIN_STATUS:
    case MR_REQ_REGISTER_PUT:
    case MR_REQ_REGISTER_DELETE:
    case MR_REQ_CONTROL:
    case MR_REQ_PEERS:
    case MR_REQ_STATE:
    case MR_REQ_COSIGN:
        r->body.u.auth = (struct mr_rep_none){0};
        break;
    case MR_REQ_NODE:
        r->body.u.node = (struct mr_rep_node){0};
        break;
    case MR_REQ_CHARTER:
        r->body.u.charter.charter = *e->config.charter;
        break;
    case MR_REQ_POLICIES:
        r->body.u.policies.policies_count = 0;
        break;
    case MR_REQ_CHECK:
        r->body.u.check.missing = 0;
        break;
    case MR_REQ_SUBMIT:
    case MR_REQ_CANCEL:
    case MR_REQ_SLOT:
        r->body.u.slot.cause = 0;
        r->body.u.slot.missing = 0;
        r->body.u.slot.votes = r->body.u.slot.quorum = 0;
        r->body.u.slot.conflict = false;
        r->body.u.slot.time_ms = 0;
        r->body.u.slot.receipt_count = 0;
        r->body.u.slot.order_count = 0;
        break;
    case MR_REQ_ACCOUNT:
        memset(&r->body.u.account, 0, sizeof r->body.u.account);
        r->body.u.account.account.class = MR_CLASS_RESIDENT;
        break;
    case MR_REQ_HISTORY:
        r->body.u.history.last = 0;
        r->body.u.history.items_count = 0;
        break;
    case MR_REQ_LOOKUP:
        memset(r->body.u.lookup.account, 0, 16);
        r->body.u.lookup.class = MR_CLASS_RESIDENT;
        memset(r->body.u.lookup.association, 0, 16);
        r->body.u.lookup.frozen = r->body.u.lookup.closed = false;
        memset(r->body.u.lookup.enc_key, 0, MR_KEY_BYTES);
        r->body.u.lookup.listing_count = r->body.u.lookup.receipt_count = 0;
        r->body.u.lookup.recovery_count = 0;
        break;
    case MR_REQ_DIRECTORY:
        r->body.u.directory.last = r->body.u.directory.next = 0;
        r->body.u.directory.listings_count = 0;
        break;
    case MR_REQ_WAIT:
        r->body.u.wait = (struct mr_rep_wait){0};
        break;
    case MR_REQ_HEAD:
        r->body.u.head.head = e->head;
        r->body.u.head.consistency_count = r->body.u.head.handover_count = 0;
        break;
    case MR_REQ_REGISTER_LIST:
        r->body.u.register_list.items_count = 0;
        r->body.u.register_list.more = false;
        break;
    case MR_REQ_ACCOUNTS:
        r->body.u.accounts.last = r->body.u.accounts.next = 0;
        r->body.u.accounts.accounts_count = 0;
        break;
    case MR_REQ_BANK:
        memset(&r->body.u.bank.slot, 0, sizeof r->body.u.bank.slot);
        r->body.u.bank.time_ms = 0;
        r->body.u.bank.order_count = 0;
        break;
    case MR_REQ_REDEMPTIONS:
        r->body.u.redemptions.last = r->body.u.redemptions.next = 0;
        r->body.u.redemptions.items_count = 0;
        break;
    case MR_REQ_FOLLOW:
        r->body.u.follow.head = e->head;
        r->body.u.follow.first = 0;
        memset(r->body.u.follow.root, 0, 32);
        r->body.u.follow.behind_count = r->body.u.follow.ahead_count = 0;
        r->body.u.follow.leaves_count = r->body.u.follow.bodies_count = 0;
        r->body.u.follow.yours_count = 0;
        break;
    case MR_REQ_FETCH:
        r->body.u.fetch.bodies_count = r->body.u.fetch.proofs_count = 0;
        break;
    case MR_REQ_HANDOVER:
        r->body.u.handover.epoch = e->committee.epoch;
        r->body.u.handover.handover_count = r->body.u.handover.final_count = 0;
        break;
    case MR_REQ_EVIDENCE:
        r->body.u.evidence.last = 0;
        r->body.u.evidence.items_count = 0;
        break;
    case MR_REQ_COSIGNED:
        r->body.u.cosigned.heads_count = 0;
        break;
    case MR_REQ_STREAM:
        r->body.u.stream.position = r->body.u.stream.end = 0;
        r->body.u.stream.bytes_len = 0;
        break;
    }
    return r;
}

static struct mri_answer *queue(struct mr_engine *e, uint64_t token, uint32_t id,
                                enum mr_request_kind kind)
{
    struct mri_turn *t = e->current;
    mr_assert(t->answers_count < MRI_ANSWERS_MAX);
    struct mri_answer *a = &t->answers[t->answers_count++];
    *a = (struct mri_answer){.token = token, .id = id, .kind = kind};
    return a;
}

void mri_answer_to(struct mr_engine *e, uint64_t token, uint32_t id, enum mr_status st)
{
    struct mri_turn *t = e->current;
    struct mri_answer *a = queue(e, token, id, e->reply.body.kind);
    e->reply.id = id;
    e->reply.status = (uint32_t)st;
    a->at = t->replies_used;
    a->len = mr_reply_encode(&e->reply, t->replies + a->at, MRI_REPLIES_BUFFER - a->at);
    mr_assert(a->len <= MR_FRAME_MAX);
    t->replies_used += a->len;
}

void mri_answer(struct mr_engine *e, const struct mr_event *ev, enum mr_status st)
{
    mri_answer_to(e, ev->u.request.token, ev->u.request.request->id, st);
}

static void answer_slot(struct mri_answer *a, uint64_t number, uint64_t seq)
{
    a->slot = true;
    a->number = number;
    a->seq = seq;
}

void mri_answer_slot(struct mr_engine *e, const struct mr_event *ev, uint64_t number, uint64_t seq)
{
    answer_slot(
        queue(e, ev->u.request.token, ev->u.request.request->id, ev->u.request.request->body.kind),
        number, seq);
}

void mri_answer_asker(struct mr_engine *e, const struct mri_asker *a, uint64_t number, uint64_t seq)
{
    answer_slot(queue(e, a->token, a->id, a->kind), number, seq);
}

/* How many of the last handovers fit in a message. */
static enum mr_status count_last(struct mr_engine *e, uint32_t *ret, uint32_t epoch)
{
    size_t left = MR_HANDOVERS_BYTES_MAX, len;
    for (*ret = 0; *ret < MR_HANDOVERS_MAX && *ret + 1 < epoch; ++*ret) {
        const enum mr_status st = mri_epoch_bytes(e, &len, epoch - *ret);
        if (st != MR_OK)
            return st;
        if (len > left)
            return MR_OK;
        left -= len;
    }
    return MR_OK;
}

enum mr_status mri_handover(struct mr_engine *e, struct mr_handover *ret, uint32_t *ret_count,
                            uint32_t epoch)
{
    enum mr_status st = count_last(e, ret_count, epoch);
    for (uint32_t i = 0; st == MR_OK && i < *ret_count; i++)
        st = mri_epoch_get(e, &ret[i], epoch - *ret_count + 1 + i);
    return st;
}

static enum mr_status prove_ack(struct mr_engine *e, struct mr_proof *ret,
                                const uint8_t account[16], uint64_t seq,
                                const struct mr_state_slot *slot, const struct mr_ack_ref *ack)
{
    struct mr_leaf leaf;
    mri_ack_leaf(&leaf, account, seq, slot, ack);
    const enum mr_status st = mri_prove(e, ret, slot->epoch, ack->node, ack->index, &leaf);
    if (st == MR_NOT_FOUND)
        return mri_shown_proof(e, ret, &leaf, ack);
    if (st != MR_OK || ack->node != e->config.node || slot->epoch != e->head.epoch)
        return st;
    const struct mr_cosigned_head *const c = mri_cosigned_over(e, ack->index);
    if (c == NULL)
        return MR_OK;
    /* An older head, which witnesses saw as well. */
    ret->head = c->head;
    return mri_tree_path(&e->tree, ret->path, &ret->path_count, ack->index, c->head.size);
}

/* The q acknowledgements of a slot, under heads. MR_NOT_FOUND: fewer, as where a CUT settled it
 * (EPO-5), or one that no head here covers. */
static enum mr_status prove_acks(struct mr_engine *e, struct mr_receipt *ret,
                                 const uint8_t account[16], uint64_t seq,
                                 const struct mr_state_slot *slot)
{
    uint32_t quorum = 0;
    enum mr_status st = mri_epoch_quorum(e, &quorum, slot->epoch);
    ret->proofs_count = 0;
    for (uint32_t i = 0; st == MR_OK && i < slot->acks_count && ret->proofs_count < quorum; i++) {
        st = prove_ack(e, &ret->proofs[ret->proofs_count], account, seq, slot, &slot->acks[i]);
        ret->proofs_count += st == MR_OK;
        st = st == MR_NOT_FOUND ? MR_OK : st;
    }
    return st == MR_OK && ret->proofs_count < quorum ? MR_NOT_FOUND : st;
}

/* The same as the nodes of a later epoch acknowledged it: SLOT-17. */
static enum mr_status prove_anew(struct mr_engine *e, struct mr_receipt *ret,
                                 const uint8_t account[16], uint64_t number, uint64_t seq,
                                 const struct mr_state_slot *slot)
{
    struct mr_state_slot anew;
    enum mr_status st = mri_is_past(e, slot) ? mri_anew_get(e, &anew, number, seq) : MR_NOT_FOUND;
    if (st == MR_OK)
        st = prove_acks(e, ret, account, seq, &anew);
    if (st == MR_NOT_FOUND && mri_is_past(e, slot) && (slot->voided || slot->body_len > 0))
        mri_anew_want(e, number, seq);
    return st;
}

/* Cosignatures are over the first proof's head: that of the own log, where it is among them. */
static void put_own_first(const struct mr_engine *e, struct mr_proof *proofs, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (proofs[i].head.node != e->config.node || proofs[i].head.epoch != e->head.epoch)
            continue;
        const struct mr_proof own = proofs[i];
        memmove(&proofs[1], &proofs[0], i * sizeof proofs[0]);
        proofs[0] = own;
    }
}

enum mr_status mri_receipt(struct mr_engine *e, struct mr_receipt *ret, uint64_t number,
                           uint64_t seq, const struct mr_state_slot *slot)
{
    struct mr_body *body = &e->body;
    struct mr_state_account a;
    enum mr_status st = mri_account_get(&e->ledger, &a, number);
    if (st == MR_OK)
        st = prove_acks(e, ret, a.id, seq, slot);
    if (st == MR_NOT_FOUND)
        st = prove_anew(e, ret, a.id, number, seq, slot);
    if (st == MR_OK)
        put_own_first(e, ret->proofs, ret->proofs_count);
    if (st == MR_OK)
        st = mri_handover(e, ret->handover, &ret->handover_count, ret->proofs[0].head.epoch);
    if (st != MR_OK)
        return st;
    ret->version = 1;
    memcpy(ret->ledger, e->ledger.id, 32);
    memcpy(ret->account, a.id, 16);
    ret->seq = seq;
    ret->order_count = slot->voided ? 0 : 1;
    mri_cosignatures(e, ret);
    if (slot->voided)
        return MR_OK;
    st = mri_read_body(e, body, slot->body_at, slot->body_len);
    if (st != MR_OK)
        return st;
    if (body->kind != MR_BODY_ORDER)
        return MR_DAMAGED;
    ret->order[0] = body->u.order;
    return MR_OK;
}

/* The state of a slot as a reply in e->reply. */
static enum mr_status slot_reply(struct mr_engine *e, const struct mri_answer *a,
                                 enum mr_status *ret_status)
{
    struct mr_reply *r = mri_reply(e, a->kind);
    struct mr_rep_slot *s = &r->body.u.slot;
    struct mr_state_slot slot;
    enum mr_status st = mri_slot_get(&e->ledger, &slot, a->number, a->seq);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    st = mri_receipt(e, &s->receipt[0], a->number, a->seq, &slot);
    if (st == MR_BODY_ERASED || st == MR_NOT_FOUND) {
        /* Settled, but erased since, or of the last moments of a log that ended: no receipt. */
        *ret_status = slot.voided ? MR_VOIDED : MR_SETTLED;
        s->time_ms = slot.time_ms;
        return MR_OK;
    }
    if (st != MR_OK)
        return st;
    s->receipt_count = 1;
    s->time_ms = slot.time_ms;
    *ret_status = slot.voided ? MR_VOIDED : MR_SETTLED;
    return MR_OK;
}

enum mr_status mri_release(struct mr_engine *e, struct mri_turn *t, struct mr_effects *fx)
{
    enum mr_status trouble = MR_OK;
    for (uint32_t i = 0; i < t->answers_count; i++) {
        const struct mri_answer *a = &t->answers[i];
        if (!a->slot) {
            fx->reply(fx->ctx, a->token, t->replies + a->at, a->len);
            continue;
        }
        enum mr_status status = MR_OK;
        const enum mr_status st = slot_reply(e, a, &status);
        if (st != MR_OK) {
            /* It is settled, only its receipt cannot be read: the caller asks again. */
            mri_reply(e, a->kind);
            status = MR_BUSY;
            trouble = st;
        }
        e->reply.id = a->id;
        e->reply.status = (uint32_t)status;
        const size_t n = mr_reply_encode(&e->reply, e->bytes, sizeof e->bytes);
        fx->reply(fx->ctx, a->token, e->bytes, n);
    }
    t->answers_count = 0;
    t->replies_used = 0;
    return trouble;
}
