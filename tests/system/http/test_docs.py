# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/http.md and docs/openapi.json: every example works, every route is there, none is invented."""

import json
import os
import pathlib
import re
import shutil
import subprocess

from page import OURS, header, page, quoted, running
from programs import main, skip

DOCS = pathlib.Path(os.environ.get("IONWATCH_SOURCE", pathlib.Path(__file__).resolve().parents[3])) / "docs"
PAGE = (DOCS / "http.md").read_text()
OPENAPI = json.loads((DOCS / "openapi.json").read_text())


def routes_of_openapi():
    return {(method.upper(), path) for path, item in OPENAPI["paths"].items() for method in item}


def test_each_route_is_in_the_table_of_the_page_and_none_is_more():
    told = set()
    for line in PAGE.splitlines():
        cell = line.split("|")[1] if line.startswith("| `") else ""
        methods = re.findall(r"\b(GET|POST|DELETE)\b", cell)
        for path in re.findall(r"(/[^` ?]*)", cell):
            told |= {(method, path) for method in methods}
    assert told == routes_of_openapi(), told ^ routes_of_openapi()


def test_the_examples_work_and_name_every_route():
    if not shutil.which("curl"):
        skip("curl is not installed")
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.S)
    with page() as p, running(p, "lgps-600K") as run:
        environment = dict(os.environ, PAGE=f"http://127.0.0.1:{p.port}", RUN=quoted(run.name),
                           OPERATOR=p.token("operator"))
        for block in blocks:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=p.folder, env=environment,
                                  capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, (block, done.stdout[-500:], done.stderr)
        assert p.json_of("ls")[0]["stop_reason"]
        assert (p.folder / "msd.csv").read_text().startswith("lag_ps,msd_A2,stderr_A2\n")
        assert json.loads((p.folder / "record.json").read_text())["run"]["name"] == run.name
    text = "\n".join(blocks)
    for _, path in routes_of_openapi():
        pattern = re.escape("$PAGE" + path).replace(r"\{run\}", r"\$RUN").replace(r"\{name\}", r"[\w.]+")
        assert re.search(pattern + r'(\?|"|\s|$)', text), path


def test_served_statuses_are_those_of_the_document():
    with page() as p, running(p, "one"):
        assert p.ask("/api/v1/openapi.json").json == OPENAPI
        values = {"run": "one", "name": "index.html"}
        for path, item in OPENAPI["paths"].items():
            for method, about in item.items():
                if path.endswith("/stream"):
                    continue
                headers = dict(OURS, **header(p.token("operator")))
                query = "&".join(f"{q['name']}={(q['schema'].get('enum') or ['one'])[0]}"
                                 for q in about.get("parameters", ())
                                 if q["in"] == "query" and q.get("required"))
                where = path.format(**values) + ("?" + query if query else "")
                body = '{"token": "x"}' if method == "post" and path.endswith("session") else None
                answer = p.ask(where, method.upper(), body=body, headers=headers)
                assert str(answer.status) in about["responses"], (method, where, answer.status, answer.body[:200])
                if answer.status == 200:
                    wanted = next(iter(about["responses"]["200"]["content"]))
                    served = answer.headers["Content-Type"]
                    assert wanted == "*/*" or served.startswith(wanted), (path, served)
        codes = set(OPENAPI["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["enum"])
        table = re.search(r"## Errors.*?## Events", PAGE, re.S).group(0)
        assert codes == set(re.findall(r"`([a-z_]+)`", table.split("|---|---|---|")[1])) - {"http_names"}


if __name__ == "__main__":
    os.environ.pop("IONWATCH_ENDPOINT", None)
    main([case for name, case in list(globals().items()) if name.startswith("test_")])
