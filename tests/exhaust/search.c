#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exhaust.h"
#include "mereau/assert.h"

/* --- what a node may do ----------------------------------------------------------------------- */

static uint64_t deeds_of(struct search *x, const uint32_t view[KEY_WORDS]);

/* The log without the leaf that stands `back` before its end. */
static uint32_t leave_out(struct search *x, uint32_t log, uint32_t back)
{
    const struct log l = x->logs.at[log];
    if (back == 0)
        return l.before;
    return logs_add(&x->logs, leave_out(x, l.before, back - 1), l.last);
}

/* Whether a log may be read without this leaf, but with later ones: its writer sent it to others.
 */
static bool may_miss(const struct search *x, uint32_t log, uint32_t back)
{
    const uint64_t said = x->logs.at[log].said;
    while (back-- > 0)
        log = x->logs.at[log].before;
    const uint32_t leaf = x->logs.at[log].last;
    if (x->w.any_subset || x->w.without != WITHOUT_VOTE_ONCE || leaf >= LEAF_ACKS)
        return x->w.any_subset;
    const uint64_t ballot = said >> leaf / VALUES_MAX * VALUES_MAX & ((1U << VALUES_MAX) - 1);
    return (ballot & (ballot - 1)) != 0;
}

/* In full, or with less of one of the others' logs. */
static uint64_t deeds_of_all(struct search *x, const uint32_t view[KEY_WORDS])
{
    uint64_t deeds = view_deeds(x, view);
    for (uint32_t i = 1; i < x->honest; i++) {
        const uint32_t length = x->logs.at[view[i]].length;
        for (uint32_t back = 0; back < length; back++) {
            uint32_t less[KEY_WORDS];
            if (back > 0 && !may_miss(x, view[i], back))
                continue;
            memcpy(less, view, sizeof less);
            less[i] = leave_out(x, view[i], back);
            deeds |= deeds_of(x, less);
        }
    }
    return deeds;
}

/* What a node may do that wrote view[0] and read something of view[1..]. */
static uint64_t deeds_of(struct search *x, const uint32_t view[KEY_WORDS])
{
    uint32_t least[KEY_WORDS];
    const uint32_t renaming = logs_least(&x->logs, least, view, 1, x->honest);
    const uint64_t *const known = table_find(&x->views, least);
    const uint64_t deeds = known != NULL ? *known : deeds_of_all(x, least);
    if (known == NULL)
        table_put(&x->views, least, deeds);
    return deeds_rename(&x->logs, deeds, renaming, true);
}

/* --- states ----------------------------------------------------------------------------------- */

static void add_state(struct search *x, const uint32_t logs[KEY_WORDS])
{
    uint32_t least[KEY_WORDS];
    logs_least(&x->logs, least, logs, 0, x->honest);
    if (table_find(&x->seen, least) != NULL)
        return;
    table_put(&x->seen, least, 0);
    if (x->states_count == x->states_cap) {
        x->states_cap = x->states_cap == 0 ? 1024 : 2 * x->states_cap;
        x->states = realloc(x->states, x->states_cap * sizeof x->states[0]);
        mr_assert(x->states != NULL);
    }
    memcpy(x->states[x->states_count++], least, sizeof least);
}

/* The state after node i appended a leaf. */
static void append(struct search *x, const uint32_t logs[KEY_WORDS], uint32_t i, uint32_t leaf)
{
    uint32_t next[KEY_WORDS];
    memcpy(next, logs, sizeof next);
    next[i] = logs_add(&x->logs, logs[i], leaf);
    add_state(x, next);
}

/* The VOTEs and UNLOCKs and ACKs of the set. */
static void follow(struct search *x, const uint32_t logs[KEY_WORDS], uint32_t i, uint64_t deeds)
{
    const uint32_t report = x->logs.at[logs[i]].report;
    for (uint32_t leaf = 0; leaf < LEAF_UNLOCKS; leaf++)
        if ((deeds & DEED(leaf)) != 0)
            append(x, logs, i, leaf);
    for (uint32_t ballot = 1; ballot < x->w.ballots; ballot++) {
        if ((deeds & DEED_UNLOCK(ballot)) == 0)
            continue;
        append(x, logs, i, unlock_of(ballot, report));
        if (x->w.without == WITHOUT_TRUTH && report != 0)
            append(x, logs, i, unlock_of(ballot, 0));
    }
}

/* --- states that others stand for ------------------------------------------------------------- */

static uint64_t of_ballot(uint32_t ballot, uint32_t values)
{
    return ((UINT64_C(1) << values) - 1) << pair_of(ballot, 0);
}

