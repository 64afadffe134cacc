/** Turns of a journal for tests, with payloads that their number determines. */
#ifndef MEREAU_TESTS_TURNS_H
#define MEREAU_TESTS_TURNS_H

#include "mereau/journal.h"

struct turn {
    uint8_t *log, *bodies;
    size_t log_len, bodies_len; /* of the frames; bodies_len 0: none */
};

/** The turn that follows `end`, with payloads of these lengths; SIZE_MAX: no bodies. */
struct turn turn_make(const struct mr_journal_end *end, size_t log_payload, size_t bodies_payload);
void turn_done(struct turn *t);

/** Make the next turn and append it. The status of append. */
enum mr_status turn_append(struct mr_journal *j, size_t log_payload, size_t bodies_payload);

/** Read both streams from a position to the end and check that they are the turns expected: payload
 *  bytes, numbers, chain. Fails the test otherwise. `from`: an end that append has reported. */
void turns_verify(struct mr_journal *j, const struct mr_journal_end *from);

/** Byte i of the payload of a turn. */
uint8_t turn_byte(enum mr_stream_family family, uint64_t turn, size_t i);

#endif
