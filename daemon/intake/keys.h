/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_KEYS_H
#define IW_KEYS_H
/*
 * keys.h - the authorised-keys file: whose keys open the door, and what they may do.
 *
 *     # remark
 *     PUBLIC-KEY ROLES NAME
 *
 * ROLES is a list with commas of stream, read and control.  Several keys may have one name: they
 * are the same person's.  One wrong line makes the whole file refused.  Pure: no sockets.
 */
#include "key.h"

enum { IW_KEY_NAME = 64, IW_KEYS_MOST = 4096, IW_KEYS_FILE_MAX = 1 << 20 };

typedef enum {
    IW_ROLE_STREAM = 1, /* send the frames of runs */
    IW_ROLE_READ = 2,   /* list, show, status, live snapshots */
    IW_ROLE_CONTROL = 4 /* stop and remove runs, go on with runs of other names */
} iw_role;

typedef struct {
    char key[IW_KEY_LENGTH + 1];
    char name[IW_KEY_NAME];
    unsigned roles;
} iw_authorised;

typedef struct {
    iw_authorised *items; /* sorted by key */
    size_t n;
} iw_keys;

/* The table of size bytes.  INVALID: "NAME:LINE: reason"; NO_MEMORY.  *keys is then untouched; else
 * the caller frees it with fini. */
iw_status iw_keys_parse(iw_keys *keys, const char *name, const char *text, size_t size,
                        iw_error *err);
/* The same from a file.  NOT_FOUND, IO; REFUSED: others can write it, or it is a stranger's. */
iw_status iw_keys_load(iw_keys *keys, const char *path, iw_error *err);
void iw_keys_fini(iw_keys *keys);

/* NULL: this key opens nothing. */
const iw_authorised *iw_keys_find(const iw_keys *keys, const char *key);

#endif
