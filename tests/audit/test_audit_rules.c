/* Every rule that the auditor can report has a lie that gives exactly that finding. The rules are
 * taken from its sources: a new one without a lie fails here. */
#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lies.h"
#include "common/file.h"

enum { RULE_MAX = 8, RULES_MAX = 128, SOURCE_MAX = 1 << 20 };

/* What is no row of a book: bytes that cannot be read, receipts, what governance wrote. The test
 * named here expects that one finding. */
static const struct {
    const char *rule, *test;
} elsewhere[] = {
    {"JNL-6", "test_audit_program.c"}, {"RCP-1", "test_audit_nodes.c"},
    {"RCP-1a", "test_audit_epochs.c"}, {"RCP-4", "test_audit_witness.c"},
    {"EPO-10", "test_audit_epochs.c"},
};

static char rules[RULES_MAX][RULE_MAX];
static size_t rules_count;

static char *read_source(const char *dir, const char *name)
{
    char path[FILE_PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    snprintf(path, sizeof path, MEREAU_SOURCE_DIR "/%s/%s", dir, name);
    ck_assert_msg(file_read(&bytes, &len, path, SOURCE_MAX) == MR_OK, "%s", path);
    char *const text = calloc(1, len + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, bytes, len);
    free(bytes);
    return text;
}

/* Length of a rule's name in quotes: "LED-10", "INV-3a"; 0: it is something else. */
static size_t rule_at(const char *p)
{
    size_t n = 1;
    while (n <= 3 && isupper((unsigned char)p[n]))
        n++;
    if (n != 4 || p[n++] != '-' || !isdigit((unsigned char)p[n]))
        return 0;
    while (isdigit((unsigned char)p[n]))
        n++;
    n += p[n] >= 'a' && p[n] <= 'z';
    return p[n] == '"' && n - 1 < RULE_MAX ? n - 1 : 0;
}

static void note(const char *name, size_t len)
{
    for (size_t i = 0; i < rules_count; i++)
        if (strlen(rules[i]) == len && memcmp(rules[i], name, len) == 0)
            return;
    ck_assert_uint_lt(rules_count, RULES_MAX);
    memcpy(rules[rules_count], name, len);
    rules[rules_count++][len] = '\0';
}

static void collect(const char *dir, const char *name)
{
    char *const text = read_source(dir, name);
    for (const char *p = text; (p = strchr(p, '"')) != NULL; p++) {
        const size_t n = rule_at(p);
        if (n > 0)
            note(p + 1, n);
    }
    free(text);
}

static void collect_all(void)
{
    DIR *const dir = opendir(MEREAU_SOURCE_DIR "/protocol/audit");
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        const size_t n = strlen(e->d_name);
        if (n > 2 && strcmp(e->d_name + n - 2, ".c") == 0)
            collect("protocol/audit", e->d_name);
    }
    closedir(dir);
    collect("node/audit", "report.c");
}

static bool is_told(const char *rule)
{
    const struct lie *const lies[] = {lies_of_orders, lies_of_recovery, lies_of_log, lies_of_sums};
    const struct league_lie *const league[] = {lies_of_league, lies_of_turn, lies_of_joiner,
                                               lies_of_away};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        for (const struct lie *l = lies[i]; l->name != NULL; l++)
            if (strcmp(l->rule, rule) == 0)
                return true;
    for (size_t i = 0; i < sizeof league / sizeof *league; i++)
        for (const struct league_lie *l = league[i]; l->name != NULL; l++)
            if (strcmp(l->rule, rule) == 0)
                return true;
    for (const struct own_lie *l = lies_of_auditor; l->name != NULL; l++)
        if (strcmp(l->rule, rule) == 0)
            return true;
    return false;
}

static bool is_elsewhere(const char *rule)
{
    char quoted[RULE_MAX + 2];
    snprintf(quoted, sizeof quoted, "\"%s\"", rule);
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        if (strcmp(elsewhere[i].rule, rule) != 0)
            continue;
        char *const text = read_source("tests/audit", elsewhere[i].test);
        const bool there = strstr(text, quoted) != NULL;
        free(text);
        return there;
    }
    return false;
}

START_TEST(every_rule_has_a_lie)
{
    size_t without = 0;
    collect_all();
    ck_assert_uint_gt(rules_count, 40);
    for (size_t i = 0; i < rules_count; i++) {
        if (is_told(rules[i]) || is_elsewhere(rules[i]))
            continue;
        fprintf(stderr, "no lie gives %s\n", rules[i]);
        without++;
    }
    ck_assert_uint_eq(without, 0);
}
END_TEST

int main(void)
{
    TCase *const tc = tcase_create("rules");
    tcase_add_test(tc, every_rule_has_a_lie);
    Suite *const s = suite_create("audit rules");
    suite_add_tcase(s, tc);
    SRunner *const runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
