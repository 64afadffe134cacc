/* Redemptions: who gave units back, paying them out in euros, giving them back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/archive.h"
#include "admin/bank.h"
#include "admin/cmd.h"
#include "admin/field.h"
#include "admin/members.h"
#include "admin/treasury.h"
#include "mereau/id.h"

const struct option_row payout_options[] = {
    {"bank-ref", 0, N_("TEXT"), N_("id of the bank entry that the euros went out with")},
    {"bank-account", 0, N_("TEXT"), N_("reserve account it stands on (default: the key file's)")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

enum { ID_DIGITS_MIN = 6, REDEMPTIONS_SHOWN = 8 };

/* --- shared with issuing -----------------------------------------------------------------------
 */

enum mr_status treasury_note(struct admin *a, struct mr_bank_note *ret, const char *entry,
                             const char *account)
{
    *ret = (struct mr_bank_note){.entry_len = 0};
    if (account == NULL)
        account = opt_text(a->c, "bank-account");
    if (account == NULL)
        account = a->signer->key->bank_account;
    if (!FIELD_SET(ret, entry, entry) || !FIELD_SET(ret, account, account))
        return out_fail(a->out, MR_USAGE,
                        _("the bank reference \"%.60s\" has characters that cannot stand there, or "
                          "is too long"),
                        entry);
    if (bank_ref(ret->ref, a->signer->key->bank_secret, ret->account, ret->entry) != MR_OK)
        return out_fail(a->out, MR_USAGE, _("the bank reference \"%s\" has no letter or digit"),
                        entry);
    return MR_OK;
}

enum mr_status treasury_ask_bank(struct admin *a, const uint8_t ref[32])
{
    admin_as(a, a->treasury);
    a->ask->kind = MR_REQ_BANK;
    memcpy(a->ask->u.bank.association, a->home->id, 16);
    memcpy(a->ask->u.bank.ref, ref, 32);
    return admin_call(a);
}

enum mr_status treasury_each_draft(struct work *w, treasury_look look, void *ctx)
{
    char **names = NULL, path[FILE_PATH_MAX];
    enum mr_status st = names_list(&names, w->dir, ".draft");
    if (st != MR_OK)
        return out_fail(w->a->out, st, _("the drafts in %s cannot be read: %s"), w->dir,
                        status_sentence(st));
    for (size_t i = 0; st == MR_OK && names[i] != NULL; i++) {
        struct mr_draft *d = NULL;
        bool dead = false;
        if (path_join(path, w->dir, names[i]) != MR_OK ||
            draft_read(&d, path, w->a->ledger) != MR_OK)
            continue;
        if (memcmp(d->orders[0].order.account, w->chain, 16) == 0) {
            const enum mr_status known = work_is_dead(w, &dead, d);
            if (known != MR_OK && known != MR_UNSETTLED)
                st = admin_call_failed(w->a, known);
            else
                st = look(w, d, path, dead, ctx);
        }
        free(d);
    }
    names_free(names);
    return st;
}

/* --- the list ----------------------------------------------------------------------------------
 */

/* Those that this association shall pay; its own node knows those of all. */
enum mr_status treasury_each_redemption(struct admin *a, each_redemption each, void *ctx)
{
    struct mr_req_page page = {.from = 1, .count = MR_PAGE_MAX};
    uint64_t last = 1;
    if (a->signer != NULL)
        admin_as(a, a->treasury);
    while (page.from <= last) {
        a->ask->kind = MR_REQ_REDEMPTIONS;
        a->ask->u.redemptions = page;
        const enum mr_status st = admin_call(a);
        if (st != MR_OK)
            return admin_call_failed(a, st);
        const struct mr_rep_redemptions *rep = &a->reply->body.u.redemptions;
        for (uint32_t i = 0; i < rep->items_count; i++)
            if (memcmp(rep->items[i].association, a->home->id, MR_ACCOUNT_BYTES) == 0)
                each(ctx, &rep->items[i]);
        last = rep->last;
        if (rep->next <= page.from)
            break;
        page.from = rep->next;
    }
    return MR_OK;
}

static const char *done_word(uint32_t done)
{
    return done == 0 ? _("open") : done == 1 ? _("paid") : _("returned");
}

struct listing {
    struct admin *a;
    struct table *table;
    const struct roll *roll;
    bool all;
    size_t count;
};

