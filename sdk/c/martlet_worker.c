#define _POSIX_C_SOURCE 200809L

#include "martlet_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HELLO = 1, EXEC, CANCEL, CREDIT, BODY, PING, DRAIN };
enum { READY = 65, RESULT = 67, CHUNK, ERROR, PONG, CANCELLED, LOG };
enum { LAST = 1, MORE = 2, SHM = 4 };
enum { FRAME_HEADER = 16, ITEM_HEADER = 20, MAX_BODIES = 65536, MAX_PAYLOAD = 1 << 20 };

struct martlet_request {
    uint64_t id;
    char *meta;
    unsigned char *body;
    size_t length;
    int is_complete, is_cancelled, has_ended, has_begun;
    /* Credit: what may be sent before Martlet grants more. */
    int64_t chunks, bytes;
    uint16_t number;
    int status;
    const char *type;
    struct timespec started;
    struct martlet_request *next;
};

static int connection = -1;
static unsigned char *input;
static size_t input_length, input_capacity;
/* In the order they came; the first complete one is the next to be computed. */
static martlet_request *waiting;
static martlet_request *running;
static int is_draining;

_Noreturn static void end_process(const char *complaint) {
    if (complaint != NULL) fprintf(stderr, "martlet: %s; ending\n", complaint);
    fflush(NULL);
    _exit(complaint == NULL ? 0 : 1);
}

static void *reserve(void *memory, size_t size) {
    memory = realloc(memory, size > 0 ? size : 1);
    if (memory == NULL) end_process("out of memory");
    return memory;
}

/* Numbers are little-endian on the wire, whatever the machine. */

static void put(unsigned char *at, uint64_t value, int size) {
    for (int byte = 0; byte < size; byte++) at[byte] = (unsigned char)(value >> (8 * byte));
}

static uint64_t get(const unsigned char *at, int size) {
    uint64_t value = 0;
    for (int byte = 0; byte < size; byte++) value |= (uint64_t)at[byte] << (8 * byte);
    return value;
}

/* JSON, as much as the protocol needs of it. */

static const char *after_spaces(const char *at) { return at + strspn(at, " \t\r\n"); }

