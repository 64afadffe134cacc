/* A payment order of more payees than one ISSUE has lines: its parts settle one after the other,
 * and what is left of it when one does not is neither lost nor done twice. */
#include <glob.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/till.h"
#include "mereau/id.h"
#include "mereau/mandate.h"

enum { PAYEES = MR_LINES_MAX + 1, FILE_MAX = 1 << 20 };

static char town[OFFICE_ADDRESS_MAX], shop[OFFICE_ADDRESS_MAX];
static char payees[PAYEES][OFFICE_ADDRESS_MAX];

static void seed_of(uint8_t ret[32], size_t i)
{
    memset(ret, 7, 32);
    ret[0] = (uint8_t)i;
    ret[1] = (uint8_t)(i >> 8);
}

/* Like the shop's, of one payee. */
static void add_mandate(const struct mr_signed_mandate *like, size_t i)
{
    static struct mr_signed_mandate m;
    char text[MR_MANDATE_TEXT_MAX + 1];
    struct mr_seckey key;
    struct mr_pubkey public;
    uint8_t seed[32];
    size_t wrong;
    m = *like;
    m.sigs_count = 0;
    ck_assert_int_eq(mr_address_parse(m.mandate.payee, &wrong, NULL, payees[i]), MR_OK);
    seed_of(seed, i);
    mr_seckey_from_seed(&key, &public, seed);
    mr_mandate_sign(&m, 0, &key);
    mr_seckey_done(&key);
    mr_mandate_format(text, &m);
    DESK(0, "mandate", "add", text);
}

static void write_run(void)
{
    static char text[PAYEES * OFFICE_ADDRESS_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "payee,amount\n");
    for (size_t i = 0; i < PAYEES; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s,1\n", payees[i]);
    ck_assert_int_eq(file_write(office_path(&till.office, "run.csv"), text, len, 0600, true),
                     MR_OK);
}

static void open_run(unsigned operators)
{
    static struct mr_signed_mandate like;
    uint8_t seed[32];
    char name[32];
    size_t wrong;
    till_open(operators);
    till_join(town, "town", "Mairie", "municipality");
    till_join(shop, "shop", "Menuiserie", "shop");
    for (size_t i = 0; i < PAYEES; i++) {
        seed_of(seed, i);
        snprintf(name, sizeof name, "Payee %zu", i);
        const enum mr_status st =
            office_ask_as(&till.office, payees[i], seed, name, MR_CLASS_RESIDENT);
        ck_assert(st == MR_OK || st == MR_NOT_ADMITTED);
        if (i % 200 == 199)
            DESK(0, "admit", "--all");
    }
    DESK(0, "admit", "--all");
    PURSE(0, "shop", "mandate", "give", "--municipality", town);
    ck_assert_int_eq(mr_mandate_parse(&like, &wrong, typed_field("mandate")), MR_OK);
    for (size_t i = 0; i < PAYEES; i++)
        add_mandate(&like, i);
    write_run();
}

#define CONVERT_RUN(code, bank, ...)                                                               \
    DESK(code, "municipal", "convert", "--order", "2026/9", "--bank-ref", bank, "--total", "257",  \
         "--file", office_path(&till.office, "run.csv"), __VA_ARGS__)

static void status_is(const char *status)
{
    ck_assert_msg(strcmp(office_text(&till.office, "status"), status) == 0, "%.2000s, not %s",
                  till.office.text, status);
}

/* Each operator in turn; what the last one was told. */
static void both_withdraw(const char *draft)
{
    DESK(0, "draft", "withdraw", draft);
    till.office.key = "op2";
    DESK(0, "draft", "withdraw", draft);
    till.office.key = "op1";
    ck_assert_str_eq(office_text(&till.office, "state"), "withdrawn");
}

static void both_sign(int code, const char *draft)
{
    till.office.key = "op2";
    DESK(code, "draft", "sign", draft);
    till.office.key = "op1";
}

/* The cap is lowered between the signatures: the first part settles, and the second waits. */
START_TEST(what_waits_behind_the_first_part_is_withdrawn)
{
    char draft[TYPED_PATH];
    open_run(2);
    till_cap("256.50");
    CONVERT_RUN(1, "VIR-9", "--dry-run");
    status_is("CAP_EXCEEDED");
    CONVERT_RUN(1, "VIR-9", "--yes");
    status_is("CAP_EXCEEDED");
    ck_assert_int_eq(office_int(&till.office, "missing_minor"), 50);
    till_cap("10000");
    CONVERT_RUN(0, "VIR-9", "--yes");
    ck_assert_int_eq(office_int(&till.office, "new_count"), PAYEES);
    snprintf(draft, sizeof draft, "%s", office_text(&till.office, "draft"));
    till_cap("256.50");
    both_sign(3, draft);
    status_is("PARKED");
    ck_assert_int_eq(office_balance(&till.office, payees[0]), 100);
    both_withdraw(draft);
    /* Room is made: nothing of it settles. */
    till_cap("10000");
    ck_assert_int_eq(office_balance(&till.office, payees[PAYEES - 1]), 0);
    /* What was credited is known, by whatever bank entry it is asked for again. */
    CONVERT_RUN(1, "VIR-10", "--yes");
    status_is("PAYMENT_ORDER_USED");
    CONVERT_RUN(0, "VIR-9", "--yes");
    ck_assert_int_eq(office_int(&till.office, "already_count"), PAYEES - 1);
    ck_assert_int_eq(office_int(&till.office, "new_count"), 1);
    till_second_signs();
    ck_assert_int_eq(office_balance(&till.office, payees[0]), 100);
    ck_assert_int_eq(office_balance(&till.office, payees[PAYEES - 1]), 100);
}
END_TEST

/* --- between two parts of one call -------------------------------------------------------------
 *
 * Who stands at the node's socket sees the orders go by: two checks and the SUBMIT of the first
 * part are long, and what comes behind them is the second part. Before it is let through, the draft
 * is withdrawn by another call. */

enum { LONG_BYTES = 5000, LONG_ONES = 3, RELAY_BYTES = 1 << 16 };

static char node_socket[TYPED_PATH];
static bool withdrawn;

static int local_socket(const char *path, bool listening)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%.100s", path);
    const struct sockaddr *const at = (const struct sockaddr *)&to;
    if (listening ? bind(fd, at, sizeof to) != 0 || listen(fd, 8) != 0
                  : connect(fd, at, sizeof to) != 0)
        abort();
    return fd;
}

