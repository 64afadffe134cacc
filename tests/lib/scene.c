#include "lib/scene.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/scratch.h"

struct fakes *fakes;
char ana[128], bob[128];

static char dir[SCRATCH_PATH_MAX];

static void join(const char *wallet, char ret_address[128])
{
    want_code(run_words("--wallet", wallet, "--json", "join", fakes->join_link, "--name=x",
                        "--contact=x", "--class=resident", "--kdf-min", NULL),
              0);
    snprintf(ret_address, 128, "%s", run_field("account"));
    ck_assert_str_eq(run_field("admitted"), "true");
}

void scene_begin(uint32_t n, uint32_t q)
{
    fakes = malloc(sizeof *fakes);
    ck_assert_ptr_nonnull(fakes);
    scratch_make(dir);
    fakes_start(fakes, n, q);
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(file_write("pass", "pass\n", 5, 0600, true), MR_OK);
    join("ana", ana);
    join("bob", bob);
}

void scene_end(void)
{
    fakes_done(fakes);
    free(fakes);
    run_done();
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove(dir);
}

int pay(const char *amount, const char *memo)
{
    return run_words("--wallet=ana", "--json", "pay", bob, amount, "--memo", memo, "--yes", NULL);
}

int64_t paid(void)
{
    ck_assert_int_eq(fakes_balance(fakes, 0) + fakes_balance(fakes, 1), 2 * FAKE_FUNDS);
    return FAKE_FUNDS - fakes_balance(fakes, 0);
}

struct fake *node(uint32_t number)
{
    return fakes->nodes[number - 1];
}

void set_flag(bool *at, bool value)
{
    pthread_mutex_lock(&fakes->lock);
    *at = value;
    pthread_mutex_unlock(&fakes->lock);
}

void set_hold(enum mr_status hold)
{
    pthread_mutex_lock(&fakes->lock);
    fakes->ledger.hold = hold;
    pthread_mutex_unlock(&fakes->lock);
}

void set_sees(uint32_t number, uint64_t turns)
{
    pthread_mutex_lock(&fakes->lock);
    fakes->ledger.sees[number - 1] = turns;
    pthread_mutex_unlock(&fakes->lock);
}

void set_linked(uint32_t nodes)
{
    pthread_mutex_lock(&fakes->lock);
    fakes->ledger.linked = nodes;
    pthread_mutex_unlock(&fakes->lock);
}

void sleep_us(long us)
{
    const struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}
