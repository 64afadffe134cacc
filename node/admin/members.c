#include "admin/members.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/amount_text.h"
#include "common/heap.h"
#include "mereau/codec.h"
#include "mereau/order.h"
#include "mereau/text.h"

/* --- reading the register ----------------------------------------------------------------------
 */

bool box_open(const struct admin *a, uint8_t plain[MR_REGISTER_BOX_MAX], size_t *ret_len,
              const struct mr_register_item *item)
{
    if (item->box_len < crypto_box_SEALBYTES)
        return false;
    *ret_len = item->box_len - crypto_box_SEALBYTES;
    return crypto_box_seal_open(plain, item->box, item->box_len, a->home->register_key,
                                a->signer->key->register_secret) == 0;
}

static void take_box(struct roll_entry *e, struct admin *a, const struct mr_register_item *item)
{
    uint8_t plain[MR_REGISTER_BOX_MAX];
    size_t len;
    if (!box_open(a, plain, &len, item))
        return;
    if (item->kind == MR_REGISTER_MEMBER)
        e->readable = mr_member_decode(&e->member, plain, len) == MR_OK;
    else
        e->readable = mr_identity_decode(&e->member.identity, plain, len) == MR_OK;
    if (!e->readable)
        e->member = (struct mr_member){.class = MR_CLASS_RESIDENT};
    sodium_memzero(plain, sizeof plain);
}

static enum mr_status roll_add(struct roll *r, struct admin *a, size_t *cap,
                               const struct mr_register_item *item)
{
    struct roll_entry *const entries = rows_room(r->entries, r->count, cap, sizeof *entries);
    if (entries == NULL)
        return MR_NO_MEMORY;
    r->entries = entries;
    struct roll_entry *e = &r->entries[r->count++];
    *e = (struct roll_entry){.time_ms = item->time_ms};
    memcpy(e->account, item->account, sizeof e->account);
    if (item->open_count > 0)
        e->open = item->open[0];
    take_box(e, a, item);
    return MR_OK;
}

enum mr_status roll_read(struct roll *ret, struct admin *a, enum mr_register_kind kind)
{
    size_t cap = 0;
    bool more = true;
    enum mr_status st = MR_OK;
    *ret = (struct roll){NULL, 0};
    admin_as(a, a->desk);
    while (more) {
        a->ask->kind = MR_REQ_REGISTER_LIST;
        a->ask->u.register_list = (struct mr_req_register_list){.kind = kind};
        if (ret->count > 0)
            memcpy(a->ask->u.register_list.after, ret->entries[ret->count - 1].account, 16);
        st = admin_call(a);
        if (st != MR_OK)
            return admin_call_failed(a, st);
        const struct mr_rep_register *rep = &a->reply->body.u.register_list;
        for (uint32_t i = 0; st == MR_OK && i < rep->items_count; i++)
            st = roll_add(ret, a, &cap, &rep->items[i]);
        if (st != MR_OK)
            return out_fail(a->out, st, NULL);
        more = rep->more && rep->items_count > 0;
    }
    return MR_OK;
}

void roll_before(uint8_t ret[16], const uint8_t account[16])
{
    memcpy(ret, account, 16);
    for (size_t i = 16; i > 0 && ret[i - 1]-- == 0; i--)
        ;
}

bool roll_one(struct admin *a, struct roll_entry *ret, const uint8_t account[16])
{
    struct roll r = {NULL, 0};
    size_t cap = 0;
    if (a->link == NULL || a->signer == NULL || signer_is_governance(a->signer))
        return false;
    admin_as(a, a->desk);
    a->ask->kind = MR_REQ_REGISTER_LIST;
    a->ask->u.register_list = (struct mr_req_register_list){.kind = MR_REGISTER_MEMBER};
    roll_before(a->ask->u.register_list.after, account);
    if (admin_call(a) != MR_OK)
        return false;
    const struct mr_rep_register *rep = &a->reply->body.u.register_list;
    if (rep->items_count == 0 || memcmp(rep->items[0].account, account, 16) != 0)
        return false;
    const bool found = roll_add(&r, a, &cap, &rep->items[0]) == MR_OK && r.entries[0].readable;
    if (found)
        *ret = r.entries[0];
    roll_free(&r);
    return found;
}

