/* Which kind stands where, and the checks of the kinds that move nothing: LED-25 to LED-30. */
#include <stdio.h>
#include <string.h>

#include "audit/state.h"

const char *mri_aud_kind_rule(enum mr_order_kind kind)
{
    switch (kind) {
    case MR_KIND_PAY:
        return "LED-20";
    case MR_KIND_ISSUE:
        return "LED-21";
    case MR_KIND_REDEEM:
        return "LED-22";
    case MR_KIND_PAYOUT:
        return "LED-23";
    case MR_KIND_RETURN:
        return "LED-24";
    case MR_KIND_OPEN:
    case MR_KIND_SETKEYS:
    case MR_KIND_FLAG:
    case MR_KIND_CLOSE:
        return "LED-25";
    case MR_KIND_LIST:
        return "LED-26";
    case MR_KIND_GRANT:
    case MR_KIND_LOWER:
        return "LED-27";
    case MR_KIND_SWEEP:
        return "LED-28";
    case MR_KIND_CLEAR:
        return "LED-31";
    case MR_KIND_RECOVER:
    case MR_KIND_STOP:
    case MR_KIND_TAKEOVER:
        return "LED-33";
    case MR_KIND_POLICY:
    case MR_KIND_CAP:
        return "LED-29";
    case MR_KIND_CHECKPOINT:
        return "LED-30";
    case MR_KIND_NEXT:
        return "EPO-3";
    case MR_KIND_CUT:
        return "EPO-4";
    }
    mr_bug("order kind");
}

/* The table of 30-ledger.md, "Kinds of orders". */
bool mri_aud_kind_stands_on(enum mr_order_kind kind, enum mr_account_class class)
{
    switch (kind) {
    case MR_KIND_OPEN:
    case MR_KIND_FLAG:
    case MR_KIND_LIST:
        return class == MR_CLASS_DESK;
    case MR_KIND_PAY:
        return mri_aud_is_member(class) || class == MR_CLASS_TREASURY;
    case MR_KIND_ISSUE:
    case MR_KIND_PAYOUT:
    case MR_KIND_RETURN:
    case MR_KIND_GRANT:
    case MR_KIND_SWEEP:
    case MR_KIND_CLEAR:
    case MR_KIND_RECOVER:
        return class == MR_CLASS_TREASURY;
    case MR_KIND_STOP:
    case MR_KIND_TAKEOVER:
    case MR_KIND_REDEEM:
    case MR_KIND_CLOSE:
        return mri_aud_is_member(class);
    case MR_KIND_SETKEYS:
        return class != MR_CLASS_CHECKPOINTS;
    case MR_KIND_NEXT:
    case MR_KIND_POLICY:
    case MR_KIND_CAP:
    case MR_KIND_LOWER:
        return class == MR_CLASS_SYSTEM;
    case MR_KIND_CUT:
    case MR_KIND_CHECKPOINT:
        return class == MR_CLASS_CHECKPOINTS;
    }
    mr_bug("order kind");
}

/* Whether a refusal stands by itself, whatever an erased order may have changed before. */
static bool stands_alone(enum mr_status st)
{
    static const enum mr_status alone[] = {
        MR_UNIT_UNKNOWN,    MR_AMOUNT_UNIT,         MR_AMOUNT_TOO_LARGE,
        MR_OUT_OF_RANGE,    MR_PAYEE_SELF,          MR_PAYEE_TWICE,
        MR_BANK_SUM,        MR_BANK_REF_USED,       MR_BAD_KEY,
        MR_REDEMPTION_DONE, MR_REDEMPTION_MISMATCH, MR_COVERAGE,
        MR_STATE_MISMATCH,  MR_POLICY_NOTICE,
    };
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
        if (alone[i] == st)
            return true;
    }
    return false;
}

/* Whether a refusal rests on other chains than the order's own, which may settle in another order
 * at another node. */
static bool depends_on_others(enum mr_status st)
{
    static const enum mr_status all[] = {
        MR_FUNDS_SHORT, MR_LIMIT_PAYMENT, MR_LIMIT_DAY, MR_LIMIT_MONTH, MR_CAP_EXCEEDED,
        MR_COVERAGE,    MR_NOT_CLOSED,    MR_BEHIND,    MR_TOO_MANY,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] == st)
            return true;
    }
    return false;
}

