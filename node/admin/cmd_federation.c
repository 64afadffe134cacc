/* How the federation is, as one of its nodes sees it, and what to do; and the evidence it holds. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/ahead.h"
#include "admin/cmd.h"
#include "admin/federation.h"
#include "common/ledger_words.h"
#include "mereau/codec.h"

enum { WORDS_MAX = 1024, NAME_TEXT = 160, NUMBER_TEXT = 32 };

/* Everything that one status is made of; the replies are large. */
struct watch {
    struct admin a;
    struct mr_rep_node node;
    struct mr_rep_peers peers;
    struct federation_view view;
};

/* --- asking ------------------------------------------------------------------------------------
 */

/* Through local control no key is needed; elsewhere an operator proves one. */
static enum mr_status begin(struct admin *a, struct command *c, struct out *out)
{
    const unsigned key = opt_text(c, "node") != NULL ? NEED_KEY : 0;
    enum mr_status st = admin_begin(a, c, out, NEED_CHARTER | NEED_NODE | key);
    if (st == MR_OK && a->signer != NULL) {
        st = admin_need_operator(a);
        admin_as(a, a->desk);
    }
    return st;
}

static enum mr_status ask(struct admin *a, enum mr_request_kind kind)
{
    *a->ask = (struct mr_request_body){.kind = kind};
    const enum mr_status st = admin_call(a);
    return st == MR_OK ? st : admin_call_failed(a, st);
}

/* It cannot be reached, nor asked. */
static bool is_gone(const struct watch *w, uint32_t node)
{
    for (uint32_t i = 0; i < w->view.troubles_count; i++) {
        const struct trouble *const t = &w->view.troubles[i];
        if (t->node == node && t->kind == TROUBLE_AWAY)
            return t->status == MR_OK || t->status == MR_UNREACHABLE || t->status == MR_NO_ANSWER;
    }
    return false;
}

/* It says nothing here, does not take this node for one of the others, or speaks of another epoch.
 */
static bool may_be_ahead(const struct watch *w, uint32_t node)
{
    for (uint32_t i = 0; i < w->view.troubles_count; i++) {
        const struct trouble *const t = &w->view.troubles[i];
        if (t->node == node && (t->kind == TROUBLE_MUTE || t->kind == TROUBLE_AWAY))
            return true;
    }
    for (uint32_t i = 0; i < w->peers.peers_count; i++)
        if (w->peers.peers[i].node == node)
            return mr_status_from_number(w->peers.peers[i].trouble) == MR_WRONG_EPOCH;
    return false;
}

/* Who may be in an epoch that this node has not reached: where one may, the others may, too. */
static void look_ahead(struct watch *w)
{
    const struct mr_charter *const c = w->a.charter;
    struct ahead says[MR_NODES_MAX];
    uint64_t which = 0;
    bool any = false;
    for (uint32_t k = 0; k < c->nodes_count; k++) {
        const uint32_t number = c->nodes[k].number;
        if (number == w->peers.node || is_gone(w, number))
            continue;
        any = any || may_be_ahead(w, number);
        which |= UINT64_C(1) << k;
    }
    if (!any)
        return;
    ahead_ask(says, &w->a, which, w->peers.node);
    for (uint32_t k = 0; k < c->nodes_count; k++)
        if (says[k].epoch > w->peers.epoch)
            federation_ahead(&w->view, c->nodes[k].number, says[k].epoch, says[k].without);
}

static enum mr_status ask_all(struct watch *w)
{
    enum mr_status st = ask(&w->a, MR_REQ_NODE);
    if (st != MR_OK)
        return st;
    w->node = w->a.reply->body.u.node;
    st = ask(&w->a, MR_REQ_PEERS);
    if (st != MR_OK)
        return st;
    w->peers = w->a.reply->body.u.peers;
    if (w->peers.epoch > w->a.epochs.count + 1) /* the file of the directory comes behind */
        st = admin_ask_epochs(&w->a);
    if (st != MR_OK)
        return st;
    federation_look(&w->view, &w->node, &w->peers);
    if (federation_trouble(&w->view, TROUBLE_UNKEPT) != NULL)
        w->peers.mode = w->node.mode; /* it changes: what keeps it from that is told beside */
    look_ahead(w);
    return MR_OK;
}

