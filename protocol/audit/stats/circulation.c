/* Circularity: the most that can go round under the pair totals.
 *
 * Take all payments as a flow. What some accounts paid more than they got, others got more than
 * they paid: to make a circulation of it, flow must be taken off along ways from the first to the
 * second. The least that must be taken off is a minimum-cost flow in which every edge costs 1;
 * what is left is the maximum circulation. Its value is unique, the circulation is not.
 *
 * Primal-dual: distances under reduced costs (small whole numbers: buckets, no heap), then a
 * maximum flow over the edges of reduced cost 0 (Dinic), until nobody has anything to take off. */
#include <string.h>

#include "audit/stats/stats.h"

#define NOWHERE UINT32_MAX

struct net {
    uint32_t nodes;
    size_t arcs;    /* arc a and its reverse a ^ 1 */
    uint32_t *head; /* node that an arc leads to */
    int64_t *room;  /* left of its capacity */
    size_t *first;  /* arcs of a node: in list[first[v]] to list[first[v + 1] - 1] */
    uint32_t *list;
    int64_t *excess; /* to be taken off from here (above 0) or up to here (below) */
    int32_t *potential;
    uint32_t *distance, *bucket;
    uint32_t *after, *before; /* neighbours in a bucket */
    uint32_t *level, *queue;
    size_t *at; /* arc to try next */
    uint32_t *way;
};

static int32_t reduced_cost(const struct net *n, uint32_t arc)
{
    const int32_t cost = arc % 2 == 0 ? 1 : -1;
    return cost + n->potential[n->head[arc ^ 1]] - n->potential[n->head[arc]];
}

/* --- distances -------------------------------------------------------------------------------- */

static void put(struct net *n, uint32_t v, uint32_t distance)
{
    const uint32_t first = n->bucket[distance];
    n->distance[v] = distance;
    n->after[v] = first;
    n->before[v] = NOWHERE;
    if (first != NOWHERE)
        n->before[first] = v;
    n->bucket[distance] = v;
}

static void take_out(struct net *n, uint32_t v)
{
    if (n->before[v] != NOWHERE)
        n->after[n->before[v]] = n->after[v];
    else
        n->bucket[n->distance[v]] = n->after[v];
    if (n->after[v] != NOWHERE)
        n->before[n->after[v]] = n->before[v];
}

static uint32_t buckets_of(uint32_t nodes)
{
    return 4 * nodes + 4;
}

static void relax(struct net *n, uint32_t v)
{
    for (size_t i = n->first[v]; i < n->first[v + 1]; i++) {
        const uint32_t arc = n->list[i], to = n->head[arc];
        if (n->room[arc] == 0)
            continue;
        const int32_t cost = reduced_cost(n, arc);
        mr_assert(cost >= 0);
        const uint32_t distance = n->distance[v] + (uint32_t)cost;
        if (distance >= n->distance[to])
            continue;
        mr_assert(distance < buckets_of(n->nodes));
        if (n->distance[to] != NOWHERE)
            take_out(n, to);
        put(n, to, distance);
    }
}

/* Distances from all nodes that have something to take off; false: there are none. */
static bool measure(struct net *n)
{
    bool any = false;
    const uint32_t buckets = buckets_of(n->nodes);
    memset(n->bucket, 0xff, buckets * sizeof *n->bucket);
    memset(n->distance, 0xff, n->nodes * sizeof *n->distance);
    for (uint32_t v = 0; v < n->nodes; v++) {
        if (n->excess[v] > 0) {
            put(n, v, 0);
            any = true;
        }
    }
    for (uint32_t d = 0; d < buckets; d++) {
        while (n->bucket[d] != NOWHERE) {
            const uint32_t v = n->bucket[d];
            take_out(n, v);
            relax(n, v);
        }
    }
    /* What cannot be reached now never will be. */
    for (uint32_t v = 0; v < n->nodes; v++)
        n->potential[v] += n->distance[v] == NOWHERE ? 0 : (int32_t)n->distance[v];
    return any;
}

/* --- maximum flow over edges of reduced cost 0 -------------------------------------------------
 */

static bool set_levels(struct net *n)
{
    uint32_t head = 0, tail = 0;
    bool reached = false;
    memset(n->level, 0xff, n->nodes * sizeof *n->level);
    for (uint32_t v = 0; v < n->nodes; v++) {
        n->at[v] = n->first[v];
        if (n->excess[v] > 0) {
            n->level[v] = 0;
            n->queue[tail++] = v;
        }
    }
    while (head < tail) {
        const uint32_t v = n->queue[head++];
        reached = reached || n->excess[v] < 0;
        for (size_t i = n->first[v]; i < n->first[v + 1]; i++) {
            const uint32_t arc = n->list[i], to = n->head[arc];
            if (n->room[arc] == 0 || n->level[to] != NOWHERE || reduced_cost(n, arc) != 0)
                continue;
            n->level[to] = n->level[v] + 1;
            n->queue[tail++] = to;
        }
    }
    return reached;
}

/* The next arc that leads on from v; NOWHERE: none. */
static uint32_t step(struct net *n, uint32_t v)
{
    for (; n->at[v] < n->first[v + 1]; n->at[v]++) {
        const uint32_t arc = n->list[n->at[v]];
        if (n->room[arc] > 0 && n->level[n->head[arc]] == n->level[v] + 1 &&
            reduced_cost(n, arc) == 0)
            return arc;
    }
    return NOWHERE;
}

