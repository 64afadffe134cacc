/** Where turns come from: a data or backup directory, an export file, a live node.
 *
 *  Which one follows from the command line: SOURCE (a directory or a file), --node HOST:PORT with
 *  --key, or --control PATH. */
#ifndef MEREAU_AUDIT_SOURCE_H
#define MEREAU_AUDIT_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/command.h"
#include "common/epochs.h"
#include "common/link.h"
#include "common/secret.h"
#include "mereau/audit.h"

enum { CHARTER_BYTES_MAX = 1 << 20 };

/** Options of all commands that read a book. */
#define SOURCE_OPTIONS                                                                             \
    {"charter", 'c', N_("FILE"), N_("charter that is trusted (else the source's own)")},           \
        {"node", 'n', N_("HOST:PORT"), N_("read from a running node, with --key")},                \
        {"key", 'k', N_("FILE"), N_("auditor's key file, for --node")},                            \
        {"control", 0, N_("PATH"), N_("read from a running node's control socket")},               \
        SECRET_OPTIONS

struct source {
    const struct command *c;
    struct out *out;
    uint8_t *charter_bytes;
    size_t charter_len;
    struct mr_charter *charter;
    uint8_t ledger[32];
    bool own_charter;           /* the source's own charter is believed */
    struct epochs epochs;       /* that were learned */
    struct mr_charter *present; /* as it stands in the last of them */
    uint64_t size;              /* bytes of log to come, for progress; 0: not known */
    uint64_t torn;              /* bytes behind the last whole turn */
    char damage[512];           /* why reading ended early; empty: it did not */
    uint64_t from; /* of a directory: turns in front of this position of the log may be left out */
    /* one of these */
    char dir[4096];
    FILE *file;
    struct link *link;
    struct mr_reply *reply;
    struct mr_seckey *key; /* sodium_malloc'd */
};

/** One turn, lent. `done`: bytes of log so far. Anything but MR_OK ends the walk with it. */
typedef enum mr_status (*source_turn)(void *ctx, const struct mr_audit_turn *turn, uint64_t done);

/** Finds and opens what the command line names. MR_OK, or reported with out_fail. */
enum mr_status source_open(struct source *ret, const struct command *c, struct out *out);

/** The same for this directory or file. */
enum mr_status source_open_path(struct source *ret, const struct command *c, struct out *out,
                                const char *path);

/** All turns in order. MR_OK (see s->damage); or a trouble already reported; or the callback's. */
enum mr_status source_walk(struct source *s, source_turn turn, void *ctx);

void source_close(struct source *s);

/** The epochs up to that of a head, into s->epochs, verified from the charter on: those that its
 *  reply carries, and the others asked of the node. MR_OK, or why they do not lead there; nothing
 *  is reported. */
enum mr_status source_learn(struct source *s, struct link *link, const struct mr_rep_head *r);

/** Whether who answers on a link is a node of the ledger: of its charter, or of the last epoch that
 *  was learned. A ledger of one node may have grown, so that a key is not pinned before. */
bool source_is_node(const struct source *s, const struct link *l);
/** Why a node does not answer, as a sentence; of a key that it does not know, what to do. */
const char *source_why(const struct source *s, enum mr_status st);
/** The same of a node whose book was to be read. */
const char *source_why_unread(const struct source *s, enum mr_status st);

/** Of --key, into s->key. Reported. */
enum mr_status source_read_key(struct source *s);

/** The charter of the node that --node (the first one) or --control names: it is believed.
 * Reported.
 */
enum mr_status source_fetch_charter(struct source *s);

/** Reads --charter, or `path` when it is not given: a file, or a directory that holds charter.mrc.
 *  Reported. */
enum mr_status source_read_charter(struct source *s, const char *path);

/** The charter of a directory that one ledger has for itself: its own once there is one, and
 *  --charter must be the same; before, --charter or that of the node. Reported. */
enum mr_status source_own_charter(struct source *s, const char *dir);

/** Parts of source_walk: source_file.c and source_node.c. */
enum mr_status source_open_export(struct source *s, const char *path);
enum mr_status source_walk_export(struct source *s, source_turn turn, void *ctx);
enum mr_status source_open_node(struct source *s);
enum mr_status source_walk_node(struct source *s, source_turn turn, void *ctx);

/** Export format (spec/70-audit.md AUD-20): what stands at both ends. */
#define EXPORT_MAGIC "MRXP0001"
#define EXPORT_END   "MREX"
enum { EXPORT_HEAD_BYTES = 8 + 4, EXPORT_END_BYTES = 4 + 8 + 32 };

#endif
