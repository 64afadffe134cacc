/** What witnesses have cosigned, as far as charter and owner want it (WAL-18). */
#ifndef MEREAU_WALLET_WITNESSED_H
#define MEREAU_WALLET_WITNESSED_H

#include "common/witnesses.h"
#include "wallet/wallet.h"

/** The newest head of the present node that has all cosignatures that are wanted. */
struct seen {
    bool wanted; /* else nothing below means anything */
    bool any;
    struct mr_head head;
    uint64_t until_ms; /* what had settled by then, by the node's clock, is under it */
    uint64_t at_ms;    /* when as many witnesses as are wanted had cosigned it last, by theirs */
};

/** Ask the present node for what was cosigned, verify it, and that the node's newest head extends
 *  it. MR_OK; MR_FORKED; what a call met (not reported). */
enum mr_status witnessed_look(struct wallet *w, struct seen *ret);

/** Whether something that settled at this time is under it, by the node's own clock. */
bool witnessed_covers(const struct seen *s, uint64_t settled_ms);

/** Whether a receipt has what is wanted of it. It was verified. */
bool witnessed_receipt(const struct wallet *w, const struct mr_receipt *r);

/** Ask again for the receipts of the newest places of the own chain that lack cosignatures, and
 *  keep those that have them now. MR_OK whatever the node says, or reported. */
enum mr_status witnessed_collect(struct wallet *w, struct out *out);

/** Before something is signed: MR_OK, or reported, when the owner's patience is over. */
enum mr_status witnessed_patience(struct wallet *w, struct out *out);

/** Of a place of the own chain that is settled: whether its receipt has what is wanted, as
 *  "witnessed" and, when it has not, in a sentence. Nothing when nothing is wanted. */
void witnessed_result(const struct wallet *w, struct out *out, uint64_t seq);

/** The fields "witnesses_wanted", "witnessed_ms", "witnessed_size", and a sentence about them. */
void witnessed_tell(const struct seen *s, struct out *out);

#endif
