/** Exports of a verified book: what all formats share.
 *
 *  A run reads the book once, verifies all of it, and hands every slot that settled to its format,
 *  which writes to where nobody looks. Only when nothing was found is the format told to publish.
 *  Ids that leave are pseudonyms; with a pseudonym key they are others than the ledger's. */
#ifndef MEREAU_AUDIT_EXPORT_H
#define MEREAU_AUDIT_EXPORT_H

#include "audit/export_accounts.h"
#include "audit/source.h"
#include "mereau/audit.h"

struct export_run;

/** One settled order, with what the run knows beside it. Lent for the call. */
struct export_slot {
    const struct mr_audit_effect *e;
    bool in_range; /* of --from and --to */
    struct export_account *chain;
    struct export_account *accounts[MR_POSTINGS_MAX]; /* of its postings, in their order */
};

struct export_format {
    const char *name;
    bool has_range; /* --from and --to */
    /** Before the book is read; may set run->known, which is passed over. MR_OK, or reported. */
    enum mr_status (*begin)(struct export_run *run);
    /** Of each settled order behind the known slots. MR_OK, or reported. */
    enum mr_status (*slot)(struct export_run *run, const struct export_slot *slot);
    /** The book is right: publish. MR_OK, or reported. */
    enum mr_status (*publish)(struct export_run *run);
    /** Always, at the end: nothing half written stays. */
    void (*end)(struct export_run *run);
};

extern const struct export_format export_csv, export_jsonl, export_hledger, export_postgres;

enum { EXPORT_HASH_BYTES = 32 };

struct export_run {
    const struct command *c;
    struct out *out;
    struct source *source;
    struct mr_audit *audit;
    const struct export_format *format;
    void *state; /* the format's */

    bool has_from, has_to;
    uint32_t from, to; /* days, both are in */
    bool has_key;      /* pseudonyms are rekeyed */
    uint8_t key[32];

    struct export_accounts accounts;
    struct export_slot slot;
    /* Slots so far, void ones too; the hash goes over place and value of each, in the order of the
     * book. While a format takes an order it is not counted yet. */
    uint64_t settled;
    uint8_t hash[EXPORT_HASH_BYTES];
    /* What is published already, of an earlier run. */
    uint64_t known;
    uint8_t known_hash[EXPORT_HASH_BYTES];

    uint64_t wrong, convictions; /* findings about the book; about nodes */
    char first[64];              /* rule and turn of the first about the book */
    enum mr_status st;           /* what the format said first that was not MR_OK */
    struct mr_audit_totals totals;
};

/** Reads, verifies, publishes. Reported. */
void export_run(struct export_run *run);

/** 16 bytes that stand for an account, 32 that stand for an order or void id. */
void export_pseudonym(const struct export_run *run, uint8_t *ret, const uint8_t *id, size_t len);

/** A local file or stdout could not be written: what to say of an errno. */
enum mr_status export_cannot_write(struct out *out, const char *path, int error);

/** export --format mrx: the frames as they are (AUD-20), not verified. */
void export_book(struct command *c, struct out *out, struct source *s);

#endif
