/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.c - every command and every option, as tables. */
#include "options.h"

#include <stddef.h>

#define TO(field) offsetof(iw_settings, field)
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const iw_cli_option file_options[] = {
    {"format", 'f', IW_OPT_TEXT, TO(format), "NAME", "", "by name and first lines", 0, 0, NULL,
     "format of the files: vasprun, xdatcar, outcar, cp2k, pw.x, cp.x, ipi, lammps, extxyz, iwlog"},
    {"dt", 0, IW_OPT_NUMBER, TO(dt_fs), "FS", "fs", "from the files", 1e-6, 1e9, NULL,
     "time from one frame to the next, fs"},
    {"units", 0, IW_OPT_TEXT, TO(units), "STYLE", "", "metal; A/fs", 0, 0, NULL,
     "of a LAMMPS dump: metal, real, si, electron, lj, ...; of velocities in extended XYZ: A/fs, "
     "A/ps, ase"},
    END,
};

static const iw_cli_option atom_options[] = {
    {"temperature", 'T', IW_OPT_NUMBER, TO(temperature_K), "K", "K", "from the files", 0, 1e6, NULL,
     "target temperature, K"},
    {"species", 0, IW_OPT_TEXT, TO(species), "LIST", "", "from the files", 0, 0, NULL,
     "names of LAMMPS types 1, 2, ...: Li,S; or of all atoms in order: Ga*54,N*54"},
    {"charges", 0, IW_OPT_TEXT, TO(charges), "LIST", "", "from the files", 0, 0, NULL,
     "charges of species in e: Li=1,Cl=-1"},
    {"masses", 0, IW_OPT_TEXT, TO(masses), "LIST", "", "from the files, else standard", 0, 0, NULL,
     "masses of species in amu: Li=7.016"},
    {"material", 0, IW_OPT_TEXT, TO(material), "NAME", "", "the chemical formula", 0, 0, NULL,
     "what the run is made of: `ionwatch arrhenius` puts runs of one name on a line"},
    END,
};

static const iw_cli_option name_option[] = {
    {"name", 'n', IW_OPT_TEXT, TO(name), "NAME", "", "from the path", 0, 0, NULL,
     "what the run is called"},
    END,
};

static const iw_cli_option analysis_options[] = {
    {"mobile", 'm', IW_OPT_TEXT, TO(mobile), "LIST", "",
     "first of Li Na Ag Cu Cl I Br F O in the run", 0, 0, NULL, "mobile species: Li or Li,Na"},
    {"drift", 0, IW_OPT_CHOICE, TO(drift), "FRAME", "", "com", 0, 0, "com|framework|none",
     "what is held still"},
    {"msd-stride", 0, IW_OPT_COUNT, TO(msd_stride), "N", "frames", "about 10 fs", 1, 1e9, NULL,
     "take every N-th frame for the MSD"},
    {"vacf-window", 0, IW_OPT_NUMBER, TO(vacf_window_ps), "PS", "ps", "4", 1e-6, 1e6, NULL,
     "longest lag of the VACF, ps"},
    {"taper", 0, IW_OPT_CHOICE, TO(taper), "NAME", "", "parzen", 0, 0, "parzen|hann|none",
     "taper of the VACF before its transform"},
    {"skip", 0, IW_OPT_TEXT, TO(skip), "PS", "ps", "auto", 0, 0, NULL,
     "leave out the first PS ps of the run, none, or, with auto, what has not settled"},
    {"target", 0, IW_OPT_NUMBER, TO(target), "REL", "", "0.2", 1e-6, 10, NULL,
     "relative standard error of D at which the run is called converged"},
    {"min-D", 0, IW_OPT_NUMBER, TO(min_D_cm2_s), "CM2_S", "cm2/s", "0: every D is of interest", 0,
     1, NULL, "a run is called futile when D is surely below this, cm2/s"},
    {"budget", 0, IW_OPT_NUMBER, TO(budget_ps), "PS", "ps", "none", 1e-3, 1e9, NULL,
     "a run is called futile when it surely needs more MD time than this, ps"},
    {"hop-length", 0, IW_OPT_NUMBER, TO(hop_length_A), "A", "A", "3", 1e-3, 1e3, NULL,
     "distance between sites, A: effective hops are counted with it"},
    {"cutoff", 0, IW_OPT_NUMBER, TO(cutoff_meV), "MEV", "meV", "30", 1e-3, 1e5, NULL,
     "upper energy of omega30_mean, meV"},
    {"paper-spacing", 0, IW_OPT_NUMBER, TO(paper_spacing_fs), "FS", "fs", "as the frames come",
     1e-6, 1e6, NULL, "spacing of frames for method \"paper\", fs; the authors': 15"},
    END,
};

