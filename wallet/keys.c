#include "wallet/keys.h"

#include <sodium.h>
#include <string.h>

#include "mereau/assert.h"

enum { MEMO_KEYS_MAX = 64 };

void keys_advance(struct wallet *w)
{
    struct mr_wallet_secret *const s = &w->keys->stored;
    mr_assert(s->next_count == 1);
    w->keys->before = *s;
    if (s->memo_keys_count == MEMO_KEYS_MAX)
        s->memo_keys_count--; /* the oldest one; SETKEYS orders still hold it */
    memmove(&s->memo_keys[1], &s->memo_keys[0], s->memo_keys_count * sizeof s->memo_keys[0]);
    memcpy(s->memo_keys[0].secret, w->keys->memo_secret, MR_KEY_BYTES);
    s->memo_keys_count++;
    memcpy(s->sheet.seed, s->next[0].secret, MR_KEY_BYTES);
    s->sheet.generation++;
    s->next_count = 0;
    sodium_memzero(&s->next[0], sizeof s->next[0]);
    wallet_derive(w);
}

void keys_go_back(struct wallet *w)
{
    w->keys->stored = w->keys->before;
    sodium_memzero(&w->keys->before, sizeof w->keys->before);
    wallet_derive(w);
}

enum mr_status keys_prepare(struct wallet *w, struct out *out)
{
    struct mr_wallet_secret *const s = &w->keys->stored;
    if (s->next_count > 0)
        return MR_OK;
    randombytes_buf(s->next[0].secret, MR_KEY_BYTES);
    s->next_count = 1;
    const enum mr_status st = wallet_save(w, out, s);
    if (st != MR_OK)
        s->next_count = 0;
    return st;
}
