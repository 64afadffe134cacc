/* States of some turns ago. A checkpoint sums up the state of an earlier turn, while payments went
 * on. */
#include <string.h>

#include "audit/state.h"

static void drop_oldest(struct mr_audit *a)
{
    struct mri_aud_undo *const u = &a->past.ring[a->past.first];
    a->past.lost_turn = u->turn;
    mri_aud_put(a, u->cold);
    a->past.first = (a->past.first + 1) % a->past.cap;
    a->past.count--;
}

static bool widen(struct mr_audit *a)
{
    struct mri_aud_past *const p = &a->past;
    const size_t cap = p->cap == 0 ? 1024 : p->cap * 2;
    struct mri_aud_undo *const ring = mri_aud_get(a, cap * sizeof *ring);
    if (ring == NULL)
        return false;
    for (size_t i = 0; i < p->count; i++)
        ring[i] = p->ring[(p->first + i) % p->cap];
    mri_aud_put(a, p->ring);
    p->ring = ring;
    p->cap = cap;
    p->first = 0;
    return true;
}

static struct mri_aud_undo *record(struct mr_audit *a, struct mri_aud_account *account)
{
    struct mri_aud_past *const p = &a->past;
    if (p->count == p->cap && p->cap == MRI_AUD_UNDO_MAX)
        drop_oldest(a);
    else if (p->count == p->cap && !widen(a))
        return NULL;
    struct mri_aud_undo *const u = &p->ring[(p->first + p->count++) % p->cap];
    u->turn = a->turn;
    u->account = account;
    u->hot = account->hot;
    u->cold = NULL;
    return u;
}

void mri_aud_touch(struct mr_audit *a, struct mri_aud_account *account)
{
    if (account->hot_turn == a->turn || account->unknown)
        return;
    account->hot_turn = a->turn;
    record(a, account);
}

void mri_aud_touch_cold(struct mr_audit *a, struct mri_aud_account *account)
{
    if (account->cold_turn == a->turn || account->unknown)
        return;
    account->cold_turn = a->turn;
    struct mri_aud_cold *const cold = mri_aud_get(a, sizeof *cold);
    if (cold == NULL)
        return;
    *cold = account->cold;
    struct mri_aud_undo *const u = record(a, account);
    if (u == NULL)
        mri_aud_put(a, cold);
    else
        u->cold = cold;
}

void mri_aud_touch_listing(struct mr_audit *a, struct mri_aud_listing *l)
{
    struct mri_aud_undo_listing *const u = mri_aud_get(a, sizeof *u);
    if (u == NULL)
        return;
    u->turn = a->turn;
    u->listing = l;
    u->row = l->row;
    u->next = a->past.listings;
    a->past.listings = u;
}

/* Exchange, so that the way back is the same in the other direction. A cold record that follows a
 * hot one of the same turn holds a later hot part: the older one is entered last and wins. */
static void swap(struct mri_aud_undo *u)
{
    const struct mri_aud_hot hot = u->account->hot;
    u->account->hot = u->hot;
    u->hot = hot;
    if (u->cold == NULL)
        return;
    const struct mri_aud_cold cold = u->account->cold;
    u->account->cold = *u->cold;
    *u->cold = cold;
}

static void swap_listings(struct mr_audit *a, uint64_t turn)
{
    for (struct mri_aud_undo_listing *u = a->past.listings; u != NULL && u->turn > turn;
         u = u->next) {
        const struct mr_state_alias row = u->listing->row;
        u->listing->row = u->row;
        u->row = row;
    }
}

static void reverse_listings(struct mr_audit *a, uint64_t turn)
{
    struct mri_aud_undo_listing *u = a->past.listings, *behind = NULL;
    while (u != NULL && u->turn > turn) {
        struct mri_aud_undo_listing *const next = u->next;
        u->next = behind;
        behind = u;
        u = next;
    }
    struct mri_aud_undo_listing *const older = u;
    for (u = behind; u != NULL && u->next != NULL;)
        u = u->next;
    if (u == NULL)
        return;
    u->next = older;
    a->past.listings = behind;
}

bool mri_aud_past_enter(struct mr_audit *a, uint64_t turn)
{
    struct mri_aud_past *const p = &a->past;
    if (turn < p->lost_turn)
        return false;
    for (size_t i = p->count; i-- > 0;) {
        struct mri_aud_undo *const u = &p->ring[(p->first + i) % p->cap];
        if (u->turn <= turn)
            break;
        swap(u);
    }
    swap_listings(a, turn);
    return true;
}

void mri_aud_past_leave(struct mr_audit *a, uint64_t turn)
{
    struct mri_aud_past *const p = &a->past;
    size_t i = p->count;
    while (i > 0 && p->ring[(p->first + i - 1) % p->cap].turn > turn)
        i--;
    for (; i < p->count; i++)
        swap(&p->ring[(p->first + i) % p->cap]);
    reverse_listings(a, turn);
    swap_listings(a, turn);
    reverse_listings(a, turn);
}

void mri_aud_past_done(struct mr_audit *a)
{
    while (a->past.count > 0)
        drop_oldest(a);
    mri_aud_put(a, a->past.ring);
    a->past.ring = NULL;
    while (a->past.listings != NULL) {
        struct mri_aud_undo_listing *const next = a->past.listings->next;
        mri_aud_put(a, a->past.listings);
        a->past.listings = next;
    }
}
