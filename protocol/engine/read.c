/* Requests that only read. Who may read what: spec/60-transport.md, the table of requests. */
#include "engine/internal.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"
#include "mereau/text.h"
#include "mereau/time.h"

enum { PAGE_BYTES_MAX = 56 << 10 };

/* --- who may ---------------------------------------------------------------------------------- */

/* An operator of the association that the account belongs to. */
static bool is_operator(const struct mr_principal *who, const struct mr_state_account *a)
{
    return who->proved && who->role == MR_AUTH_OWNER &&
           (who->class == MR_CLASS_DESK || who->class == MR_CLASS_TREASURY) &&
           memcmp(who->association, a->association, 16) == 0;
}

static bool is_owner(const struct mr_principal *who, const struct mr_state_account *a)
{
    if (!who->proved || memcmp(who->account, a->id, 16) != 0)
        return false;
    return who->generation == a->generation;
}

static bool may_read_account(const struct mr_principal *who, const struct mr_state_account *a)
{
    return who->local || is_owner(who, a) || is_operator(who, a);
}

static bool may_read_history(const struct mr_principal *who, const struct mr_state_account *a)
{
    const bool of_association = a->class >= MR_CLASS_DESK && a->class <= MR_CLASS_OWN;
    return who->local || is_owner(who, a) || (of_association && is_operator(who, a));
}

/* The account of a request, if the caller may see it. */
static enum mr_status find_account(struct mr_engine *e, uint64_t *ret_number,
                                   struct mr_state_account *ret, const uint8_t id[16])
{
    enum mr_status st = mri_account_number(&e->ledger, ret_number, id);
    if (st == MR_OK)
        st = mri_account_get(&e->ledger, ret, *ret_number);
    return st == MR_NOT_FOUND ? MR_ACCOUNT_UNKNOWN : st;
}

/* --- one request each ------------------------------------------------------------------------- */

static int64_t balance_of(struct mr_engine *e, uint64_t number, uint32_t unit, enum mr_status *st)
{
    struct mr_state_hot h;
    if (*st == MR_OK)
        *st = mri_hot_get(&e->ledger, &h, number);
    return *st == MR_OK ? h.chain.balances[unit].minor : 0;
}

static enum mr_status read_node(struct mr_engine *e, const struct mr_event *ev)
{
    (void)ev;
    struct mr_rep_node *r = &e->reply.body.u.node;
    const struct mr_charter *c = &e->ledger.present.charter;
    const size_t n = strlen(e->config.software);
    enum mr_status st = MR_OK;
    r->software_len = n < MR_NAME_MAX ? (uint32_t)n : MR_NAME_MAX;
    memcpy(r->software, e->config.software, r->software_len);
    r->node = e->config.node;
    r->epoch = e->ledger.meta.epoch;
    r->time_ms = e->now_ms;
    r->started_ms = e->started_ms;
    r->mode = (uint32_t)mri_mode(e);
    r->turn = e->synced_turn;
    r->leaves = e->synced_leaves;
    r->accounts = e->ledger.meta.accounts;
    r->settled = e->ledger.meta.settled;
    r->parked = e->opens.parked;
    r->checkpoints = e->ledger.meta.checkpoints;
    r->issued_count = r->reserve_count = r->redeemed_count = c->associations_count;
    for (uint32_t i = 0; i < c->associations_count; i++) {
        const struct mri_association *a = &e->ledger.associations[i];
        r->issued[i].minor = -balance_of(e, a->issuer, 0, &st);
        r->reserve[i].minor = balance_of(e, a->reserve, 1, &st);
        r->redeemed[i].minor = balance_of(e, a->redeemed, 0, &st);
    }
    return st;
}

static enum mr_status read_policies(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_page *q = &ev->u.request.request->body.u.policies;
    struct mr_rep_policies *r = &e->reply.body.u.policies;
    for (uint64_t v = q->from == 0 ? 1 : q->from;
         v <= e->ledger.policies_count && r->policies_count < q->count; v++)
        r->policies[r->policies_count++] = e->ledger.policies[v - 1];
    return MR_OK;
}

