import { describe, expect, it } from 'vitest';
import { wilsonInterval } from './wilson.ts';

describe('the score interval', () => {
  it('is what R. G. Newcombe prints (Statistics in Medicine 17, 1998, 857-872, table I, method 3)', () => {
    const printed = [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const;
    for (const [successes, trials, low, high] of printed) {
      const [found, other] = wilsonInterval(successes, trials) ?? [];
      expect([found?.toFixed(4), other?.toFixed(4)]).toEqual([low.toFixed(4), high.toFixed(4)]);
    }
  });

  it('is none of nobody, and never leaves 0 to 1', () => {
    expect(wilsonInterval(0, 0)).toBeNull();
    expect(wilsonInterval(29, 29)).toEqual([0.88303, 1]);
  });
});
