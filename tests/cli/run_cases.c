/* Runs a file of cases against the programs, with a town of its own (lib/town.h).
 *
 *   == name                   a case begins
 *   @ admit                   the operators open all accounts asked for
 *   @ issue ADDRESS MINOR     and so on: list ADDRESS ALIAS NAME, unlist ADDRESS ALIAS NAME,
 *                             freeze ADDRESS, thaw ADDRESS, stop, kill, start (the node), restart
 *                             (governance begins a new log after a loss of memory)
 *   $ command                 run by sh; `m WALLET ...` is mereau with that wallet
 *   < text                    a line of its input
 *   > pattern                 its lines on stdout, all of them, in order (fnmatch); "..." is any
 *                             rest, an empty pattern alone: nothing at all
 *   ! pattern                 a line on stderr
 *   % field pattern           a field of the JSON object on the last line of stdout ("a.0.b")
 *   ? code                    its exit code, 0 when not given
 *   = NAME field              afterwards, set a variable from that JSON object
 *
 * Variables are $NAME in commands and operators' lines; LINK is the join link, HERE the scratch
 * directory, SOURCE the project's. One thread, one directory, removed at the end. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "lib/scratch.h"
#include "lib/town.h"

enum { LINE_MAX_BYTES = 4096, OUTPUT_MAX = 4 << 20, WORDS_MAX = 8, COMMAND_SECONDS = 60 };

static const char prelude[] =
    "m() { w=$1; shift; mereau --wallet \"$w\" --passphrase-file pass \"$@\"; }\n";

struct runner {
    struct town town;
    const char *file;
    unsigned line_number, command_line;
    char name[LINE_MAX_BYTES];
    /* the command under way, run when its expectations have been read */
    char command[LINE_MAX_BYTES];
    char input[LINE_MAX_BYTES];
    int want_code;
    char wants[64][LINE_MAX_BYTES]; /* with their mark in front */
    unsigned want_count;
    unsigned failures, commands;
    char *out, *err;
    int code;
};

static void complain(struct runner *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void complain(struct runner *r, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "%s:%u: %s: ", r->file, r->command_line, r->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n  $ %s\n  code %d\n  stdout: %s\n  stderr: %s\n", r->command, r->code,
            r->out != NULL ? r->out : "", r->err != NULL ? r->err : "");
    r->failures++;
}

/* $NAME to its value. */
static void expand(char ret[LINE_MAX_BYTES], const char *text)
{
    size_t n = 0;
    while (*text != '\0' && n + 1 < LINE_MAX_BYTES) {
        char name[64];
        size_t len = 0;
        if (*text != '$' || !isupper((unsigned char)text[1])) {
            ret[n++] = *text++;
            continue;
        }
        for (text++; len + 1 < sizeof name && (isalnum((unsigned char)*text) || *text == '_');
             text++)
            name[len++] = *text;
        name[len] = '\0';
        const char *const value = getenv(name);
        n += (size_t)snprintf(ret + n, LINE_MAX_BYTES - n, "%s", value != NULL ? value : "");
    }
    ret[n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES - 1] = '\0';
}

/* --- running a command ------------------------------------------------------------------------ */

static char *slurp(const char *path)
{
    uint8_t *bytes = NULL;
    size_t len;
    return file_read(&bytes, &len, path, OUTPUT_MAX) == MR_OK ? (char *)bytes : NULL;
}

static void child(const struct runner *r)
{
    char script[2 * LINE_MAX_BYTES];
    const pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || file_write("stdin", r->input, strlen(r->input), 0600, true) != MR_OK)
        _exit(126);
    setsid(); /* no terminal: nothing may ask there */
    const int in = open("stdin", O_RDONLY);
    const int out = open("stdout", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    alarm(COMMAND_SECONDS);
    snprintf(script, sizeof script, "%s%s", prelude, r->command);
    execl("/bin/sh", "sh", "-c", script, (char *)NULL);
    _exit(126);
}

static void execute(struct runner *r)
{
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0)
        child(r);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    r->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    free(r->out);
    free(r->err);
    r->out = slurp("stdout");
    r->err = slurp("stderr");
    r->commands++;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *text)
{
    char expanded[LINE_MAX_BYTES];
    expand(expanded, pattern);
    return fnmatch(expanded, text, 0) == 0;
}

