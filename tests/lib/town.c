#include "lib/town.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "common/keyfile.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/order.h"
#include "mereau/time.h"

enum { DEADLINE_MS = 20000 };

static const char passphrase[] = "town";

#define must(condition) must_be((condition), #condition, __LINE__)

static void must_be(bool condition, const char *what, int line)
{
    if (condition)
        return;
    fprintf(stderr, "town.c:%d: %s\n", line, what);
    abort();
}

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- founding --------------------------------------------------------------------------------- */

static void seed_of(uint8_t ret[32], const char *name)
{
    mr_hash(ret, "mereau/test-town", name, strlen(name), NULL, 0);
}

static void key_of(struct mr_seckey *ret, struct mr_pubkey *ret_public, const char *name)
{
    uint8_t seed[32];
    seed_of(seed, name);
    mr_seckey_from_seed(ret, ret_public, seed);
}

#define SET(record, field, text)                                                                   \
    do {                                                                                           \
        (record)->field##_len = (uint32_t)strlen(text);                                            \
        memcpy((record)->field, text, strlen(text) + 1);                                           \
    } while (0)

static void fill_policy(struct mr_policy *p)
{
    *p = (struct mr_policy){.version = 1, .classes_count = 6, .fees_count = 2};
    for (int i = MR_CLASS_RESIDENT; i <= MR_CLASS_FUND; i++)
        p->classes[i - 1] =
            (struct mr_class_rule){.class = (enum mr_account_class)i,
                                   .may_pay = i != MR_CLASS_MUNICIPALITY,
                                   .may_receive = true,
                                   .may_redeem = i == MR_CLASS_SHOP || i == MR_CLASS_MUNICIPALITY,
                                   .redeem_min = 2000,
                                   .limit_payment = MR_AMOUNT_MAX,
                                   .limit_day = MR_AMOUNT_MAX,
                                   .limit_month = MR_AMOUNT_MAX};
    p->classes[0].limit_payment = 20000;
    p->fees[0] = (struct mr_fee_rule){.kind = MR_KIND_PAY,
                                      .class = MR_CLASS_SHOP,
                                      .basis_points = 100,
                                      .fee_min = 1,
                                      .fee_max = 100};
    p->fees[1] = (struct mr_fee_rule){.kind = MR_KIND_REDEEM,
                                      .class = MR_CLASS_SHOP,
                                      .basis_points = 500,
                                      .fee_max = MR_AMOUNT_MAX};
}

static void fill_keys(struct mr_keyset *ret, const struct mr_pubkey *key)
{
    *ret = (struct mr_keyset){.threshold = 1, .keys_count = 1};
    ret->keys[0] = *key;
}

static void fill_charter(struct town *t)
{
    struct mr_charter *const c = t->charter;
    struct mr_seckey secret;
    struct mr_pubkey public;
    const char *what = NULL;
    *c = (struct mr_charter){.version = 1,
                             .created_ms = 1735689600000,
                             .quorum = 1,
                             .units_count = 3,
                             .associations_count = 1,
                             .nodes_count = 1};
    SET(c, name, "Testa");
    SET(c, prefix, "tst");
    c->units[0] = (struct mr_unit){.decimals = 2, .role = MR_UNIT_LOCAL};
    SET(&c->units[0], code, "TST");
    SET(&c->units[0], name, "Testa");
    c->units[1] = (struct mr_unit){.decimals = 2, .role = MR_UNIT_RESERVE};
    SET(&c->units[1], code, "EUR");
    SET(&c->units[1], name, "Euro");
    c->units[2] = (struct mr_unit){.decimals = 0, .role = MR_UNIT_OTHER};
    SET(&c->units[2], code, "HRS");
    SET(&c->units[2], name, "Hours");
    struct mr_association *const a = &c->associations[0];
    memset(a->id, 7, sizeof a->id);
    SET(a, name, "Testa en commun");
    SET(a, alias, "town");
    a->cap = 1000000000;
    key_of(&t->operator_key, &public, "operator");
    fill_keys(&a->desk, &public);
    fill_keys(&a->treasury, &public);
    seed_of(t->register_secret, "register");
    must(crypto_scalarmult_curve25519_base(a->register_key, t->register_secret) == 0);
    struct mr_node *const n = &c->nodes[0];
    n->number = 1;
    memcpy(n->association, a->id, sizeof a->id);
    key_of(&secret, &n->log_key, "log");
    key_of(&secret, &n->transport_key, "transport");
    SET(n, address, "127.0.0.1:7077");
    key_of(&secret, &public, "governance");
    fill_keys(&c->governance, &public);
    fill_policy(&c->policy);
    must(mr_charter_check(c, &what) == MR_OK);
    mr_ledger_id(t->ledger, c);
    mr_sub_account(t->desk, a->id, MR_CLASS_DESK);
    mr_sub_account(t->treasury, a->id, MR_CLASS_TREASURY);
}

