#include "admin/federation.h"

#include "mereau/assert.h"

static struct trouble *add(struct federation_view *v, enum trouble_kind kind, uint32_t node)
{
    mr_assert(v->troubles_count < FEDERATION_TROUBLES_MAX);
    struct trouble *t = &v->troubles[v->troubles_count++];
    *t = (struct trouble){.kind = kind, .node = node};
    return t;
}

static bool answers(const struct mr_peer_status *p, uint64_t now_ms)
{
    return p->connected && p->seen_ms + FEDERATION_SILENT_MS >= now_ms;
}

/* It answers, but no head of it came for long, by the clock here: it abstains, or cannot write. */
static bool is_mute(const struct mr_rep_node *node, const struct mr_peer_status *p)
{
    const uint64_t off = (uint64_t)(p->offset_ms < 0 ? -p->offset_ms : p->offset_ms);
    const uint64_t since = p->head_ms == 0    ? node->started_ms
                           : p->offset_ms < 0 ? p->head_ms + off
                           : p->head_ms > off ? p->head_ms - off
                                              : 0;
    return answers(p, node->time_ms) && since + FEDERATION_MUTE_MS < node->time_ms;
}

/* Whether the asked node itself votes: a memory in doubt or a full disk keeps it from that. */
static bool votes(enum mr_status mode)
{
    return mode == MR_OK || mode == MR_BEHIND || mode == MR_NO_QUORUM;
}

/* One that starts votes when enough others answer, and works as they do while these are too few. */
static bool starts_in_vain(const struct federation_view *v, enum mr_status mode)
{
    return mode == MR_STARTING && v->answering + 1 < v->quorum;
}

static void look_at_mode(struct federation_view *v, const struct mr_rep_node *node,
                         enum mr_status mode, bool in_vain)
{
    /* NODE says that the epoch changes, PEERS what keeps the node from it. */
    const bool unkept = mr_status_from_number(node->mode) == MR_CHANGING &&
                        (mode == MR_DISK_FULL || mode == MR_IO_ERROR);
    if (mode == MR_OK)
        return;
    struct trouble *t = add(v, unkept ? TROUBLE_UNKEPT : TROUBLE_MODE, node->node);
    t->status = mode;
    if (in_vain && node->started_ms + FEDERATION_START_MS < node->time_ms)
        t->leaves = v->answering;
}

static int64_t size_of(int64_t offset_ms)
{
    return offset_ms < 0 ? -offset_ms : offset_ms;
}

/* When all others, and two at least, are off to the same side, it is this clock that is wrong: by
 * the least of what they say. 0: it is not. */
static int64_t own_offset(const struct mr_rep_peers *peers, uint64_t now_ms)
{
    int64_t least = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < peers->peers_count; i++) {
        const struct mr_peer_status *p = &peers->peers[i];
        if (!answers(p, now_ms))
            continue;
        if (size_of(p->offset_ms) <= FEDERATION_CLOCK_MS ||
            (count > 0 && (p->offset_ms < 0) != (least < 0)))
            return 0;
        if (count++ == 0 || size_of(p->offset_ms) < size_of(least))
            least = p->offset_ms;
    }
    return count >= 2 ? -least : 0;
}

/* It answers nothing at all, or from the epoch next to this one: that is another trouble than an
 * answer of no use, and the node does not count it as one. */
static bool is_refusal(enum mr_status st)
{
    return st != MR_OK && st != MR_UNREACHABLE && st != MR_NO_ANSWER && st != MR_STOPPING &&
           st != MR_WRONG_EPOCH;
}

static void look_at_peer(struct federation_view *v, const struct mr_rep_peers *all, uint32_t i,
                         uint64_t now_ms, bool own_clock, bool mute)
{
    const struct mr_peer_status *p = &all->peers[i];
    const bool here = answers(p, now_ms);
    struct trouble *t;
    /* Not what passed again; nor of one that has not what it is asked for, and was named for it. */
    const enum mr_status trouble = mr_status_from_number(p->trouble);
    if (p->refused > 0 && is_refusal(trouble) && !mute) {
        t = add(v, TROUBLE_REFUSED, p->node);
        t->leaves = p->refused;
        t->status = trouble;
    }
    if (here && all->leaves > p->sent + FEDERATION_LAG_LEAVES) {
        t = add(v, TROUBLE_LAGS, p->node);
        t->leaves = all->leaves - p->sent;
        t->time_ms = p->head_ms;
    }
    if (here && p->head_size > p->size + FEDERATION_LAG_LEAVES) {
        t = add(v, TROUBLE_BEHIND, p->node);
        t->leaves = p->head_size - p->size;
        t->time_ms = p->head_ms;
    }
    if (here && !own_clock && size_of(p->offset_ms) > FEDERATION_CLOCK_MS)
        add(v, TROUBLE_CLOCK, p->node)->offset_ms = p->offset_ms;
}

