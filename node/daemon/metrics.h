/** The node's figures as Prometheus text. On the loop's thread. */
#ifndef MEREAU_DAEMON_METRICS_H
#define MEREAU_DAEMON_METRICS_H

#include "daemon/node.h"

enum { METRICS_MAX = 131072 };

/** The page, its length. A line that does not fit any more is left out, and all behind it. */
size_t metrics_page(char *ret, size_t cap, struct node *n);

/** Whether the node takes orders and can settle them. */
bool metrics_healthy(const struct node *n);

#endif
