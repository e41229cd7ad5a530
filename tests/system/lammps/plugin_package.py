# SPDX-License-Identifier: GPL-3.0-or-later
"""The door for a LAMMPS with the PLUGIN package: compiled against its header, called as it calls."""

import ctypes
import os
import pathlib
import subprocess

import lmprun
from lmprun import main, workfolder

SOURCE = pathlib.Path(os.environ["IONWATCH_SOURCE"])


class Plugin(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("version", "style", "name", "info", "author")] + [
        ("creator", ctypes.c_void_p), ("handle", ctypes.c_void_p)]


def compile_module(folder):
    lammps = SOURCE / "adapters" / "lammps"
    mpi = subprocess.run(["mpicxx", "--showme:compile"], capture_output=True, text=True, check=True)
    headers = next(p for p in map(pathlib.Path, ("/usr/include/lammps", "/usr/local/include/lammps"))
                   if p.exists())
    client = next(path for pattern in ("libionwatch.so", "libionwatch.a")
                  for path in lmprun.BUILD.glob(f"**/{pattern}"))
    module = folder / "door.so"
    subprocess.run(
        ["g++", "-std=c++17", "-shared", "-fPIC", "-DLAMMPS_SMALLBIG", "-DIONWATCH_LAMMPS_VERSION=0",
         "-DOMPI_SKIP_MPICXX", f"-I{SOURCE}", f"-I{SOURCE}/include", f"-I{lammps}",
         f"-I{lmprun.HERE}/plugin_package", f"-I{headers}", *mpi.stdout.split(),
         str(lammps / "register.cpp"), str(lammps / "fix_ionwatch.cpp"), str(lammps / "units.c"),
         "-o", str(module), "-llammps", str(client), f"-Wl,-rpath,{client.parent}"],
        check=True)
    return module


def plugin_load_learns_the_style():
    with workfolder() as folder:
        module = compile_module(folder)
        library = ctypes.CDLL("liblammps.so.0", mode=ctypes.RTLD_GLOBAL)
        library.lammps_open_no_mpi.restype = ctypes.c_void_p
        words = (ctypes.c_char_p * 5)(b"lmp", b"-log", b"none", b"-screen", b"none")
        lmp = library.lammps_open_no_mpi(5, words, None)
        seen = []

        @ctypes.CFUNCTYPE(None, ctypes.POINTER(Plugin), ctypes.c_void_p)
        def register(plugin, owner):
            told = plugin.contents
            seen.append((told.style, told.name, bool(told.creator), told.version, owner, told.handle))

        door = ctypes.CDLL(str(module)).lammpsplugin_init
        door.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        door(lmp, 42, ctypes.cast(register, ctypes.c_void_p))
        assert len(seen) == 1, seen
        style, name, creator, version, owner, handle = seen[0]
        assert (style, name, creator, owner, handle) == (b"fix", b"ionwatch", True, lmp, 42), seen
        assert version, seen


def another_release_is_refused_with_both_versions():
    with workfolder() as folder:
        module = compile_module(folder)
        text = lmprun.INCLUDE.read_text().replace(
            str(lmprun.BUILD / "lammps" / "ionwatchplugin.so"), str(module))
        done = lmprun.lmp(text, folder)
        assert done.returncode != 0, done.stdout
        assert "was built for LAMMPS 0 and this is LAMMPS" in done.stdout, done.stdout


lmprun.require(lmprun.INCLUDE)
main([plugin_load_learns_the_style, another_release_is_refused_with_both_versions])
