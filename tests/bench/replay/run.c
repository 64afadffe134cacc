#include "bench/replay/run.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/link.h"
#include "common/term.h"
#include "mereau/id.h"
#include "mereau/order.h"

enum { DESK_LANE = 0, OPENS_AHEAD = 4 };

enum job_kind { JOB_OPEN, JOB_ISSUE, JOB_PAY, JOB_REDEEM, JOB_PAYOUT };

/* One request under way: its order, and the rows it stands for. */
struct job {
    enum job_kind kind;
    uint64_t time_ms;
    uint8_t order[32];
    uint32_t count, rows[MR_BANKS_MAX];
};

struct member {
    struct chain chain;
    struct mr_seckey key;
    int64_t balance;
    bool funded;
    uint32_t turn; /* its next row */
};

/* Row numbers in order of arrival; every row enters once. */
struct fifo {
    uint32_t *rows;
    size_t first, last;
};

struct run {
    struct payments *book;
    const struct ledger *ledger;
    const struct run_config *config;
    struct run_result *result;
    struct pool *pool;
    struct link *control;
    struct mr_reply *reply;
    struct member *members;
    struct chain desk, treasury;
    uint32_t opens_sent, opened;
    bool treasury_busy;
    struct fifo issues, payments, payouts;
    struct mr_redemption_ref *redemptions; /* of rows, made when the first redemption settles */
    uint64_t done, payouts_done, payouts_all;
    struct mr_request_body body;
    enum mr_status st;
};

static uint64_t ticks_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The first trouble counts. */
__attribute__((format(printf, 3, 4))) static void fail(struct run *r, enum mr_status st,
                                                       const char *format, ...)
{
    va_list args;
    if (r->st != MR_OK)
        return;
    r->st = st;
    va_start(args, format);
    vsnprintf(r->result->trouble, sizeof r->result->trouble, format, args);
    va_end(args);
}

static bool fifo_make(struct fifo *f, size_t count)
{
    f->rows = malloc((count + 1) * sizeof *f->rows);
    return f->rows != NULL;
}

static void put(struct fifo *f, uint32_t row)
{
    f->rows[f->last++] = row;
}

/* --- the order of the rows -------------------------------------------------------------------- */

/* A row's turn has come when it is the next of both its accounts. */
static void offer(struct run *r, uint32_t i)
{
    const struct row *row = &r->book->rows[i];
    if (row->payer != NO_MEMBER && r->members[row->payer].turn != i)
        return;
    if (row->payee != NO_MEMBER && r->members[row->payee].turn != i)
        return;
    put(row->kind == ROW_ISSUE ? &r->issues : &r->payments, i);
}

static void finish(struct run *r, uint32_t i)
{
    const struct row *row = &r->book->rows[i];
    const uint32_t payer = row->payer, payee = row->payee;
    r->done++;
    if (payer != NO_MEMBER)
        r->members[payer].turn = row->payer_next;
    if (payee != NO_MEMBER)
        r->members[payee].turn = row->payee_next;
    if (row->payer_next != NO_ROW)
        offer(r, row->payer_next);
    if (row->payee_next != NO_ROW && row->payee_next != row->payer_next)
        offer(r, row->payee_next);
}

/* --- sending ---------------------------------------------------------------------------------- */

static struct job *job_new(struct run *r, enum job_kind kind, uint32_t row)
{
    struct job *j = calloc(1, sizeof *j);
    if (j == NULL) {
        fail(r, MR_NO_MEMORY, "out of memory");
        return NULL;
    }
    j->kind = kind;
    if (row != NO_ROW)
        j->rows[j->count++] = row;
    return j;
}

/* Takes the job. */
static void job_send(struct run *r, struct job *j, int lane)
{
    if (pool_send(r->pool, j, lane, &r->body) != MR_OK) {
        free(j);
        fail(r, MR_NO_MEMORY, "out of memory");
    }
}

/* What the chain continues from once this order has settled: known before. */
static void job_note(struct job *j, const struct mr_order *o)
{
    mr_order_id(j->order, o);
    j->time_ms = o->time_ms;
}

static void chain_step(struct chain *c, const struct job *j)
{
    c->seq++;
    c->time_ms = j->time_ms;
    memcpy(c->prev, j->order, 32);
}

