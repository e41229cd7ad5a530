/* SPDX-License-Identifier: BSD-3-Clause */
/* What a folder holds of a run.  A job that goes on from a CONTCAR overwrites the files of the one
 * before it, so people keep those under other names (vasprun.xml.run1, run1_XDATCAR.gz) or in
 * folders run.1, run.2, ...; the plain name comes last. */
#include "adapters/vasp/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* "run.9" comes before "run.10". */
static int
by_number(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    while (*x && *y) {
        if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
            char *x_end, *y_end;
            unsigned long long m = strtoull(x, &x_end, 10), n = strtoull(y, &y_end, 10);
            if (m != n)
                return m < n ? -1 : 1;
            x = x_end;
            y = y_end;
        } else if (*x != *y) {
            return *x < *y ? -1 : 1;
        } else {
            x++;
            y++;
        }
    }
    return *x ? 1 : *y ? -1 : 0;
}

/* Is the name PREFIX_word, word.SUFFIX, or the word itself (*plain), compressed or not? */
static bool
is_piece(const char *name, const char *word, bool *plain)
{
    const char *at = strstr(name, word);
    if (!at || (at > name && !strchr("_-.", at[-1])))
        return false;
    const char *tail = at + strlen(word);
    bool packed = strcmp(tail, ".gz") == 0 || strcmp(tail, ".xz") == 0 || strcmp(tail, ".zst") == 0;
    *plain = at == name && (!*tail || packed);
    return !*tail || *tail == '.';
}

/* Pieces in one folder, the plain name last; a piece without bytes has nothing to say. */
static iw_status
collect(iw_folder *out, const char *folder, const char *word, iw_error *err)
{
    iw_folder files;
    char *last = NULL;
    iw_status status = iw_folder_read(&files, folder, err);
    if (files.n > 0)
        qsort(files.path, files.n, sizeof *files.path, by_number);
    for (size_t i = 0; status == IW_OK && i < files.n; i++) {
        struct stat info;
        bool plain;
        if (!is_piece(iw_path_base(files.path[i]), word, &plain))
            continue;
        if (plain)
            last = last ? last : files.path[i];
        else if (stat(files.path[i], &info) == 0 && info.st_size > 0)
            status = iw_folder_add(out, files.path[i], err);
    }
    if (status == IW_OK && last)
        status = iw_folder_add(out, last, err);
    iw_folder_fini(&files);
    return status;
}

/* run.1, md_02, ...: the letters' length and the number. */
static bool
is_numbered(const char *name, size_t *letters, unsigned long *number)
{
    static const char *const words[] = {"run", "md", "part", "restart", "cont"};
    char *end;
    *letters = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    bool known = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        known =
            known || (strlen(words[i]) == *letters && strncasecmp(words[i], name, *letters) == 0);
    const char *digits = name + *letters;
    digits += *digits && strchr("._-", *digits) ? 1 : 0;
    if (!known || !isdigit((unsigned char)*digits))
        return false;
    *number = strtoul(digits, &end, 10);
    return !*end;
}

static iw_status
collect_numbered(iw_folder *out, const char *folder, const char *word, iw_error *err)
{
    iw_folder folders;
    iw_status status = iw_folder_read_folders(&folders, folder, err);
    const char *before = NULL;
    size_t letters, letters_before = 0;
    unsigned long number, last = 0;
    if (folders.n > 0)
        qsort(folders.path, folders.n, sizeof *folders.path, by_number);
    for (size_t i = 0; status == IW_OK && i < folders.n; i++) {
        const char *name = iw_path_base(folders.path[i]);
        size_t n = out->n;
        if (!is_numbered(name, &letters, &number))
            continue;
        status = collect(out, folders.path[i], word, err);
        if (status != IW_OK || out->n == n)
            continue;
        /* 300, 600, 900 are three runs. */
        if (before && (letters != letters_before || strncmp(name, before, letters) != 0 ||
                       number != last + 1))
            status = iw_fail(err, IW_INVALID,
                             "%s: %s does not follow on %s: name the folders of the run, in order",
                             folder, name, before);
        before = name;
        letters_before = letters;
        last = number;
    }
    iw_folder_fini(&folders);
    return status;
}

iw_status
iw_vasp_folder(const char *folder, const char *word, iw_folder *out, iw_error *err)
{
    *out = (iw_folder){0};
    iw_status status = collect_numbered(out, folder, word, err);
    if (status == IW_OK)
        status = collect(out, folder, word, err);
    return status;
}
