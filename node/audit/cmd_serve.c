/* serve: the page of report over HTTP, read-only, as the mirror grows. */
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "audit/commands.h"
#include "audit/page.h"
#include "audit/publication.h"
#include "common/hostport.h"

#define LISTEN_DEFAULT "127.0.0.1:7280"

enum { LOOK_SECONDS = 10, CONNECTIONS_MAX = 64, IDLE_SECONDS = 10, REQUEST_BYTES_MAX = 16384 };
enum { FILES = PUBLICATION_FILES + 2 };

const struct option_row serve_options[] = {
    SOURCE_OPTIONS,
    MEASURE_OPTIONS,
    BESIDE_OPTION,
    {"listen", 'l', N_("HOST:PORT"), N_("address and port to listen on (127.0.0.1:7280)")},
    {"published", 0, N_("DIR"), N_("directory of a publication, served below /data/")},
    {NULL, 0, NULL, NULL},
};

/* What is sent is counted by the server: one that is replaced goes when its last reader has it. No
 * reader costs a copy. */
struct answers {
    struct MHD_Response *page;
    struct MHD_Response *files[FILES]; /* NULL: there are none */
};

struct served {
    pthread_mutex_t lock;
    struct answers now;        /* under lock */
    uint64_t rows_at, data_at; /* when what was looked at last was replaced, at the latest */
};

static const char *file_name(size_t i)
{
    static const char *const last[] = {PUBLICATION_STATEMENT, PUBLICATION_SIGNATURE};
    return i < PUBLICATION_FILES ? publication_file(i) : last[i - PUBLICATION_FILES];
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Of bytes that are the response's then. NULL: no memory, and they are freed. */
static struct MHD_Response *response(char *bytes, size_t len, const char *type)
{
    struct MHD_Response *const r =
        MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_FREE);
    if (r == NULL) {
        free(bytes);
        return NULL;
    }
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Cache-Control", "no-cache");
    return r;
}

static enum MHD_Result plain(struct MHD_Connection *c, unsigned code, const char *text)
{
    char *const copy = strdup(text);
    struct MHD_Response *const r =
        copy == NULL ? NULL : response(copy, strlen(copy), "text/plain; charset=utf-8");
    if (r == NULL)
        return MHD_NO;
    const enum MHD_Result done = MHD_queue_response(c, code, r);
    MHD_destroy_response(r);
    return done;
}

static const char *type_of(const char *name)
{
    const char *const end = strrchr(name, '.');
    return end != NULL && strcmp(end, ".csv") == 0 ? "text/csv; charset=utf-8" : "application/json";
}

/* Names are compared with the few that there are; no path is ever made of one. */
static enum MHD_Result answer_file(const struct served *s, struct MHD_Connection *c,
                                   const char *name)
{
    for (size_t i = 0; i < FILES; i++) {
        if (strcmp(name, file_name(i)) == 0 && s->now.files[i] != NULL)
            return MHD_queue_response(c, MHD_HTTP_OK, s->now.files[i]);
    }
    return plain(c, MHD_HTTP_NOT_FOUND, "no such file\n");
}

static enum MHD_Result on_get(void *ctx, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **state)
{
    struct served *const s = ctx;
    enum MHD_Result done;
    (void)version;
    (void)upload;
    (void)upload_len;
    (void)state;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return plain(c, MHD_HTTP_METHOD_NOT_ALLOWED, "read only\n");
    pthread_mutex_lock(&s->lock);
    if (strcmp(url, "/") == 0)
        done = MHD_queue_response(c, MHD_HTTP_OK, s->now.page);
    else if (strncmp(url, "/data/", 6) == 0)
        done = answer_file(s, c, url + 6);
    else
        done = plain(c, MHD_HTTP_NOT_FOUND, "/ or /data/...\n");
    pthread_mutex_unlock(&s->lock);
    return done;
}

/* --- what is served --------------------------------------------------------------------------- */

static void drop(struct MHD_Response *r)
{
    if (r != NULL)
        MHD_destroy_response(r);
}

static void drop_all(struct answers *a)
{
    for (size_t i = 0; i < FILES; i++)
        drop(a->files[i]);
    drop(a->page);
    *a = (struct answers){NULL};
}

/* Takes the bytes over. */
static enum mr_status respond(struct MHD_Response **ret, char *bytes, size_t len, const char *type)
{
    *ret = response(bytes, len, type);
    return *ret == NULL ? MR_NO_MEMORY : MR_OK;
}

static enum mr_status make_page(struct answers *ret, struct command *c, struct out *out)
{
    static struct measure m;
    struct published shown = {0};
    struct beside beside = {.views = NULL};
    char *bytes = NULL;
    size_t len = 0;
    enum mr_status st = measure_open(&m, c, out);
    m.few = true;
    if (st == MR_OK)
        st = measure_run(&m, c, out);
    if (st == MR_OK && m.periods_count > PUBLISHED_PERIODS_MAX)
        st = out_fail(out, MR_USAGE, _("more than %d periods do not fit a page; give longer ones"),
                      PUBLISHED_PERIODS_MAX);
    if (st == MR_OK)
        st = beside_open(&beside, &m, c, out, opt_text(c, "published"));
    if (st == MR_OK)
        st = published_create(&shown, &m, beside.views, beside.count, c);
    if (st == MR_CHECK_FAILED && !out->failed)
        beside_refused(&beside, out);
    FILE *const f = st == MR_OK ? open_memstream(&bytes, &len) : NULL;
    if (f != NULL)
        st = page_write(f, &m, &shown);
    if (f == NULL || fclose(f) != 0)
        st = st == MR_OK ? MR_NO_MEMORY : st;
    if (st == MR_OK)
        st = respond(&ret->page, bytes, len, "text/html; charset=utf-8");
    else
        free(bytes);
    published_done(&shown);
    beside_done(&beside);
    measure_close(&m);
    return st == MR_OK || out->failed ? st : out_fail(out, st, NULL);
}

