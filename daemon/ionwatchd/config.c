/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "charges.h"
#include "herald/argv.h"
#include "herald/kinds.h"
#include "nearest.h"
#include "publish/http/address.h"
#include "wire.h"

#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define AT(field) offsetof(iw_config, field)

const iw_option iw_config_options[] = {
    {"daemon", "listen", IW_OPTION_LIST, "", "", 0, 0, NULL, AT(listen),
     "endpoint for adapters and readers, ipc://PATH or tcp://HOST:PORT; may be given again "
     "(default: $IONWATCH_ENDPOINT, else ionwatch.sock in $XDG_RUNTIME_DIR or /tmp/ionwatch-UID)"},
    {"daemon", "data", IW_OPTION_TEXT, "", "", 0, 0, NULL, AT(data),
     "folder of the journals (default: $XDG_STATE_HOME/ionwatch, else ~/.local/state/ionwatch)"},
    {"daemon", "db", IW_OPTION_TEXT, "", "", 0, 0, NULL, AT(db),
     "database of finished runs, sqlite:///PATH or postgresql://USER@HOST/NAME (default: "
     "ionwatch.db "
     "in the data folder)"},
    {"daemon", "authorised_keys", IW_OPTION_TEXT, "", "", 0, 0, NULL, AT(authorised_keys),
     "file with the public keys that may come in over tcp:// and what they may do, as `ionwatch "
     "keygen` prints them; read again when it changes (default: authorised_keys in the data "
     "folder)"},
    {"daemon", "require_keys", IW_OPTION_FLAG, "", "no", 0, 0, NULL, AT(require_keys),
     "ask for a key at tcp:// endpoints within this machine, too"},
    {"daemon", "insecure_tcp", IW_OPTION_FLAG, "", "no", 0, 0, NULL, AT(insecure_tcp),
     "open tcp:// endpoints beyond this machine without keys: anybody who reaches them can send, "
     "read, stop and remove runs"},
    {"daemon", "message_limit_mib", IW_OPTION_COUNT, "MiB", "1024", 1, 1024, NULL,
     AT(message_limit_mib),
     "longest message that is taken; a frame needs 48 bytes for each atom at most"},
    {"daemon", "queue_mib", IW_OPTION_COUNT, "MiB", "256", 32, 1048576, NULL, AT(queue_mib),
     "frames of all runs on their way to the disk; what does not fit stays with the adapters"},
    {"daemon", "max_runs", IW_OPTION_COUNT, "runs", "10000", 1, 1000000, NULL, AT(max_runs),
     "runs that have not ended; one more is refused until another has ended"},
    {"daemon", "max_atoms", IW_OPTION_COUNT, "atoms", "1000000", 1, 20000000, NULL, AT(max_atoms),
     "atoms of a run; one with more is refused"},
    {"daemon", "max_run_mib", IW_OPTION_COUNT, "MiB", "0", 0, 1e9, NULL, AT(max_run_mib),
     "journal of a run at which it is filed with what it has, and refused from then on; 0: none"},
    {"daemon", "min_free_mib", IW_OPTION_COUNT, "MiB", "256", 0, 1e9, NULL, AT(min_free_mib),
     "room that journals leave on the file system of the data folder: below it new runs are "
     "refused, and the frames of the others wait; 0: they may fill it"},
    {"daemon", "memory_mib", IW_OPTION_COUNT, "MiB", "4096", 0, 1e9, NULL, AT(memory_mib),
     "what the analysis of one run may hold: where it would be more, half of the frames of the MSD "
     "are left out and the journal is read again; 0: no limit"},
    {"daemon", "checkpoint_mib", IW_OPTION_REAL, "MiB", "16", 0, 1048576, NULL, AT(checkpoint_mib),
     "growth of a run's journal after which its analysis is saved, at least, so that a restart "
     "need not read the journal from its start; 0: never"},
    {"daemon", "workers", IW_OPTION_COUNT, "threads", "0", 0, 256, NULL, AT(workers),
     "analysis threads; 0: one for each processor"},
    {"daemon", "heartbeat_s", IW_OPTION_REAL, "s", "30", 1, 86400, NULL, AT(heartbeat_s),
     "silence of an adapter after which its run is called stalled"},
    {"daemon", "lost_after_s", IW_OPTION_REAL, "s", "3600", 1, 31536000, NULL, AT(lost_after_s),
     "silence of an adapter after which its run is filed as lost"},
    {"daemon", "keep", IW_OPTION_CHOICE, "", "all", 0, 0, "all|trajectory|nothing", AT(keep),
     "what is kept of the journal of a filed run: all as it is, the trajectory packed without "
     "loss, "
     "or nothing but the record in the database, so that the run cannot go on"},
    {"daemon", "keep_after_s", IW_OPTION_REAL, "s", "604800", 0, 3.2e9, NULL, AT(keep_after_s),
     "time that a run has been filed and untouched before its journal is packed or removed: MD "
     "codes "
     "are restarted and go on"},
    {"daemon", "refile", IW_OPTION_CHOICE, "", "no", 0, 0, "no|missing|all", AT(refile),
     "at the start, analyse runs that are filed again from their journals and file them anew: "
     "those "
     "that the database lacks, or all"},
    {"daemon", "publish_every_s", IW_OPTION_REAL, "s", "0.2", 0.05, 3600, NULL, AT(publish_s),
     "shortest time between two live snapshots of a run that somebody watches; of others, and "
     "while "
     "frames wait, five times as long"},

    {"http", "http", IW_OPTION_ADDRESS, "", "127.0.0.1:8417", 0, 0, NULL, AT(http),
     "where the page and its HTTP interface are: ADDRESS:PORT, unix:PATH, or off"},
    {"http", "http_read", IW_OPTION_CHOICE, "", "open", 0, 0, "open|token", AT(http_read),
     "who may look without a token: everybody on this machine, or nobody; from beyond this machine "
     "a token is needed in any case"},
    {"http", "http_tokens", IW_OPTION_TEXT, "", "", 0, 0, NULL, AT(http_tokens),
     "file with the tokens of readers and operators; made where there is none (default: "
     "http_tokens in the data folder)"},
    {"http", "http_names", IW_OPTION_LIST, "", "", 0, 0, NULL, AT(http_names),
     "host names by which browsers reach the page, besides localhost, this machine's name and "
     "addresses: those of a reverse proxy"},
    {"http", "http_connections", IW_OPTION_COUNT, "connections", "256", 4, 10000, NULL,
     AT(http_connections), "open at one time; more wait until one is closed"},

    {"notices", "on_event", IW_OPTION_COMMAND, "", "", 0, 0, NULL, AT(on_event),
     "command that is run for each event that is to be told, without a shell: words are separated "
     "by blanks, '...' and \"...\" keep them together, \\ takes the next character as it is; it "
     "gets the event as JSON on standard input and as variables IONWATCH_..."},
    {"notices", "on_event_kinds", IW_OPTION_KINDS, "",
     "converged,futile,broken,health,stalled,lost,filed,unfiled,database,disk", 0, 0, NULL,
     AT(on_event_kinds),
     "events that are told: their names, or all, faults, warnings, health (see ionwatchd(8))"},
    {"notices", "on_event_stalled_s", IW_OPTION_REAL, "s", "300", 1, 31536000, NULL,
     AT(on_event_stalled_s),
     "silence of an adapter after which the event stalled is told; heartbeat_s at least"},
    {"notices", "on_event_timeout_s", IW_OPTION_REAL, "s", "30", 0.1, 3600, NULL,
     AT(on_event_timeout_s), "time that the command has before it is ended, with its children"},
    {"notices", "on_event_pause_s", IW_OPTION_REAL, "s", "600", 0, 31536000, NULL,
     AT(on_event_pause_s),
     "shortest time between two events of the same run and kind that are told"},
    {"notices", "on_event_at_once", IW_OPTION_COUNT, "commands", "2", 1, 16, NULL,
     AT(on_event_at_once), "commands that run side by side"},

    {"analysis", "drift", IW_OPTION_CHOICE, "", "com", 0, 0, "com|framework|none", AT(drift),
     "what is held still: the centre of mass of all atoms, that of the framework, or nothing"},
    {"analysis", "mobile", IW_OPTION_LIST, "", "", 0, 0, NULL, AT(mobile),
     "species that diffuse, as Li,Na (default: the first of Li Na Ag Cu Cl I Br F O in the run)"},
    {"analysis", "charges", IW_OPTION_CHARGES, "", "", 0, 0, NULL, AT(charges),
     "charges of species in e, as Li=1,Cl=-1, for runs that send none: they give conductivity and "
     "Haven ratio; species that a run does not have are passed over"},
    {"analysis", "msd_stride", IW_OPTION_COUNT, "frames", "0", 0, 1e6, NULL, AT(msd_stride),
     "every n-th frame enters the MSD; 0: about 10 fs apart"},
    {"analysis", "vacf_window_ps", IW_OPTION_REAL, "ps", "4", 0.001, 1e4, NULL, AT(vacf_window_ps),
     "longest lag of the velocity autocorrelation"},
    {"analysis", "taper", IW_OPTION_CHOICE, "", "parzen", 0, 0, "parzen|hann|none", AT(taper),
     "window of the velocity autocorrelation before its transform"},
    {"analysis", "cutoff_meV", IW_OPTION_REAL, "meV", "30", 0.1, 1e4, NULL, AT(cutoff_meV),
     "upper energy of omega30_mean"},
    {"analysis", "temperature_K", IW_OPTION_REAL, "K", "auto", 1e-3, 1e5, NULL, AT(temperature_K),
     "temperature of the thermal descriptors; auto: the run's target, else the measured one"},
    {"analysis", "paper_spacing_fs", IW_OPTION_REAL, "fs", "auto", 1e-3, 1e5, NULL,
     AT(paper_spacing_fs), "frame spacing of the method `paper`; auto: as streamed"},
    {"analysis", "skip", IW_OPTION_SKIP, "ps", "auto", 0, 0, NULL, AT(skip),
     "what is left out of the averages at the start: a time in ps, none, or auto: what has not "
     "settled by temperature, energy, volume and cage size"},
    {"analysis", "hop_length_A", IW_OPTION_REAL, "A", "3", 0.1, 100, NULL, AT(hop_length_A),
     "distance between sites, for the number of effective hops"},
    {"analysis", "diffusive_tolerance", IW_OPTION_REAL, "", "0.1", 0.001, 1, NULL,
     AT(diffusive_tolerance),
     "the regime is diffusive where |alpha - 1| is at most this, or its own error and offset"},

    {"stop", "stop", IW_OPTION_CHOICE, "", "advise", 0, 0, "off|advise|stop", AT(stop),
     "what a converged run gets: nothing, an event, or the request to end"},
    {"stop", "target", IW_OPTION_REAL, "", "0.20", 1e-4, 10, NULL, AT(stop_target),
     "relative standard error of D of the mobile group at which the answer is known"},
    {"stop", "min_hops", IW_OPTION_REAL, "", "50", 0, 1e9, NULL, AT(stop_min_hops),
     "effective hops below which no run is converged"},
    {"stop", "min_time_ps", IW_OPTION_REAL, "ps", "2", 0, 1e9, NULL, AT(stop_min_time_ps),
     "MD time below which no run is converged"},
    {"stop", "hold", IW_OPTION_COUNT, "checks", "3", 1, 1000, NULL, AT(stop_hold),
     "checks in a row that must pass"},
    {"stop", "trend_sigmas", IW_OPTION_REAL, "", "2", 0, 100, NULL, AT(stop_trend_sigmas),
     "slope of D along the run, in its standard errors, beyond which no run is converged; 0: any"},
    {"stop", "futility", IW_OPTION_CHOICE, "", "advise", 0, 0, "off|advise|stop", AT(stop_futility),
     "what a run gets whose answer is out of reach: nothing, an event, or the request to end"},
    {"stop", "min_D_cm2_s", IW_OPTION_REAL, "cm2/s", "0", 0, 1, NULL, AT(stop_min_D),
     "futile is a run whose D is surely below this; 0: a small D is an answer too"},
    {"stop", "budget_ps", IW_OPTION_REAL, "ps", "auto", 1e-3, 1e9, NULL, AT(stop_budget_ps),
     "futile is a run that surely needs more MD time than this; auto: planned_ps"},
    {"stop", "planned_ps", IW_OPTION_REAL, "ps", "auto", 1e-3, 1e9, NULL, AT(stop_planned_ps),
     "MD time that a run is planned for, best told by the run itself; auto: not known"},
    {"stop", "broken", IW_OPTION_CHOICE, "", "advise", 0, 0, "off|advise|stop", AT(stop_broken),
     "what a run gets whose health is broken: nothing, an event, or the request to end"},
    {"stop", "broken_hold", IW_OPTION_COUNT, "frames", "50", 1, 1e6, NULL, AT(stop_broken_hold),
     "frames in a row after which a run whose health is broken counts as such"},
    {0},
};

