/* Seed words: the first byte selects the language. What is read as a seed is written as words that
 * are the same seed. */
#include "fuzz/fuzz.h"
#include "mereau/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    const enum mr_words_language language = data[0] % 2 == 0 ? MR_WORDS_ENGLISH : MR_WORDS_FRENCH;
    char *const text = fuzz_text(data + 1, len - 1);
    uint8_t seed[MR_SEED_MAX], again[MR_SEED_MAX];
    size_t seed_len, again_len;
    struct mr_words_fault fault;
    if (mr_words_decode(seed, &seed_len, &fault, language, text) == MR_OK) {
        char words[MR_WORDS_TEXT_MAX];
        mr_words_encode(words, language, seed, seed_len);
        mr_assert(mr_words_decode(again, &again_len, NULL, language, words) == MR_OK);
        mr_assert(again_len == seed_len);
        mr_assert(memcmp(again, seed, seed_len) == 0);
    } else if (fault.word != SIZE_MAX) {
        mr_assert(fault.word < MR_WORDS_MAX);
        mr_assert(fault.nearest != NULL);
    }
    mr_words_guess(text);
    free(text);
    return 0;
}
