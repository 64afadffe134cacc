/* Mandates of payees, who let a municipality pay them through the association (MUN-1). */
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/conversion.h"
#include "admin/field.h"
#include "admin/mandate.h"
#include "admin/members.h"
#include "common/day.h"
#include "common/term.h"
#include "mereau/mandate.h"
#include "mereau/text.h"

enum { FILE_MAX = 4096, SHORT_ID = 16, ID_DIGITS_MIN = 6 };

const struct option_row mandate_list_options[] = {
    {"all", 0, NULL, N_("also those that do not hold any more")},
    {NULL, 0, NULL, NULL},
};

const struct option_row mandate_revoke_options[] = {
    {"reason", 0, N_("TEXT"), N_("why, for the file")},
    {NULL, 0, NULL, NULL},
};

static enum mr_status begin(struct admin *a, struct command *c, struct out *out,
                            struct mandates *ret)
{
    *ret = (struct mandates){NULL, 0, 0};
    enum mr_status st = admin_begin(a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    if (st == MR_OK)
        st = admin_need_operator(a);
    return st == MR_OK ? mandates_read(ret, a) : st;
}

/* --- words -------------------------------------------------------------------------------------
 */

const char *mandate_state(const struct mr_mandate_entry *e, uint64_t now_ms)
{
    const uint64_t until = e->mandate.mandate.until_ms;
    if (e->revoked_ms != 0)
        return _("revoked");
    return until != 0 && now_ms >= until ? _("expired") : _("in force");
}

static const char *state_word(const struct mr_mandate_entry *e, uint64_t now_ms)
{
    const uint64_t until = e->mandate.mandate.until_ms;
    if (e->revoked_ms != 0)
        return "revoked";
    return until != 0 && now_ms >= until ? "expired" : "in_force";
}

void mandate_called(char *ret, size_t cap, struct admin *a, const uint8_t account[16])
{
    struct roll_entry e;
    const bool known = roll_one(a, &e, account);
    snprintf(ret, cap, "%s", known ? e.member.identity.name : "");
}

static json_t *mandate_to_json(struct admin *a, const struct mandate_row *row)
{
    const struct mr_mandate_entry *const e = &row->entry;
    const struct mr_mandate *const m = &e->mandate.mandate;
    char payee[MR_NAME_MAX + 1], municipality[MR_NAME_MAX + 1];
    mandate_called(payee, sizeof payee, a, m->payee);
    mandate_called(municipality, sizeof municipality, a, m->municipality);
    return json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:I,s:s,s:s}", "id", admin_hex(row->id),
        "state", state_word(e, admin_now_ms()), "payee", admin_address(a, m->payee), "payee_name",
        payee, "municipality", admin_address(a, m->municipality), "municipality_name", municipality,
        "from_ms", (json_int_t)m->from_ms, "until_ms", (json_int_t)m->until_ms, "max_minor",
        (json_int_t)m->max, "added_ms", (json_int_t)e->added_ms, "added_by", e->added_by,
        "revoked_ms", (json_int_t)e->revoked_ms, "revoked_by", e->revoked_by, "reason", e->reason);
}

/* --- add ---------------------------------------------------------------------------------------
 */

static enum mr_status read_text(struct admin *a, struct mr_signed_mandate *ret)
{
    const char *const given = a->c->args[0];
    char *text = NULL;
    enum mr_status st = mr_mandate_parse(ret, NULL, given);
    if (st != MR_OK && file_read_text(&text, given, FILE_MAX) == MR_OK)
        st = mr_mandate_parse(ret, NULL, text);
    free(text);
    if (st != MR_OK)
        return out_fail(a->out, MR_BAD_CHECKSUM,
                        _("\"%.60s\" is neither a mandate of \"mereau mandate give\" nor a file "
                          "with one: is it complete?"),
                        given);
    if (memcmp(ret->mandate.ledger, a->ledger, sizeof a->ledger) != 0)
        return out_fail(a->out, MR_WRONG_LEDGER, _("this mandate is for another currency"));
    if (memcmp(ret->mandate.association, a->home->id, MR_ACCOUNT_BYTES) != 0)
        return out_fail(a->out, MR_MANDATE_OTHER,
                        _("this mandate is for another association: the municipality pays through "
                          "that one"));
    return MR_OK;
}

