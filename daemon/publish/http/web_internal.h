/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_WEB_INTERNAL_H
#define IW_HTTP_WEB_INTERNAL_H
/* web_internal.h - shared by the files of the thread `web`: connections, handlers, answers. */
#include "publish/http/ask.h"
#include "publish/http/listen.h"
#include "publish/http/route.h"
#include "publish/http/stream.h"
#include "publish/http/web.h"

#include <jansson.h>
#include <microhttpd.h>

typedef struct iw_request iw_request;
typedef struct iw_gather iw_gather;

/* One TCP connection. */
typedef struct iw_connection {
    int fd;
    bool busy;      /* a request is there in full, and answered now */
    bool endless;   /* by a stream */
    double since_s; /* of what it does now */
    struct iw_connection *next, **place;
} iw_connection;

/* One request, from its first line to the end of its answer. */
struct iw_request {
    iw_web *web;
    struct MHD_Connection *connection;
    char *raw; /* path and query as they came */
    iw_target target;
    iw_route_id route;
    iw_may role;  /* of who asks */
    bool is_long; /* whole series: some of these at one time */
    bool begun;   /* its headers were looked at */
    bool suspended;
    iw_buffer upload; /* what it sent */
    unsigned status;  /* of the answer; 0: not known yet */
    iw_body *body;
    char allow[64];               /* Allow; "" */
    char cookie[200];             /* Set-Cookie; "" */
    iw_gather *gather;            /* what it needs several answers for; NULL */
    double delayed_until_s;       /* > 0: a wrong token is answered then */
    char shown[IW_ID_LENGTH + 1]; /* a stream: the run whose records it sends */
    bool gzip;                    /* ... packed */
    iw_client *client;            /* ... */
    iw_request *next, **place;
};

struct iw_web {
    const iw_config *config; /* borrowed */
    void *inbox, *front;
    iw_listen listen;
    bool off;                    /* nobody wants a page */
    char trouble[IW_ERROR_TEXT]; /* why there is none; "" */
    double next_try_s;           /* ... and when it is tried again */
    struct MHD_Daemon *server;   /* NULL: nobody is served */
    int epoll;
    iw_sessions sessions;
    bool open; /* who is on this machine may read without a token */
    iw_config_list names;
    char host_name[256];
    char cookie_name[32];
    iw_asks *asks;
    iw_hub *hub;
    iw_connection *connections;
    iw_request *requests;
    unsigned long_answers;
    unsigned delayed; /* requests with a wrong token that wait */
    bool listing;     /* the listing was asked for */
    double asked_s;   /* then */
    double next_listing_s, next_beat_s, next_sweep_s;
    bool terminated;
};

/* web.c */
void iw_request_suspend(iw_request *self); /* from its handler */
void iw_request_resume(iw_request *self);  /* its answer is known; harmless if not suspended */
/* The listing is wanted now. */
void iw_web_look(iw_web *self);

/* reply.c: what the answer will be.  The body is consumed. */
void iw_reply(iw_request *self, unsigned status, iw_body *body);
/* code: a word for programs; text: for people. */
void iw_reply_error(iw_request *self, unsigned status, const char *code, const char *text);
/* Of a status of the daemon. */
void iw_reply_status(iw_request *self, iw_status status, const char *text);
void iw_reply_json(iw_request *self, json_t *json);          /* consumed; NULL: no memory */
void iw_reply_cookie(iw_request *self, const char *session); /* along with it; "": no more */
enum MHD_Result iw_reply_queue(iw_request *self); /* from the handler: hands it to the server */

/* guard.c: may he?  False: the answer is known. */
bool iw_guard(iw_request *self, const char *method);
/* A token that is none: answered late. */
void iw_guard_wrong_token(iw_request *self);
const char *iw_header(const iw_request *self, const char *name); /* NULL: it was not sent */

/* gather.c: answers that are made of several. */
void iw_gather_metrics(iw_request *self);
void iw_gather_arrhenius(iw_request *self);
void iw_gather_destroy(iw_gather **gather); /* NULL is harmless */

/* serve.c: a question of this request; it waits until answered() has set the answer and resumed it,
 * or has asked again. */
void iw_request_ask(iw_request *self, const iw_question *question, iw_ask_answered answered);

/* serve.c: what each route does: sets the answer, or suspends the request until it is known. */
typedef void (*iw_handler)(iw_request *self);
extern const iw_handler iw_handlers[IW_ROUTES];

#endif
