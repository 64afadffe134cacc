/** Entries of a history: what each settled order did to this account, with its memo. */
#ifndef MEREAU_WALLET_ENTRY_H
#define MEREAU_WALLET_ENTRY_H

#include "wallet/wallet.h"

struct entry {
    uint64_t time_ms; /* when the node settled it */
    const char *kind; /* "pay", "issue", "redeem", "void", ... */
    bool has_other;
    uint8_t other[MR_ACCOUNT_BYTES]; /* payee or payer */
    int64_t amount, fee;             /* amount: below zero when it went out, fee not included */
    uint32_t unit;
    uint8_t account[MR_ACCOUNT_BYTES]; /* chain and place of the order */
    uint64_t seq;
    uint8_t order[MR_HASH_BYTES];
    bool has_order;
    uint64_t linked; /* the later place whose receipt shows it; 0: none */
    char memo[MR_MEMO_MAX + 1]; /* "" : none */
    bool bad_memo;              /* the memo is not the one that was signed */
};

struct entries {
    struct entry *list;
    size_t count, cap;
};

/** A place of the own chain, from the book. MR_OK or MR_NO_MEMORY. */
enum mr_status entries_add_own(struct entries *e, const struct wallet *w, uint64_t seq);

/** Take out what is among `known` (by chain and place). */
void entries_drop(struct entries *e, const struct entries *known);

/** Move all of `from` behind `e`. MR_OK or MR_NO_MEMORY (some are moved). */
enum mr_status entries_append(struct entries *e, struct entries *from);

/** By time, oldest first. */
void entries_sort(struct entries *e);

void entries_free(struct entries *e);

/** One page of the node's history from number `from` on, own entries or what was received, straight
 *  from the node: the book is left alone. *ret_last: the highest number there is; *ret_next: the
 * one behind the page. MR_OK, or reported. */
enum mr_status entries_fetch_page(struct entries *e, struct wallet *w, struct out *out,
                                  bool credits, uint64_t from, uint64_t *ret_last,
                                  uint64_t *ret_next);

/** All that others paid to this account, from number `from` on; *ret_next is the number behind the
 *  last one. When another node takes over (w->moves), all of them by its own numbers.
 *  MR_OK, or reported. */
enum mr_status entries_fetch_credits(struct entries *e, struct wallet *w, const struct command *c,
                                     struct out *out, uint64_t from, uint64_t *ret_next);

#endif
