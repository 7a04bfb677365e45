/** The parts of docs/performance.md that are made of results: what stands there is what was measured, or says that it wasn't. */
import { CATALOGUE, type MeasureId } from '../measures/catalogue.ts';
import type { CpuPerEvent } from '../resources/cpu.ts';
import { reaches, type MeasuredResult, type Spread } from './measure.ts';
import { figure } from './print.ts';
import { measuredAt, type Results } from './results.ts';

const UNMEASURED = 'TO BE MEASURED';
/** Measures that stand in tables of their own, or in none. */
const ELSEWHERE = new Set<string>(['curve', 'growth', 'profile', 'ab', 'door']);

/** Each part by the name that it has in the document, `<!-- name -->` to `<!-- /name -->`. */
export function performanceTables(results: Results | undefined): Record<string, string> {
  const found = (id: string): MeasuredResult | undefined => results?.measures.find((measure) => measure.id === id);
  /** Other measures than the newest may be of another day, on which the program was another. */
  const dated = (measure: MeasuredResult | undefined, table: (measure: MeasuredResult | undefined) => string): string =>
    measure === undefined || results === undefined ? table(measure) : `${table(measure)}\n\n${measuredAt(measure, results)}.`;
  return {
    machine: machineLine(results),
    measures: measuresTable(found, results?.date ?? ''),
    chart: found('curve') === undefined ? `${UNMEASURED}: events/s and latency over offered load.` : '![Events per second and latency over offered load](performance/load.svg)',
    growth: found('growth') === undefined ? '' : '![Time of a question over the events in the store](performance/growth.svg)',
    questions: dated(found('R6'), questionsTable),
    cpu: dated(found('R4'), cpuTable),
    profile: dated(found('profile'), profileTable),
  };
}

/** `document` with each part in its place. Throws when it lacks one. */
export function fillIn(document: string, parts: Record<string, string>): string {
  return Object.entries(parts).reduce((text, [name, part]) => {
    const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(open), text.indexOf(close)];
    if (from === -1 || to < from) throw new Error(`the document has no ${open} … ${close}`);
    return `${text.slice(0, from + open.length)}\n${part}\n${text.slice(to)}`;
  }, document);
}

function machineLine(results: Results | undefined): string {
  if (results === undefined) return `${UNMEASURED}: machine, date and commit.`;
  const { machine, date, commit } = results;
  return `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${machine.platform}, kernel ${machine.kernel}, Node ${machine.node}; ${date}, commit ${commit}.`;
}

function measuresTable(found: (id: string) => MeasuredResult | undefined, date: string): string {
  const rows = (Object.keys(CATALOGUE) as MeasureId[]).filter((id) => !ELSEWHERE.has(id)).map((id) => {
    const { name, unit, better, floor, goal }: { name: string; unit: string; better: 'higher' | 'lower'; floor?: number; goal?: number } = CATALOGUE[id];
    const told = (value: number | undefined): string => (value === undefined ? '' : `${figure(value)}${unit === 'ratio' ? '' : ` ${unit}`}`);
    const measure = found(id);
    if (measure === undefined) return `| ${id} | ${name} | ${told(floor)} | ${told(goal)} | ${UNMEASURED} | |`;
    const { min, median, max, rounds } = measure.value;
    const value = rounds === 1 ? `**${told(median)}**` : `**${told(median)}** (${figure(min)} to ${figure(max)}, ${rounds} rounds)`;
    const verdict = [bound('floor', floor), bound('goal', goal)].filter(Boolean).join(', ');
    const less = [...(measure.reduced ?? []), ...measure.knobs];
    const day = measure.at.startsWith(date) ? '' : `, ${measure.at.slice(0, 10)}`;
    const on = measure.machine === undefined ? '' : `, on ${measure.machine.cpu}`;
    const where = measure.commit === undefined ? '' : `; at ${measure.commit}${day}${on}`;
    return `| ${id} | ${name} | ${told(floor)} | ${told(goal)} | ${value}${less.length === 0 ? '' : `; run with ${less.join('; ')}`}${where} | ${verdict} |`;

    function bound(what: string, value: number | undefined): string {
      return value === undefined ? '' : `${what} ${reaches({ value: measure!.value, better }, value) ? 'reached' : '**missed**'}`;
    }
  });
  return ['| | measure | floor | goal | ours | |', '|---|---|---|---|---|---|', ...rows].join('\n');
}

function questionsTable(r6: MeasuredResult | undefined): string {
  const asked = r6?.details['asked'] as Record<string, Record<'oursMs' | 'handMs' | 'ratio', Spread>> | undefined;
  if (asked === undefined) return `${UNMEASURED}: the questions of R6, one by one.`;
  const told = ({ median, min, max }: Spread): string => `${figure(median)} (${figure(min)} to ${figure(max)})`;
  const rows = Object.entries(asked).map(([name, { oursMs, handMs, ratio }]) => `| ${name} | ${told(oursMs)} | ${told(handMs)} | ${told(ratio)} |`);
  return [`Over ${Number(r6?.details['events']).toLocaleString('en')} events:`, '', '| | through the API, ms | by hand, ms | ratio |', '|---|---|---|---|', ...rows].join('\n');
}

function cpuTable(r4: MeasuredResult | undefined): string {
  const cost = r4?.details['cpuPerEvent'] as (CpuPerEvent & { microsAfterTheRound: number }) | undefined;
  if (cost === undefined) return `${UNMEASURED}: microseconds of CPU an event by process and thread.`;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const row = (name: string, micros: number, kernel: string): string => `| ${name} | ${micros.toFixed(1)} | ${kernel} |`;
  return [
    '| process and thread | us of CPU an event | of that in the kernel |',
    '|---|---|---|',
    ...Object.entries(cost.threads).map(([name, { micros, kernelShare }]) => row(name, micros, percent(kernelShare))),
    row('**all, while the round lasts**', cost.micros, percent(cost.kernelShare)),
    row('left to do after the round (merges)', cost.microsAfterTheRound, ''),
    '',
    `Meanwhile ${percent(cost.idleShareOfMachine)} of the machine was idle.`,
  ].join('\n');
}

function profileTable(profile: MeasuredResult | undefined): string {
  const sources = profile?.details['sources'] as Record<string, Record<string, number>> | undefined;
  if (sources === undefined) return `${UNMEASURED}: JavaScript of an event by source file.`;
  const rows = Object.entries(sources).flatMap(([role, bySource]) =>
    Object.entries(bySource)
      .filter(([, micros]) => micros >= 0.1)
      .map(([source, micros]) => `| ${role} | \`${source}\` | ${micros.toFixed(1)} |`),
  );
  return ['| process | source | us an event |', '|---|---|---|', ...rows].join('\n');
}
