/** A connection to PostgreSQL that never hangs and never sees a password: libpq without waiting.
 *
 *  What the server or the network does wrong is reported here, once, in a plain sentence. */
#ifndef MEREAU_AUDIT_EXPORT_DB_H
#define MEREAU_AUDIT_EXPORT_DB_H

#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>

#include "common/command.h"

struct db {
    PGconn *conn;
    struct out *out;
    int timeout_ms; /* without any progress */
    bool changed;   /* something was committed: a failure leaves that, and says so */
};

/** `conninfo`: of libpq, "host=... dbname=..." or "postgresql://...", or "service=..."; a password
 * in it, or in the environment, is refused. MR_OK; MR_USAGE; MR_UNREACHABLE; MR_NOT_AUTHORISED. */
enum mr_status db_open(struct db *ret, const struct command *c, struct out *out,
                       const char *conninfo);
void db_close(struct db *db);

/** One statement. ret NULL: rows are not wanted; else the caller clears it. MR_OK; MR_NO_ANSWER:
 * the server went away; MR_NOT_AUTHORISED, MR_DISK_FULL, MR_CONFIG: what the server says to it. */
enum mr_status db_do(struct db *db, PGresult **ret, const char *sql);

/** COPY ... FROM STDIN of so many bytes of a file, from where it stands. As db_do, MR_IO_ERROR. */
enum mr_status db_copy(struct db *db, const char *sql, FILE *from, uint64_t len);

/** A name in quotes, for SQL; the caller frees it with PQfreemem. NULL: reported. */
char *db_quote(struct db *db, const char *name);

#endif
