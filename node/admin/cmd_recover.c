/* New keys for a member who lost them: LED-33. */
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/describe.h"
#include "admin/members.h"
#include "common/term.h"
#include "mereau/order.h"
#include "mereau/text.h"

/* The seven days count from the last day of the order: it lives as long as a second operator needs
 * to sign it. */
enum { RECOVER_LIFE_MS = 2 * 86400000, REQUEST_FILE_MAX = 4096 };

const struct option_row recover_options[] = {
    {"request", 0, N_("REQUEST"),
     N_("what \"mereau recover\" shows on the new device, or a file with it")},
    {"finish", 0, NULL, N_("the waiting period is over: put the new keys in force")},
    {"place", 0, N_("N"), N_("with --finish: which recovery, by its place, when several wait")},
    WORK_OPTIONS,
    {NULL, 0, NULL, NULL},
};

/* --- what the new device shows ------------------------------------------------------------------
 */

static enum mr_status read_request(struct admin *a, struct mr_recovery_request *ret)
{
    const char *const given = opt_text(a->c, "request");
    char *text = NULL;
    enum mr_status st = mr_recovery_request_parse(ret, NULL, given);
    if (st != MR_OK && file_read_text(&text, given, REQUEST_FILE_MAX) == MR_OK)
        st = mr_recovery_request_parse(ret, NULL, text);
    free(text);
    if (st != MR_OK)
        return out_fail(a->out, MR_BAD_CHECKSUM,
                        _("\"%s\" is neither a request of \"mereau recover\" nor a file with one: "
                          "is it complete?"),
                        given);
    return memcmp(ret->ledger, a->ledger, sizeof a->ledger) == 0
               ? MR_OK
               : out_fail(a->out, MR_WRONG_LEDGER, _("this request is for another currency"));
}

static void fill_keys(struct mr_setkeys *ret, const struct mr_recovery_request *q,
                      uint32_t generation)
{
    *ret = (struct mr_setkeys){.generation = generation};
    ret->keys.threshold = ret->keys.keys_count = 1;
    ret->keys.keys[0] = q->key;
    memcpy(ret->enc_key, q->enc_key, sizeof ret->enc_key);
}

/* --- the account --------------------------------------------------------------------------------
 */

/* In a->reply. */
static enum mr_status ask_account(struct admin *a, const uint8_t account[16])
{
    admin_as(a, a->treasury);
    a->ask->kind = MR_REQ_ACCOUNT;
    memcpy(a->ask->u.account.account, account, 16);
    const enum mr_status st = admin_call(a);
    return st == MR_OK ? st : admin_call_failed(a, st);
}

static enum mr_status begin(struct admin *a, struct command *c, struct out *out,
                            struct mr_order_body **ret, uint8_t ret_account[16])
{
    enum mr_status st = order_begin(a, c, out, ret);
    if (st == MR_OK)
        st = admin_need_operator(a);
    if (st == MR_OK)
        st = member_find(a, ret_account, c->args[0]);
    return st == MR_OK ? ask_account(a, ret_account) : st;
}

/* --- announcing ---------------------------------------------------------------------------------
 */

static void say_waits(struct admin *a, const uint8_t account[16], uint64_t ready_ms)
{
    out_text(a->out, "account", admin_address(a, account));
    out_int(a->out, "ready_ms", (int64_t)ready_ms);
    out_print(a->out,
              _("Whoever still has the old keys can object until %s. Then:\n"
                "  mereau-admin member recover %s --finish %s\n"),
              admin_time(ready_ms), a->c->args[0], admin_place(a));
}

/* The same request is known already. */
static bool is_announced(struct admin *a, const struct mr_setkeys *keys)
{
    const struct mr_state_account *const s = &a->reply->body.u.account.account;
    uint8_t hash[MR_HASH_BYTES];
    mr_recovery_hash(hash, keys);
    for (uint32_t i = 0; i < s->recoveries_count; i++)
        if (memcmp(s->recoveries[i].hash, hash, sizeof hash) == 0) {
            out_status(a->out, MR_ALREADY_DONE);
            out_text(a->out, "state", "unchanged");
            say_waits(a, s->id, s->recoveries[i].ready_ms);
            return true;
        }
    return false;
}

