/* Questions at a terminal: a child process runs on a pseudo-terminal, the test types. */
#include <check.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/command.h"
#include "common/secret.h"
#include "common/term.h"

enum { SEEN_MAX = 8192, DEADLINE_MS = 20000 };

static void ask_pass(struct command *c, struct out *out)
{
    struct secret s = {NULL, 0};
    if (secret_ask(&s, c, out, "Passphrase", opt_flag(c, "twice")) == MR_OK)
        out_print(out, "got %zu bytes\n", s.len);
    secret_free(&s);
}

static void ask_sure(struct command *c, struct out *out)
{
    if (term_confirm(c, out, "Pay?") == MR_OK)
        out_print(out, "paid\n");
}

static void ask_name(struct command *c, struct out *out)
{
    char name[8];
    if (term_ask(c, out, name, sizeof name, "Name:") == MR_OK)
        out_print(out, "hello %s\n", name);
}

static void work(struct command *c, struct out *out)
{
    struct progress p;
    progress_begin(&p, c, "Counting", 1000);
    p.start_ms -= 2000; /* as if it had begun two seconds ago */
    p.drawn_ms -= 2000;
    progress_update(&p, 250);
    progress_end(&p);
    out_print(out, "counted\n");
}

static const struct option_row options[] = {
    SECRET_OPTIONS,
    {"twice", 0, NULL, "ask twice"},
    {NULL, 0, NULL, NULL},
};
static const struct command_row commands[] = {
    {"pass", ask_pass, "x", "x", options, NULL, NULL},
    {"sure", ask_sure, "x", "x", NULL, NULL, NULL},
    {"name", ask_name, "x", "x", NULL, NULL, NULL},
    {"work", work, "x", "x", NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
static const struct program program = {.name = "prog", .summary = "x", .commands = commands};

static int terminal = -1;
static pid_t child = -1;
static char seen[SEEN_MAX];

/* `line` is split at blanks. */
static void run_on_terminal(const char *line)
{
    char text[256], *argv[16] = {NULL}, *rest = NULL;
    int argc = 0;
    snprintf(text, sizeof text, "prog %s", line);
    for (char *w = strtok_r(text, " ", &rest); w != NULL && argc < 15;
         w = strtok_r(NULL, " ", &rest))
        argv[argc++] = w;
    seen[0] = '\0';
    fflush(NULL);
    child = forkpty(&terminal, NULL, NULL, NULL);
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGINT, SIG_DFL); /* Check has a handler of its own */
        exit(command_main(&program, argc, argv));
    }
}

static void teardown(void)
{
    if (child > 0)
        kill(child, SIGKILL);
    if (child > 0)
        waitpid(child, NULL, 0);
    if (terminal >= 0)
        close(terminal);
    child = -1;
    terminal = -1;
}

/* Reads what the terminal shows, until `text` is in it. With NULL: until the child ends. */
static void wait_for(const char *text)
{
    size_t len = strlen(seen);
    while (text == NULL || strstr(seen, text) == NULL) {
        struct pollfd p = {.fd = terminal, .events = POLLIN};
        ck_assert_msg(poll(&p, 1, DEADLINE_MS) == 1, "waiting for %s; seen: %s", text, seen);
        const ssize_t n = read(terminal, seen + len, sizeof seen - len - 1);
        if (n <= 0 && text == NULL)
            return; /* Linux says EIO when the other side is closed */
        ck_assert_msg(n > 0, "waiting for %s; seen: %s", text, seen);
        len += (size_t)n;
        seen[len] = '\0';
    }
}

/* What was shown up to and with `text` does not count for later waits. */
static void forget(const char *text)
{
    const char *behind = strstr(seen, text) + strlen(text);
    memmove(seen, behind, strlen(behind) + 1);
}

static void type(const char *text)
{
    ck_assert_int_eq(write(terminal, text, strlen(text)), (ssize_t)strlen(text));
}

static void ends_with(int code)
{
    int status = 0;
    wait_for(NULL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    child = -1;
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code, "status %x: %s",
                  (unsigned)status, seen);
}

static bool echo_is_on(void)
{
    struct termios t;
    ck_assert_int_eq(tcgetattr(terminal, &t), 0);
    return (t.c_lflag & ECHO) != 0;
}

START_TEST(test_passphrase)
{
    run_on_terminal("pass");
    wait_for("Passphrase: ");
    while (echo_is_on()) /* the prompt comes first; typing waits for the echo to go */
        sched_yield();
    type("hunter22\n");
    wait_for("got 8 bytes");
    ck_assert_ptr_null(strstr(seen, "hunter"));
    ck_assert(echo_is_on());
    ends_with(0);
}
END_TEST

