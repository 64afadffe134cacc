/* Data directories of their own and the nodes on them. */
#include <arpa/inet.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/link.h"
#include "lib/nodedir.h"
#include "lib/scratch.h"
#include "mereau/id.h"
#include "mereau/order.h"

enum { CONF_MAX = 512, STEP_MS = 20, AGREE_S = 60, SEED_BYTES = 32 };

static const char estate_name[] = "bench.estate";

/* What estate_name holds: all keys and ids follow from it. */
struct founding {
    uint8_t seed[SEED_BYTES];
    uint64_t created_ms, members;
};

static void draw(struct estate *e, void *ret, size_t n)
{
    uint8_t seed[randombytes_SEEDBYTES];
    crypto_generichash(seed, sizeof seed, (const uint8_t *)&e->draws, sizeof e->draws, e->seed,
                       sizeof e->seed);
    e->draws++;
    randombytes_buf_deterministic(ret, n, seed);
}

static void make_key(struct estate *e, struct mr_seckey *ret, struct mr_pubkey *ret_public)
{
    uint8_t seed[32];
    draw(e, seed, sizeof seed);
    mr_seckey_from_seed(ret, ret_public, seed);
    sodium_memzero(seed, sizeof seed);
}

static uint32_t set_text(char *field, const char *text)
{
    memcpy(field, text, strlen(text) + 1);
    return (uint32_t)strlen(text);
}

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof a) == 0)
        getsockname(fd, (struct sockaddr *)&a, &len);
    if (fd >= 0)
        close(fd);
    return ntohs(a.sin_port);
}

static void make_node(struct estate *e, uint32_t i)
{
    struct mr_node *const c = &e->charter.nodes[i];
    struct bench_node *const n = &e->nodes[i];
    char at[32];
    c->number = i + 1;
    memcpy(c->association, e->charter.associations[i].id, 16);
    make_key(e, &n->log_key, &c->log_key);
    c->transport_key = c->log_key;
    snprintf(at, sizeof at, "127.0.0.1:%u", (unsigned)i + 1);
    c->address_len = set_text(c->address, at); /* the bench knows better */
    if (e->nodes_count == 1)
        return;
    n->at = free_port();
    n->behind = free_port();
    snprintf(at, sizeof at, "127.0.0.1:%u", (unsigned)n->at);
    c->peer_address_len = set_text(c->peer_address, at);
}

static void make_charter(struct estate *e, uint64_t created_ms)
{
    struct mr_charter *c = &e->charter;
    struct mr_keyset operators = {.threshold = 1, .keys_count = 2};
    *c = (struct mr_charter){.version = 1,
                             .created_ms = created_ms,
                             .units_count = 2,
                             .nodes_count = e->nodes_count,
                             .associations_count = MR_ASSOCIATIONS_MAX,
                             .quorum = e->nodes_count - (e->nodes_count - 1) / 3};
    draw(e, c->salt, sizeof c->salt);
    c->name_len = set_text(c->name, "Bench");
    c->prefix_len = set_text(c->prefix, "bench");
    for (uint32_t i = 0; i < 2; i++) {
        c->units[i].code_len = set_text(c->units[i].code, i == 0 ? "BCH" : "EUR");
        c->units[i].role = i == 0 ? MR_UNIT_LOCAL : MR_UNIT_RESERVE;
        c->units[i].decimals = 2;
        make_key(e, &e->operators[i], &operators.keys[i]);
    }
    for (uint32_t i = 0; i < c->associations_count; i++) {
        struct mr_association *a = &c->associations[i];
        char alias[16];
        draw(e, a->id, sizeof a->id);
        snprintf(alias, sizeof alias, "a%02u", i);
        a->alias_len = set_text(a->alias, alias);
        a->cap = INT64_C(1) << 45;
        a->desk = a->treasury = operators;
        a->treasury.threshold = 2;
    }
    c->governance = operators;
    c->governance.threshold = 2;
    for (uint32_t i = 0; i < e->nodes_count; i++)
        make_node(e, i);
    c->policy = (struct mr_policy){.version = 1, .classes_count = 1};
    c->policy.classes[0] = (struct mr_class_rule){.class = MR_CLASS_SHOP,
                                                  .may_pay = true,
                                                  .may_receive = true,
                                                  .may_redeem = true,
                                                  .limit_payment = MR_AMOUNT_MAX,
                                                  .limit_day = MR_AMOUNT_MAX,
                                                  .limit_month = MR_AMOUNT_MAX};
    mr_ledger_id(e->ledger, c);
}