static void announce(struct admin *a, struct mr_order_body *body, const uint8_t account[16])
{
    struct mr_recovery_request q;
    struct work w;
    uint64_t ready_ms = 0;
    if (read_request(a, &q) != MR_OK)
        return;
    if (memcmp(q.account, account, sizeof q.account) != 0) {
        out_fail(a->out, MR_NOT_YOURS,
                 _("this request is for another account, %s: look at the person's papers again"),
                 admin_address(a, q.account));
        return;
    }
    body->kind = MR_KIND_RECOVER;
    memcpy(body->u.recover.account, account, 16);
    fill_keys(&body->u.recover.keys, &q, a->reply->body.u.account.account.generation + 1);
    if (is_announced(a, &body->u.recover.keys))
        return;
    enum work_end end = WORK_FAILED;
    enum mr_status st = work_begin(&w, a, a->treasury);
    w.life_ms = RECOVER_LIFE_MS;
    if (st == MR_OK && work_add(&w, body) == MR_OK) {
        ready_ms = w.draft->orders[0].order.not_after_ms + MR_RECOVERY_MS;
        end = work_finish(&w, _("Is this the member, and do these keys begin as the number on the "
                                "new device?"));
    }
    work_done(&w);
    if (end == WORK_SETTLED)
        say_waits(a, account, ready_ms);
}

/* --- finishing ----------------------------------------------------------------------------------
 */

/* The one that was named, or the newest whose time has come. */
static enum mr_status choose(struct admin *a, struct mr_recovery *ret)
{
    const struct mr_state_account *const s = &a->reply->body.u.account.account;
    const uint64_t now = admin_now_ms();
    const struct mr_recovery *found = NULL;
    int64_t place = 0;
    const enum mr_status st = opt_int(a->c, a->out, &place, "place", 1, MR_SEQ_MAX);
    if (st != MR_OK && st != MR_NOT_FOUND)
        return st;
    for (uint32_t i = 0; i < s->recoveries_count; i++) {
        const struct mr_recovery *const r = &s->recoveries[i];
        if (place > 0 ? r->seq == (uint64_t)place : found == NULL || r->ready_ms <= now)
            found = r;
    }
    if (found == NULL && s->stopped > 0)
        return out_fail(a->out,
                        place > 0 && (uint64_t)place <= s->stopped ? MR_RECOVERY_STOPPED
                                                                   : MR_RECOVERY_UNKNOWN,
                        _("no such recovery of this account waits. The one at place %llu was "
                          "stopped with the keys that the account has: \"member recoveries\" says "
                          "when"),
                        (unsigned long long)s->stopped);
    if (found == NULL)
        return out_fail(a->out, MR_RECOVERY_UNKNOWN,
                        _("no recovery of this account waits: the owner has stopped it, or it is "
                          "finished, or none was begun"));
    *ret = *found;
    out_int(a->out, "ready_ms", (int64_t)ret->ready_ms);
    if (ret->ready_ms > now + MR_CLOCK_AHEAD_MS)
        return out_fail(a->out, MR_RECOVERY_EARLY, _("the owner can object until %s"),
                        admin_time(ret->ready_ms));
    return MR_OK;
}

/* The keys stand in the RECOVER; the account holds their hash. */
static enum mr_status fetch_keys(struct admin *a, struct mr_setkeys *ret,
                                 const struct mr_recovery *r)
{
    uint8_t hash[MR_HASH_BYTES];
    a->ask->kind = MR_REQ_HISTORY;
    a->ask->u.history = (struct mr_req_history){.from = r->seq, .count = 1};
    memcpy(a->ask->u.history.account, a->treasury, 16);
    const enum mr_status st = admin_call(a);
    if (st != MR_OK)
        return admin_call_failed(a, st);
    const struct mr_rep_history *const rep = &a->reply->body.u.history;
    if (rep->items_count == 0 || rep->items[0].order_count == 0 ||
        rep->items[0].order[0].order.body.kind != MR_KIND_RECOVER)
        return out_fail(a->out, MR_BODY_ERASED, NULL);
    *ret = rep->items[0].order[0].order.body.u.recover.keys;
    mr_recovery_hash(hash, ret);
    return memcmp(hash, r->hash, sizeof hash) == 0 ? MR_OK : out_fail(a->out, MR_DAMAGED, NULL);
}

