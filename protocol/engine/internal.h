/* What the parts of the engine share. */
#ifndef MEREAU_ENGINE_INTERNAL_H
#define MEREAU_ENGINE_INTERNAL_H

#include "ledger/ledger.h"
#include "log/tree.h"
#include "mereau/engine.h"
#include "slot/slot.h"

enum {
    MRI_TURN_BUFFER = 2 << 20,    /* bytes of one stream of a turn */
    MRI_EVENT_LOG_MAX = 64 << 10, /* what one order can add to the log */
    MRI_EVENT_BODIES_MAX = 24 << 10,
    MRI_ANSWERS_MAX = 4096,       /* replies that wait for one turn */
    MRI_REPLIES_BUFFER = 4 << 20, /* bytes of replies built at step time */
    MRI_PARKED_MAX = 4096,
    MRI_EPOCHS_MAX = 8, /* handover of a receipt */
    MRI_WAITERS_MAX = 8192,
};

/* A reply that waits for its turn. Either bytes, or a slot whose receipt is built at release. */
struct mri_answer {
    uint64_t token;
    uint32_t id;
    enum mr_request_kind kind;
    bool slot;
    size_t at, len;       /* bytes in the turn's replies */
    uint64_t number, seq; /* slot */
};

struct mri_buffer {
    uint8_t *bytes;
    size_t used; /* MR_FRAME_HEAD_BYTES when empty */
};

struct mri_turn {
    struct mri_buffer log, bodies;
    uint8_t *replies;
    size_t replies_used;
    struct mri_answer *answers;
    uint32_t answers_count;
    uint64_t number, bodies_at; /* bodies_at: position of the frame's first byte */
    uint64_t leaves;            /* tree size at its end */
    uint8_t root[32];
    bool said; /* leaves were appended: a new head is due */
};

struct mri_waiter {
    uint64_t token, number, next_seq, credits, until_ms;
    uint32_t id;
};

struct mri_parked {
    uint64_t number, not_after_ms, retry_ms;
    bool due; /* something it waits for has changed */
};

struct mr_engine {
    struct mr_engine_config config;
    struct mri_view view;
    struct mri_ledger ledger;
    struct mri_tree tree, past; /* past: scratch for receipts of an ended log */
    struct mri_plan plan;
    struct mri_slot slot;
    struct mri_turn turns[2], *current, *flying; /* flying: NULL or handed out */
    uint8_t check[32];                           /* of the last log frame cut */
    uint64_t log_at, bodies_at;                  /* positions behind the last frame cut */
    uint64_t synced_turn, synced_leaves;
    struct mr_head head; /* last signed */
    bool head_due;       /* it is not in the journal yet */
    uint64_t now_ms, started_ms;
    bool disk_full, draining, closing;
    struct mri_parked parked[MRI_PARKED_MAX];
    uint32_t parked_count;
    struct mri_waiter waiters[MRI_WAITERS_MAX];
    uint32_t waiters_count;
    uint64_t touched[64]; /* bloom of accounts changed since the waiters were looked at */
    /* scratch, too large for a stack */
    struct mr_entry entry;
    struct mr_signed_order order;
    struct mr_body body;
    struct mr_history_item item;
    struct mr_reply reply;
    uint8_t bytes[MR_FRAME_MAX];
};

/* --- say: append to the current turn ---------------------------------------------------------- */
void mri_say(struct mr_engine *e, const struct mr_entry *entry);
uint64_t mri_say_leaf(struct mr_engine *e, const struct mr_leaf *leaf); /* index of the leaf */
/* A body record; its position and length. */
void mri_say_body(struct mr_engine *e, uint64_t *ret_at, uint32_t *ret_len,
                  const struct mr_body *body);
/* Read a body record back, from the journal or a turn that is not synced yet. */
enum mr_status mri_read_body(struct mr_engine *e, struct mr_body *ret, uint64_t at, uint32_t len);

/* --- what is said about a slot ---------------------------------------------------------------- */
/* The order's and its memo's place in the bodies. memo may be NULL. */
void mri_say_order(struct mr_engine *e, struct mri_body *ret, const struct mr_signed_order *o,
                   const struct mr_memo_box *memo);
/* Settle the order in e->plan, whose checks have passed; e->slot is as it was. */
void mri_settle(struct mr_engine *e, const struct mri_body *body);
/* Void the next slot of a chain by ballot 1, allowed by a trigger. */
enum mr_status mri_void_slot(struct mr_engine *e, const uint8_t account[16], uint64_t number,
                             uint64_t seq, const uint8_t trigger[32]);

