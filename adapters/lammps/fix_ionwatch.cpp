/* SPDX-License-Identifier: GPL-2.0-only */
#include "fix_ionwatch.h"

#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "domain.h"
#include "force.h"
#include "group.h"
#include "modify.h"
#include "timer.h"
#include "update.h"

/* By its folder: there is an error.h in ours too. */
#include <lammps/error.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

namespace
{

constexpr double COULOMB_EV_A = 14.399645478425668; /* e^2 / (4 pi epsilon0) */
constexpr double UNHEARD_S = 5.0;                   /* before a missing daemon is worth a word */
constexpr int LINGER_UNHEARD_MS = 2000;             /* at the end, for a daemon to be heard of */
constexpr int LINGER_MS = 30000;                    /* for one that listens */

/* tag, x, y, z, vx, vy, vz of an atom in a frame; tag, type, mass, charge when a stream opens */
constexpr int FRAME_WIDTH = 7;
constexpr int ATOM_WIDTH = 4;

template <typename Real>
void
place(const double *x, const double *v, Real *pos, Real *vel)
{
    for (int axis = 0; axis < 3; axis++) {
        pos[axis] = static_cast<Real>(x[axis]);
        vel[axis] = static_cast<Real>(v[axis]);
    }
}

} // namespace

FixIonwatch::FixIonwatch(LAMMPS *owner, int narg, char **arg) : Fix(owner, narg, arg)
{
    datamask_modify = 0; /* KOKKOS: nothing has to go back to the device */
    parse(narg, arg);
    if (!atom->tag_enable)
        error->all(FLERR, std::string("fix ionwatch needs atom ids: remove 'atom_modify id no'"));
    time_depend = 1;
    dynamic_group_allow = 0;
    restart_global = 1;
}

/* No access to update, domain or timer here: LAMMPS deletes them first. */
FixIonwatch::~FixIonwatch()
{
    if (!handle)
        return;
    /* A run that broke off stays open at the daemon, so that a restart may continue it. */
    if (finish && ending && !inside_run)
        (void)ionwatch_finish(handle, ending);
    ionwatch_stats stats;
    stats.size = sizeof stats;
    (void)ionwatch_flush(handle, LINGER_UNHEARD_MS);
    ionwatch_get_stats(handle, &stats);
    if (stats.connected && stats.frames_acknowledged < stats.frames_sent)
        (void)ionwatch_flush(handle, LINGER_MS);
    ionwatch_get_stats(handle, &stats);
    const std::string waiting = std::to_string(stats.frames_sent - stats.frames_acknowledged);
    const std::string run = ionwatch_run_id(handle);
    const ionwatch_status closed = ionwatch_close(&handle, stats.connected ? LINGER_MS : 0);
    if (closed == IONWATCH_AGAIN)
        error->warning(FLERR, "ionwatch: " + waiting +
                                  " frames wait in the spool for the next job of run " + run);
    else if (closed != IONWATCH_OK)
        error->warning(FLERR, "ionwatch: the spool cannot be written (" +
                                  std::string(ionwatch_status_text(closed)) + "): of " + waiting +
                                  " frames that the daemon does not have, some are lost");
}

int
FixIonwatch::setmask()
{
    return FixConst::END_OF_STEP | FixConst::POST_RUN;
}

