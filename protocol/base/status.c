#include "mereau/status.h"

#include <stddef.h>

static const struct row {
    enum mr_status st;
    const char *name, *text;
    enum mr_fault fault;
    bool retry;
} rows[] = {
#define MR_STATUS(name, number, fault, retry, text)                                                \
    {MR_##name, #name, text, MR_FAULT_##fault, retry},
#include "registry/status.def"
#undef MR_STATUS
};

static const struct row *find(enum mr_status st)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].st == st)
            return &rows[i];
    return find(MR_UNKNOWN_STATUS);
}

const char *mr_status_name(enum mr_status st)
{
    return find(st)->name;
}

const char *mr_status_text(enum mr_status st)
{
    return find(st)->text;
}

enum mr_fault mr_status_fault(enum mr_status st)
{
    return find(st)->fault;
}

bool mr_status_retry(enum mr_status st)
{
    return find(st)->retry;
}

enum mr_status mr_status_from_number(unsigned number)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((unsigned)rows[i].st == number)
            return rows[i].st;
    return MR_UNKNOWN_STATUS;
}
