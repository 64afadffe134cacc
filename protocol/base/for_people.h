/* Sentences of the protocol that shells show to people: English here, and marked for xgettext. A
 * shell translates them where it prints them; the wire, journals and JSON never do. */
#ifndef MEREAU_BASE_FOR_PEOPLE_H
#define MEREAU_BASE_FOR_PEOPLE_H

#define N_(text) text

#endif
