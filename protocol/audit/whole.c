/* The state as a whole: root, supply, totals; and the audit's own life. */
#include <string.h>

#include "audit/state.h"

/* --- LED-50 ----------------------------------------------------------------------------------- */

/* A leaf of the state tree is being hashed while rows come; roots of complete subtrees are enough.
 */
struct root {
    uint64_t count;
    uint8_t peak[64][32];
};

static void root_add(struct root *r, const uint8_t leaf[32])
{
    uint8_t h[32];
    unsigned level = 0;
    memcpy(h, leaf, 32);
    for (uint64_t n = r->count; (n & 1) == 1; n >>= 1)
        mri_aud_node_hash(h, r->peak[level++], h);
    memcpy(r->peak[level], h, 32);
    r->count++;
}

static void root_end(const struct root *r, uint8_t ret[32])
{
    bool first = true;
    for (unsigned level = 0; level < 64 && r->count >> level != 0; level++) {
        if ((r->count >> level & 1) == 0)
            continue;
        if (first)
            memcpy(ret, r->peak[level], 32);
        else
            mri_aud_node_hash(ret, r->peak[level], ret);
        first = false;
    }
}

static void row(struct root *r, uint8_t *bytes, size_t len, uint8_t table)
{
    uint8_t h[32];
    bytes[0] = table;
    mri_aud_leaf_hash(h, bytes, 1 + len);
    root_add(r, h);
}

enum { ROW_MAX = 4096 };

static void account_row(struct mr_audit *a, struct root *r, const struct mri_aud_account *x)
{
    uint8_t b[ROW_MAX];
    struct mr_state_account s = {.class = x->class,
                                 .generation = x->cold.generation,
                                 .frozen = x->cold.frozen,
                                 .closed = x->cold.closed,
                                 .credit = x->cold.credit,
                                 .limit_payment = x->cold.limit_payment,
                                 .limit_day = x->cold.limit_day,
                                 .limit_month = x->cold.limit_month,
                                 .issued = x->cold.issued,
                                 .cleared = x->cold.cleared,
                                 .recoveries_count = x->cold.recoveries_count,
                                 .stopped = x->cold.stopped,
                                 .lowered_count = x->cold.is_lowered,
                                 .lowered = {x->cold.most},
                                 .opened_ms = x->opened_ms};
    memcpy(s.id, x->id, 16);
    if (x->home >= 0)
        memcpy(s.association, a->charter.associations[x->home].id, 16);
    s.keys.threshold = x->cold.threshold;
    s.keys.keys_count = x->cold.key_count;
    if (x->cold.key_count > 0)
        memcpy(s.keys.keys, x->cold.keys, x->cold.key_count * sizeof *x->cold.keys);
    for (const struct mri_aud_past_keys *p = x->cold.past;
         p != NULL && s.past_count < MR_PAST_KEYS_MAX; p = p->older) {
        memcpy(s.past[s.past_count].hash, p->hash, 32);
        s.past[s.past_count++].until_ms = p->until_ms;
    }
    memcpy(s.recoveries, x->cold.recoveries, sizeof s.recoveries);
    memcpy(s.enc_key, x->cold.enc_key, MR_KEY_BYTES);
    memcpy(s.reader_key, x->cold.reader_key, MR_KEY_BYTES);
    struct mr_state_chain chain = {.next_seq = x->hot.next_seq,
                                   .time_ms = x->hot.time_ms,
                                   .day = x->hot.day,
                                   .day_spent = x->hot.day_spent,
                                   .month = x->hot.month,
                                   .month_spent = x->hot.month_spent,
                                   .balances_count = a->charter.units_count};
    memcpy(chain.head, x->hot.head, 32);
    for (uint32_t u = 0; u < a->charter.units_count; u++)
        chain.balances[u].minor = x->hot.balance[u];
    size_t n = mr_state_account_encode(&s, b + 1, sizeof b - 1);
    n += mr_state_chain_encode(&chain, b + 1 + n, sizeof b - 1 - n);
    row(r, b, n, 1);
}

