#include "wallet/advice.h"

#include <stddef.h>

#include "common/i18n.h"

static const struct {
    enum mr_status st;
    const char *text;
} rows[] = {
    {MR_PAYEE_UNKNOWN, N_("compare the address with the payee, or ask for a payment request")},
    {MR_PAYEE_SELF, N_("give the account of somebody else")},
    {MR_PAYEE_FROZEN, N_("ask the payee; pay once the association has freed the account")},
    {MR_PAYEE_CLOSED, N_("ask the payee for the new account")},
    {MR_PAYEE_CLASS, N_("pay a resident, a shop or an association")},
    {MR_PAYEE_TWICE, N_("put the two amounts into one line")},
    {MR_PAYER_FROZEN, N_("your money is still there")},
    {MR_PAYER_CLOSED, N_("join anew to get another account")},
    {MR_CLASS_FORBIDS, N_("ask your association what your account may do")},
    {MR_LIMIT_PAYMENT, N_("pay less, or ask your association for a higher limit")},
    {MR_LIMIT_DAY, N_("pay less or tomorrow, or ask your association for a higher limit")},
    {MR_LIMIT_MONTH, N_("pay less or next month, or ask your association for a higher limit")},
    {MR_MINIMUM, N_("give back more at once")},
    {MR_AMOUNT_TOO_LARGE, N_("pay in several orders")},
    {MR_UNIT_UNKNOWN, N_("see \"mereau balance\" for the units there are")},
    {MR_AMOUNT_UNIT, N_("see \"mereau balance\" for the units there are")},
    {MR_TIME_AHEAD, N_("set this machine's clock")},
    {MR_TIME_BACK, N_("set this machine's clock")},
    {MR_POLICY_UNKNOWN, N_("set this machine's clock, or try later")},
    {MR_POLICY_NOT_IN_FORCE, N_("repeat the command")},
    {MR_FEE_MISMATCH, N_("repeat the command")},
    {MR_EXPIRED, N_("repeat the command")},
    {MR_SLOT_TAKEN, N_("run \"mereau resume\" or \"mereau cancel\" first")},
    {MR_SEQ_OLD, N_("repeat the command")},
    {MR_PREV_MISMATCH, N_("repeat the command")},
    {MR_ALIAS_UNKNOWN, N_("see \"mereau directory\" for the names there are")},
};

const char *advice(enum mr_status st)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].st == st)
            return gettext(rows[i].text);
    return _("ask your association");
}
