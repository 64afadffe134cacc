/* backup, restore, keys rotate, passphrase. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/save.h"
#include "common/term.h"
#include "mereau/id.h"
#include "mereau/text.h"
#include "wallet/act.h"
#include "wallet/commands.h"
#include "wallet/keys.h"
#include "wallet/memo.h"
#include "wallet/node.h"
#include "wallet/payee.h"
#include "wallet/sheet.h"

/* --- backup ----------------------------------------------------------------------------------- */

static void sheet_fields(const struct wallet *w, const struct command *c, struct out *out,
                         const struct mr_sheet *sheet)
{
    char words[MR_WORDS_TEXT_MAX], code[SHEET_CODE_MAX], address[MR_ADDRESS_TEXT_MAX];
    char ledger[2 * MR_HASH_BYTES + 1];
    if (!out->json)
        return;
    wallet_address(address, w, sheet->account);
    mr_hex_format(ledger, sheet->link.ledger, MR_HASH_BYTES);
    mr_words_encode(words, sheet_language(c), sheet->seed, sizeof sheet->seed);
    sheet_code(code, sheet);
    out_text(out, "ledger", ledger);
    out_text(out, "account", address);
    out_text(out, "node", sheet->link.address);
    out_int(out, "generation", sheet->generation);
    out_text(out, "words", words);
    out_text(out, "code", code);
    sodium_memzero(words, sizeof words);
    sodium_memzero(code, sizeof code);
}

/* The sheet to --output, or to where results go. */
static enum mr_status write_sheet(const struct wallet *w, const struct command *c, struct out *out,
                                  const struct mr_sheet *sheet)
{
    struct secret text = {0};
    const char *const path = opt_text(c, "output");
    enum mr_status st = sheet_print(&text, wallet_present(w), sheet, sheet_language(c));
    if (st != MR_OK)
        return out_fail(out, st, NULL);
    if (path == NULL) {
        sheet_fields(w, c, out, sheet);
        if (!out->json)
            fwrite(text.bytes, 1, text.len, out->results);
    } else {
        st = file_write(path, text.bytes, text.len, 0600, opt_flag(c, "force"));
        if (st != MR_OK)
            save_failed(out, st, path);
        out_text(out, "file", path);
    }
    secret_free(&text);
    return st;
}

void cmd_backup(struct command *c, struct out *out)
{
    struct wallet *w;
    if (wallet_open(&w, c, out) != MR_OK ||
        (w->charter == NULL && node_reach(w, c, out) != MR_OK) ||
        write_sheet(w, c, out, &w->keys->stored.sheet) != MR_OK)
        return;
    if (opt_text(c, "output") != NULL)
        out_print(out, _("The sheet is in %s. Print it, then delete the file.\n"),
                  opt_text(c, "output"));
    else
        out_note(out, _("Write it down or print it, and keep it away from this machine."));
}

/* --- restore ---------------------------------------------------------------------------------- */

static enum mr_status decode_words(struct mr_sheet *ret, struct out *out, const char *text)
{
    struct mr_words_fault fault = {SIZE_MAX, NULL};
    uint8_t seed[MR_SEED_MAX];
    size_t len = 0;
    const enum mr_status st = mr_words_decode(seed, &len, &fault, mr_words_guess(text), text);
    if (st == MR_OK && len == sizeof ret->seed) {
        memcpy(ret->seed, seed, sizeof ret->seed);
        sodium_memzero(seed, sizeof seed);
        return MR_OK;
    }
    if (fault.word != SIZE_MAX && fault.nearest != NULL)
        return out_fail(out, MR_BAD_CHECKSUM,
                        _("word %zu is not in the list of words; did you mean \"%s\"?"),
                        fault.word + 1, fault.nearest);
    if (st == MR_BAD_CHECKSUM)
        return out_fail(out, st,
                        _("all words are known, but one is the wrong one or two are exchanged: "
                          "compare with the sheet"));
    return out_fail(out, MR_BAD_CHECKSUM, _("a sheet has 24 words: some are missing or too many"));
}

