/* SPDX-License-Identifier: MIT */
/* call.c - request and reply: docs/protocol.md, "Calls". */
#include "model.h"

struct msg {
    weir_answer answer;
    int number;
};

static weir_sender box;
static weir_receiver inbox;
static a32 answered, told;

static void open_mailbox(size_t capacity)
{
    EXPLORE_EQ(weir_mailbox_open(&box.h, &inbox.h,
                                 &(weir_mailbox){.item_size = sizeof(struct msg),
                                                 .capacity = capacity,
                                                 .requests = true,
                                                 .answer_at = offsetof(struct msg, answer)}),
               0);
}

static void open_0(void)
{
    open_mailbox(0);
}

static void open_2(void)
{
    open_mailbox(2);
}

static void call_one(int number)
{
    int reply = 0;
    int rc = weir_call(box, &(struct msg){.number = number}, &reply, WEIR_NEVER);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPIPE);
    if (rc == 0) {
        EXPLORE_EQ(reply, number + 1);
        a32_add(&told, 1);
    }
}

static void calls(void *number)
{
    call_one((int)(uintptr_t)number);
}

/* Takes one request, answers it, and leaves: others may be in the mailbox. */
static void serves_one(void *unused)
{
    struct msg m;
    (void)unused;
    EXPLORE_EQ(weir_request_recv(inbox, &m), 1);
    int reply = m.number + 1;
    if (weir_answer_send(m.answer, &reply) == 0)
        a32_add(&answered, 1);
    EXPLORE_EQ(weir_check(m.answer), WEIR_ECLOSED);
    EXPLORE_EQ(weir_close(inbox), 0);
}

static void all_told(void)
{
    EXPLORE_EQ(a32_load(&told), a32_load(&answered));
}

/* ---- actors: who has received a request and answers nothing --------------------------------- */

static int takes_and_dies(void *unused)
{
    struct msg m;
    (void)unused;
    EXPLORE_EQ(weir_request_recv(inbox, &m), 1);
    return 0; /* the answer was adopted, and is closed */
}

static void runs_server(void *unused)
{
    EXPLORE_EQ(weir_run(takes_and_dies, unused, NULL), 0);
}

static void is_refused(void *unused)
{
    int reply;
    (void)unused;
    EXPLORE_EQ(weir_call(box, &(struct msg){.number = 1}, &reply, WEIR_NEVER), WEIR_EPIPE);
}

/* ---- the caller gives up --------------------------------------------------------------------- */

static int caller(void *unused)
{
    int reply;
    (void)unused;
    weir_scope s = m_scope_begin();
    int rc = weir_call(box, &(struct msg){.number = 1}, &reply, WEIR_NEVER);
    EXPLORE_ASSERT(rc == 0 || rc == WEIR_ECANCELED);
    EXPLORE_EQ(weir_scope_end(s), rc == 0 ? 0 : 1);
    if (rc == 0)
        a32_add(&told, 1);
    weir_close(box);
    return 0;
}

static void runs_caller(void *unused)
{
    EXPLORE_EQ(weir_run(caller, unused, NULL), 0);
}

/* What was sent is answered, to whomever. */
static void serves_all(void *unused)
{
    struct msg m;
    (void)unused;
    while (weir_request_recv(inbox, &m) == 1) {
        int reply = m.number + 1;
        int rc = weir_answer_send(m.answer, &reply);
        EXPLORE_ASSERT(rc == 0 || rc == WEIR_EPIPE);
        EXPLORE_EQ(weir_check(m.answer), WEIR_ECLOSED);
        if (rc == 0)
            a32_add(&answered, 1);
    }
}

#define CALL(ident, text, ...)                                                                     \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, .max_steps = 60000, __VA_ARGS__)
#define TWO_CALLERS                                                                                \
    .threads = {{"a", calls, (void *)1}, {"b", calls, (void *)5}, {"server", serves_one, NULL}}
#define CANCELLED                                                                                  \
    .threads = {{"caller", runs_caller, NULL},                                                     \
                {"canceller", m_cancels, NULL},                                                    \
                {"server", serves_all, NULL}}

CALL(call_rendezvous, "a server answers one of two calls and leaves, rendezvous", .setup = open_0,
     .check = all_told, TWO_CALLERS);
CALL(call_buffered, "a server answers one of two calls and leaves the other in its mailbox",
     .setup = open_2, .check = all_told, TWO_CALLERS);
CALL(call_server_dies, "who received a request ends without an answer", .setup = open_2,
     .threads = {{"server", runs_server, NULL}, {"caller", is_refused, NULL}});
CALL(call_cancelled, "a call is cancelled at any moment", .setup = open_2, .check = all_told,
     CANCELLED);
CALL(call_late_reply, "a reply after the cancellation is lost", .setup = open_2, .check = all_told,
     .mutation = "call: a late reply is lost", CANCELLED);
CALL(call_request_dropped, "a request that nobody can receive keeps its answer", .setup = open_2,
     .mutation = "call: a dropped request keeps its answer", TWO_CALLERS);
CALL(call_not_adopted, "a server does not adopt the answer", .setup = open_2,
     .mutation = "call: the server adopts nothing",
     .threads = {{"server", runs_server, NULL}, {"caller", is_refused, NULL}});
