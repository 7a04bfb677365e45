/** One of the shop's people: the same in every visit, as its number and the seed decide. */
import { createRandom } from './random.ts';
import { DEVICES, PLACES } from './world.ts';
import type { Device } from './world.ts';

export interface Shopper {
  number: number;
  /** Who has an account logs in before paying. */
  userId: string | undefined;
  /** One, or two for those who also come by another device. */
  devices: { device: Device; anonymousId: string }[];
  ip: string;
  locale: string;
  /** Readiness to buy, about 1. */
  readiness: number;
}

const WITH_ACCOUNT = 0.45;
const WITH_SECOND_DEVICE = 0.2;

export function shopperOf(seed: string, number: number): Shopper {
  const random = createRandom(`${seed}/shopper/${number}`);
  const { ip, locale } = random.weighted(PLACES);
  const count = random.chance(WITH_SECOND_DEVICE) ? 2 : 1;
  const devices = Array.from({ length: count }, (_, index) => ({
    device: random.weighted(DEVICES),
    anonymousId: `demo-device-${number}-${index + 1}`,
  }));
  const userId = random.chance(WITH_ACCOUNT) ? `demo-customer-${number}` : undefined;
  return { number, userId, devices, ip, locale, readiness: random.skewed(1, 0.4) };
}
