#include "common/exit.h"

static enum exit_code of_host(enum mr_status st)
{
    /* The node's own trouble is an answer without outcome to its client; ours is exit 4. */
    return st >= MR_NO_MEMORY ? EXIT_HOST : EXIT_UNKNOWN;
}

enum exit_code exit_code_of(enum mr_status st)
{
    if (st == MR_OK || st == MR_SETTLED || st == MR_ALREADY_DONE)
        return EXIT_DONE;
    if (st == MR_PARKED || st == MR_UNSETTLED || st == MR_VOTING || st == MR_CERTIFIED)
        return EXIT_UNKNOWN;
    if (st == MR_CONFIG || st == MR_USAGE || st == MR_BAD_TEXT)
        return EXIT_USAGE;
    if (st == MR_CHECK_FAILED || st == MR_BAD_PROOF || st == MR_BAD_HEAD || st == MR_BAD_RECEIPT ||
        st == MR_FORKED)
        return EXIT_CHECK;
    if (st == MR_FILE_EXISTS) /* nothing is broken: the person gives another name */
        return EXIT_REFUSED;
    switch (mr_status_fault(st)) {
    case MR_FAULT_NONE:
    case MR_FAULT_CALLER:
        return EXIT_REFUSED;
    case MR_FAULT_PEER:
        return mr_status_retry(st) ? EXIT_UNKNOWN : EXIT_CHECK;
    case MR_FAULT_HOST:
        return of_host(st);
    }
    return EXIT_HOST;
}
