/** A node's data directory for tests and benchmarks, and a real mereaud on it. */
#ifndef MEREAU_TESTS_NODEDIR_H
#define MEREAU_TESTS_NODEDIR_H

#include <stdint.h>

#include "lib/procs.h"
#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"

/** Write charter, sealed node key, passphrase and configuration into an existing directory. The
 *  secret keys are those of the node that conf names, by default 1. `conf` is the whole of
 * mereaud.conf. MR_OK, or what writing a file says. */
enum mr_status nodedir_write(const char *dir, const struct mr_charter *charter,
                             const struct mr_seckey *log, const struct mr_seckey *transport,
                             const char *conf);

/** Listens on free ports of loopback. */
extern const char nodedir_conf[];

/** Start mereaud on the directory and wait until it is ready. NULL: it did not come up; what it
 *  printed goes to stderr. ret_port may be NULL. */
struct proc *nodedir_start(const char *dir, uint16_t *ret_port);
/** The same with words "NAME=value" for its environment. */
struct proc *nodedir_start_in(const char *dir, const char *const *env, uint16_t *ret_port);

/** The same with words in front of and behind "mereaud DIR", both NULL-terminated or NULL. Does not
 *  wait. */
struct proc *nodedir_run(const char *dir, const char *const *env, const char *const *more);

#endif
