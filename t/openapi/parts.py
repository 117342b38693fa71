"""Parts of the document that cannot be put together, or that the linter must
not pass.  What is said of them has to name the file and the line."""

import functools
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

from live import HERE, TOP

# What is planted, as {file: (old text, new text)}; a text that the line with
# the error has; and what else it names: {file: expression}, with the line
# that the expression's match ends on.
JOINED = {
    "a schema of two parts": (
        {"sales.json": ('"schemas": {',
                        '"schemas": {\n"Stock": {"type": "object"},')},
        "components.schemas.Stock ",
        {"sales.json": r'"Stock": \{"', "stock.json": r'"Stock": \{\s*"'}),
    "a parameter of two parts": (
        {"sales.json": ('"components": {',
                        '"components": {"parameters":\n{"limit": {"in":\n'
                        '"query"}},')},
        "components.parameters.limit ",
        {"sales.json": r'"limit": \{"in":\n', "common.json":
         r'"limit": \{\s*"'}),
    "a response of two parts": (
        {"reports.json": ('"components": {',
                          '"components": {"responses":\n{"Forbidden":'
                          ' {"description": "Non."}},')},
        "components.responses.Forbidden ",
        {"reports.json": r'"Forbidden": \{"', "common.json":
         r'"Forbidden": \{\s*"'}),
    "a path of two parts": (
        {"sales.json": ('"paths": {',
                        '"paths": {\n"/api/v1/stores/": {},')},
        "paths./api/v1/stores/ ",
        {"sales.json": '"/api/v1/stores/": {}', "stores.json":
         r'"/api/v1/stores/": \{\s*"'}),
    "a path of two parts, whose parameter has two names": (
        {"sales.json": ('"paths": {',
                        '"paths": {\n"/api/v1/stores/{numero}/": {},')},
        "paths./api/v1/stores/{id}/ ",
        {"sales.json": "numero", "stores.json":
         r'"/api/v1/stores/\{id\}/": \{\s*"'}),
    "an operationId of two parts": (
        {"sales.json": ('"operationId": "sales"', '"operationId": "stores"')},
        "operationId.stores ",
        {"sales.json": '"operationId": "stores"', "stores.json":
         '"operationId": "stores"'}),
    "an operationId twice in a part": (
        {"sales.json": ('"operationId": "sale"', '"operationId": "sales"')},
        "operationId.sales ", {"sales.json": '"operationId": "sales"'}),
    "an operationId that is the first value of its path": (
        {"operations.json": ('"paths": {',
                             '"paths": {\n"/x/": {"get": {"operationId": '
                             '"sale"}},')},
        "operationId.sale ",
        {"operations.json": '"sale"', "sales.json": '"operationId": "sale"'}),
    "tags of two parts": (
        {"sales.json": ("{", '{"tags": [{"name": "Ventes"}],')},
        " tags ", {"sales.json": "tags", "api.json": r'"tags": \[\s*\{'}),
    "a title of two parts": (
        {"sales.json": ("{", '{"info": {"title": "Ventes"},')},
        "info.title ", {"sales.json": "info", "api.json": '"title"'}),
    "a version besides VERSION's": (
        {"api.json": ('"title"', '"version": "0",\n"title"')},
        "info.version ", {"api.json": '"version"', "VERSION": "."}),
    "a schema twice in a part": (
        {"sales.json": ('"schemas": {',
                        '"schemas": {\n"Vente": {"type": "object"},')},
        "components.schemas.Vente ",
        {"sales.json": r'(?s)"Vente": \{"(.*)"Vente": \{\s*"'}),
    "a member twice in an operation": (
        {"sales.json": ('"operationId": "sales",',
                        '"operationId": "sales",\n"tags": [],\n')},
        "paths./api/v1/sales/.get.tags ",
        {"sales.json": r'(?s)"tags": \[\],.*?"tags": \['}),
    "paths that are no object": (
        {"sales.json": ('"paths": {', '"paths": ["/"], "x-paths": {')},
        "paths is no object", {"sales.json": r'"paths": \["'}),
    "a comma that is missing": (
        {"sales.json": ('"operationId": "sales",', '"operationId": "sales"')},
        "", {"sales.json": r'"operationId": "sales"\s*"'}),
    "a comma too many": (
        {"stock.json": ('"tags": ["Stock"],', '"tags": ["Stock",],')},
        "", {"stock.json": r'"tags": \["Stock",\]'}),
    "a brace that is missing": (
        {"stores.json": ('"components": {', '"components":')},
        "", {"stores.json": '"components":.*\n *"responses":'}),
    "a part that is empty": (
        {"stores.json": (None, "")}, "", {"stores.json": ""}),
    "a part that is an array": (
        {"stores.json": (None, "[]")}, "array", {"stores.json": ""}),
    "two objects in a part": (
        {"stores.json": (None, "{}\n{}")}, "2", {"stores.json": ""}),
}

