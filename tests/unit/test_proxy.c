/* The proxy of the tests does what it says: a test that relies on it proves nothing otherwise. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/proxy.h"

enum { DEADLINE_MS = 10000, TARGETS = 2, DELAY_US = 20000 };

static struct proxy *proxy;
static int listeners[TARGETS];

static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static void setup(void)
{
    uint16_t ports[TARGETS];
    for (int i = 0; i < TARGETS; i++)
        listeners[i] = listen_somewhere(&ports[i]);
    proxy = proxy_start(0, ports, TARGETS);
    ck_assert_ptr_nonnull(proxy);
}

static void teardown(void)
{
    proxy_stop(proxy);
    for (int i = 0; i < TARGETS; i++)
        close(listeners[i]);
}

static bool wait_for(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, DEADLINE_MS) == 1;
}

static int dial(void)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons(proxy_port(proxy)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static int answer(int target)
{
    ck_assert(wait_for(listeners[target]));
    return accept4(listeners[target], NULL, NULL, SOCK_CLOEXEC);
}

static void say(int fd, const char *bytes, size_t len)
{
    ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void hear(int fd, const char *bytes, size_t len)
{
    char got[256];
    size_t n = 0;
    ck_assert_uint_le(len, sizeof got);
    while (n < len) {
        ck_assert(wait_for(fd));
        const ssize_t more = recv(fd, got + n, len - n, 0);
        ck_assert_int_gt(more, 0);
        n += (size_t)more;
    }
    ck_assert_mem_eq(got, bytes, len);
}

static void is_broken(int fd)
{
    char byte;
    ck_assert(wait_for(fd));
    const ssize_t n = recv(fd, &byte, 1, 0);
    ck_assert_msg(n == 0 || (n < 0 && errno == ECONNRESET), "%zd", n);
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

START_TEST(passes_on_in_turn)
{
    for (int i = 0; i < 2 * TARGETS; i++) {
        const int a = dial(), b = answer(i % TARGETS);
        say(a, "question", 8);
        hear(b, "question", 8);
        say(b, "answer", 6);
        hear(a, "answer", 6);
        close(i < TARGETS ? a : b);
        is_broken(i < TARGETS ? b : a);
        close(i < TARGETS ? b : a);
    }
    ck_assert_uint_eq(proxy_counts(proxy).connections, 2 * TARGETS);
    ck_assert_uint_eq(proxy_counts(proxy).bytes, 2 * TARGETS * 14);
}
END_TEST

START_TEST(delays_both_directions)
{
    const int a = dial(), b = answer(0);
    proxy_delay(proxy, DELAY_US);
    const uint64_t start = now_us();
    say(a, "to", 2);
    hear(b, "to", 2);
    const uint64_t there = now_us();
    say(b, "fro", 3);
    hear(a, "fro", 3);
    ck_assert_uint_ge(there - start, DELAY_US);
    ck_assert_uint_ge(now_us() - there, DELAY_US);
    close(a);
    close(b);
}
END_TEST

/* What is under way when it is cut never comes. */
START_TEST(cuts)
{
    const int a = dial(), b = answer(0);
    proxy_delay(proxy, 1000 * DELAY_US);
    say(a, "lost", 4);
    while (proxy_counts(proxy).bytes < 4)
        ck_assert_int_eq(poll(NULL, 0, 1), 0);
    proxy_cut(proxy);
    is_broken(a);
    is_broken(b);
    ck_assert_uint_eq(proxy_counts(proxy).broken, 1);
    close(a);
    close(b);
    proxy_close(proxy, true);
    const int c = dial();
    is_broken(c);
    close(c);
    proxy_close(proxy, false);
    proxy_delay(proxy, 0);
    const int d = dial(), e = answer(1);
    say(d, "again", 5);
    hear(e, "again", 5);
    close(d);
    close(e);
}
END_TEST

START_TEST(holds_up)
{
    const int a = dial(), b = answer(0);
    struct pollfd quiet = {.fd = b, .events = POLLIN};
    proxy_hold(proxy, true);
    say(a, "later", 5);
    ck_assert_int_eq(poll(&quiet, 1, 50), 0);
    proxy_hold(proxy, false);
    hear(b, "later", 5);
    close(a);
    close(b);
}
END_TEST

/* Whole messages, wherever the bytes are cut; the greeting is none. */
START_TEST(repeats_messages)
{
    static const char bytes[] =
        "greeting\0\0\0\0\0\0\0\003one\0\0\0\0\0\0\0\003two\0\0\0\0\0\0\0\0";
    static const char twice[] = "greeting\0\0\0\0\0\0\0\003one\0\0\0\0\0\0\0\003two"
                                "\0\0\0\0\0\0\0\003two\0\0\0\0\0\0\0\0";
    proxy_repeat(proxy, 2);
    const int a = dial(), b = answer(0);
    for (size_t i = 0; i < sizeof bytes - 1; i++)
        say(a, bytes + i, 1);
    hear(b, twice, sizeof twice - 1);
    say(a, "\0\0\0\0\0\0\0\001x", 9);
    hear(b, "\0\0\0\0\0\0\0\001x\0\0\0\0\0\0\0\001x", 18);
    ck_assert_uint_eq(proxy_counts(proxy).repeated, 2);
    say(b, bytes, sizeof bytes - 1);
    hear(a, twice, sizeof twice - 1);
    close(a);
    close(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("proxy");
    TCase *c = tcase_create("proxy");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, passes_on_in_turn);
    tcase_add_test(c, delays_both_directions);
    tcase_add_test(c, cuts);
    tcase_add_test(c, holds_up);
    tcase_add_test(c, repeats_messages);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
