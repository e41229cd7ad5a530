#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""campaign.py - many materials at several temperatures, streamed, stopped and filed by ionwatch.

materials.toml is the list, in.campaign the one LAMMPS input.  A daemon of the campaign's own files
every run in a database of its own; a run that is filed is not run again, one that was cut off is
begun anew.  README.md tells what came out, and how to do it with other materials.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import uuid

HERE = pathlib.Path(__file__).resolve().parent
NAMES = uuid.UUID("5d7a3c1e-6b0f-4a52-9a57-2f3d1c84e6b0")  # ids of runs are made from their names
CUTOFF_A, INNER_A, POINTS = 8.0, 0.5, 4000

FCC = ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))
EIGHTHS = tuple((x / 4, y / 4, z / 4) for x in (1, 3) for y in (1, 3) for z in (1, 3))
# Sites of the species in the order of the table, in units of the conventional cell.
LATTICES = {
    "rock salt": (FCC, tuple((x, y, (z + 0.5) % 1) for x, y, z in FCC)),
    "fluorite": (FCC, EIGHTHS),
    "antifluorite": (EIGHTHS, FCC),
    "rutile": (((0, 0, 0), (0.5, 0.5, 0.5)),
               ((0.305, 0.305, 0), (0.695, 0.695, 0), (0.195, 0.805, 0.5), (0.805, 0.195, 0.5))),
    "zinc blende": (FCC, tuple((x + 0.25, y + 0.25, z + 0.25) for x, y, z in FCC)),
    "alpha-AgI": (((0.5, 0.25, 0), (0, 0.75, 0.5)), ((0, 0, 0), (0.5, 0.5, 0.5))),
}


