#include "lib/office.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "common/link.h"
#include "lib/nodedir.h"
#include "lib/typed.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/order.h"
#include "mereau/sign.h"

enum { WORDS_MAX = 48, PATHS = 4 };

#define must(condition) must_be((condition), #condition, __LINE__)

static void must_be(bool condition, const char *what, int line)
{
    if (condition)
        return;
    fprintf(stderr, "office.c:%d: %s\n", line, what);
    abort();
}

const char *office_path(const struct office *o, const char *name)
{
    static char paths[PATHS][2 * OFFICE_PATH_MAX];
    static unsigned at;
    at = (at + 1) % PATHS;
    snprintf(paths[at], sizeof paths[at], "%s/%s", o->dir, name);
    return paths[at];
}

/* --- running mereau-admin ----------------------------------------------------------------------
 */

static struct proc *start(struct office *o, const char *const *front, const char *const *words)
{
    const char *argv[WORDS_MAX + 1] = {"LC_ALL=C", "MEREAU_DATA=", MEREAU_BIN_DIR "/mereau-admin"};
    size_t n = 3;
    while (*front != NULL)
        argv[n++] = *front++;
    while (*words != NULL && n < WORDS_MAX)
        argv[n++] = *words++;
    argv[n] = NULL;
    struct proc *p = proc_start(argv);
    must(p != NULL);
    (void)o;
    return p;
}

struct proc *office_start(struct office *o, const char *const *words)
{
    char data[2 * OFFICE_PATH_MAX], key[2 * OFFICE_PATH_MAX], pass[2 * OFFICE_PATH_MAX];
    snprintf(data, sizeof data, "%s/%s", o->dir, o->data);
    snprintf(pass, sizeof pass, "%s/pass", o->dir);
    snprintf(key, sizeof key, "%s/%s/%s.key", o->dir, o->keys, o->key != NULL ? o->key : "");
    const char *front[] = {"--data",
                           data,
                           "--passphrase-file",
                           pass,
                           "--yes",
                           "--json",
                           o->key != NULL ? "--key" : NULL,
                           key,
                           NULL};
    return start(o, front, words);
}

static int finish(struct office *o, struct proc *p)
{
    const int code = proc_wait(p, PROC_DEADLINE_MS);
    json_decref(o->said);
    free(o->text);
    o->text = proc_text(p);
    o->said = typed_object(o->text);
    proc_end(p);
    return code;
}

int office_run(struct office *o, const char *const *words)
{
    return finish(o, office_start(o, words));
}

const char *office_text(const struct office *o, const char *field)
{
    const char *text = json_string_value(json_object_get(o->said, field));
    return text != NULL ? text : "";
}

