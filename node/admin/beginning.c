#include "admin/beginning.h"

#include <stdlib.h>
#include <string.h>

#include "common/heap.h"
#include "mereau/codec.h"
#include "mereau/engine.h"
#include "storage/snapshot.h"
#include "storage/store_lmdb.h"

enum mr_status beginning_turn(void *ctx, const struct mr_frame *log, const uint8_t *payload,
                              const struct mr_frame *bodies, const uint8_t *bodies_payload)
{
    struct beginning *const f = ctx;
    (void)bodies;
    (void)bodies_payload;
    for (size_t at = 0, used; !f->seen && at < log->len; at += used) {
        if (mr_entry_decode_first(f->entry, &used, payload + at, log->len - at) != MR_OK)
            return MR_DAMAGED;
        if (f->entry->kind != MR_ENTRY_LEAF)
            continue;
        f->seen = true;
        f->later = f->entry->u.leaf.kind == MR_LEAF_START && f->entry->u.leaf.u.start.epoch > 1;
    }
    return f->seen && f->stops ? MR_ALREADY_DONE : MR_OK;
}

enum mr_status beginning_find(bool *ret_later, const char *journal, const uint8_t ledger[32])
{
    struct beginning first = {.entry = malloc(sizeof *first.entry), .stops = true};
    struct mr_journal_report report = {.turns = 0};
    const struct journal_scan_options options = {
        .mode = JOURNAL_LIVE, .ledger = ledger, .turn = beginning_turn, .ctx = &first};
    *ret_later = false;
    if (first.entry == NULL)
        return MR_NO_MEMORY;
    const enum mr_status st = journal_scan(&report, journal, &options);
    *ret_later = first.later;
    free(first.entry);
    return st == MR_ALREADY_DONE || st == MR_DAMAGED || st == MR_NO_SUCH_FILE ? MR_OK : st;
}

enum mr_status beginning_copy(uint64_t *ret_turn, const char *from, const char *to,
                              const char *store, const struct mr_charter *genesis)
{
    char path[FILES_PATH_MAX];
    uint8_t root[32];
    struct mr_store *s = NULL;
    struct mr_checkpoint sum;
    const struct mr_store_lmdb_options options = {.read_only = true};
    enum mr_status st = snapshot_newest(path, ret_turn, root, from);
    if (st == MR_OK)
        st = mr_store_lmdb_open(&s, path, &options);
    if (st == MR_OK)
        st = mr_state_sum(&sum, s, genesis, &heap);
    if (st == MR_OK && memcmp(sum.state_root, root, sizeof root) != 0)
        st = MR_DAMAGED;
    if (st == MR_OK && to != NULL)
        st = files_make_dir(to);
    if (st == MR_OK && to != NULL)
        st = snapshot_write(s, to, *ret_turn, root);
    st = st == MR_FILE_EXISTS ? MR_OK : st;
    if (st == MR_OK && store != NULL)
        st = mr_store_lmdb_copy(s, store);
    if (s != NULL)
        s->api->close(s);
    return st;
}
