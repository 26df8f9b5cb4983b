/* SPDX-License-Identifier: MIT */
/*
 * log.c - see log.h.
 *
 * Function and context belong together, so both are read under a lock; it is not held
 * while the hook runs. For that time the thread counts as inside of a drop function,
 * which is what keeps all operations from waiting.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "actor.h"
#include "lock.h"

enum { TEXT_BYTES = 256 };

struct log_hook {
    void (*call)(const weir_log_record *record, void *context);
    void *context;
};

static a32 hook_lock;
static struct log_hook current; /* under the lock */
static a32 wanted;              /* current.call is not NULL */

void weir_set_log(void (*hook)(const weir_log_record *record, void *context), void *context)
{
    if (weir__barred())
        return;
    lock_acquire(&hook_lock, 0);
    current = (struct log_hook){hook, context};
    a32_store(&wanted, hook != NULL);
    lock_release(&hook_lock, 0);
}

bool weir__log_wanted(void)
{
    return a32_load(&wanted) != 0;
}

static void tell(const weir_log_record *record)
{
    lock_acquire(&hook_lock, 0);
    struct log_hook now = current;
    lock_release(&hook_lock, 0);
    if (!now.call)
        return;
    struct party *self = party_enter();
    if (!self) { /* no memory, so no operation of weir works in the hook either */
        now.call(record, now.context);
        return;
    }
    struct thread *t = self->thread;
    if (!t->logging) {
        bool dropping = t->dropping;
        t->logging = t->dropping = true;
        now.call(record, now.context);
        t->logging = false;
        if (!dropping)
            weir__drops_end(t);
    }
    party_leave(self);
}

static void report(weir_log_record record, const char *format, va_list arguments)
{
    char text[TEXT_BYTES];
    int e = errno;
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is not; clang-tidy 14 */
    vsnprintf(text, sizeof text, format, arguments);
    record.text = text;
    tell(&record);
    errno = e;
}

void weir__log(weir_log_kind kind, const struct actor *about, const char *file, unsigned line,
               const char *format, ...)
{
    va_list arguments;
    if (!weir__log_wanted())
        return;
    va_start(arguments, format);
    report((weir_log_record){.kind = kind,
                             .actor = about ? about->name : "",
                             .id = about ? actor_number(about->party.id) : 0,
                             .file = file,
                             .line = line},
           format, arguments);
    va_end(arguments);
}

void weir__log_of(weir_log_kind kind, const char *actor, uint32_t id, const char *format, ...)
{
    va_list arguments;
    if (!weir__log_wanted())
        return;
    va_start(arguments, format);
    report((weir_log_record){.kind = kind, .actor = actor, .id = id}, format, arguments);
    va_end(arguments);
}

/* ---- a hook ------------------------------------------------------------------------- */

const char *weir_log_name(weir_log_kind kind)
{
    static const char *const names[] = {
        [WEIR_LOG_MISUSE] = "misuse",     [WEIR_LOG_HOG] = "hog",
        [WEIR_LOG_DEADLOCK] = "deadlock", [WEIR_LOG_GUARD] = "guard",
        [WEIR_LOG_PROCESS] = "process",   [WEIR_LOG_SERVER] = "server",
    };
    return kind >= WEIR_LOG_MISUSE && kind <= WEIR_LOG_SERVER ? names[kind] : "";
}

/* One write: lines of several threads do not mix. */
void weir_log_stderr(const weir_log_record *r, void *context)
{
    char line[2 * TEXT_BYTES];
    const size_t room = sizeof line - 1;
    int n = snprintf(line, room, "weir: %s: ", weir_log_name(r->kind));
    (void)context;
    if (r->id)
        n += snprintf(line + n, room - (size_t)n, "actor '%.64s' (#%u): ", r->actor, r->id);
    size_t end = (size_t)n;
    end += (size_t)snprintf(line + end, room - end, "%s", r->text);
    if (end < room && r->file)
        end += (size_t)snprintf(line + end, room - end, " (%s:%u)", r->file, r->line);
    if (end >= room)
        end = room - 1; /* what was cut off */
    line[end++] = '\n';
    if (write(STDERR_FILENO, line, end) < 0)
        return; /* nobody is left to be told */
}
