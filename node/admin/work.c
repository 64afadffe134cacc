#include "admin/work.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/describe.h"
#include "common/term.h"
#include "mereau/assert.h"
#include "mereau/order.h"
#include "mereau/receipt.h"

enum { ORDER_LIFE_MS = 7 * 86400000, TAILS_MAX = 256 };

/* Commands about drafts have not all the options of commands that order something. */
static bool is_wanted(const struct command *c, const char *option)
{
    for (size_t i = 0; i < c->value_count; i++)
        if (strcmp(c->values[i].row->name, option) == 0)
            return true;
    return false;
}

/* --- what the node says about the chain --------------------------------------------------------
 */

static enum mr_status key_is_old(struct work *w)
{
    return out_fail(w->a->out, MR_BAD_KEY,
                    _("the key file %s does not hold the present key of this operator"),
                    w->a->key_path);
}

/* A rotation settles on one chain after the other: each says which key is in force there. */
static enum mr_status match_key(struct work *w)
{
    struct signer *s = w->a->signer;
    if (s->key->key_index >= w->keys.keys_count)
        return key_is_old(w);
    const struct mr_pubkey *present = &w->keys.keys[s->key->key_index];
    const struct mr_pubkey *mine = s->use_next ? &s->next_public : &s->public;
    return memcmp(present->key, mine->key, sizeof mine->key) == 0 ? MR_OK : key_is_old(w);
}

static bool is_key_refused(enum mr_status st)
{
    return st == MR_BAD_SIGNATURE || st == MR_NOT_AUTHORISED || st == MR_BAD_KEY;
}

static bool is_of_member(const struct work *w)
{
    return memcmp(w->chain, w->as, sizeof w->chain) != 0;
}

static enum mr_status ask_chain(struct work *w)
{
    struct admin *a = w->a;
    a->signer->use_next = false;
    admin_as(a, w->as);
    a->ask->kind = MR_REQ_ACCOUNT;
    memcpy(a->ask->u.account.account, w->as, 16);
    enum mr_status st = admin_call(a);
    if (is_key_refused(st) && a->signer->has_next) {
        a->signer->use_next = true;
        admin_as(a, w->as);
        st = admin_call(a);
    }
    const struct mr_rep_account *const rep = &a->reply->body.u.account;
    if (st == MR_OK) {
        w->keys = rep->account.keys;
        w->generation = rep->account.generation;
    }
    if (st == MR_OK && is_of_member(w)) {
        memcpy(a->ask->u.account.account, w->chain, 16);
        st = admin_call(a);
    }
    if (st != MR_OK)
        return admin_call_failed(a, st);
    w->next_seq = w->seq = rep->hot.chain.next_seq;
    memcpy(w->prev, rep->hot.chain.head, sizeof w->prev);
    w->time_ms = rep->hot.chain.time_ms;
    w->policy = rep->policy;
    return match_key(w);
}

/* The value settled in a slot, proved by its receipt. MR_OK, MR_UNSETTLED (not yet), MR_BAD_RECEIPT
 * and the like, or a call's status. */
static enum mr_status proved_value(struct work *w, uint8_t ret[32], uint64_t seq)
{
    struct admin *a = w->a;
    struct mr_receipt_facts facts;
    a->ask->kind = MR_REQ_SLOT;
    a->ask->u.slot = (struct mr_req_slot){.seq = seq};
    memcpy(a->ask->u.slot.account, w->chain, 16);
    enum mr_status st = admin_call(a);
    if (st != MR_SETTLED && st != MR_VOIDED)
        return st == MR_PARKED || st == MR_OK ? MR_UNSETTLED : st;
    const struct mr_rep_slot *rep = &a->reply->body.u.slot;
    if (rep->receipt_count == 0)
        return MR_BAD_RECEIPT;
    if (rep->receipt[0].seq != seq || memcmp(rep->receipt[0].account, w->chain, 16) != 0)
        return MR_BAD_RECEIPT;
    st = admin_receipt(&facts, a, &rep->receipt[0]);
    if (st == MR_OK)
        memcpy(ret, facts.value, sizeof facts.value);
    return st;
}

