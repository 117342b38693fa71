/*
 * What a dashboard of ours may be: Grafana's own types, of @grafana/schema,
 * made stricter by what ours have to have.  t/observability writes each of
 * them as a TypeScript literal of the type Checked, so that a word too many is
 * an error, too.
 */

import type { Dashboard, DataQuery, DataSourceRef, FieldConfig, Panel, RowPanel,
  VariableModel } from '@grafana/schema';
import type * as BarGauge from
  '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as Heatmap from
  '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as Stat from
  '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as Table from
  '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as TimeSeries from
  '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/* JSON has the values of enumerations, not their names. */
type Plain<T> =
  T extends string ? `${T}` :
  T extends number | boolean | null | undefined ? T :
  T extends (infer Item)[] ? Plain<Item>[] :
  T extends object ? { [Key in keyof T]: Plain<T[Key]> } :
  T;

/* Index signatures would let any word in. */
type Known<T> = {
  [Key in keyof T as string extends Key ? never : Key]: T[Key]
};

/* @grafana/schema leaves options and units to their users. */
type Unit = 'none' | 'bytes' | 'cps' | 'dateTimeAsIso' | 'locale' | 'ops' |
  'percentunit' | 'reqps' | 's';

type Source = DataSourceRef & { type: 'prometheus', uid: '${datasource}' };

interface PrometheusQuery extends Omit<DataQuery, 'datasource'> {
  datasource: Source;
  editorMode: 'code';
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  legendFormat: string;
  range: boolean;
}

type Shown<Type extends string, Options, Custom, Needed extends string> =
  Omit<Panel, 'type' | 'datasource' | 'fieldConfig' | 'options' | 'targets'> &
  Required<Pick<Panel, 'id' | 'title' | 'description' | 'gridPos'>> & {
    type: Type;
    datasource: Source;
    fieldConfig: {
      defaults: Omit<FieldConfig, 'custom' | 'unit'> &
        { [Key in Needed]: Key extends 'unit' ? Unit :
          Key extends keyof FieldConfig ? NonNullable<FieldConfig[Key]> :
          never } &
        { custom?: Known<Custom> };
      overrides: NonNullable<Panel['fieldConfig']>['overrides'];
    };
    options: Options;
    targets: PrometheusQuery[];
  };

type AnyPanel =
  Shown<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig,
    'unit' | 'thresholds'> |
  Shown<'stat', Stat.Options, Record<never, never>, 'unit' | 'thresholds'> |
  Shown<'bargauge', BarGauge.Options, Record<never, never>,
    'unit' | 'thresholds'> |
  Shown<'heatmap', Heatmap.Options, Heatmap.FieldConfig, never> |
  Shown<'table', Table.Options, Table.FieldConfig, never>;

type Variable = Omit<VariableModel, 'type'> &
  Required<Pick<VariableModel, 'label'>> & (
    { type: 'datasource', name: 'datasource', query: 'prometheus' } |
    { type: 'query', datasource: Source,
      query: { query: string, refId: string } });

export type Checked = Plain<
  Omit<Dashboard, 'id' | 'panels' | 'templating' | 'uid'> & {
    uid: string;
    title: string;
    description: string;
    panels: (AnyPanel | RowPanel)[];
    templating: { list: Variable[] };
  }>;