static enum mr_status read_check(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_order *o = &ev->u.request.request->body.u.check;
    struct mr_state_account a;
    uint64_t number;
    int64_t missing;
    enum mr_status st = find_account(e, &number, &a, o->account);
    if (st == MR_OK && !ev->u.request.who->local && !is_owner(ev->u.request.who, &a) &&
        !(o->body.kind == MR_KIND_TAKEOVER && is_operator(ev->u.request.who, &a)))
        st = MR_NOT_AUTHORISED;
    if (st != MR_OK)
        return st;
    st = mri_check_order(e, o, &missing);
    mri_reply(e, MR_REQ_CHECK)->body.u.check.missing = missing;
    return st;
}

static enum mr_status read_account(struct mr_engine *e, const struct mr_event *ev)
{
    struct mr_rep_account *r = &e->reply.body.u.account;
    struct mr_state_account a;
    uint64_t number;
    enum mr_status st = find_account(e, &number, &a, ev->u.request.request->body.u.account.account);
    if (st == MR_OK && !may_read_account(ev->u.request.who, &a))
        st = MR_NOT_AUTHORISED;
    if (st == MR_OK)
        st = mri_hot_get(&e->ledger, &r->hot, number);
    if (st != MR_OK)
        return st;
    const struct mr_policy *p = mri_policy_on(&e->ledger, mr_day_of(e->now_ms));
    r->account = a;
    r->policy = p != NULL ? p->version : 0;
    return MR_OK;
}

/* A slot as an item of a history. */
static enum mr_status history_item(struct mr_engine *e, struct mr_history_item *ret,
                                   uint64_t number, uint64_t seq, bool with_memo)
{
    struct mr_body *body = &e->body;
    struct mr_state_slot slot;
    struct mr_state_account a;
    enum mr_status st = mri_slot_get(&e->ledger, &slot, number, seq);
    if (st == MR_OK)
        st = mri_account_get(&e->ledger, &a, number);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    memcpy(ret->account, a.id, 16);
    ret->seq = seq;
    ret->voided = slot.voided;
    ret->time_ms = slot.time_ms;
    ret->order_count = ret->memo_count = 0;
    if (slot.voided)
        return MR_OK;
    st = mri_read_body(e, body, slot.body_at, slot.body_len);
    if (st == MR_OK && body->kind == MR_BODY_ORDER) {
        ret->order[0] = body->u.order;
        ret->order_count = 1;
    }
    if (st == MR_OK && with_memo && slot.memo_len > 0) {
        st = mri_read_body(e, body, slot.memo_at, slot.memo_len);
        if (st == MR_OK && body->kind == MR_BODY_MEMO) {
            ret->memo[0] = body->u.memo;
            ret->memo_count = 1;
        }
    }
    return st == MR_BODY_ERASED ? MR_OK : st;
}

static enum mr_status read_history(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_history *q = &ev->u.request.request->body.u.history;
    struct mr_rep_history *r = &e->reply.body.u.history;
    struct mr_state_account a;
    struct mr_state_hot hot;
    uint64_t number;
    size_t used = 0;
    enum mr_status st = find_account(e, &number, &a, q->account);
    if (st == MR_OK && !may_read_history(ev->u.request.who, &a))
        st = MR_NOT_AUTHORISED;
    if (st == MR_OK)
        st = mri_hot_get(&e->ledger, &hot, number);
    if (st != MR_OK)
        return st;
    const uint64_t chain_last = hot.chain.next_seq > 0 ? hot.chain.next_seq - 1 : 0;
    const uint64_t last = q->credits ? hot.credits : chain_last;
    r->last = last;
    for (uint64_t i = q->from == 0 ? 1 : q->from; i <= last && r->items_count < q->count; i++) {
        struct mr_history_item *item = &r->items[r->items_count];
        struct mr_state_credit c = {.number = number, .seq = i};
        if (q->credits)
            st = mri_credit_get(&e->ledger, &c, number, i);
        if (st == MR_OK)
            st = history_item(e, item, c.number, c.seq, true);
        if (st != MR_OK)
            return st == MR_NOT_FOUND ? MR_DAMAGED : st;
        item->number = i;
        used += mr_history_item_size(item);
        if (used > PAGE_BYTES_MAX)
            break;
        r->items_count++;
    }
    return MR_OK;
}