/* Behind the value that begins here: a text, a number or word, or everything up to the bracket that closes it. */
static const char *after_value(const char *at) {
    int depth = 0;
    do {
        if (*at == '"') {
            for (at++; *at != '\0' && *at != '"'; at++)
                if (*at == '\\' && at[1] != '\0') at++;
            if (*at != '\0') at++;
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else {
            size_t length = strcspn(at, "\"{}[]");
            at += depth > 0 ? length : strcspn(at, ",}] \t\r\n");
        }
    } while (depth > 0 && *at != '\0');
    return at;
}

static const char *value_of(const char *json, const char *key) {
    const char *at = after_spaces(json);
    if (*at != '{') return NULL;
    for (at = after_spaces(at + 1); *at == '"'; at = after_spaces(*at == ',' ? at + 1 : at)) {
        const char *end = after_value(at);
        int is_it = (size_t)(end - at) == strlen(key) + 2 && strncmp(at + 1, key, strlen(key)) == 0;
        at = after_spaces(end);
        if (*at != ':') return NULL;
        at = after_spaces(at + 1);
        if (is_it) return at;
        at = after_spaces(after_value(at));
    }
    return NULL;
}

int martlet_json_text(const char *json, const char *key, char *text, size_t size) {
    const char *at = value_of(json, key);
    if (size == 0 || at == NULL || (*at != '"' && *at != '-' && (*at < '0' || *at > '9'))) return -1;
    const char *end = after_value(at);
    if (*at == '"') {
        at++;
        end--;
    }
    size_t length = 0;
    for (; at < end && length + 1 < size; at++) {
        char byte = *at;
        if (byte == '\\' && at + 1 < end) {
            const char *escape = strchr("nrtbf", *++at);
            byte = escape != NULL ? "\n\r\t\b\f"[escape - "nrtbf"] : *at;
            if (*at == 'u' && end - at > 4) {
                unsigned code = 0;
                sscanf(at + 1, "%4x", &code);
                byte = code < 0x80 ? (char)code : '?';
                at += 4;
            }
        }
        text[length++] = byte;
    }
    text[length] = '\0';
    return 0;
}

static void write_text(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\' || byte < 0x20)
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

/* Writing. */

static void write_all(const unsigned char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = send(connection, bytes, length, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) end_process(NULL);
        bytes += written;
        length -= (size_t)written;
    }
}

static void write_frame(int type, uint64_t id, int count, const unsigned char *payload, size_t length) {
    unsigned char *frame = reserve(NULL, FRAME_HEADER + length);
    put(frame, length, 4);
    frame[4] = (unsigned char)type;
    frame[5] = 0;
    put(frame + 6, (uint64_t)count, 2);
    put(frame + 8, id, 8);
    if (length > 0) memcpy(frame + FRAME_HEADER, payload, length);
    write_all(frame, FRAME_HEADER + length);
    free(frame);
}

static void write_item(int type, uint64_t id, int status, int flags, const char *meta, const void *body, size_t length) {
    size_t meta_length = strlen(meta);
    unsigned char *item = reserve(NULL, ITEM_HEADER + meta_length + length);
    put(item, id, 8);
    put(item + 8, (uint64_t)status, 2);
    put(item + 10, (uint64_t)flags, 2);
    put(item + 12, meta_length, 4);
    put(item + 16, length, 4);
    memcpy(item + ITEM_HEADER, meta, meta_length);
    if (length > 0) memcpy(item + ITEM_HEADER + meta_length, body, length);
    write_frame(type, 0, 1, item, ITEM_HEADER + meta_length + length);
    free(item);
}

/* A memory stream that JSON is written to; `close_text` gives what was written, to be freed. */
static char *made;
static size_t made_length;

static FILE *open_text(void) {
    FILE *out = open_memstream(&made, &made_length);
    if (out == NULL) end_process("out of memory");
    return out;
}

static char *close_text(FILE *out) {
    if (fclose(out) != 0) end_process("out of memory");
    return made;
}

static void write_control(int type, uint64_t id, char *json) {
    write_frame(type, id, 0, (const unsigned char *)json, strlen(json));
    free(json);
}

void martlet_log(const char *level, const char *message) {
    FILE *out = open_text();
    fputs("{\"level\":", out);
    write_text(out, level);
    fputs(",\"message\":", out);
    write_text(out, message);
    fputs("}", out);
    write_control(LOG, 0, close_text(out));
}

/* The table of requests. */

static martlet_request *find(uint64_t id) {
    if (running != NULL && running->id == id) return running;
    for (martlet_request *one = waiting; one != NULL; one = one->next)
        if (one->id == id) return one;
    return NULL;
}

static void unlink_waiting(martlet_request *request) {
    martlet_request **at = &waiting;
    while (*at != request) at = &(*at)->next;
    *at = request->next;
    request->next = NULL;
}

static void release(martlet_request *request) {
    free(request->meta);
    free(request->body);
    free(request);
}

static void give_up(martlet_request *request, const char *phase) {
    double spent = 0;
    if (request == running) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        spent = (double)(now.tv_sec - request->started.tv_sec) * 1e3
            + (double)(now.tv_nsec - request->started.tv_nsec) / 1e6;
    }
    char meta[96];
    snprintf(meta, sizeof meta, "{\"compute_ms\":%.3f,\"phase\":\"%s\"}", spent, phase);
    request->has_ended = 1;
    write_item(CANCELLED, request->id, 0, 0, meta, NULL, 0);
}

/* Frames from Martlet. */

typedef struct {
    uint64_t id;
    int status, flags;
    size_t meta_length, length;
    const unsigned char *meta, *body;
} item;

static void append(martlet_request *request, const item *from) {
    if (from->flags & SHM) end_process("shared memory was not agreed on");
    request->body = reserve(request->body, request->length + from->length);
    if (from->length > 0) memcpy(request->body + request->length, from->body, from->length);
    request->length += from->length;
    request->is_complete = !(from->flags & MORE);
}

