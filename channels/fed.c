/* SPDX-License-Identifier: MIT */
/* fed.c - receive ends whose items another layer keeps: see kept.h. */
#include "kept.h"

int weir__fed_open(struct party *self, weir_receiver *rx, size_t item_size, size_t capacity,
                   const struct feed *feed, void *feeder, struct chan **out)
{
    /* Wide, so on the heap: what leak checkers find there leads them to the rest. */
    struct chan *ch = weir__chan_alloc(self->thread, true);
    struct kept *k = ch ? os_alloc(sizeof *k) : NULL;
    struct slot *s = k ? weir__slot_reserve(self) : NULL;
    if (!s) {
        int rc = k ? weir__slot_refused() : WEIR_ENOMEM;
        os_free(k, sizeof *k);
        if (ch)
            weir__chan_free(ch, self->thread); /* a rendezvous as yet: nothing is in it */
        return rc;
    }
    *k = (struct kept){.feed = feed, .feeder = feeder, .bytes = sizeof *k};
    ch->kind = FED;
    ch->flags = KEEPS;
    ch->item_size = (uint32_t)item_size;
    ch->capacity = (uint32_t)capacity;
    ch->kept = k;
    ch->senders = ch->receivers = 1; /* the feeder counts as one */
    *out = ch;
    rx->h = weir__slot_publish(self, s, RECEIVER, ch);
    return 0;
}
