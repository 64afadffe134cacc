/** An association's office for tests: a ledger founded with mereau-admin, its node, its operators.
 *  Everything aborts the test program with a message when it fails. */
#ifndef MEREAU_TESTS_OFFICE_H
#define MEREAU_TESTS_OFFICE_H

#include <jansson.h>
#include <stdint.h>

#include "lib/procs.h"
#include "mereau/record.h"
#include "mereau/status.h"

enum { OFFICE_PATH_MAX = 512, OFFICE_ADDRESS_MAX = 128 };

struct office {
    char dir[OFFICE_PATH_MAX]; /* holds data/, data-keys/, pass */
    struct proc *node;         /* NULL: not running */
    uint16_t port;             /* of its wallet port */
    json_t *said;              /* the object of the last command, or NULL */
    char *text;                /* all it printed */
    const char *key;           /* key file for commands ("op1"); NULL: none */
    const char *data;          /* "data", or another directory below dir */
    const char *keys;          /* "data-keys", or another directory below dir */
    unsigned home;             /* index of its association in the charter */
};

/** Found a ledger below an existing directory: `operators` keys, the threshold their majority. */
void office_found(struct office *o, const char *dir, unsigned operators);

/** The same under a policy from a file; NULL: the one that init writes. */
void office_found_under(struct office *o, const char *dir, unsigned operators, const char *policy);

/** The same with further words for init, NULL at the end, at most OFFICE_MORE_MAX. */
enum { OFFICE_MORE_MAX = 16 };
void office_found_with(struct office *o, const char *dir, unsigned operators,
                       const char *const *more);

/** Two associations found a ledger together, each with a node and two operators: data directories
 *  "quai" and "port", aliases likewise. Both nodes run and know each other at the end. */
void office_found_two(struct office *first, struct office *second, const char *dir);

/** Kill the node, release everything. Files stay. */
void office_done(struct office *o);

void office_node_start(struct office *o);
void office_node_stop(struct office *o);

/** Run mereau-admin with these words (NULL at the end); its exit code, 256 + signal. */
int office_run(struct office *o, const char *const *words);
#define OFFICE_RUN(o, ...) office_run((o), (const char *const[]){__VA_ARGS__, NULL})

/** Start the same without waiting for it. */
struct proc *office_start(struct office *o, const char *const *words);

/** A text field of o->said; "" when it is not there. A number field; -1 likewise. */
const char *office_text(const struct office *o, const char *field);
int64_t office_int(const struct office *o, const char *field);

/** Somebody asks to join. */
void office_join(struct office *o, char ret_address[OFFICE_ADDRESS_MAX], const char *name,
                 enum mr_account_class class);

/** Somebody asks its node to join an association of the charter; `stray`: with an id that is in the
 *  space of none. What the node answers. */
enum mr_status office_ask(struct office *o, char ret_address[OFFICE_ADDRESS_MAX], unsigned home,
                          bool stray, const char *name, enum mr_account_class class);

/** The same for somebody whose key is made of this seed, in the first association. */
enum mr_status office_ask_as(struct office *o, char ret_address[OFFICE_ADDRESS_MAX],
                             const uint8_t seed[32], const char *name, enum mr_account_class class);

/** Somebody of that address, in unit 0. */
int64_t office_balance(struct office *o, const char *address);

/** Path below the office's directory, in one of four static buffers. */
const char *office_path(const struct office *o, const char *name);

#endif
