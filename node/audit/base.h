/** Books of nodes that joined later: they begin in the epoch that the node joined in, with the
 *  state that others vouched for. An auditor gets that state by reading another node's book up to
 *  there. */
#ifndef MEREAU_AUDIT_BASE_H
#define MEREAU_AUDIT_BASE_H

#include "audit/source.h"

/** The epoch that a book begins in; 0: with the ledger. Reads all of it: open the source again to
 *  read it. MR_OK, or reported. */
enum mr_status base_begins(struct source *s, uint32_t *ret);

/** Read another book until that epoch begins; the audit then expects the turns of the book that
 *  begins there. Signatures are verified when `verify` is true. MR_OK, or reported. */
enum mr_status base_read(struct mr_audit *a, struct source *base, const char *path, uint32_t epoch,
                         bool verify);

#endif
