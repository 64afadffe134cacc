#include "audit/apart.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "audit/fork.h"
#include "common/file.h"
#include "mereau/codec.h"
#include "mereau/id.h"

enum { EPOCHS_BACK = 4, FURTHER_BYTES = 16 << 20 };

void apart_begin(struct apart *k, struct out *out, const char *dir)
{
    *k = (struct apart){.out = out, .dir = dir, .rows = json_array()};
}

void apart_done(struct apart *k)
{
    json_decref(k->rows);
}

/* One contradiction; `row` is taken over. The sentence was made for people. */
static void add(struct apart *k, json_t *row, const char *text)
{
    if (k->count++ < APART_SHOWN_MAX) {
        json_array_append_new(k->rows, row);
        out_print(k->out, "%s\n", text);
    } else {
        json_decref(row);
    }
}

/* --- evidence --------------------------------------------------------------------------------- */

static enum mr_status on_turn(void *ctx, const struct mr_audit_turn *turn, uint64_t done)
{
    (void)done;
    return fork_log_take(ctx, turn);
}

/* What a mirror has of a log. */
static struct fork_log *read_mirror(const struct mirrored *b, uint32_t epoch, uint32_t node)
{
    static struct source s;
    struct fork_log *l = NULL;
    if (fork_log_create(&l, epoch, node) != MR_OK)
        return NULL;
    s = (struct source){.c = b->c, .out = b->out};
    memcpy(s.dir, b->dir, sizeof s.dir);
    memcpy(s.ledger, b->charter->ledger, sizeof s.ledger);
    source_walk(&s, on_turn, l);
    return l;
}

/* The file's name; empty: the two show no evidence. Whoever has the charter can check it. */
static void write_evidence(const struct apart *k, char ret[FILE_PATH_MAX], const struct source *s,
                           const struct fork_log *a, const struct fork_log *b, uint32_t epoch,
                           uint32_t node)
{
    struct mr_evidence *const e = calloc(1, sizeof *e);
    const struct mr_chain chain = epochs_chain(&s->epochs);
    struct mr_evidence_facts facts;
    char name[64];
    ret[0] = '\0';
    if (e != NULL && a != NULL && b != NULL && fork_find(e, a, b) == MR_OK) {
        e->version = 1;
        memcpy(e->ledger, s->ledger, sizeof e->ledger);
        snprintf(name, sizeof name, "evidence-node%u-epoch%u.mre", (unsigned)node, (unsigned)epoch);
        if (mr_evidence_verify(&facts, s->charter, &chain, e) != MR_OK ||
            path_join(ret, k->dir, name) != MR_OK ||
            epochs_write_evidence(&s->epochs, e, epoch, ret, true) != MR_OK)
            ret[0] = '\0';
    }
    free(e);
}

/* --- books ------------------------------------------------------------------------------------ */

struct slots {
    struct apart *k;
    const struct mirrored *x, *y;
    uint64_t missing;
};

static void conflict(struct slots *s, const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq)
{
    char address[MR_ADDRESS_TEXT_MAX], text[512];
    mr_address_format(address, s->x->charter->charter->prefix, account);
    snprintf(
        text, sizeof text,
        _("Nodes %u and %u have settled %s differently, no. %llu or one before it; mereau-audit "
          "compare %s %s shows which"),
        (unsigned)s->x->node, (unsigned)s->y->node, address, (unsigned long long)seq, s->x->dir,
        s->y->dir);
    json_t *const row = json_object();
    json_object_set_new(row, "kind", json_string("SLOT"));
    json_object_set_new(row, "address", json_string(address));
    json_object_set_new(row, "seq", json_integer((json_int_t)seq));
    json_object_set_new(row, "nodes", json_pack("[ii]", (int)s->x->node, (int)s->y->node));
    add(s->k, row, text);
}

/* Orders of a chain name the one before: two books with as many settled agree on all of them when
 * they agree on the last. */
static void on_chain(void *ctx, const uint8_t account[MR_ACCOUNT_BYTES], uint64_t next_seq,
                     const uint8_t value[MR_HASH_BYTES])
{
    struct slots *const s = ctx;
    uint64_t other_next = 1;
    uint8_t other[MR_HASH_BYTES] = {0};
    const bool has = mr_audit_chain_of(s->y->audit, account, &other_next, other);
    if (next_seq > other_next)
        s->missing += next_seq - other_next;
    else if (has && next_seq == other_next && memcmp(value, other, sizeof other) != 0)
        conflict(s, account, next_seq - 1);
}

