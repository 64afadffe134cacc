#include "lib/nodedir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/keyfile.h"
#include "mereau/codec.h"

enum { SEED_BYTES = 32, CHARTER_MAX = 1 << 16, WORDS_MAX = 16 };

const char nodedir_conf[] = "[wallet]\nlisten = 127.0.0.1:0\n";

static enum mr_status put(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[FILE_PATH_MAX];
    const enum mr_status st = path_join(path, dir, name);
    return st == MR_OK ? file_write(path, bytes, len, 0600, true) : st;
}

static enum mr_status put_key(const char *dir, const struct mr_seckey *log,
                              const struct mr_seckey *transport)
{
    static const char pass[] = "test passphrase";
    char path[FILE_PATH_MAX];
    uint8_t seeds[2 * SEED_BYTES];
    struct secret secret = {0};
    /* A libsodium secret key begins with its seed. */
    memcpy(seeds, log->bytes, SEED_BYTES);
    memcpy(seeds + SEED_BYTES, transport->bytes, SEED_BYTES);
    enum mr_status st = secret_copy(&secret, pass, strlen(pass));
    if (st == MR_OK)
        st = path_join(path, dir, "node.key");
    if (st == MR_OK)
        st = keyfile_create(NULL, path, "node", KEYFILE_MIN, &secret, seeds, sizeof seeds, true);
    secret_free(&secret);
    return st == MR_OK ? put(dir, "node.pass", pass, strlen(pass)) : st;
}

enum mr_status nodedir_write(const char *dir, const struct mr_charter *charter,
                             const struct mr_seckey *log, const struct mr_seckey *transport,
                             const char *conf)
{
    uint8_t *bytes = malloc(CHARTER_MAX);
    if (bytes == NULL)
        return MR_NO_MEMORY;
    enum mr_status st = MR_TOO_LARGE;
    if (mr_charter_size(charter) <= CHARTER_MAX)
        st = put(dir, "charter.mrc", bytes, mr_charter_encode(charter, bytes, CHARTER_MAX));
    free(bytes);
    if (st == MR_OK)
        st = put_key(dir, log, transport);
    return st == MR_OK ? put(dir, "mereaud.conf", conf, strlen(conf)) : st;
}

struct proc *nodedir_run(const char *dir, const char *const *env, const char *const *more)
{
    const char *argv[WORDS_MAX + 1];
    size_t n = 0;
    while (env != NULL && *env != NULL && n < WORDS_MAX / 2)
        argv[n++] = *env++;
    argv[n++] = MEREAU_BIN_DIR "/mereaud";
    argv[n++] = dir;
    while (more != NULL && *more != NULL && n < WORDS_MAX)
        argv[n++] = *more++;
    argv[n] = NULL;
    return proc_start(argv);
}

struct proc *nodedir_start(const char *dir, uint16_t *ret_port)
{
    return nodedir_start_in(dir, NULL, ret_port);
}

struct proc *nodedir_start_in(const char *dir, const char *const *env, uint16_t *ret_port)
{
    char line[1024], port[16];
    struct proc *p = nodedir_run(dir, env, NULL);
    if (p == NULL)
        return NULL;
    if (!proc_line(p, line, sizeof line, " ready ", PROC_DEADLINE_MS) ||
        !proc_field(port, sizeof port, line, "wallet_port=")) {
        char *text = proc_text(p);
        fprintf(stderr, "mereaud did not start:\n%s", text != NULL ? text : "");
        free(text);
        proc_end(p);
        return NULL;
    }
    if (ret_port != NULL)
        *ret_port = (uint16_t)strtoul(port, NULL, 10);
    return p;
}
