/** The state store: ordered tables of small values. LMDB in the node, memory in tests and the
 *  simulator; both pass one test set (tests/unit/test_store.c).
 *
 *  The store is only an index of what the journal adds up to. Every value carries a checksum over
 *  table, key and value, checked on each read. One thread (the loop) calls get, walk and refresh;
 *  another (the flusher) may call commit meanwhile. */
#ifndef MEREAU_STORE_H
#define MEREAU_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mereau/limits.h"
#include "mereau/mem.h"
#include "mereau/status.h"

enum mr_table {
    MR_TABLE_META,          /**< "m": state_meta; "h": last signed head; "g", epoch: last
                                 head of an ended log; "r", epoch: handover */
    MR_TABLE_ACCOUNT_NO,    /**< account id: record number (8 bytes, big-endian) */
    MR_TABLE_ACCOUNT,       /**< number: state_account */
    MR_TABLE_HOT,           /**< number: state_hot */
    MR_TABLE_SLOT,          /**< number, seq: state_slot */
    MR_TABLE_CREDIT,        /**< number, credit number: state_credit */
    MR_TABLE_OPEN,          /**< account id, seq: state_open */
    MR_TABLE_BANK,          /**< association, reference: state_slot_ref */
    MR_TABLE_REDEMPTION,    /**< redemption number: state_redemption */
    MR_TABLE_REDEMPTION_NO, /**< account id, seq: redemption number */
    MR_TABLE_LISTING,       /**< listing number: state_alias */
    MR_TABLE_ALIAS,         /**< association, alias: listing number */
    MR_TABLE_LISTING_OF,    /**< account id: listing number */
    MR_TABLE_POLICY,        /**< version: policy */
    MR_TABLE_CHECKPOINT,    /**< number: checkpoint */
    MR_TABLE_TILE,          /**< node and epoch, level and index: hashes of a log's tree (LOG-3) */
    MR_TABLE_PEER,          /**< node and epoch: state_peer */
    MR_TABLE_LEAF,          /**< epoch, leaf index / 256: log position of the frame that has it */
    MR_TABLE_EVIDENCE,      /**< number: evidence */
    MR_TABLE_SHOWN,         /**< account id, seq: log position of the frame in which the ACK leaves
                                 stand that others showed of it */
    MR_TABLE_ANEW,          /**< number, seq: state_slot, as acknowledged anew (SLOT-17) */
    MR_TABLES,
};

enum { MR_STORE_KEY_MAX = MR_ROW_KEY_MAX, MR_STORE_VALUE_MAX = MR_ROW_VALUE_MAX };

/** One change of a commit. value NULL deletes. Puts of one commit are sorted by (table, key), each
 *  key once; keys and values are borrowed until commit returns. */
struct mr_put {
    enum mr_table table;
    const uint8_t *key, *value;
    uint32_t key_len, value_len;
};

/** Sort puts as commit wants them. */
void mr_puts_sort(struct mr_put *puts, size_t count);

struct mr_store;

/** Called for each entry of a walk; false stops it. */
typedef bool (*mr_store_each)(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                              size_t value_len);

struct mr_store_api {
    /** Copy a value. MR_OK; MR_NOT_FOUND; MR_DAMAGED (checksum, or longer than cap); MR_IO_ERROR.
     *  Sees the last commit before the last refresh (or before opening); a later one when a commit
     *  had to enlarge the map (storage/store_lmdb.h). */
    enum mr_status (*get)(struct mr_store *s, enum mr_table table, const uint8_t *key,
                          size_t key_len, uint8_t *ret, size_t cap, size_t *ret_len);
    /** Entries of a table in ascending order of keys, from the first key >= from (NULL: start).
     *  MR_OK also when stopped; MR_DAMAGED, MR_IO_ERROR. */
    enum mr_status (*walk)(struct mr_store *s, enum mr_table table, const uint8_t *from,
                           size_t from_len, mr_store_each each, void *ctx);
    /** One durable transaction: all or nothing. MR_OK; MR_DISK_FULL (nothing changed, may be
     *  repeated); MR_IO_ERROR (the process must not go on). Grows the map by itself. */
    enum mr_status (*commit)(struct mr_store *s, const struct mr_put *puts, size_t count);
    /** Let get and walk see what was committed. */
    enum mr_status (*refresh)(struct mr_store *s);
    void (*close)(struct mr_store *s);
};

/** Implementations begin with this. */
struct mr_store {
    const struct mr_store_api *api;
};

/** In memory, with crash semantics: what was not committed is lost. `faults` is optional. */
struct mr_store_faults {
    bool (*fails)(void *ctx, const char *call); /**< true: this call fails with MR_IO_ERROR */
    void *ctx;
};
enum mr_status mr_store_mem_open(struct mr_store **ret, const struct mr_mem *mem,
                                 const struct mr_store_faults *faults);

#endif
