"""Put the folder above this one on `PYTHONPATH`, and `import litserve` is Martlet's module outside a worker too."""

import sys

from martlet import compat

compat.install_finder()
del sys.modules["litserve"]
import litserve  # noqa: E402  (found by Martlet's finder now)

sys.modules["litserve"] = litserve
