/** Assertions: for our own mistakes only, one condition each, on in every build. */
#ifndef MEREAU_ASSERT_H
#define MEREAU_ASSERT_H

#include <stdnoreturn.h>

noreturn void mr_assert_failed(const char *what, const char *file, int line);

#define mr_assert(condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            mr_assert_failed(#condition, __FILE__, __LINE__);                                      \
    } while (0)

/** A place that cannot be reached unless this program is wrong. */
#define mr_bug(text) mr_assert_failed((text), __FILE__, __LINE__)

#endif
