/** What a host calls in a browser or an app: one device, one person at a time, consent before all (SPEC D, P). */
import { toJsonText } from '../json-text.ts';
import type { CapturedEvent, EventDraft, Properties } from '../event.ts';
import { createPipeline, quietly } from '../pipeline.ts';
import type { PipelineOptions, PipelinePorts } from '../pipeline.ts';
import { createUuid } from '../uuid.ts';
import { createConsent } from './consent.ts';
import type { ConsentChoice, ConsentOptions, ConsentStatus } from './consent.ts';
import { touchSession } from './session.ts';
import { createWithheldState } from './withheld-state.ts';

export interface DeviceOptions extends PipelineOptions, ConsentOptions {
  /** While consent is unknown, so many events are held in memory (P1). */
  maxHeldEvents: number;
}

export interface DevicePorts extends Omit<PipelinePorts, 'debug'> {
  debug?: ((sentence: string) => void) | undefined;
  /** What the platform knows of itself at the moment of an event: page, screen, locale, …; `context` of the call wins. */
  context(): Properties;
  /** Other lives of this device beside this one, where there can be any: they share every choice (P5). */
  otherTabs?: OtherTabs | undefined;
}

/** `device` is the `anonymousId` where it was chosen: what one tab stores another may see later than its word. */
export interface OtherTabs {
  tell(choice: ConsentChoice, device: string): void;
  hear(listener: (choice: ConsentChoice, device: string) => void): void;
}

/** What a single call may say otherwise. */
export interface CallOptions {
  context?: Properties;
  /** RFC 3339, or milliseconds since 1970. */
  timestamp?: string | number;
  /** The host's own id of the event: the server keeps one of each. */
  eventId?: string;
  schemaVersion?: string;
}

export interface DeviceClient {
  track(eventName: string, properties?: Properties, options?: CallOptions): void;
  page(name?: string, properties?: Properties, options?: CallOptions): void;
  screen(name: string, properties?: Properties, options?: CallOptions): void;
  identify(userId: string, traits?: Properties, options?: CallOptions): void;
  group(groupId: string, traits?: Properties, options?: CallOptions): void;
  alias(userId: string, previousId?: string, options?: CallOptions): void;
  reset(): void;
  consent(choice: ConsentChoice): void;
  /** Sends what waits now; true when it is delivered, false when it has to wait (S6). Never rejects. */
  flush(): Promise<boolean>;
  setOnline(online: boolean): void;
  /** The page's or app's last moment: hands over at most `maxBytes` (S8). */
  leave(maxBytes: number): void;
  close(): void;
  readonly anonymousId: string;
  readonly userId: string | undefined;
  /** Asked for, it goes on: for what a page's backend captures. */
  readonly sessionId: string;
  readonly consentStatus: ConsentStatus;
  /** Held for consent, and waiting to be sent. */
  readonly waiting: { held: number; events: number; bytes: number };
}

/** What a reset forgets. */
const KEYS = ['anonymousId', 'userId', 'groupId', 'session', 'sequence'];

