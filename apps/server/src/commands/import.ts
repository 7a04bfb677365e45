import { serverUrl } from '../client/access.ts';
import { findWriteKey } from '../client/write-key.ts';
import { figure } from '../ask/bars.ts';
import { CommandProblem, parseFlags } from '../command.ts';
import type { Command, Terminal } from '../command.ts';
import { importFile } from '../import/import-file.ts';
import type { Tally } from '../import/import-file.ts';
import { parseMapping } from '../import/mapping.ts';
import { resumeFileOf } from '../import/resume-file.ts';
import type { ResumeFile, Standing } from '../import/resume-file.ts';
import { guessFormat } from '../import/rows.ts';
import type { Format } from '../import/rows.ts';
import { openSourceFile } from '../import/source-file.ts';
import { createProgressBar } from '../progress-bar.ts';

const USAGE = `tidemark import FILE: sends a file of events, NDJSON or CSV, plain or gzipped.

  tidemark import events.ndjson                   lines in Tidemark's own shape, or an export of it
  tidemark import shop.csv.gz --map userId=user_id,eventName=event,timestamp=timestamp,properties.platform=platform

  --map FIELD=COLUMN    where a field of the event comes from; several with commas, or the flag again
                        FIELD   eventId eventName userId anonymousId sessionId timestamp sequence type … ,
                                properties.NAME, context.NAME, traits.NAME
                        COLUMN  its name; a path (payload.page.url) in NDJSON, also into texts that hold JSON
                        COLUMN:number, :boolean, :json, :text convert it
  --set FIELD=VALUE     the same value for every row
  --rest                columns that no --map names become properties of their own name
  --format ndjson|csv   (default: by the file's first character)
  --restart             do not go on where the last try stopped

Rows without an id get one from the file's hash and their number: importing a file twice changes nothing. Times
without a zone are taken for UTC. A stopped import goes on when the same command runs again; where it stands is
kept in FILE.tidemark-import. The exit code is 0 when every row was accepted, 2 when some were refused.

  --write-key KEY   the project to send to (TIDEMARK_WRITE_KEY; default: a key of the data folder's first project)
  --url URL         (TIDEMARK_URL; default: the server of the data folder)
  --data FOLDER     the data folder (TIDEMARK_DATA; default ./data)
  --project ID      a project of that folder
`;

/** The standing is written this often: after a kill, at most so much is sent again. */
const SAVE_EVERY_MS = 1_000;

export const importCommand: Command = {
  name: 'import',
  summary: 'send a file of events',
  usage: USAGE,
  async run(args, terminal) {
    const { values, positionals } = parseFlags('import', {
      args,
      allowPositionals: true,
      options: {
        map: { type: 'string', multiple: true },
        set: { type: 'string', multiple: true },
        rest: { type: 'boolean' },
        format: { type: 'string' },
        restart: { type: 'boolean' },
        url: { type: 'string' },
        'write-key': { type: 'string' },
        data: { type: 'string' },
        project: { type: 'string' },
      },
    });
    const [path, ...more] = positionals;
    if (path === undefined || more.length > 0)
      throw new CommandProblem('Import takes one file.', 'see `tidemark import --help`.');
    const mapping = parseMapping(values.map ?? [], values.set ?? [], values.rest ?? false);
    if (values.rest && mapping.rules.length === 0) {
      throw new CommandProblem('--rest means the columns that no --map names.', 'give a --map too.');
    }
    const url = serverUrl(values, terminal.env);
    const writeKey = await findWriteKey(values, terminal.env);
    const file = await openSourceFile(path, terminal.signal);
    const format = formatOf(values.format) ?? (await guessFormat(file.read()));

    const resume = resumeFileOf(`${path}.tidemark-import`);
    const options = JSON.stringify([mapping, format, url, writeKey]);
    const before = values.restart ? undefined : resume.read(file.sha256, options);
    if (before) terminal.err(`tidemark: going on behind row ${figure(before.row)} …\n`);
    const standing: Standing = before ?? {
      sha256: file.sha256,
      options,
      row: 0,
      accepted: 0,
      refused: 0,
      examples: [],
    };

    const progress = createProgressBar(terminal, 'rows');
    const saver = createSaver(resume, standing, terminal);
    let bytesRead = 0;
    try {
      await importFile({
        file,
        format,
        mapping,
        afterRow: standing.row,
        tally: standing,
        target: {
          url,
          writeKey,
          signal: terminal.signal,
          onWait: (reason, ms) => progress.note(`waiting ${figure(ms / 1000)} s: ${reason}`),
        },
        onBytes: (count) => (bytesRead += count),
        onProgress(row) {
          standing.row = row;
          progress.update(bytesRead, file.sizeBytes, standing.accepted + standing.refused);
          saver.save();
        },
      });
    } catch (error) {
      saver.saveNow();
      progress.end();
      if (!terminal.signal.aborted) throw error;
      terminal.err(`tidemark: stopped behind row ${figure(standing.row)}; the same command goes on there.\n`);
      return 130;
    }
    progress.end();
    resume.remove();
    report(standing, terminal);
    return standing.refused > 0 ? 2 : 0;
  },
};

function formatOf(text: string | undefined): Format | undefined {
  if (text === undefined || text === 'ndjson' || text === 'csv') return text;
  throw new CommandProblem(`There is no format '${text}'.`, 'use --format ndjson or --format csv.');
}

function createSaver(resume: ResumeFile, standing: Standing, terminal: Terminal): { save(): void; saveNow(): void } {
  let savedAt = performance.now();
  let possible = true;
  const saveNow = (): void => {
    if (!possible) return;
    savedAt = performance.now();
    possible = resume.write(standing);
    if (!possible) terminal.err(`tidemark: ${resume.path} can't be written; a stopped import will begin again.\n`);
  };
  return {
    saveNow,
    save: () => {
      if (performance.now() - savedAt >= SAVE_EVERY_MS) saveNow();
    },
  };
}

function report({ accepted, refused, examples }: Tally, terminal: Terminal): void {
  terminal.out(
    `${figure(accepted)} rows accepted (those that were there already count once), ${figure(refused)} refused.\n`,
  );
  for (const { row, code, detail } of examples) terminal.out(`  row ${row}: ${detail} (${code})\n`);
  if (refused > examples.length && examples.length > 0)
    terminal.out(`  … and ${figure(refused - examples.length)} more\n`);
}
