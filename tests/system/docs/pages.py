# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages as programs see them: headings, links, commands."""
import os
import pathlib
import re
import shlex

SOURCE = pathlib.Path(os.environ.get("IONWATCH_SOURCE", pathlib.Path(__file__).resolve().parents[3])).resolve()
PAGES = sorted(path for folder in (".", "docs", "adapters", "tests/data") for path in
               (SOURCE / folder).glob("**/*.md" if folder != "." else "*.md"))


def anchors(page):
    """The names of headings, as the usual renderers make them."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text())
    names = []
    for heading in re.findall(r"(?m)^#+ +(.+?) *$", text):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        names.append(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
    return names


def headings(page):
    return {re.sub(r"[`*]", "", h) for h in re.findall(r"(?m)^#+ +(.+?) *$", page.read_text())}


def code_lines(page):
    """Lines of code blocks that may be shell, with their numbers; continued ones joined."""
    fence, before = None, ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            fence = line[3:] if fence is None else None
        elif fence in ("", "sh") or fence is None and line.startswith("    "):
            line = before + line.strip()
            before = line[:-1] if line.endswith("\\") else ""
            if not before:
                yield number, line


def spans(page):
    """What stands between backquotes in the text."""
    fenced = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("    "):
            for span in re.findall(r"`([^`]+)`", line):
                yield number, span


def words_of(line):
    """A line of shell as lists of words, one for each command in it."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands, words = [], []
    try:
        for word in lexer:
            if word and set(word) <= set("();<>|&"):
                if word not in ("<", ">", ">>"):
                    commands.append(words)
                    words = []
            else:
                words.append(word)
    except ValueError:  # a quote that is not closed: not shell
        return []
    return [*commands, words]


def calls(line):
    """The calls of our programs in a line of shell: (program, words after it)."""
    for words in words_of(line):
        while words and ("=" in words[0] or words[0] in ("$", "exec", "time") or words[0] == "ssh"):
            words = words[2:] if words[0] == "ssh" else words[1:]
        if words and re.fullmatch(r"(?:build/|\S*/bin/)?(ionwatchd?)", words[0]):
            yield words[0].rpartition("/")[2], words[1:]
