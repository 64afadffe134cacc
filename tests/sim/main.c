/* mereau-sim: a federation in virtual time, from a seed. tests/sim/README.md says what it does. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mereau/assert.h"
#include "sim/sim.h"
#include "sim/truth.h"

enum {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,
    EXIT_HOST = 4,
    EXIT_VIOLATED = 5,
    STEPS = 6000,
    CALM_S = 600, /* virtual time in which everything must have come to its end */
};

static const char *const profiles[PROFILES] = {"calm",      "storm",       "partition", "disk",
                                               "byzantine", "reconfigure", "busy"};

const char *brief(const uint8_t *id)
{
    static char text[4][16];
    static unsigned turn;
    char *t = text[turn++ % 4];
    snprintf(t, sizeof text[0], "%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
    return t;
}

static void command_line(char ret[256], const struct options *o)
{
    int n = snprintf(ret, 256, "mereau-sim --seed %" PRIu64 " --nodes %u", o->seed, o->nodes);
    if (o->quorum != 0)
        n += snprintf(ret + n, 256 - (size_t)n, " --quorum %u", o->quorum);
    n += snprintf(ret + n, 256 - (size_t)n, " --steps %" PRIu64 " --profile %s", o->steps,
                  profiles[o->profile]);
    if (o->beyond)
        n += snprintf(ret + n, 256 - (size_t)n, " --beyond");
    if (o->safety)
        n += snprintf(ret + n, 256 - (size_t)n, " --safety");
    if (o->real_crypto)
        n += snprintf(ret + n, 256 - (size_t)n, " --real-crypto");
    if (o->without != NULL)
        snprintf(ret + n, 256 - (size_t)n, " --without %s", o->without);
}

static double seconds(const struct sim *s)
{
    return (double)s->clock.now_us / SECOND;
}

void tell(const struct sim *s, const char *format, ...)
{
    va_list args;
    if (!s->o.verbose)
        return;
    va_start(args, format);
    printf("%7" PRIu64 " %10.6f  ", s->clock.steps, seconds(s));
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

_Noreturn void violated(struct sim *s, const char *name, const char *format, ...)
{
    char command[256];
    va_list args;
    command_line(command, &s->o);
    va_start(args, format);
    printf("violated %s: ", name);
    vprintf(format, args);
    va_end(args);
    printf("\n  at step %" PRIu64 ", %.6f s of virtual time\n  repeat: %s\n", s->clock.steps,
           seconds(s), command);
    fflush(stdout);
    _exit(EXIT_VIOLATED);
}

/* --- one seed --------------------------------------------------------------------------------- */

static void make(struct sim *s, const struct options *o)
{
    s->o = *o;
    s->nodes = o->nodes;
    s->quorum = o->quorum != 0 ? o->quorum : quorum_of(o->nodes);
    s->tolerated = 2 * s->quorum - s->nodes - 1;
    crypto_real(o->real_crypto);
    rules_apply(s, NULL);
    rng_seed(&s->net, o->seed, 1);
    rng_seed(&s->chance, o->seed, 2);
    rng_seed(&s->people, o->seed, 3);
    rng_seed(&s->lies, o->seed, 4);
    rng_seed(&s->disks, o->seed, 5);
    weather_draw(s);
    world_make(s);
    net_make(s);
    for (uint32_t i = 1; i <= s->nodes; i++)
        node_make(s, &s->copies[s->copies_count], i);
}

static void choose_liars(struct sim *s)
{
    for (uint32_t i = 0; i < s->w.liars; i++) {
        uint32_t number;
        do {
            number = 1 + (uint32_t)rng_below(&s->lies, s->nodes);
        } while (s->liar[number]);
        s->liar[number] = true;
    }
    for (uint32_t i = 1; i <= s->nodes; i++) {
        struct copy *c = &s->copies[i - 1];
        const bool twins = s->o.beyond || rng_chance(&s->lies, 500);
        if (!s->liar[i])
            continue;
        if (twins)
            twin_make(s, i);
        else
            c->lacks = rules_lies(s, false);
        if (!twins || (!s->o.beyond && rng_chance(&s->lies, 300)))
            liar_make(s, c);
    }
}

static void start(struct sim *s)
{
    choose_liars(s);
    for (uint32_t i = 0; i < s->copies_count; i++)
        node_start(s, &s->copies[i]);
    for (uint32_t i = 0; i < s->owners_count; i++)
        if (s->owners[i].role != ROLE_MEMBER && s->owners[i].role != ROLE_CHECKPOINTS)
            owner_start(s, &s->owners[i]);
    faults_start(s);
}

static unsigned convicted(const struct sim *s)
{
    unsigned n = 0;
    for (uint32_t i = 1; i <= s->nodes; i++)
        n += s->convicted >> i & 1;
    return n;
}

/* S15: whoever made S1 break is found out. */
static bool culprits_known(const struct sim *s, char *ret_why, size_t cap)
{
    const unsigned want = 2 * s->quorum - s->nodes;
    snprintf(ret_why, cap, "S1 is broken and %u of %u nodes are convicted", convicted(s), want);
    return convicted(s) >= want;
}

static void settle_down(struct sim *s)
{
    const char *name = "S15";
    char why[256] = "";
    faults_heal(s);
    for (int i = 0; i < (s->o.safety ? CALM_S / 5 : CALM_S); i++) {
        const uint64_t until = s->clock.now_us + SECOND;
        while (s->clock.count > 0 && s->clock.heap[0].at_us <= until)
            (void)clock_step(s, &s->clock);
        s->clock.now_us = until;
        if (s->split && culprits_known(s, why, sizeof why))
            return;
        if (!s->split && final_reached(s, &name, why, sizeof why)) {
            s->final = true;
            final_checks(s);
            return;
        }
    }
    if (!s->split && (s->o.safety || s->o.beyond))
        final_checks(s);
    else
        violated(s, s->split ? "S15" : name, "after %d s of calm %s", CALM_S, why);
}

static void finish(struct sim *s)
{
    for (uint32_t i = 0; i < s->copies_count; i++)
        node_done(&s->copies[i]);
    truth_done(s);
    clock_done(&s->clock);
    free(s->calls);
}

static void report(const struct sim *s, bool line)
{
    printf("%s%" PRIu64 " steps, %" PRIu64 " faults, %" PRIu64 " settled, %" PRIu64
           " voided, %" PRIu64 " receipts, %" PRIu64 " pieces of evidence, %" PRIu64
           " epochs, %" PRIu64 " joins, %" PRIu64 " anew, %" PRIu64 " regroups, %.1f s\n",
           line ? "" : "  ", s->clock.steps, s->counts.faults, s->truth.settled, s->truth.voided,
           s->counts.receipts, s->counts.evidence, s->counts.epochs, s->counts.joins,
           s->counts.anew, s->counts.regroups, seconds(s));
}

/* Counts of all seeds, shared with the processes that run them. */
struct totals {
    uint64_t seeds, steps, faults, settled, voided, receipts, evidence, violated, splits, epochs,
        joins, anew, regroups;
    double seconds;
};

static void run(const struct options *o, struct totals *t)
{
    struct sim *s = calloc(1, sizeof *s);
    mr_assert(s != NULL);
    make(s, o);
    start(s);
    while (s->clock.steps < o->steps && !s->split && clock_step(s, &s->clock))
        continue;
    rest_under_load(s);
    settle_down(s);
    t->seeds++;
    t->steps += s->clock.steps;
    t->faults += s->counts.faults;
    t->settled += s->truth.settled;
    t->voided += s->truth.voided;
    t->receipts += s->counts.receipts;
    t->evidence += s->counts.evidence;
    t->splits += s->split;
    t->epochs += s->counts.epochs;
    t->joins += s->counts.joins;
    t->anew += s->counts.anew;
    t->regroups += s->counts.regroups;
    t->seconds += seconds(s);
    report(s, true);
    finish(s);
    free(s);
}

/* --- the program ------------------------------------------------------------------------------ */

static const struct options *running;

/* An assertion of the engine failed: say how to repeat that, too. */
static void on_abort(int number)
{
    char command[256], text[320];
    command_line(command, running);
    const int n = snprintf(text, sizeof text,
                           "violated ASSERT: an assertion failed\n  repeat: %s\n", command);
    ssize_t done = write(STDOUT_FILENO, text, (size_t)n);
    (void)done;
    (void)number;
    _exit(EXIT_VIOLATED);
}

static void usage(FILE *f)
{
    fputs("Usage: mereau-sim --seed N | --seeds A..B [options]\n"
          "Simulates a federation in virtual time and checks the named invariants.\n\n"
          "  --seed N         run one seed\n"
          "  --seeds A..B     run many; stops at the first that breaks an invariant\n"
          "  --nodes K        1 to 7; 4 when not given\n"
          "  --quorum Q       votes that settle; when not given, for a third of liars\n"
          "  --steps M        steps of the storm; 6000 when not given\n"
          "  --profile P      calm, busy, storm, partition, disk, byzantine or reconfigure\n"
          "  --safety         do not look at what must come, only at what must never be\n"
          "  --beyond         one liar more than is tolerated: the liars must be convicted\n"
          "  --without RULE   switch a rule off: an invariant must break (--rules lists them)\n"
          "  --real-crypto    Ed25519 instead of its stand-in\n"
          "  --keep-going     with --seeds: go on after a broken invariant\n"
          "  --verbose        tell everything that happens\n"
          "  --help\n\n"
          "Exit: 0 all invariants hold, 2 usage, 4 trouble on this host, 5 one is broken.\n",
          f);
}

struct request_line {
    struct options o;
    uint64_t first, last;
    bool many, keep_going;
};

static bool number(uint64_t *ret, const char *text, char **ret_end)
{
    errno = 0;
    *ret = strtoull(text, ret_end, 10);
    return *ret_end != text && errno == 0 && text[0] != '-';
}

static bool parse_seeds(struct request_line *r, const char *text)
{
    char *end;
    r->many = true;
    return number(&r->first, text, &end) && strncmp(end, "..", 2) == 0 &&
           number(&r->last, end + 2, &end) && *end == '\0' && r->first <= r->last;
}

static bool parse_profile(enum profile *ret, const char *text)
{
    for (int i = 0; i < PROFILES; i++) {
        if (strcmp(text, profiles[i]) == 0) {
            *ret = (enum profile)i;
            return true;
        }
    }
    return false;
}

static bool parse_one(struct request_line *r, int option, const char *value)
{
    char *end;
    uint64_t n = 0;
    switch (option) {
    case 's':
        r->many = false;
        return number(&r->first, value, &end) && *end == '\0';
    case 'S':
        return parse_seeds(r, value);
    case 'n':
    case 'q':
        if (!number(&n, value, &end) || *end != '\0' || n < 1 || n > SEATS_MAX)
            return false;
        *(option == 'n' ? &r->o.nodes : &r->o.quorum) = (uint32_t)n;
        return true;
    case 'm':
        return number(&r->o.steps, value, &end) && *end == '\0';
    case 'p':
        return parse_profile(&r->o.profile, value);
    case 'w':
        r->o.without = value;
        return rules_known(value);
    case 'y':
        r->o.safety = true;
        return true;
    case 'b':
        r->o.beyond = true;
        return true;
    case 'c':
        r->o.real_crypto = true;
        return true;
    case 'k':
        r->keep_going = true;
        return true;
    case 'v':
        r->o.verbose = true;
        return true;
    default:
        return false;
    }
}

static bool parse(struct request_line *r, int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"seeds", required_argument, NULL, 'S'},
                                            {"nodes", required_argument, NULL, 'n'},
                                            {"quorum", required_argument, NULL, 'q'},
                                            {"steps", required_argument, NULL, 'm'},
                                            {"profile", required_argument, NULL, 'p'},
                                            {"without", required_argument, NULL, 'w'},
                                            {"safety", no_argument, NULL, 'y'},
                                            {"beyond", no_argument, NULL, 'b'},
                                            {"real-crypto", no_argument, NULL, 'c'},
                                            {"keep-going", no_argument, NULL, 'k'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"rules", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bool seeds = false;
    int option;
    *r = (struct request_line){.o = {.nodes = 4, .steps = STEPS, .profile = STORM}};
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h' || option == 'r') {
            if (option == 'h')
                usage(stdout);
            for (uint32_t i = 0; option == 'r' && rules_name(i) != NULL; i++)
                puts(rules_name(i));
            exit(EXIT_DONE);
        }
        if (!parse_one(r, option, optarg))
            return false;
        seeds = seeds || option == 's' || option == 'S';
    }
    const uint32_t q = r->o.quorum;
    return seeds && optind == argc && (q == 0 || (2 * q > r->o.nodes && q <= r->o.nodes));
}

