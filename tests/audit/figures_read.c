#include "audit/figures_read.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "audit/program.h"

struct figure_line figure_lines[FIGURE_LINES_MAX];
size_t figure_lines_count;

void figures_read(const char *path)
{
    char text[1024], *at, to[FIGURE_TEXT_MAX], measure[FIGURE_TEXT_MAX];
    FILE *const f = fopen(scratch_path(program_dir, path), "r");
    ck_assert_ptr_nonnull(f);
    figure_lines_count = 0;
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    while ((at = fgets(text, sizeof text, f)) != NULL) {
        struct figure_line *const l = &figure_lines[figure_lines_count++];
        char *const fields[] = {l->id,     l->of,    l->from, to,      l->row,
                                l->column, l->value, measure, l->state};
        ck_assert_uint_lt(figure_lines_count, sizeof figure_lines / sizeof figure_lines[0]);
        at[strcspn(at, "\n")] = '\0';
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            snprintf(fields[i], FIGURE_TEXT_MAX, "%s", strsep(&at, ","));
    }
    fclose(f);
}

bool figures_shown(const char *id, const char *of, const char *from)
{
    for (size_t i = 0; i < figure_lines_count; i++) {
        if (strcmp(figure_lines[i].id, id) == 0 && strcmp(figure_lines[i].of, of) == 0 &&
            strcmp(figure_lines[i].from, from) == 0)
            return strcmp(figure_lines[i].state, "value") == 0;
    }
    ck_abort_msg("%s is not there", id);
}
