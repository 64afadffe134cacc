/* Bech32m (BIP 350, without its limit of 90 characters) and hexadecimal. */
#include "mereau/id.h"

#include <stdbool.h>
#include <string.h>

#include "mereau/assert.h"
#include "mereau/letters.h"

enum {
    CHECKSUM_LEN = 6,
    HRP_MAX = MR_PREFIX_MAX + MR_PREFIX_SUFFIX_MAX,
    TEXT_MAX = MR_BECH32_TEXT_MAX(HRP_MAX, MR_BECH32_DATA_MAX),
};

#define BECH32M UINT32_C(0x2bc830a3)

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* --- the code --------------------------------------------------------------------------------- */

/* One more value of five bits into the remainder. Linear: step(a ^ b, v ^ w) is
 * step(a, v) ^ step(b, w). */
static uint32_t step(uint32_t state, uint32_t value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    const uint32_t top = state >> 25;
    state = (state & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; i++)
        state ^= (top >> i & 1) != 0 ? generator[i] : 0;
    return state;
}

static uint32_t start(const char *prefix, size_t len)
{
    uint32_t state = 1;
    for (size_t i = 0; i < len; i++)
        state = step(state, (uint32_t)(unsigned char)mr_lower(prefix[i]) >> 5);
    state = step(state, 0);
    for (size_t i = 0; i < len; i++)
        state = step(state, (uint32_t)(unsigned char)mr_lower(prefix[i]) & 31);
    return state;
}

/* --- encoding --------------------------------------------------------------------------------- */

/* The i-th group of five bits; behind the end there are zeros. */
static uint32_t group(const uint8_t *data, size_t len, size_t i)
{
    const size_t at = i * 5 / 8;
    const uint32_t window = (uint32_t)data[at] << 8 | (at + 1 < len ? data[at + 1] : 0);
    return window >> (11 - i * 5 % 8) & 31;
}

void mr_bech32_encode(char *ret, size_t cap, const char *prefix, const uint8_t *data, size_t len)
{
    const size_t prefix_len = strlen(prefix);
    mr_assert(prefix_len >= 1);
    mr_assert(prefix_len <= HRP_MAX);
    mr_assert(len <= MR_BECH32_DATA_MAX);
    mr_assert(cap >= MR_BECH32_TEXT_MAX(prefix_len, len));
    memcpy(ret, prefix, prefix_len);
    ret += prefix_len;
    *ret++ = '1';
    uint32_t state = start(prefix, prefix_len);
    for (size_t i = 0; i < (len * 8 + 4) / 5; i++) {
        const uint32_t value = group(data, len, i);
        state = step(state, value);
        *ret++ = charset[value];
    }
    for (int i = 0; i < CHECKSUM_LEN; i++)
        state = step(state, 0);
    state ^= BECH32M;
    for (unsigned i = 0; i < CHECKSUM_LEN; i++)
        *ret++ = charset[state >> (25 - 5 * i) & 31];
    *ret = '\0';
}

/* --- decoding --------------------------------------------------------------------------------- */

/* A text cut at its separator. */
struct parts {
    size_t prefix_len;
    const char *data; /* behind the separator */
    size_t data_len;  /* checksum included */
};

/* Value of a character of the data part, or -1. */
static int value_of(char c)
{
    const char *const at = c == '\0' ? NULL : strchr(charset, mr_lower(c));
    return at == NULL ? -1 : (int)(at - charset);
}

static bool is_prefix(const char *prefix, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (prefix[i] == '\0' || prefix[i] != mr_lower(text[i]))
            return false;
    return prefix[len] == '\0';
}

/* Index of the first character of the other case than the first letter's, or one that is not
 * printable ASCII; SIZE_MAX when there is none. */
