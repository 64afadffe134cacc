#include "admin/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "mereau/id.h"
#include "storage/files.h"

const char *const backup_files[] = {"charter.mrc", "mereaud.conf",  "node.key", "node.pass",
                                    "epochs.mrh",  "node.next.key", NULL};

enum { MANIFEST_MAX = 65536, FORMAT = 1 };

static const char register_file[] = "register/data.mdb";

static enum mr_status add_hash(json_t *files, const char *dir, const char *name)
{
    uint8_t hash[32];
    char hex[65], path[FILE_PATH_MAX];
    if (path_join(path, dir, name) != MR_OK || !file_exists(path))
        return MR_OK;
    const enum mr_status st = files_hash(hash, dir, name);
    if (st != MR_OK)
        return st;
    mr_hex_format(hex, hash, sizeof hash);
    return json_object_set_new(files, name, json_string(hex)) == 0 ? MR_OK : MR_NO_MEMORY;
}

enum mr_status manifest_write(struct admin *a, const char *dir, const struct mr_journal_end *end)
{
    json_t *files = json_object();
    enum mr_status st = files != NULL ? add_hash(files, dir, register_file) : MR_NO_MEMORY;
    for (size_t i = 0; st == MR_OK && backup_files[i] != NULL; i++)
        st = add_hash(files, dir, backup_files[i]);
    json_t *root = json_pack("{s:i,s:s,s:s,s:I,s:{s:I,s:I,s:I,s:s},s:o}", "format", FORMAT,
                             "ledger", admin_hex(a->ledger), "currency", a->charter->name,
                             "made_ms", (json_int_t)admin_now_ms(), "journal", "log",
                             (json_int_t)end->log, "bodies", (json_int_t)end->bodies, "turn",
                             (json_int_t)end->turn, "check", admin_hex(end->check), "files", files);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (st == MR_OK && text == NULL)
        st = MR_NO_MEMORY;
    if (st == MR_OK)
        st = files_write(dir, "manifest.json", text, strlen(text));
    free(text);
    json_decref(root);
    return st == MR_OK
               ? st
               : out_fail(a->out, st, _("%s cannot be written: %s"), dir, status_sentence(st));
}

static enum mr_status bad(struct out *out, const char *dir, const char *name)
{
    out_text(out, "file", name);
    return out_fail(out, MR_DAMAGED, _("the backup %s is damaged: %s is not what it was"), dir,
                    name);
}

static enum mr_status check_files(struct out *out, const char *dir, json_t *files)
{
    const char *name;
    json_t *value;
    json_object_foreach(files, name, value)
    {
        uint8_t hash[32], wanted[32];
        const char *hex = json_string_value(value);
        if (hex == NULL || strstr(name, "..") != NULL || name[0] == '/' ||
            mr_hex_parse(wanted, sizeof wanted, hex) != MR_OK)
            return bad(out, dir, "manifest.json");
        if (files_hash(hash, dir, name) != MR_OK || memcmp(hash, wanted, sizeof hash) != 0)
            return bad(out, dir, name);
    }
    return MR_OK;
}

enum mr_status manifest_check(struct out *out, const char *dir, const uint8_t ledger[32],
                              struct mr_journal_end *ret_end, uint64_t *ret_made_ms)
{
    char text[MANIFEST_MAX], hex[65];
    size_t len;
    const char *id, *check;
    json_t *files;
    json_int_t made, log, bodies, turn;
    int format;
    enum mr_status st = files_read(dir, "manifest.json", text, sizeof text, &len);
    if (st != MR_OK)
        return out_fail(out, st, _("%s is no finished backup: it has no manifest.json"), dir);
    json_t *root = json_loadb(text, len, 0, NULL);
    mr_hex_format(hex, ledger, 32);
    if (root == NULL ||
        json_unpack(root, "{s:i,s:s,s:I,s:{s:I,s:I,s:I,s:s},s:o}", "format", &format, "ledger", &id,
                    "made_ms", &made, "journal", "log", &log, "bodies", &bodies, "turn", &turn,
                    "check", &check, "files", &files) != 0 ||
        format != FORMAT || log < 0 || bodies < 0 || turn < 0 || made < 0 ||
        mr_hex_parse(ret_end->check, sizeof ret_end->check, check) != MR_OK)
        st = bad(out, dir, "manifest.json");
    else if (strcmp(id, hex) != 0)
        st = out_fail(out, MR_WRONG_LEDGER, _("%s is the backup of another ledger"), dir);
    else
        st = check_files(out, dir, files);
    if (st == MR_OK) {
        ret_end->log = (uint64_t)log;
        ret_end->bodies = (uint64_t)bodies;
        ret_end->turn = (uint64_t)turn;
        *ret_made_ms = (uint64_t)made;
    }
    json_decref(root);
    return st;
}
