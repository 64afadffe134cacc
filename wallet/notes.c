/* What the book says, in memory. */
#include <stdlib.h>
#include <string.h>

#include "common/amount_text.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/order.h"
#include "wallet/heads.h"
#include "wallet/wallet.h"

/* A copy of `size` bytes, or NULL. */
static void *copy_of(const void *p, size_t size)
{
    void *const copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, p, size);
    return copy;
}

/* The slot of this seq, made when it is the next one. */
static enum mr_status slot_for(struct wallet *w, struct slot **ret, uint64_t seq)
{
    if (seq == 0 || seq > w->slot_count + 1)
        return MR_DAMAGED; /* notes are written in the order of the chain */
    if (seq == w->slot_count + 1) {
        struct slot *const grown = realloc(w->slots, (size_t)seq * sizeof *grown);
        if (grown == NULL)
            return MR_NO_MEMORY;
        w->slots = grown;
        w->slots[w->slot_count++] = (struct slot){0};
    }
    *ret = &w->slots[seq - 1];
    return MR_OK;
}

static enum mr_status take_order(struct wallet *w, const struct mr_book_order *note)
{
    struct slot *s;
    const enum mr_status st = slot_for(w, &s, note->order.order.seq);
    if (st != MR_OK)
        return st;
    free(s->order);
    free(s->memo);
    s->memo = NULL;
    s->adopted = note->adopted;
    s->order_len = mr_signed_order_size(&note->order);
    s->order = malloc(s->order_len);
    if (s->order != NULL)
        mr_signed_order_encode(&note->order, s->order, s->order_len);
    if (note->memo_count > 0)
        s->memo = copy_of(&note->memo[0], sizeof note->memo[0]);
    return s->order == NULL || (note->memo_count > 0 && s->memo == NULL) ? MR_NO_MEMORY : MR_OK;
}

static enum mr_status take_result(struct wallet *w, const struct mr_book_result *note)
{
    struct slot *s;
    const enum mr_status st = slot_for(w, &s, note->seq);
    if (st != MR_OK)
        return st;
    s->closed = true;
    s->voided = note->voided;
    s->time_ms = note->time_ms;
    memcpy(s->value, note->value, sizeof s->value);
    if (note->receipt_count == 0) {
        s->reported = true; /* learned from the node's history: nobody waits for it */
        return MR_OK;
    }
    s->linked = 0; /* it has one of its own */
    heads_learn(w, &note->receipt[0]);
    free(s->receipt);
    s->receipt_len = mr_receipt_size(&note->receipt[0]);
    s->receipt = malloc(s->receipt_len);
    if (s->receipt == NULL)
        return MR_NO_MEMORY;
    mr_receipt_encode(&note->receipt[0], s->receipt, s->receipt_len);
    return MR_OK;
}

static enum mr_status take_linked(struct wallet *w, const struct mr_book_linked *note)
{
    struct slot *s;
    const enum mr_status st = slot_for(w, &s, note->seq);
    if (st != MR_OK)
        return st;
    s->closed = true;
    s->voided = note->voided;
    s->time_ms = note->time_ms;
    s->linked = note->by;
    memcpy(s->value, note->value, sizeof s->value);
    return MR_OK;
}

static enum mr_status take_reported(struct wallet *w, const struct mr_book_reported *note)
{
    struct slot *const s = wallet_slot(w, note->seq);
    if (s == NULL)
        return MR_DAMAGED;
    s->reported = true;
    s->reported_ms = note->time_ms;
    return MR_OK;
}

static size_t name_at(const struct wallet *w, bool pin, const char *text)
{
    size_t i = 0;
    while (i < w->name_count && (w->names[i].pin != pin || strcmp(w->names[i].text, text) != 0))
        i++;
    return i;
}

static enum mr_status take_name(struct wallet *w, const struct mr_book_name *note)
{
    const size_t at = name_at(w, note->pin, note->name);
    if (note->removed) {
        if (at < w->name_count)
            memmove(&w->names[at], &w->names[at + 1], (--w->name_count - at) * sizeof *w->names);
        return MR_OK;
    }
    if (at == w->name_count) {
        struct name *const grown = realloc(w->names, (at + 1) * sizeof *grown);
        if (grown == NULL)
            return MR_NO_MEMORY;
        w->names = grown;
        w->name_count++;
    }
    struct name *const n = &w->names[at];
    n->pin = note->pin;
    memcpy(n->text, note->name, sizeof n->text);
    memcpy(n->account, note->account, sizeof n->account);
    return MR_OK;
}

/* The present charter changes in place: a link may look at its nodes. */
static enum mr_status take_handover(struct wallet *w, const struct mr_handover *h)
{
    if (w->charter == NULL)
        return MR_DAMAGED;
    if (w->present == NULL)
        w->present = copy_of(w->charter, sizeof *w->charter);
    const enum mr_status st =
        w->present == NULL ? MR_NO_MEMORY : epochs_add(&w->epochs, w->charter, w->present, h);
    return st == MR_OK || st == MR_NO_MEMORY || st == MR_FULL ? st : MR_DAMAGED;
}

static enum mr_status take_head(struct wallet *w, const struct mr_head *h)
{
    if (h->node == 0)
        return MR_DAMAGED;
    w->memory[h->node - 1].has_head = true;
    w->memory[h->node - 1].head = *h;
    return MR_OK;
}