void
FixIonwatch::parse(int narg, char **arg)
{
    auto fail = [this](const std::string &text) { error->all(FLERR, "fix ionwatch: " + text); };
    if (narg < 4)
        fail("expected 'fix ID group ionwatch N species A B ... [keyword values]'");
    nevery = utils::inumeric(FLERR, arg[3], false, lmp);
    if (nevery < 1)
        fail("N, the steps from one frame to the next, must be at least 1");

    int at = 4;
    auto words = [&](int n) {
        char **value = arg + at + 1;
        if (at + n >= narg)
            fail(std::string("'") + arg[at] + "' needs " + std::to_string(n) + " value(s)");
        at += n + 1;
        return value;
    };
    auto number = [&](const char *text) { return utils::numeric(FLERR, text, false, lmp); };
    auto yes = [&](const char *key, const char *text) {
        if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
            fail(std::string("'") + key + "' takes yes or no, not '" + text + "'");
        return strcmp(text, "yes") == 0;
    };
    while (at < narg) {
        const std::string key = arg[at];
        if (key == "species") {
            if (at + atom->ntypes >= narg)
                fail("'species' needs one name for each of the " + std::to_string(atom->ntypes) +
                     " atom types, as in 'species Li S'");
            char **value = words(atom->ntypes);
            species.assign(value, value + atom->ntypes);
        } else if (key == "endpoint") {
            endpoint = *words(1);
        } else if (key == "name") {
            name = *words(1);
        } else if (key == "run") {
            run_id = *words(1);
        } else if (key == "temperature") {
            temperature_given = number(*words(1));
        } else if (key == "stop") {
            char **value = words(2);
            if (strcmp(value[0], "precision") != 0 || !(number(value[1]) > 0.0))
                fail("expected 'stop precision X', X being the wanted relative error of D");
            metadata.insert(metadata.end(), {"stop", "stop", "target", value[1]});
        } else if (key == "set") {
            char **value = words(2);
            metadata.insert(metadata.end(), value, value + 2);
        } else if (key == "precision") {
            const char *value = *words(1);
            if (strcmp(value, "single") != 0 && strcmp(value, "double") != 0)
                fail("'precision' takes single or double");
            single = strcmp(value, "single") == 0;
        } else if (key == "unwrapped") {
            unwrapped = yes("unwrapped", *words(1));
        } else if (key == "energy") {
            want_energy = yes("energy", *words(1));
        } else if (key == "finish") {
            finish = yes("finish", *words(1));
        } else if (key == "spool") {
            spool = *words(1);
        } else if (key == "full") {
            const char *value = *words(1);
            if (strcmp(value, "wait") != 0 && strcmp(value, "drop") != 0)
                fail("'full' takes wait or drop: what to do when queue and spool are full");
            policy = strcmp(value, "drop") == 0 ? IONWATCH_DROP : IONWATCH_BLOCK;
        } else if (key == "lj") {
            char **value = words(3);
            lj_length_A = number(value[0]);
            lj_energy_eV = number(value[1]);
            lj_mass_amu = number(value[2]);
            if (!(lj_length_A > 0.0 && lj_energy_eV > 0.0 && lj_mass_amu > 0.0))
                fail("'lj' takes sigma in A, epsilon in eV and the mass in amu, all positive");
        } else {
            fail("unknown keyword '" + key +
                 "'; known: species endpoint name run temperature stop set precision unwrapped "
                 "energy finish spool full lj");
        }
    }
    if (species.empty())
        fail("'species' is missing: one name for each of the " + std::to_string(atom->ntypes) +
             " atom types, as in 'species Li S'");
}

void
FixIonwatch::init()
{
    const iw_lammps_units *found = iw_lammps_units_find(update->unit_style);
    if (!found)
        error->all(FLERR, std::string("fix ionwatch: units ") + update->unit_style +
                              " are not among " + iw_lammps_units_names());
    units = *found;
    if (lj_length_A > 0.0 && strcmp(units.name, "lj") == 0) {
        units.time_fs *= lj_length_A * std::sqrt(lj_mass_amu / lj_energy_eV);
        units.temperature_K *= lj_energy_eV;
        units.charge_e = std::sqrt(lj_length_A * lj_energy_eV / COULOMB_EV_A);
        units.length_A = lj_length_A;
        units.energy_eV = lj_energy_eV;
        units.mass_amu = lj_mass_amu;
    }
    auto find = [this](const char *name_of) {
        const int place_of = modify->find_compute(name_of);
        return place_of < 0 ? nullptr : modify->compute[place_of];
    };
    thermo_pe = find("thermo_pe");
    thermo_temp = igroup == 0 ? find("thermo_temp") : nullptr;
}

/* Called once before each run: the state a run starts from is a frame like any other, unless the
 * run before ended on it. */
