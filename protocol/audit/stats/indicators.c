/* The registry of indicators, and what its words are called. */
#include <string.h>

#include "audit/stats/stats.h"

static const struct mr_stats_indicator indicators[MR_STATS_IDS] = {
#define MR_INDICATOR(NAME, id, measure, row, column, scope, when, title, definition, source)       \
    {id,                                                                                           \
     MR_STATS_##measure,                                                                           \
     MR_STATS_AXIS_##row,                                                                          \
     MR_STATS_AXIS_##column,                                                                       \
     MR_STATS_##scope,                                                                             \
     MR_STATS_##when,                                                                              \
     title,                                                                                        \
     definition,                                                                                   \
     source},
#include "registry/indicators.def"
#undef MR_INDICATOR
};

const struct mr_stats_indicator *mr_stats_indicator(enum mr_stats_id id)
{
    return &indicators[id];
}

enum mr_stats_id mr_stats_indicator_find(const char *id)
{
    enum mr_stats_id i = 0;
    while (i < MR_STATS_IDS && strcmp(indicators[i].id, id) != 0)
        i++;
    return i;
}

const char *mr_stats_measure_text(enum mr_stats_measure m)
{
    static const char *const texts[] = {"minor", "count", "ratio", "per_year", "days", "date"};
    return texts[m];
}

const char *mr_stats_axis_text(enum mr_stats_axis a)
{
    static const char *const texts[] = {"",      "unit", "class", "association",
                                        "trade", "town", "number"};
    return texts[a];
}

const char *mr_stats_scope_text(enum mr_stats_scope s)
{
    static const char *const texts[] = {"none", "system", "system, office, fund", "all but shop",
                                        "all but resident"};
    return texts[s];
}

bool mr_stats_in_scope(enum mr_stats_scope s, uint32_t class)
{
    const bool member =
        class == MR_STATS_CLASS_UNKNOWN || (class >= MR_CLASS_RESIDENT && class <= MR_CLASS_FUND);
    switch (s) {
    case MR_STATS_ALL:
        return true;
    case MR_STATS_MEMBERS:
        return member;
    case MR_STATS_CIRCULATING:
        return member && class != MR_CLASS_OFFICE && class != MR_CLASS_FUND;
    case MR_STATS_SHOPS:
        return class == MR_CLASS_SHOP;
    case MR_STATS_PERSONS:
        return class == MR_CLASS_RESIDENT;
    }
    return false;
}
