"""Pieces of dashboards, as Grafana's JSON has them.

A panel is made without its place; Dashboard lays panels out in rows of 24
columns, from left to right, and numbers them in that order.
"""

import string

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
SCHEMA_VERSION = 42     # of @grafana/schema in web/package.json

# The colour of a value is that of the last step that it reaches.
PLAIN = [("green", None)]
QUIET = [("text", None)]


def where(*matchers):
    """A selector of series."""
    return "{" + ", ".join(matchers) + "}"


def rate(name, selector):
    return f"rate({name}{selector}[$__rate_interval])"


def thresholds(*steps):
    return {"mode": "absolute",
            "steps": [{"color": color, "value": value}
                      for color, value in steps]}


def target(expression, legend="", **more):
    return {"datasource": SOURCE, "editorMode": "code",
            "expr": " ".join(expression.split()),
            "legendFormat": legend or "__auto", "range": True, **more}


def now(expression, legend="", **more):
    """What is, instead of what was in the time that the dashboard shows."""
    return target(expression, legend, **{"instant": True, "range": False,
                                         **more})


def panel(kind, title, description, targets, width, height, field, options):
    for reference, query in zip(string.ascii_uppercase, targets):
        query["refId"] = reference
    return {"type": kind, "title": title, "description": description,
            "datasource": SOURCE, "gridPos": {"w": width, "h": height},
            "fieldConfig": {"defaults": field, "overrides": []},
            "options": options, "targets": targets}


def lines(title, description, unit, targets, *, steps=PLAIN, stacked=False,
          width=12, height=8, minimum=0, **field):
    """Over time.  Where there are thresholds, they are drawn."""
    custom = {"drawStyle": "line", "lineInterpolation": "linear",
              "lineWidth": 1, "fillOpacity": 30 if stacked else 8,
              "showPoints": "never", "spanNulls": False,
              "stacking": {"mode": "normal" if stacked else "none",
                           "group": "A"},
              "thresholdsStyle": {"mode": "dashed" if len(steps) > 1
                                  else "off"}}
    return panel("timeseries", title, description, targets, width, height,
                 {"unit": unit, "min": minimum,
                  "color": {"mode": "palette-classic"},
                  "thresholds": thresholds(*steps), "custom": custom, **field},
                 {"legend": {"showLegend": True, "displayMode": "table",
                             "placement": "bottom", "calcs": ["mean", "max"],
                             "sortBy": "Max", "sortDesc": True},
                  "tooltip": {"mode": "multi", "sort": "desc"}})


def number(title, description, unit, expression, *, steps=PLAIN, width=4,
           height=4, trend=True, **field):
    """One number, and where it comes from."""
    query = target(expression) if trend else now(expression)
    return panel("stat", title, description, [query], width, height,
                 {"unit": unit, "color": {"mode": "thresholds"},
                  "thresholds": thresholds(*steps), **field},
                 {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "",
                                    "values": False},
                  "orientation": "auto", "textMode": "auto",
                  "wideLayout": True, "colorMode": "value",
                  "graphMode": "area" if trend else "none",
                  "justifyMode": "auto", "showPercentChange": False,
                  "percentChangeColorMode": "standard"})


def ranking(title, description, unit, expression, legend, *, steps=PLAIN,
            width=12, height=8):
    """The greatest now, as bars."""
    return panel("bargauge", title, description, [now(expression, legend)],
                 width, height,
                 {"unit": unit, "min": 0, "color": {"mode": "thresholds"},
                  "thresholds": thresholds(*steps)},
                 {"displayMode": "basic", "orientation": "horizontal",
                  "reduceOptions": {"calcs": ["lastNotNull"], "fields": "",
                                    "values": False},
                  "valueMode": "color", "namePlacement": "auto",
                  "showUnfilled": True, "sizing": "auto", "minVizWidth": 8,
                  "minVizHeight": 16, "maxVizHeight": 300,
                  "legend": {"showLegend": False, "displayMode": "list",
                             "placement": "bottom", "calcs": []}})


