# SPDX-License-Identifier: MIT
"""weir-gdb.py - gdb commands for programs that use weir, live or as a core file.

    (gdb) source /usr/share/weir/weir-gdb.py
    (gdb) weir actors        a table of all actors
    (gdb) weir bt 7          the stack of actor #7, parked or ready
    (gdb) weir bt all

Nothing is called in the program and no register or memory of it is written. weir itself
needs no debug information, only its symbol table: weir__debug_root says where things are.
"""
import struct

import gdb
from gdb.unwinder import Unwinder, register_unwinder

VERSION = 2
FIELDS = (
    "version pool base fresh stride id name name_bytes moved what woken parent sp stack"
    " group_first group_more broods_of brood_bytes brood_live"
).split()
PINNED = 1 << 30  # in an id: the actor stays on its worker
FRESH, YIELDED, RECV, SEND, GROUP = 1, 2, 3, 4, 5
WAITS = {3: "recv on channel", 4: "send on channel", 5: "end of group", 6: "sleep", 7: "select",
         8: "a task", 9: "all others to be parked", 10: "an event", 12: "tick of", 13: "a primitive", 14: "a name"}

# The frame that a switch leaves: actors/context.h. Each word's register, from sp upwards.
FRAMES = {
    "x86-64": ("r15 r14 r13 r12 rbx rbp rip".split(), "rsp", "rip", 56),
    "aarch64": (
        "x29 pc x19 x20 x21 x22 x23 x24 x25 x26 x27 x28".split(), "sp", "pc", 160),
}


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def word(address, size=8):
    return int.from_bytes(read(address, size), "little")


def load_root():
    try:
        address = int(gdb.parse_and_eval("(unsigned long)&weir__debug_root"))
    except gdb.error as e:
        raise gdb.GdbError("this program has no symbols of weir (not linked, or stripped)") from e
    values = struct.unpack("<%dQ" % len(FIELDS), read(address, 8 * len(FIELDS)))
    root = dict(zip(FIELDS, values))
    if root["version"] != VERSION:
        raise gdb.GdbError("weir-gdb.py of version %d, weir of %d" % (VERSION, root["version"]))
    return root


class Actor:
    """A record, as it is in memory."""

    def __init__(self, root, record):
        def at(field, size=8):
            return int.from_bytes(record[root[field]:root[field] + size], "little")

        self.id = at("id", 4) & ~PINNED
        name = record[root["name"]:root["name"] + root["name_bytes"]]
        self.name = name.split(b"\0")[0].decode(errors="replace")
        self.moved, self.woken, what = at("moved"), at("woken"), at("what")
        self.kind, self.timed, self.target = what & 15, bool(what & 16), what & ~31
        self.sp, self.stack, self.parent = at("sp"), at("stack"), at("parent", 4)
        self.root = root

    def state(self):
        if self.moved & 1:
            return "running"
        if self.kind == FRESH:
            return "fresh"
        if self.kind == YIELDED or self.woken >> 32 == self.moved & 0xffffffff:
            return "ready"
        return "parked"

    def switches(self):
        return (self.moved + 1) // 2

    def waits_for(self):
        if self.state() != "parked":
            return ""
        text = WAITS.get(self.kind, "something outside")
        if self.target:
            text += " 0x%x" % self.target
        if self.kind == GROUP:
            text += " (%d left)" % self.children_left()
        return text + (", with a deadline" if self.timed else "")

    def children_left(self):
        root, more = self.root, word(self.target + self.root["group_more"])
        broods = [self.target + root["group_first"]]
        if more:
            first, count = more + root["broods_of"], word(more, 4)
            broods += [first + i * root["brood_bytes"] for i in range(count)]
        return sum(word(brood + root["brood_live"], 4) for brood in broods)

    def woken_by(self, names):
        waker = self.woken & 0xffffffff & ~PINNED
        if self.woken == 0:
            return "-"
        if waker == 0:
            return "a deadline"
        if not waker & 1:
            return "a thread"
        return "#%d %s" % (waker, names.get(waker, "(ended)"))

    def depth(self):
        suspended = self.moved and not self.moved & 1
        return self.stack - self.sp if suspended and self.sp and self.stack > self.sp else 0


