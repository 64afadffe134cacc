/* federation restart: of several nodes too few are left to decide who the nodes are. Governance
 * names those that go on, and the state that they go on from (EPO-10). The first holder of a key
 * writes it down, the others sign the file; then each node that goes on takes it. */
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/next.h"
#include "admin/propose.h"
#include "common/heap.h"
#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/engine.h"
#include "mereau/order.h"
#include "storage/store_lmdb.h"

enum { FILE_MAX = 65536, CLAIMS_DAYS = 90, ASK_MS = 3000 };

static const char taken_name[] = "regroup.mrg";

const struct option_row restart_options[] = {
    {"remove", 0, "N", N_("a node leaves")},
    {"rekey", 0, N_("N=OFFER"), N_("a node goes on with a new key (\"federation rekey\")")},
    {"address", 0, N_("N=HOST:PORT"), N_("a node's wallet port is found elsewhere")},
    {"peer-address", 0, N_("N=HOST:PORT"), N_("a node's peer port is found elsewhere")},
    {"quorum", 0, "N", N_("nodes whose votes settle (default by their number)")},
    {"reason", 0, N_("TEXT"), N_("why, for those who sign")},
    {"claims-days", 0, N_("N"), N_("how long missing orders may be handed in again (default 90)")},
    {"output", 'o', N_("FILE"), N_("file for the others to sign (default restart-N.mrg)")},
    {"again", 0, NULL, N_("sign another new epoch than before, which was never used")},
    {NULL, 0, NULL, NULL},
};

struct regrouping {
    struct admin a;
    struct mr_signed_regroup r;
    char path[FILE_PATH_MAX];
};