static void list_one(void *ctx, const struct mr_state_redemption *r)
{
    struct listing *l = ctx;
    char id[2 * MR_HASH_BYTES + 1];
    if (r->done != 0 && !l->all)
        return;
    const struct roll_entry *e = roll_of(l->roll, r->ref.account);
    const char *name = e != NULL && e->readable ? e->member.identity.name : "";
    l->count++;
    mr_hex_format(id, r->ref.order, MR_HASH_BYTES);
    out_row(l->a->out,
            !l->a->out->json
                ? NULL
                : json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:s}", "redemption", id, "account",
                            admin_address(l->a, r->ref.account), "name", name, "amount_minor",
                            (json_int_t)r->ref.amount, "fee_minor", (json_int_t)r->fee, "time_ms",
                            (json_int_t)r->time_ms, "state",
                            r->done == 0   ? "open"
                            : r->done == 1 ? "paid"
                                           : "returned"));
    id[REDEMPTIONS_SHOWN] = '\0';
    const char *const cells[] = {id,
                                 admin_time(r->time_ms),
                                 admin_amount(l->a, r->ref.amount),
                                 admin_amount(l->a, r->fee),
                                 admin_euros(l->a, r->ref.amount - r->fee),
                                 done_word(r->done),
                                 name,
                                 admin_address(l->a, r->ref.account)};
    if (l->table != NULL)
        table_add(l->table, cells);
}

void cmd_redemptions(struct command *c, struct out *out)
{
    struct admin a;
    struct roll r = {NULL, 0};
    const struct table_column columns[] = {
        {_("id"), false},    {_("date"), false},  {_("amount"), true}, {_("fee"), true},
        {_("to pay"), true}, {_("state"), false}, {_("name"), false},  {_("account"), false}};
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK)
        st = roll_read(&r, &a, MR_REGISTER_MEMBER);
    if (st == MR_OK) {
        struct listing l = {.a = &a, .roll = &r, .all = opt_flag(c, "all")};
        l.table = table_create(columns, sizeof columns / sizeof columns[0]);
        st = treasury_each_redemption(&a, list_one, &l);
        table_print(out, l.table);
        out_int(out, "count", (int64_t)l.count);
        if (st == MR_OK && l.count == 0)
            out_print(out, _("No redemption waits.\n"));
    }
    roll_free(&r);
    admin_end(&a);
}

const struct option_row redemptions_options[] = {
    {"all", 0, NULL, N_("also those that are paid or returned")},
    {NULL, 0, NULL, NULL},
};

/* --- one of them -------------------------------------------------------------------------------
 */

struct search {
    const char *id;      /* first digits of its order id, or NULL */
    uint8_t account[16]; /* else: the open one of this account */
    const uint8_t *paid; /* or the one that was paid with this bank line; NULL: none */
    struct mr_state_redemption found;
    size_t count;
    bool found_paid;
};

static void search_one(void *ctx, const struct mr_state_redemption *r)
{
    struct search *s = ctx;
    char id[2 * MR_HASH_BYTES + 1];
    mr_hex_format(id, r->ref.order, MR_HASH_BYTES);
    const bool is_paid = s->paid != NULL && memcmp(r->ref.order, s->paid, MR_HASH_BYTES) == 0;
    const bool match =
        s->id != NULL ? strncmp(id, s->id, strlen(s->id)) == 0
                      : (r->done == 0 || is_paid) && memcmp(r->ref.account, s->account, 16) == 0;
    if (!match || s->found_paid)
        return;
    s->found = *r;
    s->count = is_paid ? 1 : s->count + 1;
    s->found_paid = is_paid;
}

static bool is_id(const char *text)
{
    const size_t n = strlen(text);
    return n >= ID_DIGITS_MIN && n <= (size_t)2 * MR_HASH_BYTES &&
           strspn(text, "0123456789abcdef") == n;
}

/* Too short for an id it is looked for as a member, who may have such a name. */
static bool is_short_id(const char *text)
{
    const size_t n = strlen(text);
    return n < ID_DIGITS_MIN && strspn(text, "0123456789abcdef") == n;
}

