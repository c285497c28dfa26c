#!/usr/bin/env python3
"""Nothing lost: compares what clients, Martlet and its backends say about the same requests, and what is left after.

    ledger.py open  --console 8081 --mock 9000 --mock 9001 --pid 4711 > before.json
    martlet load … --json > load.json
    ledger.py close before.json load.json

`close` waits up to five seconds for quiet, prints every line of the books and exits with 1 when one does not balance.
The measures use `opening`, `closing` and `Books` directly.
"""

import argparse
import fnmatch
import http.client
import json
import pathlib
import re
import sys
import time

# Martlet's own pages, which the looking itself asks for.
OWN = {"/metrics", "/status", "/targets", "/healthz", "/readyz"}
SHED = {"queue_full", "queue_timeout", "no_capacity", "overloaded", "pool_removed"}
QUIET_SECONDS = 5


def get(port, path):
    """The body of a whole answer with status 200; OSError when there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read().decode()
        if answer.status != 200:
            raise OSError(f"{path} at port {port}: status {answer.status}")
        return body
    except http.client.HTTPException as error:
        raise OSError(f"{path} at port {port}: no HTTP answer") from error
    finally:
        connection.close()


# --- What Martlet says ----------------------------------------------------------------------------------------------

LINE = re.compile(r'^([a-z_:]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def metrics(text):
    """{name: [(labels, value)]}"""
    found = {}
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            name, labels, value = match.groups()
            found.setdefault(name, []).append((dict(LABEL.findall(labels or "")), float(value)))
    return found


def by(rows, label):
    """Sums of the values for each value of `label`."""
    sums = {}
    for labels, value in rows:
        key = labels.get(label, "")
        sums[key] = sums.get(key, 0) + value
    return sums


def total(rows):
    return sum(value for _, value in rows)


def is_whole(labels):
    """The client got all of an answer, be it an error of ours: one that broke off had begun with the target's status."""
    outcome = labels.get("outcome")
    return outcome == "completed" or (outcome != "client_gone" and labels.get("status", "") >= "400")


def server_books(console):
    page = metrics(get(console, "/metrics"))

    def rows(name):
        return page.get(name, [])

    ended = [row for row in rows("martlet_requests_total") if row[0].get("route") not in OWN]
    listed = [target for pool in json.loads(get(console, "/status"))["pools"] for target in pool["targets"]]
    return {
        "picks": by([({"target": target["url"]}, target["picks"]) for target in listed], "target"),
        "ended_at": by([row for row in ended if row[0].get("target")], "target"),
        "outcomes": by(ended, "outcome"), "statuses": by([row for row in ended if is_whole(row[0])], "status"),
        "routes": by(ended, "route"),
        "broken": {"": total([
            row for row in ended if not is_whole(row[0]) and row[0].get("outcome") != "client_gone"])},
        "errors": by(rows("martlet_errors_total"), "code"),
        "attempts": by(rows("martlet_upstream_attempts_total"), "target"),
        "failures": by(rows("martlet_failures_total"), "target"),
        "cancelled": total(rows("martlet_cancelled_total")),
        "in_flight": by(rows("martlet_in_flight"), "target"),
        "queued": total(rows("martlet_queue_length")),
        "buffered": total(rows("martlet_buffered_bytes")),
        "impossible": total(rows("martlet_impossible_events_total")),
        "idle": by(rows("martlet_connections"), "kind").get("upstream_idle", 0),
        "clients": by(rows("martlet_connections"), "kind").get("client", 0),
    }


# --- What the kernel says -------------------------------------------------------------------------------------------

def tree(pid):
    """The process and its descendants."""
    pids = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            pids += tree(int(child))
    return pids


