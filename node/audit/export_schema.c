#include "audit/export_schema.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/id.h"

enum { SQL_MAX = 2048, READ_ALL = 10 }; /* as often the patience for what reads all rows */

static const char *sql_type(const struct export_column *c)
{
    switch (c->type) {
    case EXPORT_NUMBER:
        return "bigint";
    case EXPORT_TEXT:
        return "text";
    case EXPORT_ID:
        return "uuid";
    case EXPORT_HASH:
        return "bytea";
    case EXPORT_TIME:
        return "timestamptz";
    case EXPORT_BOOL:
        return "boolean";
    }
    return "text";
}

/* Text of ours in quotes of SQL. */
static void put_quoted(FILE *f, const char *text)
{
    fputc('\'', f);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'')
            fputc('\'', f);
        fputc(*c, f);
    }
    fputc('\'', f);
}

static void put_table(FILE *f, const struct export_table *t)
{
    fprintf(f, "CREATE TABLE %s (", t->name);
    for (unsigned i = 0; i < t->count; i++)
        fprintf(f, "%s %s%s, ", t->columns[i].name, sql_type(&t->columns[i]),
                t->columns[i].may_lack ? "" : " NOT NULL");
    fprintf(f, "%s); COMMENT ON TABLE %s IS ", t->keys, t->name);
    put_quoted(f, t->doc);
    for (unsigned i = 0; i < t->count; i++) {
        fprintf(f, "; COMMENT ON COLUMN %s.%s IS ", t->name, t->columns[i].name);
        put_quoted(f, t->columns[i].doc);
    }
    fputs(";\n", f);
}

static const char rest[] =
    "CREATE INDEX ON postings (account, unit);"
    "CREATE INDEX ON movements (ordered_at);"
    "CREATE INDEX ON movements (from_account);"
    "CREATE INDEX ON movements (to_account);"
    "CREATE VIEW balances AS SELECT account, unit, sum(delta_minor)::bigint AS balance_minor"
    " FROM postings GROUP BY account, unit;"
    "COMMENT ON VIEW balances IS 'Postings added up: what each account has in each unit.';"
    "CREATE TABLE progress (one boolean PRIMARY KEY DEFAULT true CHECK (one),"
    " version integer NOT NULL, ledger bytea NOT NULL, currency text NOT NULL, pseudonyms bytea,"
    " settled bigint NOT NULL, hash bytea NOT NULL,"
    " updated_at timestamptz NOT NULL DEFAULT now());"
    "COMMENT ON TABLE progress IS 'One row: how much of the book is here. Written by mereau-audit"
    " alone.';"
    "COMMENT ON COLUMN progress.ledger IS 'hash of the charter';"
    "COMMENT ON COLUMN progress.pseudonyms IS 'check of the key of the pseudonyms; NULL: they are"
    " those of the ledger';"
    "COMMENT ON COLUMN progress.settled IS 'slots of the book that are here, void ones counted';"
    "COMMENT ON COLUMN progress.hash IS 'over place and value of these slots, in the order of the"
    " book';"
    "CREATE TABLE contents (name text PRIMARY KEY, row_count bigint NOT NULL,"
    " row_sum numeric NOT NULL);"
    "COMMENT ON TABLE contents IS 'What was written into each table: a row that was changed, added"
    " or deleted since is noticed by it. Written by mereau-audit alone.';"
    "COMMENT ON COLUMN contents.name IS 'table';"
    "COMMENT ON COLUMN contents.row_count IS 'rows that it has';"
    "COMMENT ON COLUMN contents.row_sum IS 'sum of hash_record_extended(ROW(columns), 0)';";

static void put_columns(FILE *f, const struct export_table *t, const char *before)
{
    for (unsigned i = 0; i < t->count; i++)
        fprintf(f, "%s%s%s", i == 0 ? "" : ", ", before, t->columns[i].name);
}

/* How many rows there are, and a sum over them in whatever order: of the columns that are ours. */
static void put_contents(FILE *f, const struct export_table *t, const char *where)
{
    fputs("SELECT count(*) AS n, coalesce(sum(hash_record_extended(ROW(", f);
    put_columns(f, t, "");
    fprintf(f, "), 0)), 0) AS s FROM %s%s", where, t->name);
}

