/* Texts of others in files that spreadsheets open: none of them is a formula there, and each is
 * read as it was written. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/export_cells.h"
#include "audit/measure.h"
#include "audit/payments.h"
#include "common/csv.h"

static const struct {
    const char *text, *written;
} texts[] = {
    {"", ""},
    {"bakery", "bakery"},
    {"d'ici", "d'ici"},
    {"'s-Hertogenbosch", "'s-Hertogenbosch"},
    {"-", "-"},
    {"=1+1", "'=1+1"},
    {"+33 1", "'+33 1"},
    {"-2", "'-2"},
    {"@SUM(A1)", "'@SUM(A1)"},
    {"\tx", "'\tx"},
    {"\rx", "\"'\rx\""},
    {"'=1", "''=1"},
    {"=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""},
};
enum { TEXTS = sizeof texts / sizeof texts[0] };

static char *written(int i, bool table)
{
    char *text = NULL;
    size_t len = 0;
    FILE *const f = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(f);
    if (table) {
        struct export_cell cells[16] = {0};
        const struct export_table *const t = &export_tables[EXPORT_UNITS];
        for (unsigned k = 0; k < t->count; k++)
            cells[k].lacks = t->columns[k].type != EXPORT_TEXT || k > 1;
        cells[1].bytes = texts[i].text;
        cells[1].len = strlen(texts[i].text);
        export_csv_row(f, EXPORT_UNITS, cells);
    } else {
        measure_csv_text(f, texts[i].text);
    }
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

START_TEST(figures)
{
    char *const text = written(_i, false);
    ck_assert_str_eq(text, texts[_i].written);
    free(text);
}
END_TEST

START_TEST(tables)
{
    char *const text = written(_i, true);
    char wanted[128];
    snprintf(wanted, sizeof wanted, ",%s,", texts[_i].text[0] == '\0' ? "\"\"" : texts[_i].written);
    ck_assert_msg(strncmp(text, wanted, strlen(wanted)) == 0, "%s", text);
    free(text);
}
END_TEST

/* A file that was written so and is measured again names the same accounts. */
START_TEST(read_again)
{
    char line[160], *fields[4];
    snprintf(line, sizeof line, "a,%s,b", texts[_i].written);
    ck_assert_uint_eq(payments_fields(fields, 4, line, ','), 3);
    ck_assert_str_eq(fields[1], texts[_i].text);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("csv");
    tcase_add_loop_test(tc, figures, 0, TEXTS);
    tcase_add_loop_test(tc, tables, 0, TEXTS);
    tcase_add_loop_test(tc, read_again, 0, TEXTS);
    Suite *const s = suite_create("audit csv");
    suite_add_tcase(s, tc);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
