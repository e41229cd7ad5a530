/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/keys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A piece of the file, not terminated. */
typedef struct {
    const char *at;
    size_t size;
} piece;

static piece
next_word(piece *line)
{
    while (line->size > 0 && (*line->at == ' ' || *line->at == '\t')) {
        line->at++;
        line->size--;
    }
    piece word = {line->at, 0};
    while (word.size < line->size && word.at[word.size] != ' ' && word.at[word.size] != '\t')
        word.size++;
    line->at += word.size;
    line->size -= word.size;
    return word;
}

static bool
is_word(piece word, const char *text)
{
    return word.size == strlen(text) && memcmp(word.at, text, word.size) == 0;
}

static iw_status
take_roles(piece word, unsigned *roles, iw_error *err)
{
    static const struct {
        const char *word;
        iw_role role;
    } known[] = {{"stream", IW_ROLE_STREAM}, {"read", IW_ROLE_READ}, {"control", IW_ROLE_CONTROL}};
    *roles = 0;
    for (bool more = true; more;) {
        const char *comma = word.size ? memchr(word.at, ',', word.size) : NULL;
        piece one = {word.at, comma ? (size_t)(comma - word.at) : word.size};
        unsigned role = 0;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (is_word(one, known[i].word))
                role = known[i].role;
        if (role == 0)
            return iw_fail(err, IW_INVALID,
                           "\"%.*s\" is no role: stream, read and control are known, with commas "
                           "between them",
                           one.size < 40 ? (int)one.size : 40, one.at);
        *roles |= role;
        more = comma != NULL;
        word.at += one.size + more;
        word.size -= one.size + more;
    }
    return IW_OK;
}

static iw_status
take_name(piece word, char name[IW_KEY_NAME], iw_error *err)
{
    static const char others[] = {'.', '_', '@', '+', '-'};
    bool good = word.size > 0 && word.size < IW_KEY_NAME;
    for (size_t i = 0; good && i < word.size; i++)
        good = isalnum((unsigned char)word.at[i]) || memchr(others, word.at[i], sizeof others);
    if (!good)
        return iw_fail(err, IW_INVALID,
                       "a name of 1 to %d letters, digits and ._@+- is wanted after the roles",
                       IW_KEY_NAME - 1);
    memcpy(name, word.at, word.size);
    name[word.size] = '\0';
    return IW_OK;
}

static iw_status
take_line(piece line, iw_authorised *entry, iw_error *err)
{
    piece key = next_word(&line);
    piece roles = next_word(&line);
    piece name = next_word(&line);
    if (!iw_key_is_valid(key.at, key.size))
        return iw_fail(err, IW_INVALID,
                       "\"PUBLIC-KEY ROLES NAME\" is wanted, with a key of %d characters of Z85, "
                       "not %zu: `ionwatch keygen` prints such lines",
                       IW_KEY_LENGTH, key.size);
    memcpy(entry->key, key.at, key.size);
    entry->key[IW_KEY_LENGTH] = '\0';
    iw_status status = take_roles(roles, &entry->roles, err);
    if (status == IW_OK)
        status = take_name(name, entry->name, err);
    if (status == IW_OK && next_word(&line).size > 0)
        status = iw_fail(err, IW_INVALID, "nothing may follow the name");
    return status;
}

static int
by_key(const void *a, const void *b)
{
    return strcmp(((const iw_authorised *)a)->key, ((const iw_authorised *)b)->key);
}

static iw_status
add(iw_keys *keys, size_t *room, piece line, iw_error *err)
{
    iw_authorised entry;
    iw_status status = take_line(line, &entry, err);
    if (status != IW_OK)
        return status;
    if (keys->n == IW_KEYS_MOST)
        return iw_fail(err, IW_INVALID, "at most %d keys are possible", IW_KEYS_MOST);
    if (keys->n == *room) {
        size_t more = *room ? 2 * *room : 16;
        iw_authorised *grown = realloc(keys->items, more * sizeof *grown);
        if (!grown)
            return iw_fail(err, IW_NO_MEMORY, "no memory for the keys");
        keys->items = grown;
        *room = more;
    }
    keys->items[keys->n++] = entry;
    return IW_OK;
}

