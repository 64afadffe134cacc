/** The nodes of the charter as a wallet sees them: where each is, and in which order they are asked
 *  (WAL-11). */
#ifndef MEREAU_WALLET_SEATS_H
#define MEREAU_WALLET_SEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/command.h"
#include "mereau/record.h"
#include "mereau/status.h"

struct wallet;

enum { SEAT_NAME_MAX = MR_ALIAS_MAX + MR_ADDRESS_MAX + 24 };

struct seat {
    uint32_t number; /* in the charter; 0: not known before it has answered */
    char address[MR_ADDRESS_MAX + 1];
    bool any;             /* a person gave the address: any node of the charter may be there */
    struct mr_pubkey key; /* who must answer, unless `any` */
    bool asked;
    enum mr_status trouble; /* what it met last in this command; MR_OK: nothing */
};

struct seats {
    struct seat list[MR_NODES_MAX + 2];
    size_t count; /* 0: not filled yet */
    size_t at;    /* whose link stands, or was tried last */
    size_t told;  /* whom the owner believes to speak with */
};

/** The nodes in their order: --node alone; else the preferred one, home, the others. Without a
 *  charter, the node of the join link, or --node's address. `home_only`: no other than home.
 *  MR_OK, or reported. */
enum mr_status seats_fill(struct seats *ret, const struct wallet *w, const struct command *c,
                          struct out *out, bool home_only);

/** The node that a person means: a number, an association's alias, an address.
 *  MR_OK; MR_NOT_FOUND: no node of the charter, and no address. */
enum mr_status seat_parse(struct seat *ret, const struct wallet *w, const char *text);

/** A node of the present epoch by its number, or NULL. */
const struct mr_node *seat_node(const struct wallet *w, uint32_t number);

/** The number of the node that the join link names, or else of one that the same association runs;
 *  0: there is none. */
uint32_t seat_home(const struct wallet *w);

/** What to call it: the association's alias, with the number where that runs several; else its
 *  address. ret holds SEAT_NAME_MAX bytes. */
void seat_name(char *ret, const struct wallet *w, const struct seat *s);

/** The preferred node as it was typed, in ret (MR_ADDRESS_MAX + 1 bytes). MR_OK, MR_NOT_FOUND. */
enum mr_status seat_preferred(char *ret, const struct wallet *w);

/** Remember it; NULL: forget it. MR_OK, or reported. */
enum mr_status seat_prefer(const struct wallet *w, struct out *out, const char *text);

#endif
