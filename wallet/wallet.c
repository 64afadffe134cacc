#include "wallet/wallet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/amount_text.h"
#include "common/clock.h"
#include "common/secret.h"
#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/id.h"

enum { LOCK_PAUSE_MS = 20 };

/* What wallet_end finishes. */
static struct wallet *present;
static uint64_t told_seq;

uint64_t wallet_now_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

uint64_t wallet_clock_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

void wallet_time(char *ret, uint64_t time_ms)
{
    const time_t t = (time_t)(time_ms / 1000);
    struct tm tm;
    if (localtime_r(&t, &tm) == NULL || strftime(ret, TIME_SHOWN_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
        snprintf(ret, TIME_SHOWN_MAX, "?");
}

/* --- directory and lock ----------------------------------------------------------------------- */

static enum mr_status host_trouble(struct out *out, enum mr_status st, const char *path)
{
    return out_fail(out, st, "%s: %s", path, status_sentence(st));
}

enum mr_status wallet_dir(char *ret, const struct command *c, struct out *out)
{
    const char *const given = opt_text(c, "wallet");
    enum mr_status st;
    char base[FILE_PATH_MAX];
    if (given != NULL)
        st = path_join(ret, "", given);
    else if ((st = path_data_dir(base, "mereau")) == MR_OK)
        st = path_join(ret, base, "default");
    if (st == MR_OK)
        return MR_OK;
    return out_fail(out, st, _("there is no place for the wallet: give one with --wallet DIR"));
}

static void path_in(char *ret, const struct wallet *w, const char *name)
{
    const enum mr_status st = path_join(ret, w->dir, name);
    mr_assert(st == MR_OK); /* the directory was cut to leave room */
}

bool wallet_exists(const char *dir)
{
    char path[FILE_PATH_MAX];
    return path_join(path, dir, "wallet.key") == MR_OK && file_exists(path);
}

static enum mr_status wait_for_lock(const struct wallet *w, const struct command *c,
                                    struct out *out)
{
    bool said = false;
    for (int waited = 0; flock(w->lock_fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_PAUSE_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return host_trouble(out, MR_IO_ERROR, w->dir);
        if (waited >= c->timeout_ms)
            return out_fail(out, MR_IN_USE,
                            _("another command is still using this wallet; repeat when it is "
                              "done"));
        if (!said && waited >= 500) {
            out_note(out, _("another command is using this wallet; waiting for it"));
            said = true;
        }
        poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return MR_OK;
}

static enum mr_status take_lock(struct wallet *w, const struct command *c, struct out *out)
{
    char path[FILE_PATH_MAX];
    path_in(path, w, "lock");
    w->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->lock_fd < 0)
        return host_trouble(out, file_status(errno), path);
    return wait_for_lock(w, c, out);
}

static struct wallet *wallet_alloc(void)
{
    struct wallet *const w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->lock_fd = -1;
    w->note = malloc(sizeof *w->note);
    w->keys = sodium_malloc(sizeof *w->keys);
    if (w->keys != NULL)
        sodium_memzero(w->keys, sizeof *w->keys);
    if (w->note == NULL || w->keys == NULL) {
        wallet_close(w);
        return NULL;
    }
    return w;
}

void wallet_unlock(struct wallet *w)
{
    if (w->lock_fd >= 0)
        close(w->lock_fd);
    w->lock_fd = -1;
    book_close(w->book);
    w->book = NULL;
}

void wallet_close(struct wallet *w)
{
    if (w == NULL)
        return;
    if (w == present)
        present = NULL;
    link_close(w->link);
    keyfile_close(w->keyfile);
    wallet_unlock(w);
    mr_assert(w->slots != NULL || w->slot_count == 0);
    for (size_t i = 0; i < w->slot_count; i++) {
        free(w->slots[i].order);
        free(w->slots[i].memo);
        free(w->slots[i].receipt);
    }
    free(w->slots);
    free(w->names);
    free(w->charter);
    epochs_done(&w->epochs);
    free(w->present);
    free(w->join);
    free(w->reply);
    free(w->request);
    free(w->asked);
    free(w->account);
    free(w->policies);
    free(w->note);
    sodium_free(w->keys);
    free(w);
}

/* --- secrets ---------------------------------------------------------------------------------- */

void wallet_derive(struct wallet *w)
{
    struct wallet_keys *const k = w->keys;
    mr_seckey_from_seed(&k->signing, &w->public, k->stored.sheet.seed);
    mr_memo_key(k->memo_secret, k->memo_public, k->stored.sheet.seed);
}

enum mr_status wallet_save(struct wallet *w, struct out *out, const struct mr_wallet_secret *stored)
{
    struct secret payload = {0};
    enum mr_status st = secret_alloc(&payload, mr_wallet_secret_size(stored));
    if (st == MR_OK) {
        mr_wallet_secret_encode(stored, payload.bytes, payload.len);
        st = keyfile_save(w->keyfile, payload.bytes, payload.len);
    }
    secret_free(&payload);
    if (st != MR_OK)
        return host_trouble(out, st, w->dir);
    if (stored != &w->keys->stored)
        w->keys->stored = *stored;
    wallet_derive(w);
    return MR_OK;
}

static enum mr_status open_keyfile(struct wallet *w, const struct command *c, struct out *out)
{
    char path[FILE_PATH_MAX];
    struct secret passphrase = {0};
    path_in(path, w, "wallet.key");
    enum mr_status st = keyfile_check(path, "wallet");
    if (st == MR_NO_SUCH_FILE)
        return out_fail(out, MR_NOT_FOUND,
                        _("there is no wallet in %s: make one with \"mereau join LINK\", or bring "
                          "yours back with \"mereau restore\""),
                        w->dir);
    if (st == MR_DAMAGED || st == MR_BAD_VERSION || st == MR_BAD_KEY)
        return out_fail(out, MR_DAMAGED,
                        _("%s is damaged: move the directory away and run \"mereau restore\" with "
                          "your paper sheet"),
                        path);
    if (st != MR_OK)
        return host_trouble(out, st, path);
    st = secret_ask(&passphrase, c, out, _("Passphrase of the wallet"), false);
    if (st != MR_OK)
        return st;
    st = keyfile_open(&w->keyfile, path, "wallet", &passphrase);
    secret_free(&passphrase);
    if (st == MR_WRONG_PASSPHRASE)
        return out_fail(out, st,
                        _("the passphrase is wrong; if it is lost, \"mereau restore\" with your "
                          "paper sheet makes the wallet anew"));
    return st == MR_OK ? MR_OK : host_trouble(out, st, path);
}

static enum mr_status read_secrets(struct wallet *w, struct out *out)
{
    size_t len;
    const uint8_t *const payload = keyfile_payload(w->keyfile, &len);
    if (mr_wallet_secret_decode(&w->keys->stored, payload, len) != MR_OK)
        return out_fail(out, MR_DAMAGED, _("wallet.key in %s holds something else than a wallet"),
                        w->dir);
    wallet_derive(w);
    return MR_OK;
}

/* --- the book --------------------------------------------------------------------------------- */

static enum mr_status take_record(void *ctx, const uint8_t *record, size_t len)
{
    struct wallet *const w = ctx;
    if (mr_book_note_decode(w->note, record, len) != MR_OK)
        return MR_DAMAGED;
    return wallet_take(w, w->note);
}

static enum mr_status open_book(struct wallet *w, struct out *out)
{
    char path[FILE_PATH_MAX];
    uint64_t cut = 0, at = 0;
    path_in(path, w, "book");
    const enum mr_status st =
        book_open(&w->book, &cut, &at, path, w->keys->stored.book_key, take_record, w);
    if (st == MR_DAMAGED || st == MR_NO_SUCH_FILE)
        return out_fail(out, MR_DAMAGED,
                        _("%s is damaged (byte %llu): the money is safe at the node; move the "
                          "directory away and run \"mereau restore\" with your paper sheet"),
                        path, (unsigned long long)at);
    if (st != MR_OK)
        return host_trouble(out, st, path);
    if (cut > 0)
        out_note(out, _("note: the last record of the book was only half written and was cut off"));
    return MR_OK;
}

enum mr_status wallet_add(struct wallet *w, struct out *out)
{
    const size_t size = mr_book_note_size(w->note);
    uint8_t *const bytes = malloc(size);
    enum mr_status st = bytes == NULL ? MR_NO_MEMORY : MR_OK;
    if (st == MR_OK) {
        mr_book_note_encode(w->note, bytes, size);
        st = book_add(w->book, bytes, size);
        sodium_memzero(bytes, size);
        free(bytes);
    }
    if (st == MR_OK)
        st = wallet_take(w, w->note);
    return st == MR_OK ? MR_OK : host_trouble(out, st, w->dir);
}

enum mr_status wallet_keep_charter(struct wallet *w, struct out *out,
                                   const struct mr_charter *charter)
{
    char path[FILE_PATH_MAX];
    path_in(path, w, "charter.mrc");
    const size_t size = mr_charter_size(charter);
    uint8_t *const bytes = malloc(size);
    if (bytes == NULL)
        return host_trouble(out, MR_NO_MEMORY, path);
    mr_charter_encode(charter, bytes, size);
    const enum mr_status st = file_write(path, bytes, size, 0644, true);
    free(bytes);
    if (st != MR_OK)
        return host_trouble(out, st, path);
    if (w->charter != NULL)
        return MR_OK;
    w->note->kind = MR_BOOK_CHARTER;
    w->note->u.charter = *charter;
    return wallet_add(w, out);
}

/* --- opening and making ----------------------------------------------------------------------- */

static enum mr_status begin(struct wallet **ret, const struct command *c, struct out *out,
                            bool make)
{
    enum mr_status st = MR_NO_MEMORY;
    struct wallet *const w = sodium_init() < 0 ? NULL : wallet_alloc();
    if (w == NULL)
        return out_fail(out, MR_NO_MEMORY, NULL);
    st = wallet_dir(w->dir, c, out);
    if (st == MR_OK && strlen(w->dir) > FILE_PATH_MAX - 64)
        st = host_trouble(out, MR_TOO_LARGE, w->dir);
    if (st == MR_OK && make && (st = dir_make(w->dir)) != MR_OK)
        host_trouble(out, st, w->dir);
    if (st == MR_OK && !make && !wallet_exists(w->dir))
        st = open_keyfile(w, c, out); /* says so, and leaves no lock file behind */
    if (st == MR_OK)
        st = take_lock(w, c, out);
    if (st != MR_OK) {
        wallet_close(w);
        return st;
    }
    *ret = w;
    return MR_OK;
}

enum mr_status wallet_open(struct wallet **ret, const struct command *c, struct out *out)
{
    struct wallet *w;
    enum mr_status st = begin(&w, c, out, false);
    if (st != MR_OK)
        return st;
    st = open_keyfile(w, c, out);
    if (st == MR_OK)
        st = read_secrets(w, out);
    if (st == MR_OK)
        st = open_book(w, out);
    if (st != MR_OK) {
        wallet_close(w);
        return st;
    }
    present = w;
    *ret = w;
    return MR_OK;
}

static enum mr_status make_keyfile(struct wallet *w, const struct command *c, struct out *out)
{
    char path[FILE_PATH_MAX];
    struct secret passphrase = {0}, payload = {0};
    const struct mr_wallet_secret *const stored = &w->keys->stored;
    enum mr_status st = secret_ask(&passphrase, c, out, _("New passphrase of the wallet"), true);
    if (st != MR_OK)
        return st;
    path_in(path, w, "wallet.key");
    st = secret_alloc(&payload, mr_wallet_secret_size(stored));
    if (st == MR_OK) {
        mr_wallet_secret_encode(stored, payload.bytes, payload.len);
        st = keyfile_create(&w->keyfile, path, "wallet",
                            opt_flag(c, "kdf-min") ? KEYFILE_MIN : KEYFILE_INTERACTIVE, &passphrase,
                            payload.bytes, payload.len, false);
    }
    secret_free(&payload);
    secret_free(&passphrase);
    return st == MR_OK ? MR_OK : host_trouble(out, st, path);
}

enum mr_status wallet_create(struct wallet **ret, const struct command *c, struct out *out,
                             const struct mr_wallet_secret *stored)
{
    struct wallet *w;
    char path[FILE_PATH_MAX];
    enum mr_status st = begin(&w, c, out, true);
    if (st != MR_OK)
        return st;
    path_in(path, w, "book");
    w->keys->stored = *stored;
    wallet_derive(w);
    if (wallet_exists(w->dir))
        st = out_fail(out, MR_FILE_EXISTS,
                      _("there is a wallet in %s already: give another place with --wallet DIR"),
                      w->dir);
    /* The book first: where there is a key file there is a book. */
    else if ((st = book_create(path, stored->book_key)) != MR_OK)
        host_trouble(out, st, path);
    if (st == MR_OK)
        st = make_keyfile(w, c, out);
    if (st == MR_OK)
        st = open_book(w, out);
    if (st != MR_OK) {
        wallet_close(w);
        return st;
    }
    present = w;
    *ret = w;
    return MR_OK;
}

void wallet_tell(struct wallet *w, uint64_t seq)
{
    mr_assert(w == present);
    told_seq = seq;
}

void wallet_end(int exit_code)
{
    struct wallet *const w = present;
    if (w == NULL)
        return;
    const struct slot *const s = wallet_slot(w, told_seq);
    if (s != NULL && s->closed && !s->reported && w->book != NULL &&
        (exit_code == EXIT_DONE || exit_code == EXIT_REFUSED)) {
        struct out quiet;
        out_begin(&quiet, "mereau", false, true);
        w->note->kind = MR_BOOK_REPORTED;
        w->note->u.reported = (struct mr_book_reported){told_seq, wallet_now_ms()};
        wallet_add(w, &quiet);
        out_end(&quiet);
    }
    wallet_close(w);
}
