/** Evidence that earlier runs put into a directory: told again by each run, whatever nodes show
 * now. */
#ifndef MEREAU_AUDIT_ON_FILE_H
#define MEREAU_AUDIT_ON_FILE_H

#include "audit/source.h"

/** Checks every evidence-*.mre in a directory and says whom it convicts of what; field
 *  evidence_on_file, a list. */
void on_file_tell(const struct source *s, const char *dir);

#endif
