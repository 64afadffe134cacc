/* Join links and requests for new keys: what is read is printed as the same text. */
#include "fuzz/fuzz.h"
#include "mereau/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *const text = fuzz_text(data, len);
    struct mr_join_link link;
    size_t wrong = 0;
    if (mr_join_link_parse(&link, &wrong, text) == MR_OK) {
        char again[MR_JOIN_LINK_TEXT_MAX];
        mr_assert(mr_is_join_link(text));
        mr_join_link_format(again, &link);
        mr_assert(fuzz_same_letters(again, text));
    } else {
        mr_assert(wrong == SIZE_MAX || wrong < strlen(text));
    }
    struct mr_recovery_request keys;
    if (mr_recovery_request_parse(&keys, &wrong, text) == MR_OK) {
        char again[MR_RECOVERY_TEXT_MAX];
        mr_recovery_request_format(again, &keys);
        mr_assert(fuzz_same_letters(again, text));
    } else {
        mr_assert(wrong == SIZE_MAX || wrong < strlen(text));
    }
    free(text);
    return 0;
}
