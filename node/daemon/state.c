/* STATE: rows of the state that was summed up at the end of an epoch, for a node that joins
 * (TRA-27). From a snapshot on disk, on the background's thread. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/job.h"
#include "mereau/codec.h"
#include "mereau/state.h"
#include "storage/snapshot.h"
#include "storage/store_lmdb.h"

struct page {
    struct job *job;
    const struct mr_req_state *ask;
    uint32_t rows;
};

static bool add_row(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
                    size_t value_len)
{
    struct page *const p = ctx;
    struct job *const j = p->job;
    static _Thread_local struct mr_state_row row;
    if (key_len == p->ask->after_len && memcmp(key, p->ask->after, key_len) == 0)
        return true;
    row.key_len = (uint32_t)key_len;
    row.value_len = (uint32_t)value_len;
    memcpy(row.key, key, key_len);
    memcpy(row.value, value, value_len);
    const size_t size = mr_state_row_size(&row);
    if (p->rows == MR_PAGE_MAX || j->result_len + size > MR_STREAM_CHUNK_MAX)
        return false;
    j->result_len +=
        mr_state_row_encode(&row, j->result + j->result_len, MR_STREAM_CHUNK_MAX - j->result_len);
    p->rows++;
    return true;
}

/* The snapshot stays open for the next page. */
static enum mr_status open_snapshot(struct node *n, const uint8_t root[32])
{
    struct mr_store_lmdb_options options = {.read_only = true};
    char dir[FILES_PATH_MAX], path[FILES_PATH_MAX];
    if (n->state != NULL && memcmp(n->state_root, root, 32) == 0)
        return MR_OK;
    state_close(n);
    enum mr_status st = files_path(dir, n->dir, "snapshots");
    if (st == MR_OK)
        st = snapshot_find(path, dir, root);
    if (st == MR_OK)
        st = mr_store_lmdb_open(&n->state, path, &options);
    if (st == MR_OK)
        memcpy(n->state_root, root, 32);
    return st;
}

void state_close(struct node *n)
{
    if (n->state != NULL)
        n->state->api->close(n->state);
    n->state = NULL;
}

static void state_run(struct task *t)
{
    struct job *const j = (struct job *)t;
    struct node *const n = j->node;
    static _Thread_local struct mr_request r;
    j->status = mr_request_decode(&r, j->plain, j->len);
    const struct mr_req_state *const q = &r.body.u.state;
    struct page p = {.job = j, .ask = q};
    if (j->status == MR_OK && !mr_state_is_shared((enum mr_table)q->table))
        j->status = MR_OUT_OF_RANGE;
    if (j->status == MR_OK)
        j->status = open_snapshot(n, q->root);
    if (j->status == MR_OK && (j->result = malloc(MR_STREAM_CHUNK_MAX)) == NULL)
        j->status = MR_NO_MEMORY;
    if (j->status == MR_OK)
        j->status =
            n->state->api->walk(n->state, (enum mr_table)q->table,
                                q->after_len > 0 ? q->after : NULL, q->after_len, add_row, &p);
}

static void state_done(struct node *n, struct task *t)
{
    struct job *const j = (struct job *)t;
    struct mr_rep_state *const r = &n->reply.body.u.state;
    if (j->status != MR_OK) {
        job_finish_status(j, j->status);
        return;
    }
    n->reply.body.kind = MR_REQ_STATE;
    r->rows_count = 0;
    for (size_t at = 0, used; at < j->result_len; at += used)
        if (mr_state_row_decode_first(&r->rows[r->rows_count++], &used, j->result + at,
                                      j->result_len - at) != MR_OK) {
            job_finish_status(j, MR_DAMAGED);
            return;
        }
    job_finish_reply(j, MR_OK);
}

static bool is_seated(struct node *n, uint32_t number)
{
    const struct mr_committee *const c = mr_engine_committee(n->engine);
    for (uint32_t i = 0; i < c->count; i++)
        if (c->seats[i].number == number)
            return true;
    return false;
}

void state_give(struct job *j)
{
    if (!j->who.local && !is_seated(j->node, j->who.peer)) {
        job_finish_status(j, MR_NOT_AUTHORISED);
        return;
    }
    j->task.run = state_run;
    j->task.done = state_done;
    workers_give(j->node->background, &j->task);
}
