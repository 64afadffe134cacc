#include "common/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

enum mr_status secret_alloc(struct secret *ret, size_t len)
{
    uint8_t *bytes = sodium_init() < 0 ? NULL : sodium_malloc(len + 1);
    if (bytes == NULL)
        return MR_NO_MEMORY;
    sodium_memzero(bytes, len + 1);
    *ret = (struct secret){bytes, len};
    return MR_OK;
}

enum mr_status secret_copy(struct secret *ret, const void *bytes, size_t len)
{
    const enum mr_status st = secret_alloc(ret, len);
    if (st == MR_OK && len > 0)
        memcpy(ret->bytes, bytes, len);
    return st;
}

void secret_free(struct secret *s)
{
    sodium_free(s->bytes);
    *s = (struct secret){NULL, 0};
}

void secret_protect_process(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* its leak check is another process's look at this one */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

enum mr_status secret_read_line(struct secret *ret, int fd)
{
    struct secret line;
    size_t len = 0;
    enum mr_status st = secret_alloc(&line, SECRET_PASSPHRASE_MAX + 1);
    if (st != MR_OK)
        return st;
    /* Byte by byte: what follows the line belongs to somebody else. */
    while (st == MR_OK && len <= SECRET_PASSPHRASE_MAX) {
        const ssize_t n = read(fd, line.bytes + len, 1);
        if (n < 0)
            st = MR_IO_ERROR;
        else if (n == 0 || line.bytes[len] == '\n')
            break;
        else
            len++;
    }
    if (st == MR_OK && len > 0 && len <= SECRET_PASSPHRASE_MAX && line.bytes[len - 1] == '\r')
        len--;
    if (st == MR_OK && (len == 0 || len > SECRET_PASSPHRASE_MAX))
        st = MR_BAD_TEXT;
    if (st == MR_OK)
        st = secret_copy(ret, line.bytes, len);
    secret_free(&line);
    return st;
}

/* --- from the terminal -------------------------------------------------------------------------
 */

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof stop_signals[0] };

static volatile sig_atomic_t stopped_by;

static void note_signal(int number)
{
    stopped_by = number;
}

/* A line is there to be read; false when a signal came first. The signals are let in only while
 * waiting, so that none can slip in between a look at `stopped_by` and the wait. */
static bool wait_for_line(int tty, const sigset_t *while_waiting)
{
    struct pollfd p = {.fd = tty, .events = POLLIN};
    return ppoll(&p, 1, NULL, while_waiting) == 1 && stopped_by == 0;
}

/* Asks for one line with echo off, which it is before the question appears. A signal meanwhile ends
 * the reading; the echo is put back before the signal is let through. */
static enum mr_status read_silently(struct secret *ret, int tty, const char *prompt)
{
    struct termios before, silent;
    struct sigaction note = {.sa_handler = note_signal}, old[STOP_SIGNALS];
    sigset_t stop, mask;
    if (tcgetattr(tty, &before) != 0)
        return MR_IO_ERROR;
    stopped_by = 0;
    sigemptyset(&stop);
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        sigaddset(&stop, stop_signals[i]);
    pthread_sigmask(SIG_BLOCK, &stop, &mask);
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        sigaction(stop_signals[i], &note, &old[i]);
    silent = before;
    silent.c_lflag &= (tcflag_t) ~(ECHO);
    silent.c_lflag |= ICANON | ECHONL;
    enum mr_status st = tcsetattr(tty, TCSAFLUSH, &silent) == 0 ? MR_OK : MR_IO_ERROR;
    dprintf(tty, "%s: ", prompt);
    if (st == MR_OK)
        st = wait_for_line(tty, &mask) ? secret_read_line(ret, tty) : MR_IO_ERROR;
    tcsetattr(tty, TCSAFLUSH, &before);
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        sigaction(stop_signals[i], &old[i], NULL);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (stopped_by != 0)
        raise(stopped_by);
    return st;
}

static enum mr_status ask_once(struct secret *ret, struct out *out, int tty, const char *prompt)
{
    fflush(out->results);
    const enum mr_status st = read_silently(ret, tty, prompt);
    if (st == MR_BAD_TEXT)
        dprintf(tty, _("A passphrase has 1 to %d characters.\n"), SECRET_PASSPHRASE_MAX);
    return st;
}

static bool same_secret(const struct secret *a, const struct secret *b)
{
    return a->len == b->len && sodium_memcmp(a->bytes, b->bytes, a->len) == 0;
}

enum { TRIES_MAX = 3 };

static enum mr_status ask_terminal(struct secret *ret, struct out *out, int tty, const char *prompt,
                                   bool twice)
{
    enum mr_status st = MR_BAD_TEXT;
    for (int i = 0; i < TRIES_MAX && st == MR_BAD_TEXT; i++) {
        struct secret first = {NULL, 0}, second = {NULL, 0};
        st = ask_once(&first, out, tty, prompt);
        if (st == MR_OK && twice)
            st = ask_once(&second, out, tty, _("The same again"));
        if (st == MR_OK && twice && !same_secret(&first, &second)) {
            dprintf(tty, "%s\n", _("These were not the same."));
            st = MR_BAD_TEXT;
        }
        secret_free(&second);
        if (st == MR_OK)
            *ret = first;
        else
            secret_free(&first);
    }
    if (st != MR_OK)
        out_fail(out, st, _("no passphrase was given"));
    return st;
}

/* --- from where the command line says -----------------------------------------------------------
 */

static enum mr_status from_fd(struct secret *ret, const struct command *c, struct out *out,
                              const char *option)
{
    int64_t fd = -1;
    enum mr_status st = opt_int(c, out, &fd, option, 0, 1 << 20);
    if (st != MR_OK)
        return st;
    st = secret_read_line(ret, (int)fd);
    if (st != MR_OK)
        out_fail(out, st, _("no passphrase can be read from file descriptor %d"), (int)fd);
    return st;
}

static enum mr_status from_file(struct secret *ret, struct out *out, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return out_fail(out, errno == ENOENT ? MR_NO_SUCH_FILE : MR_IO_ERROR,
                        _("the passphrase file %s cannot be read: %s"), path, strerror(errno));
    const enum mr_status st = secret_read_line(ret, fd);
    close(fd);
    if (st == MR_BAD_TEXT)
        out_fail(out, st, _("the first line of the passphrase file %s is empty or too long"), path);
    else if (st != MR_OK)
        out_fail(out, st, _("the passphrase file %s cannot be read"), path);
    return st;
}

enum mr_status secret_ask_as(struct secret *ret, const struct command *c, struct out *out,
                             const char *prompt, bool twice, const char *option_file,
                             const char *option_fd)
{
    if (option_fd != NULL && opt_flag(c, option_fd))
        return from_fd(ret, c, out, option_fd);
    if (option_file != NULL && opt_flag(c, option_file))
        return from_file(ret, out, opt_text(c, option_file));
    const int tty = c->no_input ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0 && option_file != NULL)
        return out_fail(out, MR_USAGE,
                        _("a passphrase is needed and nobody can be asked: give --%s FILE"),
                        option_file);
    if (tty < 0)
        return out_fail(out, MR_USAGE, _("a passphrase is needed and nobody can be asked"));
    const enum mr_status st = ask_terminal(ret, out, tty, prompt, twice);
    close(tty);
    return st;
}

enum mr_status secret_ask(struct secret *ret, const struct command *c, struct out *out,
                          const char *prompt, bool twice)
{
    return secret_ask_as(ret, c, out, prompt, twice, "passphrase-file", "passphrase-fd");
}