/* The one listing a name means; "name" alone is first looked for at home. */
static enum mr_status find_alias(struct mr_engine *e, uint64_t *ret, const char *text,
                                 const struct mr_principal *who)
{
    char name[MR_ALIAS_MAX + 1], home[MR_ALIAS_MAX + 1];
    const struct mr_charter *c = &e->ledger.present.charter;
    uint32_t found = 0;
    if (mr_alias_split(name, home, text) != MR_OK)
        return MR_ALIAS_UNKNOWN;
    for (int pass = 0; pass < 2 && found == 0; pass++) {
        for (uint32_t i = 0; i < c->associations_count; i++) {
            struct mr_state_alias a;
            uint64_t number;
            const struct mr_association *of = &c->associations[i];
            const bool own = who->proved && memcmp(of->id, who->association, 16) == 0;
            if (home[0] != '\0' ? strcmp(home, of->alias) != 0 : pass == 0 && !own)
                continue;
            enum mr_status st = mri_alias_get(&e->ledger, &number, of->id, name, strlen(name));
            if (st == MR_OK)
                st = mri_listing_get(&e->ledger, &a, number);
            if (st == MR_NOT_FOUND || (st == MR_OK && !a.listing.listed))
                continue;
            if (st != MR_OK)
                return st;
            *ret = number;
            found++;
        }
    }
    return found == 1 ? MR_OK : found == 0 ? MR_ALIAS_UNKNOWN : MR_TOO_MANY;
}

static enum mr_status read_lookup(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_lookup *q = &ev->u.request.request->body.u.lookup;
    struct mr_rep_lookup *r = &e->reply.body.u.lookup;
    struct mr_state_alias listed = {0};
    struct mr_state_account a;
    uint64_t number, listing = 0;
    enum mr_status st = MR_OK;
    if (q->alias_len > 0)
        st = find_alias(e, &listing, q->alias, ev->u.request.who);
    else
        st = mri_listing_of(&e->ledger, &listing, q->account);
    if (st == MR_NOT_FOUND && q->alias_len == 0)
        st = MR_OK; /* not listed */
    if (st == MR_OK && listing != 0)
        st = mri_listing_get(&e->ledger, &listed, listing);
    if (st != MR_OK)
        return st;
    st = find_account(e, &number, &a, q->alias_len > 0 ? listed.listing.account : q->account);
    if (st != MR_OK)
        return st == MR_ACCOUNT_UNKNOWN ? MR_PAYEE_UNKNOWN : st;
    memcpy(r->account, a.id, 16);
    r->class = a.class;
    memcpy(r->association, a.association, 16);
    r->frozen = a.frozen;
    r->closed = a.closed;
    memcpy(r->enc_key, a.enc_key, MR_KEY_BYTES);
    if (q->alias_len == 0)
        mri_recovery_news(e, r, &a, number, q->enc_key);
    /* The account's last alias may be listed again, for another account. */
    if (!listed.listing.listed || memcmp(listed.listing.account, a.id, MR_ACCOUNT_BYTES) != 0)
        return MR_OK;
    struct mr_state_slot slot = {0};
    r->listing[0] = listed.listing;
    r->listing_count = 1;
    st = mri_account_number(&e->ledger, &number, listed.slot.account);
    if (st == MR_OK)
        st = mri_slot_get(&e->ledger, &slot, number, listed.slot.seq);
    if (st == MR_OK)
        st = mri_receipt(e, &r->receipt[0], number, listed.slot.seq, &slot);
    if (st == MR_OK)
        r->receipt_count = 1;
    if (st == MR_NOT_FOUND && slot.epoch == e->ledger.meta.epoch)
        return MR_BUSY; /* settled in this very turn: its head is not signed yet */
    /* Of an epoch before this node joined it has no proof, and never will. */
    return st == MR_BODY_ERASED || st == MR_NOT_FOUND ? MR_OK : st;
}

