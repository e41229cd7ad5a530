/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - the program `ionwatch`: finds the command, knows the signals. */
#include "options.h"

#include "nearest.h"
#include "standard.h"

#include <gsl/gsl_errno.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

bool
iw_interrupted(void)
{
    return interrupted != 0;
}

void
iw_pause(double seconds)
{
    struct timespec wait = {.tv_sec = (time_t)seconds};
    wait.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
    if (!interrupted)
        (void)nanosleep(&wait, NULL);
}

static void
catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL);
    /* A second Ctrl-C ends the program at once, should the first not be heard. */
    action.sa_flags = (int)SA_RESETHAND;
    (void)sigaction(SIGINT, &action, NULL);
}

/* Those whose name begins with prefix. */
static void
print_commands(const char *prefix, FILE *out)
{
    (void)fprintf(out, "Commands:\n");
    for (const iw_command *command = iw_commands; command->name; command++)
        if (strncmp(command->name, prefix, strlen(prefix)) == 0)
            (void)fprintf(out, "  %-10s %-11s %s\n", command->name, command->arguments,
                          command->summary);
}

static void
print_db_help(FILE *out)
{
    (void)fprintf(out, "usage: ionwatch db COMMAND [options]\n\n"
                       "Reads and fills the database of finished runs.\n\n");
    print_commands("db ", out);
    (void)fprintf(out, "\n`ionwatch db COMMAND --help` has options and examples.\n");
}

static void
print_help(FILE *out)
{
    (void)fprintf(out, "usage: ionwatch COMMAND [options]\n\n"
                       "Watches ion transport while a molecular-dynamics run is still going.\n\n");
    print_commands("", out);
    (void)fprintf(out, "\n  --version     print the version\n"
                       "  --help        this text; `ionwatch COMMAND --help` has options and "
                       "examples\n\nExit codes:\n");
#define EXIT_ROW(name, value, text) (void)fprintf(out, "  %-4d %s\n", value, text);
    IW_EXIT_MAP(EXIT_ROW)
#undef EXIT_ROW
    (void)fprintf(out,
                  "\nExamples:\n"
                  "  ionwatch analyze XDATCAR            D, its error, VDOS, descriptors\n"
                  "  ionwatch follow XDATCAR --run lgps  stream a growing file to ionwatchd\n"
                  "  ionwatch watch lgps                 D converging, live\n"
                  "  ionwatch explain alpha              what a number means\n"
                  "  ionwatch db export -o all.csv       every descriptor of every run\n"
                  "  ionwatch landscape correlate        what goes with D, over many materials\n");
}

/* The command that the first words of argv name; *used is their number. */
static const iw_command *
find_command(int argc, char **argv, int *used)
{
    for (const iw_command *command = iw_commands; command->name; command++) {
        char joined[64];
        bool two = strchr(command->name, ' ') != NULL;
        if (two && argc > 2)
            (void)snprintf(joined, sizeof joined, "%s %s", argv[1], argv[2]);
        else
            (void)snprintf(joined, sizeof joined, "%s", argv[1]);
        if (strcmp(joined, command->name) == 0) {
            *used = two ? 3 : 2;
            return command;
        }
    }
    return NULL;
}

static bool
asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* `ionwatch`, `ionwatch db`, the help of both, or a word that is no command. */
static iw_exit
no_command(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        (void)printf("ionwatch %s\n", IONWATCH_VERSION);
        return IW_EXIT_OK;
    }
    bool db = strcmp(first, "db") == 0;
    bool bare = argc == (db ? 2 : 1);
    if (bare || asks_for_help(argv[db ? 2 : 1])) {
        (db ? print_db_help : print_help)(bare ? stderr : stdout);
        return bare ? IW_EXIT_USAGE : IW_EXIT_OK;
    }
    char word[64];
    const char *names[32];
    size_t n = 0;
    for (const iw_command *command = iw_commands; command->name && n < 31; command++)
        names[n++] = command->name;
    names[n] = NULL;
    (void)snprintf(word, sizeof word, "%s%s%s", first, db ? " " : "", db ? argv[2] : "");
    const char *nearest = iw_nearest(word, names);
    (void)fprintf(stderr, "ionwatch: there is no command \"%s\"", word);
    if (nearest)
        (void)fprintf(stderr, "; did you mean `ionwatch %s`?", nearest);
    (void)fprintf(stderr, "\n(`ionwatch --help` lists the commands)\n");
    return IW_EXIT_USAGE;
}

/* `ionwatch help db ls` is `ionwatch db ls --help`. */
static void
turn_help_round(int argc, char **argv)
{
    static char option[] = "--help";
    if (argc < 3 || strcmp(argv[1], "help") != 0)
        return;
    for (int i = 1; i + 1 < argc; i++)
        argv[i] = argv[i + 1];
    argv[argc - 1] = option;
}

/* What a disk that is full has not taken is no success. */
static iw_exit
flushed(iw_exit status)
{
    if (fflush(stdout) == 0 || status != IW_EXIT_OK)
        return status;
    (void)fprintf(stderr, "ionwatch: cannot write the result to standard output (disk full?)\n");
    return IW_EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    int used = 0;
    iw_standard_fill();
    (void)setlocale(LC_CTYPE, ""); /* what a terminal shows; numbers stay as in C */
    turn_help_round(argc, argv);
    const iw_command *command = argc > 1 ? find_command(argc, argv, &used) : NULL;
    if (!command)
        return (int)flushed(no_command(argc, argv));

    iw_settings settings;
    bool help = false;
    iw_settings_init(&settings);
    iw_exit status = iw_options_parse(command, argc - used, argv + used, &settings, &help);
    if (status)
        return (int)status;
    (void)gsl_set_error_handler_off(); /* else GSL aborts */
    if (help) {
        iw_options_help(command, stdout);
    } else {
        catch_signals();
        status = command->run(&settings);
    }
    return (int)flushed(status);
}