static enum mr_status put(struct regrouping *x, const char *path, bool replace)
{
    const size_t len = mr_signed_regroup_size(&x->r);
    uint8_t *const bytes = malloc(len);
    if (bytes == NULL)
        return out_fail(x->a.out, MR_NO_MEMORY, NULL);
    mr_signed_regroup_encode(&x->r, bytes, len);
    const enum mr_status st = file_write(path, bytes, len, 0600, replace);
    free(bytes);
    return st == MR_OK
               ? st
               : out_fail(x->a.out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

static enum mr_status get(struct regrouping *x, const char *path)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum mr_status st = file_read(&bytes, &len, path, FILE_MAX);
    if (st != MR_OK)
        return out_fail(x->a.out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    if (mr_signed_regroup_decode(&x->r, bytes, len) != MR_OK)
        st = out_fail(x->a.out, MR_DAMAGED, _("%s is no file of \"federation restart\""), path);
    free(bytes);
    if (st == MR_OK && memcmp(x->r.regroup.ledger, x->a.ledger, 32) != 0)
        st = out_fail(x->a.out, MR_WRONG_LEDGER, _("%s is about another ledger"), path);
    return st;
}

/* --- writing it down ---------------------------------------------------------------------------
 */

/* Whether a node of the present epoch answers and signs. */
static bool works(struct admin *a, const struct mr_node *n)
{
    const struct link_config config = {.address = n->address,
                                       .pinned = &n->transport_key,
                                       .ledger = a->ledger,
                                       .timeout_ms =
                                           a->c->timeout_given ? a->c->timeout_ms : ASK_MS};
    *a->ask = (struct mr_request_body){.kind = MR_REQ_NODE};
    const enum mr_status st = link_once(a->reply, &config, a->ask);
    const uint32_t mode = st == MR_OK ? a->reply->body.u.node.mode : (uint32_t)st;
    return st == MR_OK && mode != (uint32_t)MR_ABSTAINING && mode != (uint32_t)MR_RETIRED;
}

/* Where q nodes work, they decide themselves: nothing is lost, nothing forks. */
static enum mr_status check_need(struct admin *a)
{
    const struct mr_charter *const c = a->charter;
    struct progress bar;
    uint32_t working = 0;
    if (c->nodes_count == 1)
        return out_fail(
            a->out, MR_CONFIG,
            _("this ledger has one node: \"mereau-admin restore --accept\" lets it sign "
              "again"));
    progress_begin(&bar, a->c, _("calling the nodes"), c->nodes_count);
    for (uint32_t i = 0; i < c->nodes_count; i++) {
        working += works(a, &c->nodes[i]);
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    if (working >= c->quorum)
        return out_fail(a->out, MR_NO_CHANGE,
                        _("%u of %u nodes work, and %u are enough to decide: propose the change "
                          "(\"mereau-admin federation propose\"), which loses nothing"),
                        working, c->nodes_count, c->quorum);
    return MR_OK;
}

/* The state that this node holds, as its store has it. */
static enum mr_status sum_up(struct regrouping *x)
{
    struct admin *const a = &x->a;
    struct mr_store *s = NULL;
    struct mr_checkpoint sum;
    char path[FILE_PATH_MAX];
    const struct mr_store_lmdb_options options = {.read_only = true};
    *a->ask = (struct mr_request_body){.kind = MR_REQ_CONTROL};
    a->ask->u.control.what = MR_CONTROL_FLUSH;
    enum mr_status st = admin_call(a);
    if (st != MR_OK)
        return admin_call_failed(a, st);
    st = path_join(path, a->data, "store");
    if (st == MR_OK)
        st = mr_store_lmdb_open(&s, path, &options);
    if (st == MR_OK)
        st = mr_state_sum(&sum, s, a->genesis, &heap);
    if (s != NULL)
        s->api->close(s);
    if (st != MR_OK)
        return out_fail(a->out, st, _("%s cannot be read: %s"), path, status_sentence(st));
    x->r.regroup.accounts = sum.accounts;
    memcpy(x->r.regroup.state_root, sum.state_root, 32);
    return MR_OK;
}

static enum mr_status draft(struct regrouping *x)
{
    struct admin *const a = &x->a;
    struct mr_regroup *const r = &x->r.regroup;
    int64_t days = CLAIMS_DAYS;
    char name[64];
    enum mr_status st = opt_int(a->c, a->out, &days, "claims-days", 0, 3650);
    st = st == MR_NOT_FOUND ? MR_OK : st;
    if (st == MR_OK)
        st = admin_ask_epochs(a);
    if (st == MR_OK)
        st = check_need(a);
    if (st != MR_OK)
        return st;
    next_begin(a, &r->next);
    st = seats_remove(a, &r->next);
    if (st == MR_OK)
        st = seats_rekey(a, &r->next);
    if (st == MR_OK)
        st = seats_move(a, &r->next);
    if (st == MR_OK)
        st = seats_settle(a, &r->next, "");
    if (st == MR_OK)
        st = next_check(a, &r->next);
    if (st == MR_OK)
        st = sum_up(x);
    if (st != MR_OK)
        return st;
    r->version = 1;
    memcpy(r->ledger, a->ledger, 32);
    r->time_ms = admin_now_ms();
    r->claims_until_ms = r->time_ms + (uint64_t)days * MR_DAY_MS;
    snprintf(name, sizeof name, "restart-%u.mrg", (unsigned)r->next.epoch);
    const char *const output = opt_text(a->c, "output");
    snprintf(x->path, sizeof x->path, "%.4000s", output != NULL ? output : name);
    return file_exists(x->path)
               ? out_fail(a->out, MR_FILE_EXISTS,
                          _("%s exists already: sign it (\"federation restart %s\"), or give "
                            "another name with --output"),
                          x->path, x->path)
               : MR_OK;
}

/* --- signing -----------------------------------------------------------------------------------
 */

static enum mr_status agree(struct regrouping *x)
{
    struct admin *const a = &x->a;
    const struct mr_regroup *const r = &x->r.regroup;
    next_describe(a, &r->next);
    out_print(a->out, _("  state root %s, %llu accounts\n"), admin_hex(r->state_root),
              (unsigned long long)r->accounts);
    out_note(a->out,
             _("This begins epoch %u by the word of governance alone. Whatever settled beyond that "
               "state, and is held by nobody outside, is lost for good; nodes that are left out "
               "must never work again."),
             (unsigned)r->next.epoch);
    return term_confirm(a->c, a->out, _("Sign?"));
}

static void print_missing(struct regrouping *x)
{
    struct admin *const a = &x->a;
    const uint32_t missing = a->genesis->governance.threshold - x->r.sigs_count;
    out_bool(a->out, "complete", false);
    out_int(a->out, "missing", missing);
    out_print(a->out,
              _("Signed: %s. %u more of governance must sign:\n"
                "  mereau-admin %s federation restart %s --key GOVERNANCEKEY\n"),
              x->path, missing, admin_place(a), x->path);
}

static void print_complete(struct regrouping *x)
{
    struct admin *const a = &x->a;
    out_bool(a->out, "complete", true);
    out_print(a->out,
              _("Governance has decided: %s.\n"
                "\nWhat to do next:\n"
                "  1. At each node that goes on with its directory:\n"
                "       mereau-admin -d DATA federation restart %s\n"
                "     and start the node again. It goes over when it holds that state.\n"
                "  2. At each node with a new key:  mereau-admin federation join DATA\n"
                "Until %s (UTC) wallets may hand in orders that had settled and are missing now;\n"
                "theirs do so by themselves.\n"),
              x->path, x->path, admin_time(x->r.regroup.claims_until_ms));
}

static enum mr_status sign(struct regrouping *x)
{
    struct admin *const a = &x->a;
    const struct mr_keyset *const keys = &a->genesis->governance;
    const uint32_t index = a->signer->key->key_index;
    if (index >= keys->keys_count ||
        memcmp(keys->keys[index].key, a->signer->public.key, MR_KEY_BYTES) != 0)
        return out_fail(a->out, MR_BAD_KEY,
                        _("this key is not one of the charter's governance keys"));
    enum mr_status st = agree(x);
    if (st != MR_OK)
        return st;
    st = signer_sign_regroup(a->signer, &x->r, opt_flag(a->c, "again"));
    if (st == MR_SLOT_TAKEN)
        return out_fail(a->out, st,
                        _("this key signed another new epoch of that number before; two of them "
                          "would fork the ledger. If the other one was never used: --again"));
    if (st != MR_OK)
        return out_fail(a->out, st, NULL);
    st = put(x, x->path, true);
    if (st != MR_OK)
        return st;
    out_text(a->out, "file", x->path);
    out_int(a->out, "epoch", x->r.regroup.next.epoch);
    st = mr_regroup_verify(&x->r, a->genesis);
    if (st == MR_SIGNATURES_MISSING)
        print_missing(x);
    else if (st == MR_OK)
        print_complete(x);
    return st == MR_OK || st == MR_SIGNATURES_MISSING ? MR_OK : out_fail(a->out, st, NULL);
}

/* --- taking ------------------------------------------------------------------------------------
 */

static enum mr_status take(struct regrouping *x)
{
    struct admin *const a = &x->a;
    char path[FILE_PATH_MAX];
    enum mr_status st = mr_regroup_verify(&x->r, a->genesis);
    if (st == MR_SIGNATURES_MISSING)
        return out_fail(
            a->out, st,
            _("%s has %u of the %u signatures of governance that it takes: sign it with "
              "--key first"),
            x->path, x->r.sigs_count, a->genesis->governance.threshold);
    if (st != MR_OK)
        return out_fail(a->out, st, _("%s was not signed by governance: %s"), x->path,
                        status_sentence(st));
    const uint32_t present = a->epochs.count + 1;
    if (x->r.regroup.next.epoch != present + 1)
        return out_fail(a->out, MR_WRONG_EPOCH,
                        _("%s begins epoch %u, and this node is in epoch %u"), x->path,
                        x->r.regroup.next.epoch, present);
    if (path_join(path, a->data, taken_name) != MR_OK)
        return out_fail(a->out, MR_USAGE, NULL);
    st = put(x, path, true);
    if (st != MR_OK)
        return st;
    out_text(a->out, "file", path);
    out_int(a->out, "epoch", x->r.regroup.next.epoch);
    out_print(a->out,
              _("Taken: epoch %u begins here when the node is started again and holds the state "
                "that governance named.\n  mereau-admin %s stop\n  mereaud %s\n"),
              x->r.regroup.next.epoch, admin_place(a), a->data);
    return MR_OK;
}

void cmd_restart(struct command *c, struct out *out)
{
    struct regrouping *const x = calloc(1, sizeof *x);
    const char *const file = c->arg_count > 0 ? c->args[0] : NULL;
    const bool signs = file == NULL || opt_text(c, "key") != NULL;
    if (x == NULL) {
        out_fail(out, MR_NO_MEMORY, NULL);
        return;
    }
    unsigned needs = NEED_CHARTER | (signs ? (unsigned)NEED_GOVERNANCE : NEED_DATA);
    if (file == NULL)
        needs |= NEED_NODE | NEED_DATA;
    enum mr_status st = admin_begin(&x->a, c, out, needs);
    if (st == MR_OK && signs)
        st = admin_need_governance(&x->a);
    if (st == MR_OK && file != NULL) {
        snprintf(x->path, sizeof x->path, "%.4000s", file);
        st = get(x, file);
    }
    if (st == MR_OK && file == NULL)
        st = draft(x);
    if (st == MR_OK)
        signs ? sign(x) : take(x);
    admin_end(&x->a);
    free(x);
}