static void path_of(char ret[FILE_PATH_MAX], const struct town *t, const char *name)
{
    must(path_join(ret, t->dir, name) == MR_OK);
}

/* node.key for the present generation of the log key. */
static void write_node_key(const struct town *t)
{
    char path[FILE_PATH_MAX], name[32] = "log";
    uint8_t seeds[64];
    struct secret pass = {0};
    if (t->generation > 1)
        snprintf(name, sizeof name, "log %u", t->generation);
    path_of(path, t, "data/node.key");
    seed_of(seeds, name);
    seed_of(seeds + 32, "transport");
    must(secret_copy(&pass, passphrase, strlen(passphrase)) == MR_OK);
    must(keyfile_create(NULL, path, "node", KEYFILE_MIN, &pass, seeds, sizeof seeds, true) ==
         MR_OK);
    secret_free(&pass);
}

static void write_data(const struct town *t)
{
    char path[FILE_PATH_MAX];
    const size_t n = mr_charter_size(t->charter);
    uint8_t *const bytes = malloc(n);
    must(bytes != NULL);
    mr_charter_encode(t->charter, bytes, n);
    path_of(path, t, "data");
    must(dir_make(path) == MR_OK);
    path_of(path, t, "data/charter.mrc");
    must(file_write(path, bytes, n, 0644, true) == MR_OK);
    free(bytes);
    path_of(path, t, "data/node.pass");
    must(file_write(path, passphrase, strlen(passphrase), 0600, true) == MR_OK);
    path_of(path, t, "data/mereaud.conf");
    must(file_write(path, "", 0, 0644, true) == MR_OK);
    write_node_key(t);
}

/* --- the node's process ----------------------------------------------------------------------- */

static void run_node(const struct town *t, const char *log)
{
    char data[FILE_PATH_MAX], listen[64];
    const pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    path_of(data, t, "data");
    snprintf(listen, sizeof listen, "127.0.0.1:%u", t->port);
    if (fd >= 0 && dup2(fd, 2) >= 0 && dup2(fd, 1) >= 0)
        execl(MEREAU_BIN_DIR "/mereaud", "mereaud", "--listen", listen, data, (char *)NULL);
    _exit(127);
}

/* The port of the last "ready" line behind `from`; 0: not there yet. */
static uint16_t ready_port(const char *log, long from)
{
    uint8_t *bytes;
    size_t len;
    const char *at, *last = NULL;
    if (file_read(&bytes, &len, log, 64 << 20) != MR_OK)
        return 0;
    for (at = (const char *)bytes + from; (at = strstr(at, " ready ")) != NULL; at++)
        last = at;
    const char *const port = last != NULL ? strstr(last, "wallet_port=") : NULL;
    const bool whole = port != NULL && strchr(port, '\n') != NULL;
    const long number = whole ? strtol(port + strlen("wallet_port="), NULL, 10) : 0;
    free(bytes);
    return (uint16_t)number;
}

void town_node_start(struct town *t)
{
    char log[FILE_PATH_MAX];
    struct mr_join_link link = {.version = 1};
    const struct timespec pause = {0, 5000000};
    path_of(log, t, "node.log");
    FILE *const f = fopen(log, "a");
    must(f != NULL);
    must(fseek(f, 0, SEEK_END) == 0);
    const long from = ftell(f);
    fclose(f);
    t->pid = fork();
    must(t->pid >= 0);
    if (t->pid == 0)
        run_node(t, log);
    uint16_t port = 0;
    for (const uint64_t end = clock_ms(CLOCK_MONOTONIC) + DEADLINE_MS; port == 0;) {
        must(clock_ms(CLOCK_MONOTONIC) < end);
        must(waitpid(t->pid, NULL, WNOHANG) == 0);
        nanosleep(&pause, NULL);
        port = ready_port(log, from);
    }
    t->port = port;
    memcpy(link.ledger, t->ledger, sizeof link.ledger);
    memcpy(link.association, t->charter->associations[0].id, sizeof link.association);
    link.transport_key = t->charter->nodes[0].transport_key;
    link.address_len = (uint32_t)snprintf(link.address, sizeof link.address, "127.0.0.1:%u", port);
    mr_join_link_format(t->join_link, &link);
}

