/* How the node and the currency are, in words; and stopping the node. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "admin/cmd.h"
#include "common/amount_text.h"
#include "common/ledger_words.h"
#include "common/witnesses.h"
#include "mereau/order.h"
#include "storage/lock.h"

enum { LAST_BACKUP_MAX = 8192, STOP_POLL_MS = 20 };

/* reserve / issued in hundredths of a percent, rounded down; both are at most 2^52. */
static uint64_t coverage_points(uint64_t reserve, uint64_t issued)
{
    uint64_t points = reserve / issued, rest = reserve % issued;
    for (int i = 0; i < 4; i++) {
        rest *= 10;
        points = points * 10 + rest / issued;
        rest %= issued;
    }
    return points;
}

static const char *mode_words(const struct admin *a, const struct mr_rep_node *n)
{
    const enum mr_status mode = mr_status_from_number(n->mode);
    if (mode == MR_ABSTAINING && a->charter->nodes_count > 1)
        return _("IT ABSTAINS: its memory may be older than what others hold; it signs nothing");
    if (mode == MR_OK)
        return _("it works");
    if (mode == MR_ABSTAINING)
        return _("IT ABSTAINS: its memory may be older than what others hold; nothing settles");
    if (mode == MR_DISK_FULL)
        return _("THE DISK IS FULL: it takes no new orders");
    return mode == MR_STOPPING ? _("it is stopping") : status_sentence(mode);
}

/* What anybody is told. */
static void print_public(struct admin *a, const struct mr_rep_node *n)
{
    out_text(a->out, "software", n->software);
    out_text(a->out, "mode", mr_status_name(mr_status_from_number(n->mode)));
    out_print(a->out, _("Currency:     %s\n"), a->charter->name);
}

static void print_node(struct admin *a, const struct mr_rep_node *n)
{
    struct out *out = a->out;
    out_int(out, "started_ms", (int64_t)n->started_ms);
    out_int(out, "accounts", (int64_t)n->accounts);
    out_int(out, "settled", (int64_t)n->settled);
    out_int(out, "parked", (int64_t)n->parked);
    out_int(out, "requests", (int64_t)n->requests);
    out_int(out, "sessions", (int64_t)n->sessions);
    out_int(out, "checkpoints", (int64_t)n->checkpoints);
    out_int(out, "turn", (int64_t)n->turn);
    out_int(out, "flushed_turn", (int64_t)n->flushed_turn);
    out_int(out, "leaves", (int64_t)n->leaves);
    out_print(out, _("Node:         %s, running since %s: %s\n"), n->software,
              admin_time(n->started_ms), mode_words(a, n));
    out_print(out, _("Accounts:     %llu, orders settled: %llu, orders that wait: %llu\n"),
              (unsigned long long)n->accounts, (unsigned long long)n->settled,
              (unsigned long long)n->parked);
    out_print(out, _("Ask to join:  %llu\n"), (unsigned long long)n->requests);
}

/* A line an association, where there are several: who issued how much, and against what. */
static void print_each(struct admin *a, const struct mr_rep_node *n)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < a->charter->associations_count && i < n->issued_count &&
                         i < n->reserve_count && i < n->redeemed_count;
         i++) {
        const struct mr_association *each = &a->charter->associations[i];
        const struct mr_unit *mirror = &a->charter->units[1];
        char reserve[AMOUNT_PEOPLE_MAX];
        amount_text(reserve, n->reserve[i].minor, mirror->decimals, mirror->code);
        json_array_append_new(rows,
                              json_pack("{s:s,s:s,s:I,s:I,s:I}", "association", each->name, "alias",
                                        each->alias, "issued_minor", (json_int_t)n->issued[i].minor,
                                        "reserve_minor", (json_int_t)n->reserve[i].minor,
                                        "redeemed_minor", (json_int_t)n->redeemed[i].minor));
        if (a->charter->associations_count > 1)
            out_print(a->out, _("              %s: %s outstanding, %s in reserve\n"), each->name,
                      admin_amount(a, n->issued[i].minor), reserve);
    }
    out_json(a->out, "associations", rows);
}

