#include "lib/federation.h"
#include "lib/loopback.h"

#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "mereau/codec.h"
#include "mereau/id.h"

enum { CALL_MS = 20000, AGREE_MS = 60000, SUBMIT_MS = 60000, STEP_MS = 50, CONF_MAX = 512 };

static uint64_t wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- charter ---------------------------------------------------------------------------------- */

static void make_key(struct mr_seckey *ret, struct mr_pubkey *ret_public, const char *name,
                     uint32_t number)
{
    uint8_t seed[32];
    mr_hash(seed, "test/node-key", name, strlen(name), &number, sizeof number);
    mr_seckey_from_seed(ret, ret_public, seed);
}

static void add_association(struct federation *f, uint32_t i)
{
    struct mr_association *const a = &f->w.charter.associations[i];
    *a = f->w.charter.associations[0];
    memset(a->id, (int)(7 + i), sizeof a->id);
    const uint8_t secret[32] = {(uint8_t)(1 + i)}; /* of its register: wallets join */
    ck_assert_int_eq(crypto_scalarmult_curve25519_base(a->register_key, secret), 0);
    a->name_len = (uint32_t)snprintf(a->name, sizeof a->name, "Association %u", (unsigned)i + 1);
    a->alias_len = (uint32_t)snprintf(a->alias, sizeof a->alias, "town%u", (unsigned)i + 1);
    mr_sub_account(f->desks[i], a->id, MR_CLASS_DESK);
    mr_sub_account(f->treasuries[i], a->id, MR_CLASS_TREASURY);
}

static void add_node(struct federation *f, uint32_t i, bool proxied)
{
    struct mr_node *const c = &f->w.charter.nodes[i];
    struct federation_node *const n = &f->nodes[i];
    n->wallet = loopback_free_port();
    n->peer = loopback_free_port();
    n->http = loopback_free_port();
    *c = (struct mr_node){.number = i + 1};
    memcpy(c->association, f->w.charter.associations[i].id, sizeof c->association);
    make_key(&n->log_key, &c->log_key, "log", i);
    make_key(&n->transport_key, &c->transport_key, "transport", i);
    c->address_len =
        (uint32_t)snprintf(c->address, sizeof c->address, "127.0.0.1:%u", (unsigned)n->wallet);
    if (proxied)
        ck_assert_ptr_nonnull(n->proxy = proxy_start(0, &n->peer, 1));
    c->peer_address_len =
        (uint32_t)snprintf(c->peer_address, sizeof c->peer_address, "127.0.0.1:%u",
                           (unsigned)(proxied ? proxy_port(n->proxy) : n->peer));
}

static void write_conf(char ret[CONF_MAX], const struct federation_node *n, uint32_t number)
{
    snprintf(ret, CONF_MAX,
             "[node]\nnumber = %u\nverify-threads = 1\n[wallet]\nlisten = 127.0.0.1:%u\n"
             "[peer]\nlisten = 127.0.0.1:%u\n[http]\nlisten = 127.0.0.1:%u\n"
             "[journal]\nsegment-size = 8MiB\n",
             (unsigned)number, (unsigned)n->wallet, (unsigned)n->peer, (unsigned)n->http);
}

static void name_dir(struct federation *f, uint32_t i)
{
    struct federation_node *const n = &f->nodes[i];
    ck_assert_int_lt(snprintf(n->data, sizeof n->data, "%.500s/node%u", f->dir, (unsigned)i + 1),
                     (int)sizeof n->data);
}

static void write_dir(struct federation *f, uint32_t i)
{
    struct federation_node *const n = &f->nodes[i];
    char conf[CONF_MAX];
    name_dir(f, i);
    ck_assert_int_eq(mkdir(n->data, 0700), 0);
    write_conf(conf, n, i + 1);
    ck_assert_int_eq(nodedir_write(n->data, &f->w.charter, &n->log_key, &n->transport_key, conf),
                     MR_OK);
}

void federation_copy(struct federation *f, uint32_t node, uint32_t twin)
{
    struct federation_node *const t = &f->nodes[twin];
    char conf[CONF_MAX], path[SCRATCH_PATH_MAX + 32];
    name_dir(f, twin);
    const char *const argv[] = {"/bin/cp", "-r", f->nodes[node].data, t->data, NULL};
    struct proc *const p = proc_start(argv);
    ck_assert(p != NULL && proc_wait(p, PROC_DEADLINE_MS) == 0);
    proc_end(p);
    t->wallet = loopback_free_port();
    t->peer = loopback_free_port();
    t->http = loopback_free_port();
    write_conf(conf, t, node + 1);
    snprintf(path, sizeof path, "%s/mereaud.conf", t->data);
    ck_assert_int_eq(file_write(path, conf, strlen(conf), 0600, true), MR_OK);
}

