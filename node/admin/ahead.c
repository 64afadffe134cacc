#include "admin/ahead.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/link.h"
#include "mereau/handover.h"

enum { ANSWER_MS = 2000 };

/* One node, asked on a thread of its own. */
struct asking {
    pthread_t thread;
    bool begun;
    const struct admin *a; /* read only, as long as the threads run */
    const char *address;
    uint32_t own;
    struct ahead says;
};

static bool has_seat(const struct mr_handover *h, uint32_t number)
{
    const struct mr_next_epoch *const next = mr_handover_seats(h);
    if (next == NULL) /* a RESTART goes on with the one node there is */
        return true;
    for (uint32_t i = 0; i < next->seats_count; i++)
        if (next->seats[i].node.number == number)
            return true;
    return false;
}

/* Where somebody is in a later epoch, the first step towards it is asked for, and verified. */
static void look(struct asking *x, struct link *link, struct mr_reply *reply,
                 struct mr_request_body *ask)
{
    const struct admin *const a = x->a;
    const struct mr_handover *h;
    *ask = (struct mr_request_body){.kind = MR_REQ_NODE};
    if (link_call(link, reply, ask) != MR_OK)
        return;
    const uint32_t epoch = reply->body.u.node.epoch;
    if (epoch <= a->epochs.count + 1 || epochs_ask(&a->epochs, &h, link, reply, ask) != MR_OK ||
        epochs_check(&a->epochs, a->genesis, a->charter, h) != MR_OK)
        return;
    x->says = (struct ahead){.epoch = epoch, .without = !has_seat(h, x->own)};
}

static void *run(void *arg)
{
    struct asking *const x = arg;
    const struct link_config config = {
        .address = x->address, .ledger = x->a->ledger, .timeout_ms = ANSWER_MS};
    struct link *link = NULL;
    struct mr_reply *const reply = malloc(sizeof *reply);
    struct mr_request_body *const ask = malloc(sizeof *ask);
    if (reply != NULL && ask != NULL && link_open(&link, &config) == MR_OK)
        look(x, link, reply, ask);
    link_close(link);
    free(ask);
    free(reply);
    return NULL;
}

void ahead_ask(struct ahead ret[MR_NODES_MAX], const struct admin *a, uint64_t which, uint32_t own)
{
    struct asking all[MR_NODES_MAX] = {0};
    const uint32_t count = a->charter->nodes_count;
    for (uint32_t i = 0; i < count; i++) {
        all[i] = (struct asking){.a = a, .address = a->charter->nodes[i].address, .own = own};
        if ((which >> i & 1) != 0)
            all[i].begun = pthread_create(&all[i].thread, NULL, run, &all[i]) == 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].begun)
            pthread_join(all[i].thread, NULL);
        ret[i] = all[i].says;
    }
}

int ahead_find(struct ahead *ret, const struct admin *a, uint32_t own)
{
    struct ahead says[MR_NODES_MAX];
    uint64_t which = 0;
    int best = -1;
    for (uint32_t i = 0; i < a->charter->nodes_count; i++)
        if (a->charter->nodes[i].number != own)
            which |= UINT64_C(1) << i;
    ahead_ask(says, a, which, own);
    *ret = (struct ahead){0};
    for (uint32_t i = 0; i < a->charter->nodes_count; i++)
        if (says[i].epoch > ret->epoch) {
            *ret = says[i];
            best = (int)i;
        }
    return best;
}

enum mr_status ahead_fail(struct admin *a, uint32_t here, const struct ahead *x,
                          const char *address)
{
    if (x->without)
        return out_fail(a->out, MR_EPOCH_MISMATCH,
                        _("%s is a node's already, in epoch %u, and the others are in epoch %u: "
                          "they went on without this node, as governance decided. Stop it; its "
                          "directory stays a record of the time in which it was one. Its "
                          "association comes back with a new node: \"mereau-admin --node %s "
                          "federation rekey NEWDATA\""),
                        a->data, here, x->epoch, address);
    return out_fail(a->out, MR_EPOCH_MISMATCH,
                    _("%s is a node's already, in epoch %u, and the others are in epoch %u. Start "
                      "it: it follows by itself within a minute. Where it stays behind, stop it, "
                      "set the directory aside, and make a new one: \"mereau-admin --node %s "
                      "federation rekey %s\""),
                    a->data, here, x->epoch, address, a->data);
}

enum mr_status ahead_gone(struct admin *a, uint32_t number)
{
    return out_fail(a->out, MR_NOT_FOUND,
                    _("node %u is not one of the nodes any more. Stop it; its association comes "
                      "back with a new node: \"mereau-admin --node HOST:PORT federation rekey "
                      "NEWDATA\", HOST:PORT being one of the nodes"),
                    number);
}
