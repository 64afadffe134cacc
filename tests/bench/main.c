/* mereau-bench: what a node does on this machine, beside what the machine could do at most. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/audit.h"
#include "bench/bench.h"

static void tell_limits(struct out *out, const struct estate *e, const struct outcome *full,
                        const struct figures *before, const struct figures *after, double verified,
                        unsigned threads)
{
    const double rate = per_second(full), n = full->settled > 0 ? (double)full->settled : 1;
    const uint64_t turns = after->turn - before->turn;
    const double per_turn = turns > 0 ? n / (double)turns : 1;
    const uint64_t journal =
        after->log_bytes - before->log_bytes + after->body_bytes - before->body_bytes;
    uint64_t one_us, turn_us;
    const double ones = limit_append(e->dir, (size_t)((double)journal / n) + 1, &one_us);
    const double batches =
        limit_append(e->dir, (size_t)(turns > 0 ? journal / turns : journal) + 1, &turn_us);
    out_print(out,
              "verification limit           %8.0f signatures/s on %u threads; ratio %.3f "
              "(goal 0.4)\n",
              verified, threads, verified > 0 ? rate / verified : 0);
    out_print(out,
              "append limit                 %8.0f synced appends/s of one payment's bytes; "
              "ratio %.2f\n",
              ones, ones > 0 ? rate / ones : 0);
    out_print(out, "                             %8.0f payments/s in turns of %.1f; ratio %.2f\n",
              batches * per_turn, per_turn, batches > 0 ? rate / (batches * per_turn) : 0);
    out_print(out, "bytes per payment            %8.0f journal (log %.0f, bodies %.0f)\n",
              (double)journal / n, (double)(after->log_bytes - before->log_bytes) / n,
              (double)(after->body_bytes - before->body_bytes) / n);
    out_print(out, "                             %8.0f growth of the store file\n",
              (double)(after->store_bytes - before->store_bytes) / n);
    if (after->written_known)
        out_print(out, "                             %8.0f written to the disk by the process\n",
                  (double)(after->written_bytes - before->written_bytes) / n);
    out_print(out,
              "node                         %8.0f us of processor a payment, %.1f MiB "
              "resident (%.1f anonymous)\n",
              (double)(after->cpu_ms - before->cpu_ms) * 1e3 / n,
              (double)after->rss_bytes / 1048576, (double)after->rss_anon_bytes / 1048576);
    put_real(out, "verify_limit_per_second", verified);
    put_real(out, "verify_ratio", verified > 0 ? rate / verified : 0);
    put_real(out, "append_limit_per_second", ones);
    put_real(out, "append_batch_limit_per_second", batches * per_turn);
    put_real(out, "payments_per_turn", per_turn);
    put_real(out, "journal_bytes_per_payment", (double)journal / n);
    put_real(out, "store_bytes_per_payment",
             (double)(after->store_bytes - before->store_bytes) / n);
    if (after->written_known)
        put_real(out, "written_bytes_per_payment",
                 (double)(after->written_bytes - before->written_bytes) / n);
    put_real(out, "node_cpu_us_per_payment", (double)(after->cpu_ms - before->cpu_ms) * 1e3 / n);
    out_int(out, "resident_bytes", (int64_t)after->rss_bytes);
    out_int(out, "resident_anonymous_bytes", (int64_t)after->rss_anon_bytes);
}

static enum mr_status measure(struct out *out, struct command *c, struct estate *e,
                              const struct plan *p)
{
    struct deck d = {0};
    struct outcome got, full;
    struct figures before, after;
    const uint64_t all = (uint64_t)p->payments;
    const unsigned conns = (unsigned)p->clients;
    /* The phases take 1 + 1/3 + 1/4 + 1/20 of the payments. */
    const uint32_t rounds =
        (uint32_t)((all * 2 + (uint64_t)p->accounts) / (uint64_t)p->accounts) + 1;
    struct load l = {.conns = conns,
                     .window = (unsigned)p->window,
                     .requests = all,
                     .seconds = (uint64_t)p->seconds};
    enum mr_status st = estate_payments(e, &d, rounds, bench_processors());
    if (st != MR_OK)
        return out_fail(out, st, NULL);
    double verified = limit_verify(e, &d, (unsigned)p->threads);
    st = estate_figures(e, 0, &before);
    if (st == MR_OK)
        st = phase(out, c, e, &d, &l, &full, "saturated", "saturated");
    if (st == MR_OK)
        st = estate_figures(e, 0, &after);
    verified = limit_again(e, &d, (unsigned)p->threads, verified);
    l.window = 1;
    l.requests = all / 4;
    if (st == MR_OK)
        st = phase(out, c, e, &d, &l, &got, "clients", "each waits for its answer");
    l.requests = all / 3;
    l.window = (unsigned)p->window;
    l.rate = (uint64_t)(per_second(&full) / 2) + 1;
    if (st == MR_OK)
        st = phase(out, c, e, &d, &l, &got, "moderate", "half of that, evenly");
    l = (struct load){
        .conns = 1, .window = 1, .requests = all / 20, .seconds = (uint64_t)p->seconds};
    if (st == MR_OK)
        st = phase(out, c, e, &d, &l, &got, "one_client", "one client");
    if (st == MR_OK)
        tell_limits(out, e, &full, &before, &after, verified, (unsigned)p->threads);
    deck_done(&d);
    return st;
}

