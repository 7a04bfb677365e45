import type { DeviceClient, State } from '@tidemark/sdk-core';
import type { Platform } from './platform.ts';

/**
 * What becomes of the app: installed, updated, opened, backgrounded; and what waits is sent when it goes to the
 * background, for it may not come back. Returns what ends it.
 */
export function followLifecycle(
  client: DeviceClient,
  { appState, app }: Platform,
  state: State,
  capture: boolean,
): () => void {
  if (capture) {
    const before = state.get('appVersion');
    const version = app?.version ?? '';
    if (before === undefined) client.track('application_installed', { version });
    else if (before !== version) client.track('application_updated', { version, previousVersion: before });
    client.track('application_opened', { version, fromBackground: false });
    // As with the device's ids: kept from the grant on, gone with a denial (SPEC P1).
    const keep = (): void => state.set('appVersion', client.consentStatus === 'granted' ? version : undefined);
    const { consent } = client;
    client.consent = (choice) => {
      consent(choice);
      keep();
    };
    keep();
  }
  let active = true;
  const subscription = appState?.addEventListener('change', (next) => {
    // iOS says `inactive` in between, and while a call or the app switcher is shown.
    if (next !== 'active' && next !== 'background') return;
    if (active === (active = next === 'active')) return;
    if (capture)
      client.track(
        active ? 'application_opened' : 'application_backgrounded',
        active ? { version: app?.version ?? '', fromBackground: true } : {},
      );
    if (!active) void client.flush();
  });
  return () => subscription?.remove();
}
