"""The ways in which a file says what it serves, each as a worker reads it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "sdk/python/tests"))

from fake_host import FakeHost  # noqa: E402

IMPORTS = """
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
model = FakeListChatModel(responses=["hello"])
prompt = ChatPromptTemplate.from_template("about {topic}")
"""
FILES = {
    "a file for LangServe": (
        """
from fastapi import FastAPI
from langserve import RemoteRunnable, add_routes
app = FastAPI()
add_routes(app, model, path="/model")
add_routes(app, prompt | model, path="/joke")
other = RemoteRunnable("http://127.0.0.1:1/joke")
if __name__ == "__main__":
    import uvicorn
    uvicorn.run(app, host="localhost", port=8000)
""",
        ["/model/*", "/joke/*"],
    ),
    "one whose application is no variable": (
        """
import uvicorn
from fastapi import FastAPI
from langserve import add_routes
def made():
    app = FastAPI()
    app.get("/own")(lambda: "own")
    add_routes(app, model, path="/model")
    return app
uvicorn.run(made())
""",
        ["/model/*", "/*"],
    ),
    "one with a chain at the root": (
        """
from fastapi import FastAPI
from langserve import add_routes
web = FastAPI()
add_routes(web, prompt | model)
""",
        ["/*"],
    ),
    "Martlet's own words": ("import martlet\nmartlet.serve_chain('/joke', prompt | model)\n", ["/joke/*"]),
    "runnables at the top level, without their parts": ("joke = prompt | model | StrOutputParser()\n", ["/joke/*"]),
}


def check() -> list:
    """What was seen, a line for each. Raises `AssertionError`."""
    for what, (source, paths) in FILES.items():
        with FakeHost(IMPORTS + source, purpose="describe", name="chain.py") as host:
            assert "apis" in host.ready.meta, f"{what}: {host.ready.body.decode()}"
            found = [api["path"] for api in host.ready.meta["apis"]]
            assert found == paths, f"{what}: {found}, not {paths}"
    return list(FILES)
