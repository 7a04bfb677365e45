/** Draws an experiment: what is found of each variant, and below it each metric as a table of variants. */
import { clip, counted, figure, percent } from './bars.ts';
import { finish, type Meta } from './draw.ts';
import { groupName, tableRows } from './draw-tables.ts';

interface Metric {
  metric: string;
  role: string;
  requiredSampleSize: number | null;
  variants: { variant: string; users: number; converted?: number; rate?: number; mean?: number; lift?: number | null; liftInterval?: [number, number] | null; pValue?: number | null }[];
}

export interface ExperimentAnswer {
  crossovers: number;
  unfinished?: number;
  sampleRatio: { pValue: number; mismatch: boolean };
  metrics: Metric[];
  headline: { variant: string; result: string; adjustedPValue: number | null }[] | null;
  breakdowns: { breakdown: string[]; metrics: Metric[] }[];
  meta: Meta;
}

export function drawExperiment({ headline, sampleRatio, crossovers, unfinished, metrics, breakdowns, meta }: ExperimentAnswer): string {
  const found =
    headline === null
      ? [`The sizes of the groups are no accident (p = ${shortest(sampleRatio.pValue)}): nothing here is to be trusted.`]
      : headline.map(({ variant, result, adjustedPValue }) => `${clip(variant, 40)}: ${result.replaceAll('_', ' ')} (p = ${shortest(adjustedPValue)})`);
  const people = `${counted(crossovers, 'person', 'people')} saw another variant later${unfinished === undefined ? '' : `; the window of ${figure(unfinished)} has not run out`}`;
  const groups = breakdowns.flatMap((group) => ['', groupName(group.breakdown), ...group.metrics.flatMap(drawMetric)]);
  return finish([...found, people, ...metrics.flatMap(drawMetric), ...groups], meta);
}

function drawMetric({ metric, role, requiredSampleSize, variants }: Metric): string[] {
  const isConversion = variants.some(({ rate }) => rate !== undefined);
  const needs = requiredSampleSize === null ? '' : `; ${figure(requiredSampleSize)} people a variant are needed`;
  return [
    '',
    `${clip(metric, 60)} (${role}${needs})`,
    ...tableRows([
      ['', 'people', ...(isConversion ? ['converted', 'rate'] : ['mean']), 'lift', 'from', 'to', 'p'],
      ...variants.map(({ variant, users, converted, rate, mean, lift, liftInterval, pValue }) => [
        clip(variant, 40), figure(users), ...(isConversion ? [figure(converted ?? 0), percent(rate ?? 0)] : [figure(mean ?? 0)]),
        share(lift), share(liftInterval?.[0]), share(liftInterval?.[1]), pValue === undefined ? '' : shortest(pValue),
      ]),
    ]),
  ];
}

/** '' for what the control has not, `-` for what can't be told. */
function share(value: number | null | undefined): string {
  return value === undefined ? '' : value === null ? '-' : percent(value);
}

function shortest(value: number | null): string {
  return value === null ? '-' : String(Number(value.toPrecision(2)));
}
