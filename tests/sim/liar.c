/* A node that lies: its engine keeps only some of the rules (rules.c), or there are two of it
 * (twin.c), and what it sends its peers may be held back, cut, outdated, garbled or signed anew. */
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "sim/sim.h"

struct liar {
    /* per mille of its answers to peers */
    uint32_t silent, bare, spoilt, stale, cut, garbled, forged;
    uint32_t deaf;             /* bit i: copy i is told nothing */
    uint8_t *last[COPIES_MAX]; /* an answer that it may send again */
    size_t last_len[COPIES_MAX];
};

static uint32_t often(struct sim *s, uint32_t most)
{
    return rng_chance(&s->lies, 600) ? 0 : (uint32_t)rng_between(&s->lies, 1, most);
}

void liar_make(struct sim *s, struct copy *c)
{
    struct liar *l = calloc(1, sizeof *l);
    mr_assert(l != NULL);
    l->silent = often(s, 500);
    l->bare = often(s, 1000);
    l->spoilt = often(s, 500);
    l->stale = often(s, 300);
    l->cut = often(s, 500);
    l->garbled = often(s, 200);
    l->forged = often(s, 50);
    if (rng_chance(&s->lies, 200))
        l->deaf = UINT32_C(1) << rng_below(&s->lies, s->nodes);
    c->liar = l;
    c->honest = false;
    tell(s,
         "node %u lies: silent %u, bare %u, spoilt %u, stale %u, cut %u, garbled %u, forged %u, "
         "lacks %x",
         c->number, l->silent, l->bare, l->spoilt, l->stale, l->cut, l->garbled, l->forged,
         c->lacks);
}

void liar_done(struct copy *c)
{
    if (c->liar == NULL)
        return;
    for (int i = 0; i < COPIES_MAX; i++)
        free(c->liar->last[i]);
    free(c->liar);
}

static void remember(struct liar *l, uint32_t to, const uint8_t *bytes, size_t len)
{
    free(l->last[to]);
    l->last[to] = malloc(len);
    mr_assert(l->last[to] != NULL);
    memcpy(l->last[to], bytes, len);
    l->last_len[to] = len;
}

/* Leaves it keeps to itself: from the end, without a proof of what is left, or with another one. */
static void cut_leaves(struct sim *s, struct mr_rep_follow *f)
{
    if (f->leaves_count == 0)
        return;
    if (rng_chance(&s->lies, 500))
        f->leaves_count = (uint32_t)rng_below(&s->lies, f->leaves_count);
    else
        memmove(&f->leaves[0], &f->leaves[1], --f->leaves_count * sizeof f->leaves[0]);
    f->ahead_count = f->ahead_count / 2;
}

/* Orders whose signatures are not their owner's: their ids stay the same. */
static void spoil(struct sim *s, struct mr_body *bodies, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (bodies[i].kind == MR_BODY_ORDER && bodies[i].u.order.sigs_count > 0 &&
            rng_chance(&s->lies, 500))
            bodies[i].u.order.sigs[0].sig[7] ^= 1;
}

/* A head of another tree, signed with its key. */
static void forge_head(struct sim *s, const struct copy *c, struct mr_rep_follow *f)
{
    if (f->head.size == 0)
        return;
    if (rng_chance(&s->lies, 500))
        rng_bytes(&s->lies, f->head.root, 32);
    else
        f->head.size += rng_below(&s->lies, 5);
    mr_head_sign(&f->head, s->ledger, &c->keys[f->head.generation & 1]);
}

static size_t tamper(struct sim *s, const struct copy *c, uint8_t *ret)
{
    struct mr_reply *r = &s->reply;
    struct mr_rep_follow *f = &r->body.u.follow;
    const bool follow = r->body.kind == MR_REQ_FOLLOW;
    if (follow && rng_chance(&s->lies, c->liar->bare))
        f->bodies_count = 0;
    if (!follow && rng_chance(&s->lies, c->liar->bare))
        r->body.u.fetch.bodies_count = 0;
    if (rng_chance(&s->lies, c->liar->spoilt))
        spoil(s, follow ? f->bodies : r->body.u.fetch.bodies,
              follow ? f->bodies_count : r->body.u.fetch.bodies_count);
    if (follow && rng_chance(&s->lies, c->liar->cut))
        cut_leaves(s, f);
    if (follow && rng_chance(&s->lies, c->liar->forged))
        forge_head(s, c, f);
    return mr_reply_encode(r, ret, MR_FRAME_MAX);
}

size_t liar_reply(struct sim *s, struct copy *c, const struct copy *to, const uint8_t *bytes,
                  size_t len, uint8_t *ret)
{
    struct liar *l = c->liar;
    if (rng_chance(&s->lies, l->silent) || (l->deaf >> to->index & 1) != 0)
        return 0;
    if (l->last[to->index] != NULL && rng_chance(&s->lies, l->stale)) {
        memcpy(ret, l->last[to->index], l->last_len[to->index]);
        return l->last_len[to->index];
    }
    if (rng_chance(&s->lies, 100))
        remember(l, to->index, bytes, len);
    if (mr_reply_decode(&s->reply, bytes, len) != MR_OK)
        mr_bug("own reply");
    if (s->reply.body.kind != MR_REQ_FOLLOW && s->reply.body.kind != MR_REQ_FETCH) {
        memcpy(ret, bytes, len);
        return len;
    }
    const size_t n = tamper(s, c, ret);
    if (rng_chance(&s->lies, l->garbled))
        for (int i = 0; i < 3; i++)
            ret[rng_below(&s->lies, n)] ^= (uint8_t)rng_between(&s->lies, 1, 255);
    return n;
}
