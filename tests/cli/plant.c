/* Puts into a wallet's book what a crash or another time would have left there:
 *
 *   plant WALLET pay ADDRESS MINOR     an order that was signed and never sent
 *   plant WALLET late ADDRESS MINOR    the same, whose last day has passed
 *   plant WALLET pin NAME ADDRESS      a name of the directory that meant another account
 *
 * The passphrase is the first line of the file "pass". */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/order.h"
#include "wallet/wallet.h"

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "plant: %s\n", what);
    exit(1);
}

static enum mr_status take(void *ctx, const uint8_t *record, size_t len)
{
    struct wallet *const w = ctx;
    return mr_book_note_decode(w->note, record, len) == MR_OK ? wallet_take(w, w->note)
                                                              : MR_DAMAGED;
}

static void open_wallet(struct wallet *w, const char *dir)
{
    char path[FILE_PATH_MAX];
    struct secret pass = {0};
    uint64_t cut, at;
    size_t len;
    uint8_t *line;
    w->note = malloc(sizeof *w->note);
    w->keys = calloc(1, sizeof *w->keys);
    must(w->note != NULL && w->keys != NULL, "memory");
    must(file_read(&line, &len, "pass", 1024) == MR_OK, "pass");
    must(secret_copy(&pass, line, strcspn((const char *)line, "\n")) == MR_OK, "memory");
    must(path_join(path, dir, "wallet.key") == MR_OK, "path");
    must(keyfile_open(&w->keyfile, path, "wallet", &pass) == MR_OK, "wallet.key");
    const uint8_t *const payload = keyfile_payload(w->keyfile, &len);
    must(mr_wallet_secret_decode(&w->keys->stored, payload, len) == MR_OK, "secrets");
    wallet_derive(w);
    must(path_join(path, dir, "book") == MR_OK, "path");
    must(book_open(&w->book, &cut, &at, path, w->keys->stored.book_key, take, w) == MR_OK, "book");
    must(w->charter != NULL, "charter");
    secret_free(&pass);
    free(line);
}

static void plant_pay(struct wallet *w, const uint8_t payee[16], int64_t amount, bool late)
{
    const struct slot *const before = wallet_slot(w, w->slot_count);
    struct mr_order_body body = {.kind = MR_KIND_PAY};
    struct mr_state_account account = {.class = MR_CLASS_RESIDENT};
    struct mr_state_chain chain = {.next_seq = w->slot_count + 1};
    const struct mr_wish wish = {.body = &body};
    const struct mr_basis basis = {w->keys->stored.sheet.link.ledger,
                                   &account,
                                   &chain,
                                   &w->charter->policy,
                                   1,
                                   payee,
                                   wallet_now_ms()};
    uint8_t salt[MR_SALT_BYTES];
    int64_t fee;
    memcpy(account.id, wallet_account(w), sizeof account.id);
    if (before != NULL)
        memcpy(chain.head, before->value, sizeof chain.head);
    body.u.pay.lines_count = 1;
    body.u.pay.lines[0] = (struct mr_pay_line){.amount = amount, .what = MR_LINE_PAYMENT};
    memcpy(body.u.pay.lines[0].payee, payee, 16);
    randombytes_buf(salt, sizeof salt);
    w->note->kind = MR_BOOK_ORDER;
    w->note->u.order = (struct mr_book_order){0};
    struct mr_signed_order *const o = &w->note->u.order.order;
    must(mr_plan(&o->order, &fee, &basis, &wish, salt) == MR_OK, "plan");
    if (late)
        o->order.not_after_ms = o->order.time_ms;
    mr_order_sign(o, 0, &w->keys->signing);
}

static void plant_pin(struct wallet *w, const char *name, const uint8_t account[16])
{
    w->note->kind = MR_BOOK_NAME;
    struct mr_book_name *const n = &w->note->u.name;
    *n = (struct mr_book_name){.pin = true, .name_len = (uint32_t)strlen(name)};
    must(strlen(name) <= MR_OPENING_MAX, "name");
    memcpy(n->name, name, n->name_len + 1);
    memcpy(n->account, account, 16);
}

int main(int argc, char **argv)
{
    static struct wallet w;
    uint8_t account[16];
    must(argc == 5 && sodium_init() >= 0, "usage: plant WALLET pay|late|pin ...");
    open_wallet(&w, argv[1]);
    const bool pin = strcmp(argv[2], "pin") == 0;
    must(mr_address_parse(account, NULL, w.charter->prefix, argv[pin ? 4 : 3]) == MR_OK, "address");
    if (pin)
        plant_pin(&w, argv[3], account);
    else
        plant_pay(&w, account, strtoll(argv[4], NULL, 10), strcmp(argv[2], "late") == 0);
    const size_t size = mr_book_note_size(w.note);
    uint8_t *const bytes = malloc(size);
    must(bytes != NULL, "memory");
    mr_book_note_encode(w.note, bytes, size);
    must(book_add(w.book, bytes, size) == MR_OK, "book");
    free(bytes);
    return 0; /* the kernel takes the rest back */
}