/* --- signing and keeping -----------------------------------------------------------------------
 */

static enum mr_status keep_failed(struct work *w, enum mr_status st)
{
    return out_fail(w->a->out, st, _("the draft %s cannot be written: %s"), w->path,
                    status_sentence(st));
}

static enum mr_status sign_failed(struct work *w, enum mr_status st)
{
    if (st == MR_SLOT_TAKEN)
        return out_fail(w->a->out, st,
                        _("this key has signed another order for this place of the chain; see "
                          "\"mereau-admin draft list\", and withdraw that one first"));
    if (st == MR_SEQ_OLD)
        return out_fail(w->a->out, st,
                        _("this place of the chain is behind what this key remembers; is the node "
                          "an old copy?"));
    return out_fail(w->a->out, st, _("nothing was signed: %s"), status_sentence(st));
}

/* Remember, sign; asks the node for a proof when the memory stands against it. */
static enum mr_status sign_all(struct work *w)
{
    uint8_t settled[32];
    size_t at;
    struct signer_view view = {.now_ms = admin_now_ms()};
    struct mr_draft *d = w->draft;
    const uint64_t seq = d->orders[0].order.seq;
    enum mr_status st = signer_allows(w->a->signer, &at, d->orders, d->orders_count, &view);
    if (st == MR_SLOT_TAKEN && seq > 1 && !is_of_member(w) &&
        proved_value(w, settled, seq - 1) == MR_OK)
        view.settled = settled;
    st = signer_sign(w->a->signer, d->orders, d->orders_count, &view);
    return st == MR_OK ? st : sign_failed(w, st);
}

static void new_path(char ret[FILE_PATH_MAX], const struct work *w)
{
    snprintf(ret, FILE_PATH_MAX, "%.4000s.new", w->path);
}

/* The unsigned orders are kept first, so that what the key file remembers is never lost. */
static enum mr_status sign_and_keep(struct work *w)
{
    char before[FILE_PATH_MAX];
    new_path(before, w);
    enum mr_status st = dir_make(w->dir);
    if (st == MR_OK)
        st = draft_write(w->draft, before);
    if (st != MR_OK)
        return keep_failed(w, st);
    st = sign_all(w);
    if (st == MR_OK) {
        st = draft_write(w->draft, w->path);
        if (st != MR_OK)
            return keep_failed(w, st);
    }
    unlink(before);
    return st;
}

/* Nothing can become of the draft any more, whether its file goes or stays: *that* is told. */
static bool drop_file(const struct work *w)
{
    const bool gone = unlink(w->path) == 0 || errno == ENOENT;
    dir_sync(w->dir);
    if (!gone)
        out_note(w->a->out,
                 _("the file %s cannot be removed; it is of no more use: remove it yourself"),
                 w->path);
    return gone;
}

bool work_is_settled(struct work *w, const struct mr_draft *d)
{
    uint8_t value[32], id[32];
    const struct mr_order *const last = &d->orders[d->orders_count - 1].order;
    if (is_of_member(w) || last->seq >= w->next_seq || proved_value(w, value, last->seq) != MR_OK)
        return false;
    mr_order_id(id, last);
    if (memcmp(value, id, sizeof id) != 0)
        return false;
    out_note(w->a->out,
             drop_file(w) ? _("another copy of the draft %s was signed and sent: it has settled, "
                              "and the file is removed")
                          : _("another copy of the draft %s was signed and sent: it has settled"),
             w->path);
    return true;
}

/* --- sending -----------------------------------------------------------------------------------
 */

