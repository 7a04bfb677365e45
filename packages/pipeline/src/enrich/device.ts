/** The kind of device that a client states in `context.device`, in the words of the `deviceType` column. */
import type { JsonValue } from '@tidemark/event';

/** Segment's mobile libraries send the system as the type; others have words of their own. */
const TYPES: Record<string, string> = {
  desktop: 'desktop',
  computer: 'desktop',
  pc: 'desktop',
  web: '',
  mobile: 'mobile',
  phone: 'mobile',
  smartphone: 'mobile',
  ios: 'mobile',
  android: 'mobile',
  tablet: 'tablet',
  ipad: 'tablet',
  tv: 'smarttv',
  smarttv: 'smarttv',
  console: 'console',
  wearable: 'wearable',
  watch: 'wearable',
  embedded: 'embedded',
  xr: 'xr',
};

/** `context.device` is an object with a `type`, or the type itself as text; `''` when it states none that we know. */
export function statedDeviceType(device: JsonValue | undefined): string {
  if (typeof device === 'string') return known(device);
  if (typeof device !== 'object' || device === null || Array.isArray(device)) return '';
  const { type, model } = device;
  if (typeof model === 'string' && model.startsWith('iPad')) return 'tablet';
  return typeof type === 'string' ? known(type) : '';
}

function known(text: string): string {
  const name = text.toLowerCase();
  return Object.hasOwn(TYPES, name) ? (TYPES[name] ?? '') : '';
}
