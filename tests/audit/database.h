/** A PostgreSQL server of the test's own: in a scratch directory, on a unix socket, run by a user
 *  without rights, ended by its pid. The machine's own service is never touched. */
#ifndef MEREAU_TESTS_AUDIT_DATABASE_H
#define MEREAU_TESTS_AUDIT_DATABASE_H

#include <stdbool.h>

/** An empty cluster that those of the tests are copies of: it takes seconds. In an unchecked
 *  fixture; fails when it cannot. */
void database_found(void);
void database_forget(void);

/** Makes a cluster and starts its server. In Check tests only: fails the test when it cannot. */
void database_make(void);
/** Ends the server and removes all of it. */
void database_remove(void);

/** Starts and ends the server of the cluster; `kill`: as a crash of the machine would. */
void database_start(void);
void database_stop(bool kill);
/** All processes of the server stand still, or go on. */
void database_freeze(bool frozen);

/** What --database takes, for the owner of everything; or for a role. */
const char *database_info(void);
const char *database_info_of(const char *role);

/** From now on this role is asked for its password; the others are trusted. */
void database_want_password(const char *role);

/** Runs SQL and gives the rows, `a|b` and a line each, without the last end of line; until the next
 *  call. Fails the test on an error. */
const char *database_ask(const char *sql);

#endif