void mri_aud_wrong_text(struct mr_audit *a, struct mri_aud_case *c, enum mr_status st,
                        const char *what, const char *expected, const char *found)
{
    if (c->wrong || (c->at_end && depends_on_others(st)))
        return;
    c->wrong = true;
    if (c->at_vote && !depends_on_others(st))
        return; /* reported where it settles */
    if (a->incomplete && !stands_alone(st)) {
        a->totals.orders_unchecked++;
        return;
    }
    mri_aud_text(a, c->id, st, what, expected, found);
}

void mri_aud_wrong(struct mr_audit *a, struct mri_aud_case *c, enum mr_status st, const char *what,
                   int64_t expected, int64_t found)
{
    char e[24], f[24];
    snprintf(e, sizeof e, "%lld", (long long)expected);
    snprintf(f, sizeof f, "%lld", (long long)found);
    mri_aud_wrong_text(a, c, st, what, e, f);
}

struct mri_aud_account *mri_aud_own_member(struct mr_audit *a, struct mri_aud_case *c,
                                           const uint8_t id[16])
{
    struct mri_aud_account *const x = mri_aud_map_get(&a->accounts, id);
    char hex[33];
    mr_hex_format(hex, id, 16);
    if (x == NULL || x->unknown || !mri_aud_is_member(x->class)) {
        mri_aud_wrong_text(a, c, MR_ACCOUNT_UNKNOWN, "account", "a member", hex);
        return NULL;
    }
    if (c->home >= 0 && x->home != c->home)
        mri_aud_wrong_text(a, c, MR_NOT_YOURS, "account", "a member of this association", hex);
    return x;
}

static void check_open(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_open *const o = &c->order->body.u.open;
    const struct mri_aud_account *const x = mri_aud_map_get(&a->accounts, o->account);
    if (!mri_aud_is_member(o->class))
        mri_aud_wrong_text(a, c, MR_PAYEE_CLASS, "class of a new account", "a member's",
                           mr_account_class_text(o->class));
    if (!mri_aud_keyset_right(&o->keys, o->class))
        mri_aud_wrong_text(a, c, MR_BAD_KEY, "key set", "as LED-6 says", "another");
    char hex[33];
    mr_hex_format(hex, o->account, 16);
    if (c->home >= 0 && !mri_aud_in_space(o->account, a->charter.associations[c->home].id))
        mri_aud_wrong_text(a, c, MR_NOT_YOURS, "id of a new account", "one of this association",
                           hex);
    if (x != NULL && !x->unknown)
        mri_aud_wrong_text(a, c, MR_ACCOUNT_EXISTS, "id of a new account", "a new one", hex);
}

static void check_setkeys(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_setkeys *const s = &c->order->body.u.setkeys;
    if (s->generation != c->account->cold.generation + 1)
        mri_aud_wrong(a, c, MR_OUT_OF_RANGE, "generation of the keys",
                      c->account->cold.generation + 1, s->generation);
    if (!mri_aud_keyset_right(&s->keys, c->account->class))
        mri_aud_wrong_text(a, c, MR_BAD_KEY, "key set", "as LED-6 says", "another");
}

static void check_flag(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_flag *const f = &c->order->body.u.flag;
    const struct mri_aud_account *const x = mri_aud_own_member(a, c, f->account);
    if (x != NULL && x->cold.frozen == f->frozen)
        mri_aud_wrong_text(a, c, MR_NO_CHANGE, "flag of the account", "a change",
                           f->frozen ? "frozen already" : "not frozen");
}

/* --- LED-26 LIST ------------------------------------------------------------------------------ */

bool mri_aud_alias_right(const char *alias, uint32_t len)
{
    if (len < 2 || len > MR_ALIAS_MAX || alias[0] == '-' || alias[len - 1] == '-')
        return false;
    for (uint32_t i = 0; i < len; i++) {
        const char ch = alias[i];
        if (!(ch >= 'a' && ch <= 'z') && !(ch >= '0' && ch <= '9') && ch != '-')
            return false;
    }
    return true;
}