/* --- words -------------------------------------------------------------------------------------
 */

static const struct mr_association *who(const struct watch *w, uint32_t node)
{
    const struct mr_charter *c = w->a.charter;
    const struct mr_node *n = admin_node_of(c, node);
    return n != NULL ? admin_association_of(c, n) : NULL;
}

/* "node 3 (Association du Port)" */
static const char *node_name(const struct watch *w, uint32_t node, char text[NAME_TEXT])
{
    const struct mr_association *a = who(w, node);
    if (a == NULL)
        snprintf(text, NAME_TEXT, _("node %u"), node);
    else
        snprintf(text, NAME_TEXT, _("node %u (%s)"), node, a->name);
    return text;
}

static const char *peer_address(const struct watch *w, uint32_t node)
{
    const struct mr_charter *c = w->a.charter;
    const struct mr_node *n = admin_node_of(c, node);
    return n != NULL ? n->peer_address : "?";
}

/* 2440 is "2.4". */
static const char *seconds(uint64_t ms, char text[NUMBER_TEXT])
{
    snprintf(text, NUMBER_TEXT, "%" PRIu64 "%c%u", ms / 1000, i18n_decimal_separator(),
             (unsigned)(ms % 1000 / 100));
    return text;
}

static uint64_t size_of(int64_t ms)
{
    return (uint64_t)(ms < 0 ? -ms : ms);
}

static uint64_t age_ms(const struct watch *w, uint64_t time_ms)
{
    return w->node.time_ms > time_ms ? w->node.time_ms - time_ms : 0;
}

static void away_words(char ret[WORDS_MAX], const struct watch *w, const struct trouble *t)
{
    char name[NAME_TEXT];
    const char *why = t->status != MR_OK ? status_sentence(t->status) : _("it is not known why");
    node_name(w, t->node, name);
    if (t->time_ms == 0)
        snprintf(ret, WORDS_MAX, _("%s has not answered since this node started: %s"), name, why);
    else
        snprintf(ret, WORDS_MAX, _("%s does not answer; it did last on %s (UTC): %s"), name,
                 admin_time(t->time_ms), why);
}

static void lag_words(char ret[WORDS_MAX], const struct watch *w, const struct trouble *t)
{
    char name[NAME_TEXT], age[NUMBER_TEXT];
    snprintf(ret, WORDS_MAX,
             t->kind == TROUBLE_LAGS
                 ? _("%s lags: it lacks %llu leaves of this node's log; its last head is %s s old")
                 : _("this node lags behind %s: it lacks %llu leaves of its log; the last head is "
                     "%s s old"),
             node_name(w, t->node, name), (unsigned long long)t->leaves,
             seconds(age_ms(w, t->time_ms), age));
}

static void clock_words(char ret[WORDS_MAX], const struct watch *w, const struct trouble *t)
{
    char name[NAME_TEXT], off[NUMBER_TEXT];
    seconds(size_of(t->offset_ms), off);
    node_name(w, t->node, name);
    if (t->kind == TROUBLE_OWN_CLOCK)
        snprintf(ret, WORDS_MAX,
                 t->offset_ms > 0 ? _("this machine's clock is %s s ahead of all others")
                                  : _("this machine's clock is %s s behind all others"),
                 off);
    else
        snprintf(ret, WORDS_MAX,
                 t->offset_ms > 0 ? _("the clock of %s is %s s ahead of this one")
                                  : _("the clock of %s is %s s behind this one"),
                 name, off);
}

static void mode_words(char ret[WORDS_MAX], const struct watch *w, const struct trouble *t)
{
    if (t->leaves == 0)
        snprintf(ret, WORDS_MAX, _("this node: %s"), status_sentence(t->status));
    else
        snprintf(ret, WORDS_MAX,
                 ngettext("this node: it has started, and signs nothing before enough nodes "
                          "answer: %llu works, and it takes %u",
                          "this node: it has started, and signs nothing before enough nodes "
                          "answer: %llu work, and it takes %u",
                          t->leaves),
                 (unsigned long long)t->leaves, w->view.quorum);
}

