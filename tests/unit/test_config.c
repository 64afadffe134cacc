/* Configuration: every kind of value, every kind of mistake, each with its line. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config.h"
#include "common/i18n.h"

struct settings {
    char name[16], listen[64], dir[64];
    int64_t workers, map, wait;
    bool loud;
};

static const struct config_row rows[] = {
    CONFIG_ROW(struct settings, name, "node", "name", CONFIG_TEXT, 0, 15, "", "a name"),
    CONFIG_ROW(struct settings, dir, "node", "dir", CONFIG_PATH, 1, 63, "/var/lib/x", "a path"),
    CONFIG_ROW(struct settings, workers, "node", "workers", CONFIG_INT, 1, 64, "2", "threads"),
    CONFIG_ROW(struct settings, listen, "wallets", "listen", CONFIG_ADDRESS, 0, 63, "[::]:7421",
               "where wallets connect"),
    CONFIG_ROW(struct settings, wait, "wallets", "wait", CONFIG_DURATION, 10, 86400000, "30s",
               "how long"),
    CONFIG_ROW(struct settings, map, "store", "map-size", CONFIG_BYTES, 1 << 20, INT64_C(1) << 40,
               "64MiB", "first size"),
    CONFIG_ROW(struct settings, loud, "store", "loud", CONFIG_BOOL, 0, 0, "no", "say more"),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static char errors[8192];
static unsigned error_count;

static void note_error(void *user, const char *file, unsigned line, const char *sentence)
{
    const size_t len = strlen(errors);
    ck_assert_ptr_eq(user, errors);
    error_count++;
    snprintf(errors + len, sizeof errors - len, "%s:%u: %s\n", file, line, sentence);
}

static enum mr_status parse_bytes(struct settings *ret, const char *text, size_t len)
{
    errors[0] = '\0';
    error_count = 0;
    memset(ret, 0, sizeof *ret);
    config_defaults(ret, rows, ROWS);
    return config_parse(ret, rows, ROWS, "f", text, len, note_error, errors);
}

static enum mr_status parse(struct settings *ret, const char *text)
{
    return parse_bytes(ret, text, strlen(text));
}

START_TEST(test_defaults)
{
    struct settings s;
    ck_assert_int_eq(parse(&s, ""), MR_OK);
    ck_assert_str_eq(s.name, "");
    ck_assert_str_eq(s.dir, "/var/lib/x");
    ck_assert_str_eq(s.listen, "[::]:7421");
    ck_assert_int_eq(s.workers, 2);
    ck_assert_int_eq(s.wait, 30000);
    ck_assert_int_eq(s.map, 64 << 20);
    ck_assert(!s.loud);
}
END_TEST

START_TEST(test_all_kinds)
{
    struct settings s;
    ck_assert_int_eq(parse(&s, "\xef\xbb\xbf# first\n"
                               "[node]\n"
                               "  name = Lyon = 2 \t # behind\n"
                               "dir=/srv/a#b\r\n"
                               "\n"
                               "workers = 64\n"
                               "; other kind of comment\n"
                               "[wallets] # here too\n"
                               "listen = 127.0.0.1:0\n"
                               "wait = 250ms\n"
                               "[store]\n"
                               "map-size = 1 GiB\n"
                               "loud = yes"),
                     MR_OK);
    ck_assert_str_eq(errors, "");
    ck_assert_str_eq(s.name, "Lyon = 2");
    ck_assert_str_eq(s.dir, "/srv/a#b");
    ck_assert_int_eq(s.workers, 64);
    ck_assert_str_eq(s.listen, "127.0.0.1:0");
    ck_assert_int_eq(s.wait, 250);
    ck_assert_int_eq(s.map, 1 << 30);
    ck_assert(s.loud);
}
END_TEST

static const struct {
    const char *text;
    int64_t wait, map;
} values[] = {
    {"[wallets]\nwait = 10ms", 10, 64 << 20},
    {"[wallets]\nwait = 2min", 120000, 64 << 20},
    {"[wallets]\nwait = 24h", 86400000, 64 << 20},
    {"[wallets]\nwait = 1d", 86400000, 64 << 20},
    {"[store]\nmap-size = 1048576B", 30000, 1 << 20},
    {"[store]\nmap-size = 1024KiB", 30000, 1 << 20},
    {"[store]\nmap-size = 1024GiB", 30000, INT64_C(1) << 40},
};

START_TEST(test_value)
{
    struct settings s;
    ck_assert_int_eq(parse(&s, values[_i].text), MR_OK);
    ck_assert_int_eq(s.wait, values[_i].wait);
    ck_assert_int_eq(s.map, values[_i].map);
}
END_TEST

static const struct {
    const char *text, *error;
} mistakes[] = {
    {"[node]\nworkers = 0", "f:2: \"0\" is out of range: workers goes from 1 to 64\n"},
    {"[node]\nworkers = 65", "f:2: \"65\" is out of range: workers goes from 1 to 64\n"},
    {"[node]\nworkers = two", "f:2: \"two\" is not a whole number\n"},
    {"[node]\nworkers =", "f:2: \"\" is not a whole number\n"},
    {"[node]\nworkers = 99999999999999999999999",
     "f:2: \"99999999999999999999999\" is out of range: workers goes from 1 to 64\n"},
    {"[wallets]\nwait = 5", "f:2: \"5\" needs a whole number and a unit: ms, s, min, h or d\n"},
    {"[wallets]\nwait = 1.5s",
     "f:2: \"1.5s\" needs a whole number and a unit: ms, s, min, h or d\n"},
    {"[wallets]\nwait = -5s", "f:2: \"-5s\" needs a whole number and a unit: ms, s, min, h or d\n"},
    {"[wallets]\nwait = 2d", "f:2: \"2d\" is out of range: wait goes from 10ms to 1d\n"},
    {"[wallets]\nwait = 9223372036854775807d",
     "f:2: \"9223372036854775807d\" is out of range: wait goes from 10ms to 1d\n"},
    {"[store]\nmap-size = 64", "f:2: \"64\" needs a whole number and a unit: B, KiB, MiB or GiB\n"},
    {"[store]\nmap-size = 64MB",
     "f:2: \"64MB\" needs a whole number and a unit: B, KiB, MiB or GiB\n"},
    {"[store]\nmap-size = 1KiB",
     "f:2: \"1KiB\" is out of range: map-size goes from 1MiB to 1024GiB\n"},
    {"[store]\nloud = maybe", "f:2: \"maybe\" is neither yes nor no\n"},
    {"[node]\nname = 0123456789abcdef",
     "f:2: name has 0 to 15 bytes, \"0123456789abcdef\" has 16\n"},
    {"[node]\ndir =", "f:2: dir has 1 to 63 bytes, \"\" has 0\n"},
    {"[node]\nname = \"x\"", "f:2: name is written without quotes\n"},
    {"[wallets]\nlisten = localhost",
     "f:2: \"localhost\" is not an address: write host:port or [v6 address]:port\n"},
    {"[wallets]\nlisten = a:70000",
     "f:2: \"a:70000\" is not an address: write host:port or [v6 address]:port\n"},
    {"[node]\nworker = 3",
     "f:2: there is no setting \"worker\" in [node]; did you mean \"workers\"?\n"},
    {"[node]\nzzzzzzz = 3", "f:2: there is no setting \"zzzzzzz\" in [node]\n"},
    {"[node]\nloud = yes", "f:2: \"loud\" belongs to section [store], not [node]\n"},
    {"[nodes]\nname = 3", "f:2: there is no section [nodes]; did you mean [node]?\n"},
    {"[quarrel]\nname = 3", "f:2: there is no section [quarrel]\n"},
    {"name = 3", "f:1: a setting stands in front of the first [section]\n"},
    {"[node]\nname = a\nname = b", "f:3: \"name\" was set before, in line 2\n"},
    {"[node]\nname", "f:2: \"name\" is not of the form key = value\n"},
    {"[node]\nname: a", "f:2: \"name: a\" is not of the form key = value\n"},
    {"[node]\nname = a\n  more", "f:3: \"more\" is not of the form key = value\n"},
    {"[node]\n= a", "f:2: \"= a\" is not of the form key = value\n"},
    {"[node\nname = a",
     "f:1: a section is written [name], alone in its line\nf:2: a setting stands "
     "in front of the first [section]\n"},
    {"[node] x", "f:1: a section is written [name], alone in its line\n"},
    {"[]", "f:1: a section is written [name], alone in its line\n"},
    {"[node]\nname = a\033[2Jb", "f:2: the line has control characters\n"},
    {"[node]\nworkers = x\n\nname = \"\n[store]\nlod = 1",
     "f:2: \"x\" is not a whole number\nf:4: name is written without quotes\nf:6: there is no "
     "setting \"lod\" in [store]; did you mean \"loud\"?\n"},
};

START_TEST(test_mistake)
{
    struct settings s, untouched;
    ck_assert_int_eq(parse(&untouched, ""), MR_OK);
    ck_assert_int_eq(parse(&s, mistakes[_i].text), MR_CONFIG);
    ck_assert_str_eq(errors, mistakes[_i].error);
    /* A wrong setting keeps its value; only "set twice" has a good first one. */
    if (strstr(mistakes[_i].text, "name = a\n") == NULL)
        ck_assert_mem_eq(&s, &untouched, sizeof s);
}
END_TEST

