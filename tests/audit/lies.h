/** The lies: each changes one row of the story, and names the one finding it must give. */
#ifndef MEREAU_TESTS_AUDIT_LIES_H
#define MEREAU_TESTS_AUDIT_LIES_H

#include "audit/doctor.h"
#include "audit/tamper.h"

struct lie {
    const char *name;
    void (*tell)(struct tamper *t);
    const char *rule;
    enum mr_status status;
};

/* They end with a row without name. */
extern const struct lie lies_of_orders[], lies_of_recovery[], lies_of_log[], lies_of_sums[];

/** The one of that name, which must be among them. */
const struct lie *lie_named(const struct lie *lies, const char *name);

/** The same in the league's book. */
struct league_lie {
    const char *name;
    void (*tell)(struct doctor *d);
    const char *rule;
    enum mr_status status;
    bool convicts; /* the finding names a node */
};

extern const struct league_lie lies_of_league[], lies_of_turn[];

/** In a book of two epochs in which an association and a witness join. */
extern const struct league_lie lies_of_joiner[];
/** Those are told in the book of node 3, of a payment that settled while it was down. */
extern const struct league_lie lies_of_away[];

/** What an auditor that is at the end of the story is made to believe: its own sums do not add up
 *  then. No row of a book leads there, because every row is judged by itself before. */
struct own_lie {
    const char *name;
    void (*tell)(struct mr_audit *a);
    const char *rule;
};
extern const struct own_lie lies_of_auditor[];

/** As lie_named. */
const struct league_lie *league_lie_named(const struct league_lie *lies, const char *name);

/** What the finding says has a translation: what was compared, and what is more than a number. */
void lie_is_told_in_french(const struct mr_audit_finding *f);

/** No lie: a head that is dated back. */
void league_head_of_an_hour_ago(struct doctor *d);

#endif