static enum mr_status read_directory(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_page *q = &ev->u.request.request->body.u.directory;
    struct mr_rep_directory *r = &e->reply.body.u.directory;
    r->last = e->ledger.meta.listings;
    r->next = q->from == 0 ? 1 : q->from;
    for (; r->next <= r->last && r->listings_count < q->count; r->next++) {
        struct mr_state_alias *a = &r->listings[r->listings_count];
        const enum mr_status st = mri_listing_get(&e->ledger, a, r->next);
        if (st != MR_OK)
            return st == MR_NOT_FOUND ? MR_DAMAGED : st;
        r->listings_count += a->listing.listed ? 1 : 0;
    }
    return MR_OK;
}

/* The last head of a node that signs none in the present epoch, and its log. */
static enum mr_status find_head(struct mr_engine *e, struct mr_head *ret,
                                struct mri_tree **ret_tree)
{
    enum mr_status st = MR_NOT_FOUND;
    *ret_tree = &e->tree;
    if (ret->size > 0)
        return MR_OK;
    if (mri_signs(e))
        return MR_BUSY; /* the log has just begun */
    for (uint32_t epoch = e->committee.epoch; st == MR_NOT_FOUND && epoch > 1; epoch--) {
        st = mri_past_head(e, ret, epoch - 1);
        if (st == MR_OK && ret->size == 0)
            st = MR_NOT_FOUND;
    }
    *ret_tree = &e->past;
    if (st == MR_OK)
        st = mri_tree_load(&e->past, &e->view, e->config.node, ret->epoch, ret->size);
    return st == MR_NOT_FOUND ? MR_BUSY : st;
}

static enum mr_status read_head(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_head *const q = &ev->u.request.request->body.u.head;
    const uint64_t from = q->from_size;
    struct mr_rep_head *r = &e->reply.body.u.head;
    struct mri_tree *tree;
    enum mr_status st = find_head(e, &r->head, &tree);
    if (st == MR_OK && tree == &e->tree && q->cosigner_count > 0)
        r->head = *mri_to_cosign(e, q->cosigner[0].key, from);
    if (st == MR_OK)
        st = mri_handover(e, r->handover, &r->handover_count, r->head.epoch);
    if (st != MR_OK || from > r->head.size)
        return st; /* the caller holds more than this log has: the head alone tells him */
    return mri_tree_consistency(tree, r->consistency, &r->consistency_count, from, r->head.size);
}

static enum mr_status read_join_status(struct mr_engine *e, const struct mr_event *ev)
{
    struct mr_state_account a;
    uint64_t number;
    const enum mr_status st =
        find_account(e, &number, &a, ev->u.request.request->body.u.join_status.account);
    return st == MR_ACCOUNT_UNKNOWN ? MR_NOT_FOUND : st;
}

static enum mr_status read_accounts(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_page *q = &ev->u.request.request->body.u.accounts;
    struct mr_rep_accounts *r = &e->reply.body.u.accounts;
    const struct mr_principal *who = ev->u.request.who;
    size_t used = 0;
    if (!who->local && !(who->proved && who->role == MR_AUTH_OWNER &&
                         (who->class == MR_CLASS_DESK || who->class == MR_CLASS_TREASURY)))
        return MR_NOT_AUTHORISED;
    r->last = e->ledger.meta.accounts;
    r->next = q->from == 0 ? 1 : q->from;
    for (; r->next <= r->last && r->accounts_count < q->count; r->next++) {
        struct mr_rep_account *a = &r->accounts[r->accounts_count];
        enum mr_status st = mri_account_get(&e->ledger, &a->account, r->next);
        if (st == MR_OK)
            st = mri_hot_get(&e->ledger, &a->hot, r->next);
        if (st != MR_OK)
            return st == MR_NOT_FOUND ? MR_DAMAGED : st;
        if (!who->local && memcmp(a->account.association, who->association, 16) != 0)
            continue;
        a->policy = 0;
        used += mr_rep_account_size(a);
        if (used > PAGE_BYTES_MAX)
            break;
        r->accounts_count++;
    }
    return MR_OK;
}