static enum work_end send_failed(struct work *w, enum mr_status st, enum mr_status cause)
{
    struct out *out = w->a->out;
    out_text(out, "draft", w->path);
    if (st == MR_SEQ_OLD || st == MR_PREV_MISMATCH || st == MR_EXPIRED || st == MR_VOIDED) {
        drop_file(w);
        out_fail(out, st,
                 w->settled > 0    ? _("the orders in front of it settled, and this one cannot any "
                                          "more. Repeat the command: it does the rest")
                 : st == MR_VOIDED ? _("the order was withdrawn; nothing changed")
                 : st == MR_EXPIRED ? _("the order's last day has passed; nothing changed")
                                    : _("another order took this place of the chain first; nothing "
                                        "changed. Repeat the command"));
    } else if (st == MR_PARKED) {
        out_text(out, "cause", mr_status_name(cause));
        out_fail(out, st,
                 _("the order is signed and waits at the node: %s. Repeat the command later, or "
                   "give it up with \"mereau-admin draft withdraw %s\""),
                 status_sentence(cause), w->path);
    } else if (st == MR_VOTING || st == MR_CERTIFIED) {
        const struct mr_rep_slot *const rep = &w->a->reply->body.u.submit;
        out_int(out, "votes", rep->votes);
        out_int(out, "quorum", rep->quorum);
        out_fail(out, st,
                 st == MR_VOTING
                     ? _("the order is signed and with the nodes: %u of the %u that it takes voted "
                         "for it so far. It goes on by itself: repeat the command to see how it "
                         "ends; \"mereau-admin %s federation status\" says which node is away")
                     : _("the order is signed and with the nodes: %u of the %u that it takes "
                         "acknowledged it so far. It goes on by itself: repeat the command to see "
                         "how it ends; \"mereau-admin %s federation status\" says which node is "
                         "away"),
                 rep->votes, rep->quorum, admin_place(w->a));
    } else if (st == MR_UNSETTLED) {
        out_fail(out, st,
                 _("the node says that the order is settled, and shows no receipt of it yet, as "
                   "when its nodes have just changed: repeat the command in a moment"));
    } else if (st == MR_BAD_RECEIPT || st == MR_BAD_PROOF || st == MR_BAD_HEAD ||
               st == MR_WRONG_LEDGER) {
        out_fail(out, st, _("the node's receipt is wrong: %s"), status_sentence(st));
    } else if (exit_code_of(st) == EXIT_REFUSED) {
        out_text(out, "cause", mr_status_name(st));
        out_fail(out, MR_PARKED,
                 _("the node refuses the signed order now: %s. It is kept in %s: repeat the "
                   "command, or give it up with \"mereau-admin draft withdraw\""),
                 status_sentence(st), w->path);
    } else {
        admin_call_failed(w->a, st);
    }
    return WORK_FAILED;
}

/* One order. MR_OK: settled, with a receipt that was verified. */
static enum mr_status send_order(struct work *w, const struct mr_signed_order *so,
                                 enum mr_status *ret_cause)
{
    struct admin *a = w->a;
    struct mr_receipt_facts facts;
    uint8_t id[32];
    a->ask->kind = MR_REQ_SUBMIT;
    a->ask->u.submit.order = *so;
    a->ask->u.submit.memo_count = 0;
    enum mr_status st = admin_call(a);
    const struct mr_rep_slot *rep = &a->reply->body.u.submit;
    if (st == MR_PARKED)
        *ret_cause = mr_status_from_number(rep->cause);
    if (st != MR_OK && st != MR_SETTLED && st != MR_ALREADY_DONE)
        return st;
    if (rep->receipt_count == 0)
        return MR_UNSETTLED;
    mr_order_id(id, &so->order);
    st = admin_receipt(&facts, a, &rep->receipt[0]);
    if (st == MR_OK && (facts.voided || memcmp(facts.value, id, sizeof id) != 0))
        st = MR_BAD_RECEIPT;
    return st;
}

static void print_settled(struct work *w)
{
    out_text(w->a->out, "state", "settled");
    out_json(w->a->out, "orders", orders_to_json(w->draft));
    for (uint32_t i = 0; i < w->draft->orders_count; i++) {
        const struct mr_order *o = &w->draft->orders[i].order;
        uint8_t id[32];
        mr_order_id(id, o);
        out_print(w->a->out, _("Settled: %s, %s %llu, order %.16s\n"), order_word(&o->body),
                  _(w->chain_name), (unsigned long long)o->seq, admin_hex(id));
    }
}

