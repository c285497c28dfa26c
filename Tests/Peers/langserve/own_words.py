"""Some of the runnables of `chains.py`, served without a web framework."""

import chains
import martlet
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableGenerator, RunnableLambda

martlet.serve_chain("/add_one", RunnableLambda(chains.add_one))
martlet.serve_chain("/refuse", RunnableLambda(chains.refuse))
martlet.serve_chain("/fail_later", RunnableGenerator(chains.some_then_fail))
martlet.serve_chain("/chat", chains.model)
martlet.serve_chain("/joke", (chains.prompt | chains.model | StrOutputParser()).with_config(run_name="joke"))
martlet.serve_chain("/joke/message", chains.prompt | chains.model)
martlet.serve_chain("/words", chains.configurable | StrOutputParser())