static void check_list(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_list *const l = &c->order->body.u.list;
    const struct mri_aud_account *const x = mri_aud_own_member(a, c, l->account);
    if (!mri_aud_alias_right(l->alias, l->alias_len)) {
        mri_aud_wrong_text(a, c, MR_ALIAS_SYNTAX, "alias", "2 to 32 of a-z, 0-9 and -", l->alias);
        return;
    }
    const struct mri_aud_listing *const there =
        mri_aud_listing(a, a->charter.associations[c->home].id, l);
    const bool mine = there != NULL && memcmp(there->row.listing.account, l->account, 16) == 0;
    if (!l->listed) {
        if (!mine || !there->row.listing.listed || x == NULL || x->listing != there)
            mri_aud_wrong_text(a, c, MR_NOT_FOUND, "listing given up", "one of the account",
                               l->alias);
        return;
    }
    if (there == NULL || mine)
        return;
    if (there->row.listing.listed)
        mri_aud_wrong_text(a, c, MR_ALIAS_TAKEN, "alias", "a free one", l->alias);
    else if (c->day < there->row.until_day)
        mri_aud_wrong(a, c, MR_ALIAS_TAKEN, "day the alias may be given again, not before",
                      there->row.until_day, c->day);
}

/* --- LED-27 GRANT, LOWER ---------------------------------------------------------------------- */

static void check_raise(struct mr_audit *a, struct mri_aud_case *c, const char *what, int64_t now,
                        int64_t of_class, int64_t then)
{
    const int64_t least = now != 0 ? now : then == 0 ? 0 : of_class;
    if (then < least)
        mri_aud_wrong(a, c, MR_LOWERED, what, least, then);
}

static void check_grant(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_grant *const g = &c->order->body.u.grant;
    const struct mri_aud_account *const x = mri_aud_own_member(a, c, g->account);
    static const struct mr_class_rule none;
    const struct mr_class_rule *r = &none;
    if (x == NULL)
        return;
    for (uint32_t i = 0; i < c->policy->classes_count; i++) {
        if (c->policy->classes[i].class == x->class)
            r = &c->policy->classes[i];
    }
    if (g->credit < x->cold.credit)
        mri_aud_wrong(a, c, MR_LOWERED, "credit, at least", x->cold.credit, g->credit);
    check_raise(a, c, "limit of a payment, at least", x->cold.limit_payment, r->limit_payment,
                g->limit_payment);
    check_raise(a, c, "limit of a day, at least", x->cold.limit_day, r->limit_day, g->limit_day);
    check_raise(a, c, "limit of a month, at least", x->cold.limit_month, r->limit_month,
                g->limit_month);
    if (g->credit == x->cold.credit && g->limit_payment == x->cold.limit_payment &&
        g->limit_day == x->cold.limit_day && g->limit_month == x->cold.limit_month)
        mri_aud_wrong_text(a, c, MR_NO_CHANGE, "credit and limits granted", "a change", "none");
}

/* Before the first LOWER nothing is less than it could be. */
static void check_lower(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_grant *const g = &c->order->body.u.lower;
    const struct mri_aud_account *const x = mri_aud_own_member(a, c, g->account);
    if (x == NULL)
        return;
    const bool was = x->cold.is_lowered;
    if (g->credit == (was ? x->cold.most.credit : MR_CREDIT_MAX) &&
        g->limit_payment == (was ? x->cold.most.limit_payment : 0) &&
        g->limit_day == (was ? x->cold.most.limit_day : 0) &&
        g->limit_month == (was ? x->cold.most.limit_month : 0))
        mri_aud_wrong_text(a, c, MR_NO_CHANGE, "credit and limits left", "a change", "none");
}

/* --- LED-29 POLICY, CAP ----------------------------------------------------------------------- */