/* Only one whose signature and hashes are right is served. */
static enum mr_status load_files(struct answers *ret, const char *dir, struct out *out)
{
    static struct publication_facts facts;
    enum mr_status st = publication_check(&facts, dir);
    for (size_t i = 0; i < FILES && st == MR_OK; i++) {
        char path[FILE_PATH_MAX];
        uint8_t *bytes = NULL;
        size_t len = 0;
        st = path_join(path, dir, file_name(i));
        if (st == MR_OK)
            st = file_read(&bytes, &len, path, PUBLICATION_BYTES_MAX);
        if (st == MR_OK)
            st = respond(&ret->files[i], (char *)bytes, len, type_of(file_name(i)));
    }
    return st == MR_OK ? st
                       : out_fail(out, MR_CHECK_FAILED,
                                  _("%s holds no publication with a good signature: %s"), dir,
                                  status_sentence(st));
}

/* When a file in a directory was last replaced; 0: it is not there. */
static uint64_t changed_at(const char *dir, const char *name)
{
    char path[FILE_PATH_MAX];
    struct stat info;
    if (dir == NULL || path_join(path, dir, name) != MR_OK || stat(path, &info) != 0)
        return 0;
    return (uint64_t)info.st_mtim.tv_sec * 1000000000u + (uint64_t)info.st_mtim.tv_nsec;
}

/* Those of --rows, or those beside the mirror that is named. */
static uint64_t rows_changed(const struct command *c)
{
    char beside[FILE_PATH_MAX];
    const char *rows = opt_text(c, "rows");
    if (rows == NULL && c->arg_count > 0 && path_join(beside, c->args[0], "rows") == MR_OK)
        rows = beside;
    return changed_at(rows, "head");
}

/* The page counts what is served below /data/: both are replaced, or none. A publication that is
 * exchanged meanwhile has the page made anew. */
static enum mr_status renew(struct served *s, struct command *c, struct out *out)
{
    const char *const dir = opt_text(c, "published");
    struct answers made = {NULL};
    enum mr_status st;
    do {
        drop_all(&made);
        s->rows_at = rows_changed(c); /* before they are read */
        s->data_at = changed_at(dir, PUBLICATION_SIGNATURE);
        st = dir == NULL ? MR_OK : load_files(&made, dir, out);
        if (st == MR_OK)
            st = make_page(&made, c, out);
    } while (st == MR_OK && s->data_at != changed_at(dir, PUBLICATION_SIGNATURE));
    if (st == MR_OK) {
        pthread_mutex_lock(&s->lock);
        const struct answers gone = s->now;
        s->now = made;
        pthread_mutex_unlock(&s->lock);
        made = gone;
    }
    drop_all(&made);
    return st;
}

/* --- running ---------------------------------------------------------------------------------- */

/* What fails later is told and what was served before stays. */
static void look(struct served *s, struct command *c)
{
    const uint64_t now = rows_changed(c);
    struct out told;
    if ((now == 0 || now == s->rows_at) &&
        s->data_at == changed_at(opt_text(c, "published"), PUBLICATION_SIGNATURE))
        return;
    out_begin(&told, "mereau-audit", false, true);
    renew(s, c, &told);
    out_end(&told);
}

static void wait_for_end(struct served *s, struct command *c, const sigset_t *ends)
{
    const struct timespec rest = {.tv_sec = LOOK_SECONDS};
    while (sigtimedwait(ends, NULL, &rest) < 0) {
        if (errno == EAGAIN)
            look(s, c);
    }
}

static void run(struct served *s, struct command *c, struct out *out,
                const struct sockaddr_storage *at, const char *address)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* in the server's thread too */
    const unsigned flags =
        MHD_USE_INTERNAL_POLLING_THREAD | (at->ss_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0u);
    struct MHD_Daemon *const d = MHD_start_daemon(
        flags, 0, NULL, NULL, on_get, s, MHD_OPTION_SOCK_ADDR, at, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES_MAX, MHD_OPTION_END);
    if (d == NULL) {
        out_fail(out, MR_IN_USE,
                 _("%s cannot be listened on: another program has this port, or it is no address "
                   "of this machine; give another with --listen HOST:PORT"),
                 address);
        return;
    }
    out_note(out, _("http://%s/ until Ctrl-C"), address);
    wait_for_end(s, c, &ends);
    MHD_stop_daemon(d);
}

void cmd_serve(struct command *c, struct out *out)
{
    static struct served s = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const char *const address =
        opt_text(c, "listen") == NULL ? LISTEN_DEFAULT : opt_text(c, "listen");
    struct sockaddr_storage at;
    enum mr_status st = hostport_literal(&at, address);
    if (st != MR_OK)
        out_fail(out, MR_USAGE, _("--listen: \"%s\" is no address and port, as 127.0.0.1:7280"),
                 address);
    if (st == MR_OK)
        st = renew(&s, c, out);
    if (st == MR_OK)
        run(&s, c, out, &at, address);
    drop_all(&s.now);
}
