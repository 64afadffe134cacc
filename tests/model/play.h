/** Random histories: the naive ledger and the real one are told the same and must say the same. */
#ifndef MEREAU_TESTS_PLAY_H
#define MEREAU_TESTS_PLAY_H

#include "model/model.h"

enum { DRAWER = 6, ALIASES = 8, MEMBERS_WANTED = 12 };

/** What all seeds together have met; shared by their processes. */
struct tally {
    uint32_t answers[256], kinds[64], woken[64], steps, restarts;
};

struct play {
    struct world w;
    struct model m;
    struct tally *tally;
    uint64_t random;
    struct mr_seckey secret[KEYS];
    struct mr_pubkey public[KEYS];
    uint64_t log_at;            /* journal read so far */
    struct deed deed;           /* the one at work */
    struct deed drawer[DRAWER]; /* signed, not handed in yet, or handed in long ago */
    bool drawn[DRAWER];
    uint32_t settled_now; /* settlements of the last step */
};

extern const char *const play_aliases[ALIASES];

/* play.c */
void play_init(struct play *p, struct tally *tally, uint64_t seed);
void play_step(struct play *p);
void play_done(struct play *p);
/** 0 to n - 1; true once in n. */
uint64_t play_random(struct play *p, uint64_t n);
bool play_chance(struct play *p, uint64_t n);
struct m_account *play_member(struct play *p);

/* build.c: an order that is right, or nearly */
void build(struct play *p, struct deed *d, enum mr_order_kind kind);
void build_on(struct play *p, struct deed *d, struct m_account *a, enum mr_order_kind kind);
/** Order id and signatures of a deed whose signers are set. */
void build_finish(struct play *p, struct deed *d);
void build_sign(struct play *p, struct deed *d);

/* spoil.c: make one thing wrong; before build_finish */
void spoil(struct play *p, struct deed *d);

/* follow.c: tell the engine, read what it did, compare */
void follow_submit(struct play *p, const struct deed *d);
void follow_check(struct play *p, const struct deed *d);
void follow_cancel(struct play *p, struct m_account *a, uint64_t seq, bool spoilt);
void follow_tick(struct play *p, uint64_t ms);
/** Time passes until nothing that waits can settle. */
void follow_rest(struct play *p);
void follow_restart(struct play *p, bool flush);
void follow_compare(struct play *p);
void follow_compare_root(struct play *p);

#endif
