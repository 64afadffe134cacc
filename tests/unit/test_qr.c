/* QR codes are read back by zbarimg, from the modules and from what the terminal shows. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/qr.h"

enum { SCALE = 6, READ_MAX = 4096 };

static const char *const texts[] = {
    "MR1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "mereau:eusk1qpzry9x8gf2tvdw0s3jn54khce6mua7l?amount=1250&unit=EUSK",
    "Boulangerie de la Croix-Rousse, pain complet \xc3\xa0 12,50",
    "x",
};

static bool has_zbar(void)
{
    return system("command -v zbarimg >/dev/null 2>&1") == 0;
}

/* What a reader sees in an image with one byte a module, 255 light, and a wide border. */
static void scan(char ret[READ_MAX], const uint8_t *image, size_t width, size_t height)
{
    char path[] = "/tmp/mereau-qr-XXXXXX.pgm", command[256];
    FILE *f = fdopen(mkstemps(path, 4), "wb");
    const size_t border = 4;
    ck_assert_ptr_nonnull(f);
    fprintf(f, "P5\n%zu %zu\n255\n", (width + 2 * border) * SCALE, (height + 2 * border) * SCALE);
    for (size_t y = 0; y < (height + 2 * border) * SCALE; y++) {
        for (size_t x = 0; x < (width + 2 * border) * SCALE; x++) {
            const size_t column = x / SCALE - border, row = y / SCALE - border;
            const bool inside = column < width && row < height;
            fputc(inside ? image[row * width + column] : 255, f);
        }
    }
    ck_assert_int_eq(fclose(f), 0);
    snprintf(command, sizeof command, "zbarimg --quiet --raw -Sbinary %s 2>/dev/null", path);
    FILE *reader = popen(command, "r");
    ck_assert_ptr_nonnull(reader);
    ret[fread(ret, 1, READ_MAX - 1, reader)] = '\0';
    pclose(reader);
    unlink(path);
}

START_TEST(test_modules_scan)
{
    struct qr q;
    char got[READ_MAX];
    if (!has_zbar())
        return;
    ck_assert_int_eq(qr_create(&q, texts[_i]), MR_OK);
    uint8_t *image = malloc(q.width * q.width);
    ck_assert_ptr_nonnull(image);
    for (size_t i = 0; i < q.width * q.width; i++)
        image[i] = q.dark[i] ? 0 : 255;
    scan(got, image, q.width, q.width);
    ck_assert_str_eq(got, texts[_i]);
    free(image);
    qr_free(&q);
}
END_TEST

/* Draws half blocks or "##" into an image: what is drawn is light. Escape sequences are skipped. */
static void draw(uint8_t *image, size_t width, const char *text, bool ascii)
{
    size_t x = 0, y = 0;
    for (const char *at = text; *at != '\0';) {
        if (*at == '\033') {
            at += strcspn(at, "m") + 1;
            continue;
        }
        if (*at == '\n') {
            y += ascii ? 1 : 2;
            x = 0;
            at++;
            continue;
        }
        ck_assert_uint_lt(x, width);
        const bool full = strncmp(at, "\u2588", 3) == 0, upper = strncmp(at, "\u2580", 3) == 0;
        const bool lower = strncmp(at, "\u2584", 3) == 0, hash = strncmp(at, "##", 2) == 0;
        image[y * width + x] = full || upper || hash ? 255 : 0;
        image[(y + 1) * width + x] = full || lower ? 255 : 0;
        at += full || upper || lower ? 3 : ascii ? 2 : 1;
        x++;
    }
}

START_TEST(test_terminal_scan)
{
    struct qr q;
    char got[READ_MAX], *text = NULL;
    const bool color = (_i & 1) != 0, ascii = (_i & 2) != 0;
    if (!has_zbar() || (color && ascii)) /* that one is drawn by colours alone */
        return;
    ck_assert_int_eq(qr_create(&q, texts[1]), MR_OK);
    ck_assert_int_eq(qr_render(&text, &q, color, ascii), MR_OK);
    ck_assert_int_eq(strstr(text, "\033[") != NULL, color);
    const size_t width = q.width + 2 * QR_QUIET;
    uint8_t *image = calloc(width, width + 2);
    ck_assert_ptr_nonnull(image);
    draw(image, width, text, ascii);
    scan(got, image, width, width);
    ck_assert_str_eq(got, texts[1]);
    free(image);
    free(text);
    qr_free(&q);
}
END_TEST

START_TEST(test_ascii_is_ascii)
{
    struct qr q;
    char *text = NULL;
    ck_assert_int_eq(qr_create(&q, texts[0]), MR_OK);
    for (int color = 0; color < 2; color++) {
        ck_assert_int_eq(qr_render(&text, &q, color == 1, true), MR_OK);
        for (const char *c = text; *c != '\0'; c++)
            ck_assert_int_gt(*c, 0);
        free(text);
    }
    qr_free(&q);
}
END_TEST

START_TEST(test_svg)
{
    struct qr q;
    char *svg = NULL;
    size_t dark = 0, drawn = 0;
    ck_assert_int_eq(qr_create(&q, texts[0]), MR_OK);
    ck_assert_int_eq(qr_svg(&svg, &q), MR_OK);
    for (size_t i = 0; i < q.width * q.width; i++)
        dark += q.dark[i];
    for (const char *at = svg; (at = strstr(at, "h1v1h-1z")) != NULL; at++)
        drawn++;
    ck_assert_uint_eq(drawn, dark);
    ck_assert_int_eq(strncmp(svg, "<svg ", 5), 0);
    ck_assert_str_eq(svg + strlen(svg) - 7, "</svg>\n");
    free(svg);
    qr_free(&q);
}
END_TEST

START_TEST(test_bounds)
{
    struct qr q;
    char text[QR_TEXT_MAX + 2];
    memset(text, 'x', sizeof text);
    text[QR_TEXT_MAX + 1] = '\0';
    ck_assert_int_eq(qr_create(&q, text), MR_TOO_LARGE);
    text[QR_TEXT_MAX] = '\0';
    ck_assert_int_eq(qr_create(&q, text), MR_OK);
    qr_free(&q);
    qr_free(&q);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("qr");
    TCase *t = tcase_create("qr");
    tcase_set_timeout(t, 60);
    if (!has_zbar())
        fputs("zbarimg is missing: codes are not read back\n", stderr);
    tcase_add_loop_test(t, test_modules_scan, 0, (int)(sizeof texts / sizeof texts[0]));
    tcase_add_loop_test(t, test_terminal_scan, 0, 4);
    tcase_add_test(t, test_ascii_is_ascii);
    tcase_add_test(t, test_svg);
    tcase_add_test(t, test_bounds);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