@dataclasses.dataclass(frozen=True)
class Material:
    """One table of materials.toml; the comment at its head says what the fields mean."""

    name: str
    home: pathlib.Path  # of the table: files that it names lie there
    lattice: str
    a_A: float
    cells: list
    species: dict
    mobile: str
    timestep_fs: float
    temperatures: list
    source: str
    doi: str = ""
    pairs: dict = dataclasses.field(default_factory=dict)
    potential: str = ""
    c_A: float = 0.0
    frame_fs: float = 4.0
    box: str = "relaxed"
    elastic_GPa: dict = dataclasses.field(default_factory=dict)
    elastic_source: str = ""
    known: dict = dataclasses.field(default_factory=dict)

    def couple(self):
        """Which edges of the box are relaxed together."""
        if self.lattice not in LATTICES:
            return "none"
        return "xy" if self.c_A else "xyz"

    def structure(self):
        """One conventional cell as a LAMMPS data file."""
        if self.lattice not in LATTICES:
            return (self.home / self.lattice).read_text()
        c = self.c_A or self.a_A
        sites = [(kind + 1, *site) for kind, place in enumerate(LATTICES[self.lattice])
                 for site in place]
        lines = [f"{self.name}, {self.lattice}", "", f"{len(sites)} atoms",
                 f"{len(self.species)} atom types", "", f"0 {self.a_A} xlo xhi",
                 f"0 {self.a_A} ylo yhi", f"0 {c} zlo zhi", "", "Atoms # charge", ""]
        lines += [f"{i + 1} {kind} 0 {x * self.a_A:.6f} {y * self.a_A:.6f} {z * c:.6f}"
                  for i, (kind, x, y, z) in enumerate(sites)]
        return "\n".join(lines) + "\n"

    def poscar(self):
        """The same cell for VASP; none where ions have more sites than they fill."""
        if self.lattice == "alpha-AgI":
            return None
        head, _, atoms = self.structure().partition("\nAtoms")
        lines = [line.split("#")[0].split() for line in head.splitlines()]
        edges = [line for line in lines if line[3:] and line[3][1:] == "hi"]
        low, high = zip(*(map(float, line[:2]) for line in edges))
        xy, xz, yz = next((line[:3] for line in lines if line[3:] == ["xy", "xz", "yz"]), (0, 0, 0))
        edge = [h - l for l, h in zip(low, high)]
        first = atoms.split("\n", 2)[2].strip().split("\n\n")[0]  # to the end of the section
        rows = [line.split() for line in first.splitlines()]
        kinds = [[" ".join(f"{float(x) - l:.6f}" for x, l in zip(row[3:6], low)) for row in rows
                  if row[1] == str(i + 1)] for i in range(len(self.species))]
        lines = [self.name, "1.0", f"{edge[0]} 0 0", f"{xy} {edge[1]} 0", f"{xz} {yz} {edge[2]}",
                 " ".join(self.species), " ".join(str(len(kind)) for kind in kinds), "Cartesian"]
        return "\n".join(lines + sum(kinds, [])) + "\n"

    def elastic(self):
        """The measured elastic tensor, GPa, rows xx yy zz yz xz xy; none where none is given."""
        if not self.elastic_GPa:
            return None
        c11, c12, c44 = (self.elastic_GPa[key] for key in ("C11", "C12", "C44"))
        c13, c33, c66 = (self.elastic_GPa.get(key, other)
                         for key, other in (("C13", c12), ("C33", c11), ("C66", c44)))
        rows = [[c11, c12, c13, 0, 0, 0], [c12, c11, c13, 0, 0, 0], [c13, c13, c33, 0, 0, 0],
                [0, 0, 0, c44, 0, 0], [0, 0, 0, 0, c44, 0], [0, 0, 0, 0, 0, c66]]
        lines = [f"# {self.elastic_source}", *(" ".join(map(str, row)) for row in rows)]
        return "\n".join(lines) + "\n"

    def numbers(self):
        """What else is known of it, as a table for `ionwatch db import`; None where nothing is."""
        if not self.known:
            return None
        values = map(str, self.known.values())
        return f"material,{','.join(self.known)}\n{self.name},{','.join(values)}\n"

    def commands(self):
        """LAMMPS commands for masses, charges and forces; energies of pairs are in a table."""
        if self.potential:
            return (self.home / self.potential).read_text()
        kinds = {name: i + 1 for i, name in enumerate(self.species)}
        lines = [f"mass {kinds[name]} {mass}\nset type {kinds[name]} charge {charge}"
                 for name, (mass, charge) in self.species.items()]
        lines += [f"pair_style hybrid/overlay coul/long {CUTOFF_A} table spline {POINTS}",
                  "pair_coeff * * coul/long"]
        for pair in self.pairs:
            i, j = sorted(kinds[name] for name in pair.split("-"))
            lines.append(f"pair_coeff {i} {j} table energies.table {pair} {CUTOFF_A}")
        return "\n".join([*lines, "kspace_style pppm 1.0e-4"]) + "\n"

    def energies(self):
        """Energies (eV) and forces (eV/A) of the pairs, as pair_style table reads them."""
        step = (CUTOFF_A + 0.5 - INNER_A) / (POINTS - 1)
        lines = []
        for pair, terms in self.pairs.items():
            lines += [pair, f"N {POINTS} R {INNER_A} {CUTOFF_A + 0.5}", ""]
            for i in range(POINTS):
                r = INNER_A + i * step
                energy, force = map(sum, zip(*(term(r, *words) for words in terms)))
                lines.append(f"{i + 1} {r:.9f} {energy:.10g} {force:.10g}")
            lines.append("")
        return "\n".join(lines)

    def check(self):
        """Names what would fail in the middle of the campaign."""
        if self.lattice not in LATTICES and not (self.home / self.lattice).is_file():
            raise ValueError(f"no lattice and no data file is called {self.lattice!r}; known: "
                             f"{', '.join(LATTICES)}")
        if bool(self.pairs) == bool(self.potential):
            raise ValueError("either pairs or a potential is given")
        if self.potential and not (self.home / self.potential).is_file():
            raise ValueError(f"there is no file {self.home / self.potential}")
        for pair, terms in self.pairs.items():
            if not set(pair.split("-")) <= set(self.species):
                raise ValueError(f"{pair}: the species are {', '.join(self.species)}")
            for words in terms:
                term(1.0, *words)
        self.elastic()


