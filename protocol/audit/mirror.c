/* Other nodes' logs, as the journal has them (JNL-10), and what they convict whom of (EVD-3,
 * EVD-4).
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

int mri_aud_seat(const struct mr_audit *a, uint32_t node)
{
    for (uint32_t i = 0; i < a->charter.nodes_count; i++) {
        if (a->charter.nodes[i].number == node)
            return (int)i;
    }
    return -1;
}

/* JNL-10: what a CUT names of its own log, a node that forgot reads where others have it. */
static bool may_forget(const struct mr_audit *a)
{
    bool named = false;
    for (uint32_t i = 0; a->end.has_cut && i < a->end.cut.logs_count; i++)
        named = named || a->end.cut.logs[i].node == a->node;
    return named && a->abstaining;
}

/* The mirror of another node's log; NULL: it is none of the charter, or the node's own one. */
static struct mri_aud_mirror *mirror_of(struct mr_audit *a, uint32_t node)
{
    const int seat = mri_aud_seat(a, node);
    if (seat < 0 || (node == a->node && !may_forget(a)))
        return NULL;
    if (a->mirrors[seat] == NULL) {
        a->mirrors[seat] = mri_aud_get(a, sizeof *a->mirrors[seat]);
        if (a->mirrors[seat] != NULL)
            a->mirrors[seat]->tree.window = MRI_AUD_WINDOW_OF_PEERS;
    }
    return a->mirrors[seat];
}

void mri_aud_mirrors_done(struct mr_audit *a)
{
    for (size_t i = 0; i < MR_NODES_MAX; i++) {
        if (a->mirrors[i] != NULL)
            mri_aud_tree_done(&a->mirrors[i]->tree, &a->mem);
        mri_aud_put(a, a->mirrors[i]);
    }
    mri_aud_put(a, a->breaches);
    mri_aud_put(a, a->evidence);
}

/* --- convictions ------------------------------------------------------------------------------ */

static bool is_known(const struct mr_audit *a, const struct mr_evidence_facts *f)
{
    for (size_t i = 0; i < a->breaches_count; i++) {
        if (a->breaches[i].node == f->node && a->breaches[i].breach == f->breach &&
            a->breaches[i].seq == f->seq && memcmp(a->breaches[i].account, f->account, 16) == 0)
            return true;
    }
    return false;
}

void mri_aud_convict(struct mr_audit *a, const char *rule, const struct mr_evidence_facts *f)
{
    char expected[64], found[MR_AUDIT_TEXT_MAX];
    void *list = a->breaches;
    if (is_known(a, f) ||
        !mri_aud_room(a, &list, &a->breaches_cap, a->breaches_count, sizeof *a->breaches))
        return;
    a->breaches = list;
    struct mri_aud_breach *const b = &a->breaches[a->breaches_count++];
    *b = (struct mri_aud_breach){.node = f->node, .breach = f->breach, .seq = f->seq};
    memcpy(b->account, f->account, 16);
    a->totals.convicted |= UINT64_C(1) << (f->node & 63);
    if (f->has_slot)
        mri_aud_at(a, f->account, f->seq);
    snprintf(expected, sizeof expected, "no contradiction in the log of node %u",
             (unsigned)f->node);
    snprintf(found, sizeof found, "node %u %s: %s %llu and %llu", (unsigned)f->node,
             mr_breach_text(f->breach), f->breach == MR_BREACH_TWO_HISTORIES ? "sizes" : "leaves",
             (unsigned long long)f->first, (unsigned long long)f->second);
    a->convicted = f->node;
    mri_aud_text(a, rule, f->breach == MR_BREACH_TWO_HISTORIES ? MR_FORKED : MR_CHECK_FAILED,
                 "what a node said, against what it said before", expected, found);
    a->convicted = 0;
}

static void convict_of_fork(struct mr_audit *a, uint32_t node, uint64_t size, uint64_t of)
{
    const struct mr_evidence_facts f = {
        .breach = MR_BREACH_TWO_HISTORIES, .node = node, .first = size, .second = of};
    mri_aud_convict(a, "EVD-3", &f);
}

/* --- heads ------------------------------------------------------------------------------------ */

