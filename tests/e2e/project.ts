import { expect } from 'vitest';
import { API_TOKEN, WRITE_KEY, type ServerUnderTest } from '../server-under-test.ts';

/** What a test sends or was answered; each test knows its shape and fails when it is another. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = Record<string, any>;

/** One project of a running server, as its SDKs and its people see it. */
export class Project {
  /** receivedAt of the newest accepted event. */
  receivedAt = '1970-01-01T00:00:00.000Z';

  readonly url: string;
  readonly id: string;
  readonly key: string;
  readonly token: string;

  constructor(url: string, id: string, key: string, token: string) {
    this.url = url;
    this.id = id;
    this.key = key;
    this.token = token;
  }

  /** The project that the first start makes. */
  static async first(server: ServerUnderTest): Promise<Project> {
    const { current } = await server.ask<{ current: string }>('/api/projects');
    return new Project(server.url, current, WRITE_KEY, API_TOKEN);
  }

  /** New and empty; resolves once the collector knows its key. */
  static async create(server: ServerUnderTest, name: string): Promise<Project> {
    const made = await server.ask<Json>('/api/projects', { name });
    const project = new Project(server.url, made.project.id, made.key.key, made.token.secret);
    await until(async () => (await project.post('/api/events/batch', { events: [] })).status === 202);
    return project;
  }

  /** To the collector, with the write key unless `headers` has another authorization. A string or bytes go as they are. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      body: raw ? (body as string) : JSON.stringify(body),
      headers: { authorization: `Bearer ${this.key}`, ...headers },
    });
  }

  /** One batch whose events must all be accepted. */
  async send(events: Json[], batch: Json = {}): Promise<string> {
    const response = await this.post('/api/events/batch', { ...batch, events });
    const answer = (await response.json()) as Json;
    expect(answer, JSON.stringify(answer)).toMatchObject({ accepted: events.length, rejected: [] });
    const receivedAt = answer['receivedAt'] as string;
    // Requests may be answered in another order than they are received in.
    if (receivedAt > this.receivedAt) this.receivedAt = receivedAt;
    return receivedAt;
  }

  /** To the API, with the token. */
  request(
    path: string,
    init: { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const { method = init.body === undefined ? 'GET' : 'POST', body, headers, signal } = init;
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    return fetch(`${this.url}${path}`, {
      method,
      ...(signal !== undefined && { signal }),
      headers: { authorization: `Bearer ${this.token}`, ...json, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }

  /** The JSON answer, which must have the status given. */
  async api(
    path: string,
    body?: unknown,
    { method, status = 200 }: { method?: string; status?: number } = {},
  ): Promise<Json> {
    const response = await this.request(path, { body, ...(method === undefined ? {} : { method }) });
    const text = await response.text();
    expect(response.status, `${path}: ${text}`).toBe(status);
    return text === '' ? {} : (JSON.parse(text) as Json);
  }

  /** Asks once everything that was sent is in. */
  ask(kind: 'trend' | 'funnel', question: Json): Promise<Json> {
    return this.api(`/api/analytics/${kind}`, { waitFor: this.receivedAt, ...question });
  }

  /** Resolves when everything that was sent is in. */
  async settled(): Promise<void> {
    await this.ask('trend', { series: [{ event: 'nothing' }], range: 'today' });
  }

  /** All events of a time, as they leave the system. */
  async export(request: Json = { from: '1970-01-01', to: '2060-01-01' }): Promise<Json[]> {
    await this.settled();
    const response = await this.request('/api/events/export', { body: { format: 'ndjson', ...request } });
    expect(response.status).toBe(200);
    return (await response.text())
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Json);
  }

  /** One event that was sent, as it leaves the system. */
  async stored(eventId: string): Promise<Json> {
    await this.settled();
    return (await this.api(`/api/events/${encodeURIComponent(eventId)}`)).event as Json;
  }
}

/** Tries until it holds, for 30 s. */
export async function until(holds: () => Promise<boolean>, what = 'the condition'): Promise<void> {
  for (
    const deadline = Date.now() + 30_000;
    !(await holds());
    await new Promise((resolve) => setTimeout(resolve, 50))
  ) {
    if (Date.now() > deadline) throw new Error(`waited 30 s in vain for ${what}`);
  }
}
