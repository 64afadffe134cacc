/* The code that rpcgen makes of mereau.x reads and writes every record vector as ours does: the
 * bytes are plain XDR, not something only this program understands. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/id.h"
#include "mereau_rpc.h"

#define MR_OPAQUE(r, f, n, doc)
#define MR_BYTES(r, f, max, doc)
#define MR_TEXT(r, f, max, doc)
#define MR_U32(r, f, max, doc)
#define MR_U64(r, f, max, doc)
#define MR_I64(r, f, min, max, doc)
#define MR_BOOL(r, f, doc)
#define MR_TAG(r, f, e, doc)
#define MR_SUB(r, f, t, doc)
#define MR_LIST(r, f, t, max, doc)
#define MR_STRUCT_END(r)
#define MR_ARM(r, c, t, f)
#define MR_UNION_END(r)

#define WRAP(r)                                                                                    \
    static bool_t any_##r(XDR *xdr, void *v)                                                       \
    {                                                                                              \
        return xdr_mereau_##r(xdr, v);                                                             \
    }
#define MR_STRUCT(r)   WRAP(r)
#define MR_UNION(r, e) WRAP(r)
#include "registry/records.def"
#undef MR_STRUCT
#undef MR_UNION

#define ROW(r)         {#r, sizeof(mereau_##r), any_##r},
#define MR_STRUCT(r)   ROW(r)
#define MR_UNION(r, e) ROW(r)
static const struct {
    const char *name;
    size_t bytes;
    bool_t (*run)(XDR *xdr, void *v);
} table[] = {
#include "registry/records.def"
};
#include "registry/undef.h"

static void check_vector(const char *record, uint8_t *bytes, size_t len)
{
    size_t i = 0;
    while (i < sizeof table / sizeof table[0] && strcmp(table[i].name, record) != 0)
        i++;
    ck_assert_msg(i < sizeof table / sizeof table[0], "no record %s", record);
    void *const v = calloc(1, table[i].bytes);
    char *const again = calloc(1, len + 4);
    XDR xdr;
    xdrmem_create(&xdr, (char *)bytes, (u_int)len, XDR_DECODE);
    ck_assert_msg(table[i].run(&xdr, v), "%s is not decoded", record);
    ck_assert_msg(xdr_getpos(&xdr) == len, "%s: %u of %zu bytes", record, xdr_getpos(&xdr), len);
    xdr_destroy(&xdr);
    xdrmem_create(&xdr, again, (u_int)len + 4, XDR_ENCODE);
    ck_assert_msg(table[i].run(&xdr, v), "%s is not encoded", record);
    ck_assert_uint_eq(xdr_getpos(&xdr), len);
    ck_assert_mem_eq(again, bytes, len);
    xdr_destroy(&xdr);
    XDR release = {.x_op = XDR_FREE};
    table[i].run(&release, v);
    free(again);
    free(v);
}

START_TEST(test_every_vector)
{
    json_error_t error;
    size_t i;
    const json_t *row;
    json_t *const rows =
        json_load_file(MEREAU_SOURCE_DIR "/protocol/vectors/records.json", 0, &error);
    ck_assert_msg(rows != NULL, "%d: %s", error.line, error.text);
    ck_assert_uint_ge(json_array_size(rows), 2 * sizeof table / sizeof table[0]);
    json_array_foreach(rows, i, row)
    {
        const char *const hex = json_string_value(json_object_get(row, "hex"));
        const char *const record = json_string_value(json_object_get(row, "record"));
        ck_assert(hex != NULL && record != NULL);
        const size_t len = strlen(hex) / 2;
        uint8_t *const bytes = malloc(len);
        ck_assert_int_eq(mr_hex_parse(bytes, len, hex), MR_OK);
        check_vector(record, bytes, len);
        free(bytes);
    }
    json_decref(rows);
}
END_TEST

int main(void)
{
    Suite *const s = suite_create("rpcgen");
    TCase *const c = tcase_create("rpcgen");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_every_vector);
    suite_add_tcase(s, c);
    SRunner *const r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
