/* Lost keys, through the programs: the new device, the desk of two operators, the owner who
 * objects, and a clock that the test moves (skew.c). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "lib/office.h"
#include "lib/scratch.h"
#include "mereau/text.h"

enum { WORDS_MAX = 32 };

static struct office office;
static char dir[SCRATCH_PATH_MAX], ana[OFFICE_ADDRESS_MAX], link_text[MR_JOIN_LINK_TEXT_MAX + 1];
static json_t *said; /* by the last wallet */

#define ADMIN(code, ...)                                                                           \
    do {                                                                                           \
        const int got_ = OFFICE_RUN(&office, __VA_ARGS__);                                         \
        ck_assert_msg(got_ == (code), "exit %d, not %d: %s", got_, (code), office.text);           \
    } while (0)

/* The object of a wallet's command. */
static int wallet_run(const char *wallet, const char *const *words)
{
    char pass[SCRATCH_PATH_MAX + 8], place[SCRATCH_PATH_MAX + 32];
    const char *argv[WORDS_MAX] = {"LC_ALL=C",
                                   MEREAU_BIN_DIR "/mereau",
                                   "--yes",
                                   "--json",
                                   "--passphrase-file",
                                   pass,
                                   "--wallet",
                                   place};
    size_t n = 8;
    snprintf(pass, sizeof pass, "%s/pass", dir);
    snprintf(place, sizeof place, "%s/%s", dir, wallet);
    for (size_t i = 0; words[i] != NULL; i++)
        argv[n++] = words[i];
    struct proc *const p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    const int code = proc_wait(p, PROC_DEADLINE_MS);
    char *const text = proc_text(p), *const at = strchr(text, '{');
    json_decref(said);
    said = at != NULL ? json_loadb(at, strcspn(at, "\n"), 0, NULL) : NULL;
    ck_assert_msg(said != NULL, "%s", text);
    free(text);
    proc_end(p);
    return code;
}

#define WALLET(code, wallet, ...)                                                                  \
    do {                                                                                           \
        const int got_ = wallet_run(wallet, (const char *const[]){__VA_ARGS__, NULL});             \
        ck_assert_msg(got_ == (code), "exit %d, not %d: %s", got_, (code), json_dumps(said, 0));   \
    } while (0)

static const char *text_of(const char *field)
{
    const char *const text = json_string_value(json_object_get(said, field));
    return text != NULL ? text : "";
}

/* The node listens where it likes: the join link is made to say where. */
static void read_link(void)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", office.port);
    ADMIN(0, "link", "--address", address);
    snprintf(link_text, sizeof link_text, "%s", office_text(&office, "join_link"));
}

/* A draft of the first operator, signed by the second. */
static void second_signs(void)
{
    char draft[2 * SCRATCH_PATH_MAX];
    ck_assert_str_eq(office_text(&office, "state"), "draft");
    snprintf(draft, sizeof draft, "%s", office_text(&office, "draft"));
    office.key = "op2";
    ADMIN(0, "draft", "show", draft);
    ADMIN(0, "draft", "sign", draft);
    ck_assert_str_eq(office_text(&office, "state"), "settled");
    office.key = "op1";
}

/* Of all programs that are started from now on. */
static void clock_ahead(const char *ms)
{
    setenv("SKEW_MS", ms, 1);
}

