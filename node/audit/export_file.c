#include "audit/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

mode_t export_file_mode(void)
{
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* A file system may not have files without a name. */
static int open_nameless(const char *dir)
{
    char path[FILE_PATH_MAX];
    const int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    if (path_join(path, dir, "mereau-export-XXXXXX") != MR_OK) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const int named = mkostemp(path, O_CLOEXEC);
    if (named >= 0)
        unlink(path);
    return named;
}

FILE *export_scratch(struct export_run *run)
{
    const char *const set = getenv("TMPDIR");
    const char *const dir = set != NULL && set[0] != '\0' ? set : "/var/tmp";
    const int fd = open_nameless(dir);
    FILE *const f = fd < 0 ? NULL : fdopen(fd, "w+");
    if (f == NULL) {
        export_cannot_write(run->out, dir, errno);
        if (fd >= 0)
            close(fd);
    }
    return f;
}

/* A device, a pipe or a folder is not replaced by a file. */
static bool is_no_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

enum mr_status export_file_check_path(struct out *out, const char *path)
{
    return is_no_file(path)
               ? out_fail(out, MR_USAGE,
                          _("%s is no plain file: give another name, or - for stdout"), path)
               : MR_OK;
}

enum mr_status export_file_open(struct export_file *ret, struct export_run *run)
{
    const char *const path = opt_text(run->c, "output");
    *ret = (struct export_file){.path = path, .draft = {.fd = -1}};
    if (strcmp(path, "-") == 0) {
        ret->to_stdout = true;
        ret->path = _("a scratch file");
        ret->f = export_scratch(run);
        return ret->f == NULL ? MR_IO_ERROR : MR_OK;
    }
    enum mr_status st = export_file_check_path(run->out, path);
    if (st != MR_OK)
        return st;
    st = file_draft_open(&ret->draft, path, export_file_mode(), opt_flag(run->c, "force"));
    if (st == MR_FILE_EXISTS)
        return out_fail(run->out, st, _("%s exists already; --force replaces it"), path);
    if (st != MR_OK)
        return out_cannot_write(run->out, path, st);
    const int fd = dup(ret->draft.fd);
    ret->f = fd < 0 ? NULL : fdopen(fd, "w");
    return ret->f == NULL ? export_cannot_write(run->out, path, errno) : MR_OK;
}

enum mr_status export_file_check(const struct export_file *file, struct export_run *run)
{
    return ferror(file->f) == 0 ? MR_OK : export_cannot_write(run->out, file->path, errno);
}

static enum mr_status copy_out(struct export_file *file, struct export_run *run)
{
    char buffer[1 << 14];
    size_t n;
    rewind(file->f);
    while ((n = fread(buffer, 1, sizeof buffer, file->f)) > 0) {
        if (fwrite(buffer, 1, n, run->out->results) != n)
            return export_cannot_write(run->out, "stdout", errno);
    }
    if (ferror(file->f) != 0 || fflush(run->out->results) != 0)
        return export_cannot_write(run->out, "stdout", errno);
    return MR_OK;
}

enum mr_status export_file_publish(struct export_file *file, struct export_run *run)
{
    if (fflush(file->f) != 0)
        return export_cannot_write(run->out, file->path, errno);
    if (file->to_stdout)
        return copy_out(file, run);
    const enum mr_status st = file_draft_keep(&file->draft);
    if (st == MR_FILE_EXISTS)
        return out_fail(run->out, st, _("%s exists already; --force replaces it"), file->path);
    if (st != MR_OK)
        return out_cannot_write(run->out, file->path, st);
    out_text(run->out, "file", file->path);
    out_print(run->out, _("%llu settled slots read, %s written\n"),
              (unsigned long long)run->settled, file->path);
    return MR_OK;
}

void export_file_end(struct export_file *file)
{
    if (file->f != NULL)
        fclose(file->f);
    if (file->path != NULL && !file->to_stdout)
        file_draft_drop(&file->draft);
}
