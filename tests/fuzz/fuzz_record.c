/* Every record decoder: the first byte selects the record. What is decoded has that one encoding.
 * A seed may come to stand for another record when the registry grows; the vectors never do. */
#include "fuzz/fuzz.h"
#include "lib/random_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void *v;
    if (v == NULL)
        v = calloc(1, record_bytes_max());
    mr_assert(v != NULL);
    if (len == 0)
        return 0;
    const struct record_ops *const record = &record_table[data[0] % record_count];
    data++;
    len--;
    if (record->decode(v, data, len) != MR_OK)
        return 0;
    uint8_t *const again = malloc(len);
    mr_assert(again != NULL);
    mr_assert(record->size(v) == len);
    mr_assert(record->encode(v, again, len) == len);
    mr_assert(memcmp(again, data, len) == 0);
    free(again);
    const size_t n = record->json(v, NULL, 0);
    char *const json = malloc(n + 1);
    mr_assert(json != NULL);
    mr_assert(record->json(v, json, n + 1) == n);
    mr_assert(strlen(json) == n);
    free(json);
    return 0;
}