static const iw_cli_option analyze_options[] = {
    {"memory", 0, IW_OPT_COUNT, TO(memory_mib), "MIB", "MiB", "4096", 16, 1e9, NULL,
     "take fewer frames for the MSD where the analysis would hold more, MiB"},
    {"judge", 0, IW_OPT_FLAG, TO(judge), NULL, "", NULL, 0, 0, NULL,
     "say when the stop rules would have ended the run, as the daemon does while it goes on"},
    {"no-paper", 0, IW_OPT_FLAG, TO(no_paper), NULL, "", NULL, 0, 0, NULL,
     "leave method \"paper\" out: it reads the files twice"},
    {"json", 'j', IW_OPT_FLAG, TO(json), NULL, "", NULL, 0, 0, NULL, "print the record as JSON"},
    {"series", 's', IW_OPT_FLAG, TO(series), NULL, "", NULL, 0, 0, NULL,
     "with MSD, VACF and VDOS, thinned to a readable length (with --json)"},
    {"db", 0, IW_OPT_TEXT, TO(db), "URI", "", "none", 0, 0, NULL,
     "file the run in this database: sqlite:///path, postgresql://user@host/name"},
    END,
};

static const iw_cli_option once_option[] = {
    {"once", '1', IW_OPT_FLAG, TO(once), NULL, "", NULL, 0, 0, NULL,
     "end at the end of the files instead of waiting for more"},
    END,
};

static const iw_cli_option imd_options[] = {
    {"topology", 't', IW_OPT_TEXT, TO(topology), "FILE", "", NULL, 0, 0, NULL,
     "the atoms in the engine's order: LAMMPS data file, POSCAR, PDB, GRO, or a trajectory"},
    {"units", 0, IW_OPT_TEXT, TO(units), "STYLE", "", "imd: A, ps, kJ/mol", 0, 0, NULL,
     "what the engine counts in: imd, gromacs, namd; for LAMMPS its `units`: metal, real, ..."},
    {"dt", 0, IW_OPT_NUMBER, TO(dt_fs), "FS", "fs", "from the engine", 1e-6, 1e9, NULL,
     "time from one frame to the next where the engine does not tell it, fs"},
    {"once", '1', IW_OPT_FLAG, TO(once), NULL, "", NULL, 0, 0, NULL,
     "end when the engine closes the connection instead of waiting for it to come back"},
    {"wait", 0, IW_OPT_CHOICE, TO(wait), "MODE", "", "as its input says", 0, 0, "on|off",
     "tell the engine to stand still, or to go on, while no client is connected"},
    {"kill", 0, IW_OPT_FLAG, TO(kill), NULL, "", NULL, 0, 0, NULL,
     "send Kill when the daemon asks the run to stop; LAMMPS ends by error then"},
    END,
};

static const iw_cli_option stream_options[] = {
    {"run", 'r', IW_OPT_TEXT, TO(run), "NAME", "", "from the path", 0, 0, NULL,
     "what the run is called at the daemon"},
    {"idle", 0, IW_OPT_NUMBER, TO(idle_s), "S", "s", "never", 0.01, 1e9, NULL,
     "end when no frame came for S seconds"},
    {"stop", 0, IW_OPT_CHOICE, TO(stop), "MODE", "", "the daemon's", 0, 0, "off|advise|stop",
     "what the daemon does once D is known well enough"},
    {"futility", 0, IW_OPT_CHOICE, TO(futility), "MODE", "", "the daemon's", 0, 0,
     "off|advise|stop", "what it does once D is out of reach (--min-D, --budget)"},
    {"broken", 0, IW_OPT_CHOICE, TO(broken), "MODE", "", "the daemon's", 0, 0, "off|advise|stop",
     "what it does once the health of the run is broken"},
    {"planned", 0, IW_OPT_NUMBER, TO(planned_ps), "PS", "ps", "not known", 1e-3, 1e9, NULL,
     "MD time that the run is planned for, ps: the budget without --budget, and what is saved"},
    {"stop-file", 0, IW_OPT_TEXT, TO(stop_file), "PATH", "", "none", 0, 0, NULL,
     "make this file when the daemon asks the run to stop; auto: the one that the code looks for"},
    END,
};

