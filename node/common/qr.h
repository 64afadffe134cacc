/** QR codes of short texts: for a terminal, as SVG, or as an image for tests. */
#ifndef MEREAU_COMMON_QR_H
#define MEREAU_COMMON_QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/output.h"
#include "mereau/status.h"

enum { QR_TEXT_MAX = 1024, QR_QUIET = 2 };

/** One byte a module, true = dark, without quiet zone. */
struct qr {
    size_t width;
    bool *dark; /* width * width */
};

/** MR_OK, MR_TOO_LARGE, MR_NO_MEMORY. Text in digits, capitals and $%*+-./: makes smaller codes. */
enum mr_status qr_create(struct qr *ret, const char *text);

void qr_free(struct qr *q);

/** Lines of half blocks (two modules a character), or of "##" and blanks when `ascii`. With
 *  `color` black and white are set by escape sequences; otherwise the code is drawn light on dark,
 *  as most terminals are. The caller frees *ret. */
enum mr_status qr_render(char **ret, const struct qr *q, bool color, bool ascii);

/** A complete SVG document. The caller frees *ret. */
enum mr_status qr_svg(char **ret, const struct qr *q);

/** Encode and print for the person at the terminal; nothing in JSON mode. */
enum mr_status qr_print(struct out *out, const char *text);

#endif
