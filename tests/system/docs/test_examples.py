#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the pages, as they stand there, in a folder that has what they name."""
import contextlib
import csv
import gzip
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1])]

from pages import SOURCE, calls, code_lines  # noqa: E402
from programs import BUILD, CLI, DAEMON, daemon, ionwatch, main, require_built, skip, until, workfolder  # noqa: E402

DOCS = SOURCE / "docs"
SPECIES = ["Li"] * 6 + ["P"] + ["S"] * 5
CELL_A = 10.0
FRAMES, DT_FS = 400, 10.0

# Why a line is not run here.
LEFT_OUT = (
    (r"@head|/home/me|tcp://|ssh ", "of another machine"),
    (r"^ionwatchd|keygen", "a daemon of its own; keys"),
    (r"7f3c|XDATCAR --stop|unpack|iwpack|SELECT \*|tcp:", "of a run, a file or an answer that is not here"),
    (r"landscape (report|regress|components|clusters)", "takes too long; system.python.landscape_command has it"),
    (r"ionwatch watch", "ends when its user ends it"),
    (r"--json --series > record|imd ", "an engine that is not here"),
)


def walk(seed):
    """Lithium hops, the others shake; fractional coordinates, folded."""
    draw = random.Random(seed)
    home = [[draw.random() for _ in range(3)] for _ in SPECIES]
    for _ in range(FRAMES):
        for name, place in zip(SPECIES, home):
            for axis in range(3):
                place[axis] += draw.gauss(0, 0.008) if name == "Li" else 0
        yield [[(x + draw.gauss(0, 0.001)) % 1 for x in place] for place in home]


def write_xdatcar(path, seed, first=0, last=FRAMES):
    path.parent.mkdir(exist_ok=True)
    (path.parent / "INCAR").write_text("IBRION = 0\nPOTIM = 2\nNBLOCK = 5\nTEBEG = 600\n")
    head = f"Li P S\n1.0\n{CELL_A} 0 0\n0 {CELL_A} 0\n0 0 {CELL_A}\nLi P S\n6 1 5\n"
    blocks = [f"Direct configuration= {k + 1:5d}\n" + "".join("%.8f %.8f %.8f\n" % tuple(x) for x in frame)
              for k, frame in enumerate(walk(seed))][first:last]
    text = head + "".join(blocks)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def write_cp2k(folder):
    with open(folder / "lgps-pos-1.xyz", "w") as xyz, open(folder / "lgps-1.cell", "w") as cell:
        cell.write("# Step Time [fs] Ax Ay Az Bx By Bz Cx Cy Cz Volume\n")
        for k, frame in enumerate(walk(3)):
            xyz.write(f"{len(SPECIES)}\n i = {k}, time = {k * DT_FS:.3f}, E = -1.0\n")
            cell.write(f"{k} {k * DT_FS:.3f} {CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A} {CELL_A ** 3}\n")
            for name, x in zip(SPECIES, frame):
                xyz.write(name + " %.6f %.6f %.6f\n" % tuple(CELL_A * c for c in x))


def write_dump(path):
    with open(path, "w") as file:
        for k, frame in enumerate(walk(4)):
            file.write(f"ITEM: TIMESTEP\n{k}\nITEM: NUMBER OF ATOMS\n{len(SPECIES)}\nITEM: BOX BOUNDS pp pp pp\n"
                       + f"0 {CELL_A}\n" * 3 + "ITEM: ATOMS id type x y z\n")
            for i, (name, x) in enumerate(zip(SPECIES, frame)):
                file.write(f"{i + 1} {['Li', 'P', 'S'].index(name) + 1} %.6f %.6f %.6f\n" % tuple(CELL_A * c for c in x))


@contextlib.contextmanager
def a_user(folder):
    """Nothing of who runs the test: programs, home, daemon and database are of this folder."""
    kept = dict(os.environ)
    for key in kept:
        if key.startswith(("IONWATCH_", "XDG_")):
            del os.environ[key]
    home = folder / "home"
    (home / "run").mkdir(parents=True, mode=0o700)
    os.environ.update(HOME=str(home), XDG_RUNTIME_DIR=str(home / "run"), IONWATCH_PYTHON="/usr/bin/python3",
                      PATH=f"{BUILD}:{kept['PATH']}", MPLCONFIGDIR=str(home / "matplotlib"))
    try:
        yield f"ipc://{home}/run/ionwatch.sock"
    finally:
        os.environ.clear()
        os.environ.update(kept)


def prepare(folder):
    write_xdatcar(folder / "FOLDER" / "XDATCAR", 1)
    write_xdatcar(folder / "XDATCAR", 2)
    write_xdatcar(folder / "run1" / "XDATCAR.gz", 5, 0, 200)
    write_xdatcar(folder / "run2" / "XDATCAR.gz", 5, 200, 400)
    write_cp2k(folder)
    write_dump(folder / "dump.lammpstrj")
    (folder / "docs").symlink_to(DOCS)
    table = re.search(r"(?m)^    material,.*\n(?:    .*\n)+", (DOCS / "database.md").read_text())[0]
    (folder / "gaps.csv").write_text(re.sub(r"(?m)^    ", "", table))
    with open(folder / "gaps.csv") as file:
        assert len(list(csv.reader(file))) >= 3