static void finish(struct admin *a, struct mr_order_body *body, const uint8_t account[16])
{
    struct mr_takeover *const t = &body->u.takeover;
    struct mr_recovery r;
    struct work w;
    body->kind = MR_KIND_TAKEOVER;
    if (choose(a, &r) != MR_OK || fetch_keys(a, &t->keys, &r) != MR_OK)
        return;
    enum work_end end = WORK_FAILED;
    if (work_begin_takeover(&w, a, account, NULL) == MR_OK) {
        t->recover = r.seq;
        t->generation = w.generation;
        t->treasury = w.keys;
        if (work_add(&w, body) == MR_OK)
            end = work_finish(&w, _("Put the new keys in force?"));
    }
    work_done(&w);
    out_text(a->out, "account", admin_address(a, account));
    if (end == WORK_SETTLED)
        out_print(a->out, _("The new keys are in force; the old ones and their paper sheet are "
                            "void.\n"));
}

void cmd_member_recover(struct command *c, struct out *out)
{
    struct admin a;
    struct mr_order_body *body = NULL;
    uint8_t account[16];
    enum mr_status st = begin(&a, c, out, &body, account);
    if (st == MR_OK && opt_flag(c, "finish") == (opt_text(c, "request") != NULL))
        st = out_fail(out, MR_USAGE,
                      _("give the request of the new device with --request, or say --finish"));
    if (st == MR_OK && opt_flag(c, "finish"))
        finish(&a, body, account);
    else if (st == MR_OK)
        announce(&a, body, account);
    order_end(&a, body);
}

/* --- what waits, and what was stopped ------------------------------------------------------------
 */

enum { STOPS_LOOKED_AT = 64 };

/* An account whose keys stopped what stands up to a place of the treasury's chain. */
struct stopped {
    uint8_t account[16];
    uint64_t upto;
};

struct listing {
    struct table *table;
    const struct roll *roll;
    size_t count;
    struct stopped *stopped;
    size_t stopped_count;
};

static void add_row(struct admin *a, struct listing *l, const uint8_t account[16], uint64_t place,
                    const char *state, uint64_t time_ms)
{
    char text[24];
    const struct roll_entry *const e = roll_of(l->roll, account);
    const char *const name = e != NULL && e->readable ? e->member.identity.name : "";
    l->count++;
    snprintf(text, sizeof text, "%llu", (unsigned long long)place);
    const char *const cells[] = {name, state, time_ms > 0 ? admin_time(time_ms) : "-", text,
                                 admin_address(a, account)};
    if (l->table != NULL)
        table_add(l->table, cells);
}

static void add_json(struct admin *a, const struct listing *l, const uint8_t account[16],
                     uint64_t place, const char *when, uint64_t time_ms, const char *what, bool is)
{
    const struct roll_entry *const e = roll_of(l->roll, account);
    const char *const name = e != NULL && e->readable ? e->member.identity.name : "";
    if (a->out->json)
        out_row(a->out, json_pack("{s:s,s:s,s:I,s:I,s:b}", "account", admin_address(a, account),
                                  "name", name, "place", (json_int_t)place, when,
                                  (json_int_t)time_ms, what, (int)is));
}

static enum mr_status add_rows(struct admin *a, struct listing *l, const struct mr_state_account *s)
{
    for (uint32_t i = 0; i < s->recoveries_count; i++) {
        const struct mr_recovery *const x = &s->recoveries[i];
        const bool ready = x->ready_ms <= admin_now_ms();
        add_json(a, l, s->id, x->seq, "ready_ms", x->ready_ms, "ready", ready);
        add_row(a, l, s->id, x->seq, ready ? _("can be finished") : _("the owner may object"),
                x->ready_ms);
    }
    if (s->stopped == 0)
        return MR_OK;
    struct stopped *const more = reallocarray(l->stopped, l->stopped_count + 1, sizeof *l->stopped);
    if (more == NULL)
        return out_fail(a->out, MR_NO_MEMORY, NULL);
    l->stopped = more;
    l->stopped[l->stopped_count].upto = s->stopped;
    memcpy(l->stopped[l->stopped_count++].account, s->id, 16);
    return MR_OK;
}