/* Whose head it is: NULL, and reported, when no key of the present epoch signs such heads. */
static const struct mr_pubkey *key_of(struct mr_audit *a, uint32_t node, const struct mr_head *h)
{
    const int seat = mri_aud_seat(a, node);
    const uint32_t generation = seat < 0 ? 0 : a->generations[seat];
    char e[64], f[64];
    if (seat >= 0 && h->node == node && h->epoch == a->epoch && h->generation == generation)
        return &a->charter.nodes[seat].log_key;
    snprintf(e, sizeof e, "%u/%u/%u", (unsigned)a->epoch, (unsigned)node, (unsigned)generation);
    snprintf(f, sizeof f, "%u/%u/%u", (unsigned)h->epoch, (unsigned)h->node,
             (unsigned)h->generation);
    mri_aud_text(a, "LOG-5", MR_BAD_HEAD, "epoch/node/generation of a peer's head", e, f);
    return NULL;
}

static void sign_job(struct mr_audit *a, const struct mr_head *h, const struct mr_pubkey *key)
{
    char text[256];
    const size_t n = mri_aud_head_text(text, sizeof text, a->ledger, h);
    mri_aud_sign_job(a, "LOG-5", "signature of a peer's head", (const uint8_t *)text, n, h->sig,
                     key->key, 0);
}

static bool is_signed(const struct mr_audit *a, const struct mr_head *h,
                      const struct mr_pubkey *key)
{
    char text[256];
    const size_t n = mri_aud_head_text(text, sizeof text, a->ledger, h);
    return crypto_sign_ed25519_verify_detached(h->sig, (const uint8_t *)text, n, key->key) == 0;
}

/* A head over leaves that are there, signed or not: its root is that of the tree, or its node has
 * forked. */
static void compare_root(struct mr_audit *a, const struct mri_aud_tree *t, const struct mr_head *h,
                         const struct mr_pubkey *key)
{
    uint8_t root[32];
    if (!mri_aud_tree_root(t, root, h->size))
        a->totals.heads_unchecked++;
    else if (memcmp(root, h->root, 32) != 0 && is_signed(a, h, key))
        convict_of_fork(a, h->node, h->size, t->size);
}

/* A head that the mirror has not reached waits. */
static void keep_head(struct mr_audit *a, struct mri_aud_mirror *m, const struct mr_head *h)
{
    const uint32_t cap = sizeof m->pending / sizeof m->pending[0];
    for (uint32_t i = 0; i < m->pending_count; i++) {
        if (m->pending[i].size == h->size && memcmp(m->pending[i].root, h->root, 32) == 0)
            return;
    }
    if (m->pending_count == cap) {
        memmove(m->pending, m->pending + 1, (cap - 1) * sizeof m->pending[0]);
        m->pending_count--;
        a->totals.heads_unchecked++;
    }
    m->pending[m->pending_count++] = *h;
}

static void look_at_head(struct mr_audit *a, struct mri_aud_mirror *m, const struct mr_head *h,
                         const struct mr_pubkey *key)
{
    if (m->lost)
        a->totals.heads_unchecked++;
    else if (h->size <= m->tree.size)
        compare_root(a, &m->tree, h, key);
    else
        keep_head(a, m, h);
}

static void look_at_pending(struct mr_audit *a, struct mri_aud_mirror *m,
                            const struct mr_pubkey *key)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->pending_count; i++) {
        if (m->pending[i].size <= m->tree.size)
            compare_root(a, &m->tree, &m->pending[i], key);
        else
            m->pending[kept++] = m->pending[i];
    }
    m->pending_count = kept;
}

/* --- leaves ----------------------------------------------------------------------------------- */

static void check_start(struct mr_audit *a, uint32_t node, const struct mr_leaf *leaf)
{
    const struct mr_leaf_start *const s = &leaf->u.start;
    char expected[32];
    if (leaf->kind != MR_LEAF_START) {
        mri_aud_text(a, "LOG-2", MR_CHECK_FAILED, "first leaf of a peer's log", "start",
                     mr_leaf_kind_text(leaf->kind));
        return;
    }
    snprintf(expected, sizeof expected, "START of node %u", (unsigned)node);
    if (memcmp(s->ledger, a->ledger, 32) != 0)
        mri_aud_hash(a, "LOG-2", MR_WRONG_LEDGER, "ledger of a peer's START", a->ledger, s->ledger);
    else if (s->node != node || s->epoch != a->epoch ||
             s->generation != a->generations[mri_aud_seat(a, node)])
        mri_aud_text(a, "LOG-2", MR_WRONG_NODE, "first leaf of a peer's log", expected, "another");
}