/* Tells keys apart without giving them away. */
static void key_check(uint8_t ret[EXPORT_HASH_BYTES], const struct export_run *run)
{
    static const char text[] = "mereau/pseudonym-key";
    crypto_generichash(ret, EXPORT_HASH_BYTES, (const uint8_t *)text, sizeof text, run->key,
                       sizeof run->key);
}

static void put_bytea(FILE *f, const uint8_t *bytes, size_t len)
{
    char hex[2 * EXPORT_HASH_BYTES + 1];
    mr_hex_format(hex, bytes, len);
    fprintf(f, "'\\x%s'", hex);
}

static void put_progress(FILE *f, const struct export_run *run)
{
    const uint8_t zero[EXPORT_HASH_BYTES] = {0};
    uint8_t check[EXPORT_HASH_BYTES];
    fprintf(f, "INSERT INTO progress VALUES (true, %d, ", EXPORT_SCHEMA_VERSION);
    put_bytea(f, run->source->ledger, MR_HASH_BYTES);
    fputs(", ", f);
    put_quoted(f, mr_audit_charter(run->audit)->name);
    fputs(", ", f);
    if (run->has_key) {
        key_check(check, run);
        put_bytea(f, check, sizeof check);
    } else {
        fputs("NULL", f);
    }
    fputs(", 0, ", f);
    put_bytea(f, zero, sizeof zero);
    fputs(");", f);
}

/* Rows of units and kinds: they do not change. */
static enum mr_status put_fixed(void *ctx, enum export_table_id table,
                                const struct export_cell *cells)
{
    FILE *const f = ctx;
    const struct export_table *const t = &export_tables[table];
    fprintf(f, "INSERT INTO %s VALUES (", t->name);
    for (unsigned i = 0; i < t->count; i++) {
        fputs(i == 0 ? "" : ", ", f);
        if (t->columns[i].type == EXPORT_NUMBER)
            fprintf(f, "%lld", (long long)cells[i].number);
        else
            put_quoted(f, cells[i].bytes);
    }
    fputs(");\n", f);
    return MR_OK;
}

/* As one transaction: there is a whole schema, or none. NULL: an empty one is there already. */
static enum mr_status make(struct db *db, struct export_run *run, const char *schema)
{
    char *sql = NULL;
    size_t len = 0;
    FILE *const f = open_memstream(&sql, &len);
    if (f == NULL)
        return out_fail(run->out, MR_NO_MEMORY, NULL);
    const struct export_sink sink = {
        .ctx = f, .wants = {[EXPORT_UNITS] = true, [EXPORT_KINDS] = true}, .row = put_fixed};
    fputs("BEGIN; SET LOCAL standard_conforming_strings = on;", f);
    if (schema != NULL)
        fprintf(f, "CREATE SCHEMA %s;", schema);
    for (unsigned t = 0; t < EXPORT_BALANCES; t++)
        put_table(f, &export_tables[t]);
    fputs(rest, f);
    enum mr_status st = export_rows_fixed(run, &sink);
    put_progress(f, run);
    for (unsigned t = 0; t < EXPORT_BALANCES; t++) {
        fprintf(f, "INSERT INTO contents SELECT '%s', n, s FROM (", export_tables[t].name);
        put_contents(f, &export_tables[t], "");
        fputs(") AS x;\n", f);
    }
    fputs("COMMIT;", f);
    const bool good = fclose(f) == 0;
    if (st == MR_OK)
        st = good ? db_do(db, NULL, sql) : out_fail(run->out, MR_NO_MEMORY, NULL);
    free(sql);
    return st;
}

/* --- what is there ------------------------------------------------------------------------------
 */

static bool take_hash(uint8_t ret[EXPORT_HASH_BYTES], const char *text)
{
    return strncmp(text, "\\x", 2) == 0 && mr_hex_parse(ret, EXPORT_HASH_BYTES, text + 2) == MR_OK;
}

static bool same_key(const struct export_run *run, const PGresult *r)
{
    uint8_t check[EXPORT_HASH_BYTES], found[EXPORT_HASH_BYTES];
    if (PQgetisnull(r, 0, 2) != 0 || !run->has_key)
        return PQgetisnull(r, 0, 2) != 0 && !run->has_key;
    key_check(check, run);
    return take_hash(found, PQgetvalue(r, 0, 2)) && memcmp(check, found, sizeof check) == 0;
}