/* --- orders ----------------------------------------------------------------------------------- */
void mri_submit(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble);
void mri_cancel(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble);
enum mr_status mri_check_order(struct mr_engine *e, const struct mr_order *o, int64_t *ret_missing);
enum mr_status mri_checkpoint(struct mr_engine *e, const struct mr_checkpoint *c);
/* Whether this node takes orders at all: MR_OK, STOPPING, ABSTAINING, DISK_FULL. */
enum mr_status mri_open_for_orders(const struct mr_engine *e);
/* What the shell found out about the signatures, if it looked at the present keys. */
enum mr_status mri_signatures(const struct mr_event *ev, const struct mr_state_account *a);
/* This host's trouble: not an answer to anybody. */
bool mri_is_trouble(enum mr_status st);

/* --- orders that wait ------------------------------------------------------------------------- */
enum mr_status mri_pending_get(struct mr_engine *e, struct mr_state_pending *ret, uint64_t number);
void mri_pending_put(struct mr_engine *e, uint64_t number, const struct mr_state_pending *p);
void mri_pending_remove(struct mr_state_pending *p, uint32_t at);
const struct mr_entry_parked *mri_parked_in(const struct mr_state_pending *p, uint64_t seq);
/* Keep the list in memory in step with the pending record. */
void mri_parked_note(struct mr_engine *e, uint64_t number, const struct mr_state_pending *p);
/* An account changed: what waits for it is due, and so are long polls. */
void mri_touch(struct mr_engine *e, uint64_t number);
/* Look again at what is due; as far as the turn has room. */
enum mr_status mri_look_again(struct mr_engine *e);
enum mr_status mri_parked_load(struct mr_engine *e);
/* Replay: an order was parked; a slot was settled, so what waited in it is gone. */
enum mr_status mri_parked_replay(struct mr_engine *e, const struct mr_entry_parked *w);
enum mr_status mri_parked_settled(struct mr_engine *e, uint64_t number, uint64_t seq);

/* --- answers ---------------------------------------------------------------------------------- */
/* Queue the reply in e->reply (id, kind and status are set here). */
void mri_answer(struct mr_engine *e, const struct mr_event *ev, enum mr_status st);
/* Queue "the state of this slot", receipt included, to be built at release. */
void mri_answer_slot(struct mr_engine *e, const struct mr_event *ev, uint64_t number, uint64_t seq);
/* Release a turn's replies. */
enum mr_status mri_release(struct mr_engine *e, struct mri_turn *t, struct mr_effects *fx);
/* Prepare e->reply with an empty body of the request's kind. */
struct mr_reply *mri_reply(struct mr_engine *e, enum mr_request_kind kind);
/* The receipt of a settled slot under the last head. */
enum mr_status mri_receipt(struct mr_engine *e, struct mr_receipt *ret, uint64_t number,
                           uint64_t seq, const struct mr_state_slot *slot);

/* --- reading requests ------------------------------------------------------------------------- */
void mri_read_request(struct mr_engine *e, const struct mr_event *ev, enum mr_status *ret_trouble);
enum mr_status mri_waiters(struct mr_engine *e, struct mr_effects *fx);

/* --- epochs (JNL-9) --------------------------------------------------------------------------- */
/* Take a RESTART over: a new log begins. Room was reserved. */
enum mr_status mri_restart_apply(struct mr_engine *e, const struct mr_signed_restart *r);
/* Say it, if it is governance's and the next one; then START. */
enum mr_status mri_restart_say(struct mr_engine *e, const struct mr_signed_restart *r);
void mri_say_start(struct mr_engine *e);
/* Last head of an ended log; the RESTART that began an epoch. MR_OK, MR_NOT_FOUND, trouble. */
enum mr_status mri_past_head(struct mr_engine *e, struct mr_head *ret, uint32_t epoch);
/* The RESTARTs that lead from genesis to an epoch; ret holds MRI_EPOCHS_MAX. */
enum mr_status mri_handover(struct mr_engine *e, struct mr_signed_restart *ret, uint32_t *ret_count,
                            uint32_t epoch);
enum mr_status mri_epoch_get(struct mr_engine *e, struct mr_signed_restart *ret, uint32_t epoch);

/* --- replay ----------------------------------------------------------------------------------- */
enum mr_status mri_replay(struct mr_engine *e);
/* Bring the store up to date at once. */
enum mr_status mri_flush_now(struct mr_engine *e);

#endif
