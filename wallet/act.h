/** From a wish to a settled order, through any crash (WAL-6 to WAL-8).
 *
 *  An order is checked with the node, signed, stored, and only then sent. It stays open in the book
 *  until its slot is closed by a verified receipt and the result was told. While one is open, the
 *  same wish resumes it and any other is refused. After signing, the exit code 1 is given only when
 *  the slot is provably closed. */
#ifndef MEREAU_WALLET_ACT_H
#define MEREAU_WALLET_ACT_H

#include "wallet/wallet.h"

enum { DESCRIBE_MAX = 512, REPEAT_MS = 60000 };

struct act {
    struct mr_wish wish;
    const uint8_t *payee_key; /* memo key of the first payee; NULL: none */
    const char *question;     /* translated, without the amount's fee; NULL: ask nothing */
    bool again;               /* the same a moment ago is fine */
};

/** Do what is wished, or find that it was done. The node is in sync (node_sync_to_sign).
 *  MR_OK: settled, *ret_seq is its place, *ret_already whether that was known before; nothing is
 *  printed but questions. Otherwise reported. */
enum mr_status act_do(struct wallet *w, const struct command *c, struct out *out,
                      const struct act *act, uint64_t *ret_seq, bool *ret_already);

/** Bring the open order of this seq to its end. As act_do. */
enum mr_status act_finish(struct wallet *w, const struct command *c, struct out *out, uint64_t seq);

/** Close the slot of the open order without effect. MR_OK when it was voided; reported otherwise,
 *  also when it had settled first. */
enum mr_status act_cancel(struct wallet *w, const struct command *c, struct out *out, uint64_t seq);

/** One line about an order: "12.50 EUSK to boulangerie@lyon". ret holds DESCRIBE_MAX bytes. */
void act_describe(char *ret, const struct wallet *w, const struct mr_order *order);

/** The fields of the JSON object about the order at seq. */
void act_fields(struct out *out, const struct wallet *w, uint64_t seq, bool already);

/** Report why an order was refused before it was signed, with what to do next. Returns st. */
enum mr_status act_refuse(const struct wallet *w, struct out *out, enum mr_status st,
                          int64_t missing, const struct mr_order *order);

#endif
