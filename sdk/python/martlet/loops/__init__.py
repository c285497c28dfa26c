"""The ways of computing: calls in turn, coroutines, continuous batches."""
