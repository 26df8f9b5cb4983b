# SPDX-License-Identifier: MIT
"""What bench/run measures: who takes part, the scenarios, and what is read off a run."""

import collections
import copy

Contestant = collections.namedtuple("Contestant", "impl variant workers arguments quick")

# quick: also with --quick; PARALLEL: with --quick where several workers are the question
PARALLEL = "parallel"

CONTESTANTS = [
    Contestant("weir", "", 1, "workers=1", True),
    Contestant("weir", "", 2, "workers=2", True),
    Contestant("weir", "single", 1, "workers=1 single=1", True),
    Contestant("weir", "single", 2, "workers=2 single=1", True),
    Contestant("weir", "threads", 0, "", True),
    Contestant("floor", "", 1, "", True),
    Contestant("floor", "plain", 1, "", False),
    Contestant("go", "", 1, "workers=1", True),
    Contestant("go", "", 2, "workers=2", PARALLEL),
    Contestant("tokio", "current_thread", 1, "runtime=current", True),
    Contestant("tokio", "", 1, "workers=1", PARALLEL),
    Contestant("tokio", "", 2, "workers=2", PARALLEL),
    Contestant("boost.fiber", "", 1, "workers=1", True),
    Contestant("boost.fiber", "", 2, "workers=2", False),
    Contestant("crossbeam", "threads", 0, "", True),
]

# The servers of the N rows. With one worker, server and load generator each have a processor
# of their own; with two nothing is pinned.
SERVERS = [
    Contestant("weir", "", 1, "workers=1 pin=1", True),
    Contestant("weir", "", 2, "workers=2", True),
    Contestant("weir", "hand", 1, "workers=1 pin=1", True),
    Contestant("weir", "hand", 2, "workers=2", False),
    Contestant("weir", "lazy", 1, "workers=1 pin=1", True),
    Contestant("weir", "lazy", 2, "workers=2", False),
    Contestant("floor", "", 1, "workers=1 pin=1", True),
    Contestant("floor", "", 2, "workers=2", True),
    Contestant("floor", "lazy", 1, "workers=1 pin=1", True),
    Contestant("floor", "lazy", 2, "workers=2", False),
    Contestant("go", "", 1, "workers=1 pin=1", True),
    Contestant("go", "", 2, "workers=2", False),
    Contestant("go", "hand", 1, "workers=1 pin=1", False),
    Contestant("go", "hand", 2, "workers=2", False),
    Contestant("tokio", "", 1, "workers=1 pin=1", True),
    Contestant("tokio", "", 2, "workers=2", False),
    Contestant("tokio", "hand", 1, "workers=1 pin=1", False),
    Contestant("tokio", "hand", 2, "workers=2", False),
    Contestant("libuv", "", 1, "workers=1 pin=1", True),
    Contestant("libuv", "", 2, "workers=2", False),
]
PEER_NAMES = ["floor", "go", "tokio", "boost.fiber", "crossbeam", "libuv"]

# Shown, but nothing is held against them: what is not comparable, or not what a goal names.
ONLY_SHOWN = {"plain", "lazy", "hand"}

K, M = 1000, 1000 * 1000


Figure = collections.namedtuple("Figure", "title metric unit field scale more_is_better shown")

RATE = Figure("requests (more is better)", "rate", "k/s", "rate", 1000, True, True)
BULK_RATE = Figure("megabytes (more is better)", "rate", "MB/s", "rate", 1, True, True)
LATENCIES = {
    name: Figure(title, name, "us", name, 1000, False, False)
    for name, title in (("p50", "median"), ("p99", "99 of 100"), ("p999", "999 of 1,000"))}
BUSY = [Figure("processors taken by the %s" % who, who + "_busy", "", who, 1, False, False)
        for who in ("server", "client")]
UNTOUCHED = Figure("before that", "memory_untouched", "KiB", "untouched", 1024,
                   False, True)
KERNEL = Figure("memory of the kernel, both ends", "memory_kernel", "KiB", "kernel", 1024,
                False, False)


def latencies(*shown):
    return [figure._replace(shown=name in shown) for name, figure in LATENCIES.items()]


