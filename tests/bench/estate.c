/* A data directory of its own and the node on it. */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"
#include "common/file.h"
#include "common/link.h"
#include "lib/nodedir.h"
#include "lib/scratch.h"
#include "mereau/id.h"
#include "mereau/order.h"

static const char conf[] = "[wallet]\nlisten = 127.0.0.1:0\n"
                           "address-max = 1000\n";

static void make_key(struct mr_seckey *ret, struct mr_pubkey *ret_public)
{
    uint8_t seed[32];
    randombytes_buf(seed, sizeof seed);
    mr_seckey_from_seed(ret, ret_public, seed);
    sodium_memzero(seed, sizeof seed);
}

static uint32_t set_text(char *field, const char *text)
{
    memcpy(field, text, strlen(text) + 1);
    return (uint32_t)strlen(text);
}

static void make_charter(struct estate *e)
{
    struct mr_charter *c = &e->charter;
    struct mr_keyset operators = {.threshold = 1, .keys_count = 2};
    *c = (struct mr_charter){.version = 1,
                             .created_ms = 1,
                             .units_count = 2,
                             .nodes_count = 1,
                             .associations_count = MR_ASSOCIATIONS_MAX,
                             .quorum = 1};
    randombytes_buf(c->salt, sizeof c->salt);
    c->name_len = set_text(c->name, "Bench");
    c->prefix_len = set_text(c->prefix, "bench");
    for (uint32_t i = 0; i < 2; i++) {
        c->units[i].code_len = set_text(c->units[i].code, i == 0 ? "BCH" : "EUR");
        c->units[i].role = i == 0 ? MR_UNIT_LOCAL : MR_UNIT_RESERVE;
        c->units[i].decimals = 2;
        make_key(&e->operators[i], &operators.keys[i]);
    }
    for (uint32_t i = 0; i < c->associations_count; i++) {
        struct mr_association *a = &c->associations[i];
        char alias[16];
        randombytes_buf(a->id, sizeof a->id);
        snprintf(alias, sizeof alias, "a%02u", i);
        a->alias_len = set_text(a->alias, alias);
        a->cap = INT64_C(1) << 45;
        a->desk = a->treasury = operators;
        a->treasury.threshold = 2;
    }
    c->governance = operators;
    c->governance.threshold = 2;
    c->nodes[0].number = 1;
    memcpy(c->nodes[0].association, c->associations[0].id, 16);
    make_key(&e->log_key, &c->nodes[0].log_key);
    c->nodes[0].transport_key = c->nodes[0].log_key;
    c->nodes[0].address_len = set_text(c->nodes[0].address, "127.0.0.1:1");
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

enum mr_status estate_open(struct estate *e, const char *dir, uint32_t members)
{
    enum mr_status st = make_dir(e, dir);
    if (st != MR_OK)
        return st;
    e->members = calloc(members, sizeof *e->members);
    if (e->members == NULL)
        return MR_NO_MEMORY;
    e->members_count = members;
    make_charter(e);
    for (uint32_t i = 0; i < members; i++) {
        struct member *m = &e->members[i];
        randombytes_buf(m->id, sizeof m->id);
        make_key(&m->key, &m->public);
        m->next_seq = 1;
    }
    st = nodedir_write(e->dir, &e->charter, &e->log_key, &e->log_key, conf);
    return st == MR_OK ? estate_restart(e) : st;
}

enum mr_status estate_restart(struct estate *e)
{
    if (e->node != NULL) {
        proc_signal(e->node, SIGTERM);
        if (proc_wait(e->node, PROC_DEADLINE_MS) != 0)
            return MR_NO_ANSWER;
        proc_end(e->node);
    }
    e->node = nodedir_start(e->dir, &e->port);
    return e->node != NULL ? MR_OK : MR_UNREACHABLE;
}

void estate_close(struct estate *e)
{
    if (e->node != NULL) {
        proc_signal(e->node, SIGTERM);
        proc_wait(e->node, PROC_DEADLINE_MS);
    }
    proc_end(e->node);
    if (e->own_dir)
        scratch_remove(e->dir);
    if (e->members != NULL)
        sodium_memzero(e->members, e->members_count * sizeof *e->members);
    free(e->members);
}

/* --- figures ---------------------------------------------------------------------------------- */

/* Value of a line "key: number" of a file in /proc/PID. */
static bool proc_number(uint64_t *ret, pid_t pid, const char *file, const char *key)
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

enum mr_status estate_figures(struct estate *e, struct figures *ret)
{
    char path[FILE_PATH_MAX];
    struct stat store;
    struct link *l = NULL;
    const pid_t pid = proc_pid(e->node);
    struct mr_reply *reply = malloc(sizeof *reply);
    *ret = (struct figures){0};
    snprintf(path, sizeof path, "%s/run/control.sock", e->dir);
    const struct link_config config = {.address = path, .ledger = e->ledger, .timeout_ms = 60000};
    enum mr_status st = reply == NULL ? MR_NO_MEMORY : link_open(&l, &config);
    if (st == MR_OK)
        st = ask(ret, l, reply);
    link_close(l);
    free(reply);
    snprintf(path, sizeof path, "%s/store/data.mdb", e->dir);
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
