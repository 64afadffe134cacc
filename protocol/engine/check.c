/* Invariants over a store, record by record. */
#include "mereau/check.h"

#include <stdio.h>
#include <string.h>

#include "ledger/view.h"
#include "mereau/amount.h"
#include "mereau/codec.h"
#include "mereau/engine.h"
#include "mereau/id.h"
#include "mereau/order.h"

enum { VALUE_MAX = MR_STORE_VALUE_MAX };

struct checking {
    const struct mr_check *c;
    struct mr_check_totals t;
    struct mr_state_present present; /* the charter as it stands: EPO-2 */
    enum mr_status st;
    uint64_t number; /* of the account at hand */
    struct mr_state_account account;
    struct mr_state_hot hot;
    int64_t sums[MR_UNITS_MAX];
    int64_t redeemed[MR_ASSOCIATIONS_MAX], open[MR_ASSOCIATIONS_MAX];
    int64_t owed[MR_ASSOCIATIONS_MAX], held[MR_ASSOCIATIONS_MAX];
    uint8_t value[VALUE_MAX];
    struct mr_body body;
};

static void report(struct checking *k, const char *rule, const char *where, const char *expected,
                   const char *found)
{
    struct mr_finding f = {.rule = rule};
    if (k->st == MR_IO_ERROR)
        return; /* what could not be read is not wrong */
    snprintf(f.where, sizeof f.where, "%s", where);
    snprintf(f.expected, sizeof f.expected, "%s", expected);
    snprintf(f.found, sizeof f.found, "%s", found);
    k->t.findings++;
    k->c->found(k->c->found_ctx, &f);
}

/* "account 0123.. slot 7" */
static void place(char ret[MR_FINDING_TEXT_MAX], const struct checking *k, const char *what,
                  uint64_t number)
{
    char id[2 * MR_ACCOUNT_BYTES + 1];
    mr_hex_format(id, k->account.id, MR_ACCOUNT_BYTES);
    snprintf(ret, MR_FINDING_TEXT_MAX, "account %s %s %llu", id, what, (unsigned long long)number);
}

static void expect_number(struct checking *k, const char *rule, const char *where, int64_t expected,
                          int64_t found)
{
    char a[32], b[32];
    if (expected == found)
        return;
    snprintf(a, sizeof a, "%lld", (long long)expected);
    snprintf(b, sizeof b, "%lld", (long long)found);
    report(k, rule, where, a, b);
}

static bool fetch(struct checking *k, enum mr_table table, const uint8_t *key, size_t key_len,
                  size_t *ret_len)
{
    struct mr_store *s = k->c->store;
    const enum mr_status st =
        s->api->get(s, table, key, key_len, k->value, sizeof k->value, ret_len);
    if (st != MR_OK && st != MR_NOT_FOUND)
        k->st = st;
    return st == MR_OK;
}

/* A body record of the journal; false and a finding when it is not there or not what it must be. */
static bool fetch_body(struct checking *k, const char *where, uint64_t at, uint32_t len,
                       bool *ret_erased)
{
    struct mr_journal *j = k->c->journal;
    uint8_t *bytes = k->value;
    size_t got = 0;
    *ret_erased = false;
    const enum mr_status st =
        len <= VALUE_MAX ? j->api->read(j, MR_FAMILY_BODIES, at, bytes, len, &got) : MR_DAMAGED;
    *ret_erased = st == MR_BODY_ERASED;
    if (st == MR_IO_ERROR)
        k->st = st;
    if (st == MR_OK && got == len && mr_body_decode(&k->body, bytes, len) == MR_OK)
        return true;
    if (!*ret_erased)
        report(k, "INV-9", where, "a body in the journal", "none");
    return false;
}

/* --- one account ------------------------------------------------------------------------------ */

static uint32_t home_index(const struct checking *k, const uint8_t association[16])
{
    const struct mr_charter *c = &k->present.charter;
    for (uint32_t i = 0; i < c->associations_count; i++)
        if (memcmp(c->associations[i].id, association, 16) == 0)
            return i;
    return MR_ASSOCIATIONS_MAX;
}

/* INV-10: LED-2a. Whose association is none has the space of nobody, which begins with zeros. */
static void check_space(struct checking *k)
{
    char where[MR_FINDING_TEXT_MAX], expected[2 * MR_SPACE_BYTES + 1];
    if (mr_in_space(k->account.id, k->account.association))
        return;
    place(where, k, "number", k->number);
    mr_hex_format(expected, k->account.association, MR_SPACE_BYTES);
    report(k, "INV-10", where, expected, "an id of another association");
}

