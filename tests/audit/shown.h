/** A node that shows a book to whoever asks: served over real sockets, turn for turn, so that a
 *  test can show less of it, other things, or nothing. */
#ifndef MEREAU_TESTS_AUDIT_SHOWN_H
#define MEREAU_TESTS_AUDIT_SHOWN_H

#include <stdatomic.h>

#include "audit/story.h"
#include "lib/fake_node.h"

enum { SHOWN_ADDRESS_MAX = 32 };

struct shown {
    struct fake_node node;
    char address[SHOWN_ADDRESS_MAX];
    const struct mr_charter *charter;
    uint32_t number;
    uint8_t *log, *bodies;
    size_t log_len, bodies_len;
    size_t bodies_erased;          /* these first ones are not there for others */
    struct mr_head head;           /* that it says it signed last; size 0: none */
    struct mr_req_cosign cosigned; /* handed in last */
    struct mr_rep_cosigned seen;   /* that it hands out */
    bool hides_seen;               /* who asks for it is refused */
    uint32_t seen_later;           /* so many times nothing is in it yet */
    bool shows_nothing;            /* of its book: the key is a witness's */
    /* set by the test, any time: */
    atomic_size_t log_shown, bodies_shown; /* bytes of both that are there for others */
    atomic_bool silent;                    /* it answers BUSY to everything */
    atomic_bool waits;                     /* at its end, for more, as long as it is asked to */
    /* and before the program starts: */
    uint32_t chunk;       /* most bytes in one answer; 0: as many as fit */
    uint32_t answers;     /* so many more of a stream, and then: */
    void (*change)(void); /* NULL: all stays as it is */
};

/** The book is copied. It listens on loopback, and at a path as its control socket. */
void shown_start(struct shown *s, const struct mr_charter *charter, uint32_t number,
                 const struct book *b, const char *path);
/** Show another one from now on. */
void shown_change(struct shown *s, const struct book *b);
/** So many turns only. */
void shown_until(struct shown *s, const struct book *b, uint32_t turns);
void shown_stop(struct shown *s);

#endif
