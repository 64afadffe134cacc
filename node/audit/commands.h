/** The commands of mereau-audit. */
#ifndef MEREAU_AUDIT_COMMANDS_H
#define MEREAU_AUDIT_COMMANDS_H

#include "common/command.h"

extern const struct option_row verify_options[], receipt_options[], dump_options[],
    export_options[], keygen_options[], evidence_options[], compare_options[], follow_options[],
    witness_options[], stats_options[], publish_options[], report_options[], serve_options[];

command_fn cmd_verify, cmd_receipt, cmd_dump, cmd_export, cmd_keygen, cmd_evidence, cmd_compare,
    cmd_follow, cmd_witness, cmd_stats, cmd_indicators, cmd_publish, cmd_report, cmd_serve;

#endif
