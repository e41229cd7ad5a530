#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the dumps of this folder with LAMMPS: make.sh [LMP]
set -e
lmp=${1:-lmp}
run() { "$lmp" -log none -screen none -in in.units -v style "$1" -v A "$2" -v fs "$3" -v eV "$4" -v amu "$5"; }
run metal    1              1000               1                     1
run real     1              1                  0.04336410390059322   1
run si       1e10           1e15               6.241509074460763e18  6.022140762081123e26
run electron 0.529177210903 1                  27.211386245988       1
run lj       1              10.180505710759414 1                     1
