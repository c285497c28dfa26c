"""Who asks again and again, in a process of its own, so that its clock does not stand still while others send files:
asking.py PORT BASE SECONDS: a search each 50 ms; prints their times, in ms, as JSON.
"""

import json
import pathlib
import subprocess
import sys
import time

if __name__ == "__main__":
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

from knowledge import stage  # noqa: E402

QUESTIONS = ["怎样安装软件包？", "Debian 有哪些版本？", "如何升级系统？", "源代码包在哪里？", "内核怎么配置？"]
PAUSE = 0.05


def times(port, base, seconds):
    found, end = [], time.monotonic() + seconds
    with stage.Client(port) as client:
        while time.monotonic() < end:
            began = time.perf_counter()
            client.search(QUESTIONS[len(found) % len(QUESTIONS)], base=base)
            found.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE)
    return found


class Asker:
    """One of those, until `times` are wanted."""

    def __init__(self, server, seconds, base=stage.BASE):
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(server.port), base, str(seconds)], stdout=subprocess.PIPE)

    def times(self):
        out, _ = self.process.communicate()
        if self.process.returncode:
            raise SystemExit("a search failed meanwhile")
        return json.loads(out)


if __name__ == "__main__":
    print(json.dumps(times(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))))