static const iw_cli_option endpoint_option[] = {
    {"endpoint", 'e', IW_OPT_TEXT, TO(endpoint), "E", "", "$IONWATCH_ENDPOINT, else this user's", 0,
     0, NULL, "where the daemon listens: ipc://path or tcp://host:port"},
    {"timeout", 0, IW_OPT_NUMBER, TO(timeout_s), "S", "s", "5", 0.01, 3600, NULL,
     "how long to wait for an answer, s"},
    END,
};

static const iw_cli_option json_option[] = {
    {"json", 'j', IW_OPT_FLAG, TO(json), NULL, "", NULL, 0, 0, NULL, "print JSON"},
    END,
};

static const iw_cli_option list_options[] = {
    {"all", 'a', IW_OPT_FLAG, TO(all), NULL, "", NULL, 0, 0, NULL,
     "with runs that had ended before the daemon started"},
    END,
};

static const iw_cli_option record_options[] = {
    {"json", 'j', IW_OPT_FLAG, TO(json), NULL, "", NULL, 0, 0, NULL, "print the record as JSON"},
    {"series", 's', IW_OPT_FLAG, TO(series), NULL, "", NULL, 0, 0, NULL,
     "with MSD, VACF and VDOS, thinned to a readable length (with --json)"},
    END,
};

static const iw_cli_option full_option[] = {
    {"full", 0, IW_OPT_FLAG, TO(full), NULL, "", NULL, 0, 0, NULL, "series at full length"},
    END,
};

static const iw_cli_option watch_options[] = {
    {"interval", 'i', IW_OPT_NUMBER, TO(interval_s), "S", "s", "1", 0.05, 3600, NULL,
     "time between updates, s"},
    {"count", 'c', IW_OPT_COUNT, TO(count), "N", "", "no end", 1, 1e9, NULL,
     "print lines and end after N updates"},
    END,
};

static const iw_cli_option db_option[] = {
    {"db", 0, IW_OPT_TEXT, TO(db), "URI", "", "$IONWATCH_DB, else the daemon's", 0, 0, NULL,
     "which database: sqlite:///path, postgresql://user@host/name"},
    END,
};

static const iw_cli_option explain_options[] = {
    {"markdown", 0, IW_OPT_FLAG, TO(markdown), NULL, "", NULL, 0, 0, NULL,
     "all of them as a page: docs/quantities.md"},
    {"catalogue", 0, IW_OPT_FLAG, TO(catalogue), NULL, "", NULL, 0, 0, NULL,
     "the descriptors of a record and the database: name, symbol, unit, category, definition"},
    {"json", 'j', IW_OPT_FLAG, TO(json), NULL, "", NULL, 0, 0, NULL, "that catalogue as JSON"},
    END,
};

static const iw_cli_option arrhenius_options[] = {
    {"at", 0, IW_OPT_NUMBER, TO(at_K), "K", "K", "300", 1, 1e5, NULL,
     "temperature at which the line tells D, K"},
    {"group", 'g', IW_OPT_TEXT, TO(group), "GROUP", "", "mobile", 0, 0, NULL,
     "of which atoms: all, mobile, framework or a species"},
    END,
};

