/** The currency that a replay founds, and the orders on its chains. */
#ifndef MEREAU_REPLAY_LEDGER_H
#define MEREAU_REPLAY_LEDGER_H

#include <stdint.h>

#include "mereau/record.h"
#include "mereau/sign.h"
#include "mereau/status.h"

/** One account that signs: a member, the desk or the treasury. */
struct chain {
    uint8_t account[16], prev[32];
    uint64_t seq, time_ms; /* of the last order that settled */
};

enum { REPLAY_OPERATORS = 2, REPLAY_UNIT = 0 };

/** All keys derive from one secret that stands in DIR/replay.seed. */
struct ledger {
    uint8_t secret[32], id[32];
    struct mr_charter charter;
    struct mr_seckey node, operators[REPLAY_OPERATORS];
    struct chain desk, treasury;
};

/** Found a currency in an empty directory: charter, node key, configuration, replay.seed. MR_OK,
 *  MR_FILE_EXISTS (there is one already), as file_write. */
enum mr_status ledger_found(const char *dir);

/** Take up what ledger_found made. MR_OK, as file_read, MR_DAMAGED. */
enum mr_status ledger_read(struct ledger *ret, const char *dir);
void ledger_done(struct ledger *l);

/** Account id and key of member number i. */
void ledger_member_id(const struct ledger *l, uint32_t i, uint8_t ret[16]);
void ledger_member_key(const struct ledger *l, uint32_t i, struct mr_seckey *ret,
                       struct mr_pubkey *ret_public);

/** LED-40, for an entry named by a row of the file. */
void ledger_bank_ref(const struct ledger *l, uint8_t ret[32], const char *what, uint64_t line);

/** Begin the next order of a chain in a SUBMIT request; the body's kind is set, the rest of it is
 *  the caller's. */
struct mr_order *order_begin(struct mr_request_body *b, const struct ledger *l,
                             const struct chain *c, enum mr_order_kind kind);

#endif
