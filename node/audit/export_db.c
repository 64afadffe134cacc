#include "audit/export_db.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { STALL_MS = 60000, MESSAGE_MAX = 512 };

/* --- what went wrong ----------------------------------------------------------------------------
 */

/* The first line of what libpq says, without its end. */
static void first_line(char ret[MESSAGE_MAX], const char *message)
{
    snprintf(ret, MESSAGE_MAX, "%.*s", (int)strcspn(message, "\r\n"), message);
}

static enum mr_status went_away(struct db *db, const char *why)
{
    char line[MESSAGE_MAX];
    first_line(line, why);
    if (db->changed)
        return out_fail(
            db->out, MR_NO_ANSWER,
            _("the database went away (%s). What was copied so far is whole; repeat the "
              "command, and it goes on from there"),
            line);
    return out_fail(db->out, MR_NO_ANSWER,
                    _("the database went away (%s). Nothing half done is in it; repeat the "
                      "command"),
                    line);
}

static enum mr_status is_silent(struct db *db)
{
    char why[MESSAGE_MAX];
    snprintf(why, sizeof why, _("no answer for %d s"), db->timeout_ms / 1000);
    return went_away(db, why);
}

/* What a SQLSTATE means for the person at the keyboard. */
static enum mr_status refused(struct db *db, const PGresult *r)
{
    char line[MESSAGE_MAX];
    const char *const state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *const primary = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    first_line(line, primary != NULL ? primary : PQresultErrorMessage(r));
    const char *const code = state == NULL ? "" : state;
    if (PQstatus(db->conn) == CONNECTION_BAD || strncmp(code, "57P", 3) == 0 ||
        strncmp(code, "08", 2) == 0)
        return went_away(db, line);
    if (strcmp(code, "53100") == 0)
        return out_fail(db->out, MR_DISK_FULL,
                        _("the disk of the database is full: %s. What was copied so far is whole; "
                          "make room and repeat the command"),
                        line);
    if (strcmp(code, "42501") == 0)
        return out_fail(db->out, MR_NOT_AUTHORISED,
                        _("the database does not allow it: %s. Its owner grants CREATE on the "
                          "database, or on the schema"),
                        line);
    if (strcmp(code, "42703") == 0 || strcmp(code, "42P01") == 0)
        return out_fail(
            db->out, MR_CONFIG,
            _("the tables are not as they were made: %s. Give another --schema, or drop "
              "this one and copy the book anew"),
            line);
    return out_fail(db->out, MR_CONFIG, _("the database says: %s (SQLSTATE %s)"), line, code);
}

/* --- without waiting ----------------------------------------------------------------------------
 */

/* Until the socket is ready, in one of the ways asked for. */
static enum mr_status wait_for(struct db *db, short events)
{
    struct pollfd p = {.fd = PQsocket(db->conn), .events = events};
    for (;;) {
        const int n = poll(&p, 1, db->timeout_ms);
        if (n > 0)
            return MR_OK;
        if (n == 0)
            return is_silent(db);
        if (errno != EINTR)
            return out_fail(db->out, MR_IO_ERROR, NULL);
    }
}

/* Everything handed over leaves. The server may have something to say meanwhile. */
static enum mr_status flush(struct db *db)
{
    int left;
    while ((left = PQflush(db->conn)) == 1) {
        const enum mr_status st = wait_for(db, POLLIN | POLLOUT);
        if (st != MR_OK)
            return st;
        if (PQconsumeInput(db->conn) == 0)
            return went_away(db, PQerrorMessage(db->conn));
    }
    return left == 0 ? MR_OK : went_away(db, PQerrorMessage(db->conn));
}

/* The next result; NULL behind the last. */
static enum mr_status next_result(struct db *db, PGresult **ret)
{
    while (PQisBusy(db->conn) == 1) {
        const enum mr_status st = wait_for(db, POLLIN);
        if (st != MR_OK)
            return st;
        if (PQconsumeInput(db->conn) == 0)
            return went_away(db, PQerrorMessage(db->conn));
    }
    *ret = PQgetResult(db->conn);
    return MR_OK;
}

static bool is_good(const PGresult *r)
{
    const ExecStatusType s = PQresultStatus(r);
    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK || s == PGRES_COPY_IN;
}

