import { computed, effect, signal, untracked } from "@preact/signals";
import type { CacheUsage, LoadedModel, Usage } from "../longtab.ts";
import { liveStats, statsFrom, viewFrom } from "./answer-stats.ts";
import { attachedHere, clearAttached } from "./attachments.ts";
import { textOf } from "./attached-texts.ts";
import { settingsHere } from "./conversation-settings.ts";
import { type Answer, type AnswerEnd, ask, askBeside, type Conversation, setAnswer } from "./conversation.ts";
import { change, changeStored, current, draft, shownExchanges } from "./conversations.ts";
import { setDraft } from "./drafts.ts";
import { frameBatch } from "./frame-batch.ts";
import { type Prompt, toPrompt } from "./messages.ts";
import { loadedModel, loadModel, modelState, storedChoice } from "./model.ts";
import { newId } from "./new-id.ts";
import { type Reading, ReadingPace } from "./reading-pace.ts";
import { announce } from "./notices.ts";
import { toProblem, wasAborted } from "./problems.ts";
import { reloadForHere, remembersAsHere } from "./remembering.ts";
import { requestOptions } from "./request-options.ts";
import { settings } from "./settings.ts";

/** The one answer being made. The model serves one at a time; the conversation it belongs to need not be the one on screen. */
export interface Generation {
  conversationId: string;
  exchangeId: string;
  /** While the prompt is read; null once the answer begins, or goes on. */
  reading: Reading | null;
  text: string;
  /** Answer tokens so far. */
  tokens: number;
  promptTokens: number;
  /** What the model holds, a few times a second; null before it is known. */
  cache: CacheUsage | null;
  /** Milliseconds of performance.now() when it was asked for, and at its first token; null before it. */
  askedAt: number;
  answeringSince: number | null;
  stop: () => void;
}

export const generation = signal<Generation | null>(null);
/** The conversation whose message waits for the model; it is sent when the model is ready. */
export const waitingToSend = signal<string | null>(null);
export const generatingHere = computed(() => generation.value?.conversationId === current.value.id);

/** Tokens of a prompt that are read in a second: as just measured, or by the last long prompt here. Null until one was read. */
export const readingSpeed = computed(() => {
  const live = generation.value?.reading?.rate;
  if (live !== undefined) return live;
  const measured = shownExchanges.value.findLast(({ answer }) => freshTokens(answer) >= ENOUGH_TO_MEASURE)?.answer?.stats?.prompt;
  return measured === undefined ? null : (measured.tokens - measured.cached) / measured.seconds;
});

/** Fewer tokens are read too fast to tell how fast. */
const ENOUGH_TO_MEASURE = 200;

function freshTokens(answer: Answer | null): number {
  const prompt = answer?.stats?.prompt;
  return prompt === undefined ? 0 : prompt.tokens - prompt.cached;
}

/** A partial answer is stored this often, so that a closed tab loses seconds at most. */
const SAVE_EVERY_MS = 2000;

/** Sends the composer's text. Where the model is not ready yet but needs no download, the text waits for it. */
export async function send(): Promise<void> {
  const question = draft.peek().toWellFormed().trim();
  const { id } = current.peek();
  const attachments = attachedHere.peek();
  if ((question === "" && attachments.length === 0) || generation.peek() !== null) return;
  if (loadedModel.peek() === null || !remembersAsHere.peek()) {
    await waitForModel(id);
    return;
  }
  waitingToSend.value = null;
  const exchangeId = newId();
  const exchange = { id: exchangeId, question, ...(attachments.length > 0 && { attachments }), answer: null };
  const defaults = settings.peek().chat;
  const saved = change(id, (conversation) => ask(conversation, exchange, defaults, Date.now()));
  setDraft(id, "");
  await Promise.all([clearAttached(id, saved), answerExchange(exchangeId)]);
}

async function waitForModel(conversationId: string): Promise<void> {
  const { at } = modelState.peek();
  const wait = (): void => void (waitingToSend.value = conversationId);
  if (at === "ready") await reloadForHere(wait);
  else if (at === "loading") wait();
  else if (at === "idle" && storedChoice.peek()?.complete === true) {
    wait();
    await loadModel();
  }
}

/** Sends the waiting message once the model is ready, and lets it rest in the composer if the model does not come or it was left. */
export function startSendingWhenReady(): void {
  effect(() => {
    const waiting = waitingToSend.value;
    if (waiting === null) return;
    const { at } = modelState.value;
    if (waiting !== current.value.id || (at !== "loading" && at !== "ready")) waitingToSend.value = null;
    else if (at === "ready") untracked(() => void send());
  });
}

/** Asks again: the same question for another answer, or an edited one. What stood there stays beside it, with all that followed. */
export async function regenerate(exchangeId: string, edited?: string): Promise<void> {
  const { id: conversationId } = current.peek();
  const exchange = shownExchanges.peek().find(({ id }) => id === exchangeId);
  if (exchange === undefined || !(await canAnswer(conversationId))) return;
  const question = (edited ?? exchange.question).toWellFormed();
  // An answer without a word is nothing to keep.
  if (question === exchange.question && (exchange.answer === null || exchange.answer.text === "")) {
    const saved = change(conversationId, (conversation) => setAnswer(conversation, exchangeId, null, Date.now()));
    await Promise.all([saved, answerExchange(exchangeId)]);
    return;
  }
  const { attachments } = exchange;
  const asked = { id: newId(), question, ...(attachments && { attachments }), answer: null };
  const saved = change(conversationId, (conversation) => askBeside(conversation, exchangeId, asked, Date.now()));
  await Promise.all([saved, answerExchange(asked.id)]);
}

