import type { Signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { CHAT_DEFAULTS, type ChatSettings, clamp, MOST_SYSTEM_PROMPT, type NumberRange, RANGES } from "../state/chat-settings.ts";
import { changeChatSettings, type SettingsScope, settingsOf } from "../state/conversation-settings.ts";
import { current, isEmpty } from "../state/conversations.ts";
import { rememberBy } from "../state/memory.ts";
import { ownSampling } from "../state/model.ts";
import { notify } from "../state/notices.ts";
import { changeSettings, settings } from "../state/settings.ts";
import { Remembers } from "./remembers.tsx";
import { Segments } from "./segments.tsx";

const SCOPES: readonly (readonly [SettingsScope, string])[] = [
  ["conversation", "This one"],
  ["defaults", "New ones"],
];

/** How conversations are answered and remembered: the one on screen, or those that begin from now on. */
export function AnswerSettings({ scope: scopeSignal }: { scope: Signal<SettingsScope> }): JSX.Element {
  const scope = scopeSignal.value;
  const { systemPrompt } = settingsOf(scope);
  return (
    <section class="group">
      <h3>Conversations</h3>
      {!isEmpty.value && (
        <Segments
          name="scope"
          legend="These settings are for"
          choices={SCOPES}
          chosen={scope}
          onChoose={(value) => (scopeSignal.value = value)}
          long
        />
      )}
      <p class="scope-line">{scopeLine(scope)}</p>
      <div class="setting">
        <label htmlFor="system-prompt">System prompt</label>
        <textarea
          id="system-prompt"
          rows={3}
          maxLength={MOST_SYSTEM_PROMPT}
          dir="auto"
          placeholder="The model’s own"
          value={systemPrompt}
          onInput={(event) => changeChatSettings(scope, { systemPrompt: event.currentTarget.value })}
        />
        <p class="hint">Tells the model who it is and how to answer.</p>
      </div>
      <Remembers scope={scope} />
      <Slider scope={scope} setting="temperature" label="Temperature">
        0 always takes the likeliest word; higher is freer.
      </Slider>
      <Slider scope={scope} setting="topP" label="Top-p">
        Choose among the likeliest words with this much probability together; 1 is off.
      </Slider>
      <Slider scope={scope} setting="topK" label="Top-k">
        Choose among this many words; 0 is off.
      </Slider>
      <Slider scope={scope} setting="minP" label="Min-p">
        Leave out words below this share of the likeliest one’s probability; 0 is off.
      </Slider>
      <Slider scope={scope} setting="repetitionPenalty" label="Repetition penalty">
        Makes words that were used already less likely; 1 is off.
      </Slider>
      <OptionalNumber scope={scope} setting="maxTokens" label="Longest answer, in tokens" placeholder="no limit" />
      <OptionalNumber scope={scope} setting="seed" label="Seed" placeholder="new each time">
        With the same seed the same question gets the same answer.
      </OptionalNumber>
      <Resets scope={scope} />
    </section>
  );
}

function scopeLine(scope: SettingsScope): JSX.Element {
  if (scope === "conversation")
    return (
      <>
        Only for <strong dir="auto">“{current.value.title}”</strong>. Other conversations keep theirs.
      </>
    );
  return (
    <>
      {isEmpty.value
        ? "New conversations begin with these, this one too."
        : "New conversations begin with these. Those that are there keep theirs."}
    </>
  );
}

function Resets({ scope }: { scope: SettingsScope }): JSX.Element {
  const become = (next: ChatSettings): void => {
    changeChatSettings(scope, next);
    rememberBy(scope, next.context);
  };
  if (scope === "defaults") {
    return (
      <div class="resets">
        <button type="button" class="button" onClick={() => become({ ...CHAT_DEFAULTS, context: settings.peek().chat.context })}>
          Reset to the model’s own
        </button>
      </div>
    );
  }
  return (
    <div class="resets">
      <button type="button" class="button" onClick={() => become(settings.peek().chat)}>
        Take those of new conversations
      </button>
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          changeSettings({ chat: settingsOf("conversation") });
          notify("New conversations begin with these settings from now on.");
        }}
      >
        Use these for new ones
      </button>
    </div>
  );
}

const SAMPLING_NAMES = {
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  minP: "min_p",
  repetitionPenalty: "repetition_penalty",
} as const;

interface SliderProps {
  scope: SettingsScope;
  setting: keyof typeof SAMPLING_NAMES;
  label: string;
  children: ComponentChildren;
}

/** Stands at the model's own value until it is moved. */
function Slider({ scope, setting, label, children }: SliderProps): JSX.Element {
  const range: NumberRange = RANGES[setting];
  const value = settingsOf(scope)[setting] ?? ownSampling.value[SAMPLING_NAMES[setting]];
  const set = (text: string): void => {
    const number = Number.parseFloat(text);
    if (Number.isFinite(number)) changeChatSettings(scope, { [setting]: clamp(number, range) });
  };
  return (
    <div class="setting">
      <div class="setting-head">
        <label htmlFor={setting}>{label}</label>
        <input
          type="number"
          aria-label={`${label}, as a number`}
          {...range}
          value={value}
          onChange={(event) => set(event.currentTarget.value)}
        />
      </div>
      <input
        id={setting}
        type="range"
        aria-describedby={`${setting}-hint`}
        {...range}
        value={value}
        onInput={(event) => set(event.currentTarget.value)}
      />
      <p class="hint" id={`${setting}-hint`}>
        {children}
      </p>
    </div>
  );
}

interface OptionalNumberProps {
  scope: SettingsScope;
  setting: "maxTokens" | "seed";
  label: string;
  placeholder: string;
  children?: ComponentChildren;
}

function OptionalNumber({ scope, setting, label, placeholder, children }: OptionalNumberProps): JSX.Element {
  const change = (text: string): void => {
    const number = Number.parseInt(text, 10);
    changeChatSettings(scope, { [setting]: Number.isFinite(number) ? clamp(number, RANGES[setting]) : null });
  };
  return (
    <div class="setting">
      <div class="setting-head">
        <label htmlFor={setting}>{label}</label>
        <input
          id={setting}
          class="wide"
          type="number"
          {...RANGES[setting]}
          placeholder={placeholder}
          value={settingsOf(scope)[setting] ?? ""}
          onChange={(event) => change(event.currentTarget.value)}
        />
      </div>
      {children !== undefined && <p class="hint">{children}</p>}
    </div>
  );
}
