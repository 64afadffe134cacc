/* Opening and closing what a node stands on: lock, charter, keys, store, journal, engine. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/exit.h"
#include "common/file.h"
#include "common/heap.h"
#include "common/keyfile.h"
#include "common/log.h"
#include "daemon/node.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/order.h"
#include "storage/journal_file.h"
#include "storage/store_lmdb.h"

enum { PATH_BYTES = 1024, CHARTER_BYTES_MAX = 1 << 16 };

static const char version[] = "mereaud 0.1.0";

static int failed(const char *what, const char *path, enum mr_status st, const char *detail)
{
    log_event(LOG_LEVEL_ERROR, what,
              log_with(log_text("path", path), log_text("status", mr_status_name(st)),
                       log_text("reason", mr_status_text(st)), log_text("detail", detail)));
    const enum exit_code code = exit_code_of(st);
    return code == EXIT_DONE || code == EXIT_REFUSED || code == EXIT_UNKNOWN ? EXIT_HOST
                                                                             : (int)code;
}

static void path_in(char ret[PATH_BYTES], const struct node *n, const char *name)
{
    snprintf(ret, PATH_BYTES, "%s/%s", n->dir, name);
}

static int take_lock(struct node *n)
{
    pid_t holder = 0;
    const enum mr_status st = lock_take(&n->lock, n->dir, &holder);
    char detail[128] = "";
    if (st == MR_IN_USE)
        snprintf(detail, sizeof detail, "process %d runs on this directory", (int)holder);
    return st == MR_OK ? 0 : failed("lock", n->dir, st, detail);
}

static int read_charter(struct node *n)
{
    char path[PATH_BYTES];
    uint8_t *bytes = NULL;
    size_t len = 0;
    const char *what = "";
    path_in(path, n, "charter.mrc");
    enum mr_status st = file_read(&bytes, &len, path, CHARTER_BYTES_MAX);
    if (st == MR_OK && mr_charter_decode(&n->charter, bytes, len) != MR_OK) {
        st = MR_DAMAGED;
        what = "these bytes are no charter";
    }
    free(bytes);
    if (st == MR_OK && mr_charter_check(&n->charter, &what) != MR_OK)
        st = MR_DAMAGED;
    if (st != MR_OK)
        return failed("charter", path, st, what);
    mr_ledger_id(n->ledger, &n->charter);
    n->present = n->charter;
    return 0;
}

/* A key file of a node holds the seeds of its log key and of its transport key. */
static enum mr_status read_key(struct mr_seckey *ret_log, struct mr_seckey *ret_transport,
                               struct mr_pubkey *ret_public, const char *path,
                               const struct secret *passphrase)
{
    struct keyfile *file = NULL;
    struct mr_pubkey log_public;
    size_t len = 0;
    enum mr_status st = keyfile_open(&file, path, "node", passphrase);
    const uint8_t *seeds = st == MR_OK ? keyfile_payload(file, &len) : NULL;
    if (st == MR_OK && len != 64)
        st = MR_DAMAGED;
    if (st == MR_OK) {
        mr_seckey_from_seed(ret_log, &log_public, seeds);
        mr_seckey_from_seed(ret_transport, ret_public, seeds + 32);
    }
    keyfile_close(file);
    return st;
}

/* node.next.key has the same transport key: only the log key changes while a node lives. */
static int read_keys(struct node *n, const struct secret *passphrase)
{
    char path[PATH_BYTES];
    struct mr_seckey unused;
    struct mr_pubkey public;
    path_in(path, n, "node.key");
    enum mr_status st =
        read_key(&n->log_key, &n->transport_key, &n->transport_public, path, passphrase);
    if (st != MR_OK)
        return failed("node_key", path, st, "the node's own key file");
    path_in(path, n, "node.next.key");
    if (access(path, F_OK) != 0)
        return 0;
    st = read_key(&n->next_key, &unused, &public, path, passphrase);
    mr_seckey_done(&unused);
    if (st == MR_OK && memcmp(public.key, n->transport_public.key, MR_KEY_BYTES) != 0)
        st = MR_BAD_KEY;
    n->has_next_key = st == MR_OK;
    return st == MR_OK ? 0 : failed("node_key", path, st, "the node's next key file");
}

