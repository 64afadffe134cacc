#include "admin/lobby.h"

#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <netdb.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "admin/context.h"
#include "common/hostport.h"
#include "common/sp_nn.h"
#include "mereau/codec.h"
#include "mereau/session.h"

enum { SESSIONS = 16 };

struct lobby {
    int socket;
    struct mr_pubkey identity;
    const struct mr_seckey *key;
    unsigned next;
    struct mr_session sessions[SESSIONS];
    struct mr_request request;
    struct mr_reply reply;
    uint8_t plain[MR_FRAME_MAX], out[MR_FRAME_MAX];
};

/* --- answers ---------------------------------------------------------------------------------- */

static size_t refuse(struct lobby *l, enum mr_status st)
{
    const uint8_t bytes[8] = {0, 0, 0, MR_ENV_REFUSED, 0, 0, 0, (uint8_t)st};
    memcpy(l->out, bytes, sizeof bytes);
    return sizeof bytes;
}

static size_t greet(struct lobby *l, const uint8_t *body, size_t len)
{
    struct mr_session *const s = &l->sessions[l->next++ % SESSIONS];
    struct mr_hello hello;
    uint8_t seed[48];
    size_t n = 0;
    enum mr_status st = mr_hello_decode(&hello, body, len);
    if (st != MR_OK)
        return refuse(l, st);
    mr_session_done(s);
    randombytes_buf(seed, sizeof seed);
    st = mr_session_accept(s, l->out, sizeof l->out, &n, &hello, seed, &l->identity, l->key);
    sodium_memzero(seed, sizeof seed);
    return st == MR_OK ? n : refuse(l, st);
}

static struct mr_session *session_of(struct lobby *l, const uint8_t id[MR_SALT_BYTES])
{
    for (unsigned i = 0; i < SESSIONS && i < l->next; i++)
        if (memcmp(l->sessions[i].id, id, MR_SALT_BYTES) == 0)
            return &l->sessions[i];
    return NULL;
}

/* It says that it is there and does not run; of anything else it knows nothing. */
static size_t say(struct lobby *l, const uint8_t *body, size_t len)
{
    uint8_t id[MR_SALT_BYTES];
    uint64_t counter;
    size_t n;
    enum mr_status st = mr_session_peek(id, body, len);
    struct mr_session *const s = st == MR_OK ? session_of(l, id) : NULL;
    if (s == NULL)
        return refuse(l, st == MR_OK ? MR_BAD_SESSION : st);
    st = mr_session_open_bytes(s, l->plain, sizeof l->plain, &n, &counter, body, len, 0);
    if (st == MR_OK)
        st = mr_request_decode(&l->request, l->plain, n);
    if (st != MR_OK)
        return refuse(l, st);
    l->reply = (struct mr_reply){.id = l->request.id, .body = {.kind = MR_REQ_AUTH}};
    if (l->request.body.kind == MR_REQ_NODE) {
        l->reply.body.kind = MR_REQ_NODE;
        l->reply.body.u.node =
            (struct mr_rep_node){.time_ms = admin_now_ms(), .mode = (uint32_t)MR_STARTING};
    } else {
        l->reply.status = (uint32_t)MR_STARTING;
    }
    n = mr_reply_encode(&l->reply, l->plain, sizeof l->plain);
    return mr_session_seal(s, l->out, sizeof l->out, l->plain, n, counter);
}

static size_t answer(struct lobby *l, const uint8_t *body, size_t len)
{
    if (len < 4 || body[0] != 0 || body[1] != 0 || body[2] != 0)
        return refuse(l, MR_UNKNOWN_TAG);
    return body[3] == MR_ENV_HELLO ? greet(l, body + 4, len - 4) : say(l, body, len);
}

void lobby_wait(struct lobby *l, uint64_t ms)
{
    const uint64_t end = admin_now_ms() + ms;
    for (uint64_t now = admin_now_ms(); now < end; now = admin_now_ms()) {
        const int left = (int)(end - now);
        void *body = NULL;
        nn_setsockopt(l->socket, NN_SOL_SOCKET, NN_RCVTIMEO, &left, sizeof left);
        const int n = nn_recv(l->socket, &body, NN_MSG, 0);
        if (n < 0)
            continue;
        const size_t out = answer(l, body, (size_t)n);
        nn_freemsg(body);
        nn_send(l->socket, l->out, out, NN_DONTWAIT);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

static enum mr_status bind_one(struct lobby *l, const char *listen)
{
    struct hostport at;
    struct addrinfo *all = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    char url[SP_NN_URL_MAX];
    if (hostport_parse(&at, listen) != MR_OK || at.port == 0)
        return MR_BAD_TEXT;
    if (getaddrinfo(at.host, NULL, &hints, &all) != 0)
        return MR_UNREACHABLE;
    enum mr_status st = sp_nn_url(url, all, 0, at.port) ? MR_OK : MR_UNREACHABLE;
    if (st == MR_OK)
        st = sp_nn_family(l->socket, all->ai_family == AF_INET);
    if (st == MR_OK && nn_bind(l->socket, url) < 0)
        st = MR_IN_USE;
    freeaddrinfo(all);
    return st;
}

enum mr_status lobby_open(struct lobby **ret, const char **ret_which, const char *const listen[2],
                          const struct mr_pubkey *identity, const struct mr_seckey *key)
{
    struct lobby *const l = calloc(1, sizeof *l);
    if (l == NULL)
        return MR_NO_MEMORY;
    l->identity = *identity;
    l->key = key;
    l->socket = nn_socket(AF_SP, NN_REP);
    enum mr_status st = l->socket >= 0 ? sp_nn_options(l->socket) : MR_NO_MEMORY;
    for (int i = 0; st == MR_OK && i < 2; i++) {
        *ret_which = listen[i];
        st = bind_one(l, listen[i]);
    }
    if (st != MR_OK) {
        lobby_close(l);
        return st;
    }
    *ret = l;
    return MR_OK;
}

void lobby_close(struct lobby *l)
{
    if (l == NULL)
        return;
    if (l->socket >= 0)
        nn_close(l->socket);
    for (unsigned i = 0; i < SESSIONS; i++)
        mr_session_done(&l->sessions[i]);
    sodium_memzero(l, sizeof *l);
    free(l);
}
