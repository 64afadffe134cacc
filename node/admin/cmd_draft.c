/* Drafts: what waits for signatures. */
#include <stdlib.h>
#include <string.h>

#include "admin/clearing.h"
#include "admin/cmd.h"
#include "admin/conversion.h"
#include "admin/describe.h"
#include "common/term.h"
#include "mereau/assert.h"
#include "mereau/order.h"

const struct option_row draft_sign_options[] = {
    {"no-submit", 0, NULL, N_("sign only, do not send")},
    {NULL, 0, NULL, NULL},
};

/* --- list and show -----------------------------------------------------------------------------
 */

/* Who signs: the charter's key set of the chain; keys may have been rotated since, thresholds stay.
 */
static const struct mr_keyset *keys_of(const struct admin *a, const struct mr_order *o)
{
    uint8_t treasury[MR_ACCOUNT_BYTES];
    const uint8_t *const chain = o->account;
    if (o->body.kind == MR_KIND_TAKEOVER)
        return &o->body.u.takeover.treasury;
    if (memcmp(chain, a->desk, 16) == 0)
        return &a->home->desk;
    for (uint32_t i = 0; i < a->charter->associations_count; i++) {
        mr_sub_account(treasury, a->charter->associations[i].id, MR_CLASS_TREASURY);
        if (memcmp(chain, treasury, sizeof treasury) == 0)
            return &a->charter->associations[i].treasury;
    }
    return &a->charter->governance;
}

static const char *chain_of(const struct admin *a, const struct mr_draft *d)
{
    const struct mr_order *const o = &d->orders[0].order;
    if (clearing_is_for_us(a, d))
        return "treasury";
    return o->body.kind == MR_KIND_TAKEOVER ? "member" : describe_chain(a, o->account);
}

static uint32_t signatures_of(const struct mr_draft *d)
{
    uint32_t least = d->orders[0].sigs_count;
    for (uint32_t i = 1; i < d->orders_count; i++)
        if (d->orders[i].sigs_count < least)
            least = d->orders[i].sigs_count;
    return least;
}

static json_t *draft_to_json(const struct admin *a, const struct mr_draft *d, const char *path)
{
    const struct mr_order *first = &d->orders[0].order;
    const char *chain = chain_of(a, d);
    return json_pack("{s:s,s:s?,s:s,s:I,s:I,s:i,s:i,s:b,s:o}", "draft", path, "chain", chain,
                     "author", d->author, "created_ms", (json_int_t)d->created_ms, "not_after_ms",
                     (json_int_t)first->not_after_ms, "signatures", (int)signatures_of(d),
                     "signatures_needed", (int)keys_of(a, first)->threshold, "withdrawing",
                     d->cancels_count > 0, "orders", orders_to_json(d));
}

static void add_draft_row(struct admin *a, struct table *t, const struct mr_draft *d,
                          const char *path)
{
    char count[32], kinds[128];
    const struct mr_order *first = &d->orders[0].order;
    snprintf(count, sizeof count, "%u/%u", signatures_of(d), keys_of(a, first)->threshold);
    if (d->orders_count > 1)
        snprintf(kinds, sizeof kinds, "%s (%u)", order_word(&first->body), d->orders_count);
    else
        snprintf(kinds, sizeof kinds, "%s", order_word(&first->body));
    const char *const cells[] = {admin_time(d->created_ms),       d->author, kinds, count,
                                 admin_time(first->not_after_ms), path};
    if (t != NULL)
        table_add(t, cells);
}

