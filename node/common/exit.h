/** Exit codes of all programs: one list, also in every man page. */
#ifndef MEREAU_COMMON_EXIT_H
#define MEREAU_COMMON_EXIT_H

#include "mereau/status.h"

enum exit_code {
    EXIT_DONE = 0,    /* done */
    EXIT_REFUSED = 1, /* refused, nothing changed */
    EXIT_USAGE = 2,   /* usage or configuration */
    EXIT_UNKNOWN = 3, /* no answer in time, outcome may be unknown: repeat, it is safe */
    EXIT_HOST = 4,    /* trouble on this host */
    EXIT_CHECK = 5,   /* a check failed */
};

/** The exit code that goes with a status. */
enum exit_code exit_code_of(enum mr_status st);

#endif
