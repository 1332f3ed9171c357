import type { JSX } from "preact";

interface SegmentsProps<T extends string> {
  name: string;
  legend: string;
  choices: readonly (readonly [T, string])[];
  chosen: T;
  onChoose: (value: T) => void;
  /** The words are so long that a small phone has no room for them beside their name. */
  long?: boolean;
}

/** One of a few, side by side. */
export function Segments<T extends string>({ name, legend, choices, chosen, onChoose, long = false }: SegmentsProps<T>): JSX.Element {
  return (
    <fieldset class={long ? "segments long" : "segments"}>
      <legend>{legend}</legend>
      {choices.map(([value, label]) => (
        <label key={value} htmlFor={`${name}-${value}`}>
          <input id={`${name}-${value}`} type="radio" name={name} checked={chosen === value} onChange={() => onChoose(value)} />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