enum mr_status mandate_municipality(struct admin *a, const uint8_t account[16])
{
    const struct mr_rep_lookup *found = NULL;
    const enum mr_status st = account_lookup(a, &found, account);
    if (st != MR_OK && st != MR_NOT_FOUND)
        return admin_call_failed(a, st);
    if (st == MR_NOT_FOUND || found->class != MR_CLASS_MUNICIPALITY)
        return out_fail(a->out, MR_PAYEE_CLASS, _("%s is not the account of a municipality"),
                        admin_address(a, account));
    if (memcmp(found->association, a->home->id, MR_ACCOUNT_BYTES) != 0)
        return out_fail(a->out, MR_NOT_YOURS,
                        _("the municipality %s belongs to another association: it pays through "
                          "that one"),
                        admin_address(a, account));
    return MR_OK;
}

/* The payee's keys, as they are now; the mandate must be signed with them. */
static enum mr_status payee_check(struct admin *a, struct mr_mandate_entry *e)
{
    const struct mr_mandate *const m = &e->mandate.mandate;
    admin_as(a, a->desk);
    a->ask->kind = MR_REQ_ACCOUNT;
    memcpy(a->ask->u.account.account, m->payee, MR_ACCOUNT_BYTES);
    enum mr_status st = admin_call(a);
    if (st == MR_NOT_AUTHORISED || st == MR_ACCOUNT_UNKNOWN)
        return out_fail(a->out, MR_NOT_YOURS,
                        _("the payee %s is not a member of this association, which can credit its "
                          "own members only"),
                        admin_address(a, m->payee));
    if (st != MR_OK)
        return admin_call_failed(a, st);
    const struct mr_state_account *const account = &a->reply->body.u.account.account;
    e->keys = account->keys;
    if (m->generation != account->generation)
        return out_fail(a->out, m->generation < account->generation ? MR_KEYS_OLD : MR_KEYS_UNKNOWN,
                        _("the payee has other keys now than those that signed: ask for a new "
                          "mandate"));
    st = mr_mandate_verify(&e->mandate, &e->keys);
    if (st != MR_OK)
        return out_fail(a->out, st, _("the mandate is not signed by the payee: %s"),
                        status_sentence(st));
    return MR_OK;
}

static enum mr_status add(struct admin *a, const struct mandates *all, struct mandate_row *row)
{
    struct mr_mandate_entry *const e = &row->entry;
    enum mr_status st = read_text(a, &e->mandate);
    if (st != MR_OK)
        return st;
    const struct mr_mandate *const m = &e->mandate.mandate;
    mr_mandate_id(row->id, m);
    const struct mandate_row *const known = mandate_of(all, row->id);
    if (known != NULL) {
        *row = *known;
        if (known->entry.revoked_ms != 0)
            return out_fail(a->out, MR_MANDATE_REVOKED,
                            _("this mandate was revoked on %s: ask the payee for a new one"),
                            admin_time(known->entry.revoked_ms));
        return out_status(a->out, MR_ALREADY_DONE), MR_OK;
    }
    st = mandate_municipality(a, m->municipality);
    if (st == MR_OK)
        st = payee_check(a, e);
    e->added_ms = admin_now_ms();
    FIELD_SET(e, added_by, a->signer->key->name);
    if (st == MR_OK && m->until_ms != 0 && e->added_ms >= m->until_ms)
        st = out_fail(a->out, MR_MANDATE_EXPIRED, NULL);
    if (st != MR_OK)
        return st;
    st = mandate_put(a, e);
    if (st == MR_TOO_LARGE)
        return out_fail(a->out, st, _("the payee has too many keys for the register"));
    return st == MR_OK ? st : admin_call_failed(a, st);
}

void mandate_terms(char *ret, size_t cap, struct admin *a, const struct mr_mandate *m)
{
    char until[DAY_TEXT_MAX];
    day_text(until, m->until_ms != 0 ? m->until_ms - 1 : 0);
    if (m->max != 0 && m->until_ms != 0)
        snprintf(ret, cap, _("at most %s in all, until %s"), admin_amount(a, m->max), until);
    else if (m->max != 0)
        snprintf(ret, cap, _("at most %s in all"), admin_amount(a, m->max));
    else if (m->until_ms != 0)
        snprintf(ret, cap, _("without a maximum, until %s"), until);
    else
        snprintf(ret, cap, "%s", _("without a maximum or an end"));
}

