/* Which language is spoken, for each way to ask for one. Each case is a process of its own. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/amount_text.h"
#include "common/i18n.h"

static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANG", "LANGUAGE"};

static const struct {
    const char *environment, *lang; /* "NAME=value NAME=value" */
    bool french;
} cases[] = {
    {"", NULL, false},
    {"LANG=C", NULL, false},
    {"LANG=fr_FR.UTF-8", NULL, true},
    {"LANG=fr_CA", NULL, true},
    {"LANG=fr", NULL, true},
    {"LANG=de_DE.UTF-8", NULL, false},
    {"LANG=fr_FR.UTF-8 LC_ALL=C", NULL, false},
    {"LANG=fr_FR.UTF-8 LC_MESSAGES=en_GB.UTF-8", NULL, false},
    {"LANG=en_GB.UTF-8 LC_MESSAGES=fr_FR.UTF-8", NULL, true},
    {"LANG=en_GB.UTF-8 LANGUAGE=fr", NULL, true},
    {"LANG=fr_FR.UTF-8 LANGUAGE=en:fr", NULL, false},
    {"LANG=fr_FR.UTF-8 LANGUAGE=de:fr_CA:en", NULL, true},
    {"LANGUAGE=fr", NULL, false},
    {"LC_ALL=C LANGUAGE=fr", NULL, false},
    {"", "fr", true},
    {"LC_ALL=C", "fr", true},
    {"LC_ALL=C.UTF-8 LANGUAGE=en", "fr", true},
    {"LANG=fr_FR.UTF-8", "en", false},
    {"LANG=fr_FR.UTF-8 LANGUAGE=fr", "en", false},
    {"LANG=fr_FR.UTF-8", "../../etc", true},
    {"LANG=../../x", "xx", false},
};

static void set_environment(const char *list)
{
    char text[256], *rest = NULL;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    strcpy(text, list);
    for (char *w = strtok_r(text, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(w, '=');
        *equals = '\0';
        setenv(w, equals + 1, 1);
    }
}

/* 0 English, 1 French, 2 something else. */
static int spoken(void)
{
    char amount[AMOUNT_PEOPLE_MAX];
    const char *sentence = status_sentence(MR_AMOUNT_ZERO);
    amount_text(amount, 1250, 2, "EUSK");
    if (strcmp(sentence, "the amount is zero") == 0 && strcmp(amount, "12.50 EUSK") == 0)
        return 0;
    if (strcmp(sentence, "le montant est nul") == 0 && strcmp(amount, "12,50 EUSK") == 0)
        return 1;
    fprintf(stderr, "%s; %s\n", sentence, amount);
    return 2;
}

START_TEST(test_language)
{
    int status = 0;
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        set_environment(cases[_i].environment);
        i18n_start(cases[_i].lang);
        _exit(spoken());
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), cases[_i].french);
}
END_TEST

/* The C library's numbers stay as they are; only our own printing knows the language. */
START_TEST(test_numbers_do_not_change)
{
    char text[32];
    set_environment("LC_ALL=fr_FR.UTF-8 LC_NUMERIC=fr_FR.UTF-8");
    i18n_start("fr");
    snprintf(text, sizeof text, "%.1f", 1.5);
    ck_assert_str_eq(text, "1.5");
    ck_assert(i18n_known("en"));
    ck_assert(i18n_known("fr"));
    ck_assert(i18n_known("fr_BE.UTF-8"));
    ck_assert(!i18n_known("de"));
    ck_assert(!i18n_known(""));
    ck_assert(!i18n_known("fr/../fr"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("i18n");
    TCase *t = tcase_create("i18n");
    tcase_add_loop_test(t, test_language, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(t, test_numbers_do_not_change);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