static void end_node(struct town *t, int signal)
{
    if (t->pid == 0)
        return;
    kill(t->pid, signal);
    must(waitpid(t->pid, NULL, 0) == t->pid);
    t->pid = 0;
}

void town_node_stop(struct town *t)
{
    end_node(t, SIGTERM);
}

void town_node_kill(struct town *t)
{
    end_node(t, SIGKILL);
}

void town_start(struct town *t, const char *dir)
{
    *t = (struct town){0};
    must(sodium_init() >= 0);
    must(strlen(dir) < sizeof t->dir - 64);
    memcpy(t->dir, dir, strlen(dir) + 1);
    t->charter = malloc(sizeof *t->charter);
    t->reply = malloc(sizeof *t->reply);
    t->request = malloc(sizeof *t->request);
    must(t->charter != NULL && t->reply != NULL && t->request != NULL);
    t->generation = 1;
    fill_charter(t);
    write_data(t);
    town_node_start(t);
}

void town_done(struct town *t)
{
    town_node_kill(t);
    free(t->charter);
    free(t->reply);
    free(t->request);
    *t = (struct town){0};
}

/* --- operators -------------------------------------------------------------------------------- */

/* A link to the local control socket; `as` proves the operator's key for that chain. */
static struct link *connect_as(struct town *t, const uint8_t *as)
{
    char path[FILE_PATH_MAX];
    struct link *l;
    path_of(path, t, "data/run/control.sock");
    const struct link_config config = {path, &t->charter->nodes[0].transport_key, t->ledger,
                                       DEADLINE_MS};
    must(link_open(&l, &config) == MR_OK);
    if (as != NULL)
        link_identify(l, MR_AUTH_OWNER, as, 0, &t->operator_key, NULL);
    return l;
}

static void call(struct town *t, struct link *l, enum mr_status want)
{
    const enum mr_status st = link_call(l, t->reply, t->request);
    if (st != want)
        fprintf(stderr, "town: %s: %s\n", mr_request_kind_text(t->request->kind),
                mr_status_name(st));
    must(st == want);
}

/* Put an order on an operators' chain. */
static void order(struct town *t, const uint8_t chain[16], const struct mr_order_body *body)
{
    struct link *const l = connect_as(t, chain);
    struct mr_signed_order o = {.order = {.version = 1, .policy = 1}};
    *t->request = (struct mr_request_body){.kind = MR_REQ_ACCOUNT};
    memcpy(t->request->u.account.account, chain, 16);
    call(t, l, MR_OK);
    const struct mr_state_chain *const at = &t->reply->body.u.account.hot.chain;
    const uint64_t now = clock_ms(CLOCK_REALTIME);
    memcpy(o.order.ledger, t->ledger, 32);
    memcpy(o.order.account, chain, 16);
    o.order.seq = at->next_seq;
    memcpy(o.order.prev, at->head, 32);
    o.order.time_ms = now > at->time_ms ? now : at->time_ms;
    o.order.not_after_ms = o.order.time_ms + 7 * MR_DAY_MS;
    randombytes_buf(o.order.salt, sizeof o.order.salt);
    o.order.body = *body;
    mr_order_sign(&o, 0, &t->operator_key);
    *t->request = (struct mr_request_body){.kind = MR_REQ_SUBMIT};
    t->request->u.submit.order = o;
    call(t, l, MR_SETTLED);
    link_close(l);
}

