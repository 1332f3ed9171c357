import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { versionsOf } from "../state/branches.ts";
import type { Exchange } from "../state/conversation.ts";
import { current } from "../state/conversations.ts";
import { generation } from "../state/generation.ts";
import { AnswerView, StreamingAnswer } from "./answer.tsx";
import { Question } from "./question.tsx";
import { QuestionEditor } from "./question-editor.tsx";

/** A question and its answer, each with the way to its other versions. */
export function ExchangeView({ exchange, last }: { exchange: Exchange; last: boolean }): JSX.Element {
  const editing = useSignal(false);
  const streaming = useComputed(() => generation.value?.exchangeId);
  const versions = versionsOf(current.value, exchange);
  return (
    <article class={last ? "exchange last" : "exchange"} data-exchange={exchange.id}>
      {editing.value ? (
        <QuestionEditor exchange={exchange} onDone={() => (editing.value = false)} />
      ) : (
        <Question exchange={exchange} version={versions.question} onEdit={() => (editing.value = true)} />
      )}
      {streaming.value === exchange.id ? <StreamingAnswer /> : <AnswerView exchange={exchange} version={versions.answer} last={last} />}
    </article>
  );
}
