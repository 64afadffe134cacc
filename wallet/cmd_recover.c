/* recover, stop-recovery: keys that are lost, and the owner who objects (LED-33). */
#include <sodium.h>
#include <string.h>

#include "common/save.h"
#include "mereau/id.h"
#include "mereau/text.h"
#include "wallet/act.h"
#include "wallet/commands.h"
#include "wallet/node.h"

/* --- recover ---------------------------------------------------------------------------------- */

static enum mr_status read_address(uint8_t ret[MR_ACCOUNT_BYTES], struct out *out, const char *text)
{
    size_t wrong = SIZE_MAX;
    if (mr_address_parse(ret, &wrong, NULL, text) == MR_OK)
        return MR_OK;
    return out_fail(out, MR_BAD_CHECKSUM,
                    _("the address is not complete or mistyped; your association knows it"));
}

/* The node may have moved since. */
static enum mr_status learn_address(struct wallet *w, struct out *out,
                                    const struct mr_join_link *link)
{
    struct mr_join_link *const have = &w->keys->stored.sheet.link;
    if (memcmp(have->ledger, link->ledger, MR_HASH_BYTES) != 0)
        return out_fail(out, MR_WRONG_LEDGER, _("this join link is for another currency"));
    if (strcmp(have->address, link->address) == 0 &&
        memcmp(&have->transport_key, &link->transport_key, sizeof link->transport_key) == 0 &&
        memcmp(have->association, link->association, MR_ACCOUNT_BYTES) == 0)
        return MR_OK;
    *have = *link;
    return wallet_save(w, out, &w->keys->stored);
}

/* A new wallet for the account; one that is there already must be for it too. */
static enum mr_status take_wallet(struct wallet **ret, bool *ret_fresh, const struct command *c,
                                  struct out *out, const struct mr_sheet *sheet)
{
    struct mr_wallet_secret stored = {.version = 1, .sheet = *sheet, .class = MR_CLASS_RESIDENT};
    char dir[FILE_PATH_MAX];
    enum mr_status st = wallet_dir(dir, c, out);
    *ret_fresh = st == MR_OK && !wallet_exists(dir);
    if (st != MR_OK)
        return st;
    if (!*ret_fresh) {
        st = wallet_open(ret, c, out);
        if (st == MR_OK && memcmp(wallet_account(*ret), sheet->account, MR_ACCOUNT_BYTES) == 0)
            return learn_address(*ret, out, &sheet->link);
        if (st == MR_OK)
            st = out_fail(out, MR_FILE_EXISTS,
                          _("there is a wallet in %s already: give another place with --wallet "
                            "DIR"),
                          dir);
        return st;
    }
    if (sodium_init() < 0)
        return out_fail(out, MR_NO_MEMORY, NULL);
    randombytes_buf(stored.sheet.seed, sizeof stored.sheet.seed);
    randombytes_buf(stored.book_key, sizeof stored.book_key);
    st = wallet_create(ret, c, out, &stored);
    sodium_memzero(&stored, sizeof stored);
    return st;
}

/* Whether the account has this wallet's keys by now; it must be one of the link's association.
 * *ret_news: the recovery that names them, as far as the node knows of one; seq 0: of none. */
static enum mr_status look_up(struct wallet *w, struct out *out, bool *ret_done,
                              struct mr_recovery_news *ret_news)
{
    const enum mr_status st = node_lookup_recovery(w);
    const struct mr_rep_lookup *const a = &w->reply->body.u.lookup;
    if (st == MR_PAYEE_UNKNOWN || st == MR_ACCOUNT_UNKNOWN || st == MR_NOT_FOUND)
        return out_fail(out, MR_NOT_FOUND, _("there is no account with this address"));
    if (st != MR_OK)
        return node_fail(w, out, st);
    const struct mr_association *const home = node_association(w->charter, a->association);
    if (memcmp(a->association, w->keys->stored.sheet.link.association, MR_ACCOUNT_BYTES) != 0)
        return out_fail(out, MR_NOT_YOURS,
                        _("the account is one of %s: only that association can give it new keys; "
                          "use its join link"),
                        home != NULL ? home->name : "?");
    *ret_done = memcmp(a->enc_key, w->keys->memo_public, MR_KEY_BYTES) == 0;
    *ret_news = a->recovery_count > 0 ? a->recovery[0] : (struct mr_recovery_news){.seq = 0};
    return MR_OK;
}

static void make_request(struct mr_recovery_request *ret, const struct wallet *w)
{
    *ret = (struct mr_recovery_request){.version = 1, .key = w->public};
    memcpy(ret->ledger, w->keys->stored.sheet.link.ledger, sizeof ret->ledger);
    memcpy(ret->account, wallet_account(w), sizeof ret->account);
    memcpy(ret->enc_key, w->keys->memo_public, sizeof ret->enc_key);
}

