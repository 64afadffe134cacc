#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

/* How often an event came in its current second. */
struct rate {
    const char *event;
    time_t second;
    unsigned count;
    unsigned long long suppressed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level lowest = LOG_LEVEL_INFO;
static int log_fd = STDERR_FILENO;
static struct rate rates[LOG_EVENTS_MAX];

/* One line under construction; the last bytes are kept for its end. */
struct line {
    char text[LOG_LINE_MAX];
    size_t len;
    bool cut;
};

static const char line_cut[] = " cut=yes";

static void put(struct line *l, const char *text, size_t len)
{
    if (l->cut || l->len + len + sizeof line_cut + 1 > sizeof l->text) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->len, text, len);
    l->len += len;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* Bare when it is one plain word, else quoted; whatever is not printable ASCII becomes \xNN. */
static void put_value(struct line *l, const char *text)
{
    bool bare = text[0] != '\0';
    for (const char *c = text; *c != '\0'; c++)
        bare = bare && *c > ' ' && *c < 0x7f && *c != '"' && *c != '=' && *c != '\\';
    if (bare) {
        put_text(l, text);
        return;
    }
    put(l, "\"", 1);
    for (const char *c = text; *c != '\0'; c++) {
        char escaped[8];
        if (*c == '"' || *c == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", *c);
        else if (*c == '\n')
            snprintf(escaped, sizeof escaped, "\\n");
        else if (*c < ' ' || *c >= 0x7f)
            snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned)(unsigned char)*c);
        else
            snprintf(escaped, sizeof escaped, "%c", *c);
        put_text(l, escaped);
    }
    put(l, "\"", 1);
}

static void put_field(struct line *l, const struct log_field *f)
{
    char number[32];
    put(l, " ", 1);
    put_text(l, f->key);
    put(l, "=", 1);
    switch (f->kind) {
    case LOG_TEXT:
        put_value(l, f->text != NULL ? f->text : "");
        return;
    case LOG_INT:
        snprintf(number, sizeof number, "%lld", (long long)f->i);
        put_text(l, number);
        return;
    case LOG_UINT:
        snprintf(number, sizeof number, "%llu", (unsigned long long)f->u);
        put_text(l, number);
        return;
    case LOG_HEX:
        for (size_t i = 0; i < f->hex.len; i++) {
            snprintf(number, sizeof number, "%02x", (unsigned)f->hex.bytes[i]);
            put_text(l, number);
        }
        return;
    }
}

static void put_time(struct line *l)
{
    char text[64];
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    const size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03dZ ", (int)(now.tv_nsec / 1000000));
    put_text(l, text);
}

/* Whether this line may be written, and how many of its kind were not. With the lock held. */
static bool allow(const char *event, unsigned long long *ret_suppressed)
{
    struct timespec now;
    struct rate *r = NULL;
    *ret_suppressed = 0;
    for (size_t i = 0; i < LOG_EVENTS_MAX && r == NULL; i++) {
        if (rates[i].event == NULL)
            rates[i].event = event;
        if (strcmp(rates[i].event, event) == 0)
            r = &rates[i];
    }
    if (r == NULL)
        return true;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (now.tv_sec != r->second) {
        r->second = now.tv_sec;
        r->count = 0;
    }
    if (r->count >= LOG_RATE) {
        r->suppressed++;
        return false;
    }
    r->count++;
    *ret_suppressed = r->suppressed;
    r->suppressed = 0;
    return true;
}

static void write_line(const struct line *l)
{
    size_t done = 0;
    while (done < l->len) {
        const ssize_t n = write(log_fd, l->text + done, l->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody is left to be told */
        done += (size_t)n;
    }
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
    const int error = errno;
    struct line l = {.len = 0, .cut = false};
    unsigned long long suppressed = 0;
    pthread_mutex_lock(&lock);
    if (level >= lowest && allow(event, &suppressed)) {
        put_time(&l);
        put_text(&l, level_names[level]);
        put(&l, " ", 1);
        put_text(&l, event);
        if (suppressed > 0)
            put_field(&l,
                      &(struct log_field){.key = "suppressed", .kind = LOG_UINT, .u = suppressed});
        for (const struct log_field *f = fields; f != NULL && f->key != NULL; f++)
            put_field(&l, f);
        const char *end = l.cut ? line_cut : "";
        memcpy(l.text + l.len, end, strlen(end));
        l.len += strlen(end);
        l.text[l.len++] = '\n';
        write_line(&l);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
}

void log_set_level(enum log_level level)
{
    pthread_mutex_lock(&lock);
    lowest = level;
    pthread_mutex_unlock(&lock);
}

bool log_level_parse(enum log_level *ret, const char *word)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(level_names[i], word) == 0) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_fd(int fd)
{
    pthread_mutex_lock(&lock);
    log_fd = fd;
    pthread_mutex_unlock(&lock);
}
