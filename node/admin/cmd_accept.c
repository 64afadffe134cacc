/* restore --accept: governance lets a node that lost its memory sign again, in a new log with a new
 * key (JNL-9). Each holder of a governance key runs it once; the last one completes it. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/cmd.h"
#include "admin/node_key.h"
#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/log.h"
#include "mereau/order.h"
#include "storage/journal_scan.h"
#include "storage/lock.h"

enum { RESTART_BYTES_MAX = 4096, DEPTH_MAX = 64, CLAIMS_DAYS = 90 };

static const char next_key_name[] = "node.key.next";

/* What is left of the log: epoch, size and root, in one pass and constant memory. */
struct kept {
    uint32_t epoch, generation, height[DEPTH_MAX], depth;
    uint64_t size;
    bool abstaining;
    uint8_t node[DEPTH_MAX][32];
    struct mr_entry entry;
};

static void kept_begin(struct kept *k, uint32_t epoch, uint32_t generation)
{
    k->epoch = epoch;
    k->generation = generation;
    k->size = k->depth = 0;
    k->abstaining = false;
}

static void kept_leaf(struct kept *k, const uint8_t *leaf, size_t len)
{
    uint8_t hash[32];
    uint32_t height = 0;
    mr_leaf_hash(hash, leaf, len);
    for (; k->depth > 0 && k->height[k->depth - 1] == height; height++)
        mr_node_hash(hash, k->node[--k->depth], hash);
    memcpy(k->node[k->depth], hash, 32);
    k->height[k->depth++] = height;
    k->size++;
}

static void kept_root(const struct kept *k, uint8_t ret[32])
{
    if (k->depth == 0) {
        crypto_hash_sha256(ret, NULL, 0);
        return;
    }
    memcpy(ret, k->node[k->depth - 1], 32);
    for (uint32_t i = k->depth - 1; i > 0; i--)
        mr_node_hash(ret, k->node[i - 1], ret);
}

static enum mr_status kept_turn(void *ctx, const struct mr_frame *log, const uint8_t *payload,
                                const struct mr_frame *bodies, const uint8_t *bodies_payload)
{
    struct kept *k = ctx;
    (void)bodies;
    (void)bodies_payload;
    for (size_t at = 0, used; at < log->len; at += used) {
        if (mr_entry_decode_first(&k->entry, &used, payload + at, log->len - at) != MR_OK)
            return MR_DAMAGED;
        if (k->entry.kind == MR_ENTRY_LEAF)
            kept_leaf(k, payload + at + 4, used - 4);
        else if (k->entry.kind == MR_ENTRY_RESTART)
            kept_begin(k, k->entry.u.restart.restart.epoch, k->entry.u.restart.restart.generation);
        else if (k->entry.kind == MR_ENTRY_ABSTAIN)
            k->abstaining = true;
    }
    return MR_OK;
}

struct accepting {
    struct admin a;
    struct dir_lock *lock;
    struct mr_signed_restart restart;
    char abstain[FILE_PATH_MAX], part[FILE_PATH_MAX], whole[FILE_PATH_MAX], key[FILE_PATH_MAX],
        next_key[FILE_PATH_MAX];
};

static enum mr_status find_places(struct accepting *x)
{
    const struct {
        char *ret;
        const char *name;
    } places[] = {{x->abstain, "abstain"},
                  {x->part, "restart.part"},
                  {x->whole, "restart.mrr"},
                  {x->key, "node.key"},
                  {x->next_key, next_key_name}};
    pid_t holder = 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (path_join(places[i].ret, x->a.data, places[i].name) != MR_OK)
            return out_fail(x->a.out, MR_USAGE, NULL);
    const enum mr_status st = lock_take(&x->lock, x->a.data, &holder);
    if (st == MR_IN_USE)
        return out_fail(x->a.out, st, _("The node is running (process %d): stop it first."),
                        (int)holder);
    return st == MR_OK ? st : out_fail(x->a.out, st, NULL);
}

