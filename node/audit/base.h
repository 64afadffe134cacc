/** Books of nodes that joined later: they begin in the epoch that the node joined in, with the
 *  state that others vouched for. An auditor gets that state by reading another node's book up to
 *  there. */
#ifndef MEREAU_AUDIT_BASE_H
#define MEREAU_AUDIT_BASE_H

#include "audit/source.h"

/** Read another book until that epoch begins; the audit then expects the turns of the book that
 *  begins there. Signatures are verified when `verify` is true. MR_OK, or reported. */
enum mr_status base_read(struct mr_audit *a, struct source *base, const char *path, uint32_t epoch,
                         bool verify);

/** For --base: the epoch that the book of the command line begins in, 0 when that option is not
 *  given. The book is opened, read and closed for it. MR_OK, or reported. */
enum mr_status base_asked(uint32_t *ret, const struct command *c, struct out *out);

/** base_read of the book that --base names, which must be of the ledger of `s` and whole; none is
 *  needed when `begins` is 0. `findings`: of the audit so far, of which there must be none; NULL:
 *  whoever calls looks at them in the end. MR_OK, or reported. */
enum mr_status base_read_named(struct mr_audit *a, const struct source *s, uint32_t begins,
                               const uint64_t *findings);

#endif
