/* mereau-admin: the association's tool. */
#include "admin/cmd.h"
#include "admin/context.h"
#include "admin/init.h"
#include "admin/members.h"
#include "common/command.h"

#define FOUNDING   N_("Founding a currency")
#define MEMBERS    N_("Members")
#define MONEY      N_("Money")
#define PUBLIC     N_("Municipal money")
#define DRAFTS     N_("Drafts")
#define RULES      N_("Rules")
#define FEDERATION N_("The federation")
#define NODE       N_("The node")
#define KEYS       N_("Keys")

static const struct command_row commands[] = {
    {"init", cmd_init, N_("found a currency: charter, keys, data directory, join link"), FOUNDING,
     init_options, N_("DATA"),
     N_("Example:\n"
        "  mereau-admin init --name \"Galet\" --unit GAL --association \"Association du Galet\" "
        "/var/lib/mereau\n\n"
        "What is not given is asked. Each operator types a passphrase of his own; with\n"
        "--passphrase-file one passphrase seals all key files, which is for trying out.\n"
        "\n"
        "With others, whose offers (\"federation offer\") were sent here, --governance counts\n"
        "their keys too:\n"
        "  mereau-admin init --name Galet ... --offer port.offer --offer phare.offer "
        "/var/lib/mereau")},
    {"link", cmd_link, N_("print the join link and its QR code"), FOUNDING, link_options, NULL,
     NULL},
    {"federation offer", cmd_offer, N_("offer to found a currency together with others"), FOUNDING,
     offer_options, N_("DATA"),
     N_("Makes keys and data directory, and the file that goes to the association that founds.\n"
        "Example:\n"
        "  mereau-admin federation offer --association \"Association du Port\" --alias port \\\n"
        "      --listen 0.0.0.0:7290 --address port.example.org:7290 \\\n"
        "      --peer-listen 0.0.0.0:7292 --peer-address port.example.org:7292 /var/lib/mereau")},
    {"federation found", cmd_found, N_("take up the charter that an offer was made for"), FOUNDING,
     found_options, N_("DATA CHARTER"),
     N_("Nothing is taken up unless the charter has this association as it was offered. The same\n"
        "command again is safe, and gives the ledger to key files that were not opened before.")},
    {"requests", cmd_requests, N_("who asks to join"), MEMBERS, NULL, NULL, NULL},
    {"admit", cmd_admit, N_("open the accounts of people who ask"), MEMBERS, admit_options,
     N_("[WHO...]"),
     N_("WHO is a name or an address as in \"requests\". Example:\n"
        "  mereau-admin -d /var/lib/mereau admit \"member 17\"")},
    {"reject", cmd_reject, N_("remove a request"), MEMBERS, NULL, N_("WHO"), NULL},
    {"member list", cmd_member_list, N_("members, their balances and states"), MEMBERS, NULL, NULL,
     NULL},
    {"member show", cmd_member_show, N_("all about one member"), MEMBERS, NULL, N_("WHO"), NULL},
    {"member forget", cmd_member_forget, N_("erase name and contact from the register"), MEMBERS,
     NULL, N_("WHO"), NULL},
    {"member recover", cmd_member_recover, N_("new keys for a member who lost them"), MEMBERS,
     recover_options, N_("WHO"),
     N_("The operators announce the keys of the new device; whoever has the old ones has a week "
        "to\n"
        "object; then the operators put the new ones in force:\n"
        "  mereau-admin -d /var/lib/mereau member recover \"member 17\" --request "
        "mereau-recover:...\n"
        "  mereau-admin -d /var/lib/mereau member recover \"member 17\" --finish")},
    {"member recoveries", cmd_member_recoveries, N_("recoveries that wait"), MEMBERS, NULL, NULL,
     NULL},
    {"freeze", cmd_freeze, N_("an account cannot pay any more"), MEMBERS, freeze_options, N_("WHO"),
     NULL},
    {"unfreeze", cmd_unfreeze, N_("an account can pay again"), MEMBERS, freeze_options, N_("WHO"),
     NULL},
    {"list-shop", cmd_list_shop, N_("list a shop under an alias"), MEMBERS, list_shop_options,
     N_("WHO ALIAS"),
     N_("What is not given stays as it is listed now. Example:\n"
        "  mereau-admin -d /var/lib/mereau list-shop \"Boulangerie\" boulangerie "
        "--name \"Boulangerie\" "
        "--trade bakery --town Port-Galet")},
    {"unlist-shop", cmd_unlist_shop, N_("take a shop off the list"), MEMBERS, work_options,
     N_("WHO"), NULL},
    {"issue", cmd_issue, N_("issue units against euros that came in"), MONEY, issue_options,
     N_("[MEMBER] [AMOUNT]"),
     N_("Each bank line counts once: the same command again is safe. Examples:\n"
        "  mereau-admin -d /var/lib/mereau issue \"member 17\" 50 --bank-ref VIR-2231\n"
        "  mereau-admin -d /var/lib/mereau issue --file lines.csv")},
    {"redemptions", cmd_redemptions, N_("who gave units back and waits for euros"), MONEY,
     redemptions_options, NULL, NULL},
    {"payout", cmd_payout, N_("record that euros were paid for a redemption"), MONEY,
     payout_options, N_("REDEMPTION"),
     N_("REDEMPTION is an id as in \"redemptions\", or a member with one open.")},
    {"return", cmd_return, N_("give the units of an unpaid redemption back"), MONEY, work_options,
     N_("REDEMPTION"), NULL},
    {"clearing", cmd_clearing, N_("what each association owes and has, and who owes euros to whom"),
     MONEY, NULL, NULL, NULL},
    {"clearing propose", cmd_clearing_propose,
     N_("record that euros went to another association, for both to sign"), MONEY, clearing_options,
     N_("[ASSOCIATION]"),
     N_("Without ASSOCIATION and --amount: what \"clearing\" says this association owes. The "
        "draft\n"
        "is signed by the operators of the other one first. Example:\n"
        "  mereau-admin -d /var/lib/mereau clearing propose phare --bank-ref OUT-12")},
    {"grant", cmd_grant, N_("raise a member's credit and limits"), MONEY, grant_options, N_("WHO"),
     NULL},
    {"sweep", cmd_sweep, N_("move what a closed account left to the association"), MONEY,
     sweep_options, N_("WHO"), NULL},
    {"mandate add", cmd_mandate_add, N_("take up a payee's mandate"), PUBLIC, NULL, N_("MANDATE"),
     N_("MANDATE is the text that \"mereau mandate give\" shows, or a file with it.")},
    {"mandate list", cmd_mandate_list, N_("mandates that hold"), PUBLIC, mandate_list_options, NULL,
     NULL},
    {"mandate show", cmd_mandate_show, N_("all about a mandate, and what was used of it"), PUBLIC,
     NULL, N_("ID"), NULL},
    {"mandate revoke", cmd_mandate_revoke, N_("a payee takes the mandate back"), PUBLIC,
     mandate_revoke_options, N_("ID"), NULL},
    {"municipal convert", cmd_convert,
     N_("the municipality paid euros: credit the payee who gave a mandate"), PUBLIC,
     convert_options, N_("[PAYEE] [AMOUNT]"),
     N_("A payment order counts once: the same command again is safe, and goes on where it was\n"
        "stopped. Examples:\n"
        "  mereau-admin -d /var/lib/mereau municipal convert menuiserie 840 \\\n"
        "      --order 2025/1412 --bank-ref VIR-3310\n"
        "  mereau-admin -d /var/lib/mereau municipal convert --file bonuses.csv \\\n"
        "      --order 2025/1500 --total 12500 --bank-ref VIR-3311")},
    {"municipal slip", cmd_slip,
     N_("what went through for a municipality, as a paper for its accountant"), PUBLIC,
     slip_options, N_("WHO"),
     N_("Conversions that it ordered, and euros that it was paid for what it collected. Example:\n"
        "  mereau-admin -d /var/lib/mereau municipal slip mairie --from 2025-01-01 \\\n"
        "      --to 2025-01-31 --html slip.html --csv slip.csv")},
    {"draft list", cmd_draft_list, N_("drafts that wait for signatures"), DRAFTS, NULL, NULL, NULL},
    {"draft show", cmd_draft_show, N_("what a draft orders"), DRAFTS, NULL, N_("FILE"), NULL},
    {"draft sign", cmd_draft_sign, N_("sign drafts, and send each when it is complete"), DRAFTS,
     draft_sign_options, N_("FILE..."),
     N_("Each is shown and asked for. Those of one chain are taken in their order there. Example:\n"
        "  mereau-admin -d /var/lib/mereau draft sign /var/lib/mereau-keys/drafts/*.draft \\\n"
        "      --key /var/lib/mereau-keys/bague.key")},
    {"draft submit", cmd_draft_submit, N_("send a draft that is complete"), DRAFTS, NULL,
     N_("FILE"), NULL},
    {"draft withdraw", cmd_draft_withdraw, N_("give a draft up"), DRAFTS, NULL, N_("FILE"), NULL},
    {"policy show", cmd_policy_show, N_("the rules in force and those to come"), RULES, NULL, NULL,
     NULL},
    {"policy propose", cmd_policy_propose, N_("new rules, from a file"), RULES, policy_options,
     N_("FILE"), N_("Write the file with \"policy show --json\" and change it. Governance signs.")},
    {"cap", cmd_cap, N_("most units an association may have outstanding"), RULES, cap_options,
     N_("AMOUNT"), NULL},
    {"lower", cmd_lower, N_("lower a member's credit and limits"), RULES, grant_options,
     N_("ADDRESS"), NULL},
    {"status", cmd_status, N_("how the node and the currency are"), NODE, NULL, NULL, NULL},
    {"federation status", cmd_federation_status,
     N_("what the federation bears now, who is away or lags, and what to do"), FEDERATION, NULL,
     NULL, NULL},
    {"federation evidence", cmd_evidence, N_("what convicts other nodes"), FEDERATION,
     evidence_options, NULL, NULL},
    {"federation invite", cmd_invite, N_("the link and the code for an association that joins"),
     FEDERATION, invite_options, NULL, NULL},
    {"federation join", cmd_join, N_("get into a ledger that runs, and take its state over"),
     FEDERATION, join_options, N_("[LINK] DATA"),
     N_("Makes keys and an offer, and waits until governance lets the node in. Stopped, it goes "
        "on\n"
        "with the same command without LINK. Example:\n"
        "  mereau-admin federation join mereau-join:... --association \"Association du Port\" \\\n"
        "      --alias port --listen 0.0.0.0:7290 --address port.example.org:7290 \\\n"
        "      --peer-listen 0.0.0.0:7292 --peer-address port.example.org:7292 /var/lib/mereau")},
    {"federation propose", cmd_propose, N_("who the nodes are from the next epoch on"), FEDERATION,
     propose_options, NULL,
     N_("Governance signs. Refused before it can hurt: a quorum out of bounds, a node that is not\n"
        "where it says, or not the one it says. Examples:\n"
        "  mereau-admin -d /var/lib/mereau federation propose --add port.offer --key gov1.key\n"
        "  mereau-admin -d /var/lib/mereau federation propose --remove 3 --key gov1.key\n"
        "  mereau-admin -d /var/lib/mereau federation propose --expel 3 --evidence 1.evidence \\\n"
        "      --key gov1.key")},
    {"federation sign", cmd_draft_sign, N_("sign a proposal, and send it when it is complete"),
     FEDERATION, draft_sign_options, N_("FILE..."), NULL},
    {"federation leave", cmd_leave, N_("propose that this node leaves"), FEDERATION, leave_options,
     NULL, NULL},
    {"federation rekey", cmd_rekey, N_("a new key for this node, also when its directory is lost"),
     FEDERATION, rekey_options, N_("[DATA]"),
     N_("Where DATA is gone, charter and epochs are taken from beside the operator's key, or from\n"
        "another node (--node). Then \"federation propose --rekey\", and \"federation join "
        "DATA\".\n"
        "An association whose node left or was left out comes back so, too, under its name: a new\n"
        "DATA, --node HOST:PORT of one of the nodes, then \"federation join DATA\" and "
        "\"federation\n"
        "propose --add\".")},
    {"federation restart", cmd_restart,
     N_("by governance alone: the nodes that go on when too few are left to decide"), FEDERATION,
     restart_options, N_("[FILE]"),
     N_("Without FILE, at a node that goes on: writes down who goes on and from what state, and "
        "signs\n"
        "it. With FILE and --key: signs it too. With FILE alone: the node takes it. Refused while\n"
        "enough nodes work. Example, where nodes 3 and 4 lost their disks:\n"
        "  mereau-admin -d /var/lib/mereau federation restart --rekey 3=port.offer \\\n"
        "      --rekey 4=phare.offer --key governance1.key")},
    {"stop", cmd_stop, N_("stop the node"), NODE, NULL, NULL, NULL},
    {"check", cmd_check, N_("check the books: every invariant, and the store against the journal"),
     NODE, NULL, N_("[DATA]"),
     N_("Works on a running node and on a stopped one. Findings end with exit 5.")},
    {"backup", cmd_backup, N_("copy the node, while it runs or stopped"), NODE, backup_options,
     N_("DEST"),
     N_("An earlier backup in DEST is continued. Examples:\n"
        "  mereau-admin -d /var/lib/mereau backup /mnt/usb/mereau\n"
        "  mereau-admin -d /var/lib/mereau backup --follow /mnt/nas/mereau")},
    {"restore", cmd_restore, N_("a data directory from a backup; it abstains until it is accepted"),
     NODE, restore_options, N_("[BACKUP] [DATA]"),
     N_("Restoring:  mereau-admin restore /mnt/usb/mereau /var/lib/mereau\n"
        "Accepting what is left, by governance, one key after the other, the node stopped:\n"
        "  mereau-admin -d /var/lib/mereau restore --accept --key governance1.key")},
    {"operator rotate", cmd_operator_rotate, N_("replace an operator's key"), KEYS, work_options,
     NULL, N_("Repeat it until it says that the new key is in force.")},
    {"audit-secret", cmd_audit_secret, N_("the secret of bank references, for the auditor"), KEYS,
     audit_secret_options, NULL, NULL},
    {"rebuild", cmd_rebuild, N_("make the store again from the journal alone"), NODE, NULL,
     N_("[DATA]"), NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

static const struct program program = {
    .name = "mereau-admin",
    .summary = N_("the tool of the association that runs a local currency"),
    .commands = commands,
    .options = admin_options,
    .first = "init requests issue status",
};

int main(int argc, char **argv)
{
    return command_main(&program, argc, argv);
}
