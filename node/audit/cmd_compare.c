/* compare: the books of several nodes, slot by slot, and what each has of the others' logs. */
#include <stdlib.h>
#include <string.h>

#include "audit/base.h"
#include "audit/commands.h"
#include "audit/report.h"
#include "audit/source.h"
#include "common/heap.h"
#include "common/term.h"
#include "mereau/id.h"

enum { BOOKS_MAX = MR_NODES_MAX, SHOWN_MAX = 1000 };

const struct option_row compare_options[] = {
    {"charter", 'c', N_("FILE"), N_("charter that is trusted (else the source's own)")},
    {NULL, 0, NULL, NULL},
};

struct settled {
    uint8_t account[MR_ACCOUNT_BYTES];
    uint64_t seq;
    uint8_t value[MR_HASH_BYTES];
};

struct book {
    const char *path;
    struct mr_audit *audit;
    struct mr_audit_totals totals;
    struct settled *rows;
    size_t count, cap, at; /* at: how far the comparison has got */
    uint64_t missing;      /* slots that another book has settled */
    uint32_t begins;       /* epoch; 0: with the ledger */
    bool no_memory;
};

struct comparison {
    struct out *out;
    struct book *books;
    size_t count;
    char prefix[MR_PREFIX_MAX + 1];
    uint64_t conflicts, forks, unknown; /* unknown: logs that reach too far back to compare */
    json_t *conflict_rows, *fork_rows;
};

/* --- reading ---------------------------------------------------------------------------------- */

static void on_settled(void *ctx, const uint8_t account[MR_ACCOUNT_BYTES], uint64_t seq,
                       const uint8_t value[MR_HASH_BYTES])
{
    struct book *const b = ctx;
    if (b->count == b->cap) {
        const size_t cap = b->cap == 0 ? 1024 : b->cap * 2;
        struct settled *const rows = realloc(b->rows, cap * sizeof *rows);
        b->no_memory = b->no_memory || rows == NULL;
        if (rows == NULL)
            return;
        b->rows = rows;
        b->cap = cap;
    }
    struct settled *const s = &b->rows[b->count++];
    memcpy(s->account, account, sizeof s->account);
    s->seq = seq;
    memcpy(s->value, value, sizeof s->value);
}

/* Signatures are for verify. */
static enum mr_status on_turn(void *ctx, const struct mr_audit_turn *turn, uint64_t done)
{
    struct book *const b = ctx;
    (void)done;
    const enum mr_status st = mr_audit_feed(b->audit, turn);
    mr_audit_give(b->audit, mr_audit_take(b->audit));
    return b->no_memory ? MR_NO_MEMORY : st;
}

