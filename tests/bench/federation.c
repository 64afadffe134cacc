/* Four nodes on one machine: what they settle, how soon, and how a node that was down catches up.
 */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench/bench.h"

enum {
    NODES = 4,
    LATENCY_RATE = 200,
    LATENCY_S = 10,
    GOAL_DELAYS = 3,      /* p50 is under so many one-way delays */
    GOAL_REST_US = 15000, /* and this */
    CHECKPOINT_S = 5,
    AGREE_S = 60,
    CATCH_UP_S = 600,
    ASK_MS = 20,
};

struct run {
    struct out *out;
    struct command *c;
    struct estate *e;
    const struct plan *plan;
    struct deck deck;
    uint64_t cpu_ms[NODES + 1]; /* of each node, and of this program */
};

static uint64_t own_cpu_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static enum mr_status agree(struct run *r)
{
    return estate_agree(r->e, 0, AGREE_S) == MR_OK
               ? MR_OK
               : out_fail(r->out, MR_NO_ANSWER, "the nodes do not get to the same point");
}

/* --- as much as they can ---------------------------------------------------------------------- */

static enum mr_status read_cpu(struct run *r, struct figures *first)
{
    struct figures f;
    enum mr_status st = MR_OK;
    for (uint32_t i = 0; i < NODES && st == MR_OK; i++) {
        st = estate_figures(r->e, i, i == 0 ? first : &f);
        r->cpu_ms[i] = i == 0 ? first->cpu_ms : f.cpu_ms;
    }
    r->cpu_ms[NODES] = own_cpu_ms();
    return st;
}

static void tell_cost(struct run *r, const struct outcome *got, const struct figures *before,
                      const struct figures *after, const uint64_t *was_ms)
{
    const double n = got->settled > 0 ? (double)got->settled : 1;
    const uint64_t turns = after->turn - before->turn;
    uint64_t nodes_ms = 0;
    for (uint32_t i = 0; i < NODES; i++)
        nodes_ms += r->cpu_ms[i] - was_ms[i];
    const double nodes = (double)nodes_ms * 1e3 / n;
    const double own = (double)(r->cpu_ms[NODES] - was_ms[NODES]) * 1e3 / n;
    const double log = (double)(after->log_bytes - before->log_bytes) / n;
    const double bodies = (double)(after->body_bytes - before->body_bytes) / n;
    out_print(r->out,
              "processor a payment          %8.0f us in the four nodes together, %.0f us in the "
              "load generator\n",
              nodes, own);
    out_print(r->out,
              "bytes a payment, each node   %8.0f journal (log %.0f, bodies %.0f); turns of %.1f "
              "payments\n",
              log + bodies, log, bodies, turns > 0 ? n / (double)turns : 0);
    put_real(r->out, "nodes_cpu_us_per_payment", nodes);
    put_real(r->out, "load_cpu_us_per_payment", own);
    put_real(r->out, "journal_bytes_per_payment", log + bodies);
    put_real(r->out, "payments_per_turn", turns > 0 ? n / (double)turns : 0);
}

static enum mr_status saturate(struct run *r)
{
    const struct plan *const p = r->plan;
    const struct load l = {.conns = (unsigned)p->clients,
                           .window = (unsigned)p->window,
                           .requests = (uint64_t)p->payments,
                           .seconds = (uint64_t)p->seconds};
    struct outcome got;
    struct figures before, after;
    uint64_t was_ms[NODES + 1];
    double verified = limit_verify(r->e, &r->deck, (unsigned)p->threads);
    enum mr_status st = read_cpu(r, &before);
    memcpy(was_ms, r->cpu_ms, sizeof was_ms);
    if (st == MR_OK)
        st = phase(r->out, r->c, r->e, &r->deck, &l, &got, "saturated", "saturated");
    if (st == MR_OK)
        st = agree(r);
    if (st == MR_OK)
        st = read_cpu(r, &after);
    if (st != MR_OK)
        return st;
    verified = limit_again(r->e, &r->deck, (unsigned)p->threads, verified);
    const double limit = verified / NODES, rate = per_second(&got);
    out_print(r->out,
              "verification limit           %8.0f payments/s: %.0f signatures/s on %lld threads, "
              "divided by %d nodes; ratio %.3f (goal 0.4)\n",
              limit, verified, (long long)p->threads, NODES, limit > 0 ? rate / limit : 0);
    put_real(r->out, "verify_limit_per_second", limit);
    put_real(r->out, "verify_ratio", limit > 0 ? rate / limit : 0);
    tell_cost(r, &got, &before, &after, was_ms);
    return MR_OK;
}

