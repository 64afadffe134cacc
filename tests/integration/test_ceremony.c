/* Four associations found one currency with files, start their nodes, and pay across; one node dies
 * and the others go on. All of it through the programs, as people do it. */
#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "lib/federation.h"
#include "lib/loopback.h"
#include "lib/procs.h"
#include "lib/scratch.h"

enum { WORDS_MAX = 48, NODES = 4, PATH = 2 * SCRATCH_PATH_MAX, PATIENCE_S = 60 };

static char dir[SCRATCH_PATH_MAX], wallet_port[NODES][32], peer_port[NODES][32];
static struct proc *nodes[NODES];
static char *text; /* all that the last command printed */
static json_t *said;

static const char *at(const char *name)
{
    static char paths[16][PATH];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, PATH, "%s/%s", dir, name);
    return path;
}

static const char *data(unsigned i)
{
    char name[16];
    snprintf(name, sizeof name, "d%u", i + 1);
    return at(name);
}

/* --- running -----------------------------------------------------------------------------------
 */

static int run(const char *program, const char *const *words)
{
    const char *argv[WORDS_MAX + 1] = {"LC_ALL=C.UTF-8", "MEREAU_DATA=", program,
                                       "--passphrase-file", at("pass")};
    size_t n = 5;
    while (*words != NULL && n < WORDS_MAX)
        argv[n++] = *words++;
    argv[n] = NULL;
    struct proc *p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    const int code = proc_wait(p, PROC_DEADLINE_MS);
    free(text);
    text = proc_text(p);
    proc_end(p);
    json_decref(said);
    said = NULL;
    for (char *line = text, *end; line != NULL && *line != '\0';
         line = *end == '\0' ? end : end + 1) {
        end = line + strcspn(line, "\n");
        json_t *object = *line == '{' ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;
        if (object != NULL) {
            json_decref(said);
            said = object;
        }
    }
    return code;
}

#define RUN(program, code, ...)                                                                    \
    do {                                                                                           \
        const int got_ =                                                                           \
            run(MEREAU_BIN_DIR "/" program, (const char *const[]){__VA_ARGS__, NULL});             \
        ck_assert_msg(got_ == (code), "exit %d, not %d: %s", got_, (code), text);                  \
    } while (0)
#define ADMIN(...)  RUN("mereau-admin", 0, __VA_ARGS__, "--json")
#define WALLET(...) RUN("mereau", 0, __VA_ARGS__, "--json")

static const char *field(const char *name)
{
    const char *value = json_string_value(json_object_get(said, name));
    ck_assert_msg(value != NULL, "no %s: %s", name, text);
    return value;
}

static long number(const char *name)
{
    return (long)json_integer_value(json_object_get(said, name));
}

/* Until the node says that so many answer it. */
static void wait_answering(unsigned i, long count)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int k = 0; k < 10 * PATIENCE_S; k++) {
        ADMIN("-d", data(i), "federation", "status");
        if (number("nodes_answering") == count)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("%s", text);
}

/* --- the ceremony ------------------------------------------------------------------------------
 */

static void offer(unsigned i)
{
    char name[32], alias[16];
    snprintf(name, sizeof name, "Association %u", i + 1);
    snprintf(alias, sizeof alias, "asso%u", i + 1);
    ADMIN("federation", "offer", data(i), "--association", name, "--alias", alias, "--operators",
          "1", "--listen", wallet_port[i], "--peer-listen", peer_port[i], "--kdf-min");
}