static void *
field(iw_config *config, const iw_option *option)
{
    return (char *)config + option->offset;
}

static const char *
nearest_key(const char *key)
{
    const char *names[sizeof iw_config_options / sizeof *iw_config_options];
    size_t n = 0;
    for (const iw_option *option = iw_config_options; option->key; option++)
        names[n++] = option->key;
    names[n] = NULL;
    return iw_nearest(key, names);
}

static const iw_option *
find(const char *section, const char *key, iw_error *err)
{
    for (const iw_option *option = iw_config_options; option->key; option++)
        if (strcmp(option->key, key) == 0) {
            if (!section || strcmp(section, option->section) == 0)
                return option;
            iw_fail(err, IW_INVALID, "option \"%s\" belongs in section [%s], not [%s]", key,
                    option->section, section);
            return NULL;
        }
    const char *nearest = nearest_key(key);
    if (nearest)
        iw_fail(err, IW_INVALID, "unknown option \"%s\": did you mean \"%s\"?", key, nearest);
    else
        iw_fail(err, IW_INVALID, "unknown option \"%s\": ionwatchd --help lists them all", key);
    return NULL;
}

static iw_status
set_number(const iw_option *option, const char *value, double *number, iw_error *err)
{
    if (strcmp(option->initial, "auto") == 0 && strcmp(value, "auto") == 0) {
        *number = NAN;
        return IW_OK;
    }
    char *end = NULL;
    errno = 0;
    double x = strtod(value, &end);
    if (end == value || *end || !isfinite(x) || x < option->min || x > option->max)
        return iw_fail(err, IW_INVALID, "%s = %s: a number from %.10g to %.10g%s%s is wanted",
                       option->key, value, option->min, option->max, *option->unit ? " " : "",
                       option->unit);
    if (option->type == IW_OPTION_COUNT && x != floor(x))
        return iw_fail(err, IW_INVALID, "%s = %s: a whole number is wanted", option->key, value);
    *number = x;
    return IW_OK;
}

