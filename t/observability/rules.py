"""Prometheus's configuration and rules: promtool's tests, and whether those
tests would notice."""

import concurrent.futures
import functools
import glob
import os
import re
import shutil
import subprocess
import tempfile

import yaml

# From t/nodes, which run knows.
from fit import with_mistake

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PROMETHEUS = os.path.join(TOP, "prometheus")
RUNBOOK = os.path.join(TOP, "docs", "operations.md")

# What a rule might say by mistake, and the test that has to find it.
MISTAKES = (
    ("objectives.yml", 'status=~"5.."', 'status=~"4.."',
     "3 % of the requests fail"),
    ("objectives.yml", "expr: vector(0.01)", "expr: vector(0.1)",
     "one read in five is slow"),
    ("objectives.yml", "[{]id[}]/stock", "[{]id[}]/stocks",
     "what is slow is written, or as long as the store is large"),
    ("alerts.yml", "ratio_rate5m > 14.4", "ratio_rate5m > -1",
     "3 % failed, but for ten minutes none does"),
    ("alerts.yml", "* 3600 >= 5", "* 3600 >= 0",
     "half of what comes at night fails, which is four requests"),
    ("recordings.yml", "max by (job, magasin) (magasin_ruptures)",
     "sum by (job, magasin) (magasin_ruptures)",
     "a store is out of twelve products for an hour"),
)


def promtool(*words):
    done = subprocess.run(["promtool", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def save(path, content):
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file)


def alerts():
    return [rule
            for group in load(os.path.join(PROMETHEUS, "rules", "alerts.yml"))
            ["groups"] for rule in group["rules"] if "alert" in rule]


def test_files(directory=PROMETHEUS):
    return sorted(glob.glob(os.path.join(directory, "tests", "*.yml")))


def configuration():
    """What promtool has against it."""
    status, said = promtool(
        "check", "config", os.path.join(PROMETHEUS, "prometheus.yml"))
    return said if status else ""


def tests(directory=PROMETHEUS):
    """What promtool says of all tests, which run beside each other."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(
            lambda path: promtool("test", "rules", path),
            test_files(directory)))
    return (max(status for status, _ in results),
            "".join(said for _, said in results))


def untested():
    """Alerts without a test that makes them fire, or that does not, or without
    what a person needs who is woken by them."""
    fires, silent = set(), set()
    for path in test_files():
        for group in load(path)["tests"]:
            for case in group.get("alert_rule_test", ()):
                (fires if case["exp_alerts"] else silent).add(
                    case["alertname"])
    with open(RUNBOOK, encoding="utf-8") as file:
        sections = set(re.findall(r"(?m)^### (\w+)$", file.read()))
    found = []
    for rule in alerts():
        name = rule["alert"]
        anchor = f"docs/operations.md#{name.lower()}"
        for what, fine in (
                ("a test that makes it fire", name in fires),
                ("a test that leaves it silent", name in silent),
                ("a severity", rule["labels"].get("severity")
                 in ("page", "ticket")),
                ("its section in docs/operations.md", name in sections),
                (f"the runbook_url {anchor}",
                 rule["annotations"].get("runbook_url") == anchor),
                ("a summary and a description",
                 rule["annotations"].get("summary")
                 and rule["annotations"].get("description"))):
            if not fine:
                found.append(f"{name} has not {what}")
    return found


def rule_files(directory=PROMETHEUS):
    return sorted(glob.glob(os.path.join(directory, "rules", "*.yml")))


def unasked(directory=PROMETHEUS):
    """Recordings that no test asks for, by their name and, where several have
    it, by their labels."""
    asked = [case["expr"] for path in test_files(directory)
             for group in load(path)["tests"]
             for case in group.get("promql_expr_test", ())]
    found = []
    for path in rule_files(directory):
        for group in load(path)["groups"]:
            for rule in group["rules"]:
                if "record" not in rule:
                    continue
                name = re.compile(
                    r"(?<![\w:])" + re.escape(rule["record"]) + r"(?![\w:])"
                    + "".join(rf'(?=[^}}]*{label}="{value}")' for label, value
                              in rule.get("labels", {}).items()))
                if not any(name.search(expression) for expression in asked):
                    found.append(f"{rule['record']} {rule.get('labels', '')} "
                                 "has no test of its values")
    return found


def unasked_plant():
    """What unasked() says of rules with one more recording."""
    with tempfile.TemporaryDirectory() as directory:
        for name in ("rules", "tests"):
            shutil.copytree(os.path.join(PROMETHEUS, name),
                            os.path.join(directory, name))
        path = os.path.join(directory, "rules", "recordings.yml")
        content = load(path)
        content["groups"][0]["rules"].append(
            {"record": "job:planted:sum", "expr": "sum by (job) (up)"})
        save(path, content)
        return unasked(directory)


def alertmanager():
    """What amtool has against the example of Alertmanager."""
    done = subprocess.run(
        ["amtool", "check-config",
         os.path.join(PROMETHEUS, "alertmanager.yml")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    return done.stdout or "rejected" if done.returncode else ""


def alertmanager_routes():
    """Alerts whose severity goes to another receiver than it should."""
    found = []
    for severity in ("page", "ticket"):
        done = subprocess.run(
            ["amtool", "config", "routes", "test", "--config.file",
             os.path.join(PROMETHEUS, "alertmanager.yml"),
             "job=magasin", f"severity={severity}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            check=False)
        if done.stdout.strip() != severity:
            found.append(f"{severity} goes to {done.stdout.strip()}")
    return found


def planted(change, only=None):
    """What the tests, or those of one name, say of other rules:
    change(directory) makes them so."""
    with tempfile.TemporaryDirectory() as directory:
        for name in ("rules", "tests"):
            shutil.copytree(os.path.join(PROMETHEUS, name),
                            os.path.join(directory, name))
        change(os.path.join(directory, "rules"))
        for path in test_files(directory) if only else ():
            content = load(path)
            content["tests"] = [test for test in content["tests"]
                                if test["name"] == only]
            if content["tests"]:
                save(path, content)
            else:
                os.remove(path)
        return tests(directory)


def unnoticed(expression):
    """The alerts whose tests do not mind that all of them have this one."""
    def change(directory):
        path = os.path.join(directory, "alerts.yml")
        content = load(path)
        for group in content["groups"]:
            for rule in group["rules"]:
                rule["expr"] = expression
                rule.pop("for", None)
        save(path, content)
    noticed = set(re.findall(r"alertname: (\w+), time:",
                             planted(change)[1]))
    return [rule["alert"] for rule in alerts()
            if rule["alert"] not in noticed]


def mistaken(name, old, new):
    """The rules of a file with the mistake."""
    with open(os.path.join(PROMETHEUS, "rules", name),
              encoding="utf-8") as file:
        [text] = with_mistake(name, [file.read()], old, new)
    return text


def fitting():
    """{what: a function that makes the mistake}"""
    return {f"{new} in {name}": functools.partial(mistaken, name, old, new)
            for name, old, new, _ in MISTAKES}


def mistakes():
    """The tests that do not find the mistake that they are there for."""
    found = []
    for name, old, new, test in MISTAKES:
        try:
            text = mistaken(name, old, new)
        except ValueError as error:
            found.append(str(error))
            continue

        def change(directory):
            with open(os.path.join(directory, name), "w",
                      encoding="utf-8") as file:
                file.write(text)
        if "FAILED" not in planted(change, test)[1]:
            found.append(f"{test}: not with {new}")
    return found
