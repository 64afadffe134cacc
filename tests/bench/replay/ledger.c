#include "bench/replay/ledger.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "lib/nodedir.h"
#include "mereau/codec.h"
#include "mereau/order.h"

enum { CHARTER_MAX = 1 << 16 };

/* Everything secret of a replay comes from its one secret. */
static void derive(const struct ledger *l, uint8_t ret[32], const char *what, uint32_t number)
{
    uint8_t place[36];
    memcpy(place, l->secret, 32);
    for (int i = 0; i < 4; i++)
        place[32 + i] = (uint8_t)(number >> (24 - 8 * i));
    mr_hash(ret, "replay/secret", what, strlen(what), place, sizeof place);
    sodium_memzero(place, sizeof place);
}

static void derive_key(const struct ledger *l, struct mr_seckey *ret, struct mr_pubkey *ret_public,
                       const char *what, uint32_t number)
{
    uint8_t seed[32];
    derive(l, seed, what, number);
    mr_seckey_from_seed(ret, ret_public, seed);
    sodium_memzero(seed, sizeof seed);
}

void ledger_member_id(const struct ledger *l, uint32_t i, uint8_t ret[16])
{
    uint8_t id[32];
    derive(l, id, "account", i);
    memcpy(ret, id, 16);
    mr_into_space(ret, l->charter.associations[0].id);
}

void ledger_member_key(const struct ledger *l, uint32_t i, struct mr_seckey *ret,
                       struct mr_pubkey *ret_public)
{
    derive_key(l, ret, ret_public, "member", i);
}

void ledger_bank_ref(const struct ledger *l, uint8_t ret[32], const char *what, uint64_t line)
{
    uint8_t key[32];
    char text[64] = "REPLAY";
    const size_t account = strlen(text) + 1;
    const int n =
        snprintf(text + account, sizeof text - account, "%s%llu", what, (unsigned long long)line);
    derive(l, key, "bank", 0);
    crypto_generichash(ret, 32, (const uint8_t *)text, account + (size_t)n, key, sizeof key);
    sodium_memzero(key, sizeof key);
}

/* --- founding --------------------------------------------------------------------------------- */

