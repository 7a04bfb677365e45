/** From an address to the country it is in, by a database file in MaxMind's format. */
import { createRequire } from 'node:module';
import maxmind from 'maxmind';
import type { Response } from 'maxmind';
import { isPrivateAddress, plainAddress } from './address.ts';
import { BoundedCache } from '../bounded-cache.ts';

/** ISO 3166-1 alpha-2 code in capitals, `''` when the country is not known. */
export type CountryOf = (address: string) => string;

/** One look-up walks the tree for about 3 us; an address comes with many events. */
const CACHED_ADDRESSES = 16_384;

/** Records of the bundled database, and of MaxMind's own country and city databases. */
type CountryRecord = Response & { country_code?: string; country?: { iso_code?: string } };

/**
 * Opens a database. Without a path it is the bundled one (who registered the address block; IPv4 and IPv6), which
 * needs no licence key and knows countries only. Throws when the file is not there or no such database.
 */
export async function openGeo(path = bundledDatabase()): Promise<CountryOf> {
  const reader = await maxmind.open<CountryRecord>(path);
  const cache = new BoundedCache(CACHED_ADDRESSES, (text) => {
    const address = plainAddress(text);
    if (address === '' || isPrivateAddress(address)) return '';
    const record = reader.get(address);
    return (record?.country_code ?? record?.country?.iso_code ?? '').toUpperCase();
  });
  return (address) => cache.get(address);
}

function bundledDatabase(): string {
  return createRequire(import.meta.url).resolve(
    '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
  );
}