START_TEST(test_long_and_many)
{
    struct settings s;
    char text[4096] = "[node]\nname = ";
    memset(text + strlen(text), 'x', 300);
    ck_assert_int_eq(parse(&s, text), MR_CONFIG);
    ck_assert_str_eq(errors, "f:2: the line is longer than 190 bytes\n");
    ck_assert_int_eq(parse_bytes(&s, "[node]\nname = a\0b", 17), MR_CONFIG);
    ck_assert_str_eq(errors, "f:2: the line has control characters\n");
    text[0] = '\0';
    for (int i = 0; i < 200; i++)
        strcat(text, "bad\n");
    ck_assert_int_eq(parse(&s, text), MR_CONFIG);
    ck_assert_uint_eq(error_count, CONFIG_ERRORS_MAX);
}
END_TEST

START_TEST(test_example_is_the_defaults)
{
    struct settings from_example, defaults;
    char *text = NULL, *list = NULL;
    size_t len = 0, list_len = 0;
    FILE *f = open_memstream(&text, &len);
    config_example(f, rows, ROWS);
    fclose(f);
    ck_assert_int_eq(parse(&defaults, ""), MR_OK);
    ck_assert_int_eq(parse(&from_example, text), MR_OK);
    ck_assert_mem_eq(&from_example, &defaults, sizeof defaults);
    ck_assert_ptr_nonnull(strstr(text, "# how long (10ms - 1d)\nwait = 30s\n"));
    ck_assert_ptr_nonnull(strstr(text, "#name =\n"));
    f = open_memstream(&list, &list_len);
    config_list(f, &defaults, rows, ROWS);
    fclose(f);
    ck_assert_str_eq(list, "node.name = \nnode.dir = /var/lib/x\nnode.workers = 2\n"
                           "wallets.listen = [::]:7421\nwallets.wait = 30s\n"
                           "store.map-size = 64MiB\nstore.loud = no\n");
    free(text);
    free(list);
}
END_TEST