static const iw_cli_option plot_options[] = {
    {"output", 'o', IW_OPT_TEXT, TO(output), "FILE", "", "none: it must be given", 0, 0, NULL,
     "what to write; .png, .svg, .pdf, or .csv with the numbers that are drawn"},
    {"groups", 'g', IW_OPT_TEXT, TO(groups), "LIST", "", "mobile; vdos: mobile,framework", 0, 0,
     NULL, "of which atoms: all, mobile, framework or species, as in Li,S"},
    {"method", 0, IW_OPT_CHOICE, TO(method), "NAME", "", "both", 0, 0, "physical|paper|both",
     "which VDOS, where the record has them"},
    {"log", 0, IW_OPT_FLAG, TO(log), NULL, "", "msd", 0, 0, NULL,
     "logarithmic axes: both of msd, that of the lag of vacf, the other of d and vdos"},
    {"linear", 0, IW_OPT_FLAG, TO(linear), NULL, "", "d, vacf, vdos", 0, 0, NULL, "linear axes"},
    {"at", 0, IW_OPT_NUMBER, TO(at_K), "K", "K", "where the runs end", 1, 1e5, NULL,
     "arrhenius: draw the line on to this temperature, K"},
    {"width", 0, IW_OPT_NUMBER, TO(width_mm), "MM", "mm", "86: one column", 30, 1000, NULL,
     "width of the figure, mm"},
    {"dpi", 0, IW_OPT_NUMBER, TO(dpi), "N", "", "300", 30, 2400, NULL,
     "points of a .png on an inch"},
    {"title", 0, IW_OPT_TEXT, TO(title), "TEXT", "", "none", 0, 0, NULL, "above the figure"},
    {"style", 0, IW_OPT_TEXT, TO(style), "FILE", "", "none", 0, 0, NULL,
     "a Matplotlib style: a file, or the name of one of its own"},
    {"db", 0, IW_OPT_TEXT, TO(db), "URI", "", "none", 0, 0, NULL,
     "take the runs from this database: sqlite:///path, postgresql://user@host/name"},
    END,
};

static const iw_cli_option landscape_options[] = {
    {"db", 0, IW_OPT_TEXT, TO(db), "URI", "", "$IONWATCH_DB, else the daemon's", 0, 0, NULL,
     "which database: sqlite:///path, postgresql://user@host/name"},
    {"temperature", 'T', IW_OPT_NUMBER, TO(temperature_K), "K", "K",
     "where most materials have a run; regress: all", 1, 1e6, NULL,
     "take the run of each material that is nearest to this temperature, K"},
    {"window", 0, IW_OPT_NUMBER, TO(window_K), "K", "K", "100", 0, 1e6, NULL,
     "and no farther from it than this, K"},
    {"family", 0, IW_OPT_TEXT, TO(family), "NAME", "", "all", 0, 0, NULL,
     "only materials with these mobile ions: Li, Na, halide, O, Ag/Cu, other"},
    {"method", 0, IW_OPT_CHOICE, TO(method), "NAME", "", "physical", 0, 0, "physical|paper|both",
     "of vibrational descriptors; both: each in columns of its own"},
    {"all", 'a', IW_OPT_FLAG, TO(all), NULL, "", NULL, 0, 0, NULL,
     "also runs that were lost, refused or are not finished"},
    {"missing", 0, IW_OPT_NUMBER, TO(missing), "PERCENT", "%", "20", 0, 100, NULL,
     "leave out descriptors with more of their values missing than this"},
    {"limits-as-values", 0, IW_OPT_FLAG, TO(as_values), NULL, "", NULL, 0, 0, NULL,
     "take the fitted number of a D that is only an upper limit"},
    {"with", 0, IW_OPT_TEXT, TO(with), "LIST", "", "none", 0, 0, NULL,
     "take diffusive and transport descriptors too, which follow from D: alpha,haven_ratio"},
    {"without", 0, IW_OPT_TEXT, TO(without), "LIST", "", "none", 0, 0, NULL,
     "leave these descriptors out"},
    {"output", 'o', IW_OPT_TEXT, TO(output), "DIR", "", "none; report: it must be given", 0, 0,
     NULL, "a folder for the page, figures and tables, which appears when it is complete"},
    END,
};

