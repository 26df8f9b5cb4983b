/* SPDX-License-Identifier: MIT */
/*
 * http.c [PORT] - an HTTP/1.1 server with two pages, for any number of requests per connection,
 * also sent before the answers to the ones before (pipelining).
 *
 *     GET, HEAD  /        says hello
 *     GET, HEAD  /about   who is asking
 *
 * Bodies of requests are read and thrown away. What is not HTTP or not offered here is answered by
 * 400, 404, 405, 408, 413, 414, 417, 431, 501 or 505. Limits: the table below. After SIGTERM
 * each request that has begun is answered.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <weir/weir.h>

enum {
    LINE = 4096,       /* bytes of a request's first line, and of a field */
    FIELDS = 100,      /* of a request */
    BODY = 1024 * 1024 /* bytes */
};
#define IDLE (30 * WEIR_S)  /* between requests */
#define HEAD (10 * WEIR_S)  /* for all in front of a body */
#define WHOLE (60 * WEIR_S) /* for a request, and for its answer */

struct request {
    bool head;      /* the method is HEAD */
    bool other;     /* neither GET nor HEAD */
    bool old;       /* HTTP/1.0 */
    bool close;     /* the last of its connection */
    bool sized;     /* it has a Content-Length */
    bool chunked;   /* or its body comes in chunks */
    bool expects;   /* the client waits for "100 Continue" before it sends it */
    unsigned hosts; /* fields of this name */
    uint64_t size;  /* of the body */
    char path[LINE];
};

struct connection {
    weir_buffered in;
    weir_time deadline; /* of what is going on */
    char line[LINE + 1];
    size_t length;
};

/* ---- answers ------------------------------------------------------------------------------- */

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {417, "Expectation Failed"},
                   {431, "Request Header Fields Too Large"},
                   {501, "Not Implemented"},
                   {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "";
}

static int answer(struct connection *c, const struct request *r, int status, const char *body)
{
    char head[320], date[64];
    time_t now = time(NULL);
    struct tm utc;
    size_t size = strlen(body);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    int n =
        snprintf(head, sizeof head,
                 "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: text/plain\r\n"
                 "Content-Length: %zu\r\n%s%s\r\n",
                 status, reason(status), date, size, status == 405 ? "Allow: GET, HEAD\r\n" : "",
                 r->close ? "Connection: close\r\n"
                 : r->old ? "Connection: keep-alive\r\n"
                          : "");
    const struct iovec parts[] = {{head, (size_t)n}, {(void *)body, size}};
    return weir_stream_sendv(c->in.stream, parts, r->head ? 1 : 2, weir_after(WHOLE), NULL);
}

/* The connection ends after it, because nobody knows where a next request would begin. */
static int refuse(struct connection *c, struct request *r, int status)
{
    char body[64];
    r->close = true;
    snprintf(body, sizeof body, "%d %s\n", status, reason(status));
    return answer(c, r, status, body);
}

static int about(struct connection *c, const struct request *r)
{
    char body[WEIR_ADDRESS_TEXT + 64], who[WEIR_ADDRESS_TEXT];
    weir_address peer;
    int rc = weir_stream_get(c->in.stream, WEIR_SOCKET_REMOTE, &peer);
    if (rc < 0)
        return rc;
    snprintf(body, sizeof body, "You are %s.\n", weir_address_host(&peer, who, sizeof who));
    return answer(c, r, 200, body);
}

static int respond(struct connection *c, const struct request *r)
{
    if (r->other)
        return answer(c, r, 405, "There is nothing but GET and HEAD.\n");
    if (strcmp(r->path, "/") == 0)
        return answer(c, r, 200, "Hello from weir.\n");
    if (strcmp(r->path, "/about") == 0)
        return about(c, r);
    return answer(c, r, 404, "There is no such page.\n");
}

/* ---- requests: each function returns a status to refuse it with, 0, or an error ------------- */

static int check_line(const struct connection *c)
{
    return memchr(c->line, 0, c->length) || memchr(c->line, '\r', c->length) ? 400 : 0;
}

/* A line without its end; `large` if it is too long. */
static int next_line(struct connection *c, int large)
{
    int rc = weir_recv_line_by(c->in, c->line, sizeof c->line, &c->length, c->deadline);
    if (rc > 0)
        return check_line(c);
    return rc == WEIR_EMSGSIZE ? large : rc == WEIR_ETIMEDOUT ? 408 : rc == 0 ? WEIR_EPIPE : rc;
}

