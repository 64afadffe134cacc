#include "admin/archive.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "admin/bank.h"
#include "admin/members.h"
#include "common/heap.h"
#include "mereau/codec.h"
#include "mereau/mandate.h"

/* --- boxes -------------------------------------------------------------------------------------
 */

static enum mr_status put(struct admin *a, enum mr_register_kind kind,
                          const uint8_t key[MR_ACCOUNT_BYTES], const uint8_t *plain, size_t len)
{
    admin_as(a, a->desk);
    return box_put(a, kind, key, plain, len);
}

typedef enum mr_status (*each_box)(void *ctx, const uint8_t key[MR_ACCOUNT_BYTES],
                                   const uint8_t *plain, size_t len);

/* Every entry of a kind that opens. Reported. */
static enum mr_status each(struct admin *a, enum mr_register_kind kind, each_box take, void *ctx)
{
    uint8_t after[MR_ACCOUNT_BYTES] = {0}, plain[MR_REGISTER_BOX_MAX];
    bool more = true;
    admin_as(a, a->desk);
    while (more) {
        a->ask->kind = MR_REQ_REGISTER_LIST;
        a->ask->u.register_list = (struct mr_req_register_list){.kind = kind};
        memcpy(a->ask->u.register_list.after, after, sizeof after);
        enum mr_status st = admin_call(a);
        if (st != MR_OK)
            return admin_call_failed(a, st);
        const struct mr_rep_register *const rep = &a->reply->body.u.register_list;
        for (uint32_t i = 0; i < rep->items_count; i++) {
            size_t len;
            memcpy(after, rep->items[i].account, sizeof after);
            st = box_open(a, plain, &len, &rep->items[i]) ? take(ctx, after, plain, len) : MR_OK;
            if (st != MR_OK)
                return out_fail(a->out, st, NULL);
        }
        more = rep->more && rep->items_count > 0;
    }
    return MR_OK;
}

/* --- mandates ----------------------------------------------------------------------------------
 */

static enum mr_status take_mandate(void *ctx, const uint8_t key[MR_ACCOUNT_BYTES],
                                   const uint8_t *plain, size_t len)
{
    struct mandates *const m = ctx;
    struct mandate_row *const rows = rows_room(m->rows, m->count, &m->cap, sizeof *rows);
    if (rows == NULL)
        return MR_NO_MEMORY;
    m->rows = rows;
    struct mandate_row *const row = &m->rows[m->count];
    if (mr_mandate_entry_decode(&row->entry, plain, len) != MR_OK)
        return MR_OK;
    mr_mandate_id(row->id, &row->entry.mandate.mandate);
    m->count += memcmp(row->id, key, MR_ACCOUNT_BYTES) == 0;
    return MR_OK;
}

enum mr_status mandates_read(struct mandates *ret, struct admin *a)
{
    *ret = (struct mandates){NULL, 0, 0};
    return each(a, MR_REGISTER_MANDATE, take_mandate, ret);
}

void mandates_free(struct mandates *m)
{
    free(m->rows);
    *m = (struct mandates){NULL, 0, 0};
}

const struct mandate_row *mandate_of(const struct mandates *m, const uint8_t id[MR_HASH_BYTES])
{
    for (size_t i = 0; i < m->count; i++)
        if (memcmp(m->rows[i].id, id, MR_HASH_BYTES) == 0)
            return &m->rows[i];
    return NULL;
}

enum mr_status mandate_put(struct admin *a, const struct mr_mandate_entry *entry)
{
    uint8_t plain[sizeof *entry], id[MR_HASH_BYTES];
    mr_mandate_id(id, &entry->mandate.mandate);
    return put(a, MR_REGISTER_MANDATE, id, plain,
               mr_mandate_entry_encode(entry, plain, sizeof plain));
}

/* --- conversions -------------------------------------------------------------------------------
 */

