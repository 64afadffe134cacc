/* Strongly connected components: Tarjan's algorithm with a stack of its own. */
#include <string.h>

#include "audit/stats/stats.h"

struct search {
    const struct mri_stats_pairs *p;
    const size_t *index;
    uint32_t *number, *low; /* by account; number 0: not seen yet */
    size_t *next;           /* pair to look at */
    uint32_t *path, *stack; /* accounts on the way; accounts not in a component yet */
    uint32_t path_count, stack_count, numbers;
    uint32_t *component; /* by account, from 1 */
    uint32_t *size;      /* by component */
    int64_t *turnover;
    uint32_t components;
};

static void enter(struct search *t, uint32_t a)
{
    t->number[a] = t->low[a] = ++t->numbers;
    t->next[a] = t->index[a];
    t->path[t->path_count++] = a;
    t->stack[t->stack_count++] = a;
}

static void close_component(struct search *t, uint32_t root)
{
    uint32_t a;
    t->components++;
    do {
        a = t->stack[--t->stack_count];
        t->component[a] = t->components;
        t->size[t->components]++;
    } while (a != root);
}

static void go(struct search *t, uint32_t start)
{
    enter(t, start);
    while (t->path_count > 0) {
        const uint32_t a = t->path[t->path_count - 1];
        if (t->next[a] < t->index[a + 1]) {
            const uint32_t b = t->p->pairs[t->next[a]++].to;
            if (t->number[b] == 0)
                enter(t, b);
            else if (t->component[b] == 0 && t->number[b] < t->low[a])
                t->low[a] = t->number[b];
            continue;
        }
        t->path_count--;
        if (t->low[a] == t->number[a])
            close_component(t, a);
        if (t->path_count > 0 && t->low[a] < t->low[t->path[t->path_count - 1]])
            t->low[t->path[t->path_count - 1]] = t->low[a];
    }
}

/* Of the components with a cycle: the largest, then that of the larger turnover. */
static uint32_t largest(struct search *t)
{
    uint32_t best = 0;
    for (size_t i = 0; i < t->p->count; i++) {
        const struct mri_stats_pair *const p = &t->p->pairs[i];
        if (t->component[p->from] == t->component[p->to])
            t->turnover[t->component[p->from]] += p->sum;
    }
    for (uint32_t c = 1; c <= t->components; c++) {
        if (t->size[c] < 2)
            continue;
        if (best == 0 || t->size[c] > t->size[best] ||
            (t->size[c] == t->size[best] && t->turnover[c] > t->turnover[best]))
            best = c;
    }
    return best;
}

uint32_t mri_stats_core(uint8_t *ret_in, const struct mri_stats_pairs *p, const size_t *index,
                        uint32_t accounts, const struct mr_mem *mem, enum mr_status *ret_status)
{
    const size_t n = (size_t)accounts + 1;
    struct search t = {.p = p, .index = index};
    uint32_t **const numbers[] = {&t.number, &t.low, &t.path, &t.stack, &t.component, &t.size};
    uint32_t size = 0;
    bool all = true;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        all = (*numbers[i] = mri_stats_room(mem, n, sizeof(uint32_t))) != NULL && all;
    t.next = mri_stats_room(mem, n, sizeof *t.next);
    t.turnover = mri_stats_room(mem, n, sizeof *t.turnover);
    all = all && t.next != NULL && t.turnover != NULL;
    *ret_status = all ? MR_OK : MR_NO_MEMORY;
    for (uint32_t a = 0; all && a < accounts; a++) {
        if (t.number[a] == 0 && index[a] < index[a + 1])
            go(&t, a);
    }
    const uint32_t best = all ? largest(&t) : 0;
    for (uint32_t a = 0; all && a < accounts; a++) {
        ret_in[a] = best != 0 && t.component[a] == best;
        size += ret_in[a];
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        mri_stats_free(mem, *numbers[i]);
    mri_stats_free(mem, t.next);
    mri_stats_free(mem, t.turnover);
    return size;
}
