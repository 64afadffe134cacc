#include "storage/journal_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storage/files.h"
#include "storage/segment.h"
#include "storage/stream.h"

enum { PROGRESS_STEP = 4 << 20, LIVE_RETRIES = 8, WORD = MR_FRAME_ALIGN };

_Static_assert(JOURNAL_TEXT_MAX >= SEGMENT_NAME_MAX + 128, "a file name and a sentence fit");

struct scan {
    const struct journal_scan_options *options;
    struct mr_journal_report *report;
    int dir;
    struct segment_list log_list, bodies_list;
    struct stream log, bodies;
    uint64_t told; /* progress was reported up to here */
    unsigned retries;
};

static const uint8_t no_check[32];

/* --- saying what is wrong --------------------------------------------------------------------- */

__attribute__((format(printf, 5, 6))) static enum mr_status damage(struct scan *s,
                                                                   enum mr_stream_family family,
                                                                   uint64_t first, uint64_t offset,
                                                                   const char *format, ...)
{
    char name[SEGMENT_NAME_MAX], what[JOURNAL_TEXT_MAX - SEGMENT_NAME_MAX - 48];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    segment_name(name, family, first);
    snprintf(s->report->text, sizeof s->report->text, "%s, offset %llu: %s", name,
             (unsigned long long)offset, what);
    return MR_DAMAGED;
}

/* Damage at a stream's position. */
static enum mr_status damage_here(struct scan *s, const struct stream *in, const char *what)
{
    return damage(s, in->family, in->segment.first,
                  in->position - in->segment.first + SEGMENT_HEAD_BYTES, "%s", what);
}

/* --- segments --------------------------------------------------------------------------------- */

/* Log segments stand end to end. The last but one may still hold a copy of what the last begins
 * with: a start was interrupted between copying the tail and cutting it off. */
static enum mr_status check_contiguous(struct scan *s)
{
    struct segment_list *l = &s->log_list;

    for (size_t i = 0; i + 1 < l->count; i++) {
        const uint64_t bytes = l->at[i + 1].first - l->at[i].first;

        if (l->at[i].bytes < bytes)
            return damage(s, MR_FAMILY_LOG, l->at[i].first, l->at[i].bytes + SEGMENT_HEAD_BYTES,
                          "the log goes on at position %llu only: a segment is missing or was cut",
                          (unsigned long long)l->at[i + 1].first);
        if (l->at[i].bytes > bytes && i + 2 < l->count)
            return damage(s, MR_FAMILY_LOG, l->at[i].first, bytes + SEGMENT_HEAD_BYTES,
                          "there are bytes behind the last frame");
        l->at[i].bytes = bytes;
    }
    return MR_OK;
}

static enum mr_status read_head(struct scan *s, struct segment_head *ret,
                                enum mr_stream_family family, uint64_t first)
{
    const struct journal_scan_options *o = s->options;
    const enum mr_status st = segment_head_read(ret, s->dir, family, first);

    if (st == MR_DAMAGED)
        return damage(s, family, first, 0, "the head of the segment is damaged");
    if (st != MR_OK)
        return st;
    if ((o->ledger != NULL && memcmp(o->ledger, ret->ledger, 32) != 0) ||
        (o->node != 0 && o->node != ret->node)) {
        damage(s, family, first, 0, "this belongs to another ledger or node");
        return MR_WRONG_LEDGER;
    }
    return MR_OK;
}

/* Bodies are opened by position: all heads are looked at, also of segments that no turn needs. */
static enum mr_status check_bodies_heads(struct scan *s)
{
    struct segment_head head;
    const struct segment_list *l = &s->bodies_list;

    for (size_t i = 0; i < l->count; i++) {
        const enum mr_status st = read_head(s, &head, MR_FAMILY_BODIES, l->at[i].first);

        if (st != MR_OK && st != MR_NO_SUCH_FILE)
            return st;
        if (i + 1 < l->count && l->at[i].bytes > l->at[i + 1].first - l->at[i].first) {
            if (i + 2 < l->count)
                return damage(s, MR_FAMILY_BODIES, l->at[i].first, SEGMENT_HEAD_BYTES,
                              "the segment reaches into the next one");
            l->at[i].bytes = l->at[i + 1].first - l->at[i].first;
        }
    }
    return MR_OK;
}

static bool same_end(const struct mr_journal_end *a, const struct mr_journal_end *b)
{
    return a->log == b->log && a->bodies == b->bodies && a->turn == b->turn &&
           memcmp(a->check, b->check, sizeof a->check) == 0;
}

static enum mr_status check_covered(struct scan *s)
{
    const struct mr_journal_end *c = s->options->covered;

    if (c == NULL || c->turn != s->report->end.turn || same_end(c, &s->report->end))
        return MR_OK;
    snprintf(s->report->text, sizeof s->report->text,
             "the log's turn %llu is another one than the state was built from",
             (unsigned long long)c->turn);
    return MR_DAMAGED;
}