uint64_t apart_slots(struct apart *k, const struct mirrored *x, const struct mirrored *y)
{
    struct slots s = {k, x, y, 0};
    mr_audit_chains(x->audit, on_chain, &s);
    return s.missing;
}

static void two_histories(struct apart *k, const struct mirrored *of, const struct mirrored *in,
                          uint32_t epoch, uint64_t size)
{
    char path[FILE_PATH_MAX], text[FILE_PATH_MAX + 512];
    struct fork_log *const a = read_mirror(of, epoch, of->node);
    struct fork_log *const b = read_mirror(in, epoch, of->node);
    write_evidence(k, path, of->charter, a, b, epoch, of->node);
    fork_log_destroy(a);
    fork_log_destroy(b);
    const int n = snprintf(text, sizeof text,
                           _("Node %u showed two histories: node %u has another log of it than it "
                             "shows itself, within the first %llu leaves."),
                           (unsigned)of->node, (unsigned)in->node, (unsigned long long)size);
    if (path[0] != '\0' && n > 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, _(" Its signatures convict it: %s"), path);
    json_t *const row = json_object();
    json_object_set_new(row, "kind", json_string("TWO_HISTORIES"));
    json_object_set_new(row, "node", json_integer(of->node));
    json_object_set_new(row, "shown_to", json_integer(in->node));
    json_object_set_new(row, "epoch", json_integer(epoch));
    json_object_set_new(row, "size", json_integer((json_int_t)size));
    json_object_set_new(row, "evidence", path[0] == '\0' ? json_null() : json_string(path));
    add(k, row, text);
}

/* It was asked for more after the other had been read: what it had shown to that one is its own. */
static void omitted(struct apart *k, const struct mirrored *of, const struct mirrored *in,
                    uint32_t epoch, uint64_t own, uint64_t seen)
{
    char text[512];
    snprintf(text, sizeof text,
             _("Node %u omits %llu leaves of its log that it showed to node %u."),
             (unsigned)of->node, (unsigned long long)(seen - own), (unsigned)in->node);
    json_t *const row = json_object();
    json_object_set_new(row, "kind", json_string("OMITS"));
    json_object_set_new(row, "node", json_integer(of->node));
    json_object_set_new(row, "shown_to", json_integer(in->node));
    json_object_set_new(row, "epoch", json_integer(epoch));
    json_object_set_new(row, "leaves", json_integer((json_int_t)(seen - own)));
    add(k, row, text);
}

static void compare_log(struct apart *k, const struct mirrored *of, const struct mirrored *in,
                        uint32_t epoch, uint64_t before)
{
    uint8_t root[32], other[32];
    const uint64_t own = mr_audit_log_size(of->audit, epoch, of->node),
                   seen = mr_audit_log_size(in->audit, epoch, of->node);
    const uint64_t size = own < seen ? own : seen;
    if (size > 0 && mr_audit_log_root(of->audit, epoch, of->node, size, root) &&
        mr_audit_log_root(in->audit, epoch, of->node, size, other) &&
        memcmp(root, other, sizeof root) != 0)
        two_histories(k, of, in, epoch, size);
    else if (own > 0 && before > own)
        omitted(k, of, in, epoch, own, before);
}

struct apart_shown apart_shown(const struct mirrored *of, const struct mirrored *in)
{
    const struct mr_head *const last = mr_audit_head(of->audit);
    struct apart_shown shown = {.epoch = last == NULL ? 0 : last->epoch};
    if (last != NULL)
        shown.leaves = mr_audit_log_size(in->audit, shown.epoch, of->node);
    return shown;
}

void apart_logs(struct apart *k, const struct mirrored *of, const struct mirrored *in,
                struct apart_shown before)
{
    const struct mr_head *const last = mr_audit_head(of->audit);
    const uint32_t epoch = last == NULL ? 0 : last->epoch;
    for (uint32_t i = 0; i < EPOCHS_BACK && i < epoch; i++)
        compare_log(k, of, in, epoch - i, before.epoch == epoch - i && i == 0 ? before.leaves : 0);
}