static void print_mandate(struct admin *a, const struct mandate_row *row)
{
    const struct mr_mandate *const m = &row->entry.mandate.mandate;
    char name[MR_NAME_MAX + 1], text[256];
    mandate_terms(text, sizeof text, a, m);
    out_print(a->out, _("Mandate %.*s, %s\n"), SHORT_ID, admin_hex(row->id),
              mandate_state(&row->entry, admin_now_ms()));
    mandate_called(name, sizeof name, a, m->payee);
    out_print(a->out, _("  payee:        %s  %s\n"), admin_address(a, m->payee), name);
    mandate_called(name, sizeof name, a, m->municipality);
    out_print(a->out, _("  municipality: %s  %s\n"), admin_address(a, m->municipality), name);
    out_print(a->out, _("  given %.10s, %s\n"), admin_time(m->from_ms), text);
}

void cmd_mandate_add(struct command *c, struct out *out)
{
    struct admin a;
    struct mandates all;
    struct mandate_row *const row = calloc(1, sizeof *row);
    enum mr_status st = begin(&a, c, out, &all);
    if (st == MR_OK && row == NULL)
        st = out_fail(out, MR_NO_MEMORY, NULL);
    if (st == MR_OK)
        st = add(&a, &all, row);
    if (st == MR_OK) {
        out_json(out, "mandate", mandate_to_json(&a, row));
        print_mandate(&a, row);
    }
    free(row);
    mandates_free(&all);
    admin_end(&a);
}

/* --- finding -----------------------------------------------------------------------------------
 */

static bool begins_with(const uint8_t id[MR_HASH_BYTES], const char *digits)
{
    for (size_t i = 0; digits[i] != '\0'; i++)
        if ("0123456789abcdef"[i % 2 == 0 ? id[i / 2] >> 4 : id[i / 2] & 15] != digits[i])
            return false;
    return true;
}

enum mr_status mandate_named(const struct mandates *all, const struct mandate_row **ret,
                             char why[HINT_MAX], const char *digits)
{
    const size_t n = strlen(digits);
    size_t found = 0;
    if (n < ID_DIGITS_MIN || n > (size_t)2 * MR_HASH_BYTES ||
        digits[strspn(digits, "0123456789abcdef")]) {
        snprintf(why, HINT_MAX,
                 _("\"%.60s\" is not the number of a mandate: give at least %d of its digits"),
                 digits, ID_DIGITS_MIN);
        return MR_USAGE;
    }
    for (size_t i = 0; i < all->count; i++) {
        if (!begins_with(all->rows[i].id, digits))
            continue;
        *ret = &all->rows[i];
        found++;
    }
    if (found == 1)
        return MR_OK;
    snprintf(why, HINT_MAX,
             found == 0 ? _("there is no mandate %.70s; see \"mereau-admin mandate list --all\"")
                        : _("several mandates begin with %.70s: give more digits"),
             digits);
    return found == 0 ? MR_MANDATE_UNKNOWN : MR_USAGE;
}

enum mr_status mandate_find(struct admin *a, const struct mandates *all,
                            const struct mandate_row **ret, const char *digits)
{
    char why[HINT_MAX];
    const enum mr_status st = mandate_named(all, ret, why, digits);
    return st == MR_OK ? st : out_fail(a->out, st, "%s", why);
}

/* --- list and show -----------------------------------------------------------------------------
 */

void cmd_mandate_list(struct command *c, struct out *out)
{
    struct admin a;
    struct mandates all;
    const struct table_column columns[] = {{_("mandate"), false},      {_("payee"), false},
                                           {_("municipality"), false}, {_("terms"), false},
                                           {_("given"), false},        {_("state"), false}};
    enum mr_status st = begin(&a, c, out, &all);
    json_t *const rows = json_array();
    if (st == MR_OK) {
        struct table *const t = table_create(columns, sizeof columns / sizeof columns[0]);
        const uint64_t now = admin_now_ms();
        for (size_t i = 0; i < all.count; i++) {
            const struct mandate_row *const row = &all.rows[i];
            const struct mr_mandate *const m = &row->entry.mandate.mandate;
            char id[SHORT_ID + 1], payee[MR_NAME_MAX + 1], town[MR_NAME_MAX + 1], text[256];
            if (!opt_flag(c, "all") && strcmp(state_word(&row->entry, now), "in_force") != 0)
                continue;
            snprintf(id, sizeof id, "%.*s", SHORT_ID, admin_hex(row->id));
            mandate_called(payee, sizeof payee, &a, m->payee);
            mandate_called(town, sizeof town, &a, m->municipality);
            mandate_terms(text, sizeof text, &a, m);
            char given[DAY_TEXT_MAX];
            day_text(given, m->from_ms);
            json_array_append_new(rows, mandate_to_json(&a, row));
            if (t != NULL)
                table_add(
                    t, (const char *[]){id, payee[0] != '\0' ? payee : admin_address(&a, m->payee),
                                        town[0] != '\0' ? town : admin_address(&a, m->municipality),
                                        text, given, mandate_state(&row->entry, now)});
        }
        table_print(out, t);
        if (json_array_size(rows) == 0)
            out_print(out, _("No mandate is in force.\n"));
    }
    out_json(out, "mandates", rows);
    mandates_free(&all);
    admin_end(&a);
}

