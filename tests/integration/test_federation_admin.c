/* mereau-admin federation status and evidence, as people type them, against a node that says what
 * the test wants. */
#include <check.h>
#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "common/keyfile.h"
#include "lib/fake_node.h"
#include "lib/procs.h"
#include "lib/scratch.h"
#include "mereau/codec.h"

enum { WORDS_MAX = 48, NODES = 4, PIECES_MAX = 3 };

static char dir[SCRATCH_PATH_MAX];
static struct fake_node fake;
static char *text; /* all that the last command printed */
static json_t *said;

/* What the node says. The test holds the lock but while a command runs. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mr_rep_node node;
static struct mr_rep_peers peers;
static struct mr_evidence *pieces;
static uint64_t pieces_count;
static enum mr_status refuses;

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void answer(void *ctx, const struct mr_request *r, struct mr_reply *ret)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    ret->status = (uint32_t)refuses;
    if (r->body.kind == MR_REQ_NODE) {
        ret->body.u.node = node;
    } else if (r->body.kind == MR_REQ_PEERS) {
        ret->body.u.peers = peers;
    } else if (r->body.kind == MR_REQ_EVIDENCE) {
        struct mr_rep_evidence *rep = &ret->body.u.evidence;
        rep->last = pieces_count;
        if (r->body.u.evidence.from >= 1 && r->body.u.evidence.from <= pieces_count) {
            rep->items_count = 1;
            rep->items[0] = pieces[r->body.u.evidence.from - 1];
        }
    } else {
        ret->status = MR_NOT_FOUND;
    }
    pthread_mutex_unlock(&lock);
}

/* --- running -----------------------------------------------------------------------------------
 */

static int run_words(const char *const *words)
{
    const char *argv[WORDS_MAX + 1] = {
        "LC_ALL=C.UTF-8", "MEREAU_DATA=", MEREAU_BIN_DIR "/mereau-admin", "--passphrase-file"};
    char pass[2 * SCRATCH_PATH_MAX];
    size_t n = 4;
    snprintf(pass, sizeof pass, "%s/pass", dir);
    argv[n++] = pass;
    while (*words != NULL && n < WORDS_MAX)
        argv[n++] = *words++;
    argv[n] = NULL;
    pthread_mutex_unlock(&lock);
    struct proc *p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    const int code = proc_wait(p, PROC_DEADLINE_MS);
    pthread_mutex_lock(&lock);
    free(text);
    text = proc_text(p);
    proc_end(p);
    json_decref(said);
    said = NULL;
    for (char *at = text, *end; at != NULL && *at != '\0'; at = *end == '\0' ? end : end + 1) {
        end = at + strcspn(at, "\n");
        json_t *object = *at == '{' ? json_loadb(at, (size_t)(end - at), 0, NULL) : NULL;
        if (object != NULL) {
            json_decref(said);
            said = object;
        }
    }
    return code;
}

#define expect(code, ...)                                                                          \
    do {                                                                                           \
        const int got_ = run_words((const char *const[]){__VA_ARGS__, NULL});                      \
        ck_assert_msg(got_ == (code), "exit %d, not %d: %s", got_, (code), text);                  \
    } while (0)

static void expect_text(const char *wanted)
{
    ck_assert_msg(strstr(text, wanted) != NULL, "no \"%s\" in:\n%s", wanted, text);
}

static void expect_no_text(const char *unwanted)
{
    ck_assert_msg(strstr(text, unwanted) == NULL, "\"%s\" in:\n%s", unwanted, text);
}

static long number(const char *field)
{
    return (long)json_integer_value(json_object_get(said, field));
}

