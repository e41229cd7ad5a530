#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page is found from the index; links, sections, files, tests, commands and options that pages name are there."""
import fnmatch
import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1])]

from pages import PAGES, SOURCE, anchors, calls, code_lines, headings, spans  # noqa: E402
from programs import BUILD, CLI, DAEMON, ionwatch, main, require_built, skip, workfolder  # noqa: E402

DOCS = SOURCE / "docs"


def links(page):
    return re.findall(r"\]\(([^)\s]+)\)", page.read_text())


def nothing(found):
    assert not found, "\n" + "\n".join(found)


def links_lead_somewhere():
    wrong, seen = [], 0
    for page in PAGES:
        for link in links(page):
            if "://" in link:
                continue
            seen += 1
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                wrong.append(f"{page.relative_to(SOURCE)}: ({link})")
    assert seen > 100, seen
    nothing(wrong)


def sections_that_are_named_are_there():
    wrong, seen = [], 0
    for page in PAGES:
        text = re.sub(r"\s+", " ", page.read_text())
        for name, section in re.findall(r'([\w./]+\.md)[`)]*,? "([^"]+)"', text):
            places = [place / name for place in (page.parent, SOURCE, DOCS)]
            target = next((place for place in places if place.exists()), None)
            seen += 1
            if not target or section not in headings(target):
                wrong.append(f'{page.relative_to(SOURCE)}: {name}, "{section}"')
    assert seen > 50, seen
    nothing(wrong)


def every_page_is_in_the_index():
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "README.md") if "://" not in link}
    wanted = [page for page in PAGES if page.parent == DOCS or page.name == "README.md" and page.is_relative_to(SOURCE / "adapters")]
    assert len(wanted) > 20, wanted
    nothing([str(page) for page in wanted if page.resolve() not in listed and page != DOCS / "README.md"])


def files_and_programs_that_are_named_are_there():
    wrong, seen = [], 0
    tops = {"adapters", "daemon", "docs", "include", "plugin", "tests"}
    for page in PAGES:
        named = [*spans(page), *code_lines(page)]
        for number, text in named:
            for word in re.findall(r"(?<![\w./$~-])[\w.-]+(?:/[\w.*-]+)+/?", text):
                top, rest = word.split("/", 1)
                if top == "build" and rest.startswith("tests/"):
                    seen += 1
                    if not (BUILD / rest).exists():
                        wrong.append(f"{page.relative_to(SOURCE)}:{number}: {word}")
                elif top in tops and not re.search(r"[A-Z]{4}", rest.replace("README", "").replace("LICENSE", "")):
                    seen += 1
                    if not list(SOURCE.glob(word.rstrip("/"))):
                        wrong.append(f"{page.relative_to(SOURCE)}:{number}: {word}")
    assert seen > 100, seen
    nothing(wrong)


def tests_that_are_named_are_run():
    shown = subprocess.run(["ctest", "--show-only=json-v1", "--test-dir", str(BUILD)], capture_output=True, text=True, check=True)
    names = {test["name"] for test in json.loads(shown.stdout)["tests"]}
    wrong, seen = [], 0
    for page in PAGES:
        for number, span in spans(page):
            if re.fullmatch(r"(unit|system|physics|fuzz|lint|package)\.[a-z][\w.*]*", span):
                seen += 1
                if not fnmatch.filter(names, span) and not fnmatch.filter(names, span + ".*"):
                    wrong.append(f"{page.relative_to(SOURCE)}:{number}: {span}")
    assert seen > 50, seen
    nothing(wrong)


