# SPDX-License-Identifier: GPL-3.0-or-later
"""ionwatch.ase: a real run of ASE streams, equals its own file, is stopped, and goes on."""
import time
import warnings

import ionwatch
import numpy as np
import pytest
from conftest import analyze, same_series, until

pytest.importorskip("ase")
import ase.io  # noqa: E402
import ionwatch.ase  # noqa: E402
from ase import units  # noqa: E402
from ase.build import bulk  # noqa: E402
from ase.calculators.emt import EMT  # noqa: E402
from ase.constraints import FixAtoms  # noqa: E402
from ase.io.trajectory import Trajectory  # noqa: E402
from ase.md.andersen import Andersen  # noqa: E402
from ase.md.langevin import Langevin  # noqa: E402
from ase.md.npt import NPT  # noqa: E402
from ase.md.nptberendsen import NPTBerendsen  # noqa: E402
from ase.md.nvtberendsen import NVTBerendsen  # noqa: E402
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution  # noqa: E402
from ase.md.verlet import VelocityVerlet  # noqa: E402
from ase.optimize import BFGS  # noqa: E402

DT = 4 * units.fs


def copper(kelvin=6000, seed=3):
    """32 atoms of copper, so hot and loose that they flow from the start."""
    atoms = bulk("Cu", a=4.2, cubic=True) * 2
    atoms.rattle(0.3, seed=seed)
    atoms.calc = EMT()
    MaxwellBoltzmannDistribution(atoms, temperature_K=kelvin, rng=np.random.RandomState(seed))
    return atoms


@pytest.mark.parametrize("kind, steps", [(VelocityVerlet, 120), (NPTBerendsen, 60)])
def test_the_record_equals_that_of_the_file_that_ase_writes(daemon, kind, steps):
    atoms = copper()
    more = {}
    if kind is NPTBerendsen:
        more = dict(temperature_K=6000, pressure_au=0.0, compressibility_au=1e-2, taut=200 * units.fs)
    dyn = kind(atoms, DT, **more)

    def write():
        folded = atoms.copy()  # image flags would be wrong in a cell that changes
        folded.wrap()
        ase.io.write("run.extxyz", folded, append=True, columns=["symbols", "positions", "momenta"])

    dyn.attach(write, interval=2)
    metadata = {"skip": "none", "mobile": "Cu"}
    with ionwatch.ase.Observer(dyn, name="copper", endpoint=daemon.endpoint, metadata=metadata) as watch:
        dyn.attach(watch, interval=2)
        dyn.run(steps)
    filed = daemon.filed("copper", steps // 2 + 1)
    assert filed.state == "completed" and filed["run"]["code"] == "ase"
    assert filed["run"]["dt_fs"] == pytest.approx(8.0, rel=1e-12)
    assert filed["run"]["velocity_source"] != "finite differences"
    direct = analyze("run.extxyz", "--dt", "8", "--skip", "none", "--mobile", "Cu", "--temperature", "6000")
    # The file has eight decimals.
    same_series(filed, direct, rtol=1e-6)
    ours, theirs = filed["groups"]["Cu"], direct["groups"]["Cu"]
    assert ours["D_cm2_s"]["value"] == pytest.approx(theirs["D_cm2_s"]["value"], rel=1e-5)
    assert ours["omega_mean_meV"] == pytest.approx(theirs["omega_mean_meV"], rel=1e-5)
    assert not [event for event in filed["events"] if event["severity"] == "warning"
                and event["id"] in ("velocity_mismatch", "units", "door")]


def test_energies_and_temperature_are_those_of_ase(folder):
    atoms = copper()
    atoms.set_constraint(FixAtoms([0, 1]))
    seen = []

    class Recorder(ionwatch.Stream):
        def send(self, step, positions, velocities=None, cell=None, **more):
            seen.append((step, positions.copy(), velocities.copy(), cell.copy(), more))
            return super().send(step, positions, velocities, cell, **more)

    dyn = VelocityVerlet(atoms, DT)
    expected = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ionwatch.ase, "Stream", Recorder)
        with ionwatch.ase.Observer(dyn, endpoint="file://a.iwlog") as watch:
            dyn.attach(watch)
            dyn.attach(lambda: expected.append((dyn.nsteps, atoms.get_positions(), atoms.get_velocities(),
                                                atoms.get_potential_energy(), atoms.get_kinetic_energy(),
                                                atoms.get_temperature())))
            dyn.run(5)
    assert len(seen) == len(expected) == 6
    for (step, x, v, cell, more), wanted in zip(seen, expected):
        assert step == wanted[0]
        assert (x == wanted[1]).all() and (v == wanted[2]).all() and (cell == atoms.cell.array).all()
        assert (more["potential_energy"], more["kinetic_energy"]) == wanted[3:5]
        assert more["temperature"] == pytest.approx(wanted[5], rel=1e-12)


