import { createRandom } from "@longtab/formats/testing";

/** Common nouns, verbs and adjectives: a token or two each, and none that English puts after another by itself. */
const words =
  `acorn amber anchor apple arrow attic bakes balcony bamboo banjo barley basket beacon bends blanket borrows bottle brave bridge
  bright bronze bucket butter button cabin camel candle canyon carries cedar cellar chalk cherry chimney circle clever climbs clock cloud
  coffee copper coral cotton counts cousin crane crooked crystal curtain dances deep desert doctor donkey dragon drifts drum dusty eagle
  early engine fabric falcon feather fence fern fiddle finds flag flour follows forest fountain fragile garden gathers gentle ginger glacier
  glass golden granite grapes harbour harvest heavy helmet hidden hollow honey horizon hungry island ivory jacket jasmine jungle kettle
  kitchen ladder lantern lazy leather lemon lifts linen listens lizard lonely magnet mango maple marble market meadow melts mirror
  mountain narrow needle nephew noisy northern oak ocean olive orchard otter oyster paints palace paper parcel pebble pepper piano pillow
  pilot planet plum polite pond pottery proud puzzle quarry quiet rabbit rapid raven repairs ribbon river rocket rolls rope royal rusty
  sailor salty sandal scarf sculptor seven shadow shallow sharp shelf shepherd silver sings sleepy smooth snow soldier spider spoon
  squirrel stable statue stone storm sudden sugar summit swamp teacher temple thunder tiger timber tower trades trumpet tunnel turtle
  uncle valley velvet village violin visits wagon walnut warm washes wheel whispers window winter wolf wooden yellow zebra`.split(/\s+/);

/**
 * Sentences of words in random order, the same for the same seed; endless. What a model makes of them cannot be foreseen from their words: n-gram
 * drafts, which are right where a text repeats itself, find nothing here that helps.
 */
export function* randomSentences(seed: number): Generator<string, never> {
  const random = createRandom(seed);
  for (;;) {
    const sentence = Array.from({ length: 5 + random.integer(7) }, () => random.pick(words)).join(" ");
    yield `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
  }
}