void federation_configure(struct federation *f, uint32_t node, const char *more)
{
    struct federation_node *const n = &f->nodes[node];
    char conf[CONF_MAX], path[SCRATCH_PATH_MAX + 32];
    write_conf(conf, n, node + 1);
    const size_t len = strlen(conf);
    ck_assert_uint_lt((size_t)snprintf(conf + len, CONF_MAX - len, "%s", more), CONF_MAX - len);
    snprintf(path, sizeof path, "%s/mereaud.conf", n->data);
    ck_assert_int_eq(file_write(path, conf, strlen(conf), 0600, true), MR_OK);
}

static void make(struct federation *f, uint32_t n, uint32_t quorum, bool proxied)
{
    const char *what = "";
    ck_assert_uint_le(n, FEDERATION_MAX);
    *f = (struct federation){
        .n = n, .ask = calloc(1, sizeof *f->ask), .reply = calloc(1, sizeof *f->reply)};
    ck_assert(f->ask != NULL && f->reply != NULL);
    world_init(&f->w);
    scratch_make(f->dir);
    f->w.charter.associations_count = f->w.charter.nodes_count = n;
    f->w.charter.quorum = quorum;
    f->w.charter.created_ms = wall_ms(); /* or a checkpoint would be due */
    for (uint32_t i = 0; i < n; i++)
        add_association(f, i);
    for (uint32_t i = 0; i < n; i++)
        add_node(f, i, proxied);
    mr_ledger_id(f->w.ledger, &f->w.charter);
    ck_assert_msg(mr_charter_check(&f->w.charter, &what) == MR_OK, "charter: %s", what);
    for (uint32_t i = 0; i < n; i++)
        write_dir(f, i);
}

void federation_make(struct federation *f, uint32_t n, uint32_t quorum)
{
    make(f, n, quorum, false);
}

void federation_make_proxied(struct federation *f, uint32_t n, uint32_t quorum)
{
    make(f, n, quorum, true);
}

/* --- processes -------------------------------------------------------------------------------- */

void federation_start(struct federation *f, uint32_t node)
{
    federation_start_in(f, node, NULL);
}

void federation_start_in(struct federation *f, uint32_t node, const char *const *env)
{
    struct federation_node *const n = &f->nodes[node];
    char path[SCRATCH_PATH_MAX + 32];
    n->proc = nodedir_start_in(n->data, env, NULL);
    ck_assert_ptr_nonnull(n->proc);
    snprintf(path, sizeof path, "%s/run/control.sock", n->data);
    const struct link_config config = {
        .address = path, .ledger = f->w.ledger, .timeout_ms = CALL_MS};
    ck_assert_int_eq(link_open(&n->local, &config), MR_OK);
}

struct link *federation_as_peer(const struct federation *f, uint32_t node, uint16_t port,
                                uint32_t number, const struct mr_seckey *key)
{
    static const uint8_t none[MR_ACCOUNT_BYTES] = {0};
    char address[32];
    struct link *l = NULL;
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    const struct link_config config = {.address = address,
                                       .pinned = &f->w.charter.nodes[node].transport_key,
                                       .ledger = f->w.ledger,
                                       .timeout_ms = CALL_MS};
    ck_assert_int_eq(link_open(&l, &config), MR_OK);
    if (key != NULL)
        link_identify(l, MR_AUTH_PEER, none, number, key, NULL);
    return l;
}

void federation_start_all(struct federation *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        federation_start(f, i);
}

static void forget(struct federation_node *n)
{
    proc_end(n->proc);
    link_close(n->local);
    n->proc = NULL;
    n->local = NULL;
}

int federation_stop(struct federation *f, uint32_t node)
{
    struct federation_node *const n = &f->nodes[node];
    proc_signal(n->proc, SIGTERM);
    const int code = proc_wait(n->proc, PROC_DEADLINE_MS);
    if (code != 0) {
        char *text = proc_text(n->proc);
        fprintf(stderr, "mereaud %u ended with %d:\n%s", (unsigned)node + 1, code,
                text != NULL ? text : "");
        free(text);
    }
    forget(n);
    return code;
}

