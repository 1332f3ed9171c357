/** What is asked about a text: the answer is prose of its own, which copies nothing from the text. */
export function questionAbout(text: string): string {
  return `${text}\n\nForget these words. Tell me how bread is made.`;
}

/** The question about as much of a text as makes at most `tokens` tokens of it; `count` counts a question's, with the chat template's own. */
export async function fitQuestion(text: string, tokens: number, count: (question: string) => number | Promise<number>): Promise<string> {
  let words = text.split(" ");
  for (;;) {
    const question = questionAbout(words.join(" "));
    const length = await count(question);
    if (length <= tokens || words.length === 1) return question;
    words = words.slice(0, Math.max(1, Math.min(words.length - 1, Math.floor((words.length * tokens) / length))));
  }
}