/* What the trouble is. */
static void trouble_words(char ret[WORDS_MAX], const struct watch *w, const struct trouble *t)
{
    char name[NAME_TEXT];
    node_name(w, t->node, name);
    switch (t->kind) {
    case TROUBLE_MODE:
        mode_words(ret, w, t);
        return;
    case TROUBLE_UNKEPT:
        snprintf(ret, WORDS_MAX,
                 _("this node stays in the epoch that ends: the copy of its last state cannot be "
                   "written (%s)"),
                 status_sentence(t->status));
        return;
    case TROUBLE_BROKEN:
        snprintf(ret, WORDS_MAX,
                 _("%u nodes are convicted, and the quorum bears %llu: what settled may contradict "
                   "itself"),
                 w->view.convicted, (unsigned long long)t->leaves);
        return;
    case TROUBLE_CONVICTED:
        snprintf(ret, WORDS_MAX, _("%s broke the rules, and its own log proves it"), name);
        return;
    case TROUBLE_AWAY:
        away_words(ret, w, t);
        return;
    case TROUBLE_MUTE:
        if (t->time_ms == 0)
            snprintf(ret, WORDS_MAX,
                     _("%s answers, and has signed nothing since this node started"), name);
        else
            snprintf(ret, WORDS_MAX, _("%s answers, and has signed nothing since %s (UTC)"), name,
                     admin_time(t->time_ms));
        return;
    case TROUBLE_LATER:
        snprintf(ret, WORDS_MAX,
                 t->without
                     ? _("%s is in epoch %llu, and this node in epoch %u: the others went on "
                         "without this node")
                     : _("%s is in epoch %llu, and this node in epoch %u"),
                 name, (unsigned long long)t->leaves, w->peers.epoch);
        return;
    case TROUBLE_LAGS:
    case TROUBLE_BEHIND:
        lag_words(ret, w, t);
        return;
    case TROUBLE_CLOCK:
    case TROUBLE_OWN_CLOCK:
        clock_words(ret, w, t);
        return;
    case TROUBLE_REFUSED:
        snprintf(ret, WORDS_MAX, _("%llu answers of %s were refused since the start: %s"),
                 (unsigned long long)t->leaves, name, status_sentence(t->status));
        return;
    case TROUBLE_WAITING:
        snprintf(ret, WORDS_MAX,
                 _("orders that are not settled here: %llu, the oldest since %s "
                   "(UTC)"),
                 (unsigned long long)t->leaves, admin_time(t->time_ms));
        return;
    }
}

static const char *mode_advice(enum mr_status mode, bool several, bool later)
{
    if (later && mode != MR_ABSTAINING && mode != MR_DISK_FULL && mode != MR_RETIRED)
        return _("the others are in a later epoch: what to do stands there");
    if (mode == MR_ABSTAINING && several)
        return _(
            "its memory may be older than what others hold: it reads on, and comes back with a "
            "new key: \"mereau-admin federation rekey --help\"");
    if (mode == MR_ABSTAINING)
        return _("its memory may be older than what others hold: see \"mereau-admin restore "
                 "--help\"");
    if (mode == MR_DISK_FULL)
        return _("make room on its disk; nothing is lost");
    if (mode == MR_NO_QUORUM)
        return _(
            "bring the nodes back that do not answer; nothing is lost meanwhile. Where they are "
            "lost for good: \"mereau-admin federation restart --help\"");
    if (mode == MR_RETIRED)
        return _("stop it when its members know another node; its directory stays a record of the "
                 "time in which it was one");
    return _("wait; it goes on by itself");
}

static void away_advice(char ret[WORDS_MAX], const struct watch *w, const struct trouble *t)
{
    const char *address = peer_address(w, t->node);
    if (t->status == MR_BAD_KEY || t->status == MR_NOT_AUTHORISED)
        snprintf(ret, WORDS_MAX,
                 _("it does not take this node for one of the others: perhaps the federation went "
                   "on without this node. Ask its association by telephone which epoch it is in; "
                   "this node is in epoch %u"),
                 w->peers.epoch);
    else if (t->status == MR_WRONG_NODE || t->status == MR_BAD_SIGNATURE)
        snprintf(ret, WORDS_MAX,
                 _("something else answers at %s: ask its association by telephone, and trust "
                   "nothing that comes from there"),
                 address);
    else if (t->status == MR_WRONG_LEDGER)
        snprintf(ret, WORDS_MAX,
                 _("the node at %s keeps another ledger: its association has to look at its data "
                   "directory"),
                 address);
    else
        snprintf(ret, WORDS_MAX,
                 _("ask its association whether its node runs, and whether %s can be reached from "
                   "here"),
                 address);
}

