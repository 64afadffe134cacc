/* history: what went out and came in, for people and machines. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/amount_text.h"
#include "common/csv.h"
#include "common/day.h"
#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/time.h"
#include "wallet/commands.h"
#include "wallet/entry.h"
#include "wallet/node.h"
#include "wallet/witnessed.h"

enum {
    TIME_TEXT_MAX = 40,
    FOLLOW_MS = 30000,
    FOLLOW_HOP_MS = 8000,
    FOLLOW_SEEN_MS = 1000, /* something waits for the witnesses */
    KIND_SHOWN_MAX = 128,
    HEX_MAX = 2 * MR_HASH_BYTES + 1
};

/* --- one entry as text ------------------------------------------------------------------------ */

static void utc_text(char *ret, uint64_t time_ms)
{
    const struct mr_civil d = mr_civil_of(mr_day_of(time_ms));
    const unsigned s = (unsigned)(time_ms / 1000 % 86400);
    snprintf(ret, TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", d.year, d.month, d.day, s / 3600,
             s / 60 % 60, s % 60);
}

static void local_text(char *ret, uint64_t time_ms)
{
    const time_t t = (time_t)(time_ms / 1000);
    struct tm tm;
    if (localtime_r(&t, &tm) == NULL || strftime(ret, TIME_TEXT_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
        utc_text(ret, time_ms);
}

/* The kind in the reader's language. */
static const char *kind_text(const struct entry *e)
{
    if (strcmp(e->kind, "pay") == 0)
        return e->amount < 0 ? _("paid to") : _("from");
    if (strcmp(e->kind, "issue") == 0)
        return _("issued");
    if (strcmp(e->kind, "redeem") == 0)
        return _("given back");
    if (strcmp(e->kind, "return") == 0)
        return _("returned");
    if (strcmp(e->kind, "setkeys") == 0)
        return _("new keys");
    if (strcmp(e->kind, "close") == 0)
        return _("closed");
    if (strcmp(e->kind, "void") == 0)
        return _("cancelled");
    return e->kind;
}

static void who_text(char *ret, const struct wallet *w, const struct entry *e)
{
    ret[0] = '\0';
    if (e->has_other)
        wallet_call(ret, w, e->other);
}

static const char *memo_text(const struct entry *e)
{
    return e->bad_memo ? _("(not the memo that was signed)") : e->memo;
}

/* --- forms ------------------------------------------------------------------------------------ */

static void add_row(struct table *t, const struct wallet *w, const struct entry *e,
                    const struct seen *seen)
{
    char when[TIME_TEXT_MAX], amount[AMOUNT_PEOPLE_MAX] = "", fee[AMOUNT_PEOPLE_MAX] = "";
    char who[NAME_SHOWN_MAX], kind[KIND_SHOWN_MAX];
    const char *const mark = witnessed_covers(seen, e->time_ms) ? "" : _(" (not yet witnessed)");
    snprintf(kind, sizeof kind, "%s%s%s", kind_text(e),
             e->linked > 0 ? _(" (shown by a later receipt)") : "", mark);
    local_text(when, e->time_ms);
    who_text(who, w, e);
    if (e->amount != 0)
        wallet_amount(amount, w, e->amount, e->unit);
    if (e->fee != 0)
        amount_text(fee, e->fee, w->charter->units[e->unit].decimals, NULL);
    table_add(t, (const char *[]){when, amount, fee, kind, who, memo_text(e)});
}

static json_t *entry_json(const struct wallet *w, const struct entry *e, const struct seen *seen)
{
    char when[TIME_TEXT_MAX], who[NAME_SHOWN_MAX], hex[HEX_MAX] = "";
    char address[MR_ADDRESS_TEXT_MAX] = "", chain[MR_ADDRESS_TEXT_MAX];
    utc_text(when, e->time_ms);
    who_text(who, w, e);
    wallet_address(chain, w, e->account);
    if (e->has_other)
        wallet_address(address, w, e->other);
    if (e->has_order)
        mr_hex_format(hex, e->order, sizeof e->order);
    json_t *const row = json_pack(
        "{s:s, s:I, s:s, s:I, s:I, s:s, s:s*, s:s*, s:s, s:s*, s:s, s:I}", "time", when, "time_ms",
        (json_int_t)e->time_ms, "kind", e->kind, "amount_minor", (json_int_t)e->amount, "fee_minor",
        (json_int_t)e->fee, "unit", w->charter->units[e->unit].code, "other",
        e->has_other ? address : NULL, "name", who[0] != '\0' ? who : NULL, "memo", e->memo,
        "order", e->has_order ? hex : NULL, "account", chain, "seq", (json_int_t)e->seq);
    if (e->linked > 0)
        json_object_set_new(row, "shown_by", json_integer((json_int_t)e->linked));
    if (seen->wanted)
        json_object_set_new(row, "witnessed", json_boolean(witnessed_covers(seen, e->time_ms)));
    return row;
}

/* RFC 4180: quoted, quotes doubled. */
static void print_quoted(struct out *out, const char *text)
{
    out_print(out, "\"%s", csv_is_formula(text) ? "'" : "");
    for (; *text != '\0'; text++)
        out_print(out, *text == '"' ? "\"\"" : "%c", *text);
    out_print(out, "\"");
}

static void print_csv(struct out *out, const struct wallet *w, const struct entry *e)
{
    char when[TIME_TEXT_MAX], who[NAME_SHOWN_MAX], hex[HEX_MAX] = "";
    char address[MR_ADDRESS_TEXT_MAX] = "", amount[MR_AMOUNT_TEXT_MAX];
    const struct mr_unit *const u = &w->charter->units[e->unit];
    utc_text(when, e->time_ms);
    who_text(who, w, e);
    if (e->has_other)
        wallet_address(address, w, e->other);
    if (e->has_order)
        mr_hex_format(hex, e->order, sizeof e->order);
    mr_amount_format(amount, e->amount, u->decimals, '.');
    out_print(out, "%s,%s,%s,%" PRId64 ",%" PRId64 ",%s,%s,", when, e->kind, amount, e->amount,
              e->fee, u->code, address);
    print_quoted(out, who);
    out_print(out, ",");
    print_quoted(out, e->memo);
    out_print(out, ",%s,%" PRIu64 "\n", hex, e->seq);
}

static void print_entries(const struct command *c, struct out *out, const struct wallet *w,
                          const struct entries *list, uint64_t since_ms, bool first,
                          const struct seen *seen)
{
    const struct table_column columns[] = {{_("WHEN"), false}, {_("AMOUNT"), true},
                                           {_("FEE"), true},   {_("WHAT"), false},
                                           {_("WHO"), false},  {_("MEMO"), false}};
    const bool csv = opt_flag(c, "csv");
    struct table *const t = csv || out->json ? NULL : table_create(columns, 6);
    if (csv && first)
        out_print(out, "time,kind,amount,amount_minor,fee_minor,unit,other,name,memo,order,seq\n");
    for (size_t i = 0; i < list->count; i++) {
        const struct entry *const e = &list->list[i];
        if (e->time_ms < since_ms)
            continue;
        if (out->json)
            out_row(out, entry_json(w, e, seen));
        else if (csv)
            print_csv(out, w, e);
        else if (t != NULL)
            add_row(t, w, e, seen);
    }
    table_print(out, t);
    fflush(out->results);
}

/* --- the command ------------------------------------------------------------------------------ */

static enum mr_status read_since(const struct command *c, struct out *out, uint64_t *ret)
{
    uint32_t day = 0;
    const enum mr_status st = opt_day(c, out, &day, "since");
    *ret = day * MR_DAY_MS;
    return st == MR_NOT_FOUND ? MR_OK : st;
}

/* What --follow knows: places of the own chain and of credits, and what was printed. */
struct watch {
    uint64_t next_seq, next_credit;
    unsigned moves;
    struct entries *known;
    struct seen seen;
    uint64_t
        unseen_ms; /* when the last entry settled that was told as not yet witnessed; 0: none */
};

/* Another node numbers credits otherwise: begin with its first, and leave out what was printed. */
static void meet_node(struct watch *f, const struct wallet *w)
{
    if (f->moves == w->moves)
        return;
    f->moves = w->moves;
    f->next_credit = 1;
}

static enum mr_status wait_for_news(struct entries *news, struct wallet *w, const struct command *c,
                                    struct out *out, struct watch *f)
{
    *w->request = (struct mr_request_body){.kind = MR_REQ_WAIT};
    struct mr_req_wait *const ask = &w->request->u.wait;
    /* Where another node can go on, one that fell silent is not waited for so long. */
    *ask = (struct mr_req_wait){.next_seq = f->next_seq,
                                .credits = f->next_credit - 1,
                                .timeout_ms = f->unseen_ms > 0     ? FOLLOW_SEEN_MS
                                              : w->seats.count > 1 ? FOLLOW_HOP_MS
                                                                   : FOLLOW_MS};
    memcpy(ask->account, wallet_account(w), sizeof ask->account);
    enum mr_status st = node_call(w);
    if (st != MR_OK)
        return st;
    const struct mr_rep_wait got = w->reply->body.u.wait;
    meet_node(f, w);
    w->account->hot.credits = got.credits;
    if (got.credits >= f->next_credit)
        st = entries_fetch_credits(news, w, c, out, f->next_credit, &f->next_credit);
    uint64_t last;
    if (st == MR_OK && got.next_seq > f->next_seq)
        st = entries_fetch_page(news, w, out, false, f->next_seq, &last, &f->next_seq);
    if (w->moves > 0)
        entries_drop(news, f->known);
    return st;
}

/* What was told as not yet witnessed is told once more when it is. */
static void tell_seen(const struct command *c, struct out *out, struct watch *f,
                      const struct entries *news)
{
    char when[TIME_TEXT_MAX];
    for (size_t i = 0; i < news->count; i++)
        if (!witnessed_covers(&f->seen, news->list[i].time_ms) &&
            news->list[i].time_ms > f->unseen_ms)
            f->unseen_ms = news->list[i].time_ms;
    if (f->unseen_ms == 0 || !witnessed_covers(&f->seen, f->unseen_ms))
        return;
    f->unseen_ms = 0;
    local_text(when, f->seen.until_ms);
    if (out->json)
        out_row(out, json_pack("{s:s, s:I}", "kind", "witnessed", "until_ms",
                               (json_int_t)f->seen.until_ms));
    else if (!opt_flag(c, "csv"))
        out_print(out, _("%s  witnessed: all of the above\n"), when);
    fflush(out->results);
}

static void follow(struct wallet *w, const struct command *c, struct out *out, struct watch *f)
{
    enum mr_status st = MR_OK;
    wallet_unlock(w);
    while (!out->failed && (st == MR_OK || exit_code_of(st) == EXIT_UNKNOWN)) {
        struct entries news = {0};
        st = wait_for_news(&news, w, c, out, f);
        if (st == MR_OK && (news.count > 0 || f->unseen_ms > 0))
            st = witnessed_look(w, &f->seen);
        entries_sort(&news);
        print_entries(c, out, w, &news, 0, false, &f->seen);
        tell_seen(c, out, f, &news);
        if (entries_append(f->known, &news) != MR_OK)
            out_fail(out, MR_NO_MEMORY, NULL);
    }
    if (!out->failed)
        node_fail(w, out, st);
}

void cmd_history(struct command *c, struct out *out)
{
    struct wallet *w;
    struct entries list = {0};
    uint64_t since_ms, next_credit = 1;
    enum mr_status st = read_since(c, out, &since_ms);
    if (st == MR_OK)
        st = wallet_open(&w, c, out);
    if (st == MR_OK)
        st = node_sync(w, c, out);
    if (st != MR_OK)
        return;
    const uint64_t next_seq = w->account->hot.chain.next_seq;
    struct watch f = {.next_seq = next_seq, .known = &list};
    if ((st = witnessed_look(w, &f.seen)) != MR_OK)
        node_fail(w, out, st);
    for (uint64_t seq = 1; st == MR_OK && seq < next_seq; seq++)
        if ((st = entries_add_own(&list, w, seq)) != MR_OK)
            out_fail(out, st, NULL);
    if (st == MR_OK)
        st = entries_fetch_credits(&list, w, c, out, 1, &next_credit);
    entries_sort(&list);
    if (st == MR_OK)
        print_entries(c, out, w, &list, since_ms, true, &f.seen);
    if (st == MR_OK && list.count == 0 && !out->json && !opt_flag(c, "csv"))
        out_note(out, _("Nothing was paid or received yet."));
    out_int(out, "count", (int64_t)list.count);
    f.next_credit = next_credit;
    f.moves = w->moves;
    tell_seen(c, out, &f, &list);
    if (st == MR_OK && opt_flag(c, "follow"))
        follow(w, c, out, &f);
    entries_free(&list);
}