static void take_item(int type, const item *from) {
    martlet_request *request = find(from->id);
    if (type == CREDIT && request != NULL) {
        request->chunks += from->status;
        request->bytes += (int64_t)from->meta_length;
    } else if (type == BODY && request != NULL && !request->is_complete) {
        append(request, from);
    } else if (type == EXEC) {
        if (request != NULL) end_process("a request's id came twice");
        request = reserve(NULL, sizeof *request);
        *request = (martlet_request){.id = from->id, .chunks = 64, .bytes = 256 * 1024, .status = 200};
        request->type = "text/plain; charset=utf-8";
        size_t length = from->meta_length > 0 ? from->meta_length : 2;
        request->meta = reserve(NULL, length + 1);
        memcpy(request->meta, from->meta_length > 0 ? (const char *)from->meta : "{}", length);
        request->meta[length] = '\0';
        append(request, from);
        martlet_request **end = &waiting;
        while (*end != NULL) end = &(*end)->next;
        *end = request;
    }
}

static void take_items(int type, int count, const unsigned char *at, const unsigned char *end) {
    while (count-- > 0) {
        if (end - at < ITEM_HEADER) end_process("an item does not fit its frame");
        item one = {.id = get(at, 8), .status = (int)get(at + 8, 2), .flags = (int)get(at + 10, 2)};
        one.meta_length = (size_t)get(at + 12, 4);
        one.length = (size_t)get(at + 16, 4);
        at += ITEM_HEADER;
        if (one.flags > (LAST | MORE | SHM)) end_process("an item with unknown flags");
        if (type != CREDIT) {
            if (one.meta_length + one.length > (size_t)(end - at)) end_process("an item does not fit its frame");
            one.meta = at;
            one.body = at + one.meta_length;
            at = one.body + one.length;
        }
        take_item(type, &one);
    }
    if (at != end) end_process("bytes after a frame's last item");
}

static void take_cancel(const char *json) {
    const char *at = value_of(json, "ids");
    if (at == NULL || *at != '[') end_process("a CANCEL without ids");
    for (at = after_spaces(at + 1); *at >= '0' && *at <= '9'; at = after_spaces(*at == ',' ? at + 1 : at)) {
        char *end;
        martlet_request *request = find(strtoull(at, &end, 10));
        at = after_spaces(end);
        if (request == NULL) continue;
        request->is_cancelled = 1;
        if (request == running) continue;
        give_up(request, "waiting");
        unlink_waiting(request);
        release(request);
    }
}

static void out_of_grace(int signal) {
    (void)signal;
    _exit(0);
}

static void take_drain(const char *json) {
    char grace[24];
    is_draining = 1;
    if (martlet_json_text(json, "grace_ms", grace, sizeof grace) != 0) return;
    signal(SIGALRM, out_of_grace);
    alarm((unsigned)(strtoul(grace, NULL, 10) / 1000 + 1));
}

static void take_ping(uint64_t id) {
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    int active = running != NULL;
    for (martlet_request *one = waiting; one != NULL; one = one->next) active++;
    FILE *out = open_text();
    fprintf(out, "{\"rss\":%lld,\"active\":%d}", usage.ru_maxrss * 1024LL, active);
    write_control(PONG, id, close_text(out));
}

/* Room for what HELLO says; NULL once it was said. */
static char **hello_wanted;

static void take_frame(int type, int count, uint64_t id, const unsigned char *payload, size_t length) {
    int is_data = type == EXEC || type == CREDIT || type == BODY;
    if (is_data != (count > 0)) end_process("a frame with a wrong count");
    if ((type == HELLO) != (hello_wanted != NULL)) end_process("no HELLO, or a second one");
    if (is_data) {
        take_items(type, count, payload, payload + length);
        return;
    }
    char *json = reserve(NULL, length + 1);
    memcpy(json, payload, length);
    json[length] = '\0';
    if (type == CANCEL) take_cancel(json);
    if (type == DRAIN) take_drain(json);
    if (type == PING) take_ping(id);
    if (type == HELLO) {
        *hello_wanted = json;
        hello_wanted = NULL;
        return;
    }
    free(json);
}

