/* Command lines: what is accepted, what is refused and how, help, completion. Each case runs
 * command_main() in a process of its own and reads what it printed. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/command.h"
#include "common/secret.h"

enum { CAPTURE_MAX = 16384, ARGS_MAX = 16 };

static void show(struct command *c, struct out *out)
{
    int64_t number = 7;
    const enum mr_status st = opt_int(c, out, &number, "number", -3, 90);
    if (st != MR_OK && st != MR_NOT_FOUND)
        return;
    out_print(out, "%s", c->row->name);
    for (size_t i = 0; i < c->arg_count; i++)
        out_print(out, " <%s>", c->args[i]);
    const char *to = opt_text(c, "to");
    out_print(out, " to=%s number=%lld loud=%d yes=%d no-input=%d timeout=%d", to ? to : "-",
              (long long)number, opt_flag(c, "loud"), c->yes, c->no_input, c->timeout_ms);
    for (size_t i = 0; i < opt_count(c, "tag"); i++)
        out_print(out, " tag=%s", opt_nth(c, "tag", i));
    out_print(out, "\n");
    out_int(out, "number", number);
}

static void refuse(struct command *c, struct out *out)
{
    (void)c;
    out_int(out, "missing_minor", 250);
    out_fail(out, MR_FUNDS_SHORT, "2,50 are missing");
    out_fail(out, MR_IO_ERROR, "this comes too late to count");
}

static const struct option_row pay_options[] = {
    {"to", 't', "WHO", "the payee"},
    {"number", 0, "N", "a number"},
    {"loud", 'l', NULL, "say it loudly"},
    {"tag", 0, "TEXT", "any number of them"},
    {NULL, 0, NULL, NULL},
};

static const struct option_row program_options[] = {
    {"dir", 0, "DIR", "where things are"},
    {NULL, 0, NULL, NULL},
};

static const struct command_row commands[] = {
    {"pay", show, "pay somebody", "Money", pay_options, "WHO AMOUNT [NOTE]", NULL},
    {"balance", show, "what is there", "Money", pay_options, NULL, NULL},
    {"receipt show", show, "look at a receipt", "Receipts", pay_options, "FILE...", "A note."},
    {"receipt save", show, "keep a receipt", "Receipts", pay_options, "FILE", NULL},
    {"sum", show, "add up", "Receipts", NULL, "[WHAT]", NULL},
    {"sum save", show, "add up into a file", "Receipts", NULL, "FILE", NULL},
    {"refuse", refuse, "always refuses", "Receipts", NULL, NULL, NULL},
    {"secret", show, "not listed", NULL, pay_options, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

static void live(const struct command_row *row, const char *option, size_t position, FILE *f)
{
    if (option != NULL && strcmp(option, "to") == 0)
        fprintf(f, "baker\nbutcher\n");
    if (option == NULL && strcmp(row->name, "pay") == 0 && position == 0)
        fprintf(f, "bakery\ncoop\n");
    if (option == NULL && strcmp(row->name, "sum") == 0 && position == 0)
        fprintf(f, "all\n");
}

static const struct program program = {.name = "prog",
                                       .summary = "does nothing",
                                       .commands = commands,
                                       .options = program_options,
                                       .first = "pay balance",
                                       .complete = live};

static const struct command_row only_commands[] = {
    {"", show, "runs", NULL, pay_options, "[FILE]", NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
static const struct program only = {
    .name = "only", .summary = "has no subcommands", .commands = only_commands};

struct capture {
    int code;
    char out[CAPTURE_MAX], err[CAPTURE_MAX];
};

static void read_back(FILE *f, char ret[CAPTURE_MAX])
{
    rewind(f);
    ret[fread(ret, 1, CAPTURE_MAX - 1, f)] = '\0';
    fclose(f);
}

/* `line` is split at blanks; '_' in a word stands for a blank. */
static struct capture run_with(const struct program *p, const char *line)
{
    static struct capture result;
    char text[512], *argv[ARGS_MAX + 1] = {NULL}, *rest = NULL;
    int argc = 0, status = 0;
    FILE *out = tmpfile(), *err = tmpfile();
    ck_assert(out != NULL && err != NULL);
    snprintf(text, sizeof text, "%s %s", p->name, line);
    for (char *w = strtok_r(text, " ", &rest); w != NULL && argc < ARGS_MAX;
         w = strtok_r(NULL, " ", &rest)) {
        for (char *at = w; (at = strchr(at, '_')) != NULL;)
            *at = ' ';
        argv[argc++] = w;
    }
    fflush(NULL);
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(fileno(out), 1);
        dup2(fileno(err), 2);
        exit(command_main(p, argc, argv));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "%s: ended by signal %d", line, WTERMSIG(status));
    result.code = WEXITSTATUS(status);
    read_back(out, result.out);
    read_back(err, result.err);
    return result;
}