/* A new log key beside the old one; the transport key, which wallets know, stays. */
static enum mr_status make_key(struct accepting *x, struct mr_pubkey *ret)
{
    struct mr_seckey log, transport;
    struct mr_pubkey unused;
    enum mr_status st = node_key_renew(x->a.data, next_key_name);
    if (st == MR_OK)
        st = node_key_read(&log, ret, &transport, &unused, x->a.data, next_key_name);
    if (st == MR_OK) {
        mr_seckey_done(&log);
        mr_seckey_done(&transport);
    }
    return st == MR_OK ? st
                       : out_fail(x->a.out, st, _("The node's new key cannot be made: %s"),
                                  status_sentence(st));
}

/* The first signer writes down what is decided. */
static enum mr_status draft(struct accepting *x, int64_t claims_days)
{
    struct mr_restart *r = &x->restart.restart;
    struct mr_journal_report report = {0};
    struct kept *k = calloc(1, sizeof *k);
    char path[FILE_PATH_MAX];
    if (k == NULL || path_join(path, x->a.data, "journal") != MR_OK) {
        free(k);
        return out_fail(x->a.out, MR_NO_MEMORY, NULL);
    }
    kept_begin(k, 1, 1);
    const struct journal_scan_options options = {.mode = JOURNAL_CRASHED,
                                                 .ledger = x->a.ledger,
                                                 .node = x->a.own->number,
                                                 .turn = kept_turn,
                                                 .ctx = k};
    enum mr_status st = journal_scan(&report, path, &options);
    if (st != MR_OK) {
        free(k);
        return out_fail(x->a.out, st, _("the journal is damaged: %s"), report.text);
    }
    if (!k->abstaining && !file_exists(x->abstain)) {
        free(k);
        return out_fail(x->a.out, MR_NO_CHANGE,
                        _("the node of %s does not abstain: there is nothing to accept"),
                        x->a.data);
    }
    *r = (struct mr_restart){.version = 1,
                             .epoch = k->epoch + 1,
                             .node = x->a.own->number,
                             .generation = k->generation + 1,
                             .last_size = k->size,
                             .time_ms = admin_now_ms()};
    r->claims_until_ms = r->time_ms + (uint64_t)claims_days * MR_DAY_MS;
    memcpy(r->ledger, x->a.ledger, 32);
    kept_root(k, r->last_root);
    free(k);
    return make_key(x, &r->log_key);
}

static enum mr_status load_or_draft(struct accepting *x, int64_t claims_days)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum mr_status st = file_read(&bytes, &len, x->part, RESTART_BYTES_MAX);
    if (st == MR_NO_SUCH_FILE)
        return draft(x, claims_days);
    if (st == MR_OK)
        st = mr_signed_restart_decode(&x->restart, bytes, len);
    free(bytes);
    return st == MR_OK ? st
                       : out_fail(x->a.out, MR_DAMAGED,
                                  _("%s is damaged: remove it and begin again"), x->part);
}