def heat(title, description, unit, expression, *, width=12, height=8):
    """Buckets of a histogram over time."""
    return panel("heatmap", title, description,
                 [target(expression, "{{le}}", format="heatmap")],
                 width, height, {"custom": {
                     "scaleDistribution": {"type": "linear"},
                     "hideFrom": {"legend": False, "tooltip": False,
                                  "viz": False}}},
                 {"calculate": False, "cellGap": 1,
                  "color": {"mode": "scheme", "scheme": "Oranges",
                            "scale": "exponential", "exponent": 0.5,
                            "steps": 64, "reverse": False,
                            "fill": "dark-orange"},
                  "exemplars": {"color": "rgba(255,0,255,0.7)"},
                  "filterValues": {"le": 1e-9},
                  "legend": {"show": True},
                  "rowsFrame": {"layout": "auto"}, "showValue": "never",
                  "tooltip": {"mode": "single", "showColorScale": True,
                              "yHistogram": False},
                  "yAxis": {"axisPlacement": "left", "reverse": False,
                            "unit": unit}})


def table(title, description, columns, *, by, width=12, height=10):
    """A row for each value of the label `by`.

    columns, two or more: (name, unit, expression, thresholds); the first is
    sorted by.
    """
    made = panel("table", title, description,
                 [now(expression, format="table")
                  for _, _, expression, _ in columns],
                 width, height,
                 {"custom": {"align": "auto", "inspect": False,
                             "cellOptions": {"type": "auto"}}},
                 {"showHeader": True, "cellHeight": "sm", "frameIndex": 0,
                  "sortBy": [{"displayName": columns[0][0], "desc": True}]})
    values = [f"Value #{letter}" for letter, _ in
              zip(string.ascii_uppercase, columns)]
    made["transformations"] = [
        {"id": "joinByField", "options": {"byField": by, "mode": "outer"}},
        {"id": "filterFieldsByName", "options": {
            "include": {"names": [by, *values]}}},
        {"id": "organize", "options": {
            "excludeByName": {}, "indexByName": {}, "renameByName": dict(
                zip(values, (name for name, *_ in columns)))}}]
    made["fieldConfig"]["overrides"] = [
        {"matcher": {"id": "byName", "options": name}, "properties": [
            {"id": "unit", "value": unit},
            {"id": "thresholds", "value": thresholds(*steps)},
            {"id": "custom.cellOptions", "value": {"type": "color-text"}}]}
        for name, unit, _, steps in columns]
    return made


def variable(name, label, query, **more):
    return {"type": "query", "name": name, "label": label,
            "datasource": SOURCE, "query": {"query": query, "refId": name},
            "refresh": 2, "sort": 3, "multi": False, "includeAll": False,
            "hide": 0, **more}


class Dashboard:
    def __init__(self, uid, title, description, *, variables, tags, period,
                 source="Data source"):
        self.uid = uid
        self.panels = []
        self.x = self.y = self.height = 0
        self.content = {
            "uid": uid, "title": title, "description": description,
            "tags": ["magasin", *tags], "schemaVersion": SCHEMA_VERSION,
            "editable": True, "graphTooltip": 1, "timezone": "browser",
            "refresh": "30s", "time": {"from": f"now-{period}", "to": "now"},
            "links": [{"type": "dashboards", "title": "Magasin",
                       "tags": ["magasin"], "asDropdown": True, "icon": "",
                       "includeVars": True, "keepTime": True,
                       "targetBlank": False, "tooltip": "", "url": ""}],
            "annotations": {"list": []},
            "templating": {"list": [
                {"type": "datasource", "name": "datasource", "label": source,
                 "query": "prometheus", "refresh": 1, "hide": 0,
                 "multi": False, "includeAll": False},
                variable("job", "Job",
                         "label_values(magasin_build_info, job)"),
                *variables]},
            "panels": self.panels}

    def row(self, title):
        self._feed()
        self._place({"type": "row", "title": title, "collapsed": False,
                     "panels": [], "gridPos": {"w": COLUMNS, "h": 1}})
        self._feed()
        return self

    def add(self, *panels):
        for made in panels:
            self._place(made)
        return self

    def _place(self, made):
        if self.x + made["gridPos"]["w"] > COLUMNS:
            self._feed()
        made["id"] = len(self.panels) + 1
        made["gridPos"].update(x=self.x, y=self.y)
        self.x += made["gridPos"]["w"]
        self.height = max(self.height, made["gridPos"]["h"])
        self.panels.append(made)

    def _feed(self):
        self.y += self.height
        self.x = self.height = 0
