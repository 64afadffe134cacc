/* Every history of one slot, for a few nodes, ballots and values, with the rules of protocol/slot
 * themselves (README.md says what is searched and why that is enough). */
#ifndef MEREAU_TESTS_EXHAUST_H
#define MEREAU_TESTS_EXHAUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BALLOTS_MAX = 4,
    VALUES_MAX = 3,
    NODES_MAX = 5,
    HONEST_MAX = 4,
    PAIRS = BALLOTS_MAX * VALUES_MAX,     /* pair = ballot * VALUES_MAX + value */
    REPORTS = 1 + PAIRS,                  /* 0: no certificate; else 1 + pair */
    RENAMINGS_MAX = 6,                    /* orders of VALUES_MAX values */
    LEAVES_MAX = 3 * BALLOTS_MAX + PAIRS, /* of one log */
};

/* --- leaves ----------------------------------------------------------------------------------- */

/* A leaf as a number: a VOTE's is its pair; ACKs and UNLOCKs follow. */
enum { LEAF_ACKS = PAIRS, LEAF_UNLOCKS = 2 * PAIRS };

static inline uint32_t pair_of(uint32_t ballot, uint32_t value)
{
    return ballot * VALUES_MAX + value;
}
static inline uint32_t unlock_of(uint32_t ballot, uint32_t report)
{
    return LEAF_UNLOCKS + ballot * REPORTS + report;
}

/* What a node may append, and what is settled, as bits of a set. VOTEs and ACKs: the bit of the
 * leaf's number. */
#define DEED(leaf)         (UINT64_C(1) << (leaf))
#define DEED_UNLOCK(b)     (UINT64_C(1) << (LEAF_UNLOCKS + (b)))
#define DEED_SETTLED(pair) (UINT64_C(1) << (LEAF_UNLOCKS + BALLOTS_MAX + (pair)))
/* A certificate, not a free choice, justified a vote. */
#define DEED_FORCED (UINT64_C(1) << 63)

/* --- tables ----------------------------------------------------------------------------------- */

enum { KEY_WORDS = HONEST_MAX };

/* A number for each key; grows. A key's first word is never UINT32_MAX. */
struct table {
    uint32_t (*keys)[KEY_WORDS];
    uint64_t *numbers;
    size_t cap, count;
};

void table_done(struct table *t);
/* The number of a key, or NULL. Good until the next put. */
uint64_t *table_find(const struct table *t, const uint32_t key[KEY_WORDS]);
/* Add a key that is not there. */
void table_put(struct table *t, const uint32_t key[KEY_WORDS], uint64_t number);

/* --- logs ------------------------------------------------------------------------------------- */

/* One sequence of leaves. The same sequence always has the same number; 0 is the empty one. */
struct log {
    uint32_t before; /* without the last leaf */
    uint32_t last;   /* that leaf */
    uint32_t length;
    uint64_t said;                   /* its VOTEs and ACKs, as deeds */
    uint32_t renamed[RENAMINGS_MAX]; /* itself with its values renamed; UINT32_MAX: not asked yet */
    uint32_t promised;               /* by its writer; UINT32_MAX: not asked yet */
    uint32_t report;                 /* of an UNLOCK that came next */
};

struct logs {
    struct log *at;
    uint32_t count, cap;
    struct table index; /* (before, last) */
    uint32_t values, renamings;
};

void logs_init(struct logs *l, uint32_t values);
void logs_done(struct logs *l);
uint32_t logs_add(struct logs *l, uint32_t log, uint32_t leaf);
/* The same with the values renamed; renaming 0 changes nothing. */
uint32_t logs_rename(struct logs *l, uint32_t log, uint32_t renaming);
/* A set of deeds with the values renamed, or renamed back. */
uint64_t deeds_rename(const struct logs *l, uint64_t deeds, uint32_t renaming, bool back);
/* The least of all renamings of a tuple whose words from `sorted` on are a set. Which it was. */
uint32_t logs_least(struct logs *l, uint32_t ret[KEY_WORDS], const uint32_t tuple[KEY_WORDS],
                    uint32_t sorted, uint32_t count);

/* --- the world -------------------------------------------------------------------------------- */

/* A rule that honest nodes do without, to see that its absence is found. */
enum without {
    WITHOUT_NOTHING,
    WITHOUT_SECOND_PHASE, /* q votes settle */
    WITHOUT_VOTE_ONCE,    /* several values in one ballot, on branches of a log that forks */
    WITHOUT_PROMISE,      /* an ACK below what an UNLOCK promised */
    WITHOUT_TRUTH,        /* an UNLOCK may keep quiet about the certificate */
    WITHOUT_HIGHEST,      /* the value of any reported certificate will do */
    WITHOUT_QUORUM,       /* q - 1 reports will do */
    WITHOUT_SEEN_VOTES,   /* any reported certificate counts */
};

struct world {
    uint32_t nodes, liars, quorum, ballots, values;
    enum without without;
    bool any_subset; /* leaves are read in any selection, not only as beginnings of logs */
    bool proofs;     /* what an honest node reports counts without reading its votes */
    bool reduced;    /* without states and lies that others stand for */
};

struct search {
    struct world w;
    uint32_t honest;
    struct logs logs;
    struct table views; /* (own log, others' logs): deeds */
    struct table seen;  /* states */
    uint32_t (*states)[KEY_WORDS];
    size_t states_count, states_cap;
    uint64_t met;     /* all deeds of all states */
    bool doubled;     /* two values settled */
    size_t stuck;     /* states from which one more ballot does not settle */
    bool stuck_known; /* there are q honest nodes, and room for that ballot */
    size_t at;        /* where it ended */
};

/* What an honest node may do that wrote view[0] and read view[1..] in full. */
uint64_t view_deeds(const struct search *x, const uint32_t view[KEY_WORDS]);
/* What the writer of a log promised, and what it would report. */
void view_own(const struct search *x, struct log *log, uint32_t number);

/* Whether honest nodes that read everything settle with one more ballot, liars silent. There must
 * be room for that ballot, and q honest nodes. */
bool view_finishes(const struct search *x, const uint32_t logs[KEY_WORDS]);

/* Goes through all states, up to the first in which two values are settled. */
void search_run(struct search *x, const struct world *w);
void search_done(struct search *x);
/* Every node's log in the state where it ended. */
void search_print(const struct search *x);

#endif
