/* Chance from a seed: xoshiro256**, started by splitmix64 (both by D. Blackman and S. Vigna). */
#ifndef MEREAU_TESTS_SIM_RNG_H
#define MEREAU_TESTS_SIM_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* A stream of its own for each user, so that one user's draws do not move another's. */
void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);
uint64_t rng_next(struct rng *r);
/* 0 <= result < n; n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* low <= result <= high. */
uint64_t rng_between(struct rng *r, uint64_t low, uint64_t high);
/* True in `per_mille` of 1000 cases. */
bool rng_chance(struct rng *r, uint32_t per_mille);
void rng_bytes(struct rng *r, uint8_t *ret, size_t len);

#endif
