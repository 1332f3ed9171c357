import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Answer, AnswerStats, Exchange } from "../state/conversation.ts";
import { current, removeExchange } from "../state/conversations.ts";
import { generatingHere, generation, regenerate } from "../state/generation.ts";
import { loadedModel } from "../state/model.ts";
import type { Reading } from "../state/reading-pace.ts";
import { formatCount, formatDuration, formatSpeed, formatTimeLeft, formatTokens } from "../text/format.ts";
import { SentAttachments } from "./attachments.tsx";
import { copyText } from "./copying.ts";
import { IconButton } from "./icons.tsx";
import { LookedAt, LookedAtButton } from "./looked-at.tsx";
import { Markdown } from "./markdown.tsx";
import { AnswerProblem } from "./problem.tsx";

/** A question and its answer. */
export function ExchangeView({ exchange, last }: { exchange: Exchange; last: boolean }): JSX.Element {
  const editing = useSignal(false);
  const streaming = generation.value?.exchangeId === exchange.id ? generation.value : null;
  return (
    <article class={last ? "exchange last" : "exchange"} data-exchange={exchange.id}>
      {editing.value ? (
        <QuestionEditor exchange={exchange} onDone={() => (editing.value = false)} />
      ) : (
        <Question exchange={exchange} onEdit={() => (editing.value = true)} />
      )}
      {streaming !== null ? <StreamingAnswer /> : <AnswerView exchange={exchange} last={last} />}
    </article>
  );
}

/** A pasted book is shown by its first page until asked for. */
const LONG_QUESTION = 1600;

function Question({ exchange, onEdit }: { exchange: Exchange; onEdit: () => void }): JSX.Element {
  const whole = useSignal(false);
  const { question } = exchange;
  const long = question.length > LONG_QUESTION;
  return (
    <div class="question">
      <h2 class="unseen">You</h2>
      <div class={exchange.attachments !== undefined && question !== "" ? "bubble with-attachments" : "bubble"}>
        {exchange.attachments !== undefined && <SentAttachments attachments={exchange.attachments} />}
        <span class="bubble-text">{long && !whole.value ? `${question.slice(0, LONG_QUESTION).toWellFormed()}…` : question}</span>
        {long && (
          <button type="button" class="text-button" onClick={() => (whole.value = !whole.value)}>
            {whole.value ? "Show less" : `Show all ${question.length.toLocaleString("en")} characters`}
          </button>
        )}
      </div>
      <div class="actions">
        {question !== "" && <IconButton icon="copy" size={17} label="Copy message" onClick={() => void copyText(question)} />}
        <IconButton icon="pencil" size={17} label="Edit message" onClick={onEdit} disabled={generation.value !== null} />
        <IconButton
          icon="trash"
          size={17}
          label="Delete message and answer"
          onClick={() => void removeExchange(exchange.id)}
          disabled={generatingHere.value}
        />
      </div>
    </div>
  );
}

function QuestionEditor({ exchange, onDone }: { exchange: Exchange; onDone: () => void }): JSX.Element {
  const text = useSignal(exchange.question);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    const end = field.current?.value.length ?? 0;
    field.current?.setSelectionRange(end, end);
  }, []);
  const { exchanges } = current.value;
  const following = exchanges.length - 1 - exchanges.findIndex(({ id }) => id === exchange.id);
  const sendable =
    (text.value.trim() !== "" || exchange.attachments !== undefined) && loadedModel.value !== null && generation.value === null;
  const submit = (): void => {
    if (!sendable) return;
    onDone();
    void regenerate(exchange.id, text.value.trim());
  };
  return (
    <form
      class="question editor"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        ref={field}
        aria-label="Edit message"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            onDone();
          } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            submit();
          }
        }}
      />
      <div class="editor-foot">
        <span class="hint">{editHint(loadedModel.value !== null, following)}</span>
        <button type="button" class="button quiet" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" class="button primary" disabled={!sendable}>
          Send
        </button>
      </div>
    </form>
  );
}

function editHint(modelReady: boolean, following: number): string {
  if (!modelReady) return "Start the model to send.";
  if (following === 0) return "The answer is written anew.";
  return following === 1 ? "The message after this one goes." : `The ${following} messages after this one go.`;
}

function StreamingAnswer(): JSX.Element | null {
  const live = generation.value;
  if (live === null) return null;
  const { reading, text, tokens, answeringSince } = live;
  if (text === "") return <ReadingView {...(reading ?? { done: 0, total: 0 })} />;
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

function AnswerView({ exchange, last }: { exchange: Exchange; last: boolean }): JSX.Element {
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
          {last && answer !== null && <IconButton icon="again" size={17} label="Answer again" onClick={again} disabled={!canAsk} />}
          {last && answer === null && (
            <button type="button" class="button quiet" onClick={again} disabled={!canAsk}>
              Answer now
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

function answerStats({ end, stats }: Answer): string {
  const parts: string[] = [];
  if (stats !== undefined) parts.push(formatTokens(stats.tokens), `${formatSpeed(stats.tokensPerSecond)} per second`);
  if (end === "stopped") parts.push("stopped");
  if (end === "length") parts.push("ended at the limit");
  if (end === "interrupted") parts.push("interrupted; what came so far is kept");
  return parts.join(" · ");
}

function promptStats({ tokens, cached, seconds }: NonNullable<AnswerStats["prompt"]>): string {
  const known = cached > 0 ? `, ${formatTokens(cached)} of it still known` : "";
  return `Read ${formatTokens(tokens)}${known} in ${formatDuration(seconds)}`;
}
