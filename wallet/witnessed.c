#include "wallet/witnessed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mereau/codec.h"
#include "mereau/handover.h"
#include "mereau/log.h"
#include "wallet/heads.h"
#include "wallet/node.h"

/* MARGIN_MS: a head may be signed while what settled just before its time waits to be synced. */
enum { AGAIN_MAX = 4, MARGIN_MS = 1000, SILENT_MS = 900000, MOMENT_MAX = 40 };

/* --- what is wanted --------------------------------------------------------------------------- */

static enum mr_status roster_of(const struct wallet *w, struct mr_roster *ret, uint32_t epoch)
{
    const struct mr_chain chain = epochs_chain(&w->epochs);
    return mr_roster_reach(ret, w->charter, &chain, NULL, 0, epoch);
}

/* What charter and owner want of a receipt whose heads are of this epoch, or of the present one
 * (0). */
static void wants(struct witnesses *ret, const struct wallet *w, uint32_t epoch)
{
    struct mr_roster roster;
    *ret = (struct witnesses){.owner = w->witnesses.own, .charter = wallet_present(w)->witnesses};
    if (epoch != 0 && epoch != w->epochs.count + 1 && roster_of(w, &roster, epoch) == MR_OK)
        ret->charter = roster.witnesses;
}

bool witnessed_receipt(const struct wallet *w, const struct mr_receipt *r)
{
    struct witnesses want;
    wants(&want, w, r->proofs_count > 0 ? r->proofs[0].head.epoch : 0);
    return witnessed(&want, r);
}

/* --- what there is ---------------------------------------------------------------------------- */

/* A set wants nothing: any head will do. */
static bool fulfils(const struct mr_witness_set *set, const struct mr_cosigned_head *c)
{
    return mr_cosigned_by(set, c->cosignatures, c->cosignatures_count) >= set->quorum;
}

/* Of heads of one log: one that says the same later is newer too. */
static bool newer(const struct mr_head *a, const struct mr_head *b)
{
    return a->size > b->size || (a->size == b->size && a->time_ms > b->time_ms);
}

/* The newest that fulfils a set; NULL: none does. */
static const struct mr_cosigned_head *newest(const struct mr_rep_cosigned *r,
                                             const struct mr_witness_set *set)
{
    const struct mr_cosigned_head *best = NULL;
    for (uint32_t i = 0; i < r->heads_count; i++)
        if (fulfils(set, &r->heads[i]) && (best == NULL || newer(&r->heads[i].head, &best->head)))
            best = &r->heads[i];
    return best;
}

/* When the last one that a set needs cosigned; a set that wants nothing: for ever. A ledger in
 * which nothing happens has an old head, and witnesses that still look. */
static uint64_t looked_ms(const struct mr_cosigned_head *c, const struct mr_witness_set *set)
{
    uint64_t latest = UINT64_MAX;
    for (uint32_t n = 0; n < set->quorum; n++) {
        uint64_t next = 0;
        for (uint32_t i = 0; i < c->cosignatures_count; i++) {
            const uint64_t ms = c->cosignatures[i].time_s * 1000 + MR_WITNESSES_MAX - i; /* apart */
            if (mr_is_witness(set, c->cosignatures[i].key) && ms < latest && ms > next)
                next = ms;
        }
        latest = next;
    }
    return latest;
}

/* Each head is of the present node and epoch, and every cosignature verifies, of a key of its own.
 */
static bool right(const struct wallet *w, const struct mr_cosigned_head *c)
{
    struct mr_roster roster;
    const uint8_t *const ledger = w->keys->stored.sheet.link.ledger;
    const uint32_t number = w->seats.list[w->seats.at].number;
    const struct mr_pubkey *const key = roster_of(w, &roster, w->epochs.count + 1) == MR_OK
                                            ? mr_roster_key(&roster, &c->head)
                                            : NULL;
    if (key == NULL || (number != 0 && c->head.node != number) || c->head.size == 0 ||
        !mr_head_verify(&c->head, ledger, key))
        return false;
    return mr_cosignatures_verify(c->cosignatures, c->cosignatures_count, &c->head, ledger);
}

