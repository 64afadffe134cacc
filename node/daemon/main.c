/* mereaud: one node of a ledger, in the foreground. */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/command.h"
#include "common/exit.h"
#include "common/log.h"
#include "daemon/node.h"

static void report(void *user, const char *file, unsigned line, const char *sentence)
{
    (void)user;
    if (line > 0)
        fprintf(stderr, "%s:%u: %s\n", file, line, sentence);
    else
        fprintf(stderr, "%s: %s\n", file, sentence);
}

/* The configuration of a data directory; MR_OK also when there is no file. */
static enum mr_status read_settings(struct settings *ret, const struct command *c, const char *dir)
{
    char path[1024];
    const char *given = opt_text(c, "config");
    config_defaults(ret, settings_rows, settings_count);
    snprintf(path, sizeof path, "%s/mereaud.conf", dir);
    FILE *f = given == NULL ? fopen(path, "re") : NULL;
    if (given == NULL && f == NULL)
        return MR_OK;
    if (f != NULL)
        fclose(f);
    return config_read(ret, settings_rows, settings_count, given != NULL ? given : path, report,
                       NULL);
}

static enum mr_status overrule(struct settings *s, const struct command *c)
{
    static const struct {
        const char *option, *section, *key;
    } rows[] = {{"listen", "wallet", "listen"},
                {"peer-listen", "peer", "listen"},
                {"http-listen", "http", "listen"},
                {"log-level", "node", "log-level"}};
    enum mr_status st = MR_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *value = opt_text(c, rows[i].option);
        if (value != NULL && config_set(s, settings_rows, settings_count, rows[i].section,
                                        rows[i].key, value, report, NULL) != MR_OK)
            st = MR_CONFIG;
    }
    return st;
}

static enum mr_status read_passphrase(struct secret *ret, const struct node *n,
                                      const struct command *c)
{
    char path[1024];
    const char *given = opt_text(c, "passphrase-file");
    if (given == NULL && n->settings.passphrase_file[0] != '\0')
        given = n->settings.passphrase_file;
    snprintf(path, sizeof path, "%s/node.pass", n->dir);
    const int fd = open(given != NULL ? given : path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return MR_NO_SUCH_FILE;
    const enum mr_status st = secret_read_line(ret, fd);
    close(fd);
    return st;
}

static void run(struct command *c, struct out *out)
{
    const char *dir = c->arg_count > 0 ? c->args[0] : opt_text(c, "data");
    enum log_level level;
    if (opt_flag(c, "example")) {
        config_example(stdout, settings_rows, settings_count);
        return;
    }
    if (dir == NULL) {
        out_fail(out, MR_USAGE, _("Name the node's data directory: mereaud DATA."));
        return;
    }
    struct node *n = calloc(1, sizeof *n);
    struct secret passphrase = {0};
    if (n == NULL || sodium_init() < 0) {
        out_fail(out, MR_NO_MEMORY, _("There is not enough memory to start."));
        free(n);
        return;
    }
    n->dir = dir;
    enum mr_status st = read_settings(&n->settings, c, dir);
    if (st == MR_OK)
        st = overrule(&n->settings, c);
    if (st == MR_OK && !log_level_parse(&level, n->settings.log_level)) {
        report(NULL, "mereaud.conf", 0, _("log-level is debug, info, warn or error"));
        st = MR_CONFIG;
    }
    if (st != MR_OK || opt_flag(c, "check-config")) {
        if (st != MR_OK)
            out_fail(out, MR_CONFIG, _("The configuration is wrong; the errors are listed above."));
        free(n);
        return;
    }
    log_set_level(level);
    char charter[1024];
    snprintf(charter, sizeof charter, "%s/charter.mrc", dir);
    if (access(charter, F_OK) != 0) {
        out_fail(out, MR_CONFIG, _("There is no node in %s: mereau-admin init makes one."), dir);
        free(n);
        return;
    }
    st = read_passphrase(&passphrase, n, c);
    if (st != MR_OK) {
        out_fail(out, st, _("The passphrase of node.key cannot be read; see --passphrase-file."));
        free(n);
        return;
    }
    int code = node_open(n, &passphrase);
    secret_free(&passphrase);
    if (code == 0)
        code = node_run(n);
    node_close(n);
    free(n);
    if (code == EXIT_USAGE)
        out_fail(out, MR_CONFIG, _("The node could not start; the log line above says why."));
    else if (code != EXIT_DONE)
        out_fail(out, MR_IO_ERROR, _("The node could not go on; the log line above says why."));
}

static const struct option_row options[] = {
    {"data", 'd', N_("DIR"), N_("data directory of the node")},
    {"config", 'c', N_("FILE"), N_("configuration file in place of DIR/mereaud.conf")},
    {"passphrase-file", 0, N_("FILE"), N_("passphrase of node.key in place of DIR/node.pass")},
    {"listen", 0, N_("HOST:PORT"), N_("wallet port in place of the configured one")},
    {"peer-listen", 0, N_("HOST:PORT"), N_("peer port in place of the configured one")},
    {"http-listen", 0, N_("HOST:PORT"), N_("health and metrics page, off by default")},
    {"log-level", 0, N_("LEVEL"), N_("debug, info, warn or error")},
    {"check-config", 0, NULL, N_("check the configuration and stop")},
    {"example", 0, NULL, N_("print a commented configuration file")},
    {0},
};

static const struct command_row commands[] = {
    {"", run, N_("run a node in the foreground"), NULL, options, "[DATA]", NULL},
    {0},
};

static const struct program mereaud = {
    .name = "mereaud", .summary = N_("ledger node of a local currency"), .commands = commands};

int main(int argc, char **argv)
{
    return command_main(&mereaud, argc, argv);
}
