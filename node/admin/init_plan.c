/* What a ledger is founded with: from options, from answers, from defaults. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/init.h"
#include "common/amount_text.h"
#include "common/hostport.h"
#include "common/term.h"
#include "common/witnesses.h"
#include "mereau/amount.h"
#include "mereau/federation.h"
#include "mereau/letters.h"
#include "mereau/order.h"
#include "mereau/text.h"

enum { SLUG_MAX = 64, DECIMALS_MAX = 6, FEE_BP = 500 };

#define ASSOCIATION_OPTIONS                                                                        \
    {"association", 0, N_("NAME"), N_("name of the association")},                                 \
        {"alias", 0, N_("ALIAS"), N_("its short name, as in bakery@ALIAS")},                       \
        {"operators", 0, "N", N_("people with a key for desk and treasury (default 2)")},          \
        {"threshold", 0, "N", N_("how many of them sign for money (default: more than half)")},    \
        {"operator-names", 0, N_("A,B,..."),                                                       \
         N_("names of their key files (default op1,op2,...)")},                                    \
        {"keys", 0, N_("DIR"), N_("where key files go (default: DATA-keys)")},                     \
        {"listen", 0, N_("HOST:PORT"),                                                             \
         N_("where the node takes wallets (default 127.0.0.1:7290)")},                             \
        {"address", 0, N_("HOST:PORT"),                                                            \
         N_("where wallets find it, when that differs from --listen")},                            \
        {"peer-listen", 0, N_("HOST:PORT"),                                                        \
         N_("where the node takes the other nodes (default 127.0.0.1:7292)")},                     \
        {"peer-address", 0, N_("HOST:PORT"),                                                       \
         N_("where they find it, when that differs from --peer-listen")},                          \
        {"bank-account", 0, N_("TEXT"), N_("reserve account that bank references belong to")},     \
        {"cap", 0, N_("AMOUNT"), N_("most units outstanding (default 10000000)")},                 \
    {                                                                                              \
        "kdf-min", 0, NULL, N_("weak sealing of the key files, for tests only")                    \
    }

const struct option_row init_options[] = {
    {"name", 0, N_("NAME"), N_("name of the currency")},
    {"prefix", 0, N_("LETTERS"), N_("prefix of account addresses: 2 to 16 lower-case letters")},
    {"unit", 0, N_("CODE"), N_("short code of the unit, as in 12.50 CODE")},
    {"reserve-unit", 0, N_("CODE"), N_("code of the money in the reserve (default EUR)")},
    ASSOCIATION_OPTIONS,
    {"decimals", 0, "N", N_("digits behind the point (default 2)")},
    {"governance", 0, "K/M", N_("K keys for the rules, M of them sign (default 3/2)")},
    {"redeem-min", 0, N_("AMOUNT"), N_("smallest redemption (default 20)")},
    {"redeem-fee-bp", 0, "N", N_("fee of a redemption in 1/10000 (default 500)")},
    {"policy", 0, N_("FILE"), N_("first policy, in the form that \"policy show --json\" prints")},
    {"offer", 0, N_("FILE"),
     N_("another association that takes part, by its offer; as often as there are others")},
    {"quorum", 0, "N", N_("nodes whose votes settle (default by their number)")},
    {"witness", 0, N_("[NAME=]KEY"),
     N_("who cosigns what nodes say (\"mereau-audit keygen\"); may be given several times")},
    {"witness-quorum", 0, "N",
     N_("cosignatures that receipts need (default 0: none), of those and of the offers'")},
    {NULL, 0, NULL, NULL},
};

const struct option_row join_options[] = {
    ASSOCIATION_OPTIONS,
    {"output", 'o', N_("FILE"), N_("write the offer there too, to be handed on")},
    {"wait", 0, N_("SECONDS"), N_("how long to wait; 0: make keys and the offer, and stop")},
    {NULL, 0, NULL, NULL},
};

const struct option_row offer_options[] = {
    ASSOCIATION_OPTIONS,
    {"decimals", 0, "N", N_("digits behind the point (default 2)")},
    {"no-governance", 0, NULL, N_("bring no governance key: the others govern")},
    {"witness", 0, N_("[NAME=]KEY"), N_("whom this association wants to cosign")},
    {"output", 'o', N_("FILE"), N_("write the offer there too, to be handed on")},
    {NULL, 0, NULL, NULL},
};

void init_slug(char *ret, size_t cap, const char *name, char sep)
{
    size_t n = 0;
    bool gap = false;
    for (const char *at = name; *at != '\0' && n + 2 < cap; at++) {
        const char c = mr_lower(*at);
        const bool digit = sep != 0 && c >= '0' && c <= '9';
        if ((c < 'a' || c > 'z') && !digit) {
            gap = gap || n > 0;
            continue;
        }
        if (gap && sep != 0)
            ret[n++] = sep;
        gap = false;
        ret[n++] = c;
    }
    ret[n] = '\0';
}

static bool can_ask(const struct command *c)
{
    return !c->no_input && !c->yes && isatty(STDIN_FILENO) == 1;
}

/* The option's text, or the answer to a question, or the preset. preset NULL: there is none. */
static enum mr_status take_text(char *ret, size_t cap, const struct command *c, struct out *out,
                                const char *option, const char *question, const char *preset)
{
    const char *given = opt_text(c, option);
    char answer[MR_ADDRESS_MAX + 1] = "", asked[512];
    if (given == NULL && question != NULL && can_ask(c)) {
        snprintf(asked, sizeof asked, preset != NULL ? "%s [%s]:" : "%s:", question, preset);
        const enum mr_status st = term_ask(c, out, answer, sizeof answer, asked);
        if (st != MR_OK)
            return st;
        if (answer[0] != '\0')
            given = answer;
    }
    if (given == NULL)
        given = preset;
    if (given == NULL || given[0] == '\0')
        return out_fail(out, MR_USAGE, _("--%s is needed"), option);
    if (strlen(given) >= cap)
        return out_fail(out, MR_USAGE, _("--%s: \"%s\" is longer than %zu characters"), option,
                        given, cap - 1);
    memcpy(ret, given, strlen(given) + 1);
    return MR_OK;
}

