/** What stands before a hidden number, and after it. No two begin alike. */
export const facts: readonly (readonly [before: string, after: string])[] = [
  ["The lost ship carried", " barrels of oil."],
  ["The telephone number of the baker is", "."],
  ["The old library holds", " books."],
  ["The train to Prague has the number", "."],
  ["The door of the cellar opens with the code", "."],
  ["The king paid", " coins for the horse."],
  ["The tower was built of", " stones."],
  ["The factory in Lisbon makes", " shoes a year."],
  ["The winner of the race wore the number", "."],
  ["The garden of the queen has", " roses."],
  ["My uncle's bank account ends with", "."],
  ["Around the lake there grow", " birches."],
  ["A letter to Vienna costs", " crowns."],
  ["The astronomer counted", " stars that night."],
  ["Our orchard gave", " apples last autumn."],
  ["The museum's oldest vase is listed under", "."],
  ["Under the bridge the police found", " matches."],
  ["The choir has sung this song", " times."],
  ["In the mountain hut there lie", " blankets."],
  ["The engineer ordered", " screws from Osaka."],
  ["The prisoner's number was", "."],
  ["Every summer the island is visited by", " tourists."],
  ["The miller ground", " sacks of wheat."],
  ["The lighthouse has flashed", " times since then."],
];

export const names: readonly string[] = (
  "Lisbon Oslo Cairo Lima Quito Hanoi Dublin Vienna Athens Madrid Berlin Warsaw Prague Geneva " +
  "Boston Denver Dallas Austin Seattle Toronto Sydney Delhi Mumbai Kyoto Osaka Seoul Manila"
).split(" ");