def lives(pid):
    """A dead process may stay in the table where nobody collects it: that one does not live."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def serving(pid):
    """Of a process and its descendants that run the same program, the one that serves: it has the most threads."""
    def program(one):
        try:
            return pathlib.Path(f"/proc/{one}/exe").resolve()
        except OSError:
            return None
    own = program(pid)
    same = [one for one in tree(pid) if one == pid or program(one) == own]
    return max(same, key=lambda one: len(list(pathlib.Path(f"/proc/{one}/task").glob("*"))))


def files(pid):
    """{descriptor: what it is}"""
    found = {}
    for path in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found[path.name] = str(path.readlink())
        except OSError:
            continue
    return found


def close_wait(pid):
    """Sockets of the process whose peer has closed and which it has not."""
    own = {name[8:-1] for name in files(pid).values() if name.startswith("socket:[")}
    count = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "08" and fields[9] in own:
                count += 1
    return count


# --- The books ------------------------------------------------------------------------------------------------------

def opening(console, mocks, pid=None):
    """The state before: counters of the server and of its backends, descriptors of the serving process.

    `files` are those at rest: idle connections to backends are kept on purpose, and are known by number.
    """
    books = {
        "console": console, "mocks": {str(port): json.loads(get(port, "/stats")) for port in mocks}, "pid": pid}
    if not pid:
        return books | {"server": server_books(console)}
    worker, last = serving(pid), None
    for _ in range(5):
        server = server_books(console)
        # The connection that asked is closed by now, as a rule; two looks that agree make sure of it.
        time.sleep(0.1)
        held = int(len(files(worker)) - server["idle"])
        if held == last:
            break
        last = held
    return books | {
        "serving": worker, "server": server, "files": held, "close_wait": close_wait(worker),
        "processes": len(tree(pid))}


class Books:
    """Lines that balance or not."""

    def __init__(self):
        self.lines = []

    def line(self, what, left, right, holds=None):
        holds = left == right if holds is None else holds
        self.lines.append({"what": what, "left": left, "right": right, "holds": bool(holds)})

    @property
    def wrong(self):
        return [line for line in self.lines if not line["holds"]]

    def text(self, lines=None):
        return "\n".join(
            f"{'  ' if line['holds'] else '✗ '}{line['what']}: {line['left']:g} | {line['right']:g}"
            for line in (self.lines if lines is None else lines))


def clients(reports):
    """Several load reports as one."""
    sums = {"failures": {}, "statuses": {}}
    for report in reports:
        for key in ("requests", "completed", "left", "unfinished"):
            sums[key] = sums.get(key, 0) + report.get(key, 0)
        for key in ("failures", "statuses"):
            for name, count in report[key].items():
                sums[key][name] = sums[key].get(name, 0) + count
    sums["places"] = places(reports)
    return sums


def places(reports):
    """How many requests reached the server for each (host, path); nothing where some report does not tell."""
    sums = {}
    for report in reports:
        for place, count in report["places"].items() if "places" in report else [(
                (report.get("host", "").rpartition(":")[0] or report.get("host", ""), report.get("path", "")),
                arrived(report))]:
            sums[place] = sums.get(place, 0) + count
    return sums if all(path for _, path in sums) else {}


def arrived(client):
    """Requests that met a server."""
    return client["requests"] - client["failures"].get("connect", 0) - client["failures"].get("refused", 0)


def route(host, path, labels):
    """The route of a request: those of its host come before those of every host, the longest first."""
    fits = [
        (name, prefix, label) for label in labels for name, slash, rest in [label.partition("/")]
        for prefix in [slash + rest] if path.startswith(prefix) and (not name or fnmatch.fnmatch(host, name))]
    return max(fits, key=lambda fit: (bool(fit[0]), len(fit[1])), default=("", "", ""))[2]


def closing(before, reports, patience=QUIET_SECONDS, is_lossy=False):
    """The books after quiet: looks until every line balances, at most so many seconds."""
    end = time.monotonic() + patience
    while True:
        books = balance(before, opening(before["console"], [int(port) for port in before["mocks"]], before["pid"]),
                        clients(reports), is_lossy)
        if not books.wrong or time.monotonic() >= end:
            return books
        time.sleep(0.25)


def balance(before, after, client, is_lossy=False):
    """Every line. A process that died took its counts along: what is left are those of the clients, and the rest."""
    books = Books()
    failures = client["failures"]
    told = client["completed"] + client["left"] + client["unfinished"] + sum(failures.values())
    books.line("requests of clients | with a known end", client["requests"], told)
    books.line("streams that ended without marker or error | 0", failures.get("silent", 0), 0)
    books.line("streams with events missing | 0", failures.get("gap", 0), 0)
    if before.get("serving") == after.get("serving"):
        server(books, before, after, client, is_lossy)
    else:
        before = before | {"server": before["server"] | {"impossible": 0}}
    for port, stats in after["mocks"].items():
        books.line(f"requests {port} still works on | 0", stats["active"], 0)
    rest(books, before, after)
    return books


def server(books, before, after, client, is_lossy):
    """What the server counted is what the clients saw."""
    def grown(key):
        old, new = before["server"][key], after["server"][key]
        return {name: int(new.get(name, 0) - old.get(name, 0)) for name in new.keys() | old.keys()}

    outcomes = grown("outcomes")
    failures = client["failures"]
    # Those who left, or gave up, may have been served in the same moment: each is one or the other at the server.
    gave_up = client["left"] + client["unfinished"] + failures.get("timeout", 0)
    asked = arrived(client)
    # Where packets are lost, so may be all that a client sent before it gave up.
    lost = gave_up if is_lossy else 0
    parts = ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()) if count)
    books.line(f"asked by clients | ended at the server ({parts})", asked, sum(outcomes.values()),
               0 <= asked - sum(outcomes.values()) <= lost)
    # A tenant is who has a route of its own.
    routes, by_route = grown("routes"), {}
    for (host, path), count in client["places"].items():
        name = route(host, path, routes)
        by_route[name] = by_route.get(name, 0) + count
    for name, count in sorted(by_route.items()):
        books.line(f"asked by clients at {name} | ended there", count, routes.get(name, 0),
                   0 <= count - routes.get(name, 0) <= lost)
    shed = sum(count for code, count in grown("errors").items() if code in SHED)
    books.line("ended early by us | of these shed", outcomes.get("refused", 0), shed,
               shed <= outcomes.get("refused", 0) + outcomes.get("timed_out", 0))
    books.line("clients that gave up | server: client gone", gave_up, outcomes.get("client_gone", 0),
               outcomes.get("client_gone", 0) <= gave_up)
    statuses = grown("statuses")
    for status in sorted(statuses.keys() | client["statuses"].keys()):
        told, seen = statuses.get(status, 0), client["statuses"].get(status, 0)
        books.line(f"answers {status} at the server | at clients", told, seen, 0 <= told - seen <= gave_up)
    broken, seen = grown("broken").get("", 0), failures.get("truncated", 0) + failures.get("error_event", 0)
    books.line("answers broken off at the server | seen broken by clients", broken, seen, 0 <= broken - seen <= gave_up)
    in_vain = gave_up + outcomes.get("timed_out", 0)
    attempts, ended, picks = grown("attempts"), grown("ended_at"), grown("picks")
    for target in sorted(picks.keys() & attempts.keys()):
        # A place in the queue may be granted to a request that has just left it.
        books.line(f"places given at {target} | attempts there", picks[target], attempts[target],
                   0 <= picks[target] - attempts[target] <= in_vain)
        books.line(f"attempts at {target} | requests that ended there", attempts[target], ended.get(target, 0),
                   ended.get(target, 0) <= attempts[target])
    targets(books, before, after, grown)


def targets(books, before, after, grown):
    """What was tried at each backend is what it saw, but for what failed or was called off on the way."""
    attempts, failed = grown("attempts"), grown("failures")
    lost = int(after["server"]["cancelled"] - before["server"]["cancelled"])
    for port, stats in after["mocks"].items():
        url = f"http://127.0.0.1:{port}"
        old = before["mocks"][port]
        if stats["started_us"] != old["started_us"]:
            continue  # It died meanwhile, and its counts with it.

        def asked(page):
            return sum(count for path, count in page["by_path"].items() if path not in ("/health", "/v1/models"))
        tried, seen = attempts.get(url, 0), asked(stats) - asked(old)
        books.line(f"attempts at {port} | requests it saw", tried, seen, 0 <= tried - seen <= lost + failed.get(url, 0))


def rest(books, before, after):
    """What must be nought, or as it was, once all is quiet."""
    server = after["server"]
    for target, count in server["in_flight"].items():
        books.line(f"in flight at {target or '?'} | 0", count, 0)
    books.line("queued | 0", server["queued"], 0)
    books.line("bytes held | 0", server["buffered"], 0)
    books.line("impossible events | before", server["impossible"], before["server"]["impossible"])
    if "files" in before:
        books.line("descriptors less idle upstreams | before", after["files"], before["files"])
        books.line("sockets in CLOSE_WAIT | 0", after["close_wait"], 0)
        books.line("processes | before", after["processes"], before["processes"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    first = steps.add_parser("open", help="print the state before")
    first.add_argument("--console", type=int, required=True, help="port of the console")
    first.add_argument("--mock", type=int, action="append", default=[], help="port of a `martlet mock`")
    first.add_argument("--pid", type=int, help="the process that was started")
    last = steps.add_parser("close", help="compare with the state now")
    last.add_argument("before", help="what `open` printed")
    last.add_argument("--patience", type=float, default=QUIET_SECONDS, help="seconds until quiet, at most")
    last.add_argument("--lossy", action="store_true", help="the network lost packets")
    last.add_argument("reports", nargs="*", help="what `martlet load --json` printed")
    options = parser.parse_args()
    if options.step == "open":
        return print(json.dumps(opening(options.console, options.mock, options.pid)))
    before = json.loads(pathlib.Path(options.before).read_text())
    reports = [json.loads(pathlib.Path(path).read_text()) for path in options.reports]
    books = closing(before, reports, options.patience, options.lossy)
    print(books.text())
    sys.exit(1 if books.wrong else 0)


if __name__ == "__main__":
    main()