/* A path in one buffer each; they are few and stay. */
static const char *at(const char *name)
{
    static char paths[16][2 * SCRATCH_PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

/* --- founding ----------------------------------------------------------------------------------
 */

static void make_offer(unsigned i)
{
    static const char *const names[] = {"Association du Port", "Association du Phare",
                                        "Association de la Dune"};
    char data[32], alias[16], listen[32], peer[32];
    snprintf(data, sizeof data, "d%u", i);
    snprintf(alias, sizeof alias, "asso%u", i);
    snprintf(listen, sizeof listen, "127.0.0.1:%u", 7300 + i);
    snprintf(peer, sizeof peer, "127.0.0.1:%u", 7400 + i);
    expect(0, "federation", "offer", at(data), "--association", names[i - 2], "--alias", alias,
           "--listen", listen, "--peer-listen", peer, "--kdf-min", "--json");
}

/* The seeds of a data directory's node. */
static void read_seeds(uint8_t ret[64], const char *data)
{
    char path[2 * SCRATCH_PATH_MAX];
    struct secret pass = {NULL, 0};
    struct keyfile *file = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    snprintf(path, sizeof path, "%s/node.pass", data);
    ck_assert_int_eq(file_read(&bytes, &len, path, 1024), MR_OK);
    ck_assert_int_eq(secret_copy(&pass, bytes, len - 1), MR_OK);
    free(bytes);
    snprintf(path, sizeof path, "%s/node.key", data);
    ck_assert_int_eq(keyfile_open(&file, path, "node", &pass), MR_OK);
    const uint8_t *seeds = keyfile_payload(file, &len);
    ck_assert_uint_eq(len, 64);
    memcpy(ret, seeds, 64);
    keyfile_close(file);
    secret_free(&pass);
}

static void all_well(void)
{
    const uint64_t now = now_ms();
    node = (struct mr_rep_node){.node = 1, .epoch = 1, .time_ms = now};
    peers = (struct mr_rep_peers){.node = 1,
                                  .nodes = NODES,
                                  .quorum = 3,
                                  .epoch = 1,
                                  .leaves = 90000,
                                  .peers_count = NODES - 1};
    for (uint32_t i = 0; i + 1 < NODES; i++)
        peers.peers[i] = (struct mr_peer_status){.node = i + 2,
                                                 .connected = true,
                                                 .seen_ms = now,
                                                 .size = 500,
                                                 .head_size = 500,
                                                 .head_ms = now,
                                                 .sent = 90000};
    pieces_count = 0;
    refuses = MR_OK;
}

static void setup(void)
{
    uint8_t seeds[64];
    ck_assert_int_ge(sodium_init(), 0);
    pthread_mutex_lock(&lock);
    scratch_make(dir);
    ck_assert_int_eq(file_write(at("pass"), "secret\n", 7, 0600, true), MR_OK);
    for (unsigned i = 2; i <= NODES; i++)
        make_offer(i);
    expect(0, "init", at("data"), "--name", "Galet", "--unit", "GAL", "--association",
           "Association du Quai", "--alias", "quai", "--operators", "1", "--listen",
           "127.0.0.1:7301", "--peer-listen", "127.0.0.1:7401", "--kdf-min", "--yes", "--offer",
           at("d2/offer.mro"), "--offer", at("d3/offer.mro"), "--offer", at("d4/offer.mro"));
    read_seeds(seeds, at("data"));
    pieces = calloc(PIECES_MAX, sizeof *pieces);
    ck_assert_ptr_nonnull(pieces);
    all_well();
    fake_node_start(&fake, seeds + 32, at("data/run/control.sock"), answer, NULL);
    sodium_memzero(seeds, sizeof seeds);
}

static void teardown(void)
{
    pthread_mutex_unlock(&lock);
    fake_node_stop(&fake);
    free(pieces);
    free(text);
    json_decref(said);
    text = NULL;
    said = NULL;
    scratch_remove(dir);
}

/* --- status ------------------------------------------------------------------------------------
 */

START_TEST(test_well)
{
    expect(0, "-d", at("data"), "federation", "status");
    expect_text("Federation:  Galet, 4 nodes, 3 of them settle. This is node 1, epoch 1.\n");
    expect_text("Now:         one node may be down, one may lie\n");
    expect_text("Association du Phare");
    expect_no_text("What to look after");
    expect(0, "-d", at("data"), "federation", "status", "--json");
    ck_assert_int_eq(number("nodes_answering"), 4);
    ck_assert_int_eq(number("nodes_may_be_down"), 1);
    ck_assert_int_eq(number("nodes_may_lie"), 1);
    ck_assert(json_is_true(json_object_get(said, "settles")));
    ck_assert_uint_eq(json_array_size(json_object_get(said, "peers")), 3);
    ck_assert_uint_eq(json_array_size(json_object_get(said, "troubles")), 0);
}
END_TEST

START_TEST(test_alone)
{
    peers.nodes = peers.quorum = 1;
    peers.peers_count = 0;
    expect(0, "-d", at("data"), "federation", "status");
    expect_text("Federation:  Galet, one node. This is node 1, epoch 1.\n");
    expect(0, "-d", at("data"), "federation", "status", "--lang", "fr");
    expect_text("Fédération :  Galet, un seul nœud. Ceci est le nœud 1, époque 1.\n");
}
END_TEST

START_TEST(test_troubles)
{
    peers.peers[0].connected = false;
    peers.peers[0].trouble = MR_UNREACHABLE;
    peers.peers[0].seen_ms = 0;
    peers.peers[1].sent = 10;
    peers.peers[1].offset_ms = -2440;
    peers.peers[2].convicted = true;
    expect(0, "-d", at("data"), "federation", "status");
    expect_text("Now:         no further node may be down, none may lie\n");
    expect_text("  - node 2 (Association du Port) has not answered since this node started: the "
                "node cannot be reached\n    ask its association whether its node runs, and "
                "whether 127.0.0.1:7402 can be reached");
    expect_text("  - node 3 (Association du Phare) lags: it lacks 89990 leaves of this node's log; "
                "its last head is 0.0 s old\n");
    expect_text("  - the clock of node 3 (Association du Phare) is 2.4 s behind this one\n");
    expect_text("  - node 4 (Association de la Dune) broke the rules, and its own log proves it\n"
                "    write the proof down (mereau-admin -d ");
    expect(0, "-d", at("data"), "federation", "status", "--lang", "fr");
    expect_text("aucun nœud de plus ne peut être en panne, aucun ne peut mentir");
    expect_text("le nœud 3 (Association du Phare) : son horloge retarde de 2,4 s");
    expect(0, "-d", at("data"), "federation", "status", "--json");
    const json_t *away = json_array_get(json_object_get(said, "troubles"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(away, "what")), "away");
    ck_assert_str_eq(json_string_value(json_object_get(away, "status")), "UNREACHABLE");
    ck_assert_int_eq(json_integer_value(json_object_get(away, "node")), 2);
}
END_TEST

START_TEST(test_nothing_settles)
{
    peers.peers[0].connected = peers.peers[1].connected = false;
    peers.peers[1].trouble = MR_WRONG_NODE;
    peers.mode = MR_NO_QUORUM;
    peers.open = 3;
    peers.oldest_ms = node.time_ms - 3600000;
    expect(0, "-d", at("data"), "federation", "status");
    expect_text("Now:         nothing settles: 2 nodes work, and it takes 3\n");
    expect_text("  - this node: too few nodes answer: orders wait\n");
    expect_text("something else answers at 127.0.0.1:7403");
    expect_text("orders that are not settled here: 3, the oldest since ");
    expect(0, "-d", at("data"), "federation", "status", "--json");
    ck_assert(json_is_false(json_object_get(said, "settles")));
    ck_assert_str_eq(json_string_value(json_object_get(said, "mode")), "NO_QUORUM");
}
END_TEST

/* A node that was started while the others are away waits for them, perhaps for ever. */
START_TEST(test_starts_in_vain)
{
    peers.peers[0].connected = peers.peers[1].connected = false;
    peers.mode = MR_STARTING;
    node.started_ms = node.time_ms - 60000;
    expect(0, "-d", at("data"), "federation", "status");
    expect_text("Now:         nothing settles: 2 nodes work, and it takes 3\n");
    expect_text("  - this node: it has started, and signs nothing before enough nodes answer: 2 "
                "work, and it takes 3\n    bring the nodes back that do not answer; nothing is "
                "lost meanwhile. Where they are lost for good: \"mereau-admin federation restart "
                "--help\"\n");
    expect_no_text("it goes on by itself");
    expect(0, "-d", at("data"), "federation", "status", "--lang", "fr");
    expect_text("ce nœud : il a démarré, et ne signe rien avant qu’assez de nœuds répondent : 2 "
                "fonctionnent, et il en faut 3\n    ramenez les nœuds qui ne répondent pas");
    peers.peers[2].connected = false;
    expect(0, "-d", at("data"), "federation", "status");
    expect_text("1 works, and it takes 3\n");
    node.started_ms = node.time_ms;
    expect(0, "-d", at("data"), "federation", "status");
    expect_text("wait; it goes on by itself\n");
}
END_TEST

/* Elsewhere an operator's key is proved; without one nothing is asked. */
START_TEST(test_over_tcp)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", fake.at.port);
    expect(0, "--node", address, "--key", at("data-keys/op1.key"), "federation", "status");
    expect_text("one node may be down, one may lie");
    expect(2, "--node", address, "--charter", at("data/charter.mrc"), "federation", "status");
    expect(1, "--node", address, "--key", at("data-keys/governance1.key"), "federation", "status");
    refuses = MR_NOT_AUTHORISED;
    expect(1, "-d", at("data"), "federation", "status");
}
END_TEST

/* The node that answers is the own one, not another of the federation. */
START_TEST(test_another_node)
{
    expect(0, "federation", "found", at("d2"), at("data/charter.mrc"), "--yes");
    ck_assert_int_eq(mkdir(at("d2/run"), 0700), 0);
    ck_assert_int_eq(symlink(at("data/run/control.sock"), at("d2/run/control.sock")), 0);
    expect(5, "-d", at("d2"), "federation", "status");
    expect_text("another node answers there");
}
END_TEST

static void put_money(unsigned i, int64_t owed, int64_t redeemed)
{
    node.issued[i].minor = node.reserve[i].minor = owed;
    node.redeemed[i].minor = redeemed;
    node.issued_count = node.reserve_count = node.redeemed_count = NODES;
}

/* The status of node and currency, where there are several associations. */
START_TEST(test_plain_status)
{
    node.issued_count = node.reserve_count = node.redeemed_count = NODES;
    node.issued[1].minor = 12050;
    node.reserve[1].minor = 12000;
    node.issued[3].minor = node.reserve[3].minor = 100;
    node.redeemed[3].minor = 5;
    expect(0, "-d", at("data"), "status");
    expect_text("Outstanding:  121.50 GAL\nReserve:      121.00 EUR\n");
    expect_text("Association du Port: 120.50 GAL outstanding, 120.00 EUR in reserve\n");
    expect_text("Association de la Dune: 1.00 GAL outstanding, 1.00 EUR in reserve\n");
    expect_text("Tolerance:    one node may be down, one may lie; \"mereau-admin -d ");
    expect(0, "-d", at("data"), "status", "--json");
    const json_t *rows = json_object_get(said, "associations");
    ck_assert_uint_eq(json_array_size(rows), NODES);
    const json_t *last = json_array_get(rows, 3);
    ck_assert_int_eq(json_integer_value(json_object_get(last, "redeemed_minor")), 5);
    ck_assert_str_eq(json_string_value(json_object_get(last, "alias")), "asso4");
}
END_TEST

/* Figures go to operators only; what is not told is not shown as nothing. */
START_TEST(test_status_for_a_stranger)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", fake.at.port);
    expect(0, "-d", at("data"), "status");
    expect_text("one node may be down, one may lie");
    expect_text("the rest to operators only: give --key FILE");
    expect_no_text("Accounts:");
    expect_no_text("1970");
    expect_no_text("Outstanding:");
    expect(0, "-d", at("data"), "status", "--json");
    ck_assert_ptr_null(json_object_get(said, "accounts"));
    put_money(0, 12050, 0);
    expect(0, "--node", address, "--key", at("data-keys/op1.key"), "status");
    expect_text("Outstanding:  120.50 GAL\n");
    expect_no_text("to operators only");
    expect(1, "--node", address, "--key", at("data-keys/governance1.key"), "status");
}
END_TEST