static enum mr_status begin_segment(struct scan *s, size_t index, bool start)
{
    const struct segment *segment = &s->log_list.at[index];
    struct segment_head head;
    enum mr_status st = read_head(s, &head, MR_FAMILY_LOG, segment->first);

    if (st != MR_OK)
        return st;
    if (start)
        s->report->end = s->report->before = head.before;
    else if (!same_end(&head.before, &s->report->end))
        return damage(s, MR_FAMILY_LOG, segment->first, 0,
                      "the segment does not continue the one before it");
    st = check_covered(s);
    if (st == MR_OK)
        st = stream_open(&s->log, segment);
    return st == MR_NO_SUCH_FILE ? MR_IO_ERROR : st; /* it was moved away under us */
}

/* --- bodies ----------------------------------------------------------------------------------- */

static enum mr_status relist_bodies(struct scan *s)
{
    struct segment_list l;
    const enum mr_status st = segment_list_read(&l, s->dir, MR_FAMILY_BODIES);

    if (st != MR_OK)
        return st;
    segment_list_done(&s->bodies_list);
    s->bodies_list = l;
    return check_bodies_heads(s);
}

/* MR_NOT_FOUND: no segment has this position any more. */
static enum mr_status open_bodies(struct scan *s, uint64_t position)
{
    const struct segment_list *l = &s->bodies_list;
    const size_t i = segment_list_find(l, position);

    if (i == SIZE_MAX)
        return MR_NOT_FOUND;
    if (position - l->at[i].first >= l->at[i].bytes) {
        /* Only whole segments are erased, and never the last one. */
        if (i + 1 < l->count)
            return MR_NOT_FOUND;
        return damage(s, MR_FAMILY_BODIES, l->at[i].first, l->at[i].bytes + SEGMENT_HEAD_BYTES,
                      "the segment ends before what the log says");
    }
    const enum mr_status st = stream_open(&s->bodies, &l->at[i]);
    if (st == MR_NO_SUCH_FILE)
        return MR_NOT_FOUND;
    stream_seek(&s->bodies, position);
    return st;
}

static bool holds(const struct stream *in, uint64_t position)
{
    return in->fd >= 0 && position >= in->segment.first &&
           position - in->segment.first < in->segment.bytes;
}

static enum mr_status seek_bodies(struct scan *s, uint64_t position)
{
    if (holds(&s->bodies, position)) {
        if (s->bodies.position != position)
            stream_seek(&s->bodies, position);
        return MR_OK;
    }
    enum mr_status st = open_bodies(s, position);
    if (s->options->mode == JOURNAL_LIVE && (st == MR_NOT_FOUND || st == MR_DAMAGED)) {
        /* The node went on to a new segment since the list was made. */
        st = relist_bodies(s);
        if (st == MR_OK)
            st = open_bodies(s, position);
    }
    return st;
}

