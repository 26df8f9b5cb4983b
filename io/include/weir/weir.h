/* SPDX-License-Identifier: MIT */
/* weir/weir.h - everything: actors, channels, primitives, streams, errors, signals, seeing. */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <weir/actor.h>
#include <weir/address.h>
#include <weir/blocking.h>
#include <weir/broadcast.h>
#include <weir/buffered.h>
#include <weir/call.h>
#include <weir/channel.h>
#include <weir/chunk.h>
#include <weir/copy.h>
#include <weir/debug.h>
#include <weir/descriptor.h>
#include <weir/error.h>
#include <weir/future.h>
#include <weir/gather.h>
#include <weir/handover.h>
#include <weir/monitor.h>
#include <weir/name.h>
#include <weir/oneshot.h>
#include <weir/pair.h>
#include <weir/portal.h>
#include <weir/process.h>
#include <weir/resolve.h>
#include <weir/runvar.h>
#include <weir/scope.h>
#include <weir/select.h>
#include <weir/serve.h>
#include <weir/signals.h>
#include <weir/simnet.h>
#include <weir/simulate.h>
#include <weir/socket.h>
#include <weir/stream.h>
#include <weir/supervisor.h>
#include <weir/sync.h>
#include <weir/task.h>
#include <weir/text.h>
#include <weir/ticker.h>
#include <weir/type.h>
#include <weir/unix.h>
#include <weir/watch.h>

#endif
