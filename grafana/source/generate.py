"""Write the dashboards; grafana/generate says how it is called."""

import json
import os
import sys

import components
import inventaire
import signals
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from translations import translated, unused

BOARDS = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "dashboards")
WIDTH = 79


def write(value, indent=0, lead=""):
    """JSON with what fits into a line on one, so that a change of a panel is
    a change of a few lines.  `lead` is what stands before it in its line."""
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or \
            indent + len(lead) + len(short) < WIDTH:
        return lead + short
    if isinstance(value, dict):
        parts = [write(part, indent + 1, f"{json.dumps(key)}: ")
                 for key, part in value.items()]
        ends = "{}"
    else:
        parts = [write(part, indent + 1) for part in value]
        ends = "[]"
    inner = "\n" + " " * (indent + 1)
    return lead + ends[0] + inner + ("," + inner).join(parts) + \
        "\n" + " " * indent + ends[1]


def files():
    """(name, content): each dashboard as it is, and in the other language."""
    for module in (signals, components, inventaire):
        board = json.loads(json.dumps(module.dashboard().build(),
                                      cls=JSONEncoder))
        yield board["uid"], board
        other = translated(board)
        yield other["uid"], other


def main():
    boards = dict(files())
    extra = unused(boards.values())
    if extra:
        sys.exit("no dashboard says " + "; ".join(extra))
    stale = 0
    for name, board in boards.items():
        path = os.path.join(BOARDS, name + ".json")
        text = write(board) + "\n"
        if sys.argv[1:] == ["--check"]:
            if not os.path.exists(path) or \
                    open(path, encoding="utf-8").read() != text:
                print(f"{path} is not what grafana/generate writes.",
                      file=sys.stderr)
                stale = 1
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    return stale


if __name__ == "__main__":
    sys.exit(main())
