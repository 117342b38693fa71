"""Queries that show the names of stores, with the metric that tells them and
without it, asked of promtool."""

import functools
import os
import tempfile

import dashboards
import rules
# From t/nodes, which run knows.
from fit import with_mistake

INFO = "magasin_store_info"
RECORDED = ("job_magasin:magasin_ruptures:max",
            "job_magasin:magasin_surstock:max")

STOCK = {"1": 4, "2": 9, "autres": 1}
SAME = {("n1", "1"): "Lyon", ("n2", "1"): "Lyon"}
# The nodes have not learnt the new name at the same time.
OTHER = {("n1", "1"): "Lyon", ("n2", "1"): "Lyon Port"}

# What queries might say by mistake.
MISTAKES = (("or on (magasin)", "and on (magasin)"),
            ("topk by (magasin) (1, ", "("),
            ("group_left (nom) ", ""))


def queries():
    """Those of the dashboards that show a name."""
    return sorted({
        expression.replace("$job", "magasin").replace("$magasin", ".+")
        for board in dashboards.dashboards()
        for _, expression, _ in dashboards.targets(board)
        if INFO in expression})


def case(expression, names, expected):
    """expected: values by (store, name), or by store alone."""
    labels = [dict(zip(("magasin", "nom"), key)) for key in expected]
    series = [(f'{metric}{{job="magasin", magasin="{store}"}}', value)
              for metric in RECORDED for store, value in STOCK.items()]
    series += [(f'{INFO}{{job="magasin", instance="{node}", '
                f'magasin_id="{store}", nom="{name}"}}', 1)
               for (node, store), name in names.items()]
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": f"{value} {value}"}
                         for name, value in series],
        "promql_expr_test": [{
            "expr": expression, "eval_time": "1m", "exp_samples": [
                {"labels": "{" + ", ".join(
                    f'{key}="{text}"' for key, text in label.items()) + "}",
                 "value": value}
                for label, value in zip(labels, expected.values())]}]}


def wrong(asked):
    """What promtool says of queries."""
    cases = []
    for query in asked:
        named = f"max by (magasin, nom) ({query})"
        cases += [
            case(named, {}, {(store, store): value
                             for store, value in STOCK.items()}),
            case(named, SAME, {("1", "1 Lyon"): 4, ("2", "2"): 9,
                               ("autres", "autres"): 1}),
            case(f"count by (magasin) ({query})", OTHER,
                 {(store,): 1 for store in STOCK})]
    if not asked:
        return "no query shows a name"
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "names.yml")
        rules.save(path, {"evaluation_interval": "1m", "tests": cases})
        status, said = rules.promtool("test", "rules", path)
    return said if status else ""


def mistaken(old, new):
    """The queries with the mistake."""
    return with_mistake("the queries", queries(), old, new)


def fitting():
    """{what: a function that makes the mistake}"""
    return {f"{new!r} for {old!r}": functools.partial(mistaken, old, new)
            for old, new in MISTAKES}


def mistakes():
    """Wrong queries that the tests do not find."""
    return [old for old, new in MISTAKES
            if not wrong(mistaken(old, new))]