# All at once, since the linter takes seconds: {file: (old, new, what is said,
# the expression)}.
LINTED = {
    "sales.json": ('"#/components/schemas/Ventes"',
                   '"#/components/schemas/Vendues"', "Can't resolve $ref",
                   "Vendues"),
    "stores.json": ('"operationId": "stores",',
                    '"operationId": "stores",\n"sumary": "",',
                    "`sumary` is not expected", "sumary"),
    "common.json": ('"maximum": 1000,', '"maximum": "1000",',
                    "Expected type `number`", '"maximum": "1000"'),
}


class Planted:
    """A copy of the parts, in which something is wrong."""

    def __init__(self, directory, changes):
        self.directory = os.path.join(directory, "parts")
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(os.path.join(TOP, "web", "openapi"), self.directory)
        for name, (old, new) in changes.items():
            text = self.read(name)
            if old is not None and old not in text:
                raise ValueError(f"{name} has no {old}")
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(new if old is None else text.replace(old, new, 1))

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def place(self, name, expression):
        """FILE:LINE, as a message has it."""
        if name == "VERSION":
            return "VERSION:1"
        text = self.read(name)
        end = re.search(expression, text).end()
        return f"{self.path(name)}:{1 + text.count(chr(10), 0, end)}"

    def join(self):
        return subprocess.run(
            [os.path.join(TOP, "scripts", "openapi_join.sh"), self.directory],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)

    def lint(self, text):
        path = os.path.join(self.directory, os.pardir, "openapi.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return subprocess.run(
            ["node", os.path.join(HERE, "lint.mjs"), path,
             *sorted(glob.glob(os.path.join(self.directory, "*.json")))],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)


def missing(done, wanted):
    """What is wrong with a run that has to fail and to say, in one line, each
    of these texts."""
    lines = done.stderr.splitlines()
    if done.returncode != 1 or done.stdout:
        return f"exit {done.returncode}, {len(done.stdout)} bytes"
    # A line number ends where it ends.
    if not any(all(re.search(re.escape(text) + r"(?!\d)", line)
                   for text in wanted) for line in lines):
        return [f"none has all of {wanted}:", *lines]
    return ()


def document():
    """The document, of the parts as they are."""
    with tempfile.TemporaryDirectory() as directory:
        done = Planted(directory, {}).join()
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def fits(changes, places):
    """Raises an exception where a change, or a place that is to be named, is
    not in the parts."""
    with tempfile.TemporaryDirectory() as directory:
        parts = Planted(directory, changes)
        for place in places.items():
            parts.place(*place)


def fitting():
    """{what: a function that plants it alone}"""
    alone = {what: (changes, places)
             for what, (changes, _, places) in JOINED.items()}
    alone |= {f"{said} in {name}": ({name: (old, new)}, {name: expression})
              for name, (old, new, said, expression) in LINTED.items()}
    return {what: functools.partial(fits, *plant)
            for what, plant in alone.items()}


def planted():
    """What was planted, and what is wrong with how it was found."""
    with tempfile.TemporaryDirectory() as directory:
        for what, (changes, said, places) in JOINED.items():
            parts = Planted(directory, changes)
            wanted = [parts.place(*place) for place in places.items()]
            yield what, missing(parts.join(), [said, *wanted])

        parts = Planted(directory, {name: plant[:2] for name, plant
                                    in LINTED.items()})
        done = parts.lint(parts.join().stdout)
        for name, (_, _, said, expression) in LINTED.items():
            yield f"{said} in {name}", missing(
                done, [said, parts.place(name, expression)])
