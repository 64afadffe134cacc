#include "wallet/node.h"

#include <stdlib.h>
#include <string.h>

#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"
#include "mereau/receipt.h"
#include "wallet/keys.h"
#include "wallet/memo.h"

/* --- trouble ---------------------------------------------------------------------------------- */

enum mr_status node_fail(const struct wallet *w, struct out *out, enum mr_status st)
{
    const char *const at = w->node_address;
    switch ((unsigned)st) {
    case MR_UNREACHABLE:
        return out_fail(out, st,
                        _("the node at %s cannot be reached: check the connection and repeat the "
                          "same command, it is safe"),
                        at);
    case MR_NO_ANSWER:
        return out_fail(
            out, st, _("no answer came from %s in time: repeat the same command, it is safe"), at);
    case MR_WRONG_NODE:
        return out_fail(out, st,
                        _("another key answers at %s: this is not the node you joined; pay nothing "
                          "and ask your association"),
                        at);
    case MR_ACCOUNT_UNKNOWN:
    case MR_NOT_ADMITTED:
        return out_fail(out, MR_NOT_ADMITTED,
                        _("the association has not admitted this account yet: ask there, and try "
                          "\"mereau status\" later"));
    case MR_BAD_SIGNATURE:
    case MR_BAD_KEY:
    case MR_NOT_AUTHORISED:
        return out_fail(out, st,
                        _("the node does not accept this wallet's keys: if they were rotated "
                          "elsewhere, run \"mereau restore\" with the newest paper sheet"));
    case MR_ABSTAINING:
        return out_fail(out, st,
                        _("the node at %s lost part of its memory and signs nothing until its "
                          "association has repaired it; nothing of yours is lost: try later"),
                        at);
    case MR_BUSY:
    case MR_DISK_FULL:
    case MR_STOPPING:
    case MR_TOO_MANY:
        return out_fail(out, st, _("%s; repeat the same command later, it is safe"),
                        status_sentence(st));
    default:
        return out_fail(out, st, _("the node at %s answered: %s"), at, status_sentence(st));
    }
}

enum mr_status node_call(struct wallet *w)
{
    return link_call(w->link, w->reply, w->request);
}

enum mr_status node_submit(struct wallet *w, const struct mr_signed_order *order,
                           const struct mr_memo_box *memo)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_SUBMIT};
    struct mr_req_submit *const ask = &w->request->u.submit;
    ask->order = *order;
    if (memo != NULL) {
        ask->memo_count = 1;
        ask->memo[0] = *memo;
    }
    return node_call(w);
}

enum mr_status node_cancel(struct wallet *w, uint64_t seq)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_CANCEL};
    struct mr_signed_cancel *const sc = &w->request->u.cancel;
    memcpy(sc->cancel.ledger, w->keys->stored.sheet.link.ledger, MR_HASH_BYTES);
    memcpy(sc->cancel.account, wallet_account(w), MR_ACCOUNT_BYTES);
    sc->cancel.seq = seq;
    mr_cancel_sign(sc, 0, &w->keys->signing);
    return node_call(w);
}

/* --- connecting ------------------------------------------------------------------------------- */