/* The bodies frame that a log frame names. *ret_payload NULL: none, or erased. */
static enum mr_status read_bodies(struct scan *s, struct mr_frame *ret, const uint8_t **ret_payload,
                                  const struct mr_frame *log)
{
    const uint64_t at = s->report->end.bodies;

    *ret_payload = NULL;
    if (log->end == at)
        return MR_OK;
    enum mr_status st = seek_bodies(s, at);
    if (st == MR_NOT_FOUND) {
        s->report->erased += log->end - at;
        return MR_OK;
    }
    if (st == MR_OK)
        st = stream_frame(&s->bodies, ret, ret_payload, NULL);
    if (st == MR_DAMAGED && s->report->text[0] != '\0')
        return st;
    if (st == MR_NOT_FOUND || st == MR_TRUNCATED || st == MR_DAMAGED)
        return damage_here(s, &s->bodies, "the bodies of a settled turn are damaged");
    if (st != MR_OK)
        return st;
    if (ret->turn != log->turn || ret->end != log->end ||
        at + mr_frame_size(ret->len) != log->end ||
        memcmp(ret->check, log->bodies_check, sizeof ret->check) != 0)
        return damage_here(s, &s->bodies, "these are not the bodies that the log names");
    return MR_OK;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void tell_progress(struct scan *s, bool always)
{
    const struct segment_list *l = &s->log_list;
    const uint64_t done = s->report->end.log;

    if (s->options->progress == NULL || (!always && done - s->told < PROGRESS_STEP))
        return;
    s->told = done;
    const uint64_t of = l->count == 0 ? 0 : l->at[l->count - 1].first + l->at[l->count - 1].bytes;
    s->options->progress(s->options->ctx, done, of < done || always ? done : of);
}

static enum mr_status take_turn(struct scan *s, const struct mr_frame *f, const uint8_t *payload)
{
    struct mr_journal_report *r = s->report;
    const uint64_t at = r->end.log;
    const uint8_t *bodies_payload;
    struct mr_frame bodies;
    enum mr_status st = read_bodies(s, &bodies, &bodies_payload, f);

    if (st != MR_OK)
        return st;
    r->before = r->end;
    r->end.log += mr_frame_size(f->len);
    r->end.bodies = f->end;
    r->end.turn = f->turn;
    memcpy(r->end.check, f->check, sizeof r->end.check);
    r->turns++;
    s->retries = 0;
    st = check_covered(s);
    if (st == MR_OK && s->options->turn != NULL && at >= s->options->from)
        st = s->options->turn(s->options->ctx, f, payload, bodies_payload == NULL ? NULL : &bodies,
                              bodies_payload);
    if (bodies_payload != NULL)
        stream_skip(&s->bodies, mr_frame_size(bodies.len));
    stream_skip(&s->log, mr_frame_size(f->len));
    tell_progress(s, false);
    return st;
}

/* Whether the frame is what must come now. Its check was right, but it may be out of place. */
static bool follows(const struct scan *s, const struct mr_frame *f)
{
    const struct mr_journal_end *end = &s->report->end;
    const bool none = memcmp(f->bodies_check, no_check, sizeof no_check) == 0;

    return f->turn == end->turn + 1 && f->end >= end->bodies && none == (f->end == end->bodies) &&
           f->end - end->bodies <= MR_FRAME_HEAD_BYTES + MR_TURN_BYTES_MAX;
}

/* JNL-6: whether bytes behind a bad frame are a later turn. Its check cannot be verified, for the
 * one before it is lost: form and number must do. */
static bool is_later(const struct scan *s, const uint8_t *bytes, size_t len, uint64_t bad)
{
    const struct mr_journal_end *end = &s->report->end;
    const uint64_t between = (s->log.position - bad) / MR_FRAME_HEAD_BYTES;
    struct mr_frame f;
    const enum mr_status st = mr_frame_read(&f, bytes, len, NULL);

    return (st == MR_OK || st == MR_TRUNCATED) && len >= MR_FRAME_HEAD_BYTES &&
           f.family == MR_FAMILY_LOG && f.turn > end->turn + 1 &&
           f.turn <= end->turn + 1 + between && f.end >= end->bodies;
}

/* Look through all that is left of a segment. *ret_torn: up to the last byte that is not zero. */
static enum mr_status look_behind(struct scan *s, struct stream *in, uint64_t *ret_torn,
                                  bool *ret_later)
{
    static const uint8_t zeros[WORD];
    const uint64_t bad = in->position;
    const uint8_t *bytes;
    size_t len;

    *ret_torn = 0;
    for (;;) {
        const enum mr_status st = stream_peek(in, &bytes, &len, MR_FRAME_HEAD_BYTES);
        const size_t word = len < WORD ? len : WORD;

        if (st != MR_OK || len == 0)
            return st;
        if (memcmp(bytes, zeros, word) != 0) {
            *ret_torn = in->position + word - bad;
            if (ret_later != NULL && in->position > bad && is_later(s, bytes, len, bad)) {
                *ret_later = true;
                return MR_OK;
            }
        }
        stream_skip(in, word);
    }
}

/* The frame at the log's position is bad, in the last segment. MR_PARKED: read it once more. */
static enum mr_status at_bad_frame(struct scan *s)
{
    const struct mr_journal_end *c = s->options->covered;
    const uint64_t bad = s->log.position;
    bool later = false;

    if (s->options->mode == JOURNAL_STOPPED)
        return damage_here(s, &s->log, "the frame is damaged or not finished");
    if (c != NULL && bad < c->log)
        return damage_here(s, &s->log, "the frame is damaged, and the state covers it already");
    const enum mr_status st = look_behind(s, &s->log, &s->report->torn_log, &later);
    stream_seek(&s->log, bad);
    if (st != MR_OK || !later)
        return st;
    /* On a running node it may have been half-written when it was read. */
    if (s->options->mode == JOURNAL_LIVE && s->retries++ < LIVE_RETRIES)
        return MR_PARKED;
    return damage_here(s, &s->log, "the frame is damaged, and later turns stand behind it");
}

static enum mr_status scan_segment(struct scan *s, size_t index, bool start)
{
    const bool last = index + 1 == s->log_list.count;
    enum mr_status st = begin_segment(s, index, start);

    while (st == MR_OK) {
        const uint8_t *payload;
        struct mr_frame f;

        st = stream_frame(&s->log, &f, &payload, s->report->end.check);
        if (st == MR_NOT_FOUND)
            return MR_OK;
        if (st == MR_OK && !follows(s, &f))
            st = MR_DAMAGED;
        if (st == MR_OK) {
            st = take_turn(s, &f, payload);
            continue;
        }
        if (st != MR_TRUNCATED && st != MR_DAMAGED)
            return st;
        if (!last)
            return damage_here(s, &s->log, "the frame is damaged");
        st = at_bad_frame(s);
        if (st != MR_PARKED)
            return st;
        st = MR_OK;
    }
    return st;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Behind the last turn's bodies at most those of one torn turn may stand. */
static enum mr_status check_bodies_end(struct scan *s)
{
    const struct segment_list *l = &s->bodies_list;
    const struct mr_journal_end *end = &s->report->end;
    const uint8_t *payload;
    struct mr_frame f;

    if (s->options->mode == JOURNAL_LIVE || l->count == 0)
        return MR_OK;
    const struct segment *last = &l->at[l->count - 1];
    if (last->first > end->bodies)
        return damage(s, MR_FAMILY_BODIES, last->first, 0, "the log ends before these bodies");
    if (last->first + last->bytes < end->bodies)
        return damage(s, MR_FAMILY_BODIES, last->first, last->bytes + SEGMENT_HEAD_BYTES,
                      "the segment ends before what the log says");
    if (last->first + last->bytes == end->bodies)
        return MR_OK;
    enum mr_status st = seek_bodies(s, end->bodies);
    if (st != MR_OK)
        return st;
    if (s->options->mode == JOURNAL_STOPPED)
        return damage_here(s, &s->bodies, "there are bytes behind the last frame");
    st = look_behind(s, &s->bodies, &s->report->torn_bodies, NULL);
    stream_seek(&s->bodies, end->bodies);
    if (st != MR_OK || stream_frame(&s->bodies, &f, &payload, NULL) != MR_OK)
        return st;
    if (f.turn == end->turn + 1) {
        stream_skip(&s->bodies, mr_frame_size(f.len));
        if (stream_frame(&s->bodies, &f, &payload, NULL) != MR_OK)
            return MR_OK;
    }
    return damage_here(s, &s->bodies, "the log ends before these bodies");
}

static enum mr_status check_end(struct scan *s)
{
    struct mr_journal_report *r = s->report;
    const struct mr_journal_end *c = s->options->covered;
    const enum mr_status st = check_bodies_end(s);

    if (st != MR_OK)
        return st;
    if (c != NULL && r->end.turn < c->turn) {
        snprintf(r->text, sizeof r->text, "the log ends with turn %llu, the state covers turn %llu",
                 (unsigned long long)r->end.turn, (unsigned long long)c->turn);
        return MR_DAMAGED;
    }
    if (r->torn_log + r->torn_bodies > 0)
        snprintf(r->text, sizeof r->text,
                 "turn %llu was not finished: %llu bytes of log, %llu bytes of bodies",
                 (unsigned long long)r->end.turn + 1, (unsigned long long)r->torn_log,
                 (unsigned long long)r->torn_bodies);
    tell_progress(s, true);
    return MR_OK;
}

static enum mr_status scan_all(struct scan *s)
{
    struct segment_list *logs = &s->log_list, *bodies = &s->bodies_list;
    enum mr_status st = segment_list_read(logs, s->dir, MR_FAMILY_LOG);

    /* Bodies second: those of every turn listed are there. */
    if (st == MR_OK)
        st = segment_list_read(bodies, s->dir, MR_FAMILY_BODIES);
    if (st != MR_OK)
        return st;
    s->report->first_log = logs->count == 0 ? 0 : logs->at[0].first;
    s->report->first_bodies = bodies->count == 0 ? 0 : bodies->at[0].first;
    if (logs->count == 0 && bodies->count > 0)
        return damage(s, MR_FAMILY_BODIES, bodies->at[0].first, 0,
                      "there are bodies, but no segment of the log");
    st = check_contiguous(s);
    if (st == MR_OK)
        st = check_bodies_heads(s);

    const size_t found = segment_list_find(logs, s->options->from);
    const size_t start = found == SIZE_MAX ? 0 : found;
    for (size_t i = start; st == MR_OK && i < logs->count; i++)
        st = scan_segment(s, i, i == start);
    return st == MR_OK ? check_end(s) : st;
}

enum mr_status journal_scan(struct mr_journal_report *ret, const char *dir,
                            const struct journal_scan_options *options)
{
    struct scan s = {.options = options, .report = ret};
    enum mr_status st;

    *ret = (struct mr_journal_report){0};
    s.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s.dir < 0)
        return files_status(errno);
    stream_init(&s.log, s.dir, MR_FAMILY_LOG);
    stream_init(&s.bodies, s.dir, MR_FAMILY_BODIES);
    st = scan_all(&s);
    stream_done(&s.log);
    stream_done(&s.bodies);
    segment_list_done(&s.log_list);
    segment_list_done(&s.bodies_list);
    close(s.dir);
    return st;
}