/* version, ledger, pseudonyms, settled, hash */
static enum mr_status read_progress(struct export_run *run, const PGresult *r, const char *schema)
{
    uint8_t ledger[MR_HASH_BYTES];
    int64_t version = 0, settled = 0;
    if (PQntuples(r) != 1 || PQnfields(r) != 5 ||
        number_parse(&version, PQgetvalue(r, 0, 0), 0, INT32_MAX) != MR_OK ||
        version != EXPORT_SCHEMA_VERSION || !take_hash(ledger, PQgetvalue(r, 0, 1)) ||
        number_parse(&settled, PQgetvalue(r, 0, 3), 0, INT64_MAX) != MR_OK ||
        !take_hash(run->known_hash, PQgetvalue(r, 0, 4)))
        return out_fail(run->out, MR_CONFIG,
                        _("the schema %s was not made by this version: give another --schema"),
                        schema);
    if (memcmp(ledger, run->source->ledger, sizeof ledger) != 0)
        return out_fail(run->out, MR_WRONG_LEDGER,
                        _("the schema %s holds another ledger: give another --schema"), schema);
    if (!same_key(run, r))
        return out_fail(run->out, MR_WRONG_LEDGER,
                        _("the schema %s was filled with another pseudonym key: give that one, or "
                          "another --schema"),
                        schema);
    run->known = (uint64_t)settled;
    return MR_OK;
}

/* Of the schema that was entered: whether it is there, and whether it is one of ours. */
static enum mr_status is_there(struct db *db, bool *ret_schema, bool *ret_ours)
{
    PGresult *r = NULL;
    const enum mr_status st =
        db_do(db, &r,
              "SELECT current_schema(), (SELECT 1 FROM pg_tables WHERE schemaname = "
              "current_schema() AND tablename = 'progress')");
    const bool row = st == MR_OK && PQntuples(r) == 1;
    *ret_schema = row && PQgetisnull(r, 0, 0) == 0;
    *ret_ours = row && PQgetisnull(r, 0, 1) == 0;
    PQclear(r);
    return st;
}

static enum mr_status other_tables(struct db *db, const char *schema, const char *what)
{
    return out_fail(
        db->out, MR_CONFIG,
        _("the tables are not as they were made: %s. Somebody changed them. Give another --schema, "
          "or drop this one (DROP SCHEMA %s CASCADE) and copy the book anew"),
        what, schema);
}

static Oid type_of(const struct export_column *c)
{
    enum { BOOL = 16, BYTEA = 17, INT8 = 20, TEXT = 25, TIMESTAMPTZ = 1184, UUID = 2950 };
    switch (c->type) {
    case EXPORT_NUMBER:
        return INT8;
    case EXPORT_TEXT:
        return TEXT;
    case EXPORT_ID:
        return UUID;
    case EXPORT_HASH:
        return BYTEA;
    case EXPORT_TIME:
        return TIMESTAMPTZ;
    case EXPORT_BOOL:
        return BOOL;
    }
    return TEXT;
}

/* Tables that somebody changed would be found out by the next order only. */
static enum mr_status check_columns(struct db *db, const struct export_table *t, const char *schema)
{
    char sql[SQL_MAX], what[128];
    PGresult *r = NULL;
    FILE *const f = fmemopen(sql, sizeof sql, "w");
    if (f == NULL)
        return out_fail(db->out, MR_NO_MEMORY, NULL);
    fputs("SELECT ", f);
    put_columns(f, t, "");
    fprintf(f, " FROM %s LIMIT 0", t->name);
    const bool fits = fflush(f) == 0;
    fclose(f);
    mr_assert(fits);
    enum mr_status st = db_do(db, &r, sql);
    for (unsigned i = 0; i < t->count && st == MR_OK; i++) {
        if (PQftype(r, (int)i) == type_of(&t->columns[i]))
            continue;
        snprintf(what, sizeof what, _("column %s.%s is not of type %s"), t->name,
                 t->columns[i].name, sql_type(&t->columns[i]));
        st = other_tables(db, schema, what);
    }
    PQclear(r);
    return st;
}

