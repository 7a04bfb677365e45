export interface Host {
  versions: { node: string };
  platform: string;
  arch: string;
  report?: { getReport(): object; excludeNetwork?: boolean };
}

export function requirementProblem(host: Host): { code: string; sentence: string; fix: string } | undefined;
