"""The app of Celery's integration tests, for `martlet worker`: what `t/integration/conftest.py` makes of its fixtures.

INTEGRATION_CONFIG holds their `celery_config`, as JSON.
"""

import json
import os

from celery.contrib.testing.app import TestApp

app = TestApp(config=json.loads(os.environ["INTEGRATION_CONFIG"]), set_as_current=True, enable_logging=True)
app.loader.import_task_module("t.integration.tasks")
app.register_task(app.loader.import_from_cwd("t.integration.tasks").ClassBasedAutoRetryTask)