static enum mr_status take_number(uint32_t *ret, const struct command *c, struct out *out,
                                  const char *option, int64_t preset, int64_t min, int64_t max)
{
    int64_t value = preset;
    const enum mr_status st = opt_int(c, out, &value, option, min, max);
    if (st == MR_OK || st == MR_NOT_FOUND)
        *ret = (uint32_t)value;
    return st == MR_NOT_FOUND ? MR_OK : st;
}

static enum mr_status take_amount(int64_t *ret, const struct command *c, struct out *out,
                                  const char *option, int64_t whole, const struct init_plan *p)
{
    char hint[HINT_MAX];
    const char *text = opt_text(c, option);
    *ret = whole;
    for (uint32_t i = 0; i < p->decimals; i++)
        *ret *= 10;
    if (text == NULL)
        return MR_OK;
    const enum mr_status st = mr_amount_parse(ret, text, p->decimals, p->code);
    if (st == MR_OK)
        return st;
    amount_hint(hint, st, text, p->decimals, p->code);
    return out_fail(out, MR_USAGE, "--%s: %s", option, hint);
}

static enum mr_status read_names(struct init_plan *p, const struct command *c, struct out *out)
{
    const char *names = opt_text(c, "operator-names");
    uint32_t count = 0;
    if (names == NULL)
        return MR_OK;
    if (strlen(names) >= sizeof p->name_text)
        return out_fail(out, MR_USAGE, _("--operator-names is too long"));
    snprintf(p->name_text, sizeof p->name_text, "%s", names);
    for (char *at = p->name_text, *name; (name = strsep(&at, ",")) != NULL;) {
        if (!mr_alias_ok(name) || count == MR_KEYS_MAX)
            return out_fail(out, MR_USAGE,
                            _("--operator-names: \"%s\" is no name of a key file: 2 to 32 "
                              "lower-case letters, digits and hyphens"),
                            name);
        for (uint32_t i = 0; i < count; i++)
            if (strcmp(p->operator_names[i], name) == 0)
                return out_fail(out, MR_USAGE, _("--operator-names: \"%s\" stands twice"), name);
        p->operator_names[count++] = name;
    }
    if (!opt_flag(c, "operators"))
        p->operators = count;
    if (p->operators != count)
        return out_fail(out, MR_USAGE, _("--operator-names has %u names for %u operators"), count,
                        p->operators);
    return MR_OK;
}

