/** What is concluded of an experiment's figures (docs/questions/experiment.md, X4 and X7 to X9); the p-values are those of the answer. */

interface Metric {
  role?: string;
  better?: string;
}

/** Of one metric, variants in their order, the control first. */
interface Figures {
  variants: readonly { variant: string; users: number; converted?: number; mean?: number; standardDeviation?: number | null; difference?: number | null; pValue?: number | null }[];
}

interface HeadlineLine {
  variant: string;
  result: string;
  adjustedPValue: number | null;
}

/** The chi-square values above which p < 0.001, by degrees of freedom, as in any table of them. */
const CRITICAL = [Infinity, 10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322, 26.124, 27.877];

/** The people of each variant against the shares that were meant, or equal ones; `chiSquare` is null where somebody is of none. */
export function sampleRatio(seen: readonly { variant: string; users: number }[], split?: Readonly<Record<string, number>>): { chiSquare: number | null; mismatch: boolean } {
  const meant = Object.entries(split ?? Object.fromEntries(seen.map(({ variant }) => [variant, 1 / seen.length]))).filter(([, share]) => share > 0);
  if (seen.some(({ variant }) => !meant.some(([name]) => name === variant))) return { chiSquare: null, mismatch: true };
  const total = seen.reduce((sum, { users }) => sum + users, 0);
  if (total === 0) return { chiSquare: 0, mismatch: false };
  const chiSquare = meant.reduce((sum, [name, share]) => sum + ((seen.find(({ variant }) => variant === name)?.users ?? 0) - total * share) ** 2 / (total * share), 0);
  return { chiSquare, mismatch: chiSquare > CRITICAL[meant.length - 1]! };
}

/** At most one is named the primary; more are refused (X4). */
export function experimentRoles(metrics: readonly Metric[]): string[] {
  const named = metrics.find(({ role }) => role === 'primary');
  const primary = named ?? metrics.find(({ role }) => role !== 'guardrail');
  return metrics.map((metric) => (metric === primary ? 'primary' : metric.role === 'guardrail' ? 'guardrail' : 'secondary'));
}

/** A line for each variant but the control, without regard to the sample ratio. */
export function headline(metrics: readonly Metric[], figures: readonly Figures[]): HeadlineLine[] {
  const roles = experimentRoles(metrics);
  const good = (i: number, at: number): number => (figures[i]?.variants[at]?.difference ?? 0) * (metrics[i]?.better === 'lower' ? -1 : 1);
  const pValue = (i: number, at: number): number | null => figures[i]?.variants[at]?.pValue ?? null;
  const primary = roles.indexOf('primary');
  const [, ...variants] = figures[0]?.variants ?? [];
  const family = variants.flatMap((_, i) => pValue(primary, i + 1) ?? []);
  return variants.map(({ variant }, i) => {
    const own = pValue(primary, i + 1);
    // Holm: each is multiplied by how many are not below it, and is not less than what any below it became.
    const adjusted = own === null ? null : Math.min(1, Math.max(...family.filter((p) => p <= own).map((p) => p * family.filter((other) => other >= p).length)));
    const harms = roles.some((role, at) => role === 'guardrail' && good(at, i + 1) < 0 && (pValue(at, i + 1) ?? 1) < 0.05);
    const result = harms ? 'harms_guardrail' : adjusted === null || adjusted >= 0.05 ? 'not_significant' : good(primary, i + 1) > 0 ? 'better' : 'worse';
    return { variant, result, adjustedPValue: adjusted };
  });
}

/** People a variant, before they are rounded up; null = there is nothing to see a change of. */
export function requiredPeople({ variants: [control] }: Figures, effect = 0.05): number | null {
  const [z1, z2] = [1.959963984540054, 0.8416212335729143];
  if (control?.converted === undefined) {
    const { mean = 0, standardDeviation } = control ?? {};
    return mean === 0 || !standardDeviation ? null : (2 * standardDeviation ** 2 * (z1 + z2) ** 2) / (effect * mean) ** 2;
  }
  const p1 = control.users === 0 ? 0 : control.converted / control.users;
  const p2 = p1 * (1 + effect);
  const middle = (p1 + p2) / 2;
  return p1 === 0 || p2 > 1 ? null : (z1 * Math.sqrt(2 * middle * (1 - middle)) + z2 * Math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))) ** 2 / (p2 - p1) ** 2;
}