static void sign_treasury(struct run *r)
{
    for (uint32_t i = 0; i < REPLAY_OPERATORS; i++)
        mr_order_sign(&r->body.u.submit.order, i, &r->ledger->operators[i]);
}

static void send_open(struct run *r)
{
    const uint32_t i = r->opens_sent;
    struct member *m = &r->members[i];
    struct mr_pubkey public;
    struct job *j = job_new(r, JOB_OPEN, NO_ROW);
    if (j == NULL)
        return;
    ledger_member_id(r->ledger, i, m->chain.account);
    ledger_member_key(r->ledger, i, &m->key, &public);
    struct mr_open *o = &order_begin(&r->body, r->ledger, &r->desk, MR_KIND_OPEN)->body.u.open;
    memcpy(o->account, m->chain.account, 16);
    o->class = MR_CLASS_RESIDENT;
    o->keys.threshold = o->keys.keys_count = 1;
    o->keys.keys[0] = public;
    mr_order_sign(&r->body.u.submit.order, 0, &r->ledger->operators[0]);
    job_note(j, &r->body.u.submit.order.order);
    chain_step(&r->desk, j);
    job_send(r, j, DESK_LANE);
    r->opens_sent++;
}

/* As many issues as wait, in one order: one bank line each. */
static void send_issue(struct run *r)
{
    struct job *j = job_new(r, JOB_ISSUE, NO_ROW);
    if (j == NULL)
        return;
    struct mr_issue *o =
        &order_begin(&r->body, r->ledger, &r->treasury, MR_KIND_ISSUE)->body.u.issue;
    while (j->count < MR_BANKS_MAX && r->issues.first < r->issues.last) {
        const uint32_t i = r->issues.rows[r->issues.first++];
        const struct row *row = &r->book->rows[i];
        ledger_bank_ref(r->ledger, o->banks[j->count].ref, "IN", row->line);
        o->banks[j->count].amount = o->lines[j->count].amount = row->minor;
        memcpy(o->lines[j->count].member, r->members[row->payee].chain.account, 16);
        o->lines[j->count].bank = j->count;
        j->rows[j->count++] = i;
    }
    o->banks_count = o->lines_count = j->count;
    sign_treasury(r);
    job_note(j, &r->body.u.submit.order.order);
    r->treasury_busy = true;
    job_send(r, j, POOL_NO_LANE);
}

static void send_payout(struct run *r)
{
    const uint32_t i = r->payouts.rows[r->payouts.first++];
    struct job *j = job_new(r, JOB_PAYOUT, i);
    if (j == NULL)
        return;
    struct mr_payout *o =
        &order_begin(&r->body, r->ledger, &r->treasury, MR_KIND_PAYOUT)->body.u.payout;
    o->redemption = r->redemptions[i];
    ledger_bank_ref(r->ledger, o->bank_ref, "OUT", r->book->rows[i].line);
    sign_treasury(r);
    job_note(j, &r->body.u.submit.order.order);
    r->treasury_busy = true;
    job_send(r, j, POOL_NO_LANE);
}

static struct mr_order *order_of_row(struct run *r, const struct row *row)
{
    const bool pays = row->kind == ROW_PAY;
    struct mr_order *o = order_begin(&r->body, r->ledger, &r->members[row->payer].chain,
                                     pays ? MR_KIND_PAY : MR_KIND_REDEEM);
    if (pays) {
        o->body.u.pay.unit = REPLAY_UNIT;
        o->body.u.pay.lines_count = 1;
        o->body.u.pay.lines[0].amount = row->minor;
        o->body.u.pay.lines[0].what = MR_LINE_PAYMENT;
        memcpy(o->body.u.pay.lines[0].payee, r->members[row->payee].chain.account, 16);
    } else {
        memcpy(o->body.u.redeem.association, r->ledger->charter.associations[0].id, 16);
        o->body.u.redeem.amount = row->minor;
    }
    return o;
}

