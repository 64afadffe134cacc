#include "audit/cosigned.h"

#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/witnesses.h"
#include "mereau/log.h"

/* LATE_MS: witnesses come by every second, or by a timer every few minutes. */
enum { LATE_MS = 600000, AGAIN_MS = 250, MISSING_MAX = MR_WITNESSES_MAX * (MR_NAME_MAX + 2) };

/* What a node answered, judged. */
struct judged {
    const struct mr_witness_set *set;
    bool any;                          /* something has as many cosignatures as are needed */
    struct mr_head covered;            /* the newest of those */
    uint64_t latest[MR_WITNESSES_MAX]; /* leaves that each has cosigned */
};

static bool is_signed(const struct follower *f, const struct source *s,
                      const struct mr_charter *now, const struct mr_cosigned_head *c)
{
    const struct mr_pubkey *key = NULL;
    for (uint32_t i = 0; i < now->nodes_count; i++)
        if (now->nodes[i].number == f->node && c->head.node == f->node)
            key = &now->nodes[i].log_key;
    return key != NULL && c->head.size > 0 && mr_head_verify(&c->head, s->ledger, key) &&
           mr_cosignatures_verify(c->cosignatures, c->cosignatures_count, &c->head, s->ledger);
}

static void count(struct judged *j, const struct mr_cosigned_head *c)
{
    for (uint32_t i = 0; i < j->set->members_count; i++)
        for (uint32_t k = 0; k < c->cosignatures_count; k++)
            if (memcmp(c->cosignatures[k].key, j->set->members[i].key.key, MR_KEY_BYTES) == 0 &&
                c->head.size > j->latest[i])
                j->latest[i] = c->head.size;
    if (mr_cosigned_by(j->set, c->cosignatures, c->cosignatures_count) < j->set->quorum ||
        (j->any && c->head.size <= j->covered.size))
        return;
    j->any = true;
    j->covered = c->head;
}

/* The mirror has another history than the witnesses saw: their cosignatures say so. */
static bool contradicts(struct apart *k, const struct follower *f, const struct mr_head *h)
{
    uint8_t root[MR_HASH_BYTES];
    const struct mr_audit *const a = f->book->audit;
    if (!mr_audit_log_root(a, h->epoch, f->node, h->size, root) ||
        memcmp(root, h->root, sizeof root) == 0)
        return false;
    apart_other_than_witnessed(k, f, h);
    return true;
}

/* Names of those that have not cosigned so far. */
static json_t *missing(const struct judged *j, uint64_t size, char ret[MISSING_MAX])
{
    json_t *const list = json_array();
    ret[0] = '\0';
    for (uint32_t i = 0; i < j->set->members_count; i++) {
        const size_t n = strlen(ret);
        if (j->latest[i] >= size && size > 0)
            continue;
        json_array_append_new(list, json_string(j->set->members[i].name));
        snprintf(ret + n, MISSING_MAX - n, "%s%s", n > 0 ? ", " : "", j->set->members[i].name);
    }
    return list;
}

static void conclude(struct apart *k, const struct follower *f, const struct judged *j,
                     json_t *list)
{
    struct mr_audit_checkpoint last;
    char names[MISSING_MAX];
    const bool has = mr_audit_last_checkpoint(f->book->audit, &last) && f->has_head &&
                     last.epoch == f->head.epoch;
    const bool covered = j->any && (!has || j->covered.size >= last.size);
    const bool due = has && f->head.time_ms >= last.time_ms + LATE_MS;
    const char *const state = covered ? "witnessed" : !j->any ? "missing" : due ? "late" : "waits";
    json_t *const rest = missing(j, has ? last.size : 1, names);
    json_array_append_new(list, json_pack("{s:i,s:i,s:s,s:I,s:I,s:O}", "node", (int)f->node,
                                          "quorum", (int)j->set->quorum, "state", state, "size",
                                          j->any ? (json_int_t)j->covered.size : 0, "checkpoint",
                                          has ? (json_int_t)last.number : 0, "missing", rest));
    if (covered)
        out_print(k->out,
                  _("Node %u: witnessed up to %llu leaves, by %u or more of %u witnesses.\n"),
                  (unsigned)f->node, (unsigned long long)j->covered.size, j->set->quorum,
                  j->set->members_count);
    else if (!j->any || due)
        apart_not_witnessed(k, f, state, has ? last.number : 0, names);
    json_decref(rest);
}

/* MR_OK: what it has is in *j; MR_FORKED: it contradicts the mirror, which is said; else it gave no
 * answer. */
static enum mr_status ask(struct judged *j, struct apart *k, struct follower *f,
                          const struct source *s)
{
    const struct mr_charter *const now = mr_audit_charter(f->book->audit);
    *j = (struct judged){.set = &now->witnesses};
    f->request = (struct mr_request_body){.kind = MR_REQ_COSIGNED};
    const enum mr_status st = link_call(f->link, &f->reply, &f->request);
    if (st != MR_OK)
        return st == MR_FORKED ? MR_NO_ANSWER : st;
    const struct mr_rep_cosigned *const r = &f->reply.body.u.cosigned;
    for (uint32_t i = 0; i < r->heads_count; i++) {
        if (!is_signed(f, s, now, &r->heads[i]))
            continue;
        if (contradicts(k, f, &r->heads[i].head))
            return MR_FORKED;
        count(j, &r->heads[i]);
    }
    return MR_OK;
}

/* It serves its book and not this: what witnesses say is what it would hide. */
static void unasked(struct apart *k, struct follower *f, json_t *list, enum mr_status why)
{
    json_array_append_new(list, json_pack("{s:i,s:s}", "node", (int)f->node, "state", "unasked"));
    out_print(k->out, _("Node %u: it did not say what the witnesses cosigned.\n"),
              (unsigned)f->node);
    f->state = FOLLOWER_SILENT;
    f->trouble = why;
}

bool cosigned_can_check(const struct follower *f)
{
    return f->state == FOLLOWER_FINE && f->link != NULL && f->book != NULL &&
           mr_audit_charter(f->book->audit)->witnesses.quorum > 0;
}

void cosigned_check(struct apart *k, struct follower *f, const struct source *s, json_t *list,
                    uint64_t until_ms)
{
    const struct timespec pause = {.tv_nsec = AGAIN_MS * 1000000L};
    struct judged j;
    if (!cosigned_can_check(f))
        return;
    enum mr_status st = ask(&j, k, f, s);
    while (st == MR_OK && !j.any && clock_ms(CLOCK_MONOTONIC) < until_ms) {
        nanosleep(&pause, NULL);
        st = ask(&j, k, f, s);
    }
    if (st == MR_OK)
        conclude(k, f, &j, list);
    else if (st != MR_FORKED)
        unasked(k, f, list, st);
}
