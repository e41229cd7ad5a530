# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what, and what comes of bytes that nobody should send."""

import os
import re
import socket
import stat
import time

from page import LOCAL, OURS, Page, header, page, port_of, quoted, running
from programs import daemon, main, until, workfolder

POLICY = ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'")


def test_slow_requests_give_their_places_back_and_many_pages_are_served():
    with page("--http-connections", 24) as p:
        slow = [socket.create_connection((LOCAL, p.port)) for _ in range(24)]
        begun = time.monotonic()
        for i, s in enumerate(slow):
            s.sendall(b"GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\n" if i % 2 else b"POST ")
        # All places are taken; whoever comes gets one once they are given back.
        answer = p.connect(timeout=60)
        answer.request("GET", "/healthz")
        assert answer.getresponse().status == 200
        assert time.monotonic() - begun < 45
        for s in slow:
            s.close()
    with page() as p:
        many = [p.connect() for _ in range(200)]
        for one in many:
            one.request("GET", "/api/v1/status")
        for one in many:
            response = one.getresponse()
            assert response.status == 200 and response.read()
        for one in many[:50]:  # the same connections again
            one.request("GET", "/")
            response = one.getresponse()
            assert response.status == 200 and response.read()
        for one in many:
            one.close()


def test_every_answer_carries_the_policy():
    with page() as p:
        for path in ("/", "/assets/dygraph.min.js", "/api/v1/runs", "/api/v1/runs/nobody", "/nothing"):
            headers = p.ask(path).headers
            for rule in POLICY:
                assert rule in headers["Content-Security-Policy"], path
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert "Access-Control-Allow-Origin" not in headers
        page_text = p.ask("/").body.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|javascript:|https?://", page_text)


