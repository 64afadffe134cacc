#include "wallet/sheet.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/qr.h"
#include "common/term.h"
#include "mereau/codec.h"
#include "mereau/letters.h"
#include "wallet/node.h"

enum { OTHERS_MAX = 6 };

static const char prefix[] = "mrsheet";
static const char bech32_letters[] = "023456789acdefghjklmnpqrstuvwxyz";

void sheet_code(char *ret, const struct mr_sheet *sheet)
{
    uint8_t bytes[SHEET_BYTES_MAX];
    const size_t n = mr_sheet_encode(sheet, bytes, sizeof bytes);
    memcpy(ret, SHEET_CODE_WORD, sizeof SHEET_CODE_WORD);
    mr_bech32_encode(ret + sizeof SHEET_CODE_WORD - 1, SHEET_CODE_MAX - sizeof SHEET_CODE_WORD,
                     prefix, bytes, n);
    sodium_memzero(bytes, sizeof bytes);
}

/* The code in a text, in lower case, without blanks and line ends that a printer put in. */
static bool find_code(char ret[SHEET_CODE_MAX], const char *text)
{
    const char *const at = strcasestr(text, SHEET_CODE_WORD);
    size_t n = 0;
    if (at == NULL)
        return false;
    for (const char *p = at + sizeof SHEET_CODE_WORD - 1; n + 1 < SHEET_CODE_MAX; p++) {
        const char c = mr_lower(*p);
        if (c == ' ' || c == '\r' || c == '\t' || (c == '\n' && p[1] == ' '))
            continue;
        if (c == '\0' || (c != '1' && strchr(bech32_letters, c) == NULL))
            break;
        ret[n++] = c;
    }
    ret[n] = '\0';
    return true;
}

enum mr_status sheet_parse(struct mr_sheet *ret, const char *text)
{
    char code[SHEET_CODE_MAX];
    uint8_t bytes[SHEET_BYTES_MAX];
    size_t len;
    if (!find_code(code, text))
        return MR_NOT_FOUND;
    enum mr_status st = mr_bech32_decode(bytes, sizeof bytes, &len, NULL, NULL, prefix, code);
    if (st == MR_OK)
        st = mr_sheet_decode(ret, bytes, len);
    sodium_memzero(code, sizeof code);
    sodium_memzero(bytes, sizeof bytes);
    return st;
}

enum mr_words_language sheet_language(const struct command *c)
{
    const char *const given = opt_text(c, "words");
    if (given != NULL)
        return strcmp(given, "fr") == 0 ? MR_WORDS_FRENCH : MR_WORDS_ENGLISH;
    return i18n_decimal_separator() == ',' ? MR_WORDS_FRENCH : MR_WORDS_ENGLISH;
}

/* --- the text --------------------------------------------------------------------------------- */

struct page {
    struct secret *text;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf((char *)p->text->bytes + p->used, p->text->len - p->used, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < p->text->len - p->used)
        p->used += (size_t)n;
}

static void put_words(struct page *p, const struct mr_sheet *sheet, enum mr_words_language language)
{
    char words[MR_WORDS_TEXT_MAX], *rest = NULL;
    int number = 0;
    mr_words_encode(words, language, sheet->seed, sizeof sheet->seed);
    for (char *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        number++;
        put(p, "%4d %s%*s%s", number, word, (int)(MR_WORD_BYTES_MAX - text_width(word)), "",
            number % 4 == 0 ? "\n" : "");
    }
    sodium_memzero(words, sizeof words);
}

static void put_code(struct page *p, const struct mr_sheet *sheet)
{
    char code[SHEET_CODE_MAX];
    struct qr qr;
    char *drawn = NULL;
    sheet_code(code, sheet);
    for (size_t at = 0, n = strlen(code); at < n; at += 64)
        put(p, "  %.64s\n", code + at);
    put(p, "\n");
    for (char *c = code; *c != '\0'; c++)
        *c = mr_upper(*c);
    if (qr_create(&qr, code) == MR_OK) {
        if (qr_render(&drawn, &qr, false, false) == MR_OK) {
            put(p, "%s", drawn);
            sodium_memzero(drawn, strlen(drawn));
        }
        free(drawn);
        sodium_memzero(qr.dark, qr.width * qr.width * sizeof *qr.dark);
        qr_free(&qr);
    }
    sodium_memzero(code, sizeof code);
}

/* Where the account is found when that node is gone. */
static void put_others(struct page *p, const struct mr_charter *charter,
                       const struct mr_sheet *sheet)
{
    unsigned put_so_far = 0;
    for (uint32_t i = 0; i < charter->nodes_count && put_so_far < OTHERS_MAX; i++) {
        const struct mr_node *const n = &charter->nodes[i];
        const struct mr_pubkey *const home = &sheet->link.transport_key;
        if (memcmp(&n->transport_key, home, sizeof *home) == 0)
            continue;
        put(p, _("or              %s\n"), n->address);
        put_so_far++;
    }
}

enum mr_status sheet_print(struct secret *ret, const struct mr_charter *charter,
                           const struct mr_sheet *sheet, enum mr_words_language language)
{
    char address[MR_ADDRESS_TEXT_MAX], ledger[2 * MR_HASH_BYTES + 1];
    const struct mr_association *const a = node_association(charter, sheet->link.association);
    struct page p = {.text = ret};
    const enum mr_status st = secret_alloc(ret, SHEET_TEXT_MAX);
    if (st != MR_OK)
        return st;
    mr_address_format(address, charter->prefix, sheet->account);
    mr_hex_format(ledger, sheet->link.ledger, MR_HASH_BYTES);
    put(&p, _("%s: paper sheet of a wallet\n"), charter->name);
    put(&p, _("Whoever holds this sheet holds the money. Keep it like cash, away from the "
              "machine.\n\n"));
    put(&p, _("Association     %s\n"), a != NULL ? a->name : "?");
    put(&p, _("Ledger          %s\n"), ledger);
    put(&p, _("Account         %s\n"), address);
    put(&p, _("Node            %s\n"), sheet->link.address);
    put_others(&p, charter, sheet);
    put(&p, _("Key generation  %u (a sheet with a lower number is void)\n\n"), sheet->generation);
    put_words(&p, sheet, language);
    put(&p, _("\nThe same as a code, for \"mereau restore\":\n\n"));
    put_code(&p, sheet);
    ret->len = p.used;
    return MR_OK;
}