void federation_kill(struct federation *f, uint32_t node)
{
    proc_signal(f->nodes[node].proc, SIGKILL);
    proc_wait(f->nodes[node].proc, PROC_DEADLINE_MS);
    forget(&f->nodes[node]);
}

void federation_done(struct federation *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        forget(&f->nodes[i]);
        proxy_stop(f->nodes[i].proxy);
    }
    world_done(&f->w);
    scratch_remove(f->dir);
    free(f->ask);
    free(f->reply);
}

void federation_audit(const struct federation *f, uint32_t node)
{
    const char *const argv[] = {MEREAU_BIN_DIR "/mereau-audit", "verify", f->nodes[node].data,
                                NULL};
    struct proc *const p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    const int code = proc_wait(p, PROC_DEADLINE_MS);
    char *text = proc_text(p);
    ck_assert_msg(code == 0, "mereau-audit of node %u ended with %d:\n%s", (unsigned)node + 1, code,
                  text != NULL ? text : "");
    free(text);
    proc_end(p);
}

/* --- questions -------------------------------------------------------------------------------- */

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

enum mr_status federation_call(struct federation *f, uint32_t node)
{
    return link_call(f->nodes[node].local, f->reply, f->ask);
}

const struct mr_rep_peers *federation_peers(struct federation *f, uint32_t node)
{
    *f->ask = (struct mr_request_body){.kind = MR_REQ_PEERS};
    ck_assert_int_eq(federation_call(f, node), MR_OK);
    return &f->reply->body.u.peers;
}

void federation_wait_mode(struct federation *f, uint32_t node, enum mr_status mode)
{
    const uint64_t late = wall_ms() + AGREE_MS;
    uint32_t now;
    while ((now = federation_peers(f, node)->mode) != (uint32_t)mode) {
        ck_assert_msg(wall_ms() < late, "node %u is %s", (unsigned)node + 1,
                      mr_status_name(mr_status_from_number(now)));
        pause_ms(STEP_MS);
    }
}

static const struct mr_rep_account *account(struct federation *f, uint32_t node,
                                            const uint8_t id[16])
{
    f->ask->kind = MR_REQ_ACCOUNT;
    memcpy(f->ask->u.account.account, id, 16);
    ck_assert_int_eq(federation_call(f, node), MR_OK);
    return &f->reply->body.u.account;
}

int64_t federation_balance(struct federation *f, uint32_t node, uint32_t member)
{
    return account(f, node, f->w.members[member].id)->hot.chain.balances[0].minor;
}

struct mr_state_chain federation_chain(struct federation *f, uint32_t node, uint32_t member,
                                       uint32_t *ret_policy)
{
    const struct mr_rep_account *const a = account(f, node, f->w.members[member].id);
    *ret_policy = a->policy;
    return a->hot.chain;
}

static const struct mr_rep_node *node_facts(struct federation *f, uint32_t node)
{
    *f->ask = (struct mr_request_body){.kind = MR_REQ_NODE};
    ck_assert_int_eq(federation_call(f, node), MR_OK);
    return &f->reply->body.u.node;
}

/* --- orders ----------------------------------------------------------------------------------- */

void federation_order(struct federation *f, uint32_t node, struct mr_signed_order *ret,
                      const uint8_t id[16], enum mr_order_kind kind)
{
    const struct mr_rep_account *const a = account(f, node, id);
    f->w.now_ms = wall_ms();
    world_order_on(&f->w, ret, id, &a->hot.chain, a->policy, kind);
}

void federation_sign(struct federation *f, struct mr_signed_order *o)
{
    world_sign(&f->w, o);
    for (uint32_t i = 0; i < f->n; i++) {
        const bool desk = memcmp(o->order.account, f->desks[i], 16) == 0;
        const bool treasury = memcmp(o->order.account, f->treasuries[i], 16) == 0;
        for (uint32_t k = 0; k < WORLD_OPERATORS && (treasury || (desk && k == 0)); k++)
            mr_order_sign(o, k, &f->w.operators[k]);
    }
}

static bool is_undecided(enum mr_status st)
{
    return st == MR_VOTING || st == MR_CERTIFIED || st == MR_PARKED || st == MR_STARTING ||
           st == MR_NO_QUORUM || st == MR_BUSY || st == MR_BEHIND;
}

