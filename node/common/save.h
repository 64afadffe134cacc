/** Files that people name for what a command makes. */
#ifndef MEREAU_COMMON_SAVE_H
#define MEREAU_COMMON_SAVE_H

#include "common/command.h"

/** Report why a file that somebody named was not written. Returns st. */
enum mr_status save_failed(struct out *out, enum mr_status st, const char *path);

/** Write a text to the file that --output names, replacing one under --force, and say so as "file".
 *  MR_OK, also without --output; or reported. */
enum mr_status save_output(const struct command *c, struct out *out, const char *text);

#endif
