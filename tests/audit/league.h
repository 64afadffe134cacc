/** A book of several nodes, written by the real engines: payments across nodes, one that waits for
 * money, one node down and catching up, a CANCEL, two orders for one slot, a frozen payer, an order
 * that lapses. */
#ifndef MEREAU_TESTS_AUDIT_LEAGUE_H
#define MEREAU_TESTS_AUDIT_LEAGUE_H

#include "audit/story.h"
#include "lib/ring.h"

enum { ALICE, BOB, SHOP, CLEO, DAN, EVE, LEAGUE_MEMBERS };

/** 4 nodes, 3 votes. The nodes are up and of one state at the end. */
void league_tell(struct ring *r);

/** Chapters, on a ring whose members are opened. */
void league_open(struct ring *r);
void league_payments(struct ring *r);
void league_wait(struct ring *r);
void league_catch_up(struct ring *r);
void league_cancel(struct ring *r);
void league_conflict(struct ring *r);
void league_freeze(struct ring *r);
void league_lapse(struct ring *r);

/** The next PAY of a member, signed. */
void league_pay_order(struct ring *r, struct mr_signed_order *o, uint32_t from, uint32_t to,
                      int64_t amount);

#endif
