#include "common/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/i18n.h"
#include "common/term.h"

enum { SVG_QUIET = 4 };

enum mr_status qr_create(struct qr *ret, const char *text)
{
    if (strlen(text) > QR_TEXT_MAX)
        return MR_TOO_LARGE;
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    if (code == NULL)
        return errno == ERANGE ? MR_TOO_LARGE : MR_NO_MEMORY;
    const size_t width = (size_t)code->width;
    bool *dark = calloc(width * width, sizeof *dark);
    for (size_t i = 0; dark != NULL && i < width * width; i++)
        dark[i] = (code->data[i] & 1) != 0;
    QRcode_free(code);
    if (dark == NULL)
        return MR_NO_MEMORY;
    *ret = (struct qr){width, dark};
    return MR_OK;
}

void qr_free(struct qr *q)
{
    free(q->dark);
    *q = (struct qr){0, NULL};
}

/* Whether a module of the code with its quiet zone is light. What is below the last row does not
 * belong to it. */
static bool is_light(const struct qr *q, size_t x, size_t y)
{
    const size_t full = q->width + (size_t)2 * QR_QUIET;
    if (y >= full)
        return false;
    const size_t column = x - QR_QUIET, row = y - QR_QUIET; /* wrap to huge numbers outside */
    return column >= q->width || row >= q->width || !q->dark[row * q->width + column];
}

static void blocks_line(FILE *f, const struct qr *q, size_t y)
{
    /* Upper half, lower half: what is light is drawn. */
    static const char *const glyphs[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}};
    for (size_t x = 0; x < q->width + (size_t)2 * QR_QUIET; x++)
        fputs(glyphs[is_light(q, x, y)][is_light(q, x, y + 1)], f);
}

static void ascii_line(FILE *f, const struct qr *q, size_t y, bool color)
{
    for (size_t x = 0; x < q->width + (size_t)2 * QR_QUIET; x++) {
        const bool light = is_light(q, x, y);
        if (color)
            fputs(light ? "\033[107m  " : "\033[40m  ", f);
        else
            fputs(light ? "##" : "  ", f);
    }
}

enum mr_status qr_render(char **ret, const struct qr *q, bool color, bool ascii)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (f == NULL)
        return MR_NO_MEMORY;
    for (size_t y = 0; y < q->width + (size_t)2 * QR_QUIET; y += ascii ? 1 : 2) {
        if (ascii) {
            ascii_line(f, q, y, color);
        } else {
            fputs(color ? "\033[97;40m" : "", f);
            blocks_line(f, q, y);
        }
        fputs(color ? "\033[0m\n" : "\n", f);
    }
    if (fclose(f) != 0) {
        free(text);
        return MR_NO_MEMORY;
    }
    *ret = text;
    return MR_OK;
}

enum mr_status qr_svg(char **ret, const struct qr *q)
{
    char *text = NULL;
    size_t len = 0;
    const size_t full = q->width + (size_t)2 * SVG_QUIET;
    FILE *f = open_memstream(&text, &len);
    if (f == NULL)
        return MR_NO_MEMORY;
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\" "
            "shape-rendering=\"crispEdges\">\n"
            "<rect width=\"%zu\" height=\"%zu\" fill=\"#fff\"/>\n<path fill=\"#000\" d=\"",
            full, full, full, full);
    for (size_t i = 0; i < q->width * q->width; i++)
        if (q->dark[i])
            fprintf(f, "M%zu %zuh1v1h-1z", i % q->width + SVG_QUIET, i / q->width + SVG_QUIET);
    fputs("\"/>\n</svg>\n", f);
    if (fclose(f) != 0) {
        free(text);
        return MR_NO_MEMORY;
    }
    *ret = text;
    return MR_OK;
}

enum mr_status qr_print(struct out *out, const char *text)
{
    struct qr q;
    char *lines = NULL;
    if (out->json)
        return MR_OK;
    enum mr_status st = qr_create(&q, text);
    if (st != MR_OK)
        return st;
    const bool ascii = !term_is_utf8();
    const size_t columns = (q.width + (size_t)2 * QR_QUIET) * (ascii ? 2 : 1);
    if (isatty(STDOUT_FILENO) == 1 && term_width(STDOUT_FILENO) < columns)
        out_note(out, _("The QR code needs a terminal of %zu columns."), columns);
    else if ((st = qr_render(&lines, &q, term_has_color(STDOUT_FILENO), ascii)) == MR_OK)
        out_print(out, "%s", lines);
    free(lines);
    qr_free(&q);
    return st;
}
