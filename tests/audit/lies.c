#include "audit/lies.h"

#include <check.h>
#include <ctype.h>
#include <string.h>

#include "audit/finding_text.h"
#include "common/i18n.h"

const struct lie *lie_named(const struct lie *lies, const char *name)
{
    while (strcmp(lies->name, name) != 0)
        lies++;
    return lies;
}

const struct league_lie *league_lie_named(const struct league_lie *lies, const char *name)
{
    while (strcmp(lies->name, name) != 0)
        lies++;
    return lies;
}

/* Several words, one of them no number and no id. */
static bool is_a_sentence(const char *text)
{
    size_t letters = 0;
    bool word = false;
    for (const char *p = text; *p != '\0'; p++) {
        letters = islower((unsigned char)*p) && *p > 'f' ? letters + 1 : 0;
        word = word || letters >= 2;
    }
    return word && strchr(text, ' ') != NULL;
}

static void in_french(const char *text)
{
    char french[FINDING_TEXT_MAX];
    finding_text(french, text);
    ck_assert_msg(strcmp(french, text) != 0, "not in French: %s", text);
}

void lie_is_told_in_french(const struct mr_audit_finding *f)
{
    i18n_start("fr");
    if (is_a_sentence(f->what))
        in_french(f->what);
    if (is_a_sentence(f->expected))
        in_french(f->expected);
    if (is_a_sentence(f->found))
        in_french(f->found);
}
