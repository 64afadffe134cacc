#include "log/note.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "mereau/assert.h"

size_t mri_note_line(char *ret, size_t cap, const struct mri_note_line *line)
{
    uint8_t id_text[MRI_NOTE_NAME_MAX + 2 + MR_KEY_BYTES], id[32], tail[4 + MRI_NOTE_BODY_MAX];
    char base64[sodium_base64_ENCODED_LEN(sizeof tail, sodium_base64_VARIANT_ORIGINAL)];
    const size_t n = line->name_len;
    mr_assert(n <= MRI_NOTE_NAME_MAX);
    mr_assert(line->body_len <= MRI_NOTE_BODY_MAX);
    memcpy(id_text, line->name, n);
    id_text[n] = '\n';
    id_text[n + 1] = line->type;
    memcpy(id_text + n + 2, line->key, MR_KEY_BYTES);
    crypto_hash_sha256(id, id_text, n + 2 + MR_KEY_BYTES);
    memcpy(tail, id, 4);
    memcpy(tail + 4, line->body, line->body_len);
    sodium_bin2base64(base64, sizeof base64, tail, 4 + line->body_len,
                      sodium_base64_VARIANT_ORIGINAL);
    const int len = snprintf(ret, cap, "\xe2\x80\x94 %.*s %s\n", (int)n, line->name, base64);
    mr_assert(len > 0);
    mr_assert((size_t)len < cap);
    return (size_t)len;
}