static bool is_token(const char *text)
{
    size_t n = strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return n > 0 && text[n] == 0;
}

/* Digits of this base and nothing else. */
static bool parse_size(const char *text, int base, uint64_t *size)
{
    *size = 0;
    for (; *text; text++) {
        const char *digits = "0123456789abcdef";
        const char *digit = strchr(digits, *text >= 'A' && *text <= 'F' ? *text + 32 : *text);
        if (!digit || digit - digits >= base || *size > UINT64_MAX / 32)
            return false;
        *size = *size * (unsigned)base + (unsigned)(digit - digits);
    }
    return true;
}

/* The path of "/path?query", or of "http://host/path". */
static int parse_target(struct request *r, const char *target)
{
    if (strncasecmp(target, "http://", 7) == 0)
        target += 7 + strcspn(target + 7, "/?");
    else if (*target != '/')
        return 400;
    size_t n = strcspn(target, "?");
    memcpy(r->path, n ? target : "/", n ? n : 1);
    r->path[n ? n : 1] = 0;
    return 0;
}

static int parse_first(struct request *r, char *line)
{
    char *target = strchr(line, ' ');
    char *version = target ? strrchr(target + 1, ' ') : NULL;
    if (!version)
        return 400;
    *target++ = 0;
    *version++ = 0;
    if (!is_token(line) || strchr(target, ' ') || strlen(version) != 8 ||
        strncmp(version, "HTTP/", 5) != 0 || version[6] != '.' ||
        strspn(version + 5, "0123456789") != 1 || !strchr("0123456789", version[7]))
        return 400;
    r->head = strcmp(line, "HEAD") == 0;
    r->other = !r->head && strcmp(line, "GET") != 0;
    r->old = strcmp(version, "HTTP/1.0") == 0;
    r->close = r->old;
    return version[5] == '1' ? parse_target(r, target) : 505;
}

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (; *list; list += strcspn(list, ","), list += *list == ',') {
        list += strspn(list, " \t");
        if (strncasecmp(list, word, n) == 0 && strchr(", \t", list[n]))
            return true;
    }
    return false;
}

static int parse_field(struct request *r, char *line)
{
    char *value = strchr(line, ':');
    if (!value)
        return 400;
    *value++ = 0;
    value += strspn(value, " \t");
    for (char *end = value + strlen(value); end > value && strchr(" \t", end[-1]);)
        *--end = 0;
    if (!is_token(line))
        return 400;
    if (strcasecmp(line, "Host") == 0) {
        r->hosts++;
    } else if (strcasecmp(line, "Content-Length") == 0) {
        uint64_t size;
        if (!*value || !parse_size(value, 10, &size) || (r->sized && size != r->size))
            return 400;
        r->sized = true;
        r->size = size;
    } else if (strcasecmp(line, "Transfer-Encoding") == 0) {
        if (r->chunked || strcasecmp(value, "chunked") != 0)
            return 501;
        r->chunked = true;
    } else if (strcasecmp(line, "Connection") == 0) {
        r->close |= has_word(value, "close");
        r->close &= !(r->old && has_word(value, "keep-alive"));
    } else if (strcasecmp(line, "Expect") == 0) {
        r->expects = strcasecmp(value, "100-continue") == 0;
        return r->expects ? 0 : 417;
    }
    return 0;
}

/* Fields up to the empty line: a request's, or those behind a body in chunks (r is NULL). */
static int read_fields(struct connection *c, struct request *r)
{
    for (int i = 0; i <= FIELDS; i++) {
        int rc = next_line(c, 431);
        if (rc != 0 || c->length == 0)
            return rc;
        if (r && (rc = parse_field(r, c->line)) != 0)
            return rc;
    }
    return 431;
}

/* ---- bodies --------------------------------------------------------------------------------- */

static int discard(struct connection *c, uint64_t size)
{
    char bytes[4096];
    while (size > 0) {
        size_t part = size < sizeof bytes ? (size_t)size : sizeof bytes;
        int rc = weir_recv_exactly_by(c->in, bytes, part, c->deadline);
        if (rc <= 0)
            return rc == WEIR_ETIMEDOUT ? 408 : rc == 0 ? WEIR_EPIPE : rc;
        size -= part;
    }
    return 0;
}

