/** Witnesses that somebody trusts, from the command line, and what they cosigned of a receipt. */
#ifndef MEREAU_COMMON_WITNESSES_H
#define MEREAU_COMMON_WITNESSES_H

#include "common/command.h"
#include "mereau/record.h"
#include "mereau/sign.h"

/** Rows for the option table of a command that shows a receipt. */
#define WITNESS_OPTIONS                                                                            \
    {"witness", 'w', N_("KEY"),                                                                    \
     N_("key of a witness that is trusted; may be given several times")},                          \
    {                                                                                              \
        "need", 0, N_("K"), N_("cosignatures of such witnesses that the receipt must have (all)")  \
    }

struct witnesses {
    struct mr_pubkey keys[MR_KEYS_MAX];
    size_t count;
    int64_t need;
};

/** MR_OK, or reported: a key that is none, more than the table holds, a number out of bounds. */
enum mr_status witnesses_read(struct witnesses *ret, const struct command *c, struct out *out);

/** Who cosigned a receipt that was verified, and how many of those that are trusted: printed, and
 * as "witnesses_trusted". MR_OK, or reported: fewer than needed. */
enum mr_status witnesses_check(const struct witnesses *w, struct out *out,
                               const struct mr_receipt *r, uint32_t *ret_trusted);

#endif