enum work_end work_submit(struct work *w)
{
    enum mr_status cause = MR_OK;
    struct progress bar;
    admin_as(w->a, w->as);
    progress_begin(&bar, w->a->c, _("sending orders"), w->draft->orders_count);
    for (uint32_t i = 0; i < w->draft->orders_count; i++) {
        const enum mr_status st = send_order(w, &w->draft->orders[i], &cause);
        if (st != MR_OK) {
            progress_end(&bar);
            return send_failed(w, st, cause);
        }
        w->settled++;
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    drop_file(w);
    if (!w->quiet)
        print_settled(w);
    return WORK_SETTLED;
}

static enum work_end say_drafted(struct work *w, uint32_t count)
{
    struct out *out = w->a->out;
    const uint32_t missing = count < w->keys.threshold ? w->keys.threshold - count : 0;
    out_text(out, "state", "draft");
    out_text(out, "draft", w->path);
    out_int(out, "signatures", count);
    out_int(out, "signatures_needed", w->keys.threshold);
    if (missing == 0)
        out_print(out,
                  _("The draft is ready:\n  %s\nTo send it:\n  mereau-admin draft submit "
                    "%s %s\n"),
                  w->path, w->path, admin_place(w->a));
    else
        out_print(out,
                  ngettext("The draft waits for %u more signature:\n  %s\nWho signs next runs:\n"
                           "  mereau-admin draft sign %s %s --key KEYFILE\n",
                           "The draft waits for %u more signatures:\n  %s\nWho signs next runs:\n"
                           "  mereau-admin draft sign %s %s --key KEYFILE\n",
                           missing),
                  missing, w->path, w->path, admin_place(w->a));
    return WORK_DRAFTED;
}

enum work_end work_sign(struct work *w, bool submit)
{
    uint32_t count;
    if (sign_and_keep(w) != MR_OK)
        return WORK_FAILED;
    if (draft_signatures(w->draft, &count, &w->keys) != MR_OK) {
        out_fail(w->a->out, MR_BAD_SIGNATURE, _("a signature in the draft %s is wrong"), w->path);
        return WORK_FAILED;
    }
    if (count < w->keys.threshold || !submit)
        return say_drafted(w, count);
    return work_submit(w);
}

/* --- what earlier commands left ----------------------------------------------------------------
 */

/* Where an open draft stands and ends. */
struct tail {
    uint64_t seq, end_seq, time_ms;
    uint8_t prev[32], end[32];
};

static bool is_on_chain(const struct work *w, const struct mr_draft *d)
{
    return memcmp(d->orders[0].order.account, w->chain, 16) == 0;
}

/* A command was killed between writing its orders and signing them. When the key remembers them,
 * they are signed now; else nothing of them ever left this place. */
static enum mr_status recover_new(struct work *w, const char *name)
{
    struct mr_draft *d = NULL;
    char path[FILE_PATH_MAX];
    enum mr_status st = MR_OK;
    if (path_join(path, w->dir, name) != MR_OK || draft_read(&d, path, w->a->ledger) != MR_OK)
        return MR_OK;
    if (is_on_chain(w, d) && strcmp(d->author, w->a->signer->key->name) == 0 &&
        !draft_is_signed_by(d, w->a->signer->key->key_index)) {
        snprintf(w->path, sizeof w->path, "%.*s", (int)(strlen(path) - strlen(".new")), path);
        w->draft = d;
        if (!file_exists(w->path) && signer_remembers(w->a->signer, d->orders, d->orders_count))
            st = sign_and_keep(w);
        else
            unlink(path);
        w->draft = NULL;
    }
    free(d);
    return st;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Send a draft that has all its signatures, unless it stands behind others; note where those end
 * that stay open. */
static enum mr_status look_at_open(struct work *w, const char *name, struct tail *tails,
                                   size_t *count)
{
    struct mr_draft *d = NULL;
    enum draft_state state;
    enum mr_status st = MR_OK;
    if (path_join(w->path, w->dir, name) != MR_OK || draft_read(&d, w->path, w->a->ledger) != MR_OK)
        return MR_OK;
    if (!is_on_chain(w, d) || draft_state(d, &state, &w->keys) != MR_OK || d->cancels_count > 0 ||
        (w->about != NULL && is_same_file(w->about, w->path))) {
        free(d);
        return MR_OK;
    }
    const struct mr_order *last = &d->orders[d->orders_count - 1].order;
    if (state == DRAFT_READY && d->orders[0].order.seq <= w->next_seq) {
        w->draft = d;
        w->quiet = true;
        out_note(w->a->out, _("sending what an earlier command left: %s"), w->path);
        st = work_submit(w) == WORK_SETTLED ? MR_OK : w->a->out->status;
        w->quiet = false;
        w->settled = 0;
        w->draft = NULL;
    } else if (state != DRAFT_UNSIGNED && !work_is_settled(w, d) && *count < TAILS_MAX) {
        struct tail *t = &tails[(*count)++];
        t->seq = d->orders[0].order.seq;
        t->end_seq = last->seq + 1;
        t->time_ms = last->time_ms;
        memcpy(t->prev, d->orders[0].order.prev, sizeof t->prev);
        mr_order_id(t->end, last);
    }
    free(d);
    return st;
}

static void move_behind(struct work *w, const struct tail *tails, size_t count)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            if (tails[i].seq != w->seq || memcmp(tails[i].prev, w->prev, sizeof w->prev) != 0)
                continue;
            w->seq = tails[i].end_seq;
            memcpy(w->prev, tails[i].end, sizeof w->prev);
            if (w->time_ms < tails[i].time_ms)
                w->time_ms = tails[i].time_ms;
            moved = true;
        }
    }
}

