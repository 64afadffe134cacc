/** The subcommands of mereau, one function each; main.c has the table. */
#ifndef MEREAU_WALLET_COMMANDS_H
#define MEREAU_WALLET_COMMANDS_H

#include "common/command.h"
#include "mereau/record.h"

command_fn cmd_join, cmd_status, cmd_address, cmd_balance, cmd_pay, cmd_request, cmd_history,
    cmd_receipt_show, cmd_receipt_save, cmd_receipt_verify, cmd_witnesses, cmd_contact_add,
    cmd_contact_list, cmd_contact_remove, cmd_redeem, cmd_keys_rotate, cmd_backup, cmd_restore,
    cmd_resume, cmd_cancel, cmd_close, cmd_passphrase, cmd_directory, cmd_node_list, cmd_node_use,
    cmd_recover, cmd_stop_recovery, cmd_mandate_give, cmd_regie_convert, cmd_regie_slip;

struct wallet;

/** The join link that somebody gave. MR_OK, or reported. */
enum mr_status join_link_read(struct mr_join_link *ret, struct out *out, const char *text);

/** What a wallet that was made anew has found. */
void restore_print(struct wallet *w, struct out *out);

/** Take its files away: it cannot become what was wanted. */
void restore_remove(struct wallet *w);

#endif
