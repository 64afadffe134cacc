/** Ending what waits for nodes when a signal came. Apart from link.h, since <signal.h> declares
 * words that others use. */
#ifndef MEREAU_COMMON_LINK_STOP_H
#define MEREAU_COMMON_LINK_STOP_H

#include <signal.h>

/** All links of this process, once *flag is not 0: a call that waits or begins then has 0.7 s left,
 *  whatever its time-out. For programs whose links are of one thread. `flag` is borrowed for good.
 */
void link_stop_on(const volatile sig_atomic_t *flag);

#endif
