#include "lib/typed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 48 };

struct typed typed;

const char *typed_at(const char *name)
{
    static char paths[16][TYPED_PATH];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, TYPED_PATH, "%s/%s", typed.dir, name);
    return path;
}

const char *typed_data(unsigned i)
{
    char name[16];
    snprintf(name, sizeof name, "d%u", i + 1);
    return typed_at(name);
}

json_t *typed_object(const char *text)
{
    json_t *last = NULL;
    for (const char *line = text, *end; line != NULL && *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        json_t *object = *line == '{' ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;
        end += *end == '\n';
        if (object == NULL)
            continue;
        json_decref(last);
        last = object;
    }
    return last;
}

static int run(const char *const *front, const char *const *words)
{
    const char *argv[WORDS_MAX + 1];
    size_t n = 0;
    while (*front != NULL)
        argv[n++] = *front++;
    while (*words != NULL && n < WORDS_MAX)
        argv[n++] = *words++;
    argv[n] = NULL;
    struct proc *p = proc_start(argv);
    ck_assert_ptr_nonnull(p);
    const int code = proc_wait(p, PROC_DEADLINE_MS);
    typed_done();
    typed.text = proc_text(p);
    typed.said = typed_object(typed.text);
    proc_end(p);
    return code;
}

int typed_run(const char *program, const char *const *words)
{
    const char *const front[] = {"LC_ALL=C.UTF-8",    "MEREAU_DATA=",   program,
                                 "--passphrase-file", typed_at("pass"), NULL};
    return run(front, words);
}

int typed_audit(const char *const *words)
{
    const char *const front[] = {"LC_ALL=C.UTF-8", MEREAU_BIN_DIR "/mereau-audit", NULL};
    return run(front, words);
}

void typed_done(void)
{
    free(typed.text);
    json_decref(typed.said);
    typed.text = NULL;
    typed.said = NULL;
}

const char *typed_field(const char *name)
{
    const char *value = json_string_value(json_object_get(typed.said, name));
    ck_assert_msg(value != NULL, "no %s: %s", name, typed.text);
    return value;
}

long typed_number(const char *name)
{
    const json_t *value = json_object_get(typed.said, name);
    ck_assert_msg(json_is_integer(value), "no %s: %s", name, typed.text);
    return (long)json_integer_value(value);
}