static enum mr_status each_name(struct work *w, const char *suffix, struct tail *tails,
                                size_t *count, bool *ret_any)
{
    char **names = NULL;
    enum mr_status st = names_list(&names, w->dir, suffix);
    if (st != MR_OK)
        return out_fail(w->a->out, st, _("the drafts in %s cannot be read: %s"), w->dir,
                        status_sentence(st));
    for (size_t i = 0; st == MR_OK && names[i] != NULL; i++) {
        st = tails == NULL ? recover_new(w, names[i]) : look_at_open(w, names[i], tails, count);
        *ret_any = true;
    }
    names_free(names);
    return st;
}

static enum mr_status resume_open(struct work *w)
{
    size_t count = 0;
    bool any = false;
    struct tail *tails = calloc(TAILS_MAX, sizeof *tails);
    if (tails == NULL)
        return out_fail(w->a->out, MR_NO_MEMORY, NULL);
    enum mr_status st = each_name(w, ".draft.new", NULL, NULL, &any);
    if (st == MR_OK)
        st = each_name(w, ".draft", tails, &count, &any);
    if (st == MR_OK && any) /* what was sent moved the chain */
        st = ask_chain(w);
    if (st == MR_OK)
        move_behind(w, tails, count);
    free(tails);
    return st;
}

/* --- building ----------------------------------------------------------------------------------
 */

enum mr_status work_begin(struct work *w, struct admin *a, const uint8_t chain[16])
{
    return work_begin_about(w, a, chain, NULL);
}

static enum mr_status begin(struct work *w, struct admin *a)
{
    w->life_ms = ORDER_LIFE_MS;
    enum mr_status st = admin_drafts_dir(a, w->dir);
    if (st == MR_OK)
        st = ask_chain(w);
    if (st == MR_OK && !is_wanted(a->c, "dry-run"))
        st = resume_open(w);
    if (st != MR_OK)
        return st;
    w->draft = draft_create(admin_now_ms(), a->signer->key->name);
    return w->draft != NULL ? MR_OK : out_fail(a->out, MR_NO_MEMORY, NULL);
}