static void look_at_absent(struct federation_view *v, const struct mr_rep_peers *all,
                           uint64_t now_ms)
{
    for (uint32_t i = 0; i < all->peers_count; i++) {
        const struct mr_peer_status *p = &all->peers[i];
        if (answers(p, now_ms))
            continue;
        struct trouble *t = add(v, TROUBLE_AWAY, p->node);
        t->status = mr_status_from_number(p->trouble);
        t->time_ms = p->seen_ms;
    }
}

static void count_nodes(struct federation_view *v, const struct mr_rep_node *node,
                        const struct mr_rep_peers *peers, enum mr_status mode)
{
    v->answering = votes(mode) ? 1 : 0;
    for (uint32_t i = 0; i < peers->peers_count; i++) {
        const struct mr_peer_status *const p = &peers->peers[i];
        const bool works = answers(p, node->time_ms) && !is_mute(node, p);
        v->answering += works;
        v->doubtful += works && p->convicted;
        v->convicted += p->convicted;
    }
}

void federation_look(struct federation_view *ret, const struct mr_rep_node *node,
                     const struct mr_rep_peers *peers)
{
    const uint64_t now_ms = node->time_ms;
    const enum mr_status mode = mr_status_from_number(peers->mode);
    const int64_t own_clock = own_offset(peers, now_ms);
    struct federation_view *v = ret;
    *v = (struct federation_view){.nodes = peers->nodes, .quorum = peers->quorum};
    count_nodes(v, node, peers, mode);
    const bool in_vain = starts_in_vain(v, mode);
    v->answering += in_vain ? 1 : 0;
    const uint32_t bears = 2 * v->quorum > v->nodes ? 2 * v->quorum - v->nodes - 1 : 0;
    const uint32_t honest = v->answering - v->doubtful;
    v->settles = v->answering >= v->quorum && mode != MR_NO_QUORUM;
    v->may_be_down = honest > v->quorum ? honest - v->quorum : 0;
    v->may_lie = bears > v->convicted ? bears - v->convicted : 0;
    look_at_mode(v, node, mode, in_vain);
    if (v->convicted > bears)
        add(v, TROUBLE_BROKEN, 0)->leaves = bears;
    for (uint32_t i = 0; i < peers->peers_count; i++)
        if (peers->peers[i].convicted)
            add(v, TROUBLE_CONVICTED, peers->peers[i].node);
    look_at_absent(v, peers, now_ms);
    for (uint32_t i = 0; i < peers->peers_count; i++)
        if (is_mute(node, &peers->peers[i]))
            add(v, TROUBLE_MUTE, peers->peers[i].node)->time_ms = peers->peers[i].head_ms;
    if (own_clock != 0)
        add(v, TROUBLE_OWN_CLOCK, peers->node)->offset_ms = own_clock;
    for (uint32_t i = 0; i < peers->peers_count; i++)
        look_at_peer(v, peers, i, now_ms, own_clock != 0, is_mute(node, &peers->peers[i]));
    if (peers->open > 0 && peers->oldest_ms > 0 && peers->oldest_ms + FEDERATION_WAIT_MS < now_ms) {
        struct trouble *t = add(v, TROUBLE_WAITING, peers->node);
        t->leaves = peers->open;
        t->time_ms = peers->oldest_ms;
    }
}

void federation_ahead(struct federation_view *v, uint32_t node, uint32_t epoch, bool without)
{
    struct trouble *t = NULL;
    for (uint32_t i = 0; i < v->troubles_count; i++)
        if (v->troubles[i].node == node &&
            (v->troubles[i].kind == TROUBLE_MUTE || v->troubles[i].kind == TROUBLE_AWAY))
            t = &v->troubles[i];
    if (t == NULL)
        t = add(v, TROUBLE_LATER, node);
    t->kind = TROUBLE_LATER;
    t->leaves = epoch;
    t->without = without;
    v->settles = false;
}

const struct trouble *federation_trouble(const struct federation_view *v, enum trouble_kind kind)
{
    for (uint32_t i = 0; i < v->troubles_count; i++)
        if (v->troubles[i].kind == kind)
            return &v->troubles[i];
    return NULL;
}

const char *trouble_word(enum trouble_kind kind)
{
    static const char *const words[] = {
        [TROUBLE_MODE] = "mode",           [TROUBLE_UNKEPT] = "state_unkept",
        [TROUBLE_BROKEN] = "broken",       [TROUBLE_CONVICTED] = "convicted",
        [TROUBLE_AWAY] = "away",           [TROUBLE_MUTE] = "mute",
        [TROUBLE_LATER] = "later_epoch",   [TROUBLE_LAGS] = "lags",
        [TROUBLE_BEHIND] = "behind",       [TROUBLE_CLOCK] = "clock",
        [TROUBLE_OWN_CLOCK] = "own_clock", [TROUBLE_REFUSED] = "refused",
        [TROUBLE_WAITING] = "waiting",
    };
    return words[kind];
}