class Scenario:
    """One row of the table. `sizes` says who takes part, with how many operations so
    that a run takes 0.2 to 0.7 s: a key is an impl, or "impl variant"; threads=N is the
    number of threads where no runtime has workers."""

    def __init__(self, title, program, sizes, unit="ns", metric="time_per_op", field="RESULT",
                 fixed=False, threads=0, touch=None, quick_n=0, quick_program="", rounds=0,
                 speed_up=False, parallel=False, idle=False, scale=1, server="", figures=()):
        self.title, self.program, self.sizes = title, program, sizes
        self.unit, self.metric, self.field = unit, metric, field
        self.fixed = fixed      # the size is part of the scenario; --quick keeps it
        self.threads = threads
        self.touch = touch or {}  # MiB that the host has to have backed before a run
        self.quick_n = quick_n  # for --quick, instead of a quarter
        self.quick_program = quick_program or program
        self.rounds = rounds    # at most, 1 with --quick: it takes long, and varies little
        self.speed_up = speed_up  # what w=2 gains over w=1 is a result too
        self.parallel = parallel or speed_up
        self.idle = idle        # its system calls are counted by bench-calls
        self.scale = scale      # what a program prints, in this unit
        self.server = server    # the kind of server that bench-load is to load
        self.figures = figures  # what else is read off its runs
        self.apart = bool(figures) or metric == "speed_up"  # its goals name their metric
        self.more_is_better = metric == "speed_up"
        self.shown = True       # False: only in results.json

    def contestants(self):
        return SERVERS if self.server else CONTESTANTS

    def kind(self, contestant):
        """What a server of this contestant is to do."""
        if contestant.variant == "hand":
            return self.server.replace("echo", "hand").replace("sink", "handsink")
        return contestant.variant or self.server

    def other_figures(self):
        """A row each, made of the same runs."""
        for figure in self.figures:
            other = copy.copy(self)
            other.title = "%s: %s" % (self.title, figure.title)
            other.metric, other.unit, other.field = figure.metric, figure.unit, figure.field
            other.scale, other.more_is_better = figure.scale, figure.more_is_better
            other.shown = figure.shown
            yield other

    def size(self, contestant, quick):
        """Operations for this contestant; None when it does not take part."""
        key = contestant.impl + (" " + contestant.variant if contestant.variant else "")
        if key not in self.sizes and contestant.variant == "current_thread":
            key = contestant.impl
        if key not in self.sizes:
            return None
        n = self.sizes[key]
        if not quick or self.fixed:
            return n
        return self.quick_n or n // 4


PARKED = {"weir": 4600, "floor": 4200, "go": 2900, "tokio": 400}


def same_for(n, *others):
    return dict.fromkeys(("weir", "go", "tokio") + others, n)


