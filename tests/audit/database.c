#include "audit/database.h"

#include <check.h>
#include <dirent.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/procs.h"
#include "lib/scratch.h"

enum { NOBODY = 65534, WORDS_MAX = 24 };

static char model[SCRATCH_PATH_MAX], home[SCRATCH_PATH_MAX], bin[256];
static struct proc *server;

/* Debian keeps the server's programs in a folder of their version. */
static void find_programs(void)
{
    glob_t g;
    ck_assert_msg(glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &g) == 0,
                  "no PostgreSQL server is installed: scripts/deps");
    snprintf(bin, sizeof bin, "%.*s",
             (int)(strrchr(g.gl_pathv[g.gl_pathc - 1], '/') - g.gl_pathv[g.gl_pathc - 1]),
             g.gl_pathv[g.gl_pathc - 1]);
    globfree(&g);
}

/* The server refuses to be root. The words stay the caller's. */
static struct proc *run_as_nobody(const char *const *words)
{
    static char uid[32], gid[32];
    const char *argv[WORDS_MAX] = {"LC_ALL=C"};
    unsigned n = 1;
    snprintf(uid, sizeof uid, "--reuid=%d", NOBODY);
    snprintf(gid, sizeof gid, "--regid=%d", NOBODY);
    if (getuid() == 0) {
        const char *const prefix[] = {"/usr/bin/setpriv", uid,           gid,
                                      "--clear-groups",   "--pdeathsig", "INT"};
        for (size_t i = 0; i < sizeof prefix / sizeof prefix[0]; i++)
            argv[n++] = prefix[i];
    }
    while (*words != NULL && n < WORDS_MAX - 1)
        argv[n++] = *words++;
    struct proc *const p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    return p;
}

static void make_home(char ret[SCRATCH_PATH_MAX])
{
    scratch_make(ret);
    ck_assert_int_eq(chmod(ret, 0755), 0);
    if (getuid() == 0)
        ck_assert_int_eq(chown(ret, NOBODY, NOBODY), 0);
}

static void run_to_end(const char *const *words)
{
    struct proc *const p = run_as_nobody(words);
    const int code = proc_wait(p, 60000);
    ck_assert_msg(code == 0, "%s: %d: %s", words[0], code, proc_text(p));
    proc_end(p);
}

void database_found(void)
{
    char program[512], data[SCRATCH_PATH_MAX + 8];
    find_programs();
    make_home(model);
    snprintf(program, sizeof program, "%s/initdb", bin);
    snprintf(data, sizeof data, "%s/data", model);
    const char *const words[] = {program, "-D", data,   "-U",        "owner", "-A",
                                 "trust", "-E", "UTF8", "--no-sync", NULL};
    run_to_end(words);
}

void database_forget(void)
{
    scratch_remove(model);
}

void database_make(void)
{
    char from[SCRATCH_PATH_MAX + 8];
    make_home(home);
    snprintf(from, sizeof from, "%s/data", model);
    const char *const words[] = {"/bin/cp", "-a", from, home, NULL};
    run_to_end(words);
    database_start();
}

void database_start(void)
{
    char program[512], data[SCRATCH_PATH_MAX + 8];
    snprintf(program, sizeof program, "%s/postgres", bin);
    snprintf(data, sizeof data, "%s/data", home);
    const char *const words[] = {program,
                                 "-D",
                                 data,
                                 "-k",
                                 home,
                                 "-c",
                                 "listen_addresses=",
                                 "-c",
                                 "fsync=off",
                                 "-c",
                                 "shared_buffers=8MB",
                                 NULL};
    server = run_as_nobody(words);
    ck_assert_msg(proc_line(server, NULL, 0, "ready to accept connections", 60000), "%s",
                  proc_text(server));
}

void database_stop(bool kill_it)
{
    if (server == NULL)
        return;
    proc_signal(server, kill_it ? SIGQUIT : SIGINT);
    ck_assert_int_ne(proc_wait(server, 60000), -1);
    proc_end(server);
    server = NULL;
}

/* Processes whose parent is the server, and it. */
static void signal_all(int number)
{
    DIR *const dir = opendir("/proc");
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[300];
        int parent = 0;
        const int pid = atoi(e->d_name);
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *const f = pid > 0 ? fopen(path, "r") : NULL;
        if (f != NULL && fscanf(f, "%*d (%*[^)]) %*c %d", &parent) == 1 &&
            parent == proc_pid(server))
            kill(pid, number);
        if (f != NULL)
            fclose(f);
    }
    closedir(dir);
    proc_signal(server, number);
}

void database_freeze(bool frozen)
{
    signal_all(frozen ? SIGSTOP : SIGCONT);
}

void database_remove(void)
{
    database_stop(false);
    scratch_remove(home);
}

const char *database_info_of(const char *role)
{
    static char info[SCRATCH_PATH_MAX + 64];
    snprintf(info, sizeof info, "host=%s user=%s dbname=postgres", home, role);
    return info;
}

const char *database_info(void)
{
    return database_info_of("owner");
}

void database_want_password(const char *role)
{
    char path[SCRATCH_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/data/pg_hba.conf", home);
    FILE *const f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "local all %s scram-sha-256\nlocal all all trust\n", role);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_str_eq(database_ask("SELECT pg_reload_conf()"), "t");
}

const char *database_ask(const char *sql)
{
    static char text[1 << 16];
    char path[SCRATCH_PATH_MAX + 16], command[2 * SCRATCH_PATH_MAX];
    snprintf(path, sizeof path, "%s/ask.sql", home);
    FILE *const f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(sql, f);
    ck_assert_int_eq(fclose(f), 0);
    snprintf(command, sizeof command, "psql -XAtq -v ON_ERROR_STOP=1 -f '%s' '%s' 2>&1", path,
             database_info());
    FILE *const p = popen(command, "r");
    ck_assert_ptr_nonnull(p);
    size_t n = fread(text, 1, sizeof text - 1, p);
    text[n] = '\0';
    const int status = pclose(p);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s\n%s", sql, text);
    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    return text;
}