void
FixIonwatch::setup(int)
{
    if (update->ntimestep % nevery == 0 && update->ntimestep != last_step)
        send_frame();
}

void
FixIonwatch::end_of_step()
{
    /* Minimisers come by as well; their iterations are no dynamics. */
    if (update->whichflag == 1 && update->ntimestep != last_step)
        send_frame();
}

void
FixIonwatch::post_run()
{
    if (update->whichflag != 1)
        return;
    inside_run = false;
    if (state == STOPPED)
        ending = "stopped";
    else if (state == SILENT)
        ending = "stream broke off";
    else
        ending = timer->is_timeout() ? "walltime" : "completed";
    if (handle && state == STREAMING)
        warn_if_unheard(true);
}

/* Collective.  The steps before a restart file are not computed again, so their frames should be
 * with the daemon first; a daemon that is away is not waited for.  Nothing of ours is in the file.
 */
void
FixIonwatch::write_restart(FILE *file)
{
    const int nothing = 0;
    if (file)
        (void)fwrite(&nothing, sizeof nothing, 1, file);
    ionwatch_stats stats;
    stats.size = sizeof stats;
    if (!handle)
        return;
    ionwatch_get_stats(handle, &stats);
    if (stats.connected)
        (void)ionwatch_flush(handle, LINGER_MS);
}

double
FixIonwatch::memory_usage()
{
    return static_cast<double>((mass.capacity() + packed.capacity() + gathered.capacity() +
                                pos.capacity() + vel.capacity()) *
                                   sizeof(double) +
                               (pos_single.capacity() + vel_single.capacity()) * sizeof(float) +
                               tags.capacity() * sizeof(tagint));
}

/* Collective, and every rank leaves with the same state. */
void
FixIonwatch::send_frame()
{
    if (state == SILENT || state == STOPPED)
        return;
    inside_run = true;
    last_step = update->ntimestep;
    if (state == WAITING)
        open_stream();
    if (state == SILENT)
        return;

    const bool whole =
        single ? fill(pos_single.data(), vel_single.data()) : fill(pos.data(), vel.data());
    const double potential = potential_energy();

    int now = state;
    if (comm->me == 0)
        now = whole ? hand_over(potential) : give_up();
    if (comm->nprocs > 1)
        MPI_Bcast(&now, 1, MPI_INT, 0, world);
    state = static_cast<State>(now);
    if (state == STOPPED)
        timer->force_timeout(); /* the run ends after this step; the script goes on */
}

/* Rank 0 learns the atoms and opens the handle. */
void
FixIonwatch::open_stream()
{
    packed.clear();
    for (int i = 0; i < atom->nlocal; i++) {
        if (!(atom->mask[i] & groupbit))
            continue;
        const double weight = atom->rmass ? atom->rmass[i] : atom->mass[atom->type[i]];
        const double row[ATOM_WIDTH] = {static_cast<double>(atom->tag[i]),
                                        static_cast<double>(atom->type[i]), weight,
                                        atom->q_flag ? atom->q[i] : 0.0};
        packed.insert(packed.end(), row, row + ATOM_WIDTH);
    }
    gather();
    int now = STREAMING;
    if (comm->me == 0) {
        handle = open_handle();
        if (!handle)
            now = SILENT;
    }
    if (comm->nprocs > 1)
        MPI_Bcast(&now, 1, MPI_INT, 0, world);
    state = static_cast<State>(now);
}

/* Collective: everybody's rows, one after the other, in `gathered` on rank 0. */
void
FixIonwatch::gather()
{
    if (comm->nprocs == 1) {
        packed.swap(gathered);
        return;
    }
    const int n_mine = static_cast<int>(packed.size());
    counts.resize(static_cast<size_t>(comm->nprocs));
    offsets.resize(static_cast<size_t>(comm->nprocs));
    MPI_Gather(&n_mine, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, world);
    int total = 0;
    if (comm->me == 0) {
        for (size_t rank = 0; rank < counts.size(); rank++) {
            offsets[rank] = total;
            total += counts[rank];
        }
        gathered.resize(static_cast<size_t>(total));
    }
    MPI_Gatherv(packed.data(), n_mine, MPI_DOUBLE, gathered.data(), counts.data(), offsets.data(),
                MPI_DOUBLE, 0, world);
}

