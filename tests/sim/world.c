/* The federation that is simulated: its charter, its keys, the people, and the weather. */
#include <string.h>

#include "mereau/assert.h"
#include "mereau/order.h"
#include "sim/sim.h"

#define SET_TEXT(record, field, text)                                                              \
    do {                                                                                           \
        (record)->field##_len = (uint32_t)strlen(text);                                            \
        memcpy((record)->field, text, strlen(text) + 1);                                           \
    } while (0)

/* --- keys ------------------------------------------------------------------------------------- */

static void make_key(struct mr_seckey *ret, struct mr_pubkey *ret_public, const char *what,
                     uint32_t index)
{
    uint8_t seed[32];
    mr_hash(seed, "sim/key", what, strlen(what), &index, sizeof index);
    mr_seckey_from_seed(ret, ret_public, seed);
}

/* --- owners ----------------------------------------------------------------------------------- */

static struct owner *add_owner(struct sim *s, enum role role, enum mr_account_class class,
                               uint32_t association, uint32_t keys)
{
    struct owner *w = &s->owners[s->owners_count];
    mr_assert(s->owners_count < OWNERS_MAX);
    w->index = s->owners_count++;
    w->role = role;
    w->class = class;
    w->association = association;
    w->home = 1 + w->index % s->nodes;
    w->next_seq = w->generation = w->generation_at = 1;
    w->keys = keys;
    return w;
}

static void add_offices(struct sim *s, uint32_t i)
{
    struct mr_association *a = &s->charter.associations[i];
    struct owner *w = add_owner(s, ROLE_DESK, MR_CLASS_DESK, i, 1);
    mr_sub_account(w->account, a->id, MR_CLASS_DESK);
    owner_keys(w, 1, NULL, &a->desk);
    w->thief = s->w.thieves > 0 && rng_chance(&s->lies, s->w.thieves);
    w = add_owner(s, ROLE_TREASURY, MR_CLASS_TREASURY, i, 2);
    mr_sub_account(w->account, a->id, MR_CLASS_TREASURY);
    owner_keys(w, 1, NULL, &a->treasury);
}

static void add_people(struct sim *s)
{
    const uint32_t members = (uint32_t)rng_between(&s->people, 4, MEMBERS_MAX);
    for (uint32_t i = 0; i < members; i++) {
        const enum mr_account_class class = i % 3 == 1 ? MR_CLASS_SHOP : MR_CLASS_RESIDENT;
        struct owner *w =
            add_owner(s, ROLE_MEMBER, class, i % s->charter.associations_count, 1 + i % 2);
        uint8_t h[32];
        mr_hash(h, "sim/account", &i, sizeof i, NULL, 0);
        memcpy(w->account, h, 16);
        mr_into_space(w->account, s->charter.associations[w->association].id);
        w->dishonest = rng_chance(&s->people, s->w.cheats);
    }
}

/* --- charter ---------------------------------------------------------------------------------- */

static void add_policy(struct mr_policy *p)
{
    static const struct mr_class_rule rules[] = {
        {MR_CLASS_RESIDENT, true, true, false, 0, 500000, 1000000, 5000000},
        {MR_CLASS_SHOP, true, true, true, 200, MR_AMOUNT_MAX, MR_AMOUNT_MAX, MR_AMOUNT_MAX},
    };
    *p = (struct mr_policy){.version = 1, .classes_count = 2, .fees_count = 1};
    memcpy(p->classes, rules, sizeof rules);
    p->fees[0] = (struct mr_fee_rule){MR_KIND_REDEEM, MR_CLASS_SHOP, 500, 0, MR_AMOUNT_MAX, 0};
}

static void add_association(struct sim *s, uint32_t i)
{
    struct mr_association *a = &s->charter.associations[i];
    char name[32];
    memset(a->id, (int)(i + 1), sizeof a->id);
    snprintf(name, sizeof name, "association-%c", (int)('a' + i));
    SET_TEXT(a, name, name);
    SET_TEXT(a, alias, name);
    memset(a->register_key, 9, sizeof a->register_key);
    a->cap = 1000000000;
    add_offices(s, i);
}

void world_log_key(struct mr_seckey *ret, struct mr_pubkey *ret_public, uint32_t number,
                   uint32_t generation)
{
    struct mr_pubkey unused;
    make_key(ret, ret_public != NULL ? ret_public : &unused, "log", number << 16 | generation);
}

void world_node(const struct sim *s, struct mr_node *n, uint32_t number, uint32_t generation)
{
    struct mr_seckey unused;
    char address[32];
    memset(n, 0, sizeof *n);
    n->number = number;
    memcpy(n->association, s->charter.associations[(number - 1) % s->charter.associations_count].id,
           16);
    world_log_key(&unused, &n->log_key, number, generation);
    make_key(&unused, &n->transport_key, "transport", number);
    snprintf(address, sizeof address, "node%u:7400", number);
    SET_TEXT(n, address, address);
    snprintf(address, sizeof address, "node%u:7401", number);
    SET_TEXT(n, peer_address, address);
}

static void add_units(struct mr_charter *c)
{
    c->units_count = 2;
    SET_TEXT(&c->units[0], code, "SIM");
    SET_TEXT(&c->units[1], code, "EUR");
    SET_TEXT(&c->units[0], name, "Simulated unit");
    SET_TEXT(&c->units[1], name, "Euro");
    c->units[0].role = MR_UNIT_LOCAL;
    c->units[1].role = MR_UNIT_RESERVE;
    c->units[0].decimals = c->units[1].decimals = 2;
}

