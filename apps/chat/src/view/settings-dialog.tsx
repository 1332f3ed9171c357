import type { ComponentChildren, JSX } from "preact";
import { ownSampling } from "../state/model.ts";
import { dialog } from "../state/page.ts";
import {
  changeSettings,
  clamp,
  type NumberRange,
  RANGES,
  resetAnswerSettings,
  settings,
  type Settings,
  type Theme,
} from "../state/settings.ts";
import { Sheet } from "./dialog.tsx";
import { Remembers } from "./remembers.tsx";
import { RunsOn } from "./runs-on.tsx";

export function SettingsDialog(): JSX.Element {
  const { theme, autoStart, systemPrompt } = settings.value;
  return (
    <Sheet name="settings" title="Settings">
      <section class="group">
        <h3>Page</h3>
        <fieldset class="segments">
          <legend>Colours</legend>
          {THEMES.map(([value, label]) => (
            <label key={value} htmlFor={`theme-${value}`}>
              <input
                id={`theme-${value}`}
                type="radio"
                name="theme"
                checked={theme === value}
                onChange={() => changeSettings({ theme: value })}
              />
              <span>{label}</span>
            </label>
          ))}
        </fieldset>
        <RunsOn />
        <Remembers />
        <label class="check">
          <input type="checkbox" checked={autoStart} onChange={(event) => changeSettings({ autoStart: event.currentTarget.checked })} />
          Start a stored model when the page opens
        </label>
        <p>
          <button type="button" class="text-button" onClick={() => (dialog.value = "models")}>
            Models and storage
          </button>
        </p>
      </section>
      <section class="group">
        <div class="group-head">
          <h3>Answers</h3>
          <button type="button" class="button quiet" onClick={resetAnswerSettings}>
            Reset to the model’s own
          </button>
        </div>
        <div class="setting">
          <label htmlFor="system-prompt">System prompt</label>
          <textarea
            id="system-prompt"
            rows={3}
            placeholder="The model’s own"
            value={systemPrompt}
            onInput={(event) => changeSettings({ systemPrompt: event.currentTarget.value })}
          />
          <p class="hint">Tells the model who it is and how to answer. Holds for all conversations.</p>
        </div>
        <Slider setting="temperature" label="Temperature">
          0 always takes the likeliest word; higher is freer.
        </Slider>
        <Slider setting="topP" label="Top-p">
          Choose among the likeliest words with this much probability together; 1 is off.
        </Slider>
        <Slider setting="topK" label="Top-k">
          Choose among this many words; 0 is off.
        </Slider>
        <Slider setting="minP" label="Min-p">
          Leave out words below this share of the likeliest one’s probability; 0 is off.
        </Slider>
        <Slider setting="repetitionPenalty" label="Repetition penalty">
          Makes words that were used already less likely; 1 is off.
        </Slider>
        <OptionalNumber setting="maxTokens" label="Longest answer, in tokens" placeholder="no limit" />
        <OptionalNumber setting="seed" label="Seed" placeholder="a new one each time">
          With the same seed the same question gets the same answer.
        </OptionalNumber>
      </section>
    </Sheet>
  );
}

const THEMES: readonly (readonly [Theme, string])[] = [
  ["auto", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
];

const SAMPLING_NAMES = {
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  minP: "min_p",
  repetitionPenalty: "repetition_penalty",
} as const;

interface SliderProps {
  setting: keyof typeof SAMPLING_NAMES;
  label: string;
  children: ComponentChildren;
}

/** Stands at the model's own value until it is moved. */
function Slider({ setting, label, children }: SliderProps): JSX.Element {
  const range: NumberRange = RANGES[setting];
  const value = settings.value[setting] ?? ownSampling.value[SAMPLING_NAMES[setting]];
  const set = (text: string): void => {
    const number = Number.parseFloat(text);
    if (Number.isFinite(number)) changeSettings({ [setting]: clamp(number, range) });
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
  setting: "maxTokens" | "seed";
  label: string;
  placeholder: string;
  children?: ComponentChildren;
}

function OptionalNumber({ setting, label, placeholder, children }: OptionalNumberProps): JSX.Element {
  const change = (text: string): void => {
    const number = Number.parseInt(text, 10);
    const value: Settings["seed"] = Number.isFinite(number) ? clamp(number, RANGES[setting]) : null;
    changeSettings({ [setting]: value });
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
          value={settings.value[setting] ?? ""}
          onChange={(event) => change(event.currentTarget.value)}
        />
      </div>
      {children !== undefined && <p class="hint">{children}</p>}
    </div>
  );
}
