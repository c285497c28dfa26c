"""LangServe's own client asks the chain from a question to its cited answer.

    python knowledge.py

MARTLET_TEST_BINARY names the binary. Without a model the best passages are the answer, so that it is known.
"""

import pathlib
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Clients"))

from langserve import RemoteRunnable  # noqa: E402
from support import HOME, Martlet, main  # noqa: E402

TEXT = "# 年假\n\n员工每年享有十五天带薪年假，未休完的年假可以结转到次年三月。\n"
QUESTION = {"question": "员工一年有几天年假？", "base": "handbook"}


def check_the_chain_is_invoked_batched_and_streamed() -> None:
    with tempfile.TemporaryDirectory() as folder:
        configuration = (
            "pools: {nowhere: {targets: ['http://127.0.0.1:1'], health: off}}\nmodels: {absent: {pool: nowhere}}\n"
            f"knowledge: {{store: {folder}/knowledge, weights: {HOME}/.martlet/encoders}}\n")
        with Martlet(configuration) as martlet:
            for method, path, body in [
                ("POST", "/knowledge", b'{"name": "handbook"}'),
                ("PUT", "/knowledge/handbook/documents/leave.md", TEXT.encode()),
            ]:
                kind = {"Content-Type": "application/json"}
                urllib.request.urlopen(urllib.request.Request(martlet.url + path, body, kind, method=method)).close()
            chain = RemoteRunnable(f"{martlet.url}/knowledge-chain/")
            answer = chain.invoke(QUESTION)
            assert "十五天带薪年假" in answer["answer"] and answer["end"]["kind"] == "degraded", answer
            assert len(answer["sources"]) == 1, answer
            assert [one["answer"] for one in chain.batch([QUESTION, QUESTION])] == [answer["answer"]] * 2
            assert "".join(chain.stream(QUESTION)) == answer["answer"]


if __name__ == "__main__":
    main(globals())
