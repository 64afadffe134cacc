#include "sim/truth.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "sim/watch.h"
#include "storage/mem.h"

const char *truth_slot_name(const struct sim *s, uint32_t owner, uint64_t seq)
{
    static char text[64];
    snprintf(text, sizeof text, "slot %u/%llu (%s)", owner, (unsigned long long)seq,
             mr_account_class_text(s->owners[owner].class));
    return text;
}

/* --- orders ----------------------------------------------------------------------------------- */

static uint32_t *place_of(const struct truth *t, const uint8_t id[32])
{
    uint64_t h;
    memcpy(&h, id, sizeof h);
    uint32_t at = (uint32_t)(h & (t->index_cap - 1));
    while (t->index[at] != 0 && memcmp(t->orders[t->index[at] - 1].id, id, 32) != 0)
        at = (at + 1) & (t->index_cap - 1);
    return &t->index[at];
}

static void make_room(struct truth *t)
{
    if (t->orders_count == t->orders_cap) {
        t->orders_cap = t->orders_cap == 0 ? 256 : 2 * t->orders_cap;
        t->orders = realloc(t->orders, t->orders_cap * sizeof *t->orders);
        mr_assert(t->orders != NULL);
    }
    if (2 * t->orders_count < t->index_cap)
        return;
    t->index_cap = t->index_cap == 0 ? 1024 : 4 * t->index_cap;
    free(t->index);
    t->index = calloc(t->index_cap, sizeof *t->index);
    mr_assert(t->index != NULL);
    for (uint32_t i = 0; i < t->orders_count; i++)
        *place_of(t, t->orders[i].id) = i + 1;
}

static void look_into(struct known_order *k, const struct mr_order_body *b)
{
    k->kind = b->kind;
    if (b->kind == MR_KIND_OPEN)
        memcpy(k->about, b->u.open.account, 16);
    if (b->kind == MR_KIND_FLAG) {
        memcpy(k->about, b->u.flag.account, 16);
        k->frozen = b->u.flag.frozen;
    }
    if (b->kind == MR_KIND_REDEEM)
        k->amount = b->u.redeem.amount;
    for (uint32_t i = 0; b->kind == MR_KIND_PAY && i < b->u.pay.lines_count; i++)
        k->amount += b->u.pay.lines[i].amount;
}

uint32_t truth_order(struct sim *s, const struct mr_signed_order *o, uint32_t owner)
{
    struct truth *t = &s->truth;
    make_room(t);
    struct known_order *k = &t->orders[t->orders_count];
    *k = (struct known_order){.owner = owner,
                              .generation = s->owners[owner].generation,
                              .seq = o->order.seq,
                              .not_after_ms = o->order.not_after_ms};
    mr_order_id(k->id, &o->order);
    memcpy(k->prev, o->order.prev, 32);
    look_into(k, &o->order.body);
    k->len = mr_signed_order_size(o);
    k->bytes = malloc(k->len);
    mr_assert(k->bytes != NULL);
    mr_signed_order_encode(o, k->bytes, k->len);
    uint32_t *at = place_of(t, k->id);
    mr_assert(*at == 0);
    *at = ++t->orders_count;
    struct slot *slot = truth_slot(s, owner, k->seq);
    if (slot->not_after_ms == 0 || k->not_after_ms < slot->not_after_ms)
        slot->not_after_ms = k->not_after_ms;
    return t->orders_count - 1;
}

const struct known_order *truth_find(const struct sim *s, const uint8_t id[32])
{
    if (s->truth.index_cap == 0)
        return NULL;
    const uint32_t at = *place_of(&s->truth, id);
    return at == 0 ? NULL : &s->truth.orders[at - 1];
}

struct slot *truth_slot(struct sim *s, uint32_t owner, uint64_t seq)
{
    struct truth *t = &s->truth;
    mr_assert(seq > 0);
    if (seq > t->chains[owner].cap) {
        const uint64_t cap = 2 * seq + 8;
        t->chains[owner].slots = realloc(t->chains[owner].slots, cap * sizeof(struct slot));
        mr_assert(t->chains[owner].slots != NULL);
        memset(t->chains[owner].slots + t->chains[owner].cap, 0,
               (cap - t->chains[owner].cap) * sizeof(struct slot));
        t->chains[owner].cap = cap;
    }
    if (seq > t->chains[owner].count)
        t->chains[owner].count = seq;
    return &t->chains[owner].slots[seq - 1];
}