static enum mr_status list_accounts(struct admin *a, struct listing *l)
{
    struct mr_req_page page = {.from = 1, .count = MR_PAGE_MAX};
    for (uint64_t last = 1; page.from <= last;) {
        a->ask->kind = MR_REQ_ACCOUNTS;
        a->ask->u.accounts = page;
        enum mr_status st = admin_call(a);
        if (st != MR_OK)
            return admin_call_failed(a, st);
        const struct mr_rep_accounts *const rep = &a->reply->body.u.accounts;
        for (uint32_t i = 0; st == MR_OK && i < rep->accounts_count; i++)
            if (memcmp(rep->accounts[i].account.association, a->home->id, 16) == 0)
                st = add_rows(a, l, &rep->accounts[i].account);
        if (st != MR_OK)
            return st;
        last = rep->next > page.from ? rep->last : 0;
        page.from = rep->next;
    }
    return MR_OK;
}

/* The time of a STOP; 0: it is not known. A member's own chain is shown on the node's machine only.
 */
static uint64_t stop_time(struct admin *a, const struct stopped *x)
{
    if (ask_account(a, x->account) != MR_OK)
        return 0;
    const uint64_t next = a->reply->body.u.account.hot.chain.next_seq;
    uint64_t from = next > STOPS_LOOKED_AT ? next - STOPS_LOOKED_AT : 1, time_ms = 0;
    while (from < next) {
        a->ask->kind = MR_REQ_HISTORY;
        a->ask->u.history = (struct mr_req_history){.from = from, .count = MR_PAGE_MAX};
        memcpy(a->ask->u.history.account, x->account, 16);
        const struct mr_rep_history *const rep = &a->reply->body.u.history;
        if (admin_call(a) != MR_OK || rep->items_count == 0)
            break;
        for (uint32_t i = 0; i < rep->items_count; i++) {
            const struct mr_history_item *const item = &rep->items[i];
            if (item->order_count > 0 && item->order[0].order.body.kind == MR_KIND_STOP &&
                item->order[0].order.body.u.stop.upto == x->upto)
                time_ms = item->time_ms;
        }
        from += rep->items_count;
    }
    return time_ms;
}

static void list_stopped(struct admin *a, struct listing *l)
{
    for (size_t i = 0; i < l->stopped_count; i++) {
        const struct stopped *const x = &l->stopped[i];
        const uint64_t time_ms = stop_time(a, x);
        add_json(a, l, x->account, x->upto, "stopped_ms", time_ms, "stopped", true);
        add_row(a, l, x->account, x->upto, _("stopped with the account's keys"), time_ms);
    }
}

void cmd_member_recoveries(struct command *c, struct out *out)
{
    struct admin a;
    struct roll r = {NULL, 0};
    struct listing l = {.roll = &r};
    const struct table_column columns[] = {{_("name"), false},
                                           {_("state"), false},
                                           {_("on"), false},
                                           {_("place"), true},
                                           {_("account"), false}};
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_KEY | NEED_NODE);
    if (st == MR_OK)
        st = admin_need_operator(&a);
    if (st == MR_OK)
        st = roll_read(&r, &a, MR_REGISTER_MEMBER);
    if (st == MR_OK) {
        l.table = table_create(columns, sizeof columns / sizeof columns[0]);
        st = list_accounts(&a, &l);
        if (st == MR_OK)
            list_stopped(&a, &l);
        table_print(out, l.table);
        if (st == MR_OK && l.count == 0)
            out_print(out, _("No recovery waits.\n"));
    }
    free(l.stopped);
    roll_free(&r);
    admin_end(&a);
}