static enum mr_status connect_link(struct wallet *w, const struct command *c, struct out *out)
{
    const struct mr_join_link *const to = &w->keys->stored.sheet.link;
    const struct link_config config = {to->address, &to->transport_key, to->ledger, c->timeout_ms};
    memcpy(w->node_address, to->address, sizeof w->node_address);
    if (w->link != NULL)
        return MR_OK;
    w->reply = malloc(sizeof *w->reply);
    w->request = malloc(sizeof *w->request);
    if (w->reply == NULL || w->request == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    const enum mr_status st = link_open(&w->link, &config);
    return st == MR_OK ? MR_OK : node_fail(w, out, st);
}

static enum mr_status fetch_charter(struct wallet *w, struct out *out)
{
    uint8_t id[MR_HASH_BYTES];
    const char *what = NULL;
    const struct mr_join_link *const to = &w->keys->stored.sheet.link;
    *w->request = (struct mr_request_body){.kind = MR_REQ_CHARTER};
    const enum mr_status st = node_call(w);
    if (st != MR_OK)
        return node_fail(w, out, st);
    const struct mr_charter *const charter = &w->reply->body.u.charter.charter;
    mr_ledger_id(id, charter);
    if (memcmp(id, to->ledger, sizeof id) != 0)
        return out_fail(out, MR_CHECK_FAILED,
                        _("the node at %s shows the charter of another ledger than the join link "
                          "names: ask your association for a new link"),
                        to->address);
    if (mr_charter_check(charter, &what) != MR_OK)
        return out_fail(out, MR_CHECK_FAILED, _("the charter of this ledger is not usable: %s"),
                        what);
    if (node_association(charter, to->association) == NULL)
        return out_fail(out, MR_CHECK_FAILED,
                        _("the join link names an association that the charter does not have"));
    return wallet_keep_charter(w, out, charter);
}

enum mr_status node_reach(struct wallet *w, const struct command *c, struct out *out)
{
    const enum mr_status st = connect_link(w, c, out);
    return st != MR_OK || w->charter != NULL ? st : fetch_charter(w, out);
}

const struct mr_association *node_association(const struct mr_charter *charter,
                                              const uint8_t id[MR_ACCOUNT_BYTES])
{
    for (uint32_t i = 0; i < charter->associations_count; i++)
        if (memcmp(charter->associations[i].id, id, MR_ACCOUNT_BYTES) == 0)
            return &charter->associations[i];
    return NULL;
}

const struct mr_association *node_association_called(const struct mr_charter *charter,
                                                     const char *alias)
{
    for (uint32_t i = 0; i < charter->associations_count; i++)
        if (strcmp(charter->associations[i].alias, alias) == 0)
            return &charter->associations[i];
    return NULL;
}

/* --- heads: what the node said before is still part of what it says, WAL-9 ----------------------
 */

static enum mr_status head_signed(const struct wallet *w, const struct mr_rep_head *now)
{
    const struct mr_pubkey *const key =
        mr_head_key(&now->head, w->charter, now->handover, now->handover_count);
    const uint8_t *const ledger = w->keys->stored.sheet.link.ledger;
    return key != NULL && mr_head_verify(&now->head, ledger, key) ? MR_OK : MR_BAD_HEAD;
}

static enum mr_status forked(const struct wallet *w, struct out *out, const struct mr_head *held,
                             const struct mr_head *shown)
{
    out_int(out, "held_size", (int64_t)held->size);
    out_int(out, "shown_size", (int64_t)shown->size);
    if (shown->size < held->size)
        return out_fail(out, MR_FORKED,
                        _("the node at %s shows an OLDER history (%llu entries) than the one it "
                          "signed for you before (%llu). It may have been restored from an old "
                          "copy. Nothing was signed. Tell your association, and keep this wallet "
                          "as it is: it holds the proof"),
                        w->node_address, (unsigned long long)shown->size,
                        (unsigned long long)held->size);
    return out_fail(out, MR_FORKED,
                    _("the node at %s shows ANOTHER history than the one it signed for you before "
                      "(%llu entries). Nothing was signed. Tell your association and the "
                      "municipality, and keep this wallet as it is: it holds the proof"),
                    w->node_address, (unsigned long long)held->size);
}

static bool extends(const struct mr_head *held, const struct mr_rep_head *now)
{
    const struct mr_head *const h = &now->head;
    if (h->generation < held->generation || h->size < held->size)
        return false;
    if (h->size == held->size)
        return memcmp(h->root, held->root, sizeof h->root) == 0;
    return mr_consistency_verify(held->root, held->size, h->root, h->size, now->consistency,
                                 now->consistency_count);
}

/* Ask for the newest head and compare it with one that is held; NULL: none is. */
static enum mr_status ask_head(struct wallet *w, struct out *out, const struct mr_head *held)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_HEAD};
    w->request->u.head.from_size = held != NULL ? held->size : 0;
    enum mr_status st = node_call(w);
    const bool shorter = st == MR_OUT_OF_RANGE && held != NULL;
    if (shorter) { /* its log does not reach that far: see how far it does */
        w->request->u.head.from_size = 0;
        st = node_call(w);
    }
    if (st != MR_OK)
        return node_fail(w, out, st);
    const struct mr_rep_head *const now = &w->reply->body.u.head;
    st = head_signed(w, now);
    if (st != MR_OK)
        return node_fail(w, out, st);
    /* A later generation is governance's word that the log before has ended. */
    if (held != NULL && now->head.generation <= held->generation && !extends(held, now))
        return forked(w, out, held, &now->head);
    return MR_OK;
}

