/** Orders on a chain of the association: build, check, sign, keep, send.
 *
 *  Every command that orders something goes the same way: what an earlier, interrupted command left
 *  ready is sent first; new orders stand behind drafts that wait for signatures; the node is asked
 *  whether it would settle them; they are signed, kept in a draft file, and then sent. Killed at
 * any point, the same command again ends with the first result. */
#ifndef MEREAU_ADMIN_WORK_H
#define MEREAU_ADMIN_WORK_H

#include "admin/context.h"
#include "admin/draft.h"

/** How it ended. Everything but WORK_FAILED has been printed, WORK_FAILED reported. */
enum work_end {
    WORK_FAILED,
    WORK_SETTLED,
    WORK_DRAFTED, /* waits for another operator */
    WORK_DRY,     /* --dry-run */
};

struct work {
    struct admin *a;
    uint8_t chain[16];
    uint8_t as[16]; /* whose keys sign: the chain, or the treasury for a member's */
    const char *chain_name;
    struct mr_keyset keys; /* present ones of it */
    uint32_t generation;   /* of them */
    uint64_t next_seq;     /* at the node */
    uint64_t seq, time_ms; /* for the next order, behind open drafts */
    uint8_t prev[32];
    uint32_t policy;
    uint64_t life_ms; /* of the orders that are added */
    char dir[FILE_PATH_MAX], path[FILE_PATH_MAX];
    struct mr_draft *draft; /* being built */
    size_t settled;         /* orders settled by work_end */
    const char *about;      /* a draft that is not sent by work_begin; or NULL */
    bool quiet;             /* do not print the result: the caller does */
    bool shown;             /* the caller showed the orders: work_finish does not */
};

/** Options of commands that order something. */
#define WORK_OPTIONS                                                                               \
    {"dry-run", 0, NULL, N_("show the order and what the node would say, and do nothing")},        \
    {                                                                                              \
        "no-sign", 0, NULL, N_("write the draft for others to sign, without a signature of mine")  \
    }

/** Find the chain's end, send what waits ready, begin an empty draft. Reported. work_done is due in
 *  any case. */
enum mr_status work_begin(struct work *w, struct admin *a, const uint8_t chain[16]);

/** The same for a command about one draft file, which is then not sent. */
enum mr_status work_begin_about(struct work *w, struct admin *a, const uint8_t chain[16],
                                const char *path);

/** The same for a TAKEOVER on a member's chain, signed by the treasury; path as there, or NULL. */
enum mr_status work_begin_takeover(struct work *w, struct admin *a, const uint8_t account[16],
                                   const char *path);

void work_done(struct work *w);

/** Append one order. MR_OK, MR_FULL (finish first), reported otherwise. */
enum mr_status work_add(struct work *w, const struct mr_order_body *body);

/** Keep a bank line's text in the draft for the next signer. Reported. */
enum mr_status work_note(struct work *w, const struct mr_bank_note *note);

/** Ask the node whether it would settle the draft's first order; *ret_missing as in rep_check.
 *  MR_OK also when it only waits for orders in front of it. Nothing is reported. */
enum mr_status work_check(struct work *w, int64_t *ret_missing);

/** Report what work_check answered and how much is missing; returns it. */
enum mr_status work_refused(struct work *w, enum mr_status st, int64_t missing);

/** Check, ask the person, sign, keep, send. `question` is translated; NULL: do not ask. */
enum work_end work_finish(struct work *w, const char *question);

/** Keep the draft in a file, w->path, without a signature of mine. Reported. */
enum mr_status work_keep(struct work *w);

/** Sign a draft that is already kept in w->path, and send it when it is ready. */
enum work_end work_sign(struct work *w, bool submit);

/** Show the orders of w->draft to the person. */
void work_describe(struct work *w);

/** Send the orders of w->draft, which are ready. */
enum work_end work_submit(struct work *w);

/** Point the work at a draft read from a file (taken over). */
void work_take(struct work *w, struct mr_draft *draft, const char *path);

/** Whether a draft can never settle any more: its slot is closed with something else, or its last
 *  day has passed. Asks the node. MR_OK or a call's status, not reported. */
enum mr_status work_is_dead(struct work *w, bool *ret, const struct mr_draft *d);

/** Whether a draft, whose file is w->path, has settled already: sent from another copy of it. Then
 *  the file is removed, and the person is told. Asks the node; false when it does not say. */
bool work_is_settled(struct work *w, const struct mr_draft *d);

/** Withdraw w->draft: removed when nobody signed; else the slot is closed with CANCEL, which needs
 *  as many signatures as the order. */
enum work_end work_withdraw(struct work *w);

#endif
