/* Configuration text: refused with at least one error, or taken with every value in its bounds. */
#include "fuzz/fuzz.h"
#include "node/common/config.h"
#include "node/common/hostport.h"

struct settings {
    char name[16], directory[64], address[64];
    int64_t count, size, wait_ms;
    bool on;
};

static const struct config_row rows[] = {
    CONFIG_ROW(struct settings, name, "node", "name", CONFIG_TEXT, 1, 15, "node", "a name"),
    CONFIG_ROW(struct settings, directory, "node", "directory", CONFIG_PATH, 0, 63, "", "a path"),
    CONFIG_ROW(struct settings, address, "net", "address", CONFIG_ADDRESS, 1, 63, "localhost:7070",
               "an address"),
    CONFIG_ROW(struct settings, count, "net", "count", CONFIG_INT, -5, 100, "7", "a number"),
    CONFIG_ROW(struct settings, size, "store", "size", CONFIG_BYTES, 1, INT64_C(1) << 40, "1MiB",
               "a size"),
    CONFIG_ROW(struct settings, wait_ms, "store", "wait", CONFIG_DURATION, 0, 60000, "250ms",
               "a duration"),
    CONFIG_ROW(struct settings, on, "store", "on", CONFIG_BOOL, 0, 1, "yes", "a switch"),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void count_error(void *user, const char *file, unsigned line, const char *sentence)
{
    (void)file;
    (void)line;
    mr_assert(sentence[0] != '\0');
    ++*(int *)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct settings s;
    int errors = 0;
    config_defaults(&s, rows, ROWS);
    const enum mr_status st =
        config_parse(&s, rows, ROWS, "fuzz", (const char *)data, len, count_error, &errors);
    mr_assert(st == MR_OK || st == MR_CONFIG);
    mr_assert((st == MR_OK) == (errors == 0));
    mr_assert(strlen(s.name) >= 1);
    mr_assert(strlen(s.name) <= 15);
    mr_assert(memchr(s.directory, '\0', sizeof s.directory) != NULL);
    mr_assert(s.count >= -5);
    mr_assert(s.count <= 100);
    mr_assert(s.size >= 1);
    mr_assert(s.size <= INT64_C(1) << 40);
    mr_assert(s.wait_ms >= 0);
    mr_assert(s.wait_ms <= 60000);
    struct hostport at;
    mr_assert(hostport_parse(&at, s.address) == MR_OK);
    return 0;
}