static bool is_treasury_of(const struct mr_principal *who, const uint8_t association[16])
{
    return who->local ||
           (who->proved && who->role == MR_AUTH_OWNER && who->class == MR_CLASS_TREASURY &&
            memcmp(who->association, association, 16) == 0);
}

static enum mr_status read_bank(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_bank *q = &ev->u.request.request->body.u.bank;
    struct mr_rep_bank *r = &e->reply.body.u.bank;
    struct mr_history_item *item = &e->item;
    uint64_t number;
    if (!is_treasury_of(ev->u.request.who, q->association))
        return MR_NOT_AUTHORISED;
    enum mr_status st = mri_bank_get(&e->ledger, &r->slot, q->association, q->ref);
    if (st != MR_OK)
        return st;
    st = mri_account_number(&e->ledger, &number, r->slot.account);
    if (st == MR_OK)
        st = history_item(e, item, number, r->slot.seq, false);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    r->time_ms = item->time_ms;
    r->order_count = item->order_count;
    if (item->order_count > 0)
        r->order[0] = item->order[0];
    return MR_OK;
}

static enum mr_status read_redemptions(struct mr_engine *e, const struct mr_event *ev)
{
    const struct mr_req_page *q = &ev->u.request.request->body.u.redemptions;
    struct mr_rep_redemptions *r = &e->reply.body.u.redemptions;
    const struct mr_principal *who = ev->u.request.who;
    if (!is_treasury_of(who, who->association))
        return MR_NOT_AUTHORISED;
    r->last = e->ledger.meta.redemptions;
    r->next = q->from == 0 ? 1 : q->from;
    for (; r->next <= r->last && r->items_count < q->count; r->next++) {
        struct mr_state_redemption *item = &r->items[r->items_count];
        const enum mr_status st = mri_redemption_get(&e->ledger, item, r->next);
        if (st != MR_OK)
            return st == MR_NOT_FOUND ? MR_DAMAGED : st;
        if (who->local || memcmp(item->association, who->association, 16) == 0)
            r->items_count++;
    }
    return MR_OK;
}

static bool credits(const struct mr_order_body *b, const uint8_t account[16])
{
    bool found =
        b->kind == MR_KIND_RETURN && memcmp(b->u.return_.redemption.account, account, 16) == 0;
    if (b->kind == MR_KIND_PAY)
        for (uint32_t i = 0; i < b->u.pay.lines_count; i++)
            found = found || memcmp(b->u.pay.lines[i].payee, account, 16) == 0;
    if (b->kind == MR_KIND_ISSUE)
        for (uint32_t i = 0; i < b->u.issue.lines_count; i++)
            found = found || memcmp(b->u.issue.lines[i].member, account, 16) == 0;
    return found;
}

/* Who was paid may have the receipt: a settled slot whose order credits the caller. */
static enum mr_status may_read_slot(struct mr_engine *e, const struct mr_principal *who,
                                    uint64_t number, uint64_t seq)
{
    struct mr_state_slot slot;
    if (!who->proved)
        return MR_NOT_AUTHORISED;
    enum mr_status st = mri_slot_get(&e->ledger, &slot, number, seq);
    if (st == MR_NOT_FOUND || (st == MR_OK && slot.voided))
        return MR_NOT_AUTHORISED;
    if (st == MR_OK)
        st = mri_read_body(e, &e->body, slot.body_at, slot.body_len);
    if (st != MR_OK)
        return st == MR_BODY_ERASED ? MR_NOT_AUTHORISED : st;
    return e->body.kind == MR_BODY_ORDER && credits(&e->body.u.order.order.body, who->account)
               ? MR_OK
               : MR_NOT_AUTHORISED;
}