static int compare_slots(const struct settled *x, const struct settled *y)
{
    const int d = memcmp(x->account, y->account, sizeof x->account);
    return d != 0 ? d : x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int by_slot(const void *x, const void *y)
{
    return compare_slots(x, y);
}

static enum mr_status begin_book(struct book *b, const struct source *s)
{
    mr_audit_destroy(b->audit);
    b->audit = NULL;
    b->count = 0;
    const enum mr_status st =
        mr_audit_create(&b->audit, &heap, NULL, NULL, s->charter_bytes, s->charter_len);
    if (st != MR_OK)
        return out_fail(s->out, st == MR_NO_MEMORY ? st : MR_CHECK_FAILED,
                        _("the charter cannot be audited: %s"), status_sentence(st));
    mr_audit_watch(b->audit, on_settled, b);
    return MR_OK;
}

static enum mr_status read_book(struct book *b, struct source *s)
{
    enum mr_status st = source_walk(s, on_turn, b);
    if (st == MR_OK && s->damage[0] != '\0')
        return out_fail(s->out, MR_CHECK_FAILED, _("%s is damaged: %s"), b->path, s->damage);
    if (st == MR_OK)
        st = mr_audit_end(b->audit, &b->totals);
    if (st != MR_OK)
        return s->out->failed ? st : out_fail(s->out, st, NULL);
    b->begins = mr_audit_begins(b->audit);
    if (b->count > 0)
        qsort(b->rows, b->count, sizeof *b->rows, by_slot);
    return MR_OK;
}

/* --- slots ------------------------------------------------------------------------------------ */

static void conflict(struct comparison *k, const struct settled *slot)
{
    char address[MR_ADDRESS_TEXT_MAX], hex[2 * MR_HASH_BYTES + 1];
    if (k->conflicts++ >= SHOWN_MAX)
        return;
    json_t *const row = json_object(), *const values = json_array();
    mr_address_format(address, k->prefix, slot->account);
    out_print(k->out, _("%s no. %llu is settled with two values:\n"), address,
              (unsigned long long)slot->seq);
    for (size_t i = 0; i < k->count; i++) {
        const struct book *const b = &k->books[i];
        if (b->at == b->count || compare_slots(&b->rows[b->at], slot) != 0)
            continue;
        mr_hex_format(hex, b->rows[b->at].value, MR_HASH_BYTES);
        json_t *const value = json_object();
        json_object_set_new(value, "source", json_string(b->path));
        json_object_set_new(value, "value", json_string(hex));
        json_array_append_new(values, value);
        out_print(k->out, "  %s: %s\n", b->path, hex);
    }
    json_object_set_new(row, "address", json_string(address));
    json_object_set_new(row, "seq", json_integer((json_int_t)slot->seq));
    json_object_set_new(row, "values", values);
    json_array_append_new(k->conflict_rows, row);
}

/* What the comparison has not seen of a book; NULL: nothing is left. */
static const struct settled *row_of(const struct book *b)
{
    return b->at < b->count ? &b->rows[b->at] : NULL;
}

/* The first slot that some book has and the comparison has not seen; NULL: none is left. */
static const struct settled *next_slot(const struct comparison *k)
{
    const struct settled *first = NULL;
    for (size_t i = 0; i < k->count; i++) {
        const struct settled *const row = row_of(&k->books[i]);
        if (row != NULL && (first == NULL || compare_slots(row, first) < 0))
            first = row;
    }
    return first;
}

static void compare_all(struct comparison *k)
{
    for (const struct settled *slot; (slot = next_slot(k)) != NULL;) {
        const struct settled now = *slot;
        bool same = true, here[BOOKS_MAX] = {false};
        for (size_t i = 0; i < k->count; i++) {
            const struct settled *const row = row_of(&k->books[i]);
            here[i] = row != NULL && compare_slots(row, &now) == 0;
            same = same && (!here[i] || memcmp(row->value, now.value, 32) == 0);
        }
        if (!same)
            conflict(k, &now);
        for (size_t i = 0; i < k->count; i++) {
            k->books[i].at += here[i];
            k->books[i].missing += !here[i];
        }
    }
}

/* --- logs ------------------------------------------------------------------------------------- */

/* What a book has of a node's log is the beginning, or the whole, of what that node's book has. */
static void compare_log(struct comparison *k, const struct book *of, const struct book *in,
                        uint32_t epoch)
{
    uint8_t root[32], other[32];
    const uint32_t node = of->totals.node;
    const uint64_t own = mr_audit_log_size(of->audit, epoch, node),
                   seen = mr_audit_log_size(in->audit, epoch, node);
    const uint64_t size = own < seen ? own : seen;
    if (size == 0)
        return;
    if (!mr_audit_log_root(of->audit, epoch, node, size, root) ||
        !mr_audit_log_root(in->audit, epoch, node, size, other)) {
        k->unknown++;
        return;
    }
    if (memcmp(root, other, 32) == 0)
        return;
    k->forks++;
    json_t *const row = json_object();
    json_object_set_new(row, "node", json_integer(node));
    json_object_set_new(row, "epoch", json_integer(epoch));
    json_object_set_new(row, "size", json_integer((json_int_t)size));
    json_object_set_new(row, "source", json_string(of->path));
    json_object_set_new(row, "other", json_string(in->path));
    json_array_append_new(k->fork_rows, row);
    out_print(k->out, _("Node %u showed two histories: %s has another log of it than %s\n"),
              (unsigned)node, in->path, of->path);
}

static void compare_logs(struct comparison *k, const struct book *of, const struct book *in)
{
    for (uint32_t i = 0; of->totals.node != 0 && i < of->totals.epochs_count; i++)
        compare_log(k, of, in, of->totals.epochs[i].epoch);
}

/* --- saying so -------------------------------------------------------------------------------- */

/* Whether all books have settled the same, and their states can be compared. */
static bool all_there(const struct comparison *k)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->books[i].missing > 0 || !k->books[i].totals.state_known)
            return false;
    }
    return true;
}

static bool all_equal(const struct comparison *k)
{
    for (size_t i = 1; i < k->count; i++) {
        if (memcmp(k->books[i].totals.state_root, k->books[0].totals.state_root, 32) != 0)
            return false;
    }
    return all_there(k);
}

