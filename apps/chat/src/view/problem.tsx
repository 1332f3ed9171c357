import type { JSX } from "preact";
import { attachAgain } from "../state/attachments.ts";
import { continueOnProcessor } from "../state/backend.ts";
import type { Problem } from "../state/conversation.ts";
import { current, draft, newConversation, removeEarliest, shownExchanges } from "../state/conversations.ts";
import { setDraft } from "../state/drafts.ts";
import { loadModel } from "../state/model.ts";
import { dialog, focusComposer } from "../state/page.ts";
import { explain, type Way } from "../state/problems.ts";
import { changeSettings } from "../state/settings.ts";
import { Icon } from "./icons.tsx";

const WAY_LABELS: Record<Way, string> = {
  retry: "Try again",
  "reload-model": "Start the model again",
  "use-processor": "Continue on the processor",
  "choose-for-me": "Choose automatically",
  "new-chat": "New chat with this question",
  trim: "Delete early messages and try again",
  "manage-storage": "Stored models",
  "other-model": "Another model",
};

interface ProblemNoteProps {
  problem: Problem;
  ways: readonly Way[];
  onRetry: (() => void) | undefined;
}

/** A failure in plain words: what happened, what to do, what is kept, and buttons that do it. */
export function ProblemNote({ problem, ways, onRetry }: ProblemNoteProps): JSX.Element {
  const { title, kept } = explain(problem.code);
  const offered = ways.filter((way) => way !== "retry" || onRetry !== undefined);
  return (
    <div class="problem" role="alert">
      <Icon name="alert" />
      <div>
        <p class="problem-title">{title}</p>
        <p>
          {sentence(problem.what)} {problem.remedy !== undefined && sentence(problem.remedy)} {kept}
        </p>
        {offered.length > 0 && (
          <div class="problem-ways">
            {offered.map((way, index) => (
              <button type="button" key={way} class={index === 0 ? "button primary" : "button"} onClick={() => void follow(way, onRetry)}>
                {WAY_LABELS[way]}
              </button>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}

/** The failure of one answer. Where the model itself is gone, the card above the message field explains and brings it back. */
export function AnswerProblem({ problem, onRetry }: { problem: Problem; onRetry: (() => void) | undefined }): JSX.Element {
  const { title, ways } = explain(problem.code);
  if (ways.includes("reload-model")) {
    return (
      <p class="hint answer-broken">
        {title}; what came so far is kept.{" "}
        {onRetry !== undefined && (
          <button type="button" class="text-button" onClick={onRetry}>
            {WAY_LABELS.retry}
          </button>
        )}
      </p>
    );
  }
  if (problem.code === "context-exceeded" && shownExchanges.value.length < 2) {
    const remedy = "Edit the message to make it shorter, or load a model that reads more";
    return <ProblemNote problem={{ ...problem, remedy }} ways={[]} onRetry={undefined} />;
  }
  return <ProblemNote problem={problem} ways={ways} onRetry={onRetry} />;
}

async function follow(way: Way, onRetry: (() => void) | undefined): Promise<void> {
  switch (way) {
    case "retry":
      onRetry?.();
      return;
    case "reload-model":
      await loadModel();
      return;
    case "use-processor":
      await continueOnProcessor();
      return;
    case "choose-for-me":
      changeSettings({ backend: "auto" });
      await loadModel();
      return;
    case "new-chat":
      await moveQuestionToNewChat();
      return;
    case "trim":
      await removeEarliest();
      onRetry?.();
      return;
    case "manage-storage":
    case "other-model":
      dialog.value = "models";
  }
}

/** The question that did not fit is put into the new conversation's composer, before whatever is there already. */
async function moveQuestionToNewChat(): Promise<void> {
  const { question = "", attachments = [] } = shownExchanges.peek().at(-1) ?? {};
  newConversation();
  attachAgain(attachments);
  const rest = draft.peek();
  setDraft(current.peek().id, rest === "" ? question : `${question}\n\n${rest}`);
  focusComposer();
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? "" : "."}`;
}