/* --- a node against itself -------------------------------------------------------------------- */

/* Its journal as it is now, from the beginning, a piece further than the mirror went: one that
 * lies may go on for ever. NULL: it cannot be read. */
static struct fork_log *read_node(const struct follower *f, const struct source *s, uint32_t epoch)
{
    static const uint8_t nobody[MR_ACCOUNT_BYTES];
    const struct link_config config = {
        .address = f->address, .ledger = s->ledger, .timeout_ms = s->c->timeout_ms};
    struct fork_log *l = NULL;
    struct turns *t = NULL;
    struct link *link = NULL;
    struct mr_audit_turn turn;
    struct mr_frame frame;
    enum mr_status st = fork_log_create(&l, epoch, f->node);
    if (st == MR_OK)
        st = link_open(&link, &config);
    if (st == MR_OK && s->key != NULL)
        link_identify(link, MR_AUTH_AUDITOR, nobody, 0, s->key, NULL);
    if (st == MR_OK)
        st = turns_open(&t, link, 0, 0);
    const uint64_t most = mirror_end(f->book->mirror)->log + FURTHER_BYTES;
    while (st == MR_OK && turns_position(t) < most) {
        st = turns_next(t, &turn, &frame, 0);
        if (st == MR_OK)
            st = fork_log_take(l, &turn);
    }
    turns_close(t);
    link_close(link);
    return l;
}

void apart_node(struct apart *k, struct follower *f, const struct source *s)
{
    char path[FILE_PATH_MAX] = "", text[FILE_PATH_MAX + 1024];
    const struct mr_head *const last = f->book == NULL ? NULL : mr_audit_head(f->book->audit);
    if (f->other_history && last != NULL) {
        struct fork_log *const a = read_mirror(f->book, last->epoch, f->node);
        struct fork_log *const b = read_node(f, s, last->epoch);
        write_evidence(k, path, s, a, b, last->epoch, f->node);
        fork_log_destroy(a);
        fork_log_destroy(b);
    }
    const int n = snprintf(text, sizeof text, "%s: %s.", f->address, f->why);
    if (path[0] != '\0' && n > 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, _(" Its signatures convict it: %s"), path);
    json_t *const row = json_object();
    json_object_set_new(row, "kind", json_string("CONTRADICTS_ITSELF"));
    json_object_set_new(row, "node", json_integer(f->node));
    json_object_set_new(row, "address", json_string(f->address));
    json_object_set_new(row, "what", json_string(f->why_plain));
    json_object_set_new(row, "evidence", path[0] == '\0' ? json_null() : json_string(path));
    add(k, row, text);
}

void apart_other_than_witnessed(struct apart *k, const struct follower *f, const struct mr_head *h)
{
    char text[1024];
    snprintf(text, sizeof text,
             _("Node %u shows another history than the witnesses saw: their cosigned head of %llu "
               "leaves is not in it."),
             (unsigned)f->node, (unsigned long long)h->size);
    add(k,
        json_pack("{s:s,s:i,s:s,s:I,s:n}", "kind", "OTHER_THAN_WITNESSED", "node", (int)f->node,
                  "address", f->address, "size", (json_int_t)h->size, "evidence"),
        text);
}

void apart_not_witnessed(struct apart *k, const struct follower *f, const char *state,
                         uint64_t checkpoint, const char *names)
{
    char text[2048];
    if (strcmp(state, "missing") == 0)
        snprintf(text, sizeof text,
                 _("Node %u: NOT WITNESSED. The charter wants witnesses, and too few have cosigned "
                   "anything of it since it was started. Missing: %s."),
                 (unsigned)f->node, names);
    else
        snprintf(text, sizeof text,
                 _("Node %u: LATE. Too few of the charter's witnesses have cosigned checkpoint "
                   "%llu, ten minutes later. Missing: %s."),
                 (unsigned)f->node, (unsigned long long)checkpoint, names);
    add(k,
        json_pack("{s:s,s:i,s:s,s:s,s:I,s:s,s:n}", "kind", "NOT_WITNESSED", "node", (int)f->node,
                  "address", f->address, "state", state, "checkpoint", (json_int_t)checkpoint,
                  "missing", names, "evidence"),
        text);
}