/* INV-1, INV-2, and what INV-3, INV-3a and INV-6 add up. */
static void check_balances(struct checking *k)
{
    const struct mr_state_account *a = &k->account;
    const struct mr_state_chain *s = &k->hot.chain;
    const uint32_t home = home_index(k, a->association);
    char where[MR_FINDING_TEXT_MAX];
    for (uint32_t u = 0; u < s->balances_count && u < MR_UNITS_MAX; u++) {
        const int64_t b = s->balances[u].minor;
        const bool may_owe = a->class == MR_CLASS_WORLD || a->class == MR_CLASS_ISSUER;
        const int64_t least = u == 0 && mr_is_member_class(a->class) ? -a->credit : 0;
        k->sums[u] += b;
        if (!may_owe && b < least) { /* a credit line is never granted back: LED-27 */
            place(where, k, "unit", u);
            k->t.overdrawn++;
            if (!k->c->moving)
                expect_number(k, "INV-2", where, least, b);
        }
    }
    if (s->balances_count < 2 || home == MR_ASSOCIATIONS_MAX)
        return;
    if (a->class == MR_CLASS_ISSUER)
        k->owed[home] = -s->balances[0].minor;
    if (a->class == MR_CLASS_RESERVE)
        k->held[home] = s->balances[1].minor;
    if (a->class == MR_CLASS_REDEEMED)
        k->redeemed[home] = s->balances[0].minor;
}

/* INV-5, as far as the own log goes. Where several acknowledge, the own leaf may be one that was
 * forgotten with lost memory and shown by the others: SLOT-14. */
static void check_acks(struct checking *k, const char *where, const struct mr_state_slot *slot)
{
    const struct mr_ack_ref *last = NULL;
    /* Of a past epoch's quorum nothing is known here, and a CUT settles with fewer: EPO-5. */
    const bool present = slot->epoch == k->t.meta.epoch && k->t.meta.cut == 0;
    if (slot->acks_count < (present ? k->present.charter.quorum : 1))
        report(k, "INV-5", where, "q ACK leaves", "fewer");
    for (uint32_t i = 0; i < slot->acks_count; i++) {
        const struct mr_ack_ref *a = &slot->acks[i];
        if (last != NULL && last->node >= a->node)
            report(k, "INV-5", where, "ACK leaves of distinct nodes, ascending", "another order");
        if (slot->epoch == k->t.meta.epoch && a->node == k->t.meta.node &&
            a->index >= k->t.meta.leaves && slot->acks_count == 1)
            report(k, "INV-5", where, "an ACK leaf in the log", "an index behind its end");
        last = a;
    }
}

/* The order of a slot: right place, right id, right link. False: the chain cannot be followed. */
static void check_order(struct checking *k, const char *where, uint64_t seq,
                        const uint8_t value[32], const uint8_t prev[32])
{
    const struct mr_order *o = &k->body.u.order.order;
    uint8_t id[32];
    if (k->body.kind != MR_BODY_ORDER) {
        report(k, "INV-9", where, "an order", "another body");
        return;
    }
    mr_order_id(id, o);
    if (memcmp(id, value, 32) != 0)
        report(k, "INV-9", where, "the order that settled", "another order");
    else if (o->seq != seq || memcmp(o->account, k->account.id, 16) != 0)
        report(k, "INV-4", where, "an order for this slot", "one for another slot");
    else if (memcmp(o->prev, prev, 32) != 0)
        report(k, "INV-4", where, "a link to the value before", "another link");
}