static enum mr_status majority(struct out *out, const char *option, uint32_t m, uint32_t k)
{
    if (m <= k && 2 * m > k)
        return MR_OK;
    return out_fail(out, MR_USAGE,
                    _("--%s: %u of %u keys is not allowed: more than half of them have to sign"),
                    option, m, k);
}

static enum mr_status read_people(struct init_plan *p, const struct command *c, struct out *out)
{
    enum mr_status st = take_number(&p->operators, c, out, "operators", 2, 1, MR_KEYS_MAX);
    if (st == MR_OK)
        st = read_names(p, c, out);
    if (st == MR_OK)
        st = take_number(&p->threshold, c, out, "threshold", p->operators / 2 + 1, 1, MR_KEYS_MAX);
    return st == MR_OK ? majority(out, "threshold", p->threshold, p->operators) : st;
}

/* "3/2": how many keys there are, and how many of them sign. */
static bool read_pair(unsigned *ret_keys, unsigned *ret_sign, char *text)
{
    char *const slash = strchr(text, '/');
    int64_t keys, sign;
    if (slash == NULL)
        return false;
    *slash = '\0';
    const bool ok = number_parse(&keys, text, 1, MR_KEYS_MAX) == MR_OK &&
                    number_parse(&sign, slash + 1, 0, MR_KEYS_MAX) == MR_OK;
    *slash = '/';
    if (ok) {
        *ret_keys = (unsigned)keys;
        *ret_sign = (unsigned)sign;
    }
    return ok;
}

/* K counts all keys, M signs. Unless said, every association that offers a key and the founding one
 * have one each; where none is offered, the founding one governs. */
static enum mr_status read_governance(struct init_plan *p, const struct command *c, struct out *out,
                                      uint32_t offered)
{
    unsigned k = 0, m = 0;
    char text[16], preset[16];
    snprintf(preset, sizeof preset, "%u/%u", offered + 1, (offered + 1) / 2 + 1);
    if (offered == 0)
        snprintf(preset, sizeof preset, "%s", p->operators == 1 ? "1/1" : "3/2");
    const enum mr_status st = take_text(text, sizeof text, c, out, "governance", NULL, preset);
    if (st != MR_OK)
        return st;
    if (!read_pair(&k, &m, text))
        return out_fail(out, MR_USAGE, _("--governance takes two numbers like 3/2, not \"%s\""),
                        text);
    if (k <= offered)
        return out_fail(out, MR_USAGE,
                        _("--governance: %u keys come with the offers, so there are %u at least"),
                        offered, offered + 1);
    p->governance = k - offered;
    p->governance_threshold = m;
    return majority(out, "governance", m, k);
}

static enum mr_status read_currency(struct init_plan *p, const struct command *c, struct out *out)
{
    char slug[SLUG_MAX];
    enum mr_status st =
        take_text(p->name, sizeof p->name, c, out, "name", _("Name of the currency"), NULL);
    if (st != MR_OK)
        return st;
    init_slug(slug, sizeof p->prefix, p->name, 0);
    st = take_text(p->prefix, sizeof p->prefix, c, out, "prefix", _("Prefix of account addresses"),
                   strlen(slug) >= 2 ? slug : NULL);
    if (st == MR_OK)
        st = take_text(p->code, sizeof p->code, c, out, "unit",
                       _("Short code of the unit, as in 12.50 CODE"), NULL);
    if (st != MR_OK)
        return st;
    return take_text(p->reserve_code, sizeof p->reserve_code, c, out, "reserve-unit", NULL, "EUR");
}