static void other_row(struct root *r, uint8_t table, const void *entry, uint64_t turn)
{
    uint8_t b[ROW_MAX];
    size_t n = 0;
    if (table == 2) {
        const struct mri_aud_bank *const bank = entry;
        memcpy(b + 1, bank->key, sizeof bank->key);
        n = sizeof bank->key;
        n += mr_state_slot_ref_encode(&bank->slot, b + 1 + n, sizeof b - 1 - n);
    } else if (table == 3) {
        const struct mri_aud_redemption *const x = entry;
        struct mr_state_redemption then = x->row;
        if (x->done_turn > turn)
            then.done = 0;
        n = mr_state_redemption_encode(&then, b + 1, sizeof b - 1);
    } else {
        const struct mri_aud_listing *const x = entry;
        n = mr_state_alias_encode(&x->row, b + 1, sizeof b - 1);
    }
    row(r, b, n, table);
}

/* Whether a row of table 1 to 4 was there at the end of a turn. */
static bool was_there(uint8_t table, const void *entry, uint64_t turn)
{
    if (table == 1) {
        const struct mri_aud_account *const x = entry;
        return !x->unknown && x->opened_turn <= turn;
    }
    if (table == 2)
        return ((const struct mri_aud_bank *)entry)->turn <= turn;
    if (table == 3)
        return ((const struct mri_aud_redemption *)entry)->turn <= turn;
    return ((const struct mri_aud_listing *)entry)->turn <= turn;
}

bool mri_aud_state_root(struct mr_audit *a, uint8_t ret[32], uint64_t *ret_accounts, uint64_t turn)
{
    const struct mri_aud_map *const tables[] = {&a->accounts, &a->banks, &a->redemptions,
                                                &a->listings};
    struct root r = {0};
    for (uint8_t t = 1; t <= 4; t++) {
        const struct mri_aud_map *const m = tables[t - 1];
        void **const rows = mri_aud_map_sorted(m, &a->mem);
        if (rows == NULL && m->count > 0) {
            a->no_memory = true;
            return false;
        }
        for (size_t i = 0; i < m->count; i++) {
            if (!was_there(t, rows[i], turn))
                continue;
            if (t == 1)
                account_row(a, &r, rows[i]);
            else
                other_row(&r, t, rows[i], turn);
        }
        if (t == 1)
            *ret_accounts = r.count;
        mri_aud_put(a, rows);
    }
    for (size_t i = 0; i < a->policies_count; i++) {
        uint8_t b[ROW_MAX];
        if (a->policies[i]->turn <= turn)
            row(&r, b, mr_policy_encode(&a->policies[i]->row, b + 1, sizeof b - 1), 5);
    }
    root_end(&r, ret);
    return true;
}

/* LED-51 */
int64_t mri_aud_supply(const struct mr_audit *a, uint32_t unit)
{
    int64_t sum = a->world->hot.balance[unit] < 0 ? -a->world->hot.balance[unit] : 0;
    for (uint32_t i = 0; i < a->charter.associations_count; i++) {
        const int64_t b = a->of[i].issuer->hot.balance[unit];
        sum = mri_aud_sum(sum, b < 0 ? -b : 0);
    }
    return sum;
}

/* --- totals and end --------------------------------------------------------------------------- */

static void associations(struct mr_audit *a, struct mr_audit_totals *t)
{
    t->reserve = t->outstanding = 0;
    t->associations = a->charter.associations_count;
    for (uint32_t i = 0; i < t->associations; i++) {
        struct mr_audit_association *const s = &t->association[i];
        memcpy(s->id, a->charter.associations[i].id, 16);
        s->outstanding = -a->of[i].issuer->hot.balance[0];
        s->reserve = a->of[i].reserve->hot.balance[1];
        s->redeemed = a->of[i].redeemed->hot.balance[0];
        s->own = a->of[i].own->hot.balance[0];
        s->cap = a->of[i].issuer->cold.credit;
        t->reserve += s->reserve;
        t->outstanding += s->outstanding;
    }
}

/* Whether the book was right so far. */
static bool is_right(const struct mr_audit *a)
{
    return a->totals.findings == a->totals.convictions;
}

static void check_sum(struct mr_audit *a, uint32_t unit)
{
    int64_t sum = 0;
    for (size_t i = 0; i < a->accounts.cap; i++) {
        const struct mri_aud_account *const x = a->accounts.slots[i];
        if (x != NULL)
            sum = mri_aud_sum(sum, x->hot.balance[unit]);
    }
    if (sum != 0)
        mri_aud_i64(a, "INV-1", MR_CHECK_FAILED, "sum of all balances of a unit", 0, sum);
}

