#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""choose.py CONTROL FOLDER MOST: a small corpus from libFuzzer's merge control file.

Chooses by greed: the input that reaches most edges not reached yet, the shorter one of equals, until
all edges are reached or there are MOST inputs.  They are added to FOLDER, where files with names of
their own stay, and files that an earlier choice put there and this one does not want go.
"""
import hashlib
import os
import sys

LONGEST = 4096  # bytes


def read_control(path):
    """[(file, set of edges)] of a merge control file: names first, then FT and COV lines."""
    lines = open(path).read().splitlines()
    n = int(lines[0])
    files = lines[2 : 2 + n]
    edges = {}
    for line in lines[2 + n :]:
        words = line.split()
        if words and words[0] == "COV":
            edges[int(words[1])] = set(words[2:])
    return [(name, edges.get(i, set())) for i, name in enumerate(files) if os.path.isfile(name)]


def choose(inputs, most):
    sizes = {name: os.path.getsize(name) for name, _ in inputs}
    left = [(name, edges) for name, edges in inputs if sizes[name] <= LONGEST]
    chosen, reached = [], set()
    while left and len(chosen) < most:
        best = max(left, key=lambda item: (len(item[1] - reached), -sizes[item[0]]))
        if not best[1] - reached:
            break
        chosen.append(best[0])
        reached |= best[1]
        left.remove(best)
    return chosen, len(reached)


def main(control, folder, most):
    chosen, n_edges = choose(read_control(control), most)
    contents = {}
    for name in chosen:
        data = open(name, "rb").read()
        contents[hashlib.sha1(data).hexdigest()[:12]] = data
    for name in os.listdir(folder):
        if len(name) == 12 and all(c in "0123456789abcdef" for c in name) and name not in contents:
            os.remove(os.path.join(folder, name))
    kept = {open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder)}
    for name, data in contents.items():
        if data not in kept:
            with open(os.path.join(folder, name), "wb") as out:
                out.write(data)
    print(f"{os.path.basename(folder)}: {len(os.listdir(folder))} files reach {n_edges} edges")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
