import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aliasHubs, hardLinks, joinedNodes, MAX_ALIAS_LINKS, nameOf, nodeKey, nodeOfKey, overridesOf, standingDecisions, type AliasLink, type Decision } from './index.ts';

const user = fc.constantFrom('a', 'b', 'c', 'd');
const aliases = fc.array(fc.record({ user, previous: user }), { maxLength: 6 });
const key = fc.constantFrom('ua', 'ub', 'uc', 'ud', 'aa', 'ax', 'ay');
const decisions = fc.array(fc.record({ verdict: fc.constantFrom('merge' as const, 'cut' as const), a: key, b: key }), { maxLength: 6 });
const owners = fc.dictionary(fc.constantFrom('x', 'y'), user);

/** Who is joined, by trying every pair again and again until nothing changes. */
function plainly(links: readonly AliasLink[], decided: readonly Decision[], owner: Record<string, string>): string[][] {
  const last = (a: string, b: string) => decided.findLast((each) => (each.a === a && each.b === b) || (each.a === b && each.b === a))?.verdict;
  const base = (node: string) => (node.startsWith('a') && owner[node.slice(1)] !== undefined ? `u${owner[node.slice(1)]}` : node);
  const pairs = [
    ...links.map((link) => [`u${link.user}`, `u${link.previous}`] as const).filter(([a, b]) => last(a, b) !== 'cut'),
    ...decided.filter(({ a, b }) => last(a, b) === 'merge').map(({ a, b }) => [a, b] as const),
  ].map(([a, b]) => [base(a), base(b)] as const);
  let groups = [...new Set(pairs.flat())].map((node) => new Set([node]));
  for (const [a, b] of pairs) {
    const met = groups.filter((group) => group.has(a) || group.has(b));
    groups = [...groups.filter((group) => !met.includes(group)), new Set(met.flatMap((group) => [...group]))];
  }
  return groups.filter(({ size }) => size > 1).map((group) => [...group].toSorted());
}

describe('identity', () => {
  it('joins what the plain rule joins, whatever the order of the links', () => {
    fc.assert(
      fc.property(aliases, decisions, owners, fc.boolean(), (links, decided, owner, backwards) => {
        const found = joinedNodes({ aliases: backwards ? links.toReversed() : links, decisions: decided, ownerOf: (device) => owner[device] });
        expect(new Set(found.map(String))).toEqual(new Set(plainly(links, decided, owner).map(String)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes the last decision about a pair, from either side', () => {
    const made: Decision[] = [{ verdict: 'merge', a: 'ua', b: 'ub' }, { verdict: 'cut', a: 'ub', b: 'ua' }];
    expect(standingDecisions(made).size).toBe(1);
    expect(hardLinks({ aliases: [{ user: 'a', previous: 'b' }], decisions: made })).toEqual([]);
    expect(hardLinks({ aliases: [], decisions: made.toReversed() })).toEqual([{ a: 'ua', b: 'ub', cause: 'merge' }]);
  });

  it('lets a hub join nobody, and counts each of its links once', () => {
    const links = Array.from({ length: MAX_ALIAS_LINKS }, (_, i) => ({ user: `u${i}`, previous: 'guest' }));
    expect(aliasHubs([...links, ...links, { user: 'guest', previous: 'guest' }]).size).toBe(0);
    expect(joinedNodes({ aliases: links, decisions: [], ownerOf: () => undefined })[0]).toHaveLength(MAX_ALIAS_LINKS + 1);
    const over = [...links, { user: 'guest', previous: 'one more' }];
    expect([...aliasHubs(over)]).toEqual(['guest']);
    expect(joinedNodes({ aliases: over, decisions: [], ownerOf: () => undefined })).toEqual([]);
  });

  it('survives chains of 100,000 aliases', () => {
    const links = Array.from({ length: 100_000 }, (_, i) => ({ user: `${i}`, previous: `${i + 1}` }));
    expect(joinedNodes({ aliases: links, decisions: [], ownerOf: () => undefined })[0]).toHaveLength(100_001);
  });

  it('names a person after its first user, a device only where there is none', () => {
    const firstMs: Record<string, number> = { ub: 5, uc: 5, ax: 1 };
    expect(nameOf(['ax', 'ua', 'uc', 'ub'], (node) => firstMs[node])).toBe('ub');
    expect(nameOf(['ax', 'ua'], (node) => firstMs[node])).toBe('ax');
    expect(nameOf(['uz', 'ua', 'aa'], () => undefined)).toBe('ua');
    expect([...overridesOf([{ name: 'ub', nodes: ['ax', 'ub', 'uc'] }])]).toEqual([['ax', 'ub'], ['uc', 'ub']]);
    expect(nodeOfKey(nodeKey({ kind: 'device', id: 'u1' }))).toEqual({ kind: 'device', id: 'u1' });
  });
});