static uint32_t set_text(char *field, const char *text)
{
    memcpy(field, text, strlen(text) + 1);
    return (uint32_t)strlen(text);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void make_association(struct ledger *l, struct mr_association *a)
{
    uint8_t bytes[32];
    derive(l, bytes, "association", 0);
    memcpy(a->id, bytes, sizeof a->id);
    a->name_len = set_text(a->name, "Replay");
    a->alias_len = set_text(a->alias, "replay");
    a->cap = MR_CAPS_MAX;
    a->desk.threshold = 1;
    a->desk.keys_count = REPLAY_OPERATORS;
    for (uint32_t i = 0; i < REPLAY_OPERATORS; i++)
        derive_key(l, &l->operators[i], &a->desk.keys[i], "operator", i);
    a->treasury = a->desk;
    a->treasury.threshold = REPLAY_OPERATORS;
}

/* The rules let every account pay and redeem without limit, minimum or fee: the file decides. */
static void make_charter(struct ledger *l)
{
    struct mr_charter *c = &l->charter;
    struct mr_seckey governance;
    *c = (struct mr_charter){.version = 1,
                             .created_ms = now_ms(),
                             .units_count = 2,
                             .associations_count = 1,
                             .nodes_count = 1,
                             .quorum = 1};
    randombytes_buf(c->salt, sizeof c->salt);
    c->name_len = set_text(c->name, "Replay");
    c->prefix_len = set_text(c->prefix, "replay");
    c->units[0].code_len = set_text(c->units[0].code, "UNIT");
    c->units[1].code_len = set_text(c->units[1].code, "EUR");
    c->units[0].role = MR_UNIT_LOCAL;
    c->units[1].role = MR_UNIT_RESERVE;
    c->units[0].decimals = c->units[1].decimals = 2;
    make_association(l, &c->associations[0]);
    c->governance.threshold = c->governance.keys_count = 1;
    derive_key(l, &governance, &c->governance.keys[0], "governance", 0);
    mr_seckey_done(&governance);
    c->nodes[0].number = 1;
    memcpy(c->nodes[0].association, c->associations[0].id, 16);
    derive_key(l, &l->node, &c->nodes[0].log_key, "node", 0);
    c->nodes[0].transport_key = c->nodes[0].log_key;
    c->nodes[0].address_len = set_text(c->nodes[0].address, "127.0.0.1:1");
    c->policy = (struct mr_policy){.version = 1, .classes_count = 1};
    c->policy.classes[0] = (struct mr_class_rule){
        MR_CLASS_RESIDENT, true, true, true, 0, MR_AMOUNT_MAX, MR_AMOUNT_MAX, MR_AMOUNT_MAX};
}

enum mr_status ledger_found(const char *dir)
{
    char path[FILE_PATH_MAX];
    struct ledger *l = calloc(1, sizeof *l);
    if (l == NULL)
        return MR_NO_MEMORY;
    randombytes_buf(l->secret, sizeof l->secret);
    enum mr_status st = dir_make(dir);
    if (st == MR_OK)
        st = path_join(path, dir, "replay.seed");
    if (st == MR_OK)
        st = file_write(path, l->secret, sizeof l->secret, 0600, false);
    if (st == MR_OK) {
        make_charter(l);
        st = nodedir_write(dir, &l->charter, &l->node, &l->node, nodedir_conf);
    }
    ledger_done(l);
    free(l);
    return st;
}

/* --- taking up -------------------------------------------------------------------------------- */

static enum mr_status read_file(const char *dir, const char *name, size_t max, uint8_t **ret,
                                size_t *ret_len)
{
    char path[FILE_PATH_MAX];
    const enum mr_status st = path_join(path, dir, name);
    return st == MR_OK ? file_read(ret, ret_len, path, max) : st;
}

enum mr_status ledger_read(struct ledger *ret, const char *dir)
{
    uint8_t *bytes = NULL;
    size_t len;
    struct mr_pubkey public;
    *ret = (struct ledger){0};
    enum mr_status st = read_file(dir, "replay.seed", sizeof ret->secret, &bytes, &len);
    if (st != MR_OK)
        return st;
    if (len == sizeof ret->secret)
        memcpy(ret->secret, bytes, len);
    else
        st = MR_DAMAGED;
    sodium_memzero(bytes, len);
    free(bytes);
    bytes = NULL;
    if (st == MR_OK)
        st = read_file(dir, "charter.mrc", CHARTER_MAX, &bytes, &len);
    if (st == MR_OK && mr_charter_decode(&ret->charter, bytes, len) != MR_OK)
        st = MR_DAMAGED;
    free(bytes);
    if (st != MR_OK)
        return st;
    mr_ledger_id(ret->id, &ret->charter);
    for (uint32_t i = 0; i < REPLAY_OPERATORS; i++)
        derive_key(ret, &ret->operators[i], &public, "operator", i);
    mr_sub_account(ret->desk.account, ret->charter.associations[0].id, MR_CLASS_DESK);
    mr_sub_account(ret->treasury.account, ret->charter.associations[0].id, MR_CLASS_TREASURY);
    return MR_OK;
}

void ledger_done(struct ledger *l)
{
    sodium_memzero(l, sizeof *l);
}

struct mr_order *order_begin(struct mr_request_body *b, const struct ledger *l,
                             const struct chain *c, enum mr_order_kind kind)
{
    struct mr_order *o = &b->u.submit.order.order;
    b->kind = MR_REQ_SUBMIT;
    b->u.submit.order.sigs_count = 0;
    b->u.submit.memo_count = 0;
    o->version = 1;
    memcpy(o->ledger, l->id, 32);
    memcpy(o->account, c->account, 16);
    o->seq = c->seq + 1;
    memcpy(o->prev, c->prev, 32);
    const uint64_t now = now_ms();
    o->time_ms = now > c->time_ms ? now : c->time_ms;
    o->not_after_ms = o->time_ms + 7 * MR_DAY_MS;
    o->policy = 1;
    randombytes_buf(o->salt, sizeof o->salt);
    memset(o->ref, 0, sizeof o->ref);
    memset(o->memo, 0, sizeof o->memo);
    memset(&o->body, 0, sizeof o->body);
    o->body.kind = kind;
    return o;
}
