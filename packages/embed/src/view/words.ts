import { Figures } from "../format.ts";
import { english, fill } from "../strings/index.ts";
import type { StringName, Strings } from "../strings/strings.ts";

/** The widget's words in one language, as a page may have changed them. */
export class Words {
  readonly language: string;
  readonly strings: Strings;
  readonly figures: Figures;

  constructor(language: string, strings: Strings = english) {
    this.language = language;
    this.strings = strings;
    this.figures = new Figures(language);
  }

  say(name: StringName, words: Readonly<Record<string, string>> = {}): string {
    return fill(this.strings, name, words);
  }
}