static void print_money(struct admin *a, const struct mr_rep_node *n)
{
    struct out *out = a->out;
    const struct mr_unit *mirror = &a->charter->units[1];
    char reserve_text[AMOUNT_PEOPLE_MAX];
    uint64_t issued = 0, reserve = 0, redeemed = 0;
    for (uint32_t i = 0; i < n->issued_count; i++)
        issued += n->issued[i].minor > 0 ? (uint64_t)n->issued[i].minor : 0;
    for (uint32_t i = 0; i < n->reserve_count; i++)
        reserve += n->reserve[i].minor > 0 ? (uint64_t)n->reserve[i].minor : 0;
    for (uint32_t i = 0; i < n->redeemed_count; i++)
        redeemed += n->redeemed[i].minor > 0 ? (uint64_t)n->redeemed[i].minor : 0;
    out_int(out, "issued_minor", (int64_t)issued);
    out_int(out, "reserve_minor", (int64_t)reserve);
    out_int(out, "redeemed_minor", (int64_t)redeemed);
    amount_text(reserve_text, (int64_t)reserve, mirror->decimals, mirror->code);
    out_print(out, _("Outstanding:  %s\nReserve:      %s\n"), admin_amount(a, (int64_t)issued),
              reserve_text);
    print_each(a, n);
    if (issued > 0) {
        const uint64_t points = coverage_points(reserve, issued);
        out_int(out, "coverage_basis_points", (int64_t)points);
        out_print(out, _("Coverage:     %llu%c%02llu %%\n"), (unsigned long long)points / 100,
                  i18n_decimal_separator(), (unsigned long long)points % 100);
    }
    out_print(out, _("              The ledger proves that books and units agree. What is in the "
                     "bank, bank\n              statements and the municipality prove.\n"));
    out_print(out, _("Redemptions:  %s given back and not yet paid out\n"),
              admin_amount(a, (int64_t)redeemed));
}

static void print_tolerance(struct admin *a)
{
    const unsigned n = a->charter->nodes_count, q = a->charter->quorum;
    char words[TOLERANCE_MAX];
    tolerance_words(words, n - q, 2 * q - n - 1, false);
    out_int(a->out, "nodes", n);
    out_int(a->out, "quorum", q);
    out_int(a->out, "nodes_may_lie", 2 * q - n - 1);
    out_int(a->out, "nodes_may_be_down", n - q);
    if (n == 1)
        out_print(a->out,
                  _("Tolerance:    one node: its word alone counts, and when it is down nothing is "
                    "paid\n"));
    else
        out_print(a->out,
                  _("Tolerance:    %s; \"mereau-admin %s federation status\" says how it is now\n"),
                  words, admin_place(a));
}

/* Time and size of the newest head that a witness cosigned; false: none. */
static bool cosigned_last(const struct mr_rep_cosigned *r, const uint8_t key[MR_KEY_BYTES],
                          uint64_t *ret_size, uint64_t *ret_ms)
{
    bool found = false;
    for (uint32_t i = 0; i < r->heads_count; i++)
        for (uint32_t k = 0; k < r->heads[i].cosignatures_count; k++) {
            const struct mr_cosignature *const c = &r->heads[i].cosignatures[k];
            if (memcmp(c->key, key, MR_KEY_BYTES) != 0 || (found && c->time_s * 1000 < *ret_ms))
                continue;
            found = true;
            *ret_size = r->heads[i].head.size;
            *ret_ms = c->time_s * 1000;
        }
    return found;
}

static void print_cosigned(struct admin *a, const struct mr_witness_set *set, json_t *rows)
{
    for (uint32_t i = 0; i < set->members_count; i++) {
        uint64_t size = 0, ms = 0;
        const bool found =
            cosigned_last(&a->reply->body.u.cosigned, set->members[i].key.key, &size, &ms);
        json_t *const row = json_array_get(rows, i);
        json_object_set_new(row, "cosigned_ms", json_integer((json_int_t)ms));
        json_object_set_new(row, "cosigned_size", json_integer((json_int_t)size));
        if (found)
            out_print(a->out, _("              %s: cosigned %llu leaves on %s\n"),
                      set->members[i].name, (unsigned long long)size, admin_time(ms));
        else
            out_print(a->out, _("              %s: HAS COSIGNED NOTHING since the node started\n"),
                      set->members[i].name);
    }
}

/* Whom the charter names, and when each cosigned this node last. */
static void print_witnesses(struct admin *a)
{
    const struct mr_witness_set *const set = &a->charter->witnesses;
    char text[WITNESSES_TEXT_MAX];
    witnesses_text(text, set);
    out_print(a->out, _("Witnesses:    %s\n"), text);
    json_t *const o = witnesses_json(set);
    *a->ask = (struct mr_request_body){.kind = MR_REQ_COSIGNED};
    if (set->members_count > 0 && admin_call(a) == MR_OK)
        print_cosigned(a, set, json_object_get(o, "members"));
    out_json(a->out, "witnesses", o);
}

static void print_disk(struct admin *a)
{
    struct statvfs fs;
    if (a->data[0] == '\0' || statvfs(a->data, &fs) != 0)
        return;
    const uint64_t mib = (uint64_t)fs.f_bavail * fs.f_frsize / (1 << 20);
    out_int(a->out, "disk_free_mib", (int64_t)mib);
    out_print(a->out, _("Disk:         %llu MiB free\n"), (unsigned long long)mib);
}

