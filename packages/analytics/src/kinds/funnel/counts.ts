/** The numbers of a funnel's answer as SQL, over its people and over each group that is shown. */
import { keyNames } from '../../events/breakdown.ts';
import { stepBefore, type FunnelPlan } from './plan.ts';

/** `name(parameters)(values)`, which is named `as`. */
interface Aggregate {
  as: string;
  name: string;
  parameters?: string;
  values: string;
}

/**
 * Of each step the people (n1, n2, …) and their times (s from the start, p from the step before, unless that is the start; median and p90); of the
 * bins lo, width and the people (h0, h1, …); of the points starts, people and converted (points, three arrays).
 */
function aggregatesOf(plan: FunnelPlan, hasPoints: boolean): Aggregate[] {
  const last = plan.steps.length;
  const perStep = plan.steps.flatMap((_, i): Aggregate[] => {
    const [n, reached] = [i + 1, `t${i + 1} != 0`];
    const since = (step: number): string => `(t${n} - t${step}) / 1000, ${reached}`;
    const times = (as: string, step: number): Aggregate => ({ as, name: 'quantilesExactInclusiveIf', parameters: '0.5, 0.9', values: since(step) });
    const before = stepBefore(n, plan);
    return [{ as: `n${n}`, name: 'countIf', values: reached }, ...(n === 1 ? [] : [times(`s${n}`, 1)]), ...(before === 1 ? [] : [times(`p${n}`, before)])];
  });
  const bins = plan.histogram === undefined ? [] : [
    { as: 'lo', name: 'any', values: 'lo' },
    { as: 'width', name: 'any', values: 'width' },
    ...Array.from({ length: plan.histogram.bins }, (_, i) => ({ as: `h${i}`, name: 'countIf', values: `bin = ${i}` })),
  ];
  const points = hasPoints ? [{ as: 'points', name: 'sumMap', values: `[bucket], [toUInt64(1)], [toUInt64(t${last} != 0)]` }] : [];
  return [...perStep, ...bins, ...points];
}

/** SELECT of the aggregates over all people (is_all = 1), and over each kept group, the rest and the unset, with its keys (k0, …) and `rank`. */
export function countedSql(people: string, plan: FunnelPlan, { groups, limit, hasPoints }: { groups: number; limit: number; hasPoints: boolean }): string {
  const aggregates = aggregatesOf(plan, hasPoints);
  const call = ({ name, parameters }: Aggregate, suffix: string): string => `${name}${suffix}${parameters === undefined ? '' : `(${parameters})`}`;
  if (groups === 0) return `SELECT 1 AS is_all, 0 AS rank, ${aggregates.map((each) => `${call(each, '')}(${each.values}) AS ${each.as}`).join(', ')} FROM (${people})`;
  const keys = keyNames(groups);
  const unset = keys.map((key) => `${key} = '-'`).join(' AND ');
  const shown = keys.map((key) => `if(place <= ${limit} OR is_unset, ${key}, '+') AS ${key}`);
  return `SELECT grouping(${keys[0] ?? ''}) AS is_all, if(is_all = 1, 0, min(place)) AS rank, ${keys.join(', ')}, ${aggregates.map((each) => `${call(each, 'Merge')}(${each.as}) AS ${each.as}`).join(', ')}
FROM (
  SELECT place, ${shown.join(', ')}, ${aggregates.map(({ as }) => as).join(', ')}
  FROM (
    SELECT *, if(is_unset, ${2 ** 31}, row_number() OVER (PARTITION BY is_unset ORDER BY finalizeAggregation(n1) DESC, ${keys.join(', ')})) AS place
    FROM (SELECT ${keys.join(', ')}, (${unset}) AS is_unset, ${aggregates.map((each) => `${call(each, 'State')}(${each.values}) AS ${each.as}`).join(', ')} FROM (${people}) GROUP BY ${keys.join(', ')})
  )
)
GROUP BY GROUPING SETS ((${keys.join(', ')}), ())`;
}
