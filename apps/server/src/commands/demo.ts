import { setTimeout as delay } from 'node:timers/promises';
import { figure } from '../ask/bars.ts';
import { withAccess } from '../client/access.ts';
import { sendBatch } from '../client/batches.ts';
import type { BatchTarget } from '../client/batches.ts';
import { CommandProblem, parseFlags } from '../command.ts';
import type { Command, Terminal } from '../command.ts';
import { DAY_MS, eventsOfDay } from '../demo/day.ts';
import type { ShopOptions } from '../demo/day.ts';
import { DEMO_NAME, findOrMakeProject, removeProjects } from '../demo/demo-project.ts';
import { liveTraffic } from '../demo/live.ts';
import { createProgressBar } from '../progress-bar.ts';

const USAGE = `tidemark demo: fills a project of its own with a small online shop, to try things on.

  --days NUMBER     of history, today's included (default 30, at most 400)
  --visits NUMBER   a day (default 400); a visit makes about five events
  --live            goes on with live traffic until Ctrl-C
  --rate NUMBER     live events a second (default 5)
  --seed TEXT       another shop (default "tidemark")
  --remove          removes the project and all its events

There is a funnel to ask about (view_product, add_to_cart, checkout_started, payment_submitted, purchase), a sale on
the 20th and 21st of each month, and a payment page that fails on iPhones from the 9th to the 11th. Some events come
twice, late, from bots, or malformed. The same seed makes the same history, so running it again adds only what is new.

  --url, --token    (TIDEMARK_URL, TIDEMARK_API_TOKEN: an admin token; default: made for this command alone)
  --data FOLDER     the data folder (TIDEMARK_DATA; default ./data)
`;

const MAX_DAYS = 400;
const BATCH_EVENTS = 1_000;
const LIVE_TICK_MS = 500;

export const demoCommand: Command = {
  name: 'demo',
  summary: 'fill a project of its own with a small online shop',
  usage: USAGE,
  async run(args, terminal) {
    const { values } = parseFlags('demo', {
      args,
      options: {
        url: { type: 'string' },
        token: { type: 'string' },
        data: { type: 'string' },
        days: { type: 'string' },
        visits: { type: 'string' },
        rate: { type: 'string' },
        seed: { type: 'string' },
        live: { type: 'boolean' },
        remove: { type: 'boolean' },
      },
    });
    const flags = { ...values, admin: true };
    if (values.remove) {
      const count = await withAccess(flags, terminal.env, removeProjects);
      terminal.out(
        count === 0 ? 'There is no demo project.\n' : 'The demo project is removed; its events follow in a moment.\n',
      );
      return 0;
    }
    const days = wholeNumber('--days', values.days, 30, MAX_DAYS);
    const shop = {
      seed: values.seed ?? 'tidemark',
      visitsPerDay: wholeNumber('--visits', values.visits, 400, 100_000),
    };
    const rate = wholeNumber('--rate', values.rate, 5, 10_000);

    const made = await withAccess(flags, terminal.env, async (access) => {
      const project = await findOrMakeProject(access, values, terminal.env);
      return { project, url: access.url };
    });
    const { project, url } = made;
    const target: BatchTarget = { url, writeKey: project.writeKey, signal: terminal.signal };
    // Sent again, what is malformed would be quarantined again: it has no identity.
    const withFaults = project.token !== undefined;
    await sendHistory({ days, shop, withFaults }, target, terminal);
    const page = project.token ? `${url}/#token=${project.token}` : `${url}/`;
    terminal.out(
      `\nThe demo is in project ${project.id} (${DEMO_NAME}).\n  Page  ${page}\n  Try   ${example(project.id, values.data)}\n  Shop  ${shopCommand(project.writeKey, url)}\n`,
    );
    if (values.live) await sendLive(rate, shop, target, terminal);
    return 0;
  },
};

function wholeNumber(flag: string, text: string | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most) return Number(text);
  throw new CommandProblem(`${flag} is '${text}'.`, `give a whole number from 1 to ${figure(most)}.`);
}

function example(project: string, data: string | undefined): string {
  const where = data === undefined ? '' : ` --data ${data}`;
  return `tidemark ask funnel --steps view_product,add_to_cart,payment_submitted,purchase --project ${project}${where}`;
}

/** Opens the shop of examples/shop on this project: goods and events are the same there. */
function shopCommand(writeKey: string, url: string): string {
  return `TIDEMARK_WRITE_KEY=${writeKey} TIDEMARK_URL=${url} node examples/shop/server.mjs`;
}

interface Counts {
  accepted: number;
  rejected: number;
}

interface History {
  days: number;
  shop: ShopOptions;
  /** Also the duplicates and the malformed ones. */
  withFaults: boolean;
}

async function sendHistory(
  { days, shop, withFaults }: History,
  target: BatchTarget,
  terminal: Terminal,
): Promise<void> {
  const progress = createProgressBar(terminal, 'events');
  const nowMs = Date.now();
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const counts: Counts = { accepted: 0, rejected: 0 };
  for (let day = days - 1; day >= 0; day--) {
    const { events, duplicates, malformed } = eventsOfDay(today - day * DAY_MS, shop);
    // Today has only happened so far.
    const happened = events.filter((event) => Date.parse(String(event['timestamp'])) <= nowMs);
    const again = duplicates.filter((event) => Date.parse(String(event['timestamp'])) <= nowMs);
    await sendAll(withFaults ? [...happened, ...malformed, ...again] : happened, target, counts);
    progress.update(days - day, days, counts.accepted);
  }
  progress.end();
  terminal.err(
    `tidemark: ${figure(counts.accepted)} events of ${days} days sent, ${figure(counts.rejected)} malformed ones quarantined.\n`,
  );
}

async function sendLive(rate: number, shop: ShopOptions, target: BatchTarget, terminal: Terminal): Promise<void> {
  terminal.err(`tidemark: live traffic, about ${rate} events a second; Ctrl-C ends it.\n`);
  const traffic = liveTraffic(Date.now(), rate, shop);
  const counts: Counts = { accepted: 0, rejected: 0 };
  while (!target.signal.aborted) {
    await delay(LIVE_TICK_MS);
    // What is due at Ctrl-C is still sent: it has happened.
    await sendAll(traffic.until(Date.now()), { ...target, signal: AbortSignal.timeout(60_000) }, counts);
  }
  terminal.err(`tidemark: ${figure(counts.accepted)} live events sent.\n`);
}

async function sendAll(events: readonly unknown[], target: BatchTarget, counts: Counts): Promise<void> {
  for (let at = 0; at < events.length; at += BATCH_EVENTS) {
    const { accepted, rejected } = await sendBatch(events.slice(at, at + BATCH_EVENTS), target);
    counts.accepted += accepted;
    counts.rejected += rejected.length;
  }
}