static void list_drafts(struct admin *a, char *const *names, const char *dir)
{
    const struct table_column columns[] = {{_("written"), false}, {_("by"), false},
                                           {_("what"), false},    {_("signed"), true},
                                           {_("until"), false},   {_("file"), false}};
    struct table *t = table_create(columns, sizeof columns / sizeof columns[0]);
    json_t *rows = json_array();
    for (size_t i = 0; names[i] != NULL; i++) {
        struct mr_draft *d = NULL;
        char path[FILE_PATH_MAX];
        if (path_join(path, dir, names[i]) != MR_OK)
            continue;
        const enum mr_status st = draft_read(&d, path, a->ledger);
        if (st != MR_OK) {
            out_note(a->out, _("%s is not a draft of this ledger: %s"), path, status_sentence(st));
            continue;
        }
        json_array_append_new(rows, draft_to_json(a, d, path));
        add_draft_row(a, t, d, path);
        free(d);
    }
    if (json_array_size(rows) == 0)
        out_print(a->out, _("No draft waits.\n"));
    out_json(a->out, "drafts", rows);
    table_print(a->out, t);
}

void cmd_draft_list(struct command *c, struct out *out)
{
    struct admin a;
    char dir[FILE_PATH_MAX], **names = NULL;
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER);
    if (st == MR_OK)
        st = admin_drafts_dir(&a, dir);
    if (st == MR_OK) {
        st = names_list(&names, dir, ".draft");
        if (st != MR_OK)
            out_fail(out, st, _("the drafts in %s cannot be read: %s"), dir, status_sentence(st));
    }
    if (st == MR_OK)
        list_drafts(&a, names, dir);
    names_free(names);
    admin_end(&a);
}

/* A draft of this association, or one that it countersigns. */
static enum mr_status read_draft(struct admin *a, struct mr_draft **ret, const char *path)
{
    const enum mr_status st = draft_read(ret, path, a->ledger);
    if (st == MR_NO_SUCH_FILE)
        return out_fail(a->out, st,
                        _("there is no draft %s; it may be settled or withdrawn already"), path);
    if (st != MR_OK)
        return out_fail(a->out, st, _("%s is not a draft of this ledger: %s"), path,
                        status_sentence(st));
    if (chain_of(a, *ret) != NULL)
        return MR_OK;
    return out_fail(a->out, MR_NOT_YOURS, _("the draft %s is for another association"), path);
}

void cmd_draft_show(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_draft *d = NULL;
    const unsigned key = opt_flag(c, "key") ? NEED_KEY : 0;
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | key);
    if (st == MR_OK)
        st = read_draft(&a, &d, c->args[0]);
    if (st == MR_OK) {
        out_json(out, "draft", draft_to_json(&a, d, c->args[0]));
        out_print(out, _("Written by %s on %s; signatures: %u of %u\n"), d->author,
                  admin_time(d->created_ms), signatures_of(d),
                  keys_of(&a, &d->orders[0].order)->threshold);
        for (uint32_t i = 0; i < d->orders_count; i++)
            describe_order(&a, &d->orders[i].order, d->notes, d->notes_count);
        if (d->cancels_count > 0)
            out_print(out, _("It is being withdrawn.\n"));
    }
    free(d);
    admin_end(&a);
}

/* --- sign, submit, withdraw --------------------------------------------------------------------
 */

/* Sets *ret_foreign to a draft that is only countersigned here; there is no work then. */
static enum mr_status begin(struct admin *a, struct work *w, const char *path,
                            struct mr_draft **ret_foreign)
{
    struct mr_draft *d = NULL;
    uint8_t chain[16];
    *w = (struct work){.a = a};
    enum mr_status st = read_draft(a, &d, path);
    if (st == MR_OK && clearing_is_for_us(a, d)) {
        *ret_foreign = d;
        return MR_OK;
    }
    if (st == MR_OK) {
        memcpy(chain, d->orders[0].order.account, sizeof chain);
        st = memcmp(chain, a->system, sizeof chain) == 0 ? admin_need_governance(a)
                                                         : admin_need_operator(a);
    }
    if (st == MR_OK && d->orders[0].order.body.kind == MR_KIND_TAKEOVER)
        st = work_begin_takeover(w, a, chain, path);
    else if (st == MR_OK)
        st = work_begin_about(w, a, chain, path);
    if (st == MR_OK)
        work_take(w, d, path);
    else
        free(d);
    return st;
}

