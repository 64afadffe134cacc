/** The register: names of members and of those who ask to join. Sealed at the node; only operators
 *  read it. And finding the account a person means. */
#ifndef MEREAU_ADMIN_MEMBERS_H
#define MEREAU_ADMIN_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "admin/context.h"
#include "common/amount_text.h"

/** One entry; `member.identity` alone is meaningful in a request. */
struct roll_entry {
    uint8_t account[16];
    uint64_t time_ms;
    bool readable; /* the box opened; else the names are "" */
    struct mr_member member;
    struct mr_open open; /* requests only */
};

struct roll {
    struct roll_entry *entries; /* ascending by account */
    size_t count;
};

/** Read a whole list from the node and open its boxes. Reported. roll_free in any case. */
enum mr_status roll_read(struct roll *ret, struct admin *a, enum mr_register_kind kind);
void roll_free(struct roll *r);

/** A list goes on behind an account: the one just before `account`, to read that one first. */
void roll_before(uint8_t ret[16], const uint8_t account[16]);

/** The member's entry of one account alone. false: there is none, or it cannot be read now. */
bool roll_one(struct admin *a, struct roll_entry *ret, const uint8_t account[16]);

/** The entry of an account, or NULL. */
const struct roll_entry *roll_of(const struct roll *r, const uint8_t account[16]);

/** Entries whose name or address is `who`; returns their number, *ret_first the first. */
size_t roll_match(const struct roll *r, const struct roll_entry **ret_first, const struct admin *a,
                  const char *who);

/** Store an entry sealed to the register's key; delete one. A call's status, not reported. */
enum mr_status roll_put(struct admin *a, const uint8_t account[16], const struct mr_member *member);
enum mr_status roll_drop(struct admin *a, enum mr_register_kind kind, const uint8_t account[16]);

/** What is in an entry's box. false: it was sealed to another key, or is damaged. */
bool box_open(const struct admin *a, uint8_t plain[MR_REGISTER_BOX_MAX], size_t *ret_len,
              const struct mr_register_item *item);

/** Store an entry of any kind in a box, replacing. MR_TOO_LARGE when it does not fit, or a call's
 *  status; not reported. */
enum mr_status box_put(struct admin *a, enum mr_register_kind kind,
                       const uint8_t key[MR_ACCOUNT_BYTES], const uint8_t *plain, size_t len);

/** The account that `who` names: an address, an alias, or a member's name in the register.
 * Reported, with the list when the name is of several. */
enum mr_status member_find(struct admin *a, uint8_t ret[16], const char *who);

/** The same for one of many, in a register that was read before. MR_OK; with why[0], which says it
 * for people: that nobody is meant; else a call's status. Nothing is reported. */
enum mr_status member_of(struct admin *a, const struct roll *roll, uint8_t ret[16],
                         char why[HINT_MAX], const char *who);

/** Look an account up; *ret is lent until the next call. A call's status (MR_NOT_FOUND: nobody),
 * not reported. */
enum mr_status account_lookup(struct admin *a, const struct mr_rep_lookup **ret,
                              const uint8_t account[16]);

command_fn cmd_requests, cmd_admit, cmd_reject, cmd_member_list, cmd_member_show, cmd_member_forget;
extern const struct option_row admit_options[], yes_options[];

#endif
