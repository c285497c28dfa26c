"""The four measures of the gateway. Each returns plain numbers; report.py makes tables of them.

Proxies run on core 1 with one thread, the mock backend and the load generator on core 0, but for the throughput, where
everything runs everywhere. Sides take turns A B B A, so that what else the machine does meets both.
"""

import statistics
import time

from harness import ahead_of_others, tokens_sent

LOAD_CORE, PROXY_CORE = 0, 1


def turns(sides, rounds):
    """A B B A for each round (with more sides: forwards and backwards)."""
    for _ in range(rounds):
        yield from sides
        yield from reversed(sides)


def median(values):
    return statistics.median(values) if values else None


class Trouble(list):
    """What went wrong on the way: a benchmark that fails requests, or changes bodies, has no result."""

    def check(self, what, report, body=None):
        if report["failed"]:
            self.append(f"{what}: {report['failures']}")
        if body and report.get("body_hash") != body:
            self.append(f"{what}: bodies differ from those of the backend")


def summary(runs, baseline):
    """Medians for each side, and the median of the ratios to the baseline's run in the same turn."""
    result = {}
    for name, rows in runs.items():
        result[name] = {
            "us": median([row["us"] for row in rows]),
            "user_us": median([row["user_us"] for row in rows]),
            "system_us": median([row["system_us"] for row in rows]),
            "runs": rows,
        }
        if name != baseline and baseline in runs:
            ratios = [row["us"] / base["us"] for row, base in zip(rows, runs[baseline]) if base["us"]]
            result[name]["ratio"] = median(ratios)
            result[name]["ratio_range"] = [min(ratios), max(ratios)] if ratios else None
    return result


def cost(before, after, count):
    user, system = after[0] - before[0], after[1] - before[1]
    return {"us": (user + system) / count * 1e6, "user_us": user / count * 1e6, "system_us": system / count * 1e6}


def cpu_per_request(bench, sides, rounds, requests, trouble):
    mock = bench.mock(LOAD_CORE)
    proxies = {name: bench.proxy(name, mock, PROXY_CORE, threads=1) for name in sides}
    body = bench.report(bench.load(mock, LOAD_CORE, "-n", 2000))["body_hash"]
    for proxy in proxies.values():
        bench.report(bench.load(proxy, LOAD_CORE, "-n", 5000))
    runs, speeds = {name: [] for name in sides}, {name: [] for name in sides}
    for name in turns(sides, rounds):
        before = proxies[name].cpu()
        report = bench.report(bench.load(proxies[name], LOAD_CORE, "-c", 64, "-n", requests))
        trouble.check(f"CPU per request, {name}", report, body)
        runs[name].append(cost(before, proxies[name].cpu(), max(report["completed"], 1)))
        speeds[name].append(report["requests_per_second"])
    bench.stop()
    result = summary(runs, "nginx")
    for name in sides:
        result[name]["requests_per_second"] = median(speeds[name])
    return result


def cpu_per_event(bench, sides, rounds, streams, window, trouble):
    """2,000 streams × 20 events/s; the CPU is read over a window in the middle, the events from the mock's counter."""
    mock = bench.mock(LOAD_CORE, "--interval", "50ms", "--tokens", "100000000")
    proxies = {name: bench.proxy(name, mock, PROXY_CORE, threads=1) for name in sides}
    runs = {name: [] for name in sides}
    for name in turns(sides, rounds):
        for attempt in range(3):
            row = one_event_run(bench, mock, proxies[name], streams, window, trouble)
            if row["events_per_second"] >= 0.95 * streams * 20:
                break
        else:
            trouble.append(f"CPU per event, {name}: only {row['events_per_second']:.0f} events/s, three times over")
        runs[name].append(row)
    bench.stop()
    result = summary(runs, "nginx")
    for name, rows in runs.items():
        for key in ("events_per_second", "transit_p50_us", "transit_p99_us"):
            result[name][key] = median([row[key] for row in rows])
    return result


def one_event_run(bench, mock, proxy, streams, window, trouble):
    """When the mock cannot keep its pace, several events leave in one write and each costs the proxy less: such a run
    says nothing, so the pace is part of the result."""
    load = bench.load(proxy, LOAD_CORE, "--stream", "-c", streams, "-d", f"{window + 3:.1f}s", "--ramp", "1s")
    time.sleep(2)
    before, sent, began = proxy.cpu(), tokens_sent(mock), time.monotonic()
    time.sleep(window)
    after, sent = proxy.cpu(), tokens_sent(mock) - sent
    seconds = time.monotonic() - began
    report = bench.report(load)
    trouble.check(f"CPU per event, {proxy.name}", report)
    if report["unfinished"] < streams:
        trouble.append(f"CPU per event, {proxy.name}: only {report['unfinished']} of {streams} streams lived")
    time.sleep(0.5)
    return {
        **cost(before, after, max(sent, 1)), "events_per_second": sent / seconds,
        "transit_p50_us": report["transit"]["p50_us"], "transit_p99_us": report["transit"]["p99_us"]}


def added_latency(bench, sides, rounds, rate, seconds, trouble):
    """Open loop at a fixed rate: first byte counted from the scheduled time, minus the same without a proxy.

    The proxies run ahead of what else the machine does: its kernel's housekeeping takes a core for some milliseconds
    about once a second, which decides every 99th percentile, whoever is measured.
    """
    mock = bench.mock(LOAD_CORE)
    targets = {"direct": mock}
    targets.update({name: bench.proxy(name, mock, PROXY_CORE, 1, ahead_of_others) for name in sides})
    for target in targets.values():
        bench.report(bench.load(target, LOAD_CORE, "-n", 5000))
    runs = {name: [] for name in targets}
    for name in turns(list(targets), rounds):
        report = bench.report(
            bench.load(targets[name], LOAD_CORE, "-c", 64, "--rate", rate, "-n", int(rate * seconds)))
        trouble.check(f"added latency, {name}", report)
        runs[name].append({"p50_us": report["first"]["p50_us"], "p99_us": report["first"]["p99_us"]})
    bench.stop()
    result = {"rate": rate}
    for name, rows in runs.items():
        result[name] = {"runs": rows}
        for key in ("p50_us", "p99_us"):
            result[name][key] = median([row[key] for row in rows])
            added = [row[key] - base[key] for row, base in zip(rows, runs["direct"])]
            result[name][f"added_{key}"] = median(added)
    return result


def throughput(bench, sides, seconds, trouble):
    """Everything on every core, each proxy with the threads it takes by itself."""
    mock = bench.mock(None)
    proxies = {name: bench.proxy(name, mock, None, threads=None) for name in sides}
    runs = {name: [] for name in sides}
    for name in turns(sides, 1):
        report = bench.report(bench.load(proxies[name], None, "-c", 64, "-d", f"{seconds}s"))
        trouble.check(f"throughput, {name}", report)
        runs[name].append({
            "requests_per_second": report["requests_per_second"], "completed": report["completed"],
            "failed": report["failed"], "p50_us": report["latency"]["p50_us"], "p99_us": report["latency"]["p99_us"]})
    bench.stop()
    result = {}
    for name, rows in runs.items():
        result[name] = {"runs": rows}
        for key in ("requests_per_second", "p50_us", "p99_us"):
            result[name][key] = median([row[key] for row in rows])
        if name != "nginx" and "nginx" in runs:
            result[name]["ratio"] = median([
                row["requests_per_second"] / base["requests_per_second"] for row, base in zip(rows, runs["nginx"])])
    return result
