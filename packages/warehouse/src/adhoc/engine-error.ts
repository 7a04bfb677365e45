/** ClickHouse's own number and words. */
export function engineError(error: unknown): { number: number; message: string } {
  const text = error instanceof Error ? error.message : String(error);
  const [, number = '0'] = /Code: (\d+)/.exec(text) ?? [];
  return { number: Number(number), message: text.replace(/^.*?DB::Exception: /s, '') };
}
