/*
 * Two models in one program: /histogram counts the bytes of a body, /countdown streams numbers.
 *
 *     cc -O2 -I.. -o histogram histogram.c ../martlet_worker.c
 *     martlet serve ./histogram --port 8000
 *     curl http://127.0.0.1:8000/histogram --data-binary @histogram
 *     curl -N http://127.0.0.1:8000/countdown -d '{"from": 5}'
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "martlet_worker.h"

static void histogram(martlet_request *request, void *own) {
    (void)own;
    size_t length, counts[256] = {0};
    const unsigned char *body = martlet_body(request, &length);
    for (size_t at = 0; at < length; at++) {
        counts[body[at]]++;
        if (at % (1 << 20) == 0 && martlet_cancelled(request)) return;
    }
    char answer[256 * 24];
    size_t written = 0;
    for (int byte = 0; byte < 256; byte++)
        written += (size_t)sprintf(answer + written, "%c%zu", byte == 0 ? '[' : ',', counts[byte]);
    answer[written++] = ']';
    martlet_reply(request, 200, "application/json", answer, written);
}

static void countdown(martlet_request *request, void *own) {
    (void)own;
    size_t length;
    const unsigned char *body = martlet_body(request, &length);
    char text[32], json[256];
    snprintf(json, sizeof json, "%.*s", (int)length, (const char *)body);
    if (martlet_json_text(json, "from", text, sizeof text) != 0) {
        martlet_fail(request, 400, "no_number", "say where to begin: {\"from\": 5}");
        return;
    }
    for (long number = strtol(text, NULL, 10); number > 0; number--) {
        int size = snprintf(text, sizeof text, "%ld\n", number);
        if (martlet_send(request, text, (size_t)size) != 0) {
            snprintf(json, sizeof json, "nobody listens: stopped at %ld", number);
            martlet_log("info", json);
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

int main(void) {
    const martlet_api apis[] = {
        {.path = "/histogram", .version = "1", .predict = histogram},
        {.path = "/countdown", .version = "1", .is_stream = 1, .predict = countdown},
    };
    return martlet_serve(apis, sizeof apis / sizeof *apis);
}
