/* What all fuzz targets share. A target is one file with LLVMFuzzerTestOneInput; it states
 * properties with mr_assert. With MEREAU_FUZZ libFuzzer drives it, else replay_main.c does. */
#ifndef MEREAU_TESTS_FUZZ_H
#define MEREAU_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A text of exactly these bytes and a NUL, for free. It ends at the first NUL of the input. */
static inline char *fuzz_text(const uint8_t *data, size_t len)
{
    char *const text = malloc(len + 1);
    mr_assert(text != NULL);
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    return text;
}

/* Whether two texts are the same but for the case of ASCII letters. */
static inline int fuzz_same_letters(const char *a, const char *b)
{
    for (; *a != '\0'; a++, b++)
        if ((*a >= 'A' && *a <= 'Z' ? *a - 'A' + 'a' : *a) !=
            (*b >= 'A' && *b <= 'Z' ? *b - 'A' + 'a' : *b))
            return 0;
    return *b == '\0';
}

#endif