static enum mr_status take_copy(void **at, const void *p, size_t size)
{
    free(*at);
    *at = copy_of(p, size);
    return *at == NULL ? MR_NO_MEMORY : MR_OK;
}

enum mr_status wallet_take(struct wallet *w, const struct mr_book_note *note)
{
    enum mr_status st = MR_OK;
    void *p;
    switch (note->kind) {
    case MR_BOOK_CHARTER:
        p = w->charter;
        st = take_copy(&p, &note->u.charter, sizeof note->u.charter);
        w->charter = p;
        return st;
    case MR_BOOK_JOIN:
        p = w->join;
        st = take_copy(&p, &note->u.join, sizeof note->u.join);
        w->join = p;
        return st;
    case MR_BOOK_ORDER:
        return take_order(w, &note->u.order);
    case MR_BOOK_RESULT:
        return take_result(w, &note->u.result);
    case MR_BOOK_REPORTED:
        return take_reported(w, &note->u.reported);
    case MR_BOOK_HEAD:
        return take_head(w, &note->u.head);
    case MR_BOOK_NAME:
        return take_name(w, &note->u.name);
    case MR_BOOK_HANDOVER:
        return take_handover(w, &note->u.handover);
    case MR_BOOK_WITNESSES:
        w->witnesses = note->u.witnesses;
        return mr_witness_set_fault(&w->witnesses.own) == NULL ? MR_OK : MR_DAMAGED;
    case MR_BOOK_LINKED:
        return take_linked(w, &note->u.linked);
    }
    return MR_DAMAGED;
}

/* --- asking ----------------------------------------------------------------------------------- */

bool wallet_settled_order(struct mr_signed_order *ret, const struct slot *s)
{
    if (s->order != NULL) {
        wallet_order(ret, s);
        if (mr_outcome_of(&ret->order, s->value) == MR_OUTCOME_SETTLED)
            return true;
    }
    struct mr_receipt *const r = s->receipt != NULL ? malloc(sizeof *r) : NULL;
    const bool found = r != NULL && mr_receipt_decode(r, s->receipt, s->receipt_len) == MR_OK &&
                       r->order_count > 0;
    if (found)
        *ret = r->order[0];
    free(r);
    return found;
}

void wallet_order(struct mr_signed_order *ret, const struct slot *s)
{
    const enum mr_status st = mr_signed_order_decode(ret, s->order, s->order_len);
    mr_assert(st == MR_OK); /* encoded here */
}

enum mr_status wallet_receipt(struct mr_receipt_facts *ret, const struct wallet *w,
                              const struct mr_receipt *receipt)
{
    const struct mr_chain chain = epochs_chain(&w->epochs);
    return mr_receipt_verify(ret, w->charter, &chain, receipt);
}

uint64_t wallet_open_seq(const struct wallet *w)
{
    for (size_t i = w->slot_count; i > 0; i--) {
        const struct slot *const s = &w->slots[i - 1];
        if (s->order != NULL && (!s->closed || !s->reported))
            return i;
    }
    return 0;
}

const struct name *wallet_name(const struct wallet *w, bool pin, const char *text)
{
    const size_t at = name_at(w, pin, text);
    return at < w->name_count ? &w->names[at] : NULL;
}

const uint8_t *wallet_account(const struct wallet *w)
{
    return w->keys->stored.sheet.account;
}

void wallet_address(char *ret, const struct wallet *w, const uint8_t account[MR_ACCOUNT_BYTES])
{
    if (w->charter != NULL)
        mr_address_format(ret, w->charter->prefix, account);
    else
        mr_hex_format(ret, account, MR_ACCOUNT_BYTES);
}

/* The association that a treasury's or its own account belongs to; NULL: neither. */
static const struct mr_association *association_of(const struct wallet *w,
                                                   const uint8_t account[MR_ACCOUNT_BYTES])
{
    static const enum mr_account_class classes[] = {MR_CLASS_TREASURY, MR_CLASS_OWN};
    uint8_t id[MR_ACCOUNT_BYTES];
    for (uint32_t i = 0; w->charter != NULL && i < wallet_present(w)->associations_count; i++)
        for (size_t k = 0; k < sizeof classes / sizeof classes[0]; k++) {
            mr_sub_account(id, wallet_present(w)->associations[i].id, classes[k]);
            if (memcmp(id, account, sizeof id) == 0)
                return &wallet_present(w)->associations[i];
        }
    return NULL;
}

void wallet_call(char *ret, const struct wallet *w, const uint8_t account[MR_ACCOUNT_BYTES])
{
    const struct name *best = NULL;
    for (size_t i = 0; i < w->name_count; i++)
        if (memcmp(w->names[i].account, account, MR_ACCOUNT_BYTES) == 0 &&
            (best == NULL || best->pin))
            best = &w->names[i];
    const struct mr_association *const a = best == NULL ? association_of(w, account) : NULL;
    if (best != NULL)
        memcpy(ret, best->text, sizeof best->text);
    else if (a != NULL)
        memcpy(ret, a->name, sizeof a->name);
    else
        wallet_address(ret, w, account);
}

void wallet_amount(char *ret, const struct wallet *w, int64_t minor, uint32_t unit)
{
    const struct mr_unit *const u = &w->charter->units[unit];
    amount_text(ret, minor, u->decimals, u->code);
}