static iw_status
set_choice(const iw_option *option, const char *value, int *choice, iw_error *err)
{
    int index = 0;
    size_t length = strlen(value);
    for (const char *at = option->choices; at; index++) {
        const char *bar = strchr(at, '|');
        size_t size = bar ? (size_t)(bar - at) : strlen(at);
        if (size == length && strncmp(at, value, size) == 0) {
            *choice = index;
            return IW_OK;
        }
        at = bar ? bar + 1 : NULL;
    }
    return iw_fail(err, IW_INVALID, "%s = %s: one of %s is wanted", option->key, value,
                   option->choices);
}

static iw_status
set_list(const iw_option *option, const char *value, iw_config_list *list, iw_error *err)
{
    for (const char *at = value; *at;) {
        size_t size = strcspn(at, ", ");
        if (size > 0) {
            if (list->n == sizeof list->items / sizeof list->items[0] || size >= IW_CONFIG_TEXT)
                return iw_fail(err, IW_INVALID, "%s = %s: at most %zu entries of %d characters",
                               option->key, value, sizeof list->items / sizeof list->items[0],
                               IW_CONFIG_TEXT - 1);
            memcpy(list->items[list->n], at, size);
            list->items[list->n++][size] = '\0';
        }
        at += size + (at[size] ? 1 : 0);
    }
    return IW_OK;
}

