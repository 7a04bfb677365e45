import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** A bare TCP connection that writes what it is told and collects what comes back; for hostile requests. */
export interface RawConnection {
  socket: Socket;
  write(text: string | Buffer): void;
  /** Everything received until now. */
  received(): string;
  /** Resolves when what was received matches, or fails when the connection ends before. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with all that was received, when the other side closes. */
  closed(): Promise<string>;
}

export function openRaw(port: number): RawConnection {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  let done = false;
  const watchers = new Set<() => void>();
  const tell = () => watchers.forEach((watch) => watch());
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    tell();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    done = true;
    tell();
  });
  function when<T>(ready: () => T | undefined, refuse: () => Error | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      function watch(): void {
        const value = ready();
        const error = value === undefined ? refuse() : undefined;
        if (value === undefined && error === undefined) return;
        watchers.delete(watch);
        if (value === undefined) reject(error as Error);
        else resolve(value);
      }
      watchers.add(watch);
      watch();
    });
  }
  return {
    socket,
    write: (chunk) => void socket.write(chunk),
    received: () => text,
    until: (pattern) =>
      when(
        () => (pattern.test(text) ? text : undefined),
        () => (done ? new Error(`closed after: ${text}`) : undefined),
      ),
    closed: () =>
      when(
        () => (done ? text : undefined),
        () => undefined,
      ),
  };
}
