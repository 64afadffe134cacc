/** How every epoch after the first began, kept beside a charter: with both, and nothing else, it is
 *  known who the nodes and the associations of a ledger are now (spec/47-epochs.md).
 *
 *  DIR/epochs.mrh is handover after handover. A node writes it, whoever reads it verifies it. */
#ifndef MEREAU_COMMON_EPOCHS_H
#define MEREAU_COMMON_EPOCHS_H

#include <stdint.h>

#include "mereau/record.h"
#include "mereau/status.h"

extern const char epochs_file[];

struct epochs {
    struct mr_handover *items; /* of the epochs 2, 3 ... */
    uint32_t count;
};

/** MR_OK, also when there is no such file; MR_DAMAGED; MR_NO_MEMORY; as file_read. Nothing is
 * verified yet. epochs_done in any case. */
enum mr_status epochs_read(struct epochs *ret, const char *dir);
void epochs_done(struct epochs *e);

/** MR_OK; MR_FULL: more than receipts can carry; MR_NO_MEMORY. */
enum mr_status epochs_add(struct epochs *e, const struct mr_handover *h);

/** As file_write, replacing. */
enum mr_status epochs_write(const struct epochs *e, const char *dir);

#endif
