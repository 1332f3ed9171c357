import { computed, effect, signal, untracked } from "@preact/signals";
import type { CacheUsage, LoadedModel, Usage } from "../longtab.ts";
import { attachedHere, clearAttached } from "./attachments.ts";
import { textOf } from "./attached-texts.ts";
import { type Answer, type AnswerEnd, type AnswerStats, ask, type Conversation, setAnswer } from "./conversation.ts";
import { change, current, draft, putQuestionAgain } from "./conversations.ts";
import { setDraft } from "./drafts.ts";
import { frameBatch } from "./frame-batch.ts";
import { type Prompt, toPrompt } from "./messages.ts";
import { loadedModel, loadModel, modelState, storedChoice } from "./model.ts";
import { newId } from "./new-id.ts";
import { placesOf } from "./passages.ts";
import { type Reading, ReadingPace } from "./reading-pace.ts";
import { announce } from "./notices.ts";
import { toProblem, wasAborted } from "./problems.ts";
import { settings } from "./settings.ts";

/** The one answer being made. The model serves one at a time; the conversation it belongs to need not be the one on screen. */
export interface Generation {
  conversationId: string;
  exchangeId: string;
  /** While the prompt is read; null once the answer begins. */
  reading: Reading | null;
  text: string;
  /** Answer tokens so far. */
  tokens: number;
  promptTokens: number;
  /** What the model holds, a few times a second; null before it is known. */
  cache: CacheUsage | null;
  /** Milliseconds of performance.now() at the first token; null before it. */
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
  const measured = current.value.exchanges.findLast(({ answer }) => freshTokens(answer) >= ENOUGH_TO_MEASURE)?.answer?.stats?.prompt;
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
  if (loadedModel.peek() === null) {
    await waitForModel(id);
    return;
  }
  waitingToSend.value = null;
  const exchangeId = newId();
  const exchange = { id: exchangeId, question, ...(attachments.length > 0 && { attachments }), answer: null };
  const saved = change(id, (conversation) => ask(conversation, exchange, Date.now()));
  setDraft(id, "");
  await Promise.all([clearAttached(id, saved), answerExchange(exchangeId)]);
}

