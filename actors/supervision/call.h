/* SPDX-License-Identifier: MIT */
/* call.h - calls, seen from inside. */
#ifndef WEIR_CALL_INSIDE_H
#define WEIR_CALL_INSIDE_H

#include <weir/call.h>

/* As weir_call(); *sent: the request was, whatever became of the reply. It is set but when
 * nothing could be tried. */
int weir__call(weir_handle box, void *request, size_t request_size, size_t answer_at, void *reply,
               size_t reply_size, weir_time deadline, bool *sent);

#endif
