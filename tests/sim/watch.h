/* Reads what a node wrote, turn by turn as it is synced, independently of the engine's memory. */
#ifndef MEREAU_TESTS_SIM_WATCH_H
#define MEREAU_TESTS_SIM_WATCH_H

#include "sim/sim.h"

struct watch *watch_new(void);
void watch_free(struct watch *w);
/* The node's memory was put back: read its journal again from the start. What it had said before
 * stays said. */
void watch_reset(struct watch *w);
/* What it showed in an epoch whose end it has not forgotten is of no more account. */
void watch_forgive(struct watch *w);
/* Read the turns synced since. */
void watch_read(struct sim *s, struct copy *c);
/* The node has started again: what it released before must still be there (S12). */
void watch_started(struct sim *s, struct copy *c);
/* Bytes of a reply that leave the node: its heads cover synced leaves only (S12), and are those of
 * one growing log (S13). */
void watch_reply(struct sim *s, struct copy *c, const uint8_t *bytes, size_t len);

/* Its journal begins in this epoch, with a state taken over. */
void watch_join(struct watch *w, const struct era *began);
uint32_t watch_epoch(const struct watch *w);
/* The turn in which that epoch began; 0: with the ledger. */
uint64_t watch_turn(const struct watch *w);
/* Leaves written so far in the present epoch. */
uint64_t watch_leaves(const struct watch *w);
/* Leaves of an epoch's log up to SEAL; 0: none was said. */
uint64_t watch_sealed(const struct watch *w, uint32_t epoch);
/* Root of the first `size` leaves of an epoch's log; NULL: it has not so many. */
const uint8_t *watch_root(const struct watch *w, uint32_t epoch, uint64_t size);
/* Leaves of another node's log that it has taken up. */
uint64_t watch_heard(const struct watch *w, uint32_t node);

/* How one node stands in one slot, by its own log. */
struct stance {
    uint32_t promised, cert_ballot; /* cert_ballot: of its highest ACK; MR_BALLOT_NONE: none */
    uint8_t cert_value[32];
};
struct stance *watch_stance(struct watch *w, uint32_t owner, uint64_t seq);

/* How far it has settled a chain. */
struct reached {
    uint64_t next_seq;
    uint8_t prev[32];
};
struct reached *watch_reached(struct watch *w, uint32_t owner);

#endif
