/** Figures of a publication, as a reader of its figures.csv has them. */
#ifndef MEREAU_TESTS_AUDIT_FIGURES_READ_H
#define MEREAU_TESTS_AUDIT_FIGURES_READ_H

#include <stdbool.h>
#include <stddef.h>

enum { FIGURE_TEXT_MAX = 64, FIGURE_LINES_MAX = 4096 };

struct figure_line {
    char id[FIGURE_TEXT_MAX], of[FIGURE_TEXT_MAX], from[FIGURE_TEXT_MAX], row[FIGURE_TEXT_MAX],
        column[FIGURE_TEXT_MAX], value[FIGURE_TEXT_MAX], state[FIGURE_TEXT_MAX];
};

/** Those that were read last. */
extern struct figure_line figure_lines[FIGURE_LINES_MAX];
extern size_t figure_lines_count;

/** Path within program_dir. No field has a comma or a quote. ck_asserts. */
void figures_read(const char *path);

/** Whether the first one of these has a value; ck_asserts that it is there. */
bool figures_shown(const char *id, const char *of, const char *from);

#endif