/* The results of one statement: the first one is the caller's, and all of them must be good. */
static enum mr_status take_results(struct db *db, PGresult **ret)
{
    enum mr_status st = MR_OK;
    *ret = NULL;
    for (;;) {
        PGresult *r = NULL;
        const enum mr_status got = next_result(db, &r);
        if (got != MR_OK)
            return got;
        if (r == NULL)
            return st;
        const bool copying = PQresultStatus(r) == PGRES_COPY_IN;
        if (st == MR_OK && !is_good(r))
            st = refused(db, r);
        if (*ret == NULL)
            *ret = r;
        else
            PQclear(r);
        if (copying)
            return st;
    }
}

enum mr_status db_do(struct db *db, PGresult **ret, const char *sql)
{
    PGresult *r = NULL;
    if (PQsendQuery(db->conn, sql) == 0)
        return went_away(db, PQerrorMessage(db->conn));
    enum mr_status st = flush(db);
    if (st == MR_OK)
        st = take_results(db, &r);
    if (st == MR_OK && ret != NULL) {
        *ret = r;
        return MR_OK;
    }
    PQclear(r);
    return st;
}

static enum mr_status put_data(struct db *db, const char *bytes, size_t len)
{
    int rc;
    while ((rc = PQputCopyData(db->conn, bytes, (int)len)) == 0) {
        const enum mr_status st = wait_for(db, POLLOUT);
        if (st != MR_OK)
            return st;
    }
    return rc < 0 ? went_away(db, PQerrorMessage(db->conn)) : flush(db);
}

static enum mr_status put_end(struct db *db)
{
    int rc;
    while ((rc = PQputCopyEnd(db->conn, NULL)) == 0) {
        const enum mr_status st = wait_for(db, POLLOUT);
        if (st != MR_OK)
            return st;
    }
    return rc < 0 ? went_away(db, PQerrorMessage(db->conn)) : flush(db);
}

enum mr_status db_copy(struct db *db, const char *sql, FILE *from, uint64_t len)
{
    static char buffer[1 << 16];
    PGresult *r = NULL;
    enum mr_status st = db_do(db, NULL, sql);
    while (st == MR_OK && len > 0) {
        const size_t n = len < sizeof buffer ? (size_t)len : sizeof buffer;
        if (fread(buffer, 1, n, from) != n)
            return out_fail(db->out, MR_IO_ERROR, NULL);
        st = put_data(db, buffer, n);
        len -= n;
    }
    if (st == MR_OK)
        st = put_end(db);
    if (st == MR_OK)
        st = take_results(db, &r);
    PQclear(r);
    return st;
}

/* --- connecting ---------------------------------------------------------------------------------
 */

static enum mr_status has_password(struct out *out)
{
    return out_fail(
        out, MR_USAGE,
        _("a password in the command line or the environment can be read by others: put "
          "it into a file that only you can read, ~/.pgpass or what \"passfile=\" "
          "names, or use a service file (service=NAME)"));
}

/* libpq's own parser; the secrets are not looked at further. */
static enum mr_status check_conninfo(struct out *out, const char *conninfo)
{
    char *wrong = NULL;
    PQconninfoOption *const all = PQconninfoParse(conninfo, &wrong);
    enum mr_status st = MR_OK;
    if (all == NULL) {
        char line[MESSAGE_MAX];
        first_line(line, wrong == NULL ? "" : wrong);
        PQfreemem(wrong);
        return out_fail(out, MR_USAGE, _("--database is not understood: %s"), line);
    }
    for (const PQconninfoOption *o = all; o->keyword != NULL && st == MR_OK; o++) {
        const bool secret =
            strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0;
        if (secret && o->val != NULL && o->val[0] != '\0')
            st = has_password(out);
    }
    PQconninfoFree(all);
    return st;
}

/* The SQLSTATE of a connection that a server refused, cut out of its verbose message
 * ("FATAL:  3D000: ..."): libpq gives it in no other way. Empty: no server said anything. */
static void cut_state(char ret[6], char *line)
{
    static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    ret[0] = '\0';
    for (char *at = strstr(line, ":  "); at != NULL && ret[0] == '\0'; at = strstr(at + 1, ":  ")) {
        char *const code = at + 3;
        if (strspn(code, signs) != 5 || strncmp(code + 5, ": ", 2) != 0)
            continue;
        memcpy(ret, code, 5);
        ret[5] = '\0';
        memmove(code, code + 7, strlen(code + 7) + 1);
    }
}

/* Of the addresses of a host that were tried, a line each: the one whose server said why. */
static void what_was_said(char line[MESSAGE_MAX], char state[6], const char *message)
{
    const char *at = message;
    do {
        at += *at == '\n';
        first_line(line, at);
        cut_state(state, line);
        if (state[0] != '\0')
            return;
        at = strchr(at, '\n');
    } while (at != NULL);
    first_line(line, message);
}