enum mr_status witnessed_look(struct wallet *w, struct seen *ret)
{
    struct witnesses want;
    wants(&want, w, 0);
    *ret = (struct seen){.wanted = witnesses_wanted(&want)};
    if (!ret->wanted)
        return MR_OK;
    *w->request = (struct mr_request_body){.kind = MR_REQ_COSIGNED};
    const enum mr_status st = node_call_here(w);
    const struct mr_rep_cosigned *const r = &w->reply->body.u.cosigned;
    if (st != MR_OK)
        return st;
    for (uint32_t i = 0; i < r->heads_count; i++)
        if (!right(w, &r->heads[i]))
            return MR_BAD_HEAD;
    const struct mr_cosigned_head *const a = newest(r, &want.charter);
    const struct mr_cosigned_head *const b = newest(r, &want.owner);
    if (a == NULL || b == NULL)
        return MR_OK;
    ret->any = true;
    const uint64_t by_charter = looked_ms(a, &want.charter), by_owner = looked_ms(b, &want.owner);
    ret->head = newer(&b->head, &a->head) ? a->head : b->head;
    ret->at_ms = by_charter < by_owner ? by_charter : by_owner;
    const enum mr_status extended = heads_compare(w, ret->head.node, &ret->head);
    const struct mr_head *const last = &w->reply->body.u.head.head;
    const bool all = extended == MR_OK && last->size == ret->head.size;
    ret->until_ms = all ? last->time_ms : ret->head.time_ms - MARGIN_MS;
    return extended;
}

bool witnessed_covers(const struct seen *s, uint64_t settled_ms)
{
    return !s->wanted || (s->any && settled_ms <= s->until_ms);
}

/* --- receipts --------------------------------------------------------------------------------- */

/* Nothing new of the own chain is learned: a receipt that is held gets cosignatures. `had`: how
 * many it has. */
static enum mr_status ask_again(struct wallet *w, struct out *out, uint64_t seq, uint32_t had)
{
    struct mr_receipt_facts facts;
    const struct slot *const s = wallet_slot(w, seq);
    *w->request = (struct mr_request_body){.kind = MR_REQ_SLOT};
    memcpy(w->request->u.slot.account, wallet_account(w), MR_ACCOUNT_BYTES);
    w->request->u.slot.seq = seq;
    const enum mr_status st = node_call_here(w);
    const struct mr_rep_slot *const slot = &w->reply->body.u.slot;
    if ((st != MR_SETTLED && st != MR_VOIDED) || slot->receipt_count == 0)
        return MR_OK;
    const struct mr_receipt *const r = &slot->receipt[0];
    if (r->seq != seq || memcmp(r->account, wallet_account(w), MR_ACCOUNT_BYTES) != 0 ||
        wallet_receipt(&facts, w, r) != MR_OK || facts.voided != s->voided ||
        memcmp(facts.value, s->value, sizeof s->value) != 0 ||
        (!witnessed_receipt(w, r) && r->cosignatures_count <= had))
        return MR_OK;
    return node_keep_result(w, out, r, seq, s->time_ms);
}

enum mr_status witnessed_collect(struct wallet *w, struct out *out)
{
    struct witnesses want;
    enum mr_status st = MR_OK;
    unsigned asked = 0;
    wants(&want, w, 0);
    struct mr_receipt *const r = witnesses_wanted(&want) ? malloc(sizeof *r) : NULL;
    for (uint64_t seq = w->slot_count; r != NULL && st == MR_OK && seq > 0; seq--) {
        const struct slot *const s = wallet_slot(w, seq);
        if (!s->closed || s->receipt == NULL)
            continue;
        if (mr_receipt_decode(r, s->receipt, s->receipt_len) != MR_OK || witnessed_receipt(w, r) ||
            asked == AGAIN_MAX)
            break; /* what is before it is witnessed as well, or was given up */
        asked++;
        st = ask_again(w, out, seq, r->cosignatures_count);
    }
    free(r);
    return st;
}