int64_t office_int(const struct office *o, const char *field)
{
    const json_t *value = json_object_get(o->said, field);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* --- founding and the node ---------------------------------------------------------------------
 */

void office_found(struct office *o, const char *dir, unsigned operators)
{
    office_found_under(o, dir, operators, NULL);
}

void office_found_under(struct office *o, const char *dir, unsigned operators, const char *policy)
{
    office_found_with(o, dir, operators,
                      (const char *const[]){policy != NULL ? "--policy" : NULL, policy, NULL});
}

void office_found_with(struct office *o, const char *dir, unsigned operators,
                       const char *const *more)
{
    char count[16], data[2 * OFFICE_PATH_MAX], pass[2 * OFFICE_PATH_MAX];
    must(sodium_init() >= 0);
    *o = (struct office){.data = "data", .keys = "data-keys", .key = "op1"};
    must(strlen(dir) < sizeof o->dir);
    snprintf(o->dir, sizeof o->dir, "%s", dir);
    snprintf(count, sizeof count, "%u", operators);
    snprintf(data, sizeof data, "%s/data", dir);
    snprintf(pass, sizeof pass, "%s/pass", dir);
    must(file_write(pass, "secret\n", 7, 0600, true) == MR_OK);
    const char *const front[] = {"--passphrase-file", pass, "--json", NULL};
    const char *words[32 + OFFICE_MORE_MAX] = {
        "init",     "--kdf-min",   "--name",        "Testa",           "--unit",      "TST",
        "--prefix", "tst",         "--association", "Testa en commun", "--operators", count,
        "--listen", "127.0.0.1:0", "--address",     "localhost:1",     data,          NULL};
    size_t n = 0;
    while (words[n] != NULL)
        n++;
    for (size_t i = 0; more[i] != NULL; i++) {
        must(i < OFFICE_MORE_MAX);
        words[n++] = more[i];
    }
    struct proc *p = start(o, front, words);
    must(finish(o, p) == 0);
    office_node_start(o);
}

/* --- two associations --------------------------------------------------------------------------
 */

/* An address on loopback whose port was free a moment ago. */
static void free_address(char ret[32])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    must(bind(fd, (const struct sockaddr *)&a, sizeof a) == 0);
    must(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    close(fd);
    snprintf(ret, 32, "127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
}

/* A command that has no node yet. */
static void run_bare(struct office *o, const char *const *words)
{
    char pass[2 * OFFICE_PATH_MAX];
    snprintf(pass, sizeof pass, "%s/pass", o->dir);
    const char *const front[] = {"--passphrase-file", pass, "--json", "--yes", NULL};
    struct proc *p = start(o, front, words);
    if (finish(o, p) != 0)
        fprintf(stderr, "%s", o->text);
    must(o->said != NULL && json_is_true(json_object_get(o->said, "ok")));
}
#define RUN_BARE(o, ...) run_bare((o), (const char *const[]){__VA_ARGS__, NULL})

static void wait_for_peers(struct office *o)
{
    for (uint64_t tries = 0; strcmp(office_text(o, "mode"), "OK") != 0; tries++) {
        const struct timespec pause = {.tv_nsec = 50000000};
        must(tries < 600);
        nanosleep(&pause, NULL);
        must(OFFICE_RUN(o, "status") == 0);
    }
}

void office_found_two(struct office *first, struct office *second, const char *dir)
{
    char wallet[2][32], peer[2][32], data[2][2 * OFFICE_PATH_MAX], offer[2 * OFFICE_PATH_MAX];
    must(sodium_init() >= 0);
    *first = (struct office){.data = "quai", .keys = "quai-keys", .key = "op1"};
    *second = (struct office){.data = "port", .keys = "port-keys", .key = "op1", .home = 1};
    snprintf(first->dir, sizeof first->dir, "%s", dir);
    snprintf(second->dir, sizeof second->dir, "%s", dir);
    must(file_write(office_path(first, "pass"), "secret\n", 7, 0600, true) == MR_OK);
    for (int i = 0; i < 2; i++) {
        free_address(wallet[i]);
        free_address(peer[i]);
        snprintf(data[i], sizeof data[i], "%s", office_path(first, i == 0 ? "quai" : "port"));
    }
    snprintf(offer, sizeof offer, "%s", office_path(first, "port/offer.mro"));
    RUN_BARE(second, "federation", "offer", "--kdf-min", "--association", "Association du Port",
             "--alias", "port", "--listen", wallet[1], "--peer-listen", peer[1], data[1]);
    RUN_BARE(first, "init", "--kdf-min", "--name", "Galet", "--unit", "GAL", "--prefix", "gal",
             "--association", "Association du Quai", "--alias", "quai", "--listen", wallet[0],
             "--peer-listen", peer[0], "--offer", offer, data[0]);
    RUN_BARE(second, "federation", "found", data[1], office_path(first, "quai/charter.mrc"));
    office_node_start(first);
    office_node_start(second);
    wait_for_peers(first);
    wait_for_peers(second);
}

void office_node_start(struct office *o)
{
    o->node = nodedir_start(office_path(o, o->data), &o->port);
    must(o->node != NULL);
}

void office_node_stop(struct office *o)
{
    must(OFFICE_RUN(o, "stop") == 0);
    must(proc_wait(o->node, PROC_DEADLINE_MS) == 0);
    proc_end(o->node);
    o->node = NULL;
}

void office_done(struct office *o)
{
    proc_end(o->node);
    json_decref(o->said);
    free(o->text);
    *o = (struct office){.node = NULL};
}

/* --- members -----------------------------------------------------------------------------------
 */

static void read_charter(struct office *o, struct mr_charter *ret)
{
    uint8_t *bytes = NULL;
    size_t len;
    char path[OFFICE_PATH_MAX];
    snprintf(path, sizeof path, "%.400s/charter.mrc", o->data);
    must(file_read(&bytes, &len, office_path(o, path), 1 << 20) == MR_OK);
    must(mr_charter_decode(ret, bytes, len) == MR_OK);
    free(bytes);
}

static void fill_join(struct mr_req_join *r, const struct mr_charter *charter, unsigned home,
                      bool stray, const uint8_t seed[32], const char *name,
                      enum mr_account_class class)
{
    const struct mr_association *a = &charter->associations[home];
    struct mr_seckey secret;
    struct mr_identity identity = {.name_len = (uint32_t)strlen(name)};
    uint8_t plain[MR_REGISTER_BOX_MAX], bytes[4096];
    struct mr_open *open = &r->join.open;
    *r = (struct mr_req_join){.join = {.open = {.class = class}}};
    mr_ledger_id(r->join.ledger, charter);
    memcpy(r->join.association, a->id, 16);
    randombytes_buf(open->account, sizeof open->account);
    mr_into_space(open->account, a->id);
    open->account[0] ^= stray;
    open->keys = (struct mr_keyset){.threshold = 1, .keys_count = 1};
    mr_seckey_from_seed(&secret, &open->keys.keys[0], seed);
    crypto_scalarmult_base(open->enc_key, seed);
    must(strlen(name) <= MR_NAME_MAX);
    memcpy(identity.name, name, strlen(name) + 1);
    const size_t len = mr_identity_encode(&identity, plain, sizeof plain);
    r->join.identity_len = (uint32_t)(len + crypto_box_SEALBYTES);
    crypto_box_seal(r->join.identity, plain, len, a->register_key);
    mr_sign(r->sig, MR_PURPOSE_JOIN, r->join.ledger, 0, bytes,
            mr_join_encode(&r->join, bytes, sizeof bytes), &secret);
    mr_seckey_done(&secret);
}

static enum mr_status ask(struct office *o, char ret_address[OFFICE_ADDRESS_MAX], unsigned home,
                          bool stray, const uint8_t seed[32], const char *name,
                          enum mr_account_class class)
{
    struct mr_charter *charter = calloc(1, sizeof *charter);
    struct mr_request_body *body = calloc(1, sizeof *body);
    struct mr_reply *reply = calloc(1, sizeof *reply);
    struct link *link = NULL;
    must(charter != NULL && body != NULL && reply != NULL);
    read_charter(o, charter);
    body->kind = MR_REQ_JOIN;
    fill_join(&body->u.join, charter, home, stray, seed, name, class);
    char socket[OFFICE_PATH_MAX];
    snprintf(socket, sizeof socket, "%.400s/run/control.sock", o->data);
    const struct link_config config = {.address = office_path(o, socket),
                                       .ledger = body->u.join.join.ledger};
    must(link_open(&link, &config) == MR_OK);
    const enum mr_status st = link_call(link, reply, body);
    mr_address_format(ret_address, charter->prefix, body->u.join.join.open.account);
    link_close(link);
    free(charter);
    free(body);
    free(reply);
    return st;
}

enum mr_status office_ask(struct office *o, char ret_address[OFFICE_ADDRESS_MAX], unsigned home,
                          bool stray, const char *name, enum mr_account_class class)
{
    uint8_t seed[32];
    randombytes_buf(seed, sizeof seed);
    return ask(o, ret_address, home, stray, seed, name, class);
}

enum mr_status office_ask_as(struct office *o, char ret_address[OFFICE_ADDRESS_MAX],
                             const uint8_t seed[32], const char *name, enum mr_account_class class)
{
    return ask(o, ret_address, 0, false, seed, name, class);
}

void office_join(struct office *o, char ret_address[OFFICE_ADDRESS_MAX], const char *name,
                 enum mr_account_class class)
{
    const enum mr_status st = office_ask(o, ret_address, o->home, false, name, class);
    must(st == MR_OK || st == MR_NOT_ADMITTED);
}

int64_t office_balance(struct office *o, const char *address)
{
    must(OFFICE_RUN(o, "member", "show", address) == 0);
    const json_t *member = json_object_get(o->said, "member");
    const json_t *balance = json_array_get(json_object_get(member, "balances_minor"), 0);
    must(json_is_integer(balance));
    return json_integer_value(balance);
}
