/* witness: cosigns the heads of nodes, each after it was proved to extend the one before. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/commands.h"
#include "audit/source.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/link_stop.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/receipt.h"
#include "storage/lock.h"

enum {
    WATCHED_MAX = MR_NODES_MAX,
    EVERY_MS = 1000,
    AGAIN_MS = 60000,
    HEAD_BYTES_MAX = 512,
    /* One that does not answer must not keep the others waiting. */
    ANSWER_MS = 2000,
    PAUSE_MS_MAX = 8000,
    /* One that was refused: what it shows later may be right. */
    REFUSED_MS_MAX = 60000,
    /* Of one node, by one run: a node that never shows the same twice fills no disk. */
    NOTES_MAX = 100,
};

const struct option_row witness_options[] = {
    {"node", 'n', N_("HOST:PORT"), N_("a node to cosign for; may be given several times")},
    {"key", 'k', N_("FILE"), N_("key file that cosigns, and by which the nodes know it")},
    {"name", 0, N_("NAME"), N_("name of this witness in its cosignatures, like an address")},
    {"charter", 'c', N_("FILE"), N_("charter that is trusted (else the first node's own)")},
    {"once", '1', NULL, N_("cosign what is there and end, for a timer")},
    SECRET_OPTIONS,
    {NULL, 0, NULL, NULL},
};

struct watched {
    const char *address;
    struct link *link;
    struct mr_head last; /* cosigned, of the newest log; size 0: none */
    uint64_t handed_ms;  /* time of the head that was handed in by this process */
    uint64_t again_ms;   /* monotonic: the same head is cosigned again, which says that we look */
    uint64_t next_ms, pause_ms; /* monotonic; it did not answer, and is left alone until then */
    uint64_t refused_ms;        /* the same after the last refusal; it only grows */
    enum mr_status status;
    bool refused, recalled;
    char why[256]; /* it was refused the last time */
    size_t notes;
};