static void check_policy_order(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_policy *const p = &c->order->body.u.policy;
    const struct mr_policy *const last = &a->policies[a->policies_count - 1]->row;
    if (p->version != last->version + 1)
        mri_aud_wrong(a, c, MR_POLICY_VERSION, "version of a policy", last->version + 1,
                      p->version);
    const uint64_t earliest = c->order->not_after_ms / MR_DAY_MS + MR_POLICY_NOTICE_DAYS;
    if (p->start_day < earliest)
        mri_aud_wrong(a, c, MR_POLICY_NOTICE, "first day of a policy, at least", (int64_t)earliest,
                      p->start_day);
    if (p->start_day < last->start_day)
        mri_aud_wrong(a, c, MR_POLICY_NOTICE, "first day of a policy, at least", last->start_day,
                      p->start_day);
    for (uint32_t i = 0; i < p->classes_count; i++) {
        if (!mri_aud_is_member(p->classes[i].class) ||
            (i > 0 && p->classes[i].class <= p->classes[i - 1].class))
            mri_aud_wrong_text(a, c, MR_OUT_OF_RANGE, "class rules", "members', ascending",
                               mr_account_class_text(p->classes[i].class));
    }
    for (uint32_t i = 0; i < p->fees_count; i++) {
        if (p->fees[i].kind != MR_KIND_PAY && p->fees[i].kind != MR_KIND_REDEEM)
            mri_aud_wrong_text(a, c, MR_OUT_OF_RANGE, "kind of a fee", "pay or redeem",
                               mr_order_kind_text(p->fees[i].kind));
    }
}

static void check_cap(struct mr_audit *a, struct mri_aud_case *c)
{
    const struct mr_cap *const cap = &c->order->body.u.cap;
    const int i = mri_aud_association(a, cap->association);
    if (i < 0) {
        char hex[33];
        mr_hex_format(hex, cap->association, 16);
        mri_aud_wrong_text(a, c, MR_NOT_FOUND, "association", "one of the charter", hex);
        return;
    }
    if (a->of[i].issuer->cold.credit == cap->cap)
        mri_aud_wrong_text(a, c, MR_NO_CHANGE, "cap", "a change", "none");
    /* LED-5a */
    int64_t sum = cap->cap;
    for (uint32_t k = 0; k < a->charter.associations_count; k++)
        sum += (int)k == i ? 0 : a->of[k].issuer->cold.credit;
    if (sum > MR_CAPS_MAX)
        mri_aud_wrong(a, c, MR_AMOUNT_TOO_LARGE, "sum of all caps, at most", MR_CAPS_MAX, sum);
}

/* --- LED-30 CHECKPOINT ------------------------------------------------------------------------ */

/* Who votes for another node's checkpoint has read its log that far, and with that root. */
static void check_voted(struct mr_audit *a, uint32_t node, const struct mr_checkpoint *p)
{
    const int seat = mri_aud_seat(a, node);
    const struct mri_aud_mirror *const m = seat < 0 ? NULL : a->mirrors[seat];
    uint8_t root[32];
    if (m == NULL || m->lost)
        return;
    if (p->log_size > m->size)
        mri_aud_u64(a, "LED-30", MR_BEHIND, "size of the log of a checkpoint that is voted for",
                    m->size, p->log_size);
    else if (mri_aud_tree_root(&m->tree, root, p->log_size) && memcmp(root, p->log_root, 32) != 0)
        mri_aud_hash(a, "LED-30", MR_STATE_MISMATCH, "root of the log", root, p->log_root);
}

/* False: the turn is none that was. */
static bool check_sizes(struct mr_audit *a, const struct mr_checkpoint *p)
{
    uint8_t root[32];
    const uint64_t far = a->turn > MRI_AUD_TURNS ? a->turn - MRI_AUD_TURNS : 0;
    if (p->turn >= a->turn) {
        mri_aud_u64(a, "LED-30", MR_STATE_MISMATCH, "turn of a checkpoint, before its own",
                    a->turn - 1, p->turn);
        return false;
    }
    if (p->turn < a->log_turn) {
        a->totals.checkpoints_unchecked++; /* its tree is that of the log before */
        return true;
    }
    if (p->turn > far && a->size_after[p->turn % MRI_AUD_TURNS] != p->log_size) {
        mri_aud_u64(a, "LED-30", MR_STATE_MISMATCH, "size of the log",
                    a->size_after[p->turn % MRI_AUD_TURNS], p->log_size);
        return true;
    }
    if (p->log_size > a->tree.size)
        mri_aud_u64(a, "LED-30", MR_STATE_MISMATCH, "size of the log", a->tree.size, p->log_size);
    else if (mri_aud_tree_root(&a->tree, root, p->log_size) && memcmp(root, p->log_root, 32) != 0)
        mri_aud_hash(a, "LED-30", MR_STATE_MISMATCH, "root of the log", root, p->log_root);
    return true;
}

