/** The `tidemark` command. Returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  process.stdout.write(`tidemark ${args.join(' ')}\n`);
  return 0;
}