/* What an erased order redeemed or paid is not known. */
static void check_redeemed(struct mr_audit *a)
{
    int64_t open[MR_ASSOCIATIONS_MAX] = {0};
    for (size_t i = 0; i < a->redemptions.cap; i++) {
        const struct mri_aud_redemption *const r = a->redemptions.slots[i];
        if (r != NULL && r->row.done == 0) {
            const int of = mri_aud_association(a, r->row.association);
            open[of] = mri_aud_sum(open[of], r->row.ref.amount);
        }
    }
    for (uint32_t i = 0; i < a->charter.associations_count; i++) {
        if (open[i] != a->of[i].redeemed->hot.balance[0])
            mri_aud_i64(a, "INV-6", MR_CHECK_FAILED, "redeemed, the sum of open redemptions",
                        open[i], a->of[i].redeemed->hot.balance[0]);
    }
}

/* INV-1, INV-3a and INV-6 over what the audit itself added up. When a row is wrong, what follows
 * from it is not told again. */
static void check_sums(struct mr_audit *a)
{
    if (!is_right(a))
        return;
    for (uint32_t u = 0; u < a->charter.units_count; u++)
        check_sum(a, u);
    for (uint32_t i = 0; i < a->charter.associations_count; i++) {
        if (a->of[i].reserve->hot.balance[1] != -a->of[i].issuer->hot.balance[0])
            mri_aud_i64(a, "INV-3a", MR_CHECK_FAILED, "reserve, what the association owes",
                        -a->of[i].issuer->hot.balance[0], a->of[i].reserve->hot.balance[1]);
    }
    if (a->totals.orders_unchecked == 0)
        check_redeemed(a);
}

/* Among several nodes money may be spent here before it arrives. Once nothing is open, all of it
 * has arrived: INV-2. */
static void check_funds(struct mr_audit *a)
{
    a->totals.overdrawn = 0;
    for (size_t i = 0; i < a->accounts.cap; i++) {
        const struct mri_aud_account *const x = a->accounts.slots[i];
        if (x == NULL || x->unknown || x->class == MR_CLASS_ISSUER || x->class == MR_CLASS_WORLD)
            continue;
        for (uint32_t u = 0; u < a->charter.units_count; u++) {
            const int64_t least = u == 0 ? -x->credit_max : 0;
            if (x->hot.balance[u] >= least)
                continue;
            a->totals.overdrawn++;
            mri_aud_at(a, x->id, x->hot.next_seq);
            if (a->totals.open == 0 && is_right(a))
                mri_aud_i64(a, "INV-2", MR_FUNDS_SHORT, "balance, at least", least,
                            x->hot.balance[u]);
        }
    }
    mri_aud_at(a, NULL, 0);
}

static void count_open(struct mr_audit *a)
{
    a->totals.open = 0;
    for (const struct mri_aud_open *o = a->open; o != NULL; o = o->next)
        a->totals.open += o->said_count > 0;
    a->totals.evidence = a->evidence_count;
}

enum mr_status mr_audit_so_far(struct mr_audit *a, struct mr_audit_totals *ret)
{
    struct mr_audit_totals *const t = &a->totals;
    count_open(a);
    t->node = a->node;
    t->epoch = mr_audit_epoch(a);
    t->accounts = a->account_count;
    t->members = a->member_count;
    t->bank_references = a->banks.count;
    t->redemptions_open = a->redemptions_open;
    t->listings = a->listings.count;
    t->policies = a->policies_count;
    t->units = a->charter.units_count;
    for (uint32_t u = 0; u < t->units; u++)
        t->supply[u] = mri_aud_supply(a, u);
    associations(a, t);
    mri_aud_tree_root(&a->tree, t->log_root, a->tree.size);
    t->state_known = !a->incomplete && !a->unsure;
    memset(t->state_root, 0, 32);
    uint64_t accounts;
    if (t->state_known)
        mri_aud_state_root(a, t->state_root, &accounts, UINT64_MAX);
    if (a->no_memory)
        return MR_NO_MEMORY;
    *ret = *t;
    return MR_OK;
}