/* Copy the line at `at` without its end; where the next one begins, or NULL. */
static const char *take_line(char ret[LINE_MAX_BYTES], const char *at)
{
    const size_t len = strcspn(at, "\n");
    snprintf(ret, LINE_MAX_BYTES, "%.*s", (int)len, at);
    if (len > 0 && len < LINE_MAX_BYTES && ret[len - 1] == '\r')
        ret[len - 1] = '\0';
    return at[len] == '\n' && at[len + 1] != '\0' ? at + len + 1 : NULL;
}

static void check_stdout(struct runner *r)
{
    const char *at = r->out != NULL && r->out[0] != '\0' ? r->out : NULL;
    char line[LINE_MAX_BYTES];
    bool any = false;
    for (unsigned i = 0; i < r->want_count; i++) {
        const char *const want = r->wants[i];
        if (want[0] != '>')
            continue;
        any = true;
        if (strcmp(want + 2, "...") == 0)
            return;
        if (want[2] == '\0' && at == NULL)
            return; /* "> " alone: nothing at all */
        if (at == NULL) {
            complain(r, "stdout ends before \"%s\"", want + 2);
            return;
        }
        at = take_line(line, at);
        if (!matches(want + 2, line))
            complain(r, "stdout has \"%s\", not \"%s\"", line, want + 2);
    }
    if (any && at != NULL)
        complain(r, "more on stdout: \"%s\"", at);
}

static void check_stderr(struct runner *r, const char *want)
{
    char line[LINE_MAX_BYTES];
    for (const char *at = r->err; at != NULL && at[0] != '\0';) {
        at = take_line(line, at);
        if (matches(want, line))
            return;
    }
    complain(r, "no line \"%s\" on stderr", want);
}

/* The JSON object on the last line of stdout, NULL when there is none. */
static json_t *last_object(const struct runner *r)
{
    char line[LINE_MAX_BYTES * 4];
    const char *last = r->out;
    for (const char *at = r->out; at != NULL && *at != '\0'; at++)
        if (*at == '\n' && at[1] != '\0')
            last = at + 1;
    if (last == NULL)
        return NULL;
    snprintf(line, sizeof line, "%s", last);
    return json_loads(line, 0, NULL);
}

/* "a.0.b" as text; false when it is not there. */
static bool field_text(char ret[LINE_MAX_BYTES], json_t *object, const char *path)
{
    char part[128];
    json_t *at = object;
    while (at != NULL && *path != '\0') {
        const size_t n = strcspn(path, ".");
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(part, NULL, 10))
                               : json_object_get(at, part);
        path += n + (path[n] == '.');
    }
    if (at == NULL)
        return false;
    char *const text = json_dumps(at, JSON_ENCODE_ANY);
    if (json_is_string(at))
        snprintf(ret, LINE_MAX_BYTES, "%s", json_string_value(at));
    else
        snprintf(ret, LINE_MAX_BYTES, "%s", text);
    free(text);
    return true;
}

static void check_field(struct runner *r, json_t *object, const char *want)
{
    char path[128], got[LINE_MAX_BYTES] = "(missing)";
    const size_t n = strcspn(want, " ");
    snprintf(path, sizeof path, "%.*s", (int)n, want);
    const char *const pattern = want[n] == ' ' ? want + n + 1 : "";
    if (object == NULL || !field_text(got, object, path))
        complain(r, "there is no field %s", path);
    else if (!matches(pattern, got))
        complain(r, "field %s is \"%s\", not \"%s\"", path, got, pattern);
}

static void set_variable(struct runner *r, json_t *object, const char *text)
{
    char name[64], value[LINE_MAX_BYTES];
    const size_t n = strcspn(text, " ");
    snprintf(name, sizeof name, "%.*s", (int)n, text);
    if (object == NULL || text[n] != ' ' || !field_text(value, object, text + n + 1))
        complain(r, "no field for %s", text);
    else
        setenv(name, value, 1);
}

static void finish_command(struct runner *r)
{
    if (r->command[0] == '\0')
        return;
    execute(r);
    if (r->code != r->want_code)
        complain(r, "exit code %d, not %d", r->code, r->want_code);
    check_stdout(r);
    json_t *const object = last_object(r);
    for (unsigned i = 0; i < r->want_count; i++) {
        const char *const want = r->wants[i];
        if (want[0] == '!')
            check_stderr(r, want + 2);
        else if (want[0] == '%')
            check_field(r, object, want + 2);
        else if (want[0] == '=')
            set_variable(r, object, want + 2);
    }
    json_decref(object);
    r->command[0] = '\0';
}

/* --- operators -------------------------------------------------------------------------------- */

