/* Values of exported rows: quotes of CSV, escapes of JSON and COPY, what lacks, times, ids. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "audit/export_cells.h"

static char text[4096];

static const uint8_t id[MR_ACCOUNT_BYTES] = {0xab, 1};

/* A row of accounts whose trade and town are these; NULL: they lack. */
static void make_row(struct export_cell ret[8], const char *trade, const char *town)
{
    memset(ret, 0, 8 * sizeof *ret);
    ret[0].bytes = ret[2].bytes = id;
    ret[0].len = ret[2].len = sizeof id;
    ret[1].bytes = "shop";
    ret[1].len = 4;
    ret[3].number = INT64_C(1772359200123);
    ret[4].number = 1;
    ret[6].lacks = trade == NULL;
    ret[6].bytes = trade;
    ret[6].len = trade == NULL ? 0 : strlen(trade);
    ret[7].lacks = town == NULL;
    ret[7].bytes = town;
    ret[7].len = town == NULL ? 0 : strlen(town);
}

enum form { CSV, JSON, COPY };

static const char *print(enum form form, const char *trade, const char *town)
{
    struct export_cell row[8];
    FILE *const f = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(f);
    make_row(row, trade, town);
    if (form == CSV)
        export_csv_row(f, EXPORT_ACCOUNTS, row);
    else if (form == JSON)
        ck_assert_int_eq(export_json_row(f, EXPORT_ACCOUNTS, row), MR_OK);
    else
        export_copy_row(f, EXPORT_ACCOUNTS, row);
    fclose(f);
    return text;
}

#define IDS    "ab010000000000000000000000000000"
#define BEFORE IDS ",shop," IDS ",2026-03-01T10:00:00.123Z,true,false,"

START_TEST(csv)
{
    static const struct {
        const char *trade, *town, *expected;
    } rows[] = {
        {"bread", "Lyon", BEFORE "bread,Lyon\r\n"},
        {"bread, cakes", "Lyon", BEFORE "\"bread, cakes\",Lyon\r\n"},
        {"\"bread\"", "L\r\nyon", BEFORE "\"\"\"bread\"\"\",\"L\r\nyon\"\r\n"},
        {"", NULL, BEFORE "\"\",\r\n"},
        {NULL, "Saint-\xc3\x89tienne", BEFORE ",Saint-\xc3\x89tienne\r\n"},
        {" x ", "'", BEFORE " x ,'\r\n"},
    };
    ck_assert_str_eq(print(CSV, rows[_i].trade, rows[_i].town), rows[_i].expected);
}
END_TEST

START_TEST(csv_head)
{
    FILE *const f = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(f);
    export_csv_head(f, EXPORT_UNITS);
    fclose(f);
    ck_assert_str_eq(text, "unit,code,name,decimals,role\r\n");
}
END_TEST

START_TEST(json)
{
    static const char *const words[] = {"bread", "a \"b\" \\ c", "\xc3\x89", "\t", "", "\x7f"};
    const json_t *v;
    json_t *const o = json_loads(print(JSON, words[_i], NULL), 0, NULL);
    ck_assert_msg(o != NULL, "%s", text);
    ck_assert_str_eq(json_string_value(json_object_get(o, "table")), "accounts");
    ck_assert_str_eq(json_string_value(json_object_get(o, "account")), IDS);
    ck_assert_str_eq(json_string_value(json_object_get(o, "opened_at")),
                     "2026-03-01T10:00:00.123Z");
    ck_assert(json_is_true(json_object_get(o, "frozen")));
    ck_assert_str_eq(json_string_value(json_object_get(o, "trade")), words[_i]);
    v = json_object_get(o, "town");
    ck_assert(json_is_null(v));
    ck_assert_uint_eq(json_object_size(o), 9);
    json_decref(o);
}
END_TEST

START_TEST(copy)
{
    print(COPY, "a\\b\tc\nd\re tnr", NULL);
    ck_assert_str_eq(text, IDS "\tshop\t" IDS "\t2026-03-01T10:00:00.123Z\ttrue\tfalse\t"
                               "a\\\\b\\tc\\nd\\re tnr\t\\N\n");
}
END_TEST

START_TEST(times)
{
    char time[EXPORT_TIME_TEXT_MAX];
    export_time_text(time, 0);
    ck_assert_str_eq(time, "1970-01-01T00:00:00.000Z");
    export_time_text(time, UINT64_C(951868799999));
    ck_assert_str_eq(time, "2000-02-29T23:59:59.999Z");
}
END_TEST

START_TEST(tables_have_names_of_their_own)
{
    for (unsigned t = 0; t < EXPORT_TABLES; t++) {
        const struct export_table *const x = &export_tables[t];
        ck_assert_int_eq((int)export_table_named(x->name), (int)t);
        ck_assert_uint_le(x->count, EXPORT_COLUMNS_MAX);
        for (unsigned i = 0; i < x->count; i++) {
            ck_assert_uint_gt(strlen(x->columns[i].doc), 2);
            for (unsigned k = 0; k < i; k++)
                ck_assert_str_ne(x->columns[i].name, x->columns[k].name);
        }
    }
    ck_assert_int_eq((int)export_table_named("none"), (int)EXPORT_TABLES);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("cells");
    tcase_add_loop_test(tc, csv, 0, 6);
    tcase_add_test(tc, csv_head);
    tcase_add_loop_test(tc, json, 0, 6);
    tcase_add_test(tc, copy);
    tcase_add_test(tc, times);
    tcase_add_test(tc, tables_have_names_of_their_own);
    Suite *const s = suite_create("export cells");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