/* In one statement, so that an export that runs beside is seen whole or not at all. It reads all
 * rows: some seconds for ten millions. */
static enum mr_status check_rows(struct db *db, const struct export_table *t, const char *schema)
{
    char sql[SQL_MAX], what[256];
    PGresult *r = NULL;
    const int timeout_ms = db->timeout_ms;
    FILE *const f = fmemopen(sql, sizeof sql, "w");
    if (f == NULL)
        return out_fail(db->out, MR_NO_MEMORY, NULL);
    fputs("SELECT n, row_count, n = row_count AND s = row_sum FROM contents, (", f);
    put_contents(f, t, "");
    fprintf(f, ") AS x WHERE name = '%s'", t->name);
    const bool fits = fflush(f) == 0;
    fclose(f);
    mr_assert(fits);
    db->timeout_ms = timeout_ms > INT32_MAX / READ_ALL ? INT32_MAX : timeout_ms * READ_ALL;
    enum mr_status st = db_do(db, &r, sql);
    db->timeout_ms = timeout_ms;
    if (st == MR_OK && (PQntuples(r) != 1 || strcmp(PQgetvalue(r, 0, 2), "t") != 0)) {
        const bool one = PQntuples(r) == 1;
        if (!one)
            snprintf(what, sizeof what, _("contents says nothing of table %s"), t->name);
        else if (strcmp(PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1)) != 0)
            snprintf(what, sizeof what, _("table %s has %s rows, and %s were written"), t->name,
                     PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1));
        else
            snprintf(what, sizeof what, _("rows of table %s hold something else than was written"),
                     t->name);
        st = other_tables(db, schema, what);
    }
    PQclear(r);
    return st;
}

static enum mr_status check_tables(struct db *db, const char *schema)
{
    enum mr_status st = MR_OK;
    for (enum export_table_id i = 0; i < EXPORT_BALANCES && st == MR_OK; i++)
        st = check_columns(db, &export_tables[i], schema);
    for (enum export_table_id i = 0; i < EXPORT_BALANCES && st == MR_OK; i++)
        st = check_rows(db, &export_tables[i], schema);
    return st;
}

/* Its rows may be there already, and be others now. */
static bool changes(enum export_table_id table)
{
    return table == EXPORT_ACCOUNTS || table == EXPORT_ASSOCIATIONS;
}

static enum mr_status enter(struct db *db, struct export_run *run, const char *name, bool make_it)
{
    char sql[256];
    bool there = false, ours = false;
    PGresult *r = NULL;
    char *const schema = db_quote(db, name);
    if (schema == NULL)
        return MR_USAGE;
    const bool fits =
        (size_t)snprintf(sql, sizeof sql, "SET search_path TO %s", schema) < sizeof sql;
    enum mr_status st = fits ? db_do(db, NULL, sql) : out_fail(run->out, MR_USAGE, NULL);
    if (st == MR_OK)
        st = is_there(db, &there, &ours);
    if (st == MR_OK && !ours && make_it)
        st = make(db, run, there ? NULL : schema);
    if (st == MR_OK && (ours || make_it))
        st = db_do(db, &r, "SELECT version, ledger, pseudonyms, settled, hash FROM progress");
    if (st == MR_OK && r != NULL)
        st = read_progress(run, r, name);
    /* Once, before the book is read: what is copied later is this run's. */
    if (st == MR_OK && ours && !make_it)
        st = check_tables(db, schema);
    PQclear(r);
    PQfreemem(schema);
    return st;
}

/* Tables of this session beside the real ones; the last row of an account wins. */
static enum mr_status make_beside(struct db *db)
{
    enum mr_status st = MR_OK;
    for (enum export_table_id i = EXPORT_ASSOCIATIONS; i < EXPORT_BALANCES && st == MR_OK; i++) {
        char sql[256];
        const char *const name = export_tables[i].name;
        const int n = snprintf(sql, sizeof sql,
                               "CREATE TEMPORARY TABLE new_%s (LIKE %s%s) ON COMMIT DELETE ROWS",
                               name, name, changes(i) ? ", place bigserial" : "");
        mr_assert((size_t)n < sizeof sql);
        st = db_do(db, NULL, sql);
    }
    return st;
}

