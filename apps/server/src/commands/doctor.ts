import { ACCESS_OPTIONS, ACCESS_USAGE } from '../client/access.ts';
import { parseFlags } from '../command.ts';
import type { Command } from '../command.ts';
import { CHECKS } from '../doctor/checks.ts';
import type { Finding } from '../doctor/finding.ts';

const USAGE = `tidemark doctor: looks at the machine, the data folder and the running server, and says what to mend.

It changes nothing. The exit code is 1 when something is broken.

${ACCESS_USAGE}`;

const MARKS: Record<Finding['level'], string> = { ok: '✓', warning: '!', fault: '✗' };

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'look for what is wrong',
  usage: USAGE,
  async run(args, terminal) {
    const { values } = parseFlags('doctor', { args, options: ACCESS_OPTIONS });
    const patient = { flags: values, env: terminal.env, signal: terminal.signal };
    let faults = 0;
    for (const check of CHECKS) {
      const findings = await check(patient);
      for (const { level, subject, sentence, fix } of findings) {
        terminal.out(`  ${MARKS[level]} ${subject}: ${sentence}\n${fix === undefined ? '' : `      Fix: ${fix}\n`}`);
      }
      faults += findings.filter(({ level }) => level === 'fault').length;
      // What comes after would only complain of the same again.
      if (faults > 0) return 1;
    }
    return 0;
  },
};