struct owner *truth_owner(struct sim *s, const uint8_t account[16])
{
    for (uint32_t i = 0; i < s->owners_count; i++)
        if (memcmp(s->owners[i].account, account, 16) == 0)
            return &s->owners[i];
    return NULL;
}

void truth_done(struct sim *s)
{
    struct truth *t = &s->truth;
    for (uint32_t i = 0; i < OWNERS_MAX; i++) {
        for (uint64_t k = 0; k < t->chains[i].count; k++)
            free(t->chains[i].slots[k].said);
        free(t->chains[i].slots);
    }
    for (uint32_t i = 0; i < t->orders_count; i++)
        free(t->orders[i].bytes);
    free(t->orders);
    free(t->index);
}

/* --- what was said ---------------------------------------------------------------------------- */

/* A leaf about a slot, in one form; false: it is about something else. */
static bool about_slot(struct sim *s, const struct mr_leaf *leaf, struct said *ret,
                       struct owner **ret_owner, uint64_t *ret_seq)
{
    const uint8_t *account;
    *ret = (struct said){.kind = leaf->kind};
    if (leaf->kind == MR_LEAF_VOTE) {
        account = leaf->u.vote.account;
        *ret_seq = leaf->u.vote.seq;
        ret->ballot = leaf->u.vote.ballot;
        memcpy(ret->value, leaf->u.vote.value, 32);
    } else if (leaf->kind == MR_LEAF_ACK) {
        account = leaf->u.ack.account;
        *ret_seq = leaf->u.ack.seq;
        ret->ballot = leaf->u.ack.ballot;
        memcpy(ret->value, leaf->u.ack.value, 32);
    } else if (leaf->kind == MR_LEAF_UNLOCK) {
        account = leaf->u.unlock.account;
        *ret_seq = leaf->u.unlock.seq;
        ret->ballot = leaf->u.unlock.ballot;
        ret->cert_ballot = leaf->u.unlock.cert_ballot;
        memcpy(ret->value, leaf->u.unlock.cert_value, 32);
    } else {
        return false;
    }
    *ret_owner = truth_owner(s, account);
    return *ret_owner != NULL && *ret_seq > 0 && *ret_seq < 100000;
}

static bool same(const struct said *x, const struct said *y)
{
    return x->node == y->node && x->epoch == y->epoch && x->kind == y->kind &&
           x->ballot == y->ballot && x->cert_ballot == y->cert_ballot &&
           memcmp(x->value, y->value, 32) == 0;
}

static void note(struct slot *at, const struct said *what)
{
    for (uint32_t i = 0; i < at->said_count; i++)
        if (same(&at->said[i], what))
            return;
    if (at->said_count == at->said_cap) {
        at->said_cap = at->said_cap == 0 ? 8 : 2 * at->said_cap;
        at->said = realloc(at->said, at->said_cap * sizeof *at->said);
        mr_assert(at->said != NULL);
    }
    at->said[at->said_count++] = *what;
}

uint32_t truth_count(const struct slot *at, enum mr_leaf_kind kind, uint32_t epoch, uint32_t ballot,
                     const uint8_t value[32])
{
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < at->said_count; i++)
        if (at->said[i].kind == kind && at->said[i].epoch == epoch &&
            at->said[i].ballot == ballot && memcmp(at->said[i].value, value, 32) == 0)
            nodes |= UINT32_C(1) << at->said[i].node;
    return count_of(nodes);
}

bool truth_acknowledged(const struct slot *at, uint32_t epoch)
{
    for (uint32_t i = 0; i < at->said_count; i++)
        if (at->said[i].kind == MR_LEAF_ACK && at->said[i].epoch == epoch)
            return true;
    return false;
}

/* Nodes whose report for the ballot holds true and names no certificate above `most`. */
static uint32_t reporters(const struct era *e, const struct slot *at, uint32_t ballot,
                          uint32_t most, bool any)
{
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < at->said_count; i++) {
        const struct said *r = &at->said[i];
        if (r->kind != MR_LEAF_UNLOCK || r->epoch != e->epoch || r->ballot != ballot)
            continue;
        if (r->cert_ballot != MR_BALLOT_NONE &&
            (!any || r->cert_ballot > most ||
             truth_count(at, MR_LEAF_VOTE, e->epoch, r->cert_ballot, r->value) < e->quorum))
            continue;
        nodes |= UINT32_C(1) << r->node;
    }
    return count_of(nodes);
}

/* S5: some q reports allow the value: none of them names a certificate, or the highest is its own.
 */
