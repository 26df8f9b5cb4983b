/* SPDX-License-Identifier: MIT */
/* singles.c - declared single ends: docs/protocol.md, "Asymmetric fences". */
#include "model.h"

#define SINGLE(ident, text, ...)                                                                   \
    EXPLORE_MODEL(ident, text, .thread_exit = weir__thread_detach, __VA_ARGS__)

static void open_single_sender(void)
{
    m_open_with(1, true, false);
}

static void send_until_refused(void *unused)
{
    (void)unused;
    for (uint32_t item = 1; m_send(0, item) == 0; item++)
        ;
}

static void close_sender(void *unused)
{
    (void)unused;
    m_close_sender(0);
}

static void recv_to_the_end(void *unused)
{
    uint32_t item;
    (void)unused;
    while (m_recv(0, &item) > 0)
        ;
}

SINGLE(single_close_sender, "F043 a single sender that is closed by another thread",
       .setup = open_single_sender, .check = m_check_items,
       .threads = {{"sender", send_until_refused, NULL},
                   {"closer", close_sender, NULL},
                   {"receiver", recv_to_the_end, NULL}});
