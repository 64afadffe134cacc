#include "common/asker.h"

#include <sodium.h>
#include <string.h>

#include "mereau/codec.h"

enum { KIND_BYTES = 4 };

size_t asker_hello(struct asker *a, uint8_t *out, size_t cap, const uint8_t seed[32])
{
    asker_done(a);
    return mr_session_hello(&a->hello, out, cap, seed);
}

size_t asker_seal(struct asker *a, uint8_t *out, size_t cap, uint64_t *ret_number,
                  const uint8_t *plain, size_t len)
{
    const size_t n = mr_session_seal(&a->session, out, cap, plain, len, 0);
    *ret_number = a->session.counter_out;
    return n;
}

static struct asker_answer of_status(enum asker_got got, enum mr_status st)
{
    return (struct asker_answer){.got = got, .status = st};
}

static struct asker_answer welcome(struct asker *a, const uint8_t *record, size_t len,
                                   const struct mr_pubkey *pinned)
{
    struct mr_welcome w;
    if (a->established)
        return of_status(ASKER_NOTHING, MR_OK);
    enum mr_status st = mr_welcome_decode(&w, record, len);
    if (st == MR_OK)
        st = mr_session_welcome(&a->session, &a->identity, &a->hello, &w, pinned);
    a->established = st == MR_OK;
    return of_status(a->established ? ASKER_ESTABLISHED : ASKER_BROKEN, st);
}

static struct asker_answer refused(const uint8_t *record, size_t len)
{
    struct mr_refused r;
    if (mr_refused_decode(&r, record, len) != MR_OK)
        return of_status(ASKER_NOTHING, MR_OK);
    return of_status(ASKER_REFUSED, mr_status_from_number(r.status));
}

static struct asker_answer sealed(struct asker *a, uint8_t *room, const uint8_t *envelope,
                                  size_t len, uint64_t number)
{
    struct asker_answer answer = {.got = ASKER_REPLY, .plain = room};
    uint64_t counter;
    const bool opened = a->established && number != 0 &&
                        mr_session_open_bytes(&a->session, room, MR_FRAME_MAX, &answer.len,
                                              &counter, envelope, len, number) == MR_OK;
    return opened ? answer : of_status(ASKER_NOTHING, MR_OK);
}

struct asker_answer asker_take(struct asker *a, uint8_t *room, const uint8_t *envelope, size_t len,
                               uint64_t number, const struct mr_pubkey *pinned)
{
    if (len < KIND_BYTES || envelope[0] != 0 || envelope[1] != 0 || envelope[2] != 0)
        return of_status(ASKER_NOTHING, MR_OK);
    switch (envelope[3]) {
    case MR_ENV_WELCOME:
        return welcome(a, envelope + KIND_BYTES, len - KIND_BYTES, pinned);
    case MR_ENV_REFUSED:
        return refused(envelope + KIND_BYTES, len - KIND_BYTES);
    case MR_ENV_SEALED:
        return sealed(a, room, envelope, len, number);
    default:
        return of_status(ASKER_NOTHING, MR_OK);
    }
}

/* Whether a reply with this status carries a result of the request's kind: TRA-11. */
static bool has_result(enum mr_status st)
{
    return st == MR_OK || st == MR_SETTLED || st == MR_VOIDED || st == MR_PARKED ||
           st == MR_VOTING || st == MR_CERTIFIED || st == MR_UNSETTLED || st == MR_ALREADY_DONE ||
           st == MR_FUNDS_SHORT || st == MR_LIMIT_PAYMENT || st == MR_LIMIT_DAY ||
           st == MR_LIMIT_MONTH;
}

enum mr_status asker_read(struct mr_reply *ret, bool *ret_valid, const uint8_t *plain, size_t len,
                          uint32_t id, enum mr_request_kind kind)
{
    *ret_valid = false;
    enum mr_status st = mr_reply_decode(ret, plain, len);
    if (st != MR_OK)
        return st;
    if (ret->id != id)
        return MR_OUT_OF_RANGE;
    st = mr_status_from_number(ret->status);
    if (has_result(st) && ret->body.kind != kind)
        return MR_UNKNOWN_TAG;
    *ret_valid = true;
    return st;
}

void asker_sign(const struct asker *a, struct mr_req_auth *auth, const uint8_t ledger[32],
                const struct mr_seckey *key)
{
    uint8_t text[96];
    const size_t n =
        mr_session_auth_text(text, &a->session, auth->role, auth->account, auth->key_index);
    mr_sign(auth->sig, MR_PURPOSE_SESSION, ledger, 0, text, n, key);
}

void asker_done(struct asker *a)
{
    sodium_memzero(a, sizeof *a);
}