/* A backup is continued by its own node only: another's key would take the place of its key. */
START_TEST(test_backup_of_another)
{
    expect(0, "federation", "found", at("d2"), at("data/charter.mrc"), "--yes");
    ck_assert_int_eq(rename(at("d2"), at("backup")), 0);
    uint8_t *before = NULL, *after = NULL;
    size_t before_len, after_len;
    ck_assert_int_eq(file_read(&before, &before_len, at("backup/node.key"), 1 << 16), MR_OK);
    expect(1, "-d", at("data"), "backup", at("backup"));
    expect_text("is the backup of another node");
    ck_assert_int_eq(file_read(&after, &after_len, at("backup/node.key"), 1 << 16), MR_OK);
    ck_assert_uint_eq(before_len, after_len);
    ck_assert_mem_eq(before, after, after_len);
    free(before);
    free(after);
}
END_TEST

/* --- clearing ----------------------------------------------------------------------------------
 */

START_TEST(test_clearing_in_words)
{
    put_money(0, 100000, 20000);
    put_money(1, 50000, 0);
    put_money(2, 10000, 45050);
    put_money(3, 0, 12000);
    expect(0, "-d", at("data"), "clearing");
    expect_text("association             outstanding      reserve  given back  left or short\n");
    expect_text("Association du Quai     1000.00 GAL  1000.00 EUR  200.00 GAL     800.00 EUR\n");
    expect_text("Association du Phare     100.00 GAL   100.00 EUR  450.50 GAL    -350.50 EUR\n");
    expect_text("So that each can pay what was given back to it:\n"
                "  Association du Port owes 350.50 EUR to Association du Phare\n"
                "  Association du Port owes 120.00 EUR to Association de la Dune\n");
    expect_text("mereau-admin clearing propose --bank-ref TEXT");
    expect_text("bank statements and the\nmunicipality prove");
    expect_no_text("Nobody has reserve");
    expect(0, "-d", at("data"), "clearing", "--lang", "fr");
    expect_text("  Association du Port doit 120,00 EUR à Association de la Dune\n");
    put_money(3, 0, 0);
    put_money(2, 0, 0);
    expect(0, "-d", at("data"), "clearing");
    expect_text("nothing is to be cleared");
    expect_no_text("owes");
    put_money(0, 100, 500000);
    expect(0, "-d", at("data"), "clearing");
    expect_text("Association du Port owes 500.00 EUR to Association du Quai");
    expect_text("Nobody has reserve for another 4499.00 EUR that was given back.");
}
END_TEST

