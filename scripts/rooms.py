#!/usr/bin/python3
"""Do the sources of the module keep to their floors?

usage: rooms.py [--list] [DIRECTORY]

A room is a folder of ngx_http_magasin_module; the files at its top are the
highest room.  A file includes only headers of its own room and of rooms below
it, and no *_internal.h of another room.  No file includes itself, by whatever
way.  No two rooms have a file of one name.  Whatever breaks one of these rules is one line, and the status is 1.
--list prints each room with the rooms that it uses instead.
"""

import os
import re
import sys

# From the lowest floor to the highest; rooms of one line do not know each
# other.
FLOORS = (
    ("text", "measure"),
    ("zone", "event"),
    ("postgresql", "redis"),
    ("cache",),
    ("request",),
    ("reply",),
    ("checks",),
    ("api",),
    ("feed",),
    ("observe",),
    ("",),
)

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read(directory):
    """The files of all rooms: {name: (room, [names included])}, and the names
    that two rooms have."""
    files, twice = {}, []
    for path, _, names in os.walk(directory):
        room = os.path.relpath(path, directory)
        room = "" if room == "." else room
        for name in names:
            if name.endswith((".c", ".h")):
                if name in files:
                    twice.append((name, files[name][0], room))
                with open(os.path.join(path, name), encoding="utf-8") as file:
                    files[name] = (room, INCLUDE.findall(file.read()))
    return files, twice


def rings(files):
    """One ring of includes for each file that is first found in one."""
    state, found = {}, []

    def visit(name, way):
        if state.get(name) == "done":
            return
        if name in way:
            found.append(way[way.index(name):] + [name])
            return
        for included in files[name][1]:
            if included in files:
                visit(included, way + [name])
        state[name] = "done"

    for name in sorted(files):
        visit(name, [])
    return found


def faults(files, twice):
    for name, one, other in twice:
        yield f"{one or 'top'} and {other or 'top'} both have {name}"
    floor = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
    for name, (room, includes) in sorted(files.items()):
        if room not in floor:
            yield f"{room}/{name}: {room} is no room of scripts/rooms.py"
            continue
        for included in includes:
            # What is generated belongs to whoever includes it.
            target = files.get(included, (room,))[0]
            if target == room:
                continue
            if target not in floor or floor[target] >= floor[room]:
                yield (f"{room or 'top'}/{name} includes {included} of "
                       f"{target or 'top'}, which is not below")
            elif included.endswith("_internal.h"):
                yield (f"{room or 'top'}/{name} includes {included}, which is "
                       f"{target}'s own")
    for ring in rings(files):
        yield "a ring of includes: " + " -> ".join(ring)


def main(arguments):
    listing = "--list" in arguments
    arguments = [a for a in arguments if a != "--list"]
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files, twice = read(arguments[0] if arguments
                        else os.path.join(top, "ngx_http_magasin_module"))
    if listing:
        for rooms in FLOORS:
            for room in rooms:
                used = {files[i][0] for r, includes in files.values()
                        if r == room for i in includes if i in files}
                print(room or "top", "->", " ".join(sorted(used - {room})))
        return 0
    wrong = list(faults(files, twice))
    for line in wrong:
        print(f"rooms: {line}.", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
