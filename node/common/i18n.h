/** Languages: gettext, one domain ("mereau"), for LC_MESSAGES and LC_CTYPE only.
 *
 *  Numbers, dates and JSON never depend on the C library's locale. Catalogues are looked for beside
 *  the program (../share/locale), which holds in the build tree and where it is installed. */
#ifndef MEREAU_COMMON_I18N_H
#define MEREAU_COMMON_I18N_H

#include <libintl.h>
#include <stdbool.h>

#include "mereau/status.h"

#define _(text)  gettext(text)
#define N_(text) text

/** Once, at the start of main, before any thread. `lang` ("fr", "en") overrides the environment;
 *  NULL: LC_ALL, LC_MESSAGES, LANG as usual. A language whose locale is not installed still works.
 */
void i18n_start(const char *lang);

/** Whether there are translations for this language ("en" always). */
bool i18n_known(const char *lang);

/** The reader's language, as i18n_start found it: "en", "fr". Static storage. */
const char *i18n_language(void);

/** The sign between whole and decimals in the reader's language: '.' or ','. */
char i18n_decimal_separator(void);

/** One sentence about a status in the reader's language. Static storage. */
const char *status_sentence(enum mr_status st);

#endif
