/* The wallet as people run it, and four real nodes of which some are killed: it pays through those
 * that are left, and each payment once. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/federation.h"
#include "lib/run.h"
#include "mereau/id.h"
#include "mereau/text.h"

enum { NODES = 4, QUORUM = 3, FUNDS = 100000, ROUNDS = 12, DEVICE_ROUNDS = 5, CALL_MS = 20000 };

static struct federation f;
static char bob[128];
static int64_t paid; /* by ana to bob, as told */

/* --- admission -------------------------------------------------------------------------------- */

static void link_text(char ret[MR_JOIN_LINK_TEXT_MAX + 1], uint32_t i)
{
    const struct mr_node *const n = &f.w.charter.nodes[i];
    struct mr_join_link link = {.version = 1, .transport_key = n->transport_key};
    memcpy(link.ledger, f.w.ledger, sizeof link.ledger);
    memcpy(link.association, n->association, sizeof link.association);
    link.address_len = n->address_len;
    memcpy(link.address, n->address, sizeof link.address);
    mr_join_link_format(ret, &link);
}

/* The only join request of this association, taken out of its register. */
static struct mr_open take_request(uint32_t i)
{
    char path[SCRATCH_PATH_MAX + 32];
    struct link *desk;
    snprintf(path, sizeof path, "%s/run/control.sock", f.nodes[i].data);
    const struct link_config config = {
        .address = path, .ledger = f.w.ledger, .timeout_ms = CALL_MS};
    ck_assert_int_eq(link_open(&desk, &config), MR_OK);
    link_identify(desk, MR_AUTH_OWNER, f.desks[i], 0, &f.w.operators[0], NULL);
    *f.ask = (struct mr_request_body){.kind = MR_REQ_REGISTER_LIST};
    f.ask->u.register_list.kind = MR_REGISTER_REQUEST;
    ck_assert_int_eq(link_call(desk, f.reply, f.ask), MR_OK);
    ck_assert_uint_eq(f.reply->body.u.register_list.items_count, 1);
    ck_assert_uint_eq(f.reply->body.u.register_list.items[0].open_count, 1);
    const struct mr_open open = f.reply->body.u.register_list.items[0].open[0];
    link_close(desk);
    return open;
}

/* Join association i and be admitted; the next member of the world. */
static void join(const char *wallet, uint32_t i)
{
    static struct mr_signed_order o;
    char link[MR_JOIN_LINK_TEXT_MAX + 1];
    link_text(link, i);
    want_code(run_words("--wallet", wallet, "join", link, "--name=x", "--contact=x",
                        "--class=resident", "--kdf-min", NULL),
              0);
    const struct mr_open open = take_request(i);
    federation_order(&f, i, &o, f.desks[i], MR_KIND_OPEN);
    o.order.body.u.open = open;
    federation_sign(&f, &o);
    ck_assert_int_eq(federation_submit(&f, i, &o, CALL_MS), MR_SETTLED);
    struct world_member *const m = &f.w.members[f.w.members_count++];
    m->class = open.class;
    memcpy(m->id, open.account, sizeof m->id);
}

static void set_up(void)
{
    federation_make(&f, NODES, QUORUM);
    ck_assert_int_eq(chdir(f.dir), 0);
    ck_assert_int_eq(file_write("pass", "pass\n", 5, 0600, true), MR_OK);
    federation_start_all(&f);
    for (uint32_t i = 0; i < NODES; i++)
        federation_wait_mode(&f, i, MR_OK);
    paid = 0;
    join("ana", 0);
    join("bob", 1);
    federation_issue(&f, 0, 0, 0, FUNDS);
    federation_agree(&f, 3);
    want_code(run_words("--wallet=bob", "--json", "address", NULL), 0);
    snprintf(bob, sizeof bob, "%s", run_field("account"));
}

static void tear_down(void)
{
    run_done();
    ck_assert_int_eq(chdir("/"), 0);
    federation_done(&f);
}

/* --- paying ----------------------------------------------------------------------------------- */

static int pay(const char *id)
{
    return run_words("--wallet=ana", "--json", "pay", bob, "1", "--id", id, "--yes", "--timeout=20",
                     NULL);
}

static void pay_told(const char *id)
{
    want_code(pay(id), 0);
    ck_assert_str_eq(run_field("status"), "SETTLED");
    paid += 100;
}

/* All nodes that run say what the wallet was told. */
static void check_books(void)
{
    federation_agree(&f, 0);
    for (uint32_t i = 0; i < NODES; i++) {
        if (f.nodes[i].proc == NULL)
            continue;
        ck_assert_int_eq(federation_balance(&f, i, 0), FUNDS - paid);
        ck_assert_int_eq(federation_balance(&f, i, 1), paid);
    }
}

START_TEST(the_home_node_is_killed_and_comes_back)
{
    pay_told("at-home");
    ck_assert_str_eq(run_err, "");
    federation_kill(&f, 0);
    pay_told("elsewhere");
    ck_assert_uint_eq(run_count(run_err, "town1's node does not answer: going on through town"), 1);
    want_code(run_words("--wallet=ana", "history", NULL), 0);
    want_code(run_words("--wallet=ana", "--json", "receipt", "show", "2", NULL), 0);
    ck_assert_str_eq(run_field("proofs"), "3");
    ck_assert_str_eq(run_field("liars_needed"), "2");
    want_code(run_words("--wallet=ana", "receipt", "save", "2", "two.receipt", NULL), 0);
    want_code(run_words("receipt", "verify", "two.receipt", "--charter=ana/charter.mrc", NULL), 0);
    want_code(run_words("--wallet=bob", "balance", NULL), 0);
    ck_assert_ptr_nonnull(strstr(run_out, "2.00 "));
    check_books();
    federation_start(&f, 0);
    federation_wait_mode(&f, 0, MR_OK);
    pay_told("at-home-again");
    ck_assert_str_eq(run_err, "");
    check_books();
}
END_TEST