START_TEST(test_clearing_for_machines)
{
    put_money(0, 100000, 20000);
    put_money(1, 0, 30000);
    expect(0, "-d", at("data"), "clearing", "--json");
    const json_t *rows = json_object_get(said, "associations");
    const json_t *first = json_array_get(rows, 0), *second = json_array_get(rows, 1);
    ck_assert_uint_eq(json_array_size(rows), NODES);
    ck_assert_str_eq(json_string_value(json_object_get(first, "alias")), "quai");
    ck_assert_int_eq(json_integer_value(json_object_get(first, "left_minor")), 80000);
    ck_assert(json_is_true(json_object_get(first, "covered")));
    ck_assert_int_eq(json_integer_value(json_object_get(second, "left_minor")), -30000);
    ck_assert(json_is_false(json_object_get(second, "covered")));
    const json_t *transfers = json_object_get(said, "transfers");
    const json_t *transfer = json_array_get(transfers, 0);
    ck_assert_uint_eq(json_array_size(transfers), 1);
    ck_assert_str_eq(json_string_value(json_object_get(transfer, "from")), "quai");
    ck_assert_str_eq(json_string_value(json_object_get(transfer, "to")), "asso2");
    ck_assert_int_eq(json_integer_value(json_object_get(transfer, "amount_minor")), 30000);
    ck_assert_int_eq(number("uncovered_minor"), 0);
    node.issued_count = node.reserve_count = node.redeemed_count = 0; /* as to a stranger */
    expect(1, "-d", at("data"), "clearing", "--json");
    ck_assert_str_eq(json_string_value(json_object_get(said, "status")), "NOT_AUTHORISED");
}
END_TEST

