/* Log lines: shape, escaping, levels, bounds, and that one event cannot flood. */
#include <check.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

enum { READ_MAX = 65536 };

static int fd;
static char lines[READ_MAX];

static void setup(void)
{
    char path[] = "/tmp/mereau-log-XXXXXX";
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    log_set_fd(fd);
    log_set_level(LOG_LEVEL_INFO);
}

static void teardown(void)
{
    log_set_fd(2);
    close(fd);
}

static const char *written(void)
{
    const ssize_t n = pread(fd, lines, sizeof lines - 1, 0);
    ck_assert_int_ge(n, 0);
    lines[n] = '\0';
    return lines;
}

static void expect(const char *pattern)
{
    regex_t re;
    ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_msg(regexec(&re, written(), 0, NULL, 0) == 0, "%s", lines);
    regfree(&re);
}

#define TIME "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "

START_TEST(test_shape)
{
    static const uint8_t id[] = {0x00, 0xab, 0xff};
    errno = EBADF;
    log_event(LOG_LEVEL_INFO, "listening",
              log_with(log_text("address", "[::]:7421"), log_int("change", -3),
                       log_uint("big", UINT64_MAX), log_hex("id", id, sizeof id)));
    ck_assert_int_eq(errno, EBADF);
    expect(TIME "info listening address=\\[::\\]:7421 change=-3 big=18446744073709551615 "
                "id=00abff\n$");
}
END_TEST

START_TEST(test_no_fields)
{
    log_event(LOG_LEVEL_ERROR, "stopping", NULL);
    expect(TIME "error stopping\n$");
}
END_TEST

static const struct {
    const char *value, *shown;
} values[] = {
    {"plain", "plain"},
    {"", "\"\""},
    {"two words", "\"two words\""},
    {"a=b", "\"a=b\""},
    {"say \"no\" \\", "\"say \\\"no\\\" \\\\\""},
    {"line\nforged info line", "\"line\\nforged info line\""},
    {"\033[2J\x7f", "\"\\x1b[2J\\x7f\""},
    {"\xc3\xa9t\xc3\xa9", "\"\\xc3\\xa9t\\xc3\\xa9\""},
    {NULL, "\"\""},
};

START_TEST(test_value)
{
    log_event(LOG_LEVEL_WARN, "value", log_with(log_text("v", values[_i].value)));
    const char *at = strstr(written(), " warn value v=");
    ck_assert_ptr_nonnull(at);
    at += strlen(" warn value v=");
    const size_t len = strlen(values[_i].shown);
    ck_assert_msg(strncmp(at, values[_i].shown, len) == 0 && strcmp(at + len, "\n") == 0, "%s", at);
}
END_TEST

START_TEST(test_levels)
{
    enum log_level level = LOG_LEVEL_INFO;
    log_event(LOG_LEVEL_DEBUG, "hidden", NULL);
    ck_assert_str_eq(written(), "");
    ck_assert(log_level_parse(&level, "debug"));
    log_set_level(level);
    log_event(LOG_LEVEL_DEBUG, "shown", NULL);
    ck_assert_ptr_nonnull(strstr(written(), " debug shown\n"));
    log_set_level(LOG_LEVEL_ERROR);
    log_event(LOG_LEVEL_WARN, "hidden", NULL);
    ck_assert_ptr_null(strstr(written(), "hidden"));
    ck_assert(!log_level_parse(&level, "loud"));
    ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
}
END_TEST

START_TEST(test_long_line_is_cut)
{
    char text[2 * LOG_LINE_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_event(LOG_LEVEL_INFO, "long", log_with(log_text("text", text), log_int("after", 1)));
    const size_t len = strlen(written());
    ck_assert_uint_le(len, LOG_LINE_MAX);
    ck_assert_str_eq(lines + len - 9, " cut=yes\n");
    ck_assert_ptr_null(strstr(lines, "after"));
    log_event(LOG_LEVEL_INFO, "next", NULL);
    ck_assert_ptr_nonnull(strstr(written(), "info next\n"));
}
END_TEST

static unsigned count(const char *word)
{
    unsigned n = 0;
    for (const char *at = written(); (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

/* LOG_RATE lines pass in each second that is touched; the rest is counted. */
START_TEST(test_rate)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &before);
    for (int i = 0; i < 1000; i++)
        log_event(LOG_LEVEL_WARN, "flood", log_with(log_int("i", i)));
    clock_gettime(CLOCK_MONOTONIC_COARSE, &after);
    ck_assert_uint_ge(count(" flood"), LOG_RATE);
    ck_assert_uint_le(count(" flood"), (unsigned)(after.tv_sec - before.tv_sec + 1) * LOG_RATE);
    log_event(LOG_LEVEL_WARN, "other", NULL);
    ck_assert_uint_eq(count(" other"), 1);
    for (unsigned now = count(" flood"); count(" flood") == now;)
        log_event(LOG_LEVEL_WARN, "flood", NULL);
    ck_assert_ptr_nonnull(strstr(lines, " flood suppressed="));
}
END_TEST

START_TEST(test_more_events_than_places)
{
    static char names[LOG_EVENTS_MAX + 10][16];
    for (size_t i = 0; i < LOG_EVENTS_MAX + 10; i++) {
        snprintf(names[i], sizeof names[i], "event_%zu_", i);
        log_event(LOG_LEVEL_INFO, names[i], NULL);
    }
    ck_assert_uint_eq(count("event_"), LOG_EVENTS_MAX + 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_shape);
    tcase_add_test(t, test_no_fields);
    tcase_add_loop_test(t, test_value, 0, (int)(sizeof values / sizeof values[0]));
    tcase_add_test(t, test_levels);
    tcase_add_test(t, test_long_line_is_cut);
    tcase_add_test(t, test_rate);
    tcase_add_test(t, test_more_events_than_places);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