enum mr_status federation_submit(struct federation *f, uint32_t node,
                                 const struct mr_signed_order *o, int patience_ms)
{
    const uint64_t late = wall_ms() + (uint64_t)patience_ms;
    for (;;) {
        f->ask->kind = MR_REQ_SUBMIT;
        f->ask->u.submit.order = *o;
        f->ask->u.submit.memo_count = 0;
        const enum mr_status st = federation_call(f, node);
        if (!is_undecided(st) || wall_ms() >= late)
            return st;
        pause_ms(STEP_MS);
    }
}

void federation_open(struct federation *f, uint32_t node, uint32_t association,
                     enum mr_account_class class)
{
    static struct mr_signed_order o;
    federation_order(f, node, &o, f->desks[association], MR_KIND_OPEN);
    world_open_body(&f->w, &o.order.body.u.open, association, class);
    federation_sign(f, &o);
    ck_assert_int_eq(federation_submit(f, node, &o, SUBMIT_MS), MR_SETTLED);
    f->w.members_count++;
}

void federation_issue(struct federation *f, uint32_t node, uint32_t association, uint32_t member,
                      int64_t amount)
{
    static struct mr_signed_order o;
    federation_order(f, node, &o, f->treasuries[association], MR_KIND_ISSUE);
    world_issue_body(&f->w, &o.order.body.u.issue, member, amount);
    federation_sign(f, &o);
    ck_assert_int_eq(federation_submit(f, node, &o, SUBMIT_MS), MR_SETTLED);
}

enum mr_status federation_pay(struct federation *f, uint32_t node, uint32_t from, uint32_t to,
                              int64_t amount)
{
    static struct mr_signed_order o;
    federation_order(f, node, &o, f->w.members[from].id, MR_KIND_PAY);
    world_pay_body(&f->w, &o.order.body.u.pay, to, amount);
    federation_sign(f, &o);
    return federation_submit(f, node, &o, SUBMIT_MS);
}

/* --- agreement -------------------------------------------------------------------------------- */

static bool all_settled(struct federation *f, uint64_t at_least)
{
    uint64_t settled = 0;
    bool known = false;
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->nodes[i].proc == NULL)
            continue;
        const uint64_t here = node_facts(f, i)->settled;
        if (here < at_least || (known && here != settled))
            return false;
        settled = here;
        known = true;
    }
    return true;
}

static void wait_settled(struct federation *f, uint64_t at_least)
{
    const uint64_t late = wall_ms() + AGREE_MS;
    while (!all_settled(f, at_least)) {
        for (uint32_t i = 0; i < f->n && wall_ms() >= late; i++)
            if (f->nodes[i].proc != NULL)
                fprintf(stderr, "node %u settled %llu\n", (unsigned)i + 1,
                        (unsigned long long)node_facts(f, i)->settled);
        ck_assert_msg(wall_ms() < late, "the nodes do not get to the same point");
        pause_ms(STEP_MS);
    }
}

static void same_chains(struct federation *f, uint32_t a, uint32_t b)
{
    for (uint32_t m = 0; m < f->w.members_count; m++) {
        const struct mr_state_chain one = account(f, a, f->w.members[m].id)->hot.chain;
        const struct mr_state_chain *const two = &account(f, b, f->w.members[m].id)->hot.chain;
        ck_assert_uint_eq(one.next_seq, two->next_seq);
        ck_assert_mem_eq(one.head, two->head, sizeof one.head);
        ck_assert_uint_eq(one.balances_count, two->balances_count);
        for (uint32_t u = 0; u < one.balances_count; u++)
            ck_assert_int_eq(one.balances[u].minor, two->balances[u].minor);
    }
}

static void same_sums(struct federation *f, uint32_t a, uint32_t b)
{
    const struct mr_rep_node one = *node_facts(f, a);
    const struct mr_rep_node *const two = node_facts(f, b);
    ck_assert_uint_eq(one.issued_count, f->n);
    ck_assert_uint_eq(one.accounts, two->accounts);
    for (uint32_t i = 0; i < f->n; i++) {
        ck_assert_int_eq(one.issued[i].minor, two->issued[i].minor);
        ck_assert_int_eq(one.reserve[i].minor, two->reserve[i].minor);
        ck_assert_int_eq(one.redeemed[i].minor, two->redeemed[i].minor);
    }
}

void federation_agree(struct federation *f, uint64_t at_least)
{
    uint32_t first = f->n;
    wait_settled(f, at_least);
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->nodes[i].proc == NULL)
            continue;
        if (first == f->n) {
            first = i;
            continue;
        }
        same_chains(f, first, i);
        same_sums(f, first, i);
    }
}