/* INV-4 and INV-5: slots 1 to next_seq - 1, linked, each acknowledged. */
static void check_chain(struct checking *k)
{
    uint8_t prev[32] = {0}, key[16];
    char where[MR_FINDING_TEXT_MAX];
    for (uint64_t seq = 1; seq < k->hot.chain.next_seq && k->st == MR_OK; seq++) {
        struct mr_state_slot slot;
        size_t len;
        bool erased;
        place(where, k, "slot", seq);
        if (!fetch(k, MR_TABLE_SLOT, key, mri_key_pair(key, k->number, seq), &len) ||
            mr_state_slot_decode(&slot, k->value, len) != MR_OK) {
            report(k, "INV-4", where, "a settled slot", "none");
            return;
        }
        k->t.slots++;
        /* Taken over with the state when the node joined: the rest is in the journals of others. */
        const bool inherited = slot.acks_count == 0 && slot.body_len == 0;
        if (!inherited)
            check_acks(k, where, &slot);
        k->t.inherited += inherited;
        if (!slot.voided && !inherited &&
            fetch_body(k, where, slot.body_at, slot.body_len, &erased))
            check_order(k, where, seq, slot.value, prev);
        memcpy(prev, slot.value, 32);
    }
    place(where, k, "slot", k->hot.chain.next_seq);
    if (k->st == MR_OK && k->hot.chain.next_seq > 0 && memcmp(prev, k->hot.chain.head, 32) != 0)
        report(k, "INV-4", where, "head of the chain = value settled last", "another head");
}

/* INV-9: every credit points at a slot. */
static void check_credits(struct checking *k)
{
    uint8_t key[16];
    char where[MR_FINDING_TEXT_MAX];
    for (uint64_t i = 1; i <= k->hot.credits && k->st == MR_OK; i++) {
        struct mr_state_credit credit;
        size_t len;
        place(where, k, "credit", i);
        if (!fetch(k, MR_TABLE_CREDIT, key, mri_key_pair(key, k->number, i), &len) ||
            mr_state_credit_decode(&credit, k->value, len) != MR_OK ||
            !fetch(k, MR_TABLE_SLOT, key, mri_key_pair(key, credit.number, credit.seq), &len))
            report(k, "INV-9", where, "a settled slot", "none");
        k->t.credits++;
    }
}

static bool each_account(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                         size_t value_len)
{
    struct checking *k = ctx;
    size_t len;
    const bool good_key = key_len == MR_ACCOUNT_BYTES && value_len == 8;
    memset(&k->account, 0, sizeof k->account);
    if (good_key) {
        memcpy(k->account.id, key, MR_ACCOUNT_BYTES);
        k->number = mri_key_read(value);
    }
    uint8_t number[8];
    mri_key_u64(number, k->number);
    char where[MR_FINDING_TEXT_MAX];
    place(where, k, "number", k->number);
    if (!good_key || !fetch(k, MR_TABLE_ACCOUNT, number, 8, &len) ||
        mr_state_account_decode(&k->account, k->value, len) != MR_OK ||
        memcmp(k->account.id, key, MR_ACCOUNT_BYTES) != 0 ||
        !fetch(k, MR_TABLE_HOT, number, 8, &len) ||
        mr_state_hot_decode(&k->hot, k->value, len) != MR_OK) {
        report(k, "INV-9", where, "an account under its record number", "none");
        return k->st == MR_OK;
    }
    k->t.accounts++;
    check_space(k);
    check_balances(k);
    check_chain(k);
    check_credits(k);
    if (k->c->progress != NULL &&
        !k->c->progress(k->c->progress_ctx, k->t.accounts, k->t.meta.accounts))
        k->st = MR_STOPPING;
    return k->st == MR_OK;
}

/* --- other tables ----------------------------------------------------------------------------- */

static bool each_redemption(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                            size_t value_len)
{
    struct checking *k = ctx;
    struct mr_state_redemption r;
    (void)key;
    (void)key_len;
    if (mr_state_redemption_decode(&r, value, value_len) != MR_OK) {
        report(k, "INV-9", "redemptions", "a redemption", "other bytes");
        return true;
    }
    const uint32_t by = home_index(k, r.association);
    if (r.done == 0 && by < MR_ASSOCIATIONS_MAX)
        k->open[by] += r.ref.amount;
    return true;
}

static bool names_bank(const struct mr_order_body *b, const uint8_t ref[32])
{
    if (b->kind == MR_KIND_PAYOUT)
        return memcmp(b->u.payout.bank_ref, ref, 32) == 0;
    if (b->kind == MR_KIND_CLEAR)
        return memcmp(b->u.clear.clearing.bank_ref, ref, 32) == 0;
    if (b->kind != MR_KIND_ISSUE)
        return false;
    for (uint32_t i = 0; i < b->u.issue.banks_count; i++)
        if (memcmp(b->u.issue.banks[i].ref, ref, 32) == 0)
            return true;
    return false;
}

