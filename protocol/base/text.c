#include "mereau/text.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/letters.h"

#define JOIN_SCHEME     "mereau-join:"
#define JOIN_PREFIX     "mrjoin"
#define PAY_SCHEME      "mereau-pay:"
#define RECOVERY_SCHEME "mereau-recover:"
#define RECOVERY_PREFIX "mrkeys"
#define MANDATE_SCHEME  "mereau-mandate:"
#define MANDATE_PREFIX  "mrmand"
#define PAY_SUFFIX      "pay"

_Static_assert(sizeof PAY_SUFFIX - 1 <= MR_PREFIX_SUFFIX_MAX, "a request's prefix is short enough");
_Static_assert((int)MR_RECOVERY_BYTES_MAX <= (int)MR_BECH32_DATA_MAX, "keys are short enough");
_Static_assert((int)MR_MANDATE_BYTES_MAX <= (int)MR_BECH32_DATA_MAX, "a mandate is short enough");
_Static_assert((int)MR_JOIN_LINK_BYTES_MAX <= (int)MR_BECH32_DATA_MAX, "a link is short enough");

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* Length of the scheme when the text begins with it, in either case of letters; else 0. */
static size_t scheme_of(const char *text, const char *scheme)
{
    size_t n = 0;
    for (; scheme[n] != '\0'; n++)
        if (mr_lower(text[n]) != scheme[n])
            return 0;
    return n;
}

/* Index of the first letter whose case differs from the text's first one's; else SIZE_MAX. */
static size_t odd_case(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++)
        if (is_upper(text[0]) ? text[i] >= 'a' && text[i] <= 'z' : is_upper(text[i]))
            return i;
    return SIZE_MAX;
}

/* A record behind its scheme. `ret` holds cap bytes, which are enough. */
static void write_bytes(char *ret, size_t cap, const char *scheme, const char *prefix,
                        const uint8_t *bytes, size_t len)
{
    const size_t skip = strlen(scheme);
    memcpy(ret, scheme, skip);
    mr_bech32_encode(ret + skip, cap - skip, prefix, bytes, len);
}

/* Bytes of a version-1 record behind a scheme. */
static enum mr_status read_bytes(uint8_t *ret, size_t cap, size_t *ret_len, size_t *ret_wrong,
                                 const char *scheme, const char *prefix, const char *text)
{
    const size_t skip = scheme_of(text, scheme);
    *ret_wrong = skip == 0 ? SIZE_MAX : odd_case(text);
    if (skip == 0 || *ret_wrong != SIZE_MAX)
        return MR_BAD_TEXT;
    const enum mr_status st =
        mr_bech32_decode(ret, cap, ret_len, NULL, ret_wrong, prefix, text + skip);
    if (*ret_wrong != SIZE_MAX)
        *ret_wrong += skip;
    if (st != MR_OK)
        return st;
    if (*ret_len < 4)
        return MR_TRUNCATED;
    return memcmp(ret, "\0\0\0\1", 4) == 0 ? MR_OK : MR_BAD_VERSION;
}

static enum mr_status report(size_t *ret_wrong, enum mr_status st, size_t wrong)
{
    if (st != MR_OK && ret_wrong != NULL)
        *ret_wrong = wrong;
    return st;
}

void mr_join_link_format(char *ret, const struct mr_join_link *link)
{
    uint8_t bytes[MR_JOIN_LINK_BYTES_MAX];
    write_bytes(ret, MR_JOIN_LINK_TEXT_MAX, JOIN_SCHEME, JOIN_PREFIX, bytes,
                mr_join_link_encode(link, bytes, sizeof bytes));
}

enum mr_status mr_join_link_parse(struct mr_join_link *ret, size_t *ret_wrong, const char *text)
{
    uint8_t bytes[MR_JOIN_LINK_BYTES_MAX];
    struct mr_join_link link;
    size_t len, wrong;
    enum mr_status st =
        read_bytes(bytes, sizeof bytes, &len, &wrong, JOIN_SCHEME, JOIN_PREFIX, text);
    if (st == MR_OK)
        st = mr_join_link_decode(&link, bytes, len);
    if (st == MR_OK)
        *ret = link;
    return report(ret_wrong, st, wrong);
}

void mr_recovery_request_format(char *ret, const struct mr_recovery_request *request)
{
    uint8_t bytes[MR_RECOVERY_BYTES_MAX];
    write_bytes(ret, MR_RECOVERY_TEXT_MAX, RECOVERY_SCHEME, RECOVERY_PREFIX, bytes,
                mr_recovery_request_encode(request, bytes, sizeof bytes));
}