/* Rank 0: from the gathered atoms to a handle, or NULL after a warning. */
ionwatch *
FixIonwatch::open_handle()
{
    const size_t n = gathered.size() / ATOM_WIDTH;
    std::vector<const double *> rows(n);
    for (size_t i = 0; i < n; i++)
        rows[i] = &gathered[i * ATOM_WIDTH];
    std::sort(rows.begin(), rows.end(),
              [](const double *a, const double *b) { return a[0] < b[0]; });

    std::vector<const char *> names(n);
    std::vector<double> weight_amu(n), charges(n);
    tags.resize(n);
    mass.resize(n);
    for (size_t i = 0; i < n; i++) {
        tags[i] = static_cast<tagint>(rows[i][0]);
        names[i] = species[static_cast<size_t>(rows[i][1]) - 1].c_str();
        mass[i] = rows[i][2];
        weight_amu[i] = rows[i][2] * units.mass_amu;
        charges[i] = rows[i][3] * units.charge_e;
    }
    dense = n > 0 && static_cast<size_t>(tags[n - 1] - tags[0]) == n - 1;
    pos.resize(single ? 0 : 3 * n);
    vel.resize(single ? 0 : 3 * n);
    pos_single.resize(single ? 3 * n : 0);
    vel_single.resize(single ? 3 * n : 0);

    std::vector<const char *> pairs;
    for (const std::string &word : metadata)
        pairs.push_back(word.c_str());
    pairs.push_back(nullptr);
    auto given = [](const std::string &text) { return text.empty() ? nullptr : text.c_str(); };

    ionwatch_run run;
    ionwatch_run_init(&run);
    run.run_id = given(run_id);
    run.name = given(name);
    run.code = "lammps";
    run.code_version = lmp->version;
    run.n_atoms = n;
    run.species = names.data();
    run.mass_amu = weight_amu.data();
    run.charge_e = atom->q_flag ? charges.data() : nullptr;
    run.length_A = units.length_A;
    run.time_fs = units.time_fs;
    run.energy_eV = units.energy_eV;
    run.timestep = update->dt;
    run.stride = nevery;
    run.temperature_K = target_K();
    run.wrapped = !unwrapped;
    run.metadata = pairs.data();
    run.spool_dir = given(spool);
    run.policy = policy;
    ionwatch *opened = ionwatch_open(given(endpoint), &run);
    if (!opened) {
        error->warning(FLERR, std::string("ionwatch: out of memory; the run goes on unwatched"));
        return nullptr;
    }
    if (*ionwatch_error(opened)) {
        error->warning(FLERR, std::string("ionwatch: ") + ionwatch_error(opened) +
                                  "; the run goes on unwatched");
        ionwatch_close(&opened, 0);
        return nullptr;
    }
    opened_s = MPI_Wtime();
    utils::logmesg(lmp, std::string("ionwatch: run ") + ionwatch_run_id(opened) + ", " +
                            std::to_string(n) + " atoms, every " + std::to_string(nevery) +
                            " step(s)\n");
    return opened;
}

/* The place of an atom in the frame; that behind the last one if the stream began without it. */
inline size_t
FixIonwatch::slot_of(tagint tag) const
{
    if (dense)
        return std::min(static_cast<size_t>(tag - tags[0]), tags.size());
    const auto at = std::lower_bound(tags.begin(), tags.end(), tag);
    return at != tags.end() && *at == tag ? static_cast<size_t>(at - tags.begin()) : tags.size();
}

/* All atoms of this rank in the usual case, where a tag is a place and nothing is to be chosen or
 * unwrapped: LAMMPS' rows lie one behind the other.  This is most of what a frame costs. */
