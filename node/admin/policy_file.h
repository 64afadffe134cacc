/** A policy as a JSON file: the form in which `policy show --json` prints it. */
#ifndef MEREAU_ADMIN_POLICY_FILE_H
#define MEREAU_ADMIN_POLICY_FILE_H

#include "common/output.h"
#include "mereau/record.h"

/** The registry's JSON form of a policy; NULL when memory is short. */
json_t *policy_to_json(const struct mr_policy *p);

/** Read one. Every field must be there and none other. MR_OK, or reported: MR_NO_SUCH_FILE and
 * other troubles with the file, MR_CONFIG with what is wrong. */
enum mr_status policy_file_read(struct mr_policy *ret, struct out *out, const char *path);

#endif
