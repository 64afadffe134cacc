/** The desk of an association and the wallets of its members, in the directory of typed.h: for
 *  stories that go to and fro between the two. What the desk said last stands in till.office, what
 *  a wallet said in `typed`. One at a time; everything ck_asserts. */
#ifndef MEREAU_TESTS_TILL_H
#define MEREAU_TESTS_TILL_H

#include "lib/office.h"
#include "lib/typed.h"
#include "mereau/text.h"

extern struct till {
    struct office office;
    char link[MR_JOIN_LINK_TEXT_MAX + 1]; /**< that wallets join with */
} till;

/** Make the directory and found an association in it; its node runs. */
void till_open(unsigned operators);

/** The same with all programs under a clock that till_clock_ahead sets; the preloaded library SKEW.
 */
void till_open_skewed(unsigned operators, const char *skew);
void till_clock_ahead(long long minutes);

/** End and remove it all. */
void till_close(void);

/** Ask for the link again: the node listens where it likes, and elsewhere when it starts anew. */
void till_read_link(void);

/** Somebody asks to join with a new wallet. */
void till_join(char ret_address[OFFICE_ADDRESS_MAX], const char *wallet, const char *name,
               const char *class);

/** What the first operator made is a draft; the second one looks at it and signs, and it settles.
 */
void till_second_signs(void);

/** Governance sets this cap, all whom it takes. */
void till_cap(const char *amount);

/** mereau-admin with the office's key ends with this code. */
#define DESK(code, ...)                                                                            \
    do {                                                                                           \
        const int got_ = OFFICE_RUN(&till.office, __VA_ARGS__);                                    \
        ck_assert_msg(got_ == (code), "exit %d, not %d: %.2000s", got_, (code), till.office.text); \
    } while (0)

/** A wallet's command ends with this code and prints an object. */
#define PURSE(code, wallet, ...)                                                                   \
    do {                                                                                           \
        RUN("mereau", code, "--yes", "--json", "--wallet", typed_at(wallet), __VA_ARGS__);         \
        ck_assert_msg(typed.said != NULL, "%s", typed.text);                                       \
    } while (0)

#endif
