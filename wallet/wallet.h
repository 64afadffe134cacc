/** A wallet in a directory: wallet.key (sealed secrets), book (sealed records), lock.
 *
 *  One command holds the lock from wallet_open to wallet_close; another waits for it. What the book
 *  says is in memory as slots of the own chain, names, the charter and the highest head seen of
 * each node. */
#ifndef MEREAU_WALLET_WALLET_H
#define MEREAU_WALLET_WALLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/command.h"
#include "common/epochs.h"
#include "common/file.h"
#include "common/keyfile.h"
#include "common/link.h"
#include "mereau/client.h"
#include "mereau/receipt.h"
#include "mereau/record.h"
#include "mereau/sign.h"
#include "wallet/book.h"
#include "wallet/seats.h"

enum { NAME_SHOWN_MAX = MR_OPENING_MAX + MR_NAME_MAX + 8, TIME_SHOWN_MAX = 40 };

/** One place of the own chain. `order` (encoded, see wallet_order) is NULL when the node has erased
 *  it or the slot was voided elsewhere. Open: there is an order and it is not known to be closed.
 */
struct slot {
    uint8_t *order;
    size_t order_len;
    struct mr_memo_box *memo;
    uint8_t *receipt; /* encoded; NULL: not held */
    size_t receipt_len;
    bool closed, voided, adopted, reported;
    uint64_t linked; /* the later place whose receipt shows how it was closed (WAL-20); 0: none */
    uint8_t value[MR_HASH_BYTES];
    uint64_t time_ms, reported_ms;
};

struct name {
    bool pin; /* else a contact */
    char text[MR_OPENING_MAX + 1];
    uint8_t account[MR_ACCOUNT_BYTES];
};

/** What one node has signed. */
struct memory {
    bool has_head, has_receipt_head;
    struct mr_head head;         /* highest one that was checked against those before */
    struct mr_head receipt_head; /* highest one of a receipt */
};

/** Sizes of two heads that do not extend each other. */
struct fork {
    uint64_t held, shown;
};

/** Secrets in guarded memory. */
struct wallet_keys {
    struct mr_wallet_secret stored, before; /* before: keys.h */
    struct mr_seckey signing;
    uint8_t memo_secret[MR_KEY_BYTES], memo_public[MR_KEY_BYTES];
};

struct wallet {
    char dir[FILE_PATH_MAX];
    int lock_fd;
    struct keyfile *keyfile;
    struct wallet_keys *keys;
    struct mr_pubkey public;
    struct book *book;
    struct mr_book_note *note; /* scratch for one record */

    struct mr_charter *charter;         /* NULL: not fetched yet */
    struct epochs epochs;               /* after the first, as far as they are known */
    struct mr_charter *present;         /* the charter as they changed it; NULL: there is none */
    struct mr_req_join *join;           /* NULL: none was made here */
    struct memory memory[MR_NODES_MAX]; /* node 1 is memory[0] */
    struct slot *slots;                 /* seq 1 is slots[0] */
    size_t slot_count;
    struct name *names;
    size_t name_count;
    struct mr_book_witnesses witnesses; /* what the owner wants; nothing: all zero */

    struct link *link; /* node.h: all below */
    struct out *out;   /* of the command under way */
    struct seats seats;
    int timeout_ms;
    bool proving;   /* the command needs a proved session */
    bool warned;    /* of another order in the same place */
    bool helpless;  /* the owner was told that none of them can help now */
    unsigned moves; /* how often the command went on with another node */
    struct fork fork;
    struct mr_reply *reply;
    struct mr_request_body *request, *asked; /* asked: kept while a node is being looked for */
    struct mr_rep_account *account;
    struct mr_policy *policies;
    uint32_t policy_count;
};

/** --wallet, else the default place, into ret (FILE_PATH_MAX bytes). MR_OK, or reported. */
enum mr_status wallet_dir(char *ret, const struct command *c, struct out *out);