/* SLOT: the state of a slot, settled, parked or open. */
static enum mr_status read_slot(struct mr_engine *e, const struct mr_event *ev, bool *ret_queued)
{
    const struct mr_req_slot *q = &ev->u.request.request->body.u.slot;
    struct mr_rep_slot *r = &e->reply.body.u.slot;
    struct mr_state_account a;
    struct mr_state_slot slot;
    uint64_t number;
    enum mr_status st = find_account(e, &number, &a, q->account);
    if (st == MR_OK && !may_read_history(ev->u.request.who, &a))
        st = may_read_slot(e, ev->u.request.who, number, q->seq);
    if (st != MR_OK)
        return st;
    st = mri_slot_get(&e->ledger, &slot, number, q->seq);
    if (st == MR_OK) {
        mri_answer_slot(e, ev, number, q->seq);
        *ret_queued = true;
    }
    if (st != MR_NOT_FOUND)
        return st;
    const struct mri_open *const o = mri_open_find(e, q->account, q->seq);
    return o == NULL ? MR_UNSETTLED : mri_open_stage(e, o, r);
}

/* EVIDENCE: one piece by its number. */
static enum mr_status read_evidence(struct mr_engine *e, const struct mr_event *ev)
{
    const uint64_t from = ev->u.request.request->body.u.evidence.from;
    struct mr_rep_evidence *r = &e->reply.body.u.evidence;
    uint8_t key[8];
    size_t len;
    r->last = e->ledger.meta.evidence;
    if (from == 0 || from > r->last)
        return MR_OK;
    const enum mr_status st = mri_view_get(&e->view, MR_TABLE_EVIDENCE, key, mri_key_u64(key, from),
                                           e->bytes, sizeof e->bytes, &len);
    if (st != MR_OK)
        return st == MR_NOT_FOUND ? MR_DAMAGED : st;
    r->items_count = 1;
    return mr_evidence_decode(&r->items[0], e->bytes, len) == MR_OK ? MR_OK : MR_DAMAGED;
}

/* --- WAIT ------------------------------------------------------------------------------------- */

/* Whether there is news; fills e->reply. */
static enum mr_status news(struct mr_engine *e, const struct mri_waiter *w, bool *ret)
{
    struct mr_state_hot hot;
    const enum mr_status st = mri_hot_get(&e->ledger, &hot, w->number);
    if (st != MR_OK)
        return st;
    struct mr_rep_wait *r = &mri_reply(e, MR_REQ_WAIT)->body.u.wait;
    r->next_seq = hot.chain.next_seq;
    r->credits = hot.credits;
    *ret = hot.chain.next_seq > w->next_seq || hot.credits > w->credits;
    return MR_OK;
}

static enum mr_status read_wait(struct mr_engine *e, const struct mr_event *ev, bool *ret_queued)
{
    const struct mr_req_wait *q = &ev->u.request.request->body.u.wait;
    struct mr_state_account a;
    struct mri_waiter w = {.token = ev->u.request.token,
                           .id = ev->u.request.request->id,
                           .next_seq = q->next_seq,
                           .credits = q->credits,
                           .until_ms = e->now_ms + q->timeout_ms};
    bool any = false;
    enum mr_status st = find_account(e, &w.number, &a, q->account);
    if (st == MR_OK && !may_read_account(ev->u.request.who, &a))
        st = MR_NOT_AUTHORISED;
    if (st == MR_OK)
        st = news(e, &w, &any);
    if (st != MR_OK || any || q->timeout_ms == 0 || e->draining)
        return st;
    if (e->waiters_count == MRI_WAITERS_MAX)
        return MR_TOO_MANY;
    mri_bloom_add(e->awaited, w.number);
    e->waiters[e->waiters_count++] = w;
    *ret_queued = true;
    return MR_OK;
}

