#include "common/epochs.h"

#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "mereau/assert.h"
#include "mereau/codec.h"

const char epochs_file[] = "epochs.mrh";

void epochs_done(struct epochs *e)
{
    free(e->bytes);
    free(e->at);
    free(e->roster);
    *e = (struct epochs){.count = 0};
}

struct mr_chain epochs_chain(const struct epochs *e)
{
    return (struct mr_chain){.bytes = e->bytes, .len = e->len, .count = e->count};
}

/* Where one more handover leads. */
struct step {
    struct mr_roster roster;
    struct mr_charter present;
};

/* MR_OK: *ret is the caller's to free. */
static enum mr_status take_step(struct step **ret, const struct epochs *e,
                                const struct mr_charter *genesis, const struct mr_charter *present,
                                const struct mr_handover *h)
{
    if (mr_handover_size(h) > MR_CHAIN_BYTES_MAX - e->len)
        return MR_FULL;
    struct step *const s = malloc(sizeof *s);
    if (s == NULL)
        return MR_NO_MEMORY;
    if (e->roster != NULL)
        s->roster = *e->roster;
    else
        mr_roster_genesis(&s->roster, genesis);
    s->present = *present;
    enum mr_status st = mr_roster_step(&s->roster, genesis, h);
    const struct mr_next_epoch *const next = st == MR_OK ? mr_handover_seats(h) : NULL;
    if (next != NULL)
        st = mr_charter_next(&s->present, next);
    if (st == MR_OK)
        *ret = s;
    else
        free(s);
    return st;
}

enum mr_status epochs_check(const struct epochs *e, const struct mr_charter *genesis,
                            const struct mr_charter *present, const struct mr_handover *h)
{
    struct step *s = NULL;
    const enum mr_status st = take_step(&s, e, genesis, present, h);
    free(s);
    return st;
}

static enum mr_status make_room(struct epochs *e, size_t more)
{
    const size_t least = e->len + more, cap = least > 2 * e->cap ? least : 2 * e->cap;
    uint8_t *const bytes = least > e->cap ? realloc(e->bytes, cap) : e->bytes;
    if (bytes == NULL)
        return MR_NO_MEMORY;
    e->cap = least > e->cap ? cap : e->cap;
    e->bytes = bytes;
    size_t *const at = reallocarray(e->at, e->count + 1, sizeof *at);
    if (at == NULL)
        return MR_NO_MEMORY;
    e->at = at;
    /* Last: nothing fails behind it, and a roster that says nothing would be believed. */
    if (e->roster == NULL)
        e->roster = malloc(sizeof *e->roster);
    return e->roster != NULL ? MR_OK : MR_NO_MEMORY;
}

enum mr_status epochs_add(struct epochs *e, const struct mr_charter *genesis,
                          struct mr_charter *present, const struct mr_handover *h)
{
    struct step *s = NULL;
    enum mr_status st = take_step(&s, e, genesis, present, h);
    if (st == MR_OK)
        st = make_room(e, mr_handover_size(h));
    if (st == MR_OK) {
        *e->roster = s->roster;
        *present = s->present;
        e->at[e->count++] = e->len;
        e->len += mr_handover_encode(h, e->bytes + e->len, e->cap - e->len);
        for (uint32_t i = 0; i < s->roster.count; i++)
            if (s->roster.seats[i].node.number > e->highest)
                e->highest = s->roster.seats[i].node.number;
    }
    free(s);
    return st;
}

void epochs_get(const struct epochs *e, struct mr_handover *ret, uint32_t epoch)
{
    mr_assert(epoch >= 2);
    mr_assert(epoch - 2 < e->count);
    const size_t at = e->at[epoch - 2];
    size_t used;
    const enum mr_status st = mr_handover_decode_first(ret, &used, e->bytes + at, e->len - at);
    mr_assert(st == MR_OK); /* encoded here */
}

const struct mr_handover *epochs_carried(const struct epochs *e, const struct mr_rep_head *r)
{
    const uint32_t wanted = e->count + 2;
    if (r->head.epoch < wanted || r->head.epoch - wanted >= r->handover_count)
        return NULL;
    return &r->handover[r->handover_count - 1 - (r->head.epoch - wanted)];
}

