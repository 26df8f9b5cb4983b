/* SPDX-License-Identifier: MIT */
/*
 * protocol.h - how to talk to wordserver: in lines, over TCP or a UNIX socket.
 *
 *     client                      server
 *     to be or not to be
 *     TOP 2                       OK 2
 *                                 2 be
 *                                 2 to
 *     TOTAL                       OK 6 4
 *     that is the question
 *     SYNC                        OK 2
 *     QUIT                        BYE 2
 *
 * TOP n   The n most frequent words of all clients, or as many as there are: "OK k", then k lines
 *         of a count and a word, the most frequent first, then by the alphabet.
 * TOTAL   "OK w d": w words, of which d different ones, of all clients.
 * SYNC    "OK l": l lines of text of this connection have been counted.
 * QUIT    "BYE l" is the last that the server says: l lines of text have been counted.
 *
 * All other lines are text, which is not answered. An answer comes when all text that stood
 * before the command, on its connection, has been counted; the next command may have been sent
 * before that. A word is a run of ASCII letters, of either case. Lines end with "\n" or "\r\n",
 * so a word ends with them too. Text of which a line might look like a command is sent with a blank
 * in front of that line: it changes no word.
 *
 * At the client's end, also of its sending alone (shutdown(2)), the server counts what came, an
 * unfinished last line too, and says "BYE l". It says that as well when it stops: then what stood
 * behind the l-th line has not been counted, and may be sent to the next server. After "ERR why"
 * the connection ends: a word had more than 65,000 letters.
 */
#ifndef WORDSERVER_PROTOCOL_H
#define WORDSERVER_PROTOCOL_H

#include <stddef.h>

enum command { TEXT, TOP, TOTAL, SYNC, QUIT };

/* What a line is, without its "\n"; *n is the number of TOP. */
enum command command_of(const char *line, size_t length, size_t *n);

#endif