static void second_start(struct mr_audit *a, uint32_t node, uint64_t index)
{
    const struct mr_evidence_facts f = {
        .breach = MR_BREACH_TWO_STARTS, .node = node, .second = index};
    mri_aud_convict(a, "EVD-4", &f);
}

/* What a node says against all it said about the slot. */
static void contradict(struct mr_audit *a, const struct mri_aud_open *o,
                       const struct mri_aud_said *s)
{
    for (size_t i = 0; i < o->said_count; i++) {
        const struct mri_aud_said *const x = &o->said[i];
        if (x->shown)
            continue;
        const unsigned breach = x->node == s->node ? mri_aud_breach(x, s) : 0;
        if (breach == 0)
            continue;
        struct mr_evidence_facts f = {.breach = (enum mr_breach)breach,
                                      .node = s->node,
                                      .has_slot = true,
                                      .seq = o->seq,
                                      .first = x->index,
                                      .second = s->index};
        memcpy(f.account, o->account->id, 16);
        mri_aud_convict(a, "EVD-4", &f);
    }
}

/* S1: q nodes acknowledge one value of a slot, never another one. */
static void check_unique(struct mr_audit *a, const struct mri_aud_open *o,
                         const struct mri_aud_said *s)
{
    static const uint8_t zero[32];
    if (!o->settled || s->kind != MR_LEAF_ACK || memcmp(o->value, zero, 32) == 0 ||
        memcmp(o->value, s->value, 32) == 0 ||
        mri_aud_count(o, s->kind, s->ballot, s->value) != a->charter.quorum)
        return;
    mri_aud_hash(a, "SLOT-5", MR_FORKED, "value that q nodes acknowledged in a settled slot",
                 o->value, s->value);
}

static void hear(struct mr_audit *a, const struct mri_aud_mirror *m, uint32_t node, uint64_t index,
                 const struct mr_leaf *leaf)
{
    struct mri_aud_said s;
    const uint8_t *account = NULL;
    uint64_t seq = 0;
    if (!mri_aud_read_said(&s, &account, &seq, leaf))
        return;
    s.node = node;
    s.index = index;
    if (mri_aud_silence(a, node, m->sealed, account, seq))
        return;
    struct mri_aud_account *const x = mri_aud_account(a, account);
    struct mri_aud_open *const o = x == NULL ? NULL : mri_aud_slot_get(a, x, seq);
    if (o == NULL)
        return;
    mri_aud_at(a, account, seq);
    contradict(a, o, &s);
    const size_t before = o->said_count;
    mri_aud_say(a, o, &s);
    if (o->said_count != before)
        check_unique(a, o, &s);
    mri_aud_at(a, NULL, 0);
}

/* SLOT-16: a node forgets no checkpoint. Which one is its next cannot be told from here. */
static void peer_rest(struct mr_audit *a, struct mri_aud_mirror *m, uint32_t node,
                      const struct mr_leaf_rest *r)
{
    const uint64_t least = m->rest > 0 ? m->rest : 1;
    char expected[64], found[64];
    if (r->number >= least) {
        m->rest = r->number;
        return;
    }
    snprintf(expected, sizeof expected, "%llu or above", (unsigned long long)least);
    snprintf(found, sizeof found, "node %u, %llu", (unsigned)node, (unsigned long long)r->number);
    mri_aud_text(a, "SLOT-16", MR_CHECK_FAILED, "number of the checkpoint in REST of a peer",
                 expected, found);
}

