#include "lib/fake_ledger.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"

#define must(condition) must_be((condition), #condition, __LINE__)

static void must_be(bool condition, const char *what, int line)
{
    if (condition)
        return;
    fprintf(stderr, "fake_ledger.c:%d: %s\n", line, what);
    abort();
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- trees of RFC 6962, as it writes them -------------------------------------------------------
 */

static uint64_t split(uint64_t n)
{
    uint64_t k = 1;
    while (2 * k < n)
        k *= 2;
    return k;
}

static void root_of(uint8_t ret[32], const uint8_t (*hashes)[32], uint64_t n)
{
    uint8_t left[32], right[32];
    if (n == 1) {
        memcpy(ret, hashes[0], 32);
        return;
    }
    root_of(left, hashes, split(n));
    root_of(right, hashes + split(n), n - split(n));
    mr_node_hash(ret, left, right);
}

static uint32_t path_of(struct mr_hash *ret, const uint8_t (*hashes)[32], uint64_t n,
                        uint64_t index)
{
    const uint64_t k = split(n);
    if (n == 1)
        return 0;
    const bool left = index < k;
    const uint32_t count =
        path_of(ret, left ? hashes : hashes + k, left ? k : n - k, left ? index : index - k);
    root_of(ret[count].h, left ? hashes + k : hashes, left ? n - k : k);
    return count + 1;
}

/* PROOF(m, D[n]); whole: the subtree is one of the old tree. */
static uint32_t extension(struct mr_hash *ret, const uint8_t (*hashes)[32], uint64_t m, uint64_t n,
                          bool whole)
{
    const uint64_t k = split(n);
    uint32_t count;
    if (m == n) {
        if (whole)
            return 0;
        root_of(ret[0].h, hashes, n);
        return 1;
    }
    if (m <= k) {
        count = extension(ret, hashes, m, k, whole);
        root_of(ret[count].h, hashes + k, n - k);
    } else {
        count = extension(ret, hashes + k, m - k, n - k, false);
        root_of(ret[count].h, hashes, k);
    }
    return count + 1;
}

/* --- founding --------------------------------------------------------------------------------- */

static void key_of(struct mr_seckey *ret, struct mr_pubkey *ret_public, const char *what,
                   uint32_t node)
{
    uint8_t seed[32];
    char name[64];
    snprintf(name, sizeof name, "%s %u", what, node);
    mr_hash(seed, "mereau/test-fakes", name, strlen(name), NULL, 0);
    mr_seckey_from_seed(ret, ret_public, seed);
}

void fake_transport_key(struct mr_seckey *ret, struct mr_pubkey *ret_public, uint32_t node)
{
    key_of(ret, ret_public, "transport", node);
}

#define SET(record, field, text)                                                                   \
    ((record)->field##_len = (uint32_t)snprintf((record)->field, sizeof(record)->field, "%s", text))

static void fill_association(struct mr_charter *c, struct mr_seckey *log_key, uint32_t i)
{
    static const char *const aliases[FAKE_NODES_MAX] = {"galet", "lyon", "brest", "arles"};
    static const char *const names[FAKE_NODES_MAX] = {"Galet", "Lyon", "Brest", "Arles"};
    struct mr_association *const a = &c->associations[i];
    struct mr_node *const n = &c->nodes[i];
    struct mr_seckey secret;
    struct mr_pubkey public;
    memset(a->id, (int)i + 1, sizeof a->id);
    SET(a, name, names[i]);
    SET(a, alias, aliases[i]);
    key_of(&secret, &public, "operator", i + 1);
    a->desk = a->treasury = (struct mr_keyset){.threshold = 1, .keys_count = 1};
    a->desk.keys[0] = a->treasury.keys[0] = public;
    must(crypto_scalarmult_curve25519_base(a->register_key, secret.bytes) == 0);
    a->cap = 1000000000;
    n->number = i + 1;
    memcpy(n->association, a->id, sizeof a->id);
    key_of(log_key, &n->log_key, "log", i + 1);
    key_of(&secret, &n->transport_key, "transport", i + 1);
}

static void fill_rules(struct mr_charter *c)
{
    struct mr_policy *const p = &c->policy;
    c->units[0] = (struct mr_unit){.decimals = 2, .role = MR_UNIT_LOCAL};
    c->units[1] = (struct mr_unit){.decimals = 2, .role = MR_UNIT_RESERVE};
    SET(&c->units[0], code, "FAK");
    SET(&c->units[0], name, "Fake");
    SET(&c->units[1], code, "EUR");
    SET(&c->units[1], name, "Euro");
    *p = (struct mr_policy){.version = 1, .classes_count = 1};
    p->classes[0] = (struct mr_class_rule){.class = MR_CLASS_RESIDENT,
                                           .may_pay = true,
                                           .may_receive = true,
                                           .limit_payment = MR_AMOUNT_MAX,
                                           .limit_day = MR_AMOUNT_MAX,
                                           .limit_month = MR_AMOUNT_MAX};
}

void fake_ledger_found(struct fake_ledger *l, uint32_t n, uint32_t q)
{
    struct mr_charter *const c = &l->charter;
    struct mr_seckey secret;
    struct mr_pubkey public;
    must(n <= FAKE_NODES_MAX);
    *c = (struct mr_charter){.version = 1,
                             .created_ms = 1735689600000,
                             .units_count = 2,
                             .associations_count = n,
                             .nodes_count = n,
                             .quorum = q};
    SET(c, name, "Fake");
    SET(c, prefix, "fak");
    /* All that may ever be: the arrays hold more than their counts say. */
    for (uint32_t i = 0; i < FAKE_NODES_MAX; i++)
        fill_association(c, &l->log_keys[i], i);
    fill_rules(c);
    key_of(&secret, &public, "governance", 0);
    c->governance = (struct mr_keyset){.threshold = 1, .keys_count = 1};
    c->governance.keys[0] = public;
    l->linked = ~UINT32_C(0);
    for (uint32_t i = 0; i < FAKE_NODES_MAX; i++)
        l->sees[i] = UINT64_MAX;
}

void fake_ledger_place(struct fake_ledger *l, uint32_t node, uint16_t port)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    SET(&l->charter.nodes[node - 1], address, address);
}

static uint64_t say(struct fake_ledger *l, uint32_t node, const struct mr_leaf *leaf)
{
    uint8_t bytes[512];
    struct fake_log *const log = &l->logs[l->epoch - 1][node - 1];
    must(log->size < FAKE_LEAVES_MAX);
    log->leaves[log->size] = *leaf;
    mr_leaf_hash(log->hashes[log->size], bytes, mr_leaf_encode(leaf, bytes, sizeof bytes));
    return log->size++;
}

static void start_logs(struct fake_ledger *l, uint32_t epoch, uint32_t n, uint32_t q)
{
    l->epoch = epoch;
    l->count = n;
    l->quorum = q;
    for (uint32_t node = 1; node <= n; node++) {
        struct mr_leaf leaf = {.kind = MR_LEAF_START};
        leaf.u.start = (struct mr_leaf_start){.epoch = epoch, .node = node, .generation = 1};
        memcpy(leaf.u.start.ledger, l->id, sizeof l->id);
        say(l, node, &leaf);
    }
}

void fake_ledger_begin(struct fake_ledger *l)
{
    const char *what = "";
    if (mr_charter_check(&l->charter, &what) != MR_OK)
        fprintf(stderr, "fake_ledger: %s\n", what);
    must(what[0] == '\0');
    mr_ledger_id(l->id, &l->charter);
    start_logs(l, 1, l->charter.nodes_count, l->charter.quorum);
}

/* --- heads and receipts ----------------------------------------------------------------------- */

static void sign_head(const struct fake_ledger *l, uint32_t epoch, uint32_t node, uint64_t size,
                      struct mr_head *ret)
{
    const struct fake_log *const log = &l->logs[epoch - 1][node - 1];
    *ret = (struct mr_head){
        .epoch = epoch, .node = node, .generation = 1, .size = size, .time_ms = now_ms()};
    root_of(ret->root, log->hashes, size);
    mr_head_sign(ret, l->id, &l->log_keys[node - 1]);
}

/* How the last epochs up to this one began. */
static void show_epochs(const struct fake_ledger *l, struct mr_handover *ret, uint32_t *ret_count,
                        uint32_t epoch)
{
    *ret_count = epoch - 1 < FAKE_SHOWN_EPOCHS ? epoch - 1 : FAKE_SHOWN_EPOCHS;
    memcpy(ret, l->handover + epoch - 1 - *ret_count, *ret_count * sizeof ret[0]);
}

void fake_handover(const struct fake_ledger *l, uint64_t epoch, struct mr_rep_handover *ret)
{
    *ret = (struct mr_rep_handover){.epoch = l->epoch};
    ret->handover_count = epoch >= 2 && epoch <= l->epoch;
    if (ret->handover_count > 0)
        ret->handover[0] = l->handover[epoch - 2];
}

enum mr_status fake_head(const struct fake_ledger *l, uint32_t node, uint64_t from_size,
                         struct mr_rep_head *ret)
{
    const struct fake_log *const log = &l->logs[l->epoch - 1][node - 1];
    const uint64_t size = l->rewound[node - 1] ? 1 : log->size;
    *ret = (struct mr_rep_head){.consistency_count = 0};
    show_epochs(l, ret->handover, &ret->handover_count, l->epoch);
    sign_head(l, l->epoch, node, size, &ret->head);
    if (from_size > size)
        return MR_OUT_OF_RANGE;
    if (from_size > 0)
        ret->consistency_count = extension(ret->consistency, log->hashes, from_size, size, true);
    return MR_OK;
}

static void prove_acks(const struct fake_ledger *l, struct mr_proof *ret, const struct fake_slot *s)
{
    for (uint32_t i = 0; i < s->acks_count; i++) {
        const uint32_t node = s->acks[i].node;
        const struct fake_log *const log = &l->logs[s->epoch - 1][node - 1];
        sign_head(l, s->epoch, node, log->size, &ret[i].head);
        ret[i].index = s->acks[i].index;
        ret[i].leaf = log->leaves[ret[i].index];
        ret[i].path_count = path_of(ret[i].path, log->hashes, log->size, ret[i].index);
    }
}

static void prove(const struct fake_ledger *l, const struct fake_account *a, uint64_t seq,
                  uint32_t by, struct mr_receipt *ret)
{
    const struct fake_slot *const s = &a->slots[seq - 1];
    *ret = (struct mr_receipt){.version = 1, .seq = seq, .proofs_count = s->acks_count};
    memcpy(ret->ledger, l->id, sizeof ret->ledger);
    memcpy(ret->account, a->state.id, sizeof ret->account);
    if (!s->voided) {
        ret->order_count = 1;
        ret->order[0] = s->order;
    }
    show_epochs(l, ret->handover, &ret->handover_count, s->epoch);
    prove_acks(l, ret->proofs, s);
    if (l->lies[by - 1])
        ret->proofs_count--;
}

/* --- accounts --------------------------------------------------------------------------------- */

struct fake_account *fake_account(struct fake_ledger *l, const uint8_t id[MR_ACCOUNT_BYTES])
{
    for (uint32_t i = 0; i < l->accounts_count; i++)
        if (memcmp(l->accounts[i].state.id, id, MR_ACCOUNT_BYTES) == 0)
            return &l->accounts[i];
    return NULL;
}

void fake_account_open(struct fake_ledger *l, const struct mr_join *join)
{
    must(l->accounts_count < FAKE_ACCOUNTS_MAX);
    struct mr_state_account *const a = &l->accounts[l->accounts_count++].state;
    *a = (struct mr_state_account){
        .class = join->open.class, .keys = join->open.keys, .generation = 1, .opened_ms = 1};
    memcpy(a->id, join->open.account, sizeof a->id);
    memcpy(a->association, join->association, sizeof a->association);
    memcpy(a->enc_key, join->open.enc_key, sizeof a->enc_key);
}

static bool heard(const struct fake_ledger *l, const struct fake_slot *s, uint32_t node)
{
    return s->closed && (node == 0 || s->turn <= l->sees[node - 1]);
}

uint64_t fake_chain_len(const struct fake_ledger *l, const struct fake_account *a, uint32_t node)
{
    uint64_t len = 0;
    while (len < FAKE_SLOTS_MAX && heard(l, &a->slots[len], node))
        len++;
    return len;
}

static int64_t received(const struct fake_account *by, const struct fake_slot *s,
                        const struct fake_account *to)
{
    int64_t sum = 0;
    const struct mr_order_body *const body = &s->order.order.body;
    if (s->voided || body->kind != MR_KIND_PAY)
        return 0;
    for (uint32_t i = 0; i < body->u.pay.lines_count; i++) {
        if (by == to)
            sum -= body->u.pay.lines[i].amount;
        else if (memcmp(body->u.pay.lines[i].payee, to->state.id, MR_ACCOUNT_BYTES) == 0)
            sum += body->u.pay.lines[i].amount;
    }
    return sum;
}

int64_t fake_balance(const struct fake_ledger *l, const struct fake_account *a, uint32_t node)
{
    int64_t sum = FAKE_FUNDS;
    for (uint32_t i = 0; i < l->accounts_count; i++)
        for (uint64_t k = 0; k < FAKE_SLOTS_MAX; k++)
            if (heard(l, &l->accounts[i].slots[k], node))
                sum += received(&l->accounts[i], &l->accounts[i].slots[k], a);
    return sum;
}

/* --- slots ------------------------------------------------------------------------------------ */

static unsigned count_bits(uint32_t mask, uint32_t nodes)
{
    unsigned n = 0;
    for (uint32_t node = 1; node <= nodes; node++)
        n += mask >> node & 1;
    return n;
}

/* Who hears what this node hears. */
static uint32_t circle(const struct fake_ledger *l, uint32_t node)
{
    return (l->linked >> node & 1) != 0 ? l->linked : UINT32_C(1) << node;
}

static void close_slot(struct fake_ledger *l, struct fake_account *a, uint64_t seq, uint32_t mask)
{
    struct fake_slot *const s = &a->slots[seq - 1];
    struct mr_leaf leaf = {.kind = MR_LEAF_ACK};
    s->voided = s->cancelled;
    s->ballot = s->voided ? 1 : 0;
    if (s->voided)
        mr_void_id(s->value, l->id, a->state.id, seq);
    else
        mr_order_id(s->value, &s->order.order);
    leaf.u.ack = (struct mr_leaf_ack){.seq = seq, .ballot = s->ballot};
    memcpy(leaf.u.ack.account, a->state.id, MR_ACCOUNT_BYTES);
    memcpy(leaf.u.ack.value, s->value, MR_HASH_BYTES);
    s->epoch = l->epoch;
    for (uint32_t node = 1; node <= l->count; node++)
        if ((mask >> node & 1) != 0 && s->acks_count < l->quorum)
            s->acks[s->acks_count++] =
                (struct mr_ack_ref){.node = node, .index = say(l, node, &leaf)};
    if (!s->voided && s->order.order.body.kind == MR_KIND_SETKEYS) {
        a->state.keys = s->order.order.body.u.setkeys.keys;
        a->state.generation++;
    }
    s->closed = true;
    s->turn = ++l->turns;
    s->time_ms = now_ms();
}

void fake_ledger_grow(struct fake_ledger *l, uint32_t n, uint32_t q)
{
    struct mr_handover *const h = &l->handover[l->epoch - 1];
    struct mr_order *const o = &h->u.next.order.order;
    struct mr_next_epoch *const next = &o->body.u.next;
    struct fake_account *const system = calloc(1, sizeof *system);
    struct fake_slot *const s = &system->slots[l->epoch - 1];
    must(system != NULL && l->epoch < FAKE_EPOCHS_MAX);
    *h = (struct mr_handover){.kind = MR_HANDOVER_NEXT};
    *o = (struct mr_order){.version = 1, .seq = l->epoch, .policy = 1, .body.kind = MR_KIND_NEXT};
    memcpy(o->ledger, l->id, sizeof o->ledger);
    mr_sub_account(system->state.id, NULL, MR_CLASS_SYSTEM);
    memcpy(o->account, system->state.id, sizeof o->account);
    *next = (struct mr_next_epoch){.epoch = l->epoch + 1, .quorum = q, .seats_count = n};
    for (uint32_t i = 0; i < n; i++)
        next->seats[i] = (struct mr_epoch_seat){.node = l->charter.nodes[i], .generation = 1};
    for (uint32_t i = l->count; i < n; i++)
        next->associations[next->associations_count++] = l->charter.associations[i];
    s->order = h->u.next.order;
    close_slot(l, system, l->epoch, ~UINT32_C(0));
    h->u.next.proofs_count = s->acks_count;
    prove_acks(l, h->u.next.proofs, s);
    free(system);
    start_logs(l, l->epoch + 1, n, q);
}

/* How the slot stands at a node that holds something for it. */
static enum mr_status stand(struct fake_ledger *l, uint32_t node, struct fake_account *a,
                            uint64_t seq, struct mr_rep_slot *ret)
{
    struct fake_slot *const s = &a->slots[seq - 1];
    const uint32_t mask = circle(l, node);
    const unsigned voters = count_bits(mask, l->count);
    *ret = (struct mr_rep_slot){.conflict = l->conflict};
    if (!s->closed && l->hold == MR_OK && voters >= l->quorum && seq == fake_chain_len(l, a, 0) + 1)
        close_slot(l, a, seq, mask);
    if (heard(l, s, node)) {
        ret->time_ms = s->time_ms;
        ret->receipt_count = l->unproved[node - 1] || s->lost ? 0 : 1;
        prove(l, a, seq, node, &ret->receipt[0]);
        return s->voided ? MR_VOIDED : MR_SETTLED;
    }
    ret->quorum = l->quorum;
    ret->votes = voters < l->quorum ? voters : l->quorum - 1;
    ret->order_count = s->has_order;
    ret->order[0] = s->order;
    return l->hold == MR_CERTIFIED ? MR_CERTIFIED : MR_VOTING;
}

enum mr_status fake_submit(struct fake_ledger *l, uint32_t node, const struct mr_req_submit *r,
                           struct mr_rep_slot *ret)
{
    const struct mr_order *const o = &r->order.order;
    struct fake_account *const a = fake_account(l, o->account);
    uint8_t id[MR_HASH_BYTES], none[MR_HASH_BYTES] = {0};
    if (a == NULL)
        return MR_ACCOUNT_UNKNOWN;
    if (mr_order_verify(&r->order, &a->state.keys, 1) != MR_OK)
        return MR_BAD_SIGNATURE;
    must(o->seq >= 1 && o->seq <= FAKE_SLOTS_MAX);
    struct fake_slot *const s = &a->slots[o->seq - 1];
    mr_order_id(id, o);
    if (o->seq > fake_chain_len(l, a, node) + 1) {
        *ret = (struct mr_rep_slot){.cause = MR_SEQ_AHEAD};
        return MR_PARKED;
    }
    if (heard(l, s, node) && !s->voided && memcmp(id, s->value, sizeof id) != 0)
        return MR_SEQ_OLD;
    if (memcmp(o->prev, o->seq > 1 ? a->slots[o->seq - 2].value : none, sizeof none) != 0)
        return MR_PREV_MISMATCH;
    if (!s->closed && !s->has_order) {
        s->has_order = true;
        s->order = r->order;
        s->memo_count = r->memo_count;
        s->memo = r->memo[0];
    }
    s->known |= circle(l, node);
    return stand(l, node, a, o->seq, ret);
}

enum mr_status fake_cancel(struct fake_ledger *l, uint32_t node, const struct mr_signed_cancel *c,
                           struct mr_rep_slot *ret)
{
    struct fake_account *const a = fake_account(l, c->cancel.account);
    const uint64_t seq = c->cancel.seq;
    if (a == NULL || mr_cancel_verify(c, &a->state.keys) != MR_OK)
        return MR_BAD_SIGNATURE;
    must(seq >= 1 && seq <= FAKE_SLOTS_MAX);
    struct fake_slot *const s = &a->slots[seq - 1];
    s->cancelled = s->cancelled || !s->closed;
    s->known |= circle(l, node);
    return stand(l, node, a, seq, ret);
}

enum mr_status fake_look(struct fake_ledger *l, uint32_t node, const struct mr_req_slot *r,
                         struct mr_rep_slot *ret)
{
    struct fake_account *const a = fake_account(l, r->account);
    if (a == NULL || r->seq == 0 || r->seq > FAKE_SLOTS_MAX)
        return MR_NOT_FOUND;
    const struct fake_slot *const s = &a->slots[r->seq - 1];
    if ((s->known & circle(l, node)) != 0 || heard(l, s, node))
        return stand(l, node, a, r->seq, ret);
    *ret = (struct mr_rep_slot){.conflict = l->conflict};
    return MR_UNSETTLED;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Credits of an account in the order in which this node numbers them: the first node as they came,
 * each other one the other way round. NULL: there are not so many. */
static const struct fake_slot *credit(const struct fake_ledger *l, uint32_t node,
                                      const struct fake_account *to, uint64_t number,
                                      const struct fake_account **ret_by, uint64_t *ret_seq)
{
    uint64_t found = 0;
    for (uint64_t step = 1; step <= l->turns; step++) {
        const uint64_t turn = node == 1 ? step : l->turns + 1 - step;
        for (uint32_t i = 0; i < l->accounts_count; i++) {
            const struct fake_account *const by = &l->accounts[i];
            for (uint64_t k = 0; k < FAKE_SLOTS_MAX; k++) {
                const struct fake_slot *const s = &by->slots[k];
                if (s->turn != turn || !heard(l, s, node) || by == to || received(by, s, to) == 0 ||
                    ++found != number)
                    continue;
                *ret_by = by;
                *ret_seq = k + 1;
                return s;
            }
        }
    }
    return NULL;
}

static uint64_t count_credits(const struct fake_ledger *l, uint32_t node,
                              const struct fake_account *a)
{
    const struct fake_account *by;
    uint64_t seq, n = 0;
    while (credit(l, node, a, n + 1, &by, &seq) != NULL)
        n++;
    return n;
}

void fake_account_reply(const struct fake_ledger *l, uint32_t node, const struct fake_account *a,
                        struct mr_rep_account *ret)
{
    const uint64_t len = fake_chain_len(l, a, node);
    *ret = (struct mr_rep_account){.account = a->state, .policy = 1};
    struct mr_state_chain *const chain = &ret->hot.chain;
    chain->next_seq = len + 1;
    if (len > 0)
        memcpy(chain->head, a->slots[len - 1].value, sizeof chain->head);
    chain->balances_count = l->charter.units_count;
    chain->balances[0].minor = fake_balance(l, a, node);
    ret->hot.credits = count_credits(l, node, a);
}

static void fill_item(const struct fake_ledger *l, struct mr_history_item *ret,
                      const struct fake_account *by, uint64_t seq, uint64_t number)
{
    const struct fake_slot *const s = &by->slots[seq - 1];
    *ret = (struct mr_history_item){
        .number = number, .seq = seq, .voided = s->voided, .time_ms = s->time_ms};
    memcpy(ret->account, by->state.id, sizeof ret->account);
    ret->order_count = !s->voided;
    ret->order[0] = s->order;
    ret->order[0].order.prev[0] ^= seq == l->forged;
    ret->memo_count = s->voided ? 0 : s->memo_count;
    ret->memo[0] = s->memo;
}

void fake_history(struct fake_ledger *l, uint32_t node, const struct mr_req_history *r,
                  struct mr_rep_history *ret)
{
    const struct fake_account *const a = fake_account(l, r->account);
    must(a != NULL);
    ret->items_count = 0;
    ret->last = r->credits ? count_credits(l, node, a) : fake_chain_len(l, a, node);
    for (uint64_t n = r->from; n <= ret->last && ret->items_count < 2; n++) {
        const struct fake_account *by = a;
        uint64_t seq = n;
        if (r->credits)
            must(credit(l, node, a, n, &by, &seq) != NULL);
        fill_item(l, &ret->items[ret->items_count++], by, seq, n);
    }
}