static enum mr_status take_conversion(void *ctx, const uint8_t key[MR_ACCOUNT_BYTES],
                                      const uint8_t *plain, size_t len)
{
    struct conversions *const c = ctx;
    struct conversion_row *const rows = rows_room(c->rows, c->count, &c->cap, sizeof *rows);
    if (rows == NULL)
        return MR_NO_MEMORY;
    c->rows = rows;
    struct conversion_row *const row = &c->rows[c->count];
    *row = (struct conversion_row){.looked = false};
    memcpy(row->key, key, sizeof row->key);
    c->count += mr_conversion_decode(&row->conversion, plain, len) == MR_OK;
    return MR_OK;
}

static int by_bank_line(const void *a, const void *b)
{
    const struct conversion_row *const x = a, *const y = b;
    return memcmp(x->conversion.note.ref, y->conversion.note.ref, MR_HASH_BYTES);
}

enum mr_status conversions_read(struct conversions *ret, struct admin *a)
{
    *ret = (struct conversions){NULL, 0, 0};
    const enum mr_status st = each(a, MR_REGISTER_CONVERSION, take_conversion, ret);
    if (ret->count > 0)
        qsort(ret->rows, ret->count, sizeof *ret->rows, by_bank_line);
    return st;
}

void conversions_free(struct conversions *c)
{
    free(c->rows);
    *c = (struct conversions){NULL, 0, 0};
}

enum mr_status conversion_put(struct admin *a, const uint8_t key[MR_ACCOUNT_BYTES],
                              const struct mr_conversion *conversion)
{
    uint8_t plain[sizeof *conversion];
    return put(a, MR_REGISTER_CONVERSION, key, plain,
               mr_conversion_encode(conversion, plain, sizeof plain));
}

enum mr_status conversion_drop(struct admin *a, const uint8_t key[MR_ACCOUNT_BYTES])
{
    admin_as(a, a->desk);
    return roll_drop(a, MR_REGISTER_CONVERSION, key);
}

void conversion_key(uint8_t ret[MR_ACCOUNT_BYTES], const uint8_t secret[32],
                    const uint8_t municipality[MR_ACCOUNT_BYTES],
                    const uint8_t payee[MR_ACCOUNT_BYTES], const char *order)
{
    uint8_t all[32 + 2 * MR_ACCOUNT_BYTES], h[MR_HASH_BYTES];
    const size_t len = sizeof all - (payee == NULL ? MR_ACCOUNT_BYTES : 0);
    memcpy(all, secret, 32);
    memcpy(all + 32, municipality, MR_ACCOUNT_BYTES);
    if (payee != NULL)
        memcpy(all + 32 + MR_ACCOUNT_BYTES, payee, MR_ACCOUNT_BYTES);
    mr_hash(h, "mereau/payment-order", all, len, order, strlen(order));
    memcpy(ret, h, MR_ACCOUNT_BYTES);
    sodium_memzero(all, sizeof all);
}

/* --- bank lines --------------------------------------------------------------------------------
 */

enum mr_status bank_line_put(struct admin *a, const struct mr_bank_note *note)
{
    uint8_t plain[sizeof *note];
    return put(a, MR_REGISTER_BANK, note->ref, plain,
               mr_bank_note_encode(note, plain, sizeof plain));
}

bool bank_line_of(struct admin *a, struct mr_bank_note *ret, const uint8_t ref[MR_HASH_BYTES])
{
    uint8_t plain[MR_REGISTER_BOX_MAX], own[MR_HASH_BYTES];
    size_t len;
    admin_as(a, a->desk);
    a->ask->kind = MR_REQ_REGISTER_LIST;
    a->ask->u.register_list = (struct mr_req_register_list){.kind = MR_REGISTER_BANK};
    roll_before(a->ask->u.register_list.after, ref);
    if (admin_call(a) != MR_OK)
        return false;
    const struct mr_rep_register *const rep = &a->reply->body.u.register_list;
    return rep->items_count > 0 && memcmp(rep->items[0].account, ref, MR_ACCOUNT_BYTES) == 0 &&
           box_open(a, plain, &len, &rep->items[0]) &&
           mr_bank_note_decode(ret, plain, len) == MR_OK &&
           bank_ref(own, a->signer->key->bank_secret, ret->account, ret->entry) == MR_OK &&
           memcmp(own, ref, sizeof own) == 0;
}
