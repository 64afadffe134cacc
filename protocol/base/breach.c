#include "mereau/assert.h"
#include "mereau/evidence.h"

const char *mr_breach_name(enum mr_breach b)
{
    switch (b) {
#define MR_BREACH(name, number, text)                                                              \
    case MR_BREACH_##name:                                                                         \
        return #name;
#include "registry/breaches.def"
#undef MR_BREACH
    }
    mr_bug("breach");
}

const char *mr_breach_text(enum mr_breach b)
{
    switch (b) {
#define MR_BREACH(name, number, text)                                                              \
    case MR_BREACH_##name:                                                                         \
        return text;
#include "registry/breaches.def"
#undef MR_BREACH
    }
    mr_bug("breach");
}
