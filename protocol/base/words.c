#include "mereau/words.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "mereau/assert.h"

enum { LIST_LEN = 2048, BITS = 11, LANGUAGES = 2, BASE_MAX = 16 };

/* clang-format off */
static const char *const lists[LANGUAGES][LIST_LEN] = {
    [MR_WORDS_ENGLISH] = {
#include "words_english.inc"
    },
    [MR_WORDS_FRENCH] = {
#include "words_french.inc"
    },
};
/* clang-format on */

const char *mr_word(enum mr_words_language language, unsigned index)
{
    mr_assert(index < LIST_LEN);
    return lists[language][index];
}

/* --- base letters ----------------------------------------------------------------------------- */

/* A word in lower-case letters without accents; too long ones are cut, as none is so long. */
struct base {
    char text[BASE_MAX + 1];
    size_t len;
};

/* Base letter of U+00C0..U+00FF, 0x7f when it has none. */
static char latin_base(unsigned code)
{
    static const char bases[] = "aaaaaa.ceeeeiiii.nooooo..uuuuy..aaaaaa.ceeeeiiii.nooooo..uuuuy.y";
    const char c = bases[code - 0xc0];
    if (c == '.')
        return 0x7f;
    return c;
}

/* The next character's base letter; '\0' for a combining mark, 0x7f for anything else. */
static char next_base(const char **text)
{
    const unsigned char first = (unsigned char)*(*text)++;
    if (first >= 'a' && first <= 'z')
        return (char)first;
    if (first >= 'A' && first <= 'Z')
        return (char)(first - 'A' + 'a');
    const unsigned char second = (unsigned char)**text;
    if (second < 0x80 || second > 0xbf)
        return 0x7f;
    if (first == 0xc3) {
        (*text)++;
        return latin_base(0xc0 + (second & 0x3fu));
    }
    if (first == 0xcc || (first == 0xcd && second < 0xb0)) { /* U+0300 to U+036F */
        (*text)++;
        return '\0';
    }
    return 0x7f;
}

static struct base base_of(const char *word, size_t len)
{
    struct base b = {.len = 0};
    for (const char *const end = word + len; word < end && b.len < BASE_MAX;) {
        const char c = next_base(&word);
        if (c != '\0')
            b.text[b.len++] = c;
    }
    return b;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Letters to add, leave out or replace to make one word of the other. */
static size_t distance(const struct base *a, const struct base *b)
{
    size_t row[BASE_MAX + 1];
    for (size_t k = 0; k <= b->len; k++)
        row[k] = k;
    for (size_t i = 1; i <= a->len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b->len; k++) {
            const size_t above = row[k];
            row[k] = min3(above + 1, row[k - 1] + 1,
                          diagonal + (a->text[i - 1] == b->text[k - 1] ? 0 : 1));
            diagonal = above;
        }
    }
    return row[b->len];
}

/* Whether a word of the list has these base letters. Its characters are letters, all of them. */
static bool is_word(const struct base *word, const char *entry)
{
    size_t n = 0;
    while (*entry != '\0' && n < word->len && next_base(&entry) == word->text[n])
        n++;
    return *entry == '\0' && n == word->len;
}

/* Index of the list's word with these base letters; LIST_LEN when there is none. */
static unsigned find(enum mr_words_language language, const struct base *word)
{
    unsigned i = 0;
    while (i < LIST_LEN && !is_word(word, lists[language][i]))
        i++;
    return i;
}

static const char *nearest(enum mr_words_language language, const struct base *word)
{
    size_t least = SIZE_MAX;
    const char *best = NULL;
    for (unsigned i = 0; i < LIST_LEN; i++) {
        const char *const entry = lists[language][i];
        const struct base b = base_of(entry, strlen(entry));
        const size_t d = distance(word, &b);
        if (d < least) {
            least = d;
            best = entry;
        }
    }
    return best;
}

/* --- seed to words ---------------------------------------------------------------------------- */

/* A seed of len bytes and its checksum of len / 4 bits are len * 3 / 4 words. */
static bool length_ok(size_t len)
{
    return len >= 16 && len <= MR_SEED_MAX && len % 4 == 0;
}

