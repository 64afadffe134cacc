/* The own chain as the nodes have it, and the book beside it. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/term.h"
#include "mereau/assert.h"
#include "mereau/client.h"
#include "mereau/codec.h"
#include "mereau/order.h"
#include "mereau/receipt.h"
#include "wallet/heads.h"
#include "wallet/linked.h"
#include "wallet/memo.h"
#include "wallet/node.h"
#include "wallet/witnessed.h"

enum { PAUSE_MS = 200, UNPROVED_MAX = 3 };

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

enum mr_status node_proves(const struct wallet *w, struct mr_receipt_facts *ret,
                           const struct mr_receipt *receipt,
                           const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq)
{
    const enum mr_status st = wallet_receipt(ret, w, receipt);
    const bool same =
        receipt->seq == seq && memcmp(receipt->account, account, MR_ACCOUNT_BYTES) == 0;
    return st == MR_OK && !same ? MR_BAD_RECEIPT : st;
}

enum mr_status node_check_receipt(const struct wallet *w, struct out *out,
                                  struct mr_receipt_facts *ret, const struct mr_receipt *receipt,
                                  const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq)
{
    const enum mr_status st = node_proves(w, ret, receipt, account, seq);
    if (st == MR_OK)
        return MR_OK;
    return out_fail(out, st,
                    _("the node at %s sent a receipt that proves nothing (%s): do not count on "
                      "this payment, and tell your association"),
                    node_address(w), status_sentence(st));
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

/* The owner must hear it, whatever became of the order. */
static enum mr_status heed(struct wallet *w, enum mr_status st)
{
    const bool told = st == MR_SETTLED || st == MR_VOIDED || st == MR_PARKED ||
                      st == MR_UNSETTLED || st == MR_VOTING || st == MR_CERTIFIED;
    if (!told || !w->reply->body.u.slot.conflict || w->warned)
        return st;
    w->warned = true;
    out_warn(w->out, "conflict", "another signed order stands in the same place of the chain",
             _("ANOTHER signed order of this account stands in the same place of its chain. Do two "
               "devices hold one key? The nodes settle one of the orders or none; \"mereau "
               "cancel\" takes back what is not settled. If the other order is not yours, run "
               "\"mereau keys rotate\" at once"));
    return st;
}

/* Silence after SUBMIT or CANCEL may be a node that waits for the others: ask it how it goes. */
static enum mr_status hand_in(struct wallet *w, uint64_t seq, uint64_t deadline_ms)
{
    const enum mr_status st = node_call_until(w, deadline_ms);
    if (st == MR_NO_ANSWER && wallet_present(w)->nodes_count > 1)
        return node_slot(w, seq, deadline_ms);
    return heed(w, st);
}

enum mr_status node_submit(struct wallet *w, const struct mr_signed_order *order,
                           const struct mr_memo_box *memo, uint64_t deadline_ms)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_SUBMIT};
    struct mr_req_submit *const ask = &w->request->u.submit;
    ask->order = *order;
    if (memo != NULL) {
        ask->memo_count = 1;
        ask->memo[0] = *memo;
    }
    return hand_in(w, order->order.seq, deadline_ms);
}

enum mr_status node_cancel(struct wallet *w, uint64_t seq, uint64_t deadline_ms)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_CANCEL};
    struct mr_signed_cancel *const sc = &w->request->u.cancel;
    memcpy(sc->cancel.ledger, w->keys->stored.sheet.link.ledger, MR_HASH_BYTES);
    memcpy(sc->cancel.account, wallet_account(w), MR_ACCOUNT_BYTES);
    sc->cancel.seq = seq;
    mr_cancel_sign(sc, 0, &w->keys->signing);
    return hand_in(w, seq, deadline_ms);
}

enum mr_status node_slot(struct wallet *w, uint64_t seq, uint64_t deadline_ms)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_SLOT};
    memcpy(w->request->u.slot.account, wallet_account(w), MR_ACCOUNT_BYTES);
    w->request->u.slot.seq = seq;
    return heed(w, node_call_until(w, deadline_ms));
}

