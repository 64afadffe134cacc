#include "audit/lies.h"

#include <string.h>

const struct lie *lie_named(const struct lie *lies, const char *name)
{
    while (strcmp(lies->name, name) != 0)
        lies++;
    return lies;
}

const struct league_lie *league_lie_named(const char *name)
{
    const struct league_lie *lie = lies_of_league;
    while (strcmp(lie->name, name) != 0)
        lie++;
    return lie;
}
