/* The tree of a log, the own one or a peer's: appends leaf hashes, keeps the right edge in memory
 * and complete tiles in the view, gives roots and proofs for any size up to the present one. */
#ifndef MEREAU_LOG_TREE_H
#define MEREAU_LOG_TREE_H

#include "ledger/view.h"
#include "mereau/record.h"

enum { MRI_TREE_LEVELS = 7, MRI_TILE_HASHES = 256, MRI_TILE_NODES = 2 * MRI_TILE_HASHES - 1 };
/* Proofs about old leaves need a tile of each level of a large log, and two where they meet. */
enum { MRI_TREE_COLD = 4 };

/* Hashes of one tile and all nodes above them: height h stands behind all lower heights. */
struct mri_tile {
    uint64_t index;
    uint32_t count;
    uint8_t node[MRI_TILE_NODES][32];
};

struct mri_tree {
    struct mri_view *view;
    uint32_t node, epoch; /* one log each */
    uint64_t size;
    struct mri_tile edge[MRI_TREE_LEVELS]; /* growing tile of each level */
    struct mri_tile last[MRI_TREE_LEVELS]; /* the complete one before it; count 0: none */
    struct mri_tile cold[MRI_TREE_COLD];   /* those fetched from the view last; count 0: none */
    uint32_t cold_level[MRI_TREE_COLD], cold_next;
    bool dirty[MRI_TREE_LEVELS];
    /* Roots that were asked for last: all peers ask for the same. */
    struct {
        uint64_t size; /* 0: none */
        uint8_t root[32];
    } roots[16];
    uint32_t roots_next;
    /* Right-hand parts of a head's tree, which all proofs of one turn share. */
    struct {
        uint64_t start, size;
        uint8_t root[32];
    } ragged[64];
};

/* Take up the tree of `size` leaves that the view holds. MR_OK, MR_DAMAGED or the store's trouble.
 */
enum mr_status mri_tree_load(struct mri_tree *t, struct mri_view *view, uint32_t node,
                             uint32_t epoch, uint64_t size);

/* Nodes that leaves complete, in the order in which appending them meets them, and the root of the
 * tree of `size` leaves (0: none): who looked at what leaves lead to has hashed them, and need not
 * do so again. */
struct mri_joins {
    uint32_t count, used;
    uint64_t size;
    uint8_t node[MR_LEAVES_MAX + 64][32], root[32];
};

/* Append one leaf hash. Puts a tile into the view when it is complete (room was reserved). What
 * `joins` holds unused are the next nodes; NULL: nothing. */
void mri_tree_append(struct mri_tree *t, const uint8_t leaf_hash[32], struct mri_joins *joins);

/* Put the growing tiles into the view; before it is frozen. */
void mri_tree_store(struct mri_tree *t);

/* Hash of the leaf; index < size of the tree. */
enum mr_status mri_tree_leaf(struct mri_tree *t, uint8_t ret[32], uint64_t index);

/* Root of the first `size` leaves. */
enum mr_status mri_tree_root(struct mri_tree *t, uint8_t ret[32], uint64_t size);

/* What appending needs to know of a tree: the roots of its complete subtrees, largest first. */
struct mri_frontier {
    uint64_t size;
    uint32_t count;
    uint8_t root[64][32];
};
enum mr_status mri_tree_frontier(struct mri_tree *t, struct mri_frontier *ret);
/* At most MR_LEAVES_MAX of them; `joins` takes what they complete. */
void mri_frontier_append(struct mri_frontier *f, const uint8_t leaf_hash[32],
                         struct mri_joins *joins);
void mri_frontier_root(const struct mri_frontier *f, struct mri_joins *joins);

/* RFC 6962 inclusion path of leaf `index` in the tree of `size` leaves; index < size. ret holds
 * MR_PATH_MAX hashes. */
enum mr_status mri_tree_path(struct mri_tree *t, struct mr_hash *ret, uint32_t *ret_count,
                             uint64_t index, uint64_t size);

/* RFC 6962 consistency proof from `old_size` to `size`. ret holds 2 * MR_PATH_MAX hashes. */
enum mr_status mri_tree_consistency(struct mri_tree *t, struct mr_hash *ret, uint32_t *ret_count,
                                    uint64_t old_size, uint64_t size);

#endif
