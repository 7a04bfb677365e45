import type { StoredEvent } from '@tidemark/event';
import { toDecimal, toNumber } from './decimal.ts';
import { groupBy } from './group-by.ts';
import { earlier, personOf } from './person.ts';
import { cut, numberOf, textOf } from './property.ts';
import { holds, isCalled, type Where } from './where.ts';

interface Selector {
  event?: string | readonly string[];
  where?: Where;
}

export interface AttributionQuestion {
  fromMs: number;
  toMs: number;
  lookbackMs: number;
  halfLifeMs: number;
  models: readonly string[];
  includeBots: boolean;
  where?: Where;
  conversion: Selector & { value?: string };
  touch?: Selector;
  channels: readonly { name: string; where: Where }[];
  breakdown: readonly string[];
  limit?: number;
}

export interface AttributionAnswer {
  conversions: number;
  value: number;
  users: number;
  withoutTouch: number;
  breakdowns: { breakdown: string[]; models: Record<string, { conversions: number; value: number }> }[];
}

const WHOLE = 1_000_000_000n;
const VISIT_MS = 1_800_000;

interface Touch {
  timeMs: number;
  channel: string | null;
  group: string;
}

/** Nodes of people, by what they stand behind. */
export interface AttributionPeople {
  converted: string[];
  withoutTouch: string[];
  /** With a conversion of which the model gives the group a part. */
  ofGroup: (model: string, breakdown: readonly string[]) => string[];
}

/** What one conversion gives to one group. */
interface Part {
  person: string;
  group: string;
  model: string;
  billionths: bigint;
  worth: number;
}

export function attribution(all: readonly StoredEvent[], question: AttributionQuestion, person = personOf(all)): AttributionAnswer {
  return answered(all, question, person).answer;
}

export function attributionPeople(all: readonly StoredEvent[], question: AttributionQuestion, person = personOf(all)): AttributionPeople {
  return answered(all, question, person).people;
}

