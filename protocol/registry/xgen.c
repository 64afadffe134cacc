/* Prints what other languages read of the registry: the XDR language file (for rpcgen and its
 * like), the page of all records, and that of the indicators. Tests compare them with the committed
 * files. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/limits.h"

/* --- names ------------------------------------------------------------------------------------ */

/* Words that rpcgen, C or C++ keep for themselves get an underscore. */
static const char *const keywords[] = {
    "bool",   "case",   "class",   "const",  "default",  "enum",    "hyper",
    "int",    "list",   "long",    "opaque", "program",  "short",   "string",
    "struct", "switch", "typedef", "union",  "unsigned", "version", "void",
};

static const char *field_name(const char *name)
{
    static char with_underscore[64];
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        if (strcmp(name, keywords[i]) == 0) {
            snprintf(with_underscore, sizeof with_underscore, "%s_", name);
            return with_underscore;
        }
    }
    return name;
}

/* Bounds near 2^52 are easier to read as such. */
static const char *number_text(int64_t v)
{
    static char texts[2][32];
    static unsigned turn;
    char *const ret = texts[turn++ % 2];
    if (v == MR_AMOUNT_MAX || v == -MR_AMOUNT_MAX)
        snprintf(ret, sizeof texts[0], "%s2^52", v < 0 ? "-" : "");
    else
        snprintf(ret, sizeof texts[0], "%" PRId64, v);
    return ret;
}

/* --- the XDR language file -------------------------------------------------------------------- */

/* One line of a struct: declaration, then its bounds and meaning. */
static void x_line(const char *declaration, const char *bounds, const char *doc)
{
    printf("    %-44s /* %s%s%s */\n", declaration, bounds, *bounds == '\0' ? "" : "; ", doc);
}

#define DECLARATION(...) snprintf(declaration, sizeof declaration, __VA_ARGS__)
#define BOUNDS(...)      snprintf(bounds, sizeof bounds, __VA_ARGS__)