enum mr_status mr_audit_end(struct mr_audit *a, struct mr_audit_totals *ret)
{
    a->entry = MR_AUDIT_NO_ENTRY;
    mri_aud_at(a, NULL, 0);
    check_sums(a);
    count_open(a);
    if (!mri_aud_alone(a))
        check_funds(a);
    return mr_audit_so_far(a, ret);
}

/* --- life ------------------------------------------------------------------------------------- */

static void init_kinds(struct mr_audit *a)
{
    static const enum mr_order_kind kinds[MR_AUDIT_KINDS] = {
        MR_KIND_OPEN,     MR_KIND_PAY,     MR_KIND_ISSUE, MR_KIND_REDEEM,  MR_KIND_PAYOUT,
        MR_KIND_RETURN,   MR_KIND_SETKEYS, MR_KIND_FLAG,  MR_KIND_LIST,    MR_KIND_CLOSE,
        MR_KIND_GRANT,    MR_KIND_SWEEP,   MR_KIND_CLEAR, MR_KIND_RECOVER, MR_KIND_STOP,
        MR_KIND_TAKEOVER, MR_KIND_POLICY,  MR_KIND_CAP,   MR_KIND_LOWER,   MR_KIND_CHECKPOINT,
        MR_KIND_NEXT,     MR_KIND_CUT,
    };
    for (size_t i = 0; i < MR_AUDIT_KINDS; i++)
        a->totals.kinds[i].kind = kinds[i];
}

static void init_map(struct mr_audit *a, struct mri_aud_map *m, size_t key_len)
{
    m->key_len = key_len;
    memcpy(m->seed, a->ledger, sizeof m->seed);
}

/* What the rest of the audit takes for granted of a charter. */
static bool charter_right(const struct mr_charter *c)
{
    if (c->version != 1 || c->units_count < 2 || c->units[0].role != MR_UNIT_LOCAL ||
        c->units[1].role != MR_UNIT_RESERVE || c->nodes_count == 0 || c->policy.version != 1 ||
        c->quorum > c->nodes_count || 2 * c->quorum <= c->nodes_count)
        return false;
    static const uint8_t nobody[16];
    int64_t caps = 0; /* LED-5a */
    for (uint32_t i = 0; i < c->associations_count; i++) {
        const uint8_t *const id = c->associations[i].id;
        caps += c->associations[i].cap;
        if (mri_aud_in_space(id, nobody)) /* LED-2a */
            return false;
        for (uint32_t k = 0; k < i; k++) {
            if (mri_aud_in_space(id, c->associations[k].id))
                return false;
        }
    }
    return caps <= MR_CAPS_MAX;
}

enum mr_status mr_audit_create(struct mr_audit **ret, const struct mr_mem *mem,
                               mr_audit_report report, void *ctx, const uint8_t *charter,
                               size_t len)
{
    struct mr_audit *const a = mem->get(mem->ctx, sizeof *a);
    if (a == NULL)
        return MR_NO_MEMORY;
    memset(a, 0, sizeof *a);
    a->mem = *mem;
    a->report = report;
    a->ctx = ctx;
    a->entry = MR_AUDIT_NO_ENTRY;
    enum mr_status st = mr_charter_decode(&a->charter, charter, len);
    if (st == MR_OK && !charter_right(&a->charter))
        st = MR_OUT_OF_RANGE;
    if (st == MR_OK) {
        mr_hash(a->ledger, "mereau/charter", charter, len, NULL, 0);
        init_map(a, &a->accounts, 16);
        init_map(a, &a->banks, 48);
        init_map(a, &a->redemptions, 24);
        init_map(a, &a->listings, 48);
        init_kinds(a);
        a->epoch = a->generation = 1;
        for (uint32_t i = 0; i < MR_NODES_MAX; i++)
            a->generations[i] = 1;
        mri_aud_note_epoch(a);
        st = a->no_memory ? MR_NO_MEMORY : mri_aud_genesis(a);
    }
    if (st != MR_OK)
        mr_audit_destroy(a);
    else
        *ret = a;
    return st;
}

