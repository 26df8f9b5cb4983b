/* SPDX-License-Identifier: MIT */
/*
 * poke.h - a channel on which one is told to look again: it holds one token, which may be stale.
 * What there is to be seen is elsewhere, under a lock; who finds nothing there leaves a mark there,
 * and who brings something takes the mark and pokes.
 */
#ifndef WEIR_IO_POKE_H
#define WEIR_IO_POKE_H

#include <weir/call.h>
#include <weir/select.h>

struct poke {
    weir_sender tx;
    weir_receiver rx;
    char token; /* written by who waits: one at a time */
};

/* The ends are nobody's. The place for the token is made by a first one: no poke lacks memory. */
static inline int poke_open(struct poke *p)
{
    int rc = weir_channel_open(&p->tx, &p->rx, sizeof p->token, 1, NULL);
    if (rc == 0) {
        (void)weir_disown(p->tx);
        (void)weir_disown(p->rx);
        rc = weir_try_send(p->tx, &p->token);
    }
    if (rc == 0)
        (void)weir_try_recv(p->rx, &p->token);
    return rc;
}

static inline void poke(const struct poke *p)
{
    char token = 0;
    (void)weir_try_send(p->tx, &token); /* there is one, or nobody will look: as good */
}

/* For an arm function. */
static inline weir_case poke_wait(struct poke *p)
{
    return weir_on_recv(p->rx, &p->token);
}

/* Who waits is told WEIR_ECLOSED; then nobody can any more. */
static inline void poke_shut(const struct poke *p)
{
    (void)weir_close(p->rx);
}

static inline void poke_close(const struct poke *p)
{
    (void)weir_close(p->rx);
    (void)weir_close(p->tx);
}

#endif
