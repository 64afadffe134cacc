/* mereau-audit: the municipality's tool. */
#include <sodium.h>
#include <string.h>

#include "audit/commands.h"
#include "audit/export_tables.h"

#define BOOKS  N_("The book")
#define PROOFS N_("Receipts and evidence")
#define KEYS   N_("Keys")
#define STATS  N_("Statistics")

static const struct command_row commands[] = {
    {"verify", cmd_verify, N_("replay a ledger and check every row of it"), BOOKS, verify_options,
     N_("[SOURCE]"),
     N_("SOURCE is a node's data directory, a backup, or an export file. A running node is read\n"
        "with --node HOST:PORT --key FILE, or --control PATH on its own machine.\n\n"
        "Every finding is a row: the rule of the specification, where, expected, found. The exit\n"
        "code is 5 when there is any. What the book proves of another node is no fault of it:\n"
        "that node is named, and the exit code is 0.\n\n"
        "The book of a node that joined later rests on another one: give that with --base.\n\n"
        "Examples:\n"
        "  mereau-audit verify /var/lib/mereau\n"
        "  mereau-audit verify --charter charter.mrc ledger.mrx\n"
        "  mereau-audit verify --node node.example.org:7290 --key auditor.key\n"
        "  mereau-audit verify --base first.mrx /var/lib/mereau")},
    {"follow", cmd_follow, N_("keep a mirror of running nodes and check it as it grows"), BOOKS,
     follow_options, N_("DIR"),
     N_("DIR is made when it is missing. It becomes a book like a node's data directory: verify,\n"
        "compare and export read it; those of further nodes stand in DIR/nodes/NUMBER. Stopped or\n"
        "killed at any moment, the next call goes on where it was.\n\n"
        "The exit code is 5 when a row is wrong, or when nodes contradict each other or what they\n"
        "showed before; then evidence is written to DIR if their signatures convict them. It is 3\n"
        "when a node did not answer.\n\n"
        "Examples:\n"
        "  mereau-audit follow mirror --node node.example.org:7290 --key auditor.key --once\n"
        "  mereau-audit follow mirror --node a.example.org:7290 --node b.example.org:7290 \\\n"
        "    --key auditor.key")},
    {"export", cmd_export, N_("write a ledger for others: a file, tables, accounts, a database"),
     BOOKS, export_options, N_("[SOURCE]"),
     N_("--format says what:\n"
        "  mrx       the book itself in one file, for somebody else to verify\n"
        "  csv       a table; with --table all a folder of all of them\n"
        "  jsonl     the same as lines of JSON\n"
        "  hledger   plain-text accounting, for hledger and ledger\n"
        "  postgres  into a database, and next time only what is new\n\n"
        "All but mrx verify the whole book first: nothing appears of one that is not right.\n"
        "Accounts are pseudonyms; nobody's name is written.\n\n"
        "Examples:\n"
        "  mereau-audit export --output ledger.mrx /var/lib/mereau\n"
        "  mereau-audit export --format csv --from 2027-01-01 --output - ledger.mrx\n"
        "  mereau-audit export --format hledger --output town.journal ledger.mrx\n"
        "  mereau-audit export --format postgres --database service=town ledger.mrx")},
    {"dump", cmd_dump, N_("print every record of a ledger as a line of JSON"), BOOKS, dump_options,
     N_("[SOURCE]"), NULL},
    {"compare", cmd_compare, N_("compare the books of several nodes, slot by slot"), BOOKS,
     compare_options, N_("SOURCE..."),
     N_("Each SOURCE is a data directory, a backup, or an export file, of one ledger. A node that\n"
        "has settled less than another is behind; two values in one slot, or a log that a node\n"
        "showed differently to another, are contradictions: the exit code is 5.")},
    {"stats", cmd_stats, N_("figures of circulation, by day, week, month or year"), STATS,
     stats_options, N_("[SOURCE]"),
     N_("SOURCE is verified first, as by verify; nothing is measured on a book with findings. Of\n"
        "a mirror that follow keeps the rows are read, which follow verified: that takes no time.\n"
        "A file of recorded payments is measured with the same definitions.\n\n"
        "Examples:\n"
        "  mereau-audit stats --by month --csv /var/lib/mereau\n"
        "  mereau-audit stats --from 2026-01-01 --to 2026-12-31 --json ledger.mrx\n"
        "  mereau-audit stats --from-csv payments.csv --accounts members.csv")},
    {"indicators", cmd_indicators, N_("what the figures are: ids, definitions, sources"), STATS,
     NULL, NULL, NULL},
    {"report", cmd_report, N_("one page of figures and charts, for elected people"), STATS,
     report_options, N_("[SOURCE]"),
     N_("The page is one HTML file in the language of --lang; it needs no network and prints on "
        "A4.\n"
        "Figures of few persons are kept back as in a publication, unless --small-cells is "
        "given.\n\n"
        "Examples:\n"
        "  mereau-audit report --html 2026.html --lang fr --to 2026-12-31 /var/lib/mereau\n"
        "  mereau-audit report --html all.html --small-cells ledger.mrx")},
    {"serve", cmd_serve, N_("read-only page of figures and charts, live"), STATS, serve_options,
     N_("[SOURCE]"),
     N_("The page of report, read-only. With --rows it follows the mirror; a book is read once.\n"
        "Small cells are kept back. With --published the files of a publication are served below\n"
        "/data/.\n\n"
        "Examples:\n"
        "  mereau-audit serve --rows mirror/rows --published 2026\n"
        "  mereau-audit serve /var/lib/mereau --by week")},
    {"publish", cmd_publish, N_("figures as open data, without small cells, signed"), STATS,
     publish_options, N_("DIR [SOURCE]"),
     N_("DIR is made: figures and their dictionary as CSV and JSON, a data package, a statement "
        "of\n"
        "definitions, state of the ledger and hashes, and its signature. Figures that tell of few\n"
        "persons, or from which those could be computed, stay blank. The same ledger, question "
        "and\n"
        "key give the same bytes on any machine.\n\n"
        "Examples:\n"
        "  mereau-audit publish 2026 /var/lib/mereau --sign auditor.key --to 2026-12-31\n"
        "  mereau-audit publish --check 2026 --public-key KEY")},
    {"receipt", cmd_receipt, N_("check a receipt file with the charter alone"), PROOFS,
     receipt_options, N_("FILE"), NULL},
    {"evidence", cmd_evidence, N_("check who broke a rule, with the charter alone"), PROOFS,
     evidence_options, N_("FILE"),
     N_("The exit code is 0 when the file convicts a node, 5 when it does not.")},
    {"witness", cmd_witness, N_("cosign the heads of nodes, so that they cannot rewrite history"),
     PROOFS, witness_options, N_("DIR"),
     N_("Each head is cosigned only after it was proved to extend the one before, which DIR "
        "keeps.\n"
        "The nodes put the cosignatures into receipts. The key is one of mereau-audit keygen that\n"
        "the nodes know. Never use a copy of DIR, nor one key in two places.\n\n"
        "The exit code is 5 when a node shows another history than was cosigned.")},
    {"keygen", cmd_keygen, N_("make the key by which nodes know this auditor"), KEYS,
     keygen_options, N_("FILE"), NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

/* Words of an option's argument that are no fixed choices of its own. */
static void complete(const struct command_row *row, const char *option, size_t position, FILE *f)
{
    (void)position;
    if (row == NULL || option == NULL || strcmp(option, "table") != 0)
        return;
    for (unsigned t = 0; t < EXPORT_TABLES; t++)
        fprintf(f, "%s\n", export_tables[t].name);
    fputs("all\n", f);
}

static const struct program program = {
    .name = "mereau-audit",
    .summary = N_("verifies the ledger of a local currency, independently of its nodes"),
    .commands = commands,
    .first = "verify follow witness export receipt",
    .complete = complete,
};

int main(int argc, char **argv)
{
    if (sodium_init() < 0)
        return EXIT_HOST;
    return command_main(&program, argc, argv);
}
