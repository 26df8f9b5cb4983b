/* SPDX-License-Identifier: MIT */
#include "cut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int set_room(struct cutter *c, size_t room)
{
    char *text = realloc(c->text, room + TEXT_PAD);
    if (!text)
        return -ENOMEM;
    c->text = text;
    c->room = room;
    return 0;
}

static int start(struct cutter *c)
{
    if (c->path && c->fd < 0)
        c->fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (c->path && c->fd < 0)
        return -errno;
    return c->text ? 0 : set_room(c, c->chunk_size);
}

/* Reads until the chunk is full or the input ends. */
static int fill(struct cutter *c)
{
    int fd = c->path ? c->fd : STDIN_FILENO;
    while (c->length < c->room && !c->ended) {
        ssize_t n = read(fd, c->text + c->length, c->room - c->length);
        if (n > 0)
            c->length += (size_t)n;
        else if (n == 0)
            c->ended = true;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

size_t cut_whole_words(const char *text, size_t length)
{
    while (length > 0 && is_letter(text[length - 1]))
        length--;
    return length;
}

/* Hands out the first `length` bytes; the rest moves to a new buffer. */
static int split(struct cutter *c, size_t length, struct chunk *out)
{
    struct cutter rest = *c;
    rest.text = NULL;
    rest.length = c->length - length;
    if (!c->ended) {
        int rc = set_room(&rest, c->chunk_size > rest.length ? c->chunk_size : 2 * rest.length);
        if (rc < 0)
            return rc;
        memcpy(rest.text, c->text + length, rest.length);
    }
    if (c->text)
        memset(c->text + length, 0, TEXT_PAD);
    *out = (struct chunk){.text = c->text, .length = length};
    *c = rest;
    return 1;
}

int cutter_next(struct cutter *c, struct chunk *out)
{
    int rc = c->ended ? 0 : start(c);
    while (rc == 0) {
        rc = fill(c);
        if (rc < 0 || c->length == 0)
            break;
        size_t length = c->ended ? c->length : cut_whole_words(c->text, c->length);
        if (length > 0)
            rc = split(c, length, out);
        else
            rc = c->length > WORD_LENGTH_MAX ? -EOVERFLOW : set_room(c, 2 * c->room);
    }
    if (rc <= 0 || c->ended)
        cutter_free(c);
    return rc;
}

void cutter_free(struct cutter *c)
{
    free(c->text);
    c->text = NULL;
    c->length = 0;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

bool cut_copy(struct chunk *out, const char *text, size_t length)
{
    char *copy = malloc(length + TEXT_PAD);
    if (!copy)
        return false;
    memcpy(copy, text, length);
    memset(copy + length, 0, TEXT_PAD);
    *out = (struct chunk){.text = copy, .length = length};
    return true;
}
