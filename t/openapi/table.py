"""The table of endpoints as the sources of the module have it.

usage: table.py    prints the endpoints as JSON, in the order of the table

Nothing here is a list kept by hand: the rows of ngx_http_magasin_routes.c,
the typed tables of api/*.c and the functions that use them are read.  What
is not understood raises Failure, so that a row in a new form is not passed
over in silence.
"""

import glob
import json
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
MODULE = os.path.join(TOP, "ngx_http_magasin_module")

INT32 = 2 ** 31 - 1

STRING = r'"((?:[^"\\]|\\.)*)"'
MACRO = re.compile(r"^#define (\w+)\((\w+)\)((?:.*\\\n)+.*)$", re.M)
TABLE = re.compile(
    r"static const ngx_http_magasin_member_t\s+(\w+)\[\]\s*=\s*\{(.*?)\n\};",
    re.S)
CHOICES = re.compile(
    r"static const char \*const\s+(\w+)\[\]\s*=\s*\{(.*?)\};", re.S)
SPEC = re.compile(
    r"const ngx_http_magasin_list_spec_t\s+(\w+)\s*=\s*\{(.*?)\n\};", re.S)
MOVEMENT = re.compile(
    r"const ngx_http_magasin_movement_t\s+(\w+)\s*=\s*\{(.*?)\n\};", re.S)
FUNCTION = re.compile(r"^(ngx_http_magasin_\w+)\([^;{]*\)\n\{\n(.*?)^\}",
                      re.S | re.M)
PARAMETER = re.compile(
    r"ngx_http_magasin_query_value\(\s*ctx->query,\s*" + STRING)

# Functions of other files that read a query or a body for a bind.
SHARED = ("ngx_http_magasin_list_bind", "ngx_http_magasin_movement_cancel",
          "ngx_http_magasin_movement_motif")


class Failure(Exception):
    """There is no result; the message says why."""


def source(path):
    """A file of C without its comments."""
    with open(path, encoding="utf-8") as file:
        return re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)


def rows(text):
    """The rows of a table: { ... } on the outermost level, in pieces."""
    found, piece, depth, quoted, escaped = [], "", 0, False, False
    row = []
    for c in text:
        if quoted:
            escaped = c == "\\" and not escaped
            quoted = not (c == '"' and not escaped)
        elif c == '"':
            quoted = True
        elif c in "{(":
            depth += 1
            if depth == 1 and c == "{":
                row, piece = [], ""
                continue
        elif c in "})":
            depth -= 1
            if depth == 0 and c == "}":
                found.append(row + [piece.strip()])
                continue
        elif c == "," and depth == 1:
            row.append(piece.strip())
            piece = ""
            continue
        if depth:
            piece += c
    if depth or quoted:
        raise Failure("a table does not end")
    return found


def word(piece):
    """"x" or ngx_string("x"); None for NULL."""
    if piece == "NULL":
        return None
    match = re.fullmatch(r'(?:ngx_string\()?"([^"]*)"\)?', piece)
    if not match:
        raise Failure(f"{piece} is no text")
    return match.group(1)


def number(piece):
    if not re.fullmatch(r"(-?\(int64_t\)\s*)?(-?\d+|NGX_MAX_INT32_VALUE)",
                        piece):
        raise Failure(f"{piece} is no number")
    sign = -1 if piece.startswith("-(") else 1
    last = piece.split()[-1]
    return sign * (INT32 if last == "NGX_MAX_INT32_VALUE" else int(last))


def expand(body, text):
    """A table, with the rows of those macros of its file that it names."""
    for name, parameter, rows_of in MACRO.findall(text):
        def use(match, rows_of=rows_of, parameter=parameter):
            return re.sub(rf"\b{parameter}\b", match.group(1),
                          rows_of.replace("\\\n", "\n"))
        body = re.sub(rf"\b{name}\(([^)]*)\)", use, body)
    return body


def fields(row):
    """The fields of a row by their names: .name = value."""
    found = {}
    for piece in row:
        match = re.fullmatch(r"\.(\w+)\s*=\s*(.*)", piece, re.S)
        if not match:
            raise Failure(f"{piece} is no field with a name")
        found[match.group(1)] = " ".join(match.group(2).split())
    return found


class Member:
    """A row of ngx_http_magasin_member_t."""

    def __init__(self, row, choices):
        row = fields(row)
        self.name = word(row["name"])
        self.type = row.get("type", "NGX_HTTP_MAGASIN_MEMBER_TEXT") \
            .removeprefix("NGX_HTTP_MAGASIN_MEMBER_").lower()
        self.min = number(row.get("min", "0"))
        self.max = number(row.get("max", "0"))
        self.choices = choices[row["choices"]] if "choices" in row else None
        # What another one may stand in the place of is not required.
        self.required = row.get("required") == "1" and "instead" not in row
        self.blank = row.get("blank") == "1"
        self.null = row.get("null") in ("1", "!0")


