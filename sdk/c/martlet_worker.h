/*
 * A worker of Martlet's in C: serves models over the worker protocol WP/1 (docs/worker-protocol.md).
 *
 * One thread, one request at a time. Put martlet_worker.c beside your program, describe your APIs, and call
 * martlet_serve from main:
 *
 *     static void predict(martlet_request *request, void *own) {
 *         size_t length;
 *         const unsigned char *body = martlet_body(request, &length);
 *         martlet_reply(request, 200, "application/octet-stream", body, length);
 *     }
 *
 *     int main(void) {
 *         const martlet_api apis[] = {{.path = "/echo", .version = "1", .predict = predict}};
 *         return martlet_serve(apis, 1);
 *     }
 *
 * Needs POSIX and nothing else. What the program prints becomes lines of Martlet's log; its standard input is the
 * connection, which martlet_serve takes for itself.
 */
#ifndef MARTLET_WORKER_H
#define MARTLET_WORKER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A request that is being computed. Valid until predict returns. */
typedef struct martlet_request martlet_request;

/* One API. What is left out is zero. */
typedef struct {
    /* Where it is served, such as "/predict". */
    const char *path;
    /* Of the model or the code: all workers of a group must say the same. NULL: "". */
    const char *version;
    /* HTTP methods, separated by one space. NULL: "POST". */
    const char *methods;
    /* Whether it answers with martlet_send. */
    int is_stream;
    /* The longest body of a request, in bytes. 0: as Martlet is configured. */
    size_t max_body;
    /* Loads the model on a device such as "cpu" or "cuda:0"; gives NULL, or why it cannot. NULL: there is none. */
    const char *(*setup)(const char *device, void *own);
    /* Answers one request: by martlet_reply, by martlet_fail, or by martlet_send as often as it likes. */
    void (*predict)(martlet_request *request, void *own);
    /* Handed to setup and predict. */
    void *own;
} martlet_api;

/* Serves until Martlet ends the worker; gives the status to end the process with, other than 0 with a line on standard
 * error. Where the other side is gone, or breaks the protocol, the process ends inside this call. */
int martlet_serve(const martlet_api *apis, size_t count);

/* The whole body. */
const unsigned char *martlet_body(const martlet_request *request, size_t *length);

/* What Martlet says of the request, as a JSON object: method, path, query, type, headers and more. Never NULL. */
const char *martlet_meta(const martlet_request *request);

/* Whether nobody waits for the answer any more: return from predict soon, the answer is thrown away. Hears what Martlet
 * said meanwhile, so call it now and then in a long computation; it costs one system call. */
int martlet_cancelled(martlet_request *request);

/* The whole answer. A body of more than 64 KiB goes out as fast as the client reads. */
void martlet_reply(martlet_request *request, int status, const char *type, const void *body, size_t length);

/* The status and media type of a streamed answer, before its first piece; without it 200 and plain text. */
void martlet_begin(martlet_request *request, int status, const char *type);

/* A piece of a streamed answer. Waits while the client does not read. -1 where nobody listens any more: return from
 * predict. The answer ends when predict returns. */
int martlet_send(martlet_request *request, const void *piece, size_t length);

/* The request failed: status 400 to 599; code is a short name such as "bad_image", message a line for people. */
void martlet_fail(martlet_request *request, int status, const char *code, const char *message);

/* A line of Martlet's log. level: "debug", "info", "notice", "warning" or "error". */
void martlet_log(const char *level, const char *message);

/* The text of a top-level key of a JSON object, cut to fit, and always ended by a zero; numbers as they are written.
 * -1 where there is no such key or its value is neither text nor number. */
int martlet_json_text(const char *json, const char *key, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