static enum mr_status make_dir(struct estate *e, const char *dir)
{
    if (dir != NULL) {
        snprintf(e->dir, sizeof e->dir, "%s", dir);
        return mkdir(dir, 0700) == 0 ? MR_OK : MR_FILE_EXISTS;
    }
    const char *const tmp = getenv("TMPDIR");
    snprintf(e->dir, sizeof e->dir, "%s/mereau-bench-XXXXXX", tmp != NULL ? tmp : "/tmp");
    e->own_dir = mkdtemp(e->dir) != NULL;
    return e->own_dir ? MR_OK : MR_IO_ERROR;
}

/* What mereaud.conf says; the port for nodes depends on whether a proxy is in front of it. */
static void make_conf(char ret[CONF_MAX], const struct estate *e, uint32_t node)
{
    const struct bench_node *const n = &e->nodes[node];
    const int len = snprintf(ret, CONF_MAX,
                             "[node]\nnumber = %u\n[wallet]\nlisten = 127.0.0.1:0\n"
                             "address-max = 1000\n",
                             (unsigned)node + 1);
    if (e->nodes_count > 1)
        snprintf(ret + len, CONF_MAX - (size_t)len, "[peer]\nlisten = 127.0.0.1:%u\n",
                 (unsigned)(n->proxy != NULL ? n->behind : n->at));
}

static enum mr_status write_node(struct estate *e, uint32_t node)
{
    struct bench_node *const n = &e->nodes[node];
    char conf[CONF_MAX];
    make_conf(conf, e, node);
    return nodedir_write(n->dir, &e->charter, &n->log_key, &n->log_key, conf);
}

static void name_node(struct estate *e, uint32_t node)
{
    snprintf(e->nodes[node].dir, sizeof e->nodes[node].dir,
             e->nodes_count == 1 ? "%.480s" : "%.480s/node%u", e->dir, (unsigned)node + 1);
}

static enum mr_status make_nodes(struct estate *e)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; i < e->nodes_count && st == MR_OK; i++) {
        name_node(e, i);
        if (e->nodes_count > 1 && mkdir(e->nodes[i].dir, 0700) != 0)
            return MR_FILE_EXISTS;
        st = write_node(e, i);
        if (st == MR_OK)
            st = estate_start(e, i);
    }
    return st == MR_OK ? estate_agree(e, 0, AGREE_S) : st;
}

/* Everything that follows from the seed. Created now, or a checkpoint would be due. */
static enum mr_status make_estate(struct estate *e, uint32_t members, uint32_t nodes,
                                  uint64_t created_ms)
{
    e->members = calloc(members, sizeof *e->members);
    if (e->members == NULL)
        return MR_NO_MEMORY;
    e->members_count = members;
    e->nodes_count = nodes;
    make_charter(e, created_ms);
    for (uint32_t i = 0; i < members; i++) {
        struct member *m = &e->members[i];
        draw(e, m->id, sizeof m->id);
        mr_into_space(m->id, e->charter.associations[i % e->charter.associations_count].id);
        make_key(e, &m->key, &m->public);
        m->next_seq = 1;
    }
    return MR_OK;
}

enum mr_status estate_open(struct estate *e, const char *dir, uint32_t members, uint32_t nodes)
{
    randombytes_buf(e->seed, sizeof e->seed);
    enum mr_status st = make_dir(e, dir);
    if (st == MR_OK)
        st = make_estate(e, members, nodes, clock_ms(CLOCK_REALTIME));
    return st == MR_OK ? make_nodes(e) : st;
}

enum mr_status estate_found(struct estate *e, const char *dir, uint32_t members)
{
    struct founding f = {.created_ms = clock_ms(CLOCK_REALTIME), .members = members};
    char path[FILE_PATH_MAX];
    randombytes_buf(f.seed, sizeof f.seed);
    memcpy(e->seed, f.seed, sizeof e->seed);
    enum mr_status st = make_dir(e, dir);
    if (st == MR_OK)
        st = make_estate(e, members, 1, f.created_ms);
    if (st == MR_OK) {
        name_node(e, 0);
        st = write_node(e, 0);
    }
    if (st == MR_OK)
        st = path_join(path, e->dir, estate_name);
    return st == MR_OK ? file_write(path, (const uint8_t *)&f, sizeof f, 0600, true) : st;
}

