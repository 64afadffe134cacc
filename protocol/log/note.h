/* A signature's line in a signed note, as C2SP has it: LOG-5, LOG-7. */
#ifndef MEREAU_LOG_NOTE_H
#define MEREAU_LOG_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "mereau/limits.h"

enum { MRI_NOTE_NAME_MAX = 128, MRI_NOTE_BODY_MAX = 8 + MR_SIG_BYTES };

struct mri_note_line {
    const char *name;
    size_t name_len; /* at most MRI_NOTE_NAME_MAX */
    uint8_t type;    /* of the signature */
    const uint8_t *key, *body;
    size_t body_len; /* at most MRI_NOTE_BODY_MAX */
};

/* With LF and NUL, for which `ret` has room; the length is returned. */
size_t mri_note_line(char *ret, size_t cap, const struct mri_note_line *line);

#endif