enum mr_status work_begin_about(struct work *w, struct admin *a, const uint8_t chain[16],
                                const char *path)
{
    *w = (struct work){.a = a, .about = path, .chain_name = describe_chain(a, chain)};
    memcpy(w->chain, chain, sizeof w->chain);
    memcpy(w->as, chain, sizeof w->as);
    mr_assert(w->chain_name != NULL);
    return begin(w, a);
}

enum mr_status work_begin_takeover(struct work *w, struct admin *a, const uint8_t account[16],
                                   const char *path)
{
    *w = (struct work){.a = a, .about = path, .chain_name = N_("member")};
    memcpy(w->chain, account, sizeof w->chain);
    memcpy(w->as, a->treasury, sizeof w->as);
    return begin(w, a);
}

void work_done(struct work *w)
{
    free(w->draft);
    w->draft = NULL;
}

void work_take(struct work *w, struct mr_draft *draft, const char *path)
{
    free(w->draft);
    w->draft = draft;
    snprintf(w->path, sizeof w->path, "%.4000s", path);
    if (path_parent(w->dir, w->path) != MR_OK)
        snprintf(w->dir, sizeof w->dir, ".");
}

enum mr_status work_add(struct work *w, const struct mr_order_body *body)
{
    struct mr_order *o = calloc(1, sizeof *o);
    const uint64_t now = admin_now_ms();
    if (o == NULL)
        return out_fail(w->a->out, MR_NO_MEMORY, NULL);
    o->version = 1;
    memcpy(o->ledger, w->a->ledger, sizeof o->ledger);
    memcpy(o->account, w->chain, sizeof o->account);
    o->seq = w->seq;
    memcpy(o->prev, w->prev, sizeof o->prev);
    o->time_ms = now > w->time_ms ? now : w->time_ms;
    o->not_after_ms = o->time_ms + w->life_ms;
    o->policy = w->policy;
    randombytes_buf(o->salt, sizeof o->salt);
    o->body = *body;
    const enum mr_status st = draft_add(w->draft, o);
    free(o);
    return st;
}

enum mr_status work_note(struct work *w, const struct mr_bank_note *note)
{
    if (w->draft->notes_count == MR_BANKS_MAX)
        return MR_FULL;
    w->draft->notes[w->draft->notes_count++] = *note;
    return MR_OK;
}

enum mr_status work_check(struct work *w, int64_t *ret_missing)
{
    struct admin *a = w->a;
    *ret_missing = 0;
    admin_as(a, w->as);
    a->ask->kind = MR_REQ_CHECK;
    a->ask->u.check = w->draft->orders[0].order;
    const enum mr_status st = admin_call(a);
    if (st == MR_SEQ_AHEAD && w->draft->orders[0].order.seq > w->next_seq)
        return MR_OK;
    if (st == MR_FUNDS_SHORT || st == MR_CAP_EXCEEDED)
        *ret_missing = a->reply->body.u.check.missing;
    return st;
}

void work_describe(struct work *w)
{
    for (uint32_t i = 0; i < w->draft->orders_count; i++)
        describe_order(w->a, &w->draft->orders[i].order, w->draft->notes, w->draft->notes_count);
}

static enum work_end dry_run(struct work *w, enum mr_status answer)
{
    out_text(w->a->out, "state", "dry_run");
    out_json(w->a->out, "orders", orders_to_json(w->draft));
    out_text(w->a->out, "answer", mr_status_name(answer));
    if (!w->shown)
        work_describe(w);
    out_print(w->a->out, _("The node would say: %s\nNothing was done.\n"), status_sentence(answer));
    return WORK_DRY;
}

