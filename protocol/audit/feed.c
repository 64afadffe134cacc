/* A turn: its frames (JNL-2 to JNL-4) and, one after another, its entries. */
#include <sodium.h>
#include <string.h>

#include "audit/state.h"

enum { HEADER = 88, CHECKED = 56 };

struct frame {
    uint32_t len;
    uint64_t turn, end;
    const uint8_t *bodies_check, *check, *payload;
};

static uint64_t be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

static size_t padded(uint32_t len)
{
    return ((size_t)len + 7) / 8 * 8;
}

/* JNL-2: the form of a frame. */
static bool read_frame(struct frame *ret, const uint8_t *in, size_t len, const char *magic)
{
    if (len < HEADER || memcmp(in, magic, 4) != 0)
        return false;
    const struct frame f = {
        (uint32_t)be(in + 4, 4), be(in + 8, 8), be(in + 16, 8), in + 24, in + 56, in + HEADER};
    if (padded(f.len) != len - HEADER)
        return false;
    for (size_t i = f.len; i < padded(f.len); i++) {
        if (f.payload[i] != 0)
            return false;
    }
    *ret = f;
    return true;
}

/* JNL-4 */
static void frame_check(uint8_t check[32], const uint8_t *frame, const struct frame *f,
                        const uint8_t prev[32])
{
    static const char domain[] = "mereau/frame"; /* with its zero byte */
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, 32);
    crypto_generichash_update(&st, (const uint8_t *)domain, sizeof domain);
    crypto_generichash_update(&st, prev, 32);
    crypto_generichash_update(&st, frame, CHECKED);
    crypto_generichash_update(&st, f->payload, f->len);
    crypto_generichash_final(&st, check, 32);
}

/* JNL-3, JNL-4. A wrong number on a frame that continues the last one is its only fault; on one
 * that does not, turns are missing, and what follows is judged from there. */
static void check_chain(struct mr_audit *a, const struct mr_audit_turn *t, const struct frame *f)
{
    uint8_t check[32];
    frame_check(check, t->log, f, a->check);
    const bool follows = memcmp(check, f->check, 32) == 0;
    if (f->turn != a->turn) {
        mri_aud_u64(a, "JNL-3", MR_DAMAGED, "number of the turn", a->turn, f->turn);
        if (!follows && f->turn > a->turn) {
            a->turn = f->turn;
            a->bodies_end = f->end - (f->end < t->bodies_len ? f->end : t->bodies_len);
        }
    } else if (!follows) {
        mri_aud_hash(a, "JNL-4", MR_DAMAGED, "check of the log frame", check, f->check);
    }
    memcpy(a->check, f->check, 32);
}

/* The bodies frame of a turn: chained to it by its check. Gives the payload, if there is one. */
static void open_bodies(struct mr_audit *a, const struct mr_audit_turn *t, const struct frame *log)
{
    static const uint8_t zero[32];
    const bool has = memcmp(log->bodies_check, zero, 32) != 0;
    const uint64_t start = a->bodies_end;
    struct frame f;
    uint8_t check[32];
    a->bodies_known = true;
    if (!has) {
        if (t->bodies != NULL)
            mri_aud_text(a, "JNL-2", MR_DAMAGED, "bodies frame", "none", "a frame");
        if (log->end != start)
            mri_aud_u64(a, "JNL-2", MR_DAMAGED, "position behind the bodies", start, log->end);
        a->bodies_end = start;
        return;
    }
    a->bodies_end = log->end;
    if (t->bodies == NULL) {
        a->bodies_known = false;
        a->erased_until = log->end;
        return;
    }
    if (!read_frame(&f, t->bodies, t->bodies_len, "MRBD")) {
        mri_aud_text(a, "JNL-2", MR_DAMAGED, "form of the bodies frame", "a frame", "other bytes");
        a->bodies_known = false;
        a->erased_until = log->end;
        return;
    }
    frame_check(check, t->bodies, &f, zero);
    if (memcmp(check, f.check, 32) != 0)
        mri_aud_hash(a, "JNL-4", MR_DAMAGED, "check of the bodies frame", check, f.check);
    if (memcmp(log->bodies_check, f.check, 32) != 0 && memcmp(log->bodies_check, check, 32) != 0)
        mri_aud_hash(a, "JNL-2", MR_DAMAGED, "check of the bodies frame in the log frame", f.check,
                     log->bodies_check);
    if (f.turn != a->turn)
        mri_aud_u64(a, "JNL-3", MR_DAMAGED, "turn of the bodies frame", a->turn, f.turn);
    if (f.end != start + t->bodies_len)
        mri_aud_u64(a, "JNL-2", MR_DAMAGED, "end of the bodies frame", start + t->bodies_len,
                    f.end);
    if (log->end != start + t->bodies_len)
        mri_aud_u64(a, "JNL-2", MR_DAMAGED, "position behind the bodies", start + t->bodies_len,
                    log->end);
    a->bodies_end = start + t->bodies_len;
    if (memcmp(f.bodies_check, zero, 32) != 0)
        mri_aud_hash(a, "JNL-2", MR_DAMAGED, "unused part of the bodies frame", zero,
                     f.bodies_check);
    mri_aud_bodies_open(a, start + HEADER, f.payload, f.len);
}

