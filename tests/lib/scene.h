/** Ana and Bob, members of the first of several fake nodes (lib/fakes), with their wallets in a
 *  directory of their own, which is the present one. For Check tests. */
#ifndef MEREAU_TESTS_SCENE_H
#define MEREAU_TESTS_SCENE_H

#include "lib/fakes.h"
#include "lib/run.h"

enum { GALET = 1, LYON, BREST, ARLES };

extern struct fakes *fakes;
extern char ana[128], bob[128]; /* addresses; wallets "ana" and "bob" */

/** n nodes, of which q settle. */
void scene_begin(uint32_t n, uint32_t q);
void scene_end(void);

/** Ana pays Bob, with --json: the exit code. */
int pay(const char *amount, const char *memo);

/** What she has paid so far, in minor units, by the ledger itself. */
int64_t paid(void);

struct fake *node(uint32_t number);

/** Change the fake ledger while nodes run. */
void set_flag(bool *at, bool value);
void set_hold(enum mr_status hold);
void set_sees(uint32_t number, uint64_t turns);
void set_linked(uint32_t nodes);

void sleep_us(long us);

#endif