def ids_of_the_log_are_those_that_are_written():
    page = (DOCS / "operations.md").read_text()
    told = set(re.findall(r"\b[a-z]+\.[a-z_]+\b", re.sub(r"`[^`]*`", "", re.search(r"\n## Log\n(.*?)\n## ", page, re.S)[1])))
    sources = [path.read_text() for path in (SOURCE / "daemon").glob("**/*.c")]
    written = {name for text in sources for name in re.findall(r'\biw_log\(\s*"([a-z.]+_?[a-z_]*)"', text)}
    strings = {name for text in sources for name in re.findall(r'"([a-z]+\.[a-z_]+)"', text)}
    assert len(written) > 50, written
    nothing(sorted(f"not in docs/operations.md: {name}" for name in written - told)
            + sorted(f"not in the program: {name}" for name in told - strings))


def the_campaign_has_the_size_that_pages_say():
    with workfolder() as folder:
        shutil.copy(DOCS / "campaign" / "campaign.db", folder)
        row = json.loads(ionwatch("db", "query", "SELECT count(DISTINCT material) AS materials, count(*) AS runs FROM runs", "--json",
                                  "--db", folder / "campaign.db").stdout)[0]
    told = [found for page in (SOURCE / "README.md", SOURCE / "CHANGELOG.md", DOCS / "README.md", DOCS / "campaign" / "README.md")
            for found in re.findall(r"(\d+) materials(?:,| in| with classical potentials,) (\d+) runs", page.read_text())]
    assert len(told) == 4 and set(told) == {(str(row["materials"]), str(row["runs"]))}, (told, row)


@functools.cache
def options_of(words):
    """Those of a command of `ionwatch`; None where there is no such command."""
    done = ionwatch(*words, "--help", ok=False)
    if done.returncode:
        return None
    return set(re.findall(r"(?m)^  (?:-(\w), )? *--([\w-]+)", done.stdout)) | {("h", "help")}


@functools.cache
def options_of_daemon():
    text = subprocess.run([str(DAEMON), "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(?m)^  (?:-(\w), )?(?:-(c)\b)? *(?:--([\w-]+))?", text))


def wrong_with(program, words):
    """What a call has that the program has not; "" if nothing."""
    if program == "ionwatchd":
        known = {"-c", "-h", "-V"} | {f"--{name}" for _, _, name in options_of_daemon() if name}
    else:
        if not words or words[0] in ("--version", "--help", "..."):
            return ""
        if words[0] == "db" and len(words) == 1:
            return ""
        command = tuple(words[:2]) if words[0] == "db" else tuple(words[:1])
        if command[-1].isupper() or "..." in command:  # `ionwatch COMMAND --help`
            return ""
        pairs = options_of(command)
        if pairs is None:
            return f"there is no command {' '.join(command)}"
        known = {f"--{name}" for _, name in pairs} | {f"-{letter}" for letter, _ in pairs if letter}
    used = [word.split("=")[0] for word in words if re.match(r"--?[A-Za-z0-9]", word)]
    return " ".join(word for word in used if word not in known)


def commands_and_options_are_those_of_the_programs():
    wrong, seen = [], 0
    manuals = []
    for name in ("ionwatch.1", "ionwatchd.8"):
        lines = (DOCS / name).read_text().splitlines()
        manuals += [(name, n, line[4:].replace("\\-", "-").replace("\\e", "\\"))
                    for n, line in enumerate(lines, 1) if line.startswith(".Dl ")]
    told = [(page.relative_to(SOURCE), *one) for page in PAGES for one in (*code_lines(page), *spans(page))]
    for page, number, line in [*told, *manuals]:
        for program, words in calls(line):
            seen += 1
            fault = wrong_with(program, words)
            if fault:
                wrong.append(f"{page}:{number}: {program} {' '.join(words)}: {fault}")
    assert seen > 150, seen
    nothing(wrong)


if __name__ == "__main__":
    require_built(CLI, DAEMON)
    if not (BUILD / "tests").exists():
        skip("the tests are not built")
    main([links_lead_somewhere, sections_that_are_named_are_there, every_page_is_in_the_index,
          files_and_programs_that_are_named_are_there, tests_that_are_named_are_run,
          ids_of_the_log_are_those_that_are_written, the_campaign_has_the_size_that_pages_say, commands_and_options_are_those_of_the_programs])