/* Words alone do not say where the account is. */
static enum mr_status ask_where(struct mr_sheet *ret, const struct command *c, struct out *out)
{
    char link[MR_JOIN_LINK_TEXT_MAX + 1], address[MR_ADDRESS_TEXT_MAX + 1];
    const char *link_text = opt_text(c, "link"), *address_text = opt_text(c, "account");
    size_t wrong = SIZE_MAX;
    enum mr_status st = MR_OK;
    if (link_text == NULL)
        st = term_ask(c, out, link, sizeof link, _("Join link of your association:"));
    if (st == MR_OK && address_text == NULL)
        st = term_ask(c, out, address, sizeof address, _("Account on the sheet:"));
    if (st != MR_OK)
        return st;
    link_text = link_text != NULL ? link_text : link;
    address_text = address_text != NULL ? address_text : address;
    if (mr_join_link_parse(&ret->link, &wrong, link_text) != MR_OK)
        return out_fail(out, MR_BAD_CHECKSUM,
                        _("the join link is not complete or mistyped: copy "
                          "it again"));
    st = mr_address_parse(ret->account, &wrong, NULL, address_text);
    if (st != MR_OK)
        return out_fail(out, MR_BAD_CHECKSUM,
                        _("the account is not complete or mistyped: compare "
                          "it with the sheet"));
    ret->version = 1;
    ret->generation = 1; /* the node says which it is */
    return MR_OK;
}