void roll_free(struct roll *r)
{
    if (r->entries != NULL)
        sodium_memzero(r->entries, r->count * sizeof *r->entries);
    free(r->entries);
    *r = (struct roll){NULL, 0};
}

static int by_account(const void *key, const void *entry)
{
    const struct roll_entry *e = entry;
    return memcmp(key, e->account, sizeof e->account);
}

const struct roll_entry *roll_of(const struct roll *r, const uint8_t account[16])
{
    if (r->count == 0)
        return NULL;
    return bsearch(account, r->entries, r->count, sizeof *r->entries, by_account);
}

size_t roll_match(const struct roll *r, const struct roll_entry **ret_first, const struct admin *a,
                  const char *who)
{
    uint8_t account[16];
    size_t count = 0;
    if (mr_address_parse(account, NULL, a->charter->prefix, who) == MR_OK) {
        *ret_first = roll_of(r, account);
        return *ret_first != NULL;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (!r->entries[i].readable || strcasecmp(r->entries[i].member.identity.name, who) != 0)
            continue;
        if (count++ == 0)
            *ret_first = &r->entries[i];
    }
    return count;
}

/* --- writing it --------------------------------------------------------------------------------
 */

enum mr_status box_put(struct admin *a, enum mr_register_kind kind,
                       const uint8_t key[MR_ACCOUNT_BYTES], const uint8_t *plain, size_t len)
{
    if (len + crypto_box_SEALBYTES > MR_REGISTER_BOX_MAX)
        return MR_TOO_LARGE;
    a->ask->kind = MR_REQ_REGISTER_PUT;
    struct mr_register_item *const item = &a->ask->u.register_put;
    *item = (struct mr_register_item){.kind = kind, .time_ms = admin_now_ms()};
    memcpy(item->account, key, sizeof item->account);
    item->box_len = (uint32_t)(len + crypto_box_SEALBYTES);
    crypto_box_seal(item->box, plain, len, a->home->register_key);
    return admin_call(a);
}

enum mr_status roll_put(struct admin *a, const uint8_t account[16], const struct mr_member *member)
{
    uint8_t plain[MR_REGISTER_BOX_MAX];
    const size_t len = mr_member_encode(member, plain, sizeof plain);
    const enum mr_status st = box_put(a, MR_REGISTER_MEMBER, account, plain, len);
    sodium_memzero(plain, sizeof plain);
    return st;
}

enum mr_status roll_drop(struct admin *a, enum mr_register_kind kind, const uint8_t account[16])
{
    a->ask->kind = MR_REQ_REGISTER_DELETE;
    a->ask->u.register_delete = (struct mr_req_register_delete){.kind = kind};
    memcpy(a->ask->u.register_delete.account, account, 16);
    return admin_call(a);
}

/* --- whom somebody means -----------------------------------------------------------------------
 */

enum mr_status account_lookup(struct admin *a, const struct mr_rep_lookup **ret,
                              const uint8_t account[16])
{
    a->ask->kind = MR_REQ_LOOKUP;
    a->ask->u.lookup = (struct mr_req_lookup){.alias_len = 0};
    memcpy(a->ask->u.lookup.account, account, 16);
    const enum mr_status st = admin_call(a);
    if (st == MR_OK)
        *ret = &a->reply->body.u.lookup;
    return st == MR_PAYEE_UNKNOWN || st == MR_ACCOUNT_UNKNOWN ? MR_NOT_FOUND : st;
}

static enum mr_status find_alias(struct admin *a, uint8_t ret[16], const char *who)
{
    char name[MR_ALIAS_MAX + 1], association[MR_ALIAS_MAX + 1];
    if (mr_alias_split(name, association, who) != MR_OK || strlen(who) > MR_NAME_MAX)
        return MR_NOT_FOUND;
    a->ask->kind = MR_REQ_LOOKUP;
    a->ask->u.lookup = (struct mr_req_lookup){.alias_len = (uint32_t)strlen(who)};
    memcpy(a->ask->u.lookup.alias, who, strlen(who) + 1);
    const enum mr_status st = admin_call(a);
    if (st == MR_OK)
        memcpy(ret, a->reply->body.u.lookup.account, 16);
    return st;
}