static enum mr_status read_association(struct init_plan *p, const struct command *c,
                                       struct out *out)
{
    char slug[SLUG_MAX];
    const enum mr_status st = take_text(p->association, sizeof p->association, c, out,
                                        "association", _("Name of the association"), NULL);
    if (st != MR_OK)
        return st;
    init_slug(slug, sizeof p->alias, p->association, '-');
    return take_text(p->alias, sizeof p->alias, c, out, "alias",
                     _("Short name of the association, as in bakery@NAME"),
                     mr_alias_ok(slug) ? slug : NULL);
}

/* Where a node listens, and where it is found when that is another place. */
struct port {
    const char *listen_option, *listen_question, *preset;
    const char *address_option, *address_question;
};

static const struct port wallet_port = {"listen", N_("Address and port for wallets"),
                                        "127.0.0.1:7290", "address",
                                        N_("Address at which wallets find the node")};
static const struct port peer_port = {"peer-listen", N_("Address and port for the other nodes"),
                                      "127.0.0.1:7292", "peer-address",
                                      N_("Address at which the other nodes find this one")};

static enum mr_status read_port(char ret_listen[MR_ADDRESS_MAX + 1],
                                char ret_address[MR_ADDRESS_MAX + 1], const struct command *c,
                                struct out *out, const struct port *port)
{
    struct hostport at;
    enum mr_status st = take_text(ret_listen, MR_ADDRESS_MAX + 1, c, out, port->listen_option,
                                  _(port->listen_question), port->preset);
    if (st != MR_OK)
        return st;
    if (hostport_parse(&at, ret_listen) != MR_OK)
        return out_fail(out, MR_USAGE, _("--%s takes host:port, not \"%s\""), port->listen_option,
                        ret_listen);
    const bool any = strcmp(at.host, "0.0.0.0") == 0 || strcmp(at.host, "::") == 0;
    st = take_text(ret_address, MR_ADDRESS_MAX + 1, c, out, port->address_option,
                   any ? _(port->address_question) : NULL, any || at.port == 0 ? NULL : ret_listen);
    if (st != MR_OK)
        return st;
    if (hostport_parse(&at, ret_address) != MR_OK || at.port == 0)
        return out_fail(out, MR_USAGE, _("--%s takes host:port, not \"%s\""), port->address_option,
                        ret_address);
    return MR_OK;
}

/* The parts of a plan that are the association's own, behind its people. */
static enum mr_status read_own(struct init_plan *p, const struct command *c, struct out *out,
                               bool peers)
{
    enum mr_status st = read_port(p->listen, p->address, c, out, &wallet_port);
    if (st == MR_OK && peers)
        st = read_port(p->peer_listen, p->peer_address, c, out, &peer_port);
    if (st == MR_OK)
        st = take_amount(&p->cap, c, out, "cap", 10000000, p);
    if (st == MR_OK && opt_flag(c, "bank-account"))
        st = take_text(p->bank_account, sizeof p->bank_account, c, out, "bank-account", NULL, NULL);
    return st;
}

static enum mr_status read_quorum(struct init_plan *p, const struct command *c, struct out *out,
                                  uint32_t nodes)
{
    const enum mr_status st =
        take_number(&p->quorum, c, out, "quorum", mr_quorum_default(nodes), 1, nodes);
    if (st != MR_OK || 2 * p->quorum > nodes)
        return st;
    return out_fail(out, MR_USAGE,
                    _("--quorum: %u of %u nodes could settle one thing and the others another: "
                      "more than half are needed"),
                    p->quorum, nodes);
}

/* How many are needed is checked with the charter: offers bring witnesses too. */
static enum mr_status read_witnesses(struct init_plan *p, const struct command *c, struct out *out)
{
    const enum mr_status st = witness_list(&p->witnesses, c, out, "witness");
    return st == MR_OK
               ? take_number(&p->witnesses.quorum, c, out, "witness-quorum", 0, 0, MR_WITNESSES_MAX)
               : st;
}

