#include "audit/export_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/export_file.h"

static enum mr_status table_path(char ret[FILE_PATH_MAX], const struct export_folder *d,
                                 const char *in, unsigned table)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", export_tables[table].name, d->suffix);
    return path_join(ret, in, name);
}

/* The files that an export makes, and the folder if nothing else is in it. */
static void remove_folder(const struct export_folder *d, const char *path)
{
    char name[FILE_PATH_MAX];
    for (unsigned t = 0; t < EXPORT_TABLES; t++) {
        if (table_path(name, d, path, t) == MR_OK)
            unlink(name);
    }
    rmdir(path);
}

static bool is_table(const struct export_folder *d, const char *name)
{
    char own[64];
    for (unsigned t = 0; t < EXPORT_TABLES; t++) {
        snprintf(own, sizeof own, "%s%s", export_tables[t].name, d->suffix);
        if (strcmp(own, name) == 0)
            return true;
    }
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool only_tables(const struct export_folder *d)
{
    DIR *const dir = opendir(d->path);
    bool only = dir != NULL;
    for (const struct dirent *e; only && (e = readdir(dir)) != NULL;)
        only = is_table(d, e->d_name);
    if (dir != NULL)
        closedir(dir);
    return only;
}

static enum mr_status may_begin(const struct export_folder *d, struct export_run *run)
{
    if (!file_exists(d->path))
        return MR_OK;
    if (!d->replace)
        return out_fail(run->out, MR_FILE_EXISTS, _("%s exists already; --force replaces it"),
                        d->path);
    if (!only_tables(d))
        return out_fail(run->out, MR_FILE_EXISTS,
                        _("%s is not a folder of tables alone, and is not replaced"), d->path);
    return MR_OK;
}

static enum mr_status open_tables(struct export_folder *d, struct export_run *run)
{
    char name[FILE_PATH_MAX];
    for (unsigned t = 0; t < EXPORT_TABLES; t++) {
        if (table_path(name, d, d->temporary, t) != MR_OK)
            return out_fail(run->out, MR_USAGE, NULL);
        const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
        d->files[t] = fd < 0 ? NULL : fdopen(fd, "w");
        if (d->files[t] == NULL) {
            const int error = errno;
            if (fd >= 0)
                close(fd);
            return export_cannot_write(run->out, name, error);
        }
    }
    return MR_OK;
}

enum mr_status export_folder_open(struct export_folder *ret, struct export_run *run,
                                  const char *suffix)
{
    const char *const given = opt_text(run->c, "output");
    size_t n = strlen(given);
    *ret = (struct export_folder){.suffix = suffix, .replace = opt_flag(run->c, "force")};
    while (n > 1 && given[n - 1] == '/')
        n--;
    if (strcmp(given, "-") == 0)
        return out_fail(run->out, MR_USAGE,
                        _("all tables are a folder of files: give --output DIR, or one --table"));
    if (n + sizeof ".tmp" > sizeof ret->path)
        return out_fail(run->out, MR_USAGE, NULL);
    snprintf(ret->path, sizeof ret->path, "%.*s", (int)n, given);
    snprintf(ret->temporary, sizeof ret->temporary, "%.*s.tmp", (int)n, given);
    const enum mr_status st = may_begin(ret, run);
    if (st != MR_OK)
        return st;
    remove_folder(ret, ret->temporary); /* of an export that was killed */
    if (mkdir(ret->temporary, 0777) != 0)
        return export_cannot_write(run->out, ret->temporary, errno);
    ret->begun = true;
    return open_tables(ret, run);
}

static enum mr_status sync_tables(struct export_folder *d, struct export_run *run)
{
    for (unsigned t = 0; t < EXPORT_TABLES; t++) {
        FILE *const f = d->files[t];
        if (fflush(f) != 0 || fsync(fileno(f)) != 0)
            return export_cannot_write(run->out, d->path, errno);
    }
    const enum mr_status st = dir_sync(d->temporary);
    return st == MR_OK ? st : export_cannot_write(run->out, d->path, EIO);
}

/* An old folder changes places with the new one, so that there is always one under the name. */
static bool put_in_place(struct export_folder *d)
{
    if (!d->replace || !file_exists(d->path))
        return renameat2(AT_FDCWD, d->temporary, AT_FDCWD, d->path, RENAME_NOREPLACE) == 0;
    if (renameat2(AT_FDCWD, d->temporary, AT_FDCWD, d->path, RENAME_EXCHANGE) != 0)
        return false;
    remove_folder(d, d->temporary);
    return true;
}

enum mr_status export_folder_publish(struct export_folder *d, struct export_run *run)
{
    char parent[FILE_PATH_MAX];
    enum mr_status st = sync_tables(d, run);
    if (st != MR_OK)
        return st;
    if (!put_in_place(d))
        return export_cannot_write(run->out, d->path, errno);
    d->begun = false;
    st = path_parent(parent, d->path);
    if (st == MR_OK)
        st = dir_sync(parent);
    if (st != MR_OK)
        return export_cannot_write(run->out, d->path, EIO);
    out_text(run->out, "folder", d->path);
    out_print(run->out, _("%llu settled slots read, %s written\n"),
              (unsigned long long)run->settled, d->path);
    return MR_OK;
}

void export_folder_end(struct export_folder *d)
{
    for (unsigned t = 0; t < EXPORT_TABLES; t++) {
        if (d->files[t] != NULL)
            fclose(d->files[t]);
    }
    if (d->begun)
        remove_folder(d, d->temporary);
}
