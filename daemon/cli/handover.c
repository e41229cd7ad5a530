/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "handover.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SYSTEM_PYTHON "/usr/bin/python3"

/* Where the package may be, from the folder of the program. */
static const char *const places[] = {"python", "../share/ionwatch/python"};

/* This program's own path: "" where it cannot be told. */
static void
own_path(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
}

/* The script that starts a module of the package. */
static bool
find_script(char script[PATH_MAX])
{
    char program[PATH_MAX];
    own_path(program);
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; slash && i < sizeof places / sizeof places[0]; i++) {
        int used = snprintf(script, PATH_MAX, "%s/%s/ionwatch/handover.py", program, places[i]);
        if (used < PATH_MAX && access(script, R_OK) == 0)
            return true;
    }
    return false;
}

iw_exit
iw_handover_ready(const iw_settings *settings)
{
    char script[PATH_MAX];
    if (find_script(script))
        return IW_EXIT_OK;
    iw_complain(settings,
                "the Python package of ionwatch is not where it belongs to this program, in "
                "../share/ionwatch/python beside its folder: install ionwatch once more");
    return IW_EXIT_FAILURE;
}

/* Standard input becomes the text, in memory: nothing that others can see or that is left over. */
static bool
feed(const json_t *input)
{
    int memory = memfd_create("ionwatch", 0);
    FILE *file = memory >= 0 ? fdopen(memory, "w+") : NULL;
    bool good = file && json_dumpf(input, file, JSON_COMPACT) == 0 && fflush(file) == 0 &&
                lseek(memory, 0, SEEK_SET) == 0 && dup2(memory, STDIN_FILENO) == STDIN_FILENO;
    if (file)
        (void)fclose(file);
    else if (memory >= 0)
        (void)close(memory);
    return good;
}

/* What would make Python something else than the program it now is; and how it asks us back. */
static void
clean_environment(void)
{
    char program[PATH_MAX];
    (void)unsetenv("PYTHONINSPECT");
    (void)unsetenv("PYTHONSTARTUP");
    own_path(program);
    if (*program)
        (void)setenv("IONWATCH_PROGRAM", program, 0);
}

static void
become(const iw_settings *settings, const iw_handover *to, const char *python, const char *script)
{
    const char *named = getenv("IONWATCH_PYTHON");
    size_t n = 0, words = 0;
    while (to->words && to->words[words])
        words++;
    const char **argv = calloc(words + 7, sizeof *argv);
    if (!argv)
        return;
    argv[n++] = python;
    argv[n++] = script;
    argv[n++] = settings->command;
    argv[n++] = named && *named ? "" : SYSTEM_PYTHON; /* to try next */
    argv[n++] = to->module;
    argv[n++] = to->needs;
    for (size_t i = 0; i < words; i++)
        argv[n++] = to->words[i];
    (void)execvp(python, (char *const *)(uintptr_t)argv);
    int why = errno;
    free(argv);
    errno = why;
}

iw_exit
iw_handover_run(const iw_settings *settings, const iw_handover *to)
{
    char script[PATH_MAX];
    const char *named = getenv("IONWATCH_PYTHON");
    if (iw_handover_ready(settings) || !find_script(script))
        return IW_EXIT_FAILURE;
    if (to->input && !feed(to->input)) {
        iw_complain(settings, "cannot hand the records over to Python: %m");
        return IW_EXIT_FAILURE;
    }
    clean_environment();
    (void)fflush(stdout);
    if (named && *named) {
        become(settings, to, named, script);
        iw_complain(settings, "$IONWATCH_PYTHON, %s, does not start: %m", named);
        return IW_EXIT_FAILURE;
    }
    become(settings, to, "python3", script);
    become(settings, to, SYSTEM_PYTHON, script);
    iw_complain(settings,
                "there is no Python (it needs the modules %s): `sudo apt-get install "
                "python3`, or name one in $IONWATCH_PYTHON",
                to->needs);
    return IW_EXIT_FAILURE;
}