static struct capture run_line(const char *line)
{
    return run_with(&program, line);
}

static const struct {
    const char *line;
    int code;
    const char *out, *err; /* must be part of what is printed; NULL: nothing may be printed */
} cases[] = {
    {"balance", 0, "balance to=- number=7 loud=0 yes=0 no-input=0 timeout=10000\n", NULL},
    {"pay a 1,50", 0, "pay <a> <1,50> to=-", NULL},
    {"pay a 1,50 note", 0, "pay <a> <1,50> <note>", NULL},
    {"pay --to=x a --loud 1", 0, "pay <a> <1> to=x number=7 loud=1", NULL},
    {"pay a 1 -t x -l", 0, "to=x number=7 loud=1", NULL},
    {"pay a 1 --to x --to y", 0, "to=y", NULL},
    {"pay a 1 --tag x --tag=y --tag z", 0, " tag=x tag=y tag=z\n", NULL},
    {"pay a -5", 0, "pay <a> <-5>", NULL},
    {"pay - 5", 0, "pay <-> <5>", NULL},
    {"pay -- --to 5", 0, "pay <--to> <5>", NULL},
    {"pay a 1 --number -3", 0, "number=-3", NULL},
    {"--yes balance --no-input --timeout 3", 0, "yes=1 no-input=1 timeout=3000", NULL},
    {"--dir x balance", 0, "balance", NULL},
    {"receipt show a b c", 0, "receipt show <a> <b> <c>", NULL},
    {"secret", 0, "secret to=-", NULL},
    {"--version", 0, "prog 0", NULL},
    {"", 0, "prog pay WHO AMOUNT", NULL},
    {"--help", 0, "receipt show  look at a receipt", NULL},
    {"-h", 0, "Receipts", NULL},
    {"pay --help", 0, "usage: prog pay [options] WHO AMOUNT [NOTE]", NULL},
    {"pay a -h", 0, "-t, --to WHO", NULL},
    {"receipt show --help", 0, "\nA note.\n", NULL},
    {"receipt --help", 0, "receipt save", NULL},
    {"pay --json --help", 0, "usage: prog pay", NULL},

    {"pax a 1", 2, NULL, "there is no command \"pax\"; did you mean \"pay\"?"},
    {"bal", 2, NULL, "did you mean \"balance\"?"},
    {"zzzz", 2, NULL, "there is no command \"zzzz\"; see \"prog --help\""},
    {"secre", 2, NULL, "there is no command \"secre\"; see"},
    {"receipt", 2, NULL, "\"receipt\" needs a second word"},
    {"receipt shwo", 2, NULL, "did you mean \"receipt show\"?"},
    {"pay a 1 --tow x", 2, NULL, "there is no option --tow; did you mean --to?"},
    {"pay a 1 --tim 3", 2, NULL, "there is no option --tim; did you mean --timeout?"},
    {"balance --dri x", 2, NULL, "did you mean --dir?"},
    {"refuse --loud", 2, NULL, "there is no option --loud; see \"prog refuse --help\""},
    {"pay a 1 -x", 2, NULL, "there is no option -x"},
    {"pay a 1 --zzzzzz", 2, NULL, "there is no option --zzzzzz; see \"prog pay --help\""},
    {"--quite", 2, NULL, "did you mean --quiet?"},
    {"pay a 1 -lt", 2, NULL, "there is no option -lt"},
    {"pay a 1 --loud=3", 2, NULL, "option --loud takes no value"},
    {"pay a 1 --to", 2, NULL, "option --to needs a value: WHO"},
    {"pay a", 2, NULL, "something is missing behind \"a\"\nusage: prog pay"},
    {"pay", 2, NULL, "something is missing behind \"pay\""},
    {"pay a 1 n x", 2, NULL, "\"x\" is one word too many"},
    {"balance x", 2, NULL, "\"x\" is one word too many"},
    {"pay a 1 --number 91", 2, NULL, "whole number from -3 to 90, not \"91\""},
    {"pay a 1 --number -4", 2, NULL, "not \"-4\""},
    {"pay a 1 --number 1.0", 2, NULL, "not \"1.0\""},
    {"pay a 1 --number=", 2, NULL, "not \"\""},
    {"pay a 1 --number 99999999999999999999", 2, NULL, "not \"9999"},
    {"balance --timeout 0", 2, NULL, "--timeout takes a whole number"},
    {"balance --color blue", 2, NULL, "option --color takes one of auto|always|never"},
    {"balance --lang=de", 2, NULL, "fr|en"},
    {"--yes", 2, NULL, "no command is given"},

    {"refuse", 1, NULL, "prog: 2,50 are missing\n"},
    {"refuse --quiet", 1, NULL, "prog: 2,50 are missing\n"},
};

