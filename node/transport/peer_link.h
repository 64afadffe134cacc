/** The asking side of one peer: a raw nanomsg REQ socket over tcp on a libuv loop, with a session
 *  that is pinned to the peer's transport key and proved as AUTH_PEER (TRA-19).
 *
 *  The link supervises itself: it looks after its connection, sends a heartbeat (HEAD) when it has
 *  not heard anything for a while, and on silence, a cut or a broken session removes the endpoint
 *  and connects anew, with a pause that doubles (a 1.1.5 connector can stick for good). Whatever
 *  was under way then is void, and on_down says so.
 *
 *  All calls and callbacks are on the loop's thread; a link must not be destroyed in a callback. */
#ifndef MEREAU_TRANSPORT_PEER_LINK_H
#define MEREAU_TRANSPORT_PEER_LINK_H

#include <stdbool.h>
#include <uv.h>

#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"

struct peer_link;

enum {
    PEER_LINK_CALLS_MAX = 28,     /* requests under way, the link's own included */
    PEER_LINK_REQUEST_MAX = 4096, /* bytes of one request */
    PEER_LINK_STRAYS_MAX = 1000,  /* messages that answer nothing, between two that do */
};

struct peer_link_times {
    uint32_t tick_ms;    /* how often deadlines are looked at */
    uint32_t shake_ms;   /* from connecting until WELCOME, and again until AUTH is answered */
    uint32_t margin_ms;  /* for an answer, beyond what the request waits by its own will */
    uint32_t beat_ms;    /* nothing heard: ask for the head */
    uint32_t silence_ms; /* nothing heard: connect anew */
    uint32_t pause_ms, pause_max_ms; /* before that, doubled */
};

/** For nodes of a region. */
struct peer_link_times peer_link_times(void);

struct peer_link_config {
    const char *address; /* host:port; copied */
    struct mr_pubkey pinned;
    const uint8_t *ledger;       /* 32 bytes; borrowed */
    uint32_t own;                /* number of the asking node */
    const struct mr_seckey *key; /* its transport key; borrowed */
    struct mr_reply *scratch;    /* large; borrowed, used within callbacks only */
    struct peer_link_times times;
    void (*random)(void *ret, size_t len);
};

struct peer_link_sink {
    /** A proved session stands: requests may be sent. */
    void (*on_up)(void *ctx);
    /** It stands no more; what was asked is void. */
    void (*on_down)(void *ctx, enum mr_status why);
    /** What came of a request. MR_OK: `reply`, whatever its status, with its bytes for another
     *  thread; else why there is none, and the rest is NULL. */
    void (*on_answer)(void *ctx, enum mr_request_kind kind, enum mr_status st,
                      const struct mr_reply *reply, const uint8_t *bytes, size_t len);
    /** The answer to a heartbeat. */
    void (*on_head)(void *ctx, const struct mr_head *head);
    /** A link that is up takes requests again. */
    void (*on_room)(void *ctx);
    /** The highest head of the asked node that is held here, to be shown to it. False: none. */
    bool (*seen)(void *ctx, struct mr_head *ret);
    void *ctx;
};

/** Nothing is sent before the loop runs. MR_OK, MR_BAD_TEXT (address), MR_NO_MEMORY. */
enum mr_status peer_link_create(struct peer_link **ret, uv_loop_t *loop,
                                const struct peer_link_config *config,
                                const struct peer_link_sink *sink);

/** Whether one more request may be sent now. */
bool peer_link_has_room(const struct peer_link *l);

/** Send a request; there must be room. MR_OK; MR_TOO_LARGE. */
enum mr_status peer_link_ask(struct peer_link *l, const struct mr_request_body *body);

/** The answers of this peer are of no use: no room for a moment that doubles while this goes on. */
void peer_link_hold(struct peer_link *l);

/** End the session and connect anew after a pause, for a reason of the caller's. May be called in a
 *  callback. */
void peer_link_reset(struct peer_link *l, enum mr_status why);

struct peer_link_facts {
    bool up;
    enum mr_status trouble; /* that the link met last and has not got over; MR_OK: none */
    uint64_t heard_ms;      /* uv_now when it was heard last; 0: never */
    uint64_t rtt_us;        /* last round trip without waiting; 0: none yet */
    uint64_t connects;      /* attempts */
    uint64_t asked, answered, unanswered, strays;
};
struct peer_link_facts peer_link_facts(const struct peer_link *l);

/** The memory goes once the loop has run the close callbacks. No callback of the sink comes any
 *  more. NULL is fine. */
void peer_link_destroy(struct peer_link *l);

#endif
