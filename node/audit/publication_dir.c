/* A publication as a directory: appearing as a whole, and checked by whoever has it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/publication.h"
#include "mereau/id.h"

enum { STATEMENT_BYTES_MAX = 1 << 16 };

/* --- names in a directory --------------------------------------------------------------------- */

/* MR_CHECK_FAILED: a file that no publication has, named in ret. */
static enum mr_status only_ours(const char *dir, char ret[FILE_PATH_MAX])
{
    enum mr_status st = MR_OK;
    DIR *const d = opendir(dir);
    if (d == NULL)
        return file_status(errno);
    for (const struct dirent *e; st == MR_OK && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            publication_has(e->d_name))
            continue;
        snprintf(ret, FILE_PATH_MAX, "%s", e->d_name);
        st = MR_CHECK_FAILED;
    }
    closedir(d);
    return st;
}

/* Of a publication alone: what else is in it keeps the directory. */
static void remove_dir(const char *dir)
{
    char path[FILE_PATH_MAX];
    const char *const last[] = {PUBLICATION_STATEMENT, PUBLICATION_SIGNATURE};
    for (size_t i = 0; i < PUBLICATION_FILES + 2; i++) {
        const char *const name =
            i < PUBLICATION_FILES ? publication_file(i) : last[i - PUBLICATION_FILES];
        if (path_join(path, dir, name) == MR_OK)
            unlink(path);
    }
    rmdir(dir);
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum mr_status put(const char *dir, const char *name, const char *text, size_t len)
{
    char path[FILE_PATH_MAX];
    const enum mr_status st = path_join(path, dir, name);
    return st != MR_OK ? st : file_write(path, text, len, 0644, false);
}

static enum mr_status fill(const struct publication *p, const char *dir)
{
    enum mr_status st = MR_OK;
    for (size_t i = 0; i < PUBLICATION_FILES && st == MR_OK; i++)
        st = put(dir, publication_file(i), p->files[i].text, p->files[i].len);
    if (st == MR_OK)
        st = put(dir, PUBLICATION_STATEMENT, p->statement.text, p->statement.len);
    if (st == MR_OK)
        st = put(dir, PUBLICATION_SIGNATURE, p->signature.text, p->signature.len);
    if (st == MR_OK && chmod(dir, 0755) != 0)
        st = file_status(errno);
    return st == MR_OK ? dir_sync(dir) : st;
}

/* The new one takes the name; what had it is in `made` then, and goes. */
static enum mr_status take_name(const char *made, const char *dir, bool force)
{
    char path[FILE_PATH_MAX], other[FILE_PATH_MAX];
    if (renameat2(AT_FDCWD, made, AT_FDCWD, dir, RENAME_NOREPLACE) == 0)
        return MR_OK;
    if (errno != EEXIST)
        return file_status(errno);
    if (!force || path_join(path, dir, PUBLICATION_STATEMENT) != MR_OK || !file_exists(path) ||
        only_ours(dir, other) != MR_OK)
        return MR_FILE_EXISTS;
    return renameat2(AT_FDCWD, made, AT_FDCWD, dir, RENAME_EXCHANGE) == 0 ? MR_OK
                                                                          : file_status(errno);
}

enum mr_status publication_save(const struct publication *p, const char *dir, bool force)
{
    char name[FILE_PATH_MAX], made[FILE_PATH_MAX], parent[FILE_PATH_MAX];
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    if (len == 0 || len + 8 > sizeof made)
        return MR_TOO_LARGE;
    snprintf(name, sizeof name, "%.*s", (int)len, dir);
    snprintf(made, sizeof made, "%.*s.XXXXXX", (int)len, dir);
    enum mr_status st = path_parent(parent, name);
    if (st != MR_OK)
        return st;
    if (mkdtemp(made) == NULL)
        return file_status(errno);
    st = fill(p, made);
    if (st == MR_OK)
        st = take_name(made, name, force);
    remove_dir(made); /* what was replaced, or what could not take the name */
    return st == MR_OK ? dir_sync(parent) : st;
}

/* --- checking --------------------------------------------------------------------------------- */

static bool hex_of(uint8_t *ret, size_t len, const json_t *o, const char *name)
{
    const char *const text = json_string_value(json_object_get(o, name));
    return text != NULL && strlen(text) == 2 * len && mr_hex_parse(ret, len, text) == MR_OK;
}

static void text_of(char *ret, size_t size, const json_t *o, const char *name)
{
    const char *const text = json_string_value(json_object_get(o, name));
    snprintf(ret, size, "%s", text == NULL ? "" : text);
    for (; *ret != '\0'; ret++) { /* it goes to a terminal */
        if ((unsigned char)*ret < ' ' || *ret == 127)
            *ret = '?';
    }
}

static enum mr_status read_in(uint8_t **ret, size_t *ret_len, const char *dir, const char *name,
                              size_t max)
{
    char path[FILE_PATH_MAX];
    const enum mr_status st = path_join(path, dir, name);
    return st != MR_OK ? st : file_read(ret, ret_len, path, max);
}

static json_t *parse(const uint8_t *bytes, size_t len)
{
    return json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
}

static enum mr_status check_signature(struct publication_facts *ret, const json_t *statement,
                                      const json_t *signature, const uint8_t *bytes, size_t len)
{
    uint8_t sig[MR_SIG_BYTES];
    ret->public.alg = MR_ALG_ED25519;
    if (!hex_of(ret->ledger, MR_HASH_BYTES, statement, "ledger") ||
        !hex_of(ret->public.key, MR_KEY_BYTES, signature, "public_key") ||
        !hex_of(sig, sizeof sig, signature, "signature") ||
        json_integer_value(json_object_get(statement, "publication")) != 1)
        return MR_BAD_TEXT;
    return mr_pubkey_usable(&ret->public) &&
                   mr_verify(sig, MR_PURPOSE_PUBLICATION, ret->ledger, 0, bytes, len, &ret->public)
               ? MR_OK
               : MR_BAD_SIGNATURE;
}

static bool is_directory(const char *dir, const char *name)
{
    char path[FILE_PATH_MAX];
    struct stat info;
    return path_join(path, dir, name) == MR_OK && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static enum mr_status check_file(const char *dir, const char *name, const json_t *listed)
{
    uint8_t *bytes = NULL, want[crypto_hash_sha256_BYTES], hash[crypto_hash_sha256_BYTES];
    size_t len = 0;
    if (!hex_of(want, sizeof want, listed, "sha256"))
        return MR_BAD_TEXT;
    const enum mr_status st = is_directory(dir, name)
                                  ? MR_CHECK_FAILED
                                  : read_in(&bytes, &len, dir, name, PUBLICATION_BYTES_MAX);
    if (st != MR_OK)
        return st;
    crypto_hash_sha256(hash, bytes, len);
    free(bytes);
    return (json_int_t)len == json_integer_value(json_object_get(listed, "bytes")) &&
                   memcmp(hash, want, sizeof hash) == 0
               ? MR_OK
               : MR_CHECK_FAILED;
}

static enum mr_status check_files(struct publication_facts *ret, const char *dir,
                                  const json_t *files)
{
    if (json_array_size(files) != PUBLICATION_FILES)
        return MR_BAD_TEXT;
    for (size_t i = 0; i < PUBLICATION_FILES; i++) {
        const json_t *const f = json_array_get(files, i);
        const char *const name = json_string_value(json_object_get(f, "name"));
        if (name == NULL || strcmp(name, publication_file(i)) != 0)
            return MR_BAD_TEXT;
        snprintf(ret->wrong, sizeof ret->wrong, "%s", name);
        const enum mr_status st = check_file(dir, name, f);
        if (st != MR_OK)
            return st;
    }
    ret->wrong[0] = '\0';
    return only_ours(dir, ret->wrong);
}

static void tell(struct publication_facts *ret, const json_t *statement)
{
    const json_t *const at = json_object_get(statement, "at");
    const bool file = json_object_get(at, "rows") != NULL;
    text_of(ret->currency, sizeof ret->currency, statement, "currency");
    text_of(ret->from, sizeof ret->from, statement, "from");
    text_of(ret->to, sizeof ret->to, statement, "to");
    text_of(ret->by, sizeof ret->by, statement, "by");
    text_of(ret->licence, sizeof ret->licence, statement, "licence");
    text_of(ret->state, sizeof ret->state, at, file ? "sha256" : "state_root");
    ret->of_file = file;
    ret->left_out = json_integer_value(json_object_get(at, "rows_left_out"));
    ret->settled = json_integer_value(json_object_get(at, file ? "rows" : "settled"));
}

enum mr_status publication_check(struct publication_facts *ret, const char *dir)
{
    uint8_t *bytes = NULL, *sig_bytes = NULL;
    size_t len = 0, sig_len = 0;
    json_t *statement = NULL, *signature = NULL;
    *ret = (struct publication_facts){.settled = 0};
    snprintf(ret->wrong, sizeof ret->wrong, "%s", PUBLICATION_STATEMENT);
    enum mr_status st = read_in(&bytes, &len, dir, PUBLICATION_STATEMENT, STATEMENT_BYTES_MAX);
    if (st == MR_OK) {
        snprintf(ret->wrong, sizeof ret->wrong, "%s", PUBLICATION_SIGNATURE);
        st = read_in(&sig_bytes, &sig_len, dir, PUBLICATION_SIGNATURE, STATEMENT_BYTES_MAX);
    }
    if (st == MR_OK) {
        crypto_hash_sha256(ret->hash, bytes, len);
        statement = parse(bytes, len);
        signature = parse(sig_bytes, sig_len);
        st = statement == NULL || signature == NULL
                 ? MR_BAD_TEXT
                 : check_signature(ret, statement, signature, bytes, len);
    }
    if (st == MR_OK) {
        st = check_files(ret, dir, json_object_get(statement, "files"));
        tell(ret, statement);
    }
    json_decref(statement);
    json_decref(signature);
    free(bytes);
    free(sig_bytes);
    return st;
}
