/** The rows (rows.h) that a mirrored book keeps in `rows/`, for statistics: they grow with the
 * audit and are committed in front of its saved state, so after a crash they may be ahead of it.
 * Then the audit takes the turns up to theirs without telling them.
 *
 *  There are none of a book with findings, nor of one that begins later and rests on nothing: what
 *  reads it then reads all of it, and says so. */
#ifndef MEREAU_AUDIT_MIRRORED_ROWS_H
#define MEREAU_AUDIT_MIRRORED_ROWS_H

#include "audit/mirrored.h"

/** Opens what is there, into b->rows; without any, or with damaged ones, it begins anew. MR_OK, or
 *  reported. */
enum mr_status mirrored_rows_open(struct mirrored *b);

/** Throws away what is there; from now on b->audit, which is at its beginning, makes rows. MR_OK,
 * or reported. */
enum mr_status mirrored_rows_anew(struct mirrored *b);

/** The turn that they stand behind; 0: none. */
uint64_t mirrored_rows_turn(const struct mirrored *b);

/** The audit stands behind their turn, too: from now on it makes rows. False: they are of another
 *  book. */
bool mirrored_rows_join(struct mirrored *b);

/** Whether there shall be rows of this book, as far as it was audited. */
bool mirrored_rows_wanted(const struct mirrored *b);

/** Commits them where the audit stands, or throws them away. All signatures must have been checked.
 *  MR_OK, or reported. */
enum mr_status mirrored_rows_commit(struct mirrored *b);

/** Throws them away. */
void mirrored_rows_drop(struct mirrored *b);

#endif
