/** An honest book taken apart, one row changed, and everything that derives from the row made
 *  consistent again: ids, links, signatures, certificates, postings, positions, trees, heads, state
 *  roots, frames. So the only thing wrong is the lie. */
#ifndef MEREAU_TESTS_AUDIT_TAMPER_H
#define MEREAU_TESTS_AUDIT_TAMPER_H

#include "audit/story.h"

struct row;
typedef void (*row_change)(struct row *r);

struct row {
    bool is_body;
    union {
        struct mr_entry e;
        struct mr_body b;
    } u;
    row_change before; /* on a row that is derived, before it is signed; NULL: none */
    row_change after;  /* after it was signed */
    bool dropped;
    uint32_t copies; /* written once more so often */
    uint8_t old[32]; /* order: id in the honest book */
    uint64_t old_at, at;
    uint32_t len;
    uint64_t index; /* leaf: index in the new log */
};

enum { TAMPER_ROWS_MAX = 64 };

struct tamper_turn {
    struct row *entries[TAMPER_ROWS_MAX], *bodies[TAMPER_ROWS_MAX];
    uint32_t entries_count, bodies_count;
    uint64_t old_size, size; /* of the tree behind it */
    struct mr_audit_totals state;
    bool erased;      /* its bodies were, long ago */
    row_change frame; /* with a NULL row: changes the current frames through tamper_frame */
};

struct tamper {
    struct world *w;
    struct tamper_turn *turns;
    uint32_t count;
    uint8_t (*renamed)[2][32]; /* old and new order id */
    uint32_t renamed_count;
    uint8_t (*leaves)[32];
    uint64_t leaves_count;
};

/** Rows of the settlement of one order. */
struct settled_rows {
    struct tamper_turn *turn;
    struct row *order, *vote, *ack, *settled;
};

void tamper_load(struct tamper *t, struct world *w, const struct book *b);
void tamper_done(struct tamper *t);

/** The nth order (from 0) of a kind on chains of a member or derived account; fails the test when
 *  there is none. account NULL: any. */
struct settled_rows tamper_find(struct tamper *t, enum mr_order_kind kind, const uint8_t *account,
                                uint32_t nth);

/** The nth entry of a kind. */
struct row *tamper_entry(struct tamper *t, enum mr_entry_kind kind, uint32_t nth,
                         struct tamper_turn **ret_turn);

/** A new entry behind (or before) another one of the turn. */
struct row *tamper_insert(struct tamper_turn *turn, const struct row *where, uint32_t offset);

/** The book again, with the lie in it. */
void tamper_write(struct tamper *t, struct book *ret);

/** In a `frame` change: the frame's bytes (header and payload), which may be changed in place. */
extern uint8_t *tamper_log_frame, *tamper_bodies_frame;
/** Check of the log frame before. */
extern uint8_t tamper_check_before[32];
extern size_t tamper_log_len, tamper_bodies_len;

#endif