static bool justified(const struct era *e, const struct slot *at, uint32_t ballot,
                      const uint8_t value[32])
{
    if (reporters(e, at, ballot, 0, false) >= e->quorum)
        return true;
    for (uint32_t i = 0; i < at->said_count; i++) {
        const struct said *r = &at->said[i];
        if (r->kind == MR_LEAF_UNLOCK && r->epoch == e->epoch && r->ballot == ballot &&
            r->cert_ballot != MR_BALLOT_NONE && memcmp(r->value, value, 32) == 0 &&
            truth_count(at, MR_LEAF_VOTE, e->epoch, r->cert_ballot, value) >= e->quorum &&
            reporters(e, at, ballot, r->cert_ballot, true) >= e->quorum)
            return true;
    }
    return false;
}

static void check_vote(struct sim *s, const struct copy *c, const struct slot *at,
                       const struct said *v, const struct stance *st, const char *name)
{
    for (uint32_t i = 0; i < at->said_count; i++) {
        const struct said *o = &at->said[i];
        if (o->node == c->number && o->epoch == v->epoch && o->kind == MR_LEAF_VOTE &&
            o->ballot == v->ballot && memcmp(o->value, v->value, 32) != 0)
            violated(s, "S2", "node %u votes twice in ballot %u of %s", c->number, v->ballot, name);
    }
    if (v->ballot < st->promised)
        violated(s, "S3", "node %u votes in ballot %u of %s and had promised %u", c->number,
                 v->ballot, name, st->promised);
    if (v->ballot > 0 && !justified(&s->eras[v->epoch], at, v->ballot, v->value))
        violated(s, "S5", "node %u votes in ballot %u of %s for a value that no reports justify",
                 c->number, v->ballot, name);
}

bool truth_anew(const struct slot *at, const struct said *a)
{
    return at->settled && at->epoch < a->epoch && a->ballot == 0 &&
           memcmp(at->value, a->value, 32) == 0;
}

static void check_ack(struct sim *s, const struct copy *c, const struct slot *at,
                      const struct said *a, const struct stance *st, const char *name)
{
    if (truth_anew(at, a)) {
        s->counts.anew++;
        return;
    }
    if (a->ballot < st->promised)
        violated(s, "S3", "node %u acknowledges ballot %u of %s and had promised %u", c->number,
                 a->ballot, name, st->promised);
    const uint32_t quorum = s->eras[a->epoch].quorum;
    if (truth_count(at, MR_LEAF_VOTE, a->epoch, a->ballot, a->value) < quorum)
        violated(s, "S5", "node %u acknowledges %s in ballot %u of %s without votes of %u nodes",
                 c->number, brief(a->value), a->ballot, name, quorum);
}

static void check_report(struct sim *s, const struct copy *c, const struct said *r,
                         const struct stance *st, const char *name)
{
    if (r->ballot <= st->promised)
        violated(s, "S3", "node %u promises ballot %u of %s and had promised %u", c->number,
                 r->ballot, name, st->promised);
    if (r->cert_ballot != st->cert_ballot ||
        (r->cert_ballot != MR_BALLOT_NONE && memcmp(r->value, st->cert_value, 32) != 0))
        violated(s, "S4", "node %u reports ballot %u in %s and holds a certificate of %u",
                 c->number, r->cert_ballot, name, st->cert_ballot);
}

/* S17: behind its SEAL a node speaks of the nodes' own chain only, in which the CUT stands. */
static void check_seal(struct sim *s, const struct copy *c, const struct owner *w, const char *name)
{
    if (watch_sealed(c->watch, watch_epoch(c->watch)) > 0 && w->role != ROLE_CHECKPOINTS)
        violated(s, "S17", "node %u speaks of %s behind its SEAL of epoch %u", c->number, name,
                 watch_epoch(c->watch));
}

