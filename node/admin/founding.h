/** What `init` and `federation offer` share: places, keys, files.
 *
 *  Everything is written beside its place; the last step gives the data directory its name, so that
 *  a half-founded ledger is never taken for one. */
#ifndef MEREAU_ADMIN_FOUNDING_H
#define MEREAU_ADMIN_FOUNDING_H

#include <stdbool.h>

#include "admin/init.h"
#include "common/file.h"
#include "common/secret.h"
#include "mereau/order.h"

/** One founding: what is made on the way to the data directory. */
struct founding {
    const struct command *c;
    struct out *out;
    struct init_plan plan;
    struct mr_charter *charter;               /* what is written: this, */
    struct mr_signed_offer *offer;            /* or this; the other one is NULL */
    struct mr_association *association;       /* this association's place in it */
    struct mr_node *node;                     /* its node's */
    struct mr_pubkey governance[MR_KEYS_MAX]; /* its own */
    struct mr_signer_key *keys;               /* operators, then governance; guarded memory */
    uint32_t key_count;
    uint8_t *node_seeds; /* log, transport; guarded memory */
    struct secret *passphrases;
    char data[FILE_PATH_MAX], parts[FILE_PATH_MAX], key_dir[FILE_PATH_MAX];
    bool made_keys, made_parts;
};

/** Name of the offer in a data directory that has no charter yet. */
extern const char offer_file[];

/** The line of its mereaud.conf that the node's number replaces. */
extern const char conf_number_line[];

/** Find the places, none of which may exist. All of these report their failures; founding_end in
 *  any case. */
enum mr_status founding_begin(struct founding *f, const struct command *c, struct out *out,
                              const char *data);
void founding_end(struct founding *f);

/** Make the keys of the plan, and fill `association` and `node`, but for the node's number. */
enum mr_status founding_fill(struct founding *f);

/** Make only the node's keys, and fill `node`. */
enum mr_status founding_fill_node(struct founding *f);

/** Sign the offer with the node's log key and the first operator's key. */
void founding_sign_offer(struct founding *f);

/** Ask for the passphrases of the key files. */
enum mr_status founding_ask(struct founding *f);

/** Write everything. */
enum mr_status founding_put(struct founding *f);

/** Only the data directory, of a node whose association has its key files already. */
enum mr_status founding_put_node(struct founding *f);

/** Remove what a failed founding made; nothing that was there before. */
void founding_undo(struct founding *f);

/** cmd_offer.c: decide, make keys and offer, write everything. */
enum mr_status offer_make(struct founding *f, const struct mr_charter *joins);
/** A copy to hand on; what is there already is left as it is. */
enum mr_status offer_copy(struct founding *f, const char *path);

void founding_print_keys(struct founding *f);

enum mr_status founding_bad_field(struct founding *f, const char *option);

#endif