/* Deeds that need not wait: whatever happens without them happens after one of them as well. */
static uint64_t at_once(const struct search *x, uint32_t log, uint64_t deeds)
{
    const uint32_t ballot = x->logs.at[log].promised;
    const uint64_t votes = of_ballot(ballot, x->w.values);
    const uint64_t acks = votes << LEAF_ACKS;
    if ((x->logs.at[log].said & votes) == 0 && (deeds & votes) == votes)
        return votes;
    if (ballot + 1 == x->w.ballots && (deeds & acks) != 0)
        return deeds & acks;
    return 0;
}

/* Without the VOTEs and ACKs of ballots that the node may still promise by an UNLOCK. */
static uint64_t promised_first(const struct search *x, uint32_t log, uint64_t deeds)
{
    for (uint32_t ballot = x->logs.at[log].promised + 1; ballot < x->w.ballots; ballot++)
        deeds &= ~(of_ballot(ballot, x->w.values) | of_ballot(ballot, x->w.values) << LEAF_ACKS);
    return deeds;
}

/* Whether two values are settled. */
static bool doubled(uint64_t deeds)
{
    uint32_t values = 0;
    for (uint32_t pair = 0; pair < PAIRS; pair++)
        if ((deeds & DEED_SETTLED(pair)) != 0)
            values |= 1U << pair % VALUES_MAX;
    return (values & (values - 1)) != 0;
}

/* All nodes' deeds in a state, and the states after it. */
static uint64_t expand(struct search *x, const uint32_t logs[KEY_WORDS])
{
    uint64_t deeds[HONEST_MAX], met = 0;
    for (uint32_t i = 0; i < x->honest; i++) {
        uint32_t view[KEY_WORDS] = {logs[i]};
        for (uint32_t k = 0, n = 1; k < x->honest; k++)
            if (k != i)
                view[n++] = logs[k];
        const uint64_t all = deeds_of(x, view);
        view_own(x, &x->logs.at[logs[i]], logs[i]);
        met |= all;
        deeds[i] = all & ~x->logs.at[logs[i]].said;
        if (x->w.reduced)
            deeds[i] = promised_first(x, logs[i], deeds[i]);
    }
    for (uint32_t i = 0; i < x->honest && x->w.reduced; i++) {
        const uint64_t now = at_once(x, logs[i], deeds[i]);
        if (now == 0)
            continue;
        follow(x, logs, i, now);
        return met;
    }
    for (uint32_t i = 0; i < x->honest; i++)
        if (i == 0 || logs[i] != logs[i - 1]) /* else as the one before */
            follow(x, logs, i, deeds[i]);
    return met;
}

void search_run(struct search *x, const struct world *w)
{
    *x = (struct search){.w = *w, .honest = w->nodes - w->liars};
    mr_assert(w->nodes <= NODES_MAX);
    mr_assert(x->honest >= 1);
    mr_assert(x->honest <= HONEST_MAX);
    mr_assert(w->ballots <= BALLOTS_MAX);
    x->stuck_known = x->honest >= w->quorum && w->ballots < BALLOTS_MAX;
    logs_init(&x->logs, w->values);
    add_state(x, (const uint32_t[KEY_WORDS]){0});
    for (; x->at < x->states_count && !x->doubled; x->at++) {
        uint32_t logs[KEY_WORDS];
        memcpy(logs, x->states[x->at], sizeof logs);
        const uint64_t deeds = expand(x, logs);
        x->met |= deeds;
        if (x->stuck_known && !view_finishes(x, logs))
            x->stuck++;
        x->doubled = doubled(deeds);
    }
}

void search_done(struct search *x)
{
    logs_done(&x->logs);
    table_done(&x->views);
    table_done(&x->seen);
    free(x->states);
}

/* --- showing ---------------------------------------------------------------------------------- */

static void print_log(const struct search *x, uint32_t log)
{
    if (log == 0)
        return;
    print_log(x, x->logs.at[log].before);
    const uint32_t leaf = x->logs.at[log].last;
    if (leaf < LEAF_UNLOCKS) {
        const uint32_t pair = leaf < LEAF_ACKS ? leaf : leaf - LEAF_ACKS;
        printf(" %s(%u,%c)", leaf < LEAF_ACKS ? "VOTE" : "ACK", pair / VALUES_MAX,
               (char)('a' + pair % VALUES_MAX));
        return;
    }
    const uint32_t ballot = (leaf - LEAF_UNLOCKS) / REPORTS;
    const uint32_t report = (leaf - LEAF_UNLOCKS) % REPORTS;
    if (report == 0)
        printf(" UNLOCK(%u,none)", ballot);
    else
        printf(" UNLOCK(%u,%u:%c)", ballot, (report - 1) / VALUES_MAX,
               (char)('a' + (report - 1) % VALUES_MAX));
}

void search_print(const struct search *x)
{
    const uint32_t *const logs = x->states[x->at - 1];
    for (uint32_t i = 0; i < x->honest; i++) {
        printf("    node %u:", i + 1);
        print_log(x, logs[i]);
        printf("\n");
    }
}
