/** Every bound of the system, and the relations between them. */
#ifndef MEREAU_LIMITS_H
#define MEREAU_LIMITS_H

#define MR_AMOUNT_MAX  INT64_C(4503599627370496) /* 2^52 minor units: exact in every JSON reader */
#define MR_CREDIT_MAX  (INT64_C(1) << 34) /* credit line: 2^17 accounts of it stay within 2^51 */
#define MR_CAPS_MAX    (INT64_C(1) << 51) /* sum of all caps: no balance can pass 2^52 */
#define MR_CLEAR_MAX   (INT64_C(1) << 46) /* sum of all CLEAR orders of one treasury, ever */
#define MR_TIME_MS_MAX UINT64_C(4503599627370496) /* 2^52 ms */
#define MR_SEQ_MAX     UINT64_C(4503599627370496)
#define MR_DAY_MS      UINT64_C(86400000)

enum {
    MR_HASH_BYTES = 32,
    MR_ACCOUNT_BYTES = 16,
    MR_SPACE_BYTES = 4, /* of them, those that all ids of one association have in common */
    MR_KEY_BYTES = 32,
    MR_SIG_BYTES = 64,
    MR_SALT_BYTES = 16,

    MR_UNITS_MAX = 8,
    MR_ASSOCIATIONS_MAX = 20,
    MR_NODES_MAX = 32,
    MR_KEYS_MAX = 16,      /* keys of one account */
    MR_PAST_KEYS_MAX = 16, /* key sets of a treasury that are remembered */
    MR_RECOVERIES_MAX = 4, /* recoveries of one account that wait together */
    MR_LINES_MAX = 256,    /* payees of one PAY, members of one ISSUE */
    MR_BANKS_MAX = 64,     /* bank lines of one ISSUE */
    MR_CLASS_RULES_MAX = 8,
    MR_FEES_MAX = 8,
    MR_POSTINGS_MAX = 520, /* two legs of an ISSUE and its counter-accounts */
    MR_PATH_MAX = 52,      /* inclusion path of a log of 2^52 leaves */

    MR_NAME_MAX = 64,
    MR_ALIAS_MAX = 32,
    MR_TOWN_MAX = 64,
    MR_OPENING_MAX = 128,
    MR_MANDATE_SIGS_MAX = 4, /* a mandate is short enough for a text that people carry */
    MR_ADDRESS_MAX = 128,
    MR_PREFIX_MAX = 16,
    MR_CODE_MAX = 8,
    MR_MEMO_MAX = 256,
    MR_MEMO_BOX_MAX = 320, /* MR_MEMO_MAX and the overhead of a sealed box */
    MR_REGISTER_BOX_MAX = 1024,
    MR_DETAIL_MAX = 256,

    MR_FRAME_MAX = 65536, /* one message of any transport, SP header excluded */
    MR_STREAM_CHUNK_MAX = 49152,
    MR_PAGE_MAX = 32, /* entries in one page of a list */

    MR_LEAVES_MAX = 256,  /* leaves of a log in one message */
    MR_BODIES_MAX = 96,   /* orders, memos and cancels in one message */
    MR_SEATS_MAX = 16,    /* nodes of a federation: as many keys as one account has */
    MR_JOINERS_MAX = 4,   /* associations that one NEXT brings in */
    MR_HANDOVERS_MAX = 8, /* of the last epochs, in a receipt or evidence; the rest in a chain */
    MR_HANDOVERS_BYTES_MAX = 16384,  /* what they take in a message, at most */
    MR_CHAIN_BYTES_MAX = 64 * 65536, /* a chain of handovers: 64 of the largest, some 800 of four
                                        nodes */
    MR_WITNESSES_MAX = 8, /* whom a charter or an owner names, and cosignatures of one head */
    MR_PATIENCE_MAX_S = 31622400, /* a year */
    MR_SHOWN_MAX = 48,            /* leaves that one answer proves one by one */
    MR_ROW_KEY_MAX = 48,          /* a row of the state, as stores keep it */
    MR_ROW_VALUE_MAX = 16384,
    MR_CANDIDATES_MAX = 3, /* orders kept for one open slot */
    MR_CERTIFIED_MAX = 4,  /* certificates remembered for one open slot */

    MR_CLOCK_AHEAD_MS = 300000, /* an order may be this much ahead of the voter's clock */
    MR_POLICY_NOTICE_DAYS = 14,
    MR_PAST_KEYS_MS = 86400000, /* a day on, a replaced key set countersigns nothing more */
    MR_RECOVERY_MS = 604800000, /* seven days for the owner to stop a recovery */
    MR_ALIAS_REST_DAYS = 365,   /* an alias given up is not reassigned before */
    MR_BALLOT_NONE = 0x7fffffff,
};

_Static_assert(MR_LINES_MAX * 40 < MR_FRAME_MAX / 2, "the largest order fits in one frame");
_Static_assert(MR_MEMO_BOX_MAX >= MR_MEMO_MAX + 48, "a sealed memo fits in its box");
_Static_assert(MR_POSTINGS_MAX >= 2 * MR_LINES_MAX + 4, "the largest order fits in one settlement");
_Static_assert(MR_CAPS_MAX + MR_ASSOCIATIONS_MAX * MR_CLEAR_MAX < MR_AMOUNT_MAX,
               "what is outstanding fits in a balance: under caps, and what was cleared");
_Static_assert(MR_STREAM_CHUNK_MAX + 1024 < MR_FRAME_MAX, "a stream chunk fits in one frame");

#endif