static bool is_newer(const struct mr_head *a, const struct mr_head *b)
{
    return a->generation != b->generation ? a->generation > b->generation : a->size > b->size;
}

static enum mr_status check_heads(struct wallet *w, struct out *out)
{
    const bool newer_receipt =
        w->has_receipt_head && (!w->has_head || is_newer(&w->receipt_head, &w->head));
    enum mr_status st = newer_receipt ? ask_head(w, out, &w->receipt_head) : MR_OK;
    if (st == MR_OK && (w->has_head || !newer_receipt))
        st = ask_head(w, out, w->has_head ? &w->head : NULL);
    if (st != MR_OK)
        return st;
    const struct mr_head *const h = &w->reply->body.u.head.head;
    if (w->has_head && !is_newer(h, &w->head))
        return MR_OK;
    w->note->kind = MR_BOOK_HEAD;
    w->note->u.head = *h;
    return wallet_add(w, out);
}

/* --- account and chain ------------------------------------------------------------------------ */

static enum mr_status fetch_account(struct wallet *w, struct out *out)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_ACCOUNT};
    memcpy(w->request->u.account.account, wallet_account(w), MR_ACCOUNT_BYTES);
    const enum mr_status st = node_call(w);
    if (st != MR_OK)
        return node_fail(w, out, st);
    if (w->account == NULL && (w->account = malloc(sizeof *w->account)) == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    *w->account = w->reply->body.u.account;
    const struct mr_state_account *const a = &w->account->account;
    if (memcmp(a->id, wallet_account(w), MR_ACCOUNT_BYTES) != 0 ||
        w->account->hot.chain.balances_count != w->charter->units_count)
        return node_fail(w, out, MR_CHECK_FAILED);
    return MR_OK;
}

static enum mr_status fetch_policies(struct wallet *w, struct out *out)
{
    w->policy_count = 0;
    for (;;) {
        *w->request = (struct mr_request_body){.kind = MR_REQ_POLICIES};
        w->request->u.policies = (struct mr_req_page){w->policy_count + 1, MR_PAGE_MAX};
        const enum mr_status st = node_call(w);
        if (st != MR_OK)
            return node_fail(w, out, st);
        const struct mr_rep_policies *const page = &w->reply->body.u.policies;
        struct mr_policy *const grown =
            realloc(w->policies, (w->policy_count + page->policies_count + 1) * sizeof *grown);
        if (grown == NULL)
            return out_fail(out, MR_NO_MEMORY, NULL);
        w->policies = grown;
        for (uint32_t i = 0; i < page->policies_count; i++) {
            if (page->policies[i].version != w->policy_count + 1)
                return node_fail(w, out, MR_CHECK_FAILED);
            w->policies[w->policy_count++] = page->policies[i];
        }
        if (page->policies_count < MR_PAGE_MAX)
            return MR_OK;
    }
}