enum mr_status work_refused(struct work *w, enum mr_status st, int64_t missing)
{
    if (exit_code_of(st) != EXIT_REFUSED)
        return admin_call_failed(w->a, st);
    out_int(w->a->out, "missing_minor", missing);
    if (missing > 0)
        return out_fail(w->a->out, st, _("%s: %s are missing"), status_sentence(st),
                        admin_amount(w->a, missing));
    if (st == MR_COVERAGE)
        return out_fail(w->a->out, st,
                        _("%s of this association; \"mereau-admin %s clearing\" shows who has "
                          "euros to give it"),
                        status_sentence(st), admin_place(w->a));
    return out_fail(w->a->out, st, NULL);
}

/* Where the draft is going to be kept. */
static enum mr_status name_draft(struct work *w)
{
    char name[128];
    draft_name(name, sizeof name, w->draft, w->chain_name);
    return path_join(w->path, w->dir, name) == MR_OK ? MR_OK : out_fail(w->a->out, MR_USAGE, NULL);
}

enum mr_status work_keep(struct work *w)
{
    enum mr_status st = name_draft(w);
    if (st != MR_OK)
        return st;
    st = dir_make(w->dir);
    if (st == MR_OK)
        st = draft_write(w->draft, w->path);
    return st == MR_OK ? st : keep_failed(w, st);
}

enum work_end work_finish(struct work *w, const char *question)
{
    int64_t missing;
    const enum mr_status st = work_check(w, &missing);
    if (is_wanted(w->a->c, "dry-run") && (st == MR_OK || exit_code_of(st) == EXIT_REFUSED))
        return dry_run(w, st);
    if (st != MR_OK) {
        work_refused(w, st, missing);
        return WORK_FAILED;
    }
    if (question != NULL && !w->a->c->yes) {
        if (!w->shown)
            work_describe(w);
        if (term_confirm(w->a->c, w->a->out, question) != MR_OK)
            return WORK_FAILED;
    }
    if (is_wanted(w->a->c, "no-sign"))
        return work_keep(w) == MR_OK ? say_drafted(w, 0) : WORK_FAILED;
    return name_draft(w) == MR_OK ? work_sign(w, true) : WORK_FAILED;
}

/* --- giving up ---------------------------------------------------------------------------------
 */

enum mr_status work_is_dead(struct work *w, bool *ret, const struct mr_draft *d)
{
    uint8_t value[32], id[32];
    const struct mr_order *o = &d->orders[0].order;
    enum mr_status st = MR_OK;
    *ret = o->not_after_ms + UINT64_C(2) * MR_CLOCK_AHEAD_MS < admin_now_ms();
    if (is_of_member(w)) { /* receipts of its chain are the member's */
        *ret = *ret || o->seq < w->next_seq ||
               (o->seq == w->next_seq && memcmp(o->prev, w->prev, sizeof w->prev) != 0);
        return MR_OK;
    }
    if (o->seq > 1 && o->seq <= w->next_seq) {
        st = proved_value(w, value, o->seq - 1);
        *ret = *ret || (st == MR_OK && memcmp(value, o->prev, sizeof value) != 0);
    }
    if (*ret || o->seq >= w->next_seq)
        return st;
    st = proved_value(w, value, o->seq);
    mr_order_id(id, o);
    if (st == MR_OK)
        *ret = memcmp(value, id, sizeof id) != 0;
    return st;
}

/* What is behind the order that settled meanwhile is still to be withdrawn. */
static enum work_end too_late(struct work *w)
{
    const struct mr_draft *const d = w->draft;
    if (d->cancels[0].cancel.seq < d->orders[d->orders_count - 1].order.seq)
        out_fail(w->a->out, MR_SEQ_OLD,
                 _("too late: an order was settled in this place of the chain; repeat the command "
                   "to withdraw what is behind it"));
    else if (drop_file(w))
        out_fail(w->a->out, MR_SEQ_OLD,
                 _("too late: an order was settled in this place of the chain; the draft was "
                   "removed"));
    else
        out_fail(w->a->out, MR_SEQ_OLD,
                 _("too late: an order was settled in this place of the chain"));
    return WORK_FAILED;
}