static bool bit(const uint8_t *bytes, size_t i)
{
    return (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
}

static uint8_t checksum(const uint8_t *seed, size_t len)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, seed, len);
    const uint8_t first = (uint8_t)(hash[0] & (0xff00u >> (len / 4)));
    sodium_memzero(hash, sizeof hash);
    return first;
}

void mr_words_encode(char *ret, enum mr_words_language language, const uint8_t *seed, size_t len)
{
    uint8_t bytes[MR_SEED_MAX + 1];
    mr_assert(length_ok(len));
    memcpy(bytes, seed, len);
    bytes[len] = checksum(seed, len);
    for (size_t w = 0; w < len * 3 / 4; w++) {
        unsigned index = 0;
        for (size_t i = 0; i < BITS; i++)
            index = index << 1 | (bit(bytes, w * BITS + i) ? 1 : 0);
        const size_t n = strlen(lists[language][index]);
        if (w > 0)
            *ret++ = ' ';
        memcpy(ret, lists[language][index], n);
        ret += n;
    }
    *ret = '\0';
    sodium_memzero(bytes, sizeof bytes);
}

/* --- words to seed ---------------------------------------------------------------------------- */

/* Bytes of the next word, blanks before it skipped; 0 at the end. */
static size_t next_word(const char **text)
{
    static const char blanks[] = " \t\r\n";
    *text += strspn(*text, blanks);
    return strcspn(*text, blanks);
}

/* Words to bits, checksum behind the seed. */
static enum mr_status read_words(uint8_t bytes[MR_SEED_MAX + 1], size_t *ret_count,
                                 struct mr_words_fault *fault, enum mr_words_language language,
                                 const char *text)
{
    size_t count = 0;
    for (size_t n = next_word(&text); n > 0; n = next_word(&text)) {
        if (count == MR_WORDS_MAX)
            return MR_BAD_TEXT;
        const struct base word = base_of(text, n);
        const unsigned index = find(language, &word);
        if (index == LIST_LEN) {
            *fault = (struct mr_words_fault){count, nearest(language, &word)};
            return MR_BAD_TEXT;
        }
        for (size_t i = 0; i < BITS; i++)
            if ((index >> (BITS - 1 - i) & 1) != 0)
                bytes[(count * BITS + i) / 8] |= (uint8_t)(0x80 >> (count * BITS + i) % 8);
        count++;
        text += n;
    }
    *ret_count = count;
    return count >= 12 && count % 3 == 0 ? MR_OK : MR_BAD_TEXT;
}

enum mr_status mr_words_decode(uint8_t *ret, size_t *ret_len, struct mr_words_fault *ret_fault,
                               enum mr_words_language language, const char *text)
{
    uint8_t bytes[MR_SEED_MAX + 1] = {0};
    struct mr_words_fault fault = {SIZE_MAX, NULL};
    size_t count = 0;
    enum mr_status st = read_words(bytes, &count, &fault, language, text);
    const size_t len = count * 4 / 3;
    if (st == MR_OK && bytes[len] != checksum(bytes, len))
        st = MR_BAD_CHECKSUM;
    if (st == MR_OK) {
        memcpy(ret, bytes, len);
        *ret_len = len;
    } else if (ret_fault != NULL) {
        *ret_fault = fault;
    }
    sodium_memzero(bytes, sizeof bytes);
    return st;
}

enum mr_words_language mr_words_guess(const char *text)
{
    size_t known[LANGUAGES] = {0}, count = 0;
    for (size_t n = next_word(&text); n > 0 && count < MR_WORDS_MAX; n = next_word(&text)) {
        const struct base word = base_of(text, n);
        for (enum mr_words_language l = MR_WORDS_ENGLISH; l <= MR_WORDS_FRENCH; l++)
            known[l] += find(l, &word) < LIST_LEN ? 1 : 0;
        text += n;
        count++;
    }
    return known[MR_WORDS_FRENCH] > known[MR_WORDS_ENGLISH] ? MR_WORDS_FRENCH : MR_WORDS_ENGLISH;
}