static void print_x_enums(void)
{
    const char *comma = "";
#define MR_ENUM(e)                                                                                 \
    comma = "";                                                                                    \
    printf("enum mereau_%s {\n", #e);
#define MR_CASE(e, name, number, text)                                                             \
    printf("%s    MEREAU_%s = %d", comma, #name, number);                                          \
    comma = ",\n";
#define MR_ENUM_END(e) printf("\n};\n\n");
#include "registry/enums.def"
#undef MR_ENUM
#undef MR_CASE
#undef MR_ENUM_END
}

static void print_x_records(void)
{
    char declaration[128], bounds[96];
#define MR_STRUCT(r) printf("struct mereau_%s {\n", #r);
#define MR_OPAQUE(r, f, n, doc)                                                                    \
    DECLARATION("opaque %s[%d];", field_name(#f), (int)(n));                                       \
    x_line(declaration, "", doc);
#define MR_BYTES(r, f, max, doc)                                                                   \
    DECLARATION("opaque %s<%d>;", field_name(#f), (int)(max));                                     \
    x_line(declaration, "", doc);
#define MR_TEXT(r, f, max, doc)                                                                    \
    DECLARATION("string %s<%d>;", field_name(#f), (int)(max));                                     \
    x_line(declaration, "UTF-8", doc);
#define MR_U32(r, f, max, doc)                                                                     \
    DECLARATION("unsigned int %s;", field_name(#f));                                               \
    BOUNDS("0..%s", number_text(max));                                                             \
    x_line(declaration, bounds, doc);
#define MR_U64(r, f, max, doc)                                                                     \
    DECLARATION("unsigned hyper %s;", field_name(#f));                                             \
    BOUNDS("0..%s", number_text((int64_t)(max)));                                                  \
    x_line(declaration, bounds, doc);
#define MR_I64(r, f, min, max, doc)                                                                \
    DECLARATION("hyper %s;", field_name(#f));                                                      \
    BOUNDS("%s..%s", number_text(min), number_text(max));                                          \
    x_line(declaration, bounds, doc);
#define MR_BOOL(r, f, doc)                                                                         \
    DECLARATION("bool %s;", field_name(#f));                                                       \
    x_line(declaration, "", doc);
#define MR_TAG(r, f, e, doc)                                                                       \
    DECLARATION("mereau_%s %s;", #e, field_name(#f));                                              \
    x_line(declaration, "", doc);
#define MR_SUB(r, f, t, doc)                                                                       \
    DECLARATION("mereau_%s %s;", #t, field_name(#f));                                              \
    x_line(declaration, "", doc);
#define MR_LIST(r, f, t, max, doc)                                                                 \
    DECLARATION("mereau_%s %s<%d>;", #t, field_name(#f), (int)(max));                              \
    x_line(declaration, "", doc);
#define MR_STRUCT_END(r)   printf("};\n\n");
#define MR_UNION(r, e)     printf("union mereau_%s switch (mereau_%s kind) {\n", #r, #e);
#define MR_ARM(r, c, t, f) printf("case MEREAU_%s:\n    mereau_%s %s;\n", #c, #t, field_name(#f));
#define MR_UNION_END(r)    printf("};\n\n");
#include "registry/records.def"
#include "registry/undef.h"
}

static void print_x(void)
{
    printf(
        "/* Generated from records.def and enums.def by mereau-xgen; a test compares.\n"
        " * XDR language (RFC 4506) as rpcgen reads it. A reader of bytes from outside also\n"
        " * checks what XDR cannot say: the bounds in the comments, UTF-8, zero padding, nothing\n"
        " * behind the end (spec/10-encoding.md ENC-2). */\n\n");
    print_x_enums();
    print_x_records();
}

/* --- the page of records ---------------------------------------------------------------------- */

static void row(const char *field, const char *type, const char *doc)
{
    printf("| `%s` | %s | ", field, type);
    for (; *doc != '\0'; doc++) {
        if (*doc == '|' || *doc == '<')
            putchar('\\');
        putchar(*doc);
    }
    printf(" |\n");
}

static void print_page_records(void)
{
    char type[128];
#define TYPE(...)    snprintf(type, sizeof type, __VA_ARGS__)
#define LINK(t)      #t, #t
#define MR_STRUCT(r) printf("\n### %s\n\n| Field | Type | Meaning |\n|---|---|---|\n", #r);
#define MR_OPAQUE(r, f, n, doc)                                                                    \
    TYPE("%d bytes", (int)(n));                                                                    \
    row(#f, type, doc);
#define MR_BYTES(r, f, max, doc)                                                                   \
    TYPE("up to %d bytes", (int)(max));                                                            \
    row(#f, type, doc);
#define MR_TEXT(r, f, max, doc)                                                                    \
    TYPE("text, up to %d bytes", (int)(max));                                                      \
    row(#f, type, doc);
#define MR_U32(r, f, max, doc)                                                                     \
    TYPE("u32, 0 to %s", number_text(max));                                                        \
    row(#f, type, doc);
#define MR_U64(r, f, max, doc)                                                                     \
    TYPE("u64, 0 to %s", number_text((int64_t)(max)));                                             \
    row(#f, type, doc);
#define MR_I64(r, f, min, max, doc)                                                                \
    TYPE("i64, %s to %s", number_text(min), number_text(max));                                     \
    row(#f, type, doc);
#define MR_BOOL(r, f, doc) row(#f, "bool", doc);
#define MR_TAG(r, f, e, doc)                                                                       \
    TYPE("enum [%s](#enum-%s)", #e, #e);                                                           \
    row(#f, type, doc);
#define MR_SUB(r, f, t, doc)                                                                       \
    TYPE("[%s](#%s)", LINK(t));                                                                    \
    row(#f, type, doc);
#define MR_LIST(r, f, t, max, doc)                                                                 \
    TYPE("list of [%s](#%s), up to %d", LINK(t), (int)(max));                                      \
    row(#f, type, doc);
#define MR_STRUCT_END(r)
#define MR_UNION(r, e)                                                                             \
    printf("\n### %s\n\nUnion by enum [%s](#enum-%s).\n\n| Case | Record | Name in JSON |\n"       \
           "|---|---|---|\n",                                                                      \
           #r, #e, #e);
#define MR_ARM(r, c, t, f) printf("| `%s` | [%s](#%s) | `%s` |\n", #c, LINK(t), #f);
#define MR_UNION_END(r)
#include "registry/records.def"
#include "registry/undef.h"
}

static void print_page_numbers(void)
{
#define MR_ENUM(e)                                                                                 \
    printf("\n### enum %s\n\n", #e);                                                               \
    printf("| Number | Case | Text in JSON |\n|---|---|---|\n");
#define MR_CASE(e, name, number, text) printf("| %d | `%s` | `%s` |\n", number, #name, text);
#define MR_ENUM_END(e)
#include "registry/enums.def"
#undef MR_ENUM
#undef MR_CASE
#undef MR_ENUM_END
    printf("\n## Purposes of signatures\n\n| Number | Purpose | Text that is signed (ENC-9) |\n"
           "|---|---|---|\n");
#define MR_PURPOSE(name, number, text) printf("| %d | `%s` | `%s` |\n", number, #name, text);
#include "registry/purposes.def"
#undef MR_PURPOSE
    printf("\n## Status codes\n\nFault: whose it is (none, caller, peer, host). Retry: whether the "
           "unchanged request may succeed\nlater.\n\n| Number | Name | Fault | Retry | Meaning |\n"
           "|---|---|---|---|---|\n");
#define MR_STATUS(name, number, fault, retry, text)                                                \
    printf("| %d | `%s` | %s | %s | %s |\n", number, #name, #fault, (retry) ? "yes" : "no", text);
#include "registry/status.def"
#undef MR_STATUS
    printf("\n## Breaches\n\nWhat evidence convicts a node of (EVD-3, EVD-4).\n\n"
           "| Number | Name | The node ... |\n|---|---|---|\n");
#define MR_BREACH(name, number, text) printf("| %d | `%s` | %s |\n", number, #name, text);
#include "registry/breaches.def"
#undef MR_BREACH
}

static void print_page(void)
{
    printf(
        "# Records\n\n"
        "Generated from `protocol/registry/` by `mereau-xgen`; a test compares. How a type becomes "
        "bytes is said in\n[10-encoding.md](10-encoding.md); the same in XDR language is "
        "`protocol/registry/mereau.x`.\n\n"
        "- **REC-1** The fields of a record follow one another in the order of its table.\n"
        "- **REC-2** `u32` and enumerations are an XDR unsigned int, `u64` an unsigned hyper, "
        "`i64` a hyper, `bool` an XDR\n  bool, a number of bytes a fixed opaque; bytes, texts and "
        "lists of up to a number carry their count first.\n"
        "- **REC-3** A union is its case's number, then the record of that case.\n"
        "- **REC-4** In JSON a record is an object with the fields' names in the same order, bytes "
        "are lower-case hexadecimal,\n  an enumeration is its text, and a union is an object of "
        "`kind` and the record under its name.\n"
        "- **REC-5** A number, once given to a case, a purpose or a status, is never given to "
        "another.\n\n"
        "## Records and unions\n");
    print_page_records();
    printf("\n## Enumerations\n");
    print_page_numbers();
}

/* --- the page of indicators -------------------------------------------------------------------
 */

/* The registry's words as people read them. */
#define WORD_MINOR       "minor units"
#define WORD_COUNT       "number"
#define WORD_RATIO       "ratio"
#define WORD_YEARLY      "times a year"
#define WORD_DAYS        "days"
#define WORD_DATE        "date"
#define WORD_NONE        ""
#define WORD_UNIT        " by unit"
#define WORD_CLASS       " by class"
#define WORD_ASSOCIATION " by association"
#define WORD_TRADE       " by trade"
#define WORD_TOWN        " by town"
#define WORD_NUMBER      " by days"
#define WORD_ALL         "-"
#define WORD_MEMBERS     "system"
#define WORD_CIRCULATING "system, office, fund"
#define WORD_SHOPS       "all but shop"
#define WORD_PERSONS     "all but resident"
#define WORD_EACH        "each"
#define WORD_ONCE        "whole"
#define WORD_MONTH       "month, year"

static void print_indicators(void)
{
    puts("# Indicators\n\n"
         "Generated from `registry/indicators.def`; do not edit. The words of the definitions, and "
         "how each figure\n"
         "is computed to the byte, are in [75-statistics](75-statistics.md). *Without*: accounts "
         "that are left out. *For*: each\n"
         "period and the whole; the whole alone; months, years and the whole.\n\n"
         "| id | title | definition | in | without | for | source |\n"
         "|---|---|---|---|---|---|---|");
#define MR_INDICATOR(NAME, id, measure, row, column, scope, when, title, definition, source)       \
    printf("| `%s` | %s | %s | %s%s%s | %s | %s | %s |\n", id, title, definition, WORD_##measure,  \
           WORD_##row, WORD_##column, WORD_##scope, WORD_##when, source);
#include "registry/indicators.def"
#undef MR_INDICATOR
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "x") == 0) {
        print_x();
    } else if (argc == 2 && strcmp(argv[1], "page") == 0) {
        print_page();
    } else if (argc == 2 && strcmp(argv[1], "indicators") == 0) {
        print_indicators();
    } else {
        fprintf(stderr, "usage: mereau-xgen x|page|indicators\n");
        return EXIT_FAILURE;
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