static void operate(struct runner *r, const char *text)
{
    char line[LINE_MAX_BYTES], *words[WORDS_MAX] = {NULL}, *rest = NULL;
    size_t count = 0;
    uint8_t account[16] = {0};
    struct town *const t = &r->town;
    expand(line, text);
    for (char *word = strtok_r(line, " ", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    if (count >= 2)
        town_parse(t, account, words[1]);
    if (count == 1 && strcmp(words[0], "admit") == 0)
        town_admit(t);
    else if (count == 3 && strcmp(words[0], "issue") == 0)
        town_issue(t, account, strtoll(words[2], NULL, 10));
    else if (count == 4 && strcmp(words[0], "list") == 0)
        town_list(t, account, words[2], words[3], true);
    else if (count == 4 && strcmp(words[0], "unlist") == 0)
        town_list(t, account, words[2], words[3], false);
    else if (count == 2 && strcmp(words[0], "freeze") == 0)
        town_freeze(t, account, true);
    else if (count == 2 && strcmp(words[0], "thaw") == 0)
        town_freeze(t, account, false);
    else if (count == 1 && strcmp(words[0], "stop") == 0)
        town_node_stop(t);
    else if (count == 1 && strcmp(words[0], "kill") == 0)
        town_node_kill(t);
    else if (count == 1 && strcmp(words[0], "restart") == 0)
        town_node_restart(t);
    else if (count == 1 && strcmp(words[0], "start") == 0)
        town_node_start(t);
    else
        complain(r, "operators cannot \"%s\"", text);
}

/* --- the file --------------------------------------------------------------------------------- */

static void begin_command(struct runner *r, const char *text)
{
    finish_command(r);
    r->command_line = r->line_number;
    expand(r->command, text);
    r->input[0] = '\0';
    r->want_code = 0;
    r->want_count = 0;
}

static void take(struct runner *r, const char *line)
{
    const char *const text = line[0] != '\0' && line[1] == ' ' ? line + 2 : "";
    if (line[0] == '#' || line[0] == '\0')
        return;
    if (strncmp(line, "== ", 3) == 0) {
        finish_command(r);
        snprintf(r->name, sizeof r->name, "%s", line + 3);
    } else if (line[0] == '$') {
        begin_command(r, text);
    } else if (line[0] == '@') {
        finish_command(r);
        r->command_line = r->line_number;
        operate(r, text);
    } else if (line[0] == '<') {
        strncat(r->input, text, sizeof r->input - strlen(r->input) - 1);
        strncat(r->input, "\n", sizeof r->input - strlen(r->input) - 1);
    } else if (line[0] == '?') {
        r->want_code = atoi(text); /* allow: written by ourselves */
    } else if (strchr(">!%=", line[0]) != NULL && r->want_count < 64) {
        snprintf(r->wants[r->want_count++], LINE_MAX_BYTES, "%s", line);
    } else {
        complain(r, "line %u is not understood: %s", r->line_number, line);
    }
}

static void set_environment(const struct runner *r, const char *dir)
{
    char path[LINE_MAX_BYTES];
    snprintf(path, sizeof path, "%s:%s/../tests:%s", MEREAU_BIN_DIR, MEREAU_BIN_DIR,
             getenv("PATH"));
    setenv("PATH", path, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TZ", "UTC", 1);
    setenv("HOME", dir, 1);
    unsetenv("XDG_DATA_HOME");
    unsetenv("LANGUAGE");
    setenv("LINK", r->town.join_link, 1);
    setenv("HERE", dir, 1);
    setenv("SOURCE", MEREAU_SOURCE_DIR, 1);
}

int main(int argc, char **argv)
{
    static struct runner r;
    char dir[] = "/tmp/mereau-cases-XXXXXX", line[LINE_MAX_BYTES];
    FILE *const f = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (f == NULL) {
        fprintf(stderr, "usage: run_cases FILE\n");
        return 2;
    }
    r.file = argv[1];
    if (mkdtemp(dir) == NULL)
        return 4;
    town_start(&r.town, dir);
    if (chdir(dir) != 0 || file_write("pass", "pass\n", 5, 0600, true) != MR_OK)
        return 4;
    set_environment(&r, dir);
    while (fgets(line, sizeof line, f) != NULL) {
        r.line_number++;
        line[strcspn(line, "\n")] = '\0';
        take(&r, line);
    }
    finish_command(&r);
    fclose(f);
    free(r.out);
    free(r.err);
    town_done(&r.town);
    scratch_remove(dir);
    printf("%s: %u commands, %u failures\n", r.file, r.commands, r.failures);
    return r.failures == 0 ? 0 : 1;
}
