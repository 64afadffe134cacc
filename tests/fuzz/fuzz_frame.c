/* Frames of the journal: what is read is written as the same bytes. The first byte says whether the
 * check of the frame before is known. */
#include "fuzz/fuzz.h"
#include "mereau/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t before[32] = {7};
    if (len == 0)
        return 0;
    const uint8_t *const prev = data[0] % 2 == 0 ? before : NULL;
    const uint8_t *const in = data + 1;
    struct mr_frame f;
    if (mr_frame_read(&f, in, len - 1, prev) != MR_OK)
        return 0;
    const size_t size = mr_frame_size(f.len);
    mr_assert(size <= len - 1);
    if (f.family == MR_FAMILY_LOG && prev == NULL)
        return 0; /* its check was not looked at */
    uint8_t *const again = malloc(size);
    mr_assert(again != NULL);
    memcpy(again, in, size);
    memset(again, 0xa5, MR_FRAME_HEAD_BYTES);
    mr_frame_write(again, &f, f.family == MR_FAMILY_LOG ? prev : NULL);
    mr_assert(memcmp(again, in, size) == 0);
    free(again);
    return 0;
}
