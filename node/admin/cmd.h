/** The commands of mereau-admin and what they share. */
#ifndef MEREAU_ADMIN_CMD_H
#define MEREAU_ADMIN_CMD_H

#include "admin/context.h"
#include "admin/work.h"

/** Begin a command that gives one order; *ret is an empty body. order_end in any case. Reported. */
enum mr_status order_begin(struct admin *a, struct command *c, struct out *out,
                           struct mr_order_body **ret);
void order_end(struct admin *a, struct mr_order_body *body);

/** Give one order on a chain; one that would change nothing is done already. */
enum work_end order_one(struct admin *a, const uint8_t chain[16], const struct mr_order_body *body,
                        const char *question);

command_fn cmd_freeze, cmd_unfreeze, cmd_list_shop, cmd_unlist_shop, cmd_grant, cmd_lower,
    cmd_sweep;
extern const struct option_row freeze_options[], list_shop_options[], grant_options[],
    sweep_options[], work_options[];

command_fn cmd_member_recover, cmd_member_recoveries;
extern const struct option_row recover_options[];

command_fn cmd_issue, cmd_redemptions, cmd_payout, cmd_return;
command_fn cmd_clearing, cmd_clearing_propose;
extern const struct option_row clearing_options[];
extern const struct option_row issue_options[], payout_options[], redemptions_options[];

command_fn cmd_mandate_add, cmd_mandate_list, cmd_mandate_show, cmd_mandate_revoke;
command_fn cmd_convert, cmd_slip;
extern const struct option_row mandate_list_options[], mandate_revoke_options[], convert_options[],
    slip_options[];

command_fn cmd_policy_show, cmd_policy_propose, cmd_cap;
extern const struct option_row policy_options[], cap_options[];

command_fn cmd_draft_list, cmd_draft_show, cmd_draft_sign, cmd_draft_submit, cmd_draft_withdraw;
extern const struct option_row draft_sign_options[];

command_fn cmd_status, cmd_stop;

command_fn cmd_federation_status, cmd_evidence, cmd_invite, cmd_propose, cmd_leave, cmd_rekey,
    cmd_restart;
extern const struct option_row evidence_options[], invite_options[], propose_options[],
    leave_options[], rekey_options[], restart_options[];

command_fn cmd_backup, cmd_restore, cmd_accept, cmd_rebuild, cmd_check;
extern const struct option_row backup_options[], restore_options[];

command_fn cmd_operator_rotate, cmd_audit_secret;
extern const struct option_row audit_secret_options[];

#endif
