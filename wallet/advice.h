/** What a person can do about a refusal. */
#ifndef MEREAU_WALLET_ADVICE_H
#define MEREAU_WALLET_ADVICE_H

#include "mereau/status.h"

/** Half a sentence in the reader's language, to stand behind the refusal's own. Static storage. */
const char *advice(enum mr_status st);

#endif