void world_make(struct sim *s)
{
    struct mr_charter *c = &s->charter;
    const char *what;
    c->version = 1;
    c->created_ms = SIM_START_MS;
    SET_TEXT(c, name, "Simulated currency");
    SET_TEXT(c, prefix, "sim");
    add_units(c);
    c->associations_count = s->nodes < 3 ? s->nodes : 3;
    for (uint32_t i = 0; i < c->associations_count; i++)
        add_association(s, i);
    c->nodes_count = s->nodes;
    c->quorum = s->quorum;
    for (uint32_t i = 1; i <= s->nodes; i++)
        world_node(s, &c->nodes[i - 1], i, 1);
    struct owner *w = add_owner(s, ROLE_GOVERNANCE, MR_CLASS_SYSTEM, MR_ASSOCIATIONS_MAX, 2);
    mr_sub_account(w->account, NULL, MR_CLASS_SYSTEM);
    owner_keys(w, 1, NULL, &c->governance);
    w = add_owner(s, ROLE_CHECKPOINTS, MR_CLASS_CHECKPOINTS, MR_ASSOCIATIONS_MAX, 0);
    mr_sub_account(w->account, NULL, MR_CLASS_CHECKPOINTS);
    add_policy(&c->policy);
    add_people(s);
    if (mr_charter_check(c, &what) != MR_OK)
        mr_bug(what);
    mr_ledger_id(s->ledger, c);
    s->numbers = s->nodes;
    epochs_make(s);
}

/* --- weather ---------------------------------------------------------------------------------- */

static uint32_t up_to(struct sim *s, uint32_t most)
{
    /* Often nothing at all: runs where one thing goes wrong tell more than those where all do. */
    return rng_chance(&s->chance, 400) ? 0 : (uint32_t)rng_between(&s->chance, 0, most);
}

static void bad_network(struct sim *s, struct weather *w)
{
    w->delay_us = (uint32_t)rng_between(&s->chance, 100, 80000);
    w->jitter_us = up_to(s, 200000);
    w->loss = up_to(s, 150);
    w->repeat = up_to(s, 150);
    w->cuts = up_to(s, 200);
    w->slows = up_to(s, 100);
}

static void bad_owners(struct sim *s, struct weather *w)
{
    w->cheats = up_to(s, 400);
    w->cancels = up_to(s, 150);
    w->freezes = up_to(s, 200);
    w->short_lived = up_to(s, 150);
    w->poor = up_to(s, 300);
    w->rotations = up_to(s, 80);
}

static void bad_nodes(struct sim *s, struct weather *w)
{
    w->kills = up_to(s, 150);
    w->pauses = up_to(s, 100);
    w->jumps = up_to(s, 60);
}

static void bad_disks(struct sim *s, struct weather *w)
{
    w->disk_us = (uint32_t)rng_between(&s->chance, 100, 20000);
    w->disk_slow = up_to(s, 100);
    w->disk_fails = up_to(s, 60);
    w->disk_full = up_to(s, 60);
    w->flush = (uint32_t)rng_between(&s->chance, 5, 500);
}

static uint32_t most_liars(const struct sim *s)
{
    const uint32_t down = s->nodes - s->quorum;
    return s->tolerated < down ? s->tolerated : down;
}

void weather_draw(struct sim *s)
{
    struct weather *w = &s->w;
    *w = (struct weather){.delay_us = (uint32_t)rng_between(&s->chance, 200, 20000),
                          .jitter_us = (uint32_t)rng_between(&s->chance, 0, 5000),
                          .disk_us = (uint32_t)rng_between(&s->chance, 100, 5000),
                          .flush = 100,
                          .cancels = 20,
                          .poor = 20,
                          .rotations = 10,
                          .think_us = (uint32_t)rng_between(&s->chance, 20000, 1500000)};
    if (s->o.profile != CALM && s->o.profile != BUSY)
        bad_owners(s, w);
    switch (s->o.profile) {
    case CALM:
        break;
    case BUSY:
        w->think_us = (uint32_t)rng_between(&s->chance, 1000, 10000);
        break;
    case STORM:
        bad_network(s, w);
        bad_nodes(s, w);
        bad_disks(s, w);
        break;
    case PARTITION:
        bad_network(s, w);
        w->partitions = (uint32_t)rng_between(&s->chance, 30, 300);
        w->kills = up_to(s, 40);
        break;
    case DISK:
        bad_disks(s, w);
        bad_nodes(s, w);
        if (most_liars(s) > 0 && rng_chance(&s->chance, 500))
            w->rollbacks = 30;
        else if (most_liars(s) > 0 || s->nodes > s->quorum)
            w->restores = 30;
        break;
    case BYZANTINE:
        bad_network(s, w);
        w->kills = up_to(s, 60);
        w->cheats = (uint32_t)rng_between(&s->chance, 100, 700);
        w->thieves = 500;
        w->liars = most_liars(s);
        break;
    case RECONFIGURE:
        bad_network(s, w);
        bad_nodes(s, w);
        bad_disks(s, w);
        w->restores = s->nodes > s->quorum ? 30 : 0;
        w->rollbacks = rng_chance(&s->chance, 500) && most_liars(s) > 0 ? 20 : 0;
        w->losses = up_to(s, 40);
        w->disasters = rng_chance(&s->chance, 300) ? up_to(s, 200) : 0;
        w->changes_s = (uint32_t)rng_between(&s->chance, 1, 8);
        if (most_liars(s) > 0 && rng_chance(&s->chance, 200))
            w->liars = 1;
        break;
    case PROFILES:
        mr_bug("profile");
    }
    if (s->o.beyond) {
        w->liars = s->tolerated + 1;
        w->cheats = 900;
    }
}

uint64_t clock_of(const struct sim *s, const struct copy *c)
{
    return (uint64_t)((int64_t)SIM_START_MS + ((int64_t)s->clock.now_us + c->offset_us) / 1000);
}
