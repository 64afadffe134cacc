/* mereau: the wallet of residents and shops. */
#include <stddef.h>

#include "common/command.h"
#include "common/secret.h"
#include "common/witnesses.h"
#include "wallet/commands.h"
#include "wallet/wallet.h"

static const struct option_row program_options[] = {
    {"wallet", 0, N_("DIR"), N_("the wallet's directory")},
    {"node", 0, N_("WHICH"), N_("ask this node alone: its number, association or HOST:PORT")},
    SECRET_OPTIONS,
    {NULL, 0, NULL, NULL},
};

static const struct option_row join_options[] = {
    {"name", 0, N_("TEXT"), N_("your name or your shop's; the association alone reads it")},
    {"contact", 0, N_("TEXT"), N_("mail, telephone or address; the association alone reads it")},
    {"class", 0, "resident|shop|association|municipality|office|fund", N_("kind of account")},
    {"wait", 0, NULL, N_("wait until the association has admitted you")},
    {"kdf-min", 0, NULL, N_("weak sealing of the key file, for tests only")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row pay_options[] = {
    {"memo", 'm', N_("TEXT"), N_("note that only you and the payee can read")},
    {"unit", 0, N_("CODE"), N_("another unit than the currency's own")},
    {"id", 0, N_("TEXT"), N_("the same id pays once, for ever; for scripts")},
    {"again", 0, NULL, N_("pay although the same was paid a moment ago")},
    {"file", 'f', N_("FILE"), N_("many payees in one order: lines WHO;AMOUNT")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row redeem_options[] = {
    {"at", 0, N_("ALIAS"), N_("short name of the association that shall pay (default: yours)")},
    {"id", 0, N_("TEXT"), N_("the same id counts once, for ever; for scripts")},
    {"again", 0, NULL, N_("go on although the same was done a moment ago")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row request_options[] = {
    {"memo", 'm', N_("TEXT"), N_("memo that the payment will carry")},
    {"unit", 0, N_("CODE"), N_("another unit than the currency's own")},
    {"no-qr", 0, NULL, N_("print the text alone")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row address_options[] = {
    {"no-qr", 0, NULL, N_("print the text alone")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row history_options[] = {
    {"since", 0, N_("DAY"), N_("from this day on, like 2025-01-31")},
    {"csv", 0, NULL, N_("comma-separated values")},
    {"follow", 'f', NULL, N_("go on with what comes, until interrupted")},
    {NULL, 0, NULL, NULL},
};

#define WAIT_OPTION                                                                                \
    {                                                                                              \
        "wait", 0, NULL, N_("wait until as many witnesses as are wanted have cosigned it")         \
    }

static const struct option_row save_options[] = {
    WAIT_OPTION,
    {"force", 0, NULL, N_("replace a file that is there")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row show_options[] = {
    WAIT_OPTION,
    WITNESS_OPTIONS,
    {NULL, 0, NULL, NULL},
};

static const struct option_row verify_options[] = {
    {"charter", 0, N_("FILE"), N_("the ledger's charter; else the wallet's own")},
    {"mandate", 0, N_("MANDATE"), N_("of a municipality's conversion: does it cite this mandate")},
    {"payment-order", 0, N_("TEXT"), N_("and this payment order?")},
    WITNESS_OPTIONS,
    {NULL, 0, NULL, NULL},
};

static const struct option_row witnesses_options[] = {
    {"witness", 'w', N_("[NAME=]KEY"), N_("you want this witness; may be given several times")},
    {"need", 0, N_("K"), N_("so many of them have to cosign (all)")},
    {"patience", 0, N_("MINUTES"),
     N_("sign nothing when they have not cosigned for so long (0: sign)")},
    {"none", 0, NULL, N_("forget what you wanted; the charter's witnesses stay")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row close_options[] = {
    {"give-up-balance", 0, NULL, N_("leave what is on the account to the association")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row sheet_options[] = {
    {"output", 'o', N_("FILE"), N_("write the sheet to a file")},
    {"force", 0, NULL, N_("replace a file that is there")},
    {"words", 0, "fr|en", N_("language of the words")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row restore_options[] = {
    {"sheet-file", 0, N_("FILE"), N_("read the sheet, its code or its words from a file")},
    {"sheet-fd", 0, N_("N"), N_("read the code or the words from an open file descriptor")},
    {"link", 0, N_("LINK"), N_("with words: the association's join link")},
    {"account", 0, N_("ADDRESS"), N_("with words: the account on the sheet")},
    {"kdf-min", 0, NULL, N_("weak sealing of the key file, for tests only")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row use_options[] = {
    {"home", 0, NULL, N_("your association's own node again")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row recover_options[] = {
    {"output", 'o', N_("FILE"), N_("write the request to a file too")},
    {"force", 0, NULL, N_("replace a file that is there")},
    {"kdf-min", 0, NULL, N_("weak sealing of the key file, for tests only")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row passphrase_options[] = {
    {"new-passphrase-file", 0, N_("FILE"), N_("read the new passphrase from a file")},
    {"new-passphrase-fd", 0, N_("N"), N_("read it from an open file descriptor")},
    {"kdf-min", 0, NULL, N_("weak sealing of the key file, for tests only")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row mandate_options[] = {
    {"municipality", 0, N_("WHO"), N_("account of the municipality that shall pay you")},
    {"until", 0, N_("DAY"),
     N_("last day it holds, like 2025-12-31 (default: until you revoke it)")},
    {"max", 0, N_("AMOUNT"), N_("most that may be paid by it in all (default: no maximum)")},
    {"output", 'o', N_("FILE"), N_("write the mandate to a file too")},
    {"force", 0, NULL, N_("replace a file that is there")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row convert_options[] = {
    {"min", 0, N_("AMOUNT"), N_("convert only when at least this is on the account")},
    {NULL, 0, NULL, NULL},
};

static const struct option_row slip_options[] = {
    {"from", 0, N_("DAY"), N_("first day, like 2025-01-31 (default: the last day)")},
    {"to", 0, N_("DAY"), N_("last day (default: today)")},
    {"html", 0, N_("FILE"), N_("write the paper, ready to print")},
    {"csv", 0, N_("FILE"), N_("write the lines as comma-separated values")},
    {"receipts", 0, N_("DIR"), N_("save the receipt of each line there")},
    {"force", 0, NULL, N_("replace files that are there")},
    {NULL, 0, NULL, NULL},
};

#define DAILY  N_("Every day")
#define PROOF  N_("History and proof")
#define BEGIN  N_("Beginning and ending")
#define SAFETY N_("Keys and safety")
#define PUBLIC N_("Municipal money")

static const struct command_row commands[] = {
    {"pay", cmd_pay, N_("pay somebody"), DAILY, pay_options, N_("[WHO] [AMOUNT] [MORE...]"),
     N_("WHO is a shop's name (boulangerie, boulangerie@lyon), a contact, an address, or a "
        "payment\n"
        "request. Several pairs of WHO and AMOUNT make one order.\n\n"
        "  mereau pay boulangerie 12.50\n"
        "  mereau pay boulangerie 12,50 --memo \"two loaves\"\n")},
    {"balance", cmd_balance, N_("show what is on the account"), DAILY, NULL, NULL, NULL},
    {"request", cmd_request, N_("ask for a payment, as text and QR code"), DAILY, request_options,
     N_("[AMOUNT]"), NULL},
    {"address", cmd_address, N_("show your address, as text and QR code"), DAILY, address_options,
     NULL, NULL},
    {"directory", cmd_directory, N_("find shops"), DAILY, NULL, N_("[TEXT]"), NULL},
    {"redeem", cmd_redeem, N_("give units back for euros (shops)"), DAILY, redeem_options,
     N_("AMOUNT"), NULL},
    {"resume", cmd_resume, N_("bring an open order to its end"), DAILY, NULL, NULL, NULL},
    {"cancel", cmd_cancel, N_("take an open order back"), DAILY, NULL, NULL, NULL},
    {"history", cmd_history, N_("list what was paid and received"), PROOF, history_options, NULL,
     NULL},
    {"receipt show", cmd_receipt_show, N_("show a receipt"), PROOF, show_options, N_("WHICH"),
     N_("WHICH is a place of your chain (1, 2, 3 ...) or the first digits of an order's id.\n")},
    {"receipt save", cmd_receipt_save, N_("save a receipt to a file"), PROOF, save_options,
     N_("WHICH FILE"), NULL},
    {"receipt verify", cmd_receipt_verify, N_("check a receipt offline, anybody's"), PROOF,
     verify_options, N_("FILE"), NULL},
    {"witnesses", cmd_witnesses,
     N_("show who has to cosign what the node says, and say whom you want"), PROOF,
     witnesses_options, NULL,
     N_("A payment counts once it is settled, at once. It is witnessed a moment later, when as\n"
        "many witnesses as the charter and you want have seen it: no other history can be shown "
        "then.\n"
        "What you want replaces what you wanted before. Example:\n"
        "  mereau witnesses --witness mairie.example.org=KEY --patience 1440\n")},
    {"contact add", cmd_contact_add, N_("give an address a name of your own"), DAILY, NULL,
     N_("NAME ADDRESS"), NULL},
    {"contact list", cmd_contact_list, N_("list your names, and what names of shops mean"), DAILY,
     NULL, NULL, NULL},
    {"contact remove", cmd_contact_remove, N_("forget a name"), DAILY, NULL, N_("NAME"), NULL},
    {"join", cmd_join, N_("ask an association for an account"), BEGIN, join_options, N_("LINK"),
     N_("Repeating the command is safe: there is one request and one account.\n")},
    {"status", cmd_status, N_("show how the account and the node are"), BEGIN, NULL, NULL, NULL},
    {"node list", cmd_node_list, N_("show the currency's nodes, and which answer"), BEGIN, NULL,
     NULL, NULL},
    {"node use", cmd_node_use, N_("say which node to ask first"), BEGIN, use_options, N_("[WHICH]"),
     N_("WHICH is a node's number, its association, or an address. Another one is asked when it\n"
        "does not answer; every one of them proves who it is.\n")},
    {"close", cmd_close, N_("close the account for good"), BEGIN, close_options, NULL, NULL},
    {"backup", cmd_backup, N_("print the paper sheet"), SAFETY, sheet_options, NULL, NULL},
    {"restore", cmd_restore, N_("have the account back from the paper sheet"), SAFETY,
     restore_options, NULL, NULL},
    {"recover", cmd_recover, N_("without keys and paper sheet: ask for new keys of the account"),
     SAFETY, recover_options, N_("LINK ADDRESS"),
     N_("Makes a wallet with new keys and shows the request that goes to the desk of the "
        "association.\n"
        "The account works with them once the waiting period is over; the command may be "
        "repeated.\n")},
    {"stop-recovery", cmd_stop_recovery, N_("keep the keys you have: refuse those of a recovery"),
     SAFETY, NULL, NULL, NULL},
    {"keys rotate", cmd_keys_rotate, N_("take new keys; the old sheet is void then"), SAFETY,
     sheet_options, NULL, NULL},
    {"mandate give", cmd_mandate_give,
     N_("let a municipality pay you: it pays euros to the association, which credits you"), PUBLIC,
     mandate_options, NULL,
     N_("Makes a signed text for your association. Example:\n"
        "  mereau mandate give --municipality mairie --until 2025-12-31 --max 2000\n")},
    {"regie convert", cmd_regie_convert,
     N_("a municipality: give all that was collected back for "
        "euros"),
     PUBLIC, convert_options, NULL,
     N_("For a timer: it asks nothing, and may be repeated at any time.\n")},
    {"regie slip", cmd_regie_slip,
     N_("a municipality: what was collected and converted, as a "
        "paper"),
     PUBLIC, slip_options, NULL,
     N_("Example:\n"
        "  mereau regie slip --from 2025-01-01 --to 2025-01-31 --html slip.html --csv slip.csv\n")},
    {"passphrase", cmd_passphrase, N_("change the passphrase"), SAFETY, passphrase_options, NULL,
     NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

static const struct program program = {
    .name = "mereau",
    .summary = N_("pay and be paid in a local currency"),
    .commands = commands,
    .options = program_options,
    .first = "pay balance history request join backup",
    .complete = NULL,
};

int main(int argc, char **argv)
{
    const int code = command_main(&program, argc, argv);
    wallet_end(code);
    return code;
}
