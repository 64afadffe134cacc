#include "common/csv.h"

#include <string.h>

bool csv_is_formula(const char *text)
{
    const char *const sign = text + strspn(text, "'");
    return sign[0] != '\0' && sign[1] != '\0' && strchr("=+-@\t\r", sign[0]) != NULL;
}

const char *csv_meant(const char *text)
{
    return text[0] == '\'' && csv_is_formula(text) ? text + 1 : text;
}
