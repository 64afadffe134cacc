#include "mereau/assert.h"

#include <stdio.h>
#include <stdlib.h>

noreturn void mr_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr,
            "mereau: bug: %s (%s:%d). Nothing unacknowledged is half stored; "
            "please report this line.\n",
            what, file, line);
    abort();
}
