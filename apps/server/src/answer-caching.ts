import { AnswerCache, type Caching } from '@tidemark/analytics';
import type { Control } from '@tidemark/control';
import type { Metrics } from '@tidemark/metrics';
import type { Processor } from '@tidemark/processor';

/** Keeps answers for the whole engine, and counts them. */
export function answerCaching({ control, processor, metrics }: { control: Control; processor: Processor; metrics: Metrics }): Caching {
  const answers = new AnswerCache({ observe: (lookup) => metrics.counter('tidemark_answer_lookups_total', { result: lookup }).inc() });
  metrics.beforeScrape(() => {
    metrics.gauge('tidemark_answer_cache_bytes', {}).set(answers.size.bytes);
    metrics.gauge('tidemark_answer_cache_answers', {}).set(answers.size.answers);
  });
  return { answers, decisions: (project) => control.audit.last(project), changes: () => processor.identityChanges() };
}