static size_t odd_character(const char *text)
{
    char first = '\0';
    for (size_t i = 0; text[i] != '\0'; i++) {
        const char c = text[i];
        if ((unsigned char)c < 0x21 || (unsigned char)c > 0x7e)
            return i;
        const bool is_upper = c >= 'A' && c <= 'Z';
        if (!is_upper && !(c >= 'a' && c <= 'z'))
            continue;
        if (first == '\0')
            first = is_upper ? 'A' : 'a';
        if (is_upper != (first == 'A'))
            return i;
    }
    return SIZE_MAX;
}

/* Cut at the last '1', or behind the prefix expected: a '1' further on is then a wrong one. */
static bool cut(struct parts *ret, const char *prefix, const char *text, size_t len)
{
    size_t at = prefix == NULL ? len : strlen(prefix);
    if (at >= len || !is_prefix(prefix, text, at) || text[at] != '1')
        for (at = len; at > 0 && text[at - 1] != '1';)
            at--;
    else
        at++;
    if (at < 2 || at - 1 > HRP_MAX || len - at < CHECKSUM_LEN)
        return false;
    *ret = (struct parts){at - 1, text + at, len - at};
    return true;
}

static uint32_t remainder_of(const char *prefix, size_t prefix_len, const struct parts *parts)
{
    uint32_t state = start(prefix, prefix_len);
    for (size_t i = 0; i < parts->data_len; i++)
        state = step(state, (uint32_t)value_of(parts->data[i]));
    return state ^ BECH32M;
}

/* Index of the one place where two prefixes of the same length differ, or SIZE_MAX. */
static size_t one_difference(const char *prefix, const char *text, size_t len)
{
    size_t found = SIZE_MAX;
    if (strlen(prefix) != len)
        return SIZE_MAX;
    for (size_t i = 0; i < len; i++) {
        if (prefix[i] == mr_lower(text[i]))
            continue;
        if (found != SIZE_MAX)
            return SIZE_MAX;
        found = i;
    }
    return found;
}

/* The character whose replacement alone makes the remainder zero. The code is linear, so the
 * remainder is that of the difference standing alone: try all 31 at all places. */
static size_t locate(const char *prefix, const char *text, const struct parts *parts,
                     uint32_t remainder)
{
    if (prefix != NULL) {
        const size_t at = one_difference(prefix, text, parts->prefix_len);
        if (at != SIZE_MAX && remainder_of(prefix, parts->prefix_len, parts) == 0)
            return at;
    }
    size_t found = SIZE_MAX;
    for (uint32_t difference = 1; difference < 32; difference++) {
        uint32_t state = difference;
        for (size_t back = 1; back <= parts->data_len; back++) {
            if (state == remainder && found != SIZE_MAX)
                return SIZE_MAX; /* only in texts of more than 1023 characters */
            if (state == remainder)
                found = parts->prefix_len + 1 + parts->data_len - back;
            state = step(state, 0);
        }
    }
    return found;
}

/* Five bits a value to bytes. What is left over is less than a value, and zeros. */
static enum mr_status unpack(uint8_t *ret, size_t cap, size_t *ret_len, const char *data, size_t n)
{
    const unsigned spare = (unsigned)(n * 5 % 8);
    if (spare >= 5 || (n > 0 && ((unsigned)value_of(data[n - 1]) & ((1u << spare) - 1)) != 0))
        return MR_BAD_TEXT;
    if (n * 5 / 8 > cap)
        return MR_TOO_LARGE;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < n; i++) {
        bits = (bits & 0xff) << 5 | (uint32_t)value_of(data[i]);
        held += 5;
        if (held >= 8) {
            held -= 8;
            *ret++ = (uint8_t)(bits >> held);
        }
    }
    *ret_len = n * 5 / 8;
    return MR_OK;
}

