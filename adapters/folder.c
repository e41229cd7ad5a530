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

static iw_status
add(iw_folder *self, const char *folder, const char *name, iw_error *err)
{
    char text[IW_PATH_LENGTH];
    struct stat info;
    int n =
        snprintf(text, sizeof text, "%s%s%s", folder, iw_path_ends(folder, "/") ? "" : "/", name);
    if (n < 0 || (size_t)n >= sizeof text || stat(text, &info) != 0 || !S_ISREG(info.st_mode))
        return IW_OK;
    char **grown = realloc(self->path, (self->n + 1) * sizeof *grown);
    if (grown)
        self->path = grown;
    char *copy = grown ? strdup(text) : NULL;
    if (!copy)
        return iw_fail(err, IW_NO_MEMORY, "%s: no memory for the names of its files", folder);
    self->path[self->n++] = copy;
    return IW_OK;
}

iw_status
iw_folder_read(iw_folder *self, const char *path, iw_error *err)
{
    *self = (iw_folder){0};
    iw_status status = IW_OK;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && status == IW_OK && (entry = readdir(folder));)
        status = add(self, path, entry->d_name, err);
    if (folder)
        (void)closedir(folder);
    if (self->n > 0)
        qsort(self->path, self->n, sizeof *self->path, by_name);
    return status;
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
