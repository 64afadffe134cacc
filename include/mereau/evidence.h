/** Evidence convicts a node by its own signed log, with the charter alone (spec/45-evidence.md
 *  EVD-n). A node that only crashed, lagged or was cut off is never convicted. */
#ifndef MEREAU_EVIDENCE_H
#define MEREAU_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "mereau/handover.h"
#include "mereau/record.h"
#include "mereau/status.h"

/** What a node is convicted of. */
enum mr_breach {
#define MR_BREACH(name, number, text) MR_BREACH_##name = (number),
#include "registry/breaches.def"
#undef MR_BREACH
};

/** Name without prefix ("TWO_VOTES"). Static storage. */
const char *mr_breach_name(enum mr_breach b);

/** End of an English sentence that begins with the node, marked for translation. Static storage. */
const char *mr_breach_text(enum mr_breach b);

struct mr_evidence_facts {
    enum mr_breach breach;
    uint32_t node, epoch, generation;
    uint8_t association[MR_ACCOUNT_BYTES]; /**< who runs the node */
    bool has_slot;                         /**< the breach is about a slot: the next two are set */
    uint8_t account[MR_ACCOUNT_BYTES];
    uint64_t seq;
    uint64_t first, second; /**< index of the leaves; of two heads their sizes */
};

/** EVD-2 to EVD-4. `chain` has the handovers before those that the evidence carries; NULL: there
 * are none. MR_OK fills *ret. MR_WRONG_LEDGER; MR_BAD_HEAD: a head is not the node's; MR_BAD_PROOF:
 * a proof does not lead to its head; MR_BAD_EVIDENCE: all of it is true, and nobody broke a rule.
 */
enum mr_status mr_evidence_verify(struct mr_evidence_facts *ret, const struct mr_charter *charter,
                                  const struct mr_chain *chain, const struct mr_evidence *e);

/** The same for who knows the log key of the heads' node, epoch and generation, and so needs no
 *  handover: those of the evidence are not looked at. ret->association is left zero. */
enum mr_status mr_evidence_check(struct mr_evidence_facts *ret, const uint8_t ledger[MR_HASH_BYTES],
                                 const struct mr_pubkey *log_key, const struct mr_evidence *e);

/** The head that names the node, epoch and generation a piece is about. Borrowed from it. */
const struct mr_head *mr_evidence_head(const struct mr_evidence *e);

/** EVD-1: a file of evidence is the evidence and, behind it, the handovers from epoch 2 on that it
 *  does not carry itself. As mr_receipt_read. */
enum mr_status mr_evidence_read(struct mr_evidence *ret, struct mr_chain *ret_chain,
                                const uint8_t *bytes, size_t len);

/** EVD-1 */
void mr_evidence_hash(uint8_t ret[MR_HASH_BYTES], const struct mr_evidence *e);

#endif