/* Everything but the checksum's verdict and the data. */
static enum mr_status read_form(struct parts *ret, size_t *ret_wrong, const char *prefix,
                                const char *text)
{
    size_t len = 0;
    while (len < TEXT_MAX && text[len] != '\0')
        len++;
    if (len == TEXT_MAX)
        return MR_TOO_LARGE;
    *ret_wrong = odd_character(text);
    if (*ret_wrong != SIZE_MAX || !cut(ret, prefix, text, len))
        return MR_BAD_TEXT;
    for (size_t i = 0; i < ret->data_len; i++) {
        if (value_of(ret->data[i]) < 0) {
            *ret_wrong = ret->prefix_len + 1 + i;
            return MR_BAD_TEXT;
        }
    }
    return MR_OK;
}

static enum mr_status decode(uint8_t *ret, size_t cap, size_t *ret_len, char *ret_prefix,
                             size_t *ret_wrong, const char *prefix, const char *text)
{
    struct parts parts;
    *ret_wrong = SIZE_MAX;
    enum mr_status st = read_form(&parts, ret_wrong, prefix, text);
    if (st != MR_OK)
        return st;
    const uint32_t remainder = remainder_of(text, parts.prefix_len, &parts);
    if (remainder != 0) {
        *ret_wrong = locate(prefix, text, &parts, remainder);
        return MR_BAD_CHECKSUM;
    }
    if (prefix != NULL && !is_prefix(prefix, text, parts.prefix_len))
        return MR_WRONG_PREFIX;
    if (ret_prefix != NULL && parts.prefix_len > MR_PREFIX_MAX)
        return MR_BAD_TEXT;
    st = unpack(ret, cap, ret_len, parts.data, parts.data_len - CHECKSUM_LEN);
    if (st != MR_OK || ret_prefix == NULL)
        return st;
    for (size_t i = 0; i < parts.prefix_len; i++)
        ret_prefix[i] = mr_lower(text[i]);
    ret_prefix[parts.prefix_len] = '\0';
    return MR_OK;
}

enum mr_status mr_bech32_decode(uint8_t *ret, size_t cap, size_t *ret_len, char *ret_prefix,
                                size_t *ret_wrong, const char *prefix, const char *text)
{
    size_t wrong;
    const enum mr_status st = decode(ret, cap, ret_len, ret_prefix, &wrong, prefix, text);
    if (st != MR_OK && ret_wrong != NULL)
        *ret_wrong = wrong;
    return st;
}

/* --- addresses and hexadecimal ---------------------------------------------------------------- */

void mr_address_format(char *ret, const char *prefix, const uint8_t account[MR_ACCOUNT_BYTES])
{
    mr_bech32_encode(ret, MR_ADDRESS_TEXT_MAX, prefix, account, MR_ACCOUNT_BYTES);
}

enum mr_status mr_address_parse(uint8_t ret[MR_ACCOUNT_BYTES], size_t *ret_wrong,
                                const char *prefix, const char *text)
{
    uint8_t account[MR_ACCOUNT_BYTES];
    size_t len = 0;
    const enum mr_status st =
        mr_bech32_decode(account, sizeof account, &len, NULL, ret_wrong, prefix, text);
    if (st == MR_OK && len == sizeof account) {
        memcpy(ret, account, sizeof account);
        return MR_OK;
    }
    if (st == MR_OK && ret_wrong != NULL)
        *ret_wrong = SIZE_MAX;
    return st == MR_OK || st == MR_TOO_LARGE ? MR_BAD_TEXT : st;
}

void mr_hex_format(char *ret, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *ret++ = digits[bytes[i] >> 4];
        *ret++ = digits[bytes[i] & 15];
    }
    *ret = '\0';
}

/* 16: it is none. */
static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

enum mr_status mr_hex_parse(uint8_t *ret, size_t len, const char *text)
{
    for (size_t i = 0; i < 2 * len; i++)
        if (hex_digit(text[i]) > 15) /* the NUL too */
            return MR_BAD_TEXT;
    if (text[2 * len] != '\0')
        return MR_BAD_TEXT;
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return MR_OK;
}