static enum mr_status several(struct admin *a, const struct roll *r, const char *who)
{
    json_t *accounts = json_array();
    for (size_t i = 0; i < r->count; i++) {
        const struct mr_identity *who_is = &r->entries[i].member.identity;
        if (strcasecmp(who_is->name, who) != 0)
            continue;
        json_array_append_new(accounts, json_string(admin_address(a, r->entries[i].account)));
        out_note(a->out, "  %s  %s  %s", admin_address(a, r->entries[i].account), who_is->name,
                 who_is->contact);
    }
    out_json(a->out, "accounts", accounts);
    return out_fail(a->out, MR_NOT_FOUND,
                    _("\"%.100s\" is the name of several members: give the address"), who);
}

static enum mr_status find_name(struct admin *a, uint8_t ret[16], const char *who)
{
    struct roll r;
    const struct roll_entry *first = NULL;
    enum mr_status st = roll_read(&r, a, MR_REGISTER_MEMBER);
    const size_t count = st == MR_OK ? roll_match(&r, &first, a, who) : 0;
    if (count == 1)
        memcpy(ret, first->account, 16);
    else if (count > 1)
        st = several(a, &r, who);
    else if (st == MR_OK)
        st = out_fail(
            a->out, MR_NOT_FOUND,
            _("nobody is found under \"%.100s\": give an address, a shop's alias or a name "
              "as in \"member list\""),
            who);
    roll_free(&r);
    return st;
}

static bool looks_like_address(const struct admin *a, const char *who)
{
    const size_t n = a->charter->prefix_len;
    return strncasecmp(who, a->charter->prefix, n) == 0 && who[n] == '1' && strlen(who) > n + 12;
}

/* An address or an alias. MR_NOT_FOUND: neither; with a hint: it was to be an address; without one:
 * a call's status. */
static enum mr_status find_account(struct admin *a, uint8_t ret[16], char hint[HINT_MAX],
                                   const char *who)
{
    size_t wrong = SIZE_MAX;
    hint[0] = '\0';
    enum mr_status st = mr_address_parse(ret, &wrong, a->charter->prefix, who);
    if (st == MR_OK)
        return st;
    if (looks_like_address(a, who) || st == MR_WRONG_PREFIX) {
        address_hint(hint, st, who, wrong, a->charter->prefix);
        return st;
    }
    st = find_alias(a, ret, who);
    if (st == MR_OK || st == MR_UNREACHABLE || st == MR_NO_ANSWER || st == MR_WRONG_NODE)
        return st;
    return MR_NOT_FOUND;
}

enum mr_status member_find(struct admin *a, uint8_t ret[16], const char *who)
{
    char hint[HINT_MAX];
    const enum mr_status st = find_account(a, ret, hint, who);
    if (hint[0] != '\0')
        return out_fail(a->out, st, "%s", hint);
    if (st == MR_NOT_FOUND)
        return find_name(a, ret, who);
    return st == MR_OK ? st : admin_call_failed(a, st);
}

enum mr_status member_of(struct admin *a, const struct roll *roll, uint8_t ret[16],
                         char why[HINT_MAX], const char *who)
{
    const struct roll_entry *first = NULL;
    const enum mr_status st = find_account(a, ret, why, who);
    if (st != MR_NOT_FOUND || why[0] != '\0')
        return st;
    const size_t count = roll_match(roll, &first, a, who);
    if (count == 1) {
        memcpy(ret, first->account, 16);
        return MR_OK;
    }
    snprintf(why, HINT_MAX,
             count > 1
                 ? _("\"%.100s\" is the name of several members: give the address")
                 : _("nobody is found under \"%.100s\": give an address, a shop's alias or a name "
                     "as in \"member list\""),
             who);
    return MR_NOT_FOUND;
}
