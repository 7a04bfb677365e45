/**
 * Whether each of four bytes stands for itself in a JSON string. Now and then it says no of four that do, where a lower one has borrowed
 * from them. (Whether a word has a byte less than n: Anderson, "Bit Twiddling Hacks".)
 */
export function areOrdinary(four: number): boolean {
  const quotes = four ^ 0x22222222;
  const backslashes = four ^ 0x5c5c5c5c;
  const marked = ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes) | ((four - 0x20202020) & ~four);
  return (marked & 0x80808080) === 0;
}
