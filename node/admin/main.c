/* mereau-admin: the association's tool. */
#include "admin/context.h"
#include "admin/init.h"
#include "common/command.h"

#define FOUNDING N_("Founding a currency")

static const struct command_row commands[] = {
    {"init", cmd_init, N_("found a currency: charter, keys, data directory, join link"), FOUNDING,
     init_options, "DATA",
     N_("Example:\n"
        "  mereau-admin init --name \"Eusko\" --unit EUSK --association \"Euskal Moneta\" "
        "/var/lib/mereau\n\n"
        "What is not given is asked. Each operator types a passphrase of his own; with\n"
        "--passphrase-file one passphrase seals all key files, which is for trying out.")},
    {"link", cmd_link, N_("print the join link and its QR code"), FOUNDING, link_options, NULL,
     NULL},
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
