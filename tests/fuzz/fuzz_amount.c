/* Amount text: the first byte is the unit's decimals. What is read is printed and read again. */
#include "fuzz/fuzz.h"
#include "mereau/amount.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    const uint32_t decimals = data[0] % 7;
    char *const text = fuzz_text(data + 1, len - 1);
    int64_t minor = -1, plain = -1, again = -1;
    const enum mr_status st = mr_amount_parse(&minor, text, decimals, "EUR");
    const enum mr_status plain_st = mr_amount_parse(&plain, text, decimals, NULL);
    if (st == MR_OK) {
        char printed[MR_AMOUNT_TEXT_MAX];
        mr_assert(minor > 0);
        mr_assert(minor <= MR_AMOUNT_MAX);
        mr_amount_format(printed, minor, decimals, data[0] % 2 == 0 ? '.' : ',');
        mr_assert(mr_amount_parse(&again, printed, decimals, NULL) == MR_OK);
        mr_assert(again == minor);
    } else {
        mr_assert(minor == -1);
        mr_assert(st >= MR_AMOUNT_ZERO);
        mr_assert(st <= MR_AMOUNT_UNIT);
    }
    if (plain_st == MR_OK) /* without a unit fewer texts are taken, and they mean the same */
        mr_assert(st == MR_OK && plain == minor);
    free(text);
    return 0;
}
