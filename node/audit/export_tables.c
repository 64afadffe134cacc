#include "audit/export_tables.h"

#include <string.h>

#define COLUMNS(list) list, sizeof(list) / sizeof(list)[0]

static const struct export_column units[] = {
    {"unit", EXPORT_NUMBER, false, "number of the unit; 0 is the local one, 1 mirrors the reserve"},
    {"code", EXPORT_TEXT, false, "short code, as in 12.50 CODE"},
    {"name", EXPORT_TEXT, false, "name for people"},
    {"decimals", EXPORT_NUMBER, false, "digits behind the point: 10^decimals minor units are one"},
    {"role", EXPORT_TEXT, false, "local, reserve or other"},
};

static const struct export_column kinds[] = {
    {"kind", EXPORT_TEXT, false, "word of the registry"},
    {"number", EXPORT_NUMBER, false, "number in the registry; never reused"},
    {"meaning", EXPORT_TEXT, false, "what such an order does"},
};

static const struct export_column associations[] = {
    {"association", EXPORT_ID, false, "id in the charter"},
    {"alias", EXPORT_TEXT, false, "the part behind @ in an alias"},
    {"name", EXPORT_TEXT, false, "name for people"},
};

static const struct export_column accounts[] = {
    {"account", EXPORT_ID, false, "pseudonym"},
    {"class", EXPORT_TEXT, true,
     "resident, shop, association, municipality, office or fund; or what the ledger keeps itself: "
     "issuer, reserve, redeemed, own, world, desk, treasury, system, checkpoints"},
    {"association", EXPORT_ID, true, "home; none of world, system and checkpoints"},
    {"opened_at", EXPORT_TIME, true, "time of its OPEN; none of those that the charter makes"},
    {"frozen", EXPORT_BOOL, false, "cannot pay"},
    {"closed", EXPORT_BOOL, false, "closed by its owner"},
    {"trade", EXPORT_TEXT, true, "of a listed shop; left out when pseudonyms are rekeyed"},
    {"town", EXPORT_TEXT, true, "of a listed shop; left out when pseudonyms are rekeyed"},
};

static const struct export_column orders[] = {
    {"chain", EXPORT_ID, false, "account that the order stands on"},
    {"seq", EXPORT_NUMBER, false, "place in that chain, from 1"},
    {"id", EXPORT_HASH, false, "order id"},
    {"kind", EXPORT_TEXT, true, "kind of order; none when its body was erased"},
    {"ordered_at", EXPORT_TIME, false, "owner's time; of an erased order that of settling"},
    {"settled_at", EXPORT_TIME, false, "time of the node whose book this is"},
    {"unit", EXPORT_NUMBER, true, "unit of amount and fee; none of orders that move nothing"},
    {"amount_minor", EXPORT_NUMBER, true,
     "PAY: without its fee; REDEEM and PAYOUT: the fee is part of it"},
    {"fee_minor", EXPORT_NUMBER, true, "fee of the policy"},
    {"about", EXPORT_ID, true, "account it is about: opened, frozen, listed, swept, paid out ..."},
    {"about_seq", EXPORT_NUMBER, true,
     "PAYOUT and RETURN: place of the redemption on that account's chain"},
};

static const struct export_column postings[] = {
    {"chain", EXPORT_ID, false, "chain of the order"},
    {"seq", EXPORT_NUMBER, false, "place of the order"},
    {"line", EXPORT_NUMBER, false, "from 1, in the order of the ledger"},
    {"account", EXPORT_ID, false, "account whose balance changed"},
    {"unit", EXPORT_NUMBER, false, "unit"},
    {"delta_minor", EXPORT_NUMBER, false, "added to the balance; an order's sum to 0 in each unit"},
};

static const struct export_column movements[] = {
    {"chain", EXPORT_ID, false, "chain of the order"},
    {"seq", EXPORT_NUMBER, false, "place of the order"},
    {"line", EXPORT_NUMBER, false, "from 1"},
    {"ordered_at", EXPORT_TIME, false, "of the order"},
    {"kind", EXPORT_TEXT, false,
     "issue, pay, fee, redeem, payout, payout_fee, return, sweep, clear, reserve_in, reserve_out, "
     "reserve_clear; other: of an erased order"},
    {"from_account", EXPORT_ID, false, "whose balance fell"},
    {"to_account", EXPORT_ID, false, "whose balance rose"},
    {"unit", EXPORT_NUMBER, false, "unit"},
    {"amount_minor", EXPORT_NUMBER, false, "above 0"},
};

static const struct export_column balances[] = {
    {"account", EXPORT_ID, false, "account"},
    {"unit", EXPORT_NUMBER, false, "unit"},
    {"opening_minor", EXPORT_NUMBER, false, "before the first day exported; 0 without --from"},
    {"balance_minor", EXPORT_NUMBER, false, "behind the last day exported"},
};

const struct export_table export_tables[EXPORT_TABLES] = {
    [EXPORT_UNITS] = {"units", "Units of the ledger.", "PRIMARY KEY (unit)", COLUMNS(units)},
    [EXPORT_KINDS] = {"kinds", "Kinds of orders, from the registry of the protocol.",
                      "PRIMARY KEY (kind), UNIQUE (number)", COLUMNS(kinds)},
    [EXPORT_ASSOCIATIONS] = {"associations", "Associations of the charter, and those that joined.",
                             "PRIMARY KEY (association)", COLUMNS(associations)},
    [EXPORT_ACCOUNTS] = {"accounts", "Accounts, as they stand. Nobody's name is among them.",
                         "PRIMARY KEY (account), FOREIGN KEY (association) REFERENCES associations",
                         COLUMNS(accounts)},
    [EXPORT_ORDERS] = {"orders", "Settled orders.",
                       "PRIMARY KEY (chain, seq), UNIQUE (id),"
                       " FOREIGN KEY (chain) REFERENCES accounts,"
                       " FOREIGN KEY (kind) REFERENCES kinds,"
                       " FOREIGN KEY (unit) REFERENCES units,"
                       " FOREIGN KEY (about) REFERENCES accounts,"
                       " FOREIGN KEY (about, about_seq) REFERENCES orders (chain, seq)",
                       COLUMNS(orders)},
    [EXPORT_POSTINGS] = {"postings", "What settled orders added to balances.",
                         "PRIMARY KEY (chain, seq, line),"
                         " FOREIGN KEY (chain, seq) REFERENCES orders,"
                         " FOREIGN KEY (account) REFERENCES accounts,"
                         " FOREIGN KEY (unit) REFERENCES units",
                         COLUMNS(postings)},
    [EXPORT_MOVEMENTS] = {"movements", "The same postings in pairs: who gave how much to whom.",
                          "PRIMARY KEY (chain, seq, line),"
                          " FOREIGN KEY (chain, seq) REFERENCES orders,"
                          " FOREIGN KEY (from_account) REFERENCES accounts,"
                          " FOREIGN KEY (to_account) REFERENCES accounts,"
                          " FOREIGN KEY (unit) REFERENCES units, CHECK (amount_minor > 0)",
                          COLUMNS(movements)},
    [EXPORT_BALANCES] = {"balances", "Balances of all accounts that anything ever moved on.",
                         "PRIMARY KEY (account, unit)", COLUMNS(balances)},
};

enum export_table_id export_table_named(const char *name)
{
    unsigned t = 0;
    while (t < EXPORT_TABLES && strcmp(export_tables[t].name, name) != 0)
        t++;
    return (enum export_table_id)t;
}
