/* SPDX-License-Identifier: MIT */
/*
 * Command lines, word by word, the way GRUB hands them over: words end at white space outside quotes; "..."
 * and '...' may stand anywhere in a word and vanish; a backslash keeps the character after it (not inside
 * '...'). GRUB itself quotes a whole argument that holds a blank ("name=a b") and escapes the quotes in it.
 */
#ifndef XL_LIB_WORDS_H
#define XL_LIB_WORDS_H

#include "lib/types.h"

enum word_result {
    WORD_END, /* no further word */
    WORD_OK,
    WORD_TOO_LONG,  /* out holds the beginning; the cursor stands behind the word */
    WORD_OPEN_QUOTE /* the text ended inside quotes; out holds what there was */
};

/* Takes the next word of *cursor into out (size bytes with the final 0, at least 1) and moves the cursor
 * behind it. */
enum word_result word_next(const char **cursor, char *out, size_t size);

/*
 * An unsigned number that is the whole text: decimal, 0x hexadecimal. False: empty, a wrong character, over
 * 64 bits.
 */
bool parse_u64(const char *text, u64 *value);

#endif
