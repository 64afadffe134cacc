#include "audit/program.h"

#include <check.h>
#include <stdio.h>
#include <sys/wait.h>

#include "audit/lies.h"
#include "common/file.h"
#include "mereau/codec.h"
#include "mereau/sign.h"
#include "storage/journal_file.h"

char program_dir[SCRATCH_PATH_MAX], program_output[1 << 20];

void program_charter(const struct mr_charter *charter, const char *name)
{
    static uint8_t bytes[sizeof *charter];
    const size_t n = mr_charter_encode(charter, bytes, sizeof bytes);
    ck_assert_int_eq(file_write(scratch_path(program_dir, name), bytes, n, 0600, true), MR_OK);
}

void program_journal(const struct book *book, const uint8_t ledger[32], uint32_t node,
                     const char *name)
{
    struct mr_journal *j = NULL;
    struct mr_journal_report report;
    const struct mr_journal_file_options options = {
        .ledger = ledger, .node = node, .segment_bytes = 1 << 16, .reserve_bytes = 1 << 12};
    ck_assert_int_eq(mr_journal_file_open(&j, scratch_path(program_dir, name), &options, &report),
                     MR_OK);
    for (uint32_t i = 0; i < book->count; i++) {
        const struct mr_audit_turn *const turn = &book->turns[i];
        ck_assert_int_eq(
            j->api->append(j, turn->log, turn->log_len, turn->bodies, turn->bodies_len), MR_OK);
    }
    j->api->close(j);
}

void program_directory(const struct book *book, const struct mr_charter *charter, uint32_t node,
                       const char *name)
{
    char path[64];
    uint8_t ledger[32];
    mr_ledger_id(ledger, charter);
    ck_assert_int_eq(dir_make(scratch_path(program_dir, name)), MR_OK);
    snprintf(path, sizeof path, "%s/journal", name);
    program_journal(book, ledger, node, path);
    snprintf(path, sizeof path, "%s/charter.mrc", name);
    program_charter(charter, path);
}

void program_part(struct book *book, const struct mr_charter *charter, uint32_t turns,
                  const char *name)
{
    const uint32_t count = book->count;
    book->count = turns;
    program_directory(book, charter, 1, name);
    book->count = count;
}

void program_story(struct world *w, struct book *ret)
{
    scratch_make(program_dir);
    story_tell(w);
    book_read(ret, w->journal);
    program_charter(&w->charter, "charter.mrc");
    program_journal(ret, w->ledger, 1, "journal");
}

void program_lie(struct world *w, struct book *book, const struct lie *lies, const char *name)
{
    static struct tamper t;
    tamper_load(&t, w, book);
    book_done(book);
    lie_named(lies, name)->tell(&t);
    tamper_write(&t, book);
    scratch_remove(scratch_path(program_dir, "journal"));
    program_journal(book, w->ledger, 1, "journal");
    tamper_done(&t);
}

void program_nodes(const struct ring *r)
{
    static struct book book;
    char name[16];
    for (uint32_t i = 1; i <= r->count; i++) {
        snprintf(name, sizeof name, "node%u", (unsigned)i);
        book_read(&book, r->nodes[i - 1].journal);
        program_directory(&book, &r->w.charter, i, name);
        book_done(&book);
    }
}

void program_joined(struct ring *r)
{
    ring_one_of_four(r);
    ring_join_others(r);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(ring_pay(r, i, 0, 1, 10), MR_SETTLED);
    ring_wait(r, 3000);
    program_nodes(r);
}

static int run(const char *line)
{
    FILE *const p = popen(line, "r");
    ck_assert_ptr_nonnull(p);
    const size_t n = fread(program_output, 1, sizeof program_output - 1, p);
    program_output[n] = '\0';
    const int status = pclose(p);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int program_run(const char *arguments)
{
    char line[2048];
    snprintf(line, sizeof line, "cd '%s' && LC_ALL=C '%s/mereau-audit' %s 2>stderr", program_dir,
             MEREAU_BIN_DIR, arguments);
    return run(line);
}

int program_shell(const char *command)
{
    char line[2048];
    snprintf(line, sizeof line, "cd '%s' && {\n%s\n} 2>&1", program_dir, command);
    return run(line);
}

const char *program_trouble(void)
{
    static char text[1 << 20];
    FILE *const f = fopen(scratch_path(program_dir, "stderr"), "r");
    const size_t n = f == NULL ? 0 : fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    if (f != NULL)
        fclose(f);
    return text;
}

void program_said(const char *words)
{
    const char *const text = program_trouble();
    ck_assert_msg(strstr(text, words) != NULL, "not \"%s\" in: %s", words, text);
}

json_t *program_json(const char *arguments, int code)
{
    json_error_t error;
    const int got = program_run(arguments);
    ck_assert_msg(got == code, "exit %d: %s\n%s", got, program_output, program_trouble());
    json_t *const o = json_loads(program_output, 0, &error);
    ck_assert_msg(o != NULL, "%s: %s", error.text, program_output);
    return o;
}

json_int_t json_number(const json_t *o, const char *name)
{
    const json_t *const v = json_object_get(o, name);
    ck_assert_msg(json_is_integer(v), "%s", name);
    return json_integer_value(v);
}

const char *json_words(const json_t *o, const char *name)
{
    const json_t *const v = json_object_get(o, name);
    ck_assert_msg(json_is_string(v), "%s", name);
    return json_string_value(v);
}