static iw_status
set_flag(const iw_option *option, const char *value, bool *flag, iw_error *err)
{
    static const char *const words[] = {"no", "false", "off", "0", "yes", "true", "on", "1"};
    for (size_t i = 0; i < 8; i++)
        if (strcasecmp(value, words[i]) == 0) {
            *flag = i >= 4;
            return IW_OK;
        }
    return iw_fail(err, IW_INVALID, "%s = %s: yes or no is wanted", option->key, value);
}

/* Texts that must be of a form. */
static iw_status
check_text(const iw_option *option, const char *value, iw_error *err)
{
    iw_argv argv = {0};
    iw_kinds kinds;
    iw_address address;
    if (strlen(value) >= IW_CONFIG_TEXT)
        return iw_fail(err, IW_INVALID, "at most %d characters, not %zu", IW_CONFIG_TEXT - 1,
                       strlen(value));
    return option->type == IW_OPTION_CHARGES   ? iw_charges_check(value, err)
           : option->type == IW_OPTION_COMMAND ? iw_argv_split(value, &argv, err)
           : option->type == IW_OPTION_KINDS   ? iw_kinds_parse(value, &kinds, err)
           : option->type == IW_OPTION_ADDRESS ? iw_address_parse(value, &address, err)
                                               : IW_OK;
}