/* What to do about it. */
static void trouble_advice(char ret[WORDS_MAX], const struct watch *w, const struct trouble *t)
{
    const char *text = NULL;
    switch (t->kind) {
    case TROUBLE_MODE:
        text = mode_advice(t->leaves > 0 ? MR_NO_QUORUM : t->status, w->view.nodes > 1,
                           federation_trouble(&w->view, TROUBLE_LATER) != NULL);
        break;
    case TROUBLE_UNKEPT:
        text =
            _("make room on its disk, and see that the node may write to DATA/snapshots; then it "
              "goes on by itself within a minute");
        break;
    case TROUBLE_BROKEN:
        text = _("stop issuing and paying out, keep all evidence, and compare the books of all "
                 "nodes with mereau-audit");
        break;
    case TROUBLE_CONVICTED:
        snprintf(ret, WORDS_MAX,
                 _("write the proof down (mereau-admin %s federation evidence --out DIR), send it "
                   "to the other associations, and have governance replace the node"),
                 admin_place(&w->a));
        return;
    case TROUBLE_AWAY:
        away_advice(ret, w, t);
        return;
    case TROUBLE_MUTE:
        text = _("it does not count: its memory is in doubt, or its disk is full. Its association "
                 "looks at \"federation status\" there; a node in doubt comes back with a new key "
                 "(\"federation rekey\")");
        break;
    case TROUBLE_LATER:
        text = t->without
                   ? _("governance has decided so. Stop this node: its members pay through the "
                       "others, its directory stays a record of the time in which it was one, and "
                       "its association comes back with a new node: \"mereau-admin federation "
                       "rekey --help\"")
                   : _("this node follows by itself within a minute; where it stays behind, stop "
                       "it, set its directory aside, and make a new one with \"mereau-admin --node "
                       "HOST:PORT federation rekey DIR\", HOST:PORT being another node");
        break;
    case TROUBLE_LAGS:
        text = _("it catches up by itself; when the number grows, its machine or its line is too "
                 "slow: tell its association");
        break;
    case TROUBLE_BEHIND:
        text = _("it catches up by itself; when the number grows, look at this machine's load, "
                 "disk and line");
        break;
    case TROUBLE_CLOCK:
        text = _("both set their clock by a time server; \"timedatectl\" shows whether they do");
        break;
    case TROUBLE_OWN_CLOCK:
        text = _("set it by a time server: timedatectl set-ntp true");
        break;
    case TROUBLE_REFUSED:
        text = _("when the number grows, its software is of another version, or somebody sits on "
                 "the line: ask its association");
        break;
    case TROUBLE_WAITING:
        text = _("they go on when money, an earlier order or enough nodes are there; their owners "
                 "can cancel them");
        break;
    }
    snprintf(ret, WORDS_MAX, "%s", text != NULL ? text : "");
}

/* --- status ------------------------------------------------------------------------------------
 */

