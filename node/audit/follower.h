/** One node that `follow` reads: connects, catches its book up, and says plainly what it is up to.
 */
#ifndef MEREAU_AUDIT_FOLLOWER_H
#define MEREAU_AUDIT_FOLLOWER_H

#include <signal.h>

#include "audit/mirrored.h"
#include "audit/turns.h"
#include "common/link.h"
#include "common/term.h"

enum follower_state {
    FOLLOWER_FINE,
    FOLLOWER_SILENT,      /* no answer, or none of use: `trouble` says what; try again later */
    FOLLOWER_CONTRADICTS, /* it shows something else than before: `why` says what */
};

struct follower {
    const char *address;
    struct link *link;
    struct turns *turns;
    struct mirrored *book; /* of its node; NULL until the node said which it is */
    uint32_t node;
    enum follower_state state;
    enum mr_status trouble;
    char why[512];       /* translated */
    char why_plain[512]; /* in English */
    bool ended;          /* it was read to its end since what nodes show was noted */
    bool other_history;  /* what it sends is another journal than the mirror's */
    bool has_head;
    struct mr_head head;         /* it signed this before it was read to its end */
    uint64_t retry_ms, pause_ms; /* monotonic: when to try again */
    struct mr_request_body request;
    struct mr_reply reply;
};

/** Ask who it is, and which epochs there were. MR_OK: f->node is set; else f->state and f->trouble
 * say why not. Nothing is reported. */
enum mr_status follower_connect(struct follower *f, struct source *s);

/** Read it to its end into its book. With wait_ms it is asked to wait so long for more when there
 * is nothing. MR_OK, whatever the node does; or reported: trouble of this host. */
enum mr_status follower_read(struct follower *f, struct progress *progress, uint32_t wait_ms,
                             const volatile sig_atomic_t *stop);

/** Its head against its book, once all is read. */
void follower_check_head(struct follower *f);

/** Forget the connection. */
void follower_hang_up(struct follower *f);

#endif
