/* One history: who does what next. */
#include "model/play.h"

#include <check.h>
#include <string.h>

/* --- chance ----------------------------------------------------------------------------------- */

uint64_t play_random(struct play *p, uint64_t n)
{
    uint64_t z = p->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return n == 0 ? 0 : (z ^ z >> 31) % n;
}

bool play_chance(struct play *p, uint64_t n)
{
    return play_random(p, n) == 0;
}

struct m_account *play_member(struct play *p)
{
    struct m_account *a;
    do
        a = &p->m.accounts[play_random(p, p->m.accounts_count)];
    while (!model_is_member(a->class));
    return a;
}

/* --- the beginning ---------------------------------------------------------------------------- */

static void make_policy(struct mr_policy *p)
{
    static const struct mr_class_rule rules[] = {
        {MR_CLASS_RESIDENT, true, true, false, 0, 8000, 12000, 20000},
        {MR_CLASS_SHOP, true, true, true, 50, 60000, 100000, 120000},
        {MR_CLASS_ASSOCIATION, true, true, true, 0, 40000, 50000, 60000},
        {MR_CLASS_MUNICIPALITY, false, true, true, 0, 0, 0, 0},
        {MR_CLASS_OFFICE, true, false, false, 0, 5000, 5000, 20000},
    };
    static const struct mr_fee_rule fees[] = {
        {MR_KIND_REDEEM, MR_CLASS_SHOP, 500, 3, 400, 0},
        {MR_KIND_PAY, MR_CLASS_SHOP, 25, 0, 90, 0},
        {MR_KIND_PAY, MR_CLASS_ASSOCIATION, 100, 2, MR_AMOUNT_MAX, 0},
        {MR_KIND_PAY, MR_CLASS_RESIDENT, 10, 0, 100, 20800}, /* begins within the histories */
        {MR_KIND_REDEEM, MR_CLASS_ASSOCIATION, 0, 5, 5, 20750},
    };
    *p = (struct mr_policy){.version = 1, .classes_count = 5, .fees_count = 5};
    memcpy(p->classes, rules, sizeof rules);
    memcpy(p->fees, fees, sizeof fees);
}

static void set_keys(struct play *p, struct mr_keyset *k, struct m_keys *ret, uint32_t first,
                     uint32_t count, uint32_t threshold)
{
    *ret = (struct m_keys){.count = count, .threshold = threshold};
    k->keys_count = count;
    k->threshold = threshold;
    for (uint32_t i = 0; i < count; i++) {
        ret->key[i] = first + i;
        k->keys[i] = p->public[first + i];
    }
}

/* The world's charter with a second association, a third unit and fees on payments. */
static void make_ledger(struct play *p)
{
    struct mr_charter *c = &p->w.charter;
    struct m_keys desk[HOMES], treasury[HOMES], governance;
    make_policy(&c->policy);
    c->units_count = UNITS;
    c->units[2] = c->units[0];
    c->units[2].role = MR_UNIT_OTHER;
    memcpy(c->units[2].code, "OTH", 4);
    c->associations_count = HOMES;
    c->associations[1] = c->associations[0];
    memset(c->associations[1].id, 9, 16);
    memcpy(c->associations[1].alias, "isle", 5);
    for (uint32_t i = 0; i < HOMES; i++) {
        struct mr_association *a = &c->associations[i];
        a->cap = 400000;
        set_keys(p, &a->desk, &desk[i], 8 * i, 2, 1);
        set_keys(p, &a->treasury, &treasury[i], 8 * i + 2, 3, 2);
    }
    set_keys(p, &c->governance, &governance, 20, 3, 2);
    mr_ledger_id(p->w.ledger, c);
    model_genesis(&p->m, c, p->w.ledger, p->public, desk, treasury, &governance);
}

static void open_member(struct play *p, uint32_t home, enum mr_account_class class)
{
    struct deed *d = &p->deed;
    build_on(p, d, model_sub(&p->m, home, MR_CLASS_DESK), MR_KIND_OPEN);
    d->o.order.body.u.open.class = class;
    build_finish(p, d);
    follow_submit(p, d);
}

void play_init(struct play *p, struct tally *tally, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    world_init(&p->w);
    p->tally = tally;
    p->random = seed;
    for (uint32_t i = 0; i < KEYS; i++) {
        uint8_t h[32];
        mr_hash(h, "test/model-key", &i, sizeof i, NULL, 0);
        mr_seckey_from_seed(&p->secret[i], &p->public[i], h);
    }
    make_ledger(p);
    p->m.now_ms = p->w.now_ms;
    world_start(&p->w);
    for (uint32_t i = 0; i < HOMES; i++) {
        open_member(p, i, MR_CLASS_RESIDENT);
        open_member(p, i, MR_CLASS_SHOP);
        open_member(p, i, i == 0 ? MR_CLASS_MUNICIPALITY : MR_CLASS_ASSOCIATION);
    }
}

void play_done(struct play *p)
{
    follow_rest(p);
    follow_compare_root(p);
    world_check(&p->w);
    model_done(&p->m);
    world_done(&p->w);
}

/* --- moves ------------------------------------------------------------------------------------ */

