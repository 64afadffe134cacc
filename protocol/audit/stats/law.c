/* The thermometer of the law: sums up to a few days of each period, and where they lead. */
#include "audit/stats/stats.h"
#include "mereau/time.h"

enum { TREND_DAYS = 90, FORECAST_DAYS = 3653, THRESHOLD_EUROS = 1000000 };

struct mark {
    uint64_t day; /* up to its beginning */
    int64_t paid, outstanding;
};

/* The same date a year before. */
static uint32_t year_before(uint32_t day)
{
    struct mr_civil c = mr_civil_of(day);
    if (c.year <= 1970)
        return 0;
    c.year--;
    if (c.month == 2 && c.day == 29)
        c.day = 28;
    return mr_day_from_civil(c);
}

static uint32_t back(uint32_t day, uint32_t days)
{
    return day > days ? day - days : 0;
}

/* The four marks of a period: behind its last day, ninety days before, and a year before each. */
static void set_marks(struct mark m[4], uint32_t behind)
{
    m[0].day = behind;
    m[1].day = back(behind, TREND_DAYS);
    m[2].day = year_before(behind);
    m[3].day = year_before(back(behind, TREND_DAYS));
}

/* Marks of ascending periods: each of the four kinds ascends, so four hands walk the rows. */
static void fill(const struct mr_stats *s, struct mark *marks, uint32_t hand)
{
    int64_t paid = 0, outstanding = 0;
    size_t i = 0;
    for (uint32_t p = 0; p < s->count; p++) {
        struct mark *const m = &marks[(size_t)p * 4 + hand];
        for (; i < s->t.rows && s->t.time_ms[i] < m->day * MR_DAY_MS; i++) {
            const uint8_t kind = s->t.kind[i];
            if (s->t.unit[i] != LOCAL)
                continue;
            if (kind == MR_STATS_PAY && (s->is[s->t.from[i]] & IS_MEMBER) != 0)
                paid += s->t.amount[i];
            if ((s->is[s->t.from[i]] & IS_ISSUER) != 0)
                outstanding += s->t.amount[i];
            if ((s->is[s->t.to[i]] & IS_ISSUER) != 0)
                outstanding -= s->t.amount[i];
        }
        m->paid = paid;
        m->outstanding = outstanding;
    }
}

static wide threshold(const struct mr_stats *s)
{
    wide t = THRESHOLD_EUROS;
    for (uint32_t i = 0; s->t.units_count > 0 && i < s->t.units[LOCAL].decimals; i++)
        t *= 10;
    return t;
}

/* Where a level leads that grew by `growth` in the last ninety days. */
struct trend {
    uint32_t day;
    bool young; /* there are no rows of ninety days */
    wide level, growth, limit;
};

static void tell_date(struct mri_stats_list *l, enum mr_stats_id id, uint32_t period,
                      const struct trend *t)
{
    const wide left = t->limit - t->level;
    if (left <= 0) {
        mri_stats_add(l, id, period, t->day, 1);
        return;
    }
    if (t->growth <= 0 || t->young) {
        mri_stats_none(l, id, period, t->growth <= 0 ? MR_STATS_EMPTY : MR_STATS_YOUNG);
        return;
    }
    const wide days = (left * TREND_DAYS + t->growth - 1) / t->growth;
    if (days > FORECAST_DAYS)
        mri_stats_none(l, id, period, MR_STATS_FAR);
    else
        mri_stats_add(l, id, period, t->day + days, 1);
}

static void tell(const struct mr_stats *s, struct mri_stats_list *l, uint32_t period,
                 const struct mark m[4])
{
    const wide limit = threshold(s), paid = (wide)m[0].paid - m[2].paid;
    struct trend t = {.day = s->periods[period].to_day,
                      .young = s->t.rows == 0 || mr_day_of(s->t.time_ms[0]) > m[1].day,
                      .level = paid,
                      .growth = paid - ((wide)m[1].paid - m[3].paid),
                      .limit = limit};
    mri_stats_add(l, MR_STATS_LAW_PAID, period, paid, 1);
    mri_stats_add(l, MR_STATS_LAW_PAID_SHARE, period, paid, limit);
    tell_date(l, MR_STATS_LAW_PAID_DATE, period, &t);
    mri_stats_add(l, MR_STATS_LAW_MASS_SHARE, period, m[0].outstanding, limit);
    t.level = m[0].outstanding;
    t.growth = (wide)m[0].outstanding - m[1].outstanding;
    tell_date(l, MR_STATS_LAW_MASS_DATE, period, &t);
}

enum mr_status mri_stats_law_job(struct mr_stats *s, struct mri_stats_list *l)
{
    if (!mri_stats_wants(s, MR_STATS_LAW_PAID, MR_STATS_LAW_MASS_DATE))
        return MR_OK;
    struct mark *const marks = mri_stats_room(&s->mem, (size_t)s->count * 4, sizeof *marks);
    if (marks == NULL)
        return MR_NO_MEMORY;
    for (uint32_t p = 0; p < s->count; p++)
        set_marks(&marks[(size_t)p * 4], s->periods[p].to_day + 1);
    for (uint32_t hand = 0; hand < 4; hand++)
        fill(s, marks, hand);
    for (uint32_t p = 0; p < s->count; p++)
        tell(s, l, p, &marks[(size_t)p * 4]);
    tell(s, l, s->count, &marks[(size_t)(s->count - 1) * 4]);
    mri_stats_free(&s->mem, marks);
    return MR_OK;
}
