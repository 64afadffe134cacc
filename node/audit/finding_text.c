#include "audit/finding_text.h"

#include <stdio.h>
#include <string.h>

#include "common/i18n.h"

/* Texts with something in them: %u stands for digits, %s for anything. What is in them keeps its
 * order in translations. The first that fits counts. */
static const char *const forms[] = {
    N_("START of node %u"),
    N_("no contradiction in the log of node %u"),
    N_("a leaf of node %u, which sealed its log"),
    N_("a node of epoch %u"),
    N_("a signature by key %u, %s"),
    N_("used before, at %u of the treasury"),
    /* TRANSLATORS: "node 4 voted for two values in one ballot of a slot: leaves 1 and 2" */
    N_("node %u %s: leaves %u and %u"),
    N_("node %u %s: sizes %u and %u"),
    N_("node %u at %u"),
    N_("node %u, epoch %u"),
    N_("node %u, root %s"),
    N_("node %u, %u"),
    N_("node %u"),
    N_("epoch %u"),
    N_("sealed at %u"),
    N_("root %s"),
    N_("%u or above"),
    N_("%s of node %u"),
    /* TRANSLATORS: account, unit, change */
    N_("%s unit %u %s"),
};

/* Texts that reach a finding by a variable, where xgettext does not see them. */
__attribute__((used)) static const char *const others[] = {
    N_("ACK"),
    N_("UNLOCK"),
    N_("FINAL of a peer"),
    N_("a frozen account"),
    N_("an account without a chain"),
    N_("an order for the slot"),
    N_("body kind"),
    N_("entry kind"),
    N_("leaf kind"),
    N_("order kind"),
    N_("purpose"),
    N_("trigger"),
    N_("no NEXT"),
    N_("no NEXT that waits"),
    N_("number of governance's signatures"),
    N_("number of signatures"),
    N_("of this epoch, behind SEAL"),
    N_("one without a chain"),
    N_("returned before"),
    N_("sealed"),
    N_("signature of governance"),
    N_("signature of the owner"),
    N_("two different orders for the slot"),
};

enum { PARTS_MAX = 4 };

struct part {
    const char *at;
    size_t len;
};

/* Length of what stands for a placeholder: up to where the text behind it begins. */
static size_t part_length(const char *text, char kind, const char *behind)
{
    const size_t literal = strcspn(behind, "%");
    if (kind == 'u')
        return strspn(text, "0123456789");
    if (*behind == '\0')
        return strlen(text);
    for (const char *p = text; *p != '\0'; p++) {
        if (strncmp(p, behind, literal) == 0)
            return (size_t)(p - text);
    }
    return 0;
}

static bool fits(struct part parts[PARTS_MAX], const char *form, const char *text)
{
    for (size_t n = 0; *form != '\0';) {
        if (*form != '%') {
            if (*form++ != *text++)
                return false;
            continue;
        }
        parts[n].at = text;
        parts[n].len = part_length(text, form[1], form + 2);
        if (parts[n].len == 0)
            return false;
        text += parts[n++].len;
        form += 2;
    }
    return *text == '\0';
}

/* A part may be a text by itself: what a node did. */
static const char *part_text(char ret[MR_AUDIT_TEXT_MAX], const struct part *p)
{
    snprintf(ret, MR_AUDIT_TEXT_MAX, "%.*s", (int)p->len, p->at);
    return gettext(ret);
}

static void fill(char *ret, const char *form, const struct part *parts)
{
    char text[MR_AUDIT_TEXT_MAX];
    size_t n = 0, used = 0;
    while (*form != '\0' && used + 1 < FINDING_TEXT_MAX) {
        const bool part = *form == '%' && n < PARTS_MAX;
        const int len =
            part ? snprintf(ret + used, FINDING_TEXT_MAX - used, "%s", part_text(text, &parts[n++]))
                 : snprintf(ret + used, FINDING_TEXT_MAX - used, "%c", *form);
        used += (size_t)len;
        form += part ? 2 : 1;
    }
}

void finding_text(char *ret, const char *text)
{
    struct part parts[PARTS_MAX];
    snprintf(ret, FINDING_TEXT_MAX, "%s", *text == '\0' ? "" : gettext(text));
    if (strcmp(ret, text) != 0)
        return;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (fits(parts, forms[i], text)) {
            fill(ret, gettext(forms[i]), parts);
            return;
        }
    }
}
