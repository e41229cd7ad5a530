/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int
by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

iw_status
iw_folder_add(iw_folder *self, const char *path, iw_error *err)
{
    char **grown = realloc(self->path, (self->n + 1) * sizeof *grown);
    if (grown)
        self->path = grown;
    char *copy = grown ? strdup(path) : NULL;
    if (!copy)
        return iw_fail(err, IW_NO_MEMORY, "%s: no memory for its name", path);
    self->path[self->n++] = copy;
    return IW_OK;
}

/* Adds what is of the type. */
static iw_status
add(iw_folder *self, const char *folder, const char *name, mode_t type, iw_error *err)
{
    char text[IW_PATH_LENGTH];
    struct stat info;
    int n =
        snprintf(text, sizeof text, "%s%s%s", folder, iw_path_ends(folder, "/") ? "" : "/", name);
    if (n < 0 || (size_t)n >= sizeof text || stat(text, &info) != 0 ||
        (info.st_mode & S_IFMT) != type)
        return IW_OK;
    return iw_folder_add(self, text, err);
}

static iw_status
read_type(iw_folder *self, const char *path, mode_t type, iw_error *err)
{
    *self = (iw_folder){0};
    iw_status status = IW_OK;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && status == IW_OK && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = add(self, path, entry->d_name, type, err);
    if (folder)
        (void)closedir(folder);
    if (self->n > 0)
        qsort(self->path, self->n, sizeof *self->path, by_name);
    return status;
}

iw_status
iw_folder_read(iw_folder *self, const char *path, iw_error *err)
{
    return read_type(self, path, S_IFREG, err);
}

iw_status
iw_folder_read_folders(iw_folder *self, const char *path, iw_error *err)
{
    return read_type(self, path, S_IFDIR, err);
}

void
iw_folder_fini(iw_folder *self)
{
    for (size_t i = 0; i < self->n; i++)
        free(self->path[i]);
    free(self->path);
    *self = (iw_folder){0};
}

const char *
iw_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool
iw_path_ends(const char *path, const char *end)
{
    size_t length = strlen(path), size = strlen(end);
    return length > size && strcmp(path + length - size, end) == 0;
}

bool
iw_path_beside(const char *path, const char *name, char out[IW_PATH_LENGTH])
{
    int n = snprintf(out, IW_PATH_LENGTH, "%.*s%s", (int)(iw_path_base(path) - path), path, name);
    return n >= 0 && n < IW_PATH_LENGTH;
}