/* --- telling ---------------------------------------------------------------------------------- */

/* To the second, where the reader is: witnesses come by every second. */
static void moment(char ret[MOMENT_MAX], uint64_t time_ms)
{
    const time_t t = (time_t)(time_ms / 1000);
    struct tm tm;
    if (localtime_r(&t, &tm) == NULL || strftime(ret, MOMENT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(ret, MOMENT_MAX, "?");
}

enum mr_status witnessed_patience(struct wallet *w, struct out *out)
{
    struct seen s;
    char when[MOMENT_MAX];
    const uint64_t patience = (uint64_t)w->witnesses.patience_s * 1000;
    if (patience == 0)
        return MR_OK;
    const enum mr_status st = witnessed_look(w, &s);
    if (st != MR_OK)
        return node_fail(w, out, st);
    if (!s.wanted || (s.any && s.at_ms + patience >= wallet_now_ms()))
        return MR_OK;
    if (!s.any)
        return out_fail(out, MR_NOT_WITNESSED,
                        _("nothing was signed: the witnesses have cosigned nothing of the node at "
                          "%s since it was started, or since the nodes changed. If that was a "
                          "moment ago, try again; else it may show you another history than they "
                          "saw: ask them. \"mereau witnesses --patience 0\" signs all the same"),
                        node_address(w));
    moment(when, s.at_ms);
    return out_fail(
        out, MR_NOT_WITNESSED,
        _("nothing was signed: the witnesses cosigned the node at %s last on %s, longer "
          "ago than your patience. Ask them whether they refuse it. \"mereau witnesses "
          "--patience 0\" signs all the same"),
        node_address(w), when);
}

void witnessed_result(const struct wallet *w, struct out *out, uint64_t seq)
{
    struct witnesses want;
    const struct slot *const s = wallet_slot(w, seq);
    wants(&want, w, 0);
    if (!witnesses_wanted(&want))
        return;
    struct mr_receipt *const r = s->receipt != NULL ? malloc(sizeof *r) : NULL;
    const bool is = r != NULL && mr_receipt_decode(r, s->receipt, s->receipt_len) == MR_OK &&
                    witnessed_receipt(w, r);
    free(r);
    out_bool(out, "witnessed", is);
    if (!is)
        out_print(out,
                  _("settled, not yet witnessed: \"mereau receipt show %llu --wait\" waits for "
                    "it\n"),
                  (unsigned long long)seq);
}

void witnessed_tell(const struct seen *s, struct out *out)
{
    char when[MOMENT_MAX];
    out_bool(out, "witnesses_wanted", s->wanted);
    if (!s->wanted)
        return;
    out_int(out, "witnessed_ms", s->any ? (int64_t)s->until_ms : 0);
    out_int(out, "cosigned_ms", s->any ? (int64_t)s->at_ms : 0);
    out_int(out, "witnessed_size", s->any ? (int64_t)s->head.size : 0);
    if (!s->any) {
        out_warn(out, "witness", "no witness has cosigned this node's history since it was started",
                 _("NO WITNESS has cosigned this node's history since it was started, or since the "
                   "nodes changed: what it says is its word alone. If that was a moment ago, look "
                   "again; else ask them"));
        return;
    }
    moment(when, s->until_ms);
    out_print(out, _("Witnessed: all that had settled until %s\n"), when);
    moment(when, s->at_ms);
    if (s->at_ms + SILENT_MS < wallet_now_ms())
        out_warn(
            out, "witness", "the witnesses have not cosigned for a quarter of an hour or more",
            _("THE WITNESSES have cosigned nothing since %s: ask them whether they are down, or "
              "refuse what the node shows them"),
            when);
}
