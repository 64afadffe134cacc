/** What a federation bears at this moment and what troubles it, seen from one of its nodes. */
#ifndef MEREAU_ADMIN_FEDERATION_H
#define MEREAU_ADMIN_FEDERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "mereau/record.h"
#include "mereau/status.h"

enum {
    FEDERATION_SILENT_MS = 20000, /* a node that did not answer for so long is away */
    FEDERATION_START_MS = 5000,   /* the others of one that starts answer within this */
    FEDERATION_MUTE_MS = 20000,   /* one that works signs a head every two seconds */
    FEDERATION_LAG_LEAVES = 1000, /* fewer are on their way at any time */
    FEDERATION_CLOCK_MS = 1000,
    FEDERATION_WAIT_MS = 60000, /* an order that waits longer is worth a word */
    FEDERATION_TROUBLES_MAX = 6 * MR_NODES_MAX + 4,
};

enum trouble_kind {
    TROUBLE_MODE,      /* the asked node itself: status; `leaves` nodes run, which are too few for
                          it to begin to sign */
    TROUBLE_UNKEPT,    /* the asked node stays in the epoch that ends: status, why the copy of its
                          last state cannot be written */
    TROUBLE_BROKEN,    /* more nodes are convicted than the quorum bears */
    TROUBLE_CONVICTED, /* node */
    TROUBLE_AWAY,      /* node, status (OK: none is known), time_ms (0: never answered) */
    TROUBLE_MUTE,      /* node answers and signs nothing; time_ms: its last head, 0: none came */
    TROUBLE_LATER,     /* node is in a later epoch: leaves; `without` the asked node? */
    TROUBLE_LAGS,      /* node lacks `leaves` of the asked node's log; time_ms: its last head */
    TROUBLE_BEHIND,    /* the asked node lacks `leaves` of node's log; time_ms: the last head */
    TROUBLE_CLOCK,     /* node, offset_ms */
    TROUBLE_OWN_CLOCK, /* offset_ms of the asked node against all others */
    TROUBLE_REFUSED,   /* `leaves` answers of node, the last for status */
    TROUBLE_WAITING,   /* `leaves` orders wait, the oldest since time_ms */
};

struct trouble {
    enum trouble_kind kind;
    uint32_t node;
    enum mr_status status;
    uint64_t leaves, time_ms;
    int64_t offset_ms;
    bool without;
};

struct federation_view {
    uint32_t nodes, quorum;
    uint32_t answering; /* nodes that take part in settling, the asked one included */
    uint32_t doubtful; /* of them, convicted: their votes count as long as they go on giving them */
    uint32_t convicted;
    bool settles;         /* enough answer, and the asked node hears enough of them */
    uint32_t may_be_down; /* of those that answer and are not convicted, until nothing settles */
    uint32_t may_lie;     /* beside the convicted */
    uint32_t troubles_count;
    struct trouble troubles[FEDERATION_TROUBLES_MAX]; /* the gravest kind first */
};

void federation_look(struct federation_view *ret, const struct mr_rep_node *node,
                     const struct mr_rep_peers *peers);

/** One of the others turned out to be in a later epoch, which the asked node is in or not: that is
 *  why it says nothing here, or does not answer, and why nothing settles here. */
void federation_ahead(struct federation_view *v, uint32_t node, uint32_t epoch, bool without);

/** The first trouble of a kind; NULL: there is none. */
const struct trouble *federation_trouble(const struct federation_view *v, enum trouble_kind kind);

/** A kind's word in JSON. */
const char *trouble_word(enum trouble_kind kind);

#endif
