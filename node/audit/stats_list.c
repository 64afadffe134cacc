/* Accounts one by one: what each shop passes on, who is blocked, who does nothing any more. */
#include "audit/stats_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/amount_text.h"
#include "common/ledger_words.h"
#include "mereau/assert.h"
#include "mereau/time.h"

enum { BELOW_DEFAULT = 100, DAYS_DEFAULT = 90, DAYS_MAX = 36500, NEVER_MAX = 32 };

enum which { SHOPS, BLOCKED, INACTIVE, WHICH };
static const char *const names[WHICH] = {"shops", "blocked", "inactive"};

struct list {
    const struct measure *m;
    enum which which;
    int64_t below, days;
    struct mr_stats_deeds *deeds;
    uint32_t *who;
    size_t count;
    uint64_t end_ms;
    bool with_classes; /* it may be known who is a shop */
};

/* --- which ------------------------------------------------------------------------------------ */

static enum mr_status read_words(struct list *l, struct command *c, struct out *out)
{
    const char *const text = opt_text(c, "list");
    l->below = BELOW_DEFAULT;
    l->days = DAYS_DEFAULT;
    while (l->which < WHICH && strcmp(names[l->which], text) != 0)
        l->which++;
    if (l->which == WHICH)
        return out_fail(out, MR_USAGE, _("--list: \"%s\" is none of shops, blocked and inactive"),
                        text);
    if ((opt_text(c, "below") != NULL && l->which != SHOPS) ||
        (opt_text(c, "days") != NULL && l->which != INACTIVE))
        return out_fail(out, MR_USAGE,
                        _("--below goes with --list shops, --days with --list inactive"));
    if (opt_int(c, out, &l->below, "below", 1, BELOW_DEFAULT) == MR_USAGE ||
        opt_int(c, out, &l->days, "days", 1, DAYS_MAX) == MR_USAGE)
        return MR_USAGE;
    return MR_OK;
}

enum mr_status stats_list_check(struct command *c, struct out *out)
{
    struct list l = {.which = SHOPS};
    if (opt_text(c, "list") != NULL)
        return read_words(&l, c, out);
    return opt_text(c, "below") == NULL && opt_text(c, "days") == NULL
               ? MR_OK
               : out_fail(out, MR_USAGE,
                          _("--below goes with --list shops, --days with --list inactive"));
}

static bool is_wanted(const struct list *l, uint32_t account)
{
    const struct mr_stats_account *const x = &l->m->table.accounts[account];
    const struct mr_stats_deeds *const d = &l->deeds[account];
    const bool open = x->opened_ms < l->end_ms && (x->closed_ms == 0 || x->closed_ms >= l->end_ms);
    const uint64_t since = l->end_ms - (uint64_t)l->days * MR_DAY_MS;
    switch (l->which) {
    case SHOPS:
        return x->class == MR_CLASS_SHOP && d->received > 0 &&
               (l->below == BELOW_DEFAULT ||
                (mr_stats_wide)d->given * 100 < (mr_stats_wide)d->received * l->below);
    case BLOCKED:
        return d->blocked;
    case INACTIVE:
        return open && mr_stats_in_scope(MR_STATS_CIRCULATING, x->class) && d->last_ms < since &&
               x->opened_ms < since;
    case WHICH:
        break;
    }
    return false;
}

/* --- order ------------------------------------------------------------------------------------ */

/* The largest balance first; then by id, so that the book of every node gives the same list. */
static const struct list *sorted;

static int by_balance(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const int64_t p = sorted->deeds[x].balance, q = sorted->deeds[y].balance;
    if (p != q)
        return p > q ? -1 : 1;
    return memcmp(sorted->m->table.accounts[x].id, sorted->m->table.accounts[y].id,
                  MR_ACCOUNT_BYTES);
}