/* Each seed in a process of its own: one that aborts or loops takes nothing along. */
static int run_many(struct request_line *r, struct totals *t)
{
    int result = EXIT_DONE;
    for (uint64_t seed = r->first; seed <= r->last; seed++) {
        r->o.seed = seed;
        fflush(stdout);
        const pid_t child = fork();
        if (child < 0)
            return EXIT_HOST;
        if (child == 0) {
            printf("seed %" PRIu64 ": ", seed);
            run(&r->o, t);
            fflush(stdout);
            _exit(EXIT_DONE);
        }
        int status;
        if (waitpid(child, &status, 0) < 0)
            return EXIT_HOST;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        t->violated++;
        result = EXIT_VIOLATED;
        if (WIFSIGNALED(status))
            printf("seed %" PRIu64 " ended by signal %d\n", seed, WTERMSIG(status));
        if (!r->keep_going)
            break;
    }
    printf("%" PRIu64 " seeds, %" PRIu64 " violated, %" PRIu64 " steps, %" PRIu64
           " faults, %" PRIu64 " settled, %" PRIu64 " voided, %" PRIu64 " receipts, %" PRIu64
           " pieces of evidence, %" PRIu64 " splits, %" PRIu64 " epochs, %" PRIu64
           " joins, %" PRIu64 " anew, %" PRIu64 " regroups, %.0f s of virtual time\n",
           t->seeds + t->violated, t->violated, t->steps, t->faults, t->settled, t->voided,
           t->receipts, t->evidence, t->splits, t->epochs, t->joins, t->anew, t->regroups,
           t->seconds);
    return result;
}

int main(int argc, char **argv)
{
    struct request_line r;
    char command[256];
    struct totals *t =
        mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (t == MAP_FAILED || sodium_init() < 0)
        return EXIT_HOST;
    if (!parse(&r, argc, argv)) {
        usage(stderr);
        return EXIT_USAGE;
    }
    r.o.seed = r.first;
    running = &r.o;
    signal(SIGABRT, on_abort);
    command_line(command, &r.o);
    if (r.many) {
        printf("mereau-sim --seeds %" PRIu64 "..%" PRIu64 "%s\n", r.first, r.last,
               strstr(command, " --nodes"));
        return run_many(&r, t);
    }
    puts(command);
    run(&r.o, t);
    return EXIT_DONE;
}
