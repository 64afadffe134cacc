/** Letters of ASCII in the other case; every other character stays. The locale has no say. */
#ifndef MEREAU_LETTERS_H
#define MEREAU_LETTERS_H

static inline char mr_lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static inline char mr_upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c;
}

#endif