static void take_leaf(struct mr_audit *a, struct mri_aud_mirror *m, uint32_t node,
                      const struct mr_leaf *leaf)
{
    uint8_t bytes[sizeof *leaf], h[32];
    const uint64_t index = m->size++;
    if (!m->lost) {
        mri_aud_leaf_hash(h, bytes, mr_leaf_encode(leaf, bytes, sizeof bytes));
        if (mri_aud_tree_add(&m->tree, &a->mem, h) != MR_OK)
            a->no_memory = true;
    }
    if (index == 0)
        check_start(a, node, leaf);
    else if (leaf->kind == MR_LEAF_START)
        second_start(a, node, index);
    a->totals.peer_leaves++;
    if (mri_aud_behind_final(a, node, m->has_final, leaf))
        return;
    if (leaf->kind == MR_LEAF_SEEN)
        mri_aud_seen(a, node, &leaf->u.seen.head);
    else if (leaf->kind == MR_LEAF_EVIDENCE && node == a->node)
        a->totals.evidence_unchecked++; /* it forgot that, too */
    else if (leaf->kind == MR_LEAF_EVIDENCE)
        mri_aud_announced(a, node, &leaf->u.evidence);
    else if (leaf->kind == MR_LEAF_SEAL || leaf->kind == MR_LEAF_FINAL)
        mri_aud_peer_end(a, m, node, leaf, index);
    else if (leaf->kind == MR_LEAF_REST)
        peer_rest(a, m, node, &leaf->u.rest);
    else
        hear(a, m, node, index, leaf);
}

/* SLOT-14: one leaf that another node showed, of a log that need not be the one that is mirrored.
 */
static void take_shown(struct mr_audit *a, const struct mr_proof *p)
{
    uint8_t bytes[sizeof p->leaf], hash[32], root[32];
    const struct mr_pubkey *const key = key_of(a, p->head.node, &p->head);
    if (key == NULL)
        return;
    sign_job(a, &p->head, key);
    mri_aud_leaf_hash(hash, bytes, mr_leaf_encode(&p->leaf, bytes, sizeof bytes));
    if (!mri_aud_path_root(root, hash, p->index, p->head.size, p->path, p->path_count) ||
        memcmp(root, p->head.root, 32) != 0) {
        mri_aud_hash(a, "SLOT-14", MR_BAD_PROOF, "root that a leaf's path leads to", p->head.root,
                     root);
        return;
    }
    struct mri_aud_said s;
    const uint8_t *account = NULL;
    uint64_t seq = 0;
    if (!mri_aud_read_said(&s, &account, &seq, &p->leaf))
        return;
    s.node = p->head.node;
    s.index = p->index;
    s.shown = true;
    /* It says nothing about order: what stands behind it in its log may have been read before. */
    struct mri_aud_account *const x = mri_aud_account(a, account);
    struct mri_aud_open *const o = x == NULL ? NULL : mri_aud_slot_get(a, x, seq);
    if (o != NULL)
        mri_aud_say(a, o, &s);
}

void mri_aud_shown(struct mr_audit *a, const struct mr_entry_shown *e)
{
    for (uint32_t i = 0; i < e->proofs_count; i++)
        take_shown(a, &e->proofs[i]);
}

void mri_aud_seen(struct mr_audit *a, uint32_t by, const struct mr_head *h)
{
    if (mri_aud_seat(a, h->node) < 0 || h->node == by) {
        mri_aud_u64(a, "LOG-5", MR_BAD_HEAD, "node of a head that was seen, another of the charter",
                    0, h->node);
        return;
    }
    if (h->node == a->node && (h->epoch != a->epoch || h->generation != a->generation)) {
        a->totals.heads_unchecked++; /* of a log before */
        return;
    }
    const struct mr_pubkey *const key = key_of(a, h->node, h);
    if (key == NULL)
        return;
    sign_job(a, h, key);
    if (h->node != a->node) {
        struct mri_aud_mirror *const m = mirror_of(a, h->node);
        if (m != NULL)
            look_at_head(a, m, h, key);
    } else if (h->size <= a->tree.size) {
        compare_root(a, &a->tree, h, key);
    } else if (h->size > a->shown && is_signed(a, h, key)) {
        a->shown = h->size; /* it lost its memory: JNL-9 */
    }
}

