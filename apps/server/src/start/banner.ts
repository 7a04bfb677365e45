/** The words of a start: what it found, and how to go on from there. */
export interface BannerFacts {
  version: string;
  /** Where the collector listens. */
  url: string;
  dataPath: string;
  freeBytes: number;
  startupMs: number;
  writeKey: string | undefined;
  /** On the start that made it, and whenever the environment sets it. */
  apiToken: string | undefined;
  /** It came from TIDEMARK_API_TOKEN: whoever set it there has it, and a journal need not have it too. */
  apiTokenPreset: boolean;
  /** Distinguishes the example's eventId, so that each start's curl line sends a new event. */
  exampleId: string;
}

export function banner(facts: BannerFacts): string {
  const madeToken = facts.apiTokenPreset ? undefined : facts.apiToken;
  const page = madeToken ? `${facts.url}/#token=${madeToken}` : `${facts.url}/`;
  const lines = [
    `Tidemark ${facts.version} is running (ready in ${(facts.startupMs / 1000).toFixed(1)} s).`,
    '',
    row('Page', page),
    row('Data', `${facts.dataPath} (${Math.floor(facts.freeBytes / 1024 ** 3)} GB free on its disk)`),
    row('Write key', facts.writeKey ?? 'none is live; make one in the administration'),
    row('API token', tokenWords(facts, madeToken)),
    '',
    'Send a first event:',
    '',
    ...curl(facts),
    '',
    'Ctrl-C stops it; nothing that was accepted is lost.',
    '',
  ];
  return lines.join('\n');
}

function tokenWords(facts: BannerFacts, madeToken: string | undefined): string {
  if (madeToken) return `${madeToken}  (shown this once: keep it)`;
  // A preset that was revoked is not honoured; a note says so.
  if (facts.apiTokenPreset && facts.apiToken) return 'as set by TIDEMARK_API_TOKEN';
  return 'as on the first start; `tidemark token` makes a new one';
}

function row(label: string, value: string): string {
  return `  ${label.padEnd(11)}${value}`;
}

function curl({ url, writeKey, exampleId }: BannerFacts): string[] {
  const event = { eventId: exampleId, eventName: 'page_view', anonymousId: 'my-first-visitor' };
  return [
    `  curl ${url}/api/events -H 'Authorization: Bearer ${writeKey ?? 'WRITE_KEY'}' \\`,
    `    -d '${JSON.stringify(event)}'`,
  ];
}