/* Whoever has the old keys objected. */
static void print_stopped(struct out *out, const struct mr_recovery_news *news)
{
    char when[TIME_SHOWN_MAX];
    out_int(out, "stopped_ms", (int64_t)news->time_ms);
    if (news->time_ms == 0) {
        out_fail(out, MR_RECOVERY_STOPPED,
                 _("the recovery was stopped with the keys that the account has: they stay in "
                   "force. If that was not you, ask the desk of your association to freeze the "
                   "account and to begin anew"));
        return;
    }
    wallet_time(when, news->time_ms);
    out_fail(out, MR_RECOVERY_STOPPED,
             _("the recovery was stopped on %s, with the keys that the account has: they stay in "
               "force. If that was not you, ask the desk of your association to freeze the account "
               "and to begin anew"),
             when);
}

static void print_waits(struct out *out, const struct mr_recovery_news *news)
{
    char when[TIME_SHOWN_MAX];
    wallet_time(when, news->time_ms);
    out_int(out, "ready_ms", (int64_t)news->time_ms);
    out_print(out,
              _("The operators have signed it. Whoever has the old keys can object until %s; then "
                "the operators put these in force. Repeat this command after that.\n"),
              when);
}

/* news: how it stands with this request; seq 0: the desk has not announced it. */
static void print_request(struct wallet *w, const struct command *c, struct out *out,
                          const struct mr_recovery_news *news)
{
    struct mr_recovery_request q;
    char text[MR_RECOVERY_TEXT_MAX + 1], number[17], address[MR_ADDRESS_TEXT_MAX];
    make_request(&q, w);
    mr_recovery_request_format(text, &q);
    mr_hex_format(number, q.key.key, 8);
    wallet_address(address, w, q.account);
    if (save_output(c, out, text) != MR_OK)
        return;
    out_text(out, "account", address);
    out_text(out, "request", text);
    out_text(out, "number", number);
    out_bool(out, "recovered", false);
    out_bool(out, "announced", news->seq > 0);
    out_bool(out, "stopped", news->stopped);
    if (news->seq > 0 && !news->stopped) {
        out_print(out, _("Number of these keys: %s\n"), number);
        print_waits(out, news);
        return;
    }
    out_print(out,
              news->stopped ? _("Should your association begin anew, this is what it needs:\n\n"
                                "%s\n\nNumber to compare there: %s\n\n")
                            : _("Take this to the desk of your association, as it is or as a file "
                                "(--output):\n\n"
                                "%s\n\nNumber to compare there: %s\n\n"),
              text, number);
    if (news->stopped)
        print_stopped(out, news);
    else
        out_print(out,
                  _("When the operators have signed it, whoever has the old keys has a week "
                    "to object; then they put these in force. Repeat this command after that.\n"));
}

void cmd_recover(struct command *c, struct out *out)
{
    struct mr_sheet sheet = {.version = 1, .generation = 1}; /* the node says which it is */
    struct mr_recovery_news news = {.seq = 0};
    struct wallet *w;
    bool fresh, done = false;
    enum mr_status st = join_link_read(&sheet.link, out, c->args[0]);
    if (st == MR_OK)
        st = read_address(sheet.account, out, c->args[1]);
    if (st == MR_OK)
        st = take_wallet(&w, &fresh, c, out, &sheet);
    if (st == MR_OK)
        st = node_reach(w, c, out);
    if (st == MR_OK) {
        st = look_up(w, out, &done, &news);
        if (st == MR_NOT_FOUND || st == MR_NOT_YOURS) {
            if (fresh)
                restore_remove(w);
            return;
        }
    }
    if (st != MR_OK)
        return;
    if (!done) {
        print_request(w, c, out, &news);
        return;
    }
    if (node_sync_to_sign(w, c, out) != MR_OK)
        return;
    out_bool(out, "recovered", true);
    restore_print(w, out);
    out_print(out,
              _("Notes of the time before stay sealed. Now write down your paper sheet: mereau "
                "backup\n"));
}

/* --- stop-recovery ---------------------------------------------------------------------------- */

void cmd_stop_recovery(struct command *c, struct out *out)
{
    struct wallet *w;
    struct mr_order_body body = {.kind = MR_KIND_STOP};
    uint64_t seq;
    bool already;
    if (wallet_open(&w, c, out) != MR_OK || node_sync_to_sign(w, c, out) != MR_OK)
        return;
    const struct mr_state_account *const a = &w->account->account;
    if (a->recoveries_count == 0) {
        out_status(out, MR_ALREADY_DONE);
        out_print(out, _("Nobody is about to give this account other keys.\n"));
        return;
    }
    body.u.stop.upto = a->recoveries[a->recoveries_count - 1].seq;
    const struct act act = {.wish = {.body = &body},
                            .question =
                                _("Keep the keys that this wallet has, and refuse the other ones?"),
                            .again = true};
    if (act_do(w, c, out, &act, &seq, &already) != MR_OK)
        return;
    act_fields(out, w, seq, already);
    out_status(out, MR_SETTLED);
    out_print(out, _("Stopped: this wallet's keys stay in force. Ask your association who wanted "
                     "others.\n"));
}
