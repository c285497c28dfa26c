"""How Martlet holds under load: the measures behind docs/reliability.md. Each `measure` returns rows and figures."""
