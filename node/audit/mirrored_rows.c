#include "audit/mirrored_rows.h"

#include <string.h>
#include <unistd.h>

#include "audit/rows.h"
#include "common/file.h"

static enum mr_status directory_of(const struct mirrored *b, char ret[FILE_PATH_MAX])
{
    return path_join(ret, b->dir, "rows");
}

/* Without its head there are no rows; the columns are written over. */
static void forget(const struct mirrored *b)
{
    char dir[FILE_PATH_MAX], head[FILE_PATH_MAX];
    if (directory_of(b, dir) == MR_OK && path_join(head, dir, "head") == MR_OK)
        unlink(head);
}

static void put_away(struct mirrored *b)
{
    if (b->audit != NULL)
        mr_audit_effects(b->audit, NULL, NULL);
    rows_destroy(b->rows);
    b->rows = NULL;
}

void mirrored_rows_drop(struct mirrored *b)
{
    put_away(b);
    forget(b);
}

static enum mr_status create(struct mirrored *b)
{
    char dir[FILE_PATH_MAX];
    enum mr_status st = directory_of(b, dir);
    put_away(b);
    if (st == MR_OK)
        st = rows_create(&b->rows, dir, b->charter->charter, b->charter->ledger);
    return st;
}

static enum mr_status failed(const struct mirrored *b, enum mr_status st)
{
    if (b->rows == NULL || rows_text(b->rows)[0] == '\0')
        return out_fail(b->out, st, NULL);
    return out_fail(b->out, st == MR_DISK_FULL ? MR_IO_ERROR : st, "%s", rows_text(b->rows));
}

enum mr_status mirrored_rows_open(struct mirrored *b)
{
    enum mr_status st = create(b);
    if (st == MR_DAMAGED || st == MR_WRONG_LEDGER) {
        forget(b);
        st = create(b);
    }
    return st == MR_OK ? st : failed(b, st);
}

enum mr_status mirrored_rows_anew(struct mirrored *b)
{
    forget(b);
    const enum mr_status st = create(b);
    if (st != MR_OK)
        return failed(b, st);
    rows_follow(b->rows, b->audit);
    return MR_OK;
}

uint64_t mirrored_rows_turn(const struct mirrored *b)
{
    return b->rows != NULL ? rows_at(b->rows)->turn : 0;
}

bool mirrored_rows_join(struct mirrored *b)
{
    const struct mr_stats_point *const at = rows_at(b->rows);
    uint8_t root[MR_HASH_BYTES];
    if (!mr_audit_log_root(b->audit, at->epoch, at->node, at->log_size, root) ||
        memcmp(root, at->log_root, sizeof root) != 0)
        return false;
    rows_follow(b->rows, b->audit);
    return true;
}

bool mirrored_rows_wanted(const struct mirrored *b)
{
    return b->report.wrong.all == 0 && mr_audit_begins(b->audit) == 0;
}

enum mr_status mirrored_rows_commit(struct mirrored *b)
{
    static struct mr_audit_totals totals;
    struct mr_stats_point point;
    if (!mirrored_rows_wanted(b)) {
        mirrored_rows_drop(b);
        return MR_OK;
    }
    enum mr_status st = mr_audit_so_far(b->audit, &totals);
    if (st != MR_OK)
        return out_fail(b->out, st, NULL);
    rows_point(&point, b->audit, &totals);
    st = rows_commit(b->rows, mr_audit_charter(b->audit), &point);
    return st == MR_OK ? st : failed(b, st);
}