enum mr_status estate_take_up(struct estate *e, const char *dir)
{
    struct founding f;
    char path[FILE_PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum mr_status st = path_join(path, dir, estate_name);
    if (st == MR_OK)
        st = file_read(&bytes, &len, path, sizeof f);
    if (st == MR_OK && len != sizeof f)
        st = MR_DAMAGED;
    if (st == MR_OK) {
        memcpy(&f, bytes, sizeof f);
        memcpy(e->seed, f.seed, sizeof e->seed);
        snprintf(e->dir, sizeof e->dir, "%s", dir);
        st = make_estate(e, (uint32_t)f.members, 1, f.created_ms);
    }
    if (st == MR_OK)
        name_node(e, 0);
    free(bytes);
    return st;
}

enum mr_status estate_start(struct estate *e, uint32_t node)
{
    struct bench_node *const n = &e->nodes[node];
    n->proc = nodedir_start(n->dir, &n->port);
    return n->proc != NULL ? MR_OK : MR_UNREACHABLE;
}

enum mr_status estate_stop(struct estate *e, uint32_t node)
{
    struct bench_node *const n = &e->nodes[node];
    proc_signal(n->proc, SIGTERM);
    const int code = proc_wait(n->proc, PROC_DEADLINE_MS);
    proc_end(n->proc);
    n->proc = NULL;
    return code == 0 ? MR_OK : MR_NO_ANSWER;
}

/* From now on a proxy is where the others find this node, which runs behind it. */
static enum mr_status put_proxy(struct estate *e, uint32_t node)
{
    struct bench_node *const n = &e->nodes[node];
    char conf[CONF_MAX], path[FILE_PATH_MAX];
    enum mr_status st = estate_stop(e, node);
    if (st != MR_OK)
        return st;
    n->proxy = proxy_start(n->at, &n->behind, 1);
    if (n->proxy == NULL)
        return MR_UNREACHABLE;
    make_conf(conf, e, node);
    snprintf(path, sizeof path, "%s/mereaud.conf", n->dir);
    st = file_write(path, conf, strlen(conf), 0600, true);
    return st == MR_OK ? estate_start(e, node) : st;
}

enum mr_status estate_delay(struct estate *e, uint32_t us)
{
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; i < e->nodes_count && st == MR_OK; i++) {
        if (e->nodes[i].proxy == NULL)
            st = put_proxy(e, i);
        if (st == MR_OK)
            proxy_delay(e->nodes[i].proxy, us);
    }
    return st == MR_OK ? estate_agree(e, 0, AGREE_S) : st;
}

void estate_close(struct estate *e)
{
    for (uint32_t i = 0; i < e->nodes_count; i++) {
        if (e->nodes[i].proc != NULL)
            estate_stop(e, i);
        proxy_stop(e->nodes[i].proxy);
    }
    if (e->own_dir)
        scratch_remove(e->dir);
    if (e->members != NULL)
        sodium_memzero(e->members, e->members_count * sizeof *e->members);
    free(e->members);
}

/* --- questions -------------------------------------------------------------------------------- */

static enum mr_status open_local(struct link **ret, const struct estate *e, uint32_t node)
{
    char path[FILE_PATH_MAX];
    snprintf(path, sizeof path, "%s/run/control.sock", e->nodes[node].dir);
    const struct link_config config = {.address = path, .ledger = e->ledger, .timeout_ms = 60000};
    return link_open(ret, &config);
}

/* What the node says of itself: reply->body.u.node. */
static enum mr_status ask_node(struct estate *e, uint32_t node, struct mr_reply *reply)
{
    static const struct mr_request_body body = {.kind = MR_REQ_NODE};
    struct link *l = NULL;
    enum mr_status st = open_local(&l, e, node);
    if (st == MR_OK)
        st = link_call(l, reply, &body);
    link_close(l);
    return st;
}

enum mr_status estate_settled(struct estate *e, uint32_t node, uint64_t *ret)
{
    struct mr_reply *const reply = malloc(sizeof *reply);
    const enum mr_status st = reply == NULL ? MR_NO_MEMORY : ask_node(e, node, reply);
    if (st == MR_OK)
        *ret = reply->body.u.node.settled;
    free(reply);
    return st;
}

enum mr_status estate_checkpoints(struct estate *e, uint32_t node, uint64_t *ret)
{
    struct mr_reply *const reply = malloc(sizeof *reply);
    const enum mr_status st = reply == NULL ? MR_NO_MEMORY : ask_node(e, node, reply);
    if (st == MR_OK)
        *ret = reply->body.u.node.checkpoints;
    free(reply);
    return st;
}