struct witness {
    const struct command *c;
    struct out *out;
    const char *dir, *name;
    struct source s; /* charter, key */
    struct mr_pubkey public;
    struct dir_lock *lock;
    struct watched nodes[WATCHED_MAX];
    size_t count;
    uint64_t cosigned;
    struct mr_request_body request;
    struct mr_reply reply;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

/* --- what was cosigned ------------------------------------------------------------------------ */

/* One file a log: ledger by the directory, node, epoch and generation by the name. */
static enum mr_status head_path(const struct witness *w, char ret[FILE_PATH_MAX],
                                const struct mr_head *h)
{
    char name[64];
    snprintf(name, sizeof name, "cosigned-%u-%u-%u.head", (unsigned)h->node, (unsigned)h->epoch,
             (unsigned)h->generation);
    return path_join(ret, w->dir, name);
}

/* MR_OK; MR_NO_SUCH_FILE: nothing of this log was cosigned yet; MR_DAMAGED: it cannot be told. */
static enum mr_status load_head(const struct witness *w, struct mr_head *ret,
                                const struct mr_head *of)
{
    char path[FILE_PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum mr_status st = head_path(w, path, of);
    if (st == MR_OK)
        st = file_read(&bytes, &len, path, HEAD_BYTES_MAX);
    if (st == MR_OK && mr_head_decode(ret, bytes, len) != MR_OK)
        st = MR_DAMAGED;
    free(bytes);
    return st;
}

/* The charter is trusted from the first cosignature on, not before. */
static enum mr_status keep_charter(const struct witness *w)
{
    char path[FILE_PATH_MAX];
    const enum mr_status st = path_join(path, w->dir, "charter.mrc");
    if (st != MR_OK || file_exists(path))
        return st;
    return file_write(path, w->s.charter_bytes, w->s.charter_len, 0644, true);
}

static enum mr_status save_head(const struct witness *w, const struct mr_head *h)
{
    char path[FILE_PATH_MAX];
    uint8_t bytes[HEAD_BYTES_MAX];
    const size_t n = mr_head_encode(h, bytes, sizeof bytes);
    enum mr_status st = keep_charter(w);
    if (st == MR_OK)
        st = head_path(w, path, h);
    if (st == MR_OK)
        st = file_write(path, bytes, n, 0600, true);
    return st;
}

/* --- whether a head extends it ---------------------------------------------------------------- */

/* Its head is looked at again later: n->refused goes when one extends what was cosigned. */
static enum mr_status refuse(struct watched *n, const char *why)
{
    n->refused = true;
    n->status = MR_FORKED;
    snprintf(n->why, sizeof n->why, "%s", why);
    return MR_FORKED;
}

/* For now: it is called again. */
static enum mr_status hang_up(struct watched *n, enum mr_status st)
{
    link_close(n->link);
    n->link = NULL;
    n->status = st;
    return st;
}

/* What contradicts the head that was cosigned, as a signed note: whoever has both convicts the
 * node. */
static void keep_note(const struct witness *w, struct watched *n, const struct mr_head *h,
                      const struct mr_pubkey *key)
{
    char note[MR_NOTE_MAX], path[FILE_PATH_MAX], name[96];
    const size_t len = mr_head_note(note, w->s.ledger, h, key);
    snprintf(name, sizeof name, "refused-%u-%u-%u-%llu.note", (unsigned)h->node, (unsigned)h->epoch,
             (unsigned)h->generation, (unsigned long long)h->size);
    if (n->notes >= NOTES_MAX || path_join(path, w->dir, name) != MR_OK || file_exists(path))
        return;
    n->notes++;
    file_write(path, note, len, 0600, true);
}

/* Two heads of one size and log with different roots convict by themselves (EVD-3). */
static void write_evidence(const struct witness *w, const struct mr_head *older,
                           const struct mr_head *newer)
{
    char path[FILE_PATH_MAX], name[64];
    struct mr_evidence *const e = calloc(1, sizeof *e);
    if (e == NULL)
        return;
    e->version = 1;
    memcpy(e->ledger, w->s.ledger, sizeof e->ledger);
    e->body.kind = MR_EVIDENCE_FORK;
    e->body.u.fork.older = *older;
    e->body.u.fork.newer = *newer;
    memcpy(e->body.u.fork.root, newer->root, 32);
    snprintf(name, sizeof name, "evidence-node%u-epoch%u.mre", (unsigned)newer->node,
             (unsigned)newer->epoch);
    if (path_join(path, w->dir, name) == MR_OK && !file_exists(path))
        epochs_write_evidence(&w->s.epochs, e, newer->epoch, path, true);
    free(e);
}

static enum mr_status extends(const struct witness *w, struct watched *n, const struct mr_head *old,
                              const struct mr_rep_head *r)
{
    const struct mr_head *const h = &r->head;
    if (h->size < old->size)
        return refuse(n, _("its head covers less than one that was cosigned: it went back"));
    if (h->size == old->size && memcmp(h->root, old->root, 32) != 0) {
        write_evidence(w, old, h);
        return refuse(n,
                      _("it signed another history of the same size: its signatures convict it"));
    }
    if (h->size > old->size && !mr_consistency_verify(old->root, old->size, h->root, h->size,
                                                      r->consistency, r->consistency_count))
        return refuse(n, _("its head does not extend the one that was cosigned"));
    if (h->time_ms < old->time_ms)
        return refuse(n, _("the time of its head goes back"));
    return MR_OK;
}

/* A RESTART that kept less than was cosigned forgets it: governance answers for that, and the
 * witness says so. */
static void look_at_restart(const struct witness *w, const struct watched *n,
                            const struct mr_rep_head *r)
{
    if (n->last.size == 0 || r->handover_count == 0 ||
        r->handover[r->handover_count - 1].kind != MR_HANDOVER_RESTART)
        return;
    const struct mr_restart *const x = &r->handover[r->handover_count - 1].u.restart.restart;
    if (x->last_size < n->last.size)
        out_warn(w->out, "restart",
                 "governance restarted the node and forgot leaves that were cosigned",
                 _("%s: governance let the node begin anew with %llu leaves; %llu were cosigned"),
                 n->address, (unsigned long long)x->last_size, (unsigned long long)n->last.size);
}

/* The head in the reply: of this ledger's node, and extending what was cosigned of its log. */
static enum mr_status check_head(struct witness *w, struct watched *n)
{
    const struct mr_rep_head *const r = &w->reply.body.u.head;
    struct mr_roster roster;
    struct mr_head old;
    enum mr_status st = source_learn(&w->s, n->link, r);
    if (st != MR_OK) /* no answer, or no proof of the epoch: nothing to cosign, nothing to hold */
        return hang_up(n, st);
    if (w->s.charter->nodes_count == 1 && !source_is_node(&w->s, n->link))
        return hang_up(n, MR_WRONG_NODE);
    const struct mr_chain chain = epochs_chain(&w->s.epochs);
    st = mr_roster_reach(&roster, w->s.charter, &chain, NULL, 0, r->head.epoch);
    const struct mr_pubkey *const key = st == MR_OK ? mr_roster_key(&roster, &r->head) : NULL;
    if (key == NULL || !mr_head_verify(&r->head, w->s.ledger, key))
        return refuse(n, _("its head is not signed with a key that the charter leads to"));
    if (n->last.size > 0 && r->head.node != n->last.node)
        return refuse(n, _("it is another node than before"));
    if (n->last.size > 0 && r->head.epoch < n->last.epoch)
        return refuse(n, _("its head is of an epoch that is over"));
    st = load_head(w, &old, &r->head);
    if (st == MR_NO_SUCH_FILE) {
        look_at_restart(w, n, r);
        return MR_OK;
    }
    if (st != MR_OK)
        return out_fail(w->out, st, _("what was cosigned cannot be read in %s: %s"), w->dir,
                        status_sentence(st));
    st = extends(w, n, &old, r);
    if (st != MR_OK)
        keep_note(w, n, &r->head, key);
    return st;
}

/* --- one node --------------------------------------------------------------------------------- */

static enum mr_status call(struct witness *w, struct watched *n)
{
    n->status = link_call(n->link, &w->reply, &w->request);
    return n->status == MR_OK ? MR_OK : hang_up(n, n->status);
}

/* The node is shown the highest head of its log that was cosigned: one that lost it stops signing
 * (JNL-9). */
static void identify(struct witness *w, struct watched *n)
{
    static const uint8_t nobody[MR_ACCOUNT_BYTES];
    link_identify(n->link, MR_AUTH_AUDITOR, nobody, 0, w->s.key,
                  n->last.size > 0 ? &n->last : NULL);
}

static bool is_silent(enum mr_status st)
{
    return st == MR_NO_ANSWER || st == MR_UNREACHABLE;
}

static enum mr_status connect_to(struct witness *w, struct watched *n)
{
    const bool hurry = w->count > 1 && !opt_flag(w->c, "once") && !w->c->timeout_given &&
                       w->c->timeout_ms > ANSWER_MS;
    const struct link_config config = {.address = n->address,
                                       .ledger = w->s.ledger,
                                       .timeout_ms = hurry ? ANSWER_MS : w->c->timeout_ms};
    if (n->link != NULL)
        return MR_OK;
    n->status = link_open(&n->link, &config);
    if (n->status == MR_OK)
        identify(w, n);
    return n->status;
}

static enum mr_status ask_head(struct witness *w, struct watched *n)
{
    memset(&w->request, 0, sizeof w->request);
    w->request.kind = MR_REQ_HEAD;
    w->request.u.head.from_size = n->last.size;
    w->request.u.head.cosigner_count = 1;
    w->request.u.head.cosigner[0] = w->public;
    enum mr_status st = call(w, n);
    const struct mr_head *const h = &w->reply.body.u.head.head;
    struct mr_head old;
    /* After a start: the proof must begin where this log was cosigned last. */
    if (st == MR_OK && h->size > 0 && load_head(w, &old, h) == MR_OK &&
        old.size != w->request.u.head.from_size) {
        w->request.u.head.from_size = old.size;
        n->last = old;
        identify(w, n);
        st = call(w, n);
    }
    return st;
}

static enum mr_status hand_in(struct witness *w, struct watched *n, const struct mr_head *h)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    memset(&w->request, 0, sizeof w->request);
    w->request.kind = MR_REQ_COSIGN;
    struct mr_req_cosign *const q = &w->request.u.cosign;
    q->head = *h;
    q->cosignature.name_len = (uint32_t)strlen(w->name);
    memcpy(q->cosignature.name, w->name, q->cosignature.name_len);
    mr_cosignature_sign(&q->cosignature, h, w->s.ledger, w->s.key, &w->public,
                        (uint64_t)now.tv_sec);
    const enum mr_status st = call(w, n);
    if (st == MR_OK) {
        n->handed_ms = h->time_ms;
        n->again_ms = clock_ms(CLOCK_MONOTONIC) + AGAIN_MS;
        w->cosigned++;
    }
    return st;
}

/* --- a memory that went back ------------------------------------------------------------------ */

/* Whether this is our own cosignature over a head of the node's. */
static bool is_ours(struct witness *w, const struct watched *n, const struct mr_cosigned_head *c)
{
    for (uint32_t i = 0; i < c->cosignatures_count; i++)
        if (memcmp(c->cosignatures[i].key, w->public.key, MR_KEY_BYTES) == 0)
            return (n->last.size == 0 || c->head.node == n->last.node) &&
                   mr_cosignature_verify(&c->cosignatures[i], &c->head, w->s.ledger);
    return false;
}

/* What we cosigned and have forgotten: our own signature says so, whoever shows it. */
static enum mr_status recall_one(struct witness *w, struct watched *n, const struct mr_head *h)
{
    struct mr_head kept;
    enum mr_status st = load_head(w, &kept, h);
    if (st == MR_OK &&
        (kept.size > h->size || (kept.size == h->size && kept.time_ms >= h->time_ms)))
        return MR_OK;
    if (st != MR_OK && st != MR_NO_SUCH_FILE)
        return MR_OK; /* it is told when the node's head is looked at */
    out_warn(w->out, "memory", "this witness had forgotten what it cosigned",
             _("%s WENT BACK: this key has cosigned %llu leaves of the node at %s, and the "
               "directory knows of %llu. Was it restored from a copy, or is the key in use "
               "elsewhere? It goes on from what was cosigned"),
             w->dir, (unsigned long long)h->size, n->address,
             (unsigned long long)(st == MR_OK ? kept.size : 0));
    st = save_head(w, h);
    return st == MR_OK ? st
                       : out_fail(w->out, st == MR_DISK_FULL ? MR_IO_ERROR : st,
                                  _("%s cannot be written: %s"), w->dir, status_sentence(st));
}

/* Once for each node, before it is cosigned. A node that hides it shows none; others may. */
static enum mr_status recall(struct witness *w, struct watched *n)
{
    enum mr_status st = MR_OK;
    if (n->recalled)
        return MR_OK;
    memset(&w->request, 0, sizeof w->request);
    w->request.kind = MR_REQ_COSIGNED;
    const enum mr_status says = link_call(n->link, &w->reply, &w->request);
    if (is_silent(says))
        hang_up(n, says);
    if (says != MR_OK)
        return MR_OK;
    n->recalled = true;
    const struct mr_rep_cosigned *const r = &w->reply.body.u.cosigned;
    for (uint32_t i = 0; st == MR_OK && i < r->heads_count; i++)
        if (is_ours(w, n, &r->heads[i]))
            st = recall_one(w, n, &r->heads[i].head);
    return st;
}

/* MR_OK whatever the node does, but when this host is in trouble. The new head is on the disk
 * before it is cosigned: what was cosigned is never forgotten. */
static enum mr_status attend(struct witness *w, struct watched *n)
{
    if (connect_to(w, n) != MR_OK)
        return MR_OK;
    enum mr_status st = recall(w, n);
    if (st != MR_OK)
        return st;
    if (n->link == NULL || ask_head(w, n) != MR_OK)
        return MR_OK;
    const struct mr_head h = w->reply.body.u.head.head;
    const bool again = n->refused || clock_ms(CLOCK_MONOTONIC) >= n->again_ms;
    if (h.size == 0 || (h.time_ms == n->handed_ms && !again))
        return MR_OK;
    st = check_head(w, n);
    if (st != MR_OK)
        return w->out->failed ? st : MR_OK;
    st = save_head(w, &h);
    if (st != MR_OK)
        return out_cannot_write(w->out, w->dir, st);
    n->last = h;
    n->refused = false;
    hand_in(w, n, &h);
    return MR_OK;
}

static uint64_t longer(uint64_t pause_ms, uint64_t most)
{
    const uint64_t next = pause_ms == 0 ? EVERY_MS : 2 * pause_ms;
    return next < most ? next : most;
}

/* The same, unless it did not answer a moment ago, or was refused. */
static enum mr_status attend_in_turn(struct witness *w, struct watched *n)
{
    if (clock_ms(CLOCK_MONOTONIC) < n->next_ms)
        return MR_OK;
    const enum mr_status st = attend(w, n);
    const uint64_t now = clock_ms(CLOCK_MONOTONIC);
    n->pause_ms = is_silent(n->status) ? longer(n->pause_ms, PAUSE_MS_MAX) : 0;
    n->next_ms = now + n->pause_ms;
    if (n->status == MR_FORKED) {
        n->refused_ms = longer(n->refused_ms, REFUSED_MS_MAX);
        n->next_ms = now + n->refused_ms;
    }
    return st;
}

/* --- the command ------------------------------------------------------------------------------ */

static enum mr_status prepare(struct witness *w)
{
    pid_t holder = 0;
    enum mr_status st = dir_make(w->dir);
    if (st == MR_OK)
        st = lock_take(&w->lock, w->dir, &holder);
    if (st == MR_IN_USE)
        return out_fail(w->out, st, _("%s is in use by process %ld already"), w->dir, (long)holder);
    if (st != MR_OK)
        return out_fail(w->out, st, _("%s cannot be written: %s"), w->dir, status_sentence(st));
    return source_own_charter(&w->s, w->dir);
}

static enum mr_status read_arguments(struct witness *w)
{
    w->count = opt_count(w->c, "node");
    if (w->count == 0 || w->count > WATCHED_MAX)
        return out_fail(w->out, MR_USAGE, _("for whom? Give --node HOST:PORT, once or more"));
    for (size_t i = 0; i < w->count; i++)
        w->nodes[i].address = opt_nth(w->c, "node", i);
    w->name = opt_text(w->c, "name");
    if (w->name == NULL || w->name[0] == '\0' || strlen(w->name) > MR_NAME_MAX ||
        strpbrk(w->name, " \t+") != NULL)
        return out_fail(
            w->out, MR_USAGE,
            _("who is this? Give --name NAME, without blanks, like witness.example.org"));
    const enum mr_status st = source_read_key(&w->s);
    if (st == MR_OK) {
        w->public.alg = MR_ALG_ED25519;
        memcpy(w->public.key, w->s.key->bytes + MR_KEY_BYTES, MR_KEY_BYTES);
    }
    return st;
}

static void conclude(struct witness *w)
{
    json_t *const list = json_array();
    size_t refused = 0, silent = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct watched *const n = &w->nodes[i];
        const enum mr_status st = n->refused ? MR_FORKED : n->status;
        json_t *const o = json_object();
        refused += n->refused;
        silent += !n->refused && n->status != MR_OK;
        json_object_set_new(o, "address", json_string(n->address));
        json_object_set_new(o, "status", json_string(mr_status_name(st)));
        json_object_set_new(o, "size", json_integer((json_int_t)n->last.size));
        json_array_append_new(list, o);
        if (n->refused)
            out_print(w->out, _("%s: not cosigned: %s\n"), n->address, n->why);
        else if (n->status != MR_OK)
            out_print(w->out, _("%s: not cosigned: %s\n"), n->address,
                      source_why(&w->s, n->status));
        else
            out_print(w->out, _("%s: cosigned up to %llu leaves\n"), n->address,
                      (unsigned long long)n->last.size);
    }
    out_json(w->out, "nodes", list);
    out_int(w->out, "cosigned", (int64_t)w->cosigned);
    if (refused > 0)
        out_fail(w->out, MR_FORKED, _("a node shows another history than was cosigned"));
    else if (silent > 0)
        out_fail(w->out, MR_NO_ANSWER, _("%zu of %zu nodes took no cosignature"), silent, w->count);
}