enum mr_status mr_recovery_request_parse(struct mr_recovery_request *ret, size_t *ret_wrong,
                                         const char *text)
{
    uint8_t bytes[MR_RECOVERY_BYTES_MAX];
    struct mr_recovery_request request;
    size_t len, wrong;
    enum mr_status st =
        read_bytes(bytes, sizeof bytes, &len, &wrong, RECOVERY_SCHEME, RECOVERY_PREFIX, text);
    if (st == MR_OK)
        st = mr_recovery_request_decode(&request, bytes, len);
    if (st == MR_OK)
        *ret = request;
    return report(ret_wrong, st, wrong);
}

void mr_mandate_format(char *ret, const struct mr_signed_mandate *mandate)
{
    uint8_t bytes[MR_MANDATE_BYTES_MAX];
    write_bytes(ret, MR_MANDATE_TEXT_MAX, MANDATE_SCHEME, MANDATE_PREFIX, bytes,
                mr_signed_mandate_encode(mandate, bytes, sizeof bytes));
}

enum mr_status mr_mandate_parse(struct mr_signed_mandate *ret, size_t *ret_wrong, const char *text)
{
    uint8_t bytes[MR_MANDATE_BYTES_MAX];
    struct mr_signed_mandate mandate;
    size_t len, wrong;
    enum mr_status st =
        read_bytes(bytes, sizeof bytes, &len, &wrong, MANDATE_SCHEME, MANDATE_PREFIX, text);
    if (st == MR_OK)
        st = mr_signed_mandate_decode(&mandate, bytes, len);
    if (st == MR_OK)
        *ret = mandate;
    return report(ret_wrong, st, wrong);
}

static void pay_prefix(char ret[MR_PREFIX_MAX + sizeof PAY_SUFFIX], const char *prefix)
{
    const size_t n = strlen(prefix);
    mr_assert(n <= MR_PREFIX_MAX);
    memcpy(ret, prefix, n);
    memcpy(ret + n, PAY_SUFFIX, sizeof PAY_SUFFIX);
}

void mr_pay_request_format(char *ret, const char *prefix, const struct mr_pay_request *request)
{
    uint8_t bytes[MR_PAY_REQUEST_BYTES_MAX];
    char full[MR_PREFIX_MAX + sizeof PAY_SUFFIX];
    pay_prefix(full, prefix);
    write_bytes(ret, MR_PAY_REQUEST_TEXT_MAX, PAY_SCHEME, full, bytes,
                mr_pay_request_encode(request, bytes, sizeof bytes));
}

enum mr_status mr_pay_request_parse(struct mr_pay_request *ret, size_t *ret_wrong,
                                    const char *prefix, const char *text)
{
    uint8_t bytes[MR_PAY_REQUEST_BYTES_MAX];
    char full[MR_PREFIX_MAX + sizeof PAY_SUFFIX];
    struct mr_pay_request request;
    size_t len, wrong;
    pay_prefix(full, prefix);
    enum mr_status st = read_bytes(bytes, sizeof bytes, &len, &wrong, PAY_SCHEME, full, text);
    if (st == MR_OK)
        st = mr_pay_request_decode(&request, bytes, len);
    if (st == MR_OK)
        *ret = request;
    return report(ret_wrong, st, wrong);
}

bool mr_is_join_link(const char *text)
{
    return scheme_of(text, JOIN_SCHEME) > 0;
}

bool mr_is_pay_request(const char *text)
{
    return scheme_of(text, PAY_SCHEME) > 0;
}

/* Length of the alias that a text begins with; 0 when it does not begin with one. */
static size_t alias_length(const char *text)
{
    size_t n = 0;
    while (n <= MR_ALIAS_MAX && ((text[n] >= 'a' && text[n] <= 'z') ||
                                 (text[n] >= '0' && text[n] <= '9') || text[n] == '-'))
        n++;
    return n >= 2 && n <= MR_ALIAS_MAX && text[0] != '-' && text[n - 1] != '-' ? n : 0;
}

bool mr_alias_ok(const char *alias)
{
    const size_t n = alias_length(alias);
    return n > 0 && alias[n] == '\0';
}

enum mr_status mr_alias_split(char *ret_name, char *ret_association, const char *text)
{
    const size_t n = alias_length(text);
    if (n == 0 || (text[n] != '\0' && text[n] != '@'))
        return MR_ALIAS_SYNTAX;
    const char *const association = text[n] == '@' ? text + n + 1 : "";
    if (text[n] == '@' && !mr_alias_ok(association))
        return MR_ALIAS_SYNTAX;
    memcpy(ret_name, text, n);
    ret_name[n] = '\0';
    memcpy(ret_association, association, strlen(association) + 1);
    return MR_OK;
}
