/** Tables of an export, the same in CSV, JSON lines and PostgreSQL: columns, their documentation,
 * and the rows that a run makes for them (spec/70-audit.md AUD-41). */
#ifndef MEREAU_AUDIT_EXPORT_TABLES_H
#define MEREAU_AUDIT_EXPORT_TABLES_H

#include "audit/export.h"

enum export_table_id {
    EXPORT_UNITS,
    EXPORT_KINDS,
    EXPORT_ASSOCIATIONS,
    EXPORT_ACCOUNTS,
    EXPORT_ORDERS,
    EXPORT_POSTINGS,
    EXPORT_MOVEMENTS,
    EXPORT_BALANCES, /* of files; a database adds postings up itself */
    EXPORT_TABLES
};

enum { EXPORT_COLUMNS_MAX = 12 };

enum export_type {
    EXPORT_NUMBER, /* whole; minor units where the name ends in _minor */
    EXPORT_TEXT,
    EXPORT_ID,   /* 16 bytes */
    EXPORT_HASH, /* 32 bytes */
    EXPORT_TIME, /* unix milliseconds */
    EXPORT_BOOL,
};

struct export_column {
    const char *name;
    enum export_type type;
    bool may_lack; /* NULL in some rows */
    const char *doc;
};

struct export_table {
    const char *name, *doc;
    const char *keys; /* SQL: primary and foreign keys */
    const struct export_column *columns;
    unsigned count;
};

extern const struct export_table export_tables[EXPORT_TABLES];

/** EXPORT_TABLES: there is none of this name. */
enum export_table_id export_table_named(const char *name);

/** A value of its column's type. */
struct export_cell {
    bool lacks;
    int64_t number;    /* NUMBER, TIME, BOOL */
    const void *bytes; /* TEXT, ID, HASH */
    size_t len;
};

/** Where rows go. */
struct export_sink {
    void *ctx;
    bool wants[EXPORT_TABLES];
    /** As many cells as the table has columns, lent. MR_OK, or reported. */
    enum mr_status (*row)(void *ctx, enum export_table_id table, const struct export_cell *cells);
};

/** Rows of these tables. MR_OK, what the sink says, or reported. */
enum mr_status export_rows_fixed(struct export_run *run, const struct export_sink *sink);
enum mr_status export_rows_association(struct export_run *run, const struct export_sink *sink,
                                       uint32_t place);
enum mr_status export_rows_account(struct export_run *run, const struct export_sink *sink,
                                   const struct export_account *x);
/** Order, postings and movements. */
enum mr_status export_rows_order(struct export_run *run, const struct export_sink *sink,
                                 const struct export_slot *slot);
/** An account's balances in all units that it has or had something in. */
enum mr_status export_rows_balances(struct export_run *run, const struct export_sink *sink,
                                    const struct export_account *x);

#endif