void cmd_mandate_show(struct command *c, struct out *out)
{
    struct admin a;
    struct mandates all;
    struct conversions used = {NULL, 0, 0};
    const struct mandate_row *row = NULL;
    const uint8_t none[MR_ACCOUNT_BYTES] = {0};
    int64_t sum = 0;
    char text[MR_MANDATE_TEXT_MAX + 1];
    enum mr_status st = begin(&a, c, out, &all);
    if (st == MR_OK)
        st = mandate_find(&a, &all, &row, c->args[0]);
    if (st == MR_OK)
        st = conversions_read(&used, &a);
    if (st == MR_OK)
        st = conversion_used(&a, &sum, &used, row->id, none);
    if (st == MR_OK) {
        const struct mr_mandate_entry *const e = &row->entry;
        mr_mandate_format(text, &e->mandate);
        out_json(out, "mandate", mandate_to_json(&a, row));
        out_int(out, "used_minor", sum);
        out_text(out, "text", text);
        print_mandate(&a, row);
        out_print(out, _("  used so far: %s\n"), admin_amount(&a, sum));
        out_print(out, _("  added %s by %s\n"), admin_time(e->added_ms), e->added_by);
        if (e->revoked_ms != 0)
            out_print(out, _("  revoked %s by %s: %s\n"), admin_time(e->revoked_ms), e->revoked_by,
                      e->reason);
        out_print(out, "%s\n", text);
    }
    conversions_free(&used);
    mandates_free(&all);
    admin_end(&a);
}

/* --- revoke ------------------------------------------------------------------------------------
 */

static enum mr_status revoke(struct admin *a, struct mandate_row *row)
{
    struct mr_mandate_entry *const e = &row->entry;
    const char *const reason = opt_text(a->c, "reason");
    char question[128];
    if (e->revoked_ms != 0)
        return out_status(a->out, MR_ALREADY_DONE), MR_OK;
    if (!FIELD_SET(e, reason, reason != NULL ? reason : ""))
        return out_fail(a->out, MR_USAGE,
                        _("the reason is too long, or has characters that cannot "
                          "stand there"));
    snprintf(question, sizeof question, _("Revoke mandate %.*s for good?"), SHORT_ID,
             admin_hex(row->id));
    enum mr_status st = term_confirm(a->c, a->out, question);
    if (st != MR_OK)
        return st;
    e->revoked_ms = admin_now_ms();
    FIELD_SET(e, revoked_by, a->signer->key->name);
    st = mandate_put(a, e);
    return st == MR_OK ? st : admin_call_failed(a, st);
}

void cmd_mandate_revoke(struct command *c, struct out *out)
{
    struct admin a;
    struct mandates all;
    const struct mandate_row *row = NULL;
    struct mandate_row *const changed = malloc(sizeof *changed);
    enum mr_status st = begin(&a, c, out, &all);
    if (st == MR_OK && changed == NULL)
        st = out_fail(out, MR_NO_MEMORY, NULL);
    if (st == MR_OK)
        st = mandate_find(&a, &all, &row, c->args[0]);
    if (st == MR_OK) {
        *changed = *row;
        st = revoke(&a, changed);
    }
    if (st == MR_OK) {
        out_json(out, "mandate", mandate_to_json(&a, changed));
        print_mandate(&a, changed);
    }
    free(changed);
    mandates_free(&all);
    admin_end(&a);
}