void truth_leaf(struct sim *s, struct copy *c, const struct mr_leaf *leaf, uint64_t index)
{
    struct said what;
    struct owner *w;
    uint64_t seq;
    if (!about_slot(s, leaf, &what, &w, &seq)) {
        if (leaf->kind != MR_LEAF_START && leaf->kind != MR_LEAF_SEEN &&
            leaf->kind != MR_LEAF_EVIDENCE && leaf->kind != MR_LEAF_REST &&
            leaf->kind != MR_LEAF_SEAL && leaf->kind != MR_LEAF_FINAL)
            violated(s, "S6", "node %u speaks of a chain that nobody owns", c->number);
        if (leaf->kind == MR_LEAF_REST)
            tell(s, "node %u rests for checkpoint %llu", c->number,
                 (unsigned long long)leaf->u.rest.number);
        return;
    }
    struct slot *at = truth_slot(s, w->index, seq);
    struct stance *st = watch_stance(c->watch, w->index, seq);
    const char *name = truth_slot_name(s, w->index, seq);
    what.node = c->number;
    what.epoch = watch_epoch(c->watch);
    what.index = index;
    tell(s, "node %u: %s %u %s in %s", c->number, mr_leaf_kind_text(leaf->kind), what.ballot,
         brief(what.value), name);
    if (c->honest && c->amnesic && c->must_abstain)
        violated(s, "S22", "node %u signs with a memory older than what it said", c->number);
    const bool trusted = c->honest && !c->amnesic;
    if (trusted)
        check_seal(s, c, w, name);
    if (trusted && what.kind == MR_LEAF_VOTE)
        check_vote(s, c, at, &what, st, name);
    if (trusted && what.kind == MR_LEAF_ACK)
        check_ack(s, c, at, &what, st, name);
    if (trusted && what.kind == MR_LEAF_UNLOCK)
        check_report(s, c, &what, st, name);
    if (what.kind == MR_LEAF_VOTE && at->voted_us == 0)
        at->voted_us = s->clock.now_us;
    if (what.ballot > st->promised)
        st->promised = what.ballot;
    if (what.kind == MR_LEAF_ACK &&
        (st->cert_ballot == MR_BALLOT_NONE || what.ballot > st->cert_ballot)) {
        st->cert_ballot = what.ballot;
        memcpy(st->cert_value, what.value, 32);
    }
    note(at, &what);
}

void truth_say(struct sim *s, uint32_t node, uint32_t epoch, uint64_t index,
               const struct mr_leaf *leaf)
{
    struct said what;
    struct owner *w;
    uint64_t seq;
    if (!about_slot(s, leaf, &what, &w, &seq))
        return;
    what.node = node;
    what.epoch = epoch;
    what.index = index;
    note(truth_slot(s, w->index, seq), &what);
}

/* --- what was settled ------------------------------------------------------------------------- */

/* S8: what one slot moves sums to zero in every unit, and is the same at every node. */
static void check_postings(struct sim *s, const struct copy *c, struct slot *at,
                           const struct mr_entry_settled *e, bool first, const char *name)
{
    int64_t sums[MR_UNITS_MAX] = {0};
    uint8_t hash[32], bytes[64];
    memset(hash, 0, sizeof hash);
    for (uint32_t i = 0; i < e->postings_count; i++) {
        sums[e->postings[i].unit] += e->postings[i].delta;
        mr_hash(hash, "sim/posting", hash, 32, bytes,
                mr_posting_encode(&e->postings[i], bytes, sizeof bytes));
    }
    for (uint32_t u = 0; u < MR_UNITS_MAX; u++)
        if (sums[u] != 0)
            violated(s, "S8", "node %u: %s moves %lld of unit %u from nowhere", c->number, name,
                     (long long)sums[u], u);
    if (first)
        memcpy(at->postings, hash, 32);
    else if (memcmp(at->postings, hash, 32) != 0)
        violated(s, "S10", "node %u: %s moves something else than elsewhere", c->number, name);
}

/* S21: nothing settles before q nodes acknowledged it. */
static void check_certificate(struct sim *s, const struct copy *c, const struct slot *at,
                              const struct mr_entry_settled *e, const struct owner *w,
                              const char *name)
{
    const struct era *era = &s->eras[watch_epoch(c->watch)];
    uint32_t last = 0;
    for (uint32_t i = 0; i < e->acks_count; i++) {
        if (e->acks[i].node <= last || !era_has(era, e->acks[i].node))
            violated(s, "S21", "node %u: the nodes that acknowledged %s are not in order",
                     c->number, name);
        last = e->acks[i].node;
    }
    /* EPO-5: with the CUT, whatever one of its logs acknowledged is enough. */
    const bool by_cut = era->ended && w->role != ROLE_CHECKPOINTS;
    if (by_cut && c->honest)
        epoch_covers(s, at, era->epoch, e->value, name);
    else if (by_cut)
        return; /* one that lies: others do not follow it */
    else if (e->acks_count < era->quorum ||
             truth_count(at, MR_LEAF_ACK, era->epoch, e->ballot, e->value) < era->quorum)
        violated(s, "S21", "node %u settles %s on fewer than %u acknowledgements", c->number, name,
                 era->quorum);
}