/* Nobody has signed it: it may move to where the chain is now. */
static enum mr_status rebase(struct work *w)
{
    const struct mr_order *first = &w->draft->orders[0].order;
    const uint64_t life = first->not_after_ms - first->time_ms, now = admin_now_ms();
    const uint64_t time = now > w->time_ms ? now : w->time_ms;
    if (first->seq == w->seq && memcmp(first->prev, w->prev, sizeof w->prev) == 0 &&
        first->not_after_ms > now)
        return MR_OK;
    out_note(w->a->out, _("the chain moved on since the draft was written; it is put behind"));
    return draft_rebase(w->draft, w->seq, w->prev, time, time + life, w->policy);
}

static enum mr_status look_at(struct work *w, enum draft_state *ret)
{
    bool dead = false;
    int64_t missing;
    mr_assert(w->draft != NULL);
    enum mr_status st = draft_state(w->draft, ret, &w->keys);
    if (st != MR_OK)
        return out_fail(w->a->out, st, _("a signature in the draft %s is wrong"), w->path);
    if (*ret == DRAFT_UNSIGNED) {
        st = rebase(w);
        if (st != MR_OK)
            return out_fail(w->a->out, st, NULL);
    } else {
        st = work_is_dead(w, &dead, w->draft);
        if (st != MR_OK && st != MR_UNSETTLED)
            return admin_call_failed(w->a, st);
    }
    if (dead)
        return out_fail(w->a->out, MR_SEQ_OLD,
                        _("this draft can never settle any more: its place is taken or its last "
                          "day has passed. Remove it with \"mereau-admin draft withdraw %s\""),
                        w->path);
    if (*ret == DRAFT_READY)
        return MR_OK;
    st = work_check(w, &missing);
    const struct mr_order_body *b = &w->draft->orders[0].order.body;
    if (b->kind == MR_KIND_CLEAR && (st == MR_SIGNATURES_MISSING || st == MR_KEYS_OLD))
        return clearing_not_countersigned(w->a, st, &b->u.clear, w->path);
    return st == MR_OK ? st : out_fail(w->a->out, st, NULL);
}

