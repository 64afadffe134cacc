#include "audit/export_accounts.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/export.h"
#include "mereau/id.h"

enum { SHORT_DIGITS = 8, SPACE_DIGITS = 2 * MR_SPACE_BYTES };

static int by_id(const void *a, const void *b)
{
    const struct export_account *const x = a, *const y = b;
    return memcmp(x->id, y->id, sizeof x->id);
}

static int by_name(const void *a, const void *b)
{
    const struct export_account *const x = a, *const y = b;
    return strcmp(x->name, y->name);
}

static int by_shown(const void *a, const void *b)
{
    const struct export_account *const *const x = a, *const *const y = b;
    return memcmp((*x)->shown, (*y)->shown, sizeof(*x)->shown);
}

/* The part of a name that an association gives: its alias, whatever else a charter may have put
 * there. */
static void alias_part(char ret[MR_ALIAS_MAX + 1], const struct export_run *run, const uint8_t *id)
{
    const struct mr_charter *const charter = mr_audit_charter(run->audit);
    ret[0] = '\0';
    for (uint32_t i = 0; id != NULL && i < charter->associations_count; i++) {
        if (memcmp(charter->associations[i].id, id, MR_ACCOUNT_BYTES) == 0)
            snprintf(ret, MR_ALIAS_MAX + 1, "%s", charter->associations[i].alias);
    }
    for (char *c = ret; *c != '\0'; c++) {
        const bool plain = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
        if (!plain)
            *c = '-';
    }
}

/* "shop:lac:3f2a9c01", "issuer:lac", "world". The digits are those behind what all ids of an
 * association have in common. An owner chooses them, so that short ones may be made to meet: then
 * the whole id stands there. */
static bool give_name(struct export_run *run, struct export_account *x,
                      const struct mr_audit_account *known)
{
    char alias[MR_ALIAS_MAX + 1], hex[2 * MR_ACCOUNT_BYTES + 1];
    const bool member = known->class < MR_CLASS_SYSTEM;
    const char *const class = known->opened ? mr_account_class_text(known->class) : "unknown";
    alias_part(alias, run, known->association);
    mr_hex_format(hex, x->shown, MR_ACCOUNT_BYTES);
    for (int digits = member ? SHORT_DIGITS : 0;; digits = 2 * MR_ACCOUNT_BYTES) {
        const char *const from = digits == SHORT_DIGITS ? hex + SPACE_DIGITS : hex;
        snprintf(x->name, sizeof x->name, "%s%s%s%s%.*s", class, alias[0] == '\0' ? "" : ":", alias,
                 digits == 0 ? "" : ":", digits, from);
        struct export_account **const node = tsearch(x, &run->accounts.by_name, by_name);
        if (node == NULL)
            return false;
        if (*node == x || digits == 2 * MR_ACCOUNT_BYTES)
            return true;
    }
}

struct export_account *export_account(struct export_run *run, const uint8_t id[MR_ACCOUNT_BYTES])
{
    struct export_account key;
    struct mr_audit_account known = {.id = id};
    memcpy(key.id, id, sizeof key.id);
    struct export_account *const *const found = tfind(&key, &run->accounts.by_id, by_id);
    if (found != NULL)
        return *found;
    struct export_account *const x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    memcpy(x->id, id, sizeof x->id);
    export_pseudonym(run, x->shown, id, sizeof x->shown);
    mr_audit_account(run->audit, id, &known);
    if (!give_name(run, x, &known) || tsearch(x, &run->accounts.by_id, by_id) == NULL) {
        tdelete(x, &run->accounts.by_name, by_name);
        free(x);
        return NULL;
    }
    run->accounts.count++;
    return x;
}

struct listing {
    struct export_run *run;
    struct export_account **all;
    size_t count, cap;
};

static enum mr_status list(void *ctx, const struct mr_audit_account *account)
{
    struct listing *const l = ctx;
    struct export_account *const x = export_account(l->run, account->id);
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? 1024 : 2 * l->cap;
        struct export_account **const more = realloc(l->all, l->cap * sizeof(void *));
        if (more == NULL)
            return MR_NO_MEMORY;
        l->all = more;
    }
    l->all[l->count++] = x;
    return x == NULL ? MR_NO_MEMORY : MR_OK;
}

struct export_account **export_accounts_sorted(struct export_run *run, size_t *ret_count)
{
    struct listing l = {.run = run};
    if (mr_audit_accounts(run->audit, list, &l) != MR_OK) {
        free(l.all);
        return NULL;
    }
    qsort(l.all, l.count, sizeof(void *), by_shown);
    *ret_count = l.count;
    return l.all;
}

static void keep(void *node)
{
    (void)node;
}

void export_accounts_done(struct export_accounts *a)
{
    tdestroy(a->by_name, keep);
    tdestroy(a->by_id, free);
    *a = (struct export_accounts){NULL, NULL, 0};
}
