/**
 * What other vendors' browser and mobile clients ask for before they send: without it they send nothing. Everything
 * beyond events is told off, so that they ask and fetch no more. The answers hold nothing secret: the key in them is
 * the one that was asked with, known or not.
 */
import type { IncomingMessage } from 'node:http';
import type { Answer } from '../answer.ts';

/** The document at a path, or undefined; `origin` is our own, as the client sees it. */
export function startUpDocument(path: string, query: URLSearchParams, origin: URL): Answer | undefined {
  const segmentKey = /^\/v1\/projects\/([\w:-]{1,200})\/settings$/.exec(path)?.[1];
  if (segmentKey !== undefined) return json(segmentSettings(segmentKey, origin));
  if (path === '/sourceConfig') return json(rudderSource(query.get('writeKey') ?? ''));
  const posthog = /^\/array\/([\w:-]{1,200})\/config(\.js)?$/.exec(path);
  if (posthog) return posthog[2] ? script(posthogScript(posthog[1]!)) : json(POSTHOG_CONFIG);
  if (path === '/flags' || path === '/decide') return json(POSTHOG_FLAGS);
  if (path === '/v1/m') return json({ success: true });
  return undefined;
}

/** Read from the connection, or from what our own proxy says of it. */
export function originOf(req: IncomingMessage, trustedProxies: number): URL {
  const header = (name: string): string | undefined => {
    const value = req.headers[name];
    return trustedProxies > 0 && typeof value === 'string' ? value.split(',')[0]!.trim() : undefined;
  };
  const text = `${header('x-forwarded-proto') ?? 'http'}://${header('x-forwarded-host') ?? req.headers.host ?? 'localhost'}`;
  return URL.canParse(text) ? new URL(text) : new URL('http://localhost');
}

const json = (body: object): Answer => ({ status: 200, body });
const script = (text: string): Answer => ({
  status: 200,
  body: Buffer.from(text),
  contentType: 'text/javascript; charset=utf-8',
});

/**
 * Segment's settings. With no "Segment.io" in it analytics.js sends to Segment's own host, whatever it was told;
 * apiKey is required by Kotlin's decoder; a sampleRate other than 0 makes Swift and Kotlin send telemetry.
 */
function segmentSettings(writeKey: string, origin: URL): object {
  return {
    integrations: {
      'Segment.io': { apiKey: writeKey, apiHost: `${origin.host}/v1`, protocol: origin.protocol.slice(0, -1) },
    },
    plan: { track: { __default: { enabled: true } } },
    edgeFunction: {},
    middlewareSettings: {},
    enabledMiddleware: {},
    metrics: { sampleRate: 0 },
    consentSettings: {},
    analyticsNextEnabled: true,
  };
}

function rudderSource(writeKey: string): object {
  return {
    source: {
      id: writeKey,
      enabled: true,
      config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
      destinations: [],
    },
  };
}

const POSTHOG_CONFIG = {
  supportedCompression: ['gzip-js'],
  hasFeatureFlags: false,
  surveys: false,
  sessionRecording: false,
  heatmaps: false,
  autocapture_opt_out: false,
  siteApps: [],
};
const POSTHOG_FLAGS = { flags: {}, featureFlags: {}, featureFlagPayloads: {}, errorsWhileComputingFlags: false };

function posthogScript(key: string): string {
  const config = JSON.stringify({ config: POSTHOG_CONFIG, siteApps: [] });
  return `(window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{})[${JSON.stringify(key)}]=${config};`;
}
