"""The line that a run leaves: the id, a blank, the number, the end. All lines are equally long."""

LINE = 36 + 1 + 8 + 1


def line(task, number):
    return f"{task:36.36} {number:08d}\n".encode()
