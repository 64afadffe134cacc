/* Findings, memory, sums. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

void *mri_aud_get(struct mr_audit *a, size_t bytes)
{
    void *const p = a->mem.get(a->mem.ctx, bytes);
    if (p == NULL)
        a->no_memory = true;
    else
        memset(p, 0, bytes);
    return p;
}

void mri_aud_put(struct mr_audit *a, void *p)
{
    a->mem.put(a->mem.ctx, p);
}

bool mri_aud_room(struct mr_audit *a, void **array, size_t *cap, size_t count, size_t element)
{
    if (count < *cap)
        return true;
    const size_t wider = *cap == 0 ? 16 : *cap * 2;
    void *const p = mri_aud_get(a, wider * element);
    if (p == NULL)
        return false;
    if (count > 0)
        memcpy(p, *array, count * element);
    mri_aud_put(a, *array);
    *array = p;
    *cap = wider;
    return true;
}

int64_t mri_aud_sum(int64_t x, int64_t y)
{
    if (y > 0 && x > INT64_MAX - y)
        return INT64_MAX;
    if (y < 0 && x < INT64_MIN - y)
        return INT64_MIN;
    return x + y;
}

void mri_aud_at(struct mr_audit *a, const uint8_t account[16], uint64_t seq)
{
    a->has_slot = account != NULL;
    a->seq = seq;
    if (account != NULL)
        memcpy(a->account, account, 16);
}

void mri_aud_text(struct mr_audit *a, const char *rule, enum mr_status st, const char *what,
                  const char *expected, const char *found)
{
    struct mr_audit_finding *const f = &a->finding;
    memset(f, 0, sizeof *f);
    f->rule = rule;
    f->status = st;
    f->what = what;
    f->turn = a->turn;
    f->entry = a->entry;
    f->node = a->convicted;
    f->of_another = a->convicted != 0 && a->convicted != a->node;
    f->has_slot = a->has_slot;
    f->seq = a->seq;
    memcpy(f->account, a->account, sizeof f->account);
    snprintf(f->expected, sizeof f->expected, "%s", expected);
    snprintf(f->found, sizeof f->found, "%s", found);
    a->totals.findings++;
    a->totals.convictions += f->of_another;
    if (a->report != NULL)
        a->report(a->ctx, f);
}

void mri_aud_u64(struct mr_audit *a, const char *rule, enum mr_status st, const char *what,
                 uint64_t expected, uint64_t found)
{
    char e[24], f[24];
    snprintf(e, sizeof e, "%llu", (unsigned long long)expected);
    snprintf(f, sizeof f, "%llu", (unsigned long long)found);
    mri_aud_text(a, rule, st, what, e, f);
}

void mri_aud_i64(struct mr_audit *a, const char *rule, enum mr_status st, const char *what,
                 int64_t expected, int64_t found)
{
    char e[24], f[24];
    snprintf(e, sizeof e, "%lld", (long long)expected);
    snprintf(f, sizeof f, "%lld", (long long)found);
    mri_aud_text(a, rule, st, what, e, f);
}

void mri_aud_hash(struct mr_audit *a, const char *rule, enum mr_status st, const char *what,
                  const uint8_t expected[32], const uint8_t found[32])
{
    char e[65], f[65];
    sodium_bin2hex(e, sizeof e, expected, 32);
    sodium_bin2hex(f, sizeof f, found, 32);
    mri_aud_text(a, rule, st, what, e, f);
}