static int discard_chunks(struct connection *c)
{
    uint64_t size, whole = 0;
    for (;;) {
        int rc = next_line(c, 400);
        if (rc != 0)
            return rc;
        c->line[strcspn(c->line, "; \t")] = 0; /* extensions mean nothing here */
        if (!*c->line || !parse_size(c->line, 16, &size))
            return 400;
        if (size == 0)
            return read_fields(c, NULL);
        if (size > BODY || (whole += size) > BODY)
            return 413;
        if ((rc = discard(c, size)) != 0 || (rc = next_line(c, 400)) != 0)
            return rc;
        if (c->length > 0)
            return 400;
    }
}

static int read_body(struct connection *c, const struct request *r)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (r->size > BODY)
        return 413;
    c->deadline = weir_after(WHOLE);
    if (r->expects && !r->old && (r->chunked || r->size > 0)) {
        int rc = weir_stream_send_by(c->in.stream, go_on, sizeof go_on - 1, c->deadline, NULL);
        if (rc < 0)
            return rc;
    }
    return r->chunked ? discard_chunks(c) : discard(c, r->size);
}

/* ---- connections ---------------------------------------------------------------------------- */

static int read_request(struct connection *c, struct request *r)
{
    c->deadline = weir_after(HEAD);
    int rc = check_line(c);
    if (rc == 0 && c->length == 0) /* an empty line may stand before a request */
        rc = next_line(c, 414);
    if (rc == 0)
        rc = parse_first(r, c->line);
    if (rc == 0)
        rc = read_fields(c, r);
    if (rc == 0 && ((r->hosts != 1 && !r->old) || (r->chunked && (r->sized || r->old))))
        rc = 400;
    return rc == 0 ? read_body(c, r) : rc;
}

/* The first line of the next request: 1; 0: there is none. */
static int wait_for_request(struct connection *c, weir_receiver drained)
{
    enum { DRAINED, REQUEST };
    weir_line line = {.to = c->line, .room = sizeof c->line};
    char none;
    weir_case cases[] = {[DRAINED] = weir_on_recv_item(drained, &none, 1),
                         [REQUEST] = weir_on_recv_line(c->in, &line)};
    int i = weir_select_by(cases, 2, WEIR_ORDERED, weir_after(IDLE));
    c->length = line.size;
    if (i == REQUEST)
        return (int)cases[REQUEST].rc;
    return i == WEIR_ETIMEDOUT || i == DRAINED ? 0 : i;
}

static int serve_one(struct connection *c, weir_receiver drained, bool *close)
{
    struct request r = {.size = 0};
    char none;
    int rc = wait_for_request(c, drained);
    *close = rc <= 0;
    if (rc == 0)
        return 0;
    rc = rc == WEIR_EMSGSIZE ? 414 : rc < 0 ? rc : read_request(c, &r);
    if (weir_try_recv(drained, &none) != WEIR_EAGAIN)
        r.close = true;
    rc = rc < 0 ? rc : rc > 0 ? refuse(c, &r, rc) : respond(c, &r);
    *close = r.close;
    return rc;
}

static int serve(weir_stream s, void *server)
{
    weir_receiver drained = weir_server_drained(*(weir_server *)server);
    struct connection *c = malloc(sizeof *c);
    bool close = false;
    int rc = c ? 0 : WEIR_ENOMEM;
    if (c)
        c->in = weir_buffer(s, NULL);
    while (rc == 0 && !close)
        rc = serve_one(c, drained, &close);
    free(c);
    return rc;
}

/* ---- the server ----------------------------------------------------------------------------- */

static int app(void *arg)
{
    const int *wanted = arg;
    weir_listener l = weir_tcp_listen(NULL, (uint16_t)*wanted, NULL);
    weir_serve_options options = {.drain = WHOLE};
    int port = weir_listener_port(l);
    if (port < 0)
        return port;
    weir_signals(&options.until, SIGTERM, SIGINT, 0);
    weir_server server = weir_server_open(&options);
    printf("listening on port %d\n", port);
    fflush(stdout);
    return weir_server_run(server, l, serve, &server);
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    int rc = weir_run(app, &port, NULL);
    if (rc < 0)
        fprintf(stderr, "http: %s\n", weir_error_text(rc));
    return rc < 0;
}