enum mr_status estate_checkpoint(struct estate *e)
{
    static const struct mr_request_body body = {.kind = MR_REQ_CONTROL,
                                                .u.control = {MR_CONTROL_CHECKPOINT}};
    struct mr_reply *const reply = malloc(sizeof *reply);
    enum mr_status st = reply == NULL ? MR_NO_MEMORY : MR_OK;
    for (uint32_t i = 0; st == MR_OK && i < e->nodes_count; i++) {
        struct link *l = NULL;
        st = open_local(&l, e, i);
        if (st == MR_OK)
            st = link_call(l, reply, &body);
        link_close(l);
    }
    free(reply);
    return st;
}

static bool agree(struct estate *e, struct mr_reply *reply, uint64_t least)
{
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < e->nodes_count; i++) {
        if (e->nodes[i].proc == NULL)
            continue;
        if (ask_node(e, i, reply) != MR_OK || reply->body.u.node.mode != MR_OK ||
            reply->body.u.node.settled < least)
            return false;
        if (first == UINT64_MAX)
            first = reply->body.u.node.settled;
        if (reply->body.u.node.settled != first)
            return false;
    }
    return true;
}

enum mr_status estate_agree(struct estate *e, uint64_t least, int deadline_s)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    const uint64_t until = bench_ns() + (uint64_t)deadline_s * UINT64_C(1000000000);
    struct mr_reply *const reply = malloc(sizeof *reply);
    bool done = false;
    while (reply != NULL && !done && bench_ns() < until) {
        done = agree(e, reply, least);
        if (!done)
            nanosleep(&step, NULL);
    }
    free(reply);
    return reply == NULL ? MR_NO_MEMORY : done ? MR_OK : MR_NO_ANSWER;
}

/* --- figures ---------------------------------------------------------------------------------- */

bool proc_number(uint64_t *ret, pid_t pid, const char *file, const char *key)
{
    char path[64], line[256];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *f = fopen(path, "re");
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        *ret = strtoull(line + strlen(key), NULL, 10);
        found = true;
    }
    if (f != NULL)
        fclose(f);
    return found;
}

/* Processor time of the node, user and system. */
static uint64_t cpu_ms(pid_t pid)
{
    char path[64], text[1024] = "";
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fgets(text, sizeof text, f) != NULL && strrchr(text, ')') != NULL)
        sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system);
    fclose(f);
    return (uint64_t)(user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static enum mr_status stream_end(uint64_t *ret, struct link *l, enum mr_stream_family family,
                                 struct mr_reply *reply)
{
    struct mr_request_body b = {.kind = MR_REQ_STREAM, .u.stream = {.family = family}};
    const enum mr_status st = link_call(l, reply, &b);
    if (st == MR_OK)
        *ret = reply->body.u.stream.end;
    return st;
}

static enum mr_status ask(struct figures *ret, struct link *l, struct mr_reply *reply)
{
    static const struct mr_request_body flush = {.kind = MR_REQ_CONTROL,
                                                 .u.control = {MR_CONTROL_FLUSH}};
    static const struct mr_request_body node = {.kind = MR_REQ_NODE};
    enum mr_status st = link_call(l, reply, &flush);
    if (st == MR_OK)
        st = link_call(l, reply, &node);
    if (st != MR_OK)
        return st;
    ret->turn = reply->body.u.node.turn;
    ret->settled = reply->body.u.node.settled;
    st = stream_end(&ret->log_bytes, l, MR_FAMILY_LOG, reply);
    return st == MR_OK ? stream_end(&ret->body_bytes, l, MR_FAMILY_BODIES, reply) : st;
}

enum mr_status estate_figures(struct estate *e, uint32_t node, struct figures *ret)
{
    char path[FILE_PATH_MAX];
    struct stat store;
    struct link *l = NULL;
    const pid_t pid = proc_pid(e->nodes[node].proc);
    struct mr_reply *reply = malloc(sizeof *reply);
    *ret = (struct figures){0};
    enum mr_status st = reply == NULL ? MR_NO_MEMORY : open_local(&l, e, node);
    if (st == MR_OK)
        st = ask(ret, l, reply);
    link_close(l);
    free(reply);
    snprintf(path, sizeof path, "%s/store/data.mdb", e->nodes[node].dir);
    if (stat(path, &store) == 0)
        ret->store_bytes = (uint64_t)store.st_blocks * 512;
    ret->written_known = proc_number(&ret->written_bytes, pid, "io", "write_bytes: ");
    if (proc_number(&ret->rss_bytes, pid, "status", "VmRSS:"))
        ret->rss_bytes *= 1024;
    if (proc_number(&ret->rss_anon_bytes, pid, "status", "RssAnon:"))
        ret->rss_anon_bytes *= 1024;
    ret->cpu_ms = cpu_ms(pid);
    return st;
}