/* --- how soon --------------------------------------------------------------------------------- */

static enum mr_status latency(struct run *r, uint32_t delay_ms)
{
    const struct plan *const p = r->plan;
    const uint64_t seconds = (uint64_t)(p->seconds < LATENCY_S ? p->seconds : LATENCY_S);
    const struct load l = {.conns = (unsigned)p->clients,
                           .window = (unsigned)p->window,
                           .rate = LATENCY_RATE,
                           .requests = (uint64_t)p->payments < LATENCY_RATE * seconds
                                           ? (uint64_t)p->payments
                                           : LATENCY_RATE * seconds};
    const uint64_t goal_us = GOAL_DELAYS * delay_ms * UINT64_C(1000) + GOAL_REST_US;
    struct outcome got;
    char name[32], text[64];
    snprintf(name, sizeof name, "delay_%ums", (unsigned)delay_ms);
    snprintf(text, sizeof text, "%d/s, %u ms between nodes", LATENCY_RATE, (unsigned)delay_ms);
    enum mr_status st = delay_ms == 0 ? MR_OK : estate_delay(r->e, delay_ms * 1000);
    if (st != MR_OK)
        return out_fail(r->out, st, "%s", text);
    st = phase(r->out, r->c, r->e, &r->deck, &l, &got, name, text);
    if (st != MR_OK)
        return st;
    out_print(r->out, "                                      p50 is %.2f of the goal, %llu ms\n",
              (double)got.p50_us / (double)goal_us, (unsigned long long)goal_us / 1000);
    return agree(r);
}

/* --- a checkpoint ----------------------------------------------------------------------------- */

/* People pay while the nodes agree on one: how long they are held up. */
static enum mr_status checkpoint(struct run *r)
{
    const struct plan *const p = r->plan;
    const struct load l = {.conns = (unsigned)p->clients,
                           .window = (unsigned)p->window,
                           .rate = LATENCY_RATE,
                           .requests = (uint64_t)p->payments < LATENCY_RATE * CHECKPOINT_S
                                           ? (uint64_t)p->payments
                                           : LATENCY_RATE * CHECKPOINT_S};
    struct outcome got;
    uint64_t before = 0, after = 0;
    enum mr_status st = estate_checkpoints(r->e, 0, &before);
    if (st == MR_OK)
        st = estate_checkpoint(r->e);
    if (st == MR_OK)
        st =
            phase(r->out, r->c, r->e, &r->deck, &l, &got, "checkpoint", "200/s, with a checkpoint");
    if (st == MR_OK)
        st = agree(r);
    if (st == MR_OK)
        st = estate_checkpoints(r->e, 0, &after);
    if (st != MR_OK)
        return st;
    out_print(
        r->out,
        "                             %8llu agreed; the longest that anybody waited: %.0f ms\n",
        (unsigned long long)(after - before), (double)got.most_us / 1e3);
    out_int(r->out, "checkpoints", (int64_t)(after - before));
    out_int(r->out, "checkpoint_most_us", (int64_t)got.most_us);
    return MR_OK;
}

/* --- one that was down ------------------------------------------------------------------------ */

static enum mr_status wait_settled(struct run *r, uint64_t wanted, uint64_t *ret_ns)
{
    const struct timespec step = {.tv_nsec = ASK_MS * 1000000L}; /* each asks for a new session */
    const uint64_t start = bench_ns();
    struct progress p;
    uint64_t now = 0;
    enum mr_status st = MR_OK;
    progress_begin(&p, r->c, "catching up", wanted);
    while (st == MR_OK && now < wanted) {
        st = estate_settled(r->e, NODES - 1, &now);
        if (st == MR_OK && bench_ns() - start > CATCH_UP_S * UINT64_C(1000000000))
            st = MR_NO_ANSWER;
        progress_update(&p, now);
        nanosleep(&step, NULL);
    }
    progress_end(&p);
    *ret_ns = bench_ns() - start;
    return st;
}

