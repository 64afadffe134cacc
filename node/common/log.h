/** Log lines for machines and tired people, to stderr: one event a line,
 *  `2025-01-31T12:00:00.123Z info event key=value key="two words"`. English, never translated,
 *  never a secret. Safe to call from several threads. */
#ifndef MEREAU_COMMON_LOG_H
#define MEREAU_COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/** At most this many lines of one event in a second (errors too); what was left out is counted in
 *  the event's next line as suppressed=N. */
enum { LOG_RATE = 10, LOG_LINE_MAX = 2048, LOG_EVENTS_MAX = 128 };

struct log_field {
    const char *key;
    enum { LOG_TEXT, LOG_INT, LOG_UINT, LOG_HEX } kind;
    union {
        const char *text;
        int64_t i;
        uint64_t u;
        struct {
            const uint8_t *bytes;
            size_t len;
        } hex;
    };
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .kind = LOG_TEXT, .text = text};
}

static inline struct log_field log_int(const char *key, int64_t value)
{
    return (struct log_field){.key = key, .kind = LOG_INT, .i = value};
}

static inline struct log_field log_uint(const char *key, uint64_t value)
{
    return (struct log_field){.key = key, .kind = LOG_UINT, .u = value};
}

/** The first bytes of an id. */
static inline struct log_field log_hex(const char *key, const uint8_t *bytes, size_t len)
{
    return (struct log_field){.key = key, .kind = LOG_HEX, .hex = {bytes, len}};
}

/** log_event(LOG_LEVEL_INFO, "listening", log_with(log_text("address", a), log_int("port", p)));
 *  `event` is a literal in snake_case; fields NULL: none. Control characters are escaped, a line
 *  that is too long is cut. errno is kept. */
#define log_with(...) ((const struct log_field[]){__VA_ARGS__, {.key = NULL}})
void log_event(enum log_level level, const char *event, const struct log_field *fields);

/** Lines below this level are not written. Starts as LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/** false when the word is none of debug, info, warn, error. */
bool log_level_parse(enum log_level *ret, const char *word);

/** Where lines go; starts as stderr's descriptor, 2. */
void log_set_fd(int fd);

#endif
