/* What watches over a stopped store: a probe that may crash, and a seal over the whole file. */
#include "storage/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mereau/id.h"
#include "storage/files.h"
#include "storage/value.h"

enum {
    PROBE_SAYS = 1,       /* exit code of a child that wrote what it found */
    KEY_SHOWN_BYTES = 24, /* of a key in a message */
    SEAL_TEXT_MAX = 128,
};

static void say_entry(char *text, enum mr_table table, const MDB_val *key, const char *what)
{
    char hex[2 * KEY_SHOWN_BYTES + 1];

    mr_hex_format(hex, key->mv_data,
                  key->mv_size < KEY_SHOWN_BYTES ? key->mv_size : KEY_SHOWN_BYTES);
    snprintf(text, STORE_TEXT_MAX, "data.mdb: table %s, key %s: %s", store_table_name(table), hex,
             what);
}

static void say_table(char *text, enum mr_table table, const char *what)
{
    snprintf(text, STORE_TEXT_MAX, "data.mdb: table %s: %s", store_table_name(table), what);
}

static int compare(const MDB_val *a, const uint8_t *b, size_t b_len)
{
    const size_t n = a->mv_size < b_len ? a->mv_size : b_len;
    const int c = memcmp(a->mv_data, b, n);

    return c != 0 ? c : (a->mv_size > b_len) - (a->mv_size < b_len);
}

/* Keys must ascend: that also ends a walk through a tree that was bent into a ring. */
static bool probe_table(MDB_txn *txn, enum mr_table table, char *text)
{
    uint8_t before[MR_STORE_KEY_MAX];
    size_t before_len = 0, len, count = 0;
    MDB_cursor *c = NULL;
    MDB_stat stat;
    MDB_val k, v;
    MDB_dbi dbi;
    int rc = mdb_dbi_open(txn, store_table_name(table), 0, &dbi);

    if (rc == MDB_SUCCESS)
        rc = mdb_stat(txn, dbi, &stat);
    if (rc == MDB_SUCCESS)
        rc = mdb_cursor_open(txn, dbi, &c);
    while (rc == MDB_SUCCESS && (rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == MDB_SUCCESS) {
        if (value_open(&len, table, k.mv_data, k.mv_size, v.mv_data, v.mv_size) != MR_OK) {
            say_entry(text, table, &k, "the checksum is wrong");
            return false;
        }
        if (before_len > 0 && compare(&k, before, before_len) <= 0) {
            say_entry(text, table, &k, "the order of keys is wrong");
            return false;
        }
        memcpy(before, k.mv_data, k.mv_size);
        before_len = k.mv_size;
        count++;
    }
    if (c == NULL || rc != MDB_NOTFOUND) {
        say_table(text, table, mdb_strerror(rc));
        return false;
    }
    if (count != stat.ms_entries)
        say_table(text, table, "the number of entries is wrong");
    return count == stat.ms_entries;
}

static bool probe_store(const char *dir, char *text)
{
    MDB_env *env;
    MDB_txn *txn;
    int rc = mdb_env_create(&env);

    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_maxdbs(env, MR_TABLES);
    /* No locks: nobody else may be here, and a stale lock file must not matter. */
    if (rc == MDB_SUCCESS)
        rc = mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600);
    if (rc == MDB_SUCCESS)
        rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS) {
        snprintf(text, STORE_TEXT_MAX, "data.mdb: %s", mdb_strerror(rc));
        return false;
    }
    for (enum mr_table t = 0; t < MR_TABLES; t++)
        if (!probe_table(txn, t, text))
            return false;
    return true;
}

static _Noreturn void probe_child(const char *dir, int answer, pid_t parent)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
    const struct rlimit none = {0, 0};
    char text[STORE_TEXT_MAX] = "";

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(PROBE_SAYS);
    setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], SIG_DFL);
    /* LMDB tells its assertions to stderr; the text of the parent says it better. */
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDERR_FILENO);
    if (probe_store(dir, text))
        _exit(0);
    (void)!write(answer, text, strlen(text));
    _exit(PROBE_SAYS);
}

static void read_answer(int fd, char *text)
{
    size_t len = 0;

    while (len < STORE_TEXT_MAX - 1) {
        const ssize_t n = read(fd, text + len, STORE_TEXT_MAX - 1 - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    text[len] = '\0';
}

enum mr_status store_probe(const char *dir, char ret_text[STORE_TEXT_MAX])
{
    char path[FILES_PATH_MAX];
    const pid_t parent = getpid();
    struct stat about;
    int answer[2], how;
    enum mr_status st = files_path(path, dir, "data.mdb");

    if (st != MR_OK)
        return st;
    if (stat(path, &about) != 0)
        return files_status(errno);
    if (pipe2(answer, O_CLOEXEC) != 0)
        return files_status(errno);
    const pid_t child = fork();
    if (child == 0)
        probe_child(dir, answer[1], parent);
    close(answer[1]);
    if (child < 0) {
        close(answer[0]);
        return MR_NO_MEMORY;
    }
    read_answer(answer[0], ret_text);
    close(answer[0]);
    while (waitpid(child, &how, 0) < 0)
        if (errno != EINTR)
            return MR_IO_ERROR;
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
        return MR_OK;
    if (ret_text[0] == '\0')
        snprintf(ret_text, STORE_TEXT_MAX, "data.mdb: reading it crashes (%s %d)",
                 WIFSIGNALED(how) ? "signal" : "exit code",
                 WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    return MR_DAMAGED;
}

/* One line: size and hash of data.mdb. */
static enum mr_status seal_text(char ret[SEAL_TEXT_MAX], const char *dir)
{
    char path[FILES_PATH_MAX], hex[65];
    uint8_t hash[32];
    struct stat about;
    enum mr_status st = files_path(path, dir, "data.mdb");

    if (st != MR_OK)
        return st;
    if (stat(path, &about) != 0)
        return files_status(errno);
    st = files_hash(hash, dir, "data.mdb");
    if (st != MR_OK)
        return st;
    mr_hex_format(hex, hash, sizeof hash);
    snprintf(ret, SEAL_TEXT_MAX, "data.mdb %lld %s\n", (long long)about.st_size, hex);
    return MR_OK;
}

enum mr_status store_seal(const char *dir)
{
    char text[SEAL_TEXT_MAX];
    const enum mr_status st = seal_text(text, dir);

    return st == MR_OK ? files_write(dir, "seal", text, strlen(text)) : st;
}

enum mr_status store_seal_check(const char *dir, bool *ret_sealed, char ret_text[STORE_TEXT_MAX])
{
    char said[SEAL_TEXT_MAX], is[SEAL_TEXT_MAX];
    size_t len = 0;
    enum mr_status st = files_read(dir, "seal", said, sizeof said, &len);

    if (ret_sealed != NULL)
        *ret_sealed = st != MR_NO_SUCH_FILE;
    if (st == MR_NO_SUCH_FILE)
        return MR_OK;
    if (st != MR_OK && st != MR_TOO_LARGE)
        return st;
    if (st == MR_OK)
        st = seal_text(is, dir);
    if (st == MR_IO_ERROR || st == MR_NO_MEMORY)
        return st;
    if (st != MR_OK || len != strlen(is) || memcmp(said, is, len) != 0) {
        snprintf(ret_text, STORE_TEXT_MAX,
                 "data.mdb was changed after the node stopped, or its seal was");
        return MR_DAMAGED;
    }
    return files_remove(dir, "seal");
}