class Endpoint:
    """A row of ngx_http_magasin_endpoint_t, and what its bind reads."""

    def __init__(self, row):
        row = fields(row)
        self.name = word(row["name"])
        self.method = row["method"].removeprefix("NGX_HTTP_").lower()
        self.path = word(row["path"])
        self.title = word(row["title"])
        self.scope = word(row.get("scope", "NULL"))
        self.other = word(row.get("other", "NULL"))
        self.place = row.get("place", "NGX_HTTP_MAGASIN_PLACE_ALL") \
            .removeprefix("NGX_HTTP_MAGASIN_PLACE_").lower()
        self.open = row.get("open", "0") == "1"
        self.bind = row["bind"]
        self.spec = row.get("spec", "NULL").lstrip("&")
        self.live = row.get("live", "0") == "1"
        # The columns of a list as CSV; "": it is no list.
        self.table = "".join(re.findall(STRING, row.get("table", "")))
        self.extra = row.get("extra", "0") == "1"
        # What is cached until what changes: [("STOCK", "FIRST_ID"), ...].
        self.tags = [tuple(part.strip() for part in arguments.split(","))
                     for arguments in re.findall(
                         r"TAG(?:_OF|_OF_BOTH)?\(([^)]*)\)",
                         row.get("reads", ""))]
        self.query = {}         # name: Member, or None when it is untyped
        self.body = {}


class Tables:
    """The typed tables and the functions of all the sources."""

    def __init__(self):
        self.members, self.specs, self.functions = {}, {}, {}
        self.movements = {}
        paths = sorted(glob.glob(os.path.join(MODULE, "**", "*.c"),
                                 recursive=True))
        texts = {path: source(path) for path in paths}
        choices = {}
        for text in texts.values():
            for name, body in CHOICES.findall(text):
                choices[name] = re.findall(STRING, body)
        for path, text in texts.items():
            for name, body in TABLE.findall(text):
                self.members[name] = [Member(row, choices)
                                      for row in rows(expand(body, text))
                                      if row != [".name = NULL"]]
            for name, body in SPEC.findall(text):
                self.specs[name] = fields(rows("{" + body + "}")[0])["params"]
            for name, body in MOVEMENT.findall(text):
                self.movements[name] = fields(rows("{" + body + "}")[0])
            for name, body in FUNCTION.findall(text):
                self.functions[name, path] = body

    def closure(self, name):
        """The bodies of a function and of those of its file and of SHARED
        that it calls, as far as they lead."""
        todo, seen = [key for key in self.functions if key[0] == name], {}
        if not todo:
            raise Failure(f"there is no function {name}")
        while todo:
            key = todo.pop()
            if key in seen:
                continue
            seen[key] = self.functions[key]
            for called in re.findall(r"\b(ngx_http_magasin_\w+)\(",
                                     seen[key]):
                # Static functions of two files may share a name.
                near = (called, key[1])
                if near in self.functions:
                    todo.append(near)
                elif called in SHARED:
                    todo += [k for k in self.functions if k[0] == called]
        return self.expanded("\n".join(seen.values()))

    def expanded(self, text):
        """With what the descriptions of movements that a text names read."""
        return text + "".join(
            f"members_read(ctx, {spec['members']}); "
            f"lines_read(ctx, {spec['lines']});"
            for name, spec in self.movements.items()
            if re.search(rf"\b{name}\b", text))

    def fill(self, endpoint):
        text = self.closure(endpoint.bind)
        used = {name for name in self.members
                if re.search(rf"\b{name}\b", text)}
        asked = {name for name in used if re.search(
            rf"query_read\(ctx,\s*{name}\b", text)}
        if endpoint.spec in self.specs:
            asked.add(self.specs[endpoint.spec])
        if endpoint.method == "get":
            asked |= used
        for name in asked:
            endpoint.query.update((m.name, m) for m in self.members[name])
        for name in PARAMETER.findall(text):
            endpoint.query.setdefault(name, None)
        self.choose(endpoint, text, sorted(used - asked))

    def choose(self, endpoint, text, tables):
        """The members of the body.  A function that serves two endpoints
        gets its table from the caller, and compares with those of others:
        the table that the bind itself names is the one."""
        own = self.closure_of_one(endpoint.bind)
        named = [t for t in tables if re.search(rf"\b{t}\b", own)]
        lines = [t for t in tables if re.search(
            rf"(?:members_of|lines_read)\([^;]*\b{t}\b", text)]
        for name in named or tables:
            if name not in lines:
                endpoint.body.update((m.name, m) for m in self.members[name])
        for name in lines:
            endpoint.body.update(
                (f"[].{m.name}", m) for m in self.members[name])

    def closure_of_one(self, name):
        return self.expanded("\n".join(
            body for key, body in self.functions.items() if key[0] == name))


def endpoints():
    """Every row of the table, in its order."""
    text = source(os.path.join(MODULE, "ngx_http_magasin_routes.c"))
    match = re.search(
        r"ngx_http_magasin_endpoints\[\] = \{(.*?)\n\};", text, re.S)
    if not match:
        raise Failure("ngx_http_magasin_routes.c has no table")
    found = [Endpoint(row) for row in rows(match.group(1))]
    # Were a row in a form of its own, it would be missing.
    if len(found) != match.group(1).count("NGX_HTTP_MAGASIN_SQL_"):
        raise Failure("some rows of the table are not understood")
    tables = Tables()
    for endpoint in found:
        tables.fill(endpoint)
    return found


def shared_parameters():
    """What is read of every query."""
    text = source(os.path.join(MODULE, "ngx_http_magasin_dispatch.c"))
    return set(PARAMETER.findall(text))


def main():
    print(json.dumps([{
        "name": endpoint.name,
        "method": endpoint.method.upper(),
        "path": endpoint.path,
        "scope": endpoint.scope,
        "place": endpoint.place,
        "open": endpoint.open,
        "live": endpoint.live,
        "table": endpoint.table,
        "extra": endpoint.extra,
        "tags": endpoint.tags,
    } for endpoint in endpoints()], indent=1))


if __name__ == "__main__":
    main()