static enum mr_status write_restart(struct accepting *x, const char *path)
{
    uint8_t bytes[RESTART_BYTES_MAX];
    const size_t n = mr_signed_restart_encode(&x->restart, bytes, sizeof bytes);
    const enum mr_status st = file_write(path, bytes, n, 0600, true);
    return st == MR_OK
               ? st
               : out_fail(x->a.out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

/* In an order that a crash may cut anywhere: the same command again goes on. */
static enum mr_status complete(struct accepting *x)
{
    enum mr_status st = write_restart(x, x->whole);
    if (st != MR_OK)
        return st;
    if (file_exists(x->next_key) && rename(x->next_key, x->key) != 0)
        return out_fail(x->a.out, MR_IO_ERROR, _("%s cannot be written: %s"), x->key,
                        status_sentence(MR_IO_ERROR));
    unlink(x->abstain);
    unlink(x->part);
    st = dir_sync(x->a.data);
    if (st != MR_OK)
        return out_fail(x->a.out, st, NULL);
    out_bool(x->a.out, "complete", true);
    out_print(
        x->a.out,
        _("Governance has accepted what is left: epoch %u begins, with a new node key.\n"
          "Start the node:  mereaud %s\n\n"
          "Until %s (UTC) wallets may hand in orders that had settled and are missing now;\n"
          "theirs do so by themselves. What nobody outside holds is lost. Make a backup now.\n"),
        (unsigned)x->restart.restart.epoch, x->a.data,
        admin_time(x->restart.restart.claims_until_ms));
    return MR_OK;
}

static enum mr_status agree(struct accepting *x)
{
    const struct mr_restart *r = &x->restart.restart;
    out_note(x->a.out,
             _("This begins epoch %u of the node in %s. %llu leaves of its log are kept.\n"
               "Whatever settled after them and is held by nobody outside is lost for good."),
             (unsigned)r->epoch, x->a.data, (unsigned long long)r->last_size);
    return term_confirm(x->a.c, x->a.out, _("Sign?"));
}

static bool signed_before(const struct mr_signed_restart *r, uint32_t key_index)
{
    for (uint32_t i = 0; i < r->sigs_count; i++)
        if (r->sigs[i].key_index == key_index)
            return true;
    return false;
}

static enum mr_status sign_and_keep(struct accepting *x)
{
    struct signer *s = x->a.signer;
    const struct mr_keyset *keys = &x->a.charter->governance;
    const uint32_t index = s->key->key_index;
    if (index >= keys->keys_count ||
        memcmp(keys->keys[index].key, s->public.key, MR_KEY_BYTES) != 0)
        return out_fail(x->a.out, MR_BAD_KEY,
                        _("this key is not one of the charter's governance keys"));
    const bool before = signed_before(&x->restart, index);
    enum mr_status st = signer_sign_restart(s, &x->restart, opt_flag(x->a.c, "again"));
    if (st == MR_SLOT_TAKEN)
        return out_fail(x->a.out, st,
                        _("this key signed another new epoch of that number before; two of them "
                          "would fork the ledger. If the other one was never used: --again"));
    if (st != MR_OK)
        return out_fail(x->a.out, st, NULL);
    st = write_restart(x, x->part);
    if (st != MR_OK)
        return st;
    st = mr_restart_verify(&x->restart, x->a.genesis);
    if (st == MR_OK)
        return complete(x);
    if (st != MR_SIGNATURES_MISSING)
        return out_fail(x->a.out, st, NULL);
    out_bool(x->a.out, "complete", false);
    out_int(x->a.out, "missing", (int64_t)(keys->threshold - x->restart.sigs_count));
    out_bool(x->a.out, "already", before);
    out_print(x->a.out,
              before ? _("You have signed already. %u more of governance must sign: each runs this "
                         "command with another key.\n")
                     : _("Signed. %u more of governance must sign: each runs this command with his "
                         "key.\n"),
              (unsigned)(keys->threshold - x->restart.sigs_count));
    return MR_OK;
}

void cmd_accept(struct command *c, struct out *out)
{
    struct accepting *x = calloc(1, sizeof *x);
    int64_t days = CLAIMS_DAYS;
    if (x == NULL) {
        out_fail(out, MR_NO_MEMORY, NULL);
        return;
    }
    enum mr_status st = opt_int(c, out, &days, "claims-days", 0, 3650);
    if (st == MR_NOT_FOUND)
        st = MR_OK;
    if (st == MR_OK)
        st = admin_begin_at(&x->a, c, out, NEED_CHARTER | NEED_GOVERNANCE | NEED_DATA, c->args[0]);
    if (st == MR_OK)
        st = admin_need_governance(&x->a);
    if (st == MR_OK && x->a.charter->nodes_count > 1)
        st =
            out_fail(out, MR_NO_CHANGE,
                     _("this node is one of %u: what it lost the others have. It comes back with "
                       "a new key (\"mereau-admin federation rekey\"); when too few nodes are left "
                       "to let it in, governance names those that go on: \"mereau-admin federation "
                       "restart --help\""),
                     x->a.charter->nodes_count);
    if (st == MR_OK)
        st = find_places(x);
    if (st == MR_OK)
        st = load_or_draft(x, days);
    if (st == MR_OK)
        st = agree(x);
    if (st == MR_OK)
        sign_and_keep(x);
    lock_release(x->lock);
    admin_end(&x->a);
    free(x);
}
