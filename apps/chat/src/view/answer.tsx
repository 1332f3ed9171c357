import type { JSX } from "preact";
import type { Version } from "../state/branches.ts";
import type { Answer, AnswerStats, Exchange } from "../state/conversation.ts";
import { branchIntoNewConversation } from "../state/conversations.ts";
import { continueAnswer, generation, regenerate } from "../state/generation.ts";
import { loadedModel } from "../state/model.ts";
import type { Reading } from "../state/reading-pace.ts";
import { formatCount, formatDuration, formatSpeed, formatTimeLeft, formatTokens } from "../text/format.ts";
import { copyText } from "./copying.ts";
import { IconButton } from "./icons.tsx";
import { LookedAt, LookedAtButton } from "./looked-at.tsx";
import { Markdown } from "./markdown.tsx";
import { AnswerProblem } from "./problem.tsx";
import { VersionSwitch } from "./versions.tsx";

export function StreamingAnswer(): JSX.Element | null {
  const live = generation.value;
  if (live === null) return null;
  const { reading, text, tokens, answeringSince } = live;
  if (text === "") return <ReadingView {...(reading ?? { done: 0, total: 0 })} />;
  if (reading !== null) return <GoingOn text={text} reading={reading} />;
  const seconds = answeringSince === null ? 0 : (performance.now() - answeringSince) / 1000;
  return (
    <div class="answer streaming" aria-busy="true">
      <h2 class="unseen">Answer</h2>
      <Markdown text={text} />
      <p class="stats">
        <i class="dot loading" />
        {tokens > 4 && seconds > 0.5 ? `${formatTokens(tokens)} · ${formatSpeed((tokens - 1) / seconds)} per second` : formatTokens(tokens)}
      </p>
    </div>
  );
}

/** While what there is of an answer is read again, to go on with it. */
function GoingOn({ text, reading }: { text: string; reading: Reading }): JSX.Element {
  return (
    <div class="answer">
      <h2 class="unseen">Answer</h2>
      <Markdown text={text} />
      <ReadingView {...reading} />
    </div>
  );
}

/** While the prompt is read. The figures fade in after a second: most prompts are read before. */
function ReadingView({ done, total, rate, secondsLeft }: Reading): JSX.Element {
  const pace = [
    `Reading ${formatCount(done)} of ${formatTokens(total)}`,
    ...(rate === undefined ? [] : [`${formatSpeed(rate)} per second`]),
    ...(secondsLeft === undefined || secondsLeft < 3 ? [] : [`${formatTimeLeft(secondsLeft)} left`]),
  ];
  return (
    <div class="answer reading" aria-busy="true">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {total > 0 && (
        <div class="reading-figures">
          <span>{pace.join(" · ")}</span>
          <progress value={done} max={total} aria-label="Reading your message" />
        </div>
      )}
    </div>
  );
}

interface AnswerProps {
  exchange: Exchange;
  version: Version | null;
  last: boolean;
}

export function AnswerView({ exchange, version, last }: AnswerProps): JSX.Element {
  const { id, answer } = exchange;
  const again = (): void => void regenerate(id);
  const canAsk = loadedModel.value !== null && generation.value === null;
  const text = answer?.text ?? "";
  return (
    <div class="answer">
      <h2 class="unseen">Answer</h2>
      {text !== "" && <Markdown text={text} />}
      {answer?.problem !== undefined && <AnswerProblem problem={answer.problem} onRetry={last && canAsk ? again : undefined} />}
      <div class="answer-foot">
        <div class="actions">
          {text !== "" && <IconButton icon="copy" size={17} label="Copy answer" onClick={() => void copyText(text)} />}
          {answer !== null && <IconButton icon="again" size={17} label="Answer again" onClick={again} disabled={!canAsk} />}
          {text !== "" && (
            <IconButton
              icon="branch"
              size={17}
              label="Branch off from here"
              onClick={() => void branchIntoNewConversation(id)}
              disabled={generation.value !== null}
            />
          )}
          <VersionSwitch version={version} of="answer" />
          {last && answer === null && (
            <button type="button" class="button quiet" onClick={again} disabled={!canAsk}>
              Answer now
            </button>
          )}
          {last && answer !== null && endedEarly(answer) && (
            <button type="button" class="button quiet small" onClick={() => void continueAnswer(id)} disabled={!canAsk}>
              Continue
            </button>
          )}
        </div>
        <p class="stats" title={answer?.stats?.prompt === undefined ? undefined : promptStats(answer.stats.prompt)}>
          {answer !== null && answerStats(answer)}
        </p>
        <LookedAtButton exchange={exchange} />
      </div>
      <LookedAt exchange={exchange} />
    </div>
  );
}

/** There may be more of it to come. */
function endedEarly({ text, end }: Answer): boolean {
  return text !== "" && end !== "complete" && end !== "failed";
}

function answerStats({ end, stats }: Answer): string {
  const parts: string[] = [];
  if (stats !== undefined) {
    parts.push(formatTokens(stats.tokens), `${formatSpeed(stats.tokensPerSecond)} per second`);
    if (stats.firstToken !== undefined)
      parts.push(stats.firstToken < 0.05 ? "first at once" : `first after ${formatDuration(stats.firstToken)}`);
  }
  if (end === "stopped") parts.push("stopped");
  if (end === "length") parts.push("ended at the limit");
  if (end === "interrupted") parts.push("interrupted; what came so far is kept");
  return parts.join(" · ");
}

function promptStats({ tokens, cached, seconds }: NonNullable<AnswerStats["prompt"]>): string {
  const known = cached > 0 ? `, ${formatTokens(cached)} of it still known` : "";
  return `Read ${formatTokens(tokens)}${known} in ${formatDuration(seconds)}`;
}
