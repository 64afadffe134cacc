#include "mereau/mandate.h"

#include <string.h>

#include "mereau/assert.h"
#include "mereau/codec.h"
#include "mereau/id.h"
#include "mereau/letters.h"

void mr_mandate_id(uint8_t ret[32], const struct mr_mandate *mandate)
{
    uint8_t bytes[sizeof *mandate];
    mr_hash(ret, "mereau/mandate-id", bytes, mr_mandate_encode(mandate, bytes, sizeof bytes), NULL,
            0);
}

enum mr_status mr_mandate_allows(const struct mr_mandate *m, const struct mr_mandate_use *use)
{
    mr_assert(use->amount > 0);
    mr_assert(use->used >= 0);
    if (memcmp(m->ledger, use->ledger, sizeof m->ledger) != 0)
        return MR_WRONG_LEDGER;
    if (memcmp(m->payee, use->payee, sizeof m->payee) != 0 ||
        memcmp(m->municipality, use->municipality, sizeof m->municipality) != 0 ||
        memcmp(m->association, use->association, sizeof m->association) != 0)
        return MR_MANDATE_OTHER;
    /* The payee's clock may be ahead by as much as an order's may. */
    if (m->from_ms > use->now_ms + MR_CLOCK_AHEAD_MS)
        return MR_MANDATE_EXPIRED;
    if (m->until_ms != 0 && use->now_ms >= m->until_ms)
        return MR_MANDATE_EXPIRED;
    if (m->max != 0 && (use->used > m->max || use->amount > m->max - use->used))
        return MR_MANDATE_OVER;
    return MR_OK;
}

enum mr_status mr_reference_normalise(char *ret, size_t cap, const char *text)
{
    size_t n = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr(" \t-/.", *at) != NULL)
            continue;
        if (n + 1 >= cap)
            return MR_TOO_LARGE;
        ret[n++] = mr_upper(*at);
    }
    ret[n] = '\0';
    return n > 0 ? MR_OK : MR_BAD_TEXT;
}

void mr_conversion_ref(uint8_t ret[32], const uint8_t salt[16], const uint8_t *mandates,
                       size_t count, const char *payment_order)
{
    enum { DIGITS = 2 * MR_HASH_BYTES };
    char text[MR_LINES_MAX * (DIGITS + 1) + MR_NAME_MAX + 1];
    const size_t len = strlen(payment_order);
    size_t n = 0;
    mr_assert(count >= 1);
    mr_assert(count <= MR_LINES_MAX);
    mr_assert(len <= MR_NAME_MAX);
    for (size_t i = 0; i < count; i++) {
        mr_hex_format(&text[n], mandates + i * MR_HASH_BYTES, MR_HASH_BYTES);
        n += DIGITS;
        text[n++] = ' ';
    }
    memcpy(&text[n], payment_order, len + 1);
    mr_ref_hash(ret, salt, text, n + len);
}
