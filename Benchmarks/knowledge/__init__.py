"""The measures of the knowledge room: the release server with a base, a model of a few lines, and who asks them."""
