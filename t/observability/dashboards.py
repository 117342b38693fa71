"""Grafana's dashboards: their types, what they ask, and whether Prometheus
has it."""

import datetime
import functools
import glob
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
GRAFANA = os.path.join(TOP, "grafana")
WORK = os.path.join(TOP, "build", "observability")

sys.path.insert(0, os.path.join(GRAFANA, "source"))
import translations  # noqa: E402

# From t/nodes, which run knows.
from fit import with_mistake  # noqa: E402

# Words of a dashboard that is wrong, which the types have to find.
WRONG = (('"unit": "reqps"', '"unit": "rps"'),
         ('"showPoints": "never"', '"showPoints": "newer"'),
         ('"wideLayout": true', '"wideLayouts": true'),
         ('"expr": ', '"exp": '),
         ('"uid": "${datasource}"', '"uid": "prometheus"'),
         ('"type": "heatmap"', '"type": "heatmaps"'))


def dashboards():
    found = []
    for path in sorted(glob.glob(os.path.join(GRAFANA, "dashboards",
                                              "*.json"))):
        with open(path, encoding="utf-8") as file:
            found.append(json.load(file))
    return found


def targets(board, title=None):
    """(title of the panel, expression, is it about now?)"""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield (panel["title"] if title is None else title,
                   target["expr"], target.get("instant", False))


def pairs():
    """(a dashboard, the same in the other language)"""
    found = {board["uid"]: board for board in dashboards()}
    for uid, board in found.items():
        language, *_ = (tag for tag in board["tags"] if tag in ("en", "fr"))
        other = found.get(f"{uid}-{'fr' if language == 'en' else 'en'}")
        if not uid.endswith(("-en", "-fr")):
            yield board, other


def untranslated():
    """What differs in the other language, but for the words."""
    found = []
    count = 0
    for board, other in pairs():
        count += 1
        if other is None:
            found.append(f"{board['uid']} is in one language only")
        elif list(targets(board, "")) != list(targets(other, "")):
            found.append(f"{other['uid']} does not ask the same")
    return found if count else ["there are no dashboards"]


def unnoticed():
    """Strings that the table could lack without an error."""
    found = []
    for board, _ in pairs():
        said = set()
        translations.walk(board, lambda text: said.add(text) or text)
        for pair in translations.PAIRS:
            less = [one for one in translations.PAIRS if one != pair]
            try:
                if said.intersection(pair):
                    translations.translated(board, less)
                    found.append(f"{board['uid']}: {pair}")
            except translations.Missing:
                pass
    return found


def stale():
    done = subprocess.run([os.path.join(GRAFANA, "generate"), "--check"],
                          stderr=subprocess.PIPE, text=True, check=False)
    return done.stderr if done.returncode else ""


def careless():
    """What Grafana would take, and a person would not."""
    found = []
    boards = dashboards()
    uids = [board["uid"] for board in boards]
    if len(set(uids)) != len(uids):
        found.append(f"uids are not unique: {uids}")
    for board in boards:
        for panel in board["panels"]:
            where = f"{board['uid']}, {panel['title']}"
            if panel["type"] == "row":
                continue
            if len(panel["description"]) < 10:
                found.append(f"{where}: no description")
            if not panel["targets"]:
                found.append(f"{where}: no query")
            for target in panel["targets"]:
                if re.search(r"\[(?!\$__(rate_interval|range)\])",
                             target["expr"]):
                    found.append(f"{where}: a fixed window")
                if 'job="$job"' not in target["expr"] and \
                        "ALERTS" not in target["expr"]:
                    found.append(f"{where}: not limited to one job")
    return found


def texts():
    """{name of a dashboard: its text}"""
    found = {}
    for path in glob.glob(os.path.join(GRAFANA, "dashboards", "*.json")):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)] = file.read()
    return found