static void found(void)
{
    for (unsigned i = 0; i < NODES; i++) {
        snprintf(wallet_port[i], sizeof wallet_port[i], "127.0.0.1:%u", loopback_free_port());
        snprintf(peer_port[i], sizeof peer_port[i], "127.0.0.1:%u", loopback_free_port());
    }
    for (unsigned i = 1; i < NODES; i++)
        offer(i);
    ADMIN("init", data(0), "--name", "Galet", "--unit", "GAL", "--association", "Association 1",
          "--alias", "asso1", "--operators", "1", "--listen", wallet_port[0], "--peer-listen",
          peer_port[0], "--kdf-min", "--yes", "--offer", at("d2/offer.mro"), "--offer",
          at("d3/offer.mro"), "--offer", at("d4/offer.mro"));
    for (unsigned i = 1; i < NODES; i++) {
        ADMIN("federation", "found", data(i), at("d1/charter.mrc"), "--yes");
        ck_assert_int_eq(number("node"), i + 1);
    }
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i] = nodedir_start(data(i), NULL);
        ck_assert_ptr_nonnull(nodes[i]);
    }
    for (unsigned i = 0; i < NODES; i++)
        wait_answering(i, NODES);
}

/* Somebody joins an association at its node and is admitted by its operator. */
static void join(unsigned i, const char *name, const char *class)
{
    char link[512];
    ADMIN("-d", data(i), "link");
    snprintf(link, sizeof link, "%s", field("join_link"));
    WALLET("--wallet", at(name), "join", link, "--name", name, "--contact", "x", "--class", class,
           "--kdf-min");
    ADMIN("-d", data(i), "admit", name, "--yes");
}

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    scratch_make(dir);
    ck_assert_int_eq(file_write(at("pass"), "secret\n", 7, 0600, true), MR_OK);
    found();
}

static void teardown(void)
{
    for (unsigned i = 0; i < NODES; i++)
        proc_end(nodes[i]);
    free(text);
    json_decref(said);
    text = NULL;
    said = NULL;
    scratch_remove(dir);
}

START_TEST(test_pay_across)
{
    ADMIN("-d", data(2), "federation", "status");
    ck_assert_int_eq(number("node"), 3);
    ck_assert_int_eq(number("nodes_may_be_down"), 1);
    ck_assert_int_eq(number("nodes_may_lie"), 1);
    join(2, "ana", "resident");
    join(3, "bob", "shop");
    ADMIN("-d", data(2), "issue", "ana", "50", "--bank-ref", "R1", "--yes");
    ADMIN("-d", data(3), "list-shop", "bob", "boulangerie", "--name", "Fournil", "--yes");
    WALLET("--wallet", at("ana"), "pay", "boulangerie@asso4", "12.50", "--yes");
    ck_assert_str_eq(field("status"), "SETTLED");
    /* One node dies; the others pay on and say that no further one may. */
    proc_signal(nodes[1], SIGKILL);
    wait_answering(3, NODES - 1);
    RUN("mereau-admin", 0, "-d", data(3), "federation", "status");
    ck_assert_msg(strstr(text, "no further node may be down, one may lie") != NULL, "%s", text);
    ADMIN("-d", data(2), "issue", "ana", "1", "--bank-ref", "R2", "--yes");
    ADMIN("-d", data(3), "status");
    ck_assert_int_eq(number("issued_minor"), 5100);
    /* It comes back and catches up by itself. */
    proc_end(nodes[1]);
    nodes[1] = nodedir_start(data(1), NULL);
    wait_answering(3, NODES);
    wait_answering(1, NODES);
}
END_TEST

/* What is done to a data directory is done as its own node. */
START_TEST(test_own_node)
{
    join(2, "ana", "resident");
    ADMIN("-d", data(2), "issue", "ana", "50", "--bank-ref", "R1", "--yes");
    ADMIN("-d", data(2), "backup", at("b3"));
    RUN("mereau-admin", 1, "-d", data(1), "backup", at("b3"));
    ADMIN("check", data(2));
    ADMIN("-d", data(2), "stop");
    ADMIN("check", data(2));
    ADMIN("rebuild", data(2));
    ADMIN("-d", data(2), "backup", at("b3"));
    ADMIN("restore", at("b3"), at("r3"));
    ADMIN("check", at("r3"));
    ck_assert_int_eq(number("findings_count"), 0);
    ck_assert_int_eq(number("issued_minor"), 5000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ceremony");
    TCase *c = tcase_create("four");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_pay_across);
    tcase_add_test(c, test_own_node);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