template <typename Real>
bool
FixIonwatch::fill_densely(Real *to_pos, Real *to_vel)
{
    const size_t n = tags.size();
    if (static_cast<size_t>(atom->nlocal) != n)
        return false;
    const tagint first = tags[0];
    const tagint *tag = atom->tag;
    const double *weight = mass.data();
    const double *x = atom->x[0];
    const double *v = atom->v[0];
    double sum = 0.0;
    for (size_t i = 0; i < n; i++, x += 3, v += 3) {
        const size_t slot = static_cast<size_t>(tag[i] - first);
        if (slot >= n)
            return false;
        place(x, v, to_pos + 3 * slot, to_vel + 3 * slot);
        sum += weight[slot] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    }
    twice_kinetic = sum;
    return true;
}

/* Alone: straight from LAMMPS' arrays into the frame.  LAMMPS folds positions into the cell when it
 * rebuilds neighbour lists; the minimum image of a displacement does not mind those a little
 * outside in between.  False if the atoms are not those that the stream began with. */
template <typename Real>
bool
FixIonwatch::fill_alone(Real *to_pos, Real *to_vel)
{
    if (dense && igroup == 0 && !unwrapped)
        return fill_densely(to_pos, to_vel);
    const int *mask = atom->mask;
    const int n_local = atom->nlocal;
    const size_t n = tags.size();
    size_t placed = 0;
    double sum = 0.0; /* in a register: the compiler cannot know that no frame lies over a member */
    for (int i = 0; i < n_local; i++) {
        if (!(mask[i] & groupbit))
            continue;
        const double *x = atom->x[i];
        const double *v = atom->v[i];
        double free[3];
        if (unwrapped) {
            domain->unmap(x, atom->image[i], free);
            x = free;
        }
        const size_t slot = slot_of(atom->tag[i]);
        if (slot == n)
            return false;
        place(x, v, to_pos + 3 * slot, to_vel + 3 * slot);
        sum += mass[slot] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
        placed++;
    }
    twice_kinetic = sum;
    return placed == n;
}

/* Collective: as above on rank 0; the other ranks only give. */
template <typename Real>
bool
FixIonwatch::fill_together(Real *to_pos, Real *to_vel)
{
    packed.clear();
    for (int i = 0; i < atom->nlocal; i++) {
        if (!(atom->mask[i] & groupbit))
            continue;
        const double *v = atom->v[i];
        double at[3] = {atom->x[i][0], atom->x[i][1], atom->x[i][2]};
        if (unwrapped)
            domain->unmap(at, atom->image[i]);
        const double row[] = {
            static_cast<double>(atom->tag[i]), at[0], at[1], at[2], v[0], v[1], v[2]};
        packed.insert(packed.end(), row, row + FRAME_WIDTH);
    }
    gather();
    if (gathered.size() != tags.size() * FRAME_WIDTH)
        return false;
    double sum = 0.0;
    for (const double *row = gathered.data(); row < gathered.data() + gathered.size();
         row += FRAME_WIDTH) {
        const double *v = row + 4;
        const size_t slot = slot_of(static_cast<tagint>(row[0]));
        if (slot == tags.size())
            return false;
        place(row + 1, v, to_pos + 3 * slot, to_vel + 3 * slot);
        sum += mass[slot] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    }
    twice_kinetic = sum;
    return true;
}

template <typename Real>
bool
FixIonwatch::fill(Real *to_pos, Real *to_vel)
{
    return comm->nprocs == 1 ? fill_alone(to_pos, to_vel) : fill_together(to_pos, to_vel);
}

/* Rank 0: the atoms changed, so that no later frame belongs to this stream. */
FixIonwatch::State
FixIonwatch::give_up()
{
    error->warning(FLERR, std::string("ionwatch: atoms came or went at step ") +
                              std::to_string(update->ntimestep) +
                              "; the run goes on, unwatched from here");
    return SILENT;
}

