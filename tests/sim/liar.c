#include "sim/sim.h"

#include <string.h>

void liar_make(struct sim *s, struct copy *c)
{
    (void)s;
    c->honest = false;
}

void liar_done(struct copy *c)
{
    (void)c;
}

size_t liar_reply(struct sim *s, struct copy *c, const struct copy *to, const uint8_t *bytes,
                  size_t len, uint8_t *ret)
{
    (void)s;
    (void)c;
    (void)to;
    memcpy(ret, bytes, len);
    return len;
}
