/* Payment requests and aliases. */
#include "fuzz/fuzz.h"
#include "mereau/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *const text = fuzz_text(data, len);
    struct mr_pay_request request;
    size_t wrong = 0;
    if (mr_pay_request_parse(&request, &wrong, "gonette", text) == MR_OK) {
        char again[MR_PAY_REQUEST_TEXT_MAX];
        mr_assert(mr_is_pay_request(text));
        mr_pay_request_format(again, "gonette", &request);
        mr_assert(fuzz_same_letters(again, text));
    } else {
        mr_assert(wrong == SIZE_MAX || wrong < strlen(text));
    }
    char name[MR_ALIAS_MAX + 1], association[MR_ALIAS_MAX + 1];
    if (mr_alias_split(name, association, text) == MR_OK) {
        mr_assert(mr_alias_ok(name));
        mr_assert(association[0] == '\0' || mr_alias_ok(association));
        mr_assert(mr_alias_ok(text) == (association[0] == '\0'));
        mr_assert(strncmp(text, name, strlen(name)) == 0);
    } else {
        mr_assert(!mr_alias_ok(text));
    }
    free(text);
    return 0;
}
