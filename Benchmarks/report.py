"""Tables of what was measured, for the terminal and for docs/performance.md and docs/reliability.md."""

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def number(value, digits=1):
    return "–" if value is None else f"{value:,.{digits}f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def cpu_table(results, unit):
    rows = []
    for name, row in results.items():
        low_high = row.get("ratio_range")
        ratio = f"{row['ratio']:.2f} ({low_high[0]:.2f}–{low_high[1]:.2f})" if low_high else "1"
        rows.append([name, number(row["us"]), number(row["user_us"]), number(row["system_us"]), ratio])
    return table(["", f"µs of CPU per {unit}", "user", "system", "× nginx, median (range)"], rows)


def sections(data):
    if "cpu_per_request" in data:
        yield "CPU per proxied 1 KB chat request", cpu_table(data["cpu_per_request"], "request")
    if "cpu_per_event" in data:
        yield "CPU per relayed SSE event, 2,000 streams × 20 events/s", cpu_table(data["cpu_per_event"], "event")
    if "added_latency" in data:
        results = data["added_latency"]
        rows = [
            [name, *(number(row[key]) for key in ("p50_us", "p99_us", "added_p50_us", "added_p99_us"))]
            for name, row in results.items() if name != "rate"]
        yield (
            f"Time to first byte at {results['rate']:,} requests/s, from the scheduled time",
            table(["", "p50 µs", "p99 µs", "added p50 µs", "added p99 µs"], rows))
    if "throughput" in data:
        rows = [
            [name, number(row["requests_per_second"], 0), number(row.get("ratio", 1), 2),
             number(row["p50_us"] / 1000, 2), number(row["p99_us"] / 1000, 2),
             str(sum(run["failed"] for run in row["runs"]))]
            for name, row in data["throughput"].items()]
        yield (
            "Requests per second, load, proxy and backend on the same cores",
            table(["", "requests/s", "× nginx", "p50 ms", "p99 ms", "failed"], rows))


# What each measure must reach, and what is aimed at: (measure, must, aim, where it is, test for must, test for aim).
def goals(data):
    def at(*path):
        value = data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    request, event = at("cpu_per_request", "martlet", "ratio"), at("cpu_per_event", "martlet", "ratio")
    p50, p99 = at("added_latency", "martlet", "added_p50_us"), at("added_latency", "martlet", "added_p99_us")
    speed, tail = at("throughput", "martlet", "requests_per_second"), at("throughput", "martlet", "p99_us")
    share = at("throughput", "martlet", "ratio")
    rows = []
    if request is not None:
        rows.append(["CPU per request", "≤ 1.3 × nginx", "≤ 1.0 ×", f"{request:.2f} ×", request <= 1.3, request <= 1])
    if event is not None:
        rows.append(["CPU per SSE event", "≤ 1.35 × nginx", "≤ 1.0 ×", f"{event:.2f} ×", event <= 1.35, event <= 1])
    if p50 is not None:
        rows.append([
            "added first byte, p50 / p99", "≤ 0.3 / 2 ms", "≤ 0.1 / 1 ms", f"{p50 / 1000:.2f} / {p99 / 1000:.2f} ms",
            p50 <= 300 and p99 <= 2000, p50 <= 100 and p99 <= 1000])
    if speed is not None:
        rows.append([
            "requests/s on all cores", "≥ 28,000 and ≥ 0.75 × nginx, p99 ≤ 20 ms", "≥ nginx",
            f"{speed:,.0f}/s, {share:.2f} × nginx, p99 {tail / 1000:.1f} ms",
            speed >= 28_000 and share >= 0.75 and tail <= 20_000, share >= 1])
    return rows


def text(data):
    machine = data["machine"]
    parts = [
        f"Measured {data['date']} at commit `{data['commit']}` on {machine['cores']} × {machine['cpu']}, "
        f"{machine['memory_gib']} GiB, Linux {machine['kernel']}; {machine['nginx']}; {machine['haproxy']}. "
        f"Load average at the start {machine['load_average_at_start']}."]
    if data["trouble"]:
        parts.append("**Not a valid run:**\n\n" + "\n".join(f"- {line}" for line in data["trouble"]))
    rows = [[*row[:4], "yes" if row[4] else "**no**", "yes" if row[5] else "no"] for row in goals(data)]
    if rows:
        parts.append(table(["", "must reach", "aim", "measured", "reached", "aim reached"], rows))
    for title, body in sections(data):
        parts.append(f"### {title}\n\n{body}")
    return "\n\n".join(parts)


WORDS = {True: "yes", False: "**no**", None: ""}


def one_by_one(data):
    """Measures that stand for themselves: {name: what bench.py found}."""
    parts = [table(
        ["", "must reach", "aim", "measured", "reached", "aim reached"],
        [[row["what"], row["must"], row["aim"], row["got"], WORDS[row["reached"]],
          {True: "yes", False: "no", None: ""}[row["aim_reached"]]]
         for found in data.values() for row in found["rows"]])]
    about = [
        [name, found["date"], f"`{found['commit']}`", f"{found['seconds']} s" + (" (quick)" if found["quick"] else ""),
         str(found["machine"]["load_average_at_start"])]
        for name, found in data.items()]
    parts.append(table(["measure", "when", "commit", "took", "load average before"], about))
    machine = next(iter(data.values()))["machine"]
    parts.append(
        f"{machine['cores']} × {machine['cpu']}, {machine['memory_gib']} GiB, Linux {machine['kernel']}; "
        f"{machine['nginx']}; {machine['haproxy']}.")
    return "\n\n".join(parts)


def missed(data):
    """Whether something had to be reached and was not."""
    return any(row["reached"] is False for found in data.values() for row in found["rows"])


def update(path, tables):
    """Puts the tables between the markers of the document and leaves the rest of it alone."""
    old = path.read_text()
    begin, end = old.index(BEGIN) + len(BEGIN), old.index(END)
    path.write_text(old[:begin] + "\n\n" + tables + "\n\n" + old[end:])