enum mr_status init_plan_read(struct init_plan *ret, const struct command *c, struct out *out,
                              uint32_t offers, uint32_t offered_keys)
{
    struct init_plan *p = ret;
    *p = (struct init_plan){.policy_file = opt_text(c, "policy")};
    /* A node that is alone may have a place where others will find it. */
    const bool peers = offers > 0 || opt_flag(c, "peer-listen") || opt_flag(c, "peer-address");
    enum mr_status st = read_currency(p, c, out);
    if (st == MR_OK)
        st = read_association(p, c, out);
    if (st == MR_OK)
        st = take_number(&p->decimals, c, out, "decimals", 2, 0, DECIMALS_MAX);
    if (st == MR_OK)
        st = read_people(p, c, out);
    if (st == MR_OK)
        st = read_governance(p, c, out, offered_keys);
    if (st == MR_OK)
        st = read_own(p, c, out, peers);
    if (st == MR_OK)
        st = read_quorum(p, c, out, offers + 1);
    if (st == MR_OK)
        st = read_witnesses(p, c, out);
    if (st == MR_OK)
        st = take_amount(&p->redeem_min, c, out, "redeem-min", 20, p);
    if (st == MR_OK)
        st = take_number(&p->redeem_fee_bp, c, out, "redeem-fee-bp", FEE_BP, 0, 10000);
    return st;
}

enum mr_status offer_plan_read(struct init_plan *ret, const struct command *c, struct out *out,
                               const struct mr_charter *joins)
{
    struct init_plan *p = ret;
    *p = (struct init_plan){.governance = 0};
    if (joins == NULL)
        p->governance = opt_flag(c, "no-governance") ? 0 : 1;
    else
        p->decimals = joins->units[0].decimals;
    enum mr_status st = read_association(p, c, out);
    if (st == MR_OK && joins == NULL)
        st = take_number(&p->decimals, c, out, "decimals", 2, 0, DECIMALS_MAX);
    if (st == MR_OK)
        st = read_people(p, c, out);
    if (st == MR_OK && joins == NULL)
        st = witness_list(&p->witnesses, c, out, "witness");
    if (st == MR_OK && p->witnesses.members_count > 1)
        st = out_fail(out, MR_USAGE, _("an offer brings one witness; the founder may name more"));
    return st == MR_OK ? read_own(p, c, out, true) : st;
}

/* --- the default policy ------------------------------------------------------------------------
 */

/* A municipality may be paid and redeem but not spend, people redeem only through their
 * association: this is where French law stands. Another country writes another policy. */
static const struct mr_class_rule default_rules[] = {
    {.class = MR_CLASS_RESIDENT, .may_pay = true, .may_receive = true},
    {.class = MR_CLASS_SHOP, .may_pay = true, .may_receive = true, .may_redeem = true},
    {.class = MR_CLASS_ASSOCIATION, .may_pay = true, .may_receive = true, .may_redeem = true},
    {.class = MR_CLASS_MUNICIPALITY, .may_receive = true, .may_redeem = true},
    {.class = MR_CLASS_OFFICE, .may_pay = true, .may_receive = true},
    {.class = MR_CLASS_FUND, .may_pay = true, .may_receive = true},
};

enum { LIMIT_PAYMENT = 100000, LIMIT_DAY = 200000, LIMIT_MONTH = 1000000 }; /* whole units */

void init_policy(struct mr_policy *ret, const struct init_plan *plan)
{
    int64_t one = 1;
    for (uint32_t i = 0; i < plan->decimals; i++)
        one *= 10;
    *ret = (struct mr_policy){.version = 1};
    for (size_t i = 0; i < sizeof default_rules / sizeof default_rules[0]; i++) {
        struct mr_class_rule *rule = &ret->classes[ret->classes_count++];
        *rule = default_rules[i];
        rule->limit_payment = LIMIT_PAYMENT * one;
        rule->limit_day = LIMIT_DAY * one;
        rule->limit_month = LIMIT_MONTH * one;
        if (!rule->may_redeem)
            continue;
        rule->redeem_min = plan->redeem_min;
        if (plan->redeem_fee_bp > 0)
            ret->fees[ret->fees_count++] = (struct mr_fee_rule){.kind = MR_KIND_REDEEM,
                                                                .class = rule->class,
                                                                .basis_points = plan->redeem_fee_bp,
                                                                .fee_max = MR_AMOUNT_MAX};
    }
}