static void setup(void)
{
    scratch_make(dir);
    setenv("LD_PRELOAD", SKEW, 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    clock_ahead("0");
    office_found(&office, dir, 2);
    read_link();
    WALLET(0, "ana", "join", link_text, "--name", "Ana", "--contact", "ana@example.org", "--class",
           "resident", "--kdf-min");
    snprintf(ana, sizeof ana, "%s", text_of("account"));
    ADMIN(0, "admit", "--all");
    ADMIN(0, "issue", "Ana", "50", "--bank-ref", "VIR-1");
    second_signs();
}

static void teardown(void)
{
    office_done(&office);
    json_decref(said);
    said = NULL;
    scratch_remove(dir);
}

/* The new device asks, the operators announce. */
static void announce(void)
{
    char request[SCRATCH_PATH_MAX + 16];
    snprintf(request, sizeof request, "%s/request", dir);
    WALLET(0, "new", "recover", link_text, ana, "--kdf-min", "--output", request, "--force");
    ck_assert(!json_is_true(json_object_get(said, "recovered")));
    ck_assert_int_eq(strncmp(text_of("request"), "mereau-recover:mrkeys1", 22), 0);
    ADMIN(0, "member", "recover", "Ana", "--request", request);
    second_signs();
    ADMIN(0, "member", "recover", "Ana", "--request", text_of("request"));
    ck_assert_str_eq(office_text(&office, "status"), "ALREADY_DONE");
}

static void ten_days_pass(void)
{
    office_node_stop(&office);
    clock_ahead("864000000");
    office_node_start(&office);
    read_link();
}

START_TEST(the_account_comes_back)
{
    announce();
    ADMIN(1, "member", "recover", "Ana", "--finish");
    ck_assert_str_eq(office_text(&office, "status"), "RECOVERY_EARLY");
    ADMIN(0, "member", "recoveries");
    ck_assert_ptr_nonnull(strstr(office.text, "\"ready\":false"));
    WALLET(1, "new", "balance");
    /* Nobody has the old keys any more, or whoever has them does not mind. */
    ten_days_pass();
    ADMIN(0, "member", "recover", ana, "--finish");
    second_signs();
    WALLET(0, "new", "recover", link_text, ana);
    ck_assert(json_is_true(json_object_get(said, "recovered")));
    ck_assert_int_eq(json_integer_value(json_object_get(said, "balance_minor")), 5000);
    ck_assert_int_eq(json_integer_value(json_object_get(said, "generation")), 2);
    WALLET(0, "new", "history");
    WALLET(0, "ana", "join", link_text); /* the node has moved */
    WALLET(1, "ana", "balance");
    ADMIN(1, "member", "recover", ana, "--finish");
    ck_assert_str_eq(office_text(&office, "status"), "RECOVERY_UNKNOWN");
    WALLET(0, "new", "close", "--give-up-balance");
}
END_TEST

START_TEST(the_owner_objects)
{
    announce();
    WALLET(0, "ana", "balance");
    ck_assert_str_ne(text_of("warning_recovery"), "");
    ck_assert_int_gt(json_integer_value(json_object_get(said, "recovery_ready_ms")), 0);
    ADMIN(0, "freeze", "Ana", "--reason", "lost_key");
    WALLET(0, "ana", "stop-recovery");
    ck_assert_str_eq(text_of("status"), "SETTLED");
    WALLET(0, "ana", "stop-recovery");
    ck_assert_str_eq(text_of("status"), "ALREADY_DONE");
    ck_assert_str_eq(text_of("warning_recovery"), "");
    ADMIN(0, "member", "recoveries");
    ck_assert_ptr_null(strstr(office.text, "\"ready\":"));
    ten_days_pass();
    ADMIN(1, "member", "recover", "Ana", "--finish");
    ck_assert_str_eq(office_text(&office, "status"), "RECOVERY_UNKNOWN");
}
END_TEST

START_TEST(what_the_desk_is_shown_must_fit)
{
    char other[OFFICE_ADDRESS_MAX];
    announce();
    ADMIN(2, "member", "recover", "Ana");
    ADMIN(1, "member", "recover", "Ana", "--request", "mereau-recover:mrkeys1qqqq");
    ck_assert_str_eq(office_text(&office, "status"), "BAD_CHECKSUM");
    office_join(&office, other, "Bob", MR_CLASS_RESIDENT);
    ADMIN(0, "admit", "Bob");
    ADMIN(1, "member", "recover", "Bob", "--request", text_of("request"));
    ck_assert_str_eq(office_text(&office, "status"), "NOT_YOURS");
    ADMIN(1, "member", "recover", "Bob", "--finish");
    ck_assert_str_eq(office_text(&office, "status"), "RECOVERY_UNKNOWN");
    WALLET(1, "typo", "recover", link_text, "tst1qqqqqqqq", "--kdf-min");
    WALLET(1, "new", "recover", link_text, other, "--kdf-min");
    ck_assert_str_eq(text_of("status"), "FILE_EXISTS");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recover");
    TCase *tc = tcase_create("programs");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, the_account_comes_back);
    tcase_add_test(tc, the_owner_objects);
    tcase_add_test(tc, what_the_desk_is_shown_must_fit);
    suite_add_tcase(s, tc);
    SRunner *n = srunner_create(s);
    srunner_run_all(n, CK_ENV);
    const int failed = srunner_ntests_failed(n);
    srunner_free(n);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
