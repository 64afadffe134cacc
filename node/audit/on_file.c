#include "audit/on_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "audit/report.h"
#include "common/file.h"
#include "common/heap.h"

enum { EVIDENCE_BYTES_MAX = 16 << 20 };

static int is_evidence(const struct dirent *d)
{
    const size_t n = strlen(d->d_name);
    return strncmp(d->d_name, "evidence-", 9) == 0 && n > 13 &&
           strcmp(d->d_name + n - 4, ".mre") == 0;
}

static void no_finding(void *ctx, const struct mr_audit_finding *f)
{
    (void)ctx;
    (void)f;
}

/* With none of the code that wrote it. */
static enum mr_status check(const struct source *s, struct mr_evidence_facts *ret, const char *path)
{
    struct mr_audit *a = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    struct mr_evidence *const e = malloc(sizeof *e);
    enum mr_status st =
        e == NULL ? MR_NO_MEMORY : file_read(&bytes, &len, path, EVIDENCE_BYTES_MAX);
    if (st == MR_OK)
        st = mr_audit_create(&a, &heap, no_finding, NULL, s->charter_bytes, s->charter_len);
    if (st == MR_OK)
        st = mr_audit_evidence(a, ret, e, bytes, len);
    mr_audit_destroy(a);
    free(bytes);
    free(e);
    return st;
}

static void tell(const struct source *s, json_t *list, const char *path)
{
    struct mr_evidence_facts f;
    const enum mr_status st = check(s, &f, path);
    json_t *const row = json_pack("{s:s,s:s}", "file", path, "status", mr_status_name(st));
    if (st == MR_OK) {
        json_object_set_new(row, "node", json_integer((json_int_t)f.node));
        json_object_set_new(row, "epoch", json_integer((json_int_t)f.epoch));
        json_object_set_new(row, "breach", json_string(mr_breach_name(f.breach)));
        /* TRANSLATORS: node number, association, what it did, file. */
        out_print(s->out, _("On file: node %u of %s %s; mereau-audit evidence %s\n"),
                  (unsigned)f.node, report_association(s->charter, f.association),
                  _(mr_breach_text(f.breach)), path);
    } else {
        out_print(s->out, _("On file: %s, which is no evidence: %s\n"), path, status_sentence(st));
    }
    json_array_append_new(list, row);
}

void on_file_tell(const struct source *s, const char *dir)
{
    char path[FILE_PATH_MAX];
    struct dirent **names = NULL;
    json_t *const list = json_array();
    const int count = scandir(dir, &names, is_evidence, alphasort);
    for (int i = 0; i < count; i++) {
        if (path_join(path, dir, names[i]->d_name) == MR_OK)
            tell(s, list, path);
        free(names[i]);
    }
    free(names);
    out_json(s->out, "evidence_on_file", list);
}
