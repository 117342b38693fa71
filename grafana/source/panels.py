"""Our panels: what is alike in all of them, set by the builders of
grafana-foundation-sdk.

The builders lay panels out in rows of 24 columns, from left to right; they
leave their numbers to us.
"""

import string

from grafana_foundation_sdk.builders import (bargauge, common, dashboard,
                                             heatmap, prometheus, stat, table
                                             as tables, timeseries)
from grafana_foundation_sdk.models import bargauge as bars
from grafana_foundation_sdk.models import common as values
from grafana_foundation_sdk.models import heatmap as heats
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync, DashboardLinkType, DataTransformerConfig,
    DynamicConfigValue, FieldColorModeId, Threshold, ThresholdsMode,
    VariableOption, VariableRefresh, VariableSort)
from grafana_foundation_sdk.models.prometheus import (PromQueryFormat,
                                                      QueryEditorMode)

SOURCE = values.DataSourceRef(type_val="prometheus", uid="${datasource}")

# The colour of a value is that of the last step that it reaches.
PLAIN = [("green", None)]
QUIET = [("text", None)]


def where(*matchers):
    """A selector of series."""
    return "{" + ", ".join(matchers) + "}"


def rate(name, selector):
    return f"rate({name}{selector}[$__rate_interval])"


def thresholds(steps):
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(
        [Threshold(color=color, value=value) for color, value in steps])


def target(expression, legend="__auto"):
    return prometheus.Dataquery().datasource(SOURCE).range() \
        .editor_mode(QueryEditorMode.CODE).legend_format(legend) \
        .expr(" ".join(expression.split()))


def now(expression, legend="__auto"):
    """What is, instead of what was in the time that the dashboard shows."""
    return target(expression, legend).instant()


def panel(made, title, description, targets, width, height):
    for reference, query in zip(string.ascii_uppercase, targets):
        made.with_target(query.ref_id(reference))
    return made.title(title).description(description).datasource(SOURCE) \
        .span(width).height(height)


def color(mode):
    return dashboard.FieldColor().mode(mode)


def last():
    return common.ReduceDataOptions().calcs(["lastNotNull"]).fields("") \
        .values(False)


def lines(title, description, unit, targets, *, steps=PLAIN, stacked=False,
          width=12, height=8, top=None):
    """Over time.  Where there are thresholds, they are drawn."""
    stacking = values.StackingMode.NORMAL if stacked else \
        values.StackingMode.NONE
    style = values.GraphThresholdsStyleMode.DASHED if len(steps) > 1 else \
        values.GraphThresholdsStyleMode.OFF
    made = panel(timeseries.Panel(), title, description, targets, width,
                 height) \
        .unit(unit).min(0).thresholds(thresholds(steps)) \
        .color_scheme(color(FieldColorModeId.PALETTE_CLASSIC)) \
        .line_width(1).fill_opacity(30 if stacked else 8) \
        .show_points(values.VisibilityMode.NEVER) \
        .stacking(common.StackingConfig().mode(stacking).group("A")) \
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(style)) \
        .legend(common.VizLegendOptions().show_legend(True)
                .display_mode(values.LegendDisplayMode.TABLE)
                .placement(values.LegendPlacement.BOTTOM)
                .calcs(["mean", "max"]).sort_by("Max").sort_desc(True)) \
        .tooltip(common.VizTooltipOptions()
                 .mode(values.TooltipDisplayMode.MULTI)
                 .sort(values.SortOrder.DESCENDING))
    return made if top is None else made.max(top)


def number(title, description, unit, expression, *, steps=PLAIN, width=4,
           height=4, trend=True, decimals=None):
    """One number, and where it comes from."""
    query = target(expression) if trend else now(expression)
    graph = values.BigValueGraphMode.AREA if trend else \
        values.BigValueGraphMode.NONE
    made = panel(stat.Panel(), title, description, [query], width, height) \
        .unit(unit).color_scheme(color(FieldColorModeId.THRESHOLDS)) \
        .thresholds(thresholds(steps)).reduce_options(last()) \
        .graph_mode(graph).color_mode(values.BigValueColorMode.VALUE)
    return made if decimals is None else made.decimals(decimals)