def test_a_run_that_is_known_well_enough_is_stopped_and_goes_on_from_its_trajectory(start):
    """The script of a user who submits it again and again."""
    daemon = start("--min-time-ps", "0.4", "--min-hops", "1", "--hold", "1", "--trend-sigmas", "100")
    metadata = {"mobile": "Cu", "stop": "stop", "target": "0.9", "skip": "none"}

    def job(steps, metadata):
        try:
            atoms = ase.io.read("md.traj")
            atoms.calc = EMT()
        except FileNotFoundError:
            atoms = copper()
        dyn = Langevin(atoms, DT, temperature_K=6000, friction=0.02, trajectory="md.traj",
                       append_trajectory=True, rng=np.random.RandomState(1))
        with ionwatch.ase.Observer(dyn, name="chain", endpoint=daemon.endpoint, restart=True,
                                   metadata=metadata) as watch:
            dyn.attach(watch)
            dyn.run(steps)
        return dyn, watch

    dyn, watch = job(600, metadata)
    assert watch.stop_reason, "the daemon never asked"
    assert 100 <= dyn.nsteps < 600
    first = daemon.filed("chain", dyn.nsteps + 1)
    assert first.state == "stopped" and first["convergence"]["decisions"][0]["rule"] == "precision"

    before = dyn.nsteps
    last = ase.io.read("md.traj")
    assert last.info[ionwatch.ase.STEP_KEY] == before
    dyn, watch = job(20, metadata)
    assert watch.run_id == first.id
    # The frame that both jobs have counts once.
    more = daemon.filed("chain", before + dyn.nsteps + 1)
    assert more.id == first.id and more["run"]["segments"] == 1
    assert more["run"]["time_ps"] == pytest.approx((before + dyn.nsteps) * 4e-3)
    assert ase.io.read("md.traj").info[ionwatch.ase.STEP_KEY] == before + dyn.nsteps


def test_a_stop_can_raise_and_ends_the_with_block(daemon):
    atoms = copper()
    dyn = VelocityVerlet(atoms, DT)
    with ionwatch.ase.Observer(dyn, name="raise", endpoint=daemon.endpoint, stop="raise") as watch:
        dyn.attach(watch)
        dyn.run(3)
        watch.stream.flush(20)
        daemon.runs.stop("raise")
        dyn.run(100000)
    assert watch.stop_reason and 3 < dyn.nsteps < 100000
    assert daemon.filed("raise").state == "stopped"


def test_a_stop_can_be_left_to_the_script_which_may_go_on(daemon):
    dyn = VelocityVerlet(copper(), DT)
    with ionwatch.ase.Observer(dyn, name="goes on", endpoint=daemon.endpoint, stop="no") as watch:
        dyn.attach(watch)
        dyn.run(3)
        watch.stream.flush(20)
        daemon.runs.stop("goes on")
        until(watch.stream.should_stop, "the stop to arrive")
        dyn.run(5)
    assert dyn.nsteps == 8 and "user" in watch.stop_reason
    assert daemon.filed("goes on", 9).state == "completed"


def test_what_is_no_molecular_dynamics_is_refused_and_so_is_an_unknown_stop():
    with pytest.raises(ValueError, match="BFGS has no timestep"):
        ionwatch.ase.Observer(BFGS(copper(), logfile=None))
    with pytest.raises(ValueError, match="'halt'"):
        ionwatch.ase.Observer(VelocityVerlet(copper(), DT), stop="halt")


def test_an_exception_in_the_run_leaves_it_open(daemon):
    dyn = VelocityVerlet(copper(), DT)
    with pytest.raises(KeyboardInterrupt):
        with ionwatch.ase.Observer(dyn, name="open", endpoint=daemon.endpoint) as watch:
            dyn.attach(watch)
            dyn.run(3)
            raise KeyboardInterrupt
    assert daemon.runs["open"].state in ("running", "stalled")