static iw_status
set_text(const iw_option *option, const char *value, char *text, iw_error *err)
{
    if (check_text(option, value, err) != IW_OK) {
        (void)iw_prefix(err, "%s = %.200s", option->key, value);
        return IW_INVALID;
    }
    memcpy(text, value, strlen(value) + 1);
    return IW_OK;
}

static iw_status
set(iw_config *config, const iw_option *option, const char *value, iw_error *err)
{
    void *at = field(config, option);
    double number = 0;
    switch (option->type) {
    case IW_OPTION_TEXT:
    case IW_OPTION_CHARGES:
    case IW_OPTION_COMMAND:
    case IW_OPTION_KINDS:
    case IW_OPTION_ADDRESS:
        return set_text(option, value, at, err);
    case IW_OPTION_LIST:
        return set_list(option, value, at, err);
    case IW_OPTION_REAL:
        return set_number(option, value, at, err);
    case IW_OPTION_COUNT:
        if (set_number(option, value, &number, err) != IW_OK)
            return IW_INVALID;
        *(unsigned *)at = (unsigned)number;
        return IW_OK;
    case IW_OPTION_FLAG:
        return set_flag(option, value, at, err);
    case IW_OPTION_CHOICE:
        return set_choice(option, value, at, err);
    case IW_OPTION_SKIP:
        return iw_skip_parse(value, at, err);
    }
    return IW_OK;
}

void
iw_config_init(iw_config *config)
{
    memset(config, 0, sizeof *config);
    for (const iw_option *option = iw_config_options; option->key; option++)
        (void)set(config, option, option->initial, NULL);
}

iw_status
iw_config_set(iw_config *config, const char *section, const char *key, const char *value,
              iw_error *err)
{
    const iw_option *option = find(section, key, err);
    return option ? set(config, option, value, err) : IW_INVALID;
}

typedef struct {
    iw_config *config;
    iw_error error;
    bool listens; /* the file names endpoints: they replace, not join, what was there */
} loading;

static int
load_pair(void *user, const char *section, const char *key, const char *value)
{
    loading *self = user;
    if (self->error.code != IW_OK)
        return 0;
    return iw_config_set(self->config, section, key, value, &self->error) == IW_OK;
}

iw_status
iw_config_load(iw_config *config, const char *path, iw_error *err)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return iw_fail_errno(err, "configuration %s", path);
    loading self = {.config = config};
    int line = ini_parse_file(file, load_pair, &self);
    (void)fclose(file);
    if (line == 0)
        return IW_OK;
    if (self.error.code != IW_OK)
        return iw_fail(err, self.error.code, "%s:%d: %s", path, line, self.error.text);
    return iw_fail(err, IW_INVALID,
                   "%s:%d: \"[section]\", \"key = value\" or \"; remark\" is wanted", path, line);
}

static iw_status
one_argument(iw_config *config, int argc, char *const *argv, int *at, iw_error *err)
{
    const char *word = argv[*at];
    char key[64];
    if (strncmp(word, "--", 2) != 0 || !word[2])
        return iw_fail(err, IW_INVALID, "unexpected argument \"%s\"", word);
    size_t size = strcspn(word + 2, "=");
    if (size >= sizeof key)
        return iw_fail(err, IW_INVALID, "unknown option \"%s\"", word);
    memcpy(key, word + 2, size);
    key[size] = '\0';
    for (char *at_dash = strchr(key, '-'); at_dash; at_dash = strchr(at_dash, '-'))
        *at_dash = '_';
    const iw_option *option = find(NULL, key, err);
    if (!option)
        return IW_INVALID;
    if (word[2 + size] == '=')
        return set(config, option, word + 3 + size, err);
    if (option->type == IW_OPTION_FLAG)
        return set(config, option, "yes", err);
    if (*at + 1 >= argc)
        return iw_fail(err, IW_INVALID, "option --%s needs a value", key);
    *at += 1;
    return set(config, option, argv[*at], err);
}