def ranking(title, description, unit, expression, legend, *, steps=PLAIN,
            width=12, height=8):
    """The greatest now, as bars."""
    return panel(bargauge.Panel(), title, description,
                 [now(expression, legend)], width, height) \
        .unit(unit).min(0).thresholds(thresholds(steps)) \
        .color_scheme(color(FieldColorModeId.THRESHOLDS)) \
        .display_mode(values.BarGaugeDisplayMode.BASIC) \
        .orientation(values.VizOrientation.HORIZONTAL) \
        .reduce_options(last()).show_unfilled(True)


def heat(title, description, unit, expression, *, width=12, height=8):
    """Buckets of a histogram over time."""
    query = target(expression, "{{le}}").format(PromQueryFormat.HEATMAP)
    return panel(heatmap.Panel(), title, description, [query], width,
                 height) \
        .calculate(False).show_legend() \
        .color(heatmap.HeatmapColorOptions()
               .mode(heats.HeatmapColorMode.SCHEME).scheme("Oranges")
               .scale(heats.HeatmapColorScale.EXPONENTIAL).exponent(0.5)
               .steps(64).reverse(False).fill("dark-orange")) \
        .y_axis(heatmap.YAxisConfig().unit(unit)
                .axis_placement(values.AxisPlacement.LEFT).reverse(False))


def table(title, description, columns, *, by, also=(), width=12, height=10):
    """A row for each value of the label `by`, with other labels of the first
    query.

    columns, two or more: (name, unit, expression, thresholds); the first is
    sorted by.
    """
    made = panel(tables.Panel(), title, description,
                 [now(expression).format(PromQueryFormat.TABLE)
                  for _, _, expression, _ in columns], width, height) \
        .cell_options(values.TableAutoCellOptions()) \
        .sort_by([common.TableSortByFieldState()
                  .display_name(columns[0][0]).desc(True)])
    # Tables of the schema that is written have no footer any more.
    made.build().options.footer = None
    fields = [f"Value #{letter}" for letter, _ in
              zip(string.ascii_uppercase, columns)]
    names = [name for name, *_ in columns]
    for kind, options in (
            ("joinByField", {"byField": by, "mode": "outer"}),
            ("filterFieldsByName",
             {"include": {"names": [by, *also, *fields]}}),
            ("organize", {"excludeByName": {}, "indexByName": {},
                          "renameByName": dict(zip(fields, names))})):
        made.with_transformation(DataTransformerConfig(id_val=kind,
                                                       options=options))
    for name, unit, _, steps in columns:
        made.override_by_name(name, [
            DynamicConfigValue("unit", unit),
            DynamicConfigValue("thresholds", thresholds(steps).build()),
            DynamicConfigValue("custom.cellOptions",
                               {"type": "color-text"})])
    return made


def variable(name, label, query, *, several=False):
    made = dashboard.QueryVariable(name).label(label).datasource(SOURCE) \
        .query({"query": query, "refId": name}) \
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED) \
        .sort(VariableSort.NUMERICAL_ASC)
    if several:
        made.multi(True).include_all(True).all_value(".+") \
            .current(VariableOption(text="All", value="$__all"))
    return made


def board(uid, title, description, language, *, variables, rows, tags,
          period):
    """rows: (title, [panel, ...]).  Links lead to the dashboards of the same
    language, which is told by a tag."""
    link = dashboard.DashboardLink("Magasin").tags(["magasin", language]) \
        .type(DashboardLinkType.DASHBOARDS).as_dropdown(True) \
        .include_vars(True).keep_time(True)
    # The builders would move it from the dashboard into a menu.
    link.build().placement = None
    made = dashboard.Dashboard(title).uid(uid).description(description) \
        .tags(["magasin", language, *tags]).refresh("30s") \
        .tooltip(DashboardCursorSync.CROSSHAIR) \
        .time(f"now-{period}", "now") \
        .link(link)
    source = {"en": "Data source", "fr": "Source de données"}[language]
    for one in (dashboard.DatasourceVariable("datasource")
                .label(source).type("prometheus"),
                variable("job", "Job",
                         "label_values(magasin_build_info, job)"),
                *variables):
        # The builders give each variable what is an interval's alone.
        built = one.build()
        built.auto = built.auto_min = built.auto_count = None
        made.with_variable(one)
    count = 0
    for name, panels in rows:
        count += 1
        made.with_row(dashboard.Row(name).id(count))
        for one in panels:
            count += 1
            made.with_panel(one.id(count))
    return made