static enum mr_order_kind any_kind(struct play *p)
{
    static const struct {
        enum mr_order_kind kind;
        uint32_t weight;
    } odds[] = {
        {MR_KIND_PAY, 40},    {MR_KIND_ISSUE, 14},  {MR_KIND_REDEEM, 12}, {MR_KIND_PAYOUT, 8},
        {MR_KIND_RETURN, 4},  {MR_KIND_FLAG, 6},    {MR_KIND_LIST, 8},    {MR_KIND_GRANT, 4},
        {MR_KIND_LOWER, 2},   {MR_KIND_SETKEYS, 4}, {MR_KIND_SWEEP, 3},   {MR_KIND_CAP, 2},
        {MR_KIND_POLICY, 1},  {MR_KIND_CLOSE, 1},   {MR_KIND_OPEN, 3},    {MR_KIND_CLEAR, 8},
        {MR_KIND_RECOVER, 7}, {MR_KIND_STOP, 2},    {MR_KIND_TAKEOVER, 7}};
    uint64_t at = play_random(p, 136);
    uint32_t i = 0;
    while (at >= odds[i].weight)
        at -= odds[i++].weight;
    const bool full = odds[i].kind == MR_KIND_OPEN && p->m.accounts_count > 15 + MEMBERS_WANTED;
    const bool ruled = odds[i].kind == MR_KIND_POLICY && p->m.policies_count > 6;
    return full || ruled ? MR_KIND_PAY : odds[i].kind;
}

/* Keep a signed order, to hand it in later or again. */
static void keep(struct play *p, const struct deed *d)
{
    const uint64_t at = play_random(p, DRAWER);
    p->drawer[at] = *d;
    p->drawn[at] = true;
}

static void move_order(struct play *p)
{
    struct deed *d = &p->deed;
    build(p, d, any_kind(p));
    if (play_chance(p, 3))
        spoil(p, d);
    if (play_chance(p, 40))
        spoil(p, d);
    build_finish(p, d);
    if (play_chance(p, 4))
        follow_check(p, d);
    if (play_chance(p, 12)) {
        keep(p, d);
        return;
    }
    follow_submit(p, d);
    if (play_chance(p, 12))
        keep(p, d);
}

/* Two or three orders in a row, handed in from the last. */
static void move_run(struct play *p)
{
    static struct deed run[3];
    struct m_account *a = play_chance(p, 4) ? model_sub(&p->m, 0, MR_CLASS_DESK) : play_member(p);
    const uint32_t n = 2 + (uint32_t)play_random(p, 2);
    for (uint32_t i = 0; i < n; i++) {
        const enum mr_order_kind kind = !model_is_member(a->class) ? MR_KIND_FLAG
                                        : play_chance(p, 5)        ? MR_KIND_SETKEYS
                                                                   : MR_KIND_PAY;
        build_on(p, &run[i], a, kind);
        if (i > 0) {
            run[i].o.order.seq = run[i - 1].o.order.seq + 1;
            memcpy(run[i].o.order.prev, run[i - 1].id, 32);
        }
        build_finish(p, &run[i]);
    }
    for (uint32_t i = n; i-- > 0;)
        if (i == 0 && play_chance(p, 3))
            keep(p, &run[i]);
        else
            follow_submit(p, &run[i]);
}

static void move_cancel(struct play *p)
{
    struct m_account *a = play_member(p);
    for (uint32_t i = 0; i < p->m.accounts_count; i++)
        if (p->m.accounts[i].parked[0] != NULL && play_chance(p, 2))
            a = &p->m.accounts[i];
    uint64_t seq = a->next;
    if (play_chance(p, 4))
        seq = play_random(p, a->next + 3);
    follow_cancel(p, a, seq, play_chance(p, 12));
}

static void move_time(struct play *p)
{
    static const uint64_t ms[] = {1000, 60000, 600000, 3600000, MR_DAY_MS};
    uint64_t step = ms[play_random(p, 5)] * (1 + play_random(p, 3));
    if (play_chance(p, 12))
        step = (5 + play_random(p, 40)) * MR_DAY_MS;
    follow_tick(p, step);
    if (play_chance(p, 2))
        follow_rest(p);
}

/* More of one member than may wait together: chance alone seldom comes to so many. */
static void move_recoveries(struct play *p)
{
    struct deed *d = &p->deed;
    const struct m_account *a = play_member(p);
    struct mr_recover *b = &d->o.order.body.u.recover;
    for (uint32_t i = 0; i <= MR_RECOVERIES_MAX; i++) {
        build_on(p, d, model_sub(&p->m, a->home, MR_CLASS_TREASURY), MR_KIND_RECOVER);
        memcpy(b->account, a->id, 16);
        b->keys.generation = a->generation + 1;
        build_finish(p, d);
        follow_submit(p, d);
    }
}

static void move_drawer(struct play *p)
{
    const uint64_t at = play_random(p, DRAWER);
    if (p->drawn[at])
        follow_submit(p, &p->drawer[at]);
}

void play_step(struct play *p)
{
    const uint64_t r = play_random(p, 100);
    if (r < 70)
        move_order(p);
    else if (r < 75)
        move_run(p);
    else if (r < 80)
        move_cancel(p);
    else if (r < 92)
        move_time(p);
    else if (r < 93)
        move_recoveries(p);
    else
        move_drawer(p);
    follow_compare(p);
    p->tally->steps++;
    if (play_chance(p, 40))
        follow_compare_root(p);
    if (play_chance(p, 150))
        world_check(&p->w);
    if (play_chance(p, 60))
        follow_restart(p, play_chance(p, 2));
}