static void print_headline(struct watch *w)
{
    const struct federation_view *v = &w->view;
    struct out *out = w->a.out;
    char words[TOLERANCE_MAX];
    if (v->nodes == 1)
        out_print(out, _("Federation:  %s, one node. This is node %u, epoch %u.\n"),
                  w->a.charter->name, w->peers.node, w->peers.epoch);
    else
        out_print(out,
                  _("Federation:  %s, %u nodes, %u of them settle. This is node %u, epoch %u.\n"),
                  w->a.charter->name, v->nodes, v->quorum, w->peers.node, w->peers.epoch);
    if (w->peers.mode == (uint32_t)MR_RETIRED) {
        out_print(out, _("Now:         this node is not one of them any more; members pay through "
                         "the others\n"));
        return;
    }
    if (federation_trouble(v, TROUBLE_UNKEPT) != NULL) {
        out_print(out, _("Now:         the next epoch waits at this node: see below\n"));
        return;
    }
    if (w->peers.mode == (uint32_t)MR_CHANGING)
        out_print(out, _("Now:         the next epoch begins; orders wait for it, which takes some "
                         "seconds\n"));
    if (v->nodes == 1) {
        out_print(out,
                  _("Now:         one node: its word alone counts, and when it is down nothing "
                    "is paid\n"));
        return;
    }
    if (federation_trouble(v, TROUBLE_LATER) != NULL) {
        out_print(out, _("Now:         the others went on to a later epoch: see below\n"));
        return;
    }
    if (v->answering < v->quorum) {
        out_print(out,
                  ngettext("Now:         nothing settles: %u node works, and it takes %u\n",
                           "Now:         nothing settles: %u nodes work, and it takes %u\n",
                           v->answering),
                  v->answering, v->quorum);
        return;
    }
    if (!v->settles) {
        out_print(out, _("Now:         this node hears too few of the others, and nothing settles "
                         "here; right after a\n             start or a new epoch that takes some "
                         "seconds\n"));
        return;
    }
    tolerance_words(words, v->may_be_down, v->may_lie, v->answering < v->nodes);
    out_print(out, _("Now:         %s\n"), words);
    if (v->answering - v->doubtful < v->quorum)
        out_print(out, _("             and only as long as a node that is convicted goes on "
                         "voting\n"));
}

static const char *peer_state(const struct watch *w, const struct mr_peer_status *p)
{
    if (p->convicted)
        return _("CONVICTED");
    if (!p->connected)
        return _("away");
    return p->seen_ms + FEDERATION_SILENT_MS < w->node.time_ms ? _("silent") : _("answers");
}

static void add_row(struct watch *w, struct table *t, const struct mr_peer_status *p)
{
    const struct mr_association *a = who(w, p->node);
    char number[NUMBER_TEXT], lacks[NUMBER_TEXT], lacked[NUMBER_TEXT], off[NUMBER_TEXT],
        clock[NUMBER_TEXT + 8] = "-";
    snprintf(number, sizeof number, "%u", p->node);
    snprintf(lacks, sizeof lacks, "%" PRIu64,
             w->peers.leaves > p->sent ? w->peers.leaves - p->sent : 0);
    snprintf(lacked, sizeof lacked, "%" PRIu64,
             p->head_size > p->size ? p->head_size - p->size : 0);
    if (p->seen_ms > 0)
        snprintf(clock, sizeof clock, "%c%s s", p->offset_ms < 0 ? '-' : '+',
                 seconds(size_of(p->offset_ms), off));
    table_add(t, (const char *[]){number, a != NULL ? a->name : "?", peer_state(w, p), lacks,
                                  lacked, clock, p->seen_ms > 0 ? admin_time(p->seen_ms) : "-"});
}

static void print_peers(struct watch *w)
{
    const struct table_column columns[] = {{_("node"), true},        {_("association"), false},
                                           {_("state"), false},      {_("it lacks"), true},
                                           {_("lacked here"), true}, {_("its clock"), true},
                                           {_("answered"), false}};
    struct table *t = table_create(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; t != NULL && i < w->peers.peers_count; i++)
        add_row(w, t, &w->peers.peers[i]);
    out_print(w->a.out, "\n");
    table_print(w->a.out, t);
}

static void print_troubles(struct watch *w)
{
    const struct federation_view *v = &w->view;
    char words[WORDS_MAX], advice[WORDS_MAX];
    if (v->troubles_count == 0)
        return;
    out_print(w->a.out, _("\nWhat to look after:\n"));
    for (uint32_t i = 0; i < v->troubles_count; i++) {
        trouble_words(words, w, &v->troubles[i]);
        trouble_advice(advice, w, &v->troubles[i]);
        out_print(w->a.out, "  - %s\n", words);
        if (&v->troubles[i] == federation_trouble(v, TROUBLE_LATER) ||
            v->troubles[i].kind != TROUBLE_LATER) /* what is true of one of them is of all */
            out_print(w->a.out, "    %s\n", advice);
    }
}