/* Called when all that was said is synced, and on every tick. */
enum mr_status mri_waiters(struct mr_engine *e, struct mr_effects *fx)
{
    if (e->flying != NULL || e->current->log.used > MR_FRAME_HEAD_BYTES)
        return MR_OK; /* what changed since is not synced: later */
    for (uint32_t i = 0; i < e->waiters_count;) {
        const struct mri_waiter *w = &e->waiters[i];
        const bool touched = mri_bloom_has(e->touched, w->number);
        const bool late = e->now_ms >= w->until_ms || e->draining;
        bool any = false;
        if (!touched && !late) {
            i++;
            continue;
        }
        const enum mr_status st = news(e, w, &any);
        if (st != MR_OK)
            return st;
        if (!any && !late) {
            i++;
            continue;
        }
        e->reply.id = w->id;
        e->reply.status = MR_OK;
        const size_t n = mr_reply_encode(&e->reply, e->bytes, sizeof e->bytes);
        fx->reply(fx->ctx, w->token, e->bytes, n);
        e->waiters[i] = e->waiters[--e->waiters_count];
    }
    memset(e->touched, 0, sizeof e->touched);
    memset(e->awaited, 0, sizeof e->awaited);
    for (uint32_t i = 0; i < e->waiters_count; i++)
        mri_bloom_add(e->awaited, e->waiters[i].number);
    e->news = false;
    return MR_OK;
}

/* --- all -------------------------------------------------------------------------------------- */

static enum mr_status read_one(struct mr_engine *e, const struct mr_event *ev, bool *ret_queued)
{
    switch (ev->u.request.request->body.kind) {
    case MR_REQ_NODE:
        return read_node(e, ev);
    case MR_REQ_CHARTER:
        return MR_OK;
    case MR_REQ_POLICIES:
        return read_policies(e, ev);
    case MR_REQ_CHECK:
        return read_check(e, ev);
    case MR_REQ_SLOT:
        return read_slot(e, ev, ret_queued);
    case MR_REQ_ACCOUNT:
        return read_account(e, ev);
    case MR_REQ_HISTORY:
        return read_history(e, ev);
    case MR_REQ_LOOKUP:
        return read_lookup(e, ev);
    case MR_REQ_DIRECTORY:
        return read_directory(e, ev);
    case MR_REQ_WAIT:
        return read_wait(e, ev, ret_queued);
    case MR_REQ_HEAD:
        return read_head(e, ev);
    case MR_REQ_JOIN_STATUS:
        return read_join_status(e, ev);
    case MR_REQ_ACCOUNTS:
        return read_accounts(e, ev);
    case MR_REQ_BANK:
        return read_bank(e, ev);
    case MR_REQ_REDEMPTIONS:
        return read_redemptions(e, ev);
    case MR_REQ_FETCH:
        return mri_fetch(e, ev);
    case MR_REQ_EVIDENCE:
        return read_evidence(e, ev);
    case MR_REQ_HANDOVER:
        return mri_read_handover(e, ev);
    case MR_REQ_COSIGN:
        return mri_cosign(e, &ev->u.request.request->body.u.cosign);
    case MR_REQ_COSIGNED:
        mri_read_cosigned(e, &e->reply.body.u.cosigned);
        return MR_OK;
    case MR_REQ_AUTH:
    case MR_REQ_SUBMIT:
    case MR_REQ_CANCEL:
    case MR_REQ_JOIN:
    case MR_REQ_REGISTER_LIST:
    case MR_REQ_REGISTER_PUT:
    case MR_REQ_REGISTER_DELETE:
    case MR_REQ_STREAM:
    case MR_REQ_CONTROL:
    case MR_REQ_PEERS:
    case MR_REQ_STATE:
    case MR_REQ_FOLLOW:
        break; /* the shell's, or an order: never handed here */
    }
    mr_bug("request kind");
}

void mri_read_request(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble)
{
    const enum mr_request_kind kind = ev->u.request.request->body.kind;
    bool queued = false;
    mri_reply(e, kind);
    enum mr_status st =
        mr_engine_current(e, ev->u.request.who) ? read_one(e, ev, &queued) : MR_BAD_SESSION;
    if (st == MR_DAMAGED || st == MR_IO_ERROR) {
        *ret_trouble = st;
        return;
    }
    if (queued)
        return;
    const bool with_body = st == MR_OK || st == MR_PARKED || st == MR_VOTING ||
                           st == MR_CERTIFIED || kind == MR_REQ_CHECK;
    if (!with_body)
        mri_reply(e, kind);
    mri_answer(e, ev, st);
}
