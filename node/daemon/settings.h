/** The node's configuration: one table of settings (mereaud.conf(5)). */
#ifndef MEREAU_DAEMON_SETTINGS_H
#define MEREAU_DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/config.h"

struct settings {
    char wallet_listen[256], peer_listen[256], http_listen[256];
    char http_public[4096];
    char passphrase_file[1024], log_level[16], auditors[1200];
    int64_t node, threads, sessions_max, connections_max, address_max;
    int64_t flush_ms, flush_bytes, segment_bytes, map_bytes, checkpoint_ms, checkpoint_orders;
    int64_t requests_max;
};

extern const struct config_row settings_rows[];
extern const size_t settings_count;

#endif
