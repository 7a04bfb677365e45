import type { Completeness } from '@tidemark/analytics';

/** What `meta` of an answer tells, for an answer that is a file (rule Q6). */
export function completenessHeaders({ asOf, completeThrough, provisionalFrom }: Completeness): Record<string, string> {
  return {
    'tidemark-as-of': asOf,
    'tidemark-complete-through': completeThrough,
    ...(provisionalFrom !== null && { 'tidemark-provisional-from': provisionalFrom }),
  };
}