enum mr_status export_schema_open(struct db *db, struct export_run *run, bool make_it)
{
    const char *const given = opt_text(run->c, "schema");
    const enum mr_status st = enter(db, run, given == NULL ? "mereau" : given, make_it);
    return st == MR_OK && make_it ? make_beside(db) : st;
}

/* --- a batch ------------------------------------------------------------------------------------
 */

enum mr_status export_schema_copy(struct db *db, enum export_table_id table, FILE *from,
                                  uint64_t len)
{
    const struct export_table *const t = &export_tables[table];
    char sql[SQL_MAX];
    FILE *const f = fmemopen(sql, sizeof sql, "w");
    if (f == NULL)
        return out_fail(db->out, MR_NO_MEMORY, NULL);
    fprintf(f, "COPY pg_temp.new_%s (", t->name);
    put_columns(f, t, "");
    fputs(") FROM STDIN", f);
    const bool fits = fflush(f) == 0;
    fclose(f);
    mr_assert(fits);
    return db_copy(db, sql, from, len);
}

/* The last row of each wins; one that is there already and is the same stays untouched. */
static void put_changed(FILE *f, const struct export_table *t)
{
    const char *const key = t->columns[0].name;
    fprintf(f, "INSERT INTO %s AS old (", t->name);
    put_columns(f, t, "");
    fprintf(f, ") SELECT DISTINCT ON (%s) ", key);
    put_columns(f, t, "");
    fprintf(f, " FROM pg_temp.new_%s ORDER BY %s, place DESC ON CONFLICT (%s) DO UPDATE SET (",
            t->name, key, key);
    put_columns(f, t, "");
    fputs(") = ROW(", f);
    put_columns(f, t, "excluded.");
    fputs(") WHERE (", f);
    put_columns(f, t, "old.");
    fputs(") IS DISTINCT FROM (", f);
    put_columns(f, t, "excluded.");
    fputs(")", f);
}

static void put_new(FILE *f, const struct export_table *t)
{
    fprintf(f, "INSERT INTO %s (", t->name);
    put_columns(f, t, "");
    fputs(") SELECT ", f);
    put_columns(f, t, "");
    fprintf(f, " FROM pg_temp.new_%s", t->name);
}

/* Of few rows, which change, all anew; of the others those that came. */
enum mr_status export_schema_merge(struct db *db, enum export_table_id table)
{
    const struct export_table *const t = &export_tables[table];
    const bool all = changes(table);
    char sql[2 * SQL_MAX];
    FILE *const f = fmemopen(sql, sizeof sql, "w");
    if (f == NULL)
        return out_fail(db->out, MR_NO_MEMORY, NULL);
    if (all)
        put_changed(f, t);
    else
        put_new(f, t);
    fprintf(f, "; UPDATE contents SET row_count = %sn, row_sum = %ss FROM (",
            all ? "" : "row_count + ", all ? "" : "row_sum + ");
    put_contents(f, t, all ? "" : "pg_temp.new_");
    fprintf(f, ") AS x WHERE name = '%s'", t->name);
    const bool fits = fflush(f) == 0;
    fclose(f);
    mr_assert(fits);
    return db_do(db, NULL, sql);
}

enum mr_status export_schema_advance(struct db *db, uint64_t from,
                                     const uint8_t from_hash[EXPORT_HASH_BYTES], uint64_t to,
                                     const uint8_t to_hash[EXPORT_HASH_BYTES])
{
    char sql[SQL_MAX], old[2 * EXPORT_HASH_BYTES + 1], new[2 * EXPORT_HASH_BYTES + 1];
    PGresult *r = NULL;
    mr_hex_format(old, from_hash, EXPORT_HASH_BYTES);
    mr_hex_format(new, to_hash, EXPORT_HASH_BYTES);
    snprintf(sql, sizeof sql,
             "UPDATE progress SET settled = %llu, hash = '\\x%s', updated_at = now()"
             " WHERE settled = %llu AND hash = '\\x%s'",
             (unsigned long long)to, new, (unsigned long long)from, old);
    enum mr_status st = db_do(db, &r, sql);
    if (st == MR_OK && strcmp(PQcmdTuples(r), "1") != 0)
        st = out_fail(db->out, MR_IN_USE,
                      _("another export writes into this schema: wait for its end, then repeat the "
                        "command"));
    PQclear(r);
    return st;
}