void mri_aud_look_at(struct mr_audit *a, const struct mr_head *h)
{
    const int seat = mri_aud_seat(a, h->node);
    const struct mri_aud_mirror *const m = seat < 0 ? NULL : a->mirrors[seat];
    const struct mri_aud_tree *const t = h->node == a->node      ? &a->tree
                                         : m != NULL && !m->lost ? &m->tree
                                                                 : NULL;
    if (t != NULL && h->size <= t->size)
        compare_root(a, t, h, &a->charter.nodes[seat].log_key);
    else
        a->totals.heads_unchecked++;
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Whether the CUT of this epoch names another history of the log than was read so far. */
static bool is_astray(const struct mr_audit *a, const struct mri_aud_mirror *m, uint32_t node)
{
    uint8_t root[32];
    for (uint32_t i = 0; a->end.has_cut && i < a->end.cut.logs_count; i++) {
        const struct mr_sealed_log *const log = &a->end.cut.logs[i];
        if (log->node == node)
            return m->lost || m->tree.size < log->size ||
                   !mri_aud_tree_root(&m->tree, root, log->size) ||
                   memcmp(root, log->root, 32) != 0;
    }
    return false;
}

/* What a node said by a history that counts no more. */
static void unsay(struct mri_aud_open *o, uint32_t node)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->said_count; i++)
        if (o->said[i].node != node || o->said[i].shown)
            o->said[kept++] = o->said[i];
    o->said_count = kept;
}

/* JNL-10: the mirror begins anew with the history that the CUT names. */
static void begin_afresh(struct mr_audit *a, struct mri_aud_mirror *m, uint32_t node)
{
    mri_aud_tree_done(&m->tree, &a->mem);
    memset(m, 0, sizeof *m);
    m->tree.window = MRI_AUD_WINDOW_OF_PEERS;
    for (struct mri_aud_open *o = a->open; o != NULL; o = o->next)
        unsay(o, node);
}

/* JNL-10: leaves stand in order, without gap. How many of them are known already. */
static uint32_t check_first(struct mr_audit *a, struct mri_aud_mirror *m,
                            const struct mr_entry_peer *p)
{
    if (p->first == 0 && p->leaves_count > 0 && m->size > 0 && is_astray(a, m, p->node))
        begin_afresh(a, m, p->node);
    if (p->first == m->size)
        return 0;
    mri_aud_u64(a, "JNL-10", MR_CHECK_FAILED, "first leaf of a peer's log in an entry", m->size,
                p->first);
    if (p->first < m->size) {
        const uint64_t known = m->size - p->first;
        return known < p->leaves_count ? (uint32_t)known : p->leaves_count;
    }
    m->lost = true;
    m->size = p->first;
    return 0;
}

static void check_head(struct mr_audit *a, struct mri_aud_mirror *m, const struct mr_entry_peer *p)
{
    const struct mr_head *const h = &p->head;
    const struct mr_pubkey *const key = key_of(a, p->node, h);
    uint8_t root[32];
    if (key == NULL)
        return;
    sign_job(a, h, key);
    if (m->has_head && h->size < m->head.size) {
        mri_aud_u64(a, "LOG-4", MR_BAD_HEAD, "size of a peer's head, not below its last one's",
                    m->head.size, h->size);
        return;
    }
    /* LOG-4: no finding. A head that was signed and not written down before a crash binds a node
     * to nothing when its clock was set back meanwhile. */
    if (m->has_head && h->time_ms < m->head.time_ms)
        a->totals.clocks_back |= UINT64_C(1) << (p->node & 63);
    m->head = *h;
    m->has_head = true;
    if (m->lost) {
        a->totals.heads_unchecked++;
        return;
    }
    if (h->size < m->tree.size) {
        mri_aud_u64(a, "LOG-4", MR_BAD_HEAD, "leaves under a peer's head, at least", m->tree.size,
                    h->size);
        return;
    }
    if (!mri_aud_tree_root(&m->tree, root, m->tree.size) ||
        !mri_aud_grows(root, m->tree.size, h->root, h->size, p->consistency,
                       p->consistency_count)) {
        mri_aud_hash(a, "LOG-1", MR_BAD_PROOF, "tree of a peer's leaves, which its head covers",
                     root, h->root);
        m->lost = true;
        return;
    }
    look_at_pending(a, m, key);
    if (h->size > m->tree.size)
        keep_head(a, m, h);
}

void mri_aud_peer(struct mr_audit *a, const struct mr_entry_peer *p)
{
    struct mri_aud_mirror *const m = mirror_of(a, p->node);
    if (m == NULL) {
        if (!a->no_memory)
            mri_aud_u64(a, "JNL-10", MR_WRONG_NODE, "node of a peer's log, another of the charter",
                        0, p->node);
        return;
    }
    for (uint32_t i = check_first(a, m, p); i < p->leaves_count && !a->no_memory; i++)
        take_leaf(a, m, p->node, &p->leaves[i]);
    mri_aud_at(a, NULL, 0);
    check_head(a, m, p);
}

