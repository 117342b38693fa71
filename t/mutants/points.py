"""Where a fault can be planted, and which: a Point is one change of one place
of one file.  Comments and literals are not changed."""

import os
import re

C_FOLDER = "ngx_http_magasin_module"
SQL_FOLDERS = ("sql/statements", "sql/schema")


class Point:
    """language: "c" or "sql".  start, end: what `new` replaces."""

    def __init__(self, language, path, operator, start, end, new):
        self.language = language
        self.path = path
        self.operator = operator
        self.start = start
        self.end = end
        self.new = new

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]

    def line(self, text):
        return text.count("\n", 0, self.start) + 1

    def lines(self, text):
        """The lines it changes, as they are and as they become."""
        begin = text.rfind("\n", 0, self.start) + 1
        end = text.find("\n", self.end)
        end = len(text) if end < 0 else end
        return (" ".join(text[begin:end].split()),
                " ".join((text[begin:self.start] + self.new
                          + text[self.end:end]).split()))


# An operator is (name, pattern, replacement): the replacement is a text for
# re.Match.expand(), or a function of the match.

def swap(pairs):
    both = dict(pairs)
    both.update({after: before for before, after in pairs})
    return lambda match: both[match.group(0)]


def shifted(match):
    return str(int(match.group(0)) + 1)


# A statement is a whole one, after a line that ends another: what a condition
# without braces governs does not occur in this code.
STATEMENT = r"(?<=[;{}]\n)(?P<space>[ ]+|\n[ ]+)"

C_OPERATORS = [
    ("comparison flipped", r"==|!=", swap([("==", "!=")])),
    ("comparison flipped", r" < | > ", swap([(" < ", " > ")])),
    ("off by one", r" < | <= ", swap([(" < ", " <= ")])),
    ("off by one", r" > | >= ", swap([(" > ", " >= ")])),
    ("off by one", r" [-+] 1\b", ""),
    ("sum turned", r" \+ | - ", swap([(" + ", " - ")])),
    ("sum turned", r"\+= |-= ", swap([("+= ", "-= ")])),
    ("condition negated", r"(?<=\bif )\((?P<it>[^\n]*)\) \{", r"(!(\g<it>)) {"),
    ("and for or", r"&&|\|\|", swap([("&&", "||")])),
    ("negation removed", r"!(?=[a-z(])", ""),
    ("result swapped", r"(?<=return )(NGX_OK|NGX_ERROR)(?=;)",
     swap([("NGX_OK", "NGX_ERROR")])),
    ("result swapped", r"(?<=return )(NGX_AGAIN|NGX_DECLINED|NGX_DONE)(?=;)",
     "NGX_OK"),
    ("constant changed", r"(?<![\w.])\d+(?![\w.])", shifted),
    ("flag turned", r"(?<= = )[01](?=;)", swap([("0", "1")])),
    ("break removed", STATEMENT + r"break;\n", r"\g<space>/* fall through */\n"),
    ("call removed", STATEMENT + r"(?!return\b)[a-z_]\w*\([^;{}]*\);\n",
     r"\g<space>;\n"),
    ("cleanup removed", STATEMENT + r"\w*(free|close|cancel|untell|leave|"
     r"remove|release|delete|del_timer|cleanup|destroy|unlock)\w*\([^;{}]*\);\n",
     r"\g<space>;\n"),
    ("assignment removed", STATEMENT + r"[a-z_][\w.>\[\]-]* [-+|&]?= [^;{}]*;\n",
     r"\g<space>;\n"),
    ("assignment removed", STATEMENT + r"[a-z_][\w.>\[\]-]*(\+\+|--);\n",
     r"\g<space>;\n"),
]