function answered(all: readonly StoredEvent[], question: AttributionQuestion, person: (event: StoredEvent) => string): { answer: AttributionAnswer; people: AttributionPeople } {
  const { fromMs, toMs, conversion, touch, breakdown, limit = 10 } = question;
  const channelOf = (event: StoredEvent): string | null => question.channels.find(({ where }) => holds(event, where))?.name ?? (event.channel || null);
  const groupOf = (event: StoredEvent): string => JSON.stringify(breakdown.map((name) => (name === 'channel' ? channelOf(event) : cut(textOf(event, name)))));
  const matches = (event: StoredEvent, { event: name, where }: Selector): boolean => isCalled(event, name) && holds(event, where);
  const isTouch = (event: StoredEvent): boolean => (touch === undefined ? channelOf(event) !== null && channelOf(event) !== 'internal' : matches(event, touch));
  const isConversion = (event: StoredEvent): boolean => event.timeMs >= fromMs && event.timeMs < toMs && holds(event, question.where) && matches(event, conversion);

  const converted = new Set<string>();
  const untouched = new Set<string>();
  const parts: Part[] = [];
  let [conversions, withoutTouch, worth] = [0, 0, 0n];
  const asked = all.filter(({ bot }) => question.includeBots || !bot).toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence || earlier(a, b));
  for (const [name, events] of groupBy(asked, person)) {
    for (const [at, event] of events.entries()) {
      if (!isConversion(event)) continue;
      conversions++;
      converted.add(name);
      const value = (conversion.value === undefined ? undefined : numberOf(event, conversion.value)) ?? 0;
      worth += toDecimal(value);
      const candidates = events.slice(0, at + 1).filter(isTouch);
      const visits = candidates.filter((each, i) => {
        const before = candidates[i - 1];
        const isClose = before !== undefined && each.timeMs - before.timeMs <= VISIT_MS;
        return !(isClose && (channelOf(each) === 'direct' || groupOf(each) === groupOf(before)));
      });
      const reached = visits.filter(({ timeMs }) => timeMs >= event.timeMs - question.lookbackMs).map((each): Touch => ({ timeMs: each.timeMs, channel: channelOf(each), group: groupOf(each) }));
      if (reached.length === 0) {
        withoutTouch++;
        untouched.add(name);
      }
      // What is of the person is known without a touch.
      const unknown = breakdown.map((each) => (each === 'channel' ? 'direct' : /^(person|cohort)\./.test(each) ? cut(textOf(event, each)) : null));
      const none: Touch = { timeMs: 0, channel: 'direct', group: JSON.stringify(unknown) };
      const touches = reached.length === 0 ? [none] : reached;
      for (const model of question.models) {
        for (const [i, billionths] of shares(model, touches, question.halfLifeMs).entries()) parts.push({ person: name, group: touches[i]!.group, model, billionths, worth: value });
      }
    }
  }

  const sums = (of: readonly Part[]): Record<string, { conversions: number; value: number }> =>
    Object.fromEntries(
      question.models.map((model) => {
        const own = of.filter((part) => part.model === model);
        const value = own.reduce((sum, part) => sum + toDecimal(part.worth) * part.billionths, 0n);
        return [model, { conversions: billionthsOf(own), value: toNumber(value, Number(WHOLE)) }];
      }),
    );
  const unset = JSON.stringify(breakdown.map(() => null));
  const groups = groupBy(parts.filter(({ billionths }) => billionths > 0n), ({ group }) => group);
  const rank = (of: readonly Part[]): number => billionthsOf(of.filter(({ model }) => model === question.models[0]));
  const ranked = [...groups].filter(([key]) => key !== unset).toSorted(([a, x], [b, y]) => rank(y) - rank(x) || Buffer.compare(sortable(a), sortable(b)));
  const rest = ranked.slice(limit).flatMap(([, of]) => of);
  const shown = breakdown.length === 0 ? [] : [
    ...ranked.slice(0, limit).map(([key, of]) => ({ breakdown: (JSON.parse(key) as (string | null)[]).map((label) => label ?? '(not set)'), of })),
    ...(rest.length > 0 ? [{ breakdown: breakdown.map(() => 'other'), of: rest }] : []),
    ...(groups.has(unset) ? [{ breakdown: breakdown.map(() => '(not set)'), of: groups.get(unset)! }] : []),
  ];
  const ofGroup = (model: string, labels: readonly string[]): string[] => {
    const own = shown.find((group) => JSON.stringify(group.breakdown) === JSON.stringify(labels))?.of ?? [];
    return [...new Set(own.filter((part) => part.model === model && part.billionths > 0n).map((part) => part.person))];
  };
  return {
    answer: { conversions, value: toNumber(worth), users: converted.size, withoutTouch, breakdowns: shown.map((group) => ({ breakdown: group.breakdown, models: sums(group.of) })) },
    people: { converted: [...converted], withoutTouch: [...untouched], ofGroup },
  };
}

/** Billionths for each touch; the last takes what is left. */
function shares(model: string, touches: readonly Touch[], halfLifeMs: number): bigint[] {
  const n = touches.length;
  const notDirect = touches.findLastIndex(({ channel }) => channel !== 'direct');
  const weights = touches.map(({ timeMs }) => 2 ** ((timeMs - touches.at(-1)!.timeMs) / halfLifeMs));
  const weight = weights.reduce((sum, each) => sum + each, 0);
  const share = (i: number): number => {
    if (model === 'first_touch') return i === 0 ? 1e9 : 0;
    if (model === 'last_touch') return 0;
    if (model === 'last_non_direct') return i === notDirect ? 1e9 : 0;
    if (model === 'linear') return 1e9 / n;
    if (model === 'position_based') return n === 2 ? 5e8 : i === 0 ? 4e8 : 2e8 / (n - 2);
    return (1e9 * weights[i]!) / weight;
  };
  const given = touches.slice(0, -1).map((_, i) => BigInt(Math.floor(share(i))));
  return [...given, WHOLE - given.reduce((sum, each) => sum + each, 0n)];
}

function billionthsOf(parts: readonly Part[]): number {
  return Number(`${parts.reduce((sum, { billionths }) => sum + billionths, 0n)}e-9`);
}

/** Unset before any text. */
function sortable(key: string): Buffer {
  return Buffer.from((JSON.parse(key) as (string | null)[]).map((part) => (part === null ? '-' : `=${part}`)).join('\0'));
}
