/** The file that an export writes: nobody sees it before it is whole and right. */
#ifndef MEREAU_AUDIT_EXPORT_FILE_H
#define MEREAU_AUDIT_EXPORT_FILE_H

#include <stdio.h>

#include "audit/export.h"
#include "common/file.h"

struct export_file {
    FILE *f;          /* write to it */
    const char *path; /* for people; borrowed */
    bool to_stdout;   /* --output -: kept in a scratch file until it is right */
    struct file_draft draft;
};

/** What --output and --force say. MR_OK, or reported. */
enum mr_status export_file_open(struct export_file *ret, struct export_run *run);

/** A path that is something else than a file is refused, also with --force. MR_OK, or reported. */
enum mr_status export_file_check_path(struct out *out, const char *path);

/** Whether all that was written so far could be: call it often, it is cheap. Reported. */
enum mr_status export_file_check(const struct export_file *file, struct export_run *run);

/** Puts it in place, or copies it to stdout, and says so. MR_OK, or reported. */
enum mr_status export_file_publish(struct export_file *file, struct export_run *run);

/** Nothing is left of what was not published. One that was not opened is fine, if it is zero. */
void export_file_end(struct export_file *file);

/** A file without a name in $TMPDIR, else /var/tmp. NULL: reported. */
FILE *export_scratch(struct export_run *run);

/** Mode of a new file under the process's umask. */
mode_t export_file_mode(void);

#endif
