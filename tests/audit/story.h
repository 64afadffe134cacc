/** One honest book, written by the real engine, with at least one order of every kind; and its
 *  journal as whole frames. */
#ifndef MEREAU_TESTS_AUDIT_STORY_H
#define MEREAU_TESTS_AUDIT_STORY_H

#include "lib/world.h"
#include "mereau/audit.h"

enum { STORY_TURNS_MAX = 4096, STORY_FINDINGS_MAX = 64 };

enum { ANNA, BEN, BAKERY, GROCER, CARLA, DORA, TOWN, STORY_MEMBERS };

/** Frames of a journal, turn by turn. */
struct book {
    struct mr_audit_turn turns[STORY_TURNS_MAX]; /* malloc'd bytes */
    uint32_t count;
};

struct found {
    struct mr_audit_finding rows[STORY_FINDINGS_MAX];
    uint32_t count;
};

/** Runs the whole story on w (not initialised before); the engine still runs at the end. */
void story_tell(struct world *w);
/** The same under a charter that was changed before. */
void story_tell_under(struct world *w, void (*change)(struct mr_charter *charter));

/** One more LIST order. */
void story_list(struct world *w, uint32_t who, const char *alias, bool listed);

/** The journal of a world. */
void book_read(struct book *ret, struct mr_journal *journal);
void book_done(struct book *b);

/** Write all checks again, as a node does that lies on purpose. */
void book_frame(struct book *b);
uint32_t book_payload_len(const uint8_t *frame);

/** Verify the signatures that the audit has put off. */
void audit_verify(struct mr_audit *a);

/** A saved audit; malloc'd bytes. */
struct saved {
    uint8_t *bytes;
    size_t len, cap;
};
void audit_save(struct saved *ret, struct mr_audit *a);

/** Audit a book; totals may be NULL. Signatures are verified when asked for; then the audit is made
 *  once more, stopped, saved and loaded on the way, and must say the same. */
void book_audit(struct found *ret, struct mr_audit_totals *ret_totals,
                const struct mr_charter *charter, const struct book *b, bool verify);

/** The same, stopped, saved and loaded behind every turn. */
void book_audit_by_turns(struct found *ret, const struct mr_charter *charter, const struct book *b);

/** Adds a finding to a struct found. */
void found_add(void *ctx, const struct mr_audit_finding *f);
/** All of them on standard error, below a title. */
void found_print(const struct found *all, const char *title);

#endif