static enum mr_status ask_sheet(struct mr_sheet *ret, const struct command *c, struct out *out)
{
    struct secret typed = {0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    const char *const path = opt_text(c, "sheet-file");
    enum mr_status st = MR_OK;
    if (path != NULL) {
        st = file_read(&bytes, &len, path, SHEET_TEXT_MAX);
        if (st != MR_OK)
            return out_fail(out, st, "%s: %s", path, status_sentence(st));
        st = secret_copy(&typed, bytes, len);
        sodium_memzero(bytes, len);
        free(bytes);
    } else {
        st = secret_ask_as(&typed, c, out, _("Code of the paper sheet, or its 24 words"), false,
                           NULL, "sheet-fd");
    }
    if (st != MR_OK)
        return st;
    st = sheet_parse(ret, (const char *)typed.bytes);
    if (st == MR_NOT_FOUND) {
        st = decode_words(ret, out, (const char *)typed.bytes);
        if (st == MR_OK)
            st = ask_where(ret, c, out);
    } else if (st != MR_OK) {
        st = out_fail(out, MR_BAD_CHECKSUM,
                      _("the code of the sheet is not complete or mistyped: compare it"));
    }
    secret_free(&typed);
    return st;
}

void restore_remove(struct wallet *w)
{
    static const char *const names[] = {"wallet.key", "book", "charter.mrc", "node"};
    char dir[FILE_PATH_MAX], path[FILE_PATH_MAX];
    memcpy(dir, w->dir, sizeof dir);
    wallet_close(w);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (path_join(path, dir, names[i]) == MR_OK)
            unlink(path);
}

void restore_print(struct wallet *w, struct out *out)
{
    char address[MR_ADDRESS_TEXT_MAX], amount[64], what[DESCRIBE_MAX];
    struct mr_signed_order o;
    wallet_address(address, w, wallet_account(w));
    wallet_amount(amount, w, w->account->hot.chain.balances[0].minor, 0);
    out_text(out, "account", address);
    out_int(out, "generation", w->keys->stored.sheet.generation);
    out_int(out, "orders", (int64_t)w->slot_count);
    out_int(out, "balance_minor", w->account->hot.chain.balances[0].minor);
    out_print(out, _("Your account is back: %s\nBalance: %s, orders: %zu\n"), address, amount,
              w->slot_count);
    const uint64_t open = wallet_open_seq(w);
    out_bool(out, "order_open", open > 0);
    if (open == 0)
        return;
    wallet_order(&o, wallet_slot(w, open));
    act_describe(what, w, &o.order);
    out_print(out,
              _("An order of yours waits: %s. Decide first: \"mereau resume\" or \"mereau "
                "cancel\"\n"),
              what);
}

void cmd_restore(struct command *c, struct out *out)
{
    struct wallet *w;
    struct mr_wallet_secret stored = {.version = 1, .class = MR_CLASS_RESIDENT};
    enum mr_status st =
        sodium_init() < 0 ? out_fail(out, MR_NO_MEMORY, NULL) : ask_sheet(&stored.sheet, c, out);
    if (st == MR_OK) {
        randombytes_buf(stored.book_key, sizeof stored.book_key);
        st = wallet_create(&w, c, out, &stored);
    }
    sodium_memzero(&stored, sizeof stored);
    if (st != MR_OK)
        return;
    /* Nothing is signed before the chain, and an order in its next place, is known. */
    st = node_sync_to_sign(w, c, out);
    if (st == MR_OK)
        st = node_survey(w, c, out);
    if (st == MR_BAD_SIGNATURE || st == MR_BAD_KEY || st == MR_NOT_AUTHORISED ||
        st == MR_NOT_ADMITTED || st == MR_WRONG_NODE || st == MR_CHECK_FAILED) {
        restore_remove(w);
        out_note(out, _("If a newer sheet was printed, this one is void: take the newest."));
        return;
    }
    if (st != MR_OK) {
        out_note(out, _("The wallet is made; \"mereau status\" goes on fetching your history."));
        if (w->charter == NULL && (st == MR_UNREACHABLE || st == MR_NO_ANSWER))
            out_note(out, _("If that node is gone for good, name another one that is on the sheet, "
                            "this once: \"mereau status --node HOST:PORT\"."));
        return;
    }
    restore_print(w, out);
}

/* --- keys rotate ------------------------------------------------------------------------------ */

/* Whether what was typed is this word: the words around it, checksum and all, must give the seed.
 */
static bool is_word(const struct mr_sheet *sheet, enum mr_words_language language, int number,
                    const char *typed)
{
    char words[MR_WORDS_TEXT_MAX], text[2 * MR_WORDS_TEXT_MAX] = "", *rest = NULL;
    uint8_t seed[MR_SEED_MAX];
    size_t len = 0;
    size_t used = 0;
    int i = 0;
    mr_words_encode(words, language, sheet->seed, sizeof sheet->seed);
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        used += (size_t)snprintf(text + used, sizeof text - used, "%.63s ",
                                 ++i == number ? typed : word);
    const bool same = mr_words_decode(seed, &len, NULL, language, text) == MR_OK &&
                      sodium_memcmp(seed, sheet->seed, sizeof seed) == 0;
    sodium_memzero(words, sizeof words);
    sodium_memzero(text, sizeof text);
    sodium_memzero(seed, sizeof seed);
    return same;
}

static enum mr_status ask_word(const struct command *c, struct out *out,
                               const struct mr_sheet *sheet)
{
    char typed[64], question[128];
    if (c->yes)
        return MR_OK;
    const int number = 1 + (int)randombytes_uniform(24);
    snprintf(question, sizeof question, _("Write the new sheet down now. Word number %d of it:"),
             number);
    const enum mr_status st = term_ask(c, out, typed, sizeof typed, question);
    if (st != MR_OK)
        return st;
    const bool same = is_word(sheet, sheet_language(c), number, typed);
    sodium_memzero(typed, sizeof typed);
    return same ? MR_OK
                : out_fail(out, MR_NOT_AUTHORISED,
                           _("that is another word: the old keys stay in force. Repeat \"mereau "
                             "keys rotate\"; it shows the same new sheet"));
}

/* The sheet that will be in force. */
static void next_sheet(struct mr_sheet *ret, const struct wallet *w)
{
    *ret = w->keys->stored.sheet;
    ret->generation = w->account->account.generation + 1;
    memcpy(ret->seed, w->keys->stored.next[0].secret, sizeof ret->seed);
}

static void fill_setkeys(struct mr_setkeys *ret, const struct mr_sheet *next)
{
    struct mr_seckey secret;
    uint8_t memo_secret[MR_KEY_BYTES];
    *ret = (struct mr_setkeys){.generation = next->generation};
    ret->keys.threshold = 1;
    ret->keys.keys_count = 1;
    mr_seckey_from_seed(&secret, &ret->keys.keys[0], next->seed);
    mr_memo_key(memo_secret, ret->enc_key, next->seed);
    mr_seckey_done(&secret);
    sodium_memzero(memo_secret, sizeof memo_secret);
}

static void print_rotated(const struct wallet *w, struct out *out, uint64_t seq)
{
    act_fields(out, w, seq, false);
    out_int(out, "generation", w->keys->stored.sheet.generation);
    out_status(out, MR_SETTLED);
    out_print(out,
              _("The new keys are in force (generation %u). The old paper sheet is void: "
                "destroy it.\n"),
              w->keys->stored.sheet.generation);
}

/* A rotation that was under way when this wallet stopped. */
static bool is_setkeys(const struct wallet *w, uint64_t seq)
{
    struct mr_signed_order o;
    if (seq == 0)
        return false;
    wallet_order(&o, wallet_slot(w, seq));
    return o.order.body.kind == MR_KIND_SETKEYS;
}

void cmd_keys_rotate(struct command *c, struct out *out)
{
    struct wallet *w;
    struct mr_sheet next;
    struct mr_order_body body = {.kind = MR_KIND_SETKEYS};
    char memo[MEMO_KEY_TEXT_MAX];
    bool already;
    enum mr_status st = wallet_open(&w, c, out);
    if (st == MR_OK)
        st = node_sync_to_sign(w, c, out);
    if (st != MR_OK)
        return;
    uint64_t seq = wallet_open_seq(w);
    if (is_setkeys(w, seq)) {
        if (act_finish(w, c, out, seq) == MR_OK)
            print_rotated(w, out, seq);
        return;
    }
    if (seq == 0) {
        if (keys_prepare(w, out) != MR_OK)
            return;
        next_sheet(&next, w);
        st = write_sheet(w, c, out, &next);
        fflush(out->results);
        if (st == MR_OK)
            st = ask_word(c, out, &next);
        fill_setkeys(&body.u.setkeys, &next);
        sodium_memzero(&next, sizeof next);
        if (st != MR_OK)
            return;
    }
    memo_key_text(memo, w);
    const struct act act = {.wish = {.body = &body, .memo = memo, .memo_len = strlen(memo)},
                            .again = true};
    st = act_do(w, c, out, &act, &seq, &already);
    sodium_memzero(memo, sizeof memo);
    if (st == MR_OK)
        print_rotated(w, out, seq);
}

/* --- passphrase ------------------------------------------------------------------------------- */

void cmd_passphrase(struct command *c, struct out *out)
{
    struct wallet *w;
    struct secret fresh = {0};
    if (wallet_open(&w, c, out) != MR_OK ||
        secret_ask_as(&fresh, c, out, _("New passphrase of the wallet"), true,
                      "new-passphrase-file", "new-passphrase-fd") != MR_OK)
        return;
    const enum mr_status st = keyfile_change(
        w->keyfile, opt_flag(c, "kdf-min") ? KEYFILE_MIN : KEYFILE_INTERACTIVE, &fresh);
    secret_free(&fresh);
    if (st != MR_OK)
        out_fail(out, st, "%s: %s", w->dir, status_sentence(st));
    else
        out_print(out, _("The passphrase is changed. Copies of the old wallet.key still open with "
                         "the old one.\n"));
}
