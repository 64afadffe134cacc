/* Plain-text accounting: every order that moves money is a transaction, balances are asserted at
 * the end. Read by hledger and by ledger alike. */
#include <stdlib.h>
#include <string.h>

#include "audit/export_cells.h"
#include "audit/export_file.h"
#include "mereau/amount.h"
#include "mereau/id.h"
#include "mereau/time.h"

enum { SYMBOL_MAX = 24, NAME_WIDTH = 44 };

struct hledger {
    struct export_run *run;
    struct export_file file;
    char symbols[MR_UNITS_MAX][SYMBOL_MAX];
    uint64_t transactions;
    uint32_t last_day; /* of a transaction */
};

/* --- commodities --------------------------------------------------------------------------------
 */

static bool is_letters(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z')))
            return false;
    }
    return text[0] != '\0';
}

static bool is_taken(const struct mr_charter *charter, uint32_t unit)
{
    for (uint32_t i = 0; i < unit; i++) {
        if (strcmp(charter->units[i].code, charter->units[unit].code) == 0)
            return true;
    }
    return strpbrk(charter->units[unit].code, "\";") != NULL;
}

/* A code of letters stands as it is, others in quotes; one that could be taken for another, or
 * would end the quotes, is replaced by the unit's number. */
static void name_units(struct hledger *h, const struct mr_charter *charter)
{
    for (uint32_t u = 0; u < charter->units_count; u++) {
        const char *const code = charter->units[u].code;
        if (is_taken(charter, u) || code[0] == '\0')
            snprintf(h->symbols[u], SYMBOL_MAX, "\"unit %u\"", (unsigned)u);
        else if (is_letters(code))
            snprintf(h->symbols[u], SYMBOL_MAX, "%s", code);
        else
            snprintf(h->symbols[u], SYMBOL_MAX, "\"%s\"", code);
    }
}

static void put_amount(const struct hledger *h, uint32_t unit, int64_t minor)
{
    const struct mr_unit *const u = &mr_audit_charter(h->run->audit)->units[unit];
    char text[MR_AMOUNT_TEXT_MAX];
    mr_amount_format(text, minor, u->decimals, '.');
    fprintf(h->file.f, "%s %s", text, h->symbols[unit]);
}

/* --- what is written ----------------------------------------------------------------------------
 */

static void put_date(FILE *f, uint32_t day)
{
    const struct mr_civil d = mr_civil_of(day);
    fprintf(f, "%04u-%02u-%02u", d.year, d.month, d.day);
}

/* Text of people: no end of line and no comment can be in it. */
static void put_comment(FILE *f, const char *what, const char *text)
{
    fprintf(f, "; %s: ", what);
    for (const char *c = text; *c != '\0'; c++)
        fputc((unsigned char)*c < 0x20 ? ' ' : *c, f);
    fputc('\n', f);
}

static void put_head(struct hledger *h)
{
    const struct mr_charter *const charter = mr_audit_charter(h->run->audit);
    FILE *const f = h->file.f;
    char ledger[2 * MR_HASH_BYTES + 1];
    mr_hex_format(ledger, h->run->source->ledger, MR_HASH_BYTES);
    put_comment(f, "currency", charter->name);
    put_comment(f, "ledger", ledger);
    fputs("; Dates are days of UTC. Accounts are pseudonyms: class, association, short id.\n\n"
          "tag chain\ntag order\ntag time\n\n",
          f);
    for (uint32_t u = 0; u < charter->units_count; u++) {
        put_comment(f, h->symbols[u], charter->units[u].name);
        fprintf(f, "commodity %s\n  format ", h->symbols[u]);
        char text[MR_AMOUNT_TEXT_MAX];
        int64_t thousand = 1000;
        for (uint32_t i = 0; i < charter->units[u].decimals; i++)
            thousand *= 10;
        mr_amount_format(text, thousand, charter->units[u].decimals, '.');
        /* hledger wants to see the point, ledger takes it */
        fprintf(f, "%s%s %s\n\n", text, charter->units[u].decimals == 0 ? "." : "", h->symbols[u]);
    }
}

static void introduce(struct hledger *h, struct export_account *x)
{
    if (!x->written)
        fprintf(h->file.f, "account %s\n\n", x->name);
    x->written = true;
}

static void put_posting(const struct hledger *h, const struct export_account *x, uint32_t unit,
                        int64_t delta)
{
    fprintf(h->file.f, "    %-*s  ", NAME_WIDTH, x->name);
    put_amount(h, unit, delta);
}

