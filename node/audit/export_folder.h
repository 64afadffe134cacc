/** A folder with a file for each table, which appears as a whole. */
#ifndef MEREAU_AUDIT_EXPORT_FOLDER_H
#define MEREAU_AUDIT_EXPORT_FOLDER_H

#include <stdio.h>

#include "audit/export_tables.h"
#include "common/file.h"

struct export_folder {
    FILE *files[EXPORT_TABLES]; /* write to them */
    const char *suffix;         /* ".csv"; static */
    bool begun;                 /* the folder beside it is there */
    bool replace;               /* --force */
    char path[FILE_PATH_MAX], temporary[FILE_PATH_MAX];
};

/** What --output and --force say; a folder that is there is replaced only if nothing else is in it.
 *  MR_OK, or reported. */
enum mr_status export_folder_open(struct export_folder *ret, struct export_run *run,
                                  const char *suffix);
/** Puts it in place and says so. MR_OK, or reported. */
enum mr_status export_folder_publish(struct export_folder *d, struct export_run *run);
/** Nothing is left of what was not published. */
void export_folder_end(struct export_folder *d);

#endif