/* What the last SLOT proves about the slot: MR_OK, MR_BEHIND (nothing yet), or the proof is bad. */
static enum mr_status proved(const struct wallet *w, uint64_t seq)
{
    const struct mr_rep_slot *const slot = &w->reply->body.u.slot;
    struct mr_receipt_facts facts;
    if (slot->receipt_count == 0)
        return MR_BEHIND;
    return node_proves(w, &facts, &slot->receipt[0], wallet_account(w), seq);
}

enum mr_status node_fetch_result(struct wallet *w, struct out *out, uint64_t seq)
{
    const uint64_t deadline = wallet_clock_ms() + (uint64_t)w->timeout_ms;
    enum mr_status st, says;
    for (unsigned tries = 1;; tries++) {
        st = node_slot(w, seq, deadline);
        const bool closed = st == MR_SETTLED || st == MR_VOIDED;
        if (!closed && mr_next_after(st) == MR_NEXT_CANCEL)
            return node_fail(w, out, st);
        says = closed ? proved(w, seq) : MR_BEHIND;
        const bool bad = says != MR_OK && says != MR_BEHIND;
        const struct mr_rep_slot *const slot = &w->reply->body.u.slot;
        if (says == MR_OK || (bad && w->seats.count == 1))
            return node_keep_result(w, out, &slot->receipt[0], seq, slot->time_ms);
        /* All were asked once. A later receipt may come a moment after it was asked for: SLOT-17.
         */
        if (tries % (UNPROVED_MAX * w->seats.count) == 0) {
            const enum mr_status shown = linked_conclude(w, out, seq, deadline);
            if (shown != MR_NOT_FOUND)
                return shown;
        }
        if (wallet_clock_ms() + PAUSE_MS >= deadline)
            break;
        poll(NULL, 0, PAUSE_MS);
        if ((bad || tries % UNPROVED_MAX == 0) && w->seats.count > 1)
            node_move(w, bad ? says : MR_OK, deadline);
    }
    return mr_ask_another(st) ? node_fail(w, out, st) : node_unproved(out);
}

static enum mr_status bad_history(const struct wallet *w, struct out *out, uint64_t seq)
{
    return out_fail(out, MR_CHECK_FAILED,
                    _("the node at %s shows an order at place %llu of your chain that does not "
                      "belong there; nothing was signed: tell your association"),
                    node_address(w), (unsigned long long)seq);
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
        else if (page->items_count == 0 && w->seats.count > 1)
            st = MR_BEHIND;
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
                    node_address(w), (unsigned long long)seq);
}

enum mr_status node_keep_answer(struct wallet *w, struct out *out, uint64_t seq, enum mr_status st)
{
    const struct mr_rep_slot *const slot = &w->reply->body.u.slot;
    const bool closed = st == MR_SETTLED || st == MR_VOIDED;
    if (!closed || (w->seats.count > 1 && proved(w, seq) != MR_OK) || slot->receipt_count == 0)
        return node_fetch_result(w, out, seq);
    return node_keep_result(w, out, &slot->receipt[0], seq, slot->time_ms);
}

/* Hand in once more what was settled at this place. */
static enum mr_status claim_one(struct wallet *w, struct out *out, uint64_t seq)
{
    const struct slot *s = wallet_slot(w, seq);
    struct mr_signed_order o;
    uint8_t value[MR_HASH_BYTES];
    enum mr_status st;
    mr_assert(s != NULL);
    memcpy(value, s->value, sizeof value);
    const uint64_t deadline = wallet_clock_ms() + (uint64_t)w->timeout_ms;
    if (s->voided)
        st = node_cancel(w, seq, deadline);
    else if (wallet_settled_order(&o, s))
        st = node_submit(w, &o, s->memo, deadline);
    else
        return forgotten(w, out, seq);
    if (st != MR_SETTLED && st != MR_VOIDED && st != MR_VOTING && st != MR_CERTIFIED) {
        out_note(out, _("the node does not take it again: %s"), status_sentence(st));
        return forgotten(w, out, seq);
    }
    st = node_keep_answer(w, out, seq, st);
    if (st != MR_OK)
        return st;
    s = wallet_slot(w, seq); /* it moves when the book grows */
    mr_assert(s != NULL);
    return memcmp(value, s->value, sizeof value) == 0 ? MR_OK : forgotten(w, out, seq);
}