START_TEST(test_line)
{
    const struct capture r = run_line(cases[_i].line);
    ck_assert_msg(r.code == cases[_i].code, "\"%s\": exit %d, wanted %d\n%s%s", cases[_i].line,
                  r.code, cases[_i].code, r.out, r.err);
    if (cases[_i].out == NULL)
        ck_assert_str_eq(r.out, "");
    else
        ck_assert_msg(strstr(r.out, cases[_i].out) != NULL, "\"%s\" printed: %s", cases[_i].line,
                      r.out);
    if (cases[_i].err == NULL)
        ck_assert_str_eq(r.err, "");
    else
        ck_assert_msg(strstr(r.err, cases[_i].err) != NULL, "\"%s\" complained: %s", cases[_i].line,
                      r.err);
    ck_assert_ptr_null(strstr(r.err, "too late"));
}
END_TEST

static const struct {
    const char *line, *json;
} json_cases[] = {
    {"balance --json", "{\"ok\":true,\"status\":\"OK\",\"status_code\":0,\"number\":7}\n"},
    {"refuse --json",
     "{\"ok\":false,\"status\":\"FUNDS_SHORT\",\"status_code\":88,\"message\":\"there is not "
     "enough "
     "money on the account\",\"detail\":\"2,50 are "
     "missing\",\"retry\":true,\"exit_code\":1,\"missing_minor\":250}\n"},
    {"--json --lang=fr refuse",
     "{\"ok\":false,\"status\":\"FUNDS_SHORT\",\"status_code\":88,\"message\":\"there is not "
     "enough "
     "money on the account\",\"detail\":\"2,50 are "
     "missing\",\"retry\":true,\"exit_code\":1,\"missing_minor\":250}\n"},
    {"pax --json",
     "{\"ok\":false,\"status\":\"USAGE\",\"status_code\":159,\"message\":\"the command line is "
     "wrong\",\"detail\":\"there is no command \\\"pax\\\"; did you mean "
     "\\\"pay\\\"?\",\"retry\":false,"
     "\"exit_code\":2,\"word\":\"pax\",\"nearest\":\"pay\"}\n"},
    {"pay --json a",
     "{\"ok\":false,\"status\":\"USAGE\",\"status_code\":159,\"message\":\"the command line is "
     "wrong\",\"detail\":\"something is missing behind \\\"a\\\"\",\"retry\":false,"
     "\"exit_code\":2,\"word\":null,\"nearest\":null}\n"},
};

START_TEST(test_json)
{
    const struct capture r = run_line(json_cases[_i].line);
    ck_assert_str_eq(r.out, json_cases[_i].json);
}
END_TEST

