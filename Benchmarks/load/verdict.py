"""What a measure says in the end."""


def row(what, must, got, reached, aim="", aim_reached=None):
    """One line of the table. `reached` is None when the run was too short to tell."""
    return {"what": what, "must": must, "aim": aim, "got": got, "reached": reached, "aim_reached": aim_reached}


def at_most(what, unit, value, must, aim=None, digits=1):
    """A figure that must not be larger than `must`."""
    if value is None:
        return row(what, f"≤ {must:g} {unit}", "nothing measured", False)
    return row(
        what, f"≤ {must:g} {unit}", f"{value:,.{digits}f} {unit}", value <= must,
        "" if aim is None else f"≤ {aim:g} {unit}", None if aim is None else value <= aim)


def exactly(what, value, wanted):
    return row(what, f"{wanted:,}", f"{value:,}", value == wanted)


def books_row(what, books):
    """The ledger's verdict; the lines that do not balance are in the cell."""
    wrong = books.wrong
    return row(
        f"{what}: ledger", "every line balances",
        f"{len(books.lines)} lines balance" if not wrong else "; ".join(
            f"{line['what']}: {line['left']:g} ≠ {line['right']:g}" for line in wrong),
        not wrong)


def quantile(values, fraction):
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * fraction), len(ordered) - 1)] if ordered else None