enum mr_status epochs_ask(const struct epochs *e, const struct mr_handover **ret, struct link *link,
                          struct mr_reply *reply, struct mr_request_body *ask)
{
    *ask = (struct mr_request_body){.kind = MR_REQ_HANDOVER,
                                    .u.handover = {.from = e->count + 2, .count = 1}};
    const enum mr_status st = link_call(link, reply, ask);
    *ret = &reply->body.u.handover.handover[0];
    return st == MR_OK && reply->body.u.handover.handover_count == 0 ? MR_NOT_FOUND : st;
}

static enum mr_status take(struct epochs *ret, const struct mr_charter *genesis,
                           struct mr_charter *present, const uint8_t *bytes, size_t len)
{
    struct mr_handover *const h = malloc(sizeof *h);
    enum mr_status st = h != NULL ? MR_OK : MR_NO_MEMORY;
    for (size_t at = 0, used; st == MR_OK && at < len; at += used) {
        st = mr_handover_decode_first(h, &used, bytes + at, len - at);
        st = st == MR_OK ? epochs_add(ret, genesis, present, h) : MR_DAMAGED;
    }
    free(h);
    return st;
}

enum mr_status epochs_read(struct epochs *ret, const struct mr_charter *genesis,
                           struct mr_charter *present, const char *dir)
{
    char path[FILE_PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    *ret = (struct epochs){.count = 0};
    enum mr_status st = path_join(path, dir, epochs_file);
    if (st == MR_OK)
        st = file_read(&bytes, &len, path, MR_CHAIN_BYTES_MAX);
    if (st == MR_NO_SUCH_FILE)
        return MR_OK;
    if (st == MR_OK)
        st = take(ret, genesis, present, bytes, len);
    free(bytes);
    return st;
}

/* A record of an epoch in `bytes`, which have room for the handovers behind it. */
static size_t add_chain(const struct epochs *e, uint8_t *bytes, size_t len, uint32_t behind)
{
    const struct mr_chain chain = epochs_chain(e);
    const size_t more = mr_chain_prefix(&chain, behind);
    if (more > 0)
        memcpy(bytes + len, chain.bytes, more);
    return len + more;
}

enum mr_status epochs_write_receipt(const struct epochs *e, const struct mr_receipt *r,
                                    const char *path, bool replace)
{
    const size_t n = mr_receipt_size(r);
    uint8_t *const bytes = malloc(n + e->len);
    if (bytes == NULL)
        return MR_NO_MEMORY;
    mr_receipt_encode(r, bytes, n);
    const size_t len = add_chain(e, bytes, n, r->proofs[0].head.epoch - 1 - r->handover_count);
    const enum mr_status st = file_write(path, bytes, len, 0644, replace);
    free(bytes);
    return st;
}

uint8_t *epochs_evidence(const struct epochs *e, const struct mr_evidence *x, uint32_t epoch,
                         size_t *ret_len)
{
    const size_t n = mr_evidence_size(x);
    uint8_t *const bytes = malloc(n + e->len);
    if (bytes == NULL)
        return NULL;
    mr_evidence_encode(x, bytes, n);
    *ret_len = add_chain(e, bytes, n, epoch - 1 - x->handover_count);
    return bytes;
}

enum mr_status epochs_write_evidence(const struct epochs *e, const struct mr_evidence *x,
                                     uint32_t epoch, const char *path, bool replace)
{
    size_t len;
    uint8_t *const bytes = epochs_evidence(e, x, epoch, &len);
    const enum mr_status st =
        bytes != NULL ? file_write(path, bytes, len, 0644, replace) : MR_NO_MEMORY;
    free(bytes);
    return st;
}

enum mr_status epochs_write(const struct epochs *e, const char *dir)
{
    char path[FILE_PATH_MAX];
    const enum mr_status st = path_join(path, dir, epochs_file);
    return st == MR_OK ? file_write(path, e->bytes, e->len, 0600, true) : st;
}