/* Once when a node is refused, or for another reason than before, and once when it is right. */
static enum mr_status attend_aloud(struct witness *w, struct watched *n)
{
    char why[sizeof n->why];
    const bool was = n->refused;
    memcpy(why, n->why, sizeof why);
    const enum mr_status st = attend_in_turn(w, n);
    if (n->refused && (!was || strcmp(why, n->why) != 0))
        out_note(w->out, "%s: %s", n->address, n->why);
    else if (was && !n->refused)
        out_note(w->out, _("%s is right again: what it shows extends what was cosigned"),
                 n->address);
    return st;
}

static void watch(struct witness *w)
{
    const struct timespec pause = {EVERY_MS / 1000, 0};
    const bool once = opt_flag(w->c, "once");
    enum mr_status st = MR_OK;
    while (st == MR_OK && stop == 0) {
        for (size_t i = 0; st == MR_OK && i < w->count && stop == 0; i++)
            st = once ? attend(w, &w->nodes[i]) : attend_aloud(w, &w->nodes[i]);
        if (once || stop != 0)
            break;
        nanosleep(&pause, NULL);
    }
    if (st == MR_OK)
        conclude(w);
}

void cmd_witness(struct command *c, struct out *out)
{
    static struct witness w;
    const struct sigaction note = {.sa_handler = on_signal};
    w = (struct witness){.c = c, .out = out, .dir = c->args[0], .s = {.c = c, .out = out}};
    sigaction(SIGINT, &note, NULL);
    sigaction(SIGTERM, &note, NULL);
    link_stop_on(&stop);
    if (read_arguments(&w) == MR_OK && prepare(&w) == MR_OK)
        watch(&w);
    for (size_t i = 0; i < w.count; i++)
        link_close(w.nodes[i].link);
    source_close(&w.s);
    lock_release(w.lock);
}