SCENARIOS = {
    "S1a": Scenario("ping-pong, rendezvous, a round trip", "pingpong capacity=0",
                    {"weir": 8 * M, "go": 2 * M, "boost.fiber": 2 * M}),
    "S1b": Scenario("ping-pong, capacity 1, a round trip", "pingpong capacity=1",
                    {"weir": 8 * M, "floor": 12 * M, "floor plain": 25 * M, "go": 2 * M,
                     "tokio": 2 * M, "boost.fiber": 2 * M}),
    "S2a": Scenario("1 to 1, rendezvous, an item", "transfer capacity=0",
                    {"weir": 15 * M, "go": 4 * M, "boost.fiber": 2 * M}),
    "S2b": Scenario("1 to 1, capacity 1, an item", "transfer capacity=1",
                    {"weir": 15 * M, "floor": 15 * M, "floor plain": 30 * M, "go": 5 * M,
                     "tokio": 2 * M, "boost.fiber": 2 * M}),
    "S2c": Scenario("1 to 1, capacity 128, an item", "transfer capacity=128",
                    {"weir": 25 * M, "weir single": 60 * M, "floor": 200 * M,
                     "floor plain": 200 * M, "go": 12 * M, "tokio": 6 * M,
                     "boost.fiber": 20 * M, "crossbeam threads": 20 * M}, threads=2),
    "S2d": Scenario("1 to 1, capacity 1024, an item", "transfer capacity=1024",
                    {"weir": 25 * M, "weir single": 60 * M, "floor": 200 * M,
                     "floor plain": 200 * M, "go": 12 * M, "tokio": 5 * M,
                     "boost.fiber": 20 * M, "crossbeam threads": 20 * M}, threads=2),
    "S2e": Scenario("1 to 1, unbounded, an item", "transfer capacity=-1",
                    {"weir": 10 * M, "tokio": 8 * M, "crossbeam threads": 10 * M}, threads=2),
    "S2f": Scenario("1 to 1, capacity 1024, batches of 32, an item",
                    "transfer capacity=1024 batch=32",
                    {"weir": 100 * M, "floor": 320 * M, "floor plain": 320 * M}),
    "S3a": Scenario("4 to 1, capacity 128, an item", "transfer capacity=128 producers=4",
                    {"weir": 25 * M, "go": 12 * M, "tokio": 5 * M, "boost.fiber": 15 * M,
                     "crossbeam threads": 15 * M}, threads=5),
    "S3b": Scenario("4 to 4, capacity 128, an item",
                    "transfer capacity=128 producers=4 consumers=4",
                    {"weir": 25 * M, "go": 10 * M, "boost.fiber": 15 * M}),
    "S3c": Scenario("4 to 4 on plain threads, capacity 128, an item",
                    "transfer capacity=128 producers=4 consumers=4",
                    {"weir threads": 8 * M, "crossbeam threads": 8 * M}, threads=8),
    "S4a": Scenario("token round a ring of 1,000, a hop", "ring actors=1000",
                    {"weir": 10 * M, "floor": 25 * M, "floor plain": 25 * M, "go": 3 * M,
                     "tokio": 3 * M, "boost.fiber": 4 * M}),
    "S4b": Scenario("ring of 100,000, a hop", "ring actors=100000",
                    {"weir": 3 * M, "floor": 3 * M, "floor plain": 3 * M, "go": 1500 * K,
                     "tokio": 3 * M}),
    "S4c": Scenario("ring of 100,000, shuffled, a hop", "ring actors=100000 shuffle=1",
                    {"weir": 1 * M, "floor": 1 * M, "floor plain": 1 * M, "go": 1 * M,
                     "tokio": 1 * M}, quick_n=500 * K),
    "S5a": Scenario("spawn + run + join, waves of 10,000", "spawn wave=10000",
                    {"weir": 5 * M, "floor": 20 * M, "floor plain": 20 * M, "go": 2 * M,
                     "tokio": 3 * M, "boost.fiber": 100 * K}),
    "S5b": Scenario("1,000,000 parked at once, an actor", "park",
                    {"weir": 1 * M, "floor": 1 * M, "go": 1 * M, "tokio": 1 * M},
                    touch=PARKED, quick_n=100 * K),
    "S5c": Scenario("memory of a parked actor", "park",
                    {"weir": 1 * M, "floor": 1 * M, "go": 1 * M, "tokio": 1 * M},
                    unit="bytes", metric="memory_per_actor", field="bytes",
                    touch=PARKED, quick_n=100 * K),
    "S6a": Scenario("select over 4, capacity 128, an item", "select channels=4 capacity=128",
                    {"weir": 15 * M, "go": 4 * M, "tokio": 5 * M, "crossbeam threads": 2 * M},
                    threads=5),
    "S6b": Scenario("select over 4, rendezvous, an item", "select channels=4 capacity=0",
                    {"weir": 10 * M, "go": 2 * M}),
    "S7": Scenario("skynet, 1,000,000 leaves, the whole", "skynet capacity=10",
                   {"weir": 1 * M, "go": 1 * M, "tokio": 1 * M},
                   unit="ms", metric="time", fixed=True,
                   touch={"weir": 500, "go": 1000, "tokio": 500}),
    "S8": Scenario("100 stages, capacity 64, an item at a stage", "pipeline stages=100 capacity=64",
                   {"weir": 400 * K, "floor": 2 * M, "floor plain": 2 * M, "go": 120 * K,
                    "tokio": 80 * K, "boost.fiber": 200 * K}),
    "S9": Scenario("yield between 2, a switch", "yield",
                   {"weir": 40 * M, "floor": 100 * M, "floor plain": 100 * M, "go": 6 * M,
                    "tokio": 5 * M, "boost.fiber": 7 * M}),
    "S10a": Scenario("CPU-bound pipeline, 4 stages of 5 us, an item",
                     "work stages=4 work=5000 capacity=128", same_for(20 * K, "boost.fiber"),
                     speed_up=True),
    "S10b": Scenario("CPU-bound pipeline, 2 stages of 5 us, an item",
                     "work stages=2 work=5000 capacity=128", same_for(40 * K, "boost.fiber"),
                     speed_up=True),
    "S11a": Scenario("an idle runtime hears a foreign thread, median", "wake pause=300",
                     same_for(2000, "floor", "boost.fiber"), metric="wake_p50"),
    "S11b": Scenario("an idle runtime hears a foreign thread, 99 of 100", "wake pause=300",
                     same_for(2000, "floor", "boost.fiber"), metric="wake_p99", field="p99"),
    "S12": Scenario("system calls of 10,000 parked actors", "idle", same_for(10 * K),
                    unit="1/s", metric="system_calls_per_second", fixed=True, rounds=2, idle=True),
    "S13a": Scenario("1 to 1, capacity 128, 160 ns of work on each side, an item",
                     "work stages=2 work=160 capacity=128",
                     same_for(1500 * K, "boost.fiber", "crossbeam threads"), threads=2,
                     speed_up=True),
    "S13b": Scenario("1 to 1, capacity 128, 1,750 ns of work on each side, an item",
                     "work stages=2 work=1750 capacity=128",
                     same_for(150 * K, "boost.fiber", "crossbeam threads"), threads=2,
                     speed_up=True),
    "O1a": Scenario("a busy runtime hears a foreign thread, median", "wake pause=200 load=8",
                    same_for(5000), unit="us", metric="loaded_wake_p50", scale=1000,
                    quick_n=1000),
    "O1b": Scenario("a busy runtime hears a foreign thread, 999 of 1,000",
                    "wake pause=200 load=8", same_for(5000), unit="us",
                    metric="loaded_wake_p999", field="p999", scale=1000, quick_n=1000),
    "O2": Scenario("luckiest over unluckiest of 8 producers", "fair producers=8 capacity=128",
                   {"weir": 20 * M, "go": 5 * M, "tokio": 5 * M}, unit="x",
                   metric="luckiest_over_unluckiest"),
    "O3": Scenario("1,000 actors beside a hog of 200 ms, the whole", "hog ms=200",
                   same_for(100 * K), unit="ms", metric="time", fixed=True, parallel=True),
    "O4": Scenario("memory left 10 s after a peak of 1,000,000", "peak seconds=10",
                   same_for(1 * M), unit="%", metric="memory_left", touch=PARKED, rounds=2,
                   quick_n=100 * K, quick_program="peak seconds=1"),
}


