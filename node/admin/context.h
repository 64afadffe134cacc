/** What a command stands on: the data directory, the charter, a key, a link to the node. */
#ifndef MEREAU_ADMIN_CONTEXT_H
#define MEREAU_ADMIN_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/signer.h"
#include "common/command.h"
#include "common/epochs.h"
#include "common/file.h"
#include "common/link.h"
#include "mereau/receipt.h"

enum {
    NEED_CHARTER = 1, /* always found first */
    NEED_KEY = 2,     /* an operator's or governance key file, opened */
    NEED_NODE = 4,    /* a link to the node */
    NEED_DATA = 8,    /* the data directory itself is on this machine */
    NEED_GOVERNANCE =
        16 | NEED_KEY, /* a governance key file, which is named and never looked for */
    NEED_OWN = 32,     /* it is known which of the charter's nodes is meant */
};

struct admin {
    struct command *c;
    struct out *out;
    char data[FILE_PATH_MAX];     /* "": none was named */
    char key_path[FILE_PATH_MAX]; /* "": none was named or found */
    struct mr_charter *charter;   /* with the nodes and associations of the present epoch */
    struct mr_charter *genesis;   /* as founded: what receipts are verified from */
    struct epochs epochs;         /* what led from one to the other, as far as it is known here */
    uint8_t ledger[32];
    struct mr_node past;               /* the own node, as it was when it was one */
    const struct mr_node *own;         /* the data directory's node, also one that left; NULL: none
                                          is known */
    const struct mr_association *home; /* whose operator the key is; else the own node's; else the
                                          charter's first */
    uint8_t desk[16], treasury[16], system[16];
    struct signer *signer;
    int key_lock; /* held while the key file is open; -1: none */
    bool local;   /* the link is the control socket */
    struct link *link;
    struct mr_request_body *ask; /* the next request: fill and call */
    struct mr_reply *reply;      /* of the last call */
};

/** Get what is needed. A failure is reported; admin_end is due in any case. */
enum mr_status admin_begin(struct admin *a, struct command *c, struct out *out, unsigned needs);
void admin_end(struct admin *a);

/** The same for a data directory named as an argument; NULL: --data and MEREAU_DATA say. */
enum mr_status admin_begin_at(struct admin *a, struct command *c, struct out *out, unsigned needs,
                              const char *data);

/** Read a charter file and compute its ledger id. Reported. *ret is the caller's to free. */
enum mr_status charter_read(struct mr_charter **ret, uint8_t ret_ledger[32], struct out *out,
                            const char *path);

/** Who runs a node of the charter. */
const struct mr_association *admin_association_of(const struct mr_charter *charter,
                                                  const struct mr_node *node);

/** [node] number of a mereaud.conf as mereaud takes it: 1 when nothing says another. Reported. */
enum mr_status conf_node_number(uint32_t *ret, struct out *out, const char *path);

/** The node of this number in a charter; NULL: it has none. */
const struct mr_node *admin_node_of(const struct mr_charter *charter, uint32_t number);

/** The node of this number, or with 0 the last one of this association, as it was in the last epoch
 *  known here that had it: nodes leave. False: there never was one. */
bool admin_past_node(struct mr_node *ret, const struct admin *a, uint32_t number,
                     const uint8_t *association);

/** Ask the node whether there are later epochs, and take them over once they are verified; what was
 *  found in the charter before (own, home) is found again. Reported only when what it says cannot
 *  be. */
enum mr_status admin_ask_epochs(struct admin *a);

/** Prove the operator's key as this chain (desk, treasury, system) from now on. */
void admin_as(struct admin *a, const uint8_t chain[16]);

/** Send a->ask. The result is the reply's status; nothing is reported. */
enum mr_status admin_call(struct admin *a);

/** Report that a call failed, with what to do next. */
void admin_report_call(struct admin *a, enum mr_status st);

/** The same, for those that return st. */
static inline enum mr_status admin_call_failed(struct admin *a, enum mr_status st)
{
    admin_report_call(a, st);
    return st;
}

/** Whether the opened key is an operator's, or governance's; reported when it is not. */
enum mr_status admin_need_operator(struct admin *a);
enum mr_status admin_need_governance(struct admin *a);

/** Verify a receipt that the node sent, by the epochs known here and those it carries. */
enum mr_status admin_receipt(struct mr_receipt_facts *ret, const struct admin *a,
                             const struct mr_receipt *receipt);

/** How the command reached its data directory or node, for a command that is shown to be typed:
 *  "-d DIR", "--node ADDR", or both. In a static buffer. */
const char *admin_place(const struct admin *a);

/** Directory of drafts: --drafts, else `drafts` beside the key file. Reported. */
enum mr_status admin_drafts_dir(struct admin *a, char ret[FILE_PATH_MAX]);

uint64_t admin_now_ms(void);

/** "12.50 CODE" of unit 0, in one of eight static buffers. */
const char *admin_amount(const struct admin *a, int64_t minor);

/** The same of unit 1, the euros in the reserves. */
const char *admin_euros(const struct admin *a, int64_t minor);

/** An account's address, in one of eight static buffers. */
const char *admin_address(const struct admin *a, const uint8_t account[16]);

/** Hexadecimal of 32 bytes, in one of eight static buffers. */
const char *admin_hex(const uint8_t hash[32]);

/** A time as date and minute (UTC), in one of eight static buffers. */
const char *admin_time(uint64_t time_ms);

extern const struct option_row admin_options[];

#endif