enum mr_status node_check_receipt(const struct wallet *w, struct out *out,
                                  struct mr_receipt_facts *ret, const struct mr_receipt *receipt,
                                  const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq)
{
    enum mr_status st = mr_receipt_verify(ret, w->charter, receipt);
    if (st == MR_OK &&
        (receipt->seq != seq || memcmp(receipt->account, account, MR_ACCOUNT_BYTES) != 0))
        st = MR_BAD_RECEIPT;
    if (st == MR_OK)
        return MR_OK;
    return out_fail(out, st,
                    _("the node at %s sent a receipt that proves nothing (%s): do not count on "
                      "this payment, and tell your association"),
                    w->node_address, status_sentence(st));
}

enum mr_status node_keep_result(struct wallet *w, struct out *out, const struct mr_receipt *receipt,
                                uint64_t seq, uint64_t time_ms)
{
    struct mr_receipt_facts facts;
    const enum mr_status st = node_check_receipt(w, out, &facts, receipt, wallet_account(w), seq);
    if (st != MR_OK)
        return st;
    w->note->kind = MR_BOOK_RESULT;
    struct mr_book_result *const r = &w->note->u.result;
    *r = (struct mr_book_result){.seq = seq, .voided = facts.voided, .time_ms = time_ms};
    memcpy(r->value, facts.value, sizeof r->value);
    r->receipt_count = 1;
    r->receipt[0] = *receipt;
    return wallet_add(w, out);
}

enum mr_status node_fetch_result(struct wallet *w, struct out *out, uint64_t seq)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_SLOT};
    memcpy(w->request->u.slot.account, wallet_account(w), MR_ACCOUNT_BYTES);
    w->request->u.slot.seq = seq;
    const enum mr_status st = node_call(w);
    const struct mr_rep_slot *const slot = &w->reply->body.u.slot;
    if ((st != MR_SETTLED && st != MR_VOIDED) || slot->receipt_count == 0)
        return node_fail(w, out, st == MR_SETTLED || st == MR_VOIDED ? MR_BAD_RECEIPT : st);
    return node_keep_result(w, out, &slot->receipt[0], seq, slot->time_ms);
}

static enum mr_status bad_history(const struct wallet *w, struct out *out, uint64_t seq)
{
    return out_fail(out, MR_CHECK_FAILED,
                    _("the node at %s shows an order at place %llu of your chain that does not "
                      "belong there; nothing was signed: tell your association"),
                    w->node_address, (unsigned long long)seq);
}

/* Take one item of the own history, which is the next one, into the book. */
static enum mr_status adopt_item(struct wallet *w, struct out *out,
                                 const struct mr_history_item *item)
{
    const uint64_t seq = w->slot_count + 1;
    const uint8_t *const account = wallet_account(w);
    const struct slot *const before = wallet_slot(w, seq - 1);
    struct mr_book_result result = {.seq = seq, .voided = item->voided, .time_ms = item->time_ms};
    if (item->seq != seq || memcmp(item->account, account, MR_ACCOUNT_BYTES) != 0)
        return bad_history(w, out, seq);
    mr_void_id(result.value, w->keys->stored.sheet.link.ledger, account, seq);
    if (item->order_count > 0) {
        const struct mr_order *const o = &item->order[0].order;
        const uint8_t none[MR_HASH_BYTES] = {0};
        if (o->seq != seq || memcmp(o->account, account, MR_ACCOUNT_BYTES) != 0 ||
            memcmp(o->prev, before != NULL ? before->value : none, MR_HASH_BYTES) != 0)
            return bad_history(w, out, seq);
        mr_order_id(result.value, o);
        w->note->kind = MR_BOOK_ORDER;
        struct mr_book_order *const note = &w->note->u.order;
        note->order = item->order[0];
        note->adopted = true;
        note->memo_count = item->memo_count;
        if (item->memo_count > 0)
            note->memo[0] = item->memo[0];
        const enum mr_status st = wallet_add(w, out);
        if (st != MR_OK)
            return st;
    }
    w->note->kind = MR_BOOK_RESULT;
    w->note->u.result = result;
    return wallet_add(w, out);
}