/* INV-7: each reference points at the one order that names it. */
static bool each_bank(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                      size_t value_len)
{
    struct checking *k = ctx;
    struct mr_state_slot_ref ref;
    struct mr_state_slot slot;
    uint8_t no[16];
    char where[MR_FINDING_TEXT_MAX], hex[65];
    size_t len;
    bool erased = false;
    mr_hex_format(hex, key + 16, key_len == 48 ? 32 : 0);
    snprintf(where, sizeof where, "bank reference %s", hex);
    bool good = key_len == 48 && mr_state_slot_ref_decode(&ref, value, value_len) == MR_OK &&
                fetch(k, MR_TABLE_ACCOUNT_NO, ref.account, 16, &len) && len == 8;
    if (good) {
        memcpy(no, k->value, 8);
        mri_key_u64(no + 8, ref.seq);
        good = fetch(k, MR_TABLE_SLOT, no, 16, &len) &&
               mr_state_slot_decode(&slot, k->value, len) == MR_OK && !slot.voided;
    }
    if (good && slot.body_len > 0)
        good = fetch_body(k, where, slot.body_at, slot.body_len, &erased)
                   ? names_bank(&k->body.u.order.order.body, key + 16)
                   : erased;
    if (!good)
        report(k, "INV-7", where, "an order that names it", "none");
    return k->st == MR_OK;
}

static void check_sums(struct checking *k)
{
    const struct mr_charter *c = &k->present.charter;
    char where[MR_FINDING_TEXT_MAX];
    for (uint32_t u = 0; u < c->units_count; u++) {
        snprintf(where, sizeof where, "unit %s", c->units[u].code);
        expect_number(k, "INV-1", where, 0, k->sums[u]);
    }
    for (uint32_t i = 0; i < c->associations_count; i++) {
        snprintf(where, sizeof where, "association %s, units given back", c->associations[i].alias);
        expect_number(k, "INV-6", where, k->open[i], k->redeemed[i]);
        k->t.issued += k->owed[i];
        k->t.reserve += k->held[i];
    }
    if (k->t.reserve < k->t.issued)
        expect_number(k, "INV-3", "reserve of the territory", k->t.issued, k->t.reserve);
    for (uint32_t i = 0; i < c->associations_count; i++) {
        snprintf(where, sizeof where, "association %s, reserve", c->associations[i].alias);
        expect_number(k, "INV-3a", where, k->owed[i], k->held[i]);
    }
    expect_number(k, "INV-9", "record numbers given", (int64_t)k->t.meta.accounts,
                  (int64_t)k->t.accounts);
    if (k->t.inherited == 0)
        expect_number(k, "INV-9", "slots settled", (int64_t)k->t.meta.settled, (int64_t)k->t.slots);
}

enum mr_status mr_check_store(const struct mr_check *c, struct mr_check_totals *ret)
{
    static const struct {
        enum mr_table table;
        mr_store_each each;
    } walks[] = {{MR_TABLE_ACCOUNT_NO, each_account},
                 {MR_TABLE_REDEMPTION, each_redemption},
                 {MR_TABLE_BANK, each_bank}};
    struct checking *k = c->mem.get(c->mem.ctx, sizeof *k);
    struct mr_checkpoint sum;
    size_t len;
    if (k == NULL)
        return MR_NO_MEMORY;
    memset(k, 0, sizeof *k);
    k->c = c;
    if (!fetch(k, MR_TABLE_META, (const uint8_t *)"m", 1, &len) ||
        mr_state_meta_decode(&k->t.meta, k->value, len) != MR_OK)
        k->st = k->st == MR_OK ? MR_DAMAGED : k->st;
    k->present.charter = *c->charter;
    if (k->st == MR_OK && fetch(k, MR_TABLE_META, (const uint8_t *)"c", 1, &len) &&
        mr_state_present_decode(&k->present, k->value, len) != MR_OK)
        k->st = MR_DAMAGED;
    for (size_t i = 0; i < sizeof walks / sizeof walks[0] && k->st == MR_OK; i++) {
        const enum mr_status st =
            c->store->api->walk(c->store, walks[i].table, NULL, 0, walks[i].each, k);
        if (k->st == MR_OK)
            k->st = st;
    }
    if (k->st == MR_OK) {
        check_sums(k);
        k->st = mr_state_sum(&sum, c->store, c->charter, &c->mem);
    }
    const enum mr_status st = k->st;
    if (st == MR_OK) {
        memcpy(k->t.state_root, sum.state_root, 32);
        *ret = k->t;
    } else if (st == MR_DAMAGED) {
        report(k, "INV-9", "store", "records that can be read", "a damaged one");
    }
    c->mem.put(c->mem.ctx, k);
    return st;
}