/* S6, S7: the order is its owner's, under the keys of that place, and follows the one before. */
static void check_chain(struct sim *s, const struct copy *c, const struct mr_entry_settled *e,
                        const struct owner *w, bool first, const char *name)
{
    struct reached *r = watch_reached(c->watch, w->index);
    if (e->seq != r->next_seq)
        violated(s, "S7", "node %u settles %s and stands at %llu", c->number, name,
                 (unsigned long long)r->next_seq);
    if (!e->voided && w->role != ROLE_CHECKPOINTS) {
        const struct known_order *k = truth_find(s, e->value);
        if (k == NULL || k->owner != w->index || k->seq != e->seq)
            violated(s, "S6", "node %u settles in %s what its owner never signed", c->number, name);
        if (first && k->generation != w->generation_at)
            violated(s, "S6", "node %u settles %s under keys of generation %u, not %u", c->number,
                     name, k->generation, w->generation_at);
        if (memcmp(k->prev, r->prev, 32) != 0)
            violated(s, "S7", "node %u: %s does not follow the order before it", c->number, name);
    }
    r->next_seq++;
    memcpy(r->prev, e->value, 32);
}

/* S6: the order that the node wrote down carries its owner's signatures. An id does not cover
 * them. */
static void check_signatures(struct sim *s, const struct copy *c, const struct mr_entry_settled *e,
                             const struct owner *w, const char *name)
{
    const struct known_order *k = truth_find(s, e->value);
    struct mr_keyset keys;
    size_t len;
    const uint8_t *bodies = mr_journal_mem_bytes(c->journal, MR_FAMILY_BODIES, &len);
    if (k == NULL || !c->honest)
        return;
    owner_keys(w, k->generation, NULL, &keys);
    if (e->body_at + e->body_len > len ||
        mr_body_decode(&s->body, bodies + e->body_at, e->body_len) != MR_OK ||
        s->body.kind != MR_BODY_ORDER ||
        mr_order_verify(&s->body.u.order, &keys, watch_epoch(c->watch)) != MR_OK)
        violated(s, "S6", "node %u settles %s with an order that its owner did not sign", c->number,
                 name);
}

/* S28, S23: a void needs a reason; a freezing keeps later orders out. */
static void check_reason(struct sim *s, const struct copy *c, const struct slot *at,
                         const struct mr_entry_settled *e, const struct owner *w, const char *name)
{
    const uint64_t now_ms = SIM_START_MS + s->clock.now_us / 1000;
    if (w->role == ROLE_CHECKPOINTS)
        return; /* of nodes: two that proposed contradict each other */
    if (e->voided && !at->cancelled && !at->conflict && !w->ever_frozen &&
        (at->not_after_ms == 0 || at->not_after_ms > now_ms + 60000))
        violated(s, "S28", "node %u voids %s without any reason", c->number, name);
    if (!e->voided && w->bites_us > 0 && at->voted_us > w->bites_us)
        violated(s, "S23", "%s settles though its owner was frozen before anybody voted", name);
}

/* What the first settlement of a slot means to people. */
static void first_settled(struct sim *s, const struct mr_entry_settled *e, struct owner *w)
{
    const struct known_order *k = truth_find(s, e->value);
    s->truth.settled += !e->voided;
    s->truth.voided += e->voided;
    for (uint32_t i = 0; i < e->postings_count; i++) {
        struct owner *of = truth_owner(s, e->postings[i].account);
        if (of != NULL && e->postings[i].unit == 0)
            of->balance += e->postings[i].delta;
    }
    if (k == NULL)
        return;
    if (k->kind == MR_KIND_NEXT) {
        if (mr_signed_order_decode(&s->order, k->bytes, k->len) != MR_OK)
            mr_bug("own order");
        epoch_decided(s, &s->order.order.body.u.next);
    }
    if (k->kind == MR_KIND_SETKEYS)
        w->generation_at++;
    struct owner *opened = k->kind == MR_KIND_OPEN ? truth_owner(s, k->about) : NULL;
    if (opened != NULL && opened->opened && !s->o.beyond)
        violated(s, "S10",
                 "the account of owner %u is opened by two orders: which one counts "
                 "depends on the order in which they settle",
                 opened->index);
    if (opened != NULL)
        owner_start(s, opened);
    if (k->kind == MR_KIND_FLAG && truth_owner(s, k->about) != NULL) {
        truth_owner(s, k->about)->frozen = k->frozen;
        truth_owner(s, k->about)->froze = 0;
        truth_owner(s, k->about)->bites_us = 0;
    }
}