void town_node_restart(struct town *t)
{
    struct mr_signed_restart r = {.restart = {.version = 1, .node = 1}};
    struct mr_seckey key;
    struct mr_pubkey public;
    uint8_t bytes[1024];
    char path[FILE_PATH_MAX], name[32];
    struct link *const l = connect_as(t, NULL);
    const struct mr_head *const h = &t->reply->body.u.head.head;
    const uint64_t end = clock_ms(CLOCK_MONOTONIC) + DEADLINE_MS;
    do { /* none is signed in the first moment */
        must(clock_ms(CLOCK_MONOTONIC) < end);
        *t->request = (struct mr_request_body){.kind = MR_REQ_HEAD};
        call(t, l, MR_OK);
    } while (h->size == 0);
    link_close(l);
    town_node_stop(t);
    t->generation = h->generation + 1;
    memcpy(r.restart.ledger, t->ledger, 32);
    r.restart.epoch = h->epoch + 1;
    r.restart.generation = t->generation;
    snprintf(name, sizeof name, "log %u", t->generation);
    key_of(&key, &r.restart.log_key, name);
    r.restart.last_size = h->size;
    memcpy(r.restart.last_root, h->root, 32);
    r.restart.time_ms = clock_ms(CLOCK_REALTIME);
    r.restart.claims_until_ms = r.restart.time_ms + MR_DAY_MS;
    key_of(&key, &public, "governance");
    mr_restart_sign(&r, 0, &key);
    path_of(path, t, "data/restart.mrr");
    must(file_write(path, bytes, mr_signed_restart_encode(&r, bytes, sizeof bytes), 0644, true) ==
         MR_OK);
    write_node_key(t);
    town_node_start(t);
}

unsigned town_admit(struct town *t)
{
    struct mr_open open[MR_PAGE_MAX];
    unsigned count = 0;
    struct link *const l = connect_as(t, t->desk);
    *t->request = (struct mr_request_body){.kind = MR_REQ_REGISTER_LIST};
    t->request->u.register_list.kind = MR_REGISTER_REQUEST;
    call(t, l, MR_OK);
    const struct mr_rep_register *const page = &t->reply->body.u.register_list;
    for (uint32_t i = 0; i < page->items_count; i++)
        if (page->items[i].open_count > 0)
            open[count++] = page->items[i].open[0];
    for (unsigned i = 0; i < count; i++) {
        struct mr_order_body body = {.kind = MR_KIND_OPEN};
        body.u.open = open[i];
        order(t, t->desk, &body);
        *t->request = (struct mr_request_body){.kind = MR_REQ_REGISTER_DELETE};
        t->request->u.register_delete.kind = MR_REGISTER_REQUEST;
        memcpy(t->request->u.register_delete.account, open[i].account, 16);
        call(t, l, MR_OK);
    }
    link_close(l);
    return count;
}

void town_issue(struct town *t, const uint8_t account[16], int64_t amount)
{
    struct mr_order_body body = {.kind = MR_KIND_ISSUE};
    struct mr_issue *const i = &body.u.issue;
    i->banks_count = i->lines_count = 1;
    randombytes_buf(i->banks[0].ref, sizeof i->banks[0].ref);
    i->banks[0].amount = i->lines[0].amount = amount;
    memcpy(i->lines[0].member, account, 16);
    order(t, t->treasury, &body);
}

void town_list(struct town *t, const uint8_t account[16], const char *alias, const char *name,
               bool listed)
{
    struct mr_order_body body = {.kind = MR_KIND_LIST};
    struct mr_list *const l = &body.u.list;
    memcpy(l->account, account, 16);
    l->listed = listed;
    SET(l, alias, alias);
    SET(l, name, name);
    SET(l, trade, "bakery");
    SET(l, town, "Testa");
    SET(l, opening, "7-19");
    order(t, t->desk, &body);
}

void town_freeze(struct town *t, const uint8_t account[16], bool frozen)
{
    struct mr_order_body body = {.kind = MR_KIND_FLAG};
    memcpy(body.u.flag.account, account, 16);
    body.u.flag.frozen = frozen;
    body.u.flag.reason = MR_REASON_OTHER;
    order(t, t->desk, &body);
}

void town_account(struct town *t, struct mr_rep_account *ret, const uint8_t account[16])
{
    struct link *const l = connect_as(t, NULL);
    *t->request = (struct mr_request_body){.kind = MR_REQ_ACCOUNT};
    memcpy(t->request->u.account.account, account, 16);
    call(t, l, MR_OK);
    *ret = t->reply->body.u.account;
    link_close(l);
}

void town_parse(const struct town *t, uint8_t ret[16], const char *address)
{
    must(mr_address_parse(ret, NULL, t->charter->prefix, address) == MR_OK);
}