static void describe(const struct comparison *k)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < k->count; i++) {
        const struct book *const b = &k->books[i];
        char root[2 * MR_HASH_BYTES + 1];
        json_t *const o = json_object();
        mr_hex_format(root, b->totals.state_root, MR_HASH_BYTES);
        json_object_set_new(o, "source", json_string(b->path));
        json_object_set_new(o, "node", json_integer(b->totals.node));
        json_object_set_new(o, "epoch", json_integer(b->totals.epoch));
        json_object_set_new(o, "slots", json_integer((json_int_t)b->count));
        json_object_set_new(o, "missing", json_integer((json_int_t)b->missing));
        json_object_set_new(o, "log_size", json_integer((json_int_t)b->totals.leaves));
        json_object_set_new(o, "state_root",
                            b->totals.state_known ? json_string(root) : json_null());
        json_array_append_new(list, o);
        out_print(k->out, _("%s: node %u, %llu slots settled, %llu of the others' missing\n"),
                  b->path, (unsigned)b->totals.node, (unsigned long long)b->count,
                  (unsigned long long)b->missing);
    }
    out_json(k->out, "books", list);
    out_json(k->out, "conflicts", k->conflict_rows);
    out_json(k->out, "forks", k->fork_rows);
    out_int(k->out, "conflicts_total", (int64_t)k->conflicts);
    out_int(k->out, "logs_unchecked", (int64_t)k->unknown);
    if (k->unknown > 0)
        out_print(k->out,
                  _("Not checked: logs of which one book has far more than another: %llu\n"),
                  (unsigned long long)k->unknown);
    out_bool(k->out, "equal", all_equal(k));
}

static void conclude(struct comparison *k)
{
    k->conflict_rows = json_array();
    k->fork_rows = json_array();
    compare_all(k);
    for (size_t i = 0; i < k->count; i++)
        for (size_t j = 0; j < k->count; j++)
            if (i != j)
                compare_logs(k, &k->books[i], &k->books[j]);
    describe(k);
    const bool apart = k->conflicts == 0 && all_there(k) && !all_equal(k);
    if (apart)
        out_print(k->out, _("They have settled the same, and their states differ.\n"));
    if (k->conflicts > 0 || k->forks > 0 || apart)
        out_fail(k->out, MR_CHECK_FAILED, _("these books contradict each other"));
    else if (all_equal(k))
        out_print(k->out, _("The books agree, down to the root of their states.\n"));
    else
        out_print(k->out, _("No contradiction: what is settled in several books is the same.\n"));
}

static enum mr_status read_all(struct comparison *k, const struct command *c)
{
    static struct source s;
    uint8_t ledger[32];
    for (size_t i = 0; i < k->count; i++) {
        k->books[i].path = c->args[i];
        enum mr_status st = source_open_path(&s, c, k->out, c->args[i]);
        if (st == MR_OK && i > 0 && memcmp(s.ledger, ledger, 32) != 0)
            st = out_fail(k->out, MR_CHECK_FAILED, _("%s is of another ledger"), c->args[i]);
        if (st == MR_OK) {
            memcpy(ledger, s.ledger, 32);
            memcpy(k->prefix, s.charter->prefix, s.charter->prefix_len + 1);
            st = begin_book(&k->books[i], &s);
        }
        if (st == MR_OK)
            st = read_book(&k->books[i], &s);
        source_close(&s);
        if (st != MR_OK)
            return st;
    }
    return MR_OK;
}

/* A book that leads to where another one begins; NULL: none of them does. */
static const struct book *base_of(const struct comparison *k, const struct book *b)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->books[i].begins == 0 && k->books[i].totals.epoch >= b->begins)
            return &k->books[i];
    }
    return NULL;
}

/* Of a node that joined later, behind the book of another. */
static enum mr_status read_behind(struct comparison *k, const struct command *c, struct book *b)
{
    static struct source s;
    const uint32_t begins = b->begins;
    const struct book *const base = base_of(k, b);
    if (base == NULL)
        return out_fail(k->out, MR_CHECK_FAILED,
                        _("%s begins in epoch %u: give the book of a node that was there before"),
                        b->path, (unsigned)begins);
    enum mr_status st = source_open_path(&s, c, k->out, base->path);
    if (st == MR_OK)
        st = begin_book(b, &s);
    if (st == MR_OK)
        st = base_read(b->audit, &s, base->path, begins, false);
    source_close(&s);
    if (st == MR_OK) {
        st = source_open_path(&s, c, k->out, b->path);
        if (st == MR_OK)
            st = read_book(b, &s);
        source_close(&s);
    }
    b->begins = begins;
    return st;
}

static enum mr_status read_later(struct comparison *k, const struct command *c)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; st == MR_OK && i < k->count; i++) {
        if (k->books[i].begins != 0)
            st = read_behind(k, c, &k->books[i]);
    }
    return st;
}

void cmd_compare(struct command *c, struct out *out)
{
    struct comparison k = {.out = out, .count = c->arg_count};
    if (k.count < 2 || k.count > BOOKS_MAX) {
        out_fail(out, MR_USAGE, _("which books? Give two or more directories or exports"));
        return;
    }
    k.books = calloc(k.count, sizeof *k.books);
    if (k.books == NULL)
        out_fail(out, MR_NO_MEMORY, NULL);
    else if (read_all(&k, c) == MR_OK && read_later(&k, c) == MR_OK)
        conclude(&k);
    for (size_t i = 0; k.books != NULL && i < k.count; i++) {
        mr_audit_destroy(k.books[i].audit);
        free(k.books[i].rows);
    }
    free(k.books);
}