def actors():
    root = load_root()
    base, end = word(root["pool"] + root["base"]), word(root["pool"] + root["fresh"], 4)
    stride, at_once = root["stride"], 256
    for first in range(0, end, at_once):
        n = min(at_once, end - first)
        memory = read(base + first * stride, n * stride)
        for i in range(n):
            record = memory[i * stride:(i + 1) * stride]
            if any(record[root["what"]:root["what"] + 8]):
                yield Actor(root, record)


class ActorUnwinder(Unwinder):
    """While it is aimed at an actor, frame 0's caller is where that actor is suspended."""

    def __init__(self):
        super().__init__("weir actors")
        self.actor = None

    def aim(self, actor):
        self.actor = None
        gdb.invalidate_cached_frames()
        if actor is None:
            gdb.selected_thread().switch()
            return
        frame = gdb.newest_frame()
        machine = "aarch64" if frame.architecture().name().startswith("aarch64") else "x86-64"
        self.registers, self.sp_name, self.pc_name, self.size = FRAMES[machine]
        self.here = int(frame.read_register(self.sp_name)) & (2 ** 64 - 1)
        self.frame = read(actor.sp, 8 * len(self.registers))
        if not any(self.frame):
            raise gdb.GdbError("its stack is not in the core file: gdb cannot save stacks that have "
                               "guards by MADV_GUARD_INSTALL; the kernel can")
        self.actor = actor
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.actor is None:
            return None
        if int(pending.read_register(self.sp_name)) & (2 ** 64 - 1) != self.here:
            return None

        number = gdb.lookup_type("unsigned long")

        class Id:
            # As if it lay within the actor's frames: gdb refuses a caller that lies deeper.
            sp = gdb.Value(self.actor.sp.to_bytes(8, "little"), number)
            pc = pending.read_register(self.pc_name)

        info = pending.create_unwind_info(Id)
        for i, name in enumerate(self.registers):
            info.add_saved_register(name, gdb.Value(self.frame[8 * i:8 * i + 8], number))
        sp = (self.actor.sp + self.size).to_bytes(8, "little")
        info.add_saved_register(self.sp_name, gdb.Value(sp, number))
        return info


unwinder = ActorUnwinder()
register_unwinder(None, unwinder, True)


def backtrace(actor):
    print("actor #%d '%s', %s: %s" % (actor.id, actor.name, actor.state(), actor.waits_for()))
    if not actor.moved or actor.moved & 1:
        print("    " + ("has not run yet" if not actor.moved else "see 'info threads'"))
        return
    try:
        unwinder.aim(actor)
        frame, level = gdb.newest_frame().older(), 0
        while frame is not None and frame.is_valid():
            frame.select()
            line = gdb.execute("frame", to_string=True).splitlines()[0]
            print("#%-3d%s" % (level, line.split(None, 1)[1]))
            frame, level = frame.older(), level + 1
    finally:
        unwinder.aim(None)


class Weir(gdb.Command):
    """Commands for programs that use weir: weir actors, weir bt."""

    def __init__(self):
        super().__init__("weir", gdb.COMMAND_STACK, prefix=True)


class WeirActors(gdb.Command):
    """weir actors - a table of all actors."""

    def __init__(self):
        super().__init__("weir actors", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        everybody = list(actors())
        names = {a.id: a.name for a in everybody}
        form = "%-7s %-15s %-8s %10s %-22s %8s %s"
        print(form % ("actor", "name", "state", "switches", "woken by", "stack", "waits for"))
        for a in everybody:
            print((form % ("#%d" % a.id, a.name, a.state(), a.switches(), a.woken_by(names),
                           a.depth() or "-", a.waits_for())).rstrip())


class WeirBt(gdb.Command):
    """weir bt N - the stack of actor #N, which does not run; weir bt all - of each."""

    def __init__(self):
        super().__init__("weir bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        wanted = argument.strip().lstrip("#")
        if wanted != "all" and not wanted.isdigit():
            raise gdb.GdbError("weir bt what? A number of 'weir actors', or all")
        found = [a for a in actors() if wanted == "all" or a.id == int(wanted)]
        if not found and wanted != "all":
            raise gdb.GdbError("there is no actor #" + wanted)
        for actor in found:
            backtrace(actor)


Weir()
WeirActors()
WeirBt()
