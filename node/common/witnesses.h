/** Whose cosignatures a reader wants over what a receipt proves (LOG-8), from three sides: the
 *  charter, the wallet's owner, and the options of a command. */
#ifndef MEREAU_COMMON_WITNESSES_H
#define MEREAU_COMMON_WITNESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/command.h"
#include "mereau/record.h"

/** The options of a command that shows a receipt. */
#define WITNESS_OPTIONS                                                                            \
    {"witness", 'w', N_("[NAME=]KEY"),                                                             \
     N_("key of a witness that is trusted; may be given several times")},                          \
    {                                                                                              \
        "need", 0, N_("K"), N_("cosignatures of such witnesses that the receipt must have (all)")  \
    }

/** A set that is empty wants nothing. */
struct witnesses {
    struct mr_witness_set given;   /* by options: too few fail any command */
    struct mr_witness_set owner;   /* of the wallet */
    struct mr_witness_set charter; /* in the epoch of the receipt */
};

/** All options of this name into ret->members: "NAME=KEY" or "KEY", 64 hexadecimal digits; without
 * a name one is made of the key. The quorum is 0. MR_OK, or reported: what is none, twice the same,
 *  more than a set holds. */
enum mr_status witness_list(struct mr_witness_set *ret, const struct command *c, struct out *out,
                            const char *option);

/** ret->given from WITNESS_OPTIONS; the others are empty. MR_OK, or reported. */
enum mr_status witnesses_read(struct witnesses *ret, const struct command *c, struct out *out);

/** How many cosignatures fulfil what a set wants, and whether the receipt has what the charter and
 *  the owner want. The receipt was verified. */
bool witnessed(const struct witnesses *w, const struct mr_receipt *r);

/** Whether anything is wanted by charter or owner. */
bool witnesses_wanted(const struct witnesses *w);

/** Who cosigned a receipt that was verified, one line each, and how much of what is wanted is
 * there: printed, and as "witnesses_trusted", "witness_quorum", "witnesses_charter", "witnessed".
 * *ret: cosignatures of anybody whom charter, owner or options name. */
void witnesses_show(const struct witnesses *w, struct out *out, const struct mr_receipt *r,
                    uint32_t *ret);

/** MR_OK, or reported: fewer than are wanted by the options or, when strict, by anybody. */
enum mr_status witnesses_check(const struct witnesses *w, struct out *out,
                               const struct mr_receipt *r, bool strict);

/** "1 of these 2: a.example.org, b.example.org", or that none is wanted; ret holds
 *  WITNESSES_TEXT_MAX bytes. */
enum { WITNESSES_TEXT_MAX = 96 + MR_WITNESSES_MAX * (MR_NAME_MAX + 2) };
void witnesses_text(char ret[WITNESSES_TEXT_MAX], const struct mr_witness_set *w);

/** {"quorum": K, "members": [{"name", "key"}]} of a set. */
json_t *witnesses_json(const struct mr_witness_set *w);

#endif
