import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = `
  const { fdatasync, openSync, write } = require('node:fs');
  const file = openSync(process.argv[1], 'w');
  const page = Buffer.alloc(4096);
  const server = require('node:http').createServer((req, res) => {
    req.resume().on('end', () => write(file, page, 0, 4096, 0, () => fdatasync(file, () => res.end('{}'))));
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

/** A server in a process of its own that reads a request, syncs a page and answers: how fast this machine is just now. */
export class BareServer {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #url: string;
  /** Node's servers close idle connections after 5 s. */
  readonly #agent = new Agent({ keepAlive: true, timeout: 2_000 });

  static async start(): Promise<BareServer> {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-bare-'));
    const child = spawn(process.execPath, ['-e', PROGRAM, join(folder, 'page')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    return new BareServer(child, folder, `http://127.0.0.1:${String(port).trim()}`);
  }

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#process = child;
    this.#folder = folder;
    this.#url = url;
  }

  /** Milliseconds from a request to its answer. */
  post(): Promise<number> {
    const sentAtMs = performance.now();
    return new Promise((resolve, reject) => {
      const sending = request(this.#url, { method: 'POST', agent: this.#agent }, (answer) => {
        answer.resume().on('end', () => resolve(performance.now() - sentAtMs)).on('error', reject);
      });
      sending.on('error', reject).end('x'.repeat(8_192));
    });
  }

  stop(): void {
    this.#agent.destroy();
    this.#process.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
