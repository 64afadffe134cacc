/* The register of members and join requests: one file, one thread in the background. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/job.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/order.h"

enum { REGISTER_PAGE = 16 };

static void register_done(struct node *n, struct task *t)
{
    struct job *j = (struct job *)t;
    n->requests_waiting = j->position;
    if (j->kind == MR_REQ_REGISTER_LIST && j->status == MR_OK) {
        if (mr_reply_decode(&n->reply, j->result, j->result_len) != MR_OK)
            mr_bug("own reply");
        job_finish_reply(j, MR_OK);
        return;
    }
    if (j->status == MR_IO_ERROR || j->status == MR_DAMAGED)
        log_event(LOG_LEVEL_ERROR, "register",
                  log_with(log_text("status", mr_status_name(j->status))));
    job_finish_status(j, j->status == MR_IO_ERROR ? MR_BUSY : j->status);
}

/* One page of the register, encoded in the background. */
static void list_page(struct job *j, const struct mr_req_register_list *q)
{
    struct mr_reply *r = calloc(1, sizeof *r);
    struct mr_rep_register *b = &r->body.u.register_list;
    size_t count = 0;
    if (r == NULL || (j->result = malloc(MR_FRAME_MAX)) == NULL) {
        free(r);
        j->status = MR_NO_MEMORY;
        return;
    }
    r->body.kind = MR_REQ_REGISTER_LIST;
    j->status = register_list(j->node->members, b->items, &count, q->kind, q->after, REGISTER_PAGE);
    b->items_count = (uint32_t)count;
    b->more = count == REGISTER_PAGE;
    if (j->status == MR_OK)
        j->result_len = mr_reply_encode(r, j->result, MR_FRAME_MAX);
    free(r);
}

static void register_run(struct task *t)
{
    struct job *j = (struct job *)t;
    struct node *n = j->node;
    struct mr_request *r = calloc(1, sizeof *r);
    static struct mr_register_item item; /* only the background thread */
    if (r == NULL) {
        j->status = MR_NO_MEMORY;
        return;
    }
    if (mr_request_decode(r, j->plain, j->len) != MR_OK)
        mr_bug("request that was decoded before");
    if (j->kind == MR_REQ_REGISTER_LIST) {
        list_page(j, &r->body.u.register_list);
    } else if (j->kind == MR_REQ_REGISTER_PUT) {
        item = r->body.u.register_put;
        item.time_ms = now_ms();
        j->status = register_put(n->members, &item);
    } else if (j->kind == MR_REQ_REGISTER_DELETE) {
        j->status = register_remove(n->members, r->body.u.register_delete.kind,
                                    r->body.u.register_delete.account);
    } else if (j->kind == MR_REQ_JOIN_STATUS) {
        j->status =
            register_get(n->members, &item, MR_REGISTER_REQUEST, r->body.u.join_status.account);
        j->status = j->status == MR_OK ? MR_NOT_ADMITTED : j->status;
    } else if (register_get(n->members, &item, MR_REGISTER_REQUEST,
                            r->body.u.join.join.open.account) == MR_OK) {
        j->status = MR_ALREADY_DONE;
    } else {
        const struct mr_join *q = &r->body.u.join.join;
        item = (struct mr_register_item){.kind = MR_REGISTER_REQUEST,
                                         .time_ms = now_ms(),
                                         .open_count = 1,
                                         .box_len = q->identity_len};
        memcpy(item.account, q->open.account, 16);
        item.open[0] = q->open;
        memcpy(item.box, q->identity, q->identity_len);
        j->status = register_put(n->members, &item);
    }
    j->position = register_count(n->members, MR_REGISTER_REQUEST);
    free(r);
}

void register_give(struct job *j)
{
    j->task.run = register_run;
    j->task.done = register_done;
    workers_give(j->node->background, &j->task);
}

static void join_run(struct task *t)
{
    struct job *j = (struct job *)t;
    static _Thread_local struct mr_request r;
    static _Thread_local uint8_t bytes[4096];
    j->status = MR_BAD_SIGNATURE;
    if (mr_request_decode(&r, j->plain, j->len) != MR_OK ||
        mr_join_size(&r.body.u.join.join) > sizeof bytes)
        return;
    const struct mr_join *q = &r.body.u.join.join;
    const size_t n = mr_join_encode(q, bytes, sizeof bytes);
    if (mr_keyset_check(&q->open.keys, q->open.class) != MR_OK)
        j->status = MR_BAD_KEY;
    else if (mr_verify(r.body.u.join.sig, MR_PURPOSE_JOIN, j->node->ledger, 0, bytes, n,
                       &q->open.keys.keys[0]))
        j->status = MR_OK;
}

static void join_done(struct node *n, struct task *t)
{
    struct job *j = (struct job *)t;
    (void)n;
    if (j->status == MR_OK)
        register_give(j);
    else
        job_finish_status(j, j->status);
}

void join_begin(struct job *j)
{
    struct node *n = j->node;
    const struct mr_join *q = &n->request.body.u.join.join;
    struct mr_keyset keys;
    uint32_t generation;
    enum mr_status st = MR_OK;
    bool known = false;
    for (uint32_t i = 0; i < n->present.associations_count; i++)
        known = known || memcmp(n->present.associations[i].id, q->association, 16) == 0;
    if (memcmp(q->ledger, n->ledger, 32) != 0)
        st = MR_WRONG_LEDGER;
    else if (!known || !mr_is_member_class(q->open.class))
        st = MR_NOT_FOUND;
    else if (!mr_in_space(q->open.account, q->association))
        st = MR_NOT_YOURS;
    else if (mr_engine_keys(n->engine, &keys, &generation, q->open.account) == MR_OK)
        st = MR_ALREADY_DONE;
    else if (n->requests_waiting >= (uint64_t)n->settings.requests_max)
        st = MR_TOO_MANY;
    if (st != MR_OK) {
        job_finish_status(j, st);
        return;
    }
    j->task.run = join_run;
    j->task.done = join_done;
    workers_give(n->verifiers, &j->task);
}