static void take_entry(struct mr_audit *a, const uint8_t *bytes, size_t len)
{
    const struct mr_entry *const e = &a->e;
    mri_aud_at(a, NULL, 0);
    switch (e->kind) {
    case MR_ENTRY_OPENED:
        a->speaks = false;
        return;
    case MR_ENTRY_CLOSED:
        return;
    case MR_ENTRY_LEAF:
        mri_aud_leaf(a, &e->u.leaf, bytes + 4, len - 4);
        return;
    case MR_ENTRY_HEAD:
        mri_aud_head(a, &e->u.head);
        return;
    case MR_ENTRY_SETTLED:
        mri_aud_settled(a, &e->u.settled, false);
        return;
    case MR_ENTRY_PARKED:
        mri_aud_parked(a, &e->u.parked);
        return;
    case MR_ENTRY_ABSTAIN:
        a->abstaining = true;
        return;
    case MR_ENTRY_SHOWN:
        mri_aud_shown(a, &e->u.shown);
        return;
    case MR_ENTRY_EPOCH:
        mri_aud_epoch(a, &e->u.epoch);
        return;
    case MR_ENTRY_RESTART:
        mri_aud_restart(a, &e->u.restart);
        return;
    case MR_ENTRY_REGROUP:
        mri_aud_regroup(a, &e->u.regroup);
        return;
    case MR_ENTRY_PEER:
        mri_aud_peer(a, &e->u.peer);
        return;
    case MR_ENTRY_EVIDENCE:
        mri_aud_evidence(a, &e->u.evidence, bytes + 4, len - 4);
        return;
    case MR_ENTRY_TRIGGER:
        mri_aud_trigger(a, &e->u.trigger);
        return;
    }
    mr_bug("entry kind");
}

/* Nothing else of this book is looked at. */
static bool is_over(struct mr_audit *a)
{
    a->reached = a->until != 0 && a->epoch >= a->until;
    return a->reached || a->late;
}

static void take_entries(struct mr_audit *a, const uint8_t *in, size_t len)
{
    for (a->entry = 0; len > 0 && !a->no_memory && !is_over(a); a->entry++) {
        size_t used;
        const enum mr_status st = mr_entry_decode_first(&a->e, &used, in, len);
        if (st != MR_OK) {
            mri_aud_at(a, NULL, 0);
            mri_aud_text(a, "ENC-2", st, "entry", "a canonical record", mr_status_name(st));
            return;
        }
        take_entry(a, in, used);
        a->totals.entries++;
        in += used;
        len -= used;
    }
}

enum mr_status mr_audit_feed(struct mr_audit *a, const struct mr_audit_turn *t)
{
    struct frame f;
    if (is_over(a))
        return MR_OK;
    a->turn++;
    a->totals.turns++;
    a->entry = MR_AUDIT_NO_ENTRY;
    mri_aud_at(a, NULL, 0);
    if (!read_frame(&f, t->log, t->log_len, "MRLG")) {
        mri_aud_text(a, "JNL-2", MR_DAMAGED, "form of the log frame", "a frame", "other bytes");
        return a->no_memory ? MR_NO_MEMORY : MR_OK;
    }
    check_chain(a, t, &f);
    open_bodies(a, t, &f);
    take_entries(a, f.payload, f.len);
    a->entry = MR_AUDIT_NO_ENTRY;
    mri_aud_close_turn(a);
    mri_aud_bodies_close(a);
    a->synced = a->tree.size;
    a->size_after[a->turn % MRI_AUD_TURNS] = a->tree.size;
    return a->no_memory ? MR_NO_MEMORY : MR_OK;
}
