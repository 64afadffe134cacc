/* Who asks to join, who is admitted, who is a member. */
#include <stdlib.h>
#include <string.h>

#include "admin/describe.h"
#include "admin/members.h"
#include "admin/work.h"
#include "common/term.h"
#include "mereau/assert.h"
#include "mereau/order.h"

const struct option_row admit_options[] = {
    {"all", 0, NULL, N_("everybody who asks")},
    {"class", 0, "resident|shop|association|municipality|office|fund",
     N_("admit as this class, whatever was asked for")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

const struct option_row yes_options[] = {{NULL, 0, NULL, NULL}};

enum { DATE_CHARS = 10 };

static bool class_parse(enum mr_account_class *ret, const char *text)
{
    for (enum mr_account_class c = MR_CLASS_RESIDENT; c <= MR_CLASS_FUND; c++) {
        if (strcmp(mr_account_class_text(c), text) == 0) {
            *ret = c;
            return true;
        }
    }
    return false;
}

static const char *shown_name(const struct roll_entry *e)
{
    return e->readable ? e->member.identity.name : _("(unreadable)");
}

static json_t *entry_to_json(const struct admin *a, const struct roll_entry *e,
                             enum mr_account_class class)
{
    return json_pack("{s:s,s:s?,s:s?,s:s,s:I}", "account", admin_address(a, e->account), "name",
                     e->readable ? e->member.identity.name : NULL, "contact",
                     e->readable ? e->member.identity.contact : NULL, "class",
                     mr_account_class_text(class), "time_ms", (json_int_t)e->time_ms);
}

/* --- requests ----------------------------------------------------------------------------------
 */

static void print_requests(struct admin *a, const struct roll_entry *const *entries, size_t count)
{
    const struct table_column columns[] = {{_("name"), false},
                                           {_("contact"), false},
                                           {_("class"), false},
                                           {_("asked on"), false},
                                           {_("account"), false}};
    struct table *t = table_create(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; t != NULL && i < count; i++) {
        const struct roll_entry *e = entries[i];
        const char *const cells[] = {shown_name(e), e->member.identity.contact,
                                     class_word(e->open.class), admin_time(e->time_ms),
                                     admin_address(a, e->account)};
        table_add(t, cells);
    }
    table_print(a->out, t);
}

static enum mr_status begin_register(struct admin *a, struct command *c, struct out *out,
                                     struct roll *ret, enum mr_register_kind kind)
{
    *ret = (struct roll){NULL, 0};
    enum mr_status st = admin_begin(a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    if (st == MR_OK)
        st = admin_need_operator(a);
    return st == MR_OK ? roll_read(ret, a, kind) : st;
}

void cmd_requests(struct command *c, struct out *out)
{
    struct admin a;
    struct roll r;
    if (begin_register(&a, c, out, &r, MR_REGISTER_REQUEST) == MR_OK) {
        const struct roll_entry **all = calloc(r.count + 1, sizeof *all);
        json_t *rows = json_array();
        for (size_t i = 0; i < r.count; i++) {
            json_array_append_new(rows, entry_to_json(&a, &r.entries[i], r.entries[i].open.class));
            if (all != NULL)
                all[i] = &r.entries[i];
        }
        out_json(out, "requests", rows);
        if (r.count == 0)
            out_print(out, _("Nobody asks to join.\n"));
        else if (all != NULL)
            print_requests(&a, all, r.count);
        free(all);
    }
    roll_free(&r);
    admin_end(&a);
}

/* --- admitting ---------------------------------------------------------------------------------
 */

struct admission {
    struct admin *a;
    const struct roll_entry *chosen[MR_PAGE_MAX]; /* one batch */
    size_t count;
    json_t *admitted;
};

static enum mr_account_class class_of(const struct admission *ad, const struct roll_entry *e)
{
    enum mr_account_class class = e->open.class;
    const char *wanted = opt_text(ad->a->c, "class");
    if (wanted != NULL)
        mr_assert(class_parse(&class, wanted));
    return class;
}

/* The account is open: write the member into the register, drop the request. */
static enum mr_status enter(struct admission *ad, const struct roll_entry *e)
{
    struct mr_member member = e->member;
    struct admin *a = ad->a;
    member.class = class_of(ad, e);
    member.admitted_ms = admin_now_ms();
    member.admitted_by_len = a->signer->key->name_len;
    memcpy(member.admitted_by, a->signer->key->name, sizeof member.admitted_by);
    admin_as(a, a->desk);
    enum mr_status st = roll_put(a, e->account, &member);
    if (st == MR_OK)
        st = roll_drop(a, MR_REGISTER_REQUEST, e->account);
    if (st != MR_OK && st != MR_NOT_FOUND)
        return admin_call_failed(a, st);
    json_array_append_new(ad->admitted, entry_to_json(a, e, member.class));
    out_print(a->out, _("Admitted: %s, %s, %s\n"), shown_name(e), class_word(member.class),
              admin_address(a, e->account));
    return MR_OK;
}

static enum mr_status add_open(struct admission *ad, struct work *w, const struct roll_entry *e)
{
    if (!mr_in_space(e->account, ad->a->home->id))
        return out_fail(ad->a->out, MR_NOT_YOURS,
                        _("the request of %s, %s, is not for this association: \"mereau-admin "
                          "reject\" removes it"),
                        shown_name(e), admin_address(ad->a, e->account));
    struct mr_order_body *body = calloc(1, sizeof *body);
    if (body == NULL)
        return out_fail(ad->a->out, MR_NO_MEMORY, NULL);
    body->kind = MR_KIND_OPEN;
    body->u.open = e->open;
    body->u.open.class = class_of(ad, e);
    memcpy(body->u.open.account, e->account, 16);
    const enum mr_status st = work_add(w, body);
    free(body);
    return st;
}

/* One batch: the orders in one draft, then the register. An account that is open already was
 * admitted by a command that was interrupted: only the register is behind. */
static enum work_end admit_batch(struct admission *ad, bool ask)
{
    struct work w;
    char question[256];
    const struct roll_entry *fresh[MR_PAGE_MAX];
    size_t count = 0;
    enum work_end end = WORK_SETTLED;
    enum mr_status st = work_begin(&w, ad->a, ad->a->desk);
    w.quiet = true;
    for (size_t i = 0; st == MR_OK && i < ad->count; i++) {
        const struct mr_rep_lookup *known;
        st = account_lookup(ad->a, &known, ad->chosen[i]->account);
        if (st == MR_OK) {
            st = enter(ad, ad->chosen[i]);
        } else if (st == MR_NOT_FOUND) {
            fresh[count++] = ad->chosen[i];
            st = add_open(ad, &w, ad->chosen[i]);
        } else {
            admin_call_failed(ad->a, st);
        }
    }
    if (st == MR_OK && count > 0) {
        snprintf(question, sizeof question,
                 ngettext("Admit %zu member?", "Admit %zu members?", count), count);
        end = work_finish(&w, ask ? question : NULL);
    }
    for (size_t i = 0; st == MR_OK && end == WORK_SETTLED && i < count; i++)
        st = enter(ad, fresh[i]);
    work_done(&w);
    return st == MR_OK ? end : WORK_FAILED;
}

static enum mr_status choose_one(struct admission *ad, const struct roll *r, const char *who)
{
    const struct roll_entry *first = NULL;
    struct admin *a = ad->a;
    const size_t count = roll_match(r, &first, a, who);
    if (count == 0)
        return out_fail(a->out, MR_NOT_FOUND,
                        _("nobody with the name or address \"%s\" asks to join; see "
                          "\"mereau-admin requests\""),
                        who);
    if (count > 1)
        return out_fail(a->out, MR_NOT_FOUND,
                        _("%zu people with the name \"%s\" ask to join: give the address"), count,
                        who);
    ad->chosen[ad->count++] = first;
    return MR_OK;
}

static enum mr_status ask_about(struct admission *ad)
{
    char question[256];
    if (ad->a->c->yes || opt_flag(ad->a->c, "dry-run"))
        return MR_OK;
    print_requests(ad->a, ad->chosen, ad->count);
    snprintf(question, sizeof question,
             ngettext("Admit %zu member?", "Admit %zu members?", ad->count), ad->count);
    return term_confirm(ad->a->c, ad->a->out, question);
}

static void admit(struct admission *ad, const struct roll *r)
{
    struct command *c = ad->a->c;
    const bool all = opt_flag(c, "all");
    const size_t wanted = all ? r->count : c->arg_count;
    for (size_t i = 0; i < wanted;) {
        enum mr_status st = MR_OK;
        ad->count = 0;
        for (; st == MR_OK && i < wanted && ad->count < MR_PAGE_MAX; i++) {
            if (all)
                ad->chosen[ad->count++] = &r->entries[i];
            else
                st = choose_one(ad, r, c->args[i]);
        }
        if (st != MR_OK || ask_about(ad) != MR_OK || admit_batch(ad, false) != WORK_SETTLED)
            return;
    }
    if (all && wanted == 0)
        out_print(ad->a->out, _("Nobody asks to join.\n"));
}

void cmd_admit(struct command *c, struct out *out)
{
    struct admin a;
    struct roll r;
    enum mr_status st = begin_register(&a, c, out, &r, MR_REGISTER_REQUEST);
    if (st == MR_OK && opt_flag(c, "all") == (c->arg_count > 0))
        st = out_fail(out, MR_USAGE, _("say who is to be admitted: names or addresses, or --all"));
    if (st == MR_OK) {
        struct admission ad = {.a = &a, .admitted = json_array()};
        admit(&ad, &r);
        out_json(out, "admitted", ad.admitted);
    }
    roll_free(&r);
    admin_end(&a);
}

void cmd_reject(struct command *c, struct out *out)
{
    struct admin a;
    struct roll r;
    char question[512];
    struct admission ad = {.a = &a};
    enum mr_status st = begin_register(&a, c, out, &r, MR_REGISTER_REQUEST);
    if (st == MR_OK)
        st = choose_one(&ad, &r, c->args[0]);
    if (st == MR_OK) {
        snprintf(question, sizeof question, _("Remove the request of %s?"),
                 shown_name(ad.chosen[0]));
        st = term_confirm(c, out, question);
    }
    if (st == MR_OK) {
        st = roll_drop(&a, MR_REGISTER_REQUEST, ad.chosen[0]->account);
        if (st != MR_OK && st != MR_NOT_FOUND)
            admin_call_failed(&a, st);
        else
            out_print(out, _("The request of %s is removed.\n"), shown_name(ad.chosen[0]));
        out_text(out, "account", admin_address(&a, ad.chosen[0]->account));
    }
    roll_free(&r);
    admin_end(&a);
}

/* --- members -----------------------------------------------------------------------------------
 */

static const char *account_state(const struct mr_state_account *s)
{
    return s->closed ? _("closed") : s->frozen ? _("frozen") : _("open");
}

static json_t *account_to_json(const struct admin *a, const struct mr_rep_account *acc,
                               const struct roll_entry *e)
{
    const struct mr_state_account *s = &acc->account;
    struct mr_terms t;
    json_t *balances = json_array();
    mr_terms_of(&t, s, NULL);
    for (uint32_t i = 0; i < acc->hot.chain.balances_count; i++)
        json_array_append_new(balances, json_integer(acc->hot.chain.balances[i].minor));
    return json_pack(
        "{s:s,s:s?,s:s?,s:s,s:b,s:b,s:I,s:I,s:I,s:I,s:I,s:o}", "account", admin_address(a, s->id),
        "name", e != NULL && e->readable ? e->member.identity.name : NULL, "contact",
        e != NULL && e->readable ? e->member.identity.contact : NULL, "class",
        mr_account_class_text(s->class), "frozen", s->frozen, "closed", s->closed, "credit_minor",
        (json_int_t)t.credit, "limit_payment_minor", (json_int_t)t.limit_payment, "limit_day_minor",
        (json_int_t)t.limit_day, "limit_month_minor", (json_int_t)t.limit_month, "opened_ms",
        (json_int_t)s->opened_ms, "balances_minor", balances);
}

static void add_member_row(struct admin *a, struct table *t, const struct roll *r,
                           const struct mr_rep_account *acc)
{
    const struct roll_entry *e = roll_of(r, acc->account.id);
    if (!mr_is_member_class(acc->account.class))
        return;
    out_row(a->out, a->out->json ? account_to_json(a, acc, e) : NULL);
    const char *const cells[] = {e != NULL ? shown_name(e) : "", class_word(acc->account.class),
                                 admin_amount(a, acc->hot.chain.balances[0].minor),
                                 account_state(&acc->account), admin_address(a, acc->account.id)};
    if (t != NULL)
        table_add(t, cells);
}

static enum mr_status list_members(struct admin *a, struct table *t, const struct roll *r)
{
    struct mr_req_page page = {.from = 1, .count = MR_PAGE_MAX};
    uint64_t last = 1;
    while (page.from <= last) {
        a->ask->kind = MR_REQ_ACCOUNTS;
        a->ask->u.accounts = page;
        const enum mr_status st = admin_call(a);
        if (st != MR_OK)
            return admin_call_failed(a, st);
        const struct mr_rep_accounts *rep = &a->reply->body.u.accounts;
        for (uint32_t i = 0; i < rep->accounts_count; i++)
            if (memcmp(rep->accounts[i].account.association, a->home->id, MR_ACCOUNT_BYTES) == 0)
                add_member_row(a, t, r, &rep->accounts[i]);
        last = rep->last;
        if (rep->next <= page.from)
            break;
        page.from = rep->next;
    }
    return MR_OK;
}

void cmd_member_list(struct command *c, struct out *out)
{
    struct admin a;
    struct roll r;
    const struct table_column columns[] = {{_("name"), false},
                                           {_("class"), false},
                                           {_("balance"), true},
                                           {_("state"), false},
                                           {_("account"), false}};
    if (begin_register(&a, c, out, &r, MR_REGISTER_MEMBER) == MR_OK) {
        struct table *t = table_create(columns, sizeof columns / sizeof columns[0]);
        list_members(&a, t, &r);
        table_print(out, t);
    }
    roll_free(&r);
    admin_end(&a);
}

static void print_member(struct admin *a, const struct mr_rep_account *acc,
                         const struct roll_entry *e)
{
    const struct mr_state_account *s = &acc->account;
    struct mr_terms t;
    mr_terms_of(&t, s, NULL);
    if (e != NULL) {
        out_print(a->out, _("Name:     %s\nContact:  %s\n"), shown_name(e),
                  e->member.identity.contact);
        out_print(a->out, _("Admitted: %.*s by %s\n"), DATE_CHARS,
                  admin_time(e->member.admitted_ms), e->member.admitted_by);
    }
    out_print(a->out, _("Account:  %s\nClass:    %s\nState:    %s\n"), admin_address(a, s->id),
              class_word(s->class), account_state(s));
    if (acc->hot.chain.balances_count > 0)
        out_print(a->out, _("Balance:  %s\n"), admin_amount(a, acc->hot.chain.balances[0].minor));
    out_print(a->out,
              _("Credit:   %s\nLimits:   payment %s, day %s, month %s (0: those of the "
                "class)\n"),
              admin_amount(a, t.credit), admin_amount(a, t.limit_payment),
              admin_amount(a, t.limit_day), admin_amount(a, t.limit_month));
    if (s->lowered_count > 0)
        out_print(a->out,
                  _("          governance lowered them, and a grant does not raise them\n"));
}

void cmd_member_show(struct command *c, struct out *out)
{
    struct admin a;
    struct roll_entry entry, *e = NULL;
    uint8_t account[16];
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK)
        st = member_find(&a, account, c->args[0]);
    if (st == MR_OK) {
        admin_as(&a, a.desk);
        e = roll_one(&a, &entry, account) ? &entry : NULL;
        a.ask->kind = MR_REQ_ACCOUNT;
        memcpy(a.ask->u.account.account, account, sizeof account);
        st = admin_call(&a);
        if (st != MR_OK)
            admin_call_failed(&a, st);
    }
    if (st == MR_OK) {
        const struct mr_rep_account *acc = &a.reply->body.u.account;
        out_json(out, "member", account_to_json(&a, acc, e));
        print_member(&a, acc, e);
    }
    admin_end(&a);
}

/* The account and its orders stay; who stood behind it is not known to anybody any more. */
void cmd_member_forget(struct command *c, struct out *out)
{
    struct admin a;
    uint8_t account[16];
    char question[256];
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK)
        st = member_find(&a, account, c->args[0]);
    if (st == MR_OK) {
        snprintf(question, sizeof question, _("Erase name and contact of %s from the register?"),
                 admin_address(&a, account));
        st = term_confirm(c, out, question);
    }
    if (st == MR_OK) {
        admin_as(&a, a.desk);
        st = roll_drop(&a, MR_REGISTER_MEMBER, account);
        out_text(out, "account", admin_address(&a, account));
        if (st == MR_NOT_FOUND)
            out_status(out, MR_ALREADY_DONE);
        else if (st != MR_OK)
            admin_call_failed(&a, st);
        if (st == MR_OK || st == MR_NOT_FOUND)
            out_print(out,
                      _("The register knows nothing about %s any more. Backups made earlier "
                        "still do.\n"),
                      admin_address(&a, account));
    }
    admin_end(&a);
}