def shell(line, folder):
    return subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=folder, capture_output=True, text=True, timeout=120)


def run_page(page, folder, done):
    """Runs what stands there once, whatever page it stands on first; the number of lines that ran."""
    ran = 0
    for number, line in code_lines(page):
        line = re.sub(r"\s+#.*", "", line).strip()
        kind = re.sub(r"^(ionwatch plot) .* (\w+) -o \S+(\.csv)?.*", r"\1 \2\3", line)
        if not re.match(r"(ionwatch|cp|sqlite3) ", line) or kind in done or line.endswith("&"):
            continue
        if any(re.search(pattern, line) for pattern, _ in LEFT_OUT):
            continue
        assert line.startswith(("cp ", "sqlite3 ")) or list(calls(line)), line
        done.add(kind)
        result = shell(line, folder)
        assert result.returncode == 0, f"{page.relative_to(SOURCE)}:{number}: {line}\n{result.stdout[-800:]}{result.stderr}"
        ran += 1
    return ran


def commands_of_the_pages_run():
    with workfolder() as folder, a_user(folder) as endpoint:
        prepare(folder)
        data = pathlib.Path(os.environ["HOME"]) / ".local/state/ionwatch"
        with daemon(folder, endpoint, data=data, options=("--http", "off", "--db", f"sqlite:///{data}/ionwatch.db")):
            for run, temperature in (("lgps-500K", 500), ("lgps-700K", 700)):
                ionwatch("follow", folder / "XDATCAR", "--run", run, "-T", temperature, "--material", "Li6PS5Cl", "--once")
            # The line of the first page that ends with &.
            follower = subprocess.Popen([str(CLI), "follow", "FOLDER", "--run", "lgps-600K", "--stop-file", "auto", "--material",
                                         "Li6PS5Cl"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                until(lambda: f"{FRAMES}" in ionwatch("ls").stdout.partition("lgps-600K")[2], 60, "FOLDER is streamed")
                done = set()
                ran = {str(page.relative_to(SOURCE)): run_page(page, folder, done) for page in
                       (SOURCE / "README.md", DOCS / "database.md", DOCS / "operations.md", DOCS / "campaign" / "README.md")}
                assert ran["README.md"] >= 16 and sum(ran.values()) >= 24, ran
                # `ionwatch stop lgps-600K` was among them.
                until((folder / "FOLDER" / "STOPCAR").exists, 60, "the follower asks for the end")
            finally:
                follower.send_signal(signal.SIGINT)
                follower.wait(30)


def a_server_for_a_group_is_set_up_as_told():
    lines = (DOCS / "database.md").read_text().partition("CREATE ROLE ions_owner")[2].partition("\n\n")[0]
    script = re.sub(r"(?m)^    ", "", "    CREATE ROLE ions_owner" + lines)
    assert "PASSWORD" in script and "\\c ions" in script
    place = pathlib.Path(f"/tmp/iw-docs-postgres-{os.getpid()}")
    server = ["bash", str(SOURCE / "tests" / "postgres.sh")]
    started = subprocess.run([*server, "start", str(place), str(os.getpid())], capture_output=True, text=True)
    assert started.returncode == 0, started.stderr

    def sql(user, database, *more, text=None):
        return subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-h", place, "-U", user, "-d", database, *more], input=text,
                              capture_output=True, text=True, timeout=60)

    try:
        with workfolder() as folder, a_user(folder):
            made = sql("ionwatch", "postgres", text=script + "\nCREATE ROLE stranger LOGIN;")
            assert made.returncode == 0, made.stderr
            as_daemon, as_anna, as_stranger = (f"postgresql://{who}@/ions?host={place}" for who in ("daemon1", "anna", "stranger"))
            shutil.copy(DOCS / "campaign" / "campaign.db", folder)
            runs = ["alpha-AgI-500K", "alpha-AgI-600K"]
            for run in runs:
                ionwatch("db", "ingest", folder / "campaign.db", "--run", run, "--db", as_daemon)
            assert all(run in ionwatch("db", "ls", "--db", as_anna).stdout for run in runs)
            assert "D_cm2_s" in ionwatch("db", "query", "SELECT * FROM descriptors_wide", "--csv", "--db", as_anna).stdout
            refused = ionwatch("db", "rm", runs[0], "--db", as_anna, ok=False)
            assert refused.returncode == 1 and "permission denied" in refused.stderr, refused.stderr
            assert "permission denied for database" in ionwatch("db", "ls", "--db", as_stranger, ok=False).stderr
            owners = sql("daemon1", "ions", "-At", "-c", "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
            assert owners.stdout.split() == ["ions_owner"], owners
    finally:
        subprocess.run([*server, "remove", str(place)], check=False)


if __name__ == "__main__":
    require_built(CLI, DAEMON)
    for needed in ("sqlite3", "psql"):
        if not shutil.which(needed):
            skip(f"{needed} is not installed")
    if subprocess.run(["/usr/bin/python3", "-c", "import matplotlib, pandas, scipy, sklearn"], capture_output=True).returncode:
        skip("Debian's Matplotlib, pandas, SciPy or scikit-learn is not installed")
    main([commands_of_the_pages_run, a_server_for_a_group_is_set_up_as_told])
