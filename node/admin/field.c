#include "admin/field.h"

#include <string.h>

#include "common/term.h"

enum { FIELD_MAX = 512 };

bool field_set(char *ret, uint32_t *ret_len, size_t max, const char *text)
{
    char clean[FIELD_MAX + 1];
    const size_t len = strlen(text);
    if (len > max || len > FIELD_MAX)
        return false;
    memcpy(clean, text, len + 1);
    text_clean(clean);
    if (strcmp(clean, text) != 0)
        return false;
    memcpy(ret, text, len + 1);
    *ret_len = (uint32_t)len;
    return true;
}