iw_status
iw_config_arguments(iw_config *config, int argc, char *const *argv, iw_config_action *action,
                    iw_error *err)
{
    iw_config given; /* lists of the command line replace those of the file */
    iw_config_init(&given);
    *action = IW_CONFIG_RUN;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 1; i < argc; i++) {
            if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
                *action = IW_CONFIG_HELP;
                return IW_OK;
            }
            if (strcmp(argv[i], "-V") == 0 || strcmp(argv[i], "--version") == 0) {
                *action = IW_CONFIG_VERSION;
                return IW_OK;
            }
            if (strcmp(argv[i], "--print-config") == 0) {
                *action = IW_CONFIG_PRINT;
                continue;
            }
            if (strcmp(argv[i], "--print-metrics") == 0) {
                *action = IW_CONFIG_METRICS;
                continue;
            }
            if (strcmp(argv[i], "--test-notice") == 0) {
                *action = IW_CONFIG_TEST_NOTICE;
                continue;
            }
            if (strcmp(argv[i], "-c") == 0) {
                if (i + 1 >= argc)
                    return iw_fail(err, IW_INVALID, "option -c needs a file");
                i++;
                if (pass == 0 && iw_config_load(config, argv[i], err) != IW_OK)
                    return err ? err->code : IW_INVALID;
                continue;
            }
            if (pass == 0) { /* syntax and lists now, values after every file */
                if (one_argument(&given, argc, argv, &i, err) != IW_OK)
                    return IW_INVALID;
                continue;
            }
            if (given.listen.n > 0)
                config->listen.n = 0;
            if (given.mobile.n > 0)
                config->mobile.n = 0;
            if (given.http_names.n > 0)
                config->http_names.n = 0;
            if (one_argument(config, argc, argv, &i, err) != IW_OK)
                return IW_INVALID;
        }
    if (given.listen.n > 0)
        config->listen = given.listen;
    if (given.mobile.n > 0)
        config->mobile = given.mobile;
    if (given.http_names.n > 0)
        config->http_names = given.http_names;
    return IW_OK;
}

iw_status
iw_config_complete(iw_config *config, iw_error *err)
{
    if (config->listen.n == 0) {
        if (iw_default_endpoint(config->listen.items[0], IW_CONFIG_TEXT, err) != IW_OK)
            return err ? err->code : IW_IO;
        config->listen.n = 1;
    }
    int size = 0;
    if (!config->data[0]) {
        const char *state = getenv("XDG_STATE_HOME");
        const char *home = getenv("HOME");
        if (state && *state)
            size = snprintf(config->data, IW_CONFIG_TEXT, "%s/ionwatch", state);
        else if (home && *home)
            size = snprintf(config->data, IW_CONFIG_TEXT, "%s/.local/state/ionwatch", home);
        else
            return iw_fail(err, IW_INVALID,
                           "neither HOME nor XDG_STATE_HOME is set: name a folder with --data");
    }
    if (size >= 0 && size < IW_CONFIG_TEXT && !config->db[0])
        size = snprintf(config->db, IW_CONFIG_TEXT, "%s/ionwatch.db", config->data);
    if (size >= 0 && size < IW_CONFIG_TEXT && !config->authorised_keys[0])
        size =
            snprintf(config->authorised_keys, IW_CONFIG_TEXT, "%s/authorised_keys", config->data);
    if (size >= 0 && size < IW_CONFIG_TEXT && !config->http_tokens[0])
        size = snprintf(config->http_tokens, IW_CONFIG_TEXT, "%s/http_tokens", config->data);
    if (size < 0 || size >= IW_CONFIG_TEXT)
        return iw_fail(err, IW_INVALID, "the data folder's name is too long: %s", config->data);
    return IW_OK;
}

/* A run may ask for these, and what is known of it depends on them. */
static bool
is_of_analysis(const iw_option *option)
{
    return strcmp(option->section, "analysis") == 0 || strcmp(option->section, "stop") == 0;
}

iw_status
iw_config_of_run(iw_config *config, const iw_run_info *run, iw_error *err)
{
    iw_status status = IW_OK;
    for (const iw_option *option = iw_config_options; option->key; option++) {
        const char *value = iw_run_info_metadata(run, option->key);
        if (!value || !is_of_analysis(option))
            continue;
        iw_config before = *config;
        if (option->type == IW_OPTION_LIST)
            memset(field(config, option), 0, sizeof(iw_config_list));
        iw_error one;
        if (set(config, option, value, &one) == IW_OK)
            continue;
        *config = before;
        if (status == IW_OK)
            status = iw_fail(err, one.code, "%s", one.text);
    }
    return status;
}

