#!/usr/bin/env python3
"""failed.py RESULTS.xml: tells on standard error which tests of a run failed and how, and prints a filter for them.

Exits with 1 where nothing is to be repeated: no results, no failure among them, or so many that no pause of the machine
explains them.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

AT_MOST = 4


def main(path):
    try:
        cases = ElementTree.parse(path).iter("testcase")
    except (OSError, ElementTree.ParseError) as error:
        sys.exit(f"martlet: the run left no results ({error})")
    failed = [case for case in cases if case.find("failure") is not None]
    for case in failed:
        print(f"martlet: FAILED {case.get('classname')} {case.get('name')}", file=sys.stderr)
        for failure in case.iter("failure"):
            print(f"martlet:     {failure.get('message')}", file=sys.stderr)
    if not 0 < len(failed) <= AT_MOST:
        sys.exit(1)
    print("|".join(sorted({pattern(case) for case in failed})))


def pattern(case):
    """Of a test's name as `swift test --filter` knows it: Module.Suite/Suite/function."""
    suites = re.escape(case.get("classname")).replace(r"\.", "[./]")
    return f"^{suites}/{re.escape(case.get('name').split('(')[0])}\\("


if __name__ == "__main__":
    main(sys.argv[1])