static enum work_end send_cancel(struct work *w)
{
    struct admin *a = w->a;
    struct mr_receipt_facts facts = {.voided = false};
    a->ask->kind = MR_REQ_CANCEL;
    a->ask->u.cancel = w->draft->cancels[0];
    enum mr_status st = admin_call(a);
    const struct mr_rep_slot *rep = &a->reply->body.u.cancel;
    if (st == MR_VOIDED || st == MR_SETTLED || st == MR_OK) {
        const enum mr_status proof =
            rep->receipt_count > 0 ? admin_receipt(&facts, a, &rep->receipt[0]) : MR_BAD_RECEIPT;
        if (proof != MR_OK)
            return send_failed(w, proof, MR_OK);
        if (!facts.voided)
            return too_late(w);
        drop_file(w);
        out_text(a->out, "state", "withdrawn");
        out_print(a->out, _("Withdrawn: the place in the chain is closed without effect.\n"));
        return WORK_SETTLED;
    }
    if (exit_code_of(st) == EXIT_REFUSED)
        out_fail(a->out, st, NULL);
    else
        admin_call_failed(a, st);
    return WORK_FAILED;
}

/* Of a draft that settled in part, what is withdrawn are the orders behind it: where one place is
 * closed, those after it have nothing to stand on. */
static const struct mr_order *first_open(const struct work *w)
{
    const struct mr_draft *const d = w->draft;
    uint32_t i = 0;
    while (i + 1 < d->orders_count && d->orders[i].order.seq < w->next_seq)
        i++;
    return &d->orders[i].order;
}

enum work_end work_withdraw(struct work *w)
{
    struct admin *a = w->a;
    struct mr_draft *d = w->draft;
    enum draft_state state;
    bool dead = false;
    const bool known = draft_state(d, &state, &w->keys) == MR_OK;
    const enum mr_status st = work_is_dead(w, &dead, d);
    if (st != MR_OK && st != MR_UNSETTLED) {
        admin_call_failed(a, st);
        return WORK_FAILED;
    }
    if (dead || (known && state == DRAFT_UNSIGNED)) {
        if (!drop_file(w)) {
            out_fail(a->out, MR_IO_ERROR,
                     dead ? _("the draft is not removed, and nothing of it can ever settle")
                          : _("the draft is not removed; nobody has signed it"));
            return WORK_FAILED;
        }
        out_text(a->out, "state", "removed");
        out_print(a->out, _("The draft is removed; nothing of it can ever settle.\n"));
        return WORK_SETTLED;
    }
    if (is_of_member(w)) {
        out_fail(a->out, MR_NOT_AUTHORISED,
                 _("what was signed for a member's chain cannot be withdrawn: it lapses on %s, or "
                   "the member cancels it"),
                 admin_time(d->orders[0].order.not_after_ms));
        return WORK_FAILED;
    }
    const uint64_t seq = first_open(w)->seq;
    /* What stood there when the withdrawal was begun may have settled since. */
    if (d->cancels_count == 0 || d->cancels[0].cancel.seq < seq) {
        struct mr_signed_cancel *c = &d->cancels[0];
        d->cancels_count = 1;
        *c = (struct mr_signed_cancel){.cancel.seq = seq};
        memcpy(c->cancel.ledger, a->ledger, sizeof c->cancel.ledger);
        memcpy(c->cancel.account, w->chain, sizeof c->cancel.account);
    }
    mr_cancel_sign(&d->cancels[0], a->signer->key->key_index, signer_secret(a->signer));
    const enum mr_status kept = draft_write(d, w->path);
    if (kept != MR_OK) {
        keep_failed(w, kept);
        return WORK_FAILED;
    }
    if (mr_cancel_verify(&d->cancels[0], &w->keys) == MR_OK)
        return send_cancel(w);
    out_text(a->out, "state", "withdrawing");
    out_text(a->out, "draft", w->path);
    out_print(a->out,
              _("The withdrawal needs another signer too:\n  mereau-admin draft withdraw %s "
                "--key KEYFILE\n"),
              w->path);
    return WORK_DRAFTED;
}
