/** Books that are followed, held against each other: what one settled and another did not or
 *  otherwise, and what each node showed of its log to whom. */
#ifndef MEREAU_AUDIT_APART_H
#define MEREAU_AUDIT_APART_H

#include <jansson.h>

#include "audit/follower.h"
#include "audit/mirrored.h"

enum { APART_SHOWN_MAX = 100 };

struct apart {
    struct out *out;
    const char *dir; /* where evidence is put */
    uint64_t count;  /* contradictions */
    json_t *rows;    /* of them, so far as they are shown */
};

void apart_begin(struct apart *k, struct out *out, const char *dir);
void apart_done(struct apart *k);

/** Slots of two books that are settled with two values. Returns how many slots the second one has
 *  not settled and the first one has. */
uint64_t apart_slots(struct apart *k, const struct mirrored *x, const struct mirrored *y);

/** Leaves of its log in an epoch that a node had shown to another one. */
struct apart_shown {
    uint32_t epoch;
    uint64_t leaves;
};

/** What a book has of a node's log in that node's present epoch. */
struct apart_shown apart_shown(const struct mirrored *of, const struct mirrored *in);

/** The log of a node in its own book against what another book has of it. `before`: what that had
 * of it before the node was read to its end the last time; none when it was not. */
void apart_logs(struct apart *k, const struct mirrored *of, const struct mirrored *in,
                struct apart_shown before);

/** What a node contradicts of what it showed before; when it serves another journal, that is read
 *  to find out whether its own signatures convict it. */
void apart_node(struct apart *k, struct follower *f, const struct source *s);

/** The witnesses cosigned a head of it that is not of the history it shows. */
void apart_other_than_witnessed(struct apart *k, const struct follower *f, const struct mr_head *h);

/** Too few of the charter's witnesses cosigned a checkpoint ("late"), or anything ("missing").
 *  `names`: who has not. */
void apart_not_witnessed(struct apart *k, const struct follower *f, const char *state,
                         uint64_t checkpoint, const char *names);

#endif
