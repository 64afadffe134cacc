#include "lib/quartet.h"

#include <ftw.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "lib/loopback.h"
#include "lib/nodedir.h"

enum { WORDS_MAX = 48 };

struct quartet quartet;

void quartet_wait_epoch(unsigned i, long epoch)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int k = 0; k < 10 * QUARTET_PATIENCE_S; k++) {
        ADMIN("-d", typed_data(i), "federation", "status");
        if (typed_number("epoch") == epoch && strcmp(typed_field("mode"), "CHANGING") != 0)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("%s", typed.text);
}

void quartet_wait_answering(unsigned i, long count)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int k = 0; k < 10 * QUARTET_PATIENCE_S; k++) {
        ADMIN("-d", typed_data(i), "federation", "status");
        if (typed_number("nodes_answering") == count)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("%s", typed.text);
}

void quartet_start(unsigned i)
{
    quartet.nodes[i] = nodedir_start(typed_data(i), NULL);
    ck_assert_ptr_nonnull(quartet.nodes[i]);
}

void quartet_join(unsigned i, const char *const *words)
{
    const char *argv[WORDS_MAX + 1] = {"LC_ALL=C.UTF-8",    MEREAU_BIN_DIR "/mereau-admin",
                                       "--passphrase-file", typed_at("pass"),
                                       "federation",        "join"};
    size_t n = 6;
    while (*words != NULL && n < WORDS_MAX)
        argv[n++] = *words++;
    argv[n] = NULL;
    quartet.joining[i] = proc_start(argv);
    ck_assert_ptr_nonnull(quartet.joining[i]);
    if (!proc_line(quartet.joining[i], NULL, 0, "waiting until governance", PROC_DEADLINE_MS))
        ck_abort_msg("%s", proc_text(quartet.joining[i]));
}

void quartet_come(unsigned i)
{
    char name[32], alias[16];
    snprintf(name, sizeof name, "Association %u", i + 1);
    snprintf(alias, sizeof alias, "asso%u", i + 1);
    quartet_join(i, (const char *const[]){quartet.invitation, typed_data(i), "--association", name,
                                          "--alias", alias, "--operators", "1", "--listen",
                                          quartet.wallet_port[i], "--peer-listen",
                                          quartet.peer_port[i], "--kdf-min", "--yes", NULL});
}

void quartet_come_in(unsigned i)
{
    const int code = proc_wait(quartet.joining[i], QUARTET_PATIENCE_S * 1000);
    char *said_by = proc_text(quartet.joining[i]);
    ck_assert_msg(code == 0, "exit %d: %s", code, said_by);
    free(said_by);
    proc_end(quartet.joining[i]);
    quartet.joining[i] = NULL;
    quartet_start(i);
}

void quartet_ports(void)
{
    for (unsigned i = 0; i < QUARTET_NODES; i++) {
        snprintf(quartet.wallet_port[i], sizeof quartet.wallet_port[i], "127.0.0.1:%u",
                 loopback_free_port());
        snprintf(quartet.peer_port[i], sizeof quartet.peer_port[i], "127.0.0.1:%u",
                 loopback_free_port());
    }
}

void quartet_found(const char *governance)
{
    quartet_ports();
    ADMIN("init", typed_data(0), "--name", "Galet", "--unit", "GAL", "--association",
          "Association 1", "--alias", "asso1", "--operators", "1", "--governance", governance,
          "--listen", quartet.wallet_port[0], "--peer-listen", quartet.peer_port[0], "--kdf-min",
          "--yes");
    quartet_start(0);
    ADMIN("-d", typed_data(0), "federation", "invite");
    snprintf(quartet.invitation, sizeof quartet.invitation, "%s", typed_field("join_link"));
}

void quartet_become_four(void)
{
    for (unsigned i = 1; i < QUARTET_NODES; i++)
        quartet_come(i);
    PROPOSE("--add", typed_at("d2/offer.mro"), "--add", typed_at("d3/offer.mro"), "--add",
            typed_at("d4/offer.mro"), "--reason", "four of us");
    for (unsigned i = 1; i < QUARTET_NODES; i++)
        quartet_come_in(i);
    for (unsigned i = 0; i < QUARTET_NODES; i++)
        quartet_wait_answering(i, QUARTET_NODES);
}

void quartet_member(unsigned i, const char *name, const char *class)
{
    char link[512];
    ADMIN("-d", typed_data(i), "link");
    snprintf(link, sizeof link, "%s", typed_field("join_link"));
    WALLET("--wallet", typed_at(name), "join", link, "--name", name, "--contact", "x", "--class",
           class, "--kdf-min");
    ADMIN("-d", typed_data(i), "admit", name, "--yes");
}

void quartet_ana_and_bob(void)
{
    quartet_member(0, "ana", "resident");
    quartet_member(0, "bob", "shop");
    ADMIN("-d", typed_data(0), "issue", "ana", "50", "--bank-ref", "R1", "--yes");
    ADMIN("-d", typed_data(0), "list-shop", "bob", "boulangerie", "--name", "Fournil", "--yes");
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

void quartet_kill(unsigned i)
{
    proc_signal(quartet.nodes[i], SIGKILL);
    proc_end(quartet.nodes[i]);
    quartet.nodes[i] = NULL;
}

void quartet_lose(unsigned i)
{
    quartet_kill(i);
    ck_assert_int_eq(nftw(typed_data(i), remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void quartet_stop(unsigned i)
{
    RUN("mereau-admin", 0, "-d", typed_data(i), "stop");
    const int code = proc_wait(quartet.nodes[i], PROC_DEADLINE_MS);
    ck_assert_msg(code == 0, "%d: %s", code, proc_text(quartet.nodes[i]));
    proc_end(quartet.nodes[i]);
    quartet.nodes[i] = NULL;
}

void quartet_setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    scratch_make(typed.dir);
    ck_assert_int_eq(file_write(typed_at("pass"), "secret\n", 7, 0600, true), MR_OK);
}

void quartet_teardown(void)
{
    for (unsigned i = 0; i < QUARTET_NODES; i++) {
        proc_end(quartet.nodes[i]);
        proc_end(quartet.joining[i]);
        quartet.nodes[i] = quartet.joining[i] = NULL;
    }
    typed_done();
    scratch_remove(typed.dir);
}

void quartet_pay(const char *who, const char *whom, const char *amount)
{
    WALLET("--wallet", typed_at(who), "pay", whom, amount, "--yes");
    ck_assert_str_eq(typed_field("status"), "SETTLED");
}
