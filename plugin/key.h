/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_KEY_H
#define IW_KEY_H
/*
 * key.h - keys as text and as files: 40 characters of Z85 (ZeroMQ RFC 32), of 32 bytes.
 *
 * A key file holds one key on a line of its own; lines that begin with "#" are remarks.  A secret
 * one is refused when others can read it.  Nothing here knows what a key does: see curve.h.
 */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum { IW_KEY_LENGTH = 40, IW_KEY_FILE_MAX = 4096 };

/* Is this text of so many bytes a key? */
bool iw_key_is_valid(const char *text, size_t size);

/* NOT_FOUND; REFUSED: others can read it (with what to do), or it is not the user's; INVALID: not
 * one key.  Nothing but *secret keeps what was read. */
iw_status iw_key_read_secret(const char *path, char secret[IW_KEY_LENGTH + 1], iw_error *err);
iw_status iw_key_read_public(const char *path, char key[IW_KEY_LENGTH + 1], iw_error *err);

/* Writes remark and key to a new file with this mode; replaces an older one, as a whole, only if
 * told.  EXISTS, IO. */
iw_status iw_key_write(const char *path, const char *remark, const char *key, unsigned mode,
                       bool replace, iw_error *err);

/* $XDG_CONFIG_HOME/ionwatch/NAME, else ~/.config/ionwatch/NAME.  INVALID: neither is set, or the
 * room is too small. */
iw_status iw_key_default_path(const char *name, char *path, size_t size, iw_error *err);

/* Overwrites memory that held a secret. */
void iw_key_wipe(void *secret, size_t size);

#endif