/** Lock, ask for the passphrase, read everything. MR_OK, or reported with out_fail. */
enum mr_status wallet_open(struct wallet **ret, const struct command *c, struct out *out);

/** Make a new wallet: asks for a passphrase, stores the secrets. `stored` is copied. Fails when
 *  there is one in the directory. MR_OK, or reported. */
enum mr_status wallet_create(struct wallet **ret, const struct command *c, struct out *out,
                             const struct mr_wallet_secret *stored);

/** Whether the directory holds a wallet. */
bool wallet_exists(const char *dir);

/** Wipes everything and gives the lock back. NULL is fine. */
void wallet_close(struct wallet *w);

/** Give the lock back early, for commands that only look on. Nothing may be stored afterwards. */
void wallet_unlock(struct wallet *w);

/** The keys of the seed in force, into w->keys and w->public. */
void wallet_derive(struct wallet *w);

/** Replace the secrets, on disk first. MR_OK, or reported. */
enum mr_status wallet_save(struct wallet *w, struct out *out,
                           const struct mr_wallet_secret *stored);

/** Store w->note durably, then take it into memory. MR_OK, or reported. */
enum mr_status wallet_add(struct wallet *w, struct out *out);

/** Take a note that was read into memory. MR_OK, MR_DAMAGED (does not fit), MR_NO_MEMORY. */
enum mr_status wallet_take(struct wallet *w, const struct mr_book_note *note);

/** Charter, found or not, to the directory as charter.mrc for `receipt verify`. */
enum mr_status wallet_keep_charter(struct wallet *w, struct out *out,
                                   const struct mr_charter *charter);

/** Verify a receipt by the epochs known here and those it carries. */
enum mr_status wallet_receipt(struct mr_receipt_facts *ret, const struct wallet *w,
                              const struct mr_receipt *receipt);

/** Who votes today, and which associations there are (EPO-2): the charter, or what became of it. */
static inline const struct mr_charter *wallet_present(const struct wallet *w)
{
    return w->present != NULL ? w->present : w->charter;
}

static inline struct slot *wallet_slot(const struct wallet *w, uint64_t seq)
{
    return seq >= 1 && seq <= w->slot_count ? &w->slots[seq - 1] : NULL;
}

/** The order of a slot that has one. */
void wallet_order(struct mr_signed_order *ret, const struct slot *s);

/** The order that settled in a slot: the receipt's where there is one (it may be another device's).
 *  false: it is not known. */
bool wallet_settled_order(struct mr_signed_order *ret, const struct slot *s);

/** The order that is open, or whose result was not told yet: its seq, or 0. */
uint64_t wallet_open_seq(const struct wallet *w);

/** By exact text; NULL when unknown. */
const struct name *wallet_name(const struct wallet *w, bool pin, const char *text);

/** What to call an account: contact, pin, association, or address. ret holds NAME_SHOWN_MAX bytes.
 */
void wallet_call(char *ret, const struct wallet *w, const uint8_t account[MR_ACCOUNT_BYTES]);

/** The own account, its address (MR_ADDRESS_TEXT_MAX bytes), and unit `i` of the charter. */
const uint8_t *wallet_account(const struct wallet *w);
void wallet_address(char *ret, const struct wallet *w, const uint8_t account[MR_ACCOUNT_BYTES]);

/** "12.50 EUSK" in the reader's language; ret holds AMOUNT_PEOPLE_MAX bytes. */
void wallet_amount(char *ret, const struct wallet *w, int64_t minor, uint32_t unit);

/** Day and time of day where the reader is; ret holds TIME_SHOWN_MAX bytes. */
void wallet_time(char *ret, uint64_t time_ms);

/** The result of seq is told when the command's output has been written: wallet_end, called by
 *  main after it, notes it in the book and closes the wallet. */
void wallet_tell(struct wallet *w, uint64_t seq);
void wallet_end(int exit_code);

/** The clock, and one that only counts on. */
uint64_t wallet_now_ms(void);
uint64_t wallet_clock_ms(void);

#endif