static json_t *peer_to_json(const struct watch *w, const struct mr_peer_status *p)
{
    const struct mr_association *a = who(w, p->node);
    return json_pack("{s:I,s:s?,s:b,s:b,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "node",
                     (json_int_t)p->node, "association", a != NULL ? a->name : NULL, "connected",
                     (int)p->connected, "convicted", (int)p->convicted, "trouble",
                     mr_status_name(mr_status_from_number(p->trouble)), "seen_ms",
                     (json_int_t)p->seen_ms, "size", (json_int_t)p->size, "head_size",
                     (json_int_t)p->head_size, "head_ms", (json_int_t)p->head_ms, "sent",
                     (json_int_t)p->sent, "offset_ms", (json_int_t)p->offset_ms, "rtt_ms",
                     (json_int_t)p->rtt_ms, "refused", (json_int_t)p->refused);
}

static void put_fields(struct watch *w)
{
    const struct federation_view *v = &w->view;
    struct out *out = w->a.out;
    json_t *peers = json_array(), *troubles = json_array();
    for (uint32_t i = 0; i < w->peers.peers_count; i++)
        json_array_append_new(peers, peer_to_json(w, &w->peers.peers[i]));
    for (uint32_t i = 0; i < v->troubles_count; i++) {
        const struct trouble *t = &v->troubles[i];
        json_array_append_new(
            troubles, json_pack("{s:s,s:I,s:s,s:I,s:I,s:I}", "what", trouble_word(t->kind), "node",
                                (json_int_t)t->node, "status", mr_status_name(t->status), "count",
                                (json_int_t)t->leaves, "time_ms", (json_int_t)t->time_ms,
                                "offset_ms", (json_int_t)t->offset_ms));
    }
    out_text(out, "ledger", admin_hex(w->a.ledger));
    out_int(out, "node", w->peers.node);
    out_int(out, "nodes", v->nodes);
    out_int(out, "quorum", v->quorum);
    out_int(out, "epoch", w->peers.epoch);
    out_text(out, "mode", mr_status_name(mr_status_from_number(w->peers.mode)));
    out_int(out, "nodes_answering", v->answering);
    out_bool(out, "settles", v->settles);
    out_int(out, "nodes_may_be_down", v->may_be_down);
    out_int(out, "nodes_may_lie", v->may_lie);
    out_int(out, "nodes_convicted", v->convicted);
    out_int(out, "leaves", (int64_t)w->peers.leaves);
    out_int(out, "open", (int64_t)w->peers.open);
    out_int(out, "oldest_ms", (int64_t)w->peers.oldest_ms);
    out_int(out, "evidence", (int64_t)w->peers.evidence);
    out_json(out, "peers", peers);
    out_json(out, "troubles", troubles);
}

void cmd_federation_status(struct command *c, struct out *out)
{
    struct watch *w = calloc(1, sizeof *w);
    if (w == NULL) {
        out_fail(out, MR_NO_MEMORY, NULL);
        return;
    }
    enum mr_status st = begin(&w->a, c, out);
    if (st == MR_OK)
        st = ask_all(w);
    if (st == MR_OK) {
        put_fields(w);
        print_headline(w);
        if (w->peers.peers_count > 0)
            print_peers(w);
        print_troubles(w);
    }
    admin_end(&w->a);
    free(w);
}

/* --- evidence ----------------------------------------------------------------------------------
 */

const struct option_row evidence_options[] = {
    {"out", 0, N_("DIR"), N_("write each piece to a file there, for anybody to verify")},
    {NULL, 0, NULL, NULL},
};

/* A head of the node that it convicts. */
static const struct mr_head *convicting(const struct mr_evidence *e)
{
    return e->body.kind == MR_EVIDENCE_FORK ? &e->body.u.fork.newer : &e->body.u.leaves.second.head;
}