/* Our own books say that the payer has too little: nothing is signed, and the node must agree. */
static void ask(struct run *r, uint32_t i)
{
    struct row *row = &r->book->rows[i];
    const struct mr_order order = *order_of_row(r, row);
    r->body.kind = MR_REQ_CHECK;
    r->body.u.check = order;
    const enum mr_status st = link_call(r->control, r->reply, &r->body);
    if (st != MR_FUNDS_SHORT) {
        fail(r, MR_CHECK_FAILED, "line %llu: the payer has too little, but the node answers %s",
             (unsigned long long)row->line, mr_status_name(st));
        return;
    }
    row->reason = r->members[row->payer].funded ? REASON_SHORT : REASON_UNFUNDED;
    finish(r, i);
}

static void send_row(struct run *r, uint32_t i)
{
    const struct row *row = &r->book->rows[i];
    if (r->members[row->payer].balance < row->minor) {
        ask(r, i);
        return;
    }
    struct job *j = job_new(r, row->kind == ROW_PAY ? JOB_PAY : JOB_REDEEM, i);
    if (j == NULL)
        return;
    const struct mr_order *o = order_of_row(r, row);
    mr_order_sign(&r->body.u.submit.order, 0, &r->members[row->payer].key);
    job_note(j, o);
    job_send(r, j, POOL_NO_LANE);
}

static void settled(struct run *r, const struct job *j, uint32_t i, const struct chain *chain)
{
    struct row *row = &r->book->rows[i];
    char order[65], account[33];
    row->settled = true;
    if (row->payer != NO_MEMBER)
        r->members[row->payer].balance -= row->minor;
    if (row->payee != NO_MEMBER) {
        r->members[row->payee].balance += row->minor;
        r->members[row->payee].funded = true;
    }
    mr_hex_format(order, j->order, 32);
    mr_hex_format(account, chain->account, 16);
    fprintf(r->config->map, "%llu,%s,%s,%s,%lld,%s,%s,%llu\n", (unsigned long long)row->line,
            row->id, row->time, payments_kind_text(row->kind), (long long)row->minor, order,
            account, (unsigned long long)chain->seq);
    finish(r, i);
}