static void withdraw(void)
{
    struct office other = till.office;
    glob_t found;
    char pattern[TYPED_PATH];
    other.key = "copy";
    other.said = NULL;
    other.text = NULL;
    snprintf(pattern, sizeof pattern, "%s", office_path(&other, "data-keys/drafts/*.draft"));
    if (glob(pattern, 0, NULL, &found) == 0) {
        withdrawn = OFFICE_RUN(&other, "draft", "withdraw", found.gl_pathv[0]) == 0;
        globfree(&found);
    }
    json_decref(other.said);
    free(other.text);
}

static bool pass_on(int to, int from, ssize_t *ret)
{
    uint8_t *const bytes = malloc(RELAY_BYTES);
    *ret = recv(from, bytes, RELAY_BYTES, 0);
    const bool ok = *ret > 0 && send(to, bytes, (size_t)*ret, MSG_NOSIGNAL) == *ret;
    free(bytes);
    return ok;
}

static void *relay(void *arg)
{
    const int caller = *(int *)arg, node = local_socket(node_socket, false);
    struct pollfd both[2] = {{.fd = caller, .events = POLLIN}, {.fd = node, .events = POLLIN}};
    unsigned seen = 0;
    bool open = true;
    free(arg);
    while (open && poll(both, 2, -1) > 0) {
        ssize_t len = 0;
        if (both[0].revents != 0) {
            if (seen == LONG_ONES) {
                seen++;
                withdraw();
            }
            open = pass_on(node, caller, &len);
            seen += len > LONG_BYTES;
        }
        if (open && both[1].revents != 0)
            open = pass_on(caller, node, &len);
    }
    close(caller);
    close(node);
    return NULL;
}

static void *take_callers(void *arg)
{
    const int listener = *(int *)arg;
    for (;;) {
        pthread_t thread;
        int *const caller = malloc(sizeof *caller);
        *caller = accept(listener, NULL, NULL);
        if (*caller < 0 || pthread_create(&thread, NULL, relay, caller) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

/* Until the test program ends. */
static void stand_between(void)
{
    static int listener;
    pthread_t thread;
    char path[TYPED_PATH];
    snprintf(path, sizeof path, "%s", office_path(&till.office, "data/run/control.sock"));
    snprintf(node_socket, sizeof node_socket, "%s", office_path(&till.office, "data/run/n.sock"));
    ck_assert_int_eq(rename(path, node_socket), 0);
    listener = local_socket(path, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, take_callers, &listener), 0);
    pthread_detach(thread);
}

/* A key file is one call's at a time. */
static void copy_key(void)
{
    uint8_t *bytes = NULL;
    size_t len;
    ck_assert_int_eq(
        file_read(&bytes, &len, office_path(&till.office, "data-keys/op1.key"), FILE_MAX), MR_OK);
    ck_assert_int_eq(
        file_write(office_path(&till.office, "data-keys/copy.key"), bytes, len, 0600, true), MR_OK);
    free(bytes);
}

START_TEST(what_settled_in_front_stays_in_the_register)
{
    open_run(1);
    copy_key();
    stand_between();
    CONVERT_RUN(1, "VIR-9", "--yes");
    status_is("VOIDED");
    ck_assert(withdrawn);
    const json_t *const rows = json_object_get(till.office.said, "conversions");
    const char *const first = json_string_value(json_object_get(json_array_get(rows, 0), "state"));
    ck_assert_str_eq(first, "settled");
    const char *const last =
        json_string_value(json_object_get(json_array_get(rows, PAYEES - 1), "state"));
    ck_assert_str_eq(last, "new");
    CONVERT_RUN(1, "VIR-10", "--yes");
    status_is("PAYMENT_ORDER_USED");
    CONVERT_RUN(0, "VIR-9", "--yes");
    ck_assert_int_eq(office_int(&till.office, "already_count"), PAYEES - 1);
    ck_assert_int_eq(office_balance(&till.office, payees[0]), 100);
    ck_assert_int_eq(office_balance(&till.office, payees[PAYEES - 1]), 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("municipal_parts");
    TCase *tc = tcase_create("programs");
    tcase_add_checked_fixture(tc, NULL, till_close);
    tcase_set_timeout(tc, 180);
    tcase_add_test(tc, what_waits_behind_the_first_part_is_withdrawn);
    tcase_add_test(tc, what_settled_in_front_stays_in_the_register);
    suite_add_tcase(s, tc);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