START_TEST(without_a_quorum_the_order_waits_for_one)
{
    federation_kill(&f, 2);
    federation_kill(&f, 3);
    /* Whatever the patience: much later the nodes know that they are too few. */
    want_code(run_words("--wallet=ana", "--json", "pay", bob, "1", "--id=w", "--yes", "--timeout",
                        "8", NULL),
              3);
    ck_assert_str_eq(run_field("status"), "VOTING");
    ck_assert_str_eq(run_field("votes"), "2");
    ck_assert_str_eq(run_field("quorum"), "3");
    check_books();
    federation_start(&f, 2);
    int code;
    while ((code = run_words("--wallet=ana", "resume", "--timeout=20", NULL)) == 3)
        ;
    want_code(code, 0);
    paid += 100;
    check_books();
}
END_TEST

/* The wallet is killed at random, and so is a node. */
START_TEST(killed_wallets_and_nodes_pay_once)
{
    char id[32];
    srandom(11);
    for (int round = 1; round <= ROUNDS; round++) {
        const uint32_t node = (uint32_t)(random() % NODES);
        snprintf(id, sizeof id, "round-%d", round);
        const char *const args[] = {"--wallet=ana", "pay", bob, "1", "--id", id, "--yes", NULL};
        const struct timespec t = {.tv_nsec = random() % 60000000};
        const pid_t pid = run_start(args);
        if (round % 3 == 0)
            federation_kill(&f, node);
        nanosleep(&t, NULL);
        kill(pid, SIGKILL);
        run_finish(pid);
        int code = 3;
        for (int i = 0; code == 3 && i < 5; i++)
            code = pay(id);
        want_code(code, 0);
        paid += 100;
        if (round % 3 == 0) {
            federation_start(&f, node);
            federation_wait_mode(&f, node, MR_OK);
        }
        check_books();
    }
}
END_TEST

/* An order of the wallet's next place that was signed and not sent. */
static void plant(const char *wallet, const char *minor)
{
    char command[512];
    snprintf(command, sizeof command, "%s/../tests/plant %s pay %s %s", MEREAU_BIN_DIR, wallet, bob,
             minor);
    ck_assert_int_eq(system(command), 0);
}

static int resume(const char *wallet, const char *node)
{
    int code;
    do
        code = run_words("--wallet", wallet, node, "resume", "--timeout=20", NULL);
    while (code == 3);
    return code;
}

/* The other device, at the same time. Its exit code comes by way of the process. */
static pid_t resume_beside(const char *wallet, const char *node)
{
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    if (mkdir("beside", 0700) != 0 || chdir("beside") != 0 ||
        file_write("pass", "pass\n", 5, 0600, true) != MR_OK)
        _exit(99);
    _exit(resume(wallet, node));
}

/* Two devices with one key sign in the same place, each by way of another node. The nodes settle
 * one order or none, and each device hears which. */
START_TEST(two_devices_in_one_place_pay_at_most_once)
{
    unsigned settled = 0;
    for (int round = 1; round <= DEVICE_ROUNDS; round++) {
        int status = 0;
        want_code(run_words("--wallet=ana", "balance", NULL), 0);
        ck_assert_int_eq(system("rm -rf twin beside && cp -r ana twin"), 0);
        plant("ana", "100");
        plant("twin", "700");
        const pid_t pid = resume_beside("../twin", "--node=2");
        const int code = resume("ana", "--node=1");
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        const int other = WEXITSTATUS(status);
        ck_assert_msg(code <= 1 && other <= 1 && code + other >= 1, "%d and %d\n%s", code, other,
                      run_err);
        paid += code == 0 ? 100 : other == 0 ? 700 : 0;
        settled += code == 0 || other == 0;
        check_books();
    }
    printf("%u of %d places settled an order\n", settled, DEVICE_ROUNDS);
}
END_TEST

/* The id goes with the association: the desk of the second one would not open the first one's. */
START_TEST(who_could_not_ask_one_association_joins_another)
{
    char link[MR_JOIN_LINK_TEXT_MAX + 1];
    federation_kill(&f, 3);
    link_text(link, 3);
    want_code(run_words("--wallet=eve", "join", link, "--name=x", "--contact=x", "--class=resident",
                        "--kdf-min", "--timeout=2", NULL),
              3);
    join("eve", 2);
    want_code(run_words("--wallet=eve", "balance", NULL), 0);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("wallet federation");
    TCase *const tc = tcase_create("four");
    tcase_set_timeout(tc, 240);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_home_node_is_killed_and_comes_back);
    tcase_add_test(tc, without_a_quorum_the_order_waits_for_one);
    tcase_add_test(tc, killed_wallets_and_nodes_pay_once);
    tcase_add_test(tc, two_devices_in_one_place_pay_at_most_once);
    tcase_add_test(tc, who_could_not_ask_one_association_joins_another);
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