static void print_backup(struct admin *a)
{
    char path[FILE_PATH_MAX];
    uint8_t *text = NULL;
    size_t len;
    if (a->data[0] == '\0' || path_join(path, a->data, "last-backup") != MR_OK)
        return;
    const bool known = file_read(&text, &len, path, LAST_BACKUP_MAX) == MR_OK;
    const unsigned long long ms = known ? strtoull((const char *)text, NULL, 10) : 0;
    out_int(a->out, "last_backup_ms", (int64_t)ms);
    if (ms > 0)
        out_print(a->out, _("Last backup:  %s\n"), admin_time(ms));
    else if (a->charter->nodes_count > 1)
        out_print(a->out,
                  _("Last backup:  none. The other nodes hold the ledger; the register of members "
                    "and the keys\n              are here alone: see \"mereau-admin backup "
                    "--help\"\n"));
    else
        out_print(a->out,
                  _("Last backup:  none. With one node, what is not copied is lost with its disk: "
                    "see \"mereau-admin backup --help\"\n"));
    free(text);
}

/* Its time stands on the nodes' own chain. */
static void print_checkpoint(struct admin *a, uint64_t count)
{
    a->ask->kind = MR_REQ_ACCOUNT;
    mr_sub_account(a->ask->u.account.account, NULL, MR_CLASS_CHECKPOINTS);
    if (count > 0 && admin_call(a) == MR_OK) {
        const uint64_t ms = a->reply->body.u.account.hot.chain.time_ms;
        out_int(a->out, "last_checkpoint_ms", (int64_t)ms);
        out_print(a->out, _("Checkpoints:  %llu, the last one of %s\n"), (unsigned long long)count,
                  admin_time(ms));
    } else {
        out_print(a->out, _("Checkpoints:  %llu\n"), (unsigned long long)count);
    }
}

/* Through local control no key is needed; elsewhere an operator proves one to be told all. */
static enum mr_status ask_node(struct admin *a, struct command *c, struct out *out)
{
    const unsigned key = opt_text(c, "node") != NULL && opt_flag(c, "key") ? NEED_KEY : 0;
    enum mr_status st = admin_begin(a, c, out, NEED_CHARTER | NEED_NODE | key);
    if (st == MR_OK && a->signer != NULL) {
        st = admin_need_operator(a);
        admin_as(a, a->desk);
    }
    if (st != MR_OK)
        return st;
    a->ask->kind = MR_REQ_NODE;
    a->ask->u.node.reserved = 0;
    st = admin_call(a);
    return st == MR_OK ? st : admin_call_failed(a, st);
}

static void print_all(struct admin *a, const struct mr_rep_node *n)
{
    print_node(a, n);
    print_money(a, n);
    print_tolerance(a);
    print_checkpoint(a, n->checkpoints);
    print_witnesses(a);
    print_disk(a);
    print_backup(a);
}

void cmd_status(struct command *c, struct out *out)
{
    struct admin a;
    if (ask_node(&a, c, out) == MR_OK) {
        const struct mr_rep_node n = a.reply->body.u.node;
        out_text(out, "currency", a.charter->name);
        out_text(out, "ledger", admin_hex(a.ledger));
        print_public(&a, &n);
        if (n.issued_count >= a.charter->associations_count) {
            print_all(&a, &n);
        } else {
            out_print(out, _("Node:         %s: %s\n"), n.software, mode_words(&a, &n));
            print_tolerance(&a);
            print_witnesses(&a);
            out_print(out, _("The node tells the rest to operators only: give --key FILE, an "
                             "operator's key file.\n"));
        }
    }
    admin_end(&a);
}

/* --- stop --------------------------------------------------------------------------------------
 */

/* The directory's lock is free once the process has ended. */
static enum mr_status wait_for_end(struct admin *a)
{
    const uint64_t deadline = admin_now_ms() + (uint64_t)a->c->timeout_ms;
    for (;;) {
        struct dir_lock *lock = NULL;
        const enum mr_status st = lock_take(&lock, a->data, NULL);
        lock_release(lock);
        if (st == MR_OK)
            return st;
        if (st != MR_IN_USE)
            return out_fail(a->out, st, NULL);
        if (admin_now_ms() > deadline)
            return out_fail(a->out, MR_NO_ANSWER, _("the node was told to stop and still runs"));
        poll(NULL, 0, STOP_POLL_MS);
    }
}

void cmd_stop(struct command *c, struct out *out)
{
    struct admin a;
    enum mr_status st = admin_begin(&a, c, out, NEED_CHARTER | NEED_NODE | NEED_DATA);
    if (st == MR_OK) {
        a.ask->kind = MR_REQ_CONTROL;
        a.ask->u.control.what = MR_CONTROL_STOP;
        st = admin_call(&a);
        if (st == MR_UNREACHABLE && a.local) {
            out_status(out, MR_ALREADY_DONE);
            out_print(out, _("The node does not run.\n"));
        } else if (st != MR_OK && st != MR_STOPPING && st != MR_NO_ANSWER) {
            admin_call_failed(&a, st);
        } else if (wait_for_end(&a) == MR_OK) {
            out_print(out, _("The node has stopped.\n"));
        }
    }
    admin_end(&a);
}
