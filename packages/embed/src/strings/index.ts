import { strings as english } from "./en.ts";
import type { StringName, Strings } from "./strings.ts";

export { english };

/** Other languages are fetched when a page or its visitor speaks them. */
const languages: Record<string, () => Promise<{ strings: Strings }>> = {
  ar: async () => import("./ar.ts"),
  de: async () => import("./de.ts"),
  es: async () => import("./es.ts"),
  fr: async () => import("./fr.ts"),
  ja: async () => import("./ja.ts"),
  pt: async () => import("./pt.ts"),
  zh: async () => import("./zh.ts"),
};

/** The first of some language tags ("pt-BR") that the widget speaks, as its own name for it ("pt"); English where it speaks none. */
export function chooseLanguage(tags: readonly string[]): string {
  const spoken = tags.map((tag) => tag.toLowerCase().split(/[-_]/, 1)[0] ?? "");
  return spoken.find((language) => language === "en" || Object.hasOwn(languages, language)) ?? "en";
}

/** A language's strings; English where they cannot be fetched. @param language of `chooseLanguage` */
export async function fetchStrings(language: string): Promise<Strings> {
  try {
    return (await languages[language]?.())?.strings ?? english;
  } catch {
    return english;
  }
}

/** A string with its words in braces replaced. */
export function fill(strings: Strings, name: StringName, words: Readonly<Record<string, string>>): string {
  return strings[name].replace(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole);
}