static void run_solo(struct command *c, struct out *out)
{
    struct plan p;
    struct estate *e = calloc(1, sizeof *e);
    if (e == NULL || sodium_init() < 0) {
        out_fail(out, MR_NO_MEMORY, NULL);
    } else if (plan_read(&p, c, out) == MR_OK) {
        const enum mr_status st = estate_open(e, p.data, (uint32_t)p.accounts, 1);
        if (st != MR_OK)
            out_fail(out, st, NULL);
        if (st == MR_OK && populate(out, c, e) == MR_OK) {
            tell_machine(out, e->dir);
            out_print(out,
                      "load         %lld accounts, %lld connections, one thread, orders signed "
                      "beforehand\n\n",
                      (long long)p.accounts, (long long)p.clients);
            out_int(out, "accounts", p.accounts);
            out_int(out, "clients", p.clients);
            out_int(out, "window", p.window);
            measure(out, c, e, &p);
        }
        estate_close(e);
    }
    free(e);
}

static void tell_memory(struct out *out, const struct figures *f, const char *name,
                        const char *text)
{
    char field[64];
    out_print(out, "%-34s %8.1f MiB resident, %8.1f MiB of it anonymous\n", text,
              (double)f->rss_bytes / 1048576, (double)f->rss_anon_bytes / 1048576);
    snprintf(field, sizeof field, "%s_resident_bytes", name);
    out_int(out, field, (int64_t)f->rss_bytes);
    snprintf(field, sizeof field, "%s_anonymous_bytes", name);
    out_int(out, field, (int64_t)f->rss_anon_bytes);
}

static void run_memory(struct command *c, struct out *out)
{
    struct plan p;
    struct figures f;
    struct estate *e = calloc(1, sizeof *e);
    if (e == NULL || sodium_init() < 0) {
        out_fail(out, MR_NO_MEMORY, NULL);
    } else if (plan_read(&p, c, out) == MR_OK) {
        const int64_t accounts = opt_text(c, "accounts") != NULL ? p.accounts : 100000;
        enum mr_status st = estate_open(e, p.data, (uint32_t)accounts, 1);
        if (st != MR_OK)
            out_fail(out, st, NULL);
        else
            st = populate(out, c, e);
        if (st == MR_OK)
            st = estate_figures(e, 0, &f);
        if (st == MR_OK) {
            out_print(out, "%lld accounts, store file %.1f MiB\n", (long long)accounts,
                      (double)f.store_bytes / 1048576);
            out_int(out, "accounts", accounts);
            out_int(out, "store_bytes", (int64_t)f.store_bytes);
            tell_memory(out, &f, "after_load", "after opening and issuing to all");
            st = estate_stop(e, 0);
            if (st == MR_OK)
                st = estate_start(e, 0);
        }
        if (st == MR_OK && estate_figures(e, 0, &f) == MR_OK)
            tell_memory(out, &f, "after_restart", "after a restart");
        estate_close(e);
    }
    free(e);
}

static const struct option_row options[] = {
    {"accounts", 'n', N_("N"), N_("members of the ledger (1000; memory: 100000)")},
    {"clients", 'w', N_("W"), N_("wallet connections (32)")},
    {"window", 0, N_("K"), N_("payments under way on a connection when saturated (16)")},
    {"payments", 'p', N_("P"), N_("payments of the saturated run (60000)")},
    {"seconds", 's', N_("S"), N_("longest time of each run (30)")},
    {"threads", 't', N_("T"), N_("threads of the verification limit (all processors)")},
    {"behind", 'b', N_("B"), N_("federation: payments a node missed when it comes back (100000)")},
    {"data", 'd', N_("DIR"), N_("new data directory to use and keep; else a temporary one")},
    {0},
};

static const struct option_row book_options[] = {
    {"accounts", 'n', N_("N"), N_("members of the ledger (1000)")},
    {"payments", 'p', N_("P"), N_("signed payments to write (60000)")},
    {"threads", 't', N_("T"), N_("threads that verify (all processors)")},
    {"data", 'd', N_("DIR"), N_("data directory to write to and keep, or to take as it is")},
    {0},
};

static const struct option_row audit_options[] = {
    {"rows", 'r', N_("N"), N_("movements (1, 5 and 10 million)")},
    {"accounts", 'n', N_("N"), N_("members (10000)")},
    {"threads", 't', N_("T"), N_("threads (all processors)")},
    {"six", 0, NULL, N_("the six statistics of scripts/bench-duckdb alone")},
    {"write", 0, N_("FILE"), N_("write the movements as CSV and measure nothing")},
    {0},
};

static const struct command_row commands[] = {
    {"solo", run_solo, N_("settled payments of one node, and the machine's limits"), N_("Commands"),
     options, NULL, NULL},
    {"federation", run_federation, N_("settled payments of four nodes, and latency between them"),
     N_("Commands"), options, NULL, NULL},
    {"verify", run_verify, N_("the auditor on a node's journal, beside the signature limit"),
     N_("Commands"), book_options, NULL, NULL},
    {"write", run_write, N_("a node's directory with many payments, or more of them in one"),
     N_("Commands"), book_options, NULL, NULL},
    {"audit", run_audit, N_("statistics over millions of made-up movements"), N_("Commands"),
     audit_options, NULL, NULL},
    {"memory", run_memory, N_("memory of a node with many accounts"), N_("Commands"), options, NULL,
     NULL},
    {0},
};

static const struct program bench = {.name = "mereau-bench",
                                     .summary = N_("load a node and measure it"),
                                     .commands = commands,
                                     .first = "solo federation"};

int main(int argc, char **argv)
{
    return command_main(&bench, argc, argv);
}