/* --- evidence ----------------------------------------------------------------------------------
 */

static void make_pieces(void)
{
    uint8_t ledger[32], *bytes = NULL;
    size_t len = 0;
    struct mr_charter *charter = calloc(1, sizeof *charter);
    ck_assert_int_eq(file_read(&bytes, &len, at("data/charter.mrc"), 1 << 20), MR_OK);
    ck_assert_int_eq(mr_charter_decode(charter, bytes, len), MR_OK);
    mr_ledger_id(ledger, charter);
    free(charter);
    free(bytes);
    for (uint32_t i = 0; i < PIECES_MAX; i++) {
        struct mr_evidence *e = &pieces[i];
        *e = (struct mr_evidence){.version = 1};
        memcpy(e->ledger, ledger, sizeof ledger);
        e->body.kind = i == 0 ? MR_EVIDENCE_FORK : MR_EVIDENCE_LEAVES;
        if (i == 0) {
            e->body.u.fork.older = (struct mr_head){.epoch = 1, .node = 3, .size = 4};
            e->body.u.fork.newer = (struct mr_head){.epoch = 1, .node = 3, .size = 9};
        } else {
            struct mr_proof *proofs[] = {&e->body.u.leaves.first, &e->body.u.leaves.second};
            for (uint32_t k = 0; k < 2; k++) {
                proofs[k]->head = (struct mr_head){.epoch = 1, .node = 3 + i / 2, .size = 9 + i};
                proofs[k]->index = k;
                proofs[k]->leaf.kind = MR_LEAF_VOTE;
            }
        }
    }
    pieces_count = PIECES_MAX;
}

