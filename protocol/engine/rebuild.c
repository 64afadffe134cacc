/* The store again, from the journal alone. */
#include "engine/internal.h"
#include "mereau/check.h"

enum mr_status mr_rebuild(const struct mr_check *c, uint32_t node, uint64_t until)
{
    struct mr_engine *e;
    const struct mr_engine_config config = {.charter = c->charter,
                                            .node = node,
                                            .software = "rebuild",
                                            .store = c->store,
                                            .journal = c->journal,
                                            .mem = c->mem,
                                            .read_only = true,
                                            .until = until,
                                            .progress = c->progress,
                                            .progress_ctx = c->progress_ctx};
    enum mr_status st = mr_engine_create(&e, &config);
    if (st != MR_OK)
        return st;
    st = mri_flush_now(e);
    mr_engine_destroy(e);
    return st;
}