iw_status
iw_config_charges(const iw_config *config, iw_run_info *run, iw_error *err)
{
    const char *own = iw_run_info_metadata(run, "charges");
    bool asked = own && strcmp(own, config->charges) == 0; /* else it was refused */
    if (!config->charges[0] || (run->charge_e && !asked))
        return IW_OK;
    iw_status status = iw_charges_apply(run, config->charges, IW_CHARGES_TABLE, err);
    if (status != IW_OK)
        (void)iw_prefix(err, "charges %s", config->charges);
    return status;
}

uint64_t
iw_config_analysis_hash(const iw_config *config)
{
    XXH3_state_t hash;
    (void)XXH3_64bits_reset(&hash);
    for (const iw_option *option = iw_config_options; option->key; option++) {
        const void *value = (const char *)config + option->offset;
        const iw_skip_options *skip = value; /* only where it is one, as below */
        const iw_config_list *list = value;
        if (!is_of_analysis(option) && option->offset != AT(memory_mib))
            continue;
        switch (option->type) {
        case IW_OPTION_TEXT:
        case IW_OPTION_CHARGES:
        case IW_OPTION_COMMAND:
        case IW_OPTION_KINDS:
        case IW_OPTION_ADDRESS:
            (void)XXH3_64bits_update(&hash, value, strlen(value) + 1);
            break;
        case IW_OPTION_LIST:
            (void)XXH3_64bits_update(&hash, &list->n, sizeof list->n);
            for (size_t i = 0; i < list->n; i++)
                (void)XXH3_64bits_update(&hash, list->items[i], strlen(list->items[i]) + 1);
            break;
        case IW_OPTION_REAL:
            (void)XXH3_64bits_update(&hash, value, sizeof(double));
            break;
        case IW_OPTION_COUNT:
            (void)XXH3_64bits_update(&hash, value, sizeof(unsigned));
            break;
        case IW_OPTION_FLAG:
            (void)XXH3_64bits_update(&hash, value, sizeof(bool));
            break;
        case IW_OPTION_CHOICE:
            (void)XXH3_64bits_update(&hash, value, sizeof(int));
            break;
        case IW_OPTION_SKIP:
            (void)XXH3_64bits_update(&hash, &skip->rule, sizeof skip->rule);
            (void)XXH3_64bits_update(&hash, &skip->fixed_ps, sizeof skip->fixed_ps);
            break;
        }
    }
    return XXH3_64bits_digest(&hash);
}

void
iw_config_engine(const iw_config *config, const char *mobile[IW_CONFIG_MOBILE],
                 iw_engine_options *options)
{
    iw_engine_options_init(options);
    for (size_t i = 0; i < config->mobile.n; i++)
        mobile[i] = config->mobile.items[i];
    options->drift = (iw_drift)config->drift;
    options->n_mobile = config->mobile.n;
    options->mobile = mobile;
    options->msd_stride = config->msd_stride;
    options->vacf_window_ps = config->vacf_window_ps;
    options->memory_mib = config->memory_mib;
    options->taper = (iw_taper)config->taper;
    options->cutoff_meV = config->cutoff_meV;
    options->temperature_K = config->temperature_K;
    options->paper_spacing_fs = config->paper_spacing_fs;
    options->skip = config->skip;
    options->diffusion.hop_length_A = config->hop_length_A;
    options->diffusion.alpha_tolerance = config->diffusive_tolerance;
    options->convergence.mode[IW_RULE_PRECISION] = (iw_stop_mode)config->stop;
    options->convergence.target = config->stop_target;
    options->convergence.min_hops = config->stop_min_hops;
    options->convergence.min_time_ps = config->stop_min_time_ps;
    options->convergence.hold = config->stop_hold;
    options->convergence.trend_sigmas = config->stop_trend_sigmas;
    options->convergence.mode[IW_RULE_FUTILITY] = (iw_stop_mode)config->stop_futility;
    options->convergence.min_D_cm2_s = config->stop_min_D;
    options->convergence.budget_ps = config->stop_budget_ps;
    options->convergence.planned_ps = config->stop_planned_ps;
    options->convergence.mode[IW_RULE_BROKEN] = (iw_stop_mode)config->stop_broken;
    options->convergence.broken_hold = config->stop_broken_hold;
}