static enum mr_status find_redemption(struct admin *a, struct search *s, const char *text)
{
    s->id = is_id(text) ? text : NULL;
    enum mr_status st = s->id == NULL ? member_find(a, s->account, text) : MR_OK;
    if (st != MR_OK && is_short_id(text))
        out_note(a->out,
                 _("For a redemption give at least %d digits of its id, as \"mereau-admin "
                   "redemptions\" shows them."),
                 REDEMPTIONS_SHOWN);
    if (st == MR_OK)
        st = treasury_each_redemption(a, search_one, s);
    if (st != MR_OK)
        return st;
    if (s->count == 0)
        return out_fail(a->out, MR_REDEMPTION_UNKNOWN,
                        _("there is no redemption \"%s\"; give at least %d digits of its id, as "
                          "\"mereau-admin redemptions\" shows them"),
                        text, REDEMPTIONS_SHOWN);
    if (s->count > 1)
        return out_fail(a->out, MR_USAGE,
                        _("\"%s\" fits %zu redemptions: name one by its id, as \"mereau-admin "
                          "redemptions\" shows it"),
                        text, s->count);
    return MR_OK;
}

/* Whether a draft pays or returns the same redemption. */
struct wish {
    const struct mr_state_redemption *redemption;
    const struct mr_bank_note *note; /* NULL: a return */
    bool drafted;                    /* a draft for the same waits */
};

static bool is_same_wish(const struct wish *wish, const struct mr_order_body *b)
{
    if (wish->note == NULL)
        return b->kind == MR_KIND_RETURN;
    return b->kind == MR_KIND_PAYOUT &&
           memcmp(b->u.payout.bank_ref, wish->note->ref, MR_HASH_BYTES) == 0;
}

static enum mr_status look_at_draft(struct work *w, const struct mr_draft *d, const char *path,
                                    bool dead, void *ctx)
{
    struct wish *wish = ctx;
    const struct mr_state_redemption *r = wish->redemption;
    for (uint32_t i = 0; i < d->orders_count; i++) {
        const struct mr_order_body *b = &d->orders[i].order.body;
        const struct mr_redemption_ref *ref = b->kind == MR_KIND_PAYOUT   ? &b->u.payout.redemption
                                              : b->kind == MR_KIND_RETURN ? &b->u.return_.redemption
                                                                          : NULL;
        if (ref == NULL || memcmp(ref->order, r->ref.order, sizeof ref->order) != 0)
            continue;
        if (dead) {
            unlink(path);
            return MR_OK;
        }
        out_text(w->a->out, "draft", path);
        if (!is_same_wish(wish, b))
            return out_fail(w->a->out, MR_REDEMPTION_DONE,
                            _("another draft for this redemption waits for signatures: %s"), path);
        wish->drafted = true;
        out_text(w->a->out, "state", "draft");
        out_status(w->a->out, MR_ALREADY_DONE);
        out_print(w->a->out,
                  _("Drafted already; signatures are missing:\n  mereau-admin draft "
                    "sign %s %s --key KEYFILE\n"),
                  path, admin_place(w->a));
    }
    return MR_OK;
}

static void say_done_before(struct admin *a, const struct mr_state_redemption *r, const char *how)
{
    out_status(a->out, MR_ALREADY_DONE);
    out_text(a->out, "state", "settled");
    out_print(a->out, "%s: %s, %s\n", how, admin_amount(a, r->ref.amount),
              admin_address(a, r->ref.account));
}

static void finish(struct admin *a, struct mr_order_body *body, const struct mr_bank_note *note,
                   const struct mr_state_redemption *r, const char *question)
{
    struct work w;
    enum mr_status st = work_begin(&w, a, a->treasury);
    struct wish wish = {.redemption = r, .note = note};
    if (st == MR_OK)
        st = treasury_each_draft(&w, look_at_draft, &wish);
    if (st == MR_OK && !wish.drafted && note != NULL)
        st = work_note(&w, note);
    if (st == MR_OK && !wish.drafted)
        st = work_add(&w, body);
    if (st == MR_OK && !wish.drafted)
        work_finish(&w, question);
    work_done(&w);
}

/* What the bank line was used for. */
struct bank_use {
    bool used, payout;
    uint8_t redemption[MR_HASH_BYTES]; /* order id, of a payout */
    uint64_t time_ms;
};

