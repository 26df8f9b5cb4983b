/* SPDX-License-Identifier: MIT */
/* attributes.h - what the system says of a socket: rows F119-F122. */
#ifndef WEIR_IO_ATTRIBUTES_H
#define WEIR_IO_ATTRIBUTES_H

#include <weir/unix.h>

#include "descriptor.h"

/* As weir_stream_get_item(). `lost` is of a stream; or NULL. */
int weir__socket_attribute(const struct descriptor *d, const a32 *lost, weir_attribute attribute,
                           void *value, size_t size);

#endif
