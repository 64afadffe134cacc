/* A wallet is killed at random moments of `mereau pay`, and so is its node now and then; the same
 * command is repeated until it says what became of the payment. Each is paid exactly once. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/scratch.h"
#include "lib/town.h"

enum { ROUNDS = 60, REPEATS_MAX = 20, FUNDS = 1000000, ARGS_MAX = 16 };

/* As ck_assert, without a note to Check each time it holds: there are very many. */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s", #condition);                                                        \
    } while (0)

static struct town town;
static char dir[SCRATCH_PATH_MAX], payee[128];

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static pid_t start(const char *const *args)
{
    const char *argv[ARGS_MAX] = {"mereau", "--passphrase-file", "pass", "--quiet"};
    size_t n = 4;
    for (; *args != NULL; args++)
        argv[n++] = *args;
    argv[n] = NULL;
    const pid_t pid = fork();
    must(pid >= 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = open("stdout", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out, 1);
    dup2(err, 2);
    execv(MEREAU_BIN_DIR "/mereau", (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Exit code, or -1 when it was killed. */
static int finish(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void sleep_us(uint64_t us)
{
    const struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    nanosleep(&t, NULL);
}

static void show(const char *name)
{
    uint8_t *bytes;
    size_t len;
    if (file_read(&bytes, &len, name, 65536) != MR_OK)
        return;
    fprintf(stderr, "%s: %s\n", name, (const char *)bytes);
    free(bytes);
}

/* The text behind "account":" of the last output. */
static void read_account(char ret[128])
{
    uint8_t *bytes;
    size_t len;
    ck_assert_int_eq(file_read(&bytes, &len, "stdout", 65536), MR_OK);
    const char *at = strstr((const char *)bytes, "\"account\":\"");
    ck_assert_ptr_nonnull(at);
    at += strlen("\"account\":\"");
    snprintf(ret, 128, "%.*s", (int)strcspn(at, "\""), at);
    free(bytes);
}

static void join(char ret_address[128], const char *wallet)
{
    const char *const args[] = {"--wallet",     wallet,     "--json",      "join",
                                town.join_link, "--name=x", "--contact=x", "--class=resident",
                                "--kdf-min",    NULL};
    ck_assert_int_eq(finish(start(args)), 0);
    read_account(ret_address);
}

static unsigned rounds(void)
{
    const char *const text = getenv("MEREAU_CRASH_ROUNDS");
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : ROUNDS;
}

/* The payment of one round: odd ones have an id, even ones a memo of their own. */
static void payment(const char *args[12], char word[64], unsigned round)
{
    const bool id = round % 2 == 1;
    snprintf(word, 64, id ? "--id=round-%u" : "--memo=round %u", round);
    const char *const all[] = {"--wallet", "payer", "pay",          payee, "1",
                               word,       "--yes", "--timeout=20", NULL};
    memcpy(args, all, sizeof all);
}

static void repeat_until_told(const char *const *args, bool had_id, unsigned *ret_reported)
{
    for (int i = 0; i < REPEATS_MAX; i++) {
        const int code = finish(start(args));
        if (code == 0)
            return;
        /* Without an id the repetition of a payment that was told is held back. */
        if (code == 1 && !had_id) {
            (*ret_reported)++;
            return;
        }
        if (code != 3)
            show("stderr");
        must(code == 3);
    }
    ck_abort_msg("no outcome");
}

START_TEST(killed_wallet_pays_exactly_once)
{
    char payer[128], word[64];
    const char *args[12];
    uint8_t payer_id[16], payee_id[16];
    struct mr_rep_account account;
    unsigned killed = 0, reported = 0;
    const unsigned count = rounds();
    join(payer, "payer");
    join(payee, "payee");
    ck_assert_uint_eq(town_admit(&town), 2);
    town_parse(&town, payer_id, payer);
    town_parse(&town, payee_id, payee);
    town_issue(&town, payer_id, FUNDS);
    payment(args, word, 1);
    const uint64_t begun = now_us();
    ck_assert_int_eq(finish(start(args)), 0);
    const uint64_t usual_us = now_us() - begun;
    srandom((unsigned)begun);
    for (unsigned round = 2; round <= count; round++) {
        payment(args, word, round);
        for (int kills = (int)(random() % 3); kills >= 0; kills--) {
            const pid_t pid = start(args);
            sleep_us((uint64_t)random() % (usual_us + usual_us / 4));
            if (round % 7 == 0 && kills == 0) {
                town_node_kill(&town);
                town_node_start(&town);
            }
            kill(pid, SIGKILL);
            killed += finish(pid) < 0;
        }
        repeat_until_told(args, round % 2 == 1, &reported);
        town_account(&town, &account, payee_id);
        must(account.hot.chain.balances[0].minor == (int64_t)round * 100);
    }
    town_account(&town, &account, payer_id);
    ck_assert_int_eq(account.hot.chain.balances[0].minor, FUNDS - (int64_t)count * 100);
    ck_assert_uint_eq(account.hot.chain.next_seq, count + 1);
    printf("%u payments, %u kills, %u told before the last repetition\n", count, killed, reported);
}
END_TEST

static void set_up(void)
{
    scratch_make(dir);
    town_start(&town, dir);
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(file_write("pass", "pass\n", 5, 0600, true), MR_OK);
}

static void tear_down(void)
{
    town_done(&town);
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove(dir);
}

int main(void)
{
    Suite *const s = suite_create("wallet crash");
    TCase *const tc = tcase_create("kill");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 600);
    tcase_add_test(tc, killed_wallet_pays_exactly_once);
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