/* One way from a node with excess to one that lacks it; 0: there is none any more. Gives what was
 * taken off times the steps, a step back against an edge counting -1. */
static int64_t push(struct net *n, uint32_t source, wide *ret_taken)
{
    uint32_t steps = 0, v = source;
    while (n->excess[v] >= 0 || v == source) {
        const uint32_t arc = step(n, v);
        if (arc != NOWHERE) {
            n->way[steps++] = arc;
            v = n->head[arc];
            continue;
        }
        if (steps == 0)
            return 0;
        v = n->head[n->way[--steps] ^ 1];
        n->at[v]++;
    }
    int64_t amount = n->excess[source] < -n->excess[v] ? n->excess[source] : -n->excess[v];
    for (uint32_t i = 0; i < steps; i++)
        amount = n->room[n->way[i]] < amount ? n->room[n->way[i]] : amount;
    for (uint32_t i = 0; i < steps; i++) {
        n->room[n->way[i]] -= amount;
        n->room[n->way[i] ^ 1] += amount;
        *ret_taken += n->way[i] % 2 == 0 ? amount : -amount;
    }
    n->excess[source] -= amount;
    n->excess[v] += amount;
    return amount;
}

static wide solve(struct net *n)
{
    wide taken = 0;
    while (measure(n)) {
        while (set_levels(n)) {
            for (uint32_t v = 0; v < n->nodes; v++) {
                while (n->excess[v] > 0 && push(n, v, &taken) > 0)
                    ;
            }
        }
    }
    return taken;
}

/* --- the net ---------------------------------------------------------------------------------- */

static void fill(struct net *n, const struct mri_stats_pairs *p, const uint32_t *node)
{
    for (size_t i = 0; i < p->count; i++) {
        const uint32_t from = node[p->pairs[i].from] - 1, to = node[p->pairs[i].to] - 1;
        n->head[2 * i] = to;
        n->head[2 * i + 1] = from;
        n->room[2 * i] = p->pairs[i].sum;
        n->excess[from] += p->pairs[i].sum;
        n->excess[to] -= p->pairs[i].sum;
        n->first[from + 1]++;
        n->first[to + 1]++;
    }
    for (uint32_t v = 0; v < n->nodes; v++)
        n->first[v + 1] += n->first[v];
    memcpy(n->at, n->first, n->nodes * sizeof *n->at);
    for (size_t a = 0; a < n->arcs; a++)
        n->list[n->at[n->head[a ^ 1]]++] = (uint32_t)a;
}

static bool make(struct net *n, const struct mr_mem *mem)
{
    const size_t v = (size_t)n->nodes + 1;
    n->head = mri_stats_room(mem, n->arcs, sizeof *n->head);
    n->room = mri_stats_room(mem, n->arcs, sizeof *n->room);
    n->list = mri_stats_room(mem, n->arcs, sizeof *n->list);
    n->first = mri_stats_room(mem, v, sizeof *n->first);
    n->excess = mri_stats_room(mem, v, sizeof *n->excess);
    n->potential = mri_stats_room(mem, v, sizeof *n->potential);
    n->distance = mri_stats_room(mem, v, sizeof *n->distance);
    n->after = mri_stats_room(mem, v, sizeof *n->after);
    n->before = mri_stats_room(mem, v, sizeof *n->before);
    n->bucket = mri_stats_room(mem, buckets_of(n->nodes), sizeof *n->bucket);
    n->level = mri_stats_room(mem, v, sizeof *n->level);
    n->queue = mri_stats_room(mem, v, sizeof *n->queue);
    n->at = mri_stats_room(mem, v, sizeof *n->at);
    n->way = mri_stats_room(mem, v, sizeof *n->way);
    return n->head != NULL && n->room != NULL && n->list != NULL && n->first != NULL &&
           n->excess != NULL && n->potential != NULL && n->distance != NULL && n->after != NULL &&
           n->before != NULL && n->bucket != NULL && n->level != NULL && n->queue != NULL &&
           n->at != NULL && n->way != NULL;
}

static void unmake(struct net *n, const struct mr_mem *mem)
{
    void *const all[] = {n->head,      n->room,     n->first,  n->list,  n->excess,
                         n->potential, n->distance, n->bucket, n->after, n->before,
                         n->level,     n->queue,    n->at,     n->way};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        mri_stats_free(mem, all[i]);
}

enum mr_status mri_stats_circulation(wide *ret, int64_t *ret_left, const struct mri_stats_pairs *p,
                                     uint32_t accounts, const struct mr_mem *mem)
{
    struct net n = {.arcs = 2 * p->count};
    wide all = 0;
    uint32_t *const node = mri_stats_room(mem, accounts, sizeof *node);
    if (node == NULL)
        return MR_NO_MEMORY;
    for (size_t i = 0; i < p->count; i++) {
        const uint32_t ends[] = {p->pairs[i].from, p->pairs[i].to};
        all += p->pairs[i].sum;
        for (int k = 0; k < 2; k++)
            node[ends[k]] = node[ends[k]] != 0 ? node[ends[k]] : ++n.nodes;
    }
    const bool ready = make(&n, mem);
    if (ready) {
        fill(&n, p, node);
        *ret = all - solve(&n);
        for (size_t i = 0; ret_left != NULL && i < p->count; i++)
            ret_left[i] = n.room[2 * i];
    }
    unmake(&n, mem);
    mri_stats_free(mem, node);
    return ready ? MR_OK : MR_NO_MEMORY;
}