def term(r, kind, *numbers):
    """Energy and force of one term of a pair at the distance r."""
    if kind == "exp":
        amplitude, rho, sigma = (*numbers, 0.0)[:3]
        energy = amplitude * math.exp((sigma - r) / rho)
        return energy, energy / rho
    if kind == "power":
        n, c = numbers
        return c / r**n, n * c / r**(n + 1)
    if kind == "morse":
        depth, a, r0 = numbers
        x = math.exp(-a * (r - r0))
        return depth * (x * x - 2 * x), 2 * a * depth * (x * x - x)
    raise ValueError(f"no term is called {kind!r}; known: exp, power, morse")


def read_materials(only, path=HERE / "materials.toml"):
    """The materials of the table, or those that are named."""
    with open(path, "rb") as file:
        try:
            table = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            sys.exit(f"{path.name}: {error}")
    unknown = sorted(set(only) - set(table))
    if unknown:
        sys.exit(f"{path.name} has no {', '.join(unknown)}; known: {', '.join(table)}")
    materials = []
    for name, words in table.items():
        try:
            materials.append(Material(name, path.resolve().parent, **words))
            materials[-1].check()
        except (KeyError, TypeError, ValueError) as error:
            sys.exit(f"{path.name}: {name}: {str(error).removeprefix('Material.__init__() ')}")
    return [material for material in materials if not only or material.name in only]


def id_of(material, temperature):
    """The id of a run; the same run has the same one each time."""
    return str(uuid.uuid5(NAMES, f"{material.name}-{temperature}K"))


