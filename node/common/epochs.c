#include "common/epochs.h"

#include <stdlib.h>

#include "common/file.h"
#include "mereau/codec.h"

enum { BYTES_MAX = MR_HANDOVERS_MAX * MR_FRAME_MAX };

const char epochs_file[] = "epochs.mrh";

enum mr_status epochs_add(struct epochs *e, const struct mr_handover *h)
{
    if (e->count == MR_HANDOVERS_MAX)
        return MR_FULL;
    struct mr_handover *const more = reallocarray(e->items, e->count + 1, sizeof *more);
    if (more == NULL)
        return MR_NO_MEMORY;
    e->items = more;
    e->items[e->count++] = *h;
    return MR_OK;
}

void epochs_done(struct epochs *e)
{
    free(e->items);
    *e = (struct epochs){.count = 0};
}

static enum mr_status take(struct epochs *ret, const uint8_t *bytes, size_t len)
{
    struct mr_handover *const h = malloc(sizeof *h);
    enum mr_status st = h != NULL ? MR_OK : MR_NO_MEMORY;
    for (size_t at = 0, used; st == MR_OK && at < len; at += used) {
        st = mr_handover_decode_first(h, &used, bytes + at, len - at);
        if (st == MR_OK)
            st = epochs_add(ret, h);
        else
            st = MR_DAMAGED;
    }
    free(h);
    return st;
}

enum mr_status epochs_read(struct epochs *ret, const char *dir)
{
    char path[FILE_PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    *ret = (struct epochs){.count = 0};
    enum mr_status st = path_join(path, dir, epochs_file);
    if (st == MR_OK)
        st = file_read(&bytes, &len, path, BYTES_MAX);
    if (st == MR_NO_SUCH_FILE)
        return MR_OK;
    if (st == MR_OK)
        st = take(ret, bytes, len);
    free(bytes);
    return st;
}

enum mr_status epochs_write(const struct epochs *e, const char *dir)
{
    char path[FILE_PATH_MAX];
    size_t len = 0, at = 0;
    for (uint32_t i = 0; i < e->count; i++)
        len += mr_handover_size(&e->items[i]);
    uint8_t *const bytes = malloc(len + 1);
    enum mr_status st = bytes != NULL ? path_join(path, dir, epochs_file) : MR_NO_MEMORY;
    for (uint32_t i = 0; st == MR_OK && i < e->count; i++)
        at += mr_handover_encode(&e->items[i], bytes + at, len - at);
    if (st == MR_OK)
        st = file_write(path, bytes, len, 0600, true);
    free(bytes);
    return st;
}
