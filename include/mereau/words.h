/** A seed as words to write down: BIP 39 with its checksum, English or French (ENC-12).
 *
 *  The words stand for the seed's bytes themselves; BIP 39's derivation with a passphrase is not
 *  used. What these functions hold of a seed in whole is wiped. */
#ifndef MEREAU_WORDS_H
#define MEREAU_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/status.h"

enum mr_words_language { MR_WORDS_ENGLISH, MR_WORDS_FRENCH };

enum {
    MR_SEED_MAX = 32,
    MR_WORDS_MAX = 24,      /* 12 for 16 bytes, 24 for 32 */
    MR_WORD_BYTES_MAX = 12, /* 8 letters, some of them of two bytes */
    MR_WORDS_TEXT_MAX = MR_WORDS_MAX * (MR_WORD_BYTES_MAX + 1),
};

/** Where a text of words went wrong. */
struct mr_words_fault {
    size_t word;         /**< index of the unknown word, from 0; SIZE_MAX: no single word */
    const char *nearest; /**< for an unknown word, the one in the list most like it; else NULL */
};

/** The words of a seed of 16, 20, 24, 28 or 32 bytes (our bug otherwise), one blank between them.
 *  ret holds MR_WORDS_TEXT_MAX bytes; whoever owns it wipes it. */
void mr_words_encode(char *ret, enum mr_words_language language, const uint8_t *seed, size_t len);

/** Back to the seed. Blanks of any number and the case of letters do not matter, nor do accents.
 *  ret holds MR_SEED_MAX bytes. ret_fault may be NULL and is set on failure; the others are
 *  untouched then. Returns MR_OK; MR_BAD_TEXT (unknown word, or not 12, 15, 18, 21 or 24 words);
 *  MR_BAD_CHECKSUM (all words are known, but they are wrong ones or stand in the wrong order). */
enum mr_status mr_words_decode(uint8_t *ret, size_t *ret_len, struct mr_words_fault *ret_fault,
                               enum mr_words_language language, const char *text);

/** The language in which more of the words are known. */
enum mr_words_language mr_words_guess(const char *text);

/** A word of the list, 0 <= index < 2048. Static storage. */
const char *mr_word(enum mr_words_language language, unsigned index);

#endif