START_TEST(test_passphrase_twice)
{
    run_on_terminal("pass --twice");
    wait_for("Passphrase: ");
    while (echo_is_on())
        sched_yield();
    type("hunter22\n");
    wait_for("The same again: ");
    while (echo_is_on())
        sched_yield();
    type("hunter23\n");
    wait_for("not the same");
    forget("not the same");
    wait_for("Passphrase: ");
    while (echo_is_on())
        sched_yield();
    forget("Passphrase: ");
    type("another\n");
    wait_for("The same again: ");
    while (echo_is_on())
        sched_yield();
    type("another\n");
    wait_for("got 7 bytes");
    ends_with(0);
}
END_TEST

START_TEST(test_interrupt_restores_echo)
{
    int status = 0;
    run_on_terminal("pass");
    wait_for("Passphrase: ");
    while (echo_is_on())
        sched_yield();
    type("hun\003");
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    child = -1;
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
    ck_assert(echo_is_on());
}
END_TEST

START_TEST(test_passphrase_ends)
{
    run_on_terminal("pass");
    for (int i = 0; i < 3; i++) {
        wait_for("Passphrase: ");
        while (echo_is_on())
            sched_yield();
        forget("Passphrase: ");
        type("\n");
        wait_for("has 1 to");
        forget("has 1 to");
    }
    ends_with(2);
    ck_assert_ptr_nonnull(strstr(seen, "no passphrase was given"));
}
END_TEST

static const struct {
    const char *line, *typed;
    int code;
    const char *shown;
} questions[] = {
    {"sure", "y\n", 0, "paid"},
    {"sure", "YES\n", 0, "paid"},
    {"sure --lang=fr", "oui\n", 0, "paid"},
    {"sure", "\n", 1, "not done, as you wished"},
    {"sure", "nyet\n", 1, "not done"},
    {"sure", "yesterday\n", 1, "not done"},
    {"sure", "\004", 2, "the input ended"},
    {"sure --yes", NULL, 0, "paid"},
    {"sure --no-input", NULL, 2, "give --yes to agree beforehand"},
    {"name", "Ana\n", 0, "hello Ana"},
    {"name", "Ana Maria\n", 2, "too long"},
    {"name --no-input", NULL, 2, "nobody can be asked"},
    {"pass --no-input", NULL, 2, "give --passphrase-file FILE"},
    {"pass --passphrase-file /nonexistent", NULL, 4, "cannot be read"},
    {"pass --passphrase-fd 99", NULL, 4, "file descriptor 99"},
    {"pass --passphrase-fd x", NULL, 2, "takes a whole number"},
    {"work", NULL, 0, "Counting [######..................] 25%, 1"},
    {"work --quiet", NULL, 0, "\ncounted"},
    {"work --lang=fr", NULL, 0, "reste 0:0"},
};

START_TEST(test_question)
{
    run_on_terminal(questions[_i].line);
    if (questions[_i].typed != NULL) {
        wait_for(strncmp(questions[_i].line, "name", 4) == 0 ? "Name:" : "Pay?");
        type(questions[_i].typed);
    }
    ends_with(questions[_i].code);
    char with_start[SEEN_MAX + 1];
    snprintf(with_start, sizeof with_start, "\n%s", seen);
    ck_assert_msg(strstr(with_start, questions[_i].shown) != NULL, "%s", seen);
}
END_TEST

/* Not at a terminal: a pipe cannot agree to a payment. */
START_TEST(test_pipe_is_not_asked)
{
    int fds[2], status = 0;
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], "y\n", 2), 2);
    close(fds[1]);
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        char name[] = "prog", word[] = "sure", *argv[] = {name, word, NULL};
        dup2(fds[0], 0);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(99);
        exit(command_main(&program, 2, argv));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_USAGE);
    close(fds[0]);
}
END_TEST

START_TEST(test_color)
{
    const int pipe_like = -1;
    setenv("TERM", "xterm", 1);
    term_set_color(TERM_COLOR_AUTO);
    ck_assert(!term_has_color(pipe_like));
    ck_assert_str_eq(term_style(pipe_like, STYLE_BAD), "");
    run_on_terminal("sure");
    wait_for("Pay?");
    ck_assert(term_has_color(terminal));
    setenv("NO_COLOR", "1", 1);
    ck_assert(!term_has_color(terminal));
    term_set_color(TERM_COLOR_ALWAYS);
    ck_assert(term_has_color(pipe_like));
    unsetenv("NO_COLOR");
    term_set_color(TERM_COLOR_NEVER);
    ck_assert(!term_has_color(terminal));
    term_set_color(TERM_COLOR_AUTO);
    setenv("TERM", "dumb", 1);
    ck_assert(!term_has_color(terminal));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("term");
    TCase *t = tcase_create("term");
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("LANGUAGE");
    unsetenv("NO_COLOR");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, test_passphrase);
    tcase_add_test(t, test_passphrase_twice);
    tcase_add_test(t, test_interrupt_restores_echo);
    tcase_add_test(t, test_passphrase_ends);
    tcase_add_loop_test(t, test_question, 0, (int)(sizeof questions / sizeof questions[0]));
    tcase_add_test(t, test_pipe_is_not_asked);
    tcase_add_test(t, test_color);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
