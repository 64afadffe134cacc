#include "common/i18n.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"

enum { LANG_MAX = 32 };

static char locale_dir[FILE_PATH_MAX] = MEREAU_LOCALEDIR;

/* "fr" of "fr_FR.UTF-8@euro"; false when it cannot be the name of a language. */
static bool language_of(char ret[LANG_MAX], const char *name)
{
    const size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz");
    if (len < 2 || len > 3 || strchr("_.@", name[len]) == NULL)
        return false;
    memcpy(ret, name, len);
    ret[len] = '\0';
    return true;
}

bool i18n_known(const char *lang)
{
    char language[LANG_MAX], rest[LANG_MAX + 32], path[FILE_PATH_MAX];
    if (!language_of(language, lang))
        return false;
    if (strcmp(language, "en") == 0)
        return true;
    snprintf(rest, sizeof rest, "%s/LC_MESSAGES/mereau.mo", language);
    return path_join(path, locale_dir, rest) == MR_OK && file_exists(path);
}

static void find_catalogues(void)
{
    char dir[FILE_PATH_MAX], beside[FILE_PATH_MAX];
    if (path_program_dir(dir) == MR_OK && path_join(beside, dir, "../share/locale") == MR_OK &&
        file_exists(beside))
        memcpy(locale_dir, beside, sizeof locale_dir);
}

static const char *environment_locale(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return "C";
}

/* As gettext chooses: LANGUAGE is a list and counts only when a locale is set. English has no
 * catalogue, so gettext itself would skip it in "en:fr". */
static void environment_language(char ret[LANG_MAX])
{
    const char *locale = environment_locale();
    const char *list = getenv("LANGUAGE");
    char language[LANG_MAX];
    memcpy(ret, "en", sizeof "en");
    if (strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        return;
    if (list == NULL || list[0] == '\0')
        list = locale;
    for (const char *at = list; *at != '\0'; at += strcspn(at, ":"), at += *at == ':') {
        char item[LANG_MAX];
        snprintf(item, sizeof item, "%.*s", (int)strcspn(at, ":"), at);
        if (language_of(language, item) && i18n_known(language)) {
            memcpy(ret, language, sizeof language);
            return;
        }
    }
}

/* Makes gettext look for catalogues at all: it does not in the locales "C" and "POSIX". */
static void set_messages(const char *language)
{
    if (strcmp(language, "en") == 0) {
        setlocale(LC_MESSAGES, "C");
        return;
    }
    const char *now = setlocale(LC_MESSAGES, "");
    if (now == NULL || strcmp(now, "C") == 0 || strcmp(now, "POSIX") == 0)
        setlocale(LC_MESSAGES, "C.UTF-8");
    setenv("LANGUAGE", language, 1);
}

static void set_characters(const char *language, bool asked)
{
    const char *now = setlocale(LC_CTYPE, "");
    const bool plain = now != NULL && (strcmp(now, "C") == 0 || strcmp(now, "POSIX") == 0);
    if (now == NULL || (plain && asked && strcmp(language, "en") != 0))
        setlocale(LC_CTYPE, "C.UTF-8");
}

static char reader[LANG_MAX] = "en";

void i18n_start(const char *lang)
{
    char language[LANG_MAX];
    find_catalogues();
    const bool asked = lang != NULL && i18n_known(lang) && language_of(language, lang);
    if (!asked)
        environment_language(language);
    snprintf(reader, sizeof reader, "%s", language);
    set_messages(language);
    set_characters(language, asked);
    bindtextdomain("mereau", locale_dir);
    textdomain("mereau");
}

const char *i18n_language(void)
{
    return reader;
}

char i18n_decimal_separator(void)
{
    /* TRANSLATORS: write this number as your language does; only the sign between its digits is
     * used, and it must be a comma or a point. */
    const char *number = _("1.5");
    return number[0] != '\0' && number[1] == ',' ? ',' : '.';
}

const char *status_sentence(enum mr_status st)
{
    return gettext(mr_status_text(st));
}