export function createDeviceClient(options: DeviceOptions, ports: DevicePorts): DeviceClient {
  const { clock, random } = ports;
  const debug = quietly(ports.debug);
  /** G1: whatever the host gives, and whatever fails here, ends here. */
  const guarded = <A extends unknown[]>(call: (...args: A) => void) =>
    quietly(call, (error) => debug(`failed: ${String(error)}`));
  const usable = given(options.writeKey, 'writeKey');
  const consent = createConsent(usable ? options : { ...options, privacySignal: true }, ports.state);
  const state = createWithheldState(ports.state, [...KEYS, 'dropped'], consent.status === 'granted');
  const pipeline = createPipeline(options, { ...ports, state, debug });
  const { sender } = pipeline;
  let held: CapturedEvent[] = [];

  // A journal without a grant (P1).
  if (consent.status !== 'granted') pipeline.clear();

  const anonymousId = (): string => {
    let id = state.get('anonymousId');
    if (!id) state.set('anonymousId', (id = createUuid(clock.now(), random)));
    return id;
  };

  function capture(draft: EventDraft, call?: CallOptions): void {
    if (consent.status === 'denied') return debug(`${draft.type} is not sent: no consent`);
    draft.userId ??= state.get('userId');
    draft.anonymousId = anonymousId();
    draft.sessionId = touchSession(state, clock, random);
    const context = { ...ports.context(), groupId: state.get('groupId'), ...call?.context };
    const event = pipeline.stamp({ ...draft, ...call, context });
    if (consent.status === 'granted') return queue(event);
    // As it is now: the host may go on changing its objects.
    held.push(JSON.parse(toJsonText(event)!) as CapturedEvent);
    if (held.length > options.maxHeldEvents) held.shift();
    debug(`${draft.type} is held for consent`);
  }

  /** With the choices as they are now (P2). */
  function queue(event: CapturedEvent): void {
    const { categories } = consent;
    if (categories) event.context = { ...event.context, consent: { categoryPreferences: categories } };
    pipeline.capture(event);
  }

  /** G2: a text of at least one character. */
  function given(value: unknown, what: string): value is string {
    if (typeof value === 'string' && value.trim()) return true;
    debug(`invalid: ${what} must be a text`);
    return false;
  }

  const naming = (type: 'page' | 'screen') =>
    guarded((name?: string, properties?: Properties, call?: CallOptions): void =>
      capture({ type, properties: name && typeof name === 'string' ? { name, ...properties } : properties }, call),
    );

  /** Of the calls that say whose the later events are. */
  const setting = (type: 'identify' | 'group', key: 'userId' | 'groupId') =>
    guarded((id: string, traits?: Properties, call?: CallOptions): void => {
      if (!given(id, key)) return;
      if (consent.status !== 'denied') state.set(key, id);
      capture({ type, [key]: id, traits }, call);
    });

  /** `device`: of another tab, where it was chosen. */
  const choose = guarded((choice: ConsentChoice, device?: string): void => {
    if (!usable) return;
    consent.choose(choice, device);
    if (consent.status === 'granted') {
      const own = anonymousId();
      if (device) state.set('anonymousId', device);
      state.release();
      // Another tab may have been first, with an id of its own: then the device is that one (P5).
      for (const event of held.splice(0)) {
        if (event.anonymousId === own) event.anonymousId = anonymousId();
        queue(event);
      }
    } else {
      held = [];
      pipeline.clear();
      state.erase(device);
    }
    if (!device) ports.otherTabs?.tell(choice, anonymousId());
  });
  ports.otherTabs?.hear(choose);

  return {
    track: guarded((eventName, properties, call) => {
      if (given(eventName, 'eventName')) capture({ type: 'track', eventName, properties }, call);
    }),
    page: naming('page'),
    screen: naming('screen'),
    identify: setting('identify', 'userId'),
    group: setting('group', 'groupId'),
    alias: guarded((userId, previousId, call) => {
      if (!given(userId, 'userId')) return;
      capture({ type: 'alias', userId, previousId: previousId ?? state.get('userId') ?? anonymousId() }, call);
      if (consent.status !== 'denied') state.set('userId', userId);
    }),
    reset: guarded(() => KEYS.forEach((key) => state.set(key, undefined))),
    consent: (choice) => choose(choice),
    flush: () => sender.flush().catch(() => false),
    setOnline: guarded(sender.setOnline),
    leave: guarded(sender.handOver),
    close: guarded(sender.close),
    get anonymousId() {
      return anonymousId();
    },
    get userId() {
      return state.get('userId');
    },
    get sessionId() {
      return touchSession(state, clock, random);
    },
    get consentStatus() {
      return consent.status;
    },
    get waiting() {
      return { held: held.length, ...pipeline.waiting };
    },
  };
}
