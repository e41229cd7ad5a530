/* SPDX-License-Identifier: BSD-3-Clause */
#include "curve.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* So many handshakes are not cut off by chance. */
enum { CUT_FOR_GOOD = 3 };

const int iw_curve_events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                            ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

iw_status
iw_curve_check(iw_error *err)
{
    if (zmq_has("curve"))
        return IW_OK;
    return iw_fail(err, IW_UNSUPPORTED,
                   "the libzmq of this machine was built without CURVE, and so without keys: "
                   "install one that has it, or go through an ssh tunnel");
}

iw_status
iw_curve_generate(iw_curve_pair *pair, iw_error *err)
{
    iw_status status = iw_curve_check(err);
    for (bool good = false; status == IW_OK && !good;) {
        if (zmq_curve_keypair(pair->public, pair->secret) != 0)
            status = iw_fail(err, IW_IO, "cannot make a key: %s", zmq_strerror(zmq_errno()));
        good = isalnum((unsigned char)*pair->public) && isalnum((unsigned char)*pair->secret);
    }
    return status;
}

iw_status
iw_curve_load(const char *path, iw_curve_pair *pair, iw_error *err)
{
    iw_status status = iw_curve_check(err);
    if (status == IW_OK)
        status = iw_key_read_secret(path, pair->secret, err);
    if (status == IW_OK && zmq_curve_public(pair->public, pair->secret) != 0)
        status = iw_fail(err, IW_INVALID, "%s: this is no secret key", path);
    return status;
}

bool
iw_endpoint_is_local(const char *endpoint)
{
    if (strncmp(endpoint, "ipc://", 6) == 0)
        return true;
    if (strncmp(endpoint, "tcp://127.", 10) == 0) /* an address, not a host of such a name */
        return endpoint[10 + strspn(endpoint + 10, "0123456789.")] == ':';
    return strncmp(endpoint, "tcp://[::1]:", 12) == 0 ||
           strncmp(endpoint, "tcp://localhost:", 16) == 0;
}

/* The daemon's public key: what the variable says, or the file that it names, or the default. */
static iw_status
find_server(const char *given, char key[IW_KEY_LENGTH + 1], iw_error *err)
{
    char path[IW_KEY_FILE_MAX];
    if (given && iw_key_is_valid(given, strlen(given))) {
        memcpy(key, given, IW_KEY_LENGTH + 1);
        return IW_OK;
    }
    iw_status status = IW_OK;
    if (given && *given)
        (void)snprintf(path, sizeof path, "%s", given);
    else
        status = iw_key_default_path("server.pub", path, sizeof path, err);
    if (status == IW_OK)
        status = iw_key_read_public(path, key, err);
    if (status == IW_NOT_FOUND)
        status = iw_fail(err, IW_NOT_FOUND,
                         "the daemon's public key is not known: put what its log or its file "
                         "server.pub says into IONWATCH_SERVER_KEY, or into %.300s",
                         path);
    return status;
}

/* False when this endpoint is spoken to without keys. */
static bool
find_secret(const char *endpoint, char *path, size_t size)
{
    const char *given = getenv("IONWATCH_KEY");
    if (strncmp(endpoint, "tcp://", 6) != 0 || (given && !*given))
        return false;
    if (given) {
        (void)snprintf(path, size, "%s", given);
        return true;
    }
    return !iw_endpoint_is_local(endpoint) && iw_key_default_path("key", path, size, NULL) == IW_OK;
}

static iw_status
set_keys(void *socket, const iw_curve_pair *own, const char *server, iw_error *err)
{
    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, IW_KEY_LENGTH + 1) == 0 &&
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own->public, IW_KEY_LENGTH + 1) == 0 &&
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, own->secret, IW_KEY_LENGTH + 1) == 0)
        return IW_OK;
    return iw_fail(err, IW_INVALID, "the keys cannot be used: %s", zmq_strerror(zmq_errno()));
}

iw_status
iw_curve_client_apply(void *socket, const char *endpoint, iw_curve_client *client, iw_error *err)
{
    char path[IW_KEY_FILE_MAX], server[IW_KEY_LENGTH + 1];
    iw_curve_pair own;
    client->guarded = false;
    client->public[0] = '\0';
    if (!find_secret(endpoint, path, sizeof path))
        return IW_OK;
    iw_status status = iw_curve_load(path, &own, err);
    if (status == IW_NOT_FOUND && !getenv("IONWATCH_KEY"))
        return IW_OK; /* no keys here: a daemon that wants one says so */
    if (status == IW_OK)
        status = find_server(getenv("IONWATCH_SERVER_KEY"), server, err);
    if (status == IW_OK)
        status = set_keys(socket, &own, server, err);
    if (status == IW_OK) {
        client->guarded = true;
        memcpy(client->public, own.public, sizeof client->public);
    }
    iw_key_wipe(&own, sizeof own);
    return status;
}

/* The other side closed.  Its reason is often lost with the connection. */
static iw_status
explain_cut(iw_curve_client *client, const char *endpoint, iw_error *err)
{
    iw_status status = ++client->cut >= CUT_FOR_GOOD && !client->let_in ? IW_REFUSED : IW_IO;
    if (client->guarded)
        return iw_fail(err, status,
                       "the daemon at %.200s ended the CURVE handshake: is IONWATCH_SERVER_KEY (or "
                       "server.pub) its public key?",
                       endpoint);
    return iw_fail(err, status,
                   "who listens at %.200s ended the handshake: a daemon that wants a key (see "
                   "`ionwatch keygen`), or no daemon",
                   endpoint);
}

iw_status
iw_curve_explain(iw_curve_client *client, const char *endpoint, uint16_t event, uint32_t value,
                 iw_error *err)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return iw_fail(err, IW_REFUSED,
                       "the daemon at %.200s does not let this key in: is %s in its "
                       "authorised_keys? (CURVE handshake failed, status %u)",
                       endpoint, client->guarded ? client->public : "it", (unsigned)value);
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        if (value != ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
            return explain_cut(client, endpoint, err);
        if (client->guarded)
            return iw_fail(err, IW_REFUSED,
                           "the daemon at %.200s speaks without keys, IONWATCH_KEY or a key in the "
                           "configuration folder asks for them: set IONWATCH_KEY to nothing if you "
                           "trust the way there",
                           endpoint);
        return iw_fail(err, IW_REFUSED,
                       "the daemon at %.200s wants a key: make one with `ionwatch keygen`, have it "
                       "put into its authorised_keys, and set IONWATCH_KEY and IONWATCH_SERVER_KEY",
                       endpoint);
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return explain_cut(client, endpoint, err);
    default:
        return IW_OK;
    }
}
