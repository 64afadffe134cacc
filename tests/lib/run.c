#include "lib/run.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
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
#include "lib/procs.h"

enum { OUTPUT_MAX = 1 << 20 };

const char *run_out = "", *run_err = "";

static char *held_out, *held_err;

/* What a test waits for in vain takes as much longer as all that it does not. */
static const char *patient(char *ret, size_t cap, const char *word)
{
    int seconds;
    if (sscanf(word, "--timeout=%d", &seconds) != 1)
        return word;
    snprintf(ret, cap, "--timeout=%d", seconds * PROC_PATIENCE);
    return ret;
}

pid_t run_start(const char *const *args)
{
    const char *argv[RUN_ARGS_MAX + 4] = {"mereau", "--passphrase-file", "pass", "--lang=en"};
    size_t n = 4;
    char timeout[32];
    for (; *args != NULL; args++)
        argv[n++] = patient(timeout, sizeof timeout, *args);
    argv[n] = NULL;
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = open("stdout", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out, 1);
    dup2(err, 2);
    execv(MEREAU_BIN_DIR "/mereau", (char *const *)(uintptr_t)argv);
    _exit(127);
}

char *run_read(const char *name)
{
    uint8_t *bytes = NULL;
    size_t len;
    ck_assert_int_eq(file_read(&bytes, &len, name, OUTPUT_MAX), MR_OK);
    return (char *)bytes;
}

void run_done(void)
{
    free(held_out);
    free(held_err);
    held_out = held_err = NULL;
    run_out = run_err = "";
}

int run_finish(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    run_done();
    run_out = held_out = run_read("stdout");
    run_err = held_err = run_read("stderr");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run_mereau(const char *const *args)
{
    return run_finish(run_start(args));
}

int run_words(const char *first, ...)
{
    const char *args[RUN_ARGS_MAX] = {first};
    va_list rest;
    size_t n = 1;
    va_start(rest, first);
    while (n + 1 < RUN_ARGS_MAX && (args[n] = va_arg(rest, const char *)) != NULL)
        n++;
    va_end(rest);
    args[n] = NULL;
    return run_mereau(args);
}

const char *run_field(const char *path)
{
    static char text[512];
    const char *last = run_out;
    for (const char *p = run_out; *p != '\0'; p++)
        if (*p == '\n' && p[1] != '\0')
            last = p + 1;
    json_t *const object = json_loads(last, 0, NULL), *at = object;
    char part[64];
    while (at != NULL && *path != '\0') {
        const size_t n = strcspn(path, ".");
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(part, NULL, 10))
                               : json_object_get(at, part);
        path += n + (path[n] == '.');
    }
    char *const dump = at != NULL ? json_dumps(at, JSON_ENCODE_ANY) : NULL;
    snprintf(text, sizeof text, "%s",
             json_is_string(at) ? json_string_value(at)
             : dump != NULL     ? dump
                                : "");
    free(dump);
    json_decref(object);
    return text;
}

unsigned run_count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        n++;
    return n;
}
