/** A request on its way through the node: from its envelope to its sealed reply. */
#ifndef MEREAU_DAEMON_JOB_H
#define MEREAU_DAEMON_JOB_H

#include "daemon/node.h"

struct job {
    struct task task;
    struct node *node;
    struct job *next;
    enum port port;
    uint64_t token;
    bool sealed; /* false: HELLO */
    uint8_t session[MR_SALT_BYTES];
    uint64_t counter;
    struct mr_principal who;
    uint32_t id;
    enum mr_request_kind kind;
    enum mr_status status;           /* what another thread found out */
    uint32_t generation;             /* of keys */
    struct mr_keyset keys;           /* to verify under */
    struct mr_witness_set witnesses; /* AUTH as an auditor: keys that it gives no right */
    struct mr_principal proved;      /* AUTH */
    uint8_t auth_text[96];
    size_t auth_len;
    struct mr_session established; /* HELLO */
    uint64_t position;             /* STREAM; register: requests that wait */
    size_t result_len;
    uint8_t *result; /* WELCOME, STREAM, REGISTER_LIST */
    size_t len;
    uint8_t plain[];
};

/* requests.c: each ends the job. */
void job_finish_reply(struct job *j, enum mr_status st);  /* with the body in node->reply */
void job_finish_status(struct job *j, enum mr_status st); /* without a result: TRA-11 */

/* register.c */
void register_give(struct job *j); /* REGISTER_*, and JOIN_STATUS that the engine does not know */
void join_begin(struct job *j);    /* the request is in node->request */

/* state.c: rows of a snapshot, off the loop's thread */
void state_give(struct job *j);

#endif
