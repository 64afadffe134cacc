/** How every epoch after the first began, kept beside a charter: with both, and nothing else, it is
 *  known who the nodes and the associations of a ledger are now (spec/47-epochs.md).
 *
 *  DIR/epochs.mrh is handover after handover. A node writes it, whoever reads it verifies it. */
#ifndef MEREAU_COMMON_EPOCHS_H
#define MEREAU_COMMON_EPOCHS_H

#include <stddef.h>
#include <stdint.h>

#include "common/link.h"
#include "mereau/handover.h"
#include "mereau/record.h"
#include "mereau/status.h"

extern const char epochs_file[];

/** The verified handovers of the epochs 2, 3 ... as bytes, at most MR_CHAIN_BYTES_MAX. {0} is a
 *  ledger in its first epoch. */
struct epochs {
    uint8_t *bytes;
    size_t len, cap;
    size_t *at; /* where each begins */
    uint32_t count;
    uint32_t highest;         /* number that they give to any node */
    struct mr_roster *roster; /* of epoch count + 1; NULL: nothing was added yet */
};

void epochs_done(struct epochs *e);

/** The same as the protocol library takes it. Lives until the next epochs_add. */
struct mr_chain epochs_chain(const struct epochs *e);

/** Verify that a handover begins the next epoch, and go on to it: it is kept, and *present (the
 *  charter as it stands, at first a copy of `genesis`) changes as it says. MR_OK; MR_FULL: no more
 *  fits, here or in a charter; MR_NO_MEMORY; what mr_roster_step finds. Nothing changed then. */
enum mr_status epochs_add(struct epochs *e, const struct mr_charter *genesis,
                          struct mr_charter *present, const struct mr_handover *h);

/** Whether epochs_add would go on: the same statuses, and nothing changes. */
enum mr_status epochs_check(const struct epochs *e, const struct mr_charter *genesis,
                            const struct mr_charter *present, const struct mr_handover *h);

/** The handover that began an epoch, 2 to count + 1: it was decoded here before. */
void epochs_get(const struct epochs *e, struct mr_handover *ret, uint32_t epoch);

/** The one of `r` that begins the epoch behind those that are known; NULL: it carries none such,
 * and HANDOVER has to be asked unless the head's epoch is known. */
const struct mr_handover *epochs_carried(const struct epochs *e, const struct mr_rep_head *r);

/** Ask a node for the one behind those that are known. *ret is lent, in *reply; `ask` is scratch.
 *  MR_NOT_FOUND: it shows none; else as link_call. Nothing is verified. */
enum mr_status epochs_ask(const struct epochs *e, const struct mr_handover **ret, struct link *link,
                          struct mr_reply *reply, struct mr_request_body *ask);

/** Read DIR/epochs.mrh and verify it, as epochs_add does. MR_OK, also when there is no such file;
 *  MR_DAMAGED; as file_read. epochs_done in any case. */
enum mr_status epochs_read(struct epochs *ret, const struct mr_charter *genesis,
                           struct mr_charter *present, const char *dir);

/** RCP-1b: the file of a receipt that was verified by these epochs, with the handovers behind it
 *  that it does not carry. As file_write, or NO_MEMORY. */
enum mr_status epochs_write_receipt(const struct epochs *e, const struct mr_receipt *r,
                                    const char *path, bool replace);

/** The file of evidence about an epoch that these lead to, likewise: its bytes, the caller's to
 * free (NULL: no memory), or written. */
uint8_t *epochs_evidence(const struct epochs *e, const struct mr_evidence *x, uint32_t epoch,
                         size_t *ret_len);
enum mr_status epochs_write_evidence(const struct epochs *e, const struct mr_evidence *x,
                                     uint32_t epoch, const char *path, bool replace);

/** As file_write, replacing. */
enum mr_status epochs_write(const struct epochs *e, const char *dir);

#endif
