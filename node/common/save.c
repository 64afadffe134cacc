#include "common/save.h"

#include <string.h>

#include "common/file.h"

enum mr_status save_failed(struct out *out, enum mr_status st, const char *path)
{
    if (st == MR_FILE_EXISTS)
        return out_fail(out, st, _("%s is there already: take another name, or --force"), path);
    return out_fail(out, st, "%s: %s", path, status_sentence(st));
}

enum mr_status save_output(const struct command *c, struct out *out, const char *text)
{
    const char *const path = opt_text(c, "output");
    if (path == NULL)
        return MR_OK;
    const enum mr_status st = file_write(path, text, strlen(text), 0644, opt_flag(c, "force"));
    if (st != MR_OK)
        return save_failed(out, st, path);
    out_text(out, "file", path);
    return MR_OK;
}