SQL_OPERATORS = [
    ("comparison flipped", r" = (?=[^\n])| <> ", swap([(" = ", " <> ")])),
    ("comparison flipped", r" < | > ", swap([(" < ", " > ")])),
    ("off by one", r" < | <= ", swap([(" < ", " <= ")])),
    ("off by one", r" > | >= ", swap([(" > ", " >= ")])),
    ("sum turned", r" \+ | - ", swap([(" + ", " - ")])),
    ("order removed", r"\bORDER BY [^\n();]+", ""),
    ("order turned", r"\bDESC\b", ""),
    ("default removed", r"\bcoalesce\((?P<it>[\w.$]+(\([\w.$, ]*\))?(::\w+)?), "
     r"[^()\n]+\)", r"\g<it>"),
    ("lock removed", r"\bFOR (NO KEY )?(UPDATE|SHARE|KEY SHARE)( OF \w+)?", ""),
    ("condition removed", r"\bAND (NOT )?[\w.$]+( IS (NOT )?NULL"
     r"| (=|<>|<|>|<=|>=) [\w.$:]+)(?=[\s;)])", ""),
    ("condition removed", r"\bWHERE [\w.$]+ (=|<>|<|>|<=|>=) [\w.$:]+(?=[\s;)])",
     "WHERE true"),
    ("negation removed", r"\bNOT (?!NULL|EXISTS \w+\.|DEFERR|MATERIAL)", ""),
    ("null turned", r"\bIS (NOT )?NULL\b",
     swap([("IS NULL", "IS NOT NULL")])),
    ("and for or", r"\b(AND|OR)\b", swap([("AND", "OR")])),
    ("constant changed", r"(?<![\w.$'-])\d+(?![\w.'])", shifted),
    ("distinct removed", r"\bDISTINCT (?!FROM|ON)", ""),
    ("join turned", r"\bLEFT JOIN\b", "JOIN"),
    ("least for greatest", r"\b(least|greatest)(?=\()",
     swap([("least", "greatest")])),
]

# What has no effect on any answer.
QUIET = {
    "c": re.compile(r"ngx_log_debug|ngx_log_error|ngx_http_magasin_log\w*\(|"
                    r"^\s*#|^static [^=]*;$|__attribute__"),
    "sql": re.compile(r"^\s*(COMMENT|GRANT|REVOKE|ALTER FUNCTION|\\)|COST \d"),
}


def blank(match):
    return re.sub(r"[^\n]", "\x00", match.group(0))


def masked(text, language):
    """The text without comments and literals, at the same places."""
    if language == "c":
        pattern = (r"/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)+'"
                   r"|^#(?:[^\n]*\\\n)*[^\n]*")
    else:
        pattern = r"--[^\n]*|'[^']*'"
    return re.sub(pattern, blank, text, flags=re.S | re.M)


def sources(top):
    for folder, language in [(C_FOLDER, "c"),
                             *((name, "sql") for name in SQL_FOLDERS)]:
        for root, folders, names in os.walk(os.path.join(top, folder)):
            folders.sort()
            for name in sorted(names):
                if name.endswith(".c" if language == "c" else ".sql"):
                    yield (os.path.relpath(os.path.join(root, name), top),
                           language)


FUNCTION = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION (\w+)\s*\(", re.M)
DROPPED = re.compile(r"^DROP FUNCTION (?:IF EXISTS )?(\w+)\s*\(", re.M)


def replaced(top):
    """{path: [(start, end)]}: functions that a later migration defines anew or
    drops."""
    last, places = {}, []
    for path, language in sources(top):
        if not path.startswith("sql/schema"):
            continue
        with open(os.path.join(top, path), encoding="utf-8") as file:
            text = file.read()
        for match in DROPPED.finditer(text):
            last[match.group(1)] = path
        for match in FUNCTION.finditer(text):
            end = text.find("\n$$;", match.start())
            end = len(text) if end < 0 else end
            places.append((path, match.group(1), match.start(), end))
            last[match.group(1)] = path
    dead = {}
    for path, name, start, end in places:
        if last[name] != path:
            dead.setdefault(path, []).append((start, end))
    return dead


def quiet(text, start, language):
    """Whether the statement there only logs, comments or grants."""
    line = text.rfind("\n", 0, start) + 1
    if QUIET[language].search(text[line:text.find("\n", start)]):
        return True
    if language == "sql":
        return False
    # A call may go over several lines.
    begin = max(text.rfind(mark, 0, start) for mark in (";\n", "{\n", "}\n"))
    return bool(QUIET["c"].search(text[begin + 1:start]))


def points(top, only=None):
    """All of them, by operator: {(language, operator): [Point]}."""
    found = {}
    dead = replaced(top)
    for path, language in sources(top):
        if only and only not in path:
            continue
        with open(os.path.join(top, path), encoding="utf-8") as file:
            text = file.read()
        bare = masked(text, language)
        for name, pattern, new in (C_OPERATORS if language == "c"
                                   else SQL_OPERATORS):
            for match in re.finditer(pattern, bare):
                start, end = match.span()
                if any(first <= start < last
                       for first, last in dead.get(path, [])):
                    continue
                if quiet(text, start, language):
                    continue
                real = re.compile(pattern).match(text, start)
                if real is None or real.end() != end:
                    continue
                made = new(real) if callable(new) else real.expand(new)
                if "\x00" in made or made == text[start:end]:
                    continue
                if language == "c" and bare.rfind("{", 0, start) < 0:
                    continue
                found.setdefault((language, name), []).append(
                    Point(language, path, name, start, end, made))
    return found
