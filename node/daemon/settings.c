#include "daemon/settings.h"

#include "common/i18n.h"

#define ROW(field, section, key, kind, min, max, preset, help)                                     \
    CONFIG_ROW(struct settings, field, section, key, kind, min, max, preset, help)

const struct config_row settings_rows[] = {
    ROW(node, "node", "number", CONFIG_INT, 1, 32, "1", N_("this node's number in the charter")),
    ROW(passphrase_file, "node", "passphrase-file", CONFIG_PATH, 0, 1023, "",
        N_("file with the passphrase of node.key; empty: node.pass in the data directory")),
    ROW(log_level, "node", "log-level", CONFIG_TEXT, 4, 5, "info",
        N_("debug, info, warn or error")),
    ROW(threads, "node", "verify-threads", CONFIG_INT, 0, 64, "0",
        N_("threads that check signatures; 0: one a processor")),
    ROW(wallet_listen, "wallet", "listen", CONFIG_ADDRESS, 0, 255, "127.0.0.1:7290",
        N_("where wallets connect; port 0 picks a free one")),
    ROW(connections_max, "wallet", "connections-max", CONFIG_INT, 8, 100000, "4096",
        N_("connections at most; the longest idle one makes room")),
    ROW(address_max, "wallet", "address-max", CONFIG_INT, 1, 100000, "256",
        N_("connections of one address at most")),
    ROW(sessions_max, "wallet", "sessions-max", CONFIG_INT, 16, 1000000, "65536",
        N_("sessions at most; the longest unused one makes room")),
    ROW(requests_max, "wallet", "join-requests-max", CONFIG_INT, 1, 100000, "1000",
        N_("join requests that may wait")),
    ROW(peer_listen, "peer", "listen", CONFIG_TEXT, 0, 255, "",
        N_("where other nodes connect (host:port); empty: nowhere")),
    ROW(http_listen, "http", "listen", CONFIG_TEXT, 0, 255, "",
        N_("where /healthz and /metrics are served (host:port); empty: nowhere")),
    ROW(http_public, "http", "public", CONFIG_TEXT, 0, 4095, "",
        N_("directory whose files anybody may read there, below /public/; empty: none")),
    ROW(auditors, "audit", "keys", CONFIG_TEXT, 0, 1199, "",
        N_("public keys of auditors (hexadecimal, separated by blanks) who may mirror the ledger")),
    ROW(flush_ms, "store", "flush-after", CONFIG_DURATION, 50, 600000, "1s",
        N_("how long changes may wait before they go to the store")),
    ROW(flush_bytes, "store", "flush-bytes", CONFIG_BYTES, 1 << 20, 1 << 30, "48MiB",
        N_("how much may wait before it goes to the store")),
    ROW(map_bytes, "store", "map-size", CONFIG_BYTES, 1 << 20, INT64_C(1) << 42, "1GiB",
        N_("first size of the store's map; it grows by itself")),
    ROW(segment_bytes, "journal", "segment-size", CONFIG_BYTES, 8 << 20, 1 << 30, "64MiB",
        N_("size of a journal segment; one is kept in reserve for each stream")),
    ROW(checkpoint_ms, "checkpoint", "every", CONFIG_DURATION, 1000, INT64_C(31) * 86400000, "1d",
        N_("how often the whole state is summed up and signed")),
    ROW(checkpoint_orders, "checkpoint", "orders", CONFIG_INT, 1, 1000000000, "100000",
        N_("or after how many settled orders")),
};
const size_t settings_count = sizeof settings_rows / sizeof settings_rows[0];