/* Of another association's draft nothing but the countersignature is ours. */
static enum mr_status begin_own(struct admin *a, struct work *w, struct command *c, struct out *out)
{
    struct mr_draft *foreign = NULL;
    enum mr_status st = admin_begin(a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    *w = (struct work){.a = a};
    if (st == MR_OK)
        st = begin(a, w, c->args[0], &foreign);
    if (foreign != NULL)
        st = out_fail(out, MR_NOT_YOURS, _("the draft %s is for another association"), c->args[0]);
    free(foreign);
    return st;
}

static void sign_own(struct work *w)
{
    struct admin *const a = w->a;
    struct command *const c = a->c;
    enum draft_state state;
    if (work_is_settled(w, w->draft)) {
        out_text(a->out, "state", "settled");
        return;
    }
    enum mr_status st = look_at(w, &state);
    if (st == MR_OK && w->draft->cancels_count > 0)
        st = out_fail(a->out, MR_VOIDED, _("this draft is being withdrawn"));
    for (uint32_t i = 0; st == MR_OK && i < w->draft->orders_count; i++)
        st = conversion_vouch(a, &w->draft->orders[i].order, state == DRAFT_UNSIGNED);
    if (st == MR_OK && !draft_is_signed_by(w->draft, a->signer->key->key_index)) {
        if (!c->yes)
            work_describe(w);
        st = term_confirm(c, a->out, _("Sign this?"));
    }
    if (st == MR_OK)
        work_sign(w, !opt_flag(c, "no-submit"));
}

static void sign_file(struct admin *a, const char *path)
{
    struct work w;
    struct mr_draft *foreign = NULL;
    const enum mr_status st = begin(a, &w, path, &foreign);
    if (foreign != NULL)
        clearing_countersign(a, foreign, path);
    else if (st == MR_OK)
        sign_own(&w);
    free(foreign);
    work_done(&w);
}

/* One of several files. */
struct each {
    const char *path;
    uint8_t chain[MR_ACCOUNT_BYTES];
    uint64_t seq; /* 0: it could not be read */
};

/* On one chain the order in front has to settle first. */
static int compare_each(const void *x, const void *y)
{
    const struct each *const a = x, *const b = y;
    const int chains = memcmp(a->chain, b->chain, sizeof a->chain);
    return chains != 0 ? chains : (a->seq > b->seq) - (a->seq < b->seq);
}

/* What becomes of one does not end the others: its failure is reported at once, and the command's
 * status is that of the first one. */
static void sign_one_of(struct admin *a, const struct each *e, json_t *rows)
{
    struct out *const whole = a->out;
    struct out part = *whole;
    part.status = MR_OK;
    part.failed = false;
    part.fields = whole->json ? json_object() : NULL;
    a->out = &part;
    out_print(&part, "%s\n", e->path);
    if (e->seq > 0 && !file_exists(e->path))
        out_note(&part,
                 _("the file is gone: an earlier command had left it complete, and what became of "
                   "it stands above"));
    else
        sign_file(a, e->path);
    a->out = whole;
    if (part.fields != NULL) {
        json_object_set_new(part.fields, "draft", json_string(e->path));
        json_object_set_new(part.fields, "status", json_string(mr_status_name(part.status)));
        json_array_append_new(rows, part.fields);
    }
    if (part.failed && !whole->failed) {
        whole->failed = true;
        whole->status = part.status;
    }
}

static void sign_all_files(struct admin *a)
{
    const struct command *const c = a->c;
    struct each *const list = calloc(c->arg_count, sizeof *list);
    json_t *const rows = json_array();
    for (size_t i = 0; list != NULL && i < c->arg_count; i++) {
        struct mr_draft *d = NULL;
        list[i].path = c->args[i];
        if (draft_read(&d, c->args[i], a->ledger) == MR_OK) {
            memcpy(list[i].chain, d->orders[0].order.account, sizeof list[i].chain);
            list[i].seq = d->orders[0].order.seq;
        }
        free(d);
    }
    if (list == NULL)
        out_fail(a->out, MR_NO_MEMORY, NULL);
    else
        qsort(list, c->arg_count, sizeof *list, compare_each);
    for (size_t i = 0; list != NULL && i < c->arg_count; i++)
        sign_one_of(a, &list[i], rows);
    out_json(a->out, "drafts", rows);
    free(list);
}

void cmd_draft_sign(struct command *c, struct out *out)
{
    struct admin a;
    const enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    if (st == MR_OK && c->arg_count == 1)
        sign_file(&a, c->args[0]);
    else if (st == MR_OK)
        sign_all_files(&a);
    admin_end(&a);
}

void cmd_draft_submit(struct command *c, struct out *out)
{
    struct admin a;
    struct work w;
    enum draft_state state;
    enum mr_status st = begin_own(&a, &w, c, out);
    if (st == MR_OK && draft_state(w.draft, &state, &w.keys) != MR_OK)
        st = out_fail(out, MR_BAD_SIGNATURE, _("a signature in the draft %s is wrong"), w.path);
    if (st == MR_OK && state != DRAFT_READY)
        st = out_fail(out, MR_SIGNATURES_MISSING,
                      _("signatures are missing: \"mereau-admin draft sign %s %s --key KEYFILE\""),
                      w.path, admin_place(&a));
    if (st == MR_OK)
        work_submit(&w);
    work_done(&w);
    admin_end(&a);
}

void cmd_draft_withdraw(struct command *c, struct out *out)
{
    struct admin a;
    struct work w;
    enum mr_status st = begin_own(&a, &w, c, out);
    if (st == MR_OK && !c->yes)
        work_describe(&w);
    if (st == MR_OK)
        st = term_confirm(c, out, _("Withdraw this?"));
    if (st == MR_OK && work_withdraw(&w) == WORK_SETTLED)
        for (uint32_t i = 0; i < w.draft->orders_count; i++)
            conversion_forget(&a, &w.draft->orders[i].order);
    work_done(&w);
    admin_end(&a);
}