static iw_status
sort(iw_keys *keys, const char *name, iw_error *err)
{
    if (keys->n > 1)
        qsort(keys->items, keys->n, sizeof *keys->items, by_key);
    for (size_t i = 1; i < keys->n; i++)
        if (by_key(&keys->items[i - 1], &keys->items[i]) == 0)
            return iw_fail(err, IW_INVALID, "%s: key %s (%s, %s) is there twice", name,
                           keys->items[i].key, keys->items[i - 1].name, keys->items[i].name);
    return IW_OK;
}

iw_status
iw_keys_parse(iw_keys *keys, const char *name, const char *text, size_t size, iw_error *err)
{
    iw_keys fresh = {0};
    size_t room = 0, number = 0;
    iw_status status = IW_OK;
    for (size_t at = 0; at < size && status == IW_OK;) {
        const char *end = memchr(text + at, '\n', size - at);
        piece line = {text + at, end ? (size_t)(end - text) - at : size - at};
        at += line.size + 1;
        number++;
        if (line.size > 0 && line.at[line.size - 1] == '\r')
            line.size--;
        piece rest = line;
        piece first = next_word(&rest);
        if (first.size == 0 || *first.at == '#')
            continue;
        status = add(&fresh, &room, line, err);
        if (status != IW_OK)
            (void)iw_prefix(err, "%s:%zu", name, number);
    }
    if (status == IW_OK)
        status = sort(&fresh, name, err);
    if (status == IW_OK)
        *keys = fresh;
    else
        iw_keys_fini(&fresh);
    return status;
}

/* Who can write the file can let himself in. */
static iw_status
check_owner(int file, const char *path, struct stat *info, iw_error *err)
{
    if (fstat(file, info) != 0)
        return iw_fail_errno(err, "%s", path);
    if (!S_ISREG(info->st_mode) || info->st_size > IW_KEYS_FILE_MAX)
        return iw_fail(err, IW_INVALID, "%s is no file of at most %d bytes", path,
                       IW_KEYS_FILE_MAX);
    if (info->st_uid != geteuid() && info->st_uid != 0)
        return iw_fail(err, IW_REFUSED, "%s belongs to user %u, who could let anybody in", path,
                       (unsigned)info->st_uid);
    if ((info->st_mode & 022) != 0)
        return iw_fail(err, IW_REFUSED,
                       "%s can be written by others (mode %04o): run `chmod 600 %s`", path,
                       (unsigned)info->st_mode & 07777, path);
    return IW_OK;
}

iw_status
iw_keys_load(iw_keys *keys, const char *path, iw_error *err)
{
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        bool missing = errno == ENOENT;
        (void)iw_fail_errno(err, "cannot read %s", path);
        if (missing && err)
            err->code = IW_NOT_FOUND;
        return missing ? IW_NOT_FOUND : IW_IO;
    }
    size_t used = 0;
    iw_status status = check_owner(file, path, &info, err);
    char *text = status == IW_OK ? malloc((size_t)info.st_size + 1) : NULL;
    if (status == IW_OK && !text) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for %s", path);
        status = IW_NO_MEMORY;
    }
    while (status == IW_OK && used < (size_t)info.st_size) {
        ssize_t got = read(file, text + used, (size_t)info.st_size - used);
        if (got < 0)
            status = iw_fail_errno(err, "cannot read %s", path);
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    (void)close(file);
    if (status == IW_OK)
        status = iw_keys_parse(keys, path, text, used, err);
    free(text);
    return status;
}

void
iw_keys_fini(iw_keys *keys)
{
    free(keys->items);
    keys->items = NULL;
    keys->n = 0;
}

const iw_authorised *
iw_keys_find(const iw_keys *keys, const char *key)
{
    iw_authorised wanted = {0};
    if (keys->n == 0 || strlen(key) != IW_KEY_LENGTH)
        return NULL;
    memcpy(wanted.key, key, sizeof wanted.key);
    return bsearch(&wanted, keys->items, keys->n, sizeof *keys->items, by_key);
}
