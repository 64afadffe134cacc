#include "audit/follower.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "mereau/codec.h"
#include "mereau/log.h"

/* STEP_MS: what a call waits for news. A signal is looked at in between. */
enum { PAUSE_FIRST_MS = 1000, PAUSE_MOST_MS = 60000, STEP_MS = 500 };

void follower_hang_up(struct follower *f)
{
    turns_close(f->turns);
    link_close(f->link);
    f->turns = NULL;
    f->link = NULL;
}

/* A sentence is kept twice: as people here read it, and as JSON has it. */
__attribute__((format(printf, 2, 3))) static void contradicts(struct follower *f,
                                                              const char *english, ...)
{
    va_list args;
    f->state = FOLLOWER_CONTRADICTS;
    va_start(args, english);
    vsnprintf(f->why_plain, sizeof f->why_plain, english, args);
    va_end(args);
    va_start(args, english);
    vsnprintf(f->why, sizeof f->why, _(english), args);
    va_end(args);
    follower_hang_up(f);
}

static void silent(struct follower *f, enum mr_status st)
{
    f->state = FOLLOWER_SILENT;
    f->trouble = st;
    f->pause_ms = f->pause_ms == 0                  ? PAUSE_FIRST_MS
                  : f->pause_ms * 2 < PAUSE_MOST_MS ? f->pause_ms * 2
                                                    : PAUSE_MOST_MS;
    f->retry_ms = clock_ms(CLOCK_MONOTONIC) + f->pause_ms;
    follower_hang_up(f);
}

static enum mr_status call(struct follower *f, enum mr_request_kind kind)
{
    memset(&f->request, 0, sizeof f->request);
    f->request.kind = kind;
    return link_call(f->link, &f->reply, &f->request);
}

/* --- who it is -------------------------------------------------------------------------------- */

static enum mr_status open_link(struct follower *f, const struct source *s)
{
    static const uint8_t nobody[MR_ACCOUNT_BYTES];
    const struct link_config config = {
        .address = f->address, .ledger = s->ledger, .timeout_ms = s->c->timeout_ms};
    const enum mr_status st = link_open(&f->link, &config);
    if (st == MR_OK && s->key != NULL)
        link_identify(f->link, MR_AUTH_AUDITOR, nobody, 0, s->key,
                      f->book == NULL ? NULL : mr_audit_head(f->book->audit));
    return st;
}

static bool is_of_ledger(struct follower *f, const struct source *s)
{
    const size_t cap = sizeof(struct mr_charter); /* encoded it is no larger */
    uint8_t hash[32], *const bytes = malloc(cap);
    if (bytes == NULL)
        return false;
    const size_t n = mr_charter_encode(&f->reply.body.u.charter.charter, bytes, cap);
    mr_hash(hash, "mereau/charter", bytes, n, NULL, 0);
    free(bytes);
    return memcmp(hash, s->ledger, sizeof hash) == 0;
}

/* None is signed yet on a node that just started. Evidence without all epochs is none: no trouble.
 */
static enum mr_status ask_head(struct follower *f, struct source *s)
{
    const enum mr_status st = call(f, MR_REQ_HEAD);
    f->has_head = st == MR_OK && f->reply.body.u.head.head.size > 0;
    if (!f->has_head)
        return st == MR_BUSY || st == MR_NOT_FOUND ? MR_OK : st;
    const struct mr_rep_head *const r = &f->reply.body.u.head;
    f->head = r->head;
    return source_learn(s, f->link, r) == MR_NO_MEMORY ? MR_NO_MEMORY : MR_OK;
}

enum mr_status follower_connect(struct follower *f, struct source *s)
{
    enum mr_status st = f->link != NULL ? MR_OK : open_link(f, s);
    if (st == MR_OK)
        st = call(f, MR_REQ_CHARTER);
    if (st == MR_OK && !is_of_ledger(f, s))
        st = MR_WRONG_LEDGER;
    if (st == MR_OK)
        st = call(f, MR_REQ_NODE);
    if (st == MR_OK && f->node != 0 && f->reply.body.u.node.node != f->node)
        st = MR_WRONG_NODE;
    if (st == MR_OK) {
        f->node = f->reply.body.u.node.node;
        st = f->node == 0 ? MR_WRONG_NODE : ask_head(f, s);
    }
    if (st == MR_OK && s->charter->nodes_count == 1 && !source_is_node(s, f->link))
        st = MR_WRONG_NODE;
    if (st != MR_OK)
        silent(f, st);
    else
        f->state = FOLLOWER_FINE;
    return st;
}

/* --- what it shows ---------------------------------------------------------------------------- */

/* The last turn of the mirror is read once more: a node with another history is found at once, and
 * not when it goes on. */
static enum mr_status begin_reading(struct follower *f)
{
    const struct mr_journal_end *const end = mirror_end(f->book->mirror);
    if (f->turns != NULL && turns_position(f->turns) == end->log)
        return MR_OK;
    turns_close(f->turns);
    f->turns = NULL;
    const struct mr_journal_end *const before = mirror_before(f->book->mirror);
    return turns_open(&f->turns, f->link, before->log, before->bodies);
}

