"""The measures of the model server: the same Python file behind Martlet and behind LitServe, with equal workers."""
