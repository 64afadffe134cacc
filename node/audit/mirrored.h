/** One node's book as `follow` keeps it: the mirror of its journal, and the audit that goes along
 *  with it, saved beside it.
 *
 *  `dir` is a data directory for all that read one: charter.mrc, journal/. Beside these stand
 *  mirror.mark (mirror.h), audit.state and rows/ (mirrored_rows.h). State and rows are a
 *  convenience: when they are missing, damaged or do not fit the mirror, it is audited anew. */
#ifndef MEREAU_AUDIT_MIRRORED_H
#define MEREAU_AUDIT_MIRRORED_H

#include "audit/mirror.h"
#include "audit/pool.h"
#include "audit/report.h"
#include "audit/rows.h"
#include "audit/source.h"

enum { MIRRORED_FINDINGS_MAX = 1000 };

struct mirrored {
    const struct command *c;
    struct out *out;
    char dir[4096];
    uint32_t node;
    const struct source *charter; /* of the ledger; borrowed */
    unsigned threads;
    struct mr_audit *audit;
    struct pool *pool;
    struct report report;
    char **texts; /* of findings that were loaded */
    size_t texts_count;
    struct mirror *mirror;
    struct rows *rows;     /* NULL: none are kept */
    bool ready;            /* it was opened, and the audit stands where the mirror ends */
    uint64_t state_turn;   /* of the state on the disk */
    uint64_t saved_ms;     /* when it was written; monotonic */
    uint64_t save_cost_ms; /* how long that took */
    uint64_t committed_ms;
    uint64_t new_turns; /* taken since it was opened */
};

/** Opens the book of a node, or begins it: everything that is in the mirror is audited, from the
 *  saved state on or from the beginning. MR_OK, or reported. Close it in any case. */
enum mr_status mirrored_open(struct mirrored *b, const struct command *c, struct out *out,
                             const struct source *charter, const char *dir, uint32_t node,
                             unsigned threads);

/** Takes the next turn of the node (mirror_follows): into the mirror, then into the audit. Commits
 *  and saves now and then. MR_OK, or reported. */
enum mr_status mirrored_take(struct mirrored *b, const struct mr_audit_turn *t,
                             const struct mr_frame *f);

/** When the rows and the state are saved: what came since is not in the rows until then. */
enum mirrored_save {
    MIRRORED_LATER,
    MIRRORED_WHEN_DUE, /* there is none, or it is ten seconds and twenty times its cost old */
    MIRRORED_NOW,
};

/** All signatures checked, the mirror committed, and rows and state saved when something came since
 *  they were and `when` says so. MR_OK, or reported. */
enum mr_status mirrored_settle(struct mirrored *b, enum mirrored_save when);

/** Of a node that joined later: audit the mirror again behind the book in another directory
 *  (AUD-8). MR_OK, or reported. */
enum mr_status mirrored_rest_on(struct mirrored *b, const char *base);
/** Whether that is to be done. */
bool mirrored_is_late(const struct mirrored *b);
/** Whether the node joined later, whatever its book rests on. */
bool mirrored_begins_later(const struct mirrored *b);

void mirrored_close(struct mirrored *b);

#endif