/** Goes on with an answer that ended before it was done. */
export async function continueAnswer(exchangeId: string): Promise<void> {
  const answer = shownExchanges.peek().find(({ id }) => id === exchangeId)?.answer;
  if (answer && answer.text !== "" && (await canAnswer(current.peek().id))) await answerExchange(exchangeId, answer);
}

/** Loads the model anew where this conversation is remembered in another way. */
async function canAnswer(conversationId: string): Promise<boolean> {
  if (generation.peek() !== null || loadedModel.peek() === null) return false;
  await reloadForHere();
  return loadedModel.peek() !== null && generation.peek() === null && current.peek().id === conversationId;
}

export function stop(): void {
  generation.peek()?.stop();
}

/** Ends the answer of a conversation, where one is being made, and resolves once what there is of it is stored. */
export async function endAnswer(conversationId: string): Promise<void> {
  if (generation.peek()?.conversationId !== conversationId) return;
  stop();
  await new Promise<void>((resolve) => {
    const end = effect(() => {
      if (generation.value?.conversationId === conversationId) return;
      resolve();
      queueMicrotask(() => end());
    });
  });
}

/** `before`: an answer to go on with. */
async function answerExchange(exchangeId: string, before?: Answer): Promise<void> {
  const model = loadedModel.peek();
  if (model === null) return;
  const conversation = current.peek();
  const controller = new AbortController();
  generation.value = begin(conversation, exchangeId, before, controller);
  announce(before === undefined ? "Reading your message" : "Going on");
  // From here on the stored conversation may change under another tab; only this exchange's answer is written.
  const save = (answer: Answer) => changeStored(conversation.id, (stored) => setAnswer(stored, exchangeId, answer, Date.now()));
  const { systemPrompt } = settingsHere.peek();
  const prompt = toPrompt(conversation, systemPrompt, textOf, { lastExchangeId: exchangeId, withItsAnswer: before !== undefined });
  const answer = await streamAnswer(model, { ...prompt, session: conversation.id }, before, controller.signal, save);
  await save(answer);
  generation.value = null;
  announceEnd(answer);
}

function begin({ id }: Conversation, exchangeId: string, before: Answer | undefined, controller: AbortController): Generation {
  return {
    conversationId: id,
    exchangeId,
    reading: { done: 0, total: 0 },
    text: before?.text ?? "",
    tokens: 0,
    promptTokens: 0,
    cache: null,
    askedAt: performance.now(),
    answeringSince: null,
    stop: () => controller.abort(),
  };
}

/** Streams one answer into `generation`, storing it now and then; whatever happens, what was written so far comes back. */
async function streamAnswer(
  model: LoadedModel,
  { messages, origins, session }: Prompt & { session: string },
  before: Answer | undefined,
  aborted: AbortSignal,
  save: (answer: Answer) => Promise<void>,
): Promise<Answer> {
  let text = before?.text ?? "";
  let tokens = 0;
  let end: AnswerEnd = "complete";
  let usage: Usage | undefined;
  const pace = new ReadingPace();
  const show = frameBatch(() => update({ text, tokens }));
  const saving = setInterval(() => void save({ text, end: "interrupted" }), SAVE_EVERY_MS);
  try {
    const stream = await model.chat.completions.create({
      ...requestOptions(settingsHere.peek()),
      messages,
      session,
      signal: aborted,
      stream: true,
      ...(before !== undefined && { continue_final_message: true }),
      onPrefill: (done, total) => showReading(pace.report(done, total, performance.now())),
      onCache: (cache) => update({ cache }),
    });
    for await (const chunk of stream) {
      const piece = chunk.choices[0];
      if (piece?.delta.content !== undefined && piece.delta.content !== "") {
        if (tokens === 0) update({ reading: null, answeringSince: performance.now() });
        text += piece.delta.content;
        tokens += chunk.longtab?.tokens ?? 1;
        show.request();
      }
      if (piece?.finish_reason === "length") end = "length";
      usage = chunk.usage ?? usage;
    }
    // A stream may end quietly when it is aborted.
    if (aborted.aborted) end = "stopped";
    if (usage === undefined) return { text, end, ...statsSoFar(tokens) };
    return { text, end, stats: statsFrom(usage, secondsToFirstToken()), ...viewFrom(usage, origins) };
  } catch (error) {
    if (wasAborted(error)) return { text, end: "stopped", ...statsSoFar(tokens) };
    return { text, end: "failed", problem: toProblem(error), ...statsSoFar(tokens) };
  } finally {
    clearInterval(saving);
    show.cancel();
  }
}

function showReading(reading: Reading): void {
  if (generation.peek()?.reading !== null) update({ reading, promptTokens: reading.total });
}

function update(part: Partial<Generation>): void {
  const now = generation.peek();
  if (now !== null) generation.value = { ...now, ...part };
}

function secondsToFirstToken(): number | undefined {
  const now = generation.peek();
  return now === null || now.answeringSince === null ? undefined : (now.answeringSince - now.askedAt) / 1000;
}

function statsSoFar(tokens: number): ReturnType<typeof liveStats> {
  const since = generation.peek()?.answeringSince ?? performance.now();
  return liveStats(tokens, (performance.now() - since) / 1000, secondsToFirstToken() ?? 0);
}

function announceEnd({ text, end, problem }: Answer): void {
  if (end === "failed") announce(`The answer failed. ${problem?.what ?? ""}`);
  else if (end === "stopped") announce("Stopped");
  else announce(`Answer finished. ${text}`);
}