START_TEST(test_set_and_read)
{
    struct settings s;
    char path[] = "/tmp/mereau-config-XXXXXX";
    ck_assert_int_eq(parse(&s, ""), MR_OK);
    ck_assert_int_eq(config_set(&s, rows, ROWS, "node", "workers", "9", note_error, errors), MR_OK);
    ck_assert_int_eq(s.workers, 9);
    ck_assert_int_eq(config_set(&s, rows, ROWS, "node", "workers", "99", note_error, errors),
                     MR_CONFIG);
    ck_assert_ptr_nonnull(strstr(errors, "--node-workers:0: \"99\" is out of range"));
    ck_assert_int_eq(config_set(&s, rows, ROWS, "node", "name", "a\nb", note_error, errors),
                     MR_CONFIG);
    ck_assert_int_eq(s.workers, 9);
    const int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "[node]\nworkers = 5\n", 19), 19);
    close(fd);
    ck_assert_int_eq(config_read(&s, rows, ROWS, path, note_error, errors), MR_OK);
    ck_assert_int_eq(s.workers, 5);
    unlink(path);
    errors[0] = '\0';
    ck_assert_int_eq(config_read(&s, rows, ROWS, "/nonexistent", note_error, errors), MR_CONFIG);
    ck_assert_str_eq(errors, "/nonexistent:0: the file does not exist\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    tcase_add_test(t, test_defaults);
    tcase_add_test(t, test_all_kinds);
    tcase_add_loop_test(t, test_value, 0, (int)(sizeof values / sizeof values[0]));
    tcase_add_loop_test(t, test_mistake, 0, (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_test(t, test_long_and_many);
    tcase_add_test(t, test_example_is_the_defaults);
    tcase_add_test(t, test_set_and_read);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