static void freezing(struct sim *s, const struct copy *c, const struct mr_entry_settled *e)
{
    const struct known_order *k = truth_find(s, e->value);
    struct owner *w = k != NULL && k->kind == MR_KIND_FLAG ? truth_owner(s, k->about) : NULL;
    if (w == NULL || !k->frozen || !w->frozen || !c->honest)
        return;
    const struct era *era = &s->eras[watch_epoch(c->watch)];
    w->froze |= UINT32_C(1) << c->number;
    if (count_of(w->froze & era->seats) > era->count - era->quorum && w->bites_us == 0)
        w->bites_us = s->clock.now_us;
}

/* What the nodes' own chain says about the end of the epoch. */
static void look_for_cut(struct sim *s, const struct copy *c, const struct mr_entry_settled *e)
{
    size_t len;
    const uint8_t *bodies = mr_journal_mem_bytes(c->journal, MR_FAMILY_BODIES, &len);
    if (e->voided || e->body_at + e->body_len > len ||
        mr_body_decode(&s->body, bodies + e->body_at, e->body_len) != MR_OK ||
        s->body.kind != MR_BODY_ORDER || s->body.u.order.order.body.kind != MR_KIND_CUT)
        return;
    epoch_cut(s, &s->body.u.order.order.body.u.cut);
}

/* A twin may take its own log for the one that a CUT names: nobody follows what comes of it. */
static bool is_stray(struct sim *s, const struct copy *c, const struct slot *at,
                     const struct mr_entry_settled *e, const struct owner *w)
{
    const struct era *era = &s->eras[watch_epoch(c->watch)];
    struct reached *const r = watch_reached(c->watch, w->index);
    if (c->honest || !era->ended || w->role == ROLE_CHECKPOINTS ||
        (at->settled && memcmp(at->value, e->value, 32) == 0))
        return false;
    r->next_seq++;
    memcpy(r->prev, e->value, 32);
    return true;
}

void truth_settled(struct sim *s, struct copy *c, const struct mr_entry_settled *e)
{
    struct owner *w = truth_owner(s, e->account);
    if (w == NULL)
        violated(s, "S6", "node %u settles on a chain that nobody owns", c->number);
    struct slot *at = truth_slot(s, w->index, e->seq);
    const char *name = truth_slot_name(s, w->index, e->seq);
    const bool first = !at->settled;
    if (s->split || is_stray(s, c, at, e, w))
        return; /* nothing holds any more but that the culprits are found */
    if (!first && memcmp(at->value, e->value, 32) != 0) {
        if (!s->o.beyond)
            violated(s, "S1", "node %u settles %s with %s, another node with another value",
                     c->number, name, brief(e->value));
        s->split = true;
        return;
    }
    tell(s, "node %u: settled %s with %s%s", c->number, name, brief(e->value),
         e->voided ? " (void)" : "");
    if (first)
        at->epoch = watch_epoch(c->watch);
    at->settled = true;
    at->voided = e->voided;
    memcpy(at->value, e->value, 32);
    check_certificate(s, c, at, e, w, name);
    check_chain(s, c, e, w, first, name);
    check_signatures(s, c, e, w, name);
    check_reason(s, c, at, e, w, name);
    check_postings(s, c, at, e, first, name);
    if (at->receipted && memcmp(at->receipt_value, e->value, 32) != 0 && !s->o.beyond)
        violated(s, "S20", "a receipt for %s says something else than node %u", name, c->number);
    if (first && w->role == ROLE_CHECKPOINTS)
        look_for_cut(s, c, e);
    if (first)
        first_settled(s, e, w);
    freezing(s, c, e);
}

void truth_receipt(struct sim *s, uint32_t owner, uint64_t seq, const uint8_t value[32])
{
    struct slot *at = truth_slot(s, owner, seq);
    s->counts.receipts++;
    if ((at->settled && memcmp(at->value, value, 32) != 0) ||
        (at->receipted && memcmp(at->receipt_value, value, 32) != 0)) {
        if (!s->o.beyond)
            violated(s, "S20", "a receipt for %s says something else than the nodes",
                     truth_slot_name(s, owner, seq));
        s->split = true;
    }
    at->receipted = true;
    memcpy(at->receipt_value, value, 32);
}