static const struct {
    const char *line, *words; /* first words of the lines, in order */
} completions[] = {
    {"--complete", NULL},
    {"--complete b", "balance"},
    {"--complete s", "sum"},
    {"--complete sum_", "save all"},
    {"--complete sum_all_", ""},
    {"--complete sum_save_", ""},
    {"--complete re", "receipt refuse"},
    {"--complete receipt_", "show save"},
    {"--complete receipt_sa", "save"},
    {"--complete --json_b", "balance"},
    {"--complete --dir_x_receipt_", "show save"},
    {"--complete pay_", "bakery coop"},
    {"--complete pay_--loud_", "bakery coop"},
    {"--complete pay_--to_x_c", "coop"},
    {"--complete pay_coop_", ""},
    {"--complete pay_--to_", "baker butcher"},
    {"--complete pay_-t_bu", "butcher"},
    {"--complete pay_--t", "--to --tag --timeout"},
    {"--complete pay_--color_", "auto always never"},
    {"--complete pay_--color=n", "--color=never"},
    {"--complete --d", "--dir"},
    {"--complete sec", ""},
};

START_TEST(test_complete)
{
    char words[CAPTURE_MAX] = "", *rest = NULL;
    struct capture r = run_line(completions[_i].line);
    if (completions[_i].words == NULL) {
        ck_assert_int_eq(r.code, 2);
        return;
    }
    ck_assert_int_eq(r.code, 0);
    for (char *l = strtok_r(r.out, "\n", &rest); l != NULL; l = strtok_r(NULL, "\n", &rest)) {
        char *tab = strchr(l, '\t');
        ck_assert_ptr_nonnull(tab);
        *tab = '\0';
        if (words[0] != '\0')
            strcat(words, " ");
        strcat(words, l);
    }
    ck_assert_str_eq(words, completions[_i].words);
}
END_TEST

START_TEST(test_program_without_subcommands)
{
    struct capture r = run_with(&only, "");
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, " to=-"));
    r = run_with(&only, "some.conf --loud");
    ck_assert_ptr_nonnull(strstr(r.out, " <some.conf> to=- number=7 loud=1"));
    r = run_with(&only, "--to x --loud some.conf");
    ck_assert_ptr_nonnull(strstr(r.out, " <some.conf> to=x number=7 loud=1"));
    r = run_with(&only, "a b");
    ck_assert_int_eq(r.code, 2);
    r = run_with(&only, "--help");
    ck_assert_ptr_nonnull(strstr(r.out, "usage: only [options] [FILE]"));
    ck_assert_ptr_nonnull(strstr(r.out, "--loud"));
}
END_TEST

START_TEST(test_full_stdout_is_noticed)
{
    int status = 0;
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        char name[] = "prog", word[] = "balance", *argv[] = {name, word, NULL};
        if (freopen("/dev/full", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(99);
        exit(command_main(&program, 2, argv));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_HOST);
}
END_TEST

START_TEST(test_unknown_name_is_our_bug)
{
    const struct command c = {.program = &program, .row = &commands[0]};
    opt_flag(&c, "no-such-option");
}
END_TEST

START_TEST(test_nearest)
{
    static const char *const names[] = {"pay", "balance", "history", "keys rotate"};
    ck_assert_str_eq(nearest_name("blance", names, 4), "balance");
    ck_assert_str_eq(nearest_name("histroy", names, 4), "history");
    ck_assert_str_eq(nearest_name("apy", names, 4), "pay");
    ck_assert_str_eq(nearest_name("key rotate", names, 4), "keys rotate");
    ck_assert_ptr_null(nearest_name("", names, 4));
    ck_assert_ptr_null(nearest_name("x", names, 4));
    ck_assert_ptr_null(nearest_name("quarterly", names, 4));
    char longer[300];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ck_assert_ptr_null(nearest_name(longer, names, 4));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("command");
    TCase *t = tcase_create("command");
    tcase_set_timeout(t, 30);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("LANGUAGE");
    tcase_add_loop_test(t, test_line, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(t, test_json, 0, (int)(sizeof json_cases / sizeof json_cases[0]));
    tcase_add_loop_test(t, test_complete, 0, (int)(sizeof completions / sizeof completions[0]));
    tcase_add_test(t, test_program_without_subcommands);
    tcase_add_test(t, test_full_stdout_is_noticed);
    tcase_add_test_raise_signal(t, test_unknown_name_is_our_bug, 6);
    tcase_add_test(t, test_nearest);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
