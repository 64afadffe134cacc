#include "audit/followed.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>

#include "audit/lies.h"
#include "audit/program.h"
#include "common/file.h"

struct ring followed_ring;
struct book followed_books[FOLLOWED_NODES];
struct shown followed_nodes[FOLLOWED_NODES];

void followed_show(void)
{
    signal(SIGPIPE, SIG_IGN); /* of the nodes here, when a program is killed */
    scratch_make(program_dir);
    program_charter(&followed_ring.w.charter, "charter.mrc");
    ck_assert_int_eq(
        file_write(scratch_path(program_dir, "pass"), "secret words\n", 13, 0600, true), MR_OK);
    for (uint32_t i = 0; i < FOLLOWED_NODES; i++) {
        char name[16];
        snprintf(name, sizeof name, "control%u", (unsigned)i);
        book_read(&followed_books[i], followed_ring.nodes[i].journal);
        shown_start(&followed_nodes[i], &followed_ring.w.charter, i + 1, &followed_books[i],
                    scratch_path(program_dir, name));
    }
}

void followed_setup(void)
{
    league_tell(&followed_ring);
    followed_show();
}

void followed_teardown(void)
{
    for (uint32_t i = 0; i < FOLLOWED_NODES; i++) {
        shown_stop(&followed_nodes[i]);
        book_done(&followed_books[i]);
    }
    ring_done(&followed_ring);
    scratch_remove(program_dir);
}

void followed_key(void)
{
    if (!file_exists(scratch_path(program_dir, "auditor.key")))
        ck_assert_int_eq(program_run("keygen auditor.key --passphrase-file pass"), 0);
}

const char *followed_words(uint32_t count, const char *more)
{
    static char command[1024];
    const char *const with =
        count == 1 ? "--control ./control0" : "--key auditor.key --passphrase-file pass";
    size_t n =
        (size_t)snprintf(command, sizeof command,
                         "follow --json --once --charter charter.mrc %s mirror %s", with, more);
    if (count > 1)
        followed_key();
    for (uint32_t i = 0; count > 1 && i < count; i++)
        n += (size_t)snprintf(command + n, sizeof command - n, " --node %.31s",
                              followed_nodes[i].address);
    return command;
}

void followed_as_verified(json_t *o, const char *dir, int code)
{
    char line[128];
    snprintf(line, sizeof line, "verify --json --charter charter.mrc %s", dir);
    json_t *const v = program_json(line, code);
    ck_assert(json_equal(json_object_get(v, "totals"), json_object_get(o, "totals")));
    ck_assert(json_equal(json_object_get(v, "findings"), json_object_get(o, "findings")));
    ck_assert(json_equal(json_object_get(v, "unchecked"), json_object_get(o, "unchecked")));
    json_decref(v);
}

json_int_t followed_number(const json_t *o, size_t i, const char *name)
{
    return json_number(json_array_get(json_object_get(o, "nodes"), i), name);
}

void followed_spoil(const char *name, long at)
{
    FILE *const f = fopen(scratch_path(program_dir, name), "r+b");
    ck_assert_ptr_nonnull(f);
    fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
    const int c = fgetc(f);
    fseek(f, -1, SEEK_CUR);
    fputc(c ^ 1, f);
    fclose(f);
}