/* The epoch of the node's log, and of the log that proved a slot (0: nothing did). */
static uint32_t epoch_now(const struct wallet *w)
{
    const uint32_t number = w->seats.list[w->seats.at].number;
    const struct mr_head *const h = number > 0 ? heads_seen(w, number) : NULL;
    return h != NULL ? h->epoch : 0;
}

static uint32_t epoch_proved(const struct slot *s)
{
    struct mr_receipt *const r = s->receipt != NULL ? malloc(sizeof *r) : NULL;
    const bool held = r != NULL && mr_receipt_decode(r, s->receipt, s->receipt_len) == MR_OK;
    const uint32_t epoch = held && r->proofs_count > 0 ? r->proofs[0].head.epoch : 0;
    free(r);
    return epoch;
}

/* Settled orders that the node does not have. Where governance has begun a new log, they are
 * handed in again. A single node has lost its memory unnoticed else; one of several is behind. */
static enum mr_status claim(struct wallet *w, struct out *out, uint64_t seq)
{
    enum mr_status st = MR_OK;
    const uint32_t now = epoch_now(w);
    const bool several = wallet_present(w)->nodes_count > 1;
    if (now < 2 || (several && now <= epoch_proved(wallet_slot(w, seq))))
        return several ? MR_BEHIND : forgotten(w, out, seq);
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

/* Everything about the account that this node knows. MR_BEHIND, not reported: less than the wallet
 * can prove. */
static enum mr_status look(struct wallet *w, const struct command *c, struct out *out)
{
    enum mr_status st = fetch_account(w, out);
    if (st == MR_OK)
        st = learn_generation(w, out);
    if (st == MR_OK)
        st = fetch_policies(w, out);
    return st == MR_OK ? sync_chain(w, c, out) : st;
}

/* Whoever asked for it, the owner hears of it with every command. */
static void warn_recovery(const struct wallet *w, struct out *out)
{
    const struct mr_state_account *const a = &w->account->account;
    char when[TIME_SHOWN_MAX];
    if (a->recoveries_count == 0)
        return;
    wallet_time(when, a->recoveries[0].ready_ms);
    out_int(out, "recovery_ready_ms", (int64_t)a->recoveries[0].ready_ms);
    out_warn(
        out, "recovery", "the association is about to give this account other keys",
        _("YOUR ASSOCIATION IS ABOUT TO GIVE THIS ACCOUNT OTHER KEYS, on %s or later. If you did "
          "not ask for that, run \"mereau stop-recovery\" now"),
        when);
}

enum mr_status node_sync(struct wallet *w, const struct command *c, struct out *out)
{
    enum mr_status st = node_reach_proved(w, c, out);
    const uint64_t deadline = wallet_clock_ms() + (uint64_t)c->timeout_ms;
    if (st == MR_OK)
        st = look(w, c, out);
    while (st == MR_BEHIND && !out->failed && wallet_clock_ms() + PAUSE_MS < deadline) {
        poll(NULL, 0, PAUSE_MS);
        if (w->seats.count > 1)
            node_move(w, MR_BEHIND, deadline);
        st = look(w, c, out);
    }
    if (st != MR_OK)
        return node_fail(w, out, st);
    warn_recovery(w, out);
    return witnessed_collect(w, out);
}

static enum mr_status adopt_waiting(struct wallet *w, struct out *out, uint64_t next)
{
    const struct mr_rep_slot *const slot = &w->reply->body.u.slot;
    if (slot->order[0].order.seq != next ||
        memcmp(slot->order[0].order.account, wallet_account(w), MR_ACCOUNT_BYTES) != 0)
        return bad_history(w, out, next);
    out_note(out, _("note: an order of yours that this wallet did not know waits at the node"));
    w->note->kind = MR_BOOK_ORDER;
    w->note->u.order = (struct mr_book_order){.order = slot->order[0], .adopted = true};
    return wallet_add(w, out);
}

/* Whether the slot's order waits at the node; it is in w->reply then. */
static bool waits(const struct wallet *w, enum mr_status st)
{
    return (st == MR_PARKED || st == MR_VOTING || st == MR_CERTIFIED) &&
           w->reply->body.u.slot.order_count > 0;
}

enum { OVERTAKEN_MAX = 20 };

enum mr_status node_sync_to_sign(struct wallet *w, const struct command *c, struct out *out)
{
    for (unsigned tries = 1;; tries++) {
        enum mr_status st = node_sync(w, c, out);
        const uint64_t next = st == MR_OK ? w->account->hot.chain.next_seq : 0;
        if (st != MR_OK || wallet_slot(w, next) != NULL)
            return st;
        st = node_slot(w, next, wallet_clock_ms() + (uint64_t)w->timeout_ms);
        if (st == MR_UNSETTLED || st == MR_NOT_FOUND)
            return MR_OK;
        if (st != MR_SETTLED && st != MR_VOIDED)
            return waits(w, st) ? adopt_waiting(w, out, next) : node_fail(w, out, st);
        /* A copy of this wallet was faster, in this moment: the chain goes on behind that. */
        if (tries == OVERTAKEN_MAX)
            return node_fail(w, out, st);
        poll(NULL, 0, PAUSE_MS);
    }
}

/* --- after a restore -------------------------------------------------------------------------- */

static void ask_here(struct wallet *w, enum mr_request_kind kind, uint64_t seq)
{
    *w->request = (struct mr_request_body){.kind = kind};
    if (kind == MR_REQ_SLOT) {
        memcpy(w->request->u.slot.account, wallet_account(w), MR_ACCOUNT_BYTES);
        w->request->u.slot.seq = seq;
    } else {
        memcpy(w->request->u.account.account, wallet_account(w), MR_ACCOUNT_BYTES);
    }
}

/* What one more node knows beyond the book: a longer chain, or an order that waits behind it. */
static enum mr_status survey_one(struct wallet *w, const struct command *c, struct out *out)
{
    enum mr_status st;
    ask_here(w, MR_REQ_ACCOUNT, 0);
    if (node_call_here(w) != MR_OK)
        return MR_OK;
    if (w->reply->body.u.account.hot.chain.next_seq > w->account->hot.chain.next_seq) {
        st = look(w, c, out);
        if (st != MR_OK)
            return st == MR_BEHIND ? MR_OK : st;
    }
    const uint64_t next = w->account->hot.chain.next_seq;
    if (wallet_slot(w, next) != NULL)
        return MR_OK;
    ask_here(w, MR_REQ_SLOT, next);
    return waits(w, node_call_here(w)) ? adopt_waiting(w, out, next) : MR_OK;
}

enum mr_status node_survey(struct wallet *w, const struct command *c, struct out *out)
{
    struct node_round round = node_round(w, wallet_clock_ms() + (uint64_t)w->timeout_ms);
    const uint32_t needed = wallet_present(w)->nodes_count - wallet_present(w)->quorum + 1;
    uint32_t asked = 1;
    enum mr_status st = MR_OK;
    for (; st == MR_OK && asked < needed && node_next(w, &round); asked++)
        st = survey_one(w, c, out);
    node_back(w, &round);
    if (st == MR_OK && asked < needed)
        out_note(out, _("note: too few nodes answer to know of every order that another device "
                        "may have signed; if there is one, wait with paying until they are back"));
    return st;
}