def typescript(boards):
    """What the compiler says of them against Grafana's own types."""
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(os.path.join(GRAFANA, "types"), WORK)
    os.symlink(os.path.join(TOP, "web", "node_modules"),
               os.path.join(WORK, "node_modules"))
    for name, text in boards.items():
        path = os.path.join(WORK, name.replace(".json", ".ts"))
        with open(path, "w", encoding="utf-8") as file:
            file.write("import type { Checked } from './dashboard';\n"
                       f"export const dashboard: Checked =\n{text}")
    done = subprocess.run(
        [os.path.join(WORK, "node_modules", ".bin", "tsc"), "-p", WORK],
        stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode and not done.stdout:
        return "tsc has failed"
    return done.stdout


def mistaken(old, new):
    """The dashboards with the mistake."""
    right = texts()
    return dict(zip(right, with_mistake("the dashboards", right.values(), old,
                                        new)))


def fitting():
    """{what: a function that makes the mistake}"""
    return {f"{new} in dashboards": functools.partial(mistaken, old, new)
            for old, new in WRONG}


def mistyped():
    """The mistakes that the types do not find."""
    return [new for old, new in WRONG if not typescript(mistaken(old, new))]


class Prometheus:
    """A real one; `scrape` is its interval in seconds, and Grafana's rate
    interval is made from it as Grafana does."""

    def __init__(self, port, scrape):
        self.base = f"http://127.0.0.1:{port}/api/v1/"
        self.values = {"$__rate_interval": f"{4 * scrape}s",
                       "$__range": "60s", "$job": "magasin",
                       "$instance": ".+", "$magasin": ".+"}
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}))

    def get(self, path, **parameters):
        url = self.base + path + "?" + urllib.parse.urlencode(parameters)
        try:
            with self.opener.open(url, timeout=10) as answer:
                content = json.load(answer)
        except urllib.error.HTTPError as error:
            content = json.load(error)
        return content

    def follows(self, instant):
        """Wait until it has scraped after this instant, and has evaluated all
        rules after that."""
        end = time.monotonic() + 120
        scraped = 0
        while time.monotonic() < end:
            if scraped <= instant:
                result = self.get("query", query="min(timestamp("
                                  "magasin_workers))")["data"]["result"]
                scraped = float(result[0]["value"][1]) if result else 0
            else:
                groups = self.get("rules")["data"]["groups"]
                # Whole seconds will do.
                times = [re.sub(r"\.\d+", "", group["lastEvaluation"])
                         for group in groups]
                if all(datetime.datetime.fromisoformat(text).timestamp()
                       > scraped for text in times):
                    return
            time.sleep(0.2)
        raise SystemExit("Prometheus does not follow.")

    def complaint(self, expression, now, at, seconds=60):
        """Why a panel would show nothing, or something false."""
        for name, value in self.values.items():
            expression = expression.replace(name, value)
        # $1 is what label_replace() has found.
        if re.search(r"\$(?!1\b)", expression):
            return f"a variable that nobody knows: {expression}"
        if now:
            content = self.get("query", query=expression, time=at)
        else:
            content = self.get("query_range", query=expression,
                               start=at - seconds, end=at, step=1)
        if content["status"] != "success":
            return f"{content['error']}: {expression}"
        if content.get("warnings"):
            return f"{content['warnings']}: {expression}"
        values = [value for series in content["data"]["result"]
                  for _, value in (series.get("values") or
                                   [series["value"]])]
        if not any(math.isfinite(float(value)) for value in values):
            return f"{'only NaN' if values else 'nothing'}: {expression}"
        return ""

    def rules(self):
        """Rules that could not be evaluated, and recordings of nothing."""
        found = []
        for group in self.get("rules")["data"]["groups"]:
            for rule in group["rules"]:
                if rule["health"] != "ok":
                    found.append(f"{rule['name']}: {rule['health']} "
                                 f"{rule.get('lastError', '')}")
                elif rule["type"] == "recording":
                    content = self.get("query", query=rule["name"])
                    if not content["data"]["result"]:
                        found.append(f"{rule['name']} is empty")
        return found

    def panels(self, board, at):
        return [f"{title}: {complaint}"
                for title, expression, now in targets(board)
                for complaint in [self.complaint(expression, now, at)]
                if complaint]

    def variables(self, board, at):
        found = []
        for variable in board["templating"]["list"]:
            if variable["type"] != "query":
                continue
            metric, label = re.fullmatch(
                r"label_values\((.*), (\w+)\)",
                variable["query"]["query"]).groups()
            complaint = self.complaint(f'count by ({label}) ({metric})', True,
                                       at)
            if complaint:
                found.append(f"{variable['name']}: {complaint}")
        return found
