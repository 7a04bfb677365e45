/**
 * Joins the expositions of several processes into one. Prometheus's text format allows one HELP and TYPE a name and
 * wants the samples of a name together, so plain concatenation is not legal when two processes share a name.
 */
export function mergeExpositions(texts: readonly string[]): string {
  const families = new Map<string, { comments: Map<string, string>; samples: string[] }>();
  for (const text of texts) {
    let name = '';
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const comment = /^# (HELP|TYPE) (\S+)/.exec(line);
      if (comment !== null) name = comment[2] as string;
      else if (line.startsWith('#')) continue;
      let family = families.get(name);
      if (family === undefined) families.set(name, (family = { comments: new Map(), samples: [] }));
      if (comment === null) family.samples.push(line);
      else if (!family.comments.has(comment[1] as string)) family.comments.set(comment[1] as string, line);
    }
  }
  let merged = '';
  for (const { comments, samples } of families.values())
    merged += `${[...comments.values(), ...samples].join('\n')}\n\n`;
  return merged;
}
