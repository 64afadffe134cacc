#include "lib/teller.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { CALL_MS = 20000 };

static void make(struct teller *t)
{
    *t = (struct teller){.ask = calloc(1, sizeof *t->ask), .reply = calloc(1, sizeof *t->reply)};
    ck_assert(t->ask != NULL && t->reply != NULL);
    world_init(&t->w);
    scratch_make(t->dir);
}

static void fill(struct teller *t, const char *conf)
{
    ck_assert_int_lt(snprintf(t->data, sizeof t->data, "%.500s/data", t->dir), (int)sizeof t->data);
    ck_assert_int_eq(mkdir(t->data, 0700), 0);
    ck_assert_int_eq(nodedir_write(t->data, &t->w.charter, &t->w.log_key, &t->w.log_key,
                                   conf != NULL ? conf : nodedir_conf),
                     MR_OK);
}

void teller_make(struct teller *t, const char *conf)
{
    make(t);
    fill(t, conf);
}

bool teller_make_small(struct teller *t, const char *conf, size_t disk_bytes)
{
    make(t);
    const bool can = scratch_small_disk(t->dir, disk_bytes);
    if (can)
        fill(t, conf);
    return can;
}

void teller_start(struct teller *t)
{
    char path[SCRATCH_PATH_MAX + 32];
    t->node = nodedir_start(t->data, &t->port);
    ck_assert_ptr_nonnull(t->node);
    snprintf(path, sizeof path, "%s/run/control.sock", t->data);
    const struct link_config config = {
        .address = path, .ledger = t->w.ledger, .timeout_ms = CALL_MS};
    ck_assert_int_eq(link_open(&t->local, &config), MR_OK);
}

static void forget(struct teller *t)
{
    proc_end(t->node);
    link_close(t->local);
    t->node = NULL;
    t->local = NULL;
}

int teller_stop(struct teller *t)
{
    proc_signal(t->node, SIGTERM);
    const int code = proc_wait(t->node, PROC_DEADLINE_MS);
    if (code != 0) {
        char *text = proc_text(t->node);
        fprintf(stderr, "mereaud ended with %d:\n%s", code, text != NULL ? text : "");
        free(text);
    }
    forget(t);
    return code;
}

void teller_kill(struct teller *t)
{
    proc_signal(t->node, SIGKILL);
    proc_wait(t->node, PROC_DEADLINE_MS);
    forget(t);
}

void teller_done(struct teller *t)
{
    forget(t);
    world_done(&t->w);
    scratch_remove(t->dir);
    free(t->ask);
    free(t->reply);
}

struct link *teller_wallet(const struct teller *t)
{
    char address[32];
    struct link *l = NULL;
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)t->port);
    const struct link_config config = {.address = address,
                                       .pinned = &t->w.charter.nodes[0].transport_key,
                                       .ledger = t->w.ledger,
                                       .timeout_ms = CALL_MS};
    ck_assert_int_eq(link_open(&l, &config), MR_OK);
    return l;
}

enum mr_status teller_call(struct teller *t)
{
    return link_call(t->local, t->reply, t->ask);
}

static const struct mr_rep_account *account(struct teller *t, const uint8_t id[16])
{
    t->ask->kind = MR_REQ_ACCOUNT;
    memcpy(t->ask->u.account.account, id, 16);
    ck_assert_int_eq(teller_call(t), MR_OK);
    return &t->reply->body.u.account;
}

void teller_order(struct teller *t, struct mr_signed_order *ret, const uint8_t id[16],
                  enum mr_order_kind kind)
{
    struct timespec now;
    const struct mr_rep_account *a = account(t, id);
    clock_gettime(CLOCK_REALTIME, &now);
    t->w.now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    world_order_on(&t->w, ret, id, &a->hot.chain, a->policy, kind);
}

enum mr_status teller_submit(struct teller *t, const struct mr_signed_order *o)
{
    t->ask->kind = MR_REQ_SUBMIT;
    t->ask->u.submit.order = *o;
    t->ask->u.submit.memo_count = 0;
    return teller_call(t);
}

enum mr_status teller_open(struct teller *t, enum mr_account_class class)
{
    static struct mr_signed_order o;
    teller_order(t, &o, t->w.desk, MR_KIND_OPEN);
    world_open_body(&t->w, &o.order.body.u.open, 0, class);
    world_sign(&t->w, &o);
    const enum mr_status st = teller_submit(t, &o);
    if (st == MR_SETTLED)
        t->w.members_count++;
    return st;
}

enum mr_status teller_issue(struct teller *t, uint32_t member, int64_t amount)
{
    static struct mr_signed_order o;
    teller_order(t, &o, t->w.treasury, MR_KIND_ISSUE);
    world_issue_body(&t->w, &o.order.body.u.issue, member, amount);
    world_sign(&t->w, &o);
    return teller_submit(t, &o);
}

enum mr_status teller_pay(struct teller *t, uint32_t from, uint32_t to, int64_t amount)
{
    static struct mr_signed_order o;
    teller_order(t, &o, t->w.members[from].id, MR_KIND_PAY);
    world_pay_body(&t->w, &o.order.body.u.pay, to, amount);
    world_sign(&t->w, &o);
    return teller_submit(t, &o);
}

int64_t teller_balance(struct teller *t, const uint8_t id[16], uint32_t unit)
{
    return account(t, id)->hot.chain.balances[unit].minor;
}
