/** Ports and pages on loopback, for tests. */
#ifndef MEREAU_TESTS_LOOPBACK_H
#define MEREAU_TESTS_LOOPBACK_H

#include <stddef.h>
#include <stdint.h>

/**
 * A TCP port that was free a moment ago, for whoever cannot tell which one it took; of the hundred
 * that MEREAU_TEST_PORTS begins when it is set. ck_asserts.
 */
uint16_t loopback_free_port(void);

/** Send `request` and read until the other side closes: all of it, NUL-terminated. ck_asserts. */
void loopback_get(char *ret, size_t cap, uint16_t port, const char *request);

#endif
