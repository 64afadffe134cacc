/* Runs a fuzz target once on each file given, and on each file of each directory given: seeds are
 * tests under every compiler. Options of libFuzzer are skipped. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static int runs;

static int fail(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return EXIT_FAILURE;
}

static int run_file(const char *path)
{
    FILE *const f = fopen(path, "rb");
    uint8_t *const room = malloc(INPUT_MAX);
    if (f == NULL || room == NULL)
        return fail(path);
    const size_t len = fread(room, 1, INPUT_MAX, f);
    fclose(f);
    uint8_t *const exact = malloc(len > 0 ? len : 1); /* a sanitizer sees one byte too many */
    if (exact == NULL)
        return fail(path);
    memcpy(exact, room, len);
    free(room);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    runs++;
    return EXIT_SUCCESS;
}

static int run_directory(const char *path)
{
    DIR *const d = opendir(path);
    int failed = d == NULL ? fail(path) : EXIT_SUCCESS;
    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.' && run_file(file) != EXIT_SUCCESS)
            failed = EXIT_FAILURE;
    }
    if (d != NULL)
        closedir(d);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = EXIT_SUCCESS;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (argv[i][0] == '-')
            continue;
        if (stat(argv[i], &st) != 0)
            return fail(argv[i]);
        if ((S_ISDIR(st.st_mode) ? run_directory : run_file)(argv[i]) != EXIT_SUCCESS)
            failed = EXIT_FAILURE;
    }
    printf("%d inputs\n", runs);
    return runs == 0 ? EXIT_FAILURE : failed;
}