static const iw_cli_option analysis_of_many_options[] = {
    {"target", 0, IW_OPT_TEXT, TO(target_name), "NAME", "", "D_cm2_s", 0, 0, NULL,
     "the descriptor that is ranked against, or predicted"},
    {"correlation", 0, IW_OPT_CHOICE, TO(correlation), "NAME", "", "spearman", 0, 0,
     "spearman|pearson", "of correlations and components: of ranks, or of values"},
    {"clusters", 'k', IW_OPT_COUNT, TO(clusters), "K", "", "by the largest silhouette", 2, 1000,
     NULL, "number of clusters"},
    {"space", 0, IW_OPT_COUNT, TO(space), "N", "", "2", 2, 3, NULL,
     "clusters in so many of the first components"},
    {"models", 0, IW_OPT_TEXT, TO(models), "LIST", "", "kernel-ridge,forest,mlp", 0, 0, NULL,
     "what predicts; the mean is always beside them"},
    {"folds", 0, IW_OPT_COUNT, TO(folds), "N", "", "each material; of more than 100, 5", 2, 1e6,
     NULL, "leave materials out in so many parts"},
    {"impute", 0, IW_OPT_FLAG, TO(impute), NULL, "", NULL, 0, 0, NULL,
     "regress: fill missing values with the median of the fold instead of leaving rows out"},
    {"log", 0, IW_OPT_FLAG, TO(log), NULL, "", NULL, 0, 0, NULL,
     "regress: learn the logarithm of the target"},
    {"seed", 0, IW_OPT_COUNT, TO(seed), "N", "", "1", 1, 2147483647, NULL,
     "of everything that is drawn by lot"},
    END,
};

static const iw_cli_option keygen_options[] = {
    {"server", 0, IW_OPT_FLAG, TO(server), NULL, "", NULL, 0, 0, NULL,
     "the key of a daemon, in its data folder; it makes one by itself where there is none"},
    {"show", 0, IW_OPT_FLAG, TO(print), NULL, "", NULL, 0, 0, NULL,
     "make nothing: print the public half of the key that is there"},
    {"roles", 0, IW_OPT_TEXT, TO(roles), "LIST", "", "stream,read", 0, 0, NULL,
     "what the printed line allows: stream, read, control, with commas"},
    {"out", 'o', IW_OPT_TEXT, TO(folder), "DIR", "",
     "$XDG_CONFIG_HOME/ionwatch; the data folder of a daemon", 0, 0, NULL, "folder for the files"},
    {"force", 0, IW_OPT_FLAG, TO(force), NULL, "", NULL, 0, 0, NULL,
     "replace a key that is there: whoever knows the old public key must learn the new one"},
    END,
};

static const iw_cli_option unpack_options[] = {
    {"output", 'o', IW_OPT_TEXT, TO(output), "FILE", "", "none: it must be given", 0, 0, NULL,
     "the plain journal; a file that is there is not written over"},
    END,
};

static const iw_cli_option filter_options[] = {
    {"run", 'r', IW_OPT_TEXT, TO(run), "RUN", "", "all", 0, 0, NULL,
     "only this run: a name, an id or its beginning"},
    {"group", 'g', IW_OPT_TEXT, TO(group), "GROUP", "", "all", 0, 0, NULL,
     "only this group: all, mobile, framework or a species"},
    {"descriptor", 'd', IW_OPT_TEXT, TO(descriptor), "NAME", "", "all", 0, 0, NULL,
     "only this descriptor: D_cm2_s, omega_mean_meV, ..."},
    END,
};

static const iw_cli_option run_option[] = {
    {"run", 'r', IW_OPT_TEXT, TO(run), "RUN", "", "all of a database", 0, 0, NULL,
     "only this run of it: a name, an id or its beginning"},
    END,
};

static const iw_cli_option import_options[] = {
    {"structure", 0, IW_OPT_TEXT, TO(structure), "FILE", "", "none", 0, 0, NULL,
     "a perfect structure: POSCAR, extended XYZ, a LAMMPS dump, whatever `analyze` reads; its "
     "first "
     "frame"},
    {"elastic", 0, IW_OPT_TEXT, TO(elastic), "FILE", "", "none", 0, 0, NULL,
     "an elastic tensor: 6 rows of 6 numbers, JSON or OUTCAR"},
    {"material", 0, IW_OPT_TEXT, TO(material), "NAME", "", "none", 0, 0, NULL,
     "the material that structure and tensor are of, as `ionwatch arrhenius` lists it"},
    {"order", 0, IW_OPT_CHOICE, TO(order), "NAME", "", "voigt: xx yy zz yz xz xy", 0, 0,
     "voigt|vasp", "of the tensor's rows and columns; vasp is xx yy zz xy yz zx"},
    {"elastic-units", 0, IW_OPT_CHOICE, TO(elastic_units), "UNIT", "", "GPa", 0, 0, "GPa|kbar",
     "of the tensor"},
    {"as-is", 0, IW_OPT_FLAG, TO(as_is), NULL, "", NULL, 0, 0, NULL,
     "take columns of tables whose names are not in the catalogue as they stand"},
    {"mobile", 'm', IW_OPT_TEXT, TO(mobile), "LIST", "",
     "first of Li Na Ag Cu Cl I Br F O in the structure", 0, 0, NULL,
     "mobile species of the structure: Li or Li,Na"},
    {"format", 'f', IW_OPT_TEXT, TO(format), "NAME", "", "by name and first lines", 0, 0, NULL,
     "format of the structure: xdatcar, extxyz, lammps, ..."},
    {"species", 0, IW_OPT_TEXT, TO(species), "LIST", "", "from the file", 0, 0, NULL,
     "names of LAMMPS types 1, 2, ... of the structure: Li,S; or of all atoms in order"},
    END,
};