void mr_audit_destroy(struct mr_audit *a)
{
    if (a == NULL)
        return;
    mri_aud_slots_done(a);
    mri_aud_mirrors_done(a);
    mri_aud_past_logs_done(a);
    mri_aud_bodies_forget(a);
    mri_aud_past_done(a);
    mri_aud_put(a, a->rosters);
    for (size_t i = 0; i < a->keys_count; i++)
        mri_aud_put(a, a->keys[i]);
    mri_aud_put(a, a->keys);
    while (a->past_keys != NULL) {
        struct mri_aud_past_keys *const before = a->past_keys->made_before;
        mri_aud_put(a, a->past_keys);
        a->past_keys = before;
    }
    mri_aud_map_done(&a->accounts, &a->mem, true);
    mri_aud_map_done(&a->banks, &a->mem, true);
    mri_aud_map_done(&a->redemptions, &a->mem, true);
    mri_aud_map_done(&a->listings, &a->mem, true);
    for (size_t i = 0; i < a->policies_count; i++)
        mri_aud_put(a, a->policies[i]);
    mri_aud_put(a, a->policies);
    mri_aud_put(a, a->bodies);
    mri_aud_batches_done(a);
    mri_aud_tree_done(&a->tree, &a->mem);
    const struct mr_mem mem = a->mem;
    mem.put(mem.ctx, a);
}

/* --- a book that begins later ----------------------------------------------------------------- */

uint32_t mr_audit_begins(const struct mr_audit *a)
{
    return a->begins;
}

uint32_t mr_audit_epoch(const struct mr_audit *a)
{
    return a->node == 0 ? 0 : a->epoch;
}

bool mr_audit_is_late(const struct mr_audit *a)
{
    return a->late;
}

void mr_audit_until(struct mr_audit *a, uint32_t epoch)
{
    a->until = epoch;
}

static void made_before(struct mr_audit *a)
{
    for (size_t i = 0; i < a->accounts.cap; i++) {
        struct mri_aud_account *const x = a->accounts.slots[i];
        if (x != NULL)
            x->opened_turn = x->hot_turn = x->cold_turn = 0;
    }
    for (size_t i = 0; i < a->banks.cap; i++)
        if (a->banks.slots[i] != NULL)
            ((struct mri_aud_bank *)a->banks.slots[i])->turn = 0;
    for (size_t i = 0; i < a->redemptions.cap; i++) {
        struct mri_aud_redemption *const r = a->redemptions.slots[i];
        if (r != NULL)
            r->turn = r->done_turn = 0;
    }
    for (size_t i = 0; i < a->listings.cap; i++)
        if (a->listings.slots[i] != NULL)
            ((struct mri_aud_listing *)a->listings.slots[i])->turn = 0;
    for (size_t i = 0; i < a->policies_count; i++)
        a->policies[i]->turn = 0;
}

/* The other book's frames, bodies and logs count no more; its state is where this one begins. */
bool mr_audit_go_on(struct mr_audit *a)
{
    struct mr_audit_totals *const t = &a->totals;
    if (a->until == 0 || a->epoch < a->until)
        return false;
    mri_aud_slots_done(a);
    a->slots = NULL;
    mri_aud_bodies_forget(a);
    mri_aud_past_done(a);
    memset(&a->past, 0, sizeof a->past);
    made_before(a);
    mri_aud_past_logs_done(a);
    memset(a->check, 0, sizeof a->check);
    a->turn = a->bodies_end = a->erased_until = a->log_turn = 0;
    a->until = a->node = 0;
    a->reached = a->abstaining = false;
    a->begins = a->epoch;
    t->turns = t->entries = t->leaves = t->heads = t->parked = t->peer_leaves = 0;
    t->has_head = false;
    return true;
}

const uint8_t *mr_audit_ledger(const struct mr_audit *a)
{
    return a->ledger;
}

const struct mr_charter *mr_audit_charter(const struct mr_audit *a)
{
    return &a->charter;
}

void mr_audit_watch(struct mr_audit *a, mr_audit_settled fn, void *ctx)
{
    a->watch = fn;
    a->watch_ctx = ctx;
}

void mr_audit_effects(struct mr_audit *a, mr_audit_effect_fn fn, void *ctx)
{
    a->effects = fn;
    a->effects_ctx = ctx;
}