static enum mr_status look_at_bank(struct admin *a, struct bank_use *ret,
                                   const struct mr_bank_note *note)
{
    const enum mr_status st = treasury_ask_bank(a, note->ref);
    *ret = (struct bank_use){.used = st == MR_OK};
    if (st == MR_NOT_FOUND)
        return MR_OK;
    if (st != MR_OK)
        return admin_call_failed(a, st);
    const struct mr_rep_bank *rep = &a->reply->body.u.bank;
    const struct mr_order_body *b = &rep->order[0].order.body;
    ret->time_ms = rep->time_ms;
    ret->payout = rep->order_count > 0 && b->kind == MR_KIND_PAYOUT;
    if (ret->payout)
        memcpy(ret->redemption, b->u.payout.redemption.order, sizeof ret->redemption);
    return MR_OK;
}

/* An earlier payout may be signed and not sent: begin the work, which sends it, before looking. */
static enum mr_status settle_what_waits(struct admin *a)
{
    struct work w;
    const enum mr_status st = work_begin(&w, a, a->treasury);
    work_done(&w);
    return st;
}

/* A municipality's accountant asks for the bank line in clear (MUN-7). */
static enum mr_status keep_line(struct admin *a, const struct mr_bank_note *note,
                                const uint8_t account[MR_ACCOUNT_BYTES])
{
    const struct mr_rep_lookup *found = NULL;
    enum mr_status st = account_lookup(a, &found, account);
    if (st == MR_OK && found->class == MR_CLASS_MUNICIPALITY && !opt_flag(a->c, "dry-run"))
        st = bank_line_put(a, note);
    return st == MR_OK || st == MR_NOT_FOUND ? MR_OK : admin_call_failed(a, st);
}

void cmd_payout(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    struct search s = {.count = 0};
    struct mr_bank_note note;
    struct bank_use use = {.used = false};
    const char *ref = opt_text(c, "bank-ref");
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK && ref == NULL)
        st = out_fail(out, MR_USAGE,
                      _("--bank-ref is needed: the id of the bank entry that the euros went out "
                        "with"));
    if (st == MR_OK)
        st = treasury_note(&a, &note, ref, NULL);
    if (st == MR_OK)
        st = settle_what_waits(&a);
    if (st == MR_OK)
        st = look_at_bank(&a, &use, &note);
    s.paid = use.payout ? use.redemption : NULL;
    if (st == MR_OK)
        st = find_redemption(&a, &s, c->args[0]);
    if (st == MR_OK && use.payout &&
        memcmp(s.found.ref.order, use.redemption, sizeof use.redemption) == 0) {
        out_int(out, "settled_ms", (int64_t)use.time_ms);
        say_done_before(&a, &s.found, _("Already paid out"));
    } else if (st == MR_OK && use.used) {
        out_fail(out, MR_BANK_REF_USED,
                 _("the bank line \"%s\" was already used on %s for something else; nothing was "
                   "paid out"),
                 note.entry, admin_time(use.time_ms));
    } else if (st == MR_OK && s.found.done != 0) {
        out_fail(out, MR_REDEMPTION_DONE, NULL);
    } else if (st == MR_OK) {
        body->kind = MR_KIND_PAYOUT;
        body->u.payout.redemption = s.found.ref;
        body->u.payout.fee = s.found.fee;
        memcpy(body->u.payout.bank_ref, note.ref, sizeof note.ref);
        if (keep_line(&a, &note, s.found.ref.account) == MR_OK)
            finish(&a, body, &note, &s.found, _("Record this payout?"));
    }
    order_end(&a, body);
}

void cmd_return(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body;
    struct search s = {.count = 0};
    enum mr_status st = order_begin(&a, c, out, &body);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK)
        st = settle_what_waits(&a);
    if (st == MR_OK)
        st = find_redemption(&a, &s, c->args[0]);
    if (st == MR_OK && s.found.done == 2) {
        say_done_before(&a, &s.found, _("Already returned"));
    } else if (st == MR_OK && s.found.done != 0) {
        out_fail(out, MR_REDEMPTION_DONE, NULL);
    } else if (st == MR_OK) {
        body->kind = MR_KIND_RETURN;
        body->u.return_.redemption = s.found.ref;
        finish(&a, body, NULL, &s.found, _("Give the units back to the member?"));
    }
    order_end(&a, body);
}
