/** The paper sheet (WAL-4): all that is needed to have the account back, to print and to read. */
#ifndef MEREAU_WALLET_SHEET_H
#define MEREAU_WALLET_SHEET_H

#include "common/secret.h"
#include "mereau/id.h"
#include "mereau/words.h"
#include "wallet/wallet.h"

#define SHEET_CODE_WORD "mereau-sheet:"

enum {
    SHEET_BYTES_MAX = sizeof(struct mr_sheet),
    SHEET_CODE_MAX = sizeof SHEET_CODE_WORD + MR_BECH32_TEXT_MAX(7, SHEET_BYTES_MAX),
    SHEET_TEXT_MAX = 65536,
};

/** The code of a sheet; ret holds SHEET_CODE_MAX bytes and is the caller's to wipe. */
void sheet_code(char *ret, const struct mr_sheet *sheet);

/** Read a code that stands anywhere in a text (a whole sheet, or the code alone). MR_OK;
 *  MR_NOT_FOUND (there is none); MR_BAD_CHECKSUM, MR_BAD_TEXT and a decoder's statuses. */
enum mr_status sheet_parse(struct mr_sheet *ret, const char *text);

/** The whole sheet as text, in the reader's language. MR_OK or MR_NO_MEMORY. */
enum mr_status sheet_print(struct secret *ret, const struct mr_charter *charter,
                           const struct mr_sheet *sheet, enum mr_words_language language);

/** --words, else the reader's language. */
enum mr_words_language sheet_language(const struct command *c);

#endif