def network(title, program, server="echo", figures=None, unit="us", but=(), **others):
    """An N row: the server's processor time for an operation, and what `figures` say."""
    sizes = {who: 250 for who in ("weir", "weir hand", "floor", "go", "go hand", "tokio",
                                  "tokio hand", "libuv") if who not in but}
    return Scenario(title, program, {**sizes, **others}, unit=unit, metric="server_cpu", scale=1000,
                    server=server, quick_n=150,
                    figures=figures or [RATE] + latencies() + BUSY)


def idle_connections():
    """N11, which is memory; with one worker, as the number of connections is the point."""
    sizes = dict.fromkeys(("weir", "weir lazy", "floor", "go", "tokio", "libuv"), 1)
    return Scenario("memory of an idle connection, one of 5,000, that has sent a message",
                    "memory connections=5000 buffer=4096", sizes, unit="KiB",
                    metric="memory_echoed", scale=1024, server="echo", rounds=2, fixed=True,
                    figures=[UNTOUCHED, KERNEL])


SCENARIOS.update({
    "N1": network("TCP echo, 64 connections, 64 B, a request", "echo connections=64"),
    "N2": network("1 connection, 64 B there and back, a request", "echo connections=1",
                  figures=latencies("p50") + [RATE._replace(shown=False)] + BUSY),
    "N3": network("64 connections, 16 deep, 64 B, a request", "echo connections=64 depth=16"),
    "N4": network("1,000 connections, 64 B, a request", "echo connections=1000",
                  figures=[RATE] + latencies("p99") + BUSY),
    "N5": network("64 connections, 16 KiB, a request", "echo connections=64 size=16384"),
    "N6": network("64 connections beside 5,000 idle ones, 64 B, a request",
                  "echo connections=64 idle=5000"),
    "N7": network("connect, 64 B there and back, close, a connection", "connect connections=32",
                  but=("weir hand", "go hand", "tokio hand"), **{"floor lazy": 250}),
    "N8": network("one way, 1 connection, a megabyte", "bulk", server="sink",
                  figures=[BULK_RATE] + BUSY),
    "N9": network("UNIX stream echo, 64 connections, 64 B, a request",
                  "echo connections=64 unix=1"),
    "N11": idle_connections(),
})
