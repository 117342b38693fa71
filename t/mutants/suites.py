"""Which suites are likely to see a fault first: those named after the file or
the function, then those that execute most of it for their size, if make
coverage has recorded that (t/mutants/executed)."""

import glob
import os
import re

EXECUTED = "build/coverage/executed"

# They check the house, not what it does.
NEVER = {"rooms.t", "starts.t"}

# Words of names that tell nothing.
COMMON = {"ngx", "http", "magasin", "c", "sql", "t", "the", "pg", "module",
          "get", "set", "par", "de", "list"}

STATEMENT = re.compile(r"NGX_HTTP_MAGASIN_SQL_(\w+)")
FUNCTION = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION (\w+)\s*\(", re.M)

# The French of the functions, the English of the suites.
ENGLISH = {
    "produit": "products", "vente": "sales", "magasin": "stores",
    "comptage": "counts", "transfert": "transfers", "retour": "returns",
    "reception": "receipts", "demande": "replenishments", "lot": "lots",
    "journal": "journal", "seuil": "thresholds", "code": "codes",
    "reference": "references", "reservation": "reservations",
    "cumul": "rollups", "cumuls": "rollups", "compte": "counters",
    "comptes": "counters", "recherche": "search", "besoins": "needs",
    "retenu": "holds", "retenues": "holds", "fuseau": "stores",
    "description": "product", "prix": "product", "ecritures": "sales",
    "mouvements": "transfers", "catalogue": "products", "tour": "turns",
    "ligne": "sales", "stock": "stock", "rupture": "stock",
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def words(name):
    """What a name tells, in English and without a plural."""
    base = os.path.basename(name).rsplit(".", 1)[0]
    base = base.replace("ngx_http_magasin_", "")
    found = set()
    for word in re.split(r"[_\W\d]+", base):
        word = ENGLISH.get(word, ENGLISH.get(word.rstrip("s"), word))
        if word and word not in COMMON:
            found.add(word.rstrip("s"))
    return found


class Suites:
    def __init__(self, top):
        self.top = top
        self.all = sorted(path[len(top) + 1:]
                          for path in glob.glob(os.path.join(top, "t/*.t"))
                          if os.path.basename(path) not in NEVER)
        self.texts = {suite: read(os.path.join(top, suite))
                      for suite in self.all}
        self.executed = {}
        self.seconds = {}
        for path in glob.glob(os.path.join(top, EXECUTED, "*.t")):
            suite, lines = "t/" + os.path.basename(path), {}
            for row in read(path).splitlines():
                name, numbers = row.split("\t")
                lines[name] = {int(number) for number in numbers.split()}
            self.seconds[suite] = min(lines.pop("seconds", {60}))
            self.executed[suite] = lines
        self.callers = {}       # statement: files of C
        for path in glob.glob(os.path.join(top, "ngx_http_magasin_module",
                                           "**", "*.c"), recursive=True):
            for name in set(STATEMENT.findall(read(path))):
                self.callers.setdefault(name.lower(), set()).add(
                    os.path.relpath(path, top))
        self.statements = {
            os.path.basename(path)[:-4]: read(path) for path in
            glob.glob(os.path.join(top, "sql/statements/*.sql"))}
        self.schema = "\n".join(
            read(path) for path in
            sorted(glob.glob(os.path.join(top, "sql/schema/*.sql"))))

    def function_of(self, point):
        """The function of a migration that the point is in, or None."""
        text = read(os.path.join(self.top, point.path))
        found = None
        for match in FUNCTION.finditer(text):
            if match.start() > point.start:
                break
            found = match.group(1)
        return found

    def using(self, function):
        """Statements that call a function, also by way of others."""
        names, known = [function], {function}
        while names and len(known) < 40:
            call = re.compile(r"\b%s\s*\(" % re.escape(names.pop(0)))
            for text in self.schema.split("\nCREATE "):
                match = FUNCTION.match("CREATE " + text)
                if (match and match.group(1) not in known
                        and call.search(text, match.end())):
                    known.add(match.group(1))
                    names.append(match.group(1))
        return {name for name, text in self.statements.items()
                if any(re.search(r"\b%s\s*\(" % re.escape(function), text)
                       for function in known)}

    def share(self, suite, files):
        """The part of what a suite executes that these files are, by the time
        that it takes."""
        lines = self.executed.get(suite)
        if not lines:
            return 0.0
        return (sum(len(lines.get(path, ())) for path in files)
                / sum(len(numbers) for numbers in lines.values())
                / (5 + self.seconds[suite]))

    def order(self, point):
        """(suites, whether a suite is known to execute the line): the most
        likely one first.  Who certainly does not execute it is left out."""
        if point.language == "c":
            number = point.line(read(os.path.join(self.top, point.path)))
            span = range(number, number + point.new.count("\n") + 2)
            seen = {suite for suite, lines in self.executed.items()
                    if any(line in lines.get(point.path, ())
                           for line in span)}
            # A line without a counter is a part of a statement.
            counted = any(number in lines.get(point.path, ())
                          for lines in self.executed.values())
            suites = [suite for suite in self.all
                      if suite in seen or not counted
                      or suite not in self.executed]
            files, named, function = {point.path}, words(point.path), None
        else:
            function = None
            if point.path.startswith("sql/schema"):
                function = self.function_of(point)
            if function:
                statements = self.using(function)
                named = words(function)
            else:
                statements = {os.path.basename(point.path)[:-4]}
                named = words(point.path)
            files = {path for name in statements
                     for path in self.callers.get(name, ())}
            suites, seen = list(self.all), set()
            for name in statements:
                named |= words(name) if len(statements) < 4 else set()

        spoken = [word for word in re.split(r"[_\W\d]+", function or "")
                  if len(word) > 3]

        def rank(suite):
            text = self.texts[suite]
            return (-bool(function and function in text),
                    -len(named & words(suite)),
                    -self.share(suite, files), suite not in seen,
                    -sum(text.count(word) for word in spoken), suite)

        return sorted(suites, key=rank), bool(seen)