static enum mr_status choose(struct list *l)
{
    const struct mr_stats_table *const t = &l->m->table;
    const struct mr_stats_period *const all = &l->m->periods[l->m->periods_count];
    l->deeds = calloc((size_t)t->accounts_count + 1, sizeof *l->deeds);
    l->who = calloc((size_t)t->accounts_count + 1, sizeof *l->who);
    if (l->deeds == NULL || l->who == NULL)
        return MR_NO_MEMORY;
    l->end_ms = ((uint64_t)all->to_day + 1) * MR_DAY_MS;
    mr_stats_accounts(l->deeds, t, all->from_day, all->to_day);
    for (uint32_t a = 0; a < t->accounts_count; a++) {
        if (is_wanted(l, a))
            l->who[l->count++] = a;
    }
    sorted = l;
    qsort(l->who, l->count, sizeof *l->who, by_balance);
    return MR_OK;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void share_text(char *ret, const struct mr_stats_deeds *d)
{
    *ret = '\0';
    if (d->received > 0)
        mr_stats_format(ret, d->given < d->received ? d->given : d->received, d->received, 6);
}

static void percent_text(char *ret, const struct mr_stats_deeds *d)
{
    char number[MR_STATS_TEXT_MAX / 2];
    const int64_t given = d->given < d->received ? d->given : d->received;
    snprintf(ret, MR_STATS_TEXT_MAX, "-");
    if (d->received <= 0)
        return;
    snprintf(number, sizeof number, "%lld",
             (long long)(100 * (mr_stats_wide)given / d->received)); /* rounded down */
    snprintf(ret, MR_STATS_TEXT_MAX, "%s %%", number);
}

static void last_text(char ret[NEVER_MAX], const struct mr_stats_deeds *d)
{
    *ret = '\0';
    if (d->last_ms != 0)
        measure_day(ret, mr_day_of(d->last_ms));
}

static json_t *text_or_null(const char *text)
{
    return *text == '\0' ? json_null() : json_string(text);
}

static json_t *account_json(const struct list *l, uint32_t account)
{
    const struct mr_stats_account *const x = &l->m->table.accounts[account];
    const struct mr_stats_deeds *const d = &l->deeds[account];
    char name[MEASURE_NAME_MAX], share[MR_STATS_TEXT_MAX], last[NEVER_MAX];
    json_t *const o = json_object();
    measure_account(name, l->m, account);
    json_object_set_new(o, "account", json_string(name));
    measure_name(name, l->m, MR_STATS_AXIS_CLASS, x->class);
    json_object_set_new(o, "class", json_string(name));
    measure_name(name, l->m, MR_STATS_AXIS_TRADE, x->trade);
    json_object_set_new(o, "trade", x->trade == MR_STATS_NONE ? json_null() : json_string(name));
    measure_name(name, l->m, MR_STATS_AXIS_TOWN, x->town);
    json_object_set_new(o, "town", x->town == MR_STATS_NONE ? json_null() : json_string(name));
    json_object_set_new(o, "received_minor", json_integer(d->received));
    json_object_set_new(o, "given_minor", json_integer(d->given));
    json_object_set_new(o, "redeemed_minor", json_integer(d->redeemed));
    json_object_set_new(o, "balance_minor", json_integer(d->balance));
    share_text(share, d);
    last_text(last, d);
    json_object_set_new(o, "recirculation", text_or_null(share));
    json_object_set_new(o, "blocked", json_boolean(d->blocked));
    json_object_set_new(o, "last_payment", text_or_null(last));
    return o;
}

static void print_people(const struct list *l, struct out *out)
{
    const struct table_column columns[] = {{_("account"), false},    {_("trade"), false},
                                           {_("town"), false},       {_("received"), true},
                                           {_("passed on"), true},   {_("balance"), true},
                                           {_("last payment"), true}};
    struct table *const t = table_create(columns, sizeof columns / sizeof columns[0]);
    const uint32_t decimals = l->m->table.units[0].decimals;
    out_print(out,
              _("\nAccounts one by one (%s): for those who animate the currency, not for "
                "publication.\n\n"),
              names[l->which]);
    for (size_t i = 0; t != NULL && i < l->count; i++) {
        const struct mr_stats_account *const x = &l->m->table.accounts[l->who[i]];
        const struct mr_stats_deeds *const d = &l->deeds[l->who[i]];
        char name[MEASURE_NAME_MAX], trade[MEASURE_NAME_MAX], town[MEASURE_NAME_MAX];
        char got[AMOUNT_PEOPLE_MAX], share[MR_STATS_TEXT_MAX], held[AMOUNT_PEOPLE_MAX];
        char last[NEVER_MAX];
        measure_account(name, l->m, l->who[i]);
        measure_name(trade, l->m, MR_STATS_AXIS_TRADE, x->trade);
        measure_name(town, l->m, MR_STATS_AXIS_TOWN, x->town);
        amount_text(got, d->received, decimals, l->m->table.units[0].code);
        amount_text(held, d->balance, decimals, l->m->table.units[0].code);
        percent_text(share, d);
        last_text(last, d);
        table_add(t, (const char *const[]){name, trade, town, got, share, held,
                                           *last == '\0' ? _("never") : last});
    }
    table_print(out, t);
    if (l->count > 0)
        return;
    out_print(out, "%s",
              l->which != INACTIVE && !l->with_classes
                  ? _("No account is known as a shop: --accounts names the classes.\n")
                  : _("None.\n"));
}

enum mr_status stats_list(const struct measure *m, struct command *c, struct out *out)
{
    struct list l = {
        .m = m, .which = SHOPS, .with_classes = m->file == NULL || opt_text(c, "accounts") != NULL};
    json_t *all;
    if (opt_text(c, "list") == NULL)
        return MR_OK;
    enum mr_status st = read_words(&l, c, out);
    if (st == MR_OK) {
        st = choose(&l);
        if (st != MR_OK)
            out_fail(out, st, NULL);
    }
    if (st == MR_OK) {
        mr_assert(l.which < WHICH);
        all = json_array();
        for (size_t i = 0; i < l.count; i++)
            json_array_append_new(all, account_json(&l, l.who[i]));
        out_text(out, "list", names[l.which]);
        out_json(out, "accounts", all);
        print_people(&l, out);
    }
    free(l.deeds);
    free(l.who);
    return st;
}
