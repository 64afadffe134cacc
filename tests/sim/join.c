/* A node that an epoch names and that has no memory takes the state over (EPO-8): who votes now,
 * from the handovers; what q nodes ended the epoch before with; rows that add up to that. What
 * `mereau-admin federation join` does, in virtual time. */
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/handover.h"
#include "mereau/log.h"
#include "mereau/state.h"
#include "sim/sim.h"
#include "sim/watch.h"

struct joining {
    uint32_t id, token;
    uint32_t count; /* handovers that were verified */
    uint32_t epoch; /* that a node says it is in */
    struct mr_handover handovers[EPOCHS_MAX];
    /* what the nodes of the epoch before said in the end */
    struct {
        bool said;
        uint64_t accounts;
        uint8_t root[32];
    } finals[NODES_MAX + 1];
};

static void join_step(struct sim *s, struct event *ev);

static void again(struct sim *s, struct copy *c)
{
    const struct event ev = {.run = join_step, .a = c->index, .b = c->joining->token};
    clock_set(&s->clock, rng_between(&s->net, SECOND / 10, SECOND), &ev);
}

void join_begin(struct sim *s, struct copy *c)
{
    static uint32_t tokens;
    const uint32_t now = s->eras[s->epoch].generations[c->number],
                   then = s->eras[s->decided].generations[c->number];
    if (then <= c->lost)
        return; /* signed before the key was lost: the next epoch has another */
    /* It may join the present epoch still, and a change of its key is the next one then. */
    epoch_keys(c, era_has(&s->eras[s->epoch], c->number) && now > c->lost ? now : then);
    if (c->joining != NULL)
        return;
    c->joining = calloc(1, sizeof *c->joining);
    mr_assert(c->joining != NULL);
    c->joining->token = ++tokens;
    again(s, c);
}