async function waitForModel(conversationId: string): Promise<void> {
  const { at } = modelState.peek();
  const startable = at === "idle" && storedChoice.peek()?.complete === true;
  if (at !== "loading" && !startable) return;
  waitingToSend.value = conversationId;
  if (startable) await loadModel();
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

/** Asks again: the same question for another answer, or an edited one. What followed it goes. */
export async function regenerate(exchangeId: string, question?: string): Promise<void> {
  const exchange = current.peek().exchanges.find(({ id }) => id === exchangeId);
  if (exchange === undefined || generation.peek() !== null || loadedModel.peek() === null) return;
  const saved = putQuestionAgain(exchangeId, (question ?? exchange.question).toWellFormed());
  await Promise.all([saved, answerExchange(exchangeId)]);
}

export function stop(): void {
  generation.peek()?.stop();
}

async function answerExchange(exchangeId: string): Promise<void> {
  const model = loadedModel.peek();
  if (model === null) return;
  const conversation = current.peek();
  const controller = new AbortController();
  generation.value = begin(conversation, exchangeId, controller);
  announce("Reading your message");
  // From here on the stored conversation may change under another tab; only this exchange's answer is written.
  const save = (answer: Answer) => change(conversation.id, (stored) => setAnswer(stored, exchangeId, answer, Date.now()));
  const prompt = { ...toPrompt(conversation, settings.peek().systemPrompt, textOf, exchangeId), session: conversation.id };
  const answer = await streamAnswer(model, prompt, controller.signal, save);
  await save(answer);
  generation.value = null;
  announceEnd(answer);
}

function begin({ id }: Conversation, exchangeId: string, controller: AbortController): Generation {
  return {
    conversationId: id,
    exchangeId,
    reading: { done: 0, total: 0 },
    text: "",
    tokens: 0,
    promptTokens: 0,
    cache: null,
    answeringSince: null,
    stop: () => controller.abort(),
  };
}

/** Streams one answer into `generation`, storing it now and then; whatever happens, what was written so far comes back. */
async function streamAnswer(
  model: LoadedModel,
  { messages, origins, session }: Prompt & { session: string },
  aborted: AbortSignal,
  save: (answer: Answer) => Promise<void>,
): Promise<Answer> {
  let text = "";
  let tokens = 0;
  let end: AnswerEnd = "complete";
  let usage: Usage | undefined;
  const pace = new ReadingPace();
  const show = frameBatch(() => update({ text, tokens }));
  const saving = setInterval(() => void save({ text, end: "interrupted" }), SAVE_EVERY_MS);
  try {
    const stream = await model.chat.completions.create({
      ...requestOptions(),
      messages,
      session,
      signal: aborted,
      stream: true,
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
    return { text, end, ...(usage === undefined ? liveStats(tokens) : { stats: statsFrom(usage), ...viewFrom(usage, origins) }) };
  } catch (error) {
    if (wasAborted(error)) return { text, end: "stopped", ...liveStats(tokens) };
    return { text, end: "failed", problem: toProblem(error), ...liveStats(tokens) };
  } finally {
    clearInterval(saving);
    show.cancel();
  }
}

/** Only what a person set: the rest is the model's own. */
function requestOptions() {
  const {
    temperature,
    topP: top_p,
    topK: top_k,
    minP: min_p,
    repetitionPenalty: repetition_penalty,
    maxTokens: max_tokens,
    seed,
  } = settings.peek();
  const chosen = { temperature, top_p, top_k, min_p, repetition_penalty, max_tokens, seed };
  const set = Object.entries(chosen).filter((option): option is [keyof typeof chosen, number] => option[1] !== null);
  return { ...Object.fromEntries(set), stream_options: { include_usage: true } };
}

function showReading(reading: Reading): void {
  if (generation.peek()?.reading !== null) update({ reading, promptTokens: reading.total });
}

function update(part: Partial<Generation>): void {
  const now = generation.peek();
  if (now !== null) generation.value = { ...now, ...part };
}

function statsFrom({ prompt_tokens, prompt_tokens_details, completion_tokens, longtab }: Usage): AnswerStats {
  return {
    tokens: completion_tokens,
    tokensPerSecond: longtab.decode_tokens_per_second,
    prompt: { tokens: prompt_tokens, cached: prompt_tokens_details.cached_tokens, seconds: longtab.prefill_seconds },
    cache: { tokens: longtab.context_tokens, bytes: longtab.kv_bytes, pages: longtab.pages },
  };
}

/** What the answer looked at and could not see, where that is anything. */
function viewFrom(
  { longtab: { retrieved, forgotten, far } }: Usage,
  origins: Prompt["origins"],
): Pick<Answer, "looked" | "outOfView" | "farBack"> {
  const [looked, outOfView, farBack] = [placesOf(retrieved, origins), placesOf(forgotten, origins), placesOf(far, origins)];
  return { ...(looked.length > 0 && { looked }), ...(outOfView.length > 0 && { outOfView }), ...(farBack.length > 0 && { farBack }) };
}

/** Of an answer that was broken off, as far as the page saw it. The first token comes with the prompt: its time is not the answer's. */
function liveStats(tokens: number): { stats?: AnswerStats } {
  const since = generation.peek()?.answeringSince;
  if (tokens < 2 || since === undefined || since === null) return {};
  return { stats: { tokens, tokensPerSecond: ((tokens - 1) * 1000) / (performance.now() - since) } };
}

function announceEnd({ text, end, problem }: Answer): void {
  if (end === "failed") announce(`The answer failed. ${problem?.what ?? ""}`);
  else if (end === "stopped") announce("Stopped");
  else announce(`Answer finished. ${text}`);
}