def test_without_asking_for_it_atoms_of_an_earlier_run_begin_a_new_one(folder):
    atoms = copper()
    dyn = VelocityVerlet(atoms, DT, trajectory="a.traj")
    with ionwatch.ase.Observer(dyn, endpoint="file://a.iwlog") as first:
        dyn.attach(first, interval=2)
        dyn.run(6)
    atoms = Trajectory("a.traj")[4]
    assert atoms.info == {"ionwatch_run": first.run_id, "ionwatch_step": 4}
    atoms.calc = EMT()
    assert ionwatch.ase.Observer(VelocityVerlet(atoms, DT)).run_id != first.run_id
    again = ionwatch.ase.Observer(VelocityVerlet(Trajectory("a.traj")[4], DT), run_id=first.run_id)
    again._stamp()
    assert again.atoms.info["ionwatch_step"] == 4


def test_targets_of_the_thermostats_are_found():
    atoms = copper()
    known = [
        (Langevin, dict(temperature_K=700, friction=0.01), 700),
        (Andersen, dict(temperature_K=700, andersen_prob=0.1), 700),
        (NVTBerendsen, dict(temperature_K=700, taut=100), 700),
        (NPTBerendsen, dict(temperature_K=700, pressure_au=0.0, compressibility_au=1e-2), 700),
        (NPT, dict(temperature_K=700, externalstress=0, ttime=100, pfactor=None), 700),
        (VelocityVerlet, {}, None),
    ]
    for kind, more, kelvin in known:
        found = ionwatch.ase.target_temperature(kind(atoms, DT, **more))
        assert found == (None if kelvin is None else pytest.approx(kelvin)), kind


def test_atoms_alone_are_enough_for_a_loop_of_ones_own(folder):
    atoms = copper()
    with pytest.raises(ValueError, match="timestep and interval"):
        ionwatch.ase.Observer(atoms)
    with ionwatch.ase.Observer(atoms, timestep=DT, interval=5, endpoint="file://a.iwlog") as watch:
        dyn = VelocityVerlet(atoms, DT)
        dyn.attach(watch, interval=5)
        dyn.run(20)
    run = analyze("a.iwlog")["run"]
    assert (run["frames"], run["dt_fs"], run["segments"]) == (5, pytest.approx(20.0), 1)


def test_nothing_disturbs_the_run_that_is_watched(folder):
    plain, watched = copper(), copper()
    VelocityVerlet(plain, DT).run(20)
    dyn = VelocityVerlet(watched, DT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ionwatch.ase.Observer(dyn, endpoint="nowhere") as watch:
            dyn.attach(watch)
            dyn.run(20)
    assert (plain.positions == watched.positions).all()
    assert len([one for one in caught if issubclass(one.category, ionwatch.IonwatchWarning)]) == 1
    with pytest.raises(ionwatch.IonwatchError):
        dyn = VelocityVerlet(copper(), DT)
        dyn.attach(ionwatch.ase.Observer(dyn, endpoint="nowhere", errors="raise"))
        dyn.run(1)


def test_with_several_processes_the_first_sends_and_all_stop(folder, monkeypatch):
    class World:
        size = 2

        def __init__(self, rank):
            self.rank = rank

    told = {}

    def broadcast(value, root, world):
        if world.rank == root:
            told["value"] = value
        return told["value"]

    monkeypatch.setattr(ionwatch.ase.ase.parallel, "broadcast", broadcast)
    runs = []
    for rank in (0, 1):
        dyn = VelocityVerlet(copper(), DT)
        watch = ionwatch.ase.Observer(dyn, endpoint="file://a.iwlog", world=World(rank))
        dyn.attach(watch)
        runs.append((dyn, watch))
    for dyn, _ in runs:
        dyn.run(2)
    assert runs[0][1].stream.stats.frames_sent == 3 and runs[1][1].stream is None
    (folder / "a.iwlog.stop").write_text("enough\n")
    time.sleep(1.5)
    for dyn, watch in runs:
        dyn.run(100)
        assert watch.stop_reason == "enough" and dyn.nsteps == 3
