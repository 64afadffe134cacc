/** The other nodes of the committee: links, what they are asked, what they answer, and how it
 *  stands with them. With one node nothing of this runs. All on the loop's thread. */
#ifndef MEREAU_DAEMON_PEERS_H
#define MEREAU_DAEMON_PEERS_H

#include "daemon/node.h"
#include "transport/peer_link.h"

struct answer;

enum { CLOCK_BUCKETS = 2 };

/** What its heads tell of a peer's clock: the largest difference seen lately. A head that was on
 *  its way for long makes it look behind, never ahead. */
struct peer_clock {
    uint64_t last_head_ms; /* only newer heads are looked at */
    uint64_t came_ms;      /* when the last one came that was newer than one before; 0: none did */
    uint64_t bucket_since_ms;
    int64_t best[CLOCK_BUCKETS];
    bool known[CLOCK_BUCKETS];
};

/** Raised once, cleared once: the log tells both. */
struct peer_alarms {
    bool silent, lagging, clock, convicted;
};

struct peer {
    struct node *node;
    uint32_t number; /* 0: no peer */
    char address[MR_ADDRESS_MAX + 1];
    struct mr_pubkey transport_key;
    struct peer_link *link; /* NULL: it has no address */
    bool up;
    uint64_t session;             /* changes with every link: older answers are void */
    struct answer *first, **last; /* being verified, in order of arrival */
    uint64_t started_ms;
    uint64_t refused[256];        /* answers that were no use, by status */
    enum mr_status told;          /* the last of them that the log tells of, */
    uint64_t told_ms;             /* and when */
    uint64_t idle_since_ms, idle; /* answers without news: when counting began, and how many */
    struct peer_clock clock;
    struct peer_alarms alarms;
};

struct peers {
    bool running;
    uint32_t epoch;
    size_t answers; /* not yet stepped */
    struct peer all[MR_NODES_MAX + 1];
    struct mr_reply scratch; /* large: of the links, within callbacks */
    struct mr_reply answer;  /* large: while the engine takes one */
    enum mr_status mode;     /* last logged */
    uint64_t evidence;       /* last logged */
    uint64_t progress_ms;    /* last logged then */
};

/** Open links to the committee. MR_OK or MR_NO_MEMORY. */
enum mr_status peers_start(struct node *n);

/** Ask what the engine wants to know: after every step and answer. */
void peers_ask(struct node *n);

/** Follow changes of the committee; look after alarms. */
void peers_tick(struct node *n);

/** No more is asked; links close. */
void peers_stop(struct node *n);
/** After the loop's last step; before it closes. */
void peers_free(struct node *n);

/** A node of the present committee, until the engine's next step; NULL: it has none with this
 *  number. */
const struct mr_seat *peers_seat(struct node *n, uint32_t number);

/* peers_watch.c */

/** How it stands with one peer. False: there is none with this number. */
bool peers_status(struct node *n, uint32_t number, struct mr_peer_status *ret);

/** The answer to REQ_PEERS. */
void peers_report(struct node *n, struct mr_rep_peers *ret);

/** A head with this time came in. */
void clock_take(struct peer_clock *c, uint64_t head_ms, uint64_t now_ms);

/** The peer's clock minus the own one. False: not known yet, and 0. */
bool clock_offset(const struct peer_clock *c, int64_t *ret_ms);

/** An alarm is raised above the high mark and cleared below the low one. True when it changed. */
bool alarm_moves(bool *is_on, uint64_t value, uint64_t high, uint64_t low);

/** Raise and clear alarms in the log. */
void peers_watch(struct node *n);

#endif