/* Reads what is there and does what it says; waits for something first where `wait` is set. */
static void receive(int wait) {
    if (input_capacity - input_length < 65536) {
        input_capacity = input_length + (1 << 17);
        input = reserve(input, input_capacity);
    }
    ssize_t count = recv(connection, input + input_length, input_capacity - input_length, wait ? 0 : MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (count <= 0) end_process(NULL);
    input_length += (size_t)count;
    size_t at = 0;
    while (input_length - at >= FRAME_HEADER) {
        const unsigned char *frame = input + at;
        size_t length = (size_t)get(frame, 4);
        if (length > MAX_PAYLOAD) end_process("a frame that is too long");
        if (frame[4] < HELLO || frame[4] > DRAIN || frame[5] != 0) end_process("a frame of an unknown kind");
        if (input_length - at - FRAME_HEADER < length) break;
        take_frame(frame[4], (int)get(frame + 6, 2), get(frame + 8, 8), frame + FRAME_HEADER, length);
        at += FRAME_HEADER + length;
    }
    input_length -= at;
    memmove(input, input + at, input_length);
}

/* What a model calls. */

const unsigned char *martlet_body(const martlet_request *request, size_t *length) {
    *length = request->length;
    return request->body;
}

const char *martlet_meta(const martlet_request *request) {
    return request->meta;
}

int martlet_cancelled(martlet_request *request) {
    receive(0);
    return request->is_cancelled;
}

/* `length`: of the whole answer; -1 where nobody knows it. */
static char *answer_meta(const martlet_request *request, long long length) {
    FILE *out = open_text();
    fprintf(out, "{\"status\":%d,\"type\":", request->status);
    write_text(out, request->type);
    if (length >= 0) fprintf(out, ",\"length\":%lld", length);
    fputs("}", out);
    return close_text(out);
}

static int send_chunk(martlet_request *request, const unsigned char *piece, size_t length, int flags, long long whole) {
    while (!request->is_cancelled && (request->chunks <= 0 || request->bytes <= 0)) receive(1);
    if (martlet_cancelled(request)) return -1;
    char *meta = request->has_begun ? NULL : answer_meta(request, whole);
    write_item(CHUNK, request->id, request->number++, flags, meta != NULL ? meta : "", piece, length);
    free(meta);
    request->has_begun = 1;
    request->chunks--;
    request->bytes -= (int64_t)length;
    request->has_ended = flags & LAST;
    return 0;
}

static int send_pieces(martlet_request *request, const void *body, size_t length, int last, long long whole) {
    const unsigned char *at = body;
    do {
        size_t piece = length < MAX_BODIES ? length : MAX_BODIES;
        length -= piece;
        if (send_chunk(request, at, piece, length == 0 ? last : 0, whole) != 0) return -1;
        at += piece;
    } while (length > 0);
    return 0;
}

void martlet_begin(martlet_request *request, int status, const char *type) {
    request->status = status;
    request->type = type;
}

int martlet_send(martlet_request *request, const void *piece, size_t length) {
    if (request->has_ended) return -1;
    return length == 0 ? -martlet_cancelled(request) : send_pieces(request, piece, length, 0, -1);
}

void martlet_reply(martlet_request *request, int status, const char *type, const void *body, size_t length) {
    if (request->has_ended || request->has_begun || martlet_cancelled(request)) return;
    martlet_begin(request, status, type);
    if (length > MAX_BODIES) {
        send_pieces(request, body, length, LAST, (long long)length);
        return;
    }
    char *meta = answer_meta(request, -1);
    write_item(RESULT, request->id, status, 0, meta, body, length);
    free(meta);
    request->has_ended = 1;
}

void martlet_fail(martlet_request *request, int status, const char *code, const char *message) {
    if (request->has_ended || martlet_cancelled(request)) return;
    FILE *out = open_text();
    fputs("{\"scope\":\"item\",\"code\":", out);
    write_text(out, code);
    fputs(",\"message\":", out);
    write_text(out, message);
    fputs("}", out);
    char *meta = close_text(out);
    write_item(ERROR, request->id, status, 0, meta, NULL, 0);
    free(meta);
    request->has_ended = 1;
}

/* The worker's life. */

static void write_ready(const martlet_api *apis, size_t count) {
    FILE *out = open_text();
    fprintf(out, "{\"protocol\":1,\"language\":\"c\",\"sdk\":\"0.1.0\",\"pid\":%ld,\"version\":", (long)getpid());
    write_text(out, apis->version != NULL ? apis->version : "");
    fputs(",\"apis\":[", out);
    for (const martlet_api *api = apis; api < apis + count; api++) {
        fputs(api == apis ? "{\"path\":" : ",{\"path\":", out);
        write_text(out, api->path);
        fputs(",\"methods\":[\"", out);
        for (const char *at = api->methods != NULL ? api->methods : "POST"; *at != '\0'; at++)
            fputs(*at == ' ' ? "\",\"" : (char[]){*at, '\0'}, out);
        fprintf(out, "\"],\"stream\":%s", api->is_stream ? "true" : "false");
        if (api->max_body > 0) fprintf(out, ",\"max_body\":%zu", api->max_body);
        fputs("}", out);
    }
    fputs("]}", out);
    write_control(READY, 0, close_text(out));
}

static void run(const martlet_api *api, martlet_request *request) {
    unlink_waiting(request);
    running = request;
    clock_gettime(CLOCK_MONOTONIC, &request->started);
    api->predict(request, api->own);
    if (!request->has_ended && request->has_begun) send_pieces(request, "", 0, LAST, -1);
    if (!request->has_ended && request->is_cancelled) give_up(request, request->has_begun ? "streaming" : "computing");
    if (!request->has_ended) martlet_fail(request, 500, "no_answer", "the model made no answer");
    /* Cancelled at the last moment, as what would have ended it was said. */
    if (!request->has_ended) give_up(request, "computing");
    running = NULL;
    release(request);
}

static int load_failed(const char *why) {
    fprintf(stderr, "martlet: %s\n", why);
    write_item(ERROR, 0, 500, 0, "{\"code\":\"load_failed\"}", why, strlen(why) < MAX_BODIES ? strlen(why) : MAX_BODIES);
    return 1;
}

static void take_connection(void) {
    int null = open("/dev/null", O_RDONLY);
    connection = fcntl(0, F_DUPFD_CLOEXEC, 3);
    if (connection < 0 || null < 0 || dup2(null, 0) < 0) end_process("no connection on standard input");
    close(null);
    signal(SIGINT, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

int martlet_serve(const martlet_api *apis, size_t count) {
    if (getenv("MARTLET_WORKER") == NULL) {
        fprintf(stderr, "this is a worker of Martlet's: name it under `workers` as a `command`\n");
        return 2;
    }
    take_connection();
    char *hello = NULL, text[1024];
    hello_wanted = &hello;
    while (hello == NULL) receive(1);
    if (martlet_json_text(hello, "protocol", text, sizeof text) != 0 || strcmp(text, "1") != 0)
        return load_failed("another version of the protocol is spoken than 1");
    martlet_json_text(hello, "purpose", text, sizeof text);
    if (strcmp(text, "describe") == 0) {
        write_ready(apis, count);
        for (;;) receive(1);
    }
    const martlet_api *api = apis;
    if (martlet_json_text(hello, "api", text, sizeof text) == 0)
        while (api < apis + count && strcmp(api->path, text) != 0) api++;
    if (api == apis + count) return load_failed("no such API");
    if (martlet_json_text(hello, "device", text, sizeof text) != 0) strcpy(text, "cpu");
    const char *problem = api->setup != NULL ? api->setup(text, api->own) : NULL;
    if (problem != NULL) return load_failed(problem);
    free(hello);
    write_ready(api, 1);
    for (;;) {
        martlet_request *next = waiting;
        while (next != NULL && !next->is_complete) next = next->next;
        if (next != NULL) {
            run(api, next);
            receive(0);
        } else if (is_draining && waiting == NULL) {
            return 0;
        } else {
            receive(1);
        }
    }
}
