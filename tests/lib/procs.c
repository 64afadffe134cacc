#include "lib/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 4 << 20 };

struct proc {
    pid_t pid;
    int fd;
    bool reaped;
    int code;
    pthread_t reader;
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool ended;      /* under lock: nothing more will be printed */
    char *text;      /* under lock */
    size_t len, cap; /* under lock */
};

static void keep(struct proc *p, const char *bytes, size_t n)
{
    pthread_mutex_lock(&p->lock);
    if (p->len + n + 1 > p->cap && p->cap < TEXT_MAX) {
        const size_t cap = p->cap == 0 ? 8192 : p->cap * 2;
        char *text = realloc(p->text, cap);
        if (text != NULL) {
            p->text = text;
            p->cap = cap;
        }
    }
    if (p->len + n + 1 <= p->cap) { /* what is too much is read and dropped */
        memcpy(p->text + p->len, bytes, n);
        p->len += n;
        p->text[p->len] = '\0';
    }
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
}

static void *read_all(void *arg)
{
    struct proc *p = arg;
    char bytes[4096];
    ssize_t n;
    while ((n = read(p->fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            keep(p, bytes, (size_t)n);
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static _Noreturn void become(const char *const argv[], int out, pid_t parent)
{
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    dup2(out, 1);
    dup2(out, 2);
    while (argv[0] != NULL && strchr(argv[0], '=') != NULL && argv[0][0] != '/')
        putenv((char *)(size_t)*argv++);
    execv(argv[0], (char *const *)(size_t)argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

struct proc *proc_start(const char *const argv[])
{
    int ends[2];
    const pid_t parent = getpid();
    struct proc *p = calloc(1, sizeof *p);
    pthread_condattr_t clock;
    if (p == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        free(p);
        return NULL;
    }
    fflush(NULL);
    p->pid = fork();
    if (p->pid == 0)
        become(argv, ends[1], parent);
    close(ends[1]);
    p->fd = ends[0];
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&p->more, &clock);
    if (p->pid < 0 || pthread_create(&p->reader, NULL, read_all, p) != 0) {
        if (p->pid > 0) {
            kill(p->pid, SIGKILL);
            waitpid(p->pid, NULL, 0);
        }
        close(p->fd);
        free(p);
        return NULL;
    }
    return p;
}

pid_t proc_pid(const struct proc *p)
{
    return p->pid;
}

static struct timespec after(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

/* Under lock: the first whole line with `what`. */
static bool find_line(const struct proc *p, char *ret, size_t cap, const char *what)
{
    const char *at = p->text != NULL ? strstr(p->text, what) : NULL;
    const char *end = at != NULL ? strchr(at, '\n') : NULL;
    if (end == NULL)
        return false;
    while (at > p->text && at[-1] != '\n')
        at--;
    if (ret != NULL)
        snprintf(ret, cap, "%.*s", (int)(end - at), at);
    return true;
}

bool proc_line(struct proc *p, char *ret, size_t cap, const char *what, int deadline_ms)
{
    const struct timespec until = after(deadline_ms);
    bool found, late = false;
    pthread_mutex_lock(&p->lock);
    while (!(found = find_line(p, ret, cap, what)) && !p->ended && !late)
        late = pthread_cond_timedwait(&p->more, &p->lock, &until) == ETIMEDOUT;
    pthread_mutex_unlock(&p->lock);
    return found;
}

bool proc_field(char *ret, size_t cap, const char *line, const char *key)
{
    const char *at = strstr(line, key);
    if (at == NULL)
        return false;
    at += strlen(key);
    snprintf(ret, cap, "%.*s", (int)strcspn(at, " \n"), at);
    return true;
}

char *proc_text(struct proc *p)
{
    pthread_mutex_lock(&p->lock);
    char *copy = strdup(p->text != NULL ? p->text : "");
    pthread_mutex_unlock(&p->lock);
    return copy;
}

void proc_signal(struct proc *p, int number)
{
    if (!p->reaped)
        kill(p->pid, number);
}

int proc_wait(struct proc *p, int deadline_ms)
{
    const struct timespec until = after(deadline_ms);
    int status;
    bool late = false;
    if (p->reaped)
        return p->code;
    /* Its output ends when it does; only then is it waited for. */
    pthread_mutex_lock(&p->lock);
    while (!p->ended && !late)
        late = pthread_cond_timedwait(&p->more, &p->lock, &until) == ETIMEDOUT;
    const bool ended = p->ended;
    pthread_mutex_unlock(&p->lock);
    if (!ended || waitpid(p->pid, &status, 0) != p->pid)
        return -1;
    p->reaped = true;
    p->code = WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
    return p->code;
}

void proc_end(struct proc *p)
{
    if (p == NULL)
        return;
    if (!p->reaped) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    pthread_join(p->reader, NULL);
    close(p->fd);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->more);
    free(p->text);
    free(p);
}
