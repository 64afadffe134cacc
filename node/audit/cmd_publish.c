/* publish: figures as open data, and the check of such a directory. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/auditor_key.h"
#include "audit/commands.h"
#include "audit/publication.h"
#include "common/file.h"
#include "common/term.h"
#include "mereau/id.h"

const struct option_row publish_options[] = {
    SOURCE_OPTIONS,
    MEASURE_OPTIONS,
    {"sign", 0, N_("FILE"), N_("key file that signs, made by keygen")},
    {"licence", 0, N_("ID"), N_("licence of the data, an SPDX id (etalab-2.0)")},
    BESIDE_OPTION,
    {"force", 'f', NULL, N_("replace a publication that is there")},
    {"check", 0, NULL, N_("verify the publication in DIR")},
    {"public-key", 0, N_("KEY"), N_("with --check: whose signature it must be")},
    {NULL, 0, NULL, NULL},
};

/* --- checking --------------------------------------------------------------------------------- */

static enum mr_status check_key(const struct command *c, struct out *out,
                                const struct publication_facts *f)
{
    const char *const text = opt_text(c, "public-key");
    uint8_t wanted[MR_KEY_BYTES];
    if (text == NULL)
        return MR_OK;
    if (strlen(text) != 2 * sizeof wanted || mr_hex_parse(wanted, sizeof wanted, text) != MR_OK)
        return out_fail(out, MR_USAGE, _("--public-key: \"%s\" is no key; keygen prints it"), text);
    return memcmp(wanted, f->public.key, sizeof wanted) == 0
               ? MR_OK
               : out_fail(out, MR_CHECK_FAILED, _("it is signed with another key"));
}

static void tell_facts(const struct command *c, struct out *out, const struct publication_facts *f)
{
    char key[2 * MR_KEY_BYTES + 1], ledger[2 * MR_HASH_BYTES + 1];
    mr_hex_format(key, f->public.key, MR_KEY_BYTES);
    mr_hex_format(ledger, f->ledger, MR_HASH_BYTES);
    out_text(out, "public_key", key);
    out_text(out, "ledger", ledger);
    out_text(out, "currency", f->currency);
    out_text(out, "from", f->from);
    out_text(out, "to", f->to);
    out_text(out, "licence", f->licence);
    out_text(out, "state", f->state);
    out_int(out, "settled", f->settled);
    out_print(out, _("%s%s%s to %s, licence %s\n"), f->currency, f->currency[0] == '\0' ? "" : " ",
              f->from, f->to, f->licence);
    if (f->of_file)
        out_print(out, _("from a payments file: %lld rows, %lld left out, SHA-256 %s\n"),
                  (long long)f->settled, (long long)f->left_out, f->state);
    else
        out_print(out, _("at %lld settled orders, state %s\n"), (long long)f->settled, f->state);
    out_print(out, _("signed by %s\n"), key);
    out_print(out, "%s",
              opt_text(c, "public-key") != NULL
                  ? _("Signature and all files are right.\n")
                  : _("Files are as signed. Compare the key with the one the auditor makes known, "
                      "or give --public-key.\n"));
}

/* A publication is a directory; whether the path is that of one, or what is there instead. */
static enum mr_status check_place(struct out *out, const char *dir)
{
    struct stat info;
    const enum mr_status st = stat(dir, &info) == 0 ? MR_OK : file_status(errno);
    if (st == MR_NO_SUCH_FILE)
        return out_fail(out, st, _("there is no directory %s"), dir);
    if (st != MR_OK)
        return out_fail(out, st, _("%s cannot be read: %s"), dir, status_sentence(st));
    return S_ISDIR(info.st_mode) ? MR_OK : out_fail(out, MR_USAGE, _("%s is no directory"), dir);
}

static void check(struct command *c, struct out *out)
{
    static struct publication_facts f;
    if (c->arg_count != 1) {
        out_fail(out, MR_USAGE, _("--check takes the directory alone"));
        return;
    }
    if (check_place(out, c->args[0]) != MR_OK)
        return;
    enum mr_status st = publication_check(&f, c->args[0]);
    const bool is_listed =
        strcmp(f.wrong, PUBLICATION_STATEMENT) != 0 && strcmp(f.wrong, PUBLICATION_SIGNATURE) != 0;
    text_clean(f.wrong); /* a name that anybody may have given */
    if (st == MR_NO_SUCH_FILE && is_listed)
        out_fail(out, MR_CHECK_FAILED, _("%s was signed and is missing"), f.wrong);
    else if (st == MR_NO_SUCH_FILE)
        out_fail(out, MR_CHECK_FAILED, _("%s holds no publication: %s is missing"), c->args[0],
                 f.wrong);
    else if (st == MR_CHECK_FAILED)
        out_fail(out, st, _("%s is not what was signed"), f.wrong);
    else if (st == MR_BAD_SIGNATURE || st == MR_BAD_TEXT)
        out_fail(out, MR_CHECK_FAILED, _("%s holds no publication with a good signature: %s"),
                 c->args[0], status_sentence(st));
    else if (st != MR_OK)
        out_fail(out, st, _("%s cannot be read: %s"), f.wrong, status_sentence(st));
    else
        st = check_key(c, out, &f);
    if (st == MR_OK)
        tell_facts(c, out, &f);
}