static void other_history(struct follower *f, uint64_t turn)
{
    f->other_history = true;
    contradicts(f,
                N_("turn %llu of node %u is another one than it showed before: it serves two "
                   "histories, or governance let it begin anew after it lost its memory"),
                (unsigned long long)turn, (unsigned)f->node);
}

static enum mr_status take(struct follower *f, const struct mr_audit_turn *t,
                           const struct mr_frame *frame)
{
    const struct mr_journal_end *const end = mirror_end(f->book->mirror);
    if (frame->turn == end->turn && end->turn > 0) {
        if (memcmp(frame->check, end->check, sizeof end->check) != 0)
            other_history(f, frame->turn);
        return MR_OK;
    }
    if (!mirror_follows(f->book->mirror, t, frame)) {
        if (end->turn > 0)
            other_history(f, end->turn + 1);
        else
            contradicts(f, N_("what node %u sends does not begin with a whole first turn"),
                        (unsigned)f->node);
        return MR_OK;
    }
    f->pause_ms = 0;
    return mirrored_take(f->book, t, frame);
}

/* Nothing more comes. */
static void at_end(struct follower *f)
{
    const struct mr_journal_end *const end = mirror_end(f->book->mirror);
    if (turns_end(f->turns) < end->log) {
        f->other_history = true;
        contradicts(
            f,
            N_("node %u shows %llu bytes of its book, and showed %llu before: it went back, "
               "or hides what it said"),
            (unsigned)f->node, (unsigned long long)turns_end(f->turns),
            (unsigned long long)end->log);
    }
}

static void refused(struct follower *f, enum mr_status st)
{
    if (st == MR_DAMAGED || st == MR_OUT_OF_RANGE)
        contradicts(f, N_("what node %u sends behind turn %llu is no book"), (unsigned)f->node,
                    (unsigned long long)mirror_end(f->book->mirror)->turn);
    else
        silent(f, st);
}

/* The next turn, awaited in steps. A node that does not wait when it is asked to is not asked again
 * at once. */
static enum mr_status await_turn(struct follower *f, struct mr_audit_turn *t, struct mr_frame *ret,
                                 struct progress *progress, uint32_t wait_ms,
                                 const volatile sig_atomic_t *stop)
{
    uint64_t now = clock_ms(CLOCK_MONOTONIC), start;
    const uint64_t until = now + wait_ms;
    enum mr_status st;
    uint32_t step;
    do {
        start = now;
        step = until - start < STEP_MS ? (uint32_t)(until - start) : STEP_MS;
        if (step > 0)
            progress_say(progress, _("waiting for news; Ctrl-C ends it"));
        st = turns_next(f->turns, t, ret, step);
        now = clock_ms(CLOCK_MONOTONIC);
    } while (st == MR_NOT_FOUND && *stop == 0 && now < until && now - start >= step / 2);
    return st;
}

enum mr_status follower_read(struct follower *f, struct progress *progress, uint32_t wait_ms,
                             const volatile sig_atomic_t *stop)
{
    struct mr_audit_turn t;
    struct mr_frame frame;
    f->ended = false;
    enum mr_status st = begin_reading(f);
    if (st != MR_OK)
        return out_fail(f->book->out, st, NULL);
    while (f->state == FOLLOWER_FINE && *stop == 0) {
        st = await_turn(f, &t, &frame, progress, wait_ms, stop);
        if (st == MR_NOT_FOUND) {
            at_end(f);
            f->ended = f->state == FOLLOWER_FINE;
            return MR_OK;
        }
        if (st != MR_OK) {
            refused(f, st);
            return MR_OK;
        }
        progress->total = turns_end(f->turns);
        progress_update(progress, turns_position(f->turns));
        st = take(f, &t, &frame);
        if (st != MR_OK)
            return st;
        wait_ms = 0;
    }
    return MR_OK;
}

void follower_check_head(struct follower *f)
{
    const struct mr_audit *const a = f->book->audit;
    const struct mr_charter *const now = mr_audit_charter(a);
    const struct mr_head *const h = &f->head;
    const struct mr_pubkey *key = NULL;
    uint8_t root[32];
    const uint64_t size = f->has_head ? mr_audit_log_size(a, h->epoch, f->node) : 0;
    for (uint32_t i = 0; size > 0 && i < now->nodes_count; i++) {
        if (now->nodes[i].number == h->node)
            key = &now->nodes[i].log_key;
    }
    const struct mr_head *const last = mr_audit_head(a);
    if (f->state != FOLLOWER_FINE || key == NULL || h->node != f->node || last == NULL ||
        last->epoch != h->epoch)
        return;
    if (!mr_head_verify(h, f->book->charter->ledger, key))
        contradicts(f, N_("node %u shows a head that is not signed with its key"),
                    (unsigned)f->node);
    else if (h->size > size)
        contradicts(f, N_("node %u signed a head over %llu leaves and shows %llu of them"),
                    (unsigned)f->node, (unsigned long long)h->size, (unsigned long long)size);
    else if (mr_audit_log_root(a, h->epoch, f->node, h->size, root) &&
             memcmp(root, h->root, sizeof root) != 0)
        contradicts(f, N_("node %u signed another history than it shows: its head of %llu leaves"),
                    (unsigned)f->node, (unsigned long long)h->size);
}
