/** Results: one registry (protocol/registry/status.def), numbers are for ever.
 *
 *  Every function that can honestly fail returns enum mr_status. A status knows whose fault it
 *  is and whether repeating may help; the sentence for people is translated by the programs. */
#ifndef MEREAU_STATUS_H
#define MEREAU_STATUS_H

#include <stdbool.h>

enum mr_status {
#define MR_STATUS(name, number, fault, retry, text) MR_##name = (number),
#include "registry/status.def"
#undef MR_STATUS
};

/** Whose fault a status is. */
enum mr_fault {
    MR_FAULT_NONE,   /**< not a fault: done, or not done yet */
    MR_FAULT_CALLER, /**< the request, or the person behind it */
    MR_FAULT_PEER,   /**< the other program broke the protocol */
    MR_FAULT_HOST,   /**< this machine: disk, memory, damaged file */
};

/** Name without prefix ("FUNDS_SHORT"), or "UNKNOWN_STATUS". Static storage. */
const char *mr_status_name(enum mr_status st);

/** One English sentence, marked for translation. Static storage. */
const char *mr_status_text(enum mr_status st);

enum mr_fault mr_status_fault(enum mr_status st);

/** Whether the same request may succeed later without being changed. */
bool mr_status_retry(enum mr_status st);

/** Number received from outside to status; MR_UNKNOWN_STATUS when the registry has no such line. */
enum mr_status mr_status_from_number(unsigned number);

#endif