static enum mr_status adopt_history(struct wallet *w, const struct command *c, struct out *out,
                                    uint64_t last)
{
    struct progress bar;
    enum mr_status st = MR_OK;
    progress_begin(&bar, c, _("fetching your history"), last);
    while (st == MR_OK && w->slot_count < last) {
        *w->request = (struct mr_request_body){.kind = MR_REQ_HISTORY};
        struct mr_req_history *const ask = &w->request->u.history;
        memcpy(ask->account, wallet_account(w), MR_ACCOUNT_BYTES);
        ask->from = w->slot_count + 1;
        ask->count = MR_PAGE_MAX;
        st = node_call(w);
        const struct mr_rep_history *const page = &w->reply->body.u.history;
        if (st != MR_OK)
            node_fail(w, out, st);
        else if (page->items_count == 0)
            st = bad_history(w, out, ask->from);
        for (uint32_t i = 0; st == MR_OK && i < page->items_count; i++)
            st = adopt_item(w, out, &page->items[i]);
        progress_update(&bar, w->slot_count);
    }
    progress_end(&bar);
    return st == MR_OK ? memo_recover_keys(w, out) : st;
}

/* --- what a restored node has lost (WAL-9) -------------------------------------------------------
 */

static enum mr_status forgotten(const struct wallet *w, struct out *out, uint64_t seq)
{
    return out_fail(out, MR_FORKED,
                    _("the node at %s has forgotten an order of yours that it had settled (place "
                      "%llu). Nothing was signed. Tell your association: your wallet holds the "
                      "receipt"),
                    w->node_address, (unsigned long long)seq);
}

/* Hand in once more what was settled at this place. */
static enum mr_status claim_one(struct wallet *w, struct out *out, uint64_t seq)
{
    const struct slot *const s = wallet_slot(w, seq);
    struct mr_signed_order o;
    uint8_t value[MR_HASH_BYTES];
    enum mr_status st;
    memcpy(value, s->value, sizeof value);
    if (s->voided)
        st = node_cancel(w, seq);
    else if (wallet_settled_order(&o, s))
        st = node_submit(w, &o, s->memo);
    else
        return forgotten(w, out, seq);
    const struct mr_rep_slot *const slot = &w->reply->body.u.slot;
    if ((st != MR_SETTLED && st != MR_VOIDED) || slot->receipt_count == 0) {
        out_note(out, _("the node does not take it again: %s"), status_sentence(st));
        return forgotten(w, out, seq);
    }
    st = node_keep_result(w, out, &slot->receipt[0], seq, slot->time_ms);
    if (st == MR_OK && memcmp(value, wallet_slot(w, seq)->value, sizeof value) != 0)
        return forgotten(w, out, seq);
    return st;
}

/* Only where governance has begun a new log: else the node has lost its memory unnoticed. */
static enum mr_status claim(struct wallet *w, struct out *out, uint64_t seq)
{
    enum mr_status st = MR_OK;
    if (w->head.generation < 2)
        return forgotten(w, out, seq);
    out_note(out, _("note: the association restored its node from a copy; orders of yours that it "
                    "had lost are handed in again"));
    for (; st == MR_OK && wallet_slot(w, seq) != NULL && wallet_slot(w, seq)->closed; seq++)
        st = claim_one(w, out, seq);
    return st == MR_OK ? fetch_account(w, out) : st;
}

static enum mr_status sync_chain(struct wallet *w, const struct command *c, struct out *out)
{
    const uint64_t last = w->account->hot.chain.next_seq - 1;
    const size_t known = w->slot_count;
    enum mr_status st = MR_OK;
    for (uint64_t seq = 1; st == MR_OK && seq <= known && seq <= last; seq++)
        if (!w->slots[seq - 1].closed)
            st = node_fetch_result(w, out, seq);
    if (st == MR_OK && known < last)
        st = adopt_history(w, c, out, last);
    if (st != MR_OK)
        return st;
    const struct slot *const beyond = wallet_slot(w, last + 1);
    if (beyond != NULL && beyond->closed)
        return claim(w, out, last + 1);
    const struct slot *const head = wallet_slot(w, last);
    if (head != NULL && head->closed && head->order != NULL &&
        memcmp(head->value, w->account->hot.chain.head, MR_HASH_BYTES) != 0)
        return bad_history(w, out, last);
    return MR_OK;
}

