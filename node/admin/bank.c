#include "admin/bank.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mereau/mandate.h"

enum mr_status bank_ref(uint8_t ret[32], const uint8_t secret[32], const char *account,
                        const char *entry)
{
    char a[BANK_TEXT_MAX] = "", e[BANK_TEXT_MAX];
    crypto_generichash_state state;
    enum mr_status st = account[0] != '\0' ? mr_reference_normalise(a, sizeof a, account) : MR_OK;
    if (st == MR_OK)
        st = mr_reference_normalise(e, sizeof e, entry);
    if (st != MR_OK)
        return st;
    crypto_generichash_init(&state, secret, 32, 32);
    crypto_generichash_update(&state, (const uint8_t *)a, strlen(a) + 1);
    crypto_generichash_update(&state, (const uint8_t *)e, strlen(e));
    crypto_generichash_final(&state, ret, 32);
    sodium_memzero(&state, sizeof state);
    return MR_OK;
}

static int by_member(const void *a, const void *b)
{
    const struct bank_share *x = a, *y = b;
    const int order = memcmp(x->member, y->member, sizeof x->member);
    if (order != 0)
        return order;
    return x->amount < y->amount ? -1 : x->amount > y->amount;
}

void bank_shares_sort(struct bank_share *shares, size_t count)
{
    qsort(shares, count, sizeof *shares, by_member);
}

size_t bank_shares(struct bank_share *ret, const struct mr_issue *issue, const uint8_t ref[32])
{
    size_t count = 0;
    for (uint32_t i = 0; i < issue->lines_count; i++) {
        const struct mr_issue_line *line = &issue->lines[i];
        if (line->bank >= issue->banks_count ||
            memcmp(issue->banks[line->bank].ref, ref, MR_HASH_BYTES) != 0)
            continue;
        ret[count] = (struct bank_share){.amount = line->amount};
        memcpy(ret[count].member, line->member, sizeof ret[count].member);
        count++;
    }
    bank_shares_sort(ret, count);
    return count;
}