static const iw_cli_option rows_options[] = {
    {"csv", 0, IW_OPT_FLAG, TO(csv), NULL, "", NULL, 0, 0, NULL,
     "comma-separated values, RFC 4180, every number with all its digits"},
    {"json", 'j', IW_OPT_FLAG, TO(json), NULL, "", NULL, 0, 0, NULL,
     "an array of objects, one a line"},
    END,
};

static const iw_cli_option export_options[] = {
    {"csv", 0, IW_OPT_FLAG, TO(csv), NULL, "", NULL, 0, 0, NULL,
     "one line for each descriptor, RFC 4180 (default)"},
    {"json", 'j', IW_OPT_FLAG, TO(json), NULL, "", NULL, 0, 0, NULL, "an array of objects"},
    {"output", 'o', IW_OPT_TEXT, TO(output), "FILE", "", "standard output", 0, 0, NULL,
     "write to this file, which appears only when it is complete"},
    END,
};

const iw_command iw_commands[] = {
    {"analyze",
     "PATH...",
     "Analyse finished trajectory files",
     "Several paths are consecutive pieces of one run, in the order given.  No daemon is needed.",
     "  ionwatch analyze XDATCAR\n"
     "  ionwatch analyze run1/XDATCAR run2/XDATCAR --dt 15 --mobile Li\n"
     "  ionwatch analyze dump.lammpstrj --dt 2 --species Li,S --json > record.json\n"
     "  ionwatch analyze traj.extxyz.gz --json --series --full --db sqlite:///home/me/ions.db\n",
     1,
     -1,
     iw_command_analyze,
     {file_options, atom_options, name_option, analysis_options, analyze_options, full_option}},
    {"follow",
     "PATH...",
     "Stream growing trajectory files to the daemon",
     "Keeps following until Ctrl-C; the run is then filed with what it has.",
     "  ionwatch follow XDATCAR --run lgps-600K\n"
     "  ionwatch follow XDATCAR --stop stop --target 0.15 --stop-file STOPCAR\n"
     "  ionwatch follow md-pos-1.xyz --once --endpoint tcp://head:5555\n",
     1,
     -1,
     iw_command_follow,
     {file_options, atom_options, analysis_options, once_option, stream_options, endpoint_option}},
    {"imd",
     "HOST:PORT",
     "Stream from an engine that speaks IMD version 3",
     "The engine (LAMMPS, GROMACS, NAMD) is not changed, paused or, without --kill, ended.  When "
     "it\n"
     "goes away, it is waited for, and the run goes on.  Ctrl-C takes leave of it.",
     "  ionwatch imd localhost:8888 --topology data.lgps --species Li,Ge,P,S --units metal\n"
     "  ionwatch imd node17:8888 --topology conf.gro --run brine -T 300\n"
     "  ionwatch imd localhost:8888 --topology POSCAR --units real --stop stop --stop-file EXIT\n",
     1,
     1,
     iw_command_imd,
     {imd_options, atom_options, analysis_options, stream_options, endpoint_option}},
    {"ls",
     "",
     "List the runs that the daemon has",
     NULL,
     "  ionwatch ls\n  ionwatch ls --json --endpoint tcp://head:5555\n",
     0,
     0,
     iw_command_ls,
     {list_options, json_option, endpoint_option}},
    {"status",
     "",
     "Say where the daemon and its page are, and what holds it up",
     NULL,
     "  ionwatch status\n  ionwatch status --json\n",
     0,
     0,
     iw_command_status,
     {json_option, endpoint_option}},
    {"show",
     "RUN",
     "Show all that is known about a run",
     NULL,
     "  ionwatch show lgps-600K\n  ionwatch show 7f3c --json --series > record.json\n",
     1,
     1,
     iw_command_show,
     {record_options, full_option, endpoint_option}},
    {"watch",
     "[RUN]",
     "Watch D and its error while runs go on",
     "On a terminal a view of all runs or of one, with plots; ? there shows its keys.  Elsewhere, "
     "and\n"
     "with --count, a line for each run and update.",
     "  ionwatch watch\n  ionwatch watch lgps-600K --interval 5\n"
     "  ionwatch watch lgps-600K --count 1\n",
     0,
     1,
     iw_command_watch,
     {watch_options, endpoint_option}},
    {"stop",
     "RUN",
     "Ask a run to end",
     "The adapter ends the MD code cleanly at its next frame.",
     "  ionwatch stop lgps-600K\n",
     1,
     1,
     iw_command_stop,
     {endpoint_option}},
    {"rm",
     "RUN",
     "Remove a run that has ended or stalled",
     "Its journal and its record in the daemon's database are deleted.",
     "  ionwatch rm lgps-600K\n",
     1,
     1,
     iw_command_rm,
     {endpoint_option}},
    {"arrhenius",
     "[MATERIAL]",
     "Fit E_a and D at 300 K to runs at several temperatures",
     "Takes the runs in the database and those that go on at the daemon; without a material it\n"
     "lists all of them.",
     "  ionwatch arrhenius\n  ionwatch arrhenius Li6PS5Cl\n"
     "  ionwatch arrhenius Li6PS5Cl --at 350 --group Li --json\n",
     0,
     1,
     iw_command_arrhenius,
     {arrhenius_options, json_option, db_option, endpoint_option}},
    {"plot",
     "RUN... KIND",
     "Draw msd, d, vacf, vdos or arrhenius into a file",
     "KIND, the last word: msd; d, how D converged; vacf; vdos; arrhenius, D of a material "
     "against\n"
     "1/T.  A RUN is a file where there is one of that name (a record, or a trajectory that\n"
     "`analyze` reads; `-`: a record on standard input), else a run at the daemon; with --db one "
     "in\n"
     "the database.  For arrhenius it may be a material.",
     "  ionwatch plot lgps-600K msd -o msd.pdf\n"
     "  ionwatch plot lgps-500K lgps-600K lgps-700K d -o converged.svg --title 'LGPS'\n"
     "  ionwatch plot XDATCAR vdos -o vdos.png --groups Li,S --width 178\n"
     "  ionwatch plot Li6PS5Cl arrhenius -o line.pdf --at 300 --db sqlite:///home/me/ions.db\n"
     "  ionwatch plot lgps-600K msd -o msd.csv\n",
     2,
     -1,
     iw_command_plot,
     {plot_options, endpoint_option, file_options, atom_options, analysis_options}},
    {"landscape",
     "[ANALYSIS]",
     "Analyse the descriptors of many materials in the database",
     "ANALYSIS: select [default], correlate, components, clusters, regress, or report, which does "
     "all\n"
     "of them.  One run of each material is taken; regress takes all temperatures.  Done by "
     "Python\n"
     "with pandas, SciPy and scikit-learn; docs/landscape.md has the definitions.",
     "  ionwatch landscape\n  ionwatch landscape correlate -T 500 --window 100 --family Li\n"
     "  ionwatch landscape clusters --space 3 --csv\n"
     "  ionwatch landscape regress --target c_v_meV_K --models kernel-ridge,forest\n"
     "  ionwatch landscape report -o report --db postgresql://me@head/ions\n",
     0,
     1,
     iw_command_landscape,
     {landscape_options, analysis_of_many_options, rows_options}},
    {"explain",
     "[QUANTITY]",
     "Explain a number in six lines",
     "QUANTITY is a name in JSON or the heading of a column; without one all are listed.",
     "  ionwatch explain\n  ionwatch explain alpha\n  ionwatch explain 'error(N)'\n",
     0,
     1,
     iw_command_explain,
     {explain_options}},
    {"keygen",
     "[NAME]",
     "Make the keys for tcp:// beyond this machine",
     "Prints the line for the authorised_keys file of the daemon; NAME is what it calls the key's\n"
     "owner [user@host].  The secret key stays here, in a file for your eyes only.",
     "  ionwatch keygen\n  ionwatch keygen anna@cluster --roles stream,read,control\n"
     "  ionwatch keygen --show\n  ionwatch keygen --server --show\n",
     0,
     1,
     iw_command_keygen,
     {keygen_options}},
    {"unpack",
     "FILE",
     "Make a plain journal of a packed one",
     "FILE is a journal.iwpack of a daemon with keep = trajectory.  `ionwatch analyze` reads it "
     "as\n"
     "it is.",
     "  ionwatch unpack journal.iwpack -o journal.iwlog\n",
     1,
     1,
     iw_command_unpack,
     {unpack_options}},
    {"db ls",
     "",
     "List the runs in the database",
     NULL,
     "  ionwatch db ls\n  ionwatch db ls --db sqlite:///home/me/ions.db --json\n",
     0,
     0,
     iw_command_db_ls,
     {json_option, db_option}},
    {"db show",
     "RUN",
     "Show the record of a run in the database",
     NULL,
     "  ionwatch db show lgps-600K\n  ionwatch db show 7f3c --json --series --full\n",
     1,
     1,
     iw_command_db_show,
     {record_options, full_option, db_option}},
    {"db query",
     "[SQL]",
     "Print descriptors from the database, or what a SELECT gives",
     "SQL is one statement that only reads; docs/database.md has the tables.  Names with capitals\n"
     "stand in double quotes.",
     "  ionwatch db query --group mobile --descriptor D_cm2_s\n"
     "  ionwatch db query --run lgps-600K --json\n"
     "  ionwatch db query 'SELECT material, \"E_a_eV\" FROM materials'\n",
     0,
     1,
     iw_command_db_query,
     {filter_options, rows_options, db_option}},
    {"db export",
     "",
     "Write descriptors as CSV or JSON",
     NULL,
     "  ionwatch db export --csv -o descriptors.csv\n"
     "  ionwatch db export --json --group Li > li.json\n",
     0,
     0,
     iw_command_db_export,
     {filter_options, export_options, db_option}},
    {"db import",
     "[TABLE...]",
     "Import numbers that runs do not measure, by material or run",
     "TABLE is CSV or JSON with a column \"material\" or \"run\"; the others are named for a\n"
     "descriptor and its unit: band_gap_eV, band_gap_stderr_eV, youngs_modulus_kbar\n"
     "(`ionwatch explain --catalogue`).  All of a file is filed, or nothing; once more replaces "
     "it.",
     "  ionwatch db import gaps.csv --db sqlite:///home/me/ions.db\n"
     "  ionwatch db import --structure POSCAR --elastic C.txt --material Li6PS5Cl\n"
     "  ionwatch db import --elastic moduli.txt --order vasp --elastic-units kbar --material "
     "LiCl\n",
     0,
     -1,
     iw_command_db_import,
     {import_options, db_option}},
    {"db ingest",
     "SOURCE...",
     "File runs from another database, or from records in files, once more",
     "SOURCE is a database (sqlite:///path, postgresql://user@host/name) or a file with a record\n"
     "that `analyze --json --series --full` printed.  A run that is there already is replaced.",
     "  ionwatch db ingest sqlite:///home/me/ions.db --db postgresql://me@head/ions\n"
     "  ionwatch db ingest ions.db --run lgps-600K --db postgresql://me@head/ions\n"
     "  ionwatch db ingest record.json\n",
     1,
     -1,
     iw_command_db_ingest,
     {run_option, db_option}},
    {"db migrate",
     "",
     "Make the tables of a database, or bring them up to date",
     "Whatever files runs does it as well; readers of a database need it done.  On a server it\n"
     "is for the owner of the tables.",
     "  ionwatch db migrate --db old.db\n"
     "  ionwatch db migrate --db postgresql://ions_owner@head/ions\n",
     0,
     0,
     iw_command_db_migrate,
     {db_option}},
    {"db rm",
     "RUN",
     "Remove a run and all that belongs to it from the database",
     NULL,
     "  ionwatch db rm 7f3c\n",
     1,
     1,
     iw_command_db_rm,
     {db_option}},
    {.name = NULL},
};