/* --- publishing ------------------------------------------------------------------------------- */

/* What is there and will be replaced: readers have it. */
static const char *replaced(const struct command *c, const char *dir)
{
    char path[FILE_PATH_MAX];
    return opt_flag(c, "force") && path_join(path, dir, PUBLICATION_STATEMENT) == MR_OK &&
                   file_exists(path)
               ? dir
               : NULL;
}

static enum mr_status write_all(const struct measure *m, const struct command *c, struct out *out,
                                const char *dir, const struct beside *beside,
                                const struct mr_seckey *key, const struct mr_pubkey *public)
{
    const char *const licence =
        opt_text(c, "licence") == NULL ? PUBLICATION_LICENCE : opt_text(c, "licence");
    struct published p;
    struct publication b = {.statement = {NULL, 0}};
    size_t blank = 0;
    enum mr_status st = published_create(&p, m, beside->views, beside->count, c);
    if (st == MR_OK)
        st = publication_make(&b, &p, beside, licence, key, public);
    if (st == MR_OK)
        st = publication_save(&b, dir, opt_flag(c, "force"));
    for (size_t i = 0; st == MR_OK && i < m->figures_count; i++)
        blank += published_why(&p, i) != DISCLOSURE_SHOWN ? 1 : 0;
    if (st == MR_FILE_EXISTS)
        out_fail(out, st, _("%s is there already; --force replaces a publication, and only that"),
                 dir);
    else if (st == MR_CHECK_FAILED)
        beside_refused(beside, out);
    else if (st != MR_OK)
        out_cannot_write(out, dir, st);
    if (st == MR_OK && published_told(&p) > 0)
        out_warn(out, "told", "what was published before tells of few members already",
                 _("what was published before gives %zu figures of few members already; this "
                   "publication adds none"),
                 published_told(&p));
    if (st == MR_OK) {
        out_text(out, "directory", dir);
        out_int(out, "figures", (json_int_t)m->figures_count);
        out_int(out, "suppressed", (json_int_t)blank);
        out_print(out, _("%s: %llu figures, %llu of them blank for the sake of persons\n"), dir,
                  (unsigned long long)m->figures_count, (unsigned long long)blank);
    }
    publication_done(&b);
    published_done(&p);
    return st;
}

static enum mr_status check_words(const struct command *c, struct out *out)
{
    const char *const licence = opt_text(c, "licence"), *const by = opt_text(c, "by");
    if (c->args[0][0] == '\0')
        return out_fail(out, MR_USAGE, _("give the directory a name"));
    if (opt_text(c, "sign") == NULL)
        return out_fail(out, MR_USAGE, _("publish needs --sign FILE: make a key with %s"),
                        "mereau-audit keygen");
    if (licence != NULL && !publication_licence_fits(licence))
        return out_fail(out, MR_USAGE, _("--licence: \"%s\" is no SPDX id, as etalab-2.0"),
                        licence);
    if (by != NULL && strcmp(by, "day") == 0)
        return out_fail(out, MR_USAGE,
                        _("a day is too short to be published: few stand behind its figures; give "
                          "week, month or year"));
    return MR_OK;
}

static void publish(struct command *c, struct out *out)
{
    static struct measure m;
    struct beside beside = {.views = NULL};
    const char *const dir = c->args[0];
    struct mr_seckey *key = NULL;
    struct mr_pubkey public;
    enum mr_status st = check_words(c, out);
    if (st == MR_OK)
        st = auditor_key_open(&key, &public, c, out, opt_text(c, "sign"));
    c->args++; /* what is left is the source */
    c->arg_count--;
    if (st == MR_OK)
        st = measure_open(&m, c, out);
    m.few = m.finished = true;
    if (st == MR_OK)
        st = measure_run(&m, c, out);
    if (st == MR_OK && m.periods_count > PUBLISHED_PERIODS_MAX)
        st = out_fail(out, MR_USAGE, _("more than %d periods are not published; give longer ones"),
                      PUBLISHED_PERIODS_MAX);
    if (st == MR_OK)
        st = beside_open(&beside, &m, c, out, replaced(c, dir));
    if (st == MR_OK)
        write_all(&m, c, out, dir, &beside, key, &public);
    beside_done(&beside);
    measure_close(&m);
    sodium_free(key);
    c->args--;
    c->arg_count++;
}

void cmd_publish(struct command *c, struct out *out)
{
    if (opt_flag(c, "check"))
        check(c, out);
    else
        publish(c, out);
}
