/* Addresses and other Bech32m texts: one text, one meaning; a character named as wrong can be put
 * right. */
#include "fuzz/fuzz.h"
#include "mereau/id.h"

static uint8_t bytes[MR_BECH32_DATA_MAX];

/* Some other character in that place gives a right checksum. */
static void check_mends(char *text, size_t wrong, const char *prefix)
{
    const char old = text[wrong];
    const char first = text[0];
    size_t len;
    int mended = 0;
    for (int c = 'a'; c <= 'z' + 10; c++) {
        text[wrong] = (char)(c <= 'z' ? c : c - 'z' - 1 + '0');
        if (first >= 'A' && first <= 'Z' && c <= 'z')
            text[wrong] = (char)(c - 'a' + 'A');
        const enum mr_status st =
            mr_bech32_decode(bytes, sizeof bytes, &len, NULL, NULL, prefix, text);
        size_t at = SIZE_MAX;
        if (st == MR_BAD_TEXT) /* a right checksum over bits that do not fill bytes */
            mr_bech32_decode(bytes, sizeof bytes, &len, NULL, &at, prefix, text);
        mended += st == MR_OK || st == MR_WRONG_PREFIX || (st == MR_BAD_TEXT && at == SIZE_MAX);
    }
    mr_assert(mended >= 1);
    text[wrong] = old;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *const text = fuzz_text(data, len);
    char prefix[MR_PREFIX_MAX + 1];
    uint8_t account[MR_ACCOUNT_BYTES];
    size_t n, wrong = 0;
    if (mr_bech32_decode(bytes, sizeof bytes, &n, prefix, NULL, NULL, text) == MR_OK) {
        static char again[MR_BECH32_TEXT_MAX(MR_PREFIX_MAX, MR_BECH32_DATA_MAX)];
        mr_bech32_encode(again, sizeof again, prefix, bytes, n);
        mr_assert(fuzz_same_letters(again, text));
    }
    const enum mr_status st = mr_address_parse(account, &wrong, "gonette", text);
    if (st == MR_OK) {
        char again[MR_ADDRESS_TEXT_MAX];
        mr_address_format(again, "gonette", account);
        mr_assert(fuzz_same_letters(again, text));
    } else if (wrong != SIZE_MAX) {
        mr_assert(wrong < strlen(text));
        if (st == MR_BAD_CHECKSUM)
            check_mends(text, wrong, "gonette");
    }
    free(text);
    return 0;
}
