/* What the commands share: the machine, the members, one run and its line. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bench/bench.h"

enum { AGREE_S = 60 };

unsigned bench_processors(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n <= 64 ? (unsigned)n : 1;
}

enum mr_status plan_read(struct plan *ret, const struct command *c, struct out *out)
{
    const struct {
        const char *name;
        int64_t *value, min, max;
    } rows[] = {
        {"accounts", &ret->accounts, 40, 1000000}, {"clients", &ret->clients, 1, CONNS_MAX},
        {"window", &ret->window, 1, WINDOW_MAX},   {"payments", &ret->payments, 100, 10000000},
        {"seconds", &ret->seconds, 1, 3600},       {"threads", &ret->threads, 1, 64},
        {"behind", &ret->behind, 100, 10000000}};
    *ret = (struct plan){.accounts = 1000,
                         .clients = 32,
                         .window = 16,
                         .payments = 60000,
                         .seconds = 30,
                         .threads = bench_processors(),
                         .behind = 100000,
                         .data = opt_text(c, "data")};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (opt_int(c, out, rows[i].value, rows[i].name, rows[i].min, rows[i].max) == MR_USAGE)
            return MR_USAGE;
    return MR_OK;
}

/* One run of a deck; anything but SETTLED for every request is a failure. */
static enum mr_status run_load(struct out *out, struct command *c, struct outcome *ret,
                               struct estate *e, struct deck *d, const struct load *l,
                               const char *what)
{
    struct progress p;
    progress_begin(&p, c, what, l->requests);
    const enum mr_status st = load_run(ret, e, d, l, &p);
    progress_end(&p);
    if (st != MR_OK)
        return out_fail(out, st, "%s: %s", what, mr_status_text(st));
    if (ret->failed > 0)
        return out_fail(out, ret->status, "%s: an order was answered: %s", what,
                        mr_status_text(ret->status));
    return MR_OK;
}

enum mr_status populate(struct out *out, struct command *c, struct estate *e)
{
    static enum mr_status (*const make[])(struct estate *, struct deck *) = {estate_opens,
                                                                             estate_issues};
    static const char *const what[] = {"opening accounts", "issuing"};
    uint64_t sent = 0;
    for (size_t i = 0; i < 2; i++) {
        struct deck deck = {0};
        struct outcome got;
        enum mr_status st = make[i](e, &deck);
        uint64_t all = 0;
        for (uint32_t k = 0; k < deck.chains_count; k++)
            all += deck.chains[k].count;
        const struct load l = {
            .conns = e->charter.associations_count, .window = 4, .requests = all};
        if (st == MR_OK)
            st = run_load(out, c, &got, e, &deck, &l, what[i]);
        deck_done(&deck);
        if (st == MR_OK && got.settled != all)
            st = out_fail(out, MR_NO_ANSWER, "%s: not all orders were settled", what[i]);
        sent += all;
        if (st == MR_OK && estate_agree(e, sent, AGREE_S) != MR_OK)
            st = out_fail(out, MR_NO_ANSWER, "%s: the nodes do not agree", what[i]);
        if (st != MR_OK)
            return st;
    }
    return MR_OK;
}

double per_second(const struct outcome *o)
{
    return o->ns == 0 ? 0 : (double)o->settled * 1e9 / (double)o->ns;
}

void put_real(struct out *out, const char *name, double value)
{
    out_json(out, name, json_real(value));
}

void tell_machine(struct out *out, const char *dir)
{
    struct utsname u;
    struct statfs fs;
    char cpu[128] = "unknown processor", line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL) {
            snprintf(cpu, sizeof cpu, "%s", strchr(line, ':') + 2);
            cpu[strcspn(cpu, "\n")] = '\0';
            break;
        }
    }
    if (f != NULL)
        fclose(f);
    uint64_t median = 0;
    limit_append(dir, 4096, &median);
    const bool known = uname(&u) == 0 && statfs(dir, &fs) == 0;
    out_print(out, "machine      %u x %s, Linux %s, libsodium %s\n", bench_processors(), cpu,
              known ? u.release : "?", sodium_version_string());
    out_print(out, "disk         file system type %#lx, %llu us to append 4096 bytes and sync\n",
              known ? (unsigned long)fs.f_type : 0, (unsigned long long)median);
    out_print(out, "durability   every answer after fdatasync of the journal (order and log)\n");
    out_text(out, "processor", cpu);
    out_int(out, "processors", bench_processors());
    out_text(out, "kernel", known ? u.release : "");
    out_int(out, "sync_4096_us", (int64_t)median);
    out_text(out, "durability", "fdatasync before every answer");
}

/* One phase of payments and its line. */
enum mr_status phase(struct out *out, struct command *c, struct estate *e, struct deck *d,
                     const struct load *l, struct outcome *got, const char *name, const char *text)
{
    char field[64];
    const enum mr_status st = run_load(out, c, got, e, d, l, text);
    if (st != MR_OK)
        return st;
    out_print(out, "%-28s %8.0f payments/s   p50 %6.2f ms   p99 %6.2f ms   (%llu, window %u)\n",
              text, per_second(got), (double)got->p50_us / 1e3, (double)got->p99_us / 1e3,
              (unsigned long long)got->settled, l->window);
    snprintf(field, sizeof field, "%s_per_second", name);
    put_real(out, field, per_second(got));
    snprintf(field, sizeof field, "%s_p50_us", name);
    out_int(out, field, (int64_t)got->p50_us);
    snprintf(field, sizeof field, "%s_p99_us", name);
    out_int(out, field, (int64_t)got->p99_us);
    if (got->settled > 0 && got->receipts == 0)
        return out_fail(out, MR_BAD_RECEIPT, "no receipt of this run verified");
    return MR_OK;
}

double limit_again(const struct estate *e, const struct deck *d, unsigned threads, double before)
{
    const double after = limit_verify(e, d, threads);
    return after > before ? after : before;
}