void join_done(struct copy *c)
{
    free(c->joining);
    c->joining = NULL;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* a: copy that is asked, b: copy that joins, c: id. */
static void arrives(struct sim *s, struct event *ev)
{
    node_request(s, &s->copies[ev->a], CALLER_JOINER, ev->b, ev->c, 0, ev->bytes, ev->len);
}

static void ask(struct sim *s, struct copy *c, struct copy *to)
{
    s->request.id = ++c->joining->id;
    const struct event ev = {.run = arrives, .a = to->index, .b = c->index, .c = s->request.id};
    const size_t n = mr_request_encode(&s->request, s->bytes, sizeof s->bytes);
    net_send(s, end_of(c), end_of(to), &ev, s->bytes, n);
}

static struct copy *any_up(struct sim *s, const struct copy *but)
{
    struct copy *found[COPIES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->copies_count; i++)
        if (s->copies[i].up && s->copies[i].number != but->number)
            found[count++] = &s->copies[i];
    return count == 0 ? NULL : found[rng_below(&s->net, count)];
}

/* --- who votes, and what they began with ------------------------------------------------------ */

static bool is_named(const struct sim *s, const struct copy *c)
{
    struct mr_roster r;
    const struct joining *j = c->joining;
    if (mr_roster_reach(&r, &s->charter, NULL, j->handovers, j->count, j->count + 1) != MR_OK)
        return false;
    for (uint32_t i = 0; i < r.count; i++)
        for (int k = 0; k < 2; k++)
            if (r.seats[i].node.number == c->number &&
                memcmp(r.seats[i].node.log_key.key, c->keys[k].bytes + 32, MR_KEY_BYTES) == 0)
                return j->count > 0;
    return false;
}

/* EPO-8: a FINAL leaf of a node of the epoch before, and not of the own past. */
static bool is_final(const struct sim *s, const struct copy *c, const struct mr_proof *p)
{
    struct mr_roster r;
    const struct joining *j = c->joining;
    uint8_t bytes[512], hash[32];
    if (j->count == 0 ||
        mr_roster_reach(&r, &s->charter, NULL, j->handovers, j->count - 1, j->count) != MR_OK)
        return false;
    const struct mr_pubkey *key = mr_roster_key(&r, &p->head);
    if (key == NULL || p->head.node == c->number || !mr_head_verify(&p->head, s->ledger, key) ||
        p->leaf.kind != MR_LEAF_FINAL || p->leaf.u.final.epoch != r.epoch)
        return false;
    mr_leaf_hash(hash, bytes, mr_leaf_encode(&p->leaf, bytes, sizeof bytes));
    return mr_path_verify(p->head.root, hash, p->index, p->head.size, p->path, p->path_count);
}

/* One more, if it follows from those that were verified. */
static void take_handover(struct sim *s, struct joining *j, const struct mr_handover *h)
{
    struct mr_roster roster;
    if (j->count + 1 >= EPOCHS_MAX ||
        mr_roster_reach(&roster, &s->charter, NULL, j->handovers, j->count, j->count + 1) !=
            MR_OK ||
        mr_roster_step(&roster, &s->charter, h) != MR_OK)
        return;
    j->handovers[j->count++] = *h;
    memset(j->finals, 0, sizeof j->finals);
    if (h->kind != MR_HANDOVER_REGROUP)
        return;
    /* Governance vouches for the state, in the place of q nodes. */
    j->finals[0].said = true;
    j->finals[0].accounts = h->u.regroup.regroup.accounts;
    memcpy(j->finals[0].root, h->u.regroup.regroup.state_root, 32);
}

void join_reply(struct sim *s, struct event *ev)
{
    struct copy *c = &s->copies[ev->a];
    struct joining *j = c->joining;
    if (j == NULL || mr_reply_decode(&s->reply, ev->bytes, ev->len) != MR_OK ||
        s->reply.status != MR_OK)
        return;
    const struct mr_rep_head *r = &s->reply.body.u.head;
    const struct mr_rep_handover *h = &s->reply.body.u.handover;
    if (s->reply.body.kind == MR_REQ_HEAD) {
        j->epoch = r->head.epoch;
        for (uint32_t i = 0; i < r->handover_count; i++)
            take_handover(s, j, &r->handover[i]);
    }
    if (s->reply.body.kind == MR_REQ_HANDOVER && h->handover_count > 0)
        take_handover(s, j, &h->handover[0]);
    if (s->reply.body.kind != MR_REQ_HANDOVER || h->final_count == 0 ||
        !is_final(s, c, &h->final[0]))
        return;
    const uint32_t node = h->final[0].head.node;
    j->finals[node].said = true;
    j->finals[node].accounts = h->final[0].leaf.u.final.accounts;
    memcpy(j->finals[node].root, h->final[0].leaf.u.final.state_root, 32);
}

/* A node whose FINAL is what q of them said, or 0: governance; false: there is none yet. */
static bool vouched(const struct sim *s, const struct joining *j, uint32_t *ret)
{
    struct mr_roster before;
    *ret = 0;
    if (j->count == 0 ||
        mr_roster_reach(&before, &s->charter, NULL, j->handovers, j->count - 1, j->count) != MR_OK)
        return false;
    if (j->finals[0].said)
        return true;
    for (uint32_t i = 1; i <= NODES_MAX; i++) {
        uint32_t voices = 0;
        for (uint32_t k = 1; k <= NODES_MAX; k++)
            voices += j->finals[i].said && j->finals[k].said &&
                      j->finals[i].accounts == j->finals[k].accounts &&
                      memcmp(j->finals[i].root, j->finals[k].root, 32) == 0;
        *ret = i;
        if (voices >= before.quorum)
            return true;
    }
    return false;
}

/* --- its rows --------------------------------------------------------------------------------- */

struct copying {
    struct mr_store *into;
    enum mr_table table;
    bool spoil;
};

/* Money that nobody paid. */
static bool spoilt(struct mr_state_row *row)
{
    struct mr_state_hot hot;
    if (mr_state_hot_decode(&hot, row->value, row->value_len) != MR_OK ||
        hot.chain.balances_count == 0 || hot.chain.balances[0].minor <= 0)
        return false;
    hot.chain.balances[0].minor++;
    row->value_len = (uint32_t)mr_state_hot_encode(&hot, row->value, sizeof row->value);
    return true;
}

static bool copy_row(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                     size_t value_len)
{
    static struct mr_state_row row;
    struct copying *k = ctx;
    row.key_len = (uint32_t)key_len;
    row.value_len = (uint32_t)value_len;
    memcpy(row.key, key, key_len);
    memcpy(row.value, value, value_len);
    if (k->spoil && k->table == MR_TABLE_HOT && spoilt(&row))
        k->spoil = false;
    if (mr_state_row_put(k->into, k->table, &row) != MR_OK)
        mr_bug("row of the state");
    return true;
}

void join_copy(struct sim *s, struct mr_store *into, struct mr_store *from, bool spoil)
{
    struct copying k = {.into = into, .spoil = spoil};
    (void)s;
    for (int t = 0; t < MR_TABLES; t++) {
        k.table = (enum mr_table)t;
        if (mr_state_is_shared(k.table) &&
            from->api->walk(from, k.table, NULL, 0, copy_row, &k) != MR_OK)
            mr_bug("store in memory");
    }
    if (into->api->refresh(into) != MR_OK)
        mr_bug("store in memory");
}

static struct copy *source(struct sim *s, const struct copy *c, const uint8_t root[32])
{
    struct copy *found[COPIES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->copies_count; i++) {
        struct copy *k = &s->copies[i];
        if (k != c && k->up && k->snapshot != NULL && !s->paths[end_of(k)][end_of(c)].cut &&
            memcmp(k->sum.state_root, root, 32) == 0)
            found[count++] = k;
    }
    return count == 0 ? NULL : found[rng_below(&s->net, count)];
}

static bool adopt(struct sim *s, struct copy *c, const struct copy *from, uint32_t voice)
{
    const struct joining *j = c->joining;
    struct mr_checkpoint sum;
    node_empty(c);
    /* Rows may arrive with another value: from who lies, or by a disk that does. */
    join_copy(s, c->store, from->snapshot, rng_chance(&s->lies, from->honest ? 200 : 700));
    const struct mr_chain chain = epochs_chain(j->handovers, j->count);
    enum mr_status st = node_adopt(c, &s->charter, &chain);
    if (st == MR_OK)
        st = node_sum(s, c, &sum);
    if (st == MR_OK && !rules_without(s, "compare_root") &&
        (sum.accounts != j->finals[voice].accounts ||
         memcmp(sum.state_root, j->finals[voice].root, 32) != 0))
        st = MR_STATE_MISMATCH;
    if (st == MR_OK)
        return true;
    tell(s, "node %u does not take over what node %u gives: %s", c->number, from->number,
         mr_status_name(st));
    node_empty(c);
    return false;
}

static void take_over(struct sim *s, struct copy *c)
{
    const uint32_t epoch = c->joining->count + 1;
    uint32_t voice;
    struct copy *from =
        vouched(s, c->joining, &voice) ? source(s, c, c->joining->finals[voice].root) : NULL;
    if (from == NULL || !s->eras[epoch].bounded || !adopt(s, c, from, voice))
        return;
    tell(s, "node %u joins epoch %u with the state of node %u", c->number, epoch, from->number);
    join_done(c);
    epoch_keys(c, s->eras[epoch].generations[c->number]);
    c->gone = c->amnesic = c->must_abstain = c->forgetful = false;
    c->joined = epoch;
    watch_join(c->watch, &s->eras[epoch]);
    s->counts.joins++;
    node_start(s, c);
}

/* --- step by step ----------------------------------------------------------------------------- */

static void join_step(struct sim *s, struct event *ev)
{
    struct copy *c = &s->copies[ev->a];
    struct joining *j = c->joining;
    if (j == NULL || j->token != ev->b)
        return;
    again(s, c);
    struct copy *to = any_up(s, c);
    if (to == NULL)
        return;
    const bool lacks = j->epoch > j->count + 1; /* HEAD carries only the last ones */
    if ((!lacks && !is_named(s, c)) || rng_chance(&s->net, 250)) {
        s->request.body = (struct mr_request_body){.kind = MR_REQ_HEAD};
    } else {
        s->request.body = (struct mr_request_body){
            .kind = MR_REQ_HANDOVER, .u.handover = {.from = j->count + 1 + lacks, .count = 1}};
    }
    ask(s, c, to);
    if (is_named(s, c))
        take_over(s, c);
}