/* Rank 0: sends the frame and says how the stream goes on. */
FixIonwatch::State
FixIonwatch::hand_over(double potential)
{
    double box[9];
    cell(box);
    ionwatch_frame frame;
    ionwatch_frame_init(&frame);
    frame.step = update->ntimestep;
    frame.time =
        update->atime + static_cast<double>(update->ntimestep - update->atimestep) * update->dt;
    frame.cell = box;
    if (single) {
        frame.pos_f32 = pos_single.data();
        frame.vel_f32 = vel_single.data();
    } else {
        frame.pos_f64 = pos.data();
        frame.vel_f64 = vel.data();
    }
    frame.potential_energy = potential;
    frame.kinetic_energy = 0.5 * force->mvv2e * twice_kinetic;
    frame.temperature_K = kelvin(frame.kinetic_energy);

    const ionwatch_status status = ionwatch_send(handle, &frame);
    if (status != IONWATCH_OK)
        warn_once(status);
    if (status == IONWATCH_REFUSED)
        return SILENT;
    warn_if_unheard(false);

    const char *reason = nullptr;
    if (!ionwatch_should_stop(handle, &reason))
        return STREAMING;
    utils::logmesg(lmp, std::string("ionwatch: the run ends at step ") +
                            std::to_string(update->ntimestep) + ": " + (reason ? reason : "") +
                            "\n");
    return STOPPED;
}

/* Collective.  The energy of this step if LAMMPS tallied it, else NAN: asking for it every time
 * would slow the force computation, so that is left to 'energy yes'. */
double
FixIonwatch::potential_energy()
{
    if (!thermo_pe)
        return NAN;
    if (want_energy)
        thermo_pe->addstep(update->ntimestep + nevery);
    if (update->eflag_global != update->ntimestep)
        return NAN;
    return thermo_pe->invoked_scalar == update->ntimestep ? thermo_pe->scalar
                                                          : thermo_pe->compute_scalar();
}

/* As LAMMPS' own thermo output has it; of a part of the atoms, with three degrees of freedom each.
 */
double
FixIonwatch::kelvin(double kinetic) const
{
    double freedoms = 3.0 * static_cast<double>(tags.size());
    if (thermo_temp && thermo_temp->dof > 0.0)
        freedoms = thermo_temp->dof;
    return 2.0 * kinetic / (freedoms * force->boltz) * units.temperature_K;
}

/* The keyword, else what a thermostat of the script aims at, else NAN. */
double
FixIonwatch::target_K() const
{
    if (!std::isnan(temperature_given))
        return temperature_given * units.temperature_K;
    for (int i = 0; i < modify->nfix; i++) {
        int dimension = -1;
        const void *target = modify->fix[i]->extract("t_target", dimension);
        if (target && dimension == 0)
            return *static_cast<const double *>(target) * units.temperature_K;
    }
    return NAN;
}

void
FixIonwatch::cell(double rows[9]) const
{
    const double box[9] = {domain->xprd, 0.0,        0.0,        domain->xy,  domain->yprd,
                           0.0,          domain->xz, domain->yz, domain->zprd};
    std::copy(box, box + 9, rows);
}

/* Rank 0: says once that nobody listens.  Frames wait in the spool meanwhile. */
void
FixIonwatch::warn_if_unheard(bool at_end)
{
    if (unheard_told || (!at_end && MPI_Wtime() - opened_s < UNHEARD_S))
        return;
    ionwatch_stats stats;
    stats.size = sizeof stats;
    ionwatch_get_stats(handle, &stats);
    unheard_told = true;
    if (stats.connected || stats.frames_acknowledged > 0)
        return;
    error->warning(FLERR, "ionwatch: no daemon answers at " +
                              (endpoint.empty() ? std::string("the default endpoint") : endpoint) +
                              "; the run goes on and its frames wait in the spool");
}

/* Rank 0: the first failure of each kind is worth a line, the thousandth is not. */
void
FixIonwatch::warn_once(ionwatch_status status)
{
    const unsigned bit = 1U << static_cast<unsigned>(status);
    if (statuses_told & bit)
        return;
    statuses_told |= bit;
    error->warning(FLERR, "ionwatch: step " + std::to_string(update->ntimestep) + ": " +
                              ionwatch_status_text(status) + ": " + ionwatch_error(handle) +
                              "; the run goes on");
}