/* Who repeats the command gets no further with another user's name or that of no database. */
static enum mr_status not_let_in(struct db *db)
{
    char line[MESSAGE_MAX], state[6];
    what_was_said(line, state, PQerrorMessage(db->conn));
    if (PQconnectionNeedsPassword(db->conn) != 0)
        return out_fail(db->out, MR_NOT_AUTHORISED,
                        _("the database wants a password: put it into ~/.pgpass, or into a file "
                          "that \"passfile=\" names, readable by you alone"));
    if (strncmp(state, "28", 2) == 0)
        return out_fail(
            db->out, MR_NOT_AUTHORISED,
            _("the database does not let this user in: %s. Look at user= in --database, "
              "and at the password in ~/.pgpass"),
            line);
    if (strcmp(state, "3D000") == 0)
        return out_fail(
            db->out, MR_CONFIG,
            _("there is no such database: %s. Look at dbname= in --database, or make it "
              "with createdb"),
            line);
    return out_fail(db->out, MR_UNREACHABLE, _("the database cannot be reached: %s"), line);
}

static enum mr_status finish_connecting(struct db *db)
{
    PostgresPollingStatusType s = PGRES_POLLING_WRITING;
    while (s == PGRES_POLLING_READING || s == PGRES_POLLING_WRITING) {
        struct pollfd p = {.fd = PQsocket(db->conn),
                           .events = s == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        const int n = poll(&p, 1, db->timeout_ms);
        if (n == 0)
            return out_fail(db->out, MR_UNREACHABLE, _("the database does not answer within %d s"),
                            db->timeout_ms / 1000);
        if (n < 0 && errno != EINTR)
            return out_fail(db->out, MR_IO_ERROR, NULL);
        if (n > 0)
            s = PQconnectPoll(db->conn);
    }
    return s == PGRES_POLLING_OK ? MR_OK : not_let_in(db);
}

static void no_notice(void *ctx, const PGresult *r)
{
    (void)ctx;
    (void)r;
}

/* A service that no file defines, say: libpq then asks no server, and its status is that of one
 * that is away. */
static bool asks_nobody(const char *conninfo)
{
    const char *const keys[] = {"dbname", "connect_timeout", NULL};
    const char *const values[] = {conninfo, "2", NULL};
    return PQpingParams(keys, values, 1) == PQPING_NO_ATTEMPT;
}

enum mr_status db_open(struct db *ret, const struct command *c, struct out *out,
                       const char *conninfo)
{
    *ret = (struct db){.out = out, .timeout_ms = c->timeout_given ? c->timeout_ms : STALL_MS};
    if (getenv("PGPASSWORD") != NULL)
        return has_password(out);
    enum mr_status st = check_conninfo(out, conninfo);
    if (st != MR_OK)
        return st;
    const char *const keys[] = {"dbname", "client_encoding", "fallback_application_name", NULL};
    const char *const values[] = {conninfo, "UTF8", "mereau-audit", NULL};
    ret->conn = PQconnectStartParams(keys, values, 1);
    if (ret->conn == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    if (PQstatus(ret->conn) == CONNECTION_BAD) {
        char line[MESSAGE_MAX];
        first_line(line, PQerrorMessage(ret->conn));
        if (asks_nobody(conninfo))
            return out_fail(out, MR_USAGE, _("--database is not understood: %s"), line);
        return out_fail(out, MR_UNREACHABLE, _("the database cannot be reached: %s"), line);
    }
    PQsetErrorVerbosity(ret->conn, PQERRORS_VERBOSE);
    st = finish_connecting(ret);
    if (st != MR_OK)
        return st;
    PQsetErrorVerbosity(ret->conn, PQERRORS_DEFAULT);
    PQsetNoticeReceiver(ret->conn, no_notice, NULL);
    return PQsetnonblocking(ret->conn, 1) == 0 ? MR_OK : went_away(ret, "");
}

void db_close(struct db *db)
{
    PQfinish(db->conn);
    db->conn = NULL;
}

char *db_quote(struct db *db, const char *name)
{
    char *const quoted = PQescapeIdentifier(db->conn, name, strlen(name));
    if (quoted == NULL)
        out_fail(db->out, MR_USAGE, _("\"%s\" cannot be the name of a schema"), name);
    return quoted;
}
