import type { MatchConfig, RetryConfig, RuleConfig } from '../../../model/config.ts';
import { formatDuration } from '../grammar/duration.ts';
import { showSelection } from './show-selection.ts';
import { ifAny, ifGiven, nothingLeft } from './whole.ts';

/** One of a listener's `rules`. */
export function showRule(rule: RuleConfig): object {
  const { name, hostnames, matches, backendRefs, selection, timeouts, retry, ...rest } = rule;
  nothingLeft(rest);
  return {
    name,
    ...ifAny('hostnames', hostnames),
    ...ifAny('matches', matches.map(showMatch)),
    backendRefs,
    selection: showSelection(selection),
    timeouts: {
      request: formatDuration(timeouts.requestMs),
      backendRequest: formatDuration(timeouts.backendRequestMs),
    },
    retry: showRetry(retry),
  };
}

function showMatch({ path, methods, headers, queryParams, ...rest }: MatchConfig): object {
  nothingLeft(rest);
  return {
    ...ifGiven('path', path),
    ...ifAny('method', methods),
    ...ifAny('headers', headers),
    ...ifAny('queryParams', queryParams),
  };
}

function showRetry({ attempts, codes, backoffMs, budget, ...rest }: RetryConfig): object {
  nothingLeft(rest);
  return { attempts, codes, backoff: formatDuration(backoffMs), ...ifGiven('budget', budget) };
}