class Campaign:
    """A folder, a daemon, and the runs that are to be filed by it."""

    def __init__(self, options):
        self.options = options
        self.folder = options.folder.resolve()
        self.database = options.db or f"sqlite://{self.folder}/runs.sqlite"
        self.build = options.build.resolve()
        self.ending = threading.Event()
        self.running = {}  # process of each run's lmp
        self.endpoint = None

    def ionwatch(self, *words, cwd=None):
        """Standard output of an ionwatch command; ends the campaign's step where it fails."""
        done = subprocess.run([str(self.build / "ionwatch"), *map(str, words)], text=True,
                              capture_output=True, timeout=120, cwd=cwd)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def filed(self):
        """Ids of the runs in the database."""
        rows = self.ionwatch("db", "query", "SELECT id FROM runs", "--json", "--db", self.database)
        return {row["id"] for row in json.loads(rows)}

    @contextlib.contextmanager
    def daemon(self):
        """A daemon on the campaign's database; its socket has a short path of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="ionwatch-") as sockets, \
                open(self.folder / "daemon.log", "a", encoding="utf-8") as log:
            self.endpoint = f"ipc://{sockets}/daemon.sock"
            process = subprocess.Popen(
                [str(self.build / "ionwatchd"), "--listen", self.endpoint, "--db", self.database,
                 "--data", str(self.folder / "data"), "--http", "off"],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                self.wait_for_daemon(process)
                yield process
            finally:
                process.terminate()
                process.wait(60)

    def check(self):
        """Names what is not installed or not built."""
        if not shutil.which("lmp"):
            raise RuntimeError("lmp is not there: install LAMMPS (Debian: apt install lammps)")
        for file in ("ionwatch", "ionwatchd", "lammps/ionwatch.lmp"):
            if not (self.build / file).exists():
                raise RuntimeError(f"{self.build / file} is not there: build ionwatch, or name its "
                                   "build folder with --build")

    def records(self):
        """The records of all runs in the database."""
        rows = self.ionwatch("db", "query", "SELECT record FROM runs", "--json",
                             "--db", self.database)
        return [json.loads(row["record"]) for row in json.loads(rows)]

    def wait_for_daemon(self, process):
        """Until the daemon answers, or has ended."""
        for _ in range(300):
            if process.poll() is not None:
                log = (self.folder / "daemon.log").read_text(encoding="utf-8")
                sys.exit(f"the daemon ended at once: {log.splitlines()[-1]}")
            try:
                self.ionwatch("ls", "--endpoint", self.endpoint)
                return
            except RuntimeError:
                time.sleep(0.2)
        sys.exit(f"the daemon does not answer: see {self.folder}/daemon.log")

    def command(self, material, temperature, folder, run):
        """The lmp command of one run."""
        options = self.options
        dt = material.timestep_fs / 1000
        variables = {
            "T": temperature, "timestep": dt, "nx": material.cells[0], "ny": material.cells[1],
            "nz": material.cells[2], "seed": 1000 + uuid.UUID(run).int % 100000,
            "box": material.box, "couple": material.couple(),
            "every": round(material.frame_fs / material.timestep_fs), "name": folder.name,
            "material": material.name, "mobile": material.mobile, "target": options.target,
            "floor": options.floor, "shortest": options.shortest, "budget": options.budget,
            "planned": options.planned,
            "ionwatch": self.build / "lammps",
        }
        words = ["lmp", "-in", str(HERE / "in.campaign"), "-log", "log.lammps"]
        for name, value in variables.items():
            words += ["-v", name, str(value)]
        return [*words, "-v", "species", " ".join(material.species)]

    def run(self, material, temperature):
        """Runs LAMMPS once and waits until the record is filed; the outcome in a few words."""
        folder = self.folder / "runs" / f"{material.name}-{temperature}K"
        run = id_of(material, temperature)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "structure.data").write_text(material.structure())
        (folder / "potential.lmp").write_text(material.commands())
        (folder / "energies.table").write_text(material.energies())
        with contextlib.suppress(RuntimeError):  # what a campaign that was cut off left behind
            self.ionwatch("rm", run, "--endpoint", self.endpoint)
        begun = time.monotonic()
        environment = os.environ | {"OMP_NUM_THREADS": "1", "IONWATCH_RUN_ID": run,
                                    "IONWATCH_ENDPOINT": self.endpoint}
        with open(folder / "lammps.out", "w", encoding="utf-8") as out:
            process = subprocess.Popen(self.command(material, temperature, folder, run),
                                       cwd=folder, stdout=out, stderr=subprocess.STDOUT,
                                       env=environment, start_new_session=True)
            self.running[folder.name] = process
            code = process.wait()
            del self.running[folder.name]
        if self.ending.is_set():
            return "cut off"
        if code != 0:
            said = (folder / "lammps.out").read_text(encoding="utf-8", errors="replace")
            error = next((line for line in said.splitlines() if line.startswith("ERROR")), "")
            return f"LAMMPS failed: {error or 'see'} {folder}/lammps.out"
        for _ in range(120):
            if run in self.filed():
                return f"filed after {time.monotonic() - begun:.0f} s"
            time.sleep(0.5)
        return f"was not filed: see {self.folder}/daemon.log"

    def add_known(self, materials):
        """Adds what is known of the materials beside their runs: structures, tensors, numbers."""
        folder = self.folder / "materials"
        folder.mkdir(exist_ok=True)
        for material in materials:
            for kind, text in (("structure", material.poscar()), ("elastic", material.elastic()),
                               ("csv", material.numbers())):
                if not text:
                    continue
                file = f"{material.name}.{kind}"
                (folder / file).write_text(text)
                words = [file] if kind == "csv" else [
                    f"--{kind}", file, "--material", material.name, "--mobile", material.mobile]
                self.ionwatch("db", "import", *words, "--db", self.database, cwd=folder)

    def end(self):
        """Ends every LAMMPS that runs, and begins no other."""
        self.ending.set()
        for process in list(self.running.values()):
            process.kill()

    def all(self, materials):
        """Every run that is not filed yet, `jobs` at once; True if each is filed in the end."""
        wanted = [(material, T) for material in materials for T in material.temperatures]
        failed = 0
        with self.daemon(), concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            filed = self.filed()
            todo = [(m, T) for m, T in wanted if id_of(m, T) not in filed]
            print(f"{len(wanted)} runs, {len(wanted) - len(todo)} of them filed before", flush=True)
            names = {pool.submit(self.run, m, T): f"{m.name} {T} K" for m, T in todo}
            try:
                for future in concurrent.futures.as_completed(names):
                    outcome = future.result()
                    failed += not outcome.startswith("filed")
                    print(f"{names[future]}: {outcome}", flush=True)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.end()
                raise
        return failed == 0


def expansion(material, record):
    """The edge of the box over that of experiment near room temperature, less one, in per cent."""
    volume = record["structure"]["volume_per_atom_A3"] * record["run"]["atoms"]
    of_cell = material.a_A**2 * (material.c_A or material.a_A)
    return 100 * ((volume / math.prod(material.cells) / of_cell) ** (1 / 3) - 1)


def row(material, record):
    """One run as a row of the table."""
    d = record["groups"]["mobile"]["D_cm2_s"]
    fell = {decision["rule"]: decision for decision in record["convergence"]["decisions"]
            if decision["action"] == "stop"}
    rule = next(iter(fell), "")
    why = {"precision": "precise", "futility": "futile", "broken": "broken"}.get(rule, "to its end")
    shown = f"{1e5 * d['value']:.3g} ± {1e5 * d['stderr']:.2g}" if d["ci95"][0] > 0 else \
        f"below {1e5 * d['ci95'][1]:.2g}"
    return (f"| {material.name} | {material.mobile} | {record['run']['temperature_K']:.0f} "
            f"| {expansion(material, record):+.1f} "
            f"| {shown} | {why} | {record['run']['time_ps']:.1f} "
            f"| {fell[rule]['saved_ps'] if rule else 0:.0f} | {record['health']['state']} |")


def table(records, materials):
    """The filed runs as a table in Markdown."""
    heads = ("Material", "Ion", "T, K", "edge, %", "D, 1e-5 cm2/s", "Ended", "Time, ps",
             "Saved, ps", "Health")
    print("|", " | ".join(heads), "|")
    print("|---" * len(heads) + "|")
    for material in materials:
        own = [r for r in records if r["run"]["material"] == material.name]
        for record in sorted(own, key=lambda r: r["run"]["temperature_K"]):
            print(row(material, record))


def keep(database, copy):
    """Writes a small copy of an SQLite database: all but the curves, and where journals lie."""
    copy.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(database.removeprefix("sqlite://"))) as whole, \
            contextlib.closing(sqlite3.connect(copy)) as small:
        whole.backup(small)
        small.execute("DELETE FROM series")
        small.execute("DELETE FROM metadata WHERE key = 'journal'")
        small.commit()
        small.execute("PRAGMA journal_mode = DELETE")
        small.execute("VACUUM")


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("only", nargs="*", metavar="MATERIAL", help="of the table [all]")
    parser.add_argument("--materials", type=pathlib.Path, default=HERE / "materials.toml",
                        metavar="FILE", help="the table of materials [materials.toml]")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("campaign"),
                        help="where runs, journals and runs.sqlite go [campaign]")
    parser.add_argument("--db", help="the database [sqlite:///FOLDER/runs.sqlite]")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent.parent / "build",
                        help="where ionwatch was built [build]")
    parser.add_argument("--table", action="store_true",
                        help="run nothing, print the table of what is filed")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FILE",
                        help="copy the database in the end, without its series")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once [2]")
    parser.add_argument("--target", type=float, default=0.15, help="relative error of D [0.15]")
    parser.add_argument("--floor", type=float, default=1e-6,
                        help="D below which nobody cares, cm2/s [1e-6]")
    parser.add_argument("--shortest", type=float, default=10,
                        help="MD time below which no run is stopped, ps [10]")
    parser.add_argument("--budget", type=float, default=60,
                        help="MD time that a run may need, ps [60]")
    parser.add_argument("--planned", type=float, default=100,
                        help="MD time of a run that nobody stops, ps [100]")
    options = parser.parse_args(words)
    if options.jobs < 1:
        parser.error("--jobs: at least one run at once")
    if options.keep and options.db and not options.db.startswith("sqlite://"):
        parser.error("--keep: only an SQLite database can be copied")
    return options


def main():
    options = parse(sys.argv[1:])
    campaign = Campaign(options)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        materials = read_materials(options.only, options.materials)
        complete = True
        if not options.table:
            campaign.check()
            complete = campaign.all(materials)
            campaign.add_known(materials)
        table(campaign.records(), materials)
        if options.keep:
            keep(campaign.database, options.keep)
    except KeyboardInterrupt:
        print("ended; the same command goes on with what is not filed", file=sys.stderr)
        return 130
    except (OSError, RuntimeError, sqlite3.Error) as error:  # no lmp, no build, no room
        print(f"campaign.py: {error}", file=sys.stderr)
        return 1
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
