/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_FOLDER_H
#define IW_FOLDER_H
/*
 * folder.h - the folder of a run: what lies in it, and which file of it holds the frames.
 */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum { IW_PATH_LENGTH = 4096 };

typedef struct {
    char **path; /* of the files in a folder (or of the folders), by name */
    size_t n;
} iw_folder;

/* A folder that cannot be read has no files. */
iw_status iw_folder_read(iw_folder *self, const char *path, iw_error *err);
iw_status iw_folder_read_folders(iw_folder *self, const char *path, iw_error *err);
iw_status iw_folder_add(iw_folder *self, const char *path, iw_error *err); /* copied */
void iw_folder_fini(iw_folder *self);

const char *iw_path_base(const char *path);           /* behind the last slash */
bool iw_path_ends(const char *path, const char *end); /* in end, and is longer */
/* name in the folder of path; false where that is too long. */
bool iw_path_beside(const char *path, const char *name, char out[IW_PATH_LENGTH]);

#endif