static void redeemed(struct run *r, const struct job *j)
{
    const uint32_t i = j->rows[0];
    const struct chain *c = &r->members[r->book->rows[i].payer].chain;
    struct mr_redemption_ref *ref = &r->redemptions[i];
    memcpy(ref->account, c->account, 16);
    ref->seq = c->seq;
    memcpy(ref->order, j->order, 32);
    ref->amount = r->book->rows[i].minor;
    put(&r->payouts, i);
    r->payouts_all++;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void on_settled(struct run *r, const struct job *j)
{
    r->result->orders++;
    switch (j->kind) {
    case JOB_OPEN:
        r->opened++;
        return;
    case JOB_ISSUE:
        chain_step(&r->treasury, j);
        r->treasury_busy = false;
        for (uint32_t k = 0; k < j->count; k++)
            settled(r, j, j->rows[k], &r->treasury);
        return;
    case JOB_PAYOUT:
        chain_step(&r->treasury, j);
        r->treasury_busy = false;
        r->payouts_done++;
        return;
    case JOB_PAY:
    case JOB_REDEEM: {
        struct chain *c = &r->members[r->book->rows[j->rows[0]].payer].chain;
        chain_step(c, j);
        if (j->kind == JOB_REDEEM)
            redeemed(r, j);
        settled(r, j, j->rows[0], c);
        return;
    }
    }
}

static void on_answer(void *ctx, void *job, const struct mr_reply *reply)
{
    struct run *r = ctx;
    struct job *j = job;
    const enum mr_status st = (enum mr_status)reply->status;
    const struct row *row = j->count > 0 ? &r->book->rows[j->rows[0]] : NULL;
    if (st == MR_SETTLED || st == MR_ALREADY_DONE)
        on_settled(r, j);
    else
        fail(r, MR_CHECK_FAILED, "line %llu: the node answers %s: %s",
             row != NULL ? (unsigned long long)row->line : 0, mr_status_name(st), reply->detail);
    free(j);
}

/* --- all -------------------------------------------------------------------------------------- */

static enum mr_status open_all(struct run *r, struct progress *p)
{
    while (r->st == MR_OK && r->opened < r->book->accounts.count) {
        while (r->st == MR_OK && r->opens_sent < r->book->accounts.count &&
               r->opens_sent - r->opened < OPENS_AHEAD)
            send_open(r);
        const enum mr_status st = pool_wait(r->pool);
        if (st != MR_OK)
            fail(r, st, "the node: %s", mr_status_text(st));
        progress_update(p, r->opened);
    }
    return r->st;
}

static void send_what_may(struct run *r)
{
    const size_t most = (size_t)r->config->connections * POOL_WINDOW;
    if (!r->treasury_busy && r->issues.first < r->issues.last)
        send_issue(r);
    else if (!r->treasury_busy && r->payouts.first < r->payouts.last)
        send_payout(r);
    while (r->st == MR_OK && r->payments.first < r->payments.last &&
           pool_open_requests(r->pool) < most)
        send_row(r, r->payments.rows[r->payments.first++]);
}

static enum mr_status pay_all(struct run *r, struct progress *p, uint64_t rows)
{
    for (uint32_t i = 0; i < r->book->accounts.count; i++)
        r->members[i].turn = r->book->first[i];
    for (uint32_t i = 0; i < r->book->count; i++)
        if (r->book->rows[i].reason == REASON_NONE)
            offer(r, i);
    while (r->st == MR_OK && (r->done < rows || r->payouts_done < r->payouts_all)) {
        send_what_may(r);
        if (r->st != MR_OK)
            break;
        const enum mr_status st = pool_wait(r->pool);
        if (st != MR_OK)
            fail(r, st, "the node: %s", mr_status_text(st));
        progress_update(p, r->done);
    }
    return r->st;
}

static enum mr_status drive(struct run *r, struct command *c)
{
    struct progress p;
    uint64_t rows = 0, start = ticks_ms();
    for (size_t i = 0; i < r->book->count; i++)
        rows += r->book->rows[i].reason == REASON_NONE ? 1 : 0;
    progress_begin(&p, c, "opening accounts", r->book->accounts.count);
    enum mr_status st = open_all(r, &p);
    progress_end(&p);
    r->result->opened_ms = ticks_ms() - start;
    if (st != MR_OK)
        return st;
    start = ticks_ms();
    progress_begin(&p, c, "paying", rows);
    st = pay_all(r, &p, rows);
    progress_end(&p);
    r->result->paid_ms = ticks_ms() - start;
    return st;
}

enum mr_status run_book(struct run_result *ret, struct payments *b, const struct ledger *l,
                        const struct run_config *config, struct command *c)
{
    struct run *r = calloc(1, sizeof *r);
    *ret = (struct run_result){.trouble = "out of memory"};
    if (r == NULL)
        return MR_NO_MEMORY;
    *r = (struct run){.book = b,
                      .ledger = l,
                      .config = config,
                      .result = ret,
                      .desk = l->desk,
                      .treasury = l->treasury};
    r->members = calloc(b->accounts.count + 1, sizeof *r->members);
    r->redemptions = calloc(b->count + 1, sizeof *r->redemptions);
    r->reply = malloc(sizeof *r->reply);
    const struct link_config control = {.address = config->control, .ledger = l->id};
    enum mr_status st = MR_NO_MEMORY;
    if (r->members != NULL && r->reply != NULL && r->redemptions != NULL &&
        fifo_make(&r->issues, b->count) && fifo_make(&r->payments, b->count) &&
        fifo_make(&r->payouts, b->count))
        st = pool_open(&r->pool, config->address, &l->charter.nodes[0].transport_key,
                       config->connections, on_answer, r);
    if (st == MR_OK)
        st = link_open(&r->control, &control);
    fprintf(config->map, "line,id,time,kind,amount_minor,order,account,seq\n");
    if (st == MR_OK)
        st = drive(r, c);
    if (st == MR_OK && (fflush(config->map) != 0 || ferror(config->map)))
        st = MR_IO_ERROR;
    pool_close(r->pool);
    link_close(r->control);
    free(r->reply);
    if (r->members != NULL)
        sodium_memzero(r->members, b->accounts.count * sizeof *r->members);
    free(r->members);
    free(r->redemptions);
    free(r->issues.rows);
    free(r->payments.rows);
    free(r->payouts.rows);
    free(r);
    return st;
}