/* --- two stores ------------------------------------------------------------------------------- */

struct comparing {
    const struct mr_check *c;
    struct mr_store *other;
    enum mr_table table;
    enum mr_status st;
    uint64_t findings, left, right;
    uint8_t value[VALUE_MAX];
    struct mr_state_open open[2];
};

/* Whether the store's record of an open slot is the journal's without some orders that waited: one
 * that lapsed is dropped without a word. When it was first heard of is this node's own matter. */
static bool waits_less(struct comparing *k, const uint8_t *less, size_t less_len,
                       const uint8_t *more, size_t more_len)
{
    struct mr_state_open *const a = &k->open[0], *const b = &k->open[1];
    uint8_t bytes[VALUE_MAX];
    uint32_t at = 0;
    if (mr_state_open_decode(a, less, less_len) != MR_OK ||
        mr_state_open_decode(b, more, more_len) != MR_OK)
        return false;
    for (uint32_t i = 0; i < b->orders_count && at < a->orders_count; i++)
        if (memcmp(a->orders[at].order, b->orders[i].order, 32) == 0)
            b->orders[at++] = b->orders[i];
    b->orders_count = at;
    for (uint32_t i = 0; i < at && i < a->orders_count; i++)
        b->orders[i].cause = a->orders[i].cause;
    b->since_ms = a->since_ms;
    return at == a->orders_count && mr_state_open_size(b) == less_len &&
           mr_state_open_encode(b, bytes, sizeof bytes) == less_len &&
           memcmp(bytes, less, less_len) == 0;
}

static bool each_left(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                      size_t value_len)
{
    struct comparing *k = ctx;
    struct mr_finding f = {.rule = "JNL-8"};
    char hex[2 * MR_STORE_KEY_MAX + 1];
    size_t len = 0;
    k->left++;
    k->st = k->other->api->get(k->other, k->table, key, key_len, k->value, sizeof k->value, &len);
    if (k->st == MR_OK && len == value_len && memcmp(k->value, value, len) == 0)
        return true;
    if (k->st != MR_OK && k->st != MR_NOT_FOUND)
        return false;
    if (k->st == MR_OK && k->table == MR_TABLE_OPEN &&
        waits_less(k, value, value_len, k->value, len))
        return true;
    mr_hex_format(hex, key, key_len);
    snprintf(f.where, sizeof f.where, "table %d key %.100s", (int)k->table, hex);
    snprintf(f.expected, sizeof f.expected, "%s",
             k->st == MR_OK ? "the value that the journal gives" : "no such entry");
    snprintf(f.found, sizeof f.found, "another entry");
    k->st = MR_OK;
    k->findings++;
    k->c->found(k->c->found_ctx, &f);
    return true;
}

static bool each_right(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                       size_t value_len)
{
    struct comparing *k = ctx;
    (void)key;
    (void)key_len;
    (void)value;
    (void)value_len;
    k->right++;
    return true;
}

enum mr_status mr_check_equal(const struct mr_check *c, struct mr_store *other,
                              uint64_t *ret_findings)
{
    struct comparing *k = c->mem.get(c->mem.ctx, sizeof *k);
    enum mr_status st = MR_OK;
    if (k == NULL)
        return MR_NO_MEMORY;
    memset(k, 0, sizeof *k);
    k->c = c;
    k->other = other;
    for (int t = 0; t < MR_TABLES && st == MR_OK; t++) {
        k->table = (enum mr_table)t;
        k->left = k->right = 0;
        st = c->store->api->walk(c->store, k->table, NULL, 0, each_left, k);
        if (st == MR_OK)
            st = k->st;
        if (st == MR_OK)
            st = other->api->walk(other, k->table, NULL, 0, each_right, k);
        if (st == MR_OK && k->right > k->left && k->table != MR_TABLE_OPEN) {
            struct mr_finding f = {.rule = "JNL-8"};
            snprintf(f.where, sizeof f.where, "table %d", t);
            snprintf(f.expected, sizeof f.expected, "%llu entries", (unsigned long long)k->right);
            snprintf(f.found, sizeof f.found, "%llu", (unsigned long long)k->left);
            k->findings++;
            c->found(c->found_ctx, &f);
        }
    }
    *ret_findings = k->findings;
    c->mem.put(c->mem.ctx, k);
    return st;
}