static enum mr_status try_keys(struct wallet *w, const struct mr_head *seen)
{
    link_identify(w->link, MR_AUTH_OWNER, wallet_account(w), 0, &w->keys->signing, seen);
    *w->request = (struct mr_request_body){.kind = MR_REQ_NODE};
    return node_call(w);
}

static bool refuses_key(enum mr_status st)
{
    return st == MR_BAD_SIGNATURE || st == MR_NOT_AUTHORISED || st == MR_BAD_KEY;
}

static enum mr_status prove(struct wallet *w, struct out *out)
{
    const struct mr_head *seen = w->has_head ? &w->head : NULL;
    if (w->has_receipt_head && (seen == NULL || is_newer(&w->receipt_head, seen)))
        seen = &w->receipt_head;
    enum mr_status st = try_keys(w, seen);
    if (refuses_key(st) && w->keys->stored.next_count > 0) {
        /* Perhaps a rotation settled and this wallet stopped before it took the new seed. */
        keys_advance(w);
        st = try_keys(w, seen);
        if (st == MR_OK)
            return wallet_save(w, out, &w->keys->stored);
        keys_go_back(w);
    }
    return st == MR_OK ? MR_OK : node_fail(w, out, st);
}

/* Words alone do not say which generation they are, nor a sheet which class. */
static enum mr_status learn_generation(struct wallet *w, struct out *out)
{
    struct mr_wallet_secret *const stored = &w->keys->stored;
    const struct mr_state_account *const a = &w->account->account;
    if (stored->sheet.generation == a->generation && stored->class == a->class)
        return MR_OK;
    stored->sheet.generation = a->generation;
    stored->class = a->class;
    return wallet_save(w, out, stored);
}

enum mr_status node_sync(struct wallet *w, const struct command *c, struct out *out)
{
    enum mr_status st = node_reach(w, c, out);
    if (st == MR_OK)
        st = prove(w, out);
    if (st == MR_OK)
        st = check_heads(w, out);
    if (st == MR_OK)
        st = fetch_account(w, out);
    if (st == MR_OK)
        st = learn_generation(w, out);
    if (st == MR_OK)
        st = fetch_policies(w, out);
    return st == MR_OK ? sync_chain(w, c, out) : st;
}

enum mr_status node_sync_to_sign(struct wallet *w, const struct command *c, struct out *out)
{
    enum mr_status st = node_sync(w, c, out);
    const uint64_t next = st == MR_OK ? w->account->hot.chain.next_seq : 0;
    if (st != MR_OK || wallet_slot(w, next) != NULL)
        return st;
    *w->request = (struct mr_request_body){.kind = MR_REQ_SLOT};
    memcpy(w->request->u.slot.account, wallet_account(w), MR_ACCOUNT_BYTES);
    w->request->u.slot.seq = next;
    st = node_call(w);
    if (st == MR_UNSETTLED || st == MR_NOT_FOUND)
        return MR_OK;
    const struct mr_rep_slot *const slot = &w->reply->body.u.slot;
    if (st != MR_PARKED || slot->order_count == 0)
        return node_fail(w, out, st);
    if (slot->order[0].order.seq != next ||
        memcmp(slot->order[0].order.account, wallet_account(w), MR_ACCOUNT_BYTES) != 0)
        return bad_history(w, out, next);
    out_note(out, _("note: an order of yours that this wallet did not know waits at the node"));
    w->note->kind = MR_BOOK_ORDER;
    w->note->u.order = (struct mr_book_order){.order = slot->order[0], .adopted = true};
    return wallet_add(w, out);
}
