/** Offers of associations that found a ledger together, and what a federation's charter says. */
#ifndef MEREAU_ADMIN_OFFERS_H
#define MEREAU_ADMIN_OFFERS_H

#include "common/command.h"
#include "mereau/record.h"

/** The offers that a command line names with --offer, in that order. */
struct offers {
    struct mr_signed_offer *items;
    uint32_t count;
    uint32_t keys; /* of them bring a governance key */
};

/** Read an offer's file and verify it. Reported. */
enum mr_status offer_read(struct mr_signed_offer *ret, struct out *out, const char *path);

/** All of a command line. Reported. offers_done in any case. */
enum mr_status offers_read(struct offers *ret, const struct command *c, struct out *out);
void offers_done(struct offers *o);

/** LED-2a: the id of the association that offers begins as that of none that is there. Reported. */
enum mr_status offer_has_space(const struct mr_offer *o, const struct mr_association *there,
                               uint32_t count, struct out *out);

/** Put the offers behind the founding association, and their governance keys behind its own. An
 *  offer that does not fit is reported. */
enum mr_status offers_add(const struct offers *o, struct mr_charter *charter, struct out *out);

/** Who the federation is and what it bears, before somebody agrees to it. `offers`: their codes are
 *  shown too; NULL: none. `own`: node number of the association that reads it. */
void federation_show(struct out *out, const struct mr_charter *charter, const struct offers *offers,
                     uint32_t own);

#endif