/* --- evidence --------------------------------------------------------------------------------- */

void mri_aud_evidence(struct mr_audit *a, const struct mr_evidence *e, const uint8_t *bytes,
                      size_t len)
{
    struct mr_evidence_facts *const f = &a->facts;
    if (mri_aud_convicts(a, f, e) != MR_OK)
        return;
    void *list = a->evidence;
    if (!mri_aud_room(a, &list, &a->evidence_cap, a->evidence_count, sizeof *a->evidence))
        return;
    a->evidence = list;
    a->evidence[a->evidence_count].node = f->node;
    mr_hash(a->evidence[a->evidence_count].hash, "mereau/evidence", bytes, len, NULL, 0);
    a->evidence_count++;
    mri_aud_convict(a, e->body.kind == MR_EVIDENCE_FORK ? "EVD-3" : "EVD-4", f);
}

/* EVD-7. What another node announces may be known to it alone. */
void mri_aud_announced(struct mr_audit *a, uint32_t by, const struct mr_leaf_evidence *e)
{
    for (size_t i = 0; i < a->evidence_count; i++) {
        if (a->evidence[i].node == e->node && memcmp(a->evidence[i].hash, e->hash, 32) == 0)
            return;
    }
    char hex[65];
    mr_hex_format(hex, e->hash, 32);
    if (by == a->node)
        mri_aud_text(a, "EVD-7", MR_CHECK_FAILED, "hash of evidence that the node announces",
                     "of evidence before it in the journal", hex);
    else
        a->totals.evidence_unchecked++;
}

/* --- for comparing books ---------------------------------------------------------------------- */

static const struct mri_aud_tree *tree_of(const struct mr_audit *a, uint32_t epoch, uint32_t node)
{
    const int seat = mri_aud_seat(a, node);
    if (epoch != a->epoch) {
        const struct mri_aud_past_log *p = a->past_logs;
        while (p != NULL && (p->epoch != epoch || p->node != node))
            p = p->next;
        return p == NULL || p->lost ? NULL : &p->tree;
    }
    if (node == a->node)
        return &a->tree;
    if (seat < 0 || a->mirrors[seat] == NULL || a->mirrors[seat]->lost)
        return NULL;
    return &a->mirrors[seat]->tree;
}

uint64_t mr_audit_log_size(const struct mr_audit *a, uint32_t epoch, uint32_t node)
{
    const struct mri_aud_tree *const t = tree_of(a, epoch, node);
    return t == NULL ? 0 : t->size;
}

bool mr_audit_log_root(const struct mr_audit *a, uint32_t epoch, uint32_t node, uint64_t size,
                       uint8_t ret[MR_HASH_BYTES])
{
    const struct mri_aud_tree *const t = tree_of(a, epoch, node);
    return t != NULL && size <= t->size && mri_aud_tree_root(t, ret, size);
}

bool mr_audit_last_checkpoint(const struct mr_audit *a, struct mr_audit_checkpoint *ret)
{
    *ret = a->last_checkpoint;
    return ret->number > 0;
}

const struct mr_head *mr_audit_head(const struct mr_audit *a)
{
    return a->totals.has_head ? &a->totals.head : NULL;
}

void mr_audit_chains(const struct mr_audit *a, mr_audit_chain fn, void *ctx)
{
    for (size_t i = 0; i < a->accounts.cap; i++) {
        const struct mri_aud_account *const x = a->accounts.slots[i];
        if (x != NULL && x->hot.next_seq > 0)
            fn(ctx, x->id, x->hot.next_seq, x->hot.head);
    }
}

bool mr_audit_chain_of(const struct mr_audit *a, const uint8_t account[MR_ACCOUNT_BYTES],
                       uint64_t *ret_next_seq, uint8_t ret_value[MR_HASH_BYTES])
{
    const struct mri_aud_account *const x = mri_aud_map_get(&a->accounts, account);
    if (x == NULL || x->hot.next_seq == 0)
        return false;
    *ret_next_seq = x->hot.next_seq;
    memcpy(ret_value, x->hot.head, MR_HASH_BYTES);
    return true;
}