static void check_supply(struct mr_audit *a, const struct mr_checkpoint *p)
{
    for (uint32_t u = 0; u < a->charter.units_count; u++) {
        const int64_t found = u < p->supply_count ? p->supply[u].issued : 0;
        if (found != mri_aud_supply(a, u))
            mri_aud_i64(a, "LED-51", MR_STATE_MISMATCH, "supply of a unit", mri_aud_supply(a, u),
                        found);
    }
    if (p->supply_count != a->charter.units_count)
        mri_aud_u64(a, "LED-51", MR_STATE_MISMATCH, "units of the supply", a->charter.units_count,
                    p->supply_count);
}

static void check_state(struct mr_audit *a, const struct mr_checkpoint *p)
{
    uint8_t root[32];
    uint64_t accounts;
    if (a->incomplete || a->unsure) {
        a->totals.checkpoints_unchecked++;
        return;
    }
    if (!mri_aud_state_root(a, root, &accounts, p->turn))
        return;
    if (p->accounts != accounts)
        mri_aud_u64(a, "LED-30", MR_STATE_MISMATCH, "number of accounts", accounts, p->accounts);
    if (memcmp(root, p->state_root, 32) != 0)
        mri_aud_hash(a, "LED-50", MR_STATE_MISMATCH, "state root", root, p->state_root);
}

static void check_checkpoint(struct mr_audit *a, const struct mri_aud_case *c)
{
    const struct mr_checkpoint *const p = &c->order->body.u.checkpoint;
    if (p->number != a->totals.checkpoints + 1)
        mri_aud_u64(a, "LED-30", MR_STATE_MISMATCH, "number of a checkpoint",
                    a->totals.checkpoints + 1, p->number);
    if (!mri_aud_alone(a) && c->node != a->node) {
        a->totals.checkpoints_unchecked++; /* of its turn; who voted for it saw to the rest */
        return;
    }
    if (!check_sizes(a, p))
        return;
    if (!mri_aud_past_enter(a, p->turn)) {
        a->totals.checkpoints_unchecked++;
        return;
    }
    check_supply(a, p);
    check_state(a, p);
    mri_aud_past_leave(a, p->turn);
}

void mri_aud_check_kind(struct mr_audit *a, struct mri_aud_case *c)
{
    c->planned = true;
    switch (c->order->body.kind) {
    case MR_KIND_NEXT:
        mri_aud_check_next(a, c);
        return;
    case MR_KIND_CUT:
        mri_aud_check_cut(a, c);
        return;
    case MR_KIND_OPEN:
        check_open(a, c);
        return;
    case MR_KIND_SETKEYS:
        check_setkeys(a, c);
        return;
    case MR_KIND_FLAG:
        check_flag(a, c);
        return;
    case MR_KIND_LIST:
        check_list(a, c);
        return;
    case MR_KIND_CLOSE:
        return;
    case MR_KIND_GRANT:
        check_grant(a, c);
        return;
    case MR_KIND_LOWER:
        check_lower(a, c);
        return;
    case MR_KIND_POLICY:
        check_policy_order(a, c);
        return;
    case MR_KIND_CAP:
        check_cap(a, c);
        return;
    case MR_KIND_CHECKPOINT:
        if (!c->at_vote)
            check_checkpoint(a, c);
        else if (c->node != a->node)
            check_voted(a, c->node, &c->order->body.u.checkpoint);
        return;
    case MR_KIND_PAY:
    case MR_KIND_ISSUE:
    case MR_KIND_REDEEM:
    case MR_KIND_PAYOUT:
    case MR_KIND_RETURN:
    case MR_KIND_SWEEP:
        c->planned = false;
        mri_aud_check_money(a, c);
        return;
    case MR_KIND_CLEAR:
        c->planned = false;
        mri_aud_check_clear(a, c);
        return;
    case MR_KIND_RECOVER:
    case MR_KIND_STOP:
    case MR_KIND_TAKEOVER:
        mri_aud_check_recovery(a, c);
        return;
    }
    mr_bug("order kind");
}