static int read_auditors(struct node *n)
{
    char copy[sizeof n->settings.auditors], *save = NULL;
    memcpy(copy, n->settings.auditors, sizeof copy);
    for (char *word = strtok_r(copy, " ,", &save); word != NULL;
         word = strtok_r(NULL, " ,", &save)) {
        struct mr_pubkey *key = &n->auditors[n->auditors_count];
        key->alg = MR_ALG_ED25519;
        if (n->auditors_count == 16 || mr_hex_parse(key->key, MR_KEY_BYTES, word) != MR_OK ||
            !mr_pubkey_usable(key))
            return failed("audit_keys", word, MR_CONFIG, "a public key has 64 hexadecimal digits");
        n->auditors_count++;
    }
    return 0;
}

/* What the store covers, so that the journal can be checked against it. */
static void covered_by(struct mr_journal_end *ret, struct mr_store *store)
{
    struct mr_state_meta meta;
    uint8_t bytes[1024];
    size_t len;
    *ret = (struct mr_journal_end){0};
    if (store->api->get(store, MR_TABLE_META, (const uint8_t *)"m", 1, bytes, sizeof bytes, &len) !=
            MR_OK ||
        mr_state_meta_decode(&meta, bytes, len) != MR_OK)
        return;
    ret->log = meta.log_at;
    ret->bodies = meta.bodies_at;
    ret->turn = meta.turn;
    memcpy(ret->check, meta.chain, 32);
}

static int open_store(struct node *n)
{
    char path[PATH_BYTES], text[STORE_TEXT_MAX] = "";
    const struct mr_store_lmdb_options options = {.map_bytes = (size_t)n->settings.map_bytes};
    bool sealed = false;
    path_in(path, n, "store");
    enum mr_status st = store_seal_check(path, &sealed, text);
    if (st == MR_OK && !sealed) {
        st = store_probe(path, text); /* it was not stopped in good order */
        st = st == MR_NO_SUCH_FILE ? MR_OK : st;
    }
    if (st == MR_OK)
        st = mr_store_lmdb_open(&n->store, path, &options);
    if (st == MR_DAMAGED)
        log_event(LOG_LEVEL_ERROR, "hint",
                  log_with(log_text(
                      "do", "mereau-admin rebuild makes the store again from the journal")));
    return st == MR_OK ? 0 : failed("store", path, st, text);
}

static int open_journal(struct node *n)
{
    char path[PATH_BYTES];
    struct mr_journal_end covered;
    struct mr_journal_report report = {0};
    covered_by(&covered, n->store);
    const struct mr_journal_file_options options = {
        .ledger = n->ledger,
        .node = (uint32_t)n->settings.node,
        .segment_bytes = (size_t)n->settings.segment_bytes,
        .covered = covered.turn > 0 ? &covered : NULL,
    };
    path_in(path, n, "journal");
    const enum mr_status st = mr_journal_file_open(&n->journal, path, &options, &report);
    if (st == MR_DAMAGED)
        log_event(LOG_LEVEL_ERROR, "hint",
                  log_with(log_text("do", "keep this directory as it is; mereau-admin check names "
                                          "all damage, mereau-admin restore takes a backup")));
    if (st != MR_OK)
        return failed("journal", path, st, report.text);
    if (report.torn_log > 0 || report.torn_bodies > 0)
        log_event(LOG_LEVEL_WARN, "torn_turn", log_with(log_text("detail", report.text)));
    return 0;
}

static int open_register(struct node *n)
{
    char path[PATH_BYTES];
    path_in(path, n, "register");
    const enum mr_status st = register_open(&n->members, path);
    if (st != MR_OK)
        return failed("register", path, st, "");
    n->requests_waiting = register_count(n->members, MR_REGISTER_REQUEST);
    return 0;
}

/* Governance's RESTART, when there is one: restart.mrr (JNL-9). */
static int read_restart(struct node *n, struct mr_signed_restart **ret)
{
    char path[PATH_BYTES];
    uint8_t *bytes = NULL;
    size_t len = 0;
    path_in(path, n, "restart.mrr");
    enum mr_status st = file_read(&bytes, &len, path, CHARTER_BYTES_MAX);
    if (st == MR_NO_SUCH_FILE)
        return 0;
    *ret = st == MR_OK ? malloc(sizeof **ret) : NULL;
    if (st == MR_OK && *ret == NULL)
        st = MR_NO_MEMORY;
    if (st == MR_OK && mr_signed_restart_decode(*ret, bytes, len) != MR_OK)
        st = MR_DAMAGED;
    free(bytes);
    return st == MR_OK ? 0 : failed("restart", path, st, "governance's RESTART");
}