static enum mr_status catch_up(struct run *r)
{
    const struct load l = {.conns = (unsigned)r->plan->clients,
                           .window = (unsigned)r->plan->window,
                           .requests = (uint64_t)r->plan->behind};
    struct outcome got;
    uint64_t settled, ns = 0;
    proc_signal(r->e->nodes[NODES - 1].proc, SIGKILL);
    proc_wait(r->e->nodes[NODES - 1].proc, PROC_DEADLINE_MS);
    proc_end(r->e->nodes[NODES - 1].proc);
    r->e->nodes[NODES - 1].proc = NULL;
    enum mr_status st =
        phase(r->out, r->c, r->e, &r->deck, &l, &got, "three_nodes", "one node is down");
    if (st == MR_OK)
        st = agree(r);
    if (st == MR_OK)
        st = estate_settled(r->e, 0, &settled);
    if (st != MR_OK)
        return st;
    const uint64_t start = bench_ns();
    st = estate_start(r->e, NODES - 1);
    const double up_s = (double)(bench_ns() - start) / 1e9;
    if (st == MR_OK)
        st = wait_settled(r, settled, &ns);
    if (st != MR_OK)
        return out_fail(r->out, st, "the node does not catch up");
    const double took_s = (double)ns / 1e9;
    out_print(r->out,
              "catching up                  %8.0f orders/s: %llu missed ones in %.2f s, after "
              "%.2f s to start\n",
              (double)got.settled / took_s, (unsigned long long)got.settled, took_s, up_s);
    out_int(r->out, "missed", (int64_t)got.settled);
    put_real(r->out, "catch_up_seconds", took_s);
    put_real(r->out, "catch_up_per_second", (double)got.settled / took_s);
    return agree(r);
}

/* --- all -------------------------------------------------------------------------------------- */

static enum mr_status measure(struct run *r)
{
    static const uint32_t delays_ms[] = {5, 20};
    const struct plan *const p = r->plan;
    const uint64_t all = (uint64_t)(p->payments + p->behind) +
                         LATENCY_RATE * (UINT64_C(3) * LATENCY_S + CHECKPOINT_S);
    /* Some members are quicker than others. */
    const uint32_t rounds = (uint32_t)((all + all / 4) / (uint64_t)p->accounts) + 2;
    enum mr_status st = estate_payments(r->e, &r->deck, rounds, bench_processors());
    if (st != MR_OK)
        return out_fail(r->out, st, NULL);
    st = saturate(r);
    if (st == MR_OK)
        st = latency(r, 0);
    if (st == MR_OK)
        st = checkpoint(r);
    if (st == MR_OK)
        st = catch_up(r);
    for (size_t i = 0; i < sizeof delays_ms / sizeof delays_ms[0] && st == MR_OK; i++)
        st = latency(r, delays_ms[i]);
    deck_done(&r->deck);
    return st;
}

void run_federation(struct command *c, struct out *out)
{
    struct plan p;
    struct estate *e = calloc(1, sizeof *e);
    struct run r = {.out = out, .c = c, .e = e, .plan = &p};
    if (e == NULL || sodium_init() < 0) {
        out_fail(out, MR_NO_MEMORY, NULL);
    } else if (plan_read(&p, c, out) == MR_OK) {
        const enum mr_status st = estate_open(e, p.data, (uint32_t)p.accounts, NODES);
        if (st != MR_OK)
            out_fail(out, st, NULL);
        if (st == MR_OK && populate(out, c, e) == MR_OK) {
            tell_machine(out, e->dir);
            out_print(out,
                      "load         %d nodes of which 3 settle, %lld accounts, %lld connections "
                      "spread over them,\n             one thread, orders signed beforehand\n\n",
                      NODES, (long long)p.accounts, (long long)p.clients);
            out_int(out, "nodes", NODES);
            out_int(out, "accounts", p.accounts);
            out_int(out, "clients", p.clients);
            out_int(out, "window", p.window);
            measure(&r);
        }
        estate_close(e);
    }
    free(e);
}