static void expect_piece(const char *name, const struct mr_evidence *e)
{
    static uint8_t wanted[MR_FRAME_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    const size_t n = mr_evidence_encode(e, wanted, sizeof wanted);
    ck_assert_msg(file_read(&bytes, &len, at(name), MR_FRAME_MAX) == MR_OK, "%s", name);
    ck_assert_uint_eq(len, n);
    ck_assert_mem_eq(bytes, wanted, n);
    free(bytes);
}

START_TEST(test_evidence)
{
    expect(0, "-d", at("data"), "federation", "evidence");
    expect_text("No evidence");
    make_pieces();
    expect(0, "-d", at("data"), "federation", "evidence");
    expect_text("1: node 3 (Association du Phare) showed two histories of its log\n");
    expect_text("3: node 4 (Association de la Dune) contradicted itself in its log\n");
    expect(0, "-d", at("data"), "federation", "evidence", "--out", at("proofs"));
    expect_text("evidence-1-node3.mre");
    expect_piece("proofs/evidence-1-node3.mre", &pieces[0]);
    expect_piece("proofs/evidence-2-node3.mre", &pieces[1]);
    expect_piece("proofs/evidence-3-node4.mre", &pieces[2]);
    expect(0, "-d", at("data"), "federation", "evidence", "--out", at("proofs"), "--json");
    const json_t *rows = json_object_get(said, "evidence");
    ck_assert_uint_eq(json_array_size(rows), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(rows, 2), "node")), 4);
    ck_assert_int_eq(file_write(at("proofs/evidence-2-node3.mre"), "x", 1, 0600, true), MR_OK);
    expect(1, "-d", at("data"), "federation", "evidence", "--out", at("proofs"));
    expect_text("evidence-2-node3.mre exists already, with something else in it");
    pieces[0].ledger[0] ^= 1;
    expect(1, "-d", at("data"), "federation", "evidence");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("federation_admin");
    TCase *c = tcase_create("commands");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_well);
    tcase_add_test(c, test_alone);
    tcase_add_test(c, test_troubles);
    tcase_add_test(c, test_nothing_settles);
    tcase_add_test(c, test_starts_in_vain);
    tcase_add_test(c, test_over_tcp);
    tcase_add_test(c, test_another_node);
    tcase_add_test(c, test_plain_status);
    tcase_add_test(c, test_status_for_a_stranger);
    tcase_add_test(c, test_backup_of_another);
    tcase_add_test(c, test_clearing_in_words);
    tcase_add_test(c, test_clearing_for_machines);
    tcase_add_test(c, test_evidence);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