/* Governance's REGROUP, when there is one: regroup.mrg (EPO-10). */
static int read_regroup(struct node *n)
{
    char path[PATH_BYTES];
    uint8_t *bytes = NULL;
    size_t len = 0;
    path_in(path, n, "regroup.mrg");
    enum mr_status st = file_read(&bytes, &len, path, CHARTER_BYTES_MAX);
    if (st == MR_NO_SUCH_FILE)
        return 0;
    n->regroup = st == MR_OK ? malloc(sizeof *n->regroup) : NULL;
    if (st == MR_OK && n->regroup == NULL)
        st = MR_NO_MEMORY;
    if (st == MR_OK && mr_signed_regroup_decode(n->regroup, bytes, len) != MR_OK)
        st = MR_DAMAGED;
    free(bytes);
    return st == MR_OK ? 0 : failed("regroup", path, st, "governance's REGROUP");
}

static int open_engine(struct node *n)
{
    char path[PATH_BYTES];
    struct mr_signed_restart *restart = NULL;
    path_in(path, n, "abstain");
    const bool abstain = access(path, F_OK) == 0;
    int code = read_restart(n, &restart);
    if (code == 0)
        code = read_regroup(n);
    if (code != 0) {
        free(restart);
        return code;
    }
    const struct mr_engine_config config = {.charter = &n->charter,
                                            .node = (uint32_t)n->settings.node,
                                            .log_key = &n->log_key,
                                            .next_key = n->has_next_key ? &n->next_key : NULL,
                                            .software = version,
                                            .store = n->store,
                                            .journal = n->journal,
                                            .mem = heap,
                                            .now_ms = now_ms(),
                                            .abstain = abstain,
                                            .restart = restart,
                                            .regroup = n->regroup};
    const enum mr_status st = mr_engine_create(&n->engine, &config);
    free(restart);
    if (st != MR_OK)
        return failed("engine", n->dir, st, "taking up the state from store and journal");
    struct mr_engine_facts facts;
    mr_engine_facts(n->engine, &facts);
    n->flushed_ms = n->checkpoint_ms = n->started_ms = now_ms();
    n->checkpoint_settled = facts.meta.settled;
    n->checkpoint_number = facts.meta.checkpoints;
    if (mr_engine_committee(n->engine)->count > 1)
        n->checkpoint_ms = mr_engine_checkpoint_ms(n->engine);
    epochs_follow(n);
    log_event(LOG_LEVEL_INFO, "loaded",
              log_with(log_uint("turn", facts.meta.turn), log_uint("leaves", facts.meta.leaves),
                       log_uint("accounts", facts.meta.accounts),
                       log_uint("epoch", facts.meta.epoch),
                       log_text("mode", facts.abstaining ? "abstaining" : "voting")));
    const bool alone = mr_engine_committee(n->engine)->count == 1;
    if (facts.abstaining)
        log_event(LOG_LEVEL_WARN, "abstaining",
                  log_with(log_text("why", "the log may be older than what others hold"),
                           log_text("do", alone ? "find a newer backup, or let governance sign "
                                                  "mereau-admin restore --accept"
                                                : "it reads on; then give it a new key with "
                                                  "mereau-admin federation rekey")));
    return 0;
}

int node_open(struct node *n, const struct secret *passphrase)
{
    char path[PATH_BYTES];
    int code = take_lock(n);
    if (code == 0)
        code = read_charter(n);
    if (code == 0)
        code = read_keys(n, passphrase);
    if (code == 0)
        code = read_auditors(n);
    static const char *const dirs[] = {"store", "journal", "register", "run", "snapshots"};
    for (size_t i = 0; code == 0 && i < sizeof dirs / sizeof dirs[0]; i++) {
        path_in(path, n, dirs[i]);
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            code = failed("directory", path, MR_IO_ERROR, "cannot be made");
    }
    if (code == 0)
        code = open_store(n);
    if (code == 0)
        code = open_journal(n);
    if (code == 0)
        code = open_register(n);
    return code == 0 ? open_engine(n) : code;
}

void node_close(struct node *n)
{
    char path[PATH_BYTES];
    free(n->puts); /* what a full disk did not take */
    mr_engine_destroy(n->engine);
    free(n->regroup);
    register_close(n->members);
    if (n->journal != NULL)
        n->journal->api->close(n->journal);
    state_close(n);
    epochs_done(&n->epochs);
    if (n->store != NULL) {
        n->store->api->close(n->store);
        path_in(path, n, "store");
        if (n->closed && store_seal(path) != MR_OK)
            log_event(LOG_LEVEL_WARN, "seal", log_with(log_text("path", path)));
    }
    lock_release(n->lock);
    mr_seckey_done(&n->log_key);
    mr_seckey_done(&n->next_key);
    mr_seckey_done(&n->transport_key);
}
