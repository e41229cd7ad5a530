/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - the program `ionwatch`: finds the command, knows the signals. */
#include "options.h"

#include "nearest.h"
#include "standard.h"

#include <gsl/gsl_errno.h>
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

static void
print_help(FILE *out)
{
    (void)fprintf(out, "usage: ionwatch COMMAND [options]\n\n"
                       "Watches ion transport while a molecular-dynamics run is still going.\n\n"
                       "Commands:\n");
    for (const iw_command *command = iw_commands; command->name; command++)
        (void)fprintf(out, "  %-11s %-8s %s\n", command->name, command->arguments,
                      command->summary);
    (void)fprintf(out, "\n  --version     print the version\n"
                       "  --help        this text; `ionwatch COMMAND --help` has options and "
                       "examples\n\nExit codes:\n");
#define EXIT_ROW(name, value, text) (void)fprintf(out, "  %-4d %s\n", value, text);
    IW_EXIT_MAP(EXIT_ROW)
#undef EXIT_ROW
    (void)fprintf(out, "\nExamples:\n"
                       "  ionwatch analyze XDATCAR            D, its error, VDOS, descriptors\n"
                       "  ionwatch follow XDATCAR --run lgps  stream a growing file to ionwatchd\n"
                       "  ionwatch watch lgps                 D converging, live\n"
                       "  ionwatch db export -o all.csv       every descriptor of every run\n");
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

/* `ionwatch db`, `ionwatch db --help`, `ionwatch help analyze`, or a word that is no command. */
static iw_exit
no_command(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        (void)printf("ionwatch %s\n", IONWATCH_VERSION);
        return IW_EXIT_OK;
    }
    bool asked =
        strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0;
    bool db = strcmp(first, "db") == 0;
    if (asked || (db && argc > 2 && strcmp(argv[2], "--help") == 0)) {
        print_help(stdout);
        return IW_EXIT_OK;
    }
    if (!*first || (db && argc == 2)) {
        print_help(stderr);
        return IW_EXIT_USAGE;
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

int
main(int argc, char **argv)
{
    int used = 0;
    iw_standard_fill();
    const iw_command *command = argc > 1 ? find_command(argc, argv, &used) : NULL;
    if (!command)
        return (int)no_command(argc, argv);

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
    if (fflush(stdout) != 0 && status == IW_EXIT_OK) {
        iw_complain(&settings, "cannot write the result to standard output (disk full?)");
        status = IW_EXIT_FAILURE;
    }
    return (int)status;
}
