/* SPDX-License-Identifier: MIT */
/*
 * weir/text.h - a stream of characters over a stream of bytes in any encoding.
 *
 *     weir_stream latin = weir_text(s, "ISO-8859-1", WEIR_TEXT_STRICT);
 *     weir_stream_send(latin, "na\xc3\xafve", 6, NULL);   five bytes below
 *     n = weir_stream_recv(latin, text, sizeof text);     UTF-8
 *
 * A text stream is a wrapper and a stream as any: what is received of it, and sent by it, is UTF-8;
 * below stand the bytes of the encoding. Both directions. For lines of text wrap it once more, by
 * weir_buffer(). It works on every stream of bytes. Row F079.
 *
 * Receiving. Characters come whole, however the bytes below were cut: what is there of the next one
 * is kept. Only a call with less room than a character has gets a part of it, and the next call the
 * rest. A receive never returns an empty string. What is no character of the encoding is
 * WEIR_EILSEQ, behind all that stands before it; a character that the end of the stream has cut is
 * WEIR_EINCOMPLETE. Both stay, as each error of a stream. With WEIR_TEXT_REPLACE it is U+FFFD
 * instead, and receiving goes on.
 *
 * Sending. Characters may be cut between two sends. What is not UTF-8, or has no place in the
 * encoding, is WEIR_EILSEQ, once what stands before it has been sent; with WEIR_TEXT_REPLACE it is
 * sent as U+FFFD or, if that has no place either, as a question mark. weir_stream_send_eof() within
 * a character is WEIR_EINCOMPLETE, as is weir_stream_close(). What the stream below does not take
 * at once is kept: this is a wrapper that has to be flushed (weir_stream_flush()).
 *
 * UTF-8 itself is checked, with all the rules (no surrogates, nothing above U+10FFFF, the shortest
 * form), without iconv(3), which does all the others: `iconv -l` lists them. A byte order mark that
 * an encoding has ("UTF-16") is its matter; U+FEFF at the beginning of UTF-8 is a character.
 */
#ifndef WEIR_TEXT_H
#define WEIR_TEXT_H

#include <weir/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum weir_text_mode {
    WEIR_TEXT_STRICT = 0, /* what is not a character is an error */
    WEIR_TEXT_REPLACE     /* it is replaced by one that says so */
} weir_text_mode;

/*
 * weir_text - take a stream and make it one of text. NULL is UTF-8.
 *
 * Never suspends, but may read the C library's files for an encoding, when it is first used; any
 * thread; the handle belongs to the calling actor. On an error `s` is as it was, and the result is
 * a null handle that carries the error: WEIR_ENOENT (the C library has no such encoding),
 * WEIR_EINVAL (a mode that does not exist), those of weir_stream_take(), WEIR_ENOMEM, WEIR_ENFILE,
 * -EMFILE. Afterwards no call of it fails for want of memory.
 */
WEIR_API weir_stream weir_text(weir_stream s, const char *encoding, weir_text_mode mode);

#ifdef __cplusplus
}
#endif
#endif