/* A piece that was written before has to be the same. */
static enum mr_status write_piece(struct admin *a, const struct mr_evidence *e, const char *path)
{
    size_t len, earlier_len = 0;
    uint8_t *const bytes = epochs_evidence(&a->epochs, e, convicting(e)->epoch, &len);
    uint8_t *earlier = NULL;
    if (bytes == NULL)
        return out_fail(a->out, MR_NO_MEMORY, NULL);
    enum mr_status st = file_write(path, bytes, len, 0644, false);
    if (st == MR_FILE_EXISTS && file_read(&earlier, &earlier_len, path, len) == MR_OK &&
        earlier_len == len && memcmp(earlier, bytes, len) == 0)
        st = MR_OK;
    free(earlier);
    free(bytes);
    if (st == MR_FILE_EXISTS)
        return out_fail(a->out, st, _("%s exists already, with something else in it"), path);
    return st == MR_OK
               ? st
               : out_fail(a->out, st, _("%s cannot be written: %s"), path, status_sentence(st));
}

static enum mr_status take_piece(struct watch *w, const struct mr_evidence *e, uint64_t number,
                                 json_t *rows)
{
    const char *dir = opt_text(w->a.c, "out");
    const uint32_t node = convicting(e)->node;
    char name[64], path[FILE_PATH_MAX] = "", text[NAME_TEXT];
    snprintf(name, sizeof name, "evidence-%" PRIu64 "-node%u.mre", number, node);
    enum mr_status st = dir != NULL ? path_join(path, dir, name) : MR_OK;
    if (st != MR_OK)
        return out_fail(w->a.out, MR_USAGE, NULL);
    if (memcmp(e->ledger, w->a.ledger, sizeof e->ledger) != 0)
        return out_fail(w->a.out, MR_WRONG_LEDGER, NULL);
    if (dir != NULL)
        st = write_piece(&w->a, e, path);
    if (st != MR_OK)
        return st;
    json_array_append_new(rows,
                          json_pack("{s:I,s:I,s:s,s:s?}", "number", (json_int_t)number, "node",
                                    (json_int_t)node, "kind", mr_evidence_kind_text(e->body.kind),
                                    "file", dir != NULL ? path : NULL));
    out_print(w->a.out,
              e->body.kind == MR_EVIDENCE_FORK ? _("%llu: %s showed two histories of its log\n")
                                               : _("%llu: %s contradicted itself in its log\n"),
              (unsigned long long)number, node_name(w, node, text));
    if (dir != NULL)
        out_print(w->a.out, "   %s\n", path);
    return MR_OK;
}

static enum mr_status take_all(struct watch *w, json_t *rows)
{
    struct mr_request_body *ask_for = w->a.ask;
    for (uint64_t number = 1;; number++) {
        *ask_for = (struct mr_request_body){.kind = MR_REQ_EVIDENCE};
        ask_for->u.evidence = (struct mr_req_page){.from = number, .count = 1};
        enum mr_status st = admin_call(&w->a);
        if (st != MR_OK)
            return admin_call_failed(&w->a, st);
        const struct mr_rep_evidence *rep = &w->a.reply->body.u.evidence;
        if (rep->items_count == 0 || number > rep->last)
            return MR_OK;
        st = take_piece(w, &rep->items[0], number, rows);
        if (st != MR_OK)
            return st;
    }
}

void cmd_evidence(struct command *c, struct out *out)
{
    struct watch *w = calloc(1, sizeof *w);
    const char *dir = opt_text(c, "out");
    json_t *rows = json_array();
    if (w == NULL) {
        out_fail(out, MR_NO_MEMORY, NULL);
        json_decref(rows);
        return;
    }
    enum mr_status st = begin(&w->a, c, out);
    if (st == MR_OK && dir != NULL && dir_make(dir) != MR_OK)
        st = out_fail(out, MR_IO_ERROR, _("%s cannot be made"), dir);
    if (st == MR_OK)
        st = take_all(w, rows);
    out_json(out, "evidence", json_incref(rows));
    if (st == MR_OK && json_array_size(rows) == 0)
        out_print(out, _("No evidence: this node convicts nobody.\n"));
    else if (st == MR_OK && dir != NULL)
        out_print(out, _("Anybody who has the charter verifies these files: mereau-audit evidence "
                         "FILE --charter charter.mrc\n"));
    json_decref(rows);
    admin_end(&w->a);
    free(w);
}