def test_paths_lead_nowhere_else():
    with page() as p:
        for path in ("/assets/../../etc/passwd", "/assets/..%2f..%2fetc%2fpasswd", "/assets/%2e%2e/x",
                     "/assets/", "/assets", "//", "/assets/index.html/x", "/api/v1/runs/", "/api/v2/runs",
                     "/api/v1/runs/" + quoted("../../../etc/passwd"), "/assets/" + "a" * 300, "/a/b/c/d/e/f/g"):
            answer = p.ask(path)
            assert answer.status in (400, 404), (path, answer.status)
            assert answer.headers["Content-Type"] == "application/json" and answer.json["error"]["text"]
        for path in ("/api/v1/runs/%00", "/api/v1/runs/%zz", "/api/v1/runs/%e9", "/api/v1/runs/%",
                     "/api/v1/runs?all=2", "/api/v1/runs?all=1&all=1", "/api/v1/runs?token=x",
                     "/api/v1/runs/x?series=2", "/api/v1/runs/" + "a" * 500):
            answer = p.ask(path)
            assert answer.status == 400 and answer.error == "invalid", (path, answer.status)
        for method, path, allow in (("POST", "/", "GET, HEAD"), ("PUT", "/api/v1/runs", "GET, HEAD"),
                                    ("DELETE", "/api/v1/runs/x", "GET, HEAD"),
                                    ("GET", "/api/v1/runs/x/stop", "POST"),
                                    ("PATCH", "/api/v1/session", "GET, HEAD, POST, DELETE"),
                                    ("OPTIONS", "/api/v1/runs/x/stop", "POST")):
            answer = p.ask(path, method, headers=OURS)
            assert answer.status == 405 and answer.headers["Allow"] == allow, (method, path, answer.headers)
        said = p.raw(b"\xff\xfe / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert " 405 " in said.splitlines()[0] and "this path takes GET, HEAD" in said, said


def test_only_our_names_are_answered():
    with page("--http-names", "ions.example.org,other") as p:
        for host in ("localhost", "LOCALHOST:9", "127.0.0.1", f"127.0.0.1:{p.port}", "[::1]:80", "10.1.2.3"):
            assert p.ask("/", headers={"Host": host}).status == 200, host
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:x",
                     "[::1", "evil@localhost", "", "a" * 400):
            answer = p.ask("/", headers={"Host": host})
            assert answer.status == 403 and answer.error == "host", host
        said = p.raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert " 400 " in said.splitlines()[0], said
        said = p.raw("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert said.splitlines()[0].split()[1] in ("400", "403"), said
        # By a name, or through a proxy, it is not this machine that looks.
        assert p.ask("/api/v1/runs", headers={"Host": "ions.example.org"}).status == 401
        assert p.ask("/api/v1/runs", headers={"X-Forwarded-For": "127.0.0.1"}).status == 401
        token = header(p.token("reader"))
        assert p.ask("/api/v1/runs", headers=dict(token, Host="ions.example.org")).status == 200


def test_pages_of_other_origins_change_nothing():
    with page() as p, running(p, "one"):
        operator = p.token("operator")
        opened = p.ask("/api/v1/session", "POST", body=f'{{"token":"{operator}"}}',
                       headers=dict(OURS, Origin=f"http://127.0.0.1:{p.port}"))
        assert opened.status == 200 and opened.json == {"role": "operator"}
        cookie = opened.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and operator not in cookie
        with_cookie = {"Cookie": "a=b; " + cookie.split(";")[0] + "; c=d"}
        assert p.ask("/api/v1/session", headers=with_cookie).json == {"role": "operator"}
        for headers in ({}, {"Origin": "http://evil.example", **OURS}, {"Origin": "null", **OURS},
                        {"Origin": f"http://127.0.0.1:{p.port}"}):
            answer = p.ask("/api/v1/runs/one/stop", "POST", headers=dict(with_cookie, **headers))
            assert answer.status == 403 and answer.error == "origin", headers
        assert p.json_of("ls")[0]["stop_reason"] is None
        closed = p.ask("/api/v1/session", "DELETE", headers=dict(with_cookie, **OURS))
        assert closed.json == {"role": "none"} and "Max-Age=0" in closed.headers["Set-Cookie"]
        assert p.ask("/api/v1/session", headers=with_cookie).json == {"role": "reader"}
        assert p.ask("/api/v1/runs/one/stop", "POST", headers=dict(with_cookie, **OURS)).status == 403


def test_a_session_outlives_the_daemon_but_not_its_token():
    with workfolder() as folder:
        with page(folder=folder) as p:
            port, operator = p.port, p.token("operator")
            opened = p.ask("/api/v1/session", "POST", body=f'{{"token":"{operator}"}}', headers=OURS)
            cookie = {"Cookie": opened.headers["Set-Cookie"].split(";")[0]}
            p.process.kill()
            p.process.wait()
        with page(folder=folder, http=f"{LOCAL}:{port}") as p:
            answer = p.ask("/api/v1/session", headers=cookie)
            assert answer.json == {"role": "operator"} and "Set-Cookie" not in answer.headers
            tokens = folder / "data" / "http_tokens"
            tokens.write_text(tokens.read_text().replace(operator, "b" * 64))
        with page(folder=folder, http=f"{LOCAL}:{port}") as p:
            assert p.ask("/api/v1/session", headers=cookie).json == {"role": "reader"}


def test_without_a_token_nothing_is_told_where_one_is_asked_for():
    with page("--http-read", "token") as p, running_quietly(p) as run:
        for path in ("/api/v1/runs", "/api/v1/status", "/api/v1/runs/one", "/api/v1/stream", "/metrics",
                     "/api/v1/runs/one/series.csv?kind=msd", "/api/v1/arrhenius?run=one"):
            answer = p.ask(path)
            assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer"), path
            assert "one" not in answer.json["error"]["text"].split(), path
        for path in ("/", "/assets/dygraph.min.js", "/healthz", "/api/v1/explain", "/api/v1/openapi.json"):
            assert p.ask(path).status == 200, path
        assert p.ask("/api/v1/session").json == {"role": "none"}
        reader, operator = header(p.token("reader")), header(p.token("operator"))
        assert p.ask("/api/v1/runs", headers=reader).json["runs"][0]["name"] == run
        assert p.ask("/api/v1/runs/one/stop", "POST", headers=dict(reader, **OURS)).error == "forbidden"
        assert p.ask("/api/v1/runs/one", headers=operator).status == 200
        begun = time.monotonic()
        for headers in ({"Authorization": "Bearer " + "0" * 64}, {"Authorization": "Bearer "}):
            assert p.ask("/api/v1/runs", headers=headers).status == 401
        assert p.ask("/api/v1/session", "POST", body='{"token":"guess"}', headers=OURS).status == 401
        assert time.monotonic() - begun >= 3, "a wrong token is answered at once"
        for body in ("", "{", "[]", '{"token":1}', '{"token":"a\\u0000b"}'):
            assert p.ask("/api/v1/session", "POST", body=body, headers=OURS).status in (400, 401), body
        assert p.ask("/api/v1/runs", headers={"Cookie": "ionwatch_1=x; ionwatch_" + str(p.port) + "=" + "0" * 64}).status == 401
        file = p.folder / "data" / "http_tokens"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        for role in ("reader", "operator"):
            assert p.token(role) not in p.log()
        assert str(file) in p.log()


def running_quietly(p):
    import contextlib

    from page import Run

    @contextlib.contextmanager
    def body():
        run = Run(p, "one")
        try:
            until(lambda: p.json_of("ls") and p.json_of("ls")[0]["frames"] > 0, 20, "the run is there")
            yield "one"
        finally:
            run.process.kill()
            run.process.wait()
    return body()


def test_too_much_is_refused():
    with page() as p:
        answer = p.ask("/api/v1/session", "POST", body="x" * 5000, headers=OURS)
        assert answer.status == 413 and answer.error == "too_large"
        chunks = "".join(f"{1000:x}\r\n{'y' * 1000}\r\n" for _ in range(8)) + "0\r\n\r\n"
        said = p.raw("POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nX-Ionwatch: 1\r\n"
                     "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)
        assert " 413 " in said.splitlines()[0], said
        said = p.raw("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "z" * 200000 + "\r\n\r\n")
        assert said == "" or said.splitlines()[0].split()[1] in ("413", "431"), said
        said = p.raw("GET /" + "u" * 200000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert said == "" or said.splitlines()[0].split()[1] in ("413", "414", "431"), said
        for rubbish in (b"\xff\xfe\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"):
            p.raw(rubbish)
        assert p.ask("/healthz").status == 200


def test_a_page_whose_address_is_held_comes_when_it_is_free():
    with workfolder() as folder:
        endpoint = f"ipc://{folder}/iw.sock"
        with socket.create_server((LOCAL, 0)) as holder:
            port = holder.getsockname()[1]
            options = ("--http", f"{LOCAL}:{port}")
            with daemon(folder, endpoint, options=options) as process:
                p = Page(folder, endpoint, process)
                assert p.port is None and p.json_of("ls") == []
                said = p.run_program("status").stdout
                assert f"{LOCAL}:{port}: somebody listens there" in said and "again" in said, said
                time.sleep(4)  # at least one attempt more, of which nothing is said
                holder.close()
                p.port = until(lambda: port_of(folder), 20, "the page")
                assert p.port == port
                assert p.json_of("status")["http"] == f"http://{LOCAL}:{port}/"
                assert p.json_of("status")["http_trouble"] == ""
                assert p.ask("/api/v1/runs").json == {"runs": []}
                assert p.log().count("http.unavailable") == 1, p.log()


def test_tokens_that_others_may_read_are_not_used_until_they_are_mended():
    with workfolder() as folder:
        (folder / "data").mkdir(mode=0o700)
        tokens = folder / "data" / "http_tokens"
        tokens.write_text("reader " + "a" * 20 + "\n")
        tokens.chmod(0o644)
        with page(folder=folder) as p:
            assert p.port is None and "chmod 600" in p.log()
            tokens.chmod(0o600)
            p.port = until(lambda: port_of(folder), 20, "the page")
            assert p.ask("/api/v1/session", headers=header("a" * 20)).json == {"role": "reader"}
            assert p.ask("/api/v1/session", headers=header("")).status == 401


def test_a_socket_file_serves_too():
    with workfolder() as folder:
        path = folder / "page.sock"
        with daemon(folder, f"ipc://{folder}/iw.sock", options=("--http", f"unix:{path}")) as process:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(path))
                s.sendall(b"GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                said = b""
                while part := s.recv(4096):
                    said += part
            assert said.startswith(b"HTTP/1.1 200") and said.endswith(b'{"runs":[]}'), said
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
            process.terminate()
            assert process.wait(20) == 0
        assert not path.exists()


if __name__ == "__main__":
    os.environ.pop("IONWATCH_ENDPOINT", None)
    main([case for name, case in list(globals().items()) if name.startswith("test_")])