static void put_slot(struct hledger *h, const struct export_slot *slot)
{
    const struct mr_audit_effect *const e = slot->e;
    FILE *const f = h->file.f;
    char id[2 * MR_HASH_BYTES + 1], time[EXPORT_TIME_TEXT_MAX];
    uint8_t value[MR_HASH_BYTES];
    export_pseudonym(h->run, value, e->value, sizeof value);
    mr_hex_format(id, value, sizeof value);
    export_time_text(time, e->time_ms);
    put_date(f, mr_day_of(e->time_ms));
    fprintf(f, " * (%llu) %s\n", (unsigned long long)e->seq,
            e->order == NULL ? "erased order" : mr_order_kind_text(e->order->body.kind));
    fprintf(f, "    ; chain: %s\n    ; order: %s\n    ; time: %s\n", slot->chain->name, id, time);
    for (uint32_t i = 0; i < e->postings_count; i++) {
        put_posting(h, slot->accounts[i], e->postings[i].unit, e->postings[i].delta);
        fputc('\n', f);
    }
    fputc('\n', f);
}

static enum mr_status slot(struct export_run *run, const struct export_slot *slot)
{
    struct hledger *const h = run->state;
    const uint32_t day = mr_day_of(slot->e->time_ms);
    if (!slot->in_range || slot->e->postings_count == 0)
        return MR_OK;
    introduce(h, slot->chain);
    for (uint32_t i = 0; i < slot->e->postings_count; i++)
        introduce(h, slot->accounts[i]);
    put_slot(h, slot);
    h->transactions++;
    if (day > h->last_day)
        h->last_day = day;
    return export_file_check(&h->file, run);
}

/* --- the end ------------------------------------------------------------------------------------
 */

/* With --from: what there was before. Balances of each unit sum to zero, so it balances too. */
static void put_opening(struct hledger *h, struct export_account **all, size_t count)
{
    const uint32_t units = mr_audit_charter(h->run->audit)->units_count;
    bool begun = false;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t u = 0; u < units; u++) {
            if (all[i]->opening[u] == 0)
                continue;
            if (!begun) {
                put_date(h->file.f, h->run->from);
                fputs(" * opening balances\n", h->file.f);
            }
            begun = true;
            put_posting(h, all[i], u, all[i]->opening[u]);
            fputc('\n', h->file.f);
        }
    }
    if (begun)
        fputc('\n', h->file.f);
}

static void put_assertions(struct hledger *h, struct export_account **all, size_t count)
{
    const uint32_t units = mr_audit_charter(h->run->audit)->units_count;
    bool begun = false;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t u = 0; u < units && all[i]->moved && all[i]->written; u++) {
            if (!begun) {
                put_date(h->file.f, h->last_day);
                fputs(" * balances, as the auditor added them up\n", h->file.f);
            }
            begun = true;
            put_posting(h, all[i], u, 0);
            fputs(" = ", h->file.f);
            put_amount(h, u, all[i]->opening[u] + all[i]->change[u]);
            fputc('\n', h->file.f);
        }
    }
}

static enum mr_status publish(struct export_run *run)
{
    struct hledger *const h = run->state;
    size_t count = 0;
    struct export_account **const all = export_accounts_sorted(run, &count);
    if (all == NULL)
        return out_fail(run->out, MR_NO_MEMORY, NULL);
    for (size_t i = 0; i < count; i++) {
        bool opens = false;
        for (uint32_t u = 0; u < MR_UNITS_MAX; u++)
            opens = opens || all[i]->opening[u] != 0;
        if (opens)
            introduce(h, all[i]);
    }
    if (run->has_from) {
        put_opening(h, all, count);
        if (run->from > h->last_day)
            h->last_day = run->from;
    }
    put_assertions(h, all, count);
    free(all);
    out_int(run->out, "transactions", (int64_t)h->transactions);
    const enum mr_status st = export_file_check(&h->file, run);
    return st == MR_OK ? export_file_publish(&h->file, run) : st;
}

static enum mr_status begin(struct export_run *run)
{
    struct hledger *const h = calloc(1, sizeof *h);
    run->state = h;
    if (h == NULL)
        return out_fail(run->out, MR_NO_MEMORY, NULL);
    h->run = run;
    const enum mr_status st = export_file_open(&h->file, run);
    if (st != MR_OK)
        return st;
    name_units(h, mr_audit_charter(run->audit));
    put_head(h);
    return export_file_check(&h->file, run);
}

static void end(struct export_run *run)
{
    struct hledger *const h = run->state;
    if (h == NULL)
        return;
    export_file_end(&h->file);
    free(h);
}

const struct export_format export_hledger = {.name = "hledger",
                                             .has_range = true,
                                             .begin = begin,
                                             .slot = slot,
                                             .publish = publish,
                                             .end = end};
